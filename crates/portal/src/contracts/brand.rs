//! How a reseller shows itself on documents: name, address, colour, foot, words about payment, and its logo.
//!
//! Each change counts from its instant on. What was issued keeps what stood then, so that its files stay as they
//! are; what is not issued yet shows the last. Deliberately absent: what no document was issued under, which the
//! next change takes away, so that trying out logos leaves nothing; and drawings (SVG).

use super::settings::{self, SettingsPage};
use super::store;
use crate::Portal;
use crate::db::{DbError, Tx, params};
use crate::shell::{Answer, Error, ResellerScope, ResellerUser, Uploaded};
use crate::statements::draws;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use documents::Logo;
use report::Instant;
use serde::{Deserialize, Serialize};

/// The form's field with the picture.
pub(super) const LOGO: &str = "logo";
/// Later than every change.
const LAST: Instant = Instant(i64::MAX);

const SHOWN: &str = "select look, cast(length(logo) as bigint) from reseller_brand
    where reseller_id = $1 and from_at <= $2 order by from_at desc limit 1";
const PICTURE: &str = "select logo from reseller_brand
    where reseller_id = $1 and from_at <= $2 order by from_at desc limit 1";
const NEWEST: &str = "select from_at, look, logo from reseller_brand
    where reseller_id = $1 order by from_at desc limit 1";
/// What began after the last document was issued stands on none.
const UNUSED: &str = "delete from reseller_brand where reseller_id = $1
    and from_at > coalesce((select max(issued_at) from statement where reseller_id = $1), 0)";
const ISSUED: &str = "select coalesce(max(issued_at), 0) from statement where reseller_id = $1";
const KEEP: &str = "insert into reseller_brand (reseller_id, from_at, look, logo) values ($1, $2, $3, $4)
    on conflict (reseller_id, from_at) do update set look = excluded.look, logo = excluded.logo";

/// How the reseller shows itself on documents, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Branding {
    /// Its name.
    #[serde(default)]
    pub(crate) name: String,
    /// Its address, line by line.
    #[serde(default)]
    pub(crate) address: Vec<String>,
    /// Its colour, `#rrggbb`; empty for ours.
    #[serde(default)]
    pub(crate) accent: String,
    /// What stands at the foot of each page, line by line.
    #[serde(default)]
    pub(crate) footer: Vec<String>,
    /// How to pay, in the reseller's own words.
    #[serde(default)]
    pub(crate) payment: Option<String>,
}

/// What a document shows of its reseller.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// The words; empty where it never said any.
    pub(crate) words: Branding,
    /// Whether there is a logo.
    pub(crate) has_logo: bool,
}

/// The page's logo.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/billing/settings/logo", get(show).post(keep))
}

/// What a document shows that was issued then; `None`: what is shown now.
pub(crate) fn shown(tx: &mut Tx<'_>, scope: &ResellerScope, issued: Option<Instant>) -> Result<Shown, DbError> {
    let params = params![scope.reseller_id(), issued.unwrap_or(LAST)];
    match tx.query_opt(SHOWN, params, |row| Ok((row.text(0)?, row.int(1)?)))? {
        Some((words, length)) => Ok(Shown { words: serde_json::from_str(&words)?, has_logo: length > 0 }),
        None => Ok(Shown::default()),
    }
}

/// The logo on a document that was issued then; `None`: that of now.
pub(crate) fn logo(tx: &mut Tx<'_>, scope: &ResellerScope, issued: Option<Instant>) -> Result<Option<Logo>, DbError> {
    let params = params![scope.reseller_id(), issued.unwrap_or(LAST)];
    let kept = tx.query_opt(PICTURE, params, |row| row.bytes(0))?;
    // Only what reads was kept; an empty one is none.
    Ok(kept.and_then(|bytes| Logo::read(&bytes).ok()))
}

/// Changes what is shown from `now` on.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    now: Instant,
    change: impl FnOnce(&mut Branding, &mut Vec<u8>),
) -> Result<(), DbError> {
    // Nothing is issued meanwhile, and of two who change it the second sees what the first did.
    store::hold_stays(tx, scope)?;
    let newest = tx.query_opt(NEWEST, params![scope.reseller_id()], |row| {
        Ok((Instant(row.int(0)?), row.text(1)?, row.bytes(2)?))
    })?;
    let (from, before) = match newest {
        Some((from, words, logo)) => (now.max(from), (serde_json::from_str(&words)?, logo)),
        None => (now, (Branding::default(), Vec::new())),
    };
    // Later than everything that was issued, also within one moment or where the clock went back.
    let issued = tx.count(ISSUED, params![scope.reseller_id()])?;
    let from = from.max(Instant(issued.saturating_add(1)));
    let (mut words, mut logo) = before.clone();
    change(&mut words, &mut logo);
    if (&words, &logo) == (&before.0, &before.1) {
        return Ok(());
    }
    tx.execute(UNUSED, params![scope.reseller_id()])?;
    let words = serde_json::to_string(&words)?;
    tx.execute(KEEP, params![scope.reseller_id(), from, words, logo])?;
    Ok(())
}

/// A picture for a page.
pub(crate) fn picture(logo: &Logo) -> Response {
    ([(header::CONTENT_TYPE, logo.content_type())], logo.bytes().to_vec()).into_response()
}

async fn show(State(portal): State<Portal>, user: ResellerUser) -> Result<Response, Error> {
    let read = move |tx: &mut Tx<'_>| -> Result<Option<Logo>, DbError> { logo(tx, &user.scope, None) };
    portal.db().read(read).await?.map(|logo| picture(&logo)).ok_or(Error::NotFound)
}

async fn keep(State(portal): State<Portal>, sent: Uploaded<ResellerUser>) -> Result<Response, Error> {
    let Uploaded { user, form, file } = sent;
    let judged = if form.text("act") == "remove" { Ok(None) } else { judged(&file).await?.map(Some) };
    let within = portal.clone();
    let write = move |tx: &mut Tx<'_>| -> Result<Answer<SettingsPage>, DbError> {
        match judged {
            Ok(logo) => {
                let done = if logo.is_some() { "logo" } else { "logo-gone" };
                let bytes = logo.map_or_else(Vec::new, |logo| logo.bytes().to_vec());
                change(tx, &user.scope, within.surroundings().now(), |_, kept| *kept = bytes)?;
                Ok(Answer::Done(format!("/billing/settings?done={done}")))
            }
            Err(wrong) => Ok(Answer::Again(Box::new(settings::again(tx, &within, &user, (LOGO, wrong))?))),
        }
    };
    portal.db().write(write).await?.respond()
}

/// The logo in a file, else what is wrong with it.
async fn judged(file: &[u8]) -> Result<Result<Logo, String>, Error> {
    if file.is_empty() {
        return Ok(Err("Logo: choose a picture.".to_owned()));
    }
    match Logo::read(file) {
        Err(wrong) => Ok(Err(format!("Logo: {wrong}."))),
        Ok(logo) if draws(&logo).await? => Ok(Ok(logo)),
        Ok(_) => Ok(Err("Logo: it is damaged and cannot be drawn; save it again.".to_owned())),
    }
}
