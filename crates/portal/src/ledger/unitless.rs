//! Numbers that printers gave without a unit: kept as they were written, for the day somebody declares it.
//!
//! Deliberately absent: what a number is worth, which is worked out when a statement is made, so that a
//! declaration and its withdrawal change nothing here.

use super::counters::PrinterId;
use super::firmware;
use super::{PlacedJob, PlacedReading};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use billing::Unitless;
use billing::ledger::declared::declarable;
use protocol::package::PrinterIdentity;
use report::{Instant, RowId};
use std::collections::{BTreeMap, BTreeSet};

const UNITLESS: Bulk = Bulk {
    table: "unitless",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("subject", Kind::Text),
        ("key", Kind::Text),
        ("version", Kind::Int),
        ("at", Kind::Int),
        ("row", Kind::Text),
        ("number", Kind::Text),
        ("product_number", Kind::Text),
        ("firmware", Kind::Text),
    ],
    key: 7,
    on_conflict: "do nothing",
};

/// What gave a number, the model and the firmware that it was given by.
struct Given<'a> {
    printer: PrinterId,
    subject: &'static str,
    /// The job's key and version; empty and 0 for a reading.
    key: &'a str,
    version: i64,
    at: Instant,
    identity: &'a PrinterIdentity,
    firmware: &'a str,
}

/// One row for each row of Appendix A; of several numbers of one row, all in it.
fn rows(given: &Given<'_>, numbers: &[Unitless]) -> Vec<Vec<Param>> {
    let mut of_row: BTreeMap<RowId, Vec<String>> = BTreeMap::new();
    for Unitless { row, number } in numbers.iter().filter(|unitless| declarable(unitless.row).is_some()) {
        of_row.entry(*row).or_default().push(number.to_string());
    }
    let Given { printer: (reseller, printer), subject, key, version, at, identity, firmware } = given;
    let product = identity.product_number.as_deref().unwrap_or("");
    let row = |(row, numbers): (RowId, Vec<String>)| {
        let (row, number) = (row.word(), numbers.join(" "));
        params![*reseller, *printer, *subject, *key, *version, *at, row, number, product, *firmware].to_vec()
    };
    of_row.into_iter().map(row).collect()
}

/// Keeps what readings gave without a unit.
pub(super) fn keep_of_readings(tx: &mut Tx<'_>, readings: &[(PrinterId, &PlacedReading<'_>)]) -> Result<(), DbError> {
    let mut kept = Vec::new();
    for (printer, PlacedReading { entry, read, .. }) in readings {
        let given = Given {
            printer: *printer,
            subject: "reading",
            key: "",
            version: 0,
            at: read.at,
            identity: &entry.printer,
            firmware: entry.firmware.as_deref().unwrap_or(""),
        };
        kept.extend(rows(&given, &entry.unitless));
    }
    UNITLESS.insert(tx, &kept)?;
    Ok(())
}

/// Keeps what versions of jobs gave without a unit, each with its version; the firmware is the one that its
/// printer was read with last.
pub(super) fn keep_of_jobs(tx: &mut Tx<'_>, jobs: &[(PrinterId, &PlacedJob<'_>, i64)]) -> Result<(), DbError> {
    let of_interest = || jobs.iter().filter(|(_, job, _)| !job.entry.unitless.is_empty());
    let printers: BTreeSet<PrinterId> = of_interest().map(|(printer, ..)| *printer).collect();
    let firmware = firmware::load(tx, &printers)?;
    let mut kept = Vec::new();
    for (printer, PlacedJob { entry, finished_at, .. }, version) in of_interest() {
        let given = Given {
            printer: *printer,
            subject: "job",
            key: &entry.key,
            version: *version,
            at: *finished_at,
            identity: &entry.printer,
            firmware: firmware.get(printer).map_or("", String::as_str),
        };
        kept.extend(rows(&given, &entry.unitless));
    }
    UNITLESS.insert(tx, &kept)?;
    Ok(())
}
