//! Accepted packages become ledger facts, each dated within the bounds that receipts give it.
//!
//! Deliberately absent: whether a package is taken, and quarantine; what comes here counts.

use super::package::Prepared;
use crate::agents::change::printers_joined;
use crate::agents::history::{Line, Stamp, note_all};
use crate::db::{DbError, Param, Tx, params};
use crate::ledger::{
    AgentRef, Arrivals, Memory, PlacedFold, PlacedJob, PlacedReading, Remark, Sight, Stated, append_folds, append_jobs,
    append_readings, append_seen, stated,
};
use evidence::{Bounds, Interfaces, Mark};
use protocol::Hex;
use report::{Instant, Surroundings};
use std::collections::{BTreeMap, BTreeSet};

const MARKS: &str = "select reseller_id, receipt_mark, received_at, agent_id, last_record from package";
const SECTIONS: &str = "select reseller_id, digest, body from section";

/// A package and when it arrived.
pub(super) struct Landed<'a> {
    pub(super) package: &'a Prepared,
    pub(super) at: Instant,
}

type Marks = BTreeMap<(i64, Hex<16>), Mark>;

/// What sections say that came with these packages or earlier ones, by reseller and digest.
#[derive(Default)]
struct Sections {
    statuses: BTreeMap<(i64, Hex<32>), Stated>,
    interfaces: BTreeMap<(i64, Hex<32>), Interfaces>,
}

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
    let sections = load_sections(tx, landed)?;
    let (mut readings, mut jobs, mut seen, mut folds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Landed { package, at } in landed {
        let bounds = |record: i64, mark: Option<Hex<16>>| bounds((&package.agent, *at), record, mark, &marks);
        for entry in &package.readings {
            let read = bounds(entry.origin.record, entry.seen).place(entry.read_at);
            let reseller = package.agent.reseller_id;
            let stated = entry.stated.as_ref().or_else(|| sections.statuses.get(&(reseller, entry.status)));
            let interfaces = sections.interfaces.get(&(reseller, entry.sources));
            readings.push(PlacedReading { entry, read, received_at: *at, stated, interfaces });
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
    let mut arrivals = Arrivals::default();
    let remarks = append_readings(tx, surroundings, memory, &readings, &mut arrivals)?;
    append_jobs(tx, memory, &jobs, &mut arrivals)?;
    append_seen(tx, &seen, || crate::new_id(surroundings))?;
    append_folds(tx, memory, &folds, &mut arrivals)?;
    arrivals.keep(tx, surroundings.now())?;
    note_all(tx, &lines(landed, remarks, surroundings))
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
        let mark = Mark { given_at: Instant(row.int(2)?), agent: row.text(3)?, last_record: row.int(4)? };
        Ok(((row.int(0)?, Hex(row.array(1)?)), mark))
    })?;
    Ok(found.into_iter().collect())
}

/// What sections say of the state of printers, where the reading's own package does not bring it, and of where
/// rows came from. All that came with these packages are kept by now.
fn load_sections(tx: &mut Tx<'_>, landed: &[Landed<'_>]) -> Result<Sections, DbError> {
    let (mut statuses, mut sources) = (BTreeSet::new(), BTreeSet::new());
    for Landed { package, .. } in landed {
        let reseller = package.agent.reseller_id;
        let open = package.readings.iter().filter(|entry| entry.stated.is_none());
        statuses.extend(open.map(|entry| (reseller, entry.status)));
        sources.extend(package.readings.iter().map(|entry| (reseller, entry.sources)));
    }
    let keys: Vec<Vec<Param>> =
        statuses.union(&sources).map(|(reseller, digest)| params![*reseller, digest.0.as_slice()].to_vec()).collect();
    let found: Vec<((i64, Hex<32>), String)> = tx.query_any(SECTIONS, &["reseller_id", "digest"], &keys, |row| {
        Ok(((row.int(0)?, Hex(row.array(1)?)), row.text(2)?))
    })?;
    let mut sections = Sections::default();
    for (key, json) in found {
        if sources.contains(&key) {
            sections.interfaces.extend(Interfaces::read(&json).map(|interfaces| (key, interfaces)));
        }
        if statuses.contains(&key) {
            sections.statuses.extend(stated(&json).map(|stated| (key, stated)));
        }
    }
    Ok(sections)
}

/// Between which two instants a record was made: after the receipt that it names, before it arrived.
fn bounds((agent, at): (&AgentRef, Instant), record: i64, mark: Option<Hex<16>>, marks: &Marks) -> Bounds {
    let mark = mark.and_then(|mark| marks.get(&(agent.reseller_id, mark)));
    Bounds::of(&agent.agent_id, at, record, mark)
}

/// What agents report of themselves, and what the ledger has to say of what they sent, for their histories.
fn lines(landed: &[Landed<'_>], remarks: Vec<Remark>, surroundings: &Surroundings) -> Vec<Line> {
    let mut lines = Vec::new();
    for Landed { package, at } in landed {
        for (kind, words) in &package.events {
            let stamp = Stamp { at: *at, id: crate::new_id(surroundings) };
            let (reseller, agent) = (package.agent.reseller_id, package.agent.agent_id.clone());
            lines.push(Line { reseller, agent, kind, detail: words.clone(), by: None, stamp });
        }
    }
    for Remark { reseller, agent, kind, detail } in remarks {
        lines.push(Line { reseller, agent, kind, detail, by: None, stamp: Stamp::of(surroundings) });
    }
    lines
}
