//! HTTP message signatures: a strict subset of RFC 9421 with `hmac-sha256`.
//!
//! One component list for requests and one for answers; both must be covered, in this order and no
//! others. A general implementation accepts what the sender chose to cover, which is how signatures
//! that cover nothing get accepted.

use crate::keys::{Key, Keys, equal, mac, sha256};
use crate::limits::SIGNATURE_HEADER_MAX;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::Surroundings;

/// The covered components of a request.
const REQUEST: &str = r#"("@method" "@authority" "@path" "@query" "content-digest" "content-type" "idempotency-key")"#;
/// The covered components of an answer; it is bound to its request by the request's signature.
const ANSWER: &str = r#"("@status" "content-digest" "content-type" "signature";req;key="plotmeter")"#;
/// Tells our signatures from any other use of the same key.
const TAG: &str = "plotmeter-v1";

/// What a request's signature covers.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// Upper case: `POST`.
    pub method: &'a str,
    /// Host and, unless 443, port of the portal: `portal.example`.
    pub authority: &'a str,
    /// Path without query.
    pub path: &'a str,
    /// Query with its `?`; a request without one gives `?` alone.
    pub query: &'a str,
    /// The content type.
    pub content_type: &'a str,
    /// Names the package: a repeated request carries the same.
    pub idempotency_key: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// The headers that authenticate a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// `content-digest`, RFC 9530.
    pub content_digest: String,
    /// `signature-input`.
    pub signature_input: String,
    /// `signature`.
    pub signature: String,
}

/// Why a signature was refused. A sender is told no more than these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signature headers are not in the form we use.
    #[error("the signature headers are missing or malformed")]
    Malformed,
    /// Not all of what must be covered is covered.
    #[error("the signature does not cover the required components")]
    Coverage,
    /// The body is not the one the digest names.
    #[error("the content digest does not fit the body")]
    Digest,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    Signature,
}

/// When and for whom a message is signed.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// [`crate::Keys::id`].
    pub key_id: &'a str,
    /// Seconds since 1970 by the signer's clock. For diagnosis; nothing is refused by it.
    pub created: i64,
    /// Unpredictable.
    pub nonce: [u8; 16],
}

/// `content-digest` of a body.
fn digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256(&[body])))
}

fn parameters(components: &str, context: Context<'_>) -> String {
    let nonce = STANDARD.encode(context.nonce);
    format!(
        r#"{components};created={};nonce="{nonce}";keyid="{}";alg="hmac-sha256";tag="{TAG}""#,
        context.created, context.key_id
    )
}

fn request_base(parts: RequestParts<'_>, content_digest: &str, parameters: &str) -> String {
    let RequestParts { method, authority, path, query, content_type, idempotency_key, .. } = parts;
    format!(
        "\"@method\": {method}\n\"@authority\": {authority}\n\"@path\": {path}\n\"@query\": {query}\n\
         \"content-digest\": {content_digest}\n\"content-type\": {content_type}\n\
         \"idempotency-key\": {idempotency_key}\n\"@signature-params\": {parameters}"
    )
}

fn answer_base(status: u16, content_type: &str, request_signature: &str, digest: &str, parameters: &str) -> String {
    format!(
        "\"@status\": {status}\n\"content-digest\": {digest}\n\"content-type\": {content_type}\n\
         \"signature\";req;key=\"plotmeter\": {request_signature}\n\"@signature-params\": {parameters}"
    )
}

fn headers(key: &Key, base: &str, content_digest: String, parameters: &str) -> SignatureHeaders {
    SignatureHeaders {
        content_digest,
        signature_input: format!("plotmeter={parameters}"),
        signature: format!("plotmeter=:{}:", STANDARD.encode(mac(key.expose(), &[base.as_bytes()]))),
    }
}

/// Signs a request of an agent.
pub fn sign_request(key: &Key, parts: RequestParts<'_>, context: Context<'_>) -> SignatureHeaders {
    let (digest, parameters) = (digest(parts.body), parameters(REQUEST, context));
    let base = request_base(parts, &digest, &parameters);
    headers(key, &base, digest, &parameters)
}

/// Signs what agents post: sealed bytes (or none) to `path` of the portal at `authority`.
pub fn sign_post(
    keys: &Keys,
    (authority, path): (&str, &str),
    content_type: &str,
    idempotency_key: &str,
    body: &[u8],
    surroundings: &Surroundings,
) -> SignatureHeaders {
    let parts = RequestParts { method: "POST", authority, path, query: "?", content_type, idempotency_key, body };
    let created = surroundings.now().0 / 1000;
    sign_request(&keys.request, parts, Context { key_id: &keys.id, created, nonce: surroundings.random() })
}

/// The key id that a request claims, before anything is proved.
pub fn claimed_key_id(signature_input: &str) -> Result<&str, SignatureError> {
    if signature_input.len() > SIGNATURE_HEADER_MAX {
        return Err(SignatureError::Malformed);
    }
    let start = signature_input.find(";keyid=\"").ok_or(SignatureError::Malformed)? + 8;
    let rest = &signature_input[start..];
    Ok(&rest[..rest.find('"').ok_or(SignatureError::Malformed)?])
}

/// Checks a request's signature with the key of the agent that it claims to be.
pub fn verify_request(key: &Key, parts: RequestParts<'_>, sent: &SignatureHeaders) -> Result<(), SignatureError> {
    let parameters = covered(sent, REQUEST)?;
    if sent.content_digest != digest(parts.body) {
        return Err(SignatureError::Digest);
    }
    check(key, &request_base(parts, &sent.content_digest, parameters), sent)
}

/// Signs an answer to the request that carried `request_signature`.
pub fn sign_answer(
    key: &Key,
    (status, content_type, body): (u16, &str, &[u8]),
    request_signature: &str,
    context: Context<'_>,
) -> SignatureHeaders {
    let (digest, parameters) = (digest(body), parameters(ANSWER, context));
    let base = answer_base(status, content_type, value_of(request_signature), &digest, &parameters);
    headers(key, &base, digest, &parameters)
}

/// Checks that an answer is the portal's, and the answer to this very request.
pub fn verify_answer(
    key: &Key,
    (status, content_type, body): (u16, &str, &[u8]),
    request_signature: &str,
    sent: &SignatureHeaders,
) -> Result<(), SignatureError> {
    let parameters = covered(sent, ANSWER)?;
    if sent.content_digest != digest(body) {
        return Err(SignatureError::Digest);
    }
    check(key, &answer_base(status, content_type, value_of(request_signature), &sent.content_digest, parameters), sent)
}

/// The value under our label in a `signature` header.
fn value_of(signature: &str) -> &str {
    signature.strip_prefix("plotmeter=").unwrap_or("")
}

/// The parameters, when exactly `components` are covered and the algorithm and tag are ours.
fn covered<'a>(sent: &'a SignatureHeaders, components: &str) -> Result<&'a str, SignatureError> {
    if sent.signature_input.len() > SIGNATURE_HEADER_MAX || sent.signature.len() > SIGNATURE_HEADER_MAX {
        return Err(SignatureError::Malformed);
    }
    let parameters = sent.signature_input.strip_prefix("plotmeter=").ok_or(SignatureError::Malformed)?;
    let rest = parameters.strip_prefix(components).ok_or(SignatureError::Coverage)?;
    let ours = rest.starts_with(";created=") && rest.ends_with(&format!(r#";alg="hmac-sha256";tag="{TAG}""#));
    // A control character could forge a line of the signature base.
    if !ours || rest.bytes().any(|byte| !(0x20..0x7f).contains(&byte)) {
        return Err(SignatureError::Coverage);
    }
    Ok(parameters)
}

fn check(key: &Key, base: &str, sent: &SignatureHeaders) -> Result<(), SignatureError> {
    let value = value_of(&sent.signature).strip_prefix(':').and_then(|value| value.strip_suffix(':'));
    let value = value.and_then(|value| STANDARD.decode(value).ok()).ok_or(SignatureError::Malformed)?;
    if equal(&mac(key.expose(), &[base.as_bytes()]), &value) { Ok(()) } else { Err(SignatureError::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9421 appendix B.2.5.
    #[test]
    fn rfc_9421_b25_gives_the_published_signature() {
        let key = STANDARD
            .decode("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
            .expect("base64");
        let base = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
                    \"content-type\": application/json\n\"@signature-params\": \
                    (\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
        let signature = STANDARD.encode(mac(&key, &[base.as_bytes()]));
        assert_eq!(signature, "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
    }

    const PARTS: RequestParts<'static> = RequestParts {
        method: "POST",
        authority: "portal.example",
        path: "/ingest/v1/packages",
        query: "?",
        content_type: "application/vnd.plotmeter.package+jwe",
        idempotency_key: "a-1",
        body: b"body",
    };
    const CONTEXT: Context<'static> = Context { key_id: "a.0", created: 1_793_448_000, nonce: [5; 16] };

    #[test]
    fn each_covered_part_is_bound() {
        let key = Key::new([1; 32]);
        let sent = sign_request(&key, PARTS, CONTEXT);
        assert_eq!(verify_request(&key, PARTS, &sent), Ok(()));
        assert_eq!(claimed_key_id(&sent.signature_input), Ok("a.0"));
        let altered = [
            RequestParts { method: "PUT", ..PARTS },
            RequestParts { authority: "other.example", ..PARTS },
            RequestParts { path: "/enrol/v1/confirm", ..PARTS },
            RequestParts { query: "?a=b", ..PARTS },
            RequestParts { content_type: "text/plain", ..PARTS },
            RequestParts { idempotency_key: "a-2", ..PARTS },
        ];
        for parts in altered {
            assert_eq!(verify_request(&key, parts, &sent), Err(SignatureError::Signature), "{parts:?}");
        }
        let parts = RequestParts { body: b"bodz", ..PARTS };
        assert_eq!(verify_request(&key, parts, &sent), Err(SignatureError::Digest));
    }

    #[test]
    fn a_signature_that_covers_less_is_refused_even_when_it_fits() {
        let key = Key::new([1; 32]);
        let parameters = parameters(r#"("@method")"#, CONTEXT);
        let base = format!("\"@method\": POST\n\"@signature-params\": {parameters}");
        let sent = headers(&key, &base, digest(PARTS.body), &parameters);
        assert_eq!(verify_request(&key, PARTS, &sent), Err(SignatureError::Coverage));
    }

    #[test]
    fn an_answer_is_bound_to_its_request() {
        let key = Key::new([1; 32]);
        let request = sign_request(&Key::new([2; 32]), PARTS, CONTEXT);
        let answer = (200, "application/json", b"{}".as_slice());
        let sent = sign_answer(&key, answer, &request.signature, CONTEXT);
        assert_eq!(verify_answer(&key, answer, &request.signature, &sent), Ok(()));
        let other = sign_request(&Key::new([2; 32]), PARTS, Context { nonce: [6; 16], ..CONTEXT });
        assert_eq!(verify_answer(&key, answer, &other.signature, &sent), Err(SignatureError::Signature));
        let reflected = verify_answer(&key, answer, &request.signature, &request);
        assert_eq!(reflected, Err(SignatureError::Coverage));
    }
}
