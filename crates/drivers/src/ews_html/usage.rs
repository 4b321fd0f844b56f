//! The usage page: lifetime media area (U6, U7, U17) and ink (U2, U16).
//!
//! A row counts when its label, or the heading of its table, is a known English one; how many others have an amount
//! is a defect. What the page says of one thing is collected first and decided then: once, or several times alike,
//! else it is absent. Deliberately absent: costs, and any sum, since the page states its totals itself.

use super::number::{Kind, Mark, Unit, Written, style, written};
use super::page::{Page, Row, Table};
use super::words::{self, Section};
use crate::colour;
use crate::limits::LIST_MAX;
use crate::node::{Notes, by_name};
use report::{Area, CartridgeTypeUsage, Defect, Ink, MediaUsage, Report, RowId};
use std::collections::BTreeMap;

/// The difference between two amounts of one thing that rounding explains: two hundredths of a square metre in mm²
/// or of a millilitre in nl, and this share of the value.
const ROUNDING: i64 = 20_000;
const ROUNDING_SHARE: i64 = 1_000;

/// A row with its amounts.
struct Line {
    section: Option<Section>,
    label: String,
    amounts: Vec<Written>,
    is_altered: bool,
}

/// What the lines of a page say, before it is decided what of it counts: a page may give a thing twice, such as for
/// the printer's life and since a reset, and nothing tells which is which.
#[derive(Default)]
struct Said {
    media: Vec<(String, Option<i64>)>,
    media_totals: Vec<Option<i64>>,
    inks: Vec<(String, Option<i64>)>,
    ink_totals: Vec<Option<i64>>,
    other_areas: usize,
    other_inks: usize,
}

/// Reads the page. Returns whether any label of it is known.
pub(crate) fn read(page: &Page, report: &mut Report, notes: &mut Notes) -> bool {
    let lines: Vec<Line> = page.tables.iter().flat_map(lines).collect();
    if !lines.iter().any(is_known) {
        return false;
    }
    let marks = style(lines.iter().flat_map(|line| &line.amounts).filter_map(Written::proves));
    let mut said = Said::default();
    for line in lines.iter().take(LIST_MAX) {
        if line.amounts.iter().any(|amount| amount.is(Kind::Area)) {
            said.area(line, marks, notes);
        } else if line.is_altered || line.amounts.iter().any(|amount| amount.is(Kind::Ink)) {
            said.ink(line, marks, notes);
        }
    }
    if lines.len() > LIST_MAX {
        notes.of(&format!("{} rows, only the first {LIST_MAX} are read", lines.len()));
    }
    said.fill(report, notes);
    true
}

/// Whether the line stands under a known heading or is a known total.
fn is_known(line: &Line) -> bool {
    line.section.is_some() || is_total_of(line, Section::Media) || is_total_of(line, Section::Ink)
}

/// The rows of a table that have a label and an amount. A row of labels alone is a heading.
fn lines(table: &Table) -> Vec<Line> {
    let mut section = words::section(&table.caption);
    let mut units: BTreeMap<usize, Unit> = BTreeMap::new();
    let mut lines = Vec::new();
    for row in &table.rows {
        let Some((label_at, label)) = row.cells.iter().find(|(_, cell)| !cell.text.is_empty()) else { continue };
        let (label_at, label) = (*label_at, label.text.clone());
        let amounts = amounts(row, label_at, &units);
        let is_altered = row.cells.values().any(|cell| words::is_altered(&cell.text));
        if amounts.is_empty() && !is_altered {
            section = row.texts().find_map(words::section).or(section);
            let stated = units_of(row);
            units = if stated.is_empty() { units } else { stated };
            continue;
        }
        lines.push(Line { section, label, amounts, is_altered });
    }
    lines
}

/// The units that a row of labels states for the columns below it: `Usage (m²)`, or `m²` alone.
fn units_of(row: &Row) -> BTreeMap<usize, Unit> {
    let unit = |text: &str| words::with_unit(&format!("in {text}")).1;
    row.cells.iter().filter_map(|(at, cell)| Some((*at, unit(&cell.text)?))).collect()
}

/// The numbers of a row beside its label that have a unit, of their own or of their column.
fn amounts(row: &Row, label_at: usize, units: &BTreeMap<usize, Unit>) -> Vec<Written> {
    let mut amounts = Vec::new();
    for (at, cell) in row.cells.iter().filter(|(at, _)| **at != label_at) {
        let unit = units.get(at).copied();
        if cell.is_number {
            amounts.push(Written::typed(&cell.text, unit));
            continue;
        }
        let mut numbers = written(&cell.text);
        if let [number] = numbers.as_mut_slice() {
            number.unit = number.unit.or(unit);
        }
        amounts.append(&mut numbers);
    }
    amounts.retain(|amount| amount.unit.is_some());
    amounts
}

/// Whether the line is the total of a section: `Total ink used`, or `Total` under its heading.
fn is_total_of(line: &Line, section: Section) -> bool {
    let words = words::words(&line.label);
    if words.first().is_none_or(|word| word != "total") {
        return false;
    }
    match &words[1..] {
        [] => line.section == Some(section),
        _ => words::section(&line.label) == Some(section),
    }
}

impl Said {
    /// A line with an area: rows U6, U7 and U17.
    fn area(&mut self, line: &Line, marks: Option<Mark>, notes: &mut Notes) {
        if is_total_of(line, Section::Media) {
            self.media_totals.push(area(line, RowId::U17, marks, notes));
        } else if line.section == Some(Section::Media) {
            self.media.push((line.label.clone(), area(line, RowId::U7, marks, notes)));
        } else {
            self.other_areas += 1;
        }
    }

    /// A line with ink, or that says why the printer counts none: rows U2 and U16.
    fn ink(&mut self, line: &Line, marks: Option<Mark>, notes: &mut Notes) {
        let named = colour::find(&line.label);
        // The total of one colour is that colour's ink.
        let is_total = named.is_none() && is_total_of(line, Section::Ink);
        let colour = named.filter(|_| line.section == Some(Section::Ink));
        if !is_total && colour.is_none() {
            self.other_inks += 1;
            return;
        }
        let row = if is_total { RowId::U16 } else { RowId::U2 };
        let amount = line.amounts.iter().find(|amount| amount.is(Kind::Ink)).filter(|_| !line.is_altered);
        if line.is_altered {
            let label = Defect::quote(&line.label);
            notes.at(row, &format!("'{label}' is ink that was altered: the printer counts none"));
        }
        let ink = amount.and_then(|amount| amount.amount(marks, row, &line.label, notes));
        match colour {
            Some(colour) => self.inks.push((colour, ink)),
            None => self.ink_totals.push(ink),
        }
    }

    /// Fills the rows of which the page says one thing. What it does not name as media or ink is counted and never
    /// quoted: it may be a person.
    fn fill(self, report: &mut Report, notes: &mut Notes) {
        let usage = &mut report.usage;
        usage.media_area = decided(RowId::U17, "the total", &self.media_totals, notes).map(Area);
        for (name, areas) in by_name(&self.media, |(name, _)| name.as_str()) {
            let areas: Vec<Option<i64>> = areas.into_iter().map(|(_, area)| *area).collect();
            if let Some(area) = decided(RowId::U7, &format!("'{}'", Defect::quote(name)), &areas, notes) {
                usage.media.push(MediaUsage { name: name.to_owned(), area: Area(area) });
            }
        }
        usage.ink = decided(RowId::U16, "the total", &self.ink_totals, notes).map(Ink);
        for (colour, inks) in by_name(&self.inks, |(colour, _)| colour.as_str()) {
            let inks: Vec<Option<i64>> = inks.into_iter().map(|(_, ink)| *ink).collect();
            if let Some(ink) = decided(RowId::U2, colour, &inks, notes) {
                let (colour, ink) = (colour.to_owned(), Some(Ink(ink)));
                usage.cartridge_types.push(CartridgeTypeUsage { colour, ink, ..CartridgeTypeUsage::default() });
            }
        }
        if self.other_areas > 0 {
            notes.of(&format!("rows with an area that name no media and no total, not read: {}", self.other_areas));
        }
        if self.other_inks > 0 {
            notes.of(&format!("rows with ink that name no colour and no total, not read: {}", self.other_inks));
        }
    }
}

/// The one amount that lines say of one thing, in the unit of `report`. Absent where one of them cannot be read,
/// which is said where it stands, or where two differ: they are never added, and none is preferred.
fn decided(row: RowId, what: &str, said: &[Option<i64>], notes: &mut Notes) -> Option<i64> {
    let amounts: Vec<i64> = said.iter().copied().collect::<Option<_>>()?;
    let first = *amounts.first()?;
    if amounts.iter().any(|other| !is_near(first, *other)) {
        notes.at(row, &format!("{what} stands {} times with different amounts, none is read", amounts.len()));
        return None;
    }
    Some(first)
}

/// Whether rounding explains the difference of two amounts.
fn is_near(first: i64, second: i64) -> bool {
    (first - second).abs() <= ROUNDING.saturating_add(first / ROUNDING_SHARE)
}

/// The area of a line in mm². Where it stands in square metres and in square feet, both must be one area.
fn area(line: &Line, row: RowId, marks: Option<Mark>, notes: &mut Notes) -> Option<i64> {
    let areas = line.amounts.iter().filter(|amount| amount.is(Kind::Area));
    let areas: Vec<Option<i64>> = areas.take(2).map(|area| area.amount(marks, row, &line.label, notes)).collect();
    match areas.as_slice() {
        [Some(first), Some(second)] if !is_near(*first, *second) => {
            let label = Defect::quote(&line.label);
            notes.at(row, &format!("'{label}' is {first} mm² by one unit and {second} mm² by the other"));
            None
        }
        [first, ..] => *first,
        [] => None,
    }
}
