//! Customers: the list, one customer with all that belongs to it, and the form of a new one.
//!
//! Deliberately absent: what a customer sees of itself, which is in `my`, and changing its privacy policy,
//! which only its own side can.

pub(crate) mod billing;
mod enrolment;
pub(crate) mod page;
pub(crate) mod store;
mod vat;
mod view;

pub(crate) use store::{NewCustomer, insert_customer};
pub(crate) use view::{overview, personal_words};

use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address;
use crate::shell::format::{self, UNKNOWN};
use crate::shell::page::{Fact, Field};
use crate::shell::part::Part;
use crate::shell::{Error, FormData, Posted, ResellerUser, chrome, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use page::{CustomerNewPage, CustomerPage, CustomerRow, CustomersPage};
use protocol::limits::ENROLMENT_HOURS;
use report::Duration;
use std::collections::BTreeMap;
use view::Typed;

/// Characters of a name or site.
const TEXT_MAX: usize = 200;

/// `/customers` and what is below.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/customers", get(list))
        .route("/customers/new", get(new).post(add))
        .route("/customers/{id}", get(show))
        .route("/customers/{id}/agents", post(enrolment::file))
        .route("/customers/{id}/agents/cancel", post(enrolment::cancel))
        .route("/customers/{id}/agents/announce", post(enrolment::announce))
        .route("/customers/{id}/agents/panel", post(enrolment::panel))
        .route("/customers/{id}/agents/factory", post(enrolment::factory))
        .route("/customers/{id}/agents/withdraw", post(enrolment::withdraw))
        .route("/customers/{id}/participation", post(enrolment::participation))
        .merge(billing::routes())
}

async fn list(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let page = portal.db().read(move |tx| customers_page(tx, &own, &user, &query)).await?;
    render(&page)
}

fn customers_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    query: &BTreeMap<String, String>,
) -> Result<CustomersPage, DbError> {
    let (scope, part, now) = (&user.scope, Part::asked(query), portal.surroundings().now());
    let done = query.get("done").map(String::as_str);
    let total = store::count(tx, scope)?;
    // A day ago it was the same month or the one before, in every zone.
    let from = view::month(now.plus(Duration::hours(-24)), "UTC")?;
    let areas = store::areas(tx, scope, part, from)?;
    let mut rows = Vec::new();
    let needy = crate::agents::needy_of_customers(tx, scope, now, part)?;
    for customer in store::list(tx, scope, part)? {
        let (agents, needy) = needy.get(&customer.customer_id).copied().unwrap_or_default();
        let area = areas.get(&(customer.customer_id, view::month(now, &customer.time_zone)?)).copied();
        rows.push(CustomerRow {
            href: format!("/customers/{}", customer.customer_id),
            name: customer.name,
            site: customer.site,
            printers: customer.printers,
            contracts: customer.contracts,
            status: view::agents_status(agents, needy),
            area: area.map_or_else(|| UNKNOWN.to_owned(), format::area_unit),
        });
    }
    Ok(CustomersPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/customers", "Customers"), done)?,
        sub: format!("{} · months are those at each customer's site", counted(total, "customer")),
        pager: part.pager("/customers", rows.len(), total),
        rows,
    })
}

/// `1 customer`, `27 customers`.
fn counted(number: i64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", format::count(number)) }
}

async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let id = address::id(&id)?;
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| show_page(tx, &own, &user, id, (&query, &Typed::default()));
    let page = portal.db().read(work).await?;
    render(&page.ok_or(Error::NotFound)?)
}

/// The page of the customer `id`, after the act that the query names or with what was typed and cannot be.
fn show_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    id: i64,
    (query, typed): (&BTreeMap<String, String>, &Typed),
) -> Result<Option<CustomerPage>, DbError> {
    let (scope, part, now) = (&user.scope, Part::asked(query), portal.surroundings().now());
    let Some(seen) = overview(tx, scope, id, part, now)? else { return Ok(None) };
    let contracts = crate::contracts::of_customer(tx, scope, id, now)?;
    let agents = crate::agents::of_customer(tx, scope, id, now)?;
    let waiting = store::seen(tx, scope, id)?;
    let announced = crate::ingest::announced(tx, scope, id, now)?;
    let untold = crate::ingest::untold(tx, scope, id)?;
    let done = query.get("done").map(String::as_str);
    let href = format!("/customers/{id}");
    let site = if seen.site.is_empty() { UNKNOWN } else { seen.site.as_str() };
    Ok(Some(CustomerPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/customers", seen.name.as_str()), done)?,
        sub: format!("{site} · times in {} · figures of {}", seen.zone.name(), format::month(now, &seen.zone)),
        facts: vec![
            Fact::new("Site", site),
            Fact::new("Time zone", seen.zone.name()),
            Fact::new("Printers", format::count(seen.printer_count)),
        ],
        pager: part.pager(&href, seen.printers.len(), seen.printer_count),
        contracts,
        differing: view::differing(&agents),
        agents: agents.into_iter().map(view::agent_line).collect(),
        people: people_facts(tx, user, id)?,
        collected: personal_words(seen.personal),
        invite: format!("/people/new?customer={id}"),
        enrol_words: format!("It works once, within {ENROLMENT_HOURS} hours."),
        announce: view::announce_field(typed),
        announced: announced.iter().map(|announced| view::announced_row(announced, &seen.zone)).collect(),
        panel: view::panel_fields(typed),
        factory: view::factory_fields(typed),
        participation: view::participation_field(seen.takes_all),
        untold: view::untold_words(untold),
        waiting: waiting.iter().map(|printer| view::waiting_row(printer, now)).collect(),
        name: seen.name,
        printers: seen.printers,
        href,
    }))
}

fn people_facts(tx: &mut Tx<'_>, user: &ResellerUser, id: i64) -> Result<Vec<Fact>, DbError> {
    let people = store::people(tx, &user.scope, id)?;
    Ok(people.into_iter().map(|(name, email)| Fact::new(name, email)).collect())
}

async fn new(State(portal): State<Portal>, user: ResellerUser) -> Result<Response, Error> {
    let form = FormData(BTreeMap::from([("zone".to_owned(), "Europe/Berlin".to_owned())]));
    let own = portal.clone();
    let page = portal.db().read(move |tx| new_page(tx, &own, &user, &form, &BTreeMap::new())).await?;
    render(&page)
}

async fn add(State(portal): State<Portal>, Posted(user, form): Posted<ResellerUser>) -> Result<Response, Error> {
    let now = portal.surroundings().now();
    let wrong = wrong_fields(&form);
    if !wrong.is_empty() {
        let own = portal.clone();
        let page = portal.db().read(move |tx| new_page(tx, &own, &user, &form, &wrong)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response());
    }
    let customer = NewCustomer {
        customer_id: crate::new_id(portal.surroundings()),
        name: form.text("name").to_owned(),
        site: form.text("site").to_owned(),
        time_zone: form.text("zone").to_owned(),
    };
    let address = format!("/customers/{}?done=customer", customer.customer_id);
    portal.db().write(move |tx| insert_customer(tx, &user.scope, &customer, now)).await?;
    Ok(see_other(&address))
}

/// What is wrong with a new customer, by field.
fn wrong_fields(form: &FormData) -> BTreeMap<&'static str, String> {
    let mut wrong = BTreeMap::new();
    if form.text("name").is_empty() {
        wrong.insert("name", "Give the customer a name.".to_owned());
    }
    for field in ["name", "site"] {
        if form.text(field).chars().nth(TEXT_MAX).is_some() {
            wrong.insert(field, format!("That is longer than {TEXT_MAX} characters."));
        }
    }
    let zone = form.text("zone");
    // The crate, not the module beside this one.
    if ::billing::time_zone(zone).is_err() {
        wrong.insert("zone", format!("“{zone}” is no time zone; write one like Europe/Berlin or America/New_York."));
    }
    wrong
}

fn new_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    form: &FormData,
    wrong: &BTreeMap<&'static str, String>,
) -> Result<CustomerNewPage, DbError> {
    let filled = |field: Field, name: &str| field.value(form.text(name)).wrong(wrong.get(name).cloned());
    let zone = Field::text("zone", "Time zone").required().hint("It cuts the customer's days and months.");
    Ok(CustomerNewPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/customers", "New customer"), None)?,
        fields: vec![
            filled(Field::text("name", "Name").required(), "name"),
            filled(Field::text("site", "Site").hint("Where the printers stand."), "site"),
            filled(zone, "zone"),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_needs_a_name_and_a_zone_that_exists() {
        let cases = [
            ("name=Kessel&zone=Europe/Berlin", vec![]),
            ("name=+&zone=Europe/Berlin", vec!["name"]),
            ("name=Kessel&zone=Mars/Olympus", vec!["zone"]),
            ("name=Kessel&zone=Etc/Unknown", vec!["zone"]),
            ("", vec!["name", "zone"]),
        ];
        for (form, fields) in cases {
            let wrong = wrong_fields(&FormData::parse(form.as_bytes()));
            assert_eq!(wrong.into_keys().collect::<Vec<_>>(), fields, "{form}");
        }
    }
}
