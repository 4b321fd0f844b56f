//! `/billing/settings`: how the reseller bills. Four eyes, days, the numbers of documents, and how it shows itself
//! on them.
//!
//! What is not said is as usual. Deliberately absent: using the settings, which the features do that read them,
//! and keeping how the reseller shows itself, with its logo, which `brand` does.

use super::approve::{FOUR_EYES, ON};
use super::brand::{self, Branding};
use super::eyes::{self, Came};
use crate::Portal;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::page::{Chrome, Field, FormError};
use crate::shell::{Answer, Error, FormData, Posted, ResellerScope, ResellerUser, chrome, render};
use crate::statements::store::setting;
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use std::collections::BTreeMap;

/// Days that a setting may name at most.
const DAYS_MAX: i64 = 365;
/// Characters of what stands before a number.
const PREFIX_MAX: usize = 20;
/// Characters of a line.
const LINE_MAX: usize = 120;
/// Lines of an address or a footer.
const LINES_MAX: usize = 10;
/// Characters of the words about payment.
const PAYMENT_MAX: usize = 1_000;

const SETTINGS: Bulk = Bulk {
    table: "reseller_setting",
    columns: &[("reseller_id", Kind::Int), ("name", Kind::Text), ("value", Kind::Text)],
    key: 2,
    on_conflict: "do update set value = excluded.value",
};

/// `/billing/settings`.
#[derive(Debug, Clone, Template)]
#[template(path = "contracts/settings.html")]
pub(crate) struct SettingsPage {
    chrome: Chrome,
    errors: Vec<FormError>,
    /// `four-eyes`, `cutoff-days`, `number-prefix`, `due-days`.
    billing: Vec<Field>,
    /// `name`, `address`, `accent`, `footer`, `payment`.
    look: Vec<Field>,
    /// Whether there is a logo now.
    has_logo: bool,
    /// `logo`, a form of its own.
    logo: Field,
    /// That somebody asks to do without a second person.
    eyes: Option<eyes::Request>,
}

/// The settings of billing.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/billing/settings", get(show).post(save))
}

async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<SettingsPage, DbError> {
        let form = kept(tx, &user.scope)?;
        page(tx, &within, &user, &form, (&[], query.get("done").map(String::as_str)))
    };
    render(&portal.db().read(read).await?)
}

async fn save(State(portal): State<Portal>, Posted(user, form): Posted<ResellerUser>) -> Result<Response, Error> {
    let within = portal.clone();
    let write = move |tx: &mut Tx<'_>| -> Result<Answer<SettingsPage>, DbError> {
        match checked(&form) {
            Ok((settings, look)) => {
                let (reseller, now) = (user.scope.reseller_id(), within.surroundings().now());
                let texts = settings.into_iter().map(|(name, value)| params![reseller, name, value].to_vec());
                let rows: Vec<Vec<Param>> = texts.collect();
                SETTINGS.insert(tx, &rows)?;
                brand::change(tx, &user.scope, now, |words, _| *words = look)?;
                let is_wanted = form.text(FOUR_EYES) == ON;
                let came = eyes::say(tx, &user.scope, is_wanted, (user.signed.person_id, now))?;
                let done = if came == Came::Waits { "eyes-asked" } else { "settings" };
                Ok(Answer::Done(format!("/billing/settings?done={done}")))
            }
            Err(wrong) => Ok(Answer::Again(Box::new(page(tx, &within, &user, &form, (&wrong, None))?))),
        }
    };
    portal.db().write(write).await?.respond()
}

/// What is kept, as the form says it.
fn kept(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<FormData, DbError> {
    let mut form = FormData::default();
    for name in [FOUR_EYES, "cutoff-days", "number-prefix", "due-days"] {
        if let Some(value) = setting(tx, scope, name)? {
            form.0.insert(name.to_owned(), value);
        }
    }
    let look = brand::shown(tx, scope, None)?.words;
    let texts = [
        ("name", look.name),
        ("address", look.address.join("\n")),
        ("accent", look.accent),
        ("footer", look.footer.join("\n")),
        ("payment", look.payment.unwrap_or_default()),
    ];
    form.0.extend(texts.into_iter().map(|(name, text)| (name.to_owned(), text)));
    Ok(form)
}

/// The page again, with what is wrong with one field.
pub(super) fn again(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    wrong: (&'static str, String),
) -> Result<SettingsPage, DbError> {
    let form = kept(tx, &user.scope)?;
    page(tx, portal, user, &form, (&[wrong], None))
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    form: &FormData,
    (wrong, done): (&[(&'static str, String)], Option<&str>),
) -> Result<SettingsPage, DbError> {
    let chrome = chrome(tx, portal, &user.signed, Some(&user.scope), ("/billing", "Billing settings"), done)?;
    let eyes = eyes::request(tx, &user.scope, user.signed.person_id)?;
    let has_logo = brand::shown(tx, &user.scope, None)?.has_logo;
    Ok(SettingsPage { eyes, has_logo, ..filled(chrome, form, wrong) })
}

/// The page with what a form says, and what is wrong with it.
fn filled(chrome: Chrome, form: &FormData, wrong: &[(&'static str, String)]) -> SettingsPage {
    let fill = |field: Field, name: &str| {
        let said = wrong.iter().find(|(field, _)| *field == name).map(|(_, text)| text.clone());
        field.value(form.text(name)).wrong(said)
    };
    let eyes = [("", "one person is enough"), (ON, "another person approves versions that change prices")];
    let error = |(name, text): &(&'static str, String)| FormError { field: Field::id(name), text: text.clone() };
    SettingsPage {
        chrome,
        errors: wrong.iter().map(error).collect(),
        billing: vec![
            Field::select(FOUR_EYES, "New versions of contracts", eyes, form.text(FOUR_EYES)),
            fill(Field::number("cutoff-days", "Cut-off, days after a period").hint("empty: 5"), "cutoff-days"),
            fill(Field::text("number-prefix", "Before the numbers of documents").hint("empty: S-"), "number-prefix"),
            fill(Field::number("due-days", "Due after days").hint("empty: 30"), "due-days"),
        ],
        look: vec![
            fill(Field::text("name", "Name on documents"), "name"),
            fill(Field::lines("address", "Address, line by line"), "address"),
            fill(Field::text("accent", "Colour").hint("such as #0b63a5; empty: ours"), "accent"),
            fill(Field::lines("footer", "At the foot of each page, line by line"), "footer"),
            fill(Field::lines("payment", "How to pay"), "payment"),
        ],
        has_logo: false,
        logo: fill(Field::new("file", brand::LOGO, "Picture").hint("PNG or JPEG, at most 512 KiB"), brand::LOGO),
        eyes: None,
    }
}

/// The settings that a form says, by name, but for the second person.
type Settings = Vec<(&'static str, String)>;

/// Whether a text can stand before numbers: in file names, in addresses and in other people's programs too.
fn is_prefix(text: &str) -> bool {
    let is_mark = |c: char| "-./_".contains(c);
    let marks_apart = text.chars().zip(text.chars().skip(1)).all(|(a, b)| !(is_mark(a) && is_mark(b)));
    let begins = text.chars().next().is_some_and(char::is_alphanumeric);
    let fits = text.chars().count() <= PREFIX_MAX && text.chars().all(|c| c.is_alphanumeric() || is_mark(c));
    begins && marks_apart && fits
}

/// The settings that a form says, and how the reseller shows itself; else what is wrong, by field.
fn checked(form: &FormData) -> Result<(Settings, Branding), Vec<(&'static str, String)>> {
    let mut wrong = Vec::new();
    let days = |name: &'static str, usual: i64| match form.text(name) {
        "" => Some(usual.to_string()),
        typed => typed.parse::<i64>().ok().filter(|days| (0..=DAYS_MAX).contains(days)).map(|days| days.to_string()),
    };
    let mut settings = Vec::new();
    for (name, about, usual) in [("cutoff-days", "Cut-off", 5), ("due-days", "Due", 30)] {
        match days(name, usual) {
            Some(value) => settings.push((name, value)),
            None => wrong.push((name, format!("{about}: say a whole number of days from 0 to {DAYS_MAX}."))),
        }
    }
    let prefix = match form.text("number-prefix") {
        "" => "S-",
        typed => typed,
    };
    if !is_prefix(prefix) {
        let words = "letters and digits, with single hyphens, dots, slashes and underscores between or behind them";
        wrong.push(("number-prefix", format!("Numbers: say at most {PREFIX_MAX} characters: {words}, such as R-26/.")));
    }
    settings.push(("number-prefix", prefix.to_owned()));
    let look = look(form, &mut wrong);
    if wrong.is_empty() { Ok((settings, look)) } else { Err(wrong) }
}

fn look(form: &FormData, wrong: &mut Vec<(&'static str, String)>) -> Branding {
    let mut lines = |name: &'static str, about: &str| -> Vec<String> {
        let typed = form.text(name).lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<String> = typed.map(str::to_owned).collect();
        if lines.len() > LINES_MAX || lines.iter().any(|line| line.chars().count() > LINE_MAX) {
            let text = format!("{about}: say at most {LINES_MAX} lines of at most {LINE_MAX} characters.");
            wrong.push((name, text));
        }
        lines
    };
    let (address, footer) = (lines("address", "Address"), lines("footer", "Foot of the page"));
    let name = form.text("name").to_owned();
    if name.chars().count() > LINE_MAX {
        wrong.push(("name", format!("Name: say at most {LINE_MAX} characters.")));
    }
    let accent = form.text("accent").to_ascii_lowercase();
    if !accent.is_empty() && !is_colour(&accent) {
        wrong.push(("accent", "Colour: say six digits such as #0b63a5.".to_owned()));
    }
    let payment = form.text("payment").to_owned();
    if payment.chars().count() > PAYMENT_MAX {
        wrong.push(("payment", format!("How to pay: say at most {PAYMENT_MAX} characters.")));
    }
    Branding { name, address, accent, footer, payment: Some(payment).filter(|payment| !payment.is_empty()) }
}

fn is_colour(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
impl SettingsPage {
    pub(crate) fn sample() -> SettingsPage {
        let typed = [
            ("name", "Nordhang <script>alert(1)</script>"),
            ("address", "Hafenstraße 3\n50667 Köln"),
            ("accent", "blue"),
            ("due-days", "14"),
        ];
        let form = FormData(typed.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
        let wrong = checked(&form).expect_err("blue is no colour here");
        let eyes = eyes::Request { words: "One person is to be enough, asks Kay.".to_owned(), may_agree: true };
        let page = filled(Chrome::sample("Billing settings", "/billing"), &form, &wrong);
        SettingsPage { eyes: Some(eyes), has_logo: true, ..page }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> FormData {
        FormData(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let (settings, look) = checked(&form(&[])).expect("nothing is wrong");
        let settings: BTreeMap<&str, String> = settings.into_iter().collect();
        assert_eq!((settings["cutoff-days"].as_str(), settings["due-days"].as_str()), ("5", "30"));
        assert_eq!(settings["number-prefix"].as_str(), "S-");
        assert_eq!(look, Branding::default());
    }

    #[test]
    fn what_stands_before_numbers_is_letters_digits_and_marks() {
        for prefix in ["S-", "R-26/", "NP/26-", "2026.", "Ö_1-"] {
            assert!(checked(&form(&[("number-prefix", prefix)])).is_ok(), "{prefix}");
        }
    }

    #[test]
    fn each_wrong_setting_is_named_at_its_field() {
        let long = "x".repeat(LINE_MAX + 1);
        let cases = [
            ("cutoff-days", "five"),
            ("cutoff-days", "-1"),
            ("due-days", "366"),
            ("number-prefix", "aprefixoffartoomanyletters"),
            ("number-prefix", "../../x"),
            ("number-prefix", "R-/"),
            ("number-prefix", "<b>"),
            ("number-prefix", "=1+"),
            ("number-prefix", "R 26"),
            ("accent", "blue"),
            ("accent", "#12345g"),
            ("name", long.as_str()),
            ("footer", long.as_str()),
        ];
        for (name, text) in cases {
            let wrong = checked(&form(&[(name, text)])).expect_err(text);
            assert_eq!(wrong.iter().map(|(field, _)| *field).collect::<Vec<_>>(), [name]);
        }
    }
}
