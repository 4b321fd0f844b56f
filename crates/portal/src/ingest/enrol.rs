//! Enrolment at the portal: the one-time file, the handshake, the confirmation.
//!
//! Three ways lead here: a file that a person carries, digits that a person compares, and a secret from the
//! factory. Deliberately absent: any answer that tells a guesser what was wrong.

use super::answer::{Authentic, Http, Unsealed, authenticate, later, response, sealed};
use super::package::read;
use super::store::{fork, revoked};
use super::{compare, contact, factory};
use crate::Portal;
use crate::agents::AgentState;
use crate::agents::change::printers_joined;
use crate::agents::history::{Stamp, note};
use crate::db::{DbError, Tx, params};
use crate::ledger::{AgentRef, Memory, Sight, checked};
use crate::shell::ResellerScope;
use axum::extract::{Request, State};
use protocol::enrol::{EnrolmentFile, Hello, Responder, Way, Welcome};
use protocol::limits::{ENROL_BYTES_MAX, ENROLMENT_HOURS, INTERVAL_MINUTES_DEFAULT};
use protocol::package::PrinterIdentity;
use protocol::receipt::{Answer, Problem};
use protocol::{ENROL_CONTENT_TYPE, Hex, VerifyingKey, chain, message, package};
use report::{Defect, Duration, Instant, Surroundings};

const INSERT: &str =
    "insert into enrolment (enrolment_id, reseller_id, customer_id, sealed_code, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6)";
const CANCEL: &str = "delete from enrolment where reseller_id = $1 and customer_id = $2 and used_at is null";
const NAMES: &str = "select reseller.name, customer.name from customer
    join reseller on reseller.reseller_id = customer.reseller_id
    where customer.reseller_id = $1 and customer.customer_id = $2";
/// Across resellers: the enrolment's id and code are what an agent has before anyone knows whose it is.
const FIND: &str = "select reseller_id, customer_id, sealed_code, expires_at, used_at from enrolment
    where enrolment_id = $1";
const BIND: &str = "update enrolment set agent_id = $2 where enrolment_id = $1 and used_at is null";
const BOUND: &str = "select agent_id from enrolment where enrolment_id = $1 and used_at is null";
const BIND_FACTORY: &str =
    "update factory_printer set agent_id = $2 where label = $1 and used_at is null and reseller_id is not null";
const BOUND_FACTORY: &str =
    "select agent_id from factory_printer where label = $1 and used_at is null and reseller_id is not null";
const FORGET_KEY: &str = "delete from agent_key where agent_id = $1";
const FORGET_AGENT: &str = "delete from agent where reseller_id = $1 and agent_id = $2 and state = 'pending'";
const FORGET_CHAIN: &str = "delete from agent_chain where reseller_id = $1 and agent_id = $2 and next_sequence = 1";
const KEEP_KEY: &str =
    "insert into agent_key (agent_id, reseller_id, customer_id, evidence_key, sealed_secret, transcript)
    values ($1, $2, $3, $4, $5, $6)";
const KEEP_AGENT: &str = "insert into agent (reseller_id, agent_id, customer_id, host, version, state, created_at,
    settings_version, interval_minutes, kind, way, printer)
    values ($1, $2, $3, $4, $5, 'pending', $6, 1, $7, $8, $9, $10)";
const KEEP_CHAIN: &str = "insert into agent_chain (reseller_id, agent_id, next_sequence, next_record, head, seen_at)
    values ($1, $2, 1, 1, $3, $4)";
const PENDING: &str = "select way, kind, printer from agent
    where reseller_id = $1 and agent_id = $2 and state = 'pending'";
const ACTIVATE: &str =
    "update agent set state = 'active' where reseller_id = $1 and agent_id = $2 and state = 'pending'";
const BURN: &str = "update enrolment set used_at = $2 where agent_id = $1 and used_at is null and expires_at >= $2";
const BURN_FACTORY: &str = "update factory_printer set used_at = $2 where agent_id = $1 and used_at is null";
const CLAIMED_BY: &str = "select claimed_by from factory_printer where agent_id = $1";
const STATE: &str = "select state from agent where reseller_id = $1 and agent_id = $2";
const JOIN_PRINTER: &str = "update printer set participation = 'participating'
    where reseller_id = $1 and customer_id = $2 and serial = $3";

/// Makes a one-time file for a customer.
pub(crate) fn file(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    portal: &Portal,
) -> Result<Option<EnrolmentFile>, DbError> {
    let surroundings = portal.surroundings();
    let reseller = scope.reseller_id();
    let Some((reseller_name, customer)) = names(tx, reseller, customer_id)? else { return Ok(None) };
    let (now, code) = (surroundings.now(), surroundings.random());
    let file = EnrolmentFile {
        plotmeter_enrolment: 1,
        portal: format!("https://{}", portal.config().agents_authority),
        enrolment: Hex(surroundings.random::<16>()).to_string(),
        code: Hex(code),
        portal_key: portal.keys().enrolment_public(),
        portal_id: portal.keys().portal_id.clone(),
        reseller: reseller_name,
        customer,
        expires_at: now.plus(Duration::hours(ENROLMENT_HOURS)),
        portal_ca: portal.config().agents_ca.clone(),
    };
    let sealed_code = portal.keys().seal(&code, surroundings);
    tx.execute(INSERT, params![&file.enrolment, reseller, customer_id, sealed_code, now, file.expires_at])?;
    Ok(Some(file))
}

/// Makes the unused one-time files of a customer worthless; gives how many.
pub(crate) fn cancel(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<u64, DbError> {
    tx.execute(CANCEL, params![scope.reseller_id(), customer_id])
}

/// The names of an account: reseller and customer.
pub(super) fn names(tx: &mut Tx<'_>, reseller: i64, customer_id: i64) -> Result<Option<(String, String)>, DbError> {
    tx.query_opt(NAMES, params![reseller, customer_id], |row| Ok((row.text(0)?, row.text(1)?)))
}

/// An offer of enrolment that somebody with its code or secret may take up.
struct Offer {
    id: String,
    /// The serial number that must fit, for a secret from the factory; `None` for a file.
    serial: Option<String>,
    reseller_id: i64,
    customer_id: i64,
    sealed_code: Vec<u8>,
    reseller: String,
    customer: String,
}

/// `POST /enrol/v1/handshake`.
pub(super) async fn handshake(State(portal): State<Portal>, request: Request) -> Result<Http, Unsealed> {
    let (parts, body) = request.into_parts();
    let message = read(body, ENROL_BYTES_MAX).await?;
    let header = parts.headers.get("plotmeter-enrolment").and_then(|value| value.to_str().ok()).unwrap_or("");
    if let Some(session) = header.strip_prefix("compare:") {
        return compare::meet(&portal, session, &message).await;
    }
    let (asked, now) = (header.to_owned(), portal.surroundings().now());
    let offer = portal.db().read(move |tx| find(tx, &asked, now)).await;
    let offer = offer.map_err(|error: DbError| later(&error))?.ok_or_else(refused)?;
    let surroundings = portal.surroundings();
    let code = Hex(portal.keys().open(&offer.sealed_code).map_err(|error| later(&error))?);
    let key = portal.keys().enrolment.0;
    let way = match offer.serial {
        Some(_) => Way::Factory { label: &offer.id, secret: &code },
        None => Way::Code { enrolment: &offer.id, code: &code },
    };
    let (responder, hello) = Responder::read(way, &key, surroundings.random(), &message).map_err(|_| refused())?;
    VerifyingKey::from_bytes(&hello.evidence_key.0).map_err(|_| refused())?;
    let same = |serial: &str, printer: &PrinterIdentity| printer.serial.eq_ignore_ascii_case(serial);
    if let (Some(serial), Some(printer)) = (&offer.serial, &hello.printer)
        && !same(serial, printer)
    {
        return Err(refused().into());
    }
    let welcome = Welcome {
        agent: Hex(surroundings.random::<8>()).to_string(),
        reseller: offer.reseller.clone(),
        customer: offer.customer.clone(),
        receipt_key: Hex(*portal.keys().receipt.verifying_key().as_bytes()),
    };
    let (answer, shared) = responder.answer(&welcome).map_err(|_| refused())?;
    let agent = NewAgent {
        agent_id: welcome.agent,
        reseller_id: offer.reseller_id,
        customer_id: offer.customer_id,
        way: if offer.serial.is_some() { "factory" } else { "file" },
        kind: hello.kind.word().to_owned(),
        host: Defect::quote(&hello.host),
        version: Defect::quote(&hello.version),
        printer: printer_text(&hello)?,
        evidence_key: hello.evidence_key.0.to_vec(),
        sealed_secret: portal.keys().seal(shared.secret.expose(), surroundings),
        transcript: shared.transcript.0.to_vec(),
    };
    let kept = portal.db().write(move |tx| keep(tx, &offer, &agent, now)).await;
    if !kept.map_err(|error: DbError| later(&error))? {
        return Err(refused().into());
    }
    Ok(response(200, ENROL_CONTENT_TYPE, answer))
}

/// The same words whatever was wrong: a guesser learns nothing.
pub(super) fn refused() -> Problem {
    Problem::new(403, "enrolment", "This enrolment is not valid: unknown, used, expired, or the code does not fit.")
        .with_detail("Begin again: with a new file, a new comparison, or after the printer was claimed.")
}

/// The identity of the printer that an agent works in or beside, for the database. It takes part from the
/// confirmation on, so that one whose names are no names is refused here.
pub(super) fn printer_text(hello: &Hello) -> Result<String, Problem> {
    if hello.printer.as_ref().is_some_and(|printer| checked(printer).is_err()) {
        return Err(refused());
    }
    let text = hello.printer.as_ref().map(serde_json::to_string).transpose();
    Ok(text.map_err(|error| later(&error))?.unwrap_or_default())
}

/// The offer that a header names, where it can still be taken up.
fn find(tx: &mut Tx<'_>, header: &str, now: Instant) -> Result<Option<Offer>, DbError> {
    let found = if let Some(label) = header.strip_prefix("factory:") {
        let claimed = factory::find(tx, label)?;
        claimed.map(|printer| {
            let account = (printer.reseller_id, printer.customer_id);
            (label.to_owned(), Some(printer.serial), account, printer.sealed_secret)
        })
    } else {
        let file = tx.query_opt(FIND, params![header], |row| {
            let open = row.opt_int(4)?.is_none() && Instant(row.int(3)?) >= now;
            Ok(open.then_some(((row.int(0)?, row.int(1)?), row.bytes(2)?)))
        })?;
        file.flatten().map(|(account, code)| (header.to_owned(), None, account, code))
    };
    let Some((id, serial, (reseller_id, customer_id), sealed_code)) = found else { return Ok(None) };
    let Some((reseller, customer)) = names(tx, reseller_id, customer_id)? else { return Ok(None) };
    Ok(Some(Offer { id, serial, reseller_id, customer_id, sealed_code, reseller, customer }))
}

/// An agent that made its keys with the portal.
pub(super) struct NewAgent {
    pub(super) agent_id: String,
    pub(super) reseller_id: i64,
    pub(super) customer_id: i64,
    /// `file`, `compare` or `factory`.
    pub(super) way: &'static str,
    pub(super) kind: String,
    pub(super) host: String,
    pub(super) version: String,
    /// The identity of its printer, JSON; empty for a collector.
    pub(super) printer: String,
    pub(super) evidence_key: Vec<u8>,
    pub(super) sealed_secret: Vec<u8>,
    pub(super) transcript: Vec<u8>,
}

/// Keeps a new agent as pending.
pub(super) fn insert_agent(tx: &mut Tx<'_>, agent: &NewAgent, now: Instant) -> Result<(), DbError> {
    let NewAgent { agent_id, reseller_id, customer_id, way, kind, host, version, printer, .. } = agent;
    let (reseller, customer) = (*reseller_id, *customer_id);
    let (evidence, secret) = (agent.evidence_key.as_slice(), agent.sealed_secret.as_slice());
    let transcript = agent.transcript.as_slice();
    tx.execute(KEEP_KEY, params![agent_id, reseller, customer, evidence, secret, transcript])?;
    let interval = i64::from(INTERVAL_MINUTES_DEFAULT);
    let row = params![reseller, agent_id, customer, host, version, now, interval, kind, *way, printer];
    tx.execute(KEEP_AGENT, row)?;
    tx.execute(KEEP_CHAIN, params![reseller, agent_id, chain::origin(agent_id).0.as_slice(), now])?;
    Ok(())
}

/// Keeps the new agent as pending. A handshake that was repeated before its confirmation replaces the
/// one before. `false` when the offer was used meanwhile.
fn keep(tx: &mut Tx<'_>, offer: &Offer, agent: &NewAgent, now: Instant) -> Result<bool, DbError> {
    let (bound, bind) = match offer.serial {
        Some(_) => (BOUND_FACTORY, BIND_FACTORY),
        None => (BOUND, BIND),
    };
    // Read again in this transaction: another handshake or the confirmation may have come first.
    let Some(before) = tx.query_opt(bound, params![&offer.id], |row| row.opt_text(0))? else { return Ok(false) };
    if tx.execute(bind, params![&offer.id, &agent.agent_id])? != 1 {
        return Ok(false);
    }
    if let Some(before) = &before {
        tx.execute(FORGET_KEY, params![before])?;
        tx.execute(FORGET_AGENT, params![offer.reseller_id, before])?;
        tx.execute(FORGET_CHAIN, params![offer.reseller_id, before])?;
    }
    insert_agent(tx, agent, now)?;
    Ok(true)
}

/// `POST /enrol/v1/confirm`: a person confirmed the account's name.
pub(super) async fn confirm(State(portal): State<Portal>, request: Request) -> Result<Http, Unsealed> {
    let (parts, body) = request.into_parts();
    let body = read(body, ENROL_BYTES_MAX).await?;
    let types = [package::CONTENT_TYPE, message::CONTENT_TYPE, ENROL_CONTENT_TYPE];
    let from = authenticate(&portal, &parts, &body, &types).await?;
    if from.old {
        return Err(from.behind(&portal).await);
    }
    let answer = confirmed(&portal, &from).await.map_err(|error| later(&error))?;
    Ok(sealed(&portal, &from, &answer))
}

async fn confirmed(portal: &Portal, from: &Authentic) -> Result<Answer, DbError> {
    let (agent, surroundings) = (from.agent.agent.clone(), portal.surroundings().clone());
    if !from.agent.comparing {
        return portal.db().write(move |tx| confirm_agent(tx, &surroundings, &agent)).await;
    }
    let (now, agent_id) = (surroundings.now(), agent.agent_id.clone());
    // An approval between the look at its keys and this one is told with the next request.
    let problem = portal.db().read(move |tx| compare::waiting(tx, &agent_id, now)).await?;
    Ok(Answer::Refused(problem))
}

/// Makes a pending agent active, once, and tells it its account and settings.
fn confirm_agent(tx: &mut Tx<'_>, surroundings: &Surroundings, agent: &AgentRef) -> Result<Answer, DbError> {
    let now = surroundings.now();
    let id = params![agent.reseller_id, &agent.agent_id];
    let pending = tx.query_opt(PENDING, id, |row| Ok((row.text(0)?, row.text(1)?, row.text(2)?)))?;
    if let Some((way, kind, printer)) = pending {
        // The code is burned first: only the agent that an unused, unexpired one is bound to becomes active.
        let allowed = match way.as_str() {
            "compare" => true,
            "factory" => tx.execute(BURN_FACTORY, params![&agent.agent_id, now])? == 1,
            _ => tx.execute(BURN, params![&agent.agent_id, now])? == 1,
        };
        if allowed && tx.execute(ACTIVATE, id)? == 1 {
            let detail = format!("Enrolled as {kind}, by {way}.");
            let by = tx.query_opt(CLAIMED_BY, params![&agent.agent_id], |row| row.opt_int(0))?.flatten();
            note(tx, agent.reseller_id, &agent.agent_id, "enrolled", &detail, by, Stamp::of(surroundings))?;
            join_printer(tx, surroundings, agent, &printer)?;
        }
    }
    match tx.query_opt(STATE, id, |row| AgentState::read(row, 0))? {
        Some(AgentState::Active | AgentState::Suspended) => {}
        Some(AgentState::Forked) => return Ok(Answer::Refused(fork())),
        Some(AgentState::Pending) => return Ok(Answer::Refused(refused())),
        Some(AgentState::Revoked | AgentState::Left | AgentState::Unknown(_)) | None => {
            return Ok(Answer::Refused(revoked()));
        }
    }
    let settings = contact::settings(tx, &(agent.reseller_id, agent.agent_id.clone()))?.unwrap_or_default();
    let (reseller, customer) = names(tx, agent.reseller_id, agent.customer_id)?.unwrap_or_default();
    Ok(Answer::Enrolled { settings, reseller, customer })
}

/// The printer that an agent works in or beside takes part: that is what it was enrolled for.
fn join_printer(tx: &mut Tx<'_>, surroundings: &Surroundings, agent: &AgentRef, printer: &str) -> Result<(), DbError> {
    let Ok(printer) = serde_json::from_str::<PrinterIdentity>(printer) else { return Ok(()) };
    let sight = Sight { agent, printer: &printer, read: true, at: surroundings.now() };
    Memory::default().learn_printers(tx, &[sight], || crate::new_id(surroundings))?;
    tx.execute(JOIN_PRINTER, params![agent.reseller_id, agent.customer_id, &printer.serial])?;
    printers_joined(tx, &[(agent.reseller_id, agent.customer_id)])
}
