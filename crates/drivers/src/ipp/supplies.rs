//! printer-supply, else marker-names and its companions: cartridges (rows S10 to S13, S16, S17).
//!
//! Deliberately absent: joining both, since nothing says which entry of one is which of the other.

use super::message::{self, Attributes};
use crate::colour;
use crate::limits::LIST_MAX;
use crate::node::Notes;
use crate::snmp::mib;
use crate::snmp::supply::Supply;
use report::Report;
use std::collections::BTreeMap;

/// Percent, of which marker-levels are without saying so.
const PERCENT: i64 = 19;

/// The fields of a value of printer-supply, printer-input-tray or printer-alert: `key=value;`. Of a key that
/// stands twice the first is kept. PWG 5100.13.
pub(crate) fn fields(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for (key, value) in text.split(';').filter_map(|field| field.split_once('=')) {
        fields.entry(key.trim().to_ascii_lowercase()).or_insert_with(|| value.trim().to_owned());
    }
    fields
}

/// Reads every supply.
pub(crate) fn read(printer: &Attributes, report: &mut Report, notes: &mut Notes) {
    let (name, mut supplies) = match of_supply(printer) {
        supplies if supplies.is_empty() => ("marker", of_markers(printer)),
        supplies => ("printer-supply", supplies),
    };
    if supplies.len() > LIST_MAX {
        notes.of(&format!("{name} has {} entries, only the first {LIST_MAX} are read", supplies.len()));
        supplies.truncate(LIST_MAX);
    }
    for supply in supplies {
        notes.enter(format!("{name} {}", supply.slot));
        report.status.cartridges.extend(supply.cartridge(notes));
    }
    notes.enter("");
}

fn of_supply(printer: &Attributes) -> Vec<Supply> {
    let descriptions = message::texts(printer, "printer-supply-description");
    let entries = message::texts(printer, "printer-supply").into_iter().enumerate();
    entries.map(|(index, entry)| supply(index, &fields(&entry), descriptions.get(index))).collect()
}

fn supply(index: usize, fields: &BTreeMap<String, String>, description: Option<&String>) -> Supply {
    let text = |key: &str| fields.get(key).and_then(|value| mib::plain(value));
    let number = |key: &str| fields.get(key).and_then(|value| value.parse().ok());
    let labelled = |key: &str, labels| fields.get(key).and_then(|value| mib::number_of(labels, value));
    let description = description.and_then(|description| mib::plain(description));
    let colorant = text("colorantname").filter(|colorant| !colorant.eq_ignore_ascii_case("none"));
    let colour = colorant.and_then(|colorant| colour::name(&colorant));
    Supply {
        slot: text("index").unwrap_or_else(|| (index + 1).to_string()),
        class: labelled("class", mib::CLASSES),
        kind: labelled("type", mib::KINDS),
        unit: labelled("unit", mib::UNITS),
        colour: colour.or_else(|| description.as_deref().and_then(colour::find)),
        description,
        capacity: number("maxcapacity"),
        level: number("level"),
        low: None,
    }
}

/// The markers as CUPS began them: attributes whose values stand side by side, levels in percent.
fn of_markers(printer: &Attributes) -> Vec<Supply> {
    let names = message::texts(printer, "marker-names");
    let types = message::texts(printer, "marker-types");
    let colours = message::texts(printer, "marker-colors");
    let levels = message::numbers(printer, "marker-levels");
    let lows = message::numbers(printer, "marker-low-levels");
    let at = |numbers: &[Option<i64>], index: usize| numbers.get(index).copied().flatten();
    let marker = |(index, name): (usize, &String)| Supply {
        slot: (index + 1).to_string(),
        class: None,
        kind: types.get(index).and_then(|kind| mib::number_of(mib::KINDS, kind)),
        unit: Some(PERCENT),
        description: mib::plain(name),
        colour: colour::find(name).or_else(|| colours.get(index).and_then(|colour| colour::find(colour))),
        capacity: Some(100),
        level: at(&levels, index),
        low: at(&lows, index).filter(|low| *low > 0),
    };
    names.iter().enumerate().map(marker).collect()
}
