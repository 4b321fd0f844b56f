//! CL32: which evidence counts: how far counter and jobs may lie apart, what a person's reading is worth,
//! and how long the customer may object.
//!
//! Which source each meter is billed from stays in [`Terms::evidence`](crate::Terms). The acting code is
//! `ledger::assemble` and `readiness`. Deliberately absent: any amount.

use super::tax::percent;
use super::window::days;
use super::{Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::money::Currency;
use report::Share;
use serde::{Deserialize, Serialize};

/// What happens when counter and jobs lie further apart than agreed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beyond {
    /// It is shown.
    #[default]
    Show,
    /// The statement waits until a person has signed it.
    Hold,
}

/// When a reading that a person says counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manual {
    /// Where the printer gave none near it.
    #[default]
    WhenMissing,
    /// Not at all; opening readings alone begin a counter.
    Never,
    /// Like the printer's own.
    Always,
}

/// Terms of proof. CL32.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proof {
    /// How far what is not explained between counter and jobs may be of the counter, parts per million;
    /// 0: it is not looked at.
    pub tolerance: Share,
    /// What happens beyond it.
    pub beyond: Beyond,
    /// When a person's reading counts.
    pub manual: Manual,
    /// For how many days after it was issued the customer may object; 0: nothing is agreed.
    pub objection_days: u32,
}

/// The form's words for [`Beyond`].
const BEYOND: &[(&str, &str)] = &[("show", "it is shown"), ("hold", "the statement waits for a signature")];
/// The form's words for [`Manual`].
const MANUAL: &[(&str, &str)] = &[
    ("when-missing", "where the printer gave none near it"),
    ("never", "not at all"),
    ("always", "like the printer's own"),
];

impl ClauseTerms for Proof {
    const FORM: &'static [Field] = &[
        field("tolerance", "Counter and jobs may differ by", Kind::Percent).hint("empty: this is not looked at"),
        field("beyond", "Beyond that", Kind::Choice(BEYOND)),
        field("manual", "A person's reading counts", Kind::Choice(MANUAL)),
        field("objection_days", "Days to object", Kind::Count),
    ];
    const ABOUT: &'static str = "CL32: which evidence counts, and how long the customer may object.";

    fn step(&self) -> Step {
        Step::Readings
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let mut words = Vec::new();
        if self.tolerance.0 > 0 {
            let beyond = match self.beyond {
                Beyond::Show => "beyond that the statement shows it",
                Beyond::Hold => "beyond that the statement waits until a person has signed why",
            };
            let tolerance = percent(self.tolerance);
            words.push(format!(
                "What is not explained between a printer's counter and its jobs may be {tolerance}; {beyond}."
            ));
        }
        let manual = match self.manual {
            Manual::WhenMissing => "A reading that a person enters counts where the printer gave none near it.",
            Manual::Never => "Readings that a person enters do not count; opening readings begin a counter.",
            Manual::Always => "A reading that a person enters counts like the printer's own.",
        };
        words.push(manual.to_owned());
        if self.objection_days > 0 {
            let days = days(self.objection_days);
            words.push(format!("The customer may object for {days} after the statement was issued."));
        }
        words
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if !(0..=1_000_000).contains(&self.tolerance.0) {
            problems.push(Problem::at(at.at("tolerance"), "a tolerance lies between 0 % and 100 %"));
        }
        if self.beyond == Beyond::Hold && self.tolerance.0 == 0 {
            problems.push(Problem::at(at.at("tolerance"), "say how far counter and jobs may differ"));
        }
    }
}
