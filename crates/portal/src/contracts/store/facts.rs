//! What terms are held against: what the period before left, the last documents, what the printers of a contract
//! counted, and by which limits they sort.
//!
//! Deliberately absent: what is odd about terms, which the billing crate says.

use crate::db::{DbError, Tx, params};
use crate::shell::ResellerScope;
use crate::statements;
use billing::{Meter, Statement, Terms, ThresholdFact};
use report::{Instant, Settings};
use std::collections::BTreeMap;

pub(in crate::contracts) use crate::statements::store::carry_before;

/// Meters and media types of a contract's printers that are looked at, at most.
const COUNTED_MAX: i64 = 20_000;
/// Contracts whose days of notice are looked at, at most.
const EXITS_MAX: i64 = 2_000;
/// Settings of printers that are looked at, at most: changes are rare.
const SETTINGS_MAX: i64 = 2_000;

const LAST: &str = "select payer, document from statement
    where reseller_id = $1 and contract_id = $2 and kind = 'statement' and state <> 'draft'
    order by period_start desc, payer limit $3";
// What the jobs of the printers gave, and what their counters gave beside.
const COUNTED: &str = "select used.printer_id, used.meter, used.media from usage as used
    where used.reseller_id = $1 and used.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2)
    union select counted.printer_id, counted.meter, counted.media from counter as counted
    where counted.reseller_id = $1 and counted.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2)
    order by 1, 2, 3 limit $3";
const WITH_EXIT: &str = "select contract.contract_id, contract.number, customer.name, made.terms from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    join contract_version as made on made.reseller_id = contract.reseller_id
        and made.contract_id = contract.contract_id
        and made.version = (select held.version from contract_version as held
            where held.reseller_id = contract.reseller_id and held.contract_id = contract.contract_id
            and held.state = 'standing' and held.valid_from <= $2
            order by held.valid_from desc, held.version desc limit 1)
    where contract.reseller_id = $1 and contract.ends_at is null and made.terms like '%\"exit\"%'
    order by contract.number, contract.contract_id limit $3";
/// What printers that are in a contract now said of their settings, where these changed since `$3`: what held then, and
/// all that came after.
const CHANGED: &str = "select contract.contract_id, contract.number, customer.name, made.terms, stay.printer_id,
    known.from_at, section.body
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    join contract_version as made on made.reseller_id = contract.reseller_id
        and made.contract_id = contract.contract_id
        and made.version = (select held.version from contract_version as held
            where held.reseller_id = contract.reseller_id and held.contract_id = contract.contract_id
            and held.state = 'standing' and held.valid_from <= $2
            order by held.valid_from desc, held.version desc limit 1)
    join contract_printer as stay on stay.reseller_id = contract.reseller_id
        and stay.contract_id = contract.contract_id
        and stay.from_at <= $2 and (stay.to_at is null or stay.to_at > $2)
    join printer_setting as known on known.reseller_id = stay.reseller_id and known.printer_id = stay.printer_id
    join section on section.reseller_id = known.reseller_id and section.digest = known.digest
    where contract.reseller_id = $1 and made.terms like '%\"coverage\"%'
    and exists (select 1 from printer_setting as later
        join printer_setting as earlier on earlier.reseller_id = later.reseller_id
            and earlier.printer_id = later.printer_id and earlier.from_at < later.from_at
        where later.reseller_id = stay.reseller_id and later.printer_id = stay.printer_id and later.from_at >= $3)
    and known.from_at >= coalesce((select max(held.from_at) from printer_setting as held
        where held.reseller_id = stay.reseller_id and held.printer_id = stay.printer_id
        and held.from_at < $3), $3)
    order by contract.number, contract.contract_id, stay.printer_id, known.from_at limit $4";

/// A contract with its terms of now.
pub(in crate::contracts) struct Running {
    pub(in crate::contracts) contract_id: i64,
    pub(in crate::contracts) number: String,
    pub(in crate::contracts) customer: String,
    pub(in crate::contracts) terms: Terms,
}

/// The contracts whose terms of now have rules for their end, and that nobody left, by number.
pub(in crate::contracts) fn with_exit(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    now: Instant,
) -> Result<Vec<Running>, DbError> {
    tx.query(WITH_EXIT, params![scope.reseller_id(), now, EXITS_MAX], |row| {
        let terms = serde_json::from_str(&row.text(3)?)?;
        Ok(Running { contract_id: row.int(0)?, number: row.text(1)?, customer: row.text(2)?, terms })
    })
}

/// The newest documents for a contract's periods that are no drafts, at most `most`, each with its payer; the
/// payer of the customer's own is empty.
pub(in crate::contracts) fn last_documents(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    most: i64,
) -> Result<Vec<(String, Statement)>, DbError> {
    let params = params![scope.reseller_id(), contract_id, most];
    tx.query(LAST, params, |row| Ok((row.text(0)?, serde_json::from_str(&row.text(1)?)?)))
}

/// What a printer counted so far: its meters, and its media types.
pub(in crate::contracts) type Counted = (Vec<Meter>, Vec<String>);

/// What the printers of a contract counted so far, by printer.
pub(in crate::contracts) fn counted(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
) -> Result<BTreeMap<i64, Counted>, DbError> {
    let mut all: BTreeMap<i64, Counted> = BTreeMap::new();
    tx.query(COUNTED, params![scope.reseller_id(), contract_id, COUNTED_MAX], |row| {
        let (meters, media) = all.entry(row.int(0)?).or_default();
        // A meter that this version has no name for is no meter that a price could match.
        if let Ok(meter) = Meter::parse(&row.text(1)?)
            && !meters.contains(&meter)
        {
            meters.push(meter);
        }
        let paper = row.text(2)?;
        if !paper.is_empty() && !media.contains(&paper) {
            media.push(paper);
        }
        Ok(())
    })?;
    Ok(all)
}

/// A contract with categories by coverage, of which printers changed their settings.
pub(in crate::contracts) struct Changed {
    pub(in crate::contracts) contract_id: i64,
    pub(in crate::contracts) number: String,
    pub(in crate::contracts) customer: String,
    /// Its terms of now.
    pub(in crate::contracts) terms: Terms,
    /// The limits of each of these printers, the oldest first: those that held at first, and what came after.
    pub(in crate::contracts) limits: BTreeMap<i64, Vec<ThresholdFact>>,
}

/// The contracts with categories by coverage of which printers changed their settings since `since`, by number.
/// Nothing of what they printed is read.
pub(in crate::contracts) fn changed(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (now, since): (Instant, Instant),
) -> Result<Vec<Changed>, DbError> {
    let mut all: Vec<Changed> = Vec::new();
    tx.query(CHANGED, params![scope.reseller_id(), now, since, SETTINGS_MAX], |row| {
        let contract_id = row.int(0)?;
        if all.last().is_none_or(|last| last.contract_id != contract_id) {
            let (number, customer, terms) = (row.text(1)?, row.text(2)?, serde_json::from_str(&row.text(3)?)?);
            all.push(Changed { contract_id, number, customer, terms, limits: BTreeMap::new() });
        }
        // A section of another form says nothing of limits.
        let settings: Option<Settings> = serde_json::from_str(&row.text(6)?).ok();
        let from = Instant(row.int(5)?);
        let fact = settings.and_then(|settings| statements::threshold(from, &settings));
        if let (Some(changed), Some(fact)) = (all.last_mut(), fact) {
            changed.limits.entry(row.int(4)?).or_default().push(fact);
        }
        Ok(())
    })?;
    Ok(all)
}
