//! The draft that clauses work on: usage not yet priced, allowances left, lines so far, what is carried.
//!
//! Usage stands in buckets of one stay, meter and media type, so that every line can say which printer
//! bears what. What allowances and blocks cover, and whether there is anything to bill, is decided on
//! the sum of a meter and media type over the stays of a pool: a correction at one printer lowers the
//! usage of the pool, and how jobs are spread over printers changes no amount. Deliberately absent: any
//! knowledge of a single clause's terms, and the statement's head.

use super::pool::Allocation;
use super::{At, allowance};
use crate::carry::{Carry, Lot};
use crate::contract::{Step, Terms};
use crate::ledger::Mark;
use crate::meter::{Meter, MeterKind, Pattern, PricingUnit, label};
use crate::money::{Currency, Money, UnitPrice, allocate};
use crate::period::{Every, Period, PeriodRule, Reset};
use crate::proration::{Fraction, Proration, fraction};
use crate::rating::{Input, PrinterUsage, RatingError};
use crate::statement::{Line, LineShare, LineSource, Reference, TaxRow};
use report::{Grade, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// The usage of one stay on one meter and media type.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    /// The stay, by its place in [`Draft::stays`].
    pub(crate) stay: usize,
    pub(crate) meter: Meter,
    pub(crate) media: Option<String>,
    /// In the meter's base unit.
    pub(crate) quantity: i64,
    /// How much of it [`Draft::cover`] covered; never negative, and never more than is used.
    pub(crate) covered: i64,
    /// What covered it, in the order it did.
    pub(crate) covers: Vec<(&'static str, i64)>,
    /// How much of it is estimated.
    pub(crate) estimated: i64,
    pub(crate) sources: Vec<LineSource>,
    /// The quantity by grade of its proof; they add up to it.
    pub(crate) grades: BTreeMap<Grade, i64>,
    pub(crate) marks: BTreeSet<Mark>,
}

/// What is left of an allowance, or of one of the lots it rolled over.
#[derive(Debug, Clone)]
pub(crate) struct Left {
    /// The key of its clause.
    pub(crate) key: String,
    /// The clause, by its place in the terms.
    pub(crate) clause: usize,
    /// Which of the rolled lots it is; `None`: what the span itself includes.
    pub(crate) lot: Option<usize>,
    pub(crate) covers: Vec<Pattern>,
    pub(crate) unit: PricingUnit,
    /// What there was, in base units.
    pub(crate) included: i64,
    /// What there still is; never negative.
    pub(crate) left: i64,
    /// What a step calls it: `allowance`.
    pub(crate) word: &'static str,
}

/// Printers that share allowances and tiers. CL18.
#[derive(Debug, Clone)]
pub(crate) struct PoolUsage {
    /// Its label; empty for the pool without a name.
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

/// Usage that one price takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    /// In base units.
    pub(crate) used: i64,
    /// How much of it is covered.
    pub(crate) included: i64,
    /// By what it is covered, for the step's text: `("allowance", 400_000_000)`.
    pub(crate) covers: Vec<(&'static str, i64)>,
    /// What each stay used.
    pub(crate) by_stay: Vec<(usize, i64)>,
    pub(crate) sources: Vec<LineSource>,
    pub(crate) grades: BTreeMap<Grade, i64>,
    pub(crate) marks: BTreeSet<Mark>,
    /// How much of `used` is estimated.
    pub(crate) estimated: i64,
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

/// A line and where it is shown.
#[derive(Debug, Clone)]
struct Placed {
    place: usize,
    line: Line,
}

/// Adjustments are shown after the clauses.
const AFTER_CLAUSES: usize = usize::MAX;

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

impl Bucket {
    /// Whether any of the patterns means it.
    pub(crate) fn matches(&self, patterns: &[&Pattern]) -> bool {
        patterns.iter().any(|pattern| pattern.matches(&self.meter, self.media.as_deref()))
    }

    fn same_usage(&self, other: &Bucket) -> bool {
        (&self.meter, &self.media) == (&other.meter, &other.media)
    }

    fn cover(&mut self, word: &'static str, part: i64) {
        self.covered += part;
        add_cover(&mut self.covers, word, part);
    }

    /// Makes the grades and the estimated part fit a quantity that became smaller by `by`: what is
    /// proved worst goes first.
    fn forget(&mut self, by: i64) {
        let mut rest = by;
        for quantity in self.grades.values_mut().rev() {
            let part = (*quantity).clamp(0, rest);
            *quantity -= part;
            rest -= part;
        }
        self.grades.retain(|_, quantity| *quantity != 0);
        self.estimated = self.estimated.min(self.quantity.max(0));
    }
}

impl Left {
    /// Whether it serves this usage.
    pub(crate) fn serves(&self, bucket: &Bucket) -> bool {
        self.covers.iter().any(|pattern| pattern.matches(&bucket.meter, bucket.media.as_deref()))
    }
}

fn add_cover(covers: &mut Vec<(&'static str, i64)>, word: &'static str, part: i64) {
    if part == 0 {
        return;
    }
    match covers.iter_mut().find(|(known, _)| *known == word) {
        Some((_, sum)) => *sum = sum.saturating_add(part),
        None => covers.push((word, part)),
    }
}

/// What is open of one meter and media type over all stays.
fn open_of(group: &[Bucket]) -> i128 {
    group.iter().map(|bucket| i128::from(bucket.quantity) - i128::from(bucket.covered)).sum()
}

/// What of a group can be covered while `room` is left; zero where corrections outweigh the usage.
fn coverable(group: &[Bucket], room: i64) -> i64 {
    i64::try_from(open_of(group).clamp(0, i128::from(room.max(0)))).unwrap_or(room)
}

/// Puts `part` of coverage on the stays of a group, in their order.
fn cover_group(group: &mut [Bucket], word: &'static str, part: i64) {
    let mut rest = part;
    for bucket in group {
        let piece = bucket.quantity.saturating_sub(bucket.covered).clamp(0, rest);
        bucket.cover(word, piece);
        rest -= piece;
    }
}

fn fit(sum: i128, patterns: &[&Pattern]) -> Result<i64, RatingError> {
    let what = || patterns.first().map_or_else(|| "usage".to_owned(), |pattern| pattern.label());
    i64::try_from(sum).map_err(|_| RatingError::Overflow { what: what() })
}

/// The groups that any pattern means.
fn matching<'b>(buckets: &'b [Bucket], patterns: &'b [&'b Pattern]) -> impl Iterator<Item = &'b [Bucket]> {
    let groups = buckets.chunk_by(|a, b| a.same_usage(b));
    groups.filter(move |group| group.first().is_some_and(|bucket| bucket.matches(patterns)))
}

/// What is open of all usage that any pattern means; never negative.
fn room(buckets: &[Bucket], patterns: &[&Pattern]) -> Result<i64, RatingError> {
    fit(matching(buckets, patterns).map(open_of).sum::<i128>().max(0), patterns)
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

    /// The part of the period that a place was filled; without a place, that the contract ran. CL16.
    pub(crate) fn part(&self, rule: Proration, place: Option<&Place>) -> Result<Fraction, RatingError> {
        let (period, runs) = (self.period(), self.input.runs);
        let parts = match (place, runs) {
            (Some(place), _) => place.parts.clone(),
            (None, Some(runs)) => period.cut(runs.from, runs.to).into_iter().collect(),
            (None, None) => vec![period],
        };
        Ok(fraction(rule, &parts, period, self.zone())?)
    }

    /// Takes what any pattern matches out of a pool's open usage, with what covers it; `None` when there
    /// is nothing. The pool's allowances serve in their order, and usage in the order of meters.
    pub(crate) fn take(&mut self, pool: usize, patterns: &[&Pattern]) -> Result<Option<Taken>, RatingError> {
        let Some(pool) = self.pools.get_mut(pool) else { return Ok(None) };
        let open = std::mem::take(&mut pool.open);
        let (found, rest): (Vec<Bucket>, Vec<Bucket>) = open.into_iter().partition(|bucket| bucket.matches(patterns));
        pool.open = rest;
        let mut groups = found.chunk_by(|a, b| a.same_usage(b));
        if groups.all(|group| group.iter().map(|bucket| i128::from(bucket.quantity)).sum::<i128>() == 0) {
            return Ok(None);
        }
        let used = fit(found.iter().map(|bucket| i128::from(bucket.quantity)).sum(), patterns)?;
        let mut taken = Taken { used, ..Taken::default() };
        for &(word, part) in found.iter().flat_map(|bucket| &bucket.covers) {
            add_cover(&mut taken.covers, word, part);
        }
        let covered: i128 = found.iter().map(|bucket| i128::from(bucket.covered)).sum();
        let mut room = fit((i128::from(used) - covered).max(0), patterns)?;
        for group in found.chunk_by(|a, b| a.same_usage(b)) {
            let Some(first) = group.first() else { continue };
            let mut open = coverable(group, room);
            for left in pool.allowances.iter_mut().filter(|left| left.serves(first)) {
                let part = open.min(left.left).max(0);
                left.left -= part;
                open -= part;
                room -= part;
                add_cover(&mut taken.covers, left.word, part);
            }
        }
        taken.included = fit(taken.covers.iter().map(|(_, part)| i128::from(*part)).sum(), patterns)?;
        taken.collect(found, patterns)?;
        Ok(Some(taken))
    }

    /// Covers up to `most` of the open usage that any pattern means, in the order of meters; gives how
    /// much. Allowances that stand in the pool serve first.
    pub(crate) fn cover(
        &mut self,
        pool: usize,
        patterns: &[&Pattern],
        most: i64,
        word: &'static str,
    ) -> Result<i64, RatingError> {
        let Some(PoolUsage { open, allowances, .. }) = self.pools.get_mut(pool) else { return Ok(0) };
        let mut room = room(open, patterns)?;
        let mean = |group: &&mut [Bucket]| group.first().is_some_and(|bucket| bucket.matches(patterns));
        for group in open.chunk_by_mut(|a, b| a.same_usage(b)).filter(mean) {
            for left in allowances.iter_mut() {
                let serves = group.first().is_some_and(|first| left.serves(first));
                let part = if serves { coverable(group, room).min(left.left).max(0) } else { 0 };
                left.left -= part;
                room -= part;
                cover_group(group, left.word, part);
            }
        }
        let (mut rest, mut covered) = (most.clamp(0, room), 0);
        for group in open.chunk_by_mut(|a, b| a.same_usage(b)).filter(mean) {
            let part = coverable(group, rest);
            cover_group(group, word, part);
            rest -= part;
            covered += part;
        }
        Ok(covered)
    }

    /// Open usage that any pattern means, less what is covered and what the standing allowances will
    /// serve; never negative.
    pub(crate) fn open_after(&self, pool: usize, patterns: &[&Pattern]) -> Result<i64, RatingError> {
        let Some(pool) = self.pools.get(pool) else { return Ok(0) };
        let mut room = room(&pool.open, patterns)?;
        let mut left: Vec<i64> = pool.allowances.iter().map(|left| left.left).collect();
        for group in matching(&pool.open, patterns) {
            let Some(first) = group.first() else { continue };
            let mut open = coverable(group, room);
            let serving = pool.allowances.iter().zip(&mut left).filter(|(allowance, _)| allowance.serves(first));
            for (_, left) in serving {
                let part = open.min(*left).max(0);
                *left -= part;
                open -= part;
                room -= part;
            }
        }
        Ok(room)
    }

    /// Lowers the usage of a stay by up to `by`, never below zero nor below what is covered; gives by how
    /// much. A meter without a category means all of its kind, no media type means all.
    pub(crate) fn lower(&mut self, pool: usize, stay: usize, meter: &Meter, media: Option<&str>, by: i64) -> i64 {
        let Some(PoolUsage { used, open, .. }) = self.pools.get_mut(pool) else { return 0 };
        let means = |bucket: &&mut Bucket| {
            let of_kind = meter.part().is_none() && bucket.meter.kind() == meter.kind();
            bucket.stay == stay
                && (of_kind || bucket.meter == *meter)
                && media.is_none_or(|media| bucket.media.as_deref() == Some(media))
        };
        let mut rest = by.max(0);
        for bucket in open.iter_mut().filter(means) {
            let part = bucket.quantity.saturating_sub(bucket.covered).clamp(0, rest);
            let all = used.iter_mut().find(|all| all.stay == stay && all.same_usage(bucket));
            for bucket in [Some(bucket), all].into_iter().flatten() {
                bucket.quantity -= part;
                bucket.forget(part);
            }
            rest -= part;
        }
        by.max(0) - rest
    }

    /// The sum of all usage of a pool that any pattern means, priced or not.
    pub(crate) fn used(&self, pool: usize, patterns: &[&Pattern]) -> Result<i64, RatingError> {
        let used = self.pools.get(pool).map_or(&[][..], |pool| pool.used.as_slice());
        let found = used.iter().filter(|bucket| bucket.matches(patterns));
        fit(found.map(|bucket| i128::from(bucket.quantity)).sum(), patterns)
    }

    /// A line's amount shared over the stays that used it, by the pool's allocation. Quantities add up to
    /// what was taken, amounts to `amount`.
    pub(crate) fn share(&self, pool: usize, taken: &Taken, amount: Money) -> Vec<LineShare> {
        let places = self.places_of(pool);
        let by_stay: BTreeMap<usize, i64> = taken.by_stay.iter().copied().collect();
        let used_by = |stay: &usize| by_stay.get(stay).copied().unwrap_or(0);
        // A place without usage bears nothing, unless all bear the same.
        let allocation = self.pools.get(pool).map(|pool| pool.allocation).unwrap_or_default();
        let uses = |place: &Place| place.stays.iter().any(|stay| by_stay.contains_key(stay));
        let bearing: Vec<&Place> =
            places.iter().filter(|place| allocation == Allocation::Equal || uses(place)).collect();
        let used_at = |place: &&Place| place.stays.iter().map(used_by).fold(0, i64::saturating_add);
        let used: Vec<i64> = bearing.iter().map(used_at).collect();
        let count = i64::try_from(places.len()).unwrap_or(i64::MAX).max(1);
        let weights: Vec<i64> = match allocation {
            Allocation::Usage => used,
            Allocation::Excess => used.iter().map(|used| used.saturating_sub(taken.included / count).max(0)).collect(),
            Allocation::Equal => vec![1; used.len()],
        };
        let mut shares = Vec::new();
        for (place, amount) in bearing.into_iter().zip(allocate(amount.0, &weights)) {
            let used: Vec<i64> = place.stays.iter().map(used_by).collect();
            let first_of_place = shares.len();
            for ((stay, quantity), amount) in place.stays.iter().zip(&used).zip(allocate(amount, &used)) {
                if let Some(stay) = self.stays.get(*stay) {
                    add_share(
                        &mut shares,
                        first_of_place,
                        LineShare {
                            printer: stay.id.clone(),
                            site: stay.site.clone(),
                            quantity: *quantity,
                            amount: Money(amount),
                        },
                    );
                }
            }
        }
        shares
    }

    /// A line's title, with the pool's label where there are several pools.
    pub(crate) fn titled(&self, title: String, pool: usize) -> String {
        let label = self.pools.get(pool).filter(|_| self.pools.len() > 1).map_or("", |pool| pool.label.as_str());
        if label.is_empty() { title } else { format!("{title} · {label}") }
    }

    /// Adds a line of a clause. The clause gives it its id (see [`At::id`]).
    pub(crate) fn push(&mut self, at: &At<'_>, step: Step, line: Line) {
        let line = Line { clause: Some(at.key.to_owned()), step: Some(step), ..line };
        self.lines.push(Placed { place: at.number, line });
    }

    /// Adds the lines that settle periods before. They stand in the input, not in a clause.
    pub(crate) fn push_adjustments(&mut self) {
        let input = self.input;
        for (index, adjustment) in input.adjustments.iter().enumerate() {
            for of in &adjustment.lines {
                let refers = Reference { line: Some(of.line.clone()), ..adjustment.refers.clone() };
                let line = Line {
                    id: format!("adjustment.{}.{}", index + 1, of.line),
                    title: of.title.clone(),
                    detail: of.detail.clone(),
                    amount: Some(of.amount),
                    steps: of.steps.clone(),
                    step: Some(Step::Adjustments),
                    refers: Some(refers),
                    ..Line::default()
                };
                self.lines.push(Placed { place: AFTER_CLAUSES, line });
            }
        }
    }

    /// The lines so far, in the order they were added.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().map(|placed| &placed.line)
    }

    /// The lines so far, to be changed in place.
    pub(crate) fn lines_mut(&mut self) -> impl Iterator<Item = &mut Line> {
        self.lines.iter_mut().map(|placed| &mut placed.line)
    }

    /// Puts other lines in the place of each; they are shown where it was.
    pub(crate) fn replace_lines(&mut self, mut split: impl FnMut(Line) -> Vec<Line>) {
        let lines = std::mem::take(&mut self.lines);
        for Placed { place, line } in lines {
            self.lines.extend(split(line).into_iter().map(|line| Placed { place, line }));
        }
    }

    /// The sum of the lines so far that are wanted.
    pub(crate) fn amount_of(&self, wanted: impl Fn(&Line) -> bool) -> Result<Money, RatingError> {
        let amounts = self.lines().filter(|line| wanted(line)).filter_map(|line| line.amount);
        Money::sum(amounts).map_err(RatingError::at("net"))
    }

    /// The sum of the lines so far.
    pub(crate) fn net(&self) -> Result<Money, RatingError> {
        self.amount_of(|_| true)
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
        let mut seen = BTreeSet::new();
        for index in 0..self.pools.len() {
            let place = self.places_of(index).into_iter().next().map_or_else(String::new, |place| place.id);
            let Some(pool) = self.pools.get_mut(index) else { continue };
            if !seen.insert(pool.label.clone()) {
                pool.label = format!("{} ({place})", pool.label);
                seen.insert(pool.label.clone());
            }
        }
    }

    /// Settles what allowances have left, and shows what no price took. Gives the lines as they are
    /// shown, and what is carried on.
    pub(crate) fn finish(&mut self) -> Result<(Vec<Line>, Carry), RatingError> {
        for index in 0..self.pools.len() {
            let Some(pool) = self.pools.get_mut(index) else { continue };
            let (label, lefts) = (pool.label.clone(), std::mem::take(&mut pool.allowances));
            for of_clause in lefts.chunk_by(|a, b| a.clause == b.clause) {
                allowance::settle(of_clause, &label, self)?;
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

impl Taken {
    /// Adds up what the buckets rest on.
    fn collect(&mut self, buckets: Vec<Bucket>, patterns: &[&Pattern]) -> Result<(), RatingError> {
        let mut by_stay: BTreeMap<usize, i128> = BTreeMap::new();
        let mut grades: BTreeMap<Grade, i128> = BTreeMap::new();
        let mut estimated = 0_i128;
        for bucket in buckets {
            *by_stay.entry(bucket.stay).or_default() += i128::from(bucket.quantity);
            estimated += i128::from(bucket.estimated);
            for (grade, quantity) in bucket.grades {
                *grades.entry(grade).or_default() += i128::from(quantity);
            }
            self.sources.extend(bucket.sources);
            self.marks.extend(bucket.marks);
        }
        for (stay, used) in by_stay {
            self.by_stay.push((stay, fit(used, patterns)?));
        }
        for (grade, quantity) in grades {
            self.grades.insert(grade, fit(quantity, patterns)?);
        }
        self.estimated = fit(estimated, patterns)?;
        Ok(())
    }
}

fn edges(period: Period) -> (Instant, Option<Instant>) {
    (period.start, Some(period.end))
}

/// Spans in order, with those that touch or overlap made one.
fn merged(mut parts: Vec<Period>) -> Vec<Period> {
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

/// Adds a share of a place; a printer that left and came back to one site stands once.
fn add_share(shares: &mut Vec<LineShare>, first_of_place: usize, share: LineShare) {
    let own = shares.get_mut(first_of_place..).unwrap_or_default();
    match own.iter_mut().find(|known| known.printer == share.printer && known.site == share.site) {
        Some(known) => {
            known.quantity = known.quantity.saturating_add(share.quantity);
            known.amount = Money(known.amount.0.saturating_add(share.amount.0));
        }
        None => shares.push(share),
    }
}

/// A line for usage at a price: 520 m² used, 400 m² of them included, at 0.14: 120 × 0.14 = 16.80 (W1).
///
/// The caller adds the pattern, where the line is for one. The title is given its pool here.
pub(crate) fn priced_line(
    id: String,
    title: String,
    taken: Taken,
    price: UnitPrice,
    unit: PricingUnit,
    draft: &Draft<'_>,
    pool: usize,
) -> Result<Line, RatingError> {
    let title = draft.titled(title, pool);
    let overflow = || RatingError::Overflow { what: title.clone() };
    let billed = taken.used.checked_sub(taken.included).ok_or_else(overflow)?;
    let (currency, how) = (draft.currency, draft.terms.rounding);
    let amount = price.times_in(billed, unit, currency, how).map_err(RatingError::at(&id))?;
    let product = format!("{} × {} = {}", unit.show_exact(billed), price.show(currency), amount.show(currency));
    let (mut detail, mut step) = (format!("{} used", unit.show(taken.used)), String::new());
    for &(word, part) in &taken.covers {
        let included = if word == "allowance" { "included" } else { word };
        detail.push_str(&format!(", {} {included}", unit.number(part)));
        step.push_str(&format!(" − {} {word}", unit.show_exact(part)));
    }
    let step = if step.is_empty() { product } else { format!("{}{step} = {product}", unit.show_exact(taken.used)) };
    Ok(Line {
        id,
        title,
        detail,
        used: Some(taken.used),
        included: Some(taken.included),
        quantity: Some(billed),
        unit: Some(unit),
        unit_price: Some(price),
        amount: Some(amount),
        steps: vec![step],
        shares: draft.share(pool, &taken, amount),
        sources: taken.sources,
        grades: taken.grades,
        marks: taken.marks,
        estimated: taken.estimated,
        ..Line::default()
    })
}

/// A line for usage that no price matches: shown, and not billed. `None` where it sums to nothing.
fn unpriced(group: &[Bucket]) -> Result<Option<Line>, RatingError> {
    let Some(Bucket { meter, media, .. }) = group.first() else { return Ok(None) };
    let pattern = Pattern {
        meter: meter.kind(),
        category: meter.category(),
        colour: meter.colour().map(str::to_owned),
        media: media.clone(),
    };
    let used = fit(group.iter().map(|bucket| i128::from(bucket.quantity)).sum(), &[&pattern])?;
    if used == 0 {
        return Ok(None);
    }
    let title = if meter.part().is_none() && meter.kind() == MeterKind::AreaPrinted {
        // Only jobs that name no category are counted here.
        format!("{}, no category", label(meter.kind(), None, None, media.as_deref()))
    } else {
        pattern.label()
    };
    let mut taken = Taken { used, ..Taken::default() };
    taken.collect(group.to_vec(), &[&pattern])?;
    Ok(Some(Line {
        id: format!("unpriced.{pattern}"),
        title,
        detail: format!("{} used, no price: not billed", meter.unit().show(used)),
        pattern: Some(pattern),
        used: Some(used),
        unit: Some(meter.unit()),
        sources: taken.sources,
        grades: taken.grades,
        marks: taken.marks,
        estimated: taken.estimated,
        ..Line::default()
    }))
}

#[cfg(test)]
mod tests;
