//! CL12: supplies beyond what the usage explains are charged.
//!
//! Allowed is what the yield of one explains for the usage of the span, with a tolerance, and a number of
//! spare ones at each place. Deliberately absent: what supplies cost otherwise, and how full they are when
//! they are changed.

use super::allowance::span::{self, Before, USED};
use super::draft::{Draft, SpanAt};
use super::price_list::{check_covers, check_title, labels, unit_of};
use super::tax::percent;
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step};
use crate::events::SupplyFact;
use crate::form::{Field, Kind, field};
use crate::meter::{Pattern, PricingUnit};
use crate::money::{Currency, Direction, Money, divide};
use crate::period::Reset;
use crate::rating::RatingError;
use crate::statement::Line;
use report::{Instant, Share};
use serde::{Deserialize, Serialize};

/// The word of carry for supplies that were delivered since the span's start.
const DELIVERED: &str = "delivered";

/// All of it, in parts per million.
const WHOLE: i64 = 1_000_000;

/// Terms of a cap on supplies. CL12.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumables {
    /// What the line is called; "Supplies" and what they are when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name that what was delivered and used is kept under; empty: the clause's word and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Only supplies of this colour; empty: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub colour: String,
    /// Only this product, by its number; empty: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub product: String,
    /// The usage that explains supplies; all of one unit.
    pub covers: Vec<Pattern>,
    /// The usage that one explains, in the base unit.
    pub yield_each: i64,
    /// How much more usage may need, parts per million.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub tolerance: Share,
    /// How many more are allowed at each place.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub spare: u32,
    /// The price of each one beyond, minor units.
    pub price: Money,
    /// The span at whose end they are counted.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub reset: Reset,
}

impl ClauseTerms for Consumables {
    const FORM: &'static [Field] = &[
        field("colour", "Colour", Kind::Text).hint("empty: all"),
        field("product", "Product", Kind::Text).hint("its number; empty: all"),
        field("covers", "Explained by", Kind::Patterns).required().hint("one a line, all of one unit"),
        field("yield_each", "One is for", Kind::Quantity("covers")).required(),
        field("tolerance", "Tolerance", Kind::Percent),
        field("spare", "Spare ones at each place", Kind::Count),
        field("price", "Price of each one beyond", Kind::Money).required(),
        field("reset", "Counted", Kind::Choice(span::RESETS)).hint("at the end of it"),
    ];
    const ABOUT: &'static str = "CL12: supplies beyond what the usage explains.";

    fn step(&self) -> Step {
        Step::Surcharges
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let unit = unit_of(&self.covers);
        let show = |quantity: i64| unit.map_or_else(|| quantity.to_string(), |unit| unit.show(quantity));
        let (title, each, usage) = (self.title(), show(self.yield_each), labels(&self.covers));
        let tolerance = match self.tolerance {
            Share(0) => String::new(),
            tolerance => format!(" with {} more", percent(tolerance)),
        };
        let spare = match self.spare {
            0 => String::new(),
            spare => format!(", and {spare} spare at each place"),
        };
        let (counted, price) = (span::each(self.reset), self.price.show(currency));
        vec![
            format!("{title}: one for {each} of {usage}{tolerance}{spare}, counted {counted}."),
            format!("Each one beyond costs {price} {currency}."),
        ]
    }

    fn patterns(&self) -> Vec<&Pattern> {
        self.covers.iter().collect()
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        vec![PriceMut::Fee(&mut self.price)]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        check_covers(&self.covers, "a cap on supplies", at.at("covers"), problems);
        span::check(self.reset, at.terms, at.at("reset"), problems);
        if self.yield_each <= 0 {
            problems.push(Problem::at(at.at("yield_each"), "one is for more than nothing"));
        }
        if !(0..=WHOLE).contains(&self.tolerance.0) {
            problems.push(Problem::at(at.at("tolerance"), "a tolerance lies between 0 % and 100 %"));
        }
        if self.price < Money::ZERO {
            problems.push(Problem::at(at.at("price"), "a price cannot be below zero"));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        // Validation refuses covers of several units.
        let Some(unit) = unit_of(&self.covers) else { return Ok(()) };
        let span = draft.span(self.reset)?;
        let counted = self.count(at, span, draft)?;
        if !span.ends {
            let Counted { used, delivered } = counted;
            let title = self.title();
            draft.leave(at.key, "", USED, used.lots(span));
            draft.leave(at.key, "", DELIVERED, delivered.lots(span));
            if delivered.quantity != 0 {
                let (noun, count, used) = (self.reset.word(), delivered.quantity, unit.show(used.quantity));
                draft.notes.push(format!("{title}: {count} delivered for {used} so far this {noun}."));
            }
            return Ok(());
        }
        if let Some(line) = self.line(at.id(None, ""), counted, unit, draft)? {
            draft.push(at, Step::Surcharges, line);
        }
        Ok(())
    }
}

/// What the span has so far.
#[derive(Clone, Copy)]
struct Counted {
    /// Base units of usage.
    used: Before,
    /// Supplies.
    delivered: Before,
}

impl Consumables {
    fn title(&self) -> String {
        let what: Vec<&str> =
            [self.product.as_str(), self.colour.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
        let named = || if what.is_empty() { "Supplies".to_owned() } else { format!("Supplies, {}", what.join(", ")) };
        self.title.clone().unwrap_or_else(named)
    }

    fn overflow(&self) -> RatingError {
        RatingError::Overflow { what: self.title() }
    }

    fn means(&self, supply: &SupplyFact) -> bool {
        let is = |wanted: &str, said: &str| wanted.is_empty() || wanted == said;
        is(&self.colour, &supply.colour) && is(&self.product, &supply.product)
    }

    /// What was used and delivered in the span until the end of the period.
    fn count(&self, at: &At<'_>, span: SpanAt, draft: &Draft<'_>) -> Result<Counted, RatingError> {
        let covers: Vec<&Pattern> = self.covers.iter().collect();
        let mut used = Before::of(draft.carried(at.key, "", USED), span, at.key)?;
        for pool in 0..draft.pools.len() {
            let here = draft.used(pool, &covers)?;
            used.quantity = used.quantity.checked_add(here).ok_or_else(|| self.overflow())?;
        }
        let mut delivered = Before::of(draft.carried(at.key, "", DELIVERED), span, at.key)?;
        let (input, period) = (draft.input, draft.period());
        for supply in input.events.supplies.iter().filter(|supply| period.contains(supply.at) && self.means(supply)) {
            let count = i64::from(supply.count);
            delivered.quantity = delivered.quantity.checked_add(count).ok_or_else(|| self.overflow())?;
        }
        Ok(Counted { used, delivered })
    }

    /// The spare ones that are allowed. A statement over some days of a period allows as many whole ones as its end
    /// leaves more than its start, so that all parts together allow as many as the period.
    fn spare(&self, draft: &Draft<'_>) -> Result<i64, RatingError> {
        let places = i64::try_from(draft.places(&[]).len()).unwrap_or(i64::MAX);
        let all = i64::from(self.spare).saturating_mul(places);
        if self.reset != Reset::Period {
            return Ok(all);
        }
        let until = |at: Instant| -> Result<i64, RatingError> {
            let part = draft.before(at)?;
            let spare = divide(i128::from(all).saturating_mul(part.top), part.bottom.max(1), Direction::Down);
            i64::try_from(spare).map_err(|_| self.overflow())
        };
        let period = draft.period();
        Ok(until(period.end)?.saturating_sub(until(period.start)?))
    }

    /// What is charged at the end of a span: 9 delivered, 7 allowed, 2 at 80.00 are 160.00. `None` where
    /// no more was delivered than is allowed.
    fn line(
        &self,
        id: String,
        counted: Counted,
        unit: PricingUnit,
        draft: &Draft<'_>,
    ) -> Result<Option<Line>, RatingError> {
        let (used, delivered) = (counted.used.quantity.max(0), counted.delivered.quantity);
        let top = i128::from(used) * (i128::from(WHOLE) + i128::from(self.tolerance.0));
        let explained = divide(top, i128::from(WHOLE) * i128::from(self.yield_each.max(1)), Direction::Up);
        let explained = i64::try_from(explained).map_err(|_| self.overflow())?;
        let spare = self.spare(draft)?;
        let allowed = explained.saturating_add(spare);
        let excess = delivered.saturating_sub(allowed);
        if excess <= 0 {
            return Ok(None);
        }
        let amount = self.price.each(excess).map_err(RatingError::at(&id))?;
        let currency = draft.currency;
        let more = if self.tolerance.0 == 0 { String::new() } else { format!(" + {}", percent(self.tolerance)) };
        let (usage, each) = (unit.show_exact(used), unit.show_exact(self.yield_each));
        let mut allowing = format!("{usage}{more}, one for {each}: {explained}");
        if spare > 0 {
            allowing.push_str(&format!(" + {spare} spare = {allowed}"));
        }
        let (price, total) = (self.price.show(currency), amount.show(currency));
        Ok(Some(Line {
            id,
            title: self.title(),
            detail: format!("{delivered} delivered, {allowed} allowed"),
            amount: Some(amount),
            steps: vec![allowing, format!("{delivered} − {allowed} = {excess} × {price} = {total}")],
            ..Line::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let cap = Consumables {
            colour: "magenta".to_owned(),
            covers: vec![Pattern::parse("area-printed").expect("a pattern")],
            yield_each: 100_000_000,
            tolerance: Share(50_000),
            spare: 1,
            price: Money(8_000),
            reset: Reset::Year,
            ..Consumables::default()
        };
        let expected = [
            "Supplies, magenta: one for 100.00 m² of Area printed with 5 % more, and 1 spare at each place, counted \
             each year.",
            "Each one beyond costs 80.00 EUR.",
        ];
        assert_eq!(cap.in_words(Currency::parse("EUR").expect("a currency")), expected);
    }
}
