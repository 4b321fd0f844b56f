//! How measures, money and instants read on a page. From integers only; the rest of a number that is
//! not shown is rounded half-even.
//!
//! Machine exports do not come through here: they have plain dots and ISO dates.
//! What is not known is the word [`UNKNOWN`], never 0.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use report::{Area, Duration, Ink, Instant, Length, Share, Value, divide_half_even};

/// The word for what nobody told us.
pub(crate) const UNKNOWN: &str = "unknown";

/// Bytes of an instant in a sentence of the billing crate: `2026-10-01T00:12:07Z`.
const WRITTEN: usize = 20;

/// The sign before a negative number: a minus, not a hyphen.
const MINUS: &str = "−\u{a0}";

/// A time zone with its name.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone called `name` in the IANA database, such as `Europe/Berlin`.
    pub(crate) fn new(name: &str) -> Option<Zone> {
        Some(Zone { name: name.to_owned(), zone: billing::time_zone(name).ok()? })
    }

    /// UTC.
    pub(crate) fn utc() -> Zone {
        Zone { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The zone's name, which stands beside every time it was used for.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The zone itself, for cutting days and months.
    pub(crate) fn time_zone(&self) -> &TimeZone {
        &self.zone
    }
}

/// `units` of 10⁻ᵈ with `digits` decimals (at most d) and thousands separators: `1,234.50`.
fn decimal(units: i128, decimals: u32, digits: u32) -> String {
    let rounded = divide_half_even(units, 10_i128.pow(decimals - digits));
    let scale = 10_u128.pow(digits);
    let sign = if rounded < 0 { MINUS } else { "" };
    let (whole, rest) = (grouped(rounded.unsigned_abs() / scale), rounded.unsigned_abs() % scale);
    if digits == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{rest:0width$}", width = digits as usize)
}

/// A whole number with a comma before every third digit from the right.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// An area in m² with 2 decimals, without its unit: `14,982.41`.
pub(crate) fn area(area: Area) -> String {
    decimal(i128::from(area.0), 6, 2)
}

/// An area with its unit: `14,982.41 m²`.
pub(crate) fn area_unit(shown: Area) -> String {
    format!("{} m²", area(shown))
}

/// An area in m² with 2 decimals, or the word for not known.
pub(crate) fn area_or_unknown(shown: Option<Area>) -> String {
    shown.map_or_else(|| UNKNOWN.to_owned(), area)
}

/// A length in m with 2 decimals, without its unit.
pub(crate) fn length(length: Length) -> String {
    decimal(i128::from(length.0), 6, 2)
}

/// A volume of ink in ml with 1 decimal, without its unit: `1,752.3`.
pub(crate) fn ink(ink: Ink) -> String {
    decimal(i128::from(ink.0), 6, 1)
}

/// A volume of ink with its unit, in litres from 10 l on: `38.914 l`, `812.5 ml`.
pub(crate) fn ink_unit(shown: Ink) -> String {
    if shown.0.unsigned_abs() >= 10_000_000_000 {
        format!("{} l", decimal(i128::from(shown.0), 9, 3))
    } else {
        format!("{} ml", ink(shown))
    }
}

/// A volume of ink in ml with 1 decimal, or the word for not known.
pub(crate) fn ink_or_unknown(shown: Option<Ink>) -> String {
    shown.map_or_else(|| UNKNOWN.to_owned(), ink)
}

/// A plain number with thousands separators.
pub(crate) fn count(number: i64) -> String {
    decimal(i128::from(number), 0, 0)
}

/// A plain number, or the word for not known.
pub(crate) fn count_or_unknown(number: Option<i64>) -> String {
    number.map_or_else(|| UNKNOWN.to_owned(), count)
}

/// A share with 1 decimal: `12.4 %`.
pub(crate) fn share(share: Share) -> String {
    format!("{}\u{a0}%", decimal(i128::from(share.0), 4, 1))
}

/// How much more or less `now` is than `before`: `+ 3.1 %`; `—` where there is nothing to compare with.
pub(crate) fn change(now: i64, before: i64) -> String {
    if before <= 0 {
        return "—".to_owned();
    }
    let tenths = divide_half_even((i128::from(now) - i128::from(before)) * 1000, i128::from(before));
    let sign = if tenths > 0 { "+\u{a0}" } else { "" };
    format!("{sign}{}\u{a0}%", decimal(tenths, 1, 1))
}

/// The sign of a currency, or its ISO 4217 code where it has none of its own.
fn currency_sign(code: &str) -> &str {
    match code {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        other => other,
    }
}

/// Money without its currency, from minor units; `decimals` is the currency's, 2 for cents: `1,234.50`.
pub(crate) fn amount(minor: i64, decimals: u32) -> String {
    decimal(i128::from(minor), decimals, decimals)
}

/// Money with its currency, from minor units: `€ 1,234.50`, `− € 3.28`.
pub(crate) fn money(minor: i64, decimals: u32, currency: &str) -> String {
    let sign = if minor < 0 { MINUS } else { "" };
    let plain = decimal(i128::from(minor.unsigned_abs()), decimals, decimals);
    format!("{sign}{}\u{a0}{plain}", currency_sign(currency))
}

/// Shows an instant by a pattern of `strftime`; an instant outside the calendar stays a number.
fn shown(instant: Instant, zone: &Zone, pattern: &str) -> String {
    match Timestamp::from_millisecond(instant.0) {
        Ok(timestamp) => timestamp.to_zoned(zone.zone.clone()).strftime(pattern).to_string(),
        Err(_) => instant.to_string(),
    }
}

/// Day and minute in the zone, without naming it: `1 Oct 2026 00:12`.
pub(crate) fn instant(instant: Instant, zone: &Zone) -> String {
    shown(instant, zone, "%-d %b %Y %H:%M")
}

/// Day, second and zone, for hover and details: `1 Oct 2026 00:12:07 Europe/Berlin`.
pub(crate) fn exact(instant: Instant, zone: &Zone) -> String {
    format!("{} {}", shown(instant, zone, "%-d %b %Y %H:%M:%S"), zone.name())
}

/// A sentence with its instants in the zone, as people read them: `2026-10-01T00:12:07Z` becomes `1 Oct 2026 00:12`.
pub(crate) fn moments(text: &str, zone: &Zone) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = rest.find('Z') {
        let (upto, after) = rest.split_at(end + 1);
        let written = upto.len().checked_sub(WRITTEN).and_then(|start| upto.split_at_checked(start));
        match written.and_then(|(before, written)| Some((before, Instant::parse(written)?))) {
            Some((before, at)) => {
                told.push_str(before);
                told.push_str(&instant(at, zone));
            }
            None => told.push_str(upto),
        }
        rest = after;
    }
    told.push_str(rest);
    told
}

/// The day in the zone: `1 Oct 2026`.
pub(crate) fn day(instant: Instant, zone: &Zone) -> String {
    shown(instant, zone, "%-d %b %Y")
}

/// Who did something, and on which day: `Ada, 1 Oct 2026`; the day alone where nobody is known.
pub(crate) fn by(name: &str, at: Instant, zone: &Zone) -> String {
    let day = day(at, zone);
    if name.is_empty() { day } else { format!("{name}, {day}") }
}

/// The day without its year, for charts: `1 Oct`.
pub(crate) fn short_day(instant: Instant, zone: &Zone) -> String {
    shown(instant, zone, "%-d %b")
}

/// The day with its weekday, for a page's head: `Sunday 1 November 2026`.
pub(crate) fn long_day(instant: Instant, zone: &Zone) -> String {
    shown(instant, zone, "%A %-d %B %Y")
}

/// The month: `October 2026`.
pub(crate) fn month(instant: Instant, zone: &Zone) -> String {
    shown(instant, zone, "%B %Y")
}

/// The day as a form's date field wants it: `2026-10-01`.
pub(crate) fn iso_day(instant: Instant, zone: &Zone) -> String {
    shown(instant, zone, "%Y-%m-%d")
}

/// A span in its largest unit, the first two where that helps: `38 min`, `26 h`, `4 d 2 h`, `12 d`.
pub(crate) fn span(duration: Duration) -> String {
    let minutes = duration.0.unsigned_abs() / 60_000;
    let (hours, days) = (minutes / 60, minutes / 1440);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", duration.0.unsigned_abs() / 1000),
        (0, 0, _) => format!("{minutes} min"),
        (0 | 1, _, _) => format!("{hours} h"),
        (2..=6, _, _) if hours % 24 > 0 => format!("{days} d {} h", hours % 24),
        _ => format!("{days} d"),
    }
}

/// How long ago `then` was: `2 h ago`, `just now`, `in 3 d`.
pub(crate) fn relative(now: Instant, then: Instant) -> String {
    let gone = now.since(then);
    if gone.0.unsigned_abs() < 60_000 {
        "just now".to_owned()
    } else if gone.0 < 0 {
        format!("in {}", span(gone))
    } else {
        format!("{} ago", span(gone))
    }
}

/// An Appendix A value as a person reads it, and its unit: (`0.5161`, `m²`). Instants are shown in the zone.
pub(crate) fn value(value: &Value, zone: &Zone) -> (String, &'static str) {
    match value {
        Value::Area(area) => (decimal(i128::from(area.0), 6, 4), "m²"),
        Value::Length(length) => (decimal(i128::from(length.0), 6, 3), "m"),
        Value::Ink(ink) => (decimal(i128::from(ink.0), 6, 3), "ml"),
        Value::Count(number) => (count(*number), ""),
        Value::Share(share) => (decimal(i128::from(share.0), 4, 2), "%"),
        Value::Instant(at) => (instant(*at, zone), ""),
        Value::Text(_) | Value::Duration(_) | Value::Flag(_) => value.show(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("a timestamp")
    }

    #[test]
    fn areas_have_two_decimals_and_thousands() {
        assert_eq!(area(Area(14_982_412_000)), "14,982.41");
        assert_eq!(area(Area(0)), "0.00");
        assert_eq!(area(Area(-1_500_000)), "−\u{a0}1.50");
        assert_eq!(area_or_unknown(None), "unknown");
    }

    #[test]
    fn ink_changes_to_litres_from_ten_on() {
        assert_eq!(ink_unit(Ink(812_500_000)), "812.5 ml");
        assert_eq!(ink_unit(Ink(38_914_000_000)), "38.914 l");
    }

    #[test]
    fn money_names_its_currency() {
        assert_eq!(money(4_412_275, 2, "EUR"), "€\u{a0}44,122.75");
        assert_eq!(money(-328, 2, "EUR"), "−\u{a0}€\u{a0}3.28");
        assert_eq!(money(1_200, 0, "JPY"), "¥\u{a0}1,200");
        assert_eq!(money(5, 2, "CHF"), "CHF\u{a0}0.05");
    }

    #[test]
    fn a_change_without_a_before_is_a_dash() {
        assert_eq!(change(1031, 1000), "+\u{a0}3.1\u{a0}%");
        assert_eq!(change(969, 1000), "−\u{a0}3.1\u{a0}%");
        assert_eq!(change(5, 0), "—");
    }

    #[test]
    fn a_sentence_tells_its_instants_in_the_zone() {
        let berlin = Zone::new("Europe/Berlin").expect("a bundled zone");
        let told = |text: &str| moments(text, &berlin);
        let read = "Zeile: started anew between 2026-09-30T22:12:07Z and 2026-10-01T05:00:00Z: Zürich";
        assert_eq!(told(read), "Zeile: started anew between 1 Oct 2026 00:12 and 1 Oct 2026 07:00: Zürich");
        for same in ["", "Z", "no instant: 2026-09-31T22:12:07Z", "ü 026-09-30T22:12:07Z"] {
            assert_eq!(told(same), same);
        }
    }

    #[test]
    fn instants_are_shown_in_the_zone() {
        let berlin = Zone::new("Europe/Berlin").expect("a bundled zone");
        assert_eq!(instant(at("2026-09-30T22:12:07Z"), &berlin), "1 Oct 2026 00:12");
        assert_eq!(exact(at("2026-09-30T22:12:07Z"), &berlin), "1 Oct 2026 00:12:07 Europe/Berlin");
        assert_eq!(iso_day(at("2026-09-30T22:12:07Z"), &Zone::utc()), "2026-09-30");
        assert!(Zone::new("Mars/Olympus").is_none());
    }

    #[test]
    fn ages_read_as_people_say_them() {
        let now = at("2026-11-01T12:00:00Z");
        for (then, text) in [
            ("2026-11-01T11:59:30Z", "just now"),
            ("2026-11-01T11:22:00Z", "38 min ago"),
            ("2026-10-31T10:00:00Z", "26 h ago"),
            ("2026-10-28T10:00:00Z", "4 d 2 h ago"),
            ("2026-10-01T10:00:00Z", "31 d ago"),
            ("2026-11-03T12:00:00Z", "in 2 d"),
        ] {
            assert_eq!(relative(now, at(then)), text);
        }
    }
}
