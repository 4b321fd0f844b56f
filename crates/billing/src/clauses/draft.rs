//! The draft that clauses work on: usage not yet priced, allowances left, lines so far.
//!
//! Deliberately absent: any knowledge of a single clause, and the statement's head.

use super::allowance;
use crate::meter::{Meter, MeterKind, Pattern, label};
use crate::money::{Currency, Money};
use crate::rating::RatingError;
use crate::statement::{Line, LineSource, TaxRow};
use report::Grade;
use std::collections::BTreeMap;

/// All usage of one meter on one media type, of all printers together.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) meter: Meter,
    pub(crate) media: Option<String>,
    /// In the meter's base unit.
    pub(crate) quantity: i64,
    pub(crate) sources: Vec<LineSource>,
    pub(crate) grades: BTreeMap<Grade, i64>,
}

/// Usage that one price takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    /// In base units.
    pub(crate) used: i64,
    /// How much of it allowances cover; never more than `used`, never negative.
    pub(crate) included: i64,
    pub(crate) sources: Vec<LineSource>,
    pub(crate) grades: BTreeMap<Grade, i64>,
}

/// A statement in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) currency: Currency,
    /// Printers that were in the contract during the period.
    pub(crate) printers: i64,
    /// Usage that no price has taken yet, in the order of meters, then media.
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) allowances: Vec<allowance::Left>,
    pub(crate) lines: Vec<Line>,
    pub(crate) taxes: Vec<TaxRow>,
    pub(crate) notes: Vec<String>,
}

impl Draft {
    /// The sum of the lines so far.
    pub(crate) fn net(&self) -> Result<Money, RatingError> {
        Money::sum(self.lines.iter().filter_map(|line| line.amount)).map_err(RatingError::at("net"))
    }

    /// Takes what `pattern` matches out of the usage, with the share that allowances cover; `None`
    /// when there is none. Allowances serve in their order, each bucket in the order of meters.
    pub(crate) fn take(&mut self, pattern: &Pattern) -> Result<Option<Taken>, RatingError> {
        let buckets = std::mem::take(&mut self.buckets);
        let (matching, rest): (Vec<Bucket>, Vec<Bucket>) =
            buckets.into_iter().partition(|bucket| pattern.matches(&bucket.meter, bucket.media.as_deref()));
        self.buckets = rest;
        if matching.iter().all(|bucket| bucket.quantity == 0) {
            return Ok(None);
        }
        let overflow = || RatingError::Overflow { what: pattern.label() };
        let used: i128 = matching.iter().map(|bucket| i128::from(bucket.quantity)).sum();
        let used = i64::try_from(used).map_err(|_| overflow())?;
        let mut taken = Taken { used, included: self.include(&matching, used), ..Taken::default() };
        for bucket in matching {
            taken.sources.extend(bucket.sources);
            for (grade, quantity) in bucket.grades {
                let sum = taken.grades.entry(grade).or_default();
                *sum = sum.checked_add(quantity).ok_or_else(overflow)?;
            }
        }
        Ok(Some(taken))
    }

    /// Serves buckets from the allowances. Corrections below zero lower what can be included.
    fn include(&mut self, buckets: &[Bucket], used: i64) -> i64 {
        let mut room = used.max(0);
        for bucket in buckets {
            let mut open = bucket.quantity.clamp(0, room);
            for left in self.allowances.iter_mut().filter(|left| left.covers(bucket)) {
                let part = open.min(left.left);
                left.left -= part;
                open -= part;
                room -= part;
            }
        }
        used.max(0) - room
    }

    /// Shows what no price took, and what no usage took.
    pub(crate) fn finish(&mut self) {
        let buckets = std::mem::take(&mut self.buckets);
        self.lines.extend(buckets.into_iter().filter(|bucket| bucket.quantity != 0).map(unpriced));
        for left in &self.allowances {
            if left.left > 0 {
                let (included, unused) = (left.unit.show(left.included), left.unit.show(left.left));
                self.notes.push(format!("Of {included} included, {unused} were not used and lapse."));
            }
        }
    }
}

/// A line for usage that no price matches: shown, and not billed.
fn unpriced(bucket: Bucket) -> Line {
    let (meter, media) = (bucket.meter, bucket.media);
    let pattern = Pattern {
        meter: meter.kind(),
        category: meter.category(),
        colour: meter.colour().map(str::to_owned),
        media: media.clone(),
    };
    let title = if meter.part().is_none() && meter.kind() == MeterKind::AreaPrinted {
        // Only jobs that name no category are counted here.
        format!("{}, no category", label(meter.kind(), None, None, media.as_deref()))
    } else {
        pattern.label()
    };
    Line {
        id: format!("unpriced.{pattern}"),
        title,
        detail: format!("{} used, no price: not billed", meter.unit().show(bucket.quantity)),
        pattern: Some(pattern),
        used: Some(bucket.quantity),
        unit: Some(meter.unit()),
        sources: bucket.sources,
        grades: bucket.grades,
        ..Line::default()
    }
}
