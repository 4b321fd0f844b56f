//! The first tab of a printer: what it is, what it did this month, and what runs out.
//!
//! Deliberately absent: judging supplies beyond what the printer says and the share that is left.

use super::Participation;
use super::month::{DailyArea, SoFar, day_number, day_of};
use super::page::{AlertRow, Capture, Overview, SupplyRow, UsageRow};
use super::printer::Subject;
use super::store::{self, TwoMonths};
use crate::db::{DbError, Tx};
use crate::jobs::quantity_unit;
use crate::shell::ResellerScope;
use crate::shell::address::encode;
use crate::shell::format::{self, UNKNOWN};
use crate::shell::page::{Fact, Status, Tone, grade_words};
use protocol::package::Reading;
use report::{Alert, Cartridge, Defect, Instant, MediaSource, Printhead, Severity, Share};

/// A cartridge with less than this share left is running out, as the ledger counts it.
const SUPPLY_LOW: Share = Share(150_000);
/// Parts and alerts shown; all of them stand under Everything.
const ITEMS_MAX: usize = 40;
/// Alerts that are read which arrived by themselves.
const ALERTS_MAX: i64 = 40;

/// The tab.
pub(super) fn tab(tx: &mut Tx<'_>, scope: &ResellerScope, subject: &Subject) -> Result<Overview, DbError> {
    let id = subject.printer.printer_id;
    let so_far = SoFar::of(subject.now, &subject.time_zone);
    let usage = store::usage(tx, scope, id, so_far)?;
    let contract = contract(tx, scope, subject)?;
    let mut area = DailyArea::default();
    store::each_job(tx, scope, id, so_far.start(&subject.time_zone), |at, quantities| {
        let day = day_number(day_of(at, &subject.time_zone));
        quantities.iter().for_each(|quantity| area.add(day, &quantity.meter, quantity.amount));
    })?;
    let after = subject.printer.state.as_ref().map_or(Instant(0), |state| state.heard.received_at);
    let arrived = store::alerts(tx, scope, id, after, ALERTS_MAX)?;
    let title = format!("{}, area printed", so_far.label());
    Ok(Overview {
        facts: facts(subject, contract),
        period: format!("{} so far", so_far.label()),
        usage: usage_rows(subject, &usage, so_far),
        supplies: subject.status().map(|status| supplies(status, subject.now)).unwrap_or_default(),
        alerts: alerts(subject.reading.as_ref(), arrived, subject.now),
        capture: capture(&subject.printer),
        chart: area.chart(&title, so_far),
    })
}

fn contract(tx: &mut Tx<'_>, scope: &ResellerScope, subject: &Subject) -> Result<Fact, DbError> {
    let stays = store::stays(tx, scope, &[subject.printer.printer_id])?;
    Ok(match stays.into_iter().find(|stay| stay.holds(subject.now)) {
        Some(stay) => Fact::new("Contract", stay.number).linked(format!("/contracts/{}", stay.contract_id)),
        None => Fact::new("Contract", "none, so nothing is billed"),
    })
}

fn facts(subject: &Subject, contract: Fact) -> Vec<Fact> {
    let printer = &subject.printer;
    let known = |value: Option<&String>| value.cloned().unwrap_or_else(|| UNKNOWN.to_owned());
    let configuration = subject.reading.as_ref().map(|reading| &reading.configuration);
    let read = configuration.and_then(|configuration| configuration.firmware_version.as_ref());
    let firmware = read.or(printer.firmware_version.as_ref());
    let mut facts = vec![
        Fact::new("Customer", &printer.customer).linked(format!("/customers/{}", printer.customer_id)),
        Fact::new("Product", known(printer.product_name.as_ref())),
        Fact::new("Product number", known(printer.product_number.as_ref())),
        Fact::new("Serial", &printer.serial),
        Fact::new("Firmware", known(firmware)),
    ];
    if let Some(asset) = &printer.asset_id {
        facts.push(Fact::new("Asset", asset));
    }
    if let Some(engine) = subject.status().and_then(|status| status.engine.as_ref()) {
        facts.push(Fact::new("Engine", Defect::quote(engine)));
    }
    if let Some(state) = &printer.state {
        let agent = state.host.as_ref().unwrap_or(&state.agent_id);
        facts.push(Fact::new("Agent", agent).linked(format!("/agents/{}", encode(&state.agent_id))));
        facts.push(Fact::new("Proof", grade_words(state.grade)));
    }
    facts.push(contract);
    facts.push(Fact::new("First seen", format::instant(printer.first_seen_at, &subject.zone)));
    facts
}

/// Each meter of both months. What was used before a printer was first seen is not known.
fn usage_rows(subject: &Subject, usage: &TwoMonths, so_far: SoFar) -> Vec<UsageRow> {
    let is_new = subject.printer.first_seen_at >= so_far.start(&subject.time_zone);
    let row = |(meter, (now, before)): (&billing::Meter, &(Option<i64>, Option<i64>))| {
        let shown = |amount: Option<i64>| quantity_unit(meter.kind(), amount.unwrap_or(0));
        let before = if before.is_none() && is_new { UNKNOWN.to_owned() } else { shown(*before) };
        UsageRow { meter: meter.label(), now: shown(*now), before }
    };
    usage.iter().map(row).collect()
}

fn supplies(status: &report::Status, now: Instant) -> Vec<SupplyRow> {
    let cartridges = status.cartridges.iter().map(|part| cartridge(part, now));
    let heads = status.printheads.iter().map(|part| printhead(part, now));
    let sources = status.media_sources.iter().map(media_source);
    cartridges.chain(heads).chain(sources).take(ITEMS_MAX).collect()
}

fn known(text: Option<&String>) -> String {
    text.map_or_else(|| UNKNOWN.to_owned(), |text| Defect::quote(text))
}

/// In the printer's words; expired or low parts stand out, and a level that is not known is no level.
fn state(words: Option<&String>, expires_at: Option<Instant>, low: Option<bool>, now: Instant) -> Status {
    if expires_at.is_some_and(|at| at <= now) {
        return Status::new(Tone::Warn, "expired");
    }
    match low {
        Some(true) => Status::new(Tone::Warn, words.map_or_else(|| "low".to_owned(), |words| Defect::quote(words))),
        Some(false) => Status::new(Tone::Good, words.map_or_else(|| "ok".to_owned(), |words| Defect::quote(words))),
        None => Status::new(Tone::Info, known(words)),
    }
}

fn cartridge(part: &Cartridge, now: Instant) -> SupplyRow {
    let name = part.colour.as_ref().unwrap_or(&part.slot);
    let share = part.share_left();
    let left = match (part.capacity, part.consumed, share) {
        (Some(capacity), Some(consumed), Some(_)) => {
            let left = report::Ink(capacity.0.saturating_sub(consumed.0).max(0));
            format!("{} of {} ml", format::ink(left), format::ink(capacity))
        }
        _ => UNKNOWN.to_owned(),
    };
    SupplyRow {
        name: format!("{} cartridge", Defect::quote(name)),
        part: known(part.product_number.as_ref()),
        left,
        status: state(part.status.as_ref(), part.expires_at, share.map(|share| share < SUPPLY_LOW), now),
    }
}

fn printhead(part: &Printhead, now: Instant) -> SupplyRow {
    let colours = if part.colours.is_empty() { String::new() } else { format!(", {}", part.colours.join(", ")) };
    SupplyRow {
        name: Defect::quote(&format!("Printhead {}{colours}", part.slot)),
        part: known(part.product_number.as_ref()),
        left: part.health.map_or_else(|| UNKNOWN.to_owned(), |health| format!("{} health", format::share(health))),
        status: state(part.status.as_ref(), part.expires_at, None, now),
    }
}

fn media_source(part: &MediaSource) -> SupplyRow {
    let left = part.height.map_or_else(|| UNKNOWN.to_owned(), |height| format!("{} m", format::length(height)));
    SupplyRow {
        name: Defect::quote(&part.name),
        part: known(part.media.as_ref()),
        left,
        status: Status::new(Tone::Info, known(part.status.as_ref())),
    }
}

/// Whether the printer takes part, and what can be changed about that.
fn capture(printer: &store::Printer) -> Capture {
    let (words, part, label) = match printer.participation {
        Participation::Participating => (
            "It takes part: it is read, and its jobs and counters are kept. Stopping ends that at its agent's next \
             contact; what was read is kept and billed.",
            "no",
            "Stop the capture",
        ),
        Participation::Seen => (
            "An agent found it and sent its model, serial number and firmware version, nothing else. It is read \
             once somebody says that it takes part.",
            "yes",
            "Let it take part",
        ),
        Participation::Stopped => (
            "Somebody stopped its capture. Only its model, serial number and firmware version arrive.",
            "yes",
            "Let it take part again",
        ),
    };
    Capture { words, part, label, action: format!("/printers/{}/participation", printer.printer_id) }
}

/// Open alerts of the latest reading and of those that arrived by themselves since, severest first.
fn alerts(reading: Option<&Reading>, arrived: Vec<Alert>, now: Instant) -> Vec<AlertRow> {
    let read: &[Alert] = reading.map(|reading| reading.alerts.as_slice()).unwrap_or_default();
    let is_new = |alert: &Alert| !read.iter().any(|known| (&known.code, known.since) == (&alert.code, alert.since));
    let arrived: Vec<Alert> = arrived.into_iter().filter(is_new).collect();
    let mut open: Vec<&Alert> = read.iter().chain(&arrived).filter(|alert| alert.cleared_at.is_none()).collect();
    open.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
    open.into_iter().take(ITEMS_MAX).map(|alert| alert_row(alert, now)).collect()
}

fn alert_row(alert: &Alert, now: Instant) -> AlertRow {
    let tone = match alert.severity {
        Severity::Severe => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Info => Tone::Info,
    };
    let code = Defect::quote(&alert.code);
    AlertRow {
        text: alert.text.as_ref().map_or_else(|| code.clone(), |text| Defect::quote(text)),
        part: alert.part.as_ref().map_or_else(|| code.clone(), |part| format!("{} · {code}", Defect::quote(part))),
        status: Status::new(tone, alert.severity.word()),
        since: alert.since.map_or_else(|| UNKNOWN.to_owned(), |since| format::relative(now, since)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::Ink;

    #[test]
    fn a_level_that_is_not_known_is_a_word_and_never_nothing() {
        let part = Cartridge { slot: "M".to_owned(), capacity: Some(Ink(300_000_000)), ..Cartridge::default() };
        let row = cartridge(&part, Instant(0));
        assert_eq!((row.left.as_str(), row.name.as_str()), ("unknown", "M cartridge"));
        let part = Cartridge { consumed: Some(Ink(182_000_000)), ..part };
        assert_eq!(cartridge(&part, Instant(0)).left, "118.0 of 300.0 ml");
    }

    #[test]
    fn cleared_alerts_are_gone_and_severe_ones_come_first() {
        let alert = |code: &str, severity, cleared_at| Alert {
            code: code.to_owned(),
            severity,
            cleared_at,
            ..Alert::default()
        };
        let report = report::sample::report(1);
        let manner = protocol::package::Manner { grade: report::Grade::B, seen: None, timestamps: Default::default() };
        let split = protocol::package::records(&report, &[], manner).expect("the sample has a serial");
        let protocol::package::Core::Reading(mut reading) = serde_json::from_str(&split.reading.core).expect("a core")
        else {
            panic!("a reading");
        };
        reading.alerts = vec![
            alert("1", Severity::Info, None),
            alert("2", Severity::Severe, Some(Instant(1))),
            alert("3", Severity::Severe, None),
        ];
        let arrived = vec![alert("3", Severity::Severe, None), alert("4", Severity::Warning, None)];
        let shown: Vec<String> = alerts(Some(&reading), arrived, Instant(2)).into_iter().map(|row| row.text).collect();
        assert_eq!(shown, ["3", "4", "1"]);
    }
}
