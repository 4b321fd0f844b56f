//! What people do to an agent: each a form that asks for something at its next contact, or says whether its
//! data is taken.
//!
//! Deliberately absent: what each change means in the database, which `change` does for every caller.

use super::change::{self, Stamp, StateChange};
use super::ranges_form::{self, For};
use super::view::{self, Typed};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::{Error, FormData, Posted, ResellerScope, ResellerUser, render, see_other};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::limits::{INTERVAL_MINUTES_MAX, INTERVAL_MINUTES_MIN};

/// Characters of a lease's name.
const NAME_MAX: usize = 40;

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
    let by = Some(user.signed.person_id);
    let set = move |tx: &mut Tx<'_>, scope: &ResellerScope, id: &str, stamp: Stamp| {
        change::set_interval(tx, scope, id, minutes, by, stamp)
    };
    write(&portal, user.scope, id, "interval", set).await
}

/// `POST …/ranges`: which addresses it reads, as far as its own side allows them.
pub(super) async fn ranges(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (ranges, excluded) = match both_ranges(&form) {
        Ok(both) => both,
        Err(typed) => return refuse(&portal, user, id, *typed).await,
    };
    let by = Some(user.signed.person_id);
    let set = move |tx: &mut Tx<'_>, scope: &ResellerScope, id: &str, stamp: Stamp| {
        change::set_ranges(tx, scope, id, &ranges, &excluded, by, stamp)
    };
    write(&portal, user.scope, id, "ranges", set).await
}

/// The addresses and those left out; else what was typed, with what is wrong.
fn both_ranges(form: &FormData) -> Result<(Vec<String>, Vec<String>), Box<Typed>> {
    let (typed, left_out) = (form.text("ranges"), form.text("excluded"));
    match (ranges_form::read(typed, For::Reading), ranges_form::read(left_out, For::LeavingOut)) {
        (Ok(ranges), Ok(excluded)) => Ok((ranges, excluded)),
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
    let by = Some(user.signed.person_id);
    let set = move |tx: &mut Tx<'_>, scope: &ResellerScope, id: &str, stamp: Stamp| {
        change::collect_now(tx, scope, id, by, stamp)
    };
    write(&portal, user.scope, id, "collect", set).await
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
    let by = Some(user.signed.person_id);
    let set = move |tx: &mut Tx<'_>, scope: &ResellerScope, id: &str, stamp: Stamp| {
        change::set_lease(tx, scope, id, &name, by, stamp)
    };
    write(&portal, user.scope, id, "lease", set).await
}

/// `POST …/personal`: whether it leaves out what can tell about a person, whatever its own policy.
pub(super) async fn personal(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (drop, by) = (form.text("drop") == "yes", Some(user.signed.person_id));
    let set = move |tx: &mut Tx<'_>, scope: &ResellerScope, id: &str, stamp: Stamp| {
        change::set_drop_personal(tx, scope, id, drop, by, stamp)
    };
    write(&portal, user.scope, id, "personal", set).await
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
        let typed =
            Typed { unsure: Some("Tick the box first, so that nobody does this by a slip."), ..Typed::default() };
        return refuse(&portal, user, id, typed).await;
    }
    let (by, scope, agent) = (Some(user.signed.person_id), user.scope.clone(), id.clone());
    let (stamp, now) = (Stamp::of(portal.surroundings()), portal.surroundings().now());
    let work = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        super::store::agent(tx, &scope, &agent, now)?.ok_or(Error::NotFound)?;
        if change::change_state(tx, &scope, &agent, change, by, stamp)? {
            return Ok(());
        }
        Err(Error::Conflict("The agent is in another state by now. Go back, reload and look again.".to_owned()))
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
    if !["revoked", "forked", "left"].contains(&state.as_str()) {
        return Err(Error::Conflict(
            "The agent is in another state by now. Go back, reload and look again.".to_owned(),
        ));
    }
    if form.text("sure") != "yes" {
        let unsure = Some("Tick the box first, so that nobody does this by a slip.");
        return refuse(&portal, user, id, Typed { unsure, ..Typed::default() }).await;
    }
    let by = Some(user.signed.person_id);
    let released = crate::ingest::release(&portal, &user.scope, &id, by).await?;
    tracing::info!(agent.id = %id, released, "counted what was kept apart of an agent");
    Ok(see_other(&format!("/agents/{id}?done=released")))
}

/// Writes a change and shows the agent again; another reseller's agent is not found.
async fn write<F>(
    portal: &Portal,
    scope: ResellerScope,
    id: String,
    done: &'static str,
    change: F,
) -> Result<Response, Error>
where
    F: FnOnce(&mut Tx<'_>, &ResellerScope, &str, Stamp) -> Result<bool, DbError> + Send + 'static,
{
    let stamp = Stamp::of(portal.surroundings());
    let address = format!("/agents/{id}?done={done}");
    let known = portal.db().write(move |tx| change(tx, &scope, &id, stamp)).await?;
    if known { Ok(see_other(&address)) } else { Err(Error::NotFound) }
}

/// The agent's page with what was typed, and what is wrong with it.
async fn refuse(portal: &Portal, user: ResellerUser, id: String, typed: Typed) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| view::agent_page(tx, &own, &user, &id, (None, &typed));
    let page = portal.db().read(work).await?.ok_or(Error::NotFound)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}
