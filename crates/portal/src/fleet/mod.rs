//! The fleet: the list of printers, and one printer with all that is known of it.
//!
//! A printer appears with its agent's first package; here somebody says whether it takes part. Deliberately
//! absent: putting it into a contract, which is done on the contract's page.

mod fragments;
mod history;
mod list;
mod month;
mod overview;
pub(crate) mod own;
pub(crate) mod page;
mod participation;
mod past;
mod printer;
mod store;

pub(crate) use fragments::{from_printer, is_silent, is_unassigned};
pub(crate) use month::{DailyArea, SoFar};
pub(crate) use participation::Participation;

use crate::Portal;
use crate::agents::history::Stamp;
use crate::agents::{Lateness, change};
use crate::db::Tx;
use crate::shell::address::{Fields, id, text};
use crate::shell::page::{Status, Tone};
use crate::shell::{Error, Posted, ResellerUser, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use report::{Duration, Instant};
use store::Heard;

/// A printer that was not heard of for this long is silent, unless its agent reads less often: its bills are at
/// risk.
pub(crate) const SILENT_AFTER: Duration = crate::agents::SILENT;

/// The pages of the fleet.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/printers", get(list))
        .route("/printers/{id}", get(show))
        .route("/printers/{id}/participation", post(participate))
        .merge(own::routes())
}

impl Heard {
    /// Since when nothing newer is known. An agent that comes back brings old readings at first.
    fn since(self) -> Instant {
        self.read_at.min(self.received_at)
    }
}

/// Whether a printer reports as it should; its agent reads every `interval_minutes`.
fn reporting(now: Instant, heard: Option<Heard>, interval_minutes: i64) -> Status {
    let Some(heard) = heard else { return Status::new(Tone::Bad, "Never read") };
    let since = heard.since();
    Lateness::of(since, interval_minutes, now).status("Reporting", since, now)
}

async fn list(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(fields): Query<Fields>,
) -> Result<Response, Error> {
    let asked = list::Asked::read(&fields)?;
    let inside = portal.clone();
    let page = portal.db().read(move |tx| list::page(tx, &inside, &user, &asked)).await?;
    render(&page)
}

async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Path(printer): Path<String>,
    Query(fields): Query<Fields>,
) -> Result<Response, Error> {
    let printer = id(&printer)?;
    let inside = portal.clone();
    let work = move |tx: &mut Tx<'_>| {
        let done = fields.get("done").map(String::as_str);
        printer::page(tx, &inside, &user, printer, (text(&fields, "tab"), done))
    };
    let page = portal.db().read(work).await?;
    render(&page)
}

/// `POST …/participation`: whether a printer is read.
async fn participate(
    State(portal): State<Portal>,
    Path(printer): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let printer = id(&printer)?;
    let takes_part = match form.text("part") {
        "yes" => true,
        "no" => false,
        _ => return Err(Error::Invalid("Choose whether this printer takes part.".to_owned())),
    };
    let (by, stamp) = (Some(user.signed.person_id), Stamp::of(portal.surroundings()));
    let work = move |tx: &mut Tx<'_>| -> Result<i64, Error> {
        let known = store::printer(tx, &user.scope, printer)?.ok_or(Error::NotFound)?;
        change::participate(tx, &user.scope, printer, takes_part, by, stamp)?;
        Ok(known.customer_id)
    };
    let customer = portal.db().write(work).await?;
    let done = if takes_part { "participating" } else { "stopped" };
    let back = match form.text("back") {
        "customer" => format!("/customers/{customer}"),
        _ => format!("/printers/{printer}"),
    };
    Ok(see_other(&format!("{back}?done={done}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printer_is_as_silent_as_its_older_instant_says() {
        let hour = 3_600_000;
        let heard = |read: i64, received: i64| {
            Some(Heard { read_at: Instant(-read * hour), received_at: Instant(-received * hour) })
        };
        let cases = [
            (heard(1, 1), 180, "Reporting"),
            (heard(9, 1), 180, "Late 9 h"),
            (heard(1, 25), 180, "Silent 25 h"),
            (heard(72, 1), 180, "Silent 3 d"),
            // One that is read once a day is neither late nor silent between two readings.
            (heard(40, 1), 1_440, "Reporting"),
            (heard(49, 1), 1_440, "Silent 2 d"),
            (heard(2, 1), 30, "Late 2 h"),
            (None, 180, "Never read"),
        ];
        for (heard, interval, expected) in cases {
            let shown = reporting(Instant(0), heard, interval).to_string();
            assert!(shown.contains(expected), "{shown}");
        }
    }
}
