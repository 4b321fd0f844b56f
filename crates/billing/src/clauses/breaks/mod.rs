//! CL20: what a fall of a counter is taken for: a reset, a counter that passed its highest value, or
//! new firmware. What the rule does not settle waits for a person.
//!
//! The acting code is `ledger::decrease`, and `ledger::segments` counts across what was decided.
//! Deliberately absent: any amount, and a guess that goes beyond these terms.

use super::tax::percent;
use super::{Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::money::Currency;
use report::Share;
use serde::{Deserialize, Serialize};

/// Terms for counters that break. CL20.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Breaks {
    /// How many values counters have before they begin at zero again.
    pub rows: Vec<WidthRow>,
    /// How near to its highest value a counter must have been: 1 % is within the last hundredth.
    pub near: Share,
    /// The most that a printer can count in a day, base units. Without it a fall is never settled by rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_most: Option<i64>,
    /// Whether a fall after a change of firmware is taken for one by it; nothing is counted across it then.
    pub firmware: bool,
}

/// One width of counters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WidthRow {
    /// How many values: 4 294 967 296 for 32 bits, base units.
    pub width: i64,
}

/// The form's fields of a [`WidthRow`].
const ROWS: &[Field] = &[field("width", "Values", Kind::Raw).required().hint("4294967296 for a 32-bit counter")];

impl ClauseTerms for Breaks {
    const FORM: &'static [Field] = &[
        field("rows", "Counters begin again after", Kind::Rows(ROWS)),
        field("near", "How near to the highest value", Kind::Percent).hint("usually 1"),
        field("daily_most", "Most in a day", Kind::Raw).hint("in base units; empty: a person settles every fall"),
        field("firmware", "A fall after new firmware is taken for one by it", Kind::Flag),
    ];
    const ABOUT: &'static str = "CL20: what a fall of a counter is taken for.";

    fn step(&self) -> Step {
        Step::Readings
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let mut words = vec!["A counter that falls begins a new segment; a quantity is never below zero.".to_owned()];
        if self.firmware {
            words.push("A fall after new firmware is taken for one by it; nothing is counted across it.".to_owned());
        }
        if let Some(most) = self.daily_most {
            for row in &self.rows {
                words.push(format!(
                    "A counter with {} values that was within {} of the highest and then rose by at most {most} a day \
                     has begun again.",
                    row.width,
                    percent(self.near)
                ));
            }
            words.push(format!(
                "Any other fall to at most {most} a day is a reset to zero, unless the value comes back or had \
                 jumped up before."
            ));
            words.push(format!("After it broke, a rise by more than {most} a day waits for a person."));
        }
        words.push("What this does not settle waits for a person.".to_owned());
        words
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        for (index, row) in self.rows.iter().enumerate() {
            if row.width < 2 {
                let field = at.at(&format!("rows.{index}.width"));
                problems.push(Problem::at(field, "a counter has at least two values"));
            }
        }
        if !(0..=1_000_000).contains(&self.near.0) {
            problems.push(Problem::at(at.at("near"), "this lies between 0 % and 100 %"));
        }
        if self.daily_most.is_some_and(|most| most <= 0) {
            problems.push(Problem::at(at.at("daily_most"), "a day's most is above zero, or left out"));
        }
        if self.daily_most.is_none() && !self.rows.is_empty() {
            let message = "say the most of a day, so that a counter that began again can be told from a reset";
            problems.push(Problem::at(at.at("daily_most"), message));
        }
    }
}
