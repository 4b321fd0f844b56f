//! What two interfaces of one printer say of one thing, compared: a contradiction is a defect.
//!
//! Deliberately absent: any change of a value, and rows that differ in words only, such as a status.

use super::Voice;
use super::items::{Item, places};
use report::{Cartridge, Defect, Report, RowId, Share, Unit, Value};
use std::fmt;

/// Totals of ink may differ by this much besides one in a hundred: 1 ml.
const INK_MARGIN_NL: u64 = 1_000_000;
/// Counts of pages may differ by this much besides one in a hundred: a page that is being printed.
const PAGES_MARGIN: u64 = 1;
/// Cartridge levels may differ by this much: interfaces round them to steps of up to 5 %.
const LEVEL_MARGIN_PPM: u64 = 50_000;

/// Compares the first interface that says a thing with every other that does.
pub(super) fn compare(voices: &[Voice], defects: &mut Vec<Defect>) {
    let number = |report: &Report| report.configuration.product_number.clone();
    check(voices, RowId::C1, number, |a, b| same_number(a, b), defects);
    let name = |report: &Report| report.configuration.product_name.clone();
    check(voices, RowId::C2, name, |a, b| same_name(a, b), defects);
    let firmware = |report: &Report| report.configuration.firmware_version.clone();
    check(voices, RowId::C4, firmware, |a, b| one_holds_other(&plain(a), &plain(b)), defects);
    check(voices, RowId::U15, |report| report.usage.pages, |a, b| are_near(*a, *b, PAGES_MARGIN), defects);
    let ink = |report: &Report| report.usage.ink.map(|ink| ink.0);
    check(voices, RowId::U16, ink, |a, b| are_near(*a, *b, INK_MARGIN_NL), defects);
    compare_levels(voices, defects);
}

fn check<T: fmt::Display>(
    voices: &[Voice],
    row: RowId,
    pick: fn(&Report) -> Option<T>,
    agree: fn(&T, &T) -> bool,
    defects: &mut Vec<Defect>,
) {
    let said = voices.iter().filter_map(|voice| Some((voice.name(), pick(&voice.heard.report)?)));
    let said: Vec<(&str, T)> = said.collect();
    let Some(((first, ours), others)) = said.split_first() else { return };
    let unit = if row.row().unit == Unit::Ink { " nl" } else { "" };
    let show = |value: &T| format!("{}{unit}", Defect::quote(&value.to_string()));
    for (name, theirs) in others.iter().filter(|(_, theirs)| !agree(ours, theirs)) {
        let what = format!("{first} says {}, {name} says {}", show(ours), show(theirs));
        defects.push(Defect::at(row, what));
    }
}

/// Within one in a hundred of the greater, and a margin.
fn are_near(a: i64, b: i64, margin: u64) -> bool {
    let allowed = (a.unsigned_abs().max(b.unsigned_abs()) / 100).saturating_add(margin);
    a.abs_diff(b) <= allowed
}

/// Letters and digits in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn one_holds_other(a: &str, b: &str) -> bool {
    a.contains(b) || b.contains(a)
}

/// Product numbers are the same up to the option: `W3Z72A` and `W3Z72A#A2L`.
fn same_number(a: &str, b: &str) -> bool {
    let number = |text: &str| plain(text.split('#').next().unwrap_or_default());
    number(a) == number(b)
}

/// Interfaces add words to a name; the series, the first word with a digit, is in all of them.
fn same_name(a: &str, b: &str) -> bool {
    let series = |text: &str| {
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        words.find(|word| word.contains(|c: char| c.is_ascii_digit())).map(plain)
    };
    match (series(a), series(b)) {
        (Some(ours), Some(theirs)) => one_holds_other(&ours, &theirs),
        _ => one_holds_other(&plain(a), &plain(b)),
    }
}

/// What is left in the cartridges, where both interfaces know it.
fn compare_levels(voices: &[Voice], defects: &mut Vec<Defect>) {
    let mut said = voices.iter().filter(|voice| !voice.heard.report.status.cartridges.is_empty());
    let Some(first) = said.next() else { return };
    let ours = &first.heard.report.status.cartridges;
    let keys: Vec<_> = ours.iter().map(Item::key).collect();
    for voice in said {
        let theirs = &voice.heard.report.status.cartridges;
        let places = places(&keys, &theirs.iter().map(Item::key).collect::<Vec<_>>());
        for (cartridge, place) in theirs.iter().zip(places) {
            let Some(other) = place.and_then(|place| ours.get(place)) else { continue };
            if let Some((left, right)) = differing_levels(other, cartridge) {
                let (slot, first, name) = (Defect::quote(&other.slot), first.name(), voice.name());
                let what = format!("cartridge {slot}: {first} says {left} is left, {name} says {right}");
                defects.push(Defect::at(RowId::S17, what));
            }
        }
    }
}

fn differing_levels(ours: &Cartridge, theirs: &Cartridge) -> Option<(String, String)> {
    let (ours, theirs) = (ours.share_left()?, theirs.share_left()?);
    let show = |share: Share| {
        let (number, unit) = Value::Share(share).show();
        format!("{number} {unit}")
    };
    (ours.0.abs_diff(theirs.0) > LEVEL_MARGIN_PPM).then(|| (show(ours), show(theirs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_may_differ_by_one_in_a_hundred_and_a_margin() {
        assert!(are_near(100_000_000, 102_000_000, INK_MARGIN_NL));
        assert!(!are_near(100_000_000, 103_000_000, INK_MARGIN_NL));
        assert!(are_near(0, 1, PAGES_MARGIN) && !are_near(0, 2, PAGES_MARGIN));
        assert!(!are_near(i64::MIN, i64::MAX, INK_MARGIN_NL));
    }

    #[test]
    fn names_that_differ_in_words_only_are_the_same() {
        for (a, b) in [
            ("HP DesignJet Z9 24in", "HP DesignJet Z9 24-in PostScript Printer"),
            ("HP DesignJet T920ps", "HP Designjet T920 PostScript ePrinter"),
            ("Plotter", "HP plotter series"),
        ] {
            assert!(same_name(a, b), "{a} {b}");
        }
        assert!(!same_name("HP DesignJet T920", "HP DesignJet T930"));
        assert!(same_number("W3Z72A", "w3z72a#A2L") && !same_number("W3Z72A", "W3Z71A"));
    }
}
