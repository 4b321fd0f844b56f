//! Estimates for readings that are missing at a period's end, by the contract's own rule. Each is kept as a fact
//! that falls away when a reading arrives.
//!
//! Deliberately absent: the arithmetic, which is the billing crate's, and estimates of what only jobs say.

mod models;

use self::models::Models;
use super::estimates;
use crate::Portal;
use crate::agents::history::Stamp;
use crate::billing_run::run::{Due, due};
use crate::billing_run::stands::{self, Stands, stands};
use crate::billing_run::store as run_store;
use crate::db::Tx;
use crate::readings::store::keep_estimate;
use crate::shell::{Error, ResellerScope};
use crate::statements::draw;
use crate::statements::gather::{Gathered, gather_back};
use crate::statements::store::{State, contract};
use billing::clauses::estimates::Estimates;
use billing::{
    EstimateFact, Evidence, History, Meter, Method, Month, Period, PrinterFacts, PrinterUsage, ReadingFact, Reason,
    Terms, assemble, readiness, split,
};
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Days of readings before the period that the methods may look at: a year and a month.
const DAYS_BEFORE: i64 = 400;

/// What came of estimating.
#[derive(Debug, Default)]
pub(crate) struct Estimated {
    /// How many estimates were made: none where no reading is missing, or no way of the contract has its data.
    pub(crate) made: u64,
    /// Why there is no mean of a model that would have been needed, a sentence each.
    pub(crate) missing: BTreeSet<String>,
}

impl Estimated {
    /// How many were made, as a sentence.
    pub(crate) fn words(&self) -> String {
        match self.made {
            0 if self.missing.is_empty() => {
                "Nothing was estimated: no way of the contract has the readings that it takes. Enter one.".to_owned()
            }
            0 => "Nothing was estimated.".to_owned(),
            1 => "1 estimate was made.".to_owned(),
            made => format!("{made} estimates were made."),
        }
    }
}

/// Makes the estimates that are missing in the month's period of a contract, of one printer or (0) of all that
/// were not read to its end, and draws the draft up anew.
///
/// # Errors
///
/// The contract says no way to estimate, or the statement is approved or issued.
pub(crate) fn estimate(
    portal: &Portal,
    scope: &ResellerScope,
    contract_id: i64,
    month: Month,
    printer_id: i64,
    by: Option<i64>,
) -> Result<Estimated, Error> {
    let now = portal.surroundings().now();
    let known = portal.db().read_now(|tx| known(tx, scope, contract_id, month, now))?;
    let Known { period, terms, gathered, models } = known;
    let rule = estimates(&terms).ok_or_else(|| {
        Error::Conflict("The contract does not say how a missing reading is estimated. Enter a reading.".to_owned())
    })?;
    let ways = Ways { rule, terms: &terms, models: models.as_ref() };
    let (mut made, mut missing) = (Vec::<(i64, EstimateFact)>::new(), BTreeSet::new());
    for facts in &gathered.basis.facts {
        let id: i64 = facts.id.parse().unwrap_or(0);
        if printer_id != 0 && printer_id != id {
            continue;
        }
        for found in of_printer((id, facts), &gathered, &ways, period) {
            match found {
                Ok(fact) => made.push((id, fact)),
                Err(why) => {
                    missing.insert(why);
                }
            }
        }
    }
    let count = u64::try_from(made.len()).unwrap_or(u64::MAX);
    let estimated = Estimated { made: count, missing };
    if made.is_empty() {
        return Ok(estimated);
    }
    portal.db().write_now(|tx| -> Result<(), Error> {
        for (printer_id, fact) in &made {
            keep_estimate(tx, scope, *printer_id, fact, by, Stamp::of(portal.surroundings()))?;
        }
        Ok(())
    })?;
    draw(portal, scope, contract_id, period, by)?;
    Ok(estimated)
}

/// How a contract estimates, and what it takes beside a counter's own readings.
struct Ways<'a> {
    rule: &'a Estimates,
    terms: &'a Terms,
    /// `None` where no way of the contract asks for them.
    models: Option<&'a Models>,
}

struct Known {
    period: Period,
    terms: Terms,
    gathered: Gathered,
    models: Option<Models>,
}

fn known(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64, month: Month, now: Instant) -> Result<Known, Error> {
    let within = run_store::within(month)?;
    let due = due(tx, scope, month, Some(contract_id))?;
    let is_due = |due: &&Due| !due.period.as_ref().is_ok_and(|period| due.ended(*period).is_some());
    let Some(of_month) = due.first().filter(is_due) else {
        // Somebody else's contract is none.
        contract(tx, scope, contract_id, Instant(i64::MAX))?;
        let words = format!("This contract has no period that begins in {}.", month.label());
        return Err(Error::Conflict(words));
    };
    let period = of_month.period.clone().map_err(Error::Conflict)?;
    let made = stands::made(tx, scope, within, &due)?;
    let is_draft = match stands(&made, contract_id, (period, of_month.runs(period))) {
        Stands::Nothing => true,
        Stands::Whole(made) => made.state == State::Draft,
        Stands::Parts(parts) => return Err(Error::Conflict(parts.words())),
    };
    if !is_draft {
        let words = "The statement of this period is approved or issued. Make it a draft again, or correct it.";
        return Err(Error::Conflict(words.to_owned()));
    }
    let contract = contract(tx, scope, contract_id, period.end)?;
    let gathered = gather_back(tx, scope, &contract, period, now, DAYS_BEFORE)?;
    let by_model = |rule: &Estimates| rule.rows.iter().any(|row| row.method == Method::Model);
    let models = if estimates(&contract.terms).is_some_and(by_model) {
        Some(Models::read(tx, scope, contract_id, period, &contract.terms.time_zone)?)
    } else {
        None
    };
    Ok(Known { period, terms: contract.terms, gathered, models })
}

/// An estimate; or why there is none, where it wanted the mean of a model.
type Found = Result<EstimateFact, String>;

/// The estimates of one printer: for each of its stays that was not read to its end, each counter that is billed.
fn of_printer((id, facts): (i64, &PrinterFacts), gathered: &Gathered, ways: &Ways<'_>, period: Period) -> Vec<Found> {
    let extra = gathered.extra.get(&facts.id).cloned().unwrap_or_default();
    let terms = ways.terms;
    let is_late = |usage: &PrinterUsage| {
        let found = readiness(usage, terms, period, &extra);
        found.reasons.iter().any(|reason| matches!(reason, Reason::NotRead { .. }))
    };
    let late: Vec<PrinterUsage> = assemble(facts, terms, period).into_iter().filter(is_late).collect();
    let counters = counters(facts, terms);
    let mut made = Vec::new();
    for part in late.iter().filter_map(|usage| period.cut(usage.from, usage.to)) {
        for ((meter, media), readings) in &counters {
            made.extend(of_counter((meter, media.as_deref()), readings, (id, facts), ways, part));
        }
    }
    made
}

/// A counter by meter and media.
type Key = (Meter, Option<String>);

/// The readings of the counters that can stand for what the contract bills. Rating takes those of the right
/// fineness where a kind is billed from counters; where it is billed from jobs, only the printer's total.
fn counters(facts: &PrinterFacts, terms: &Terms) -> BTreeMap<Key, Vec<ReadingFact>> {
    let kinds = terms.kinds();
    let stands = |reading: &&ReadingFact| {
        let kind = reading.meter.kind();
        let is_total = reading.meter.part().is_none() && reading.media.is_none();
        kinds.contains(&kind) && (is_total || terms.evidence_of(kind) == Evidence::Counter)
    };
    let mut counters: BTreeMap<Key, Vec<ReadingFact>> = BTreeMap::new();
    for reading in facts.readings.iter().filter(stands) {
        counters.entry((reading.meter.clone(), reading.media.clone())).or_default().push(reading.clone());
    }
    counters
}

fn of_counter(
    (meter, media): (&Meter, Option<&str>),
    readings: &[ReadingFact],
    (id, facts): (i64, &PrinterFacts),
    ways: &Ways<'_>,
    part: Period,
) -> Option<Found> {
    let (points, breaks) = split(readings, &facts.decisions);
    // One of several counters may have been read to the end while others were silent.
    if points.iter().any(|point| point.read_at >= part.end) {
        return None;
    }
    // From the last reading on: what was read is not estimated too.
    let last = points.iter().map(|point| point.read_at).filter(|at| *at < part.end).max();
    let span = Period::new(last.map_or(part.start, |last| last.max(part.start)), part.end).ok()?;
    let (model, why) = match ways.models.map(|models| models.used(id, meter, media)) {
        Some(Ok(used)) => (Some(used), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let history = History { points: &points, breaks: &breaks, model };
    let made = billing::estimate(meter, media, span, ways.rule, &history, &ways.terms.time_zone);
    made.map(Ok).or_else(|| why.map(Err))
}
