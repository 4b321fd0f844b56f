//! The uplink: seals a package, sends it, and believes only an answer that the portal sealed for
//! this very request. Anything else means "later".

use crate::identity::Identity;
use crate::tls::portal_config;
use protocol::limits::{ANSWER_BYTES_MAX, ENROL_BYTES_MAX};
use protocol::receipt::{self, Answer};
use protocol::signature::{SignatureHeaders, sign_post, verify_answer};
use protocol::{Keys, PACKAGES_PATH, package};
use report::Surroundings;
use std::time::Duration;

/// Without a byte for this long, the portal is not there.
const IDLE: Duration = Duration::from_secs(30);
/// One exchange takes at most this long.
const EXCHANGE: Duration = Duration::from_secs(120);

/// The portal was not reached, or what answered was not the portal. Always: try again later.
#[derive(Debug, thiserror::Error)]
pub enum UplinkError {
    /// The address is not one an agent may use.
    #[error("{0} is not a portal address: https:// and a host name, port 443 (any port on this machine itself)")]
    Address(String),
    /// TLS could not be set up.
    #[error("prepare TLS towards the portal")]
    Tls(#[from] rustls::Error),
    /// No connection, no TLS, or no answer.
    #[error("reach the portal")]
    Http(#[from] reqwest::Error),
    /// Something answered that has not the portal's keys.
    #[error("what answered (status {status}) could not prove that it is the portal; trying again later")]
    Unproved {
        /// Its HTTP status.
        status: u16,
    },
}

/// A connection to one portal.
pub(crate) struct Uplink {
    client: reqwest::Client,
    portal: String,
    authority: String,
}

/// An answer as it came, before anything in it is believed.
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    content_type: String,
    headers: SignatureHeaders,
    pub(crate) body: Vec<u8>,
}

impl Uplink {
    /// Prepares the connection. The port must be 443 except on this machine itself.
    pub(crate) fn new(portal: &str, authority_pem: Option<&str>) -> Result<Uplink, UplinkError> {
        let authority = authority(portal).ok_or_else(|| UplinkError::Address(portal.to_owned()))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(portal_config(authority_pem)?)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .connect_timeout(IDLE)
            .read_timeout(IDLE)
            .timeout(EXCHANGE)
            .build()?;
        Ok(Uplink { client, portal: format!("https://{authority}"), authority })
    }

    /// Posts bytes; for enrolment, which authenticates itself.
    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<RawAnswer, UplinkError> {
        let mut request = self.client.post(format!("{}{path}", self.portal)).header("content-type", content_type);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.body(body).send().await?;
        let status = response.status().as_u16();
        let header =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        let content_type = header("content-type");
        let headers = SignatureHeaders {
            content_digest: header("content-digest"),
            signature_input: header("signature-input"),
            signature: header("signature"),
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX.max(ENROL_BYTES_MAX) {
                return Err(UplinkError::Unproved { status });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(RawAnswer { status, content_type, headers, body })
    }

    /// Sends an authenticated request and gives the portal's authenticated answer.
    pub(crate) async fn exchange(
        &self,
        keys: &Keys,
        path: &str,
        idempotency_key: &str,
        body: Vec<u8>,
        surroundings: &Surroundings,
    ) -> Result<Answer, UplinkError> {
        let signed = sign_post(keys, (&self.authority, path), idempotency_key, &body, surroundings);
        let headers = [
            ("content-digest", signed.content_digest.as_str()),
            ("idempotency-key", idempotency_key),
            ("signature-input", signed.signature_input.as_str()),
            ("signature", signed.signature.as_str()),
        ];
        let answer = self.post(path, package::CONTENT_TYPE, &headers, body).await?;
        let unproved = UplinkError::Unproved { status: answer.status };
        let covered = (answer.status, answer.content_type.as_str(), answer.body.as_slice());
        if verify_answer(&keys.answer, covered, &signed.signature, &answer.headers).is_err() {
            return Err(unproved);
        }
        receipt::open(keys, &answer.body).map_err(|_| unproved)
    }

    /// Sends the bytes of package `sequence`.
    pub(crate) async fn upload(
        &self,
        identity: &Identity,
        sequence: u64,
        compressed: &[u8],
        surroundings: &Surroundings,
    ) -> Result<Answer, UplinkError> {
        let sealed = package::seal(&identity.keys, compressed, surroundings.random());
        let key = format!("{}-{sequence}", identity.agent());
        self.exchange(&identity.keys, PACKAGES_PATH, &key, sealed, surroundings).await
    }
}

/// Host and port of a portal address, the way a `host` header has them; `None` when an agent may not use it.
fn authority(portal: &str) -> Option<String> {
    let url = reqwest::Url::parse(portal).ok()?;
    let host = url.host_str()?;
    let plain = url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/");
    let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    match url.port() {
        None if plain => Some(host.to_owned()),
        Some(port) if plain && loopback => Some(format!("{host}:{port}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn only_https_on_443_is_a_portal_address_except_on_this_machine() {
        assert_eq!(authority("https://portal.example").as_deref(), Some("portal.example"));
        assert_eq!(authority("https://portal.example:443/").as_deref(), Some("portal.example"));
        assert_eq!(authority("https://127.0.0.1:8443").as_deref(), Some("127.0.0.1:8443"));
        for refused in [
            "http://portal.example",
            "https://portal.example:8443",
            "https://127.0.0.1.evil.example:8443",
            "https://user@portal.example",
            "https://portal.example/path",
            "ftp://portal.example",
            "portal.example",
        ] {
            assert_eq!(authority(refused), None, "{refused}");
        }
    }
}
