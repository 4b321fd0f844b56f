//! Packing: waiting records become the next package of the chain, signed and within every bound.

use super::{Outgoing, Spool, SpoolError, count, int};
use crate::identity::Identity;
use protocol::limits::{RECORDS_MAX, SEALED_BYTES_MAX, SECTIONS_MAX};
use protocol::package::{Package, Position, Record};
use protocol::{Hex, chain, package};
use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Bytes of records that go into one package before compression; real ones shrink three- to fivefold.
const PLAIN_TARGET: usize = 256 * 1024;
impl Spool {
    /// Packs the waiting records, signs, and commits the bytes before anybody sees them.
    pub(super) fn pack(&mut self, identity: &Identity) -> Result<Option<Outgoing>, SpoolError> {
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
}

/// A record that waits to be packed.
pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) core: String,
    pub(super) annex: Option<String>,
    pub(super) salt: [u8; 16],
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
