//! Rating: facts and terms become a statement. Pure: the same input gives the same statement, byte
//! for byte, whatever order the facts come in.
//!
//! The terms are escalated; the facts of the period are summed by stay, meter and media; the clauses take
//! their steps in the order that the terms name; what no price took is shown. Deliberately absent:
//! choosing the contract version, and giving the statement its number. Which facts a stay has, and that a
//! job counts once, is decided before (see `ledger::assemble`).

mod gather;

pub use gather::{Behind, BehindFact, Unbilled, behind, facts_behind};

use crate::carry::Carry;
use crate::clauses::draft::Draft;
use crate::clauses::{At, Clause, clause_of, credit, escalation};
use crate::contract::{Evidence, Problem, Step, Terms};
use crate::events::{Events, Parties, Runs, Site, Tables};
use crate::ledger::reconcile::reconcile_meter;
use crate::ledger::{CounterFact, EstimateFact, JobFact, SumFact, ThresholdFact};
use crate::meter::{MeterKind, PricingUnit};
use crate::money::{Money, MoneyError};
use crate::period::{Period, PeriodError, Reset};
use crate::statement::{Adjustment, ContractRef, DocumentKind, Line, PrinterReconciliation, Statement};
use report::{Instant, JobStatus};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// What the period before left.
    #[serde(default, skip_serializing_if = "Carry::is_empty")]
    pub carry: Carry,
    /// How long the contract itself runs; `None`: longer than the period, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Runs>,
    /// The sites by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sites: BTreeMap<String, Site>,
    /// What people know and printers do not.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub events: Events,
    /// Tables that clauses look values up in.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub tables: Tables,
    /// Who sells, who buys, and who else pays.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub parties: Parties,
    /// What this statement settles of periods before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
}

/// One printer's stay in a contract, with its facts. A printer that left and came back stands twice, and
/// so does one that moved to another site (CL21); a replaced printer (CL19) and its successor are two.
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
    /// The place it fills; a successor has its predecessor's. `None`: its own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The id of the site where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Jobs of which only a sum is known; those outside the period or the stay are left out here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<SumFact>,
    /// What stands for missing readings; those that end outside the period or the stay are left out here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub estimates: Vec<EstimateFact>,
    /// The limits by which it sorts pages into categories, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<ThresholdFact>,
}

impl PrinterUsage {
    /// A printer that is in the contract all the time, without facts.
    pub fn new(id: &str, label: &str) -> PrinterUsage {
        PrinterUsage {
            id: id.to_owned(),
            label: label.to_owned(),
            serial: None,
            from: Instant(0),
            to: None,
            known_since: None,
            jobs: Vec::new(),
            counters: Vec::new(),
            position: None,
            site: None,
            sums: Vec::new(),
            estimates: Vec::new(),
            thresholds: Vec::new(),
        }
    }

    /// The place it fills. Fees, allowances and minimums count places, not printers.
    pub fn place(&self) -> &str {
        self.position.as_deref().unwrap_or(&self.id)
    }

    /// Whether it was in the contract at any moment of `period`.
    pub(crate) fn is_in(&self, period: Period) -> bool {
        self.from < period.end && self.to.is_none_or(|to| period.start < to)
    }

    /// Whether what belongs to `at` is billed with this stay in `period`.
    pub(crate) fn holds(&self, at: Instant, period: Period) -> bool {
        period.contains(at) && self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// Its jobs that finished in `period` while it was in the contract.
    pub(crate) fn jobs_in(&self, period: Period) -> impl Iterator<Item = &JobFact> {
        self.jobs.iter().filter(move |job| self.holds(job.finished_at, period))
    }
}

/// A rated period: the statement, and what it leaves to the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rated {
    /// What is charged.
    pub statement: Statement,
    /// What is carried on.
    pub carry: Carry,
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
    /// What the period before left contradicts itself or the terms.
    #[error("what is carried in cannot be: {what}")]
    Carry {
        /// What is wrong.
        what: String,
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

/// Makes the statement of a period, and what it leaves to the next one.
///
/// Facts are counted as they are given: a job given twice counts twice.
pub fn rate(input: &Input) -> Result<Rated, RatingError> {
    input.terms.validate().map_err(RatingError::Terms)?;
    if let Some(what) = input.carry.doubled() {
        return Err(RatingError::Carry { what });
    }
    let (terms, raised) = escalation::escalated(input)?;
    let mut draft = gather::draft(input, &terms, raised)?;
    note_part(&mut draft)?;
    note_statuses(&mut draft);
    note_unknown_starts(&mut draft);
    for &step in terms.order() {
        take_step(step, &mut draft)?;
    }
    let (lines, carry) = draft.finish()?;

    let net = Money::sum(lines.iter().filter_map(|line| line.amount)).map_err(RatingError::at("net"))?;
    let taxes = Money::sum(draft.taxes.iter().map(|row| row.amount)).map_err(RatingError::at("taxes"))?;
    let statement = Statement {
        number: None,
        contract: input.contract.clone(),
        customer: input.customer.clone(),
        period: input.period,
        period_label: input.period.label(&terms.time_zone)?,
        time_zone: terms.time_zone.clone(),
        currency: terms.currency,
        lines,
        net,
        total: net.plus(taxes).map_err(RatingError::at("total"))?,
        reconciliations: reconciliations(&draft)?,
        taxes: draft.taxes,
        notes: draft.notes,
        kind: DocumentKind::Statement,
        corrects: None,
        payer: None,
        parties: input.parties.clone(),
        issued_at: None,
        due: None,
    };
    Ok(Rated { statement, carry })
}

/// The sum of what usage costs by its prices and surcharges, on a fresh draft: neither blocks that were bought for
/// it, which go on, nor supplies beyond it. Where `credited`, every credit lowers the usage first, whatever the
/// clause says of how credit is given. CL22.
pub(crate) fn usage_net(input: &Input, credited: bool) -> Result<Money, RatingError> {
    let (terms, _) = escalation::escalated(input)?;
    let mut draft = gather::draft(input, &terms, Vec::new())?;
    for &step in terms.order() {
        match step {
            Step::QuantityCredits if credited => credit::lower_all(&mut draft)?,
            Step::Readings | Step::Usage | Step::Filters | Step::Pool => take_step(step, &mut draft)?,
            Step::Allowance | Step::Prices | Step::Surcharges => take_step(step, &mut draft)?,
            _ => {}
        }
    }
    draft.amount_of(|line: &Line| {
        let is_usage = matches!(line.step, Some(Step::Prices | Step::Surcharges));
        is_usage && !matches!(clause_of(line, &terms), Some(Clause::Consumables(_)))
    })
}

/// Lets the clauses of a step take it, in their order.
fn take_step(step: Step, draft: &mut Draft<'_>) -> Result<(), RatingError> {
    let terms = draft.terms;
    for (index, clause) in terms.clauses.iter().enumerate().filter(|(_, clause)| clause.step() == step) {
        let key = terms.key_of(index);
        clause.apply(&At { number: index + 1, key: &key }, draft)?;
    }
    match step {
        Step::Pool => draft.settle_pools(),
        Step::Adjustments => draft.push_adjustments(),
        _ => {}
    }
    Ok(())
}

/// Says that the statement is for some days of a period, where something counts by the period. CL16.
fn note_part(draft: &mut Draft<'_>) -> Result<(), RatingError> {
    let (period, whole) = (draft.period(), draft.whole()?);
    let running = draft.running(whole);
    let Some(here) = running.cut(period.start, Some(period.end)) else { return Ok(()) };
    if here == running || !draft.terms.clauses.iter().any(|clause| is_by_period(clause, draft.terms)) {
        return Ok(());
    }
    let (days, of) = (here.days(draft.zone())?, running.days(draft.zone())?);
    let label = whole.label(draft.zone())?;
    let runs = if running == whole { "" } else { " in which the contract runs" };
    let words = "what is charged or included for the whole of it counts by its days";
    draft.notes.push(format!("This is for {days} of the {of} days of {label}{runs}: {words}."));
    Ok(())
}

/// Whether a clause charges or includes something for each period, or for each part of one.
fn is_by_period(clause: &Clause, terms: &Terms) -> bool {
    match clause {
        Clause::BaseFee(fee) => fee.cycle == Reset::Period || fee.shorter(terms).is_some(),
        Clause::Allowance(of) => of.reset == Reset::Period,
        Clause::Tiers(of) => of.reset == Reset::Period,
        Clause::MinimumVolume(of) => of.reset == Reset::Period,
        Clause::Minimum(of) => of.reset == Reset::Period,
        Clause::Commitment(of) => of.reset == Reset::Period,
        Clause::Consumables(of) => of.reset == Reset::Period && of.spare > 0,
        Clause::Monitoring(_) => true,
        _ => false,
    }
}

/// Says of which printers the period's beginning is not known.
fn note_unknown_starts(draft: &mut Draft<'_>) {
    let period = draft.period();
    for stay in &draft.stays {
        let begins = period.start.max(stay.from);
        let Some(since) = stay.known_since.filter(|since| begins < *since) else { continue };
        let oldest = stay.jobs_in(period).map(|job| job.finished_at).min();
        let reach = oldest.filter(|oldest| *oldest < since).map_or_else(
            || "no job before that is known".to_owned(),
            |oldest| format!("of the time before, its job log reached back to {oldest}"),
        );
        draft.notes.push(format!("{} was first read {since}: {reach}.", stay.label));
    }
}

/// Says which jobs are not billed for their status, and which are billed without one. CL22.
fn note_statuses(draft: &mut Draft<'_>) {
    let (terms, period) = (draft.terms, draft.period());
    let from_jobs = |kind| terms.evidence_of(kind) == Evidence::Jobs;
    if !terms.kinds().into_iter().any(from_jobs) {
        return;
    }
    let mut seen: BTreeMap<Option<JobStatus>, (u64, i64)> = BTreeMap::new();
    for job in draft.stays.iter().flat_map(|stay| stay.jobs_in(period)) {
        let (count, area) = seen.entry(job.status).or_default();
        *count += 1;
        *area = area.saturating_add(job.total(MeterKind::AreaPrinted).unwrap_or(0));
    }
    for (status, (count, area)) in seen {
        let jobs = if count == 1 { "job" } else { "jobs" };
        let is = if count == 1 { "is" } else { "are" };
        match status {
            None if terms.bills(None) => {
                draft.notes.push(format!("{count} {jobs} without a status {is} billed as printed."));
            }
            Some(status) if !terms.bills(Some(status)) => {
                let area = PricingUnit::SquareMetre.show(area);
                draft.notes.push(format!("{count} {} {jobs} {is} not billed ({area} printed).", status.word()));
            }
            None => draft.notes.push(format!("{count} {jobs} without a status {is} not billed.")),
            Some(_) => {}
        }
    }
}

/// Lays the counters of each stay beside its jobs, whatever is billed: always media used, and every other
/// kind that both a counter and a job know.
fn reconciliations(draft: &Draft<'_>) -> Result<Vec<PrinterReconciliation>, RatingError> {
    let (terms, period) = (draft.terms, draft.period());
    let mut rows = Vec::new();
    for stay in &draft.stays {
        let both = |kind: MeterKind| {
            let of_sums = stay.sums.iter().flat_map(|sum| &sum.quantities);
            stay.counters.iter().any(|counter| counter.meter.kind() == kind)
                && (stay.jobs_in(period).any(|job| job.total(kind).is_some())
                    || of_sums.into_iter().any(|quantity| quantity.meter.kind() == kind))
        };
        for meter in MeterKind::all().filter(|kind| *kind == MeterKind::AreaMedia || both(*kind)) {
            let what = || format!("{} of {}", meter.label(), stay.label);
            let found = reconcile_meter(meter, stay, terms, period);
            if let Some(reconciliation) = found.map_err(|_| RatingError::Overflow { what: what() })? {
                let (printer, label) = (stay.id.clone(), stay.label.clone());
                rows.push(PrinterReconciliation { printer, label, reconciliation, meter });
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
