//! Counter segments: a lifetime counter only rises within one, and every break starts a new one.
//!
//! A lower value never becomes a negative quantity: it opens a segment that waits for a person to say
//! whether the counter was reset, rolled over or swapped (CL19, CL20). Deliberately absent: that
//! decision, and any estimate of what a break hides. What was not measured is named, not guessed.

use report::{Grade, Instant};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a segment was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentReason {
    /// The counter was seen for the first time.
    Install,
    /// The value fell, and nobody has said why yet.
    Decrease,
    /// A person said: the counter was reset.
    Reset,
    /// A person said: the counter passed its highest value.
    Rollover,
    /// A person said: the board or the printer was replaced.
    Swap,
}

impl SegmentReason {
    /// The word for pages, SQL and exports.
    pub fn word(self) -> &'static str {
        match self {
            SegmentReason::Install => "install",
            SegmentReason::Decrease => "decrease",
            SegmentReason::Reset => "reset",
            SegmentReason::Rollover => "rollover",
            SegmentReason::Swap => "swap",
        }
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
    /// Whether it waits for a person to say why the value fell.
    pub fn is_pending(&self) -> bool {
        self.reason == SegmentReason::Decrease
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

fn open(number: u32, reason: SegmentReason, value: i64, read_at: Instant) -> Observation {
    Observation {
        segment: number,
        opened: Some(Segment { number, reason, opened_at: read_at, first_value: value }),
        delta: 0,
        is_late: false,
        state: CounterState { segment: number, value, read_at },
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
    /// There is no reading inside the period; usage since this last one falls to a later period.
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
}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unmeasured::NoReading => write!(f, "was not read by the end of the period: nothing is counted"),
            Unmeasured::BeforeFirst(first) => {
                write!(f, "has no reading by the start of the period: counted from the first reading, {first}")
            }
            Unmeasured::SinceLast(last) => {
                write!(f, "was not read in the period: usage since {last} counts in a later period")
            }
            Unmeasured::Break { from, to } => {
                write!(f, "started anew between {from} and {to}: usage between these readings is not counted")
            }
            Unmeasured::Fell(at) => write!(f, "fell without a new segment, seen {at}: nothing is counted there"),
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
}

impl CounterUsage {
    /// Whether it was read by both edges of the period, so that it speaks for all of it.
    pub fn covers_period(&self) -> bool {
        let edge = |what: &Unmeasured| {
            matches!(what, Unmeasured::NoReading | Unmeasured::BeforeFirst(_) | Unmeasured::SinceLast(_))
        };
        self.start.is_some() && !self.unmeasured.iter().any(edge)
    }
}

/// What a counter counted between the last reading at or before each edge of the period.
///
/// Periods that meet share their edge reading, so that nothing is lost or counted twice between them.
/// Give it every reading from the one before the start on; later ones are ignored.
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
        ReadingPoint { segment, value, read_at: Instant(read_at), grade: Grade::B }
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
