//! `/readings`: what waits for somebody, and saying why a counter did not go on.
//!
//! Before somebody decides, the page works out what each reason would bill. Deliberately absent: a guess
//! without a person; a contract's own rule decides when the reading arrives, in the ledger.

mod choice;
mod decide;

pub(super) use decide::decide;

use super::page::{Chosen, DecidedRow, HandRow, Hidden, MisfitRow, Outcome, PendingRow, SettlePage};
use super::page_store::{self, Broken, Decided, Hand, Machine};
use super::{counter_label, counter_value, follow, unit_of, units, zone_of};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::{Fields, address, encode, text};
use crate::shell::format;
use crate::shell::page::{Fact, Field, Link};
use crate::shell::part::{Part, ROWS};
use crate::shell::{Error, FormData, ResellerScope, ResellerUser, chrome, render};
use axum::extract::{Query, State};
use axum::response::Response;
use billing::{ReadingSource, SegmentReason};
use choice::{Choice, Typed, Wrong, across, typed};
use report::{Duration, Instant};

/// Late readings that count nowhere are shown this long: 60 days.
const MISFITS_SHOWN: Duration = Duration::hours(-60 * 24);

/// Which break somebody looks at.
#[derive(Debug, Clone, Default)]
struct Key {
    printer: i64,
    meter: String,
    media: String,
    at: Option<i64>,
}

impl Key {
    fn asked(fields: &Fields) -> Key {
        Key {
            printer: text(fields, "printer").parse().unwrap_or(0),
            meter: text(fields, "meter").to_owned(),
            media: text(fields, "media").to_owned(),
            at: text(fields, "at").parse().ok(),
        }
    }

    fn is(&self, broken: &Broken) -> bool {
        self.printer == broken.machine.printer_id
            && self.at == Some(broken.at.0)
            && (self.meter.as_str(), self.media.as_str()) == (broken.meter.as_str(), broken.media.as_str())
    }
}

/// `GET /readings`.
pub(super) async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| {
        let asked = Asked { key: Key::asked(&query), part: Part::asked(&query), form: None, wrong: Wrong::new() };
        page(tx, &own, &user, &asked, query.get("done").map(String::as_str))
    };
    render(&portal.db().read(work).await?)
}

/// What the page is asked for.
struct Asked {
    key: Key,
    part: Part,
    form: Option<FormData>,
    wrong: Wrong,
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    asked: &Asked,
    done: Option<&str>,
) -> Result<SettlePage, Error> {
    let (scope, now) = (&user.scope, portal.surroundings().now());
    let only = asked.key.printer;
    if only != 0 && page_store::one_machine(tx, scope, only)?.is_none() {
        return Err(Error::NotFound);
    }
    let (pending, of_segments) = page_store::pending(tx, scope, only, (ROWS, asked.part.skipped()))?;
    let mut of_people = page_store::waiting_of_people(tx, scope, only, now)?;
    of_people.retain(|broken| !pending.iter().any(|known| key_of(known).is(broken)));
    let total = of_segments.saturating_add(i64::try_from(of_people.len()).unwrap_or(i64::MAX));
    let named = match asked.key.at {
        Some(at) => one_break(tx, scope, &asked.key, (Instant(at), now))?,
        None => None,
    };
    let chosen = named.or_else(|| pending.first().cloned()).or_else(|| of_people.first().cloned());
    let chosen = chosen.map(|broken| page_store::with_jump(tx, scope, broken)).transpose()?;
    let decided = page_store::decided(tx, scope, 0)?;
    let misfits = page_store::misfits(tx, scope, now.plus(MISFITS_SHOWN))?;
    let on = |broken: &Broken| chosen.as_ref().is_some_and(|chosen| key_of(chosen).is(broken));
    // Those that no segment shows are few; they stand on the first page.
    let first = of_people.iter().filter(|_| asked.part.skipped() == 0);
    let rows = first.chain(&pending).map(|broken| pending_row(broken, on(broken))).collect();
    let path = |page: &str| {
        let printer = if only == 0 { String::new() } else { only.to_string() };
        address("/readings", [("printer", printer.as_str()), ("page", page)])
    };
    let waiting = match total {
        1 => "1 counter waits".to_owned(),
        total => format!("{} counters wait", format::count(total)),
    };
    Ok(SettlePage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/readings", "Readings"), done)?,
        sub: format!("{waiting} · times in each customer's zone"),
        all: (only != 0).then(|| Link::new("Those of all printers", "/readings")),
        chosen: chosen.map(|broken| chosen_form(&broken, asked)),
        pager: asked.part.pager_at(pending.len(), of_segments, path),
        pending: rows,
        others: follow::rows(tx, scope, only)?,
        units: units::waiting(tx, scope)?,
        odd: page_store::odd(tx, scope)?.iter().map(hand_row).collect(),
        misfits: misfits
            .into_iter()
            .map(|misfit| MisfitRow {
                agent: Link::new(misfit.host, format!("/agents/{}", encode(&misfit.agent_id))),
                detail: misfit.detail,
                at: format::instant(misfit.at, &format::Zone::utc()),
            })
            .collect(),
        decided: decided.iter().map(decided_row).collect(),
    })
}

/// The break of a counter, whether it waits or not: a segment's, else one in what people read.
fn one_break(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    key: &Key,
    (at, now): (Instant, Instant),
) -> Result<Option<Broken>, DbError> {
    let counter = (key.meter.as_str(), key.media.as_str());
    match page_store::one_break(tx, scope, key.printer, counter, at)? {
        None => page_store::one_of_people(tx, scope, key.printer, counter, (at, now)),
        known => Ok(known),
    }
}

fn key_of(broken: &Broken) -> Key {
    Key {
        printer: broken.machine.printer_id,
        meter: broken.meter.clone(),
        media: broken.media.clone(),
        at: Some(broken.at.0),
    }
}

fn printer_link(machine: &Machine) -> Link {
    Link::new(machine.label.as_str(), format!("/printers/{}?tab=readings", machine.printer_id))
}

pub(super) fn pending_row(broken: &Broken, on: bool) -> PendingRow {
    let (printer, at) = (broken.machine.printer_id.to_string(), broken.at.0.to_string());
    let query = [
        ("printer", printer.as_str()),
        ("meter", broken.meter.as_str()),
        ("media", broken.media.as_str()),
        ("at", at.as_str()),
    ];
    let shown = |value: i64| counter_value(&broken.meter, value);
    let before = broken.before.map_or_else(|| format::UNKNOWN.to_owned(), shown);
    PendingRow {
        printer: printer_link(&broken.machine),
        customer: broken.machine.customer.clone(),
        counter: counter_label(&broken.meter, &broken.media),
        values: format!("{before} → {}", shown(broken.after)),
        at: format::instant(broken.at, &zone_of(&broken.machine.zone)),
        href: address("/readings", query),
        on,
    }
}

fn chosen_form(broken: &Broken, asked: &Asked) -> Chosen {
    let zone = zone_of(&broken.machine.zone);
    let shown = |value: Option<i64>, at: Option<Instant>, source: &str| {
        let value = value.map_or_else(|| format::UNKNOWN.to_owned(), |value| counter_value(&broken.meter, value));
        let at = at.map(|at| format!(", read {}", format::instant(at, &zone))).unwrap_or_default();
        let source = if source.is_empty() { String::new() } else { format!(", over {source}") };
        format!("{value}{at}{source}")
    };
    let typed = asked.form.as_ref().map_or_else(Typed::default, |form| typed(form, broken, &mut Wrong::new()));
    let mut facts = vec![
        Fact::new("Customer", broken.machine.customer.as_str()),
        Fact::new("Before", shown(broken.before, broken.before_at, &broken.sources.0)),
        Fact::new("After", shown(Some(broken.after), Some(broken.at), &broken.sources.1)),
    ];
    if let Some(jump) = broken.jump {
        let (low, high) = (shown(Some(jump.low), Some(jump.low_at), ""), shown(Some(jump.high), Some(jump.since), ""));
        facts.insert(1, Fact::new("Had jumped", format!("from {low}, to {high}")));
    }
    Chosen {
        title: format!("{} of {}", counter_label(&broken.meter, &broken.media), broken.machine.label),
        facts,
        speaks: broken.note.clone(),
        outcomes: Choice::of(broken).map(|choice| outcome(broken, choice, typed)).collect(),
        hidden: hidden(&key_of(broken)),
        fields: fields(broken, asked),
    }
}

fn hidden(key: &Key) -> Vec<Hidden> {
    vec![
        Hidden::new("printer", key.printer.to_string()),
        Hidden::new("meter", key.meter.as_str()),
        Hidden::new("media", key.media.as_str()),
        Hidden::new("at", key.at.map(|at| at.to_string()).unwrap_or_default()),
    ]
}

fn outcome(broken: &Broken, choice: Choice, typed: Typed) -> Outcome {
    let shown = |value: i64| counter_value(&broken.meter, value);
    let to = shown(broken.after);
    let (from, to) = match (choice, choice.counts_from(broken, typed.counts_from), typed.width) {
        (Choice::Misread, ..) => ("left out".to_owned(), "until it is back".to_owned()),
        (Choice::Spike, ..) => (broken.jump.map_or_else(|| format::UNKNOWN.to_owned(), |jump| shown(jump.low)), to),
        (Choice::Rollover, _, Some(width)) => {
            let before = broken.before.map_or_else(|| format::UNKNOWN.to_owned(), shown);
            (before, format!("{}, then {to}", shown(width)))
        }
        (Choice::Rollover, _, None) => ("its highest value is not said".to_owned(), to),
        (_, Some(from), _) => (shown(from), to),
        (_, None, _) => ("not said".to_owned(), to),
    };
    let counted = match across(broken, choice, typed) {
        Ok(quantity) => shown(quantity),
        Err(_) => "nothing".to_owned(),
    };
    Outcome { label: choice.label(), from, to, counted }
}

fn fields(broken: &Broken, asked: &Asked) -> Vec<Field> {
    let typed = |name: &str| asked.form.as_ref().map_or("", |form| form.text(name));
    let wrong = |name: &str| asked.wrong.get(name).cloned();
    let unit = unit_of(&broken.meter).map_or("", |unit| unit.label());
    let named = |label: &str| if unit.is_empty() { label.to_owned() } else { format!("{label}, {unit}") };
    let choices = Choice::of(broken).map(|choice| (choice.word(), choice.label()));
    let choices = [("", "Choose")].into_iter().chain(choices);
    vec![
        Field::select("reason", "Why it did not go on", choices, typed("reason")).required().wrong(wrong("reason")),
        Field::number("counts_from", named("Counts from"))
            .value(typed("counts_from"))
            .hint("What the counter showed when it began anew. Empty: zero for a reset; for the others nothing counts.")
            .wrong(wrong("counts_from")),
        Field::number("width", named("Begins again after"))
            .value(typed("width"))
            .hint("Only for a counter that passed its highest value: 4294967296 for a 32-bit counter of pages.")
            .wrong(wrong("width")),
        Field::text("note", "Note")
            .value(typed("note"))
            .hint("How you know. A decision needs it.")
            .wrong(wrong("note")),
    ]
}

/// A decision in words.
pub(super) fn decided_words(reason: SegmentReason) -> &'static str {
    match reason {
        SegmentReason::Install => "counting began",
        SegmentReason::Decrease => "taken back: it waits again",
        SegmentReason::Reset => "a reset",
        SegmentReason::Rollover => "it passed its highest value",
        SegmentReason::Swap => "a replaced board or printer",
        SegmentReason::Firmware => "new firmware",
        SegmentReason::UnitChange => "another unit",
        SegmentReason::Interface => "another interface",
        SegmentReason::Rise => "it counted that much",
        SegmentReason::Misread => "readings that were wrong",
        SegmentReason::Spike => "readings before it that were too high",
    }
}

fn decided_row(decided: &Decided) -> DecidedRow {
    let zone = zone_of(&decided.machine.zone);
    let is_taken_back = decided.is_taken_back;
    let reason = if is_taken_back { SegmentReason::Decrease } else { decided.reason };
    let by = decided.by.as_deref().unwrap_or("a rule of the contract");
    let mut fields = Vec::new();
    if decided.holds && !is_taken_back {
        let key = Key {
            printer: decided.machine.printer_id,
            meter: decided.meter.clone(),
            media: decided.media.clone(),
            at: Some(decided.at.0),
        };
        fields = hidden(&key);
        fields.push(Hidden::new("reason", SegmentReason::Decrease.word()));
    }
    DecidedRow {
        printer: printer_link(&decided.machine),
        counter: counter_label(&decided.meter, &decided.media),
        at: format::instant(decided.at, &zone),
        what: decided_words(reason).to_owned(),
        note: decided.note.clone(),
        by: format!("{by}, {}", format::instant(decided.decided_at, &zone)),
        hidden: fields,
        state: if decided.holds { "" } else { "replaced by a later one" },
    }
}

/// A reading of a person, as the customer sees it: nothing is linked and nothing can be withdrawn, and who of the
/// reseller's people entered it, and what they noted, is the reseller's own.
pub(super) fn own_row(hand: &Hand) -> HandRow {
    let state = if hand.is_withdrawn { "withdrawn" } else { "counts" };
    let row = HandRow { href: None, action: None, state, ..hand_row(hand) };
    if hand.source == ReadingSource::Customer {
        return row;
    }
    let by = format!("your reseller, {}", format::instant(hand.entered_at, &zone_of(&hand.machine.zone)));
    HandRow { by, note: String::new(), odd: String::new(), ..row }
}

/// A reading of a person, as lists show it to the reseller.
pub(super) fn hand_row(hand: &Hand) -> HandRow {
    let zone = zone_of(&hand.machine.zone);
    let by = if hand.by.is_empty() { "set up" } else { hand.by.as_str() };
    HandRow {
        printer: hand.machine.label.clone(),
        href: Some(format!("/printers/{}?tab=readings", hand.machine.printer_id)),
        counter: counter_label(&hand.meter, &hand.media),
        value: counter_value(&hand.meter, hand.value),
        at: format::instant(hand.read_at, &zone),
        source: hand.source.words(),
        by: format!("{by}, {}", format::instant(hand.entered_at, &zone)),
        note: hand.note.clone(),
        odd: hand.odd.clone(),
        action: (!hand.is_withdrawn).then(|| format!("/readings/{}/withdraw", hand.reading_id)),
        state: if hand.is_withdrawn { "withdrawn" } else { "" },
        back: "",
    }
}
