//! Steps 3 to 5: the facts of the basis, held against what the records give.
//!
//! Each fact needs its record, and each record of these printers in the period its fact. Deliberately
//! absent: facts that people say, which the list of what was said holds, and packages that are not here.

mod counters;
mod jobs;

use super::packages::{Packages, Record};
use super::{Findings, before};
use crate::bundle::Basis;
use crate::dating::Bounds;
use crate::facts::{JobParts, checked, job_of, readings_of, sum_of};
use crate::interfaces::Interfaces;
use billing::{Meter, PrinterFacts, Quantity, SumFact, SumKind, Unitless};
use protocol::Hex;
use protocol::package::{Core, Fold, JobRecord, Reading};
use report::{Grade, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// What stood in records, in numbers, and what could not be checked.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) jobs: u64,
    pub(crate) readings: u64,
    pub(crate) sums: u64,
    pub(crate) printers: u64,
    /// Records that name a receipt which is not here.
    pub(crate) undated: u64,
    /// Jobs whose version in force depends on which agent's package arrived first.
    pub(crate) by_order: u64,
    /// Facts at an instant at which the printer was read and did not say that counter again.
    pub(crate) repeated: u64,
    /// Readings that do not fit between their neighbours, and were left out.
    pub(crate) odd: u64,
    /// Values that another interface gave than the one that their counter follows.
    pub(crate) elsewhere: u64,
    /// Those of them before which the file does not show the counter's own interface within seven days.
    pub(crate) unfollowed: u64,
    /// Readings of which the file does not say by which interface their printer gave them, where it has several.
    pub(crate) unsourced: u64,
}

/// A job as one record says it.
struct JobSeen<'a> {
    agent: &'a str,
    read_at: Instant,
    finished_at: Instant,
    grade: Grade,
    parts: JobParts,
    path: &'a str,
}

/// The counters as one record says them.
struct ReadingSeen<'a> {
    read_at: Instant,
    arrived: Instant,
    /// The digest of what it says of where its rows came from.
    sources: Hex<32>,
    /// That, where it stands in the file.
    interfaces: Option<&'a Interfaces>,
    grade: Grade,
    values: BTreeMap<(Meter, Option<String>), i64>,
    unitless: Vec<Unitless>,
    path: &'a str,
}

/// A sum of jobs as one record says it.
struct SumSeen<'a> {
    agent: &'a str,
    fact: SumFact,
    path: &'a str,
}

/// What the records say of one printer, in the order they arrived.
#[derive(Default)]
struct Printer<'a> {
    jobs: BTreeMap<String, Vec<JobSeen<'a>>>,
    readings: Vec<ReadingSeen<'a>>,
    /// The places of the readings by their instants.
    read: BTreeMap<Instant, Vec<usize>>,
    sums: Vec<SumSeen<'a>>,
}

impl<'a> Printer<'a> {
    fn push(&mut self, seen: ReadingSeen<'a>) {
        self.read.entry(seen.read_at).or_default().push(self.readings.len());
        self.readings.push(seen);
    }

    /// The readings at an instant, in the order they arrived.
    fn at_once(&self, at: Instant) -> impl Iterator<Item = &ReadingSeen<'a>> {
        self.read.get(&at).into_iter().flatten().filter_map(move |place| self.readings.get(*place))
    }
}

impl Facts {
    /// These and others together; a printer of both counts once.
    pub(crate) fn plus(&self, other: &Facts) -> Facts {
        Facts {
            jobs: self.jobs.saturating_add(other.jobs),
            readings: self.readings.saturating_add(other.readings),
            sums: self.sums.saturating_add(other.sums),
            printers: self.printers.max(other.printers),
            undated: self.undated.saturating_add(other.undated),
            by_order: self.by_order.saturating_add(other.by_order),
            repeated: self.repeated.saturating_add(other.repeated),
            odd: self.odd.saturating_add(other.odd),
            elsewhere: self.elsewhere.saturating_add(other.elsewhere),
            unfollowed: self.unfollowed.saturating_add(other.unfollowed),
            unsourced: self.unsourced.saturating_add(other.unsourced),
        }
    }
}

/// Holds the facts of the period against the records, and those of the periods that were rated again beside it.
pub(super) fn check_all(basis: &Basis, packages: &Packages<'_>, findings: &mut Findings) -> (Facts, Facts) {
    let (mut own, mut earlier) = (Facts::default(), Facts::default());
    let printers = read(packages, &mut own);
    check_origins(basis, packages, findings);
    check("basis", basis, &printers, &mut own, findings);
    for (place, of) in basis.again.iter().enumerate() {
        check(&before::path(place), of, &printers, &mut earlier, findings);
    }
    (own, earlier)
}

/// Holds the facts of the basis at `at` against the records.
fn check(at: &str, basis: &Basis, printers: &BTreeMap<&str, Printer<'_>>, facts: &mut Facts, findings: &mut Findings) {
    let none = Printer::default();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut count = 0_u64;
    for (place, of_printer) in basis.facts.iter().enumerate() {
        let at = format!("{at}.facts.{place}");
        let serial = of_printer.serial.as_deref();
        if let Some(serial) = serial.filter(|serial| !known.insert(*serial)) {
            findings.add(format!("{at}.serial"), serial, "a printer once", "two printers have one serial number");
        }
        let seen = serial.and_then(|serial| printers.get(serial)).unwrap_or(&none);
        count = count.saturating_add(1);
        let place = Place { at: &at, facts: of_printer, seen, basis };
        jobs::check(&place, facts, findings);
        counters::check(&place, facts, findings);
        check_sums(&place, facts, findings);
    }
    facts.printers = facts.printers.max(count);
}

/// The facts of one printer, and what the records say of it.
struct Place<'a> {
    /// Where the facts stand in the file.
    at: &'a str,
    facts: &'a PrinterFacts,
    seen: &'a Printer<'a>,
    basis: &'a Basis,
}

impl Place<'_> {
    /// Whether what belongs to `at` is billed in this period with a stay of this printer.
    fn is_billed(&self, at: Instant) -> bool {
        let stays = &self.facts.stays;
        let stayed = stays.iter().any(|stay| stay.from <= at && stay.to.is_none_or(|to| at < to));
        stayed && self.basis.input.period.contains(at)
    }
}

/// The packages that the basis names are here, and no others.
fn check_origins(basis: &Basis, packages: &Packages<'_>, findings: &mut Findings) {
    let none = BTreeSet::new();
    let agents: BTreeSet<&String> = basis.origins.keys().chain(packages.here.keys()).collect();
    for agent in agents {
        let named = basis.origins.get(agent).unwrap_or(&none);
        let here = packages.here.get(agent).unwrap_or(&none);
        for sequence in named.symmetric_difference(here) {
            let (says, should) = if named.contains(sequence) {
                ("named, and not here", "the package with its records")
            } else {
                ("here, and not named", "the packages that the facts come from")
            };
            let at = format!("basis.origins.{agent}.{sequence}");
            findings.add(at, says, should, "the basis names the packages that its facts come from");
        }
    }
}

/// What the records say, by the serial number of the printer.
fn read<'a>(packages: &'a Packages<'_>, facts: &mut Facts) -> BTreeMap<&'a str, Printer<'a>> {
    let mut printers: BTreeMap<&'a str, Printer<'a>> = BTreeMap::new();
    for record in &packages.records {
        match &record.core {
            Core::Job(job) => {
                let bounds = bounds(record, job.seen, packages, facts);
                if let Some(seen) = job_seen(record, job, bounds) {
                    let of_printer = printers.entry(&job.printer.serial).or_default();
                    of_printer.jobs.entry(seen.parts.key.clone()).or_default().push(seen);
                }
            }
            Core::Reading(reading) => {
                let bounds = bounds(record, reading.seen, packages, facts);
                if checked(&reading.printer).is_ok() {
                    let seen = reading_seen(record, reading, bounds, packages);
                    printers.entry(&reading.printer.serial).or_default().push(seen);
                }
            }
            Core::Fold(fold) => {
                let bounds = bounds(record, fold.seen, packages, facts);
                let seen = sum_seen(record, fold, bounds);
                printers.entry(&fold.printer.serial).or_default().sums.extend(seen);
            }
            Core::Seen(_) | Core::Gap(_) | Core::Boot(_) => {}
        }
    }
    printers
}

/// When a record was made.
fn bounds(record: &Record<'_>, mark: Option<Hex<16>>, packages: &Packages<'_>, facts: &mut Facts) -> Bounds {
    let known = mark.and_then(|mark| packages.marks.get(&mark));
    if mark.is_some() && known.is_none() {
        facts.undated = facts.undated.saturating_add(1);
    }
    Bounds::of(record.agent, record.arrived, record.number, known)
}

fn job_seen<'a>(record: &'a Record<'_>, job: &JobRecord, bounds: Bounds) -> Option<JobSeen<'a>> {
    // A record that cannot be counted once is none here, as it is none in a ledger.
    let parts = job_of(job).ok()?;
    let read = bounds.place(job.read_at);
    let (finished_at, _) = bounds.date(parts.finished_at, read);
    let grade = job.grade.max(record.best);
    Some(JobSeen { agent: record.agent, read_at: read.at, finished_at, grade, parts, path: &record.path })
}

fn reading_seen<'a>(
    record: &'a Record<'_>,
    reading: &Reading,
    bounds: Bounds,
    packages: &'a Packages<'_>,
) -> ReadingSeen<'a> {
    let (counters, _, unitless) = readings_of(reading);
    let values = counters.into_iter().map(|counter| ((counter.meter, counter.media), counter.value)).collect();
    let read_at = bounds.place(reading.read_at).at;
    ReadingSeen {
        read_at,
        arrived: record.arrived,
        sources: reading.sources,
        interfaces: packages.interfaces.get(&reading.sources),
        grade: reading.grade.max(record.best),
        values,
        unitless,
        path: &record.path,
    }
}

fn sum_seen<'a>(record: &'a Record<'_>, fold: &Fold, bounds: Bounds) -> Option<SumSeen<'a>> {
    let quantities: Vec<Quantity> = sum_of(fold).ok()?;
    let folded = bounds.place(fold.folded_at);
    let (since, until) = (bounds.date(fold.since, folded).0, bounds.date(fold.until, folded).0);
    let fact = SumFact { kind: SumKind::Fold, since, until, jobs: fold.jobs, grade: Grade::C, quantities };
    Some(SumSeen { agent: record.agent, fact, path: &record.path })
}

impl SumSeen<'_> {
    fn holds(&self, job: &JobSeen<'_>) -> bool {
        (self.fact.since..=self.fact.until).contains(&job.finished_at)
    }

    /// Whether the file shows a job of its time that another agent brought: it may be one of the sum.
    fn may_be_known(&self, place: &Place<'_>) -> bool {
        place.seen.jobs.values().flatten().any(|job| job.agent != self.agent && self.holds(job))
    }

    /// Whether the file shows a billed job of its time that only other agents brought. Which of two agents brought
    /// a job first a file does not always tell, and of jobs that are not billed it need not hold all records.
    fn is_known(&self, place: &Place<'_>) -> bool {
        let is_billed = |job: &JobSeen<'_>| self.holds(job) && place.is_billed(job.finished_at);
        let by_others = |records: &Vec<JobSeen<'_>>| {
            records.iter().any(is_billed) && records.iter().all(|job| job.agent != self.agent)
        };
        place.seen.jobs.values().any(by_others)
    }

    /// Whether this is what a fact says: a sum of jobs, or one that is not billed since the jobs of its time are
    /// known one by one.
    fn says(&self, fact: &SumFact, place: &Place<'_>) -> bool {
        let is_kind = match fact.kind {
            SumKind::Fold => !self.is_known(place),
            SumKind::Beside => self.may_be_known(place),
            SumKind::Cells => false,
        };
        is_kind && self.fact == SumFact { kind: SumKind::Fold, ..fact.clone() }
    }

    /// The fact that a ledger would make of it.
    fn wanted(&self, place: &Place<'_>) -> SumFact {
        let kind = if self.is_known(place) { SumKind::Beside } else { SumKind::Fold };
        SumFact { kind, ..self.fact.clone() }
    }
}

/// Sums of folded jobs.
fn check_sums(place: &Place<'_>, facts: &mut Facts, findings: &mut Findings) {
    let seen = &place.seen.sums;
    for (number, fact) in place.facts.sums.iter().enumerate() {
        let at = format!("{}.sums.{number}", place.at);
        if fact.kind == SumKind::Cells {
            findings.add(format!("{at}.kind"), "cells", "fold", "usage cells are no evidence");
        } else if seen.iter().any(|sum| sum.says(fact, place)) {
            facts.sums = facts.sums.saturating_add(1);
        } else {
            let near = seen.iter().find(|sum| sum.fact.until == fact.until || sum.fact.quantities == fact.quantities);
            let near = near.map(|near| (near.wanted(place), near.path));
            named(&at, fact, near.as_ref().map(|(near, path)| (near, *path)), findings);
        }
    }
    for sum in seen.iter().filter(|sum| place.is_billed(sum.fact.until)) {
        if !place.facts.sums.iter().any(|fact| sum.says(fact, place)) {
            let should = format!("{} jobs until {}", sum.fact.jobs, sum.fact.until);
            findings.add(format!("{}.sums", place.at), "left out", should, format!("{} says it", sum.path));
        }
    }
}

/// Names where a fact is not what the record at a path gives; `None`: no record is near it.
fn named<T: serde::Serialize>(at: &str, fact: &T, near: Option<(&T, &str)>, findings: &mut Findings) {
    let value = |fact: &T| serde_json::to_value(fact).unwrap_or_default();
    match near {
        Some((near, path)) => {
            let why = format!("{path} says otherwise");
            crate::diff::diff(at, &value(fact), &value(near), &why, findings);
        }
        None => {
            let says = crate::diff::shown(&value(fact));
            findings.add(at, says, "a fact with a record", "no record in the file says this");
        }
    }
}
