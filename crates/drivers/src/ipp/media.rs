//! printer-input-tray and media-col-ready: media sources (rows S20 to S22).
//!
//! Dimensions are taken from media-col-ready, whose unit is fixed, rather than from the tray, whose unit real
//! printers leave out or name wrongly. Deliberately absent: what remains of a roll, which IPP does not say.

use super::message::{self, Attributes};
use super::supplies::fields;
use crate::limits::LIST_MAX;
use crate::node::{Names, Notes};
use crate::snmp::mib;
use report::{Decimal, Defect, Length, MediaSource, Report, RowId};
use std::collections::{BTreeMap, BTreeSet};

/// The source that only means "whichever fits".
const AUTO: &str = "auto";
/// The type of what is no tray.
const OTHER: &str = "other";
/// x-dimension and y-dimension count hundredths of a millimetre. PWG 5100.7.
const HUNDREDTH: i64 = 10;

/// Media that is loaded, as media-col-ready or media-ready tells it.
#[derive(Default)]
struct Ready {
    source: Option<String>,
    /// The letters of its source.
    letters: Option<String>,
    media: Option<String>,
    width: Option<Length>,
    height: Option<Length>,
}

/// Reads every source: the trays, then what is loaded in none of them.
pub(crate) fn read(printer: &Attributes, report: &mut Report, notes: &mut Notes) {
    let mut ready = ready(printer);
    let trays: Vec<BTreeMap<String, String>> =
        message::texts(printer, "printer-input-tray").iter().take(LIST_MAX).map(|tray| fields(tray)).collect();
    let named: BTreeSet<&String> =
        trays.iter().filter(|tray| !is(tray, "type", OTHER)).filter_map(|tray| tray.get("name")).collect();
    let trays: Vec<&BTreeMap<String, String>> = trays.iter().filter(|tray| !is_rule(tray, &named)).collect();
    if ready.is_empty() && trays.len() == 1 {
        ready.extend(of_media_ready(printer));
    }
    // One tray and one loaded media are of each other, however they are called.
    let alone = trays.len() == 1 && ready.len() == 1;
    let mut names = Names::default();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let sources = &mut report.status.media_sources;
    for (index, tray) in trays.into_iter().enumerate() {
        let name = tray.get("name").and_then(|name| mib::plain(name)).unwrap_or_else(|| format!("tray {}", index + 1));
        let letters = letters(&name);
        let place = ready.iter().position(|ready| alone || ready.letters.as_ref() == Some(&letters));
        let loaded = place.map(|place| ready.remove(place));
        known.insert(letters);
        sources.push(source(names.distinct(name), tray, loaded, notes));
    }
    for loaded in ready {
        let name = loaded.source.unwrap_or_else(|| "media".to_owned());
        if name.eq_ignore_ascii_case(AUTO) || sources.len() >= LIST_MAX || !known.insert(letters(&name)) {
            continue;
        }
        let (name, status) = (names.distinct(name), mib::source_status(Some(1), None));
        sources.push(MediaSource { name, status, media: loaded.media, width: loaded.width, height: loaded.height });
    }
}

fn is(tray: &BTreeMap<String, String>, key: &str, word: &str) -> bool {
    tray.get(key).is_some_and(|value| value.eq_ignore_ascii_case(word))
}

/// Whether an entry is no tray but the choice of one: it is called so, or it has the name of a tray.
fn is_rule(tray: &BTreeMap<String, String>, named: &BTreeSet<&String>) -> bool {
    let has_name_of_another = || tray.get("name").is_some_and(|name| named.contains(name));
    is(tray, "name", AUTO) || (is(tray, "type", OTHER) && has_name_of_another())
}

/// The letters and digits of a name, by which the names of one source are compared.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn source(name: String, tray: &BTreeMap<String, String>, loaded: Option<Ready>, notes: &mut Notes) -> MediaSource {
    let number = |key: &str| tray.get(key).and_then(|value| value.parse::<i64>().ok());
    let level = match number("level") {
        None | Some(-2 | -1) if loaded.is_some() => Some(1),
        level => level,
    };
    let loaded = loaded.unwrap_or_default();
    let is_told = loaded.width.is_some() || loaded.height.is_some();
    let mut side = |key: &str| if is_told { None } else { side(&name, tray, key, notes) };
    let (width, height) = (side("mediaxfeed"), side("mediafeed"));
    let text = |key: &str| tray.get(key).and_then(|value| mib::plain(value));
    MediaSource {
        status: mib::source_status(level, number("status")),
        media: loaded.media.or_else(|| text("mediatype")),
        width: loaded.width.or(width),
        height: loaded.height.or(height),
        name,
    }
}

/// A dimension as the tray gives it.
fn side(name: &str, tray: &BTreeMap<String, String>, key: &str, notes: &mut Notes) -> Option<Length> {
    let number: i64 = tray.get(key)?.parse().ok()?;
    let unit = tray.get("dimunit").and_then(|unit| mib::number_of(mib::UNITS, unit));
    let length = mib::length(unit, number);
    if length.is_none() && number > 0 {
        let unit = tray.get("dimunit").map_or("without a unit".to_owned(), |unit| Defect::quote(unit));
        notes.at(RowId::S22, &format!("printer-input-tray '{}': {key} {number} {unit}", Defect::quote(name)));
    }
    length
}

/// What is loaded; of one source the first entry, since margins make entries of their own.
fn ready(printer: &Attributes) -> Vec<Ready> {
    let mut found: Vec<Ready> = Vec::new();
    for members in message::collections(printer, "media-col-ready").into_iter().take(LIST_MAX) {
        let source = message::text(members, "media-source");
        if found.iter().any(|known| known.source == source) {
            continue;
        }
        let size = message::collections(members, "media-size");
        let side = |name: &str| size.first().and_then(|size| hundredths(message::number(size, name)?));
        found.push(Ready {
            letters: source.as_deref().map(letters),
            source,
            media: message::text(members, "media-type"),
            width: side("x-dimension"),
            height: side("y-dimension"),
        });
    }
    found
}

/// A dimension; 0 stands for the length of a roll.
fn hundredths(number: i64) -> Option<Length> {
    if number > 0 { number.checked_mul(HUNDREDTH).map(Length) } else { None }
}

/// What media-ready names, where it names one size: `roll_current_914.4x0mm`. PWG 5101.1.
fn of_media_ready(printer: &Attributes) -> Option<Ready> {
    let names = message::texts(printer, "media-ready");
    let name = names.first().filter(|first| names.iter().all(|name| name == *first))?;
    let size = name.rsplit('_').next()?;
    let (numbers, unit) = match size.strip_suffix("mm") {
        Some(numbers) => (numbers, "mm"),
        None => (size.strip_suffix("in")?, "in"),
    };
    let (width, height) = numbers.split_once('x')?;
    let side = |number: &str| Length::from_unit(Decimal::parse(number)?, unit).filter(|length| length.0 > 0);
    Some(Ready { width: side(width), height: side(height), ..Ready::default() })
}
