//! The three ways to bring an agent to a customer, and which of its printers take part.
//!
//! A file for a computer, six digits for a printer with only a panel, a secret that a manufacturer put into a
//! printer. Deliberately absent: the handshakes, which are ingest's; a secret is never shown here but in the
//! file, once.

use super::view::Typed;
use super::{show_page, store};
use crate::Portal;
use crate::agents::change;
use crate::agents::history::Stamp;
use crate::db::Tx;
use crate::ingest::{Approval, Claim};
use crate::shell::{Error, FormData, Posted, ResellerUser, address, render, see_other};
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;

/// Characters of a serial number or a computer's name that somebody types.
const NAME_MAX: usize = 64;
/// Digits that a panel shows.
const DIGITS: usize = 6;
/// Hexadecimal digits of the label of a factory secret.
const LABEL_DIGITS: usize = 16;

/// A form that somebody posted about a customer of theirs.
pub(super) struct AtCustomer {
    portal: Portal,
    user: ResellerUser,
    id: i64,
    form: FormData,
}

impl FromRequest<Portal> for AtCustomer {
    type Rejection = Response;

    async fn from_request(request: Request, portal: &Portal) -> Result<AtCustomer, Response> {
        let (Path(id), Posted(user, form)) =
            <(Path<String>, Posted<ResellerUser>)>::from_request(request, portal).await?;
        AtCustomer::find(portal, user, &id, form).await.map_err(IntoResponse::into_response)
    }
}

impl AtCustomer {
    /// Another reseller's customer is not found, whatever else the form says.
    async fn find(portal: &Portal, user: ResellerUser, id: &str, form: FormData) -> Result<AtCustomer, Error> {
        let (id, scope) = (address::id(id)?, user.scope.clone());
        let found = portal.db().read(move |tx| store::customer(tx, &scope, id)).await?;
        found.ok_or(Error::NotFound)?;
        Ok(AtCustomer { portal: portal.clone(), user, id, form })
    }

    /// Who does this.
    fn by(&self) -> Option<i64> {
        Some(self.user.signed.person_id)
    }

    /// The customer's page after the act `done`.
    fn done(&self, done: &str) -> Response {
        see_other(&format!("/customers/{}?done={done}", self.id))
    }

    /// The customer's page with what was typed, and what is wrong with it.
    async fn refuse(self, typed: Typed) -> Result<Response, Error> {
        let AtCustomer { portal, user, id, .. } = self;
        let own = portal.clone();
        let work = move |tx: &mut Tx<'_>| show_page(tx, &own, &user, id, (&BTreeMap::new(), &typed));
        let page = portal.db().read(work).await?.ok_or(Error::NotFound)?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
    }
}

/// `POST …/agents`: the file that enrols one agent. What is in it is a secret; it is not shown again.
pub(super) async fn file(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, _): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let id = address::id(&id)?;
    let own = portal.clone();
    let file = portal.db().write(move |tx| crate::ingest::enrolment_file(tx, &user.scope, id, &own)).await?;
    let file = file.ok_or(Error::NotFound)?;
    let text = serde_json::to_vec_pretty(&file).map_err(|error| Error::Internal(Box::new(error)))?;
    let name = file_name(&file.customer);
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .map_err(|error| Error::Internal(Box::new(error)))?;
    tracing::info!(customer.id = id, "made an enrolment file");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, text).into_response())
}

/// `Kessel Bau & Söhne` becomes `enrol-kessel-bau-s-hne.plotmeter`.
fn file_name(customer: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
    let plain: String = customer.chars().take(60).map(plain).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    format!("enrol-{}.plotmeter", words.join("-"))
}

/// `POST …/agents/cancel`: files that nobody used yet work no more.
pub(super) async fn cancel(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, _): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let id = address::id(&id)?;
    let work = move |tx: &mut Tx<'_>| -> Result<u64, Error> {
        store::customer(tx, &user.scope, id)?.ok_or(Error::NotFound)?;
        Ok(crate::ingest::cancel_enrolments(tx, &user.scope, id)?)
    };
    let cancelled = portal.db().write(work).await?;
    tracing::info!(customer.id = id, cancelled, "cancelled enrolment files");
    Ok(see_other(&format!("/customers/{id}?done=cancelled")))
}

/// `POST …/agents/announce`: somebody will start the enrolment at a panel. Once more, it starts over.
pub(super) async fn announce(at: AtCustomer) -> Result<Response, Error> {
    let name = at.form.text("announced").to_owned();
    let wrong: BTreeMap<_, _> = wrong_name("announced", &name).into_iter().collect();
    if !wrong.is_empty() {
        return at.refuse(Typed { announced: name, wrong, ..Typed::default() }).await;
    }
    let (scope, id, now) = (at.user.scope.clone(), at.id, at.portal.surroundings().now());
    let work = move |tx: &mut Tx<'_>| crate::ingest::announce_comparison(tx, &scope, id, &name, now);
    if !at.portal.db().write(work).await? {
        return Err(Error::NotFound);
    }
    tracing::info!(customer.id = id, "announced an agent");
    Ok(at.done("announced"))
}

/// `POST …/agents/panel`: somebody reads six digits from the panel of a printer.
pub(super) async fn panel(at: AtCustomer) -> Result<Response, Error> {
    let (serial, written) = (at.form.text("serial").to_owned(), at.form.text("digits").to_owned());
    let digits = plain(&written);
    let mut typed = Typed { serial, digits: written, ..Typed::default() };
    typed.wrong.extend(wrong_name("serial", &typed.serial));
    if digits.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        typed.wrong.insert("digits", format!("Type the {DIGITS} digits that the panel shows."));
    }
    if !typed.wrong.is_empty() {
        return at.refuse(typed).await;
    }
    let (portal, scope) = (&at.portal, &at.user.scope);
    let approval = crate::ingest::approve_comparison(portal, scope, at.id, &typed.serial, &digits, at.by()).await?;
    let (field, wrong) = match approval {
        Approval::Done { agent_id } => {
            tracing::info!(customer.id = at.id, agent.id = %agent_id, "enrolled an agent by comparison");
            return Ok(at.done("panel"));
        }
        Approval::Unknown => ("serial", "It is not announced. Announce it here first, then start the enrolment there."),
        Approval::Waiting => ("serial", "It did not come yet. Start the enrolment at its panel, then type the digits."),
        Approval::Expired => ("serial", "That enrolment is over. Announce it again, then start it there again."),
        Approval::Wrong => (
            "digits",
            "These digits do not fit. For safety this enrolment is over: announce it again, start it there again, \
             compare, and if they differ once more, somebody may stand between.",
        ),
    };
    typed.wrong.insert(field, wrong.to_owned());
    typed.digits.clear();
    at.refuse(typed).await
}

/// `POST …/agents/factory`: a printer with a secret of its manufacturer becomes this customer's.
pub(super) async fn factory(at: AtCustomer) -> Result<Response, Error> {
    let mut typed = typed_factory(&at.form);
    let label = plain(&typed.label).to_ascii_lowercase();
    typed.wrong.extend(wrong_name("factory_serial", &typed.factory_serial));
    if label.len() != LABEL_DIGITS || !label.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let wrong = format!("The label has {LABEL_DIGITS} characters, 0 to 9 and a to f.");
        typed.wrong.insert("label", wrong);
    }
    if !typed.wrong.is_empty() {
        return at.refuse(typed).await;
    }
    let (portal, scope) = (&at.portal, &at.user.scope);
    let claim = crate::ingest::claim_factory(portal, scope, at.id, &typed.factory_serial, &label, at.by()).await?;
    let wrong = match claim {
        Claim::Done => {
            tracing::info!(customer.id = at.id, "claimed a printer by its factory secret");
            return Ok(at.done("factory"));
        }
        Claim::Unknown => "No printer with that serial number and label is known here. Look at both again.",
        Claim::Taken => {
            "That printer is claimed already. Who claimed it can withdraw that, once its agent is revoked or left."
        }
    };
    typed.wrong.insert("label", wrong.to_owned());
    at.refuse(typed).await
}

/// `POST …/agents/withdraw`: the claim of a printer is given back.
pub(super) async fn withdraw(at: AtCustomer) -> Result<Response, Error> {
    let mut typed = typed_factory(&at.form);
    let (scope, id) = (at.user.scope.clone(), at.id);
    let (serial, label) = (typed.factory_serial.clone(), typed.label.clone());
    let work = move |tx: &mut Tx<'_>| crate::ingest::withdraw_factory_now(tx, &scope, id, (&serial, &label));
    if at.portal.db().write(work).await? {
        tracing::info!(customer.id = id, "withdrew the claim of a printer");
        return Ok(at.done("withdrawn"));
    }
    let wrong = "No claim of this customer can be withdrawn with these. Revoke its agent first, or look at both again.";
    typed.wrong.insert("label", wrong.to_owned());
    at.refuse(typed).await
}

/// Serial number and label of a printer from a factory, as they were typed.
fn typed_factory(form: &FormData) -> Typed {
    let (factory_serial, label) = (form.text("factory_serial").to_owned(), form.text("label").to_owned());
    Typed { factory_serial, label, ..Typed::default() }
}

/// `POST …/participation`: whether every printer that is found takes part.
pub(super) async fn participation(
    State(portal): State<Portal>,
    Path(id): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let id = address::id(&id)?;
    let (all, done) = match form.text("who") {
        "all" => (true, "everything"),
        "listed" => (false, "listed"),
        _ => return Err(Error::Invalid("Choose which printers take part.".to_owned())),
    };
    let (by, stamp) = (Some(user.signed.person_id), Stamp::of(portal.surroundings()));
    let work = move |tx: &mut Tx<'_>| change::set_participation_of_customer(tx, &user.scope, id, all, by, stamp);
    if portal.db().write(work).await? {
        Ok(see_other(&format!("/customers/{id}?done={done}")))
    } else {
        Err(Error::NotFound)
    }
}

/// What people put between the parts of a code does not count.
fn plain(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.' | ':')).collect()
}

/// What is wrong with the name in a field, under the field's name.
fn wrong_name(field: &'static str, name: &str) -> Option<(&'static str, String)> {
    if name.is_empty() {
        return Some((field, "Type the serial number.".to_owned()));
    }
    name.chars().nth(NAME_MAX).map(|_| (field, format!("That is longer than {NAME_MAX} characters.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_is_plain_whatever_the_customer_is_called() {
        for (customer, name) in [
            ("Kessel Bau & Söhne", "enrol-kessel-bau-s-hne.plotmeter"),
            ("\"; x=\"../..", "enrol-x.plotmeter"),
            ("東京", "enrol-.plotmeter"),
        ] {
            assert_eq!(file_name(customer), name);
        }
    }

    #[test]
    fn a_code_is_read_as_people_write_it() {
        for (typed, code) in [("482 913", "482913"), ("482-913", "482913"), (" 9F:3a.00 ", "9F3a00")] {
            assert_eq!(plain(typed), code);
        }
    }
}
