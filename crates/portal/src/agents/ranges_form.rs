//! What people type as address ranges: one address, network or first and last address a line.
//!
//! It reads them with the agents' own function, so that a slip is said here and not found out days later;
//! the agent looks at everything again. Deliberately absent: names of hosts, which only the customer's own
//! file may hold, and asking the network anything.

use protocol::limits::{RANGE_CHARS_MAX, RANGES_MAX};
use protocol::ranges::{self, Span};
use std::collections::BTreeSet;

/// Wrong lines that are named; the next try names the others.
const NAMED_MAX: usize = 5;

/// What a list of ranges is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// To be read: each range must be one that an agent reads, and all of them not too many.
    Reading,
    /// To be left out: as wide as one likes.
    LeavingOut,
}

/// The lines of `typed`, as people wrote them; else what is wrong, line by line.
pub(super) fn read(typed: &str, purpose: For) -> Result<Vec<String>, String> {
    let mut lines: Vec<String> = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    let mut found = BTreeSet::new();
    for (index, line) in typed.lines().enumerate() {
        let line: String = line.chars().filter(|c| !c.is_whitespace()).take(RANGE_CHARS_MAX + 1).collect();
        if line.is_empty() {
            continue;
        }
        let span = Span::parse(&line).and_then(|span| match purpose {
            For::Reading => ranges::add(&span, &[], &mut found),
            For::LeavingOut => Ok(()),
        });
        match span {
            Ok(()) => lines.push(line),
            Err(why) => wrong.push(format!("Line {}: “{line}” {why}.", index + 1)),
        }
    }
    if lines.len() > RANGES_MAX {
        wrong.push(format!("These are {} lines; write at most {RANGES_MAX}.", lines.len()));
    }
    if wrong.is_empty() {
        return Ok(lines);
    }
    wrong.truncate(NAMED_MAX);
    Err(wrong.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_reads_is_taken_as_it_was_written() {
        let cases = [
            ("", vec![]),
            ("\r\n \r\n", vec![]),
            ("192.0.2.10", vec!["192.0.2.10"]),
            (" 192.0.2.0/28 \r\n192.0.2.40 - 192.0.2.60", vec!["192.0.2.0/28", "192.0.2.40-192.0.2.60"]),
            ("10.0.0.0/20\n10.0.0.7", vec!["10.0.0.0/20", "10.0.0.7"]),
            ("2001:DB8:0::7", vec!["2001:DB8:0::7"]),
        ];
        for (typed, expected) in cases {
            assert_eq!(read(typed, For::Reading).expect("makes sense"), expected, "{typed}");
        }
        assert_eq!(read("10.0.0.0/8", For::LeavingOut).expect("as wide as one likes"), ["10.0.0.0/8"]);
    }

    #[test]
    fn a_wrong_line_is_named_with_what_to_write() {
        let cases = [
            ("192.0.2.10\n\n192.0.2.300", "Line 3: “192.0.2.300” is neither an IP address"),
            ("010.0.0.1", "Line 1: “010.0.0.1” is neither"),
            ("printer.example", "is neither an IP address"),
            ("fe80::1", "link-local"),
            ("::ffff:127.0.0.1", "this machine's own"),
            ("127.0.0.1", "this machine's own"),
            ("240.0.0.1", "reserved"),
            ("2002::1", "tunnelled"),
            ("192.0.2.9-192.0.2.1", "ends before it begins"),
            ("10.0.0.0/19", "4096 addresses"),
            ("10.0.0.0/20\n10.9.0.1", "Line 2: “10.9.0.1” holds more than 4096 addresses"),
        ];
        for (typed, words) in cases {
            let why = read(typed, For::Reading).expect_err(typed);
            assert!(why.contains(words), "{typed}: {why}");
        }
        assert!(read("010.0.0.1", For::LeavingOut).is_err());
        assert!(read(&"1".repeat(RANGE_CHARS_MAX + 1), For::Reading).is_err());
        assert!(read(&"192.0.2.1\n".repeat(RANGES_MAX + 1), For::Reading).is_err());
        let many = read(&"x\n".repeat(1000), For::Reading).expect_err("no address");
        assert_eq!(many.matches("Line ").count(), NAMED_MAX);
    }
}
