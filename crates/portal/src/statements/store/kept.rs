//! What drawing up reads of the statements before, and what it keeps: documents, what they were made from,
//! and what they were laid against.
//!
//! A period is billed by the documents for it (its statement, one for each payer, and the notes on it) and by
//! lines of later statements that settle it. What it leaves to the next one is kept with whatever settled it
//! last: its own documents, or the statement or note beside which it was looked at again. Deliberately absent:
//! any decision about what is due.

use super::{Contract, State};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::{Error, ResellerScope};
use billing::carry::carries_on;
use billing::{Carry, Period, Readiness, Reference, Statement};
use evidence::Basis;
use report::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How hard a basis is compressed: most of the gain for little time.
const LEVEL: i32 = 3;

const PERIODS_BEFORE: &str = "select period_start, period_end from statement
    where reseller_id = $1 and contract_id = $2 and kind = 'statement' and state <> 'draft' and period_end <= $3
    group by period_start, period_end order by period_start desc limit $4";
const PERIODS_FROM: &str = "select period_start, period_end from statement
    where reseller_id = $1 and contract_id = $2 and kind = 'statement' and state <> 'draft' and period_start >= $3
    group by period_start, period_end order by period_start limit $4";
// Approved documents have no number yet and come last.
const PAST: &str = "select statement.statement_id, statement.state, statement.revision, statement.name,
    statement.document, basis.rated_at
    from statement left join statement_basis as basis on basis.reseller_id = statement.reseller_id
        and basis.contract_id = statement.contract_id and basis.period_start = statement.period_start
        and basis.revision = statement.revision
    where statement.reseller_id = $1 and statement.contract_id = $2 and statement.state <> 'draft'
    and statement.period_start >= $3
    order by coalesce(statement.number, 9223372036854775807), statement.statement_id";
const RATED: &str = "select basis.period_start, max(basis.rated_at) from statement_basis as basis
    where basis.reseller_id = $1 and basis.contract_id = $2 and exists (select 1 from statement as document
        where document.reseller_id = basis.reseller_id and document.contract_id = basis.contract_id
        and document.period_start = basis.period_start and document.revision = basis.revision
        and document.state <> 'draft')
    group by basis.period_start";
const STANDING: &str = "select statement_id, state from statement
    where reseller_id = $1 and contract_id = $2 and state <> 'draft' and period_start >= $3
    order by statement_id";
/// From the last period that ends by `$3` on, and what looked at others. A draft has no end here.
const CARRIES: &str = "select basis.period_start, (select max(document.period_end) from statement as document
        where document.reseller_id = basis.reseller_id and document.contract_id = basis.contract_id
        and document.period_start = basis.period_start and document.revision = basis.revision
        and document.state <> 'draft'), basis.revision, basis.rated_at, basis.carry, basis.billed
    from statement_basis as basis where basis.reseller_id = $1 and basis.contract_id = $2
    and (basis.period_start >= coalesce((select max(last.period_start) from statement as last
            where last.reseller_id = $1 and last.contract_id = $2 and last.state <> 'draft'
            and last.period_end <= $3), $3)
        or basis.billed like '%\"left\":%')
    order by basis.rated_at, basis.period_start, basis.revision";
const WAITING: &str = "select statement.document
    from statement join statement_basis as basis on basis.reseller_id = statement.reseller_id
        and basis.contract_id = statement.contract_id and basis.period_start = statement.period_start
        and basis.revision = statement.revision
    where statement.reseller_id = $1 and statement.contract_id = $2 and statement.kind = 'statement'
    and statement.state in ($4, $5) and statement.period_end <= $3 and basis.carry <> '{}'
    order by statement.period_start limit 1";
const FORGET_DRAFTS: &str = "delete from statement_event where reseller_id = $1 and statement_id in
    (select draft.statement_id from statement as draft where draft.reseller_id = $1 and draft.contract_id = $2
        and draft.state = 'draft' and draft.kind = 'statement' and draft.period_start < $4 and draft.period_end > $3)";
const DROP_DRAFTS: &str = "delete from statement where reseller_id = $1 and contract_id = $2
    and state = 'draft' and kind = 'statement' and period_start < $4 and period_end > $3";
const FORGET_NOTES: &str = "delete from statement_event where reseller_id = $1 and statement_id in
    (select draft.statement_id from statement as draft where draft.reseller_id = $1 and draft.contract_id = $2
        and draft.state = 'draft' and draft.kind <> 'statement' and draft.period_start >= $3
        and draft.period_start < $4)";
const DROP_NOTES: &str = "delete from statement where reseller_id = $1 and contract_id = $2
    and state = 'draft' and kind <> 'statement' and period_start >= $3 and period_start < $4";
const DROP_BASES: &str = "delete from statement_basis where reseller_id = $1 and contract_id = $2
    and not exists (select 1 from statement where statement.reseller_id = statement_basis.reseller_id
        and statement.contract_id = statement_basis.contract_id
        and statement.period_start = statement_basis.period_start and statement.revision = statement_basis.revision)";
const BASIS: &str = "select basis from statement_basis
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4";
const STATEMENT: Bulk = Bulk {
    table: "statement",
    columns: &[
        ("reseller_id", Kind::Int),
        ("statement_id", Kind::Int),
        ("contract_id", Kind::Int),
        ("customer_id", Kind::Int),
        ("version", Kind::Int),
        ("kind", Kind::Text),
        ("payer", Kind::Text),
        ("revision", Kind::Int),
        ("corrects", Kind::Int),
        ("period_start", Kind::Int),
        ("period_end", Kind::Int),
        ("state", Kind::Text),
        ("currency", Kind::Text),
        ("net", Kind::Int),
        ("total", Kind::Int),
        ("document", Kind::Text),
        ("created_at", Kind::Int),
        ("created_by", Kind::Int),
    ],
    key: 2,
    on_conflict: "do nothing",
};
const KEPT_BASIS: Bulk = Bulk {
    table: "statement_basis",
    columns: &[
        ("reseller_id", Kind::Int),
        ("contract_id", Kind::Int),
        ("period_start", Kind::Int),
        ("revision", Kind::Int),
        ("basis", Kind::Bytes),
        ("carry", Kind::Text),
        ("rated_at", Kind::Int),
        ("billed", Kind::Text),
        ("readiness", Kind::Text),
    ],
    key: 4,
    on_conflict: "do nothing",
};

/// A document that stands, approved or issued.
pub(in crate::statements) struct Past {
    pub(in crate::statements) statement_id: i64,
    pub(in crate::statements) state: State,
    pub(in crate::statements) revision: i64,
    /// Empty until it is issued.
    pub(in crate::statements) name: String,
    /// When it was rated; `None` where what it was made from is not kept.
    pub(in crate::statements) rated_at: Option<Instant>,
    pub(in crate::statements) statement: Statement,
}

impl Past {
    /// Whether it bills the period: it is for it, or a line of it settles it.
    pub(in crate::statements) fn bills(&self, period: Period) -> bool {
        let mut settled = self.statement.lines.iter().filter_map(|line| line.refers.as_ref());
        self.statement.period == period || settled.any(|refers| refers.period == period)
    }

    /// How a note or an adjustment names it.
    pub(in crate::statements) fn reference(&self) -> Reference {
        let (number, statement) = (self.name.clone(), self.statement_id.to_string());
        Reference { number, statement, period: self.statement.period, line: None }
    }
}

fn periods(tx: &mut Tx<'_>, sql: &str, params: &[Param]) -> Result<Vec<Period>, DbError> {
    tx.query(sql, params, |row| Ok(Period { start: Instant(row.int(0)?), end: Instant(row.int(1)?) }))
}

/// The last billed periods of a contract that end by `end`, at most `most`, the oldest first.
pub(in crate::statements) fn periods_before(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    end: Instant,
    most: i64,
) -> Result<Vec<Period>, DbError> {
    let mut found = periods(tx, PERIODS_BEFORE, params![scope.reseller_id(), contract_id, end, most])?;
    found.reverse();
    Ok(found)
}

/// The billed periods of a contract from the one that begins at `start` on, at most `most`, the oldest first.
pub(in crate::statements) fn periods_from(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    start: Instant,
    most: i64,
) -> Result<Vec<Period>, DbError> {
    periods(tx, PERIODS_FROM, params![scope.reseller_id(), contract_id, start, most])
}

/// The documents of a contract that stand, for periods that begin at `from` or later, in the order in which
/// they were issued.
pub(in crate::statements) fn past(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    from: Instant,
) -> Result<Vec<Past>, DbError> {
    tx.query(PAST, params![scope.reseller_id(), contract_id, from], |row| {
        Ok(Past {
            statement_id: row.int(0)?,
            state: State::read(row, 1)?,
            revision: row.int(2)?,
            name: row.text(3)?,
            statement: serde_json::from_str(&row.text(4)?)?,
            rated_at: row.opt_int(5)?.map(Instant),
        })
    })
}

/// When each billed period of a contract was rated last for a document of its own, by its start.
pub(in crate::statements) fn rated(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
) -> Result<BTreeMap<Instant, Instant>, DbError> {
    let rows = tx.query(RATED, params![scope.reseller_id(), contract_id], |row| {
        Ok((Instant(row.int(0)?), Instant(row.int(1)?)))
    })?;
    Ok(rows.into_iter().collect())
}

/// The same documents by id and state alone: whether anything happened to them meanwhile.
pub(in crate::statements) fn standing(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    from: Instant,
) -> Result<Vec<(i64, State)>, DbError> {
    let params = params![scope.reseller_id(), contract_id, from];
    tx.query(STANDING, params, |row| Ok((row.int(0)?, State::read(row, 1)?)))
}

/// What a period left, as far as it is known.
struct Known {
    end: Instant,
    /// When that was rated.
    at: Instant,
    /// Whether it was rated anew since the statement of the period.
    again: bool,
    carry: Carry,
}

/// What a period begins with.
#[derive(Debug, Clone, Default)]
pub(in crate::statements) struct Opening {
    pub(in crate::statements) carry: Carry,
    /// Whether the period before was rated anew since its own statement, so that it leaves what that one does
    /// not say.
    pub(in crate::statements) again: bool,
}

/// What periods leave, by the newest rating that stands. See [`carries`].
#[derive(Default)]
pub(in crate::statements) struct Carries {
    /// By the start of the period.
    left: BTreeMap<Instant, Known>,
    /// What the newest rating that settled a period began with, by the start of the period.
    began: BTreeMap<Instant, Carry>,
}

impl Carries {
    /// Adds what a basis says; the newest one comes last.
    fn add(&mut self, start: Instant, own: Known, laid: Laid) {
        let at = own.at;
        if let Some(Look { opening, left }) = laid.looked {
            let mut began = opening;
            for Left { period, carry, noted } in left {
                let next = carry.clone();
                self.left.insert(period.start, Known { end: period.end, at, again: true, carry });
                // What a note is to settle is settled by that note alone.
                if !noted {
                    self.began.insert(period.start, began);
                }
                began = next;
            }
        }
        self.left.insert(start, own);
        self.began.insert(start, laid.opening);
    }

    /// The last period that ends by `start`.
    fn last(&self, start: Instant) -> Option<(Instant, &Known)> {
        let mut before = self.left.range(..start).rev();
        before.find(|(_, known)| known.end <= start).map(|(period, known)| (*period, known))
    }

    /// What a period that begins at `start` begins with. Nothing where no period was billed before, or where
    /// nothing is known of it.
    pub(in crate::statements) fn before(&self, start: Instant) -> Opening {
        let last = self.last(start).map(|(_, known)| known);
        last.map(|known| Opening { carry: known.carry.clone(), again: known.again }).unwrap_or_default()
    }

    /// The part of `billed` from the first period on that was settled with something else than what the period
    /// before it leaves now. A period of which that is not kept is passed over.
    pub(in crate::statements) fn moved<'a>(&self, billed: &'a [Period]) -> &'a [Period] {
        let nothing = Carry::default();
        let moved = |period: &Period| {
            let left = self.last(period.start).map_or(&nothing, |(_, known)| &known.carry);
            self.began.get(&period.start).is_some_and(|began| began != left)
        };
        billed.iter().position(moved).and_then(|place| billed.get(place..)).unwrap_or_default()
    }

    /// Whether a document of the period that begins at `start`, rated at `rated_at`, still begins with what the
    /// period before it leaves.
    pub(in crate::statements) fn fits(&self, start: Instant, laid: &Laid, rated_at: Instant) -> bool {
        let Some((before, known)) = self.last(start) else { return laid.opening.is_empty() };
        let Some(look) = laid.looked.as_ref().filter(|look| look.left.iter().any(|left| left.period.start == before))
        else {
            return known.carry == laid.opening;
        };
        // What was looked at again beside the document itself counts with it, as long as that began rightly.
        let first = look.left.first().map_or(before, |left| left.period.start);
        let began = self.last(first).map(|(_, known)| known.carry.clone()).unwrap_or_default();
        began == look.opening && (known.at <= rated_at || known.carry == laid.opening)
    }

    /// Whether nothing is left by any period.
    pub(in crate::statements) fn is_empty(&self) -> bool {
        self.left.values().all(|known| known.carry.is_empty())
    }
}

/// What the billed periods of a contract leave, from the last one that ends by `from` on: by their documents that
/// are no drafts, and by what such documents of other periods found when they looked at them again.
pub(in crate::statements) fn carries(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    from: Instant,
) -> Result<Carries, DbError> {
    let mut carries = Carries::default();
    tx.query(CARRIES, params![scope.reseller_id(), contract_id, from], |row| {
        let Some(end) = row.opt_int(1)?.map(Instant) else { return Ok(()) };
        let (start, at, again) = (Instant(row.int(0)?), Instant(row.int(3)?), row.int(2)? > 0);
        let own = Known { end, at, again, carry: serde_json::from_str(&row.text(4)?)? };
        carries.add(start, own, serde_json::from_str(&row.text(5)?)?);
        Ok(())
    })?;
    Ok(carries)
}

/// What the last period billed by `start` leaves, as it was rated last. Nothing where none was, or where nothing
/// is known of it.
pub(crate) fn carry_before(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    start: Instant,
) -> Result<Carry, DbError> {
    Ok(carries(tx, scope, contract_id, start)?.before(start).carry)
}

/// Refuses to go on while no statement covers the days between the last billed period and this one, where the
/// terms leave something from one period to the next.
pub(in crate::statements) fn refuse_gap(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
) -> Result<(), Error> {
    let terms = super::contract(tx, scope, contract_id, period.end)?.terms;
    let before = periods_before(tx, scope, contract_id, period.start, 1)?;
    let is_gap = |last: &&Period| last.end < period.start && carries_on(&terms);
    let Some(last) = before.last().filter(is_gap) else { return Ok(()) };
    let gap = Period { start: last.end, end: period.start };
    let label = gap.label(&terms.time_zone).unwrap_or_else(|_| format!("{} to {}", gap.start, gap.end));
    let words = "is not billed yet, and this period goes on with what it leaves. Issue its statement first.";
    Err(Error::Conflict(format!("{label} {words}")))
}

/// Refuses to go on while the statement of an earlier period waits that leaves something to later ones; as a
/// draft, and where `issued` is wanted also as an approved one.
pub(in crate::statements) fn refuse_waiting(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    start: Instant,
    issued: bool,
) -> Result<(), Error> {
    let also = if issued { State::Approved } else { State::Draft };
    let params = params![scope.reseller_id(), contract_id, start, State::Draft.word(), also.word()];
    let waiting: Option<Statement> = tx.query_opt(WAITING, params, |row| Ok(serde_json::from_str(&row.text(0)?)?))?;
    let Some(waiting) = waiting else { return Ok(()) };
    let first = if issued { "Issue it" } else { "Approve it, or draw it up again," };
    let label = waiting.period_label;
    let words = format!("The statement of {label} still waits, and this period goes on with what it leaves.");
    Err(Error::Conflict(format!("{words} {first} first.")))
}

/// What a document was laid against: it is stale once others bill these periods, or once the period before its
/// own leaves something else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::statements) struct Laid {
    /// The periods that it settles.
    pub(in crate::statements) periods: Vec<Period>,
    /// The documents that billed them, in the order in which they were issued.
    pub(in crate::statements) documents: Vec<i64>,
    /// What its own period began with.
    #[serde(default, skip_serializing_if = "Carry::is_empty")]
    pub(in crate::statements) opening: Carry,
    /// The billed periods that were rated again when it was drawn up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::statements) looked: Option<Look>,
}

/// Billed periods that were rated again one after the other, each with what the one before leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::statements) struct Look {
    /// What the first one began with.
    #[serde(default, skip_serializing_if = "Carry::is_empty")]
    pub(in crate::statements) opening: Carry,
    /// What they leave, the oldest first.
    pub(in crate::statements) left: Vec<Left>,
}

/// What a billed period leaves, rated again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::statements) struct Left {
    pub(in crate::statements) period: Period,
    #[serde(default, skip_serializing_if = "Carry::is_empty")]
    pub(in crate::statements) carry: Carry,
    /// Whether a note of its own is to settle it: it is not settled before that one stands.
    pub(in crate::statements) noted: bool,
}

impl Look {
    /// Nothing was looked at yet; the first period begins with this.
    pub(in crate::statements) fn begin(opening: Carry) -> Look {
        Look { opening, left: Vec::new() }
    }

    /// What is kept of it: nothing where no period leaves, or left, anything.
    pub(in crate::statements) fn kept(&self, known: &Carries) -> Option<Look> {
        let leaves = self.left.iter().any(|left| !left.carry.is_empty());
        let is_kept = !self.left.is_empty() && (leaves || !self.opening.is_empty() || !known.is_empty());
        is_kept.then(|| self.clone())
    }
}

/// What bills these periods now.
pub(in crate::statements) fn laid(past: &[Past], periods: Vec<Period>) -> Laid {
    let bills = |of: &&Past| periods.iter().any(|period| of.bills(*period));
    let documents = past.iter().filter(bills).map(|of| of.statement_id).collect();
    Laid { periods, documents, ..Laid::default() }
}

/// A document of one payer, to be kept as a draft.
pub(in crate::statements) struct Document {
    pub(in crate::statements) statement_id: i64,
    /// The id of the event that says that it was drawn up.
    pub(in crate::statements) event_id: i64,
    /// The statement that a note refers to.
    pub(in crate::statements) corrects: Option<i64>,
    pub(in crate::statements) statement: Statement,
}

/// The documents that were made from one basis.
pub(in crate::statements) struct Made {
    pub(in crate::statements) period: Period,
    /// 0 for the statement of a period; notes on it count from 1.
    pub(in crate::statements) revision: i64,
    /// One for each payer, the customer's first.
    pub(in crate::statements) documents: Vec<Document>,
    /// What they were made from, by [`pack`].
    pub(in crate::statements) basis: Vec<u8>,
    /// What the period leaves.
    pub(in crate::statements) carry: Carry,
    pub(in crate::statements) laid: Laid,
    /// How each printer stood.
    pub(in crate::statements) readiness: Vec<Readiness>,
    /// Why it was drawn up, in words; may be empty.
    pub(in crate::statements) why: String,
}

/// A basis as it is stored.
pub(crate) fn pack(basis: &Basis) -> Result<Vec<u8>, Error> {
    let bytes = basis.to_bytes().map_err(|error| Error::Internal(Box::new(error)))?;
    zstd::bulk::compress(&bytes, LEVEL).map_err(|error| Error::Internal(Box::new(error)))
}

/// The JSON of a basis, as it was when it was packed.
pub(in crate::statements) fn basis_text(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period_start: Instant,
    revision: i64,
) -> Result<Option<String>, Error> {
    let params = params![scope.reseller_id(), contract_id, period_start, revision];
    let Some(packed) = tx.query_opt(BASIS, params, |row| row.bytes(0))? else { return Ok(None) };
    let bytes = zstd::decode_all(packed.as_slice()).map_err(|error| Error::Internal(Box::new(error)))?;
    String::from_utf8(bytes).map(Some).map_err(|error| Error::Internal(Box::new(error)))
}

/// Takes the drafts of statements away that the period touches; gives how many there were.
pub(in crate::statements) fn drop_drafts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
) -> Result<u64, DbError> {
    let params = params![scope.reseller_id(), contract_id, period.start, period.end];
    tx.execute(FORGET_DRAFTS, params)?;
    let dropped = tx.execute(DROP_DRAFTS, params)?;
    tx.execute(DROP_BASES, params![scope.reseller_id(), contract_id])?;
    Ok(dropped)
}

/// Takes the drafts of notes away for periods that begin at `from` or later, and before `before`.
pub(in crate::statements) fn drop_notes(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    (from, before): (Instant, Instant),
) -> Result<u64, DbError> {
    let params = params![scope.reseller_id(), contract_id, from, before];
    tx.execute(FORGET_NOTES, params)?;
    let dropped = tx.execute(DROP_NOTES, params)?;
    tx.execute(DROP_BASES, params![scope.reseller_id(), contract_id])?;
    Ok(dropped)
}

/// Keeps drafts with what they were made from. A conflict where somebody kept one for the same period.
pub(in crate::statements) fn insert(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract: &Contract,
    made: &[Made],
    (now, by): (Instant, Option<i64>),
) -> Result<(), DbError> {
    let (reseller, contract_id) = (scope.reseller_id(), contract.contract_id);
    let (mut documents, mut bases, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for made in made {
        let texts = [
            serde_json::to_string(&made.carry)?,
            serde_json::to_string(&made.laid)?,
            serde_json::to_string(&made.readiness)?,
        ];
        let [carry, laid, readiness] = texts;
        let (start, basis) = (made.period.start, made.basis.as_slice());
        bases.push(params![reseller, contract_id, start, made.revision, basis, carry, now, laid, readiness].to_vec());
        for document in &made.documents {
            documents.push(row(reseller, contract, made.revision, document, (now, by))?);
            let (statement_id, event_id) = (document.statement_id, document.event_id);
            events.push(super::Happened { event_id, statement_id, kind: "drawn", detail: made.why.clone() });
        }
    }
    STATEMENT.insert(tx, &documents)?;
    if KEPT_BASIS.insert(tx, &bases)?.contains(&false) {
        return Err(DbError::Unfit("what a statement was made from is kept already".to_owned()));
    }
    super::note_events(tx, scope, &events, (now, by))
}

fn row(
    reseller: i64,
    contract: &Contract,
    revision: i64,
    document: &Document,
    (now, by): (Instant, Option<i64>),
) -> Result<Vec<Param>, DbError> {
    let statement = &document.statement;
    let row = params![
        reseller,
        document.statement_id,
        contract.contract_id,
        contract.customer_id,
        i64::from(statement.contract.version),
        statement.kind.word(),
        statement.payer.as_deref().unwrap_or_default(),
        revision,
        document.corrects,
        statement.period.start,
        statement.period.end,
        State::Draft.word(),
        statement.currency.code(),
        statement.net.0,
        statement.total.0,
        serde_json::to_string(statement)?,
        now,
        by,
    ];
    Ok(row.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Lot;

    fn period(number: i64) -> Period {
        Period { start: Instant(number * 10), end: Instant(number * 10 + 10) }
    }

    fn used(quantity: i64) -> Carry {
        let mut carry = Carry::default();
        carry.set("allowance.1", "", "used", vec![Lot { quantity, ..Lot::default() }]);
        carry
    }

    fn own(number: i64, at: i64, quantity: i64) -> (Instant, Known) {
        let of = period(number);
        (of.start, Known { end: of.end, at: Instant(at), again: false, carry: used(quantity) })
    }

    /// What a document of a later period found: periods with what they leave, and whether a note settles them.
    fn look(opening: Carry, left: &[(i64, i64, bool)]) -> Option<Look> {
        let left =
            left.iter().map(|(of, leaves, noted)| Left { period: period(*of), carry: used(*leaves), noted: *noted });
        Some(Look { opening, left: left.collect() })
    }

    fn add(carries: &mut Carries, (start, known): (Instant, Known), opening: Carry, looked: Option<Look>) {
        carries.add(start, known, Laid { opening, looked, ..Laid::default() });
    }

    #[test]
    fn what_the_newest_look_left_counts_wherever_it_is_kept() {
        let mut carries = Carries::default();
        add(&mut carries, own(1, 100, 500), Carry::default(), None);
        let first = carries.before(period(2).start);
        assert_eq!((first.carry, first.again), (used(500), false));
        add(&mut carries, own(2, 200, 1_300), used(600), look(Carry::default(), &[(1, 600, false)]));
        let second = carries.before(period(2).start);
        assert_eq!((second.carry, second.again), (used(600), true));
        assert_eq!(carries.before(period(3).start).carry, used(1_300));
        assert!(carries.before(period(1).start).carry.is_empty());
        let billed = [period(1), period(2)];
        assert!(carries.moved(&billed).is_empty());
        // A period before the first is billed late: the first did not know what it leaves.
        add(&mut carries, own(0, 300, 7), Carry::default(), None);
        assert_eq!(carries.moved(&billed), billed);
    }

    #[test]
    fn a_period_that_a_note_is_to_settle_is_not_settled_by_the_notes_beside_it() {
        let mut carries = Carries::default();
        add(&mut carries, own(1, 100, 300), Carry::default(), None);
        add(&mut carries, own(2, 110, 500), used(300), None);
        let (start, note) = own(1, 200, 450);
        add(&mut carries, (start, note), Carry::default(), look(Carry::default(), &[(1, 450, true), (2, 650, true)]));
        assert_eq!(carries.moved(&[period(1), period(2)]), [period(2)]);
        let (start, note) = own(2, 200, 650);
        add(&mut carries, (start, note), used(450), look(Carry::default(), &[(1, 450, true), (2, 650, true)]));
        assert!(carries.moved(&[period(1), period(2)]).is_empty());
    }

    #[test]
    fn a_document_is_stale_once_what_it_began_with_is_another() {
        let mut carries = Carries::default();
        add(&mut carries, own(1, 100, 300), Carry::default(), None);
        add(&mut carries, own(2, 110, 500), used(300), None);
        let third = period(3).start;
        let plain = Laid { opening: used(500), ..Laid::default() };
        let looked = Laid { opening: used(510), looked: look(used(300), &[(2, 510, false)]), ..Laid::default() };
        assert!(carries.fits(third, &plain, Instant(200)) && carries.fits(third, &looked, Instant(200)));
        // The first period is settled anew: what was looked at began with what it left before.
        let anew = look(Carry::default(), &[(1, 450, true), (2, 650, true)]);
        add(&mut carries, own(1, 150, 450), Carry::default(), anew);
        assert!(!carries.fits(third, &plain, Instant(200)) && !carries.fits(third, &looked, Instant(200)));
        assert!(!Carries::default().fits(third, &plain, Instant(200)));
    }
}
