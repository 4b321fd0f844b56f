//! The accounting table: finished jobs, P and N rows, from the page or from `accounting.xls`.
//!
//! A cell is known by the label of its column, or, on a page without labels, by the places that others
//! have described. Deliberately absent: costs; a job that waits or prints; an identity made up for a job
//! that has none; and an instant from a time without its zone. What becomes of such a job stands in
//! `README.md`.

use super::number::{self, Kind, Mark, Unit, Written, style, written};
use super::page::{Row, Table};
use super::words::{self, Column};
use crate::colour;
use crate::limits::LIST_MAX;
use crate::newest::Newest;
use crate::node::{self, FIRST_DAY_ENDS, Notes};
use report::{
    Area, Category, CategoryUse, Defect, Ink, InkUse, Instant, Job, JobKind, JobStatus, Length, Personal, PrintJob,
    Report, RowId, ScanJob,
};
use std::collections::BTreeMap;

/// Rows in which the labels of the columns are looked for.
const LABEL_ROWS: usize = 20;
/// Columns that must be known before a row is one of labels.
const LABELS_MIN: usize = 3;
/// The class of a job's row, and of a row about a part of it.
const JOB_CLASS: &str = "treeTableTopLevel";
const PART_CLASS: &str = "contentsRow";
/// The class of a row that names what follows.
const TITLE_CLASS: &str = "treeTableTitle";

/// Where the cells of a job's row stand on pages without labels, from 0. First as on a Latex 365, then
/// as on a DesignJet of the T series.
const PLACES: &[&[(Column, usize)]] = &[
    &[
        (Column::Document, 0),
        (Column::Status, 3),
        (Column::Media, 10),
        (Column::Area, 11),
        (Column::Time, 13),
        (Column::Quality, 14),
    ],
    &[
        (Column::Document, 0),
        (Column::Kind, 1),
        (Column::Source, 2),
        (Column::Status, 4),
        (Column::Copies, 5),
        (Column::Media, 10),
        (Column::Area, 11),
        (Column::Length, 12),
        (Column::Ink, 14),
        (Column::User, 15),
        (Column::Time, 16),
        (Column::Quality, 17),
    ],
];

/// Where each column stands, and the unit that its label states.
#[derive(Debug, Default)]
struct Columns {
    at: BTreeMap<Column, usize>,
    units: BTreeMap<Column, Unit>,
}

impl Columns {
    /// The columns of a row of labels.
    fn of_labels(row: &Row) -> Option<Columns> {
        let mut columns = Columns::default();
        for (at, cell) in &row.cells {
            if let Some((column, unit)) = words::column(&cell.text) {
                columns.at.entry(column).or_insert(*at);
                if let Some(unit) = unit {
                    columns.units.entry(column).or_insert(unit);
                }
            }
        }
        let is_labels = columns.at.len() >= LABELS_MIN && columns.at.contains_key(&Column::Document);
        is_labels.then_some(columns)
    }

    /// The columns of a job's row without labels: the places at which it has an area and a time.
    fn of_places(row: &Row) -> Option<Columns> {
        let fits = |places: &&&[(Column, usize)]| {
            let at = |wanted: Column| places.iter().find(|(column, _)| *column == wanted).map(|(_, at)| row.text(*at));
            let is_area = |text: &str| written(text).iter().any(|number| number.is(Kind::Area));
            at(Column::Area).is_some_and(is_area) && at(Column::Time).is_some_and(is_time)
        };
        let places = PLACES.iter().find(fits)?;
        Some(Columns { at: places.iter().copied().collect(), units: BTreeMap::new() })
    }

    /// The text in a column, empty where there is none.
    fn text<'a>(&self, row: &'a Row, column: Column) -> &'a str {
        self.at.get(&column).map_or("", |at| row.text(*at))
    }

    /// The text in a column; absent where it says "not known".
    fn known(&self, row: &Row, column: Column) -> Option<String> {
        super::known(self.text(row, column))
    }

    /// The text in a column as a person wrote it.
    fn words(&self, row: &Row, column: Column) -> Option<String> {
        let text = self.text(row, column);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The number in a column, with the unit of its cell or label.
    fn number(&self, row: &Row, column: Column, kind: Kind) -> Option<Written> {
        let cell = row.cells.get(self.at.get(&column)?)?;
        let unit = self.units.get(&column).copied();
        if cell.is_number {
            return Some(Written::typed(&cell.text, unit));
        }
        let mut numbers = written(&cell.text);
        if let [number] = numbers.as_mut_slice() {
            number.unit = number.unit.or(unit);
        }
        numbers.into_iter().find(|number| number.unit.is_none() || number.is(kind))
    }
}

/// A job's row and the rows about its parts.
struct Entry<'a> {
    row: &'a Row,
    parts: Vec<&'a Row>,
}

/// What all jobs of a table share.
struct Context {
    columns: Columns,
    marks: Option<Mark>,
}

/// Reads the jobs of the first accounting table. Returns whether there is one, in English.
pub(crate) fn read(tables: &[Table], report: &mut Report, notes: &mut Notes) -> bool {
    let Some((columns, rows)) = tables.iter().find_map(by_labels).or_else(|| tables.iter().find_map(by_places)) else {
        return false;
    };
    let entries = entries(&columns, rows);
    let marks = style(entries.iter().flat_map(|entry| marks(&columns, entry)));
    let context = Context { columns, marks };
    let mut newest = Newest::default();
    for entry in &entries {
        job(entry, &context).into_iter().for_each(|job| newest.put(job));
    }
    let (jobs, left_out) = newest.into_jobs();
    report.jobs.extend(jobs);
    if let Some(left_out) = left_out {
        notes.at(RowId::P27, &left_out);
    }
    note_nameless(report, notes);
    true
}

/// Whether a page has an accounting table.
pub(crate) fn is_there(tables: &[Table]) -> bool {
    tables.iter().any(|table| by_labels(table).is_some() || by_places(table).is_some())
}

fn by_labels(table: &Table) -> Option<(Columns, &[Row])> {
    let mut rows = table.rows.iter().take(LABEL_ROWS).enumerate();
    let (at, columns) = rows.find_map(|(at, row)| Some((at, Columns::of_labels(row)?)))?;
    Some((columns, &table.rows[at + 1..]))
}

/// A table without labels is read when a state in it is English: nothing else tells its language.
fn by_places(table: &Table) -> Option<(Columns, &[Row])> {
    let is_job = |row: &&Row| row.classes.contains(JOB_CLASS);
    let columns = table.rows.iter().find(is_job).and_then(Columns::of_places)?;
    let mut jobs = table.rows.iter().filter(is_job);
    let english = jobs.any(|row| ending(columns.text(row, Column::Status)) != Ending::Unknown);
    english.then_some((columns, table.rows.as_slice()))
}

/// Whether a text looks like the time of a job: `01/04/2026 17:38:53`.
fn is_time(text: &str) -> bool {
    let (digits, colons) = (text.chars().filter(char::is_ascii_digit).count(), text.matches(':').count());
    digits >= 8 && colons >= 1
}

/// The rows of each job together.
fn entries<'a>(columns: &Columns, rows: &'a [Row]) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    for row in rows {
        let has_part = |column: Column| !columns.text(row, column).is_empty();
        let is_job = if row.classes.contains(JOB_CLASS) {
            true
        } else if row.classes.contains(PART_CLASS) {
            false
        } else if row.classes.contains(TITLE_CLASS) {
            continue;
        } else {
            has_part(Column::Document) || (has_part(Column::Status) && has_part(Column::Time))
        };
        if is_job {
            entries.push(Entry { row, parts: Vec::new() });
        } else if let Some(entry) = entries.last_mut()
            && entry.parts.len() < LIST_MAX
        {
            entry.parts.push(row);
        }
    }
    entries
}

/// The decimal marks that the numbers of a job prove.
fn marks(columns: &Columns, entry: &Entry<'_>) -> Vec<Mark> {
    let kinds = [(Column::Area, Kind::Area), (Column::Length, Kind::Length), (Column::Ink, Kind::Ink)];
    let of_job = kinds.into_iter().filter_map(|(column, kind)| columns.number(entry.row, column, kind));
    let of_parts = entry.parts.iter().filter_map(|part| ink_of(columns, part));
    of_job.chain(of_parts).filter_map(|number| number.proves()).collect()
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It still waits or prints.
    Open,
    /// It is over.
    Over(JobStatus),
    /// A word that is not known.
    Unknown,
}

/// Words of a job that is not over.
const OPEN: &[&str] = &[
    "cancelling",
    "canceling",
    "copying",
    "drying",
    "held",
    "hold",
    "paused",
    "preparing",
    "printing",
    "processing",
    "queued",
    "receiving",
    "scanning",
    "waiting",
];

/// Words of a job that is over.
const OVER: &[(&str, JobStatus)] = &[
    ("cancelled", JobStatus::Cancelled),
    ("canceled", JobStatus::Cancelled),
    ("failed", JobStatus::Failed),
    ("error", JobStatus::Failed),
    ("aborted", JobStatus::Failed),
    ("printed", JobStatus::Printed),
    ("copied", JobStatus::Printed),
    ("completed", JobStatus::Printed),
    ("scanned", JobStatus::Scanned),
];

fn ending(text: &str) -> Ending {
    let words = words::words(text);
    let has = |word: &str| words.iter().any(|found| found == word);
    if OPEN.iter().any(|word| has(word)) {
        return Ending::Open;
    }
    OVER.iter().find(|(word, _)| has(word)).map_or(Ending::Unknown, |(_, status)| Ending::Over(*status))
}

/// The kind of a job; one that is not stated is a print, which is what the table is about.
fn kind(text: &str) -> JobKind {
    let words = words::words(text);
    match words.first().map(String::as_str) {
        Some("copy") => JobKind::Copy,
        Some("scan") => JobKind::Scan,
        _ => JobKind::Print,
    }
}

/// One job with what is odd about it; none where it is not over.
fn job(entry: &Entry<'_>, context: &Context) -> Option<(Job, Vec<Defect>)> {
    let (row, columns) = (entry.row, &context.columns);
    let kind = kind(columns.text(row, Column::Kind));
    let mut notes = Notes::default();
    let is_scan = kind == JobKind::Scan;
    let status = match ending(columns.text(row, Column::Status)) {
        Ending::Open => return None,
        Ending::Over(JobStatus::Printed) if is_scan => Some(JobStatus::Scanned),
        Ending::Over(status) => Some(status),
        Ending::Unknown => {
            let status = Defect::quote(columns.text(row, Column::Status));
            let of = if is_scan { RowId::N10 } else { RowId::P11 };
            notes.at(of, &format!("'{status}' is no known ending of a job"));
            None
        }
    };
    let at = instant(row, columns, if is_scan { RowId::N9 } else { RowId::P10 }, &mut notes);
    let job = Job {
        kind,
        uuid: columns.known(row, Column::Uuid).and_then(|text| node::uuid(&text)),
        sequence: number::count(columns.text(row, Column::Sequence)),
        status,
        print: (!is_scan).then(|| print(entry, at, context, &mut notes)),
        scan: (kind != JobKind::Print).then(|| scan(entry, at, context, &mut notes)),
        personal: Personal {
            name: columns.words(row, Column::Document),
            account: columns.words(row, Column::Account),
            user: columns.words(row, Column::User),
            ..Personal::default()
        },
    };
    if is_nameless(&job) {
        let of = if is_scan { RowId::N2 } else { RowId::P2 };
        notes.at(of, "the table gives the job neither UUID nor number: it cannot be counted once");
    }
    Some((job, notes.into_defects()))
}

/// The instant of a job. Only a time with its zone is one: local time is ambiguous, and after a change of
/// the clock the same job would be another one.
fn instant(row: &Row, columns: &Columns, of: RowId, notes: &mut Notes) -> Option<Instant> {
    let text = columns.known(row, Column::Time)?;
    let Some(instant) = Instant::parse(&text) else {
        let what = match to_the_minute(&text) {
            Some(time) => format!("the printer's local time '{time}' has no zone, it is kept here and is no instant"),
            None => "a time without a zone, it is no instant".to_owned(),
        };
        notes.at(of, &what);
        return None;
    };
    (instant >= FIRST_DAY_ENDS).then_some(instant)
}

/// A local time without its seconds: `01/04/2026 17:38`. The rhythm of somebody's work is not for a defect to tell,
/// nor is anything else that may stand in the column.
fn to_the_minute(text: &str) -> Option<String> {
    let (date, time) = text.trim().split_once(' ')?;
    let is_number = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mark = date.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '/' | '.' | '-'))?;
    let parts: Vec<&str> = date.split(mark).collect();
    let is_date = match parts.as_slice() {
        [year, month, day] if year.len() == 4 => [month, day].iter().all(|part| is_number(part, 1..=2)),
        [day, month, year] => [day, month].iter().all(|part| is_number(part, 1..=2)) && is_number(year, 4..=4),
        _ => false,
    };
    let (hour, rest) = time.trim_start().split_once(':')?;
    let minute = rest.get(..2)?;
    let is_whole = is_date && is_number(hour, 1..=2) && is_number(minute, 2..=2);
    is_whole.then(|| format!("{date} {hour}:{minute}"))
}

fn scan(entry: &Entry<'_>, at: Option<Instant>, context: &Context, notes: &mut Notes) -> ScanJob {
    // The area of a copy is that of its print.
    let of_scan = kind(context.columns.text(entry.row, Column::Kind)) == JobKind::Scan;
    let area = context.columns.number(entry.row, Column::Area, Kind::Area).filter(|_| of_scan);
    let area = area.and_then(|area| area.amount(context.marks, RowId::N11, "the area", notes));
    ScanJob { scanned_at: at, area: area.map(Area) }
}

fn print(entry: &Entry<'_>, at: Option<Instant>, context: &Context, notes: &mut Notes) -> PrintJob {
    let (row, columns) = (entry.row, &context.columns);
    let mut amount = |column: Column, kind: Kind, of: RowId, what: &str| {
        let number = columns.number(row, column, kind)?;
        number.amount(context.marks, of, what, notes)
    };
    let media_area = amount(Column::Area, Kind::Area, RowId::P19, "the media area").map(Area);
    let media_length = amount(Column::Length, Kind::Length, RowId::P24, "the media length").map(Length);
    let total = amount(Column::Ink, Kind::Ink, RowId::P18, "the ink of the job").map(Ink);
    let ink = ink(entry, total, context, notes);
    let category = columns.known(row, Column::Category).map(|name| Category::new(&name));
    let categories = category.map(|category| CategoryUse {
        category,
        derived: false,
        media_area,
        printed_area: None,
        ink: total,
        media_length,
    });
    PrintJob {
        printed_at: at,
        source: columns.known(row, Column::Source).map(|source| source.to_ascii_lowercase()),
        quality: columns.known(row, Column::Quality),
        pages: number::count(columns.text(row, Column::Pages)),
        copies: number::count(columns.text(row, Column::Copies)),
        ink,
        media_area,
        categories: categories.into_iter().collect(),
        media: columns.known(row, Column::Media),
        ..PrintJob::default()
    }
}

/// Row P18: the parts of a job that are inks.
fn ink(entry: &Entry<'_>, total: Option<Ink>, context: &Context, notes: &mut Notes) -> Vec<InkUse> {
    let columns = &context.columns;
    let (mut inks, mut whole): (Vec<InkUse>, bool) = (Vec::new(), true);
    for part in &entry.parts {
        let Some(colour) = colour_of(columns, part) else { continue };
        if part.texts().any(words::is_altered) {
            notes.at(RowId::P18, &format!("{colour}: ink that was altered, the printer counts none"));
            whole = false;
            continue;
        }
        let Some(number) = ink_of(columns, part) else { continue };
        match number.amount(context.marks, RowId::P18, &colour, notes) {
            Some(ink) => add(&mut inks, colour, ink),
            None => whole = false,
        }
    }
    let sum: i64 = inks.iter().fold(0, |sum, used| sum.saturating_add(used.ink.0));
    match total {
        Some(Ink(total)) if inks.is_empty() && whole && total > 0 => {
            notes.at(RowId::P18, &format!("{total} nl of ink in all, the table tells no colours"));
        }
        // Each colour is rounded to hundredths of a millilitre.
        Some(Ink(total)) if whole && (sum - total).abs() > total / 100 + 100_000 => {
            notes.at(RowId::P18, &format!("{total} nl of ink in all, {sum} nl by colour"));
        }
        _ => {}
    }
    inks
}

/// The colour that a part is about. Where the table says what a part is about, only that counts.
fn colour_of(columns: &Columns, part: &Row) -> Option<String> {
    if columns.at.contains_key(&Column::CostType) && !part.classes.contains(PART_CLASS) {
        return colour::find(columns.text(part, Column::CostType));
    }
    part.texts().find_map(colour::find)
}

/// The ink of a part: in the column of ink, else wherever millilitres stand.
fn ink_of(columns: &Columns, part: &Row) -> Option<Written> {
    let in_column = columns.number(part, Column::Ink, Kind::Ink).filter(|number| number.is(Kind::Ink));
    in_column.or_else(|| part.texts().flat_map(written).find(|number| number.is(Kind::Ink)))
}

fn add(inks: &mut Vec<InkUse>, colour: String, ink: i64) {
    match inks.iter_mut().find(|used| used.colour == colour) {
        Some(used) => used.ink = Ink(used.ink.0.saturating_add(ink)),
        None => inks.push(InkUse { colour, ink: Ink(ink) }),
    }
}

fn is_nameless(job: &Job) -> bool {
    job.uuid.is_none() && job.sequence.is_none()
}

/// Says once for all how many jobs cannot be counted.
fn note_nameless(report: &Report, notes: &mut Notes) {
    let nameless = report.jobs.iter().filter(|(job, _)| is_nameless(job)).count();
    if nameless > 0 {
        notes.of(&format!("{nameless} of {} jobs have neither UUID nor number and are not counted", report.jobs.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_known_by_their_words() {
        let cases = [
            ("printed", Ending::Over(JobStatus::Printed)),
            ("Cancelled by user", Ending::Over(JobStatus::Cancelled)),
            ("Waiting to be printed", Ending::Open),
            ("Printing", Ending::Open),
            ("impresso", Ending::Unknown),
            ("", Ending::Unknown),
        ];
        for (text, expected) in cases {
            assert_eq!(ending(text), expected, "{text}");
        }
    }

    #[test]
    fn a_time_is_told_from_other_texts_and_cut_to_the_minute() {
        assert!(is_time("01/04/2026 17:38:53"));
        assert!(!is_time("6,5451 m²"));
        for (text, minute) in [
            ("01/04/2026 17:38:53", Some("01/04/2026 17:38")),
            ("18.07.2024 6:08", Some("18.07.2024 6:08")),
            ("2026-04-01 17:38:53.5", Some("2026-04-01 17:38")),
            ("01/04/2026 17.38.53", None),
            ("2026-04-01", None),
            ("anna 2026: 12:34:56", None),
            ("01/04/20261 17:38", None),
        ] {
            assert_eq!(to_the_minute(text).as_deref(), minute, "{text}");
        }
    }
}
