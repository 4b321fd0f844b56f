//! Appends job facts and moves the usage cells by what was really inserted.

use super::{JobEntry, Memory};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{Db, DbError, Param, Tx, params};
use billing::{MeterKind, Quantity};
use report::JobStatus;
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
    pub(crate) read_at: report::Instant,
    pub(crate) finished_at: report::Instant,
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
struct Kept {
    version: i64,
    read_at: i64,
    digest: Vec<u8>,
    quantities: Vec<Quantity>,
    counted: bool,
    finished_at: report::Instant,
}

/// Appends jobs; gives how many rows were inserted. Printers and zones must be learnt.
pub(crate) fn append_jobs(tx: &mut Tx<'_>, memory: &Memory, jobs: &[PlacedJob<'_>]) -> Result<usize, DbError> {
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
    let mut known = Vec::new();
    for ((job, key), inserted) in jobs.iter().zip(&keys).zip(&inserted) {
        if *inserted {
            let entry = job.entry;
            cells.add(memory, entry, key.1, job.finished_at, &entry.quantities, counts(entry.job.status), 1)?;
        } else {
            known.push((job, key));
        }
    }
    let mut count = inserted.iter().filter(|inserted| **inserted).count();
    if !known.is_empty() {
        count += append_versions(tx, memory, &known, &mut cells)?;
    }
    cells.move_by(tx)?;
    Ok(count)
}

/// Only what was printed or scanned to its end is in the cells, as contracts bill it by default. A
/// job whose printer does not say how it ended counts as printed, as in `billing`.
fn counts(status: Option<JobStatus>) -> bool {
    !matches!(status, Some(JobStatus::Cancelled | JobStatus::Failed))
}

/// Jobs whose key is kept already: the same job again, or a later version of it.
fn append_versions(
    tx: &mut Tx<'_>,
    memory: &Memory,
    jobs: &[(&PlacedJob<'_>, &JobKey)],
    cells: &mut Cells,
) -> Result<usize, DbError> {
    let mut kept = load_versions(tx, jobs)?;
    let (mut rows, mut superseded) = (Vec::new(), Vec::new());
    for (job, key) in jobs {
        let entry = job.entry;
        let versions = kept.entry((*key).clone()).or_default();
        let current = versions.iter().max_by_key(|kept| (kept.read_at, kept.version)).cloned();
        let newer = current.as_ref().is_none_or(|current| job.read_at.0 >= current.read_at);
        // A newer reading is held against the version in force, since a job may change back; an older
        // one is no news where any version says the same.
        let said = |kept: &Kept| kept.digest == entry.digest.0;
        let known = if newer { current.as_ref().is_some_and(said) } else { versions.iter().any(said) };
        if known {
            continue;
        }
        let version = versions.iter().map(|kept| kept.version).max().unwrap_or(0) + 1;
        rows.push(row(job, key.1, version)?);
        let replaced = if newer { current.as_ref().map(|current| current.version) } else { Some(version) };
        if let Some(replaced) = replaced {
            superseded.push(params![key.0, key.1, &key.2, replaced].to_vec());
        }
        if newer {
            if let Some(old) = &current {
                cells.add(memory, entry, key.1, old.finished_at, &old.quantities, old.counted, -1)?;
            }
            cells.add(memory, entry, key.1, job.finished_at, &entry.quantities, counts(entry.job.status), 1)?;
        }
        versions.push(Kept {
            version,
            read_at: job.read_at.0,
            digest: entry.digest.0.to_vec(),
            quantities: entry.quantities.clone(),
            counted: counts(entry.job.status),
            finished_at: job.finished_at,
        });
    }
    if JOB.insert(tx, &rows)?.contains(&false) {
        return Err(DbError::Unfit("another portal process inserted a version of these jobs meanwhile".to_owned()));
    }
    SUPERSEDED.insert(tx, &superseded)?;
    Ok(rows.len())
}

fn load_versions(tx: &mut Tx<'_>, jobs: &[(&PlacedJob<'_>, &JobKey)]) -> Result<BTreeMap<JobKey, Vec<Kept>>, DbError> {
    let mut keys: Vec<Vec<Param>> =
        jobs.iter().map(|(_, (reseller, printer, key))| params![*reseller, *printer, key].to_vec()).collect();
    keys.sort();
    keys.dedup();
    let found = tx.query_any(VERSIONS, &["reseller_id", "printer_id", "job_key"], &keys, |row| {
        let status = row.text(7)?;
        let kept = Kept {
            version: row.int(3)?,
            read_at: row.int(4)?,
            digest: row.bytes(5)?,
            quantities: serde_json::from_str(&row.text(6)?)?,
            counted: ![JobStatus::Cancelled.word(), JobStatus::Failed.word()].contains(&status.as_str()),
            finished_at: report::Instant(row.int(8)?),
        };
        Ok(((row.int(0)?, row.int(1)?, row.text(2)?), kept))
    })?;
    let mut versions: BTreeMap<JobKey, Vec<Kept>> = BTreeMap::new();
    for (key, kept) in found {
        versions.entry(key).or_default().push(kept);
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
        finished_at: report::Instant,
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
