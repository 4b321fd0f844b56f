//! What the database keeps of statements: the documents as they were rated, what they were made from, their
//! states and what happened to them.
//!
//! `kept` is what drawing up reads and keeps, `life` what happened to a statement since. Deliberately absent:
//! reading the facts a statement is made from, which `facts` does, and deciding which state may follow which,
//! which `issue` does.

mod kept;
mod life;

pub(super) use kept::{
    Carries, Document, Laid, Left, Look, Made, Opening, Past, basis_text, carries, drop_drafts, drop_notes, insert,
    laid, past, periods_before, periods_from, rated, refuse_gap, refuse_waiting, standing,
};
pub(crate) use kept::{carry_before, pack};
pub(crate) use life::{Event, How, Related, Signed, cause, events, readiness, related, signs};
pub(super) use life::{Happened, hand_on, keep_sign, note_events};

use crate::db::{DbError, Row, Tx, params};
use crate::shell::{Error, ResellerScope};
use billing::{DocumentKind, Period, Statement, Terms};
use report::{Grade, Instant};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const TERMS: &str = "select made.version, made.valid_from, made.terms from contract_version as made
    where made.reseller_id = $1 and made.contract_id = $2 and made.state = 'standing' and made.valid_from < $3
    order by made.valid_from desc, made.version desc limit 1";
const PARTIES: &str = "select contract.number, contract.customer_id, customer.name,
    (select min(first.valid_from) from contract_version as first where first.reseller_id = contract.reseller_id
        and first.contract_id = contract.contract_id and first.state = 'standing'), contract.ends_at
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    where contract.reseller_id = $1 and contract.contract_id = $2";
const BILLED_WITHIN: &str = "select name, state from statement
    where reseller_id = $1 and contract_id = $2 and kind = 'statement' and state <> 'draft'
    and period_start < $4 and period_end > $3 order by period_start limit 1";
// A parameter gets its type where it stands first: that is beside the column, never beside the zero.
const COUNTS: &str = "select count(*),
    cast(coalesce(sum(case when state in ('draft', 'approved') then 1 else 0 end), 0) as bigint)
    from statement where reseller_id = $1 and (customer_id = $2 or $2 = 0) and (state = $3 or $3 = '')";
const LIST: &str = "select statement.statement_id, statement.name, statement.kind, statement.payer, customer.name,
    statement.state, statement.currency, statement.total, statement.document
    from statement
    join customer on customer.reseller_id = statement.reseller_id and customer.customer_id = statement.customer_id
    where statement.reseller_id = $1 and (statement.state = $2 or $2 = '')
    and (statement.customer_id = $3 or $3 = 0)
    order by statement.period_start desc, lower(customer.name), statement.revision, statement.statement_id
    limit $4 offset $5";
const STATEMENT: &str = "select statement.contract_id, statement.customer_id, statement.kind, statement.payer,
    statement.revision, statement.corrects, statement.name, statement.state, statement.document,
    statement.created_at, coalesce(maker.name, ''), statement.approved_at, coalesce(approver.name, ''),
    statement.issued_at, coalesce(issuer.name, ''), statement.due_at,
    (select count(*) from statement_basis as basis where basis.reseller_id = statement.reseller_id
        and basis.contract_id = statement.contract_id and basis.period_start = statement.period_start
        and basis.revision = statement.revision)
    from statement
    left join person as maker on maker.person_id = statement.created_by
    left join person as approver on approver.person_id = statement.approved_by
    left join person as issuer on issuer.person_id = statement.issued_by
    where statement.reseller_id = $1 and statement.statement_id = $2 and (statement.customer_id = $3 or $3 = 0)";
/// The documents of the same basis for other payers.
const OTHERS: &str = "select document from statement
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4 and statement_id <> $5
    order by statement_id";
// A stay is open to its later side: what changes from a day on changes every period that ends after it.
const MOVED: &str = "select max(moved.at) from stay_change as moved
    where moved.reseller_id = $1 and moved.contract_id = $2 and moved.from_at < $3";
const CHANGED: &str = "select count(*) from stay_change where reseller_id = $1 and contract_id = $2";
const SETTING: &str = "select value from reseller_setting where reseller_id = $1 and name = $2";

/// The life of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It waits for approval, and is replaced when it is drawn up again.
    Draft,
    /// Somebody approved it; it waits to be issued.
    Approved,
    /// It has its number and stands.
    Issued,
    /// It stands, and a note that refers to it was issued.
    Corrected,
}

impl State {
    /// Every state.
    const ALL: [State; 4] = [State::Draft, State::Approved, State::Issued, State::Corrected];

    /// The word in the database, in addresses and on pages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Approved => "approved",
            State::Issued => "issued",
            State::Corrected => "corrected",
        }
    }

    /// The state of a word.
    pub(crate) fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether it has a number and is never changed again.
    pub(crate) fn is_issued(self) -> bool {
        matches!(self, State::Issued | State::Corrected)
    }

    /// Reads a column.
    pub(crate) fn read(row: &Row, column: usize) -> Result<State, DbError> {
        State::parse(&row.text(column)?).ok_or(DbError::Shape { column, wanted: "the state of a statement" })
    }
}

fn kind(row: &Row, column: usize) -> Result<DocumentKind, DbError> {
    DocumentKind::parse(&row.text(column)?).ok_or(DbError::Shape { column, wanted: "the kind of a document" })
}

/// A contract as it is at an instant.
#[derive(Debug, Clone)]
pub(crate) struct Contract {
    pub(crate) contract_id: i64,
    pub(crate) number: String,
    pub(crate) customer: String,
    pub(crate) customer_id: i64,
    /// The version of its terms.
    pub(crate) version: i64,
    /// Since when that version holds.
    pub(crate) valid_from: Instant,
    pub(crate) terms: Terms,
    /// When the contract begins: with its first version.
    pub(crate) starts_at: Option<Instant>,
    /// When it ends, where that is said.
    pub(crate) ends_at: Option<Instant>,
}

/// The contract with the version that is in force just before `end`.
pub(crate) fn contract(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    end: Instant,
) -> Result<Contract, Error> {
    let reseller = scope.reseller_id();
    let parties = tx.query_opt(PARTIES, params![reseller, contract_id], |row| {
        let (starts_at, ends_at) = (row.opt_int(3)?.map(Instant), row.opt_int(4)?.map(Instant));
        Ok((row.text(0)?, row.int(1)?, row.text(2)?, starts_at, ends_at))
    })?;
    let (number, customer_id, customer, starts_at, ends_at) = parties.ok_or(Error::NotFound)?;
    let version = tx.query_opt(TERMS, params![reseller, contract_id, end], |row| {
        let terms: Terms = serde_json::from_str(&row.text(2)?)?;
        Ok((row.int(0)?, Instant(row.int(1)?), terms))
    })?;
    let (version, valid_from, terms) = version
        .ok_or_else(|| Error::Conflict(format!("Contract {number} is not in force before the end of this period.")))?;
    Ok(Contract { contract_id, number, customer, customer_id, version, valid_from, terms, starts_at, ends_at })
}

/// Refuses a period that an approved or issued statement touches, so that nothing is billed twice.
pub(super) fn refuse_billed(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
) -> Result<(), Error> {
    let params = params![scope.reseller_id(), contract_id, period.start, period.end];
    let found = tx.query_opt(BILLED_WITHIN, params, |row| Ok((row.text(0)?, State::read(row, 1)?)))?;
    match found {
        None => Ok(()),
        Some((_, state)) if !state.is_issued() => {
            let words = "A statement that covers days of this period is approved. Issue it, or make it a draft again.";
            Err(Error::Conflict(words.to_owned()))
        }
        Some((name, _)) => {
            let words = "covers days of this period and is never edited. Open it to draw up a correction.";
            Err(Error::Conflict(format!("{name} {words}")))
        }
    }
}

/// Refuses a document of a period in which printers came, left or were taken back since it was drawn up: what it
/// bills may be another contract's by now. The caller holds the reseller's acts.
pub(super) fn refuse_moved(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
    drawn: Instant,
) -> Result<(), Error> {
    let params = params![scope.reseller_id(), contract_id, period.end];
    let moved = tx.query_opt(MOVED, params, |row| row.opt_int(0))?.flatten().map(Instant);
    if moved.is_none_or(|moved| moved <= drawn) {
        return Ok(());
    }
    let words = "Printers of this contract came or left in this period since it was drawn up. Draw it up again.";
    Err(Error::Conflict(words.to_owned()))
}

/// How often stays of a contract were begun, ended or taken back: whether any was meanwhile.
pub(super) fn stays_changed(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<i64, DbError> {
    tx.count(CHANGED, params![scope.reseller_id(), contract_id])
}

/// Which statements a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// One state, or `None` for all.
    pub(crate) state: Option<State>,
    /// One customer's, or 0 for all.
    pub(crate) customer_id: i64,
}

impl Filter {
    fn word(&self) -> &'static str {
        self.state.map_or("", State::word)
    }
}

/// How many statements the filter shows, and how many of them wait: drafts and approved ones.
pub(crate) fn counts(tx: &mut Tx<'_>, scope: &ResellerScope, filter: &Filter) -> Result<(i64, i64), DbError> {
    let params = params![scope.reseller_id(), filter.customer_id, filter.word()];
    Ok(tx.query_opt(COUNTS, params, |row| Ok((row.int(0)?, row.int(1)?)))?.unwrap_or_default())
}

/// A statement of the list.
pub(crate) struct Listed {
    pub(crate) statement_id: i64,
    /// Empty until it is issued.
    pub(crate) name: String,
    pub(crate) kind: DocumentKind,
    /// Empty for the customer.
    pub(crate) payer: String,
    pub(crate) customer: String,
    pub(crate) state: State,
    pub(crate) currency: String,
    /// Minor units.
    pub(crate) total: i64,
    pub(crate) period: String,
    pub(crate) grades: BTreeSet<Grade>,
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
pub(crate) fn list(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    filter: &Filter,
    (most, skipped): (i64, i64),
) -> Result<Vec<Listed>, DbError> {
    let params = params![scope.reseller_id(), filter.word(), filter.customer_id, most, skipped];
    tx.query(LIST, params, |row| {
        let outline: Outline = serde_json::from_str(&row.text(8)?)?;
        Ok(Listed {
            statement_id: row.int(0)?,
            name: row.text(1)?,
            kind: kind(row, 2)?,
            payer: row.text(3)?,
            customer: row.text(4)?,
            state: State::read(row, 5)?,
            currency: row.text(6)?,
            total: row.int(7)?,
            period: outline.period_label,
            grades: outline.lines.iter().flat_map(|line| line.grades.keys().copied()).collect(),
        })
    })
}

/// A statement as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) statement_id: i64,
    pub(crate) contract_id: i64,
    pub(crate) customer_id: i64,
    pub(crate) kind: DocumentKind,
    /// Empty for the customer.
    pub(crate) payer: String,
    /// 0 for the statement of a period; notes on it count from 1.
    pub(crate) revision: i64,
    /// The statement that a note refers to.
    pub(crate) corrects: Option<i64>,
    /// `S-0187`; empty until it is issued.
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) statement: Statement,
    pub(crate) created_at: Instant,
    /// Empty where it was the run, or nobody is known.
    pub(crate) created_by: String,
    pub(crate) approved_at: Option<Instant>,
    pub(crate) approved_by: String,
    pub(crate) issued_at: Option<Instant>,
    pub(crate) issued_by: String,
    pub(crate) due_at: Option<Instant>,
    /// Whether what it was made from is kept, so that there is an evidence file once it is issued.
    pub(crate) has_evidence: bool,
}

impl Stored {
    /// What people call it: its number, or the state that it waits in.
    pub(crate) fn name(&self) -> String {
        if self.name.is_empty() { self.state.word().to_owned() } else { self.name.clone() }
    }

    /// Whether it waits for approval.
    pub(crate) fn is_draft(&self) -> bool {
        self.state == State::Draft
    }

    /// Whether it is a draft of a period that was not over when it was drawn up.
    pub(crate) fn is_early(&self) -> bool {
        self.is_draft() && self.kind == DocumentKind::Statement && self.created_at < self.statement.period.end
    }

    /// Whether it has a number and is never changed again.
    pub(crate) fn is_issued(&self) -> bool {
        self.state.is_issued()
    }
}

/// The statement, if the scope may see it: a customer sees what was issued to it.
pub(crate) fn statement(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64) -> Result<Option<Stored>, DbError> {
    let params = params![scope.reseller_id(), statement_id, scope.customer_id().unwrap_or(0)];
    let found = tx.query_opt(STATEMENT, params, |row| {
        Ok(Stored {
            statement_id,
            contract_id: row.int(0)?,
            customer_id: row.int(1)?,
            kind: kind(row, 2)?,
            payer: row.text(3)?,
            revision: row.int(4)?,
            corrects: row.opt_int(5)?,
            name: row.text(6)?,
            state: State::read(row, 7)?,
            statement: serde_json::from_str(&row.text(8)?)?,
            created_at: Instant(row.int(9)?),
            created_by: row.text(10)?,
            approved_at: row.opt_int(11)?.map(Instant),
            approved_by: row.text(12)?,
            issued_at: row.opt_int(13)?.map(Instant),
            issued_by: row.text(14)?,
            due_at: row.opt_int(15)?.map(Instant),
            has_evidence: row.int(16)? > 0,
        })
    })?;
    Ok(found.filter(|stored| scope.customer_id().is_none() || stored.is_issued()))
}

/// The documents of other payers that were made with this one.
pub(super) fn others(tx: &mut Tx<'_>, scope: &ResellerScope, of: &Stored) -> Result<Vec<Statement>, DbError> {
    let start = of.statement.period.start;
    let params = params![scope.reseller_id(), of.contract_id, start, of.revision, of.statement_id];
    tx.query(OTHERS, params, |row| Ok(serde_json::from_str(&row.text(0)?)?))
}

/// A setting of the reseller; `None` where the usual holds.
pub(crate) fn setting(tx: &mut Tx<'_>, scope: &ResellerScope, name: &str) -> Result<Option<String>, DbError> {
    tx.query_opt(SETTING, params![scope.reseller_id(), name], |row| row.text(0))
}

/// The same, as a number.
pub(crate) fn number_setting(tx: &mut Tx<'_>, scope: &ResellerScope, name: &str, usual: i64) -> Result<i64, DbError> {
    Ok(setting(tx, scope, name)?.and_then(|value| value.trim().parse().ok()).unwrap_or(usual))
}
