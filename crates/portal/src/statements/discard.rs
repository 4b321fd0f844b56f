//! Throwing a draft away: a statement or a note that nobody wants, with the documents of all its payers.
//!
//! Who did it, when and why is kept with what the draft came to, and so is what happened to it before. Deliberately
//! absent: what is approved or issued, which is never thrown away, and numbers, of which a draft has none.

use super::issue::{Act, hold};
use super::store::{self, Happened, State};
use super::{reason, without_reason};
use crate::Portal;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::address::id;
use crate::shell::{Error, Posted, ResellerScope, ResellerUser, see_other};
use axum::extract::{Path, State as Within};
use axum::response::Response;
use billing::{DocumentKind, Month, Period};
use report::Instant;

/// Drafts that a contract's page names, the last first.
const SHOWN_MAX: i64 = 50;

const PLACE: &str = "select contract_id, period_start, revision from statement
    where reseller_id = $1 and statement_id = $2";
const GROUP: &str = "select statement_id, customer_id, kind, payer, period_end, currency, total, created_at, state
    from statement where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4
    order by statement_id";
const DROP: &str = "delete from statement
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4 and state = 'draft'";
const DROP_BASIS: &str = "delete from statement_basis
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4";
const DISCARDED: Bulk = Bulk {
    table: "discarded_draft",
    columns: &[
        ("reseller_id", Kind::Int),
        ("statement_id", Kind::Int),
        ("contract_id", Kind::Int),
        ("customer_id", Kind::Int),
        ("kind", Kind::Text),
        ("payer", Kind::Text),
        ("period_start", Kind::Int),
        ("period_end", Kind::Int),
        ("currency", Kind::Text),
        ("total", Kind::Int),
        ("created_at", Kind::Int),
        ("discarded_at", Kind::Int),
        ("discarded_by", Kind::Int),
        ("reason", Kind::Text),
    ],
    key: 2,
    on_conflict: "do nothing",
};
const LIST: &str = "select gone.kind, gone.payer, gone.period_start, gone.period_end, gone.currency, gone.total,
    gone.discarded_at, gone.reason, coalesce(person.name, '')
    from discarded_draft as gone left join person on person.person_id = gone.discarded_by
    where gone.reseller_id = $1 and gone.contract_id = $2
    order by gone.discarded_at desc, gone.statement_id limit $3";

/// A draft that was thrown away.
#[derive(Debug, Clone)]
pub(crate) struct Discarded {
    pub(crate) kind: DocumentKind,
    /// Empty for the customer.
    pub(crate) payer: String,
    pub(crate) period: Period,
    pub(crate) currency: String,
    /// What it came to, minor units.
    pub(crate) total: i64,
    /// When it was thrown away.
    pub(crate) at: Instant,
    /// Why, in that person's words.
    pub(crate) reason: String,
    /// By whom.
    pub(crate) by: String,
}

/// A draft of one payer.
struct Draft {
    statement_id: i64,
    customer_id: i64,
    kind: String,
    payer: String,
    period_end: Instant,
    currency: String,
    total: i64,
    created_at: Instant,
    state: State,
}

/// `POST /statements/{id}/discard`.
pub(super) async fn act(
    Within(portal): Within<Portal>,
    Path(statement): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (statement_id, within, by) = (id(&statement)?, portal.clone(), Some(user.signed.person_id));
    let reason = match reason(&form) {
        Ok(reason) => reason,
        Err(wrong) => return without_reason(&portal, user, statement_id, (&form, wrong)).await,
    };
    let write = move |tx: &mut Tx<'_>| discard(tx, &user.scope, statement_id, &reason, Act::of(&within, by));
    let contract_id = portal.db().write(write).await?;
    tracing::info!(statement.id = statement_id, contract.id = contract_id, "threw a draft away");
    Ok(match Month::parse(form.text("board")) {
        Ok(month) => see_other(&format!("/billing/{month}?done=discarded")),
        Err(_) => see_other(&format!("/contracts/{contract_id}?done=discarded")),
    })
}

/// Throws a draft away, for all payers of its basis; gives its contract.
///
/// # Errors
///
/// There is none, or it is no draft any more.
fn discard(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    statement_id: i64,
    reason: &str,
    act: Act<'_>,
) -> Result<i64, Error> {
    // Nobody approves it meanwhile.
    hold(tx, scope)?;
    let reseller = scope.reseller_id();
    let place = tx.query_opt(PLACE, params![reseller, statement_id], |row| {
        Ok((row.int(0)?, Instant(row.int(1)?), row.int(2)?))
    })?;
    let (contract_id, start, revision) = place.ok_or(Error::NotFound)?;
    let group = tx.query(GROUP, params![reseller, contract_id, start, revision], |row| {
        Ok(Draft {
            statement_id: row.int(0)?,
            customer_id: row.int(1)?,
            kind: row.text(2)?,
            payer: row.text(3)?,
            period_end: Instant(row.int(4)?),
            currency: row.text(5)?,
            total: row.int(6)?,
            created_at: Instant(row.int(7)?),
            state: State::read(row, 8)?,
        })
    })?;
    if let Some(words) = group.iter().find_map(|draft| refused(draft.state)) {
        return Err(Error::Conflict(words.to_owned()));
    }
    let row = |draft: &Draft| -> Vec<Param> {
        params![
            reseller,
            draft.statement_id,
            contract_id,
            draft.customer_id,
            &draft.kind,
            &draft.payer,
            start,
            draft.period_end,
            &draft.currency,
            draft.total,
            draft.created_at,
            act.now,
            act.person,
            reason,
        ]
        .to_vec()
    };
    DISCARDED.insert(tx, &group.iter().map(row).collect::<Vec<_>>())?;
    tx.execute(DROP, params![reseller, contract_id, start, revision])?;
    tx.execute(DROP_BASIS, params![reseller, contract_id, start, revision])?;
    let event = |draft: &Draft| Happened {
        event_id: act.new_id(),
        statement_id: draft.statement_id,
        kind: "discarded",
        detail: reason.to_owned(),
    };
    store::note_events(tx, scope, &group.iter().map(event).collect::<Vec<_>>(), (act.now, act.person))?;
    Ok(contract_id)
}

/// Why a document in this state is not thrown away; `None` for a draft.
fn refused(state: State) -> Option<&'static str> {
    match state {
        State::Draft => None,
        State::Approved => Some("This is approved. Make it a draft again first, then throw it away."),
        State::Issued | State::Corrected => {
            Some("This was issued, and what was issued stays. Use Correct to draw up a note.")
        }
    }
}

/// The drafts of a contract that were thrown away, the last first.
pub(crate) fn discarded(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Vec<Discarded>, DbError> {
    tx.query(LIST, params![scope.reseller_id(), contract_id, SHOWN_MAX], |row| {
        let kind = DocumentKind::parse(&row.text(0)?);
        Ok(Discarded {
            kind: kind.ok_or(DbError::Shape { column: 0, wanted: "the kind of a document" })?,
            payer: row.text(1)?,
            period: Period { start: Instant(row.int(2)?), end: Instant(row.int(3)?) },
            currency: row.text(4)?,
            total: row.int(5)?,
            at: Instant(row.int(6)?),
            reason: row.text(7)?,
            by: row.text(8)?,
        })
    })
}
