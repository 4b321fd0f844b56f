//! Requests as agents sign them, and answers as the portal seals them.
//!
//! Deliberately absent: what a request asks for.

use super::keys::{AgentKeys, Fit, step};
use crate::Portal;
use crate::agents::history::{Stamp, note};
use crate::db::{DbError, Tx, params};
use crate::ledger::AgentRef;
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use protocol::receipt::{self, Answer, Problem, REFUSAL_CONTENT_TYPE, SignedRefusal};
use protocol::signature::{self, Context, RequestParts, SignatureError, SignatureHeaders};
use protocol::{Keys, Schedule, parse_key_id};
use report::Duration;
use std::sync::Arc;

/// An agent that is an old copy of itself is noted at most this often.
const BEHIND_EVERY: Duration = Duration::hours(1);
const BEHIND_LATELY: &str = "select count(*) from agent_event
    where reseller_id = $1 and agent_id = $2 and kind = 'behind' and at > $3";

/// An HTTP answer.
pub(super) type Http = Response<Body>;

/// What is answered to a request that is not taken, without the agent's keys.
pub(super) enum Unsealed {
    /// Without proof of origin: to an agent it only ever means "later".
    Plain(Problem),
    /// Signed by the portal's receipt key: the agent's keys are gone.
    Signed(Box<SignedRefusal>),
}

impl From<Problem> for Unsealed {
    fn from(problem: Problem) -> Unsealed {
        Unsealed::Plain(problem)
    }
}

impl IntoResponse for Unsealed {
    fn into_response(self) -> Http {
        match self {
            Unsealed::Plain(problem) => plain(&problem),
            Unsealed::Signed(refusal) => {
                let body = serde_json::to_vec(&refusal).unwrap_or_default();
                response(refusal.problem.status, REFUSAL_CONTENT_TYPE, body)
            }
        }
    }
}

fn plain(problem: &Problem) -> Http {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = response(problem.status, "application/problem+json", body);
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert("retry-after", HeaderValue::from_static("60"));
    }
    response
}

/// An HTTP answer of a status, a content type and a body.
pub(super) fn response(status: u16, content_type: &'static str, body: Vec<u8>) -> Http {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    response
}

/// The body's and the headers' authentic sender.
pub(super) struct Authentic {
    pub(super) agent: Arc<AgentKeys>,
    /// The keys of the epoch that the request is in; its answer is sealed with them.
    pub(super) keys: Keys,
    /// Whether that is the epoch before the current one: only repetitions are answered.
    pub(super) old: bool,
    /// The number of the epoch.
    pub(super) epoch: u64,
    signature_input: String,
    signature: String,
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// What was wrong with a signature: the same words whether the agent exists or not.
fn refused(error: SignatureError) -> Problem {
    Problem::new(401, "signature", format!("The request is not authentic: {error}."))
        .with_detail("Sign it as docs/protocol.md says, with the keys of this agent's enrolment.")
}

/// What a try to find the sender gave.
enum Tried {
    /// The keys that the signature fits, and whether they are the epoch's before.
    Known(Keys, bool),
    /// The signature fits keys that the agent moved on to.
    Moved(Box<Schedule>),
    /// The portal does not have the keys any more.
    Behind,
    /// The signature does not fit.
    No(SignatureError),
}

/// Finds the agent that a request claims to be and checks its signature. `content_types` are those that
/// the address takes.
pub(super) async fn authenticate(
    portal: &Portal,
    request: &Parts,
    body: &Bytes,
    content_types: &[&str],
) -> Result<Authentic, Unsealed> {
    let headers = &request.headers;
    let sent = SignatureHeaders {
        content_digest: header(headers, "content-digest").to_owned(),
        signature_input: header(headers, "signature-input").to_owned(),
        signature: header(headers, "signature").to_owned(),
    };
    let key_id = signature::claimed_key_id(&sent.signature_input).map_err(refused)?;
    let unknown = || refused(SignatureError::Signature);
    let (agent_id, epoch) = parse_key_id(key_id).ok_or_else(unknown)?;
    let query = request.uri.query().map_or_else(|| "?".to_owned(), |query| format!("?{query}"));
    let parts = RequestParts {
        method: "POST",
        authority: &portal.config().agents_authority,
        path: request.uri.path(),
        query: &query,
        content_type: header(headers, "content-type"),
        idempotency_key: header(headers, "idempotency-key"),
        body,
    };
    if !content_types.contains(&parts.content_type) {
        let title = format!("The content type is not {}.", content_types.join(" or "));
        return Err(Problem::new(415, "content-type", title).into());
    }
    let Some(mut agent) = portal.agent_keys(agent_id).await.map_err(|error| later(&error))? else {
        return Err(unheard_of(portal, (&sent.signature_input, &sent.signature)));
    };
    let mut tried = attempt(portal, &agent, epoch, (parts, &sent)).await;
    let now = portal.surroundings().now();
    if matches!(tried, Tried::No(_)) && !portal.unfit().is_known(agent_id, epoch, now) {
        // Another process may have moved the agent on since its keys were remembered here.
        let fresh = portal.reload_keys(agent_id).await.map_err(|error| later(&error))?.ok_or_else(unknown)?;
        if fresh.epoch() != agent.epoch() {
            tried = attempt(portal, &fresh, epoch, (parts, &sent)).await;
        }
        agent = fresh;
    }
    let (keys, old) = match tried {
        Tried::Known(keys, old) => (keys, old),
        Tried::Moved(to) => {
            let keys = to.keys();
            agent = step(portal, &agent, *to).await.map_err(|error| later(&error))?.ok_or_else(unknown)?;
            (keys, false)
        }
        // Nothing proves who asked, since the keys are gone: nothing is written.
        Tried::Behind => return Err(behind(portal, &agent.agent, (&sent.signature_input, &sent.signature))),
        Tried::No(error) => {
            portal.unfit().add(agent_id, epoch, now);
            return Err(refused(error).into());
        }
    };
    let SignatureHeaders { signature_input, signature, .. } = sent;
    Ok(Authentic { agent, keys, old, epoch, signature_input, signature })
}

/// Checks a signature with the keys of the epoch that it names.
async fn attempt(
    portal: &Portal,
    agent: &Arc<AgentKeys>,
    epoch: u64,
    (parts, sent): (RequestParts<'_>, &SignatureHeaders),
) -> Tried {
    let (keys, old) = match agent.fit(epoch, portal.surroundings().now()) {
        Fit::Current(keys) => (keys, false),
        Fit::Previous(keys) => (keys, true),
        Fit::Ahead => {
            let Some(schedule) = ahead(portal, agent, epoch).await else {
                return Tried::No(SignatureError::Signature);
            };
            return match signature::verify_request(&schedule.keys().request, parts, sent) {
                Ok(()) => Tried::Moved(Box::new(schedule)),
                Err(error) => Tried::No(error),
            };
        }
        Fit::Behind => return Tried::Behind,
        Fit::Unfit => return Tried::No(SignatureError::Signature),
    };
    match signature::verify_request(&keys.request, parts, sent) {
        Ok(()) => Tried::Known(keys, old),
        Err(error) => Tried::No(error),
    }
}

/// The keys of a later epoch; far ones on a thread of their own, and once a minute where they did not fit.
async fn ahead(portal: &Portal, agent: &Arc<AgentKeys>, epoch: u64) -> Option<Schedule> {
    if !agent.is_far(epoch) {
        return agent.ahead(epoch);
    }
    if portal.unfit().is_known(&agent.agent.agent_id, epoch, portal.surroundings().now()) {
        return None;
    }
    let agent = agent.clone();
    tokio::task::spawn_blocking(move || agent.ahead(epoch)).await.ok().flatten()
}

/// Refuses an agent that is an old copy of itself, so that it can prove who said so. The refusal names both
/// signature headers: it is of use to who sent exactly these, and to nobody who put another key id before an
/// agent's signature.
fn behind(portal: &Portal, agent: &AgentRef, sent: (&str, &str)) -> Unsealed {
    tracing::warn!(agent.id = agent.agent_id, "somebody asked with keys of an earlier epoch");
    let problem = Problem::new(403, "behind", "This agent's keys are older than the ones the portal has.")
        .with_detail("It was copied or restored from a backup. Keep everything and enrol again.");
    refusal(portal, problem, sent)
}

/// Refuses an agent that the portal knows nothing of: one that enrolled after the backup from which the
/// portal was restored would else take this for somebody in the portal's place.
fn unheard_of(portal: &Portal, sent: (&str, &str)) -> Unsealed {
    let problem = Problem::new(403, "unknown", "The portal does not know this agent.")
        .with_detail("The portal may have been restored from a backup. Keep everything and enrol again.");
    refusal(portal, problem, sent)
}

/// A refusal that proves its origin without keys of the agent.
fn refusal(portal: &Portal, problem: Problem, (input, signature): (&str, &str)) -> Unsealed {
    let (request, now) = (format!("{input}\n{signature}"), portal.surroundings().now());
    Unsealed::Signed(Box::new(SignedRefusal::signed(problem, &request, now, &portal.keys().receipt)))
}

fn note_behind(tx: &mut Tx<'_>, agent: &AgentRef, stamp: Stamp) -> Result<(), DbError> {
    let since = report::Instant(stamp.at.0.saturating_sub(BEHIND_EVERY.0));
    if tx.count(BEHIND_LATELY, params![agent.reseller_id, &agent.agent_id, since])? > 0 {
        return Ok(());
    }
    let detail = "Somebody asked with older keys of this agent: it was copied, or restored from a backup.";
    note(tx, agent.reseller_id, &agent.agent_id, "behind", detail, None, stamp)
}

impl Authentic {
    /// Refuses the request because it is in the epoch before and new. It proved to have that epoch's keys,
    /// so there are two of this agent; that is noted.
    pub(super) async fn behind(&self, portal: &Portal) -> Unsealed {
        let (noted, stamp) = (self.agent.agent.clone(), Stamp::of(portal.surroundings()));
        let kept = portal.db().write(move |tx| note_behind(tx, &noted, stamp)).await;
        if let Err(error) = kept {
            return Unsealed::Plain(later(&error));
        }
        behind(portal, &self.agent.agent, (&self.signature_input, &self.signature))
    }
}

/// We failed; the agent keeps what it has.
pub(super) fn later(error: &dyn std::error::Error) -> Problem {
    tracing::error!(error = %error, cause = ?error.source(), "ingest failed");
    Problem::new(503, "later", "The portal cannot take this now.").with_detail("Keep it and send it again.")
}

/// Seals an answer for the sender of an authentic request and binds it to that request.
pub(super) fn sealed(portal: &Portal, to: &Authentic, answer: &Answer) -> Http {
    let status = match answer {
        Answer::Refused(problem) => problem.status,
        Answer::Accepted { .. } | Answer::Enrolled { .. } | Answer::Heard { .. } => 200,
    };
    let surroundings = portal.surroundings();
    let keys = &to.keys;
    let body = receipt::seal(keys, answer, surroundings.random());
    let context = Context { key_id: &keys.id, created: surroundings.now().0 / 1000, nonce: surroundings.random() };
    let signed = signature::sign_answer(&keys.answer, (status, receipt::CONTENT_TYPE, &body), &to.signature, context);
    let mut response = response(status, receipt::CONTENT_TYPE, body);
    let headers = [
        ("content-digest", &signed.content_digest),
        ("signature-input", &signed.signature_input),
        ("signature", &signed.signature),
    ];
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
