//! `POST /printers/{id}/site`: where a printer stands from a day on.
//!
//! A move ends a stay and begins another of the same place when a statement is gathered; taxes and zones follow
//! the site. Deliberately absent: changing a move that was said, and the page, which `swap` has.

use super::page::SwapPage;
use super::page_store;
use super::place_store;
use super::swap::{Wrong, page};
use super::{TEXT_MAX, at_once};
use crate::Portal;
use crate::contracts::start_of_day;
use crate::db::Tx;
use crate::shell::address::id;
use crate::shell::page::Field;
use crate::shell::{Error, FormData, Posted, ResellerUser, render, see_other};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use billing::Site;

/// `site`, `name`, `country`, `area`, `from`.
pub(super) fn fields(sites: &[(i64, String)], today: String, form: &FormData, wrong: &Wrong) -> Vec<Field> {
    let choices = sites.iter().map(|(id, name)| (id.to_string(), name.clone()));
    let choices = choices.chain([(String::new(), "a new one, named below".to_owned())]);
    let wrong = |name: &str| wrong.get(name).cloned();
    let day = if form.text("from").is_empty() { today } else { form.text("from").to_owned() };
    vec![
        Field::select("site", "Site", choices, form.text("site")).wrong(wrong("site")),
        Field::text("name", "Name of a new site").value(form.text("name")).wrong(wrong("name")),
        Field::text("country", "Its country")
            .value(form.text("country"))
            .hint("Two letters, such as NL.")
            .wrong(wrong("country")),
        Field::text("area", "Its tax area or zone")
            .value(form.text("area"))
            .hint("Only where taxes or prices differ within the country.")
            .wrong(wrong("area")),
        Field::new("date", "from", "First day there").value(day).required().wrong(wrong("from")),
    ]
}

/// Which site a form means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meant {
    /// One that is there.
    Known(i64),
    /// A new one.
    New(Site),
}

/// The site that a form means; what is wrong is put into `wrong`.
fn meant(form: &FormData, sites: &[(i64, String)], wrong: &mut Wrong) -> Option<Meant> {
    let mut say = |field: &str, words: String| wrong.insert(field.to_owned(), words);
    if !form.text("site").is_empty() {
        let chosen = form.int("site").filter(|chosen| sites.iter().any(|(id, _)| id == chosen));
        if chosen.is_none() {
            say("site", "Choose a site of this customer.".to_owned());
        }
        return chosen.map(Meant::Known);
    }
    let (name, country, area) = (form.text("name"), form.text("country").to_uppercase(), form.text("area"));
    let mut is_wrong = false;
    if name.is_empty() || name.chars().nth(TEXT_MAX).is_some() {
        say("name", "Choose a site, or give a new one a short name.".to_owned());
        is_wrong = true;
    }
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        say("country", "Say the country in two letters, such as NL.".to_owned());
        is_wrong = true;
    }
    if area.chars().nth(TEXT_MAX).is_some() {
        say("area", format!("That is longer than {TEXT_MAX} characters."));
        is_wrong = true;
    }
    (!is_wrong).then(|| Meant::New(Site { name: name.to_owned(), country, area: area.to_owned() }))
}

/// `POST /printers/{id}/site`.
pub(super) async fn moved(
    State(portal): State<Portal>,
    Path(printer): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (printer, own) = (id(&printer)?, portal.clone());
    let work = move |tx: &mut Tx<'_>| -> Result<Option<Box<SwapPage>>, Error> {
        let scope = &user.scope;
        let machine = page_store::one_machine(tx, scope, printer)?.ok_or(Error::NotFound)?;
        let sites = place_store::sites(tx, scope, machine.customer_id)?;
        let mut wrong = Wrong::new();
        let meant = meant(&form, &sites, &mut wrong);
        let from = start_of_day(form.text("from"), &machine.zone);
        if from.is_none() {
            wrong.insert("from".to_owned(), "Say the first day there, such as 2026-10-01.".to_owned());
        }
        if let (Some(meant), Some(from)) = (meant, from) {
            let now = own.surroundings().now();
            let stands = place_store::stands(tx, scope, printer)?;
            if stands.iter().all(|(_, since)| *since != from) {
                let site_id = match meant {
                    Meant::Known(site_id) => site_id,
                    Meant::New(site) => {
                        let site_id = crate::new_id(own.surroundings());
                        place_store::add_site(tx, scope, machine.customer_id, (site_id, &site), now)
                            .map_err(at_once)?;
                        site_id
                    }
                };
                if place_store::move_to(tx, scope, printer, (from, site_id), now)? {
                    tracing::info!(printer.id = printer, site.id = site_id, "said where a printer stands");
                    return Ok(None);
                }
            }
            let words = "It was said already where it stands from that day on. Say another day.";
            wrong.insert("from".to_owned(), words.to_owned());
        }
        Ok(Some(Box::new(page(tx, &own, &user, &machine, (&form, &wrong), None)?)))
    };
    match portal.db().write(work).await? {
        None => Ok(see_other(&format!("/printers/{printer}?tab=history&done=moved"))),
        Some(page) => Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&*page)?).into_response()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_one_of_the_customer_s_or_a_new_one_with_a_country() {
        let sites = [(5, "Rotterdam".to_owned())];
        let new = |area: &str| {
            Some(Meant::New(Site { name: "Köln".to_owned(), country: "DE".to_owned(), area: area.to_owned() }))
        };
        let cases = [
            ("site=5", Some(Meant::Known(5)), vec![]),
            ("site=6", None, vec!["site"]),
            ("name=K%C3%B6ln&country=de", new(""), vec![]),
            ("name=K%C3%B6ln&country=DE&area=DE-BY", new("DE-BY"), vec![]),
            ("", None, vec!["country", "name"]),
            ("name=K%C3%B6ln&country=Germany", None, vec!["country"]),
        ];
        for (text, expected, fields) in cases {
            let mut wrong = Wrong::new();
            assert_eq!(meant(&FormData::parse(text.as_bytes()), &sites, &mut wrong), expected, "{text}");
            assert_eq!(wrong.into_keys().collect::<Vec<_>>(), fields, "{text}");
        }
    }
}
