//! CL19: a printer or its board is replaced: the old counter ends, the new one begins, the rest of the
//! contract goes on.
//!
//! What each counter counts is worked out in `ledger`; fees, allowances and minimums go on because the
//! successor fills the same place. Deliberately absent: who replaced it and when, which are facts.

use super::{Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::money::Currency;
use serde::{Deserialize, Serialize};

/// What of the time between the last reading of the old counter and the first of the new one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// Nothing is charged for it; the statement names it.
    #[default]
    Ignore,
    /// It is estimated from what was used before, and marked.
    Estimate,
}

/// Terms for a replaced printer. CL19.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replaced {
    /// What of the time that neither counter shows.
    pub gap: Gap,
}

/// The form's words for [`Gap`].
const GAP: &[(&str, &str)] = &[("ignore", "not charged, named"), ("estimate", "estimated, marked")];

impl ClauseTerms for Replaced {
    const FORM: &'static [Field] = &[field("gap", "Time that neither counter shows", Kind::Choice(GAP))];
    const ABOUT: &'static str = "CL19: what counts when a printer or its board is replaced.";

    fn step(&self) -> Step {
        Step::Readings
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let gap = match self.gap {
            Gap::Ignore => "Nothing is charged for the time that neither counter shows; the statement names it.",
            Gap::Estimate => "The time that neither counter shows is estimated from the use before it, and marked.",
        };
        let goes_on = "When a printer is replaced, the old counter counts to its last reading and the new one from its \
                       first; fees and allowances go on.";
        vec![goes_on.to_owned(), gap.to_owned()]
    }

    fn validate(&self, _at: &Checked<'_>, _problems: &mut Vec<Problem>) {}
}
