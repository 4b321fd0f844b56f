//! What is stored of objections: what customers said against issued documents, and what was answered.
//!
//! Deliberately absent: changing either once it stands, and deleting it.

use crate::db::{DbError, Row, Tx, params};
use crate::shell::ResellerScope;
use billing::Terms;
use report::Instant;

const TERMS: &str = "select terms from contract_version
    where reseller_id = $1 and contract_id = $2 and version = $3";
const INSERT: &str = "insert into objection (reseller_id, objection_id, statement_id, line, words, at, person_id)
    values ($1, $2, $3, $4, $5, $6, $7)";
const OF: &str = "select objection.objection_id, objection.line, objection.words, objection.at,
    coalesce(person.name, ''), objection.verdict, objection.answer, objection.answered_at, coalesce(judge.name, '')
    from objection left join person on person.person_id = objection.person_id
    left join person as judge on judge.person_id = objection.answered_by
    where objection.reseller_id = $1 and objection.statement_id = $2
    order by objection.at, objection.objection_id";
const ANSWER: &str = "update objection set verdict = $4, answer = $5, answered_at = $6, answered_by = $7
    where reseller_id = $1 and statement_id = $2 and objection_id = $3 and answered_at is null";
const COUNTS: &str = "select count(*),
    cast(coalesce(sum(case when answered_at is null then 1 else 0 end), 0) as bigint)
    from objection where reseller_id = $1";
const OPEN: &str = "select count(*) from objection where reseller_id = $1 and answered_at is null";
/// Those that wait, the oldest first; then those that were answered, the latest first.
const LIST: &str = "select objection.statement_id, statement.name, customer.name, objection.words, objection.at,
    objection.verdict
    from objection
    join statement on statement.reseller_id = objection.reseller_id
        and statement.statement_id = objection.statement_id
    join customer on customer.reseller_id = statement.reseller_id and customer.customer_id = statement.customer_id
    where objection.reseller_id = $1
    order by case when objection.answered_at is null then 0 else 1 end,
        case when objection.answered_at is null then objection.at else -objection.at end, objection.objection_id
    limit $2 offset $3";

/// What the reseller says to an objection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is right, and what was wrong is put right.
    Agreed,
    /// The statement stays as it is.
    Declined,
}

impl Verdict {
    /// The word in the database, in forms and on pages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Verdict::Agreed => "agreed",
            Verdict::Declined => "declined",
        }
    }

    /// The verdict of a word.
    pub(super) fn parse(word: &str) -> Option<Verdict> {
        [Verdict::Agreed, Verdict::Declined].into_iter().find(|verdict| verdict.word() == word)
    }

    /// Reads a column; `None` while nobody answered.
    fn read(row: &Row, column: usize) -> Result<Option<Verdict>, DbError> {
        let word = row.text(column)?;
        match Verdict::parse(&word) {
            None if !word.is_empty() => Err(DbError::Shape { column, wanted: "the verdict on an objection" }),
            verdict => Ok(verdict),
        }
    }
}

/// An objection that is to be kept.
pub(super) struct New<'a> {
    pub(super) objection_id: i64,
    pub(super) statement_id: i64,
    /// The id of a line; empty for the whole document.
    pub(super) line: &'a str,
    pub(super) words: &'a str,
    pub(super) at: Instant,
    pub(super) person_id: i64,
}

/// What the reseller answered.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) words: String,
    pub(super) at: Instant,
    pub(super) by: String,
}

/// An objection as it stands.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) objection_id: i64,
    /// The id of a line; empty for the whole document.
    pub(super) line: String,
    pub(super) words: String,
    pub(super) at: Instant,
    pub(super) by: String,
    /// `None` while it waits.
    pub(super) answer: Option<Answer>,
}

/// The terms of a version; `None` where there is no such version.
pub(super) fn terms(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (contract_id, version): (i64, i64),
) -> Result<Option<Terms>, DbError> {
    let params = params![scope.reseller_id(), contract_id, version];
    tx.query_opt(TERMS, params, |row| Ok(serde_json::from_str(&row.text(0)?)?))
}

/// Keeps an objection.
pub(super) fn insert(tx: &mut Tx<'_>, scope: &ResellerScope, new: &New<'_>) -> Result<(), DbError> {
    let New { objection_id, statement_id, line, words, at, person_id } = new;
    let params = params![scope.reseller_id(), *objection_id, *statement_id, *line, *words, *at, *person_id];
    tx.execute(INSERT, params)?;
    Ok(())
}

/// The objections to a document, the first first. The caller has seen that the scope may see the document.
pub(super) fn of(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64) -> Result<Vec<Kept>, DbError> {
    tx.query(OF, params![scope.reseller_id(), statement_id], |row| {
        let answer = match (Verdict::read(row, 5)?, row.opt_int(7)?) {
            (Some(verdict), Some(at)) => {
                Some(Answer { verdict, words: row.text(6)?, at: Instant(at), by: row.text(8)? })
            }
            _ => None,
        };
        Ok(Kept {
            objection_id: row.int(0)?,
            line: row.text(1)?,
            words: row.text(2)?,
            at: Instant(row.int(3)?),
            by: row.text(4)?,
            answer,
        })
    })
}

/// Keeps an answer; `false` where there is one already.
pub(super) fn answer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (statement_id, objection_id): (i64, i64),
    (verdict, words): (Verdict, &str),
    (now, person_id): (Instant, i64),
) -> Result<bool, DbError> {
    let reseller = scope.reseller_id();
    let params = params![reseller, statement_id, objection_id, verdict.word(), words, now, person_id];
    Ok(tx.execute(ANSWER, params)? > 0)
}

/// How many objections there are, and how many of them wait.
pub(super) fn counts(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<(i64, i64), DbError> {
    Ok(tx.query_opt(COUNTS, params![scope.reseller_id()], |row| Ok((row.int(0)?, row.int(1)?)))?.unwrap_or_default())
}

/// How many objections of a reseller wait for an answer.
pub(super) fn open(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<i64, DbError> {
    tx.count(OPEN, params![scope.reseller_id()])
}

/// An objection in the list of all.
pub(super) struct Listed {
    pub(super) statement_id: i64,
    /// The document's number.
    pub(super) name: String,
    pub(super) customer: String,
    pub(super) words: String,
    pub(super) at: Instant,
    /// `None` while it waits.
    pub(super) verdict: Option<Verdict>,
}

/// `most` objections after the first `skipped`: those that wait come first.
pub(super) fn list(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (most, skipped): (i64, i64),
) -> Result<Vec<Listed>, DbError> {
    tx.query(LIST, params![scope.reseller_id(), most, skipped], |row| {
        Ok(Listed {
            statement_id: row.int(0)?,
            name: row.text(1)?,
            customer: row.text(2)?,
            words: row.text(3)?,
            at: Instant(row.int(4)?),
            verdict: Verdict::read(row, 5)?,
        })
    })
}
