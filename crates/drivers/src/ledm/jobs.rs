//! `EventTable`: whether there was a job. `JobList`: how many finished jobs the printer remembers.
//!
//! Deliberately absent: a record of a job. The list gives a number, a category and a state; without a time
//! a job belongs to no period, and without a quantity it bills nothing. That it was there is said once.

use crate::limits::{JOBS_MAX, LIST_MAX};
use crate::node::{Node, Notes};
use report::{Report, RowId};

/// The category of an event that a job caused.
const JOB_EVENT: &str = "JobEvent";
/// States of a job that is over, in lower case; the first is recorded.
const FINISHED: &[&str] = &["completed", "canceled", "cancelled", "aborted", "failed"];

/// Whether the event table names a job.
pub(crate) fn names_a_job(table: Node<'_>) -> bool {
    let events = table.at("Event").items();
    events.into_iter().filter_map(category).any(|category| category == JOB_EVENT)
}

/// Reads the event table: it fills no row, but an event that says nothing is odd.
pub(crate) fn read_events(table: Node<'_>, _report: &mut Report, notes: &mut Notes) {
    notes.enter("EventTable");
    let events = notes.list("Event", table.at("Event"), LIST_MAX);
    let silent = events.into_iter().filter(|event| category(*event).is_none()).count();
    if silent > 0 {
        notes.of(&format!("{silent} events without a category"));
    }
}

fn category(event: Node<'_>) -> Option<String> {
    event.at("UnqualifiedEventCategory").text()
}

/// Says how many finished jobs are listed, since none of them can be reported.
pub(crate) fn read_list(list: Node<'_>, _report: &mut Report, notes: &mut Notes) {
    notes.enter("JobList");
    let jobs = notes.list("Job", list.at("Job"), JOBS_MAX);
    let finished = jobs.into_iter().filter(|job| is_finished(*job)).count();
    if finished > 0 {
        notes.at(RowId::P10, &format!("finished jobs without a time or a quantity are not reported: {finished}"));
    }
}

fn is_finished(job: Node<'_>) -> bool {
    let state = job.at("JobState").text().unwrap_or_default().to_ascii_lowercase();
    FINISHED.contains(&state.as_str())
}
