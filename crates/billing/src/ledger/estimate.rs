//! CL14: what a counter would have shown, while nobody read it.
//!
//! Every method works on the counter's own readings before the gap and says in words what it took.
//! Deliberately absent: when an estimate is made and kept (a person or the bill run decides), and when it
//! falls away again (see `assemble`).

use super::edges::{EdgeRule, usage_of};
use super::segments::{Break, ReadingPoint};
use super::{EstimateFact, Method};
use crate::clauses::estimates::Estimates;
use crate::clauses::window::Otherwise;
use crate::meter::Meter;
use crate::money::show_exact;
use crate::period::{Period, time_zone};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use report::{Duration, Instant};

/// Milliseconds of a day.
pub(crate) const DAY: i64 = 86_400_000;

/// Months that one period may have; more is no period.
const MONTHS_MAX: i64 = 120;

/// What is known of a counter from before the span.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// Its readings in order, as [`split`](super::segments::split) gives them.
    pub points: &'a [ReadingPoint],
    /// Its breaks.
    pub breaks: &'a [Break],
    /// What other printers of its model counted before; `None` where that is not known.
    pub model: Option<ModelUse>,
}

/// What printers of one model counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelUse {
    /// How many they are.
    pub printers: u32,
    /// What they counted together, base units.
    pub quantity: i64,
    /// In how many days.
    pub days: u32,
    /// The first instant after those days.
    pub until: Instant,
}

/// A quantity and the words that say what it rests on.
struct Found {
    quantity: i64,
    basis: String,
}

/// Estimates what a counter counted in `span`, by the first of the rule's methods that has its data.
///
/// 300 m² in the 30 days before, and 12 days to estimate: 300 × 12/30 = 120 m². Days are those of the
/// contract's zone, so that October has 31 of them. `None` where no method has its data, or where the span
/// is longer than the rule allows.
pub fn estimate(
    meter: &Meter,
    media: Option<&str>,
    span: Period,
    rule: &Estimates,
    history: &History<'_>,
    zone: &str,
) -> Option<EstimateFact> {
    let zone = time_zone(zone).ok()?;
    let most = i64::from(rule.days) * DAY;
    if rule.days > 0 && elapsed(span, &zone)? > most {
        return None;
    }
    let try_one = |method: Method| by(method, meter, span, history, &zone).map(|found| (method, found));
    let (method, found) = rule.rows.iter().find_map(|row| try_one(row.method))?;
    Some(EstimateFact {
        meter: meter.clone(),
        media: media.map(str::to_owned),
        span,
        quantity: found.quantity,
        method,
        basis: found.basis,
    })
}

fn by(method: Method, meter: &Meter, span: Period, history: &History<'_>, zone: &TimeZone) -> Option<Found> {
    match method {
        Method::Daily30 => daily(30, meter, span, history, zone),
        Method::Daily60 => daily(60, meter, span, history, zone),
        Method::Daily90 => daily(90, meter, span, history, zone),
        Method::LastYear => same_days(12, meter, span, history, zone),
        Method::LastPeriod => same_days(months(span, zone)?, meter, span, history, zone),
        Method::Model => {
            let known = history.model.filter(|known| known.quantity >= 0 && known.printers > 0 && known.days > 0)?;
            mean_of(known, meter, elapsed(span, zone)?)
        }
        Method::Zero => Some(Found { quantity: 0, basis: "nothing is estimated".to_owned() }),
    }
}

/// The mean of the `count` days before the span, or before the last reading where that is earlier.
fn daily(count: i64, meter: &Meter, span: Period, history: &History<'_>, zone: &TimeZone) -> Option<Found> {
    let last = history.points.iter().map(|point| point.read_at).max()?;
    let end = span.start.min(last);
    let start = instant(local(end, zone)?.checked_sub(jiff::Span::new().days(count)).ok()?, zone)?;
    let measured = measured(Period::new(start, end).ok()?, history)?;
    let length = elapsed(span, zone)?;
    let quantity = scaled(measured, length, count.checked_mul(DAY)?)?;
    let (measured, days) = (meter.unit().show(measured), in_days(length));
    Some(Found { quantity, basis: format!("{measured} in the {count} days before {end}, × {days}/{count}") })
}

/// What one of several printers counted in so many milliseconds on average.
fn mean_of(known: ModelUse, meter: &Meter, length: i64) -> Option<Found> {
    let ModelUse { printers, quantity: counted, days: of_days, until } = known;
    let bottom = i64::from(printers).checked_mul(i64::from(of_days))?.checked_mul(DAY)?;
    let quantity = scaled(counted, length, bottom)?;
    let (counted, days) = (meter.unit().show(counted), in_days(length));
    let words = format!("{counted} by {printers} other printers of the model in the {of_days} days before {until}");
    Some(Found { quantity, basis: format!("{words}, ÷ {printers}, × {days}/{of_days}") })
}

/// The same days of the calendar, some months before.
fn same_days(months: i64, meter: &Meter, span: Period, history: &History<'_>, zone: &TimeZone) -> Option<Found> {
    let back = |at: Instant| {
        let before = local(at, zone)?.checked_sub(jiff::Span::new().months(months)).ok()?;
        instant(before, zone)
    };
    let before = Period::new(back(span.start)?, back(span.end)?).ok()?;
    let quantity = measured(before, history)?;
    let basis = format!("{} from {} to {}", meter.unit().show(quantity), before.start, before.end);
    Some(Found { quantity, basis })
}

/// How many whole months hold the span: 1 for a month or less, 3 for a quarter.
fn months(span: Period, zone: &TimeZone) -> Option<i64> {
    let (start, end) = (local(span.start, zone)?, local(span.end, zone)?);
    (1..=MONTHS_MAX)
        .find(|count| start.checked_add(jiff::Span::new().months(*count)).is_ok_and(|reached| reached >= end))
}

/// What the counter counted, its edges worked out between readings; `None` where a part was not measured.
fn measured(period: Period, history: &History<'_>) -> Option<i64> {
    let nothing = Duration(0);
    let rule = EdgeRule::Window { before: nothing, after: nothing, otherwise: Otherwise::Interpolate };
    let usage = usage_of(history.points, history.breaks, period, rule);
    usage.unmeasured.is_empty().then_some(usage.quantity)
}

/// `quantity` × `top` / `bottom`, half-up. Nothing here is below zero.
fn scaled(quantity: i64, top: i64, bottom: i64) -> Option<i64> {
    let product = i128::from(quantity).checked_mul(i128::from(top))?;
    let bottom = i128::from(bottom).max(1);
    i64::try_from((product * 2 + bottom) / (bottom * 2)).ok()
}

/// A time as days with at most two decimals: `12`, `12.5`.
fn in_days(length: i64) -> String {
    scaled(length, 100, DAY).map_or_else(|| length.to_string(), |hundredths| show_exact(hundredths, 2, 0))
}

/// How long the span is by the calendar of the zone, ms: a day is a day, whatever its clocks do.
fn elapsed(span: Period, zone: &TimeZone) -> Option<i64> {
    let length = local(span.end, zone)?.duration_since(local(span.start, zone)?);
    i64::try_from(length.as_millis()).ok().filter(|length| *length >= 0)
}

fn local(at: Instant, zone: &TimeZone) -> Option<DateTime> {
    let timestamp = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(zone.to_datetime(timestamp))
}

fn instant(at: DateTime, zone: &TimeZone) -> Option<Instant> {
    let zoned = at.to_zoned(zone.clone()).ok()?;
    Some(Instant(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::estimates::MethodRow;
    use crate::ledger::ReadingSource;
    use report::Grade;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn point(segment: u32, text: &str, square_metres: i64) -> ReadingPoint {
        let value = square_metres * 1_000_000;
        ReadingPoint { segment, value, read_at: at(text), grade: Grade::B, source: ReadingSource::Printer }
    }

    fn rule(methods: &[Method]) -> Estimates {
        Estimates { rows: methods.iter().map(|method| MethodRow { method: *method }).collect(), days: 0 }
    }

    fn october() -> Period {
        Period::calendar_month(2026, 10, "Europe/Amsterdam").unwrap()
    }

    fn estimated(points: &[ReadingPoint], span: Period, rule: &Estimates) -> Option<(Method, i64, String)> {
        // 9.5 m² a day and printer.
        let until = at("2026-09-30T22:00:00Z");
        let model = Some(ModelUse { printers: 4, quantity: 3_496_000_000, days: 92, until });
        let history = History { points, breaks: &[], model };
        let meter = Meter::parse("area-media").unwrap();
        let fact = estimate(&meter, None, span, rule, &history, "Europe/Amsterdam")?;
        Some((fact.method, fact.quantity, fact.basis))
    }

    #[test]
    fn a_daily_mean_is_taken_over_the_days_of_the_zone() {
        // Read at midnight in Amsterdam on 1 September and 1 October: 30 days, 300 m².
        let points = [point(1, "2026-08-31T22:00:00Z", 100), point(1, "2026-09-30T22:00:00Z", 400)];
        let basis = "300.00 m² in the 30 days before 2026-09-30T22:00:00Z, × 31/30".to_owned();
        // October has 31 days and an hour by the clock.
        let expected = Some((Method::Daily30, 310_000_000, basis));
        assert_eq!(estimated(&points, october(), &rule(&[Method::Daily30])), expected);
        let half = Period::new(at("2026-09-30T22:00:00Z"), at("2026-10-06T10:00:00Z")).unwrap();
        let quantity = estimated(&points, half, &rule(&[Method::Daily30])).map(|found| found.1);
        assert_eq!(quantity, Some(55_000_000));
    }

    #[test]
    fn the_first_method_that_has_its_data_is_taken() {
        let month = [point(1, "2026-08-31T22:00:00Z", 100), point(1, "2026-09-30T22:00:00Z", 400)];
        let before = [point(1, "2025-09-30T22:00:00Z", 0), point(1, "2025-10-31T23:00:00Z", 62)];
        let year: Vec<ReadingPoint> = before.into_iter().chain(month).collect();
        let all = [Method::LastYear, Method::Daily90, Method::LastPeriod, Method::Daily30];
        // Readings, methods, what is found.
        let cases = [
            (&year[..], &all[..], Some((Method::LastYear, 62_000_000))),
            (&month[..], &all[..], Some((Method::LastPeriod, 300_000_000))),
            (&month[..], &[Method::Daily60, Method::Zero][..], Some((Method::Zero, 0))),
            (&month[..1], &all[..], None),
            (&month[..0], &[Method::Daily30, Method::Model][..], Some((Method::Model, 294_500_000))),
            (&month[..0], &all[..0], None),
        ];
        for (points, methods, expected) in cases {
            let found = estimated(points, october(), &rule(methods)).map(|(method, quantity, _)| (method, quantity));
            assert_eq!(found, expected, "{methods:?}");
        }
    }

    #[test]
    fn a_mean_of_the_model_says_of_how_many_printers_it_is() {
        let counted = "3496.00 m² by 4 other printers of the model";
        let basis = format!("{counted} in the 92 days before 2026-09-30T22:00:00Z, ÷ 4, × 31/92");
        let expected = Some((Method::Model, 294_500_000, basis));
        assert_eq!(estimated(&[], october(), &rule(&[Method::Model])), expected);
    }

    #[test]
    fn a_break_that_hides_usage_is_no_base() {
        let points = [
            point(1, "2026-08-31T22:00:00Z", 100),
            point(2, "2026-09-15T22:00:00Z", 3),
            point(2, "2026-09-30T22:00:00Z", 9),
        ];
        assert_eq!(estimated(&points, october(), &rule(&[Method::Daily30])), None);
    }

    #[test]
    fn no_estimate_stands_for_longer_than_agreed() {
        let points = [point(1, "2026-08-31T22:00:00Z", 100), point(1, "2026-09-30T22:00:00Z", 400)];
        let rule = |days| Estimates { days, ..rule(&[Method::Daily30]) };
        assert!(estimated(&points, october(), &rule(31)).is_some());
        assert!(estimated(&points, october(), &rule(30)).is_none());
    }
}
