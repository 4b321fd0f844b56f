//! Appends reading sets and counter readings; keeps what the printer said last.

use super::facts::is_ahead;
use super::{Memory, ReadingEntry};
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
    ],
    key: 2,
    on_conflict: "do update set read_at = excluded.read_at, received_at = excluded.received_at, grade = excluded.grade,
                  agent_id = excluded.agent_id, core = excluded.core, severe_alerts = excluded.severe_alerts,
                  alerts = excluded.alerts, supplies_low = excluded.supplies_low, defects = excluded.defects
                  where excluded.read_at >= printer_state.read_at",
};

type CounterKey = (i64, i64, String, String);

/// Appends readings in the order given. Printers must be learnt.
pub(crate) fn append_readings(
    tx: &mut Tx<'_>,
    memory: &Memory,
    entries: &[&ReadingEntry],
    received_at: Instant,
) -> Result<(), DbError> {
    let mut located = Vec::with_capacity(entries.len());
    for entry in entries {
        located.push((memory.printer(&entry.origin.agent, &entry.printer.serial)?, *entry));
    }
    let mut counters = load_counters(tx, &located)?;
    let mut rows = Rows::default();
    for (printer_id, entry) in located {
        rows.add(printer_id, entry, received_at, &mut counters);
    }
    let updated: Vec<Vec<Param>> = rows.counters.into_iter().map(|(key, state)| counter_row(&key, &state)).collect();
    READING_SET.insert(tx, &rows.sets)?;
    SEGMENT.insert(tx, &rows.segments)?;
    READING.insert(tx, &rows.readings)?;
    COUNTER.insert(tx, &updated)?;
    STATE.insert(tx, &rows.states.into_values().map(|(_, row)| row).collect::<Vec<_>>())?;
    Ok(())
}

fn load_counters(
    tx: &mut Tx<'_>,
    located: &[(i64, &ReadingEntry)],
) -> Result<BTreeMap<CounterKey, CounterState>, DbError> {
    let mut keys: Vec<Vec<Param>> = located
        .iter()
        .map(|(printer_id, entry)| params![entry.origin.agent.reseller_id, *printer_id].to_vec())
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
    states: BTreeMap<(i64, i64), (Instant, Vec<Param>)>,
}

impl Rows {
    fn add(
        &mut self,
        printer_id: i64,
        entry: &ReadingEntry,
        received_at: Instant,
        counters: &mut BTreeMap<CounterKey, CounterState>,
    ) {
        let origin = &entry.origin;
        let (reseller, agent, grade) = (origin.agent.reseller_id, &origin.agent.agent_id, origin.grade.word());
        self.sets
            .push(params![reseller, printer_id, entry.read_at, agent, origin.sequence, origin.record, grade].to_vec());
        // Dated in the future by a wrong clock: the reading is kept as a fact and moves nothing, or every
        // right one after it would be late.
        if is_ahead(entry.read_at, received_at) {
            return;
        }
        for counter in &entry.counters {
            let media = counter.media.clone().unwrap_or_default();
            let key = (reseller, printer_id, counter.meter.to_string(), media);
            let last = counters.get(&key);
            let before = last.map(|last| last.value);
            let seen = observe(last, counter.value, entry.read_at);
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
                    reseller,
                    printer_id,
                    meter,
                    media,
                    entry.read_at,
                    agent,
                    segment,
                    value,
                    grade,
                    sequence,
                    record
                ];
                self.readings.push(row.to_vec());
            }
            counters.insert(key.clone(), seen.state);
            self.counters.insert(key, seen.state);
        }
        let newer = self.states.get(&(reseller, printer_id)).is_some_and(|(read_at, _)| *read_at > entry.read_at);
        if !newer {
            let row = params![
                reseller,
                printer_id,
                entry.read_at,
                received_at,
                grade,
                agent,
                &entry.core,
                entry.severe_alerts,
                entry.alerts,
                entry.supplies_low,
                entry.defects
            ];
            self.states.insert((reseller, printer_id), (entry.read_at, row.to_vec()));
        }
    }
}
