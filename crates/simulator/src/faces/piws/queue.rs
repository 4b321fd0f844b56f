//! The job queue: the collection that names it, and the snapshot of its jobs, P and N rows.
//!
//! A job that has not finished stands in it without a completion and with nothing consumed.
//! Deliberately absent: deltas by modification number; a snapshot is always whole.

use super::date;
use crate::faces::document::{Node, collection, count, map, millionths, optional, quantity, text};
use crate::faces::{Response, dialect};
use crate::printer::{Job, Page, Printer, Source};
use report::{Area, Ink, JobKind, Length};
use std::collections::BTreeMap;

/// Where the queue stands.
const QUEUE: &str = "/LFPWebServices/PI/JQ/JobQueue";

/// Answers `resource` below `JQ/`: the name of the document and its root, or what went wrong.
pub(super) fn answer(printer: &Printer, resource: &str) -> Result<(&'static str, Node), Response> {
    let uuid = printer.queue_uuid();
    if resource == "JobQueueCollection" {
        let queue = map([("UUID", text(&uuid)), ("URI", text(&format!("{QUEUE}/{uuid}")))]);
        return Ok(("JobQueueCollection", map([("Queue", queue)])));
    }
    let (asked, rest) =
        resource.strip_prefix("JobQueue/").and_then(|rest| rest.split_once('/')).unwrap_or(("", resource));
    if rest != "jobs/all" {
        return Err(Response::page(404, "Not found"));
    }
    if !asked.eq_ignore_ascii_case(&uuid) {
        return Err(Response::page(404, "Unkownw QueueID"));
    }
    Ok(("JobQueueSnapshot", snapshot(printer, &uuid)))
}

fn snapshot(printer: &Printer, queue: &str) -> Node {
    let jobs: Vec<&Job> = printer.queue.iter().chain(printer.active()).collect();
    let number = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
    let jobs = jobs.into_iter().map(|job| {
        let seen = Seen { printer, job, finished: job.finished_at <= printer.now };
        map([(dialect::job_names(job.kind).0, seen.job(queue))])
    });
    map([
        ("ModificationNumber", count(printer.modification())),
        ("Status", map([("JobQueueStatus", text("Active")), ("NumberOfJobs", count(number))])),
        ("Timestamp", date(printer, Some(printer.now))),
        ("Jobs", collection("Job", jobs.collect())),
    ])
}

/// A job as the queue shows it now.
struct Seen<'a> {
    printer: &'a Printer,
    job: &'a Job,
    finished: bool,
}

impl Seen<'_> {
    fn job(&self, queue: &str) -> Node {
        let job = self.job;
        let mut parts = vec![
            ("ModificationNumber", count(job.sequence)),
            ("URI", text(&format!("{QUEUE}/{queue}/Job/{}/", job.entry))),
            ("Type", text(dialect::job_names(job.kind).1)),
            ("UUID", text(&job.entry)),
            ("Priority", count(0)),
            ("Settings", self.settings()),
            ("Status", self.status()),
        ];
        if job.kind != JobKind::Scan {
            parts.push(("Pages", self.pages(queue)));
            parts.push(("Progress", self.progress()));
        }
        parts.push(("Accounting", self.accounting()));
        Node::Map(parts)
    }

    fn settings(&self) -> Node {
        let (job, personal) = (self.job, &self.job.personal);
        let uuid = if self.printer.quirks.uuids_upper { job.uuid.to_uppercase() } else { job.uuid.clone() };
        // A driver and a RIP name their application, a panel application has a UUID.
        let application = optional(personal.application.as_deref());
        let (named, known) =
            if job.source == Source::Panel { (Node::Empty, application) } else { (application, Node::Empty) };
        let mut parts = vec![
            ("JobUUID", text(&uuid)),
            ("UserName", optional(personal.user.as_deref())),
            ("Source", text(dialect::source(job.source))),
            ("JobName", optional(personal.name.as_deref())),
            ("Account", optional(personal.account.as_deref())),
            ("ApplicationName", named),
            ("ApplicationUUID", known),
            ("ApplicationVersion", Node::Empty),
            ("HostName", optional(job.host.as_deref())),
            ("PrivacyLevel", text("Public")),
        ];
        if job.kind != JobKind::Scan {
            parts.extend([
                ("PDLName", text(if job.source == Source::Rip { "TIFF" } else { "PDF" })),
                ("URL", Node::Empty),
                ("RequestedCopies", count(job.copies)),
                ("PrintingOrder", text("Direct")),
                ("CollateType", text("None")),
                ("NumberOfPagesPerCopy", count(i64::try_from(job.pages.len()).unwrap_or(i64::MAX))),
            ]);
        }
        parts.extend(dialect::settings(job));
        Node::Map(parts)
    }

    fn status(&self) -> Node {
        let (status, completion) = self.words();
        map([
            ("JobStatus", text(status)),
            ("CompletionStatus", text(completion)),
            ("HoldReason", text("None")),
            ("ConflictMask", Node::Empty),
            ("ConflictingPage", count(0)),
        ])
    }

    /// Job status and completion status.
    fn words(&self) -> (&'static str, &'static str) {
        if self.finished {
            dialect::finished(self.job.status)
        } else if self.job.started_at <= self.printer.now {
            ("Printing", "OK")
        } else {
            ("Processing", "OK")
        }
    }

    fn pages(&self, queue: &str) -> Node {
        let pages = self.job.pages.iter().zip(1_i64..).map(|(page, number)| self.page(queue, page, number));
        let number = i64::try_from(self.job.pages.len()).unwrap_or(i64::MAX);
        map([("NumberOfPages", count(number)), ("Page", Node::List(pages.collect()))])
    }

    fn page(&self, queue: &str, page: &Page, number: i64) -> Node {
        let (status, completion) = self.words();
        let printed = if self.finished { page.printed } else { 0 };
        let preview = format!("{QUEUE}/{queue}/Job/{}/Page/{number}/resources/preview", self.job.entry);
        let size = map([("Width", quantity(page.size.width, "in")), ("Height", quantity(page.size.height, "in"))]);
        let settings = map([
            ("PageSize", size),
            ("Rotation", count(0)),
            ("PreviewFilePath", text(&preview)),
            ("Copies", count(page.copies)),
            ("MediaSource", text(&format!("Roll{}", page.roll + 1))),
            ("MediaDestination", text("Basket")),
            ("MediaType", text(page.medium.id)),
            ("PrintQuality", text(page.quality)),
            ("EconomodeOn", Node::Flag(page.economode)),
            ("MaximumDetailOn", Node::Flag(page.maximum_detail)),
        ]);
        let status =
            map([("PageStatus", text(status)), ("CompletionStatus", text(completion)), ("CopyIndex", count(printed))]);
        let progress = map([
            ("ProgressPercentage", millionths(share(printed, page.copies))),
            ("NumberOfPrintedCopies", count(printed)),
            ("EstimatedPrintingTime", count(0)),
        ]);
        map([
            ("ModificationNumber", count(self.job.sequence)),
            ("ID", count(number)),
            ("Settings", settings),
            ("Status", status),
            ("Progress", progress),
            ("Accounting", self.page_accounting(page)),
        ])
    }

    fn page_accounting(&self, page: &Page) -> Node {
        let roll = format!("Roll{}", page.roll + 1);
        let media = if self.finished {
            self.media(page.media_area, page.media_length())
        } else {
            self.media(Area(0), Length(0))
        };
        let none = BTreeMap::new();
        let mut parts = vec![
            ("MediaSourceUsed", text(&roll)),
            ("MediaDestinationUsed", text("Basket")),
            ("MediaCollectionConsumption", media),
            ("InkCollectionConsumption", inks(if self.finished { &page.ink } else { &none })),
            ("GrayPixelCoverage", dialect::coverage(self.printer, page.gray)),
            ("ColorPixelCoverage", dialect::coverage(self.printer, page.colour)),
        ];
        parts.extend(dialect::page_category(self.printer, page));
        Node::Map(parts)
    }

    fn progress(&self) -> Node {
        let job = self.job;
        let printed = if self.finished { job.printed() } else { 0 };
        let asked: i64 = job.pages.iter().map(|page| page.copies).sum();
        let whole = job.pages.iter().map(|page| page.printed).min().filter(|_| self.finished).unwrap_or(0);
        map([
            ("ProgressPercentage", millionths(share(printed, asked))),
            ("NumberOfPrintedPages", count(printed)),
            ("NumberOfPrintedCopies", count(whole)),
            ("EstimatedPrintingTime", count(0)),
        ])
    }

    /// Timestamps and totals. A driver's submission is local time that calls itself UTC.
    fn accounting(&self) -> Node {
        let (job, printer) = (self.job, self.printer);
        let submitted = job.personal.submitted_at.map(|at| at.plus(printer.habits.local_offset));
        let begun = job.started_at <= printer.now;
        let mut parts = vec![
            ("SubmissionTimestamp", date(printer, submitted)),
            ("CompletionTimestamp", date(printer, Some(job.finished_at).filter(|_| self.finished))),
            ("ArrivalTimestamp", date(printer, Some(job.arrived_at))),
        ];
        if job.kind != JobKind::Scan {
            let used = |sum: i64| if self.finished { sum } else { 0 };
            let area = used(job.pages.iter().map(|page| page.media_area.0).sum());
            let length = used(job.pages.iter().map(|page| page.media_length().0).sum());
            let ink = if self.finished { job.ink() } else { BTreeMap::new() };
            parts.extend([
                ("PrintingTimestamp", date(printer, Some(job.started_at).filter(|_| begun))),
                ("MediaCollectionConsumption", self.media(Area(area), Length(length))),
                ("InkCollectionConsumption", inks(&ink)),
            ]);
        }
        if self.finished {
            parts.extend(dialect::job_accounting(job));
        }
        Node::Map(parts)
    }

    /// Media used; recordings leave paper and vendor empty.
    fn media(&self, area: Area, length: Length) -> Node {
        let (square, linear) = dialect::media_amounts(self.printer, area, length);
        let used = map([
            ("PaperId", Node::Empty),
            ("PaperVendor", Node::Empty),
            ("SquareAmount", square),
            ("LinearAmount", linear),
        ]);
        collection("MediaConsumption", vec![used])
    }
}

/// Ink used, by colour.
fn inks(ink: &BTreeMap<&'static str, Ink>) -> Node {
    let used = ink.iter().map(|(colour, ink)| map([("InkName", text(colour)), ("Amount", quantity(ink.0, "cc"))]));
    collection("InkConsumption", used.collect())
}

/// `part` of `whole` in millionths of a percent.
fn share(part: i64, whole: i64) -> i64 {
    if whole <= 0 { 0 } else { part * 100_000_000 / whole }
}
