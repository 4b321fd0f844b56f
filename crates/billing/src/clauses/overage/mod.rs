//! CL4: usage beyond what is included, at its own price and on its own cycle; what is included may have
//! a price too.
//!
//! Within a longer cycle the usage of each period stands on its statement, and what is beyond is billed
//! once, when the cycle ends. Deliberately absent: what is included, which allowances say.

use super::allowance::span::{self, Before, Counting, PoolAt, USED};
use super::draft::{Draft, Taken, priced_line};
use super::price_list::{check_covers, check_title, common, labels, line_of, served, titled, unit_of, used_in_words};
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::meter::{Pattern, PricingUnit};
use crate::money::{Currency, UnitPrice};
use crate::period::Reset;
use crate::rating::RatingError;
use crate::statement::Line;
use serde::{Deserialize, Serialize};

/// Terms of overage. CL4.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overage {
    /// What the lines are called; the usage in words when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name that what is not billed yet is kept under; empty: the clause's word and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The usage it is for; all of one unit.
    pub covers: Vec<Pattern>,
    /// The price of one unit of what is included; absent: it costs nothing here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included_price: Option<UnitPrice>,
    /// The price of one unit beyond.
    pub price: UnitPrice,
    /// At whose end what is beyond is billed.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub cycle: Reset,
}

impl ClauseTerms for Overage {
    const FORM: &'static [Field] = &[
        field("covers", "For", Kind::Patterns).required().hint("one a line, all of one unit"),
        field("included_price", "Price of what is included", Kind::Price).hint("empty: it costs nothing here"),
        field("price", "Price beyond", Kind::Price).required(),
        field("cycle", "Beyond is billed", Kind::Choice(span::RESETS)).hint("at the end of it"),
    ];
    const ABOUT: &'static str = "CL4: usage beyond what is included, at its own price and on its own cycle.";

    fn step(&self) -> Step {
        Step::Prices
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let unit = unit_of(&self.covers).map_or("unit", PricingUnit::label);
        let (title, price) = (self.title(), self.price.show(currency));
        let cycle = match self.cycle {
            Reset::Period => String::new(),
            cycle => format!(", billed at the end of the {}", cycle.word()),
        };
        let mut words = vec![format!("{title}: {price} {currency} per {unit} beyond what is included{cycle}.")];
        if let Some(included) = self.included_price {
            words.push(format!("What is included of it costs {} {currency} per {unit}.", included.show(currency)));
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
        self.included_price.iter_mut().chain([&mut self.price]).map(PriceMut::Unit).collect()
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        check_covers(&self.covers, "overage", at.at("covers"), problems);
        if self.included_price.is_some_and(|price| price < UnitPrice::default()) {
            problems.push(Problem::at(at.at("included_price"), "a price cannot be below zero"));
        }
        if self.price < UnitPrice::default() {
            problems.push(Problem::at(at.at("price"), "a price cannot be below zero"));
        }
        span::check(self.cycle, at.terms, at.at("cycle"), problems);
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let Some(counting) = span::counting(at, &self.covers, self.cycle, draft)? else { return Ok(()) };
        let Counting { unit, span, covers, pools } = counting;
        for (pool, before) in pools {
            let key = pool.key.as_str();
            let taken = draft.take(pool.index, &covers)?;
            if taken.is_none() && before.quantity == 0 {
                continue;
            }
            let place = Where { pool: &pool, unit };
            if let (Some(taken), Some(price)) = (&taken, self.included_price)
                && taken.included != 0
            {
                let line = self.included(at.id(Some(1), key), taken, price, place, draft)?;
                draft.push(at, Step::Prices, line);
            }
            let now = taken.as_ref().map_or(0, |taken| taken.used.saturating_sub(taken.included));
            let overflow = || RatingError::Overflow { what: self.title() };
            let quantity = before.quantity.checked_add(now).ok_or_else(overflow)?;
            let id = at.id(Some(2), key);
            if span.ends {
                let line = self.beyond(id, taken, before.quantity, quantity, place, draft)?;
                draft.push(at, Step::Prices, line);
                continue;
            }
            draft.leave(at.key, key, USED, Before { quantity, ..before }.lots(span));
            let title = titled(self.title(), &pool, draft);
            if quantity != 0 {
                let (quantity, noun) = (unit.show(quantity), self.cycle.word());
                let note = format!("{title}: {quantity} beyond what is included are billed at the end of the {noun}.");
                draft.notes.push(note);
            }
            if let Some(taken) = taken {
                let detail = format!("{}, beyond is billed later", used_in_words(&taken, unit));
                let steps = served(&taken, unit).into_iter().collect();
                let (pattern, unit) = (common(&self.covers), Some(unit));
                let line = line_of(Some(taken), None, &pool, draft);
                draft.push(at, Step::Prices, Line { id, title, detail, pattern, unit, steps, ..line });
            }
        }
        Ok(())
    }
}

/// The pool that a line is for, and the unit of what it bills.
#[derive(Debug, Clone, Copy)]
struct Where<'a> {
    pool: &'a PoolAt,
    unit: PricingUnit,
}

impl Overage {
    fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| labels(&self.covers))
    }

    /// The line of what is included: 400 m² at 0.10 are 40.00. The usage itself stands on the line of
    /// what is beyond, so that no facts stand twice.
    fn included(
        &self,
        id: String,
        taken: &Taken,
        price: UnitPrice,
        place: Where<'_>,
        draft: &Draft<'_>,
    ) -> Result<Line, RatingError> {
        let Where { pool, unit } = place;
        let times = price.times_in(taken.included, unit, draft.currency, draft.terms.rounding);
        let amount = times.map_err(RatingError::at(&id))?;
        let mut shares = draft.share(pool.index, taken, amount);
        for share in &mut shares {
            share.quantity = 0;
        }
        let (price_shown, total) = (price.show(draft.currency), amount.show(draft.currency));
        Ok(Line {
            id,
            title: titled(format!("{}, included", self.title()), pool, draft),
            detail: format!("{} included", unit.show(taken.included)),
            pattern: common(&self.covers),
            quantity: Some(taken.included),
            unit: Some(unit),
            unit_price: Some(price),
            amount: Some(amount),
            steps: vec![format!("{} × {price_shown} = {total}", unit.show_exact(taken.included))],
            shares,
            marks: taken.marks.clone(),
            ..Line::default()
        })
    }

    /// The line of what is beyond in a cycle that ends: `quantity` of which `before` was used in earlier
    /// periods. 120 m² and 50 m² at 0.14 are 23.80.
    fn beyond(
        &self,
        id: String,
        taken: Option<Taken>,
        before: i64,
        quantity: i64,
        place: Where<'_>,
        draft: &Draft<'_>,
    ) -> Result<Line, RatingError> {
        let Where { pool, unit } = place;
        let taken = match (taken, before) {
            (Some(taken), 0) => {
                let mut line = priced_line(id, self.title(), taken, self.price, unit, draft, pool.index)?;
                line.pattern = common(&self.covers);
                return Ok(line);
            }
            (taken, _) => taken,
        };
        let times = self.price.times_in(quantity, unit, draft.currency, draft.terms.rounding);
        let amount = times.map_err(RatingError::at(&id))?;
        let noun = self.cycle.word();
        let mut steps: Vec<String> = taken.as_ref().and_then(|taken| served(taken, unit)).into_iter().collect();
        let (earlier, now) = (unit.show_exact(before), unit.show_exact(quantity.saturating_sub(before)));
        steps.push(format!("{earlier} before in this {noun} + {now} = {}", unit.show_exact(quantity)));
        let (price, total) = (self.price.show(draft.currency), amount.show(draft.currency));
        steps.push(format!("{} × {price} = {total}", unit.show_exact(quantity)));
        let now = taken.as_ref().map_or_else(|| "nothing used".to_owned(), |taken| used_in_words(taken, unit));
        Ok(Line {
            id,
            title: titled(self.title(), pool, draft),
            detail: format!("{now}, {} beyond before", unit.show(before)),
            pattern: common(&self.covers),
            quantity: Some(quantity),
            unit: Some(unit),
            unit_price: Some(self.price),
            steps,
            ..line_of(taken, Some(amount), pool, draft)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let overage = Overage {
            covers: vec![Pattern::parse("area-printed/mono-line").expect("a pattern")],
            included_price: Some(UnitPrice { millionths: 100_000 }),
            price: UnitPrice { millionths: 140_000 },
            cycle: Reset::Quarter,
            ..Overage::default()
        };
        let words = overage.in_words(Currency::parse("EUR").expect("a currency"));
        let expected = [
            "Monochrome lines, area printed: 0.14 EUR per m² beyond what is included, billed at the end of the \
             quarter.",
            "What is included of it costs 0.10 EUR per m².",
        ];
        assert_eq!(words, expected);
    }
}
