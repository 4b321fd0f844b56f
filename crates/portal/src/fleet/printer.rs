//! `/printers/{id}`: the head of a printer's page, its tabs, and the tab with every row of Appendix A.
//!
//! Deliberately absent: SQL.

use super::page::{Everything, PrinterHead, PrinterPage, PrinterTab, tabs};
use super::store::{self, Printer};
use super::{history, overview, reporting};
use crate::Portal;
use crate::db::Tx;
use crate::jobs;
use crate::shell::format::Zone;
use crate::shell::page::Link;
use crate::shell::rows::{Age, Seen, sections};
use crate::shell::{Error, ResellerScope, ResellerUser, chrome};
use jiff::tz::TimeZone;
use protocol::package::{Core, Reading};
use report::{Defect, Instant, ROWS, Report, RowId, Section, walk};
use std::collections::BTreeSet;

/// Oddities named in the head; all of them stand at their rows.
const DEFECTS_MAX: usize = 5;

/// A printer as its page sees it.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// What is stored.
    pub(super) printer: Printer,
    /// What it said last; `None` before its first reading.
    pub(super) reading: Option<Reading>,
    /// The present.
    pub(super) now: Instant,
    /// Its customer's zone.
    pub(super) zone: Zone,
    /// The same zone, for cutting days and months.
    pub(super) time_zone: TimeZone,
}

impl Subject {
    /// Rows S1 to S22 of what it said last, where they are here.
    pub(super) fn status(&self) -> Option<&report::Status> {
        self.printer.state.as_ref().and_then(|state| state.status.as_ref())
    }
}

/// The page with one tab. Another reseller's printer is not found, nor is an unknown tab.
pub(super) fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    id: i64,
    (tab, done): (&str, Option<&str>),
) -> Result<PrinterPage, Error> {
    let scope = &user.scope;
    let printer = store::printer(tx, scope, id)?.ok_or(Error::NotFound)?;
    let zone = Zone::new(&printer.zone).unwrap_or_else(Zone::utc);
    let subject = Subject {
        reading: printer.state.as_ref().and_then(|state| reading(&state.core)),
        now: portal.surroundings().now(),
        time_zone: zone.time_zone().clone(),
        zone,
        printer,
    };
    let here = if tab.is_empty() { "overview" } else { tab };
    let shown = match here {
        "overview" => PrinterTab::Overview(Box::new(overview::tab(tx, scope, &subject)?)),
        "jobs" => PrinterTab::Jobs(jobs::of_printer(tx, scope, id, &subject.zone)?),
        "readings" => PrinterTab::Readings(history::readings(tx, scope, &subject)?),
        "everything" => PrinterTab::Everything(everything(tx, scope, &subject)?),
        "history" => PrinterTab::History(history::tab(tx, scope, &subject)?),
        _ => return Err(Error::NotFound),
    };
    Ok(PrinterPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/printers", &subject.printer.name), done)?,
        head: head(&subject),
        tabs: tabs(&format!("/printers/{id}"), here),
        tab: shown,
    })
}

fn reading(core: &str) -> Option<Reading> {
    match serde_json::from_str(core) {
        Ok(Core::Reading(reading)) => Some(*reading),
        _ => None,
    }
}

fn head(subject: &Subject) -> PrinterHead {
    let printer = &subject.printer;
    let heard = printer.state.as_ref().map(|state| state.heard);
    let interval = printer.state.as_ref().map_or(0, |state| state.interval_minutes);
    PrinterHead {
        name: printer.name.clone(),
        sub: format!("{} · {} · times in {}", printer.serial, printer.customer, subject.zone.name()),
        status: printer.participation.status().unwrap_or_else(|| reporting(subject.now, heard, interval)),
        last: age(subject),
        defects: defects(subject),
        acts: acts(printer),
    }
}

/// What can be done about a printer's readings and its place.
fn acts(printer: &Printer) -> Vec<Link> {
    let (id, customer) = (printer.printer_id, printer.customer_id);
    vec![
        Link::new("Enter a reading", format!("/readings/enter?customer={customer}&printer={id}")),
        Link::new("Replace or move", format!("/printers/{id}/swap")),
    ]
}

/// When it was read last; where only its identity is known, when that was seen.
fn age(subject: &Subject) -> Age {
    let read = subject.printer.state.as_ref().map(|state| state.heard.since());
    match read.or(subject.printer.seen_at) {
        Some(at) => Age::of(subject.now, at, &subject.zone),
        None => Age { relative: "never".to_owned(), exact: String::new() },
    }
}

fn defects(subject: &Subject) -> Vec<String> {
    let Some(reading) = &subject.reading else {
        let unread = subject.printer.state.is_some();
        return unread.then(|| "the latest report cannot be read by this version".to_owned()).into_iter().collect();
    };
    let all = &reading.defects;
    let mut shown: Vec<String> = all.iter().take(DEFECTS_MAX).map(words).collect();
    if all.len() > DEFECTS_MAX {
        shown.push(format!("and {} more, under Everything", all.len() - DEFECTS_MAX));
    }
    shown
}

fn words(defect: &Defect) -> String {
    let what = Defect::quote(&defect.what);
    match defect.row {
        Some(row) => format!("{} ({row}): {what}", row.row().label),
        None => what,
    }
}

/// Every row: the latest reading with its settings, and the latest job.
fn everything(tx: &mut Tx<'_>, scope: &ResellerScope, subject: &Subject) -> Result<Everything, Error> {
    const SHOWN: [Section; 6] =
        [Section::Configuration, Section::Status, Section::Usage, Section::Alert, Section::PrintJob, Section::ScanJob];
    let (mut report, mut defects) = (Report::default(), Vec::new());
    if let Some(reading) = &subject.reading {
        report = rebuild(tx, scope, reading, subject.status())?;
        defects.clone_from(&reading.defects);
    }
    if let Some(latest) = jobs::latest(tx, scope, subject.printer.printer_id)? {
        defects.extend(latest.defects);
        report.jobs.push((latest.job, Vec::new()));
    }
    let filled = walk(&report);
    let given: BTreeSet<RowId> = filled.iter().map(|filled| filled.row).collect();
    let seen = Seen { filled: &filled, sources: &report.sources, defects: &defects, zone: &subject.zone };
    Ok(Everything {
        age: age(subject),
        filled: format!("{} of {} rows", given.len(), ROWS.len()),
        sections: sections(&SHOWN, seen),
    })
}

/// The report that a reading was split from, without its jobs.
fn rebuild(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    reading: &Reading,
    status: Option<&report::Status>,
) -> Result<Report, Error> {
    let settings = match &reading.settings {
        Some(digest) => store::section(tx, scope, digest)?,
        None => None,
    };
    let sources = store::section(tx, scope, &reading.sources)?;
    Ok(Report {
        read_at: reading.read_at,
        configuration: reading.configuration.clone(),
        // A section that is not here yet is asked for with the next receipt; until then its rows are absent.
        status: status.cloned().unwrap_or_default(),
        settings: settings.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        usage: reading.usage.clone(),
        jobs: Vec::new(),
        alerts: reading.alerts.clone(),
        sources: sources.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
    })
}
