//! Packages that may not come in, whoever asks for them, and packages that may come in once only.
//!
//! It reads the lock file as lines, so that a finding has its line. The same bans stand in
//! `deny.toml`, for those who have that tool; this check needs neither it nor a network. That OpenSSL and the
//! typesetter are optional where they may come in stands in the manifest, which the module `crates` judges.

use super::Finding;

/// Packages that must not be in the lock file, and why.
const BANNED: &[(&str, &str)] = &[
    ("aws-lc-sys", "a second cryptographic library, and minutes of C; take the feature that means ring"),
    ("chrono", "days, zones and instants are jiff's here; turn the feature of what wants it off"),
    ("cmake", "a build then needs more than a C compiler; find the feature that wants it"),
    ("native-tls", "TLS is rustls here; turn the default features of what wants it off"),
];

/// Packages that only these may depend on, and why: OpenSSL comes in by one optional feature of one crate, towards
/// printers whose TLS is too old for rustls; the typesetter by another one, for statements as PDF.
const ONLY_BY: &[(&str, &[&str], &str)] = &[
    ("openssl", &["agent", "tokio-openssl"], "TLS is rustls here"),
    ("openssl-sys", &["openssl", "tokio-openssl"], "TLS is rustls here"),
    ("pdf", &["portal"], "it is heavy, and behind the feature pdf"),
    ("tokio-openssl", &["agent"], "TLS is rustls here"),
    ("typst", &["pdf"], "the crate pdf lays documents out"),
    ("typst-pdf", &["pdf"], "the crate pdf lays documents out"),
];

/// Packages of which a second version is a mistake: two of them do not share types, pools or locks.
const ONCE: &[&str] = &["axum", "libsqlite3-sys", "rusqlite", "rustls", "tokio"];

/// Findings in a `Cargo.lock`.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(what) = seen.last().and_then(|user| misused(user, line)) {
            findings.push(Finding::at(path, index + 1, what));
        }
        let Some(name) = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"')) else { continue };
        if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            findings.push(Finding::at(path, index + 1, format!("{name} is banned: {why} (cargo tree -i {name})")));
        }
        if ONCE.contains(&name) && seen.contains(&name) {
            let what = format!("a second version of {name}; bring both users to one (cargo tree -d)");
            findings.push(Finding::at(path, index + 1, what));
        }
        seen.push(name);
    }
    findings
}

/// What is wrong with a line among the dependencies of package `user`.
fn misused(user: &str, line: &str) -> Option<String> {
    let name = line.strip_prefix(" \"")?.split(['"', ' ']).next()?;
    let (_, users, why) = ONLY_BY.iter().find(|(only, ..)| *only == name)?;
    let what = || {
        let users = users.join(" and ");
        format!("{user} may not depend on {name}, only {users} may; {why}")
    };
    (!users.contains(&user)).then(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_package_is_found_at_its_line() {
        let findings = check("Cargo.lock", "[[package]]\nname = \"native-tls\"\nversion = \"0.2.1\"\n");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].to_string().starts_with("Cargo.lock:2: native-tls is banned"));
    }

    #[test]
    fn openssl_and_the_typesetter_come_in_by_one_crate_only() {
        for (user, dependency, found) in [
            ("agent", "openssl", 0),
            ("agent", "tokio-openssl", 0),
            ("tokio-openssl", "openssl", 0),
            ("openssl", "openssl-sys", 0),
            ("tokio-openssl", "openssl-sys", 0),
            ("portal", "openssl", 1),
            ("postgres-openssl", "openssl 0.10.82", 1),
            ("reqwest", "tokio-openssl", 1),
            ("snmp2", "openssl-probe", 0),
            ("pdf", "typst", 0),
            ("pdf", "typst-pdf", 0),
            ("portal", "pdf", 0),
            ("portal", "typst", 1),
            ("documents", "typst-pdf 0.15.1", 1),
            ("typst-pdf", "typst-library", 0),
        ] {
            let text = format!("[[package]]\nname = \"{user}\"\ndependencies = [\n \"{dependency}\",\n]\n");
            assert_eq!(check("Cargo.lock", &text).len(), found, "{user} {dependency}");
        }
    }

    #[test]
    fn a_second_version_is_found_only_where_it_matters() {
        let twice = |name: &str| check("Cargo.lock", &format!("name = \"{name}\"\nname = \"{name}\"\n")).len();
        assert_eq!(twice("rustls"), 1);
        assert_eq!(twice("syn"), 0);
    }

    #[test]
    fn a_dependency_line_is_not_a_package() {
        assert_eq!(check("Cargo.lock", "dependencies = [\n \"tokio\",\n \"tokio\",\n]\n"), Vec::new());
    }
}
