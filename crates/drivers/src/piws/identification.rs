//! `Identification`: rows C1 to C4 and the printer's UUID.
//!
//! Deliberately absent: the printer's given name, region and service id, which are no rows.

use crate::node::{Node, Notes};
use report::{Report, RowId};

/// Reads the rows. Newer firmware keeps them under `Fields`, older at the top under other names.
pub(crate) fn read(identification: Node<'_>, report: &mut Report, notes: &mut Notes) {
    let fields = fields(identification);
    let configuration = &mut report.configuration;
    configuration.product_number = fields.text_of(&["PartNumber", "ProductNumber"]);
    configuration.product_name = fields.text_of(&["ModelName", "ProductName"]);
    configuration.serial_number = serial(fields);
    configuration.firmware_version = fields.text_of(&["FwReleaseName", "FirmwareVersion"]);
    configuration.uuid = fields.at("UUID").text().map(|uuid| uuid.to_ascii_lowercase());
    if configuration.serial_number.is_none() {
        notes.at(RowId::C3, "the printer gives no serial number");
    }
}

/// Whether a printer answers here: it names its product or its serial number.
pub(crate) fn is_printer(identification: Node<'_>) -> bool {
    let fields = fields(identification);
    serial(fields).is_some() || fields.text_of(&["PartNumber", "ProductNumber", "ModelName", "ProductName"]).is_some()
}

fn fields(identification: Node<'_>) -> Node<'_> {
    let fields = identification.at("Fields");
    if fields.is_absent() { identification } else { fields }
}

/// Row C3: trimmed and upper case, since one printer is known by it on every interface.
fn serial(fields: Node<'_>) -> Option<String> {
    fields.at("SerialNumber").text().map(|serial| serial.to_uppercase())
}
