//! What a Windows system says of a proxy: the user's Internet settings, and WinHTTP's.
//!
//! Deliberately absent: the running of automatic configuration scripts; one is refused by its address.

use super::{Address, ProxyChoice, SystemProxy};

/// The registry key of the user's settings.
#[cfg(windows)]
const KEY: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings";

/// What a Windows system says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WindowsProxy {
    /// `host:port`, or one for each scheme: `http=a:1;https=b:2`.
    server: Option<String>,
    /// Host patterns with `*`, separated by `;`; `<local>` is every name without a dot.
    exceptions: String,
    /// The address of a script.
    script: Option<String>,
}

impl SystemProxy for WindowsProxy {
    fn proxy_for(&self, host: &str) -> ProxyChoice {
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let except = self.exceptions.split([';', ' ']).map(str::trim).filter(|pattern| !pattern.is_empty());
        for pattern in except {
            if (pattern == "<local>" && !host.contains(['.', ':'])) || fits(&pattern.to_ascii_lowercase(), &host) {
                return ProxyChoice::Direct;
            }
        }
        match (self.server.as_deref().map(for_https), &self.script) {
            (Some(Some(server)), _) => match Address::read(server) {
                Ok(Address { host, port, .. }) => ProxyChoice::Http { host, port },
                Err(why) => ProxyChoice::Unsupported(why),
            },
            (Some(None), _) => {
                ProxyChoice::Unsupported("it names a proxy for other protocols than HTTPS only".to_owned())
            }
            (None, Some(script)) => {
                let script: String = script.chars().take(200).filter(|c| !c.is_control()).collect();
                ProxyChoice::Unsupported(format!(
                    "it names an automatic configuration script (PAC) at {script}; \
                     set [portal] proxy to the proxy that the script gives"
                ))
            }
            (None, None) => ProxyChoice::Direct,
        }
    }
}

/// The proxy for HTTPS in a `ProxyServer` value.
fn for_https(server: &str) -> Option<&str> {
    if !server.contains('=') {
        return Some(server.trim());
    }
    let entries = server.split([';', ' ']).filter_map(|entry| entry.split_once('='));
    let mut entries = entries.map(|(scheme, proxy)| (scheme.trim(), proxy.trim()));
    entries.find(|(scheme, _)| *scheme == "https").map(|(_, proxy)| proxy)
}

/// Whether `host` fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, host: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == host };
    let Some(mut left) = host.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

/// Reads what `reg query` prints of the user's settings.
fn read_registry(text: &str) -> WindowsProxy {
    let value = |name: &str| {
        let mut fields = text.lines().filter_map(|line| {
            let (found, rest) = line.trim().split_once(char::is_whitespace)?;
            let (kind, value) = rest.trim().split_once(char::is_whitespace)?;
            (found.eq_ignore_ascii_case(name) && kind.starts_with("REG_")).then(|| value.trim())
        });
        fields.find(|value| !value.is_empty())
    };
    let enabled = value("ProxyEnable").is_some_and(|value| value.contains(|c: char| ('1'..='9').contains(&c)));
    WindowsProxy {
        server: value("ProxyServer").filter(|_| enabled).map(str::to_owned),
        exceptions: value("ProxyOverride").filter(|_| enabled).unwrap_or("").to_owned(),
        script: value("AutoConfigURL").map(str::to_owned),
    }
}

/// Reads what `netsh winhttp show proxy` prints, in any language: the first line with a value
/// behind a colon names the proxy, the second the exceptions; without any, there is none.
fn read_winhttp(text: &str) -> WindowsProxy {
    let values = text.lines().filter(|line| line.starts_with([' ', '\t'])).filter_map(|line| {
        let (_, value) = line.split_once(':')?;
        let value = value.trim();
        (!value.is_empty()).then_some(value)
    });
    let mut values = values.take(2);
    let server = values.next().map(str::to_owned);
    let exceptions = values.next().filter(|value| !value.starts_with('(')).unwrap_or("").to_owned();
    WindowsProxy { server, exceptions, script: None }
}

#[cfg(windows)]
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = std::process::Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The settings of the user that the program runs as.
#[cfg(windows)]
pub(super) fn user() -> Option<WindowsProxy> {
    output("reg", &["query", KEY]).map(|text| read_registry(&text))
}

/// The machine's WinHTTP settings.
#[cfg(windows)]
pub(super) fn machine() -> Option<WindowsProxy> {
    output("netsh", &["winhttp", "show", "proxy"]).map(|text| read_winhttp(&text))
}

#[cfg(test)]
mod tests {
    use super::super::tests::http;
    use super::*;

    const REGISTRY: &str = "\r\nHKEY_CURRENT_USER\\Software\\Example\r\n    \
        ProxyEnable    REG_DWORD    0x1\r\n    \
        ProxyServer    REG_SZ    http=a:1;https=b.example:2;socks=c:3\r\n    \
        ProxyOverride    REG_SZ    *.intern.example;10.*;<local>\r\n\r\n";

    #[test]
    fn the_registry_s_settings_are_read() {
        let settings = read_registry(REGISTRY);
        for (host, choice) in [
            ("portal.example", http("b.example", 2)),
            ("www.intern.example", ProxyChoice::Direct),
            ("10.1.2.3", ProxyChoice::Direct),
            ("portal", ProxyChoice::Direct),
        ] {
            assert_eq!(settings.proxy_for(host), choice, "{host}");
        }
        let off = REGISTRY.replace("0x1", "0x0");
        assert_eq!(read_registry(&off), WindowsProxy::default());
        let plain = "    ProxyEnable    REG_DWORD    0x1\n    ProxyServer    REG_SZ    proxy.example:8080\n";
        assert_eq!(read_registry(plain).proxy_for("portal.example"), http("proxy.example", 8080));
    }

    #[test]
    fn a_script_and_other_protocols_are_refused_by_name() {
        let script = "    AutoConfigURL    REG_SZ    http://wpad.example/proxy.pac\n";
        let ProxyChoice::Unsupported(words) = read_registry(script).proxy_for("portal.example") else {
            panic!("a script is not evaluated")
        };
        assert!(words.contains("http://wpad.example/proxy.pac") && words.contains("[portal] proxy"), "{words}");
        let socks = "    ProxyEnable    REG_DWORD    0x1\n    ProxyServer    REG_SZ    socks=a:1\n";
        assert!(matches!(read_registry(socks).proxy_for("portal.example"), ProxyChoice::Unsupported(_)));
    }

    #[test]
    fn winhttp_s_settings_are_read_in_any_language() {
        let none = "\r\nCurrent WinHTTP proxy settings:\r\n\r\n    Direct access (no proxy server).\r\n";
        assert_eq!(read_winhttp(none), WindowsProxy::default());
        let english = "\r\nCurrent WinHTTP proxy settings:\r\n\r\n    Proxy Server(s) :  p.example:8080\r\n    \
                       Bypass List     :  *.example;<local>\r\n";
        let german = "\r\nAktuelle WinHTTP-Proxyeinstellungen:\r\n\r\n    Proxyserver:  p.example:8080\r\n    \
                      Umgehungsliste :  (Kein)\r\n";
        assert_eq!(read_winhttp(english).proxy_for("portal.example"), ProxyChoice::Direct);
        assert_eq!(read_winhttp(english).proxy_for("portal.test"), http("p.example", 8080));
        assert_eq!(read_winhttp(german).proxy_for("portal.example"), http("p.example", 8080));
    }
}
