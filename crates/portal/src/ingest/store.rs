//! Accepting packages: each at most once by (agent, sequence, digest), in the order of the chain.

use super::package::Prepared;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::ledger::{AgentRef, Memory, append_jobs, append_readings};
use protocol::receipt::{Answer, Problem, Receipt, Settings};
use protocol::{Hex, Keys, SigningKey, VerifyingKey};
use report::{Instant, Surroundings};
use std::collections::{BTreeMap, BTreeSet};

/// An agent's keys, ready for use.
pub(crate) struct AgentKeys {
    pub(crate) agent: AgentRef,
    pub(crate) keys: Keys,
    pub(crate) evidence: VerifyingKey,
}

/// Where an agent stands.
struct Standing {
    state: String,
    next_sequence: i64,
    next_record: i64,
    head: Hex<32>,
    settings: Settings,
    moved: bool,
}

const STANDINGS: &str = "select agent.reseller_id, agent.agent_id, agent.state, agent_chain.next_sequence,
    agent_chain.next_record, agent_chain.head, agent.settings_version, agent.interval_minutes
    from agent join agent_chain
    on agent_chain.reseller_id = agent.reseller_id and agent_chain.agent_id = agent.agent_id";
const STORED: &str = "select reseller_id, agent_id, sequence, digest, receipt from package";
const SECTIONS: &str = "select reseller_id, digest from section";
const SET_FORKED: &str = "update agent set state = 'forked' where reseller_id = $1 and agent_id = $2";
const CHAIN: Bulk = Bulk {
    table: "agent_chain",
    columns: &[
        ("reseller_id", Kind::Int),
        ("agent_id", Kind::Text),
        ("next_sequence", Kind::Int),
        ("next_record", Kind::Int),
        ("head", Kind::Bytes),
        ("seen_at", Kind::Int),
    ],
    key: 2,
    on_conflict: "do update set next_sequence = excluded.next_sequence, next_record = excluded.next_record,
                  head = excluded.head, seen_at = excluded.seen_at",
};
const PACKAGE: Bulk = Bulk {
    table: "package",
    columns: &[
        ("reseller_id", Kind::Int),
        ("agent_id", Kind::Text),
        ("sequence", Kind::Int),
        ("digest", Kind::Bytes),
        ("first_record", Kind::Int),
        ("last_record", Kind::Int),
        ("received_at", Kind::Int),
        ("receipt", Kind::Text),
        ("body", Kind::Bytes),
    ],
    key: 3,
    on_conflict: "do nothing",
};
const FORK: Bulk = Bulk {
    table: "package_fork",
    columns: &[
        ("reseller_id", Kind::Int),
        ("agent_id", Kind::Text),
        ("sequence", Kind::Int),
        ("digest", Kind::Bytes),
        ("received_at", Kind::Int),
        ("body", Kind::Bytes),
    ],
    key: 4,
    on_conflict: "do nothing",
};
const SECTION: Bulk = Bulk {
    table: "section",
    columns: &[("reseller_id", Kind::Int), ("digest", Kind::Bytes), ("body", Kind::Text)],
    key: 2,
    on_conflict: "do nothing",
};

/// What the writer decided about a package before anything is inserted.
enum Decision {
    Accept(Receipt),
    Known(Receipt),
    Fork,
    Refuse(Problem),
}

/// Accepts what is new and in order, in one transaction; gives an answer for each package.
pub(super) fn accept(
    tx: &mut Tx<'_>,
    receipts: &SigningKey,
    surroundings: &Surroundings,
    memory: &mut Memory,
    packages: &[&Prepared],
) -> Result<Vec<Answer>, DbError> {
    let now = surroundings.now();
    let mut standings = load_standings(tx, packages)?;
    let stored = load_stored(tx, packages, &standings)?;
    let mut decisions = Vec::with_capacity(packages.len());
    // Receipts given within this batch: the same package may be in it twice.
    let mut given = stored;
    for package in packages {
        decisions.push(decide(package, &mut standings, &mut given, receipts, now));
    }
    let accepted: Vec<(&Prepared, &Receipt)> = packages
        .iter()
        .zip(&decisions)
        .filter_map(|(package, decision)| match decision {
            Decision::Accept(receipt) => Some((*package, receipt)),
            _ => None,
        })
        .collect();
    keep(tx, &accepted, now)?;
    append(tx, surroundings, memory, &accepted, now)?;
    keep_forks(tx, packages, &decisions, now)?;
    move_chains(tx, &standings, now)?;
    let known = known_sections(tx, packages)?;
    Ok(packages
        .iter()
        .zip(decisions)
        .map(|(package, decision)| answer(package, decision, &standings, &known))
        .collect())
}

type AgentId = (i64, String);

fn agent_id(package: &Prepared) -> AgentId {
    (package.agent.reseller_id, package.agent.agent_id.clone())
}

fn load_standings(tx: &mut Tx<'_>, packages: &[&Prepared]) -> Result<BTreeMap<AgentId, Standing>, DbError> {
    let agents: BTreeSet<AgentId> = packages.iter().map(|package| agent_id(package)).collect();
    let keys: Vec<Vec<Param>> = agents.iter().map(|(reseller, agent)| params![*reseller, agent].to_vec()).collect();
    let columns = ["agent.reseller_id", "agent.agent_id"];
    let found = tx.query_any(STANDINGS, &columns, &keys, |row| {
        let standing = Standing {
            state: row.text(2)?,
            next_sequence: row.int(3)?,
            next_record: row.int(4)?,
            head: Hex(row.array(5)?),
            settings: Settings {
                version: u64::try_from(row.int(6)?).unwrap_or(0),
                interval_minutes: u32::try_from(row.int(7)?).unwrap_or(u32::MAX),
            },
            moved: false,
        };
        Ok(((row.int(0)?, row.text(1)?), standing))
    })?;
    Ok(found.into_iter().collect())
}

type Stored = BTreeMap<(i64, String, i64), (Hex<32>, Receipt)>;

/// The receipts of packages that were accepted before.
fn load_stored(
    tx: &mut Tx<'_>,
    packages: &[&Prepared],
    standings: &BTreeMap<AgentId, Standing>,
) -> Result<Stored, DbError> {
    let earlier = packages.iter().filter(|package| {
        standings.get(&agent_id(package)).is_some_and(|standing| package.sequence < standing.next_sequence)
    });
    let keys: Vec<Vec<Param>> = earlier
        .map(|package| params![package.agent.reseller_id, &package.agent.agent_id, package.sequence].to_vec())
        .collect();
    let found = tx.query_any(STORED, &["reseller_id", "agent_id", "sequence"], &keys, |row| {
        let receipt: Receipt = serde_json::from_str(&row.text(4)?)?;
        Ok(((row.int(0)?, row.text(1)?, row.int(2)?), (Hex(row.array(3)?), receipt)))
    })?;
    Ok(found.into_iter().collect())
}

fn decide(
    package: &Prepared,
    standings: &mut BTreeMap<AgentId, Standing>,
    given: &mut Stored,
    receipts: &SigningKey,
    now: Instant,
) -> Decision {
    let Some(standing) = standings.get_mut(&agent_id(package)) else {
        return Decision::Refuse(Problem::new(403, "agent", "This agent is not enrolled any more."));
    };
    let key = (package.agent.reseller_id, package.agent.agent_id.clone(), package.sequence);
    if let Some((digest, receipt)) = given.get(&key) {
        if *digest == package.digest {
            return Decision::Known(receipt.clone());
        }
        // One proof is enough: an agent that is known to be copied cannot fill the disk with more.
        let known = standing.state == "forked";
        standing.state = "forked".to_owned();
        return if known { Decision::Refuse(fork()) } else { Decision::Fork };
    }
    if standing.state == "pending" {
        let problem = Problem::new(409, "unconfirmed", "This agent's enrolment is not confirmed.");
        return Decision::Refuse(problem.with_detail("Confirm the account, then send this again."));
    }
    if standing.state != "active" {
        let problem =
            Problem::new(403, "suspended", format!("This agent is {}; its data is not taken.", standing.state));
        return Decision::Refuse(problem.with_detail("Keep everything and ask your reseller."));
    }
    if package.sequence != standing.next_sequence {
        let mut problem = Problem::new(409, "order", format!("Package {} is expected.", standing.next_sequence));
        problem.expected_sequence = u64::try_from(standing.next_sequence).ok();
        return Decision::Refuse(problem.with_detail("Send that one first."));
    }
    if package.first != standing.next_record || package.previous != standing.head {
        return Decision::Refuse(Problem::new(
            409,
            "chain",
            "The package does not continue the chain that the portal keeps.",
        ));
    }
    let receipt = Receipt {
        agent: package.agent.agent_id.clone(),
        sequence: u64::try_from(package.sequence).unwrap_or(0),
        digest: package.digest,
        last: u64::try_from(package.last).unwrap_or(0),
        head: package.head,
        accepted_at: now,
        signature: Hex([0; 64]),
    };
    let receipt = receipt.signed(receipts);
    standing.next_sequence += 1;
    standing.next_record = package.last + 1;
    standing.head = package.head;
    standing.moved = true;
    given.insert(key, (package.digest, receipt.clone()));
    Decision::Accept(receipt)
}

/// Keeps the bytes, the receipts and the sections.
fn keep(tx: &mut Tx<'_>, accepted: &[(&Prepared, &Receipt)], now: Instant) -> Result<(), DbError> {
    let mut rows = Vec::with_capacity(accepted.len());
    let mut sections = BTreeMap::new();
    for (package, receipt) in accepted {
        let text = serde_json::to_string(receipt)?;
        let (agent, digest, body) = (&package.agent, package.digest.0.as_slice(), package.body.as_slice());
        rows.push(
            params![
                agent.reseller_id,
                &agent.agent_id,
                package.sequence,
                digest,
                package.first,
                package.last,
                now,
                text,
                body
            ]
            .to_vec(),
        );
        for (digest, text) in &package.sections {
            sections.insert((agent.reseller_id, *digest), text);
        }
    }
    if PACKAGE.insert(tx, &rows)?.contains(&false) {
        return Err(DbError::Unfit("another portal process accepted a package of this batch meanwhile".to_owned()));
    }
    let rows: Vec<Vec<Param>> = sections
        .iter()
        .map(|((reseller, digest), text)| params![*reseller, digest.0.as_slice(), text.as_str()].to_vec())
        .collect();
    SECTION.insert(tx, &rows)?;
    Ok(())
}

/// Turns the accepted packages into ledger facts.
fn append(
    tx: &mut Tx<'_>,
    surroundings: &Surroundings,
    memory: &mut Memory,
    accepted: &[(&Prepared, &Receipt)],
    now: Instant,
) -> Result<(), DbError> {
    let readings: Vec<_> = accepted.iter().flat_map(|(package, _)| &package.readings).collect();
    let jobs: Vec<_> = accepted.iter().flat_map(|(package, _)| &package.jobs).collect();
    let seen = readings.iter().map(|entry| (&entry.origin.agent, &entry.printer));
    let seen = seen.chain(jobs.iter().map(|entry| (&entry.origin.agent, &entry.printer)));
    memory.learn_printers(tx, seen, now, || crate::new_id(surroundings))?;
    memory.learn_zones(
        tx,
        accepted.iter().map(|(package, _)| (package.agent.reseller_id, package.agent.customer_id)).collect(),
    )?;
    append_readings(tx, memory, &readings, now)?;
    append_jobs(tx, memory, &jobs)?;
    Ok(())
}

/// Keeps second packages under one sequence number, and stops believing their agents.
fn keep_forks(tx: &mut Tx<'_>, packages: &[&Prepared], decisions: &[Decision], now: Instant) -> Result<(), DbError> {
    let forks = packages.iter().zip(decisions).filter(|(_, decision)| matches!(decision, Decision::Fork));
    let forks: Vec<&Prepared> = forks.map(|(package, _)| *package).collect();
    let rows: Vec<Vec<Param>> = forks
        .iter()
        .map(|package| {
            let (agent, digest, body) = (&package.agent, package.digest.0.as_slice(), package.body.as_slice());
            params![agent.reseller_id, &agent.agent_id, package.sequence, digest, now, body].to_vec()
        })
        .collect();
    FORK.insert(tx, &rows)?;
    for (reseller, agent) in forks.iter().map(|package| agent_id(package)).collect::<BTreeSet<_>>() {
        tracing::warn!(
            agent.id = agent,
            "an agent sent two packages under one number: it was copied, or restored from a backup"
        );
        tx.execute(SET_FORKED, params![reseller, agent])?;
    }
    Ok(())
}

fn move_chains(tx: &mut Tx<'_>, standings: &BTreeMap<AgentId, Standing>, now: Instant) -> Result<(), DbError> {
    let moved = standings.iter().filter(|(_, standing)| standing.moved);
    let rows: Vec<Vec<Param>> = moved
        .map(|((reseller, agent), standing)| {
            let head = standing.head.0.as_slice();
            params![*reseller, agent, standing.next_sequence, standing.next_record, head, now].to_vec()
        })
        .collect();
    CHAIN.insert(tx, &rows)?;
    Ok(())
}

/// Which of the sections that records refer to the portal has.
fn known_sections(tx: &mut Tx<'_>, packages: &[&Prepared]) -> Result<BTreeSet<(i64, Hex<32>)>, DbError> {
    let wanted: BTreeSet<(i64, Hex<32>)> = packages
        .iter()
        .flat_map(|package| package.references.iter().map(|digest| (package.agent.reseller_id, *digest)))
        .collect();
    let keys: Vec<Vec<Param>> =
        wanted.iter().map(|(reseller, digest)| params![*reseller, digest.0.as_slice()].to_vec()).collect();
    let found =
        tx.query_any(SECTIONS, &["reseller_id", "digest"], &keys, |row| Ok((row.int(0)?, Hex(row.array(1)?))))?;
    Ok(found.into_iter().collect())
}

fn fork() -> Problem {
    Problem::new(409, "fork", "Another package was accepted under this number.")
        .with_detail("This agent was copied. Keep everything and ask your reseller.")
}

fn answer(
    package: &Prepared,
    decision: Decision,
    standings: &BTreeMap<AgentId, Standing>,
    known: &BTreeSet<(i64, Hex<32>)>,
) -> Answer {
    let receipt = match decision {
        Decision::Accept(receipt) | Decision::Known(receipt) => receipt,
        Decision::Refuse(problem) => return Answer::Refused(problem),
        Decision::Fork => return Answer::Refused(fork()),
    };
    let reseller = package.agent.reseller_id;
    let wanted: BTreeSet<Hex<32>> =
        package.references.iter().filter(|digest| !known.contains(&(reseller, **digest))).copied().collect();
    let settings = standings.get(&agent_id(package)).map(|standing| standing.settings.clone()).unwrap_or_default();
    Answer::Accepted { receipt, settings, wanted: wanted.into_iter().collect() }
}
