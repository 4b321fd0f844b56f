//! What a reading means for its counter when it arrives: the next value of the open segment, the first of a new
//! one, or one that comes late.
//!
//! Each is judged by the last one alone, so that a ledger need not read a counter's history. Deliberately absent:
//! which interface a counter follows, and where a late reading belongs; both are the portal's.

use super::super::decrease::plausible;
use super::{ReadingPoint, ReadingSource, SegmentReason};
use report::{Grade, Instant};
use serde::{Deserialize, Serialize};

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
    /// The reading is older than the last one. It is kept as a fact and moves nothing.
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_rise_that_is_held_opens_a_segment_that_waits() {
        let last = CounterState { segment: 2, value: 0, read_at: Instant(5) };
        let opened = hold(&last, 100, Instant(9)).opened.expect("it opens one");
        assert_eq!((opened.number, opened.reason, opened.is_pending()), (3, SegmentReason::Rise, true));
    }
}
