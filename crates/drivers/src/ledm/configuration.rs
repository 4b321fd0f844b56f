//! `ProductConfigDyn`: rows C1 to C4 and the printer's UUID.
//!
//! Deliberately absent: names and contacts that a customer gave the printer, its service id, languages and
//! clock, which are no rows.

use crate::node::{Node, Notes, uuid};
use report::{Report, RowId};

/// Reads the rows.
pub(crate) fn read(document: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("ProductConfigDyn");
    let information = document.at("ProductInformation");
    let configuration = &mut report.configuration;
    configuration.product_number = information.at("ProductNumber").text();
    configuration.product_name = product_name(information);
    configuration.serial_number = serial(information);
    // The document has a version of its own at its top; the firmware's stands with the product.
    configuration.firmware_version = information.text_of(&["Version.Revision", "Version.Date"]);
    configuration.uuid = information.at("UUID").text().and_then(|text| uuid(&text));
    if configuration.serial_number.is_none() {
        notes.at(RowId::C3, "the printer gives no serial number");
    }
}

/// Whether a printer answers here: it names its product or its serial number.
pub(crate) fn is_printer(document: Node<'_>) -> bool {
    let information = document.at("ProductInformation");
    serial(information).is_some()
        || product_name(information).is_some()
        || information.at("ProductNumber").text().is_some()
}

fn product_name(information: Node<'_>) -> Option<String> {
    information.text_of(&["MakeAndModel", "MakeAndModelBase", "MakeAndModelFamily"])
}

/// Row C3: trimmed and upper case, since one printer is known by it on every interface.
fn serial(information: Node<'_>) -> Option<String> {
    information.at("SerialNumber").text().map(|serial| serial.to_uppercase())
}
