//! Which period a statement is for: cut by the version of the contract that bills it.
//!
//! Deliberately absent: whether that period may be billed, which `draw` says.

use super::store;
use crate::contracts::start_of_day;
use crate::db::{Tx, params};
use crate::shell::format::{self, Zone};
use crate::shell::{Error, FormData, ResellerScope};
use billing::{Day, Month, Period, PeriodError, Terms};
use jiff::civil::Date;
use report::{Duration, Instant};
use std::borrow::Borrow;

/// The longest period of one statement.
const PERIOD_MAX: Duration = Duration::hours(400 * 24);

const VERSIONS: &str = "select made.valid_from, made.terms from contract_version as made
    where made.reseller_id = $1 and made.contract_id = $2 and made.state = 'standing'
    order by made.valid_from desc, made.version desc";

/// The terms that bill the period of a month, and that period; else why it cannot be cut.
type Cut<T> = (T, Result<Period, PeriodError>);

/// Cuts the period of a month: of versions, the one that starts last first, the first that is in force before the
/// end of the period that it cuts itself. Of those that start at one instant only the first counts. `None` where no
/// period begins in the month.
pub(crate) fn cut<T: Borrow<Terms>>(
    versions: impl IntoIterator<Item = Result<(Instant, T), Error>>,
    month: Month,
) -> Result<Option<Cut<T>>, Error> {
    let mut last = None;
    for version in versions {
        let (valid_from, terms) = version?;
        if last.replace(valid_from) == Some(valid_from) {
            continue;
        }
        let own: &Terms = terms.borrow();
        match own.period.beginning_in(month, &own.time_zone) {
            Ok(period) if valid_from < period.end => return Ok(Some((terms, Ok(period)))),
            // It starts later: an earlier one bills this month.
            Ok(_) => {}
            Err(PeriodError::NotBeginning(_)) => {
                let first = Period::of_month(month, &own.time_zone).map(|of| of.start);
                let around = first.and_then(|first| own.period.containing(first, &own.time_zone));
                if around.is_ok_and(|around| valid_from <= around.start) {
                    return Ok(None);
                }
            }
            Err(error) => return Ok(Some((terms, Err(error)))),
        }
    }
    Ok(None)
}

/// That a period is still to come, in words.
pub(crate) fn not_begun(period: Period, zone: &Zone) -> String {
    let day = format::day(period.start, zone);
    format!("Period: it begins on {day}, which is still to come. Nothing is drawn up before a period has begun.")
}

/// The period that a form names for a contract: the one that begins in a month, else a first and a last day.
pub(super) fn named(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    form: &FormData,
) -> Result<Period, Error> {
    // There is such a contract, and a version of it counts.
    store::contract(tx, scope, contract_id, Instant(i64::MAX))?;
    let versions = tx.query(VERSIONS, params![scope.reseller_id(), contract_id], |row| {
        let terms: Terms = serde_json::from_str(&row.text(1)?)?;
        Ok((Instant(row.int(0)?), terms))
    })?;
    of_form(form, &versions)
}

/// `versions` as [`cut`] takes them.
fn of_form(form: &FormData, versions: &[(Instant, Terms)]) -> Result<Period, Error> {
    let either = |a: &'static str, b: &'static str| if form.text(a).is_empty() { form.text(b) } else { form.text(a) };
    let unfit = |error: PeriodError| Error::Invalid(format!("Period: {error}."));
    let month = either("period", "month");
    if !month.is_empty() {
        let month = Month::parse(month).map_err(unfit)?;
        let versions = versions.iter().map(|(valid_from, terms)| Ok((*valid_from, terms)));
        let found = cut(versions, month)?.map(|(_, period)| period);
        return found.unwrap_or(Err(PeriodError::NotBeginning(month))).map_err(unfit);
    }
    let (first, last) = (either("period_from", "from"), either("period_to", "to"));
    let wrong = || Error::Invalid("Period: choose a month, or say the first and the last day.".to_owned());
    for (valid_from, terms) in versions {
        let period = of_days(first, last, &terms.time_zone).ok_or_else(wrong)?;
        if period.end.since(period.start) > PERIOD_MAX {
            return Err(Error::Invalid("Period: a statement covers at most 400 days.".to_owned()));
        }
        if *valid_from < period.end {
            return within_one(period, terms);
        }
    }
    Err(Error::Conflict("The contract is not in force before the end of this period.".to_owned()))
}

/// Days of one period of the terms, or all of it; else it is refused: what is charged or included for a whole period
/// counts by the days that a statement has of it.
fn within_one(period: Period, terms: &Terms) -> Result<Period, Error> {
    let unfit = |error: PeriodError| Error::Invalid(format!("Period: {error}."));
    let own = terms.period.containing(period.start, &terms.time_zone).map_err(unfit)?;
    if period.end <= own.end {
        return Ok(period);
    }
    let last = Day::of(Instant(own.end.0.saturating_sub(1)), &terms.time_zone).map_err(unfit)?;
    let words = "fees, and what is included, count by the days of their own period";
    Err(Error::Invalid(format!(
        "Period: these days lie in more than one period of the contract; the first ends with {last}. Make a \
         statement for the days of each: {words}."
    )))
}

/// The days in a zone. The last one belongs to the period, so that it ends where the next day starts.
fn of_days(first: &str, last: &str, zone: &str) -> Option<Period> {
    let start = start_of_day(first, zone)?;
    let last: Date = last.parse().ok()?;
    let end = start_of_day(&last.tomorrow().ok()?.to_string(), zone)?;
    Period::new(start, end).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Currency, Every, PeriodRule};

    fn form(pairs: &[(&str, &str)]) -> FormData {
        FormData(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("a timestamp")
    }

    fn version(valid_from: &str, rule: PeriodRule, zone: &str) -> (Instant, Terms) {
        let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), zone);
        terms.period = rule;
        (at(valid_from), terms)
    }

    fn cut_by(versions: &[(Instant, Terms)], pairs: &[(&str, &str)]) -> Option<(String, String)> {
        let period = of_form(&form(pairs), versions).ok()?;
        Some((period.start.to_string(), period.end.to_string()))
    }

    fn span(from: &str, to: &str) -> Option<(String, String)> {
        Some((from.to_owned(), to.to_owned()))
    }

    const AMSTERDAM: &str = "Europe/Amsterdam";
    const OCTOBER: (&str, &str) = ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z");

    #[test]
    fn a_period_is_a_month_or_days_in_the_contracts_zone() {
        let months = [version("2019-01-01T00:00:00Z", PeriodRule::default(), AMSTERDAM)];
        let cut = |pairs: &[(&str, &str)]| cut_by(&months, pairs);
        let october = span(OCTOBER.0, OCTOBER.1);
        assert_eq!(cut(&[("period", "2026-10")]), october);
        assert_eq!(cut(&[("month", "2026-10"), ("period_from", "2026-01-01")]), october);
        assert_eq!(cut(&[("period", ""), ("period_from", "2026-10-01"), ("period_to", "2026-10-31")]), october);
        let wrong: [&[(&str, &str)]; 5] = [
            &[],
            &[("period", "2026-13")],
            &[("period_from", "2026-10-02")],
            &[("period_from", "2026-10-02"), ("period_to", "2026-10-01")],
            &[("period_from", "2020-01-01"), ("period_to", "2026-10-01")],
        ];
        for pairs in wrong {
            assert_eq!(cut(pairs), None, "{pairs:?}");
        }
    }

    #[test]
    fn a_month_names_the_contracts_own_period_that_begins_in_it() {
        let quarters = PeriodRule { every: Every::Quarter, ..PeriodRule::default() };
        let quarters = [version("2026-01-01T00:00:00Z", quarters, AMSTERDAM)];
        let quarter = span(OCTOBER.0, "2026-12-31T23:00:00Z");
        assert_eq!(cut_by(&quarters, &[("period", "2026-10")]), quarter);
        assert_eq!(cut_by(&quarters, &[("period", "2026-11")]), None);
    }

    #[test]
    fn a_period_is_cut_by_the_version_that_bills_it() {
        let quarters = PeriodRule { every: Every::Quarter, ..PeriodRule::default() };
        // Quarters of UTC from the new year on; a slip of the same day was put right.
        let versions = [
            version("2027-01-01T00:00:00Z", quarters, "UTC"),
            version("2027-01-01T00:00:00Z", PeriodRule::default(), "Asia/Tokyo"),
            version("2026-01-01T00:00:00Z", PeriodRule::default(), AMSTERDAM),
        ];
        let cut = |month: &str| cut_by(&versions, &[("period", month)]);
        assert_eq!(cut("2026-10"), span(OCTOBER.0, OCTOBER.1));
        assert_eq!(cut("2027-01"), span("2027-01-01T00:00:00Z", "2027-04-01T00:00:00Z"));
        assert_eq!(cut("2027-02"), None);
        let days = |from: &str, to: &str| cut_by(&versions, &[("period_from", from), ("period_to", to)]);
        // Days of two periods would bear neither's fee by its days.
        assert_eq!(days("2026-10-31", "2026-11-01"), None);
        assert_eq!(days("2026-11-30", "2026-11-30"), span("2026-11-29T23:00:00Z", "2026-11-30T23:00:00Z"));
        assert_eq!(days("2026-10-01", "2026-10-31"), span(OCTOBER.0, OCTOBER.1));
        assert_eq!(days("2027-01-01", "2027-01-15"), span("2027-01-01T00:00:00Z", "2027-01-16T00:00:00Z"));
        assert_eq!(days("2025-10-01", "2025-10-31"), None);
    }
}
