//! Printers that left their factory with a secret: a manufacturer's list, and the reseller that claims one.
//!
//! A printer is claimed by its serial number and the label inside it. Each claim lets it enrol once, so that
//! one that was reset enrols again only after somebody claimed it again. Deliberately absent: showing a
//! secret to anybody.

use crate::Portal;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::keys::PortalKeys;
use crate::shell::ResellerScope;
use protocol::Hex;
use protocol::enrol::factory_label;
use report::{Instant, Surroundings};

const FACTORY: Bulk = Bulk {
    table: "factory_printer",
    columns: &[("label", Kind::Text), ("serial", Kind::Text), ("sealed_secret", Kind::Bytes)],
    key: 1,
    on_conflict: "do nothing",
};
const OWNER: &str = "select reseller_id, customer_id from factory_printer where label = $1 and upper(serial) = $2";
const CUSTOMER: &str = "select count(*) from customer where reseller_id = $1 and customer_id = $2";
const CLAIM: &str = "update factory_printer set reseller_id = $2, customer_id = $3, claimed_at = $4, used_at = null,
    agent_id = null where label = $1 and (reseller_id is null or reseller_id = $2)";
const FIND: &str = "select reseller_id, customer_id, serial, sealed_secret, used_at from factory_printer
    where label = $1";

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The printer is the customer's, and may enrol once.
    Done,
    /// No printer has this serial number and label, or the customer is not the reseller's.
    Unknown,
    /// Another account has it.
    Taken,
}

/// A claimed printer whose claim was not used yet.
pub(super) struct Claimed {
    pub(super) reseller_id: i64,
    pub(super) customer_id: i64,
    pub(super) serial: String,
    pub(super) sealed_secret: Vec<u8>,
}

/// Takes a manufacturer's list of (serial number, secret); gives how many printers were new.
pub(crate) fn import(
    tx: &mut Tx<'_>,
    keys: &PortalKeys,
    surroundings: &Surroundings,
    printers: Vec<(String, Hex<32>)>,
) -> Result<usize, DbError> {
    let row = |(serial, secret): (String, Hex<32>)| {
        let sealed = keys.seal(&secret.0, surroundings);
        params![factory_label(&secret), serial.trim(), sealed].to_vec()
    };
    let rows: Vec<Vec<Param>> = printers.into_iter().map(row).collect();
    Ok(FACTORY.insert(tx, &rows)?.into_iter().filter(|new| *new).count())
}

/// Claims a printer for a customer.
pub(crate) async fn claim(
    portal: &Portal,
    scope: &ResellerScope,
    customer_id: i64,
    serial: &str,
    label: &str,
    by: i64,
) -> Result<Claim, DbError> {
    let (scope, serial, label) = (scope.clone(), serial.to_owned(), label.to_owned());
    let now = portal.surroundings().now();
    let claimed = portal.db().write(move |tx| claim_now(tx, &scope, customer_id, (&serial, &label), now)).await?;
    tracing::info!(person = by, claim = ?claimed, "a printer was claimed");
    Ok(claimed)
}

/// [`claim`] in a transaction.
pub(crate) fn claim_now(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    (serial, label): (&str, &str),
    now: Instant,
) -> Result<Claim, DbError> {
    let reseller = scope.reseller_id();
    if tx.count(CUSTOMER, params![reseller, customer_id])? == 0 {
        return Ok(Claim::Unknown);
    }
    // As a person types it: in any case, with spaces or hyphens between groups.
    let label: String = label.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let serial = serial.trim().to_uppercase();
    let owner = tx.query_opt(OWNER, params![&label, serial], |row| Ok((row.opt_int(0)?, row.opt_int(1)?)))?;
    match owner {
        None => Ok(Claim::Unknown),
        Some((Some(other), _)) if other != reseller => Ok(Claim::Taken),
        Some((Some(_), Some(other))) if other != customer_id => Ok(Claim::Taken),
        Some(_) => {
            let done = tx.execute(CLAIM, params![&label, reseller, customer_id, now])? > 0;
            Ok(if done { Claim::Done } else { Claim::Taken })
        }
    }
}

/// The claimed printer with this label, unless its claim was used.
pub(super) fn find(tx: &mut Tx<'_>, label: &str) -> Result<Option<Claimed>, DbError> {
    let found = tx.query_opt(FIND, params![label], |row| {
        Ok((row.opt_int(0)?, row.opt_int(1)?, row.text(2)?, row.bytes(3)?, row.opt_int(4)?))
    })?;
    Ok(match found {
        Some((Some(reseller_id), Some(customer_id), serial, sealed_secret, None)) => {
            Some(Claimed { reseller_id, customer_id, serial, sealed_secret })
        }
        _ => None,
    })
}
