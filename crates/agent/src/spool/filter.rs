//! Tightening the privacy policy for what waits already and for what is kept.
//!
//! Deliberately absent: loosening. What was dropped was never written.

use super::append::job_digest;
use super::{Spool, SpoolError, WAITING, Waiting};
use protocol::package::{self, Core, Package, Timestamps, compress, core_record, cut_to_the_minute};
use report::Personal;
use rusqlite::{Connection, params};

impl Spool {
    /// Applies a tighter policy to all records that wait and all packages that are kept; gives how many
    /// records and unsent packages changed. A package loses all its annexes when one of them would change:
    /// its signature still holds.
    pub(crate) fn refilter(
        &mut self,
        tighten: &dyn Fn(&mut Personal),
        timestamps: Timestamps,
    ) -> Result<u64, SpoolError> {
        // What is replaced must not stay behind in free pages.
        self.connection.execute_batch("pragma secure_delete = on;")?;
        let tx = self.write()?;
        let mut changed = 0;
        let waiting = "select number from record where annex is not null or kind = 'job' order by number";
        for number in numbers(&tx, waiting)? {
            changed += u64::from(refilter_record(&tx, number, tighten, timestamps)?);
        }
        for sequence in numbers(&tx, "select sequence from package order by sequence")? {
            changed += u64::from(refilter_package(&tx, sequence, tighten)?);
        }
        tx.commit()?;
        self.checkpoint();
        self.connection.execute_batch("pragma secure_delete = off;")?;
        Ok(changed)
    }
}

fn numbers(tx: &Connection, sql: &str) -> Result<Vec<i64>, SpoolError> {
    let mut statement = tx.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What is left of an annex; `None` when it stays as it is.
fn tightened(annex: &str, tighten: &dyn Fn(&mut Personal)) -> Result<Option<Personal>, SpoolError> {
    let before: Personal = serde_json::from_str(annex)?;
    let mut after = before.clone();
    tighten(&mut after);
    Ok((after != before).then_some(after))
}

fn refilter_record(
    tx: &Connection,
    number: i64,
    tighten: &dyn Fn(&mut Personal),
    timestamps: Timestamps,
) -> Result<bool, SpoolError> {
    let sql = format!("select {WAITING} from record where number = ?1");
    let before = tx.prepare_cached(&sql)?.query_row(params![number], Waiting::read)?;
    let mut annex = before.annex.clone();
    if let Some(left) = before.annex.as_deref().map(|annex| tightened(annex, tighten)).transpose()?.flatten() {
        annex = (!left.is_empty()).then(|| serde_json::to_string(&left)).transpose()?;
    }
    let core = match timestamps {
        Timestamps::Minute => cut(tx, &before.core)?,
        Timestamps::Second => before.core.clone(),
    };
    if annex == before.annex && core == before.core {
        return Ok(false);
    }
    tx.prepare_cached("delete from record where number = ?1")?.execute(params![number])?;
    Waiting { core, annex, ..before }.insert(tx, number)?;
    Ok(true)
}

/// A job's core with its times cut to the minute; what was seen of the job is cut with it.
fn cut(tx: &Connection, core: &str) -> Result<String, SpoolError> {
    let Core::Job(mut record) = serde_json::from_str(core)? else { return Ok(core.to_owned()) };
    let before = record.job.clone();
    cut_to_the_minute(&mut record.job);
    if record.job == before {
        return Ok(core.to_owned());
    }
    let (serial, key) = (record.printer.serial.clone(), record.key());
    let core = core_record(&Core::Job(record)).core;
    if let Some(key) = key {
        let sql = "update job_seen set digest = ?3 where printer = ?1 and job_key = ?2";
        tx.prepare_cached(sql)?.execute(params![serial, key, job_digest(&core)])?;
    }
    Ok(core)
}

/// Whether an unsent package changed.
fn refilter_package(tx: &Connection, sequence: i64, tighten: &dyn Fn(&mut Personal)) -> Result<bool, SpoolError> {
    let sql = "select body, acknowledged_at is null from package where sequence = ?1";
    let (body, unsent): (Vec<u8>, bool) =
        tx.prepare_cached(sql)?.query_row(params![sequence], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let damaged = |_| SpoolError::Damaged("a package does not read");
    let json = package::decompress(&body).map_err(damaged)?;
    let package: Package<'_> = serde_json::from_slice(&json)?;
    let mut changes = false;
    for annex in package.records.iter().filter_map(|record| record.annex) {
        changes |= tightened(annex.get(), tighten)?.is_some();
    }
    if changes {
        let json = Package::without_annexes(&json).map_err(damaged)?;
        tx.prepare_cached("update package set body = ?2 where sequence = ?1")?
            .execute(params![sequence, compress(&json)])?;
    }
    Ok(changes && unsent)
}
