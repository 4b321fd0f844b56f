//! What stands behind the quantities of a statement, fact by fact: each job with what it counts on every meter, each
//! sum, counter and estimate, and why a part of them is not billed.
//!
//! What counts adds up to what the lines of all payers say was used, to the base unit: the sums are those that were
//! rated, from the same input, and what a rounding, or a credit of quantities, changes stands beside them as a row
//! of its own. Deliberately absent: prices, what is included of a line, and anything personal.

use super::{Gather, Rounded, fit};
use crate::clauses::credit::How;
use crate::clauses::draft::Bucket;
use crate::clauses::rounding::Point;
use crate::clauses::{Clause, escalation};
use crate::contract::Terms;
use crate::ledger::{JobFact, Method, Quantity, SumFact, SumKind, counters_of};
use crate::meter::{Meter, MeterKind};
use crate::period::Period;
use crate::rating::{Input, PrinterUsage, RatingError};
use crate::statement::{Line, LineSource, Statement};
use report::{Grade, Instant};
use std::collections::BTreeMap;

/// What a quantity rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BehindFact<'a> {
    /// One finished job.
    Job(&'a JobFact),
    /// Jobs of which only the sum is known.
    Sum(&'a SumFact),
    /// A lifetime counter, from its first to its last reading.
    Counter,
    /// An estimate.
    Estimate(Method),
    /// What rounding by the day or for the period changes. CL30.
    Rounding,
    /// What a credit takes off the usage of a line. CL22.
    Credit,
    /// What a line says beyond all of these: it was worked out in another way than now.
    Difference,
}

impl BehindFact<'_> {
    /// The word in exports.
    pub fn word(&self) -> &'static str {
        match self {
            BehindFact::Job(_) => "job",
            BehindFact::Sum(_) => "sum",
            BehindFact::Counter => "counter",
            BehindFact::Estimate(_) => "estimate",
            BehindFact::Rounding => "rounding",
            BehindFact::Credit => "credit",
            BehindFact::Difference => "difference",
        }
    }
}

/// Why something that a fact says is not billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unbilled {
    /// The contract bills no jobs of that status. CL22.
    Status,
    /// The contract bills this kind of meter from counters, not from jobs.
    ByCounter,
    /// No clause is about this kind of meter.
    NoClause,
    /// The contract leaves this part of a copy out. CL23.
    LeftOut,
    /// Another agent brought the jobs of this sum one by one.
    Beside,
    /// Its line has no amount: it has no price, or is billed later, as the line says.
    NoAmount,
    /// It adds up to nothing, so that there is no line.
    Nothing,
}

impl Unbilled {
    /// The word in exports.
    pub fn word(self) -> &'static str {
        match self {
            Unbilled::Status => "status",
            Unbilled::ByCounter => "by-counter",
            Unbilled::NoClause => "no-clause",
            Unbilled::LeftOut => "left-out",
            Unbilled::Beside => "beside",
            Unbilled::NoAmount => "no-amount",
            Unbilled::Nothing => "nothing",
        }
    }
}

/// What one fact says of one meter and media type, and what it counts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind<'a> {
    /// The printer's stay; `None` for what a whole line bears.
    pub stay: Option<&'a PrinterUsage>,
    /// What it rests on.
    pub fact: BehindFact<'a>,
    /// The instant that it belongs to.
    pub at: Instant,
    /// How well it is proved; `None` for what no reading shows.
    pub grade: Option<Grade>,
    /// What was said, as it was said; `None` for what only arithmetic says.
    pub said: Option<Quantity>,
    /// As what it counts, which the contract may say otherwise than the printer (CL10, CL11).
    pub meter: Meter,
    /// The media type that it counts on.
    pub media: Option<String>,
    /// What of it counts, in the meter's base unit; zero where it is not billed for its own sake.
    pub counts: i64,
    /// The line that it counts for.
    pub line: Option<&'a Line>,
    /// Why it is not billed; `None` where it is.
    pub unbilled: Option<Unbilled>,
}

/// How many rows [`behind`] gives for what the facts of a period say, at most, without making one: for whoever has room
/// for so many only. What rounding and credits change comes on top, a row for each sum or line at most.
#[must_use]
pub fn facts_behind(input: &Input) -> usize {
    let of_stay = |stay: &PrinterUsage| {
        let jobs = stay.jobs_in(input.period).map(|job| job.quantities.len());
        let sums = stay.sums.iter().map(|fact| fact.quantities.len());
        let rest = stay.counters.len().saturating_add(stay.estimates.len());
        jobs.chain(sums).fold(rest, usize::saturating_add)
    };
    input.printers.iter().filter(|stay| stay.is_in(input.period)).map(of_stay).fold(0, usize::saturating_add)
}

/// Everything that stands behind a period's documents, stay by stay: for each line, what counts for it adds up to
/// what it says was used. `documents` are those of all payers of the period, made from this input; where one is left
/// out, what counts for its lines is said to come to nothing.
///
/// # Errors
///
/// As [`crate::rate`].
pub fn behind<'a>(input: &'a Input, documents: &[&'a Statement]) -> Result<Vec<Behind<'a>>, RatingError> {
    let (terms, _) = escalation::escalated(input)?;
    let gather = Gather::new(&terms, input.period)?;
    let mut stays: Vec<&'a PrinterUsage> = input.printers.iter().filter(|stay| stay.is_in(input.period)).collect();
    stays.sort_by(|a, b| (&a.id, a.from).cmp(&(&b.id, b.from)));
    let mut lines = Lines::of(documents);
    let (mut rows, mut notes, mut rounded) = (Vec::new(), Vec::new(), Rounded::new());
    for (index, stay) in stays.into_iter().enumerate() {
        let mut own = gather.rows(stay);
        let mut open = waiting(&own);
        for sum in gather.stay(stay, &mut notes)?.sums {
            let bucket = gather.bucket(index, stay, sum, &mut rounded)?;
            let line = lines.take(&bucket);
            let places = open.remove(&(bucket.meter.clone(), bucket.media.clone())).unwrap_or_default();
            let rest = fit(settle(&bucket, line, &places, &mut own), &bucket.meter)?;
            if rest != 0 {
                own.push(Behind {
                    counts: rest,
                    line,
                    unbilled: unbilled(line),
                    ..made(Some(stay), BehindFact::Rounding, &bucket.meter, bucket.media.clone(), input.period)
                });
            }
        }
        rows.append(&mut own);
    }
    rows.extend(lines.rest(&terms, input.period)?);
    Ok(rows)
}

/// Where the rows of a stay stand that wait to be counted with a sum. Papers and categories are texts of the
/// printer, of any number: each row is looked at once, not once for each sum.
fn waiting(rows: &[Behind<'_>]) -> BTreeMap<(Meter, Option<String>), Vec<usize>> {
    let mut places: BTreeMap<(Meter, Option<String>), Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.unbilled.is_none()) {
        places.entry((row.meter.clone(), row.media.clone())).or_default().push(place);
    }
    places
}

/// Puts what counts with a sum on its line; gives what the sum has beyond it.
fn settle<'a>(bucket: &Bucket, line: Option<&'a Line>, places: &[usize], rows: &mut [Behind<'a>]) -> i128 {
    let mut rest = i128::from(bucket.quantity);
    for place in places {
        let Some(row) = rows.get_mut(*place) else { continue };
        rest -= i128::from(row.counts);
        row.line = line;
        row.unbilled = unbilled(line);
    }
    rest
}

fn unbilled(line: Option<&Line>) -> Option<Unbilled> {
    match line {
        None => Some(Unbilled::Nothing),
        Some(line) => line.amount.is_none().then_some(Unbilled::NoAmount),
    }
}

/// What only arithmetic says; it belongs to the end of the period.
fn made<'a>(
    stay: Option<&'a PrinterUsage>,
    fact: BehindFact<'a>,
    meter: &Meter,
    media: Option<String>,
    period: Period,
) -> Behind<'a> {
    let (meter, at) = (meter.clone(), period.end);
    Behind { stay, fact, at, grade: None, said: None, meter, media, counts: 0, line: None, unbilled: None }
}

/// A printer's id, a meter and a media type.
type Key = (String, Meter, Option<String>);

/// The lines that rest on facts, and where what they rest on is still to be found.
struct Lines<'a> {
    /// Each with what was found of it.
    lines: Vec<(&'a Line, i128)>,
    /// What they rest on, with the place of the line.
    waiting: BTreeMap<Key, Vec<(usize, &'a LineSource)>>,
}

impl<'a> Lines<'a> {
    fn of(documents: &[&'a Statement]) -> Lines<'a> {
        let mut found = Lines { lines: Vec::new(), waiting: BTreeMap::new() };
        let lines = documents.iter().flat_map(|document| &document.lines);
        for line in lines.filter(|line| !line.sources.is_empty()) {
            for source in &line.sources {
                let key = (source.printer.clone(), source.meter.clone(), source.media.clone());
                found.waiting.entry(key).or_default().push((found.lines.len(), source));
            }
            found.lines.push((line, 0));
        }
        found
    }

    /// The line that a sum stands on: the one that names what the sum rests on. A printer that stayed twice may
    /// stand on two lines.
    fn take(&mut self, bucket: &Bucket) -> Option<&'a Line> {
        let source = bucket.sources.first()?;
        let key = (source.printer.clone(), source.meter.clone(), source.media.clone());
        let waiting = self.waiting.get_mut(&key)?;
        let place = waiting.iter().position(|(_, known)| *known == source)?;
        let (place, _) = waiting.remove(place);
        let (line, found) = self.lines.get_mut(place)?;
        *found += i128::from(bucket.quantity);
        Some(*line)
    }

    /// What the lines say beyond what was found of them: what credits took off.
    fn rest(&self, terms: &Terms, period: Period) -> Result<Vec<Behind<'a>>, RatingError> {
        let lowers = |clause: &Clause| matches!(clause, Clause::Credit(credit) if credit.how == How::Quantity);
        let has_credits = terms.clauses.iter().any(lowers);
        let fact = if has_credits { BehindFact::Credit } else { BehindFact::Difference };
        let mut rows = Vec::new();
        for &(line, found) in &self.lines {
            let (Some(used), Some(source)) = (line.used, line.sources.first()) else { continue };
            let counts = fit(i128::from(used) - found, &source.meter)?;
            if counts != 0 {
                let meter = Meter::whole(source.meter.kind());
                let row = made(None, fact, &meter, None, period);
                rows.push(Behind { counts, line: Some(line), unbilled: unbilled(Some(line)), ..row });
            }
        }
        Ok(rows)
    }
}

impl Gather<'_> {
    /// Everything that is known of a stay in the period, with what counts of it.
    fn rows<'a>(&self, stay: &'a PrinterUsage) -> Vec<Behind<'a>> {
        let mut rows = Vec::new();
        for job in stay.jobs_in(self.period) {
            self.job_rows(stay, job, &mut rows);
        }
        for fact in stay.sums.iter().filter(|fact| self.holds_end(stay, fact.until)) {
            let (is_beside, grade) = (fact.kind == SumKind::Beside, fact.grade);
            let grade = if fact.kind == SumKind::Cells { grade } else { Grade::C };
            rows.extend(fact.quantities.iter().map(|said| {
                let of_kind = self.unbilled_kind(said.meter.kind());
                let unbilled = if is_beside { Some(Unbilled::Beside) } else { of_kind };
                let counts = if unbilled.is_some() { 0 } else { said.amount };
                Behind {
                    counts,
                    unbilled,
                    ..told(stay, BehindFact::Sum(fact), (fact.until, Some(grade)), said.clone())
                }
            }));
        }
        for &kind in &self.by_counter {
            self.counter_rows(stay, kind, &mut rows);
        }
        for kind in self.by_jobs.iter().chain(&self.by_counter) {
            for fact in self.estimates_of(stay, *kind) {
                let (meter, media, amount) = (fact.meter.clone(), fact.media.clone(), fact.quantity);
                let said = Quantity { meter, media, amount };
                let (estimate, at) = (BehindFact::Estimate(fact.method), (fact.span.end, Some(Grade::C)));
                rows.push(Behind { counts: amount, ..told(stay, estimate, at, said) });
            }
        }
        rows
    }

    fn counter_rows<'a>(&self, stay: &'a PrinterUsage, kind: MeterKind, rows: &mut Vec<Behind<'a>>) {
        for counter in counters_of(&stay.counters, kind, self.terms.grain(kind)) {
            let usage = &counter.usage;
            let at = usage.end.as_ref().map_or(self.period.end, |end| end.read_at);
            let grade = usage.start.as_ref().zip(usage.end.as_ref()).map(|(start, end)| start.grade.max(end.grade));
            let (meter, media, amount) = (counter.meter.clone(), counter.media.clone(), usage.quantity);
            let said = Quantity { meter, media, amount };
            rows.push(Behind { counts: amount, ..told(stay, BehindFact::Counter, (at, grade), said) });
        }
    }

    /// A row for each thing that a job says. Where filters put several of them into one, the last one bears what
    /// rounding by the job (CL30) changes, so that they add up to what counts.
    fn job_rows<'a>(&self, stay: &'a PrinterUsage, job: &'a JobFact, rows: &mut Vec<Behind<'a>>) {
        let row = |said: &Quantity| told(stay, BehindFact::Job(job), (job.finished_at, Some(job.grade)), said.clone());
        if !self.terms.bills(job.status) {
            let unbilled = Some(Unbilled::Status);
            rows.extend(job.quantities.iter().map(|said| Behind { unbilled, ..row(said) }));
            return;
        }
        let mut open = self.counted(job, stay);
        let counted_as: Vec<Option<Quantity>> = job.quantities.iter().map(|said| self.alone(job, said, stay)).collect();
        for (place, (said, target)) in job.quantities.iter().zip(&counted_as).enumerate() {
            let Some(target) = target else {
                rows.push(Behind { unbilled: Some(Unbilled::LeftOut), ..row(said) });
                continue;
            };
            let (meter, media) = (target.meter.clone(), target.media.clone());
            let unbilled = self.unbilled_kind(meter.kind());
            if unbilled.is_some() {
                rows.push(Behind { meter, media, unbilled, ..row(said) });
                continue;
            }
            let is_same = |other: &Quantity| other.meter == meter && other.media == media;
            let later = counted_as.get(place + 1..).unwrap_or_default();
            let is_last = !later.iter().flatten().any(is_same);
            let left = open.entry((meter.clone(), media.clone())).or_default();
            let rest = i64::try_from(*left).unwrap_or(said.amount);
            let counts = if is_last { rest } else { said.amount };
            *left -= i128::from(counts);
            rows.push(Behind { meter, media, counts, ..row(said) });
        }
    }

    /// What counts of a job that is billed, by meter and media type.
    fn counted(&self, job: &JobFact, stay: &PrinterUsage) -> BTreeMap<(Meter, Option<String>), i128> {
        let mut counted: BTreeMap<(Meter, Option<String>), i128> = BTreeMap::new();
        let filtered = self.filtered(job, stay);
        for quantity in filtered.quantities.iter().filter(|quantity| self.by_jobs.contains(&quantity.meter.kind())) {
            let counts = self.round(quantity.meter.kind(), quantity.amount, Point::Job);
            let key = (quantity.meter.clone(), quantity.media.clone());
            *counted.entry(key).or_default() += i128::from(counts);
        }
        counted
    }

    /// One thing that a job says, as the filters leave it; `None` where they leave it out.
    fn alone(&self, job: &JobFact, said: &Quantity, stay: &PrinterUsage) -> Option<Quantity> {
        if self.filters.is_empty() {
            return Some(said.clone());
        }
        let alone = JobFact { quantities: vec![said.clone()], ..job.clone() };
        let filtered = self.filtered(&alone, stay);
        filtered.quantities.first().cloned()
    }

    /// Why jobs and their sums are not billed by a kind of meter; `None` where they are.
    fn unbilled_kind(&self, kind: MeterKind) -> Option<Unbilled> {
        if self.by_jobs.contains(&kind) {
            return None;
        }
        Some(if self.by_counter.contains(&kind) { Unbilled::ByCounter } else { Unbilled::NoClause })
    }
}

/// What a fact says, before anything counts of it.
fn told<'a>(
    stay: &'a PrinterUsage,
    fact: BehindFact<'a>,
    (at, grade): (Instant, Option<Grade>),
    said: Quantity,
) -> Behind<'a> {
    let (stay, meter, media) = (Some(stay), said.meter.clone(), said.media.clone());
    Behind { stay, fact, at, grade, said: Some(said), meter, media, counts: 0, line: None, unbilled: None }
}
