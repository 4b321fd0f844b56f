//! CL26: credit for whole days on which a printer was out of service for longer than agreed.
//!
//! Days are civil days in the contract's zone on which the printer was in the contract. What is credited of a base
//! fee is its amount for a day, in whichever period it is charged, and, where the contract says so, the same part
//! of what is included for each printer (see `allowance`).
//! Deliberately absent: when a printer was out of service, which is a fact of the input.

use super::base_fee::{borne, by_days, label_of};
use super::draft::{Draft, Place, merged};
use super::price_list::check_title;
use super::tax::percent;
use super::{At, Checked, Clause, ClauseTerms};
use crate::contract::{Problem, Step, Terms};
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money};
use crate::period::{Period, PeriodError, time_zone};
use crate::rating::RatingError;
use crate::statement::Line;
use report::Share;
use serde::{Deserialize, Serialize};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// All of it, in parts per million.
const WHOLE: Share = Share(1_000_000);

/// Terms of credit for interruptions. CL26.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interruption {
    /// What the lines are called; "Out of service" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// An outage of at most so many hours is not credited.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub hours: u32,
    /// The share of the base fee of a day that is credited, parts per million.
    #[serde(default = "whole")]
    pub share: Share,
    /// Whether allowances per printer grow by the same days.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub credit_allowance: bool,
}

fn whole() -> Share {
    WHOLE
}

impl Default for Interruption {
    /// The whole fee of each day, after any outage.
    fn default() -> Interruption {
        Interruption { title: None, hours: 0, share: WHOLE, credit_allowance: false }
    }
}

impl ClauseTerms for Interruption {
    const FORM: &'static [Field] = &[
        field("hours", "Outages longer than", Kind::Count).hint("hours"),
        field("share", "Share of the base fee", Kind::Percent).hint("of a day; empty: all of it"),
        field("credit_allowance", "Allowances per printer grow by the same days", Kind::Flag),
    ];
    const ABOUT: &'static str = "CL26: credit for days out of service.";

    fn step(&self) -> Step {
        Step::MoneyCredits
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let share = percent(self.share);
        let mut words = vec![format!(
            "{}: for each whole day of an outage of more than {}, {share} of the day's base fee of the printer is \
             credited.",
            self.title(),
            hours(self.hours)
        )];
        if self.credit_allowance {
            words.push("What is included for each printer grows by the same days.".to_owned());
        }
        words
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        if !(0..=WHOLE.0).contains(&self.share.0) {
            problems.push(Problem::at(at.at("share"), "the share lies between 0 % and 100 %"));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let of = draft.period().days(draft.zone())?.max(1);
        for place in draft.places(&[]) {
            let days = self.days_out(draft, &place)?;
            if days == 0 {
                continue;
            }
            let id = at.id(None, &place.id);
            let (mut amount, mut steps) = (Money::ZERO, Vec::new());
            let share = if self.share == WHOLE { String::new() } else { format!(" × {}", percent(self.share)) };
            for (of, fee) in by_days(draft, &place)?.into_iter().filter(|(_, fee)| !fee.is_zero()) {
                let top = i128::from(self.share.0) * i128::from(days);
                let credit = fee.part(top, i128::from(WHOLE.0) * i128::from(of)).map_err(RatingError::at(&id))?;
                amount = amount.minus(credit).map_err(RatingError::at(&id))?;
                let (fee, credit) = (fee.show(draft.currency), credit.show(draft.currency));
                steps.push(format!("{fee}{share} × {days}/{of} = {credit}"));
            }
            if steps.is_empty() {
                continue;
            }
            let counted = if days == 1 { "1 whole day".to_owned() } else { format!("{days} whole days") };
            let line = Line {
                id,
                title: self.title().to_owned(),
                detail: format!("{}: {counted} of {of}", label_of(&place, draft)),
                amount: Some(amount),
                steps,
                shares: borne(&place, amount, draft),
                ..Line::default()
            };
            draft.push(at, Step::MoneyCredits, line);
        }
        Ok(())
    }

    fn lint(&self, field: &str, terms: &Terms) -> Vec<Problem> {
        let is_fee = |clause: &Clause| matches!(clause, Clause::BaseFee(_));
        if terms.clauses.iter().any(is_fee) || self.credit_allowance {
            return Vec::new();
        }
        vec![Problem::at(field, "there is no base fee that could be credited")]
    }
}

impl Interruption {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Out of service")
    }

    /// The time that outages which are long enough took of a place: as long as the printer filled it while the
    /// contract ran.
    fn outages(&self, draft: &Draft<'_>, place: &Place) -> Vec<Period> {
        let least = i64::from(self.hours).saturating_mul(HOUR);
        let (input, runs) = (draft.input, draft.input.runs);
        let mut out = Vec::new();
        for outage in input.events.outages.iter().filter(|of| of.to.0.saturating_sub(of.from.0) > least) {
            let Ok(whole) = Period::new(outage.from, outage.to) else { continue };
            let stays = place.stays.iter().filter_map(|stay| draft.stays.get(*stay));
            let here = stays.filter(|stay| stay.id == outage.printer).filter_map(|stay| whole.cut(stay.from, stay.to));
            let ran = |part: Period| runs.map_or(Some(part), |runs| part.cut(runs.from, runs.to));
            // Stays that meet, since the printer moved, are one time.
            out.extend(merged(here.filter_map(ran).collect()));
        }
        out
    }

    /// Civil days of the period that lie in an outage with all their hours. A day in two outages counts
    /// once: a place is out of service, however many of its printers are.
    fn days_out(&self, draft: &Draft<'_>, place: &Place) -> Result<i64, PeriodError> {
        let outages = self.outages(draft, place);
        if outages.is_empty() {
            return Ok(0);
        }
        let zone = draft.zone();
        let (first, last) = draft.period().dates(&time_zone(zone)?)?;
        let mut out = 0;
        let (mut day, mut begins) = (first, first.start(zone)?);
        while day <= last {
            let next = day.plus_days(1)?;
            let ends = next.start(zone)?;
            if outages.iter().any(|out| out.start <= begins && ends <= out.end) {
                out += 1;
            }
            (day, begins) = (next, ends);
        }
        Ok(out)
    }
}

fn hours(count: u32) -> String {
    if count == 1 { "1 hour".to_owned() } else { format!("{count} hours") }
}

/// By how many days what is included for a place grows; 0 where no clause of the contract says so.
///
/// A zone or a calendar that cannot be counted in gives 0 here: the clause itself gives the error when it
/// is applied.
pub(crate) fn days(draft: &Draft<'_>, place: &Place) -> i64 {
    let rule = |clause: &Clause| match clause {
        Clause::Interruption(rule) if rule.credit_allowance => rule.days_out(draft, place).ok(),
        _ => None,
    };
    draft.terms.clauses.iter().filter_map(rule).fold(0, i64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_not_said_is_the_whole() {
        let read: Interruption = serde_json::from_str(r#"{"hours":8}"#).expect("terms");
        assert_eq!(read, Interruption { hours: 8, ..Interruption::default() });
    }

    #[test]
    fn terms_are_said_in_words() {
        let euro = Currency::parse("EUR").expect("a currency");
        let rule = Interruption { hours: 8, share: Share(500_000), credit_allowance: true, ..Interruption::default() };
        let expected = [
            "Out of service: for each whole day of an outage of more than 8 hours, 50 % of the day's base fee of the \
             printer is credited.",
            "What is included for each printer grows by the same days.",
        ];
        assert_eq!(rule.in_words(euro), expected);
    }
}
