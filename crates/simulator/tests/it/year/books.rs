//! The contracts of the year, and what the printers' own books say that they come to.
//!
//! The sums here are worked out from what was printed, by arithmetic of their own: nothing of the ledger and
//! nothing of rating. Deliberately absent: taxes, which rest on the net amounts that are compared.

use super::estate::Machine;
use billing::clauses::breaks::{Breaks, WidthRow};
use billing::clauses::corrections::{Corrections, Late};
use billing::clauses::estimates::{Estimates, MethodRow};
use billing::clauses::minimum::Minimum;
use billing::clauses::pool::Pool;
use billing::clauses::tiers::{Tier, Tiers};
use billing::clauses::window::{Otherwise, Window};
use billing::{
    Allowance, BaseFee, Clause, Currency, Evidence, MeterKind, Method, Money, Pattern, Per, Period, PeriodRule, Price,
    PriceList, Reset, Tax, Terms, UnitPrice,
};
use report::{JobStatus, Share};
use simulator::auditor;
use simulator::printer::TruthJob;

pub(crate) const ZONE: &str = "Europe/Berlin";

/// mm² in a m².
const M2: i64 = 1_000_000;

/// By jobs: a fee a month, what is included of monochrome lines, and the price of a m² of each category, in
/// millionths of a Euro.
const JOBS_FEE: i64 = 18_000;
const INCLUDED: i64 = 20 * M2;
const PRICES: &[(&str, i64)] = &[
    ("mono-line", 140_000),
    ("colour-line", 325_000),
    ("low-density", 950_000),
    ("high-density", 2_600_000),
    ("premium", 6_875_000),
    ("blueprint", 205_000),
];

/// By counters: a fee a month for each place, and the price of a m² of media.
const PLACE_FEE: i64 = 2_500;
const MEDIA_PRICE: i64 = 907_500;
/// The most that a printer there uses in a day, mm².
const DAILY_MOST: i64 = 200 * M2;

/// Pooled: a fee a month for each printer, the tiers of a year (up to, price), and the least of a year.
const POOL_FEE: i64 = 4_000;
const TIERS: &[(Option<i64>, i64)] = &[(Some(300 * M2), 605_000), (Some(900 * M2), 455_000), (None, 312_500)];
const LEAST: i64 = 250_000;

pub(crate) const MONTHS: i64 = 12;
/// Minor units by which the counter-billed year may differ: each month's line is rounded by itself, by half a
/// cent at most.
pub(crate) const COUNTER_SLACK: i128 = 6;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

fn price(millionths: i64) -> UnitPrice {
    UnitPrice { millionths }
}

fn fee(amount: i64, per: Per) -> Clause {
    Clause::BaseFee(BaseFee { amount: Money(amount), per, ..BaseFee::default() })
}

fn terms(clauses: Vec<Clause>) -> Terms {
    let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), ZONE);
    terms.clauses = clauses;
    terms.clauses.push(Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() }));
    terms
}

/// A fee, an allowance that lapses, a price by category; what arrives late is settled on the next statement.
pub(crate) fn by_jobs() -> Terms {
    let of = |(category, millionths): &(&str, i64)| {
        Price::new(pattern(&format!("area-printed/{category}")), price(*millionths))
    };
    let covers = vec![pattern("area-printed/mono-line")];
    terms(vec![
        fee(JOBS_FEE, Per::Contract),
        Clause::Allowance(Allowance { covers, included: INCLUDED, ..Allowance::default() }),
        Clause::PriceList(PriceList { prices: PRICES.iter().map(of).collect() }),
    ])
}

/// By the counter of all media, with a window, estimates, and a rule for counters that begin at zero again
/// after `values` mm².
pub(crate) fn by_counter(values: i64) -> Terms {
    let near = Share(200_000);
    let mut terms = terms(vec![
        fee(PLACE_FEE, Per::Printer),
        Clause::Window(Window { before_days: 1, after_days: 1, otherwise: Otherwise::Interpolate }),
        Clause::Estimates(Estimates { rows: vec![MethodRow { method: Method::Daily30 }], days: 0 }),
        Clause::Breaks(Breaks {
            rows: vec![WidthRow { width: values }],
            near,
            daily_most: Some(DAILY_MOST),
            firmware: true,
        }),
        Clause::PriceList(PriceList { prices: vec![Price::new(pattern("area-media"), price(MEDIA_PRICE))] }),
    ]);
    terms.evidence.insert(MeterKind::AreaMedia, Evidence::Counter);
    terms
}

/// One pool, tiers over a year that begins in October, and the least of that year; what arrives late is
/// settled by notes.
pub(crate) fn pooled() -> Terms {
    let row = |(up_to, millionths): &(Option<i64>, i64)| Tier { up_to: *up_to, price: price(*millionths), flat: None };
    let tiers = Tiers {
        key: "area".to_owned(),
        covers: vec![pattern("area-printed")],
        reset: Reset::Year,
        rows: TIERS.iter().map(row).collect(),
        ..Tiers::default()
    };
    let minimum = Minimum { key: "least".to_owned(), amount: Money(LEAST), reset: Reset::Year, ..Minimum::default() };
    let mut terms = terms(vec![
        fee(POOL_FEE, Per::Printer),
        Clause::Pool(Pool { label: "Atelier".to_owned(), ..Pool::default() }),
        Clause::Tiers(tiers),
        Clause::Minimum(minimum),
        Clause::Corrections(Corrections { late: Late::Note, look_back: 3 }),
    ]);
    terms.period = PeriodRule { first_month: 10, ..PeriodRule::default() };
    terms
}

/// Sums of mm² by millionths of a Euro for a m², in cents, half-up.
fn cents(parts: impl IntoIterator<Item = (i64, i64)>) -> i128 {
    let top: i128 = parts.into_iter().map(|(area, price)| i128::from(area) * i128::from(price)).sum();
    (2 * top + 10_000_000_000).div_euclid(20_000_000_000)
}

/// The jobs of these printers that finished in the period and came out as they should.
fn billed(machines: &[&Machine], period: Period) -> Vec<TruthJob> {
    let within = machines.iter().flat_map(|of| auditor::within(of.printer.truth(), period.start, period.end));
    within.filter(|job| matches!(job.status, JobStatus::Printed | JobStatus::Scanned)).cloned().collect()
}

/// What a month of the job-billed contract comes to, minor units.
pub(crate) fn month_by_jobs(machines: &[&Machine], period: Period) -> i128 {
    let used = auditor::area_by_category(&billed(machines, period), period.start, period.end);
    let lines = PRICES.iter().map(|(category, price)| {
        let found = used.iter().find(|(known, _)| known.id() == *category);
        let area = found.map_or(0, |(_, area)| area.0);
        let included = if *category == "mono-line" { INCLUDED } else { 0 };
        cents([((area - included).max(0), *price)])
    });
    i128::from(JOBS_FEE) + lines.sum::<i128>()
}

/// What a year of the counter-billed contract comes to: `used` mm² at `places` places.
pub(crate) fn year_by_counter(used: i64, places: i64) -> i128 {
    i128::from(PLACE_FEE * places * MONTHS) + cents([(used, MEDIA_PRICE)])
}

/// What a year of the pooled contract comes to.
pub(crate) fn year_pooled(machines: &[&Machine], year: Period, printers: i64) -> i128 {
    let used: i64 = billed(machines, year).iter().map(|job| job.printed_area().0).sum();
    let mut below = 0;
    let parts: Vec<(i64, i64)> = TIERS
        .iter()
        .map(|(up_to, price)| {
            let top = up_to.unwrap_or(i64::MAX).min(used);
            let part = (top - below).max(0);
            below = below.max(top);
            (part, *price)
        })
        .collect();
    let charged = cents(parts);
    i128::from(POOL_FEE * printers * MONTHS) + charged.max(i128::from(LEAST))
}
