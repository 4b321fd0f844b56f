//! The XML of the older embedded web server, `/hp/device/webAccess/open_*.xml`. See `README.md` here.
//!
//! Asks for the status first, alone; then for usage and accounting. Deliberately absent: any meaning of an
//! element that no source names. All meaning stands in `schema.rs`; what it does not know is a defect that
//! names the element and never quotes its value.

mod schema;

use crate::document;
use crate::node::{Node, Notes, credit};
use crate::request::body_of;
use crate::{Accept, Answers, Channel, Driver, Request};
use report::{Defect, Duration, Instant, Report, RowId};
use serde_json::Value;

/// The driver.
pub const DRIVER: Driver = Driver { name: "ews_xml", channel: Channel::Web, rows: ROWS, next, identify, read };

/// The rows it fills: as many as are certain.
const ROWS: &[RowId] = &[RowId::S1];

const STATUS: &str = "/hp/device/webAccess/open_status.xml";
const USAGE: &str = "/hp/device/webAccess/open_usage.xml";
const ACCOUNTING: &str = "/hp/device/webAccess/open_accounting.xml";
/// The folder of the documents.
const FOLDER: &str = "/hp/device/webAccess/";
/// The root of every document.
const ROOT: &str = "Serviceability";

/// The window of days asked for, up to the printer's own date: longer than any reading should be apart.
const WINDOW: Duration = Duration::hours(31 * 24);
/// Names of an element that can hold the date at which the status was given, without case and marks. No
/// source names one; where there is none, the documents are asked for without dates.
const DATES: &[&str] = &["currentdate", "currentdatetime", "currenttime", "date", "datetime", "time", "timestamp"];
/// Levels at which a date is looked for.
const DATE_LEVELS: usize = 3;

/// What is still to ask. Each stage asks only for what has no answer, so it ends.
fn next(answers: &Answers) -> Vec<Request> {
    if !answers.contains_key(STATUS) {
        return vec![Request::get(STATUS, Accept::Xml)];
    }
    let Ok(Some(status)) = open(answers, STATUS) else { return Vec::new() };
    if !is_ours(&status) {
        return Vec::new();
    }
    let dates = date_of(Node::of(&status).at(ROOT), DATE_LEVELS).and_then(window).unwrap_or_default();
    let all = [USAGE, ACCOUNTING].map(|path| Request::get(format!("{path}{dates}"), Accept::Xml));
    all.into_iter().filter(|request| !answers.contains_key(&request.key)).collect()
}

/// Whether the status is a document of this web server.
fn identify(answers: &Answers) -> bool {
    matches!(open(answers, STATUS), Ok(Some(document)) if is_ours(&document))
}

fn is_ours(document: &Value) -> bool {
    !Node::of(document).at(ROOT).is_missing()
}

/// Reads every answer. What cannot be read leaves a defect and does not keep the rest from being read.
fn read(answers: &Answers, at: Instant) -> (Report, Vec<Defect>) {
    let mut report = Report { read_at: at, ..Report::default() };
    let mut notes = Notes::default();
    if !identify(answers) {
        notes.of(&not_identified(answers));
        return (report, notes.into_defects());
    }
    for path in [STATUS, USAGE, ACCOUNTING] {
        // The key of usage and accounting may have dates.
        let is_of_path = |key: &&String| key.split('?').next() == Some(path);
        for key in answers.keys().filter(is_of_path) {
            read_document(answers, key, &mut report, &mut notes);
        }
    }
    notes.enter("");
    (report, notes.into_defects())
}

fn not_identified(answers: &Answers) -> String {
    match open(answers, STATUS) {
        Ok(Some(_)) => format!("open_status.xml: the root is not {ROOT}"),
        Ok(None) => "open_status.xml: not found, no printer of this kind".to_owned(),
        Err(why) => format!("open_status.xml: {why}"),
    }
}

fn read_document(answers: &Answers, key: &str, report: &mut Report, notes: &mut Notes) {
    let path = key.split('?').next().unwrap_or(key);
    let label = path.strip_prefix(FOLDER).unwrap_or(path);
    notes.enter(label);
    match open(answers, key) {
        Ok(None) => {}
        Err(why) => notes.of(&why),
        Ok(Some(document)) if !is_ours(&document) => notes.of(&format!("the root is not {ROOT}")),
        Ok(Some(document)) => {
            schema::read(Node::of(&document).at(ROOT), report, notes);
            credit(report, DRIVER.name, label.strip_suffix(".xml").unwrap_or(label), &[]);
        }
    }
}

/// The first date in a document, no deeper than `levels`. Only an unambiguous form is one: RFC 3339, or the
/// day of ISO 8601.
fn date_of(node: Node<'_>, levels: usize) -> Option<Instant> {
    if levels == 0 {
        return None;
    }
    let members = node.members();
    let named = members.iter().filter(|(name, _)| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        DATES.contains(&plain.to_ascii_lowercase().as_str())
    });
    let own = named.filter_map(|(_, node)| node.text()).find_map(|text| {
        let day = || Instant::parse(&format!("{text}T00:00:00Z"));
        Instant::parse(&text).or_else(day)
    });
    own.or_else(|| members.iter().find_map(|(_, node)| date_of(*node, levels - 1)))
}

/// The query for the days up to `end`: `?startDate=30/09/2026&endDate=31/10/2026`.
fn window(end: Instant) -> Option<String> {
    let start = end.plus(Duration(-WINDOW.0));
    Some(format!("?startDate={}&endDate={}", day(start)?, day(end)?))
}

/// A day as this web server writes it: `31/10/2026`.
fn day(at: Instant) -> Option<String> {
    let text = at.to_string();
    let (date, _) = text.split_once('T')?;
    let parts: Vec<&str> = date.split('-').collect();
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 => Some(format!("{day}/{month}/{year}")),
        _ => None,
    }
}

/// The document answered under `key`; `None` when the printer has none, else why it cannot be read.
fn open(answers: &Answers, key: &str) -> Result<Option<Value>, String> {
    let Some((content_type, body)) = body_of(answers, key)? else { return Ok(None) };
    document::read(content_type, body).map(Some).map_err(|error| Defect::quote(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_window_ends_at_the_printers_own_date() {
        let check = |document: &Value| date_of(Node::of(document), DATE_LEVELS).and_then(window);
        let expected = Some("?startDate=30/09/2026&endDate=31/10/2026".to_owned());
        assert_eq!(check(&json!({ "Printer_Status": { "Current_Date": "2026-10-31" } })), expected);
        assert_eq!(check(&json!({ "TimeStamp": "2026-10-31T23:59:59Z" })), expected);
        for unclear in ["31/10/2026", "10-31-2026", "2026", "", "2026-10-31 10:00"] {
            assert_eq!(check(&json!({ "Date": unclear })), None, "{unclear}");
        }
        assert_eq!(check(&json!({ "Expiration_Date": "2026-10-31" })), None);
        assert_eq!(check(&json!({ "a": { "b": { "c": { "Date": "2026-10-31" } } } })), None);
    }
}
