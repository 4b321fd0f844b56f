//! Terms for the tests beside.

use super::{Step, Terms};
use crate::clauses::Clause;
use crate::meter::Pattern;
use crate::money::{Currency, Money, UnitPrice};
use crate::{Allowance, BaseFee, Price, PriceList, Tax};
use report::Share;

fn price(pattern: &str) -> Price {
    Price::new(Pattern::parse(pattern).expect("a pattern"), UnitPrice { millionths: 140_000 })
}

pub(super) fn prices(patterns: &[&str]) -> Clause {
    Clause::PriceList(PriceList { prices: patterns.iter().map(|pattern| price(pattern)).collect() })
}

pub(super) fn allowance(pattern: &str) -> Clause {
    let covers = vec![Pattern::parse(pattern).expect("a pattern")];
    Clause::Allowance(Allowance { covers, included: 400_000_000, ..Allowance::default() })
}

pub(super) fn keyed(pattern: &str, key: &str) -> Clause {
    let covers = vec![Pattern::parse(pattern).expect("a pattern")];
    let key = key.to_owned();
    Clause::Allowance(Allowance { covers, included: 400_000_000, key, ..Allowance::default() })
}

pub(super) fn fee(amount: i64) -> Clause {
    Clause::BaseFee(BaseFee { amount: Money(amount), ..BaseFee::default() })
}

pub(super) fn tax() -> Clause {
    Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() })
}

pub(super) fn terms(clauses: Vec<Clause>) -> Terms {
    Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "Europe/Amsterdam") }
}

pub(super) fn fields(terms: &Terms) -> Vec<String> {
    terms.validate().err().unwrap_or_default().into_iter().map(|problem| problem.field).collect()
}

/// The usual order with one step moved to a place.
pub(super) fn moved(step: Step, place: usize) -> Vec<Step> {
    let mut steps: Vec<Step> = Step::USUAL.into_iter().filter(|other| *other != step).collect();
    steps.insert(place, step);
    steps
}
