//! Numbers without a unit as the pages list them: how many there are, the latest ones, and the units that hold.
//!
//! Deliberately absent: what a number counts, which `billing::declared` says.

use super::{AFTER_MACHINE, Machine, machine};
use crate::db::{DbError, Row, Tx, params};
use crate::shell::ResellerScope;
use report::{Decimal, Instant, ROWS, RowId};

/// Numbers without a unit of one model, firmware and row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::readings) struct Group {
    pub(in crate::readings) product_number: String,
    pub(in crate::readings) firmware: String,
    pub(in crate::readings) row: RowId,
    pub(in crate::readings) jobs: i64,
    pub(in crate::readings) readings: i64,
    pub(in crate::readings) printers: i64,
    pub(in crate::readings) latest: Instant,
}

const GROUPS: &str = "select model.product_number, model.firmware, model.row, cast(sum(model.jobs) as bigint),
        cast(sum(model.readings) as bigint), count(distinct model.printer_id), max(model.latest_at)
    from unitless_model as model
    where model.reseller_id = $1 and (model.printer_id = $2 or cast($2 as bigint) = 0)
    group by model.product_number, model.firmware, model.row
    order by model.product_number, model.firmware, model.row limit 500";

/// The row of a word.
pub(in crate::readings) fn row_of(word: &str) -> Option<RowId> {
    ROWS.iter().map(|row| row.id).find(|id| id.word() == word)
}

fn row_id(row: &Row, column: usize) -> Result<RowId, DbError> {
    row_of(&row.text(column)?).ok_or(DbError::Shape { column, wanted: "a row of Appendix A" })
}

/// What printers gave without a unit, by model, firmware and row; `printer_id` is the one printer that is
/// wanted, 0 for all.
pub(in crate::readings) fn groups(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
) -> Result<Vec<Group>, DbError> {
    tx.query(GROUPS, params![scope.reseller_id(), printer_id], |row| {
        Ok(Group {
            product_number: row.text(0)?,
            firmware: row.text(1)?,
            row: row_id(row, 2)?,
            jobs: row.int(3)?,
            readings: row.int(4)?,
            printers: row.int(5)?,
            latest: Instant(row.int(6)?),
        })
    })
}

/// What a printer gave without a unit in its last reading that gave such a number.
#[derive(Debug, Clone)]
pub(in crate::readings) struct LastNumber {
    pub(in crate::readings) row: RowId,
    pub(in crate::readings) product_number: String,
    pub(in crate::readings) firmware: String,
    /// One row of one record can have several.
    pub(in crate::readings) numbers: Vec<Decimal>,
    pub(in crate::readings) at: Instant,
}

const LAST_NUMBERS: &str = "select bare.row, bare.product_number, bare.firmware, bare.number, bare.at
    from unitless as bare
    where bare.reseller_id = $1 and bare.printer_id = $2 and bare.subject = 'reading' and bare.key = ''
      and bare.version = 0 and bare.at = (select max(newest.at) from unitless as newest
          where newest.reseller_id = $1 and newest.printer_id = $2 and newest.subject = 'reading'
            and newest.key = '' and newest.version = 0)
    order by bare.row";

/// What a printer's last reading gave without a unit.
pub(in crate::readings) fn last_numbers(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
) -> Result<Vec<LastNumber>, DbError> {
    tx.query(LAST_NUMBERS, params![scope.reseller_id(), printer_id], |row| {
        Ok(LastNumber {
            row: row_id(row, 0)?,
            product_number: row.text(1)?,
            firmware: row.text(2)?,
            numbers: numbers(row, 3)?,
            at: Instant(row.int(4)?),
        })
    })
}

fn numbers(row: &Row, column: usize) -> Result<Vec<Decimal>, DbError> {
    let numbers = row.text(column)?.split_whitespace().map(Decimal::parse).collect::<Option<Vec<Decimal>>>();
    numbers.ok_or(DbError::Shape { column, wanted: "numbers" })
}

/// A number as a printer gave it.
#[derive(Debug, Clone)]
pub(in crate::readings) struct Example {
    pub(in crate::readings) machine: Machine,
    /// One row of one record can have several.
    pub(in crate::readings) numbers: Vec<Decimal>,
    /// Whether it is of a job; else of a counter.
    pub(in crate::readings) of_job: bool,
    pub(in crate::readings) at: Instant,
}

/// Of each printer those of the week before its last one.
const EXAMPLES: &str = concat!(
    "select ",
    machine!(),
    ", unitless.number, unitless.subject, unitless.at from unitless_model as model
    join unitless on unitless.reseller_id = model.reseller_id and unitless.printer_id = model.printer_id
        and unitless.product_number = model.product_number and unitless.firmware = model.firmware
        and unitless.row = model.row and unitless.at >= model.latest_at - 604800000
    join printer on printer.reseller_id = model.reseller_id and printer.printer_id = model.printer_id
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where model.reseller_id = $1 and model.product_number = $2 and model.firmware = $3 and model.row = $4
    order by unitless.at desc, unitless.printer_id, unitless.key limit 5"
);

/// The latest numbers of a group, newest first.
pub(in crate::readings) fn examples(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (product_number, firmware): (&str, &str),
    row: RowId,
) -> Result<Vec<Example>, DbError> {
    const FIRST: usize = AFTER_MACHINE;
    tx.query(EXAMPLES, params![scope.reseller_id(), product_number, firmware, row.word()], |row| {
        Ok(Example {
            machine: machine(row)?,
            numbers: numbers(row, FIRST)?,
            of_job: row.text(FIRST + 1)? == "job",
            at: Instant(row.int(FIRST + 2)?),
        })
    })
}

/// A unit that a person declared and nobody withdrew.
#[derive(Debug, Clone)]
pub(in crate::readings) struct Declared {
    pub(in crate::readings) declaration_id: i64,
    pub(in crate::readings) product_number: String,
    /// Empty: every firmware that has none of its own.
    pub(in crate::readings) firmware: String,
    pub(in crate::readings) row: RowId,
    pub(in crate::readings) unit: String,
    pub(in crate::readings) note: String,
    pub(in crate::readings) declared_at: Instant,
    pub(in crate::readings) by: String,
}

const DECLARED: &str = "select declared_unit.declaration_id, declared_unit.product_number, declared_unit.firmware,
        declared_unit.row, declared_unit.unit, declared_unit.note, declared_unit.declared_at,
        coalesce(person.name, '')
    from declared_unit left join person on person.person_id = declared_unit.person_id
    where declared_unit.reseller_id = $1 and declared_unit.withdrawn_at is null
    order by declared_unit.product_number, declared_unit.row, declared_unit.firmware,
        declared_unit.declared_at limit 500";

/// The units that hold.
pub(in crate::readings) fn declared(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<Declared>, DbError> {
    tx.query(DECLARED, params![scope.reseller_id()], |row| {
        Ok(Declared {
            declaration_id: row.int(0)?,
            product_number: row.text(1)?,
            firmware: row.text(2)?,
            row: row_id(row, 3)?,
            unit: row.text(4)?,
            note: row.text(5)?,
            declared_at: Instant(row.int(6)?),
            by: row.text(7)?,
        })
    })
}
