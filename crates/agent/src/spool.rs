//! The spool: records that the portal does not have yet, on disk in SQLite (WAL, `synchronous=FULL`).
//!
//! A record is in the spool before anything is sent, a package's bytes are in the spool before they
//! are sent, and only an authentic receipt moves a package out of the way. Acknowledged packages
//! are kept 45 days, so that a portal restored from a backup can ask for them again.

use crate::identity::Identity;
use crate::tls::Fingerprint;
use protocol::limits::{RECORDS_MAX, SEALED_BYTES_MAX, SECTIONS_MAX};
use protocol::package::{Package, Position, Record, Split};
use protocol::receipt::{Receipt, Settings};
use protocol::{Hex, chain, package, sha256};
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
create table if not exists section (
    digest blob primary key, body text not null, acknowledged integer not null, sequence integer) without rowid;
create table if not exists printer (
    address text primary key, fingerprint blob, serial text, product_name text,
    read_at integer, failure text, defects integer not null default 0);
create table if not exists value (name text primary key, text text not null) without rowid;
";

/// Acknowledged packages are kept this long.
const KEEP: Duration = Duration::hours(45 * 24);
/// Bytes of records that go into one package before compression; real ones shrink three- to fivefold.
const PLAIN_TARGET: usize = 256 * 1024;
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

/// What is known of one printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterStatus {
    /// Its address in the collector's file.
    pub address: String,
    /// Its serial number, once read.
    pub serial: Option<String>,
    /// Its name, once read.
    pub product_name: Option<String>,
    /// When it was last read.
    pub read_at: Option<Instant>,
    /// Why it could not be read since.
    pub failure: Option<String>,
    /// Odd data in the last reading.
    pub defects: i64,
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

    /// Packs the waiting records, signs, and commits the bytes before anybody sees them.
    fn pack(&mut self, identity: &Identity) -> Result<Option<Outgoing>, SpoolError> {
        let tx = self.write()?;
        let records = waiting(&tx)?;
        if records.is_empty() {
            return Ok(None);
        }
        let agent = identity.agent();
        let last: Option<(i64, [u8; 32])> = tx
            .query_row("select sequence, head from package order by sequence desc limit 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let (sequence, previous) =
            last.map_or((1, chain::origin(agent)), |(sequence, head)| (count(sequence) + 1, Hex(head)));
        let at = Position { agent, sequence, first: records[0].number, previous };
        let mut sections = unacknowledged_sections(&tx)?;
        let mut take = records.len();
        let (body, head) = loop {
            let (body, head) = build(at, &records[..take], &sections, identity)?;
            // Sealing adds the header, the IV, padding and the tag; decompressing holds the portal's bounds.
            if body.len() + 512 <= SEALED_BYTES_MAX && package::decompress(&body).is_ok() {
                break (body, head);
            }
            // Sections give way to records: the portal asks for those it lacks.
            if !sections.is_empty() {
                sections.truncate(sections.len() / 2);
            } else if take > 1 {
                take /= 2;
            } else {
                return Err(SpoolError::TooLarge(records[0].number));
            }
        };
        for (digest, _) in &sections {
            tx.execute("update section set sequence = ?2 where digest = ?1", params![digest.0, int(sequence)])?;
        }
        let last = records[take - 1].number;
        tx.execute(
            "insert into package (sequence, first, last, head, body) values (?1, ?2, ?3, ?4, ?5)",
            params![int(sequence), int(at.first), int(last), head.0, body],
        )?;
        // The records are in the package's bytes now.
        tx.execute("delete from record where number <= ?1", params![int(last)])?;
        tx.commit()?;
        Ok(Some(Outgoing { sequence, body }))
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

    /// The certificate pinned for a printer; makes the printer known.
    pub(crate) fn pin(&self, address: &str) -> Result<Option<Fingerprint>, SpoolError> {
        self.connection.execute("insert or ignore into printer (address) values (?1)", params![address])?;
        let pin: Option<[u8; 32]> = self.connection.query_row(
            "select fingerprint from printer where address = ?1",
            params![address],
            |row| row.get(0),
        )?;
        Ok(pin.map(Hex))
    }

    /// Forgets a printer's certificate; `false` when the printer is unknown.
    pub(crate) fn unpin(&self, address: &str) -> Result<bool, SpoolError> {
        let sql = "update printer set fingerprint = null where address = ?1";
        Ok(self.connection.execute(sql, params![address])? > 0)
    }

    /// Notes that a printer was not read, and why.
    pub(crate) fn failed(&self, address: &str, why: &str) -> Result<(), SpoolError> {
        self.connection.execute("update printer set failure = ?2 where address = ?1", params![address, why])?;
        Ok(())
    }

    /// The printers known, by address.
    pub(crate) fn printers(&self) -> Result<Vec<PrinterStatus>, SpoolError> {
        let mut statement = self
            .connection
            .prepare("select address, serial, product_name, read_at, failure, defects from printer order by address")?;
        let rows = statement.query_map([], |row| {
            Ok(PrinterStatus {
                address: row.get(0)?,
                serial: row.get(1)?,
                product_name: row.get(2)?,
                read_at: row.get::<_, Option<i64>>(3)?.map(Instant),
                failure: row.get(4)?,
                defects: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
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

struct Waiting {
    number: u64,
    core: String,
    annex: Option<String>,
    salt: [u8; 16],
}

/// The oldest waiting records that fit one package.
fn waiting(tx: &Transaction<'_>) -> Result<Vec<Waiting>, SpoolError> {
    let mut statement = tx.prepare_cached("select number, core, annex, salt from record order by number limit ?1")?;
    let limit = i64::try_from(RECORDS_MAX).expect("a small limit");
    let mut rows = statement.query(params![limit])?;
    let (mut found, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let record = Waiting { number: count(row.get(0)?), core: row.get(1)?, annex: row.get(2)?, salt: row.get(3)? };
        size += record.core.len() + record.annex.as_ref().map_or(0, String::len);
        if size > PLAIN_TARGET && !found.is_empty() {
            break;
        }
        found.push(record);
    }
    Ok(found)
}

fn next_record(tx: &Transaction<'_>) -> Result<u64, SpoolError> {
    let sql =
        "select max(coalesce((select max(number) from record), 0), coalesce((select max(last) from package), 0)) + 1";
    Ok(count(tx.query_row(sql, [], |row| row.get(0))?))
}

fn unacknowledged_sections(tx: &Transaction<'_>) -> Result<Vec<(Hex<32>, String)>, SpoolError> {
    let mut statement =
        tx.prepare_cached("select digest, body from section where acknowledged = 0 order by digest limit ?1")?;
    let limit = i64::try_from(SECTIONS_MAX).expect("a small limit");
    let rows = statement.query_map(params![limit], |row| Ok((Hex(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn build(
    at: Position<'_>,
    waiting: &[Waiting],
    sections: &[(Hex<32>, String)],
    identity: &Identity,
) -> Result<(Vec<u8>, chain::Head), SpoolError> {
    let mut records = Vec::with_capacity(waiting.len());
    for record in waiting {
        let annex = record.annex.as_deref().map(serde_json::from_str).transpose()?;
        records.push(Record { core: serde_json::from_str(&record.core)?, annex, salt: Hex(record.salt) });
    }
    let mut raw: BTreeMap<Hex<32>, &RawValue> = BTreeMap::new();
    for (digest, body) in sections {
        raw.insert(*digest, serde_json::from_str(body)?);
    }
    let package = Package::pack(at, records, raw, &identity.evidence);
    Ok((package.to_bytes(), package.head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Stored;
    use report::Grade;
    use std::sync::Arc;

    fn identity() -> Identity {
        named("agent-1", "c")
    }

    fn named(agent: &str, customer: &str) -> Identity {
        Identity::new(Stored {
            agent: agent.to_owned(),
            portal: "https://127.0.0.1:1".to_owned(),
            portal_id: "portal".to_owned(),
            portal_ca: None,
            receipt_key: Hex(*protocol::SigningKey::from_bytes(&[8; 32]).verifying_key().as_bytes()),
            reseller: "r".to_owned(),
            customer: customer.to_owned(),
            secret: Hex([1; 32]),
            transcript: Hex([2; 32]),
            evidence_seed: Hex([3; 32]),
        })
        .expect("a valid key")
    }

    fn append(spool: &mut Spool, seed: u64) -> usize {
        let entropy: Entropy = Arc::new(|bytes| bytes.fill(7));
        let split = package::records(&report::sample::report(seed), &[], Grade::B).expect("a printer");
        spool.pin("a").expect("known");
        let read = ReadFrom { address: "a", now: Instant(1), fingerprint: None, defects: 0 };
        spool.append(&split, read, &entropy).expect("appended").jobs
    }

    fn receipt(sequence: u64) -> Receipt {
        Receipt {
            agent: "agent-1".to_owned(),
            sequence,
            digest: Hex([0; 32]),
            last: 0,
            head: Hex([0; 32]),
            accepted_at: Instant(2),
            signature: Hex([0; 64]),
        }
    }

    #[test]
    fn a_job_seen_before_is_not_put_in_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
        assert_eq!(append(&mut spool, 1), 3);
        assert_eq!(append(&mut spool, 1), 0);
        assert_eq!(append(&mut spool, 2), 3);
    }

    #[test]
    fn the_same_bytes_are_given_until_a_receipt_comes_even_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
        append(&mut spool, 1);
        let first = spool.outgoing(&identity()).expect("packs").expect("a package");
        append(&mut spool, 2);
        drop(spool);
        let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
        let again = spool.outgoing(&identity()).expect("reads").expect("a package");
        assert_eq!((first.sequence, &first.body), (again.sequence, &again.body));
        assert!(spool.acknowledge(&receipt(1), &[], Instant(3)).expect("acknowledged"), "more waits");
        let second = spool.outgoing(&identity()).expect("packs").expect("a package");
        assert_eq!(second.sequence, 2);
        assert!(!spool.acknowledge(&receipt(2), &[], Instant(3)).expect("acknowledged"));
        assert!(spool.outgoing(&identity()).expect("reads").is_none());
    }

    #[test]
    fn a_section_travels_until_acknowledged_and_again_when_wanted() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
        let sections = |spool: &mut Spool, seed, wanted: &[Hex<32>]| {
            append(spool, seed);
            let package = spool.outgoing(&identity()).expect("packs").expect("a package");
            let json = package::decompress(&package.body).expect("decompresses");
            let key = identity().evidence.verifying_key();
            let found: Vec<_> =
                Package::check(&json, "agent-1", &key).expect("checks").sections.keys().copied().collect();
            spool.acknowledge(&receipt(package.sequence), wanted, Instant(3)).expect("acknowledged");
            found
        };
        let first = sections(&mut spool, 1, &[]);
        assert_eq!(first.len(), 2);
        assert_eq!(sections(&mut spool, 1, &first[..1]), []);
        assert_eq!(sections(&mut spool, 1, &[]), first[..1]);
    }

    #[test]
    fn a_new_identity_sends_everything_that_the_old_one_could_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::open(folder.path(), &named("agent-0", "c")).expect("opens");
        append(&mut spool, 1);
        spool.outgoing(&identity()).expect("packs").expect("a package");
        append(&mut spool, 2);
        drop(spool);
        let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
        let package = spool.outgoing(&identity()).expect("packs").expect("a package");
        let json = package::decompress(&package.body).expect("decompresses");
        let package = Package::check(&json, "agent-1", &identity().evidence.verifying_key()).expect("checks");
        assert_eq!((package.sequence, package.first, package.records.len()), (1, 1, 8));
        assert_eq!(package.previous, chain::origin("agent-1"));
    }

    #[test]
    fn another_account_s_spool_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        append(&mut Spool::open(folder.path(), &identity()).expect("opens"), 1);
        let other = Spool::open(folder.path(), &named("agent-2", "somebody else"));
        assert!(matches!(other, Err(SpoolError::Foreign(_))));
    }

    #[test]
    fn sections_that_do_not_fit_beside_the_records_hold_nothing_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
        let mut rng = report::sample::Rng::new(1);
        for _ in 0..20 {
            let noise: String = (0..1250).map(|_| format!("{:016x}", rng.next_u64())).collect();
            let (body, digest) = (format!("\"{noise}\""), [u8::try_from(rng.between(0, 255)).expect("a byte"); 32]);
            let sql = "insert or ignore into section (digest, body, acknowledged) values (?1, ?2, 0)";
            spool.connection.execute(sql, params![digest, body]).expect("stored");
        }
        append(&mut spool, 1);
        let mut sent = 0;
        while let Some(package) = spool.outgoing(&identity()).expect("packs") {
            assert!(package.body.len() < SEALED_BYTES_MAX);
            spool.acknowledge(&receipt(package.sequence), &[], Instant(3)).expect("acknowledged");
            append(&mut spool, package.sequence + 1);
            sent += 1;
            let left: i64 = spool
                .connection
                .query_row("select count(*) from section where acknowledged = 0", [], |row| row.get(0))
                .expect("a count");
            if left == 0 {
                break;
            }
            assert!(sent < 20, "{left} sections are never sent");
        }
    }

    #[test]
    fn a_record_that_no_package_could_carry_is_left_out_and_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
        let mut report = report::sample::report(1);
        report.jobs[0].0.personal.name = Some("x".repeat(RECORD_BYTES_MAX));
        let split = package::records(&report, &[], Grade::B).expect("a printer");
        let entropy: Entropy = Arc::new(|bytes| bytes.fill(7));
        let read = ReadFrom { address: "a", now: Instant(1), fingerprint: None, defects: 0 };
        let appended = spool.append(&split, read, &entropy).expect("appended");
        assert_eq!(appended, Appended { jobs: 2, too_large: 1 });
    }

    #[test]
    fn settings_never_go_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(folder.path(), &identity()).expect("opens");
        assert!(spool.set_settings(&Settings { version: 2, interval_minutes: 60 }).expect("stored"));
        assert!(!spool.set_settings(&Settings { version: 1, interval_minutes: 30 }).expect("ignored"));
        assert_eq!(spool.settings().expect("read").interval_minutes, 60);
    }
}
