//! The fleet: the list of printers, and one printer with all that is known of it.
//!
//! Deliberately absent: acts on a printer. It appears with its agent's first package, and it is put into
//! a contract on the contract's page.

mod history;
mod list;
mod month;
mod overview;
pub(crate) mod page;
mod printer;
mod store;

pub(crate) use month::{DailyArea, SoFar};

use crate::Portal;
use crate::shell::address::{Fields, id, text};
use crate::shell::format;
use crate::shell::page::{Status, Tone};
use crate::shell::{Error, ResellerUser, render};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use report::{Duration, Instant};
use store::Heard;

/// A printer that was not heard of for this long is silent: its bills are at risk.
pub(crate) const SILENT_AFTER: Duration = Duration::hours(24);
/// A printer that was not heard of for this long missed more than one reading.
const LATE_AFTER: Duration = Duration::hours(8);

/// The pages of the fleet.
pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/printers", get(list)).route("/printers/{id}", get(show))
}

impl Heard {
    /// Since when nothing newer is known. An agent that comes back brings old readings at first.
    fn since(self) -> Instant {
        self.read_at.min(self.received_at)
    }
}

/// Whether a printer reports as it should.
fn reporting(now: Instant, heard: Option<Heard>) -> Status {
    let Some(heard) = heard else { return Status::new(Tone::Bad, "Never read") };
    let age = now.since(heard.since());
    if age > SILENT_AFTER {
        Status::new(Tone::Bad, format!("Silent {}", format::span(age)))
    } else if age > LATE_AFTER {
        Status::new(Tone::Warn, "Late")
    } else {
        Status::new(Tone::Good, "Reporting")
    }
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
    let work = move |tx: &mut crate::db::Tx<'_>| {
        let done = fields.get("done").map(String::as_str);
        printer::page(tx, &inside, &user, printer, (text(&fields, "tab"), done))
    };
    let page = portal.db().read(work).await?;
    render(&page)
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
            (heard(1, 1), "Reporting"),
            (heard(9, 1), "Late"),
            (heard(1, 25), "Silent 25 h"),
            (heard(72, 1), "Silent 3 d"),
            (None, "Never read"),
        ];
        for (heard, expected) in cases {
            let shown = reporting(Instant(0), heard).to_string();
            assert!(shown.contains(expected), "{shown}");
        }
    }
}
