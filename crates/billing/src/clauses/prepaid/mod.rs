//! CL24: quantities paid in advance, in blocks. They may lapse, and more may be bought when few are left.
//!
//! A block pays for usage that no allowance before it serves, the block that lapses first before the
//! others. Deliberately absent: the price of usage beyond the balance, which a price clause says, and
//! whether a block was paid.

use super::allowance::span::{self, PoolAt};
use super::draft::Draft;
use super::price_list::{check_covers, check_title, common, labels, line_of, served, titled, unit_of, used_in_words};
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::carry::Lot;
use crate::contract::{Problem, Step, Terms};
use crate::events::Purchase;
use crate::form::{Field, Kind, field};
use crate::meter::{Pattern, PricingUnit};
use crate::money::{Currency, Direction, Money, UnitPrice, divide};
use crate::period::Day;
use crate::rating::RatingError;
use crate::statement::Line;
use report::Instant;
use serde::{Deserialize, Serialize};

/// The word of carry for what is paid and not used.
const BALANCE: &str = "balance";

/// Months after which a block may lapse at most. More is no rule that anybody means.
const MONTHS_MAX: u32 = 1_200;

/// Terms of blocks paid in advance. CL24.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepaid {
    /// What the lines are called; "Prepaid" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name that the balance is kept under; empty: the clause's word and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The usage it pays for; all of one unit.
    pub covers: Vec<Pattern>,
    /// What a block holds, in the base unit of what it covers.
    pub block: i64,
    /// The price of one unit of a block.
    pub price: UnitPrice,
    /// The balance of each pool in its first period, in the base unit.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub opening: i64,
    /// How much is to be left at the end of a period, in the base unit.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub threshold: i64,
    /// Whether blocks are bought without being asked for, so that the usage is paid and the threshold left.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub auto: bool,
    /// After how many months a block lapses; 0: never.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub months: u32,
}

impl ClauseTerms for Prepaid {
    const FORM: &'static [Field] = &[
        field("covers", "Pays for", Kind::Patterns).required().hint("one a line, all of one unit"),
        field("block", "A block holds", Kind::Quantity("covers")).required(),
        field("price", "Price of a unit", Kind::Price).required(),
        field("opening", "Balance at the beginning", Kind::Quantity("covers")).hint("of each pool"),
        field("threshold", "To be left", Kind::Quantity("covers")).hint("at the end of a period"),
        field("auto", "Blocks are bought automatically", Kind::Flag),
        field("months", "A block lapses after", Kind::Count).hint("months; 0: never"),
    ];
    const ABOUT: &'static str = "CL24: quantities paid in advance, in blocks.";

    fn step(&self) -> Step {
        Step::Allowance
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let unit = unit_of(&self.covers);
        let show = |quantity: i64| unit.map_or_else(|| quantity.to_string(), |unit| unit.show(quantity));
        let (title, usage, block) = (self.title(), labels(&self.covers), show(self.block));
        let (price, per) = (self.price.show(currency), unit.map_or("unit", PricingUnit::label));
        let mut words = vec![format!("{title}: {usage} in blocks of {block} at {price} {currency} per {per}.")];
        let threshold = show(self.threshold);
        words.push(match (self.auto, self.threshold > 0) {
            (true, true) => {
                format!("As many blocks are bought as pay for a period's usage and leave {threshold} at its end.")
            }
            (true, false) => "As many blocks are bought as pay for a period's usage.".to_owned(),
            (false, true) => {
                format!("Blocks are bought by order; a statement says when less than {threshold} are left.")
            }
            (false, false) => "Blocks are bought by order.".to_owned(),
        });
        if self.opening > 0 {
            words.push(format!("The balance at the beginning is {}.", show(self.opening)));
        }
        words.push(match self.months {
            0 => "A block does not lapse.".to_owned(),
            1 => "A block lapses a month after it is bought.".to_owned(),
            months => format!("A block lapses {months} months after it is bought."),
        });
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
        check_covers(&self.covers, "a prepaid block", at.at("covers"), problems);
        if self.block <= 0 {
            problems.push(Problem::at(at.at("block"), "a block holds more than nothing"));
        }
        if self.price < UnitPrice::default() {
            problems.push(Problem::at(at.at("price"), "a price cannot be below zero"));
        }
        for (path, quantity) in [("opening", self.opening), ("threshold", self.threshold)] {
            if quantity < 0 {
                problems.push(Problem::at(at.at(path), "a quantity cannot be below zero"));
            }
        }
        if self.months > MONTHS_MAX {
            problems.push(Problem::at(at.at("months"), format!("a block lapses after at most {MONTHS_MAX} months")));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        // Validation refuses covers of several units.
        let Some(unit) = unit_of(&self.covers) else { return Ok(()) };
        for pool in span::pools(at.key, draft) {
            let mut lots = self.standing(at, &pool, unit, draft)?;
            // A pool without printers keeps what was paid for it.
            if pool.index < draft.pools.len() {
                lots = self.settle(at, &pool, unit, lots, draft)?;
            }
            if lots.is_empty() && self.opening > 0 {
                // Says to the next period that the opening balance was given.
                lots.push(Lot { from: draft.period().start, ..Lot::default() });
            }
            draft.leave(at.key, &pool.key, BALANCE, lots);
        }
        Ok(())
    }

    fn lint(&self, field: &str, terms: &Terms) -> Vec<Problem> {
        if self.auto || self.is_priced(terms) {
            return Vec::new();
        }
        let message = "no price says what usage beyond the balance costs: it is shown and not billed";
        vec![Problem::at(format!("{field}.auto"), message)]
    }
}

/// Blocks that are bought in the period.
struct Bought {
    id: String,
    blocks: i128,
    /// What they hold together, base units.
    quantity: i64,
    /// How it is said, behind what was bought.
    how: &'static str,
    /// Why they are bought.
    steps: Vec<String>,
}

impl Prepaid {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Prepaid")
    }

    fn overflow(&self) -> RatingError {
        RatingError::Overflow { what: self.title().to_owned() }
    }

    fn sum(&self, lots: &[Lot]) -> Result<i64, RatingError> {
        let sum: i128 = lots.iter().map(|lot| i128::from(lot.quantity)).sum();
        i64::try_from(sum).map_err(|_| self.overflow())
    }

    /// What so many blocks hold, base units.
    fn held_by(&self, blocks: i128) -> Result<i64, RatingError> {
        let quantity = blocks.checked_mul(i128::from(self.block)).ok_or_else(|| self.overflow())?;
        i64::try_from(quantity).map_err(|_| self.overflow())
    }

    /// When what is bought at `from` lapses; `None`: never.
    fn lapses(&self, from: Instant, draft: &Draft<'_>) -> Result<Option<Instant>, RatingError> {
        if self.months == 0 {
            return Ok(None);
        }
        let months = i32::try_from(self.months).unwrap_or(i32::MAX);
        let day = Day::of(from, draft.zone())?.plus_months(months)?;
        Ok(Some(day.start(draft.zone())?))
    }

    /// Whether the contract has a price for the kind of usage.
    fn is_priced(&self, terms: &Terms) -> bool {
        let prices = terms.clauses.iter().filter(|clause| clause.step() == Step::Prices);
        let mut patterns = prices.flat_map(|clause| clause.patterns());
        patterns.any(|pattern| self.covers.iter().any(|covered| covered.meter == pattern.meter))
    }

    /// What stands when the period begins, what lapses first before the others. What lapsed is said.
    fn standing(
        &self,
        at: &At<'_>,
        pool: &PoolAt,
        unit: PricingUnit,
        draft: &mut Draft<'_>,
    ) -> Result<Vec<Lot>, RatingError> {
        let start = draft.period().start;
        let carried = draft.carried(at.key, &pool.key, BALANCE);
        if let Some(lot) = carried.iter().find(|lot| lot.quantity < 0) {
            let what = format!("{} left of {}", unit.show(lot.quantity), at.key);
            return Err(RatingError::Carry { what });
        }
        if carried.is_empty() && self.opening > 0 {
            let until = self.lapses(start, draft)?;
            return Ok(vec![Lot { from: start, until, quantity: self.opening, amount: Money::ZERO }]);
        }
        let lots = carried.iter().copied().filter(|lot| lot.quantity > 0);
        let (gone, mut lots): (Vec<Lot>, Vec<Lot>) =
            lots.partition(|lot| lot.until.is_some_and(|until| until <= start));
        if !gone.is_empty() {
            let (title, gone) = (titled(self.title().to_owned(), pool, draft), unit.show(self.sum(&gone)?));
            draft.notes.push(format!("{title}: {gone} lapsed before this period."));
        }
        sort(&mut lots);
        Ok(lots)
    }

    /// Buys what is to be bought, and pays for the usage of a pool; gives what is left. 5 000 pages left,
    /// 17 000 used, blocks of 10 000 at 0.01: two blocks, 200.00 (W19).
    fn settle(
        &self,
        at: &At<'_>,
        pool: &PoolAt,
        unit: PricingUnit,
        mut lots: Vec<Lot>,
        draft: &mut Draft<'_>,
    ) -> Result<Vec<Lot>, RatingError> {
        let before = self.sum(&lots)?;
        let covers: Vec<&Pattern> = self.covers.iter().collect();
        if pool.index == 0 {
            self.by_order(at, pool, unit, &mut lots, draft)?;
        }
        let (balance, open) = (self.sum(&lots)?, draft.open_after(pool.index, &covers)?);
        let need = i128::from(open) + i128::from(self.threshold) - i128::from(balance);
        if self.auto && need > 0 {
            let blocks = divide(need, i128::from(self.block.max(1)), Direction::Up);
            let (quantity, from) = (self.held_by(blocks)?, draft.period().start);
            // Nobody knows the day: the customer's time begins when the period ends.
            let until = self.lapses(draft.period().end, draft)?;
            lots.push(Lot { from, until, quantity, amount: Money::ZERO });
            let (id, how) = (at.id(Some(2), &pool.key), ", bought automatically");
            let steps = vec![self.need_in_words(open, balance, need, unit)];
            let line = self.line(Bought { id, blocks, quantity, how, steps }, unit, pool, draft)?;
            draft.push(at, Step::Allowance, line);
        }
        sort(&mut lots);
        let all = self.sum(&lots)?;
        let covered = draft.cover(pool.index, &covers, all, "prepaid")?;
        draw(&mut lots, covered);
        self.note([before, all - before, covered], unit, pool, draft);
        self.show_unpriced(at, pool, unit, draft)?;
        Ok(lots)
    }

    /// Blocks bought by order. They are one line, and each has its own time to lapse.
    fn by_order(
        &self,
        at: &At<'_>,
        pool: &PoolAt,
        unit: PricingUnit,
        lots: &mut Vec<Lot>,
        draft: &mut Draft<'_>,
    ) -> Result<(), RatingError> {
        let (input, period) = (draft.input, draft.period());
        let meant = |bought: &&Purchase| bought.clause == at.key && period.contains(bought.at) && bought.blocks > 0;
        let mut blocks = 0_i128;
        for bought in input.events.purchases.iter().filter(meant) {
            let quantity = self.held_by(i128::from(bought.blocks))?;
            let until = self.lapses(bought.at, draft)?;
            lots.push(Lot { from: bought.at, until, quantity, amount: Money::ZERO });
            blocks += i128::from(bought.blocks);
        }
        if blocks > 0 {
            let (id, quantity) = (at.id(Some(1), &pool.key), self.held_by(blocks)?);
            let line = self.line(Bought { id, blocks, quantity, how: "", steps: Vec::new() }, unit, pool, draft)?;
            draft.push(at, Step::Allowance, line);
        }
        Ok(())
    }

    fn line(&self, bought: Bought, unit: PricingUnit, pool: &PoolAt, draft: &Draft<'_>) -> Result<Line, RatingError> {
        let Bought { id, blocks, quantity, how, mut steps } = bought;
        let (currency, rounding) = (draft.currency, draft.terms.rounding);
        let amount = self.price.times_in(quantity, unit, currency, rounding).map_err(RatingError::at(&id))?;
        let (block, all) = (unit.show_exact(self.block), unit.show_exact(quantity));
        let (price, total) = (self.price.show(currency), amount.show(currency));
        steps.push(format!("{blocks} × {block} = {all} × {price} = {total}"));
        let counted = if blocks == 1 { "1 block".to_owned() } else { format!("{blocks} blocks") };
        Ok(Line {
            id,
            title: titled(self.title().to_owned(), pool, draft),
            detail: format!("{counted} of {}{how}", unit.show(self.block)),
            quantity: Some(quantity),
            unit: Some(unit),
            unit_price: Some(self.price),
            amount: Some(amount),
            steps,
            ..Line::default()
        })
    }

    /// `17000 pages to cover + 500 pages to be left − 5000 pages there = 12500 pages`.
    fn need_in_words(&self, open: i64, balance: i64, need: i128, unit: PricingUnit) -> String {
        let show = |quantity: i64| unit.show_exact(quantity);
        let mut words = format!("{} to cover", show(open));
        if self.threshold > 0 {
            words.push_str(&format!(" + {} to be left", show(self.threshold)));
        }
        if balance > 0 {
            words.push_str(&format!(" − {} there", show(balance)));
        }
        let need = i64::try_from(need).unwrap_or(i64::MAX);
        format!("{words} = {}", show(need))
    }

    /// Says how the balance went on: before the period, bought in it, and used.
    fn note(&self, [before, bought, used]: [i64; 3], unit: PricingUnit, pool: &PoolAt, draft: &mut Draft<'_>) {
        let title = titled(self.title().to_owned(), pool, draft);
        let left = before.saturating_add(bought).saturating_sub(used);
        let mut words = unit.show_exact(before);
        if bought != 0 {
            words.push_str(&format!(" + {} bought", unit.show_exact(bought)));
        }
        if used != 0 {
            words.push_str(&format!(" − {} used", unit.show_exact(used)));
        }
        if bought != 0 || used != 0 {
            draft.notes.push(format!("{title}: {words} = {} left.", unit.show_exact(left)));
        } else if left != 0 {
            draft.notes.push(format!("{title}: {} are left.", unit.show_exact(left)));
        }
        if left < self.threshold {
            let least = unit.show(self.threshold);
            draft.notes.push(format!("{title}: less than {least} are left; more can be bought."));
        }
    }

    /// Where no price takes what blocks paid for, the usage is shown here, so that it is not said to have
    /// no price.
    fn show_unpriced(
        &self,
        at: &At<'_>,
        pool: &PoolAt,
        unit: PricingUnit,
        draft: &mut Draft<'_>,
    ) -> Result<(), RatingError> {
        if self.is_priced(draft.terms) {
            return Ok(());
        }
        let covers: Vec<&Pattern> = self.covers.iter().collect();
        let Some(taken) = draft.take(pool.index, &covers)? else { return Ok(()) };
        let mut detail = used_in_words(&taken, unit);
        let amount = Some(Money::ZERO).filter(|_| taken.used == taken.included);
        if amount.is_none() {
            detail.push_str(", no price for the rest: not billed");
        }
        let (id, title) = (at.id(Some(3), &pool.key), titled(labels(&self.covers), pool, draft));
        let (pattern, unit, steps) = (common(&self.covers), Some(unit), served(&taken, unit).into_iter().collect());
        let line = Line { id, title, detail, pattern, unit, steps, ..line_of(Some(taken), amount, pool, draft) };
        draft.push(at, Step::Allowance, line);
        Ok(())
    }
}

/// What lapses first stands first; what never lapses last.
fn sort(lots: &mut [Lot]) {
    lots.sort_by_key(|lot| (lot.until.is_none(), lot.until, lot.from));
}

/// Takes a quantity from the lots in their order, and drops those that are empty.
fn draw(lots: &mut Vec<Lot>, quantity: i64) {
    let mut rest = quantity;
    for lot in lots.iter_mut() {
        let part = lot.quantity.min(rest);
        lot.quantity -= part;
        rest -= part;
    }
    lots.retain(|lot| lot.quantity != 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lapses_first_is_used_first() {
        let lot = |until: Option<i64>, quantity: i64| Lot { until: until.map(Instant), quantity, ..Lot::default() };
        let mut lots = vec![lot(None, 50), lot(Some(20), 30), lot(Some(10), 40)];
        sort(&mut lots);
        draw(&mut lots, 60);
        assert_eq!(lots, [lot(Some(20), 10), lot(None, 50)]);
        draw(&mut lots, 60);
        assert!(lots.is_empty());
    }

    #[test]
    fn terms_are_said_in_words() {
        let prepaid = Prepaid {
            covers: vec![Pattern::parse("pages").expect("a pattern")],
            block: 10_000,
            price: UnitPrice { millionths: 10_000 },
            threshold: 500,
            auto: true,
            months: 12,
            ..Prepaid::default()
        };
        let words = prepaid.in_words(Currency::parse("EUR").expect("a currency"));
        let expected = [
            "Prepaid: Pages in blocks of 10000 pages at 0.01 EUR per page.",
            "As many blocks are bought as pay for a period's usage and leave 500 pages at its end.",
            "A block lapses 12 months after it is bought.",
        ];
        assert_eq!(words, expected);
    }
}
