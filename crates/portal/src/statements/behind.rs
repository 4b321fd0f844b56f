//! What stands behind a statement's lines as a file: every job of the period with what it counts, for which line, and
//! why it is not billed, so that the lines can be added up again.
//!
//! It is made from what the statement was made from, as it was then. Deliberately absent: names of jobs, people and
//! accounts, which the list of jobs has where a customer lets them through; and a file of a note, whose lines are
//! differences.

use super::store::{self, Stored};
use super::{desks, downloads, export, file, issued};
use crate::Portal;
use crate::db::Tx;
use crate::shell::address::id;
use crate::shell::{CustomerUser, Error, ResellerScope, ResellerUser};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use billing::{DocumentKind, Statement};
use evidence::Basis;

/// Rows that a file has room for: rows and text of so many take about a gigabyte while they are made.
const ROWS_MAX: usize = 1_000_000;

/// The file, for the reseller and for the customer.
pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/statements/{id}/jobs.csv", get(of_reseller))
        .route("/my/statements/{id}/jobs.csv", get(of_customer))
}

/// Whether a document has the file: what it was made from is kept, and its lines are no differences.
pub(super) fn is_offered(stored: &Stored) -> bool {
    stored.has_evidence && stored.kind == DocumentKind::Statement
}

async fn of_reseller(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    user: ResellerUser,
) -> Result<Response, Error> {
    let statement_id = id(&statement)?;
    made(&portal, user.scope, move |tx, scope| store::statement(tx, scope, statement_id)).await
}

async fn of_customer(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    user: CustomerUser,
) -> Result<Response, Error> {
    let statement_id = id(&statement)?;
    made(&portal, user.scope, move |tx, scope| issued(tx, scope, statement_id)).await
}

/// A statement, what it was made from, and the documents of other payers that were made with it.
struct Kept {
    stored: Stored,
    basis: Basis,
    others: Vec<Statement>,
}

async fn made<F>(portal: &Portal, scope: ResellerScope, find: F) -> Result<Response, Error>
where
    F: FnOnce(&mut Tx<'_>, &ResellerScope) -> Result<Option<Stored>, crate::db::DbError> + Send + 'static,
{
    let read = move |tx: &mut Tx<'_>| -> Result<Kept, Error> {
        let stored = find(tx, &scope)?.ok_or(Error::NotFound)?;
        kept(tx, &scope, stored)
    };
    let making = async {
        // Who waits for a desk holds nothing yet.
        let desk = desks::free().await?;
        let kept = portal.db().read(read).await?;
        let name = export::name(&kept.stored);
        let bytes = desk.make(move || bytes(&kept)).await?;
        Ok::<Response, Error>(file("text/csv; charset=utf-8", &name, "-jobs.csv", bytes))
    };
    downloads::soon(making).await
}

fn kept(tx: &mut Tx<'_>, scope: &ResellerScope, stored: Stored) -> Result<Kept, Error> {
    if stored.kind != DocumentKind::Statement {
        let words = "A note says what is outstanding of a statement: its lines are differences, and no jobs add up to \
                     them. Take the jobs of the statement that it corrects.";
        return Err(Error::Conflict(words.to_owned()));
    }
    let (contract_id, start) = (stored.contract_id, stored.statement.period.start);
    let text = store::basis_text(tx, scope, contract_id, start, stored.revision)?;
    let Some(text) = text else {
        let words = "What this statement was made from is not kept: it is older than the program that keeps it.";
        return Err(Error::Conflict(words.to_owned()));
    };
    let basis = Basis::read(text.as_bytes()).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(Kept { others: store::others(tx, scope, &stored)?, stored, basis })
}

fn bytes(kept: &Kept) -> Result<Vec<u8>, Error> {
    let (statement, input) = (&kept.stored.statement, kept.basis.input());
    fits(billing::facts_behind(&input))?;
    let all: Vec<&Statement> = [statement].into_iter().chain(&kept.others).collect();
    let rows = billing::behind(&input, &all).map_err(|error| Error::Internal(Box::new(error)))?;
    documents::jobs(statement, &kept.stored.name, &rows).map_err(|error| Error::Internal(Box::new(error)))
}

/// Refuses a file that there is no room for.
fn fits(rows: usize) -> Result<(), Error> {
    if rows <= ROWS_MAX {
        return Ok(());
    }
    let words = "The evidence file of what was issued holds all that it was counted from. A statement over fewer days \
                 has fewer.";
    Err(Error::Conflict(format!("This file would have {rows} rows, and {ROWS_MAX} are the most that fit. {words}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_room_is_refused_in_words_before_it_is_made() {
        assert!(fits(ROWS_MAX).is_ok());
        let refused = fits(ROWS_MAX + 1).expect_err("too many");
        assert!(matches!(refused, Error::Conflict(_)));
        assert!(refused.to_string().contains("would have 1000001 rows"), "{refused}");
    }
}
