//! Appendix A rows as a page shows them: every row with its id, those that the printer left out too.
//!
//! Deliberately absent: which rows exist (`report::ROWS` says) and where reports are kept.

use crate::shell::format::{self, Zone};
use report::{Defect, Filled, Instant, ROWS, Row, RowId, Section, Sources};

/// One list of a printer, such as its media types, shows this many items; the export has them all.
const ITEMS_MAX: usize = 24;
/// A text of a printer is shown up to this many characters; the export has it all.
const TEXT_MAX: usize = 160;

/// A section of Appendix A with all its rows.
#[derive(Debug, Clone)]
pub(crate) struct RowSection {
    /// The section's name.
    pub(crate) label: &'static str,
    /// Its rows; a row with a value for each item stands once an item.
    pub(crate) rows: Vec<RowLine>,
}

/// One row, or one item of it.
#[derive(Debug, Clone)]
pub(crate) struct RowLine {
    /// The stable id: `S16`.
    pub(crate) id: &'static str,
    /// The row's name.
    pub(crate) label: &'static str,
    /// Which item it is the value of; empty where there is one value.
    pub(crate) item: String,
    /// The value; `None` where the printer gave none.
    pub(crate) value: Option<String>,
    /// The value's unit.
    pub(crate) unit: &'static str,
    /// The interface and resource it was read from.
    pub(crate) source: String,
    /// Whether we computed it from other values.
    pub(crate) derived: bool,
    /// Whether it can tell about a person.
    pub(crate) personal: bool,
    /// What was odd about it.
    pub(crate) defects: Vec<String>,
}

/// What is known of the rows that are to be shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// The filled rows, from `report::walk` or `report::walk_job`.
    pub(crate) filled: &'a [Filled],
    /// Where each was read.
    pub(crate) sources: &'a Sources,
    /// What was odd.
    pub(crate) defects: &'a [Defect],
    /// The reader's zone.
    pub(crate) zone: &'a Zone,
}

/// The rows of `sections`, in the order of Appendix A.
pub(crate) fn sections(sections: &[Section], seen: Seen<'_>) -> Vec<RowSection> {
    let section = |section: &Section| {
        let rows = ROWS.iter().filter(|row| row.section == *section).flat_map(|row| lines(row, seen));
        RowSection { label: section.label(), rows: rows.collect() }
    };
    sections.iter().map(section).collect()
}

/// The oddities that concern no single row, or a row of another section.
pub(crate) fn other_defects(defects: &[Defect], sections: &[Section]) -> Vec<String> {
    let elsewhere = |row: RowId| !sections.contains(&row.row().section);
    defects.iter().filter(|defect| defect.row.is_none_or(elsewhere)).map(|defect| defect.what.clone()).collect()
}

fn lines(row: &'static Row, seen: Seen<'_>) -> Vec<RowLine> {
    let odd = seen.defects.iter().filter(|defect| defect.row == Some(row.id));
    let defects: Vec<String> = odd.map(|defect| Defect::quote(&defect.what)).collect();
    let source = seen.sources.get(&row.id);
    let empty = RowLine {
        id: row.id.word(),
        label: row.label,
        item: String::new(),
        value: None,
        unit: "",
        source: source.map_or_else(String::new, |source| source.from.clone()),
        derived: source.is_some_and(|source| source.derived),
        personal: row.personal,
        defects: Vec::new(),
    };
    let all: Vec<&Filled> = seen.filled.iter().filter(|filled| filled.row == row.id).collect();
    let mut lines: Vec<RowLine> = all.iter().take(ITEMS_MAX).map(|filled| line(&empty, filled, seen.zone)).collect();
    if all.len() > ITEMS_MAX {
        let more = format!("and {} more, all in the export", all.len() - ITEMS_MAX);
        lines.push(RowLine { value: Some(more), ..empty.clone() });
    }
    if lines.is_empty() {
        lines.push(empty);
    }
    if let Some(first) = lines.first_mut() {
        first.defects = defects;
    }
    lines
}

fn line(empty: &RowLine, filled: &Filled, zone: &Zone) -> RowLine {
    let (mut value, unit) = format::value(&filled.value, zone);
    if value.chars().nth(TEXT_MAX).is_some() {
        value = value.chars().take(TEXT_MAX).chain(['…']).collect();
    }
    RowLine { item: Defect::quote(&filled.item), value: Some(value), unit, ..empty.clone() }
}

/// How old the shown rows are, said once above them.
#[derive(Debug, Clone)]
pub(crate) struct Age {
    /// `2 h ago`.
    pub(crate) relative: String,
    /// The instant with its zone.
    pub(crate) exact: String,
}

impl Age {
    /// The age, now, of what was read at `then`.
    pub(crate) fn of(now: Instant, then: Instant, zone: &Zone) -> Age {
        Age { relative: format::relative(now, then), exact: format::exact(then, zone) }
    }
}

#[cfg(test)]
pub(crate) fn sample() -> Vec<RowSection> {
    let report = report::sample::report(3);
    let filled = report::walk(&report::Report { jobs: Vec::new(), ..report.clone() });
    let defects = [Defect::at(RowId::S16, "capacity is not a number: 'n/a'"), Defect::at(RowId::E1, "code is empty")];
    let all = [Section::Configuration, Section::Status, Section::Usage, Section::Alert, Section::ScanJob];
    sections(&all, Seen { filled: &filled, sources: &report.sources, defects: &defects, zone: &Zone::utc() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_a_section_is_shown_even_when_absent() {
        let seen = Seen { filled: &[], sources: &Sources::new(), defects: &[], zone: &Zone::utc() };
        let shown = sections(&[Section::Usage], seen);
        let expected: Vec<&str> =
            ROWS.iter().filter(|row| row.section == Section::Usage).map(|row| row.id.word()).collect();
        assert_eq!(shown[0].rows.iter().map(|line| line.id).collect::<Vec<_>>(), expected);
        assert!(shown[0].rows.iter().all(|line| line.value.is_none()));
    }

    #[test]
    fn a_defect_stands_at_its_row_and_nowhere_else() {
        let lines: Vec<RowLine> = sample().into_iter().flat_map(|section| section.rows).collect();
        let odd: Vec<&str> = lines.iter().filter(|line| !line.defects.is_empty()).map(|line| line.id).collect();
        assert_eq!(odd, ["S16", "E1"]);
        let elsewhere = [Defect::of("document cannot be read"), Defect::at(RowId::P3, "odd")];
        assert_eq!(other_defects(&elsewhere, &[Section::PrintJob]), ["document cannot be read"]);
    }
}
