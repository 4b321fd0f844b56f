//! Ink, heads and media: rows S2 to S22, U1 to U5, and the alerts that follow from them.
//!
//! Deliberately absent: supplies that are expired, foreign or out; they wait for printers that wear.

use super::date;
use crate::faces::dialect;
use crate::faces::document::{Node, collection, count, map, millionths, quantity, text};
use crate::printer::{DAY, INCH, InkGroup, InkSlot, Printer, narrow, stream};
use report::{Duration, Ink, Instant, Length, divide_half_even};

/// Below this share of a cartridge, in percent, the printer warns.
const LOW: i64 = 15;
/// Below this share it warns again.
const VERY_LOW: i64 = 5;
/// Which stream of random numbers heads use.
const HEADS: u64 = 0x6865_6164;

/// An alert of a printer.
pub(super) struct Alert {
    /// Row E1.
    pub(super) path: String,
    /// Row E2.
    pub(super) severity: &'static str,
    /// Row E3.
    pub(super) part: String,
    /// Row E4.
    pub(super) name: String,
}

/// The cartridges that are low on ink, as alerts.
pub(super) fn low(printer: &Printer) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for (index, group) in printer.inks.iter().enumerate() {
        for (place, slot) in group.slots.iter().enumerate() {
            let (state, severity) = match percent(slot.level, group.capacity()) {
                ..VERY_LOW => ("VERYLOW", "Warning"),
                VERY_LOW..LOW => ("LOW", "Info"),
                _ => continue,
            };
            let (colour, slots) = (group.colour, group.slots.len());
            let cartridge = index * slots + place + 1;
            let path = format!("/IDS/CARTRIDGE_GROUPS/CARTRIDGE_GROUP_{colour}_1/CARTRIDGE_{cartridge}/{state}");
            let name = format!("{state} {colour}");
            alerts.push(Alert { path, severity, part: format!("cartridge {cartridge}"), name });
        }
    }
    alerts
}

/// What is left, in whole percent.
fn percent(level: Ink, capacity: Ink) -> i64 {
    narrow(divide_half_even(i128::from(level.0) * 100, i128::from(capacity.0.max(1))))
}

/// The ink system: a group for each colour, in it a slot for each cartridge.
pub(super) fn inks(printer: &Printer) -> Node {
    let groups = printer.inks.iter().enumerate().map(|(index, group)| {
        let number = i64::try_from(index).unwrap_or(i64::MAX);
        let slots = group.slots.iter().enumerate().map(|(place, slot)| {
            let slots = group.slots.len();
            let id = i64::try_from(index * slots + place).unwrap_or(i64::MAX);
            ink_slot(printer, group, slot, number, id)
        });
        let slots = slots.collect();
        let count_of = i64::try_from(group.slots.len()).unwrap_or(i64::MAX);
        let capacity = Ink(group.capacity().0.saturating_mul(count_of));
        let left = percent(group.level(), capacity);
        map([
            ("SlotGroupId", count(number)),
            ("Color", text(group.colour)),
            ("InkAgentType", text("marking")),
            (
                "InkSlotGroupInfo",
                map([
                    ("InkUsed", quantity(group.used().0, "cc")),
                    ("HPInkUsed", quantity(group.used().0, "cc")),
                    (
                        "InkSupplyGroupInfo",
                        map([
                            ("Capacity", quantity(capacity.0, "cc")),
                            ("Level", quantity(group.level().0, "cc")),
                            ("LevelPercentage", millionths(left * 1_000_000)),
                            ("State", text(state(left))),
                            ("Status", collection("StatusFlag", flags(left))),
                            ("UserReportedStatus", text(if left < LOW { "GroupLow" } else { "GroupOK" })),
                        ]),
                    ),
                ]),
            ),
            ("InkSlotCollection", collection("InkSlot", slots)),
        ])
    });
    map([("InkSlotGroupCollection", collection("InkSlotGroup", groups.collect()))])
}

/// One slot and the cartridge in it, rows S10 to S19 and U1 to U5.
fn ink_slot(printer: &Printer, group: &InkGroup, slot: &InkSlot, number: i64, id: i64) -> Node {
    let order = printer.model().order_number;
    let left = percent(slot.level, group.capacity());
    let supply = map([
        ("Brand", text("HP")),
        ("Capacity", quantity(group.capacity().0, "cc")),
        ("Level", quantity(slot.level.0, "cc")),
        ("LevelPercentage", millionths(left * 1_000_000)),
        ("PartNumber", text(&group.part_number)),
        ("OrderNumber", text(order)),
        ("SerialNumber", text(&slot.serial)),
        ("BatchID", Node::Empty),
        ("State", text(state(left))),
        ("Status", collection("StatusFlag", flags(left))),
        ("DetailedStatus", map([("StatusFlag", text("Unknown"))])),
        ("InstallDate", date(printer, Some(slot.installed_at))),
        ("ExpirationDate", date(printer, None)),
        ("EndOfWarrantyDate", date(printer, Some(slot.expires_at))),
        ("InWarranty", Node::Flag(slot.expires_at > printer.now)),
        ("WarrantyStatus", text("SeeWarrantyNotes")),
        ("SupplyType", text("Supply")),
    ]);
    map([
        ("SlotId", count(id)),
        ("SlotGroupId", count(number)),
        ("Color", text(group.colour)),
        ("InkAgentType", text("marking")),
        ("SupplyType", text("Supply")),
        ("isPresent", Node::Flag(true)),
        ("SupportedOrderNumbersCollection", collection("OrderNumber", vec![text(order)])),
        (
            "SlotInfo",
            map([
                (
                    "InkSlotCumulativeInfo",
                    map([
                        ("InkUsed", quantity(slot.used.0, "cc")),
                        ("HPInkUsed", quantity(slot.used.0, "cc")),
                        ("NumberOfInsertions", count(slot.insertions)),
                    ]),
                ),
                ("InkSupplyInfo", supply),
            ]),
        ),
    ])
}

fn state(left: i64) -> &'static str {
    if left < LOW { "Warning" } else { "OK" }
}

fn flags(left: i64) -> Vec<Node> {
    match left {
        ..VERY_LOW => vec![text("LowLevel"), text("VeryLowLevel")],
        VERY_LOW..LOW => vec![text("LowLevel")],
        _ => vec![text("OK")],
    }
}

/// The printheads, rows S2 to S9: two colours a head.
pub(super) fn heads(printer: &Printer) -> Node {
    let heads = printer.model().colours.chunks(2).zip(1_i64..).map(|(colours, slot)| {
        let mut rng = stream(printer.seed, HEADS, slot);
        // Some day of 2025.
        let installed_at = Instant((20_089 + rng.between(0, 364)) * DAY);
        let health = rng.between(70, 100);
        let serial = format!("{:09}", rng.between(1, 999_999_999));
        map([
            ("SlotId", count(slot)),
            ("ColorCollection", collection("Color", colours.iter().map(|colour| text(colour)).collect())),
            ("Position", map([("X", count(slot)), ("Y", count(1))])),
            (
                "PrintheadInfo",
                map([
                    ("State", text("OK")),
                    ("DetailedStatus", collection("PHStatusFlag", vec![text(dialect::HEAD_FLAG)])),
                    ("HealthGaugeLevel", count(health)),
                    ("HealthGaugeStatus", text("Good")),
                    ("PartNumber", text("B3P06A")),
                    ("OrderNumber", text(printer.model().order_number)),
                    ("SerialNumber", text(&serial)),
                    ("Manufacturer", text("HP")),
                    ("InstallDate", date(printer, Some(installed_at))),
                    ("ExpirationDate", date(printer, None)),
                    ("WarrantyStatus", text("InWarranty")),
                    ("WarrantyExpirationDate", date(printer, Some(installed_at.plus(Duration(900 * DAY))))),
                    ("InWarranty", Node::Flag(true)),
                ]),
            ),
        ])
    });
    map([("PrintheadSlotCollection", collection("PrintheadSlot", heads.collect()))])
}

/// The media sources, rows S20 to S22: a drawer for each roll, and an empty sheet feed.
pub(super) fn media(printer: &Printer) -> Node {
    let rolls = printer.rolls.iter().zip(1_i64..).map(|(roll, number)| {
        let loaded = map([
            ("MediaTypeID", text(roll.medium.id)),
            ("Width", quantity(roll.width, "in")),
            ("RemainingLength", quantity(micro_inches(roll.remaining), "in")),
        ]);
        let device = map([
            ("IdForPrinting", text(&format!("ROLL{number}"))),
            ("IdForUI", text(&format!("Roll {number}"))),
            ("LoadedMediaCollection", collection("LoadedMedia", vec![loaded])),
        ]);
        map([("Id", count(number)), ("InputDeviceCollection", map([("Roll", device)]))])
    });
    let mut drawers: Vec<Node> = rolls.collect();
    let sheet = map([
        ("IdForPrinting", text("MANUAL_FEED")),
        ("IdForUI", text("Manual feed")),
        ("LoadedMediaCollection", Node::Empty),
    ]);
    let id = i64::try_from(drawers.len()).unwrap_or(i64::MAX).saturating_add(1);
    drawers.push(map([("Id", count(id)), ("InputDeviceCollection", map([("Sheet", sheet)]))]));
    map([("DrawerCollection", collection("Drawer", drawers)), ("Settings", map([("CutterEnabled", Node::Flag(true))]))])
}

/// A length in micro-inches, rounded half-even: 1 in = 25 400 µm.
fn micro_inches(length: Length) -> i64 {
    narrow(divide_half_even(i128::from(length.0) * i128::from(INCH), 25_400))
}
