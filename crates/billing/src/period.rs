//! Periods: half-open spans of time, cut in a contract's time zone, and the rule that cuts them.
//!
//! Zones come from the database that is compiled in, so that a statement does not depend on the
//! machine it is made on. Deliberately absent: what a part of a period is worth (see `proration`).

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use report::{Defect, Instant};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a period could not be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// No such zone in the compiled-in database.
    #[error("time zone '{0}' is not known")]
    UnknownZone(String),
    /// Not a month, or out of the years we take.
    #[error("'{0}' is not a month such as 2026-10")]
    NotAMonth(String),
    /// Not a day of the calendar, or out of the years we take.
    #[error("'{0}' is not a day such as 2026-10-01")]
    NotADay(String),
    /// No period of the rule begins in that month.
    #[error("no period of this contract begins in {0}")]
    NotBeginning(Month),
    /// The instant is out of the calendar.
    #[error("the instant {0} is out of the calendar")]
    OutOfCalendar(i64),
    /// The end is not after the start.
    #[error("the period ends at {end}, not after its start at {start}")]
    Backwards {
        /// The start given.
        start: Instant,
        /// The end given.
        end: Instant,
    },
}

/// A half-open span of time: `start` belongs to it, `end` to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first instant of it.
    pub start: Instant,
    /// The first instant after it.
    pub end: Instant,
}

impl Period {
    /// The period from `start` until before `end`.
    pub fn new(start: Instant, end: Instant) -> Result<Period, PeriodError> {
        if start < end { Ok(Period { start, end }) } else { Err(PeriodError::Backwards { start, end }) }
    }

    /// A calendar month in `zone`: from its first midnight until the next month's.
    pub fn calendar_month(year: i16, month: i8, zone: &str) -> Result<Period, PeriodError> {
        Period::of_month(Month::new(year, month)?, zone)
    }

    /// A calendar month in `zone`.
    pub fn of_month(month: Month, zone: &str) -> Result<Period, PeriodError> {
        let zone = time_zone(zone)?;
        Ok(Period { start: month.start(&zone)?, end: month.following()?.start(&zone)? })
    }

    /// Whether `instant` lies in it.
    pub fn contains(&self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }

    /// How many civil dates it touches in `zone`: October has 31.
    pub fn days(&self, zone: &str) -> Result<i64, PeriodError> {
        let (first, last) = self.dates(&time_zone(zone)?)?;
        Ok(first.days_until(last).saturating_add(1))
    }

    /// The first and the last civil date it touches.
    pub(crate) fn dates(&self, zone: &TimeZone) -> Result<(Day, Day), PeriodError> {
        let last = Instant(self.end.0.saturating_sub(1));
        Ok((Day(date_of(self.start, zone)?), Day(date_of(last, zone)?)))
    }

    /// The part of it from `from` until before `to`; `None` where they do not meet.
    pub fn cut(&self, from: Instant, to: Option<Instant>) -> Option<Period> {
        let end = to.map_or(self.end, |to| to.min(self.end));
        Period::new(self.start.max(from), end).ok()
    }

    /// What a page calls it: `October 2026`, or `2026-09-12 to 2026-09-30` with the last day included.
    pub fn label(&self, zone: &str) -> Result<String, PeriodError> {
        let month = month_of(self.start, zone)?;
        if Period::of_month(month, zone)? == *self {
            return Ok(month.label());
        }
        let zone = time_zone(zone)?;
        let last = Instant(self.end.0.saturating_sub(1));
        Ok(format!("{} to {}", date_of(self.start, &zone)?, date_of(last, &zone)?))
    }
}

/// A civil date, written `2026-10-01`. It has no zone and no hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(Date);

/// Hours of a civil day, for sums of dates; they have no zone.
const HOURS: i64 = 24;

impl Day {
    /// The day `day` of `month` (1 to 12) of `year` (1900 to 9000).
    pub fn new(year: i16, month: i8, day: i8) -> Result<Day, PeriodError> {
        let wrong = || PeriodError::NotADay(format!("{year:04}-{month:02}-{day:02}"));
        if !(1900..=9000).contains(&year) {
            return Err(wrong());
        }
        Date::new(year, month, day).map(Day).map_err(|_| wrong())
    }

    /// Reads `2026-10-01`.
    pub fn parse(text: &str) -> Result<Day, PeriodError> {
        let wrong = || PeriodError::NotADay(Defect::quote(text));
        let mut parts = text.split('-');
        let mut next = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length && part.bytes().all(|b| b.is_ascii_digit()));
            part.and_then(|part| part.parse::<i16>().ok()).ok_or_else(wrong)
        };
        let (year, month, day) = (next(4)?, next(2)?, next(2)?);
        if parts.next().is_some() {
            return Err(wrong());
        }
        let small = |number: i16| i8::try_from(number).map_err(|_| wrong());
        Day::new(year, small(month)?, small(day)?).map_err(|_| wrong())
    }

    /// The date of `at` in `zone`.
    pub fn of(at: Instant, zone: &str) -> Result<Day, PeriodError> {
        date_of(at, &time_zone(zone)?).map(Day)
    }

    /// As [`Day::of`], for a zone that was looked up.
    pub(crate) fn in_zone(at: Instant, zone: &TimeZone) -> Result<Day, PeriodError> {
        date_of(at, zone).map(Day)
    }

    /// Its first instant in `zone`.
    pub fn start(self, zone: &str) -> Result<Instant, PeriodError> {
        let midnight = self.0.to_zoned(time_zone(zone)?).map_err(|_| PeriodError::NotADay(self.to_string()))?;
        Ok(Instant(midnight.timestamp().as_millisecond()))
    }

    /// The same day `n` months later, or earlier; the month's last day where it is shorter.
    pub fn plus_months(self, n: i32) -> Result<Day, PeriodError> {
        let wrong = || PeriodError::NotADay(format!("{self} and {n} months"));
        let months = i64::from(self.year()) * 12 + i64::from(self.month()) - 1 + i64::from(n);
        let year = i16::try_from(months.div_euclid(12)).map_err(|_| wrong())?;
        let month = i8::try_from(months.rem_euclid(12) + 1).map_err(|_| wrong())?;
        let first = Day::new(year, month, 1).map_err(|_| wrong())?;
        Day::new(year, month, self.day().min(first.0.days_in_month())).map_err(|_| wrong())
    }

    /// The date `n` days later, or earlier.
    pub fn plus_days(self, n: i32) -> Result<Day, PeriodError> {
        let wrong = || PeriodError::NotADay(format!("{self} and {n} days"));
        let date = self.0.checked_add(jiff::SignedDuration::from_hours(i64::from(n) * HOURS)).map_err(|_| wrong())?;
        Day::new(date.year(), date.month(), date.day()).map_err(|_| wrong())
    }

    /// Days from this date to `later`; below zero where it is earlier.
    pub fn days_until(self, later: Day) -> i64 {
        later.0.duration_since(self.0).as_hours() / HOURS
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// The month, 1 to 12.
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// The day of the month, from 1.
    pub fn day(self) -> i8 {
        self.0.day()
    }

    /// Days of its month.
    pub(crate) fn days_in_month(self) -> i8 {
        self.0.days_in_month()
    }
}

impl Default for Day {
    /// 1970-01-01, for forms that are filled later.
    fn default() -> Day {
        Day(Date::constant(1970, 1, 1))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}

impl TryFrom<String> for Day {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Day, PeriodError> {
        Day::parse(&text)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

/// How often a contract's periods begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// Each month.
    #[default]
    Month,
    /// Each third month.
    Quarter,
    /// Each twelfth month.
    Year,
}

impl Every {
    /// How many months it lasts.
    pub fn months(self) -> i32 {
        match self {
            Every::Month => 1,
            Every::Quarter => 3,
            Every::Year => 12,
        }
    }

    /// The word for forms and pages; the same as in storage.
    pub fn word(self) -> &'static str {
        match self {
            Every::Month => "month",
            Every::Quarter => "quarter",
            Every::Year => "year",
        }
    }
}

/// When a contract's periods begin: on a day of each month, or of each third or twelfth month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodRule {
    /// How often.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub every: Every,
    /// On which day of the month, 1 to 28.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub day: u8,
    /// The month, 1 to 12, from which quarters and years are counted.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub first_month: u8,
}

fn first() -> u8 {
    1
}

fn is_first(number: &u8) -> bool {
    *number == 1
}

impl Default for PeriodRule {
    /// Calendar months.
    fn default() -> PeriodRule {
        PeriodRule { every: Every::Month, day: 1, first_month: 1 }
    }
}

impl PeriodRule {
    /// The period that `at` lies in.
    pub fn containing(&self, at: Instant, zone: &str) -> Result<Period, PeriodError> {
        let (date, day) = (Day::of(at, zone)?, i8::try_from(self.day).unwrap_or(i8::MAX));
        let months = i32::from(date.year()) * 12 + i32::from(date.month()) - 1 - i32::from(date.day() < day);
        let since = (months - self.offset()).rem_euclid(self.every.months());
        self.beginning(months - since, zone)
    }

    /// The period after `period`.
    pub fn following(&self, period: Period, zone: &str) -> Result<Period, PeriodError> {
        self.containing(period.end, zone)
    }

    /// The period before `period`.
    pub fn preceding(&self, period: Period, zone: &str) -> Result<Period, PeriodError> {
        self.containing(Instant(period.start.0.saturating_sub(1)), zone)
    }

    /// The period that begins in that month. An error where none does: a quarter that begins in October
    /// does not begin in November.
    pub fn beginning_in(&self, month: Month, zone: &str) -> Result<Period, PeriodError> {
        let months = i32::from(month.year()) * 12 + i32::from(month.month()) - 1;
        if (months - self.offset()).rem_euclid(self.every.months()) != 0 {
            return Err(PeriodError::NotBeginning(month));
        }
        self.beginning(months, zone)
    }

    /// Whether `period` is one of this rule, neither cut nor shifted.
    pub fn is_whole(&self, period: Period, zone: &str) -> bool {
        self.containing(period.start, zone) == Ok(period)
    }

    /// Months from January to the first month.
    fn offset(&self) -> i32 {
        i32::from(self.first_month) - 1
    }

    /// The period that begins `months` months after January of the year 0.
    fn beginning(&self, months: i32, zone: &str) -> Result<Period, PeriodError> {
        let wrong = || PeriodError::NotADay(format!("day {} of the month {months}", self.day));
        let year = i16::try_from(months.div_euclid(12)).map_err(|_| wrong())?;
        let month = i8::try_from(months.rem_euclid(12) + 1).map_err(|_| wrong())?;
        let start = Day::new(year, month, i8::try_from(self.day).map_err(|_| wrong())?)?;
        Period::new(start.start(zone)?, start.plus_months(self.every.months())?.start(zone)?)
    }

    /// The rule in words: `quarter, from day 15 of January, April, July and October`.
    pub fn words(&self) -> String {
        let step = usize::try_from(self.every.months()).unwrap_or(1);
        let first = usize::from(self.first_month.saturating_sub(1)) % step;
        let names: Vec<&str> = NAMES.iter().skip(first).step_by(step).copied().collect();
        let day = self.day;
        match (self.every, names.as_slice()) {
            (Every::Month, _) => format!("month, from day {day} of each month"),
            (Every::Quarter, [rest @ .., last]) => {
                format!("quarter, from day {day} of {} and {last}", rest.join(", "))
            }
            _ => {
                let name = NAMES.get(usize::from(self.first_month.saturating_sub(1))).copied().unwrap_or_default();
                format!("year, from day {day} of {name}")
            }
        }
    }
}

/// The span over which something counts. Quarters and years are those of the period rule's first month
/// and day, months those of its day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reset {
    /// The period of the statement.
    #[default]
    Period,
    /// A month.
    Month,
    /// A quarter.
    Quarter,
    /// A year.
    Year,
    /// The whole contract.
    Contract,
}

impl Reset {
    /// The word for forms; the same as in storage.
    pub fn word(self) -> &'static str {
        match self {
            Reset::Period => "period",
            Reset::Month => "month",
            Reset::Quarter => "quarter",
            Reset::Year => "year",
            Reset::Contract => "contract",
        }
    }
}

/// A calendar month, written `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    year: i16,
    month: i8,
}

/// The months' English names.
const NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Month {
    /// The month `month` (1 to 12) of `year` (1970 to 9000).
    pub fn new(year: i16, month: i8) -> Result<Month, PeriodError> {
        if (1970..=9000).contains(&year) && (1..=12).contains(&month) {
            Ok(Month { year, month })
        } else {
            Err(PeriodError::NotAMonth(format!("{year}-{month}")))
        }
    }

    /// Reads `2026-10`.
    pub fn parse(text: &str) -> Result<Month, PeriodError> {
        let wrong = || PeriodError::NotAMonth(Defect::quote(text));
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        let is_number = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(year, 4) || !is_number(month, 2) {
            return Err(wrong());
        }
        let year = year.parse::<i16>().map_err(|_| wrong())?;
        let month = month.parse::<i8>().map_err(|_| wrong())?;
        Month::new(year, month).map_err(|_| wrong())
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(self) -> i8 {
        self.month
    }

    /// The month after it.
    pub fn following(self) -> Result<Month, PeriodError> {
        if self.month == 12 { Month::new(self.year + 1, 1) } else { Month::new(self.year, self.month + 1) }
    }

    /// What a page calls it: `October 2026`.
    pub fn label(self) -> String {
        let index = usize::try_from(self.month - 1).unwrap_or(0);
        format!("{} {}", NAMES.get(index).copied().unwrap_or_default(), self.year)
    }

    fn start(self, zone: &TimeZone) -> Result<Instant, PeriodError> {
        let wrong = |_: jiff::Error| PeriodError::NotAMonth(self.to_string());
        let first = Date::new(self.year, self.month, 1).map_err(wrong)?;
        let midnight = first.to_zoned(zone.clone()).map_err(wrong)?;
        Ok(Instant(midnight.timestamp().as_millisecond()))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl TryFrom<String> for Month {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Month, PeriodError> {
        Month::parse(&text)
    }
}

impl From<Month> for String {
    fn from(month: Month) -> String {
        month.to_string()
    }
}

/// The calendar month that `instant` lies in, in `zone`.
pub fn month_of(instant: Instant, zone: &str) -> Result<Month, PeriodError> {
    let date = date_of(instant, &time_zone(zone)?)?;
    Month::new(date.year(), date.month())
}

/// The zone of that name in the compiled-in database; the one way from a name to a zone.
pub fn time_zone(name: &str) -> Result<TimeZone, PeriodError> {
    let unknown = || PeriodError::UnknownZone(Defect::quote(name));
    // A real entry of the database that stands for "we do not know".
    if name.eq_ignore_ascii_case("Etc/Unknown") {
        return Err(unknown());
    }
    TimeZoneDatabase::bundled().get(name).map_err(|_| unknown())
}

fn date_of(instant: Instant, zone: &TimeZone) -> Result<Date, PeriodError> {
    let timestamp = jiff::Timestamp::from_millisecond(instant.0).map_err(|_| PeriodError::OutOfCalendar(instant.0))?;
    Ok(zone.to_datetime(timestamp).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    #[test]
    fn a_month_is_cut_in_the_contracts_zone() {
        // Month, zone, start and end in UTC.
        let cases = [
            ((2026, 10), "Europe/Amsterdam", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
            ((2026, 12), "Europe/Amsterdam", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z"),
            ((2026, 2), "America/New_York", "2026-02-01T05:00:00Z", "2026-03-01T05:00:00Z"),
            ((2026, 10), "UTC", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ];
        for ((year, month), zone, start, end) in cases {
            let period = Period::calendar_month(year, month, zone).unwrap();
            assert_eq!((period.start, period.end), (at(start), at(end)), "{year}-{month} in {zone}");
        }
    }

    #[test]
    fn the_end_belongs_to_the_next_period() {
        let october = Period::calendar_month(2026, 10, "Europe/Amsterdam").unwrap();
        assert!(october.contains(october.start));
        assert!(!october.contains(october.end));
        assert_eq!(month_of(october.end, "Europe/Amsterdam").unwrap().to_string(), "2026-11");
        assert_eq!(month_of(at("2026-10-31T23:30:00Z"), "America/New_York").unwrap().to_string(), "2026-10");
    }

    #[test]
    fn periods_are_named_by_month_or_by_days() {
        let october = Period::calendar_month(2026, 10, "Europe/Amsterdam").unwrap();
        assert_eq!(october.label("Europe/Amsterdam").unwrap(), "October 2026");
        let part = Period::new(at("2026-09-12T00:00:00Z"), at("2026-10-01T00:00:00Z")).unwrap();
        assert_eq!(part.label("UTC").unwrap(), "2026-09-12 to 2026-09-30");
    }

    #[test]
    fn an_unknown_zone_is_named() {
        for zone in ["Europe/Utopia", "", "Etc/Unknown"] {
            let cut = Period::calendar_month(2026, 10, zone);
            assert_eq!(cut, Err(PeriodError::UnknownZone(zone.to_owned())));
        }
    }

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    #[test]
    fn days_are_read_shown_and_counted() {
        assert_eq!((day("2026-10-01").to_string().as_str(), day("2024-02-29").day()), ("2026-10-01", 29));
        for text in ["2026-02-29", "2026-13-01", "2026-1-1", "2026-10", "2026-10-01-1", "1800-01-01", "x", ""] {
            assert_eq!(Day::parse(text), Err(PeriodError::NotADay(text.to_owned())), "{text}");
        }
        // Date, months, days, where that leads.
        let cases = [
            ("2026-01-31", 1, 0, "2026-02-28"),
            ("2026-01-31", -2, 0, "2025-11-30"),
            ("2026-10-15", 14, 0, "2027-12-15"),
            ("2026-12-31", 0, 1, "2027-01-01"),
            ("2024-03-01", 0, -1, "2024-02-29"),
        ];
        for (from, months, days, to) in cases {
            let found = day(from).plus_months(months).expect("a month later").plus_days(days).expect("a day later");
            assert_eq!(found, day(to), "{from}");
        }
        assert_eq!(day("2027-01-01").days_until(day("2028-01-01")), 365);
        assert_eq!(day("2026-10-02").days_until(day("2026-10-01")), -1);
        assert!(day("8999-01-01").plus_months(i32::MAX).is_err() && day("2026-01-01").plus_days(i32::MIN).is_err());
    }

    #[test]
    fn a_period_counts_the_dates_it_touches() {
        let zone = "Europe/Amsterdam";
        assert_eq!(Period::calendar_month(2026, 10, zone).expect("a month").days(zone), Ok(31));
        let part = Period::new(at("2026-09-12T10:00:00Z"), at("2026-09-30T22:00:00Z")).expect("a period");
        assert_eq!(part.days(zone), Ok(19));
        assert_eq!(part.cut(at("2026-09-20T00:00:00Z"), None).map(|part| part.days(zone)), Some(Ok(11)));
        assert_eq!(part.cut(part.end, None), None);
        assert_eq!(part.cut(Instant(0), Some(part.start)), None);
    }

    #[test]
    fn periods_begin_by_the_rule() {
        let zone = "Europe/Amsterdam";
        // Every, day, first month, an instant, the dates of the period that holds it.
        let cases = [
            (Every::Month, 1, 1, "2026-10-15T00:00:00Z", "2026-10-01", "2026-11-01"),
            (Every::Month, 15, 1, "2026-10-14T21:59:59Z", "2026-09-15", "2026-10-15"),
            (Every::Month, 15, 1, "2026-10-14T22:00:00Z", "2026-10-15", "2026-11-15"),
            (Every::Quarter, 1, 1, "2026-11-30T00:00:00Z", "2026-10-01", "2027-01-01"),
            (Every::Quarter, 10, 2, "2026-02-09T00:00:00Z", "2025-11-10", "2026-02-10"),
            (Every::Year, 1, 4, "2026-03-31T12:00:00Z", "2025-04-01", "2026-04-01"),
            (Every::Year, 28, 2, "2026-02-28T12:00:00Z", "2026-02-28", "2027-02-28"),
        ];
        for (every, on, first_month, instant, start, end) in cases {
            let rule = PeriodRule { every, day: on, first_month };
            let found = rule.containing(at(instant), zone).expect("a period");
            let expected = (day(start).start(zone), day(end).start(zone));
            assert_eq!((Ok(found.start), Ok(found.end)), expected, "{rule:?}");
            assert!(rule.is_whole(found, zone));
            let next = rule.following(found, zone).expect("the next period");
            assert_eq!((next.start, rule.preceding(next, zone)), (found.end, Ok(found)));
            let month = month_of(found.start, zone).expect("a month");
            assert_eq!(rule.beginning_in(month, zone), Ok(found));
        }
    }

    #[test]
    fn a_month_without_a_beginning_and_a_wrong_rule_are_refused() {
        let quarters = PeriodRule { every: Every::Quarter, ..PeriodRule::default() };
        let november = Month::parse("2026-11").expect("a month");
        assert_eq!(quarters.beginning_in(november, "UTC"), Err(PeriodError::NotBeginning(november)));
        let wrong = PeriodRule { day: 31, ..PeriodRule::default() };
        assert!(wrong.containing(at("2026-02-10T00:00:00Z"), "UTC").is_ok());
        assert!(wrong.containing(at("2026-03-10T00:00:00Z"), "UTC").is_err(), "February has no day 31");
        assert!(PeriodRule { day: 200, ..wrong }.containing(at("2026-03-10T00:00:00Z"), "UTC").is_err());
    }

    #[test]
    fn a_rule_is_said_in_words_and_the_usual_one_is_not_stored() {
        let rule = |every, day, first_month| PeriodRule { every, day, first_month }.words();
        assert_eq!(rule(Every::Month, 15, 1), "month, from day 15 of each month");
        assert_eq!(rule(Every::Quarter, 1, 2), "quarter, from day 1 of February, May, August and November");
        assert_eq!(rule(Every::Year, 1, 4), "year, from day 1 of April");
        assert_eq!(serde_json::to_string(&PeriodRule::default()).expect("a rule as JSON"), "{}");
        let read: PeriodRule = serde_json::from_str(r#"{"every":"quarter"}"#).expect("a rule from JSON");
        assert_eq!(read, PeriodRule { every: Every::Quarter, day: 1, first_month: 1 });
    }

    #[test]
    fn what_is_no_month_or_runs_backwards_is_refused() {
        for text in ["2026-13", "2026-00", "2026-1", "26-10", "2026", "x", "1969-12", "2026-+1"] {
            assert_eq!(Month::parse(text), Err(PeriodError::NotAMonth(text.to_owned())), "{text}");
        }
        assert!(Period::new(Instant(5), Instant(5)).is_err());
    }
}
