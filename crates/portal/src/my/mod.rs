//! The customer's own page: its printers, the statements issued to it, and what is collected about it.
//!
//! The scope of a customer's person is narrowed to that customer. Deliberately absent: drafts, and everything else
//! that is the reseller's alone; a contract, a printer and a statement have their pages where the features are.

pub(crate) mod page;
pub(crate) mod readings;
mod store;

use crate::Portal;
use crate::agents::{self, Brief, Fate, Policy};
use crate::contracts::own_contracts;
use crate::customers::{overview, personal_words};
use crate::db::{DbError, Tx};
use crate::fleet::page::PrinterRow;
use crate::shell::address::{Fields, address, text};
use crate::shell::format;
use crate::shell::page::Badge;
use crate::shell::part::Part;
use crate::shell::{CustomerUser, Error, chrome, render};
use crate::statements::page::StatementRow;
use crate::statements::{period_of, status};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use billing::Currency;
use page::{AgentRow, MyPage, policy};
use report::RowId;

/// `/my` and what is below.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/my", get(show))
        .route("/my/statements/{id}", get(statement))
        .route("/my/statements/{id}/evidence", get(evidence))
        .merge(readings::routes())
}

async fn show(
    State(portal): State<Portal>,
    user: CustomerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let page = portal.db().read(move |tx| my_page(tx, &own, &user, &query)).await?;
    render(&page.ok_or(Error::NotFound)?)
}

/// Which part of the statements is asked for; `page` is that of the printers.
const STATEMENTS: &str = "statements";

fn my_page(tx: &mut Tx<'_>, portal: &Portal, user: &CustomerUser, query: &Fields) -> Result<Option<MyPage>, DbError> {
    let (scope, now) = (&user.scope, portal.surroundings().now());
    let (part, of_statements) = (Part::asked(query), Part::named(query, STATEMENTS));
    let Some(customer_id) = scope.customer_id() else { return Ok(None) };
    let Some(seen) = overview(tx, scope, customer_id, part, now)? else { return Ok(None) };
    let reseller = store::reseller(tx, scope)?.unwrap_or_else(|| format::UNKNOWN.to_owned());
    let statements = store::statements(tx, scope, customer_id, of_statements)?;
    let issued = store::statement_count(tx, scope, customer_id)?;
    // Each list keeps the part that is shown of the other.
    let printers_at = |page: &str| address("/my", [("page", page), (STATEMENTS, text(query, STATEMENTS))]);
    let statements_at = |page: &str| address("/my", [("page", text(query, "page")), (STATEMENTS, page)]);
    let month = format::month(now, &seen.zone);
    let agents = agents::of_customer(tx, scope, customer_id, now)?;
    let at_work = agents.iter().filter(|agent| agent.is_at_work);
    let policies: Vec<Policy> = at_work.map(|agent| agent.policy.clone()).collect();
    Ok(Some(MyPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/my", "Your printing"), None)?,
        sub: format!("Billed by {reseller} · times in {} · figures of {month}", seen.zone.name()),
        pager: part.pager_at(seen.printers.len(), seen.printer_count, printers_at),
        statement_pager: of_statements.pager_at(statements.len(), issued, statements_at),
        printers: seen.printers.into_iter().map(own_printer).collect(),
        contracts: own_contracts(tx, scope, customer_id, now)?,
        statements: statements.iter().map(statement_row).collect(),
        policy: policy(|row| fate(row, &policies, seen.personal)),
        agents: agents.iter().map(agent_row).collect(),
        policy_words: personal_words(seen.personal),
    }))
}

/// What happens to a personal row: what the agents told; where none did, what arrived of late.
fn fate(row: RowId, policies: &[Policy], personal: Option<bool>) -> Fate {
    let arrived = if personal == Some(true) { Fate::Kept } else { Fate::Dropped };
    agents::fate_of(row, policies).unwrap_or(arrived)
}

fn agent_row(agent: &Brief) -> AgentRow {
    AgentRow {
        name: agent.name.clone(),
        note: format!("{}, in contact {}", agent.kind, agent.last),
        status: agent.status.clone(),
        policy: agents::policy_rows(&agent.policy),
    }
}

/// A printer, at the customer's own page of it.
fn own_printer(row: PrinterRow) -> PrinterRow {
    PrinterRow { href: format!("/my{}", row.href), ..row }
}

fn statement_row(issued: &store::Issued) -> StatementRow {
    let digits = Currency::parse(&issued.currency).map_or(2, Currency::minor_digits);
    let payer = issued.payer.as_ref().map_or_else(String::new, |payer| format!(", paid by {payer}"));
    StatementRow {
        href: format!("/my/statements/{}", issued.statement_id),
        number: issued.name.clone(),
        customer: format!("{}{payer}", issued.customer),
        period: period_of(issued.kind, &issued.period),
        grades: issued.grades.iter().copied().map(Badge::from).collect(),
        status: status(issued.state),
        total: format::money(issued.total, u32::from(digits), &issued.currency),
    }
}

async fn statement(
    State(portal): State<Portal>,
    user: CustomerUser,
    Path(id): Path<String>,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    crate::statements::customer_page(&portal, &user, &id, query.get("done").cloned()).await
}

async fn evidence(State(portal): State<Portal>, user: CustomerUser, Path(id): Path<String>) -> Result<Response, Error> {
    crate::statements::customer_evidence(&portal, &user, &id).await
}
