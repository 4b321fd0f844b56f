//! The keys of agents: which epoch a request is in, and how the portal moves on with its agent.
//!
//! An agent moves first; the portal follows when a request in a later epoch proves to be the agent's. The
//! epoch before is kept for a week, for answers to repetitions only. Deliberately absent: any key that could
//! make evidence.

use super::package::{Opening, best_grade};
use crate::Portal;
use crate::db::{DbError, Param, Tx, params};
use crate::keys::PortalKeys;
use crate::ledger::AgentRef;
use protocol::limits::{EPOCH_KEEP_DAYS, EPOCHS_MAX};
use protocol::package::EvidenceKeys;
use protocol::{Hex, Keys, Schedule, Secret, VerifyingKey};
use report::{Duration, Grade, Instant};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Up to so many epochs ahead are derived at once; agents are further ahead only of a portal that was
/// restored.
const NEAR: u64 = 64;
/// How long a pair of agent and epoch that did not fit is remembered.
const UNFIT_FOR: Duration = Duration::minutes(1);
/// Pairs that are remembered at most.
const UNFIT_MAX: usize = 10_000;

/// Across resellers: this is how an agent's claim becomes a reseller.
const KEYS: &str = "select reseller_id, customer_id, sealed_secret, transcript, epoch, previous_secret, previous_until
    from agent_key where agent_id = $1";
const KIND: &str = "select kind, way from agent where reseller_id = $1 and agent_id = $2";
const FIRST_EVIDENCE: &str = "select evidence_key from agent_key where agent_id = $1";
const LATER_EVIDENCE: &str = "select from_sequence, evidence_key from agent_evidence_key
    where reseller_id = $1 and agent_id = $2 order by from_sequence";
const KINDS: &str = "select reseller_id, agent_id, kind, way from agent";
const FIRST_KEYS: &str = "select reseller_id, agent_id, evidence_key from agent_key";
const LATER_KEYS: &str = "select reseller_id, agent_id, from_sequence, evidence_key from agent_evidence_key";
/// An agent that waits for a person to compare digits: it has keys, and belongs to nobody.
const COMPARING: &str =
    "select evidence_key, sealed_secret, transcript from comparison where agent_id = $1 and state <> 'open'";
const STEP: &str = "update agent_key set epoch = $2, sealed_secret = $3, previous_secret = $4, previous_until = $5
    where agent_id = $1 and epoch < $2";

/// An agent's keys, ready for use.
pub(crate) struct AgentKeys {
    pub(crate) agent: AgentRef,
    /// The best grade that is believed of it.
    pub(crate) best: Grade,
    pub(crate) evidence: EvidenceKeys,
    /// Whether it waits for a person to compare digits; then it belongs to nobody yet.
    pub(crate) comparing: bool,
    current: Schedule,
    keys: Keys,
    /// The epoch before, and until when it is kept.
    previous: Option<(Schedule, Instant)>,
}

/// How the epoch that a request names fits what the portal has.
pub(super) enum Fit {
    /// The current one.
    Current(Keys),
    /// The one before: only repetitions are answered.
    Previous(Keys),
    /// A later one, which [`AgentKeys::ahead`] derives; the portal steps to it when the request proves to be
    /// the agent's.
    Ahead,
    /// An earlier one whose keys are gone: the agent is an old copy of itself.
    Behind,
    /// None that can be.
    Unfit,
}

impl AgentKeys {
    /// What it takes to read its packages.
    pub(super) fn opening(&self) -> Opening<'_> {
        Opening { agent: &self.agent, best: self.best, evidence: &self.evidence }
    }

    /// The number of the current epoch.
    pub(super) fn epoch(&self) -> u64 {
        self.current.epoch()
    }

    /// Looks where `epoch` lies.
    pub(super) fn fit(&self, epoch: u64, now: Instant) -> Fit {
        if epoch == self.current.epoch() {
            return Fit::Current(self.keys.clone());
        }
        if epoch > self.current.epoch() {
            let near = epoch - self.current.epoch() <= EPOCHS_MAX;
            return if near && !self.comparing { Fit::Ahead } else { Fit::Unfit };
        }
        match &self.previous {
            Some((previous, until)) if previous.epoch() == epoch && now <= *until => Fit::Previous(previous.keys()),
            _ => Fit::Behind,
        }
    }

    /// The keys of a later epoch. Thousands of them cost more than an async thread should do at once, see
    /// [`AgentKeys::is_far`].
    pub(super) fn ahead(&self, epoch: u64) -> Option<Schedule> {
        self.current.forward(epoch)
    }

    /// Whether it takes long to derive the keys of `epoch`.
    pub(super) fn is_far(&self, epoch: u64) -> bool {
        epoch > self.current.epoch().saturating_add(NEAR)
    }
}

/// Which (agent, epoch) did not fit a signature lately: what an unauthenticated request can cost is not paid
/// again and again. Only far jumps and lookups are saved, so that an agent in its next epoch is always heard.
#[derive(Default)]
pub(crate) struct Unfit(Mutex<BTreeMap<(String, u64), Instant>>);

impl Unfit {
    /// Whether this pair failed within the last minute.
    pub(super) fn is_known(&self, agent_id: &str, epoch: u64, now: Instant) -> bool {
        let failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = failed.get(&(agent_id.to_owned(), epoch)).copied();
        at.is_some_and(|at| now < at.plus(UNFIT_FOR))
    }

    /// Remembers that this pair failed.
    pub(super) fn add(&self, agent_id: &str, epoch: u64, now: Instant) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() >= UNFIT_MAX {
            failed.retain(|_, at| now < at.plus(UNFIT_FOR));
        }
        if failed.len() < UNFIT_MAX {
            failed.insert((agent_id.to_owned(), epoch), now);
        }
    }
}

/// The keys of an agent; `None` where there is no such agent.
pub(crate) fn load_keys(tx: &mut Tx<'_>, agent_id: &str, portal: &PortalKeys) -> Result<Option<AgentKeys>, DbError> {
    let unfit = |what: &str| DbError::Unfit(format!("agent {agent_id}: {what}"));
    let sealed = |secret: &[u8]| {
        let opened = portal.open(secret).map(Secret::new);
        opened.map_err(|_| unfit("its secret does not open with this portal's key file"))
    };
    let found = tx.query_opt(KEYS, params![agent_id], |row| {
        let agent = AgentRef { reseller_id: row.int(0)?, customer_id: row.int(1)?, agent_id: agent_id.to_owned() };
        let previous = match row.opt_int(6)? {
            Some(until) => Some((row.bytes(5)?, Instant(until))),
            None => None,
        };
        Ok((agent, row.bytes(2)?, Hex(row.array::<32>(3)?), row.int(4)?, previous))
    })?;
    let Some((agent, secret, transcript, epoch, previous)) = found else { return load_comparing(tx, agent_id, portal) };
    let epoch = u64::try_from(epoch).map_err(|_| unfit("its epoch is negative"))?;
    let at = |epoch: u64, secret: &Secret| Schedule::at(epoch, secret, &portal.portal_id, agent_id, &transcript);
    let current = at(epoch, &sealed(secret.as_slice())?);
    let previous = match (previous, epoch.checked_sub(1)) {
        (Some((secret, until)), Some(before)) => Some((at(before, &sealed(secret.as_slice())?), until)),
        _ => None,
    };
    let best =
        tx.query_opt(KIND, params![agent.reseller_id, agent_id], |row| Ok(best_grade(&row.text(0)?, &row.text(1)?)))?;
    let best = best.unwrap_or(Grade::B);
    let evidence = load_evidence(tx, &agent)?.ok_or_else(|| unfit("it has no evidence key"))?;
    let keys = current.keys();
    Ok(Some(AgentKeys { agent, best, evidence, comparing: false, current, keys, previous }))
}

fn load_comparing(tx: &mut Tx<'_>, agent_id: &str, portal: &PortalKeys) -> Result<Option<AgentKeys>, DbError> {
    let found = tx.query_opt(COMPARING, params![agent_id], |row| {
        Ok((row.array::<32>(0)?, row.bytes(1)?, Hex(row.array::<32>(2)?)))
    })?;
    let Some((evidence, secret, transcript)) = found else { return Ok(None) };
    let unfit = |what: &str| DbError::Unfit(format!("agent {agent_id}: {what}"));
    let secret = portal.open(&secret).map_err(|_| unfit("its secret does not open with this portal's key file"))?;
    let evidence = VerifyingKey::from_bytes(&evidence).map_err(|_| unfit("its evidence key is damaged"))?;
    let current = Schedule::new(&Secret::new(secret), &portal.portal_id, agent_id, &transcript);
    let keys = current.keys();
    Ok(Some(AgentKeys {
        agent: AgentRef { reseller_id: 0, customer_id: 0, agent_id: agent_id.to_owned() },
        best: Grade::B,
        evidence: EvidenceKeys::one(evidence),
        comparing: true,
        current,
        keys,
        previous: None,
    }))
}

/// The evidence keys of an agent: the one of its enrolment, and those that it rotated to.
pub(super) fn load_evidence(tx: &mut Tx<'_>, agent: &AgentRef) -> Result<Option<EvidenceKeys>, DbError> {
    let unfit = || DbError::Unfit(format!("agent {}: an evidence key of it is damaged", agent.agent_id));
    let key = |bytes: [u8; 32]| VerifyingKey::from_bytes(&bytes).map_err(|_| unfit());
    let first = tx.query_opt(FIRST_EVIDENCE, params![&agent.agent_id], |row| row.array::<32>(0))?;
    let Some(first) = first else { return Ok(None) };
    let later = tx.query(LATER_EVIDENCE, params![agent.reseller_id, &agent.agent_id], |row| {
        Ok((row.int(0)?, row.array::<32>(1)?))
    })?;
    let mut evidence = EvidenceKeys::one(key(first)?);
    for (from, bytes) in later {
        evidence.0.push((u64::try_from(from).map_err(|_| unfit())?, key(bytes)?));
    }
    Ok(Some(evidence))
}

/// What evidence of an agent rests on: the best grade that is believed of it, and the keys that it signs with.
pub(crate) struct Witness {
    pub(crate) best: Grade,
    pub(crate) evidence: EvidenceKeys,
}

/// What the evidence of agents rests on, by agent. Only public keys are read: it can be shown without the secrets
/// that the portal's key file opens.
pub(crate) fn load_witnesses(
    tx: &mut Tx<'_>,
    reseller_id: i64,
    agents: &[&str],
) -> Result<BTreeMap<String, Witness>, DbError> {
    let damaged = |agent: &str| DbError::Unfit(format!("agent {agent}: an evidence key of it is damaged"));
    let read = |agent: &str, bytes: [u8; 32]| VerifyingKey::from_bytes(&bytes).map_err(|_| damaged(agent));
    let rows: Vec<Vec<Param>> = agents.iter().map(|agent| params![reseller_id, *agent].to_vec()).collect();
    let columns = ["reseller_id", "agent_id"];
    let kinds: Vec<(String, Grade)> =
        tx.query_any(KINDS, &columns, &rows, |row| Ok((row.text(1)?, best_grade(&row.text(2)?, &row.text(3)?))))?;
    let kinds: BTreeMap<String, Grade> = kinds.into_iter().collect();
    let first: Vec<(String, [u8; 32])> =
        tx.query_any(FIRST_KEYS, &columns, &rows, |row| Ok((row.text(1)?, row.array(2)?)))?;
    let mut later: Vec<(String, u64, [u8; 32])> = tx.query_any(LATER_KEYS, &columns, &rows, |row| {
        let from = u64::try_from(row.int(2)?).map_err(|_| DbError::Shape { column: 2, wanted: "a sequence" })?;
        Ok((row.text(1)?, from, row.array(3)?))
    })?;
    later.sort();
    let mut witnesses = BTreeMap::new();
    for (agent, bytes) in first {
        let evidence = EvidenceKeys::one(read(&agent, bytes)?);
        let best = kinds.get(&agent).copied().unwrap_or(Grade::B);
        witnesses.insert(agent, Witness { best, evidence });
    }
    for (agent, from, bytes) in later {
        let key = read(&agent, bytes)?;
        if let Some(witness) = witnesses.get_mut(&agent) {
            witness.evidence.0.push((from, key));
        }
    }
    Ok(witnesses)
}

/// Moves an agent on to the epoch `to`, which it proved to be in; gives its keys there. Another process
/// may have moved it meanwhile: both derive the same, and the later epoch stays.
pub(super) async fn step(portal: &Portal, keys: &AgentKeys, to: Schedule) -> Result<Option<Arc<AgentKeys>>, DbError> {
    let agent_id = keys.agent.agent_id.clone();
    let unfit = || DbError::Unfit(format!("agent {agent_id}: its epoch cannot be kept"));
    let before = to.epoch().checked_sub(1).and_then(|epoch| keys.current.forward(epoch)).ok_or_else(unfit)?;
    let epoch = i64::try_from(to.epoch()).map_err(|_| unfit())?;
    let surroundings = portal.surroundings();
    let secret = portal.keys().seal(to.secret().expose(), surroundings);
    let previous = portal.keys().seal(before.secret().expose(), surroundings);
    let until = surroundings.now().plus(Duration::hours(24 * EPOCH_KEEP_DAYS));
    let agent = agent_id.clone();
    portal.db().write(move |tx| tx.execute(STEP, params![agent, epoch, secret, previous, until])).await?;
    tracing::debug!(agent.id = agent_id, epoch, "an agent's keys moved on");
    portal.reload_keys(&agent_id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_did_not_fit_is_remembered_for_a_minute_and_the_memory_is_bounded() {
        let unfit = Unfit::default();
        unfit.add("agent-1", 7, Instant(0));
        assert!(unfit.is_known("agent-1", 7, Instant(59_999)));
        assert!(!unfit.is_known("agent-1", 8, Instant(0)) && !unfit.is_known("agent-2", 7, Instant(0)));
        assert!(!unfit.is_known("agent-1", 7, Instant(60_000)));
        for epoch in 0..20_000 {
            unfit.add("agent-3", epoch, Instant(0));
        }
        assert!(!unfit.is_known("agent-3", 19_999, Instant(0)));
        // Room comes back when the minute is over.
        unfit.add("agent-3", 19_999, Instant(60_000));
        assert!(unfit.is_known("agent-3", 19_999, Instant(60_000)));
    }
}
