//! Get-Jobs and Get-Job-Attributes: finished print jobs, P rows.
//!
//! A job is reported when it is final and tells when it ended: a job's end is part of what it is known by, so
//! that a time since the printer was started, of which every reading would make another instant, is none.
//! Deliberately absent: ink, area and coverage, which IPP does not have for jobs; sheets, which a roll does not
//! have; and copies and scans, which stand in no list of print jobs.

use super::message::{self, Attributes, JOB_GROUP, Message, OPERATION_GROUP};
use super::{Operation, Outcome, note_odd, open};
use crate::Answers;
use crate::limits::{AMOUNT_MAX, JOBS_MAX};
use crate::newest::LEFT_OUT;
use crate::node::{self, Notes};
use crate::snmp::mib::{self, Labels};
use report::{Defect, Duration, Instant, Job, JobKind, JobStatus, Personal, PrintJob, Report, RowId};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// job-state, as far as it is final. RFC 8011, section 5.3.7.
const ENDINGS: &[(i64, JobStatus)] = &[(7, JobStatus::Cancelled), (8, JobStatus::Failed), (9, JobStatus::Printed)];
/// print-quality.
const QUALITIES: Labels = &[(3, "draft"), (4, "normal"), (5, "high")];

/// The jobs whose entry in the list is to be completed and was not asked for yet, the newest first: where there are
/// more than one reading may ask for, each is among the newest once.
pub(crate) fn incomplete(answers: &Answers) -> Vec<i32> {
    let Ok(Outcome::Answered(list)) = open(answers, Operation::CompletedJobs) else { return Vec::new() };
    let entries = entries(&list).into_iter().take(JOBS_MAX).filter(|job| is_incomplete(job));
    let ids: BTreeSet<i32> = entries.filter_map(id).collect();
    ids.into_iter().rev().filter(|id| !answers.contains_key(&Operation::JobAttributes(*id).key())).collect()
}

/// Whether a final job leaves out its name, when it ended or what it printed.
fn is_incomplete(job: &Attributes) -> bool {
    let may_be_final = message::number(job, "job-state").is_none_or(|state| ending(state).is_some());
    let has_end = ["date-time-at-completed", "time-at-completed"].iter().any(|name| job.contains_key(*name));
    let is_whole = has_end && ["job-uuid", "job-impressions-completed"].iter().all(|name| job.contains_key(*name));
    may_be_final && !is_whole
}

fn ending(state: i64) -> Option<JobStatus> {
    ENDINGS.iter().find(|(number, _)| *number == state).map(|(_, status)| *status)
}

fn id(job: &Attributes) -> Option<i32> {
    message::number(job, "job-id").and_then(|id| i32::try_from(id).ok()).filter(|id| *id > 0)
}

/// The jobs of an answer. Firmware is known that puts a job among the operation attributes.
fn entries(message: &Message) -> Vec<&Attributes> {
    let of = |tag: u8| message.groups.iter().filter(move |group| group.tag == tag).map(|group| &group.attributes);
    let jobs: Vec<&Attributes> = of(JOB_GROUP).collect();
    if jobs.is_empty() { of(OPERATION_GROUP).filter(|group| group.contains_key("job-id")).collect() } else { jobs }
}

/// Reads the finished jobs of the list; says whether there was one.
pub(crate) fn read(answers: &Answers, report: &mut Report, notes: &mut Notes) -> bool {
    let list = match open(answers, Operation::CompletedJobs) {
        Ok(Outcome::Answered(list)) => list,
        Ok(Outcome::NotSupported | Outcome::NotFound) => return false,
        Err(why) => {
            notes.of(&format!("Get-Jobs: {why}"));
            return false;
        }
    };
    note_odd(&list, "Get-Jobs", notes);
    let mut jobs = entries(&list);
    if jobs.len() > JOBS_MAX {
        // The list of completed jobs begins with the newest. RFC 8011, section 4.2.6.2.
        let which = format!("Get-Jobs: the jobs after the first {JOBS_MAX} of {}", jobs.len());
        notes.at(RowId::P27, &format!("{which} {LEFT_OUT}more than {JOBS_MAX} jobs"));
        jobs.truncate(JOBS_MAX);
    }
    let mut left_out: Vec<String> = Vec::new();
    for (index, entry) in jobs.into_iter().enumerate() {
        match completed(answers, entry, notes) {
            Ok(attributes) => {
                let name = id(entry).map_or_else(|| format!("entry {}", index + 1), |id| format!("job {id}"));
                notes.enter(format!("Get-Jobs, {name}"));
                report.jobs.extend(job(&attributes, notes));
                notes.enter("");
            }
            Err(why) => left_out.push(why),
        }
    }
    if let Some(why) = left_out.first() {
        let count = left_out.len();
        notes.of(&format!("Get-Jobs: jobs without their details, not reported this time: {count} (the first: {why})"));
    }
    true
}

/// The entry with what Get-Job-Attributes adds to it, where it says too little; else why the job is not reported.
///
/// An entry without its details would be the same job under another name, or with fewer pages. It is taken as it
/// is only where that is so in every reading: the entry cannot be asked for, or the printer has no such operation.
fn completed<'a>(answers: &Answers, entry: &'a Attributes, notes: &mut Notes) -> Result<Cow<'a, Attributes>, String> {
    let Some(number) = id(entry).filter(|_| is_incomplete(entry)) else { return Ok(Cow::Borrowed(entry)) };
    let message = match open(answers, Operation::JobAttributes(number))? {
        Outcome::Answered(message) if message.is_whole => message,
        Outcome::Answered(_) => return Err("the answer is cut off".to_owned()),
        Outcome::NotSupported => return Ok(Cow::Borrowed(entry)),
        Outcome::NotFound => return Err("the printer has forgotten it".to_owned()),
    };
    note_odd(&message, "Get-Job-Attributes", notes);
    let mut details = entries(&message).into_iter().filter(|details| id(details) == Some(number));
    let details = details.next().ok_or_else(|| "the answer is about another job".to_owned())?;
    let mut whole = entry.clone();
    whole.extend(details.iter().map(|(name, values)| (name.clone(), values.clone())));
    Ok(Cow::Owned(whole))
}

/// One final job with what is odd about it; `None` while it is not final.
fn job(attributes: &Attributes, notes: &mut Notes) -> Option<(Job, Vec<Defect>)> {
    let Some(state) = message::number(attributes, "job-state") else {
        notes.at(RowId::P11, "the job does not say whether it is over, it is not reported");
        return None;
    };
    let status = ending(state)?;
    let Some(ended) = message::instant(attributes, "completed") else {
        notes.at(RowId::P10, "the job is over without saying at which date and time, it is not reported");
        return None;
    };
    let mut own = Notes::default();
    let job = Job {
        kind: JobKind::Print,
        uuid: message::text(attributes, "job-uuid").and_then(|uuid| node::uuid(&uuid)),
        sequence: id(attributes).map(i64::from),
        status: Some(status),
        print: Some(print(attributes, status, ended, &mut own)),
        scan: None,
        personal: personal(attributes),
    };
    if job.uuid.is_none() {
        own.at(RowId::P2, "the job has no job-uuid");
    }
    Some((job, own.into_defects()))
}

/// Rows P1, P7, P8 and P9.
fn personal(job: &Attributes) -> Personal {
    let account = message::words(job, "job-account-id-actual").or_else(|| message::words(job, "job-account-id"));
    Personal {
        name: message::words(job, "job-name"),
        account,
        user: message::words(job, "job-originating-user-name"),
        submitted_at: message::instant(job, "creation"),
        ..Personal::default()
    }
}

fn print(job: &Attributes, status: JobStatus, ended: Instant, notes: &mut Notes) -> PrintJob {
    let (printed_at, time_to_print) = times(job, ended, notes);
    let quality = message::number(job, "print-quality").and_then(|quality| mib::label_of(QUALITIES, quality));
    PrintJob {
        printed_at: Some(printed_at),
        quality: quality.map(str::to_owned),
        pages: pages(job, status, notes),
        copies: count(job, "copies-actual").or_else(|| count(job, "copies")).filter(|copies| *copies > 0),
        time_to_print,
        media: media(job, "media-col-actual").or_else(|| media(job, "media-col")),
        ..PrintJob::default()
    }
}

/// Rows P10 and P17. Together they are always the instant at which the job ended.
fn times(job: &Attributes, ended: Instant, notes: &mut Notes) -> (Instant, Option<Duration>) {
    match message::instant(job, "processing") {
        Some(began) if began <= ended => (began, Some(ended.since(began))),
        Some(began) => {
            notes.at(RowId::P17, &format!("printing began at {began}, after the job was completed"));
            (ended, None)
        }
        None => (ended, None),
    }
}

/// Row P15: impressions of all copies. A job that was printed and counts none was not counted.
fn pages(job: &Attributes, status: JobStatus, notes: &mut Notes) -> Option<i64> {
    let pages = count(job, "job-impressions-completed")?;
    if pages == 0 && status == JobStatus::Printed {
        notes.at(RowId::P15, "the job was printed and counts no impressions");
        return None;
    }
    Some(pages)
}

/// A number that is not negative.
fn count(job: &Attributes, name: &str) -> Option<i64> {
    message::number(job, name).filter(|number| (0..=AMOUNT_MAX).contains(number))
}

/// Row P28: the type of the media, whose size is none of the rows.
fn media(job: &Attributes, name: &str) -> Option<String> {
    message::collections(job, name).first().and_then(|media| message::text(media, "media-type"))
}
