//! The readings of a printer's counters: each has its record, and none that the period needs is left out.
//!
//! A ledger keeps a reading when its value changed; a reading that repeats the value before it is no fact. A
//! counter follows one interface of its printer; what another one gives is none either. Deliberately absent:
//! readings of people, and readings after the period's end.

use super::{Facts, Place, ReadingSeen, named};
use crate::facts::could_be_declared;
use crate::interfaces::{SILENCE, names_one, same_series};
use crate::verify::Findings;
use billing::{Evidence, Meter, Quantity, ReadingFact, ReadingSource};
use protocol::Hex;
use report::{Grade, Instant};
use std::collections::{BTreeMap, BTreeSet};

type Key = (Meter, Option<String>);

/// Holds the readings of a printer against its records.
pub(super) fn check(place: &Place<'_>, facts: &mut Facts, findings: &mut Findings) {
    for (number, fact) in place.facts.readings.iter().enumerate() {
        let at = format!("{}.readings.{number}", place.at);
        match fact.source {
            ReadingSource::Manual | ReadingSource::Customer | ReadingSource::Opening => {
                if fact.grade != Grade::C {
                    findings.add(format!("{at}.grade"), fact.grade.word(), "C", "a person's reading is of grade C");
                }
            }
            ReadingSource::Interpolated => {
                let why = "what lies between two readings is worked out anew";
                findings.add(format!("{at}.source"), "interpolated", "a reading", why);
            }
            ReadingSource::Printer | ReadingSource::Declared => check_one(place, &at, fact, facts, findings),
        }
    }
    check_left_out(place, facts, findings);
}

/// A reading that a printer said.
fn check_one(place: &Place<'_>, at: &str, fact: &ReadingFact, facts: &mut Facts, findings: &mut Findings) {
    let key = (fact.meter.clone(), fact.media.clone());
    let (seen, read_at) = (place.seen, fact.read_at);
    let readings = &seen.readings;
    let at_once = || seen.at_once(read_at);
    let says = |seen: &&ReadingSeen<'_>| match fact.source {
        ReadingSource::Declared => {
            let quantity = Quantity { meter: fact.meter.clone(), media: fact.media.clone(), amount: fact.value };
            could_be_declared(&seen.unitless, &quantity)
        }
        _ => seen.values.get(&key) == Some(&fact.value),
    };
    if at_once().filter(|seen| seen.grade == fact.grade).any(|seen| says(&seen)) {
        facts.readings = facts.readings.saturating_add(1);
        return;
    }
    // The printer was read then and did not say this counter; it stood at the value that it said before.
    let silent = |seen: &ReadingSeen<'_>| seen.grade == fact.grade && !seen.values.contains_key(&key);
    let earlier = readings.iter().filter(|seen| seen.read_at < fact.read_at && seen.values.contains_key(&key));
    let before = earlier.max_by_key(|seen| seen.read_at).and_then(|seen| seen.values.get(&key));
    if fact.source == ReadingSource::Printer && at_once().any(silent) && before == Some(&fact.value) {
        facts.repeated = facts.repeated.saturating_add(1);
        return;
    }
    let said = |seen: &ReadingSeen<'_>| seen.values.get(&key).copied();
    let same_time = at_once().find(|seen| said(seen).is_some());
    let near = same_time.or_else(|| readings.iter().find(|seen| said(seen) == Some(fact.value)));
    let near = near.and_then(|seen| {
        let value = said(seen)?;
        Some((ReadingFact { value, read_at: seen.read_at, grade: seen.grade, ..fact.clone() }, seen.path))
    });
    named(at, fact, near.as_ref().map(|(near, path)| (near, *path)), findings);
}

/// What the records say of one counter, and which of it are facts.
struct Series<'a> {
    key: Key,
    /// The facts that the printer said, by (instant, value).
    known: BTreeSet<(Instant, i64)>,
    /// In the order that they arrived.
    lines: Vec<Line<'a>>,
    /// By (instant, value), the places of the lines that name an interface.
    named: BTreeMap<(Instant, i64), Vec<usize>>,
    /// The instants of decisions on its breaks.
    decided: BTreeSet<Instant>,
}

/// What one record says of a counter.
#[derive(Clone, Copy)]
struct Line<'a> {
    at: Instant,
    value: i64,
    arrived: Instant,
    /// The interface that gave it; empty where that is not known.
    interface: &'a str,
    path: &'a str,
}

impl<'a> Series<'a> {
    fn new(key: &Key) -> Series<'a> {
        let (known, lines, named, decided) = (BTreeSet::new(), Vec::new(), BTreeMap::new(), BTreeSet::new());
        Series { key: key.clone(), known, lines, named, decided }
    }

    fn push(&mut self, line: Line<'a>) {
        if names_one(line.interface) {
            self.named.entry((line.at, line.value)).or_default().push(self.lines.len());
        }
        self.lines.push(line);
    }

    /// The record of a fact that names an interface; of several the one that names `interface`.
    fn record_of(&self, fact: (Instant, i64), interface: &str) -> Option<&Line<'a>> {
        let places = self.named.get(&fact)?;
        let lines = || places.iter().filter_map(move |place| self.lines.get(*place));
        lines().find(|line| line.interface == interface).or_else(|| lines().next())
    }

    /// The interface that the counter follows at an instant: that of the last fact before that names one, else of
    /// the first one after; where no fact does, as the first record to arrive says.
    fn interface_at(&self, at: Instant) -> &'a str {
        if self.named.is_empty() {
            return "";
        }
        let before = self.known.range(..=(at, i64::MAX)).rev().find_map(|fact| self.record_of(*fact, ""));
        let after = || self.known.range((at, i64::MAX)..).find_map(|fact| self.record_of(*fact, ""));
        let any = || self.lines.iter().find(|line| names_one(line.interface));
        before.or_else(after).or_else(any).map_or("", |line| line.interface)
    }

    /// Whether the file shows a reading over this interface within the time before `at` in which no other one
    /// takes the counter over.
    fn is_read_over(&self, interface: &str, at: Instant) -> bool {
        self.lines.iter().any(|line| line.interface == interface && line.at <= at && at < line.at.plus(SILENCE))
    }

    /// The facts on either side of a reading.
    fn neighbours(&self, line: &Line<'_>) -> (Option<(Instant, i64)>, Option<(Instant, i64)>) {
        let before = self.known.range(..=(line.at, i64::MAX)).next_back();
        (before.copied(), self.known.range((line.at, i64::MAX)..).next().copied())
    }

    /// Whether another reading of the series, between the same facts, says that this one cannot be.
    fn is_denied(&self, line: &Line<'_>, interface: &str) -> bool {
        let (before, after) = self.neighbours(line);
        let is_between = |other: &Line<'_>| {
            before.is_none_or(|(at, value)| at <= other.at && value <= other.value)
                && after.is_none_or(|(at, value)| other.at <= at && other.value <= value)
        };
        let denies = |other: &Line<'_>| {
            (other.at <= line.at && other.value > line.value) || (other.at >= line.at && other.value < line.value)
        };
        let is_own = |other: &Line<'_>| same_series(interface, other.interface);
        self.lines.iter().any(|other| is_own(other) && denies(other) && is_between(other))
    }

    /// Whether a reading has to be among the facts.
    fn need(&self, line: &Line<'_>, interface: &str, start: Instant) -> Need {
        if self.known.contains(&(line.at, line.value)) {
            return Need::None;
        }
        let (before, after) = self.neighbours(line);
        match (before, after) {
            // What lies before the reading at the start is not needed.
            (None, Some((first, _))) if first <= start => Need::None,
            (None, Some((_, next))) if line.value > next => Need::Odd,
            (Some((_, last)), _) if line.value == last => Need::None,
            (Some((_, last)), _) if line.value < last => Need::Odd,
            (Some(_), Some((_, next))) if line.value > next => Need::Odd,
            // Nobody can say to which side of a break it belongs.
            (Some((from, _)), Some((to, _))) if self.decided.range(from..=to).any(|at| *at > from) => Need::Odd,
            _ if self.is_denied(line, interface) => Need::Odd,
            _ => Need::Fact,
        }
    }
}

/// What the records say of each billed counter.
fn series<'a>(place: &Place<'a>) -> BTreeMap<Key, Series<'a>> {
    let terms = &place.basis.input.terms;
    let kinds = terms.kinds();
    let is_billed =
        |meter: &Meter| kinds.contains(&meter.kind()) && terms.evidence_of(meter.kind()) == Evidence::Counter;
    let mut all: BTreeMap<Key, Series<'a>> = BTreeMap::new();
    for seen in &place.seen.readings {
        for (key, value) in seen.values.iter().filter(|(key, _)| is_billed(&key.0)) {
            let interface = seen.interfaces.and_then(|known| known.of(&key.0, key.1.as_deref())).unwrap_or("");
            let line = Line { at: seen.read_at, value: *value, arrived: seen.arrived, interface, path: seen.path };
            all.entry(key.clone()).or_insert_with(|| Series::new(key)).push(line);
        }
    }
    for fact in place.facts.readings.iter().filter(|fact| fact.source == ReadingSource::Printer) {
        if let Some(series) = all.get_mut(&(fact.meter.clone(), fact.media.clone())) {
            series.known.insert((fact.read_at, fact.value));
        }
    }
    for decision in &place.facts.decisions {
        if let Some(series) = all.get_mut(&(decision.meter.clone(), decision.media.clone())) {
            series.decided.insert(decision.at);
        }
    }
    all
}

/// Readings of billed counters that change what the period counts, and are no facts; and counters that were
/// handed over from one interface to another while their own was read.
fn check_left_out(place: &Place<'_>, facts: &mut Facts, findings: &mut Findings) {
    let sections: BTreeSet<Hex<32>> = place.seen.readings.iter().map(|seen| seen.sources).collect();
    if sections.len() > 1 {
        let unsaid = place.seen.readings.iter().filter(|seen| seen.interfaces.is_none()).count();
        facts.unsourced = facts.unsourced.saturating_add(u64::try_from(unsaid).unwrap_or(u64::MAX));
    }
    for series in series(place).values() {
        check_handed_over(place, series, findings);
        check_lines(place, series, facts, findings);
    }
}

/// The readings of one counter that are no facts.
fn check_lines(place: &Place<'_>, series: &Series<'_>, facts: &mut Facts, findings: &mut Findings) {
    let period = place.basis.input.period;
    for line in series.lines.iter().filter(|line| line.at <= period.end) {
        let is_fact = series.known.contains(&(line.at, line.value));
        let own = series.interface_at(line.at);
        if !is_fact && !same_series(own, line.interface) {
            facts.elsewhere = facts.elsewhere.saturating_add(1);
            if !series.is_read_over(own, line.at) {
                facts.unfollowed = facts.unfollowed.saturating_add(1);
            }
            continue;
        }
        let is_in = !series.known.is_empty() || place.is_billed(line.at);
        match series.need(line, own, period.start) {
            Need::None => {}
            Need::Odd => facts.odd = facts.odd.saturating_add(1),
            Need::Fact if is_in && !place.facts.stays.is_empty() => {
                let should = format!("{} {} at {}", counter_of(&series.key), line.value, line.at);
                let at = format!("{}.readings", place.at);
                findings.add(at, "left out", should, format!("{} says it", line.path));
            }
            Need::Fact => {}
        }
    }
}

fn counter_of((meter, media): &Key) -> String {
    media.as_ref().map_or_else(|| meter.to_string(), |media| format!("{meter} on {media}"))
}

/// That a counter rises from one interface's value to another one's only where that was decided, or where its own
/// had been silent when the other one's reading arrived.
fn check_handed_over(place: &Place<'_>, series: &Series<'_>, findings: &mut Findings) {
    let mut before: Option<&Line<'_>> = None;
    let mut last: Option<(Instant, i64)> = None;
    for fact in &series.known {
        let rose = last.is_some_and(|(_, value)| value < fact.1);
        last = Some(*fact);
        let Some(line) = series.record_of(*fact, before.map_or("", |line| line.interface)) else { continue };
        let from = before.replace(line);
        let Some(from) = from.filter(|from| rose && !same_series(from.interface, line.interface)) else { continue };
        let is_decided = series.decided.range(from.at..=line.at).any(|at| *at > from.at);
        let is_own = |other: &&Line<'_>| {
            other.interface == from.interface
                && other.at < line.at
                && line.at < other.at.plus(SILENCE)
                && other.arrived < line.arrived
        };
        if let Some(own) = series.lines.iter().find(is_own).filter(|_| !is_decided) {
            let says = format!("{} over {}, then over {}", counter_of(&series.key), from.interface, line.interface);
            let why = format!("{} was read over {} within seven days before", own.path, from.interface);
            findings.add(format!("{}.readings", place.at), says, "readings of one interface", why);
        }
    }
}

/// Whether a reading has to be a fact.
enum Need {
    /// It changes nothing.
    None,
    /// It contradicts its neighbours; a reading that arrives late and does so is kept and moves nothing.
    Odd,
    /// It changes what is counted.
    Fact,
}
