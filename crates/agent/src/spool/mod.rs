//! The spool: what the portal does not have yet, on disk in SQLite (WAL, `synchronous=FULL`).
//!
//! A record is in the spool before anything is sent, a package's bytes are in the spool before they
//! are sent, and only an authentic receipt moves a package out of the way. Acknowledged packages
//! are kept 45 days, so that a portal restored from a backup can ask for them again. Nothing expires:
//! when the disk is full, detail gives way to sums, and that is said. Deliberately absent: any
//! judgement of an answer; whoever calls has proved it.

mod alerts;
mod append;
mod filter;
mod migrate;
mod open;
mod pack;
#[cfg(feature = "net")]
mod preview;
mod printers;
mod receive;
mod resync;
mod salvage;
mod space;
#[cfg(test)]
mod tests;

pub(crate) use alerts::Queued;
pub use append::{Appended, ReadFrom};
pub(crate) use pack::{HANDED_OVER, Packing};
pub use printers::PrinterStatus;

use protocol::package::Core;
use protocol::{Hex, chain, sha256};
use report::{Duration, Instant, Surroundings};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file's name in the state folder.
pub(crate) const FILE: &str = "spool.sqlite";

/// The version of [`SCHEMA`], in `pragma user_version`.
const VERSION: i64 = 1;
const SCHEMA: &str = "
create table if not exists record (
    number integer primary key, kind text not null, core text not null, annex text, salt blob not null,
    pages integer not null, at integer not null, digest blob not null);
create index if not exists record_sums on record (kind, pages, at);
create table if not exists package (
    sequence integer primary key, first integer not null, last integer not null, previous blob not null,
    head blob not null, digest blob not null, body blob not null, jobs integer not null,
    pages integer not null, oldest integer not null, acknowledged_at integer, receipt text);
create index if not exists package_unsent on package (sequence) where acknowledged_at is null;
create table if not exists job_seen (
    printer text not null, job_key text not null, digest blob not null, seen_at integer not null,
    primary key (printer, job_key)) without rowid;
create index if not exists job_seen_by_time on job_seen (seen_at);
create table if not exists seen (
    serial text primary key, digest blob not null, at integer not null) without rowid;
create table if not exists section (
    digest blob primary key, body text not null, acknowledged integer not null, sequence integer,
    used_at integer not null) without rowid;
create index if not exists section_unsent on section (used_at) where acknowledged = 0;
create table if not exists alert (
    id integer primary key, printer text not null, code text not null, since integer not null,
    body text not null, number integer, queued_at integer not null, sent_at integer, refused text,
    unique (printer, code, since));
create table if not exists printer (
    address text primary key, fingerprint blob, serial text, product_name text,
    read_at integer, failure text, defects integer not null default 0, seen_only integer not null default 0);
create table if not exists value (name text primary key, text text not null, digest blob not null) without rowid;
";

/// Acknowledged packages are kept this long.
const KEEP: Duration = Duration::hours(45 * 24);
/// A record is at most this many bytes, so that one alone fits a package however badly it compresses.
const RECORD_BYTES_MAX: usize = 48 * 1024;
/// A job, an identity or an alert that was seen this long ago is forgotten. Should the printer still
/// name it, it is sent again, and the portal knows it.
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
    /// What lies in the spool is not what was put there.
    #[error("the spool is damaged: {0}")]
    Damaged(&'static str),
    /// The spool was written by another version of the program.
    #[error("the spool is of another version: start the agent of this version once")]
    Version,
    /// A single record is larger than a package may be.
    #[error("record {0} alone is larger than a package may be")]
    TooLarge(i64),
    /// The evidence key did not sign.
    #[error("the evidence key gave a signature that does not fit its public key: nothing can be sent")]
    Signature,
}

impl SpoolError {
    /// Whether the spool itself is broken, so that saving what reads is the way on.
    fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseCorrupt, NotADatabase, SystemIoFailure, Unknown};
        match self {
            SpoolError::Damaged(_) | SpoolError::Record(_) => true,
            SpoolError::Sqlite(rusqlite::Error::SqliteFailure(error, message)) => match error.code {
                DatabaseCorrupt | NotADatabase | CannotOpen => true,
                SystemIoFailure => !self.is_full(),
                Unknown => message.as_deref().is_some_and(names_the_schema),
                _ => false,
            },
            SpoolError::Sqlite(rusqlite::Error::SqlInputError { msg, .. }) => names_the_schema(msg),
            SpoolError::Sqlite(
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::QueryReturnedNoRows,
            ) => true,
            _ => false,
        }
    }

    /// Whether there is no space left, on disk or within the spool's own bound.
    pub(crate) fn is_full(&self) -> bool {
        /// SQLite's codes for a shared memory file that cannot grow (SHMSIZE), and for a write that failed (WRITE).
        const NO_ROOM: [i32; 2] = [4874, 778];
        match self {
            SpoolError::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => {
                error.code == rusqlite::ErrorCode::DiskFull || NO_ROOM.contains(&error.extended_code)
            }
            SpoolError::Io(error) => error.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}

/// Whether SQLite's message says that a table or column of ours is not there.
fn names_the_schema(message: &str) -> bool {
    message.contains("no such") || message.contains("malformed") || message.contains("has no column")
}

/// Where the chain goes on: the place of the next package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    sequence: u64,
    first: u64,
    head: Hex<32>,
}

impl Place {
    fn origin(agent: &str) -> Place {
        Place { sequence: 1, first: 1, head: chain::origin(agent) }
    }
}

/// The spool of one agent.
pub(crate) struct Spool {
    connection: Connection,
    state: PathBuf,
    surroundings: Surroundings,
    bytes_max: u64,
    /// Whether this one works; others only look.
    works: bool,
}

/// What the portal does not have yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unsent {
    /// Records that are in no package yet.
    pub records: u64,
    /// Packages without a receipt.
    pub packages: u64,
    /// Records in those packages.
    pub packed: u64,
    /// Jobs in both.
    pub jobs: u64,
    /// Pages of those jobs.
    pub pages: u64,
    /// When the oldest of both was read, by the agent's clock.
    pub oldest: Option<Instant>,
    /// What the spool takes on disk, in bytes.
    pub bytes: u64,
    /// Jobs whose detail had to give way to a full disk, since the enrolment. Their sums are kept.
    pub folded: u64,
}

/// A record as it lies in the spool.
struct Waiting {
    number: i64,
    core: String,
    annex: Option<String>,
    salt: [u8; 16],
    pages: i64,
    at: Instant,
}

impl Waiting {
    /// A record of this core, read at `at`.
    fn new(core: String, annex: Option<String>, salt: [u8; 16], at: Instant) -> Waiting {
        let pages = match serde_json::from_str(&core) {
            Ok(Core::Job(job)) => job.job.print.as_ref().and_then(|print| print.pages).unwrap_or(0).max(0),
            _ => 0,
        };
        Waiting { number: 0, core, annex, salt, pages, at }
    }

    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Waiting> {
        Ok(Waiting {
            number: row.get(0)?,
            core: row.get(1)?,
            annex: row.get(2)?,
            salt: row.get(3)?,
            pages: row.get(4)?,
            at: Instant(row.get(5)?),
        })
    }

    /// Puts the record into the spool under `number`.
    fn insert(&self, connection: &Connection, number: i64) -> Result<(), SpoolError> {
        let sql = "insert into record (number, kind, core, annex, salt, pages, at, digest)
                   values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        connection.prepare_cached(sql)?.execute(params![
            number,
            kind_of(&self.core),
            self.core,
            self.annex,
            self.salt,
            self.pages,
            self.at.0,
            self.digest()
        ])?;
        Ok(())
    }

    /// What shows that the record is as it was put in.
    fn digest(&self) -> [u8; 32] {
        let (core, annex) = (self.core.as_bytes(), self.annex.as_deref().unwrap_or(""));
        let lengths = [(core.len() as u64).to_le_bytes(), (annex.len() as u64).to_le_bytes()].concat();
        sha256(&[&self.salt, &lengths, core, annex.as_bytes(), &self.pages.to_le_bytes(), &self.at.0.to_le_bytes()])
    }

    /// What a package needs of it.
    fn size(&self) -> usize {
        self.core.len() + self.annex.as_ref().map_or(0, String::len)
    }

    fn is_job(&self) -> bool {
        kind_of(&self.core) == "job"
    }
}

/// The columns that [`Waiting::read`] reads.
const WAITING: &str = "number, core, annex, salt, pages, at";

/// The kind of a record, which is the first word of its core.
fn kind_of(core: &str) -> &str {
    core.strip_prefix("{\"").and_then(|rest| rest.split('"').next()).unwrap_or("")
}

/// A 64-bit count as SQLite stores it. Sequences start at 1 and rise by 1.
fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(int: i64) -> u64 {
    u64::try_from(int).unwrap_or(0)
}

/// What shows that a value is as it was put in.
fn digest_of_value(name: &str, text: &str) -> [u8; 32] {
    sha256(&[name.as_bytes(), b"\0", text.as_bytes()])
}

/// A small durable value.
fn value(connection: &Connection, name: &str) -> Result<Option<String>, SpoolError> {
    let mut statement = connection.prepare_cached("select text, digest from value where name = ?1")?;
    let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(String, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?)) };
    match statement.query_row(params![name], read).optional()? {
        Some((text, digest)) if digest == digest_of_value(name, &text) => Ok(Some(text)),
        Some(_) => Err(SpoolError::Damaged("a value is not as it was put in")),
        None => Ok(None),
    }
}

fn set_value(connection: &Connection, name: &str, text: &str) -> Result<(), SpoolError> {
    let sql = "insert or replace into value (name, text, digest) values (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![name, text, digest_of_value(name, text)])?;
    Ok(())
}

fn remove_value(connection: &Connection, name: &str) -> Result<(), SpoolError> {
    connection.prepare_cached("delete from value where name = ?1")?.execute(params![name])?;
    Ok(())
}

/// Where the chain goes on; its origin when nothing was packed yet.
fn place(connection: &Connection, agent: &str) -> Result<Place, SpoolError> {
    match value(connection, "place")? {
        Some(text) => Ok(serde_json::from_str(&text)?),
        None => Ok(Place::origin(agent)),
    }
}

fn set_place(connection: &Connection, place: Place) -> Result<(), SpoolError> {
    set_value(connection, "place", &serde_json::to_string(&place)?)
}

/// The number after that of the last waiting record. Numbers only order the records that wait.
fn next_number(connection: &Connection) -> Result<i64, SpoolError> {
    let sql = "select coalesce(max(number), 0) + 1 from record";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The mark of the last receipt.
fn mark(connection: &Connection) -> Result<Option<Hex<16>>, SpoolError> {
    Ok(value(connection, "mark")?.and_then(|text| text.parse().ok()))
}

/// Bytes of the pages in use.
fn bytes(connection: &Connection) -> Result<u64, SpoolError> {
    let pragma = |name: &str| -> Result<u64, SpoolError> {
        Ok(count(connection.query_row(&format!("pragma {name}"), [], |row| row.get(0))?))
    };
    Ok(pragma("page_count")?.saturating_sub(pragma("freelist_count")?).saturating_mul(pragma("page_size")?))
}

impl Unsent {
    /// All records that the portal does not have: those that wait and those in packages without a receipt.
    pub fn all_records(&self) -> u64 {
        self.records.saturating_add(self.packed)
    }
}

impl Spool {
    /// A transaction that writes: it waits for other writers at its start and never in its middle.
    fn write(&mut self) -> Result<Transaction<'_>, SpoolError> {
        Ok(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// The path of the file in a state folder.
    pub(crate) fn path(state: &Path) -> PathBuf {
        state.join(FILE)
    }

    /// A small durable value.
    pub(crate) fn value(&self, name: &str) -> Result<Option<String>, SpoolError> {
        value(&self.connection, name)
    }

    /// Keeps small values durably, all or none.
    pub(crate) fn set_values(&mut self, values: &[(&str, String)]) -> Result<(), SpoolError> {
        let tx = self.write()?;
        for (name, text) in values {
            set_value(&tx, name, text)?;
        }
        tx.commit()?;
        Ok(())
    }

    /// The mark of the last receipt.
    pub(crate) fn mark(&self) -> Result<Option<Hex<16>>, SpoolError> {
        mark(&self.connection)
    }

    /// The number of the next package that is not packed yet.
    pub(crate) fn next_sequence(&self, agent: &str) -> Result<u64, SpoolError> {
        Ok(place(&self.connection, agent)?.sequence)
    }

    /// What the portal does not have yet.
    pub(crate) fn unsent(&self) -> Result<Unsent, SpoolError> {
        let records = "select count(*), coalesce(sum(kind = 'job'), 0), coalesce(sum(pages), 0), min(at) from record";
        let packages = "select count(*), coalesce(sum(jobs), 0), coalesce(sum(pages), 0), min(oldest)
                        from package where acknowledged_at is null";
        let packed = "select coalesce(sum(last - first + 1), 0) from package where acknowledged_at is null";
        let read = |sql: &str| {
            self.connection.prepare_cached(sql)?.query_row([], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, Option<i64>>(3)?))
            })
        };
        let (waiting, made) = (read(records)?, read(packages)?);
        Ok(Unsent {
            records: count(waiting.0),
            packages: count(made.0),
            packed: count(self.connection.prepare_cached(packed)?.query_row([], |row| row.get(0))?),
            jobs: count(waiting.1.saturating_add(made.1)),
            pages: count(waiting.2.saturating_add(made.2)),
            oldest: waiting.3.into_iter().chain(made.3).min().map(Instant),
            bytes: bytes(&self.connection)?,
            folded: self.value("folded")?.and_then(|text| text.parse().ok()).unwrap_or(0),
        })
    }
}

impl Drop for Spool {
    /// Notes that the spool was left in order: all that was committed is in it. After a crash the note is
    /// absent, and the first thing said is a beat that shows where the portal stands.
    fn drop(&mut self) {
        if self.works {
            let _ = set_value(&self.connection, "open", "0");
        }
    }
}
