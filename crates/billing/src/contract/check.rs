//! What cannot be rated: every reason at its field.
//!
//! Deliberately absent: what is merely odd (see `lint`), and what a clause refuses of itself, which its folder says.

use super::{Evidence, Problem, Step, Terms};
use crate::clauses::{Checked, Clause};
use crate::meter::{MeterKind, Pattern};
use crate::period::time_zone;
use std::collections::BTreeSet;

impl Terms {
    /// Every reason why these terms cannot be rated.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        if let Err(error) = time_zone(&self.time_zone) {
            problems.push(Problem::at("time_zone", error.to_string()));
        }
        if self.clauses.is_empty() {
            problems.push(Problem::at("clauses", "a contract needs at least one clause"));
        }
        self.validate_period(&mut problems);
        self.validate_steps(&mut problems);
        for (index, clause) in self.clauses.iter().enumerate() {
            clause.validate(&Checked { field: format!("clauses.{index}"), terms: self }, &mut problems);
        }
        self.validate_clauses(&mut problems);
        for kind in self.kinds() {
            if self.evidence_of(kind) == Evidence::Counter {
                self.validate_counter(kind, &mut problems);
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn validate_period(&self, problems: &mut Vec<Problem>) {
        if !(1..=28).contains(&self.period.day) {
            problems.push(Problem::at("period.day", "periods begin on a day from 1 to 28, which every month has"));
        }
        if !(1..=12).contains(&self.period.first_month) {
            problems.push(Problem::at("period.first_month", "the first month is a number from 1 to 12"));
        }
    }

    /// What clauses must be to each other: their names differ, rules stand once, an allowance has a price
    /// that it lowers.
    fn validate_clauses(&self, problems: &mut Vec<Problem>) {
        let priced = self.clauses.iter().any(|clause| clause.step() == Step::Prices);
        let mut keys = BTreeSet::new();
        let mut once = BTreeSet::new();
        for (index, clause) in self.clauses.iter().enumerate() {
            let field = format!("clauses.{index}");
            if !keys.insert(self.key_of(index)) {
                problems.push(Problem::at(format!("{field}.key"), "another clause has this name already"));
            }
            if matches!(clause, Clause::Allowance(_)) && !priced {
                problems.push(Problem::at(field.as_str(), "an allowance needs a price that it lowers"));
            }
            if let Some(rule) = stands_once(clause)
                && !once.insert(rule)
            {
                problems.push(Problem::at(field, "this clause stands already; a contract has it once"));
            }
        }
    }

    /// Counters know media used, not area printed, and tell categories or media apart, never both.
    fn validate_counter(&self, kind: MeterKind, problems: &mut Vec<Problem>) {
        let field = format!("evidence.{}", kind.word());
        if kind == MeterKind::AreaPrinted {
            problems.push(Problem::at(field, "no counter counts the area printed; bill it from jobs"));
            return;
        }
        let of_kind = || self.patterns().filter(move |pattern| pattern.meter == kind);
        let by_media = of_kind().any(|pattern| pattern.media.is_some());
        if by_media && kind != MeterKind::AreaMedia {
            let message = format!("no counter of {} tells the media apart", kind.label());
            problems.push(Problem::at(field, message));
        } else if by_media && of_kind().any(Pattern::has_part) {
            let message = "counters tell categories or media apart, never both; bill from jobs, or drop one";
            problems.push(Problem::at(field, message));
        }
    }
}

/// What a clause is called that a contract has at most once: taxes, rules of how facts are read, and
/// the rounding of a meter's quantities. Escalations are applied one after the other.
fn stands_once(clause: &Clause) -> Option<(&'static str, Option<MeterKind>)> {
    let step = clause.step();
    match clause {
        Clause::Escalation(_) => None,
        Clause::QuantityRounding(rounding) => Some((clause.word(), Some(rounding.meter))),
        Clause::Tax(_) => Some((clause.word(), None)),
        _ if matches!(step, Step::Readings | Step::Usage) => Some((clause.word(), None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{allowance, fields, keyed, prices, tax, terms};
    use super::*;
    use crate::period::PeriodRule;

    #[test]
    fn what_cannot_be_rated_is_refused_at_its_field() {
        let mono = "area-printed/mono-line";
        let cases = [
            (terms(vec![]), vec!["clauses"]),
            (terms(vec![prices(&[mono])]), vec![]),
            (terms(vec![allowance(mono), prices(&[mono]), tax()]), vec![]),
            (terms(vec![prices(&[mono]), allowance(mono)]), vec![]),
            (terms(vec![allowance(mono)]), vec!["clauses.0"]),
            (terms(vec![tax(), prices(&[mono])]), vec![]),
            (terms(vec![tax(), prices(&[mono]), tax()]), vec!["clauses.2"]),
            (terms(vec![keyed(mono, "a"), keyed(mono, "a"), prices(&[mono])]), vec!["clauses.1.key"]),
            (terms(vec![keyed(mono, "a"), keyed(mono, "b"), prices(&[mono])]), vec![]),
            (terms(vec![keyed(mono, "allowance.2"), allowance(mono), prices(&[mono])]), vec!["clauses.1.key"]),
            (terms(vec![prices(&[])]), vec!["clauses.0.prices"]),
            (terms(vec![prices(&["area-printed", mono])]), vec!["clauses.0.prices.1.pattern"]),
            (Terms { time_zone: "Nowhere".to_owned(), ..terms(vec![prices(&[mono])]) }, vec!["time_zone"]),
            (
                Terms {
                    period: PeriodRule { day: 29, first_month: 13, ..PeriodRule::default() },
                    ..terms(vec![prices(&[mono])])
                },
                vec!["period.day", "period.first_month"],
            ),
        ];
        for (terms, expected) in cases {
            assert_eq!(fields(&terms), expected, "{:?}", terms.clauses);
        }
    }

    #[test]
    fn counters_cannot_prove_what_they_do_not_count() {
        // Patterns, kind billed from counters, field refused.
        let cases = [
            (vec!["area-printed/mono-line"], MeterKind::AreaPrinted, vec!["evidence.area-printed"]),
            (vec!["area-media/mono-line", "area-media@Bond"], MeterKind::AreaMedia, vec!["evidence.area-media"]),
            (vec!["area-media@Bond", "area-media"], MeterKind::AreaMedia, vec![]),
            (vec!["length@Bond"], MeterKind::Length, vec!["evidence.length"]),
            (vec!["ink/cyan", "ink"], MeterKind::Ink, vec![]),
        ];
        for (patterns, kind, expected) in cases {
            let mut terms = terms(vec![prices(&patterns)]);
            terms.evidence.insert(kind, Evidence::Counter);
            assert_eq!(fields(&terms), expected, "{patterns:?}");
        }
    }
}
