//! Statements: drawing them up, the list, one statement whose every line opens to its proof, approving.
//!
//! A statement is stored and never edited; only a draft is replaced. Deliberately absent: arithmetic,
//! which is the billing crate's, and the jobs that a line leads to, which are a page of their own.

mod draw;
mod export;
mod facts;
mod links;
pub(crate) mod page;
pub(crate) mod store;
mod view;

pub(crate) use draw::draw_up;
pub(crate) use store::approve;

use crate::Portal;
use crate::contracts::start_of_day;
use crate::db::Tx;
use crate::shell::address::id;
use crate::shell::{CustomerUser, Error, FormData, Posted, ResellerUser, chrome, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use billing::{Month, Period};
use draw::DrawUp;
use jiff::civil::Date;
use page::StatementPage;
use report::{Duration, Instant};
use std::collections::BTreeMap;
use view::Reader;

/// The longest period of one statement.
const PERIOD_MAX: Duration = Duration::hours(400 * 24);

/// The pages of statements.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/statements", get(list))
        .route("/statements/{id}", get(show))
        .route("/statements/{id}/export.csv", get(export_csv))
        .route("/statements/{id}/approve", post(approve_draft))
        .route("/contracts/{id}/statements", post(create))
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
    let (statement_id, within) = (id(&statement)?, portal.clone());
    let read = move |tx: &mut Tx<'_>| -> Result<StatementPage, Error> {
        let stored = store::statement(tx, &user.scope, statement_id)?.ok_or(Error::NotFound)?;
        let title = format!("{}, {}", stored.statement.customer, stored.statement.period_label);
        let done = query.get("done").map(String::as_str);
        let frame = chrome(tx, &within, &user.signed, Some(&user.scope), ("/statements", &title), done)?;
        Ok(view::page(frame, &stored, Reader::Reseller))
    };
    render(&portal.db().read(read).await?)
}

/// The customer's own view of one of its approved statements.
pub(crate) async fn customer_page(portal: &Portal, user: &CustomerUser, statement: &str) -> Result<Response, Error> {
    let (statement_id, within, user) = (id(statement)?, portal.clone(), user.clone());
    let read = move |tx: &mut Tx<'_>| -> Result<StatementPage, Error> {
        let found = store::statement(tx, &user.scope, statement_id)?;
        let stored = found.filter(|stored| !stored.is_draft).ok_or(Error::NotFound)?;
        let title = stored.name();
        let frame = chrome(tx, &within, &user.signed, Some(&user.scope), ("/my", &title), None)?;
        Ok(view::page(frame, &stored, Reader::Customer))
    };
    render(&portal.db().read(read).await?)
}

async fn export_csv(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    user: ResellerUser,
) -> Result<Response, Error> {
    let statement_id = id(&statement)?;
    let found = portal.db().read(move |tx| store::statement(tx, &user.scope, statement_id)).await?;
    let stored = found.ok_or(Error::NotFound)?;
    let bytes = export::lines(&stored).map_err(|error| Error::Internal(Box::new(error)))?;
    let name = if stored.is_draft { format!("draft-{statement_id}") } else { stored.name() };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"statement-{name}.csv\"")),
    ];
    Ok((headers, bytes).into_response())
}

async fn approve_draft(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    Posted(user, _): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (statement_id, now) = (id(&statement)?, portal.surroundings().now());
    let write = move |tx: &mut Tx<'_>| approve(tx, &user.scope, statement_id, user.signed.person_id, now);
    let number = portal.db().write(write).await?;
    tracing::info!(statement.id = statement_id, number, "approved a statement");
    Ok(see_other(&format!("/statements/{statement_id}?done=approved")))
}

async fn create(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (contract_id, now) = (id(&contract)?, portal.surroundings().now());
    let statement_id = crate::new_id(portal.surroundings());
    let write = move |tx: &mut Tx<'_>| -> Result<DrawUp, Error> {
        // The zone of the newest terms cuts the period: an instant that every version starts before.
        let newest = store::contract(tx, &user.scope, contract_id, Instant(i64::MAX))?;
        let period = period(&form, &newest.terms.time_zone)?;
        draw_up(tx, &user.scope, contract_id, period, statement_id, now)
    };
    let DrawUp { statement_id, lines, replaced } = portal.db().write(write).await?;
    tracing::info!(statement.id = statement_id, lines, replaced, "drew up a statement");
    Ok(see_other(&format!("/statements/{statement_id}?done=statement")))
}

/// The period that a form names: a month, else a first and a last day.
fn period(form: &FormData, zone: &str) -> Result<Period, Error> {
    let either = |a: &'static str, b: &'static str| if form.text(a).is_empty() { form.text(b) } else { form.text(a) };
    let month = either("period", "month");
    if !month.is_empty() {
        let cut = Month::parse(month).and_then(|month| Period::of_month(month, zone));
        return cut.map_err(|error| Error::Invalid(format!("Period: {error}.")));
    }
    let wrong = || Error::Invalid("Period: choose a month, or say the first and the last day.".to_owned());
    let start = start_of_day(either("period_from", "from"), zone).ok_or_else(wrong)?;
    // The last day belongs to the period, so that it ends where the next day starts.
    let last: Date = either("period_to", "to").parse().map_err(|_| wrong())?;
    let next = last.tomorrow().map_err(|_| wrong())?;
    let end = start_of_day(&next.to_string(), zone).ok_or_else(wrong)?;
    let period = Period::new(start, end).map_err(|_| wrong())?;
    if period.end.since(period.start) > PERIOD_MAX {
        return Err(Error::Invalid("Period: a statement covers at most 400 days.".to_owned()));
    }
    Ok(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pairs: &[(&str, &str)]) -> Option<(String, String)> {
        let form = FormData(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let period = period(&form, "Europe/Amsterdam").ok()?;
        Some((period.start.to_string(), period.end.to_string()))
    }

    #[test]
    fn a_period_is_a_month_or_days_in_the_contracts_zone() {
        let october = Some(("2026-09-30T22:00:00Z".to_owned(), "2026-10-31T23:00:00Z".to_owned()));
        assert_eq!(cut(&[("period", "2026-10")]), october);
        assert_eq!(cut(&[("month", "2026-10"), ("period_from", "2026-01-01")]), october);
        assert_eq!(cut(&[("period", ""), ("period_from", "2026-10-01"), ("period_to", "2026-10-31")]), october);
        let wrong: [&[(&str, &str)]; 5] = [
            &[],
            &[("period", "2026-13")],
            &[("period_from", "2026-10-02")],
            &[("period_from", "2026-10-02"), ("period_to", "2026-10-01")],
            &[("period_from", "2020-01-01"), ("period_to", "2026-10-01")],
        ];
        for pairs in wrong {
            assert_eq!(cut(pairs), None, "{pairs:?}");
        }
    }
}
