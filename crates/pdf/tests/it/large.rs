//! A paper of five thousand lines, each with a reading: a PDF of many pages, made within bounded memory.
//!
//! What a process held at most is only told of the whole process, so that it is made in one of its own.

use crate::{line, pages, paper, reading, set};
use documents::{Paper, PaperLine, PaperReading};
use pdf::Look;
use std::process::Command;

const LINES: usize = 5_000;
/// The memory of the process that makes it.
const MOST_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Says that this process is the one that makes it.
const MAKING: &str = "PLOTMETER_TEST_LARGE";
const NAME: &str = "large::a_pdf_of_five_thousand_lines_is_made_within_bounded_memory";

/// What this process held at most, bytes; `None` where the system does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kilobytes.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Gives what it cost, where the system says.
fn make() -> Option<String> {
    let lines: Vec<PaperLine> = (1..=LINES).map(|number| line(&number.to_string(), "Monochrome lines")).collect();
    let readings: Vec<PaperReading> = lines.iter().map(|line| reading(&line.id)).collect();
    let made = set(&Paper { lines, readings, ..paper() }, Look::Ledger);
    assert!(made.starts_with(b"%PDF-1.7") && pages(&made) > 100, "{} pages", pages(&made));
    let peak = peak()?;
    assert!(peak < MOST_BYTES, "{peak} bytes");
    Some(format!("{LINES} lines as a PDF: {} bytes, {} MiB at most", made.len(), peak / 1024 / 1024))
}

#[test]
fn a_pdf_of_five_thousand_lines_is_made_within_bounded_memory() {
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
