//! The month so far at a site, and the area printed on each of its days as a chart.
//!
//! Usage cells know days and months by number, `yyyymmdd` and `yyyymm` in the site's zone. Deliberately
//! absent: any clock; the present instant is an argument.

use crate::shell::chart::{Chart, Day};
use billing::{Meter, MeterKind};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use report::{Area, Category, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// What stands in a chart's legend for areas that the printer sorted into no category.
const NO_CATEGORY: &str = "without a category";

/// The day of an instant in a zone.
pub(crate) fn day_of(instant: Instant, zone: &TimeZone) -> Date {
    let timestamp = Timestamp::from_millisecond(instant.0).unwrap_or(Timestamp::UNIX_EPOCH);
    zone.to_datetime(timestamp).date()
}

/// A day as `yyyymmdd`.
pub(crate) fn day_number(day: Date) -> i64 {
    month_number(day) * 100 + i64::from(day.day())
}

/// A day's month as `yyyymm`.
fn month_number(day: Date) -> i64 {
    i64::from(day.year()) * 100 + i64::from(day.month())
}

/// The current month until today, and the month before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SoFar {
    today: Date,
    before: Date,
}

impl SoFar {
    /// The month of `now` in a zone.
    pub(crate) fn of(now: Instant, zone: &TimeZone) -> SoFar {
        let today = day_of(now, zone);
        let first = today.first_of_month();
        SoFar { today, before: first.yesterday().unwrap_or(first) }
    }

    /// This month as `yyyymm`.
    pub(crate) fn this(self) -> i64 {
        month_number(self.today)
    }

    /// The month before as `yyyymm`.
    pub(crate) fn last(self) -> i64 {
        month_number(self.before)
    }

    /// This month's first day and today, as `yyyymmdd`.
    pub(crate) fn days(self) -> (i64, i64) {
        (day_number(self.today.first_of_month()), day_number(self.today))
    }

    /// The same days of the month before; a shorter month ends earlier.
    pub(crate) fn days_before(self) -> (i64, i64) {
        let last = self.today.day().min(self.before.day());
        let first = day_number(self.before.first_of_month());
        (first, first + i64::from(last) - 1)
    }

    /// When this month began in the zone.
    pub(crate) fn start(self, zone: &TimeZone) -> Instant {
        let midnight = self.today.first_of_month().to_zoned(zone.clone());
        Instant(midnight.map_or(0, |midnight| midnight.timestamp().as_millisecond()))
    }

    /// `October 2026`.
    pub(crate) fn label(self) -> String {
        self.today.strftime("%B %Y").to_string()
    }

    /// `September 2026`.
    pub(crate) fn label_before(self) -> String {
        self.before.strftime("%B %Y").to_string()
    }
}

/// The area printed on each day by category, mm².
#[derive(Debug, Clone, Default)]
pub(crate) struct DailyArea(BTreeMap<(i64, String), i64>);

impl DailyArea {
    /// Adds what was counted on a day; meters of other kinds than area printed are left out.
    pub(crate) fn add(&mut self, day: i64, meter: &Meter, amount: i64) {
        if meter.kind() == MeterKind::AreaPrinted {
            let cell = self.0.entry((day, meter.part().unwrap_or("").to_owned())).or_default();
            *cell = cell.saturating_add(amount);
        }
    }

    /// The chart of the month so far; `None` when nothing was printed.
    pub(crate) fn chart(&self, title: &str, so_far: SoFar) -> Option<Chart> {
        let present: BTreeSet<&str> = self.0.keys().map(|(_, category)| category.as_str()).collect();
        if present.is_empty() {
            return None;
        }
        let known: Vec<Category> = Category::known().filter(|category| present.contains(category.id())).collect();
        let is_known = |id: &str| known.iter().any(|category| category.id() == id);
        let others = present.iter().copied().filter(|id| !is_known(id));
        let ids: Vec<&str> = known.iter().map(Category::id).chain(others).collect();
        let named = |id: &&str| Category::new(if id.is_empty() { NO_CATEGORY } else { id });
        let categories: Vec<Category> = ids.iter().map(named).collect();
        let days: Vec<Day> = (1..=so_far.today.day()).map(|day| self.day(day, so_far, &ids)).collect();
        Some(Chart::stacked("area", title, &categories, &days))
    }

    fn day(&self, day: i8, so_far: SoFar, ids: &[&str]) -> Day {
        let number = so_far.this() * 100 + i64::from(day);
        let date = Date::new(so_far.today.year(), so_far.today.month(), day).unwrap_or(so_far.today);
        let area = |id: &&str| Area(self.0.get(&(number, (*id).to_owned())).copied().unwrap_or(0));
        Day { label: date.strftime("%-d %b").to_string(), areas: ids.iter().map(area).collect(), estimated: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn so_far(now: &str, zone: &str) -> SoFar {
        SoFar::of(Instant::parse(now).expect("a timestamp"), &billing::time_zone(zone).expect("a zone"))
    }

    #[test]
    fn the_month_is_the_sites() {
        let berlin = so_far("2026-09-30T22:30:00Z", "Europe/Berlin");
        assert_eq!((berlin.this(), berlin.last()), (202_610, 202_609));
        assert_eq!(berlin.label(), "October 2026");
        assert_eq!(so_far("2026-09-30T22:30:00Z", "UTC").this(), 202_609);
    }

    #[test]
    fn a_shorter_month_is_compared_to_its_end() {
        let march = so_far("2026-03-30T12:00:00Z", "UTC");
        assert_eq!(march.days(), (20_260_301, 20_260_330));
        assert_eq!(march.days_before(), (20_260_201, 20_260_228));
        assert_eq!(so_far("2026-01-05T12:00:00Z", "UTC").days_before(), (20_251_201, 20_251_205));
    }

    #[test]
    fn a_chart_has_a_day_for_each_until_today_and_names_what_has_no_category() {
        let mut area = DailyArea::default();
        area.add(20_261_001, &Meter::parse("area-printed/mono-line").expect("a meter"), 2_000_000);
        area.add(20_261_002, &Meter::whole(MeterKind::AreaPrinted), 1_000_000);
        area.add(20_261_002, &Meter::whole(MeterKind::Jobs), 5);
        let october = so_far("2026-10-03T12:00:00Z", "UTC");
        let html = area.chart("October", october).expect("something was printed").to_string();
        for part in ["1 Oct", "3 Oct", "Monochrome lines", NO_CATEGORY] {
            assert!(html.contains(part), "{part}");
        }
        assert!(DailyArea::default().chart("October", october).is_none());
    }
}
