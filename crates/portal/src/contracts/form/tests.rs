//! The form both ways, for clauses of every kind, and what its buttons do.

use super::*;
use billing::{Allowance, BaseFee, Money, Pattern, Price, PriceList, Tax, UnitPrice};
use report::Share;

fn form(pairs: &[(&str, &str)]) -> FormData {
    let base = [("currency", "EUR"), ("zone", "Europe/Amsterdam"), ("starts", "2026-10-01")];
    FormData(base.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

const PRICES: [(&str, &str); 3] = [
    ("clauses.1.word", "price-list"),
    ("clauses.1.prices.2.pattern", "area-printed/mono-line"),
    ("clauses.1.prices.2.price", "0.14"),
];

fn draft(pairs: &[(&str, &str)]) -> Draft {
    let all: Vec<(&str, &str)> = PRICES.iter().chain(pairs).copied().collect();
    Draft::of_form(form(&all))
}

fn fields(pairs: &[(&str, &str)]) -> Vec<String> {
    draft(pairs).read().err().unwrap_or_default().into_iter().map(|wrong| wrong.field).collect()
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

fn today() -> Terms {
    let price = |text: &str, price: &str| Price::new(pattern(text), UnitPrice::parse(price).expect("a price"));
    let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), "Europe/Berlin");
    terms.clauses = vec![
        Clause::BaseFee(BaseFee { title: Some("Service".to_owned()), amount: Money(18_000), ..BaseFee::default() }),
        Clause::Allowance(Allowance {
            covers: vec![pattern("area-printed/mono-line"), pattern("area-printed/colour-line")],
            included: 400_000_000,
            ..Allowance::default()
        }),
        Clause::PriceList(PriceList {
            prices: vec![price("area-printed/mono-line@Bond 80 g", "0.1387"), price("ink/cyan", "0.5")],
        }),
        Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(77_000), ..Tax::default() }),
    ];
    terms.evidence = BTreeMap::from([(MeterKind::Ink, Evidence::Counter), (MeterKind::Pages, Evidence::Jobs)]);
    terms.rounding = Rounding::LineUp;
    terms.billed_statuses.insert(JobStatus::Cancelled);
    terms.period = PeriodRule { every: Every::Quarter, day: 15, first_month: 2 };
    terms
}

fn saved(terms: &Terms) -> Terms {
    let mut draft = Draft::of(terms);
    draft.set("starts", "2026-11-01");
    draft.read().expect("the form says it").0
}

#[test]
fn terms_survive_the_form_and_back() {
    let mut terms = today();
    assert_eq!(saved(&terms), terms);
    terms.steps = Step::USUAL.to_vec();
    assert_eq!(saved(&terms), terms);
    terms.steps.swap(10, 11);
    assert_eq!(saved(&terms), terms);
}

#[test]
fn each_wrong_value_is_named_at_its_field() {
    let cases: [(&[(&str, &str)], &[&str]); 14] = [
        (&[], &[]),
        (&[("zone", "Mars/Olympus")], &["zone"]),
        (&[("starts", "1 October")], &["starts"]),
        (&[("currency", "XXQ")], &["currency"]),
        (&[("day", "29")], &["day"]),
        (&[("day", "one")], &["day"]),
        (&[("steps.tax", "last")], &["steps.tax"]),
        (&[("steps.tax", "1")], &["steps"]),
        (&[("clauses.2.word", "base-fee")], &["clauses.2.amount"]),
        (&[("clauses.2.word", "base-fee"), ("clauses.2.amount", "180,00")], &["clauses.2.amount"]),
        // The blank first row fell out, so that the row with the price is the first.
        (&[("clauses.1.prices.2.price", "0,1x")], &["clauses.1.prices.1.price"]),
        (&[("clauses.1.prices.5.price", "1")], &["clauses.1.prices.2.pattern"]),
        (&[("clauses.2.word", "tax"), ("clauses.2.name", "VAT"), ("clauses.2.rate", "101")], &["clauses.2.rate"]),
        (&[("evidence.area-printed", "counter")], &["evidence.area-printed"]),
    ];
    for (pairs, expected) in cases {
        let found: BTreeSet<String> = fields(pairs).into_iter().collect();
        let expected: BTreeSet<String> = expected.iter().map(|field| (*field).to_owned()).collect();
        assert_eq!(found, expected, "{pairs:?}");
    }
}

#[test]
fn what_terms_say_of_a_row_stands_at_that_row() {
    let twice = [("clauses.1.prices.4.pattern", "area-printed/mono-line"), ("clauses.1.prices.4.price", "0.2")];
    assert_eq!(fields(&twice), ["clauses.1.prices.2.pattern"]);
    let wrong = draft(&[("clauses.1.prices.2.price", "x")]).read().expect_err("no price");
    assert!(wrong[0].text.starts_with("Clause 1, row 1, Price: "), "{wrong:?}");
}

fn words(draft: &Draft) -> Vec<&'static str> {
    draft.pieces.iter().map(|piece| piece.kind.word).collect()
}

#[test]
fn buttons_change_the_form_and_keep_what_was_typed() {
    let second = [("clauses.2.word", "base-fee"), ("clauses.2.amount", "18O")];
    let press = |name: &str, value: &str| {
        let mut pairs = second.to_vec();
        pairs.push((name, value));
        let mut draft = draft(&pairs);
        let act = draft.act();
        (draft, act)
    };
    let (moved, act) = press("up.2", "yes");
    assert_eq!((words(&moved), act), (vec!["base-fee", "price-list"], Ok(Act::Redraw)));
    assert_eq!(moved.pieces[0].text("amount"), "18O");
    assert_eq!(words(&press("down.2", "yes").0), ["price-list", "base-fee"]);
    assert_eq!(words(&press("drop.1", "yes").0), ["base-fee"]);
    assert_eq!(press("drop.9", "yes").1, Ok(Act::Save));
    assert_eq!(press("more", "1.prices").0.pieces[0].more, Some("prices"));
    assert_eq!(press("preview", "yes").1, Ok(Act::Preview));
    let mut pairs = second.to_vec();
    pairs.extend([("add", "yes"), ("kind", "tax")]);
    let mut added = draft(&pairs);
    assert_eq!(added.act(), Ok(Act::Redraw));
    assert_eq!(words(&added), ["price-list", "base-fee", "tax"]);
    assert_eq!(press("add", "yes").1, Err(Wrong::at("kind", "Add a clause: choose one of the list.")));
}

#[test]
fn a_clause_that_moves_keeps_the_name_that_carry_knows_it_by() {
    let pairs = [("clauses.2.word", "allowance"), ("clauses.3.word", "allowance"), ("clauses.3.pool", "b")];
    let press = |draft: &mut Draft, name: &str| {
        draft.set(name, "yes");
        assert_eq!(draft.act(), Ok(Act::Redraw));
        draft.head.0.remove(name);
    };
    let mut moved = draft(&pairs);
    press(&mut moved, "up.3");
    assert_eq!(moved.names(), ["price-list.1", "allowance.2", "allowance.1"]);
    assert_eq!((moved.pieces[1].text("pool"), moved.pieces[1].text("key")), ("b", "allowance.2"));
    let mut dropped = draft(&pairs);
    press(&mut dropped, "drop.2");
    assert_eq!(dropped.names(), ["price-list.1", "allowance.2"]);
    // A new one gets a name that is free.
    dropped.set("kind", "allowance");
    press(&mut dropped, "add");
    assert_eq!(dropped.names(), ["price-list.1", "allowance.2", "allowance.1"]);
}

#[test]
fn no_contract_has_more_clauses_than_the_limit() {
    let many: Vec<String> = (1..=9_000).map(|number| format!("clauses.{number}.word")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "discount")).collect();
    assert_eq!(Draft::of_form(form(&many)).pieces.len(), CLAUSES_MAX + 1);
    let names: Vec<String> = (1..=CLAUSES_MAX + 1).map(|number| format!("clauses.{number}.word")).collect();
    let mut pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "discount")).collect();
    assert!(Draft::of_form(form(&pairs)).read().is_err_and(|wrong| wrong.iter().any(|wrong| wrong.field == "kind")));
    pairs.extend([("add", "yes"), ("kind", "tax")]);
    assert!(Draft::of_form(form(&pairs)).act().is_err());
}
