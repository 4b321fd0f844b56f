//! Which interface of a printer gave its lifetime counters, and which of them count as one series.
//!
//! The portal's ledger and the verifier ask the same functions, so that both follow the same readings. A
//! counter is the series of one interface; what another one gives under the same name may be another count.
//! Deliberately absent: what a counter counts (see `facts`), and when a series changes its interface.

use crate::facts::plain;
use billing::{Meter, MeterKind};
use report::{Duration, RowId, Section, Source, Sources};
use std::collections::BTreeMap;

/// How long the interface of a series is silent before another one takes it over.
pub const SILENCE: Duration = Duration::hours(7 * 24);
/// The word of a printer's own agent, which stands inside it and names no interface.
const FIRMWARE: &str = "firmware";
/// Characters of the word of an interface.
const WORD_MAX: usize = 32;
/// The rows of lifetime counters, in the order of their bits.
const ROWS: [RowId; 9] =
    [RowId::U2, RowId::U7, RowId::U8, RowId::U12, RowId::U13, RowId::U14, RowId::U15, RowId::U16, RowId::U17];

/// By which interface a printer gave its lifetime counters in a reading, by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interfaces(BTreeMap<RowId, String>);

impl Interfaces {
    /// What the section `json` says of where rows came from; `None` where it is of another form.
    pub fn read(json: &str) -> Option<Interfaces> {
        let sources: Sources = serde_json::from_str(json).ok()?;
        let word = |source: &Source| {
            let word = source.from.split_whitespace().next().filter(|word| plain(word))?;
            (word.chars().count() <= WORD_MAX).then(|| word.to_owned())
        };
        let counted = sources.iter().filter(|(row, _)| row.row().section == Section::Usage);
        Some(Interfaces(counted.filter_map(|(row, source)| Some((*row, word(source)?))).collect()))
    }

    /// The interface that gave a counter, where the reading says it.
    pub fn of(&self, meter: &Meter, media: Option<&str>) -> Option<&str> {
        self.0.get(&row_of(meter, media)?).map(String::as_str)
    }
}

/// The row that a lifetime counter stands in.
fn row_of(meter: &Meter, media: Option<&str>) -> Option<RowId> {
    Some(match (meter.kind(), meter.part(), media) {
        (MeterKind::AreaMedia, _, Some(_)) => RowId::U7,
        (MeterKind::AreaMedia, Some(_), None) => RowId::U12,
        (MeterKind::AreaMedia, None, None) => RowId::U17,
        (MeterKind::Length, ..) => RowId::U13,
        (MeterKind::Ink, Some(_), _) => RowId::U2,
        (MeterKind::Ink, None, _) => RowId::U16,
        (MeterKind::ScanArea, ..) => RowId::U8,
        (MeterKind::Jobs, ..) => RowId::U14,
        (MeterKind::Pages, ..) => RowId::U15,
        (MeterKind::AreaPrinted, ..) => return None,
    })
}

/// The bit of the row that a lifetime counter stands in: from 2 on, 0 for a counter of no row.
pub fn row_bit(meter: &Meter, media: Option<&str>) -> i64 {
    let row = row_of(meter, media);
    let place = row.and_then(|row| ROWS.iter().position(|known| *known == row));
    place.map_or(0, |place| 2 << place)
}

/// Whether a word names an interface.
pub(crate) fn names_one(word: &str) -> bool {
    !word.is_empty() && word != FIRMWARE
}

/// Whether readings of these two interfaces are one series. Where one of them is not known nothing speaks
/// against it; what a printer's own agent gives is what one of the interfaces shows.
pub fn same_series(one: &str, other: &str) -> bool {
    !names_one(one) || !names_one(other) || one == other
}

/// The interface of a series of `known` after a reading of it over `given`: the first that is named.
pub fn series_of<'a>(known: &'a str, given: &'a str) -> &'a str {
    if given.is_empty() || names_one(known) { known } else { given }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_of_a_counter_is_the_first_word_of_its_row_s_source() {
        let json = r#"{"S1":{"from":"ipp x"},"U7":{"from":"snmp"},"U12":{"from":" ledm ProductUsageDyn"},
                       "U15":{"from":"piws AccountingInformation","derived":true},"U16":{"from":""}}"#;
        let interfaces = Interfaces::read(json).expect("it reads");
        let cases = [
            ("pages", None, Some("piws")),
            ("area-media", Some("Bond"), Some("snmp")),
            ("area-media/mono-line", None, Some("ledm")),
            ("area-media", None, None),
            ("ink", None, None),
            ("area-printed", None, None),
        ];
        for (meter, media, expected) in cases {
            let meter = Meter::parse(meter).expect("a meter");
            assert_eq!(interfaces.of(&meter, media), expected, "{meter}");
        }
        assert_eq!(Interfaces::read("[]"), None);
    }

    #[test]
    fn every_row_has_a_bit_of_its_own_and_none_is_the_first() {
        let meters = ["pages", "jobs", "area-media", "area-media/mono-line", "ink", "scan-area", "area-printed"];
        let meters = meters.map(|meter| Meter::parse(meter).expect("a meter"));
        let bits: Vec<i64> = meters.iter().map(|meter| row_bit(meter, None)).collect();
        assert_eq!(bits.last(), Some(&0));
        for (place, bit) in bits.iter().enumerate() {
            assert!(bit & 1 == 0 && !bits[place + 1..].contains(bit), "{bits:?}");
        }
        assert_ne!(row_bit(&meters[2], Some("Bond")), row_bit(&meters[2], None));
    }

    #[test]
    fn the_printer_s_own_agent_is_the_interface_that_names_itself_first() {
        // The series, what a reading names, whether it is of the series, and the series after it.
        let cases = [
            ("", "piws", true, "piws"),
            ("firmware", "piws", true, "piws"),
            ("piws", "firmware", true, "piws"),
            ("piws", "", true, "piws"),
            ("firmware", "", true, "firmware"),
            ("piws", "piws", true, "piws"),
            ("piws", "ledm", false, "piws"),
        ];
        for (known, given, same, after) in cases {
            assert_eq!((same_series(known, given), series_of(known, given)), (same, after), "{known} {given}");
        }
    }
}
