//! Units that a person declared: a printer gives a number without one, a person compared it with the
//! printer's own page, and from then on it counts, marked, for a model and firmware.
//!
//! Deliberately absent: a guess at a unit, and the mark itself, which whoever stores the fact puts on it.

use super::Quantity;
use crate::meter::{Meter, MeterKind};
use report::{Area, Decimal, RowId};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A unit that a person declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredUnit {
    /// The model, row C1.
    pub product_number: String,
    /// The firmware, row C4; empty: all of the model that have none of their own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub firmware: String,
    /// The row.
    pub row: RowId,
    /// The unit, as printers name it: `m2`, `ft2`.
    pub unit: String,
}

/// A number that a printer gave without a unit: see [`report::Defect::unitless`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unitless {
    /// The row.
    pub row: RowId,
    /// The number as it was written.
    pub number: Decimal,
}

/// The meter of a row whose unit can be declared: media used and area printed of a job (P19, P20) and over
/// the printer's life (U17).
pub fn declarable(row: RowId) -> Option<Meter> {
    let kind = match row {
        RowId::P19 | RowId::U17 => MeterKind::AreaMedia,
        RowId::P20 => MeterKind::AreaPrinted,
        _ => return None,
    };
    Some(Meter::whole(kind))
}

/// The unit by which numbers of a row count for this model and firmware: one for the firmware wins over one for
/// the whole model. A printer that does not say its product number has none: nobody knows which model it is.
pub fn declared_unit<'u>(
    row: RowId,
    product: &str,
    firmware: &str,
    units: &'u [DeclaredUnit],
) -> Option<&'u DeclaredUnit> {
    let fits = |unit: &&DeclaredUnit| {
        let of_firmware = unit.firmware.is_empty() || unit.firmware == firmware;
        unit.row == row && unit.product_number == product && of_firmware
    };
    // Of several for one firmware always the same, whatever order they come in.
    let best = units.iter().filter(fits).max_by_key(|unit| (!unit.firmware.is_empty(), Reverse(*unit)));
    best.filter(|_| !product.is_empty())
}

/// What numbers without a unit are worth by the units declared for this model and firmware, one entry a
/// meter; see [`declared_unit`]. A number without a unit stays out.
///
/// 1 500 declared as `ft2` is 139.35456 m² (W28).
pub fn declared(unitless: &[Unitless], product: &str, firmware: &str, units: &[DeclaredUnit]) -> Vec<Quantity> {
    let mut sums: BTreeMap<Meter, i64> = BTreeMap::new();
    for Unitless { row, number } in unitless {
        let Some(meter) = declarable(*row) else { continue };
        let best = declared_unit(*row, product, firmware, units);
        let Some(Area(area)) = best.and_then(|unit| Area::from_unit(*number, &unit.unit)) else { continue };
        let sum = sums.entry(meter).or_default();
        *sum = sum.saturating_add(area);
    }
    sums.into_iter().map(|(meter, amount)| Quantity { meter, media: None, amount }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(product: &str, firmware: &str, row: RowId, unit: &str) -> DeclaredUnit {
        let (product_number, firmware) = (product.to_owned(), firmware.to_owned());
        DeclaredUnit { product_number, firmware, row, unit: unit.to_owned() }
    }

    fn number(row: RowId, text: &str) -> Unitless {
        Unitless { row, number: Decimal::parse(text).unwrap() }
    }

    fn shown(unitless: &[Unitless], firmware: &str, units: &[DeclaredUnit]) -> Vec<(String, i64)> {
        let found = declared(unitless, "CZ1", firmware, units);
        found.into_iter().map(|quantity| (quantity.meter.to_string(), quantity.amount)).collect()
    }

    #[test]
    fn a_declared_unit_makes_a_number_count() {
        let units = [
            unit("CZ1", "", RowId::P19, "m2"),
            unit("CZ1", "F2", RowId::P19, "ft2"),
            unit("CZ2", "", RowId::P20, "m2"),
            unit("CZ1", "", RowId::U17, "acre"),
        ];
        let media = |amount| vec![("area-media".to_owned(), amount)];
        // Firmware, numbers, quantities.
        let cases = [
            ("F1", vec![number(RowId::P19, "0.543")], media(543_000)),
            ("F1", vec![number(RowId::P19, "0.5"), number(RowId::P19, "0.25")], media(750_000)),
            ("F2", vec![number(RowId::P19, "1500")], media(139_354_560)),
            // Another model's, an unknown unit, a row without a meter.
            ("F1", vec![number(RowId::P20, "1"), number(RowId::U17, "1"), number(RowId::P24, "1")], vec![]),
        ];
        for (firmware, unitless, expected) in cases {
            assert_eq!(shown(&unitless, firmware, &units), expected, "{firmware} {unitless:?}");
        }
        assert!(shown(&[number(RowId::P19, "0.543")], "F1", &[]).is_empty());
        // A unit of no model is not one of every printer that does not say its model.
        let nameless = [unit("", "", RowId::P19, "m2")];
        assert!(declared(&[number(RowId::P19, "0.543")], "", "F1", &nameless).is_empty());
    }

    #[test]
    fn numbers_and_units_survive_storage() {
        let stored = (number(RowId::U17, "3.50"), unit("CZ1", "", RowId::U17, "m2"));
        let text = serde_json::to_string(&stored).unwrap();
        assert!(text.contains(r#""number":"3.50""#), "{text}");
        assert_eq!(serde_json::from_str::<(Unitless, DeclaredUnit)>(&text).unwrap(), stored);
    }
}
