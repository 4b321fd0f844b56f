//! What stands behind a statement's lines as CSV: a row for each thing that a job, a sum, a counter or an estimate
//! says, with what of it counts, for which line, and why it is not billed.
//!
//! For each line, `counts` adds up to what it says was used, exactly. Columns are a promise: their names and order
//! stay, new ones come at the end. Deliberately absent: names of jobs, people and accounts, which are no part of a
//! statement; amounts of money, which the line has; and any sum.

use crate::Error;
use crate::csv::cell;
use crate::words::plain;
use billing::{Behind, BehindFact, Meter, Statement, Unbilled};
use report::{Grade, JobKind, JobStatus};

/// The columns.
const HEAD: [&str; 29] = [
    "statement",
    "contract",
    "version",
    "customer",
    "period_start",
    "period_end",
    "time_zone",
    "line",
    "title",
    "payer",
    "printer",
    "printer_name",
    "serial",
    "evidence",
    "job",
    "jobs",
    "kind",
    "status",
    "at",
    "grade",
    "meter",
    "category",
    "media",
    "unit",
    "said",
    "counts_as",
    "counts",
    "billed",
    "why",
];

/// The file of what stands behind a statement's lines. `name` is what the document is called; empty for one without a
/// number. Times are in UTC, the end of the period excluded, as in the plain dialect of the lines.
///
/// # Errors
///
/// The rows cannot be written.
pub fn jobs(statement: &Statement, name: &str, rows: &[Behind<'_>]) -> Result<Vec<u8>, Error> {
    let head = head(statement, name);
    let mut bytes = Vec::new();
    let mut writer = ::csv::Writer::from_writer(&mut bytes);
    writer.write_record(HEAD)?;
    for row in rows {
        let own = columns(row);
        writer.write_record(head.iter().map(String::as_str).chain(own.iter().map(String::as_str)))?;
    }
    writer.flush().map_err(::csv::Error::from)?;
    drop(writer);
    Ok(bytes)
}

/// What is the same in every row.
fn head(statement: &Statement, name: &str) -> [String; 7] {
    [
        cell(name),
        cell(&statement.contract.number),
        statement.contract.version.to_string(),
        cell(&statement.customer),
        statement.period.start.to_string(),
        statement.period.end.to_string(),
        cell(&statement.time_zone),
    ]
}

/// What is a row's own.
fn columns(row: &Behind<'_>) -> [String; 22] {
    let (stay, line, unit) = (row.stay, row.line, row.meter.unit());
    let said = row.said.as_ref();
    let meter = said.map_or(&row.meter, |said| &said.meter);
    let media = said.map_or(row.media.as_deref(), |said| said.media.as_deref());
    let (job, count, kind, status) = of_jobs(&row.fact);
    [
        line.map_or_else(String::new, |line| cell(&line.id)),
        line.map_or_else(String::new, |line| cell(&line.title)),
        line.and_then(|line| line.payer.as_deref()).map_or_else(String::new, cell),
        stay.map_or_else(String::new, |stay| cell(&stay.id)),
        stay.map_or_else(String::new, |stay| cell(&stay.label)),
        stay.and_then(|stay| stay.serial.as_deref()).map_or_else(String::new, cell),
        row.fact.word().to_owned(),
        job,
        count,
        kind.map_or("", JobKind::word).to_owned(),
        status.map_or("", JobStatus::word).to_owned(),
        row.at.to_string(),
        row.grade.map_or("", Grade::word).to_owned(),
        meter.kind().word().to_owned(),
        part(meter),
        media.map_or_else(String::new, cell),
        unit.label().to_owned(),
        said.map_or_else(String::new, |said| plain(unit, said.amount)),
        part(&row.meter),
        plain(unit, row.counts),
        if row.unbilled.is_none() { "yes" } else { "no" }.to_owned(),
        row.unbilled.map_or("", Unbilled::word).to_owned(),
    ]
}

/// Key and number of jobs, and what a single one was.
fn of_jobs(fact: &BehindFact<'_>) -> (String, String, Option<JobKind>, Option<JobStatus>) {
    match fact {
        BehindFact::Job(job) => (cell(&job.key), "1".to_owned(), job.kind, job.status),
        BehindFact::Sum(sum) => (String::new(), sum.jobs.to_string(), None, None),
        _ => (String::new(), String::new(), None, None),
    }
}

/// The category; the colour of ink.
fn part(meter: &Meter) -> String {
    meter.part().map_or_else(String::new, cell)
}
