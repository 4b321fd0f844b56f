//! Contracts: the list, one contract with its terms in words, its versions, and which printers it covers.
//!
//! A version is never edited. Deliberately absent: rating itself, and the drawing up of statements.

mod approve;
mod around;
pub(crate) mod brand;
mod edit;
mod eyes;
mod follow;
mod form;
mod form_view;
pub(crate) mod margin;
pub(crate) mod mass;
pub(crate) mod outlook;
pub(crate) mod own;
pub(crate) mod page;
mod replay;
pub(crate) mod settings;
pub(crate) mod store;
pub(crate) mod template;
mod view;
mod words;

use crate::Portal;
use crate::agents::change;
use crate::agents::history::Stamp;
use crate::db::Tx;
use crate::shell::address::id;
use crate::shell::format::{self, Zone};
use crate::shell::{Answer, Error, FormData, Posted, ResellerUser, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use form::Wrong;
use jiff::civil::Date;
use page::ContractPage;
use report::Instant;
use std::collections::BTreeMap;
use store::{Contract, assign_printer};
use view::Said;

pub(crate) use own::own_contracts;
pub(crate) use view::of_customer;

/// The pages of contracts.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/contracts", get(list))
        .route("/contracts/{id}", get(show))
        .route("/contracts/{id}/printers", post(assign))
        .route("/contracts/{id}/printers/{printer}/end", post(end))
        .merge(edit::routes())
        .merge(approve::routes())
        .merge(eyes::routes())
        .merge(brand::routes())
        .merge(settings::routes())
        .merge(template::routes())
        .merge(mass::routes())
        .merge(margin::routes())
        .merge(own::routes())
}

/// The first instant of a day such as `2026-10-01` in a zone, in the years that periods are cut in.
pub(crate) fn start_of_day(day: &str, zone: &str) -> Option<Instant> {
    let date: Date = day.parse().ok()?;
    if !(2000..=2100).contains(&date.year()) {
        return None;
    }
    let midnight = date.to_zoned(billing::time_zone(zone).ok()?).ok()?;
    Some(Instant(midnight.timestamp().as_millisecond()))
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
    Path(contract): Path<String>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let read = move |tx: &mut Tx<'_>| -> Result<ContractPage, Error> {
        let contract = store::contract(tx, &user.scope, contract_id)?.ok_or(Error::NotFound)?;
        let said = Said { done: query.get("done").map(String::as_str), assign: None };
        view::contract(tx, &within, &user, &contract, &said)
    };
    render(&portal.db().read(read).await?)
}

async fn assign(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let write = move |tx: &mut Tx<'_>| -> Result<Answer<ContractPage>, Error> {
        let contract = store::contract(tx, &user.scope, contract_id)?.ok_or(Error::NotFound)?;
        let Some(wrong) = try_assign(tx, &within, &user, &contract, &form)? else {
            return Ok(Answer::Done(format!("/contracts/{contract_id}?done=assigned")));
        };
        let said = Said { done: None, assign: Some((&form, &wrong)) };
        Ok(Answer::Again(Box::new(view::contract(tx, &within, &user, &contract, &said)?)))
    };
    portal.db().write(write).await?.respond()
}

/// Assigns a printer, or says what is wrong with the form.
fn try_assign(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    contract: &Contract,
    form: &FormData,
) -> Result<Option<Wrong>, Error> {
    let Some(printer_id) = form.int("printer") else {
        return Ok(Some(Wrong::at("printer", "Choose a printer.")));
    };
    let zone = zone(tx, user, contract.contract_id, portal)?;
    let day = match form.text("from") {
        "" => format::iso_day(portal.surroundings().now(), &zone),
        typed => typed.to_owned(),
    };
    let Some(from) = start_of_day(&day, zone.name()) else {
        return Ok(Some(Wrong::at("from", "Say the first day, such as 2026-10-01.")));
    };
    if !store::hold_printer(tx, &user.scope, printer_id, contract.customer_id)? {
        return Err(Error::NotFound);
    }
    store::hold_stays(tx, &user.scope)?;
    if let Some(number) = store::taken_by(tx, &user.scope, printer_id, from)? {
        let words = format!("This printer is in contract {number} on that day or later. Take it out there first.");
        return Err(Error::Conflict(words));
    }
    assign_printer(tx, &user.scope, contract.contract_id, printer_id, from, None)?;
    // What is billed has to be read.
    let (by, stamp) = (Some(user.signed.person_id), Stamp::of(portal.surroundings()));
    store::stay_changed(tx, &user.scope, (contract.contract_id, printer_id), from, stamp.at)?;
    change::participate(tx, &user.scope, printer_id, true, by, stamp)?;
    Ok(None)
}

/// The zone of a contract's dates.
fn zone(tx: &mut Tx<'_>, user: &ResellerUser, contract_id: i64, portal: &Portal) -> Result<Zone, Error> {
    let versions = store::versions(tx, &user.scope, contract_id)?;
    let version = view::in_force(&versions, portal.surroundings().now()).ok_or(Error::NotFound)?;
    Ok(view::zone_of(&version.terms))
}

async fn end(
    State(portal): State<Portal>,
    Path((contract, printer)): Path<(String, String)>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (contract_id, printer_id, within) = (id(&contract)?, id(&printer)?, portal.clone());
    let write = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        store::hold_stays(tx, &user.scope)?;
        let since = store::open_since(tx, &user.scope, contract_id, printer_id)?.ok_or(Error::NotFound)?;
        let zone = zone(tx, &user, contract_id, &within)?;
        let to = start_of_day(form.text("to"), zone.name()).filter(|to| since <= *to).ok_or_else(|| {
            let first = format::day(since, &zone);
            Error::Invalid(format!(
                "Say the first day without the printer, such as 2026-11-01; {first}, its first day, takes the \
                 assignment back."
            ))
        })?;
        // What is billed stays with this contract; else another could bill the same days again.
        if let Some(billed) = store::billed_until(tx, &user.scope, contract_id)?.filter(|billed| to < *billed) {
            let day = format::day(billed, &zone);
            let words = format!("A statement bills this printer until {day}. Say that day or later.");
            return Err(Error::Conflict(words));
        }
        let done = if to == since {
            store::cancel_stay(tx, &user.scope, contract_id, printer_id)?
        } else {
            store::end_stay(tx, &user.scope, contract_id, printer_id, to)?
        };
        if !done {
            return Err(Error::NotFound);
        }
        let now = within.surroundings().now();
        Ok(store::stay_changed(tx, &user.scope, (contract_id, printer_id), to, now)?)
    };
    portal.db().write(write).await?;
    Ok(see_other(&format!("/contracts/{contract_id}?done=unassigned")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_starts_at_midnight_in_its_zone() {
        let cases = [
            ("2026-10-01", "Europe/Amsterdam", Instant::parse("2026-09-30T22:00:00Z")),
            ("2026-10-01", "UTC", Instant::parse("2026-10-01T00:00:00Z")),
            ("2026-10-01", "Mars/Olympus", None),
            ("2026-13-01", "UTC", None),
            ("9999-01-01", "UTC", None),
            ("", "UTC", None),
        ];
        for (day, zone, expected) in cases {
            assert_eq!(start_of_day(day, zone), expected, "{day} in {zone}");
        }
    }
}
