//! Terms as a page shows them: price rows, what is included, what is odd, what a version changed. Pure.
//!
//! Deliberately absent: the sentences of the terms themselves, which the billing crate writes.

use super::form::price_list;
use super::page::PriceRow;
use super::store::Version;
use crate::shell::format;
use crate::shell::page::Fact;
use billing::{Allowance, Clause, Evidence, MeterKind, Pattern, Per, Terms, UnitPrice};
use report::Category;

/// The words for what a pattern does not name.
const ANY: &str = "any";

/// The base fee with its currency, a period.
pub(super) fn base_fee(terms: &Terms) -> String {
    let currency = terms.currency;
    let fees = terms.clauses.iter().filter_map(|clause| match clause {
        Clause::BaseFee(fee) => Some(fee),
        _ => None,
    });
    let words = fees.map(|fee| {
        let amount = format::money(fee.amount.0, u32::from(currency.minor_digits()), currency.code());
        match fee.per {
            Per::Contract => format!("{amount} a period"),
            Per::Printer => format!("{amount} a printer and period"),
        }
    });
    let words = words.collect::<Vec<_>>().join(" + ");
    if words.is_empty() { "none".to_owned() } else { words }
}

/// The prices in their order.
pub(super) fn price_rows(terms: &Terms) -> Vec<PriceRow> {
    let row = |(index, price): (usize, &billing::Price)| {
        let pattern = &price.pattern;
        let category = pattern.category.as_ref().map(|category| category.label().to_owned());
        PriceRow {
            number: index + 1,
            meter: kind_label(pattern.meter),
            category: category.or_else(|| pattern.colour.clone()).unwrap_or_else(|| ANY.to_owned()),
            media: pattern.media.clone().unwrap_or_else(|| ANY.to_owned()),
            price: price.price.show(terms.currency),
            unit: pattern.unit().label(),
        }
    };
    price_list(terms).iter().enumerate().map(row).collect()
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
        Fact::new(format!("{quantity} a period"), covers)
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

/// What is odd about terms that can be rated, a sentence each.
pub(super) fn lint(terms: &Terms) -> Vec<String> {
    let prices = price_list(terms);
    let mut lines = Vec::new();
    if prices.is_empty() {
        lines.push("There is no price by use: only the fees are billed.".to_owned());
        return lines;
    }
    let has = |kind| prices.iter().any(|price| price.pattern.meter == kind);
    if has(MeterKind::AreaPrinted) && has(MeterKind::AreaMedia) {
        lines.push("Area printed and media used both have prices: the same print is charged by both.".to_owned());
    }
    for kind in MeterKind::all().filter(|kind| kind.has_category() && has(*kind)) {
        let unpriced = unpriced(terms, kind);
        if !unpriced.is_empty() {
            let label = kind.label();
            lines.push(format!("No price of {label} fits {}: shown on statements, not billed.", unpriced.join(", ")));
        }
    }
    let free = prices.iter().filter(|price| price.price == UnitPrice::default());
    lines.extend(free.map(|price| format!("{} costs nothing.", price.pattern.label())));
    let idle =
        |cover: &&Pattern| !prices.iter().any(|price| price.pattern.covers(cover) || cover.covers(&price.pattern));
    let idle = allowances(terms).flat_map(|allowance| &allowance.covers).filter(idle);
    lines.extend(idle.map(|cover| format!("{} is included, but no price charges it.", cover.label())));
    lines
}

/// The well-known categories that no price of a kind takes on every media type.
fn unpriced(terms: &Terms, kind: MeterKind) -> Vec<String> {
    let takes = |category: &Category| {
        price_list(terms).iter().map(|price| &price.pattern).any(|pattern| {
            pattern.meter == kind
                && pattern.media.is_none()
                && pattern.category.as_ref().is_none_or(|named| named == category)
        })
    };
    let open: Vec<Category> = Category::known().filter(|category| !takes(category)).collect();
    open.iter().map(|category| category.label().to_lowercase()).collect()
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
    use billing::{BaseFee, Currency, Money, Price, PriceList};
    use report::Instant;

    fn terms(prices: &[(&str, &str)], fee: i64) -> Terms {
        let price = |(pattern, price): &(&str, &str)| Price {
            title: None,
            pattern: Pattern::parse(pattern).unwrap(),
            price: UnitPrice::parse(price).unwrap(),
        };
        let list = PriceList { prices: prices.iter().map(price).collect() };
        let fee = BaseFee { title: None, amount: Money(fee), per: Per::Contract };
        let clauses = vec![Clause::BaseFee(fee), Clause::PriceList(list)];
        Terms { clauses, ..Terms::new(Currency::parse("EUR").unwrap(), "UTC") }
    }

    fn version(number: i64, terms: Terms) -> Version {
        Version { number, valid_from: Instant(0), terms, created_at: Instant(0), by: String::new() }
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
    fn odd_terms_are_pointed_out() {
        assert_eq!(lint(&terms(&[("area-printed", "0.30")], 0)), Vec::<String>::new());
        let twice = lint(&terms(&[("area-printed", "0.30"), ("area-media", "0")], 0));
        assert!(twice[0].contains("both have prices"), "{twice:?}");
        assert_eq!(twice[1], "Media used costs nothing.");
        let open = lint(&terms(&[("area-printed/mono-line", "0.30")], 0));
        assert!(open[0].contains("blueprints"), "{open:?}");
    }
}
