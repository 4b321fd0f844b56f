//! Jobs of which a statement reads only sums: folds of agents whose disk was full, and usage cells that stand
//! for the jobs.
//!
//! A fold counts as usage, with its mark, only where no other agent brought jobs of that printer and time: else the
//! same jobs could count twice. It does not tell printed jobs from cancelled ones, so that a person signs it: see
//! `billing::readiness`. Cells are whole calendar months at the site, and only what contracts
//! bill by default is in them; where they would not say the same as the jobs, nobody may use them. Deliberately
//! absent: moving the cells, which `ledger` does, and evidence: cells prove nothing.

use super::facts::{Asked, Origins, Stay, number};
use crate::db::{DbError, Param, Tx};
use billing::{Meter, MeterKind, Month, Period, Quantity, SumFact, SumKind, Terms, month_of};
use evidence::{Sums, sum_quantities};
use report::{CategoryUse, Grade, Instant};
use std::collections::BTreeMap;

/// The folds whose last job finished in the period.
const FOLDS: &str = "select fold.printer_id, fold.since_at, fold.until_at, fold.jobs, fold.pages, fold.area_printed,
    fold.area_media, fold.ink, fold.categories, fold.agent_id, fold.sequence,
    (select count(*) from job as beside
        where beside.reseller_id = fold.reseller_id and beside.printer_id = fold.printer_id
        and beside.finished_at >= fold.since_at and beside.finished_at <= fold.until_at
        and beside.agent_id <> fold.agent_id)
    from job_fold as fold
    where fold.reseller_id = $1
    and fold.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and fold.until_at >= $3 and fold.until_at < $4
    order by fold.printer_id, fold.until_at, fold.agent_id, fold.sequence, fold.record";
/// The packages with the jobs that other agents brought of the time of a fold.
const BESIDE: &str = "select distinct beside.agent_id, beside.sequence
    from job_fold as fold
    join job as beside on beside.reseller_id = fold.reseller_id and beside.printer_id = fold.printer_id
        and beside.finished_at >= fold.since_at and beside.finished_at <= fold.until_at
        and beside.agent_id <> fold.agent_id
    where fold.reseller_id = $1
    and fold.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and fold.until_at >= $3 and fold.until_at < $4";
/// The usage cells of the months from `$5` to `$6`.
const CELLS: &str = "select cell.printer_id, cell.month, cell.meter, cell.media, cell.quantity
    from usage as cell
    where cell.reseller_id = $1
    and cell.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and cell.month >= $5 and cell.month <= $6
    order by cell.printer_id, cell.month, cell.meter, cell.media";

/// Months of one statement at most.
const MONTHS_MAX: usize = 36;

/// The folds of the period by printer; names the packages that brought them, and those with jobs of their time.
pub(super) fn folds(
    tx: &mut Tx<'_>,
    asked: &Asked,
    origins: &mut Origins,
) -> Result<BTreeMap<i64, Vec<SumFact>>, DbError> {
    let mut folds: BTreeMap<i64, Vec<SumFact>> = BTreeMap::new();
    tx.query(FOLDS, &asked.params(), |row| {
        let categories: Vec<CategoryUse> = serde_json::from_str(&row.text(8)?)?;
        origins.add(&row.text(9)?, number(row.int(10)?, 10)?);
        let sums = Sums {
            jobs: number(row.int(3)?, 3)?,
            pages: row.int(4)?,
            area_printed: row.int(5)?,
            area_media: row.int(6)?,
            ink: row.int(7)?,
            categories: &categories,
        };
        let fact = SumFact {
            kind: if row.int(11)? == 0 { SumKind::Fold } else { SumKind::Beside },
            since: Instant(row.int(1)?),
            until: Instant(row.int(2)?),
            jobs: sums.jobs,
            // Its agent says the sum; the jobs behind it are gone.
            grade: Grade::C,
            quantities: sum_quantities(&sums),
        };
        folds.entry(row.int(0)?).or_default().push(fact);
        Ok(())
    })?;
    if folds.values().flatten().any(|fact| fact.kind == SumKind::Beside) {
        tx.query(BESIDE, &asked.params(), |row| {
            origins.add(&row.text(0)?, number(row.int(1)?, 1)?);
            Ok(())
        })?;
    }
    Ok(folds)
}

/// The calendar months, `yyyymm`, that the period is made of in the site's zone; `None` where cells of that
/// zone do not fit the period or the terms.
pub(super) fn months(terms: &Terms, period: Period, zone: &str) -> Option<BTreeMap<i64, Period>> {
    // Two names of one zone are taken for two: the jobs are asked then, which is slower and never wrong.
    if !terms.by_sums() || terms.time_zone != zone {
        return None;
    }
    let mut months = BTreeMap::new();
    let mut month = month_of(period.start, zone).ok()?;
    let mut reached = period.start;
    while reached < period.end && months.len() < MONTHS_MAX {
        let whole = Period::of_month(month, zone).ok()?;
        if whole.start != reached {
            return None;
        }
        reached = whole.end;
        months.insert(number_of(month), whole);
        month = month.following().ok()?;
    }
    (reached == period.end).then_some(months)
}

fn number_of(month: Month) -> i64 {
    i64::from(month.year()) * 100 + i64::from(month.month())
}

/// Whether each printer was in the contract for the whole period, once, at one site: else its cells hold usage
/// that is somebody else's.
pub(super) fn are_whole(stays: &[Stay], moves: &super::facts::Moves, period: Period) -> bool {
    let is_whole = |stay: &Stay| stay.from <= period.start && stay.to.is_none_or(|to| to >= period.end);
    let alone = stays.windows(2).all(|pair| pair[0].printer_id != pair[1].printer_id);
    let moved = moves.values().flat_map(BTreeMap::keys).any(|at| period.start < *at && *at < period.end);
    alone && !moved && stays.iter().all(is_whole)
}

/// The usage of each printer by month, from cells.
pub(super) fn cells(
    tx: &mut Tx<'_>,
    asked: &Asked,
    months: &BTreeMap<i64, Period>,
) -> Result<BTreeMap<i64, Vec<SumFact>>, DbError> {
    let (Some((first, _)), Some((last, _))) = (months.first_key_value(), months.last_key_value()) else {
        return Ok(BTreeMap::new());
    };
    let mut params = asked.params().to_vec();
    params.extend([Param::Int(*first), Param::Int(*last)]);
    let mut sums: BTreeMap<(i64, i64), SumFact> = BTreeMap::new();
    tx.query(CELLS, &params, |row| {
        let (number, amount) = (row.int(1)?, row.int(4)?);
        // A cell that came back to nothing is no usage, as no job is none.
        let Some(month) = months.get(&number).filter(|_| amount != 0) else { return Ok(()) };
        let meter = Meter::parse(&row.text(2)?).map_err(|error| DbError::Unfit(error.to_string()))?;
        let media = Some(row.text(3)?).filter(|media| !media.is_empty());
        let sum = sums.entry((row.int(0)?, number)).or_insert_with(|| SumFact {
            kind: SumKind::Cells,
            since: month.start,
            until: Instant(month.end.0.saturating_sub(1)),
            jobs: 0,
            // Cells do not know what proves the jobs in them.
            grade: Grade::C,
            quantities: Vec::new(),
        });
        if meter.kind() == MeterKind::Jobs {
            sum.jobs = sum.jobs.saturating_add(u64::try_from(amount).unwrap_or(0));
        }
        sum.quantities.push(Quantity { meter, media, amount });
        Ok(())
    })?;
    let mut cells: BTreeMap<i64, Vec<SumFact>> = BTreeMap::new();
    for ((printer, _), sum) in sums {
        cells.entry(printer).or_default().push(sum);
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Currency;

    const BERLIN: &str = "Europe/Berlin";

    fn terms(zone: &str) -> Terms {
        Terms::new(Currency::parse("EUR").expect("a currency"), zone)
    }

    fn october() -> Period {
        Period::calendar_month(2026, 10, BERLIN).expect("a month")
    }

    fn stay(printer_id: i64, from: i64, to: Option<i64>) -> Stay {
        Stay {
            printer_id,
            serial: String::new(),
            label: String::new(),
            known_since: Instant(0),
            from: Instant(from),
            to: to.map(Instant),
            position: None,
        }
    }

    #[test]
    fn cells_fit_whole_months_of_the_sites_zone_only() {
        let numbers = |terms: &Terms, period: Period, zone: &str| {
            months(terms, period, zone).map(|months| months.into_keys().collect::<Vec<_>>())
        };
        let (october, here) = (october(), terms(BERLIN));
        assert_eq!(numbers(&here, october, BERLIN), Some(vec![202_610]));
        let december = Period::calendar_month(2026, 12, BERLIN).expect("a month");
        let quarter = Period { end: december.end, ..october };
        assert_eq!(numbers(&here, quarter, BERLIN), Some(vec![202_610, 202_611, 202_612]));
        let part = Period { end: Instant(october.end.0 - 1), ..october };
        assert_eq!(numbers(&here, part, BERLIN), None);
        assert_eq!(numbers(&here, october, "Europe/Lisbon"), None);
        let mut cancelled_too = here;
        cancelled_too.billed_statuses.insert(report::JobStatus::Cancelled);
        assert_eq!(numbers(&cancelled_too, october, BERLIN), None);
    }

    #[test]
    fn a_printer_that_came_left_returned_or_moved_is_not_whole() {
        let (period, none) = (october(), BTreeMap::new());
        let (start, end) = (period.start.0, period.end.0);
        let whole = [stay(1, 0, None), stay(2, start, Some(end))];
        assert!(are_whole(&whole, &none, period));
        for stays in [
            vec![stay(1, start + 1, None)],
            vec![stay(1, 0, Some(end - 1))],
            vec![stay(1, 0, Some(end)), stay(1, 0, None)],
        ] {
            assert!(!are_whole(&stays, &none, period), "{stays:?}");
        }
        let moved = |at: i64| BTreeMap::from([(1, BTreeMap::from([(Instant(at), 9)]))]);
        assert!(are_whole(&whole, &moved(start), period));
        assert!(!are_whole(&whole, &moved(start + 1), period));
    }
}
