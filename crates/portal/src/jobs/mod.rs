//! Jobs: the list with its filters and totals, the same list as CSV, and one job with every row it has.
//!
//! Deliberately absent: changing a job. Facts are appended by the ledger and shown here.

mod export;
mod filter;
pub(crate) mod page;
mod record;
mod store;
mod units;
mod view;

pub(crate) use record::latest;
pub(crate) use store::grade;
pub(crate) use view::{quantity, quantity_unit};

use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::{Fields, id};
use crate::shell::format::Zone;
use crate::shell::{Error, ResellerScope, ResellerUser, render};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use filter::Asked;
use page::JobTable;

/// Jobs on a printer's own page.
const OF_PRINTER_MAX: i64 = 50;

/// The pages of jobs.
pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/jobs", get(list)).route("/jobs.csv", get(export_csv)).route("/jobs/{printer}/{key}", get(one))
}

/// The latest jobs of a printer, times in `zone`.
pub(crate) fn of_printer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    zone: &Zone,
) -> Result<JobTable, DbError> {
    let lines = store::of_printer(tx, scope, printer_id, OF_PRINTER_MAX)?;
    Ok(view::table(&lines, zone, "Latest jobs", "This printer has told of no finished job yet."))
}

async fn list(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(fields): Query<Fields>,
) -> Result<Response, Error> {
    let asked = Asked::read(&fields)?;
    let inside = portal.clone();
    let page = portal.db().read(move |tx| view::list(tx, &inside, &user, &asked)).await?;
    render(&page)
}

async fn export_csv(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(fields): Query<Fields>,
) -> Result<Response, Error> {
    let asked = Asked::read(&fields)?;
    let bytes = portal.db().read(move |tx| export::csv(tx, &user.scope, &asked)).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"jobs.csv\""),
    ];
    Ok((headers, bytes).into_response())
}

async fn one(
    State(portal): State<Portal>,
    user: ResellerUser,
    Path((printer, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let printer_id = id(&printer)?;
    let inside = portal.clone();
    let page = portal.db().read(move |tx| view::one(tx, &inside, &user, printer_id, &key)).await?;
    render(&page)
}
