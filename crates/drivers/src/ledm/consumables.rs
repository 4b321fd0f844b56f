//! `ConsumableConfigDyn`: printheads (rows S2, S3, S5 to S7, S9) and cartridges (S10 to S17, S19).
//!
//! Deliberately absent: printhead health (S4), foreign ink (S8, S18), which this interface does not count,
//! amounts of toner, which are pages and no ink, and drums, kits and containers, which are no rows.

use super::dialect;
use crate::colour;
use crate::limits::LIST_MAX;
use crate::node::{Node, Notes, joined};
use report::{Cartridge, Defect, Ink, Instant, Printhead, Report, RowId, divide_half_even};

/// One percent in parts per million.
const PPM_A_PERCENT: i128 = 10_000;
/// The whole in parts per million.
const WHOLE_PPM: i64 = 1_000_000;

/// What a consumable is, as far as it concerns a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Holds ink.
    Ink,
    /// Holds toner, whose amounts are no ink.
    Toner,
    /// A printhead.
    Printhead,
    /// No row: an image drum, a kit, a container.
    Other,
}

/// The types, in lower case. The first of each kind are recorded, the rest are the same words in full.
const KINDS: &[(&str, Kind)] = &[
    ("ink", Kind::Ink),
    ("inkcartridge", Kind::Ink),
    ("inksupply", Kind::Ink),
    ("inktank", Kind::Ink),
    ("printhead", Kind::Printhead),
    ("toner", Kind::Toner),
    ("tonercartridge", Kind::Toner),
    ("imagedrum", Kind::Other),
    ("drum", Kind::Other),
    ("fuser", Kind::Other),
    ("fuserkit", Kind::Other),
    ("transferkit", Kind::Other),
    ("maintenancekit", Kind::Other),
    ("maintenancecartridge", Kind::Other),
    ("cleaningkit", Kind::Other),
    ("wastecontainer", Kind::Other),
];

/// What a consumable is; `None` where it does not say, or says a word we do not know, which is noted.
pub(crate) fn kind(consumable: Node<'_>, notes: &mut Notes) -> Option<Kind> {
    let Some(text) = consumable.at("ConsumableTypeEnum").text() else {
        notes.of("a consumable without a type is left out");
        return None;
    };
    let word = text.to_ascii_lowercase();
    let known = KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
    if known.is_none() {
        notes.of(&format!("a consumable of the type '{}' is left out", Defect::quote(&text)));
    }
    known
}

/// Reads every consumable.
pub(crate) fn read(document: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("ConsumableConfigDyn");
    let infos = notes.list("ConsumableInfo", document.at("ConsumableInfo"), LIST_MAX);
    for (index, info) in infos.into_iter().enumerate() {
        let station = info.at("ConsumableStation").text().unwrap_or_else(|| (index + 1).to_string());
        notes.enter(format!("ConsumableConfigDyn, station {station}"));
        let status = &mut report.status;
        match kind(info, notes) {
            Some(Kind::Printhead) => {
                let is_taken = status.printheads.iter().any(|head| head.slot == station);
                status.printheads.push(printhead(info, slot(station, index, is_taken), notes));
            }
            Some(kind @ (Kind::Ink | Kind::Toner)) => {
                let is_taken = status.cartridges.iter().any(|cartridge| cartridge.slot == station);
                status.cartridges.push(cartridge(info, slot(station, index, is_taken), kind, notes));
            }
            Some(Kind::Other) | None => {}
        }
    }
}

/// The station, told apart by its place in the document where another part names the same one.
fn slot(station: String, index: usize, is_taken: bool) -> String {
    if is_taken { format!("{station} ({})", index + 1) } else { station }
}

fn printhead(info: Node<'_>, slot: String, notes: &mut Notes) -> Printhead {
    Printhead {
        slot,
        colours: colours(info),
        status: state(info, RowId::S3, notes),
        health: None,
        product_number: info.at("ProductNumber").text(),
        product_name: info.at("ConsumableSelectibilityNumber").text(),
        serial_number: info.at("SerialNumber").text(),
        foreign_ink_seen: None,
        expires_at: expiry(info, RowId::S9, notes),
    }
}

fn cartridge(info: Node<'_>, slot: String, kind: Kind, notes: &mut Notes) -> Cartridge {
    let capacity = match kind {
        Kind::Ink => dialect::ink(notes, RowId::S16, "Capacity", info.at("Capacity"), "MaxCapacity"),
        Kind::Toner | Kind::Printhead | Kind::Other => None,
    };
    let consumed = capacity.and_then(|capacity| consumed(capacity, info, notes));
    Cartridge {
        slot,
        colour: joined(&colours(info)),
        status: state(info, RowId::S11, notes),
        product_number: info.at("ProductNumber").text(),
        product_name: info.at("ConsumableSelectibilityNumber").text(),
        serial_number: info.at("SerialNumber").text(),
        manufacturer: info.text_of(&["ConsumableLifeState.Brand", "Manufacturer.Name"]),
        capacity,
        consumed,
        consumed_foreign: None,
        expires_at: expiry(info, RowId::S19, notes),
    }
}

fn colours(info: Node<'_>) -> Vec<String> {
    let label = info.text_of(&["ConsumableLabelCode", "MarkerColor"]);
    label.map_or_else(Vec::new, |label| colour::colours(&label))
}

/// Rows S3 and S11: state, how full, and what kind of part: `used, ok, trial`.
fn state(info: Node<'_>, row: RowId, notes: &mut Notes) -> Option<String> {
    let life = info.at("ConsumableLifeState");
    let states = [life.at("ConsumableState"), life.at("MeasuredQuantityState")];
    let mut words: Vec<String> = states.into_iter().filter_map(Node::text).collect();
    for (member, word) in [("IsRefilled", "refilled"), ("IsSETUP", "setup"), ("IsTrial", "trial")] {
        if notes.flag(row, member, life.at(member)) == Some(true) {
            words.push(word.to_owned());
        }
    }
    joined(&words)
}

/// Row S17: what is gone of the capacity, an estimate since the level is a whole percentage.
///
/// 29.8 ml with 40 % left: 17.88 ml consumed.
fn consumed(capacity: Ink, info: Node<'_>, notes: &mut Notes) -> Option<Ink> {
    let is_unknown = notes.flag(RowId::S17, "IsSupplyLevelUnknown", info.at("IsSupplyLevelUnknown"));
    if is_unknown == Some(true) {
        return None;
    }
    let level = "ConsumablePercentageLevelRemaining";
    let left = notes.share(RowId::S17, level, info.at(level), PPM_A_PERCENT)?;
    let gone = i128::from(capacity.0) * i128::from(WHOLE_PPM - left.0);
    i64::try_from(divide_half_even(gone, i128::from(WHOLE_PPM))).ok().map(Ink)
}

/// Rows S9 and S19: the date of expiry, else the end of warranty.
fn expiry(info: Node<'_>, row: RowId, notes: &mut Notes) -> Option<Instant> {
    let expires_at = dialect::day(notes, row, "ExpirationDate", info.at("ExpirationDate"));
    let guaranteed_to = dialect::day(notes, row, "Warranty ExpirationDate", info.at("Warranty.ExpirationDate"));
    expires_at.or(guaranteed_to)
}
