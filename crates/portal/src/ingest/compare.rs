//! Enrolment by comparison: the printer shows six digits, and a person who stands before it types them.
//!
//! A person announces the printer first. A session is opened only for an announced name, one for each
//! announcement, so that whoever stands between has one try, and strangers open none. The agent commits to
//! its key and nonce before it learns the portal's, so that nobody between can choose keys that give the same
//! digits; a wrong try ends announcement and session. Two resellers may announce one name: neither ends what
//! the other announced. Deliberately absent: sending anybody a code, and keeping addresses of those who ask.

use super::answer::{Http, Unsealed, later, response};
use super::enrol::{NewAgent, insert_agent, names, printer_text, refused};
use super::package::read;
use crate::Portal;
use crate::agents::history::{Stamp, note};
use crate::db::{DbError, Row, Tx, params};
use crate::keys::PortalKeys;
use crate::shell::ResellerScope;
use axum::extract::{Request, State};
use protocol::enrol::{CompareAnswer, CompareRequest, Hello, Responder, Way, Welcome, commitment, digits, label};
use protocol::limits::ENROL_BYTES_MAX;
use protocol::receipt::Problem;
use protocol::{ENROL_CONTENT_TYPE, Hex, VerifyingKey};
use report::{Defect, Duration, Instant, Surroundings};

/// How long a session may take.
const VALID: Duration = Duration::minutes(15);
/// How long an announcement waits for its session.
const ANNOUNCED_FOR: Duration = Duration::hours(24);
/// A session is forgotten this long after it ended.
const FORGOTTEN: Duration = Duration::hours(24);
/// Announcements that a page shows.
const SHOWN_MAX: i64 = 50;

const OWN_SESSION: &str = "select session_id from announcement where reseller_id = $1 and label = $2";
const ANNOUNCE: &str = "insert into announcement
    (reseller_id, label, customer_id, name, created_at, expires_at, session_id)
    values ($1, $2, $3, $4, $5, $6, null)
    on conflict (reseller_id, label) do update set customer_id = excluded.customer_id, name = excluded.name,
        created_at = excluded.created_at, expires_at = excluded.expires_at, session_id = null";
/// Across resellers: a session is over when nobody waits for it any more.
const END: &str = "update comparison set state = 'over' where session_id = $1 and not exists
    (select 1 from announcement where announcement.session_id = comparison.session_id)";
const ANNOUNCED: &str = "select announcement.name, announcement.expires_at, announcement.session_id,
    comparison.state, comparison.expires_at from announcement
    left join comparison on comparison.session_id = announcement.session_id
    where announcement.reseller_id = $1 and announcement.customer_id = $2 and announcement.expires_at >= $3
    order by announcement.created_at desc, announcement.name limit $4";
/// Across resellers: what has ended is forgotten, whose ever it was.
const FORGET_ANNOUNCED: &str = "delete from announcement where expires_at < $1";
const FORGET: &str = "delete from comparison where expires_at < $1";
/// Across resellers: an agent that shows digits belongs to nobody yet.
const WAITED_FOR: &str = "select count(*) from announcement
    where label = $1 and session_id is null and expires_at >= $2";
/// Across resellers: an agent that shows digits belongs to nobody yet. Each announcement gets one session.
const TAKE: &str = "update announcement set session_id = $2
    where label = $1 and session_id is null and expires_at >= $3";
const BEGIN: &str = "insert into comparison
    (session_id, label, commitment, portal_nonce, state, created_at, expires_at)
    values ($1, $2, $3, $4, 'open', $5, $6)";
const SESSION: &str = "select commitment, expires_at, label from comparison where session_id = $1 and state = 'open'";
const MEET: &str =
    "update comparison set state = 'met', agent_id = $2, agent_nonce = $3, evidence_key = $4, sealed_secret = $5,
    transcript = $6, kind = $7, host = $8, version = $9, printer = $10
    where session_id = $1 and state = 'open'";
const OWN: &str = "select session_id from announcement
    where reseller_id = $1 and label = $2 and customer_id = $3 and expires_at >= $4";
/// Takes the one try: of two people who type at once, one finds nothing.
const SPEND: &str = "delete from announcement where reseller_id = $1 and label = $2 and session_id = $3";
const MET: &str = "select state, expires_at, portal_nonce, agent_nonce, evidence_key, agent_id, sealed_secret,
    transcript, kind, host, version, printer from comparison where session_id = $1";
const APPROVED: &str = "delete from comparison where session_id = $1 and state = 'met'";
const STATE: &str = "select state, expires_at from comparison where agent_id = $1";

/// A name under which a customer waits for an agent.
#[derive(Debug, Clone)]
pub(crate) struct Announced {
    /// The name as it was typed.
    pub(crate) name: String,
    /// When the announcement ends; once the agent came, when its session does.
    pub(crate) until: Instant,
    /// How far it came.
    pub(crate) step: Step,
}

/// How far an announced comparison came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The agent did not come yet.
    Announced,
    /// The agent is there, and its digits are waited for.
    Met,
    /// Its session is over: somebody has to announce it again.
    Over,
}

/// What became of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Approval {
    /// The digits fit: the agent is the customer's, and active as soon as it asks again.
    Done {
        /// Its id.
        agent_id: String,
    },
    /// Nobody announced that name for this customer.
    Unknown,
    /// It was announced, and the agent did not come yet.
    Waiting,
    /// The digits do not fit; announcement and session are over.
    Wrong,
    /// The session took too long, or somebody else ended it; the announcement is over.
    Expired,
}

/// `POST /enrol/v1/compare`: opens a session for a name that somebody announced. Nothing is written before that
/// is sure.
pub(super) async fn begin(State(portal): State<Portal>, request: Request) -> Result<Http, Unsealed> {
    let body = read(request.into_body(), ENROL_BYTES_MAX).await?;
    let form = |_| Problem::new(422, "form", "This is no request for a comparison.");
    let asked: CompareRequest = serde_json::from_slice(&body).map_err(form)?;
    let surroundings = portal.surroundings();
    let (now, name) = (surroundings.now(), asked.label);
    let waited_for = portal.db().read(move |tx| tx.count(WAITED_FOR, params![name.0.as_slice(), now])).await;
    if waited_for.map_err(|error: DbError| later(&error))? == 0 {
        return Err(unannounced().into());
    }
    let (session, nonce) = (Hex(surroundings.random::<16>()).to_string(), Hex(surroundings.random::<16>()));
    let id = session.clone();
    let opened = portal.db().write(move |tx| insert(tx, (&id, nonce), &asked, now)).await;
    if !opened.map_err(|error: DbError| later(&error))? {
        return Err(unannounced().into());
    }
    let answer = CompareAnswer {
        session,
        nonce,
        portal_id: portal.keys().portal_id.clone(),
        portal_key: portal.keys().enrolment_public(),
    };
    Ok(response(200, "application/json", serde_json::to_vec(&answer).unwrap_or_default()))
}

/// Nobody waits for this agent, or its one session was opened already.
fn unannounced() -> Problem {
    Problem {
        detail: Some("Announce the printer at your customer's page first, or start over.".to_owned()),
        ..refused()
    }
}

/// Keeps a new session; false when nobody waits for one under its label.
fn insert(
    tx: &mut Tx<'_>,
    (session, nonce): (&str, Hex<16>),
    asked: &CompareRequest,
    now: Instant,
) -> Result<bool, DbError> {
    let label = asked.label.0.as_slice();
    if tx.execute(TAKE, params![label, session, now])? == 0 {
        return Ok(false);
    }
    tx.execute(FORGET, params![Instant(now.0 - FORGOTTEN.0)])?;
    tx.execute(FORGET_ANNOUNCED, params![now])?;
    let (commitment, nonce) = (asked.commitment.0.as_slice(), nonce.0.as_slice());
    tx.execute(BEGIN, params![session, label, commitment, nonce, now, now.plus(VALID)])?;
    Ok(true)
}

/// Waits for an agent's digits under a name, for a customer; what was announced under it before is over, and
/// its session too. False where the customer is not the reseller's.
pub(crate) fn announce(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    name: &str,
    now: Instant,
) -> Result<bool, DbError> {
    let (reseller, label) = (scope.reseller_id(), label(name));
    if names(tx, reseller, customer_id)?.is_none() {
        return Ok(false);
    }
    let label = label.0.as_slice();
    let before = tx.query_opt(OWN_SESSION, params![reseller, label], |row| row.opt_text(0))?.flatten();
    tx.execute(FORGET_ANNOUNCED, params![now])?;
    let until = now.plus(ANNOUNCED_FOR);
    tx.execute(ANNOUNCE, params![reseller, label, customer_id, Defect::quote(name.trim()), now, until])?;
    if let Some(session) = before {
        tx.execute(END, params![session])?;
    }
    Ok(true)
}

/// The names under which a customer waits for an agent, newest first.
pub(crate) fn announced(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    now: Instant,
) -> Result<Vec<Announced>, DbError> {
    tx.query(ANNOUNCED, params![scope.reseller_id(), customer_id, now, SHOWN_MAX], |row| {
        let (until, taken) = (Instant(row.int(1)?), row.opt_text(2)?.is_some());
        let session = row.opt_text(3)?.zip(row.opt_int(4)?.map(Instant));
        let (step, until) = match session {
            None if !taken => (Step::Announced, until),
            Some((state, end)) if state == "met" && now <= end => (Step::Met, end),
            Some((state, end)) if state == "open" && now <= end => (Step::Announced, end),
            Some((_, end)) => (Step::Over, end),
            None => (Step::Over, until),
        };
        Ok(Announced { name: row.text(0)?, until, step })
    })
}

/// A session's commitment, its end and its label.
fn opened(row: &Row) -> Result<(Hex<32>, Instant, Hex<8>), DbError> {
    Ok((Hex(row.array(0)?), Instant(row.int(1)?), Hex(row.array(2)?)))
}

/// The handshake of a session: the agent's keys are kept, and it belongs to nobody yet.
pub(super) async fn meet(portal: &Portal, session: &str, message: &[u8]) -> Result<Http, Unsealed> {
    let (id, surroundings) = (session.to_owned(), portal.surroundings());
    let found = portal.db().read(move |tx| tx.query_opt(SESSION, params![id], opened)).await;
    let (committed, expires_at, announced) = found.map_err(|error: DbError| later(&error))?.ok_or_else(refused)?;
    if expires_at < surroundings.now() {
        return Err(refused().into());
    }
    let key = portal.keys().enrolment.0;
    let way = Way::Compare { session };
    let (responder, hello) = Responder::read(way, &key, surroundings.random(), message).map_err(|_| refused())?;
    VerifyingKey::from_bytes(&hello.evidence_key.0).map_err(|_| refused())?;
    let nonce = hello.nonce.filter(|nonce| commitment(nonce, &hello.evidence_key) == committed).ok_or_else(refused)?;
    let name = hello.printer.as_ref().map_or(&hello.host, |printer| &printer.serial);
    if label(name) != announced {
        return Err(refused().into());
    }
    let printer = printer_text(&hello)?;
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
        let met = Met { session: &id, agent: &agent, nonce, sealed_secret, transcript: shared.transcript, printer };
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
    /// The identity of its printer, JSON; empty where it has none.
    printer: String,
}

/// Keeps what a handshake gave; false when the session was used meanwhile.
fn keep(tx: &mut Tx<'_>, met: Met<'_>, hello: &Hello) -> Result<bool, DbError> {
    let changed = tx.execute(
        MEET,
        params![
            met.session,
            met.agent,
            met.nonce.0.as_slice(),
            hello.evidence_key.0.as_slice(),
            met.sealed_secret,
            met.transcript.0.as_slice(),
            hello.kind.word(),
            Defect::quote(&hello.host),
            Defect::quote(&hello.version),
            met.printer
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
    by: Option<i64>,
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
    by: Option<i64>,
) -> Result<Approval, DbError> {
    let (reseller, label, stamp) = (scope.reseller_id(), label(serial), Stamp::of(surroundings));
    let label = label.0.as_slice();
    let own = params![reseller, label, customer_id, stamp.at];
    let Some(session) = tx.query_opt(OWN, own, |row| row.opt_text(0))? else { return Ok(Approval::Unknown) };
    let Some(session) = session else { return Ok(Approval::Waiting) };
    let met = tx.query_opt(MET, params![&session], |row| Ok((row.text(0)?, Instant(row.int(1)?))))?;
    let in_time = met.filter(|(_, until)| stamp.at <= *until).map(|(state, _)| state);
    match in_time.as_deref() {
        Some("open") => return Ok(Approval::Waiting),
        Some("met") => {}
        _ => {
            tx.execute(SPEND, params![reseller, label, &session])?;
            tx.execute(END, params![&session])?;
            return Ok(Approval::Expired);
        }
    }
    // The one try is spent before it is known whether it is right.
    if tx.execute(SPEND, params![reseller, label, &session])? != 1 {
        return Ok(Approval::Unknown);
    }
    let found = tx.query_opt(MET, params![&session], |row| agent_of(row, keys, (reseller, customer_id)))?;
    let Some((shown, agent)) = found else { return Ok(Approval::Expired) };
    let typed: String = typed.chars().filter(char::is_ascii_digit).collect();
    if typed != shown {
        tx.execute(END, params![&session])?;
        return Ok(Approval::Wrong);
    }
    if tx.execute(APPROVED, params![&session])? != 1 {
        return Ok(Approval::Expired);
    }
    insert_agent(tx, &agent, stamp.at)?;
    note(tx, reseller, &agent.agent_id, "enrolled", "Approved by its six digits.", by, stamp)?;
    Ok(Approval::Done { agent_id: agent.agent_id })
}

/// The digits that the portal computes for a session that met, and the agent that it becomes.
fn agent_of(row: &Row, keys: &PortalKeys, account: (i64, i64)) -> Result<(String, NewAgent), DbError> {
    let shown = digits(&keys.enrolment_public(), &Hex(row.array(4)?), &Hex(row.array(3)?), &Hex(row.array(2)?));
    let agent = NewAgent {
        agent_id: row.text(5)?,
        reseller_id: account.0,
        customer_id: account.1,
        way: "compare",
        kind: row.text(8)?,
        host: row.text(9)?,
        version: row.text(10)?,
        printer: row.text(11)?,
        evidence_key: row.bytes(4)?,
        sealed_secret: row.bytes(6)?,
        transcript: row.bytes(7)?,
    };
    Ok((shown, agent))
}

/// What an agent is told that asks whether it was approved, while it was not.
pub(super) fn waiting(tx: &mut Tx<'_>, agent_id: &str, now: Instant) -> Result<Problem, DbError> {
    let found = tx.query_opt(STATE, params![agent_id], |row| Ok((row.text(0)?, Instant(row.int(1)?))))?;
    Ok(match found {
        Some((state, expires_at)) if state == "met" && now <= expires_at => {
            Problem::new(409, "unconfirmed", "Nobody compared the digits yet.").with_detail("Ask again in two minutes.")
        }
        _ => refused(),
    })
}
