//! CL4, CL9 to CL11: what usage costs. A price is the first match in an ordered list of patterns.
//!
//! Deliberately absent: tiers, and any price for usage that no pattern matches. Such usage is shown
//! on the statement and not billed.

use super::draft::{Draft, Taken};
use crate::contract::Problem;
use crate::meter::Pattern;
use crate::money::{Currency, UnitPrice};
use crate::rating::RatingError;
use crate::statement::Line;
use serde::{Deserialize, Serialize};

/// Terms of a price list. CL4, CL9 to CL11.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    /// The prices; the first whose pattern matches is taken.
    pub prices: Vec<Price>,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// What the line is called; the pattern in words when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The usage it is for.
    pub pattern: Pattern,
    /// The price of one pricing unit.
    pub price: UnitPrice,
}

impl PriceList {
    /// The clause in plain sentences.
    pub fn in_words(&self, currency: Currency) -> Vec<String> {
        let prices = self.prices.iter().map(|price| {
            let (amount, unit) = (price.price.show(currency), price.pattern.unit().label());
            format!("{}: {amount} {currency} per {unit}.", price.title())
        });
        prices.chain(["Usage that no price matches is shown and not billed.".to_owned()]).collect()
    }

    pub(crate) fn patterns(&self) -> Vec<&Pattern> {
        self.prices.iter().map(|price| &price.pattern).collect()
    }

    pub(crate) fn validate(&self, field: &str, problems: &mut Vec<Problem>) {
        if self.prices.is_empty() {
            problems.push(Problem::at(format!("{field}.prices"), "a price list needs at least one price"));
        }
        for (index, price) in self.prices.iter().enumerate() {
            let field = format!("{field}.prices.{index}");
            if price.price < UnitPrice::default() {
                problems.push(Problem::at(format!("{field}.price"), "a price cannot be below zero"));
            }
            if price.title.as_deref().is_some_and(|title| title.trim().is_empty()) {
                problems.push(Problem::at(format!("{field}.title"), "give the price a name, or none at all"));
            }
            let earlier = self.prices.iter().take(index).find(|earlier| earlier.pattern.covers(&price.pattern));
            if let Some(earlier) = earlier {
                let message = format!("this price is never reached: '{}' above takes all of it", earlier.title());
                problems.push(Problem::at(format!("{field}.pattern"), message));
            }
        }
    }

    pub(crate) fn apply(&self, number: usize, draft: &mut Draft) -> Result<(), RatingError> {
        for (index, price) in self.prices.iter().enumerate() {
            if let Some(taken) = draft.take(&price.pattern)? {
                let line = price.line(format!("{number}.{}", index + 1), taken, draft.currency)?;
                draft.lines.push(line);
            }
        }
        Ok(())
    }
}

impl Price {
    fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| self.pattern.label())
    }

    /// 520 m² used, 400 m² of them included, at 0.14: 120 × 0.14 = 16.80 (W1).
    fn line(&self, id: String, taken: Taken, currency: Currency) -> Result<Line, RatingError> {
        let unit = self.pattern.unit();
        // `included` lies between zero and `used`, so that this cannot overflow.
        let billed = taken.used - taken.included;
        let amount = self.price.times(billed, unit, currency).map_err(RatingError::at(&id))?;
        let used = unit.show(taken.used);
        let product =
            format!("{} × {} = {}", unit.show_exact(billed), self.price.show(currency), amount.show(currency));
        let (detail, step) = if taken.included > 0 {
            let (used_exactly, included) = (unit.show_exact(taken.used), unit.show_exact(taken.included));
            let detail = format!("{used} used, {} included", unit.number(taken.included));
            (detail, format!("{used_exactly} − {included} allowance = {product}"))
        } else {
            (format!("{used} used"), product)
        };
        Ok(Line {
            id,
            title: self.title(),
            detail,
            pattern: Some(self.pattern.clone()),
            used: Some(taken.used),
            included: Some(taken.included),
            quantity: Some(billed),
            unit: Some(unit),
            unit_price: Some(self.price),
            amount: Some(amount),
            steps: vec![step],
            sources: taken.sources,
            grades: taken.grades,
        })
    }
}
