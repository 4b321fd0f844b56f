//! From the facts of a printer to what rating reads: the portal and the verifier call this one function.
//!
//! Here it is decided which reading counts and which does not, to which stay a job belongs, that a job
//! counts once, and when an estimate falls away. The order in which facts are given changes nothing.
//! Deliberately absent: gathering the facts, and any price.

use super::edges::{EdgeRule, usage_of, with_worked_out};
use super::estimate::{DAY, History, estimate};
use super::segments::{Break, Decision, ReadingFact, ReadingPoint, SegmentReason, split};
use super::{CounterFact, EstimateFact, JobFact, Method, Quantity, ReadingSource, SumFact, ThresholdFact, counters_of};
use crate::clauses::estimates::{Estimates, MethodRow};
use crate::clauses::proof::{Manual, Proof};
use crate::clauses::replaced::{Gap, Replaced};
use crate::contract::{Evidence, Terms};
use crate::meter::Meter;
use crate::money::divide_half_up;
use crate::period::Period;
use crate::rating::PrinterUsage;
use report::{Duration, Instant};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the ledger knows of one printer around a period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterFacts {
    /// The printer's id.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// Row C3, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// When an agent first read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Instant>,
    /// Its stays in the contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<StayFact>,
    /// Its jobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobFact>,
    /// Sums of jobs that are not known one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<SumFact>,
    /// The readings of its counters, from the last one before the period (see [`days_before`]) to the first
    /// one after it, those of people included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<ReadingFact>,
    /// What was decided about breaks of its counters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// Estimates that were not withdrawn: all whose span ends after the first of the readings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub estimates: Vec<EstimateFact>,
    /// The limits by which it sorts pages into categories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<ThresholdFact>,
}

/// One stay of a printer in a contract, at one site. A move ends it and begins another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StayFact {
    /// Its first instant.
    pub from: Instant,
    /// The first instant after it; `None` while the printer stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Instant>,
    /// The place it fills, where it is a successor or has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
}

impl StayFact {
    fn holds(&self, at: Instant) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// As [`StayFact::holds`], for what belongs to the end of a time.
    fn holds_end(&self, end: Instant) -> bool {
        self.from < end && self.to.is_none_or(|to| end <= to)
    }
}

/// How near to an edge a printer's own reading makes a person's superfluous, where the contract has no
/// window.
const NEAR: Duration = Duration(2 * DAY);

/// How many days before a period its readings are wanted, beside the last one before its start: for the
/// window, and for an estimate that is worked out here.
pub fn days_before(terms: &Terms) -> i64 {
    let (before, _) = EdgeRule::of(terms).reach();
    let window = before.0 / DAY;
    if terms.rule::<Replaced>().is_none_or(|rule| rule.gap != Gap::Estimate) {
        return window;
    }
    let of_method = |row: &MethodRow| match row.method {
        Method::Daily30 => 31,
        Method::Daily60 => 61,
        Method::Daily90 => 91,
        Method::LastYear => 400,
        Method::LastPeriod => 100,
        Method::Model | Method::Zero => 0,
    };
    window + gap_rule(terms).rows.iter().map(of_method).max().unwrap_or(0)
}

/// How the contract estimates; the daily mean of the 30 days before where it does not say.
fn gap_rule(terms: &Terms) -> Estimates {
    let usual = || Estimates { rows: vec![MethodRow { method: Method::Daily30 }], days: 0 };
    terms.rule::<Estimates>().cloned().unwrap_or_else(usual)
}

/// What rating reads of a printer: one entry for each of its stays in the period, by time.
pub fn assemble(facts: &PrinterFacts, terms: &Terms, period: Period) -> Vec<PrinterUsage> {
    let mut stays: Vec<&StayFact> =
        facts.stays.iter().filter(|stay| period.cut(stay.from, stay.to).is_some()).collect();
    stays.sort();
    stays.dedup();
    let mut usages: Vec<PrinterUsage> = stays.iter().map(|stay| usage_without_facts(facts, stay)).collect();
    for job in jobs(facts) {
        if let Some(place) = stays.iter().position(|stay| stay.holds(job.finished_at)) {
            usages[place].jobs.push(job.clone());
        }
    }
    for sum in sums(facts) {
        let holds = stays.iter().position(|stay| stay.holds(sum.until));
        // A sum that ends with the stay belongs to it where no other stay follows.
        if let Some(place) = holds.or_else(|| stays.iter().position(|stay| stay.holds_end(sum.until))) {
            usages[place].sums.push(sum.clone());
        }
    }
    let (counters, standing) = counters(facts, terms);
    for (usage, stay) in usages.iter_mut().zip(&stays) {
        let Some(part) = period.cut(stay.from, stay.to) else { continue };
        let ends_here = |fact: &&EstimateFact| part.start < fact.span.end && fact.span.end <= part.end;
        usage.estimates = standing.iter().filter(ends_here).cloned().collect();
        usage.counters = counters.iter().map(|counter| counter.fact(part, terms)).collect();
        let gaps = gaps(usage, stay, part, terms, &counters);
        usage.estimates.extend(gaps);
        usage.estimates.sort_by(order_of_estimates);
    }
    usages
}

fn usage_without_facts(facts: &PrinterFacts, stay: &StayFact) -> PrinterUsage {
    let mut thresholds = facts.thresholds.clone();
    thresholds.sort_by_cached_key(|fact| {
        let papers: Vec<_> = fact.customization.clone().into_iter().collect();
        (fact.from, fact.lines_below, fact.high_above, papers)
    });
    thresholds.dedup();
    PrinterUsage {
        serial: facts.serial.clone(),
        from: stay.from,
        to: stay.to,
        known_since: facts.known_since,
        position: stay.position.clone(),
        site: stay.site.clone(),
        thresholds,
        ..PrinterUsage::new(&facts.id, &facts.label)
    }
}

/// The jobs by time, each key once: the first by (key, time).
fn jobs(facts: &PrinterFacts) -> Vec<&JobFact> {
    let mut jobs: Vec<&JobFact> = facts.jobs.iter().collect();
    jobs.sort_by(|a, b| {
        let by_key = a.key.cmp(&b.key).then(a.finished_at.cmp(&b.finished_at));
        // Two that differ in nothing else are the same job; whatever order they come in, one is the first.
        by_key.then_with(|| rest_of_job(a).cmp(&rest_of_job(b)))
    });
    jobs.dedup_by(|later, first| later.key == first.key);
    jobs.sort_by(|a, b| a.finished_at.cmp(&b.finished_at).then_with(|| a.key.cmp(&b.key)));
    jobs
}

/// What tells two jobs of one key and instant apart, as something that can be ordered.
fn rest_of_job(job: &JobFact) -> impl Ord + use<> {
    let quantities = in_order(&job.quantities);
    (job.grade, job.status, quantities, job.kind, job.coverage, job.marks.clone())
}

fn in_order(quantities: &[Quantity]) -> Vec<(Meter, Option<String>, i64)> {
    quantities.iter().map(|quantity| (quantity.meter.clone(), quantity.media.clone(), quantity.amount)).collect()
}

/// The sums by time, each once.
fn sums(facts: &PrinterFacts) -> Vec<&SumFact> {
    let mut sums: Vec<&SumFact> = facts.sums.iter().collect();
    sums.sort_by_cached_key(|sum| (sum.until, sum.since, sum.kind, sum.jobs, sum.grade, in_order(&sum.quantities)));
    sums.dedup();
    sums
}

/// One counter of the printer with the readings that count.
struct Counter {
    meter: Meter,
    media: Option<String>,
    points: Vec<ReadingPoint>,
    breaks: Vec<Break>,
}

impl Counter {
    fn fact(&self, part: Period, terms: &Terms) -> CounterFact {
        let usage = usage_of(&self.points, &self.breaks, part, EdgeRule::of(terms));
        CounterFact { meter: self.meter.clone(), media: self.media.clone(), usage }
    }

    fn is(&self, meter: &Meter, media: Option<&str>) -> bool {
        self.meter == *meter && self.media.as_deref() == media
    }

    /// When it was read last, by the printer or a person.
    fn last_read(&self) -> Option<Instant> {
        self.points.iter().map(|point| point.read_at).max()
    }
}

/// The counters by meter and media, and the estimates that still stand.
///
/// At the edges of an estimate that readings have replaced the counter's value is worked out: otherwise the
/// period of the estimate would fall to nothing and the next would bear all.
fn counters(facts: &PrinterFacts, terms: &Terms) -> (Vec<Counter>, Vec<EstimateFact>) {
    let mut readings: BTreeMap<(&Meter, Option<&str>), Vec<ReadingFact>> = BTreeMap::new();
    for reading in &facts.readings {
        let key = (&reading.meter, reading.media.as_deref());
        readings.entry(key).or_default().push(reading.clone());
    }
    let mut counters: Vec<Counter> = Vec::new();
    for ((meter, media), all) in readings {
        let (points, breaks) = split(&admitted(&all, facts, terms), &facts.decisions);
        counters.push(Counter { meter: meter.clone(), media: media.map(str::to_owned), points, breaks });
    }
    let mut estimates: Vec<&EstimateFact> = facts.estimates.iter().collect();
    estimates.sort_by(|a, b| order_of_estimates(a, b));
    // Two for one time cannot both stand.
    estimates.dedup_by(|later, first| same_span(later, first));
    let mut edges: BTreeMap<usize, BTreeSet<Instant>> = BTreeMap::new();
    let mut standing = Vec::new();
    for fact in estimates {
        let is_counted = terms.evidence_of(fact.meter.kind()) == Evidence::Counter;
        // The job log is read with the counters, whichever they are; a job shows it too.
        let meant = if is_counted { meant(fact, &counters) } else { (0..counters.len()).collect() };
        let last_job = facts.jobs.iter().map(|job| job.finished_at).max().filter(|_| !is_counted);
        let read = meant.iter().filter_map(|place| counters[*place].last_read()).chain(last_job).max();
        if read.is_none_or(|read| read < fact.span.end) {
            standing.push(from_reading_on(fact, read));
        } else if is_counted {
            for place in meant {
                edges.entry(place).or_default().extend([fact.span.start, fact.span.end]);
            }
        }
    }
    for (place, edges) in edges {
        counters[place].points = with_worked_out(&counters[place].points, &edges);
    }
    (counters, standing)
}

/// An estimate cut to the time after the last reading in it: what was read is not estimated too.
fn from_reading_on(fact: &EstimateFact, read: Option<Instant>) -> EstimateFact {
    let span = fact.span;
    let rest = read.filter(|read| span.start < *read).and_then(|read| span.cut(read, None));
    let Some(rest) = rest else { return fact.clone() };
    let length = |span: Period| i128::from(span.end.since(span.start).0);
    let top = i128::from(fact.quantity) * length(rest);
    let quantity = i64::try_from(divide_half_up(top, length(span).max(1))).unwrap_or(fact.quantity);
    let basis = format!("{}; of it the time from {} on, which no reading shows", fact.basis, rest.start);
    EstimateFact { span: rest, quantity, basis, ..fact.clone() }
}

/// The counters that an estimate stands for: that of its meter and media, else all of its kind.
fn meant(fact: &EstimateFact, counters: &[Counter]) -> Vec<usize> {
    let whole = fact.meter.part().is_none() && fact.media.is_none();
    let exact = |counter: &Counter| counter.is(&fact.meter, fact.media.as_deref());
    let is_meant = |counter: &Counter| exact(counter) || (whole && counter.meter.kind() == fact.meter.kind());
    counters.iter().enumerate().filter(|(_, counter)| is_meant(counter)).map(|(place, _)| place).collect()
}

/// The readings that count: the printer's, and those of people as the contract says. CL32.
fn admitted(readings: &[ReadingFact], facts: &PrinterFacts, terms: &Terms) -> Vec<ReadingFact> {
    let at_edge_of_stay =
        |at: Instant| facts.stays.iter().any(|stay| stay.from == at || stay.to.is_some_and(|to| to == at));
    let own = || readings.iter().filter(|own| !own.source.is_of_a_person()).map(|own| own.read_at);
    let counts = |reading: &&ReadingFact| {
        let said = (reading.source, reading.read_at);
        !reading.source.is_of_a_person() || admits(Some(terms), said, own(), at_edge_of_stay(reading.read_at))
    };
    readings.iter().filter(counts).cloned().collect()
}

/// Whether a reading that a person said of a time counts under these terms, beside the printer's own of that
/// counter, which were made at `own`. Without terms it counts as under those that say nothing of it. CL32.
///
/// What a person noted when a printer came or went cannot be said by any other reading.
pub fn admits(
    terms: Option<&Terms>,
    (source, at): (ReadingSource, Instant),
    own: impl IntoIterator<Item = Instant>,
    is_edge_of_stay: bool,
) -> bool {
    let proof = terms.and_then(|terms| terms.rule::<Proof>());
    let manual = proof.map_or(Manual::default(), |proof| proof.manual);
    let (before, after) = match terms.map_or(EdgeRule::Last, EdgeRule::of) {
        EdgeRule::Last => (NEAR, NEAR),
        window @ EdgeRule::Window { .. } => window.reach(),
    };
    let near = Instant(at.0.saturating_sub(before.0))..=at.plus(after);
    let is_missing = || is_edge_of_stay || !own.into_iter().any(|own| near.contains(&own));
    match manual {
        Manual::Always => true,
        Manual::WhenMissing => is_missing(),
        Manual::Never => source == ReadingSource::Opening && is_missing(),
    }
}

fn same_span(a: &EstimateFact, b: &EstimateFact) -> bool {
    (&a.meter, &a.media, a.span) == (&b.meter, &b.media, b.span)
}

fn order_of_estimates(a: &EstimateFact, b: &EstimateFact) -> Ordering {
    let order = |fact: &EstimateFact| (fact.span, fact.method, fact.quantity);
    let meters = (&a.meter, &a.media).cmp(&(&b.meter, &b.media));
    meters.then_with(|| order(a).cmp(&order(b))).then_with(|| a.basis.cmp(&b.basis))
}

/// Estimates of the time that neither the old counter nor the new one shows, where the contract wants them.
/// CL19. They never fall away: no reading will ever show it.
fn gaps(usage: &PrinterUsage, stay: &StayFact, part: Period, terms: &Terms, counters: &[Counter]) -> Vec<EstimateFact> {
    if terms.rule::<Replaced>().is_none_or(|rule| rule.gap != Gap::Estimate) {
        return Vec::new();
    }
    let rule = gap_rule(terms);
    let mut gaps = Vec::new();
    for kind in terms.kinds().into_iter().filter(|kind| terms.evidence_of(*kind) == Evidence::Counter) {
        for fact in counters_of(&usage.counters, kind, terms.grain(kind)) {
            let media = fact.media.as_deref();
            let Some(counter) = counters.iter().find(|counter| counter.is(&fact.meter, media)) else { continue };
            for (last, gap) in unread(counter, stay) {
                let Some(span) = part.cut(gap.start, Some(gap.end)) else { continue };
                let overlaps = |other: &EstimateFact| {
                    let same_time = other.span.cut(span.start, Some(span.end)).is_some();
                    same_time && (&other.meter, &other.media) == (&fact.meter, &fact.media)
                };
                let known = counter.points.partition_point(|point| point.read_at <= last);
                let points = counter.points.get(..known).unwrap_or_default();
                let history = History { points, breaks: &counter.breaks, model: None };
                if !usage.estimates.iter().any(overlaps) {
                    gaps.extend(estimate(&fact.meter, media, span, &rule, &history, &terms.time_zone));
                }
            }
        }
    }
    gaps
}

/// The last reading of the old counter and the time that no counter shows: from there to the first reading
/// of the new one, or to the end of the stay of a printer whose place goes on.
fn unread(counter: &Counter, stay: &StayFact) -> Vec<(Instant, Period)> {
    let is_swap = |known: &&Break| known.reason == SegmentReason::Swap && known.across().is_err();
    let swaps = counter.breaks.iter().filter(is_swap).map(|known| (known.from.read_at, known.to.read_at));
    let last = counter.points.iter().map(|point| point.read_at).max();
    let left = stay.to.filter(|_| stay.position.is_some());
    let end = last.zip(left).filter(|(last, to)| stay.from <= *last && last < to);
    swaps.chain(end).filter_map(|(from, to)| Some((from, Period::new(from, to).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::window::{Otherwise, Window};
    use crate::meter::{MeterKind, Pattern};
    use crate::money::{Currency, UnitPrice};
    use crate::{Clause, Price, PriceList};
    use report::{Grade, JobStatus};

    /// The beginning of a day, UTC.
    fn day(day: i64) -> Instant {
        Instant(day * DAY)
    }

    fn days(start: i64, end: i64) -> Period {
        Period::new(day(start), day(end)).unwrap()
    }

    /// Media used is billed from the counter; `more` clauses stand before the price.
    fn terms(more: Vec<Clause>) -> Terms {
        let price = Price::new(Pattern::parse("area-media").unwrap(), UnitPrice { millionths: 140_000 });
        let prices = Clause::PriceList(PriceList { prices: vec![price] });
        let mut terms = Terms::new(Currency::parse("EUR").unwrap(), "UTC");
        terms.clauses = more.into_iter().chain([prices]).collect();
        terms.evidence.insert(MeterKind::AreaMedia, Evidence::Counter);
        terms
    }

    fn reading(at: i64, value: i64, source: ReadingSource) -> ReadingFact {
        let meter = Meter::whole(MeterKind::AreaMedia);
        ReadingFact { meter, media: None, value, read_at: day(at), grade: Grade::B, source }
    }

    fn printed(readings: &[(i64, i64)]) -> Vec<ReadingFact> {
        readings.iter().map(|&(at, value)| reading(at, value, ReadingSource::Printer)).collect()
    }

    fn stay(from: i64, to: Option<i64>) -> StayFact {
        StayFact { from: day(from), to: to.map(day), position: Some("P".to_owned()), site: None }
    }

    fn facts(readings: Vec<ReadingFact>) -> PrinterFacts {
        let (id, label) = ("A".to_owned(), "T930".to_owned());
        PrinterFacts { id, label, stays: vec![stay(0, None)], readings, ..PrinterFacts::default() }
    }

    fn job(key: &str, at: i64, amount: i64) -> JobFact {
        JobFact {
            key: key.to_owned(),
            finished_at: day(at),
            status: Some(JobStatus::Printed),
            grade: Grade::B,
            quantities: vec![Quantity { meter: Meter::whole(MeterKind::Pages), media: None, amount }],
            kind: None,
            coverage: None,
            marks: BTreeSet::new(),
        }
    }

    fn estimated(start: i64, end: i64, quantity: i64) -> EstimateFact {
        EstimateFact {
            meter: Meter::whole(MeterKind::AreaMedia),
            media: None,
            span: days(start, end),
            quantity,
            method: Method::Daily30,
            basis: "a mean".to_owned(),
        }
    }

    /// What a period counts and what it estimates, over all stays.
    fn billed(facts: &PrinterFacts, terms: &Terms, period: Period) -> (i64, i64) {
        let usages = assemble(facts, terms, period);
        let counted = usages.iter().flat_map(|usage| &usage.counters).map(|counter| counter.usage.quantity).sum();
        let estimated = usages.iter().flat_map(|usage| &usage.estimates).map(|fact| fact.quantity).sum();
        (counted, estimated)
    }

    #[test]
    fn a_job_counts_once_in_the_stay_that_holds_it_whatever_the_order() {
        let mut facts = facts(printed(&[(90, 0), (150, 70), (190, 100)]));
        facts.stays = vec![stay(0, Some(150)), stay(150, None), stay(300, None)];
        facts.jobs = vec![job("b", 150, 1), job("a", 120, 2), job("a", 110, 3), job("b", 150, 4), job("a", 120, 2)];
        let found = assemble(&facts, &terms(vec![]), days(100, 200));
        let shown = |job: &JobFact| (job.key.clone(), job.finished_at.0 / DAY, job.quantities[0].amount);
        let jobs: Vec<Vec<(String, i64, i64)>> =
            found.iter().map(|usage| usage.jobs.iter().map(shown).collect()).collect();
        assert_eq!(jobs, [vec![("a".to_owned(), 110, 3)], vec![("b".to_owned(), 150, 1)]]);
        let counted: Vec<i64> = found.iter().map(|usage| usage.counters[0].usage.quantity).collect();
        assert_eq!(counted, [70, 30]);
        facts.stays.reverse();
        facts.jobs.reverse();
        facts.readings.reverse();
        assert_eq!(assemble(&facts, &terms(vec![]), days(100, 200)), found);
    }

    #[test]
    fn w6_a_replaced_printer_counts_old_and_new() {
        let last = reading(150, 183_425, ReadingSource::Manual);
        let old_readings = vec![reading(95, 182_000, ReadingSource::Printer), last];
        let old = PrinterFacts { stays: vec![stay(0, Some(150))], ..facts(old_readings) };
        let new_readings = vec![reading(150, 30, ReadingSource::Opening), reading(200, 610, ReadingSource::Printer)];
        let new = PrinterFacts { id: "B".to_owned(), stays: vec![stay(150, None)], ..facts(new_readings) };
        let counted = [&old, &new].map(|facts| billed(facts, &terms(vec![]), days(100, 200)).0);
        assert_eq!((counted, counted.iter().sum::<i64>()), ([1_425, 580], 2_005));
        let places = [&old, &new].map(|facts| assemble(facts, &terms(vec![]), days(100, 200))[0].position.clone());
        assert_eq!(places[0], places[1]);
    }

    #[test]
    fn a_persons_reading_counts_as_the_contract_says() {
        let window = |otherwise| Clause::Window(Window { before_days: 10, after_days: 6, otherwise });
        let proof = |manual| Clause::Proof(Proof { manual, ..Proof::default() });
        let near = reading(199, 130, ReadingSource::Customer);
        let far = reading(180, 120, ReadingSource::Manual);
        // The person's reading, clauses, what is counted: the printer was read on days 95 and 190.
        let cases = [
            (&near, vec![], 30),
            (&far, vec![], 20),
            (&near, vec![window(Otherwise::Last)], 10),
            (&near, vec![proof(Manual::Always)], 30),
            (&near, vec![proof(Manual::Never)], 10),
        ];
        for (person, clauses, expected) in cases {
            let mut readings = printed(&[(95, 100)]);
            // Where the person's is the later one the printer's own is that of day 190.
            readings.extend(printed(&[(190, 110)]).into_iter().filter(|own| person.read_at > own.read_at));
            readings.push(person.clone());
            let words = format!("{:?} {clauses:?}", person.source);
            assert_eq!(billed(&facts(readings), &terms(clauses), days(100, 200)).0, expected, "{words}");
        }
    }

    #[test]
    fn an_estimate_falls_away_when_a_reading_comes_and_the_edges_are_worked_out_by_day() {
        // Read on day 100, then not before day 300: 2 000 in 200 days. Days 100 to 200 were estimated.
        let mut facts = facts(printed(&[(100, 0)]));
        facts.estimates = vec![estimated(100, 200, 1_500)];
        let terms = terms(vec![]);
        assert_eq!(billed(&facts, &terms, days(100, 200)), (0, 1_500));
        assert_eq!(billed(&facts, &terms, days(200, 310)), (0, 0));
        facts.readings.extend(printed(&[(300, 2_000)]));
        let spans = [days(100, 200), days(200, 250), days(250, 310)];
        assert_eq!(spans.map(|span| billed(&facts, &terms, span)), [(1_000, 0), (0, 0), (1_000, 0)]);
        let first = assemble(&facts, &terms, days(100, 200));
        assert_eq!(first[0].counters[0].usage.end.map(|end| end.source), Some(ReadingSource::Interpolated));
    }

    #[test]
    fn what_was_read_inside_an_estimate_is_not_estimated_too() {
        let mut facts = facts(printed(&[(100, 0), (160, 700)]));
        facts.estimates = vec![estimated(100, 200, 1_500), estimated(100, 200, 9_000)];
        assert_eq!(billed(&facts, &terms(vec![]), days(100, 200)), (700, 600));
    }

    #[test]
    fn a_jobs_meter_is_estimated_until_the_printer_is_read() {
        let mut terms = terms(vec![]);
        terms.evidence.clear();
        let mut facts = facts(printed(&[(90, 0)]));
        facts.estimates = vec![estimated(100, 200, 50)];
        assert_eq!(billed(&facts, &terms, days(100, 200)).1, 50);
        facts.readings.extend(printed(&[(201, 5)]));
        assert_eq!(billed(&facts, &terms, days(100, 200)).1, 0);
    }

    #[test]
    fn a_jump_that_a_person_settled_bills_what_would_be_billed_had_it_never_been_read() {
        let good = [(90, 0), (104, 40), (118, 41), (133, 90), (147, 90), (161, 200), (190, 260), (215, 300)];
        let window = |otherwise| Clause::Window(Window { before_days: 8, after_days: 8, otherwise });
        let rules = [Otherwise::Last, Otherwise::Missing, Otherwise::Interpolate].map(window);
        let contracts: Vec<Terms> = [vec![]].into_iter().chain(rules.map(|rule| vec![rule])).map(terms).collect();
        let periods = [days(100, 150), days(150, 200), days(100, 200), days(120, 121)];
        let mut plain = facts(printed(&good));
        plain.estimates = vec![estimated(110, 140, 70), estimated(190, 230, 70)];
        let counted = |facts: &PrinterFacts| -> Vec<Vec<PrinterUsage>> {
            let of_terms = |terms: &Terms| periods.map(|period| assemble(facts, terms, period));
            contracts.iter().flat_map(of_terms).collect()
        };
        let expected = counted(&plain);
        for pair in good.windows(2) {
            let [(from, _), (to, _)] = [pair[0], pair[1]];
            for many in 1..=4 {
                // It jumps, falls in between, and is back with the next true reading.
                let high: Vec<(i64, i64)> = (1..=many).map(|n| (from + n, 9_000 + n - 500 * (n % 3))).collect();
                let mut spiked = plain.clone();
                spiked.readings.extend(printed(&high));
                assert_ne!(counted(&spiked), expected, "{high:?}");
                spiked.decisions = vec![Decision {
                    meter: Meter::whole(MeterKind::AreaMedia),
                    media: None,
                    at: day(to),
                    reason: SegmentReason::Spike,
                    counts_from: None,
                    width: None,
                    by: "Ada".to_owned(),
                    decided_at: day(216),
                }];
                assert_eq!(counted(&spiked), expected, "{high:?}");
            }
        }
    }

    #[test]
    fn the_gap_of_a_swap_is_estimated_where_the_contract_says_so() {
        // Ten a day until day 150; the new board is read first on day 160 and counts on at ten a day.
        let mut facts = facts(printed(&[(100, 0), (150, 500), (160, 7), (200, 407)]));
        let swap = |counts_from| Decision {
            meter: Meter::whole(MeterKind::AreaMedia),
            media: None,
            at: day(160),
            reason: SegmentReason::Swap,
            counts_from,
            width: None,
            by: "Ada".to_owned(),
            decided_at: day(161),
        };
        let with = |gap| terms(vec![Clause::Replaced(Replaced { gap })]);
        facts.decisions = vec![swap(None)];
        assert_eq!(billed(&facts, &with(Gap::Ignore), days(100, 200)), (900, 0));
        assert_eq!(billed(&facts, &with(Gap::Estimate), days(100, 200)), (900, 100));
        // A period that ends in the gap bears its part of it.
        let parts = [days(100, 155), days(155, 200)].map(|part| billed(&facts, &with(Gap::Estimate), part));
        assert_eq!(parts, [(500, 50), (400, 50)]);
        facts.decisions.push(Decision { decided_at: day(162), ..swap(Some(3)) });
        assert_eq!(billed(&facts, &with(Gap::Estimate), days(100, 200)), (904, 0));
    }

    #[test]
    fn a_replaced_printers_last_days_are_estimated() {
        let facts = PrinterFacts { stays: vec![stay(0, Some(155))], ..facts(printed(&[(100, 0), (150, 500)])) };
        let estimate = terms(vec![Clause::Replaced(Replaced { gap: Gap::Estimate })]);
        assert_eq!(billed(&facts, &estimate, days(100, 200)), (500, 50));
        assert_eq!(days_before(&estimate), 31);
        assert_eq!(days_before(&terms(vec![])), 0);
    }

    #[test]
    fn facts_survive_storage() {
        let mut stored = facts(printed(&[(100, 0)]));
        stored.estimates = vec![estimated(100, 200, 5)];
        stored.jobs = vec![job("a", 120, 2)];
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<PrinterFacts>(&text).unwrap(), stored);
        assert_eq!(serde_json::from_str::<PrinterFacts>(r#"{"id":"","label":""}"#).unwrap(), PrinterFacts::default());
    }
}
