//! The slow recount: the oracle that rating is held against in tests.
//!
//! It shares types with rating and no arithmetic: meters are compared as text, sums and products are
//! plain 128-bit fractions, dates are numbers of days, and each clause is worked out once more from its
//! meaning. Nothing is kept but amounts, what they are for, and what is left to the next period.
//! Deliberately absent: speed, checks of the terms, taxes, payers, and every word of a statement.
//! Overflow panics, which in a test is a finding.

mod clauses;
mod days;
mod fees;
mod raises;
mod usage;

use crate::clauses::Clause;
use crate::clauses::pool::Allocation;
use crate::contract::{Rounding, Step, Terms};
use crate::meter::{Pattern, PricingUnit};
use crate::money::UnitPrice;
use crate::period::{Period, Reset};
use crate::proration::Proration;
use crate::rating::{Input, PrinterUsage};
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};
use usage::{Pool, Taken};

/// The net total of a statement, in minor units, counted the slow way.
pub fn recount(input: &Input) -> i128 {
    Count::run(input).net()
}

/// What the period leaves to the next: clause key, pool, word, quantity in base units and minor units.
/// Lots are added up, and what is zero does not stand.
pub fn recount_carry(input: &Input) -> Vec<(String, String, String, i128, i128)> {
    let left = Count::run(input).left;
    let stands = left.into_iter().filter(|(_, sums)| *sums != (0, 0));
    stands.map(|((clause, pool, what), (quantity, amount))| (clause, pool, what, quantity, amount)).collect()
}

/// An amount and what it is for.
struct Line {
    /// The clause, by its place in the terms; `None` for an adjustment.
    clause: Option<usize>,
    step: Step,
    /// The usage it is for, where it is for usage.
    patterns: Vec<Pattern>,
    amount: i128,
    /// Who bears it, as far as it can be told: stay and amount.
    shares: Vec<(usize, i128)>,
}

/// A period being counted.
struct Count<'a> {
    input: &'a Input,
    /// The terms with prices as escalation made them.
    terms: Terms,
    stays: Vec<&'a PrinterUsage>,
    pools: Vec<Pool>,
    lines: Vec<Line>,
    left: BTreeMap<(String, String, String), (i128, i128)>,
}

impl<'a> Count<'a> {
    /// Takes the steps in their order.
    fn run(input: &'a Input) -> Count<'a> {
        let mut count = Count::begin(input);
        for step in count.terms.order().to_vec() {
            count.take_step(step);
        }
        count.settle_allowances();
        count
    }

    /// What usage costs up to the surcharges. `credited` lowers it by every credit, whether or not the
    /// contract says so: what money credits are measured by.
    fn usage_net(input: &'a Input, credited: bool) -> i128 {
        let mut count = Count::begin(input);
        for step in count.terms.order().to_vec() {
            match step {
                Step::QuantityCredits if credited => count.lower_all(),
                Step::Pool | Step::Allowance | Step::Prices | Step::Surcharges => count.take_step(step),
                _ => {}
            }
        }
        // Blocks that were bought go on, and supplies are no usage.
        let is_supply = |clause: usize| matches!(count.terms.clauses[clause], Clause::Consumables(_));
        let of_usage = |line: &&Line| line.step != Step::Allowance && line.clause.is_none_or(|of| !is_supply(of));
        count.lines.iter().filter(of_usage).map(|line| line.amount).sum()
    }

    /// All usage in its pools, and nothing charged.
    fn begin(input: &'a Input) -> Count<'a> {
        let terms = raises::raised(input);
        let stays = usage::stays(input);
        let cells = usage::gather(input, &terms, &stays);
        let pools = usage::pools(&terms, &stays, &cells);
        Count { input, terms, stays, pools, lines: Vec::new(), left: BTreeMap::new() }
    }

    fn take_step(&mut self, step: Step) {
        if step == Step::Adjustments {
            self.adjust();
        }
        for index in 0..self.terms.clauses.len() {
            if self.terms.clauses[index].step() == step {
                self.apply(index);
            }
        }
    }

    fn apply(&mut self, index: usize) {
        match self.terms.clauses[index].clone() {
            Clause::BaseFee(terms) => self.base_fee(index, &terms),
            Clause::Lease(terms) => self.lease(index, &terms),
            Clause::Allowance(terms) => self.allowance(index, &terms),
            Clause::PriceList(terms) => self.price_list(index, &terms),
            Clause::Overage(terms) => self.overage(index, &terms),
            Clause::Tiers(terms) => self.tiers(index, &terms),
            Clause::MinimumVolume(terms) => self.minimum_volume(index, &terms),
            Clause::Minimum(terms) => self.minimum(index, &terms),
            Clause::Commitment(terms) => self.commitment(index, &terms),
            Clause::Surcharge(terms) => self.surcharge(index, &terms),
            Clause::Consumables(terms) => self.consumables(index, &terms),
            Clause::LateReading(terms) => self.late_reading(index, &terms),
            Clause::Moved(terms) => self.moved(index, &terms),
            Clause::Credit(terms) => self.credit(index, &terms),
            Clause::Prepaid(terms) => self.prepaid(index, &terms),
            Clause::Exit(terms) => self.exit(index, &terms),
            Clause::Interruption(terms) => self.interruption(index, &terms),
            Clause::Discount(terms) => self.discount(index, &terms),
            Clause::Monitoring(terms) => self.monitoring(index, &terms),
            // These decide how facts are read, where usage is gathered, or change no net.
            Clause::Coverage(_)
            | Clause::MediaClass(_)
            | Clause::Estimates(_)
            | Clause::Window(_)
            | Clause::Escalation(_)
            | Clause::Pool(_)
            | Clause::Replaced(_)
            | Clause::Breaks(_)
            | Clause::Copies(_)
            | Clause::Payers(_)
            | Clause::Tax(_)
            | Clause::QuantityRounding(_)
            | Clause::Proof(_)
            | Clause::Corrections(_) => {}
        }
    }

    /// What settles periods before stands in the input.
    fn adjust(&mut self) {
        let lines = self.input.adjustments.iter().flat_map(|adjustment| &adjustment.lines);
        let amount = lines.map(|line| i128::from(line.amount.0)).sum();
        let (step, patterns, shares) = (Step::Adjustments, Vec::new(), Vec::new());
        self.lines.push(Line { clause: None, step, patterns, amount, shares });
    }

    fn net(&self) -> i128 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    /// Adds an amount that no printer bears alone.
    fn bill(&mut self, index: usize, step: Step, amount: i128) {
        self.lines.push(Line { clause: Some(index), step, patterns: Vec::new(), amount, shares: Vec::new() });
    }

    /// Adds an amount that these stays bear.
    fn bill_shared(&mut self, index: usize, step: Step, shares: Vec<(usize, i128)>, amount: i128) {
        self.lines.push(Line { clause: Some(index), step, patterns: Vec::new(), amount, shares });
    }

    /// Adds an amount for usage, shared over the stays that used it; over none in a pool that is gone.
    fn bill_usage(&mut self, index: usize, step: Step, patterns: &[Pattern], of: (Option<usize>, &Taken, i128)) {
        let (pool, taken, amount) = of;
        let shares = pool.map(|pool| self.shares(pool, taken, amount)).unwrap_or_default();
        self.lines.push(Line { clause: Some(index), step, patterns: patterns.to_vec(), amount, shares });
    }

    /// What was carried in under any of these words since `from`.
    fn carried(&self, index: usize, pool: &str, whats: &[&str], from: Instant) -> (i128, i128) {
        let key = self.terms.key_of(index);
        let wanted = self
            .input
            .carry
            .entries
            .iter()
            .filter(|entry| entry.clause == key && entry.pool == pool && whats.contains(&entry.what.as_str()));
        let lots = wanted.flat_map(|entry| &entry.lots).filter(|lot| lot.from >= from);
        lots.fold((0, 0), |(quantity, amount), lot| {
            (quantity + i128::from(lot.quantity), amount + i128::from(lot.amount.0))
        })
    }

    fn leave(&mut self, index: usize, pool: &str, what: &str, quantity: i128, amount: i128) {
        let key = (self.terms.key_of(index), pool.to_owned(), what.to_owned());
        let sums = self.left.entry(key).or_insert((0, 0));
        *sums = (sums.0 + quantity, sums.1 + amount);
    }

    /// The pools that a clause is settled in: those there are, and those that only its carry knows.
    fn pools_of(&self, index: usize) -> Vec<(Option<usize>, String)> {
        let labels = self.pools.iter().map(|pool| pool.label.clone());
        let mut pools: Vec<(Option<usize>, String)> = labels.enumerate().map(|(at, label)| (Some(at), label)).collect();
        let key = self.terms.key_of(index);
        for entry in self.input.carry.entries.iter().filter(|entry| entry.clause == key) {
            if !pools.iter().any(|(_, label)| *label == entry.pool) {
                pools.push((None, entry.pool.clone()));
            }
        }
        pools
    }

    /// Every place in the period, or those that the names mean: of places or of printers.
    fn places(&self, names: &[String]) -> BTreeSet<String> {
        let named = |stay: &PrinterUsage| {
            names.is_empty() || names.iter().any(|name| *name == stay.id || name == usage::place(stay))
        };
        self.stays.iter().filter(|stay| named(stay)).map(|stay| usage::place(stay).to_owned()).collect()
    }

    /// The part of a span that a place was filled; without a place, that the contract ran.
    fn part(&self, rule: Proration, whole: Period, place: Option<&str>) -> (i128, i128) {
        // A statement over some days of a month is for a part of the month.
        let of = if whole == self.input.period { days::around(self.input) } else { whole };
        self.part_in(rule, whole, of, place)
    }

    /// The same, of a span by which something counts.
    fn part_at(&self, rule: Proration, reset: Reset, place: Option<&str>) -> (i128, i128) {
        match reset {
            Reset::Period => self.part_here(rule, days::around(self.input), place),
            _ => self.part(rule, days::whole(self.input, reset), place),
        }
    }

    /// The part of some time that this statement is for: by its days where parts count whole, since that is not said
    /// of statements.
    fn part_here(&self, rule: Proration, whole: Period, place: Option<&str>) -> (i128, i128) {
        let period = self.input.period;
        let here = Period { start: whole.start.max(period.start), end: whole.end.min(period.end) };
        if rule != Proration::None {
            return self.part_in(rule, here, whole, place);
        }
        let running = self.running(whole);
        let before = |at: Instant| self.days_before(running, at);
        (before(period.end) - before(period.start), before(running.end))
    }

    /// The days of some time in which the contract runs; all of them where it runs in none.
    fn running(&self, whole: Period) -> Period {
        let Some(runs) = self.input.runs else { return whole };
        let (start, end) = (whole.start.max(runs.from), runs.to.map_or(whole.end, |to| whole.end.min(to)));
        if start < end { Period { start, end } } else { whole }
    }

    /// How many days of some time lie before an instant.
    fn days_before(&self, time: Period, at: Instant) -> i128 {
        let end = time.end.min(at);
        if end <= time.start {
            return 0;
        }
        let dates = days::dates(Period { end, ..time }, &self.terms.time_zone);
        i128::try_from(dates.count()).unwrap_or(0)
    }

    /// What a place was filled of `here`, as a part of `whole`.
    fn part_in(&self, rule: Proration, here: Period, whole: Period, place: Option<&str>) -> (i128, i128) {
        let cut = |from: Instant, to: Option<Instant>| {
            let (start, end) = (here.start.max(from), to.map_or(here.end, |to| here.end.min(to)));
            (start < end).then_some(Period { start, end })
        };
        let parts: Vec<Period> = match (place, self.input.runs) {
            (Some(place), _) => {
                let filling: Vec<_> = self.input.printers.iter().filter(|stay| usage::place(stay) == place).collect();
                let mut parts: Vec<Period> = filling.iter().filter_map(|stay| cut(stay.from, stay.to)).collect();
                // Whoever filled it first left before the period, and its successor goes on.
                let first = filling.iter().map(|stay| stay.from).min();
                if let Some(first) = first
                    && filling.iter().all(|stay| stay.id != place)
                {
                    parts.extend(cut(Instant(0), Some(first.min(self.input.period.start))));
                }
                parts
            }
            (None, Some(runs)) => cut(runs.from, runs.to).into_iter().collect(),
            (None, None) => vec![here],
        };
        days::fraction(rule, &parts, whole, &self.terms.time_zone)
    }

    /// An amount that is borne as these lines are, by printer and site.
    fn borne_as(&self, lines: &[&Line], amount: i128) -> Vec<(usize, i128)> {
        let mut borne: BTreeMap<(&str, Option<&str>), (usize, i128)> = BTreeMap::new();
        for (stay, part) in lines.iter().flat_map(|line| &line.shares) {
            let of = self.stays[*stay];
            borne.entry((of.id.as_str(), of.site.as_deref())).or_insert((*stay, 0)).1 += part;
        }
        let sum: i128 = borne.values().map(|(_, part)| part).sum();
        let sign = if sum < 0 { -1 } else { 1 };
        let weights = borne.values().map(|(_, part)| sign * part).collect::<Vec<i128>>();
        let stays = borne.into_values().map(|(stay, _)| stay);
        stays.zip(spread(amount, &weights)).collect()
    }

    /// What a quantity costs, rounded as the contract rounds lines.
    fn cost(&self, quantity: i128, unit: PricingUnit, price: UnitPrice) -> i128 {
        self.rounded_cost(quantity * i128::from(price.millionths), unit)
    }

    /// A sum of quantities times millionths, in minor units.
    fn rounded_cost(&self, product: i128, unit: PricingUnit) -> i128 {
        let (whole, part) = size(unit);
        let mut minor = 1;
        for _ in 0..self.terms.currency.minor_digits() {
            minor *= 10;
        }
        let (top, bottom) = (product * part * minor, whole * 1_000_000);
        match self.terms.rounding {
            Rounding::LineHalfUp => half_up(top, bottom),
            Rounding::LineUp => top.signum() * ((top.abs() + bottom - 1) / bottom),
            Rounding::LineDown => top.signum() * (top.abs() / bottom),
        }
    }

    /// Who bears an amount of usage: first the places of the pool, then the stays in each.
    fn shares(&self, pool: usize, taken: &Taken, amount: i128) -> Vec<(usize, i128)> {
        let pool = &self.pools[pool];
        let stays_at = |wanted: &str| -> Vec<usize> {
            let stays = self.stays.iter().enumerate();
            stays.filter(|(_, stay)| usage::place(stay) == wanted).map(|(index, _)| index).collect()
        };
        let used_by = |stay: &usize| taken.by_stay.get(stay).copied().unwrap_or(0);
        let uses = |place: &&String| stays_at(place).iter().any(|stay| taken.by_stay.contains_key(stay));
        let all = pool.allocation == Allocation::Equal;
        let bearing: Vec<&String> = pool.places.iter().filter(|place| all || uses(place)).collect();
        let count = i128::try_from(pool.places.len()).unwrap_or(1).max(1);
        let weight = |place: &&String| {
            let used: i128 = stays_at(place).iter().map(used_by).sum();
            match pool.allocation {
                Allocation::Usage => used,
                Allocation::Excess => used - taken.included / count,
                Allocation::Equal => 1,
            }
        };
        let weights: Vec<i128> = bearing.iter().map(weight).collect();
        let mut shares = Vec::new();
        for (place, amount) in bearing.into_iter().zip(spread(amount, &weights)) {
            let stays = stays_at(place);
            let used: Vec<i128> = stays.iter().map(used_by).collect();
            shares.extend(stays.into_iter().zip(spread(amount, &used)));
        }
        shares
    }
}

/// How many base units a pricing unit holds: top and bottom of a fraction.
fn size(unit: PricingUnit) -> (i128, i128) {
    match unit {
        PricingUnit::SquareMetre | PricingUnit::Metre | PricingUnit::Millilitre => (1_000_000, 1),
        PricingUnit::Page | PricingUnit::Job => (1, 1),
        // 0.3048 m is a foot: 304 800 µm, and 304.8² mm² a square foot.
        PricingUnit::Foot => (304_800, 1),
        PricingUnit::SquareFoot => (3_048 * 3_048, 100),
    }
}

/// `top / bottom` to the nearest whole number, half away from zero. `bottom` is above zero.
fn half_up(top: i128, bottom: i128) -> i128 {
    top.signum() * ((2 * top.abs() + bottom) / (2 * bottom))
}

/// A part of a quantity or an amount.
fn part_of(quantity: i128, part: (i128, i128)) -> i128 {
    half_up(quantity * part.0, part.1)
}

/// Spreads an amount by weights, one unit at a time where it does not divide: to the largest remainder
/// first, and among equals to the one that stands first.
fn spread(amount: i128, weights: &[i128]) -> Vec<i128> {
    let mut weights: Vec<i128> = weights.iter().map(|weight| (*weight).max(0)).collect();
    if weights.iter().all(|weight| *weight == 0) {
        weights = vec![1; weights.len()];
    }
    let all: i128 = weights.iter().sum();
    let mut parts: Vec<i128> = weights.iter().map(|weight| (amount * weight).div_euclid(all.max(1))).collect();
    let mut remainders: Vec<i128> = weights.iter().map(|weight| (amount * weight).rem_euclid(all.max(1))).collect();
    while parts.iter().sum::<i128>() < amount {
        let largest = remainders.iter().copied().max().unwrap_or(0);
        let Some(place) = remainders.iter().position(|remainder| *remainder == largest) else { break };
        parts[place] += 1;
        remainders[place] = -1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_spread_to_the_last_unit() {
        let cases: [(i128, &[i128], &[i128]); 5] = [
            (100, &[1, 1, 1], &[34, 33, 33]),
            (100, &[1, 2], &[33, 67]),
            (7, &[0, 0], &[4, 3]),
            (-100, &[1, 1, 1], &[-33, -33, -34]),
            (5, &[], &[]),
        ];
        for (amount, weights, expected) in cases {
            assert_eq!(spread(amount, weights), expected, "{amount} by {weights:?}");
        }
    }
}
