//! Drivers: what to ask a printer's interface, and how to read its answers into a report.
//!
//! A driver is pure: `next(&answers)` says what is still to ask until nothing is left, then
//! `read(&answers, at)` gives the report and what was odd about it. Deliberately absent: any socket,
//! clock or credential, any request that could change something on a printer, and a trait, since a
//! driver is a value with three functions.

mod document;
pub mod limits;
pub mod models;
mod node;
pub mod piws;
mod request;

pub use request::{Accept, Answer, Answers, Request};

use report::{Defect, Instant, Report, RowId};

/// One printer interface.
#[derive(Debug, Clone, Copy)]
pub struct Driver {
    /// Its name in settings, sources and tables: `piws`.
    pub name: &'static str,
    /// The Appendix A rows it can fill, in their order. A test holds it to what it really fills.
    pub rows: &'static [RowId],
    /// What is still to ask, given what was answered; empty when nothing is left. It ends whatever
    /// the answers are: [`limits::REQUESTS_MAX`].
    pub next: fn(&Answers) -> Vec<Request>,
    /// Whether the printer's identification was answered as this interface answers it.
    pub identify: fn(&Answers) -> bool,
    /// Reads the answers, given at this instant. It never fails: what is odd is a defect, the rest is read.
    pub read: fn(&Answers, Instant) -> (Report, Vec<Defect>),
}

/// Every driver, in the order a collector probes them. The one list.
pub const DRIVERS: &[&Driver] = &[&piws::DRIVER];

/// The names of the drivers that fill `row`, for `docs/appendix-a.md`: `piws`, or empty.
pub fn filled_by(row: RowId) -> String {
    let names: Vec<&str> =
        DRIVERS.iter().filter(|driver| driver.rows.contains(&row)).map(|driver| driver.name).collect();
    names.join(", ")
}

/// The text of `docs/appendix-a.md`: every row with the drivers that fill it.
pub fn coverage_table() -> String {
    report::markdown(filled_by)
}
