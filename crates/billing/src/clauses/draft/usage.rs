//! Usage in a draft: buckets of one stay, meter and media type; what prices take of them, what covers them, and
//! what credits lower.
//!
//! What is covered is decided on the sum of a meter and media type over the stays of a pool. Deliberately absent:
//! prices, lines, and which allowance serves first, which the order of the pool's allowances says.

use super::{Draft, PoolUsage};
use crate::ledger::Mark;
use crate::meter::{Meter, Pattern, PricingUnit};
use crate::rating::RatingError;
use crate::statement::LineSource;
use report::Grade;
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

impl Bucket {
    /// Whether any of the patterns means it.
    pub(crate) fn matches(&self, patterns: &[&Pattern]) -> bool {
        patterns.iter().any(|pattern| pattern.matches(&self.meter, self.media.as_deref()))
    }

    pub(super) fn same_usage(&self, other: &Bucket) -> bool {
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

pub(super) fn fit(sum: i128, patterns: &[&Pattern]) -> Result<i64, RatingError> {
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

impl Draft<'_> {
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
}

impl Taken {
    /// Adds up what the buckets rest on.
    pub(super) fn collect(&mut self, buckets: Vec<Bucket>, patterns: &[&Pattern]) -> Result<(), RatingError> {
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
