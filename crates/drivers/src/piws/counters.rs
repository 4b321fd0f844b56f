//! `DeviceCounters`: lifetime counters, rows U6 to U15 and U17.
//!
//! No recording of this document exists; its names stand in `dialect.rs`. Deliberately absent: ink,
//! which the ink system counts.

use super::dialect;
use crate::limits::LIST_MAX;
use crate::node::{Node, Notes, sum_known};
use report::{Area, Category, CategoryUsage, Length, MediaUsage, Report, RowId};

/// Reads the counters.
pub(crate) fn read(counters: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter(dialect::COUNTERS);
    let usage = &mut report.usage;
    usage.jobs = notes.count(RowId::U14, "NumberOfJobs", counters.at(dialect::JOBS));
    usage.pages = notes.count(RowId::U15, "NumberOfPages", counters.at(dialect::PAGES));
    usage.media_area = notes.area(RowId::U17, "MediaUsed", counters.at(dialect::MEDIA_USED));
    usage.scanned = notes.area(RowId::U8, "TotalArea", counters.at(dialect::SCANNED));
    usage.scanned_scans = notes.area(RowId::U9, "ScanArea", counters.at(dialect::SCANNED_SCANS));
    usage.scanned_copies = notes.area(RowId::U10, "CopyArea", counters.at(dialect::SCANNED_COPIES));
    usage.media = media(counters, notes);
    usage.categories = categories(counters, notes);
}

/// Rows U6 and U7: two media types of one name count together.
fn media(counters: Node<'_>, notes: &mut Notes) -> Vec<MediaUsage> {
    let mut media: Vec<MediaUsage> = Vec::new();
    for entry in notes.list("MediaType", counters.at(dialect::MEDIA_TYPES), LIST_MAX) {
        let area = notes.area(RowId::U7, "SquareAmount", entry.at("SquareAmount"));
        match (entry.at(dialect::NAME).words(), area) {
            (Some(name), Some(area)) => match media.iter_mut().find(|usage| usage.name == name) {
                Some(usage) => usage.area = Area(usage.area.0.saturating_add(area.0)),
                None => media.push(MediaUsage { name, area }),
            },
            (None, _) => notes.at(RowId::U6, "a media type has no name"),
            // The amount is absent, or noted as odd.
            (Some(_), None) => {}
        }
    }
    media
}

/// Rows U11 to U13: two names that mean one category count together.
fn categories(counters: Node<'_>, notes: &mut Notes) -> Vec<CategoryUsage> {
    let mut categories: Vec<CategoryUsage> = Vec::new();
    for entry in notes.list("PrintCategory", counters.at(dialect::CATEGORIES), LIST_MAX) {
        let Some(id) = entry.at(dialect::ID).text() else {
            notes.at(RowId::U11, "a print category has no identifier");
            continue;
        };
        let category = Category::new(&id);
        let media_area = notes.area(RowId::U12, "SquareAmount", entry.at("SquareAmount"));
        let media_length = notes.length(RowId::U13, "LinearAmount", entry.at("LinearAmount"));
        match categories.iter_mut().find(|usage| usage.category == category) {
            Some(usage) => {
                usage.media_area =
                    sum_known([usage.media_area, media_area].map(|part| part.map(|area| area.0))).map(Area);
                usage.media_length =
                    sum_known([usage.media_length, media_length].map(|part| part.map(|length| length.0))).map(Length);
            }
            None => categories.push(CategoryUsage { category, media_area, media_length }),
        }
    }
    categories
}
