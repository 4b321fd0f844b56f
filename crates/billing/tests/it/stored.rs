//! What was stored before: it reads, it keeps its bytes, and it is worth the same.
//!
//! The texts are of the first version of the formats. A new field must be absent where it says nothing.

use billing::{Input, Money, Statement, Terms, rate, recount};
use serde::Serialize;
use serde::de::DeserializeOwned;

const STATEMENT_FROM_JOBS: &str = include_str!("stored/statement_from_jobs.json");
const STATEMENT_FROM_COUNTERS: &str = include_str!("stored/statement_from_counters.json");
const TERMS_FROM_JOBS: &str = include_str!("stored/terms_from_jobs.json");
const TERMS_WITH_COUNTERS: &str = include_str!("stored/terms_with_counters.json");
const INPUT: &str = include_str!("stored/input.json");

/// Reads a stored text and gives it back as it is stored now.
fn again<T: Serialize + DeserializeOwned>(stored: &str) -> (T, String) {
    let value: T = serde_json::from_str(stored).expect("a stored text");
    let text = serde_json::to_string(&value).expect("the text again");
    (value, text)
}

#[test]
fn statements_of_before_read_and_keep_their_bytes() {
    for stored in [STATEMENT_FROM_JOBS, STATEMENT_FROM_COUNTERS] {
        let (statement, text): (Statement, String) = again(stored.trim_end());
        assert_eq!(text, stored.trim_end());
        let lines: i64 = statement.lines.iter().filter_map(|line| line.amount).map(|amount| amount.0).sum();
        assert_eq!(statement.net, Money(lines));
    }
}

#[test]
fn terms_of_before_read_keep_their_bytes_and_can_be_rated() {
    for stored in [TERMS_FROM_JOBS, TERMS_WITH_COUNTERS] {
        let (terms, text): (Terms, String) = again(stored.trim_end());
        assert_eq!(text, stored.trim_end());
        assert_eq!(terms.validate(), Ok(()));
    }
}

#[test]
fn input_of_before_reads_keeps_its_bytes_and_costs_the_same() {
    let (input, text): (Input, String) = again(INPUT.trim_end());
    assert_eq!(text, INPUT.trim_end());
    // Two printers at 180.00, 120 m² at 0.14, 140 m² at 0.32, 20 m at 0.05; 21 % of it.
    let statement = rate(&input).expect("a statement").statement;
    assert_eq!((statement.net, statement.total), (Money(42_260), Money(51_135)));
    assert_eq!(recount(&input), 42_260);
}
