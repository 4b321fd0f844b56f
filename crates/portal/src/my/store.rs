//! The SQL of a customer's own page.
//!
//! Deliberately absent: printers, which `customers` reads for both sides.

use crate::db::{DbError, Tx, params};
use crate::shell::ResellerScope;

/// Statements that the page shows: two years of months.
const STATEMENTS_MAX: i64 = 24;

const RESELLER: &str = "select name from reseller where reseller_id = $1";
const STATEMENTS: &str = "select statement_id, number, total, document from statement
    where reseller_id = $1 and customer_id = $2 and state = 'approved'
    order by period_start desc, statement_id desc limit $3";

/// The reseller's name.
pub(super) fn reseller(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Option<String>, DbError> {
    tx.query_opt(RESELLER, params![scope.reseller_id()], |row| row.text(0))
}

/// An approved statement.
pub(super) struct Approved {
    pub(super) statement_id: i64,
    pub(super) number: Option<i64>,
    /// Minor units.
    pub(super) total: i64,
    pub(super) document: billing::Statement,
}

/// The latest approved statements of the customer `id`, newest first.
pub(super) fn statements(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Vec<Approved>, DbError> {
    tx.query(STATEMENTS, params![scope.reseller_id(), id, STATEMENTS_MAX], |row| {
        Ok(Approved {
            statement_id: row.int(0)?,
            number: row.opt_int(1)?,
            total: row.int(2)?,
            document: serde_json::from_str(&row.text(3)?)?,
        })
    })
}
