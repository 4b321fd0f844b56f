//! What people know of one printer, for the printer's own page: readings they entered, numbers that wait for a
//! unit, and what they said about its counters and its place.
//!
//! Deliberately absent: the page, which the fleet has.

use super::page::{HandRow, UnitlessRow};
use super::settle::{decided_words, hand_row};
use super::units::{group_href, how_many, row_words, unit_for, unit_label};
use super::{counter_label, follow, page_store, place_store};
use crate::db::{DbError, Tx};
use crate::shell::ResellerScope;
use crate::shell::format::{self, Zone};
use billing::SegmentReason;
use report::Instant;

/// The readings that people entered for a printer, newest first.
pub(crate) fn hands_of(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<HandRow>, DbError> {
    let hands = page_store::of_printer(tx, scope, printer_id)?;
    Ok(hands.iter().map(|hand| HandRow { href: None, back: "printer", ..hand_row(hand) }).collect())
}

/// What a printer gave without a unit, each with the unit that somebody declared.
pub(crate) fn unitless_of(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
) -> Result<Vec<UnitlessRow>, DbError> {
    let groups = page_store::groups(tx, scope, printer_id)?;
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let declared = page_store::declared(tx, scope)?;
    let row = |group: &page_store::Group| {
        let unit = unit_for(group, &declared).map(|unit| {
            let (label, by) = (unit_label(&unit.unit), unit.by.as_str());
            let by = if by.is_empty() { "the set-up" } else { by };
            format!("{label}, declared by {by} on {}", format::day(unit.declared_at, &Zone::utc()))
        });
        UnitlessRow {
            row: row_words(group.row),
            count: how_many(group.jobs, group.readings),
            unit: unit.unwrap_or_else(|| "none yet, so that nothing is billed".to_owned()),
            href: group_href(group),
        }
    };
    Ok(groups.iter().map(row).collect())
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
