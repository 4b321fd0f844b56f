//! Agents: how each does, the next thing to do about it, and how often it polls.
//!
//! Deliberately absent: enrolling one (a customer's page does that) and calling one: a changed interval
//! waits for the agent's next package and goes out with the receipt.

mod health;
pub(crate) mod page;
mod store;

pub(crate) use health::{Lateness, standing};

use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Fact, Field, Link, Status, Tone};
use crate::shell::part::Part;
use crate::shell::printer;
use crate::shell::rows::Age;
use crate::shell::{Error, Posted, ResellerUser, chrome, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use page::{AgentPage, AgentRow, AgentsPage, PackageRow};
use protocol::limits::{INTERVAL_MINUTES_MAX, INTERVAL_MINUTES_MIN};
use report::Instant;
use std::collections::BTreeMap;

/// `/agents` and what is below.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/agents", get(list))
        .route("/agents/{id}", get(show))
        .route("/agents/{id}/interval", post(set_interval))
}

async fn list(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let page = portal.db().read(move |tx| agents_page(tx, &own, &user, Part::asked(&query))).await?;
    render(&page)
}

fn agents_page(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, part: Part) -> Result<AgentsPage, DbError> {
    let now = portal.surroundings().now();
    let rows = store::list(tx, &user.scope, part, now)?;
    let (total, needy) = store::needy(tx, &user.scope, now)?;
    let rows: Vec<AgentRow> = rows.into_iter().map(|agent| agent_row(agent, now)).collect();
    let sub = match (total, needy) {
        (1, 0) => "1 agent · times in UTC".to_owned(),
        (_, 0) => format!("{} agents · times in UTC", format::count(total)),
        (_, 1) => format!("{} agents, 1 needs somebody · times in UTC", format::count(total)),
        _ => format!("{} agents, {} need somebody · times in UTC", format::count(total), format::count(needy)),
    };
    Ok(AgentsPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/agents", "Agents"), None)?,
        sub,
        pager: part.pager("/agents", rows.len(), total),
        rows,
    })
}

fn agent_row(agent: store::Listed, now: Instant) -> AgentRow {
    let standing = standing(&agent.state, agent.seen_at, agent.interval_minutes, now);
    AgentRow {
        href: format!("/agents/{}", agent.agent_id),
        name: agent.host,
        customer: agent.customer,
        status: standing.status,
        next: standing.next.to_owned(),
        printers: agent.printers,
        version: agent.version,
        last: (agent.next_sequence > 1).then(|| Age::of(now, agent.seen_at, &Zone::utc())),
    }
}

async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let done = query.get("done").cloned();
    let page = portal.db().read(move |tx| agent_page(tx, &own, &user, &id, done.as_deref(), None)).await?;
    render(&page.ok_or(Error::NotFound)?)
}

async fn set_interval(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let allowed = i64::from(INTERVAL_MINUTES_MIN)..=i64::from(INTERVAL_MINUTES_MAX);
    let Some(minutes) = form.int("minutes").filter(|minutes| allowed.contains(minutes)) else {
        let own = portal.clone();
        let typed = form.text("minutes").to_owned();
        let page = portal.db().read(move |tx| agent_page(tx, &own, &user, &id, None, Some(&typed))).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page.ok_or(Error::NotFound)?)?).into_response());
    };
    let address = format!("/agents/{id}?done=interval");
    let known = portal.db().write(move |tx| store::set_interval(tx, &user.scope, &id, minutes)).await?;
    if known { Ok(see_other(&address)) } else { Err(Error::NotFound) }
}

/// The page of the agent `id`; `refused` is the interval that somebody typed and that cannot be.
fn agent_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    id: &str,
    done: Option<&str>,
    refused: Option<&str>,
) -> Result<Option<AgentPage>, DbError> {
    let scope = &user.scope;
    let Some(agent) = store::agent(tx, scope, id)? else { return Ok(None) };
    let now = portal.surroundings().now();
    let zone = Zone::new(&agent.time_zone).unwrap_or_else(Zone::utc);
    let standing = standing(&agent.state, agent.seen_at, agent.interval_minutes, now);
    let enrolment = if agent.state == "pending" { store::enrolment(tx, scope, id)? } else { None };
    let mut packages = store::forks(tx, scope, id)?;
    packages.extend(store::packages(tx, scope, id)?);
    packages.sort_by_key(|package| std::cmp::Reverse(package.sequence));
    Ok(Some(AgentPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/agents", agent.host.as_str()), done)?,
        sub: format!("{} · times in {}", agent.customer, zone.name()),
        status: standing.status,
        next: standing.next.to_owned(),
        enrolment: enrolment.map(|until| format!("The enrolment holds until {}.", format::instant(until, &zone))),
        facts: facts(id, &agent, now, &zone),
        printers: store::printers(tx, scope, id)?.iter().map(printer_link).collect(),
        packages: packages.iter().map(|package| package_row(package, &zone)).collect(),
        href: format!("/agents/{id}"),
        interval: interval_field(&agent, refused),
        name: agent.host,
    }))
}

fn facts(id: &str, agent: &store::Agent, now: Instant, zone: &Zone) -> Vec<Fact> {
    // Before the first package the instant is that of the enrolment.
    let last = if agent.next_sequence > 1 {
        format!("{}, {}", format::relative(now, agent.seen_at), format::instant(agent.seen_at, zone))
    } else {
        "none yet".to_owned()
    };
    vec![
        Fact::new("Customer", &*agent.customer).linked(format!("/customers/{}", agent.customer_id)),
        Fact::new("Host", &*agent.host),
        Fact::new("Version", &*agent.version),
        Fact::new("Interval", format!("{} minutes, settings {}", agent.interval_minutes, agent.settings_version)),
        Fact::new("Last package", last),
        Fact::new("Packages", format::count(agent.next_sequence - 1)),
        Fact::new("Records", format::count(agent.next_record - 1)),
        Fact::new("Enrolled", format::instant(agent.created_at, zone)),
        Fact::new("Id", id),
    ]
}

fn interval_field(agent: &store::Agent, refused: Option<&str>) -> Field {
    let value = refused.map_or_else(|| agent.interval_minutes.to_string(), str::to_owned);
    let range = format!("between {INTERVAL_MINUTES_MIN} and {INTERVAL_MINUTES_MAX} minutes");
    let wrong = refused.map(|typed| format!("“{typed}” is no whole number {range}."));
    Field::new("text", "minutes", "Minutes between two readings")
        .value(value)
        .hint(format!("A whole number {range}."))
        .wrong(wrong)
}

fn printer_link(printer: &store::ReadPrinter) -> Link {
    let (product_name, product_number) = (printer.product_name.as_deref(), printer.product_number.as_deref());
    let text = printer::label(printer.nickname.as_deref(), product_name, product_number, &printer.serial);
    Link::new(text, format!("/printers/{}", printer.printer_id))
}

fn package_row(package: &store::Package, zone: &Zone) -> PackageRow {
    let status = match package.records {
        Some(_) => Status::new(Tone::Good, "accepted"),
        None => Status::new(Tone::Bad, "second under this number, not billed"),
    };
    PackageRow {
        sequence: package.sequence,
        at: format::instant(package.received_at, zone),
        records: format::count_or_unknown(package.records),
        size: size(package.size),
        status,
    }
}

/// Bytes as a person reads them: `812 B`, `14 KB`.
fn size(bytes: i64) -> String {
    if bytes < 1024 { format!("{bytes} B") } else { format!("{} KB", format::count((bytes + 512) / 1024)) }
}
