//! `/my/readings`: a customer's own people say what their printers' counters show.
//!
//! What they enter is kept as theirs, and a contract says whether and when it counts. Deliberately absent:
//! printers of anybody else, and withdrawing a reading, which the reseller does.

use crate::Portal;
use crate::db::Tx;
use crate::readings::enter::{self, By, FORM_BYTES_MAX, NOT_YET, Whose, Wrong};
use crate::readings::page::{HandRow, Sheet};
use crate::shell::address::Fields;
use crate::shell::page::Chrome;
use crate::shell::{CustomerUser, Error, FormData, Posted, chrome, render, see_other};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use billing::ReadingSource;

/// The address of the page.
const HERE: &str = "/my/readings";

/// `/my/readings`.
#[derive(Debug, Clone, Template)]
#[template(path = "my/readings.html")]
pub(crate) struct MyReadingsPage {
    /// The frame, with `customer_navigation`.
    pub(crate) chrome: Chrome,
    /// What becomes of what is entered.
    pub(crate) sub: String,
    /// The form.
    pub(crate) sheet: Sheet,
    /// What is wrong with the whole form.
    pub(crate) wrong: Option<String>,
    /// What was entered lately, without what the reseller noted.
    pub(crate) hands: Vec<HandRow>,
}

/// `/my/readings`.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/my/readings", get(show).post(save))
}

async fn show(
    State(portal): State<Portal>,
    user: CustomerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| {
        let done = query.get("done").map(String::as_str);
        page(tx, &own, &user, &query, (&FormData::default(), &Wrong::new()), done)
    };
    render(&portal.db().read(work).await?)
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &CustomerUser,
    query: &Fields,
    (form, wrong): (&FormData, &Wrong),
    done: Option<&str>,
) -> Result<MyReadingsPage, Error> {
    let (scope, now) = (&user.scope, portal.surroundings().now());
    let customer = scope.customer_id().ok_or(Error::NotFound)?;
    let whose = Whose::asked(customer, query);
    let sheet = enter::sheet(tx, scope, whose, (HERE, false), (form, wrong), now)?.ok_or(Error::NotFound)?;
    let unsaid = wrong.get("").cloned();
    Ok(MyReadingsPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), (HERE, "Readings"), done)?,
        sub: "What a printer's own page shows. Your contract says when that counts beside what an agent read; your \
              statement then marks it as entered by you."
            .to_owned(),
        sheet,
        wrong: unsaid.or_else(|| (!wrong.is_empty()).then(|| NOT_YET.to_owned())),
        hands: enter::entered(tx, scope, customer)?,
    })
}

async fn save(
    State(portal): State<Portal>,
    Query(query): Query<Fields>,
    Posted(user, form): Posted<CustomerUser, FORM_BYTES_MAX>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| -> Result<Option<Box<MyReadingsPage>>, Error> {
        // Whatever customer the form names: people of a customer enter for that customer.
        let customer = user.scope.customer_id().ok_or(Error::NotFound)?;
        let by = By { person_id: user.signed.person_id, source: ReadingSource::Customer };
        match enter::take(tx, &own, &user.scope, customer, &form, by)? {
            Ok(_) => Ok(None),
            Err(wrong) => Ok(Some(Box::new(page(tx, &own, &user, &query, (&form, &wrong), None)?))),
        }
    };
    match portal.db().write(work).await? {
        None => Ok(see_other("/my/readings?done=entered")),
        Some(page) => Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&*page)?).into_response()),
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::customer_navigation;

    impl MyReadingsPage {
        pub(crate) fn sample() -> MyReadingsPage {
            let mut chrome = Chrome::sample("Readings", HERE);
            chrome.groups = customer_navigation(HERE);
            chrome.search = false;
            chrome.home = "/my";
            MyReadingsPage {
                chrome,
                sub: "What a printer's own page shows.".to_owned(),
                sheet: Sheet::sample(HERE),
                wrong: None,
                hands: vec![HandRow { href: None, action: None, state: "counts", ..HandRow::sample() }],
            }
        }
    }
}
