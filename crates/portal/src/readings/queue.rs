//! What waits for somebody to settle it, as the first page of a reseller's people shows it.
//!
//! It counts what `/readings` lists. Deliberately absent: settling, which is done there.

use super::page_store::{self, Broken};
use super::settle;
use crate::db::{DbError, Tx};
use crate::shell::ResellerScope;
use crate::shell::page::Link;
use crate::shell::part::ROWS;
use report::Instant;

/// A counter that waits: where it is settled, and what it is called.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// Printer and customer, leading to where it is settled.
    pub(crate) what: Link,
    /// The counter in words.
    pub(crate) counter: String,
}

/// How many counters wait for somebody to say why they did not go on, and the first `most` of them.
pub(crate) fn waiting(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    now: Instant,
    most: usize,
) -> Result<(i64, Vec<Waiting>), DbError> {
    let (pending, of_segments) = page_store::pending(tx, scope, 0, (ROWS, 0))?;
    let mut of_people = page_store::waiting_of_people(tx, scope, 0, now)?;
    of_people.retain(|broken| !pending.iter().any(|known| place(known) == place(broken)));
    let count = of_segments.saturating_add(i64::try_from(of_people.len()).unwrap_or(i64::MAX));
    let row = |broken: &Broken| {
        let row = settle::pending_row(broken, false);
        Waiting { what: Link::new(format!("{} · {}", row.printer.text, row.customer), row.href), counter: row.counter }
    };
    Ok((count, of_people.iter().chain(&pending).take(most).map(row).collect()))
}

/// What tells one break from another.
fn place(broken: &Broken) -> (i64, &str, &str, Instant) {
    (broken.machine.printer_id, broken.meter.as_str(), broken.media.as_str(), broken.at)
}
