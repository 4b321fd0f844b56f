//! Messages: what agents say beside their packages. Each takes effect once, by its number.
//!
//! Deliberately absent: anything that is billed, and what an agent in quarantine says of alerts: its readings
//! carry the same ones, and bring them when it is resumed.

use super::answer::{Authentic, Http, Unsealed, authenticate, later, sealed};
use super::contact::{AgentId, Contact, contacts};
use super::keys::load_evidence;
use super::package::read;
use super::store::{revoked, take as take_agents};
use crate::Portal;
use crate::agents::AgentState;
use crate::agents::change::{free_leases, printers_joined};
use crate::agents::history::{Stamp, note};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::ledger::{AgentRef, Memory, Sight, checked};
use axum::extract::{Request, State};
use protocol::limits::MESSAGE_BYTES_MAX;
use protocol::message::{self, AlertNotice, Beat, Message, MessageError, Rotation, Said};
use protocol::receipt::{Answer, Problem, Standing};
use protocol::{Hex, VerifyingKey};
use report::{Defect, Instant, Severity, Surroundings};
use std::collections::{BTreeMap, BTreeSet};

const STANDING: &str = "select agent.state, agent_chain.next_sequence, agent_chain.next_record, agent_chain.head,
    agent_chain.next_message,
    coalesce((select agent_key.epoch from agent_key where agent_key.agent_id = agent.agent_id), 0) from agent
    join agent_chain on agent_chain.reseller_id = agent.reseller_id and agent_chain.agent_id = agent.agent_id
    where agent.reseller_id = $1 and agent.agent_id = $2";
/// Also claims the number: of two portal processes that hear it at once, one finds it lower.
const CLAIM: &str = "update agent_chain set next_message = $3
    where reseller_id = $1 and agent_id = $2 and next_message < $3";
const SAID_OF_ITSELF: &str = "update agent set host = $3, version = $4
    where reseller_id = $1 and agent_id = $2 and (host <> $3 or version <> $4)";
/// Settings that an agent has and the portal does not: the portal was restored from a backup, and goes on above.
const GO_ON: &str = "update agent set settings_version = $3
    where reseller_id = $1 and agent_id = $2 and settings_version < $4";
/// A version above this is none that a portal ever gave.
const VERSION_MAX: u64 = 1 << 53;
const LEAVE: &str = "update agent set state = 'left' where reseller_id = $1 and agent_id = $2";
const KEEP_KEY: &str = "insert into agent_evidence_key (reseller_id, agent_id, from_sequence, evidence_key, created_at)
    values ($1, $2, $3, $4, $5) on conflict (reseller_id, agent_id, from_sequence) do nothing";
/// Raises what the pages count by the alerts that one message brought and that are newer than the reading.
const RAISE: &str = "update printer_state set
    alerts = alerts + (select count(*) from printer_alert
        where printer_alert.reseller_id = printer_state.reseller_id
        and printer_alert.printer_id = printer_state.printer_id and printer_alert.agent_id = $2
        and printer_alert.message = $3 and printer_alert.cleared_at is null
        and printer_alert.read_at > printer_state.read_at),
    severe_alerts = severe_alerts + (select count(*) from printer_alert
        where printer_alert.reseller_id = printer_state.reseller_id
        and printer_alert.printer_id = printer_state.printer_id and printer_alert.agent_id = $2
        and printer_alert.message = $3 and printer_alert.cleared_at is null
        and printer_alert.read_at > printer_state.read_at and printer_alert.severity = 'severe')
    where reseller_id = $1 and printer_id in (select printer_alert.printer_id from printer_alert
        where printer_alert.reseller_id = $1 and printer_alert.agent_id = $2 and printer_alert.message = $3)";
const ALERT: Bulk = Bulk {
    table: "printer_alert",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("code", Kind::Text),
        ("since_at", Kind::Int),
        ("severity", Kind::Text),
        ("part", Kind::Text),
        ("text", Kind::Text),
        ("read_at", Kind::Int),
        ("cleared_at", Kind::Int),
        ("agent_id", Kind::Text),
        ("message", Kind::Int),
        ("received_at", Kind::Int),
    ],
    key: 4,
    on_conflict: "do nothing",
};
const BEAT: Bulk = Bulk {
    table: "agent_beat",
    columns: &[
        ("reseller_id", Kind::Int),
        ("agent_id", Kind::Text),
        ("number", Kind::Int),
        ("heard_at", Kind::Int),
        ("clock_offset", Kind::Int),
        ("version", Kind::Text),
        ("settings_version", Kind::Int),
        ("interval_minutes", Kind::Int),
        ("records_waiting", Kind::Int),
        ("packages_waiting", Kind::Int),
        ("oldest_waiting", Kind::Int),
        ("spool_bytes", Kind::Int),
        ("addresses", Kind::Int),
        ("printers", Kind::Int),
        ("failed", Kind::Int),
        ("paused", Kind::Int),
        ("consents", Kind::Text),
        ("troubles", Kind::Text),
        ("privacy", Kind::Text),
    ],
    key: 2,
    on_conflict: "do update set number = excluded.number, heard_at = excluded.heard_at,
                  clock_offset = excluded.clock_offset, version = excluded.version,
                  settings_version = excluded.settings_version, interval_minutes = excluded.interval_minutes,
                  records_waiting = excluded.records_waiting, packages_waiting = excluded.packages_waiting,
                  oldest_waiting = excluded.oldest_waiting, spool_bytes = excluded.spool_bytes,
                  addresses = excluded.addresses, printers = excluded.printers, failed = excluded.failed,
                  paused = excluded.paused, consents = excluded.consents, troubles = excluded.troubles,
                  privacy = excluded.privacy",
};

/// What became of a message.
enum Hearing {
    /// Heard, now or before.
    Heard(Box<Answer>),
    /// Not heard, for a reason.
    Refused(Problem),
    /// It is new, and came with keys of the epoch before.
    Behind,
}

/// `POST /ingest/v1/messages`.
pub(super) async fn receive(State(portal): State<Portal>, request: Request) -> Result<Http, Unsealed> {
    let (parts, body) = request.into_parts();
    let body = read(body, MESSAGE_BYTES_MAX).await?;
    let from = authenticate(&portal, &parts, &body, &[message::CONTENT_TYPE]).await?;
    let opened = message::open(&from.keys, &body).map_err(|error| problem(&error));
    let opened = opened.and_then(|message| Ok((number(&message)?, message)));
    let (number, message) = match opened {
        Ok(opened) => opened,
        Err(problem) => return Ok(sealed(&portal, &from, &Answer::Refused(problem))),
    };
    let rotates = matches!(message.said, Said::Rotation(_));
    match hear(&portal, &from, number, message).await.map_err(|error| later(&error))? {
        Hearing::Heard(answer) => {
            if rotates {
                portal.forget_keys(&from.agent.agent.agent_id);
            }
            Ok(sealed(&portal, &from, &answer))
        }
        Hearing::Refused(problem) => Ok(sealed(&portal, &from, &Answer::Refused(problem))),
        Hearing::Behind => Err(from.behind(&portal).await),
    }
}

fn problem(error: &MessageError) -> Problem {
    let kind = match error {
        MessageError::TooLarge => "size",
        MessageError::Sealed(_) => "sealed",
        MessageError::Form(_) => "form",
        MessageError::Limit(_) => "limit",
    };
    Problem::new(422, kind, format!("The message is refused: {}.", Defect::quote(&error.to_string())))
        .with_detail("See docs/protocol.md for the form that is taken.")
}

/// A message's number, from 1.
fn number(message: &Message) -> Result<i64, Problem> {
    let number = i64::try_from(message.number).ok().filter(|number| (1..i64::MAX).contains(number));
    number.ok_or_else(|| Problem::new(422, "form", "The number of a message is from 1 to below 2 to the power 63."))
}

async fn hear(portal: &Portal, from: &Authentic, number: i64, message: Message) -> Result<Hearing, DbError> {
    let (agent, epoch, surroundings) = (from.agent.agent.clone(), from.epoch, portal.surroundings().clone());
    if from.agent.comparing {
        let problem = Problem::new(409, "unconfirmed", "This agent's enrolment is not approved.");
        return Ok(Hearing::Refused(problem));
    }
    portal.db().write(move |tx| heard(tx, &surroundings, &agent, epoch, (number, &message))).await
}

/// Where an agent stands, and whether it is believed.
struct Known {
    state: AgentState,
    standing: Standing,
    /// The lowest number of a message that changes something.
    next_message: i64,
    /// The number of its epoch.
    epoch: u64,
}

fn load(tx: &mut Tx<'_>, agent: &AgentRef) -> Result<Option<Known>, DbError> {
    let natural = |number: i64| u64::try_from(number).unwrap_or(0);
    tx.query_opt(STANDING, params![agent.reseller_id, &agent.agent_id], |row| {
        let next_message = row.int(4)?;
        let standing = Standing {
            next_sequence: natural(row.int(1)?),
            next_record: natural(row.int(2)?),
            head: Hex(row.array(3)?),
            next_message: natural(next_message),
        };
        Ok(Known { state: AgentState::read(row, 0)?, standing, next_message, epoch: natural(row.int(5)?) })
    })
}

/// Gives a message its effect, unless it had it before. `epoch` is the one that it came under.
fn heard(
    tx: &mut Tx<'_>,
    surroundings: &Surroundings,
    agent: &AgentRef,
    epoch: u64,
    (number, message): (i64, &Message),
) -> Result<Hearing, DbError> {
    let id: AgentId = (agent.reseller_id, agent.agent_id.clone());
    // From here on no package of it is accepted, so that a rotation cannot change the key of one.
    take_agents(tx, &BTreeSet::from([id.clone()]))?;
    let Some(known) = load(tx, agent)? else { return Ok(Hearing::Refused(revoked())) };
    let Known { state, mut standing, next_message, epoch: own } = known;
    // Its keys may have moved on at another portal process after the request was checked.
    let (repeated, old) = (number < next_message, epoch < own);
    match &state {
        AgentState::Active | AgentState::Suspended | AgentState::Forked => {}
        AgentState::Pending => {
            let problem = Problem::new(409, "unconfirmed", "This agent's enrolment is not confirmed.");
            return Ok(Hearing::Refused(problem));
        }
        // Its farewell may be said again until it is answered.
        AgentState::Left if repeated => {}
        AgentState::Left | AgentState::Revoked | AgentState::Unknown(_) => return Ok(Hearing::Refused(revoked())),
    }
    if !repeated && old {
        return Ok(Hearing::Behind);
    }
    if !repeated && let Some(problem) = refused(tx, agent, (&message.said, standing.next_sequence))? {
        return Ok(Hearing::Refused(problem));
    }
    let claimed = !repeated && tx.execute(CLAIM, params![agent.reseller_id, &agent.agent_id, number + 1])? == 1;
    if claimed {
        standing.next_message = u64::try_from(number + 1).unwrap_or(u64::MAX);
        take_effect(tx, surroundings, (agent, state == AgentState::Active), (number, &message.said))?;
    }
    let now = surroundings.now();
    // Who repeats under keys that were left behind may be a copy: it learns no settings.
    let contact = if old {
        Contact::default()
    } else {
        contacts(tx, &BTreeSet::from([id.clone()]), now)?.remove(&id).unwrap_or_default()
    };
    let answer = Answer::Heard { at: now, settings: contact.settings, standing, duty: contact.duty };
    Ok(Hearing::Heard(Box::new(answer)))
}

/// Why a message cannot have its effect; `None` where it can. `next` is the package that is expected.
fn refused(tx: &mut Tx<'_>, agent: &AgentRef, (said, next): (&Said, u64)) -> Result<Option<Problem>, DbError> {
    let Said::Rotation(rotation) = said else { return Ok(None) };
    let evidence = load_evidence(tx, agent)?;
    let evidence = evidence.ok_or_else(|| DbError::Unfit(format!("agent {} has no evidence key", agent.agent_id)))?;
    let newest = evidence.0.iter().max_by_key(|(from, _)| *from);
    // Said again under another number, it changes nothing.
    if newest.is_some_and(|(from, key)| *from == rotation.from && *key.as_bytes() == rotation.key.0) {
        return Ok(None);
    }
    // What was accepted stays proved by the key that signed it.
    let follows = next <= rotation.from
        && newest.is_some_and(|(from, old)| {
            *from < rotation.from && i64::try_from(rotation.from).is_ok() && rotation.is_authentic(&agent.agent_id, old)
        });
    let usable = VerifyingKey::from_bytes(&rotation.key.0).is_ok();
    let problem = || {
        Problem::new(422, "rotation", "The next evidence key is not introduced by the one before.").with_detail(
            "Sign it with both keys, from a package number on that is later than the last rotation's and not accepted \
             yet.",
        )
    };
    Ok((!(follows && usable)).then(problem))
}

fn take_effect(
    tx: &mut Tx<'_>,
    surroundings: &Surroundings,
    (agent, counts): (&AgentRef, bool),
    (number, said): (i64, &Said),
) -> Result<(), DbError> {
    let stamp = Stamp::of(surroundings);
    match said {
        Said::Beat(beat) => keep_beat(tx, agent, number, beat, stamp.at),
        Said::Alerts(notices) if counts => keep_alerts(tx, surroundings, agent, number, notices),
        Said::Alerts(_) => Ok(()),
        Said::Rotation(rotation) => rotate(tx, agent, rotation, stamp),
        Said::Leave { .. } => {
            tx.execute(LEAVE, params![agent.reseller_id, &agent.agent_id])?;
            free_leases(tx, &[(agent.reseller_id, agent.agent_id.clone())])?;
            let detail = "It left: its keys were removed at the customer's side.";
            note(tx, agent.reseller_id, &agent.agent_id, "left", detail, None, stamp)
        }
    }
}

fn keep_beat(tx: &mut Tx<'_>, agent: &AgentRef, number: i64, beat: &Beat, now: Instant) -> Result<(), DbError> {
    let natural = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let row = params![
        agent.reseller_id,
        &agent.agent_id,
        number,
        now,
        beat.at.since(now).0,
        &beat.version,
        natural(beat.settings_version),
        i64::from(beat.interval_minutes),
        natural(beat.records_waiting),
        natural(beat.packages_waiting),
        beat.oldest_waiting,
        natural(beat.spool_bytes),
        natural(beat.addresses),
        natural(beat.printers),
        natural(beat.failed),
        i64::from(beat.paused),
        serde_json::to_string(&beat.consents)?,
        serde_json::to_string(&beat.troubles)?,
        serde_json::to_string(&beat.privacy)?
    ];
    BEAT.insert(tx, &[row.to_vec()])?;
    tx.execute(SAID_OF_ITSELF, params![agent.reseller_id, &agent.agent_id, &beat.host, &beat.version])?;
    if beat.settings_version < VERSION_MAX {
        let has = natural(beat.settings_version);
        tx.execute(GO_ON, params![agent.reseller_id, &agent.agent_id, has + 1, has])?;
    }
    Ok(())
}

/// Keeps alerts, each (printer, code, since) once.
fn keep_alerts(
    tx: &mut Tx<'_>,
    surroundings: &Surroundings,
    agent: &AgentRef,
    message: i64,
    notices: &[AlertNotice],
) -> Result<(), DbError> {
    let now = surroundings.now();
    // An alert makes its printer known, so that its names are held to what a record's are.
    let named = |notice: &&AlertNotice| checked(&notice.printer).is_ok() && !notice.alert.code.is_empty();
    let notices: Vec<&AlertNotice> = notices.iter().filter(named).collect();
    let mut memory = Memory::default();
    // Only a printer that is read has alerts.
    let sights: Vec<Sight<'_>> =
        notices.iter().map(|notice| Sight { agent, printer: &notice.printer, read: true, at: now }).collect();
    let joined = memory.learn_printers(tx, &sights, || crate::new_id(surroundings))?;
    printers_joined(tx, &joined)?;
    let mut rows: BTreeMap<(i64, &str, i64), Vec<Param>> = BTreeMap::new();
    for notice in notices {
        let (printer, alert) = (memory.printer(agent, &notice.printer.serial)?, &notice.alert);
        // An alert whose printer does not say since when began when it was first told.
        let since = alert.since.unwrap_or(notice.read_at);
        let row = params![
            agent.reseller_id,
            printer,
            &alert.code,
            since,
            alert.severity.word(),
            alert.part.as_ref(),
            alert.text.as_ref(),
            notice.read_at,
            alert.cleared_at,
            &agent.agent_id,
            message,
            now
        ];
        rows.insert((printer, alert.code.as_str(), since.0), row.to_vec());
        if alert.severity == Severity::Severe {
            tracing::info!(agent.id = agent.agent_id, printer, "a severe alert");
        }
    }
    ALERT.insert(tx, &rows.into_values().collect::<Vec<_>>())?;
    tx.execute(RAISE, params![agent.reseller_id, &agent.agent_id, message])?;
    Ok(())
}

fn rotate(tx: &mut Tx<'_>, agent: &AgentRef, rotation: &Rotation, stamp: Stamp) -> Result<(), DbError> {
    let unfit = |_| DbError::Unfit("a package number is beyond 63 bits".to_owned());
    let from = i64::try_from(rotation.from).map_err(unfit)?;
    let key = rotation.key.0.as_slice();
    if tx.execute(KEEP_KEY, params![agent.reseller_id, &agent.agent_id, from, key, stamp.at])? == 0 {
        return Ok(());
    }
    let detail = format!("Its evidence key changed, from package {from} on.");
    note(tx, agent.reseller_id, &agent.agent_id, "rotation", &detail, None, stamp)
}
