//! The demo's contracts, one for each customer, and what became of their months: billed, corrected, held up.
//!
//! Together they show how contracts of the trade differ: what is included and rolls over, tiers of a pool, a
//! minimum, counters in place of jobs, a quarter's allowance, discounts, and taxes by site. Deliberately absent:
//! prices of anybody, and clauses that need facts which no demo printer has.

use super::{FALLS, Site};
use anyhow::Context;
use billing::clauses::breaks::Breaks;
use billing::clauses::discount::{Discount, On};
use billing::clauses::estimates::{Estimates, MethodRow};
use billing::clauses::interruption::Interruption;
use billing::clauses::minimum::Minimum;
use billing::clauses::pool::Pool;
use billing::clauses::proof::Proof;
use billing::clauses::surcharge::Surcharge;
use billing::clauses::tax::TaxRule;
use billing::clauses::tiers::{Tier, Tiers};
use billing::clauses::window::{Otherwise, Window};
use billing::{
    Allowance, BaseFee, Clause, Currency, Events, Evidence, MeterKind, Method, Money, Month, Outage, Pattern, Per,
    Period, Price, PriceList, Reset, Tax, Terms, UnitPrice,
};
use portal::Portal;
use portal::setup::{self, NewReseller};
use report::{Duration, Share};

/// The customer whose statement of the month before the last is corrected by a note.
const CORRECTED: &str = "Architekten Hallmann";
/// mm² in a m².
const M2: i64 = 1_000_000;

/// The price of a square metre by print category.
const CATEGORIES: &[(&str, &str)] = &[
    ("mono-line", "0.14"),
    ("colour-line", "0.32"),
    ("low-density", "0.95"),
    ("high-density", "2.60"),
    ("premium", "6.80"),
    ("blueprint", "0.20"),
];

/// Taxes by where a printer stands, parts per million.
const TAXES: &[(&str, i64)] = &[("DE", 190_000), ("FI", 255_000), ("ES", 210_000), ("ES-CN", 70_000)];

/// The terms of the `index`th customer.
pub(super) fn terms(index: usize, site: &Site) -> anyhow::Result<Terms> {
    let currency = Currency::parse("EUR")?;
    let mut terms = Terms::new(currency, site.time_zone);
    terms.clauses = match index {
        0 => rolling(currency)?,
        1 => pooled(currency)?,
        2 => with_minimum(currency)?,
        3 => counted(currency)?,
        _ => quarterly(currency)?,
    };
    terms.clauses.push(Clause::Tax(tax(site.time_zone)));
    if index == 3 {
        terms.evidence.insert(MeterKind::AreaMedia, Evidence::Counter);
    }
    terms.evidence.insert(MeterKind::ScanArea, Evidence::Jobs);
    terms.validate().map_err(|problems| {
        let words: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
        anyhow::anyhow!("the terms of {}: {}", site.name, words.join("; "))
    })?;
    Ok(terms)
}

fn fee(amount: &str, per: Per, currency: Currency) -> anyhow::Result<Clause> {
    Ok(Clause::BaseFee(BaseFee { amount: Money::parse(amount, currency)?, per, ..BaseFee::default() }))
}

fn price(pattern: &str, price: &str) -> anyhow::Result<Price> {
    Ok(Price::new(Pattern::parse(pattern)?, UnitPrice::parse(price)?))
}

/// A price for each category of a kind, and one for what is scanned.
fn prices(kind: MeterKind) -> anyhow::Result<Clause> {
    let word = kind.word();
    let mut prices = Vec::with_capacity(CATEGORIES.len() + 1);
    for (category, of_category) in CATEGORIES {
        prices.push(price(&format!("{word}/{category}"), of_category)?);
    }
    prices.push(price("scan-area", "0.10")?);
    Ok(Clause::PriceList(PriceList { prices }))
}

/// So many square metres of monochrome lines each period.
fn included(kind: MeterKind, metres: i64) -> anyhow::Result<Allowance> {
    let covers = vec![Pattern::parse(&format!("{}/mono-line", kind.word()))?];
    Ok(Allowance { key: "lines".to_owned(), covers, included: metres * M2, ..Allowance::default() })
}

/// The rate of the site where nobody said where a printer stands, and the rates by area. Who buys is named by its
/// country: where taxes differ within that, the rate of all of it is left out.
pub(super) fn tax(time_zone: &str) -> Tax {
    let area = match time_zone {
        "Europe/Berlin" => "DE",
        "Europe/Helsinki" => "FI",
        "Atlantic/Canary" => "ES-CN",
        _ => "ES",
    };
    let rate = TAXES.iter().find(|(known, _)| *known == area).map_or(0, |(_, rate)| *rate);
    let country = area.split('-').next().unwrap_or(area);
    let rules = TAXES.iter().filter(|(known, _)| *known == area || *known != country);
    let rule = |(area, rate): &(&str, i64)| {
        let (area, rate) = ((*area).to_owned(), Share(*rate));
        TaxRule { area, rate, ..TaxRule::default() }
    };
    Tax { name: "VAT".to_owned(), rate: Share(rate), rows: rules.map(rule).collect() }
}

/// What is not used rolls over for two months; days out of service are credited; a discount on usage.
fn rolling(currency: Currency) -> anyhow::Result<Vec<Clause>> {
    let lines = included(MeterKind::AreaPrinted, 400)?;
    Ok(vec![
        fee("180.00", Per::Contract, currency)?,
        Clause::Allowance(Allowance { rolls: 2, cap: Some(100 * M2), ..lines }),
        prices(MeterKind::AreaPrinted)?,
        Clause::Interruption(Interruption { hours: 24, ..Interruption::default() }),
        Clause::Discount(Discount { title: None, share: Share(30_000), on: On::Usage }),
    ])
}

/// All printers in one pool, with tiers; counters prove the job log.
fn pooled(currency: Currency) -> anyhow::Result<Vec<Clause>> {
    let row = |up_to: Option<i64>, price: &str| {
        anyhow::Ok(Tier { up_to: up_to.map(|metres| metres * M2), price: UnitPrice::parse(price)?, flat: None })
    };
    let tiers = Tiers {
        key: "area".to_owned(),
        covers: vec![Pattern::every(MeterKind::AreaPrinted)],
        rows: vec![row(Some(1_000), "0.62")?, row(Some(4_000), "0.48")?, row(None, "0.39")?],
        ..Tiers::default()
    };
    Ok(vec![
        Clause::Proof(Proof { objection_days: 14, ..Proof::default() }),
        fee("80.00", Per::Printer, currency)?,
        Clause::Pool(Pool { label: "Kiel".to_owned(), ..Pool::default() }),
        Clause::Tiers(tiers),
        Clause::PriceList(PriceList { prices: vec![price("scan-area", "0.10")?] }),
    ])
}

/// A smallest amount a month.
fn with_minimum(currency: Currency) -> anyhow::Result<Vec<Clause>> {
    let amount = Money::parse("9500.00", currency)?;
    Ok(vec![
        fee("390.00", Per::Contract, currency)?,
        Clause::Allowance(included(MeterKind::AreaPrinted, 900)?),
        prices(MeterKind::AreaPrinted)?,
        Clause::Minimum(Minimum { key: "least".to_owned(), amount, ..Minimum::default() }),
    ])
}

/// By what the lifetime counters say: with a window, and with estimates where readings are missing.
fn counted(currency: Currency) -> anyhow::Result<Vec<Clause>> {
    let methods = [Method::Daily30, Method::LastPeriod];
    let rows = methods.map(|method| MethodRow { method }).into();
    Ok(vec![
        Clause::Window(Window { before_days: 2, after_days: 2, otherwise: Otherwise::Interpolate }),
        Clause::Estimates(Estimates { rows, days: 31 }),
        Clause::Breaks(Breaks { firmware: true, ..Breaks::default() }),
        fee("150.00", Per::Contract, currency)?,
        Clause::Allowance(included(MeterKind::AreaMedia, 250)?),
        prices(MeterKind::AreaMedia)?,
    ])
}

/// What is included counts over a quarter; premium paper costs more.
fn quarterly(currency: Currency) -> anyhow::Result<Vec<Clause>> {
    let lines = included(MeterKind::AreaPrinted, 2_400)?;
    let premium = Surcharge {
        title: Some("Premium paper".to_owned()),
        covers: vec![Pattern::parse("area-printed/premium")?],
        price: Some(UnitPrice::parse("0.85")?),
        ..Surcharge::default()
    };
    Ok(vec![
        fee("320.00", Per::Contract, currency)?,
        Clause::Allowance(Allowance { reset: Reset::Quarter, ..lines }),
        prices(MeterKind::AreaPrinted)?,
        Clause::Surcharge(premium),
    ])
}

/// Bills the months that are over, the oldest first: each is drawn up, approved and issued. Of one customer the
/// last month waits, since a counter fell and nobody has said why; of another the month before is corrected.
pub(super) fn bill(
    portal: &Portal,
    reseller: &NewReseller,
    person: i64,
    site: &Site,
    (contract, printer): (i64, i64),
    over: &[Month],
) -> anyhow::Result<()> {
    for (place, month) in over.iter().enumerate() {
        let period = Period::of_month(*month, site.time_zone)?;
        let statement = setup::statement(portal, reseller, contract, period)?;
        let ago = over.len() - place;
        if site.name == FALLS && ago == 1 {
            continue;
        }
        setup::approve(portal, reseller, statement, person)?;
        if site.name == CORRECTED && ago == 2 {
            correct(portal, reseller, person, (contract, printer), (statement, period))?;
        }
    }
    Ok(())
}

/// Somebody says only now that a printer was out of service for some days of a month that was billed.
fn correct(
    portal: &Portal,
    reseller: &NewReseller,
    person: i64,
    (contract, printer): (i64, i64),
    (statement, period): (i64, Period),
) -> anyhow::Result<()> {
    let from = period.start.plus(Duration::hours(24 * 9 + 8));
    let outage = Outage {
        printer: printer.to_string(),
        from,
        to: from.plus(Duration::hours(24 * 5)),
        note: "It waited for a new belt.".to_owned(),
    };
    let events = Events { outages: vec![outage], ..Events::default() };
    setup::event(portal, reseller, contract, &events, Some(person))?;
    let notes = setup::correct(portal, reseller, statement, person, "An outage was said late.")?;
    let note = notes.first().context("an outage of five days changes the month")?;
    setup::approve(portal, reseller, *note, person)?;
    Ok(())
}
