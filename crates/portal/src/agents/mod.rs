//! Agents: how each does, the next thing to do about it, what it is asked for, and whether its data is taken.
//!
//! Deliberately absent: enrolling one (a customer's page does that) and calling one: what is asked of an
//! agent waits for its next contact.

mod acts;
pub(crate) mod change;
mod health;
pub(crate) mod history;
pub(crate) mod page;
mod policy;
mod ranges_form;
mod state;
mod store;
mod view;

pub(crate) use health::{Lateness, SILENT};
pub(crate) use policy::{Fate, Policy, PolicyRow, differing, fate_of, rows as policy_rows};
pub(crate) use state::AgentState;
pub(crate) use store::{interval, needy, needy_of_customers};
pub(crate) use view::{Brief, kind_words, neediest, of_customer};

use crate::Portal;
use crate::shell::part::Part;
use crate::shell::{Error, ResellerUser, render};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use std::collections::BTreeMap;
use view::Typed;

/// `/agents` and what is below.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/agents", get(list))
        .route("/agents/{id}", get(show))
        .route("/agents/{id}/interval", post(acts::interval))
        .route("/agents/{id}/ranges", post(acts::ranges))
        .route("/agents/{id}/collect", post(acts::collect))
        .route("/agents/{id}/lease", post(acts::lease))
        .route("/agents/{id}/personal", post(acts::personal))
        .route("/agents/{id}/state", post(acts::state))
}

async fn list(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let page = portal.db().read(move |tx| view::agents_page(tx, &own, &user, Part::asked(&query))).await?;
    render(&page)
}

async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let done = query.get("done").cloned();
    let work =
        move |tx: &mut crate::db::Tx<'_>| view::agent_page(tx, &own, &user, &id, (done.as_deref(), &Typed::default()));
    render(&portal.db().read(work).await?.ok_or(Error::NotFound)?)
}
