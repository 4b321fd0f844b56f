//! Replay: periods that were billed, rated once more under proposed terms, side by side.
//!
//! What a person sees before a contract version is saved: the last bills as they were and as they would
//! have been. Deliberately absent: gathering facts again. Usage between readings stands in the inputs as
//! the terms of then worked it out, so that a proposed window or estimate changes nothing here; adjustments
//! of other periods are left out on both sides.

use crate::carry::Carry;
use crate::contract::{Problem, Terms};
use crate::correction::chain;
use crate::period::Period;
use crate::rating::{Input, Rated, RatingError, rate};
use crate::statement::Statement;
use serde::{Deserialize, Serialize};

/// A period under both terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replayed {
    /// The period.
    pub period: Period,
    /// Its statement under the terms in its input.
    pub before: Statement,
    /// Its statement under the proposed terms, or why there is none.
    pub after: Result<Statement, Vec<Problem>>,
}

/// Rates periods that follow each other under their own terms and under proposed ones. Both begin with
/// what the first is given; each later one is given what its own side left. Where a period cannot be rated
/// under the proposed terms, the ones after it cannot either, for the same reason.
///
/// # Errors
///
/// A period cannot be rated under its own terms.
pub fn replay(inputs: &[Input], proposed: &Terms) -> Result<Vec<Replayed>, RatingError> {
    let mut carry: Option<Carry> = None;
    let mut wrong: Option<Vec<Problem>> = None;
    let mut replayed = Vec::with_capacity(inputs.len());
    for (input, before) in inputs.iter().zip(chain(inputs)?) {
        let after = match &wrong {
            Some(problems) => Err(problems.clone()),
            None => under(proposed, input, carry.take()),
        };
        let after = after.map(|rated| {
            carry = Some(rated.carry);
            rated.statement
        });
        if let Err(problems) = &after {
            wrong = Some(problems.clone());
        }
        replayed.push(Replayed { period: input.period, before: before.statement, after });
    }
    Ok(replayed)
}

/// A period under other terms; without carry, with its own.
fn under(terms: &Terms, input: &Input, carry: Option<Carry>) -> Result<Rated, Vec<Problem>> {
    let mut input = Input { terms: terms.clone(), adjustments: Vec::new(), ..input.clone() };
    if let Some(carry) = carry {
        input.carry = carry;
    }
    rate(&input).map_err(|error| match error {
        RatingError::Terms(problems) => problems,
        // Not of one field: the terms as a whole cannot be applied to these facts.
        other => vec![Problem::at("terms", other.to_string())],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::Clause;
    use crate::meter::Pattern;
    use crate::money::{Currency, UnitPrice};
    use crate::period::Reset;
    use crate::rating::PrinterUsage;
    use crate::{Allowance, Price, PriceList, sample};
    use report::Duration;

    fn pattern() -> Pattern {
        Pattern::parse("pages").expect("a pattern")
    }

    fn terms(millionths: i64) -> Terms {
        let clauses =
            vec![Clause::PriceList(PriceList { prices: vec![Price::new(pattern(), UnitPrice { millionths })] })];
        Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") }
    }

    /// A month in which one job printed so many pages.
    fn printed(terms: &Terms, month: i8, pages: i64) -> Input {
        let period = sample::month(month);
        let job = sample::job("j1", period.start.plus(Duration::hours(12)), "pages", pages);
        let printers = vec![PrinterUsage { jobs: vec![job], ..PrinterUsage::new("A", "Studio") }];
        sample::input(terms.clone(), period, printers)
    }

    fn sums(replayed: &[Replayed]) -> Vec<(i64, Option<i64>)> {
        let sums = replayed.iter().map(|of| (of.before.net.0, of.after.as_ref().ok().map(|after| after.net.0)));
        sums.collect()
    }

    #[test]
    fn the_last_bills_stand_beside_those_under_the_proposed_terms() {
        let before = terms(10_000);
        let inputs = [(7, 300), (8, 520), (9, 350)].map(|(month, pages)| printed(&before, month, pages));
        let mut proposed = terms(20_000);
        let covers = vec![pattern()];
        let allowance = Allowance { covers, included: 1_000, reset: Reset::Quarter, ..Allowance::default() };
        proposed.clauses.insert(0, Clause::Allowance(allowance));
        let replayed = replay(&inputs, &proposed).expect("bills");
        // What is included is carried from month to month: 1 000 of 1 170 pages.
        assert_eq!(sums(&replayed), [(300, Some(0)), (520, Some(0)), (350, Some(340))]);
        let same = replay(&inputs, &before).expect("bills");
        assert!(same.iter().all(|of| of.after.as_ref() == Ok(&of.before)));
    }

    #[test]
    fn terms_that_cannot_be_rated_say_why_beside_the_bills_that_were() {
        let before = terms(10_000);
        let inputs = [(7, 300), (8, 520)].map(|(month, pages)| printed(&before, month, pages));
        let replayed = replay(&inputs, &Terms { clauses: Vec::new(), ..before }).expect("bills");
        assert_eq!(sums(&replayed), [(300, None), (520, None)]);
        let problems = |of: &Replayed| of.after.as_ref().err().map(|problems| problems[0].field.clone());
        assert_eq!(problems(&replayed[1]), Some("clauses".to_owned()));
    }

    #[test]
    fn what_does_not_fit_under_the_proposed_terms_stops_only_their_side() {
        let inputs = [printed(&terms(1), 7, i64::MAX / 2)];
        let replayed = replay(&inputs, &terms(i64::MAX)).expect("bills");
        let message = replayed[0].after.as_ref().err().map(|problems| problems[0].to_string());
        assert!(message.is_some_and(|message| message.starts_with("terms: work out the amount of ")));
    }
}
