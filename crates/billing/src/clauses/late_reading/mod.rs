//! CL13: a fee where the readings of a site do not come within the days of grace.
//!
//! That they did not come is a fact of the input. Deliberately absent: the estimate that stands in for
//! them (see `estimates`), and the visit itself.

use super::draft::Draft;
use super::window::days;
use super::{At, Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::events::LateFact;
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money, allocate};
use crate::rating::RatingError;
use crate::statement::{Line, LineShare};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Terms for late readings. CL13.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LateReading {
    /// What the line is called; "Late reading" when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How many days after the period's end a reading may come without a fee.
    pub grace_days: u32,
    /// The fee for a site, minor units.
    pub site_fee: Money,
    /// The fee for each meter that was not read, minor units.
    pub meter_fee: Money,
    /// Whether usage is estimated after the days of grace, as the contract estimates (CL14).
    pub estimate: bool,
}

impl LateReading {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Late reading")
    }

    /// One site, four meters: 50.00 + 4 × 6.00 = 74.00 (W25).
    fn line(&self, id: String, fact: &LateFact, draft: &Draft<'_>) -> Result<Line, RatingError> {
        let wrong = || RatingError::at(self.title());
        let meters = self.meter_fee.each(i64::from(fact.meters)).map_err(wrong())?;
        let amount = self.site_fee.plus(meters).map_err(wrong())?;
        let named = draft.input.sites.get(&fact.site).map(|site| site.name.as_str());
        let site = named.filter(|name| !name.is_empty()).unwrap_or(&fact.site);
        let counted = if fact.meters == 1 { "1 meter".to_owned() } else { format!("{} meters", fact.meters) };
        let late = format!("{counted}, {} without a reading", days(fact.days));
        let show = |amount: Money| amount.show(draft.currency);
        let sum = format!("{} + {counted} × {} = {}", show(self.site_fee), show(self.meter_fee), show(amount));
        Ok(Line {
            id,
            title: self.title().to_owned(),
            detail: if site.is_empty() { late } else { format!("{site}: {late}") },
            amount: Some(amount),
            steps: vec![sum],
            shares: shares(fact, amount),
            ..Line::default()
        })
    }
}

/// The fee, shared evenly by the printers that were not read.
fn shares(fact: &LateFact, amount: Money) -> Vec<LineShare> {
    let site = Some(fact.site.clone()).filter(|site| !site.is_empty());
    let parts = allocate(amount.0, &vec![1; fact.printers.len()]);
    let share = |(printer, part): (&String, i64)| LineShare {
        printer: printer.clone(),
        site: site.clone(),
        quantity: 0,
        amount: Money(part),
    };
    fact.printers.iter().zip(parts).map(share).collect()
}

impl ClauseTerms for LateReading {
    const FORM: &'static [Field] = &[
        field("grace_days", "Days of grace", Kind::Count).hint("after the period's end"),
        field("site_fee", "Fee for a site", Kind::Money),
        field("meter_fee", "Fee for each meter", Kind::Money),
        field("estimate", "Usage is estimated after the days of grace", Kind::Flag),
    ];
    const ABOUT: &'static str = "CL13: a fee where readings come late.";

    fn step(&self) -> Step {
        Step::Fees
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let (site, meter) = (self.site_fee.show(currency), self.meter_fee.show(currency));
        let mut words = vec![format!(
            "{}: {site} {currency} for a site and {meter} {currency} for each meter that is not read within {} of the \
             period's end.",
            self.title(),
            days(self.grace_days)
        )];
        if self.estimate {
            words.push("Until the reading comes, usage is estimated.".to_owned());
        }
        words
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        for (path, fee) in [("site_fee", self.site_fee), ("meter_fee", self.meter_fee)] {
            if fee < Money(0) {
                problems.push(Problem::at(at.at(path), "a fee cannot be below zero"));
            }
        }
        if self.title.as_deref().is_some_and(|title| title.trim().is_empty()) {
            problems.push(Problem::at(at.at("title"), "give the fee a name, or none at all"));
        }
        let estimates = || at.terms.clauses.iter().any(|clause| matches!(clause, super::Clause::Estimates(_)));
        if self.estimate && !estimates() {
            problems.push(Problem::at(at.at("estimate"), "say in a clause of its own how usage is estimated"));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let input = draft.input;
        let mut late: Vec<&LateFact> = input.events.late.iter().filter(|fact| fact.days > self.grace_days).collect();
        let order = |fact: &LateFact| (fact.site.clone(), fact.days, fact.meters, fact.printers.clone());
        late.sort_by_cached_key(|fact| order(fact));
        let mut of_site: BTreeMap<&str, usize> = BTreeMap::new();
        for fact in late {
            // A site stands once; where facts name it again, the lines are numbered.
            let known = of_site.entry(&fact.site).or_default();
            *known += 1;
            let id = at.id(Some(*known).filter(|number| *number > 1), &fact.site);
            let line = self.line(id, fact, draft)?;
            if line.amount != Some(Money(0)) {
                draft.push(at, Step::Fees, line);
            }
        }
        Ok(())
    }
}
