//! The dependency table of the house, and the few packages that a pure crate may use.
//!
//! Deliberately absent: versions, which `Cargo.lock` holds, and licences, which `deny.toml` holds.

use super::Finding;
use toml::{Table, Value};

/// What each crate of ours may depend on, among ours. A crate that is missing here may not exist.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("report", &[]),
    ("protocol", &["report"]),
    ("drivers", &["report"]),
    ("billing", &["protocol", "report"]),
    ("evidence", &["billing", "protocol", "report"]),
    ("documents", &["billing", "report"]),
    ("pdf", &["documents"]),
    ("agent", &["drivers", "protocol", "report"]),
    ("firmware", &["agent", "protocol", "report"]),
    ("fuzz", &["drivers", "protocol", "report"]),
    ("portal", &["billing", "documents", "evidence", "pdf", "protocol", "report"]),
    ("simulator", &["agent", "billing", "drivers", "evidence", "portal", "protocol", "report"]),
    ("plotmeter", &["agent", "billing", "drivers", "evidence", "portal", "protocol", "report", "simulator"]),
    ("xtask", &["drivers", "report"]),
];

/// Crates without IO, clock, environment, randomness and floating point.
pub(super) const PURE: &[&str] = &["report", "billing", "evidence", "protocol", "drivers"];

/// Packages of others that a pure crate may use: they compute, and nothing else.
const PURE_MAY_USE: &[&str] = &[
    "aes",
    "base64",
    "cbc",
    "csv",
    "ed25519-dalek",
    "hkdf",
    "hmac",
    "jiff",
    "roxmltree",
    "serde",
    "serde_json",
    "sha2",
    "snow",
    "subtle",
    "thiserror",
    "toml",
    "zeroize",
    "zip",
    "zstd",
];

/// Packages of others that the tests of a pure crate may use besides.
const PURE_TESTS_MAY_USE: &[&str] = &["proptest", "tempfile"];

/// Packages that a manifest may name only as optional, the feature that brings them, and why.
const ONLY_OPTIONAL: &[(&str, &str, &str)] = &[
    ("openssl", "legacy-tls", "TLS is rustls here"),
    ("openssl-sys", "legacy-tls", "TLS is rustls here"),
    ("pdf", "pdf", "it makes a program much larger"),
    ("tokio-openssl", "legacy-tls", "TLS is rustls here"),
];
/// Features that must not be on by default, and why.
const NOT_BY_DEFAULT: &[(&str, &str)] = &[
    ("legacy-tls", "TLS is rustls, and OpenSSL only where somebody asks for it"),
    ("pdf", "the typesetter comes only where somebody asks for it"),
];

/// A dependency as a manifest names it.
struct Dependency {
    name: String,
    for_tests: bool,
    is_optional: bool,
}

/// Findings in the manifest at `path`; the workspace's own manifest has none.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let table: Table = match toml::from_str(text) {
        Ok(table) => table,
        Err(error) => return vec![Finding::at(path, 1, format!("not readable as TOML ({error}); mend it"))],
    };
    let Some(name) = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str) else {
        return Vec::new();
    };
    let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(known, _)| *known == name) else {
        let what = format!("crate {name} has no line in MAY_DEPEND_ON (xtask/src/tidy/crates.rs); is it a boundary?");
        return vec![Finding::at(path, 1, what)];
    };
    let mut findings = Vec::new();
    if path != format!("crates/{name}/Cargo.toml") && path != format!("{name}/Cargo.toml") {
        findings.push(Finding::at(path, 1, format!("crate {name} stands in a folder of another name; rename one")));
    }
    for (feature, why) in NOT_BY_DEFAULT.iter().filter(|(feature, _)| is_default(&table, feature)) {
        let what = format!("{feature} is on by default; {why}");
        findings.push(Finding::at(path, line_of_key(text, "default"), what));
    }
    for dependency in dependencies(&table) {
        if let Some(what) = judge(name, allowed, &dependency) {
            findings.push(Finding::at(path, line_of_key(text, &dependency.name), what));
        }
    }
    findings
}

/// What is wrong with `dependency` of crate `name`.
fn judge(name: &str, allowed: &[&str], dependency: &Dependency) -> Option<String> {
    let other = dependency.name.as_str();
    let only_optional = ONLY_OPTIONAL.iter().find(|(only, ..)| *only == other && !dependency.is_optional);
    if let Some((_, feature, why)) = only_optional {
        return Some(format!("{other} must be optional, behind the feature {feature}; {why}"));
    }
    if MAY_DEPEND_ON.iter().any(|(ours, _)| *ours == other) {
        // A crate may name itself to switch its own features on for its tests.
        let fine = allowed.contains(&other) || (dependency.for_tests && other == name);
        return (!fine).then(|| format!("{name} may not depend on {other}; move the code, or change the house first"));
    }
    if !PURE.contains(&name) {
        return None;
    }
    let fine = PURE_MAY_USE.contains(&other) || (dependency.for_tests && PURE_TESTS_MAY_USE.contains(&other));
    (!fine).then(|| format!("{name} is pure and may not use {other}; pass its result in as an argument"))
}

/// Whether a feature of the crate, or of a crate below it, is on by default.
fn is_default(table: &Table, feature: &str) -> bool {
    let default = table.get("features").and_then(|features| features.get("default")).and_then(Value::as_array);
    let words = default.into_iter().flatten().filter_map(Value::as_str);
    words.filter_map(|word| word.rsplit('/').next()).any(|word| word == feature)
}

/// Every dependency that a manifest names, also those of one system only.
fn dependencies(table: &Table) -> Vec<Dependency> {
    let mut parts = vec![table];
    if let Some(targets) = table.get("target").and_then(Value::as_table) {
        parts.extend(targets.values().filter_map(Value::as_table));
    }
    let mut found = Vec::new();
    for part in parts {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(entries) = part.get(section).and_then(Value::as_table) else { continue };
            for (key, entry) in entries {
                let name = entry.get("package").and_then(Value::as_str).unwrap_or(key).to_owned();
                let is_optional = entry.get("optional").and_then(Value::as_bool).unwrap_or(false);
                found.push(Dependency { name, for_tests: section == "dev-dependencies", is_optional });
            }
        }
    }
    found
}

/// The line that names the dependency, as near as plain text tells.
fn line_of_key(text: &str, name: &str) -> usize {
    let names = |line: &str| line.trim().split(['=', '.', ' ']).next() == Some(name);
    text.lines().position(names).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, rest: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{name}\"\n{rest}");
        check(&format!("crates/{name}/Cargo.toml"), &text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_the_table_allows_is_no_finding() {
        assert_eq!(manifest("agent", "[dependencies]\nreport.workspace = true\ntokio = \"1\"\n"), Vec::<String>::new());
        assert_eq!(manifest("report", "[dev-dependencies]\nreport = { path = \".\" }\n"), Vec::<String>::new());
    }

    #[test]
    fn an_edge_against_the_table_is_found_at_its_line() {
        let findings = manifest("portal", "[dependencies]\nreport.workspace = true\ndrivers = { path = \"x\" }\n");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("crates/portal/Cargo.toml:5: portal may not depend on drivers"));
    }

    #[test]
    fn an_edge_of_one_system_or_under_another_name_is_found_too() {
        assert_eq!(manifest("agent", "[target.'cfg(windows)'.dependencies]\nbilling = \"1\"\n").len(), 1);
        assert_eq!(manifest("agent", "[dependencies]\nmoney = { package = \"billing\", path = \"x\" }\n").len(), 1);
    }

    #[test]
    fn a_pure_crate_uses_only_what_computes() {
        assert_eq!(manifest("billing", "[dependencies]\ntokio = \"1\"\n").len(), 1);
        assert_eq!(manifest("billing", "[dependencies]\nproptest = \"1\"\n").len(), 1);
        assert_eq!(manifest("billing", "[dev-dependencies]\nproptest = \"1\"\n"), Vec::<String>::new());
    }

    #[test]
    fn openssl_is_optional_and_off_by_default() {
        let optional = "[dependencies]\nopenssl = { version = \"0.10\", optional = true }\n";
        assert_eq!(manifest("agent", optional), Vec::<String>::new());
        for wrong in [
            "[dependencies]\nopenssl = \"0.10\"\n",
            "[dev-dependencies]\ntokio-openssl = { workspace = true }\n",
            "[features]\ndefault = [\"legacy-tls\"]\n",
            "[features]\ndefault = [\"agent?/legacy-tls\"]\n",
        ] {
            assert_eq!(manifest("agent", wrong).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn the_typesetter_is_optional_and_off_by_default() {
        let optional = "[features]\npdf = [\"dep:pdf\"]\n[dependencies]\npdf = { path = \"x\", optional = true }\n";
        assert_eq!(manifest("portal", optional), Vec::<String>::new());
        for (name, wrong) in [
            ("portal", "[dependencies]\npdf = { path = \"x\" }\n"),
            ("portal", "[features]\ndefault = [\"pdf\"]\n"),
            ("plotmeter", "[features]\ndefault = [\"portal?/pdf\"]\n"),
            ("plotmeter", "[dependencies]\npdf = { path = \"x\", optional = true }\n"),
        ] {
            assert_eq!(manifest(name, wrong).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn an_unknown_crate_and_a_misnamed_folder_are_found() {
        assert_eq!(manifest("utilities", "").len(), 1);
        assert_eq!(check("crates/reports/Cargo.toml", "[package]\nname = \"report\"\n").len(), 1);
    }

    #[test]
    fn a_workspace_manifest_is_not_judged() {
        assert_eq!(check("Cargo.toml", "[workspace]\nmembers = []\n"), Vec::new());
    }
}
