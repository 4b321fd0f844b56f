//! Draws up statements: the facts of a period and the contract's version become a stored draft.
//!
//! Deliberately absent: all arithmetic, which is the billing crate's, and approving.

use super::facts;
use super::store::{self, Contract, Draft};
use crate::db::Tx;
use crate::shell::{Error, ResellerScope};
use billing::{ContractRef, Evidence, Input, MeterKind, Period, rate};
use report::Instant;
use std::collections::BTreeSet;

/// What came of drawing up a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DrawUp {
    /// The new draft.
    pub(crate) statement_id: i64,
    /// How many lines it has.
    pub(crate) lines: usize,
    /// How many drafts it replaced.
    pub(crate) replaced: u64,
}

/// Draws up the statement of a period. Drafts that touch the period are replaced; an approved statement
/// that touches it is a conflict.
pub(crate) fn draw_up(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
    statement_id: i64,
    now: Instant,
) -> Result<DrawUp, Error> {
    let contract = store::contract(tx, scope, contract_id, period.end)?;
    store::refuse_billed(tx, scope, contract_id, period)?;
    let notes = notes(&contract, period, now);
    let customer_id = contract.customer_id;
    let printers = facts::printers(tx, scope, contract_id, period, &counted(&contract))?;
    let input = Input {
        contract: ContractRef {
            id: contract_id.to_string(),
            number: contract.number,
            version: u32::try_from(contract.version).unwrap_or(u32::MAX),
        },
        terms: contract.terms,
        period,
        customer: contract.customer,
        printers,
    };
    let mut statement =
        rate(&input).map_err(|error| Error::Conflict(format!("The statement cannot be drawn up: {error}.")))?;
    statement.notes.extend(notes);
    let replaced = store::drop_drafts(tx, scope, contract_id, period)?;
    let draft = Draft { statement_id, contract_id, customer_id, statement: &statement };
    store::insert(tx, scope, &draft, now).map_err(|error| {
        if error.is_conflict() {
            Error::Conflict("Somebody drew up this statement at the same moment. Look at the contract.".to_owned())
        } else {
            Error::from(error)
        }
    })?;
    Ok(DrawUp { statement_id, lines: statement.lines.len(), replaced })
}

/// The kinds of counters that a statement reads: those it bills from, and media for the reconciliation.
fn counted(contract: &Contract) -> BTreeSet<MeterKind> {
    let terms = &contract.terms;
    let billed = terms.kinds().into_iter().filter(|kind| terms.evidence_of(*kind) == Evidence::Counter);
    billed.chain([MeterKind::AreaMedia]).collect()
}

fn notes(contract: &Contract, period: Period, now: Instant) -> Vec<String> {
    let mut notes = Vec::new();
    if now < period.end {
        notes.push(format!("This was drawn up at {now}, before the period's end: later usage is not in it."));
    }
    if contract.version > 1 && contract.valid_from > period.start {
        let since = contract.valid_from;
        notes.push(format!("Version {} starts at {since}; it bills the whole period.", contract.version));
    }
    notes
}
