//! Contracts: the list, one contract with its terms in words, its versions, and which printers it covers.
//!
//! A version is never edited. Deliberately absent: rating, and statements, which only link here.

mod form;
pub(crate) mod page;
pub(crate) mod store;
mod view;
mod words;

pub(crate) use store::{NewContract, NewVersion, assign_printer, insert_contract, insert_version};

use crate::Portal;
use crate::agents::change;
use crate::agents::history::Stamp;
use crate::db::{DbError, Tx};
use crate::shell::address::id;
use crate::shell::format::{self, Zone};
use crate::shell::{Error, FormData, Posted, ResellerUser, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use billing::Terms;
use form::Wrong;
use jiff::civil::Date;
use page::{ContractFormPage, ContractPage};
use report::Instant;
use std::collections::BTreeMap;
use store::{Contract, Version};
use view::{Said, Shown};

/// Characters of a contract's number.
const NUMBER_MAX: usize = 40;

/// The pages of contracts.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/contracts", get(list))
        .route("/contracts/new", get(new_contract).post(create))
        .route("/contracts/{id}", get(show))
        .route("/contracts/{id}/versions/new", get(new_version).post(create_version))
        .route("/contracts/{id}/printers", post(assign))
        .route("/contracts/{id}/printers/{printer}/end", post(end))
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

/// The number of an approved statement as people know it.
pub(crate) fn statement_number(number: i64) -> String {
    format!("S-{number:04}")
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
        Ok(view::contract(tx, &within, &user, &contract, &said)?)
    };
    render(&portal.db().read(read).await?)
}

/// What came of a form: the address of what was made, or the form again.
enum Outcome {
    Made(String),
    Again(Box<ContractFormPage>, StatusCode),
}

fn answer(outcome: &Outcome) -> Result<Response, Error> {
    match outcome {
        Outcome::Made(address) => Ok(see_other(address)),
        Outcome::Again(page, status) => Ok((*status, render(&**page)?).into_response()),
    }
}

/// The form with what is wrong; without anything wrong somebody asked for more rows.
fn again(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, shown: &Shown<'_>) -> Result<Outcome, Error> {
    let status = if shown.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(Outcome::Again(Box::new(view::form_page(tx, portal, user, shown)?), status))
}

/// Of two saves at once the second is told so.
fn saved_at_once(error: DbError) -> Error {
    if error.is_conflict() {
        Error::Conflict("Somebody saved this at the same moment. Look at the contract, then try again.".to_owned())
    } else {
        Error::from(error)
    }
}

async fn new_contract(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<ContractFormPage, DbError> {
        let form = blank(&query, within.surroundings().now());
        view::form_page(tx, &within, &user, &Shown { contract: None, form: &form, wrong: &[] })
    };
    render(&portal.db().read(read).await?)
}

/// What stands in the form of a new contract.
fn blank(query: &BTreeMap<String, String>, now: Instant) -> FormData {
    let mut first: String = format::iso_day(now, &Zone::utc()).chars().take("2026-10-".len()).collect();
    first.push_str("01");
    let mut form = FormData::default();
    let fixed = [("currency", "EUR"), ("tax_name", "VAT"), ("starts", first.as_str())];
    let customer = query.get("customer").map(|customer| ("customer", customer.as_str()));
    for (name, value) in fixed.into_iter().chain(customer) {
        form.0.insert(name.to_owned(), value.to_owned());
    }
    form
}

async fn create(State(portal): State<Portal>, Posted(user, form): Posted<ResellerUser>) -> Result<Response, Error> {
    let within = portal.clone();
    let outcome = portal.db().write(move |tx| save_contract(tx, &within, &user, form)).await?;
    answer(&outcome)
}

fn save_contract(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, mut form: FormData) -> Result<Outcome, Error> {
    let customers = store::customers(tx, &user.scope)?;
    let chosen = form.int("customer");
    let customer = customers.iter().find(|customer| chosen == Some(customer.customer_id));
    if form.text("zone").is_empty()
        && let Some(customer) = customer
    {
        form.0.insert("zone".to_owned(), customer.time_zone.clone());
    }
    let read = form::read(&form, None);
    let mut wrong = Vec::new();
    if !form.text("more").is_empty() {
        return again(tx, portal, user, &Shown { contract: None, form: &form, wrong: &wrong });
    }
    if customer.is_none() {
        wrong.push(Wrong::at("customer", "Customer: choose one of yours."));
    }
    wrong.extend(wrong_number(tx, user, form.text("name"))?);
    let (customer, (terms, valid_from)) = match (customer, read) {
        (Some(customer), Ok(read)) if wrong.is_empty() => (customer, read),
        (_, read) => {
            wrong.extend(read.err().unwrap_or_default());
            return again(tx, portal, user, &Shown { contract: None, form: &form, wrong: &wrong });
        }
    };
    let new = NewContract {
        contract_id: crate::new_id(portal.surroundings()),
        customer_id: customer.customer_id,
        number: form.text("name").to_owned(),
        terms: &terms,
        valid_from,
        person_id: user.signed.person_id,
    };
    insert_contract(tx, &user.scope, &new, portal.surroundings().now()).map_err(saved_at_once)?;
    Ok(Outcome::Made(format!("/contracts/{}?done=contract", new.contract_id)))
}

fn wrong_number(tx: &mut Tx<'_>, user: &ResellerUser, number: &str) -> Result<Option<Wrong>, DbError> {
    let text = if number.is_empty() {
        "Number: say the number people know the contract by."
    } else if number.chars().count() > NUMBER_MAX {
        "Number: this is too long."
    } else if store::is_numbered(tx, &user.scope, number)? {
        "Number: another contract has it."
    } else {
        return Ok(None);
    };
    Ok(Some(Wrong::at("name", text)))
}

/// The contract and the version that a further one follows.
fn last_version(tx: &mut Tx<'_>, user: &ResellerUser, contract_id: i64) -> Result<(Contract, store::Version), Error> {
    let contract = store::contract(tx, &user.scope, contract_id)?.ok_or(Error::NotFound)?;
    let versions = store::versions(tx, &user.scope, contract_id)?;
    let last = versions.into_iter().max_by_key(|version| version.number);
    Ok((contract, last.ok_or(Error::NotFound)?))
}

async fn new_version(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    user: ResellerUser,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let read = move |tx: &mut Tx<'_>| -> Result<ContractFormPage, Error> {
        let (contract, last) = last_version(tx, &user, contract_id)?;
        let mut form = form::fill(&last.terms).ok_or_else(|| {
            let words = "This contract has terms that the form has no fields for. It can only be changed from outside.";
            Error::Conflict(words.to_owned())
        })?;
        let now = within.surroundings().now();
        let starts = format::iso_day(now.max(last.valid_from), &view::zone_of(&last.terms));
        form.0.insert("starts".to_owned(), starts);
        let shown = Shown { contract: Some(&contract), form: &form, wrong: &[] };
        Ok(view::form_page(tx, &within, &user, &shown)?)
    };
    render(&portal.db().read(read).await?)
}

async fn create_version(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let outcome = portal.db().write(move |tx| save_version(tx, &within, &user, contract_id, form)).await?;
    answer(&outcome)
}

fn save_version(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    contract_id: i64,
    mut form: FormData,
) -> Result<Outcome, Error> {
    let (contract, last) = last_version(tx, user, contract_id)?;
    let billed = store::billed_until(tx, &user.scope, contract_id)?;
    if form.text("zone").is_empty() {
        form.0.insert("zone".to_owned(), last.terms.time_zone.clone());
    }
    if !form.text("more").is_empty() {
        return again(tx, portal, user, &Shown { contract: Some(&contract), form: &form, wrong: &[] });
    }
    let read = form::read(&form, Some(&last.terms)).and_then(|(terms, starts)| {
        match cannot_follow(&terms, starts, &last, billed) {
            Some(wrong) => Err(vec![wrong]),
            None => Ok((terms, starts)),
        }
    });
    let (terms, valid_from) = match read {
        Ok(read) => read,
        Err(wrong) => {
            let shown = Shown { contract: Some(&contract), form: &form, wrong: &wrong };
            return again(tx, portal, user, &shown);
        }
    };
    let new = NewVersion { terms: &terms, valid_from, person_id: user.signed.person_id };
    insert_version(tx, &user.scope, contract_id, &new, portal.surroundings().now()).map_err(saved_at_once)?;
    Ok(Outcome::Made(format!("/contracts/{contract_id}?done=version")))
}

/// Why new terms cannot follow the last version: a statement is made by one version, so that a version
/// starts where a month does, after what is billed, and in the contract's currency (CL28).
fn cannot_follow(terms: &Terms, starts: Instant, last: &Version, billed: Option<Instant>) -> Option<Wrong> {
    let zone = view::zone_of(terms);
    let day = |at: Instant| format::day(at, &zone);
    if starts < last.valid_from {
        let (number, first) = (last.number, day(last.valid_from));
        return Some(Wrong::at(
            "starts",
            format!("From: version {number} starts on {first}; this one cannot start before."),
        ));
    }
    if let Some(billed) = billed.filter(|billed| starts < *billed) {
        let text = format!("From: approved statements bill until {}; a version starts that day or later.", day(billed));
        return Some(Wrong::at("starts", text));
    }
    if !format::iso_day(starts, &zone).ends_with("-01") {
        let text =
            "From: a version starts on the first day of a month, such as 2026-11-01, as a month is billed by one.";
        return Some(Wrong::at("starts", text));
    }
    if terms.currency != last.terms.currency {
        let code = last.terms.currency.code();
        return Some(Wrong::at(
            "currency",
            format!("Currency: this contract is in {code}; another needs a new contract."),
        ));
    }
    None
}

async fn assign(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let write = move |tx: &mut Tx<'_>| -> Result<Option<Box<ContractPage>>, Error> {
        let contract = store::contract(tx, &user.scope, contract_id)?.ok_or(Error::NotFound)?;
        let Some(wrong) = try_assign(tx, &within, &user, &contract, &form)? else { return Ok(None) };
        let said = Said { done: None, assign: Some((&form, &wrong)) };
        Ok(Some(Box::new(view::contract(tx, &within, &user, &contract, &said)?)))
    };
    match portal.db().write(write).await? {
        None => Ok(see_other(&format!("/contracts/{contract_id}?done=assigned"))),
        Some(page) => Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&*page)?).into_response()),
    }
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
    if let Some(number) = store::taken_by(tx, &user.scope, printer_id, from)? {
        let words = format!("This printer is in contract {number} on that day or later. Take it out there first.");
        return Err(Error::Conflict(words));
    }
    assign_printer(tx, &user.scope, contract.contract_id, printer_id, from, None)?;
    // What is billed has to be read.
    let (by, stamp) = (Some(user.signed.person_id), Stamp::of(portal.surroundings()));
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
            let words = format!("An approved statement bills this printer until {day}. Say that day or later.");
            return Err(Error::Conflict(words));
        }
        let done = if to == since {
            store::cancel_stay(tx, &user.scope, contract_id, printer_id)?
        } else {
            store::end_stay(tx, &user.scope, contract_id, printer_id, to)?
        };
        if done { Ok(()) } else { Err(Error::NotFound) }
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
