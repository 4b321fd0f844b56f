//! Fees, credits and discounts of the slow recount.
//!
//! Deliberately absent: usage, which is counted before, and who pays.

use super::{Count, Line, days, half_up, part_of, spread, usage};
use crate::clauses::Clause;
use crate::clauses::base_fee::{BaseFee, Per};
use crate::clauses::credit::{Credit, How as CreditHow};
use crate::clauses::discount::{Discount, On};
use crate::clauses::exit::{Exit, How as ExitHow};
use crate::clauses::interruption::Interruption;
use crate::clauses::late_reading::LateReading;
use crate::clauses::lease::Lease;
use crate::clauses::monitoring::{Consequence, Monitoring};
use crate::contract::Step;
use crate::events::CreditFact;
use crate::period::{Period, Reset};
use crate::proration::Proration;
use crate::rating::PrinterUsage;
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// A share of one, in parts per million.
const WHOLE: i128 = 1_000_000;

impl Count<'_> {
    /// What a fee of this cycle falls due for: the whole period, or each shorter cycle that lies in it.
    fn due(&self, cycle: Reset, advance: bool) -> Vec<Period> {
        let (zone, period, runs) = (&self.terms.time_zone, self.input.period, self.input.runs);
        let span = days::span(self.input, cycle);
        let length = days::length(cycle).filter(|length| *length < days::period_length(&self.terms));
        let Some(length) = length else {
            let is_due = cycle == Reset::Period || if advance { span.begins } else { span.ends };
            let of = if cycle == Reset::Period { days::around(self.input) } else { days::whole(self.input, cycle) };
            return if is_due { vec![of] } else { Vec::new() };
        };
        let (mut first, mut next) = days::cut(days::of_instant(period.start, zone), length, &self.terms);
        let mut due = Vec::new();
        while days::begins(first, zone) < period.end {
            let (start, end) = (days::begins(first, zone), days::begins(next, zone));
            let from = runs.map_or(start, |runs| runs.from.max(start));
            let is_over = runs.and_then(|runs| runs.to).is_some_and(|to| to <= from);
            if from.max(period.start) < end.min(period.end) && !is_over {
                due.push(Period { start, end });
            }
            (first, next) = days::cut(next, length, &self.terms);
        }
        due
    }

    /// What a base fee is in the period: by place, or for the contract.
    fn charged(&self, fee: &BaseFee) -> (BTreeMap<String, i128>, i128) {
        let (due, amount) = (self.due(fee.cycle, fee.advance), i128::from(fee.amount.0));
        let own = days::period_length(&self.terms);
        let is_longer = fee.cycle == Reset::Contract || days::length(fee.cycle).is_some_and(|length| length >= own);
        let part = |span: Period, at: Option<&str>| {
            if is_longer { self.part(fee.prorate, span, at) } else { self.part_here(fee.prorate, span, at) }
        };
        let one = |at: Option<&str>| -> i128 { due.iter().map(|span| part_of(amount, part(*span, at))).sum() };
        match fee.per {
            Per::Contract => (BTreeMap::new(), one(None)),
            Per::Printer => {
                let mut by_place = BTreeMap::new();
                for at in self.places(&fee.printers) {
                    let amount = one(Some(&at));
                    by_place.insert(at, amount);
                }
                (by_place, 0)
            }
        }
    }

    pub(super) fn base_fee(&mut self, index: usize, terms: &BaseFee) {
        let (by_place, whole) = self.charged(terms);
        self.bill(index, Step::Fees, whole);
        for (at, amount) in by_place {
            let first = self.stays.iter().position(|stay| usage::place(stay) == at);
            let shares = first.map(|stay| (stay, amount)).into_iter().collect();
            self.bill_shared(index, Step::Fees, shares, amount);
        }
    }

    pub(super) fn lease(&mut self, index: usize, terms: &Lease) {
        let zone = self.terms.time_zone.clone();
        let from = terms.first.map(days::of_day).or(self.input.runs.map(|runs| days::of_instant(runs.from, &zone)));
        // The first month that begins on that day or after it.
        let first = from.map(|day| {
            let (month, of_month) = days::months(day);
            month + i64::from(of_month > 1)
        });
        let mut month = days::months(days::of_instant(self.input.period.start, &zone)).0;
        while days::begins(days::in_month(month, 1), &zone) < self.input.period.end {
            let begins = days::begins(days::in_month(month, 1), &zone) >= self.input.period.start;
            let number = first.map(|first| month - first + 1);
            let is_open = terms.months == 0 || number.is_none_or(|number| number <= i64::from(terms.months));
            if begins && is_open && number.is_none_or(|number| number >= 1) {
                self.bill(index, Step::Fees, i128::from(terms.amount.0));
            }
            month += 1;
        }
    }

    pub(super) fn exit(&mut self, index: usize, terms: &Exit) {
        let Some(exit) = self.input.events.exit else { return };
        let dates = days::dates(self.input.period, &self.terms.time_zone);
        let on = days::of_day(exit.on);
        if !dates.contains(&on) {
            return;
        }
        let (month, day) = days::months(days::of_day(terms.first));
        let after = |months: i64| days::in_month(month + months, day);
        let noticed = exit.noticed.map(days::of_day);
        let mut term = i64::from(terms.months);
        // `on` is the last day. A term that ended by the next is renewed, unless notice was given in time.
        let leaving = on + 1;
        while after(term) <= leaving && terms.renew_months > 0 {
            if noticed.is_some_and(|noticed| noticed + i64::from(terms.notice_days) <= after(term)) {
                break;
            }
            term += i64::from(terms.renew_months);
        }
        let (leaving, day_of_month) = days::months(leaving);
        let amount = match terms.how {
            ExitHow::Remaining => {
                let mut left = 0;
                while days::in_month(leaving + left, day_of_month) < after(term) {
                    left += 1;
                }
                i128::from(left) * i128::from(terms.amount.0)
            }
            ExitHow::Table => {
                let mut begun = 0_u32;
                while after(i64::from(begun)) <= on {
                    begun += 1;
                }
                let row = terms.rows.iter().find(|row| begun <= row.up_to_month);
                row.map_or(0, |row| i128::from(row.amount.0))
            }
        };
        self.bill(index, Step::Fees, amount);
    }

    pub(super) fn late_reading(&mut self, index: usize, terms: &LateReading) {
        let (site, meter) = (i128::from(terms.site_fee.0), i128::from(terms.meter_fee.0));
        let input = self.input;
        for fact in input.events.late.iter().filter(|fact| fact.days > terms.grace_days) {
            let amount = site + i128::from(fact.meters) * meter;
            let parts = fact.printers.iter().zip(spread(amount, &vec![1; fact.printers.len()]));
            let stay = |id: &String| self.stays.iter().position(|stay| stay.id == *id);
            let shares = parts.filter_map(|(id, part)| stay(id).map(|stay| (stay, part))).collect();
            self.bill_shared(index, Step::Fees, shares, amount);
        }
    }

    pub(super) fn monitoring(&mut self, index: usize, terms: &Monitoring) {
        if terms.consequence == Consequence::Note {
            return;
        }
        let period = self.input.period;
        let mut silent = BTreeMap::new();
        for silence in &self.input.events.silences {
            let too_long = silence.to.0 - silence.from.0 > 24 * HOUR * i64::from(terms.days);
            for (at, stay) in self.stays.iter().enumerate() {
                if !too_long || stay.id != silence.printer {
                    continue;
                }
                let from = silence.from.max(period.start).max(stay.from);
                let to = silence.to.min(period.end).min(stay.to.unwrap_or(period.end));
                if from < to {
                    silent.entry(usage::place(stay)).or_insert(at);
                }
            }
        }
        let fee = part_of(i128::from(terms.fee.0), self.part_at(Proration::None, Reset::Period, None));
        let shares: Vec<(usize, i128)> = silent.into_values().map(|stay| (stay, fee)).collect();
        let amount = shares.iter().map(|(_, fee)| fee).sum();
        self.bill_shared(index, Step::Fees, shares, amount);
    }

    /// Whole dates of the period on which a place was out of service, by outages that were too long.
    pub(super) fn days_out(&self, terms: &Interruption, at: &str) -> i128 {
        let zone = &self.terms.time_zone;
        let mut out = BTreeSet::new();
        for outage in &self.input.events.outages {
            if outage.to.0 - outage.from.0 <= HOUR * i64::from(terms.hours) {
                continue;
            }
            let stays = self.stays.iter().filter(|stay| stay.id == outage.printer && usage::place(stay) == at);
            let stays: Vec<&&PrinterUsage> = stays.collect();
            // How far the printer was there from an instant on, stay by stay.
            let there_until = |mut reached: Instant| {
                while let Some(stay) =
                    stays.iter().find(|stay| stay.from <= reached && stay.to.is_none_or(|to| reached < to))
                {
                    let Some(to) = stay.to else { return Instant(i64::MAX) };
                    reached = to;
                }
                reached
            };
            let runs = |from: Instant, to: Instant| {
                let (first, last) = self.input.runs.map_or((from, None), |runs| (runs.from, runs.to));
                first <= from && last.is_none_or(|last| to <= last)
            };
            let whole = |day: &i64| {
                let (from, to) = (days::begins(*day, zone), days::begins(*day + 1, zone));
                outage.from <= from && to <= outage.to && runs(from, to) && to <= there_until(from)
            };
            out.extend(days::dates(self.input.period, zone).filter(whole));
        }
        i128::try_from(out.len()).unwrap_or(0)
    }

    /// The base fees of each place, by how many days they are for.
    fn fees_by_days(&self, places: &[String]) -> Vec<BTreeMap<i128, i128>> {
        let mut fees = vec![BTreeMap::new(); places.len()];
        let own = days::period_length(&self.terms);
        for clause in &self.terms.clauses {
            let Clause::BaseFee(fee) = clause else { continue };
            let (time, times) = match days::length(fee.cycle) {
                _ if fee.cycle == Reset::Contract => continue,
                Some(length) if length >= own => (days::whole(self.input, fee.cycle), 1),
                Some(length) => (days::around(self.input), own / length),
                None => (days::around(self.input), 1),
            };
            let amount = i128::from(fee.amount.0) * i128::from(times);
            let named = self.places(&fee.printers);
            let parts = match fee.per {
                Per::Contract => spread(amount, &vec![1; places.len()]),
                Per::Printer => places.iter().map(|at| if named.contains(at) { amount } else { 0 }).collect(),
            };
            let count = i128::try_from(days::dates(time, &self.terms.time_zone).count()).unwrap_or(1);
            for (sums, part) in fees.iter_mut().zip(parts) {
                *sums.entry(count).or_insert(0) += part;
            }
        }
        fees
    }

    pub(super) fn interruption(&mut self, index: usize, terms: &Interruption) {
        let places: Vec<String> = self.places(&[]).into_iter().collect();
        for (at, fees) in places.iter().zip(self.fees_by_days(&places)) {
            let out = i128::from(terms.share.0) * self.days_out(terms, at);
            let credit: i128 = fees.into_iter().map(|(of, fee)| half_up(fee * out, WHOLE * of)).sum();
            self.bill(index, Step::MoneyCredits, -credit);
        }
    }

    pub(super) fn credit(&mut self, index: usize, terms: &Credit) {
        if terms.how == CreditHow::Quantity {
            self.lower_all();
            return;
        }
        let (with, without) = (Count::usage_net(self.input, true), Count::usage_net(self.input, false));
        self.bill(index, Step::MoneyCredits, (with - without).min(0));
    }

    /// Lowers usage by every credit of the period.
    pub(super) fn lower_all(&mut self) {
        let mut facts: Vec<&CreditFact> = self.input.events.credits.iter().collect();
        // A credit of a named category or paper goes before one of any.
        facts.sort_by_key(|fact| {
            let is_any = (fact.meter.part().is_none(), fact.media.is_none());
            (is_any, fact.at, fact.printer.clone(), fact.meter.to_string(), fact.media.clone(), fact.quantity)
        });
        for fact in facts {
            let mut stays = self.stays.iter();
            let of = |stay: &PrinterUsage| stay.id == fact.printer && usage::counts(fact.at, stay, self.input);
            let Some(stay) = stays.position(|stay| of(stay)) else { continue };
            let at = usage::place(self.stays[stay]);
            for pool in self.pools.iter_mut().filter(|pool| pool.places.contains(at)) {
                pool.lower(stay, &fact.meter.to_string(), fact.media.as_deref(), i128::from(fact.quantity));
            }
        }
    }

    pub(super) fn discount(&mut self, index: usize, terms: &Discount) {
        let is_lease = |clause: usize| matches!(self.terms.clauses[clause], Clause::Lease(_));
        let wanted = self.lines.iter().filter(|line| match (terms.on, line.step) {
            _ if line.clause.is_none_or(is_lease) => false,
            (On::All, _) | (On::Usage, Step::Prices | Step::Surcharges) | (On::Fees, Step::Fees) => true,
            _ => false,
        });
        let charged: Vec<&Line> = wanted.filter(|line| line.amount != 0).collect();
        let base: i128 = charged.iter().map(|line| line.amount).sum();
        let amount = -half_up(base * i128::from(terms.share.0), WHOLE);
        let is_borne = charged.iter().all(|line| !line.shares.is_empty());
        let shares = if is_borne { self.borne_as(&charged, amount) } else { Vec::new() };
        self.bill_shared(index, Step::Discounts, shares, amount);
    }
}
