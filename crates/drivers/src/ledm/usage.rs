//! `ProductUsageDyn`: lifetime ink by colour (rows U1 to U5), pages (U15) and all ink (U16).
//!
//! Deliberately absent: areas and jobs. Impressions by media type are no area (U7), images are none either
//! (U8 to U10), and the histogram of time between jobs is no job counter (U14).

use super::consumables::{self, Kind};
use super::dialect;
use crate::colour;
use crate::limits::LIST_MAX;
use crate::node::{Node, Notes, by_name, sum_all};
use report::{Cartridge, CartridgeTypeUsage, Ink, Report, RowId};

const USED: &str = "CumulativeMarkingAgentUsed";
const GENUINE: &str = "CumulativeHPMarkingAgentUsed";
const INSERTIONS: &str = "CumulativeConsumableCount";
/// The member of an amount that holds its number.
const NUMBER: &str = "ValueFloat";
/// A counter in whole millilitres is this much off at most, in nl.
const ROUNDING: i64 = 1_000_000;

/// The lifetime counters of one station.
struct StationUse {
    colour: String,
    product_number: Option<String>,
    used: Option<i64>,
    genuine: Option<i64>,
    insertions: Option<i64>,
}

/// Reads the counters. The cartridges were read before, so that a station's product number is known.
pub(crate) fn read(document: Node<'_>, report: &mut Report, notes: &mut Notes) {
    notes.enter("ProductUsageDyn");
    let printer = document.at("PrinterSubunit");
    report.usage.pages = notes.count(RowId::U15, "TotalImpressions", printer.at("TotalImpressions"));
    report.usage.ink = total_ink(printer, notes);
    let uses = station_uses(document, &report.status.cartridges, notes);
    let mut types = cartridge_types(&uses, notes);
    notes.enter("ProductUsageDyn");
    leave_out_a_contradiction(&mut types, report.usage.ink, notes);
    report.usage.cartridge_types = types;
}

fn total_ink(printer: Node<'_>, notes: &mut Notes) -> Option<Ink> {
    let agents = notes.list("UsageByMarkingAgent", printer.at("UsageByMarkingAgent"), LIST_MAX);
    let mut totals = Vec::with_capacity(agents.len());
    for agent in agents {
        totals.push(dialect::ink(notes, RowId::U16, USED, agent.at(USED), NUMBER).map(|ink| ink.0));
    }
    notes.whole(RowId::U16, USED, &totals).map(Ink)
}

fn station_uses(document: Node<'_>, cartridges: &[Cartridge], notes: &mut Notes) -> Vec<StationUse> {
    let mut uses = Vec::new();
    let consumables = notes.list("Consumable", document.at("ConsumableSubunit.Consumable"), LIST_MAX);
    for (index, consumable) in consumables.into_iter().enumerate() {
        let station = consumable.at("ConsumableStation").text().unwrap_or_else(|| (index + 1).to_string());
        notes.enter(format!("ProductUsageDyn, station {station}"));
        // Toner is counted in pages or grams, and a printhead uses what its cartridges gave.
        if consumables::kind(consumable, notes) != Some(Kind::Ink) {
            continue;
        }
        match colour(consumable) {
            Some(colour) => uses.push(station_use(consumable, &station, colour, cartridges, notes)),
            None => notes.at(RowId::U2, "a cartridge without a colour is in no colour's ink"),
        }
    }
    uses
}

fn colour(consumable: Node<'_>) -> Option<String> {
    let label = consumable.text_of(&["MarkerColor", "ConsumableLabelCode"])?;
    colour::name(&label)
}

fn station_use(
    consumable: Node<'_>,
    station: &str,
    colour: String,
    cartridges: &[Cartridge],
    notes: &mut Notes,
) -> StationUse {
    let cartridge = cartridges.iter().find(|part| part.slot == station && part.colour.as_ref() == Some(&colour));
    StationUse {
        product_number: cartridge.and_then(|cartridge| cartridge.product_number.clone()),
        used: dialect::ink(notes, RowId::U2, USED, consumable.at(USED), NUMBER).map(|ink| ink.0),
        genuine: dialect::ink(notes, RowId::U4, GENUINE, consumable.at(GENUINE), NUMBER).map(|ink| ink.0),
        insertions: notes.count(RowId::U5, INSERTIONS, consumable.at(INSERTIONS)),
        colour,
    }
}

/// Rows U1 to U5: the stations of one colour together, in the order the printer names the colours.
fn cartridge_types(uses: &[StationUse], notes: &mut Notes) -> Vec<CartridgeTypeUsage> {
    let colours = by_name(uses, |station| station.colour.as_str());
    colours.into_iter().map(|(colour, stations)| cartridge_type(colour, &stations, notes)).collect()
}

fn cartridge_type(colour: &str, stations: &[&StationUse], notes: &mut Notes) -> CartridgeTypeUsage {
    let all = |pick: fn(&StationUse) -> Option<i64>| stations.iter().map(|station| pick(station)).collect::<Vec<_>>();
    notes.enter(format!("ProductUsageDyn, {colour}"));
    let used = notes.whole(RowId::U2, USED, &all(|station| station.used));
    let genuine = notes.whole(RowId::U4, GENUINE, &all(|station| station.genuine));
    // Row U3: a printer that rounds genuine ink above all ink used no foreign ink.
    let foreign = sum_all([used, genuine.map(|genuine| -genuine)]).map(|foreign| foreign.max(0));
    CartridgeTypeUsage {
        colour: colour.to_owned(),
        product_number: stations.iter().find_map(|station| station.product_number.clone()),
        ink: used.map(Ink),
        ink_foreign: foreign.map(Ink),
        ink_genuine: genuine.map(Ink),
        insertions: notes.whole(RowId::U5, INSERTIONS, &all(|station| station.insertions)),
    }
}

/// Rows U2 to U4 stay absent where they contradict row U16. A recorded printer counts its cartridges in
/// millilitres and calls them microlitres; which of the two units is wrong is not ours to guess.
///
/// The colours may say less than the total, which also counts ink spent otherwise, but never less than half
/// of it nor more than twice.
fn leave_out_a_contradiction(types: &mut [CartridgeTypeUsage], total: Option<Ink>, notes: &mut Notes) {
    let Some(Ink(total)) = total else { return };
    let Some(sum) = sum_all(types.iter().map(|part| part.ink.map(|ink| ink.0))) else { return };
    let rounding = ROUNDING.saturating_mul(i64::try_from(types.len()).unwrap_or(i64::MAX));
    let is_far = |less: i64, more: i64| more > less.saturating_mul(2).saturating_add(rounding);
    if !is_far(sum, total) && !is_far(total, sum) {
        return;
    }
    let said = format!("all cartridges used {sum} nl together, the printer {total} nl, no ink by colour is given");
    notes.at(RowId::U2, &said);
    for part in types {
        (part.ink, part.ink_foreign, part.ink_genuine) = (None, None, None);
    }
}
