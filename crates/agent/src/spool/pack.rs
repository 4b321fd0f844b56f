//! Packing: waiting records become the next package of the chain, signed and within every bound.
//!
//! Deliberately absent: sealing, which every attempt to send does anew.

use super::{Place, Spool, SpoolError, WAITING, Waiting, count, int, mark, place, set_place};
use crate::desk::SentPackage;
use crate::identity::Identity;
use protocol::limits::{RECORDS_MAX, SECTIONS_MAX};
use protocol::package::{Package, Position, Record};
use protocol::{Hex, package, sha256};
use report::Instant;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of records and sections that go into one package before compression: a half hour of twenty busy printers.
/// Real ones shrink tenfold and more; one that shrinks less is packed with fewer records. One record that brings
/// all its sections may be larger, and even then stays below the protocol's bound of 4 MiB.
const PLAIN_TARGET: usize = 768 * 1024;
/// A package is at most this many bytes before it is sealed. It is less than the protocol allows, so that
/// one package with its connection always fits the wire budget of 30 minutes.
pub(crate) const PACKED_MAX: usize = 75 * 1024;
/// Where less may be sent now and more waits, it waits for so much: a connection costs a third of this.
const WORTH_BYTES: usize = 24 * 1024;
/// A section that is larger than this is no section that a printer of ours gave; it is not sent.
const SECTION_MAX: usize = 1024 * 1024;

/// The value with the digest of the package that was last given out to be sent. All before it have receipts.
pub(crate) const HANDED_OVER: &str = "handed_over";

/// A package ready to send.
pub(crate) struct Outgoing {
    pub(crate) sequence: u64,
    pub(crate) digest: Hex<32>,
    pub(crate) body: Vec<u8>,
}

/// What there is to send.
pub(crate) enum Packing {
    /// Nothing.
    Nothing,
    /// The package that comes next.
    Package(Outgoing),
    /// Records that wait. They are packed when a package of so many bytes, before it is sealed, may be sent.
    Needs(usize),
}

/// A package as it was built.
struct Built {
    body: Vec<u8>,
    head: Hex<32>,
    digest: Hex<32>,
}

/// The parts of a reading that name sections.
#[derive(Deserialize)]
struct Named {
    reading: Sections,
}

#[derive(Deserialize)]
struct Sections {
    status: Hex<32>,
    settings: Option<Hex<32>>,
    sources: Hex<32>,
}

/// The sections that a record refers to.
fn named(core: &str) -> Vec<Hex<32>> {
    let Ok(Named { reading }) = serde_json::from_str(core) else { return Vec::new() };
    [Some(reading.status), reading.settings, Some(reading.sources)].into_iter().flatten().collect()
}

/// What may go into the next package.
#[derive(Default)]
struct Chosen {
    records: Vec<Waiting>,
    /// The unacknowledged sections that each record is the first to need.
    needs: Vec<Vec<(Hex<32>, String)>>,
    /// Sections that the portal asked for.
    wanted: Vec<(Hex<32>, String)>,
}

impl Chosen {
    /// Leaves something out of a package that has `bytes` and may have `most`: some records and what was asked for,
    /// then all sections. `false` when one record alone is left.
    fn shrink(&mut self, bytes: usize, most: usize) -> bool {
        let count = self.records.len();
        if count > 1 {
            // What is a little too large loses a little. What was asked for hides how large the records are.
            let fits = if self.wanted.is_empty() && bytes > most { count * most / bytes } else { count * 3 / 4 };
            let take = fits.clamp(1, count - 1);
            self.records.truncate(take);
            self.needs.truncate(take);
            self.wanted.truncate(self.wanted.len() / 2);
            return true;
        }
        let sections = self.wanted.len() + self.needs.iter().map(Vec::len).sum::<usize>();
        if self.wanted.is_empty() {
            self.needs.iter_mut().for_each(Vec::clear);
        }
        self.wanted.clear();
        sections > 0
    }

    fn sections(&self) -> impl Iterator<Item = &(Hex<32>, String)> {
        self.needs.iter().flatten().chain(&self.wanted)
    }
}

impl Spool {
    /// The oldest package that is not acknowledged; packs waiting records when there is none, at most `room` bytes
    /// of them before they are sealed. A package stays as it was packed, so that it is packed when it may be sent.
    pub(crate) fn outgoing(&mut self, identity: &Identity, room: usize) -> Result<Packing, SpoolError> {
        match self.oldest_unsent(identity)? {
            Some(package) => Ok(Packing::Package(package)),
            None => self.pack(identity, room.min(PACKED_MAX)),
        }
    }

    /// The oldest package that is not acknowledged, found to be as it was packed.
    pub(crate) fn oldest_unsent(&self, identity: &Identity) -> Result<Option<Outgoing>, SpoolError> {
        let sql = "select sequence, digest, body from package where acknowledged_at is null order by sequence limit 1";
        let found = self.connection.prepare_cached(sql)?.query_row([], |row| {
            Ok(Outgoing { sequence: count(row.get(0)?), digest: Hex(row.get(1)?), body: row.get(2)? })
        });
        let Some(package) = found.optional()? else { return Ok(None) };
        let digest = check(&package.body, package.sequence, identity)?;
        if digest != package.digest {
            return Err(SpoolError::Damaged("a package is not the one that was packed"));
        }
        Ok(Some(package))
    }

    /// Packs the waiting records, as many as `most` bytes hold, signs, and commits the bytes before anybody sees
    /// them. Where `most` holds only a few of them, nothing is packed yet.
    fn pack(&mut self, identity: &Identity, most: usize) -> Result<Packing, SpoolError> {
        let tx = self.write()?;
        let mut chosen = choose(&tx)?;
        let Some(number) = chosen.records.first().map(|record| record.number) else { return Ok(Packing::Nothing) };
        let place = place(&tx, identity.agent())?;
        let (sequence, first, seen) = (place.sequence, place.first, mark(&tx)?);
        let at = Position { agent: identity.agent(), sequence, first, previous: place.head, seen };
        let built = loop {
            let built = build(at, &chosen, identity)?;
            let bytes = built.body.len();
            // Decompressing holds the portal's bounds of size and ratio.
            if bytes <= most && package::decompress(&built.body).is_ok() {
                break built;
            }
            let is_one = chosen.records.len() == 1 && chosen.wanted.is_empty();
            if bytes > most && most < PACKED_MAX && (is_one || most < WORTH_BYTES) {
                return Ok(Packing::Needs(bytes.min(if is_one { PACKED_MAX } else { WORTH_BYTES })));
            }
            if !chosen.shrink(bytes, most) {
                return Err(SpoolError::TooLarge(number));
            }
        };
        check(&built.body, sequence, identity).map_err(|_| SpoolError::Signature)?;
        for (digest, _) in chosen.sections() {
            let sql = "update section set sequence = ?2 where digest = ?1";
            tx.prepare_cached(sql)?.execute(params![digest.0, int(sequence)])?;
        }
        keep(&tx, place, &built, &chosen.records)?;
        tx.commit()?;
        Ok(Packing::Package(Outgoing { sequence, digest: built.digest, body: built.body }))
    }
}

/// Whether a package is whole and ours; its digest.
pub(super) fn check(body: &[u8], sequence: u64, identity: &Identity) -> Result<Hex<32>, SpoolError> {
    let damaged = SpoolError::Damaged("a package does not read");
    let Ok(json) = package::decompress(body) else { return Err(damaged) };
    match Package::check(&json, identity.agent(), &identity.evidence_keys()) {
        Ok(package) if package.sequence == sequence => Ok(package.digest()),
        _ => Err(damaged),
    }
}

/// Puts a package in the place of its records.
fn keep(tx: &Transaction<'_>, place: Place, built: &Built, records: &[Waiting]) -> Result<(), SpoolError> {
    let taken = u64::try_from(records.len()).unwrap_or(0);
    let next = Place { sequence: place.sequence + 1, first: place.first + taken, head: built.head };
    let jobs = records.iter().filter(|record| record.is_job()).count();
    let pages = records.iter().fold(0, |sum: i64, record| sum.saturating_add(record.pages));
    let oldest = records.iter().map(|record| record.at).min().unwrap_or_default();
    // The records go first: on a full disk the package takes their place.
    let last = records.last().map_or(i64::MIN, |record| record.number);
    tx.execute("delete from record where number <= ?1", params![last])?;
    tx.execute(
        "insert into package (sequence, first, last, previous, head, digest, body, jobs, pages, oldest)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            int(place.sequence),
            int(place.first),
            int(next.first - 1),
            place.head.0,
            built.head.0,
            built.digest.0,
            built.body,
            i64::try_from(jobs).unwrap_or(i64::MAX),
            pages,
            oldest.0
        ],
    )?;
    set_place(tx, next)
}

/// The oldest waiting records that fit one package, each with the sections that it needs.
fn choose(tx: &Connection) -> Result<Chosen, SpoolError> {
    let sql = format!("select {WAITING}, digest from record order by number limit ?1");
    let mut statement = tx.prepare_cached(&sql)?;
    let limit = i64::try_from(RECORDS_MAX).unwrap_or(1);
    let mut rows = statement.query(params![limit])?;
    let (mut chosen, mut size, mut sections) = (Chosen::default(), 0, BTreeSet::<Hex<32>>::new());
    while let Some(row) = rows.next()? {
        let record = Waiting::read(row)?;
        if row.get::<_, Vec<u8>>(6)? != record.digest() {
            return Err(SpoolError::Damaged("a record is not as it was put in"));
        }
        let mut needs: Vec<(Hex<32>, String)> = Vec::new();
        for digest in named(&record.core) {
            if sections.len() + needs.len() < SECTIONS_MAX && !sections.contains(&digest) {
                needs.extend(unacknowledged(tx, digest)?.map(|body| (digest, body)));
            }
        }
        size += record.size() + needs.iter().map(|(_, body)| body.len()).sum::<usize>();
        if size > PLAIN_TARGET && !chosen.records.is_empty() {
            break;
        }
        sections.extend(needs.iter().map(|(digest, _)| *digest));
        chosen.records.push(record);
        chosen.needs.push(needs);
    }
    if !chosen.records.is_empty() {
        chosen.wanted = wanted(tx, &sections, PLAIN_TARGET.saturating_sub(size))?;
    }
    Ok(chosen)
}

/// The body of a section, when the portal may not have it.
fn unacknowledged(tx: &Connection, digest: Hex<32>) -> Result<Option<String>, SpoolError> {
    let sql = "select body from section where digest = ?1 and acknowledged = 0 and length(body) <= ?2";
    let limit = i64::try_from(SECTION_MAX).unwrap_or(i64::MAX);
    let body = tx.prepare_cached(sql)?.query_row(params![digest.0, limit], |row| row.get(0)).optional()?;
    body.map(|body| whole(digest, body)).transpose()
}

/// A section's body, when it fits its digest.
fn whole(digest: Hex<32>, body: String) -> Result<String, SpoolError> {
    if sha256(&[body.as_bytes()]) == digest.0 {
        Ok(body)
    } else {
        Err(SpoolError::Damaged("a section is not as it was put in"))
    }
}

/// Other sections that the portal lacks, as far as there is room beside the records.
fn wanted(tx: &Connection, chosen: &BTreeSet<Hex<32>>, room: usize) -> Result<Vec<(Hex<32>, String)>, SpoolError> {
    let sql = "select digest, body from section where acknowledged = 0 and length(body) <= ?1
               order by used_at, digest limit ?2";
    let mut statement = tx.prepare_cached(sql)?;
    let limit = i64::try_from(SECTIONS_MAX).unwrap_or(1);
    let mut rows = statement.query(params![i64::try_from(room).unwrap_or(i64::MAX), limit])?;
    let (mut found, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (digest, body): (Hex<32>, String) = (Hex(row.get(0)?), row.get(1)?);
        size += body.len();
        if size > room || found.len() + chosen.len() >= SECTIONS_MAX {
            break;
        }
        if !chosen.contains(&digest) {
            found.push((digest, whole(digest, body)?));
        }
    }
    Ok(found)
}

fn build(at: Position<'_>, chosen: &Chosen, identity: &Identity) -> Result<Built, SpoolError> {
    let mut records = Vec::with_capacity(chosen.records.len());
    for record in &chosen.records {
        let annex = record.annex.as_deref().map(serde_json::from_str).transpose()?;
        records.push(Record::new(serde_json::from_str(&record.core)?, annex, Hex(record.salt)));
    }
    let mut sections: BTreeMap<Hex<32>, &RawValue> = BTreeMap::new();
    for (digest, body) in chosen.sections() {
        sections.insert(*digest, serde_json::from_str(body)?);
    }
    let sign = |text: &[u8]| identity.sign_for(at.sequence, text);
    let package = Package::pack(at, records, sections, &sign);
    Ok(Built { body: package.to_bytes(), head: package.head, digest: package.digest() })
}

/// Records of a package, to be packed anew.
pub(super) fn take_apart(body: &[u8], at: Instant, salt: &dyn Fn() -> [u8; 16]) -> Result<Vec<Waiting>, SpoolError> {
    let json = package::decompress(body).map_err(|_| SpoolError::Damaged("a package does not decompress"))?;
    let package: Package<'_> = serde_json::from_slice(&json)?;
    let record = |record: &Record<'_>| {
        // The salt of an erased annex is gone with it; what is chained anew gets a new one.
        let salt = record.salt.map_or_else(salt, |salt| salt.0);
        let annex = record.annex.map(|annex| annex.get().to_owned());
        Waiting::new(record.core.get().to_owned(), annex, salt, at)
    };
    Ok(package.records.iter().map(record).collect())
}

/// What a package says of itself.
pub(super) struct Facts {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) previous: Hex<32>,
    pub(super) head: Hex<32>,
    pub(super) digest: Hex<32>,
    pub(super) jobs: i64,
    pub(super) pages: i64,
}

/// Reads what a package says of itself; whether that is true stands in [`check`].
pub(super) fn facts(body: &[u8]) -> Result<Facts, SpoolError> {
    let json = package::decompress(body).map_err(|_| SpoolError::Damaged("a package does not decompress"))?;
    let package: Package<'_> = serde_json::from_slice(&json)?;
    let records = take_apart(body, Instant(0), &|| [0; 16])?;
    let jobs = records.iter().filter(|record| record.is_job()).count();
    let count = u64::try_from(records.len()).unwrap_or(0);
    Ok(Facts {
        first: int(package.first),
        last: int(package.first.saturating_add(count).saturating_sub(1)),
        previous: package.previous,
        head: package.head,
        digest: package.digest(),
        jobs: i64::try_from(jobs).unwrap_or(i64::MAX),
        pages: records.iter().fold(0, |sum: i64, record| sum.saturating_add(record.pages)),
    })
}

impl Spool {
    /// The last packages, the youngest first, as they were sent or will be.
    pub(crate) fn packages(&self, last: usize) -> Result<Vec<SentPackage>, SpoolError> {
        let sql = "select sequence, acknowledged_at, body, receipt is not null, digest
                   from package order by sequence desc limit ?1";
        let handed: Option<Hex<32>> = self.value(HANDED_OVER)?.and_then(|text| text.parse().ok());
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![i64::try_from(last).unwrap_or(i64::MAX)])?;
        let mut packages = Vec::new();
        while let Some(row) = rows.next()? {
            let damaged = |_| SpoolError::Damaged("a package does not read");
            let json = package::decompress(&row.get::<_, Vec<u8>>(2)?).map_err(damaged)?;
            let wire_digest = Hex(sha256(&[&json]));
            let json = String::from_utf8(json).map_err(|_| SpoolError::Damaged("a package is no text"))?;
            let acknowledged_at = row.get::<_, Option<i64>>(1)?.map(Instant);
            let is_handed = handed == Some(Hex(row.get(4)?));
            let handed_over = acknowledged_at.is_some() || row.get::<_, bool>(3)? || is_handed;
            let sequence = count(row.get(0)?);
            packages.push(SentPackage { sequence, acknowledged_at, handed_over, json, wire_digest });
        }
        Ok(packages)
    }
}
