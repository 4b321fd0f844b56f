//! The edges of a period: which reading stands for an instant at which nobody read the counter. CL15.
//!
//! Periods that meet find their common edge by the same rule in the same readings, so that nothing is
//! lost or counted twice between them. Deliberately absent: which readings may count at all (see
//! `assemble`), and any estimate of what no reading shows.

use super::ReadingSource;
use super::segments::{Break, CounterUsage, ReadingPoint, SegmentUsage, Unmeasured};
use crate::clauses::window::{Otherwise, Window};
use crate::contract::Terms;
use crate::period::Period;
use report::{Duration, Instant};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// How the reading at the edge of a period is found. CL15.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeRule {
    /// The last reading at or before the edge.
    Last,
    /// The reading nearest to the edge within the window; where there is none, as `otherwise` says.
    Window {
        /// How long before the edge it may be.
        before: Duration,
        /// How long after the edge it may be.
        after: Duration,
        /// What stands for it where there is none.
        otherwise: Otherwise,
    },
}

impl EdgeRule {
    /// The rule of a contract: its window, else the last reading.
    pub fn of(terms: &Terms) -> EdgeRule {
        terms.rule::<Window>().map_or(EdgeRule::Last, |window| EdgeRule::Window {
            before: Duration::hours(24 * i64::from(window.before_days)),
            after: Duration::hours(24 * i64::from(window.after_days)),
            otherwise: window.otherwise,
        })
    }

    /// How long before and after an edge a reading may stand for it; none without a window.
    pub fn reach(self) -> (Duration, Duration) {
        match self {
            EdgeRule::Last => (Duration(0), Duration(0)),
            EdgeRule::Window { before, after, .. } => (before, after),
        }
    }
}

/// The reading at one edge, and its place among the readings.
struct Edge {
    point: ReadingPoint,
    /// The last reading in order that lies at it or before it.
    place: usize,
    /// The point lies between that reading and the next.
    is_between: bool,
    flaw: Option<Unmeasured>,
}

impl Edge {
    fn at(points: &[ReadingPoint], place: usize) -> Option<Edge> {
        points.get(place).map(|point| Edge { point: *point, place, is_between: false, flaw: None })
    }
}

/// What a counter counted between the readings that stand for the edges of the period.
///
/// `points` and `breaks` are those of [`split`](super::segments::split), from the reading before the start
/// to the one after the end, or more.
pub fn usage_of(points: &[ReadingPoint], breaks: &[Break], period: Period, rule: EdgeRule) -> CounterUsage {
    let mut points = points.to_vec();
    points.sort_by_key(|point| (point.segment, point.read_at, point.value));
    let is_after = |point: &&ReadingPoint| is_real(point) && point.read_at >= period.end;
    let read_after = points.iter().find(is_after).map(|point| point.read_at);
    let mut usage = CounterUsage { read_after, ..CounterUsage::default() };
    let Some(end) = edge(&points, period.end, rule) else {
        usage.unmeasured.push(Unmeasured::NoReading);
        return usage;
    };
    let known = edge(&points, period.start, rule);
    let is_known = known.is_some();
    // Where there is an end, there is a first reading.
    let Some(start) = known.or_else(|| Edge::at(&points, 0)) else { return usage };
    if !is_known {
        usage.unmeasured.push(Unmeasured::BeforeFirst(start.point.read_at));
    }
    let is_unread = is_known && start.point == end.point && start.place == end.place;
    let since = is_unread.then_some(Unmeasured::SinceLast(end.point.read_at));
    let missing = start.flaw.filter(|flaw| matches!(flaw, Unmeasured::Missing(_)));
    for flaw in [since, missing, end.flaw].into_iter().flatten() {
        if !usage.unmeasured.contains(&flaw) {
            usage.unmeasured.push(flaw);
        }
    }
    let mut run = vec![start.point];
    run.extend_from_slice(points.get(start.place + 1..=end.place).unwrap_or_default());
    if end.is_between && !is_unread {
        run.push(end.point);
    }
    usage.start = run.first().copied();
    usage.end = run.last().copied();
    count(&run, breaks, &mut usage);
    usage
}

/// Adds up a run of readings, segment by segment, with what is known to lie across its breaks.
fn count(run: &[ReadingPoint], breaks: &[Break], usage: &mut CounterUsage) {
    let mut before: Option<ReadingPoint> = None;
    for segment in run.chunk_by(|a, b| a.segment == b.segment) {
        let (Some(start), Some(end)) = (segment.first(), segment.last()) else { continue };
        if let Some(from) = before {
            let found = breaks.iter().find(|known| known.from.segment == from.segment && known.to == *start);
            let hidden = Unmeasured::Break { from: from.read_at, to: start.read_at };
            match found.map_or(Err(hidden), Break::across) {
                Ok(quantity) => add(usage, from, *start, quantity),
                Err(hidden) => usage.unmeasured.push(hidden),
            }
        }
        if end.value < start.value {
            usage.unmeasured.push(Unmeasured::Fell(end.read_at));
        }
        add(usage, *start, *end, end.value.saturating_sub(start.value).max(0));
        before = Some(*end);
    }
}

fn add(usage: &mut CounterUsage, start: ReadingPoint, end: ReadingPoint, quantity: i64) {
    usage.quantity = usage.quantity.saturating_add(quantity);
    usage.segments.push(SegmentUsage { start, end, quantity });
}

/// What stands for the counter at an instant; `None` when nothing at or before it does.
fn edge(points: &[ReadingPoint], at: Instant, rule: EdgeRule) -> Option<Edge> {
    let last = points.iter().rposition(|point| point.read_at <= at);
    let EdgeRule::Window { before, after, otherwise } = rule else {
        return Edge::at(points, last?);
    };
    let (earliest, latest) = (Instant(at.0.saturating_sub(before.0)), at.plus(after));
    let near = points.iter().enumerate().filter(|(_, point)| (earliest..=latest).contains(&point.read_at));
    // Of two that are as near, the one before; of several at one instant, the last, as everywhere.
    let distance = |point: &ReadingPoint| point.read_at.since(at).0.unsigned_abs();
    let nearest = near.min_by_key(|(place, point)| (distance(point), point.read_at, Reverse(*place)));
    if let Some((place, _)) = nearest {
        return Edge::at(points, place);
    }
    let last = Edge::at(points, last?)?;
    match otherwise {
        Otherwise::Last => Some(last),
        Otherwise::Missing => Some(Edge { flaw: Some(Unmeasured::Missing(at)), ..last }),
        Otherwise::Interpolate => Some(interpolated(points, at, last)),
    }
}

/// The value worked out at an instant; the last reading before it where there is none after it, or where
/// the counter broke between them.
fn interpolated(points: &[ReadingPoint], at: Instant, last: Edge) -> Edge {
    let (before, after) = points.split_at(points.len().min(last.place + 1));
    let (Some(a), Some(b)) = (before.iter().rfind(|point| is_real(point)), after.iter().find(|point| is_real(point)))
    else {
        return Edge { flaw: Some(Unmeasured::SinceLast(last.point.read_at)), ..last };
    };
    match between(a, b, at) {
        Some(point) => Edge { point, is_between: true, ..last },
        None => last,
    }
}

fn is_real(point: &ReadingPoint) -> bool {
    point.source != ReadingSource::Interpolated
}

/// The value at an instant between two readings of one segment, rounded down, with the weaker grade.
///
/// 100 at noon and 148 a day later: 112 at six in the evening.
fn between(a: &ReadingPoint, b: &ReadingPoint, at: Instant) -> Option<ReadingPoint> {
    if a.segment != b.segment || at <= a.read_at || b.read_at <= at || b.value < a.value {
        return None;
    }
    let (part, span) = (i128::from(at.0) - i128::from(a.read_at.0), i128::from(b.read_at.0) - i128::from(a.read_at.0));
    let rise = (i128::from(b.value) - i128::from(a.value)) * part / span;
    let value = i64::try_from(i128::from(a.value) + rise).ok()?;
    let grade = a.grade.max(b.grade);
    Some(ReadingPoint { segment: a.segment, value, read_at: at, grade, source: ReadingSource::Interpolated })
}

/// Adds the value worked out at each of these instants, where it lies between two readings of a segment.
/// From then on every rule finds it there: see the estimates in `assemble`.
pub(crate) fn with_worked_out(points: &[ReadingPoint], instants: &BTreeSet<Instant>) -> Vec<ReadingPoint> {
    let pairs = || points.iter().zip(points.iter().skip(1));
    let found = instants.iter().filter_map(|at| pairs().find_map(|(a, b)| between(a, b, *at)));
    let mut all: Vec<ReadingPoint> = points.iter().copied().chain(found).collect();
    all.sort_by_key(|point| (point.segment, point.read_at, point.value));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::segments::SegmentReason;
    use report::Grade;

    const DAY: i64 = 86_400_000;

    fn point(segment: u32, day: i64, value: i64) -> ReadingPoint {
        let read_at = Instant(day * DAY);
        ReadingPoint { segment, value, read_at, grade: Grade::B, source: ReadingSource::Printer }
    }

    fn window(before: i64, after: i64, otherwise: Otherwise) -> EdgeRule {
        let (before, after) = (Duration::hours(24 * before), Duration::hours(24 * after));
        EdgeRule::Window { before, after, otherwise }
    }

    fn days(start: i64, end: i64) -> Period {
        Period::new(Instant(start * DAY), Instant(end * DAY)).unwrap()
    }

    /// Quantity, days of the edges, what was not measured.
    fn found(points: &[ReadingPoint], period: Period, rule: EdgeRule) -> (i64, Vec<i64>, Vec<Unmeasured>) {
        let usage = usage_of(points, &[], period, rule);
        let edges = [usage.start, usage.end].into_iter().flatten().map(|point| point.read_at.0 / DAY).collect();
        (usage.quantity, edges, usage.unmeasured)
    }

    #[test]
    fn the_nearest_reading_within_the_window_is_the_edge() {
        let points = [point(1, 92, 10), point(1, 103, 20), point(1, 197, 50), point(1, 203, 60)];
        // Rule, quantity, days of the edges.
        let cases = [
            (EdgeRule::Last, 40, vec![92, 197]),
            (window(10, 6, Otherwise::Last), 30, vec![103, 197]),
            (window(10, 2, Otherwise::Last), 40, vec![92, 197]),
            (window(1, 6, Otherwise::Last), 40, vec![103, 203]),
            (window(1, 1, Otherwise::Last), 40, vec![92, 197]),
        ];
        for (rule, quantity, edges) in cases {
            assert_eq!(found(&points, days(100, 200), rule), (quantity, edges, vec![]), "{rule:?}");
        }
    }

    #[test]
    fn outside_the_window_the_edge_is_worked_out_or_said_to_be_missing() {
        let points = [point(1, 90, 0), point(1, 110, 200), point(1, 190, 1_000), point(1, 210, 1_400)];
        let interpolate = window(2, 2, Otherwise::Interpolate);
        assert_eq!(found(&points, days(100, 200), interpolate), (1_100, vec![100, 200], vec![]));
        let worked_out = usage_of(&points, &[], days(100, 200), interpolate);
        let end = worked_out.end.map(|end| (end.value, end.source));
        assert_eq!(end, Some((1_200, ReadingSource::Interpolated)));
        // No reading after the end.
        let since = vec![Unmeasured::SinceLast(Instant(190 * DAY))];
        assert_eq!(found(&points[..3], days(100, 200), interpolate), (900, vec![100, 190], since));
        let missing = vec![Unmeasured::Missing(Instant(100 * DAY)), Unmeasured::Missing(Instant(200 * DAY))];
        let strict = window(2, 2, Otherwise::Missing);
        assert_eq!(found(&points, days(100, 200), strict), (1_000, vec![90, 190], missing));
        assert!(!usage_of(&points, &[], days(100, 200), strict).covers_period());
    }

    #[test]
    fn a_period_without_readings_is_said_whatever_the_rule() {
        // Readings, quantity, what was not measured with each rule.
        let cases = [
            (vec![], Unmeasured::NoReading),
            (vec![point(1, 300, 5)], Unmeasured::NoReading),
            (vec![point(1, 150, 5)], Unmeasured::BeforeFirst(Instant(150 * DAY))),
            (vec![point(1, 80, 5)], Unmeasured::SinceLast(Instant(80 * DAY))),
        ];
        for (points, unmeasured) in cases {
            for rule in [EdgeRule::Last, window(3, 3, Otherwise::Last)] {
                let (quantity, _, found) = found(&points, days(100, 200), rule);
                assert_eq!((quantity, found), (0, vec![unmeasured]), "{points:?} {rule:?}");
            }
        }
    }

    #[test]
    fn across_a_break_nothing_is_worked_out_and_what_is_known_counts() {
        let (from, to) = (point(1, 150, 4_294_967_200), point(2, 160, 105));
        let points = [point(1, 90, 4_294_967_000), from, to, point(2, 190, 305)];
        let width = Some(4_294_967_296);
        let rollover = Break { from, to, reason: SegmentReason::Rollover, counts_from: None, width };
        for rule in [EdgeRule::Last, window(1, 1, Otherwise::Last)] {
            let usage = usage_of(&points, &[rollover], days(100, 200), rule);
            assert_eq!((usage.quantity, usage.segments.len()), (200 + 201 + 200, 3), "{rule:?}");
            assert_eq!(usage.segments.iter().map(|part| part.quantity).sum::<i64>(), usage.quantity);
        }
        // The edge lies in the break: the last reading before it stands for it, on both sides.
        let interpolate = window(1, 1, Otherwise::Interpolate);
        let before = usage_of(&points, &[rollover], days(100, 155), interpolate);
        let after = usage_of(&points, &[rollover], days(155, 190), interpolate);
        assert_eq!((before.end, after.start), (Some(from), Some(from)));
        assert_eq!(after.quantity, 201 + 200);
    }

    #[test]
    fn periods_that_meet_add_up_under_every_rule() {
        let points = [
            point(1, 10, 100),
            point(1, 30, 161),
            point(2, 45, 7),
            point(2, 60, 20),
            point(2, 80, 20),
            point(3, 90, 0),
            point(3, 95, 11),
        ];
        let rules = [
            EdgeRule::Last,
            window(4, 3, Otherwise::Last),
            window(1, 1, Otherwise::Interpolate),
            window(0, 20, Otherwise::Missing),
        ];
        for rule in rules {
            let whole = usage_of(&points, &[], days(5, 100), rule).quantity;
            for cut in 6..100 {
                let parts = [days(5, cut), days(cut, 100)].map(|part| usage_of(&points, &[], part, rule).quantity);
                assert_eq!(parts.iter().sum::<i64>(), whole, "cut at {cut}, {rule:?}");
            }
        }
    }

    #[test]
    fn w6_a_replaced_board_counts_the_old_and_the_new_segment() {
        // 18 200.0 to 18 342.5 on the old one, 3.0 (set-up prints) to 61.0 on the new one: 200.5.
        let points = [point(1, 0, 182_000), point(1, 50, 183_425), point(2, 60, 30), point(2, 100, 610)];
        let hidden = Unmeasured::Break { from: Instant(50 * DAY), to: Instant(60 * DAY) };
        assert_eq!(found(&points, days(0, 100), EdgeRule::Last), (2_005, vec![0, 100], vec![hidden]));
    }

    #[test]
    fn a_missing_edge_reading_is_said_and_the_rest_counts() {
        let first = Unmeasured::BeforeFirst(Instant(120 * DAY));
        // Readings, quantity, days of the edges, what was not measured.
        let cases = [
            (vec![point(1, 120, 5), point(1, 200, 9)], 4, vec![120, 200], vec![first]),
            (vec![point(1, 80, 1), point(1, 100, 5), point(1, 190, 9), point(1, 210, 50)], 4, vec![100, 190], vec![]),
        ];
        for (points, quantity, edges, unmeasured) in cases {
            assert_eq!(found(&points, days(100, 200), EdgeRule::Last), (quantity, edges, unmeasured), "{points:?}");
        }
    }

    #[test]
    fn a_worked_out_edge_is_found_by_every_rule() {
        let points = [point(1, 90, 0), point(1, 290, 2_000)];
        let edges = BTreeSet::from([Instant(100 * DAY), Instant(200 * DAY), Instant(400 * DAY)]);
        let points = with_worked_out(&points, &edges);
        let quantities = [days(90, 100), days(100, 200), days(200, 250), days(250, 300)];
        let counted = quantities.map(|part| usage_of(&points, &[], part, EdgeRule::Last).quantity);
        assert_eq!(counted, [100, 1_000, 0, 900]);
    }
}
