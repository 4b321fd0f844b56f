//! Readings: what people know of counters and printers do not say, and what waits for somebody to settle it.
//!
//! Why a counter fell, readings by hand, units of numbers without one, swaps and moves. Deliberately absent:
//! any change to what a printer said: what people say stands beside it, with their name, and can be withdrawn.

mod beside;
pub(crate) mod enter;
mod follow;
mod fragments;
mod import;
pub(crate) mod page;
mod page_store;
mod parallel;
mod place_store;
mod printer;
mod queue;
mod settle;
mod site;
pub(crate) mod store;
mod swap;
mod units;

pub(crate) use fragments::{begins, decided, ends, last_before, waits};
pub(crate) use printer::{hands_of, happened, own_hands_of, unitless_of};
pub(crate) use queue::waiting;

use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::format::Zone;
use crate::shell::{Error, Posted, ResellerUser, see_other};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use billing::{Meter, PricingUnit};
use report::Instant;

/// Characters of a note or a reason.
const NOTE_MAX: usize = 400;
/// Characters of a media type, a serial number and the like.
const TEXT_MAX: usize = 256;

/// The pages about readings, and those that say where a printer stands and what it replaces.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/readings", get(settle::show).post(settle::decide))
        .route("/readings/enter", get(enter::show).post(enter::save))
        .route("/readings/units", get(units::show).post(units::declare))
        .route("/readings/units/{id}/withdraw", post(units::withdraw))
        .route("/readings/import", get(import::show).post(import::send))
        .route("/readings/{id}/withdraw", post(withdraw))
        .route("/printers/{id}/swap", get(swap::show).post(swap::swap))
        .route("/printers/{id}/site", post(site::moved))
}

/// `POST …/withdraw`: a reading that a person entered does not count any more.
async fn withdraw(
    State(portal): State<Portal>,
    Path(reading): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let reading_id = crate::shell::address::id(&reading)?;
    let now = portal.surroundings().now();
    let write = move |tx: &mut Tx<'_>| -> Result<i64, Error> {
        let hand = page_store::one_hand(tx, &user.scope, reading_id)?.ok_or(Error::NotFound)?;
        if hand.is_withdrawn {
            return Err(Error::Conflict("This reading was withdrawn already.".to_owned()));
        }
        if store::withdraw_reading(tx, &user.scope, reading_id, user.signed.person_id, now)? {
            Ok(hand.machine.printer_id)
        } else {
            Err(Error::NotFound)
        }
    };
    let printer = portal.db().write(write).await?;
    tracing::info!(reading.id = reading_id, "withdrew a reading that a person entered");
    Ok(see_other(&match form.text("back") {
        "printer" => format!("/printers/{printer}?tab=readings&done=taken-back"),
        _ => "/readings?done=taken-back".to_owned(),
    }))
}

/// A counter's words, with its media type where it is split by media.
fn counter_label(meter: &str, media: &str) -> String {
    let name = Meter::parse(meter).map_or_else(|_| meter.to_owned(), |meter| meter.label());
    if media.is_empty() { name } else { format!("{name}, on {media}") }
}

/// A counter's value with its unit and every decimal there is; a plain number where the meter is not known.
fn counter_value(meter: &str, value: i64) -> String {
    unit_of(meter).map_or_else(|| value.to_string(), |unit| unit.show_exact(value))
}

/// The unit in which values of a meter are shown and typed.
fn unit_of(meter: &str) -> Option<PricingUnit> {
    Meter::parse(meter).ok().map(|meter| meter.unit())
}

/// The zone of that name, else UTC.
fn zone_of(name: &str) -> Zone {
    Zone::new(name).unwrap_or_else(Zone::utc)
}

/// The time that a day and an hour of the clock name in a zone. Without a day it is now; without an hour it is
/// now for today and noon for any other day. What has not been yet is refused.
fn moment(day: &str, hour: &str, zone: &Zone, now: Instant) -> Result<Instant, &'static str> {
    const NO_DAY: &str = "Say the day, such as 2026-10-31.";
    const NO_HOUR: &str = "Say the hour and minute, such as 17:30, or leave it empty.";
    let today = crate::shell::format::iso_day(now, zone);
    if hour.is_empty() && (day.is_empty() || day == today) {
        return Ok(Instant(now.0 - now.0.rem_euclid(60_000)));
    }
    let day = if day.is_empty() { today.as_str() } else { day };
    let date: jiff::civil::Date = day.parse().map_err(|_| NO_DAY)?;
    if !(2000..=2100).contains(&date.year()) {
        return Err(NO_DAY);
    }
    let (hours, minutes) = if hour.is_empty() { ("12", "00") } else { hour.split_once(':').ok_or(NO_HOUR)? };
    let (hours, minutes) = (hours.parse::<i8>().map_err(|_| NO_HOUR)?, minutes.parse::<i8>().map_err(|_| NO_HOUR)?);
    let time = jiff::civil::Time::new(hours, minutes, 0, 0).map_err(|_| NO_HOUR)?;
    let at = date.to_datetime(time).to_zoned(zone.time_zone().clone()).map_err(|_| NO_DAY)?;
    let at = Instant(at.timestamp().as_millisecond());
    if at > now { Err("That is still to come; a reading is of a time that has passed.") } else { Ok(at) }
}

/// Whether a note is short enough to be kept.
fn note_fits(note: &str) -> Result<(), String> {
    if note.chars().nth(NOTE_MAX).is_some() {
        return Err(format!("That is longer than {NOTE_MAX} characters."));
    }
    Ok(())
}

/// Of two acts at once the second is told so.
fn at_once(error: DbError) -> Error {
    if error.is_conflict() {
        Error::Conflict("Somebody did this at the same moment. Go back, reload and look again.".to_owned())
    } else {
        Error::from(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_its_zone_and_never_to_come() {
        let zone = Zone::new("Europe/Berlin").expect("a bundled zone");
        let at = |text: &str| Instant::parse(text).expect("a timestamp");
        let now = at("2026-11-22T12:00:30Z");
        let cases = [
            ("", "", Some("2026-11-22T12:00:00Z")),
            ("2026-11-22", "", Some("2026-11-22T12:00:00Z")),
            ("2026-11-22", "08:15", Some("2026-11-22T07:15:00Z")),
            ("2026-10-31", "", Some("2026-10-31T11:00:00Z")),
            ("2026-10-01", "0:00", Some("2026-09-30T22:00:00Z")),
            ("2026-11-23", "", None),
            ("2026-11-22", "14:00", None),
            ("2026-10-31", "25:00", None),
            ("2026-10-31", "noon", None),
            ("31.10.2026", "", None),
            ("1826-10-31", "", None),
        ];
        for (day, hour, expected) in cases {
            assert_eq!(moment(day, hour, &zone, now).ok(), expected.map(at), "{day} {hour}");
        }
    }

    #[test]
    fn a_counter_is_named_with_its_unit_and_an_unknown_one_stays_a_number() {
        assert_eq!(counter_label("area-media", "Bond"), "Media used, on Bond");
        assert_eq!(counter_value("area-media", 18_531_400_000), "18531.40 m²");
        assert_eq!(counter_value("volume/of-sound", 7), "7");
    }
}
