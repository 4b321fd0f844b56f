//! Gathers what a period's statement is made from, as it is known now: facts of the ledger, what people said
//! beside them, and what the portal alone knows of each printer.
//!
//! What is gathered is what a verifier asks for: every version of every job, the readings at every edge, and
//! by name whatever rests on somebody's word. Deliberately absent: arithmetic, which the billing crate does,
//! and the carry and adjustments of a statement, which whoever draws it up adds by [`Gathered::finish`].

mod around;
mod counters;
#[cfg(test)]
mod tests;

pub(super) use around::{EnteredParties, billed_parties, entered_parties, parties};

use super::facts::{self, Asked, Counters, Job, Moves, Origins, RowSets, Sets, Stay};
use super::store::Contract;
use super::sums;
use crate::db::{DbError, Tx};
use crate::readings::store::{self as readings, Declaration, Entered, Estimated, Subject, UnitlessFact};
use crate::shell::{Error, ResellerScope};
use billing::ledger::assemble::days_before;
use billing::{
    Adjustment, Carry, Clause, ContractRef, Decision, DeclaredUnit, Evidence, Extra, Input, Mark, MeterKind, Period,
    PrinterFacts, Runs, StayFact, SumFact, Terms, ThresholdFact, Unitless, declared, declared_unit,
};
use counters::Series;
use evidence::Basis;
use report::{Instant, RowId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// What was said: the word of [`evidence::Said`], the printer, the instant; and its words, where two may be said
/// of one instant.
type Told = (String, Option<String>, Instant, Option<String>);

/// Who said what.
#[derive(Debug, Clone, Default)]
struct People(BTreeMap<Told, BTreeSet<String>>);

impl People {
    fn add(&mut self, what: &str, printer: Option<String>, at: Instant, name: &str) {
        self.add_words((what.to_owned(), printer, at, None), name);
    }

    fn add_words(&mut self, told: Told, name: &str) {
        if !name.is_empty() {
            self.0.entry(told).or_default().insert(name.to_owned());
        }
    }

    /// Who said it, by its words, else by what and when.
    fn of(&self, said: &evidence::Said) -> Option<String> {
        let told = |words| (said.what.clone(), said.printer.clone(), said.at, words);
        let names = self.0.get(&told(Some(said.detail.clone()))).or_else(|| self.0.get(&told(None)))?;
        Some(names.iter().cloned().collect::<Vec<_>>().join(", "))
    }
}

/// What a period's statement is made from.
#[derive(Debug, Clone)]
pub(crate) struct Gathered {
    /// Without carry, adjustments, and notes; what people said is filled in by [`Gathered::finish`].
    pub(crate) basis: Basis,
    /// What only the portal knows, by the printer's id.
    pub(crate) extra: BTreeMap<String, Extra>,
    people: People,
}

impl Gathered {
    /// Adds what the periods before left and what this statement settles of them, and lists what people said.
    /// The last call counts.
    pub(crate) fn finish(&mut self, carry: Carry, adjustments: Vec<Adjustment>) {
        self.basis.input.carry = carry;
        self.basis.input.adjustments = adjustments;
        let mut said = evidence::said(&self.basis.input, &self.basis.facts);
        for entry in &mut said {
            if let Some(names) = self.people.of(entry) {
                entry.by = names;
            }
        }
        self.basis.said = said;
    }
}

/// Everything that the statement of a contract's period is made from, as known now.
///
/// The number of queries is fixed: it does not depend on printers, jobs, readings or events.
pub(crate) fn gather(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract: &Contract,
    period: Period,
    now: Instant,
) -> Result<Gathered, Error> {
    gather_back(tx, scope, contract, period, now, 0)
}

/// The same, with all readings of at least `days` days before the period: for estimates. A statement is not
/// drawn up from it.
pub(crate) fn gather_back(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract: &Contract,
    period: Period,
    now: Instant,
    days: i64,
) -> Result<Gathered, Error> {
    let ask = Ask { scope, contract, period, now, days };
    let mut known = Known::read(tx, &ask)?;
    let jobs = facts::jobs(tx, &known.asked, &mut known.origins)?;
    known.gathered(tx, &ask, jobs, BTreeMap::new())
}

/// What is rated for a period, from usage cells where they say the same as the jobs, else from the jobs
/// themselves: for forecasts and replays, which need no evidence. Carry and adjustments are the caller's.
pub(crate) fn from_cells(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract: &Contract,
    period: Period,
    now: Instant,
) -> Result<Input, Error> {
    let ask = Ask { scope, contract, period, now, days: 0 };
    let mut known = Known::read(tx, &ask)?;
    let zone = facts::zone(tx, scope, contract.customer_id)?;
    let months = zone.and_then(|zone| sums::months(&contract.terms, period, &zone)).filter(|_| known.fits_cells());
    let gathered = match months {
        Some(months) => {
            let cells = sums::cells(tx, &known.asked, &months)?;
            known.gathered(tx, &ask, BTreeMap::new(), cells)?
        }
        None => {
            let jobs = facts::jobs(tx, &known.asked, &mut known.origins)?;
            known.gathered(tx, &ask, jobs, BTreeMap::new())?
        }
    };
    Ok(gathered.basis.input())
}

/// What is wanted.
struct Ask<'a> {
    scope: &'a ResellerScope,
    contract: &'a Contract,
    period: Period,
    now: Instant,
    /// Readings of so many days before the period, beside those that the terms need.
    days: i64,
}

impl Ask<'_> {
    /// The kinds of counters that are read: those that the terms name, and media, by which the area printed is
    /// reconciled.
    fn kinds(&self) -> BTreeSet<MeterKind> {
        self.contract.terms.kinds().into_iter().chain([MeterKind::AreaMedia]).collect()
    }
}

/// What the ledger and people know, but for jobs.
struct Known {
    asked: Asked,
    origins: Origins,
    stays: Vec<Stay>,
    moves: Moves,
    edges: Sets,
    row_edges: BTreeMap<i64, RowSets>,
    counters: BTreeMap<i64, Counters>,
    folds: BTreeMap<i64, Vec<SumFact>>,
    limits: BTreeMap<i64, Vec<ThresholdFact>>,
    held: BTreeMap<i64, u64>,
    decisions: BTreeMap<i64, Vec<Decision>>,
    entered: BTreeMap<i64, Vec<Entered>>,
    estimates: BTreeMap<i64, Vec<Estimated>>,
    declarations: Vec<Declaration>,
    unitless: BTreeMap<i64, Vec<UnitlessFact>>,
    unitless_sets: Sets,
}

impl Known {
    fn read(tx: &mut Tx<'_>, ask: &Ask<'_>) -> Result<Known, DbError> {
        let (scope, contract) = (ask.scope, ask.contract);
        let days = days_before(&contract.terms).max(ask.days);
        let asked = Asked::new(scope, contract.contract_id, ask.period, days);
        let stays = facts::stays(tx, &asked)?;
        let edges = facts::edges(tx, &asked)?;
        let estimates = readings::estimates(tx, scope, contract.contract_id, ask.period)?;
        let (kinds, terms) = (ask.kinds(), &contract.terms);
        // An estimate of what is billed from jobs falls away with any reading: then all counters are wanted.
        let of_jobs = |made: &Estimated| terms.evidence_of(made.fact.meter.kind()) == Evidence::Jobs;
        let any = |printer: i64| estimates.get(&printer).is_some_and(|made| made.iter().any(of_jobs));
        let counters = facts::counters(tx, &asked, |printer, kind| kinds.contains(&kind) || any(printer))?;
        let has_coverage = contract.terms.clauses.iter().any(|clause| matches!(clause, Clause::Coverage(_)));
        let mut origins = Origins::default();
        Ok(Known {
            folds: sums::folds(tx, &asked, &mut origins)?,
            origins,
            moves: facts::moves(tx, &asked)?,
            row_edges: facts::row_edges(tx, &asked)?,
            counters,
            limits: if has_coverage { facts::limits(tx, &asked)? } else { BTreeMap::new() },
            held: facts::held(tx, &asked)?,
            decisions: readings::decisions_of(tx, scope, contract.contract_id, ask.period, asked.from)?,
            entered: readings::hand_readings(tx, scope, contract.contract_id, ask.period, asked.from)?,
            estimates,
            declarations: readings::declarations(tx, scope)?,
            unitless: readings::unitless(tx, scope, contract.contract_id, ask.period, asked.from)?,
            unitless_sets: facts::unitless_sets(tx, &asked)?,
            asked,
            stays,
            edges,
        })
    }

    /// Whether usage cells hold what these printers' jobs say: each printer is in for the whole period, and
    /// nothing is worked out job by job.
    fn fits_cells(&self) -> bool {
        let is_of_job = |fact: &UnitlessFact| matches!(fact.subject, Subject::Job { .. });
        let has_declared = !self.declarations.is_empty() && self.unitless.values().flatten().any(is_of_job);
        let has_estimates = self.estimates.values().any(|estimates| !estimates.is_empty());
        sums::are_whole(&self.stays, &self.moves, self.asked.period) && !has_declared && !has_estimates
    }

    /// Puts everything together, printer by printer.
    fn gathered(
        mut self,
        tx: &mut Tx<'_>,
        ask: &Ask<'_>,
        mut jobs: BTreeMap<i64, Vec<Job>>,
        mut cells: BTreeMap<i64, Vec<SumFact>>,
    ) -> Result<Gathered, Error> {
        let mut people = People::default();
        let mut extra = BTreeMap::new();
        let mut facts = Vec::new();
        let successors: BTreeSet<i64> = self.stays.iter().filter_map(|stay| stay.position).collect();
        let stays = std::mem::take(&mut self.stays);
        for stays in stays.chunk_by(|a, b| a.printer_id == b.printer_id) {
            let Some(first) = stays.first() else { continue };
            let id = first.printer_id;
            let (jobs, mut sums) = (jobs.remove(&id).unwrap_or_default(), cells.remove(&id).unwrap_or_default());
            sums.extend(self.folds.remove(&id).unwrap_or_default());
            let stays = stay_facts(stays, self.moves.get(&id), &successors);
            let gathering = Gathering { id, first, stays, jobs, sums };
            let (printer, more) = self.printer(ask, gathering, &mut people);
            extra.insert(printer.id.clone(), more);
            facts.push(printer);
        }
        let (scope, contract) = (ask.scope, ask.contract);
        people.add("terms", None, ask.period.start, &around::author(tx, scope, contract)?);
        let known = (facts.as_slice(), &self.edges);
        let mut events = around::events(tx, &self.asked, &mut people)?;
        events.late = around::late(&contract.terms, ask.period, known, ask.now);
        events.silences = around::silences(tx, &self.asked, &contract.terms, known, ask.now)?;
        let input = Input {
            contract: ContractRef {
                id: contract.contract_id.to_string(),
                number: contract.number.clone(),
                version: u32::try_from(contract.version).unwrap_or(u32::MAX),
            },
            terms: contract.terms.clone(),
            period: ask.period,
            customer: contract.customer.clone(),
            printers: Vec::new(),
            carry: Carry::default(),
            runs: contract.starts_at.map(|from| Runs { from, to: contract.ends_at }),
            sites: around::sites(tx, scope, contract.customer_id, &facts)?,
            events,
            tables: around::tables(tx, scope, &contract.terms, ask.period)?,
            parties: around::parties(tx, scope, contract.customer_id)?,
            adjustments: Vec::new(),
        };
        facts::name_denials(tx, &self.asked, &mut self.origins)?;
        let origins = self.origins.0;
        let (said, added, again) = (Vec::new(), Vec::new(), Vec::new());
        let basis = Basis { input, facts, said, added, origins, carried_again: false, again };
        Ok(Gathered { basis, extra, people })
    }

    /// The facts of one printer, and what only the portal knows of it.
    fn printer(&mut self, ask: &Ask<'_>, gathering: Gathering<'_>, people: &mut People) -> (PrinterFacts, Extra) {
        let Gathering { id, first, stays, jobs, sums } = gathering;
        let name = id.to_string();
        let unitless = self.unitless.remove(&id).unwrap_or_default();
        let mut said = Said { printer: &name, people, declarations: &self.declarations };
        let units: Vec<DeclaredUnit> = self.declarations.iter().map(|declaration| declaration.unit.clone()).collect();
        let count = not_declared(&unitless, &jobs, &units, &ask.contract.terms, ask.period);
        let jobs = said.declared_jobs(jobs, &unitless, &units);
        let (none, kinds) = (BTreeMap::new(), ask.kinds());
        let edges = self.edges.get(&id).unwrap_or(&none);
        let row_edges = self.row_edges.remove(&id).unwrap_or_default();
        let mut series = counters::said(self.counters.remove(&id).unwrap_or_default(), edges, &row_edges);
        let sets = self.unitless_sets.get(&id).unwrap_or(&none);
        counters::declare(&mut series, &unitless, &units, sets, edges);
        let mut entered = self.entered.remove(&id).unwrap_or_default();
        entered.retain(|entered| kinds.contains(&entered.fact.meter.kind()));
        said.entered(&entered);
        counters::enter(&mut series, entered.into_iter().map(|entered| entered.fact));
        let mut estimates = self.estimates.remove(&id).unwrap_or_default();
        estimates.retain(|estimated| kinds.contains(&estimated.fact.meter.kind()));
        said.estimated(&estimates);
        let estimates = estimates.into_iter().map(|estimated| estimated.fact).collect();
        let estimates = counters::estimates(&series, estimates, ask.period.end);
        let decisions = counters::decisions(&series, self.decisions.remove(&id).unwrap_or_default());
        said.decided(&decisions);
        let mut facts = PrinterFacts {
            id: name.clone(),
            label: first.label.clone(),
            serial: Some(first.serial.clone()),
            known_since: Some(first.known_since),
            stays,
            jobs,
            sums,
            readings: Vec::new(),
            decisions,
            estimates,
            thresholds: self.limits.remove(&id).unwrap_or_default(),
        };
        if ask.days == 0 {
            thin(&mut series, &facts, &ask.contract.terms, ask.period);
        }
        for point in series.into_values().flatten() {
            said.declared_reading(&point.fact, &unitless);
            if let Some((agent, sequence)) = &point.origin {
                self.origins.add(agent, *sequence);
            }
            facts.readings.push(point.fact);
        }
        let last_read = edges.keys().next_back().copied();
        let quarantine = self.held.get(&id).copied().unwrap_or(0);
        (facts, Extra { quarantine, unitless: count, last_read, ..Extra::default() })
    }
}

/// A printer of which the facts are put together.
struct Gathering<'a> {
    id: i64,
    first: &'a Stay,
    stays: Vec<StayFact>,
    jobs: Vec<Job>,
    sums: Vec<SumFact>,
}

/// The stays of one printer, each cut where it moved to another site. `successors` are the places that some
/// printer of the contract fills: a printer that left its place to another one fills its own.
fn stay_facts(stays: &[Stay], moves: Option<&BTreeMap<Instant, i64>>, successors: &BTreeSet<i64>) -> Vec<StayFact> {
    let none = BTreeMap::new();
    let moves = moves.unwrap_or(&none);
    let mut facts = Vec::with_capacity(stays.len());
    for stay in stays {
        let own = successors.contains(&stay.printer_id).then_some(stay.printer_id);
        let position = stay.position.or(own).map(|position| position.to_string());
        let moved = moves.range((Excluded(stay.from), Unbounded)).map(|(at, _)| *at);
        let cuts: Vec<Instant> = moved.filter(|at| stay.to.is_none_or(|to| *at < to)).collect();
        let ends = cuts.iter().copied().map(Some).chain([stay.to]);
        for (from, to) in [stay.from].into_iter().chain(cuts.iter().copied()).zip(ends) {
            let site = moves.range(..=from).next_back().map(|(_, site)| site.to_string());
            facts.push(StayFact { from, to, position: position.clone(), site });
        }
    }
    facts
}

/// Leaves out readings of counters that nothing is billed from, where they change no result.
fn thin(series: &mut Series, facts: &PrinterFacts, terms: &Terms, period: Period) {
    let mut edges = BTreeSet::from([period.start, period.end]);
    for stay in &facts.stays {
        edges.extend([Some(stay.from), stay.to].into_iter().flatten());
    }
    edges.extend(facts.estimates.iter().flat_map(|estimate| [estimate.span.start, estimate.span.end]));
    edges.extend(facts.decisions.iter().map(|decision| decision.at));
    let billed = terms.kinds();
    for ((meter, _), points) in series {
        let is_billed = billed.contains(&meter.kind()) && terms.evidence_of(meter.kind()) == Evidence::Counter;
        if !is_billed {
            counters::thin(points, &edges);
        }
    }
}

/// How many numbers without a unit, which nobody declared, the terms would bill: each of a job, and of
/// readings each row once.
fn not_declared(unitless: &[UnitlessFact], jobs: &[Job], units: &[DeclaredUnit], terms: &Terms, period: Period) -> u64 {
    let billed = |kind: MeterKind, from: Evidence| terms.kinds().contains(&kind) && terms.evidence_of(kind) == from;
    let by_jobs = |row: RowId| match row {
        RowId::P19 => billed(MeterKind::AreaMedia, Evidence::Jobs),
        RowId::P20 => billed(MeterKind::AreaPrinted, Evidence::Jobs),
        _ => false,
    };
    let in_force: BTreeSet<(&str, i64)> = jobs.iter().map(|job| (job.fact.key.as_str(), job.version)).collect();
    let is_open = |fact: &UnitlessFact, number: &Unitless| {
        declared(&[*number], &fact.product_number, &fact.firmware, units).is_empty()
    };
    let (mut count, mut rows) = (0_u64, BTreeSet::new());
    for fact in unitless {
        let open = fact.numbers.iter().filter(|number| is_open(fact, number)).map(|number| number.row);
        match &fact.subject {
            Subject::Job { key, version } if in_force.contains(&(key.as_str(), *version)) => {
                let found = open.filter(|row| by_jobs(*row)).count();
                count = count.saturating_add(u64::try_from(found).unwrap_or(u64::MAX));
            }
            Subject::Reading if period.contains(fact.at) && billed(MeterKind::AreaMedia, Evidence::Counter) => {
                rows.extend(open.filter(|row| *row == RowId::U17));
            }
            Subject::Job { .. } | Subject::Reading => {}
        }
    }
    count.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX))
}

/// Notes who said what of one printer.
struct Said<'a> {
    printer: &'a str,
    people: &'a mut People,
    declarations: &'a [Declaration],
}

impl Said<'_> {
    fn note(&mut self, what: &str, at: Instant, name: &str) {
        self.people.add(what, Some(self.printer.to_owned()), at, name);
    }

    fn note_words(&mut self, what: &str, at: Instant, words: String, name: &str) {
        self.people.add_words((what.to_owned(), Some(self.printer.to_owned()), at, Some(words)), name);
    }

    /// Who declared the units by which these numbers count.
    fn units_of(&self, said: &UnitlessFact) -> BTreeSet<String> {
        let units: Vec<DeclaredUnit> = self.declarations.iter().map(|declaration| declaration.unit.clone()).collect();
        let rows = said.numbers.iter().map(|number| number.row);
        let chosen = rows.filter_map(|row| declared_unit(row, &said.product_number, &said.firmware, &units));
        let chosen: BTreeSet<&DeclaredUnit> = chosen.collect();
        let by = self.declarations.iter().filter(|declaration| chosen.contains(&declaration.unit));
        by.map(|declaration| declaration.by.clone()).collect()
    }

    fn decided(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            self.note_words("decision", decision.at, evidence::decision_words(decision), &decision.by);
        }
    }

    fn entered(&mut self, entered: &[Entered]) {
        for Entered { fact, by, .. } in entered {
            self.note_words("reading", fact.read_at, evidence::reading_words(fact), by);
        }
    }

    fn estimated(&mut self, estimates: &[Estimated]) {
        for Estimated { fact, by, .. } in estimates {
            self.note_words("estimate", fact.span.start, evidence::estimate_words(fact), by);
        }
    }

    fn declared_reading(&mut self, fact: &billing::ReadingFact, unitless: &[UnitlessFact]) {
        if fact.source != billing::ReadingSource::Declared {
            return;
        }
        let of_reading = |said: &&UnitlessFact| said.at == fact.read_at && matches!(said.subject, Subject::Reading);
        if let Some(said) = unitless.iter().find(of_reading) {
            for name in self.units_of(said) {
                self.note_words("reading", fact.read_at, evidence::reading_words(fact), &name);
            }
        }
    }

    /// The jobs as facts, with what their numbers without a unit are worth behind what they say themselves.
    fn declared_jobs(
        &mut self,
        jobs: Vec<Job>,
        unitless: &[UnitlessFact],
        units: &[DeclaredUnit],
    ) -> Vec<billing::JobFact> {
        let mut of_job: BTreeMap<(&str, i64), &UnitlessFact> = BTreeMap::new();
        if !units.is_empty() {
            for fact in unitless {
                if let Subject::Job { key, version } = &fact.subject {
                    of_job.insert((key.as_str(), *version), fact);
                }
            }
        }
        let mut facts = Vec::with_capacity(jobs.len());
        for Job { version, mut fact } in jobs {
            if let Some(said) = of_job.get(&(fact.key.as_str(), version)) {
                let worth = declared(&said.numbers, &said.product_number, &said.firmware, units);
                // What the job says with a unit is not counted twice.
                let missing = worth.into_iter().filter(|quantity| fact.total(quantity.meter.kind()).is_none());
                let missing: Vec<billing::Quantity> = missing.collect();
                if !missing.is_empty() {
                    fact.quantities.extend(missing);
                    fact.marks.insert(Mark::Declared);
                    for name in self.units_of(said) {
                        self.note("job", fact.finished_at, &name);
                    }
                }
            }
            facts.push(fact);
        }
        facts
    }
}
