//! The facts of a period, summed into the buckets that clauses work on: jobs, sums of jobs, counters and
//! estimates, by stay, meter and media type.
//!
//! Filters change jobs here, one by one, and quantities are rounded here, by job, by day or for the period
//! (CL30). The same fact by fact is in `rows`. Deliberately absent: what any of it costs.

mod rows;

pub use rows::{Behind, BehindFact, Unbilled, behind, facts_behind};

use super::{Input, PrinterUsage, RatingError};
use crate::clauses::Clause;
use crate::clauses::copies::Copies;
use crate::clauses::coverage::Coverage;
use crate::clauses::draft::{Bucket, Draft};
use crate::clauses::media_class::MediaClass;
use crate::clauses::rounding::{Point, QuantityRounding};
use crate::contract::{Evidence, Terms};
use crate::ledger::segments::{CounterUsage, ReadingPoint, SegmentUsage, Unmeasured};
use crate::ledger::{CounterFact, EstimateFact, JobFact, Mark, SumFact, SumKind, counters_of, grain_of};
use crate::meter::{Meter, MeterKind, PricingUnit, label};
use crate::period::{Day, Period, time_zone};
use crate::statement::{LineEvidence, LineSource};
use jiff::tz::TimeZone;
use report::{Grade, Instant};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Parts of a counter that broke which a note names.
const PARTS_MAX: usize = 12;

/// A clause that changes jobs before they are summed.
enum Filter<'t> {
    Copies(&'t Copies),
    Coverage(&'t Coverage),
    MediaClass(&'t MediaClass),
}

/// What is summed up of a stay for a meter and media type.
struct Sum {
    meter: Meter,
    media: Option<String>,
    /// What counts: rounded by job and by day.
    quantity: i128,
    /// What was measured.
    measured: i128,
    estimated: i128,
    /// Jobs, and what counts of them.
    jobs: (u64, i128),
    /// What counts of each day's jobs and sums, where days are rounded.
    days: BTreeMap<Day, i128>,
    /// Sums of jobs, and what they used.
    sums: BTreeMap<SumKind, (u64, i128)>,
    grades: BTreeMap<Grade, i128>,
    marks: BTreeSet<Mark>,
    /// Counters and estimates.
    evidence: Vec<LineEvidence>,
}

impl Sum {
    /// Lets the quantity change by rounding. What is proved worst changes first, and the jobs bear it, so
    /// that what a line rests on still adds up to it.
    fn change(&mut self, change: i128) {
        self.quantity += change;
        let mut rest = change;
        for quantity in self.grades.values_mut().rev() {
            let part = if rest < 0 { rest.max(-(*quantity).max(0)) } else { rest };
            *quantity += part;
            rest -= part;
        }
        if let Some((_, quantity)) = self.grades.iter_mut().next_back() {
            *quantity += rest;
        }
        match self.sums.values_mut().next() {
            Some((_, used)) if self.jobs.0 == 0 => *used += change,
            _ if self.jobs.0 > 0 => self.jobs.1 += change,
            _ => {}
        }
    }
}

/// The sums of a stay, found by meter and media type.
#[derive(Default)]
struct Sums {
    places: BTreeMap<Meter, BTreeMap<Option<String>, usize>>,
    sums: Vec<Sum>,
}

impl Sums {
    /// The place of a sum; new ones are empty.
    fn place(&mut self, meter: &Meter, media: &Option<String>) -> usize {
        if let Some(place) = self.places.get(meter).and_then(|by_media| by_media.get(media)) {
            return *place;
        }
        let place = self.sums.len();
        self.places.entry(meter.clone()).or_default().insert(media.clone(), place);
        self.sums.push(Sum {
            meter: meter.clone(),
            media: media.clone(),
            quantity: 0,
            measured: 0,
            estimated: 0,
            jobs: (0, 0),
            days: BTreeMap::new(),
            sums: BTreeMap::new(),
            grades: BTreeMap::new(),
            marks: BTreeSet::new(),
            evidence: Vec::new(),
        });
        place
    }

    /// Adds a quantity of some grade to a sum, and gives the sum for what else is to be said.
    fn add(&mut self, meter: &Meter, media: &Option<String>, quantity: i128, grade: Option<Grade>) -> Option<&mut Sum> {
        let place = self.place(meter, media);
        let sum = self.sums.get_mut(place)?;
        sum.quantity += quantity;
        sum.measured += quantity;
        if let Some(grade) = grade {
            *sum.grades.entry(grade).or_default() += quantity;
        }
        Some(sum)
    }
}

/// What facts are summed by.
struct Gather<'t> {
    period: Period,
    terms: &'t Terms,
    zone: TimeZone,
    by_jobs: BTreeSet<MeterKind>,
    by_counter: BTreeSet<MeterKind>,
    filters: Vec<Filter<'t>>,
    roundings: Vec<&'t QuantityRounding>,
}

/// A draft with the usage of the period, all in one pool, and notes on what was not measured.
pub(super) fn draft<'a>(input: &'a Input, terms: &'a Terms, mut notes: Vec<String>) -> Result<Draft<'a>, RatingError> {
    let mut stays: Vec<&PrinterUsage> = input.printers.iter().filter(|stay| stay.is_in(input.period)).collect();
    stays.sort_by(|a, b| (&a.id, a.from).cmp(&(&b.id, b.from)));
    let gather = Gather::new(terms, input.period)?;
    let mut buckets = Vec::new();
    let mut rounded = BTreeMap::new();
    for (index, stay) in stays.iter().enumerate() {
        let sums = gather.stay(stay, &mut notes)?;
        for sum in sums.sums {
            buckets.push(gather.bucket(index, stay, sum, &mut rounded)?);
        }
    }
    gather.note_roundings(&rounded, &mut notes);
    Ok(Draft::new(input, terms, stays, buckets, notes))
}

/// What was measured and what counts of each kind.
type Rounded = BTreeMap<MeterKind, (i128, i128)>;

impl<'t> Gather<'t> {
    fn new(terms: &'t Terms, period: Period) -> Result<Gather<'t>, RatingError> {
        let from_counter = |kind: &MeterKind| terms.evidence_of(*kind) == Evidence::Counter;
        let (by_counter, by_jobs) = terms.kinds().into_iter().partition(from_counter);
        let filter = |clause: &'t Clause| match clause {
            Clause::Copies(copies) => Some(Filter::Copies(copies)),
            Clause::Coverage(coverage) => Some(Filter::Coverage(coverage)),
            Clause::MediaClass(classes) => Some(Filter::MediaClass(classes)),
            _ => None,
        };
        let rounding = |clause: &'t Clause| match clause {
            Clause::QuantityRounding(rounding) => Some(rounding),
            _ => None,
        };
        Ok(Gather {
            period,
            terms,
            zone: time_zone(&terms.time_zone)?,
            by_jobs,
            by_counter,
            filters: terms.clauses.iter().filter_map(filter).collect(),
            roundings: terms.clauses.iter().filter_map(rounding).collect(),
        })
    }

    /// Everything that one stay used.
    fn stay(&self, stay: &PrinterUsage, notes: &mut Vec<String>) -> Result<Sums, RatingError> {
        let mut sums = Sums::default();
        self.add_jobs(&mut sums, stay)?;
        self.add_sums(&mut sums, stay)?;
        for sum in &mut sums.sums {
            self.round_days(sum)?;
        }
        for &kind in &self.by_counter {
            self.add_counters(&mut sums, stay, kind, notes);
        }
        self.add_estimates(&mut sums, stay);
        self.note_beside(stay, notes);
        Ok(sums)
    }

    /// Says which sums are not billed, since their jobs may be known one by one.
    fn note_beside(&self, stay: &PrinterUsage, notes: &mut Vec<String>) {
        let is_of_jobs =
            |fact: &SumFact| fact.quantities.iter().any(|quantity| self.by_jobs.contains(&quantity.meter.kind()));
        let beside = stay.sums.iter().filter(|fact| fact.kind == SumKind::Beside && self.period.contains(fact.until));
        let mut found: Vec<(Instant, u64)> =
            beside.filter(|fact| is_of_jobs(fact)).map(|fact| (fact.until, fact.jobs)).collect();
        found.sort_unstable();
        notes.extend(found.into_iter().map(|(until, jobs)| {
            let sum = format!("{}: a sum of {jobs} jobs until {until} is not billed", stay.label);
            format!("{sum}: another agent brought jobs of that time one by one.")
        }));
    }

    fn add_jobs(&self, sums: &mut Sums, stay: &PrinterUsage) -> Result<(), RatingError> {
        for said in stay.jobs_in(self.period).filter(|job| self.terms.bills(job.status)) {
            let job = self.filtered(said, stay);
            for quantity in job.quantities.iter().filter(|quantity| self.by_jobs.contains(&quantity.meter.kind())) {
                let kind = quantity.meter.kind();
                let counts = i128::from(self.round(kind, quantity.amount, Point::Job));
                let measured = i128::from(quantity.amount);
                let sum = sums.add(&quantity.meter, &quantity.media, counts, Some(job.grade));
                let Some(sum) = sum else { continue };
                sum.measured += measured - counts;
                sum.jobs = (sum.jobs.0 + 1, sum.jobs.1 + counts);
                sum.marks.extend(&job.marks);
                if self.rounds(kind, Point::Day) {
                    *sum.days.entry(Day::in_zone(job.finished_at, &self.zone)?).or_default() += counts;
                }
            }
        }
        Ok(())
    }

    /// The job as the filters leave it.
    fn filtered<'j>(&self, job: &'j JobFact, stay: &PrinterUsage) -> Cow<'j, JobFact> {
        if self.filters.is_empty() {
            return Cow::Borrowed(job);
        }
        let mut job = job.clone();
        for filter in &self.filters {
            match filter {
                Filter::Copies(copies) => copies.filter(&mut job, stay),
                Filter::Coverage(coverage) => coverage.filter(&mut job, stay),
                Filter::MediaClass(classes) => classes.filter(&mut job, stay),
            }
        }
        Cow::Owned(job)
    }

    fn round(&self, kind: MeterKind, quantity: i64, point: Point) -> i64 {
        self.roundings.iter().fold(quantity, |quantity, rounding| rounding.round(kind, quantity, point))
    }

    fn rounds(&self, kind: MeterKind, point: Point) -> bool {
        self.roundings.iter().any(|rounding| rounding.meter == kind && rounding.point == point)
    }

    /// Lets each day's jobs count as they are rounded.
    fn round_days(&self, sum: &mut Sum) -> Result<(), RatingError> {
        let mut change = 0;
        for counts in sum.days.values() {
            let day = fit(*counts, &sum.meter)?;
            change += i128::from(self.round(sum.meter.kind(), day, Point::Day)) - counts;
        }
        sum.change(change);
        Ok(())
    }

    /// Whether what ends then is billed with this stay. The last job of a stay may end with it.
    fn holds_end(&self, stay: &PrinterUsage, at: Instant) -> bool {
        stay.holds(at, self.period) || (stay.to == Some(at) && self.period.contains(at))
    }

    fn add_sums(&self, sums: &mut Sums, stay: &PrinterUsage) -> Result<(), RatingError> {
        for fact in stay.sums.iter().filter(|fact| self.holds_end(stay, fact.until)) {
            let (grade, mark) = match fact.kind {
                SumKind::Fold => (Grade::C, Some(Mark::Folded)),
                SumKind::Cells => (fact.grade, None),
                SumKind::Beside => continue,
            };
            for quantity in fact.quantities.iter().filter(|quantity| self.by_jobs.contains(&quantity.meter.kind())) {
                let amount = i128::from(quantity.amount);
                let sum = sums.add(&quantity.meter, &quantity.media, amount, Some(grade));
                let Some(sum) = sum else { continue };
                let (jobs, used) = sum.sums.entry(fact.kind).or_default();
                *jobs = jobs.saturating_add(fact.jobs);
                *used += amount;
                sum.marks.extend(mark);
                if self.rounds(quantity.meter.kind(), Point::Day) {
                    *sum.days.entry(Day::in_zone(fact.until, &self.zone)?).or_default() += amount;
                }
            }
        }
        Ok(())
    }

    fn add_counters(&self, sums: &mut Sums, stay: &PrinterUsage, kind: MeterKind, notes: &mut Vec<String>) {
        let counters = counters_of(&stay.counters, kind, self.terms.grain(kind));
        let estimates = self.estimates_of(stay, kind);
        if counters.is_empty() && estimates.is_empty() {
            let note = format!("{} gives no counter of {}: nothing of it is billed.", stay.label, kind.label());
            notes.push(note);
        }
        for counter in counters {
            let usage = &counter.usage;
            let named =
                label(kind, counter.meter.category().as_ref(), counter.meter.colour(), counter.media.as_deref());
            let stands_in = estimates.iter().any(|fact| fact.meter == counter.meter && fact.media == counter.media);
            // Usage since the last reading is not left to a later period where an estimate stands for it.
            let left = |what: &Unmeasured| matches!(what, Unmeasured::NoReading | Unmeasured::SinceLast(_));
            let unmeasured = usage.unmeasured.iter().filter(|what| !(stands_in && left(what)));
            notes.extend(unmeasured.map(|what| format!("{}: the counter {named} {what}.", stay.label)));
            let parts = in_parts(usage, kind.unit());
            notes.extend(parts.map(|parts| format!("{}: the counter {named} {parts}.", stay.label)));
            // A difference is proved as well as the weaker of its two readings.
            let grade = usage.start.as_ref().zip(usage.end.as_ref()).map(|(start, end)| start.grade.max(end.grade));
            let quantity = i128::from(usage.quantity);
            if let Some(sum) = sums.add(&counter.meter, &counter.media, quantity, grade) {
                sum.marks.extend(marks_of(counter));
                let (start, end) = (usage.start, usage.end);
                sum.evidence.push(LineEvidence::Counter { start, end, quantity: usage.quantity });
            }
        }
    }

    fn add_estimates(&self, sums: &mut Sums, stay: &PrinterUsage) {
        for kind in self.by_jobs.iter().chain(&self.by_counter) {
            for fact in self.estimates_of(stay, *kind) {
                let quantity = i128::from(fact.quantity);
                if let Some(sum) = sums.add(&fact.meter, &fact.media, quantity, Some(Grade::C)) {
                    sum.estimated += quantity;
                    sum.marks.insert(Mark::Estimated);
                    let (span, method, quantity) = (fact.span, fact.method, fact.quantity);
                    sum.evidence.push(LineEvidence::Estimate { span, method, quantity });
                }
            }
        }
    }

    /// The estimates of a kind that end in the period and the stay, in an order of their own. Where the
    /// kind is billed from counters, only those as fine as the counters that are billed, or the next best:
    /// a printer's total and its categories count the same usage.
    fn estimates_of<'s>(&self, stay: &'s PrinterUsage, kind: MeterKind) -> Vec<&'s EstimateFact> {
        let ends = |fact: &EstimateFact| Instant(fact.span.end.0.saturating_sub(1));
        let found =
            stay.estimates.iter().filter(|fact| fact.meter.kind() == kind && stay.holds(ends(fact), self.period));
        let mut found: Vec<&EstimateFact> = found.collect();
        found.sort_by(|a, b| {
            let order = |fact: &EstimateFact| (fact.span, fact.method, fact.quantity);
            (&a.meter, &a.media, order(a)).cmp(&(&b.meter, &b.media, order(b)))
        });
        if self.by_counter.contains(&kind) {
            let fine = |fact: &&EstimateFact| grain_of(&fact.meter, fact.media.as_deref());
            let counters = counters_of(&stay.counters, kind, self.terms.grain(kind));
            let counted = counters.first().map(|counter| grain_of(&counter.meter, counter.media.as_deref()));
            let order = counted.unwrap_or_else(|| self.terms.grain(kind)).or_next();
            let grain = order.into_iter().find(|grain| found.iter().any(|fact| fine(fact) == *grain));
            found.retain(|fact| Some(fine(fact)) == grain);
        }
        found
    }

    /// The bucket of a sum, rounded for the period.
    fn bucket(
        &self,
        index: usize,
        stay: &PrinterUsage,
        mut sum: Sum,
        rounded: &mut Rounded,
    ) -> Result<Bucket, RatingError> {
        let kind = sum.meter.kind();
        let before = fit(sum.quantity, &sum.meter)?;
        let quantity = self.round(kind, before, Point::Period);
        sum.change(i128::from(quantity) - i128::from(before));
        let (measured, counts) = rounded.entry(kind).or_default();
        *measured += sum.measured;
        *counts += i128::from(quantity);
        let fits = |quantity: i128| fit(quantity, &sum.meter);
        let mut evidence = Vec::new();
        if sum.jobs.0 > 0 {
            evidence.push(LineEvidence::Jobs { count: sum.jobs.0, quantity: fits(sum.jobs.1)? });
        }
        for (kind, (jobs, used)) in sum.sums {
            evidence.push(LineEvidence::Sum { kind, jobs, quantity: fits(used)? });
        }
        evidence.extend(sum.evidence);
        let source = |evidence: LineEvidence| LineSource {
            printer: stay.id.clone(),
            label: stay.label.clone(),
            meter: sum.meter.clone(),
            media: sum.media.clone(),
            evidence,
        };
        let grades = sum.grades.into_iter().map(|(grade, quantity)| fits(quantity).map(|quantity| (grade, quantity)));
        Ok(Bucket {
            stay: index,
            quantity,
            covered: 0,
            covers: Vec::new(),
            estimated: fits(sum.estimated)?,
            grades: grades.collect::<Result<BTreeMap<Grade, i64>, RatingError>>()?,
            marks: sum.marks,
            sources: evidence.into_iter().map(source).collect(),
            meter: sum.meter.clone(),
            media: sum.media.clone(),
        })
    }

    /// Says how far what counts lies from what was measured. CL30.
    fn note_roundings(&self, rounded: &Rounded, notes: &mut Vec<String>) {
        for (kind, (measured, counts)) in rounded.iter().filter(|(_, (measured, counts))| measured != counts) {
            let show = |quantity: &i128| {
                i64::try_from(*quantity).map_or_else(|_| "more".to_owned(), |quantity| kind.unit().show_exact(quantity))
            };
            let named = label(*kind, None, None, None);
            notes.push(format!("{named}: {} measured, {} after rounding.", show(measured), show(counts)));
        }
    }
}

/// How a counter is added up of which somebody said what lies across its break: else nobody could tell from its
/// first and its last reading what it counted. `None` where nothing is counted across a break.
///
/// 500 to 600, a reset, then 20 to 80: 100 + 20 + 60.
fn in_parts(usage: &CounterUsage, unit: PricingUnit) -> Option<String> {
    let is_across = |part: &SegmentUsage| part.start.segment != part.end.segment;
    if !usage.segments.iter().any(is_across) {
        return None;
    }
    let words = |part: &SegmentUsage| {
        let at = |point: &ReadingPoint| format!("{} ({})", unit.number(point.value), point.read_at);
        format!("{} from {} to {}", unit.show(part.quantity), at(&part.start), at(&part.end))
    };
    let told: Vec<&SegmentUsage> = usage.segments.iter().filter(|part| is_across(part) || part.quantity != 0).collect();
    let mut named: Vec<String> = told.iter().copied().take(PARTS_MAX).map(words).collect();
    if told.len() > PARTS_MAX {
        named.push(format!("and {} more", told.len() - PARTS_MAX));
    }
    Some(format!("broke and is counted in parts: {}", named.join(", ")))
}

/// What the readings of a counter put on what is billed from it.
fn marks_of(counter: &CounterFact) -> impl Iterator<Item = Mark> {
    let segments = counter.usage.segments.iter().flat_map(|segment| [Some(segment.start), Some(segment.end)]);
    let edges = [counter.usage.start, counter.usage.end].into_iter().chain(segments);
    edges.flatten().filter_map(|reading| reading.source.mark())
}

fn fit(quantity: i128, meter: &Meter) -> Result<i64, RatingError> {
    i64::try_from(quantity).map_err(|_| RatingError::Overflow { what: meter.label() })
}
