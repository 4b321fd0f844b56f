//! What terms are held against when something may be odd about them: the version before, what other contracts
//! ask for, the printers there are, and the last statements.
//!
//! Deliberately absent: saying what is odd, which the billing crate does.

use super::approve::State;
use super::store;
use crate::db::{DbError, Tx};
use crate::shell::ResellerScope;
use billing::{Around, Clause, Currency, Lint, PrinterBrief, Statement, Terms, UnitPriceOf};
use report::Instant;
use std::collections::BTreeSet;

/// Other contracts that are looked at, at most.
const FAMILY_MAX: i64 = 500;
/// Documents that the last periods can have: several payers, three periods.
const DOCUMENTS_MAX: i64 = 12;
/// Stays of printers that are looked at, at most.
const STAYS_MAX: i64 = 20_000;
/// So many periods are looked at.
const LAST: usize = 3;

/// What terms are held against.
#[derive(Default)]
pub(super) struct Known {
    family: Vec<UnitPriceOf>,
    printers: Vec<PrinterBrief>,
    last: Vec<Statement>,
}

/// Gathers what is known around a contract; around a new one, only what others ask for.
pub(super) fn known(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: Option<i64>,
    currency: Currency,
    now: Instant,
) -> Result<Known, DbError> {
    let family = family(tx, scope, contract_id, currency, now)?;
    let Some(contract_id) = contract_id else { return Ok(Known { family, ..Known::default() }) };
    let documents = store::last_documents(tx, scope, contract_id, DOCUMENTS_MAX)?;
    Ok(Known { family, printers: printers(tx, scope, contract_id)?, last: whole(documents) })
}

impl Known {
    /// What is odd about terms that follow `previous`.
    pub(super) fn lint(&self, terms: &Terms, previous: Option<&Terms>) -> Vec<Lint> {
        let around = Around { previous, family: &self.family, printers: &self.printers, last: self.last.as_slice() };
        billing::lint(terms, &around)
    }
}

/// The statements of the last periods; none where others pay a part of them, as the customer's own then do not
/// say what was used.
fn whole(documents: Vec<(String, Statement)>) -> Vec<Statement> {
    if documents.iter().any(|(payer, _)| !payer.is_empty()) {
        return Vec::new();
    }
    documents.into_iter().map(|(_, statement)| statement).take(LAST).collect()
}

/// What other contracts ask for in the same currency, for the meter's own unit.
fn family(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: Option<i64>,
    currency: Currency,
    now: Instant,
) -> Result<Vec<UnitPriceOf>, DbError> {
    let others = store::list(tx, scope, 0, now, (FAMILY_MAX, 0))?;
    // What waits or was refused is nobody's price.
    let counts = |other: &&store::Listed| other.state == State::Standing && Some(other.contract_id) != contract_id;
    let others = others.iter().filter(counts);
    let clauses = others.filter(|other| other.terms.currency == currency).flat_map(|other| &other.terms.clauses);
    let prices = clauses.filter_map(|clause| match clause {
        Clause::PriceList(list) => Some(&list.prices),
        _ => None,
    });
    let own_unit = prices.flatten().filter(|price| price.unit.is_none_or(|unit| unit == price.pattern.unit()));
    Ok(own_unit.map(|price| UnitPriceOf { pattern: price.pattern.clone(), price: price.price }).collect())
}

/// The printers that are or were in the contract, with what they counted.
fn printers(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Vec<PrinterBrief>, DbError> {
    let mut counted = store::counted(tx, scope, contract_id)?;
    let mut seen = BTreeSet::new();
    let mut printers = Vec::new();
    for stay in store::stays(tx, scope, contract_id, STAYS_MAX)? {
        let id = stay.printer.printer_id;
        if seen.insert(id) {
            let (meters, media) = counted.remove(&id).unwrap_or_default();
            printers.push(PrinterBrief { id: id.to_string(), label: stay.printer.label, meters, media });
        }
    }
    Ok(printers)
}
