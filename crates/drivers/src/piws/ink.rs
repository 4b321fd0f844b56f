//! `InkSystem`: cartridges (rows S10 to S17, S19), lifetime ink (U1 to U5) and its total (U16).
//!
//! Deliberately absent: row S18, which this interface does not have a cartridge, levels in percent,
//! which are rounded from what is read here, and reservoirs, which are no cartridges.

use crate::colour;
use crate::limits::LIST_MAX;
use crate::node::{Node, Notes, by_name, joined, sum_all};
use report::{Cartridge, CartridgeTypeUsage, Ink, Report, RowId};

/// The lifetime counters of one slot.
struct SlotUse {
    colour: String,
    product_number: Option<String>,
    used: Option<i64>,
    genuine: Option<i64>,
    insertions: Option<i64>,
}

/// Reads every slot of every group.
pub(crate) fn read(system: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("InkSystem");
    let (mut totals, mut uses, mut left_out) = (Vec::new(), Vec::new(), 0_usize);
    let collection = system.at("InkSlotGroupCollection.InkSlotGroup");
    let groups = if collection.is_missing() { system.at("InkSlotGroup") } else { collection };
    let groups = notes.list("InkSlotGroup", groups, LIST_MAX);
    for (index, group) in groups.into_iter().enumerate() {
        let name = group.at("Color").text().unwrap_or_else(|| format!("group {}", index + 1));
        notes.enter(format!("InkSystem, {name}"));
        totals.push(notes.ink(RowId::U16, "InkUsed", group.at("InkSlotGroupInfo.InkUsed")).map(|ink| ink.0));
        for slot in notes.list("InkSlot", group.at("InkSlotCollection.InkSlot"), LIST_MAX) {
            if is_reservoir(slot) {
                continue;
            }
            if report.status.cartridges.len() >= LIST_MAX {
                left_out += 1;
                continue;
            }
            let colour = slot.at("Color").text().or_else(|| group.at("Color").text());
            let colour = colour.and_then(|colour| colour::name(&colour));
            if let Some(colour) = &colour {
                uses.push(slot_use(slot, colour, notes));
            }
            let number = report.status.cartridges.len() + 1;
            report.status.cartridges.push(cartridge(slot, colour, number, notes));
        }
    }
    notes.enter("InkSystem");
    report.usage.ink = notes.whole(RowId::U16, "InkUsed", &totals).map(Ink);
    if left_out > 0 {
        let what = format!("{left_out} slots more than {LIST_MAX} are not read, no ink by colour is given");
        return notes.at(RowId::U2, &what);
    }
    report.usage.cartridge_types = cartridge_types(&uses, notes);
}

fn is_reservoir(slot: Node<'_>) -> bool {
    let types = [slot.at("SupplyType"), slot.at("SlotInfo.InkSupplyInfo.SupplyType")];
    types.into_iter().filter_map(Node::text).any(|kind| kind.eq_ignore_ascii_case("Reservoir"))
}

fn cartridge(slot: Node<'_>, colour: Option<String>, number: usize, notes: &mut Notes) -> Cartridge {
    let info = slot.at("SlotInfo.InkSupplyInfo");
    let capacity = notes.ink(RowId::S16, "Capacity", info.at("Capacity"));
    let level = notes.ink(RowId::S17, "Level", info.at("Level"));
    let expires_at = notes.instant(RowId::S19, "ExpirationDate", info.at("ExpirationDate"));
    let guaranteed_to = notes.instant(RowId::S19, "EndOfWarrantyDate", info.at("EndOfWarrantyDate"));
    Cartridge {
        slot: slot.at("SlotId").text().unwrap_or_else(|| number.to_string()),
        colour,
        status: status(slot, notes),
        product_number: info.at("PartNumber").text(),
        product_name: info.at("OrderNumber").text(),
        serial_number: info.at("SerialNumber").text(),
        manufacturer: info.at("Brand").text(),
        capacity,
        consumed: notes.consumed(capacity, level),
        consumed_foreign: None,
        // A printer that keeps no expiry date says 1970 and flags "Expired" by the end of warranty.
        expires_at: expires_at.or(guaranteed_to),
    }
}

/// Row S11: `Warning, Expired`; an empty slot without a state is `Missing`.
fn status(slot: Node<'_>, notes: &mut Notes) -> Option<String> {
    let info = slot.at("SlotInfo.InkSupplyInfo");
    let mut words: Vec<String> = info.at("State").text().into_iter().collect();
    words.extend(info.at("Status.StatusFlag").texts());
    let present = notes.flag(RowId::S11, "isPresent", slot.at("isPresent"));
    if present == Some(false) && words.is_empty() {
        words.push("Missing".to_owned());
    }
    joined(&words)
}

fn slot_use(slot: Node<'_>, colour: &str, notes: &mut Notes) -> SlotUse {
    let cumulative = slot.at("SlotInfo.InkSlotCumulativeInfo");
    SlotUse {
        colour: colour.to_owned(),
        product_number: slot.at("SlotInfo.InkSupplyInfo.PartNumber").text(),
        used: notes.ink(RowId::U2, "InkUsed", cumulative.at("InkUsed")).map(|ink| ink.0),
        genuine: notes.ink(RowId::U4, "HPInkUsed", cumulative.at("HPInkUsed")).map(|ink| ink.0),
        insertions: notes.count(RowId::U5, "NumberOfInsertions", cumulative.at("NumberOfInsertions")),
    }
}

/// Rows U1 to U5: the slots of one colour together, in the order the printer names the colours.
fn cartridge_types(uses: &[SlotUse], notes: &mut Notes) -> Vec<CartridgeTypeUsage> {
    let colours = by_name(uses, |slot| slot.colour.as_str());
    colours.into_iter().map(|(colour, slots)| cartridge_type(colour, &slots, notes)).collect()
}

fn cartridge_type(colour: &str, slots: &[&SlotUse], notes: &mut Notes) -> CartridgeTypeUsage {
    let all = |pick: fn(&SlotUse) -> Option<i64>| slots.iter().map(|slot| pick(slot)).collect::<Vec<_>>();
    notes.enter(format!("InkSystem, {colour}"));
    let used = notes.whole(RowId::U2, "InkUsed", &all(|slot| slot.used));
    let genuine = notes.whole(RowId::U4, "HPInkUsed", &all(|slot| slot.genuine));
    // Row U3: a printer that counts genuine ink a little ahead used no foreign ink.
    let foreign = sum_all([used, genuine.map(|genuine| -genuine)]).map(|foreign| foreign.max(0));
    CartridgeTypeUsage {
        colour: colour.to_owned(),
        product_number: slots.iter().find_map(|slot| slot.product_number.clone()),
        ink: used.map(Ink),
        ink_foreign: foreign.map(Ink),
        ink_genuine: genuine.map(Ink),
        insertions: notes.whole(RowId::U5, "NumberOfInsertions", &all(|slot| slot.insertions)),
    }
}
