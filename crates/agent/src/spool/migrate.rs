//! Older spools: the form of the first version, which had no checksums, becomes the current one in place.
//!
//! Its packages were signed over a shorter statement that no portal takes any more. What was not
//! acknowledged is taken apart and chained anew where the portal stands; what was acknowledged is the
//! portal's. Deliberately absent: a way back.

use super::append::keep_section;
use super::{Place, SCHEMA, SpoolError, VERSION, Waiting, count, resync, set_place, set_value};
use protocol::package::Section;
use protocol::{Hex, package};
use report::{Instant, Status, Surroundings};
use rusqlite::{Connection, OptionalExtension, Transaction};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The tables that change their form.
const RENAME: &str = "
drop index if exists package_unsent;
alter table record rename to record_0;
alter table package rename to package_0;
alter table section rename to section_0;
alter table printer rename to printer_0;
alter table value rename to value_0;
";
const COPY: &str = "
insert into section (digest, body, acknowledged, used_at) select digest, body, 0, ?1 from section_0;
";
const DROP: &str = "
insert into printer (address, fingerprint, serial, product_name, read_at, failure, defects)
    select address, fingerprint, serial, product_name, read_at, failure, defects from printer_0;
drop table record_0; drop table package_0; drop table section_0; drop table printer_0; drop table value_0;
";

/// A package of the first form.
#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow)]
    records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    core: &'a RawValue,
    #[serde(borrow, default)]
    annex: Option<&'a RawValue>,
    salt: Hex<16>,
}

/// Brings a spool of the first form to the current one, in one transaction, which is committed here.
pub(super) fn from_the_first(tx: Transaction<'_>, surroundings: &Surroundings) -> Result<(), SpoolError> {
    let now = surroundings.now();
    tx.execute_batch(RENAME)?;
    tx.execute_batch(SCHEMA)?;
    tx.execute(COPY, [now.0])?;
    let mut number = 1;
    for body in unsent(&tx)? {
        let json = package::decompress(&body).map_err(|_| SpoolError::Damaged("a package does not decompress"))?;
        let package: Package<'_> = serde_json::from_slice(&json)?;
        for record in &package.records {
            let annex = record.annex.map(|annex| annex.get().to_owned());
            let core = current(&tx, record.core.get(), now)?;
            Waiting::new(core, annex, record.salt.0, now).insert(&tx, number)?;
            number += 1;
        }
    }
    let mut statement = tx.prepare("select core, annex, salt from record_0 order by number")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let core = current(&tx, &row.get::<_, String>(0)?, now)?;
        Waiting::new(core, row.get(1)?, row.get(2)?, now).insert(&tx, number)?;
        number += 1;
    }
    drop(rows);
    drop(statement);
    copy_values(&tx)?;
    tx.execute_batch(DROP)?;
    tx.execute_batch(&format!("pragma user_version = {VERSION};"))?;
    tx.commit()?;
    Ok(())
}

/// The packages that the portal may not have.
fn unsent(tx: &Connection) -> Result<Vec<Vec<u8>>, SpoolError> {
    let mut statement = tx.prepare("select body from package_0 where acknowledged_at is null order by sequence")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The values, and where the chain stood at the last receipt.
fn copy_values(tx: &Connection) -> Result<(), SpoolError> {
    let mut statement = tx.prepare("select name, text from value_0 where name in ('agent', 'account')")?;
    let mut rows = statement.query([])?;
    let mut agent = None;
    while let Some(row) = rows.next()? {
        let (name, text): (String, String) = (row.get(0)?, row.get(1)?);
        set_value(tx, &name, &text)?;
        agent = agent.or((name == "agent").then_some(text));
    }
    let sql = "select sequence, last, head from package_0 where acknowledged_at is not null
               order by sequence desc limit 1";
    let last: Option<(i64, i64, [u8; 32])> =
        tx.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let place = match (last, &agent) {
        (Some((sequence, last, head)), _) => {
            Place { sequence: count(sequence) + 1, first: count(last) + 1, head: Hex(head) }
        }
        (None, Some(agent)) => Place::origin(agent),
        (None, None) => return Ok(()),
    };
    set_place(tx, place)?;
    resync::ask(tx, true)
}

/// A core of the current form: the status of a reading is a section of its own now.
fn current(tx: &Connection, core: &str, now: Instant) -> Result<String, SpoolError> {
    let mut value: serde_json::Value = serde_json::from_str(core)?;
    let status = value.get_mut("reading").and_then(|reading| reading.get_mut("status"));
    let Some(status) = status.filter(|status| status.is_object()) else { return Ok(core.to_owned()) };
    let typed: Status = serde_json::from_value(status.take())?;
    let section = Section::of_status(&typed);
    keep_section(tx, section.digest, &section.json, now)?;
    *status = serde_json::Value::String(section.digest.to_string());
    Ok(value.to_string())
}
