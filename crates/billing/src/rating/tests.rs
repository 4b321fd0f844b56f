//! Rating by itself, with a price list and little else.

use super::*;
use crate::clauses::Clause;
use crate::clauses::rounding::{Point, QuantityRounding};
use crate::ledger::segments::{CounterUsage, ReadingPoint, SegmentUsage, Unmeasured};
use crate::ledger::{Mark, Method, Quantity, ReadingSource, SumKind};
use crate::meter::{Meter, Pattern};
use crate::money::{Currency, Direction, UnitPrice};
use crate::sample;
use crate::statement::{AdjustmentLine, Line, LineEvidence, LineShare, Reference};
use crate::{Allowance, Price, PriceList};
use report::{Duration, Grade};
use std::collections::BTreeSet;

fn october() -> Period {
    sample::month(10)
}

fn hours(count: i64) -> Instant {
    october().start.plus(Duration::hours(count))
}

fn quantity(meter: &str, amount: i64) -> Quantity {
    Quantity { meter: Meter::parse(meter).expect("a meter"), media: None, amount }
}

fn job(key: &str, at: Instant, quantities: Vec<Quantity>) -> JobFact {
    JobFact {
        key: key.to_owned(),
        finished_at: at,
        status: Some(JobStatus::Printed),
        grade: Grade::B,
        quantities,
        kind: None,
        coverage: None,
        marks: BTreeSet::new(),
    }
}

/// Terms that charge 1.00 for what each pattern means.
fn terms(patterns: &[&str]) -> Terms {
    let price = UnitPrice { millionths: 1_000_000 };
    let prices = patterns.iter().map(|text| Price::new(Pattern::parse(text).expect("a pattern"), price));
    let clauses = vec![Clause::PriceList(PriceList { prices: prices.collect() })];
    Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") }
}

fn input(terms: Terms, printers: Vec<PrinterUsage>) -> Input {
    sample::input(terms, october(), printers)
}

fn rated(input: &Input) -> Statement {
    rate(input).expect("input that can be rated").statement
}

fn share(printer: &str, quantity: i64, amount: i64) -> LineShare {
    LineShare { printer: printer.to_owned(), site: None, quantity, amount: Money(amount) }
}

#[test]
fn a_line_says_its_clause_its_step_and_which_printer_bears_how_much() {
    let jobs = |amount| vec![job("1", hours(5), vec![quantity("area-printed/mono-line", amount)])];
    let first = PrinterUsage { jobs: jobs(1_000_000), ..PrinterUsage::new("A", "Studio") };
    let second = PrinterUsage { jobs: jobs(2_000_000), ..PrinterUsage::new("B", "Hall") };
    let statement = rated(&input(terms(&["area-printed"]), vec![second, first]));
    let [line] = statement.lines.as_slice() else { panic!("{:?}", statement.lines) };
    assert_eq!(
        (line.clause.as_deref(), line.step, line.amount),
        (Some("price-list.1"), Some(Step::Prices), Some(Money(300)))
    );
    assert_eq!(line.shares, [share("A", 1_000_000, 100), share("B", 2_000_000, 200)]);
}

#[test]
fn a_fold_and_an_estimate_are_marked_and_proved_as_c() {
    let fold = SumFact {
        kind: SumKind::Fold,
        since: hours(1),
        until: hours(30),
        jobs: 12,
        grade: Grade::A,
        quantities: vec![quantity("pages", 40)],
    };
    let estimate = EstimateFact {
        meter: Meter::parse("pages").expect("a meter"),
        media: None,
        span: Period::new(hours(30), october().end).expect("a span"),
        quantity: 5,
        method: Method::Daily30,
        basis: "150 in 30 days".to_owned(),
    };
    // What ends after the period belongs to the next one.
    let later = EstimateFact { span: Period::new(hours(30), hours(24 * 40)).expect("a span"), ..estimate.clone() };
    let stay = PrinterUsage {
        jobs: vec![job("1", hours(2), vec![quantity("pages", 3)])],
        sums: vec![fold.clone(), SumFact { until: october().end, ..fold }],
        estimates: vec![later, estimate.clone()],
        ..PrinterUsage::new("A", "A")
    };
    let statement = rated(&input(terms(&["pages"]), vec![stay]));
    let [line] = statement.lines.as_slice() else { panic!("{:?}", statement.lines) };
    assert_eq!((line.used, line.estimated), (Some(48), 5));
    assert_eq!(line.marks, BTreeSet::from([Mark::Estimated, Mark::Folded]));
    assert_eq!(line.grades, BTreeMap::from([(Grade::B, 3), (Grade::C, 45)]));
    let evidence: Vec<&LineEvidence> = line.sources.iter().map(|source| &source.evidence).collect();
    let expected = [
        &LineEvidence::Jobs { count: 1, quantity: 3 },
        &LineEvidence::Sum { kind: SumKind::Fold, jobs: 12, quantity: 40 },
        &LineEvidence::Estimate { span: estimate.span, method: Method::Daily30, quantity: 5 },
    ];
    assert_eq!(evidence, expected);
}

#[test]
fn a_sum_whose_jobs_may_be_known_one_by_one_is_told_and_not_billed() {
    let beside = SumFact {
        kind: SumKind::Beside,
        since: hours(1),
        until: hours(30),
        jobs: 12,
        grade: Grade::C,
        quantities: vec![quantity("pages", 40)],
    };
    let stay = PrinterUsage {
        jobs: vec![job("1", hours(2), vec![quantity("pages", 3)])],
        sums: vec![beside],
        ..PrinterUsage::new("A", "A")
    };
    let statement = rated(&input(terms(&["pages"]), vec![stay]));
    let [line] = statement.lines.as_slice() else { panic!("{:?}", statement.lines) };
    assert_eq!((line.used, line.marks.is_empty()), (Some(3), true));
    assert!(statement.notes.iter().any(|note| note.starts_with("A: a sum of 12 jobs")), "{:?}", statement.notes);
}

#[test]
fn a_counters_marks_come_from_its_readings_and_an_estimate_stands_for_what_was_not_read() {
    let point = |value, at, source| ReadingPoint { segment: 1, value, read_at: at, grade: Grade::B, source };
    let (start, end) = (point(10, hours(0), ReadingSource::Interpolated), point(30, hours(9), ReadingSource::Manual));
    let usage = CounterUsage {
        start: Some(start),
        end: Some(end),
        quantity: 20,
        segments: vec![SegmentUsage { start, end, quantity: 20 }],
        unmeasured: vec![Unmeasured::SinceLast(hours(9))],
        ..CounterUsage::default()
    };
    let meter = Meter::parse("pages").expect("a meter");
    let counters = vec![CounterFact { meter: meter.clone(), media: None, usage }];
    let mut terms = terms(&["pages"]);
    terms.evidence.insert(MeterKind::Pages, Evidence::Counter);
    let read = PrinterUsage { counters, ..PrinterUsage::new("A", "A") };
    let statement = rated(&input(terms.clone(), vec![read.clone()]));
    assert_eq!(statement.lines[0].marks, BTreeSet::from([Mark::Interpolated, Mark::Manual]));
    assert_eq!(statement.notes.len(), 1, "{:?}", statement.notes);
    let span = Period::new(hours(9), october().end).expect("a span");
    let (method, basis) = (Method::Zero, String::new());
    let estimates = vec![EstimateFact { meter, media: None, span, quantity: 7, method, basis }];
    let statement = rated(&input(terms, vec![PrinterUsage { estimates, ..read }]));
    assert_eq!((statement.lines[0].used, statement.lines[0].estimated), (Some(27), 7));
    assert!(statement.notes.is_empty(), "{:?}", statement.notes);
}

#[test]
fn rounded_quantities_add_up_and_the_difference_is_said() {
    // Three jobs of 0.4 m² on two days: by job, by day and for the period, up to 1 m².
    let jobs = [2, 3, 30].map(|at| job(&at.to_string(), hours(at), vec![quantity("area-printed", 400_000)]));
    let stay = PrinterUsage { jobs: jobs.to_vec(), ..PrinterUsage::new("A", "A") };
    for (point, used) in [(Point::Job, 3), (Point::Day, 2), (Point::Period, 2)] {
        let (meter, direction, step) = (MeterKind::AreaPrinted, Direction::Up, 1_000_000);
        let mut terms = terms(&["area-printed"]);
        terms.clauses.insert(0, Clause::QuantityRounding(QuantityRounding { meter, point, direction, step }));
        let statement = rated(&input(terms, vec![stay.clone()]));
        let line = &statement.lines[0];
        assert_eq!(line.used, Some(used * 1_000_000), "{point:?}");
        assert_eq!(line.sources.iter().map(|source| source.evidence.quantity()).sum::<i64>(), used * 1_000_000);
        assert_eq!(line.grades.values().sum::<i64>(), used * 1_000_000);
        assert_eq!(statement.notes, [format!("Area printed: 1.20 m² measured, {used}.00 m² after rounding.")]);
    }
}

#[test]
fn adjustments_stand_after_the_clauses_and_count() {
    let refers = Reference { number: "S-0187".to_owned(), statement: "9".to_owned(), period: october(), line: None };
    let of = AdjustmentLine {
        line: "3.1".to_owned(),
        title: "Pages, September 2026".to_owned(),
        detail: "a job arrived late".to_owned(),
        amount: Money(-120),
        steps: vec!["3.00 − 4.20 = -1.20".to_owned()],
    };
    let stay = PrinterUsage {
        jobs: vec![job("1", hours(1), vec![quantity("pages", 2), quantity("area-printed", 1)])],
        ..PrinterUsage::new("A", "A")
    };
    let mut input = input(terms(&["area-printed/mono-line", "pages"]), vec![stay]);
    input.adjustments.push(Adjustment { refers: refers.clone(), lines: vec![of] });
    let statement = rated(&input);
    let ids: Vec<&str> = statement.lines.iter().map(|line| line.id.as_str()).collect();
    assert_eq!(ids, ["1.2", "adjustment.1.3.1", "unpriced.area-printed"]);
    let Line { step, refers: found, .. } = &statement.lines[1];
    assert_eq!(
        (*step, found.clone()),
        (Some(Step::Adjustments), Some(Reference { line: Some("3.1".to_owned()), ..refers }))
    );
    assert_eq!(statement.net, Money(200 - 120));
}

#[test]
fn carry_that_contradicts_itself_is_refused() {
    let mut input = input(terms(&["pages"]), Vec::new());
    input.carry.set("tiers.1", "", "used", vec![crate::Lot::default()]);
    assert!(rate(&input).is_ok());
    input.carry.entries.extend(input.carry.entries.clone());
    let expected = RatingError::Carry { what: "used of tiers.1 stands twice".to_owned() };
    assert_eq!(rate(&input), Err(expected));
}

#[test]
fn usage_is_the_same_whichever_order_clauses_stand_in_while_steps_decide() {
    let pages = Pattern::parse("pages").expect("a pattern");
    let allowance = Clause::Allowance(Allowance { covers: vec![pages], included: 4, ..Allowance::default() });
    let stay =
        PrinterUsage { jobs: vec![job("1", hours(1), vec![quantity("pages", 10)])], ..PrinterUsage::new("A", "A") };
    let before = terms(&["pages"]);
    for place in [0, 1] {
        let mut terms = before.clone();
        terms.clauses.insert(place, allowance.clone());
        let input = input(terms, vec![stay.clone()]);
        assert_eq!(rated(&input).net, Money(600));
        assert_eq!(usage_net(&input, false), Ok(Money(600)));
    }
}

#[test]
fn an_input_without_the_newer_facts_is_stored_as_before() {
    let stored = serde_json::to_string(&input(terms(&["pages"]), vec![PrinterUsage::new("A", "A")]));
    let stored = stored.expect("input as JSON");
    for field in ["carry", "runs", "sites", "events", "tables", "parties", "adjustments", "position", "sums"] {
        assert!(!stored.contains(&format!("\"{field}\"")), "{field}: {stored}");
    }
}
