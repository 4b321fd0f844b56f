//! The job queue: finished print, scan and copy jobs, P and N rows.
//!
//! A job is reported when it is final; the sum of its pages is what it printed. Deliberately absent:
//! jobs that still wait or print, the queue entry's own UUID (it is not the job's), and any memory of
//! jobs seen before, which is the ledger's.

use super::pages::{self, Around, Page};
use super::{dialect, media, top, unlike};
use crate::document::Unreadable;
use crate::limits::{BODY_MAX, NODES_MAX};
use crate::newest::{LEFT_OUT, Newest};
use crate::node::{self, Node, Notes, sum_all, sum_known};
use crate::parts::{List, Parts, Pieces};
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

/// Where the jobs stand, in defects.
const PLACE: &str = "JQ/JobQueue jobs";
/// The list of jobs in a queue's document, by its name and by those that begin an entry.
pub(super) const LIST: List<'static> =
    List { name: "Job", firsts: &["Job2DPrint", dialect::SCAN_JOB, dialect::COPY_JOB] };

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

/// Reads the final jobs of every queue; those of a long one part by part, and each part twice, since what a coverage
/// stands for depends on all of them.
pub(crate) fn read(queues: &[Parts<'_>], report: &mut Report, notes: &mut Notes) {
    notes.enter(PLACE);
    let (mut coverages, mut readable) = (Coverages::default(), Vec::new());
    for queue in queues {
        let looked = queue.each(|part| {
            let unlike = unlike(top(part, "JobQueueSnapshot"), &["Jobs", "Status", "ModificationNumber"]);
            match unlike {
                Some(why) => notes.of(&why),
                None => entries(part).into_iter().for_each(|entry| coverages.take(entry)),
            }
        });
        match looked {
            Ok(()) => readable.push(queue),
            Err(why) => note_unread(&why, notes),
        }
    }
    let context = Context { coverage_ppm: coverages.ppm(notes), media: media::names_by_id(&report.settings) };
    let (mut newest, mut number) = (Newest::default(), 0_usize);
    for queue in readable {
        let mut list = Ends::default();
        let again = queue.each(|part| {
            list.named = list.named.or(number_named(part));
            for entry in entries(part) {
                number += 1;
                notes.enter(format!("{PLACE}, job {number}"));
                if let Some(job) = entry_job(entry, &context, notes) {
                    list.take(&job.0);
                    newest.put(job);
                }
            }
        });
        notes.enter(PLACE);
        if let Err(why) = again {
            note_unread(&why, notes);
        }
        if let Parts::Pieces(pieces) = queue {
            note_left_out(pieces, &list, notes);
        }
    }
    let (jobs, left_out) = newest.into_jobs();
    report.jobs = jobs;
    if let Some(left_out) = left_out {
        notes.at(RowId::P27, &left_out);
    }
}

/// The jobs of a part of a queue.
fn entries(part: &Value) -> Vec<Node<'_>> {
    top(part, "JobQueueSnapshot").at("Jobs").at(LIST.name).items()
}

/// How many jobs the queue says that it has.
fn number_named(part: &Value) -> Option<usize> {
    let number = top(part, "JobQueueSnapshot").at("Status.NumberOfJobs").quantity().ok().flatten()?.number;
    usize::try_from(number.times(1, 1)?).ok()
}

/// The job of an entry, when it is over.
fn entry_job(entry: Node<'_>, context: &Context, notes: &mut Notes) -> Option<(Job, Vec<Defect>)> {
    let Some((kind, body)) = body(entry) else {
        let name = entry.members().first().map(|(name, _)| Defect::quote(name));
        notes.of(&format!("'{}' is no known type of job", name.unwrap_or_default()));
        return None;
    };
    let ending = ending(kind, body, notes)?;
    Some(job(kind, body, ending, context))
}

/// What is known of a list of which perhaps only a part came.
#[derive(Default)]
struct Ends {
    /// How many jobs the queue says that it has.
    named: Option<usize>,
    /// When the first of those that came ended, and the last.
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Ends {
    fn take(&mut self, job: &Job) {
        self.first = self.first.or(job.finished_at());
        self.last = job.finished_at().or(self.last);
    }
}

/// Says that no job of a list was read.
fn note_unread(why: &Unreadable, notes: &mut Notes) {
    notes.at(RowId::P27, &format!("jobs {LEFT_OUT}{}", Defect::quote(&why.to_string())));
}

/// Says which jobs of a list in pieces were not read.
fn note_left_out(pieces: &Pieces<'_>, list: &Ends, notes: &mut Notes) {
    let (too_large, came) = (pieces.too_large, pieces.entries + pieces.too_large);
    if too_large > 0 {
        notes.at(RowId::P27, &format!("{too_large} jobs {LEFT_OUT}more than {NODES_MAX} elements in one job"));
    }
    if pieces.is_cut || pieces.has_gap {
        let which = match (list.named.filter(|named| *named > came), pieces.has_gap) {
            (Some(named), true) => format!("{} of {named} jobs in the middle of the list", named - came),
            (Some(named), false) => format!("the last {} of {named} jobs", named - came),
            (None, true) => "jobs in the middle of the list".to_owned(),
            (None, false) => format!("the jobs after the first {came}"),
        };
        // Where the list begins with the oldest, what is cut off is what a bill waits for.
        let ends_with_newest = pieces.is_cut && list.first < list.last;
        let order = if ends_with_newest { ", and the newest stand at its end" } else { "" };
        notes.at(RowId::P27, &format!("{which} {LEFT_OUT}the list is longer than {BODY_MAX} bytes{order}"));
    }
}

/// The kind of a job and its members.
fn body(entry: Node<'_>) -> Option<(JobKind, Node<'_>)> {
    let mut bodies = KINDS.iter().map(|(name, kind)| (*kind, entry.at(name)));
    bodies.find(|(_, body)| !body.is_absent())
}

/// What a written coverage of 1 stands for. No recording says whether coverage is a fraction or percent: where not
/// all values state that they are percent, one above 1 tells that all are. Values above 100 are neither.
#[derive(Default)]
struct Coverages {
    /// The largest, in billionths.
    most: i64,
    is_stated: bool,
    is_missing: bool,
}

impl Coverages {
    const BILLION: i64 = 1_000_000_000;

    /// Takes the coverages of one job.
    fn take(&mut self, entry: Node<'_>) {
        let pages = body(entry).into_iter().flat_map(|(_, body)| body.at("Pages.Page").items());
        let shares = pages
            .flat_map(|page| ["GrayPixelCoverage", "ColorPixelCoverage"].map(|name| page.at("Accounting").at(name)));
        for share in shares.filter_map(|share| share.quantity().ok().flatten()) {
            match share.unit.as_deref() {
                Some(dialect::PERCENT) => self.is_stated = true,
                _ => self.is_missing = true,
            }
            let billionths = share.number.times(Coverages::BILLION.into(), 1);
            let billionths = billionths.filter(|share| *share <= 100 * Coverages::BILLION);
            self.most = self.most.max(billionths.unwrap_or_default());
        }
    }

    /// What a written 1 stands for, in ppm.
    fn ppm(&self, notes: &mut Notes) -> i128 {
        if self.is_stated && !self.is_missing {
            return PERCENT_PPM;
        }
        let is_percent = self.most > Coverages::BILLION;
        let (ppm, word) = if is_percent { (PERCENT_PPM, "percent") } else { (FRACTION_PPM, "fraction") };
        if self.most > 0 {
            notes.at(RowId::P25, &format!("coverage has no unit; read as {word}"));
        }
        ppm
    }
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
