//! Through which proxy the portal is reached: the system's, an explicit one, or none.
//!
//! Only HTTP proxies that let `CONNECT` through, without sign-in or with Basic, are used; every other
//! kind is refused by its name. Deliberately absent: NTLM and Negotiate, which need the system's
//! sign-in; and automatic configuration scripts (PAC), which are programs from the network.

#[cfg(any(windows, test))]
mod windows;

use crate::address;
use crate::config::PortalConfig;
use crate::files::read_secret;
use crate::uplink::UplinkError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The `[portal] proxy` setting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ProxySetting {
    /// As the system is set up.
    #[default]
    System,
    /// None, whatever the system says.
    None,
    /// This one.
    Explicit {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl TryFrom<String> for ProxySetting {
    type Error = String;

    fn try_from(text: String) -> Result<ProxySetting, String> {
        match text.as_str() {
            "system" => Ok(ProxySetting::System),
            "none" => Ok(ProxySetting::None),
            address => match Address::read(address) {
                Ok(Address { credentials: Some(_), .. }) => {
                    Err("proxy: user and password belong into the file that proxy_credentials names".to_owned())
                }
                Ok(Address { host, port, .. }) if address.starts_with("http://") => {
                    Ok(ProxySetting::Explicit { host, port })
                }
                Ok(_) => Err("proxy: neither \"system\", \"none\" nor \"http://host:port\"".to_owned()),
                Err(why) => Err(format!("proxy: {why}")),
            },
        }
    }
}

/// What a library cannot read by itself: what the program found in its environment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SystemFacts {
    /// Environment variables by name; the proxy variables are read from here.
    pub environment: BTreeMap<String, String>,
}

impl fmt::Debug for SystemFacts {
    /// Names only: a proxy variable may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.environment.keys()).finish()
    }
}

/// How one host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyChoice {
    /// Directly.
    Direct,
    /// Through an HTTP proxy.
    Http {
        /// The proxy's host.
        host: String,
        /// The proxy's port.
        port: u16,
    },
    /// The system asks for something that is not supported, in words.
    Unsupported(String),
}

/// A system's proxy settings.
pub trait SystemProxy {
    /// How `host` is reached over TLS.
    fn proxy_for(&self, host: &str) -> ProxyChoice;
}

/// User and password for a proxy.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// A way to the portal, and why it is this one.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) choice: ProxyChoice,
    pub(crate) credentials: Option<Credentials>,
    /// Who decided, for `doctor`.
    pub(crate) why: String,
}

/// A proxy's address as people write it.
struct Address {
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

impl Address {
    /// Reads `host:port` or `http://[user:password@]host[:port]`. The error names what is not supported.
    fn read(text: &str) -> Result<Address, String> {
        let text = text.trim();
        let rest = match text.split_once("://") {
            None => text,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) => {
                let scheme: String = scheme.chars().take(20).filter(char::is_ascii_alphanumeric).collect();
                return Err(format!("a proxy of the kind {scheme:?} is not supported, an HTTP proxy is"));
            }
        };
        let rest = rest.split(['/', '?', '#']).next().unwrap_or("");
        let (credentials, authority) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((before, authority)) => {
                let (user, password) = before.split_once(':').unwrap_or((before, ""));
                (Some(Credentials { user: unescaped(user), password: unescaped(password) }), authority)
            }
        };
        let known = address::known(authority).ok_or("its address is not a host with a port")?;
        let (host, port) = match address::split(&known) {
            (host, Some(port)) => (host, port.parse::<u16>().map_err(|_| "its port is no number")?),
            (host, None) => (host, 80),
        };
        Ok(Address { host: host.to_owned(), port, credentials })
    }
}

/// Text with its `%41` escapes resolved.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The proxy variables of an environment: `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`, and
/// the exceptions in `no_proxy` or `NO_PROXY`: names, name endings, addresses, `*`. No blocks.
pub(crate) struct Environment<'a>(pub(crate) &'a SystemFacts);

impl Environment<'_> {
    fn variable(&self, names: &[&str]) -> Option<&str> {
        let values = names.iter().filter_map(|name| self.0.environment.get(*name));
        values.map(|value| value.trim()).find(|value| !value.is_empty())
    }

    /// What the environment says of a host; `None` when it names no proxy.
    fn address(&self, host: &str) -> Option<Result<Address, String>> {
        let proxy = self.variable(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?;
        let not = self.variable(&["no_proxy", "NO_PROXY"]).unwrap_or("");
        (!excepts(not, host)).then(|| Address::read(proxy))
    }
}

impl SystemProxy for Environment<'_> {
    fn proxy_for(&self, host: &str) -> ProxyChoice {
        match self.address(host) {
            None => ProxyChoice::Direct,
            Some(Ok(Address { host, port, .. })) => ProxyChoice::Http { host, port },
            Some(Err(why)) => ProxyChoice::Unsupported(why),
        }
    }
}

/// Whether a `NO_PROXY` list names the host.
fn excepts(list: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        let entry = entry.strip_prefix("*.").or_else(|| entry.strip_prefix('.')).unwrap_or(&entry);
        let entry = match entry.rsplit_once(':') {
            Some((name, "443")) if !name.contains(':') => name,
            _ => entry,
        };
        let entry = entry.trim_matches(['[', ']']);
        entry == "*" || host == entry || host.strip_suffix(entry).is_some_and(|before| before.ends_with('.'))
    })
}

/// How a system without further settings reaches the portal: its environment, and on Windows the user's
/// and then the machine's settings.
fn system(facts: &SystemFacts, host: &str) -> Route {
    if let Some(found) = Environment(facts).address(host) {
        let why = "the environment names a proxy".to_owned();
        return match found {
            Ok(Address { host, port, credentials }) => {
                Route { choice: ProxyChoice::Http { host, port }, credentials, why }
            }
            Err(what) => Route { choice: ProxyChoice::Unsupported(what), credentials: None, why },
        };
    }
    #[cfg(windows)]
    for (found, why) in [
        (windows::user(), "the user's Internet settings name a proxy"),
        (windows::machine(), "the machine's WinHTTP settings name a proxy"),
    ] {
        let choice = found.map_or(ProxyChoice::Direct, |settings| settings.proxy_for(host));
        if choice != ProxyChoice::Direct {
            return Route { choice, credentials: None, why: why.to_owned() };
        }
    }
    Route { choice: ProxyChoice::Direct, credentials: None, why: "the system names no proxy".to_owned() }
}

/// The way to `host` by the agent's file and its system.
pub(crate) fn route(config: &PortalConfig, facts: &SystemFacts, host: &str) -> Result<Route, UplinkError> {
    let this_machine = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let mut route = match &config.proxy {
        ProxySetting::None => {
            Route { choice: ProxyChoice::Direct, credentials: None, why: "[portal] proxy = \"none\"".to_owned() }
        }
        ProxySetting::Explicit { host, port } => Route {
            choice: ProxyChoice::Http { host: host.clone(), port: *port },
            credentials: None,
            why: "[portal] proxy names it".to_owned(),
        },
        ProxySetting::System if this_machine => {
            Route { choice: ProxyChoice::Direct, credentials: None, why: "the portal is on this machine".to_owned() }
        }
        ProxySetting::System => system(facts, host),
    };
    if let (Some(path), ProxyChoice::Http { .. }) = (&config.proxy_credentials, &route.choice) {
        let wrong = |what: String| UplinkError::ProxyCredentials { path: path.clone(), what };
        route.credentials = Some(credentials(path).map_err(wrong)?);
    }
    Ok(route)
}

/// Bytes of the file with user and password.
const CREDENTIALS_BYTES_MAX: u64 = 16 * 1024;

/// Reads `user:password` from a file that only its owner may read.
fn credentials(path: &Path) -> Result<Credentials, String> {
    let text = read_secret(path, CREDENTIALS_BYTES_MAX)?;
    let line = text.lines().next().unwrap_or("");
    let (user, password) = line.split_once(':').ok_or("is not user:password on one line")?;
    Ok(Credentials { user: user.to_owned(), password: password.to_owned() })
}

/// What a proxy says to `CONNECT`, in its status and the ways to sign in that it offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) schemes: Vec<String>,
}

/// Waits for a proxy's reply this long.
const REPLY: Duration = Duration::from_secs(10);
/// Bytes of a proxy's reply that are read.
const REPLY_BYTES_MAX: usize = 8 * 1024;

/// Asks a proxy for a way to `target` (`host:port`) and closes the connection again: what
/// [`reqwest`] does not tell of a refusal. `None` when no reply comes.
pub(crate) async fn reply(host: &str, port: u16, target: &str, credentials: Option<&Credentials>) -> Option<Reply> {
    let ask = async {
        let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.ok()?;
        let sign_in = credentials.map_or_else(String::new, |credentials| {
            let pair = format!("{}:{}", credentials.user, credentials.password);
            format!("Proxy-Authorization: Basic {}\r\n", base64(pair.as_bytes()))
        });
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{sign_in}\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut head = Vec::new();
        let mut part = [0; 1024];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let count = stream.read(&mut part).await.ok()?;
            if count == 0 || head.len() + count > REPLY_BYTES_MAX {
                return None;
            }
            head.extend_from_slice(&part[..count]);
        }
        read_reply(&String::from_utf8_lossy(&head))
    };
    tokio::time::timeout(REPLY, ask).await.ok().flatten()
}

fn read_reply(head: &str) -> Option<Reply> {
    let mut lines = head.lines();
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse::<u16>().ok()?;
    let offers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let scheme = value.trim().split([' ', ',']).next().filter(|scheme| !scheme.is_empty())?;
        let plain: String = scheme.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
        name.trim().eq_ignore_ascii_case("proxy-authenticate").then_some(plain)
    });
    let mut schemes: Vec<String> = offers.collect();
    schemes.truncate(8);
    Some(Reply { status, schemes })
}

/// RFC 4648 base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        text.push(digit(bits >> 18));
        text.push(digit(bits >> 12));
        text.push(if chunk.len() > 1 { digit(bits >> 6) } else { '=' });
        text.push(if chunk.len() > 2 { digit(bits) } else { '=' });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(variables: &[(&str, &str)]) -> SystemFacts {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        SystemFacts { environment: variables.iter().map(pair).collect() }
    }

    pub(super) fn http(host: &str, port: u16) -> ProxyChoice {
        ProxyChoice::Http { host: host.to_owned(), port }
    }

    #[test]
    fn the_environment_names_a_proxy_the_way_other_programs_read_it() {
        let cases: [(&[(&str, &str)], ProxyChoice); 15] = [
            (&[], ProxyChoice::Direct),
            (&[("HTTP_PROXY", "http://a:1")], ProxyChoice::Direct),
            (&[("HTTPS_PROXY", "http://a:1")], http("a", 1)),
            (&[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://b:2/")], http("b", 2)),
            (&[("https_proxy", ""), ("ALL_PROXY", "b:2")], http("b", 2)),
            (&[("ALL_PROXY", "http://a")], http("a", 80)),
            (&[("ALL_PROXY", "http://ana:pw%40x@a:3128")], http("a", 3128)),
            (&[("ALL_PROXY", "http://[2001:db8::1]:3128")], http("[2001:db8::1]", 3128)),
            (&[("ALL_PROXY", "http://[2001:db8::1]")], http("[2001:db8::1]", 80)),
            (&[("ALL_PROXY", "http://a:1"), ("NO_PROXY", "portal.example")], ProxyChoice::Direct),
            (&[("ALL_PROXY", "http://a:1"), ("NO_PROXY", "x, .example")], ProxyChoice::Direct),
            (&[("ALL_PROXY", "http://a:1"), ("NO_PROXY", "*.example")], ProxyChoice::Direct),
            (&[("ALL_PROXY", "http://a:1"), ("NO_PROXY", "EXAMPLE:443")], ProxyChoice::Direct),
            (&[("ALL_PROXY", "http://a:1"), ("no_proxy", "*")], ProxyChoice::Direct),
            (&[("ALL_PROXY", "http://a:1"), ("NO_PROXY", "l.example,192.0.2.0/24")], http("a", 1)),
        ];
        for (variables, choice) in cases {
            assert_eq!(Environment(&facts(variables)).proxy_for("portal.example"), choice, "{variables:?}");
        }
        for kind in ["socks5://a:1", "https://a:1", "SOCKS4A://a:1"] {
            let choice = Environment(&facts(&[("ALL_PROXY", kind)])).proxy_for("portal.example");
            assert!(matches!(choice, ProxyChoice::Unsupported(_)), "{kind}: {choice:?}");
        }
    }

    #[test]
    fn a_proxy_variable_s_password_is_used_and_never_shown() {
        let facts = facts(&[("HTTPS_PROXY", "http://ana:p%20w@proxy.example:3128")]);
        let route = route(&PortalConfig::default(), &facts, "portal.example").expect("a route");
        let expected = Credentials { user: "ana".to_owned(), password: "p w".to_owned() };
        assert_eq!(route.credentials, Some(expected));
        assert!(!format!("{facts:?} {route:?}").contains("p w") && !format!("{facts:?}").contains("p%20w"));
    }

    #[test]
    fn the_file_s_word_comes_before_the_system_s() {
        let facts = facts(&[("HTTPS_PROXY", "http://a:1")]);
        let explicit = ProxySetting::try_from("http://b:2".to_owned()).expect("valid");
        for (setting, host, choice) in [
            (ProxySetting::System, "portal.example", http("a", 1)),
            (ProxySetting::System, "127.0.0.1", ProxyChoice::Direct),
            (ProxySetting::None, "portal.example", ProxyChoice::Direct),
            (explicit.clone(), "portal.example", http("b", 2)),
            (explicit, "127.0.0.1", http("b", 2)),
        ] {
            let config = PortalConfig { proxy: setting, ..PortalConfig::default() };
            assert_eq!(route(&config, &facts, host).expect("a route").choice, choice);
        }
        for wrong in ["b:2", "https://b:2", "http://ana:pw@b:2", "http://", "direct"] {
            assert!(ProxySetting::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn credentials_that_others_may_read_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("proxy");
        std::fs::write(&path, "ana:pass:word\n").expect("written");
        let permit = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        };
        permit(0o640);
        assert!(credentials(&path).expect_err("open").contains("chmod 600"));
        permit(0o600);
        let read = credentials(&path).expect("read");
        assert_eq!((read.user.as_str(), read.password.as_str()), ("ana", "pass:word"));
    }

    #[test]
    fn a_refusal_names_the_ways_to_sign_in() {
        let head = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\
                    proxy-authenticate: NTLM\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
        let reply = read_reply(head).expect("a reply");
        assert_eq!((reply.status, reply.schemes.join(" ")), (407, "Negotiate NTLM Basic".to_owned()));
        assert_eq!(read_reply("HTTP/1.0 200 OK\r\n\r\n").map(|reply| reply.status), Some(200));
        for odd in ["", "\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"] {
            assert_eq!(read_reply(odd), None, "{odd}");
        }
    }

    #[test]
    fn base_64_is_that_of_rfc_4648() {
        for (text, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }
}
