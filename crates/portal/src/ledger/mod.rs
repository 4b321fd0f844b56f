//! The ledger: counter readings in segments and job facts, append-only, each naming the package it
//! came from. Usage cells move in the same transaction, only by rows really inserted.
//!
//! Deliberately absent: prices, any update of a fact, and what a record counts, which crate `evidence` says.

mod arrivals;
mod breaks;
mod counters;
mod facts;
mod firmware;
mod folds;
mod jobs;
mod late;
mod readings;
mod unitless;

pub(crate) use arrivals::Arrivals;
pub(crate) use breaks::{Settled, keep_decisions};
pub(crate) use counters::usual_daily;
pub(crate) use evidence::checked;
pub(crate) use facts::{
    AgentRef, JobEntry, Origin, ReadingEntry, SeenEntry, Stated, job_entry, reading_entry, seen_entry, stated,
};
pub(crate) use folds::{FoldEntry, PlacedFold, append_folds, fold_entry};
pub(crate) use jobs::{PlacedJob, append_jobs, bench_insert, bench_rows, bench_table};
pub(crate) use readings::{PlacedReading, Remark, append_readings};

use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use protocol::package::PrinterIdentity;
use std::collections::{BTreeMap, BTreeSet};

/// A printer of a customer, as agents name it.
pub(crate) type PrinterKey = (i64, i64, String);

/// The columns of a printer's names, in the order of [`named`], and those of one statement behind them.
macro_rules! named_columns {
    ($($more:expr),*) => {
        &[
            ("reseller_id", Kind::Int),
            ("customer_id", Kind::Int),
            ("serial", Kind::Text),
            ("printer_id", Kind::Int),
            ("product_number", Kind::Text),
            ("product_name", Kind::Text),
            ("first_seen_at", Kind::Int),
            $($more),*
        ]
    };
}

const PRINTER: Bulk = Bulk {
    table: "printer",
    columns: named_columns!(("participation", Kind::Text)),
    key: 3,
    on_conflict: "do nothing",
};
/// What a printer that is not read says of itself; the row is there, so that only these columns move.
const SEEN: Bulk = Bulk {
    table: "printer",
    columns: named_columns!(("seen_at", Kind::Int), ("firmware_version", Kind::Text)),
    key: 3,
    on_conflict: "do update set product_number = coalesce(excluded.product_number, printer.product_number),
                  product_name = coalesce(excluded.product_name, printer.product_name),
                  firmware_version = coalesce(excluded.firmware_version, printer.firmware_version),
                  seen_at = excluded.seen_at where coalesce(printer.seen_at, 0) <= excluded.seen_at",
};
const PARTICIPATION: &str = "select reseller_id, customer_id, participation from customer";
const PRINTER_IDS: &str = "select reseller_id, customer_id, serial, printer_id from printer";
const ZONES: &str = "select reseller_id, customer_id, time_zone from customer";

/// A printer that a record names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight<'a> {
    /// Whose printer.
    pub(crate) agent: &'a AgentRef,
    /// Which printer.
    pub(crate) printer: &'a PrinterIdentity,
    /// Whether it was read; else it was only seen.
    pub(crate) read: bool,
    /// When the record arrived.
    pub(crate) at: report::Instant,
}

/// What the writer remembers between batches, so that common batches ask the database for little.
/// Everything in it can be forgotten at any time.
#[derive(Default)]
pub(crate) struct Memory {
    printers: BTreeMap<PrinterKey, i64>,
    zones: BTreeMap<(i64, i64), jiff::tz::TimeZone>,
}

/// Entries that [`Memory`] holds at most.
const REMEMBERED_MAX: usize = 100_000;

impl Memory {
    /// Makes every printer of the batch known; ask [`Memory::printer`] for its id. Gives the customers of
    /// whom a printer takes part that nobody knew before: (reseller, customer), each once.
    pub(crate) fn learn_printers(
        &mut self,
        tx: &mut Tx<'_>,
        sights: &[Sight<'_>],
        mut new_id: impl FnMut() -> i64,
    ) -> Result<Vec<(i64, i64)>, DbError> {
        if self.printers.len() > REMEMBERED_MAX {
            self.printers.clear();
        }
        let mut unknown: BTreeMap<PrinterKey, Sight<'_>> = BTreeMap::new();
        for sight in sights {
            let key = (sight.agent.reseller_id, sight.agent.customer_id, sight.printer.serial.clone());
            if !self.printers.contains_key(&key) {
                unknown.entry(key).or_insert(*sight).read |= sight.read;
            }
        }
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let all = customers_where_all_take_part(tx, &unknown)?;
        let mut rows = Vec::with_capacity(unknown.len());
        let mut joining = Vec::with_capacity(unknown.len());
        for ((reseller, customer, _), Sight { printer, read, at, .. }) in &unknown {
            let takes_part = *read || all.contains(&(*reseller, *customer));
            let word = if takes_part { "participating" } else { "seen" };
            rows.push(named((*reseller, *customer), printer, new_id(), *at, params![word]));
            joining.push(takes_part.then_some((*reseller, *customer)));
        }
        let inserted = PRINTER.insert(tx, &rows)?;
        let keys: Vec<Vec<Param>> =
            unknown.keys().map(|(reseller, customer, serial)| params![*reseller, *customer, serial].to_vec()).collect();
        let columns = ["reseller_id", "customer_id", "serial"];
        let found = tx.query_any(PRINTER_IDS, &columns, &keys, |row| {
            Ok(((row.int(0)?, row.int(1)?, row.text(2)?), row.int(3)?))
        })?;
        self.printers.extend(found);
        let joined = joining.into_iter().zip(inserted).filter(|(_, new)| *new).filter_map(|(customer, _)| customer);
        Ok(joined.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The id of a printer that was learnt.
    pub(crate) fn printer(&self, agent: &AgentRef, serial: &str) -> Result<i64, DbError> {
        let key = (agent.reseller_id, agent.customer_id, serial.to_owned());
        let unlearnt = || DbError::Unfit(format!("printer {serial} was not learnt before its facts"));
        self.printers.get(&key).copied().ok_or_else(unlearnt)
    }

    /// Makes the zones of these customers known.
    pub(crate) fn learn_zones(&mut self, tx: &mut Tx<'_>, customers: BTreeSet<(i64, i64)>) -> Result<(), DbError> {
        if self.zones.len() > REMEMBERED_MAX {
            self.zones.clear();
        }
        let unknown = customers.into_iter().filter(|customer| !self.zones.contains_key(customer));
        let keys: Vec<Vec<Param>> = unknown.map(|(reseller, customer)| params![reseller, customer].to_vec()).collect();
        let found = tx.query_any(ZONES, &["reseller_id", "customer_id"], &keys, |row| {
            Ok(((row.int(0)?, row.int(1)?), row.text(2)?))
        })?;
        for (customer, name) in found {
            let zone = jiff::tz::TimeZone::get(&name);
            let zone =
                zone.map_err(|_| DbError::Unfit(format!("customer {} has the unknown time zone {name}", customer.1)))?;
            self.zones.insert(customer, zone);
        }
        Ok(())
    }

    /// Month `yyyymm` and day `yyyymmdd` of an instant at a customer's site.
    fn dates(&self, agent: &AgentRef, instant: report::Instant) -> Result<(i64, i64), DbError> {
        let zone = self.zones.get(&(agent.reseller_id, agent.customer_id));
        let zone = zone.ok_or_else(|| DbError::Unfit("a customer's time zone was not learnt".to_owned()))?;
        let timestamp = jiff::Timestamp::from_millisecond(instant.0)
            .map_err(|_| DbError::Unfit(format!("{} ms is beyond the calendar", instant.0)))?;
        let date = zone.to_datetime(timestamp).date();
        let month = i64::from(date.year()) * 100 + i64::from(date.month());
        Ok((month, month * 100 + i64::from(date.day())))
    }
}

/// A row of [`named_columns`].
fn named(
    (reseller, customer): (i64, i64),
    printer: &PrinterIdentity,
    id: i64,
    at: report::Instant,
    more: &[Param],
) -> Vec<Param> {
    let (number, name) = (printer.product_number.as_ref(), printer.product_name.as_ref());
    let mut row = params![reseller, customer, &printer.serial, id, number, name, at].to_vec();
    row.extend_from_slice(more);
    row
}

/// The customers of these printers who said that every supported printer takes part.
fn customers_where_all_take_part(
    tx: &mut Tx<'_>,
    printers: &BTreeMap<PrinterKey, Sight<'_>>,
) -> Result<BTreeSet<(i64, i64)>, DbError> {
    let customers: BTreeSet<(i64, i64)> =
        printers.keys().map(|(reseller, customer, _)| (*reseller, *customer)).collect();
    let keys: Vec<Vec<Param>> =
        customers.iter().map(|(reseller, customer)| params![*reseller, *customer].to_vec()).collect();
    let found = tx.query_any(PARTICIPATION, &["reseller_id", "customer_id"], &keys, |row| {
        Ok((row.int(0)?, row.int(1)?, row.text(2)?))
    })?;
    let all = found.into_iter().filter(|(_, _, word)| word == "all");
    Ok(all.map(|(reseller, customer, _)| (reseller, customer)).collect())
}

/// Keeps what printers that are not read said of themselves, each with the time that is believed.
pub(crate) fn append_seen(
    tx: &mut Tx<'_>,
    entries: &[(&SeenEntry, report::Instant)],
    mut new_id: impl FnMut() -> i64,
) -> Result<(), DbError> {
    // Of several sights of one printer in a batch, the last one.
    let mut latest = BTreeMap::new();
    for (entry, at) in entries {
        let agent = &entry.origin.agent;
        latest.insert((agent.reseller_id, agent.customer_id, entry.printer.serial.as_str()), (*entry, *at));
    }
    let rows: Vec<Vec<Param>> = latest
        .into_iter()
        .map(|((reseller, customer, _), (entry, at))| {
            let more = params![at, entry.firmware_version.as_ref()];
            // The id is a new one that goes nowhere: the row is there already, under its own.
            named((reseller, customer), &entry.printer, new_id(), at, more)
        })
        .collect();
    SEEN.insert(tx, &rows)?;
    Ok(())
}
