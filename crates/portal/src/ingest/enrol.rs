//! Enrolment at the portal: the one-time file, the handshake, the confirmation.

use super::AgentKeys;
use super::answer::{Http, authenticate, later, plain, sealed};
use super::package::read;
use crate::Portal;
use crate::db::{DbError, Tx, params};
use crate::ledger::AgentRef;
use crate::shell::ResellerScope;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response};
use protocol::enrol::{EnrolmentFile, Hello, Responder, Shared, Welcome};
use protocol::limits::{ENROL_BYTES_MAX, ENROLMENT_HOURS, INTERVAL_MINUTES_DEFAULT};
use protocol::receipt::{Answer, Problem, Settings};
use protocol::{ENROL_CONTENT_TYPE, Hex, Keys, Secret, VerifyingKey, chain};
use report::{Duration, Instant};

const INSERT: &str =
    "insert into enrolment (enrolment_id, reseller_id, customer_id, sealed_code, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6)";
const NAMES: &str = "select reseller.name, customer.name from customer
    join reseller on reseller.reseller_id = customer.reseller_id
    where customer.reseller_id = $1 and customer.customer_id = $2";
/// Across resellers: the enrolment's id and code are what an agent has before anyone knows whose it is.
const FIND: &str = "select enrolment.reseller_id, enrolment.customer_id, enrolment.sealed_code, enrolment.expires_at,
    enrolment.used_at, reseller.name, customer.name from enrolment
    join reseller on reseller.reseller_id = enrolment.reseller_id
    join customer on customer.reseller_id = enrolment.reseller_id and customer.customer_id = enrolment.customer_id
    where enrolment.enrolment_id = $1";
const BIND: &str = "update enrolment set agent_id = $2 where enrolment_id = $1 and used_at is null";
const BOUND: &str = "select agent_id from enrolment where enrolment_id = $1 and used_at is null";
const FORGET_KEY: &str = "delete from agent_key where agent_id = $1";
const FORGET_AGENT: &str = "delete from agent where reseller_id = $1 and agent_id = $2 and state = 'pending'";
const FORGET_CHAIN: &str = "delete from agent_chain where reseller_id = $1 and agent_id = $2 and next_sequence = 1";
const KEEP_KEY: &str =
    "insert into agent_key (agent_id, reseller_id, customer_id, evidence_key, sealed_secret, transcript)
    values ($1, $2, $3, $4, $5, $6)";
const KEEP_AGENT: &str = "insert into agent (reseller_id, agent_id, customer_id, host, version, state, created_at,
    settings_version, interval_minutes) values ($1, $2, $3, $4, $5, 'pending', $6, 1, $7)";
const KEEP_CHAIN: &str = "insert into agent_chain (reseller_id, agent_id, next_sequence, next_record, head, seen_at)
    values ($1, $2, 1, 1, $3, $4)";
const ACTIVATE: &str =
    "update agent set state = 'active' where reseller_id = $1 and agent_id = $2 and state = 'pending'";
const BURN: &str = "update enrolment set used_at = $2 where agent_id = $1 and used_at is null and expires_at >= $2";
const SETTINGS: &str =
    "select state, settings_version, interval_minutes from agent where reseller_id = $1 and agent_id = $2";
/// Across resellers: this is how an agent's claim becomes a reseller.
const KEYS: &str =
    "select reseller_id, customer_id, evidence_key, sealed_secret, transcript from agent_key where agent_id = $1";

/// Makes a one-time file for a customer.
pub(crate) fn file(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    portal: &Portal,
) -> Result<Option<EnrolmentFile>, DbError> {
    let surroundings = portal.surroundings();
    let reseller = scope.reseller_id();
    let names = tx.query_opt(NAMES, params![reseller, customer_id], |row| Ok((row.text(0)?, row.text(1)?)))?;
    let Some((reseller_name, customer)) = names else { return Ok(None) };
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

struct Enrolment {
    reseller_id: i64,
    customer_id: i64,
    sealed_code: Vec<u8>,
    expires_at: Instant,
    used: bool,
    reseller: String,
    customer: String,
}

/// `POST /enrol/v1/handshake`.
pub(super) async fn handshake(State(portal): State<Portal>, request: Request) -> Http {
    match shake(&portal, request).await {
        Ok(response) => response,
        Err(problem) => plain(&problem),
    }
}

/// The same words whatever was wrong: a guesser learns nothing.
fn refused() -> Problem {
    Problem::new(403, "enrolment", "This enrolment is not valid: unknown, used, expired, or the code does not fit.")
        .with_detail("Download a new file from the portal.")
}

async fn shake(portal: &Portal, request: Request) -> Result<Http, Problem> {
    let (parts, body) = request.into_parts();
    let message = read(body, ENROL_BYTES_MAX).await?;
    let id = parts.headers.get("plotmeter-enrolment").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let found = portal.db().read(move |tx| find(tx, &id).map(|found| found.map(|found| (id, found)))).await;
    let (id, enrolment) = found.map_err(|error: DbError| later(&error))?.ok_or_else(refused)?;
    let surroundings = portal.surroundings();
    if enrolment.used || enrolment.expires_at < surroundings.now() {
        return Err(refused());
    }
    let code = Hex(portal.keys().open(&enrolment.sealed_code).map_err(|error| later(&error))?);
    let key = portal.keys().enrolment.0;
    let (responder, hello) =
        Responder::read(&id, &code, &key, surroundings.random(), &message).map_err(|_| refused())?;
    VerifyingKey::from_bytes(&hello.evidence_key.0).map_err(|_| refused())?;
    let welcome = Welcome {
        agent: Hex(surroundings.random::<8>()).to_string(),
        reseller: enrolment.reseller.clone(),
        customer: enrolment.customer.clone(),
        receipt_key: Hex(*portal.keys().receipt.verifying_key().as_bytes()),
    };
    let (answer, shared) = responder.answer(&welcome).map_err(|_| refused())?;
    let sealed_secret = portal.keys().seal(shared.secret.expose(), surroundings);
    let now = surroundings.now();
    let kept =
        portal.db().write(move |tx| keep(tx, &id, &enrolment, &welcome, &hello, &shared, sealed_secret, now)).await;
    if !kept.map_err(|error: DbError| later(&error))? {
        return Err(refused());
    }
    let mut response = Response::new(Body::from(answer));
    response.headers_mut().insert("content-type", HeaderValue::from_static(ENROL_CONTENT_TYPE));
    Ok(response)
}

fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<Enrolment>, DbError> {
    tx.query_opt(FIND, params![id], |row| {
        Ok(Enrolment {
            reseller_id: row.int(0)?,
            customer_id: row.int(1)?,
            sealed_code: row.bytes(2)?,
            expires_at: Instant(row.int(3)?),
            used: row.opt_int(4)?.is_some(),
            reseller: row.text(5)?,
            customer: row.text(6)?,
        })
    })
}

/// Keeps the new agent as pending. A handshake that was repeated before its confirmation replaces the
/// one before. `false` when the enrolment was used meanwhile.
#[allow(clippy::too_many_arguments)]
fn keep(
    tx: &mut Tx<'_>,
    id: &str,
    enrolment: &Enrolment,
    welcome: &Welcome,
    hello: &Hello,
    shared: &Shared,
    sealed_secret: Vec<u8>,
    now: Instant,
) -> Result<bool, DbError> {
    let Enrolment { reseller_id, customer_id, .. } = *enrolment;
    let agent = &welcome.agent;
    // Read again in this transaction: another handshake or the confirmation may have come first.
    let Some(before) = tx.query_opt(BOUND, params![id], |row| row.opt_text(0))? else { return Ok(false) };
    if tx.execute(BIND, params![id, agent])? != 1 {
        return Ok(false);
    }
    if let Some(before) = &before {
        tx.execute(FORGET_KEY, params![before])?;
        tx.execute(FORGET_AGENT, params![reseller_id, before])?;
        tx.execute(FORGET_CHAIN, params![reseller_id, before])?;
    }
    let (evidence, transcript) = (hello.evidence_key.0.as_slice(), shared.transcript.0.as_slice());
    tx.execute(KEEP_KEY, params![agent, reseller_id, customer_id, evidence, sealed_secret, transcript])?;
    let interval = i64::from(INTERVAL_MINUTES_DEFAULT);
    tx.execute(KEEP_AGENT, params![reseller_id, agent, customer_id, &hello.host, &hello.version, now, interval])?;
    tx.execute(KEEP_CHAIN, params![reseller_id, agent, chain::origin(agent).0.as_slice(), now])?;
    Ok(true)
}

/// `POST /enrol/v1/confirm`: a person confirmed the account's name.
pub(super) async fn confirm(State(portal): State<Portal>, request: Request) -> Http {
    match activate(&portal, request).await {
        Ok(response) => response,
        Err(problem) => plain(&problem),
    }
}

async fn activate(portal: &Portal, request: Request) -> Result<Http, Problem> {
    let (parts, body) = request.into_parts();
    let body = read(body, ENROL_BYTES_MAX).await?;
    let from = authenticate(portal, &parts.uri, &parts.headers, &body).await?;
    let (agent, now) = (from.keys.agent.clone(), portal.surroundings().now());
    let done = portal.db().write(move |tx| {
        // The code is burned first: only the agent that an unused, unexpired code is bound to becomes active.
        if tx.execute(BURN, params![&agent.agent_id, now])? == 1 {
            tx.execute(ACTIVATE, params![agent.reseller_id, &agent.agent_id])?;
        }
        tx.query_opt(SETTINGS, params![agent.reseller_id, &agent.agent_id], |row| {
            let version = u64::try_from(row.int(1)?).unwrap_or(0);
            let interval_minutes = u32::try_from(row.int(2)?).unwrap_or(INTERVAL_MINUTES_DEFAULT);
            Ok((row.text(0)?, Settings { version, interval_minutes }))
        })
    });
    let answer = match done.await.map_err(|error: DbError| later(&error))? {
        Some((state, settings)) if state == "active" => Answer::Enrolled { settings },
        _ => Answer::Refused(Problem::new(403, "suspended", "This agent is not enrolled any more.")),
    };
    Ok(sealed(portal, &from, &answer))
}

/// The keys of an agent, for the cache.
pub(crate) fn load_keys(
    tx: &mut Tx<'_>,
    agent_id: &str,
    portal: &crate::keys::PortalKeys,
) -> Result<Option<AgentKeys>, DbError> {
    let found = tx.query_opt(KEYS, params![agent_id], |row| {
        let agent = AgentRef { reseller_id: row.int(0)?, customer_id: row.int(1)?, agent_id: agent_id.to_owned() };
        Ok((agent, row.array::<32>(2)?, row.bytes(3)?, row.array::<32>(4)?))
    })?;
    let Some((agent, evidence, sealed_secret, transcript)) = found else { return Ok(None) };
    let unfit = |what: &str| DbError::Unfit(format!("agent {agent_id}: {what}"));
    let secret =
        portal.open(&sealed_secret).map_err(|_| unfit("its secret does not open with this portal's key file"))?;
    let evidence = VerifyingKey::from_bytes(&evidence).map_err(|_| unfit("its evidence key is damaged"))?;
    let keys = Keys::derive(&Secret::new(secret), &portal.portal_id, agent_id, &Hex(transcript));
    Ok(Some(AgentKeys { agent, keys, evidence }))
}
