//! Time is an argument: only the entry of a program reads the clock.
//!
//! `clippy.toml` bans the same calls with types resolved; this check also sees code that a feature
//! switches off.

use super::Finding;
use super::source::Source;

/// The files that may read the clock: where the programs start.
const READERS: &[&str] = &["crates/plotmeter/src/clock.rs", "crates/plotmeter/src/main.rs"];

/// The calls that read it.
const CALLS: &[&str] = &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"];

/// Findings in a source file.
pub(super) fn check(path: &str, source: &Source) -> Vec<Finding> {
    if READERS.contains(&path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, code) in source.lines() {
        for call in CALLS.iter().filter(|call| code.contains(**call)) {
            findings.push(Finding::at(path, line, format!("{call} reads the clock; take a report::Clock instead")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_s_entry_reads_the_clock() {
        let source = Source::read("fn now() { std::time::Instant::now(); } // Instant::now is named here\n");
        assert_eq!(check("crates/portal/src/ingest/mod.rs", &source).len(), 1);
        assert_eq!(check("crates/plotmeter/src/main.rs", &source), Vec::new());
        assert_eq!(check("a.rs", &Source::read("// Instant::now\nlet x = \"SystemTime::now\";")), Vec::new());
    }
}
