//! IPP: what a printer says to Get-Printer-Attributes, Get-Jobs and Get-Job-Attributes. See `README.md` here.
//!
//! Asks for the printer's attributes first, alone; then for its finished jobs; then for those jobs whose entry
//! leaves out their name, when they ended or what they printed. Deliberately absent: every operation that changes
//! something, the list of all sizes (media-col-database), and ink and area of jobs, which IPP does not have.

mod alerts;
mod jobs;
mod media;
mod message;
mod operation;
mod printer;
mod supplies;

pub use operation::Operation;

use crate::limits::REQUESTS_MAX;
use crate::node::{Notes, credit, credit_jobs};
use crate::{Answer, Answers, Channel, Driver, Request};
use message::{Attributes, Message, PRINTER_GROUP};
use report::{Defect, Instant, Report, RowId};

/// The driver.
pub const DRIVER: Driver = Driver { name: "ipp", channel: Channel::Ipp, rows: ROWS, next, identify, read };

/// The rows it fills.
#[rustfmt::skip]
const ROWS: &[RowId] = {
    use RowId::*;
    &[
        C1, C2, C3, C4,
        S1, S10, S11, S12, S13, S16, S17, S20, S21, S22, S23,
        U15,
        P1, P2, P3, P7, P8, P9, P10, P11, P14, P15, P16, P17, P27, P28,
        E1, E2, E3, E4,
    ]
};

/// The rows we compute from other values instead of the printer saying them.
pub const DERIVED: &[RowId] = &[RowId::S11, RowId::S17, RowId::S20, RowId::P17];

/// Status codes up to this one say that the operation succeeded. RFC 8011, appendix B.
const SUCCESS_MAX: u16 = 0x00ff;
/// The printer does not have the operation.
const NOT_SUPPORTED: u16 = 0x0501;
/// The printer does not have the job any more.
const NOT_FOUND: u16 = 0x0406;

/// What is still to ask. Each stage asks only for what has no answer, so it ends.
fn next(answers: &Answers) -> Vec<Request> {
    let operations = if !answers.contains_key(&Operation::PrinterAttributes.key()) {
        vec![Operation::PrinterAttributes]
    } else if !identify(answers) {
        Vec::new()
    } else if !answers.contains_key(&Operation::CompletedJobs.key()) {
        vec![Operation::CompletedJobs]
    } else {
        let mut jobs = jobs::incomplete(answers);
        jobs.truncate(REQUESTS_MAX.saturating_sub(answers.len()));
        jobs.into_iter().map(Operation::JobAttributes).collect()
    };
    operations.into_iter().map(Request::ipp).collect()
}

/// Whether a printer answers: it says what it is made as.
fn identify(answers: &Answers) -> bool {
    matches!(
        open(answers, Operation::PrinterAttributes),
        Ok(Outcome::Answered(message)) if message.group(PRINTER_GROUP).is_some_and(printer::is_printer)
    )
}

/// Reads every answer. An attribute that the printer does not have leaves its row absent.
fn read(answers: &Answers, at: Instant) -> (Report, Vec<Defect>) {
    let mut report = Report { read_at: at, ..Report::default() };
    let mut notes = Notes::default();
    let message = match open(answers, Operation::PrinterAttributes) {
        Ok(Outcome::Answered(message)) => message,
        Ok(Outcome::NotSupported | Outcome::NotFound) => {
            notes.of("Get-Printer-Attributes: not found, no printer of this kind");
            return (report, notes.into_defects());
        }
        Err(why) => {
            notes.of(&format!("Get-Printer-Attributes: {why}"));
            return (report, notes.into_defects());
        }
    };
    let Some(attributes) = message.group(PRINTER_GROUP).filter(|attributes| printer::is_printer(attributes)) else {
        notes.of("Get-Printer-Attributes: names no printer");
        return (report, notes.into_defects());
    };
    note_odd(&message, "Get-Printer-Attributes", &mut notes);
    read_printer(attributes, &mut report, &mut notes);
    credit(&mut report, DRIVER.name, "Get-Printer-Attributes", DERIVED);
    if jobs::read(answers, &mut report, &mut notes) {
        credit_jobs(&mut report, DRIVER.name, "Get-Jobs");
    }
    credit(&mut report, DRIVER.name, "Get-Jobs", DERIVED);
    (report, notes.into_defects())
}

fn read_printer(attributes: &Attributes, report: &mut Report, notes: &mut Notes) {
    printer::read(attributes, report, notes);
    supplies::read(attributes, report, notes);
    media::read(attributes, report, notes);
    alerts::read(attributes, report, notes);
}

/// What came of an operation.
enum Outcome {
    /// Its answer.
    Answered(Message),
    /// The printer does not have the operation.
    NotSupported,
    /// There is no such printer or job.
    NotFound,
}

/// What came of an operation, else why that is not known.
fn open(answers: &Answers, operation: Operation) -> Result<Outcome, String> {
    match answers.get(&operation.key()) {
        None => Err("was not asked".to_owned()),
        Some(Answer::NotAsked(why) | Answer::Failed(why)) => Err(Defect::quote(why)),
        Some(Answer::Elsewhere { status, location }) => {
            Err(format!("answered with status {status} and '{}'", Defect::quote(location)))
        }
        Some(Answer::Body { status: 404 | 410, .. }) => Ok(Outcome::NotFound),
        Some(Answer::Body { status: 200..=299, body, .. }) => {
            let message = message::read(body).map_err(|error| error.to_string())?;
            match message.status {
                0..=SUCCESS_MAX => Ok(Outcome::Answered(message)),
                NOT_SUPPORTED => Ok(Outcome::NotSupported),
                NOT_FOUND => Ok(Outcome::NotFound),
                status => Err(format!("answered with IPP status 0x{status:04x}")),
            }
        }
        Some(Answer::Body { status, .. }) => Err(format!("answered with status {status}")),
    }
}

/// Keeps what was odd about the form of an answer.
fn note_odd(message: &Message, operation: &str, notes: &mut Notes) {
    for odd in &message.odd {
        notes.of(&format!("{operation}: {odd}"));
    }
}
