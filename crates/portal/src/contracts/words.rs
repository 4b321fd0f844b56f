//! Terms as a page shows them: price rows, what is included, what a version changed. Pure.
//!
//! Deliberately absent: the sentences of the terms themselves and what is odd about them, which the billing crate
//! writes.

use super::page::PriceRow;
use super::store::Version;
use crate::shell::format;
use crate::shell::page::Fact;
use billing::{Allowance, Clause, Evidence, MeterKind, Pattern, Per, Price, Reset, Terms};

/// The words for what a pattern does not name.
const ANY: &str = "any";

/// A text with a capital.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a kind of clause is called on a card: what it says of itself, without the number of the rule.
pub(super) fn heading(about: &str) -> String {
    let plain = about.split_once(": ").filter(|(number, _)| number.starts_with("CL")).map_or(about, |(_, rest)| rest);
    capital(plain.trim_end_matches('.'))
}

/// The prices of every price list, in their order.
fn prices(terms: &Terms) -> impl Iterator<Item = &Price> {
    let lists = terms.clauses.iter().filter_map(|clause| match clause {
        Clause::PriceList(list) => Some(&list.prices),
        _ => None,
    });
    lists.flatten()
}

/// What something is for one of: `a period`, `a printer and year`, `once`.
fn each(per: Per, span: Reset) -> String {
    match (per, span) {
        (Per::Contract, Reset::Contract) => "once".to_owned(),
        (Per::Printer, Reset::Contract) => "once a printer".to_owned(),
        (Per::Contract, span) => format!("a {}", span.word()),
        (Per::Printer, span) => format!("a printer and {}", span.word()),
    }
}

/// The base fees with their currency, each with what it is for and how often.
pub(super) fn base_fee(terms: &Terms) -> String {
    let currency = terms.currency;
    let fees = terms.clauses.iter().filter_map(|clause| match clause {
        Clause::BaseFee(fee) => Some(fee),
        _ => None,
    });
    let words = fees.map(|fee| {
        let amount = format::money(fee.amount.0, u32::from(currency.minor_digits()), currency.code());
        format!("{amount} {}", each(fee.per, fee.cycle))
    });
    let words = words.collect::<Vec<_>>().join(" + ");
    if words.is_empty() { "none".to_owned() } else { words }
}

/// The prices in their order.
pub(super) fn price_rows(terms: &Terms) -> Vec<PriceRow> {
    let row = |(index, price): (usize, &Price)| {
        let pattern = &price.pattern;
        let category = pattern.category.as_ref().map(|category| category.label().to_owned());
        PriceRow {
            number: index + 1,
            meter: kind_label(pattern.meter),
            category: category.or_else(|| pattern.colour.clone()).unwrap_or_else(|| ANY.to_owned()),
            media: pattern.media.clone().unwrap_or_else(|| ANY.to_owned()),
            price: price.price.show(terms.currency),
            unit: price.unit.unwrap_or(pattern.unit()).label(),
        }
    };
    prices(terms).enumerate().map(row).collect()
}

/// What a kind of meter is called, with a capital.
pub(super) fn kind_label(kind: MeterKind) -> String {
    Pattern::every(kind).label()
}

fn allowances(terms: &Terms) -> impl Iterator<Item = &Allowance> {
    terms.clauses.iter().filter_map(|clause| match clause {
        Clause::Allowance(allowance) => Some(allowance),
        _ => None,
    })
}

/// What is included: the quantity, and what it is of.
pub(super) fn included(terms: &Terms) -> Vec<Fact> {
    let fact = |allowance: &Allowance| {
        let covers = allowance.covers.iter().map(Pattern::label).collect::<Vec<_>>().join("; ");
        let unit = allowance.covers.first().map(Pattern::unit);
        let quantity = unit.map_or_else(|| allowance.included.to_string(), |unit| unit.show(allowance.included));
        Fact::new(format!("{quantity} {}", each(allowance.per, allowance.reset)), covers)
    };
    allowances(terms).map(fact).collect()
}

/// Which source counts for each kind of meter that the terms read. CL32.
pub(super) fn evidence(terms: &Terms) -> Vec<Fact> {
    let words = |kind: MeterKind| match terms.evidence_of(kind) {
        Evidence::Jobs => "the printer's job log",
        Evidence::Counter => "the printer's lifetime counters",
    };
    terms.kinds().into_iter().map(|kind| Fact::new(kind_label(kind), words(kind))).collect()
}

/// What a version changed, in words.
pub(super) fn change(version: &Version, before: Option<&Version>) -> String {
    let Some(before) = before else { return "first version".to_owned() };
    let (now, was) = (version.terms.in_words(), before.terms.in_words());
    let added: Vec<&String> = now.iter().filter(|sentence| !was.contains(sentence)).collect();
    match added.as_slice() {
        [] => match was.iter().find(|sentence| !now.contains(sentence)) {
            Some(gone) => format!("No longer: {gone}"),
            None => "the same terms".to_owned(),
        },
        [only] => (*only).clone(),
        [first, rest @ ..] => format!("{first} And {} more.", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contracts::approve::State;
    use billing::{BaseFee, Currency, Money, PriceList, UnitPrice};
    use report::Instant;

    fn terms(prices: &[(&str, &str)], fee: i64) -> Terms {
        let price = |(pattern, price): &(&str, &str)| {
            Price::new(Pattern::parse(pattern).unwrap(), UnitPrice::parse(price).unwrap())
        };
        let list = PriceList { prices: prices.iter().map(price).collect() };
        let fee = BaseFee { amount: Money(fee), ..BaseFee::default() };
        let clauses = vec![Clause::BaseFee(fee), Clause::PriceList(list)];
        Terms { clauses, ..Terms::new(Currency::parse("EUR").unwrap(), "UTC") }
    }

    fn version(number: i64, terms: Terms) -> Version {
        Version {
            number,
            valid_from: Instant(0),
            terms,
            created_at: Instant(0),
            by: String::new(),
            person_id: 1,
            state: State::Standing,
            note: String::new(),
            verdict: None,
        }
    }

    #[test]
    fn what_a_version_changed_is_said_in_its_own_sentence() {
        let first = version(1, terms(&[("area-printed", "0.30")], 18_000));
        let second = version(2, terms(&[("area-printed", "0.32")], 18_000));
        assert_eq!(change(&first, None), "first version");
        assert_eq!(change(&second, Some(&first)), "Area printed: 0.32 EUR per m².");
        assert_eq!(change(&second, Some(&second)), "the same terms");
    }

    #[test]
    fn fees_and_what_is_included_say_how_often_and_for_what() {
        let mut terms = terms(&[("area-printed", "0.30")], 18_000);
        assert_eq!(base_fee(&terms).replace('\u{a0}', " "), "€ 180.00 a period");
        let yearly = BaseFee { amount: Money(1_200), per: Per::Printer, cycle: Reset::Year, ..BaseFee::default() };
        let pages = Pattern::parse("pages").unwrap();
        let of = |reset: Reset| {
            let covers = vec![pages.clone()];
            Clause::Allowance(Allowance { covers, included: 400, reset, ..Allowance::default() })
        };
        terms.clauses[0] = Clause::BaseFee(yearly);
        terms.clauses.extend([Reset::Quarter, Reset::Contract].map(of));
        assert_eq!(base_fee(&terms).replace('\u{a0}', " "), "€ 12.00 a printer and year");
        let labels: Vec<String> = included(&terms).into_iter().map(|fact| fact.label).collect();
        assert!(labels[0].ends_with(" a quarter") && labels[1].ends_with(" once"), "{labels:?}");
    }

    #[test]
    fn a_card_is_headed_by_what_its_clause_is() {
        assert_eq!(heading("CL1: a fixed fee."), "A fixed fee");
        assert_eq!(heading("A discount on charges."), "A discount on charges");
        assert_eq!(heading("CL8: prices by quantity: graduated."), "Prices by quantity: graduated");
    }
}
