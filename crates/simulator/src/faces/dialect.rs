//! The invented part of the dialect: every field and word here is one that no recording of a real
//! printer shows. What is not in this file follows recordings or working code that reads printers.
//!
//! Deliberately absent: resources that are known; see `piws`.

use super::document::{Node, collection, count, map, millionths, optional, quantity, text};
use crate::printer::{Job, Page, Printer, Source};
use report::{Area, Category, JobKind, JobStatus, Length, Share};

/// The resource of lifetime counters: its name is known, its content is not.
pub(crate) const COUNTERS: &str = "DeviceCounters";

/// The lifetime counters, rows U6 to U17.
pub(crate) fn counters(printer: &Printer) -> Node {
    let counters = printer.shown();
    let media = counters.media.iter().map(|(name, area)| map([("Name", text(name)), ("SquareAmount", square(*area))]));
    let categories = counters.categories.iter().map(|(category, used)| {
        map([
            ("Id", text(category_name(category))),
            ("SquareAmount", square(used.media_area)),
            ("LinearAmount", linear(used.media_length)),
        ])
    });
    let prints = map([
        ("NumberOfJobs", count(counters.jobs)),
        ("NumberOfPages", count(counters.pages)),
        ("MediaUsed", square(counters.media_area)),
        ("MediaTypeCollection", collection("MediaType", media.collect())),
        ("PrintCategoryCollection", collection("PrintCategory", categories.collect())),
    ]);
    let scans = map([
        ("TotalArea", square(counters.scanned())),
        ("ScanArea", square(counters.scanned_scans)),
        ("CopyArea", square(counters.scanned_copies)),
    ]);
    let scans = if printer.model().scanner { scans } else { Node::Empty };
    map([("PrintCounters", prints), ("ScanCounters", scans)])
}

/// An area in square metres: mm² are its millionths.
pub(crate) fn square(area: Area) -> Node {
    quantity(area.0, "m2")
}

/// A length in metres: µm are its millionths.
fn linear(length: Length) -> Node {
    quantity(length.0, "m")
}

/// The media amounts of a job or page: quantities, or plain numbers where the printer says no unit.
pub(crate) fn media_amounts(printer: &Printer, area: Area, length: Length) -> (Node, Node) {
    if printer.quirks.units_missing_on_media || area == Area(0) {
        (millionths(area.0), millionths(length.0))
    } else {
        (square(area), linear(length))
    }
}

/// A coverage of a page: percent with its unit, or a plain number where the printer says no unit.
pub(crate) fn coverage(printer: &Printer, share: Share) -> Node {
    let quirks = printer.quirks;
    match (quirks.coverage_without_unit, quirks.coverage_in_percent) {
        (false, _) => quantity(share.0 * 100, "%"),
        (true, true) => millionths(share.0 * 100),
        (true, false) => millionths(share.0),
    }
}

/// The element that a job of this kind stands in, and its type.
pub(crate) fn job_names(kind: JobKind) -> (&'static str, &'static str) {
    match kind {
        JobKind::Print => ("Job2DPrint", "Print"),
        JobKind::Scan => ("JobScan", "Scan"),
        JobKind::Copy => ("JobCopy", "Copy"),
    }
}

/// The word for the source of a job, row P12.
pub(crate) fn source(source: Source) -> &'static str {
    match source {
        Source::Driver => "Driver",
        Source::Rip => "RIP",
        Source::WebPage => "EWS",
        Source::Panel => "FrontPanel",
    }
}

/// The words for job status and completion status of a finished job, rows P11 and N10.
pub(crate) fn finished(status: JobStatus) -> (&'static str, &'static str) {
    match status {
        JobStatus::Printed => ("Printed", "OK"),
        JobStatus::Scanned => ("Scanned", "OK"),
        JobStatus::Cancelled => ("Deleted", "Cancelled"),
        JobStatus::Failed => ("Deleted", "Failed"),
    }
}

/// Settings of a job that a real printer must have somewhere: rows P3, P4 and P6.
pub(crate) fn settings(job: &Job) -> [(&'static str, Node); 3] {
    [
        ("JobSequenceNumber", count(job.sequence)),
        ("ProjectID", optional(job.personal.project.as_deref())),
        ("UserDefined", optional(job.personal.user_defined.as_deref())),
    ]
}

/// The print category of a page, row P21; nothing where the printer does not name it.
pub(crate) fn page_category(printer: &Printer, page: &Page) -> Option<(&'static str, Node)> {
    (!printer.quirks.categories_unnamed).then(|| ("PrintCategory", text(category_name(&page.category))))
}

/// The ink coverage category of a job, row P13, and the area it scanned, row N11.
pub(crate) fn job_accounting(job: &Job) -> Vec<(&'static str, Node)> {
    let coverage = job.coverage_category().map(|category| ("InkCoverageCategory", text(category)));
    let scanned = job.scanned.map(|area| ("ScannedArea", square(area)));
    coverage.into_iter().chain(scanned).collect()
}

/// The flag of a printhead, row S8: no head here has seen foreign ink.
pub(crate) const HEAD_FLAG: &str = "Normal";

/// A printer's own identifier of a print category.
fn category_name(category: &Category) -> &str {
    match category.id() {
        "mono-line" => "MonochromeLineDrawing",
        "colour-line" => "ColorLineDrawing",
        "low-density" => "LowDensityImage",
        "high-density" => "HighDensityImage",
        "premium" => "PremiumQualityImage",
        "blueprint" => "Blueprint",
        other => other,
    }
}
