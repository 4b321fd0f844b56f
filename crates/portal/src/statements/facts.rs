//! Reads the facts that a statement is made from: a contract's printers, their jobs and their counters.
//!
//! Three queries, however many printers there are. Deliberately absent: which of these facts are billed.

use crate::db::{DbError, Row, Tx, params};
use crate::shell::ResellerScope;
use crate::shell::printer;
use billing::{CounterFact, JobFact, Meter, MeterKind, Period, PrinterUsage, Quantity, ReadingPoint, usage_between};
use report::{Grade, Instant, JobStatus};
use std::collections::{BTreeMap, BTreeSet};

/// Stays that touch the period. At each edge of a stay's part of it: the last time that the printer was
/// read, with the grade of that reading.
const STAYS: &str = "select stay.printer_id, stay.from_at, stay.to_at,
    printer.serial, printer.product_name, printer.nickname,
    (select max(seen.read_at) from reading_set as seen
        where seen.reseller_id = stay.reseller_id and seen.printer_id = stay.printer_id
        and seen.read_at <= case when stay.from_at > $3 then stay.from_at else $3 end),
    (select seen.grade from reading_set as seen
        where seen.reseller_id = stay.reseller_id and seen.printer_id = stay.printer_id
        and seen.read_at <= case when stay.from_at > $3 then stay.from_at else $3 end
        order by seen.read_at desc limit 1),
    (select max(seen.read_at) from reading_set as seen
        where seen.reseller_id = stay.reseller_id and seen.printer_id = stay.printer_id
        and seen.read_at <= case when stay.to_at < $4 then stay.to_at else $4 end),
    (select seen.grade from reading_set as seen
        where seen.reseller_id = stay.reseller_id and seen.printer_id = stay.printer_id
        and seen.read_at <= case when stay.to_at < $4 then stay.to_at else $4 end
        order by seen.read_at desc limit 1),
    coalesce((select min(seen.read_at) from reading_set as seen
        where seen.reseller_id = stay.reseller_id and seen.printer_id = stay.printer_id), printer.first_seen_at)
    from contract_printer as stay
    join printer on printer.reseller_id = stay.reseller_id and printer.printer_id = stay.printer_id
    where stay.reseller_id = $1 and stay.contract_id = $2
    and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3)
    order by printer.serial, stay.from_at";
/// The current versions of the jobs that finished in the period while their printer was in the contract.
const JOBS: &str = "select job.printer_id, stay.from_at, job.job_key, job.finished_at, job.status, job.grade,
    job.quantities
    from contract_printer as stay
    join job on job.reseller_id = stay.reseller_id and job.printer_id = stay.printer_id
    where stay.reseller_id = $1 and stay.contract_id = $2
    and job.finished_at >= $3 and job.finished_at < $4
    and job.finished_at >= stay.from_at and (stay.to_at is null or job.finished_at < stay.to_at)
    and not exists (select 1 from job_superseded as later
        where later.reseller_id = job.reseller_id and later.printer_id = job.printer_id
        and later.job_key = job.job_key and later.version = job.version)";
/// The readings of each counter from the last one before the period on, until its end.
const READINGS: &str = "select reading.printer_id, reading.meter, reading.media, reading.segment, reading.value,
    reading.read_at, reading.grade, counter.read_at
    from counter
    join reading on reading.reseller_id = counter.reseller_id and reading.printer_id = counter.printer_id
        and reading.meter = counter.meter and reading.media = counter.media
    where counter.reseller_id = $1
    and counter.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2
        and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))
    and reading.read_at <= $4
    and reading.read_at >= coalesce((select max(earlier.read_at) from reading as earlier
        where earlier.reseller_id = counter.reseller_id and earlier.printer_id = counter.printer_id
        and earlier.meter = counter.meter and earlier.media = counter.media and earlier.read_at <= $3), $3)";

/// When a printer was read, and how well that is proved.
type Seen = (Instant, Grade);

/// A printer's stay, as far as it touches the period.
struct Stay {
    printer_id: i64,
    label: String,
    serial: String,
    from: Instant,
    to: Option<Instant>,
    known_since: Instant,
    /// The last times that the printer was read by the edges of the stay's part of the period.
    edges: Vec<Seen>,
}

/// The readings of one counter.
struct Counter {
    /// When it was read last, whether its value had changed or not.
    read_at: Instant,
    points: Vec<ReadingPoint>,
}

type CounterKey = (Meter, Option<String>);
/// The counters of each printer.
type Counters = BTreeMap<i64, BTreeMap<CounterKey, Counter>>;

/// The printers of a contract with their facts of a period; counters only of `kinds`.
pub(super) fn printers(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
    kinds: &BTreeSet<MeterKind>,
) -> Result<Vec<PrinterUsage>, DbError> {
    let stays = stays(tx, scope, contract_id, period)?;
    let mut jobs = jobs(tx, scope, contract_id, period)?;
    let counters = counters(tx, scope, contract_id, period, kinds)?;
    let none = BTreeMap::new();
    let usage = |stay: Stay| PrinterUsage {
        jobs: jobs.remove(&(stay.printer_id, stay.from)).unwrap_or_default(),
        counters: counter_facts(counters.get(&stay.printer_id).unwrap_or(&none), &stay, period),
        id: stay.printer_id.to_string(),
        label: stay.label,
        serial: Some(stay.serial),
        from: stay.from,
        to: stay.to,
        known_since: Some(stay.known_since),
    };
    Ok(stays.into_iter().map(usage).collect())
}

fn grade(word: &str, column: usize) -> Result<Grade, DbError> {
    Grade::parse(word).ok_or(DbError::Shape { column, wanted: "a grade" })
}

fn seen(row: &Row, column: usize) -> Result<Option<Seen>, DbError> {
    let (Some(at), Some(word)) = (row.opt_int(column)?, row.opt_text(column + 1)?) else { return Ok(None) };
    Ok(Some((Instant(at), grade(&word, column + 1)?)))
}

fn stays(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64, period: Period) -> Result<Vec<Stay>, DbError> {
    tx.query(STAYS, params![scope.reseller_id(), contract_id, period.start, period.end], |row| {
        let serial = row.text(3)?;
        Ok(Stay {
            printer_id: row.int(0)?,
            label: printer::label(row.opt_text(5)?.as_deref(), row.opt_text(4)?.as_deref(), None, &serial),
            serial,
            from: Instant(row.int(1)?),
            to: row.opt_int(2)?.map(Instant),
            edges: [seen(row, 6)?, seen(row, 8)?].into_iter().flatten().collect(),
            known_since: Instant(row.int(10)?),
        })
    })
}

/// The jobs of each stay, by printer and the stay's first instant.
fn jobs(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
) -> Result<BTreeMap<(i64, Instant), Vec<JobFact>>, DbError> {
    let mut jobs: BTreeMap<(i64, Instant), Vec<JobFact>> = BTreeMap::new();
    tx.query(JOBS, params![scope.reseller_id(), contract_id, period.start, period.end], |row| {
        let quantities: Vec<Quantity> = serde_json::from_str(&row.text(6)?)?;
        let job = JobFact {
            key: row.text(2)?,
            finished_at: Instant(row.int(3)?),
            // The word of no status is a job without one.
            status: JobStatus::parse(&row.text(4)?),
            grade: grade(&row.text(5)?, 5)?,
            quantities,
        };
        jobs.entry((row.int(0)?, Instant(row.int(1)?))).or_default().push(job);
        Ok(())
    })?;
    Ok(jobs)
}

fn counters(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
    kinds: &BTreeSet<MeterKind>,
) -> Result<Counters, DbError> {
    let mut counters = Counters::new();
    tx.query(READINGS, params![scope.reseller_id(), contract_id, period.start, period.end], |row| {
        let meter = Meter::parse(&row.text(1)?).map_err(|error| DbError::Unfit(error.to_string()))?;
        if !kinds.contains(&meter.kind()) {
            return Ok(());
        }
        let point = ReadingPoint {
            segment: u32::try_from(row.int(3)?).unwrap_or(u32::MAX),
            value: row.int(4)?,
            read_at: Instant(row.int(5)?),
            grade: grade(&row.text(6)?, 6)?,
        };
        let key = (meter, Some(row.text(2)?).filter(|media| !media.is_empty()));
        let read_at = Instant(row.int(7)?);
        let of_printer = counters.entry(row.int(0)?).or_default();
        of_printer.entry(key).or_insert_with(|| Counter { read_at, points: Vec::new() }).points.push(point);
        Ok(())
    })?;
    Ok(counters)
}

/// What a printer's counters counted in the part of the period that it stayed.
fn counter_facts(counters: &BTreeMap<CounterKey, Counter>, stay: &Stay, period: Period) -> Vec<CounterFact> {
    let start = period.start.max(stay.from);
    let end = stay.to.map_or(period.end, |to| period.end.min(to));
    let Ok(part) = Period::new(start, end) else { return Vec::new() };
    let fact = |((meter, media), counter): (&CounterKey, &Counter)| CounterFact {
        meter: meter.clone(),
        media: media.clone(),
        usage: usage_between(&with_edges(counter, &stay.edges), &part),
    };
    counters.iter().map(fact).collect()
}

/// The readings of a counter, and those at the edges that only repeated its value.
///
/// The ledger keeps a reading when its value changed. A printer that was read later without a change
/// proves the same value at that later time; the quantity stays what it is.
fn with_edges(counter: &Counter, edges: &[Seen]) -> Vec<ReadingPoint> {
    let mut points = counter.points.clone();
    for (seen_at, grade) in edges {
        let at = counter.read_at.min(*seen_at);
        let before = counter.points.iter().filter(|point| point.read_at <= at);
        let before = before.max_by_key(|point| (point.segment, point.read_at));
        if let Some(before) = before.filter(|before| before.read_at < at) {
            points.push(ReadingPoint { read_at: at, grade: *grade, ..*before });
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Unmeasured;

    fn point(segment: u32, read_at: i64, value: i64) -> ReadingPoint {
        ReadingPoint { segment, value, read_at: Instant(read_at), grade: Grade::B }
    }

    fn stay(from: i64, to: Option<i64>, edges: &[i64]) -> Stay {
        Stay {
            printer_id: 7,
            label: "T930".to_owned(),
            serial: "CN1".to_owned(),
            from: Instant(from),
            to: to.map(Instant),
            known_since: Instant(0),
            edges: edges.iter().map(|at| (Instant(*at), Grade::C)).collect(),
        }
    }

    fn facts(points: &[ReadingPoint], read_at: i64, stay: &Stay) -> CounterFact {
        let counter = Counter { read_at: Instant(read_at), points: points.to_vec() };
        let counters = BTreeMap::from([((Meter::whole(MeterKind::Pages), None), counter)]);
        let period = Period::new(Instant(100), Instant(200)).unwrap();
        counter_facts(&counters, stay, period).remove(0)
    }

    #[test]
    fn a_reading_that_repeats_a_value_moves_the_edge_and_not_the_quantity() {
        let points = [point(1, 20, 5), point(1, 150, 9)];
        let without = facts(&points, 150, &stay(0, None, &[])).usage;
        let with = facts(&points, 198, &stay(0, None, &[90, 198])).usage;
        assert_eq!((without.quantity, with.quantity), (4, 4));
        let start = with.start.map(|start| (start.read_at, start.value, start.grade));
        let end = with.end.map(|end| (end.read_at, end.value, end.grade));
        assert_eq!(start, Some((Instant(90), 5, Grade::C)));
        assert_eq!(end, Some((Instant(198), 9, Grade::C)));
    }

    #[test]
    fn a_printer_that_was_read_and_did_not_print_was_measured() {
        let idle = facts(&[point(1, 20, 5)], 190, &stay(0, None, &[90, 190])).usage;
        assert_eq!((idle.quantity, idle.unmeasured), (0, vec![]));
        // The printer was read at 190, but this counter was not any more after 95.
        let lost = facts(&[point(1, 20, 5)], 95, &stay(0, None, &[90, 190])).usage;
        assert_eq!(lost.unmeasured, [Unmeasured::SinceLast(Instant(95))]);
    }

    #[test]
    fn a_stay_cuts_the_period() {
        let points = [point(1, 20, 5), point(1, 120, 6), point(1, 150, 9), point(1, 180, 20)];
        assert_eq!(facts(&points, 180, &stay(120, Some(160), &[])).usage.quantity, 3);
        assert_eq!(facts(&points, 180, &stay(0, None, &[])).usage.quantity, 15);
    }
}
