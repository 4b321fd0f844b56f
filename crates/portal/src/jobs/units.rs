//! Numbers that a job gave without a unit, and what they count by the units that people declared.
//!
//! Deliberately absent: declaring a unit, which is done where readings are settled, and any guess at one.

use crate::db::{DbError, Tx, params};
use crate::shell::ResellerScope;
use crate::shell::address::address;
use crate::shell::page::Fact;
use billing::{DeclaredUnit, Unitless, declared, declared_unit};
use report::{Decimal, ROWS, RowId};

const NUMBERS: &str = "select bare.row, bare.number, bare.product_number, bare.firmware from unitless as bare
    where bare.reseller_id = $1 and bare.printer_id = $2 and bare.subject = 'job' and bare.key = $3
    and bare.version = $4 order by bare.row";
const DECLARED: &str = "select made.product_number, made.firmware, made.row, made.unit, coalesce(person.name, '')
    from declared_unit as made
    left join person on person.reseller_id = made.reseller_id and person.person_id = made.person_id
    where made.reseller_id = $1 and made.withdrawn_at is null and made.product_number = $2";

/// The numbers of one row of Appendix A.
struct Numbers {
    row: RowId,
    /// As the printer gave them.
    text: String,
    product: String,
    firmware: String,
}

fn row_id(word: &str) -> Option<RowId> {
    ROWS.iter().map(|row| row.id).find(|id| id.word() == word)
}

/// What a version of a job gave without a unit, each with what it counts, or that it counts nothing yet.
pub(super) fn facts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    (key, version): (&str, i64),
) -> Result<Vec<Fact>, DbError> {
    let reseller = scope.reseller_id();
    let found = tx.query(NUMBERS, params![reseller, printer_id, key, version], |row| {
        let (text, product, firmware) = (row.text(1)?, row.text(2)?, row.text(3)?);
        Ok(row_id(&row.text(0)?).map(|row| Numbers { row, text, product, firmware }))
    })?;
    let found: Vec<Numbers> = found.into_iter().flatten().collect();
    let Some(product) = found.first().map(|numbers| numbers.product.clone()) else { return Ok(Vec::new()) };
    let units = tx.query(DECLARED, params![reseller, product], |row| {
        let (product_number, firmware, unit) = (row.text(0)?, row.text(1)?, row.text(3)?);
        let by = row.text(4)?;
        Ok(row_id(&row.text(2)?).map(|row| (DeclaredUnit { product_number, firmware, row, unit }, by)))
    })?;
    let units: Vec<(DeclaredUnit, String)> = units.into_iter().flatten().collect();
    Ok(found.iter().map(|numbers| fact(numbers, &units)).collect())
}

fn fact(numbers: &Numbers, units: &[(DeclaredUnit, String)]) -> Fact {
    let Numbers { row, text, product, firmware } = numbers;
    let href = address(
        "/readings/units",
        [("product", product.as_str()), ("firmware", firmware.as_str()), ("row", row.word())],
    );
    let label = format!("{} ({row}), without a unit", row.row().label);
    Fact::new(label, words(numbers, units).unwrap_or_else(|| format!("{text}, not billed until its unit is declared")))
        .linked(href)
}

/// What the numbers count; `None` where nobody declared a unit for them.
fn words(numbers: &Numbers, units: &[(DeclaredUnit, String)]) -> Option<String> {
    let Numbers { row, text, product, firmware } = numbers;
    let all: Vec<DeclaredUnit> = units.iter().map(|(unit, _)| unit.clone()).collect();
    let chosen = declared_unit(*row, product, firmware, &all)?;
    let bare: Vec<Unitless> =
        text.split_whitespace().filter_map(Decimal::parse).map(|number| Unitless { row: *row, number }).collect();
    let counts = declared(&bare, product, firmware, &all);
    let counted = counts.first().map(|quantity| quantity.meter.unit().show_exact(quantity.amount))?;
    let by = units.iter().find(|(unit, _)| unit == chosen).map_or("", |(_, by)| by.as_str());
    let by = if by.is_empty() { "the set-up" } else { by };
    Some(format!("{text} counts {counted}, as declared by {by}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_by_the_unit_that_somebody_declared_for_it() {
        let numbers = |row: RowId, text: &str, firmware: &str| Numbers {
            row,
            text: text.to_owned(),
            product: "T7V11A".to_owned(),
            firmware: firmware.to_owned(),
        };
        let unit = |firmware: &str, unit: &str, by: &str| {
            let unit = DeclaredUnit {
                product_number: "T7V11A".to_owned(),
                firmware: firmware.to_owned(),
                row: RowId::P19,
                unit: unit.to_owned(),
            };
            (unit, by.to_owned())
        };
        let units = [unit("", "m2", ""), unit("F2", "ft2", "Ada")];
        let cases = [
            (numbers(RowId::P19, "1500", "F2"), Some("1500 counts 139.35456 m², as declared by Ada")),
            (numbers(RowId::P19, "0.543", "F1"), Some("0.543 counts 0.543 m², as declared by the set-up")),
            (numbers(RowId::P20, "0.543", "F1"), None),
        ];
        for (numbers, expected) in cases {
            assert_eq!(words(&numbers, &units).as_deref(), expected, "{}", numbers.text);
        }
    }
}
