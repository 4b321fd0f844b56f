//! Days of the slow recount: dates as numbers, parts of a span, and the spans themselves.
//!
//! Only the way from an instant to its date and back is shared with rating; every sum of dates is done
//! here by the number of the day since 1970. Deliberately absent: periods of a rule, which the input
//! brings.

use crate::contract::Terms;
use crate::period::{Day, Every, Period, Reset};
use crate::proration::Proration;
use crate::rating::Input;
use report::Instant;

/// What 28, 29, 30 and 31 all divide.
const PARTS_OF_A_MONTH: i128 = 28 * 29 * 15 * 31;

/// The days from 1970-01-01 to a date of the calendar.
fn number(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The date of a number: the year by trying, then the month by trying.
fn date(of: i64) -> (i64, i64, i64) {
    // Never later than the year it is in, whichever way the days count.
    let mut year = 1970 + of.div_euclid(if of < 0 { 365 } else { 366 });
    while number(year + 1, 1, 1) <= of {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && number(year, month + 1, 1) <= of {
        month += 1;
    }
    (year, month, of - number(year, month, 1) + 1)
}

/// The number of a day.
pub(super) fn of_day(day: Day) -> i64 {
    number(i64::from(day.year()), i64::from(day.month()), i64::from(day.day()))
}

/// The number of the date that an instant has in a zone.
pub(super) fn of_instant(at: Instant, zone: &str) -> i64 {
    of_day(Day::of(at, zone).expect("terms name a known zone, and facts lie in the calendar"))
}

/// The first instant of a day in a zone.
pub(super) fn begins(day: i64, zone: &str) -> Instant {
    let (year, month, day) = date(day);
    let year = i16::try_from(year).unwrap_or(i16::MAX);
    let (month, day) = (i8::try_from(month).unwrap_or(0), i8::try_from(day).unwrap_or(0));
    let day = Day::new(year, month, day).expect("a number of a day has a date");
    day.start(zone).expect("terms name a known zone")
}

/// Months since the year 0, and the day in the month.
pub(super) fn months(day: i64) -> (i64, i64) {
    let (year, month, day) = date(day);
    (year * 12 + month - 1, day)
}

/// The number of a day in a month that is counted from the year 0; never later than its last day.
pub(super) fn in_month(months: i64, day: i64) -> i64 {
    let first = number(months.div_euclid(12), months.rem_euclid(12) + 1, 1);
    first + day.min(month_length(months)) - 1
}

fn month_length(months: i64) -> i64 {
    let first = |months: i64| number(months.div_euclid(12), months.rem_euclid(12) + 1, 1);
    first(months + 1) - first(months)
}

/// Every date that a span touches.
pub(super) fn dates(span: Period, zone: &str) -> std::ops::RangeInclusive<i64> {
    of_instant(span.start, zone)..=of_instant(Instant(span.end.0 - 1), zone)
}

/// What `parts` are of `whole`: top and bottom of a fraction. A date that two parts touch counts once.
pub(super) fn fraction(rule: Proration, parts: &[Period], whole: Period, zone: &str) -> (i128, i128) {
    if rule == Proration::None {
        return (1, 1);
    }
    let mut spans: Vec<(i64, i64)> = Vec::new();
    let mut touched: Vec<i64> = parts.iter().flat_map(|part| dates(*part, zone)).collect();
    touched.sort_unstable();
    touched.dedup();
    for day in touched {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == day => *last = day,
            _ => spans.push((day, day)),
        }
    }
    let all = dates(whole, zone);
    let top = spans.into_iter().map(|(first, last)| measured(rule, first, last)).sum();
    (top, measured(rule, *all.start(), *all.end()).max(1))
}

fn measured(rule: Proration, first: i64, last: i64) -> i128 {
    match rule {
        Proration::None | Proration::ActualDays => i128::from(last - first + 1),
        Proration::Thirty360 => {
            let place = |day: i64| {
                let (year, month, day) = date(day);
                i128::from(360 * year + 30 * month + day.min(30))
            };
            place(last + 1) - place(first)
        }
        Proration::Months => (first..=last).map(|day| PARTS_OF_A_MONTH / i128::from(month_length(months(day).0))).sum(),
    }
}

/// A span over which something counts, as the period meets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Its first instant, not before the contract's.
    pub(super) start: Instant,
    /// Whether it begins in the period.
    pub(super) begins: bool,
    /// Whether it ends in the period, or with it.
    pub(super) ends: bool,
}

/// How many months a span has; `None` for the period itself and for the whole contract.
pub(super) fn length(reset: Reset) -> Option<i64> {
    match reset {
        Reset::Month => Some(1),
        Reset::Quarter => Some(3),
        Reset::Year => Some(12),
        Reset::Period | Reset::Contract => None,
    }
}

/// How many months a period of the terms has.
pub(super) fn period_length(terms: &Terms) -> i64 {
    match terms.period.every {
        Every::Month => 1,
        Every::Quarter => 3,
        Every::Year => 12,
    }
}

/// The first day of the span of `length` months that a day lies in, and of the one after it.
pub(super) fn cut(day: i64, length: i64, terms: &Terms) -> (i64, i64) {
    let (mut month, of_month) = months(day);
    if of_month < i64::from(terms.period.day) {
        month -= 1;
    }
    let first = month - (month - (i64::from(terms.period.first_month) - 1)).rem_euclid(length);
    let beginning = |month: i64| in_month(month, i64::from(terms.period.day));
    (beginning(first), beginning(first + length))
}

/// The whole span around the period's start, whether or not the contract ran all the time.
pub(super) fn whole(input: &Input, reset: Reset) -> Period {
    let zone = &input.terms.time_zone;
    match length(reset) {
        None => input.period,
        Some(length) => {
            let (first, next) = cut(of_instant(input.period.start, zone), length, &input.terms);
            Period { start: begins(first, zone), end: begins(next, zone) }
        }
    }
}

/// The period of the terms' rule that the one that is counted is a part of, else that one itself.
pub(super) fn around(input: &Input) -> Period {
    let zone = &input.terms.time_zone;
    let (first, next) = cut(of_instant(input.period.start, zone), period_length(&input.terms), &input.terms);
    let named = Period { start: begins(first, zone), end: begins(next, zone) };
    if input.period.end <= named.end { named } else { input.period }
}

/// The span around the period's start.
pub(super) fn span(input: &Input, reset: Reset) -> Span {
    let period = input.period;
    let around = whole(input, reset);
    let (mut start, mut end) = (around.start, Some(around.end.max(period.end)));
    if reset == Reset::Contract {
        (start, end) = (Instant(0), None);
    }
    if let Some(runs) = input.runs {
        start = if reset == Reset::Contract { runs.from } else { start.max(runs.from) };
        if let Some(to) = runs.to {
            end = Some(end.map_or(to, |end| end.min(to)));
            // A contract that ended before the period ends nothing in it but the period itself.
            end = if reset != Reset::Contract && to <= period.start { Some(period.end) } else { end };
        }
    }
    let begins = period.start <= start && start < period.end;
    Span { start, begins, ends: end.is_some_and(|end| end <= period.end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_has_its_number() {
        assert_eq!((number(1970, 1, 1), number(2000, 3, 1), date(11_017)), (0, 11_017, (2000, 3, 1)));
        let (mut day, mut expected) = (number(1900, 1, 1), number(1900, 1, 1));
        while day < number(2300, 1, 1) {
            let (year, month, of_month) = date(day);
            assert_eq!(number(year, month, of_month), expected);
            (day, expected) = (day + 1, expected + 1);
        }
    }
}
