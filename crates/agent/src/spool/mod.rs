//! The spool: records that the portal does not have yet, on disk in SQLite (WAL, `synchronous=FULL`).
//!
//! A record is in the spool before anything is sent, a package's bytes are in the spool before they
//! are sent, and only an authentic receipt moves a package out of the way. Acknowledged packages
//! are kept 45 days, so that a portal restored from a backup can ask for them again.

mod pack;
mod printers;
#[cfg(test)]
mod tests;

pub use printers::PrinterStatus;

use crate::identity::Identity;
use crate::tls::Fingerprint;
use pack::Waiting;
use protocol::limits::SECTIONS_MAX;
use protocol::package::{Package, Split};
use protocol::receipt::{Receipt, Settings};
use protocol::{Hex, package, sha256};
use report::{Duration, Entropy, Instant};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::Path;

const SCHEMA: &str = "
create table if not exists record (
    number integer primary key, core text not null, annex text, salt blob not null);
create table if not exists package (
    sequence integer primary key, first integer not null, last integer not null, head blob not null,
    body blob not null, acknowledged_at integer, receipt text);
create index if not exists package_unsent on package (sequence) where acknowledged_at is null;
create table if not exists job_seen (
    printer text not null, job_key text not null, digest blob not null, seen_at integer not null,
    primary key (printer, job_key)) without rowid;
create index if not exists job_seen_by_time on job_seen (seen_at);
create table if not exists section (
    digest blob primary key, body text not null, acknowledged integer not null, sequence integer) without rowid;
create table if not exists printer (
    address text primary key, fingerprint blob, serial text, product_name text,
    read_at integer, failure text, defects integer not null default 0);
create table if not exists value (name text primary key, text text not null) without rowid;
";

/// Acknowledged packages are kept this long.
const KEEP: Duration = Duration::hours(45 * 24);
/// A record is at most this many bytes, so that one alone fits a package however badly it compresses.
const RECORD_BYTES_MAX: usize = 48 * 1024;
/// A job that was seen this long ago is forgotten. Should the printer still name it, it is sent again,
/// and the portal knows it.
const REMEMBER: Duration = Duration::hours(400 * 24);

/// The spool failed us.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// SQLite.
    #[error("the spool")]
    Sqlite(#[from] rusqlite::Error),
    /// What lies in the spool does not read.
    #[error("a record in the spool does not read")]
    Record(#[from] serde_json::Error),
    /// The file cannot be made.
    #[error("make the spool's file")]
    Io(#[from] std::io::Error),
    /// The spool was filled for another account.
    #[error("the spool here holds records of the account {0}: use a new state folder for another account")]
    Foreign(String),
    /// A package in the spool does not decompress.
    #[error("a package in the spool does not decompress")]
    Unreadable,
    /// A single record is larger than a package may be.
    #[error("record {0} alone is larger than a package may be")]
    TooLarge(u64),
}

/// The spool of one collector.
pub(crate) struct Spool {
    connection: Connection,
}

/// A package ready to send.
pub(crate) struct Outgoing {
    pub(crate) sequence: u64,
    pub(crate) body: Vec<u8>,
}

/// Where and when a reading was made.
#[derive(Clone, Copy)]
pub(crate) struct ReadFrom<'a> {
    pub(crate) address: &'a str,
    pub(crate) now: Instant,
    /// The certificate that the printer showed: pinned when none is yet.
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) defects: usize,
}

/// What came into the spool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) jobs: usize,
    /// Records that no package could carry. They are left out, and the printer is shown as failing.
    pub(crate) too_large: usize,
}

/// Makes a file that only its owner may read, where it is absent.
fn private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// A 64-bit count as SQLite stores it. Sequences start at 1 and rise by 1.
fn int(count: u64) -> i64 {
    i64::try_from(count).expect("a count of records fits")
}
fn count(int: i64) -> u64 {
    u64::try_from(int).unwrap_or(0)
}

impl Spool {
    /// Opens the spool of an agent in the state folder, making it when absent.
    ///
    /// After a new enrolment for the same account, what the portal does not have yet becomes part of
    /// the new agent's chain. A spool of another account is refused: its records are not ours to send.
    pub(crate) fn open(state: &Path, identity: &Identity) -> Result<Spool, SpoolError> {
        let path = state.join("spool.sqlite");
        private(&path)?;
        let connection = Connection::open(path)?;
        connection
            .execute_batch("pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 10000;")?;
        connection.execute_batch(SCHEMA)?;
        let mut spool = Spool { connection };
        spool.belong_to(identity)?;
        Ok(spool)
    }

    /// A transaction that writes: it waits for other writers at its start and never in its middle.
    fn write(&mut self) -> Result<Transaction<'_>, SpoolError> {
        Ok(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// Takes packages that an earlier identity signed and never delivered apart again.
    fn belong_to(&mut self, identity: &Identity) -> Result<(), SpoolError> {
        let (agent, account) = (identity.agent(), identity.account());
        let tx = self.write()?;
        let value = |name: &str| {
            let sql = "select text from value where name = ?1";
            tx.query_row(sql, params![name], |row| row.get::<_, String>(0)).optional()
        };
        if value("agent")?.as_deref() == Some(agent) {
            return Ok(());
        }
        if let Some(owner) = value("account")?.filter(|owner| *owner != account) {
            return Err(SpoolError::Foreign(owner));
        }
        let mut pending: Vec<Waiting> = Vec::new();
        let bodies: Vec<Vec<u8>> = {
            let mut statement =
                tx.prepare("select body from package where acknowledged_at is null order by sequence")?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        for body in bodies {
            let json = package::decompress(&body).map_err(|_| SpoolError::Unreadable)?;
            let package: Package<'_> = serde_json::from_slice(&json)?;
            pending.extend(package.records.iter().map(|record| Waiting {
                number: 0,
                core: record.core.get().to_owned(),
                annex: record.annex.map(|annex| annex.get().to_owned()),
                salt: record.salt.0,
            }));
        }
        {
            let mut statement = tx.prepare("select number, core, annex, salt from record order by number")?;
            let rows = statement.query_map([], |row| {
                Ok(Waiting { number: 0, core: row.get(1)?, annex: row.get(2)?, salt: row.get(3)? })
            })?;
            for row in rows {
                pending.push(row?);
            }
        }
        tx.execute_batch(
            "delete from record; delete from package; update section set acknowledged = 0;
             delete from value where name = 'settings';",
        )?;
        for (number, record) in (1..).zip(&pending) {
            tx.prepare_cached("insert into record (number, core, annex, salt) values (?1, ?2, ?3, ?4)")?
                .execute(params![int(number), record.core, record.annex, record.salt])?;
        }
        tx.execute(
            "insert or replace into value (name, text) values ('agent', ?1), ('account', ?2)",
            params![agent, account],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// Puts one reading and the jobs not yet seen into the spool, in one transaction.
    pub(crate) fn append(
        &mut self,
        split: &Split,
        read: ReadFrom<'_>,
        entropy: &Entropy,
    ) -> Result<Appended, SpoolError> {
        let (address, now) = (read.address, read.now);
        let tx = self.write()?;
        let mut number = next_record(&tx)?;
        let mut appended = Appended::default();
        let mut put = |tx: &Transaction<'_>, draft: &package::Draft| -> Result<bool, SpoolError> {
            if draft.core.len() + draft.annex.as_ref().map_or(0, String::len) > RECORD_BYTES_MAX {
                return Ok(false);
            }
            let mut salt = [0; 16];
            entropy(&mut salt);
            tx.prepare_cached("insert into record (number, core, annex, salt) values (?1, ?2, ?3, ?4)")?
                .execute(params![int(number), draft.core, draft.annex, salt])?;
            number += 1;
            Ok(true)
        };
        let serial = &split.printer.serial;
        for (key, draft) in &split.jobs {
            let digest = job_digest(draft);
            let known: Option<Vec<u8>> = tx
                .prepare_cached("select digest from job_seen where printer = ?1 and job_key = ?2")?
                .query_row(params![serial, key], |row| row.get(0))
                .optional()?;
            if known.as_deref() == Some(digest.as_slice()) {
                continue;
            }
            if !put(&tx, draft)? {
                appended.too_large += 1;
                continue;
            }
            appended.jobs += 1;
            tx.prepare_cached(
                "insert or replace into job_seen (printer, job_key, digest, seen_at) values (?1, ?2, ?3, ?4)",
            )?
            .execute(params![serial, key, digest, now.0])?;
        }
        appended.too_large += usize::from(!put(&tx, &split.reading)?);
        for section in &split.sections {
            tx.prepare_cached("insert or ignore into section (digest, body, acknowledged) values (?1, ?2, 0)")?
                .execute(params![section.digest.0, section.json])?;
        }
        tx.execute(
            "update printer set serial = ?2, product_name = ?3, read_at = ?4, failure = null, defects = ?5,
             fingerprint = coalesce(fingerprint, ?6) where address = ?1",
            params![
                address,
                serial,
                split.printer.product_name,
                now.0,
                i64::try_from(read.defects).unwrap_or(i64::MAX),
                read.fingerprint.map(|shown| shown.0)
            ],
        )?;
        tx.execute("delete from job_seen where seen_at < ?1", params![now.0 - REMEMBER.0])?;
        tx.commit()?;
        Ok(appended)
    }

    /// The oldest package that is not acknowledged; packs waiting records when there is none.
    pub(crate) fn outgoing(&mut self, identity: &Identity) -> Result<Option<Outgoing>, SpoolError> {
        let unsent = "select sequence, body from package where acknowledged_at is null order by sequence limit 1";
        let read = |row: &rusqlite::Row<'_>| Ok(Outgoing { sequence: count(row.get(0)?), body: row.get(1)? });
        if let Some(package) = self.connection.query_row(unsent, [], read).optional()? {
            return Ok(Some(package));
        }
        self.pack(identity)
    }

    /// A package by its number, acknowledged or not: a restored portal asks again.
    pub(crate) fn package(&self, sequence: u64) -> Result<Option<Outgoing>, SpoolError> {
        // A number from outside: what does not fit is no package of ours.
        let Ok(sequence) = i64::try_from(sequence) else { return Ok(None) };
        let found = self.connection.query_row(
            "select sequence, body from package where sequence = ?1",
            params![sequence],
            |row| Ok(Outgoing { sequence: count(row.get(0)?), body: row.get(1)? }),
        );
        Ok(found.optional()?)
    }

    /// Takes an authentic receipt: the package is the portal's now. Gives whether more waits.
    pub(crate) fn acknowledge(
        &mut self,
        receipt: &Receipt,
        wanted: &[Hex<32>],
        now: Instant,
    ) -> Result<bool, SpoolError> {
        let text = serde_json::to_string(receipt)?;
        let tx = self.write()?;
        tx.execute(
            "update package set acknowledged_at = ?2, receipt = ?3 where sequence = ?1",
            params![int(receipt.sequence), now.0, text],
        )?;
        // What this package carried has arrived, except what the portal says it lacks.
        tx.execute("update section set acknowledged = 1 where sequence = ?1", params![int(receipt.sequence)])?;
        for digest in wanted.iter().take(SECTIONS_MAX) {
            tx.execute("update section set acknowledged = 0 where digest = ?1", params![digest.0])?;
        }
        tx.execute(
            "delete from package where acknowledged_at < ?1 and sequence < (select max(sequence) from package)",
            params![now.0 - KEEP.0],
        )?;
        tx.commit()?;
        Ok(self.waiting()? > 0)
    }

    /// Packages and records that the portal does not have yet.
    pub(crate) fn waiting(&self) -> Result<u64, SpoolError> {
        let sql = "select (select count(*) from package where acknowledged_at is null) + (select count(*) from record)";
        Ok(count(self.connection.query_row(sql, [], |row| row.get(0))?))
    }

    /// The portal's settings, as last received.
    pub(crate) fn settings(&self) -> Result<Settings, SpoolError> {
        let sql = "select text from value where name = 'settings'";
        let text: Option<String> = self.connection.query_row(sql, [], |row| row.get(0)).optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Takes settings from an authentic answer; never goes back to an older version.
    pub(crate) fn set_settings(&self, settings: &Settings) -> Result<bool, SpoolError> {
        let known = self.settings()?;
        if settings.version < known.version || *settings == known {
            return Ok(false);
        }
        let text = serde_json::to_string(settings)?;
        self.connection.execute("insert or replace into value (name, text) values ('settings', ?1)", params![text])?;
        Ok(true)
    }
}

/// What tells one version of a job from another: the job itself, whenever and by whom it was read.
fn job_digest(draft: &package::Draft) -> [u8; 32] {
    let job = serde_json::from_str::<BTreeMap<&str, BTreeMap<&str, &RawValue>>>(&draft.core).ok();
    let job = job.as_ref().and_then(|core| core.get("job")?.get("job").map(|job| job.get()));
    sha256(&[job.unwrap_or(&draft.core).as_bytes(), draft.annex.as_deref().unwrap_or("").as_bytes()])
}

fn next_record(tx: &Transaction<'_>) -> Result<u64, SpoolError> {
    let sql =
        "select max(coalesce((select max(number) from record), 0), coalesce((select max(last) from package), 0)) + 1";
    Ok(count(tx.query_row(sql, [], |row| row.get(0))?))
}
