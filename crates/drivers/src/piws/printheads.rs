//! `PrintheadsStatus`: rows S2 to S9.
//!
//! Deliberately absent: ink consumption, life and use time of a printhead, which are no rows.

use super::dialect;
use crate::colour;
use crate::limits::LIST_MAX;
use crate::node::{Node, Notes, joined};
use report::{Printhead, Report, RowId};

/// A health gauge runs from 0 to 100: one step is 10 000 ppm.
const PPM_A_STEP: i128 = 10_000;

/// Reads every printhead slot.
pub(crate) fn read(status: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("PrintheadsStatus");
    let collection = status.at("PrintheadSlotCollection.PrintheadSlot");
    let slots = if collection.is_missing() { status.at("PrintheadSlot") } else { collection };
    for (index, slot) in notes.list("PrintheadSlot", slots, LIST_MAX).into_iter().enumerate() {
        let name = slot.at("SlotId").text().unwrap_or_else(|| (index + 1).to_string());
        notes.enter(format!("PrintheadsStatus, slot {name}"));
        report.status.printheads.push(printhead(slot, name, notes));
    }
}

fn printhead(slot: Node<'_>, name: String, notes: &mut Notes) -> Printhead {
    let info = slot.at("PrintheadInfo");
    let flags = info.at("DetailedStatus.PHStatusFlag");
    let mut words: Vec<String> = info.at("State").text().into_iter().collect();
    words.extend(flags.texts());
    let expires_at = notes.instant(RowId::S9, "ExpirationDate", info.at("ExpirationDate"));
    let guaranteed_to = notes.instant(RowId::S9, "WarrantyExpirationDate", info.at("WarrantyExpirationDate"));
    Printhead {
        slot: name,
        colours: slot.at("ColorCollection.Color").texts().iter().flat_map(|text| colour::colours(text)).collect(),
        status: joined(&words),
        health: notes.share(RowId::S4, "HealthGaugeLevel", info.at("HealthGaugeLevel"), PPM_A_STEP),
        product_number: info.at("PartNumber").text(),
        product_name: info.at("OrderNumber").text(),
        serial_number: info.at("SerialNumber").text(),
        foreign_ink_seen: foreign_ink_seen(flags),
        expires_at: expires_at.or(guaranteed_to),
    }
}

/// Row S8: known only where the printer gives flags at all.
fn foreign_ink_seen(flags: Node<'_>) -> Option<bool> {
    let texts = flags.texts();
    (!texts.is_empty()).then(|| texts.iter().any(|flag| flag.eq_ignore_ascii_case(dialect::FOREIGN_INK_FLAG)))
}
