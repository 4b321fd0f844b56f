//! CL14: how usage is estimated while a reading is missing.
//!
//! The acting code is `ledger::estimate`; an estimate is a fact that falls away by itself when the
//! reading arrives (see `ledger::assemble`). Deliberately absent: when an estimate is made, which a
//! person or the bill run decides.

use super::window::days;
use super::{Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::ledger::Method;
use crate::money::Currency;
use serde::{Deserialize, Serialize};

/// Terms of estimates. CL14.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Estimates {
    /// The ways, tried in this order; the first that has its data is taken.
    pub rows: Vec<MethodRow>,
    /// The most days that one estimate may stand for; 0: as many as are missing.
    pub days: u32,
}

/// One way to estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodRow {
    /// The way.
    pub method: Method,
}

/// The form's words for [`Method`].
const METHODS: &[(&str, &str)] = &[
    ("daily30", "the daily mean of the 30 days before"),
    ("daily60", "the daily mean of the 60 days before"),
    ("daily90", "the daily mean of the 90 days before"),
    ("last-year", "the same days a year ago"),
    ("last-period", "the same days of the period before"),
    ("model", "the daily mean of other printers of its model"),
    ("zero", "nothing"),
];

/// The form's fields of a [`MethodRow`].
const ROWS: &[Field] = &[field("method", "Way", Kind::Choice(METHODS)).required()];

impl ClauseTerms for Estimates {
    const FORM: &'static [Field] = &[
        field("rows", "Estimated by", Kind::Rows(ROWS)).required().hint("the first that has its data is taken"),
        field("days", "At most days", Kind::Count).hint("0: as many as are missing"),
    ];
    const ABOUT: &'static str = "CL14: how usage is estimated while a reading is missing.";

    fn step(&self) -> Step {
        Step::Readings
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let ways: Vec<&str> = self.rows.iter().map(|row| words(row.method)).collect();
        let mut said = vec![
            format!("Where a reading is missing, usage is estimated by {}.", ways.join(", else ")),
            "An estimate is marked. When the reading arrives, every period it touches is worked out again, and the \
             difference is charged or given back."
                .to_owned(),
        ];
        if self.days > 0 {
            said.push(format!("No estimate stands for more than {}.", days(self.days)));
        }
        said
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.rows.is_empty() {
            problems.push(Problem::at(at.at("rows"), "say how usage is estimated"));
        }
        for (index, row) in self.rows.iter().enumerate() {
            let field = || at.at(&format!("rows.{index}.method"));
            let earlier = || self.rows.iter().take(index);
            if earlier().any(|earlier| earlier.method == row.method) {
                problems.push(Problem::at(field(), "this way stands above already"));
            } else if earlier().any(|earlier| earlier.method == Method::Zero) {
                problems.push(Problem::at(field(), "this way is never reached: nothing is always known"));
            }
        }
    }
}

/// The way in words, as the form says it.
fn words(method: Method) -> &'static str {
    METHODS.iter().find(|(word, _)| *word == method.word()).map_or("", |(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_stands_in_the_form() {
        assert!(Method::ALL.into_iter().all(|method| !words(method).is_empty()));
        assert_eq!(METHODS.len(), Method::ALL.len());
    }
}
