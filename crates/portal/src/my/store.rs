//! The SQL of a customer's own page.
//!
//! Deliberately absent: printers, which `customers` reads for both sides.

use crate::db::{DbError, Tx, params};
use crate::shell::ResellerScope;
use crate::shell::part::{Part, ROWS};
use crate::statements::store::State;
use billing::DocumentKind;
use report::Grade;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const RESELLER: &str = "select name from reseller where reseller_id = $1";
const COUNT: &str = "select count(*) from statement
    where reseller_id = $1 and customer_id = $2 and state in ('issued', 'corrected')";
const STATEMENTS: &str = "select statement_id, name, state, currency, total, document from statement
    where reseller_id = $1 and customer_id = $2 and state in ('issued', 'corrected')
    order by period_start desc, revision desc, statement_id desc limit $3 offset $4";

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
    pub(super) currency: String,
    /// Minor units.
    pub(super) total: i64,
    pub(super) kind: DocumentKind,
    /// The customer as the document names it.
    pub(super) customer: String,
    /// Who pays it, where that is somebody else.
    pub(super) payer: Option<String>,
    /// The period as the document calls it.
    pub(super) period: String,
    /// The grades of what it charges.
    pub(super) grades: BTreeSet<Grade>,
}

/// What only the document says of what a list shows; the rest is passed over.
#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    kind: DocumentKind,
    customer: String,
    #[serde(default)]
    payer: Option<String>,
    period_label: String,
    lines: Vec<OutlineLine>,
}

#[derive(Deserialize)]
struct OutlineLine {
    #[serde(default)]
    grades: BTreeMap<Grade, i64>,
}

/// How many statements and notes were issued to the customer `id`.
pub(super) fn statement_count(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<i64, DbError> {
    tx.count(COUNT, params![scope.reseller_id(), id])
}

/// One part of the statements and notes issued to the customer `id`, newest first.
pub(super) fn statements(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64, part: Part) -> Result<Vec<Issued>, DbError> {
    tx.query(STATEMENTS, params![scope.reseller_id(), id, ROWS, part.skipped()], |row| {
        let Outline { kind, customer, payer, period_label, lines } = serde_json::from_str(&row.text(5)?)?;
        let used = lines.iter().flat_map(|line| &line.grades).filter(|(_, quantity)| **quantity != 0);
        Ok(Issued {
            statement_id: row.int(0)?,
            name: row.text(1)?,
            state: State::read(row, 2)?,
            currency: row.text(3)?,
            total: row.int(4)?,
            kind,
            customer,
            payer,
            period: period_label,
            grades: used.map(|(grade, _)| *grade).collect(),
        })
    })
}
