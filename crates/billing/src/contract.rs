//! Contract terms: everything that rating needs to know, in one version that is never edited.
//!
//! Deliberately absent: who the parties are, which printers are in when (that is input of rating), and
//! lint of what is merely odd. [`Terms::validate`] refuses what cannot be rated.

use crate::clauses::Clause;
use crate::ledger::Grain;
use crate::meter::{MeterKind, Pattern};
use crate::money::{Currency, Money};
use crate::period::time_zone;
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
        }
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

    /// Every reason why these terms cannot be rated.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        if let Err(error) = time_zone(&self.time_zone) {
            problems.push(Problem::at("time_zone", error.to_string()));
        }
        if self.clauses.is_empty() {
            problems.push(Problem::at("clauses", "a contract needs at least one clause"));
        }
        for (index, clause) in self.clauses.iter().enumerate() {
            clause.validate(&format!("clauses.{index}"), &mut problems);
        }
        self.validate_order(&mut problems);
        for kind in self.kinds() {
            if self.evidence_of(kind) == Evidence::Counter {
                self.validate_counter(kind, &mut problems);
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Clauses work in their order: an allowance before the prices it lowers, tax on all that stands
    /// before it.
    fn validate_order(&self, problems: &mut Vec<Problem>) {
        let first_prices = self.clauses.iter().position(|clause| matches!(clause, Clause::PriceList(_)));
        for (index, clause) in self.clauses.iter().enumerate() {
            let field = format!("clauses.{index}");
            match clause {
                Clause::Allowance(_) if first_prices.is_none_or(|first| first < index) => {
                    problems.push(Problem::at(field, "an allowance must stand before the price list it lowers"));
                }
                Clause::Tax(_) if index + 1 != self.clauses.len() => {
                    problems.push(Problem::at(field, "tax must be the last clause"));
                }
                _ => {}
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

    /// The terms in plain sentences, in the order of the clauses.
    pub fn in_words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "Amounts are in {}. Periods are cut in the time zone {}; the first instant of the next period is not in.",
            self.currency, self.time_zone
        )];
        for clause in &self.clauses {
            words.extend(clause.in_words(self.currency));
        }
        for kind in self.kinds() {
            let source = match self.evidence_of(kind) {
                Evidence::Jobs => "the printer's job log",
                Evidence::Counter => "the printer's lifetime counters",
            };
            words.push(format!("The source for {} is {source}.", kind.label()));
        }
        if self.kinds().into_iter().any(|kind| self.evidence_of(kind) == Evidence::Jobs) {
            words.push(self.statuses_in_words());
        }
        let Rounding::LineHalfUp = self.rounding;
        let smallest = Money(1).show(self.currency);
        words.push(format!("Each line is rounded once, half-up, to {smallest} {}.", self.currency));
        words
    }

    fn statuses_in_words(&self) -> String {
        let (billed, not): (Vec<JobStatus>, Vec<JobStatus>) =
            JobStatus::ALL.into_iter().partition(|status| self.billed_statuses.contains(status));
        let list = |statuses: &[JobStatus]| match statuses {
            [] => "no".to_owned(),
            statuses => statuses.iter().map(|status| status.word()).collect::<Vec<_>>().join(" and "),
        };
        if not.is_empty() {
            return format!("Billed are {} jobs.", list(&billed));
        }
        format!("Billed are {} jobs; {} jobs are not.", list(&billed), list(&not))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Allowance, BaseFee, Per, Price, PriceList, Tax, UnitPrice};
    use report::Share;

    fn price(pattern: &str) -> Price {
        let pattern = Pattern::parse(pattern).unwrap();
        Price { title: None, pattern, price: UnitPrice { millionths: 140_000 } }
    }

    fn prices(patterns: &[&str]) -> Clause {
        Clause::PriceList(PriceList { prices: patterns.iter().map(|pattern| price(pattern)).collect() })
    }

    fn allowance(pattern: &str) -> Clause {
        Clause::Allowance(Allowance { covers: vec![Pattern::parse(pattern).unwrap()], included: 400_000_000 })
    }

    fn tax() -> Clause {
        Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(210_000) })
    }

    fn terms(clauses: Vec<Clause>) -> Terms {
        Terms { clauses, ..Terms::new(Currency::parse("EUR").unwrap(), "Europe/Amsterdam") }
    }

    fn fields(terms: &Terms) -> Vec<String> {
        terms.validate().err().unwrap_or_default().into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn what_cannot_be_rated_is_refused_at_its_field() {
        let mono = "area-printed/mono-line";
        let cases = [
            (terms(vec![]), vec!["clauses"]),
            (terms(vec![prices(&[mono])]), vec![]),
            (terms(vec![allowance(mono), prices(&[mono]), tax()]), vec![]),
            (terms(vec![prices(&[mono]), allowance(mono)]), vec!["clauses.1"]),
            (terms(vec![allowance(mono)]), vec!["clauses.0"]),
            (terms(vec![tax(), prices(&[mono])]), vec!["clauses.0"]),
            (terms(vec![prices(&[])]), vec!["clauses.0.prices"]),
            (terms(vec![prices(&["area-printed", mono])]), vec!["clauses.0.prices.1.pattern"]),
            (Terms { time_zone: "Nowhere".to_owned(), ..terms(vec![prices(&[mono])]) }, vec!["time_zone"]),
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

    #[test]
    fn terms_survive_storage_and_refuse_unknown_fields() {
        let fee = BaseFee { title: None, amount: Money(18_000), per: Per::Contract };
        let mut stored = terms(vec![Clause::BaseFee(fee), prices(&["pages"]), tax()]);
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
    fn terms_are_said_in_words() {
        let fee = BaseFee { title: None, amount: Money(18_000), per: Per::Contract };
        let mono = "area-printed/mono-line";
        let words = terms(vec![Clause::BaseFee(fee), allowance(mono), prices(&[mono]), tax()]).in_words();
        let expected = [
            "Amounts are in EUR. Periods are cut in the time zone Europe/Amsterdam; \
             the first instant of the next period is not in.",
            "Base fee: 180.00 EUR each period.",
            "Included each period: 400.00 m² of Monochrome lines, area printed. What is not used lapses.",
            "Monochrome lines, area printed: 0.14 EUR per m².",
            "Usage that no price matches is shown and not billed.",
            "VAT: 21 % on the sum of the lines.",
            "The source for area printed is the printer's job log.",
            "Billed are printed and scanned jobs; cancelled and failed jobs are not.",
            "Each line is rounded once, half-up, to 0.01 EUR.",
        ];
        assert_eq!(words, expected);
    }
}
