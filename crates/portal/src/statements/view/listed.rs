//! Fills the list of statements: its filters with their counts, and a row for each.
//!
//! Deliberately absent: a customer's own list, which `my` fills.

use super::super::page::{StatementRow, StatementsPage};
use super::super::store::{self, Filter, Listed, State};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::address;
use crate::shell::format;
use crate::shell::page::{Badge, Chip, Status, Tone};
use crate::shell::part::{Part, ROWS};
use crate::shell::{ResellerUser, chrome};
use billing::{Currency, DocumentKind};
use std::collections::BTreeMap;

/// `/statements`.
pub(in crate::statements) fn list(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    query: &BTreeMap<String, String>,
) -> Result<StatementsPage, DbError> {
    let filter = filter(query);
    let part = Part::asked(query);
    let mut count = |state: Option<State>| store::counts(tx, &user.scope, &Filter { state, ..filter.clone() });
    let (all, open) = count(None)?;
    let (drafts, issued) = (count(Some(State::Draft))?.0, count(Some(State::Issued))?.0);
    let (approved, corrected) = (open - drafts, all - open - issued);
    let counts = [
        ("All", all, None),
        ("To approve", drafts, Some(State::Draft)),
        ("To issue", approved, Some(State::Approved)),
        ("Issued", issued, Some(State::Issued)),
        ("Corrected", corrected, Some(State::Corrected)),
    ];
    let total = counts.iter().find(|(_, _, state)| *state == filter.state).map_or(all, |(_, count, _)| *count);
    let listed = store::list(tx, &user.scope, &filter, (ROWS, part.skipped()))?;
    let chip = |(label, count, state): (&str, i64, Option<State>)| {
        let href = list_address(&Filter { state, ..filter.clone() }, "");
        Chip::new(format!("{label} {count}"), href, filter.state == state)
    };
    let done = query.get("done").map(String::as_str);
    Ok(StatementsPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/statements", "Statements"), done)?,
        sub: format!("{drafts} to approve, {approved} to issue · each period in its contract's zone"),
        chips: counts.into_iter().map(chip).collect(),
        rows: listed.iter().map(row).collect(),
        pager: part.pager_at(listed.len(), total, |page| list_address(&filter, page)),
    })
}

fn filter(query: &BTreeMap<String, String>) -> Filter {
    let state = query.get("state").and_then(|word| State::parse(word));
    let customer_id = query.get("customer").and_then(|id| id.parse().ok()).unwrap_or(0);
    Filter { state, customer_id }
}

fn list_address(filter: &Filter, page: &str) -> String {
    let customer = if filter.customer_id == 0 { String::new() } else { filter.customer_id.to_string() };
    let state = filter.state.map_or("", State::word);
    address("/statements", [("state", state), ("customer", customer.as_str()), ("page", page)])
}

/// A state as pages show it.
pub(crate) fn status(state: State) -> Status {
    let tone = if state.is_issued() { Tone::Good } else { Tone::Info };
    Status::new(tone, state.word())
}

fn row(listed: &Listed) -> StatementRow {
    let digits = Currency::parse(&listed.currency).map_or(2, Currency::minor_digits);
    let payer = if listed.payer.is_empty() { String::new() } else { format!(", paid by {}", listed.payer) };
    StatementRow {
        href: format!("/statements/{}", listed.statement_id),
        number: if listed.name.is_empty() { listed.state.word().to_owned() } else { listed.name.clone() },
        customer: format!("{}{payer}", listed.customer),
        period: period_of(listed.kind, &listed.period),
        grades: listed.grades.iter().copied().map(Badge::from).collect(),
        status: status(listed.state),
        total: format::money(listed.total, u32::from(digits), &listed.currency),
    }
}

/// A period, with what the document is where it is a note: `Credit note, October 2026`.
pub(crate) fn period_of(kind: DocumentKind, period: &str) -> String {
    match kind {
        DocumentKind::Statement => period.to_owned(),
        DocumentKind::Credit | DocumentKind::Debit => format!("{}, {period}", kind.label()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_stay_in_the_address() {
        let query = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(list_address(&filter(&query(&[])), ""), "/statements");
        let drafts = list_address(&filter(&query(&[("state", "draft"), ("customer", "4")])), "");
        assert_eq!(drafts, "/statements?state=draft&customer=4");
        assert_eq!(list_address(&filter(&query(&[("state", "' or 1=1")])), ""), "/statements");
    }
}
