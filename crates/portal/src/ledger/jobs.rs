//! Appends job facts and moves the usage cells by what was really inserted.
//!
//! Deliberately absent: what a job counts and which of its versions is in force, which crate `evidence` says.

use super::counters::PrinterId;
use super::{Arrivals, JobEntry, Memory, unitless};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{Db, DbError, Param, Tx, params};
use billing::{MeterKind, Quantity};
use evidence::{Kept, Offer, in_force, offer};
use protocol::Hex;
use report::{Instant, JobStatus};
use std::collections::BTreeMap;

const JOB: Bulk = Bulk {
    table: "job",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("job_key", Kind::Text),
        ("version", Kind::Int),
        ("finished_at", Kind::Int),
        ("read_at", Kind::Int),
        ("core_digest", Kind::Bytes),
        ("kind", Kind::Text),
        ("status", Kind::Text),
        ("source", Kind::Text),
        ("category", Kind::Text),
        ("media", Kind::Text),
        ("quality", Kind::Text),
        ("pages", Kind::Int),
        ("copies", Kind::Int),
        ("area_printed", Kind::Int),
        ("area_media", Kind::Int),
        ("ink", Kind::Int),
        ("name", Kind::Text),
        ("user_name", Kind::Text),
        ("account", Kind::Text),
        ("defects", Kind::Int),
        ("grade", Kind::Text),
        ("agent_id", Kind::Text),
        ("sequence", Kind::Int),
        ("record", Kind::Int),
        ("quantities", Kind::Text),
        ("dated_by", Kind::Text),
        ("project", Kind::Text),
        ("non_white", Kind::Int),
        ("colour_share", Kind::Int),
    ],
    key: 4,
    on_conflict: "do nothing",
};
const SUPERSEDED: Bulk = Bulk {
    table: "job_superseded",
    columns: &[("reseller_id", Kind::Int), ("printer_id", Kind::Int), ("job_key", Kind::Text), ("version", Kind::Int)],
    key: 4,
    on_conflict: "do nothing",
};
const VERSIONS: &str =
    "select reseller_id, printer_id, job_key, version, read_at, core_digest, quantities, status, finished_at from job";
const USAGE: Bulk = Bulk {
    table: "usage",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("month", Kind::Int),
        ("meter", Kind::Text),
        ("media", Kind::Text),
        ("quantity", Kind::Int),
    ],
    key: 5,
    on_conflict: "do update set quantity = usage.quantity + excluded.quantity",
};
const USAGE_DAY: Bulk = Bulk {
    table: "usage_day",
    columns: &[
        ("reseller_id", Kind::Int),
        ("customer_id", Kind::Int),
        ("day", Kind::Int),
        ("meter", Kind::Text),
        ("quantity", Kind::Int),
    ],
    key: 4,
    on_conflict: "do update set quantity = usage_day.quantity + excluded.quantity",
};

type JobKey = (i64, i64, String);

/// A job with the times that are believed.
pub(crate) struct PlacedJob<'a> {
    pub(crate) entry: &'a JobEntry,
    pub(crate) read_at: Instant,
    pub(crate) finished_at: Instant,
    /// `printer`, or `receipt` where the printer's time could not be.
    pub(crate) dated_by: &'static str,
}

impl<'a> PlacedJob<'a> {
    /// The job with the times that it came with.
    fn as_said(entry: &'a JobEntry) -> PlacedJob<'a> {
        PlacedJob { entry, read_at: entry.read_at, finished_at: entry.finished_at, dated_by: "printer" }
    }
}

/// A version of a job that is already kept.
#[derive(Clone)]
struct Version {
    number: i64,
    kept: Kept,
    quantities: Vec<Quantity>,
    counted: bool,
    finished_at: Instant,
}

/// A version of a job that is new: whose, which, its number.
type Fresh<'a> = (PrinterId, &'a PlacedJob<'a>, i64);

/// Appends jobs; gives how many rows were inserted. Printers and zones must be learnt.
pub(crate) fn append_jobs(
    tx: &mut Tx<'_>,
    memory: &Memory,
    jobs: &[PlacedJob<'_>],
    arrivals: &mut Arrivals,
) -> Result<usize, DbError> {
    let mut keys = Vec::with_capacity(jobs.len());
    let mut rows = Vec::with_capacity(jobs.len());
    for job in jobs {
        let entry = job.entry;
        let printer_id = memory.printer(&entry.origin.agent, &entry.printer.serial)?;
        keys.push((entry.origin.agent.reseller_id, printer_id, entry.key.clone()));
        rows.push(row(job, printer_id, 1)?);
    }
    let inserted = JOB.insert(tx, &rows)?;
    let mut cells = Cells::default();
    let (mut known, mut fresh): (Vec<(&PlacedJob<'_>, &JobKey)>, Vec<Fresh<'_>>) = (Vec::new(), Vec::new());
    for ((job, key), inserted) in jobs.iter().zip(&keys).zip(&inserted) {
        if *inserted {
            let entry = job.entry;
            cells.add(memory, entry, key.1, job.finished_at, &entry.quantities, counts(entry.job.status), 1)?;
            fresh.push(((key.0, key.1), job, 1));
        } else {
            known.push((job, key));
        }
    }
    if !known.is_empty() {
        fresh.extend(append_versions(tx, memory, &known, &mut cells)?);
    }
    cells.move_by(tx)?;
    for ((_, printer), job, _) in &fresh {
        arrivals.add(memory, &job.entry.origin.agent, *printer, job.finished_at)?;
    }
    unitless::keep_of_jobs(tx, &fresh)?;
    Ok(fresh.len())
}

/// Only what was printed or scanned to its end is in the cells, as contracts bill it by default. A
/// job whose printer does not say how it ended counts as printed, as in `billing`.
fn counts(status: Option<JobStatus>) -> bool {
    !matches!(status, Some(JobStatus::Cancelled | JobStatus::Failed))
}

/// Jobs whose key is kept already: the same job again, or a later version of it. Gives those that are kept.
fn append_versions<'a>(
    tx: &mut Tx<'_>,
    memory: &Memory,
    jobs: &[(&'a PlacedJob<'a>, &JobKey)],
    cells: &mut Cells,
) -> Result<Vec<Fresh<'a>>, DbError> {
    let mut known = load_versions(tx, jobs)?;
    let (mut rows, mut superseded, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    for (job, key) in jobs {
        let (entry, job) = (job.entry, *job);
        let versions = known.entry((*key).clone()).or_default();
        let kept: Vec<Kept> = versions.iter().map(|version| version.kept).collect();
        let offer = offer(&kept, job.read_at, &entry.digest);
        if offer == Offer::Known {
            continue;
        }
        let number = versions.iter().map(|version| version.number).max().unwrap_or(0) + 1;
        rows.push(row(job, key.1, number)?);
        fresh.push(((key.0, key.1), job, number));
        let current = in_force(&kept).and_then(|place| versions.get(place)).cloned();
        let is_newer = offer == Offer::InForce;
        let replaced = if is_newer { current.as_ref().map(|current| current.number) } else { Some(number) };
        if let Some(replaced) = replaced {
            superseded.push(params![key.0, key.1, &key.2, replaced].to_vec());
        }
        if is_newer {
            if let Some(old) = &current {
                cells.add(memory, entry, key.1, old.finished_at, &old.quantities, old.counted, -1)?;
            }
            cells.add(memory, entry, key.1, job.finished_at, &entry.quantities, counts(entry.job.status), 1)?;
        }
        versions.push(Version {
            number,
            kept: Kept { read_at: job.read_at, digest: entry.digest },
            quantities: entry.quantities.clone(),
            counted: counts(entry.job.status),
            finished_at: job.finished_at,
        });
    }
    if JOB.insert(tx, &rows)?.contains(&false) {
        return Err(DbError::Unfit("another portal process inserted a version of these jobs meanwhile".to_owned()));
    }
    SUPERSEDED.insert(tx, &superseded)?;
    Ok(fresh)
}

/// The versions of jobs, in the order they arrived.
fn load_versions(
    tx: &mut Tx<'_>,
    jobs: &[(&PlacedJob<'_>, &JobKey)],
) -> Result<BTreeMap<JobKey, Vec<Version>>, DbError> {
    let mut keys: Vec<Vec<Param>> =
        jobs.iter().map(|(_, (reseller, printer, key))| params![*reseller, *printer, key].to_vec()).collect();
    keys.sort();
    keys.dedup();
    let found = tx.query_any(VERSIONS, &["reseller_id", "printer_id", "job_key"], &keys, |row| {
        let status = row.text(7)?;
        let version = Version {
            number: row.int(3)?,
            kept: Kept { read_at: Instant(row.int(4)?), digest: Hex(row.array(5)?) },
            quantities: serde_json::from_str(&row.text(6)?)?,
            counted: ![JobStatus::Cancelled.word(), JobStatus::Failed.word()].contains(&status.as_str()),
            finished_at: Instant(row.int(8)?),
        };
        Ok(((row.int(0)?, row.int(1)?, row.text(2)?), version))
    })?;
    let mut versions: BTreeMap<JobKey, Vec<Version>> = BTreeMap::new();
    for (key, version) in found {
        versions.entry(key).or_default().push(version);
    }
    for of_job in versions.values_mut() {
        of_job.sort_by_key(|version| version.number);
    }
    Ok(versions)
}

fn row(placed: &PlacedJob<'_>, printer_id: i64, version: i64) -> Result<Vec<Param>, DbError> {
    let entry = placed.entry;
    let (job, origin, personal) = (&entry.job, &entry.origin, &entry.personal);
    let print = job.print.as_ref();
    let total = |kind| {
        let amounts = entry.quantities.iter().filter(|quantity| quantity.meter.kind() == kind);
        amounts.map(|quantity| quantity.amount).reduce(i64::saturating_add)
    };
    let largest = print.and_then(|print| print.categories.iter().max_by_key(|use_of| use_of.printed_area));
    let status = job.status.map_or("unknown", JobStatus::word);
    Ok(vec![
        origin.agent.reseller_id.into(),
        printer_id.into(),
        entry.key.as_str().into(),
        version.into(),
        placed.finished_at.into(),
        placed.read_at.into(),
        entry.digest.0.as_slice().into(),
        job.kind.word().into(),
        status.into(),
        print.and_then(|print| print.source.as_deref()).into(),
        largest.map(|use_of| use_of.category.id()).into(),
        print.and_then(|print| print.media.as_deref()).into(),
        print.and_then(|print| print.quality.as_deref()).into(),
        print.and_then(|print| print.pages).into(),
        print.and_then(|print| print.copies).into(),
        total(MeterKind::AreaPrinted).into(),
        total(MeterKind::AreaMedia).into(),
        total(MeterKind::Ink).into(),
        personal.name.as_deref().into(),
        personal.user.as_deref().into(),
        personal.account.as_deref().into(),
        entry.defects.into(),
        origin.grade.word().into(),
        origin.agent.agent_id.as_str().into(),
        origin.sequence.into(),
        origin.record.into(),
        serde_json::to_string(&entry.quantities)?.into(),
        placed.dated_by.into(),
        personal.project.as_deref().into(),
        entry.coverage.map(|coverage| coverage.non_white.0).into(),
        entry.coverage.map(|coverage| coverage.colour.0).into(),
    ])
}

/// The movement of the usage cells by one batch, each cell once.
#[derive(Default)]
struct Cells {
    months: BTreeMap<(i64, i64, i64, String, String), i64>,
    days: BTreeMap<(i64, i64, i64, String), i64>,
}

impl Cells {
    #[allow(clippy::too_many_arguments)]
    fn add(
        &mut self,
        memory: &Memory,
        entry: &JobEntry,
        printer_id: i64,
        finished_at: Instant,
        quantities: &[Quantity],
        counted: bool,
        sign: i64,
    ) -> Result<(), DbError> {
        if !counted {
            return Ok(());
        }
        let agent = &entry.origin.agent;
        let (month, day) = memory.dates(agent, finished_at)?;
        for quantity in quantities {
            let meter = quantity.meter.to_string();
            let media = quantity.media.clone().unwrap_or_default();
            // Each amount is within 10^12, a batch holds at most 64 packages of 512 records.
            let amount = sign * quantity.amount;
            if matches!(quantity.meter.kind(), MeterKind::AreaPrinted | MeterKind::Jobs) {
                *self.days.entry((agent.reseller_id, agent.customer_id, day, meter.clone())).or_default() += amount;
            }
            *self.months.entry((agent.reseller_id, printer_id, month, meter, media)).or_default() += amount;
        }
        Ok(())
    }

    fn move_by(self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let months = self.months.into_iter().filter(|(_, amount)| *amount != 0);
        let rows = months.map(|((reseller, printer, month, meter, media), amount)| {
            params![reseller, printer, month, meter, media, amount].to_vec()
        });
        USAGE.insert(tx, &rows.collect::<Vec<_>>())?;
        let days = self.days.into_iter().filter(|(_, amount)| *amount != 0);
        let rows = days
            .map(|((reseller, customer, day, meter), amount)| params![reseller, customer, day, meter, amount].to_vec());
        USAGE_DAY.insert(tx, &rows.collect::<Vec<_>>())?;
        Ok(())
    }
}

const BENCH_TABLE: &str = "create table bench_job as select * from job where reseller_id = 0;
    create unique index bench_job_key on bench_job (reseller_id, printer_id, job_key, version);";
const BENCH: Bulk = Bulk { table: "bench_job", columns: JOB.columns, key: JOB.key, on_conflict: JOB.on_conflict };

/// For a bench: makes a table like `job` with the unique index only.
pub(crate) fn bench_table(db: &Db) -> Result<(), DbError> {
    db.script(BENCH_TABLE, "delete from bench_job where reseller_id = $1", params![0_i64])
}

/// For a bench: the rows of jobs of one printer.
pub(crate) fn bench_rows(entries: &[JobEntry]) -> Result<Vec<Vec<Param>>, DbError> {
    entries.iter().map(|entry| row(&PlacedJob::as_said(entry), 1, 1)).collect()
}

/// For a bench: inserts rows into the table of [`bench_table`] in one transaction.
pub(crate) fn bench_insert(db: &Db, rows: &[Vec<Param>]) -> Result<usize, DbError> {
    db.write_now(|tx| Ok(BENCH.insert(tx, rows)?.into_iter().filter(|inserted| *inserted).count()))
}
