//! The pages of jobs: the list with its filters and totals, and one job with every row it has.
//!
//! Deliberately absent: the CSV export, which has its own writer, and personal rows that the
//! customer's privacy file dropped before they left its network.

use crate::shell::page::{Badge, Chrome, Fact, Field, Link, Pager, Status};
use crate::shell::rows::RowSection;
use askama::Template;

/// `/jobs`.
#[derive(Debug, Clone, Template)]
#[template(path = "jobs/jobs.html")]
pub(crate) struct JobsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// What is listed, and the zone: `October 2026 · times in Europe/Berlin`.
    pub(crate) sub: String,
    /// `printer`, `from`, `to`, `meter`, `category`, `kind`, `status`, and what else is in force.
    pub(crate) filters: Vec<Field>,
    /// The totals over all jobs of the filter, not just those shown.
    pub(crate) totals: Vec<Fact>,
    /// The total on the one meter of the filter.
    pub(crate) metered: Option<MeterTotal>,
    /// The jobs shown.
    pub(crate) jobs: JobTable,
    /// `/jobs.csv` with the filter in its address.
    pub(crate) export_href: String,
    /// Which part of the list is shown.
    pub(crate) pager: Pager,
}

/// What all jobs of the filter count on one meter.
#[derive(Debug, Clone)]
pub(crate) struct MeterTotal {
    /// The meter in words: `Monochrome lines, area printed`.
    pub(crate) label: String,
    /// The total with its unit.
    pub(crate) value: String,
    /// The total in the meter's base unit, for comparing with a statement's line.
    pub(crate) base: i64,
}

/// A table of jobs, also on a printer's page.
#[derive(Debug, Clone)]
pub(crate) struct JobTable {
    /// What the table holds, for its caption.
    pub(crate) caption: String,
    /// The jobs, newest first.
    pub(crate) rows: Vec<JobRow>,
    /// What to say, and do next, when there is none.
    pub(crate) empty: String,
}

/// A job in a list. Times in the page's zone.
#[derive(Debug, Clone)]
pub(crate) struct JobRow {
    /// `/jobs/{printer}/{key}`.
    pub(crate) href: String,
    /// When it finished: `31 Oct 2026 17:05`.
    pub(crate) at: String,
    /// The same to the second with its zone.
    pub(crate) exact: String,
    /// Its printer.
    pub(crate) printer: Link,
    /// Print, copy or scan.
    pub(crate) kind: &'static str,
    /// Its category, or the word for not known.
    pub(crate) category: String,
    /// Printed, cancelled or failed.
    pub(crate) status: Status,
    /// Pages of all copies together, and the copies where there are several: `6 in 2 copies`.
    pub(crate) pages: String,
    /// Area printed in m², row P20, or the word for not known.
    pub(crate) printed: String,
    /// Media used in m², row P19, or the word for not known.
    pub(crate) media: String,
    /// Ink in ml, row P18, or the word for not known.
    pub(crate) ink: String,
    /// How well it is proved.
    pub(crate) grade: Badge,
    /// How many oddities its record has.
    pub(crate) defects: usize,
    /// Whether its time is that of the receipts around it: its printer's own could not be.
    pub(crate) dated_by_receipt: bool,
}

/// `/jobs/{printer}/{key}`.
#[derive(Debug, Clone, Template)]
#[template(path = "jobs/job.html")]
pub(crate) struct JobPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// Its kind and when it finished: `Print job of 31 Oct 2026 17:05`.
    pub(crate) heading: String,
    /// Printer, customer, key.
    pub(crate) sub: String,
    /// Printed, cancelled or failed.
    pub(crate) status: Status,
    /// How well it is proved.
    pub(crate) grade: Badge,
    /// Printer, package, record, statement that billed it.
    pub(crate) facts: Vec<Fact>,
    /// Oddities of the whole record, and of rows that are not shown.
    pub(crate) defects: Vec<String>,
    /// Earlier and later versions of the same job.
    pub(crate) versions: Vec<JobVersion>,
    /// All P rows, and N rows for scans and copies.
    pub(crate) sections: Vec<RowSection>,
}

/// A version of a job: a printer may tell more of it later.
#[derive(Debug, Clone)]
pub(crate) struct JobVersion {
    /// 1, 2, …
    pub(crate) number: i64,
    /// When it arrived.
    pub(crate) at: String,
    /// What it changed in the ledger.
    pub(crate) change: String,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;
    use report::Grade;

    impl JobTable {
        pub(crate) fn sample() -> JobTable {
            let row = |number: usize| JobRow {
                href: format!("/jobs/7/{number}"),
                at: "31 Oct 2026 17:05".to_owned(),
                exact: "31 Oct 2026 17:05:12 Europe/Berlin".to_owned(),
                printer: Link::new("XL 5000 <script>alert(1)</script>", "/printers/7"),
                kind: "print",
                category: "Monochrome lines".to_owned(),
                status: Status::new(Tone::Good, "printed"),
                pages: "6 in 2 copies".to_owned(),
                printed: "1.00".to_owned(),
                media: if number == 3 { "unknown".to_owned() } else { "1.10".to_owned() },
                ink: "2.7".to_owned(),
                grade: Badge::from(Grade::B),
                defects: number % 2,
                dated_by_receipt: number == 2,
            };
            let empty = "No job fits. Widen the dates or take a filter away.".to_owned();
            JobTable { caption: "Jobs".to_owned(), rows: (1..=50).map(row).collect(), empty }
        }
    }

    impl JobsPage {
        pub(crate) fn sample() -> JobsPage {
            JobsPage {
                chrome: Chrome::sample("Jobs", "/jobs"),
                sub: "October 2026 · times in Europe/Berlin".to_owned(),
                filters: vec![
                    Field::select("printer", "Printer", [("", "all"), ("7", "XL 5000 · CN48A2491")], ""),
                    Field::new("date", "from", "From").value("2026-10-01"),
                    Field::new("date", "to", "To").value("2026-10-31"),
                    Field::select("category", "Category", [("", "all"), ("mono-line", "Monochrome lines")], ""),
                ],
                totals: vec![
                    Fact::new("Jobs", "21,406"),
                    Fact::new("Area printed", "14,982.41 m²"),
                    Fact::new("Media used", "16,118.90 m²"),
                    Fact::new("Ink", "38.914 l"),
                ],
                metered: Some(MeterTotal {
                    label: "Monochrome lines, area printed".to_owned(),
                    value: "520.00 m²".to_owned(),
                    base: 520_000_000,
                }),
                jobs: JobTable::sample(),
                export_href: "/jobs.csv?from=2026-10-01&to=2026-10-31".to_owned(),
                pager: Pager::new(0, 50, 21_406, None, Some("/jobs?page=2".to_owned())),
            }
        }
    }

    impl JobPage {
        pub(crate) fn sample() -> JobPage {
            JobPage {
                chrome: Chrome::sample("Job", "/jobs"),
                heading: "Print job of 31 Oct 2026 17:05".to_owned(),
                sub: "XL 5000 · <script>alert(1)</script> · times in Europe/Berlin".to_owned(),
                status: Status::new(Tone::Warn, "cancelled"),
                grade: Badge::from(Grade::A),
                facts: vec![Fact::new("Printer", "XL 5000").linked("/printers/7"), Fact::new("Record", "9f3a…")],
                defects: vec!["page 2 has no unit <i>".to_owned()],
                versions: vec![JobVersion {
                    number: 1,
                    at: "31 Oct 2026 17:20".to_owned(),
                    change: "+ 1.10 m²".to_owned(),
                }],
                sections: crate::shell::rows::sample(),
            }
        }
    }
}
