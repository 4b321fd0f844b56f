//! What the database keeps of contracts: versions that are never edited, and which printers are in when.
//!
//! `facts` is what terms are held against. Deliberately absent: what terms mean, and the drawing up of
//! statements, which reads these tables itself.

mod facts;

pub(super) use facts::{Changed, carry_before, changed, counted, last_documents, with_exit};

use super::approve::State;
use crate::db::{DbError, Row, Tx, params};
use crate::shell::ResellerScope;
use crate::shell::printer;
use crate::statements::store::State as StatementState;
use billing::{DocumentKind, Period, Terms};
use report::Instant;
use std::collections::BTreeSet;

/// Rows of a contract's page that are read at most, a list each.
pub(super) const ROWS_MAX: i64 = 500;

const INSERT: &str = "insert into contract (reseller_id, contract_id, customer_id, number, created_at)
    values ($1, $2, $3, $4, $5)";
const INSERT_VERSION: &str = "insert into contract_version
    (reseller_id, contract_id, version, valid_from, terms, created_at, person_id, state, note)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const NEXT_VERSION: &str = "select coalesce(max(version), 0) + 1 from contract_version
    where reseller_id = $1 and contract_id = $2";
const ASSIGN: &str = "insert into contract_printer (reseller_id, contract_id, printer_id, from_at, to_at)
    values ($1, $2, $3, $4, $5)";
/// Changes nothing: it holds the printer's row, so that of two assignments at once the second waits.
const HOLD_PRINTER: &str = "update printer set customer_id = customer_id
    where reseller_id = $1 and printer_id = $2 and customer_id = $3";
const TAKEN: &str = "select contract.number from contract_printer as stay
    join contract on contract.reseller_id = stay.reseller_id and contract.contract_id = stay.contract_id
    where stay.reseller_id = $1 and stay.printer_id = $2 and (stay.to_at is null or stay.to_at > $3)
    order by stay.from_at limit 1";
const OPEN_SINCE: &str = "select from_at from contract_printer
    where reseller_id = $1 and contract_id = $2 and printer_id = $3 and to_at is null";
const END: &str = "update contract_printer set to_at = $4
    where reseller_id = $1 and contract_id = $2 and printer_id = $3 and to_at is null and from_at < $4";
const CANCEL: &str = "delete from contract_printer
    where reseller_id = $1 and contract_id = $2 and printer_id = $3 and to_at is null";
const BILLED_UNTIL: &str = "select max(period_end) from statement
    where reseller_id = $1 and contract_id = $2 and state <> 'draft'";
/// What is billed, by period; notes stand with the period that they are on.
const BILLED: &str = "select period_start, period_end,
    cast(sum(case when state = 'approved' then 1 else 0 end) as bigint), max(issued_at) from statement
    where reseller_id = $1 and contract_id = $2 and state <> 'draft'
    group by period_start, period_end order by period_start, period_end";
const STAY_CHANGED: &str = "insert into stay_change (reseller_id, contract_id, printer_id, from_at, at)
    values ($1, $2, $3, $4, $5) on conflict (reseller_id, contract_id, printer_id, from_at, at) do nothing";
const COUNTS: &str = "select count(*), count(distinct customer_id) from contract where reseller_id = $1";
const LIST: &str = "select contract.contract_id, contract.number, customer.name,
    (select count(distinct stay.printer_id) from contract_printer as stay
        where stay.reseller_id = contract.reseller_id and stay.contract_id = contract.contract_id
        and stay.from_at <= $2 and (stay.to_at is null or stay.to_at > $2)),
    chosen.version, chosen.valid_from, chosen.terms, chosen.state, contract.ends_at
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    join contract_version as chosen on chosen.reseller_id = contract.reseller_id
        and chosen.contract_id = contract.contract_id
        and chosen.version = coalesce((select made.version from contract_version as made
            where made.reseller_id = contract.reseller_id and made.contract_id = contract.contract_id
            and made.state = 'standing'
            and made.valid_from <= $2 order by made.valid_from desc, made.version desc limit 1),
            (select made.version from contract_version as made
            where made.reseller_id = contract.reseller_id and made.contract_id = contract.contract_id
            and made.state = 'standing' order by made.valid_from, made.version limit 1), 1)
    where contract.reseller_id = $1 and (contract.customer_id = $3 or $3 = 0)
    order by contract.number, contract.contract_id limit $4 offset $5";
/// What waits for a second person, and was not overtaken by another version or by a statement.
const WAITING: &str = "select made.contract_id, contract.number, customer.name, made.version, made.created_at,
    coalesce(person.name, '')
    from contract_version as made
    join contract on contract.reseller_id = made.reseller_id and contract.contract_id = made.contract_id
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    left join person on person.person_id = made.person_id
    where made.reseller_id = $1 and made.state = 'proposed'
    and not exists (select 1 from contract_version as newer where newer.reseller_id = made.reseller_id
        and newer.contract_id = made.contract_id and newer.state = 'standing' and newer.version > made.version)
    and not exists (select 1 from statement as billed where billed.reseller_id = made.reseller_id
        and billed.contract_id = made.contract_id and billed.period_end > made.valid_from
        and billed.issued_at >= made.created_at)
    order by contract.number, made.contract_id, made.version limit $2";
const CONTRACT: &str = "select contract.number, contract.customer_id, customer.name, contract.ends_at
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    where contract.reseller_id = $1 and contract.contract_id = $2";
const VERSIONS: &str = "select made.version, made.valid_from, made.terms, made.created_at, coalesce(person.name, ''),
    made.state, made.note, made.person_id, approval.at, coalesce(judge.name, ''), coalesce(approval.note, '')
    from contract_version as made left join person on person.person_id = made.person_id
    left join contract_approval as approval on approval.reseller_id = made.reseller_id
        and approval.contract_id = made.contract_id and approval.version = made.version
    left join person as judge on judge.person_id = approval.person_id
    where made.reseller_id = $1 and made.contract_id = $2
    order by made.valid_from desc, made.version desc limit $3";
const STAYS: &str = "select stay.printer_id, printer.serial, printer.product_name, printer.nickname,
    stay.from_at, stay.to_at
    from contract_printer as stay
    join printer on printer.reseller_id = stay.reseller_id and printer.printer_id = stay.printer_id
    where stay.reseller_id = $1 and stay.contract_id = $2
    order by stay.from_at, printer.serial limit $3";
const FREE: &str = "select printer.printer_id, printer.serial, printer.product_name, printer.nickname from printer
    where printer.reseller_id = $1 and printer.customer_id = $2
    and not exists (select 1 from contract_printer as stay
        where stay.reseller_id = printer.reseller_id and stay.printer_id = printer.printer_id and stay.to_at is null)
    order by printer.serial limit $3";
const STAY_COUNT: &str = "select count(*) from contract_printer where reseller_id = $1 and contract_id = $2";
/// The stays that count now or begin later before those that are over, the latest first.
const LATEST_STAYS: &str = "select stay.printer_id, printer.serial, printer.product_name, printer.nickname,
    stay.from_at, stay.to_at
    from contract_printer as stay
    join printer on printer.reseller_id = stay.reseller_id and printer.printer_id = stay.printer_id
    where stay.reseller_id = $1 and stay.contract_id = $2
    order by case when stay.to_at is null then 0 else 1 end, stay.to_at desc, stay.from_at, printer.serial limit $3";
const NAMED_VERSIONS: &str = "select distinct version from statement
    where reseller_id = $1 and contract_id = $2 and issued_at is not null";
const STATEMENTS: &str = "select statement_id, name, period_start, period_end, currency, total, state, kind
    from statement
    where reseller_id = $1 and contract_id = $2 order by period_start desc limit $3";
const CUSTOMERS: &str = "select customer_id, name, time_zone from customer
    where reseller_id = $1 order by lower(name), customer_id limit 1000";
const NUMBERED: &str = "select count(*) from contract where reseller_id = $1 and number = $2";
const METERS: &str = "select distinct meter from counter
    where reseller_id = $1 and media = '' order by meter limit 200";

/// A contract to be made, with its first version.
pub(crate) struct NewContract<'a> {
    /// Its id.
    pub(crate) contract_id: i64,
    /// Whose printers it is for.
    pub(crate) customer_id: i64,
    /// The number people know it by, unique for a reseller.
    pub(crate) number: String,
    /// The terms of the first version.
    pub(crate) terms: &'a Terms,
    /// Since when the first version holds.
    pub(crate) valid_from: Instant,
    /// Who made it.
    pub(crate) person_id: i64,
}

/// A further version of a contract.
pub(crate) struct NewVersion<'a> {
    /// Its terms.
    pub(crate) terms: &'a Terms,
    /// Since when it holds.
    pub(crate) valid_from: Instant,
    /// Who made it.
    pub(crate) person_id: i64,
    /// Whether it counts, or waits for another person.
    pub(crate) state: State,
    /// Why it was made; may be empty.
    pub(crate) note: &'a str,
}

/// Makes a contract with its first version, which counts at once. The caller has checked that the customer is
/// the reseller's.
pub(crate) fn insert_contract(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    new: &NewContract<'_>,
    now: Instant,
) -> Result<(), DbError> {
    insert_contract_as(tx, scope, new, (State::Standing, ""), now)
}

/// The same, with the state of the first version and the note to it.
pub(super) fn insert_contract_as(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    new: &NewContract<'_>,
    (state, note): (State, &str),
    now: Instant,
) -> Result<(), DbError> {
    tx.execute(INSERT, params![scope.reseller_id(), new.contract_id, new.customer_id, &new.number, now])?;
    let NewContract { terms, valid_from, person_id, .. } = *new;
    let first = NewVersion { terms, valid_from, person_id, state, note };
    insert_version(tx, scope, new.contract_id, &first, now)?;
    Ok(())
}

/// Adds a version to a contract and gives its number. The caller has checked that the contract is the
/// reseller's and that the version can follow those there are.
pub(crate) fn insert_version(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    new: &NewVersion<'_>,
    now: Instant,
) -> Result<i64, DbError> {
    let reseller = scope.reseller_id();
    let version = tx.count(NEXT_VERSION, params![reseller, contract_id])?;
    let terms = serde_json::to_string(new.terms)?;
    let (state, note) = (new.state.word(), new.note);
    let params = params![reseller, contract_id, version, new.valid_from, terms, now, new.person_id, state, note];
    tx.execute(INSERT_VERSION, params)?;
    Ok(version)
}

/// Puts a printer into a contract. The caller has checked that it is in no other one.
pub(crate) fn assign_printer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    printer_id: i64,
    from_at: Instant,
    to_at: Option<Instant>,
) -> Result<(), DbError> {
    tx.execute(ASSIGN, params![scope.reseller_id(), contract_id, printer_id, from_at, to_at])?;
    Ok(())
}

/// Whether the printer is this customer's; until the end of the transaction nobody else assigns it.
pub(super) fn hold_printer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    customer_id: i64,
) -> Result<bool, DbError> {
    Ok(tx.execute(HOLD_PRINTER, params![scope.reseller_id(), printer_id, customer_id])? > 0)
}

/// The number of a contract that the printer is in at `from` or later.
pub(super) fn taken_by(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    from: Instant,
) -> Result<Option<String>, DbError> {
    tx.query_opt(TAKEN, params![scope.reseller_id(), printer_id, from], |row| row.text(0))
}

/// Since when the printer is in the contract, while it stays.
pub(super) fn open_since(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    printer_id: i64,
) -> Result<Option<Instant>, DbError> {
    let params = params![scope.reseller_id(), contract_id, printer_id];
    Ok(tx.query_opt(OPEN_SINCE, params, |row| row.int(0))?.map(Instant))
}

/// Takes back an assignment that nothing was billed for. `false` when there is none.
pub(super) fn cancel_stay(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    printer_id: i64,
) -> Result<bool, DbError> {
    Ok(tx.execute(CANCEL, params![scope.reseller_id(), contract_id, printer_id])? > 0)
}

/// Holds what is billed until the transaction ends: no statement is approved or issued between a look at it and a
/// change to a stay.
pub(crate) fn hold_stays(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<(), DbError> {
    crate::statements::hold(tx, scope)
}

/// Keeps that a printer's stay was begun, ended or taken back `now`, and from when on that tells: what was drawn up
/// before is not approved, and what was billed is looked at again. The caller holds the stays.
pub(crate) fn stay_changed(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (contract_id, printer_id): (i64, i64),
    from: Instant,
    now: Instant,
) -> Result<(), DbError> {
    tx.execute(STAY_CHANGED, params![scope.reseller_id(), contract_id, printer_id, from, now])?;
    Ok(())
}

/// The end of what approved and issued statements of a contract have billed.
pub(super) fn billed_until(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
) -> Result<Option<Instant>, DbError> {
    let found = tx.query_opt(BILLED_UNTIL, params![scope.reseller_id(), contract_id], |row| row.opt_int(0))?;
    Ok(found.flatten().map(Instant))
}

/// A period of a contract for which documents were approved or issued.
pub(super) struct Billed {
    pub(super) period: Period,
    /// Whether one of them is approved and not issued.
    pub(super) waits: bool,
    /// When the last of them was issued.
    pub(super) issued_at: Option<Instant>,
}

/// The periods of a contract that are billed, the oldest first.
pub(super) fn billed(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Vec<Billed>, DbError> {
    tx.query(BILLED, params![scope.reseller_id(), contract_id], |row| {
        Ok(Billed {
            period: Period { start: Instant(row.int(0)?), end: Instant(row.int(1)?) },
            waits: row.int(2)? > 0,
            issued_at: row.opt_int(3)?.map(Instant),
        })
    })
}

/// Takes a printer out of a contract from `to` on; gives whether it was in it before.
pub(super) fn end_stay(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    printer_id: i64,
    to: Instant,
) -> Result<bool, DbError> {
    Ok(tx.execute(END, params![scope.reseller_id(), contract_id, printer_id, to])? > 0)
}

/// How many contracts there are, of how many customers.
pub(super) fn counts(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<(i64, i64), DbError> {
    let counts = tx.query_opt(COUNTS, params![scope.reseller_id()], |row| Ok((row.int(0)?, row.int(1)?)))?;
    Ok(counts.unwrap_or_default())
}

/// A contract of the list.
pub(super) struct Listed {
    pub(super) contract_id: i64,
    pub(super) number: String,
    pub(super) customer: String,
    /// How many printers it covers now.
    pub(super) printers: i64,
    /// The version in force now, else the first one that will be, else the first one.
    pub(super) version: i64,
    pub(super) valid_from: Instant,
    pub(super) terms: Terms,
    /// What became of that version.
    pub(super) state: State,
    /// The first instant after the contract's last day, once the customer leaves.
    pub(super) ends_at: Option<Instant>,
}

/// `most` contracts by number, after the first `skipped`: of one customer, or of all where it is 0.
pub(super) fn list(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    now: Instant,
    (most, skipped): (i64, i64),
) -> Result<Vec<Listed>, DbError> {
    tx.query(LIST, params![scope.reseller_id(), now, customer_id, most, skipped], |row| {
        Ok(Listed {
            contract_id: row.int(0)?,
            number: row.text(1)?,
            customer: row.text(2)?,
            printers: row.int(3)?,
            version: row.int(4)?,
            valid_from: Instant(row.int(5)?),
            terms: serde_json::from_str(&row.text(6)?)?,
            state: State::read(row, 7)?,
            ends_at: row.opt_int(8)?.map(Instant),
        })
    })
}

/// A version that waits for a second person.
pub(crate) struct Waiting {
    pub(crate) contract_id: i64,
    /// The contract's number.
    pub(crate) number: String,
    pub(crate) customer: String,
    pub(crate) version: i64,
    pub(crate) created_at: Instant,
    /// Who wrote it; empty where nobody is known.
    pub(crate) by: String,
}

/// The versions that wait for a second person, by the contract's number, at most `most`.
pub(crate) fn waiting(tx: &mut Tx<'_>, scope: &ResellerScope, most: i64) -> Result<Vec<Waiting>, DbError> {
    tx.query(WAITING, params![scope.reseller_id(), most], |row| {
        Ok(Waiting {
            contract_id: row.int(0)?,
            number: row.text(1)?,
            customer: row.text(2)?,
            version: row.int(3)?,
            created_at: Instant(row.int(4)?),
            by: row.text(5)?,
        })
    })
}

/// A contract without its terms.
pub(super) struct Contract {
    pub(super) contract_id: i64,
    pub(super) number: String,
    pub(super) customer_id: i64,
    pub(super) customer: String,
    /// The first instant after its last day, once the customer leaves.
    pub(super) ends_at: Option<Instant>,
}

/// The contract, if it is the reseller's.
pub(super) fn contract(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Option<Contract>, DbError> {
    tx.query_opt(CONTRACT, params![scope.reseller_id(), contract_id], |row| {
        Ok(Contract {
            contract_id,
            number: row.text(0)?,
            customer_id: row.int(1)?,
            customer: row.text(2)?,
            ends_at: row.opt_int(3)?.map(Instant),
        })
    })
}

/// A version of a contract.
pub(super) struct Version {
    pub(super) number: i64,
    pub(super) valid_from: Instant,
    pub(super) terms: Terms,
    pub(super) created_at: Instant,
    /// Who made it; empty where nobody is known.
    pub(super) by: String,
    pub(super) person_id: i64,
    pub(super) state: State,
    /// Why it was made; may be empty.
    pub(super) note: String,
    /// What another person said of it.
    pub(super) verdict: Option<Verdict>,
}

#[cfg(test)]
impl Version {
    /// A version that counts, without clauses, in euros and UTC.
    pub(super) fn sample(number: i64, valid_from: &str, period: billing::PeriodRule) -> Version {
        let valid_from = Instant::parse(valid_from).expect("an instant");
        let euro = billing::Currency::parse("EUR").expect("a currency");
        Version {
            number,
            valid_from,
            terms: Terms { period, ..Terms::new(euro, "UTC") },
            created_at: valid_from,
            by: String::new(),
            person_id: 1,
            state: State::Standing,
            note: String::new(),
            verdict: None,
        }
    }
}

/// What another person said of a version.
pub(super) struct Verdict {
    pub(super) at: Instant,
    pub(super) by: String,
    /// Why; may be empty.
    pub(super) note: String,
}

/// The versions of a contract, the one that starts last first.
pub(super) fn versions(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Vec<Version>, DbError> {
    tx.query(VERSIONS, params![scope.reseller_id(), contract_id, ROWS_MAX], |row| {
        let verdict = match row.opt_int(8)? {
            Some(at) => Some(Verdict { at: Instant(at), by: row.text(9)?, note: row.text(10)? }),
            None => None,
        };
        Ok(Version {
            number: row.int(0)?,
            valid_from: Instant(row.int(1)?),
            terms: serde_json::from_str(&row.text(2)?)?,
            created_at: Instant(row.int(3)?),
            by: row.text(4)?,
            state: State::read(row, 5)?,
            note: row.text(6)?,
            person_id: row.int(7)?,
            verdict,
        })
    })
}

/// The version that counts and starts last: the one that a further version follows. Of those that start on one day
/// the newest.
pub(super) fn standing(versions: &[Version]) -> Option<&Version> {
    standing_at(versions, Instant(i64::MAX))
}

/// The version that counts at an instant.
pub(super) fn standing_at(versions: &[Version], at: Instant) -> Option<&Version> {
    let standing = versions.iter().filter(|version| version.state == State::Standing && version.valid_from <= at);
    standing.max_by_key(|version| (version.valid_from, version.number))
}

/// A printer, as far as a contract's page names it.
pub(super) struct Printer {
    pub(super) printer_id: i64,
    pub(super) serial: String,
    pub(super) label: String,
}

fn printer(row: &Row) -> Result<Printer, DbError> {
    let serial = row.text(1)?;
    let label = printer::label(row.opt_text(3)?.as_deref(), row.opt_text(2)?.as_deref(), None, &serial);
    Ok(Printer { printer_id: row.int(0)?, serial, label })
}

/// A printer's stay in a contract.
pub(super) struct Stay {
    pub(super) printer: Printer,
    pub(super) from: Instant,
    pub(super) to: Option<Instant>,
}

/// The printers of a contract with their dates, the earliest first, at most `most`.
pub(super) fn stays(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64, most: i64) -> Result<Vec<Stay>, DbError> {
    tx.query(STAYS, params![scope.reseller_id(), contract_id, most], |row| {
        Ok(Stay { printer: printer(row)?, from: Instant(row.int(4)?), to: row.opt_int(5)?.map(Instant) })
    })
}

/// The same for whoever sees a part of them: those that still are in the contract come first. With how many there
/// are in all.
pub(super) fn latest_stays(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    most: i64,
) -> Result<(Vec<Stay>, i64), DbError> {
    let reseller = scope.reseller_id();
    let all = tx.count(STAY_COUNT, params![reseller, contract_id])?;
    let found = tx.query(LATEST_STAYS, params![reseller, contract_id, most], |row| {
        Ok(Stay { printer: printer(row)?, from: Instant(row.int(4)?), to: row.opt_int(5)?.map(Instant) })
    })?;
    Ok((found, all))
}

/// The versions that an issued document of the contract was billed by.
pub(super) fn named_versions(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
) -> Result<BTreeSet<i64>, DbError> {
    let found = tx.query(NAMED_VERSIONS, params![scope.reseller_id(), contract_id], |row| row.int(0))?;
    Ok(found.into_iter().collect())
}

/// The customer's printers that no contract covers without an end.
pub(super) fn free_printers(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<Vec<Printer>, DbError> {
    tx.query(FREE, params![scope.reseller_id(), customer_id, ROWS_MAX], printer)
}

/// A statement of a contract, as far as its page lists it.
pub(super) struct Made {
    pub(super) statement_id: i64,
    /// `S-0187`; empty until it is issued.
    pub(super) name: String,
    pub(super) period: Period,
    pub(super) currency: String,
    /// Minor units.
    pub(super) total: i64,
    pub(super) state: StatementState,
    pub(super) kind: DocumentKind,
}

/// The newest statements of a contract.
pub(super) fn statements(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Vec<Made>, DbError> {
    tx.query(STATEMENTS, params![scope.reseller_id(), contract_id, ROWS_MAX], |row| {
        Ok(Made {
            statement_id: row.int(0)?,
            name: row.text(1)?,
            period: Period { start: Instant(row.int(2)?), end: Instant(row.int(3)?) },
            currency: row.text(4)?,
            total: row.int(5)?,
            state: StatementState::read(row, 6)?,
            kind: DocumentKind::parse(&row.text(7)?)
                .ok_or(DbError::Shape { column: 7, wanted: "the kind of a document" })?,
        })
    })
}

/// A customer to choose.
pub(super) struct Customer {
    pub(super) customer_id: i64,
    pub(super) name: String,
    pub(super) time_zone: String,
}

/// The reseller's customers by name.
pub(super) fn customers(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<Customer>, DbError> {
    tx.query(CUSTOMERS, params![scope.reseller_id()], |row| {
        Ok(Customer { customer_id: row.int(0)?, name: row.text(1)?, time_zone: row.text(2)? })
    })
}

/// Whether a contract of that number exists.
pub(super) fn is_numbered(tx: &mut Tx<'_>, scope: &ResellerScope, number: &str) -> Result<bool, DbError> {
    Ok(tx.count(NUMBERED, params![scope.reseller_id(), number])? > 0)
}

/// The names of the meters that the reseller's printers count.
pub(super) fn meters(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<String>, DbError> {
    tx.query(METERS, params![scope.reseller_id()], |row| row.text(0))
}
