//! What goes into the spool: readings, jobs that were not seen before, identities, notices.
//!
//! Deliberately absent: the privacy policy, which was applied before anything comes here.

use super::{RECORD_BYTES_MAX, REMEMBER, Spool, SpoolError, Waiting, next_number};
use protocol::package::{Core, Draft, PrinterIdentity, Split, core_record, seen_record};
use protocol::{Hex, sha256};
use report::{Configuration, Duration, Instant};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The identity of a printer that takes part in no contract is recorded once in this time.
const SEEN_EVERY: Duration = Duration::hours(24);

/// Where and when a printer was read.
#[derive(Debug, Clone, Copy)]
pub struct ReadFrom<'a> {
    /// Its address.
    pub address: &'a str,
    /// When.
    pub now: Instant,
    /// SHA-256 of the certificate that the printer showed: pinned when none is yet.
    pub fingerprint: Option<Hex<32>>,
    /// How much odd data the reading has.
    pub defects: usize,
}

/// What came into the spool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    /// Jobs that were not there before.
    pub jobs: usize,
    /// Their pages.
    pub pages: u64,
    /// Records that no package could carry. They are left out, and the printer is shown as failing.
    pub too_large: usize,
    /// Whether the disk had no room for any of it. Nothing was noted, so that the next reading brings it.
    pub full: bool,
}

/// Puts records into the spool within a transaction.
struct Appender<'a> {
    tx: &'a Transaction<'a>,
    number: i64,
    salt: &'a dyn Fn() -> [u8; 16],
    now: Instant,
}

impl Appender<'_> {
    /// Puts one record in; its pages, or `None` when it is larger than a package may carry.
    fn put(&mut self, draft: &Draft) -> Result<Option<u64>, SpoolError> {
        let record = Waiting::new(draft.core.clone(), draft.annex.clone(), (self.salt)(), self.now);
        if record.size() > RECORD_BYTES_MAX {
            return Ok(None);
        }
        record.insert(self.tx, self.number)?;
        self.number += 1;
        Ok(Some(u64::try_from(record.pages).unwrap_or(0)))
    }

    /// Puts a job in, unless it was seen before just as it is.
    fn put_job(&mut self, serial: &str, key: &str, draft: &Draft, done: &mut Appended) -> Result<(), SpoolError> {
        let digest = job_digest(&draft.core);
        if job_seen(self.tx, serial, key)?.as_deref() == Some(digest.as_slice()) {
            return Ok(());
        }
        let Some(pages) = self.put(draft)? else {
            done.too_large += 1;
            return Ok(());
        };
        done.jobs += 1;
        done.pages += pages;
        let sql = "insert or replace into job_seen (printer, job_key, digest, seen_at) values (?1, ?2, ?3, ?4)";
        self.tx.prepare_cached(sql)?.execute(params![serial, key, digest, self.now.0])?;
        Ok(())
    }
}

impl Spool {
    /// Puts one reading and the jobs not yet seen into the spool, in one transaction.
    pub(crate) fn append(&mut self, split: &Split, read: ReadFrom<'_>) -> Result<Appended, SpoolError> {
        self.append_parts(split, read, true)
    }

    /// Puts the jobs not yet seen into the spool and leaves the reading for later.
    pub(crate) fn append_jobs(&mut self, split: &Split, read: ReadFrom<'_>) -> Result<Appended, SpoolError> {
        self.append_parts(split, read, false)
    }

    fn append_parts(&mut self, split: &Split, read: ReadFrom<'_>, reading: bool) -> Result<Appended, SpoolError> {
        let surroundings = self.surroundings.clone();
        let salt = || surroundings.random::<16>();
        let tx = self.write()?;
        let mut appender = Appender { tx: &tx, number: next_number(&tx)?, salt: &salt, now: read.now };
        let mut done = Appended::default();
        for (key, draft) in &split.jobs {
            appender.put_job(&split.printer.serial, key, draft, &mut done)?;
        }
        if reading {
            done.too_large += usize::from(appender.put(&split.reading)?.is_none());
            for section in &split.sections {
                keep_section(&tx, section.digest, &section.json, read.now)?;
            }
        }
        note_printer(&tx, &split.printer, read, false)?;
        tx.execute("delete from job_seen where seen_at < ?1", params![read.now.0.saturating_sub(REMEMBER.0)])?;
        tx.commit()?;
        Ok(done)
    }

    /// Puts the identity of a printer that takes part in no contract into the spool; `false` when the same
    /// was recorded within a day.
    pub(crate) fn append_seen(
        &mut self,
        configuration: &Configuration,
        read: ReadFrom<'_>,
    ) -> Result<bool, SpoolError> {
        let seen = self.mark()?;
        let Some(printer) = PrinterIdentity::of(configuration) else { return Ok(false) };
        let Some(draft) = seen_record(configuration, read.now, seen) else { return Ok(false) };
        let digest = identity_digest(&printer, configuration)?;
        let surroundings = self.surroundings.clone();
        let salt = || surroundings.random::<16>();
        let tx = self.write()?;
        note_printer(&tx, &printer, read, true)?;
        let fresh = is_recorded(&tx, &printer.serial, digest, read.now)?;
        if !fresh {
            Appender { tx: &tx, number: next_number(&tx)?, salt: &salt, now: read.now }.put(&draft)?;
            tx.prepare_cached("insert or replace into seen (serial, digest, at) values (?1, ?2, ?3)")?
                .execute(params![printer.serial, digest, read.now.0])?;
        }
        tx.commit()?;
        Ok(!fresh)
    }

    /// Puts a notice of the agent itself into the spool.
    pub(crate) fn append_core(&mut self, core: &Core) -> Result<(), SpoolError> {
        let (salt, now) = (self.surroundings.random(), self.surroundings.now());
        let tx = self.write()?;
        let draft = core_record(core);
        Waiting::new(draft.core, draft.annex, salt, now).insert(&tx, next_number(&tx)?)?;
        tx.commit()?;
        Ok(())
    }
}

/// Keeps a section, and that it is in use.
pub(super) fn keep_section(tx: &Connection, digest: Hex<32>, json: &str, now: Instant) -> Result<(), SpoolError> {
    let sql = "insert into section (digest, body, acknowledged, used_at) values (?1, ?2, 0, ?3)
               on conflict (digest) do update set used_at = excluded.used_at";
    tx.prepare_cached(sql)?.execute(params![digest.0, json, now.0])?;
    Ok(())
}

/// Notes that a printer was read.
fn note_printer(
    tx: &Connection,
    printer: &PrinterIdentity,
    read: ReadFrom<'_>,
    seen_only: bool,
) -> Result<(), SpoolError> {
    let sql = "insert into printer (address, serial, product_name, read_at, failure, defects, fingerprint, seen_only)
               values (?1, ?2, ?3, ?4, null, ?5, ?6, ?7)
               on conflict (address) do update set serial = excluded.serial, product_name = excluded.product_name,
               read_at = excluded.read_at, failure = null, defects = excluded.defects,
               fingerprint = coalesce(printer.fingerprint, excluded.fingerprint), seen_only = excluded.seen_only";
    tx.prepare_cached(sql)?.execute(params![
        read.address,
        printer.serial,
        printer.product_name,
        read.now.0,
        i64::try_from(read.defects).unwrap_or(i64::MAX),
        read.fingerprint.map(|shown| shown.0),
        seen_only
    ])?;
    Ok(())
}

/// What tells the version of a job that was seen last, where one was.
pub(super) fn job_seen(connection: &Connection, serial: &str, key: &str) -> Result<Option<Vec<u8>>, SpoolError> {
    let sql = "select digest from job_seen where printer = ?1 and job_key = ?2";
    Ok(connection.prepare_cached(sql)?.query_row(params![serial, key], |row| row.get(0)).optional()?)
}

/// What tells one version of a printer's identity from another.
pub(super) fn identity_digest(
    printer: &PrinterIdentity,
    configuration: &Configuration,
) -> Result<[u8; 32], SpoolError> {
    Ok(sha256(&[serde_json::to_string(&(printer, &configuration.firmware_version))?.as_bytes()]))
}

/// Whether this version of a printer's identity was recorded within a day.
pub(super) fn is_recorded(
    connection: &Connection,
    serial: &str,
    digest: [u8; 32],
    now: Instant,
) -> Result<bool, SpoolError> {
    let sql = "select digest, at from seen where serial = ?1";
    let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(Vec<u8>, i64)> { Ok((row.get(0)?, row.get(1)?)) };
    let known = connection.prepare_cached(sql)?.query_row(params![serial], read).optional()?;
    Ok(known.is_some_and(|(of, at)| {
        let age = now.since(Instant(at));
        of == digest && age.0 >= 0 && age < SEEN_EVERY
    }))
}

/// What tells one version of a job from another: the job itself, whenever and by whom it was read. The
/// personal rows are no part of it, so that another privacy policy makes no new version.
pub(super) fn job_digest(core: &str) -> [u8; 32] {
    let parts = serde_json::from_str::<BTreeMap<&str, BTreeMap<&str, &RawValue>>>(core).ok();
    let job = parts.as_ref().and_then(|core| core.get("job")?.get("job").map(|job| job.get()));
    sha256(&[job.unwrap_or(core).as_bytes()])
}
