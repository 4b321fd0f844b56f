//! Four eyes: where the reseller asks for it, a version that changes a price counts only once a person other than
//! its author approved it.
//!
//! What is compared is every clause in whose form money or a share stands, taxes too, so that a new kind of
//! clause is held without a line here. Deliberately absent: who may switch this on or off, which `eyes` says, and
//! any change of terms.

use super::{follow, store, view};
use crate::Portal;
use crate::db::{DbError, Row, Tx, params};
use crate::shell::address::id;
use crate::shell::{Error, FormData, Posted, ResellerScope, ResellerUser, format, see_other};
use crate::statements::store::setting;
use axum::Router;
use axum::extract::{Path, State as Within};
use axum::response::Response;
use axum::routing::post;
use billing::form::{Entries, Field, Kind};
use billing::{Clause, Terms};

/// The setting that asks for a second person.
pub(super) const FOUR_EYES: &str = "four-eyes";
/// Its value where it is switched on.
pub(super) const ON: &str = "on";
/// Characters of a note at most.
const NOTE_MAX: usize = 500;

// Whoever comes second changes nothing.
const DECIDE: &str = "update contract_version set state = $4
    where reseller_id = $1 and contract_id = $2 and version = $3 and state = 'proposed'";
const KEEP: &str = "insert into contract_approval (reseller_id, contract_id, version, person_id, at, verdict, note)
    values ($1, $2, $3, $4, $5, $6, $7)";

/// What became of a version of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits for another person.
    Proposed,
    /// It counts.
    Standing,
    /// Another person refused it; it never counts.
    Refused,
}

impl State {
    /// The word in the database.
    pub(crate) fn word(self) -> &'static str {
        match self {
            State::Proposed => "proposed",
            State::Standing => "standing",
            State::Refused => "refused",
        }
    }

    /// Reads a column.
    pub(super) fn read(row: &Row, column: usize) -> Result<State, DbError> {
        let word = row.text(column)?;
        let found = [State::Proposed, State::Standing, State::Refused].into_iter().find(|state| state.word() == word);
        found.ok_or(DbError::Shape { column, wanted: "the state of a version" })
    }
}

/// The acts on a version that waits.
pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/contracts/{id}/versions/{version}/approve", post(approve))
        .route("/contracts/{id}/versions/{version}/refuse", post(refuse))
}

/// What a version with these terms is saved as, after `previous`.
pub(crate) fn state_for(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    previous: Option<&Terms>,
    terms: &Terms,
) -> Result<State, DbError> {
    let is_on = setting(tx, scope, FOUR_EYES)?.is_some_and(|value| value == ON);
    Ok(if is_on && changes_price(previous, terms) { State::Proposed } else { State::Standing })
}

/// Whether terms ask for another amount, price or share than those before. The order of clauses and what their
/// lines are called make no difference.
pub(crate) fn changes_price(previous: Option<&Terms>, now: &Terms) -> bool {
    match previous {
        None => !priced(now).is_empty(),
        Some(previous) => previous.currency != now.currency || priced(previous) != priced(now),
    }
}

/// What every clause with money in it says, in one order.
fn priced(terms: &Terms) -> Vec<(&'static str, Entries)> {
    let of_clause = |clause: &Clause| {
        let mut entries = billing::form::fill(clause, terms.currency);
        entries.retain(|path, _| path != "title" && path != "key");
        (clause.word(), entries)
    };
    let with_money = terms.clauses.iter().filter(|clause| clause.form().iter().any(is_money));
    let mut all: Vec<(&'static str, Entries)> = with_money.map(of_clause).collect();
    all.sort();
    all
}

/// Whether a field, or a column of a list, holds money or a share.
fn is_money(field: &Field) -> bool {
    match field.kind {
        Kind::Money | Kind::Price | Kind::Percent => true,
        Kind::Rows(columns) => columns.iter().any(is_money),
        _ => false,
    }
}

async fn approve(
    Within(portal): Within<Portal>,
    Path((contract, version)): Path<(String, String)>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let contract_id = decide(&portal, (&contract, &version), user, &form, State::Standing).await?;
    Ok(see_other(&format!("/contracts/{contract_id}?done=approved-version")))
}

async fn refuse(
    Within(portal): Within<Portal>,
    Path((contract, version)): Path<(String, String)>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let contract_id = decide(&portal, (&contract, &version), user, &form, State::Refused).await?;
    Ok(see_other(&format!("/contracts/{contract_id}?done=refused")))
}

async fn decide(
    portal: &Portal,
    (contract, version): (&str, &str),
    user: ResellerUser,
    form: &FormData,
    becomes: State,
) -> Result<i64, Error> {
    let (contract_id, version, now) = (id(contract)?, id(version)?, portal.surroundings().now());
    let note: String = form.text("note").chars().take(NOTE_MAX).collect();
    let write = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        let (by, scope) = (user.signed.person_id, &user.scope);
        store::hold_stays(tx, scope)?;
        may_decide(tx, scope, (contract_id, version), by, becomes)?;
        let reseller = scope.reseller_id();
        if tx.execute(DECIDE, params![reseller, contract_id, version, becomes.word()])? == 0 {
            return Err(decided(version));
        }
        let verdict = if becomes == State::Standing { "approved" } else { "refused" };
        tx.execute(KEEP, params![reseller, contract_id, version, by, now, verdict, note])?;
        Ok(())
    };
    portal.db().write(write).await?;
    Ok(contract_id)
}

fn decided(version: i64) -> Error {
    Error::Conflict(format!("Version {version} does not wait for approval any more. Look at the contract."))
}

/// Refuses what the person may not decide, and an approval of what cannot count any more.
fn may_decide(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (contract_id, number): (i64, i64),
    by: i64,
    becomes: State,
) -> Result<(), Error> {
    store::contract(tx, scope, contract_id)?.ok_or(Error::NotFound)?;
    let versions = store::versions(tx, scope, contract_id)?;
    let version = versions.iter().find(|version| version.number == number).ok_or(Error::NotFound)?;
    if version.state != State::Proposed {
        return Err(decided(number));
    }
    if version.person_id == by {
        let words = "You wrote this version. It takes another person to approve or refuse it.";
        return Err(Error::Conflict(words.to_owned()));
    }
    if becomes == State::Refused {
        return Ok(());
    }
    let billed = store::billed(tx, scope, contract_id)?;
    superseded(version, &versions, &billed).map_or(Ok(()), |words| Err(Error::Conflict(words)))
}

/// Why a version that waits cannot count any more, whoever approves it: another one was saved since, or what it
/// would bill was issued. `None` where it can.
pub(super) fn superseded(
    version: &store::Version,
    versions: &[store::Version],
    billed: &[store::Billed],
) -> Option<String> {
    let number = version.number;
    let written_since = |other: &&store::Version| other.state == State::Standing && other.number > number;
    if let Some(newer) = versions.iter().filter(written_since).max_by_key(|other| other.number) {
        let number = newer.number;
        return Some(format!("Version {number} was saved since and counts. Make a new version with these terms."));
    }
    let words = overtaken(version, versions, billed)?;
    let day = format::day(version.valid_from, &view::zone_of(&version.terms));
    Some(format!("Version {number} cannot begin on {day} any more. {words}"))
}

/// Why a version cannot count any more since it was written.
fn overtaken(version: &store::Version, versions: &[store::Version], billed: &[store::Billed]) -> Option<String> {
    // Its author saw what it puts right, and not what was issued since.
    let issued_since = |of: &&store::Billed| {
        version.valid_from < of.period.end && of.issued_at.is_some_and(|issued_at| version.created_at <= issued_at)
    };
    if let Some(of) = billed.iter().find(issued_since) {
        let label = follow::label(of.period, &version.terms.time_zone);
        return Some(format!("{label} was issued since it was written. Make a new version with these terms."));
    }
    follow::cannot_follow(&version.terms, version.valid_from, versions, billed).map(|wrong| wrong.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Allowance, BaseFee, Currency, Money, Pattern, Price, PriceList, Tax, UnitPrice};
    use report::Share;

    fn terms() -> Terms {
        let pattern = Pattern::parse("pages").expect("a pattern");
        let price = Price::new(pattern.clone(), UnitPrice { millionths: 140_000 });
        let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), "UTC");
        terms.clauses = vec![
            Clause::BaseFee(BaseFee { amount: Money(18_000), ..BaseFee::default() }),
            Clause::Allowance(Allowance { covers: vec![pattern], included: 400, ..Allowance::default() }),
            Clause::PriceList(PriceList { prices: vec![price] }),
            Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() }),
        ];
        terms
    }

    fn changed(change: impl FnOnce(&mut Terms)) -> bool {
        let mut now = terms();
        change(&mut now);
        changes_price(Some(&terms()), &now)
    }

    #[test]
    fn prices_taxes_and_fees_need_a_second_person() {
        assert!(changes_price(None, &terms()));
        assert!(changed(|terms| {
            terms.clauses.remove(0);
        }));
        assert!(changed(|terms| {
            if let Clause::PriceList(list) = &mut terms.clauses[2] {
                list.prices[0].price = UnitPrice { millionths: 140_001 };
            }
        }));
        assert!(changed(|terms| {
            if let Clause::Tax(tax) = &mut terms.clauses[3] {
                tax.rate = Share(190_000);
            }
        }));
    }

    #[test]
    fn what_changes_no_price_needs_none() {
        assert!(!changed(|_| {}));
        assert!(!changed(|terms| terms.clauses.reverse()));
        assert!(!changed(|terms| {
            if let Clause::Allowance(allowance) = &mut terms.clauses[1] {
                allowance.included = 500;
            }
        }));
        assert!(!changed(|terms| {
            if let Clause::BaseFee(fee) = &mut terms.clauses[0] {
                fee.title = Some("Service".to_owned());
            }
        }));
    }
}
