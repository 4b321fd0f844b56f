//! What the database keeps of statements: the document as it was rated, its state, its number.
//!
//! Deliberately absent: reading the facts a statement is made from, which [`super::facts`] does.

use crate::contracts::statement_number;
use crate::db::{DbError, Tx, params};
use crate::shell::{Error, ResellerScope};
use billing::{Period, Statement, Terms};
use report::{Grade, Instant};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The state of a statement that waits for approval.
pub(super) const DRAFT: &str = "draft";
/// The state of a statement that stands.
pub(super) const APPROVED: &str = "approved";

const TERMS: &str = "select made.version, made.valid_from, made.terms from contract_version as made
    where made.reseller_id = $1 and made.contract_id = $2 and made.valid_from < $3
    order by made.valid_from desc, made.version desc limit 1";
const PARTIES: &str = "select contract.number, contract.customer_id, customer.name
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    where contract.reseller_id = $1 and contract.contract_id = $2";
const APPROVED_WITHIN: &str = "select number from statement
    where reseller_id = $1 and contract_id = $2 and state = 'approved' and period_start < $4 and period_end > $3
    order by period_start limit 1";
const DROP_DRAFTS: &str = "delete from statement
    where reseller_id = $1 and contract_id = $2 and state = 'draft' and period_start < $4 and period_end > $3";
const INSERT: &str = "insert into statement (reseller_id, statement_id, contract_id, customer_id, version,
    period_start, period_end, state, currency, net, total, document, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, 'draft', $8, $9, $10, $11, $12)";
const STATE: &str = "select state, number from statement where reseller_id = $1 and statement_id = $2";
const APPROVE: &str = "update statement set state = 'approved', approved_at = $3, approved_by = $4,
    number = (select coalesce(max(other.number), 0) + 1 from statement as other where other.reseller_id = $1)
    where reseller_id = $1 and statement_id = $2 and state = 'draft' and created_at >= period_end
    and not exists (select 1 from statement as billed where billed.reseller_id = $1 and billed.state = 'approved'
        and billed.contract_id = statement.contract_id
        and billed.period_start < statement.period_end and billed.period_end > statement.period_start)";
// A parameter gets its type where it stands first: that is beside the column, never beside the zero.
const COUNTS: &str = "select count(*), cast(coalesce(sum(case when state = 'draft' then 1 else 0 end), 0) as bigint)
    from statement where reseller_id = $1 and (customer_id = $2 or $2 = 0)";
const LIST: &str = "select statement.statement_id, statement.number, customer.name, statement.state,
    statement.currency, statement.total, statement.document
    from statement
    join customer on customer.reseller_id = statement.reseller_id and customer.customer_id = statement.customer_id
    where statement.reseller_id = $1 and (statement.state = $2 or $2 = '')
    and (statement.customer_id = $3 or $3 = 0)
    order by statement.period_start desc, customer.name, statement.statement_id limit $4 offset $5";
const STATEMENT: &str = "select statement.contract_id, statement.number, statement.state, statement.document,
    statement.created_at, statement.approved_at, coalesce(person.name, '')
    from statement left join person on person.person_id = statement.approved_by
    where statement.reseller_id = $1 and statement.statement_id = $2 and (statement.customer_id = $3 or $3 = 0)";

/// A contract as it is at an instant.
pub(super) struct Contract {
    pub(super) number: String,
    pub(super) customer_id: i64,
    pub(super) customer: String,
    pub(super) version: i64,
    pub(super) valid_from: Instant,
    pub(super) terms: Terms,
}

/// The contract with the version that is in force just before `end`.
pub(super) fn contract(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    end: Instant,
) -> Result<Contract, Error> {
    let reseller = scope.reseller_id();
    let parties =
        tx.query_opt(PARTIES, params![reseller, contract_id], |row| Ok((row.text(0)?, row.int(1)?, row.text(2)?)))?;
    let (number, customer_id, customer) = parties.ok_or(Error::NotFound)?;
    let version = tx.query_opt(TERMS, params![reseller, contract_id, end], |row| {
        let terms: Terms = serde_json::from_str(&row.text(2)?)?;
        Ok((row.int(0)?, Instant(row.int(1)?), terms))
    })?;
    let (version, valid_from, terms) = version
        .ok_or_else(|| Error::Conflict(format!("Contract {number} is not in force before the end of this period.")))?;
    Ok(Contract { number, customer_id, customer, version, valid_from, terms })
}

/// Refuses a period that an approved statement touches, so that nothing is billed twice.
pub(super) fn refuse_billed(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
) -> Result<(), Error> {
    let params = params![scope.reseller_id(), contract_id, period.start, period.end];
    match tx.query_opt(APPROVED_WITHIN, params, |row| row.opt_int(0))? {
        None => Ok(()),
        Some(number) => {
            let name = number.map_or_else(|| "An approved statement".to_owned(), statement_number);
            let words =
                "covers days of this period and is never edited. Corrections of approved statements do not exist yet.";
            Err(Error::Conflict(format!("{name} {words}")))
        }
    }
}

/// Takes the drafts away that the period touches; gives how many there were.
pub(super) fn drop_drafts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
) -> Result<u64, DbError> {
    tx.execute(DROP_DRAFTS, params![scope.reseller_id(), contract_id, period.start, period.end])
}

/// A statement to be kept as a draft.
pub(super) struct Draft<'a> {
    pub(super) statement_id: i64,
    pub(super) contract_id: i64,
    pub(super) customer_id: i64,
    pub(super) statement: &'a Statement,
}

/// Keeps a draft.
pub(super) fn insert(tx: &mut Tx<'_>, scope: &ResellerScope, draft: &Draft<'_>, now: Instant) -> Result<(), DbError> {
    let statement = draft.statement;
    let document = serde_json::to_string(statement)?;
    let params = params![
        scope.reseller_id(),
        draft.statement_id,
        draft.contract_id,
        draft.customer_id,
        i64::from(statement.contract.version),
        statement.period.start,
        statement.period.end,
        statement.currency.code(),
        statement.net.0,
        statement.total.0,
        document,
        now,
    ];
    tx.execute(INSERT, params)?;
    Ok(())
}

/// Approves a draft and gives it the reseller's next number.
pub(crate) fn approve(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    statement_id: i64,
    person_id: i64,
    now: Instant,
) -> Result<i64, Error> {
    let reseller = scope.reseller_id();
    let changed = tx.execute(APPROVE, params![reseller, statement_id, now, person_id]).map_err(|error| {
        if error.is_conflict() {
            let words = "Another statement got its number at the same moment. Go back and approve this one again.";
            Error::Conflict(words.to_owned())
        } else {
            Error::from(error)
        }
    })?;
    let state = tx.query_opt(STATE, params![reseller, statement_id], |row| Ok((row.text(0)?, row.opt_int(1)?)))?;
    match state {
        None => Err(Error::NotFound),
        Some((_, Some(number))) if changed > 0 => Ok(number),
        Some((state, None)) if state == DRAFT => {
            let words = "This draft was drawn up before its period ended, or an approved statement covers its days. \
                         Draw it up again.";
            Err(Error::Conflict(words.to_owned()))
        }
        Some((state, number)) => {
            let name = number.map_or_else(|| "This statement".to_owned(), statement_number);
            Err(Error::Conflict(format!("{name} is {state} already.")))
        }
    }
}

/// Which statements a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    /// [`DRAFT`], [`APPROVED`], or empty for both.
    pub(super) state: &'static str,
    /// One customer's, or 0 for all.
    pub(super) customer_id: i64,
}

/// How many statements there are, and how many of them are drafts, whatever the state of the filter.
pub(super) fn counts(tx: &mut Tx<'_>, scope: &ResellerScope, filter: &Filter) -> Result<(i64, i64), DbError> {
    let params = params![scope.reseller_id(), filter.customer_id];
    Ok(tx.query_opt(COUNTS, params, |row| Ok((row.int(0)?, row.int(1)?)))?.unwrap_or_default())
}

/// A statement of the list.
pub(super) struct Listed {
    pub(super) statement_id: i64,
    pub(super) number: Option<i64>,
    pub(super) customer: String,
    pub(super) is_draft: bool,
    pub(super) currency: String,
    /// Minor units.
    pub(super) total: i64,
    pub(super) period: String,
    pub(super) grades: BTreeSet<Grade>,
}

/// What a list needs of a document; the rest is passed over.
#[derive(Deserialize)]
struct Outline {
    period_label: String,
    lines: Vec<OutlineLine>,
}

#[derive(Deserialize)]
struct OutlineLine {
    #[serde(default)]
    grades: BTreeMap<Grade, i64>,
}

/// `most` statements, the newest period first, after the first `skipped`.
pub(super) fn list(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    filter: &Filter,
    (most, skipped): (i64, i64),
) -> Result<Vec<Listed>, DbError> {
    let params = params![scope.reseller_id(), filter.state, filter.customer_id, most, skipped];
    tx.query(LIST, params, |row| {
        let outline: Outline = serde_json::from_str(&row.text(6)?)?;
        Ok(Listed {
            statement_id: row.int(0)?,
            number: row.opt_int(1)?,
            customer: row.text(2)?,
            is_draft: row.text(3)? == DRAFT,
            currency: row.text(4)?,
            total: row.int(5)?,
            period: outline.period_label,
            grades: outline.lines.iter().flat_map(|line| line.grades.keys().copied()).collect(),
        })
    })
}

/// A statement as it is kept.
pub(super) struct Stored {
    pub(super) statement_id: i64,
    pub(super) contract_id: i64,
    /// Given when it is approved.
    pub(super) number: Option<i64>,
    pub(super) is_draft: bool,
    pub(super) statement: Statement,
    pub(super) created_at: Instant,
    pub(super) approved_at: Option<Instant>,
    /// Who approved it; empty where nobody did.
    pub(super) approved_by: String,
}

impl Stored {
    /// What people call it: its number, or that it is a draft.
    pub(super) fn name(&self) -> String {
        self.number.map_or_else(|| DRAFT.to_owned(), statement_number)
    }
}

/// The statement, if the scope may see it.
pub(super) fn statement(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64) -> Result<Option<Stored>, DbError> {
    let params = params![scope.reseller_id(), statement_id, scope.customer_id().unwrap_or(0)];
    tx.query_opt(STATEMENT, params, |row| {
        Ok(Stored {
            statement_id,
            contract_id: row.int(0)?,
            number: row.opt_int(1)?,
            is_draft: row.text(2)? == DRAFT,
            statement: serde_json::from_str(&row.text(3)?)?,
            created_at: Instant(row.int(4)?),
            approved_at: row.opt_int(5)?.map(Instant),
            approved_by: row.text(6)?,
        })
    })
}
