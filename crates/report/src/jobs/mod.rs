//! Jobs: one record a job, print (P rows), scan (N rows) or copy (both).

mod print;
mod scan;

pub use print::{CategoryUse, InkUse, PrintJob};
pub use scan::ScanJob;

use crate::{Instant, RowId};
use serde::{Deserialize, Serialize};

/// A finished job. A copy job carries both parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Row P27: type of job.
    pub kind: JobKind,
    /// Rows P2 and N2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Rows P3 and N3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
    /// Rows P11 and N10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<JobStatus>,
    /// P rows, for print and copy jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub print: Option<PrintJob>,
    /// N rows, for scan and copy jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanJob>,
    /// The personal rows. They never stand in a record's core.
    #[serde(skip)]
    pub personal: Personal,
}

impl Job {
    /// The instant the job finished: printing began (P10) plus time to print (P17), else the
    /// scanning timestamp (N9). A job belongs to this instant.
    pub fn finished_at(&self) -> Option<Instant> {
        let print = self.print.as_ref().and_then(|print| {
            let started = print.printed_at?;
            Some(print.time_to_print.map_or(started, |time| started.plus(time)))
        });
        print.or(self.scan.as_ref().and_then(|scan| scan.scanned_at))
    }
}

/// Row P27: type of job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// A print job.
    #[default]
    Print,
    /// A scan job.
    Scan,
    /// A copy job: scan and print in one.
    Copy,
}

impl JobKind {
    /// The word for pages, SQL and exports.
    pub fn word(self) -> &'static str {
        match self {
            JobKind::Print => "print",
            JobKind::Scan => "scan",
            JobKind::Copy => "copy",
        }
    }
}

/// Rows P11 and N10. Only final states exist here: an unfinished job is not reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// Printed to the end.
    Printed,
    /// Scanned to the end.
    Scanned,
    /// Cancelled; what was printed until then is in the quantities.
    Cancelled,
    /// Failed; what was printed until then is in the quantities.
    Failed,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [JobStatus; 4] = [JobStatus::Printed, JobStatus::Scanned, JobStatus::Cancelled, JobStatus::Failed];

    /// The word for pages, SQL and exports.
    pub fn word(self) -> &'static str {
        match self {
            JobStatus::Printed => "printed",
            JobStatus::Scanned => "scanned",
            JobStatus::Cancelled => "cancelled",
            JobStatus::Failed => "failed",
        }
    }

    /// The status of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<JobStatus> {
        JobStatus::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// The personal rows of a job: P1, P4 to P9 and, for scans, N1, N4 to N8.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personal {
    /// Rows P1 and N1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rows P4 and N4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Rows P5 and N5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// Rows P6 and N6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_defined: Option<String>,
    /// Rows P7 and N7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Rows P8 and N8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Row P9: informational, its zone is doubtful on real printers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Instant>,
}

impl Personal {
    /// Whether there is nothing personal.
    pub fn is_empty(&self) -> bool {
        *self == Personal::default()
    }

    /// The text fields with the print row and the scan row each is.
    pub(crate) fn texts(&self) -> [(RowId, RowId, &Option<String>); 6] {
        [
            (RowId::P1, RowId::N1, &self.name),
            (RowId::P4, RowId::N4, &self.project),
            (RowId::P5, RowId::N5, &self.application),
            (RowId::P6, RowId::N6, &self.user_defined),
            (RowId::P7, RowId::N7, &self.account),
            (RowId::P8, RowId::N8, &self.user),
        ]
    }
}
