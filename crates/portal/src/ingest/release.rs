//! Releasing what was held while an agent was suspended: in its order, a bounded number of packages a
//! transaction, and never one twice.
//!
//! An agent that goes on counts by itself. Of one that was revoked, copied or left meanwhile, a person may
//! still say that what was held counts. Deliberately absent: whether an agent deserves it, which a person
//! decides.

use super::append::{Landed, append};
use super::keys::load_evidence;
use super::package::{Opening, Prepared, best_grade, read_package};
use crate::Portal;
use crate::agents::history::{Stamp, note};
use crate::db::{DbError, Param, Tx, params};
use crate::ledger::{AgentRef, Memory};
use crate::shell::ResellerScope;
use protocol::package::decompress;
use report::{Instant, Surroundings};

/// Packages that one transaction releases at most.
pub(super) const HELD_STEP: i64 = 16;

/// Takes the agent's row, so that two portal processes never release the same package.
const HOLD: &str = "update agent set state = state
    where reseller_id = $1 and agent_id = $2 and state in ('active', 'revoked', 'forked', 'left')";
const AGENT: &str = "select customer_id, kind, way from agent where reseller_id = $1 and agent_id = $2";
const HELD: &str = "select sequence, received_at, body from package
    where reseller_id = $1 and agent_id = $2 and held = 1 order by sequence limit $3";
/// Across resellers: the condition is added where the packages are known.
const UNREAD: &str = "update package set held = 2";
const RELEASED: &str = "update package set held = 0
    where reseller_id = $1 and agent_id = $2 and held = 1 and sequence <= $3";

/// Releases all held packages of an agent that is not suspended any more; gives how many. Interrupted, it
/// goes on with the next call, or with the next package of an agent that was resumed.
pub(crate) async fn release(
    portal: &Portal,
    scope: &ResellerScope,
    agent_id: &str,
    by: Option<i64>,
) -> Result<u64, DbError> {
    let (portal, scope, agent_id) = (portal.clone(), scope.clone(), agent_id.to_owned());
    let done = tokio::task::spawn_blocking(move || release_now(&portal, &scope, &agent_id, by)).await;
    done.unwrap_or(Err(DbError::Interrupted))
}

/// [`release`] on this thread.
pub(crate) fn release_now(
    portal: &Portal,
    scope: &ResellerScope,
    agent_id: &str,
    by: Option<i64>,
) -> Result<u64, DbError> {
    let (reseller, surroundings) = (scope.reseller_id(), portal.surroundings());
    let mut released = 0;
    loop {
        let step = portal
            .db()
            .write_now(|tx| release_some(tx, surroundings, &mut Memory::default(), (reseller, agent_id), HELD_STEP))?;
        if step == 0 {
            break;
        }
        released += step;
    }
    if released > 0 {
        let (detail, stamp) = (format!("{released} packages left quarantine."), Stamp::of(surroundings));
        portal.db().write_now(|tx| note(tx, reseller, agent_id, "released", &detail, by, stamp))?;
    }
    Ok(released)
}

/// Releases the first held packages of an agent, at most `most`; gives how many left quarantine. None while
/// it is suspended.
pub(super) fn release_some(
    tx: &mut Tx<'_>,
    surroundings: &Surroundings,
    memory: &mut Memory,
    (reseller, agent_id): (i64, &str),
    most: i64,
) -> Result<u64, DbError> {
    if tx.execute(HOLD, params![reseller, agent_id])? == 0 {
        return Ok(0);
    }
    let held = tx
        .query(HELD, params![reseller, agent_id, most], |row| Ok((row.int(0)?, Instant(row.int(1)?), row.bytes(2)?)))?;
    let Some((last, ..)) = held.last() else { return Ok(0) };
    let last = *last;
    let agent = tx.query_opt(AGENT, params![reseller, agent_id], |row| {
        let agent = AgentRef { reseller_id: reseller, customer_id: row.int(0)?, agent_id: agent_id.to_owned() };
        Ok((agent, best_grade(&row.text(1)?, &row.text(2)?)))
    })?;
    let (agent, best) = agent.ok_or_else(|| DbError::Unfit(format!("agent {agent_id} is gone")))?;
    let evidence = load_evidence(tx, &agent)?;
    let evidence = evidence.ok_or_else(|| DbError::Unfit(format!("agent {agent_id} has no evidence key")))?;
    let opening = Opening { agent: &agent, best, evidence: &evidence };
    let mut packages: Vec<(Prepared, Instant)> = Vec::with_capacity(held.len());
    let mut unread: Vec<Vec<Param>> = Vec::new();
    for (sequence, received_at, body) in &held {
        // It was read when it was accepted. Should a newer program not read it, its bytes stay, it says so on
        // its agent's page, and it does not hold up those behind it.
        match decompress(body).and_then(|json| read_package(&opening, &json)) {
            Ok(package) => packages.push((package, *received_at)),
            Err(error) => {
                tracing::error!(agent.id = agent_id, sequence, error = %error, "a held package does not read");
                unread.push(params![reseller, agent_id, *sequence].to_vec());
            }
        }
    }
    let landed: Vec<Landed<'_>> = packages.iter().map(|(package, at)| Landed { package, at: *at }).collect();
    append(tx, surroundings, memory, &landed)?;
    let unread = tx.execute_any(UNREAD, &["reseller_id", "agent_id", "sequence"], &unread)?;
    Ok(unread + tx.execute(RELEASED, params![reseller, agent_id, last])?)
}
