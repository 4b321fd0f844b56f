//! The words and numbers of Printer-MIB (RFC 3805) and its enumerations (IANA-PRINTER-MIB), which IPP uses as
//! well, and what both interfaces read alike from texts: product numbers, serial numbers, states.
//!
//! Deliberately absent: where an object stands, which the modules that read tables say.

use crate::limits::AMOUNT_MAX;
use crate::node::{Node, joined};
use report::{Length, divide_half_even};
use serde_json::Value;

/// An enumeration: number and label.
pub(crate) type Labels = &'static [(i64, &'static str)];

/// Whether a supply is used up or filled: prtMarkerSuppliesClass.
#[rustfmt::skip]
pub(crate) const CLASSES: Labels = &[(1, "other"), (3, "supplyThatIsConsumed"), (RECEPTACLE, "receptacleThatIsFilled")];
/// A supply that is filled, such as a waste tank.
pub(crate) const RECEPTACLE: i64 = 4;

/// What a supply is: prtMarkerSuppliesType.
#[rustfmt::skip]
pub(crate) const KINDS: Labels = &[
    (1, "other"), (2, "unknown"), (3, "toner"), (4, "wasteToner"), (5, "ink"), (6, "inkCartridge"),
    (7, "inkRibbon"), (8, "wasteInk"), (9, "opc"), (10, "developer"), (11, "fuserOil"), (12, "solidWax"),
    (13, "ribbonWax"), (14, "wasteWax"), (15, "fuser"), (16, "coronaWire"), (17, "fuserOilWick"),
    (18, "cleanerUnit"), (19, "fuserCleaningPad"), (20, "transferUnit"), (21, "tonerCartridge"),
    (22, "fuserOiler"), (23, "water"), (24, "wasteWater"), (25, "glueWaterAdditive"), (26, "wastePaper"),
    (27, "bindingSupply"), (28, "bandingSupply"), (29, "stitchingWire"), (30, "shrinkWrap"), (31, "paperWrap"),
    (32, "staples"), (33, "inserts"), (34, "covers"),
];
/// The supplies that colour: toner, ink, inkCartridge, inkRibbon, solidWax, tonerCartridge.
pub(crate) const COLOURING: &[i64] = &[3, 5, 6, 7, 12, 21];

/// What an amount counts: PrtCapacityUnitTC, PrtMarkerSuppliesSupplyUnitTC and PrtMediaUnitTC.
#[rustfmt::skip]
pub(crate) const UNITS: Labels = &[
    (INCHES, "tenThousandthsOfInches"), (MICROMETRES, "micrometers"), (7, "impressions"), (8, "sheets"),
    (11, "hours"), (12, "thousandthsOfOunces"), (13, "tenthsOfGrams"), (14, "hundrethsOfFluidOunces"),
    (MILLILITRES, "tenthsOfMilliliters"), (16, "feet"), (17, "meters"), (18, "items"), (19, "percent"),
];
/// Ten-thousandths of inches.
pub(crate) const INCHES: i64 = 3;
/// Micrometres.
pub(crate) const MICROMETRES: i64 = 4;
/// Tenths of millilitres.
pub(crate) const MILLILITRES: i64 = 15;
/// The counters that count pages: impressions and sheets, which a printer of one side has as many of.
pub(crate) const PAGES: &[i64] = &[7, 8];

/// The colours of cartridges whose printer names the colours wrongly. HP 761 (T7100, T7200).
const COLOUR_OF_PRODUCT: &[(&str, &str)] = &[
    ("CM991A", "matte-black"),
    ("CM992A", "yellow"),
    ("CM993A", "magenta"),
    ("CM994A", "cyan"),
    ("CM995A", "gray"),
    ("CM996A", "dark-gray"),
    ("CM997A", "matte-black"),
];

/// Alert descriptions that only say what the printer is doing. Firmware is known that keeps them in its
/// table of alerts as a log.
const STATES: &[&str] = &[
    "none",
    "ready",
    "processing",
    "inpowersave",
    "canceljob",
    "scanprocessing",
    "inksystemready",
    "memorycardinserted",
    "sleeping",
];

/// The text as a row shows it: bounded, without control characters; absent where it says "not known".
pub(crate) fn plain(text: &str) -> Option<String> {
    Node::of(&Value::String(text.to_owned())).text()
}

/// The text as a person wrote it: only an empty one is absent.
pub(crate) fn words(text: &str) -> Option<String> {
    Node::of(&Value::String(text.to_owned())).words()
}

/// Bytes as text, and whether they were UTF-8; else they are read as Latin-1, in which every byte is a letter.
pub(crate) fn decode(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), true),
        Err(_) => (bytes.iter().copied().map(char::from).collect(), false),
    }
}

/// A serial number: trimmed and upper case, since one printer is known by it on every interface.
pub(crate) fn serial(text: &str) -> Option<String> {
    plain(text).map(|serial| serial.to_uppercase())
}

/// The number of a label, or of a number written in its place. Hyphens do not count: `ink-cartridge`.
pub(crate) fn number_of(labels: Labels, word: &str) -> Option<i64> {
    let word: String = word.trim().chars().filter(|c| *c != '_').collect();
    if let Ok(number) = word.parse() {
        return Some(number);
    }
    let word = word.replace('-', "");
    labels.iter().find(|(_, label)| label.eq_ignore_ascii_case(&word)).map(|(number, _)| *number)
}

/// The label of a number.
pub(crate) fn label_of(labels: Labels, number: i64) -> Option<&'static str> {
    labels.iter().find(|(of, _)| *of == number).map(|(_, label)| *label)
}

/// A length in one of the two units that media have; absent when it is none or stands for "not known".
pub(crate) fn length(unit: Option<i64>, number: i64) -> Option<Length> {
    let micrometres = match unit? {
        // An inch has 25 400 µm.
        INCHES => i64::try_from(divide_half_even(i128::from(number) * 254, 100)).ok()?,
        MICROMETRES => number,
        _ => return None,
    };
    (0 < micrometres && micrometres <= AMOUNT_MAX).then_some(Length(micrometres))
}

/// The first word of a text that has the form of an HP product number: `CM992A`, `B3P19A`, `51645A`.
pub(crate) fn product_number(text: &str) -> Option<String> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.find(|word| is_product_number(word)).map(str::to_owned)
}

fn is_product_number(word: &str) -> bool {
    let [first @ .., tens, ones, last] = word.as_bytes() else { return false };
    first.len() == 3
        && first.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && tens.is_ascii_digit()
        && ones.is_ascii_digit()
        && last.is_ascii_uppercase()
}

/// The colour of a cartridge that is known by its product number.
pub(crate) fn colour_of_product(number: &str) -> Option<&'static str> {
    COLOUR_OF_PRODUCT.iter().find(|(product, _)| *product == number).map(|(_, colour)| *colour)
}

/// Whether the description of an alert only says what the printer is doing, or is a bare number.
pub(crate) fn is_state(description: &str) -> bool {
    let letters: String = description.chars().filter(char::is_ascii_alphabetic).collect();
    letters.is_empty() || STATES.contains(&letters.to_ascii_lowercase().as_str())
}

/// Row S20: whether media is there, and what PrtSubUnitStatusTC says: `loaded, standby`.
///
/// A level of -3 is "some", other negative ones are not known. Status 5 is not known.
pub(crate) fn source_status(level: Option<i64>, status: Option<i64>) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    match level {
        Some(0) => words.push("empty".to_owned()),
        Some(-3 | 1..) => words.push("loaded".to_owned()),
        _ => {}
    }
    if let Some(status @ 0..=127) = status {
        let available = match status % 8 {
            0 => "idle",
            1 => "on request",
            2 => "standby",
            3 => "broken",
            4 => "active",
            6 => "busy",
            _ => "",
        };
        let flags = [(8, "warning"), (16, "critical"), (32, "offline"), (64, "changing")];
        let flags = flags.into_iter().filter(|(bit, _)| status & bit != 0).map(|(_, word)| word);
        words.extend([available].into_iter().chain(flags).filter(|word| !word.is_empty()).map(str::to_owned));
    }
    joined(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_number_is_found_by_its_form() {
        for (text, number) in [
            ("VIRTUAL HP 761 ( CM992A ) PART 1 of 2 (REAL CARTRIDGE 1)", Some("CM992A")),
            ("Cyan Cartridge HP CF411X", Some("CF411X")),
            ("B3P19A", Some("B3P19A")),
            ("HP 45 51645A", Some("51645A")),
            ("black ink cartridge HP unknown", None),
            ("600DPI", None),
            ("cm992a", None),
            ("Black Toner_S/N_:CRUM-230512A4EFE", None),
            ("Hewlett-Packard Color LaserJet MFP M477fdw", None),
            ("", None),
        ] {
            assert_eq!(product_number(text).as_deref(), number, "{text}");
        }
    }

    #[test]
    fn labels_are_found_as_words_keywords_and_numbers() {
        assert_eq!(number_of(KINDS, "inkCartridge"), Some(6));
        assert_eq!(number_of(KINDS, "ink-cartridge"), Some(6));
        assert_eq!(number_of(UNITS, " 15 "), Some(15));
        assert_eq!(number_of(UNITS, "-2"), Some(-2));
        assert_eq!(number_of(UNITS, "acres"), None);
        assert_eq!(label_of(UNITS, 19), Some("percent"));
    }

    #[test]
    fn lengths_are_micrometres() {
        assert_eq!(length(Some(INCHES), 85_000), Some(Length(215_900)));
        assert_eq!(length(Some(MICROMETRES), 914_400), Some(Length(914_400)));
        for (unit, number) in [(Some(INCHES), -2), (Some(MICROMETRES), 0), (Some(8), 5), (None, 5)] {
            assert_eq!(length(unit, number), None);
        }
        assert_eq!(length(Some(INCHES), i64::MAX), None);
    }

    #[test]
    fn the_status_of_a_source_is_put_in_words() {
        for (level, status, words) in [
            (Some(-2), Some(0), Some("idle")),
            (Some(0), Some(8), Some("empty, idle, warning")),
            (Some(-3), Some(0), Some("loaded, idle")),
            (Some(5), Some(19), Some("loaded, broken, critical")),
            (None, Some(5), None),
            (None, Some(-1), None),
            (None, None, None),
        ] {
            assert_eq!(source_status(level, status).as_deref(), words, "{level:?} {status:?}");
        }
    }

    #[test]
    fn serial_numbers_are_written_alike() {
        assert_eq!(serial(" cn00test01 \0").as_deref(), Some("CN00TEST01"));
        assert_eq!(serial("unknown"), None);
    }

    #[test]
    fn what_a_printer_does_is_no_alert() {
        for text in ["ready", "Sleeping...  ", "inPowerSave", "65561", "none", ""] {
            assert!(is_state(text), "{text}");
        }
        assert!(!is_state("nonHPSupplyDetected"));
        assert!(!is_state("Cartridge expired"));
    }
}
