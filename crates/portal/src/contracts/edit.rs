//! A new contract, and a further version of one: the form as it opens, what its buttons do, the preview, and
//! saving.
//!
//! A version is never edited. Only saving takes the right to write; a preview rates in a read. Deliberately
//! absent: how the form looks, where a version may start, and what makes terms unfit, which the billing crate says.

use super::form::{Act, Draft, FORM_BYTES_MAX, Wrong};
use super::form_view::{Preview, Shown, form_page};
use super::page::ContractFormPage;
use super::store::{self, Billed, Contract, Customer, NewContract, NewVersion, Version};
use super::{approve, around, follow, replay, template, view};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::id;
use crate::shell::format::{self, Zone};
use crate::shell::{Error, FormData, Posted, ResellerUser, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use billing::{Currency, Terms};
use report::Instant;
use std::collections::BTreeMap;

/// Characters of a contract's number.
const NUMBER_MAX: usize = 40;

/// The forms of a contract and of a version.
pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/contracts/new", get(new_contract).post(create))
        .route("/contracts/{id}/versions/new", get(new_version).post(create_version))
}

/// What came of a form: the address of what was made, or the form again.
enum Outcome {
    Made(String),
    Again(Box<ContractFormPage>, StatusCode),
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
    let read = move |tx: &mut Tx<'_>| -> Result<ContractFormPage, Error> {
        // What a new contract begins with.
        let (mut draft, mut waiting) = (blank(&query, within.surroundings().now()), None);
        if let Some(named) = query.get("template") {
            let (_, terms) = template::terms(tx, &user.scope, id(named)?)?.ok_or(Error::NotFound)?;
            draft = started_from(&terms, &draft);
            waiting = template::names_printers(&terms);
        }
        Ok(form_page(tx, &within, &user, Shown { waiting, ..shown(None, &draft, &[]) })?)
    };
    render(&portal.db().read(read).await?)
}

/// A form to be shown without a preview.
fn shown<'a>(target: Option<&'a Target>, draft: &'a Draft, wrong: &'a [Wrong]) -> Shown<'a> {
    let waiting = target.and_then(Target::waiting);
    Shown { contract: target.and_then(|target| target.contract.as_ref()), draft, wrong, preview: None, waiting }
}

/// The form of a new contract with the terms of a template; its zone is the customer's.
fn started_from(terms: &Terms, blank: &Draft) -> Draft {
    let mut draft = Draft::of(terms);
    draft.set("zone", "");
    for name in ["starts", "customer"] {
        draft.set(name, blank.head.text(name));
    }
    draft
}

/// What stands in the form of a new contract.
pub(super) fn blank(query: &BTreeMap<String, String>, now: Instant) -> Draft {
    let mut first: String = format::iso_day(now, &Zone::utc()).chars().take("2026-10-".len()).collect();
    first.push_str("01");
    let euro = Currency::parse("EUR").ok().or_else(|| Currency::all().next());
    let mut draft = euro.map(|euro| Draft::of(&Terms::new(euro, ""))).unwrap_or_default();
    draft.set("starts", first);
    if let Some(customer) = query.get("customer") {
        draft.set("customer", customer.as_str());
    }
    draft
}

async fn create(
    State(portal): State<Portal>,
    Posted(user, form): Posted<ResellerUser, FORM_BYTES_MAX>,
) -> Result<Response, Error> {
    received(&portal, user, None, form).await
}

async fn create_version(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    Posted(user, form): Posted<ResellerUser, FORM_BYTES_MAX>,
) -> Result<Response, Error> {
    let contract_id = id(&contract)?;
    received(&portal, user, Some(contract_id), form).await
}

/// Does what the pressed button of a form asks for.
async fn received(
    portal: &Portal,
    user: ResellerUser,
    contract_id: Option<i64>,
    form: FormData,
) -> Result<Response, Error> {
    let mut draft = Draft::of_form(form);
    let act = draft.act();
    let saves = act == Ok(Act::Save);
    let within = portal.clone();
    let work = move |tx: &mut Tx<'_>| -> Result<Outcome, Error> {
        // Nothing is approved between a look at what is billed and the new version.
        if saves && contract_id.is_some() {
            store::hold_stays(tx, &user.scope)?;
        }
        let target = Target::read(tx, &user, contract_id, &mut draft)?;
        answer(tx, &within, &user, &target, &draft, act)
    };
    let outcome = if saves { portal.db().write(work).await? } else { portal.db().read(work).await? };
    match outcome {
        Outcome::Made(address) => Ok(see_other(&address)),
        Outcome::Again(page, status) => Ok((status, render(&*page)?).into_response()),
    }
}

/// What a form is for: a new contract of one of the customers, or a further version.
struct Target {
    contract: Option<Contract>,
    versions: Vec<Version>,
    customer: Option<Customer>,
    /// The periods for which documents were approved or issued.
    billed: Vec<Billed>,
}

impl Target {
    /// Looks up what the form is for, and gives it the zone where none was typed.
    fn read(
        tx: &mut Tx<'_>,
        user: &ResellerUser,
        contract_id: Option<i64>,
        draft: &mut Draft,
    ) -> Result<Target, Error> {
        let target = match contract_id {
            Some(contract_id) => Target::of_contract(tx, user, contract_id)?,
            None => {
                let chosen = draft.head.int("customer");
                let customers = store::customers(tx, &user.scope)?;
                let customer = customers.into_iter().find(|customer| chosen == Some(customer.customer_id));
                Target { contract: None, versions: Vec::new(), customer, billed: Vec::new() }
            }
        };
        if draft.head.text("zone").is_empty() {
            let of_customer = target.customer.as_ref().map(|customer| customer.time_zone.clone());
            let zone = target.last().map(|version| version.terms.time_zone.clone()).or(of_customer);
            draft.set("zone", zone.unwrap_or_default());
        }
        Ok(target)
    }

    fn of_contract(tx: &mut Tx<'_>, user: &ResellerUser, contract_id: i64) -> Result<Target, Error> {
        let contract = store::contract(tx, &user.scope, contract_id)?.ok_or(Error::NotFound)?;
        let versions = store::versions(tx, &user.scope, contract_id)?;
        let billed = store::billed(tx, &user.scope, contract_id)?;
        Ok(Target { contract: Some(contract), versions, customer: None, billed })
    }

    /// The terms of the version that one from `starts` on takes over from.
    fn terms_before(&self, starts: Instant) -> Option<&Terms> {
        let held = store::standing_at(&self.versions, starts).or_else(|| store::standing(&self.versions));
        held.map(|version| &version.terms)
    }

    /// The version whose terms a further one begins with: the one that it follows, else the one written last.
    fn last(&self) -> Option<&Version> {
        store::standing(&self.versions).or_else(|| self.versions.iter().max_by_key(|version| version.number))
    }

    /// That a version waits for another person.
    fn waiting(&self) -> Option<String> {
        let waits = |version: &&Version| {
            version.state == approve::State::Proposed
                && approve::superseded(version, &self.versions, &self.billed).is_none()
        };
        let proposed = self.versions.iter().find(waits)?;
        Some(format!(
            "Version {} waits for another person and is not in this form. A version that is saved before it is \
             approved takes its place.",
            proposed.number
        ))
    }
}

async fn new_version(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    user: ResellerUser,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let read = move |tx: &mut Tx<'_>| -> Result<ContractFormPage, Error> {
        let target = Target::of_contract(tx, &user, contract_id)?;
        let last = target.last().ok_or(Error::NotFound)?;
        let mut draft = Draft::of(&last.terms);
        draft.set("starts", next_start(&last.terms, within.surroundings().now().max(last.valid_from)));
        Ok(form_page(tx, &within, &user, shown(Some(&target), &draft, &[]))?)
    };
    render(&portal.db().read(read).await?)
}

/// The first day of the period after `now`.
fn next_start(terms: &Terms, now: Instant) -> String {
    let (rule, zone) = (terms.period, terms.time_zone.as_str());
    let next = rule.containing(now, zone).and_then(|running| rule.following(running, zone));
    format::iso_day(next.map_or(now, |period| period.start), &view::zone_of(terms))
}

/// The answer to a form: what was saved, or the form again with what was asked for.
fn answer(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    target: &Target,
    draft: &Draft,
    act: Result<Act, Wrong>,
) -> Result<Outcome, Error> {
    let act = match act {
        Ok(Act::Redraw) => return again(tx, portal, user, shown(Some(target), draft, &[])),
        Ok(act) => act,
        Err(wrong) => return again(tx, portal, user, shown(Some(target), draft, &[wrong])),
    };
    let (terms, starts) = match checked(tx, user, target, draft)? {
        Ok(read) => read,
        Err(wrong) => return again(tx, portal, user, shown(Some(target), draft, &wrong)),
    };
    let state = approve::state_for(tx, &user.scope, target.terms_before(starts), &terms)?;
    if act == Act::Preview {
        let preview = Some(preview(tx, portal, user, target, (&terms, starts, state))?);
        return again(tx, portal, user, Shown { preview, ..shown(Some(target), draft, &[]) });
    }
    let now = portal.surroundings().now();
    let (person_id, note) = (user.signed.person_id, draft.head.text("note"));
    let contract_id = match (&target.contract, &target.customer) {
        (Some(contract), _) => {
            let new = NewVersion { terms: &terms, valid_from: starts, person_id, state, note };
            store::insert_version(tx, &user.scope, contract.contract_id, &new, now).map_err(saved_at_once)?;
            contract.contract_id
        }
        (None, Some(customer)) => {
            let new = NewContract {
                contract_id: crate::new_id(portal.surroundings()),
                customer_id: customer.customer_id,
                number: draft.head.text("name").to_owned(),
                terms: &terms,
                valid_from: starts,
                person_id,
            };
            store::insert_contract_as(tx, &user.scope, &new, (state, note), now).map_err(saved_at_once)?;
            new.contract_id
        }
        (None, None) => return Err(Error::NotFound),
    };
    let puts_right = !follow::corrected(&target.versions, starts, &target.billed).is_empty();
    let done = match (state, &target.contract) {
        (approve::State::Proposed, _) => "proposed",
        (_, Some(_)) if puts_right => "version-back",
        (_, Some(_)) => "version",
        (_, None) => "contract",
    };
    Ok(Outcome::Made(format!("/contracts/{contract_id}?done={done}")))
}

/// The form again; what is wrong with it gives its status.
fn again(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, shown: Shown<'_>) -> Result<Outcome, Error> {
    let status = if shown.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(Outcome::Again(Box::new(form_page(tx, portal, user, shown)?), status))
}

/// The terms of a form and since when they hold, or all that is wrong with it.
fn checked(
    tx: &mut Tx<'_>,
    user: &ResellerUser,
    target: &Target,
    draft: &Draft,
) -> Result<Result<(Terms, Instant), Vec<Wrong>>, DbError> {
    let mut wrong = Vec::new();
    if target.contract.is_none() {
        if target.customer.is_none() {
            wrong.push(Wrong::at("customer", "Customer: choose one of yours."));
        }
        wrong.extend(wrong_number(tx, user, draft.head.text("name"))?);
    }
    let read = match draft.read() {
        Ok(read) => Some(read),
        Err(found) => {
            wrong.extend(found);
            None
        }
    };
    if let Some((terms, starts)) = &read {
        wrong.extend(follow::cannot_follow(terms, *starts, &target.versions, &target.billed));
    }
    Ok(read.filter(|_| wrong.is_empty()).ok_or(wrong))
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

/// What terms mean, what is odd about them, what they put right, and what they would have made of those periods or
/// of the last ones.
fn preview(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    target: &Target,
    (terms, starts, state): (&Terms, Instant, approve::State),
) -> Result<Preview, Error> {
    let (scope, now) = (&user.scope, portal.surroundings().now());
    let contract_id = target.contract.as_ref().map(|contract| contract.contract_id);
    let known = around::known(tx, scope, contract_id, terms.currency, now)?;
    let corrected = follow::corrected(&target.versions, starts, &target.billed);
    let comparison = match contract_id {
        Some(contract_id) => Some(replay::side_by_side(tx, scope, contract_id, (terms, &corrected), now)?),
        None => None,
    };
    Ok(Preview {
        terms: terms.in_words(),
        lints: known.lint(terms, target.terms_before(starts)),
        puts_right: follow::puts_right(terms, starts, &target.versions, &target.billed),
        comparison,
        waits: state == approve::State::Proposed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Every, PeriodRule};

    fn terms(every: Every) -> Terms {
        let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), "UTC");
        terms.period = PeriodRule { every, ..PeriodRule::default() };
        terms
    }

    #[test]
    fn a_further_version_is_offered_from_the_next_period_on() {
        let now = Instant::parse("2026-11-22T12:00:00Z").expect("an instant");
        assert_eq!(next_start(&terms(Every::Month), now), "2026-12-01");
        assert_eq!(next_start(&terms(Every::Quarter), now), "2027-01-01");
    }
}
