//! Lint by what it is held against. Texts are named by a piece of them.

use super::*;
use crate::clauses::minimum::{Minimum, MinimumOf};
use crate::clauses::overage::Overage;
use crate::clauses::tiers::Tier;
use crate::clauses::window::Window;
use crate::period::Reset;
use crate::sample::{self, month};
use crate::statement::{Line, LineEvidence, LineSource};
use crate::{Allowance, BaseFee, Price, PriceList, Tax};
use report::Share;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

fn unit_price(text: &str) -> UnitPrice {
    UnitPrice::parse(text).expect("a price")
}

fn prices(prices: &[(&str, &str)]) -> Clause {
    let prices = prices.iter().map(|(of, price)| Price::new(pattern(of), unit_price(price)));
    Clause::PriceList(PriceList { prices: prices.collect() })
}

fn allowance(of: &str, included: i64) -> Allowance {
    Allowance { covers: vec![pattern(of)], included: included * 1_000_000, ..Allowance::default() }
}

fn fee(amount: i64) -> Clause {
    Clause::BaseFee(BaseFee { amount: Money(amount), ..BaseFee::default() })
}

/// Terms of these clauses, and a tax where they have none.
fn terms(mut clauses: Vec<Clause>) -> Terms {
    if !clauses.iter().any(|clause| matches!(clause, Clause::Tax(_))) {
        clauses.push(Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() }));
    }
    Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") }
}

/// Asserts that just these remarks are made: field, level, a piece of the text.
fn assert_said(found: &[Lint], expected: &[(&str, Level, &str)]) {
    let fits = |(lint, (field, level, piece)): (&Lint, &(&str, Level, &str))| {
        lint.field == *field && lint.level == *level && lint.text.contains(piece)
    };
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(fits), "{found:#?}");
}

fn alone(clauses: Vec<Clause>) -> Vec<Lint> {
    lint(&terms(clauses), &Around::default())
}

/// A statement on which this was used and charged for it.
fn statement(of: i8, meter: &str, used: i64, charged: i64) -> Statement {
    let source = LineSource {
        printer: "A".to_owned(),
        label: "A".to_owned(),
        meter: Meter::parse(meter).expect("a meter"),
        media: None,
        evidence: LineEvidence::Jobs { count: 1, quantity: used * 1_000_000 },
    };
    let (amount, step) = (Some(Money(charged)), Some(Step::Prices));
    let line = Line { amount, step, sources: vec![source], ..Line::default() };
    Statement { period: month(of), ..sample::statement(vec![line]) }
}

#[test]
fn terms_are_held_against_themselves() {
    use Level::{Look, Wrong};
    // Clauses, remarks.
    let cases = [
        (vec![fee(18_000), prices(&[("area-printed", "0.30")])], vec![]),
        (vec![fee(18_000)], vec![("clauses", Look, "no price by use")]),
        (
            vec![prices(&[("area-printed", "0.30"), ("area-media", "0")])],
            vec![
                ("clauses.0.prices.1.price", Look, "both have prices"),
                ("clauses.0.prices.1.price", Look, "Media used costs nothing."),
            ],
        ),
        (
            vec![prices(&[("area-printed/mono-line", "0.30"), ("pages", "0.1")])],
            vec![("clauses.0.prices.0.price", Look, "premium quality images, blueprints: shown")],
        ),
        (
            vec![Clause::Allowance(allowance("ink", 5)), prices(&[("pages", "0.1")])],
            vec![("clauses.0.covers", Wrong, "Ink is included, but no price charges it.")],
        ),
        (
            vec![
                prices(&[("pages", "0.1")]),
                Clause::Overage(Overage {
                    covers: vec![pattern("pages")],
                    price: unit_price("0.2"),
                    ..Overage::default()
                }),
            ],
            vec![("clauses.1.price", Wrong, "never reached: 'Pages' above")],
        ),
    ];
    for (clauses, expected) in cases {
        assert_said(&alone(clauses), &expected);
    }
}

#[test]
fn terms_without_a_tax_are_seen() {
    let with = terms(vec![fee(18_000), prices(&[("pages", "0.10")])]);
    assert_said(&lint(&with, &Around::default()), &[]);
    let mut without = with;
    without.clauses.retain(|clause| !matches!(clause, Clause::Tax(_)));
    let said = [("clauses", Level::Wrong, "No clause says a tax")];
    assert_said(&lint(&without, &Around::default()), &said);
    // One of nothing is said.
    let zero = Tax { name: "VAT".to_owned(), ..Tax::default() };
    without.clauses.push(Clause::Tax(zero));
    assert_said(&lint(&without, &Around::default()), &[]);
}

#[test]
fn a_quantity_at_which_more_costs_less_is_named() {
    let row = |up_to: Option<i64>, price: &str, flat: Option<i64>| Tier {
        up_to: up_to.map(|metres| metres * 1_000_000),
        price: unit_price(price),
        flat: flat.map(Money),
    };
    let tiers = |mode, rows| {
        vec![Clause::Tiers(Tiers { covers: vec![pattern("area-printed")], mode, rows, ..Tiers::default() })]
    };
    let rows = || vec![row(Some(500), "0.05", None), row(None, "0.02", None)];
    let text = "Just above 500.00 m² the sum falls from 25.00 to 10.00 EUR";
    let falls = [("clauses.0.rows.1.price", Level::Look, text)];
    assert_said(&alone(tiers(TierMode::AllUnits, rows())), &falls);
    assert_said(&alone(tiers(TierMode::Graduated, rows())), &[]);
    let made_up = vec![row(Some(500), "0.05", None), row(None, "0.02", Some(1_500))];
    assert_said(&alone(tiers(TierMode::AllUnits, made_up)), &[]);
    let free_at_first = vec![row(Some(500), "0", None), row(None, "0.02", None)];
    assert_said(&alone(tiers(TierMode::Graduated, free_at_first)), &[]);
}

#[test]
fn a_zero_too_many_or_too_few_is_seen_beside_the_version_before() {
    let previous = terms(vec![fee(18_000), prices(&[("area-printed", "0.14"), ("pages", "0.10")])]);
    // Fee, price of an area, remarks. Prices may change places.
    let cases = [
        (18_000, "0.15", vec![]),
        (18_000, "0.69", vec![]),
        (18_000, "0.70", vec![("clauses.1.prices.1.price", "0.70 EUR per m² instead of 0.14 EUR per m²: 5 times")]),
        (18_000, "1.40", vec![("clauses.1.prices.1.price", "10 times as much.")]),
        (
            1_800,
            "0.014",
            vec![
                ("clauses.1.prices.1.price", "a part in 10 of it."),
                ("clauses.0.amount", "Base fee: 18.00 EUR instead of 180.00 EUR"),
            ],
        ),
    ];
    for (amount, price, expected) in cases {
        let now = terms(vec![fee(amount), prices(&[("pages", "0.10"), ("area-printed", price)])]);
        let found = lint(&now, &Around { previous: Some(&previous), ..Around::default() });
        let expected: Vec<_> = expected.into_iter().map(|(field, piece)| (field, Level::Wrong, piece)).collect();
        assert_said(&found, &expected);
    }
    let other = Terms { currency: Currency::parse("CHF").expect("a currency"), ..previous.clone() };
    let found = lint(&other, &Around { previous: Some(&previous), ..Around::default() });
    assert_said(&found, &[("currency", Level::Wrong, "The currency was EUR.")]);
}

#[test]
fn a_zero_too_many_in_what_is_included_or_in_a_tax_is_seen_too() {
    let of = |included: i64, rate: i64| {
        let tax = Tax { name: "VAT".to_owned(), rate: Share(rate), ..Tax::default() };
        let allowance = Clause::Allowance(allowance("area-printed", included));
        terms(vec![allowance, prices(&[("area-printed", "0.14")]), Clause::Tax(tax)])
    };
    let previous = of(400, 210_000);
    let text = "Included: 4000.00 m² instead of 400.00 m²: 10 times as much.";
    // Included, rate, remarks.
    let cases = [
        (500, 190_000, vec![]),
        (4_000, 210_000, vec![("clauses.0.included", text)]),
        (400, 21_000, vec![("clauses.2.rate", "VAT: 2.1 % instead of 21 %: a part in 10 of it.")]),
    ];
    for (included, rate, expected) in cases {
        let found = lint(&of(included, rate), &Around { previous: Some(&previous), ..Around::default() });
        let expected: Vec<_> = expected.into_iter().map(|(field, piece)| (field, Level::Wrong, piece)).collect();
        assert_said(&found, &expected);
    }
}

#[test]
fn terms_that_bill_no_job_are_seen() {
    let mut none = terms(vec![prices(&[("area-printed", "0.14")])]);
    none.billed_statuses.clear();
    assert_said(&lint(&none, &Around::default()), &[("billed_statuses", Level::Wrong, "No job is billed")]);
    none.evidence.insert(MeterKind::AreaPrinted, Evidence::Counter);
    assert_said(&lint(&none, &Around::default()), &[]);
}

#[test]
fn what_a_clause_carries_must_find_it_again() {
    let rolling = |of: &str, key: &str| {
        Clause::Allowance(Allowance { key: key.to_owned(), reset: Reset::Quarter, ..allowance(of, 400) })
    };
    let list = || prices(&[("area-printed", "0.14"), ("length", "0.10")]);
    let previous = terms(vec![rolling("area-printed", ""), rolling("length", "rolls"), list()]);
    let with = |clauses| lint(&terms(clauses), &Around { previous: Some(&previous), ..Around::default() });
    assert_said(&with(vec![rolling("area-printed", ""), rolling("length", "rolls"), list()]), &[]);
    let gone = [("clauses", Level::Wrong, "No clause is called 'rolls' any more")];
    assert_said(&with(vec![rolling("area-printed", ""), list()]), &gone);
    let others = with(vec![rolling("length", ""), rolling("length", "rolls"), list()]);
    assert_said(&others, &[("clauses.0.key", Level::Look, "called 'allowance.1' as another was before")]);
}

#[test]
fn a_version_that_finds_its_edges_in_another_way_is_seen() {
    let window = Clause::Window(Window { before_days: 1, after_days: 2, ..Window::default() });
    let proof = Clause::Proof(Proof { manual: Manual::Never, ..Proof::default() });
    let list = || prices(&[("area-printed", "0.14")]);
    let previous = terms(vec![list()]);
    let with = |terms: &Terms| lint(terms, &Around { previous: Some(&previous), ..Around::default() });
    assert_said(&with(&terms(vec![list()])), &[]);
    let edges = [("clauses.1", Level::Look, "edges were found in another way")];
    assert_said(&with(&terms(vec![list(), window])), &edges);
    let people = [("clauses.0", Level::Look, "People's readings counted otherwise")];
    assert_said(&with(&terms(vec![proof, list()])), &people);
    let mut counted = previous.clone();
    counted.evidence.insert(MeterKind::AreaPrinted, Evidence::Counter);
    assert_said(&with(&counted), &[("evidence.area-printed", Level::Look, "Area printed was billed from")]);
}

#[test]
fn a_price_far_from_what_others_pay_is_seen() {
    let of = |price: &str| UnitPriceOf { pattern: pattern("area-printed"), price: unit_price(price) };
    let family = [of("0.13"), of("0.14"), of("9.00"), of("0.15")];
    let with =
        |price, family| lint(&terms(vec![prices(&[("area-printed", price)])]), &Around { family, ..Around::default() });
    let text = "Area printed: 1.40 EUR, while others pay 0.14: 10 times as much.";
    assert_said(&with("1.40", &family), &[("clauses.0.prices.0.price", Level::Wrong, text)]);
    assert_said(&with("0.30", &family), &[]);
    // Two are no family: either may be the slip.
    assert_said(&with("1.40", &family[..2]), &[]);
}

#[test]
fn printers_that_count_what_has_no_price_are_named() {
    let printer = |label: &str, meters: &[&str], media: &[&str]| PrinterBrief {
        id: label.to_owned(),
        label: label.to_owned(),
        meters: meters.iter().map(|name| Meter::parse(name).expect("a meter")).collect(),
        media: media.iter().map(|name| (*name).to_owned()).collect(),
    };
    let printers = [
        printer("Studio", &["area-printed/mono-line"], &["Bond"]),
        printer("Hall", &["pages", "ink/cyan"], &[]),
        printer("Attic", &["area-printed/mono-line"], &["Vellum"]),
        printer("Yard", &["area-printed/mono-line", "area-printed/Duty C"], &["Bond"]),
        printer("New", &[], &[]),
    ];
    let known = ["mono-line", "colour-line", "low-density", "high-density", "premium", "blueprint"];
    let names: Vec<String> = known.iter().map(|category| format!("area-printed/{category}")).collect();
    let list: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "0.14")).collect();
    let around = Around { printers: &printers, ..Around::default() };
    let found = lint(&terms(vec![prices(&list)]), &around);
    let expected = [
        ("clauses", Level::Wrong, "Hall: no price fits anything"),
        ("clauses", Level::Look, "Yard: no price fits Duty C, area printed: shown"),
    ];
    assert_said(&found, &expected);
    let on_bond = lint(&terms(vec![prices(&[("area-printed@Bond", "0.14")])]), &around);
    let wrong = on_bond.iter().filter(|lint| lint.level == Level::Wrong).map(|lint| lint.text.split(':').next());
    assert_eq!(wrong.collect::<Vec<_>>(), [Some("Hall"), Some("Attic")]);
}

#[test]
fn allowances_and_minimums_are_held_against_the_last_statements() {
    use Level::{Look, Wrong};
    let last = [(10, 120), (8, 300), (9, 150), (7, 9_000)].map(|(month, used)| {
        // 0.14 each.
        statement(month, "area-printed/mono-line", used, used * 14)
    });
    let minimum = |amount: i64| Minimum { amount: Money(amount), ..Minimum::default() };
    let of_pages = Minimum { of: MinimumOf::Meters, covers: vec![pattern("pages")], ..minimum(100) };
    let quarter =
        |included| Clause::Allowance(Allowance { reset: Reset::Quarter, ..allowance("area-printed", included) });
    // A clause, remarks. The three newest used 570 m² together, 300 m² at most, for 42.00.
    let cases = [
        (Clause::Allowance(allowance("area-printed", 250)), vec![]),
        (
            Clause::Allowance(allowance("area-printed", 400)),
            vec![("clauses.0.included", Look, "the most that was used is 300.00 m²")],
        ),
        (Clause::Allowance(Allowance { rolls: 1, ..allowance("area-printed", 400) }), vec![]),
        (
            Clause::Allowance(allowance("area-printed", 4_000)),
            vec![("clauses.0.included", Wrong, "the last 3 periods used 570.00 m² together")],
        ),
        (quarter(570), vec![]),
        (quarter(571), vec![("clauses.0.included", Wrong, "571.00 m² are included")]),
        (Clause::Minimum(minimum(8_000)), vec![]),
        (Clause::Minimum(minimum(8_400)), vec![("clauses.0.amount", Look, "The minimum is 84.00; the most that")]),
        (Clause::Minimum(of_pages), vec![("clauses.0.amount", Wrong, "it is charged whole each time")]),
    ];
    for (clause, expected) in cases {
        let terms = terms(vec![clause, prices(&[("area-printed", "0.14")])]);
        let found = lint(&terms, &Around { last: &last, ..Around::default() });
        assert_said(&found, &expected);
        // Two statements say too little.
        let few = lint(&terms, &Around { last: &last[..2], ..Around::default() });
        assert!(few.iter().all(|lint| lint.text.contains("whole each time")), "{few:?}");
    }
}

#[test]
fn a_gap_between_versions_is_said() {
    let found = gap(month(9).end, month(11).start, "UTC").expect("days of the calendar").expect("a gap");
    assert_eq!(found.text, "From 2026-10-01 until 2026-11-01 no version is in force: nothing is billed for that time.");
    assert_eq!(gap(month(9).end, month(10).start, "UTC"), Ok(None));
}

#[test]
fn what_a_clause_says_of_itself_is_a_sentence() {
    let fee = BaseFee { amount: Money(1), printers: vec!["A".to_owned()], ..BaseFee::default() };
    let found = alone(vec![Clause::BaseFee(fee), prices(&[("pages", "0.1")])]);
    assert_said(&found, &[("clauses.0.printers", Level::Look, "The fee is for the contract")]);
    assert!(found[0].text.ends_with("nothing.") && sentence("") == ".");
}
