//! `Settings` and `PrinterSettings`, which stand behind the printer's login: job category thresholds (row S24)
//! and the categories that media types are always counted as (row S25).
//!
//! That these rows stand in these documents is inferred, their members are invented: see `dialect.rs`.
//! Deliberately absent: every other setting, since no row wants it and some are secrets.

use super::{dialect, media};
use crate::limits::LIST_MAX;
use crate::node::{Node, Notes};
use report::{Category, Limit, Report, RowId, Threshold};

/// A written share of 1 is 1 %: 10 000 ppm.
const PPM_A_PERCENT: i128 = 10_000;

/// Row S24. An entry without a category or without one limit is a defect.
pub(crate) fn read_thresholds(settings: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("Settings");
    let entries = settings.at(dialect::THRESHOLDS).at(dialect::THRESHOLD);
    for (index, entry) in notes.list(dialect::THRESHOLD, entries, LIST_MAX).into_iter().enumerate() {
        let pixels = notes.share(RowId::S24, dialect::NON_WHITE, entry.at(dialect::NON_WHITE), PPM_A_PERCENT);
        let ink = notes.ink(RowId::S24, dialect::INK_PER_AREA, entry.at(dialect::INK_PER_AREA));
        let limit = match (pixels, ink) {
            (Some(share), None) => Some(Limit::PixelShare(share)),
            (None, Some(ink)) => Some(Limit::InkPerArea(ink)),
            (Some(_), Some(_)) | (None, None) => None,
        };
        match (limit, entry.at(dialect::CATEGORY).text()) {
            (Some(limit), Some(category)) => {
                report.settings.thresholds.push(Threshold { limit, category: Category::new(&category) });
            }
            _ => notes.at(RowId::S24, &format!("threshold {} has not one category and one limit", index + 1)),
        }
    }
}

/// Row S25: by the name of the media type where the printer lists one, else by its identifier.
pub(crate) fn read_customization(settings: Node<'_>, report: &mut Report, notes: &mut Notes) {
    let names = media::names_by_id(&report.settings);
    notes.enter("PrinterSettings");
    let entries = settings.at(dialect::MEDIA_CATEGORIES).at(dialect::MEDIA_CATEGORY);
    for (index, entry) in notes.list(dialect::MEDIA_CATEGORY, entries, LIST_MAX).into_iter().enumerate() {
        let id = entry.at(dialect::MEDIA_ID).text();
        let (Some(id), Some(category)) = (id, entry.at(dialect::CATEGORY).text()) else {
            notes.at(RowId::S25, &format!("entry {} has no media type or no category", index + 1));
            continue;
        };
        let name = names.get(&id).cloned().unwrap_or(id);
        let category = Category::new(&category);
        match report.settings.customization.get(&name) {
            Some(other) if *other != category => {
                notes.at(RowId::S25, &format!("entry {} names a media type again, with another category", index + 1));
            }
            _ => {
                report.settings.customization.insert(name, category);
            }
        }
    }
}
