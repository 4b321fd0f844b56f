//! `Identification`: rows C1 to C4 and the printer's UUID.
//!
//! Deliberately absent: the printer's given name, region and service id, which are no rows.

use crate::node::{Node, Notes, uuid};
use report::{Report, RowId};

/// Row C1, on newer and on older firmware.
const PRODUCT_NUMBER: &[&str] = &["PartNumber", "ProductNumber"];
/// Row C2.
const PRODUCT_NAME: &[&str] = &["ModelName", "ProductName"];
/// Row C4.
const FIRMWARE: &[&str] = &["FwReleaseName", "FirmwareVersion"];

/// Reads the rows. Newer firmware keeps them under `Fields`, older at the top and under other names.
pub(crate) fn read(identification: Node<'_>, report: &mut Report, notes: &mut Notes) {
    let configuration = &mut report.configuration;
    configuration.product_number = text(identification, PRODUCT_NUMBER);
    configuration.product_name = text(identification, PRODUCT_NAME);
    configuration.serial_number = serial(identification);
    configuration.firmware_version = text(identification, FIRMWARE);
    configuration.uuid = text(identification, &["UUID"]).and_then(|text| uuid(&text));
    if configuration.serial_number.is_none() {
        notes.at(RowId::C3, "the printer gives no serial number");
    }
}

/// Whether a printer answers here: it names its product or its serial number.
pub(crate) fn is_printer(identification: Node<'_>) -> bool {
    let product = || text(identification, PRODUCT_NUMBER).or_else(|| text(identification, PRODUCT_NAME));
    serial(identification).is_some() || product().is_some()
}

/// The first of these members that has a text, under `Fields` and else at the top.
fn text(identification: Node<'_>, names: &[&str]) -> Option<String> {
    identification.at("Fields").text_of(names).or_else(|| identification.text_of(names))
}

/// Row C3: trimmed and upper case, since one printer is known by it on every interface.
fn serial(identification: Node<'_>) -> Option<String> {
    text(identification, &["SerialNumber"]).map(|serial| serial.to_uppercase())
}
