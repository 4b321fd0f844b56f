//! Making room when the disk, or the spool's own bound, is full: nothing that counts is lost, detail is.
//!
//! In this order: the reserve file is given back, packages that the portal has go, then the oldest jobs
//! become one sum a printer and day, then of old readings one an hour stays. Reading never stops for it.
//! Deliberately absent: expiry; with room, nothing here ever happens.

use super::{Spool, SpoolError, WAITING, Waiting, mark, set_value, value};
use crate::identity::Identity;
use protocol::package::{Core, Fold, JobRecord, PrinterIdentity, core_record};
use report::{Area, CategoryUse, Ink, Instant, Length};
use rusqlite::{Connection, params};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Kept free for the moment in which the disk is full.
const RESERVE_BYTES: u64 = 2 * 1024 * 1024;
/// Attempts at one step, each after room was made.
const ROUNDS: u32 = 24;
/// Packages that go at a time.
const PACKAGES: i64 = 32;
/// Jobs that become sums at a time.
const JOBS: i64 = 200;
/// Readings that are looked at together.
const READINGS: i64 = 1000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

impl Spool {
    /// Carries out one step on the spool; makes room when there is none and mends it when it is broken. Who
    /// only looks does neither.
    pub(crate) fn tended<T>(
        &mut self,
        identity: &Identity,
        mut act: impl FnMut(&mut Spool) -> Result<T, SpoolError>,
    ) -> Result<T, SpoolError> {
        let mut mended = false;
        for _ in 0..ROUNDS {
            match act(self) {
                Err(error) if error.is_full() => {
                    if !self.works || !self.make_room().unwrap_or(false) {
                        return Err(error);
                    }
                }
                Err(error) if error.is_damage() && self.works && !mended => {
                    mended = true;
                    self.mend(identity)?;
                }
                done => return done,
            }
        }
        act(self)
    }

    fn reserve_path(state: &Path) -> PathBuf {
        state.join("reserve")
    }

    /// Gives the reserve back to the disk.
    pub(super) fn release_reserve(state: &Path) {
        let _ = std::fs::remove_file(Spool::reserve_path(state));
    }

    /// Takes the reserve again, when there is room for it.
    pub(crate) fn keep_reserve(&self) {
        let path = Spool::reserve_path(&self.state);
        let bytes = RESERVE_BYTES.min(self.bytes_max / 8);
        if std::fs::metadata(&path).is_ok_and(|found| found.len() >= bytes) {
            return;
        }
        let write = || {
            let mut file = std::fs::File::create(&path)?;
            let block = [0_u8; 16 * 1024];
            for _ in 0..bytes.div_ceil(16 * 1024) {
                file.write_all(&block)?;
            }
            file.sync_all()
        };
        if write().is_err() {
            let _ = std::fs::remove_file(&path);
        }
    }

    /// Writes the WAL back into the file. Whether it can be cut does not matter.
    pub(super) fn checkpoint(&self) {
        let _ = self.connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
    }

    /// Makes room by the mildest means that is left; `false` when there is none.
    pub(super) fn make_room(&mut self) -> Result<bool, SpoolError> {
        Spool::release_reserve(&self.state);
        self.checkpoint();
        Ok(self.drop_acknowledged()? || self.fold()? || self.thin(HOUR)? || self.thin(DAY)?)
    }

    /// The oldest packages that the portal has. The youngest one stays: the chain goes on from it.
    fn drop_acknowledged(&mut self) -> Result<bool, SpoolError> {
        let sql = "delete from package where sequence in (
                   select sequence from package where acknowledged_at is not null
                   and sequence < (select max(sequence) from package) order by sequence limit ?1)";
        Ok(self.connection.execute(sql, params![PACKAGES])? > 0)
    }

    /// The oldest jobs become sums.
    fn fold(&mut self) -> Result<bool, SpoolError> {
        let surroundings = self.surroundings.clone();
        let now = surroundings.now();
        let tx = self.write()?;
        let jobs = waiting(&tx, "job", JOBS)?;
        if jobs.is_empty() {
            return Ok(false);
        }
        let seen = mark(&tx)?;
        let mut folded = 0;
        let (sums, gone) = sums(&jobs);
        for number in &gone {
            tx.prepare_cached("delete from record where number = ?1")?.execute(params![number])?;
        }
        for (number, at, sum) in sums {
            folded += sum.jobs;
            let core = core_record(&Core::Fold(Box::new(Fold { folded_at: now, seen, ..sum }))).core;
            Waiting::new(core, None, surroundings.random(), at).insert(&tx, number)?;
        }
        let before: u64 = value(&tx, "folded")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        set_value(&tx, "folded", &before.saturating_add(folded).to_string())?;
        tx.commit()?;
        if folded == 0 {
            return Ok(false);
        }
        tracing::warn!(jobs = folded, "the disk is full: jobs became sums");
        Ok(true)
    }

    /// Of old readings one a printer and `span` stays: the last.
    fn thin(&mut self, span: i64) -> Result<bool, SpoolError> {
        let tx = self.write()?;
        let readings = waiting(&tx, "reading", READINGS)?;
        let mut last: BTreeMap<(String, i64), i64> = BTreeMap::new();
        let mut goes: Vec<i64> = Vec::new();
        for reading in &readings {
            let Ok(Stamped { reading: Stamp { printer, read_at } }) = serde_json::from_str(&reading.core) else {
                continue;
            };
            goes.extend(last.insert((printer.serial, read_at.0.div_euclid(span)), reading.number));
        }
        for number in &goes {
            tx.prepare_cached("delete from record where number = ?1")?.execute(params![number])?;
        }
        tx.commit()?;
        Ok(!goes.is_empty())
    }
}

/// What tells readings apart.
#[derive(Deserialize)]
struct Stamped {
    reading: Stamp,
}

#[derive(Deserialize)]
struct Stamp {
    printer: PrinterIdentity,
    read_at: Instant,
}

/// The oldest waiting records of a kind.
fn waiting(tx: &Connection, kind: &str, most: i64) -> Result<Vec<Waiting>, SpoolError> {
    let sql = format!("select {WAITING} from record where kind = ?1 order by number limit ?2");
    let mut statement = tx.prepare_cached(&sql)?;
    let rows = statement.query_map(params![kind, most], Waiting::read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The sum of the jobs of each printer and day, in the place and with the time of the first of them; and
/// the numbers of all jobs that are in a sum.
fn sums(jobs: &[Waiting]) -> (Vec<(i64, Instant, Fold)>, Vec<i64>) {
    let mut gone = Vec::with_capacity(jobs.len());
    let mut sums: BTreeMap<(String, i64), (i64, Instant, Fold)> = BTreeMap::new();
    for waiting in jobs {
        let Ok(Core::Job(record)) = serde_json::from_str(&waiting.core) else { continue };
        let finished = record.job.finished_at().unwrap_or(record.read_at);
        let day = finished.0.div_euclid(DAY);
        let sum = sums
            .entry((record.printer.serial.clone(), day))
            .or_insert_with(|| (waiting.number, waiting.at, empty(&record.printer, finished)));
        add(&mut sum.2, &record, finished);
        gone.push(waiting.number);
    }
    (sums.into_values().collect(), gone)
}

fn empty(printer: &PrinterIdentity, finished: Instant) -> Fold {
    Fold {
        printer: printer.clone(),
        folded_at: finished,
        since: finished,
        until: finished,
        jobs: 0,
        pages: 0,
        area_printed: Area(0),
        area_media: Area(0),
        ink: Ink(0),
        categories: Vec::new(),
        seen: None,
    }
}

/// Adds a job to a sum, whatever became of it: a sum knows no status, so that who bills it signs for it. What the
/// job does not say adds nothing.
fn add(sum: &mut Fold, record: &JobRecord, finished: Instant) {
    sum.jobs += 1;
    (sum.since, sum.until) = (sum.since.min(finished), sum.until.max(finished));
    let Some(print) = &record.job.print else { return };
    sum.pages = sum.pages.saturating_add(print.pages.unwrap_or(0));
    sum.area_printed = Area(sum.area_printed.0.saturating_add(print.printed_area.unwrap_or_default().0));
    sum.area_media = Area(sum.area_media.0.saturating_add(print.media_area.unwrap_or_default().0));
    sum.ink = Ink(print.ink.iter().fold(sum.ink.0, |ink, used| ink.saturating_add(used.ink.0)));
    for used in &print.categories {
        add_category(&mut sum.categories, used);
    }
}

fn add_category(categories: &mut Vec<CategoryUse>, used: &CategoryUse) {
    let same = |known: &CategoryUse| (&known.category, known.derived) == (&used.category, used.derived);
    let Some(known) = categories.iter_mut().find(|known| same(known)) else {
        categories.push(used.clone());
        return;
    };
    let plus = |left: Option<i64>, right: Option<i64>| match (left, right) {
        (Some(left), Some(right)) => Some(left.saturating_add(right)),
        (one, other) => one.or(other),
    };
    known.media_area = plus(known.media_area.map(|of| of.0), used.media_area.map(|of| of.0)).map(Area);
    known.printed_area = plus(known.printed_area.map(|of| of.0), used.printed_area.map(|of| of.0)).map(Area);
    known.ink = plus(known.ink.map(|of| of.0), used.ink.map(|of| of.0)).map(Ink);
    known.media_length = plus(known.media_length.map(|of| of.0), used.media_length.map(|of| of.0)).map(Length);
}
