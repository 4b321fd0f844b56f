//! Accepted packages become ledger facts, each dated within the bounds that receipts give it.
//!
//! Deliberately absent: whether a package is taken, and quarantine; what comes here counts.

use super::package::Prepared;
use crate::agents::change::printers_joined;
use crate::agents::history::{Line, Stamp, note_all};
use crate::db::{DbError, Param, Tx, params};
use crate::ledger::{
    AgentRef, Bounds, Memory, PlacedFold, PlacedJob, PlacedReading, Sight, Stated, append_folds, append_jobs,
    append_readings, append_seen, stated,
};
use protocol::Hex;
use report::{Duration, Instant, Surroundings};
use std::collections::{BTreeMap, BTreeSet};

const MARKS: &str = "select reseller_id, receipt_mark, received_at, agent_id, last_record from package";
const SECTIONS: &str = "select reseller_id, digest, body from section";
/// Records that are dated by one bound are kept apart within this span, in milliseconds.
const APART: i64 = 60_000;

/// A package and when it arrived.
pub(super) struct Landed<'a> {
    pub(super) package: &'a Prepared,
    pub(super) at: Instant,
}

/// A receipt that records name: when it was given, to whom, and up to which record.
struct Mark {
    given_at: Instant,
    agent_id: String,
    last_record: i64,
}

type Marks = BTreeMap<(i64, Hex<16>), Mark>;
type Statuses = BTreeMap<(i64, Hex<32>), Stated>;

/// Turns packages into ledger facts, in the order given.
pub(super) fn append(
    tx: &mut Tx<'_>,
    surroundings: &Surroundings,
    memory: &mut Memory,
    landed: &[Landed<'_>],
) -> Result<(), DbError> {
    if landed.is_empty() {
        return Ok(());
    }
    learn(tx, surroundings, memory, landed)?;
    let marks = load_marks(tx, landed)?;
    let statuses = load_statuses(tx, landed)?;
    let (mut readings, mut jobs, mut seen, mut folds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Landed { package, at } in landed {
        let bounds = |record: i64, mark: Option<Hex<16>>| bounds((&package.agent, *at), record, mark, &marks);
        for entry in &package.readings {
            let read = bounds(entry.origin.record, entry.seen).place(entry.read_at);
            let section = || statuses.get(&(package.agent.reseller_id, entry.status));
            let stated = entry.stated.as_ref().or_else(section);
            readings.push(PlacedReading { entry, read, received_at: *at, stated });
        }
        for entry in &package.jobs {
            let bounds = bounds(entry.origin.record, entry.seen);
            let read = bounds.place(entry.read_at);
            let (finished_at, dated_by) = bounds.date(entry.finished_at, read);
            jobs.push(PlacedJob { entry, read_at: read.at, finished_at, dated_by });
        }
        for entry in &package.seen {
            seen.push((entry, bounds(entry.origin.record, entry.seen).place(entry.read_at).at));
        }
        for entry in &package.folds {
            let bounds = bounds(entry.origin.record, entry.seen);
            let folded = bounds.place(entry.folded_at);
            let (since, until) = (bounds.date(entry.since, folded).0, bounds.date(entry.until, folded).0);
            folds.push(PlacedFold { entry, since, until });
        }
    }
    append_readings(tx, memory, &readings)?;
    append_jobs(tx, memory, &jobs)?;
    append_seen(tx, &seen, || crate::new_id(surroundings))?;
    append_folds(tx, memory, &folds)?;
    note_all(tx, &lines(landed, surroundings))
}

/// Makes printers and time zones known. Where a printer takes part that nobody knew, its customer's agents
/// learn of it.
fn learn(
    tx: &mut Tx<'_>,
    surroundings: &Surroundings,
    memory: &mut Memory,
    landed: &[Landed<'_>],
) -> Result<(), DbError> {
    let mut sights = Vec::new();
    for Landed { package, at } in landed {
        let (agent, at) = (&package.agent, *at);
        let jobs = package.jobs.iter().map(|entry| &entry.printer);
        let folds = package.folds.iter().map(|entry| &entry.printer);
        let read = package.readings.iter().map(|entry| &entry.printer).chain(jobs).chain(folds);
        sights.extend(read.map(|printer| Sight { agent, printer, read: true, at }));
        sights.extend(package.seen.iter().map(|entry| Sight { agent, printer: &entry.printer, read: false, at }));
    }
    let joined = memory.learn_printers(tx, &sights, || crate::new_id(surroundings))?;
    printers_joined(tx, &joined)?;
    let customers = landed.iter().map(|Landed { package, .. }| (package.agent.reseller_id, package.agent.customer_id));
    memory.learn_zones(tx, customers.collect())
}

/// When the receipts were given that records of these packages name.
fn load_marks(tx: &mut Tx<'_>, landed: &[Landed<'_>]) -> Result<Marks, DbError> {
    let mut wanted = BTreeSet::new();
    for Landed { package, .. } in landed {
        let readings = package.readings.iter().filter_map(|entry| entry.seen);
        let jobs = package.jobs.iter().filter_map(|entry| entry.seen);
        let seen = package.seen.iter().filter_map(|entry| entry.seen);
        let folds = package.folds.iter().filter_map(|entry| entry.seen);
        wanted.extend(readings.chain(jobs).chain(seen).chain(folds).map(|mark| (package.agent.reseller_id, mark)));
    }
    let keys: Vec<Vec<Param>> =
        wanted.iter().map(|(reseller, mark)| params![*reseller, mark.0.as_slice()].to_vec()).collect();
    let found = tx.query_any(MARKS, &["reseller_id", "receipt_mark"], &keys, |row| {
        let mark = Mark { given_at: Instant(row.int(2)?), agent_id: row.text(3)?, last_record: row.int(4)? };
        Ok(((row.int(0)?, Hex(row.array(1)?)), mark))
    })?;
    Ok(found.into_iter().collect())
}

/// What status sections say that came with earlier packages. They are all kept by now.
fn load_statuses(tx: &mut Tx<'_>, landed: &[Landed<'_>]) -> Result<Statuses, DbError> {
    let mut wanted = BTreeSet::new();
    for Landed { package, .. } in landed {
        let open = package.readings.iter().filter(|entry| entry.stated.is_none());
        wanted.extend(open.map(|entry| (package.agent.reseller_id, entry.status)));
    }
    let keys: Vec<Vec<Param>> =
        wanted.iter().map(|(reseller, digest)| params![*reseller, digest.0.as_slice()].to_vec()).collect();
    let found = tx.query_any(SECTIONS, &["reseller_id", "digest"], &keys, |row| {
        Ok(((row.int(0)?, Hex(row.array(1)?)), stated(&row.text(2)?)))
    })?;
    Ok(found.into_iter().filter_map(|(key, stated)| Some((key, stated?))).collect())
}

/// Between which two instants a record was made: after the receipt that it names, before it arrived.
fn bounds((agent, at): (&AgentRef, Instant), record: i64, mark: Option<Hex<16>>, marks: &Marks) -> Bounds {
    let mark = mark.and_then(|mark| marks.get(&(agent.reseller_id, mark)));
    let after_upper = Duration(record.rem_euclid(APART));
    let after_lower = match mark {
        Some(mark) if mark.agent_id == agent.agent_id => Duration(record.saturating_sub(mark.last_record).max(0)),
        _ => after_upper,
    };
    Bounds { lower: mark.map(|mark| mark.given_at), upper: at, after_lower, after_upper }
}

/// What agents report of themselves, for their histories.
fn lines(landed: &[Landed<'_>], surroundings: &Surroundings) -> Vec<Line> {
    let mut lines = Vec::new();
    for Landed { package, at } in landed {
        for (kind, words) in &package.events {
            let stamp = Stamp { at: *at, id: crate::new_id(surroundings) };
            let (reseller, agent) = (package.agent.reseller_id, package.agent.agent_id.clone());
            lines.push(Line { reseller, agent, kind, detail: words.clone(), by: None, stamp });
        }
    }
    lines
}
