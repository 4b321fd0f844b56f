//! Drivers: what to ask a printer's interface, and how to read its answers into a report.
//!
//! A driver is pure: `next(&answers)` says what is still to ask until nothing is left, then
//! `read(&answers, at)` gives the report and what was odd about it; [`merge`] makes one report of what
//! several interfaces of one printer said. Deliberately absent: any socket, clock or credential, any request
//! that could change something on a printer, and a trait, since a driver is a value with three functions.

mod colour;
mod document;
pub mod ews_html;
pub mod ews_xml;
pub mod ipp;
pub mod ledm;
pub mod limits;
pub mod merge;
pub mod models;
mod newest;
mod node;
mod parts;
pub mod piws;
mod request;
pub mod snmp;

pub use request::{Accept, Answer, Answers, Ask, GAP, Request, is_asleep};

use report::{Defect, Instant, Report, RowId};

/// Over which kind of connection an interface is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// The printer's web server.
    Web,
    /// IPP, which is a web server of its own.
    Ipp,
    /// SNMP, by datagrams.
    Snmp,
}

/// One printer interface.
#[derive(Debug, Clone, Copy)]
pub struct Driver {
    /// Its name in settings, sources and tables: `piws`.
    pub name: &'static str,
    /// Over which kind of connection it is asked.
    pub channel: Channel,
    /// The Appendix A rows it can fill, in their order. A test holds it to what it really fills.
    pub rows: &'static [RowId],
    /// What is still to ask, given what was answered; empty when nothing is left. It ends whatever
    /// the answers are: [`limits::REQUESTS_MAX`].
    pub next: fn(&Answers) -> Vec<Request>,
    /// Whether the printer's identification was answered as this interface answers it.
    pub identify: fn(&Answers) -> bool,
    /// Reads the answers, given at this instant. It never fails: what is odd is a defect, the rest is read. Row P27
    /// has a source where a list of jobs was answered, also when no job is in it.
    pub read: fn(&Answers, Instant) -> (Report, Vec<Defect>),
}

/// Every driver, in the order an agent probes them. The one list.
pub const DRIVERS: &[&Driver] =
    &[&piws::DRIVER, &ews_xml::DRIVER, &ledm::DRIVER, &ews_html::DRIVER, &ipp::DRIVER, &snmp::DRIVER];

/// The driver of this name.
pub fn driver(name: &str) -> Option<&'static Driver> {
    DRIVERS.iter().find(|driver| driver.name == name).copied()
}

/// Whether the start and the end of what is asked for under `key` are worth reading where all of it is over
/// [`limits::BODY_MAX`]: a list of jobs. Which of its ends has the newest, no printer says.
pub fn reads_both_ends(key: &str) -> bool {
    piws::is_job_list(key)
}

/// Whether a defect says that a printer's list of jobs, or some of its jobs, were not read. Row P27, which every job
/// has, stands for the list.
pub fn misses_jobs(defect: &Defect) -> bool {
    defect.row == Some(RowId::P27) && defect.what.contains(newest::LEFT_OUT)
}

const DERIVED: &str = "✓ derived";
const INVENTED: &str = "✓ invented";

/// Rows that a driver fills in another way than by reading what a printer is known to say: the driver, the
/// mark of the table, the rows. What is invented is said before what is derived.
const MARKS: &[(&str, &str, &[RowId])] = &[
    ("piws", INVENTED, piws::INVENTED),
    ("piws", DERIVED, piws::DERIVED),
    ("ledm", INVENTED, ledm::INVENTED),
    ("ledm", DERIVED, ledm::DERIVED),
    ("ews_html", INVENTED, ews_html::INVENTED),
    ("ews_html", DERIVED, ews_html::DERIVED),
    ("ipp", DERIVED, ipp::DERIVED),
    ("snmp", DERIVED, snmp::DERIVED),
];

/// How `driver` fills `row`, for `docs/appendix-a.md`: `✓`, `✓ derived`, `✓ invented` or empty.
pub fn mark(driver: &Driver, row: RowId) -> &'static str {
    if !driver.rows.contains(&row) {
        return "";
    }
    let marks = MARKS.iter().filter(|(name, _, rows)| *name == driver.name && rows.contains(&row));
    marks.map(|(_, mark, _)| *mark).next().unwrap_or("✓")
}

/// Whether the table marks a row as one that the driver computes, which is what its reports say of it.
pub fn is_derived(driver: &Driver, row: RowId) -> bool {
    MARKS.iter().any(|(name, mark, rows)| *name == driver.name && *mark == DERIVED && rows.contains(&row))
}

/// Whether a row stands, as far as anybody knows, only in a form of our own.
pub(crate) fn is_invented(driver: &Driver, row: RowId) -> bool {
    mark(driver, row) == INVENTED
}

/// The text of `docs/appendix-a.md`: every row, and how each driver fills it.
pub fn coverage_table() -> String {
    let names: Vec<&str> = DRIVERS.iter().map(|driver| driver.name).collect();
    let mut table = report::markdown(&names, |row, name| driver(name).map_or("", |driver| mark(driver, row)));
    table.push_str(
        "\n## What the marks say\n\n\
         ✓: the interface has the row, where the printer fills it.\n\
         ✓ derived: we compute it from other values that the printer gives.\n\
         ✓ invented: no recording of a real printer shows where the row stands; the driver reads a form of our own.\n",
    );
    table
}
