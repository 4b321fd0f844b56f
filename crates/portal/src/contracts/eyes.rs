//! Whether new versions need a second person, and who may say so.
//!
//! One person switches it on. Switching it off takes two, else whoever it holds could take it away: one asks,
//! another agrees, and until then it stays on. Deliberately absent: what needs a second person, which `approve`
//! says, and who may sign in at all, which the page of people shows.

use super::approve::{FOUR_EYES, ON};
use super::store;
use crate::Portal;
use crate::db::{DbError, Tx, params};
use crate::shell::format::{self, Zone};
use crate::shell::{Error, Posted, ResellerScope, ResellerUser, see_other};
use crate::statements::store::setting;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use report::Instant;
use serde::{Deserialize, Serialize};

/// The value of the setting where one person is enough.
const OFF: &str = "off";
/// The setting with who asked to do without a second person; empty where nobody does.
const ASKED: &str = "four-eyes-off";

const SET: &str = "insert into reseller_setting (reseller_id, name, value) values ($1, $2, $3)
    on conflict (reseller_id, name) do update set value = excluded.value";
const PERSON: &str = "select name from person where reseller_id = $1 and person_id = $2";

/// Who asked to do without a second person, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    person_id: i64,
    at: Instant,
}

/// What came of saying whether a second person is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// It is as was said.
    Done,
    /// It stays on until another person agrees.
    Waits,
}

/// The page's word that somebody asks to do without a second person.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Who asks, and what it takes.
    pub(super) words: String,
    /// Whether the reader may agree.
    pub(super) may_agree: bool,
}

/// The answers to whoever asks to do without a second person.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/billing/settings/eyes", post(answer))
}

fn asked(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Option<Asked>, DbError> {
    match setting(tx, scope, ASKED)?.filter(|text| !text.is_empty()) {
        Some(text) => Ok(Some(serde_json::from_str(&text)?)),
        None => Ok(None),
    }
}

fn set(tx: &mut Tx<'_>, scope: &ResellerScope, name: &str, value: &str) -> Result<(), DbError> {
    tx.execute(SET, params![scope.reseller_id(), name, value])?;
    Ok(())
}

fn switch_off(tx: &mut Tx<'_>, scope: &ResellerScope, asked: Asked, agreed: i64) -> Result<(), DbError> {
    set(tx, scope, FOUR_EYES, OFF)?;
    set(tx, scope, ASKED, "")?;
    tracing::info!(asked = asked.person_id, agreed, "new versions need no second person any more");
    Ok(())
}

/// Keeps what a person says of a second one being needed.
pub(super) fn say(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    is_wanted: bool,
    (person_id, at): (i64, Instant),
) -> Result<Came, DbError> {
    // Of two who say it at once, the second sees what the first said.
    store::hold_stays(tx, scope)?;
    let is_on = setting(tx, scope, FOUR_EYES)?.is_some_and(|value| value == ON);
    if is_wanted && !is_on {
        set(tx, scope, FOUR_EYES, ON)?;
    }
    if is_wanted || !is_on {
        return Ok(Came::Done);
    }
    match asked(tx, scope)? {
        Some(other) if other.person_id != person_id => {
            switch_off(tx, scope, other, person_id)?;
            Ok(Came::Done)
        }
        _ => {
            set(tx, scope, ASKED, &serde_json::to_string(&Asked { person_id, at })?)?;
            Ok(Came::Waits)
        }
    }
}

/// What `reader` sees of somebody asking to do without a second person.
pub(super) fn request(tx: &mut Tx<'_>, scope: &ResellerScope, reader: i64) -> Result<Option<Request>, DbError> {
    let Some(asked) = asked(tx, scope)? else { return Ok(None) };
    let name = tx.query_opt(PERSON, params![scope.reseller_id(), asked.person_id], |row| row.text(0))?;
    let by = format::by(&name.unwrap_or_default(), asked.at, &Zone::utc());
    Ok(Some(Request {
        words: format!(
            "One person is to be enough for new versions, asks {by}. It takes another person to agree; until then a \
             second one is needed."
        ),
        may_agree: asked.person_id != reader,
    }))
}

async fn answer(State(portal): State<Portal>, Posted(user, form): Posted<ResellerUser>) -> Result<Response, Error> {
    let agrees = form.text("act") == "agree";
    let write = move |tx: &mut Tx<'_>| -> Result<&'static str, Error> {
        let (scope, by) = (&user.scope, user.signed.person_id);
        store::hold_stays(tx, scope)?;
        let over = || Error::Conflict("Nobody asks to do without a second person any more.".to_owned());
        let asked = asked(tx, scope)?.ok_or_else(over)?;
        if !agrees {
            set(tx, scope, ASKED, "")?;
            return Ok("eyes-kept");
        }
        if asked.person_id == by {
            return Err(Error::Conflict("You asked for it. It takes another person to agree.".to_owned()));
        }
        switch_off(tx, scope, asked, by)?;
        Ok("eyes-off")
    };
    let done = portal.db().write(write).await?;
    Ok(see_other(&format!("/billing/settings?done={done}")))
}
