//! Appends reading sets and counter readings; keeps what the printer said last.

use super::{Memory, Placed, ReadingEntry, Stated};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use billing::{CounterState, observe};
use report::Instant;
use std::collections::BTreeMap;

const COUNTERS: &str = "select reseller_id, printer_id, meter, media, segment, value, read_at from counter";
const COUNTER: Bulk = Bulk {
    table: "counter",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("meter", Kind::Text),
        ("media", Kind::Text),
        ("segment", Kind::Int),
        ("value", Kind::Int),
        ("read_at", Kind::Int),
    ],
    key: 4,
    on_conflict: "do update set segment = excluded.segment, value = excluded.value, read_at = excluded.read_at",
};
const READING_SET: Bulk = Bulk {
    table: "reading_set",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("read_at", Kind::Int),
        ("agent_id", Kind::Text),
        ("sequence", Kind::Int),
        ("record", Kind::Int),
        ("grade", Kind::Text),
        ("bounded", Kind::Text),
    ],
    key: 4,
    on_conflict: "do nothing",
};
const READING: Bulk = Bulk {
    table: "reading",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("meter", Kind::Text),
        ("media", Kind::Text),
        ("read_at", Kind::Int),
        ("agent_id", Kind::Text),
        ("segment", Kind::Int),
        ("value", Kind::Int),
        ("grade", Kind::Text),
        ("sequence", Kind::Int),
        ("record", Kind::Int),
    ],
    key: 6,
    on_conflict: "do nothing",
};
const SEGMENT: Bulk = Bulk {
    table: "segment",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("meter", Kind::Text),
        ("media", Kind::Text),
        ("segment", Kind::Int),
        ("reason", Kind::Text),
        ("opened_at", Kind::Int),
        ("value_before", Kind::Int),
        ("value_after", Kind::Int),
    ],
    key: 5,
    on_conflict: "do nothing",
};
const STATE: Bulk = Bulk {
    table: "printer_state",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("read_at", Kind::Int),
        ("received_at", Kind::Int),
        ("grade", Kind::Text),
        ("agent_id", Kind::Text),
        ("core", Kind::Text),
        ("severe_alerts", Kind::Int),
        ("alerts", Kind::Int),
        ("supplies_low", Kind::Int),
        ("defects", Kind::Int),
        ("status", Kind::Text),
    ],
    key: 2,
    on_conflict: "do update set read_at = excluded.read_at, received_at = excluded.received_at, grade = excluded.grade,
                  agent_id = excluded.agent_id, core = excluded.core, severe_alerts = excluded.severe_alerts,
                  alerts = excluded.alerts, supplies_low = excluded.supplies_low, defects = excluded.defects,
                  status = excluded.status
                  where excluded.read_at >= printer_state.read_at",
};

const SUPPLIES: &str = "select reseller_id, printer_id, supplies_low from printer_state";

type CounterKey = (i64, i64, String, String);
type PrinterId = (i64, i64);

/// A reading with the time that is believed, and what its status section says.
pub(crate) struct PlacedReading<'a> {
    pub(crate) entry: &'a ReadingEntry,
    pub(crate) read: Placed,
    pub(crate) received_at: Instant,
    /// `None` while the section is not here.
    pub(crate) stated: Option<&'a Stated>,
}

/// Appends readings in the order given. Printers must be learnt.
pub(crate) fn append_readings(tx: &mut Tx<'_>, memory: &Memory, readings: &[PlacedReading<'_>]) -> Result<(), DbError> {
    let mut located = Vec::with_capacity(readings.len());
    for reading in readings {
        located.push((memory.printer(&reading.entry.origin.agent, &reading.entry.printer.serial)?, reading));
    }
    let mut counters = load_counters(tx, &located)?;
    let mut rows = Rows { supplies: load_supplies(tx, &located)?, ..Rows::default() };
    for (printer_id, reading) in located {
        rows.add(printer_id, reading, &mut counters);
    }
    let updated: Vec<Vec<Param>> = rows.counters.into_iter().map(|(key, state)| counter_row(&key, &state)).collect();
    READING_SET.insert(tx, &rows.sets)?;
    SEGMENT.insert(tx, &rows.segments)?;
    READING.insert(tx, &rows.readings)?;
    COUNTER.insert(tx, &updated)?;
    STATE.insert(tx, &rows.states.into_values().map(|(_, row)| row).collect::<Vec<_>>())?;
    Ok(())
}

/// How many supplies ran out of the printers whose status section is not here: what was known last stays.
fn load_supplies(tx: &mut Tx<'_>, located: &[(i64, &PlacedReading<'_>)]) -> Result<BTreeMap<PrinterId, i64>, DbError> {
    let unknown = located.iter().filter(|(_, reading)| reading.stated.is_none());
    let mut keys: Vec<Vec<Param>> = unknown
        .map(|(printer_id, reading)| params![reading.entry.origin.agent.reseller_id, *printer_id].to_vec())
        .collect();
    keys.sort();
    keys.dedup();
    let found = tx.query_any(SUPPLIES, &["reseller_id", "printer_id"], &keys, |row| {
        Ok(((row.int(0)?, row.int(1)?), row.int(2)?))
    })?;
    Ok(found.into_iter().collect())
}

fn load_counters(
    tx: &mut Tx<'_>,
    located: &[(i64, &PlacedReading<'_>)],
) -> Result<BTreeMap<CounterKey, CounterState>, DbError> {
    let mut keys: Vec<Vec<Param>> = located
        .iter()
        .map(|(printer_id, reading)| params![reading.entry.origin.agent.reseller_id, *printer_id].to_vec())
        .collect();
    keys.sort();
    keys.dedup();
    let found = tx.query_any(COUNTERS, &["reseller_id", "printer_id"], &keys, |row| {
        let key = (row.int(0)?, row.int(1)?, row.text(2)?, row.text(3)?);
        let segment = u32::try_from(row.int(4)?).unwrap_or(u32::MAX);
        Ok((key, CounterState { segment, value: row.int(5)?, read_at: Instant(row.int(6)?) }))
    })?;
    Ok(found.into_iter().collect())
}

fn counter_row((reseller, printer, meter, media): &CounterKey, state: &CounterState) -> Vec<Param> {
    let (reseller, printer) = (*reseller, *printer);
    params![reseller, printer, meter, media, i64::from(state.segment), state.value, state.read_at].to_vec()
}

/// The rows of one batch.
#[derive(Default)]
struct Rows {
    sets: Vec<Vec<Param>>,
    segments: Vec<Vec<Param>>,
    readings: Vec<Vec<Param>>,
    counters: BTreeMap<CounterKey, CounterState>,
    states: BTreeMap<PrinterId, (Instant, Vec<Param>)>,
    /// How many supplies were low last, as far as this batch needs it.
    supplies: BTreeMap<PrinterId, i64>,
}

impl Rows {
    fn add(&mut self, printer_id: i64, reading: &PlacedReading<'_>, counters: &mut BTreeMap<CounterKey, CounterState>) {
        let (entry, read_at) = (reading.entry, reading.read.at);
        let origin = &entry.origin;
        let (reseller, agent, grade) = (origin.agent.reseller_id, &origin.agent.agent_id, origin.grade.word());
        let (sequence, record, bounded) = (origin.sequence, origin.record, reading.read.bounded);
        self.sets.push(params![reseller, printer_id, read_at, agent, sequence, record, grade, bounded].to_vec());
        self.count(printer_id, entry, read_at, counters);
        self.state(printer_id, reading);
    }

    /// Moves the counters of a printer by a reading.
    fn count(
        &mut self,
        printer_id: i64,
        entry: &ReadingEntry,
        read_at: Instant,
        counters: &mut BTreeMap<CounterKey, CounterState>,
    ) {
        let origin = &entry.origin;
        let (reseller, agent, grade) = (origin.agent.reseller_id, &origin.agent.agent_id, origin.grade.word());
        for counter in &entry.counters {
            let media = counter.media.clone().unwrap_or_default();
            let key = (reseller, printer_id, counter.meter.to_string(), media);
            let last = counters.get(&key);
            let before = last.map(|last| last.value);
            let seen = observe(last, counter.value, read_at);
            // A late reading stays in its package as a fact; it moves nothing.
            if seen.is_late {
                continue;
            }
            let (_, _, meter, media) = &key;
            let segment = i64::from(seen.segment);
            if let Some(opened) = &seen.opened {
                let (reason, at) = (opened.reason.word(), opened.opened_at);
                self.segments.push(
                    params![reseller, printer_id, meter, media, segment, reason, at, before, opened.first_value]
                        .to_vec(),
                );
            }
            if seen.opened.is_some() || seen.delta != 0 {
                let (value, sequence, record) = (counter.value, origin.sequence, origin.record);
                let row = params![
                    reseller, printer_id, meter, media, read_at, agent, segment, value, grade, sequence, record
                ];
                self.readings.push(row.to_vec());
            }
            counters.insert(key.clone(), seen.state);
            self.counters.insert(key, seen.state);
        }
    }

    /// Keeps what the printer said last.
    fn state(&mut self, printer_id: i64, reading: &PlacedReading<'_>) {
        let (entry, read_at) = (reading.entry, reading.read.at);
        let origin = &entry.origin;
        let printer = (origin.agent.reseller_id, printer_id);
        let supplies_low = match reading.stated {
            Some(stated) => stated.supplies_low,
            None => self.supplies.get(&printer).copied().unwrap_or(0),
        };
        self.supplies.insert(printer, supplies_low);
        if self.states.get(&printer).is_some_and(|(kept, _)| *kept > read_at) {
            return;
        }
        let row = params![
            printer.0,
            printer.1,
            read_at,
            reading.received_at,
            origin.grade.word(),
            &origin.agent.agent_id,
            &entry.core,
            entry.severe_alerts,
            entry.alerts,
            supplies_low,
            entry.defects,
            reading.stated.map_or("", |stated| stated.json.as_str())
        ];
        self.states.insert(printer, (read_at, row.to_vec()));
    }
}
