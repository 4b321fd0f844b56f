//! The keys of agents: which epoch a request is in, and how the portal moves on with its agent.
//!
//! An agent moves first; the portal follows when a request in a later epoch proves to be the agent's. The
//! epoch before is kept for a week, for answers to repetitions only. Deliberately absent: any key that could
//! make evidence.

use super::package::Opening;
use crate::Portal;
use crate::db::{DbError, Tx, params};
use crate::keys::PortalKeys;
use crate::ledger::AgentRef;
use protocol::limits::EPOCH_KEEP_DAYS;
use protocol::message::AgentKind;
use protocol::package::EvidenceKeys;
use protocol::{Hex, Keys, Schedule, Secret, VerifyingKey};
use report::{Duration, Instant};
use std::sync::Arc;

/// Across resellers: this is how an agent's claim becomes a reseller.
const KEYS: &str = "select reseller_id, customer_id, sealed_secret, transcript, epoch, previous_secret, previous_until
    from agent_key where agent_id = $1";
const KIND: &str = "select kind from agent where reseller_id = $1 and agent_id = $2";
const FIRST_EVIDENCE: &str = "select evidence_key from agent_key where agent_id = $1";
const LATER_EVIDENCE: &str = "select from_sequence, evidence_key from agent_evidence_key
    where reseller_id = $1 and agent_id = $2 order by from_sequence";
/// An agent that waits for a person to compare digits: it has keys, and belongs to nobody.
const COMPARING: &str =
    "select evidence_key, sealed_secret, transcript, kind from comparison where agent_id = $1 and state <> 'open'";
const STEP: &str = "update agent_key set epoch = $2, sealed_secret = $3, previous_secret = $4, previous_until = $5
    where agent_id = $1 and epoch < $2";

/// An agent's keys, ready for use.
pub(crate) struct AgentKeys {
    pub(crate) agent: AgentRef,
    pub(crate) kind: AgentKind,
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
    /// A later one; the portal steps to it when the request proves to be the agent's.
    Ahead(Box<Schedule>),
    /// An earlier one whose keys are gone: the agent is an old copy of itself.
    Behind,
    /// None that can be.
    Unfit,
}

impl AgentKeys {
    /// What it takes to read its packages.
    pub(super) fn opening(&self) -> Opening<'_> {
        Opening { agent: &self.agent, kind: self.kind, evidence: &self.evidence }
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
            let ahead = self.current.forward(epoch).filter(|_| !self.comparing);
            return ahead.map_or(Fit::Unfit, |schedule| Fit::Ahead(Box::new(schedule)));
        }
        match &self.previous {
            Some((previous, until)) if previous.epoch() == epoch && now <= *until => Fit::Previous(previous.keys()),
            _ => Fit::Behind,
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
    let kind = tx.query_opt(KIND, params![agent.reseller_id, agent_id], |row| row.text(0))?;
    let kind = kind.and_then(|word| AgentKind::parse(&word)).unwrap_or_default();
    let evidence = load_evidence(tx, &agent)?.ok_or_else(|| unfit("it has no evidence key"))?;
    let keys = current.keys();
    Ok(Some(AgentKeys { agent, kind, evidence, comparing: false, current, keys, previous }))
}

fn load_comparing(tx: &mut Tx<'_>, agent_id: &str, portal: &PortalKeys) -> Result<Option<AgentKeys>, DbError> {
    let found = tx.query_opt(COMPARING, params![agent_id], |row| {
        Ok((row.array::<32>(0)?, row.bytes(1)?, Hex(row.array::<32>(2)?), row.text(3)?))
    })?;
    let Some((evidence, secret, transcript, kind)) = found else { return Ok(None) };
    let unfit = |what: &str| DbError::Unfit(format!("agent {agent_id}: {what}"));
    let secret = portal.open(&secret).map_err(|_| unfit("its secret does not open with this portal's key file"))?;
    let evidence = VerifyingKey::from_bytes(&evidence).map_err(|_| unfit("its evidence key is damaged"))?;
    let current = Schedule::new(&Secret::new(secret), &portal.portal_id, agent_id, &transcript);
    let keys = current.keys();
    Ok(Some(AgentKeys {
        agent: AgentRef { reseller_id: 0, customer_id: 0, agent_id: agent_id.to_owned() },
        kind: AgentKind::parse(&kind).unwrap_or_default(),
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
