//! What each element of the four containers means: the one file to change when a real document is seen.
//!
//! [`SCHEMA`] holds what is certain today, which is one element; nothing in it is invented. A line more is
//! a row more. A list, such as the jobs, needs a function that [`read`] calls for its container. Deliberately
//! absent: guesses from the names of elements.

use crate::limits::{LIST_MAX, TEXT_MAX};
use crate::node::{Node, Notes};
use report::{Report, RowId};
use serde_json::json;
use std::collections::BTreeSet;

/// The containers that readers of this interface name.
const CONTAINERS: &[&str] =
    &["Current_Printer_Configuration", "Printer_Status", "Printer_Usage", "JOBS_ACCOUNTING_INFO"];

/// An element that is known.
struct Known {
    /// The container it stands in.
    container: &'static str,
    /// The elements from there: `PrintEngine.Status`.
    path: &'static str,
    /// The row it fills.
    row: RowId,
    /// The unit of its number, where the element itself states none.
    unit: Option<&'static str>,
}

/// Every element that is known. Seen in the code of others: `PrintEngine/Status`, with the values `Idle`
/// and `CartridgeExpired`.
const SCHEMA: &[Known] =
    &[Known { container: "Printer_Status", path: "PrintEngine.Status", row: RowId::S1, unit: None }];

/// Levels of elements that a defect names.
const LEVELS_MAX: usize = 6;
/// Characters of one name that a defect shows.
const NAME_MAX: usize = 40;

/// Reads the containers of a document. Each names in one defect what is not known in it: a real document has
/// hundreds of elements, and what other interfaces find odd must have room too.
pub(crate) fn read(root: Node<'_>, report: &mut Report, notes: &mut Notes) {
    let mut elsewhere = BTreeSet::new();
    for (container, node) in root.members() {
        if CONTAINERS.contains(&container) {
            read_container(SCHEMA, container, node, report, notes);
        } else {
            elsewhere.insert(shown(container));
        }
    }
    if let Some(names) = listed(&elsewhere) {
        notes.of(&format!("containers that are not known, not read: {names}"));
    }
}

fn read_container(schema: &[Known], container: &str, node: Node<'_>, report: &mut Report, notes: &mut Notes) {
    let known: Vec<&Known> = schema.iter().filter(|known| known.container == container).collect();
    for element in &known {
        fill(element, node.at(element.path), report, notes);
    }
    let paths: Vec<&str> = known.iter().map(|known| known.path).collect();
    let mut unknown = Unknown { known: &paths, found: BTreeSet::new() };
    unknown.look(node, "", LEVELS_MAX);
    if let Some(names) = listed(&unknown.found) {
        notes.of(&format!("{container}: elements that are not known, not read: {names}"));
    }
}

/// How many names there are, and the first of them: `27, A.B, A.C, …`; absent where there is none.
fn listed(names: &BTreeSet<String>) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let more = if names.len() >= LIST_MAX { "at least " } else { "" };
    let mut text = format!("{more}{}", names.len());
    for name in names {
        if text.len() + name.len() > TEXT_MAX {
            text.push_str(", …");
            break;
        }
        text.push_str(", ");
        text.push_str(name);
    }
    Some(text)
}

/// Fills the row of an element.
fn fill(element: &Known, node: Node<'_>, report: &mut Report, notes: &mut Notes) {
    let stated = element.unit.and_then(|unit| Some(json!({ "Value": node.text()?, "Unit": unit })));
    let number = stated.as_ref().map_or(node, Node::of);
    let (row, what) = (element.row, element.path);
    match row {
        RowId::C1 => report.configuration.product_number = node.text(),
        RowId::C2 => report.configuration.product_name = node.text(),
        RowId::C3 => report.configuration.serial_number = node.text().map(|serial| serial.to_ascii_uppercase()),
        RowId::C4 => report.configuration.firmware_version = node.text(),
        RowId::S1 => report.status.engine = node.text(),
        RowId::U8 => report.usage.scanned = notes.area(row, what, number),
        RowId::U9 => report.usage.scanned_scans = notes.area(row, what, number),
        RowId::U10 => report.usage.scanned_copies = notes.area(row, what, number),
        RowId::U14 => report.usage.jobs = notes.count(row, what, node),
        RowId::U15 => report.usage.pages = notes.count(row, what, node),
        RowId::U16 => report.usage.ink = notes.ink(row, what, number),
        RowId::U17 => report.usage.media_area = notes.area(row, what, number),
        // A row of a list: it needs a function of its own, see above.
        _ => notes.at(row, &format!("{what} is no single value, it is not read")),
    }
}

/// The elements of a container that are not known.
struct Unknown<'a> {
    known: &'a [&'a str],
    found: BTreeSet<String>,
}

impl Unknown<'_> {
    /// Looks through the elements of `node`, at most `levels` deep. Entries of a list are one element.
    fn look(&mut self, node: Node<'_>, before: &str, levels: usize) {
        for (name, child) in node.members() {
            let path = if before.is_empty() { shown(name) } else { format!("{before}.{}", shown(name)) };
            if self.known.contains(&path.as_str()) {
                continue;
            }
            let inner: Vec<Node<'_>> = child.items().into_iter().filter(|item| item.is_object()).collect();
            if inner.is_empty() || levels <= 1 {
                if self.found.len() < LIST_MAX {
                    self.found.insert(path);
                }
                continue;
            }
            for item in inner {
                self.look(item, &path, levels - 1);
            }
        }
    }
}

/// The name of an element, short and plain: a name could hold anything.
fn shown(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '?' };
    name.chars().take(NAME_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::{Area, Ink};
    use serde_json::Value;

    fn check(schema: &[Known], container: &str, document: &Value) -> (Report, Vec<String>) {
        let (mut report, mut notes) = (Report::default(), Notes::default());
        read_container(schema, container, Node::of(document), &mut report, &mut notes);
        (report, notes.into_defects().into_iter().map(|defect| defect.what).collect())
    }

    #[test]
    fn a_line_more_in_the_schema_is_a_row_more() {
        let line = |path, row, unit| Known { container: "Printer_Usage", path, row, unit };
        let schema = [
            line("Media.Total", RowId::U17, Some("m2")),
            line("Ink", RowId::U16, None),
            line("Serial", RowId::C3, None),
            line("Jobs", RowId::U14, None),
            line("Colour", RowId::U2, None),
        ];
        let document = json!({ "Media": { "Total": "12.5", "Other": 1 }, "Ink": { "Value": "3", "Unit": "ml" },
                               "Serial": "tst1", "Jobs": "7", "Colour": "cyan" });
        let (report, whats) = check(&schema, "Printer_Usage", &document);
        assert_eq!((report.usage.media_area, report.usage.ink), (Some(Area(12_500_000)), Some(Ink(3_000_000))));
        assert_eq!((report.configuration.serial_number.as_deref(), report.usage.jobs), (Some("TST1"), Some(7)));
        let expected = [
            "Colour is no single value, it is not read",
            "Printer_Usage: elements that are not known, not read: 1, Media.Other",
        ];
        assert_eq!(whats, expected);
    }

    #[test]
    fn an_element_that_is_not_known_is_named_once_and_its_value_never() {
        let job = json!({ "User": "anna secret", "Ink": [{ "C": 1 }, { "C": 2 }], "Empty": null });
        let (report, whats) = check(SCHEMA, "JOBS_ACCOUNTING_INFO", &json!({ "Job": [job, job, { "New": 1 }] }));
        assert_eq!(report, Report::default());
        let named = "4, Job.Empty, Job.Ink.C, Job.New, Job.User";
        assert_eq!(whats, [format!("JOBS_ACCOUNTING_INFO: elements that are not known, not read: {named}")]);
    }

    #[test]
    fn there_is_an_end_to_what_is_named() {
        let many: serde_json::Map<String, Value> = (0..200).map(|n| (format!("e{n}"), json!(1))).collect();
        let (_, whats) = check(SCHEMA, "Printer_Usage", &Value::Object(many));
        let start = "Printer_Usage: elements that are not known, not read: 200, e0, e1, e10, ";
        assert_eq!(whats.len(), 1, "one defect a container");
        assert!(whats[0].starts_with(start) && whats[0].ends_with(", …"), "{whats:?}");
        assert!(whats[0].chars().count() < 2 * TEXT_MAX, "{whats:?}");
        let deep = (0..60).fold(json!(1), |inner, _| json!({ "a": inner }));
        let (_, whats) = check(SCHEMA, "Printer_Usage", &deep);
        assert_eq!(whats, ["Printer_Usage: elements that are not known, not read: 1, a.a.a.a.a.a"]);
        let mut notes = Notes::default();
        read(Node::of(&json!({ "Ünknown <b>": {}, "More": 1 })), &mut Report::default(), &mut notes);
        let whats: Vec<String> = notes.into_defects().into_iter().map(|defect| defect.what).collect();
        assert_eq!(whats, ["containers that are not known, not read: 2, ?nknown??b?, More"]);
    }
}
