//! Which firmware printers said last, and which settings they counted by when they were read last.
//!
//! Deliberately absent: the history of firmware, which stands in the packages.

use super::PlacedReading;
use super::counters::PrinterId;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use protocol::Hex;
use protocol::package::Core;
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Where it is not kept by itself, the printer's last reading may say it.
const CORES: &str = "select reseller_id, printer_id, case when firmware is null then core else '' end, firmware
    from printer_state";
const SETTINGS: &str = "select reseller_id, printer_id, from_at, digest from printer_setting";
const SETTING: Bulk = Bulk {
    table: "printer_setting",
    columns: &[("reseller_id", Kind::Int), ("printer_id", Kind::Int), ("from_at", Kind::Int), ("digest", Kind::Bytes)],
    key: 3,
    on_conflict: "do nothing",
};

/// The keys of a query over printers.
pub(super) fn keys(printers: impl IntoIterator<Item = PrinterId>) -> Vec<Vec<Param>> {
    let printers: BTreeSet<PrinterId> = printers.into_iter().collect();
    printers.into_iter().map(|(reseller, printer)| params![reseller, printer].to_vec()).collect()
}

/// The firmware that these printers said last, where they ever did.
pub(super) fn load(tx: &mut Tx<'_>, printers: &BTreeSet<PrinterId>) -> Result<BTreeMap<PrinterId, String>, DbError> {
    let keys = keys(printers.iter().copied());
    let found = tx.query_any(CORES, &["reseller_id", "printer_id"], &keys, |row| {
        let of_core = |core: &str| match serde_json::from_str::<Core>(core) {
            Ok(Core::Reading(reading)) => reading.configuration.firmware_version,
            // A core that another program wrote and this one does not read says nothing here.
            _ => None,
        };
        let firmware = match row.opt_text(3)? {
            Some(firmware) => Some(firmware),
            None => of_core(&row.text(2)?),
        };
        Ok(((row.int(0)?, row.int(1)?), firmware))
    })?;
    Ok(found.into_iter().filter_map(|(printer, firmware)| Some((printer, firmware?))).collect())
}

/// Keeps since when printers count by which settings. `last_read` says when each was read before this batch: a
/// late reading moves no settings.
pub(super) fn keep_settings(
    tx: &mut Tx<'_>,
    readings: &[(PrinterId, &PlacedReading<'_>)],
    mut last_read: BTreeMap<PrinterId, Instant>,
) -> Result<(), DbError> {
    let with_settings = readings.iter().filter(|(_, reading)| reading.entry.settings.is_some());
    let keys = keys(with_settings.map(|(printer, _)| *printer));
    let mut found = tx.query_any(SETTINGS, &["reseller_id", "printer_id"], &keys, |row| {
        Ok(((row.int(0)?, row.int(1)?), Instant(row.int(2)?), Hex(row.array::<32>(3)?)))
    })?;
    found.sort_by_key(|(_, from, _)| *from);
    let mut known: BTreeMap<PrinterId, (Instant, Hex<32>)> =
        found.into_iter().map(|(printer, from, digest)| (printer, (from, digest))).collect();
    let mut rows: Vec<Vec<Param>> = Vec::new();
    for (printer, PlacedReading { entry, read, .. }) in readings {
        let is_late = last_read.get(printer).is_some_and(|last| read.at < *last);
        if is_late {
            continue;
        }
        last_read.insert(*printer, read.at);
        let Some(digest) = entry.settings else { continue };
        let before = known.get(printer);
        let is_news = before.is_none_or(|(from, known)| *from <= read.at && *known != digest);
        if is_news {
            rows.push(params![printer.0, printer.1, read.at, digest.0.as_slice()].to_vec());
            known.insert(*printer, (read.at, digest));
        }
    }
    SETTING.insert(tx, &rows)?;
    Ok(())
}
