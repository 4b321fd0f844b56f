//! The shape of a source file: it says first what it is for, its lines are short, nothing in it is
//! unfinished.
//!
//! Deliberately absent: the length of functions, which clippy holds.

use super::source::Source;
use super::{Finding, words};

/// The longest line, in characters; rustfmt leaves comments and texts alone.
const LINE_MAX: usize = 120;

/// Words that say somebody meant to come back. Spelt in halves, so that this file has none.
const MARKERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

/// Macros that stand for code that is not there, or for a look at a value.
const UNFINISHED: &[&str] = &["dbg", "todo", "unimplemented"];

/// The start of the attribute that switches a test off.
const SWITCHED_OFF: &str = concat!("#[", "ignore");

/// Findings in a Rust file.
pub(super) fn check(path: &str, text: &str, source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(opening(path, text));
    findings.extend(long_lines(path, text));
    findings.extend(markers(path, text));
    findings.extend(unfinished(path, source));
    findings
}

/// Whether the file is a test of its own, or part of one.
pub(super) fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// A module opens with what it is for.
fn opening(path: &str, text: &str) -> Option<Finding> {
    let starts = text.trim_start().starts_with("//!");
    if starts || is_test(path) || path.ends_with("build.rs") {
        return None;
    }
    Some(Finding::at(path, 1, "no //! first; say what the module is for and what it deliberately does not do"))
}

fn long_lines(path: &str, text: &str) -> Vec<Finding> {
    let long = text.lines().enumerate().filter(|(_, line)| line.chars().count() > LINE_MAX);
    long.map(|(index, line)| {
        let what = format!("{} characters, at most {LINE_MAX}; break the line", line.chars().count());
        Finding::at(path, index + 1, what)
    })
    .collect()
}

/// Markers of unfinished work in any text, comments too.
pub(super) fn markers(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some((_, marker)) = words(line).into_iter().find(|(_, word)| MARKERS.contains(word)) {
            let what = format!("{marker} is left in the code; do it now or open an issue");
            findings.push(Finding::at(path, index + 1, what));
        }
    }
    findings
}

/// Macros and calls that finished code does not have.
fn unfinished(path: &str, source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, code) in source.lines() {
        for (start, word) in words(code) {
            if UNFINISHED.contains(&word) && code[start + word.len()..].starts_with('!') {
                findings.push(Finding::at(path, line, format!("{word}! is left in the code; finish it")));
            }
        }
        if code.contains(SWITCHED_OFF) {
            findings.push(Finding::at(path, line, "a test is switched off; mend it or remove it"));
        }
        if code.contains(".unwrap()") && !source.is_test(line) && !is_test(path) {
            findings.push(Finding::at(path, line, "unwrap outside a test; handle it, or expect() with the proof"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        check(path, text, &Source::read(text)).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_module_opens_with_what_it_is_for() {
        assert_eq!(found("crates/a/src/b.rs", "use std::fmt;\n"), [1]);
        assert_eq!(found("crates/a/src/b.rs", "//! For this.\n"), Vec::<usize>::new());
        assert_eq!(found("crates/a/tests/it.rs", "use std::fmt;\n"), Vec::<usize>::new());
    }

    #[test]
    fn a_line_is_counted_in_characters() {
        let line = |length: usize| format!("//! {}\n", "é".repeat(length - 4));
        assert_eq!(found("crates/a/src/b.rs", &line(120)), Vec::<usize>::new());
        assert_eq!(found("crates/a/src/b.rs", &line(121)), [1]);
    }

    #[test]
    fn what_is_unfinished_is_found() {
        let macros = ["todo", "unimplemented", "dbg"].map(|name| format!("    {name}!(x);"));
        for line in [macros.join("\n"), format!("// {}: later", MARKERS[0]), format!("{SWITCHED_OFF}]")] {
            let text = format!("//! For this.\n{line}\n");
            assert_eq!(found("crates/a/src/b.rs", &text).len(), line.lines().count(), "{line}");
        }
    }

    #[test]
    fn unwrap_is_for_tests() {
        let text = "//! For this.\nfn a() { b.unwrap(); }\n#[cfg(test)]\nmod tests {\n    fn c() { d.unwrap(); }\n}\n";
        assert_eq!(found("crates/a/src/b.rs", text), [2]);
        assert_eq!(found("crates/a/tests/it.rs", text), Vec::<usize>::new());
        assert_eq!(found("crates/a/src/b.rs", "//! unwrap() is banned; unwrap_or() is not.\n"), Vec::<usize>::new());
    }

    #[test]
    fn a_marker_is_a_whole_word() {
        assert_eq!(markers("a.sql", "-- TODOS and XXXX are words\n"), Vec::new());
        assert_eq!(markers("a.sql", &format!("-- {}\n", MARKERS[2])).len(), 1);
    }
}
