//! The lines, taxes and sums of an electronic invoice.
//!
//! A line of the statement that two taxes are on becomes two. Quantity and price are said where their product
//! is the amount; else the line is one piece at the amount, so that no rule finds a contradiction.
//! Deliberately absent: rounding. Every amount is the statement's own.

use super::Converter;
use crate::words::{clean, share};
use billing::{Line, Mark, Money, PricingUnit, Statement, TaxCategory, TaxRow};
use en16931::invoice::{Code, DocumentTotals, PriceDetails, VatBreakdown};
use en16931::{InvoiceAmount, InvoiceLine, Percentage, Quantity, UnitPriceAmount};
use report::divide_half_even;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// One hundredth: how far a product may lie from the amount that it was rounded to.
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
/// Decimals of a quantity.
const PLACES: u32 = 6;
/// The code of one piece.
const PIECE: &str = "C62";

/// What is charged.
pub(super) struct Billed {
    pub(super) lines: Vec<InvoiceLine>,
    pub(super) breakdown: Vec<VatBreakdown>,
    pub(super) totals: DocumentTotals,
}

/// A part of a line's amount with the one tax that is on it.
struct Part<'a> {
    line: &'a Line,
    /// Unique on the invoice.
    id: String,
    /// Whether it is all of the line.
    is_whole: bool,
    /// The tax, by its place.
    place: usize,
    row: &'a TaxRow,
    base: Money,
}

/// The lines, the taxes on them and the sums; `None` where something was wrong, which is said.
pub(super) fn billed(statement: &Statement, problems: &mut Vec<String>) -> Option<Billed> {
    let before = problems.len();
    if statement.taxes.is_empty() {
        problems.push("no tax is said: give the contract a tax clause, also where there is no tax to pay".to_owned());
        return None;
    }
    let parts = parts(statement, problems);
    if parts.is_empty() && problems.len() == before {
        problems.push("nothing is charged: an electronic invoice has at least one line".to_owned());
    }
    if problems.len() > before {
        return None;
    }
    match charge(statement, &parts) {
        Ok(billed) => Some(billed),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn charge(statement: &Statement, parts: &[Part<'_>]) -> Result<Billed, String> {
    let money = Converter::of(statement)?;
    let lines = parts.iter().map(|part| invoice_line(part, money)).collect::<Result<Vec<_>, String>>()?;
    let groups = groups(statement, parts)?;
    let net = sum(groups.values().map(|group| group.base))?;
    let tax = sum(groups.values().map(|group| group.amount))?;
    let total = sum([net, tax])?;
    if (net, total) != (statement.net, statement.total) {
        return Err("the sums of the statement are not those of its lines and taxes; draw it up again".to_owned());
    }
    let breakdown = groups.iter().map(|(key, group)| breakdown(*key, group, money));
    let breakdown = breakdown.collect::<Result<Vec<_>, String>>()?;
    let (net, tax, total) = (money.amount(net)?, money.amount(tax)?, money.amount(total)?);
    let totals = DocumentTotals {
        line_total: net,
        taxable_total: net,
        vat_total: Some(tax),
        gross_total: total,
        due: total,
        ..DocumentTotals::default()
    };
    Ok(Billed { lines, breakdown, totals })
}

fn sum(amounts: impl IntoIterator<Item = Money>) -> Result<Money, String> {
    Money::sum(amounts).map_err(|error| error.to_string())
}

/// Every amount with its tax. Lines without an amount are usage that is shown and not charged.
fn parts<'a>(statement: &'a Statement, problems: &mut Vec<String>) -> Vec<Part<'a>> {
    let is_said = statement.lines.iter().any(|line| !line.taxed.is_empty());
    let mut parts = Vec::new();
    for line in &statement.lines {
        let Some(amount) = line.amount else { continue };
        match parts_of(statement, line, amount, is_said) {
            Ok(found) => parts.extend(found),
            Err(what) => problems.push(format!("line {}, {}: {what}", line.id, line.title)),
        }
    }
    parts
}

fn parts_of<'a>(
    statement: &'a Statement,
    line: &'a Line,
    amount: Money,
    is_said: bool,
) -> Result<Vec<Part<'a>>, String> {
    let taxed: Vec<(usize, Money)> = match (is_said, statement.taxes.len()) {
        (true, _) => line.taxed.iter().map(|taxed| (taxed.row, taxed.base)).collect(),
        // A statement of before says no taxes by line: its one tax is on all of them.
        (false, 1) => vec![(0, amount)],
        (false, _) => return Err("which tax is on it is not said; draw the statement up again".to_owned()),
    };
    if sum(taxed.iter().map(|(_, base)| *base))? != amount {
        return Err("its taxes are on another amount than it charges; draw the statement up again".to_owned());
    }
    let is_whole = taxed.len() == 1;
    let part = |(index, (place, base)): (usize, (usize, Money))| -> Result<Part<'a>, String> {
        let row = statement.taxes.get(place).ok_or_else(|| "a tax on it is not known".to_owned())?;
        let id = if is_whole { clean(&line.id) } else { format!("{}/{}", clean(&line.id), index + 1) };
        Ok(Part { line, id, is_whole, place, row, base })
    };
    taxed.into_iter().enumerate().map(part).collect()
}

/// A rate of nothing without a kind of its own is a zero rate.
fn category(row: &TaxRow) -> TaxCategory {
    if row.category == TaxCategory::Standard && row.rate.0 == 0 { TaxCategory::Zero } else { row.category }
}

/// A rate in percent; parts per million are hundredths of hundredths of a percent.
fn percentage(parts_per_million: i64) -> Percentage {
    Percentage::new(Decimal::new(parts_per_million, 4).normalize())
}

fn invoice_line(part: &Part<'_>, money: Converter) -> Result<InvoiceLine, String> {
    let (line, net) = (part.line, money.amount(part.base)?);
    let priced = priced(line, net, money).filter(|_| part.is_whole);
    let (quantity, unit, price) = priced.unwrap_or_else(|| piece(net));
    let category = category(part.row);
    // What is out of the scope of the tax has no rate (BR-O-05).
    let rate = (category != TaxCategory::OutOfScope).then(|| percentage(part.row.rate.0));
    let title = Some(clean(&line.title)).filter(|title| !title.is_empty()).unwrap_or_else(|| part.id.clone());
    let quantity = Quantity::new(quantity);
    let mut item = InvoiceLine::new(part.id.as_str(), title, quantity, unit, net, category.code(), rate);
    item.price = PriceDetails { net_price: UnitPriceAmount::new(price), ..PriceDetails::default() };
    item.item.description = Some(clean(&line.detail)).filter(|detail| !detail.is_empty());
    item.note = note(line);
    Ok(item)
}

/// What a reader must know of a line.
fn note(line: &Line) -> Option<String> {
    let mark = |mark: &Mark| match (mark, crate::words::estimated_share(line)) {
        (Mark::Estimated, Some(part)) => format!("{} {}", share(part), mark.words()),
        _ => mark.words().to_owned(),
    };
    let marks = line.marks.iter().map(mark);
    let refers = line.refers.as_ref().map(|refers| format!("settles {}", clean(&refers.number)));
    let said: Vec<String> = marks.chain(refers).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// Quantity, its unit and the price of one, where their product is the amount.
fn priced(line: &Line, net: InvoiceAmount, money: Converter) -> Option<(Decimal, &'static str, Decimal)> {
    let (quantity, unit, price) = (line.quantity?, line.unit?, line.unit_price?);
    // A price below zero is refused (BR-27).
    if price.millionths < 0 {
        return None;
    }
    let quantity = if money.is_turned() { quantity.checked_neg()? } else { quantity };
    let quantity = decimal(quantity, unit)?;
    let price = Decimal::new(price.millionths, PLACES).normalize();
    let gap = quantity.checked_mul(price)?.checked_sub(net.into_decimal())?;
    (gap.abs() <= CENT).then(|| (quantity, unit_code(unit), price))
}

/// One piece at the amount; what is given back is minus one piece.
fn piece(net: InvoiceAmount) -> (Decimal, &'static str, Decimal) {
    let amount = net.into_decimal().normalize();
    let quantity = if net.is_negative() { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
    (quantity, PIECE, amount.abs())
}

/// Base units in the unit of the price; feet to the sixth decimal.
fn decimal(quantity: i64, unit: PricingUnit) -> Option<Decimal> {
    let (top, bottom) = unit.ratio();
    let scaled = i128::from(quantity).checked_mul(bottom)?.checked_mul(1_000_000)?;
    let decimal = Decimal::try_from_i128_with_scale(divide_half_even(scaled, top), PLACES).ok()?;
    Some(decimal.normalize())
}

/// The code of a unit (UN/ECE Recommendation 20).
fn unit_code(unit: PricingUnit) -> &'static str {
    match unit {
        PricingUnit::SquareMetre => "MTK",
        PricingUnit::Metre => "MTR",
        PricingUnit::Millilitre => "MLT",
        PricingUnit::Page | PricingUnit::Job => PIECE,
        PricingUnit::SquareFoot => "FTK",
        PricingUnit::Foot => "FOT",
    }
}

/// What makes a group of the breakdown: kind and rate in parts per million.
type Key = (TaxCategory, i64);

/// One group of the breakdown (BG-23). Areas of one kind and rate are one group.
#[derive(Default)]
struct Group<'a> {
    base: Money,
    amount: Money,
    reasons: BTreeSet<&'a str>,
}

/// The taxes by kind and rate. A tax that is on nothing is left out.
fn groups<'a>(statement: &'a Statement, parts: &[Part<'_>]) -> Result<BTreeMap<Key, Group<'a>>, String> {
    let mut groups: BTreeMap<Key, Group<'a>> = BTreeMap::new();
    for (place, row) in statement.taxes.iter().enumerate() {
        let on = parts.iter().filter(|part| part.place == place);
        let base = sum(on.clone().map(|part| part.base))?;
        if base != row.base {
            return Err(format!("{}: it is on another amount than its lines charge; draw it up again", row.label()));
        }
        if on.count() == 0 && row.amount.is_zero() {
            continue;
        }
        let group = groups.entry((category(row), row.rate.0)).or_default();
        group.base = sum([group.base, base])?;
        group.amount = sum([group.amount, row.amount])?;
        group.reasons.extend(row.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()));
    }
    Ok(groups)
}

fn breakdown(key: Key, group: &Group<'_>, money: Converter) -> Result<VatBreakdown, String> {
    let (category, rate) = key;
    let reasons: Vec<String> = group.reasons.iter().map(|reason| clean(reason)).collect();
    let reason = Some(reasons.join("; ")).filter(|reason| !reason.is_empty());
    let (exemption_reason, code) = match category {
        TaxCategory::Standard | TaxCategory::Zero => (None, None),
        TaxCategory::Exempt if reason.is_none() => {
            return Err("the reason of the exemption is missing: enter it in the contract's tax rule".to_owned());
        }
        TaxCategory::Exempt => (reason, None),
        TaxCategory::ReverseCharge => (reason, Some("VATEX-EU-AE")),
        TaxCategory::IntraCommunity => (reason, Some("VATEX-EU-IC")),
        TaxCategory::Export => (reason, Some("VATEX-EU-G")),
        TaxCategory::OutOfScope => (reason, Some("VATEX-EU-O")),
    };
    Ok(VatBreakdown {
        taxable_amount: money.amount(group.base)?,
        tax_amount: money.amount(group.amount)?,
        category: Code::new(category.code()),
        rate: Some(percentage(rate)),
        exemption_reason,
        exemption_reason_code: code.map(Code::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_said_in_the_unit_of_the_price() {
        let cases = [
            (120_000_000, PricingUnit::SquareMetre, "120", "MTK"),
            (120_000_001, PricingUnit::SquareMetre, "120.000001", "MTK"),
            (139_354_560, PricingUnit::SquareFoot, "1500", "FTK"),
            (1_000_000, PricingUnit::SquareFoot, "10.76391", "FTK"),
            (304_800, PricingUnit::Foot, "1", "FOT"),
            (-3_412_700_000, PricingUnit::Millilitre, "-3412.7", "MLT"),
            (12, PricingUnit::Page, "12", "C62"),
        ];
        for (quantity, unit, expected, code) in cases {
            let found = decimal(quantity, unit).map(|decimal| decimal.to_string());
            assert_eq!((found.as_deref(), unit_code(unit)), (Some(expected), code), "{quantity} {unit:?}");
        }
    }

    #[test]
    fn one_piece_carries_the_sign_and_never_a_price_below_zero() {
        let of = |cents| {
            let (quantity, unit, price) = piece(InvoiceAmount::from_minor_units(cents));
            format!("{quantity} {unit} {price}")
        };
        assert_eq!((of(1_680).as_str(), of(-1_680).as_str()), ("1 C62 16.8", "-1 C62 16.8"));
        assert_eq!(of(0), "1 C62 0");
    }
}
