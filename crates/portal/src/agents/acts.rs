//! What people do to an agent: each a form that asks for something at its next contact, or says whether its
//! data is taken.
//!
//! Deliberately absent: what each change means in the database, which `change` does for every caller.

use super::change::{self, StateChange, Wish};
use super::history::Stamp;
use super::ranges_form::{self, For};
use super::state::AgentState;
use super::view::{self, Typed};
use crate::Portal;
use crate::db::Tx;
use crate::shell::{Error, FormData, Posted, ResellerUser, render, see_other};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::limits::{INTERVAL_MINUTES_MAX, INTERVAL_MINUTES_MIN};

/// Characters of a lease's name.
const NAME_MAX: usize = 40;
/// What is said where the box was not ticked that stands before what cannot be undone.
const UNTICKED: &str = "Tick the box first, so that nobody does this by a slip.";
/// What is said where somebody else was first.
const CHANGED: &str = "The agent is in another state by now. Go back, reload and look again.";

/// `POST …/interval`: how often it reads.
pub(super) async fn interval(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let allowed = i64::from(INTERVAL_MINUTES_MIN)..=i64::from(INTERVAL_MINUTES_MAX);
    let Some(minutes) = form.int("minutes").filter(|minutes| allowed.contains(minutes)) else {
        let typed = Typed { minutes: Some(form.text("minutes").to_owned()), ..Typed::default() };
        return refuse(&portal, user, id, typed).await;
    };
    ask(&portal, user, id, Wish::Interval(minutes), "interval").await
}

/// `POST …/ranges`: which addresses it reads, as far as its own side allows them.
pub(super) async fn ranges(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    match both_ranges(&form) {
        Ok(wish) => ask(&portal, user, id, wish, "ranges").await,
        Err(typed) => refuse(&portal, user, id, *typed).await,
    }
}

/// The addresses and those left out; else what was typed, with what is wrong.
fn both_ranges(form: &FormData) -> Result<Wish, Box<Typed>> {
    let (typed, left_out) = (form.text("ranges"), form.text("excluded"));
    match (ranges_form::read(typed, For::Reading), ranges_form::read(left_out, For::LeavingOut)) {
        (Ok(ranges), Ok(excluded)) => Ok(Wish::Ranges { ranges, excluded }),
        (ranges, excluded) => Err(Box::new(Typed {
            ranges: Some((typed.to_owned(), ranges.err())),
            excluded: Some((left_out.to_owned(), excluded.err())),
            ..Typed::default()
        })),
    }
}

/// `POST …/collect`: it reads once at its next contact.
pub(super) async fn collect(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, _): Posted<ResellerUser>,
) -> Result<Response, Error> {
    ask(&portal, user, id, Wish::Collect, "collect").await
}

/// `POST …/lease`: with which other agents it takes turns.
pub(super) async fn lease(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let name = form.text("name").to_owned();
    if name.chars().nth(NAME_MAX).is_some() {
        let wrong = format!("That is longer than {NAME_MAX} characters.");
        let typed = Typed { lease: Some((name, wrong)), ..Typed::default() };
        return refuse(&portal, user, id, typed).await;
    }
    ask(&portal, user, id, Wish::Lease(name), "lease").await
}

/// `POST …/personal`: whether it leaves out what can tell about a person, whatever its own policy.
pub(super) async fn personal(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    ask(&portal, user, id, Wish::DropPersonal(form.text("drop") == "yes"), "personal").await
}

/// `POST …/state`: whether its data is taken.
pub(super) async fn state(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    if form.text("change") == "release" {
        return release(portal, user, id, &form).await;
    }
    let (change, done) = match form.text("change") {
        "suspend" => (StateChange::Suspend, "suspended"),
        "resume" => (StateChange::Resume, "resumed"),
        "revoke" => (StateChange::Revoke, "revoked"),
        _ => return refuse(&portal, user, id, Typed { unsure: Some("Choose what to do."), ..Typed::default() }).await,
    };
    let goes_on = matches!(change, StateChange::Resume);
    if !goes_on && form.text("sure") != "yes" {
        return refuse(&portal, user, id, Typed { unsure: Some(UNTICKED), ..Typed::default() }).await;
    }
    let (by, scope, agent) = (Some(user.signed.person_id), user.scope.clone(), id.clone());
    let (stamp, now) = (Stamp::of(portal.surroundings()), portal.surroundings().now());
    let work = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        super::store::agent(tx, &scope, &agent, now)?.ok_or(Error::NotFound)?;
        if change::change_state(tx, &scope, &agent, change, by, stamp)? {
            return Ok(());
        }
        Err(Error::Conflict(CHANGED.to_owned()))
    };
    portal.db().write(work).await?;
    if goes_on {
        crate::ingest::release(&portal, &user.scope, &id, by).await?;
    }
    tracing::info!(agent.id = %id, change = done, "changed the state of an agent");
    Ok(see_other(&format!("/agents/{id}?done={done}")))
}

/// Counts what was kept apart of an agent that will not go on.
async fn release(portal: Portal, user: ResellerUser, id: String, form: &FormData) -> Result<Response, Error> {
    let (scope, agent, now) = (user.scope.clone(), id.clone(), portal.surroundings().now());
    let found = portal.db().read(move |tx| super::store::agent(tx, &scope, &agent, now)).await?;
    let state = found.ok_or(Error::NotFound)?.state;
    if !matches!(state, AgentState::Revoked | AgentState::Forked | AgentState::Left) {
        return Err(Error::Conflict(CHANGED.to_owned()));
    }
    if form.text("sure") != "yes" {
        return refuse(&portal, user, id, Typed { unsure: Some(UNTICKED), ..Typed::default() }).await;
    }
    let by = Some(user.signed.person_id);
    let released = crate::ingest::release(&portal, &user.scope, &id, by).await?;
    tracing::info!(agent.id = %id, released, "counted what was kept apart of an agent");
    Ok(see_other(&format!("/agents/{id}?done=released")))
}

/// Asks the agent for something and shows it again; another reseller's agent is not found.
async fn ask(
    portal: &Portal,
    user: ResellerUser,
    id: String,
    wish: Wish,
    done: &'static str,
) -> Result<Response, Error> {
    let (by, stamp) = (Some(user.signed.person_id), Stamp::of(portal.surroundings()));
    let address = format!("/agents/{id}?done={done}");
    let work = move |tx: &mut Tx<'_>| change::ask(tx, &user.scope, &id, &wish, by, stamp);
    if portal.db().write(work).await? { Ok(see_other(&address)) } else { Err(Error::NotFound) }
}

/// The agent's page with what was typed, and what is wrong with it.
async fn refuse(portal: &Portal, user: ResellerUser, id: String, typed: Typed) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| view::agent_page(tx, &own, &user, &id, (None, &typed));
    let page = portal.db().read(work).await?.ok_or(Error::NotFound)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}
