//! The pure crates have no IO, clock, environment, randomness and no floating point.
//!
//! It judges the program part of their `src`; their tests may read files. What their manifests may
//! name stands in the module `crates`.

use super::source::Source;
use super::{Finding, crates, line_of, paths, words};

/// Parts of the standard library that reach outside.
const PATHS: &[&str] = &["env", "fs", "net", "process", "thread", "time::Instant", "time::SystemTime"];

/// Names that mean a clock or randomness, and what to do instead.
const NAMES: &[(&str, &str)] = &[
    ("OsRng", "randomness is an argument"),
    ("SystemTime", "time is an argument"),
    ("getrandom", "randomness is an argument"),
    ("rand", "randomness is an argument"),
    ("thread_rng", "randomness is an argument"),
    ("f32", "money and measures are integers"),
    ("f64", "money and measures are integers"),
];

/// Macros that print.
const PRINTING: &[&str] = &["eprint", "eprintln", "print", "println"];

/// Findings in a source file; none outside the pure crates.
pub(super) fn check(path: &str, source: &Source) -> Vec<Finding> {
    if !crates::PURE.iter().any(|name| path.starts_with(&format!("crates/{name}/src/"))) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (offset, used) in paths(&source.code, "std") {
        let line = line_of(&source.code, offset);
        let reaches = |banned: &&&str| used == **banned || used.starts_with(&format!("{banned}::"));
        if let Some(banned) = PATHS.iter().find(reaches).filter(|_| !source.is_test(line)) {
            let what = format!("std::{banned} in a pure crate; pass its result in as an argument");
            findings.push(Finding::at(path, line, what));
        }
    }
    for (line, code) in source.program_lines() {
        findings.extend(words_of_line(code).into_iter().map(|what| Finding::at(path, line, what)));
    }
    findings
}

/// What is impure in one line of code.
fn words_of_line(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, word) in words(code) {
        if let Some((_, instead)) = NAMES.iter().find(|(name, _)| *name == word) {
            found.push(format!("{word} in a pure crate; {instead}"));
        }
        if PRINTING.contains(&word) && code[start + word.len()..].starts_with('!') {
            found.push(format!("{word}! in a pure crate; give the text back"));
        }
    }
    if has_float_literal(code) {
        found.push("a floating point number in a pure crate; money and measures are integers".to_owned());
    }
    found
}

/// Whether a number with a decimal point stands in `code`; `pair.0.1` is none.
fn has_float_literal(code: &str) -> bool {
    let chars: Vec<char> = code.chars().collect();
    let at = |index: Option<usize>| index.and_then(|index| chars.get(index)).copied().unwrap_or(' ');
    (0..chars.len()).any(|dot| {
        let digits = at(dot.checked_sub(1)).is_ascii_digit() && at(dot.checked_add(1)).is_ascii_digit();
        if chars[dot] != '.' || !digits {
            return false;
        }
        let number = chars[..dot].iter().rev().take_while(|c| c.is_ascii_digit() || **c == '_').count();
        let before = at((dot - number).checked_sub(1));
        before != '.' && !before.is_alphanumeric()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check("crates/billing/src/money.rs", &Source::read(text)).len()
    }

    #[test]
    fn what_reaches_outside_is_found() {
        for text in [
            "use std::fs;",
            "use std::{collections::BTreeMap, env};",
            "let x = std::net::TcpStream::connect(a);",
            "use std::time::{Duration, Instant};",
            "let x: f64 = y;",
            "let x = 1_000.5 * y;",
            "let x = OsRng;",
            "println!(\"x\");",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_no_finding() {
        for text in [
            "// f64 and std::fs",
            "let x = \"f64 1.5 println!\";",
            "pair.0.1 + 2",
            "for i in 0..10 {}",
            "use std::time::Duration;",
            "mod print; let print = 1; if print != 2 {}",
            "#[cfg(test)]\nmod tests {\n    use std::fs;\n    const X: f64 = 1.5;\n}\n",
        ] {
            assert_eq!(found(text), 0, "{text}");
        }
    }

    #[test]
    fn other_crates_may_reach_outside() {
        assert_eq!(check("crates/agent/src/spool.rs", &Source::read("use std::fs;")), Vec::new());
        assert_eq!(check("crates/drivers/tests/it.rs", &Source::read("use std::fs;")), Vec::new());
    }
}
