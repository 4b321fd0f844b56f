//! The draft by itself, without any clause.

use super::*;
use crate::clauses::At;
use crate::contract::Step;
use crate::events::Runs;
use crate::meter::{Meter, MeterKind, Pattern, PricingUnit};
use crate::money::Money;
use crate::period::Day;
use crate::sample;
use report::Grade;

fn day(text: &str) -> Instant {
    Day::parse(text).expect("a day").start("UTC").expect("a midnight")
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

fn input(printers: Vec<PrinterUsage>) -> Input {
    let terms = Terms::new(Currency::parse("EUR").expect("a currency"), "UTC");
    sample::input(terms, sample::month(10), printers)
}

fn bucket(stay: usize, meter: &str, quantity: i64) -> Bucket {
    Bucket {
        stay,
        meter: Meter::parse(meter).expect("a meter"),
        media: None,
        quantity,
        covered: 0,
        covers: Vec::new(),
        estimated: 0,
        sources: Vec::new(),
        grades: BTreeMap::from([(Grade::A, quantity / 2), (Grade::C, quantity - quantity / 2)]),
        marks: BTreeSet::new(),
    }
}

fn left(covers: &str, left: i64) -> Left {
    Left {
        key: "allowance.1".to_owned(),
        clause: 0,
        lot: None,
        covers: vec![pattern(covers)],
        unit: PricingUnit::SquareMetre,
        included: left,
        left,
        word: "allowance",
    }
}

fn printers() -> Vec<PrinterUsage> {
    vec![PrinterUsage::new("A", "A"), PrinterUsage::new("B", "B")]
}

fn draft(input: &Input, buckets: Vec<Bucket>) -> Draft<'_> {
    Draft::new(input, &input.terms, input.printers.iter().collect(), buckets, Vec::new())
}

#[test]
fn coverage_is_decided_on_the_sum_of_all_stays() {
    let input = input(printers());
    let mut draft = draft(&input, vec![bucket(0, "pages", 10), bucket(1, "pages", -4), bucket(1, "jobs", 1)]);
    draft.pools[0].allowances.push(left("pages", 100));
    let taken = draft.take(0, &[&pattern("pages")]).expect("a sum").expect("usage");
    assert_eq!((taken.used, taken.included, taken.by_stay.as_slice()), (6, 6, &[(0, 10), (1, -4)][..]));
    assert_eq!((draft.pools[0].allowances[0].left, taken.covers), (94, vec![("allowance", 6)]));
    assert!(draft.take(0, &[&pattern("pages")]).expect("a sum").is_none(), "it is taken once");
    assert_eq!(draft.used(0, &[&pattern("pages"), &pattern("jobs")]), Ok(7));
}

#[test]
fn usage_that_sums_to_nothing_is_nothing() {
    let input = input(printers());
    let mut draft = draft(&input, vec![bucket(0, "pages", 4), bucket(1, "pages", -4)]);
    assert!(draft.take(0, &[&pattern("pages")]).expect("a sum").is_none());
    let (lines, carry) = draft.finish().expect("a finished draft");
    assert!(lines.is_empty() && carry.is_empty());
}

#[test]
fn blocks_cover_what_the_allowances_before_them_leave() {
    let input = input(printers());
    let usage = vec![bucket(0, "area-printed/mono-line", 30), bucket(1, "area-printed/colour-line", 50)];
    let mut draft = draft(&input, usage);
    draft.pools[0].allowances.push(left("area-printed/mono-line", 20));
    let all = pattern("area-printed");
    assert_eq!(draft.open_after(0, &[&all]), Ok(60));
    assert_eq!(draft.cover(0, &[&all], 55, "prepaid"), Ok(55));
    assert_eq!((draft.open_after(0, &[&all]), draft.pools[0].allowances[0].left), (Ok(5), 0));
    let taken = draft.take(0, &[&all]).expect("a sum").expect("usage");
    assert_eq!((taken.used, taken.included), (80, 75));
    assert_eq!(taken.covers, [("prepaid", 55), ("allowance", 20)]);
}

#[test]
fn usage_is_lowered_where_it_was_printed_and_what_is_proved_worst_goes_first() {
    let input = input(printers());
    let usage = vec![bucket(0, "area-printed/mono-line", 12), bucket(1, "area-printed/mono-line", 40)];
    let mut draft = draft(&input, usage);
    let mono = Meter::parse("area-printed/mono-line").expect("a meter");
    assert_eq!(draft.lower(0, 0, &mono, None, 7), 7);
    assert_eq!(draft.lower(0, 0, &Meter::whole(MeterKind::AreaPrinted), None, 9), 5);
    assert_eq!(draft.lower(0, 1, &mono, Some("Bond"), 9), 0);
    let taken = draft.take(0, &[&pattern("area-printed")]).expect("a sum").expect("usage");
    assert_eq!((taken.used, taken.grades.values().sum::<i64>()), (40, 40));
    assert_eq!(draft.used(0, &[&pattern("area-printed")]), Ok(40));
}

#[test]
fn amounts_are_shared_by_the_pools_allocation() {
    let input = input(vec![PrinterUsage::new("A", "A"), PrinterUsage::new("B", "B"), PrinterUsage::new("C", "C")]);
    let mut draft = draft(&input, vec![bucket(0, "pages", 10), bucket(1, "pages", 50)]);
    draft.pools[0].allowances.push(left("pages", 30));
    let taken = draft.take(0, &[&pattern("pages")]).expect("a sum").expect("usage");
    // Allocation, amounts of A, B and C.
    let cases = [
        (Allocation::Usage, vec![("A", 17), ("B", 83)]),
        (Allocation::Excess, vec![("A", 0), ("B", 100)]),
        (Allocation::Equal, vec![("A", 34), ("B", 33), ("C", 33)]),
    ];
    for (allocation, expected) in cases {
        draft.pools[0].allocation = allocation;
        let shares = draft.share(0, &taken, Money(100));
        let found: Vec<_> = shares.iter().map(|share| (share.printer.as_str(), share.amount.0)).collect();
        assert_eq!(found, expected, "{allocation:?}");
        assert_eq!(shares.iter().map(|share| share.quantity).sum::<i64>(), 60);
    }
}

#[test]
fn a_place_counts_once_and_its_days_too() {
    let stay = |id: &str, from: &str, to: Option<&str>| PrinterUsage {
        from: day(from),
        to: to.map(day),
        position: Some("hall".to_owned()),
        ..PrinterUsage::new(id, id)
    };
    let (old, new) = (stay("A", "2026-09-01", Some("2026-10-12")), stay("B", "2026-10-12", Some("2026-10-20")));
    let input = input(vec![old, new, PrinterUsage::new("C", "C")]);
    let draft = draft(&input, Vec::new());
    let places = draft.places(&[]);
    assert_eq!(places.iter().map(|place| place.id.as_str()).collect::<Vec<_>>(), ["C", "hall"]);
    let hall = places.last().expect("a place");
    let filled = Period::new(draft.period().start, day("2026-10-20")).expect("a period");
    assert_eq!((hall.parts.as_slice(), hall.stays.as_slice()), (&[filled][..], &[0, 1][..]));
    let part = |rule| draft.part(rule, Some(hall)).expect("a part").words();
    assert_eq!((part(Proration::ActualDays).as_str(), part(Proration::None).as_str()), ("19/31", ""));
    for (name, found) in [("B", "hall"), ("hall", "hall"), ("C", "C")] {
        assert_eq!(draft.places(&[name.to_owned()]).first().map(|place| place.id.as_str()), Some(found));
    }
}

#[test]
fn spans_begin_and_end_with_the_contract() {
    // The contract's dates, the span, its start and end, whether it begins and ends here.
    let cases = [
        (None, Reset::Period, "2026-10-01", Some("2026-11-01"), true, true),
        (None, Reset::Quarter, "2026-10-01", Some("2027-01-01"), true, false),
        (None, Reset::Year, "2026-01-01", Some("2027-01-01"), false, false),
        (None, Reset::Contract, "1970-01-01", None, false, false),
        (Some(("2026-10-12", None)), Reset::Year, "2026-10-12", Some("2027-01-01"), true, false),
        (Some(("2026-08-15", Some("2026-10-20"))), Reset::Quarter, "2026-10-01", Some("2026-10-20"), true, true),
        (Some(("2026-08-15", Some("2026-11-20"))), Reset::Year, "2026-08-15", Some("2026-11-20"), false, false),
        (Some(("2026-08-15", Some("2026-11-01"))), Reset::Contract, "2026-08-15", Some("2026-11-01"), false, true),
    ];
    for (runs, reset, start, end, begins, ends) in cases {
        let mut input = input(Vec::new());
        input.runs = runs.map(|(from, to)| Runs { from: day(from), to: to.map(day) });
        let span = draft(&input, Vec::new()).span(reset).expect("a span");
        assert_eq!(span, SpanAt { start: day(start), end: end.map(day), begins, ends }, "{reset:?} {runs:?}");
    }
}

#[test]
fn a_span_shorter_than_the_period_lasts_as_long() {
    let mut input = input(Vec::new());
    input.period.end = day("2027-01-01");
    let span = draft(&input, Vec::new()).span(Reset::Month).expect("a span");
    assert_eq!(
        (span.start, span.end, span.begins, span.ends),
        (day("2026-10-01"), Some(day("2027-01-01")), true, true)
    );
}

#[test]
fn pools_that_lost_their_printers_are_gone_and_labels_are_unique() {
    let input = input(printers());
    let mut draft = draft(&input, Vec::new());
    let all = draft.pools[0].clone();
    let pool = |key: &str, label: &str, stays: Vec<usize>| {
        let (key, label) = (key.to_owned(), label.to_owned());
        PoolUsage { key, label, stays, ..all.clone() }
    };
    draft.pools = vec![pool("A", "Hall", vec![0]), pool("B", "Hall", vec![1]), pool("", "", Vec::new())];
    draft.settle_pools();
    let names: Vec<_> = draft.pools.iter().map(|pool| (pool.key.as_str(), pool.label.as_str())).collect();
    assert_eq!(names, [("A", "Hall"), ("B", "Hall (B)")]);
    assert_eq!(draft.titled("Pages".to_owned(), 1), "Pages · Hall (B)");
}

#[test]
fn lines_are_shown_in_the_order_of_the_clauses() {
    let input = input(Vec::new());
    let mut draft = draft(&input, Vec::new());
    for number in [3, 1, 2] {
        let at = At { number, key: "fee" };
        draft.push(&at, Step::Fees, Line { id: at.id(None, ""), amount: Some(Money(5)), ..Line::default() });
    }
    draft.replace_lines(|line| vec![Line { id: format!("{} → Bank", line.id), ..line.clone() }, line]);
    assert_eq!(draft.amount_of(|_| true), Ok(Money(30)));
    let (lines, _) = draft.finish().expect("a finished draft");
    let ids: Vec<&str> = lines.iter().map(|line| line.id.as_str()).collect();
    assert_eq!(ids, ["1 → Bank", "1", "2 → Bank", "2", "3 → Bank", "3"]);
    assert!(lines.iter().all(|line| line.clause.as_deref() == Some("fee") && line.step == Some(Step::Fees)));
}
