//! How numbers, days and texts read: grouped for people, plain for machines. From integers only.
//!
//! Deliberately absent: languages, local separators except those that a CSV dialect asks for, and any
//! rounding of money.

use billing::{Currency, Day, Line, Money, Period, PricingUnit, Statement, time_zone};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use report::{Grade, Instant, Share, divide_half_even};

/// The sign before a negative number: a minus, not a hyphen.
const MINUS: char = '−';
/// How a person reads a day.
const DAY: &str = "%-d %b %Y";
/// Parts per million of a whole.
const WHOLE: i128 = 1_000_000;

/// The zone that times of a statement are shown in.
pub(crate) struct Zone {
    zone: TimeZone,
    /// Its name, which stands beside every time.
    pub(crate) name: String,
}

impl Zone {
    /// The zone of a statement. One that is not known is UTC, and is called so.
    pub(crate) fn of(statement: &Statement) -> Zone {
        match time_zone(&statement.time_zone) {
            Ok(zone) => Zone { zone, name: statement.time_zone.clone() },
            Err(_) => Zone { zone: TimeZone::UTC, name: "UTC".to_owned() },
        }
    }

    /// The date and time of day; `None` for an instant out of the calendar.
    pub(crate) fn civil(&self, at: Instant) -> Option<DateTime> {
        let timestamp = Timestamp::from_millisecond(at.0).ok()?;
        Some(timestamp.to_zoned(self.zone.clone()).datetime())
    }

    fn shown(&self, at: Instant, pattern: &str) -> String {
        self.civil(at).map_or_else(|| at.to_string(), |civil| civil.strftime(pattern).to_string())
    }

    /// Day and minute: `1 Oct 2026 00:12`.
    pub(crate) fn minute(&self, at: Instant) -> String {
        self.shown(at, "%-d %b %Y %H:%M")
    }

    /// The day: `1 Oct 2026`.
    pub(crate) fn day(&self, at: Instant) -> String {
        self.shown(at, DAY)
    }

    /// The day as machines read it: `2026-10-01`.
    pub(crate) fn iso_day(&self, at: Instant) -> String {
        self.shown(at, "%Y-%m-%d")
    }
}

/// The last instant of a period, which lies on its last day.
pub(crate) fn last(period: Period) -> Instant {
    Instant(period.end.0.saturating_sub(1))
}

/// A civil day: `1 Oct 2026`.
pub(crate) fn day(day: Day) -> String {
    let date = Date::new(day.year(), day.month(), day.day());
    date.map_or_else(|_| day.to_string(), |date| date.strftime(DAY).to_string())
}

/// A plain decimal number with a comma before every third digit of its whole part: `−1,234.50`.
pub(crate) fn grouped(plain: &str) -> String {
    let (is_negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain),
    };
    let whole = digits.split('.').next().unwrap_or_default();
    let mut shown = String::with_capacity(plain.len() + whole.len() / 3 + 2);
    if is_negative {
        shown.push(MINUS);
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown.push_str(digits.strip_prefix(whole).unwrap_or_default());
    shown
}

/// Money for people, without its currency: `−1,234.50`.
pub(crate) fn money(amount: Money, currency: Currency) -> String {
    grouped(&amount.show(currency))
}

/// A quantity for people, two decimals: `1,337.42`.
pub(crate) fn number(unit: PricingUnit, amount: i64) -> String {
    grouped(&unit.number(amount))
}

/// A quantity for people with its unit: `1,337.42 m²`, `12 pages`.
pub(crate) fn measure(unit: PricingUnit, amount: i64) -> String {
    format!("{} {}", number(unit, amount), unit_word(unit, amount))
}

/// The unit after that number: `page`, `pages`, `m²`.
pub(crate) fn unit_word(unit: PricingUnit, amount: i64) -> String {
    let plural = matches!(unit, PricingUnit::Page | PricingUnit::Job) && amount != 1;
    format!("{}{}", unit.label(), if plural { "s" } else { "" })
}

/// A quantity for machines: plain, with every decimal there is.
pub(crate) fn plain(unit: PricingUnit, amount: i64) -> String {
    unit.show_exact(amount).split(' ').next().unwrap_or_default().to_owned()
}

/// A rate in percent for machines: `21`, `7.7`.
pub(crate) fn percent(rate: Share) -> String {
    let (whole, rest) = (rate.0.unsigned_abs() / 10_000, rate.0.unsigned_abs() % 10_000);
    let sign = if rate.0 < 0 { "-" } else { "" };
    let decimals = format!("{rest:04}");
    match decimals.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        decimals => format!("{sign}{whole}.{decimals}"),
    }
}

/// A share for people, one decimal: `12.4 %`.
pub(crate) fn share(share: Share) -> String {
    let tenths = divide_half_even(i128::from(share.0), 1_000);
    let sign = if tenths < 0 { "−" } else { "" };
    format!("{sign}{}.{}\u{a0}%", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10)
}

/// The grade of the weakest proof of a line; `None` where it rests on no reading.
pub(crate) fn weakest(line: &Line) -> Option<Grade> {
    line.grades.keys().max().copied()
}

/// How much of a line's usage is estimated; `None` where nothing is.
pub(crate) fn estimated_share(line: &Line) -> Option<Share> {
    let used = line.used.filter(|used| *used > 0)?;
    let part = (i128::from(line.estimated).max(0) * WHOLE / i128::from(used)).min(WHOLE);
    i64::try_from(part).ok().filter(|part| *part > 0).map(Share)
}

/// How much of the amounts rests on estimates; `None` where nothing does.
pub(crate) fn estimated_whole(lines: &[Line]) -> Option<Share> {
    let (mut all, mut estimated) = (0_i128, 0_i128);
    for line in lines {
        let amount = line.amount.map_or(0, |amount| i128::from(amount.0).max(0));
        all += amount;
        estimated += estimated_share(line).map_or(0, |share| i128::from(share.0)) * amount;
    }
    let part = estimated.checked_div(all)?;
    i64::try_from(part).ok().filter(|part| *part > 0).map(Share)
}

/// A text without control characters, which neither paper nor XML can carry; spaces around it are cut.
pub(crate) fn clean(text: &str) -> String {
    let plain: String = text.chars().map(|c| if is_odd(c) { ' ' } else { c }).collect();
    plain.trim().to_owned()
}

fn is_odd(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_have_a_minus() {
        let cases = [
            ("0", "0"),
            ("999.5", "999.5"),
            ("1234.50", "1,234.50"),
            ("-1234567.89", "−1,234,567.89"),
            ("-12", "−12"),
            ("123456", "123,456"),
        ];
        for (plain, expected) in cases {
            assert_eq!(grouped(plain), expected);
        }
    }

    #[test]
    fn rates_and_shares_read_plainly() {
        for (rate, plain) in [(210_000, "21"), (77_000, "7.7"), (0, "0"), (55_500, "5.55"), (1, "0.0001")] {
            assert_eq!(percent(Share(rate)), plain);
        }
        assert_eq!(share(Share(123_500)), "12.4\u{a0}%");
        assert_eq!(share(Share(75_000)), "7.5\u{a0}%");
    }

    #[test]
    fn quantities_read_with_their_units() {
        assert_eq!(measure(PricingUnit::SquareMetre, 1_337_420_000), "1,337.42 m²");
        assert_eq!(measure(PricingUnit::Page, 1), "1 page");
        assert_eq!(measure(PricingUnit::Job, 1_200), "1,200 jobs");
        assert_eq!(plain(PricingUnit::SquareMetre, 120_000_001), "120.000001");
    }

    #[test]
    fn the_estimated_part_weighs_by_amount() {
        let line = |amount, used, estimated| Line {
            amount: Some(Money(amount)),
            used: Some(used),
            estimated,
            ..Line::default()
        };
        let lines = [line(3_000, 40, 10), line(7_000, 5, 0)];
        assert_eq!(estimated_share(&lines[0]), Some(Share(250_000)));
        assert_eq!(estimated_whole(&lines), Some(Share(75_000)));
        assert_eq!(estimated_whole(&lines[1..]), None);
        assert_eq!(estimated_whole(&[]), None);
    }

    #[test]
    fn odd_characters_become_spaces() {
        assert_eq!(clean("\u{1}a\u{7}b\nc\u{FFFE} "), "a b\nc");
    }
}
