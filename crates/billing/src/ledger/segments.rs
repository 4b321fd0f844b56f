//! Counter segments: a lifetime counter only rises within one, and every break starts a new one.
//!
//! A lower value never becomes a negative quantity: it opens a segment that waits for a person or a
//! rule to say whether the counter was reset, rolled over or swapped (CL19, CL20). Here readings become
//! segments and breaks, by what was decided. Deliberately absent: that decision, where a period's edge lies
//! between readings (see `edges`), and any estimate of what a break hides. What was not measured is named,
//! not guessed.

mod observe;
mod reason;
mod usage;

pub use super::ReadingSource;
pub use observe::{CounterState, Observation, Segment, hold, observe, observe_elsewhere};
pub use reason::SegmentReason;
pub use usage::{CounterUsage, SegmentUsage, Unmeasured};

use crate::meter::Meter;
use report::{Grade, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// until one is at or above the last one before; `Spike` those right before there that are above it.
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
            // A misread that is no fall explains nothing, nor does a jump that nothing lower stands before.
            SegmentReason::Decrease | SegmentReason::Misread | SegmentReason::Spike => return Err(pending),
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
/// 100, 0, 40, 100, 120 with the 0 said to be misread: 100, 100, 120, without a break. 100, 900, 902, 105 with
/// what was before the 105 said to be too high: 100, 105, without a break.
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
        let falls = last.is_some_and(|last| value < last.value);
        let said = decided.get(&index).copied();
        let takes_back = falls && said.is_some_and(|decision| decision.reason == SegmentReason::Spike);
        if takes_back && let Some(of) = drop_above(value, &mut points, &mut breaks) {
            // It goes on from a reading before all that was misread since.
            (segment, back) = (of, None);
            points.push(ReadingPoint { segment, value, read_at, grade, source });
            continue;
        }
        if back.is_some_and(|back| value < back) {
            continue;
        }
        // What was said of the way back was said of readings that do not count.
        let was_away = back.take().is_some();
        let decision = said.filter(|decision| !(was_away && is_of_readings(decision.reason)));
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

/// Whether a reason says of a rise, or of readings, that they are not to be believed.
fn is_of_readings(reason: SegmentReason) -> bool {
    matches!(reason, SegmentReason::Rise | SegmentReason::Misread | SegmentReason::Spike)
}

/// Drops the last readings that are above `low`, back to one that is not, with the breaks that they opened. Gives the
/// segment of that one; `None`, and all stays, where there is none.
fn drop_above(low: i64, points: &mut Vec<ReadingPoint>, breaks: &mut Vec<Break>) -> Option<u32> {
    let place = points.iter().rposition(|point| point.value <= low)?;
    let segment = points.get(place)?.segment;
    points.truncate(place.saturating_add(1));
    breaks.retain(|known| known.to.segment <= segment);
    Some(segment)
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_rise_to_another_interface_s_counter_waits_until_somebody_says_what_it_counts_from() {
        let readings = [(20, 140), (30, 900)];
        let pending = Unmeasured::Pending { before: 140, after: 900, at: Instant(30) };
        for (counts_from, across) in [(None, Err(pending)), (Some(140), Ok(760)), (Some(900), Ok(0))] {
            let decisions = [decision(30, SegmentReason::Interface, counts_from, None)];
            assert_eq!(shown(&readings, &decisions).1, [across], "{counts_from:?}");
        }
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
    fn readings_that_were_too_high_are_left_out_by_what_is_said_of_the_fall() {
        let readings =
            [(10, 18_500), (20, 18_531), (30, 999_999), (40, 700_000), (50, 1_000_002), (60, 18_540), (70, 18_560)];
        let spike = |at: i64| decision(at, SegmentReason::Spike, None, None);
        let held = decision(30, SegmentReason::Rise, None, None);
        let whole = (vec![(1, 10, 18_500), (1, 20, 18_531), (1, 60, 18_540), (1, 70, 18_560)], vec![]);
        // Whatever stands at the readings that go with it.
        let reset = decision(40, SegmentReason::Reset, Some(0), None);
        for more in [vec![], vec![held], vec![spike(30)], vec![spike(40), spike(50)], vec![reset]] {
            let decisions: Vec<Decision> = [spike(60)].into_iter().chain(more).collect();
            assert_eq!(shown(&readings, &decisions), whole, "{decisions:?}");
        }
        // Before the fall is known nothing is taken back, and a rise explains nothing.
        let pending = |before: i64, after: i64, at: i64| -> Result<i64, Unmeasured> {
            Err(Unmeasured::Pending { before, after, at: Instant(at) })
        };
        assert_eq!(shown(&readings[..3], &[spike(60)]).0.len(), 3);
        assert_eq!(shown(&readings[..3], &[spike(30)]).1, [pending(18_531, 999_999, 30)]);
        // What it fell from is not known: it waits.
        assert_eq!(shown(&readings[4..], &[spike(60)]).1, [pending(1_000_002, 18_540, 60)]);
        let taken_back = Decision { reason: SegmentReason::Decrease, decided_at: Instant(2_000), ..spike(60) };
        let waiting = [pending(999_999, 700_000, 40), pending(1_000_002, 18_540, 60)];
        assert_eq!(shown(&readings, &[spike(60), taken_back]).1, waiting);
    }

    #[test]
    fn a_jump_that_comes_again_is_left_out_again_and_what_broke_before_it_stays() {
        let spike = |at: i64| decision(at, SegmentReason::Spike, None, None);
        let reset = decision(20, SegmentReason::Reset, Some(0), None);
        let readings = [(10, 900), (20, 5), (30, 999), (40, 8), (50, 999), (60, 9), (70, 3)];
        let (points, across) = shown(&readings, &[reset, spike(40), spike(60)]);
        assert_eq!(points, [(1, 10, 900), (2, 20, 5), (2, 40, 8), (2, 60, 9), (3, 70, 3)]);
        assert_eq!(across, [Ok(5), Err(Unmeasured::Pending { before: 9, after: 3, at: Instant(70) })]);
        // The fall was taken for what was wrong, and it never came back: what is said later ends that.
        let misread = decision(40, SegmentReason::Misread, None, None);
        let low = [readings[1], readings[2], readings[3], readings[5]];
        assert_eq!(shown(&low, &[misread, spike(60)]), (vec![(1, 20, 5), (1, 60, 9)], vec![]));
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
    }
}
