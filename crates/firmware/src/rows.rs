//! Rows by their ids: `S16`, item `cyan`, 300 000 000 becomes a field of a report or of a job.
//!
//! Quantities are integers in the row's own unit, so that nothing is rounded here. A value that a row
//! cannot have is refused by name. Deliberately absent: E rows, which `pm_alert` takes, and any unit
//! conversion.

use report::{
    Accessory, Area, Cartridge, CartridgeTypeUsage, Category, CategoryUsage, CategoryUse, Configuration, Duration, Ink,
    InkUse, Instant, Job, JobKind, JobStatus, Length, Limit, MediaSource, MediaType, MediaUsage, PrintJob, Printhead,
    ROWS, Report, RowId, ScanJob, Section, Settings, Share, Threshold, Unit, Usage,
};

/// A list of a report has at most this many entries.
const ITEMS_MAX: usize = 512;

/// A value as C gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given<'a> {
    /// Text, trimmed and not empty.
    Text(&'a str),
    /// An integer in the row's unit.
    Number(i64),
}

/// Why a row was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RowFault {
    /// There is no such row.
    #[error("there is no row {0:?}")]
    Unknown(String),
    /// The row belongs elsewhere.
    #[error("row {row} cannot be given here: {why}")]
    Elsewhere {
        /// The row.
        row: RowId,
        /// What to do.
        why: &'static str,
    },
    /// The item is missing, not wanted, or one too many.
    #[error("row {row}: {why}")]
    Item {
        /// The row.
        row: RowId,
        /// What is wrong.
        why: String,
    },
    /// The value is not one of the row.
    #[error("row {row} takes {wants}, and {value} is none")]
    Value {
        /// The row.
        row: RowId,
        /// What it takes.
        wants: String,
        /// What was given, shortened.
        value: String,
    },
}

/// The row of an id such as `S16`.
pub(crate) fn parse(id: &str) -> Result<RowId, RowFault> {
    let found = ROWS.iter().find(|row| row.id.word() == id);
    found.map(|row| row.id).ok_or_else(|| RowFault::Unknown(report::Defect::quote(id)))
}

fn wrong(row: RowId, given: Given<'_>) -> RowFault {
    let value = match given {
        Given::Text(text) => format!("{:?}", report::Defect::quote(text)),
        Given::Number(number) => number.to_string(),
    };
    let wants = match row.row().unit {
        Unit::Flag => "0 or 1".to_owned(),
        Unit::Text => "text of the documented form".to_owned(),
        unit => format!("an integer in {} that is not negative", unit.label()),
    };
    RowFault::Value { row, wants, value }
}

/// Whether value and item are what the row has, before anything is changed.
fn check(row: RowId, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    let fits = match (row.row().unit, given) {
        // A threshold's limit is a number, though a page shows the row as text.
        (Unit::Text, Given::Number(number)) => row == RowId::S24 && number >= 0,
        (Unit::Text, Given::Text(_)) => row != RowId::S24,
        (Unit::Flag, Given::Number(number)) => matches!(number, 0 | 1),
        (_, Given::Number(number)) => number >= 0,
        (_, Given::Text(_)) => false,
    };
    if !fits {
        return Err(wrong(row, given));
    }
    let each = row.row().each;
    match (each.is_empty(), item.is_empty()) {
        (true, false) => Err(RowFault::Item { row, why: "it stands once and takes no item".to_owned() }),
        (false, true) => Err(RowFault::Item { row, why: format!("name the {each} as the item") }),
        _ => Ok(()),
    }
}

/// The number of a value that [`check`] let through.
fn number(row: RowId, given: Given<'_>) -> Result<i64, RowFault> {
    match given {
        Given::Number(number) => Ok(number),
        Given::Text(_) => Err(wrong(row, given)),
    }
}

/// The text of a value that [`check`] let through.
fn text(row: RowId, given: Given<'_>) -> Result<Option<String>, RowFault> {
    match given {
        Given::Text(text) => Ok(Some(text.to_owned())),
        Given::Number(_) => Err(wrong(row, given)),
    }
}

/// The entry of a list, made where it is absent.
fn entry<T>(
    list: &mut Vec<T>,
    row: RowId,
    is: impl Fn(&T) -> bool,
    make: impl FnOnce() -> T,
) -> Result<&mut T, RowFault> {
    let index = match list.iter().position(is) {
        Some(index) => index,
        None if list.len() >= ITEMS_MAX => {
            return Err(RowFault::Item { row, why: format!("there are more than {ITEMS_MAX} items") });
        }
        None => {
            list.push(make());
            list.len() - 1
        }
    };
    Ok(&mut list[index])
}

/// Puts a row of a report.
pub(crate) fn put(report: &mut Report, row: RowId, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    let elsewhere = |why| Err(RowFault::Elsewhere { row, why });
    match row.row().section {
        Section::PrintJob | Section::ScanJob => return elsewhere("begin a job with pm_job_begin"),
        Section::Alert => return elsewhere("alerts are given by pm_alert"),
        Section::Configuration | Section::Status | Section::Usage => {}
    }
    check(row, item, given)?;
    match row.row().section {
        Section::Configuration => configuration(&mut report.configuration, row, given),
        Section::Usage => usage(&mut report.usage, row, item, given),
        _ if row >= RowId::S23 => settings(&mut report.settings, row, item, given),
        _ => status(report, row, item, given),
    }
}

fn configuration(configuration: &mut Configuration, row: RowId, given: Given<'_>) -> Result<(), RowFault> {
    let value = text(row, given)?;
    match row {
        RowId::C1 => configuration.product_number = value,
        RowId::C2 => configuration.product_name = value,
        RowId::C4 => configuration.firmware_version = value,
        _ => {
            return Err(RowFault::Elsewhere { row, why: "the serial number is given once, to pm_agent_open" });
        }
    }
    Ok(())
}

fn status(report: &mut Report, row: RowId, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    let status = &mut report.status;
    match row {
        RowId::S1 => {
            status.engine = text(row, given)?;
            Ok(())
        }
        _ if row <= RowId::S9 => {
            let make = || Printhead { slot: item.to_owned(), ..Printhead::default() };
            printhead(entry(&mut status.printheads, row, |head| head.slot == item, make)?, row, given)
        }
        _ if row <= RowId::S19 => {
            let make = || Cartridge { slot: item.to_owned(), ..Cartridge::default() };
            cartridge(entry(&mut status.cartridges, row, |cartridge| cartridge.slot == item, make)?, row, given)
        }
        _ => media_source(&mut status.media_sources, row, item, given),
    }
}

fn printhead(head: &mut Printhead, row: RowId, given: Given<'_>) -> Result<(), RowFault> {
    match row {
        RowId::S2 => {
            let colours = text(row, given)?.unwrap_or_default();
            head.colours = colours.split(',').map(|colour| colour.trim().to_owned()).collect();
        }
        RowId::S3 => head.status = text(row, given)?,
        RowId::S4 => head.health = Some(Share(number(row, given)?)),
        RowId::S5 => head.product_number = text(row, given)?,
        RowId::S6 => head.product_name = text(row, given)?,
        RowId::S7 => head.serial_number = text(row, given)?,
        RowId::S8 => head.foreign_ink_seen = Some(number(row, given)? == 1),
        _ => head.expires_at = Some(Instant(number(row, given)?)),
    }
    Ok(())
}

fn cartridge(cartridge: &mut Cartridge, row: RowId, given: Given<'_>) -> Result<(), RowFault> {
    match row {
        RowId::S10 => cartridge.colour = text(row, given)?,
        RowId::S11 => cartridge.status = text(row, given)?,
        RowId::S12 => cartridge.product_number = text(row, given)?,
        RowId::S13 => cartridge.product_name = text(row, given)?,
        RowId::S14 => cartridge.serial_number = text(row, given)?,
        RowId::S15 => cartridge.manufacturer = text(row, given)?,
        RowId::S16 => cartridge.capacity = Some(Ink(number(row, given)?)),
        RowId::S17 => cartridge.consumed = Some(Ink(number(row, given)?)),
        RowId::S18 => cartridge.consumed_foreign = Some(Ink(number(row, given)?)),
        _ => cartridge.expires_at = Some(Instant(number(row, given)?)),
    }
    Ok(())
}

/// Rows S20 to S22; the item of S22 is the source and which side: `roll 1 width`, `roll 1 height`.
fn media_source(sources: &mut Vec<MediaSource>, row: RowId, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    let side = if row == RowId::S22 { item.rsplit_once(' ') } else { None };
    let (name, side) = match (row, side) {
        (RowId::S22, Some((name, side @ ("width" | "height")))) => (name, side),
        (RowId::S22, _) => {
            let why = "the item is the media source and width or height, such as \"roll 1 width\"".to_owned();
            return Err(RowFault::Item { row, why });
        }
        _ => (item, ""),
    };
    let make = || MediaSource { name: name.to_owned(), ..MediaSource::default() };
    let source = entry(sources, row, |source| source.name == name, make)?;
    match (row, side) {
        (RowId::S20, _) => source.status = text(row, given)?,
        (RowId::S21, _) => source.media = text(row, given)?,
        (_, "width") => source.width = Some(Length(number(row, given)?)),
        _ => source.height = Some(Length(number(row, given)?)),
    }
    Ok(())
}

/// Rows S23 to S26, in the form in which `docs/appendix-a.md` shows them.
fn settings(settings: &mut Settings, row: RowId, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    if row == RowId::S24 {
        return threshold(&mut settings.thresholds, item, given);
    }
    let value = text(row, given)?.unwrap_or_default();
    match row {
        RowId::S23 => {
            let names = value.split(';').map(|part| {
                let (language, name) = part.split_once(':')?;
                Some((language.trim().to_owned(), name.trim().to_owned()))
            });
            let names = names.collect::<Option<_>>().ok_or_else(|| wrong(row, given))?;
            let make = || MediaType { id: item.to_owned(), ..MediaType::default() };
            entry(&mut settings.media_types, row, |media| media.id == item, make)?.names = names;
        }
        RowId::S25 => {
            if settings.customization.len() >= ITEMS_MAX && !settings.customization.contains_key(item) {
                return Err(RowFault::Item { row, why: format!("there are more than {ITEMS_MAX} items") });
            }
            settings.customization.insert(item.to_owned(), Category::new(&value));
        }
        _ => {
            let (state, status) = value.split_once(',').map_or((value.as_str(), None), |(a, b)| (a, Some(b)));
            let installed = match state.trim() {
                "installed" => true,
                "not installed" => false,
                _ => return Err(wrong(row, given)),
            };
            let make = || Accessory { name: item.to_owned(), ..Accessory::default() };
            let accessory = entry(&mut settings.accessories, row, |accessory| accessory.name == item, make)?;
            accessory.installed = installed;
            accessory.status = status.map(|status| status.trim().to_owned());
        }
    }
    Ok(())
}

/// Row S24: the item is `pixel-share <category>` (value in ppm) or `ink-per-area <category>` (nl a m²).
fn threshold(thresholds: &mut Vec<Threshold>, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    let row = RowId::S24;
    let value = number(row, given)?;
    let (limit, category) = match item.split_once(' ') {
        Some(("pixel-share", category)) => (Limit::PixelShare(Share(value)), category),
        Some(("ink-per-area", category)) => (Limit::InkPerArea(Ink(value)), category),
        _ => {
            let why = "the item is pixel-share or ink-per-area and the category".to_owned();
            return Err(RowFault::Item { row, why });
        }
    };
    let category = Category::new(category);
    let same = |known: &Threshold| {
        known.category == category && std::mem::discriminant(&known.limit) == std::mem::discriminant(&limit)
    };
    let threshold = entry(thresholds, row, same, || Threshold { limit, category: category.clone() })?;
    threshold.limit = limit;
    Ok(())
}

fn usage(usage: &mut Usage, row: RowId, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    match row {
        _ if row <= RowId::U5 => {
            let make = || CartridgeTypeUsage { colour: item.to_owned(), ..CartridgeTypeUsage::default() };
            let list = &mut usage.cartridge_types;
            return cartridge_type(entry(list, row, |used| used.colour == item, make)?, row, given);
        }
        // The name is the item of U7 already; it is taken and holds nothing of its own.
        RowId::U6 if given == Given::Text(item) => {}
        RowId::U6 => return Err(wrong(row, given)),
        RowId::U7 => {
            let area = Area(number(row, given)?);
            let make = || MediaUsage { name: item.to_owned(), area };
            entry(&mut usage.media, row, |media| media.name == item, make)?.area = area;
        }
        RowId::U8 => usage.scanned = Some(Area(number(row, given)?)),
        RowId::U9 => usage.scanned_scans = Some(Area(number(row, given)?)),
        RowId::U10 => usage.scanned_copies = Some(Area(number(row, given)?)),
        RowId::U11 | RowId::U12 | RowId::U13 => {
            let category = Category::new(item);
            let make = || CategoryUsage { category: category.clone(), media_area: None, media_length: None };
            let used = entry(&mut usage.categories, row, |used| used.category == category, make)?;
            match row {
                RowId::U12 => used.media_area = Some(Area(number(row, given)?)),
                RowId::U13 => used.media_length = Some(Length(number(row, given)?)),
                _ => {}
            }
        }
        RowId::U14 => usage.jobs = Some(number(row, given)?),
        RowId::U15 => usage.pages = Some(number(row, given)?),
        RowId::U16 => usage.ink = Some(Ink(number(row, given)?)),
        _ => usage.media_area = Some(Area(number(row, given)?)),
    }
    Ok(())
}

fn cartridge_type(used: &mut CartridgeTypeUsage, row: RowId, given: Given<'_>) -> Result<(), RowFault> {
    match row {
        RowId::U1 => used.product_number = text(row, given)?,
        RowId::U2 => used.ink = Some(Ink(number(row, given)?)),
        RowId::U3 => used.ink_foreign = Some(Ink(number(row, given)?)),
        RowId::U4 => used.ink_genuine = Some(Ink(number(row, given)?)),
        _ => used.insertions = Some(number(row, given)?),
    }
    Ok(())
}

/// A job of `kind`, with the halves that such a job has.
pub(crate) fn job(kind: JobKind) -> Job {
    Job {
        kind,
        print: (kind != JobKind::Scan).then(PrintJob::default),
        scan: (kind != JobKind::Print).then(ScanJob::default),
        ..Job::default()
    }
}

/// Puts a row of a job. A print job takes P rows, a scan job N rows, a copy job both.
pub(crate) fn put_job(job: &mut Job, row: RowId, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    let elsewhere = |why| Err(RowFault::Elsewhere { row, why });
    let has = match row.row().section {
        Section::PrintJob => job.print.is_some(),
        Section::ScanJob => job.scan.is_some(),
        _ => return elsewhere("it is no row of a job; use pm_report_begin"),
    };
    if row == RowId::P27 {
        return elsewhere("the type of job is given to pm_job_begin");
    }
    if !has {
        return elsewhere("a job of this kind has no such row");
    }
    check(row, item, given)?;
    if common(job, row, given)? {
        return Ok(());
    }
    match (&mut job.print, &mut job.scan) {
        (_, Some(scan)) if row == RowId::N9 => scan.scanned_at = Some(Instant(number(row, given)?)),
        (_, Some(scan)) if row == RowId::N11 => scan.area = Some(Area(number(row, given)?)),
        (Some(print), _) => return print_job(print, row, item, given),
        _ => return elsewhere("a job of this kind has no such row"),
    }
    Ok(())
}

/// The rows that print and scan jobs share. `false` where `row` is none of them.
fn common(job: &mut Job, row: RowId, given: Given<'_>) -> Result<bool, RowFault> {
    let personal = &mut job.personal;
    match row {
        RowId::P1 | RowId::N1 => personal.name = text(row, given)?,
        RowId::P2 | RowId::N2 => job.uuid = text(row, given)?,
        RowId::P3 | RowId::N3 => job.sequence = Some(number(row, given)?),
        RowId::P4 | RowId::N4 => personal.project = text(row, given)?,
        RowId::P5 | RowId::N5 => personal.application = text(row, given)?,
        RowId::P6 | RowId::N6 => personal.user_defined = text(row, given)?,
        RowId::P7 | RowId::N7 => personal.account = text(row, given)?,
        RowId::P8 | RowId::N8 => personal.user = text(row, given)?,
        RowId::P9 => personal.submitted_at = Some(Instant(number(row, given)?)),
        RowId::P11 | RowId::N10 => {
            let word = text(row, given)?.unwrap_or_default();
            job.status = Some(JobStatus::parse(&word).ok_or_else(|| wrong(row, given))?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn print_job(print: &mut PrintJob, row: RowId, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    match row {
        RowId::P10 => print.printed_at = Some(Instant(number(row, given)?)),
        RowId::P12 => print.source = text(row, given)?,
        RowId::P13 => print.coverage_category = text(row, given)?,
        RowId::P14 => print.quality = text(row, given)?,
        RowId::P15 => print.pages = Some(number(row, given)?),
        RowId::P16 => print.copies = Some(number(row, given)?),
        RowId::P17 => print.time_to_print = Some(Duration(number(row, given)?)),
        RowId::P18 => {
            let ink = Ink(number(row, given)?);
            let make = || InkUse { colour: item.to_owned(), ink };
            entry(&mut print.ink, row, |used| used.colour == item, make)?.ink = ink;
        }
        RowId::P19 => print.media_area = Some(Area(number(row, given)?)),
        RowId::P20 => print.printed_area = Some(Area(number(row, given)?)),
        RowId::P21 | RowId::P22 | RowId::P23 | RowId::P24 => return category_use(print, row, item, given),
        RowId::P25 => print.non_white = Some(Share(number(row, given)?)),
        RowId::P26 => print.colour = Some(Share(number(row, given)?)),
        RowId::P28 => print.media = text(row, given)?,
        _ => return Err(RowFault::Elsewhere { row, why: "a job of this kind has no such row" }),
    }
    Ok(())
}

fn category_use(print: &mut PrintJob, row: RowId, item: &str, given: Given<'_>) -> Result<(), RowFault> {
    let value = number(row, given)?;
    let category = Category::new(item);
    let make = || CategoryUse {
        category: category.clone(),
        derived: false,
        media_area: None,
        printed_area: None,
        ink: None,
        media_length: None,
    };
    let used = entry(&mut print.categories, row, |used| used.category == category, make)?;
    match row {
        RowId::P21 => used.media_area = Some(Area(value)),
        RowId::P22 => used.printed_area = Some(Area(value)),
        RowId::P23 => used.ink = Some(Ink(value)),
        _ => used.media_length = Some(Length(value)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::{Filled, Value, walk, walk_job};

    /// What a maker would call with to give a filled row.
    fn given(filled: &Filled) -> (String, Option<String>, i64) {
        let number = match &filled.value {
            Value::Text(text) => return (filled.item.clone(), Some(text.clone()), 0),
            Value::Area(area) => area.0,
            Value::Length(length) => length.0,
            Value::Ink(ink) => ink.0,
            Value::Instant(instant) => instant.0,
            Value::Duration(duration) => duration.0,
            Value::Share(share) => share.0,
            Value::Count(count) => *count,
            Value::Flag(flag) => i64::from(*flag),
        };
        (filled.item.clone(), None, number)
    }

    fn a_report() -> Report {
        let mut report = Report::default();
        for (row, item, value) in [
            (RowId::S4, "1", 990_000),
            (RowId::S8, "1", 1),
            (RowId::S9, "1", 1_800_000_000_000),
            (RowId::S16, "cyan", 300_000_000),
            (RowId::S22, "roll 1 width", 914_400),
            (RowId::S24, "ink-per-area A", 500_000),
            (RowId::U2, "cyan", 5),
            (RowId::U7, "Bond 80 g", 1_000_000),
            (RowId::U12, "low-density", 7),
            (RowId::U14, "", 12),
            (RowId::U17, "", 13),
        ] {
            put(&mut report, row, item, Given::Number(value)).expect("fits");
        }
        for (row, item, value) in [
            (RowId::C4, "", "FW 1.2"),
            (RowId::S1, "", "ready"),
            (RowId::S2, "1", "cyan, magenta"),
            (RowId::S13, "cyan", "HP 746"),
            (RowId::S20, "roll 1", "loaded"),
            (RowId::S23, "2001", "de: Papier; en: Paper"),
            (RowId::S25, "Blueprint", "blueprint"),
            (RowId::S26, "cutter", "installed, enabled"),
            (RowId::U6, "Bond 80 g", "Bond 80 g"),
            (RowId::U11, "low-density", "low-density"),
        ] {
            put(&mut report, row, item, Given::Text(value)).expect("fits");
        }
        report
    }

    #[test]
    fn what_was_put_is_what_a_page_shows() {
        let report = a_report();
        let mut again = Report::default();
        for filled in walk(&report) {
            let (item, text, number) = given(&filled);
            match text {
                // A page shows a threshold as a sentence.
                Some(_) if filled.row == RowId::S24 => {
                    again.settings.thresholds = report.settings.thresholds.clone();
                }
                Some(text) => put(&mut again, filled.row, &item, Given::Text(&text)).expect("fits"),
                None => put(&mut again, filled.row, &item, Given::Number(number)).expect("fits"),
            }
        }
        assert_eq!(again, report);
    }

    #[test]
    fn a_job_takes_the_rows_of_its_kind() {
        let mut copy = job(JobKind::Copy);
        for (row, item, value) in [
            (RowId::P3, "", 7),
            (RowId::P9, "", 1),
            (RowId::P10, "", 2),
            (RowId::P15, "", 3),
            (RowId::P18, "cyan", 4),
            (RowId::P21, "low-density", 5),
            (RowId::P24, "low-density", 6),
            (RowId::P25, "", 7),
            (RowId::N9, "", 8),
            (RowId::N11, "", 9),
        ] {
            put_job(&mut copy, row, item, Given::Number(value)).expect("fits");
        }
        put_job(&mut copy, RowId::P2, "", Given::Text("u")).expect("fits");
        put_job(&mut copy, RowId::N10, "", Given::Text("scanned")).expect("fits");
        put_job(&mut copy, RowId::N1, "", Given::Text("plan")).expect("fits");
        assert_eq!(copy.personal.name.as_deref(), Some("plan"));
        assert_eq!(copy.print.as_ref().map(|print| print.categories.len()), Some(1));
        assert_eq!(copy.scan.as_ref().and_then(|scan| scan.area), Some(Area(9)));
        assert!(walk_job(&copy).len() > 14);
        let mut scan = job(JobKind::Scan);
        let refused = put_job(&mut scan, RowId::P10, "", Given::Number(1));
        assert!(matches!(refused, Err(RowFault::Elsewhere { row: RowId::P10, .. })));
        let refused = put_job(&mut scan, RowId::U14, "", Given::Number(1));
        assert!(matches!(refused, Err(RowFault::Elsewhere { row: RowId::U14, .. })));
    }

    #[test]
    fn a_value_that_the_row_cannot_have_is_refused_and_changes_nothing() {
        let mut report = Report::default();
        for (row, item, value) in [
            (RowId::U14, "", Given::Number(-1)),
            (RowId::U14, "", Given::Text("12")),
            (RowId::U14, "x", Given::Number(1)),
            (RowId::S8, "1", Given::Number(2)),
            (RowId::S16, "", Given::Number(1)),
            (RowId::S16, "cyan", Given::Number(i64::MIN)),
            (RowId::S22, "roll 1", Given::Number(1)),
            (RowId::S23, "1", Given::Text("no language")),
            (RowId::S24, "A", Given::Number(1)),
            (RowId::S26, "cutter", Given::Text("perhaps")),
            (RowId::U6, "Bond", Given::Text("other")),
            (RowId::C3, "", Given::Text("OTHER")),
            (RowId::E1, "x", Given::Text("x")),
            (RowId::P10, "", Given::Number(1)),
        ] {
            assert!(put(&mut report, row, item, value).is_err(), "{row} {item} {value:?}");
        }
        assert_eq!(report, Report::default());
    }

    #[test]
    fn only_rows_of_appendix_a_are_rows() {
        assert_eq!(parse("S16"), Ok(RowId::S16));
        for id in ["", "s16", "S0", "S27", "S16 ", "\u{0}"] {
            assert!(matches!(parse(id), Err(RowFault::Unknown(_))), "{id:?}");
        }
    }

    #[test]
    fn a_list_has_an_end() {
        let mut report = Report::default();
        for index in 0..ITEMS_MAX {
            put(&mut report, RowId::S16, &index.to_string(), Given::Number(1)).expect("fits");
        }
        let refused = put(&mut report, RowId::S16, "one more", Given::Number(1));
        assert!(matches!(refused, Err(RowFault::Item { row: RowId::S16, .. })));
        put(&mut report, RowId::S17, "7", Given::Number(1)).expect("a known item still takes values");
    }
}
