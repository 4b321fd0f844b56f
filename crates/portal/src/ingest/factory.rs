//! Printers that left their factory with a secret: a manufacturer's list, and the reseller that claims one.
//!
//! A printer is claimed by its serial number and the label inside it. Each claim lets it enrol once, so that
//! one that was reset enrols again only after somebody claimed it again. A claim that was not used, or whose
//! agent was revoked or left, can be withdrawn, so that a printer that was sold can be claimed elsewhere.
//! Deliberately absent: showing a secret to anybody.

use super::enrol::names;
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
const CLAIM: &str = "update factory_printer set reseller_id = $2, customer_id = $3, claimed_at = $4,
    claimed_by = $5, used_at = null, agent_id = null where label = $1 and (reseller_id is null or reseller_id = $2)";
const WITHDRAW: &str = "update factory_printer set reseller_id = null, customer_id = null, claimed_at = null,
    claimed_by = null, used_at = null, agent_id = null
    where label = $1 and upper(serial) = $2 and reseller_id = $3 and customer_id = $4
    and (used_at is null or not exists (select 1 from agent where agent.reseller_id = $3
        and agent.agent_id = factory_printer.agent_id and agent.state not in ('revoked', 'left')))";
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
    by: Option<i64>,
) -> Result<Claim, DbError> {
    let (scope, serial, label) = (scope.clone(), serial.to_owned(), label.to_owned());
    let now = portal.surroundings().now();
    let claimed = portal.db().write(move |tx| claim_now(tx, &scope, customer_id, (&serial, &label), (by, now))).await?;
    tracing::info!(person = by, claim = ?claimed, "a printer was claimed");
    Ok(claimed)
}

/// [`claim`] in a transaction.
pub(crate) fn claim_now(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    (serial, label): (&str, &str),
    (by, now): (Option<i64>, Instant),
) -> Result<Claim, DbError> {
    let reseller = scope.reseller_id();
    if names(tx, reseller, customer_id)?.is_none() {
        return Ok(Claim::Unknown);
    }
    let (serial, label) = plain(serial, label);
    let owner = tx.query_opt(OWNER, params![&label, serial], |row| Ok((row.opt_int(0)?, row.opt_int(1)?)))?;
    match owner {
        None => Ok(Claim::Unknown),
        Some((Some(other), _)) if other != reseller => Ok(Claim::Taken),
        Some((Some(_), Some(other))) if other != customer_id => Ok(Claim::Taken),
        Some(_) => {
            let done = tx.execute(CLAIM, params![&label, reseller, customer_id, now, by])? > 0;
            Ok(if done { Claim::Done } else { Claim::Taken })
        }
    }
}

/// Serial number and label as a person types them: in any case, the label with spaces or hyphens between groups.
fn plain(serial: &str, label: &str) -> (String, String) {
    let label: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
    (serial.trim().to_ascii_uppercase(), label.to_ascii_lowercase())
}

/// Withdraws the claim of a customer's printer, so that anybody may claim it; false where there is none, or
/// where an agent that it enrolled is still at work.
pub(crate) fn withdraw_now(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    (serial, label): (&str, &str),
) -> Result<bool, DbError> {
    let (serial, label) = plain(serial, label);
    Ok(tx.execute(WITHDRAW, params![label, serial, scope.reseller_id(), customer_id])? == 1)
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
