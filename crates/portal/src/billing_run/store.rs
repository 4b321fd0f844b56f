//! The SQL of billing runs: contracts and their statements of a month, what was signed, and the runs.
//!
//! Deliberately absent: drawing up, approving and issuing, which are the statements' own.

use crate::db::{DbError, Tx, params};
use crate::shell::{Error, ResellerScope};
use crate::statements::store::{Signed, State};
use billing::{DocumentKind, Money, Month, Period, Readiness, month_of};
use protocol::Hex;
use report::{Duration, Instant};
use std::collections::BTreeMap;

/// A month's periods begin within it in some zone: so far apart from the same month in UTC at most.
const ZONES: Duration = Duration::hours(24);
/// Moves a period's start, midnight somewhere, into the same civil day of UTC.
const MIDDAY: Duration = Duration::hours(14);
/// Versions of contracts of one run.
const VERSIONS_MAX: i64 = 1_000_000;
/// Milliseconds of 37 months: a list of 36 months begins within them.
const MONTHS_SPAN: i64 = 37 * 31 * 86_400_000;

const CONTRACTS: &str = "select contract.contract_id, contract.number, contract.customer_id, customer.name,
    contract.ends_at, made.valid_from, made.terms
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    join contract_version as made on made.reseller_id = contract.reseller_id
        and made.contract_id = contract.contract_id and made.state = 'standing' and made.valid_from < $2
    where contract.reseller_id = $1 and (contract.contract_id = $3 or $3 = 0)
    order by contract.number, contract.contract_id, made.valid_from desc, made.version desc limit $4";
const STATEMENTS: &str = "select statement.contract_id, statement.period_start, statement.payer,
    statement.statement_id, statement.state, statement.name, statement.total, statement.created_at, basis.readiness,
    statement.period_end
    from statement left join statement_basis as basis on basis.reseller_id = statement.reseller_id
        and basis.contract_id = statement.contract_id and basis.period_start = statement.period_start
        and basis.revision = statement.revision
    where statement.reseller_id = $1 and statement.kind = 'statement'
    and statement.period_start >= $2 and statement.period_start < $3";
const SIGNS: &str = "select signed.contract_id, signed.period_start, signed.printer_id, signed.reason, signed.at,
    coalesce(person.name, ''), signed.cause
    from readiness_sign as signed left join person on person.person_id = signed.person_id
    where signed.reseller_id = $1 and signed.period_start >= $2 and signed.period_start < $3
    and signed.revision = 0";
const NOTES: &str = "select contract_id, period_start, statement_id, kind, state, payer from statement
    where reseller_id = $1 and kind <> 'statement' and state in ('draft', 'approved')
    and period_start >= $2 and period_start < $3
    order by period_start, revision, statement_id";
const MONTHS: &str = "select period_start, state, count(*) from statement
    where reseller_id = $1 and kind = 'statement'
    and period_start > coalesce((select max(newest.period_start) from statement as newest
        where newest.reseller_id = $1 and newest.kind = 'statement' and newest.period_start <= $3),
        cast($4 as bigint)) - cast($2 as bigint)
    group by period_start, state order by period_start desc";
const RUNS: &str = "select run.period, run.state, run.started_at, run.ended_at, run.contracts, run.done, run.failed,
    run.words, coalesce(person.name, ''), run.went_on_at
    from bill_run as run left join person on person.person_id = run.person_id
    where run.reseller_id = $1 and (run.period = $2 or $2 = '')
    order by run.started_at desc, run.run_id desc limit $3";
const BEGIN: &str = "insert into bill_run
    (reseller_id, run_id, period, state, started_at, contracts, done, failed, words, person_id)
    values ($1, $2, $3, 'running', $4, 0, 0, 0, '', $5)";
const GO_ON: &str = "update bill_run set contracts = $3, done = $4, failed = $5, went_on_at = $6
    where reseller_id = $1 and run_id = $2";
const END: &str = "update bill_run set state = $3, ended_at = $4, words = $5 where reseller_id = $1 and run_id = $2";
const RESELLERS: &str = "select reseller_id, name from reseller order by lower(name), reseller_id";

/// Where the periods of a month may begin, in any zone.
pub(super) fn within(month: Month) -> Result<Period, Error> {
    let utc = Period::of_month(month, "UTC").map_err(|error| Error::Invalid(format!("Month: {error}.")))?;
    Ok(Period { start: Instant(utc.start.0.saturating_sub(ZONES.0)), end: utc.end.plus(ZONES) })
}

/// A contract with its terms.
pub(super) struct Covered {
    pub(super) contract_id: i64,
    pub(super) contract: String,
    pub(super) customer_id: i64,
    pub(super) customer: String,
    /// The first instant after its last day, where that is known.
    pub(super) ends_at: Option<Instant>,
    /// Its versions that start before the end that was asked for, the one that starts last first: since when, and
    /// the terms as JSON. Of those that start at one instant only the last one counts.
    pub(super) versions: Vec<(Instant, String)>,
}

/// The contracts with versions that start before `end`, by number: all of them, or one.
pub(super) fn contracts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    end: Instant,
    contract_id: i64,
) -> Result<Vec<Covered>, DbError> {
    let mut all: Vec<Covered> = Vec::new();
    tx.query(CONTRACTS, params![scope.reseller_id(), end, contract_id, VERSIONS_MAX], |row| {
        let (contract_id, valid_from) = (row.int(0)?, Instant(row.int(5)?));
        if let Some(last) = all.last_mut().filter(|last| last.contract_id == contract_id) {
            if last.versions.last().is_none_or(|(since, _)| *since != valid_from) {
                last.versions.push((valid_from, row.text(6)?));
            }
            return Ok(());
        }
        all.push(Covered {
            contract_id,
            contract: row.text(1)?,
            customer_id: row.int(2)?,
            customer: row.text(3)?,
            ends_at: row.opt_int(4)?.map(Instant),
            versions: vec![(valid_from, row.text(6)?)],
        });
        Ok(())
    })?;
    Ok(all)
}

/// The statement of a period, all payers together.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// The customer's.
    pub(super) statement_id: i64,
    pub(super) state: State,
    /// Empty until it is issued.
    pub(super) name: String,
    /// The sum of all payers.
    pub(super) total: Money,
    pub(super) created_at: Instant,
    pub(super) readiness: Vec<Readiness>,
    pub(super) period: Period,
    pub(super) payer: String,
}

/// The statements of periods that begin within `within`, by contract and the period's start.
pub(super) fn statements(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    within: Period,
) -> Result<BTreeMap<(i64, Instant), Made>, DbError> {
    let rows = tx.query(STATEMENTS, params![scope.reseller_id(), within.start, within.end], |row| {
        let readiness = row.opt_text(8)?.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default();
        let made = Made {
            payer: row.text(2)?,
            statement_id: row.int(3)?,
            state: State::read(row, 4)?,
            name: row.text(5)?,
            total: Money(row.int(6)?),
            created_at: Instant(row.int(7)?),
            readiness,
            period: Period { start: Instant(row.int(1)?), end: Instant(row.int(9)?) },
        };
        Ok(((row.int(0)?, Instant(row.int(1)?)), made))
    })?;
    let mut all: BTreeMap<(i64, Instant), Made> = BTreeMap::new();
    for (key, mut made) in rows {
        if let Some(other) = all.remove(&key) {
            let total = Money(made.total.0.saturating_add(other.total.0));
            let first = if other.payer < made.payer { other } else { made };
            made = Made { total, ..first };
        }
        all.insert(key, made);
    }
    Ok(all)
}

/// What was signed for periods that begin within `within`, by contract and the period's start.
pub(super) fn signs(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    within: Period,
) -> Result<BTreeMap<(i64, Instant), Vec<Signed>>, DbError> {
    let mut all: BTreeMap<(i64, Instant), Vec<Signed>> = BTreeMap::new();
    tx.query(SIGNS, params![scope.reseller_id(), within.start, within.end], |row| {
        let (printer_id, reason, cause) = (row.int(2)?, row.text(3)?, Hex(row.array(6)?));
        let signed = Signed { printer_id, reason, at: Instant(row.int(4)?), by: row.text(5)?, cause };
        all.entry((row.int(0)?, Instant(row.int(1)?))).or_default().push(signed);
        Ok(())
    })?;
    Ok(all)
}

/// A note that waits for approval or to be issued.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) statement_id: i64,
    pub(crate) kind: DocumentKind,
    pub(crate) state: State,
    /// Empty for the customer.
    pub(crate) payer: String,
}

/// The notes that wait for periods that begin within `within`, by contract and the period's start.
pub(super) fn notes(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    within: Period,
) -> Result<BTreeMap<(i64, Instant), Vec<Note>>, DbError> {
    let mut all: BTreeMap<(i64, Instant), Vec<Note>> = BTreeMap::new();
    tx.query(NOTES, params![scope.reseller_id(), within.start, within.end], |row| {
        let kind = DocumentKind::parse(&row.text(3)?);
        let kind = kind.ok_or(DbError::Shape { column: 3, wanted: "the kind of a document" })?;
        let note = Note { statement_id: row.int(2)?, kind, state: State::read(row, 4)?, payer: row.text(5)? };
        all.entry((row.int(0)?, Instant(row.int(1)?))).or_default().push(note);
        Ok(())
    })?;
    Ok(all)
}

/// The statements of the periods that begin in a month, by state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MonthRow {
    /// `2026-10`.
    pub(crate) month: String,
    pub(crate) drafts: i64,
    pub(crate) approved: i64,
    pub(crate) issued: i64,
}

/// The months that have statements, the newest first: at most `most`, out of the three years before the newest that
/// has begun by `now`, and whatever was drawn up for later ones.
pub(crate) fn months(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    most: usize,
    now: Instant,
) -> Result<Vec<MonthRow>, DbError> {
    // A month begins before UTC's midnight somewhere.
    let params = params![scope.reseller_id(), MONTHS_SPAN, now.plus(ZONES), now];
    let rows = tx.query(MONTHS, params, |row| Ok((Instant(row.int(0)?), State::read(row, 1)?, row.int(2)?)))?;
    let mut months: BTreeMap<Month, MonthRow> = BTreeMap::new();
    for (start, state, count) in rows {
        let month = month_of(start.plus(MIDDAY), "UTC").map_err(|error| DbError::Unfit(error.to_string()))?;
        let row = months.entry(month).or_insert_with(|| MonthRow { month: month.to_string(), ..MonthRow::default() });
        let sum = match state {
            State::Draft => &mut row.drafts,
            State::Approved => &mut row.approved,
            State::Issued | State::Corrected => &mut row.issued,
        };
        *sum = sum.saturating_add(count);
    }
    Ok(months.into_values().rev().take(most).collect())
}

/// A billing run, as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct RunRow {
    /// `2026-10`.
    pub(crate) period: String,
    /// `running`, `done`, or `failed` where a contract failed.
    pub(crate) state: String,
    pub(crate) started_at: Instant,
    pub(crate) ended_at: Option<Instant>,
    pub(crate) contracts: i64,
    /// How many contracts it is through with, those that failed included.
    pub(crate) done: i64,
    pub(crate) failed: i64,
    /// What came of it; empty while it runs.
    pub(crate) words: String,
    /// Empty where it was started without a browser.
    pub(crate) by: String,
    /// When it was through with a contract last.
    pub(crate) went_on_at: Option<Instant>,
}

impl RunRow {
    /// When it was heard of last.
    pub(super) fn last_at(&self) -> Instant {
        self.went_on_at.map_or(self.started_at, |at| at.max(self.started_at))
    }
}

/// The runs of a month, or of all where it is empty, the newest first.
pub(crate) fn runs(tx: &mut Tx<'_>, scope: &ResellerScope, month: &str, most: i64) -> Result<Vec<RunRow>, DbError> {
    tx.query(RUNS, params![scope.reseller_id(), month, most], |row| {
        Ok(RunRow {
            period: row.text(0)?,
            state: row.text(1)?,
            started_at: Instant(row.int(2)?),
            ended_at: row.opt_int(3)?.map(Instant),
            contracts: row.int(4)?,
            done: row.int(5)?,
            failed: row.int(6)?,
            words: row.text(7)?,
            by: row.text(8)?,
            went_on_at: row.opt_int(9)?.map(Instant),
        })
    })
}

/// Keeps that a run begins.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (run_id, month): (i64, Month),
    (now, by): (Instant, Option<i64>),
) -> Result<(), DbError> {
    tx.execute(BEGIN, params![scope.reseller_id(), run_id, month.to_string(), now, by])?;
    Ok(())
}

/// Keeps how far a run is `now`: contracts, those it is through with, those that failed.
pub(super) fn go_on(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    run_id: i64,
    (contracts, done, failed): (i64, i64, i64),
    now: Instant,
) -> Result<(), DbError> {
    tx.execute(GO_ON, params![scope.reseller_id(), run_id, contracts, done, failed, now])?;
    Ok(())
}

/// Keeps that a run ended.
pub(super) fn end(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    run_id: i64,
    (state, words): (&str, &str),
    now: Instant,
) -> Result<(), DbError> {
    tx.execute(END, params![scope.reseller_id(), run_id, state, now, words])?;
    Ok(())
}

/// Every reseller by name, for a run of the machine's operator.
pub(super) fn resellers(tx: &mut Tx<'_>) -> Result<Vec<(i64, String)>, DbError> {
    tx.query(RESELLERS, params![], |row| Ok((row.int(0)?, row.text(1)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_of_a_month_are_found_in_any_zone() {
        for zone in ["Pacific/Kiritimati", "Europe/Berlin", "UTC", "America/Los_Angeles", "Pacific/Honolulu"] {
            for number in [1, 2, 10, 12] {
                let month = Month::new(2026, number).expect("a month");
                let period = Period::of_month(month, zone).expect("a period");
                assert!(within(month).expect("a span").contains(period.start), "{zone} {month}");
                assert_eq!(month_of(period.start.plus(MIDDAY), "UTC"), Ok(month), "{zone}");
            }
        }
    }
}
