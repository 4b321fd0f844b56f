//! The job queue: finished print, scan and copy jobs, P and N rows.
//!
//! A job is reported when it is final; the sum of its pages is what it printed. Deliberately absent:
//! jobs that still wait or print, the queue entry's own UUID (it is not the job's), and any memory of
//! jobs seen before, which is the ledger's.

use super::pages::{self, Around, Page};
use super::{dialect, media, top, unlike};
use crate::limits::JOBS_MAX;
use crate::node::{self, Node, Notes, sum_all, sum_known};
use report::{
    Area, Category, CategoryUse, Defect, Ink, InkUse, Instant, Job, JobKind, JobStatus, Length, Personal, PrintJob,
    Report, RowId, ScanJob, Share, divide_half_even,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The member of each kind of job.
const KINDS: &[(&str, JobKind)] =
    &[("Job2DPrint", JobKind::Print), (dialect::SCAN_JOB, JobKind::Scan), (dialect::COPY_JOB, JobKind::Copy)];

/// How the status of a job begins that is not over: `WaitingToPrint`, `Paused` …
const ACTIVE: &[&str] = &[
    "active",
    "arriving",
    "cancelling",
    "canceling",
    "copying",
    "drying",
    "held",
    "hold",
    "onhold",
    "paused",
    "pending",
    "preparing",
    "printing",
    "processing",
    "queued",
    "receiving",
    "rendering",
    "ripping",
    "scanning",
    "stopped",
    "waiting",
];

/// The status of a job that is surely over.
const OVER: &[&str] = &["printed", "scanned", "copied", "completed", "finished"];

/// A coverage of 1 in ppm, when coverage is written as a fraction and when in percent.
const FRACTION_PPM: i128 = 1_000_000;
const PERCENT_PPM: i128 = 10_000;

/// What all jobs of one reading share.
struct Context {
    coverage_ppm: i128,
    media: BTreeMap<String, String>,
}

/// How a job ended.
#[derive(Clone, Copy)]
struct Ending {
    completed: Instant,
    /// Absent when the printer's word is none that is known.
    status: Option<JobStatus>,
}

/// Reads the final jobs of every queue.
pub(crate) fn read(snapshots: &[Value], report: &mut Report, notes: &mut Notes) {
    notes.enter("JQ/JobQueue jobs");
    let mut entries = Vec::new();
    for snapshot in snapshots {
        let snapshot = top(snapshot, "JobQueueSnapshot");
        match unlike(snapshot, &["Jobs", "Status", "ModificationNumber"]) {
            Some(why) => notes.of(&why),
            None => entries.extend(notes.list("Job", snapshot.at("Jobs.Job"), JOBS_MAX)),
        }
    }
    let context = Context { coverage_ppm: coverage_ppm(&entries, notes), media: media::names_by_id(&report.settings) };
    for (index, entry) in entries.into_iter().enumerate() {
        notes.enter(format!("JQ/JobQueue jobs, job {}", index + 1));
        let Some((kind, body)) = body(entry) else {
            let name = entry.members().first().map(|(name, _)| Defect::quote(name));
            notes.of(&format!("'{}' is no known type of job", name.unwrap_or_default()));
            continue;
        };
        if let Some(ending) = ending(kind, body, notes) {
            report.jobs.push(job(kind, body, ending, &context));
        }
    }
}

/// The kind of a job and its members.
fn body(entry: Node<'_>) -> Option<(JobKind, Node<'_>)> {
    let mut bodies = KINDS.iter().map(|(name, kind)| (*kind, entry.at(name)));
    bodies.find(|(_, body)| !body.is_absent())
}

/// What a written coverage of 1 stands for. No document says whether coverage is a fraction or percent:
/// one value above 1 tells that all are percent. Values above 100 are neither.
fn coverage_ppm(entries: &[Node<'_>], notes: &mut Notes) -> i128 {
    const BILLION: i64 = 1_000_000_000;
    let pages = entries.iter().filter_map(|entry| body(*entry)).flat_map(|(_, body)| body.at("Pages.Page").items());
    let shares =
        pages.flat_map(|page| ["GrayPixelCoverage", "ColorPixelCoverage"].map(|name| page.at("Accounting").at(name)));
    let billionths = shares.filter_map(|share| share.quantity().ok().flatten()?.number.times(BILLION.into(), 1));
    let most = billionths.filter(|share| *share <= 100 * BILLION).max().unwrap_or_default();
    let (ppm, word) = if most > BILLION { (PERCENT_PPM, "percent") } else { (FRACTION_PPM, "fraction") };
    if most > 0 {
        notes.at(RowId::P25, &format!("coverage has no unit; read as {word}"));
    }
    ppm
}

/// How the job ended; absent while it is not over.
fn ending(kind: JobKind, body: Node<'_>, notes: &mut Notes) -> Option<Ending> {
    let state = body.at("Status.JobStatus").text().unwrap_or_default().to_ascii_lowercase();
    if ACTIVE.iter().any(|active| state.starts_with(active)) {
        return None;
    }
    let time_row = if kind == JobKind::Scan { RowId::N9 } else { RowId::P10 };
    let completed = notes.instant(time_row, "CompletionTimestamp", body.at("Accounting.CompletionTimestamp"));
    let Some(completed) = completed else {
        if OVER.contains(&state.as_str()) {
            notes.at(time_row, "the job is over without a completion time, it is not reported");
        }
        return None;
    };
    let word = body.at("Status.CompletionStatus").text().unwrap_or_default().to_ascii_lowercase();
    let status = match word.as_str() {
        "ok" if kind == JobKind::Scan => Some(JobStatus::Scanned),
        "ok" => Some(JobStatus::Printed),
        "cancelled" | "canceled" => Some(JobStatus::Cancelled),
        "failed" | "error" | "aborted" => Some(JobStatus::Failed),
        _ => None,
    };
    Some(Ending { completed, status })
}

/// Notes on the job itself that nobody knows how it ended.
fn note_ending(kind: JobKind, body: Node<'_>, notes: &mut Notes) {
    let row = if kind == JobKind::Scan { RowId::N10 } else { RowId::P11 };
    match body.at("Status.CompletionStatus").text() {
        Some(word) => notes.at(row, &format!("'{}' is no known ending of a job", Defect::quote(&word))),
        None => notes.at(row, "the job does not say how it ended"),
    }
}

/// One final job with what is odd about it.
fn job(kind: JobKind, body: Node<'_>, ending: Ending, context: &Context) -> (Job, Vec<Defect>) {
    let mut notes = Notes::default();
    if ending.status.is_none() {
        note_ending(kind, body, &mut notes);
    }
    let settings = body.at("Settings");
    let (uuid_row, sequence_row) = if kind == JobKind::Scan { (RowId::N2, RowId::N3) } else { (RowId::P2, RowId::P3) };
    let job = Job {
        kind,
        uuid: settings.at("JobUUID").text().and_then(|uuid| node::uuid(&uuid)),
        sequence: notes.count(sequence_row, dialect::SEQUENCE, settings.at(dialect::SEQUENCE)),
        status: ending.status,
        print: (kind != JobKind::Scan).then(|| print(body, ending, context, &mut notes)),
        scan: (kind != JobKind::Print).then(|| scan(body, ending, &mut notes)),
        personal: personal(body, &mut notes),
    };
    if job.uuid.is_none() {
        notes.at(uuid_row, "the job has no JobUUID");
    }
    (job, notes.into_defects())
}

/// Rows P1, P4 to P9 and N1, N4 to N8.
fn personal(body: Node<'_>, notes: &mut Notes) -> Personal {
    let settings = body.at("Settings");
    let submitted = body.at("Accounting.SubmissionTimestamp");
    Personal {
        name: settings.at("JobName").words(),
        project: settings.at(dialect::PROJECT).words(),
        application: settings.at("ApplicationName").words().or_else(|| settings.at("ApplicationUUID").words()),
        user_defined: settings.at(dialect::USER_DEFINED).words(),
        account: settings.at("Account").words(),
        user: settings.at("UserName").words(),
        submitted_at: notes.instant(RowId::P9, "SubmissionTimestamp", submitted),
    }
}

/// Rows N9 and N11.
fn scan(body: Node<'_>, ending: Ending, notes: &mut Notes) -> ScanJob {
    let area = body.at("Accounting").at(dialect::SCANNED_AREA);
    ScanJob { scanned_at: Some(ending.completed), area: notes.area(RowId::N11, dialect::SCANNED_AREA, area) }
}

fn print(body: Node<'_>, ending: Ending, context: &Context, notes: &mut Notes) -> PrintJob {
    let settings = body.at("Settings");
    let accounting = body.at("Accounting");
    let requested = notes.count(RowId::P16, "RequestedCopies", settings.at("RequestedCopies"));
    let printed = ending.status == Some(JobStatus::Printed);
    let pages = pages::read(body, Around { printed, requested, coverage_ppm: context.coverage_ppm }, notes);
    let (printed_at, time_to_print) = times(accounting, ending, notes);
    let media = pages.iter().find_map(|page| page.media.clone());
    PrintJob {
        printed_at: Some(printed_at),
        source: settings.at("Source").text().map(|source| dialect::source(&source)),
        coverage_category: accounting.at(dialect::COVERAGE_CATEGORY).text(),
        quality: pages.iter().find_map(|page| page.quality.clone()),
        pages: sum_known(pages.iter().map(|page| page.copies)),
        copies: requested,
        time_to_print,
        ink: ink(&pages, accounting, notes),
        media_area: media_area(&pages, accounting, notes),
        printed_area: sum_known(pages.iter().map(|page| page.area.map(|area| area.0))).map(Area),
        categories: categories(&pages, notes),
        non_white: mean(&pages, |(non_white, _)| *non_white),
        colour: mean(&pages, |(_, colour)| *colour),
        media: media.map(|id| context.media.get(&id).cloned().unwrap_or(id)),
    }
}

/// Rows P10 and P17. Together they are always the instant the job was completed.
fn times(accounting: Node<'_>, ending: Ending, notes: &mut Notes) -> (Instant, Option<report::Duration>) {
    let began = notes.instant(RowId::P10, "PrintingTimestamp", accounting.at("PrintingTimestamp"));
    match began {
        Some(began) if began <= ending.completed => (began, Some(ending.completed.since(began))),
        Some(began) => {
            notes.at(RowId::P17, &format!("printing began at {began}, after the job was completed"));
            (ending.completed, None)
        }
        None => (ending.completed, None),
    }
}

/// Row P18: by colour over all pages; what the job gives where the pages give none.
fn ink(pages: &[Page], accounting: Node<'_>, notes: &mut Notes) -> Vec<InkUse> {
    let used: Vec<&InkUse> = pages.iter().flat_map(|page| &page.ink).collect();
    if used.is_empty() { pages::inks(accounting, notes).0 } else { pages::by_colour(&used) }
}

/// Row P19: the sum of the pages where all state it with a unit, else what the job gives with a unit.
fn media_area(pages: &[Page], accounting: Node<'_>, notes: &mut Notes) -> Option<Area> {
    let of_pages = sum_all(pages.iter().map(|page| page.media_area.map(|area| area.0)));
    of_pages.map(Area).or_else(|| pages::media(accounting, notes).0)
}

/// Rows P21 to P24: the pages of one category together, in the order categories appear.
fn categories(pages: &[Page], notes: &mut Notes) -> Vec<CategoryUse> {
    let mut categories: Vec<&Category> = Vec::new();
    for page in pages.iter().filter(|page| used_something(page)) {
        match &page.category {
            Some((category, _)) if categories.contains(&category) => {}
            Some((category, _)) => categories.push(category),
            None => notes.at(RowId::P22, "a page has neither category nor coverage, it is in no category"),
        }
    }
    categories.into_iter().map(|category| category_use(category, pages)).collect()
}

/// A page of a cancelled job that never reached the media is in no category.
fn used_something(page: &Page) -> bool {
    let media = page.media_area.is_some_and(|area| area.0 > 0);
    page.copies.is_some_and(|copies| copies > 0) || media || !page.ink.is_empty()
}

fn category_use(category: &Category, pages: &[Page]) -> CategoryUse {
    let of_category = |page: &&Page| page.category.as_ref().is_some_and(|(of, _)| of == category);
    let pages: Vec<&Page> = pages.iter().filter(|page| used_something(page)).filter(of_category).collect();
    CategoryUse {
        category: category.clone(),
        derived: pages.iter().any(|page| page.category.as_ref().is_some_and(|(_, derived)| *derived)),
        media_area: sum_all(pages.iter().map(|page| page.media_area.map(|area| area.0))).map(Area),
        printed_area: sum_known(pages.iter().map(|page| page.area.map(|area| area.0))).map(Area),
        ink: sum_all(pages.iter().map(|page| ink_of(page))).map(Ink),
        media_length: sum_all(pages.iter().map(|page| page.media_length.map(|length| length.0))).map(Length),
    }
}

/// All ink of a page in nl, where all of it could be read.
fn ink_of(page: &Page) -> Option<i64> {
    if page.ink_is_whole { sum_known(page.ink.iter().map(|used| Some(used.ink.0))) } else { None }
}

/// Rows P25 and P26: the mean over the pages, each weighing as much as the area printed of it.
///
/// 1 m² at 10 % and 3 m² at 50 %: (1 × 10 + 3 × 50) / 4 = 40 %.
fn mean(pages: &[Page], pick: fn(&(Share, Share)) -> Share) -> Option<Share> {
    let (mut sum, mut weights) = (0_i128, 0_i128);
    for page in pages {
        if let (Some(area), Some(coverage)) = (page.area, &page.coverage) {
            sum += i128::from(area.0) * i128::from(pick(coverage).0);
            weights += i128::from(area.0);
        }
    }
    if weights <= 0 {
        return None;
    }
    i64::try_from(divide_half_even(sum, weights)).ok().map(Share)
}
