//! What must hold for any terms and any jobs.
//!
//! Telling duplicate jobs apart is the ledger's business, so that no property speaks of it.

use crate::case::{currency, input, october, printer};
use billing::{
    Allowance, BaseFee, Clause, CounterFact, Evidence, Input, JobFact, LineEvidence, Meter, MeterKind, Money, Pattern,
    Per, Price, PriceList, PrinterUsage, Quantity, RatingError, ReadingPoint, Statement, Tax, Terms, UnitPrice, rate,
    recount, usage_between,
};
use proptest::prelude::*;
use report::{Duration, Grade, Instant, JobStatus, Share};
use std::collections::BTreeMap;

/// Patterns from the narrowest to the widest, so that any choice of them can be reached.
const PATTERNS: [&str; 6] = [
    "area-printed/mono-line@Bond",
    "area-printed@Satin",
    "area-printed/mono-line",
    "area-printed/colour-line",
    "area-printed",
    "pages",
];
const METERS: [&str; 4] =
    ["area-printed/mono-line", "area-printed/colour-line", "area-printed/low-density", "area-printed"];
const MEDIA: [Option<&str>; 3] = [None, Some("Bond"), Some("Satin")];
const STATUSES: [Option<JobStatus>; 5] =
    [None, Some(JobStatus::Printed), Some(JobStatus::Scanned), Some(JobStatus::Cancelled), Some(JobStatus::Failed)];
const GRADES: [Grade; 3] = [Grade::A, Grade::B, Grade::C];

/// Any terms: a currency, a fee, up to three allowances, some of the patterns priced, a tax.
fn any_terms() -> impl Strategy<Value = Terms> {
    let allowances = prop::collection::vec((0..PATTERNS.len(), 0..40_000_000_i64), 0..3);
    let prices = prop::collection::vec(prop::option::of(0..5_000_000_i64), PATTERNS.len());
    let code = prop::sample::select(vec!["EUR", "JPY", "KWD"]);
    (code, 0..100_000_i64, any::<bool>(), allowances, prices, 0..300_000_i64).prop_map(
        |(code, fee, per_printer, allowances, prices, rate)| {
            let mut terms = Terms::new(currency(code), "UTC");
            let per = if per_printer { Per::Printer } else { Per::Contract };
            terms.clauses.push(Clause::BaseFee(BaseFee { title: None, amount: Money(fee), per }));
            let priced = prices.iter().zip(PATTERNS).filter_map(|(price, pattern)| {
                let price = UnitPrice { millionths: (*price)? };
                Some(Price { title: None, pattern: pattern_of(pattern), price })
            });
            let priced: Vec<Price> = priced.collect();
            if !priced.is_empty() {
                terms.clauses.extend(allowances.iter().map(|&(index, included)| allowance(PATTERNS[index], included)));
                terms.clauses.push(Clause::PriceList(PriceList { prices: priced }));
            }
            terms.clauses.push(Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(rate) }));
            terms
        },
    )
}

fn pattern_of(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

fn allowance(pattern: &str, included: i64) -> Clause {
    let pattern = pattern_of(pattern);
    // Pages are counted whole; 40 of them are plenty.
    let included = if pattern.meter == MeterKind::Pages { included / 1_000_000 } else { included };
    Clause::Allowance(Allowance { covers: vec![pattern], included })
}

/// Any jobs; the smallest area is `lowest` mm², and some finish outside the period.
fn any_jobs(lowest: i64) -> impl Strategy<Value = Vec<JobFact>> {
    let job = (
        0..STATUSES.len(),
        0..METERS.len(),
        0..MEDIA.len(),
        0..GRADES.len(),
        lowest..5_000_000_i64,
        0..9_i64,
        -3..34_i64,
    );
    let jobs = prop::collection::vec(job, 0..25);
    jobs.prop_map(|jobs| {
        let jobs = jobs.into_iter().enumerate();
        let fact = jobs.map(|(number, (status, meter, media, grade, area, pages, day))| {
            let media = MEDIA[media].map(str::to_owned);
            let quantity = |meter: &str, amount| Quantity {
                meter: Meter::parse(meter).expect("a meter"),
                media: media.clone(),
                amount,
            };
            JobFact {
                key: format!("j{number}"),
                finished_at: october().start.plus(Duration::hours(24 * day)),
                status: STATUSES[status],
                grade: GRADES[grade],
                quantities: vec![quantity(METERS[meter], area), quantity("pages", pages)],
            }
        });
        fact.collect::<Vec<JobFact>>()
    })
}

/// One printer with these jobs.
fn with_jobs(id: &str, jobs: Vec<JobFact>) -> PrinterUsage {
    PrinterUsage { jobs, ..printer(id) }
}

fn rated(input: &Input) -> Statement {
    rate(input).expect("terms that can be rated")
}

proptest! {
    #[test]
    fn rating_equals_the_slow_recount(terms in any_terms(), jobs in any_jobs(-2_000_000), more in any_jobs(0)) {
        let input = input(terms, vec![with_jobs("A", jobs), with_jobs("B", more)]);
        prop_assert_eq!(i128::from(rated(&input).net.0), recount(&input));
    }

    #[test]
    fn sharing_jobs_between_printers_changes_no_amount(terms in any_terms(), jobs in any_jobs(-2_000_000)) {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (index, job) in jobs.iter().enumerate() {
            if index % 2 == 0 { first.push(job.clone()) } else { second.push(job.clone()) }
        }
        let together = rated(&input(terms.clone(), vec![with_jobs("A", jobs), printer("B")]));
        let shared = rated(&input(terms, vec![with_jobs("A", first), with_jobs("B", second)]));
        prop_assert_eq!(together.total, shared.total);
        let amounts = |statement: &Statement| statement.lines.iter().map(|line| line.amount).collect::<Vec<_>>();
        prop_assert_eq!(amounts(&together), amounts(&shared));
    }

    #[test]
    fn the_order_of_facts_changes_nothing(terms in any_terms(), jobs in any_jobs(-2_000_000), more in any_jobs(0)) {
        let (mut jobs_reversed, mut more_reversed) = (jobs.clone(), more.clone());
        jobs_reversed.reverse();
        more_reversed.reverse();
        let there = rated(&input(terms.clone(), vec![with_jobs("A", jobs), with_jobs("B", more)]));
        let back = rated(&input(terms, vec![with_jobs("B", more_reversed), with_jobs("A", jobs_reversed)]));
        prop_assert_eq!(there, back);
    }

    #[test]
    fn a_statement_adds_up(terms in any_terms(), jobs in any_jobs(-2_000_000)) {
        let statement = rated(&input(terms, vec![with_jobs("A", jobs)]));
        let lines: i64 = statement.lines.iter().filter_map(|line| line.amount).map(|amount| amount.0).sum();
        let taxes: i64 = statement.taxes.iter().map(|row| row.amount.0).sum();
        prop_assert_eq!(statement.net.0, lines);
        prop_assert_eq!(statement.total.0, lines + taxes);
        for line in &statement.lines {
            let Some(used) = line.used else { continue };
            let of = |evidence: &LineEvidence| match evidence {
                LineEvidence::Jobs { quantity, .. } | LineEvidence::Counter { quantity, .. } => *quantity,
            };
            prop_assert_eq!(used, line.sources.iter().map(|source| of(&source.evidence)).sum::<i64>());
            prop_assert_eq!(used, line.grades.values().sum::<i64>());
            if line.amount.is_some() {
                prop_assert_eq!(line.quantity, Some(used - line.included.unwrap_or(0)));
            }
        }
        for row in &statement.reconciliations {
            let between: i64 = row.reconciliation.differences.iter().map(|difference| difference.amount).sum();
            prop_assert_eq!(row.reconciliation.job_printed_total + between, row.reconciliation.job_media_total);
        }
    }

    #[test]
    fn one_job_more_never_costs_less(terms in any_terms(), jobs in any_jobs(0), more in any_jobs(0)) {
        let before = rated(&input(terms.clone(), vec![with_jobs("A", jobs.clone())]));
        let after = rated(&input(terms, vec![with_jobs("A", jobs.into_iter().chain(more).collect())]));
        prop_assert!(before.net <= after.net, "{:?} became {:?}", before.net, after.net);
    }

    #[test]
    fn a_statement_survives_storage(terms in any_terms(), jobs in any_jobs(-2_000_000)) {
        let input = input(terms, vec![with_jobs("A", jobs)]);
        let stored_input = serde_json::to_string(&input).expect("input as JSON");
        let read: Input = serde_json::from_str(&stored_input).expect("input from JSON");
        let statement = rated(&read);
        prop_assert_eq!(&statement, &rated(&input));
        let stored = serde_json::to_string(&statement).expect("a statement as JSON");
        prop_assert_eq!(serde_json::from_str::<Statement>(&stored).expect("a statement from JSON"), statement);
    }

    #[test]
    fn months_that_meet_count_what_the_counter_rose(
        rises in prop::collection::vec((1..80_i64, 0..1_000_000_i64), 1..30),
        cut in 0..1_000_i64,
    ) {
        let (mut hour, mut value) = (0, 0);
        let mut readings = Vec::new();
        for (hours, rise) in rises {
            readings.push(ReadingPoint { segment: 1, value, read_at: Instant(hour), grade: Grade::B });
            hour += hours;
            value += rise;
        }
        let period = |start, end| billing::Period::new(Instant(start), Instant(end)).expect("a period");
        let quantity = |start, end| usage_between(&readings, &period(start, end)).quantity;
        let last = readings.last().map_or(0, |reading| reading.value);
        prop_assert_eq!(quantity(-1, cut) + quantity(cut, 3_000), last);
    }
}

#[test]
fn a_printer_bills_only_what_it_printed_while_in_the_contract() {
    let prices = vec![Price { title: None, pattern: pattern_of("pages"), price: UnitPrice { millionths: 1_000_000 } }];
    let mut terms = Terms::new(currency("EUR"), "UTC");
    terms.clauses.push(Clause::PriceList(PriceList { prices }));
    let start = october().start;
    let job = |hours: i64| JobFact {
        key: format!("j{hours}"),
        finished_at: start.plus(Duration::hours(hours)),
        status: Some(JobStatus::Printed),
        grade: Grade::A,
        quantities: vec![Quantity { meter: Meter::whole(MeterKind::Pages), media: None, amount: 1 }],
    };
    let jobs = vec![job(-1), job(0), job(10), job(20), job(30), job(24 * 31)];
    let stay = PrinterUsage {
        from: start.plus(Duration::hours(10)),
        to: Some(start.plus(Duration::hours(30))),
        ..with_jobs("A", jobs)
    };
    let gone = PrinterUsage { from: Instant(0), to: Some(start), ..with_jobs("B", vec![job(-2)]) };
    let input = input(terms, vec![stay, gone]);
    let statement = rated(&input);
    assert_eq!((statement.net, recount(&input)), (Money(200), 200));
    assert_eq!(statement.period_label, "October 2026");
}

#[test]
fn a_counters_grade_is_that_of_its_weaker_reading() {
    let prices = vec![Price { title: None, pattern: pattern_of("pages"), price: UnitPrice { millionths: 10_000 } }];
    let mut terms = Terms::new(currency("EUR"), "UTC");
    terms.clauses.push(Clause::PriceList(PriceList { prices }));
    terms.evidence.insert(MeterKind::Pages, Evidence::Counter);
    let point = |value, read_at, grade| ReadingPoint { segment: 1, value, read_at, grade };
    let readings = [point(100, october().start, Grade::C), point(160, october().end, Grade::A)];
    let usage = usage_between(&readings, &october());
    let counters = vec![CounterFact { meter: Meter::whole(MeterKind::Pages), media: None, usage }];
    let statement = rated(&input(terms, vec![PrinterUsage { counters, ..printer("A") }]));
    assert_eq!(statement.lines[0].grades, BTreeMap::from([(Grade::C, 60)]));
    let expected = LineEvidence::Counter { start: Some(readings[0]), end: Some(readings[1]), quantity: 60 };
    assert_eq!(statement.lines[0].sources[0].evidence, expected);
}

#[test]
fn terms_that_cannot_be_rated_give_their_problems() {
    let refused = rate(&input(Terms::new(currency("EUR"), "UTC"), vec![]));
    assert!(matches!(refused, Err(RatingError::Terms(problems)) if problems.len() == 1));
}

#[test]
fn a_sum_that_does_not_fit_stops_the_statement() {
    let prices = vec![Price { title: None, pattern: pattern_of("pages"), price: UnitPrice { millionths: 1 } }];
    let mut terms = Terms::new(currency("EUR"), "UTC");
    terms.clauses.push(Clause::PriceList(PriceList { prices }));
    let job = |key: &str| JobFact {
        key: key.to_owned(),
        finished_at: october().start,
        status: Some(JobStatus::Printed),
        grade: Grade::A,
        quantities: vec![Quantity { meter: Meter::whole(MeterKind::Pages), media: None, amount: i64::MAX }],
    };
    let stopped = rate(&input(terms, vec![with_jobs("A", vec![job("1"), job("2")])]));
    assert_eq!(stopped, Err(RatingError::Overflow { what: "Pages".to_owned() }));
}
