//! A statement of five thousand lines in every form: each line is there, and making it stays within bounded memory.
//!
//! What a process held at most is only told of the whole process, so that the forms are made in one of their own.

use crate::sample::{around, brand, statement};
use billing::{LineEvidence, LineSource, Meter, Statement};
use calamine::{Reader, Xlsx, open_workbook_from_rs};
use documents::{Dialect, csv, json, paper, xlsx};
use std::io::Cursor;
use std::process::Command;

const LINES: usize = 5_000;
/// The memory of the process that makes all forms, one after the other.
const MOST_BYTES: u64 = 512 * 1024 * 1024;
/// Says that this process is the one that makes them.
const MAKING: &str = "PLOTMETER_TEST_LARGE";
const NAME: &str = "large::every_form_of_five_thousand_lines_is_made_within_bounded_memory";

/// What this process held at most, bytes; `None` where the system does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kilobytes.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The sample's line of usage again and again, each with a printer of its own that a job log proves.
fn large() -> Statement {
    let mut large = statement();
    let usage = large.lines.swap_remove(1);
    let line = |number: usize| {
        let source = LineSource {
            printer: number.to_string(),
            label: format!("Printer {number} in a hall with a long name"),
            meter: Meter::parse("area-printed/mono-line").expect("a meter"),
            media: Some("Bond 80 g".to_owned()),
            evidence: LineEvidence::Jobs { count: 12, quantity: 520_000_000 },
        };
        let mut line = usage.clone();
        line.id = format!("{number}");
        line.sources.push(source);
        line
    };
    large.lines = (1..=LINES).map(line).collect();
    large
}

/// Gives what it cost, where the system says.
fn make() -> Option<String> {
    let large = large();
    for dialect in Dialect::ALL {
        let written = csv(&large, &around(), dialect).expect("CSV");
        let rows = written.iter().filter(|byte| **byte == b'\n').count();
        assert!(rows > LINES, "{dialect:?}: {rows}");
    }
    let written = xlsx(&large, &brand()).expect("a spreadsheet");
    let mut book: Xlsx<Cursor<&[u8]>> = open_workbook_from_rs(Cursor::new(written.as_slice())).expect("a workbook");
    assert_eq!(book.worksheet_range("Lines").expect("a sheet").height(), LINES + 1);
    assert!(json(&large).expect("JSON").len() > LINES * 100);
    assert_eq!(paper(&large, &brand()).lines.len(), LINES);
    let peak = peak()?;
    assert!(peak < MOST_BYTES, "{peak} bytes");
    Some(format!("{LINES} lines in every form: {} MiB at most", peak / 1024 / 1024))
}

#[test]
fn every_form_of_five_thousand_lines_is_made_within_bounded_memory() {
    if std::env::var_os(MAKING).is_some() {
        println!("{}", make().unwrap_or_default());
        return;
    }
    let myself = std::env::current_exe().expect("this program");
    let mut command = Command::new(myself);
    let made = command.args(["--exact", NAME, "--nocapture"]).env(MAKING, "1").output().expect("started");
    let said = String::from_utf8_lossy(&made.stdout);
    assert!(made.status.success(), "{said}{}", String::from_utf8_lossy(&made.stderr));
    assert!(said.contains("1 passed"), "{said}");
    println!("{said}");
}
