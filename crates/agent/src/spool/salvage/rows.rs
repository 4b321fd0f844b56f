//! What of a damaged spool is believed, row by row: what its checksum, chain or receipt proves.
//!
//! It ends after a bounded number of faults, whatever the file holds. Deliberately absent: the files, which
//! salvage itself makes, moves and removes.

use crate::identity::Identity;
use crate::spool::open::is_receipt;
use crate::spool::receive::MARKED;
use crate::spool::{
    Place, Spool, SpoolError, WAITING, Waiting, count, digest_of_value, mark, pack, place, resync, set_place, set_value,
};
use protocol::limits::RECORDS_MAX;
use protocol::message::AlertNotice;
use protocol::package::{Core, Gap, GapReason};
use protocol::receipt::Receipt;
use protocol::{Hex, sha256};
use report::Instant;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Transaction, params};

/// Faults in one table after which the rest of it is given up.
const FAULTS_MAX: u32 = 20_000;
/// How far reading goes on behind a fault, at most, in rows.
const STEP_MAX: i64 = 8;
/// Rows looked for in the direction in which the end of a table cannot be read.
const REACH: i64 = 100_000;

/// What came of the records.
#[derive(Default)]
pub(in crate::spool) struct Tally {
    pub(super) saved: u64,
    pub(super) lost: u64,
    /// Whether some of it cannot even be counted.
    pub(super) unknown: bool,
}

/// A row that is put into the new spool.
type Copied<'a> = &'a mut dyn FnMut(&Row<'_>) -> Result<(), SpoolError>;

impl Spool {
    /// Copies what reads, and notes the gap, in one transaction.
    pub(super) fn take_over(&mut self, damaged: &Connection, identity: &Identity) -> Result<Tally, SpoolError> {
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

/// One value of a damaged spool, when it is as it was put in.
pub(super) fn read_value(damaged: &Connection, name: &str) -> Option<String> {
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
    let receipt: Option<Receipt> = receipt.and_then(|text| serde_json::from_str(text).ok());
    receipt.map(|receipt| receipt.digest.0.to_vec()).unwrap_or_default()
}

/// Puts a package in with what its own bytes say of it.
fn insert_package(tx: &Transaction<'_>, read: &Read, kept: bool) -> Result<(), SpoolError> {
    let facts = pack::facts(&read.body)?;
    // When it was acknowledged is not proved: it is kept as long as any other from here on.
    let receipt: Option<Receipt> = read.receipt.as_deref().and_then(|text| serde_json::from_str(text).ok());
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
