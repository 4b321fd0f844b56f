//! CL15: how near to the edge of a period a reading must be to stand for it.
//!
//! The acting code is `ledger::edges`. Deliberately absent: any amount, and what a person's reading is
//! worth (see `proof`).

use super::{Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::money::Currency;
use serde::{Deserialize, Serialize};

/// More days than this before or after an edge are no window, but another period.
const DAYS_MAX: u32 = 60;

/// What stands for the edge where no reading lies in the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// The last reading before it.
    #[default]
    Last,
    /// The value worked out between the readings around it, by time.
    Interpolate,
    /// The last reading before it, and the statement waits until a person looks.
    Missing,
}

/// Terms of a reading window. CL15.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Window {
    /// How many days before the edge a reading may be.
    pub before_days: u32,
    /// How many days after it.
    pub after_days: u32,
    /// What stands for it where there is none.
    pub otherwise: Otherwise,
}

/// The form's words for [`Otherwise`].
const OTHERWISE: &[(&str, &str)] = &[
    ("last", "the last reading before"),
    ("interpolate", "worked out between the readings around"),
    ("missing", "the last one before, and a person looks"),
];

impl ClauseTerms for Window {
    const FORM: &'static [Field] = &[
        field("before_days", "Days before the edge", Kind::Count).hint("a reading this many days early still counts"),
        field("after_days", "Days after the edge", Kind::Count),
        field("otherwise", "Where there is none", Kind::Choice(OTHERWISE)),
    ];
    const ABOUT: &'static str = "CL15: how near to a period's edge a reading must be.";

    fn step(&self) -> Step {
        Step::Readings
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let otherwise = match self.otherwise {
            Otherwise::Last => "the last reading before it stands for it",
            Otherwise::Interpolate => "the value is worked out between the readings around it",
            Otherwise::Missing => "the last reading before it stands for it once a person has looked",
        };
        let (before, after) = (days(self.before_days), days(self.after_days));
        vec![format!(
            "The counter at the edge of a period is the reading nearest to it, from {before} before to {after} after. \
             Where there is none, {otherwise}."
        )]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        for (field, value) in [("before_days", self.before_days), ("after_days", self.after_days)] {
            if value > DAYS_MAX {
                problems.push(Problem::at(at.at(field), format!("a window of more than {DAYS_MAX} days is none")));
            }
        }
    }
}

/// `1 day`, `10 days`.
pub(crate) fn days(count: u32) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}
