//! Salvage: what reads of a damaged spool goes into a new one, with a notice of the gap, and the damaged one
//! is put aside.
//!
//! The new spool is filled and closed under a name of its own before the damaged one is moved, so that a
//! power cut or a full disk at any point leaves everything to be done again or to be ended.
//! Everything is taken over row by row and only when its checksum, chain or receipt holds. What was lost
//! the printers are asked for again. It ends after a bounded number of faults, whatever the file holds.
//! Deliberately absent: any attempt to repair the damaged file; it stays for people to look at.

use super::open::is_receipt;
use super::receive::MARKED;
use super::{
    Place, Spool, SpoolError, WAITING, Waiting, count, digest_of_value, mark, pack, place, resync, set_place, set_value,
};
use crate::identity::{Identity, sync_folder};
use protocol::limits::RECORDS_MAX;
use protocol::message::AlertNotice;
use protocol::package::{Core, Gap, GapReason};
use protocol::{Hex, sha256};
use report::{Instant, Surroundings};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Transaction, params};
use std::path::{Path, PathBuf};

/// Faults in one table after which the rest of it is given up.
const FAULTS_MAX: u32 = 20_000;
/// How far reading goes on behind a fault, at most, in rows.
const STEP_MAX: i64 = 8;
/// Rows looked for in the direction in which the end of a table cannot be read.
const REACH: i64 = 100_000;
/// Damaged spools that are kept.
const KEPT: usize = 3;
/// What must fit on the disk before anything is moved.
const ROOM: usize = 256 * 1024;
/// The new spool while it is filled. One that is found at a start is removed.
const FILLING: &str = "spool.sqlite.filling";
/// The new spool when all is in it. One that is found at a start takes the spool's place.
const FILLED: &str = "spool.sqlite.filled";
/// What SQLite puts beside a file.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What came of the records.
#[derive(Default)]
pub(super) struct Tally {
    saved: u64,
    lost: u64,
    /// Whether some of it cannot even be counted.
    unknown: bool,
}

/// A row that is put into the new spool.
type Copied<'a> = &'a mut dyn FnMut(&Row<'_>) -> Result<(), SpoolError>;

impl Spool {
    /// Takes over what reads of the damaged spool of a folder, and puts it aside.
    pub(super) fn salvage(
        state: &Path,
        identity: &Identity,
        bytes_max: u64,
        surroundings: Surroundings,
    ) -> Result<Spool, SpoolError> {
        let path = Spool::path(state);
        let account = Connection::open(&path).ok().and_then(|damaged| read_value(&damaged, "account"));
        if let Some(owner) = account.filter(|owner| identity.has_account() && *owner != identity.account()) {
            return Err(SpoolError::Foreign(owner));
        }
        if state.join(FILLED).exists() {
            // An earlier salvage came as far as this.
            replace(state, surroundings.now())?;
            return Spool::attach(state, bytes_max, surroundings);
        }
        has_room(state)?;
        let filled = match Spool::fill(state, identity, bytes_max, &surroundings) {
            // Damaged spools of earlier days give way to what the portal lacks.
            Err(error) if error.is_full() && remove_oldest(state, 0) => {
                Spool::fill(state, identity, bytes_max, &surroundings)
            }
            filled => filled,
        };
        let replaced = filled.and_then(|tally| replace(state, surroundings.now()).map(|()| tally));
        if replaced.is_err() && path.exists() {
            // The damaged spool is still the spool: nothing may take its place later.
            remove_new(state);
        }
        let tally = replaced?;
        let spool = Spool::attach(state, bytes_max, surroundings)?;
        tracing::warn!(
            saved = tally.saved,
            lost = tally.lost,
            unknown = tally.unknown,
            "the spool was damaged; what reads was taken over, and the rest is asked for again"
        );
        Ok(spool)
    }

    /// Fills a new spool with what reads of the damaged one, which is not touched.
    pub(super) fn fill(
        state: &Path,
        identity: &Identity,
        bytes_max: u64,
        surroundings: &Surroundings,
    ) -> Result<Tally, SpoolError> {
        remove_new(state);
        let path = Spool::path(state);
        // What is there fits: a smaller bound is held when the new spool is at work.
        let bytes: u64 = ["", "-wal"]
            .iter()
            .filter_map(|suffix| std::fs::metadata(beside(&path, suffix)).ok())
            .fold(0, |bytes, found| bytes.saturating_add(found.len()));
        let bound = bytes_max.max(bytes).saturating_mul(2);
        let mut spool = Spool::attach_file(state, FILLING, bound, surroundings.clone())?;
        // All of it must be in the one file that is moved, and not twice on a disk that is nearly full.
        let mode: String = spool.connection.query_row("pragma journal_mode = delete", [], |row| row.get(0))?;
        if mode != "delete" {
            return Err(SpoolError::Damaged("its new file cannot be written as one"));
        }
        spool.make_current()?;
        let tally = match Connection::open(&path) {
            Ok(damaged) => spool.take_over(&damaged, identity)?,
            Err(_) => Tally { unknown: true, ..Tally::default() },
        };
        drop(spool);
        std::fs::rename(state.join(FILLING), state.join(FILLED))?;
        sync_folder(state)?;
        Ok(tally)
    }

    /// Mends the spool at work: as when it is opened. Where that fails, the damaged one goes on being the spool.
    pub(super) fn mend(&mut self, identity: &Identity) -> Result<(), SpoolError> {
        self.works = false;
        // The file must be closed before it is moved.
        self.connection = Connection::open_in_memory()?;
        match Spool::salvage(&self.state, identity, self.bytes_max, self.surroundings.clone()) {
            Ok(mended) => {
                *self = mended;
                let settled = self.settle(identity);
                self.works = true;
                settled
            }
            Err(error) => {
                let attach = || Spool::attach(&self.state, self.bytes_max, self.surroundings.clone()).ok();
                if let Some(damaged) = Spool::path(&self.state).exists().then(attach).flatten() {
                    *self = damaged;
                }
                self.works = true;
                Err(error)
            }
        }
    }

    /// Copies what reads, and notes the gap, in one transaction.
    fn take_over(&mut self, damaged: &Connection, identity: &Identity) -> Result<Tally, SpoolError> {
        let surroundings = self.surroundings.clone();
        let now = surroundings.now();
        let tx = self.write()?;
        let owner = copy_values(damaged, &tx)?;
        let ours = owner.as_deref().is_none_or(|owner| owner == identity.agent());
        let mut tally = Tally::default();
        copy_packages(damaged, &tx, ours.then_some(identity), &mut tally)?;
        copy_records(damaged, &tx, &mut tally)?;
        copy_small_tables(damaged, &tx)?;
        if tally.lost == 0 && !tally.unknown {
            copy_seen(damaged, &tx)?;
        }
        if owner.is_none() {
            set_value(&tx, "agent", identity.agent())?;
            if identity.has_account() {
                set_value(&tx, "account", &identity.account())?;
            }
        }
        if ours {
            goes_on(&tx, identity.agent())?;
        }
        let lost_records = (!tally.unknown).then_some(tally.lost);
        let (why, salvaged_records) = (GapReason::SpoolDamaged, tally.saved);
        let gap = Gap { at: now, why, lost_records, salvaged_records, seen: mark(&tx)? };
        resync::note(&tx, &Core::Gap(gap), surroundings.random(), now)?;
        resync::ask(&tx, true)?;
        tx.commit()?;
        Ok(tally)
    }
}

/// Whether a new spool fits beside the damaged one.
fn has_room(state: &Path) -> Result<(), SpoolError> {
    let probe = state.join("probe");
    let written = std::fs::write(&probe, vec![0_u8; ROOM]);
    let _ = std::fs::remove_file(&probe);
    Ok(written?)
}

/// The path of what SQLite puts beside a file.
fn beside(of: &Path, suffix: &str) -> PathBuf {
    let mut name = of.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a new spool that did not come to be.
fn remove_new(state: &Path) {
    for name in [FILLING, FILLED] {
        for suffix in [""].iter().chain(&BESIDE) {
            let _ = std::fs::remove_file(beside(&state.join(name), suffix));
        }
    }
}

/// Ends a salvage that was interrupted: a new spool that is complete takes the place of the damaged one.
pub(super) fn end_interrupted(state: &Path, now: Instant) -> Result<(), SpoolError> {
    if state.join(FILLED).exists() {
        return replace(state, now);
    }
    if state.join(FILLING).exists() {
        remove_new(state);
    }
    Ok(())
}

/// Puts what is in the spool's place aside, and the new spool there.
fn replace(state: &Path, now: Instant) -> Result<(), SpoolError> {
    let path = Spool::path(state);
    if path.exists() {
        put_aside(state, now)?;
    } else {
        // Interrupted between the file and its log, which the new spool must not meet.
        for suffix in BESIDE {
            let _ = std::fs::remove_file(beside(&path, suffix));
        }
        sync_folder(state)?;
    }
    std::fs::rename(state.join(FILLED), &path)?;
    Ok(sync_folder(state)?)
}

/// Moves the spool's files to a name of their own.
pub(super) fn put_aside(state: &Path, now: Instant) -> Result<(), SpoolError> {
    let name = |nth: u32| match nth {
        0 => format!("spool.damaged-{}.sqlite", now.0),
        nth => format!("spool.damaged-{}-{nth}.sqlite", now.0),
    };
    let free = (0..u32::MAX).map(name).find(|name| !state.join(name).exists());
    let aside = state.join(free.ok_or(SpoolError::Damaged("no name is free to put it aside"))?);
    let path = Spool::path(state);
    std::fs::rename(&path, &aside)?;
    if beside(&path, "-wal").exists() {
        std::fs::rename(beside(&path, "-wal"), beside(&aside, "-wal"))?;
    }
    // The index of the WAL is made anew by whoever reads it.
    let _ = std::fs::remove_file(beside(&path, "-shm"));
    sync_folder(state)?;
    remove_oldest(state, KEPT);
    Ok(())
}

/// Removes all damaged spools that were put aside but the youngest few; whether there were any.
fn remove_oldest(state: &Path, keep: usize) -> bool {
    let Ok(entries) = std::fs::read_dir(state) else { return false };
    let is_damaged = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("spool.damaged-") && name.ends_with(".sqlite")
    };
    let mut kept: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_damaged).collect();
    // Their names begin with the time, in as many digits.
    kept.sort();
    let surplus = kept.len().saturating_sub(keep);
    for path in kept.drain(..surplus) {
        for suffix in [""].iter().chain(&BESIDE) {
            let _ = std::fs::remove_file(beside(&path, suffix));
        }
    }
    surplus > 0
}

/// One value of a damaged spool, when it is as it was put in.
fn read_value(damaged: &Connection, name: &str) -> Option<String> {
    let sql = "select text, digest from value where name = ?1";
    let read = |row: &Row<'_>| -> rusqlite::Result<(String, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?)) };
    let (text, digest) = damaged.query_row(sql, params![name], read).ok()?;
    (digest == digest_of_value(name, &text)).then_some(text)
}

/// The values that read; the agent whose spool it was.
fn copy_values(damaged: &Connection, tx: &Transaction<'_>) -> Result<Option<String>, SpoolError> {
    /// Values that can be found by their name where the table as a whole does not read.
    const KNOWN: [&str; 10] =
        ["agent", "account", "place", "message_number", "settings", "mark", MARKED, "sent_at", "budget", "folded"];
    let mut found: Vec<String> = KNOWN.map(str::to_owned).into();
    each(damaged, "select name from value", &mut |row| {
        found.extend(row.get::<_, String>(0).ok());
        Ok(())
    })?;
    found.sort();
    found.dedup();
    for name in found.iter().filter(|name| !["open", "resync", "duty"].contains(&name.as_str())) {
        if let Some(text) = read_value(damaged, name) {
            set_value(tx, name, &text)?;
        }
    }
    Ok(read_value(damaged, "agent"))
}

/// Gives every row of a small table until one does not read; whether all did.
fn each(damaged: &Connection, sql: &str, take: Copied<'_>) -> Result<bool, SpoolError> {
    let Ok(mut statement) = damaged.prepare(sql) else { return Ok(false) };
    let Ok(mut rows) = statement.query([]) else { return Ok(false) };
    loop {
        match rows.next() {
            Ok(Some(row)) => take(row)?,
            Ok(None) => return Ok(true),
            Err(_) => return Ok(false),
        }
    }
}

/// Gives every row of a table with numbered rows, going on behind what does not read; whether all did.
/// `sql` has the columns and the table; the number is the first column.
fn each_numbered(damaged: &Connection, sql: &str, key: &str, take: Copied<'_>) -> Result<bool, SpoolError> {
    let table = sql.rsplit(' ').next().unwrap_or_default();
    let end = |of: &str| -> Option<i64> {
        let sql = format!("select {of}({key}) from {table}");
        damaged.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0)).ok().flatten()
    };
    let (low, high) = (end("min"), end("max"));
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) => (low, high),
        (Some(low), None) => (low, low.saturating_add(REACH)),
        (None, Some(high)) => (high.saturating_sub(REACH), high),
        (None, None) => (1, REACH),
    };
    let sql = format!("{sql} where {key} >= ?1 order by {key}");
    if damaged.prepare(&sql).is_err() {
        // No database at all, or another one.
        return Ok(false);
    }
    let (mut from, mut step, mut faults) = (low, 1, 0);
    while from <= high && faults < FAULTS_MAX {
        let mut last: Option<i64> = None;
        let ended = run(damaged, &sql, from, &mut |row| {
            last = Some(row.get(0)?);
            take(row)
        })?;
        if ended {
            return Ok(faults == 0);
        }
        faults += 1;
        (from, step) = match last {
            Some(last) => (last.saturating_add(1), 1),
            None => (from.saturating_add(step), (step * 2).min(STEP_MAX)),
        };
    }
    Ok(false)
}

/// Gives rows from a number on until one does not read; whether the end was reached.
fn run(damaged: &Connection, sql: &str, from: i64, take: Copied<'_>) -> Result<bool, SpoolError> {
    let Ok(mut statement) = damaged.prepare_cached(sql) else { return Ok(false) };
    let Ok(mut rows) = statement.query(params![from]) else { return Ok(false) };
    loop {
        match rows.next() {
            Ok(Some(row)) => take(row)?,
            Ok(None) => return Ok(true),
            Err(_) => return Ok(false),
        }
    }
}

/// The records that are as they were put in.
fn copy_records(damaged: &Connection, tx: &Transaction<'_>, tally: &mut Tally) -> Result<(), SpoolError> {
    let sql = format!("select {WAITING}, digest from record");
    let mut highest = i64::MIN;
    let complete = each_numbered(damaged, &sql, "number", &mut |row| {
        let whole = |row: &Row<'_>| -> Option<Waiting> {
            let (record, digest) = (Waiting::read(row).ok()?, row.get::<_, Vec<u8>>(6).ok()?);
            (record.digest().as_slice() == digest).then_some(record)
        };
        match whole(row) {
            // In a broken tree one row can be found twice.
            Some(record) if record.number > highest => {
                highest = record.number;
                record.insert(tx, record.number)?;
                tally.saved += 1;
            }
            Some(_) => {}
            None => tally.lost += 1,
        }
        Ok(())
    })?;
    tally.unknown |= !complete;
    Ok(())
}

/// A package of a damaged spool.
struct Read {
    sequence: i64,
    first: i64,
    last: i64,
    body: Vec<u8>,
    receipt: Option<String>,
    oldest: i64,
}

impl Read {
    fn of(row: &Row<'_>) -> Option<Read> {
        let (sequence, first, last) = (row.get(0).ok()?, row.get(1).ok()?, row.get(2).ok()?);
        let (body, receipt) = (row.get(3).ok()?, row.get(4).ok()?);
        Some(Read { sequence, first, last, body, receipt, oldest: row.get(5).unwrap_or_default() })
    }

    fn records(&self) -> u64 {
        count(self.last.saturating_sub(self.first).saturating_add(1))
    }
}

/// The packages that are as they were packed. `identity` is absent when they are another identity's.
fn copy_packages(
    damaged: &Connection,
    tx: &Transaction<'_>,
    identity: Option<&Identity>,
    tally: &mut Tally,
) -> Result<(), SpoolError> {
    let sql = "select sequence, first, last, body, receipt, oldest from package";
    let complete = each_numbered(damaged, sql, "sequence", &mut |row| {
        let Some(read) = Read::of(row) else {
            tally.unknown = true;
            return Ok(());
        };
        let saved = match identity {
            Some(identity) => copy_package(tx, &read, identity)?,
            None => copy_earlier(tx, &read)?,
        };
        match saved {
            Fate::Kept => {}
            Fate::Unsent => tally.saved += read.records(),
            Fate::Lost if read.records() <= RECORDS_MAX as u64 => tally.lost += read.records(),
            Fate::Lost => tally.unknown = true,
        }
        Ok(())
    })?;
    tally.unknown |= !complete;
    Ok(())
}

/// What came of one package.
enum Fate {
    /// The portal has it.
    Kept,
    /// It waits for its receipt.
    Unsent,
    /// It does not read.
    Lost,
}

/// Takes over a package of this identity, as acknowledged only when its receipt is there.
fn copy_package(tx: &Transaction<'_>, read: &Read, identity: &Identity) -> Result<Fate, SpoolError> {
    let Ok(digest) = pack::check(&read.body, count(read.sequence), identity) else {
        // Its receipt shows that the portal has it: nothing is lost.
        let digest = receipt_digest(read.receipt.as_deref());
        let kept = is_receipt(read.receipt.as_deref(), count(read.sequence), &digest, identity);
        return Ok(if kept { Fate::Kept } else { Fate::Lost });
    };
    let kept = is_receipt(read.receipt.as_deref(), count(read.sequence), &digest.0, identity);
    insert_package(tx, read, kept)?;
    Ok(if kept { Fate::Kept } else { Fate::Unsent })
}

/// Takes over a package of an earlier identity, to be taken apart.
fn copy_earlier(tx: &Transaction<'_>, read: &Read) -> Result<Fate, SpoolError> {
    let had_receipt = read.receipt.is_some();
    if pack::take_apart(&read.body, Instant(0), &|| [0; 16]).is_ok() {
        insert_package(tx, read, false)?;
        return Ok(if had_receipt { Fate::Kept } else { Fate::Unsent });
    }
    Ok(if had_receipt { Fate::Kept } else { Fate::Lost })
}

/// The digest that a receipt names, empty when it does not read.
fn receipt_digest(receipt: Option<&str>) -> Vec<u8> {
    let receipt: Option<protocol::receipt::Receipt> = receipt.and_then(|text| serde_json::from_str(text).ok());
    receipt.map(|receipt| receipt.digest.0.to_vec()).unwrap_or_default()
}

/// Puts a package in with what its own bytes say of it.
fn insert_package(tx: &Transaction<'_>, read: &Read, kept: bool) -> Result<(), SpoolError> {
    let facts = pack::facts(&read.body)?;
    // When it was acknowledged is not proved: it is kept as long as any other from here on.
    let receipt: Option<protocol::receipt::Receipt> =
        read.receipt.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let acknowledged_at = receipt.filter(|_| kept).map(|receipt| receipt.accepted_at.0);
    tx.prepare_cached(
        "insert or replace into package (sequence, first, last, previous, head, digest, body, jobs, pages, oldest,
         acknowledged_at, receipt) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        read.sequence,
        facts.first,
        facts.last,
        facts.previous.0,
        facts.head.0,
        facts.digest.0,
        read.body,
        facts.jobs,
        facts.pages,
        read.oldest,
        acknowledged_at,
        read.receipt.as_deref().filter(|_| kept)
    ])?;
    Ok(())
}

/// Sections that fit their digest, printers and alerts.
fn copy_small_tables(damaged: &Connection, tx: &Transaction<'_>) -> Result<(), SpoolError> {
    each(damaged, "select digest, body, acknowledged, used_at from section", &mut |row| {
        let read = || -> rusqlite::Result<(Hex<32>, String, i64, i64)> {
            Ok((Hex(row.get(0)?), row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let Ok((digest, body, acknowledged, used_at)) = read() else { return Ok(()) };
        if sha256(&[body.as_bytes()]) == digest.0 {
            // Whether the portal has it is not proved; it says what it lacks.
            let sql = "insert or ignore into section (digest, body, acknowledged, used_at) values (?1, ?2, ?3, ?4)";
            tx.prepare_cached(sql)?.execute(params![digest.0, body, i64::from(acknowledged == 1), used_at])?;
        }
        Ok(())
    })?;
    copy_plain(damaged, tx, "printer", &PRINTER)?;
    copy_plain(damaged, tx, "alert", &ALERT)
}

/// What was seen already; only where nothing is lost, since what is lost must be read again.
fn copy_seen(damaged: &Connection, tx: &Transaction<'_>) -> Result<(), SpoolError> {
    copy_plain(damaged, tx, "job_seen", &JOB_SEEN)?;
    copy_plain(damaged, tx, "seen", &SEEN)
}

/// What a cell must hold: SQLite itself takes anything anywhere.
#[derive(Clone, Copy)]
enum Cell {
    Integer,
    Text,
    Digest,
    /// The JSON of an alert.
    Notice,
}

/// A column, what it holds, and whether it may hold nothing.
type Column = (&'static str, Cell, bool);

const PRINTER: [Column; 8] = [
    ("address", Cell::Text, false),
    ("fingerprint", Cell::Digest, true),
    ("serial", Cell::Text, true),
    ("product_name", Cell::Text, true),
    ("read_at", Cell::Integer, true),
    ("failure", Cell::Text, true),
    ("defects", Cell::Integer, false),
    ("seen_only", Cell::Integer, false),
];
const ALERT: [Column; 9] = [
    ("id", Cell::Integer, false),
    ("printer", Cell::Text, false),
    ("code", Cell::Text, false),
    ("since", Cell::Integer, false),
    ("body", Cell::Notice, false),
    ("number", Cell::Integer, true),
    ("queued_at", Cell::Integer, false),
    ("sent_at", Cell::Integer, true),
    ("refused", Cell::Text, true),
];
const JOB_SEEN: [Column; 4] = [
    ("printer", Cell::Text, false),
    ("job_key", Cell::Text, false),
    ("digest", Cell::Digest, false),
    ("seen_at", Cell::Integer, false),
];
const SEEN: [Column; 3] =
    [("serial", Cell::Text, false), ("digest", Cell::Digest, false), ("at", Cell::Integer, false)];

/// Whether a cell holds what it must.
fn holds(cell: Cell, nullable: bool, value: &Value) -> bool {
    match (cell, value) {
        (_, Value::Null) => nullable,
        (Cell::Integer, Value::Integer(_)) | (Cell::Text, Value::Text(_)) => true,
        (Cell::Digest, Value::Blob(bytes)) => bytes.len() == 32,
        (Cell::Notice, Value::Text(text)) => serde_json::from_str::<AlertNotice>(text).is_ok(),
        _ => false,
    }
}

/// Copies a table row by row; a row that is not as it must be is left out.
fn copy_plain(damaged: &Connection, tx: &Transaction<'_>, table: &str, columns: &[Column]) -> Result<(), SpoolError> {
    let names: Vec<&str> = columns.iter().map(|(name, ..)| *name).collect();
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
    let (names, places) = (names.join(", "), places.join(", "));
    let insert = format!("insert or ignore into {table} ({names}) values ({places})");
    each(damaged, &format!("select {names} from {table}"), &mut |row| {
        let cells: rusqlite::Result<Vec<Value>> = (0..columns.len()).map(|place| row.get(place)).collect();
        let Ok(cells) = cells else { return Ok(()) };
        if !columns.iter().zip(&cells).all(|((_, cell, nullable), value)| holds(*cell, *nullable, value)) {
            return Ok(());
        }
        match tx.prepare_cached(&insert)?.execute(rusqlite::params_from_iter(cells)) {
            Ok(_) => Ok(()),
            Err(error) if refuses(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    })?;
    Ok(())
}

/// Whether the new table does not take a row, and nothing else is wrong.
fn refuses(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, TypeMismatch};
    matches!(error.sqlite_error_code(), Some(ConstraintViolation | TypeMismatch))
}

/// Where the chain goes on, as far as the spool can tell; the portal's standing decides.
fn goes_on(tx: &Transaction<'_>, agent: &str) -> Result<(), SpoolError> {
    let known = place(tx, agent)?;
    let sql = "select sequence, last, head from package order by sequence desc limit 1";
    let mut statement = tx.prepare(sql)?;
    let mut rows = statement.query([])?;
    let last = match rows.next()? {
        Some(row) => {
            let (sequence, last): (i64, i64) = (row.get(0)?, row.get(1)?);
            Place { sequence: count(sequence) + 1, first: count(last) + 1, head: Hex(row.get(2)?) }
        }
        None => Place::origin(agent),
    };
    set_place(tx, if last.sequence > known.sequence { last } else { known })
}
