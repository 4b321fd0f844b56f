//! The uplink: carries what the desk says to the portal and brings the answer back, unread.
//!
//! HTTPS to port 443 only, TLS 1.3, by name and looked up anew for each connection, through a proxy
//! where the system or the file names one. Deliberately absent: any belief in an answer, which is the
//! desk's to prove; redirects; and connections kept open from one interval to the next.

use crate::address;
use crate::config::PortalConfig;
use crate::proxy::{self, ProxyChoice, Route, SystemFacts, route};
use crate::tls::{Authorities, portal_config};
use crate::{Inbound, Outbound};
use protocol::limits::{ANSWER_BYTES_MAX, ENROL_BYTES_MAX};
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Without a byte for this long, the portal is not there.
const IDLE: Duration = Duration::from_secs(30);
/// One exchange takes at most this long.
const EXCHANGE: Duration = Duration::from_secs(120);
/// A connection is kept this long for the next request of the same turn.
const KEEP: Duration = Duration::from_secs(10);

/// The portal was not reached. Always: try again later.
#[derive(Debug, thiserror::Error)]
pub enum UplinkError {
    /// The address is not one an agent may use.
    #[error("{0} is not a portal address: https:// and a host name, port 443 (any port on this machine itself)")]
    Address(String),
    /// TLS could not be set up.
    #[error("prepare TLS towards the portal")]
    Tls(#[from] rustls::Error),
    /// A certificate authority of the file cannot be read.
    #[error("read the certificate authority in {path}")]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No connection, no TLS, or no answer.
    #[error("reach the portal")]
    Http(#[from] reqwest::Error),
    /// What answered cannot be the portal.
    #[error("what answered (status {status}) is longer than any answer of the portal; trying again later")]
    Unproved {
        /// Its HTTP status.
        status: u16,
    },
    /// The proxy wants a sign-in that is not there or not supported.
    #[error("the proxy asks to sign in by {schemes}: {remedy}")]
    ProxyAuthentication {
        /// The ways that it offers.
        schemes: String,
        /// What to do.
        remedy: String,
    },
    /// The proxy lets nobody through to the portal.
    #[error("the proxy refuses a connection to the portal (status {status}): allow CONNECT to its name on port 443")]
    ProxyRefused {
        /// Its HTTP status.
        status: u16,
    },
    /// Nobody answers where the proxy should be.
    #[error("the proxy {proxy} takes no connection ({cause}): see [portal] proxy, or the system's own setting")]
    ProxyAbsent {
        /// Its host and port.
        proxy: String,
        /// Why.
        cause: String,
    },
    /// The system's proxy settings cannot be followed.
    #[error("the system's proxy settings cannot be followed: {0}")]
    ProxyUnsupported(String),
    /// The file with the proxy's user and password cannot be used.
    #[error("{path}, named by proxy_credentials, {what}")]
    ProxyCredentials {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl UplinkError {
    /// Whether nothing was sent to the portal: no connection came about, not even one without content.
    pub(crate) fn is_before_connection(&self) -> bool {
        match self {
            UplinkError::Http(error) => is_unconnected(error),
            UplinkError::Unproved { .. } => false,
            _ => true,
        }
    }

    /// What went wrong, in the words of whatever is nearest to it.
    pub(crate) fn cause(&self) -> String {
        match self {
            UplinkError::Http(error) => innermost(error),
            other => other.to_string(),
        }
    }
}

/// Whether a failed exchange ended before a connection stood. What cannot be told counts as sent.
fn is_unconnected(error: &reqwest::Error) -> bool {
    if error.is_dns() {
        return true;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.to_string() == "tcp connect error" {
            return true;
        }
        source = cause.source();
    }
    false
}

/// The last cause of an error.
fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

/// A way to one portal.
pub(crate) struct Uplink {
    authority: String,
    host: String,
    /// The authority that the enrolment names.
    enrolled: Option<String>,
    config: PortalConfig,
    facts: SystemFacts,
    /// Made at first need, and again after a failure: proxy settings change.
    client: Mutex<Option<reqwest::Client>>,
}

impl Uplink {
    /// Prepares the way. The port must be 443 except on this machine itself.
    pub(crate) fn new(
        portal: &str,
        enrolled: Option<&str>,
        config: &PortalConfig,
        facts: &SystemFacts,
    ) -> Result<Uplink, UplinkError> {
        let authority = address::authority(portal).ok_or_else(|| UplinkError::Address(portal.to_owned()))?;
        let host = address::split(&authority).0.to_owned();
        Ok(Uplink {
            authority,
            host,
            enrolled: enrolled.map(str::to_owned),
            config: config.clone(),
            facts: facts.clone(),
            client: Mutex::new(None),
        })
    }

    /// The portal's host and, unless 443, port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The portal's host.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Host and port as `CONNECT` names them.
    fn target(&self) -> String {
        if self.host == self.authority { format!("{}:443", self.host) } else { self.authority.clone() }
    }

    /// The way as it is now.
    pub(crate) fn route(&self) -> Result<Route, UplinkError> {
        route(&self.config, &self.facts, &self.host)
    }

    /// The PEM text of the authority that the customer's side adds.
    pub(crate) fn local_authority(&self) -> Result<Option<String>, UplinkError> {
        let Some(path) = &self.config.authority else { return Ok(None) };
        let text = std::fs::read_to_string(path);
        text.map(Some).map_err(|source| UplinkError::Authority { path: path.clone(), source })
    }

    /// The authority that the enrolment names.
    pub(crate) fn enrolled_authority(&self) -> Option<&str> {
        self.enrolled.as_deref()
    }

    /// A client that follows the route with this TLS set-up.
    pub(crate) fn client(&self, tls: rustls::ClientConfig) -> Result<reqwest::Client, UplinkError> {
        let route = self.route()?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .no_proxy()
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(KEEP)
            .connect_timeout(IDLE)
            .read_timeout(IDLE)
            .timeout(EXCHANGE);
        let builder = match route.choice {
            ProxyChoice::Direct => builder,
            ProxyChoice::Unsupported(what) => return Err(UplinkError::ProxyUnsupported(what)),
            ProxyChoice::Http { host, port } => {
                let proxy = reqwest::Proxy::all(format!("http://{host}:{port}"))?;
                builder.proxy(match &route.credentials {
                    Some(credentials) => proxy.basic_auth(&credentials.user, &credentials.password),
                    None => proxy,
                })
            }
        };
        Ok(builder.build()?)
    }

    fn ready(&self) -> Result<reqwest::Client, UplinkError> {
        let mut held = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*held {
            return Ok(client.clone());
        }
        let local = self.local_authority()?;
        let authorities = Authorities { enrolled: self.enrolled.as_deref(), local: local.as_deref() };
        let client = self.client(portal_config(authorities)?)?;
        *held = Some(client.clone());
        Ok(client)
    }

    /// Carries a request to the portal; gives whatever answered.
    pub(crate) async fn carry(&self, sent: &Outbound) -> Result<Inbound, UplinkError> {
        if sent.authority != self.authority {
            return Err(UplinkError::Address(sent.authority.clone()));
        }
        match self.exchange(sent).await {
            Err(UplinkError::Http(error)) => {
                *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(self.explain(error).await)
            }
            answer => answer,
        }
    }

    async fn exchange(&self, sent: &Outbound) -> Result<Inbound, UplinkError> {
        let mut request = self.ready()?.post(format!("https://{}{}", self.authority, sent.path));
        for (name, value) in &sent.headers {
            request = request.header(*name, value.as_str());
        }
        let mut response = request.body(sent.body.clone()).send().await?;
        let status = response.status().as_u16();
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = response.headers().iter().filter_map(header).collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX.max(ENROL_BYTES_MAX) {
                return Err(UplinkError::Unproved { status });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Inbound { status, headers, body })
    }

    /// Asks a proxy why it let nothing through: a failed connection does not tell.
    pub(crate) async fn explain(&self, error: reqwest::Error) -> UplinkError {
        let Ok(Route { choice: ProxyChoice::Http { host, port }, credentials, .. }) = self.route() else {
            return UplinkError::Http(error);
        };
        if !error.is_connect() {
            return UplinkError::Http(error);
        }
        match proxy::reply(&host, port, &self.target(), credentials.as_ref()).await {
            Some(reply) if reply.status == 407 => sign_in(&reply.schemes, credentials.is_some()),
            Some(reply) if reply.status >= 300 => UplinkError::ProxyRefused { status: reply.status },
            None if is_unconnected(&error) => {
                UplinkError::ProxyAbsent { proxy: format!("{host}:{port}"), cause: innermost(&error) }
            }
            _ => UplinkError::Http(error),
        }
    }
}

/// What a proxy's demand to sign in means, and what to do.
fn sign_in(schemes: &[String], tried: bool) -> UplinkError {
    let basic = schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic"));
    let remedy = match (basic, tried) {
        (true, true) => "user and password in the proxy_credentials file are not the right ones".to_owned(),
        (true, false) => "put user:password into a file and name it by [portal] proxy_credentials".to_owned(),
        (false, _) => "only Basic is supported; let this machine through to the portal without sign-in, or set \
                       [portal] proxy to one that takes Basic"
            .to_owned(),
    };
    let schemes = if schemes.is_empty() { "no way that it names".to_owned() } else { schemes.join(", ") };
    UplinkError::ProxyAuthentication { schemes, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_wants_the_system_s_sign_in_is_refused_by_name() {
        let names = |schemes: &[&str]| schemes.iter().map(|scheme| (*scheme).to_owned()).collect::<Vec<_>>();
        for (schemes, tried, words) in [
            (names(&["NTLM", "Negotiate"]), false, ["NTLM, Negotiate", "only Basic"]),
            (names(&["NTLM", "Basic"]), false, ["NTLM, Basic", "proxy_credentials"]),
            (names(&["basic"]), true, ["basic", "not the right ones"]),
            (names(&[]), false, ["no way", "only Basic"]),
        ] {
            let said = sign_in(&schemes, tried).to_string();
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
        }
    }
}
