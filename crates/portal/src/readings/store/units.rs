//! Numbers without a unit, and the units that people declared for them.
//!
//! Deliberately absent: what a number is worth, which `billing::declared` works out anew each time, so that a
//! declaration that is withdrawn leaves nothing behind.

use super::by_printer;
use crate::agents::history::Stamp;
use crate::db::{DbError, Row, Tx, params};
use crate::shell::ResellerScope;
use billing::{DeclaredUnit, Period, Unitless};
use report::{Decimal, Instant, ROWS, RowId};
use std::collections::BTreeMap;

/// Of each printer from its last reading before `$5` on that gave such a number, until the first one after the
/// period's end.
const UNITLESS: &str = "select unitless.printer_id, unitless.subject, unitless.key, unitless.version, unitless.at,
    unitless.row, unitless.number, unitless.product_number, unitless.firmware
    from (select known.printer_id,
            coalesce((select max(earlier.at) from unitless as earlier
                where earlier.reseller_id = known.reseller_id and earlier.printer_id = known.printer_id
                and earlier.subject = 'reading' and earlier.key = '' and earlier.version = 0
                and earlier.at <= $5), $5) as first_at,
            coalesce((select min(later.at) from unitless as later
                where later.reseller_id = known.reseller_id and later.printer_id = known.printer_id
                and later.subject = 'reading' and later.key = '' and later.version = 0
                and later.at >= $4), $4) as last_at
        from printer as known
        where known.reseller_id = $1
        and known.printer_id in (select stay.printer_id from contract_printer as stay
            where stay.reseller_id = $1 and stay.contract_id = $2
            and stay.from_at < $4 and (stay.to_at is null or stay.to_at > $3))) as part
    join unitless on unitless.reseller_id = $1 and unitless.printer_id = part.printer_id
        and unitless.at >= part.first_at and unitless.at <= part.last_at
    where unitless.reseller_id = $1
    order by unitless.printer_id, unitless.at, unitless.subject, unitless.key, unitless.version, unitless.row";
const DECLARED: &str = "select made.product_number, made.firmware, made.row, made.unit, person.name
    from declared_unit as made
    left join person on person.reseller_id = made.reseller_id and person.person_id = made.person_id
    where made.reseller_id = $1 and made.withdrawn_at is null
    order by made.product_number, made.firmware, made.row, made.declaration_id";
const DECLARE: &str =
    "insert into declared_unit (reseller_id, declaration_id, product_number, firmware, row, unit, note,
    declared_at, person_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const REPLACE: &str = "update declared_unit set withdrawn_at = $5, withdrawn_by = $6
    where reseller_id = $1 and product_number = $2 and firmware = $3 and declared_unit.row = $4
    and withdrawn_at is null";
const WITHDRAW: &str = "update declared_unit set withdrawn_at = $3, withdrawn_by = $4
    where reseller_id = $1 and declaration_id = $2 and withdrawn_at is null";

fn row_id(row: &Row, column: usize) -> Result<RowId, DbError> {
    let word = row.text(column)?;
    let known = ROWS.iter().find(|row| row.id.word() == word);
    known.map(|row| row.id).ok_or(DbError::Shape { column, wanted: "a row of Appendix A" })
}

/// A unit that a person declared and nobody withdrew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declaration {
    /// What it says.
    pub(crate) unit: DeclaredUnit,
    /// Who declared it.
    pub(crate) by: String,
}

/// The units that stand, with who declared them.
pub(crate) fn declarations(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<Declaration>, DbError> {
    tx.query(DECLARED, params![scope.reseller_id()], |row| {
        let (product_number, firmware) = (row.text(0)?, row.text(1)?);
        Ok(Declaration {
            unit: DeclaredUnit { product_number, firmware, row: row_id(row, 2)?, unit: row.text(3)? },
            by: row.opt_text(4)?.unwrap_or_default(),
        })
    })
}

/// Declares a unit for a model and firmware; what was declared for the same numbers before is withdrawn.
pub(crate) fn declare(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    unit: &DeclaredUnit,
    note: &str,
    by: i64,
    stamp: Stamp,
) -> Result<(), DbError> {
    let DeclaredUnit { product_number, firmware, row, unit } = unit;
    let (reseller, row) = (scope.reseller_id(), row.word());
    tx.execute(REPLACE, params![reseller, product_number, firmware, row, stamp.at, by])?;
    tx.execute(DECLARE, params![reseller, stamp.id, product_number, firmware, row, unit, note, stamp.at, by])?;
    Ok(())
}

/// Withdraws a declaration; `false` where there is none that stands.
pub(crate) fn withdraw(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    declaration_id: i64,
    by: i64,
    now: Instant,
) -> Result<bool, DbError> {
    Ok(tx.execute(WITHDRAW, params![scope.reseller_id(), declaration_id, now, by])? > 0)
}

/// What gave numbers without a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A version of a job.
    Job {
        /// The job's key.
        key: String,
        /// Which version of it.
        version: i64,
    },
    /// A reading.
    Reading,
}

/// The numbers that one job or reading gave without a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitlessFact {
    /// What gave them.
    pub(crate) subject: Subject,
    /// When the job finished, or the reading was made.
    pub(crate) at: Instant,
    /// The numbers.
    pub(crate) numbers: Vec<Unitless>,
    /// Row C1; empty where the printer does not say it.
    pub(crate) product_number: String,
    /// Row C4, likewise.
    pub(crate) firmware: String,
}

/// The numbers without a unit of the printers that are in a contract in a period, by time: of each printer from
/// its last reading at or before `from` that gave one, to the first such reading at or after the period's end.
/// Every version of a job between is there.
pub(crate) fn unitless(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
    from: Instant,
) -> Result<BTreeMap<i64, Vec<UnitlessFact>>, DbError> {
    let params = params![scope.reseller_id(), contract_id, period.start, period.end, from];
    let mut found = tx.query(UNITLESS, params, unitless_fact)?;
    found.dedup_by(|(printer, fact), (before, known)| {
        let is_same = printer == before && fact.subject == known.subject && fact.at == known.at;
        if is_same {
            known.numbers.append(&mut fact.numbers);
        }
        is_same
    });
    Ok(by_printer(found))
}

/// The numbers of one row of Appendix A.
fn unitless_fact(row: &Row) -> Result<(i64, UnitlessFact), DbError> {
    let subject = match row.text(1)?.as_str() {
        "job" => Subject::Job { key: row.text(2)?, version: row.int(3)? },
        _ => Subject::Reading,
    };
    let id = row_id(row, 5)?;
    let wanted = || DbError::Shape { column: 6, wanted: "decimal numbers" };
    let number = |text: &str| Decimal::parse(text).map(|number| Unitless { row: id, number }).ok_or_else(wanted);
    let fact = UnitlessFact {
        subject,
        at: Instant(row.int(4)?),
        numbers: row.text(6)?.split(' ').map(number).collect::<Result<_, _>>()?,
        product_number: row.text(7)?,
        firmware: row.text(8)?,
    };
    Ok((row.int(0)?, fact))
}
