//! What happened to a statement: its events, the documents it belongs together with, and what was signed.
//!
//! Deliberately absent: changing any of it afterwards.

use super::{Document, Made, State, Stored, kind};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::{Error, ResellerScope};
use billing::{DocumentKind, Period, Readiness};
use protocol::{Hex, sha256};
use report::Instant;
use serde::Deserialize;

/// Documents that one page names beside a statement, at most.
const RELATED_MAX: i64 = 200;

const EVENTS: &str = "select happened.at, happened.kind, happened.detail, coalesce(person.name, '')
    from statement_event as happened left join person on person.person_id = happened.person_id
    where happened.reseller_id = $1 and happened.statement_id = $2 order by happened.at, happened.event_id";
const DRAFTS: &str = "select statement_id, period_start, revision, payer from statement
    where reseller_id = $1 and contract_id = $2 and state = 'draft' order by period_start, revision, payer";
const HAND_ON: &str = "update statement_event set statement_id = $3
    where reseller_id = $1 and statement_id = $2 and kind <> 'drawn'";
const RELATED: &str = "select statement_id, name, kind, state, payer, period_start, period_end, revision, corrects,
    currency, total, document
    from statement where reseller_id = $1 and contract_id = $2 and period_start >= $3 and statement_id <> $4
    and (period_start = $3 or document like $6)
    order by period_start, revision, statement_id limit $5";
const SIGNS: &str = "select signed.printer_id, signed.reason, signed.at, coalesce(person.name, ''), signed.cause
    from readiness_sign as signed left join person on person.person_id = signed.person_id
    where signed.reseller_id = $1 and signed.contract_id = $2 and signed.period_start = $3 and signed.revision = $4
    order by signed.at, signed.printer_id";
const SIGN: &str = "insert into readiness_sign
    (reseller_id, contract_id, period_start, revision, printer_id, cause, reason, at, person_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (reseller_id, contract_id, period_start, revision, printer_id, cause) do nothing";
const READINESS: &str = "select readiness from statement_basis
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4";
const EVENT: Bulk = Bulk {
    table: "statement_event",
    columns: &[
        ("reseller_id", Kind::Int),
        ("event_id", Kind::Int),
        ("statement_id", Kind::Int),
        ("at", Kind::Int),
        ("kind", Kind::Text),
        ("detail", Kind::Text),
        ("person_id", Kind::Int),
    ],
    key: 2,
    on_conflict: "do nothing",
};

/// Something that happened to a statement.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: Instant,
    /// `drawn`, `approved`, `reopened`, `issued`, `looked-again` or `corrected`.
    pub(crate) kind: String,
    /// In words; may be empty.
    pub(crate) detail: String,
    /// Empty where it was no person.
    pub(crate) by: String,
}

/// What happened to a statement, the oldest first.
pub(crate) fn events(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64) -> Result<Vec<Event>, DbError> {
    let params = params![scope.reseller_id(), statement_id];
    let mut events = tx.query(EVENTS, params, |row| {
        Ok(Event { at: Instant(row.int(0)?), kind: row.text(1)?, detail: row.text(2)?, by: row.text(3)? })
    })?;
    // Within one instant, in the order of a life.
    let place = |kind: &str| ["drawn", "approved", "reopened", "issued"].iter().position(|known| *known == kind);
    events.sort_by_key(|event| (event.at, place(&event.kind).unwrap_or(usize::MAX)));
    Ok(events)
}

/// An event that is to be kept.
pub(in crate::statements) struct Happened {
    pub(in crate::statements) event_id: i64,
    pub(in crate::statements) statement_id: i64,
    pub(in crate::statements) kind: &'static str,
    pub(in crate::statements) detail: String,
}

/// Keeps events.
pub(in crate::statements) fn note_events(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    events: &[Happened],
    (now, by): (Instant, Option<i64>),
) -> Result<(), DbError> {
    let row = |event: &Happened| -> Vec<Param> {
        let Happened { event_id, statement_id, kind, detail } = event;
        params![scope.reseller_id(), *event_id, *statement_id, now, *kind, detail, by].to_vec()
    };
    EVENT.insert(tx, &events.iter().map(row).collect::<Vec<_>>())?;
    Ok(())
}

/// Gives what happened to drafts to those that take their place: that one was approved and made a draft again, and
/// why, outlives its being drawn up anew. To be called before the drafts are dropped.
pub(in crate::statements) fn hand_on(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    made: &[Made],
) -> Result<(), DbError> {
    let drafts = tx.query(DRAFTS, params![scope.reseller_id(), contract_id], |row| {
        Ok((row.int(0)?, Instant(row.int(1)?), row.int(2)?, row.text(3)?))
    })?;
    // As many as there are payers, and notes that wait.
    for (statement_id, start, revision, payer) in drafts {
        let Some(heir) = made.iter().find(|made| made.period.start == start && made.revision == revision) else {
            continue;
        };
        let same = |document: &&Document| document.statement.payer.as_deref().unwrap_or_default() == payer;
        let Some(to) = heir.documents.iter().find(same).or(heir.documents.first()) else { continue };
        tx.execute(HAND_ON, params![scope.reseller_id(), statement_id, to.statement_id])?;
    }
    Ok(())
}

/// Why a document stands beside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// The same, for another payer.
    Payer,
    /// A note on it.
    Note,
    /// What it is a note on.
    Corrected,
    /// A later statement with lines that settle its period.
    Adjusted,
}

/// A document that belongs together with a statement.
#[derive(Debug, Clone)]
pub(crate) struct Related {
    pub(crate) statement_id: i64,
    /// Empty until it is issued.
    pub(crate) name: String,
    pub(crate) kind: DocumentKind,
    pub(crate) state: State,
    /// Empty for the customer.
    pub(crate) payer: String,
    /// The period in words.
    pub(crate) label: String,
    pub(crate) currency: String,
    /// Minor units.
    pub(crate) total: i64,
    pub(crate) how: How,
}

/// What is needed of a document to see what it settles.
#[derive(Deserialize)]
struct Outline {
    period_label: String,
    lines: Vec<OutlineLine>,
}

#[derive(Deserialize)]
struct OutlineLine {
    #[serde(default)]
    refers: Option<OutlineReference>,
}

#[derive(Deserialize)]
struct OutlineReference {
    statement: String,
}

/// The documents that belong together with a statement; a customer sees what was issued to it.
pub(crate) fn related(tx: &mut Tx<'_>, scope: &ResellerScope, of: &Stored) -> Result<Vec<Related>, DbError> {
    let start = of.statement.period.start;
    let own = of.statement_id.to_string();
    // As a document names another one, so that those that do not are not read.
    let named = format!("%\"statement\":\"{own}\"%");
    let params = params![scope.reseller_id(), of.contract_id, start, of.statement_id, RELATED_MAX, named];
    let found = tx.query(RELATED, params, |row| {
        let outline: Outline = serde_json::from_str(&row.text(11)?)?;
        let (statement_id, period) = (row.int(0)?, Period { start: Instant(row.int(5)?), end: Instant(row.int(6)?) });
        let same_basis = period == of.statement.period && row.int(7)? == of.revision;
        let settles = || outline.lines.iter().any(|line| line.refers.as_ref().is_some_and(|to| to.statement == own));
        let how = if same_basis {
            How::Payer
        } else if row.opt_int(8)? == Some(of.statement_id) {
            How::Note
        } else if of.corrects == Some(statement_id) {
            How::Corrected
        } else if period != of.statement.period && settles() {
            How::Adjusted
        } else {
            return Ok(None);
        };
        Ok(Some(Related {
            statement_id,
            name: row.text(1)?,
            kind: kind(row, 2)?,
            state: State::read(row, 3)?,
            payer: row.text(4)?,
            label: outline.period_label,
            currency: row.text(9)?,
            total: row.int(10)?,
            how,
        }))
    })?;
    let is_shown = |related: &Related| scope.customer_id().is_none() || related.state.is_issued();
    Ok(found.into_iter().flatten().filter(is_shown).collect())
}

/// The digest of a printer's state and of every reason for it: what a signature is for. A later reason has
/// another one, so that nobody signs for what was not there to see.
pub(crate) fn cause(readiness: &Readiness) -> Hex<32> {
    // Its own types, with texts for keys: this cannot fail.
    let reasons = serde_json::to_string(&readiness.reasons).unwrap_or_default();
    Hex(sha256(&[readiness.state.word().as_bytes(), b"\n", reasons.as_bytes()]))
}

/// Why a statement is approved though a printer is red.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) printer_id: i64,
    pub(crate) reason: String,
    pub(crate) at: Instant,
    pub(crate) by: String,
    /// What it is for, see [`cause`].
    pub(crate) cause: Hex<32>,
}

impl Signed {
    /// Whether it is for this printer in this state, for these reasons.
    pub(crate) fn is_for(&self, printer_id: i64, cause: Hex<32>) -> bool {
        self.printer_id == printer_id && self.cause == cause
    }
}

/// What was signed for a period of a contract and one revision of its documents.
pub(crate) fn signs(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period_start: Instant,
    revision: i64,
) -> Result<Vec<Signed>, DbError> {
    tx.query(SIGNS, params![scope.reseller_id(), contract_id, period_start, revision], |row| {
        let (printer_id, reason) = (row.int(0)?, row.text(1)?);
        Ok(Signed { printer_id, reason, at: Instant(row.int(2)?), by: row.text(3)?, cause: Hex(row.array(4)?) })
    })
}

/// Where a signature stands: contract, the start of the period, and the revision.
pub(in crate::statements) type Place = (i64, Instant, i64);

/// Keeps a reason; the first one for a printer and a cause stays. `false` where there is one.
pub(in crate::statements) fn keep_sign(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (contract_id, period_start, revision): Place,
    (printer_id, cause): (i64, Hex<32>),
    reason: &str,
    (now, person_id): (Instant, i64),
) -> Result<bool, DbError> {
    let (reseller, cause) = (scope.reseller_id(), cause.0.as_slice());
    let params = params![reseller, contract_id, period_start, revision, printer_id, cause, reason, now, person_id];
    Ok(tx.execute(SIGN, params)? > 0)
}

/// How each printer stood when the document was drawn up; nothing where that is not kept.
pub(crate) fn readiness(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period_start: Instant,
    revision: i64,
) -> Result<Vec<Readiness>, Error> {
    let params = params![scope.reseller_id(), contract_id, period_start, revision];
    let found = tx.query_opt(READINESS, params, |row| Ok(serde_json::from_str(&row.text(0)?)?))?;
    Ok(found.unwrap_or_default())
}
