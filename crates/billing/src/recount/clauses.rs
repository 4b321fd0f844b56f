//! Clauses of usage in the slow recount: allowances, blocks, prices, surcharges and minimums.
//!
//! Each is worked out from its meaning, span by span. Deliberately absent: fees, credits and discounts.

use super::usage::{Is, Rest, Taken, place};
use super::{Count, Line, days, half_up, part_of, spread};
use crate::clauses::Clause;
use crate::clauses::allowance::Allowance;
use crate::clauses::base_fee::Per;
use crate::clauses::commitment::Commitment;
use crate::clauses::consumables::Consumables;
use crate::clauses::minimum::{Minimum, MinimumOf};
use crate::clauses::minimum_volume::MinimumVolume;
use crate::clauses::moved::Moved;
use crate::clauses::overage::Overage;
use crate::clauses::prepaid::Prepaid;
use crate::clauses::price_list::PriceList;
use crate::clauses::surcharge::Surcharge;
use crate::clauses::tiers::{Tier, TierMode, Tiers};
use crate::contract::Step;
use crate::meter::{Pattern, PricingUnit};
use crate::period::Reset;
use crate::proration::Proration;
use report::Instant;
use std::collections::BTreeMap;
use std::slice::from_ref;

/// A share of one, in parts per million.
const WHOLE: i128 = 1_000_000;

fn unit(covers: &[Pattern]) -> PricingUnit {
    covers.first().map_or(PricingUnit::Page, Pattern::unit)
}

/// Whether an amount is for usage that the patterns cover.
fn is_for(line: &Line, covers: &[Pattern]) -> bool {
    let covered = |pattern: &Pattern| covers.iter().any(|wide| wide.covers(pattern));
    !line.patterns.is_empty() && line.patterns.iter().all(covered)
}

impl Count<'_> {
    pub(super) fn allowance(&mut self, index: usize, terms: &Allowance) {
        let span = days::span(self.input, terms.reset);
        for pool in 0..self.pools.len() {
            let label = self.pools[pool].label.clone();
            if terms.pool.as_ref().is_some_and(|wanted| *wanted != label) {
                continue;
            }
            let (mut own, mut top) = (0, 0);
            if terms.per == Per::Contract {
                own = part_of(i128::from(terms.included), self.part_at(terms.prorate, terms.reset, None));
            } else {
                for at in self.pools[pool].places.clone() {
                    own += part_of(i128::from(terms.included), self.part_at(terms.prorate, terms.reset, Some(&at)));
                    top += self.on_top(terms, &at);
                }
            }
            let before = self.carried(index, &label, &["used"], span.start).0;
            let rest = |left: i128, is: Is| Rest { clause: index, covers: terms.covers.clone(), left, is };
            let mut rests: Vec<Rest> = Vec::new();
            for (until, quantity) in self.rolled(index, &label) {
                rests.push(rest(quantity, Is::Rolled(until)));
            }
            rests.push(rest(top, Is::Top));
            rests.push(rest((own - before).max(0), Is::Own));
            self.pools[pool].rests.extend(rests);
        }
    }

    /// What rolled over and still stands, oldest first.
    fn rolled(&self, index: usize, label: &str) -> Vec<(Option<Instant>, i128)> {
        let key = self.terms.key_of(index);
        let mut lots = self.input.carry.get(&key, label, "rolled").to_vec();
        lots.sort_by_key(|lot| lot.from);
        lots.retain(|lot| lot.until.is_none_or(|until| until > self.input.period.start));
        lots.into_iter().map(|lot| (lot.until, i128::from(lot.quantity))).collect()
    }

    /// What a place gets on top for days out of service, where the contract gives that.
    fn on_top(&self, terms: &Allowance, at: &str) -> i128 {
        let out = self.terms.clauses.iter().filter_map(|clause| match clause {
            Clause::Interruption(rule) if rule.credit_allowance => Some(self.days_out(rule, at)),
            _ => None,
        });
        let out: i128 = out.sum();
        let period = terms.reset == Reset::Period;
        let whole = if period { days::around(self.input) } else { days::whole(self.input, terms.reset) };
        let of = days::dates(whole, &self.terms.time_zone).count();
        let of = i128::try_from(of).unwrap_or(1).max(1);
        if terms.reset == Reset::Contract { 0 } else { half_up(i128::from(terms.included) * out, of) }
    }

    /// What the allowances leave to the next period.
    pub(super) fn settle_allowances(&mut self) {
        for index in 0..self.terms.clauses.len() {
            let Clause::Allowance(terms) = self.terms.clauses[index].clone() else { continue };
            let span = days::span(self.input, terms.reset);
            for pool in 0..self.pools.len() {
                let label = self.pools[pool].label.clone();
                let before = self.carried(index, &label, &["used"], span.start).0;
                let rests: Vec<Rest> =
                    self.pools[pool].rests.iter().filter(|rest| rest.clause == index).cloned().collect();
                let left =
                    |wanted: Is| -> i128 { rests.iter().filter(|rest| rest.is == wanted).map(|rest| rest.left).sum() };
                let end = self.input.period.end;
                for rest in &rests {
                    if let Is::Rolled(until) = rest.is
                        && until.is_none_or(|until| until > end)
                    {
                        self.leave(index, &label, "rolled", rest.left, 0);
                    }
                }
                if rests.is_empty() {
                    continue;
                }
                if !span.ends {
                    let used = self.own_used(index, pool, &label, left(Is::Own));
                    self.leave(index, &label, "used", before + used - left(Is::Top), 0);
                } else if terms.rolls > 0 && terms.reset != Reset::Contract {
                    let rest = left(Is::Own) + left(Is::Top);
                    let period = terms.reset == Reset::Period;
                    let share = if period { self.part_at(Proration::None, terms.reset, None) } else { (1, 1) };
                    let rolls = terms.cap.map_or(rest, |cap| rest.min(part_of(i128::from(cap), share)));
                    self.leave(index, &label, "rolled", rolls, 0);
                }
            }
        }
    }

    /// How much of a span's own allowance this period used: the same allowance again, less what is left.
    fn own_used(&self, index: usize, pool: usize, label: &str, left: i128) -> i128 {
        let Clause::Allowance(terms) = &self.terms.clauses[index] else { return 0 };
        let span = days::span(self.input, terms.reset);
        let before = self.carried(index, label, &["used"], span.start).0;
        let one = |at: Option<&str>| part_of(i128::from(terms.included), self.part_at(terms.prorate, terms.reset, at));
        let own: i128 = match terms.per {
            Per::Contract => one(None),
            Per::Printer => self.pools[pool].places.iter().map(|at| one(Some(at))).sum(),
        };
        (own - before).max(0) - left
    }

    pub(super) fn prepaid(&mut self, index: usize, terms: &Prepaid) {
        let (key, start) = (self.terms.key_of(index), self.input.period.start);
        for (pool, label) in self.pools_of(index) {
            let lots = self.input.carry.get(&key, &label, "balance");
            let valid = lots.iter().filter(|lot| lot.until.is_none_or(|until| until > start));
            let mut balance: i128 = valid.map(|lot| i128::from(lot.quantity)).sum();
            if lots.is_empty() {
                balance = i128::from(terms.opening);
            }
            let Some(pool) = pool else {
                self.leave(index, &label, "balance", balance, 0);
                continue;
            };
            let block = i128::from(terms.block);
            let purchases = self.input.events.purchases.iter().filter(|bought| bought.clause == key);
            let here = purchases.filter(|bought| bought.at >= start && bought.at < self.input.period.end);
            let bought: i128 = here.map(|bought| i128::from(bought.blocks)).sum();
            let bought = if pool == 0 { bought } else { 0 };
            balance += bought * block;
            let needed = self.pools[pool].open_after(&terms.covers) + i128::from(terms.threshold) - balance;
            let automatic = if terms.auto && needed > 0 { (needed + block - 1) / block } else { 0 };
            balance += automatic * block;
            for blocks in [bought, automatic] {
                let amount = self.cost(blocks * block, unit(&terms.covers), terms.price);
                self.bill(index, Step::Allowance, amount);
            }
            balance -= self.pools[pool].cover(&terms.covers, balance);
            self.leave(index, &label, "balance", balance, 0);
        }
    }

    pub(super) fn price_list(&mut self, index: usize, terms: &PriceList) {
        for pool in 0..self.pools.len() {
            for price in &terms.prices {
                let Some(taken) = self.pools[pool].take(from_ref(&price.pattern)) else { continue };
                let unit = price.unit.unwrap_or_else(|| price.pattern.unit());
                let amount = self.cost(taken.used - taken.included, unit, price.price);
                self.bill_usage(index, Step::Prices, from_ref(&price.pattern), (Some(pool), &taken, amount));
            }
        }
    }

    pub(super) fn overage(&mut self, index: usize, terms: &Overage) {
        let (span, unit) = (days::span(self.input, terms.cycle), unit(&terms.covers));
        for (pool, label) in self.pools_of(index) {
            let taken = pool.and_then(|pool| self.pools[pool].take(&terms.covers)).unwrap_or_default();
            if let Some(price) = terms.included_price {
                let amount = self.cost(taken.included, unit, price);
                self.bill_usage(index, Step::Prices, &terms.covers, (pool, &taken, amount));
            }
            let beyond = self.carried(index, &label, &["used"], span.start).0 + taken.used - taken.included;
            if span.ends {
                let amount = self.cost(beyond, unit, terms.price);
                self.bill_usage(index, Step::Prices, &terms.covers, (pool, &taken, amount));
            } else {
                self.leave(index, &label, "used", beyond, 0);
            }
        }
    }

    pub(super) fn tiers(&mut self, index: usize, terms: &Tiers) {
        let span = days::span(self.input, terms.reset);
        for (pool, label) in self.pools_of(index) {
            let (before, charged) = self.carried(index, &label, &["used"], span.start);
            let taken = pool.and_then(|pool| self.pools[pool].take(&terms.covers)).unwrap_or_default();
            let quantity = before + taken.used - taken.included;
            // By the prices of today, whatever was charged before by those of then.
            let charge = self.tiered(terms, quantity) - self.tiered(terms, before);
            self.bill_usage(index, Step::Prices, &terms.covers, (pool, &taken, charge));
            if !span.ends {
                self.leave(index, &label, "used", quantity, charged + charge);
            }
        }
    }

    /// What a quantity costs by tiers, from the first unit on.
    fn tiered(&self, terms: &Tiers, quantity: i128) -> i128 {
        // Of the days that this statement has of the period by which the tiers count.
        let share = self.part_at(Proration::None, terms.reset, None);
        let whole_flat = |row: &Tier| row.flat.map_or(0, |flat| i128::from(flat.0));
        let flat = |row: &Tier| part_of(whole_flat(row), share);
        let bound = |row: &Tier| row.up_to.map_or(i128::MAX, |up_to| part_of(i128::from(up_to), share));
        if terms.mode == TierMode::Package {
            let Some(row) = terms.rows.first() else { return 0 };
            // A package of a part is so much smaller, and so much cheaper.
            let size = row.up_to.map_or(1, i128::from) * share.0.max(1);
            let count = (quantity.max(0) * share.1 + size - 1) / size;
            return part_of(count * whole_flat(row), share);
        }
        let (mut product, mut once, mut below) = (0, 0, 0);
        for (place, row) in terms.rows.iter().enumerate() {
            // Nothing, and a correction below it, is all the first tier's.
            let is_first = place == 0;
            let reached = quantity > below || (is_first && quantity <= 0);
            let part = if is_first { quantity.min(bound(row)) } else { quantity.min(bound(row)) - below };
            if reached {
                let price = i128::from(row.price.millionths);
                product = if terms.mode == TierMode::AllUnits { quantity * price } else { product + part * price };
                let flat = if quantity > 0 { flat(row) } else { 0 };
                once = if terms.mode == TierMode::AllUnits { flat } else { once + flat };
            }
            below = bound(row);
        }
        self.rounded_cost(product, unit(&terms.covers)) + once
    }

    pub(super) fn surcharge(&mut self, index: usize, terms: &Surcharge) {
        if let Some(share) = terms.share {
            let priced = self.lines.iter().filter(|line| line.step == Step::Prices && is_for(line, &terms.covers));
            let priced: Vec<&Line> = priced.collect();
            let base: i128 = priced.iter().map(|line| line.amount).sum();
            let amount = half_up(base * i128::from(share.0), WHOLE);
            // Whoever bears the prices bears the surcharge.
            let shares = self.borne_as(&priced, amount);
            self.lines.push(Line {
                clause: Some(index),
                step: Step::Surcharges,
                patterns: terms.covers.clone(),
                amount,
                shares,
            });
        }
        let Some(price) = terms.price else { return };
        for pool in 0..self.pools.len() {
            let mut taken = Taken { used: self.pools[pool].used(&terms.covers), ..Taken::default() };
            let amount = self.cost(taken.used, unit(&terms.covers), price);
            for cell in self.pools[pool].used.iter().filter(|cell| super::usage::any(&terms.covers, &cell.key)) {
                *taken.by_stay.entry(cell.stay).or_insert(0) += cell.quantity;
            }
            self.bill_usage(index, Step::Surcharges, &terms.covers, (Some(pool), &taken, amount));
        }
    }

    pub(super) fn consumables(&mut self, index: usize, terms: &Consumables) {
        let (span, period) = (days::span(self.input, terms.reset), self.input.period);
        let is = |wanted: &str, said: &str| wanted.is_empty() || wanted == said;
        let meant = self.input.events.supplies.iter().filter(|supply| {
            let inside = supply.at >= period.start && supply.at < period.end;
            inside && is(&terms.colour, &supply.colour) && is(&terms.product, &supply.product)
        });
        let delivered: i128 = meant.map(|supply| i128::from(supply.count)).sum();
        let delivered = delivered + self.carried(index, "", &["delivered"], span.start).0;
        let used: i128 = self.pools.iter().map(|pool| pool.used(&terms.covers)).sum();
        let used = used + self.carried(index, "", &["used"], span.start).0;
        if !span.ends {
            self.leave(index, "", "delivered", delivered, 0);
            self.leave(index, "", "used", used, 0);
            return;
        }
        let top = used.max(0) * (WHOLE + i128::from(terms.tolerance.0));
        let bottom = WHOLE * i128::from(terms.yield_each);
        let places = i128::try_from(self.places(&[]).len()).unwrap_or(0);
        let all = i128::from(terms.spare) * places;
        let spare = if terms.reset == Reset::Period {
            // Whole ones, as they fall due day by day.
            let running = self.running(days::around(self.input));
            let due = |at: Instant| all * self.days_before(running, at) / self.days_before(running, running.end);
            due(period.end) - due(period.start)
        } else {
            all
        };
        let allowed = (top + bottom - 1) / bottom + spare;
        let excess = (delivered - allowed).max(0);
        self.bill(index, Step::Surcharges, excess * i128::from(terms.price.0));
    }

    /// Only what usage costs by its prices counts: neither fees nor other surcharges.
    pub(super) fn moved(&mut self, index: usize, terms: &Moved) {
        for row in &terms.rows {
            let is_there = |stay: &usize| {
                let site = self.stays[*stay].site.as_ref().and_then(|site| self.input.sites.get(site));
                let area = site.map(|site| if site.area.is_empty() { &site.country } else { &site.area });
                area.is_some_and(|area| row.area == *area)
            };
            let priced = self.lines.iter().filter(|line| line.step == Step::Prices);
            // By printer and site; the first stay stands for all of them.
            let mut bearers: BTreeMap<(&str, Option<&str>), (usize, i128)> = BTreeMap::new();
            for &(stay, amount) in priced.flat_map(|line| &line.shares).filter(|(stay, _)| is_there(stay)) {
                let of = self.stays[stay];
                let sum = bearers.entry((of.id.as_str(), of.site.as_deref())).or_insert((stay, 0));
                sum.1 += amount;
            }
            let (stays, weights): (Vec<usize>, Vec<i128>) = bearers.into_values().unzip();
            let amount = half_up(weights.iter().sum::<i128>() * i128::from(row.share.0), WHOLE);
            let parts = spread(amount, &weights);
            self.bill_shared(index, Step::Surcharges, stays.into_iter().zip(parts).collect(), amount);
        }
    }

    pub(super) fn minimum_volume(&mut self, index: usize, terms: &MinimumVolume) {
        let span = days::span(self.input, terms.reset);
        for (pool, label) in self.pools_of(index) {
            let before = self.carried(index, &label, &["used"], span.start).0;
            // A pool without printers owes nothing any more.
            let Some(pool) = pool else {
                self.leave(index, &label, "used", if span.ends { 0 } else { before }, 0);
                continue;
            };
            let one =
                |at: Option<&str>| part_of(i128::from(terms.minimum), self.part_at(terms.prorate, terms.reset, at));
            let least: i128 = match terms.per {
                Per::Contract => one(None),
                Per::Printer => self.pools[pool].places.iter().map(|at| one(Some(at))).sum(),
            };
            let used = self.pools[pool].used(&terms.covers) + before;
            if !span.ends {
                self.leave(index, &label, "used", used, 0);
            } else if least > used {
                let amount = self.cost(least - used, unit(&terms.covers), terms.price);
                self.bill(index, Step::Minimum, amount);
            }
        }
    }

    /// Whether an amount counts towards a minimum.
    fn is_counted(&self, terms: &Minimum, line: &Line) -> bool {
        let is_lease = line.clause.is_some_and(|index| matches!(self.terms.clauses[index], Clause::Lease(_)));
        let step = match line.step {
            Step::Prices | Step::Surcharges => true,
            Step::Fees => terms.counts_base && !is_lease,
            Step::Discounts => terms.after_discount,
            _ => false,
        };
        step && (terms.of != MinimumOf::Meters || is_for(line, &terms.covers))
    }

    pub(super) fn minimum(&mut self, index: usize, terms: &Minimum) {
        let span = days::span(self.input, terms.reset);
        let part = |at: Option<&str>| self.part_at(terms.prorate, terms.reset, at);
        let counted: Vec<&Line> = self.lines.iter().filter(|line| self.is_counted(terms, line)).collect();
        let amount = i128::from(terms.amount.0);
        // Whose minimum, what it is, what counts towards it.
        let mut owed: Vec<(String, i128, i128)> = Vec::new();
        if terms.of == MinimumOf::Printer {
            for at in self.places(&[]) {
                let shares = counted.iter().flat_map(|line| &line.shares);
                let own = shares.filter(|(stay, _)| place(self.stays[*stay]) == at).map(|(_, amount)| *amount);
                owed.push((at.clone(), part_of(amount, part(Some(&at))), own.sum()));
            }
        } else {
            let sum = counted.iter().map(|line| line.amount).sum();
            owed.push((String::new(), part_of(amount, part(None)), sum));
        }
        for (whose, least, sum) in owed {
            let sum = sum + self.carried(index, &whose, &["counted"], span.start).1;
            if !span.ends {
                self.leave(index, &whose, "counted", 0, sum);
            } else if least > sum {
                self.bill(index, Step::Minimum, least - sum);
            }
        }
    }

    pub(super) fn commitment(&mut self, index: usize, terms: &Commitment) {
        let span = days::span(self.input, terms.reset);
        let (quantity, amount) = self.carried(index, "", &["counted", "used"], span.start);
        let used: i128 = self.pools.iter().map(|pool| pool.used(&terms.covers)).sum();
        let billed = |line: &&Line| matches!(line.step, Step::Prices | Step::Surcharges) && is_for(line, &terms.covers);
        let sum: i128 = self.lines.iter().filter(billed).map(|line| line.amount).sum();
        let (quantity, amount) = (quantity + used, amount + sum);
        // What was agreed is owed whole; by some days of its period, by these.
        let part = self.part_at(Proration::None, terms.reset, None);
        match (terms.quantity, terms.price, terms.amount) {
            (Some(least), Some(price), _) if span.ends => {
                let short = (part_of(i128::from(least), part) - quantity).max(0);
                let charge = self.cost(short, unit(&terms.covers), price);
                self.bill(index, Step::Minimum, charge);
            }
            (Some(_), Some(_), _) => self.leave(index, "", "counted", quantity, 0),
            (_, _, Some(least)) if span.ends => {
                self.bill(index, Step::Minimum, (part_of(i128::from(least.0), part) - amount).max(0));
            }
            _ => self.leave(index, "", "counted", 0, amount),
        }
    }
}
