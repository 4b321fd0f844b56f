//! The tabs of a printer that show readings of counters, and what happened to it.
//!
//! Deliberately absent: deciding why a counter fell, which is done where readings are settled; until then its
//! segment is shown as one that waits, and leads there.

use super::page::{HistoryRow, ReadingRow, ReadingTable, Readings};
use super::past::{self, Counted, Folded, Opening, Other};
use super::printer::Subject;
use super::store;
use crate::db::{DbError, Tx};
use crate::jobs::quantity;
use crate::readings;
use crate::shell::ResellerScope;
use crate::shell::address::address;
use crate::shell::format::{self, Zone};
use crate::shell::page::Badge;
use crate::shell::rows::Age;
use billing::{Meter, SegmentReason};
use report::{Duration, Instant};
use std::collections::BTreeMap;

/// Changes of counters are shown this far back from the latest reading.
const RECENT: Duration = Duration::hours(7 * 24);

/// A counter's words, with its media type where it is split by media.
pub(super) fn label(meter: &str, media: &str) -> String {
    let name = Meter::parse(meter).map_or_else(|_| meter.to_owned(), |meter| meter.label());
    if media.is_empty() { name } else { format!("{name}, on {media}") }
}

/// A counter's value and its unit.
pub(super) fn value(meter: &str, amount: i64) -> (String, &'static str) {
    Meter::parse(meter).map_or_else(|_| (format::count(amount), ""), |meter| quantity(meter.kind(), amount))
}

/// The readings: each counter's latest, then the latest changes, then what people know of them.
pub(super) fn readings(tx: &mut Tx<'_>, scope: &ResellerScope, subject: &Subject) -> Result<Readings, DbError> {
    let id = subject.printer.printer_id;
    Ok(Readings {
        tables: tables(tx, scope, subject)?,
        hands: readings::hands_of(tx, scope, id)?,
        unitless: readings::unitless_of(tx, scope, id, &subject.zone)?,
    })
}

fn tables(tx: &mut Tx<'_>, scope: &ResellerScope, subject: &Subject) -> Result<Vec<ReadingTable>, DbError> {
    let id = subject.printer.printer_id;
    let counters = past::counters(tx, scope, id)?;
    let Some(latest) = counters.iter().map(|counter| counter.read_at).max() else { return Ok(Vec::new()) };
    let recent = past::recent(tx, scope, id, latest.plus(Duration(-RECENT.0)))?;
    let hosts = past::hosts(tx, scope, subject.printer.customer_id)?;
    let rows = |counted: &[Counted]| counted.iter().map(|counted| row(counted, subject, &hosts)).collect();
    Ok(vec![
        ReadingTable { caption: "Latest reading of each counter", rows: rows(&counters) },
        ReadingTable { caption: "Latest changes", rows: rows(&recent) },
    ])
}

fn row(counted: &Counted, subject: &Subject, hosts: &BTreeMap<String, String>) -> ReadingRow {
    let (shown, unit) = value(&counted.meter, counted.value);
    let host = hosts.get(&counted.agent_id).unwrap_or(&counted.agent_id);
    let broke = counted.before.zip(counted.after).filter(|_| counted.waits).map(|(before, after)| {
        format!("went from {} to {} {unit}", value(&counted.meter, before).0, value(&counted.meter, after).0)
    });
    ReadingRow {
        meter: counted.meter.clone(),
        label: label(&counted.meter, &counted.media),
        value: shown,
        unit: unit.to_owned(),
        at: Age::of(subject.now, counted.read_at, &subject.zone),
        source: format!("read by {host}"),
        grade: Badge::from(counted.grade),
        segment: segment(counted, &subject.zone),
        defects: broke.into_iter().chain(counted.other.as_ref().map(|other| elsewhere(counted, other))).collect(),
        settle: counted.opened_at.filter(|_| counted.waits).map(|at| settle(subject.printer.printer_id, counted, at)),
    }
}

/// What another interface than the counter's own shows, which counts nothing.
fn elsewhere(counted: &Counted, other: &Other) -> String {
    let (shown, unit) = value(&counted.meter, other.value);
    format!("{} shows {shown} {unit}; it follows {}", other.interface, other.own)
}

/// Where somebody says why a counter did not go on.
fn settle(printer_id: i64, counted: &Counted, at: Instant) -> String {
    let (printer, at) = (printer_id.to_string(), at.0.to_string());
    let (meter, media) = (counted.meter.as_str(), counted.media.as_str());
    address("/readings", [("printer", printer.as_str()), ("meter", meter), ("media", media), ("at", at.as_str())])
}

/// `2, since reset on 4 Mar 2026`; one that nobody explained yet says that it waits.
pub(super) fn segment(counted: &Counted, zone: &Zone) -> String {
    let number = counted.segment;
    let (Some(reason), Some(at)) = (counted.reason.as_deref(), counted.opened_at) else { return number.to_string() };
    let day = format::day(at, zone);
    match counted.decided.as_deref() {
        _ if counted.waits && reason == SegmentReason::Interface.word() => {
            format!("{number}, pending: given by another interface since {day}, nobody has said whether it goes on")
        }
        _ if counted.waits && reason == SegmentReason::Rise.word() => {
            format!("{number}, pending: rose oddly after a break on {day}, nobody has said why yet")
        }
        _ if counted.waits => format!("{number}, pending: fell on {day}, nobody has said why yet"),
        Some(decided) => format!("{number}, since {decided} on {day}"),
        None => format!("{number}, since {reason} on {day}"),
    }
}

/// What happened, newest first.
pub(super) fn tab(tx: &mut Tx<'_>, scope: &ResellerScope, subject: &Subject) -> Result<Vec<HistoryRow>, DbError> {
    let id = subject.printer.printer_id;
    let zone = &subject.zone;
    let mut events: Vec<Event> = vec![Event::new(
        subject.printer.first_seen_at,
        "First seen",
        format!("by an agent of {}", subject.printer.customer),
    )];
    let hosts = past::hosts(tx, scope, subject.printer.customer_id)?;
    for span in past::spans(tx, scope, id)? {
        let host = hosts.get(&span.agent_id).unwrap_or(&span.agent_id);
        let (until, times) = (format::instant(span.last, zone), format::count(span.readings));
        let detail = format!("{host}, until {until}, {times} readings");
        events.push(Event::new(span.first, "Read by an agent", detail));
    }
    for bounded in past::bounded(tx, scope, id)? {
        let host = hosts.get(&bounded.agent_id).unwrap_or(&bounded.agent_id);
        let clock = if bounded.ahead { "ahead" } else { "behind" };
        let (first, times) = (format::instant(bounded.first, zone), format::count(bounded.readings));
        let detail =
            format!("the clock of {host} was {clock}: {times} readings since {first} have the time of receipts");
        events.push(Event::new(bounded.last, "Readings dated by receipts", detail));
    }
    if let Some((jobs, latest)) = past::dated(tx, scope, id)? {
        let detail = format!("{} jobs whose own time could not be have the time of receipts", format::count(jobs));
        events.push(Event::new(latest, "Jobs dated by receipts", detail));
    }
    for folded in past::folds(tx, scope, id)? {
        let host = hosts.get(&folded.agent_id).unwrap_or(&folded.agent_id);
        events.push(Event::new(folded.until, "Jobs known only as a sum", folded_words(&folded, host, zone)));
    }
    events.extend(openings(past::openings(tx, scope, id)?));
    let said = readings::happened(tx, scope, id, zone)?;
    events.extend(said.into_iter().map(|said| Event::new(said.at, said.what, said.detail)));
    for stay in store::stays(tx, scope, &[id])? {
        events.push(Event::new(stay.from, "Put into a contract", stay.number.clone()));
        if let Some(to) = stay.to {
            events.push(Event::new(to, "Taken out of a contract", stay.number));
        }
    }
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    let row = |event: Event| HistoryRow {
        at: format::instant(event.at, zone),
        what: event.what.to_owned(),
        detail: event.detail,
    };
    Ok(events.into_iter().map(row).collect())
}

/// Jobs whose detail gave way to a full disk. They are in no total of the pages of printers and jobs; a statement
/// counts them only where a person signed it and no other agent brought jobs of that time.
fn folded_words(folded: &Folded, host: &str, zone: &Zone) -> String {
    format!(
        "{} jobs since {} only as a sum, since the disk of {host} was full, and in no total here: {} pages, {}, {}",
        format::count(folded.jobs),
        format::instant(folded.since, zone),
        format::count(folded.pages),
        format::area_unit(folded.area_printed),
        format::ink_unit(folded.ink)
    )
}

/// Something that happened.
struct Event {
    at: Instant,
    what: &'static str,
    detail: String,
}

impl Event {
    fn new(at: Instant, what: &'static str, detail: String) -> Event {
        Event { at, what, detail }
    }
}

/// Segments as events; counters that were first read together are one.
fn openings(openings: Vec<Opening>) -> Vec<Event> {
    let mut installed: BTreeMap<Instant, usize> = BTreeMap::new();
    let mut events = Vec::new();
    for opening in openings {
        if opening.reason == SegmentReason::Install.word() {
            *installed.entry(opening.opened_at).or_default() += 1;
        } else {
            events.push(fall(&opening));
        }
    }
    let counters = |number: usize| if number == 1 { "1 counter".to_owned() } else { format!("{number} counters") };
    events.extend(installed.into_iter().map(|(at, number)| Event::new(at, "Counting began", counters(number))));
    events
}

fn fall(opening: &Opening) -> Event {
    let all = [
        (SegmentReason::Decrease, "Counter fell"),
        (SegmentReason::Interface, "Counter given by another interface"),
        (SegmentReason::Rise, "Counter rose oddly"),
        (SegmentReason::Reset, "Counter reset"),
        (SegmentReason::Rollover, "Counter rolled over"),
        (SegmentReason::Swap, "Counter swapped"),
    ];
    let known = all.iter().find(|(reason, _)| reason.word() == opening.reason);
    let (after, unit) = value(&opening.meter, opening.after);
    let before = opening.before.map(|before| format!("from {} ", value(&opening.meter, before).0)).unwrap_or_default();
    let detail = format!("{}: {before}to {after} {unit}, a new segment begins", label(&opening.meter, &opening.media));
    Event::new(opening.opened_at, known.map_or("Segment opened", |(_, what)| *what), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(meter: &str, reason: &str, before: Option<i64>) -> Opening {
        Opening {
            meter: meter.to_owned(),
            media: String::new(),
            reason: reason.to_owned(),
            opened_at: Instant(5),
            before,
            after: 3_000_000,
        }
    }

    #[test]
    fn counters_first_read_together_are_one_event() {
        let all = vec![
            opening("area-media", "install", None),
            opening("pages", "install", None),
            opening("area-media", "decrease", Some(9_100_000)),
        ];
        let shown: Vec<(&str, String)> = openings(all).into_iter().map(|event| (event.what, event.detail)).collect();
        let fell = "Media used: from 9.10 to 3.00 m², a new segment begins".to_owned();
        let expected = [("Counter fell", fell), ("Counting began", "2 counters".to_owned())];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_break_waits_until_somebody_says_why() {
        let counted = |reason: &str, waits: bool, decided: Option<&str>| Counted {
            meter: "pages".to_owned(),
            media: String::new(),
            value: 30,
            read_at: Instant(9),
            segment: 2,
            reason: Some(reason.to_owned()),
            opened_at: Some(Instant(5)),
            before: Some(140),
            after: Some(30),
            grade: report::Grade::B,
            agent_id: "a".to_owned(),
            waits,
            decided: decided.map(str::to_owned),
            other: None,
        };
        let cases = [
            ("decrease", true, None, "2, pending: fell on 1 Jan 1970, nobody has said why yet"),
            ("decrease", false, Some("reset"), "2, since reset on 1 Jan 1970"),
            ("install", false, None, "2, since install on 1 Jan 1970"),
            ("rise", true, None, "2, pending: rose oddly after a break on 1 Jan 1970, nobody has said why yet"),
        ];
        for (reason, waits, decided, expected) in cases {
            assert_eq!(segment(&counted(reason, waits, decided), &Zone::utc()), expected);
        }
        let other = Other { own: "piws".to_owned(), interface: "ledm".to_owned(), value: 9 };
        assert_eq!(elsewhere(&counted("install", false, None), &other), "ledm shows 9 pages; it follows piws");
        let href = settle(7, &counted("decrease", true, None), Instant(5));
        assert_eq!(href, "/readings?printer=7&meter=pages&at=5");
    }

    #[test]
    fn a_meter_that_is_not_known_is_a_plain_number() {
        assert_eq!(value("volume/of-sound", 1_234), ("1,234".to_owned(), ""));
        assert_eq!(label("volume/of-sound", "Bond"), "volume/of-sound, on Bond");
    }
}
