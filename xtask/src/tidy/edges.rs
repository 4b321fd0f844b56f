//! Who may use whom among the feature folders of the portal.
//!
//! A feature is a folder or file directly under `crates/portal/src`. What every feature builds on is
//! free to use; every other edge is a line in [`EDGES`], so that a new one is a visible diff. A line
//! that no code needs any more is a finding too.

use super::source::Source;
use super::{Finding, Tree, line_of, paths};
use std::collections::BTreeSet;

/// Where the features stand.
const FEATURES: &str = "crates/portal/src/";

/// What every feature may use.
const FREE: &[&str] = &["config", "db", "keys", "shell"];

/// Where the features are put together, and so may name all of them: the portal, its set-up, what
/// benches take apart, and the test that renders every page.
const ASSEMBLY: &[&str] = &["bench.rs", "lib.rs", "pages_render.rs", "setup.rs"];

/// The edges: the first may use the second. Sorted.
pub(super) const EDGES: &[(&str, &str)] = &[
    ("agents", "ingest"),
    ("billing_run", "agents"),
    ("billing_run", "readings"),
    ("billing_run", "statements"),
    ("contracts", "agents"),
    ("contracts", "statements"),
    ("customers", "agents"),
    ("customers", "contracts"),
    ("customers", "fleet"),
    ("customers", "ingest"),
    ("fleet", "agents"),
    ("fleet", "jobs"),
    ("fleet", "readings"),
    ("home", "agents"),
    ("home", "contracts"),
    ("home", "fleet"),
    ("home", "readings"),
    ("home", "statements"),
    ("ingest", "agents"),
    ("ingest", "ledger"),
    ("my", "agents"),
    ("my", "contracts"),
    ("my", "customers"),
    ("my", "fleet"),
    ("my", "readings"),
    ("my", "statements"),
    ("operator", "people"),
    ("readings", "agents"),
    ("readings", "contracts"),
    ("readings", "jobs"),
    ("readings", "ledger"),
    ("statements", "contracts"),
    ("statements", "ingest"),
    ("statements", "readings"),
];

/// This file, for findings about the table itself.
const HERE: &str = "xtask/src/tidy/edges.rs";

/// Findings about the portal's features in `tree`, held against `edges`.
pub(super) fn check(tree: &Tree, edges: &[(&str, &str)]) -> Vec<Finding> {
    let files: Vec<(&str, &str)> = tree.texts(".rs").filter(|(path, _)| feature_of(path).is_some()).collect();
    let features: BTreeSet<&str> = files.iter().filter_map(|(path, _)| feature_of(path)).collect();
    let mut findings = Vec::new();
    let mut needed = BTreeSet::new();
    for (path, text) in &files {
        let Some(from) = feature_of(path) else { continue };
        let source = Source::read(text);
        for (line, to) in used_features(&source, &features) {
            if to == from || FREE.contains(&to.as_str()) {
                continue;
            }
            if !edges.iter().any(|(a, b)| *a == from && *b == to) {
                let what = format!("{from} uses {to}; if it must, add (\"{from}\", \"{to}\") to EDGES in {HERE}");
                findings.push(Finding::at(path, line, what));
            }
            needed.insert((from, to));
        }
    }
    for (from, to) in edges {
        if !needed.contains(&(*from, (*to).to_owned())) {
            let what = format!("no code of {from} uses {to} any more; remove (\"{from}\", \"{to}\") from EDGES");
            findings.push(Finding::at(HERE, 1, what));
        }
    }
    findings
}

/// The feature that the file at `path` belongs to; `None` outside the portal and for the assembly.
fn feature_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(FEATURES)?;
    if ASSEMBLY.contains(&rest) {
        return None;
    }
    let first = rest.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first))
}

/// The features that the program part of a file names by `crate::`, each with its line, once.
fn used_features(source: &Source, features: &BTreeSet<&str>) -> Vec<(usize, String)> {
    let mut used: Vec<(usize, String)> = Vec::new();
    for (offset, path) in paths(&source.code, "crate") {
        let line = line_of(&source.code, offset);
        let first = path.split("::").next().unwrap_or("");
        let known = used.iter().any(|(_, feature)| feature == first);
        if features.contains(first) && !known && !source.is_test(line) {
            used.push((line, first.to_owned()));
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::super::tree_of;
    use super::*;

    fn found(user: &str, edges: &[(&str, &str)]) -> Vec<String> {
        let files = [
            ("crates/portal/src/lib.rs", "use crate::fleet::A; use crate::jobs::B;"),
            ("crates/portal/src/fleet/mod.rs", ""),
            ("crates/portal/src/db/mod.rs", ""),
            ("crates/portal/src/jobs/mod.rs", user),
        ];
        check(&tree_of(&files), edges).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_edge_that_is_not_listed_is_found() {
        let findings = found("use crate::db::Db;\nuse crate::{jobs, fleet::Printer};\n", &[]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("crates/portal/src/jobs/mod.rs:2: jobs uses fleet"), "{findings:?}");
    }

    #[test]
    fn a_listed_edge_is_no_finding() {
        assert_eq!(found("crate::fleet::list(db)", &[("jobs", "fleet")]), Vec::<String>::new());
    }

    #[test]
    fn a_listed_edge_that_nothing_needs_is_found() {
        assert_eq!(found("", &[("jobs", "fleet")]).len(), 1);
    }

    #[test]
    fn tests_and_names_that_are_no_features_are_free() {
        let user = "use crate::Portal;\n#[cfg(test)]\nmod tests {\n    use crate::fleet::sample;\n}\n";
        assert_eq!(found(user, &[]), Vec::<String>::new());
    }
}
