//! Margin: what each printer brought in on a statement, and what it cost the reseller. Pure.
//!
//! Revenue are the net shares of lines; a line that no printer bears, and what is left of one, stand under the
//! contract as a whole, so that all revenue adds up to the net. Deliberately absent: taxes, costs that belong to
//! no printer, and any influence on what is billed.

use crate::meter::{Meter, MeterKind};
use crate::money::{Currency, Money, MoneyError, UnitPrice, divide_half_up};
use crate::period::{Period, PeriodError, month_of};
use crate::rating::RatingError;
use crate::statement::{Line, LineEvidence, Statement};
use report::Instant;
use std::collections::BTreeMap;

/// The word of a cost by the month.
const MONTH: &str = "month";

/// Millionths of a price in a currency unit.
const MILLIONTHS: i128 = 1_000_000;

/// What a cost is for one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CostPer {
    /// A calendar month; a part of one counts by its days.
    Month,
    /// A unit of what a meter counts.
    Used(MeterKind),
}

impl CostPer {
    /// Every one, in the order pages list them.
    pub fn all() -> impl Iterator<Item = CostPer> {
        std::iter::once(CostPer::Month).chain(MeterKind::all().map(CostPer::Used))
    }

    /// The word in storage and forms.
    pub fn word(self) -> &'static str {
        match self {
            CostPer::Month => MONTH,
            CostPer::Used(kind) => kind.word(),
        }
    }

    /// The one of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<CostPer> {
        CostPer::all().find(|per| per.word() == word)
    }

    /// The words a page shows after an amount: `a month`, `per m², area printed`.
    pub fn words(self) -> String {
        match self {
            CostPer::Month => "a month".to_owned(),
            CostPer::Used(kind) => format!("per {}, {}", kind.unit().label(), kind.label()),
        }
    }
}

/// What a printer costs the reseller from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The printer's id.
    pub printer: String,
    /// What people call it: `Ink`, `Lease`.
    pub kind: String,
    /// What the price is for one of.
    pub per: CostPer,
    /// The price, in the currency of the statement.
    pub price: UnitPrice,
    /// Since when it holds.
    pub from: Instant,
    /// The first instant at which it does not any more; `None` while no end is known.
    pub to: Option<Instant>,
}

/// A cost of a printer over a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterCost {
    /// What people call it.
    pub kind: String,
    /// What the price is for one of.
    pub per: CostPer,
    /// How much was used, base units; `None` for a cost by the month, and where it is not known.
    pub quantity: Option<i64>,
    /// The cost, minor units; `None` where it is not known how much was used.
    pub amount: Option<Money>,
}

/// What a printer brought in over a period, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterMargin {
    /// The printer's id; empty for what the contract as a whole brought in.
    pub printer: String,
    /// Its shares of the lines, net, minor units.
    pub revenue: Money,
    /// Its costs, in the order they were given.
    pub costs: Vec<PrinterCost>,
}

impl PrinterMargin {
    /// The sum of its costs, as far as they are known.
    pub fn cost(&self) -> Result<Money, MoneyError> {
        Money::sum(self.costs.iter().filter_map(|cost| cost.amount))
    }

    /// Revenue less costs, as far as these are known.
    pub fn margin(&self) -> Result<Money, MoneyError> {
        self.revenue.minus(self.cost()?)
    }

    /// Whether every cost could be worked out.
    pub fn is_complete(&self) -> bool {
        self.costs.iter().all(|cost| cost.amount.is_some())
    }
}

/// How much printers used, base units, by printer and kind of meter.
pub type Used = BTreeMap<(String, MeterKind), i64>;

/// What each printer brought in and cost, by its id; first, with an empty id, what no printer bears, where there
/// is such revenue.
///
/// # Errors
///
/// An amount does not fit, or the period is out of the calendar.
pub fn margin(statement: &Statement, costs: &[Cost]) -> Result<Vec<PrinterMargin>, RatingError> {
    margin_beside(statement, costs, &Used::new())
}

/// The same, where more is known of the usage than the statement shows: `beside` counts for kinds of meters that
/// no line rests on, such as the ink of a contract that bills areas.
///
/// A cost of a unit that holds for a part of the period counts the usage by days.
///
/// # Errors
///
/// As [`margin`].
pub fn margin_beside(statement: &Statement, costs: &[Cost], beside: &Used) -> Result<Vec<PrinterMargin>, RatingError> {
    let mut margins: BTreeMap<String, PrinterMargin> = BTreeMap::new();
    for (printer, amount) in revenue(&statement.lines) {
        let revenue = i64::try_from(amount).map(Money).map_err(|_| overflow("the revenue"))?;
        let margin = PrinterMargin { printer: printer.to_owned(), revenue, costs: Vec::new() };
        margins.insert(margin.printer.clone(), margin);
    }
    let used = used(&statement.lines)?;
    for cost in costs {
        let Some(part) = statement.period.cut(cost.from, cost.to) else { continue };
        let known = match cost.per {
            CostPer::Month => None,
            CostPer::Used(kind) => {
                let key = (cost.printer.clone(), kind);
                used.get(&key).or_else(|| beside.get(&key)).copied()
            }
        };
        let worked_out = work_out(cost, part, known, statement)?;
        let empty = || PrinterMargin { printer: cost.printer.clone(), revenue: Money::ZERO, costs: Vec::new() };
        margins.entry(cost.printer.clone()).or_insert_with(empty).costs.push(worked_out);
    }
    Ok(margins.into_values().collect())
}

fn overflow(what: &str) -> RatingError {
    RatingError::Overflow { what: what.to_owned() }
}

/// What each printer bears of the lines; under an empty id what none bears.
fn revenue(lines: &[Line]) -> BTreeMap<&str, i128> {
    let mut revenue: BTreeMap<&str, i128> = BTreeMap::new();
    for line in lines {
        let Some(amount) = line.amount else { continue };
        let mut rest = i128::from(amount.0);
        for share in &line.shares {
            let part = i128::from(share.amount.0);
            *revenue.entry(share.printer.as_str()).or_default() += part;
            rest -= part;
        }
        if rest != 0 {
            *revenue.entry("").or_default() += rest;
        }
    }
    revenue
}

/// One thing that a printer counts.
type Key<'a> = (&'a str, &'a Meter, Option<&'a str>);
/// What proves it, each with how often it stands there.
type Proofs<'a> = Vec<(&'a LineEvidence, i64)>;

/// How much each printer used, as far as lines rest on it. Several lines may rest on the same usage: a price and
/// a surcharge on it, or the parts of several payers. It counts once.
fn used(lines: &[Line]) -> Result<Used, RatingError> {
    let mut known: BTreeMap<Key<'_>, Proofs<'_>> = BTreeMap::new();
    for line in lines {
        let mut here: BTreeMap<Key<'_>, Proofs<'_>> = BTreeMap::new();
        for source in &line.sources {
            let key = (source.printer.as_str(), &source.meter, source.media.as_deref());
            let proofs = here.entry(key).or_default();
            match proofs.iter_mut().find(|(proof, _)| **proof == source.evidence) {
                Some((_, times)) => *times += 1,
                None => proofs.push((&source.evidence, 1)),
            }
        }
        for (key, proofs) in here {
            let all = known.entry(key).or_default();
            for (proof, times) in proofs {
                match all.iter_mut().find(|(other, _)| *other == proof) {
                    Some((_, most)) => *most = times.max(*most),
                    None => all.push((proof, times)),
                }
            }
        }
    }
    let mut used = Used::new();
    for ((printer, meter, _), proofs) in known {
        let sum = used.entry((printer.to_owned(), meter.kind())).or_default();
        for (proof, times) in proofs {
            let more = proof.quantity().checked_mul(times).and_then(|more| sum.checked_add(more));
            *sum = more.ok_or_else(|| overflow("the usage of a printer"))?;
        }
    }
    Ok(used)
}

/// A cost over the part of the period in which it holds.
fn work_out(cost: &Cost, part: Period, known: Option<i64>, statement: &Statement) -> Result<PrinterCost, RatingError> {
    let (zone, currency) = (statement.time_zone.as_str(), statement.currency);
    let (quantity, amount) = match (cost.per, known) {
        (CostPer::Month, _) => (None, Some(by_month(cost.price, part, zone, currency)?)),
        (CostPer::Used(_), None) => (None, None),
        (CostPer::Used(kind), Some(all)) => {
            let quantity = by_days(all, part, statement.period, zone)?;
            let amount = cost.price.times(quantity, kind.unit(), currency).map_err(RatingError::at("a cost"))?;
            (Some(quantity), Some(amount))
        }
    };
    Ok(PrinterCost { kind: cost.kind.clone(), per: cost.per, quantity, amount })
}

/// The days of a part of a quantity, half-up.
fn by_days(quantity: i64, part: Period, whole: Period, zone: &str) -> Result<i64, RatingError> {
    if part == whole {
        return Ok(quantity);
    }
    let (days, of) = (part.days(zone)?, whole.days(zone)?.max(1));
    let share = divide_half_up(i128::from(quantity) * i128::from(days), i128::from(of));
    i64::try_from(share).map_err(|_| overflow("the usage of a printer"))
}

/// A price a month over a span: whole months count whole, a part of one by its days, each rounded half-up.
fn by_month(price: UnitPrice, span: Period, zone: &str, currency: Currency) -> Result<Money, RatingError> {
    let minor = 10_i128.pow(u32::from(currency.minor_digits()));
    let mut sum = 0_i128;
    for (days, of) in months(span, zone)? {
        // A 64-bit price times at most 1 000 minor units and 31 days fits 128 bits.
        let top = i128::from(price.millionths) * minor * i128::from(days);
        sum += divide_half_up(top, MILLIONTHS * i128::from(of.max(1)));
    }
    i64::try_from(sum).map(Money).map_err(|_| overflow("a cost"))
}

/// The calendar months that a span touches: the days of each inside it, and all of its days.
fn months(span: Period, zone: &str) -> Result<Vec<(i64, i64)>, PeriodError> {
    let mut months = Vec::new();
    let mut month = month_of(span.start, zone)?;
    loop {
        let whole = Period::of_month(month, zone)?;
        if let Some(inside) = whole.cut(span.start, Some(span.end)) {
            months.push((inside.days(zone)?, whole.days(zone)?));
        }
        if whole.end >= span.end {
            return Ok(months);
        }
        month = month.following()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{month, statement};
    use crate::statement::{LineShare, LineSource};
    use proptest::prelude::*;

    fn october() -> Period {
        month(10)
    }

    fn share(printer: &str, amount: i64) -> LineShare {
        LineShare { printer: printer.to_owned(), site: None, quantity: 0, amount: Money(amount) }
    }

    fn source(printer: &str, meter: &str, quantity: i64) -> LineSource {
        LineSource {
            printer: printer.to_owned(),
            label: printer.to_owned(),
            meter: Meter::parse(meter).expect("a meter"),
            media: None,
            evidence: LineEvidence::Jobs { count: 1, quantity },
        }
    }

    fn line(amount: i64, shares: Vec<LineShare>, sources: Vec<LineSource>) -> Line {
        Line { amount: Some(Money(amount)), shares, sources, ..Line::default() }
    }

    fn cost(printer: &str, per: CostPer, price: &str) -> Cost {
        let price = UnitPrice::parse(price).expect("a price");
        Cost { printer: printer.to_owned(), kind: "Service".to_owned(), per, price, from: Instant(0), to: None }
    }

    const AREA: &str = "area-printed/mono-line";
    const M2: i64 = 1_000_000;

    /// Printer, revenue, cost, whether every cost is known.
    fn shown(margins: &[PrinterMargin]) -> Vec<(&str, i64, i64, bool)> {
        let cost = |of: &PrinterMargin| of.cost().expect("a sum").0;
        margins.iter().map(|of| (of.printer.as_str(), of.revenue.0, cost(of), of.is_complete())).collect()
    }

    #[test]
    fn revenue_stands_at_its_printer_and_costs_beside_it() {
        let usage = vec![source("A", AREA, 400 * M2), source("B", AREA, 100 * M2)];
        let statement = statement(vec![
            line(18_000, Vec::new(), Vec::new()),
            line(7_000, vec![share("A", 5_600), share("B", 1_400)], usage),
        ]);
        let area = CostPer::Used(MeterKind::AreaPrinted);
        let costs = [cost("A", CostPer::Month, "40"), cost("A", area, "0.05"), cost("C", CostPer::Month, "12.5")];
        let margins = margin(&statement, &costs).expect("margins");
        let expected = [("", 18_000, 0, true), ("A", 5_600, 6_000, true), ("B", 1_400, 0, true), ("C", 0, 1_250, true)];
        assert_eq!(shown(&margins), expected);
        assert_eq!(margins[1].margin().expect("a difference"), Money(-400));
        assert_eq!(margins[1].costs[1].quantity, Some(400 * M2));
    }

    #[test]
    fn usage_that_several_lines_rest_on_counts_once() {
        let sources = || vec![source("A", AREA, 10 * M2), source("A", "area-printed/premium", 5 * M2)];
        let twice = vec![source("A", AREA, 10 * M2), source("A", AREA, 10 * M2)];
        let lines = vec![line(1, Vec::new(), sources()), line(2, Vec::new(), sources())];
        let area = cost("A", CostPer::Used(MeterKind::AreaPrinted), "1");
        let amount = |lines: Vec<Line>| {
            let margins = margin(&statement(lines), std::slice::from_ref(&area)).expect("margins");
            margins.iter().find(|of| of.printer == "A").and_then(|of| of.costs[0].amount).map(|amount| amount.0)
        };
        assert_eq!(amount(lines), Some(1_500));
        // Two stays of one printer that used the same.
        assert_eq!(amount(vec![line(1, Vec::new(), twice)]), Some(2_000));
    }

    #[test]
    fn a_cost_of_what_is_not_known_is_shown_without_an_amount() {
        let statement = statement(vec![line(1, vec![share("A", 1)], vec![source("A", AREA, M2)])]);
        let ink = [cost("A", CostPer::Used(MeterKind::Ink), "0.2")];
        let margins = margin(&statement, &ink).expect("margins");
        assert_eq!(shown(&margins), [("A", 1, 0, false)]);
        let beside = Used::from([(("A".to_owned(), MeterKind::Ink), 500_000_000)]);
        let margins = margin_beside(&statement, &ink, &beside).expect("margins");
        assert_eq!(shown(&margins), [("A", 1, 10_000, true)]);
    }

    #[test]
    fn a_cost_that_holds_for_a_part_of_the_period_counts_by_days() {
        let statement = statement(vec![line(1, vec![share("A", 1)], vec![source("A", AREA, 310 * M2)])]);
        let day = |day: i64| Instant(october().start.0 + day * 86_400_000);
        let of = |per, from, to| {
            let cost = Cost { from, to, ..cost("A", per, "31") };
            let margins = margin(&statement, &[cost]).expect("margins");
            margins[0].costs.first().map(|cost| (cost.quantity, cost.amount.map(|amount| amount.0)))
        };
        let area = CostPer::Used(MeterKind::AreaPrinted);
        // Since when, until when, a month of it, a square metre of it.
        let cases = [
            (Instant(0), None, Some((None, Some(3_100))), Some((Some(310 * M2), Some(961_000)))),
            (day(21), None, Some((None, Some(1_000))), Some((Some(100 * M2), Some(310_000)))),
            (Instant(0), Some(day(1)), Some((None, Some(100))), Some((Some(10 * M2), Some(31_000)))),
            (day(31), None, None, None),
        ];
        for (from, to, month, used) in cases {
            assert_eq!((of(CostPer::Month, from, to), of(area, from, to)), (month, used), "{from} {to:?}");
        }
    }

    #[test]
    fn a_quarter_costs_three_months() {
        let december = month(12);
        let quarter = Period { end: december.end, ..october() };
        let price = UnitPrice::parse("33.333333").expect("a price");
        let eur = Currency::parse("EUR").expect("a currency");
        assert_eq!(by_month(price, quarter, "UTC", eur).expect("a cost"), Money(9_999));
        assert_eq!(months(quarter, "UTC").expect("months"), [(31, 31), (30, 30), (31, 31)]);
    }

    #[test]
    fn each_unit_of_costs_has_its_word() {
        for per in CostPer::all() {
            assert_eq!(CostPer::parse(per.word()), Some(per));
        }
        assert_eq!(CostPer::parse("week"), None);
        assert_eq!(CostPer::Used(MeterKind::Ink).words(), "per ml, ink");
    }

    proptest! {
        #[test]
        fn the_revenue_of_all_adds_up_to_the_net(
            lines in prop::collection::vec(
                (-1_000_000..1_000_000_i64, prop::collection::vec((0..4_usize, -9_999..9_999_i64), 0..4)),
                0..8,
            )
        ) {
            let printers = ["A", "B", "C", "D"];
            let of = |(amount, shares): (i64, Vec<(usize, i64)>)| {
                let shares = shares.into_iter().map(|(place, amount)| share(printers[place], amount)).collect();
                line(amount, shares, Vec::new())
            };
            let statement = statement(lines.into_iter().map(of).collect());
            let margins = margin(&statement, &[cost("B", CostPer::Month, "7")]).expect("margins");
            prop_assert_eq!(margins.iter().map(|of| of.revenue.0).sum::<i64>(), statement.net.0);
        }
    }
}
