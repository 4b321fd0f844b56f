//! The draft that clauses work on: usage not yet priced, allowances left, lines so far, what is carried.
//!
//! Usage stands in buckets of one stay, meter and media type, so that every line can say which printer
//! bears what. What allowances and blocks cover, and whether there is anything to bill, is decided on
//! the sum of a meter and media type over the stays of a pool: a correction at one printer lowers the
//! usage of the pool, and how jobs are spread over printers changes no amount (see `usage`). Lines are
//! added in `lines`. Deliberately absent: any knowledge of a single clause's terms, and the statement's
//! head.

mod lines;
mod usage;

pub(crate) use lines::{borne_as, priced_line};
pub(crate) use usage::{Bucket, Left, Taken};

use super::allowance::{self, span};
use super::pool::Allocation;
use crate::carry::{Carry, Lot};
use crate::contract::Terms;
use crate::money::Currency;
use crate::period::{Every, Period, PeriodRule, Reset};
use crate::proration::{Fraction, Proration, fraction};
use crate::rating::{Input, PrinterUsage, RatingError};
use crate::statement::{Line, TaxRow};
use lines::{Placed, unpriced};
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Printers that share allowances and tiers. CL18.
#[derive(Debug, Clone)]
pub(crate) struct PoolUsage {
    /// What carry and the ids of lines know it by: its label, or the place of a pool of one place. Another name
    /// for the printer in that place changes nothing. Empty for the pool without a name.
    pub(crate) key: String,
    /// What people call it; empty for the pool without a name.
    pub(crate) label: String,
    /// How a result is shared between its places.
    pub(crate) allocation: Allocation,
    /// Its stays, by their places in [`Draft::stays`], in order.
    pub(crate) stays: Vec<usize>,
    /// All usage after filters and quantity credits; never consumed. By meter, media, stay.
    pub(crate) used: Vec<Bucket>,
    /// What no price took yet. By meter, media, stay.
    pub(crate) open: Vec<Bucket>,
    /// What allowances can still serve, in the order they serve.
    pub(crate) allowances: Vec<Left>,
}

/// The span over which something counts, as the period meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanAt {
    pub(crate) start: Instant,
    /// `None` where no end is known.
    pub(crate) end: Option<Instant>,
    /// Whether it begins in this period.
    pub(crate) begins: bool,
    /// Whether it ends in this period, at its end included.
    pub(crate) ends: bool,
}

/// A place that a printer fills; a successor fills its predecessor's. It counts once, however many
/// printers filled it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) id: String,
    /// When it was filled, cut to the period, in order and without overlap.
    pub(crate) parts: Vec<Period>,
    /// The stays in it, by their places in [`Draft::stays`].
    pub(crate) stays: Vec<usize>,
}

/// A statement in the making.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) input: &'a Input,
    /// The terms, with prices as escalation made them.
    pub(crate) terms: &'a Terms,
    pub(crate) currency: Currency,
    /// The stays in the period, by (id, from).
    pub(crate) stays: Vec<&'a PrinterUsage>,
    /// One without a label unless pool clauses say otherwise.
    pub(crate) pools: Vec<PoolUsage>,
    pub(crate) taxes: Vec<TaxRow>,
    pub(crate) notes: Vec<String>,
    lines: Vec<Placed>,
    next: Carry,
}

impl<'a> Draft<'a> {
    /// A draft with this usage, all in one pool.
    pub(crate) fn new(
        input: &'a Input,
        terms: &'a Terms,
        stays: Vec<&'a PrinterUsage>,
        mut buckets: Vec<Bucket>,
        notes: Vec<String>,
    ) -> Draft<'a> {
        buckets.sort_by(|a, b| (&a.meter, &a.media, a.stay).cmp(&(&b.meter, &b.media, b.stay)));
        let all = PoolUsage {
            key: String::new(),
            label: String::new(),
            allocation: Allocation::default(),
            stays: (0..stays.len()).collect(),
            used: buckets.clone(),
            open: buckets,
            allowances: Vec::new(),
        };
        Draft {
            input,
            terms,
            currency: terms.currency,
            stays,
            pools: vec![all],
            taxes: Vec::new(),
            notes,
            lines: Vec::new(),
            next: Carry::default(),
        }
    }

    /// The zone that cuts the periods.
    pub(crate) fn zone(&self) -> &'a str {
        &self.terms.time_zone
    }

    /// The period that is billed.
    pub(crate) fn period(&self) -> Period {
        self.input.period
    }

    /// The period of the contract's rule that the one that is billed is a part of: a statement over some days of a
    /// month is for a part of the month. The period itself where it is a part of none.
    pub(crate) fn whole(&self) -> Result<Period, RatingError> {
        let period = self.period();
        let named = self.terms.period.containing(period.start, self.zone())?;
        Ok(if period.end <= named.end { named } else { period })
    }

    /// The span that `reset` names around the period's start. It begins no earlier than the contract and
    /// ends no later; a span that is shorter than the period lasts as long as the period.
    pub(crate) fn span(&self, reset: Reset) -> Result<SpanAt, RatingError> {
        let (period, runs) = (self.period(), self.input.runs);
        let named = |every| PeriodRule { every, ..self.terms.period }.containing(period.start, self.zone());
        let (mut start, mut end) = match reset {
            Reset::Period => (period.start, Some(period.end)),
            Reset::Contract => (runs.map_or(Instant(0), |runs| runs.from), None),
            Reset::Month => edges(named(Every::Month)?),
            Reset::Quarter => edges(named(Every::Quarter)?),
            Reset::Year => edges(named(Every::Year)?),
        };
        if let Some(runs) = runs {
            start = start.max(runs.from);
            end = [end, runs.to].into_iter().flatten().min();
        }
        let end = end.map(|end| if reset == Reset::Contract { end } else { end.max(period.end) });
        // A contract that ends inside the period ends its spans there.
        let end = match runs.and_then(|runs| runs.to) {
            Some(to) if period.contains(to) => end.map(|end| end.min(to)),
            _ => end,
        };
        let begins = period.contains(start);
        Ok(SpanAt { start, end, begins, ends: end.is_some_and(|end| end <= period.end) })
    }

    /// The places that these printers or places name, all for an empty list; by id.
    pub(crate) fn places(&self, printers: &[String]) -> Vec<Place> {
        let named = |stay: &PrinterUsage| {
            printers.is_empty() || printers.iter().any(|name| *name == stay.id || name == stay.place())
        };
        self.places_among((0..self.stays.len()).filter(|index| self.stays.get(*index).is_some_and(|stay| named(stay))))
    }

    /// The places of a pool, by id.
    pub(crate) fn places_of(&self, pool: usize) -> Vec<Place> {
        let stays = self.pools.get(pool).map_or(&[][..], |pool| pool.stays.as_slice());
        self.places_among(stays.iter().copied())
    }

    fn places_among(&self, stays: impl Iterator<Item = usize>) -> Vec<Place> {
        let mut places: BTreeMap<&str, Place> = BTreeMap::new();
        for index in stays {
            let Some(stay) = self.stays.get(index) else { continue };
            let place = places.entry(stay.place()).or_insert_with(|| Place {
                id: stay.place().to_owned(),
                parts: Vec::new(),
                stays: Vec::new(),
            });
            place.stays.push(index);
            place.parts.extend(self.period().cut(stay.from, stay.to));
        }
        let merge = |mut place: Place| {
            place.parts = merged(place.parts);
            place
        };
        places.into_values().map(merge).collect()
    }

    /// The days of some time in which the contract runs; all of them where it runs in none.
    pub(crate) fn running(&self, whole: Period) -> Period {
        self.input.runs.and_then(|runs| whole.cut(runs.from, runs.to)).unwrap_or(whole)
    }

    /// Of the days of the whole period in which the contract runs, the part that lies before `at`.
    pub(crate) fn before(&self, at: Instant) -> Result<Fraction, RatingError> {
        let running = self.running(self.whole()?);
        let before: Vec<Period> = running.cut(running.start, Some(at)).into_iter().collect();
        Ok(fraction(Proration::ActualDays, &before, running, self.zone())?)
    }

    /// The part of a whole period that a place was filled in this one; without a place, that the contract ran. CL16.
    pub(crate) fn part(&self, rule: Proration, place: Option<&Place>) -> Result<Fraction, RatingError> {
        self.part_of(rule, self.whole()?, place)
    }

    /// The same, of a time that is no longer than the whole period: a month of a quarter.
    ///
    /// Where a part counts whole, that is meant of printers and contracts that come or go. A statement over some days
    /// is cut by people: it bears these days' share of those in which the contract runs, so that the statements over
    /// all of these charge once.
    pub(crate) fn part_of(
        &self,
        rule: Proration,
        whole: Period,
        place: Option<&Place>,
    ) -> Result<Fraction, RatingError> {
        let (period, runs) = (self.period(), self.input.runs);
        let within = |part: Period| whole.cut(part.start, Some(part.end));
        if rule == Proration::None {
            let running = self.running(whole);
            let here: Vec<Period> = running.cut(period.start, Some(period.end)).into_iter().collect();
            let part = fraction(Proration::ActualDays, &here, running, self.zone())?;
            return Ok(if part.top == part.bottom { Fraction::ONE } else { part });
        }
        let parts: Vec<Period> = match (place, runs) {
            (Some(place), _) => place.parts.iter().copied().filter_map(within).collect(),
            (None, Some(runs)) => period.cut(runs.from, runs.to).and_then(within).into_iter().collect(),
            (None, None) => within(period).into_iter().collect(),
        };
        Ok(fraction(rule, &parts, whole, self.zone())?)
    }

    /// What the period before left under a clause's key, a pool's label and a word.
    pub(crate) fn carried(&self, key: &str, pool: &str, what: &str) -> &'a [Lot] {
        let input = self.input;
        input.carry.get(key, pool, what)
    }

    /// Leaves lots to the next period, in place of those that were left under the same names.
    pub(crate) fn leave(&mut self, key: &str, pool: &str, what: &str, lots: Vec<Lot>) {
        self.next.set(key, pool, what, lots);
    }

    /// After the pool step: a pool that lost all its stays is gone, and labels are unique, so that lines
    /// and carry can tell pools apart.
    pub(crate) fn settle_pools(&mut self) {
        if self.pools.iter().any(|pool| !pool.stays.is_empty()) {
            self.pools.retain(|pool| !pool.stays.is_empty());
        }
        let (mut keys, mut labels) = (BTreeSet::new(), BTreeSet::new());
        for index in 0..self.pools.len() {
            let place = self.places_of(index).into_iter().next().map_or_else(String::new, |place| place.id);
            let Some(pool) = self.pools.get_mut(index) else { continue };
            for (name, seen) in [(&mut pool.key, &mut keys), (&mut pool.label, &mut labels)] {
                if !seen.insert(name.clone()) {
                    *name = format!("{name} ({place})");
                    seen.insert(name.clone());
                }
            }
        }
    }

    /// Settles what allowances have left, and shows what no price took. Gives the lines as they are
    /// shown, and what is carried on.
    pub(crate) fn finish(&mut self) -> Result<(Vec<Line>, Carry), RatingError> {
        for index in 0..self.pools.len() {
            let Some(at) = span::pool(index, self) else { continue };
            let lefts = self.pools.get_mut(index).map(|pool| std::mem::take(&mut pool.allowances)).unwrap_or_default();
            for of_clause in lefts.chunk_by(|a, b| a.clause == b.clause) {
                allowance::settle(of_clause, &at, self)?;
            }
        }
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_by_key(|placed| placed.place);
        let mut open: Vec<Bucket> = self.pools.iter_mut().flat_map(|pool| std::mem::take(&mut pool.open)).collect();
        open.sort_by(|a, b| (&a.meter, &a.media, a.stay).cmp(&(&b.meter, &b.media, b.stay)));
        let mut shown: Vec<Line> = lines.into_iter().map(|placed| placed.line).collect();
        for group in open.chunk_by(|a, b| a.same_usage(b)) {
            shown.extend(unpriced(group)?);
        }
        Ok((shown, std::mem::take(&mut self.next)))
    }
}

fn edges(period: Period) -> (Instant, Option<Instant>) {
    (period.start, Some(period.end))
}

/// Spans of time in order, with those that touch or overlap made one.
pub(crate) fn merged(mut parts: Vec<Period>) -> Vec<Period> {
    parts.sort_unstable();
    let mut merged: Vec<Period> = Vec::with_capacity(parts.len());
    for part in parts {
        match merged.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => merged.push(part),
        }
    }
    merged
}

#[cfg(test)]
mod tests;
