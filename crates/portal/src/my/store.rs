//! The SQL of a customer's own page.
//!
//! Deliberately absent: printers, which `customers` reads for both sides.

use crate::db::{DbError, Tx, params};
use crate::shell::ResellerScope;
use crate::statements::store::State;

/// Statements and notes that the page shows: more than two years of months.
const STATEMENTS_MAX: i64 = 36;

const RESELLER: &str = "select name from reseller where reseller_id = $1";
const STATEMENTS: &str = "select statement_id, name, state, total, document from statement
    where reseller_id = $1 and customer_id = $2 and state in ('issued', 'corrected')
    order by period_start desc, revision desc, statement_id desc limit $3";

/// The reseller's name.
pub(super) fn reseller(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Option<String>, DbError> {
    tx.query_opt(RESELLER, params![scope.reseller_id()], |row| row.text(0))
}

/// A statement or note that was issued.
pub(super) struct Issued {
    pub(super) statement_id: i64,
    /// `S-0187`.
    pub(super) name: String,
    pub(super) state: State,
    /// Minor units.
    pub(super) total: i64,
    pub(super) document: billing::Statement,
}

/// The latest statements and notes issued to the customer `id`, newest first.
pub(super) fn statements(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Vec<Issued>, DbError> {
    tx.query(STATEMENTS, params![scope.reseller_id(), id, STATEMENTS_MAX], |row| {
        Ok(Issued {
            statement_id: row.int(0)?,
            name: row.text(1)?,
            state: State::read(row, 2)?,
            total: row.int(3)?,
            document: serde_json::from_str(&row.text(4)?)?,
        })
    })
}
