//! CL22: test, service and spoilt prints are credited, as a quantity or as money.
//!
//! As a quantity they are taken off the usage before anything is included; as money, what they made the
//! usage cost more is given back: within an allowance that is nothing (W15). Deliberately absent: which
//! prints those are, which people say, and jobs that are not billed for their status, which is a field of
//! the terms.

use super::draft::Draft;
use super::price_list::check_title;
use super::{At, Checked, Clause, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::events::{CreditFact, CreditReason};
use crate::form::{Field, Kind, field};
use crate::meter::{Meter, label};
use crate::money::{Currency, Money, allocate};
use crate::rating::{RatingError, usage_net};
use crate::statement::{Line, LineShare};
use report::Instant;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How prints are credited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Taken off the usage.
    #[default]
    Quantity,
    /// Given back as money.
    Money,
}

/// Terms of credit. CL22.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// What the line is called; "Credit for" and the reasons when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How prints are credited.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub how: How,
}

impl ClauseTerms for Credit {
    const FORM: &'static [Field] = &[field(
        "how",
        "Credited",
        Kind::Choice(&[("quantity", "taken off the usage"), ("money", "given back as money")]),
    )];
    const ABOUT: &'static str = "CL22: credit for test and service prints.";

    fn step(&self) -> Step {
        match self.how {
            How::Quantity => Step::QuantityCredits,
            How::Money => Step::MoneyCredits,
        }
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let words = match self.how {
            How::Quantity => "Credited prints are taken off the usage before anything is included or priced.",
            How::Money => "For credited prints, what they made the usage cost more is given back.",
        };
        vec![words.to_owned()]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        let is_credit = |clause: &Clause| matches!(clause, Clause::Credit(_));
        let first = at.terms.clauses.iter().position(is_credit);
        if first.is_some_and(|first| format!("clauses.{first}") != at.field) {
            problems.push(Problem::at(at.field.as_str(), "this clause stands already; nothing is credited twice"));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        note_strangers(draft);
        match self.how {
            How::Quantity => lower_all(draft),
            How::Money => self.give_back(at, draft),
        }
    }
}

/// What tells one credit from another, those that say most of what was printed first, so that a credit of
/// any category takes what the others left.
fn order(fact: &CreditFact) -> (bool, bool, Instant, &str, &Meter, Option<&str>, i64, CreditReason, &str) {
    let (whole, any_media) = (fact.meter.part().is_none(), fact.media.is_none());
    let (media, note) = (fact.media.as_deref(), fact.note.as_str());
    (whole, any_media, fact.at, fact.printer.as_str(), &fact.meter, media, fact.quantity, fact.reason, note)
}

/// The credits of the period, each with the stay in which it was printed, in an order of their own.
fn credits<'a>(draft: &Draft<'a>) -> Vec<(&'a CreditFact, Option<usize>)> {
    let (input, period) = (draft.input, draft.period());
    let mut facts: Vec<&CreditFact> =
        input.events.credits.iter().filter(|fact| period.contains(fact.at) && fact.quantity > 0).collect();
    facts.sort_by(|a, b| order(a).cmp(&order(b)));
    let stay_of =
        |fact: &CreditFact| draft.stays.iter().position(|stay| stay.id == fact.printer && stay.holds(fact.at, period));
    facts.into_iter().map(|fact| (fact, stay_of(fact))).collect()
}

/// `12.00 m² of Monochrome lines, area printed`.
fn quantity_of(fact: &CreditFact) -> String {
    let meter = &fact.meter;
    let usage = label(meter.kind(), meter.category().as_ref(), meter.colour(), fact.media.as_deref());
    format!("{} of {usage}", meter.unit().show(fact.quantity))
}

/// Says of which credits the printer was not in the contract.
fn note_strangers(draft: &mut Draft<'_>) {
    for (fact, stay) in credits(draft) {
        if stay.is_none() {
            let (printer, quantity) = (&fact.printer, quantity_of(fact));
            draft.notes.push(format!("{quantity} are not credited: {printer} was not in the contract then."));
        }
    }
}

/// Takes every credit of the period off the usage of its stay, never below zero: 520 m² less 12 m² of test
/// prints are 508 m² (W15).
pub(crate) fn lower_all(draft: &mut Draft<'_>) -> Result<(), RatingError> {
    for (fact, stay) in credits(draft) {
        let Some(stay) = stay else { continue };
        let Some(pool) = draft.pools.iter().position(|pool| pool.stays.contains(&stay)) else { continue };
        let lowered = draft.lower(pool, stay, &fact.meter, fact.media.as_deref(), fact.quantity);
        let (quantity, reason) = (quantity_of(fact), fact.reason.words());
        draft.notes.push(if lowered == fact.quantity {
            format!("{quantity} are credited ({reason}).")
        } else {
            let lowered = fact.meter.unit().show(lowered);
            format!("{quantity} were to be credited ({reason}); {lowered} were used and are.")
        });
    }
    Ok(())
}

impl Credit {
    /// One line of what the credited prints made the usage cost more: 16.80 and, without 12 m², 15.12:
    /// 1.68 is given back (W15).
    fn give_back(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let given: Vec<(&CreditFact, usize)> =
            credits(draft).into_iter().filter_map(|(fact, stay)| stay.map(|stay| (fact, stay))).collect();
        if given.is_empty() {
            return Ok(());
        }
        let (with, without) = (usage_net(draft.input, false)?, usage_net(draft.input, true)?);
        let id = at.id(None, "");
        let less = without.minus(with).map_err(RatingError::at(&id))?;
        // Less usage can cost more, by tiers of all units. Prints that made it cost less are no charge.
        let (amount, costs_more) = (less.min(Money::ZERO), less > Money::ZERO);
        let reasons: BTreeSet<CreditReason> = given.iter().map(|(fact, _)| fact.reason).collect();
        let reasons: Vec<&str> = reasons.into_iter().map(CreditReason::words).collect();
        let title = self.title.clone().unwrap_or_else(|| format!("Credit for {}", reasons.join(", ")));
        let quantities: Vec<String> = given.iter().map(|(fact, _)| quantity_of(fact)).collect();
        let currency = draft.currency;
        let [without, with, less] = [without, with, less].map(|amount| amount.show(currency));
        let mut sum = format!("usage costs {without} without them − {with} with them = {less}");
        if costs_more {
            sum.push_str(": nothing is given back");
        }
        let line = Line {
            id,
            title,
            detail: quantities.join("; "),
            amount: Some(amount),
            steps: vec![sum],
            shares: shares(&given, amount, draft),
            ..Line::default()
        };
        draft.push(at, Step::MoneyCredits, line);
        Ok(())
    }
}

/// The credit, shared over the printers by what is credited; equally where that has several units.
fn shares(given: &[(&CreditFact, usize)], amount: Money, draft: &Draft<'_>) -> Vec<LineShare> {
    let units: BTreeSet<_> = given.iter().map(|(fact, _)| fact.meter.unit()).collect();
    let mut weights: BTreeMap<usize, i64> = BTreeMap::new();
    for (fact, stay) in given {
        let weight = weights.entry(*stay).or_default();
        *weight = if units.len() == 1 { weight.saturating_add(fact.quantity) } else { 1 };
    }
    let parts = allocate(amount.0, &weights.values().copied().collect::<Vec<i64>>());
    let share = |(stay, part): (usize, i64)| {
        let stay = draft.stays.get(stay)?;
        Some(LineShare { printer: stay.id.clone(), site: stay.site.clone(), quantity: 0, amount: Money(part) })
    };
    weights.into_keys().zip(parts).filter_map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let euro = Currency::parse("EUR").expect("a currency");
        let cases = [
            (How::Quantity, "Credited prints are taken off the usage before anything is included or priced."),
            (How::Money, "For credited prints, what they made the usage cost more is given back."),
        ];
        for (how, expected) in cases {
            assert_eq!(Credit { how, ..Credit::default() }.in_words(euro), [expected]);
        }
    }
}
