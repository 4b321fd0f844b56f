//! What a mass price change reads of contracts, and the versions it keeps.
//!
//! All contracts are read by one query and all versions kept by one statement, so that of two changes at once the
//! second finds its version numbers taken. Deliberately absent: which prices change.

use crate::contracts::approve::State;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::ResellerScope;
use billing::Terms;
use report::Instant;

/// Contracts that are looked at.
const LOOKED_MAX: i64 = 10_000;

/// Contracts that go on, with the standing version that starts last.
const CONTRACTS: &str = "select contract.contract_id, contract.number, customer.name,
    made.version, made.valid_from, made.terms,
    (select max(any_version.version) from contract_version as any_version
        where any_version.reseller_id = contract.reseller_id and any_version.contract_id = contract.contract_id),
    (select count(*) from contract_version as waiting where waiting.reseller_id = contract.reseller_id
        and waiting.contract_id = contract.contract_id and waiting.state = 'proposed'
        and not exists (select 1 from contract_version as newer where newer.reseller_id = waiting.reseller_id
            and newer.contract_id = waiting.contract_id and newer.state = 'standing'
            and newer.version > waiting.version)
        and not exists (select 1 from statement as done where done.reseller_id = waiting.reseller_id
            and done.contract_id = waiting.contract_id and done.period_end > waiting.valid_from
            and done.issued_at >= waiting.created_at)),
    (select max(billed.period_end) from statement as billed where billed.reseller_id = contract.reseller_id
        and billed.contract_id = contract.contract_id and billed.state in ('approved', 'issued', 'corrected')),
    (select min(began.valid_from) from contract_version as began where began.reseller_id = contract.reseller_id
        and began.contract_id = contract.contract_id and began.state = 'standing')
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    join contract_version as made on made.reseller_id = contract.reseller_id
        and made.contract_id = contract.contract_id
        and made.version = (select standing.version from contract_version as standing
            where standing.reseller_id = contract.reseller_id and standing.contract_id = contract.contract_id
            and standing.state = 'standing' order by standing.valid_from desc, standing.version desc limit 1)
    where contract.reseller_id = $1 and (contract.customer_id = $2 or $2 = 0)
    and (contract.ends_at is null or contract.ends_at > $3)
    order by contract.number, contract.contract_id limit $4";
const CUSTOMERS: &str = "select customer_id, name from customer
    where reseller_id = $1 order by lower(name), customer_id limit $2";
const VERSION: Bulk = Bulk {
    table: "contract_version",
    columns: &[
        ("reseller_id", Kind::Int),
        ("contract_id", Kind::Int),
        ("version", Kind::Int),
        ("valid_from", Kind::Int),
        ("terms", Kind::Text),
        ("created_at", Kind::Int),
        ("person_id", Kind::Int),
        ("state", Kind::Text),
        ("note", Kind::Text),
    ],
    key: 3,
    on_conflict: "do nothing",
};

/// A contract whose prices may change.
#[derive(Debug, Clone)]
pub(super) struct Contract {
    pub(super) contract_id: i64,
    pub(super) number: String,
    pub(super) customer: String,
    /// The standing version that starts last.
    pub(super) version: i64,
    pub(super) valid_from: Instant,
    pub(super) terms: Terms,
    /// The number of its last version, whatever became of it.
    pub(super) last: i64,
    /// How many versions wait for a second person, and can still count.
    pub(super) waiting: i64,
    /// The end of what approved and issued statements have billed.
    pub(super) billed_until: Option<Instant>,
    /// Since when the standing version that starts first holds.
    pub(super) first_from: Instant,
}

/// The contracts that go on after `now`, of one customer, or of all where it is 0.
pub(super) fn contracts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    now: Instant,
) -> Result<Vec<Contract>, DbError> {
    tx.query(CONTRACTS, params![scope.reseller_id(), customer_id, now, LOOKED_MAX], |row| {
        Ok(Contract {
            contract_id: row.int(0)?,
            number: row.text(1)?,
            customer: row.text(2)?,
            version: row.int(3)?,
            valid_from: Instant(row.int(4)?),
            terms: serde_json::from_str(&row.text(5)?)?,
            last: row.int(6)?,
            waiting: row.int(7)?,
            billed_until: row.opt_int(8)?.map(Instant),
            first_from: Instant(row.int(9)?),
        })
    })
}

/// The reseller's customers by name: id and name.
pub(super) fn customers(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<(i64, String)>, DbError> {
    tx.query(CUSTOMERS, params![scope.reseller_id(), LOOKED_MAX], |row| Ok((row.int(0)?, row.text(1)?)))
}

/// A version to keep.
pub(super) struct NewVersion<'a> {
    pub(super) contract: &'a Contract,
    pub(super) terms: &'a Terms,
    pub(super) valid_from: Instant,
    pub(super) note: String,
}

/// Keeps a further version of each of these contracts. `false` where somebody kept one of them at the same
/// moment; the caller then gives the transaction up.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    versions: &[NewVersion<'_>],
    state: State,
    (person_id, now): (i64, Instant),
) -> Result<bool, DbError> {
    let mut rows: Vec<Vec<Param>> = Vec::with_capacity(versions.len());
    for new in versions {
        let row = params![
            scope.reseller_id(),
            new.contract.contract_id,
            new.contract.last + 1,
            new.valid_from,
            serde_json::to_string(new.terms)?,
            now,
            person_id,
            state.word(),
            &new.note,
        ];
        rows.push(row.to_vec());
    }
    Ok(!VERSION.insert(tx, &rows)?.contains(&false))
}
