//! A discount: a share of what usage costs, of fees, or of all that stands so far.
//!
//! A lease and adjustments of periods before are never discounted. Where printers bear all that is discounted,
//! they bear the discount likewise, so that it lowers what is taxed where they stand and what counts towards a
//! minimum of theirs; where the contract bears a part, it bears the whole discount. Deliberately absent: a
//! discount that a quantity earns (see `tiers`).

use super::draft::{Draft, borne_as};
use super::lease::is_lease;
use super::price_list::check_title;
use super::tax::percent;
use super::{At, Checked, ClauseTerms};
use crate::contract::{Problem, Step, Terms};
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money};
use crate::rating::RatingError;
use crate::statement::Line;
use report::Share;
use serde::{Deserialize, Serialize};

/// What is discounted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// What usage costs, with surcharges.
    #[default]
    Usage,
    /// Fees.
    Fees,
    /// Every charge that stands before discounts, and discounts above this one.
    All,
}

impl On {
    fn words(self) -> &'static str {
        match self {
            On::Usage => "usage",
            On::Fees => "fees",
            On::All => "all charges",
        }
    }
}

/// Terms of a discount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// What the line is called; "Discount" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How much, parts per million: 5 % is 50 000.
    #[serde(default)]
    pub share: Share,
    /// Of what.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub on: On,
}

impl ClauseTerms for Discount {
    const FORM: &'static [Field] = &[
        field("share", "Discount", Kind::Percent).required(),
        field("on", "On", Kind::Choice(&[("usage", "usage"), ("fees", "fees"), ("all", "all charges")])),
    ];
    const ABOUT: &'static str = "A discount on charges.";

    fn step(&self) -> Step {
        Step::Discounts
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let except = if self.on == On::Usage { "" } else { ", but not on a lease" };
        vec![format!("{}: {} on {}{except}.", self.title(), percent(self.share), self.on.words())]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        if !(0..=1_000_000).contains(&self.share.0) {
            problems.push(Problem::at(at.at("share"), "a discount lies between 0 % and 100 %"));
        }
        let after = |step: Step| at.terms.is_before(step, Step::Discounts);
        let stands = match self.on {
            On::Usage => after(Step::Surcharges),
            On::Fees => after(Step::Fees),
            On::All => after(Step::Surcharges) && after(Step::Fees),
        };
        if !stands {
            let message = "what is discounted must stand before discounts in the order of the sum";
            problems.push(Problem::at(at.at("on"), message));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let (terms, currency) = (draft.terms, draft.currency);
        let base = draft.amount_of(|line| self.is_on(line, terms))?;
        let off = base.share(self.share).map_err(RatingError::at(self.title()))?;
        if off.is_zero() {
            return Ok(());
        }
        let amount = Money::ZERO.minus(off).map_err(RatingError::at(self.title()))?;
        let discounted = || {
            let charged = |line: &&Line| line.amount.is_some_and(|amount| !amount.is_zero());
            draft.lines().filter(move |line| self.is_on(line, terms)).filter(charged)
        };
        let is_borne = discounted().all(|line| !line.shares.is_empty());
        let shares = if is_borne { borne_as(discounted(), amount) } else { Vec::new() };
        let share = percent(self.share);
        let line = Line {
            id: at.id(None, ""),
            title: self.title().to_owned(),
            detail: format!("{share} on {}", self.on.words()),
            amount: Some(amount),
            steps: vec![format!("{share} × {} = {}", base.show(currency), off.show(currency))],
            shares,
            ..Line::default()
        };
        draft.push(at, Step::Discounts, line);
        Ok(())
    }
}

impl Discount {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Discount")
    }

    /// Whether a line is discounted. A line without a clause settles a period before.
    fn is_on(&self, line: &Line, terms: &Terms) -> bool {
        if line.clause.is_none() || is_lease(line, terms) {
            return false;
        }
        match self.on {
            On::Usage => matches!(line.step, Some(Step::Prices | Step::Surcharges)),
            On::Fees => line.step == Some(Step::Fees),
            On::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let usage = Discount { share: Share(50_000), ..Discount::default() };
        let all = Discount { title: Some("Loyalty".to_owned()), on: On::All, ..usage };
        let cases = [(usage, "Discount: 5 % on usage."), (all, "Loyalty: 5 % on all charges, but not on a lease.")];
        for (discount, expected) in cases {
            assert_eq!(discount.in_words(Currency::parse("EUR").expect("a currency")), [expected]);
        }
    }
}
