//! prtInput: media sources (rows S20 to S22).
//!
//! Deliberately absent: how many sheets are left, which has no row, and what remains of a roll where the
//! printer gives only the size that is chosen.

use super::mib;
use super::table::Mib;
use crate::limits::LIST_MAX;
use crate::node::{Names, Notes};
use report::{MediaSource, Report, RowId};

/// prtInputTable.
pub(crate) const INPUTS: &str = "1.3.6.1.2.1.43.8.2.1";

const UNIT: &str = "1.3.6.1.2.1.43.8.2.1.3";
const FEED_DECLARED: &str = "1.3.6.1.2.1.43.8.2.1.4";
const XFEED_DECLARED: &str = "1.3.6.1.2.1.43.8.2.1.5";
const FEED: &str = "1.3.6.1.2.1.43.8.2.1.6";
const XFEED: &str = "1.3.6.1.2.1.43.8.2.1.7";
const LEVEL: &str = "1.3.6.1.2.1.43.8.2.1.10";
const STATUS: &str = "1.3.6.1.2.1.43.8.2.1.11";
const MEDIA_NAME: &str = "1.3.6.1.2.1.43.8.2.1.12";
const NAME: &str = "1.3.6.1.2.1.43.8.2.1.13";
const DESCRIPTION: &str = "1.3.6.1.2.1.43.8.2.1.18";
const MEDIA_TYPE: &str = "1.3.6.1.2.1.43.8.2.1.21";
/// prtInputType, which every source has.
const KIND: &str = "1.3.6.1.2.1.43.8.2.1.2";

/// Reads every source.
pub(crate) fn read(mib: &Mib, device: Option<u32>, report: &mut Report, notes: &mut Notes) {
    let mut rows = mib.rows(KIND, device);
    if rows.len() > LIST_MAX {
        notes.of(&format!("prtInput has {} rows, only the first {LIST_MAX} are read", rows.len()));
        rows.truncate(LIST_MAX);
    }
    let mut names = Names::default();
    report.status.media_sources.extend(rows.into_iter().map(|index| source(mib, index, &mut names, notes)));
}

fn source(mib: &Mib, index: &[u32], names: &mut Names, notes: &mut Notes) -> MediaSource {
    let mut text = |column: &str, row: RowId| mib.text(column, index, row, notes);
    let row = index.last().copied().unwrap_or_default();
    let name = text(NAME, RowId::S20).or_else(|| text(DESCRIPTION, RowId::S20));
    let name = name.unwrap_or_else(|| format!("source {row}"));
    let media = text(MEDIA_TYPE, RowId::S21).or_else(|| text(MEDIA_NAME, RowId::S21));
    let unit = mib.number(UNIT, index);
    let mut side = |chosen: &str, declared: &str| {
        let known = |column: &str| mib.number(column, index).filter(|number| *number > 0);
        let number = known(chosen).or_else(|| known(declared))?;
        let length = mib::length(unit, number);
        if length.is_none() {
            let unit = unit.map_or("without a unit".to_owned(), |unit| format!("in unit {unit}"));
            notes.at(RowId::S22, &format!("prtInput {row}: a dimension of {number} {unit}"));
        }
        length
    };
    MediaSource {
        name: names.distinct(name),
        status: mib::source_status(mib.number(LEVEL, index), mib.number(STATUS, index)),
        media,
        width: side(XFEED, XFEED_DECLARED),
        height: side(FEED, FEED_DECLARED),
    }
}
