//! One supply as Printer-MIB describes it, whichever interface told it, and the cartridge it is.
//!
//! Deliberately absent: waste tanks, drums and fusers, which no row is for, and a volume made from a
//! percentage, since a capacity in millilitres is not known then.

use super::mib;
use crate::node::{Node, Notes, joined};
use report::{Cartridge, Ink, RowId, divide_half_even};
use serde_json::json;

/// A level that says "some is left".
const SOME: i64 = -3;

/// What is known of a supply; numbers are those of the MIB's enumerations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Supply {
    /// The slot, as the printer names it.
    pub(crate) slot: String,
    /// Whether it is used up or filled.
    pub(crate) class: Option<i64>,
    /// What it is.
    pub(crate) kind: Option<i64>,
    /// What capacity and level count.
    pub(crate) unit: Option<i64>,
    /// The printer's words for it.
    pub(crate) description: Option<String>,
    /// Its colour.
    pub(crate) colour: Option<String>,
    /// What it holds when full, in its unit; negative: not known.
    pub(crate) capacity: Option<i64>,
    /// What it holds now, in its unit; -3 is "some", other negative ones are not known.
    pub(crate) level: Option<i64>,
    /// The level from which on it is low, in its unit.
    pub(crate) low: Option<i64>,
}

impl Supply {
    /// The cartridge that this supply is; `None` when it holds no colour.
    pub(crate) fn cartridge(self, notes: &mut Notes) -> Option<Cartridge> {
        if !self.is_cartridge() {
            return None;
        }
        let capacity = self.volume(RowId::S16, "capacity", self.capacity, notes);
        let level = self.volume(RowId::S17, "level", self.level, notes);
        let number = self.description.as_deref().and_then(mib::product_number);
        let of_product = number.as_deref().and_then(mib::colour_of_product).map(str::to_owned);
        Some(Cartridge {
            status: self.status(),
            colour: of_product.or(self.colour),
            slot: self.slot,
            product_number: number,
            product_name: self.description,
            capacity,
            consumed: notes.consumed(capacity, level),
            ..Cartridge::default()
        })
    }

    /// A supply of no known kind is one where it is measured in millilitres or has a colour.
    fn is_cartridge(&self) -> bool {
        let colouring = match self.kind {
            None | Some(1 | 2) => self.unit == Some(mib::MILLILITRES) || self.colour.is_some(),
            Some(kind) => mib::COLOURING.contains(&kind),
        };
        colouring && self.class != Some(mib::RECEPTACLE)
    }

    fn volume(&self, row: RowId, what: &str, amount: Option<i64>, notes: &mut Notes) -> Option<Ink> {
        if self.unit != Some(mib::MILLILITRES) {
            return None;
        }
        let quantity = json!({ "Value": amount?, "Unit": "tenthsOfMilliliters" });
        notes.ink(row, what, Node::of(&quantity))
    }

    /// Row S11: `low, 12 % left`. A volume is told by its own rows.
    fn status(&self) -> Option<String> {
        let level = self.level?;
        let mut words: Vec<String> = Vec::new();
        match level {
            0 => words.push("empty".to_owned()),
            SOME => words.push("some left".to_owned()),
            1.. if self.low.is_some_and(|low| level <= low) => words.push("low".to_owned()),
            _ => {}
        }
        if level > 0 && self.unit.is_some_and(|unit| unit != mib::MILLILITRES) {
            words.extend(self.capacity.and_then(|capacity| percent(level, capacity)));
        }
        joined(&words)
    }
}

/// `11 % left`, for 11 of 100 and for 110 of 1 000.
fn percent(level: i64, capacity: i64) -> Option<String> {
    let within = 0 < capacity && level <= capacity;
    within.then(|| format!("{} % left", divide_half_even(i128::from(level) * 100, i128::from(capacity))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink() -> Supply {
        Supply {
            slot: "1".to_owned(),
            class: Some(3),
            kind: Some(6),
            unit: Some(15),
            description: Some("Matte black 727 X1X22A".to_owned()),
            colour: Some("matte-black".to_owned()),
            capacity: Some(3_000),
            level: Some(1_200),
            low: None,
        }
    }

    fn cartridge(supply: Supply) -> (Option<Cartridge>, Vec<report::Defect>) {
        let mut notes = Notes::default();
        (supply.cartridge(&mut notes), notes.into_defects())
    }

    #[test]
    fn tenths_of_millilitres_become_nanolitres() {
        let (found, defects) = cartridge(ink());
        let found = found.expect("a cartridge");
        assert_eq!((found.capacity, found.consumed), (Some(Ink(300_000_000)), Some(Ink(180_000_000))));
        assert_eq!(found.product_number.as_deref(), Some("X1X22A"));
        assert_eq!((found.status, defects), (None, Vec::new()));
    }

    #[test]
    fn what_is_not_known_is_absent_and_more_than_the_capacity_is_odd() {
        for (capacity, level, status) in [(-2, -2, None), (-1, -3, Some("some left")), (3_000, 0, Some("empty"))] {
            let (found, defects) = cartridge(Supply { capacity: Some(capacity), level: Some(level), ..ink() });
            let found = found.expect("a cartridge");
            assert_eq!(found.capacity.is_none(), capacity < 0);
            assert_eq!((found.status.as_deref(), defects), (status, Vec::new()), "{capacity} {level}");
        }
        let (found, defects) = cartridge(Supply { level: Some(3_001), ..ink() });
        assert_eq!(found.and_then(|found| found.consumed), None);
        assert_eq!(defects.len(), 1);
    }

    #[test]
    fn a_percentage_is_a_status_and_never_a_volume() {
        let percent = Supply { unit: Some(19), capacity: Some(100), level: Some(11), low: Some(18), ..ink() };
        let (found, defects) = cartridge(percent.clone());
        let found = found.expect("a cartridge");
        assert_eq!((found.capacity, found.consumed), (None, None));
        assert_eq!((found.status.as_deref(), defects), (Some("low, 11 % left"), Vec::new()));
        let (found, _) = cartridge(Supply { level: Some(101), low: None, ..percent });
        assert_eq!(found.and_then(|found| found.status), None);
    }

    #[test]
    fn only_what_colours_is_a_cartridge() {
        let none = [
            Supply { class: Some(4), ..ink() },
            Supply { kind: Some(8), ..ink() },
            Supply { kind: Some(9), ..ink() },
            Supply { kind: None, unit: Some(19), colour: None, ..ink() },
        ];
        for supply in none {
            assert_eq!(cartridge(supply.clone()).0, None, "{supply:?}");
        }
        for supply in [Supply { kind: Some(1), ..ink() }, Supply { kind: None, class: None, ..ink() }] {
            assert!(cartridge(supply.clone()).0.is_some(), "{supply:?}");
        }
    }

    #[test]
    fn a_known_product_number_tells_the_colour_better_than_the_printer() {
        let description = Some("HP 761 ( CM992A )".to_owned());
        let (found, _) = cartridge(Supply { description, colour: Some("cyan".to_owned()), ..ink() });
        assert_eq!(found.and_then(|found| found.colour).as_deref(), Some("yellow"));
    }
}
