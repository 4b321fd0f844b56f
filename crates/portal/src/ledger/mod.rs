//! The ledger: counter readings in segments and job facts, append-only, each naming the package it
//! came from. Usage cells move in the same transaction, only by rows really inserted.
//!
//! Deliberately absent: prices, and any update of a fact.

mod facts;
mod jobs;
mod readings;

pub(crate) use facts::{AgentRef, JobEntry, Origin, ReadingEntry, job_entry, reading_entry};
pub(crate) use jobs::{append_jobs, bench_insert, bench_rows, bench_table};
pub(crate) use readings::append_readings;

use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use protocol::package::PrinterIdentity;
use std::collections::{BTreeMap, BTreeSet};

/// A printer of a customer, as agents name it.
pub(crate) type PrinterKey = (i64, i64, String);

const PRINTER: Bulk = Bulk {
    table: "printer",
    columns: &[
        ("reseller_id", Kind::Int),
        ("customer_id", Kind::Int),
        ("serial", Kind::Text),
        ("printer_id", Kind::Int),
        ("product_number", Kind::Text),
        ("product_name", Kind::Text),
        ("first_seen_at", Kind::Int),
    ],
    key: 3,
    on_conflict: "do nothing",
};
const PRINTER_IDS: &str = "select reseller_id, customer_id, serial, printer_id from printer";
const ZONES: &str = "select reseller_id, customer_id, time_zone from customer";

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
    /// Makes every printer of the batch known, and gives nothing: ask [`Memory::printer`].
    pub(crate) fn learn_printers<'a>(
        &mut self,
        tx: &mut Tx<'_>,
        seen: impl Iterator<Item = (&'a AgentRef, &'a PrinterIdentity)>,
        now: report::Instant,
        mut new_id: impl FnMut() -> i64,
    ) -> Result<(), DbError> {
        if self.printers.len() > REMEMBERED_MAX {
            self.printers.clear();
        }
        let key = |agent: &AgentRef, printer: &PrinterIdentity| {
            (agent.reseller_id, agent.customer_id, printer.serial.clone())
        };
        let unknown: BTreeMap<PrinterKey, &PrinterIdentity> = seen
            .map(|(agent, printer)| (key(agent, printer), printer))
            .filter(|(key, _)| !self.printers.contains_key(key))
            .collect();
        let rows: Vec<Vec<Param>> = unknown
            .iter()
            .map(|((reseller, customer, serial), printer)| {
                let named = [printer.product_number.as_ref().into(), printer.product_name.as_ref().into()];
                let [number, name] = named;
                vec![(*reseller).into(), (*customer).into(), serial.into(), new_id().into(), number, name, now.into()]
            })
            .collect();
        PRINTER.insert(tx, &rows)?;
        let keys: Vec<Vec<Param>> =
            unknown.keys().map(|(reseller, customer, serial)| params![*reseller, *customer, serial].to_vec()).collect();
        let columns = ["reseller_id", "customer_id", "serial"];
        let found = tx.query_any(PRINTER_IDS, &columns, &keys, |row| {
            Ok(((row.int(0)?, row.int(1)?, row.text(2)?), row.int(3)?))
        })?;
        self.printers.extend(found);
        Ok(())
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
