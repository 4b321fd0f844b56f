//! Statements as files: for the reseller every one of them, for a customer those that were issued to it.
//!
//! What a file is made from is read in one transaction; it is made where no other request waits for it, and
//! nobody waits longer than a minute. Deliberately absent: the forms themselves (see `export`), keeping what was
//! made, and sending it anywhere.

use super::export::{self, Filled, Form, HAS_PDF, Material};
use super::store::{self, Stored};
use super::view::Reader;
use super::{blocking, events_store, file, gather, issued};
use crate::Portal;
use crate::contracts::settings::branding;
use crate::db::{DbError, Tx, params};
use crate::shell::address::{Fields, id, text};
use crate::shell::page::Link;
use crate::shell::{CustomerUser, Error, ResellerScope, ResellerUser};
use axum::Router;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use billing::Parties;
use documents::{Around, Brand};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long somebody waits for a file.
const DEADLINE: Duration = Duration::from_secs(60);
/// Heavy files that are made at a time: one with many thousand rows takes seconds and some gigabytes.
static DESKS: Semaphore = Semaphore::const_new(2);

const RESELLER: &str = "select name from reseller where reseller_id = $1";

/// The files of statements.
pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/statements/{id}/export.csv", get(csv::<ResellerUser>))
        .route("/statements/{id}/export.xlsx", get(xlsx::<ResellerUser>))
        .route("/statements/{id}/export.json", get(json::<ResellerUser>))
        .route("/statements/{id}/einvoice.xml", get(einvoice::<ResellerUser>))
        .route("/statements/{id}/statement.pdf", get(pdf::<ResellerUser>))
        .route("/my/statements/{id}/export.csv", get(csv::<CustomerUser>))
        .route("/my/statements/{id}/export.xlsx", get(xlsx::<CustomerUser>))
        .route("/my/statements/{id}/export.json", get(json::<CustomerUser>))
        .route("/my/statements/{id}/einvoice.xml", get(einvoice::<CustomerUser>))
        .route("/my/statements/{id}/statement.pdf", get(pdf::<CustomerUser>))
}

/// Somebody who takes files.
trait Taker: FromRequestParts<Portal, Rejection = Error> + Send + 'static {
    /// Who reads.
    const READER: Reader;

    /// Whose data they see.
    fn scope(self) -> ResellerScope;
}

impl Taker for ResellerUser {
    const READER: Reader = Reader::Reseller;

    fn scope(self) -> ResellerScope {
        self.scope
    }
}

impl Taker for CustomerUser {
    const READER: Reader = Reader::Customer;

    fn scope(self) -> ResellerScope {
        self.scope
    }
}

async fn csv<T: Taker>(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    taker: T,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let form = Form::csv(text(&query, "dialect"))?;
    take(&portal, taker, &statement, form).await
}

async fn xlsx<T: Taker>(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    taker: T,
) -> Result<Response, Error> {
    take(&portal, taker, &statement, Form::Xlsx).await
}

async fn json<T: Taker>(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    taker: T,
) -> Result<Response, Error> {
    take(&portal, taker, &statement, Form::Json).await
}

async fn einvoice<T: Taker>(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    taker: T,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let form = Form::invoice(text(&query, "syntax"), text(&query, "profile"))?;
    take(&portal, taker, &statement, form).await
}

async fn pdf<T: Taker>(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    taker: T,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let form = Form::pdf(text(&query, "look"), text(&query, "invoice"))?;
    take(&portal, taker, &statement, form).await
}

async fn take<T: Taker>(portal: &Portal, taker: T, statement: &str, form: Form) -> Result<Response, Error> {
    let (statement_id, scope) = (id(statement)?, taker.scope());
    let read = move |tx: &mut Tx<'_>| -> Result<(String, Material), Error> {
        let found = match T::READER {
            Reader::Reseller => store::statement(tx, &scope, statement_id)?,
            Reader::Customer => issued(tx, &scope, statement_id)?,
        };
        let stored = found.ok_or(Error::NotFound)?;
        Ok((export::name(&stored), material(tx, &scope, stored, form)?))
    };
    let (name, material) = portal.db().read(read).await?;
    let bytes = made(material, form).await?;
    Ok(file(form.content_type(), &name, &form.ending(), bytes))
}

/// Makes a file within the deadline.
async fn made(material: Material, form: Form) -> Result<Vec<u8>, Error> {
    let making = async move {
        let desk = if form.is_heavy() {
            Some(DESKS.acquire().await.map_err(|_| Error::from(DbError::Interrupted))?)
        } else {
            None
        };
        let work = move || {
            // It is held until the work ends, also when nobody waits for that any more.
            let _desk = desk;
            export::bytes(&material, form)
        };
        blocking(work).await
    };
    let late = || {
        let words = "Making this file takes too long. Try again in a while, or take the CSV.";
        Err(Error::Conflict(words.to_owned()))
    };
    tokio::time::timeout(DEADLINE, making).await.unwrap_or_else(|_| late())
}

/// What the file is made from.
fn material(tx: &mut Tx<'_>, scope: &ResellerScope, mut stored: Stored, form: Form) -> Result<Material, Error> {
    let mut is_renamed = false;
    if form.is_invoice() {
        if !stored.is_issued() {
            let words = "An electronic invoice has a number and a date. Approve and issue this first.";
            return Err(Error::Conflict(words.to_owned()));
        }
        let (known, filled) = parties(tx, scope, &stored)?;
        (stored.statement.parties, is_renamed) = (known, filled.is_renamed);
    }
    let sites = events_store::sites(tx, scope, stored.contract_id)?;
    Ok(Material {
        around: Around { name: stored.name, state: stored.state.word().to_owned(), sites },
        statement: stored.statement,
        brand: brand(tx, scope)?,
        is_renamed,
    })
}

/// How the reseller shows itself; by its name here where it never said another.
fn brand(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Brand, DbError> {
    let look = branding(tx, scope)?;
    let name = if look.name.is_empty() {
        tx.query_opt(RESELLER, params![scope.reseller_id()], |row| row.text(0))?.unwrap_or_default()
    } else {
        look.name
    };
    Ok(Brand { name, address: look.address, accent: look.accent, footer: look.footer, payment: look.payment })
}

/// The parties of an issued document, with what was not known of them taken from what is known now.
fn parties(tx: &mut Tx<'_>, scope: &ResellerScope, stored: &Stored) -> Result<(Parties, Filled), DbError> {
    let now = gather::parties(tx, scope, stored.customer_id)?;
    let mut parties = stored.statement.parties.clone();
    let filled = export::fill(&mut parties, stored.statement.payer.as_deref(), &now);
    Ok((parties, filled))
}

/// What the electronic invoice of an issued document says beyond it, for its page; `None` where it says nothing
/// else.
pub(super) fn filled(tx: &mut Tx<'_>, scope: &ResellerScope, stored: &Stored) -> Result<Option<String>, DbError> {
    if !stored.is_issued() {
        return Ok(None);
    }
    let (_, Filled { fields, .. }) = parties(tx, scope, stored)?;
    let words = "What was not known when this was issued stands in the electronic invoice as it is known today";
    Ok((!fields.is_empty()).then(|| format!("{words}: {}.", fields.join(", "))))
}

/// The files that a page offers, for a statement at `href`: those that most people want, and the other forms.
pub(super) fn links(href: &str, stored: &Stored) -> (Vec<Link>, Vec<Link>) {
    let link = |(words, file): &(&str, &str)| Link::new(*words, format!("{href}/{file}"));
    let offered = |files: &[(&str, &str)], is_offered: bool| -> Vec<Link> {
        files.iter().filter(|_| is_offered).map(link).collect()
    };
    let (is_issued, is_kept) = (stored.is_issued(), stored.is_issued() && stored.has_evidence);
    let first = [
        offered(&[("PDF", "statement.pdf")], HAS_PDF),
        offered(&[("Spreadsheet", "export.xlsx"), ("CSV", "export.csv")], true),
        offered(&[("Electronic invoice", "einvoice.xml")], is_issued),
        offered(&[("Evidence file", "evidence")], is_kept),
    ];
    let looks = [
        ("PDF, a letter for a window envelope", "statement.pdf?look=letter"),
        ("PDF, plain and larger", "statement.pdf?look=plain"),
    ];
    let tables = [
        ("CSV with decimal commas, for Excel", "export.csv?dialect=excel"),
        ("CSV of readings, for business software", "export.csv?dialect=readings"),
        ("CSV of quantities, for business software", "export.csv?dialect=quantities"),
        ("JSON", "export.json"),
    ];
    let invoices = [
        ("Electronic invoice in CII, for Factur-X and ZUGFeRD", "einvoice.xml?syntax=cii"),
        ("Electronic invoice for Peppol", "einvoice.xml?profile=peppol"),
        ("XRechnung", "einvoice.xml?profile=xrechnung"),
        ("XRechnung in CII", "einvoice.xml?profile=xrechnung&syntax=cii"),
    ];
    let hybrids = [
        ("PDF with the electronic invoice in it (Factur-X, ZUGFeRD)", "statement.pdf?invoice=factur-x"),
        ("PDF with the XRechnung in it", "statement.pdf?invoice=xrechnung"),
    ];
    let others = [
        offered(&looks, HAS_PDF),
        offered(&tables, true),
        offered(&invoices, is_issued),
        offered(&hybrids, is_issued && HAS_PDF),
    ];
    (first.concat(), others.concat())
}
