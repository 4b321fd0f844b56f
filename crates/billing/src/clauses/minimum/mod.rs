//! CL6: a smallest amount, for the contract, for each place of a printer, or for some meters. What the
//! charges lack of it at the end of the span is charged: the true-up.
//!
//! It counts what usage costs, and base fees and discounts where it says so; never a lease. A place that is
//! empty when the span ends owes nothing. Deliberately absent: a smallest quantity (see `minimum_volume`),
//! and charges without a printer in a minimum by printer, since nobody can tell whose they are.

pub(crate) mod counted;

use super::allowance::span::{self, Before};
use super::base_fee::{borne, label_of};
use super::draft::{Draft, Place};
use super::lease::is_lease;
use super::price_list::{check_title, labels};
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step, Terms};
use crate::form::{Field, Kind, field};
use crate::meter::Pattern;
use crate::money::{Currency, Money};
use crate::period::Reset;
use crate::proration::Proration;
use crate::rating::RatingError;
use crate::statement::Line;
use counted::COUNTED;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whose minimum it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MinimumOf {
    /// All charges of the contract count together.
    #[default]
    Contract,
    /// Each place of a printer has its own.
    Printer,
    /// Charges for some meters count together.
    Meters,
}

/// Terms of a minimum. CL6.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    /// What the line is called; "Minimum" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name that what counted is kept under; empty: the clause's word and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The smallest amount of a span, minor units.
    pub amount: Money,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub of: MinimumOf,
    /// The usage whose charges count, in a minimum of meters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<Pattern>,
    /// Whether fees count; a lease never does.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub counts_base: bool,
    /// Whether it is compared with the charges after discounts.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub after_discount: bool,
    /// The span over which it counts.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub reset: Reset,
    /// How it counts for a part of a span. CL16.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub prorate: Proration,
}

impl ClauseTerms for Minimum {
    const FORM: &'static [Field] = &[
        field("amount", "At least", Kind::Money).required(),
        field(
            "of",
            "Of",
            Kind::Choice(&[("contract", "the contract"), ("printer", "each printer"), ("meters", "the meters below")]),
        ),
        field("covers", "Meters", Kind::Patterns).hint("one a line"),
        field("counts_base", "Fees count", Kind::Flag).hint("fees must then stand before minimums"),
        field("after_discount", "After discounts", Kind::Flag).hint("discounts must then stand before minimums"),
        field("reset", "Settled", Kind::Choice(span::RESETS)).hint("at the end of it"),
        field("prorate", "A part of a span", Kind::Choice(span::PRORATIONS)),
    ];
    const ABOUT: &'static str = "CL6: a smallest amount for a period.";

    fn step(&self) -> Step {
        Step::Minimum
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let whose = match self.of {
            MinimumOf::Contract => String::new(),
            MinimumOf::Printer => " for each printer".to_owned(),
            MinimumOf::Meters => format!(" for {}", labels(&self.covers)),
        };
        let fees = if self.counts_base { "Fees count" } else { "Fees do not count" };
        let discounts = if self.after_discount { "after" } else { "before" };
        let (amount, each) = (self.amount.show(currency), span::each(self.reset));
        let mut words = vec![
            format!("{}{whose}: {amount} {currency} {each}; what charges lack of it is charged.", self.title()),
            format!("{fees} towards it, and it is compared with the charges {discounts} discounts."),
        ];
        if self.prorate != Proration::None {
            words.push(format!("Of this amount, {}.", self.prorate.words()));
        }
        words
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        vec![PriceMut::Minimum(&mut self.amount)]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        if self.amount < Money::ZERO {
            problems.push(Problem::at(at.at("amount"), "a minimum cannot be below zero"));
        }
        if self.of == MinimumOf::Meters && self.covers.is_empty() {
            problems.push(Problem::at(at.at("covers"), "say which usage the minimum is for"));
        }
        if self.counts_base && !at.terms.is_before(Step::Fees, Step::Minimum) {
            let message = "fees can only count if they stand before minimums in the order of the sum";
            problems.push(Problem::at(at.at("counts_base"), message));
        }
        if self.after_discount && !at.terms.is_before(Step::Discounts, Step::Minimum) {
            let message = "discounts can only count if they stand before minimums in the order of the sum";
            problems.push(Problem::at(at.at("after_discount"), message));
        }
        span::check(self.reset, at.terms, at.at("reset"), problems);
        if self.reset == Reset::Contract && self.prorate != Proration::None {
            let message = "a minimum over the whole contract has no part; leave this out";
            problems.push(Problem::at(at.at("prorate"), message));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let span = draft.span(self.reset)?;
        for bearer in self.bearers(at.key, draft)? {
            let before = Before::of(draft.carried(at.key, &bearer.name, COUNTED), span, at.key)?;
            let sum = before.amount.plus(bearer.counted).map_err(RatingError::at(self.title()))?;
            if !span.ends {
                draft.leave(at.key, &bearer.name, COUNTED, Before { amount: sum, ..before }.lots(span));
                continue;
            }
            if !bearer.is_here {
                continue;
            }
            if let Some(line) = self.line(at, &bearer, before.amount, sum, draft)? {
                draft.push(at, Step::Minimum, line);
            }
        }
        Ok(())
    }

    fn lint(&self, field: &str, _terms: &Terms) -> Vec<Problem> {
        let mut odd = Vec::new();
        if self.of != MinimumOf::Meters && !self.covers.is_empty() {
            let message = "the minimum is not for meters: those named here change nothing";
            odd.push(Problem::at(format!("{field}.covers"), message));
        }
        if self.of == MinimumOf::Meters && (self.counts_base || self.after_discount) {
            let message = "fees and discounts are for no meter, so that none counts towards this minimum";
            odd.push(Problem::at(format!("{field}.of"), message));
        }
        odd
    }
}

/// Who owes a minimum.
struct Bearer {
    /// The name that what counted is carried under: the place's id, or nothing for the contract.
    name: String,
    place: Option<Place>,
    /// What counts in this period.
    counted: Money,
    /// Whether it is in this period; a place that is only known from before keeps what counted for it.
    is_here: bool,
}

impl Minimum {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Minimum")
    }

    /// The contract, or its places: those of the period, then those that something is only carried for.
    fn bearers(&self, key: &str, draft: &Draft<'_>) -> Result<Vec<Bearer>, RatingError> {
        let lines = || draft.lines().filter(move |line| self.counts(line, draft.terms));
        let at = || RatingError::at(self.title());
        if self.of != MinimumOf::Printer {
            let counted = Money::sum(lines().filter_map(|line| line.amount)).map_err(at())?;
            return Ok(vec![Bearer { name: String::new(), place: None, counted, is_here: true }]);
        }
        let places = draft.places(&[]);
        let here: BTreeSet<String> = places.iter().map(|place| place.id.clone()).collect();
        let sums = counted::by_place(lines(), &places, draft);
        let mut bearers = Vec::with_capacity(places.len());
        for (place, amounts) in places.into_iter().zip(sums) {
            let (name, counted) = (place.id.clone(), Money::sum(amounts).map_err(at())?);
            bearers.push(Bearer { name, place: Some(place), counted, is_here: true });
        }
        let carried = draft.input.carry.entries.iter().filter(|entry| entry.clause == key && entry.what == COUNTED);
        for entry in carried.filter(|entry| !here.contains(&entry.pool)) {
            let (name, counted) = (entry.pool.clone(), Money::ZERO);
            bearers.push(Bearer { name, place: None, counted, is_here: false });
        }
        Ok(bearers)
    }

    /// Whether a line counts towards it.
    fn counts(&self, line: &Line, terms: &Terms) -> bool {
        let step = match line.step {
            Some(Step::Prices | Step::Surcharges) => true,
            Some(Step::Fees) => self.counts_base && !is_lease(line, terms),
            Some(Step::Discounts) => self.after_discount,
            _ => false,
        };
        step && (self.of != MinimumOf::Meters || counted::is_for(line, &self.covers, terms))
    }

    /// The true-up: 300.00 less 212.40 are 87.60 (W2). `None` where the charges reach the minimum. `before`
    /// counted in earlier periods of the span, `sum` in all of it.
    fn line(
        &self,
        at: &At<'_>,
        bearer: &Bearer,
        before: Money,
        sum: Money,
        draft: &Draft<'_>,
    ) -> Result<Option<Line>, RatingError> {
        let (place, currency) = (bearer.place.as_ref(), draft.currency);
        let part = span::part(self.prorate, self.reset, draft, place)?;
        let least = part.of_money(self.amount).map_err(RatingError::at(self.title()))?;
        if least <= sum {
            return Ok(None);
        }
        let amount = least.minus(sum).map_err(RatingError::at(self.title()))?;
        let mut steps = Vec::new();
        if !before.is_zero() {
            let (earlier, all) = (before.show(currency), sum.show(currency));
            let now = Money(sum.0.saturating_sub(before.0)).show(currency);
            steps.push(format!("{earlier} before in this {} + {now} = {all}", self.reset.word()));
        }
        let words = part.words();
        let (whole, owed) = (self.amount.show(currency), least.show(currency));
        let owed = if words.is_empty() { owed } else { format!("{whole} × {words} = {owed}") };
        steps.push(format!("{owed} − {} = {}", sum.show(currency), amount.show(currency)));
        let title = match place {
            Some(place) => format!("{} · {}", self.title(), label_of(place, draft)),
            None => self.title().to_owned(),
        };
        Ok(Some(Line {
            id: at.id(None, &bearer.name),
            title,
            detail: span::each(self.reset),
            amount: Some(amount),
            steps,
            shares: place.map_or_else(Vec::new, |place| borne(place, amount, draft)),
            ..Line::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euro() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    #[test]
    fn terms_are_said_in_words() {
        let plain = Minimum { amount: Money(30_000), ..Minimum::default() };
        let meters = Minimum {
            title: Some("Black at least".to_owned()),
            of: MinimumOf::Meters,
            covers: vec![Pattern::parse("area-printed/mono-line").expect("a pattern")],
            counts_base: true,
            after_discount: true,
            reset: Reset::Year,
            prorate: Proration::Months,
            ..plain.clone()
        };
        let cases = [
            (
                plain,
                vec![
                    "Minimum: 300.00 EUR each period; what charges lack of it is charged.",
                    "Fees do not count towards it, and it is compared with the charges before discounts.",
                ],
            ),
            (
                meters,
                vec![
                    "Black at least for Monochrome lines, area printed: 300.00 EUR each year; what charges lack of \
                     it is charged.",
                    "Fees count towards it, and it is compared with the charges after discounts.",
                    "Of this amount, a part of a period counts by months, and within a month by its days.",
                ],
            ),
        ];
        for (minimum, expected) in cases {
            assert_eq!(minimum.in_words(euro()), expected);
        }
    }

    #[test]
    fn what_changes_nothing_is_odd() {
        let covers = vec![Pattern::parse("pages").expect("a pattern")];
        let cases = [
            (Minimum { covers: covers.clone(), ..Minimum::default() }, vec!["clauses.2.covers"]),
            (
                Minimum { covers: covers.clone(), of: MinimumOf::Meters, counts_base: true, ..Minimum::default() },
                vec!["clauses.2.of"],
            ),
            (Minimum { covers, of: MinimumOf::Meters, ..Minimum::default() }, vec![]),
        ];
        for (minimum, expected) in cases {
            let odd = minimum.lint("clauses.2", &Terms::new(euro(), "UTC"));
            assert_eq!(odd.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), expected);
        }
    }
}
