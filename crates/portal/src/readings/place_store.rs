//! What the database keeps of places: which printer fills one, which one took it over, and where it stands.
//!
//! Deliberately absent: contracts themselves, and any change to a stay but its end.

use super::page_store::Machine;
use crate::contracts::store::stay_changed;
use crate::db::{DbError, Tx, params};
use crate::shell::ResellerScope;
use crate::shell::printer;
use billing::{Site, Terms};
use report::Instant;

/// Rows of each list.
const ROWS_MAX: i64 = 200;

/// The stay of a printer in a contract that has no end yet.
#[derive(Debug, Clone)]
pub(super) struct Stay {
    pub(super) contract_id: i64,
    pub(super) number: String,
    pub(super) from: Instant,
    /// The place it fills; `None`: its own.
    pub(super) position_id: Option<i64>,
}

const STAY: &str = "select stay.contract_id, contract.number, stay.from_at, stay.position_id
    from contract_printer as stay
    join contract on contract.reseller_id = stay.reseller_id and contract.contract_id = stay.contract_id
    where stay.reseller_id = $1 and stay.printer_id = $2 and stay.to_at is null
    order by stay.from_at desc limit 1";

/// The open stay of a printer.
pub(super) fn open_stay(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Option<Stay>, DbError> {
    tx.query_opt(STAY, params![scope.reseller_id(), printer_id], |row| {
        Ok(Stay {
            contract_id: row.int(0)?,
            number: row.text(1)?,
            from: Instant(row.int(2)?),
            position_id: row.opt_int(3)?,
        })
    })
}

const TERMS: &str = "select terms from contract_version
    where reseller_id = $1 and contract_id = $2 and state = 'standing'
    order by valid_from desc, version desc limit 1";

/// The zone in which a contract's days begin.
pub(super) fn zone(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Option<String>, DbError> {
    tx.query_opt(TERMS, params![scope.reseller_id(), contract_id], |row| {
        let terms: Terms = serde_json::from_str(&row.text(0)?)?;
        Ok(terms.time_zone)
    })
}

const BILLED: &str = "select max(period_end) from statement
    where reseller_id = $1 and contract_id = $2 and state <> 'draft'";

/// The end of what approved and issued statements of a contract have billed.
pub(super) fn billed_until(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
) -> Result<Option<Instant>, DbError> {
    let found = tx.query_opt(BILLED, params![scope.reseller_id(), contract_id], |row| row.opt_int(0))?;
    Ok(found.flatten().map(Instant))
}

const FREE: &str = "select printer.printer_id, printer.serial, printer.product_name, printer.product_number,
        printer.nickname
    from printer
    where printer.reseller_id = $1 and printer.customer_id = $2 and printer.printer_id <> $3
    and not exists (select 1 from contract_printer as stay
        where stay.reseller_id = printer.reseller_id and stay.printer_id = printer.printer_id and stay.to_at is null)
    order by printer.serial limit $4";

/// The customer's printers that can take the place of one: id and name.
pub(super) fn successors(tx: &mut Tx<'_>, scope: &ResellerScope, old: &Machine) -> Result<Vec<(i64, String)>, DbError> {
    tx.query(FREE, params![scope.reseller_id(), old.customer_id, old.printer_id, ROWS_MAX], |row| {
        let (serial, nickname) = (row.text(1)?, row.opt_text(4)?);
        let (name, number) = (row.opt_text(2)?, row.opt_text(3)?);
        let label = printer::label(nickname.as_deref(), name.as_deref(), number.as_deref(), &serial);
        let label = if label.contains(&serial) { label } else { printer::with_serial(&label, &serial) };
        Ok((row.int(0)?, label))
    })
}

/// Changes nothing: it holds the printer's row, so that of two acts at once the second waits.
const HOLD: &str = "update printer set customer_id = customer_id where reseller_id = $1 and printer_id = $2";
const TAKEN: &str = "select contract.number from contract_printer as stay
    join contract on contract.reseller_id = stay.reseller_id and contract.contract_id = stay.contract_id
    where stay.reseller_id = $1 and stay.printer_id = $2 and (stay.to_at is null or stay.to_at > $3)
    order by stay.from_at limit 1";

/// Holds a printer until the end of the transaction; gives the number of a contract that it is in at `from` or
/// later.
pub(super) fn hold(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    from: Instant,
) -> Result<Option<String>, DbError> {
    tx.execute(HOLD, params![scope.reseller_id(), printer_id])?;
    tx.query_opt(TAKEN, params![scope.reseller_id(), printer_id, from], |row| row.text(0))
}

/// A printer that takes the place of another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewSwap<'a> {
    pub(super) swap_id: i64,
    pub(super) stay: &'a Stay,
    pub(super) old: i64,
    pub(super) new: i64,
    pub(super) at: Instant,
    pub(super) note: &'a str,
    pub(super) by: i64,
    pub(super) now: Instant,
}

const END: &str = "update contract_printer set to_at = $4
    where reseller_id = $1 and contract_id = $2 and printer_id = $3 and to_at is null and from_at < $4";
const BEGIN: &str = "insert into contract_printer (reseller_id, contract_id, printer_id, from_at, position_id)
    values ($1, $2, $3, $4, $5)";
const SWAP: &str = "insert into printer_swap
    (reseller_id, swap_id, old_printer_id, new_printer_id, at, note, entered_at, person_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Ends the stay of the old printer and begins that of the new one, at the same place. `false` where the old
/// one's stay is not there any more.
pub(super) fn swap(tx: &mut Tx<'_>, scope: &ResellerScope, new: &NewSwap<'_>) -> Result<bool, DbError> {
    let (reseller, contract) = (scope.reseller_id(), new.stay.contract_id);
    if tx.execute(END, params![reseller, contract, new.old, new.at])? == 0 {
        return Ok(false);
    }
    let position = new.stay.position_id.unwrap_or(new.old);
    tx.execute(BEGIN, params![reseller, contract, new.new, new.at, position])?;
    let parameters = params![reseller, new.swap_id, new.old, new.new, new.at, new.note, new.now, new.by];
    tx.execute(SWAP, parameters)?;
    stay_changed(tx, scope, (contract, new.old), new.at, new.now)?;
    stay_changed(tx, scope, (contract, new.new), new.at, new.now)?;
    Ok(true)
}

const SWAPS: &str = "select swapped.old_printer_id, swapped.at, swapped.note, coalesce(older.nickname, older.serial),
        coalesce(newer.nickname, newer.serial), coalesce(person.name, '')
    from printer_swap as swapped
    join printer as older on older.reseller_id = swapped.reseller_id and older.printer_id = swapped.old_printer_id
    join printer as newer on newer.reseller_id = swapped.reseller_id and newer.printer_id = swapped.new_printer_id
    left join person on person.person_id = swapped.person_id
    where swapped.reseller_id = $1 and (swapped.old_printer_id = $2 or swapped.new_printer_id = $2)
    order by swapped.at desc, swapped.swap_id limit $3";

/// A swap that a printer had a part in, in words.
#[derive(Debug, Clone)]
pub(super) struct Swapped {
    pub(super) at: Instant,
    pub(super) words: String,
}

/// The swaps of a printer, newest first.
pub(super) fn swaps(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Vec<Swapped>, DbError> {
    tx.query(SWAPS, params![scope.reseller_id(), printer_id, ROWS_MAX], |row| {
        let (note, old, new, by) = (row.text(2)?, row.text(3)?, row.text(4)?, row.text(5)?);
        let was_replaced = row.int(0)? == printer_id;
        let what = if was_replaced { format!("{new} took its place") } else { format!("it took the place of {old}") };
        let by = if by.is_empty() { String::new() } else { format!(", said by {by}") };
        let note = if note.is_empty() { String::new() } else { format!(": {note}") };
        Ok(Swapped { at: Instant(row.int(1)?), words: format!("{what}{by}{note}") })
    })
}

const SITES: &str = "select site_id, name from site
    where reseller_id = $1 and customer_id = $2 order by lower(name), site_id limit $3";

/// The sites of a customer: id and name.
pub(super) fn sites(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<Vec<(i64, String)>, DbError> {
    tx.query(SITES, params![scope.reseller_id(), customer_id, ROWS_MAX], |row| Ok((row.int(0)?, row.text(1)?)))
}

const NEW_SITE: &str = "insert into site (reseller_id, site_id, customer_id, name, details, created_at)
    values ($1, $2, $3, $4, $5, $6)";

/// Adds a site of a customer.
pub(super) fn add_site(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    (site_id, site): (i64, &Site),
    now: Instant,
) -> Result<(), DbError> {
    let details = serde_json::to_string(site)?;
    tx.execute(NEW_SITE, params![scope.reseller_id(), site_id, customer_id, &site.name, details, now])?;
    Ok(())
}

const STANDS: &str = "select site.name, printer_site.from_at from printer_site
    join site on site.reseller_id = printer_site.reseller_id and site.site_id = printer_site.site_id
    where printer_site.reseller_id = $1 and printer_site.printer_id = $2
    order by printer_site.from_at desc limit $3";

/// Where a printer stood and stands, the latest first: name, and since when.
pub(super) fn stands(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
) -> Result<Vec<(String, Instant)>, DbError> {
    tx.query(STANDS, params![scope.reseller_id(), printer_id, ROWS_MAX], |row| Ok((row.text(0)?, Instant(row.int(1)?))))
}

const MOVE: &str = "insert into printer_site (reseller_id, printer_id, from_at, site_id, entered_at)
    values ($1, $2, $3, $4, $5)
    on conflict (reseller_id, printer_id, from_at) do nothing";

/// Says where a printer stands from an instant on. `false` where that was said of the same instant already.
pub(super) fn move_to(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    (from, site_id): (Instant, i64),
    now: Instant,
) -> Result<bool, DbError> {
    Ok(tx.execute(MOVE, params![scope.reseller_id(), printer_id, from, site_id, now])? > 0)
}
