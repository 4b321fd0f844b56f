//! The operator: which resellers there are, whether their data arrives, and making a new one.
//!
//! Deliberately absent: everything inside a reseller. An operator has no scope, so that no store
//! function of a tenant can be called from here.

pub(crate) mod page;
pub(crate) mod store;

pub(crate) use store::insert_reseller;

use crate::Portal;
use crate::db::{DbError, Tx};
use crate::people::{NewPerson, first_password, first_sign_in, insert_person, taken, wrong_fields};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Field, Once, Status, Tone};
use crate::shell::part::Part;
use crate::shell::{Error, FormData, OperatorUser, Posted, Role, chrome, render};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use page::{OperatorPage, ResellerRow};
use report::{Duration, Instant};
use std::collections::BTreeMap;

/// Characters of a reseller's name.
const NAME_MAX: usize = 200;
/// A reseller from whom nothing came for this long is quiet.
const QUIET: Duration = Duration::hours(24);

/// `/operator` and what is below.
pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/operator", get(show)).route("/operator/resellers", post(add))
}

/// What stands below the list: the form as it was sent, and what became of it.
#[derive(Default)]
struct Sent {
    form: FormData,
    wrong: BTreeMap<&'static str, String>,
    created: Option<Once>,
}

async fn show(
    State(portal): State<Portal>,
    user: OperatorUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    shown(&portal, user, Part::asked(&query), Sent::default()).await
}

async fn shown(portal: &Portal, user: OperatorUser, part: Part, sent: Sent) -> Result<Response, Error> {
    let own = portal.clone();
    let page = portal.db().read(move |tx| operator_page(tx, &own, &user, part, sent)).await?;
    render(&page)
}

fn operator_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &OperatorUser,
    part: Part,
    sent: Sent,
) -> Result<OperatorPage, DbError> {
    let now = portal.surroundings().now();
    let total = store::count(tx)?;
    let rows: Vec<ResellerRow> = store::list(tx, part)?.into_iter().map(|reseller| row(reseller, now)).collect();
    let filled =
        |field: Field, name: &str| field.value(sent.form.text(name)).wrong(sent.wrong.get(name).cloned()).required();
    let fields = vec![
        filled(Field::text("reseller", "Reseller"), "reseller"),
        filled(Field::text("name", "First person’s name"), "name"),
        filled(Field::new("email", "email", "First person’s email"), "email"),
    ];
    let done = sent.created.as_ref().map(|_| "reseller");
    Ok(OperatorPage {
        chrome: chrome(tx, portal, &user.signed, None, ("/operator", "Resellers"), done)?,
        sub: if total == 1 { "1 reseller".to_owned() } else { format!("{} resellers", format::count(total)) },
        pager: part.pager("/operator", rows.len(), total),
        rows,
        fields,
        created: sent.created,
    })
}

fn row(reseller: store::Listed, now: Instant) -> ResellerRow {
    let status = match reseller.last {
        Some(at) if now.since(at) <= QUIET => Status::new(Tone::Good, "arriving"),
        Some(_) => Status::new(Tone::Warn, "quiet"),
        None => Status::new(Tone::Info, "nothing yet"),
    };
    ResellerRow {
        name: reseller.name,
        since: format::day(reseller.created_at, &Zone::utc()),
        printers: reseller.printers,
        agents: reseller.agents,
        last: reseller.last.map_or_else(|| "never".to_owned(), |at| format::relative(now, at)),
        status,
    }
}

/// Makes a reseller and its first person. The answer shows the person's first password once, so it is a
/// page and not a redirect; sending the form again finds the address taken and changes nothing.
async fn add(State(portal): State<Portal>, Posted(user, form): Posted<OperatorUser>) -> Result<Response, Error> {
    let mut wrong = wrong_fields(&form);
    let name = form.text("reseller");
    if name.is_empty() || name.chars().nth(NAME_MAX).is_some() {
        wrong.insert("reseller", format!("Give the reseller a name of at most {NAME_MAX} characters."));
    }
    let first_part = Part::asked(&BTreeMap::new());
    if wrong.is_empty() {
        let first = first_password(&portal).await?;
        match insert(&portal, &form, first.hash).await {
            Ok(()) => {
                let created = Some(first_sign_in(form.text("email"), first.password));
                return shown(&portal, user, first_part, Sent { created, ..Sent::default() }).await;
            }
            Err(error) if error.is_conflict() => wrong.insert("email", taken(form.text("email"))),
            Err(error) => return Err(error.into()),
        };
    }
    let page = shown(&portal, user, first_part, Sent { form, wrong, created: None }).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn insert(portal: &Portal, form: &FormData, password_hash: String) -> Result<(), DbError> {
    let reseller_id = crate::new_id(portal.surroundings());
    let person = NewPerson {
        person_id: crate::new_id(portal.surroundings()),
        email: form.text("email").to_owned(),
        name: form.text("name").to_owned(),
        role: Role::Reseller,
        reseller_id: Some(reseller_id),
        customer_id: None,
        password_hash,
    };
    let (name, now) = (form.text("reseller").to_owned(), portal.surroundings().now());
    let made = portal.db().write(move |tx| -> Result<(), DbError> {
        insert_reseller(tx, reseller_id, &name, now)?;
        insert_person(tx, &person, now)
    });
    made.await
}
