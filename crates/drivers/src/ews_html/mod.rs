//! The pages of the older embedded web server under `/hp/device/webAccess/`. See `README.md` here.
//!
//! Asks for the supplies page first, alone; then for the other pages and `accounting.xls`; for the
//! accounting page only where that sheet gave no table. Deliberately absent: waking a printer, which takes
//! a POST; every language but English; and the pages of settings and services.

mod accounting;
mod biff;
mod identity;
mod markup;
mod number;
mod page;
mod sheet;
mod supplies;
mod usage;
mod words;

pub use markup::decode;

use crate::node::{Node, Notes, credit};
use crate::request::body_of;
use crate::{Accept, Answers, Channel, Driver, Request};
use page::{Page, Table};
use report::{Alert, Defect, Instant, Report, RowId, Severity};
use serde_json::Value;

/// The driver.
pub const DRIVER: Driver = Driver { name: "ews_html", channel: Channel::Web, rows: ROWS, next, identify, read };

/// The rows it fills.
#[rustfmt::skip]
const ROWS: &[RowId] = {
    use RowId::*;
    &[
        C1, C2, C3, C4,
        S1, S2, S3, S5, S10, S11, S12, S13, S16, S17, S20, S21, S22,
        U2, U6, U7, U16, U17,
        P1, P2, P3, P7, P8, P10, P11, P12, P14, P15, P16, P18, P19, P21, P23, P24, P27, P28,
        N1, N2, N3, N7, N8, N9, N10, N11,
        E1, E2, E4,
    ]
};

/// The rows we compute from other values instead of the printer saying them.
pub const DERIVED: &[RowId] = &[RowId::S17, RowId::S20];

/// The rows that stand under labels or headings which nobody has shown: identity but for the name in the title,
/// the supplies page, the columns of UUID and number.
#[rustfmt::skip]
pub const INVENTED: &[RowId] = {
    use RowId::*;
    &[C1, C3, C4, S2, S3, S5, S10, S11, S12, S13, S16, S17, S20, S21, S22, P2, P3, N2, N3]
};

const SUPPLIES: &str = "/hp/device/webAccess/index.htm?content=supplies";
const SETUP: &str = "/hp/device/webAccess/index.htm?content=device_setup";
const USAGE: &str = "/hp/device/webAccess/index.htm?content=usage";
const ACCOUNTING: &str = "/hp/device/webAccess/index.htm?content=accounting";
const STATUS: &str = "/hp/device/webAccess/printer_status_core.jsp";
const SHEET: &str = "/hp/device/webAccess/accounting.xls?cost=y";

/// The pages on which no name stands that somebody gave to a job or to media.
const NAMES_THE_PRINTER: &[&str] = &[SUPPLIES, SETUP];
/// The pages that this web server has; two of them in its links tell it from any other.
const CONTENTS: &[&str] = &["supplies", "usage", "accounting", "device_setup"];
/// Links that tell it.
const LINKS_MIN: usize = 2;
/// What is said of a page whose tables are not read.
const NOT_ENGLISH: &str = "the page is not in English, its tables are not read";
const NOT_KNOWN: &str = "the page is not in English or has no label that is known, its tables are not read";

/// What is still to ask. Each stage asks only for what has no answer, so it ends.
fn next(answers: &Answers) -> Vec<Request> {
    let html = |path: &str| Request::get(path, Accept::Html);
    if !answers.contains_key(SUPPLIES) {
        return vec![html(SUPPLIES)];
    }
    if !identify(answers) {
        return Vec::new();
    }
    let all = [html(SETUP), html(USAGE), Request::get(STATUS, Accept::Any), Request::get(SHEET, Accept::Any)];
    let missing: Vec<Request> = all.into_iter().filter(|request| !answers.contains_key(&request.key)).collect();
    if !missing.is_empty() {
        return missing;
    }
    // The sheet may be large: it is read here once at the most.
    if answers.contains_key(ACCOUNTING) {
        return Vec::new();
    }
    let has_table = matches!(sheet_of(answers), Ok(Some(tables)) if accounting::is_there(&tables));
    if has_table { Vec::new() } else { vec![html(ACCOUNTING)] }
}

/// Whether the supplies page is one of this web server: it links to its other pages.
fn identify(answers: &Answers) -> bool {
    matches!(page_of(answers, SUPPLIES), Ok(Some(page)) if is_ours(&page))
}

fn is_ours(page: &Page) -> bool {
    page.contents.iter().filter(|content| CONTENTS.contains(&content.as_str())).count() >= LINKS_MIN
}

/// Reads every answer. What cannot be read leaves a defect and does not keep the rest from being read.
fn read(answers: &Answers, at: Instant) -> (Report, Vec<Defect>) {
    let mut report = Report { read_at: at, ..Report::default() };
    let mut notes = Notes::default();
    if !identify(answers) {
        notes.of(&not_identified(answers));
        return (report, notes.into_defects());
    }
    read_page(answers, "supplies", SUPPLIES, supplies::read, &mut report, &mut notes);
    read_page(answers, "device_setup", SETUP, |_, _, _| true, &mut report, &mut notes);
    read_page(answers, "usage", USAGE, usage::read, &mut report, &mut notes);
    read_status(answers, &mut report, &mut notes);
    read_accounting(answers, &mut report, &mut notes);
    notes.enter("");
    (report, notes.into_defects())
}

fn not_identified(answers: &Answers) -> String {
    match page_of(answers, SUPPLIES) {
        Ok(Some(_)) => "supplies: the page links to no other page of this web server".to_owned(),
        Ok(None) => "supplies: not found, no printer of this kind".to_owned(),
        Err(why) => format!("supplies: {why}"),
    }
}

/// Reads one page into the report; nothing where it was not asked for.
fn read_page(
    answers: &Answers,
    name: &str,
    path: &str,
    rows: fn(&Page, &mut Report, &mut Notes) -> bool,
    report: &mut Report,
    notes: &mut Notes,
) {
    if !answers.contains_key(path) {
        return;
    }
    notes.enter(name);
    match page_of(answers, path) {
        Ok(None) => {}
        Err(why) => notes.of(&why),
        Ok(Some(page)) => {
            let names_the_printer = NAMES_THE_PRINTER.contains(&path);
            if names_the_printer {
                identity::read_title(&page, report);
            }
            if page.is_cut_off {
                notes.of("the page ends within a table");
            }
            if is_foreign(&page) {
                notes.of(NOT_ENGLISH);
            } else if !rows(&page, report, notes) {
                notes.of(NOT_KNOWN);
            } else if names_the_printer {
                identity::read_labels(&page, report);
            }
            credit(report, DRIVER.name, name, DERIVED);
        }
    }
}

/// Whether a page states another language than English.
fn is_foreign(page: &Page) -> bool {
    let language = page.language.to_ascii_lowercase();
    !language.is_empty() && language != "en" && !language.starts_with("en-") && !language.starts_with("en_")
}

/// `minor|LM cartridge is low on ink|`: rows S1, E1, E2 and E4.
fn read_status(answers: &Answers, report: &mut Report, notes: &mut Notes) {
    if !answers.contains_key(STATUS) {
        return;
    }
    notes.enter("printer_status_core.jsp");
    let text = match body_of(answers, STATUS) {
        Ok(None) => return,
        Ok(Some((content_type, body))) => markup::text_of(content_type, body).map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    let text = match text {
        Ok(text) => text,
        Err(why) => return notes.of(&why),
    };
    // A page is none of these texts, whatever characters it has.
    let plain = if text.trim_start().starts_with('<') { "" } else { text.as_str() };
    let mut parts = plain.split('|');
    let (Some(word), Some(message), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
        notes.at(RowId::S1, "the status is not of the form 'severity|message|'");
        return;
    };
    let (word, message) = (known(word), known(&markup::decode(message)));
    report.status.engine = message.clone().or_else(|| word.clone());
    let severity = severity(word.as_deref().unwrap_or_default());
    if let (Some(severity), Some(message)) = (severity, message) {
        let (code, text) = (message.clone(), Some(message));
        report.alerts.push(Alert { code, severity, text, ..Alert::default() });
    }
    credit(report, DRIVER.name, "printer_status_core", DERIVED);
}

/// Row E2. What is normal is no alert; a word that is not known is good to know.
fn severity(word: &str) -> Option<Severity> {
    match word.to_ascii_lowercase().as_str() {
        "" | "normal" | "ok" | "none" => None,
        "minor" | "warning" => Some(Severity::Warning),
        "major" | "critical" | "error" | "severe" => Some(Severity::Severe),
        _ => Some(Severity::Info),
    }
}

/// The jobs, from the sheet where it has a table, else from the page.
fn read_accounting(answers: &Answers, report: &mut Report, notes: &mut Notes) {
    notes.enter("accounting.xls");
    match sheet_of(answers) {
        Ok(Some(tables)) if accounting::read(&tables, report, notes) => {
            credit(report, DRIVER.name, "accounting.xls", DERIVED);
            return;
        }
        Ok(Some(_)) => notes.of(NOT_KNOWN),
        Err(why) if answers.contains_key(SHEET) => notes.of(&why),
        Ok(None) | Err(_) => {}
    }
    let rows = |page: &Page, report: &mut Report, notes: &mut Notes| accounting::read(&page.tables, report, notes);
    read_page(answers, "accounting", ACCOUNTING, rows, report, notes);
}

/// The page answered at `path`; `None` when the printer has none, else why it cannot be read.
fn page_of(answers: &Answers, path: &str) -> Result<Option<Page>, String> {
    let Some((content_type, body)) = body_of(answers, path)? else { return Ok(None) };
    page::open(content_type, body).map(Some).map_err(|error| error.to_string())
}

/// The tables of `accounting.xls`.
fn sheet_of(answers: &Answers) -> Result<Option<Vec<Table>>, String> {
    let Some((content_type, body)) = body_of(answers, SHEET)? else { return Ok(None) };
    sheet::open(content_type, body).map(Some).map_err(|error| error.to_string())
}

/// A text of the printer; absent where it says "not known".
fn known(text: &str) -> Option<String> {
    Node::of(&Value::String(text.to_owned())).text()
}
