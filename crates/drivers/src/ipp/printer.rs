//! What the printer is, what it does and what it counted: rows C1 to C4, S1, S23 and U15.
//!
//! Deliberately absent: the names that somebody gave the printer, its place and its network, which are not
//! asked; and sheets, which a roll does not have.

use super::message::{self, Attributes};
use crate::limits::{AMOUNT_MAX, LIST_MAX};
use crate::node::{self, Notes, joined};
use crate::snmp::device_id::DeviceId;
use crate::snmp::mib::{self, Labels};
use report::{MediaType, Report, RowId};
use std::collections::BTreeMap;

/// printer-state. RFC 8011, section 5.4.11.
const STATES: Labels = &[(3, "idle"), (4, "processing"), (5, "stopped")];
/// The tag of a name whose language the printer does not say.
const NO_LANGUAGE: &str = "und";

/// Names of firmware that are none.
const PROTOCOLS: &[&str] = &["IPP", "URF"];

/// Whether the attributes are those of a printer.
pub(crate) fn is_printer(printer: &Attributes) -> bool {
    ["printer-make-and-model", "printer-device-id"].iter().any(|name| message::text(printer, name).is_some())
}

/// Reads the rows.
pub(crate) fn read(printer: &Attributes, report: &mut Report, notes: &mut Notes) {
    configuration(printer, report, notes);
    report.status.engine = engine(printer);
    report.usage.pages = pages(printer);
    media_types(printer, report, notes);
}

/// Rows C1 to C4. Most printers give their serial number in the device identifier alone.
fn configuration(printer: &Attributes, report: &mut Report, notes: &mut Notes) {
    let id = DeviceId::parse(&message::long_text(printer, "printer-device-id").unwrap_or_default());
    let text = |name: &str| message::text(printer, name);
    let configuration = &mut report.configuration;
    configuration.product_number = id.product_number();
    configuration.product_name = text("printer-make-and-model").or_else(|| id.model());
    let serial = text("printer-serial-number").and_then(|serial| mib::serial(&serial));
    configuration.serial_number = serial.or_else(|| id.serial());
    configuration.firmware_version = firmware(printer).or_else(|| id.firmware());
    configuration.uuid = text("printer-uuid").and_then(|uuid| node::uuid(&uuid));
    if configuration.serial_number.is_none() {
        notes.at(RowId::C3, "the printer gives no serial number");
    }
}

/// Row C4: the first version whose name is not that of a protocol. Printers list those beside their own.
fn firmware(printer: &Attributes) -> Option<String> {
    let names = message::texts(printer, "printer-firmware-name");
    let is_protocol = |index: usize| names.get(index).is_some_and(|name| PROTOCOLS.contains(&name.as_str()));
    let versions = message::texts(printer, "printer-firmware-string-version");
    let mut own = versions.iter().enumerate().filter(|(index, _)| !is_protocol(*index));
    own.find_map(|(_, version)| mib::plain(version))
}

/// Row S1: `idle, marker-supply-low-warning`.
fn engine(printer: &Attributes) -> Option<String> {
    let state = message::number(printer, "printer-state").and_then(|state| mib::label_of(STATES, state));
    let reasons = message::texts(printer, "printer-state-reasons").into_iter().filter(|reason| reason != "none");
    let words: Vec<String> = state.map(str::to_owned).into_iter().chain(reasons).take(LIST_MAX).collect();
    joined(&words).and_then(|words| mib::plain(&words))
}

/// Row U15. An impression is a side of a sheet, which on a roll is a page.
fn pages(printer: &Attributes) -> Option<i64> {
    let pages = message::number(printer, "printer-impressions-completed");
    pages.filter(|pages| (0..=AMOUNT_MAX).contains(pages))
}

/// Row S23. IPP names the types by keywords, without a language.
fn media_types(printer: &Attributes, report: &mut Report, notes: &mut Notes) {
    let mut types = message::texts(printer, "media-type-supported");
    if types.len() > LIST_MAX {
        notes.at(RowId::S23, &format!("there are {} media types, only the first {LIST_MAX} are read", types.len()));
        types.truncate(LIST_MAX);
    }
    for id in types.iter().filter_map(|id| mib::plain(id)) {
        if !report.settings.media_types.iter().any(|known| known.id == id) {
            let names = BTreeMap::from([(NO_LANGUAGE.to_owned(), id.clone())]);
            report.settings.media_types.push(MediaType { id, names });
        }
    }
}
