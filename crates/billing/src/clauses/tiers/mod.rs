//! CL8: prices by quantity: each tier at its own price, all at the price of the tier that is reached, or
//! whole packages.
//!
//! Over a longer span the charge of a period is what the whole span costs so far, less what the part before it
//! costs, so that the periods' charges add up to the span's. Both are worked out by the prices of the period: a
//! raise within the span is not charged for what was used before it. On a statement over some days of a period
//! that tiers count by, each tier ends, and is charged once, by these days' share. Deliberately absent: a smallest
//! charge (see `minimum`), and what is included, which allowances take away before.

use super::allowance::span::{self, Before, Counting, USED};
use super::draft::{Draft, Taken};
use super::price_list::{check_covers, check_title, common, labels, line_of, served, titled, unit_of, used_in_words};
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::contract::{Problem, Rounding, Step};
use crate::form::{Field, Kind, field};
use crate::meter::{Pattern, PricingUnit};
use crate::money::{Currency, Direction, Money, MoneyError, UnitPrice, divide};
use crate::period::Reset;
use crate::proration::{Fraction, Proration};
use crate::rating::RatingError;
use crate::statement::Line;
use serde::{Deserialize, Serialize};

/// How the tiers work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TierMode {
    /// Each tier's part at the tier's own price.
    #[default]
    Graduated,
    /// All of it at the price of the tier that the quantity reaches.
    AllUnits,
    /// Whole packages: a begun one costs as much as a full one.
    Package,
}

/// One tier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The last base unit that belongs to it; absent: it is open. In mode `package`, the package's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<i64>,
    /// The price of one unit in it.
    #[serde(default)]
    pub price: UnitPrice,
    /// What is charged once when it is reached; in mode `package`, for each package. Minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flat: Option<Money>,
}

/// Terms of tiers. CL8.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// What the line is called; the usage in words when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name that what was charged is kept under; empty: the clause's word and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The usage it is for; all of one unit.
    pub covers: Vec<Pattern>,
    /// How the tiers work.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub mode: TierMode,
    /// The span over which quantities count.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub reset: Reset,
    /// The tiers, from the lowest; their bounds are inclusive at the top, and only the last is open.
    pub rows: Vec<Tier>,
}

/// The fields of one tier.
const TIER: &[Field] = &[
    field("up_to", "Up to", Kind::Quantity("covers")).hint("included; empty: open. Of a package: its size"),
    field("price", "Price", Kind::Price).hint("of one unit; of a package: empty"),
    field("flat", "Once", Kind::Money).hint("when it is reached; of a package: its price"),
];

impl ClauseTerms for Tiers {
    const FORM: &'static [Field] = &[
        field("covers", "For", Kind::Patterns).required().hint("one a line, all of one unit"),
        field(
            "mode",
            "Tiers",
            Kind::Choice(&[
                ("graduated", "each part at its tier's price"),
                ("all-units", "all at the price of the tier reached"),
                ("package", "whole packages"),
            ]),
        ),
        field("reset", "Counts", Kind::Choice(span::RESETS)),
        field("rows", "Tiers", Kind::Rows(TIER)).required(),
    ];
    const ABOUT: &'static str = "CL8: prices by quantity: graduated, all units, or packages.";

    fn step(&self) -> Step {
        Step::Prices
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let unit = unit_of(&self.covers);
        let show = |quantity: i64| unit.map_or_else(|| quantity.to_string(), |unit| unit.show(quantity));
        let per = unit.map_or("unit", PricingUnit::label);
        let (title, each) = (self.title(), span::each(self.reset));
        if self.mode == TierMode::Package {
            let row = self.rows.first().cloned().unwrap_or_default();
            let (size, flat) = (show(row.up_to.unwrap_or_default()), row.flat.unwrap_or_default().show(currency));
            return vec![format!(
                "{title}: in packages of {size} at {flat} {currency}; a begun one counts whole, {each} anew."
            )];
        }
        let how = match self.mode {
            TierMode::AllUnits => "all of it at the price of the tier that is reached",
            TierMode::Graduated | TierMode::Package => "each part at the price of its tier",
        };
        let rows = self.rows.iter().map(|row| {
            let bound = row.up_to.map_or_else(|| "above".to_owned(), |up_to| format!("up to {}", show(up_to)));
            let once = |flat: Money| format!(" and once {} {currency}", flat.show(currency));
            let flat = row.flat.map_or_else(String::new, once);
            format!("{bound} {} {currency} per {per}{flat}", row.price.show(currency))
        });
        let rows: Vec<String> = rows.collect();
        vec![format!("{title}: {how}, counted {each}: {}.", rows.join("; "))]
    }

    fn patterns(&self) -> Vec<&Pattern> {
        self.covers.iter().collect()
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        let mut prices = Vec::new();
        for row in &mut self.rows {
            prices.push(PriceMut::Unit(&mut row.price));
            prices.extend(row.flat.as_mut().map(PriceMut::Fee));
        }
        prices
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        check_covers(&self.covers, "a list of tiers", at.at("covers"), problems);
        span::check(self.reset, at.terms, at.at("reset"), problems);
        if self.rows.is_empty() {
            problems.push(Problem::at(at.at("rows"), "say at least one tier"));
        }
        for (index, row) in self.rows.iter().enumerate() {
            if row.price < UnitPrice::default() {
                problems.push(Problem::at(at.at(&format!("rows.{index}.price")), "a price cannot be below zero"));
            }
            if row.flat.is_some_and(|flat| flat < Money::default()) {
                problems.push(Problem::at(at.at(&format!("rows.{index}.flat")), "an amount cannot be below zero"));
            }
        }
        if self.mode == TierMode::Package { self.check_package(at, problems) } else { self.check_bounds(at, problems) }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let Some(counting) = span::counting(at, &self.covers, self.reset, draft)? else { return Ok(()) };
        let Counting { unit, span, covers, pools } = counting;
        let part = span::part(Proration::None, self.reset, draft, None)?;
        for (pool, before) in pools {
            let key = pool.key.as_str();
            let taken = draft.take(pool.index, &covers)?;
            if taken.is_none() && before.quantity == 0 && before.amount.is_zero() {
                continue;
            }
            let overflow = || RatingError::Overflow { what: self.title() };
            let billed = taken.as_ref().map_or(0, |taken| taken.used.saturating_sub(taken.included));
            let quantity = before.quantity.checked_add(billed).ok_or_else(overflow)?;
            let id = at.id(None, key);
            let sum_of = |quantity: i64| {
                let sum = self.sum(quantity, part, unit, draft.currency, draft.terms.rounding);
                sum.map_err(RatingError::at(&id))
            };
            let (sum, earlier) = (sum_of(quantity)?, sum_of(before.quantity)?.amount);
            let amount = sum.amount.minus(earlier).map_err(RatingError::at(&id))?;
            if !span.ends {
                let charged = before.amount.plus(amount).map_err(RatingError::at(&id))?;
                draft.leave(at.key, key, USED, Before { quantity, amount: charged }.lots(span));
            }
            if taken.is_none() && amount.is_zero() {
                continue;
            }
            let mut steps = self.part_words(part);
            steps.extend(self.steps(taken.as_ref(), before, earlier, &sum, unit, draft.currency));
            let detail = taken.as_ref().map_or_else(|| "nothing used".to_owned(), |taken| used_in_words(taken, unit));
            let line = Line {
                id,
                title: titled(self.title(), &pool, draft),
                detail,
                pattern: common(&self.covers),
                quantity: Some(billed),
                unit: Some(unit),
                steps,
                ..line_of(taken, Some(amount), &pool, draft)
            };
            draft.push(at, Step::Prices, line);
        }
        Ok(())
    }
}

/// What a quantity costs.
struct Sum {
    /// In base units.
    quantity: i64,
    amount: Money,
    /// The sum without its result: `500.00 m² × 0.05 + 500.00 m² × 0.02`.
    words: String,
}

impl Tiers {
    fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| labels(&self.covers))
    }

    fn check_bounds(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        let mut below = 0;
        for (index, row) in self.rows.iter().enumerate() {
            let is_last = index + 1 == self.rows.len();
            let problem = match row.up_to {
                None if !is_last => "only the last tier is open; say where this one ends",
                Some(_) if is_last => "leave this empty: the last tier is open, so that all usage has a price",
                Some(up_to) if up_to <= below => "a tier must end above the one before it",
                _ => "",
            };
            if !problem.is_empty() {
                problems.push(Problem::at(at.at(&format!("rows.{index}.up_to")), problem));
            }
            below = row.up_to.unwrap_or(below);
        }
    }

    fn check_package(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.rows.len() > 1 {
            problems.push(Problem::at(at.at("rows"), "packages are of one size; give one row"));
        }
        let Some(row) = self.rows.first() else { return };
        if row.up_to.is_none_or(|size| size <= 0) {
            problems.push(Problem::at(at.at("rows.0.up_to"), "say how much a package holds"));
        }
        if row.flat.is_none() {
            problems.push(Problem::at(at.at("rows.0.flat"), "say what a package costs"));
        }
        if row.price != UnitPrice::default() {
            problems.push(Problem::at(at.at("rows.0.price"), "a package has one price for the whole; leave this out"));
        }
    }

    /// What `part` of the tiers' bounds and amounts counts, in words; nothing for the whole.
    fn part_words(&self, part: Fraction) -> Vec<String> {
        let words = part.words();
        if words.is_empty() || self.mode == TierMode::Package {
            return Vec::new();
        }
        vec![format!("{words} of the quantity at which each tier ends, and of what is charged once, count")]
    }

    /// The tiers for a part of their period: where they end, and what is charged once, rounded half-up.
    fn shared(&self, part: Fraction) -> Result<Tiers, MoneyError> {
        let mut tiers = self.clone();
        for row in &mut tiers.rows {
            row.up_to = row.up_to.map(|up_to| part.of(up_to)).transpose()?;
            row.flat = row.flat.map(|flat| part.of_money(flat)).transpose()?;
        }
        Ok(tiers)
    }

    /// What a span's quantity costs so far, rounded once. 1 000 m², the first 500 at 0.05 and the rest at
    /// 0.02: graduated 35.00, all units 20.00 (W3). `part` is that of the tiers' own period.
    fn sum(
        &self,
        quantity: i64,
        part: Fraction,
        unit: PricingUnit,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<Sum, MoneyError> {
        if self.mode == TierMode::Package {
            return self.packages(quantity, part, unit, currency);
        }
        let tiers = self.shared(part)?;
        let parts = tiers.parts(quantity);
        let mut product = 0_i128;
        let (mut flat, mut words) = (Money::default(), Vec::new());
        for &(part, row) in &parts {
            let next = i128::from(part).checked_mul(i128::from(row.price.millionths));
            product = next.and_then(|next| product.checked_add(next)).ok_or(MoneyError::Overflow)?;
            words.push(format!("{} × {}", unit.show_exact(part), row.price.show(currency)));
            // A tier is reached by usage, not by a correction below zero.
            if let Some(once) = row.flat.filter(|_| quantity > 0) {
                flat = flat.plus(once)?;
                words.push(format!("{} once", once.show(currency)));
            }
        }
        let minor = 10_i128.pow(u32::from(currency.minor_digits()));
        let (whole, part) = unit.ratio();
        let scale = minor.checked_mul(part).ok_or(MoneyError::Overflow)?;
        let top = product.checked_mul(scale).ok_or(MoneyError::Overflow)?;
        let charge = divide(top, whole * 1_000_000, rounding.direction());
        let charge = i64::try_from(charge).map(Money).map_err(|_| MoneyError::Overflow)?;
        Ok(Sum { quantity, amount: charge.plus(flat)?, words: words.join(" + ") })
    }

    /// The parts of a quantity, each with its tier. Below zero it is all the first tier's.
    fn parts(&self, quantity: i64) -> Vec<(i64, &Tier)> {
        if self.mode == TierMode::AllUnits || quantity <= 0 {
            let reached = self.rows.iter().find(|row| row.up_to.is_none_or(|up_to| quantity <= up_to));
            return reached.or(self.rows.last()).map(|row| (quantity, row)).into_iter().collect();
        }
        let mut parts = Vec::new();
        let mut from = 0;
        for row in &self.rows {
            if quantity <= from {
                break;
            }
            let to = row.up_to.map_or(quantity, |up_to| up_to.min(quantity));
            parts.push((to - from, row));
            from = to;
        }
        parts
    }

    /// 250 m² in packages of 100 m² at 12.00: three packages, 36.00. For a part of a period packages are so much
    /// smaller and cheaper: what is begun and not used is paid once in all its parts.
    fn packages(
        &self,
        quantity: i64,
        part: Fraction,
        unit: PricingUnit,
        currency: Currency,
    ) -> Result<Sum, MoneyError> {
        let row = self.rows.first().cloned().unwrap_or_default();
        let (size, flat) = (row.up_to.unwrap_or(1).max(1), row.flat.unwrap_or_default());
        let times = |a: i128, b: i128| a.checked_mul(b).ok_or(MoneyError::Overflow);
        let used = times(i128::from(quantity.max(0)), part.bottom.max(1))?;
        let count = divide(used, times(i128::from(size), part.top.max(1))?, Direction::Up);
        let count = i64::try_from(count).map_err(|_| MoneyError::Overflow)?;
        let amount = part.of_money(flat.each(count)?)?;
        let packages = if count == 1 { "1 package".to_owned() } else { format!("{count} packages") };
        let (size, flat, share) = (unit.show_exact(size), flat.show(currency), part.words());
        let words = if share.is_empty() {
            format!("{packages} of {size} × {flat}")
        } else {
            format!("{packages} of {share} of {size} × {share} of {flat}")
        };
        Ok(Sum { quantity, amount, words })
    }

    /// The sum step by step: what was used, what the span has so far, what it costs, what was charged; `earlier` is
    /// what was used before costs at these prices.
    fn steps(
        &self,
        taken: Option<&Taken>,
        before: Before,
        earlier: Money,
        sum: &Sum,
        unit: PricingUnit,
        currency: Currency,
    ) -> Vec<String> {
        let noun = self.reset.word();
        let mut steps: Vec<String> = taken.and_then(|taken| served(taken, unit)).into_iter().collect();
        if before.quantity != 0 {
            let now = unit.show_exact(sum.quantity.saturating_sub(before.quantity));
            let (earlier, all) = (unit.show_exact(before.quantity), unit.show_exact(sum.quantity));
            steps.push(format!("{earlier} before in this {noun} + {now} = {all}"));
        }
        let so_far = sum.amount.show(currency);
        steps.push(format!("{} = {so_far}", sum.words));
        if !earlier.is_zero() {
            let rest = Money(sum.amount.0.saturating_sub(earlier.0)).show(currency);
            let what = if earlier == before.amount { "charged before" } else { "at these prices for what was before" };
            steps.push(format!("{so_far} − {} {what} in this {noun} = {rest}", earlier.show(currency)));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiers(mode: TierMode, rows: &[(Option<i64>, i64, Option<i64>)]) -> Tiers {
        let rows = rows.iter().map(|&(up_to, millionths, flat)| Tier {
            up_to: up_to.map(|metres| metres * 1_000_000),
            price: UnitPrice { millionths },
            flat: flat.map(Money),
        });
        let covers = vec![Pattern::parse("area-printed").expect("a pattern")];
        Tiers { covers, mode, rows: rows.collect(), ..Tiers::default() }
    }

    fn euro() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    #[test]
    fn a_bound_belongs_to_the_tier_below_it() {
        let rows = [(Some(500), 50_000, None), (Some(800), 20_000, Some(100)), (None, 10_000, None)];
        let package = [(Some(100), 0, Some(1_200))];
        // Mode, rows, mm², cents.
        let cases = [
            (TierMode::Graduated, rows.as_slice(), 500_000_000, 2_500),
            (TierMode::Graduated, rows.as_slice(), 500_000_001, 2_600),
            (TierMode::Graduated, rows.as_slice(), 1_000_000_000, 3_400),
            (TierMode::Graduated, rows.as_slice(), -10_000_000, -50),
            (TierMode::AllUnits, rows.as_slice(), 500_000_000, 2_500),
            (TierMode::AllUnits, rows.as_slice(), 501_000_000, 1_102),
            (TierMode::AllUnits, rows.as_slice(), 1_000_000_000, 1_000),
            (TierMode::AllUnits, rows.as_slice(), 0, 0),
            (TierMode::Package, package.as_slice(), 250_000_000, 3_600),
            (TierMode::Package, package.as_slice(), 200_000_000, 2_400),
            (TierMode::Package, package.as_slice(), 1, 1_200),
            (TierMode::Package, package.as_slice(), -5, 0),
        ];
        for (mode, rows, quantity, expected) in cases {
            let (unit, how) = (PricingUnit::SquareMetre, Rounding::LineHalfUp);
            let sum = tiers(mode, rows).sum(quantity, Fraction::ONE, unit, euro(), how);
            assert_eq!(sum.map(|sum| sum.amount), Ok(Money(expected)), "{mode:?} {quantity}");
        }
    }

    #[test]
    fn an_amount_that_does_not_fit_is_an_error() {
        let rows = [(None, i64::MAX, None)];
        let (unit, how) = (PricingUnit::Page, Rounding::LineHalfUp);
        let sum = tiers(TierMode::Graduated, &rows).sum(i64::MAX, Fraction::ONE, unit, euro(), how);
        assert_eq!(sum.map(|sum| sum.amount), Err(MoneyError::Overflow));
    }

    #[test]
    fn terms_are_said_in_words() {
        let rows = [(Some(500), 50_000, None), (None, 20_000, Some(100))];
        let cases = [
            (
                tiers(TierMode::Graduated, &rows),
                "Area printed: each part at the price of its tier, counted each period: up to 500.00 m² 0.05 EUR per \
                 m²; above 0.02 EUR per m² and once 1.00 EUR.",
            ),
            (
                tiers(TierMode::Package, &[(Some(100), 0, Some(1_200))]),
                "Area printed: in packages of 100.00 m² at 12.00 EUR; a begun one counts whole, each period anew.",
            ),
        ];
        for (tiers, expected) in cases {
            assert_eq!(tiers.in_words(euro()), [expected]);
        }
    }
}
