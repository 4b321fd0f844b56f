//! Enrolment by comparison: the printer shows six digits, and a person who stands before it types them.
//!
//! The agent commits to its key and nonce before it learns the portal's, so that nobody between can choose
//! keys that give the same digits; a wrong try ends the session. Of several sessions under one name only the
//! latest counts, so that opening many of them makes no guess likelier. Deliberately absent: sending anybody
//! a code, and keeping addresses of those who ask.

use super::answer::{Http, Unsealed, later, response, unsealed};
use super::enrol::{NewAgent, insert_agent, refused};
use super::package::read;
use crate::Portal;
use crate::agents::change::{Stamp, note};
use crate::db::{DbError, Tx, params};
use crate::keys::PortalKeys;
use crate::shell::ResellerScope;
use axum::extract::{Request, State};
use protocol::enrol::{CompareAnswer, CompareRequest, Hello, Responder, Way, Welcome, commitment, digits};
use protocol::limits::ENROL_BYTES_MAX;
use protocol::receipt::Problem;
use protocol::{ENROL_CONTENT_TYPE, Hex, VerifyingKey};
use report::{Defect, Duration, Instant, Surroundings};

/// How long a session may take.
const VALID: Duration = Duration::minutes(15);
/// A session is forgotten this long after it ended.
const FORGOTTEN: Duration = Duration::hours(24);
/// Open sessions in all.
const OPEN_MAX: i64 = 1_000;

const FORGET: &str = "delete from comparison where expires_at < $1";
const OPEN: &str = "select count(*) from comparison where state in ('open', 'met') and expires_at >= $1";
const BEGIN: &str = "insert into comparison (session_id, commitment, portal_nonce, state, created_at, expires_at)
    values ($1, $2, $3, 'open', $4, $5)";
const SESSION: &str = "select commitment, expires_at from comparison where session_id = $1 and state = 'open'";
const REPLACE: &str = "update comparison set state = 'replaced' where label = $1 and state = 'met'";
const MEET: &str =
    "update comparison set state = 'met', agent_id = $2, label = $3, agent_nonce = $4, evidence_key = $5,
    sealed_secret = $6, transcript = $7, kind = $8, host = $9, version = $10, printer = $11
    where session_id = $1 and state = 'open'";
const MET: &str = "select session_id, expires_at, portal_nonce, agent_nonce, evidence_key, agent_id, sealed_secret,
    transcript, kind, host, version, printer from comparison where label = $1 and state = 'met'
    order by created_at desc limit 1";
const WRONG: &str = "update comparison set state = 'wrong' where session_id = $1";
const APPROVED: &str = "delete from comparison where session_id = $1 and state = 'met'";
const CUSTOMER: &str = "select count(*) from customer where reseller_id = $1 and customer_id = $2";
const STATE: &str = "select state, expires_at from comparison where agent_id = $1";

/// What became of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Approval {
    /// The digits fit: the agent is the customer's, and active as soon as it asks again.
    Done {
        /// Its id.
        agent_id: String,
    },
    /// No session of that name waits.
    Unknown,
    /// The digits do not fit; the session is over.
    Wrong,
    /// The session is too old.
    Expired,
}

/// `POST /enrol/v1/compare`.
pub(super) async fn begin(State(portal): State<Portal>, request: Request) -> Http {
    match open(&portal, request).await {
        Ok(response) => response,
        Err(refusal) => unsealed(&refusal),
    }
}

async fn open(portal: &Portal, request: Request) -> Result<Http, Unsealed> {
    let body = read(request.into_body(), ENROL_BYTES_MAX).await?;
    let form = |_| Problem::new(422, "form", "This is no request for a comparison.");
    let asked: CompareRequest = serde_json::from_slice(&body).map_err(form)?;
    let surroundings = portal.surroundings();
    let (session, nonce) = (Hex(surroundings.random::<16>()).to_string(), Hex(surroundings.random::<16>()));
    let (now, id) = (surroundings.now(), session.clone());
    let opened = portal.db().write(move |tx| insert(tx, (&id, nonce), asked.commitment, now)).await;
    if !opened.map_err(|error: DbError| later(&error))? {
        return Err(Problem::new(503, "later", "Too many comparisons are open.")
            .with_detail("Try again later.")
            .into());
    }
    let answer = CompareAnswer {
        session,
        nonce,
        portal_id: portal.keys().portal_id.clone(),
        portal_key: portal.keys().enrolment_public(),
    };
    Ok(response(200, "application/json", serde_json::to_vec(&answer).unwrap_or_default()))
}

/// Keeps a new session; false when too many are open.
fn insert(
    tx: &mut Tx<'_>,
    (session, nonce): (&str, Hex<16>),
    commitment: Hex<32>,
    now: Instant,
) -> Result<bool, DbError> {
    tx.execute(FORGET, params![Instant(now.0 - FORGOTTEN.0)])?;
    if tx.count(OPEN, params![now])? >= OPEN_MAX {
        return Ok(false);
    }
    let (commitment, nonce) = (commitment.0.as_slice(), nonce.0.as_slice());
    tx.execute(BEGIN, params![session, commitment, nonce, now, now.plus(VALID)])?;
    Ok(true)
}

/// The name that a person types beside the digits: the printer's serial number, else the host's name.
fn label(serial_or_host: &str) -> String {
    Defect::quote(serial_or_host.trim()).to_uppercase()
}

/// The handshake of a session: the agent's keys are kept, and it belongs to nobody yet.
pub(super) async fn meet(portal: &Portal, session: &str, message: &[u8]) -> Result<Http, Unsealed> {
    let (id, surroundings) = (session.to_owned(), portal.surroundings());
    let found = portal
        .db()
        .read(move |tx| tx.query_opt(SESSION, params![id], |row| Ok((Hex(row.array::<32>(0)?), Instant(row.int(1)?)))));
    let found = found.await.map_err(|error: DbError| later(&error))?;
    let (committed, expires_at) = found.ok_or_else(refused)?;
    if expires_at < surroundings.now() {
        return Err(refused().into());
    }
    let key = portal.keys().enrolment.0;
    let way = Way::Compare { session };
    let (responder, hello) = Responder::read(way, &key, surroundings.random(), message).map_err(|_| refused())?;
    VerifyingKey::from_bytes(&hello.evidence_key.0).map_err(|_| refused())?;
    let nonce = hello.nonce.filter(|nonce| commitment(nonce, &hello.evidence_key) == committed).ok_or_else(refused)?;
    let welcome = Welcome {
        agent: Hex(surroundings.random::<8>()).to_string(),
        reseller: String::new(),
        customer: String::new(),
        receipt_key: Hex(*portal.keys().receipt.verifying_key().as_bytes()),
    };
    let (answer, shared) = responder.answer(&welcome).map_err(|_| refused())?;
    let sealed_secret = portal.keys().seal(shared.secret.expose(), surroundings);
    let (id, agent) = (session.to_owned(), welcome.agent);
    let kept = portal.db().write(move |tx| {
        let met = Met { session: &id, agent: &agent, nonce, sealed_secret, transcript: shared.transcript };
        keep(tx, met, &hello)
    });
    if !kept.await.map_err(|error: DbError| later(&error))? {
        return Err(refused().into());
    }
    Ok(response(200, ENROL_CONTENT_TYPE, answer))
}

/// What a handshake gave.
struct Met<'a> {
    session: &'a str,
    agent: &'a str,
    nonce: Hex<16>,
    sealed_secret: Vec<u8>,
    transcript: Hex<32>,
}

/// Keeps what a handshake gave; false when the session was used meanwhile.
fn keep(tx: &mut Tx<'_>, met: Met<'_>, hello: &Hello) -> Result<bool, DbError> {
    let label = label(hello.printer.as_ref().map_or(&hello.host, |printer| &printer.serial));
    tx.execute(REPLACE, params![&label])?;
    let changed = tx.execute(
        MEET,
        params![
            met.session,
            met.agent,
            label,
            met.nonce.0.as_slice(),
            hello.evidence_key.0.as_slice(),
            met.sealed_secret,
            met.transcript.0.as_slice(),
            hello.kind.word(),
            Defect::quote(&hello.host),
            Defect::quote(&hello.version),
            hello.printer.as_ref().map(serde_json::to_string).transpose()?.unwrap_or_default()
        ],
    )?;
    Ok(changed == 1)
}

/// Approves the agent that shows these digits, for a customer.
pub(crate) async fn approve(
    portal: &Portal,
    scope: &ResellerScope,
    customer_id: i64,
    serial: &str,
    digits: &str,
    by: i64,
) -> Result<Approval, DbError> {
    let (own, scope, serial, typed) = (portal.clone(), scope.clone(), serial.to_owned(), digits.to_owned());
    let work = move |tx: &mut Tx<'_>| {
        approve_now(tx, (own.keys(), own.surroundings()), &scope, customer_id, (&serial, &typed), by)
    };
    portal.db().write(work).await
}

/// [`approve`] in a transaction.
pub(crate) fn approve_now(
    tx: &mut Tx<'_>,
    (keys, surroundings): (&PortalKeys, &Surroundings),
    scope: &ResellerScope,
    customer_id: i64,
    (serial, typed): (&str, &str),
    by: i64,
) -> Result<Approval, DbError> {
    let reseller = scope.reseller_id();
    if tx.count(CUSTOMER, params![reseller, customer_id])? == 0 {
        return Ok(Approval::Unknown);
    }
    let found = tx.query_opt(MET, params![label(serial)], |row| {
        let shown = digits(&keys.enrolment_public(), &Hex(row.array(4)?), &Hex(row.array(3)?), &Hex(row.array(2)?));
        let agent = NewAgent {
            agent_id: row.text(5)?,
            reseller_id: reseller,
            customer_id,
            way: "compare",
            kind: row.text(8)?,
            host: row.text(9)?,
            version: row.text(10)?,
            printer: row.text(11)?,
            evidence_key: row.bytes(4)?,
            sealed_secret: row.bytes(6)?,
            transcript: row.bytes(7)?,
        };
        Ok((row.text(0)?, Instant(row.int(1)?), shown, agent))
    })?;
    let Some((session, expires_at, shown, agent)) = found else { return Ok(Approval::Unknown) };
    let stamp = Stamp::of(surroundings);
    if expires_at < stamp.at {
        return Ok(Approval::Expired);
    }
    let typed: String = typed.chars().filter(char::is_ascii_digit).collect();
    if typed != shown {
        tx.execute(WRONG, params![session])?;
        return Ok(Approval::Wrong);
    }
    if tx.execute(APPROVED, params![session])? != 1 {
        return Ok(Approval::Unknown);
    }
    insert_agent(tx, &agent, stamp.at)?;
    let person = (by != 0).then_some(by);
    note(tx, reseller, &agent.agent_id, "enrolled", "Approved by its six digits.", person, stamp)?;
    Ok(Approval::Done { agent_id: agent.agent_id })
}

/// What an agent is told that asks whether it was approved, while it was not.
pub(super) fn waiting(tx: &mut Tx<'_>, agent_id: &str, now: Instant) -> Result<Problem, DbError> {
    let found = tx.query_opt(STATE, params![agent_id], |row| Ok((row.text(0)?, Instant(row.int(1)?))))?;
    Ok(match found {
        Some((state, expires_at)) if state == "met" && now <= expires_at => {
            Problem::new(409, "unconfirmed", "Nobody compared the digits yet.").with_detail("Ask again in a minute.")
        }
        _ => refused(),
    })
}
