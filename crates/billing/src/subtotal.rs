//! Subtotals: the lines of a statement by what jobs were charged to at the printer, an account or a project. Pure.
//!
//! Accounts and projects are personal rows (P4, P7): they are never a part of a statement or its evidence. What is
//! known of them comes beside the statement, as weights. Every line is shared so that its parts add up to it
//! exactly. Deliberately absent: taxes, which are on the whole, and any judgement of what an account is.

use crate::money::{Money, MoneyError, allocate};
use crate::statement::{Line, Statement};
use std::collections::BTreeMap;

/// What one account bears of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtotalPart {
    /// The line's id.
    pub line: String,
    /// Its part of what was used, base units; `None` where the line is for no usage.
    pub quantity: Option<i64>,
    /// Its part of the amount, net, minor units.
    pub amount: Money,
}

/// What one account bears of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtotal {
    /// The account or project; empty for what belongs to none: fees, jobs without one, usage that no job tells.
    pub account: String,
    /// The sum of its parts, net, minor units.
    pub amount: Money,
    /// Line by line, in the statement's order.
    pub parts: Vec<SubtotalPart>,
}

/// The charged lines of a statement by account, sorted by name; what belongs to none comes last.
///
/// `weights` are the quantities of jobs, base units, by line id and account; weights of zero and below count for
/// nothing. What a line says was used and no weight explains belongs to none, and so does a line without weights.
/// The parts of each line add up to its amount, so that all subtotals add up to the net.
///
/// # Errors
///
/// A subtotal does not fit.
pub fn subtotals(
    statement: &Statement,
    weights: &BTreeMap<(String, String), i64>,
) -> Result<Vec<Subtotal>, MoneyError> {
    let mut by_account: BTreeMap<&str, Vec<SubtotalPart>> = BTreeMap::new();
    for line in &statement.lines {
        let Some(amount) = line.amount else { continue };
        let shares = shares(line, weights);
        let places: Vec<i64> = shares.values().copied().collect();
        let quantities = line.used.map(|used| allocate(used, &places));
        let amounts = allocate(amount.0, &places);
        for (place, (account, amount)) in shares.keys().zip(amounts).enumerate() {
            let quantity = quantities.as_ref().and_then(|quantities| quantities.get(place)).copied();
            let part = SubtotalPart { line: line.id.clone(), quantity, amount: Money(amount) };
            by_account.entry(*account).or_default().push(part);
        }
    }
    let none = by_account.remove("").map(|parts| ("", parts));
    let of = |(account, parts): (&str, Vec<SubtotalPart>)| -> Result<Subtotal, MoneyError> {
        let amount = Money::sum(parts.iter().map(|part| part.amount))?;
        Ok(Subtotal { account: account.to_owned(), amount, parts })
    };
    by_account.into_iter().chain(none).map(of).collect()
}

/// Who bears a line, by weights above zero; never nobody.
fn shares<'a>(line: &Line, weights: &'a BTreeMap<(String, String), i64>) -> BTreeMap<&'a str, i64> {
    let first = (line.id.clone(), String::new());
    let of_line = weights.range(first..).take_while(|((id, _), _)| *id == line.id);
    let above_zero = of_line.filter(|(_, weight)| **weight > 0);
    let mut shares: BTreeMap<&str, i64> =
        above_zero.map(|((_, account), weight)| (account.as_str(), *weight)).collect();
    let known: i128 = shares.values().map(|weight| i128::from(*weight)).sum();
    let rest = line.used.map_or(0, |used| i128::from(used) - known);
    // Weights beyond what was used leave nothing; where there are none, the whole line belongs to none.
    let rest = i64::try_from(rest).unwrap_or(0);
    if rest > 0 || shares.is_empty() {
        let none = shares.entry("").or_default();
        *none = none.saturating_add(rest.max(1));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::statement;
    use proptest::prelude::*;

    fn line(id: &str, used: Option<i64>, amount: Option<i64>) -> Line {
        Line { id: id.to_owned(), used, amount: amount.map(Money), ..Line::default() }
    }

    fn weights(all: &[(&str, &str, i64)]) -> BTreeMap<(String, String), i64> {
        all.iter().map(|(line, account, weight)| (((*line).to_owned(), (*account).to_owned()), *weight)).collect()
    }

    /// Account, amount, parts as line and amount.
    fn shown(subtotals: &[Subtotal]) -> Vec<(&str, i64, Vec<(&str, i64)>)> {
        subtotals
            .iter()
            .map(|of| {
                let parts = of.parts.iter().map(|part| (part.line.as_str(), part.amount.0)).collect();
                (of.account.as_str(), of.amount.0, parts)
            })
            .collect()
    }

    #[test]
    fn lines_are_shared_by_what_jobs_used() {
        let statement = statement(vec![
            line("1", None, Some(18_000)),
            line("2.1", Some(300), Some(1_000)),
            line("2.2", Some(10), None),
            line("3", Some(50), Some(500)),
        ]);
        let weights = weights(&[
            ("2.1", "Berg", 100),
            ("2.1", "Amt 61", 100),
            ("2.1", "", 100),
            ("2.2", "Berg", 10),
            ("3", "Berg", 20),
            ("3", "Void", -5),
        ]);
        let found = subtotals(&statement, &weights).expect("subtotals");
        let expected = [
            ("Amt 61", 333, vec![("2.1", 333)]),
            ("Berg", 533, vec![("2.1", 333), ("3", 200)]),
            ("", 18_634, vec![("1", 18_000), ("2.1", 334), ("3", 300)]),
        ];
        assert_eq!(shown(&found), expected);
        assert_eq!(found[1].parts[1].quantity, Some(20));
        assert_eq!(found[2].parts[0].quantity, None);
    }

    #[test]
    fn jobs_that_came_since_change_the_shares_and_not_the_sum() {
        let statement = statement(vec![line("1", Some(100), Some(-99))]);
        let found = subtotals(&statement, &weights(&[("1", "a", 100), ("1", "b", 100), ("10", "c", 5)]));
        let found = found.expect("subtotals");
        let amounts: Vec<(&str, i64)> = found.iter().map(|of| (of.account.as_str(), of.amount.0)).collect();
        assert_eq!(amounts.iter().map(|(_, amount)| amount).sum::<i64>(), -99);
        assert_eq!(amounts.len(), 2);
    }

    #[test]
    fn a_statement_without_weights_belongs_to_no_account() {
        let found = subtotals(&statement(vec![line("1", None, Some(5)), line("2", Some(0), Some(0))]), &weights(&[]));
        assert_eq!(shown(&found.expect("subtotals")), [("", 5, vec![("1", 5), ("2", 0)])]);
        assert!(subtotals(&statement(Vec::new()), &weights(&[])).expect("subtotals").is_empty());
    }

    proptest! {
        #[test]
        fn the_parts_of_each_line_add_up_to_it(
            lines in prop::collection::vec((-9_999_999..9_999_999_i64, prop::option::of(0..1_000_000_i64)), 0..8),
            all in prop::collection::vec((0..8_usize, 0..5_usize, -9..1_000_000_i64), 0..30),
        ) {
            let accounts = ["", "a", "b", "c", "d"];
            let of = |(place, (amount, used)): (usize, (i64, Option<i64>))| {
                line(&place.to_string(), used, Some(amount))
            };
            let statement = statement(lines.into_iter().enumerate().map(of).collect());
            let weights: BTreeMap<(String, String), i64> = all
                .into_iter()
                .map(|(line, account, weight)| ((line.to_string(), accounts[account].to_owned()), weight))
                .collect();
            let found = subtotals(&statement, &weights).expect("subtotals");
            for line in &statement.lines {
                let parts = || found.iter().flat_map(|of| &of.parts).filter(|part| part.line == line.id);
                prop_assert_eq!(parts().map(|part| part.amount.0).sum::<i64>(), line.amount.unwrap_or_default().0);
                let used: Option<i64> = parts().map(|part| part.quantity).sum();
                prop_assert_eq!(used, line.used);
            }
            prop_assert_eq!(found.iter().map(|of| of.amount.0).sum::<i64>(), statement.net.0);
        }
    }
}
