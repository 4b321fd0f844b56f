//! Appends reading sets and counter readings; keeps what the printer said last.
//!
//! Deliberately absent: what a reading means for a counter (see `counters`), why a counter broke (see
//! `breaks`), and where a late reading belongs (see `late`).

use super::breaks::{self, Firmware, Followed, Opened, Rules};
use super::counters::{self, Counter, CounterKey, Counters, Judged, Next, PrinterId, Said};
use super::firmware;
use super::late::{self, Late, Place};
use super::{Arrivals, Memory, ReadingEntry, Stated, unitless};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use billing::CounterValue;
use evidence::{Interfaces, Placed};
use report::{Defect, Instant, Surroundings};
use std::collections::{BTreeMap, BTreeSet};

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
        ("counted", Kind::Int),
        ("odd", Kind::Int),
    ],
    key: 4,
    on_conflict: "do nothing",
};
/// What became of late readings is known once the set is kept.
const READING_SET_PLACED: Bulk = Bulk {
    on_conflict: "do update set counted = excluded.counted, odd = excluded.odd
                  where reading_set.sequence = excluded.sequence and reading_set.record = excluded.record",
    ..READING_SET
};
/// The bit of a set of which nothing was put aside; those of its rows are `evidence::row_bit`.
const NONE_ASIDE: i64 = 1;
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
        ("source", Kind::Text),
    ],
    key: 6,
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
        ("firmware", Kind::Text),
    ],
    key: 2,
    on_conflict: "do update set read_at = excluded.read_at, received_at = excluded.received_at, grade = excluded.grade,
                  agent_id = excluded.agent_id, core = excluded.core, severe_alerts = excluded.severe_alerts,
                  alerts = excluded.alerts, supplies_low = excluded.supplies_low, defects = excluded.defects,
                  status = excluded.status, firmware = coalesce(excluded.firmware, printer_state.firmware)
                  where excluded.read_at >= printer_state.read_at",
};

const SUPPLIES: &str = "select reseller_id, printer_id, supplies_low from printer_state";

/// A reading with the time that is believed, and what its sections say.
pub(crate) struct PlacedReading<'a> {
    pub(crate) entry: &'a ReadingEntry,
    pub(crate) read: Placed,
    pub(crate) received_at: Instant,
    /// `None` while the section is not here.
    pub(crate) stated: Option<&'a Stated>,
    /// `None` while the section is not here.
    pub(crate) interfaces: Option<&'a Interfaces>,
}

/// What the ledger has to say of what an agent sent, for the agent's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    /// Whose agent.
    pub(crate) reseller: i64,
    /// Which agent.
    pub(crate) agent: String,
    /// The kind of the event.
    pub(crate) kind: &'static str,
    /// In words.
    pub(crate) detail: String,
}

/// Appends readings in the order given. Printers and zones must be learnt.
pub(crate) fn append_readings(
    tx: &mut Tx<'_>,
    surroundings: &Surroundings,
    memory: &Memory,
    readings: &[PlacedReading<'_>],
    arrivals: &mut Arrivals,
) -> Result<Vec<Remark>, DbError> {
    let mut located = Vec::with_capacity(readings.len());
    for reading in readings {
        let agent = &reading.entry.origin.agent;
        let printer_id = memory.printer(agent, &reading.entry.printer.serial)?;
        arrivals.add(memory, agent, printer_id, reading.read.at)?;
        located.push(((agent.reseller_id, printer_id), reading));
    }
    let keys = firmware::keys(located.iter().map(|(printer, _)| *printer));
    let counters = counters::load(tx, &keys)?;
    let last_read = last_read(&counters);
    let rules = Rules::load(tx, &that_can_rise_oddly(&counters, &located))?;
    let supplies = load_supplies(tx, &located)?;
    let mut rows = Rows { known: counters, rules, supplies, ..Rows::default() };
    for (printer, reading) in &located {
        rows.add(*printer, reading);
    }
    let Rows { mut sets, opened, followed, readings, late, known, moved, asides, states, .. } = rows;
    READING_SET.insert(tx, &sets.iter().map(Set::row).collect::<Vec<_>>())?;
    breaks::keep(tx, surroundings, &opened, &followed)?;
    READING.insert(tx, &readings)?;
    counters::keep(tx, &moved)?;
    let late = late::place(tx, late, &known)?;
    READING.insert(tx, &late.rows)?;
    keep_places(tx, &mut sets, &late.places)?;
    firmware::keep_settings(tx, &located, last_read)?;
    unitless::keep_of_readings(tx, &located)?;
    STATE.insert(tx, &states.into_values().map(|(_, row)| row).collect::<Vec<_>>())?;
    Ok(said_of(asides).chain(late.remarks).collect())
}

/// The printers of which a rise may have to be held: a counter broke before, or may do so in this batch.
fn that_can_rise_oddly(counters: &Counters, located: &[(PrinterId, &PlacedReading<'_>)]) -> BTreeSet<PrinterId> {
    let broke = counters.iter().filter(|(_, counter)| counter.state.segment > 1);
    let mut printers: BTreeSet<PrinterId> = broke.map(|((reseller, printer, ..), _)| (*reseller, *printer)).collect();
    let mut once = BTreeSet::new();
    printers.extend(located.iter().map(|(printer, _)| *printer).filter(|printer| !once.insert(*printer)));
    printers
}

/// Says of the sets of late readings what became of them.
fn keep_places(tx: &mut Tx<'_>, sets: &mut [Set], places: &[(usize, i64, Place)]) -> Result<(), DbError> {
    let mut changed = BTreeSet::new();
    for (number, bit, place) in places {
        let Some(set) = sets.get_mut(*number) else { continue };
        match place {
            Place::Repeat | Place::In(_) => set.counted |= bit,
            Place::Nowhere => {
                set.aside |= bit | NONE_ASIDE;
                set.odd = true;
            }
            Place::Aside => set.aside |= bit | NONE_ASIDE,
        }
        changed.insert(*number);
    }
    // No key twice: of two sets of one agent at one instant only the first was kept.
    let changed = changed.into_iter().filter_map(|number| sets.get(number));
    let rows: BTreeMap<&[Param], Vec<Param>> =
        changed.rev().map(|set| (set.named.get(..READING_SET.key).unwrap_or_default(), set.row())).collect();
    READING_SET_PLACED.insert(tx, &rows.into_values().collect::<Vec<_>>())?;
    Ok(())
}

/// When each printer was read last.
fn last_read(counters: &Counters) -> BTreeMap<PrinterId, Instant> {
    let mut last: BTreeMap<PrinterId, Instant> = BTreeMap::new();
    for ((reseller, printer, ..), counter) in counters {
        let last = last.entry((*reseller, *printer)).or_insert(counter.state.read_at);
        *last = counter.state.read_at.max(*last);
    }
    last
}

/// How many supplies ran out of the printers whose status section is not here: what was known last stays.
fn load_supplies(
    tx: &mut Tx<'_>,
    located: &[(PrinterId, &PlacedReading<'_>)],
) -> Result<BTreeMap<PrinterId, i64>, DbError> {
    let unknown = located.iter().filter(|(_, reading)| reading.stated.is_none());
    let keys = firmware::keys(unknown.map(|(printer, _)| *printer));
    let found = tx.query_any(SUPPLIES, &["reseller_id", "printer_id"], &keys, |row| {
        Ok(((row.int(0)?, row.int(1)?), row.int(2)?))
    })?;
    Ok(found.into_iter().collect())
}

/// A reading set of this batch.
struct Set {
    /// Its columns but for the last two.
    named: Vec<Param>,
    /// The bits of the rows that went into the series of their counters.
    counted: i64,
    /// The bits of those of which something did not, and [`NONE_ASIDE`] then.
    aside: i64,
    /// It contradicts what others read.
    odd: bool,
}

impl Set {
    fn row(&self) -> Vec<Param> {
        let counted = (self.counted | NONE_ASIDE) & !self.aside;
        let mut row = self.named.clone();
        row.extend([Param::from(counted), Param::from(i64::from(self.odd))]);
        row
    }
}

/// Counters that another interface gives, or that were handed over to it: reseller, agent, serial number, the
/// interface of the counter and the other one, whether they were handed over.
type Elsewhere<'a> = (i64, &'a str, &'a str, String, String, bool);

/// The rows of one batch.
#[derive(Default)]
struct Rows<'a> {
    sets: Vec<Set>,
    opened: Vec<Opened>,
    /// Counters that were handed over because a person had said so, and went on.
    followed: Vec<Followed>,
    readings: Vec<Vec<Param>>,
    late: Vec<Late<'a>>,
    /// The counters as they are known so far.
    known: Counters,
    /// Those that this batch moved.
    moved: Counters,
    /// What contracts say of counters that break, where it is needed.
    rules: Rules,
    /// How many counters other interfaces give.
    asides: BTreeMap<Elsewhere<'a>, usize>,
    states: BTreeMap<PrinterId, (Instant, Vec<Param>)>,
    /// How many supplies were low last, as far as this batch needs it.
    supplies: BTreeMap<PrinterId, i64>,
    /// The firmware that printers said last in this batch, and when.
    firmware: BTreeMap<PrinterId, (Instant, String)>,
}

impl<'a> Rows<'a> {
    fn add(&mut self, printer: PrinterId, reading: &PlacedReading<'a>) {
        let (entry, read_at) = (reading.entry, reading.read.at);
        let origin = &entry.origin;
        let (agent, grade) = (&origin.agent.agent_id, origin.grade.word());
        let (sequence, record, bounded) = (origin.sequence, origin.record, reading.read.bounded);
        let named = params![printer.0, printer.1, read_at, agent, sequence, record, grade, bounded].to_vec();
        self.sets.push(Set { named, counted: 0, aside: 0, odd: false });
        for counter in &entry.counters {
            self.count(printer, reading, counter);
        }
        // A reading that does not say it, or comes late, moves no firmware.
        let is_later = self.firmware.get(&printer).is_none_or(|(at, _)| *at <= read_at);
        if let Some(firmware) = entry.firmware.as_ref().filter(|_| is_later) {
            self.firmware.insert(printer, (read_at, firmware.clone()));
        }
        self.state(printer, reading);
    }

    /// Moves a counter of a printer by a reading.
    fn count(&mut self, printer: PrinterId, reading: &PlacedReading<'a>, counter: &CounterValue) {
        let (entry, read_at) = (reading.entry, reading.read.at);
        let CounterValue { meter, media, value } = counter;
        let interface = reading.interfaces.and_then(|interfaces| interfaces.of(meter, media.as_deref())).unwrap_or("");
        let bit = evidence::row_bit(meter, media.as_deref());
        let key = (printer.0, printer.1, meter.to_string(), media.clone().unwrap_or_default());
        let last = self.known.get(&key);
        let agent = entry.origin.agent.agent_id.as_str();
        // Terms are read only where they can matter.
        let rose_after_break = last.is_some_and(|last| last.state.segment > 1 && last.state.value < *value);
        let daily_most = if rose_after_break { self.rules.daily_most(printer, read_at) } else { None };
        let set = self.sets.len().saturating_sub(1);
        match counters::judge(last, &Said { value: *value, read_at, interface, agent, bit, daily_most }) {
            Judged::Late => {
                self.late.push(Late {
                    key,
                    read_at,
                    value: *value,
                    interface,
                    agent,
                    serial: &entry.printer.serial,
                    grade: entry.origin.grade.word(),
                    sequence: entry.origin.sequence,
                    record: entry.origin.record,
                    set,
                    bit,
                });
            }
            Judged::Aside(counter, is_news) => {
                self.put_aside(set, bit);
                if is_news {
                    self.say((printer.0, entry), (counter.source(), interface), false);
                }
                self.known.insert(key.clone(), (*counter).clone());
                self.moved.insert(key, *counter);
            }
            Judged::Next(next) => {
                if let Some(set) = self.sets.last_mut() {
                    set.counted |= bit;
                }
                self.take(printer, (reading, interface), key, *next);
            }
        }
    }

    fn put_aside(&mut self, set: usize, bit: i64) {
        if let Some(set) = self.sets.get_mut(set) {
            set.aside |= bit | NONE_ASIDE;
        }
    }

    /// Says once that another interface gives a counter.
    fn say(&mut self, (reseller, entry): (i64, &'a ReadingEntry), (own, other): (&str, &str), handed_over: bool) {
        let (agent, serial) = (entry.origin.agent.agent_id.as_str(), entry.printer.serial.as_str());
        let elsewhere = (reseller, agent, serial, own.to_owned(), other.to_owned(), handed_over);
        *self.asides.entry(elsewhere).or_default() += 1;
    }

    /// Takes the next reading of a counter.
    fn take(
        &mut self,
        printer: PrinterId,
        (reading, interface): (&PlacedReading<'a>, &str),
        key: CounterKey,
        next: Next,
    ) {
        let entry = reading.entry;
        let Next { seen, counter, moved, wanted, fell_at } = next;
        let before = self.known.get(&key).map(|last| (last.state, last.usual_daily()));
        let falls_back = |to: i64| self.known.get(&key).is_some_and(|last| last.falls_back(to));
        let fell_back = seen.opened.as_ref().is_some_and(|opened| falls_back(opened.first_value));
        // A counter that is handed over says so by a reading of its own, whatever its value.
        if seen.opened.is_some() || seen.delta != 0 || moved.is_some() {
            self.readings.push(reading_row(&key, entry, (reading.read.at, interface), &counter));
        }
        if let Some((own, other)) = moved.as_ref().filter(|_| seen.opened.is_none()) {
            self.say((printer.0, entry), (own.as_str(), other.as_str()), true);
            if let (Some(wanted), Some((last, _))) = (wanted, before) {
                self.followed.push(Followed { key: key.clone(), at: reading.read.at, counts_from: last.value, wanted });
            }
        }
        if let Some(segment) = seen.opened {
            if let Some(at) = fell_at {
                self.is_back(&key, at);
            }
            let said = self.firmware.get(&printer);
            self.opened.push(Opened {
                key: key.clone(),
                segment,
                before: before.map(|(state, _)| state),
                usual_daily: before.and_then(|(_, usual)| usual),
                moved,
                firmware_before: said.map_or(Firmware::Stored, |(_, firmware)| Firmware::Said(firmware.clone())),
                firmware: entry.firmware.clone(),
                fell_at,
                came_back: false,
                fell_back,
            });
        }
        self.known.insert(key.clone(), counter.clone());
        self.moved.insert(key, counter);
    }

    /// Notes on a fall of this batch that the value came back.
    fn is_back(&mut self, key: &CounterKey, fell_at: Instant) {
        let is_it = |opened: &&mut Opened| opened.key == *key && opened.segment.opened_at == fell_at;
        if let Some(opened) = self.opened.iter_mut().rfind(is_it) {
            opened.came_back = true;
        }
    }

    /// Keeps what the printer said last.
    fn state(&mut self, printer: PrinterId, reading: &PlacedReading<'_>) {
        let (entry, read_at) = (reading.entry, reading.read.at);
        let origin = &entry.origin;
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
            reading.stated.map_or("", |stated| stated.json.as_str()),
            self.firmware.get(&printer).map(|(_, firmware)| firmware)
        ];
        self.states.insert(printer, (read_at, row.to_vec()));
    }
}

fn reading_row(
    key: &CounterKey,
    entry: &ReadingEntry,
    (read_at, interface): (Instant, &str),
    counter: &Counter,
) -> Vec<Param> {
    let (reseller, printer, meter, media) = key;
    let origin = &entry.origin;
    let (segment, value) = (i64::from(counter.state.segment), counter.state.value);
    let (agent, grade) = (&origin.agent.agent_id, origin.grade.word());
    let (sequence, record) = (origin.sequence, origin.record);
    params![*reseller, *printer, meter, media, read_at, agent, segment, value, grade, sequence, record, interface]
        .to_vec()
}

/// One remark for each printer whose counters another interface gives, or that were handed over to it.
fn said_of(counted: BTreeMap<Elsewhere<'_>, usize>) -> impl Iterator<Item = Remark> {
    counted.into_iter().map(|((reseller, agent, serial, own, other, handed_over), counters)| {
        let serial = Defect::quote(serial);
        let detail = if handed_over {
            format!(
                "It reads {counters} counters of printer {serial} over {other} now, before over {own}. Their values go \
                 on, so they count on in their segments."
            )
        } else {
            format!(
                "It reads {counters} counters of printer {serial} over {other}, which are read over {own} too. They \
                 follow {own}; what {other} says of them stays in its packages and counts nothing."
            )
        };
        Remark { reseller, agent: agent.to_owned(), kind: "counter-source", detail }
    })
}
