//! Statements as files: for the reseller every one of them, for a customer those that were issued to it.
//!
//! What a file is made from is read in one transaction; it is made where no other request waits for it (see
//! `desks`), and nobody waits longer than a minute. A file of what was issued shows the reseller as it showed itself
//! then. Deliberately absent: the forms themselves (see `export`), keeping what was made, and sending it anywhere.

use super::export::{self, Form, HAS_PDF, Material};
use super::page::Letterhead;
use super::store::{self, Stored};
use super::view::Reader;
use super::{behind, blocking, desks, events_store, file, invoice, issued};
use crate::Portal;
use crate::contracts::brand;
use crate::db::{DbError, Tx, params};
use crate::shell::address::{Fields, id, text};
use crate::shell::page::Link;
use crate::shell::{CustomerUser, Error, ResellerScope, ResellerUser};
use axum::Router;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use documents::{Around, Brand, Logo};
use report::Instant;
use std::future::Future;
use std::time::Duration;

/// How long somebody waits for a file.
const DEADLINE: Duration = Duration::from_secs(60);

const RESELLER: &str = "select name from reseller where reseller_id = $1";

/// The files of statements.
pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/statements/{id}/export.csv", get(csv::<ResellerUser>))
        .route("/statements/{id}/export.xlsx", get(xlsx::<ResellerUser>))
        .route("/statements/{id}/export.json", get(json::<ResellerUser>))
        .route("/statements/{id}/einvoice.xml", get(einvoice::<ResellerUser>))
        .route("/statements/{id}/statement.pdf", get(pdf::<ResellerUser>))
        .route("/statements/{id}/logo", get(logo::<ResellerUser>))
        .route("/my/statements/{id}/export.csv", get(csv::<CustomerUser>))
        .route("/my/statements/{id}/export.xlsx", get(xlsx::<CustomerUser>))
        .route("/my/statements/{id}/export.json", get(json::<CustomerUser>))
        .route("/my/statements/{id}/einvoice.xml", get(einvoice::<CustomerUser>))
        .route("/my/statements/{id}/statement.pdf", get(pdf::<CustomerUser>))
        .route("/my/statements/{id}/logo", get(logo::<CustomerUser>))
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

/// The logo on a statement, for its page.
async fn logo<T: Taker>(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    taker: T,
) -> Result<Response, Error> {
    let (statement_id, scope) = (id(&statement)?, taker.scope());
    let read = move |tx: &mut Tx<'_>| -> Result<Option<Logo>, Error> {
        let stored = found::<T>(tx, &scope, statement_id)?;
        Ok(brand::logo(tx, &scope, stored.issued_at)?)
    };
    portal.db().read(read).await?.map(|logo| brand::picture(&logo)).ok_or(Error::NotFound)
}

/// The statement, if whoever takes it may see it.
fn found<T: Taker>(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64) -> Result<Stored, Error> {
    let found = match T::READER {
        Reader::Reseller => store::statement(tx, scope, statement_id)?,
        Reader::Customer => issued(tx, scope, statement_id)?,
    };
    found.ok_or(Error::NotFound)
}

async fn take<T: Taker>(portal: &Portal, taker: T, statement: &str, form: Form) -> Result<Response, Error> {
    let (statement_id, scope) = (id(statement)?, taker.scope());
    let within = scope.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<(String, Material), Error> {
        let stored = found::<T>(tx, &within, statement_id)?;
        Ok((export::name(&stored), material(tx, &within, stored, form, T::READER)?))
    };
    let making = async {
        // Who waits for a desk holds nothing yet.
        let desk = if form.is_heavy() { Some(desks::free().await?) } else { None };
        let (name, material) = portal.db().read(read).await?;
        let first = material.first.map(|profile| (profile, material.statement.parties.clone()));
        let work = move || export::bytes(&material, form);
        let bytes = match desk {
            Some(desk) => desk.make(work).await?,
            None => blocking(work).await?,
        };
        if let Some((profile, parties)) = first {
            // Only what could be made is kept.
            let now = portal.surroundings().now();
            let keep = move |tx: &mut Tx<'_>| -> Result<(), Error> {
                invoice::keep(tx, &scope, (statement_id, profile), &parties, now)
            };
            portal.db().write(keep).await?;
        }
        Ok::<Response, Error>(file(form.content_type(), &name, &form.ending(), bytes))
    };
    soon(making).await
}

/// What is made within the deadline.
pub(super) async fn soon<T>(making: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = || {
        let words = "Making this takes too long now. Try again in a while; a statement's CSV is made at once.";
        Err(Error::Conflict(words.to_owned()))
    };
    tokio::time::timeout(DEADLINE, making).await.unwrap_or_else(|_| late())
}

/// Whether a logo can be drawn. A build without PDF cannot tell, and takes it.
pub(crate) async fn draws(logo: &Logo) -> Result<bool, Error> {
    if !HAS_PDF {
        return Ok(true);
    }
    let logo = logo.clone();
    let making = async { desks::free().await?.make(move || Ok(export::draws(&logo))).await };
    soon(making).await
}

/// What the file is made from.
fn material(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    mut stored: Stored,
    form: Form,
    reader: Reader,
) -> Result<Material, Error> {
    let (mut is_renamed, mut first) = (false, None);
    if let Some(profile) = form.invoice_of() {
        if !stored.is_issued() {
            let words = "An electronic invoice has a number and a date. Approve and issue this first.";
            return Err(Error::Conflict(words.to_owned()));
        }
        let named = invoice::parties(tx, scope, &stored, profile)?;
        (stored.statement.parties, is_renamed) = (named.parties, named.is_renamed);
        first = (!named.is_kept).then_some(profile);
    }
    let details = (reader == Reader::Reseller).then(|| format!("/customers/{}/billing", stored.customer_id));
    let sites = events_store::sites(tx, scope, stored.contract_id)?;
    let logo = if form.has_logo() { brand::logo(tx, scope, stored.issued_at)? } else { None };
    let (brand, _) = brand_of(tx, scope, stored.issued_at)?;
    Ok(Material {
        around: Around { name: stored.name, state: stored.state.word().to_owned(), sites },
        statement: stored.statement,
        brand,
        logo,
        is_renamed,
        first,
        details,
    })
}

/// How the reseller shows itself on what was issued then, and whether with a logo; by its name here where it never
/// said another.
fn brand_of(tx: &mut Tx<'_>, scope: &ResellerScope, issued: Option<Instant>) -> Result<(Brand, bool), DbError> {
    let brand::Shown { words, has_logo } = brand::shown(tx, scope, issued)?;
    let name = if words.name.is_empty() {
        tx.query_opt(RESELLER, params![scope.reseller_id()], |row| row.text(0))?.unwrap_or_default()
    } else {
        words.name
    };
    let brand =
        Brand { name, address: words.address, accent: words.accent, footer: words.footer, payment: words.payment };
    Ok((brand, has_logo))
}

/// What stands at the head of a statement's page.
pub(super) fn letterhead(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    stored: &Stored,
    reader: Reader,
) -> Result<Letterhead, DbError> {
    let (Brand { name, .. }, has_logo) = brand_of(tx, scope, stored.issued_at)?;
    let (within, is_printed_only) = match reader {
        Reader::Reseller => ("", true),
        Reader::Customer => ("/my", false),
    };
    let logo = has_logo.then(|| format!("{within}/statements/{}/logo", stored.statement_id));
    Ok(Letterhead { name, logo, is_printed_only })
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
    let jobs = [("CSV of the jobs and readings behind the lines", "jobs.csv")];
    let others = [
        offered(&looks, HAS_PDF),
        offered(&tables, true),
        offered(&jobs, behind::is_offered(stored)),
        offered(&invoices, is_issued),
        offered(&hybrids, is_issued && HAS_PDF),
    ];
    (first.concat(), others.concat())
}
