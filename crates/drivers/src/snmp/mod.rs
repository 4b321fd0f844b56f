//! SNMP: Printer-MIB, Host Resources and the few private objects of HP that are known. See `README.md` here.
//!
//! Walks whole columns and never a fixed index. The first walk is the table of devices alone, which tells a
//! printer from anything else and names its product. Deliberately absent: jobs, areas and application
//! categories, which no MIB of these printers has; the contact, place and name that somebody gave the
//! printer, which are not walked; and any writing.

mod alerts;
pub(crate) mod device_id;
mod ink;
mod media;
pub(crate) mod mib;
mod printer;
pub mod rec;
mod supplies;
pub(crate) mod supply;
mod table;

pub use rec::{Value, Variable, to_text};

use crate::limits::REQUESTS_MAX;
use crate::node::{Notes, credit};
use crate::{Answers, Channel, Driver, Request};
use report::{Defect, Instant, Report, RowId};
use table::Mib;

/// The driver.
pub const DRIVER: Driver = Driver { name: "snmp", channel: Channel::Snmp, rows: ROWS, next, identify, read };

/// The rows it fills.
#[rustfmt::skip]
const ROWS: &[RowId] = {
    use RowId::*;
    &[
        C1, C2, C3, C4,
        S1, S10, S11, S12, S13, S16, S17, S20, S21, S22,
        U1, U2, U15, U16,
        E1, E2, E3, E4,
    ]
};

/// The rows we compute from other values instead of the printer saying them.
pub const DERIVED: &[RowId] = &[RowId::S11, RowId::S17, RowId::S20, RowId::U16];

/// hrDeviceTable: the first walk, alone.
const DEVICES: &str = "1.3.6.1.2.1.25.3.2.1";
/// prtGeneralConfigChanges: every printer has it, and nothing that only has printers.
const GENERAL: &str = "1.3.6.1.2.1.43.5.1.1.1";

/// What is walked of a printer after the devices. Of the system group only what tells the printer: its contact
/// and place are nobody's business here.
const ROOTS: &[&str] = &[
    GENERAL,
    printer::DESCRIPTION,
    printer::STATUS,
    printer::SERIAL,
    printer::DEVICE_ID,
    printer::PRIVATE_SERIAL,
    media::INPUTS,
    printer::MARKERS,
    supplies::SUPPLIES,
    supplies::COLORANTS,
    alerts::ALERTS,
];

/// What is still to walk. Each stage asks only for roots without an answer, so it ends.
fn next(answers: &Answers) -> Vec<Request> {
    let mut roots: Vec<&'static str> = Vec::new();
    if answers.is_empty() {
        roots.push(DEVICES);
    } else {
        let mib = Mib::of(answers, &mut Notes::default());
        let missing = |&root: &&'static str| !answers.contains_key(&Request::walk(root).key);
        if is_printer(&mib, answers) {
            roots.extend(ROOTS.iter().copied().filter(missing));
            if roots.is_empty() && ink::is_known(&mib) {
                roots.extend([ink::ROOT].into_iter().filter(missing));
            }
        }
    }
    roots.truncate(REQUESTS_MAX.saturating_sub(answers.len()));
    roots.into_iter().map(Request::walk).collect()
}

/// Whether a printer answers.
fn identify(answers: &Answers) -> bool {
    is_printer(&Mib::of(answers, &mut Notes::default()), answers)
}

/// Whether what was walked is a printer's: it has a device of the type printer and, once Printer-MIB was walked,
/// objects of it. A computer lists the printers it prints on as devices too.
fn is_printer(mib: &Mib, answers: &Answers) -> bool {
    let has_general = !mib.column(GENERAL).is_empty() || !answers.contains_key(&Request::walk(GENERAL).key);
    printer::device(mib).is_some() && has_general
}

/// Reads every answer. An object that the printer does not have leaves its row absent.
fn read(answers: &Answers, at: Instant) -> (Report, Vec<Defect>) {
    let mut report = Report { read_at: at, ..Report::default() };
    let mut notes = Notes::default();
    let mib = Mib::of(answers, &mut notes);
    let device = printer::device(&mib);
    if !is_printer(&mib, answers) {
        notes.of("no device of the type printer that has Printer-MIB");
        return (report, notes.into_defects());
    }
    printer::read(&mib, device, &mut report, &mut notes);
    credit(&mut report, DRIVER.name, "printer", DERIVED);
    supplies::read(&mib, device, &mut report, &mut notes);
    credit(&mut report, DRIVER.name, "prtMarkerSupplies", DERIVED);
    media::read(&mib, device, &mut report, &mut notes);
    credit(&mut report, DRIVER.name, "prtInput", DERIVED);
    ink::read(&mib, &mut report, &mut notes);
    credit(&mut report, DRIVER.name, "HP private ink use", DERIVED);
    alerts::read(&mib, device, &mut report, &mut notes);
    credit(&mut report, DRIVER.name, "prtAlert", DERIVED);
    (report, notes.into_defects())
}
