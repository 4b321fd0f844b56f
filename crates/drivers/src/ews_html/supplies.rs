//! The supplies page: cartridges (S10 to S13, S16, S17), printheads (S2, S3, S5) and loaded media (S20 to S22).
//!
//! A table counts when its heading is a known English one; what a cell is follows from its form, since the
//! columns of no real page are recorded. Deliberately absent: maintenance parts, temperatures, and a level
//! in percent, which is rounded.

use super::number::{Kind, Mark, Written, style, written};
use super::page::{Page, Row, Table};
use super::words::{self, Section};
use crate::colour;
use crate::limits::LIST_MAX;
use crate::node::{Notes, joined};
use report::{Cartridge, Ink, Length, MediaSource, Printhead, Report, RowId};

/// Labels that stand before the name of the loaded media.
const MEDIA_NAMES: &[&str] =
    &["name", "type", "substrate", "substrate name", "substrate type", "paper", "paper name", "paper type", "loaded"];

/// Reads the page. Returns whether any heading of it is known.
pub(crate) fn read(page: &Page, report: &mut Report, notes: &mut Notes) -> bool {
    let marks = page.tables.iter().flat_map(|table| &table.rows).flat_map(Row::texts).flat_map(written);
    let marks = style(marks.filter(|number| number.unit.is_some()).filter_map(|number| number.proves()));
    let mut known = false;
    for table in &page.tables {
        let heading = table.rows.first().filter(|row| is_heading(row));
        let labels = heading.and_then(|row| row.texts().find_map(words::section));
        let Some(section) = words::section(&table.caption).or(labels) else { continue };
        known = true;
        match section {
            Section::Ink => cartridges(table, marks, report, notes),
            Section::Printheads => printheads(table, report),
            Section::Media => media(table, marks, report, notes),
            Section::Maintenance => {}
        }
    }
    known
}

/// Whether a row has labels only: neither a product number nor an amount.
fn is_heading(row: &Row) -> bool {
    let is_value = |text: &str| words::product_number(text).is_some() || written(text).iter().any(|n| n.unit.is_some());
    row.texts().count() > 1 && !row.texts().any(is_value)
}

fn cartridges(table: &Table, marks: Option<Mark>, report: &mut Report, notes: &mut Notes) {
    for row in &table.rows {
        let amounts: Vec<Written> = row.texts().flat_map(written).filter(|number| number.is(Kind::Ink)).collect();
        let product_number = row.texts().find_map(words::product_number);
        let colour = row.texts().find_map(colour::find);
        let altered = row.texts().any(words::is_altered);
        // A row without ink is a heading, or a part that holds none.
        if (product_number.is_none() && colour.is_none()) || (amounts.is_empty() && !altered) {
            continue;
        }
        let slot = (report.status.cartridges.len() + 1).to_string();
        if report.status.cartridges.len() >= LIST_MAX {
            return;
        }
        let (capacity, consumed) = contents(&slot, &amounts, marks, notes);
        report.status.cartridges.push(Cartridge {
            slot,
            colour,
            status: row.texts().find(|text| words::is_state(text)).map(str::to_owned),
            product_number,
            product_name: row.texts().find_map(words::product_name),
            capacity,
            consumed,
            ..Cartridge::default()
        });
    }
}

/// Rows S16 and S17: what is left stands first, the capacity second.
///
/// 389 of 775 ml: 386 ml consumed.
fn contents(slot: &str, amounts: &[Written], marks: Option<Mark>, notes: &mut Notes) -> (Option<Ink>, Option<Ink>) {
    let what = format!("cartridge {slot}:");
    let mut read = |row: RowId, amount: &Written| amount.amount(marks, row, &what, notes);
    match amounts {
        [level, capacity] => {
            let (level, capacity) = (read(RowId::S17, level), read(RowId::S16, capacity));
            let Some((level, capacity)) = level.zip(capacity) else { return (capacity.map(Ink), None) };
            if level > capacity {
                notes.at(RowId::S17, &format!("{what} {level} nl are left of {capacity} nl"));
                return (None, None);
            }
            (Some(Ink(capacity)), Some(Ink(capacity - level)))
        }
        [level] => {
            if let Some(level) = read(RowId::S17, level) {
                notes.at(RowId::S17, &format!("{what} {level} nl are left of a capacity that the page does not give"));
            }
            (None, None)
        }
        [] => (None, None),
        _ => {
            notes.at(RowId::S16, &format!("{what} {} amounts of ink, none is read", amounts.len()));
            (None, None)
        }
    }
}

fn printheads(table: &Table, report: &mut Report) {
    for row in &table.rows {
        let colours = row.texts().find_map(colour::list).unwrap_or_default();
        let states: Vec<String> = row.texts().filter(|text| words::is_state(text)).map(str::to_owned).collect();
        if colours.is_empty() || report.status.printheads.len() >= LIST_MAX {
            continue;
        }
        report.status.printheads.push(Printhead {
            slot: (report.status.printheads.len() + 1).to_string(),
            colours,
            status: joined(&states),
            product_number: row.texts().find_map(words::product_number),
            ..Printhead::default()
        });
    }
}

/// Rows S20 to S22: one source, its facts in rows of a label and a value.
fn media(table: &Table, marks: Option<Mark>, report: &mut Report, notes: &mut Notes) {
    let (mut name, mut width) = (None, None);
    for row in &table.rows {
        let mut texts = row.texts();
        let (Some(label), Some(value)) = (texts.next(), texts.next()) else { continue };
        let label = words::plain(label);
        if label == "width" || label.ends_with(" width") {
            let length = written(value).into_iter().find(|number| number.is(Kind::Length));
            width = width.or(length.and_then(|length| length.amount(marks, RowId::S22, "Width", notes)));
        } else if MEDIA_NAMES.contains(&label.as_str()) {
            name = name.or(super::known(value));
        }
    }
    if (name.is_none() && width.is_none()) || report.status.media_sources.len() >= LIST_MAX {
        return;
    }
    let number = report.status.media_sources.len() + 1;
    report.status.media_sources.push(MediaSource {
        name: format!("Source {number}"),
        status: Some("loaded".to_owned()),
        media: name,
        width: width.map(Length),
        height: None,
    });
}
