//! `/printers/{id}/swap`: another printer takes a printer's place, and the page that also says where it stands.
//!
//! The old stay ends and the new one begins at one instant and one place, so that fees and allowances go on;
//! what people read of both counters is kept as readings of that instant. Deliberately absent: joining the
//! past of two printers; each keeps its own.

use super::enter::meters;
use super::page::{PastRow, SwapPage, SwapRow};
use super::page_store::{self, Counters, Known, Machine};
use super::place_store::{self, NewSwap, Stay};
use super::store::{self, HandReading, LastValue};
use super::{at_once, beside, note_fits, zone_of};
use crate::Portal;
use crate::agents::change;
use crate::agents::history::Stamp;
use crate::contracts::start_of_day;
use crate::contracts::store::hold_stays;
use crate::db::Tx;
use crate::shell::address::{Fields, id};
use crate::shell::format;
use crate::shell::page::Field;
use crate::shell::{Error, FormData, Posted, ResellerUser, chrome, render, see_other};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use billing::{Decision, Meter, ReadingSource, SegmentReason, plausible};
use report::{Duration, Instant};
use std::collections::BTreeMap;

/// Counters of one printer.
const COUNTERS_MAX: usize = 100;
/// From the first moment of a day into the next one, also where clocks change.
const INTO_NEXT_DAY: Duration = Duration::hours(26);

/// What is wrong with a form, by field.
pub(super) type Wrong = BTreeMap<String, String>;

/// `GET /printers/{id}/swap`.
pub(super) async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Path(printer): Path<String>,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let (printer, own) = (id(&printer)?, portal.clone());
    let work = move |tx: &mut Tx<'_>| {
        let machine = page_store::one_machine(tx, &user.scope, printer)?.ok_or(Error::NotFound)?;
        let done = query.get("done").map(String::as_str);
        page(tx, &own, &user, &machine, (&FormData::default(), &Wrong::new()), done)
    };
    render(&portal.db().read(work).await?)
}

/// The page of a printer with what was typed.
pub(super) fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    machine: &Machine,
    (form, wrong): (&FormData, &Wrong),
    done: Option<&str>,
) -> Result<SwapPage, Error> {
    let (scope, now, zone) = (&user.scope, portal.surroundings().now(), zone_of(&machine.zone));
    let stay = place_store::open_stay(tx, scope, machine.printer_id)?;
    let earliest = match &stay {
        // From the day after it came, and not within what is billed.
        Some(stay) => place_store::billed_until(tx, scope, stay.contract_id)?.max(Some(stay.from.plus(INTO_NEXT_DAY))),
        None => None,
    };
    let successors = place_store::successors(tx, scope, machine)?;
    let counters = page_store::counters(tx, scope, machine.customer_id, &[machine.printer_id])?;
    let stands = place_store::stands(tx, scope, machine.printer_id)?;
    let sites = place_store::sites(tx, scope, machine.customer_id)?;
    let contract = stay.as_ref().map_or_else(|| "no contract".to_owned(), |stay| format!("contract {}", stay.number));
    let cannot = match &stay {
        None => Some("It is in no contract, so that it fills no place. Put the new printer into a contract instead."),
        Some(_) if successors.is_empty() => {
            Some("This customer has no other printer that is free. A printer appears with its agent's first package.")
        }
        Some(_) => None,
    };
    let site_words = match stands.iter().find(|(_, from)| *from <= now) {
        Some((name, from)) => format!("It stands at {name} since {}.", format::day(*from, &zone)),
        None => "Nobody has said at which site it stands. Sites matter for taxes and zones of a contract.".to_owned(),
    };
    let moves = stands.iter().map(|(name, from)| (*from, "Moved", format!("to {name}")));
    let swaps = place_store::swaps(tx, scope, machine.printer_id)?;
    let swaps = swaps.into_iter().map(|swapped| (swapped.at, "Replaced", swapped.words));
    let mut past: Vec<(Instant, &'static str, String)> = moves.chain(swaps).collect();
    past.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    let row = |(at, what, detail): (Instant, &'static str, String)| {
        let at = format::day(at, &zone);
        PastRow { what, detail, at }
    };
    Ok(SwapPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/printers", "Replace or move"), done)?,
        href: format!("/printers/{}", machine.printer_id),
        name: machine.label.clone(),
        sub: format!("{} · {contract} · times in {}", machine.customer, machine.zone),
        cannot: cannot.map(str::to_owned),
        fields: fields(&successors, (format::iso_day(now, &zone), days_hint(earliest, &zone)), form, wrong),
        values: rows(&counters, machine.printer_id, form, wrong),
        site_words,
        site: super::site::fields(&sites, format::iso_day(now, &zone), form, wrong),
        past: past.into_iter().map(row).collect(),
    })
}

/// The days on which a swap can be, in words.
fn days_hint(earliest: Option<Instant>, zone: &format::Zone) -> String {
    earliest.map_or_else(String::new, |from| format!("From {} to today.", format::day(from, zone)))
}

/// `successor`, `at` with what stands in it and beside it, `note`.
fn fields(successors: &[(i64, String)], (today, days): (String, String), form: &FormData, wrong: &Wrong) -> Vec<Field> {
    let choices = successors.iter().map(|(id, label)| (id.to_string(), label.clone()));
    let choices = std::iter::once((String::new(), "Choose".to_owned())).chain(choices);
    let wrong = |name: &str| wrong.get(name).cloned();
    let day = if form.text("at").is_empty() { today } else { form.text("at").to_owned() };
    vec![
        Field::select("successor", "New printer", choices, form.text("successor")).required().wrong(wrong("successor")),
        Field::new("date", "at", "First day of the new one").value(day).required().hint(days).wrong(wrong("at")),
        Field::text("note", "Note")
            .value(form.text("note"))
            .hint("Why, and who read the counters.")
            .wrong(wrong("note")),
    ]
}

/// The counters of the old printer, each beside that of the new one.
fn rows(counters: &Counters, printer: i64, form: &FormData, wrong: &Wrong) -> Vec<SwapRow> {
    let row = |(index, meter): (usize, Meter)| {
        let number = index + 1;
        let unit = meter.unit();
        let known = counters.get(&(printer, meter.clone())).and_then(|known| known.last);
        let last = known.map(|last| format!("last {}", unit.show_exact(last.value)));
        let last = last.unwrap_or_else(|| "never read".to_owned());
        let field = |name: &str, label: &str| {
            let name = format!("{name}.{number}");
            Field::number(name.as_str(), format!("{}, {label}, {}", meter.label(), unit.label()))
                .value(form.text(&name))
                .wrong(wrong.get(&name).cloned())
        };
        SwapRow {
            number,
            meter: meter.to_string(),
            label: meter.label(),
            old: field("old", "last of the old").hint(last),
            new: field("new", "first of the new").hint("What it showed when it was set up, such as 3."),
        }
    };
    meters(counters, printer).into_iter().take(COUNTERS_MAX).enumerate().map(row).collect()
}

/// What was typed of the counters: meter, last of the old, first of the new, in base units.
fn typed(form: &FormData, wrong: &mut Wrong) -> Vec<(usize, Meter, Option<i64>, Option<i64>)> {
    let mut found = Vec::new();
    for number in 1..=COUNTERS_MAX {
        let Ok(meter) = Meter::parse(form.text(&format!("meter.{number}"))) else { continue };
        let mut value = |name: &str| {
            let field = format!("{name}.{number}");
            let text = form.text(&field).to_owned();
            if text.is_empty() {
                return None;
            }
            let read = meter.unit().parse(&text).filter(|value| *value >= 0);
            if read.is_none() {
                wrong.insert(field, format!("“{text}” is not a plain number of {}.", meter.unit().label()));
            }
            read
        };
        let (old, new) = (value("old"), value("new"));
        if old.is_some() || new.is_some() {
            found.push((number, meter, old, new));
        }
    }
    found
}

/// A swap that can be made.
struct Swap {
    stay: Stay,
    new: Machine,
    at: Instant,
    readings: Vec<HandReading>,
    decisions: Vec<(i64, Decision)>,
}

/// The instant from which the new printer fills the place; else why it cannot be then.
fn first_day(
    tx: &mut Tx<'_>,
    user: &ResellerUser,
    stay: &Stay,
    (day, zone): (&str, &str),
    now: Instant,
) -> Result<Result<Instant, String>, Error> {
    let Some(at) = start_of_day(day, zone).filter(|at| *at <= now) else {
        return Ok(Err("Say the day, such as 2026-10-16, not one to come.".to_owned()));
    };
    let shown = |at: Instant| format::day(at, &zone_of(zone));
    if at <= stay.from {
        let (number, day) = (&stay.number, shown(stay.from));
        return Ok(Err(format!("The old printer is in contract {number} since {day}; say a later day.")));
    }
    // What is billed stays with the old one; a note would have to settle it otherwise.
    hold_stays(tx, &user.scope)?;
    let billed = place_store::billed_until(tx, &user.scope, stay.contract_id)?.filter(|billed| at < *billed);
    Ok(match billed {
        Some(billed) => {
            let day = shown(billed);
            Err(format!("Statements bill the old printer until {day}; say that day or later."))
        }
        None => Ok(at),
    })
}

/// What a form says; else what is wrong with it.
fn read(
    tx: &mut Tx<'_>,
    user: &ResellerUser,
    old: &Machine,
    form: &FormData,
    now: Instant,
) -> Result<Result<Swap, Wrong>, Error> {
    let scope = &user.scope;
    let mut wrong = Wrong::new();
    let mut say = |field: &str, words: String| wrong.insert(field.to_owned(), words);
    let stay = place_store::open_stay(tx, scope, old.printer_id)?
        .ok_or_else(|| Error::Conflict("This printer is in no contract, so that it fills no place.".to_owned()))?;
    let zone = place_store::zone(tx, scope, stay.contract_id)?.unwrap_or_else(|| old.zone.clone());
    let new = match form.int("successor") {
        Some(new) => Some(page_store::one_machine(tx, scope, new)?.ok_or(Error::NotFound)?),
        None => None,
    };
    let new = new.filter(|new| new.customer_id == old.customer_id && new.printer_id != old.printer_id);
    if new.is_none() {
        say("successor", "Choose another printer of this customer.".to_owned());
    }
    let at = first_day(tx, user, &stay, (form.text("at"), &zone), now)?;
    let at = at.map_err(|words| say("at", words)).ok();
    if let Err(words) = note_fits(form.text("note")) {
        say("note", words);
    }
    let values = typed(form, &mut wrong);
    let counters = page_store::counters(tx, scope, old.customer_id, &[old.printer_id])?;
    let (Some(new), Some(at)) = (new, at) else { return Ok(Err(wrong)) };
    let mut said = store::last_values(tx, scope, &[old.printer_id, new.printer_id])?;
    let own = said.remove(&new.printer_id).unwrap_or_default();
    let of_old = said.remove(&old.printer_id).unwrap_or_default();
    let (mut readings, mut decisions) = (Vec::new(), Vec::new());
    for (number, meter, last, first) in values {
        let of_old = of_old.iter().find(|known| known.meter == meter && known.media.is_none());
        let odd = last.and_then(|value| odd_last(counters.get(&(old.printer_id, meter.clone()))?, of_old, value, at));
        // What the new one is said to have begun with is not billed, so that it must fit what it showed since.
        let known = own.iter().find(|known| known.meter == meter && known.media.is_none());
        let odd_first = first.zip(known).and_then(|(value, known)| beside::odd(known, value, at));
        let note = form.text("note");
        for (field, odd) in [("old", &odd), ("new", &odd_first)] {
            if let Some(odd) = odd.as_ref().filter(|_| note.is_empty()) {
                let words = format!("This is odd: {odd}. Look again, or say in the note why.");
                wrong.insert(format!("{field}.{number}"), words);
            }
        }
        let by_hand = |printer_id: i64, value: i64, odd: String| HandReading {
            printer_id,
            meter: meter.clone(),
            media: None,
            value,
            read_at: at,
            source: ReadingSource::Manual,
            note: note.to_owned(),
            odd,
        };
        readings.extend(last.map(|value| by_hand(old.printer_id, value, odd.unwrap_or_default())));
        readings.extend(first.map(|value| by_hand(new.printer_id, value, odd_first.unwrap_or_default())));
        decisions.extend(first.map(|value| (new.printer_id, begins_at(&meter, value, at, user, now))));
    }
    if wrong.is_empty() { Ok(Ok(Swap { stay, new, at, readings, decisions })) } else { Ok(Err(wrong)) }
}

/// What is odd about the old printer having shown `value` at `at`. It may have been read since, by its agent or by a
/// person: most swaps are entered after the day.
fn odd_last(known: &Known, said: Option<&LastValue>, value: i64, at: Instant) -> Option<String> {
    let last = known.last?;
    if last.read_at <= at {
        return plausible(&last, value, at, known.usual_daily).err();
    }
    if value > last.value {
        return Some("a later reading of it shows less; a counter only rises".to_owned());
    }
    said.and_then(|said| beside::odd(said, value, at))
}

/// The new printer's counter begins here: what it showed before belongs to no contract.
fn begins_at(meter: &Meter, value: i64, at: Instant, user: &ResellerUser, now: Instant) -> Decision {
    Decision {
        meter: meter.clone(),
        media: None,
        at,
        reason: SegmentReason::Swap,
        counts_from: Some(value),
        width: None,
        by: user.signed.name.clone(),
        decided_at: now,
    }
}

/// `POST /printers/{id}/swap`.
pub(super) async fn swap(
    State(portal): State<Portal>,
    Path(printer): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (printer, own) = (id(&printer)?, portal.clone());
    let work = move |tx: &mut Tx<'_>| -> Result<Result<i64, Box<SwapPage>>, Error> {
        let old = page_store::one_machine(tx, &user.scope, printer)?.ok_or(Error::NotFound)?;
        match read(tx, &user, &old, &form, own.surroundings().now())? {
            Ok(swap) => Ok(Ok(keep(tx, &own, &user, &old, swap, form.text("note"))?)),
            Err(wrong) => Ok(Err(Box::new(page(tx, &own, &user, &old, (&form, &wrong), None)?))),
        }
    };
    match portal.db().write(work).await? {
        Ok(new) => Ok(see_other(&format!("/printers/{new}?done=swapped"))),
        Err(page) => Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&*page)?).into_response()),
    }
}

/// Keeps a swap, all of it; gives the new printer's id.
fn keep(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    old: &Machine,
    swap: Swap,
    note: &str,
) -> Result<i64, Error> {
    let (scope, by, surroundings) = (&user.scope, user.signed.person_id, portal.surroundings());
    let (new, now) = (swap.new.printer_id, surroundings.now());
    if let Some(number) = place_store::hold(tx, scope, new, swap.at)? {
        let words = format!("The new printer is in contract {number} on that day or later. Take it out there first.");
        return Err(Error::Conflict(words));
    }
    let kept = NewSwap {
        swap_id: crate::new_id(surroundings),
        stay: &swap.stay,
        old: old.printer_id,
        new,
        at: swap.at,
        note,
        by,
        now,
    };
    if !place_store::swap(tx, scope, &kept).map_err(at_once)? {
        let words = "The old printer is not in its contract any more. Reload and look again.";
        return Err(Error::Conflict(words.to_owned()));
    }
    let readings: Vec<(HandReading, i64)> =
        swap.readings.into_iter().map(|reading| (reading, crate::new_id(surroundings))).collect();
    let decisions: Vec<(i64, Decision, i64)> = swap
        .decisions
        .into_iter()
        .map(|(printer, decision)| (printer, decision, crate::new_id(surroundings)))
        .collect();
    let entered = store::enter(tx, scope, &readings, by, now).map_err(at_once)?;
    let decided = store::decide_all(tx, scope, &decisions, None, note, Some(by), now).map_err(at_once)?;
    // What is billed has to be read.
    let takes_part = change::participate(tx, scope, new, true, Some(by), Stamp::of(surroundings))?;
    if !(entered && decided && takes_part) {
        return Err(Error::NotFound);
    }
    tracing::info!(printer.id = old.printer_id, successor.id = new, "a printer took another one's place");
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_of_the_counters_is_read_in_their_units() {
        let form = FormData::parse(
            b"meter.1=area-media&old.1=18342.5&new.1=3&meter.2=pages&old.2=&new.2=&meter.3=pages&old.3=x&new.3=1",
        );
        let mut wrong = Wrong::new();
        let found = typed(&form, &mut wrong);
        let shown: Vec<(usize, Option<i64>, Option<i64>)> =
            found.iter().map(|(number, _, old, new)| (*number, *old, *new)).collect();
        assert_eq!(shown, [(1, Some(18_342_500_000), Some(3_000_000)), (3, None, Some(1))]);
        assert_eq!(wrong.into_keys().collect::<Vec<_>>(), ["old.3"]);
    }
}
