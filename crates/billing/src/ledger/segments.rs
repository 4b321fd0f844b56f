//! Counter segments: a lifetime counter only rises within one, and every break starts a new one.
//!
//! A lower value never becomes a negative quantity: it opens a segment that waits for a person or a
//! rule to say whether the counter was reset, rolled over or swapped (CL19, CL20). Deliberately absent:
//! that decision, where a period's edge lies between readings (see `edges`), and any estimate of what a
//! break hides. What was not measured is named, not guessed.

pub use super::ReadingSource;
use super::decrease::plausible;
use crate::meter::Meter;
use report::{Grade, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Why a segment was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentReason {
    /// The counter was seen for the first time.
    Install,
    /// The value fell, and nobody has said why yet.
    Decrease,
    /// A person or a rule said: the counter was reset.
    Reset,
    /// A person or a rule said: the counter passed its highest value.
    Rollover,
    /// A person said: the board or the printer was replaced.
    Swap,
    /// A person or a rule said: new firmware counts otherwise than the old.
    Firmware,
    /// A person said: the printer counts in another unit now.
    UnitChange,
    /// Another interface of the printer gave the counter, and its value does not go on from the one before.
    /// As a decision it is settled once it says what the value counts from.
    Interface,
    /// After a break the value rose by more than can be, or back to where it was. As a decision it is settled
    /// once it says what the value counts from.
    Rise,
    /// A person said: the readings from there on were wrong, until the value was back.
    Misread,
}

impl SegmentReason {
    /// Every reason.
    pub const ALL: [SegmentReason; 10] = [
        SegmentReason::Install,
        SegmentReason::Decrease,
        SegmentReason::Reset,
        SegmentReason::Rollover,
        SegmentReason::Swap,
        SegmentReason::Firmware,
        SegmentReason::UnitChange,
        SegmentReason::Interface,
        SegmentReason::Rise,
        SegmentReason::Misread,
    ];

    /// The reason of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<SegmentReason> {
        SegmentReason::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// The word for pages, SQL and exports.
    pub fn word(self) -> &'static str {
        match self {
            SegmentReason::Install => "install",
            SegmentReason::Decrease => "decrease",
            SegmentReason::Reset => "reset",
            SegmentReason::Rollover => "rollover",
            SegmentReason::Swap => "swap",
            SegmentReason::Firmware => "firmware",
            SegmentReason::UnitChange => "unit-change",
            SegmentReason::Interface => "interface",
            SegmentReason::Rise => "rise",
            SegmentReason::Misread => "misread",
        }
    }

    /// Whether a segment opened for it waits for a person or a rule to say what happened.
    pub fn is_pending(self) -> bool {
        matches!(self, SegmentReason::Decrease | SegmentReason::Interface | SegmentReason::Rise)
    }
}

/// A stretch of readings in which a counter only rises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its number for this counter, from 1.
    pub number: u32,
    /// Why it was opened.
    pub reason: SegmentReason,
    /// When its first value was read.
    pub opened_at: Instant,
    /// Its first value, in the meter's base unit. What the counter counted before it is not measured.
    pub first_value: i64,
}

impl Segment {
    /// Whether it waits for a person to say why the value did not go on.
    pub fn is_pending(&self) -> bool {
        self.reason.is_pending()
    }
}

/// The last reading of a counter, from which the next one is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterState {
    /// The open segment.
    pub segment: u32,
    /// The last value, in the meter's base unit.
    pub value: i64,
    /// When it was read.
    pub read_at: Instant,
}

/// What a reading means for its counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The segment the reading belongs to.
    pub segment: u32,
    /// The segment that this reading opens.
    pub opened: Option<Segment>,
    /// What it adds since the last reading; never negative.
    pub delta: i64,
    /// The reading is older than the last one. It is kept as a fact and moves nothing; leave it out of
    /// what [`usage_between`] is given.
    pub is_late: bool,
    /// The state to judge the next reading by.
    pub state: CounterState,
}

/// Judges one reading of a counter.
///
/// 100, 140, 30, 35 observes: segment 1 opened, +40, segment 2 opened (pending), +5.
pub fn observe(last: Option<&CounterState>, value: i64, read_at: Instant) -> Observation {
    let Some(last) = last else { return open(1, SegmentReason::Install, value, read_at) };
    if read_at < last.read_at {
        return Observation { segment: last.segment, opened: None, delta: 0, is_late: true, state: *last };
    }
    if value < last.value {
        return open(last.segment.saturating_add(1), SegmentReason::Decrease, value, read_at);
    }
    let state = CounterState { segment: last.segment, value, read_at };
    let delta = value.saturating_sub(last.value);
    Observation { segment: last.segment, opened: None, delta, is_late: false, state }
}

/// Judges a reading that another interface of the printer gave than the last one, where it is not known that
/// both give one counter.
///
/// The same value, or a rise within what is plausible, goes on in the segment. Any other value may be that of
/// another counter: it opens a segment that waits. Without `usual_daily`, what the counter usually counts in a
/// day in base units, no rise is plausible.
pub fn observe_elsewhere(last: &CounterState, value: i64, read_at: Instant, usual_daily: Option<i64>) -> Observation {
    let seen = observe(Some(last), value, read_at);
    let CounterState { segment, value: before, read_at: last_read } = *last;
    // Neither grade nor source bear on what is plausible.
    let (grade, source) = (Grade::C, ReadingSource::Printer);
    let point = ReadingPoint { segment, value: before, read_at: last_read, grade, source };
    let is_plausible = || usual_daily.is_some() && plausible(&point, value, read_at, usual_daily).is_ok();
    if seen.is_late || value == before || is_plausible() {
        return seen;
    }
    open(segment.saturating_add(1), SegmentReason::Interface, value, read_at)
}

/// A reading after `last` whose rise cannot be believed: it opens a segment that waits.
pub fn hold(last: &CounterState, value: i64, read_at: Instant) -> Observation {
    open(last.segment.saturating_add(1), SegmentReason::Rise, value, read_at)
}

fn open(number: u32, reason: SegmentReason, value: i64, read_at: Instant) -> Observation {
    Observation {
        segment: number,
        opened: Some(Segment { number, reason, opened_at: read_at, first_value: value }),
        delta: 0,
        is_late: false,
        state: CounterState { segment: number, value, read_at },
    }
}

impl ReadingSource {
    /// Every source.
    pub const ALL: [ReadingSource; 6] = [
        ReadingSource::Printer,
        ReadingSource::Interpolated,
        ReadingSource::Manual,
        ReadingSource::Customer,
        ReadingSource::Opening,
        ReadingSource::Declared,
    ];

    /// The word for SQL and exports.
    pub fn word(self) -> &'static str {
        match self {
            ReadingSource::Printer => "printer",
            ReadingSource::Interpolated => "interpolated",
            ReadingSource::Manual => "manual",
            ReadingSource::Customer => "customer",
            ReadingSource::Opening => "opening",
            ReadingSource::Declared => "declared",
        }
    }

    /// The source of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<ReadingSource> {
        ReadingSource::ALL.into_iter().find(|source| source.word() == word)
    }

    /// What a page and a statement say.
    pub fn words(self) -> &'static str {
        match self {
            ReadingSource::Printer => "read by printer",
            ReadingSource::Interpolated => "worked out between two readings",
            ReadingSource::Manual => "entered by hand",
            ReadingSource::Customer => "entered by customer",
            ReadingSource::Opening => "opening reading",
            ReadingSource::Declared => "read by printer, unit declared",
        }
    }

    /// Whether a person says the number, so that the contract decides whether it counts (CL32).
    pub fn is_of_a_person(self) -> bool {
        matches!(self, ReadingSource::Manual | ReadingSource::Customer | ReadingSource::Opening)
    }
}

/// One reading of a counter, as the ledger keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingPoint {
    /// The segment it belongs to.
    pub segment: u32,
    /// What the counter showed, in the meter's base unit.
    pub value: i64,
    /// When it was read.
    pub read_at: Instant,
    /// How well it is proved.
    pub grade: Grade,
    /// Who says it.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub source: ReadingSource,
}

/// One reading of one counter, before it is known to which segment it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingFact {
    /// What is counted.
    pub meter: Meter,
    /// The media type, for counters by media (U7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// What the counter showed, in the meter's base unit.
    pub value: i64,
    /// When it was read.
    pub read_at: Instant,
    /// How well it is proved.
    pub grade: Grade,
    /// Who says it.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub source: ReadingSource,
}

/// Why a counter broke, as a person or a rule of the contract said. Of several on one break the latest counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The counter.
    pub meter: Meter,
    /// Its media type, for counters by media (U7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// When the first reading after the break was made. The break lies before the first reading from then on.
    pub at: Instant,
    /// Why. `Decrease` takes an earlier decision back: the break waits again. `Interface` and `Rise` without
    /// `counts_from` say that there is a break, which waits. `Misread` leaves the readings out from there on
    /// until one is at or above the last one before.
    pub reason: SegmentReason,
    /// What the counter showed when it began anew, base units: 0 after a reset, the set-up prints of a new
    /// printer. What it rose by from there to the first reading counts; without it nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_from: Option<i64>,
    /// How many values a counter that rolls over has, base units: 4 294 967 296 for 32 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
    /// Who decided, in words: a name, or the rule.
    pub by: String,
    /// When it was decided.
    pub decided_at: Instant,
}

/// A place where a counter did not go on from the reading before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// The last reading before it.
    pub from: ReadingPoint,
    /// The first reading after it.
    pub to: ReadingPoint,
    /// Why.
    pub reason: SegmentReason,
    /// See [`Decision::counts_from`].
    pub counts_from: Option<i64>,
    /// See [`Decision::width`].
    pub width: Option<i64>,
}

impl Break {
    /// What the counter is known to have counted between the two readings, base units, never negative;
    /// else why it is not known.
    ///
    /// A 32-bit counter from 4 294 967 200 to 105 counted 201 (W7). A printer set up at 3.0 and read at
    /// 61.0 counted 58.0 (W6).
    pub fn across(&self) -> Result<i64, Unmeasured> {
        let unknown = Unmeasured::Break { from: self.from.read_at, to: self.to.read_at };
        let (before, after) = (self.from.value, self.to.value);
        let pending = Unmeasured::Pending { before, after, at: self.to.read_at };
        let counted = match self.reason {
            // A misread that is no fall explains nothing.
            SegmentReason::Decrease | SegmentReason::Misread => return Err(pending),
            SegmentReason::Interface | SegmentReason::Rise if self.counts_from.is_none() => return Err(pending),
            SegmentReason::Rollover => self
                .width
                .filter(|width| self.from.value < *width && self.to.value < *width)
                .and_then(|width| width.checked_sub(self.from.value)?.checked_add(self.to.value)),
            _ => self.counts_from.and_then(|from| self.to.value.checked_sub(from)),
        };
        counted.filter(|counted| *counted >= 0).ok_or(unknown)
    }
}

/// Puts the readings of one counter in order and finds its breaks.
///
/// Repeats (one value at one instant) stand once, with the best source and grade. Segments are numbered
/// from 1 within what is given. A break lies where the value falls, and before the first reading at or
/// after a decision's instant. Decisions on other counters are left out.
///
/// 100, 0, 40, 100, 120 with the 0 said to be misread: 100, 100, 120, without a break.
pub fn split(readings: &[ReadingFact], decisions: &[Decision]) -> (Vec<ReadingPoint>, Vec<Break>) {
    let mut sorted: Vec<&ReadingFact> = readings.iter().collect();
    sorted.sort_by_key(|reading| (reading.read_at, reading.source, reading.value, reading.grade));
    let mut points: Vec<ReadingPoint> = Vec::with_capacity(sorted.len());
    let mut breaks = Vec::new();
    let decided = decided(&sorted, decisions);
    let mut segment = 1_u32;
    // While readings are left out as misread, the value that ends it.
    let mut back: Option<i64> = None;
    for (index, reading) in sorted.into_iter().enumerate() {
        let mut of_instant = points.iter().rev().take_while(|point| point.read_at == reading.read_at);
        if of_instant.any(|point| point.value == reading.value) {
            continue;
        }
        let ReadingFact { value, read_at, grade, source, .. } = *reading;
        let last = points.last().copied();
        if back.is_some_and(|back| value < back) {
            continue;
        }
        // What was said of the way back was said of readings that do not count.
        let was_away = back.take().is_some();
        let is_of_the_way_back =
            |decision: &&Decision| was_away && matches!(decision.reason, SegmentReason::Rise | SegmentReason::Misread);
        let decision = decided.get(&index).copied().filter(|decision| !is_of_the_way_back(decision));
        let falls = last.is_some_and(|last| value < last.value);
        if falls && decision.is_some_and(|decision| decision.reason == SegmentReason::Misread) {
            back = last.map(|last| last.value);
            continue;
        }
        let opens = last.filter(|_| falls || decision.is_some());
        segment = if opens.is_some() { segment.saturating_add(1) } else { segment };
        let point = ReadingPoint { segment, value, read_at, grade, source };
        if let Some(from) = opens {
            let reason = decision.map_or(SegmentReason::Decrease, |decision| decision.reason);
            let counts_from = decision.and_then(|decision| decision.counts_from);
            let width = decision.and_then(|decision| decision.width);
            breaks.push(Break { from, to: point, reason, counts_from, width });
        }
        points.push(point);
    }
    (points, breaks)
}

/// The decision in force at each reading, by the reading's place.
fn decided<'a>(sorted: &[&ReadingFact], decisions: &'a [Decision]) -> BTreeMap<usize, &'a Decision> {
    let mut of_place: BTreeMap<usize, &Decision> = BTreeMap::new();
    for decision in decisions {
        let place = sorted.partition_point(|reading| reading.read_at < decision.at);
        let Some(reading) = sorted.get(place) else { continue };
        if decision.meter != reading.meter || decision.media != reading.media {
            continue;
        }
        let known = of_place.entry(place).or_insert(decision);
        if rank(known) < rank(decision) {
            *known = decision;
        }
    }
    // A decision that was taken back leaves the break to the value: a fall waits, a rise is none.
    of_place.retain(|_, decision| decision.reason != SegmentReason::Decrease);
    of_place
}

/// Which of two decisions on one break counts: the one on the later break, then the later word.
fn rank(decision: &Decision) -> (Instant, Instant, SegmentReason, &str, Option<i64>, Option<i64>) {
    let Decision { at, decided_at, reason, by, counts_from, width, .. } = decision;
    (*at, *decided_at, *reason, by.as_str(), *counts_from, *width)
}

/// What a counter counted in one segment, between two readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentUsage {
    /// The first reading that counts.
    pub start: ReadingPoint,
    /// The last reading that counts.
    pub end: ReadingPoint,
    /// Their difference, in the meter's base unit.
    pub quantity: i64,
}

/// What a counter did not measure in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmeasured {
    /// There is no reading at or before the period's end.
    NoReading,
    /// There is no reading at or before the start; usage before this first one is not counted.
    BeforeFirst(Instant),
    /// There is no reading between this one and the period's end; usage since then falls to a later period.
    SinceLast(Instant),
    /// The counter broke between these two readings; usage between them is not counted.
    Break {
        /// The last reading before the break.
        from: Instant,
        /// The first reading after it.
        to: Instant,
    },
    /// The last value of a segment is below its first: nothing is counted there.
    Fell(Instant),
    /// The value fell, or rose from that of one interface to that of another or by more than can be, and nobody
    /// has said why yet; usage between the two readings is not counted.
    Pending {
        /// The last value before, base units.
        before: i64,
        /// The first value after, base units.
        after: i64,
        /// When that was read.
        at: Instant,
    },
    /// There is no reading near this edge of the period, as the contract wants one (CL15).
    Missing(Instant),
}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unmeasured::NoReading => write!(f, "was not read by the end of the period: nothing is counted"),
            Unmeasured::BeforeFirst(first) => {
                write!(f, "has no reading by the start of the period: counted from the first reading, {first}")
            }
            Unmeasured::SinceLast(last) => {
                write!(f, "was not read from {last} to the end of the period: usage since then counts in a later one")
            }
            Unmeasured::Break { from, to } => {
                write!(f, "started anew between {from} and {to}: usage between these readings is not counted")
            }
            Unmeasured::Fell(at) => write!(f, "fell without a new segment, seen {at}: nothing is counted there"),
            Unmeasured::Pending { before, after, at } => {
                let what = if after < before { "fell" } else { "jumped" };
                write!(f, "{what}, seen {at}, and nobody has said why yet: usage between these readings is not counted")
            }
            Unmeasured::Missing(edge) => {
                write!(f, "has no reading near {edge}, as the contract wants one: the last one before it stands for it")
            }
        }
    }
}

/// What a counter counted in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterUsage {
    /// The last reading at or before the period's start, else the first one inside.
    pub start: Option<ReadingPoint>,
    /// The last reading at or before the period's end.
    pub end: Option<ReadingPoint>,
    /// The sum over the segments, in the meter's base unit; never negative.
    pub quantity: i64,
    /// Each segment that counts.
    pub segments: Vec<SegmentUsage>,
    /// What was not measured.
    pub unmeasured: Vec<Unmeasured>,
    /// The first time that it was read at or after the period's end, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_after: Option<Instant>,
}

impl CounterUsage {
    /// Whether it was read by both edges of the period, so that it speaks for all of it.
    pub fn covers_period(&self) -> bool {
        let edge = |what: &Unmeasured| {
            matches!(
                what,
                Unmeasured::NoReading | Unmeasured::BeforeFirst(_) | Unmeasured::SinceLast(_) | Unmeasured::Missing(_)
            )
        };
        self.start.is_some() && !self.unmeasured.iter().any(edge)
    }
}

/// What a counter counted between the last reading at or before each edge of the period.
///
/// Periods that meet share their edge reading, so that nothing is lost or counted twice between them.
/// Give it every reading from the one before the start on; later ones are ignored. It knows no decisions:
/// across a break nothing is counted.
pub fn usage_between(readings: &[ReadingPoint], period: &crate::Period) -> CounterUsage {
    let mut points: Vec<ReadingPoint> = readings.iter().filter(|point| point.read_at <= period.end).copied().collect();
    points.sort_by_key(|point| (point.segment, point.read_at, point.value));
    let before = points.iter().rposition(|point| point.read_at <= period.start);
    let span = points.get(before.unwrap_or(0)..).unwrap_or_default();
    let mut usage = CounterUsage { start: span.first().copied(), end: span.last().copied(), ..CounterUsage::default() };
    match (before, span) {
        (_, []) => usage.unmeasured.push(Unmeasured::NoReading),
        (None, [first, ..]) => usage.unmeasured.push(Unmeasured::BeforeFirst(first.read_at)),
        (Some(_), [only]) => usage.unmeasured.push(Unmeasured::SinceLast(only.read_at)),
        (Some(_), _) => {}
    }
    for run in span.chunk_by(|a, b| a.segment == b.segment) {
        let [start, .., end] = run else {
            // A single reading measures nothing by itself, but it is an edge of a segment.
            if let [only] = run {
                usage.segments.push(SegmentUsage { start: *only, end: *only, quantity: 0 });
            }
            continue;
        };
        if end.value < start.value {
            usage.unmeasured.push(Unmeasured::Fell(end.read_at));
        }
        let quantity = end.value.saturating_sub(start.value).max(0);
        usage.quantity = usage.quantity.saturating_add(quantity);
        usage.segments.push(SegmentUsage { start: *start, end: *end, quantity });
    }
    let breaks = usage.segments.windows(2).filter_map(|pair| match pair {
        [a, b] => Some(Unmeasured::Break { from: a.end.read_at, to: b.start.read_at }),
        _ => None,
    });
    usage.unmeasured.extend(breaks);
    usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Period;

    fn point(segment: u32, read_at: i64, value: i64) -> ReadingPoint {
        ReadingPoint { segment, value, read_at: Instant(read_at), grade: Grade::B, source: ReadingSource::Printer }
    }

    fn reading(read_at: i64, value: i64, source: ReadingSource) -> ReadingFact {
        let meter = Meter::parse("area-media").unwrap();
        ReadingFact { meter, media: None, value, read_at: Instant(read_at), grade: Grade::B, source }
    }

    fn decision(at: i64, reason: SegmentReason, counts_from: Option<i64>, width: Option<i64>) -> Decision {
        let meter = Meter::parse("area-media").unwrap();
        let (by, decided_at) = ("Ada".to_owned(), Instant(1_000));
        Decision { meter, media: None, at: Instant(at), reason, counts_from, width, by, decided_at }
    }

    /// Segment, instant and value of each reading of the printer, and what lies across each break.
    type Shown = (Vec<(u32, i64, i64)>, Vec<Result<i64, Unmeasured>>);

    fn shown(readings: &[(i64, i64)], decisions: &[Decision]) -> Shown {
        let fact = |&(at, value): &(i64, i64)| reading(at, value, ReadingSource::Printer);
        let (points, breaks) = split(&readings.iter().map(fact).collect::<Vec<_>>(), decisions);
        let points = points.iter().map(|point| (point.segment, point.read_at.0, point.value)).collect();
        (points, breaks.iter().map(Break::across).collect())
    }

    fn between(readings: &[ReadingPoint], start: i64, end: i64) -> CounterUsage {
        usage_between(readings, &Period::new(Instant(start), Instant(end)).unwrap())
    }

    #[test]
    fn a_fall_opens_a_pending_segment_and_never_a_negative_quantity() {
        let mut state = None;
        let mut seen = Vec::new();
        for (at, value) in [(1, 100), (2, 140), (3, 140), (4, 30), (5, 35), (2, 20)] {
            let observation = observe(state.as_ref(), value, Instant(at));
            let opened = observation.opened.as_ref().map(|segment| (segment.reason, segment.is_pending()));
            seen.push((observation.segment, opened, observation.delta, observation.is_late));
            state = Some(observation.state);
        }
        let expected = [
            (1, Some((SegmentReason::Install, false)), 0, false),
            (1, None, 40, false),
            (1, None, 0, false),
            (2, Some((SegmentReason::Decrease, true)), 0, false),
            (2, None, 5, false),
            (2, None, 0, true),
        ];
        assert_eq!(seen, expected);
        assert_eq!(state, Some(CounterState { segment: 2, value: 35, read_at: Instant(5) }));
    }

    #[test]
    fn a_reading_by_another_interface_goes_on_only_where_that_is_plausible() {
        const DAY: i64 = 86_400_000;
        let last = CounterState { segment: 3, value: 1_000, read_at: Instant(10 * DAY) };
        // Value, day, the usual of a day, the segment that it opens.
        let cases = [
            (1_000, 11, None, None),
            (1_000, 11, Some(0), None),
            (1_001, 11, None, Some(4)),
            (1_300, 11, Some(100), None),
            (1_301, 11, Some(100), Some(4)),
            (1_600, 12, Some(100), None),
            (999, 11, Some(100), Some(4)),
            (999, 9, Some(100), None),
        ];
        for (value, day, usual, opens) in cases {
            let seen = observe_elsewhere(&last, value, Instant(day * DAY), usual);
            let opened = seen.opened.as_ref().map(|segment| (segment.number, segment.reason, segment.is_pending()));
            assert_eq!(opened, opens.map(|number| (number, SegmentReason::Interface, true)), "{value} on day {day}");
            assert_eq!(seen.is_late, day < 10);
        }
    }

    #[test]
    fn a_rise_to_another_interface_s_counter_waits_until_somebody_says_what_it_counts_from() {
        let readings = [(20, 140), (30, 900)];
        let pending = Unmeasured::Pending { before: 140, after: 900, at: Instant(30) };
        for (counts_from, across) in [(None, Err(pending)), (Some(140), Ok(760)), (Some(900), Ok(0))] {
            let decisions = [decision(30, SegmentReason::Interface, counts_from, None)];
            assert_eq!(shown(&readings, &decisions).1, [across], "{counts_from:?}");
        }
        assert!(pending.to_string().starts_with("jumped, seen"));
    }

    #[test]
    fn readings_split_where_the_value_falls_and_where_somebody_decided() {
        let readings = [(30, 20), (10, 100), (20, 140), (20, 140), (40, 25)];
        let sorted = vec![(1, 10, 100), (1, 20, 140), (2, 30, 20), (2, 40, 25)];
        let pending = Unmeasured::Pending { before: 140, after: 20, at: Instant(30) };
        let hidden = Unmeasured::Break { from: Instant(20), to: Instant(30) };
        // Decisions, what lies across the break.
        let cases = [
            (vec![], Err(pending)),
            (vec![decision(30, SegmentReason::Reset, Some(0), None)], Ok(20)),
            (vec![decision(30, SegmentReason::Reset, None, None)], Err(hidden)),
            (vec![decision(30, SegmentReason::Swap, Some(15), None)], Ok(5)),
            (vec![decision(30, SegmentReason::Swap, Some(21), None)], Err(hidden)),
            (vec![decision(30, SegmentReason::Rollover, None, Some(150))], Ok(30)),
            (vec![decision(30, SegmentReason::Rollover, None, Some(140))], Err(hidden)),
            (vec![decision(30, SegmentReason::Rollover, None, None)], Err(hidden)),
            // Said of an instant between the two readings, as of a reading that does not count.
            (vec![decision(25, SegmentReason::Firmware, Some(2), None)], Ok(18)),
            (vec![decision(99, SegmentReason::Reset, Some(0), None)], Err(pending)),
        ];
        for (decisions, across) in cases {
            assert_eq!(shown(&readings, &decisions), (sorted.clone(), vec![across]), "{decisions:?}");
        }
    }

    #[test]
    fn a_swap_to_a_higher_counter_is_a_break_too() {
        let swap = [decision(30, SegmentReason::Swap, Some(500), None)];
        let expected = (vec![(1, 20, 140), (2, 30, 520)], vec![Ok(20)]);
        assert_eq!(shown(&[(20, 140), (30, 520)], &swap), expected);
        // Nothing stands before the first reading: no break.
        assert_eq!(shown(&[(30, 520)], &swap), (vec![(1, 30, 520)], vec![]));
    }

    #[test]
    fn the_latest_decision_on_a_break_counts() {
        let reset = decision(30, SegmentReason::Reset, Some(0), None);
        let later = |reason| Decision { reason, decided_at: Instant(2_000), ..reset.clone() };
        let swap = Decision { counts_from: Some(15), ..later(SegmentReason::Swap) };
        let readings = [(20, 140), (30, 20)];
        for order in [[reset.clone(), swap.clone()], [swap, reset.clone()]] {
            assert_eq!(shown(&readings, &order).1, [Ok(5)]);
        }
        let taken_back = shown(&readings, &[reset.clone(), later(SegmentReason::Decrease)]);
        assert_eq!(taken_back.1, [Err(Unmeasured::Pending { before: 140, after: 20, at: Instant(30) })]);
        let of_another = Decision { media: Some("Bond".to_owned()), ..reset };
        assert!(shown(&readings, &[of_another]).1[0].is_err());
    }

    #[test]
    fn readings_that_were_wrong_are_left_out_until_the_value_is_back() {
        let readings = [(10, 90), (20, 100), (30, 0), (40, 40), (50, 100), (60, 120)];
        let misread = |at: i64| decision(at, SegmentReason::Misread, None, None);
        let held = decision(50, SegmentReason::Rise, None, None);
        let whole = (vec![(1, 10, 90), (1, 20, 100), (1, 50, 100), (1, 60, 120)], vec![]);
        // What was said of the way back falls away with it.
        for more in [vec![], vec![held.clone()], vec![misread(50)], vec![held.clone(), misread(40)]] {
            let decisions: Vec<Decision> = [misread(30)].into_iter().chain(more).collect();
            assert_eq!(shown(&readings, &decisions), whole, "{decisions:?}");
        }
        // Not back yet: nothing counts on.
        assert_eq!(shown(&readings[..4], &[misread(30)]), (vec![(1, 10, 90), (1, 20, 100)], vec![]));
        // Taken back, the fall waits and the way back with it, whatever stands at it.
        let pending = |before: i64, after: i64, at: i64| Err(Unmeasured::Pending { before, after, at: Instant(at) });
        let waiting: Vec<Result<i64, Unmeasured>> = vec![pending(100, 0, 30), pending(40, 100, 50)];
        let taken_back = Decision { reason: SegmentReason::Decrease, decided_at: Instant(2_000), ..misread(30) };
        for of_rise in [held.clone(), misread(50)] {
            assert_eq!(shown(&readings, &[misread(30), taken_back.clone(), of_rise]).1, waiting);
        }
        let rose = [decision(30, SegmentReason::Reset, Some(0), None), Decision { counts_from: Some(40), ..held }];
        assert_eq!(shown(&readings, &rose).1, [Ok(0), Ok(60)]);
    }

    #[test]
    fn a_rise_that_is_held_opens_a_segment_that_waits() {
        let last = CounterState { segment: 2, value: 0, read_at: Instant(5) };
        let opened = hold(&last, 100, Instant(9)).opened.expect("it opens one");
        assert_eq!((opened.number, opened.reason, opened.is_pending()), (3, SegmentReason::Rise, true));
    }

    #[test]
    fn a_repeat_keeps_the_printers_word() {
        let twice = [reading(20, 140, ReadingSource::Customer), reading(20, 140, ReadingSource::Printer)];
        let (points, breaks) = split(&twice, &[]);
        assert_eq!(points, [point(1, 20, 140)]);
        assert!(breaks.is_empty());
    }

    #[test]
    fn what_was_stored_before_sources_were_named_reads_and_stays() {
        let stored = r#"{"segment":1,"value":5,"read_at":7,"grade":"B"}"#;
        let read: ReadingPoint = serde_json::from_str(stored).unwrap();
        assert_eq!(read, point(1, 7, 5));
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
        let usage = CounterUsage { start: Some(read), ..CounterUsage::default() };
        let text = serde_json::to_string(&usage).unwrap();
        assert!(!text.contains("read_after") && serde_json::from_str::<CounterUsage>(&text).unwrap() == usage);
    }

    #[test]
    fn words_of_reasons_and_sources_read_back() {
        assert!(SegmentReason::ALL.into_iter().all(|reason| SegmentReason::parse(reason.word()) == Some(reason)));
        assert!(ReadingSource::ALL.into_iter().all(|source| ReadingSource::parse(source.word()) == Some(source)));
    }

    #[test]
    fn a_replaced_printer_counts_the_old_and_the_new_segment() {
        // 18 200.0 to 18 342.5 on the old one, 3.0 (set-up prints) to 61.0 on the new one: 200.5 (W6).
        let readings = [point(1, 0, 182_000), point(1, 50, 183_425), point(2, 60, 30), point(2, 100, 610)];
        let usage = between(&readings, 0, 100);
        assert_eq!(usage.quantity, 2_005);
        assert_eq!(usage.unmeasured, [Unmeasured::Break { from: Instant(50), to: Instant(60) }]);
        assert_eq!((usage.start, usage.end), (Some(readings[0]), Some(readings[3])));
    }

    #[test]
    fn a_missing_edge_reading_is_said() {
        // Readings, quantity, what is unmeasured, for the period 100 to 200.
        let cases = [
            (vec![], 0, vec![Unmeasured::NoReading]),
            (vec![point(1, 201, 5)], 0, vec![Unmeasured::NoReading]),
            (vec![point(1, 120, 5), point(1, 200, 9)], 4, vec![Unmeasured::BeforeFirst(Instant(120))]),
            (vec![point(1, 150, 5)], 0, vec![Unmeasured::BeforeFirst(Instant(150))]),
            (vec![point(1, 90, 5)], 0, vec![Unmeasured::SinceLast(Instant(90))]),
            (vec![point(1, 80, 1), point(1, 100, 5), point(1, 190, 9), point(1, 210, 50)], 4, vec![]),
        ];
        for (readings, quantity, unmeasured) in cases {
            let usage = between(&readings, 100, 200);
            assert_eq!((usage.quantity, usage.unmeasured), (quantity, unmeasured), "{readings:?}");
        }
    }

    #[test]
    fn periods_that_meet_add_up_to_the_period_over_both() {
        let readings = [
            point(1, 10, 100),
            point(1, 30, 160),
            point(2, 45, 7),
            point(2, 60, 20),
            point(2, 80, 20),
            point(3, 90, 0),
            point(3, 95, 11),
        ];
        let whole = between(&readings, 0, 100).quantity;
        assert_eq!(whole, 60 + 13 + 11);
        for cut in 1..100 {
            let parts = between(&readings, 0, cut).quantity + between(&readings, cut, 100).quantity;
            assert_eq!(parts, whole, "cut at {cut}");
        }
    }
}
