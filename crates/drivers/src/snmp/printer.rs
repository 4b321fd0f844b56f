//! What the printer is, what it does and what it counted: rows C1 to C4, S1 and U15.
//!
//! Deliberately absent: the printer's given name, and lengths: a marker that counts feet or metres has no row,
//! and no unit of Printer-MIB is an area.

use super::device_id::DeviceId;
use super::mib::{self, Labels};
use super::rec::Value;
use super::table::Mib;
use crate::limits::AMOUNT_MAX;
use crate::node::{Notes, joined};
use report::{Defect, Report, RowId};

/// sysDescr.
pub(crate) const DESCRIPTION: &str = "1.3.6.1.2.1.1.1";
/// hrPrinterTable.
pub(crate) const STATUS: &str = "1.3.6.1.2.1.25.3.5.1";
/// prtGeneralSerialNumber.
pub(crate) const SERIAL: &str = "1.3.6.1.2.1.43.5.1.1.17";
/// The IEEE 1284 device identifier, private to HP.
pub(crate) const DEVICE_ID: &str = "1.3.6.1.4.1.11.2.3.9.1.1.7";
/// The serial number, private to HP.
pub(crate) const PRIVATE_SERIAL: &str = "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3";
/// prtMarkerTable.
pub(crate) const MARKERS: &str = "1.3.6.1.2.1.43.10.2.1";

const DEVICE_TYPE: &str = "1.3.6.1.2.1.25.3.2.1.2";
const DEVICE_NAME: &str = "1.3.6.1.2.1.25.3.2.1.3";
const DEVICE_STATUS: &str = "1.3.6.1.2.1.25.3.2.1.5";
/// hrDevicePrinter.
const PRINTER: &str = "1.3.6.1.2.1.25.3.1.5";
const PRINTER_STATUS: &str = "1.3.6.1.2.1.25.3.5.1.1";
const PRINTER_ERRORS: &str = "1.3.6.1.2.1.25.3.5.1.2";
const COUNTER_UNIT: &str = "1.3.6.1.2.1.43.10.2.1.3";
const LIFE_COUNT: &str = "1.3.6.1.2.1.43.10.2.1.4";

/// hrPrinterStatus; 1 is other and 2 not known.
const STATUSES: Labels = &[(3, "idle"), (4, "printing"), (5, "warmup")];
/// hrDeviceStatus, as far as it says more than that the printer runs.
const DEVICE_STATUSES: Labels = &[(3, "warning"), (4, "testing"), (5, "down")];
/// The bits of hrPrinterDetectedErrorState, the highest bit of the first byte first.
const ERRORS: &[&str] = &[
    "lowPaper",
    "noPaper",
    "lowToner",
    "noToner",
    "doorOpen",
    "jammed",
    "offline",
    "serviceRequested",
    "inputTrayMissing",
    "outputTrayMissing",
    "markerSupplyMissing",
    "outputNearFull",
    "outputFull",
    "inputTrayEmpty",
    "overduePreventMaint",
];

/// The index of the first device that is a printer.
pub(crate) fn device(mib: &Mib) -> Option<u32> {
    let types = mib.column(DEVICE_TYPE);
    let mut printers = types.into_iter().filter(|(_, value)| matches!(value, Value::Oid(oid) if oid == PRINTER));
    printers.find_map(|(index, _)| index.first().copied())
}

/// Row C2 as the table of devices gives it.
pub(crate) fn name(mib: &Mib, notes: &mut Notes) -> Option<String> {
    mib.text(DEVICE_NAME, &[device(mib)?], RowId::C2, notes)
}

/// Reads the rows.
pub(crate) fn read(mib: &Mib, device: Option<u32>, report: &mut Report, notes: &mut Notes) {
    configuration(mib, report, notes);
    report.status.engine = device.and_then(|device| engine(mib, device));
    report.usage.pages = pages(mib, device, notes);
}

/// Rows C1 to C4. The serial number stands in up to four places.
fn configuration(mib: &Mib, report: &mut Report, notes: &mut Notes) {
    let id = DeviceId::parse(&mib.first_text_long(DEVICE_ID));
    let described = DeviceId::of_description(&mib.first_text_long(DESCRIPTION));
    let configuration = &mut report.configuration;
    configuration.product_number = id.product_number();
    configuration.product_name = name(mib, notes).or_else(|| id.model()).or_else(|| described.model());
    configuration.firmware_version = id.firmware();
    let of_mib = mib.first_text(SERIAL, RowId::C3, notes).and_then(|serial| mib::serial(&serial));
    let private = mib.first_text(PRIVATE_SERIAL, RowId::C3, notes).and_then(|serial| mib::serial(&serial));
    let serials: Vec<String> = [of_mib, private, id.serial(), described.serial()].into_iter().flatten().collect();
    configuration.serial_number = serials.first().cloned();
    match serials.split_first() {
        None => notes.at(RowId::C3, "the printer gives no serial number"),
        Some((first, others)) => {
            for other in others.iter().filter(|other| *other != first) {
                let what = format!("the printer also calls itself '{}'", Defect::quote(other));
                notes.at(RowId::C3, &what);
            }
        }
    }
}

/// Row S1: `printing, lowPaper`.
fn engine(mib: &Mib, device: u32) -> Option<String> {
    let printing = mib.number(PRINTER_STATUS, &[device]).and_then(|number| mib::label_of(STATUSES, number));
    let working = mib.number(DEVICE_STATUS, &[device]).and_then(|number| mib::label_of(DEVICE_STATUSES, number));
    let errors = match mib.get(PRINTER_ERRORS, &[device]) {
        Some(Value::Bytes(bytes)) => errors(bytes),
        _ => Vec::new(),
    };
    let words: Vec<String> = printing.into_iter().chain(working).chain(errors).map(str::to_owned).collect();
    joined(&words)
}

fn errors(bytes: &[u8]) -> Vec<&'static str> {
    let bit = |number: usize| bytes.get(number / 8).is_some_and(|byte| *byte & (0x80_u8 >> (number % 8)) != 0);
    ERRORS.iter().enumerate().filter(|(number, _)| bit(*number)).map(|(_, label)| *label).collect()
}

/// Row U15: the lifetime count of the one marker that counts pages.
fn pages(mib: &Mib, device: Option<u32>, notes: &mut Notes) -> Option<i64> {
    let rows = mib.rows(COUNTER_UNIT, device);
    let counts_pages = |index: &&[u32]| mib.number(COUNTER_UNIT, index).is_some_and(|unit| mib::PAGES.contains(&unit));
    let mut counters = rows.into_iter().filter(counts_pages).filter_map(|index| mib.number(LIFE_COUNT, index));
    let count = counters.next()?;
    if counters.next().is_some() {
        notes.at(RowId::U15, "more than one marker counts pages, no total is given");
        return None;
    }
    (0..=AMOUNT_MAX).contains(&count).then_some(count)
}
