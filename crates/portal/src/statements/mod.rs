//! Statements: drawing them up, the list, one statement whose every line opens to its proof, approving,
//! issuing and correcting them.
//!
//! What is issued is never edited; only a draft is replaced. Deliberately absent: arithmetic, which is the
//! billing crate's, and the jobs that a line leads to, which are a page of their own.

mod behind;
mod correct;
mod desks;
mod discard;
mod downloads;
mod draw;
mod events;
mod events_store;
mod evidence;
mod export;
mod facts;
pub(crate) mod gather;
mod invoice;
mod issue;
mod links;
pub(crate) mod objections;
pub(crate) mod page;
mod periods;
pub(crate) mod store;
mod subtotal;
mod sums;
mod view;

pub(crate) use self::evidence::bundle;
pub(crate) use correct::correct;
pub(crate) use discard::{Discarded, discarded};
pub(crate) use downloads::draws;
pub(crate) use draw::{DrawUp, draw};
pub(crate) use events_store::{Happened, NewEvent, insert as insert_event};
pub(crate) use facts::threshold;
pub(crate) use issue::{Act, Sign, approve, hold, issue, number_from, reopen, sign};
pub(crate) use periods::{cut, not_begun};
pub(crate) use view::{NO_TAX, period_of, status};

use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::id;
use crate::shell::page::{Flash, Tone};
use crate::shell::{CustomerUser, Error, FormData, Posted, ResellerScope, ResellerUser, chrome, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use billing::Month;
use page::StatementPage;
use protocol::Hex;
use std::collections::BTreeMap;
use store::Stored;
use tokio::sync::Semaphore;
use view::{Around, Reader, Said};

/// The pages of statements.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/statements", get(list))
        .route("/statements/{id}", get(show))
        .route("/statements/{id}/evidence", get(evidence_file))
        .route("/statements/{id}/approve", post(approve_draft))
        .route("/statements/{id}/issue", post(issue_approved))
        .route("/statements/{id}/reopen", post(reopen_approved))
        .route("/statements/{id}/discard", post(discard::act))
        .route("/statements/{id}/correct", post(correct_issued))
        .route("/statements/{id}/sign", post(sign_reason))
        .route("/contracts/{id}/statements", post(create))
        .route("/contracts/{id}/events", get(events::show).post(events::act))
        .merge(behind::routes())
        .merge(downloads::routes())
        .merge(objections::routes())
        .merge(subtotal::routes())
}

/// Runs work that takes a while, or waits for the database, where no other request waits for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::from(DbError::Interrupted)))
}

async fn list(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let within = portal.clone();
    let page = portal.db().read(move |tx| view::list(tx, &within, &user, &query)).await?;
    render(&page)
}

async fn show(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let statement_id = id(&statement)?;
    let said = Said { done: query.get("done").cloned(), ..Said::default() };
    render(&reseller_page(&portal, user, statement_id, said).await?)
}

/// A statement as the reseller sees it.
async fn reseller_page(
    portal: &Portal,
    user: ResellerUser,
    statement_id: i64,
    said: Said,
) -> Result<StatementPage, Error> {
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<StatementPage, Error> {
        let stored = store::statement(tx, &user.scope, statement_id)?.ok_or(Error::NotFound)?;
        let around = Around::read(tx, &user.scope, &stored, Reader::Reseller)?;
        let title = format!("{}, {}", stored.statement.customer, stored.statement.period_label);
        let here = ("/statements", title.as_str());
        let frame = chrome(tx, &within, &user.signed, Some(&user.scope), here, said.done.as_deref())?;
        let (seen, now) = ((Reader::Reseller, &said), within.surroundings().now());
        let objections = objections::shown(tx, &user.scope, &stored, seen, now)?;
        Ok(StatementPage { objections, ..view::page(frame, &stored, &around, &said) })
    };
    portal.db().read(read).await
}

/// The customer's own view of one of its issued statements.
pub(crate) async fn customer_page(
    portal: &Portal,
    user: &CustomerUser,
    statement: &str,
    done: Option<String>,
) -> Result<Response, Error> {
    render(&own_page(portal, user, id(statement)?, Said { done, ..Said::default() }).await?)
}

async fn own_page(portal: &Portal, user: &CustomerUser, statement_id: i64, said: Said) -> Result<StatementPage, Error> {
    let (within, user) = (portal.clone(), user.clone());
    let read = move |tx: &mut Tx<'_>| -> Result<StatementPage, Error> {
        let stored = issued(tx, &user.scope, statement_id)?.ok_or(Error::NotFound)?;
        let around = Around::read(tx, &user.scope, &stored, Reader::Customer)?;
        let title = stored.name();
        let frame = chrome(tx, &within, &user.signed, Some(&user.scope), ("/my", &title), said.done.as_deref())?;
        let (seen, now) = ((Reader::Customer, &said), within.surroundings().now());
        let objections = objections::shown(tx, &user.scope, &stored, seen, now)?;
        Ok(StatementPage { objections, ..view::page(frame, &stored, &around, &said) })
    };
    portal.db().read(read).await
}

/// The statement, if it is issued and the scope may see it.
fn issued(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64) -> Result<Option<Stored>, DbError> {
    Ok(store::statement(tx, scope, statement_id)?.filter(Stored::is_issued))
}

/// A file for people to keep. What its name cannot hold becomes a hyphen.
fn file(kind: &'static str, name: &str, ending: &str, bytes: Vec<u8>) -> Response {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}{ending}\"")),
    ];
    (headers, bytes).into_response()
}

async fn evidence_file(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    user: ResellerUser,
) -> Result<Response, Error> {
    evidence_of(&portal, user.scope, id(&statement)?).await
}

/// The evidence file of one of the customer's issued statements.
pub(crate) async fn customer_evidence(
    portal: &Portal,
    user: &CustomerUser,
    statement: &str,
) -> Result<Response, Error> {
    evidence_of(portal, user.scope.clone(), id(statement)?).await
}

/// An evidence file takes much memory while it is made: one at a time, whoever asks.
static MAKING: Semaphore = Semaphore::const_new(1);

async fn evidence_of(portal: &Portal, scope: ResellerScope, statement_id: i64) -> Result<Response, Error> {
    let permit = MAKING.acquire().await.map_err(|_| Error::from(DbError::Interrupted))?;
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<_, Error> {
        let stored = store::statement(tx, &scope, statement_id)?.ok_or(Error::NotFound)?;
        if !stored.is_issued() {
            return Err(Error::Conflict("The evidence file is made when the statement is issued.".to_owned()));
        }
        let made = bundle(tx, &scope, within.keys(), statement_id)?;
        // Held by the work, which goes on when the browser is gone.
        drop(permit);
        Ok((stored.name(), made))
    };
    let (name, bytes) = portal.db().read(read).await?;
    let words = "There is no evidence file of this statement: it was made before evidence was kept.";
    let bytes = bytes.ok_or_else(|| Error::Conflict(words.to_owned()))?;
    Ok(file("application/octet-stream", &name, ".plotmeter-evidence", bytes))
}

/// Where an act leads: back to the board of the month that the form names, else to the statement.
fn after(form: &FormData, statement_id: i64, done: &str) -> Response {
    match Month::parse(form.text("board")) {
        Ok(month) => see_other(&format!("/billing/{month}?done={done}")),
        Err(_) => see_other(&format!("/statements/{statement_id}?done={done}")),
    }
}

async fn approve_draft(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (statement_id, within, by) = (id(&statement)?, portal.clone(), Some(user.signed.person_id));
    let write = move |tx: &mut Tx<'_>| approve(tx, &user.scope, statement_id, Act::of(&within, by));
    portal.db().write(write).await?;
    tracing::info!(statement.id = statement_id, "approved a statement");
    Ok(after(&form, statement_id, "approved"))
}

async fn issue_approved(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (statement_id, within, by) = (id(&statement)?, portal.clone(), Some(user.signed.person_id));
    let write = move |tx: &mut Tx<'_>| issue(tx, &user.scope, statement_id, Act::of(&within, by));
    let number = portal.db().write(write).await?;
    tracing::info!(statement.id = statement_id, number, "issued a statement");
    Ok(after(&form, statement_id, "issued"))
}

/// The reason that a form gives, or what is wrong with it.
fn reason(form: &FormData) -> Result<String, String> {
    issue::reason_of(form.text("reason")).map_err(|error| error.to_string())
}

/// The statement's page again, with what is wrong beside the reason.
async fn without_reason(
    portal: &Portal,
    user: ResellerUser,
    statement_id: i64,
    (form, wrong): (&FormData, String),
) -> Result<Response, Error> {
    let said = Said { reason: form.text("reason").to_owned(), wrong: Some(wrong), ..Said::default() };
    let page = reseller_page(portal, user, statement_id, said).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}

/// Keeps why a printer that holds a draft up is billed all the same.
async fn sign_reason(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (statement_id, within, by) = (id(&statement)?, portal.clone(), Some(user.signed.person_id));
    let named = (form.int("printer"), form.text("cause").parse::<Hex<32>>());
    let wrong = match (reason(&form), named) {
        (Ok(reason), (Some(printer_id), Ok(cause))) => {
            let write = move |tx: &mut Tx<'_>| {
                let signed = Sign { statement_id, printer_id, cause: Some(cause), reason: &reason };
                sign(tx, &user.scope, &signed, Act::of(&within, by))
            };
            portal.db().write(write).await?;
            tracing::info!(statement.id = statement_id, printer.id = printer_id, "signed a reason");
            return Ok(after(&form, statement_id, "signed"));
        }
        (Err(wrong), _) => wrong,
        (Ok(_), _) => "Say for which printer the reason is.".to_owned(),
    };
    let mut page = reseller_page(&portal, user, statement_id, Said::default()).await?;
    page.chrome.flash = Some(Flash { tone: Tone::Bad, text: wrong });
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}

async fn reopen_approved(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (statement_id, within, by) = (id(&statement)?, portal.clone(), Some(user.signed.person_id));
    let reason = match reason(&form) {
        Ok(reason) => reason,
        Err(wrong) => return without_reason(&portal, user, statement_id, (&form, wrong)).await,
    };
    let write = move |tx: &mut Tx<'_>| reopen(tx, &user.scope, statement_id, &reason, Act::of(&within, by));
    portal.db().write(write).await?;
    Ok(after(&form, statement_id, "reopened"))
}

async fn correct_issued(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let statement_id = id(&statement)?;
    let reason = match reason(&form) {
        Ok(reason) => reason,
        Err(wrong) => return without_reason(&portal, user, statement_id, (&form, wrong)).await,
    };
    let (within, by) = (portal.clone(), Some(user.signed.person_id));
    let notes = blocking(move || correct(&within, &user.scope, statement_id, by, &reason)).await?;
    let words = "There is nothing to correct: worked out again from what is known now, it comes to the same.";
    let first = notes.first().ok_or_else(|| Error::Conflict(words.to_owned()))?;
    tracing::info!(statement.id = statement_id, notes = notes.len(), "drew up a correction");
    Ok(see_other(&format!("/statements/{first}?done=corrected")))
}

async fn create(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let contract_id = id(&contract)?;
    let drawn = blocking(move || -> Result<DrawUp, Error> {
        let period = portal.db().read_now(|tx| periods::named(tx, &user.scope, contract_id, &form))?;
        draw(&portal, &user.scope, contract_id, period, Some(user.signed.person_id))
    });
    let DrawUp { statement_id, .. } = drawn.await?;
    tracing::info!(statement.id = statement_id, "drew up a statement");
    Ok(see_other(&format!("/statements/{statement_id}?done=statement")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> FormData {
        FormData(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn an_act_leads_back_to_where_it_was_asked() {
        let location = |pairs: &[(&str, &str)]| {
            let response = after(&form(pairs), 7, "issued");
            response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        assert_eq!(location(&[]).as_deref(), Some("/statements/7?done=issued"));
        assert_eq!(location(&[("board", "2026-10")]).as_deref(), Some("/billing/2026-10?done=issued"));
        assert_eq!(location(&[("board", "//evil.example")]).as_deref(), Some("/statements/7?done=issued"));
    }

    #[test]
    fn a_reason_is_said() {
        assert!(reason(&form(&[])).is_err_and(|wrong| wrong.starts_with("Reason: ")));
        assert_eq!(reason(&form(&[("reason", "wrong price")])).as_deref(), Ok("wrong price"));
    }
}
