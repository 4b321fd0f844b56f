//! What people say happened to a contract: outages, credits, supplies, purchases, its exit.
//!
//! Nothing is edited: what was wrong is withdrawn, and both stay. Deliberately absent: what such an event
//! costs, which the contract's clauses say when a statement is drawn up.

use crate::db::{DbError, Param, Row, Tx, params};
use crate::shell::{Error, ResellerScope, printer};
use billing::{CreditFact, ExitFact, Outage, PeriodError, Purchase, SupplyFact, Terms};
use report::Instant;
use std::collections::BTreeMap;

/// Printers that a form lists at most; of more, one is named by its serial number.
pub(super) const PRINTERS_MAX: i64 = 500;

const CONTRACT: &str = "select contract.number, customer.name, made.terms,
    (select min(first.valid_from) from contract_version as first where first.reseller_id = contract.reseller_id
        and first.contract_id = contract.contract_id and first.state = 'standing')
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    join contract_version as made on made.reseller_id = contract.reseller_id
        and made.contract_id = contract.contract_id and made.state = 'standing'
    where contract.reseller_id = $1 and contract.contract_id = $2
    order by made.valid_from desc, made.version desc limit 1";
const PRINTERS: &str = "select distinct printer.printer_id, printer.serial, printer.product_name, printer.nickname
    from contract_printer as stay
    join printer on printer.reseller_id = stay.reseller_id and printer.printer_id = stay.printer_id
    where stay.reseller_id = $1 and stay.contract_id = $2
    order by printer.serial limit $3";
const NAMED: &str = "select distinct printer.printer_id, printer.serial, printer.product_name, printer.nickname
    from contract_printer as stay
    join printer on printer.reseller_id = stay.reseller_id and printer.printer_id = stay.printer_id
    where stay.reseller_id = $1 and stay.contract_id = $2 and (printer.printer_id = $3 or printer.serial = $4)
    order by printer.printer_id limit 1";
const LABELS: &str = "select reseller_id, printer_id, serial, product_name, nickname from printer";
const EVENTS: &str = "select happened.event_id, happened.kind, happened.start_at, happened.end_at, happened.details,
    happened.entered_at, coalesce(person.name, ''), happened.withdrawn_at, coalesce(other.name, '')
    from billing_event as happened
    left join person on person.person_id = happened.person_id
    left join person as other on other.person_id = happened.withdrawn_by
    where happened.reseller_id = $1 and happened.contract_id = $2
    order by happened.start_at desc, happened.event_id desc limit $3 offset $4";
const COUNT: &str = "select count(*) from billing_event where reseller_id = $1 and contract_id = $2";
const EXIT: &str = "select details from billing_event
    where reseller_id = $1 and contract_id = $2 and kind = 'exit' and withdrawn_at is null
    order by start_at desc, event_id desc limit 1";
const ENDS: &str = "update contract set ends_at = $3 where reseller_id = $1 and contract_id = $2";
const INSERT: &str = "insert into billing_event
    (reseller_id, event_id, contract_id, kind, start_at, end_at, details, entered_at, person_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const WITHDRAW: &str = "update billing_event set withdrawn_at = $4, withdrawn_by = $5
    where reseller_id = $1 and contract_id = $2 and event_id = $3 and withdrawn_at is null";
const SITES: &str = "select site.site_id, site.name from site
    join contract on contract.reseller_id = site.reseller_id and contract.customer_id = site.customer_id
    where site.reseller_id = $1 and contract.contract_id = $2";

/// Something that happened to a contract, as a person says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    /// A printer was out of service. CL26.
    Outage(Outage),
    /// Prints that are not the customer's to pay. CL22.
    Credit(CreditFact),
    /// Supplies were delivered. CL12.
    Supply(SupplyFact),
    /// Prepaid blocks were bought. CL24.
    Purchase(Purchase),
    /// The customer leaves. CL25.
    Exit(ExitFact),
}

impl Happened {
    /// The word in the database.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Happened::Outage(_) => "outage",
            Happened::Credit(_) => "credit",
            Happened::Supply(_) => "supply",
            Happened::Purchase(_) => "purchase",
            Happened::Exit(_) => "exit",
        }
    }

    /// From when until when, in the contract's zone; the same instant twice where it has no length.
    pub(crate) fn span(&self, zone: &str) -> Result<(Instant, Instant), PeriodError> {
        Ok(match self {
            Happened::Outage(outage) => (outage.from, outage.to),
            Happened::Credit(credit) => (credit.at, credit.at),
            Happened::Supply(supply) => (supply.at, supply.at),
            Happened::Purchase(purchase) => (purchase.at, purchase.at),
            Happened::Exit(exit) => {
                let at = exit.on.start(zone)?;
                (at, at)
            }
        })
    }

    /// What is stored as its details.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        match self {
            Happened::Outage(outage) => serde_json::to_string(outage),
            Happened::Credit(credit) => serde_json::to_string(credit),
            Happened::Supply(supply) => serde_json::to_string(supply),
            Happened::Purchase(purchase) => serde_json::to_string(purchase),
            Happened::Exit(exit) => serde_json::to_string(exit),
        }
    }

    /// Reads what is stored.
    pub(crate) fn read(kind: &str, details: &str) -> Result<Happened, DbError> {
        Ok(match kind {
            "outage" => Happened::Outage(serde_json::from_str(details)?),
            "credit" => Happened::Credit(serde_json::from_str(details)?),
            "supply" => Happened::Supply(serde_json::from_str(details)?),
            "purchase" => Happened::Purchase(serde_json::from_str(details)?),
            "exit" => Happened::Exit(serde_json::from_str(details)?),
            _ => return Err(DbError::Shape { column: 1, wanted: "the kind of an event" }),
        })
    }
}

/// A contract, as far as its events need it.
pub(super) struct Contract {
    /// The number people know it by.
    pub(super) number: String,
    /// Its customer.
    pub(super) customer: String,
    /// The terms that stand last.
    pub(super) terms: Terms,
    /// When it begins: with its first version.
    pub(super) starts_at: Option<Instant>,
}

/// The contract, if it is the reseller's.
pub(super) fn contract(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Option<Contract>, DbError> {
    tx.query_opt(CONTRACT, params![scope.reseller_id(), contract_id], |row| {
        Ok(Contract {
            number: row.text(0)?,
            customer: row.text(1)?,
            terms: serde_json::from_str(&row.text(2)?)?,
            starts_at: row.opt_int(3)?.map(Instant),
        })
    })
}

/// The printers that are or were in the contract: id and what people call them, by serial number.
pub(super) fn printers(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
) -> Result<Vec<(i64, String)>, DbError> {
    tx.query(PRINTERS, params![scope.reseller_id(), contract_id, PRINTERS_MAX], |row| named(row, 0))
}

/// A printer by the columns id, serial number, product and nickname, the first of which is `at`.
fn named(row: &Row, at: usize) -> Result<(i64, String), DbError> {
    let (product, nickname) = (row.opt_text(at + 2)?, row.opt_text(at + 3)?);
    Ok((row.int(at)?, printer::label(nickname.as_deref(), product.as_deref(), None, &row.text(at + 1)?)))
}

/// The printer that is or was in the contract and that somebody names by its id or serial number.
pub(super) fn printer_named(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    name: &str,
) -> Result<Option<(i64, String)>, DbError> {
    // Ids of printers are ours; 0 is none.
    let printer_id: i64 = name.parse().unwrap_or(0);
    tx.query_opt(NAMED, params![scope.reseller_id(), contract_id, printer_id, name], |row| named(row, 0))
}

/// What people call these printers.
pub(super) fn labels(tx: &mut Tx<'_>, scope: &ResellerScope, printers: &[i64]) -> Result<Vec<(i64, String)>, DbError> {
    let keys: Vec<Vec<Param>> = printers.iter().map(|id| params![scope.reseller_id(), *id].to_vec()).collect();
    tx.query_any(LABELS, &["reseller_id", "printer_id"], &keys, |row| named(row, 1))
}

/// An event as it is kept.
pub(super) struct Kept {
    /// Its id.
    pub(super) event_id: i64,
    /// What happened.
    pub(super) happened: Happened,
    /// Since when.
    pub(super) start: Instant,
    /// When it was entered.
    pub(super) entered_at: Instant,
    /// By whom; empty where nobody is known.
    pub(super) by: String,
    /// When it was withdrawn and by whom, if it was.
    pub(super) withdrawn: Option<(Instant, String)>,
}

/// How many events a contract has, those that were withdrawn included.
pub(super) fn count(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<i64, DbError> {
    tx.count(COUNT, params![scope.reseller_id(), contract_id])
}

/// `most` events of a contract, the latest first, after the first `skipped`.
pub(super) fn events(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    (most, skipped): (i64, i64),
) -> Result<Vec<Kept>, DbError> {
    tx.query(EVENTS, params![scope.reseller_id(), contract_id, most, skipped], |row| {
        let other = row.text(8)?;
        Ok(Kept {
            event_id: row.int(0)?,
            happened: Happened::read(&row.text(1)?, &row.text(4)?)?,
            start: Instant(row.int(2)?),
            entered_at: Instant(row.int(5)?),
            by: row.text(6)?,
            withdrawn: row.opt_int(7)?.map(|at| (Instant(at), other)),
        })
    })
}

/// An event to be kept.
pub(crate) struct NewEvent<'a> {
    /// Its id.
    pub(crate) event_id: i64,
    /// The contract; the caller has checked that it is the reseller's.
    pub(crate) contract_id: i64,
    /// What happened.
    pub(crate) happened: &'a Happened,
    /// The contract's zone, which says when a day begins.
    pub(crate) zone: &'a str,
    /// Who says it.
    pub(crate) person_id: Option<i64>,
    /// When it is entered.
    pub(crate) entered_at: Instant,
}

/// Keeps an event; refuses a day that the zone's calendar does not have.
pub(crate) fn insert(tx: &mut Tx<'_>, scope: &ResellerScope, new: &NewEvent<'_>) -> Result<(), Error> {
    let wrong = |error: PeriodError| Error::Invalid(format!("When it happened: {error}."));
    let (start, end) = new.happened.span(new.zone).map_err(wrong)?;
    let details = new.happened.to_json().map_err(DbError::from)?;
    let params = params![
        scope.reseller_id(),
        new.event_id,
        new.contract_id,
        new.happened.kind(),
        start,
        end,
        details,
        new.entered_at,
        new.person_id,
    ];
    tx.execute(INSERT, params)?;
    if matches!(new.happened, Happened::Exit(_)) {
        keep_end(tx, scope, new.contract_id, new.zone)?;
    }
    Ok(())
}

/// Keeps when the contract ends by what is said of the customer's leaving: nothing is due afterwards. Without such
/// an event it has no end.
pub(super) fn keep_end(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64, zone: &str) -> Result<(), Error> {
    let params = params![scope.reseller_id(), contract_id];
    let exit = tx.query_opt(EXIT, params, |row| Ok(serde_json::from_str::<ExitFact>(&row.text(0)?)?))?;
    let after = |exit: ExitFact| exit.on.plus_days(1).and_then(|day| day.start(zone));
    let ends = exit.map(after).transpose().map_err(|error| Error::Invalid(format!("Last day: {error}.")))?;
    tx.execute(ENDS, params![scope.reseller_id(), contract_id, ends])?;
    Ok(())
}

/// Withdraws an event; `false` where there is none, or it was withdrawn before. An exit's end goes by [`keep_end`].
pub(crate) fn withdraw(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    event_id: i64,
    (person_id, now): (i64, Instant),
) -> Result<bool, DbError> {
    Ok(tx.execute(WITHDRAW, params![scope.reseller_id(), contract_id, event_id, now, person_id])? > 0)
}

/// The names of the sites of a contract's customer, by the ids that statements name.
pub(super) fn sites(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
) -> Result<BTreeMap<String, String>, DbError> {
    let rows = tx.query(SITES, params![scope.reseller_id(), contract_id], |row| Ok((row.int(0)?, row.text(1)?)))?;
    Ok(rows.into_iter().map(|(site_id, name)| (site_id.to_string(), name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Day;

    #[test]
    fn an_event_reads_back_as_it_was_stored() {
        let day = Day::parse("2026-12-31").expect("a day");
        let events = [
            Happened::Outage(Outage {
                printer: "7".to_owned(),
                from: Instant(1),
                to: Instant(2),
                note: "no carriage".to_owned(),
            }),
            Happened::Purchase(Purchase { clause: "prepaid.1".to_owned(), blocks: 2, at: Instant(3) }),
            Happened::Exit(ExitFact { on: day, noticed: None, breach: true }),
        ];
        for event in events {
            let json = event.to_json().expect("it is stored");
            assert_eq!(Happened::read(event.kind(), &json).expect("it reads"), event);
        }
        assert!(Happened::read("birthday", "{}").is_err());
        let exit = Happened::Exit(ExitFact { on: day, noticed: None, breach: false });
        let midnight = Instant::parse("2026-12-30T23:00:00Z").expect("a timestamp");
        assert_eq!(exit.span("Europe/Berlin").expect("a day of the calendar"), (midnight, midnight));
    }
}
