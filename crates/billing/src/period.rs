//! Periods: half-open spans of time, cut in a contract's time zone.
//!
//! Zones come from the database that is compiled in, so that a statement does not depend on the
//! machine it is made on. Deliberately absent: proration and other cycles than what the caller cuts.

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

    #[test]
    fn what_is_no_month_or_runs_backwards_is_refused() {
        for text in ["2026-13", "2026-00", "2026-1", "26-10", "2026", "x", "1969-12", "2026-+1"] {
            assert_eq!(Month::parse(text), Err(PeriodError::NotAMonth(text.to_owned())), "{text}");
        }
        assert!(Period::new(Instant(5), Instant(5)).is_err());
    }
}
