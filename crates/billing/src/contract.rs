//! Contract terms: everything that rating needs to know, in one version that is never edited.
//!
//! The order of the steps of rating is a part of them. Deliberately absent: who the parties are, which
//! printers are in when (that is input of rating), and lint of what is merely odd. [`Terms::validate`]
//! refuses what cannot be rated.

mod check;
#[cfg(test)]
mod sample;
mod steps;
mod words;

pub use steps::Step;

use crate::clauses::rounding::Point;
use crate::clauses::{Clause, ClauseTerms};
use crate::ledger::Grain;
use crate::meter::{MeterKind, Pattern};
use crate::money::{Currency, Direction};
use crate::period::PeriodRule;
use report::JobStatus;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Which source a kind of meter is billed from. CL32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The printer's job log.
    #[default]
    Jobs,
    /// The printer's lifetime counters.
    Counter,
}

impl Evidence {
    /// The word for pages and exports.
    pub fn word(self) -> &'static str {
        match self {
            Evidence::Jobs => "jobs",
            Evidence::Counter => "counter",
        }
    }
}

/// Where amounts are rounded. CL30.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Each line once, half-up (ties away from zero), to the currency's minor unit.
    #[default]
    LineHalfUp,
    /// Each line once, up (away from zero).
    LineUp,
    /// Each line once, down (towards zero).
    LineDown,
}

impl Rounding {
    /// The words a page shows.
    pub fn words(self) -> &'static str {
        match self {
            Rounding::LineHalfUp => "each line once, half-up",
            Rounding::LineUp => "each line once, up",
            Rounding::LineDown => "each line once, down",
        }
    }

    /// Which way an amount goes.
    pub fn direction(self) -> Direction {
        match self {
            Rounding::LineHalfUp => Direction::HalfUp,
            Rounding::LineUp => Direction::Up,
            Rounding::LineDown => Direction::Down,
        }
    }
}

/// What is wrong with terms, at which field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The field by its path, such as `clauses.1.prices.0.price`.
    pub field: String,
    /// What is wrong with it, in words for a person.
    pub message: String,
}

impl Problem {
    /// A problem of `field`.
    pub fn at(field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// The terms of one version of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The one currency of every price and amount. CL28.
    pub currency: Currency,
    /// The zone that cuts the periods, by its IANA name.
    pub time_zone: String,
    /// What is charged, in the order it is applied.
    pub clauses: Vec<Clause>,
    /// Which source each kind of meter is billed from; the job log where nothing is said. CL32.
    #[serde(default)]
    pub evidence: BTreeMap<MeterKind, Evidence>,
    /// Jobs with these statuses are billed. CL22.
    #[serde(default = "printed_and_scanned")]
    pub billed_statuses: BTreeSet<JobStatus>,
    /// Where amounts are rounded. CL30.
    #[serde(default)]
    pub rounding: Rounding,
    /// When its periods begin; calendar months where nothing is said.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub period: PeriodRule,
    /// The order of the steps of rating; empty: the usual one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// CL22: cancelled and failed jobs are not billed unless a contract says so.
fn printed_and_scanned() -> BTreeSet<JobStatus> {
    [JobStatus::Printed, JobStatus::Scanned].into()
}

impl Terms {
    /// Terms without clauses: every meter from the job log, printed and scanned jobs only.
    pub fn new(currency: Currency, time_zone: impl Into<String>) -> Terms {
        Terms {
            currency,
            time_zone: time_zone.into(),
            clauses: Vec::new(),
            evidence: BTreeMap::new(),
            billed_statuses: printed_and_scanned(),
            rounding: Rounding::default(),
            period: PeriodRule::default(),
            steps: Vec::new(),
        }
    }

    /// The terms of the first clause of a type; `None` where there is none.
    pub(crate) fn rule<T: ClauseTerms>(&self) -> Option<&T> {
        self.clauses.iter().find_map(|clause| clause.any().downcast_ref::<T>())
    }

    /// What carry, references and payers call the clause at `index`: its own key, else its word and its
    /// number among those of that word, `allowance.2`. Empty where there is no such clause.
    pub fn key_of(&self, index: usize) -> String {
        let Some(clause) = self.clauses.get(index) else { return String::new() };
        if let Some(key) = clause.key() {
            return key.to_owned();
        }
        let word = clause.word();
        let number = self.clauses.iter().take(index + 1).filter(|clause| clause.word() == word).count();
        format!("{word}.{number}")
    }

    /// The place of the clause that is called `key`.
    pub fn index_of(&self, key: &str) -> Option<usize> {
        (0..self.clauses.len()).find(|index| self.key_of(*index) == key)
    }

    /// Whether sums of jobs are enough to rate by: usual statuses, and no clause looks at single jobs.
    pub fn by_sums(&self) -> bool {
        let single = |clause: &Clause| match clause {
            Clause::Coverage(_) | Clause::MediaClass(_) | Clause::Copies(_) => true,
            Clause::QuantityRounding(rounding) => rounding.point != Point::Period,
            _ => false,
        };
        self.billed_statuses == printed_and_scanned() && !self.clauses.iter().any(single)
    }

    /// The source that a kind of meter is billed from.
    pub fn evidence_of(&self, kind: MeterKind) -> Evidence {
        self.evidence.get(&kind).copied().unwrap_or_default()
    }

    /// Whether a job of that status is billed. A job without a status is billed as a printed one: the
    /// printer remembers it as finished and says what it used.
    pub fn bills(&self, status: Option<JobStatus>) -> bool {
        self.billed_statuses.contains(&status.unwrap_or(JobStatus::Printed))
    }

    /// The kinds of meters that any clause reads.
    pub fn kinds(&self) -> BTreeSet<MeterKind> {
        self.patterns().map(|pattern| pattern.meter).collect()
    }

    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.clauses.iter().flat_map(Clause::patterns)
    }

    /// How finely the counters of a kind must be told apart for the patterns there are.
    pub(crate) fn grain(&self, kind: MeterKind) -> Grain {
        let (mut part, mut media) = (false, false);
        for pattern in self.patterns().filter(|pattern| pattern.meter == kind) {
            part |= pattern.has_part();
            media |= pattern.media.is_some();
        }
        match (part, media) {
            (true, _) => Grain::Part,
            (false, true) => Grain::Media,
            (false, false) => Grain::Total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sample::{allowance, fee, keyed, prices, tax, terms};
    use super::*;
    use crate::{PriceList, Tax};

    #[test]
    fn terms_survive_storage_and_refuse_unknown_fields() {
        let mut stored = terms(vec![fee(18_000), prices(&["pages"]), tax()]);
        stored.evidence.insert(MeterKind::Pages, Evidence::Counter);
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), stored);
        let odd = text.replacen("\"amount\"", "\"amuont\"", 1);
        assert!(serde_json::from_str::<Terms>(&odd).is_err());
        let shortest = r#"{"currency":"EUR","time_zone":"UTC","clauses":[]}"#;
        let terms: Terms = serde_json::from_str(shortest).unwrap();
        assert!(terms.bills(Some(JobStatus::Printed)) && !terms.bills(Some(JobStatus::Cancelled)));
    }

    #[test]
    fn clauses_are_called_by_their_key_or_by_their_word_and_number() {
        let mono = "area-printed/mono-line";
        let terms = terms(vec![fee(1), allowance(mono), keyed(mono, "hall"), fee(2), allowance(mono), prices(&[mono])]);
        let keys: Vec<String> = (0..7).map(|index| terms.key_of(index)).collect();
        assert_eq!(keys, ["base-fee.1", "allowance.1", "hall", "base-fee.2", "allowance.3", "price-list.1", ""]);
        assert_eq!(
            (terms.index_of("hall"), terms.index_of("allowance.3"), terms.index_of("x")),
            (Some(2), Some(4), None)
        );
        assert_eq!(terms.rule::<PriceList>().map(|list| list.prices.len()), Some(1));
        assert!(terms.rule::<Tax>().is_none());
    }

    #[test]
    fn sums_are_enough_for_the_usual_statuses_only() {
        let mut terms = terms(vec![prices(&["pages"])]);
        assert!(terms.by_sums());
        terms.billed_statuses.insert(JobStatus::Failed);
        assert!(!terms.by_sums());
    }
}
