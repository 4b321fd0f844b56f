//! `/readings/import`: lines of CSV that become opening readings, or quantities of another system.
//!
//! A preview keeps nothing; what was previewed is then taken in one transaction, all of it or nothing.
//! Deliberately absent: a file upload (the lines are pasted, so that people see what they send) and a guess
//! at a unit or a printer.

use super::page::{ImportForm, ImportPage, Preview, PreviewRow};
use super::page_store::{self, Machine};
use super::parallel::{self, Theirs};
use super::store::{self, HandReading, LastValue};
use super::{TEXT_MAX, at_once, beside, note_fits, zone_of};
use crate::Portal;
use crate::contracts::start_of_day;
use crate::db::Tx;
use crate::shell::address::{Fields, text};
use crate::shell::format;
use crate::shell::page::Field;
use crate::shell::{Error, FormData, Posted, ResellerScope, ResellerUser, chrome, render, see_other};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use billing::{Meter, MeterKind, PricingUnit, ReadingSource};
use protocol::{Hex, sha256};
use report::{Defect, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of the pasted lines: 2 MiB.
const LINES_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of the form, in which a comma and a line's end take three bytes each.
const FORM_BYTES_MAX: usize = 3 * LINES_BYTES_MAX + 64 * 1024;
/// Lines of one import.
const ROWS_MAX: usize = 10_000;
/// Wrong lines that are named; the next try names the others.
const NAMED_MAX: usize = 20;
/// Lines that a preview shows.
const SHOWN_MAX: usize = 50;

/// What units are called after a number.
const UNITS: [(&str, PricingUnit); 11] = [
    ("m2", PricingUnit::SquareMetre),
    ("m²", PricingUnit::SquareMetre),
    ("ft2", PricingUnit::SquareFoot),
    ("ft²", PricingUnit::SquareFoot),
    ("m", PricingUnit::Metre),
    ("ft", PricingUnit::Foot),
    ("ml", PricingUnit::Millilitre),
    ("page", PricingUnit::Page),
    ("pages", PricingUnit::Page),
    ("job", PricingUnit::Job),
    ("jobs", PricingUnit::Job),
];

/// What is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What counters showed when a contract began.
    Opening,
    /// What another system counted in a month.
    Parallel,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Opening, Kind::Parallel];

    fn word(self) -> &'static str {
        match self {
            Kind::Opening => "opening",
            Kind::Parallel => "parallel",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Kind::Opening => "Opening readings",
            Kind::Parallel => "Quantities of another system",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Kind::Opening => {
                "The first line names the columns: serial, meter, value, read_at; media and note may be left out. A \
                 meter is written as on a printer's page: area-media, pages, ink/cyan. A value is in the meter's own \
                 unit (m², m, ml, pages, jobs); ft2 or ft may follow it. read_at is a day such as 2026-10-01, its \
                 first moment at the customer's site, or a moment such as 2026-10-01T08:30:00Z. A value that does \
                 not fit what the printer said since needs a note that says why it can be."
            }
            Kind::Parallel => {
                "The first line names the columns: serial, period, meter, quantity. A period is a month such as \
                 2026-10. A quantity is in the meter's own unit (m², m, ml, pages, jobs); ft2 or ft may follow it."
            }
        }
    }

    /// The name of the field with the lines.
    fn field(self) -> &'static str {
        match self {
            Kind::Opening => "openings",
            Kind::Parallel => "quantities",
        }
    }
}

/// Cells of lines in the order of the wanted columns, each line with its number.
pub(super) type Lines = Vec<(u64, Vec<String>)>;

/// The lines of a file; `optional` columns may be left out and are empty then.
pub(super) fn lines(typed: &str, wanted: &[&str], optional: &[&str]) -> Result<Lines, Vec<String>> {
    let one = |words: String| Err(vec![words]);
    if typed.is_empty() {
        return one("Paste the lines of a file first.".to_owned());
    }
    if typed.len() > LINES_BYTES_MAX {
        return one("These are more than 2 MiB. Import them in parts.".to_owned());
    }
    // Browsers end lines with two characters, which would be counted as two lines.
    let typed = typed.replace("\r\n", "\n");
    let first = typed.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter).trim(csv::Trim::All).flexible(true);
    let mut reader = builder.from_reader(typed.as_bytes());
    let heads: Vec<String> = match reader.headers() {
        Ok(heads) => heads.iter().map(str::to_lowercase).collect(),
        Err(error) => return one(format!("Line 1 cannot be read: {error}.")),
    };
    let place = |column: &str| heads.iter().position(|head| head == column);
    let missing: Vec<&str> = wanted.iter().copied().filter(|column| place(column).is_none()).collect();
    if !missing.is_empty() {
        return one(format!("Line 1 names the columns, and these are missing: {}.", missing.join(", ")));
    }
    let places: Vec<Option<usize>> = wanted.iter().chain(optional).map(|column| place(column)).collect();
    let mut found = Lines::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => return one(format!("A line cannot be read: {error}.")),
        };
        if found.len() == ROWS_MAX {
            return one(format!("These are more than {ROWS_MAX} lines. Import them in parts."));
        }
        let cell = |place: &Option<usize>| place.and_then(|place| record.get(place)).unwrap_or_default().to_owned();
        let line = record.position().map_or(0, csv::Position::line);
        found.push((line, places.iter().map(cell).collect()));
    }
    if found.is_empty() { one("There is no line below the first.".to_owned()) } else { Ok(found) }
}

/// The printer of a serial number; the error says why there is none.
pub(super) fn machine<'a>(machines: &'a BTreeMap<String, Vec<Machine>>, serial: &str) -> Result<&'a Machine, String> {
    match machines.get(serial).map(Vec::as_slice) {
        Some([machine]) => Ok(machine),
        Some(_) => Err(format!("several customers have a printer {serial}; enter its readings by hand")),
        None => Err(format!("“{}” is no printer of yours", Defect::quote(serial))),
    }
}

/// An amount of a kind of meter in base units; without a word behind it, it is in the meter's own unit.
pub(super) fn amount(kind: MeterKind, typed: &str) -> Result<i64, String> {
    let end = typed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(typed.len());
    let (number, word) = typed.split_at(end);
    let unit = match word.trim() {
        "" => Some(kind.unit()),
        word => UNITS.iter().find(|(known, _)| *known == word).map(|(_, unit)| *unit),
    };
    let parsed = unit.filter(|unit| unit.suits(kind)).and_then(|unit| unit.parse(number));
    parsed.ok_or_else(|| format!("“{}” is no amount of {}", Defect::quote(typed), kind.unit().label()))
}

/// An opening reading, as a line says it.
#[derive(Debug, Clone)]
struct Opening {
    machine: Machine,
    reading: HandReading,
}

/// What the printers said of their counters, by printer.
type Said = BTreeMap<i64, Vec<LastValue>>;

/// The reading of a line.
fn opening(
    cells: &[String],
    machines: &BTreeMap<String, Vec<Machine>>,
    said: &Said,
    now: Instant,
) -> Result<Opening, String> {
    let cell = |place: usize| cells.get(place).map_or("", String::as_str);
    let machine = machine(machines, cell(0))?;
    let meter = Meter::parse(cell(1)).map_err(|error| error.to_string())?;
    let value = amount(meter.kind(), cell(2))?;
    let read_at = start_of_day(cell(3), &machine.zone).or_else(|| Instant::parse(cell(3)));
    let read_at = read_at.ok_or_else(|| format!("“{}” is neither a day nor a moment", Defect::quote(cell(3))))?;
    if read_at > now {
        return Err("the reading is still to come".to_owned());
    }
    let media = cell(4);
    if media.chars().nth(TEXT_MAX).is_some() || media.chars().any(char::is_control) {
        return Err(format!("“{}” is no media type", Defect::quote(media)));
    }
    let media = (!media.is_empty()).then(|| media.to_owned());
    let (printer_id, note, source) = (machine.printer_id, cell(5).to_owned(), ReadingSource::Opening);
    note_fits(&note).map_err(|words| words.trim_end_matches('.').to_owned())?;
    let mut known = said.get(&printer_id).into_iter().flatten();
    let known = known.find(|known| known.meter == meter && known.media == media);
    let odd = known.and_then(|known| beside::odd(known, value, read_at)).unwrap_or_default();
    if !odd.is_empty() && note.is_empty() {
        return Err(format!("this is odd: {odd}. Look again, or say in the column note why it can be"));
    }
    let reading = HandReading { printer_id, meter, media, value, read_at, source, note, odd };
    Ok(Opening { machine: machine.clone(), reading })
}

/// What was read of a form's lines.
struct Looked {
    openings: Vec<Opening>,
    quantities: Vec<Theirs>,
    /// Lines that are there already and are left out.
    known: usize,
}

fn look(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    kind: Kind,
    typed: &str,
    now: Instant,
) -> Result<Result<Looked, Vec<String>>, Error> {
    let columns: (&[&str], &[&str]) = match kind {
        Kind::Opening => (&["serial", "meter", "value", "read_at"], &["media", "note"]),
        Kind::Parallel => (&["serial", "period", "meter", "quantity"], &[]),
    };
    let lines = match lines(typed, columns.0, columns.1) {
        Ok(lines) => lines,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let machines = page_store::by_serial(tx, scope)?;
    let mut looked = Looked { openings: Vec::new(), quantities: Vec::new(), known: 0 };
    let wrong = match kind {
        Kind::Opening => {
            let there = page_store::openings(tx, scope)?;
            let said = store::last_values(tx, scope, &named(&lines, &machines))?;
            read_all(
                &lines,
                |cells| opening(cells, &machines, &said, now),
                opening_key,
                |opening| {
                    if there.contains(&same(&opening)) { looked.known += 1 } else { looked.openings.push(opening) }
                },
            )
        }
        Kind::Parallel => {
            let there = parallel::there(tx, scope)?;
            read_all(
                &lines,
                |cells| parallel::read(cells, &machines),
                Theirs::key,
                |theirs| {
                    if there.contains(&theirs.key()) { looked.known += 1 } else { looked.quantities.push(theirs) }
                },
            )
        }
    };
    Ok(if wrong.is_empty() { Ok(looked) } else { Err(wrong) })
}

/// The printers that lines name by their serial number, which is the first cell.
fn named(lines: &Lines, machines: &BTreeMap<String, Vec<Machine>>) -> Vec<i64> {
    let of_line = lines.iter().filter_map(|(_, cells)| machines.get(cells.first()?));
    let printers: BTreeSet<i64> = of_line.flatten().map(|machine| machine.printer_id).collect();
    printers.into_iter().collect()
}

/// What tells a reading from another one of the same file.
fn opening_key(opening: &Opening) -> (i64, String, String, i64) {
    let reading = &opening.reading;
    let media = reading.media.clone().unwrap_or_default();
    (reading.printer_id, reading.meter.to_string(), media, reading.read_at.0)
}

fn same(opening: &Opening) -> page_store::Same {
    let (printer, meter, media, _) = opening_key(opening);
    (printer, meter, media, opening.reading.value, opening.reading.read_at)
}

/// Reads every line and gives each to `take`; gives what is wrong, line by line.
fn read_all<T, K: Ord>(
    lines: &[(u64, Vec<String>)],
    read: impl Fn(&[String]) -> Result<T, String>,
    key: impl Fn(&T) -> K,
    mut take: impl FnMut(T),
) -> Vec<String> {
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for (line, cells) in lines {
        match read(cells) {
            Ok(read) if seen.insert(key(&read)) => take(read),
            Ok(_) => wrong.push(format!("Line {line}: it stands twice in these lines.")),
            Err(words) => wrong.push(format!("Line {line}: {words}.")),
        }
    }
    if wrong.len() > NAMED_MAX {
        let more = wrong.len() - NAMED_MAX;
        wrong.truncate(NAMED_MAX);
        wrong.push(format!("And {more} more lines are wrong."));
    }
    wrong
}

fn digest(typed: &str) -> String {
    Hex(sha256(&[typed.as_bytes()])).to_string()
}

fn preview(looked: &Looked, typed: &str) -> Preview {
    let openings = looked.openings.iter().map(|opening| {
        let reading = &opening.reading;
        PreviewRow {
            printer: opening.machine.label.clone(),
            counter: super::counter_label(&reading.meter.to_string(), reading.media.as_deref().unwrap_or("")),
            value: reading.meter.unit().show_exact(reading.value),
            when: format::instant(reading.read_at, &zone_of(&opening.machine.zone)),
            odd: reading.odd.clone(),
        }
    });
    let quantities = looked.quantities.iter().map(Theirs::preview);
    let is_odd = |opening: &&Opening| !opening.reading.odd.is_empty();
    let odd = match looked.openings.iter().filter(is_odd).count() {
        0 => String::new(),
        1 => " 1 of them is odd and says why.".to_owned(),
        odd => format!(" {odd} of them are odd and say why."),
    };
    let printers: BTreeSet<i64> = looked.openings.iter().map(|opening| opening.machine.printer_id).collect();
    let others: BTreeSet<i64> = looked.quantities.iter().map(Theirs::printer_id).collect();
    let count = looked.openings.len() + looked.quantities.len();
    let of = printers.len() + others.len();
    let known = match looked.known {
        0 => String::new(),
        known => format!(" {known} more are there already and stay as they are."),
    };
    let lines = if count == 1 { "line" } else { "lines" };
    let printers = if of == 1 { "printer" } else { "printers" };
    Preview {
        words: format!("{count} {lines} of {of} {printers} would be taken. Nothing is kept yet.{odd}{known}"),
        rows: odd_first(openings.chain(quantities).collect()),
        seen: digest(typed),
    }
}

/// As many rows as a preview shows, the odd ones first.
fn odd_first(mut rows: Vec<PreviewRow>) -> Vec<PreviewRow> {
    rows.sort_by_key(|row| row.odd.is_empty());
    rows.truncate(SHOWN_MAX);
    rows
}

/// A form that was sent, with what came of it.
struct Sent<'a> {
    kind: Kind,
    form: &'a FormData,
    errors: Vec<String>,
    preview: Option<Preview>,
}

/// `GET /readings/import`.
pub(super) async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| {
        let done = query.get("done").map(String::as_str);
        page(tx, &own, &user, None, (text(&query, "period"), done))
    };
    render(&portal.db().read(work).await?)
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    mut sent: Option<Sent<'_>>,
    (period, done): (&str, Option<&str>),
) -> Result<ImportPage, Error> {
    let scope = &user.scope;
    let blank = FormData::default();
    let forms = Kind::ALL.map(|kind| {
        let own = sent.take_if(|sent| sent.kind == kind);
        let (form, errors, preview) = match own {
            Some(sent) => (sent.form, sent.errors, sent.preview),
            None => (&blank, Vec::new(), None),
        };
        ImportForm {
            kind: kind.word(),
            title: kind.title(),
            words: kind.words(),
            errors,
            preview,
            field: Field::lines(kind.field(), "Lines").value(form.text(kind.field())).required(),
        }
    });
    let compared = parallel::compared(tx, scope, period)?;
    Ok(ImportPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/readings", "Import readings"), done)?,
        forms: forms.into(),
        chips: compared.chips,
        compare_words: compared.words,
        compared: compared.rows,
    })
}

/// `POST /readings/import`: previews or takes the lines of one form.
pub(super) async fn send(
    State(portal): State<Portal>,
    Posted(user, form): Posted<ResellerUser, FORM_BYTES_MAX>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let takes = form.text("act") == "take";
    let work = move |tx: &mut Tx<'_>| answer(tx, &own, &user, &form);
    // Looking at many lines takes a while; only taking them needs the right to write.
    let answer = if takes { portal.db().write(work).await? } else { portal.db().read(work).await? };
    match answer {
        None => Ok(see_other("/readings/import?done=imported")),
        Some((page, status)) => Ok((status, render(&*page)?).into_response()),
    }
}

fn answer(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    form: &FormData,
) -> Result<Option<(Box<ImportPage>, StatusCode)>, Error> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == form.text("kind")).unwrap_or(Kind::Opening);
    let typed = form.text(kind.field());
    let looked = look(tx, &user.scope, kind, typed, portal.surroundings().now())?;
    let takes = form.text("act") == "take";
    let was_seen = form.text("seen") == digest(typed);
    let (errors, preview) = match looked {
        Ok(looked) if takes && was_seen => {
            take(tx, portal, user, looked)?;
            return Ok(None);
        }
        Ok(looked) if takes => {
            let words = "The lines are not those of the preview. Look at the preview, then take them.".to_owned();
            (vec![words], Some(preview(&looked, typed)))
        }
        Ok(looked) => (Vec::new(), Some(preview(&looked, typed))),
        Err(wrong) => (wrong, None),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let sent = Sent { kind, form, errors, preview };
    Ok(Some((Box::new(page(tx, portal, user, Some(sent), ("", None))?), status)))
}

/// Takes what was read, in the transaction of the form.
fn take(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, looked: Looked) -> Result<(), Error> {
    let (by, now) = (user.signed.person_id, portal.surroundings().now());
    let readings: Vec<(HandReading, i64)> =
        looked.openings.into_iter().map(|opening| (opening.reading, crate::new_id(portal.surroundings()))).collect();
    if !store::enter(tx, &user.scope, &readings, by, now).map_err(at_once)? {
        return Err(Error::NotFound);
    }
    parallel::keep(tx, &user.scope, &looked.quantities, by, now)?;
    tracing::info!(readings = readings.len(), quantities = looked.quantities.len(), "took imported lines");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names_in_any_order() {
        let found = lines("meter,serial,odd\npages,CN1,x\n", &["serial", "meter"], &["media"]).expect("both are there");
        assert_eq!(found, [(2, vec!["CN1".to_owned(), "pages".to_owned(), String::new()])]);
        let found = lines("Serial; Meter\r\nCN1 ; pages\r\n", &["serial", "meter"], &[]).expect("semicolons do too");
        assert_eq!(found[0].1, ["CN1", "pages"]);
    }

    #[test]
    fn what_is_no_table_is_refused_in_words() {
        let many = format!("serial,meter\n{}", "CN1,pages\n".repeat(ROWS_MAX + 1));
        let long = "x".repeat(LINES_BYTES_MAX + 1);
        for (typed, word) in [
            ("", "Paste"),
            ("serial\nCN1", "missing: meter"),
            ("serial,meter\n", "no line"),
            (many.as_str(), "10000"),
            (long.as_str(), "2 MiB"),
        ] {
            let wrong = lines(typed, &["serial", "meter"], &[]).expect_err(word);
            assert!(wrong[0].contains(word), "{wrong:?}");
        }
    }

    #[test]
    fn an_amount_is_in_the_meter_s_unit_unless_it_says_another() {
        let cases = [
            (MeterKind::AreaMedia, "18531.4", Some(18_531_400_000)),
            (MeterKind::AreaMedia, "1500 ft2", Some(139_354_560)),
            (MeterKind::AreaMedia, "1500 ft", None),
            (MeterKind::Pages, "12", Some(12)),
            (MeterKind::Pages, "12 pages", Some(12)),
            (MeterKind::Pages, "1.5", None),
            (MeterKind::Pages, "-1", None),
            (MeterKind::Length, "2m", Some(2_000_000)),
            (MeterKind::Ink, "", None),
        ];
        for (kind, typed, expected) in cases {
            assert_eq!(amount(kind, typed).ok(), expected, "{kind:?} {typed}");
        }
    }
}
