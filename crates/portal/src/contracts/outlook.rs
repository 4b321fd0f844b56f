//! What is to come of a contract: how far what is included is used, what changed limits of a printer cost, and the
//! days of notice and renewal.
//!
//! The running period is rated as far as it is known. Where that cannot be done, the reason stands there instead.
//! Deliberately absent: telling anybody, and all arithmetic, which is the billing crate's.

use super::page::ForecastRow;
use super::replay::{difference, in_force, unrated};
use super::store;
use crate::db::{DbError, Tx};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Fact, Status, Tone};
use crate::shell::{Error, ResellerScope};
use crate::statements::gather;
use billing::clauses::coverage::{By, Coverage, Drift, drift};
use billing::{Clause, Day, Forecast, Input, MeterKind, PeriodError, PricingUnit, Terms, ThresholdFact};
use report::{Duration, Instant};

/// How far ahead days of notice and renewal are shown.
const DATES_AHEAD: i32 = 24;
/// How many days ahead they are pointed out outside the contract's own page.
const COMING_DAYS: i32 = 90;
/// How long a change of limits is pointed out outside the contract's own page.
const CHANGED_WITHIN: Duration = Duration::hours(62 * 24);
/// Parts per million in a percent.
const PERCENT: i64 = 10_000;

/// What is to come.
#[derive(Default)]
pub(super) struct Outlook {
    /// How far what is included or paid in advance is used.
    pub(super) forecasts: Vec<ForecastRow>,
    /// What changed limits of a printer cost, as a sentence.
    pub(super) drift: Option<String>,
    /// The days of notice and renewal.
    pub(super) dates: Vec<Fact>,
    /// Why the running period could not be rated.
    pub(super) trouble: Option<String>,
}

/// What is to come of a contract with these terms in force.
pub(super) fn outlook(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    terms: &Terms,
    now: Instant,
) -> Result<Outlook, Error> {
    let mut outlook = Outlook { dates: dates(terms, now), ..Outlook::default() };
    let has = |wanted: fn(&Clause) -> bool| terms.clauses.iter().any(wanted);
    let forecasts = has(|clause| matches!(clause, Clause::Allowance(_) | Clause::Prepaid(_)));
    let limits = has(|clause| matches!(clause, Clause::Coverage(_)));
    // Without either, nothing needs to be rated.
    if !forecasts && !limits {
        return Ok(outlook);
    }
    let input = match running(tx, scope, contract_id, now) {
        Ok(Some(input)) => input,
        Ok(None) => return Ok(outlook),
        Err(Error::Conflict(words) | Error::Invalid(words)) => {
            outlook.trouble = Some(words);
            return Ok(outlook);
        }
        Err(error) => return Err(error),
    };
    if forecasts {
        match billing::forecast(&input, now) {
            Ok(found) => outlook.forecasts = found.iter().map(|of| row(of, &input.terms)).collect(),
            Err(error) => outlook.trouble = Some(format!("No forecast can be made: {}.", unrated(&error))),
        }
    }
    if limits {
        match drift(&input) {
            Ok(found) => outlook.drift = found.map(|drift| drift_words(&drift, &input)),
            Err(error) => outlook.trouble = Some(format!("The limits cannot be compared: {}.", unrated(&error))),
        }
    }
    Ok(outlook)
}

/// What is known of the period that runs; `None` where the contract is not in force yet.
fn running(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64, now: Instant) -> Result<Option<Input>, Error> {
    let Some(contract) = in_force(tx, scope, contract_id, Instant(now.0.saturating_add(1)))? else { return Ok(None) };
    let period = contract.terms.period.containing(now, &contract.terms.time_zone);
    let period = period.map_err(|error| Error::Conflict(error.to_string()))?;
    let mut input = gather::from_cells(tx, scope, &contract, period, now)?;
    input.carry = store::carry_before(tx, scope, contract_id, period.start)?;
    Ok(Some(input))
}

fn row(of: &Forecast, terms: &Terms) -> ForecastRow {
    let title = if of.pool.is_empty() { of.title.clone() } else { format!("{} · {}", of.title, of.pool) };
    let show = |quantity: i64| of.unit.show(quantity);
    let full = of.full_at.map(|at| {
        let zone = Zone::new(&terms.time_zone).unwrap_or_else(Zone::utc);
        format!(", used up about {}", format::day(at, &zone))
    });
    let words = format!(
        "{} of {} used; about {} by the end{}.",
        show(of.used),
        show(of.included),
        show(of.by_end),
        full.unwrap_or_default()
    );
    let tone = match of.threshold {
        Some(100) => Tone::Bad,
        Some(_) => Tone::Warn,
        None => Tone::Good,
    };
    let status = Status::new(tone, format!("{} used", format::share(of.reached)));
    ForecastRow { title, words, percent: (of.reached.0 / PERCENT).clamp(0, 100), status }
}

/// What changed limits cost, as a sentence with the numbers.
fn drift_words(drift: &Drift, input: &Input) -> String {
    let cost = difference(i128::from(drift.cost.0), input.terms.currency);
    let limits = |of: &billing::ThresholdFact| {
        format!("lines below {}, high density above {}", format::share(of.lines_below), format::share(of.high_above))
    };
    // What moved is of the first kind of meter that is billed by category.
    let kind = input.terms.kinds().into_iter().find(|kind| kind.has_category());
    let unit = kind.map_or(PricingUnit::SquareMetre, MeterKind::unit);
    let moved = drift.moved.iter().map(|(from, to, amount)| {
        format!(" {} count as {} instead of {}.", unit.show(*amount), to.label(), from.label())
    });
    let moved: String = if drift.charged { moved.collect() } else { String::new() };
    let makes = if drift.charged {
        format!("Without taxes this makes {cost} in this period so far.")
    } else {
        format!("The contract's own limits count; by the printer's it would be {cost} without taxes.")
    };
    format!(
        "A printer sorts by other limits than the contract's: {} instead of {}. {makes}{moved}",
        limits(&drift.now),
        limits(&drift.was)
    )
}

/// The days of notice and renewal to come.
fn dates(terms: &Terms, now: Instant) -> Vec<Fact> {
    let dates = days(terms, now, |today| today.plus_months(DATES_AHEAD));
    dates.into_iter().map(|(day, words)| Fact::new(day.to_string(), words)).collect()
}

/// The days of notice and renewal from today to a later day, each in the contract's zone.
fn days(terms: &Terms, now: Instant, until: impl Fn(Day) -> Result<Day, PeriodError>) -> Vec<(Day, String)> {
    let Ok(today) = Day::of(now, &terms.time_zone) else { return Vec::new() };
    let Ok(until) = until(today) else { return Vec::new() };
    let exits = terms.clauses.iter().filter_map(|clause| match clause {
        Clause::Exit(exit) => Some(exit),
        _ => None,
    });
    exits.flat_map(|exit| exit.dates(until)).filter(|(day, _)| *day >= today).collect()
}

/// A day of notice or renewal.
#[derive(Debug, Clone)]
pub(crate) struct Coming {
    /// `/contracts/{id}`.
    pub(crate) href: String,
    /// The contract's number.
    pub(crate) name: String,
    /// Its customer.
    pub(crate) customer: String,
    /// The day, in the contract's zone.
    pub(crate) day: Day,
    /// What happens then.
    pub(crate) words: String,
}

/// The days of notice and renewal of all contracts within the next 90 days, the nearest first.
pub(crate) fn coming(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<Vec<Coming>, DbError> {
    let mut coming = Vec::new();
    for running in store::with_exit(tx, scope, now)? {
        for (day, words) in days(&running.terms, now, |today| today.plus_days(COMING_DAYS)) {
            let href = format!("/contracts/{}", running.contract_id);
            let (name, customer) = (running.number.clone(), running.customer.clone());
            coming.push(Coming { href, name, customer, day, words });
        }
    }
    coming.sort_by_key(|of| of.day);
    Ok(coming)
}

/// A contract of which a printer sorts by other limits than before.
#[derive(Debug, Clone)]
pub(crate) struct DriftAlarm {
    /// `/contracts/{id}`.
    pub(crate) href: String,
    /// Its number.
    pub(crate) name: String,
    /// Its customer.
    pub(crate) customer: String,
    /// Since when, in the contract's zone: `since 12 Oct 2026`.
    pub(crate) since: String,
}

/// The contracts that take the printers' categories, of which a printer changed its limits in the last two months to
/// others than the contract's; at most `most`. What it costs stands on the contract's page and on the board, since
/// working that out takes all that was printed.
pub(crate) fn drifts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    now: Instant,
    most: i64,
) -> Result<Vec<DriftAlarm>, DbError> {
    let since = now.plus(Duration(-CHANGED_WITHIN.0));
    let alarm = |changed: store::Changed| {
        let coverage = changed.terms.clauses.iter().find_map(|clause| match clause {
            Clause::Coverage(coverage) => Some(coverage),
            _ => None,
        })?;
        // Where the contract's own limits count, nobody is charged by the printer's.
        let limits = changed.limits.values().filter(|_| coverage.by == By::Printer);
        let began = limits.filter_map(|limits| differs_since(coverage, limits)).filter(|at| since <= *at).min()?;
        let zone = Zone::new(&changed.terms.time_zone).unwrap_or_else(Zone::utc);
        Some(DriftAlarm {
            href: format!("/contracts/{}", changed.contract_id),
            name: changed.number,
            customer: changed.customer,
            since: format!("since {}", format::day(began, &zone)),
        })
    };
    let changed = store::changed(tx, scope, (now, since))?;
    Ok(changed.into_iter().filter_map(alarm).take(usize::try_from(most).unwrap_or(0)).collect())
}

/// Since when a printer's limits, the oldest first, are others than the contract's; `None` where the last ones are
/// the contract's, or where they never were.
fn differs_since(coverage: &Coverage, limits: &[ThresholdFact]) -> Option<Instant> {
    let same = limits.iter().rposition(|of| !coverage.differs(of))?;
    limits.get(same + 1).map(|of| of.from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::Share;
    use std::collections::BTreeMap;

    #[test]
    fn limits_differ_since_the_last_change_away_from_the_contracts() {
        let limits = |high: &[i64]| -> Vec<ThresholdFact> {
            let fact = |(from, high): (i64, &i64)| ThresholdFact {
                from: Instant(from),
                lines_below: report::LINES_BELOW,
                high_above: Share(*high),
                customization: BTreeMap::new(),
            };
            (1..).zip(high).map(fact).collect()
        };
        let usual = report::HIGH_ABOVE.0;
        // What a printer said, one after the other, and which of these began it.
        let cases: [(&[i64], Option<i64>); 6] = [
            (&[], None),
            (&[usual], None),
            (&[usual, 450_000], Some(2)),
            (&[usual, 450_000, usual, 400_000, 300_000], Some(4)),
            (&[usual, 450_000, usual], None),
            // It never had the contract's.
            (&[450_000, 400_000], None),
        ];
        for (high, expected) in cases {
            let since = differs_since(&Coverage::default(), &limits(high));
            assert_eq!(since, expected.map(Instant), "{high:?}");
        }
    }
}
