//! The billing run: the months with their states, and the board of one month, on which everything that is
//! missing leads to where it is settled.
//!
//! Deliberately absent: readings and decisions, which have pages of their own, and what a statement says,
//! which is its page's. A run never changes what is issued.

mod board;
pub(crate) mod indices;
pub(crate) mod page;
pub(crate) mod run;
mod stands;
mod store;
mod view;

use crate::Portal;
use crate::db::Tx;
use crate::shell::page::{Flash, Tone};
use crate::shell::{Error, FormData, Posted, ResellerUser, render, see_other};
use crate::statements::blocking;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use billing::Month;
use page::BoardPage;
use run::Tally;
use std::collections::BTreeMap;
use view::Asked;

/// What is left by an act on many statements and is named; the board shows all of it.
const LEFT_MAX: usize = 20;

/// The pages of the billing run.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/billing", get(months))
        .route("/billing/{month}", get(board_of))
        .route("/billing/{month}/run", post(start))
        .route("/billing/{month}/estimate", post(estimate))
        .merge(indices::routes())
}

/// The month in an address; what is no month names nothing.
fn month_in(address: &str) -> Result<Month, Error> {
    Month::parse(address).map_err(|_| Error::NotFound)
}

async fn months(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    // The form of the page asks for a month by its name.
    if let Some(month) = query.get("month").and_then(|month| Month::parse(month.trim()).ok()) {
        return Ok(see_other(&format!("/billing/{month}")));
    }
    let within = portal.clone();
    let page = portal.db().read(move |tx| view::months(tx, &within, &user, &query)).await?;
    render(&page)
}

async fn board_of(
    State(portal): State<Portal>,
    Path(month): Path<String>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    render(&read_board(&portal, user, Asked::by(month_in(&month)?, query)).await?)
}

async fn read_board(portal: &Portal, user: ResellerUser, asked: Asked) -> Result<BoardPage, Error> {
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<BoardPage, Error> { view::board(tx, &within, &user, &asked) };
    portal.db().read(read).await
}

/// The board again, with what was wrong on top.
async fn refused(portal: &Portal, user: ResellerUser, month: Month, wrong: &str) -> Result<Response, Error> {
    let mut page = read_board(portal, user, Asked::by(month, BTreeMap::new())).await?;
    page.chrome.flash = Some(Flash { tone: Tone::Bad, text: wrong.to_owned() });
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}

/// What is done with the statements of a whole month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// Every contract without an approved or issued statement is drawn up.
    Draw,
    /// Every draft without an open question is approved.
    Approve,
    /// Every approved one is issued.
    Issue,
}

impl Whole {
    fn asked(form: &FormData) -> Option<Whole> {
        match form.text("act") {
            "" | "draw" => Some(Whole::Draw),
            "approve" => Some(Whole::Approve),
            "issue" => Some(Whole::Issue),
            _ => None,
        }
    }

    /// What was done, after a number.
    fn word(self) -> &'static str {
        match self {
            Whole::Draw => "drawn up",
            Whole::Approve => "approved",
            Whole::Issue => "issued",
        }
    }
}

async fn start(
    State(portal): State<Portal>,
    Path(month): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let month = month_in(&month)?;
    match Whole::asked(&form) {
        Some(Whole::Draw) => draw_all(&portal, user, month).await,
        Some(whole) => act_on_all(&portal, user, month, whole).await,
        None => refused(&portal, user, month, "Say what to do: draw up, approve or issue.").await,
    }
}

/// Starts drawing up; the board shows how far it is.
async fn draw_all(portal: &Portal, user: ResellerUser, month: Month) -> Result<Response, Error> {
    let (run_id, now) = (crate::new_id(portal.surroundings()), portal.surroundings().now());
    if let Some(words) = run::not_begun_yet(month, now)? {
        return refused(portal, user, month, &words).await;
    }
    let (scope, by) = (user.scope, Some(user.signed.person_id));
    let begun = scope.clone();
    portal.db().write(move |tx| run::begin(tx, &begun, month, run_id, by, now)).await?;
    let within = portal.clone();
    // It goes on when the browser is gone. What became of it stands in the run's own row.
    drop(tokio::task::spawn_blocking(move || match run::draw_all(&within, &scope, month, run_id, by, &mut |_| {}) {
        Ok(ended) => tracing::info!(%month, drawn = ended.drawn, failed = ended.failed, "a billing run ended"),
        Err(error) => tracing::error!(%month, error = ?error, "a billing run stopped"),
    }));
    Ok(see_other(&format!("/billing/{month}?done=run")))
}

/// Approves or issues what can be; names what is left.
async fn act_on_all(portal: &Portal, user: ResellerUser, month: Month, whole: Whole) -> Result<Response, Error> {
    let (within, scope, person) = (portal.clone(), user.scope.clone(), user.signed.person_id);
    let Tally { done, left } = blocking(move || match whole {
        Whole::Issue => run::issue_all(&within, &scope, month, person),
        Whole::Draw | Whole::Approve => run::approve_all(&within, &scope, month, person),
    })
    .await?;
    tracing::info!(%month, done, left = left.len(), "{} statements", whole.word());
    let mut page = read_board(portal, user, Asked::by(month, BTreeMap::new())).await?;
    let what = if done == 1 { "statement was" } else { "statements were" };
    let tone = if left.is_empty() { Tone::Good } else { Tone::Warn };
    page.chrome.flash = Some(Flash { tone, text: format!("{done} {what} {}.", whole.word()) });
    let more = left.len().saturating_sub(LEFT_MAX);
    page.left = left.into_iter().take(LEFT_MAX).map(|(contract, why)| format!("{contract}: {why}")).collect();
    if more > 0 {
        page.left.push(format!("and {more} more"));
    }
    render(&page)
}

/// The contract that a form names.
fn contract_in(form: &FormData) -> Option<i64> {
    form.int("contract")
}

async fn estimate(
    State(portal): State<Portal>,
    Path(month): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let month = month_in(&month)?;
    let Some(contract_id) = contract_in(&form) else {
        return refused(&portal, user, month, "Say which contract to estimate for.").await;
    };
    let (within, scope, by) = (portal.clone(), user.scope.clone(), Some(user.signed.person_id));
    // Without a printer: all that were not read to the end. What is none is not all of them.
    let printer_id = match form.text("printer") {
        "" => 0,
        _ => form.int("printer").filter(|printer_id| *printer_id > 0).ok_or(Error::NotFound)?,
    };
    let estimated = blocking(move || board::estimate(&within, &scope, contract_id, month, printer_id, by)).await?;
    tracing::info!(contract.id = contract_id, made = estimated.made, "estimated readings");
    if estimated.made > 0 && estimated.missing.is_empty() {
        return Ok(see_other(&format!("/billing/{month}?done=estimated")));
    }
    let mut page = read_board(&portal, user, Asked::by(month, BTreeMap::new())).await?;
    page.chrome.flash = Some(Flash { tone: Tone::Warn, text: estimated.words() });
    page.left = estimated.missing.into_iter().take(LEFT_MAX).collect();
    render(&page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(act: &str) -> FormData {
        FormData([("act".to_owned(), act.to_owned())].into())
    }

    #[test]
    fn only_what_is_known_is_done_to_a_whole_month() {
        assert_eq!(Whole::asked(&FormData::default()), Some(Whole::Draw));
        assert_eq!(Whole::asked(&form("issue")), Some(Whole::Issue));
        assert_eq!(Whole::asked(&form("approve")), Some(Whole::Approve));
        assert_eq!(Whole::asked(&form("delete")), None);
    }

    #[test]
    fn what_is_no_month_names_nothing() {
        assert!(month_in("2026-10").is_ok());
        for odd in ["2026-13", "october", "2026-1", ""] {
            assert!(matches!(month_in(odd), Err(Error::NotFound)), "{odd}");
        }
    }
}
