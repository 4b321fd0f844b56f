//! Documents tell the truth about the tree: links lead somewhere, the code map names what is there,
//! generated pages are what the code generates.
//!
//! Deliberately absent: links to other hosts, for this check needs no network, and anchors.

use super::{Finding, Tree};

/// The document with the code map.
const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// The folders whose paths in the code map are checked.
const MAPPED: &[&str] = &[".ci/", "crates/", "docs/", "fuzz/", "packaging/", "tests/", "xtask/"];

/// A generated file must say what the code generates now.
pub(super) fn generated(tree: &Tree, path: &str, expected: &str) -> Option<Finding> {
    let text = tree.text(path).unwrap_or("");
    if text == expected {
        return None;
    }
    let same = text.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    Some(Finding::at(path, same + 1, "not what the code generates; run cargo xtask docs and read the difference"))
}

/// Relative links in documents lead to files of the tree.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts(".md") {
        for (line, target) in targets(text) {
            let there = resolve(path, target).is_some_and(|resolved| resolved.is_empty() || tree.has(&resolved));
            if !there {
                let what = format!("the link to {target} leads nowhere; mend it or write the page");
                findings.push(Finding::at(path, line, what));
            }
        }
    }
    findings
}

/// Paths that the code map names exist, and every crate stands in it.
pub(super) fn code_map(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(ARCHITECTURE) else { return Vec::new() };
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // Every second piece between backticks is code.
        for named in line.split('`').skip(1).step_by(2).filter(|named| is_plain_path(named)) {
            if !tree.has(named) {
                let what = format!("{named} is not there; the map must name what is");
                findings.push(Finding::at(ARCHITECTURE, index + 1, what));
            }
        }
    }
    for (path, _) in tree.texts("/Cargo.toml") {
        let folder = path.trim_end_matches("/Cargo.toml");
        if !text.contains(folder) {
            let what = format!("{folder} does not stand in the map; say what it is for");
            findings.push(Finding::at(ARCHITECTURE, 1, what));
        }
    }
    findings
}

/// Whether a piece of code in a document is a path of the tree, without a pattern in it.
fn is_plain_path(named: &str) -> bool {
    let plain = named.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.'));
    plain && MAPPED.iter().any(|folder| named.starts_with(folder))
}

/// The targets of the relative links of a document, each with its line. Code is not read.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let prose = line.split('`').step_by(2);
        let inline = prose.flat_map(|piece| piece.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
        let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        for target in inline.chain(reference) {
            let target = target.split([' ', '#']).next().unwrap_or("");
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push((index + 1, target));
            }
        }
    }
    found
}

/// The path of the tree that a link in the document at `from` means; `None` when it leaves the tree.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::tree_of;
    use super::*;

    fn broken(path: &str, text: &str) -> usize {
        links(&tree_of(&[(path, text), ("README.md", ""), ("docs/adr/0001-a.md", "")])).len()
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        for text in ["[a](gone.md)", "x [a](gone.md) and [b](../README.md)", "[a]: gone.md"] {
            assert_eq!(broken("docs/b.md", text), 1, "{text}");
        }
        assert_eq!(broken("b.md", "[a](../outside.md)"), 1);
    }

    #[test]
    fn a_link_that_leads_somewhere_is_no_finding() {
        for text in [
            "[a](../README.md) [b](adr/0001-a.md#why) [c](adr/) [d](..)",
            "[a](https://example.org/gone.md) [b](#here) [c](mailto:a@b.test)",
            "`[a](gone.md)`",
            "```text\n[a](gone.md)\n```\n",
        ] {
            assert_eq!(broken("docs/b.md", text), 0, "{text}");
        }
    }

    #[test]
    fn the_map_names_what_is_there_and_every_crate() {
        let found = |map: &str| {
            let crate_files = [("crates/report/Cargo.toml", ""), ("crates/report/src/lib.rs", "")];
            code_map(&tree_of(&[(ARCHITECTURE, map), crate_files[0], crate_files[1]]))
        };
        assert_eq!(found("`crates/report`, `crates/report/src/lib.rs`, `crates/<name>`, `a/b`"), Vec::new());
        assert_eq!(found("`crates/report` and `crates/gone`")[0].line, 1);
        assert_eq!(found("nothing").len(), 1);
    }

    #[test]
    fn a_generated_page_that_differs_is_found_where_it_differs() {
        let tree = tree_of(&[("docs/appendix-a.md", "a\nb\n")]);
        assert_eq!(generated(&tree, "docs/appendix-a.md", "a\nb\n"), None);
        assert_eq!(generated(&tree, "docs/appendix-a.md", "a\nc\n").map(|finding| finding.line), Some(2));
        assert_eq!(generated(&tree, "docs/gone.md", "a\n").map(|finding| finding.line), Some(1));
    }
}
