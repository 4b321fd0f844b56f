//! `/readings`: what waits for somebody, and saying why a counter did not go on.
//!
//! Before somebody decides, the page works out what each reason would bill. Deliberately absent: a guess
//! without a person; a contract's own rule decides when the reading arrives, in the ledger.

use super::follow;
use super::page::{Chosen, DecidedRow, HandRow, Hidden, MisfitRow, Outcome, PendingRow, SettlePage};
use super::page_store::{self, Broken, Decided, Hand, Machine};
use super::{at_once, counter_label, counter_value, note_fits, store, unit_of, units, zone_of};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::{Fields, address, encode, text};
use crate::shell::format;
use crate::shell::page::{Fact, Field, Link};
use crate::shell::part::{Part, ROWS};
use crate::shell::{Error, FormData, Posted, ResellerScope, ResellerUser, chrome, render, see_other};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use billing::{Break, Decision, Meter, ReadingPoint, ReadingSource, SegmentReason, Unmeasured};
use report::{Duration, Grade, Instant};
use std::collections::BTreeMap;

/// Late readings that count nowhere are shown this long: 60 days.
const MISFITS_SHOWN: Duration = Duration::hours(-60 * 24);

/// A reason that somebody can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The value came back: what was read in between was wrong.
    Misread,
    Reset,
    Rollover,
    Swap,
    Firmware,
    UnitChange,
    /// Another interface gave it, and the value goes on after all.
    GoesOn,
    /// Another interface gave it and counts from elsewhere.
    Anew,
    /// It rose as it shows, however much that is.
    Rose,
}

impl Choice {
    const ALL: [Choice; 9] = [
        Choice::Misread,
        Choice::Reset,
        Choice::Rollover,
        Choice::Swap,
        Choice::Firmware,
        Choice::UnitChange,
        Choice::GoesOn,
        Choice::Anew,
        Choice::Rose,
    ];

    fn word(self) -> &'static str {
        match self {
            Choice::GoesOn => "goes-on",
            Choice::Anew => "anew",
            Choice::Rose => "rose",
            choice => choice.reason().word(),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Choice::Misread => "What was read until it came back was wrong",
            Choice::Reset => "The counter was reset",
            Choice::Rollover => "The counter passed its highest value",
            Choice::Swap => "The board or printer was replaced",
            Choice::Firmware => "New firmware counts otherwise",
            Choice::UnitChange => "The printer counts in another unit",
            Choice::GoesOn => "Another interface gives it, and it goes on",
            Choice::Anew => "Another interface gives it, and it begins anew",
            Choice::Rose => "It did count that much",
        }
    }

    fn reason(self) -> SegmentReason {
        match self {
            Choice::Misread => SegmentReason::Misread,
            Choice::Reset => SegmentReason::Reset,
            Choice::Rollover => SegmentReason::Rollover,
            Choice::Swap => SegmentReason::Swap,
            Choice::Firmware => SegmentReason::Firmware,
            Choice::UnitChange => SegmentReason::UnitChange,
            Choice::GoesOn | Choice::Anew => SegmentReason::Interface,
            Choice::Rose => SegmentReason::Rise,
        }
    }

    /// Those that can be said of a break.
    fn of(broken: &Broken) -> impl Iterator<Item = Choice> {
        let (other_interface, rose) =
            (broken.reason == SegmentReason::Interface, broken.before.is_some_and(|before| before <= broken.after));
        let (held, can_be_misread) =
            (broken.reason == SegmentReason::Rise, broken.pair.is_some() || broken.is_of_people);
        Choice::ALL.into_iter().filter(move |choice| match choice {
            Choice::GoesOn => other_interface && rose,
            Choice::Anew => other_interface,
            Choice::Misread => can_be_misread,
            Choice::Rose => held,
            // What rose neither began at zero nor passed its highest value.
            Choice::Reset | Choice::Rollover => !held,
            _ => true,
        })
    }

    /// From where it is counted; the typed value, else what the reason says.
    fn counts_from(self, broken: &Broken, typed: Option<i64>) -> Option<i64> {
        match self {
            Choice::Rollover | Choice::Misread => None,
            Choice::Reset => typed.or(Some(0)),
            Choice::GoesOn | Choice::Rose => broken.before,
            Choice::Anew => Some(broken.after),
            Choice::Swap | Choice::Firmware | Choice::UnitChange => typed,
        }
    }
}

/// What was typed about a break, in base units.
#[derive(Debug, Clone, Copy, Default)]
struct Typed {
    counts_from: Option<i64>,
    width: Option<i64>,
}

/// What a break would count for a reason.
fn across(broken: &Broken, choice: Choice, typed: Typed) -> Result<i64, Unmeasured> {
    let point = |segment: u32, value: i64, read_at: Instant| ReadingPoint {
        segment,
        value,
        read_at,
        grade: Grade::C,
        source: ReadingSource::Printer,
    };
    let before_at = broken.before_at.unwrap_or(broken.at);
    let Some(before) = broken.before else { return Err(Unmeasured::Break { from: before_at, to: broken.at }) };
    Break {
        from: point(1, before, before_at),
        to: point(2, broken.after, broken.at),
        reason: choice.reason(),
        counts_from: choice.counts_from(broken, typed.counts_from),
        width: typed.width.filter(|_| choice == Choice::Rollover),
    }
    .across()
}

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

/// What is wrong with a form, by field.
type Wrong = BTreeMap<&'static str, String>;

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
    Chosen {
        title: format!("{} of {}", counter_label(&broken.meter, &broken.media), broken.machine.label),
        facts: vec![
            Fact::new("Customer", broken.machine.customer.as_str()),
            Fact::new("Before", shown(broken.before, broken.before_at, &broken.sources.0)),
            Fact::new("After", shown(Some(broken.after), Some(broken.at), &broken.sources.1)),
        ],
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
        Field::text("note", "Note").value(typed("note")).hint("How you know.").wrong(wrong("note")),
    ]
}

/// The numbers of a form in base units; what cannot be read is put into `wrong`.
fn typed(form: &FormData, broken: &Broken, wrong: &mut Wrong) -> Typed {
    let mut number = |name: &'static str| {
        let text = form.text(name);
        if text.is_empty() {
            return None;
        }
        let read = match unit_of(&broken.meter) {
            Some(unit) => unit.parse(text),
            None => text.parse().ok(),
        };
        let read = read.filter(|number| *number >= 0);
        if read.is_none() {
            wrong.insert(name, format!("“{text}” is not a plain number, such as 12.5 or 4000."));
        }
        read
    };
    Typed { counts_from: number("counts_from"), width: number("width") }
}

/// What a form decides; else what is wrong with it.
fn read(form: &FormData, broken: &Broken) -> Result<(Choice, Typed), Wrong> {
    let mut wrong = Wrong::new();
    let typed = typed(form, broken, &mut wrong);
    let choice = Choice::of(broken).find(|choice| choice.word() == form.text("reason"));
    if choice.is_none() {
        wrong.insert("reason", "Choose why the counter did not go on.".to_owned());
    }
    if let Err(words) = note_fits(form.text("note")) {
        wrong.insert("note", words);
    }
    let Some(choice) = choice.filter(|_| wrong.is_empty()) else { return Err(wrong) };
    let refused = match (choice, across(broken, choice, typed)) {
        (Choice::Rollover, Err(_)) if typed.width.is_none() => {
            Some(("width", "Say after which value the counter begins again."))
        }
        (Choice::Rollover, Err(_)) => Some(("width", "The counter showed more than that before it began again.")),
        (_, Err(_)) if choice.counts_from(broken, typed.counts_from).is_some() => {
            Some(("counts_from", "It shows less than that now, so that it cannot have counted from there."))
        }
        _ => None,
    };
    match refused {
        Some((field, words)) => Err(Wrong::from([(field, words.to_owned())])),
        None => Ok((choice, typed)),
    }
}

/// What came of a form.
enum Answer {
    Done,
    Again(Box<SettlePage>, StatusCode),
}

/// `POST /readings`: says why a counter did not go on, or takes that back.
pub(super) async fn decide(
    State(portal): State<Portal>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let answer = portal.db().write(move |tx| settled(tx, &own, &user, form)).await?;
    match answer {
        Answer::Done => Ok(see_other("/readings?done=decided")),
        Answer::Again(page, status) => Ok((status, render(&*page)?).into_response()),
    }
}

fn settled(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, form: FormData) -> Result<Answer, Error> {
    const GONE: &str = "This counter does not wait any more. Go back, reload and look again.";
    let key = Key {
        printer: form.int("printer").ok_or(Error::NotFound)?,
        meter: form.text("meter").to_owned(),
        media: form.text("media").to_owned(),
        at: form.int("at"),
    };
    page_store::one_machine(tx, &user.scope, key.printer)?.ok_or(Error::NotFound)?;
    if form.text("act") == "follow" {
        follow::follow(tx, portal, user, key.printer, &form)?;
        return Ok(Answer::Done);
    }
    let gone = || Error::Conflict(GONE.to_owned());
    let at = Instant(key.at.ok_or_else(gone)?);
    if form.text("reason") == SegmentReason::Decrease.word() {
        return take_back(tx, portal, user, &key, at);
    }
    let now = portal.surroundings().now();
    let broken = one_break(tx, &user.scope, &key, (at, now))?.ok_or_else(gone)?;
    let read = read(&form, &broken);
    let looks = form.text("act") == "look";
    let (choice, typed) = match (looks, read) {
        (false, Ok(read)) => read,
        (_, read) => {
            let wrong = read.err().unwrap_or_default();
            let status = if looks { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            let asked = Asked { key, part: Part::asked(&Fields::new()), form: Some(form), wrong };
            return Ok(Answer::Again(Box::new(page(tx, portal, user, &asked, None)?), status));
        }
    };
    let said = template(portal, user, &key).ok_or_else(gone)?;
    let decision = Decision {
        reason: choice.reason(),
        counts_from: choice.counts_from(&broken, typed.counts_from),
        width: typed.width.filter(|_| choice == Choice::Rollover),
        ..said.clone()
    };
    let decisions = with_pair(&broken, decision, &said);
    keep(tx, portal, user, key.printer, decisions, form.text("note"))
}

/// A decision on a break by this person, now; without a reason of its own it takes earlier ones back.
fn template(portal: &Portal, user: &ResellerUser, key: &Key) -> Option<Decision> {
    Some(Decision {
        meter: Meter::parse(&key.meter).ok()?,
        media: (!key.media.is_empty()).then(|| key.media.clone()),
        at: Instant(key.at?),
        reason: SegmentReason::Decrease,
        counts_from: None,
        width: None,
        by: user.signed.name.clone(),
        decided_at: portal.surroundings().now(),
    })
}

/// A decision, and what it means for the way back of a fall, or the fall before a way back: as misread both are
/// settled, and neither is when that is taken back.
fn with_pair(broken: &Broken, decision: Decision, said: &Decision) -> Vec<Decision> {
    let of_pair = match broken.reason {
        SegmentReason::Rise => SegmentReason::Decrease,
        _ => SegmentReason::Rise,
    };
    let reason = match (decision.reason, broken.decided) {
        (SegmentReason::Misread, _) => Some(SegmentReason::Misread),
        (_, Some(SegmentReason::Misread)) => Some(of_pair),
        _ => None,
    };
    let pair = broken.pair.zip(reason).map(|(at, reason)| Decision { at, reason, ..said.clone() });
    std::iter::once(decision).chain(pair).collect()
}

fn keep(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    printer: i64,
    decisions: Vec<Decision>,
    note: &str,
) -> Result<Answer, Error> {
    let surroundings = portal.surroundings();
    let decisions: Vec<(i64, Decision, i64)> =
        decisions.into_iter().map(|decision| (printer, decision, crate::new_id(surroundings))).collect();
    let (by, now) = (Some(user.signed.person_id), surroundings.now());
    if !store::decide_all(tx, &user.scope, &decisions, note, by, now).map_err(at_once)? {
        return Err(Error::NotFound);
    }
    let reason = decisions.first().map_or("", |(_, decision, _)| decision.reason.word());
    tracing::info!(printer.id = printer, reason, "decided about a counter");
    Ok(Answer::Done)
}

/// A decision that takes the ones before back: the break waits again. A rise waits only where a decision says that
/// there is a break: a fall shows by itself.
fn take_back(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, key: &Key, at: Instant) -> Result<Answer, Error> {
    let gone = || Error::Conflict("Nothing was decided about this counter then.".to_owned());
    if !page_store::is_decided(tx, &user.scope, key.printer, (&key.meter, &key.media), at)? {
        return Err(gone());
    }
    let said = template(portal, user, key).ok_or_else(gone)?;
    let now = portal.surroundings().now();
    let decisions = match one_break(tx, &user.scope, key, (at, now))? {
        Some(broken) => with_pair(&broken, Decision { reason: broken.reason, ..said.clone() }, &said),
        // A swap, say, that no reading follows yet.
        None => vec![said],
    };
    keep(tx, portal, user, key.printer, decisions, "")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(reason: SegmentReason, before: i64, after: i64) -> Broken {
        Broken {
            machine: Machine {
                printer_id: 7,
                serial: "CN1".to_owned(),
                label: "Hall 2".to_owned(),
                customer_id: 4,
                customer: "Kessler".to_owned(),
                zone: "Europe/Berlin".to_owned(),
            },
            meter: "pages".to_owned(),
            media: String::new(),
            at: Instant(9_000),
            before: Some(before),
            after,
            before_at: Some(Instant(5_000)),
            reason,
            note: String::new(),
            sources: (String::new(), String::new()),
            pair: None,
            decided: None,
            is_of_people: false,
        }
    }

    fn form(text: &str) -> FormData {
        FormData::parse(text.as_bytes())
    }

    #[test]
    fn a_form_says_why_and_from_where_it_counts() {
        let fell = broken(SegmentReason::Decrease, 4_294_967_200, 105);
        // The form, the reason, counts from, what counts.
        let cases = [
            ("reason=reset", SegmentReason::Reset, Some(0), Ok(105)),
            ("reason=reset&counts_from=100", SegmentReason::Reset, Some(100), Ok(5)),
            ("reason=rollover&width=4294967296", SegmentReason::Rollover, None, Ok(201)),
            ("reason=swap&counts_from=3", SegmentReason::Swap, Some(3), Ok(102)),
            ("reason=firmware", SegmentReason::Firmware, None, Err(())),
        ];
        for (text, reason, from, counted) in cases {
            let (choice, typed) = read(&form(text), &fell).expect("it can be");
            assert_eq!(choice.reason(), reason, "{text}");
            assert_eq!(choice.counts_from(&fell, typed.counts_from), from, "{text}");
            assert_eq!(across(&fell, choice, typed).map_err(|_| ()), counted, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_said_at_its_field() {
        let fell = broken(SegmentReason::Decrease, 140, 30);
        let cases = [
            ("", "reason"),
            ("reason=install", "reason"),
            // Nothing says that another interface gave it.
            ("reason=goes-on", "reason"),
            ("reason=rollover", "width"),
            ("reason=rollover&width=100", "width"),
            ("reason=rollover&width=many", "width"),
            ("reason=reset&counts_from=31", "counts_from"),
            ("reason=swap&counts_from=-1", "counts_from"),
        ];
        for (text, field) in cases {
            let wrong = read(&form(text), &fell).expect_err(text);
            assert_eq!(wrong.into_keys().collect::<Vec<_>>(), [field], "{text}");
        }
    }

    #[test]
    fn what_came_back_can_be_misread_and_is_said_of_the_fall_and_the_rise() {
        let fell = Broken { pair: Some(Instant(12_000)), ..broken(SegmentReason::Decrease, 18_531, 0) };
        let rose = Broken { pair: Some(Instant(9_000)), ..broken(SegmentReason::Rise, 0, 18_531) };
        let said = Decision {
            meter: Meter::parse("pages").expect("a meter"),
            media: None,
            at: Instant(9_000),
            reason: SegmentReason::Decrease,
            counts_from: None,
            width: None,
            by: "Ada".to_owned(),
            decided_at: Instant(20_000),
        };
        let pair = |broken: &Broken, reason: SegmentReason| {
            let decisions = with_pair(broken, Decision { reason, ..said.clone() }, &said);
            decisions.get(1).map(|decision| (decision.at.0, decision.reason))
        };
        let (misread, _) = read(&form("reason=misread"), &fell).expect("it came back");
        assert_eq!(across(&fell, misread, Typed::default()).map_err(|_| ()), Err(()));
        assert_eq!(pair(&fell, SegmentReason::Misread), Some((12_000, SegmentReason::Misread)));
        assert_eq!(pair(&rose, SegmentReason::Misread), Some((9_000, SegmentReason::Misread)));
        assert_eq!(pair(&fell, SegmentReason::Reset), None);
        // Said otherwise since, both wait again.
        let again = |broken: Broken| Broken { decided: Some(SegmentReason::Misread), ..broken };
        assert_eq!(pair(&again(fell), SegmentReason::Decrease), Some((12_000, SegmentReason::Rise)));
        assert_eq!(pair(&again(rose.clone()), SegmentReason::Rise), Some((9_000, SegmentReason::Decrease)));
        let (rise, typed) = read(&form("reason=rose"), &rose).expect("it rose");
        assert_eq!((rise.reason(), across(&rose, rise, typed)), (SegmentReason::Rise, Ok(18_531)));
        assert!(read(&form("reason=reset"), &rose).is_err(), "a rise is no reset");
        assert!(read(&form("reason=misread"), &broken(SegmentReason::Decrease, 140, 30)).is_err(), "not back");
    }

    #[test]
    fn another_interface_goes_on_or_begins_anew() {
        let rose = broken(SegmentReason::Interface, 100, 900);
        let (on, typed) = read(&form("reason=goes-on"), &rose).expect("it rose");
        assert_eq!(across(&rose, on, typed), Ok(800));
        let (anew, typed) = read(&form("reason=anew"), &rose).expect("another interface");
        assert_eq!(across(&rose, anew, typed), Ok(0));
        let fell = broken(SegmentReason::Interface, 900, 100);
        assert!(read(&form("reason=goes-on"), &fell).is_err(), "what fell does not go on");
    }
}
