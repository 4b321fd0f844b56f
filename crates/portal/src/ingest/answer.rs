//! Requests as agents sign them, and answers as the portal seals them.

use super::AgentKeys;
use crate::Portal;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use protocol::receipt::{self, Answer, Problem};
use protocol::signature::{self, Context, RequestParts, SignatureHeaders};
use protocol::{agent_of_key_id, package};
use std::sync::Arc;

/// An HTTP answer.
pub(super) type Http = Response<Body>;

/// An answer without proof of origin: to an agent it only ever means "later".
pub(super) fn plain(problem: &Problem) -> Http {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert("retry-after", HeaderValue::from_static("60"));
    }
    response
}

/// The body's and the headers' authentic sender.
pub(super) struct Authentic {
    pub(super) keys: Arc<AgentKeys>,
    signature: String,
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Finds the agent that a request claims to be and checks its signature. What is wrong is named by
/// check, and the same whether the agent exists or not.
pub(super) async fn authenticate(
    portal: &Portal,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Authentic, Problem> {
    let refused = |error: signature::SignatureError| {
        Problem::new(401, "signature", format!("The request is not authentic: {error}."))
            .with_detail("Sign it as docs/protocol.md says, with the keys of this agent's enrolment.")
    };
    let sent = SignatureHeaders {
        content_digest: header(headers, "content-digest").to_owned(),
        signature_input: header(headers, "signature-input").to_owned(),
        signature: header(headers, "signature").to_owned(),
    };
    let key_id = signature::claimed_key_id(&sent.signature_input).map_err(refused)?;
    let unknown = || refused(signature::SignatureError::Signature);
    let agent_id = agent_of_key_id(key_id).ok_or_else(unknown)?;
    let keys = portal.agent_keys(agent_id).await.map_err(|error| later(&error))?.ok_or_else(unknown)?;
    let query = uri.query().map_or_else(|| "?".to_owned(), |query| format!("?{query}"));
    let parts = RequestParts {
        method: "POST",
        authority: &portal.config().agents_authority,
        path: uri.path(),
        query: &query,
        content_type: header(headers, "content-type"),
        idempotency_key: header(headers, "idempotency-key"),
        body,
    };
    if parts.content_type != package::CONTENT_TYPE {
        return Err(Problem::new(415, "content-type", format!("The content type is not {}.", package::CONTENT_TYPE)));
    }
    signature::verify_request(&keys.keys.request, parts, &sent).map_err(refused)?;
    Ok(Authentic { keys, signature: sent.signature })
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
        Answer::Accepted { .. } | Answer::Enrolled { .. } => 200,
    };
    let surroundings = portal.surroundings();
    let keys = &to.keys.keys;
    let body = receipt::seal(keys, answer, surroundings.random());
    let context = Context { key_id: &keys.id, created: surroundings.now().0 / 1000, nonce: surroundings.random() };
    let signed = signature::sign_answer(&keys.answer, (status, receipt::CONTENT_TYPE, &body), &to.signature, context);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [
        ("content-type", receipt::CONTENT_TYPE),
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
