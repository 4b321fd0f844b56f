//! The readings of a printer's counters as facts: what the ledger keeps, what it left out because nothing had
//! changed, numbers whose unit a person said, and what people read.
//!
//! The ledger keeps a reading when its value changed; an edge needs the time of the last one too. Of counters
//! that are not billed only what changes a result is taken, so that a basis stays small; of those that are,
//! everything, since a verifier asks for it. Deliberately absent: which of these readings count, which
//! `billing::assemble` decides.

use super::super::facts::{Counters, Point, RowSets, Seen};
use crate::readings::store::{Subject, UnitlessFact};
use billing::{Decision, DeclaredUnit, EstimateFact, Meter, ReadingFact, ReadingSource, declared};
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// The readings of one counter.
pub(super) type Series = BTreeMap<(Meter, Option<String>), Vec<Point>>;

/// The printer's own readings, each counter also at the times that it was read by an edge and nothing of it was
/// new. `rows` says when each row was said, `edges` when the printer was read at all: that of a counter whose row
/// is not known.
pub(super) fn said(counters: Counters, edges: &BTreeMap<Instant, Seen>, rows: &RowSets) -> Series {
    let none = BTreeMap::new();
    let mut series = Series::new();
    for (key, counter) in counters {
        let mut points = counter.points;
        sort(&mut points);
        points.dedup_by(|later, first| later.fact == first.fact);
        let edges = if counter.bit == 0 { edges } else { rows.get(&counter.bit).unwrap_or(&none) };
        // After that the printer was read, and this counter was not.
        let known = edges.range(..=counter.read_at).map(|(_, seen)| seen);
        let more: Vec<Point> = known.filter_map(|seen| repeated(&points, seen)).collect();
        points.extend(more);
        sort(&mut points);
        series.insert(key, points);
    }
    series
}

fn sort(points: &mut [Point]) {
    points.sort_by_key(|point| (point.fact.read_at, point.fact.source, point.fact.value, point.fact.grade));
}

/// The value before a reading, as said by it again; `None` where there is none, or where it says one itself.
fn repeated(points: &[Point], seen: &Seen) -> Option<Point> {
    let place = points.partition_point(|point| point.fact.read_at < seen.at);
    if points.get(place).is_some_and(|point| point.fact.read_at == seen.at) {
        return None;
    }
    let last = points.get(place.checked_sub(1)?)?;
    let fact = ReadingFact { read_at: seen.at, grade: seen.grade, ..last.fact.clone() };
    Some(Point { fact, origin: Some((seen.agent.clone(), seen.sequence)) })
}

/// What numbers without a unit are worth by the declared units, as readings of the printer: where the value
/// changed, and at the edges. `sets` says when the printer was read and gave such a number.
pub(super) fn declare(
    series: &mut Series,
    numbers: &[UnitlessFact],
    units: &[DeclaredUnit],
    sets: &BTreeMap<Instant, Seen>,
    edges: &BTreeMap<Instant, Seen>,
) {
    let mut worth: BTreeMap<Meter, BTreeMap<Instant, Point>> = BTreeMap::new();
    for fact in numbers.iter().filter(|fact| matches!(fact.subject, Subject::Reading)) {
        let Some(seen) = sets.get(&fact.at) else { continue };
        for quantity in declared(&fact.numbers, &fact.product_number, &fact.firmware, units) {
            let (meter, media) = (quantity.meter.clone(), quantity.media);
            let (value, read_at, grade) = (quantity.amount, fact.at, seen.grade);
            let reading = ReadingFact { meter, media, value, read_at, grade, source: ReadingSource::Declared };
            let point = Point { fact: reading, origin: Some((seen.agent.clone(), seen.sequence)) };
            worth.entry(quantity.meter).or_default().insert(fact.at, point);
        }
    }
    for (meter, points) in worth {
        let known = series.entry((meter, None)).or_default();
        let own: BTreeSet<Instant> = known.iter().map(|point| point.fact.read_at).collect();
        let last = points.last_key_value().map(|(at, _)| *at);
        let mut before = None;
        for (at, point) in points {
            let is_new = before != Some(point.fact.value);
            before = Some(point.fact.value);
            if (is_new || edges.contains_key(&at) || last == Some(at)) && !own.contains(&at) {
                known.push(point);
            }
        }
        sort(known);
    }
}

/// The readings of people beside those of the printer.
pub(super) fn enter(series: &mut Series, entered: impl Iterator<Item = ReadingFact>) {
    for fact in entered {
        let key = (fact.meter.clone(), fact.media.clone());
        let points = series.entry(key).or_default();
        points.push(Point { fact, origin: None });
        sort(points);
    }
}

/// Keeps of a counter's readings those that can change what it counts between the instants `edges`: the
/// first and the last, those around a fall, and those around each of the instants.
pub(super) fn thin(points: &mut Vec<Point>, edges: &BTreeSet<Instant>) {
    let count = points.len();
    let mut kept: BTreeSet<usize> = [0, count.saturating_sub(1)].into();
    for (place, pair) in points.windows(2).enumerate() {
        if pair[1].fact.value < pair[0].fact.value {
            kept.extend([place, place + 1]);
        }
    }
    for edge in edges {
        let from = points.partition_point(|point| point.fact.read_at < *edge);
        let until = points.partition_point(|point| point.fact.read_at <= *edge);
        kept.extend([from.saturating_sub(1), from, until.saturating_sub(1), until]);
    }
    let mut place = 0..;
    points.retain(|_| place.next().is_some_and(|place| kept.contains(&place)));
}

/// The decisions that say something of these readings: on a break between two of them.
pub(super) fn decisions(series: &Series, all: Vec<Decision>) -> Vec<Decision> {
    let is_between = |decision: &Decision| {
        let points = series.get(&(decision.meter.clone(), decision.media.clone()));
        let edges = points.and_then(|points| Some((points.first()?.fact.read_at, points.last()?.fact.read_at)));
        edges.is_some_and(|(first, last)| first < decision.at && decision.at <= last)
    };
    all.into_iter().filter(is_between).collect()
}

/// The estimates that matter to a period that ends at `end`: whose span ends after the first of the readings
/// and touches the period or what was before it.
pub(super) fn estimates(series: &Series, all: Vec<EstimateFact>, end: Instant) -> Vec<EstimateFact> {
    let first = series.values().flatten().map(|point| point.fact.read_at).min();
    let matters = |fact: &EstimateFact| fact.span.start <= end && first.is_none_or(|first| first < fact.span.end);
    all.into_iter().filter(matters).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::facts::Counter;
    use super::*;
    use billing::{MeterKind, Unitless};
    use report::{Decimal, Grade, RowId};

    fn media() -> Meter {
        Meter::whole(MeterKind::AreaMedia)
    }

    fn point(at: i64, value: i64) -> Point {
        let read_at = Instant(at);
        let source = ReadingSource::Printer;
        let fact = ReadingFact { meter: media(), media: None, value, read_at, grade: Grade::B, source };
        Point { fact, origin: Some(("a".to_owned(), 1)) }
    }

    fn seen(ats: &[i64]) -> BTreeMap<Instant, Seen> {
        let one = |at: &i64| {
            let seen = Seen { at: Instant(*at), grade: Grade::C, agent: "b".to_owned(), sequence: 7 };
            (Instant(*at), seen)
        };
        ats.iter().map(one).collect()
    }

    fn shown(points: &[Point]) -> Vec<(i64, i64)> {
        points.iter().map(|point| (point.fact.read_at.0, point.fact.value)).collect()
    }

    #[test]
    fn a_reading_that_repeats_a_value_stands_at_an_edge_with_its_own_proof() {
        let points = vec![point(150, 9), point(20, 5), point(20, 5)];
        let counter = Counter { bit: 0, read_at: Instant(198), points };
        let counters = Counters::from([((media(), None), counter)]);
        let series = said(counters, &seen(&[10, 90, 150, 198, 230]), &RowSets::new());
        let points = &series[&(media(), None)];
        // Nothing before the first one, and nothing after the counter was read last.
        assert_eq!(shown(points), [(20, 5), (90, 5), (150, 9), (198, 9)]);
        assert_eq!((points[1].fact.grade, points[1].origin.clone()), (Grade::C, Some(("b".to_owned(), 7))));
        assert_eq!(points[2].fact.grade, Grade::B);
    }

    #[test]
    fn a_counter_that_was_silent_while_its_printer_was_read_has_no_reading_then() {
        let counter = Counter { bit: 4, read_at: Instant(198), points: vec![point(20, 5), point(150, 9)] };
        let counters = Counters::from([((media(), None), counter)]);
        let rows = RowSets::from([(4, seen(&[30, 198])), (2, seen(&[90]))]);
        let series = said(counters.clone(), &seen(&[90, 120]), &rows);
        assert_eq!(shown(&series[&(media(), None)]), [(20, 5), (30, 5), (150, 9), (198, 9)]);
        let series = said(counters, &seen(&[90, 120]), &RowSets::new());
        assert_eq!(shown(&series[&(media(), None)]), [(20, 5), (150, 9)]);
    }

    #[test]
    fn a_thinned_counter_keeps_its_edges_and_its_falls() {
        let mut points: Vec<Point> = (0..20).map(|n| point(n * 10, if n < 12 { n } else { n - 12 })).collect();
        thin(&mut points, &BTreeSet::from([Instant(45), Instant(70)]));
        let ats: Vec<i64> = points.iter().map(|point| point.fact.read_at.0).collect();
        assert_eq!(ats, [0, 40, 50, 60, 70, 80, 110, 120, 190]);
        let mut none = Vec::new();
        thin(&mut none, &BTreeSet::from([Instant(45)]));
        assert!(none.is_empty());
    }

    fn number(at: i64, text: &str) -> UnitlessFact {
        let number = Decimal::parse(text).expect("a number");
        UnitlessFact {
            subject: Subject::Reading,
            at: Instant(at),
            numbers: vec![Unitless { row: RowId::U17, number }],
            product_number: "CZ1".to_owned(),
            firmware: "F1".to_owned(),
        }
    }

    #[test]
    fn a_declared_number_is_a_reading_where_it_changed_and_at_the_edges() {
        let numbers: Vec<UnitlessFact> = [(10, "5"), (20, "5"), (30, "5"), (40, "7.5"), (50, "7.5"), (60, "7.5")]
            .map(|(at, n)| number(at, n))
            .into();
        let unit = DeclaredUnit {
            product_number: "CZ1".to_owned(),
            firmware: String::new(),
            row: RowId::U17,
            unit: "m2".to_owned(),
        };
        let sets = seen(&[10, 20, 30, 40, 50, 60]);
        let mut series = Series::new();
        declare(&mut series, &numbers, &[unit], &sets, &seen(&[30]));
        let points = &series[&(media(), None)];
        assert_eq!(shown(points), [(10, 5_000_000), (30, 5_000_000), (40, 7_500_000), (60, 7_500_000)]);
        assert!(points.iter().all(|point| point.fact.source == ReadingSource::Declared));
        let mut withdrawn = Series::new();
        declare(&mut withdrawn, &numbers, &[], &sets, &seen(&[30]));
        assert!(withdrawn.is_empty());
    }
}
