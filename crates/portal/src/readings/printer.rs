//! What people know of one printer, for the printer's own page: readings they entered, numbers that wait for a
//! unit, and what they said about its counters and its place.
//!
//! Deliberately absent: the page, which the fleet has.

use super::page::{HandRow, UnitlessRow};
use super::page_store::{Declared, Group, LastNumber};
use super::settle::{decided_words, hand_row, own_row};
use super::units::{group_href, how_many, row_words, unit_for, unit_label};
use super::{counter_label, counter_value, follow, page_store, place_store};
use crate::db::{DbError, Tx};
use crate::shell::ResellerScope;
use crate::shell::format::{self, Zone};
use billing::{DeclaredUnit, SegmentReason, Unitless, declared};
use report::{Decimal, Instant};

/// The readings that people entered for a printer, newest first.
pub(crate) fn hands_of(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<HandRow>, DbError> {
    let hands = page_store::of_printer(tx, scope, printer_id)?;
    Ok(hands.iter().map(|hand| HandRow { href: None, back: "printer", ..hand_row(hand) }).collect())
}

/// The same, as the customer's own people see them.
pub(crate) fn own_hands_of(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<HandRow>, DbError> {
    Ok(page_store::of_printer(tx, scope, printer_id)?.iter().map(own_row).collect())
}

/// What a printer gave without a unit, each with the unit that somebody declared and what it gave last.
pub(crate) fn unitless_of(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    zone: &Zone,
) -> Result<Vec<UnitlessRow>, DbError> {
    let groups = page_store::groups(tx, scope, printer_id)?;
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let made = page_store::declared(tx, scope)?;
    let last = page_store::last_numbers(tx, scope, printer_id)?;
    let row = |group: &Group| {
        let chosen = unit_for(group, &made);
        let unit = chosen.map(|unit| {
            let (label, by) = (unit_label(&unit.unit), unit.by.as_str());
            let by = if by.is_empty() { "the set-up" } else { by };
            format!("{label}, declared by {by} on {}", format::day(unit.declared_at, &Zone::utc()))
        });
        UnitlessRow {
            row: row_words(group.row),
            count: how_many(group.jobs, group.readings),
            unit: unit.unwrap_or_else(|| "none yet, so that nothing is billed".to_owned()),
            last: last
                .iter()
                .find(|last| is_of(last, group))
                .map_or_else(String::new, |last| shown(last, chosen, zone)),
            href: group_href(group),
        }
    };
    Ok(groups.iter().map(row).collect())
}

fn is_of(last: &LastNumber, group: &Group) -> bool {
    let names = (last.product_number.as_str(), last.firmware.as_str());
    last.row == group.row && names == (group.product_number.as_str(), group.firmware.as_str())
}

/// `77.5, which is 77.50 m², on 4 Oct 2026 09:12`; without a unit the number alone.
fn shown(last: &LastNumber, unit: Option<&Declared>, zone: &Zone) -> String {
    let at = format::instant(last.at, zone);
    let numbers: Vec<String> = last.numbers.iter().map(Decimal::to_string).collect();
    let bare: Vec<Unitless> = last.numbers.iter().map(|number| Unitless { row: last.row, number: *number }).collect();
    let unit = unit.map(|unit| DeclaredUnit {
        product_number: unit.product_number.clone(),
        firmware: unit.firmware.clone(),
        row: unit.row,
        unit: unit.unit.clone(),
    });
    let units: Vec<DeclaredUnit> = unit.into_iter().collect();
    let counts = declared(&bare, &last.product_number, &last.firmware, &units);
    let counts = counts.first().map(|counts| counter_value(&counts.meter.to_string(), counts.amount));
    let counts = counts.map(|counts| format!(", which is {counts}")).unwrap_or_default();
    format!("{}{counts}, on {at}", numbers.join(" "))
}

/// Something that people said of a printer.
#[derive(Debug, Clone)]
pub(crate) struct Happened {
    /// When they said it, or since when it is so.
    pub(crate) at: Instant,
    /// What.
    pub(crate) what: &'static str,
    /// In words.
    pub(crate) detail: String,
}

/// What people said of a printer's counters and place, in no order.
pub(crate) fn happened(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    zone: &Zone,
) -> Result<Vec<Happened>, DbError> {
    let mut all = Vec::new();
    for decided in page_store::decided(tx, scope, printer_id)? {
        let by = decided.by.as_deref().unwrap_or("a rule of the contract");
        let note = if decided.note.is_empty() { String::new() } else { format!(": {}", decided.note) };
        let counter = counter_label(&decided.meter, &decided.media);
        let reason = if decided.is_taken_back { SegmentReason::Decrease } else { decided.reason };
        let (read, what) = (format::instant(decided.at, zone), decided_words(reason));
        let detail = format!("{counter} at {read}: {what}, said {by}{note}");
        all.push(Happened { at: decided.decided_at, what: "Break of a counter decided", detail });
    }
    for high in page_store::too_high(tx, scope, printer_id)? {
        let (counter, shown) = (counter_label(&high.meter, &high.media), counter_value(&high.meter, high.value));
        let detail = format!("{counter}: {shown}, said to be too high by mistake; it is kept and counts nothing");
        all.push(Happened { at: high.read_at, what: "Misread", detail });
    }
    for hand in page_store::of_printer(tx, scope, printer_id)? {
        let row = hand_row(&hand);
        let state = if hand.is_withdrawn { ", withdrawn since" } else { "" };
        let detail = format!("{} {}, {} {}{state}", row.counter, row.value, row.source, row.by);
        all.push(Happened { at: hand.read_at, what: "Read by a person", detail });
    }
    for (at, detail) in follow::said(tx, scope, printer_id)? {
        all.push(Happened { at, what: "Interface to follow", detail });
    }
    for swapped in place_store::swaps(tx, scope, printer_id)? {
        all.push(Happened { at: swapped.at, what: "Replaced", detail: swapped.words });
    }
    for (site, since) in place_store::stands(tx, scope, printer_id)? {
        all.push(Happened { at: since, what: "Moved", detail: format!("to {site}") });
    }
    Ok(all)
}
