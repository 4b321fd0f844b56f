//! CL5: a smallest quantity. What is missing at the end of the span is billed at a price of its own.
//!
//! It counts what was used, whatever that cost and whether it was included, in each pool for itself. A pool
//! that has no printers any more when the span ends owes nothing. Deliberately absent: a smallest amount
//! (see `minimum`), and a quantity of the whole contract that is settled once a year (see `commitment`).

use super::allowance::span::{self, Before, Counting, PoolAt, USED};
use super::base_fee::{PERS, Per, borne, label_of};
use super::draft::{Draft, Place};
use super::price_list::{check_covers, check_title, common, labels, titled, unit_of};
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::meter::{Pattern, PricingUnit};
use crate::money::{Currency, Money, UnitPrice, allocate};
use crate::period::Reset;
use crate::proration::Proration;
use crate::rating::RatingError;
use crate::statement::{Line, LineShare};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Terms of a minimum volume. CL5.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimumVolume {
    /// What the line is called; the usage in words when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name that what was used is kept under; empty: the clause's word and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The usage it counts; all of one unit.
    pub covers: Vec<Pattern>,
    /// The smallest quantity of a span, in the base unit of what it counts.
    pub minimum: i64,
    /// The price of one unit that is missing.
    pub price: UnitPrice,
    /// Once, or once for each place of a printer.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub per: Per,
    /// The span over which it counts.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub reset: Reset,
    /// How it counts for a part of a span. CL16.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub prorate: Proration,
}

impl ClauseTerms for MinimumVolume {
    const FORM: &'static [Field] = &[
        field("covers", "Counts", Kind::Patterns).required().hint("one a line, all of one unit"),
        field("minimum", "At least", Kind::Quantity("covers")).required(),
        field("price", "Price of what is missing", Kind::Price).required(),
        field("per", "For", Kind::Choice(PERS)),
        field("reset", "Settled", Kind::Choice(span::RESETS)).hint("at the end of it"),
        field("prorate", "A part of a span", Kind::Choice(span::PRORATIONS)),
    ];
    const ABOUT: &'static str = "CL5: a smallest quantity.";

    fn step(&self) -> Step {
        Step::Minimum
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let unit = unit_of(&self.covers);
        let show = |quantity: i64| unit.map_or_else(|| quantity.to_string(), |unit| unit.show(quantity));
        let per = unit.map_or("unit", PricingUnit::label);
        let printers = if self.per == Per::Printer { " for each printer" } else { "" };
        let (each, least, covers) = (span::each(self.reset), show(self.minimum), labels(&self.covers));
        let price = self.price.show(currency);
        let mut words = vec![format!(
            "At least {least} of {covers} {each}{printers}; what is missing costs {price} {currency} per {per}."
        )];
        if self.prorate != Proration::None {
            words.push(format!("Of this quantity, {}.", self.prorate.words()));
        }
        words
    }

    fn patterns(&self) -> Vec<&Pattern> {
        self.covers.iter().collect()
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        vec![PriceMut::Unit(&mut self.price)]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        check_covers(&self.covers, "a minimum volume", at.at("covers"), problems);
        if self.minimum < 0 {
            problems.push(Problem::at(at.at("minimum"), "a minimum cannot be below zero"));
        }
        if self.price < UnitPrice::default() {
            problems.push(Problem::at(at.at("price"), "a price cannot be below zero"));
        }
        span::check(self.reset, at.terms, at.at("reset"), problems);
        if self.reset == Reset::Contract && self.prorate != Proration::None {
            let message = "a minimum over the whole contract has no part; leave this out";
            problems.push(Problem::at(at.at("prorate"), message));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let Some(counting) = span::counting(at, &self.covers, self.reset, draft)? else { return Ok(()) };
        let Counting { unit, span, covers, pools } = counting;
        for (pool, before) in pools {
            let key = pool.key.as_str();
            let now = draft.used(pool.index, &covers)?;
            let overflow = || RatingError::Overflow { what: self.title() };
            let used = before.quantity.checked_add(now).ok_or_else(overflow)?;
            if !span.ends {
                draft.leave(at.key, key, USED, Before { quantity: used, ..before }.lots(span));
                continue;
            }
            if pool.index >= draft.pools.len() {
                continue;
            }
            let least = self.least(pool.index, unit, draft)?;
            if least.quantity > used {
                let sum = Sum { least, before: before.quantity, used, unit };
                let line = self.line(at.id(None, key), &sum, &pool, draft)?;
                draft.push(at, Step::Minimum, line);
            }
        }
        Ok(())
    }
}

/// The smallest quantity of a pool.
struct Least {
    /// In base units.
    quantity: i64,
    /// How it is worked out, where it is not the clause's own quantity.
    steps: Vec<String>,
    /// What each place owes of it; none where the contract owes it.
    places: Vec<(Place, i64)>,
}

/// What a pool owes and what it used.
struct Sum {
    least: Least,
    /// Used before this period in the span.
    before: i64,
    /// Used in the whole span.
    used: i64,
    unit: PricingUnit,
}

impl MinimumVolume {
    fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| format!("{}, minimum", labels(&self.covers)))
    }

    /// What a pool owes for the span: 400 m² for each of three printers are 1 200 m².
    fn least(&self, pool: usize, unit: PricingUnit, draft: &Draft<'_>) -> Result<Least, RatingError> {
        let overflow = || RatingError::Overflow { what: self.title() };
        let whole = unit.show_exact(self.minimum);
        if self.per == Per::Contract {
            let part = span::part(self.prorate, self.reset, draft, None)?;
            let quantity = part.of(self.minimum).map_err(RatingError::at(&self.title()))?;
            let words = part.words();
            let step = format!("{whole} × {words} = {}", unit.show_exact(quantity));
            let steps = if words.is_empty() { Vec::new() } else { vec![step] };
            return Ok(Least { quantity, steps, places: Vec::new() });
        }
        let (mut sum, mut steps, mut places, mut all_whole) = (0_i64, Vec::new(), Vec::new(), true);
        for place in draft.places_of(pool) {
            let part = span::part(self.prorate, self.reset, draft, Some(&place))?;
            let quantity = part.of(self.minimum).map_err(RatingError::at(&self.title()))?;
            sum = sum.checked_add(quantity).ok_or_else(overflow)?;
            let words = part.words();
            all_whole &= words.is_empty();
            let words = if words.is_empty() { String::new() } else { format!("{whole} × {words} = ") };
            steps.push(format!("{}: {words}{}", label_of(&place, draft), unit.show_exact(quantity)));
            places.push((place, quantity));
        }
        if all_whole {
            steps.clear();
            if places.len() > 1 {
                steps.push(format!("{} printers × {whole} = {}", places.len(), unit.show_exact(sum)));
            }
        }
        Ok(Least { quantity: sum, steps, places })
    }

    /// The line of what is missing: 1 000 m² less 850 m² at 0.10 are 15.00.
    fn line(&self, id: String, sum: &Sum, pool: &PoolAt, draft: &Draft<'_>) -> Result<Line, RatingError> {
        let Sum { least, before, used, unit } = sum;
        let overflow = || RatingError::Overflow { what: self.title() };
        let missing = least.quantity.checked_sub(*used).ok_or_else(overflow)?;
        let amount = self.price.times_in(missing, *unit, draft.currency, draft.terms.rounding);
        let amount = amount.map_err(RatingError::at(&id))?;
        let mut steps = least.steps.clone();
        if *before != 0 {
            let (earlier, all) = (unit.show_exact(*before), unit.show_exact(*used));
            let now = unit.show_exact(used.saturating_sub(*before));
            steps.push(format!("{earlier} before in this {} + {now} = {all}", self.reset.word()));
        }
        let (owed, used, short) = (unit.show_exact(least.quantity), *used, unit.show_exact(missing));
        let (price, total) = (self.price.show(draft.currency), amount.show(draft.currency));
        steps.push(format!("{owed} − {} = {short} × {price} = {total}", unit.show_exact(used)));
        Ok(Line {
            id,
            title: titled(self.title(), pool, draft),
            detail: format!("{}, {} used of {}", span::each(self.reset), unit.show(used), unit.show(least.quantity)),
            pattern: common(&self.covers),
            quantity: Some(missing),
            unit: Some(*unit),
            unit_price: Some(self.price),
            amount: Some(amount),
            steps,
            shares: self.shares(least, amount, pool.index, draft),
            ..Line::default()
        })
    }

    /// Each place bears by what itself used less than it owes, in this period.
    fn shares(&self, least: &Least, amount: Money, pool: usize, draft: &Draft<'_>) -> Vec<LineShare> {
        let covers: Vec<&Pattern> = self.covers.iter().collect();
        let used = draft.pools.get(pool).map_or(&[][..], |pool| pool.used.as_slice());
        let mut by_stay: BTreeMap<usize, i64> = BTreeMap::new();
        for bucket in used.iter().filter(|bucket| bucket.matches(&covers)) {
            let sum = by_stay.entry(bucket.stay).or_default();
            *sum = sum.saturating_add(bucket.quantity);
        }
        let short = |(place, owed): &(Place, i64)| {
            let own = place.stays.iter().filter_map(|stay| by_stay.get(stay));
            owed.saturating_sub(own.fold(0_i64, |sum, used| sum.saturating_add(*used)))
        };
        let weights: Vec<i64> = least.places.iter().map(short).collect();
        let parts = least.places.iter().zip(allocate(amount.0, &weights));
        parts.flat_map(|((place, _), part)| borne(place, Money(part), draft)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let minimum = MinimumVolume {
            covers: vec![Pattern::parse("area-printed/mono-line").expect("a pattern")],
            minimum: 400_000_000,
            price: UnitPrice { millionths: 100_000 },
            per: Per::Printer,
            reset: Reset::Quarter,
            prorate: Proration::ActualDays,
            ..MinimumVolume::default()
        };
        let words = minimum.in_words(Currency::parse("EUR").expect("a currency"));
        let expected = [
            "At least 400.00 m² of Monochrome lines, area printed each quarter for each printer; what is missing \
             costs 0.10 EUR per m².",
            "Of this quantity, a part of a period counts by its days.",
        ];
        assert_eq!(words, expected);
    }
}
