//! Accepting packages: each at most once by (agent, sequence, digest), in the order of the chain.
//!
//! What a suspended agent sends is accepted like anything else and held: it has its receipt and its place in
//! the chain, and is no fact of the ledger before somebody resumes the agent. Deliberately absent: what the
//! records say.

use super::append::{Landed, append};
use super::contact::{AgentId, Contact, contacts};
use super::package::Prepared;
use super::release::{HELD_STEP, release_some};
use crate::agents::AgentState;
use crate::agents::change::free_leases;
use crate::agents::history::{Line, Stamp, note_all};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::ledger::Memory;
use protocol::receipt::{Answer, Problem, Receipt};
use protocol::{Hex, SigningKey};
use report::{Instant, Surroundings};
use std::collections::{BTreeMap, BTreeSet};

/// Where an agent's chain stands.
struct Chain {
    state: AgentState,
    next_sequence: i64,
    next_record: i64,
    head: Hex<32>,
    /// Whether packages of it are held.
    holds: bool,
    /// The number of its epoch.
    epoch: i64,
    /// How many evidence keys it has.
    evidence: i64,
    moved: bool,
}

impl Chain {
    /// Whether a request of this epoch came with keys that the agent left behind. Its keys may have moved on
    /// at another portal process after the request was checked.
    fn is_behind(&self, epoch: u64) -> bool {
        u64::try_from(self.epoch).is_ok_and(|own| epoch < own)
    }
}

/// Across resellers: the condition is added where the agents are known. The row is written as it is, which
/// takes it in both databases: until this transaction ends nobody suspends, resumes, revokes or rotates these
/// agents, and no other process accepts a package of them.
const TAKE: &str = "update agent set state = state";

const CHAINS: &str = "select agent.reseller_id, agent.agent_id, agent.state, agent_chain.next_sequence,
    agent_chain.next_record, agent_chain.head,
    (select count(*) from package where package.reseller_id = agent.reseller_id
        and package.agent_id = agent.agent_id and package.held = 1),
    coalesce((select agent_key.epoch from agent_key where agent_key.agent_id = agent.agent_id), 0),
    1 + (select count(*) from agent_evidence_key where agent_evidence_key.reseller_id = agent.reseller_id
        and agent_evidence_key.agent_id = agent.agent_id)
    from agent join agent_chain
    on agent_chain.reseller_id = agent.reseller_id and agent_chain.agent_id = agent.agent_id";
const STORED: &str = "select reseller_id, agent_id, sequence, digest, receipt from package";
const SECTIONS: &str = "select reseller_id, digest from section";
/// Across resellers: the condition is added where the agents are known.
const SET_FORKED: &str = "update agent set state = 'forked'";
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
        ("held", Kind::Int),
        ("receipt_mark", Kind::Bytes),
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

/// Sections that one answer asks for at most, so that it stays within what agents read.
const WANTED_MAX: usize = 64;

/// What the writer decided about a package before anything is inserted.
enum Decision {
    Accept { receipt: Receipt, held: bool },
    Known(Receipt),
    Fork,
    Behind,
    Stale,
    Refuse(Problem),
}

/// What a package is answered.
pub(super) enum Outcome {
    /// Sealed.
    Answer(Box<Answer>),
    /// It is new, and came with keys of the epoch before.
    Behind,
    /// It is new, and was checked with evidence keys that are not the agent's any more.
    Stale,
}

/// Accepts what is new and in order, in one transaction; gives an outcome for each package.
pub(super) fn accept(
    tx: &mut Tx<'_>,
    receipts: &SigningKey,
    surroundings: &Surroundings,
    memory: &mut Memory,
    packages: &[&Prepared],
) -> Result<Vec<Outcome>, DbError> {
    let now = surroundings.now();
    take(tx, &packages.iter().map(|package| agent_id(package)).collect())?;
    let mut chains = load_chains(tx, packages)?;
    // Receipts given within this batch join those of before: the same package may be in it twice.
    let mut given = load_stored(tx, packages, &chains)?;
    let mut decisions = Vec::with_capacity(packages.len());
    for package in packages {
        decisions.push(decide(package, &mut chains, &mut given, receipts, now));
    }
    keep(tx, packages, &decisions, now)?;
    let live = packages.iter().zip(&decisions).filter_map(|(package, decision)| match decision {
        Decision::Accept { held: false, .. } => Some(Landed { package, at: now }),
        _ => None,
    });
    append(tx, surroundings, memory, &live.collect::<Vec<_>>())?;
    keep_forks(tx, packages, &decisions, surroundings)?;
    move_chains(tx, &chains, now)?;
    // An agent that was resumed counts again from its first held package on, in order; what is left is
    // released by whoever resumed it, or with its next package.
    for ((reseller, agent), _) in chains.iter().filter(|(_, chain)| chain.holds && chain.state == AgentState::Active) {
        release_some(tx, surroundings, memory, (*reseller, agent), HELD_STEP)?;
    }
    let known = known_sections(tx, packages)?;
    let heard: BTreeSet<AgentId> = packages
        .iter()
        .zip(&decisions)
        .filter(|(_, decision)| matches!(decision, Decision::Accept { .. } | Decision::Known(_)))
        .map(|(package, _)| (agent_id(package), package.epoch))
        .filter(|(agent, epoch)| chains.get(agent).is_some_and(|chain| !chain.is_behind(*epoch)))
        .map(|(agent, _)| agent)
        .collect();
    let contacts = contacts(tx, &heard, now)?;
    Ok(packages
        .iter()
        .zip(decisions)
        .map(|(package, decision)| {
            let agent = agent_id(package);
            let behind = chains.get(&agent).is_none_or(|chain| chain.is_behind(package.epoch));
            // Who repeats under keys that were left behind may be a copy: it learns nothing but its receipt.
            let contact = if behind { None } else { contacts.get(&agent).cloned() };
            outcome(package, decision, contact.unwrap_or_default(), &known)
        })
        .collect())
}

/// Takes the rows of these agents until the transaction ends.
pub(super) fn take(tx: &mut Tx<'_>, agents: &BTreeSet<AgentId>) -> Result<(), DbError> {
    let keys: Vec<Vec<Param>> = agents.iter().map(|(reseller, agent)| params![*reseller, agent].to_vec()).collect();
    tx.execute_any(TAKE, &["reseller_id", "agent_id"], &keys)?;
    Ok(())
}

fn agent_id(package: &Prepared) -> AgentId {
    (package.agent.reseller_id, package.agent.agent_id.clone())
}

fn load_chains(tx: &mut Tx<'_>, packages: &[&Prepared]) -> Result<BTreeMap<AgentId, Chain>, DbError> {
    let agents: BTreeSet<AgentId> = packages.iter().map(|package| agent_id(package)).collect();
    let keys: Vec<Vec<Param>> = agents.iter().map(|(reseller, agent)| params![*reseller, agent].to_vec()).collect();
    let columns = ["agent.reseller_id", "agent.agent_id"];
    let found = tx.query_any(CHAINS, &columns, &keys, |row| {
        let chain = Chain {
            state: AgentState::read(row, 2)?,
            next_sequence: row.int(3)?,
            next_record: row.int(4)?,
            head: Hex(row.array(5)?),
            holds: row.int(6)? > 0,
            epoch: row.int(7)?,
            evidence: row.int(8)?,
            moved: false,
        };
        Ok(((row.int(0)?, row.text(1)?), chain))
    })?;
    Ok(found.into_iter().collect())
}

type Stored = BTreeMap<(i64, String, i64), (Hex<32>, Receipt)>;

/// The receipts of packages that were accepted before.
fn load_stored(tx: &mut Tx<'_>, packages: &[&Prepared], chains: &BTreeMap<AgentId, Chain>) -> Result<Stored, DbError> {
    let earlier = packages
        .iter()
        .filter(|package| chains.get(&agent_id(package)).is_some_and(|chain| package.sequence < chain.next_sequence));
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
    chains: &mut BTreeMap<AgentId, Chain>,
    given: &mut Stored,
    receipts: &SigningKey,
    now: Instant,
) -> Decision {
    let Some(chain) = chains.get_mut(&agent_id(package)) else {
        return Decision::Refuse(revoked());
    };
    let key = (package.agent.reseller_id, package.agent.agent_id.clone(), package.sequence);
    if let Some((digest, receipt)) = given.get(&key) {
        if *digest == package.digest {
            return Decision::Known(receipt.clone());
        }
        if chain.state.is_over() {
            return Decision::Refuse(revoked());
        }
        // One proof is enough: an agent that is known to be copied cannot fill the disk with more.
        let known = chain.state == AgentState::Forked;
        chain.state = AgentState::Forked;
        return if known { Decision::Refuse(fork()) } else { Decision::Fork };
    }
    if chain.is_behind(package.epoch) {
        return Decision::Behind;
    }
    if i64::try_from(package.evidence).is_ok_and(|known| known != chain.evidence) {
        return Decision::Stale;
    }
    if let Some(problem) = refused(package, chain) {
        return Decision::Refuse(problem);
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
    // While earlier packages are held, later ones wait behind them, or the ledger would lose the order.
    chain.holds |= chain.state == AgentState::Suspended;
    chain.next_sequence += 1;
    chain.next_record = package.last + 1;
    chain.head = package.head;
    chain.moved = true;
    given.insert(key, (package.digest, receipt.clone()));
    Decision::Accept { receipt, held: chain.holds }
}

/// Why a new package is not taken; `None` where it continues the chain of an agent that is believed.
fn refused(package: &Prepared, chain: &Chain) -> Option<Problem> {
    match &chain.state {
        AgentState::Active | AgentState::Suspended => {}
        AgentState::Pending => {
            let problem = Problem::new(409, "unconfirmed", "This agent's enrolment is not confirmed.");
            return Some(problem.with_detail("Confirm the account, then send this again."));
        }
        AgentState::Forked => return Some(fork()),
        AgentState::Revoked | AgentState::Left | AgentState::Unknown(_) => return Some(revoked()),
    }
    if package.sequence != chain.next_sequence {
        let mut problem = Problem::new(409, "order", format!("Package {} is expected.", chain.next_sequence));
        problem.expected_sequence = u64::try_from(chain.next_sequence).ok();
        return Some(problem.with_detail("Send that one first."));
    }
    let continues = package.first == chain.next_record && package.previous == chain.head;
    (!continues).then(|| {
        Problem::new(409, "chain", "The package does not continue the chain that the portal keeps.")
            .with_detail("Ask by a message where the portal stands.")
    })
}

/// Keeps the bytes, the receipts and the sections of what was accepted.
fn keep(tx: &mut Tx<'_>, packages: &[&Prepared], decisions: &[Decision], now: Instant) -> Result<(), DbError> {
    let (mut rows, mut sections) = (Vec::new(), BTreeMap::new());
    for (package, decision) in packages.iter().zip(decisions) {
        let Decision::Accept { receipt, held } = decision else { continue };
        let (text, mark) = (serde_json::to_string(receipt)?, receipt.mark());
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
                body,
                i64::from(*held),
                mark.0.as_slice()
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

/// Keeps second packages under one sequence number, and stops believing their agents.
fn keep_forks(
    tx: &mut Tx<'_>,
    packages: &[&Prepared],
    decisions: &[Decision],
    surroundings: &Surroundings,
) -> Result<(), DbError> {
    let now = surroundings.now();
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
    let mut lines: Vec<Line> = Vec::new();
    for package in &forks {
        let detail = format!("Two packages came under number {}: it was copied, or restored.", package.sequence);
        let (reseller, agent) = agent_id(package);
        lines.push(Line { reseller, agent, kind: "fork", detail, by: None, stamp: Stamp::of(surroundings) });
    }
    note_all(tx, &lines)?;
    let agents: BTreeSet<AgentId> = forks.iter().map(|package| agent_id(package)).collect();
    for (_, agent) in &agents {
        tracing::warn!(
            agent.id = agent,
            "an agent sent two packages under one number: it was copied, or restored from a backup"
        );
    }
    let keys: Vec<Vec<Param>> = agents.iter().map(|(reseller, agent)| params![*reseller, agent].to_vec()).collect();
    tx.execute_any(SET_FORKED, &["reseller_id", "agent_id"], &keys)?;
    free_leases(tx, &agents)
}

fn move_chains(tx: &mut Tx<'_>, chains: &BTreeMap<AgentId, Chain>, now: Instant) -> Result<(), DbError> {
    let moved = chains.iter().filter(|(_, chain)| chain.moved);
    let rows: Vec<Vec<Param>> = moved
        .map(|((reseller, agent), chain)| {
            let head = chain.head.0.as_slice();
            params![*reseller, agent, chain.next_sequence, chain.next_record, head, now].to_vec()
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

/// An agent of which nothing is taken any more.
pub(super) fn revoked() -> Problem {
    Problem::new(403, "revoked", "This agent is not enrolled any more.")
        .with_detail("Keep everything and ask your reseller.")
}

/// An agent that was copied.
pub(super) fn fork() -> Problem {
    Problem::new(409, "fork", "Another package was accepted under one of this agent's numbers.")
        .with_detail("This agent was copied. Keep everything and ask your reseller.")
}

fn outcome(
    package: &Prepared,
    decision: Decision,
    Contact { settings, duty }: Contact,
    known: &BTreeSet<(i64, Hex<32>)>,
) -> Outcome {
    let receipt = match decision {
        Decision::Accept { receipt, .. } | Decision::Known(receipt) => receipt,
        Decision::Refuse(problem) => return Outcome::Answer(Box::new(Answer::Refused(problem))),
        Decision::Fork => return Outcome::Answer(Box::new(Answer::Refused(fork()))),
        Decision::Behind => return Outcome::Behind,
        Decision::Stale => return Outcome::Stale,
    };
    let reseller = package.agent.reseller_id;
    let wanted: BTreeSet<Hex<32>> =
        package.references.iter().filter(|digest| !known.contains(&(reseller, **digest))).copied().collect();
    // What is left is asked for with the next answers.
    let wanted = wanted.into_iter().take(WANTED_MAX).collect();
    Outcome::Answer(Box::new(Answer::Accepted { receipt, settings, wanted, duty }))
}
