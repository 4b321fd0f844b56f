//! The truth about finished jobs, which a printer's own answers and every bill are compared with.
//!
//! Deliberately absent: anything a printer's firmware makes of it; see `faces`.

use super::job::{Job, Source};
use report::{Area, Category, Ink, Instant, JobKind, JobStatus, Length, Personal};
use std::collections::BTreeMap;

/// A finished job, as it truly was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthJob {
    /// Row P2, lower case.
    pub uuid: String,
    /// Row P3.
    pub sequence: i64,
    /// Row P27.
    pub kind: JobKind,
    /// Row P11 or N10.
    pub status: JobStatus,
    /// Row P12.
    pub source: Source,
    /// Row P10.
    pub printed_at: Instant,
    /// The instant it finished, in whole seconds: the job belongs to it.
    pub finished_at: Instant,
    /// Row P16: copies asked for.
    pub copies: i64,
    /// Pages asked for, all copies.
    pub pages_asked: i64,
    /// Row P15: pages printed, all copies.
    pub pages: i64,
    /// Row P28: the media type of the first page.
    pub media: Option<String>,
    /// Rows P21 to P24, only of pages that were printed.
    pub categories: BTreeMap<Category, CategoryTruth>,
    /// The media that each type of media lost to this job, in mm².
    pub media_used: BTreeMap<String, Area>,
    /// Row P18, by colour.
    pub ink: BTreeMap<String, Ink>,
    /// Row N11.
    pub scanned: Option<Area>,
    /// The personal rows; the submission is the true instant, while a driver's is local time.
    pub personal: Personal,
}

/// What a job used in one print category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CategoryTruth {
    /// Row P22: the sum over pages of the area that the sides' text gives, rounded half-even a page.
    pub printed_area: Area,
    /// Row P21.
    pub media_area: Area,
    /// Row P24.
    pub media_length: Length,
    /// Row P23.
    pub ink: Ink,
}

impl TruthJob {
    /// What is true of a finished job.
    pub(super) fn of(job: &Job) -> TruthJob {
        let mut categories: BTreeMap<Category, CategoryTruth> = BTreeMap::new();
        let mut media_used: BTreeMap<String, Area> = BTreeMap::new();
        for page in job.pages.iter().filter(|page| page.printed > 0) {
            let used = categories.entry(page.category.clone()).or_default();
            used.printed_area.0 += page.printed_area().0;
            used.media_area.0 += page.media_area.0;
            used.media_length.0 += page.media_length().0;
            used.ink.0 += page.ink.values().map(|ink| ink.0).sum::<i64>();
            media_used.entry(page.medium.name.to_owned()).or_default().0 += page.media_area.0;
        }
        TruthJob {
            uuid: job.uuid.clone(),
            sequence: job.sequence,
            kind: job.kind,
            status: job.status,
            source: job.source,
            printed_at: job.started_at,
            finished_at: job.finished_at,
            copies: job.copies,
            pages_asked: job.pages.iter().map(|page| page.copies).sum(),
            pages: job.printed(),
            media: job.pages.first().map(|page| page.medium.name.to_owned()),
            categories,
            media_used,
            ink: job.ink().into_iter().map(|(colour, ink)| (colour.to_owned(), ink)).collect(),
            scanned: job.scanned,
            personal: job.personal.clone(),
        }
    }

    /// Row P20: the area printed, in all categories.
    pub fn printed_area(&self) -> Area {
        Area(self.categories.values().map(|used| used.printed_area.0).sum())
    }

    /// Row P19: the media used, in all categories.
    pub fn media_area(&self) -> Area {
        Area(self.categories.values().map(|used| used.media_area.0).sum())
    }
}
