//! The amounts and dates of this interface, in our units.
//!
//! Deliberately absent: guessing a unit, and colours, whose names all interfaces share.

use crate::limits::AMOUNT_MAX;
use crate::node::{Node, Notes};
use report::{Defect, Ink, Instant, RowId};
use serde_json::Value;

/// A volume of ink, in nl: a number in `member` of `amount`, its unit beside it. Units differ within one
/// document, so a number without one is noted and absent, unless it is zero.
pub(crate) fn ink(notes: &mut Notes, row: RowId, what: &str, amount: Node<'_>, member: &str) -> Option<Ink> {
    let node = amount.at(member);
    let number = notes.quantity(row, what, node)?.number;
    let Some(unit) = amount.at("Unit").text() else {
        if number.times(1_000_000, 1) != Some(0) {
            notes.at(row, &format!("{what} {} without a unit, kept and never billed", quoted(node)));
        }
        return None;
    };
    let ink = Ink::from_unit(number, &unit).filter(|ink| ink.0 <= AMOUNT_MAX);
    if ink.is_none() {
        notes.at(row, &format!("{what} cannot be read: {} {}", quoted(node), Defect::quote(&unit)));
    }
    ink
}

/// The text of a node as a defect quotes it.
pub(crate) fn quoted(node: Node<'_>) -> String {
    Defect::quote(&node.words().unwrap_or_default())
}

/// The beginning of a day, or an instant where the printer gives one: `2027-02-26`.
pub(crate) fn day(notes: &mut Notes, row: RowId, what: &str, node: Node<'_>) -> Option<Instant> {
    let midnight = format!("{}T00:00:00Z", node.text()?);
    if Instant::parse(&midnight).is_none() {
        return notes.instant(row, what, node);
    }
    notes.instant(row, what, Node::of(&Value::String(midnight)))
}

#[cfg(test)]
mod tests {
    use super::{day, ink};
    use crate::node::{Node, Notes};
    use report::{Defect, Ink, Instant, RowId};
    use serde_json::json;

    #[test]
    fn units_differ_within_one_document() {
        let check = |amount: serde_json::Value| {
            let mut notes = Notes::default();
            let read = ink(&mut notes, RowId::U2, "used", Node::of(&amount), "ValueFloat");
            (read, notes.into_defects())
        };
        let of = |number: &str, unit: &str| check(json!({ "ValueFloat": number, "Unit": unit }));
        assert_eq!(of("28", "milliliters"), (Some(Ink(28_000_000)), Vec::new()));
        assert_eq!(of("1.5", "microliters"), (Some(Ink(1_500)), Vec::new()));
        assert_eq!(of("298", "tenthsOfMilliliters"), (Some(Ink(29_800_000)), Vec::new()));
        let what = "used cannot be read: 120 100ImpressionsAt5PercentCoverage";
        assert_eq!(of("120", "100ImpressionsAt5PercentCoverage"), (None, vec![Defect::at(RowId::U2, what)]));
        let what = "used 5 without a unit, kept and never billed";
        assert_eq!(check(json!({ "ValueFloat": "5" })), (None, vec![Defect::at(RowId::U2, what)]));
        assert_eq!(check(json!({ "ValueFloat": "0" })), (None, Vec::new()));
        assert_eq!(check(json!({ "ValueFloat": "-3", "Unit": "milliliters" })), (None, Vec::new()));
        let what = "used is negative: -28";
        assert_eq!(of("-28", "milliliters"), (None, vec![Defect::at(RowId::U2, what)]));
        let what = "used cannot be read: 9999999999999 milliliters";
        assert_eq!(of("9999999999999", "milliliters"), (None, vec![Defect::at(RowId::U2, what)]));
        assert_eq!(check(json!(null)), (None, Vec::new()));
    }

    #[test]
    fn a_day_begins_at_midnight_and_the_first_of_1970_is_none() {
        let check = |text: &str| {
            let mut notes = Notes::default();
            (day(&mut notes, RowId::S19, "date", Node::of(&json!(text))), notes.into_defects())
        };
        assert_eq!(check("2027-02-26"), (Instant::parse("2027-02-26T00:00:00Z"), Vec::new()));
        assert_eq!(check("2027-02-26T10:00:00Z"), (Instant::parse("2027-02-26T10:00:00Z"), Vec::new()));
        assert_eq!(check("1970-01-01"), (None, Vec::new()));
        assert_eq!(check("unknown"), (None, Vec::new()));
        let odd = Defect::at(RowId::S19, "date is not a timestamp: '2027-13-45'");
        assert_eq!(check("2027-13-45"), (None, vec![odd]));
    }
}
