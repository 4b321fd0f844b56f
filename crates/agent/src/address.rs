//! Addresses as people write them, and the one form in which each is known: of portals, printers and proxies.
//!
//! Pure. Deliberately absent: ranges of addresses, which `protocol::ranges` reads, and looking names up.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Host and port of `host` or `host:port`. The host may be an IPv6 address in brackets.
pub(crate) fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// The number that `host`, `host:port`, or the same after `http://`, is; `None` where it is a name.
#[cfg(feature = "net")]
pub(crate) fn literal(address: &str) -> Option<std::net::IpAddr> {
    let (host, _) = split(address.strip_prefix("http://").unwrap_or(address));
    protocol::ranges::literal(host.trim_matches(['[', ']']))
}

/// Host and port of a portal address, the way a `host` header has them; `None` when an agent may not
/// use it: `https` only, port 443 except on this machine itself, a name that needs no rewriting.
pub(crate) fn authority(portal: &str) -> Option<String> {
    let rest = portal.strip_prefix("https://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
    let (host, port) = split(&rest);
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(literal) => literal.parse::<Ipv6Addr>().is_ok_and(|address| address.to_string() == literal),
        None => is_name(host),
    };
    let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    match port {
        None | Some("443") if is_host => Some(host.to_owned()),
        Some(port) if is_host && loopback => {
            let number: u16 = port.parse().ok().filter(|number| *number > 0)?;
            (number.to_string() == port).then(|| format!("{host}:{port}"))
        }
        _ => None,
    }
}

/// A host name, or an IPv4 address in its one plain spelling.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let numeric = host.rsplit('.').next().is_some_and(|last| last.starts_with(|first: char| first.is_ascii_digit()));
    let plain = host.len() <= 253 && host.split('.').all(label);
    plain && (!numeric || host.parse::<Ipv4Addr>().is_ok())
}

/// The form in which an address is known: `host`, `host:port`, or the same after `http://`.
#[cfg(feature = "net")]
pub(crate) fn known(text: &str) -> Option<String> {
    let (scheme, rest) = match text.split_once("://") {
        Some(("https", rest)) => ("", rest),
        Some(("http", rest)) => ("http://", rest),
        Some(_) => return None,
        None => ("", text),
    };
    let authority = if rest.len() < text.len() { rest.strip_suffix('/').unwrap_or(rest) } else { rest };
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (inner, after) = inner.split_once(']')?;
            inner.parse::<Ipv6Addr>().ok()?;
            (authority.get(..inner.len() + 2)?, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (is_host(host).then_some(host)?, Some(port)),
            None => (is_host(authority).then_some(authority)?, None),
        },
    };
    match port {
        None => Some(format!("{scheme}{host}")),
        Some(port) => {
            let plain = port.bytes().all(|byte| byte.is_ascii_digit());
            let number = port.parse::<u16>().ok().filter(|number| plain && *number > 0)?;
            Some(format!("{scheme}{host}:{number}"))
        }
    }
}

/// A name, or four decimal octets. Names that some programs read as numbers are none.
#[cfg(feature = "net")]
fn is_host(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if host.is_empty() || host.len() > 253 || !host.chars().all(plain) {
        return false;
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x");
    !numeric || host.parse::<Ipv4Addr>().is_ok()
}

/// The form in which a printer at this address and port is known.
#[cfg(feature = "net")]
pub(crate) fn of(address: std::net::IpAddr, port: u16) -> String {
    let host = match address {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => format!("[{address}]"),
    };
    if port == 443 { host } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_on_443_is_a_portal_address_except_on_this_machine() {
        for (portal, kept) in [
            ("https://portal.example", "portal.example"),
            ("https://Portal.Example:443/", "portal.example"),
            ("https://127.0.0.1:8443", "127.0.0.1:8443"),
            ("https://[::1]:8443", "[::1]:8443"),
            ("https://[2001:db8::1]", "[2001:db8::1]"),
            ("https://192.0.2.7", "192.0.2.7"),
        ] {
            assert_eq!(authority(portal).as_deref(), Some(kept), "{portal}");
        }
        for refused in [
            "http://portal.example",
            "https://portal.example:8443",
            "https://127.0.0.1.evil.example:8443",
            "https://user@portal.example",
            "https://portal.example/path",
            "https://portal.example?query",
            "https://portal.example#part",
            "https://127.1",
            "https://0x7f.0.0.1",
            "https://[0:0::1]:8443",
            "https://localhost:0443",
            "https://pörtal.example",
            "https://",
            "ftp://portal.example",
            "portal.example",
        ] {
            assert_eq!(authority(refused), None, "{refused}");
        }
    }

    #[cfg(feature = "net")]
    #[test]
    fn an_address_is_known_in_one_form() {
        for (text, form) in [
            ("192.0.2.10", Some("192.0.2.10")),
            ("https://192.0.2.10/", Some("192.0.2.10")),
            ("https://printer.example:8443", Some("printer.example:8443")),
            ("http://192.0.2.10", Some("http://192.0.2.10")),
            ("[2001:db8::1]:443", Some("[2001:db8::1]:443")),
            ("[2001:db8::1]", Some("[2001:db8::1]")),
            ("127.0.0.1:0443", Some("127.0.0.1:443")),
            ("a/", None),
            ("a/b", None),
            ("a:b", None),
            ("a:0", None),
            ("a:+1", None),
            ("a:70000", None),
            ("user@a", None),
            ("2001:db8::1", None),
            ("[fe80::1%eth0]", None),
            ("[2001:db8::1]443", None),
            ("192.0.2", None),
            ("192.0.2.010", None),
            ("3221225985", None),
            ("https://a/b", None),
            ("", None),
        ] {
            assert_eq!(known(text).as_deref(), form, "{text}");
        }
    }
}
