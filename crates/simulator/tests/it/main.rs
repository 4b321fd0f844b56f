//! The simulated printer at its boundaries: its history, its truth, and what its faces say of both. And a year
//! of bills, held against that truth.
// What a test prints is the year's table, and why it was skipped.
#![allow(clippy::print_stdout)]

mod faces;
mod history;
mod https;
mod year;

use report::{Duration, Instant};
use simulator::printer::{Habits, MODELS, Model, Printer, Quirks};

/// 2026-10-01T00:00:00Z, a Thursday.
const START: Instant = Instant(1_790_812_800_000);

fn model(part: &str) -> &'static Model {
    MODELS.iter().find(|model| model.product_name.contains(part)).expect("a model")
}

fn busy(seed: u64, part: &str) -> Printer {
    let habits = Habits { jobs_per_day: 80, ..Habits::default() };
    Printer::new(seed, model(part), "CN41A2207", START, habits).with_quirks(Quirks::default())
}

fn after(days: i64) -> Instant {
    START.plus(Duration::hours(24 * days))
}

fn month(seed: u64, part: &str) -> Printer {
    let mut printer = busy(seed, part);
    printer.advance(after(31));
    printer
}
