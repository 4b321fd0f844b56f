//! What every bill must be: sums over the truth, obvious and slow.
//!
//! Periods are half-open, and a job belongs to the instant it finished. What was printed of a
//! cancelled or failed job counts; a category of which nothing was printed is left out.
//! Deliberately absent: prices, allowances and rounding to billing units; they belong to contracts.

use crate::printer::{CategoryTruth, Counters, TruthJob};
use report::{Area, Category, Ink, Instant, JobKind};
use std::collections::BTreeMap;

/// The jobs that finished in `from..to`.
pub fn within(jobs: &[TruthJob], from: Instant, to: Instant) -> impl Iterator<Item = &TruthJob> {
    jobs.iter().filter(move |job| from <= job.finished_at && job.finished_at < to)
}

/// All that was used in each print category, rows P21 to P24.
pub fn by_category(jobs: &[TruthJob], from: Instant, to: Instant) -> BTreeMap<Category, CategoryTruth> {
    let mut sums: BTreeMap<Category, CategoryTruth> = BTreeMap::new();
    for (category, used) in within(jobs, from, to).flat_map(|job| &job.categories) {
        let sum = sums.entry(category.clone()).or_default();
        sum.printed_area.0 += used.printed_area.0;
        sum.media_area.0 += used.media_area.0;
        sum.media_length.0 += used.media_length.0;
        sum.ink.0 += used.ink.0;
    }
    sums
}

/// The area printed in each print category, row P22, in mm².
pub fn area_by_category(jobs: &[TruthJob], from: Instant, to: Instant) -> BTreeMap<Category, Area> {
    by_category(jobs, from, to).into_iter().map(|(category, used)| (category, used.printed_area)).collect()
}

/// The media used in each print category, row P21, in mm².
pub fn media_by_category(jobs: &[TruthJob], from: Instant, to: Instant) -> BTreeMap<Category, Area> {
    by_category(jobs, from, to).into_iter().map(|(category, used)| (category, used.media_area)).collect()
}

/// The area printed in each print category and on each media type, the media type being that of a
/// job's first page, row P28, as jobs name only one.
pub fn area_by_category_and_media(
    jobs: &[TruthJob],
    from: Instant,
    to: Instant,
) -> BTreeMap<(Category, Option<String>), Area> {
    let mut sums: BTreeMap<(Category, Option<String>), Area> = BTreeMap::new();
    for job in within(jobs, from, to) {
        for (category, used) in &job.categories {
            sums.entry((category.clone(), job.media.clone())).or_default().0 += used.printed_area.0;
        }
    }
    sums
}

/// The ink used of each colour, row P18, in nl.
pub fn ink_by_colour(jobs: &[TruthJob], from: Instant, to: Instant) -> BTreeMap<String, Ink> {
    let mut sums: BTreeMap<String, Ink> = BTreeMap::new();
    for (colour, ink) in within(jobs, from, to).flat_map(|job| &job.ink) {
        sums.entry(colour.clone()).or_default().0 += ink.0;
    }
    sums
}

/// The area scanned, row N11, in mm², by scans and by copies.
pub fn scanned(jobs: &[TruthJob], from: Instant, to: Instant) -> Area {
    Area(within(jobs, from, to).filter_map(|job| job.scanned).map(|area| area.0).sum())
}

/// Pages printed, row P15, all copies.
pub fn pages(jobs: &[TruthJob], from: Instant, to: Instant) -> i64 {
    within(jobs, from, to).map(|job| job.pages).sum()
}

/// By how much `jobs` must have raised a printer's lifetime counters. The counters themselves also
/// rise by maintenance and by cutting.
pub fn raised_by(jobs: &[TruthJob]) -> Counters {
    let mut counters = Counters::default();
    for job in jobs {
        counters.jobs += 1;
        counters.pages += job.pages;
        for (name, area) in &job.media_used {
            counters.media_area.0 += area.0;
            counters.media.entry(name.clone()).or_default().0 += area.0;
        }
        for (category, used) in &job.categories {
            let counter = counters.categories.entry(category.clone()).or_default();
            counter.media_area.0 += used.media_area.0;
            counter.media_length.0 += used.media_length.0;
        }
        for (colour, ink) in &job.ink {
            counters.ink.entry(colour.clone()).or_default().0 += ink.0;
        }
        let scanned = job.scanned.map_or(0, |area| area.0);
        match job.kind {
            JobKind::Print => {}
            JobKind::Scan => counters.scanned_scans.0 += scanned,
            JobKind::Copy => counters.scanned_copies.0 += scanned,
        }
    }
    counters
}
