//! The CSV of a statement, for other programs: dots, ISO dates, one line a row. Pure.
//!
//! Deliberately absent: thousands separators and local formats, and cells that a spreadsheet would run.

use super::store::Stored;
use crate::shell::csv::cell;
use billing::{Line, PricingUnit};
use report::Category;

const HEAD: [&str; 20] = [
    "statement",
    "state",
    "contract",
    "version",
    "customer",
    "period_start",
    "period_end",
    "time_zone",
    "line",
    "title",
    "meter",
    "category",
    "media",
    "unit",
    "used",
    "included",
    "billed",
    "unit_price",
    "currency",
    "amount",
];

/// The lines of a statement, then its taxes and sums.
pub(super) fn lines(stored: &Stored) -> Result<Vec<u8>, csv::Error> {
    let mut bytes = Vec::new();
    write(stored, &mut bytes)?;
    Ok(bytes)
}

fn write(stored: &Stored, bytes: &mut Vec<u8>) -> Result<(), csv::Error> {
    let statement = &stored.statement;
    let shown = |amount: billing::Money| amount.show(statement.currency);
    let mut writer = csv::Writer::from_writer(bytes);
    writer.write_record(HEAD)?;
    for line in &statement.lines {
        writer.write_record(record(stored, &line.id, &line.title, used(line), line.amount.map(shown)))?;
    }
    for tax in &statement.taxes {
        writer.write_record(record(stored, "tax", &tax.label(), Used::default(), Some(shown(tax.amount))))?;
    }
    for (word, amount) in [("net", statement.net), ("total", statement.total)] {
        writer.write_record(record(stored, word, word, Used::default(), Some(shown(amount))))?;
    }
    writer.flush()?;
    Ok(())
}

/// The columns from `meter` to `unit_price`; empty for what is no usage.
#[derive(Default)]
struct Used([String; 8]);

fn used(line: &Line) -> Used {
    let pattern = line.pattern.as_ref();
    let part = pattern.and_then(|pattern| pattern.category.as_ref().map(Category::id).or(pattern.colour.as_deref()));
    let number = |amount: Option<i64>| match line.unit.zip(amount) {
        Some((unit, amount)) => plain(unit, amount),
        None => String::new(),
    };
    Used([
        pattern.map_or("", |pattern| pattern.meter.word()).to_owned(),
        cell(part.unwrap_or("")),
        cell(pattern.and_then(|pattern| pattern.media.as_deref()).unwrap_or("")),
        line.unit.map_or("", PricingUnit::label).to_owned(),
        number(line.used),
        number(line.included),
        number(line.quantity),
        line.unit_price.map_or_else(String::new, String::from),
    ])
}

/// A quantity as a plain number with every decimal there is.
fn plain(unit: PricingUnit, amount: i64) -> String {
    unit.show_exact(amount).split(' ').next().unwrap_or_default().to_owned()
}

fn record(stored: &Stored, line: &str, title: &str, used: Used, amount: Option<String>) -> Vec<String> {
    let statement = &stored.statement;
    let state = if stored.is_draft { super::store::DRAFT } else { super::store::APPROVED };
    let number = if stored.is_draft { String::new() } else { stored.name() };
    let mut cells = vec![
        number,
        state.to_owned(),
        cell(&statement.contract.number),
        statement.contract.version.to_string(),
        cell(&statement.customer),
        statement.period.start.to_string(),
        statement.period.end.to_string(),
        statement.time_zone.clone(),
        cell(line),
        cell(title),
    ];
    cells.extend(used.0);
    cells.push(statement.currency.code().to_owned());
    cells.push(amount.unwrap_or_default());
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{ContractRef, Currency, Money, Pattern, Period, Statement, UnitPrice};
    use report::Instant;

    #[test]
    fn every_row_is_complete_and_no_cell_is_a_formula() {
        let line = Line {
            id: "2.1".to_owned(),
            title: "=cmd()".to_owned(),
            pattern: Some(Pattern::parse("area-printed/mono-line@-Bond, 80 g").unwrap()),
            used: Some(520_000_001),
            included: Some(400_000_000),
            quantity: Some(120_000_001),
            unit: Some(PricingUnit::SquareMetre),
            unit_price: Some(UnitPrice::parse("0.1387").unwrap()),
            amount: Some(Money(-1_664)),
            ..Line::default()
        };
        let statement = Statement {
            number: None,
            contract: ContractRef { id: "5".to_owned(), number: "C-5".to_owned(), version: 3 },
            customer: "+Bau".to_owned(),
            period: Period { start: Instant(0), end: Instant(86_400_000) },
            period_label: "1970".to_owned(),
            time_zone: "UTC".to_owned(),
            currency: Currency::parse("EUR").unwrap(),
            lines: vec![line],
            net: Money(-1_664),
            taxes: Vec::new(),
            total: Money(-1_664),
            reconciliations: Vec::new(),
            notes: Vec::new(),
        };
        let stored = Stored {
            statement_id: 1,
            contract_id: 5,
            number: Some(187),
            is_draft: false,
            statement,
            created_at: Instant(0),
            approved_at: Some(Instant(1)),
            approved_by: String::new(),
        };
        let text = String::from_utf8(lines(&stored).unwrap()).unwrap();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 4);
        let expected = "S-0187,approved,C-5,3,'+Bau,1970-01-01T00:00:00Z,1970-01-02T00:00:00Z,UTC,2.1,'=cmd(),\
                        area-printed,mono-line,\"'-Bond, 80 g\",m²,520.000001,400.00,120.000001,0.1387,EUR,-16.64";
        assert_eq!(rows[1], expected);
        assert!(rows[3].ends_with(",total,total,,,,,,,,,EUR,-16.64"), "{}", rows[3]);
    }
}
