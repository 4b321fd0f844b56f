//! Corrections by themselves: jobs that come late, estimates that are replaced, several documents.

use super::*;
use crate::clauses::Clause;
use crate::clauses::tax::TaxRule;
use crate::contract::{Evidence, Terms};
use crate::events::{Party, Site};
use crate::ledger::segments::{CounterUsage, ReadingPoint, SegmentUsage};
use crate::ledger::{CounterFact, EstimateFact, JobFact, Method, ReadingSource};
use crate::meter::{MeterKind, Pattern};
use crate::money::UnitPrice;
use crate::period::{Day, Reset};
use crate::rating::PrinterUsage;
use crate::sample::{self, month};
use crate::{Allowance, Price, PriceList, Tax};
use proptest::prelude::*;
use report::{Duration, Grade, Instant};

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

/// Terms that charge 0.14 for an area and 0.01 for a page, with 21 % tax.
fn terms() -> Terms {
    let price = |text, millionths| Price::new(pattern(text), UnitPrice { millionths });
    let prices = vec![price("area-printed", 140_000), price("pages", 10_000)];
    let tax = Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() };
    let clauses = vec![Clause::PriceList(PriceList { prices }), Clause::Tax(tax)];
    Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") }
}

/// Terms with so many m² included in a quarter, too.
fn with_quarter(included: i64) -> Terms {
    let mut terms = terms();
    let covers = vec![pattern("area-printed")];
    let (included, reset) = (included * 1_000_000, Reset::Quarter);
    terms.clauses.insert(0, Clause::Allowance(Allowance { covers, included, reset, ..Allowance::default() }));
    terms
}

fn job(key: usize, of: Period, meter: &str, amount: i64) -> JobFact {
    sample::job(&format!("j{key}"), of.start.plus(Duration::hours(12)), meter, amount)
}

fn input(terms: &Terms, period: Period, printers: Vec<PrinterUsage>) -> Input {
    sample::input(terms.clone(), period, printers)
}

/// A period with jobs of these areas in m², all of one printer.
fn printed(terms: &Terms, period: Period, areas: &[i64]) -> Input {
    let areas = areas.iter().enumerate();
    let jobs = areas.map(|(key, area)| job(key, period, "area-printed/mono-line", area * 1_000_000)).collect();
    input(terms, period, vec![PrinterUsage { jobs, ..PrinterUsage::new("A", "Studio") }])
}

/// The statement of November, on which a line may settle October.
fn next(terms: &Terms) -> Input {
    input(terms, month(11), Vec::new())
}

fn statements(inputs: &[Input]) -> Vec<Statement> {
    chain(inputs).expect("periods that can be rated").into_iter().map(|rated| rated.statement).collect()
}

fn statement(input: Input) -> Statement {
    statements(&[input]).remove(0)
}

fn billed<'a>(number: &str, statement: &'a Statement) -> Billed<'a> {
    let (number, id) = (number.to_owned(), number.to_lowercase());
    let reference = Reference { number, statement: id, period: statement.period, line: None };
    Billed { reference, statement }
}

fn settled(billed: &[Billed<'_>], again: &Statement) -> Statement {
    note(&billed[0], billed, again).expect("a note that can be worked out").expect("something to settle")
}

fn open(billed: &[Billed<'_>], again: &Statement) -> Vec<LineChange> {
    outstanding(billed, again).expect("documents that can be compared")
}

#[test]
fn a_late_job_makes_a_debit_note_that_names_the_line_and_why() {
    let terms = terms();
    let first = statement(printed(&terms, month(10), &[100]));
    let again = statement(printed(&terms, month(10), &[100, 30]));
    let documents = [billed("S-0001", &first)];
    let [change]: [LineChange; 1] = open(&documents, &again).try_into().expect("one change");
    assert_eq!((change.line.as_str(), change.was, change.now), ("1.1", Money(1_400), Money(1_820)));
    assert_eq!((change.quantity, change.unit), (Some((100_000_000, 130_000_000)), Some(PricingUnit::SquareMetre)));
    let why = "Studio, Monochrome lines, area printed: 2 jobs with 130.00 m² instead of 1 job with 100.00 m²";
    assert_eq!(change.why, [why]);
    let note = settled(&documents, &again);
    assert_eq!((note.kind, note.net, note.total), (DocumentKind::Debit, Money(420), Money(508)));
    assert_eq!(note.total, again.total.minus(first.total).expect("a difference"));
    assert_eq!(note.corrects, Some(documents[0].reference.clone()));
    let [line] = note.lines.as_slice() else { panic!("{:?}", note.lines) };
    assert_eq!(line.refers, Some(Reference { line: Some("1.1".to_owned()), ..documents[0].reference.clone() }));
    assert_eq!(line.steps.last().map(String::as_str), Some("18.20 now − 14.00 billed = 4.20"));
    assert_eq!((line.quantity, line.taxed.as_slice()), (Some(30_000_000), &[Taxed { row: 0, base: Money(420) }][..]));
    assert_eq!(needs_note(&documents, &again, &next(&terms)), Ok(false));
}

#[test]
fn what_is_settled_is_not_outstanding_and_a_second_correction_takes_the_first_into_account() {
    let terms = terms();
    let first = statement(printed(&terms, month(10), &[100]));
    let again = statement(printed(&terms, month(10), &[100, 30]));
    assert!(open(&[billed("S-0001", &first)], &first).is_empty());
    let debit = settled(&[billed("S-0001", &first)], &again);
    let documents = [billed("S-0001", &first), billed("S-0002", &debit)];
    assert!(open(&documents, &again).is_empty());
    assert_eq!(note(&documents[0], &documents, &again), Ok(None));
    let third = statement(printed(&terms, month(10), &[100, 30, -50]));
    let credit = settled(&documents, &third);
    assert_eq!((credit.kind, credit.net, credit.total), (DocumentKind::Credit, Money(-700), Money(-847)));
    let documents = [billed("S-0001", &first), billed("S-0002", &debit), billed("S-0003", &credit)];
    assert!(open(&documents, &third).is_empty());
    let quantities: i64 = documents.iter().flat_map(|of| &of.statement.lines).filter_map(|line| line.quantity).sum();
    assert_eq!(Some(quantities), third.lines[0].quantity);
}

#[test]
fn an_adjustment_on_the_next_statement_settles_the_period_and_leaves_that_statements_own_alone() {
    let terms = terms();
    let october = statement(printed(&terms, month(10), &[100]));
    let again = statement(printed(&terms, month(10), &[100, 30]));
    let first = billed("S-0001", &october);
    let changes = open(std::slice::from_ref(&first), &again);
    let mut next = printed(&terms, month(11), &[7]);
    next.adjustments.push(adjustment(&first, &changes));
    let november = rate(&next).expect("a period that can be rated").statement;
    let adjusted = november.lines.iter().find(|line| is_adjustment(line)).expect("an adjustment");
    assert_eq!(adjusted.title, "Area printed, October 2026");
    assert_eq!((adjusted.amount, adjusted.steps.len()), (Some(Money(420)), 1));
    let documents = [first, billed("S-0002", &november)];
    assert!(open(&documents, &again).is_empty());
    assert_eq!(note(&documents[0], &documents, &again), Ok(None), "a cent of rounding is no correction");
    // November is rated again without it: nothing is outstanding there either.
    let alone = statement(printed(&terms, month(11), &[7]));
    assert_eq!(note(&documents[1], &documents[1..], &alone), Ok(None));
    // What came after an adjustment has no quantity that could be compared.
    let third = statement(printed(&terms, month(10), &[100, 30, 1]));
    let [change]: [LineChange; 1] = open(&documents, &third).try_into().expect("one change");
    assert_eq!((change.was, change.now, change.quantity), (Money(1_820), Money(1_834), None));
}

#[test]
fn a_quarter_corrected_in_its_second_month_is_settled_where_it_costs_something() {
    let terms = with_quarter(1_200);
    let of = |august: &[i64]| {
        let months = [(7, &[300][..]), (8, august), (9, &[350][..])];
        statements(&months.map(|(number, areas)| printed(&terms, month(number), areas)))
    };
    let (before, after) = (of(&[520]), of(&[520, 100]));
    let open: Vec<Vec<LineChange>> =
        before.iter().zip(&after).map(|(before, after)| open(&[billed("S-0001", before)], after)).collect();
    let [july, august, september] = open.as_slice() else { panic!("{} periods", open.len()) };
    assert_eq!((july.len(), august.len()), (0, 0));
    assert_eq!(september.iter().map(|change| change.difference().0).collect::<Vec<_>>(), [980]);
}

/// A printer whose pages were counted to `counted`, with an estimate for the rest of October.
fn counted(counted: i64, estimated: Option<i64>) -> Input {
    let period = month(10);
    let point =
        |value, read_at| ReadingPoint { segment: 1, value, read_at, grade: Grade::B, source: ReadingSource::Printer };
    let (start, end) = (point(0, period.start), point(counted, Instant(period.end.0 - 1)));
    let usage = CounterUsage {
        start: Some(start),
        end: Some(end),
        quantity: counted,
        segments: vec![SegmentUsage { start, end, quantity: counted }],
        ..CounterUsage::default()
    };
    let meter = Meter::parse("pages").expect("a meter");
    let span = Period::new(period.start.plus(Duration::hours(240)), period.end).expect("a span");
    let estimates = estimated.into_iter().map(|quantity| EstimateFact {
        meter: meter.clone(),
        media: None,
        span,
        quantity,
        method: Method::Daily30,
        basis: String::new(),
    });
    let estimates = estimates.collect();
    let counters = vec![CounterFact { meter: meter.clone(), media: None, usage }];
    let mut terms = terms();
    terms.evidence.insert(MeterKind::Pages, Evidence::Counter);
    input(&terms, period, vec![PrinterUsage { counters, estimates, ..PrinterUsage::new("A", "Studio") }])
}

#[test]
fn an_estimate_that_was_too_low_or_too_high_is_put_right_by_a_note() {
    // Estimated, kind, net of the note. Read in the end: 310 pages.
    let cases = [(150, DocumentKind::Debit, 60), (400, DocumentKind::Credit, -190)];
    for (estimated, kind, net) in cases {
        let first = statement(counted(100, Some(estimated)));
        let again = statement(counted(310, None));
        let documents = [billed("S-0001", &first)];
        let note = settled(&documents, &again);
        assert_eq!((note.kind, note.net), (kind, Money(net)), "{estimated}");
        assert_eq!(note.total, again.total.minus(first.total).expect("a difference"));
        let why = &open(&documents, &again)[0].why;
        let sentence = format!("estimate of {estimated} pages replaced by readings");
        assert_eq!(why.first(), Some(&sentence), "{why:?}");
        assert_eq!(needs_note(&documents, &again, &counted(0, None)), Ok(true));
        let documents = [billed("S-0001", &first), billed("S-0002", &note)];
        assert_eq!(needs_note(&documents, &again, &counted(0, None)), Ok(false));
    }
}

#[test]
fn an_estimate_that_was_right_changes_nothing() {
    let (first, again) = (statement(counted(100, Some(210))), statement(counted(310, None)));
    assert!(open(&[billed("S-0001", &first)], &again).is_empty());
    assert_eq!(needs_note(&[billed("S-0001", &first)], &again, &counted(0, None)), Ok(false));
}

#[test]
fn a_line_that_is_no_more_is_given_back_and_a_new_one_is_charged() {
    let terms = terms();
    let first = statement(printed(&terms, month(10), &[100]));
    let pages = vec![job(0, month(10), "pages", 50)];
    let stay = PrinterUsage { jobs: pages, ..PrinterUsage::new("A", "Studio") };
    let again = statement(input(&terms, month(10), vec![stay]));
    let documents = [billed("S-0001", &first)];
    let changes = open(&documents, &again);
    let said: Vec<_> = changes.iter().map(|change| (change.line.as_str(), change.difference().0)).collect();
    assert_eq!(said, [("1.2", 50), ("1.1", -1_400)]);
    assert_eq!(changes[0].why, ["not billed before"]);
    assert_eq!(changes[1].why, ["no longer charged"]);
    let note = settled(&documents, &again);
    assert_eq!(note.total, again.total.minus(first.total).expect("a difference"));
}

#[test]
fn another_rate_of_tax_is_settled_though_no_line_changes() {
    let terms = terms();
    let first = statement(printed(&terms, month(10), &[100]));
    let mut lower = terms;
    lower.clauses.pop();
    let tax = Tax { name: "VAT".to_owned(), rate: Share(90_000), ..Tax::default() };
    lower.clauses.push(Clause::Tax(tax));
    let again = statement(printed(&lower, month(10), &[100]));
    let documents = [billed("S-0001", &first)];
    assert!(open(&documents, &again).is_empty());
    assert_eq!(needs_note(&documents, &again, &next(&lower)), Ok(true), "a line without an amount has no tax");
    let note = settled(&documents, &again);
    let rows: Vec<_> = note.taxes.iter().map(|row| (row.rate.0, row.base.0, row.amount.0)).collect();
    assert_eq!(rows, [(90_000, 1_400, 126), (210_000, -1_400, -294)]);
    assert_eq!((note.net, note.total), (Money(0), Money(-168)));
}

/// Terms with rules of areas, and no tax elsewhere but 19 %.
fn by_area(rows: Vec<TaxRule>) -> Terms {
    let mut terms = terms();
    terms.clauses.pop();
    terms.clauses.push(Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(190_000), rows }));
    terms
}

fn rule(area: &str, from: Option<&str>, percent: i64) -> TaxRule {
    let from = from.map(|day| Day::parse(day).expect("a day"));
    TaxRule { area: area.to_owned(), from, rate: Share(percent * 10_000), ..TaxRule::default() }
}

#[test]
fn what_was_taxed_where_the_printer_stood_is_not_settled_where_the_buyer_is() {
    let terms = by_area(vec![rule("NL", None, 21)]);
    let at = |country: &str, areas: &[i64]| {
        let mut input = printed(&terms, month(10), areas);
        input.printers[0].site = Some("s1".to_owned());
        input.sites.insert("s1".to_owned(), Site { country: country.to_owned(), ..Site::default() });
        statement(input)
    };
    for (country, tax, needed) in [("NL", 88, true), ("DE", 80, false)] {
        let (first, again) = (at(country, &[100]), at(country, &[100, 30]));
        let documents = [billed("S-0001", &first)];
        assert_eq!(needs_note(&documents, &again, &next(&terms)), Ok(needed), "{country}");
        let note = settled(&documents, &again);
        assert_eq!((note.net, note.taxes[0].amount), (Money(420), Money(tax)), "{country}");
        assert_eq!(note.total, again.total.minus(first.total).expect("a difference"));
    }
    // A site that was put right: the amount is the same, and the tax is not.
    let (first, again) = (at("DE", &[100]), at("NL", &[100]));
    let documents = [billed("S-0001", &first)];
    assert!(open(&documents, &again).is_empty());
    assert_eq!(needs_note(&documents, &again, &next(&terms)), Ok(true));
    assert_eq!(settled(&documents, &again).total, Money(294 - 266));
}

#[test]
fn what_was_taxed_at_another_rate_than_now_is_not_settled_on_the_next_statement() {
    let terms = by_area(vec![rule("", Some("2026-11-01"), 21)]);
    let (first, again) = (printed(&terms, month(10), &[100]), printed(&terms, month(10), &[100, 30]));
    let (first, again) = (statement(first), statement(again));
    let documents = [billed("S-0001", &first)];
    let same = input(&terms, month(9), Vec::new());
    assert_eq!(needs_note(&documents, &again, &same), Ok(false));
    assert_eq!(needs_note(&documents, &again, &next(&terms)), Ok(true));
    let tax = &settled(&documents, &again).taxes;
    assert_eq!((tax.len(), tax[0].rate, tax[0].amount), (1, Share(190_000), Money(80)));
}

#[test]
fn that_a_rule_of_an_area_says_the_same_tax_now_settles_nothing() {
    let terms = by_area(vec![rule("DE", None, 19)]);
    let of = |areas: &[i64], country: &str| {
        let mut input = printed(&terms, month(10), areas);
        let buyer = Party { name: "Bau".to_owned(), country: country.to_owned(), ..Party::default() };
        input.parties.buyer = (!country.is_empty()).then_some(buyer);
        statement(input)
    };
    let (first, same, more) = (of(&[100], ""), of(&[100], "DE"), of(&[100, 30], "DE"));
    assert_eq!((first.taxes[0].area.as_str(), same.taxes[0].area.as_str()), ("", "DE"));
    let documents = [billed("S-0001", &first)];
    assert_eq!(notes(&documents[0], &documents, &same), Ok(Vec::new()));
    assert_eq!(needs_note(&documents, &same, &next(&terms)), Ok(false));
    let note = settled(&documents, &more);
    let rows: Vec<_> = note.taxes.iter().map(|row| (row.area.as_str(), row.base.0, row.amount.0)).collect();
    assert_eq!(rows, [("DE", 420, 80)]);
}

#[test]
fn a_tax_that_two_documents_round_apart_is_explained_on_the_note() {
    let terms = terms();
    let (first, again) = (printed(&terms, month(10), &[8]), printed(&terms, month(10), &[8, 1]));
    let (first, again) = (statement(first), statement(again));
    let documents = [billed("S-0001", &first)];
    let found = notes(&documents[0], &documents, &again).expect("a note that can be worked out");
    // 21 % of 1.26 is 0.26, of 1.12 it is 0.24; of the difference alone, 0.14, it would be 0.03.
    assert_eq!((found.len(), found[0].net, found[0].taxes[0].amount), (1, Money(14), Money(2)));
    let words = "0.02 is the tax that is owed now less the tax that was billed, each rounded on the sum of its own \
                 document. VAT 21 % on the difference of 0.14 alone would be 0.03.";
    assert!(found[0].notes.last().is_some_and(|last| last.ends_with(words)), "{:?}", found[0].notes);
    // 21 % of 0.98 is 0.21, of 1.12 it is 0.24: there is nothing to explain.
    let (first, again) = (printed(&terms, month(10), &[7]), printed(&terms, month(10), &[7, 1]));
    let (first, again) = (statement(first), statement(again));
    let documents = [billed("S-0001", &first)];
    let found = notes(&documents[0], &documents, &again).expect("a note that can be worked out");
    assert_eq!((found[0].taxes[0].amount, found[0].notes.len()), (Money(3), 1));
}

#[test]
fn a_price_that_was_wrong_is_settled_by_a_note_and_what_comes_late_after_it_by_a_line() {
    let (wrong, mut right) = (terms(), terms());
    let prices = [("area-printed", 120_000), ("pages", 10_000)];
    let prices = prices.map(|(text, millionths)| Price::new(pattern(text), UnitPrice { millionths })).to_vec();
    right.clauses[0] = Clause::PriceList(PriceList { prices });
    let rated = |areas: &[i64]| {
        let mut rated = statement(printed(&right, month(10), areas));
        rated.contract.version = 2;
        rated
    };
    let (first, again) = (statement(printed(&wrong, month(10), &[100])), rated(&[100]));
    let documents = [billed("S-0001", &first)];
    assert!(other_terms(&documents, &again));
    assert_eq!(needs_note(&documents, &again, &next(&right)), Ok(true));
    let credit = settled(&documents, &again);
    // 100 m² at 0.12 instead of 0.14, with 21 %.
    assert_eq!((credit.kind, credit.net, credit.total), (DocumentKind::Credit, Money(-200), Money(-242)));
    assert!(credit.lines[0].detail.contains("price 0.12"), "{}", credit.lines[0].detail);
    assert_eq!(credit.notes.last().map(String::as_str), Some("The period is worked out by version 2 of the contract."));
    let documents = [billed("S-0001", &first), billed("S-0002", &credit)];
    assert!(open(&documents, &again).is_empty());
    assert_eq!(needs_note(&documents, &rated(&[100, 30]), &next(&right)), Ok(false));
}

#[test]
fn a_statement_stored_before_lines_said_their_taxes_is_compared_all_the_same() {
    let terms = terms();
    let mut first = statement(printed(&terms, month(10), &[100]));
    for line in &mut first.lines {
        line.taxed.clear();
    }
    let same = statement(printed(&terms, month(10), &[100]));
    assert_eq!(note(&billed("S-0001", &first), &[billed("S-0001", &first)], &same), Ok(None));
    let again = statement(printed(&terms, month(10), &[100, 30]));
    assert_eq!(settled(&[billed("S-0001", &first)], &again).total, Money(508));
}

#[test]
fn each_payer_is_settled_with_what_it_was_billed() {
    let terms = terms();
    let paid_by = |statement: &Statement, payer: &str| {
        let mut statement = statement.clone();
        for line in &mut statement.lines {
            line.payer = Some(payer.to_owned());
        }
        statement
    };
    let first = paid_by(&statement(printed(&terms, month(10), &[100])), "Bank");
    let again = paid_by(&statement(printed(&terms, month(10), &[100])), "Lessor");
    let documents = [billed("S-0001", &first)];
    let changes = open(&documents, &again);
    let said: Vec<_> = changes.iter().map(|change| (change.payer.as_deref(), change.difference().0)).collect();
    assert_eq!(said, [(Some("Lessor"), 1_400), (Some("Bank"), -1_400)]);
    assert_eq!(needs_note(&documents, &again, &next(&terms)), Ok(true));
    let note = settled(&documents, &again);
    assert_eq!((note.net, note.total), (Money(0), Money(0)));
    let notes = notes(&documents[0], &documents, &again).expect("a note for each payer");
    let said: Vec<_> = notes.iter().map(|note| (note.payer.as_deref(), note.kind, note.total.0)).collect();
    let expected = [(Some("Bank"), DocumentKind::Credit, -1_694), (Some("Lessor"), DocumentKind::Debit, 1_694)];
    assert_eq!(said, expected);
}

#[test]
fn amounts_of_another_currency_are_refused() {
    let terms = terms();
    let first = statement(printed(&terms, month(10), &[100]));
    let other = Terms { currency: Currency::parse("CHF").expect("a currency"), ..terms };
    let again = statement(printed(&other, month(10), &[100]));
    let refused = outstanding(&[billed("S-0001", &first)], &again);
    assert!(matches!(refused, Err(RatingError::Terms(problems)) if problems[0].field == "currency"));
}

/// Areas in hundredths of a m², on time, late, and later still, for each month of a quarter.
fn any_quarter() -> impl Strategy<Value = Vec<[Vec<i64>; 3]>> {
    let areas = || prop::collection::vec(-20_000..90_000_i64, 0..4);
    prop::collection::vec((areas(), areas(), areas()).prop_map(|(a, b, c)| [a, b, c]), 3..=3)
}

/// The quarter as it is known after `waves` of what came.
fn known(terms: &Terms, quarter: &[[Vec<i64>; 3]], waves: usize) -> Vec<Input> {
    let months = (7..).zip(quarter);
    let of = |(number, all): (i8, &[Vec<i64>; 3])| {
        let areas: Vec<i64> = all.iter().take(waves).flatten().copied().collect();
        let jobs = areas.iter().enumerate();
        let period = month(number);
        let jobs = jobs.map(|(key, area)| job(key, period, "area-printed/mono-line", area * 10_000)).collect();
        input(terms, period, vec![PrinterUsage { jobs, ..PrinterUsage::new("A", "Studio") }])
    };
    months.map(of).collect()
}

proptest! {
    #[test]
    fn statements_and_notes_add_up_to_what_was_rated_last(quarter in any_quarter(), included in 0..1_500_i64) {
        let terms = with_quarter(included);
        let mut issued: Vec<Vec<Statement>> =
            statements(&known(&terms, &quarter, 1)).into_iter().map(|first| vec![first]).collect();
        for waves in [2, 3] {
            for (place, again) in statements(&known(&terms, &quarter, waves)).iter().enumerate() {
                let documents: Vec<Billed<'_>> = issued[place].iter().map(|of| billed("S-0001", of)).collect();
                let note = note(&documents[0], &documents, again).expect("a note");
                prop_assert_eq!(note.is_none(), open(&documents, again).is_empty());
                issued[place].extend(note);
                let documents: Vec<Billed<'_>> = issued[place].iter().map(|of| billed("S-0001", of)).collect();
                prop_assert!(open(&documents, again).is_empty());
                let sum = |of: fn(&Statement) -> i64| issued[place].iter().map(of).sum::<i64>();
                prop_assert_eq!(sum(|of| of.total.0), again.total.0);
                prop_assert_eq!(sum(|of| of.net.0), again.net.0);
            }
        }
    }

    #[test]
    fn adjustments_and_then_notes_add_up_to_what_was_rated_last(quarter in any_quarter(), included in 0..1_500_i64) {
        let terms = with_quarter(included);
        let firsts = statements(&known(&terms, &quarter, 1));
        let mut next = printed(&terms, month(10), &[7]);
        for (first, again) in firsts.iter().zip(statements(&known(&terms, &quarter, 2))) {
            let first = billed("S-0001", first);
            let changes = open(std::slice::from_ref(&first), &again);
            if !changes.is_empty() {
                next.adjustments.push(adjustment(&first, &changes));
            }
        }
        let october = rate(&next).expect("a period that can be rated").statement;
        let mut net = october.net.0;
        for (place, again) in statements(&known(&terms, &quarter, 3)).iter().enumerate() {
            let documents = [billed("S-0001", &firsts[place]), billed("S-0002", &october)];
            let note = note(&documents[0], &documents, again).expect("a note");
            net += firsts[place].net.0 + note.as_ref().map_or(0, |note| note.net.0);
            let mut all = documents.to_vec();
            all.extend(note.as_ref().map(|note| billed("S-0003", note)));
            prop_assert!(open(&all, again).is_empty());
        }
        let own = statement(printed(&terms, month(10), &[7])).net.0;
        let truth: i64 = statements(&known(&terms, &quarter, 3)).iter().map(|again| again.net.0).sum();
        prop_assert_eq!(net, truth + own);
    }
}
