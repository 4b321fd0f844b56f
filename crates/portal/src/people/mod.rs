//! People: signing in and out, who may sign in, and letting somebody in.
//!
//! Deliberately absent: reading the session of a request, which the shell does, and a way to open an
//! account without being invited.

pub(crate) mod page;
mod password;
mod sign_in;
pub(crate) mod store;
mod tries;

pub(crate) use password::{first_password, hash_password};
pub(crate) use store::{NewPerson, insert_person};
pub(crate) use tries::Tries;

use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address;
use crate::shell::format;
use crate::shell::page::{Field, Once, Status, Tone};
use crate::shell::part::Part;
use crate::shell::{Error, FormData, Posted, ResellerUser, Role, chrome, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use page::{PeoplePage, PersonNewPage, PersonRow};
use report::Instant;
use std::collections::BTreeMap;

/// Characters of a name.
const NAME_MAX: usize = 200;
/// Bytes of an address.
const EMAIL_MAX: usize = 254;

/// `/sign-in`, `/sign-out`, `/people` and what is below.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/people", get(list))
        .route("/people/new", get(new).post(invite))
        .route("/people/{id}/close", post(close))
}

async fn list(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let (own, done) = (portal.clone(), query.get("done").cloned());
    let part = Part::asked(&query);
    let page = portal.db().read(move |tx| people_page(tx, &own, &user, part, done.as_deref(), None)).await?;
    render(&page)
}

fn people_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    part: Part,
    done: Option<&str>,
    invited: Option<Once>,
) -> Result<PeoplePage, DbError> {
    let now = portal.surroundings().now();
    let total = store::count(tx, &user.scope)?;
    let people = store::list(tx, &user.scope, part)?;
    let rows: Vec<PersonRow> = people.into_iter().map(|person| person_row(person, user, now)).collect();
    Ok(PeoplePage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/people", "People"), done)?,
        pager: part.pager("/people", rows.len(), total),
        rows,
        invited,
    })
}

fn person_row(person: store::Listed, user: &ResellerUser, now: Instant) -> PersonRow {
    let status = match (person.disabled_at, person.seen_at) {
        (Some(_), _) => Status::new(Tone::Info, "Closed"),
        (None, Some(_)) => Status::new(Tone::Good, "Active"),
        (None, None) => Status::new(Tone::Info, "Invited"),
    };
    let may_close = person.disabled_at.is_none() && person.person_id != user.signed.person_id;
    PersonRow {
        name: person.name,
        email: person.email,
        role: person.role,
        customer: person.customer,
        last_seen: person.seen_at.map_or_else(|| "never".to_owned(), |at| format::relative(now, at)),
        status,
        close: may_close.then(|| format!("/people/{}/close", person.person_id)),
    }
}

async fn close(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, _): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let id = address::id(&id)?;
    if id == user.signed.person_id {
        return Err(Error::Conflict("You cannot close your own account; ask a colleague.".to_owned()));
    }
    let now = portal.surroundings().now();
    let known = portal.db().write(move |tx| store::close(tx, &user.scope, id, now)).await?;
    if known { Ok(see_other("/people?done=closed")) } else { Err(Error::NotFound) }
}

/// The form; `?customer=` chooses one in advance.
async fn new(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let page = portal.db().read(move |tx| new_page(tx, &own, &user, &FormData(query), &BTreeMap::new())).await?;
    render(&page)
}

fn new_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    form: &FormData,
    wrong: &BTreeMap<&'static str, String>,
) -> Result<PersonNewPage, DbError> {
    let filled = |field: Field, name: &str| field.value(form.text(name)).wrong(wrong.get(name).cloned());
    let mut choices = vec![(String::new(), format!("Everything of {}", user.signed.tenant))];
    for (id, name) in store::customers(tx, &user.scope, form.int("customer").unwrap_or(0))? {
        choices.push((id.to_string(), format!("Only {name}, whose person this is")));
    }
    let sees =
        Field::select("customer", "May see", choices, form.text("customer")).wrong(wrong.get("customer").cloned());
    Ok(PersonNewPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/people", "Invite somebody"), None)?,
        fields: vec![
            filled(Field::text("name", "Name").required(), "name"),
            filled(Field::new("email", "email", "Email").required(), "email"),
            sees,
        ],
    })
}

/// Lets somebody in. The answer shows their first password once, so it is a page and not a redirect;
/// sending the form again finds the address taken and changes nothing.
async fn invite(State(portal): State<Portal>, Posted(user, form): Posted<ResellerUser>) -> Result<Response, Error> {
    let mut wrong = wrong_fields(&form);
    if wrong.is_empty() {
        let first = first_password(&portal).await?;
        match add(&portal, &user, &form, first.hash).await {
            Ok(()) => {
                let invited = first_sign_in(form.text("email"), first.password);
                return shown_once(&portal, user, invited).await;
            }
            Err(Refused::Taken) => wrong.insert("email", taken(form.text("email"))),
            Err(Refused::Error(error)) => return Err(error),
        };
    }
    let own = portal.clone();
    let page = portal.db().read(move |tx| new_page(tx, &own, &user, &form, &wrong)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}

async fn shown_once(portal: &Portal, user: ResellerUser, invited: Once) -> Result<Response, Error> {
    let own = portal.clone();
    let part = Part::asked(&BTreeMap::new());
    let page = portal.db().read(move |tx| people_page(tx, &own, &user, part, Some("person"), Some(invited))).await?;
    render(&page)
}

/// Why somebody was not let in.
enum Refused {
    /// Somebody signs in with that address already.
    Taken,
    /// Anything else.
    Error(Error),
}

async fn add(portal: &Portal, user: &ResellerUser, form: &FormData, password_hash: String) -> Result<(), Refused> {
    let customer_id = form.int("customer");
    let person = NewPerson {
        person_id: crate::new_id(portal.surroundings()),
        email: form.text("email").to_owned(),
        name: form.text("name").to_owned(),
        role: if customer_id.is_some() { Role::Customer } else { Role::Reseller },
        reseller_id: Some(user.scope.reseller_id()),
        customer_id,
        password_hash,
    };
    let (scope, now) = (user.scope.clone(), portal.surroundings().now());
    let added = portal.db().write(move |tx| -> Result<bool, DbError> {
        if let Some(customer_id) = person.customer_id
            && !store::has_customer(tx, &scope, customer_id)?
        {
            return Ok(false);
        }
        insert_person(tx, &person, now)?;
        Ok(true)
    });
    match added.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refused::Error(Error::NotFound)),
        Err(error) if error.is_conflict() => Err(Refused::Taken),
        Err(error) => Err(Refused::Error(error.into())),
    }
}

/// What is said about a first password.
pub(crate) fn first_sign_in(email: &str, password: String) -> Once {
    let words =
        format!("{email} can sign in with this first password. It is shown now and never again: hand it over safely.");
    Once { words, secret: password }
}

/// What is said about an address that is taken.
pub(crate) fn taken(email: &str) -> String {
    format!("Somebody signs in with “{email}” already.")
}

/// What is wrong with the name and address of somebody new, by field.
pub(crate) fn wrong_fields(form: &FormData) -> BTreeMap<&'static str, String> {
    let mut wrong = BTreeMap::new();
    let (name, email) = (form.text("name"), form.text("email"));
    if name.is_empty() {
        wrong.insert("name", "Give a name.".to_owned());
    } else if name.chars().nth(NAME_MAX).is_some() {
        wrong.insert("name", format!("That is longer than {NAME_MAX} characters."));
    }
    if !is_address(email) {
        wrong.insert("email", format!("“{email}” is no email address."));
    }
    let customer = form.text("customer");
    if !customer.is_empty() && form.int("customer").is_none() {
        wrong.insert("customer", "Choose what they may see.".to_owned());
    }
    wrong
}

/// Whether a text can be an email address; whether it is one shows when somebody writes to it.
fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let halves =
        text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    halves && text.len() <= EMAIL_MAX && !text.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_needs_a_name_and_an_address() {
        let cases = [
            ("name=Ada&email=ada@example.org&customer=", vec![]),
            ("name=Ada&email=ada@example.org&customer=12", vec![]),
            ("name=&email=ada@", vec!["email", "name"]),
            ("name=Ada&email=a+da@example.org", vec!["email"]),
            ("name=Ada&email=ada@b@c", vec!["email"]),
            ("name=Ada&email=ada@example.org&customer=all", vec!["customer"]),
        ];
        for (form, fields) in cases {
            let wrong = wrong_fields(&FormData::parse(form.as_bytes()));
            assert_eq!(wrong.into_keys().collect::<Vec<_>>(), fields, "{form}");
        }
    }
}
