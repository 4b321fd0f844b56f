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

/// The word of a job in `unitless.subject`.
const JOB: &str = "job";
/// The word of a reading there.
const READING: &str = "reading";
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

/// How many there are by printer, model, firmware and row, so that pages need not count them.
const MODEL: Bulk = Bulk {
    table: "unitless_model",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("product_number", Kind::Text),
        ("firmware", Kind::Text),
        ("row", Kind::Text),
        ("jobs", Kind::Int),
        ("readings", Kind::Int),
        ("latest_at", Kind::Int),
    ],
    key: 5,
    on_conflict: "do update set jobs = unitless_model.jobs + excluded.jobs,
                  readings = unitless_model.readings + excluded.readings,
                  latest_at = case when excluded.latest_at > unitless_model.latest_at then excluded.latest_at
                      else unitless_model.latest_at end",
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

/// The numbers of one row of Appendix A that one subject gave.
struct Kept<'a> {
    given: &'a Given<'a>,
    row: RowId,
    /// All of them, a space between two.
    numbers: String,
}

impl Kept<'_> {
    fn product(&self) -> &str {
        self.given.identity.product_number.as_deref().unwrap_or("")
    }

    fn params(&self) -> Vec<Param> {
        let Given { printer: (reseller, printer), subject, key, version, at, firmware, .. } = self.given;
        let (row, product) = (self.row.word(), self.product());
        params![*reseller, *printer, *subject, *key, *version, *at, row, &self.numbers, product, *firmware].to_vec()
    }
}

/// One for each row of Appendix A; of several numbers of one row, all in it.
fn rows<'a>(given: &'a Given<'a>, numbers: &[Unitless]) -> Vec<Kept<'a>> {
    let mut of_row: BTreeMap<RowId, Vec<String>> = BTreeMap::new();
    for Unitless { row, number } in numbers.iter().filter(|unitless| declarable(unitless.row).is_some()) {
        of_row.entry(*row).or_default().push(number.to_string());
    }
    of_row.into_iter().map(|(row, numbers)| Kept { given, row, numbers: numbers.join(" ") }).collect()
}

/// Keeps numbers, and counts those that were not there.
fn keep(tx: &mut Tx<'_>, kept: &[Kept<'_>]) -> Result<(), DbError> {
    let inserted = UNITLESS.insert(tx, &kept.iter().map(Kept::params).collect::<Vec<_>>())?;
    let mut models: BTreeMap<(PrinterId, &str, &str, &str), (i64, i64, Instant)> = BTreeMap::new();
    for (kept, _) in kept.iter().zip(inserted).filter(|(_, inserted)| *inserted) {
        let Given { printer, subject, at, firmware, .. } = kept.given;
        let model = (*printer, kept.product(), *firmware, kept.row.word());
        let (jobs, readings, latest) = models.entry(model).or_insert((0, 0, *at));
        *(if *subject == JOB { jobs } else { readings }) += 1;
        *latest = (*latest).max(*at);
    }
    let mut rows = Vec::with_capacity(models.len());
    for (((reseller, printer), product, firmware, row), (jobs, readings, latest)) in models {
        rows.push(params![reseller, printer, product, firmware, row, jobs, readings, latest].to_vec());
    }
    MODEL.insert(tx, &rows)?;
    Ok(())
}

/// Keeps what readings gave without a unit.
pub(super) fn keep_of_readings(tx: &mut Tx<'_>, readings: &[(PrinterId, &PlacedReading<'_>)]) -> Result<(), DbError> {
    let mut all: Vec<(Given<'_>, &[Unitless])> = Vec::new();
    for (printer, reading) in readings {
        let given = Given {
            printer: *printer,
            subject: READING,
            key: "",
            version: 0,
            at: reading.read.at,
            identity: &reading.entry.printer,
            firmware: reading.entry.firmware.as_deref().unwrap_or(""),
        };
        all.push((given, reading.entry.unitless.as_slice()));
    }
    keep(tx, &all.iter().flat_map(|(given, numbers)| rows(given, numbers)).collect::<Vec<_>>())
}

/// Keeps what versions of jobs gave without a unit, each with its version; the firmware is the one that its
/// printer was read with last.
pub(super) fn keep_of_jobs(tx: &mut Tx<'_>, jobs: &[(PrinterId, &PlacedJob<'_>, i64)]) -> Result<(), DbError> {
    let of_interest = || jobs.iter().filter(|(_, job, _)| !job.entry.unitless.is_empty());
    let printers: BTreeSet<PrinterId> = of_interest().map(|(printer, ..)| *printer).collect();
    let firmware = firmware::load(tx, &printers)?;
    let mut all: Vec<(Given<'_>, &[Unitless])> = Vec::new();
    for (printer, job, version) in of_interest() {
        let given = Given {
            printer: *printer,
            subject: JOB,
            key: &job.entry.key,
            version: *version,
            at: job.finished_at,
            identity: &job.entry.printer,
            firmware: firmware.get(printer).map_or("", String::as_str),
        };
        all.push((given, job.entry.unitless.as_slice()));
    }
    keep(tx, &all.iter().flat_map(|(given, numbers)| rows(given, numbers)).collect::<Vec<_>>())
}
