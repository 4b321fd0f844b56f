//! prtMarkerSupplies: cartridges (rows S10 to S13, S16, S17).
//!
//! Colours are never taken from a row's place: printers list them in any order. Deliberately absent: serial
//! numbers, makers and dates of cartridges, which Printer-MIB does not have.

use super::mib;
use super::supply::Supply;
use super::table::Mib;
use crate::colour;
use crate::limits::LIST_MAX;
use crate::node::Notes;
use report::{Defect, Report, RowId};

/// prtMarkerSuppliesTable.
pub(crate) const SUPPLIES: &str = "1.3.6.1.2.1.43.11.1.1";
/// prtMarkerColorantValue.
pub(crate) const COLORANTS: &str = "1.3.6.1.2.1.43.12.1.1.4";

const COLORANT_INDEX: &str = "1.3.6.1.2.1.43.11.1.1.3";
const CLASS: &str = "1.3.6.1.2.1.43.11.1.1.4";
const KIND: &str = "1.3.6.1.2.1.43.11.1.1.5";
const DESCRIPTION: &str = "1.3.6.1.2.1.43.11.1.1.6";
const UNIT: &str = "1.3.6.1.2.1.43.11.1.1.7";
const CAPACITY: &str = "1.3.6.1.2.1.43.11.1.1.8";
const LEVEL: &str = "1.3.6.1.2.1.43.11.1.1.9";
/// A level that says "some is left".
const SOME: i64 = -3;

/// A supply that may be one of several rows of one cartridge.
struct Part {
    supply: Supply,
    /// The product number and how many parts it has, where the row says that it is a part.
    of: Option<(String, usize)>,
}

/// Reads every supply.
pub(crate) fn read(mib: &Mib, device: Option<u32>, report: &mut Report, notes: &mut Notes) {
    let mut rows = mib.rows(DESCRIPTION, device);
    if rows.is_empty() {
        rows = mib.rows(LEVEL, device);
    }
    if rows.len() > LIST_MAX {
        notes.of(&format!("prtMarkerSupplies has {} rows, only the first {LIST_MAX} are read", rows.len()));
        rows.truncate(LIST_MAX);
    }
    let parts: Vec<Part> = rows.into_iter().map(|index| part(mib, index, notes)).collect();
    for supply in joined(parts, notes) {
        notes.enter(format!("supply {}", supply.slot));
        report.status.cartridges.extend(supply.cartridge(notes));
    }
    notes.enter("");
}

fn part(mib: &Mib, index: &[u32], notes: &mut Notes) -> Part {
    let description = mib.text(DESCRIPTION, index, RowId::S13, notes);
    let of = description.as_deref().and_then(part_of);
    let in_words = description.as_deref().and_then(colour::find);
    // Rows that are parts of a cartridge are known to come with colorants in another order.
    let colorant = if of.is_some() { None } else { colorant(mib, index, notes) };
    let supply = Supply {
        slot: index.last().map(u32::to_string).unwrap_or_default(),
        class: mib.number(CLASS, index),
        kind: mib.number(KIND, index),
        unit: mib.number(UNIT, index),
        description,
        colour: in_words.or(colorant),
        capacity: mib.number(CAPACITY, index),
        level: mib.number(LEVEL, index),
        low: None,
    };
    Part { supply, of }
}

/// The colour that the row's colorant names; index 0 stands for none.
fn colorant(mib: &Mib, index: &[u32], notes: &mut Notes) -> Option<String> {
    let number = mib.number(COLORANT_INDEX, index).and_then(|number| u32::try_from(number).ok())?;
    if number == 0 {
        return None;
    }
    let (_, before) = index.split_last()?;
    let place: Vec<u32> = before.iter().copied().chain([number]).collect();
    mib.text(COLORANTS, &place, RowId::S10, notes).and_then(|value| colour::name(&value))
}

/// The product number and the number of parts that `VIRTUAL HP 761 ( CM992A ) PART 1 of 2 (…)` names.
fn part_of(description: &str) -> Option<(String, usize)> {
    let words: Vec<&str> = description.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let parts = words.windows(4).find_map(|window| match window {
        [part, number, of, parts] if part.eq_ignore_ascii_case("part") && of.eq_ignore_ascii_case("of") => {
            number.parse::<usize>().ok()?;
            parts.parse::<usize>().ok()
        }
        _ => None,
    })?;
    Some((mib::product_number(description)?, parts))
}

/// Joins the parts of one cartridge: their capacities and levels together, under the name they share.
fn joined(parts: Vec<Part>, notes: &mut Notes) -> Vec<Supply> {
    let mut groups: Vec<(Option<(String, usize)>, Vec<Supply>)> = Vec::new();
    for part in parts {
        match groups.iter_mut().find(|(of, _)| of.is_some() && *of == part.of) {
            Some((_, supplies)) => supplies.push(part.supply),
            None => groups.push((part.of, vec![part.supply])),
        }
    }
    groups.into_iter().filter_map(|(of, supplies)| join(of, supplies, notes)).collect()
}

fn join(of: Option<(String, usize)>, supplies: Vec<Supply>, notes: &mut Notes) -> Option<Supply> {
    let capacities: Vec<Option<i64>> = supplies.iter().map(|supply| supply.capacity).collect();
    let levels: Vec<Option<i64>> = supplies.iter().map(|supply| supply.level).collect();
    let slots: Vec<String> = supplies.iter().map(|supply| supply.slot.clone()).collect();
    let found = supplies.len();
    let mut first = supplies.into_iter().next()?;
    let Some((product, expected)) = of else { return Some(first) };
    first.slot = mib::plain(&slots.join("+")).unwrap_or_default();
    first.description = first.description.map(|description| shared_name(&description));
    (first.capacity, first.level) = (sum(&capacities), sum(&levels).or_else(|| some(&levels)));
    if found != expected {
        let product = Defect::quote(&product);
        notes.at(RowId::S16, &format!("{product}: {found} rows of {expected} parts, no capacity is given"));
        (first.capacity, first.level) = (None, None);
    }
    Some(first)
}

/// The sum when every part is known.
fn sum(amounts: &[Option<i64>]) -> Option<i64> {
    amounts.iter().try_fold(0_i64, |sum, amount| sum.checked_add(amount.filter(|amount| *amount >= 0)?))
}

fn some(levels: &[Option<i64>]) -> Option<i64> {
    levels.contains(&Some(SOME)).then_some(SOME)
}

/// `HP 761 ( CM992A )` of `VIRTUAL HP 761 ( CM992A ) PART 1 of 2 (REAL CARTRIDGE 1)`.
fn shared_name(description: &str) -> String {
    let mut words: Vec<&str> = description.split_whitespace().collect();
    if let Some(part) = words.iter().position(|word| word.eq_ignore_ascii_case("part")) {
        words.truncate(part);
    }
    if words.first().is_some_and(|word| word.eq_ignore_ascii_case("virtual")) {
        words.remove(0);
    }
    words.join(" ")
}
