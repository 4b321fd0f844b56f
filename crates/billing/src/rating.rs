//! Rating: facts and terms become a statement. Pure: the same input gives the same statement, byte
//! for byte, whatever order the facts come in.
//!
//! Steps: the facts of the period, summed by meter and media over all printers; the clauses in the
//! contract's order; what no price took. Deliberately absent: telling duplicate facts apart (the
//! ledger holds each once), choosing the contract version, and giving the statement its number.

use crate::clauses::draft::{Bucket, Draft};
use crate::contract::{Evidence, Problem, Terms};
use crate::ledger::reconcile::{JobAreas, reconcile};
use crate::ledger::{CounterFact, Grain, JobFact, counters_of};
use crate::meter::{Meter, MeterKind, PricingUnit, label};
use crate::money::{Money, MoneyError};
use crate::period::{Period, PeriodError};
use crate::statement::{ContractRef, LineEvidence, LineSource, PrinterReconciliation, Statement};
use report::{Grade, Instant, JobStatus};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a statement is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The contract version.
    pub contract: ContractRef,
    /// Its terms.
    pub terms: Terms,
    /// The period to bill.
    pub period: Period,
    /// Who is charged.
    pub customer: String,
    /// The printers of the contract with their facts.
    pub printers: Vec<PrinterUsage>,
}

/// One printer's stay in a contract, with its facts. A printer that left and came back stands twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterUsage {
    /// The printer's id.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// Row C3, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Since when it is in the contract.
    pub from: Instant,
    /// Since when it is no longer; `None` while it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Instant>,
    /// When an agent first read it: what it did before is known only as far as its own log reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Instant>,
    /// Its jobs; those outside the period or the stay are left out here.
    pub jobs: Vec<JobFact>,
    /// Its counters over the part of the period that it stayed.
    pub counters: Vec<CounterFact>,
}

impl PrinterUsage {
    /// Whether it was in the contract at any moment of `period`.
    fn is_in(&self, period: Period) -> bool {
        self.from < period.end && self.to.is_none_or(|to| period.start < to)
    }

    /// Its jobs that finished in `period` while it was in the contract.
    fn jobs_in(&self, period: Period) -> impl Iterator<Item = &JobFact> {
        self.jobs.iter().filter(move |job| {
            let at = job.finished_at;
            period.contains(at) && self.from <= at && self.to.is_none_or(|to| at < to)
        })
    }
}

/// Why a statement could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatingError {
    /// The terms cannot be rated.
    #[error("the terms cannot be rated: {}", in_one_line(.0))]
    Terms(Vec<Problem>),
    /// A sum of quantities does not fit 64 bits.
    #[error("the sum of {what} does not fit")]
    Overflow {
        /// What was summed.
        what: String,
    },
    /// An amount could not be worked out.
    #[error("work out the amount of {what}")]
    Amount {
        /// The line, or the sum.
        what: String,
        /// Why.
        source: MoneyError,
    },
    /// The period has no name in the contract's zone.
    #[error("name the period")]
    Period {
        /// Why.
        #[from]
        source: PeriodError,
    },
}

impl RatingError {
    /// Turns a money error into the error of working out `what`.
    pub(crate) fn at(what: &str) -> impl FnOnce(MoneyError) -> RatingError {
        let what = what.to_owned();
        move |source| RatingError::Amount { what, source }
    }
}

fn in_one_line(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}

/// Makes the statement of a period.
///
/// Job facts are counted as they are given: a job given twice counts twice.
pub fn rate(input: &Input) -> Result<Statement, RatingError> {
    input.terms.validate().map_err(RatingError::Terms)?;
    let mut printers: Vec<&PrinterUsage> =
        input.printers.iter().filter(|printer| printer.is_in(input.period)).collect();
    printers.sort_by(|a, b| (&a.id, a.from).cmp(&(&b.id, b.from)));

    let mut notes = Vec::new();
    let mut draft = Draft {
        currency: input.terms.currency,
        printers: count_printers(&printers),
        buckets: gather(input, &printers, &mut notes)?,
        allowances: Vec::new(),
        lines: Vec::new(),
        taxes: Vec::new(),
        notes,
    };
    note_statuses(input, &printers, &mut draft.notes);
    note_unknown_starts(input, &printers, &mut draft.notes);
    for (index, clause) in input.terms.clauses.iter().enumerate() {
        clause.apply(index + 1, &mut draft)?;
    }
    draft.finish();

    let net = draft.net()?;
    let taxes = Money::sum(draft.taxes.iter().map(|row| row.amount)).map_err(RatingError::at("taxes"))?;
    Ok(Statement {
        number: None,
        contract: input.contract.clone(),
        customer: input.customer.clone(),
        period: input.period,
        period_label: input.period.label(&input.terms.time_zone)?,
        time_zone: input.terms.time_zone.clone(),
        currency: input.terms.currency,
        lines: draft.lines,
        net,
        taxes: draft.taxes,
        total: net.plus(taxes).map_err(RatingError::at("total"))?,
        reconciliations: reconciliations(input, &printers)?,
        notes: draft.notes,
    })
}

fn count_printers(printers: &[&PrinterUsage]) -> i64 {
    let ids: BTreeSet<&str> = printers.iter().map(|printer| printer.id.as_str()).collect();
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}

/// A meter and the media type beside it.
type Key<'a> = (&'a Meter, Option<&'a str>);

/// What is summed up for a key.
#[derive(Default)]
struct Sum {
    quantity: i128,
    grades: BTreeMap<Grade, i128>,
    sources: Vec<LineSource>,
}

/// The usage that clauses read, by meter and media, of all printers together.
fn gather(input: &Input, printers: &[&PrinterUsage], notes: &mut Vec<String>) -> Result<Vec<Bucket>, RatingError> {
    let kinds = input.terms.kinds();
    let (by_counter, by_jobs): (BTreeSet<MeterKind>, BTreeSet<MeterKind>) =
        kinds.into_iter().partition(|kind| input.terms.evidence_of(*kind) == Evidence::Counter);
    let mut sums: BTreeMap<Key<'_>, Sum> = BTreeMap::new();
    for &printer in printers {
        add_jobs(&mut sums, input, printer, &by_jobs)?;
        for &kind in &by_counter {
            add_counters(&mut sums, input, printer, kind, notes);
        }
    }
    sums.into_iter().map(|((meter, media), sum)| bucket(meter, media, sum)).collect()
}

fn bucket(meter: &Meter, media: Option<&str>, sum: Sum) -> Result<Bucket, RatingError> {
    let fits = |quantity: i128| fit(quantity, meter);
    let grades = sum.grades.into_iter().map(|(grade, quantity)| fits(quantity).map(|quantity| (grade, quantity)));
    Ok(Bucket {
        meter: meter.clone(),
        media: media.map(str::to_owned),
        quantity: fits(sum.quantity)?,
        grades: grades.collect::<Result<BTreeMap<Grade, i64>, RatingError>>()?,
        sources: sum.sources,
    })
}

fn fit(quantity: i128, meter: &Meter) -> Result<i64, RatingError> {
    i64::try_from(quantity).map_err(|_| RatingError::Overflow { what: meter.label() })
}

fn add_jobs<'a>(
    sums: &mut BTreeMap<Key<'a>, Sum>,
    input: &Input,
    printer: &'a PrinterUsage,
    kinds: &BTreeSet<MeterKind>,
) -> Result<(), RatingError> {
    let mut of_printer: BTreeMap<Key<'a>, (u64, i128)> = BTreeMap::new();
    for job in printer.jobs_in(input.period).filter(|job| input.terms.bills(job.status)) {
        for quantity in job.quantities.iter().filter(|quantity| kinds.contains(&quantity.meter.kind())) {
            let key: Key<'a> = (&quantity.meter, quantity.media.as_deref());
            let amount = i128::from(quantity.amount);
            let (count, total) = of_printer.entry(key).or_default();
            *count += 1;
            *total += amount;
            *sums.entry(key).or_default().grades.entry(job.grade).or_default() += amount;
        }
    }
    for (key, (count, total)) in of_printer {
        let evidence = LineEvidence::Jobs { count, quantity: fit(total, key.0)? };
        let sum = sums.entry(key).or_default();
        sum.quantity += total;
        sum.sources.push(source(printer, key, evidence));
    }
    Ok(())
}

fn add_counters<'a>(
    sums: &mut BTreeMap<Key<'a>, Sum>,
    input: &Input,
    printer: &'a PrinterUsage,
    kind: MeterKind,
    notes: &mut Vec<String>,
) {
    let counters = counters_of(&printer.counters, kind, input.terms.grain(kind));
    if counters.is_empty() {
        notes.push(format!("{} gives no counter of {}: nothing of it is billed.", printer.label, kind.label()));
    }
    for counter in counters {
        let key: Key<'a> = (&counter.meter, counter.media.as_deref());
        let usage = &counter.usage;
        let named = label(kind, counter.meter.category().as_ref(), counter.meter.colour(), key.1);
        notes.extend(usage.unmeasured.iter().map(|what| format!("{}: the counter {named} {what}.", printer.label)));
        let sum = sums.entry(key).or_default();
        sum.quantity += i128::from(usage.quantity);
        // A difference is proved as well as the weaker of its two readings.
        if let (Some(start), Some(end)) = (&usage.start, &usage.end) {
            *sum.grades.entry(start.grade.max(end.grade)).or_default() += i128::from(usage.quantity);
        }
        let evidence = LineEvidence::Counter { start: usage.start, end: usage.end, quantity: usage.quantity };
        sum.sources.push(source(printer, key, evidence));
    }
}

fn source(printer: &PrinterUsage, key: Key<'_>, evidence: LineEvidence) -> LineSource {
    LineSource {
        printer: printer.id.clone(),
        label: printer.label.clone(),
        meter: key.0.clone(),
        media: key.1.map(str::to_owned),
        evidence,
    }
}

/// Says of which printers the period's beginning is not known.
fn note_unknown_starts(input: &Input, printers: &[&PrinterUsage], notes: &mut Vec<String>) {
    for printer in printers {
        let begins = input.period.start.max(printer.from);
        let Some(since) = printer.known_since.filter(|since| begins < *since) else { continue };
        let oldest = printer.jobs_in(input.period).map(|job| job.finished_at).min();
        let reach = oldest.filter(|oldest| *oldest < since).map_or_else(
            || "no job before that is known".to_owned(),
            |oldest| format!("of the time before, its job log reached back to {oldest}"),
        );
        notes.push(format!("{} was first read {since}: {reach}.", printer.label));
    }
}

/// Says which jobs are not billed for their status, and which are billed without one. CL22.
fn note_statuses(input: &Input, printers: &[&PrinterUsage], notes: &mut Vec<String>) {
    let from_jobs = |kind| input.terms.evidence_of(kind) == Evidence::Jobs;
    if !input.terms.kinds().into_iter().any(from_jobs) {
        return;
    }
    let mut seen: BTreeMap<Option<JobStatus>, (u64, i64)> = BTreeMap::new();
    for job in printers.iter().flat_map(|printer| printer.jobs_in(input.period)) {
        let (count, area) = seen.entry(job.status).or_default();
        *count += 1;
        *area = area.saturating_add(job.total(MeterKind::AreaPrinted).unwrap_or(0));
    }
    for (status, (count, area)) in seen {
        let jobs = if count == 1 { "job" } else { "jobs" };
        let is = if count == 1 { "is" } else { "are" };
        match status {
            None if input.terms.bills(None) => {
                notes.push(format!("{count} {jobs} without a status {is} billed as printed."));
            }
            Some(status) if !input.terms.bills(Some(status)) => {
                let area = PricingUnit::SquareMetre.show(area);
                notes.push(format!("{count} {} {jobs} {is} not billed ({area} printed).", status.word()));
            }
            None => notes.push(format!("{count} {jobs} without a status {is} not billed.")),
            Some(_) => {}
        }
    }
}

/// Lays the media counter of each printer beside its jobs, whatever is billed.
fn reconciliations(input: &Input, printers: &[&PrinterUsage]) -> Result<Vec<PrinterReconciliation>, RatingError> {
    let mut rows = Vec::new();
    for printer in printers {
        let overflow = || RatingError::Overflow { what: format!("the areas of {}", printer.label) };
        let counters = counters_of(&printer.counters, MeterKind::AreaMedia, Grain::Total);
        // A counter that was not read over the whole period says nothing about the whole period's jobs.
        let whole = counters.iter().all(|counter| counter.usage.covers_period());
        let counted = counters.iter().map(|counter| i128::from(counter.usage.quantity)).reduce(|a, b| a + b);
        let total = counted.filter(|_| whole);
        let total = total.map(i64::try_from).transpose().map_err(|_| overflow())?;
        let areas = |job: &JobFact| JobAreas {
            media: job.total(MeterKind::AreaMedia),
            printed: job.total(MeterKind::AreaPrinted),
        };
        let jobs: Vec<JobAreas> = printer.jobs_in(input.period).map(areas).collect();
        if total.is_some() || !jobs.is_empty() {
            let reconciliation = reconcile(total, &jobs).ok_or_else(overflow)?;
            rows.push(PrinterReconciliation {
                printer: printer.id.clone(),
                label: printer.label.clone(),
                reconciliation,
            });
        }
    }
    Ok(rows)
}
