//! Readings that come after later ones of their counter, or contradict what another agent read just before.
//!
//! One that fits between its neighbours in time, within one segment and of their interface, belongs there. One
//! that does not stays in its package, and its agent's history says so. Deliberately absent: a new break in
//! what is known.

use super::Remark;
use super::counters::{CounterKey, Counters};
use crate::db::{DbError, Param, Tx, params};
use evidence::same_series;
use report::{Defect, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// The readings around a late one, of each counter of its printer, and whether the printer was read between it
/// and the next one and said the same as before; its own set is kept by then. Two agents that read at one
/// instant give several rows.
const NEIGHBOURS: &str = "select late.reseller_id, late.printer_id, late.read_at, counter.meter, counter.media,
    earlier.segment, earlier.value, earlier.source, later.segment, later.value, later.source,
    case when exists (select 1 from reading_set as seen
        where seen.reseller_id = late.reseller_id and seen.printer_id = late.printer_id
        and seen.read_at > late.read_at and seen.read_at < later.read_at
        and (seen.counted & counter.bit) <> 0) then 1 else 0 end
    from reading_set as late
    join counter on counter.reseller_id = late.reseller_id and counter.printer_id = late.printer_id
    left join reading as earlier on earlier.reseller_id = late.reseller_id and earlier.printer_id = late.printer_id
        and earlier.meter = counter.meter and earlier.media = counter.media
        and earlier.read_at = (select max(near.read_at) from reading as near
            where near.reseller_id = late.reseller_id and near.printer_id = late.printer_id
            and near.meter = counter.meter and near.media = counter.media and near.read_at <= late.read_at)
    left join reading as later on later.reseller_id = late.reseller_id and later.printer_id = late.printer_id
        and later.meter = counter.meter and later.media = counter.media
        and later.read_at = (select min(near.read_at) from reading as near
            where near.reseller_id = late.reseller_id and near.printer_id = late.printer_id
            and near.meter = counter.meter and near.media = counter.media and near.read_at > late.read_at)";

/// A late reading of one counter.
#[derive(Debug, Clone)]
pub(super) struct Late<'a> {
    pub(super) key: CounterKey,
    pub(super) read_at: Instant,
    pub(super) value: i64,
    /// The interface that gave it; empty where that is not known.
    pub(super) interface: &'a str,
    pub(super) agent: &'a str,
    pub(super) serial: &'a str,
    pub(super) grade: &'static str,
    pub(super) sequence: i64,
    pub(super) record: i64,
    /// The place of its reading set in the batch.
    pub(super) set: usize,
    /// The bit of its row.
    pub(super) bit: i64,
}

/// A segment and a value in it.
type At = (i64, i64);

/// A reading beside a late one: its segment, its value, and the interface that gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    at: At,
    interface: String,
}

/// What is known right before and right after a late reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Around {
    earlier: Option<At>,
    later: At,
    /// The printer was read in between and said the same as before.
    is_unchanged: bool,
}

/// What becomes of a late reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It says what the one before says: nothing to keep.
    Repeat,
    /// It belongs to this segment.
    In(i64),
    /// It fits nowhere.
    Nowhere,
    /// It is another interface's than those around it.
    Aside,
}

impl Around {
    fn place(self, value: i64) -> Place {
        let (segment, next) = self.later;
        match self.earlier {
            Some((_, before)) if before == value => Place::Repeat,
            _ if self.is_unchanged => Place::Nowhere,
            Some((of, before)) if of == segment && (before..=next).contains(&value) => Place::In(segment),
            None if value <= next => Place::In(segment),
            _ => Place::Nowhere,
        }
    }
}

/// What became of the late readings of a batch.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The rows of table `reading`.
    pub(super) rows: Vec<Vec<Param>>,
    /// What is to be said of those that fit nowhere.
    pub(super) remarks: Vec<Remark>,
    /// By the place of the reading set and the bit of the row.
    pub(super) places: Vec<(usize, i64, Place)>,
}

/// Finds where late readings belong. `known` are the counters as the batch leaves them.
pub(super) fn place(tx: &mut Tx<'_>, mut late: Vec<Late<'_>>, known: &Counters) -> Result<Found, DbError> {
    let mut found = Found::default();
    if late.is_empty() {
        return Ok(found);
    }
    let neighbours = load(tx, &late)?;
    late.sort_by(|a, b| (&a.key, a.read_at, a.value).cmp(&(&b.key, b.read_at, b.value)));
    let mut placed: BTreeMap<&CounterKey, At> = BTreeMap::new();
    let mut odd: BTreeMap<(i64, &str, &str, Instant), Vec<String>> = BTreeMap::new();
    for reading in &late {
        let Late { key, read_at, value, agent, serial, set, bit, .. } = reading;
        let near = neighbours.get(&(key.clone(), *read_at)).cloned().unwrap_or_default();
        // After the last change the value stayed what the counter shows last.
        let last = known.get(key).map(|counter| Near {
            at: (i64::from(counter.state.segment), counter.state.value),
            interface: counter.source().to_owned(),
        });
        let Some(later) = near.later.or(last) else { continue };
        let is_of = |near: &Near| same_series(&near.interface, reading.interface);
        let is_own = is_of(&later) || near.earlier.as_ref().is_some_and(is_of);
        // Within a segment values rise, so of two earlier ones the larger is the nearer.
        let earlier = near.earlier.map(|near| near.at).max(placed.get(key).copied());
        let around = Around { earlier, later: later.at, is_unchanged: near.is_unchanged };
        let place = if is_own { around.place(*value) } else { Place::Aside };
        match place {
            Place::Repeat | Place::Aside => {}
            Place::In(segment) => {
                found.rows.push(row(reading, segment));
                placed.insert(key, (segment, *value));
            }
            Place::Nowhere => odd.entry((key.0, *agent, *serial, *read_at)).or_default().push(words(reading, around)),
        }
        found.places.push((*set, *bit, place));
    }
    let remarks = odd.into_iter().map(|((reseller, agent, serial, at), odd)| remark(reseller, agent, serial, at, &odd));
    found.remarks = remarks.collect();
    Ok(found)
}

/// The row of table `reading`.
fn row(reading: &Late<'_>, segment: i64) -> Vec<Param> {
    let Late { key, read_at, value, interface, agent, grade, sequence, record, .. } = reading;
    let (reseller, printer, meter, media) = key;
    params![
        *reseller, *printer, meter, media, *read_at, *agent, segment, *value, *grade, *sequence, *record, *interface
    ]
    .to_vec()
}
/// `pages 150 between 140 and 30`.
fn words(reading: &Late<'_>, around: Around) -> String {
    let (_, _, meter, media) = &reading.key;
    let on = if media.is_empty() { String::new() } else { format!(" on {}", Defect::quote(media)) };
    let next = around.later.1;
    let neighbours = match around.earlier {
        Some((_, before)) => format!("between {before} and {next}"),
        None => format!("before {next}"),
    };
    format!("{}{on} {} {neighbours}", Defect::quote(meter), reading.value)
}

fn remark(reseller: i64, agent: &str, serial: &str, at: Instant, odd: &[String]) -> Remark {
    let first = odd.first().map_or("", String::as_str);
    let detail = format!(
        "What it read of printer {} at {at} came late or by another clock, and {} of its counters do not fit between \
         the readings around it, such as {first}. They stay in their package and count nothing.",
        Defect::quote(serial),
        odd.len()
    );
    Remark { reseller, agent: agent.to_owned(), kind: "odd-reading", detail }
}

/// What is known around a late reading.
#[derive(Debug, Clone, Default)]
struct Beside {
    earlier: Option<Near>,
    later: Option<Near>,
    is_unchanged: bool,
}

/// What is known around each late reading, by counter and time.
type Neighbours = BTreeMap<(CounterKey, Instant), Beside>;

fn load(tx: &mut Tx<'_>, late: &[Late<'_>]) -> Result<Neighbours, DbError> {
    let sets: BTreeSet<(i64, i64, Instant)> = late.iter().map(|late| (late.key.0, late.key.1, late.read_at)).collect();
    let keys: Vec<Vec<Param>> =
        sets.into_iter().map(|(reseller, printer, at)| params![reseller, printer, at].to_vec()).collect();
    let columns = ["late.reseller_id", "late.printer_id", "late.read_at"];
    let found = tx.query_any(NEIGHBOURS, &columns, &keys, |row| {
        let key = (row.int(0)?, row.int(1)?, row.text(3)?, row.text(4)?);
        let near = |at: Option<At>, interface: Option<String>| {
            at.map(|at| Near { at, interface: interface.unwrap_or_default() })
        };
        let beside = Beside {
            earlier: near(row.opt_int(5)?.zip(row.opt_int(6)?), row.opt_text(7)?),
            later: near(row.opt_int(8)?.zip(row.opt_int(9)?), row.opt_text(10)?),
            is_unchanged: row.int(11)? == 1,
        };
        Ok(((key, Instant(row.int(2)?)), beside))
    })?;
    let mut neighbours = Neighbours::new();
    for (key, Beside { earlier, later, is_unchanged }) in found {
        // Of several at one instant those that are nearest in order.
        let known = neighbours.entry(key).or_default();
        known.earlier = earlier.max(known.earlier.take());
        known.later = match (later, known.later.take()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        known.is_unchanged |= is_unchanged;
    }
    Ok(neighbours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_reading_belongs_between_its_neighbours_or_nowhere() {
        // What is before and after it, its value, where it belongs.
        let cases = [
            (Some((1, 100)), (1, 140), 120, Place::In(1)),
            (Some((1, 100)), (1, 140), 140, Place::In(1)),
            (Some((1, 100)), (1, 140), 100, Place::Repeat),
            (Some((1, 100)), (1, 140), 99, Place::Nowhere),
            (Some((1, 100)), (1, 140), 141, Place::Nowhere),
            // Around a break nobody can say to which side it belongs.
            (Some((1, 140)), (2, 30), 150, Place::Nowhere),
            (Some((1, 140)), (2, 30), 20, Place::Nowhere),
            (Some((1, 140)), (2, 900), 500, Place::Nowhere),
            (Some((1, 140)), (2, 30), 140, Place::Repeat),
            // Before everything that is known.
            (None, (1, 100), 90, Place::In(1)),
            (None, (1, 100), 101, Place::Nowhere),
        ];
        for (earlier, later, value, expected) in cases {
            let around = Around { earlier, later, is_unchanged: false };
            assert_eq!(around.place(value), expected, "{earlier:?} {value} {later:?}");
        }
        // The printer said in between that nothing had changed.
        for (value, expected) in [(100, Place::Repeat), (120, Place::Nowhere), (140, Place::Nowhere)] {
            let around = Around { earlier: Some((1, 100)), later: (1, 140), is_unchanged: true };
            assert_eq!(around.place(value), expected, "{value}");
        }
    }
}
