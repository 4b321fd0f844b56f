//! What stands behind the lines: for any contract and any facts it adds up to what the lines say was used.

use crate::case::{input, october, printer};
use crate::properties::{each_month, hold};
use crate::world::clause;
use billing::contract::Terms;
use billing::{Behind, BehindFact, JobFact, Meter, PrinterUsage, Quantity, Unbilled, behind, facts_behind, rate};
use proptest::prelude::{prop_assert, prop_assert_eq};
use report::{Grade, Instant, JobKind, JobStatus};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// What counts for each line, by its id.
fn by_line<'a>(rows: &'a [Behind<'a>]) -> BTreeMap<&'a str, i128> {
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for row in rows {
        if let Some(line) = row.line {
            *sums.entry(line.id.as_str()).or_default() += i128::from(row.counts);
        }
    }
    sums
}

#[test]
fn what_counts_adds_up_to_what_every_line_says_was_used() {
    let (lines, left_out, rounded) = (Cell::new(0_u64), Cell::new(0_u64), Cell::new(0_u64));
    hold("facts behind every line", 384, |dice| {
        each_month(dice, &Cell::new(0), |input, rated| {
            let rows = behind(input, &[&rated.statement]).expect("rated before");
            let of_facts = |row: &&Behind<'_>| matches!(row.fact, BehindFact::Job(_) | BehindFact::Sum(_));
            prop_assert!(rows.iter().filter(of_facts).count() <= facts_behind(input));
            let sums = by_line(&rows);
            for line in &rated.statement.lines {
                let used = line.used.map(i128::from).unwrap_or_default();
                prop_assert_eq!(sums.get(line.id.as_str()).copied().unwrap_or_default(), used, "{}", line.id);
                lines.set(lines.get() + u64::from(line.used.is_some()));
            }
            let mut said = 0_i128;
            for row in &rows {
                prop_assert!(row.fact != BehindFact::Difference, "{row:?}");
                prop_assert!(row.fact != BehindFact::Credit || row.counts < 0, "{row:?}");
                prop_assert!(row.unbilled.is_some() || row.line.is_some(), "{row:?}");
                let alone = !matches!(row.unbilled, None | Some(Unbilled::NoAmount | Unbilled::Nothing));
                prop_assert!(!alone || (row.counts == 0 && row.line.is_none()), "{row:?}");
                left_out.set(left_out.get() + u64::from(alone));
                rounded.set(rounded.get() + u64::from(row.fact == BehindFact::Rounding));
                if let (BehindFact::Job(_), Some(quantity)) = (row.fact, &row.said) {
                    said += i128::from(quantity.amount);
                }
            }
            // Everything that a job of the period says stands there once.
            let stays = input.printers.iter().flat_map(|stay| stay.jobs.iter().map(move |job| (stay, job)));
            let holds = |(stay, job): &(&PrinterUsage, &JobFact)| {
                let at = job.finished_at;
                input.period.contains(at) && stay.from <= at && stay.to.is_none_or(|to| at < to)
            };
            let all = stays.filter(holds).flat_map(|(_, job)| &job.quantities);
            prop_assert_eq!(said, all.map(|quantity| i128::from(quantity.amount)).sum::<i128>());
            Ok(())
        })
    });
    println!("{} lines, {} left out, {} rounded", lines.get(), left_out.get(), rounded.get());
    assert!(lines.get() > 500 && left_out.get() > 500 && rounded.get() > 20, "little was compared");
}

fn said(meter: &str, amount: i64) -> Quantity {
    Quantity { meter: Meter::parse(meter).expect("a meter"), media: Some("Bond".to_owned()), amount }
}

/// A copy of three categories: its categories are one by the contract, its scan is left out, its pages have no clause.
#[test]
fn each_part_of_a_job_says_what_it_counts_as_or_why_it_is_not_billed() {
    let mut terms = Terms::new(crate::case::currency("EUR"), "UTC");
    let text = str::to_owned;
    let of = |word: &str, texts: &[(&str, String)]| clause(&Terms::new(terms.currency, "UTC"), word, texts);
    let row = [("rows.1.media", text("Bond")), ("rows.1.category", text("premium"))];
    let prices = [
        ("prices.1.pattern", text("area-printed/premium")),
        ("prices.1.price", text("2")),
        ("prices.2.pattern", text("scan-area")),
        ("prices.2.price", text("1")),
    ];
    let rounded =
        [("meter", text("area-printed")), ("point", text("job")), ("direction", text("up")), ("step", text("1"))];
    let clauses = vec![
        of("copies", &[("bill", text("print"))]),
        of("media-class", &row),
        of("rounding", &rounded),
        of("price-list", &prices),
    ];
    terms.clauses = clauses;
    let job = |key: &str, status| JobFact {
        key: key.to_owned(),
        finished_at: Instant(october().start.0 + 1),
        status: Some(status),
        grade: Grade::B,
        quantities: vec![
            said("area-printed/mono-line", 600_000),
            said("area-printed/colour-line", 700_000),
            said("scan-area", 500_000),
            said("pages", 3),
        ],
        kind: Some(JobKind::Copy),
        coverage: None,
        marks: BTreeSet::new(),
    };
    let jobs = vec![job("a", JobStatus::Printed), job("b", JobStatus::Cancelled)];
    let input = input(terms, vec![PrinterUsage { jobs, ..printer("7") }]);
    let rated = rate(&input).expect("rated");
    let rows = behind(&input, &[&rated.statement]).expect("rated before");
    let shown: Vec<(String, i64, Option<&str>)> =
        rows.iter().map(|row| (row.meter.to_string(), row.counts, row.unbilled.map(Unbilled::word))).collect();
    let premium = |counts| ("area-printed/premium".to_owned(), counts, None);
    let not = |meter: &str, why| (meter.to_owned(), 0, Some(why));
    let expected = [
        premium(600_000),
        premium(1_400_000),
        not("scan-area", "left-out"),
        not("pages", "no-clause"),
        not("area-printed/mono-line", "status"),
        not("area-printed/colour-line", "status"),
        not("scan-area", "status"),
        not("pages", "status"),
    ];
    assert_eq!(shown, expected);
    assert_eq!(facts_behind(&input), rows.len());
    assert_eq!(by_line(&rows).values().copied().collect::<Vec<i128>>(), [2_000_000]);
}
