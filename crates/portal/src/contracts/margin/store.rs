//! What the margin of a contract is worked out from: its issued documents, what its printers used by their job
//! logs, and what people said they cost.
//!
//! Costs are only ever added: a later entry of the same kind ends the one before. Deliberately absent: arithmetic,
//! which the billing crate does.

use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::{ResellerScope, printer};
use billing::{CostPer, MeterKind, Period, Statement, Terms, UnitPrice, Used};
use report::Instant;
use std::collections::BTreeMap;

/// Stays and costs of one contract that are read.
const ROWS_MAX: i64 = 20_000;

const CONTRACT: &str = "select contract.number, customer.name, made.terms
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    join contract_version as made on made.reseller_id = contract.reseller_id
        and made.contract_id = contract.contract_id
    where contract.reseller_id = $1 and contract.contract_id = $2
    order by case when made.state = 'standing' then 0 else 1 end, made.valid_from desc, made.version desc limit 1";
const STAYS: &str = "select stay.printer_id, printer.serial, printer.product_name, printer.nickname,
    stay.from_at, stay.to_at
    from contract_printer as stay
    join printer on printer.reseller_id = stay.reseller_id and printer.printer_id = stay.printer_id
    where stay.reseller_id = $1 and stay.contract_id = $2
    order by printer.serial, stay.printer_id, stay.from_at limit $3";
const COSTS: &str = "select known.printer_id, known.kind, known.per, known.amount, known.from_at, known.to_at,
    known.entered_at, coalesce(person.name, '')
    from printer_cost as known left join person on person.person_id = known.person_id
    where known.reseller_id = $1
    and known.printer_id in (select stay.printer_id from contract_printer as stay
        where stay.reseller_id = $1 and stay.contract_id = $2)
    order by known.printer_id, known.kind, known.per, known.from_at, known.entered_at, known.cost_id limit $3";
const PERIODS: &str = "select period_start, period_end from statement
    where reseller_id = $1 and contract_id = $2 and kind = 'statement' and state in ('issued', 'corrected')
    group by period_start, period_end order by period_start desc limit $3";
const DOCUMENTS: &str = "select period_start, revision, document from statement
    where reseller_id = $1 and contract_id = $2 and state in ('issued', 'corrected')
    and period_start >= $3 and period_start <= $4
    order by period_start, revision, payer, statement_id";
/// What the job logs say was used, whether it was billed or not.
const USED: &str = "select billed.period_start, job.printer_id, count(*), cast(sum(job.ink) as bigint),
    cast(sum(job.area_printed) as bigint), cast(sum(job.area_media) as bigint)
    from (select distinct of_contract.contract_id, of_contract.period_start, of_contract.period_end
        from statement as of_contract
        where of_contract.reseller_id = $1 and of_contract.contract_id = $2 and of_contract.kind = 'statement'
        and of_contract.state in ('issued', 'corrected')
        and of_contract.period_start >= $3 and of_contract.period_start <= $4) as billed
    cross join contract_printer as stay cross join job
    where stay.reseller_id = $1 and stay.contract_id = billed.contract_id
    and job.reseller_id = stay.reseller_id and job.printer_id = stay.printer_id
    and job.finished_at >= billed.period_start and +job.finished_at < billed.period_end
    and +job.finished_at >= stay.from_at and (stay.to_at is null or +job.finished_at < stay.to_at)
    and not exists (select 1 from job_superseded as later
        where later.reseller_id = job.reseller_id and later.printer_id = job.printer_id
        and later.job_key = job.job_key and later.version = job.version)
    group by billed.period_start, job.printer_id";
const COST: Bulk = Bulk {
    table: "printer_cost",
    columns: &[
        ("reseller_id", Kind::Int),
        ("cost_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("kind", Kind::Text),
        ("per", Kind::Text),
        ("amount", Kind::Text),
        ("from_at", Kind::Int),
        ("to_at", Kind::Int),
        ("entered_at", Kind::Int),
        ("person_id", Kind::Int),
    ],
    key: 2,
    on_conflict: "do nothing",
};

/// A contract, as far as its margin needs it.
pub(super) struct Contract {
    pub(super) number: String,
    pub(super) customer: String,
    /// The standing terms that were written last.
    pub(super) terms: Terms,
}

/// The contract, if it is the reseller's.
pub(super) fn contract(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Option<Contract>, DbError> {
    tx.query_opt(CONTRACT, params![scope.reseller_id(), contract_id], |row| {
        Ok(Contract { number: row.text(0)?, customer: row.text(1)?, terms: serde_json::from_str(&row.text(2)?)? })
    })
}

/// A printer's stay in the contract.
#[derive(Debug, Clone)]
pub(super) struct Stay {
    pub(super) printer_id: i64,
    pub(super) label: String,
    pub(super) from: Instant,
    pub(super) to: Option<Instant>,
}

/// The stays of a contract, by serial number and time.
pub(super) fn stays(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Vec<Stay>, DbError> {
    tx.query(STAYS, params![scope.reseller_id(), contract_id, ROWS_MAX], |row| {
        let (serial, product, nickname) = (row.text(1)?, row.opt_text(2)?, row.opt_text(3)?);
        Ok(Stay {
            printer_id: row.int(0)?,
            label: printer::label(nickname.as_deref(), product.as_deref(), None, &serial),
            from: Instant(row.int(4)?),
            to: row.opt_int(5)?.map(Instant),
        })
    })
}

/// A cost as somebody entered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entered {
    pub(super) printer_id: i64,
    pub(super) kind: String,
    pub(super) per: CostPer,
    pub(super) price: UnitPrice,
    pub(super) from: Instant,
    pub(super) to: Option<Instant>,
    pub(super) at: Instant,
    pub(super) by: String,
}

/// The costs of the contract's printers, by printer, kind and unit, the earliest first.
pub(super) fn costs(tx: &mut Tx<'_>, scope: &ResellerScope, contract_id: i64) -> Result<Vec<Entered>, DbError> {
    tx.query(COSTS, params![scope.reseller_id(), contract_id, ROWS_MAX], |row| {
        let per = CostPer::parse(&row.text(2)?).ok_or(DbError::Shape { column: 2, wanted: "what a cost is for" })?;
        let price = UnitPrice::parse(&row.text(3)?).map_err(|_| DbError::Shape { column: 3, wanted: "a price" })?;
        Ok(Entered {
            printer_id: row.int(0)?,
            kind: row.text(1)?,
            per,
            price,
            from: Instant(row.int(4)?),
            to: row.opt_int(5)?.map(Instant),
            at: Instant(row.int(6)?),
            by: row.text(7)?,
        })
    })
}

/// The last billed periods of a contract, at most `most`, the newest first.
pub(super) fn periods(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    most: i64,
) -> Result<Vec<Period>, DbError> {
    tx.query(PERIODS, params![scope.reseller_id(), contract_id, most], |row| {
        Ok(Period { start: Instant(row.int(0)?), end: Instant(row.int(1)?) })
    })
}

/// The issued documents of the periods that start from `first` to `last`, by the start of their period: 0 is the
/// period's statement, one for each payer; notes count from 1.
pub(super) fn documents(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    (first, last): (Instant, Instant),
) -> Result<BTreeMap<Instant, Vec<(i64, Statement)>>, DbError> {
    let mut documents: BTreeMap<Instant, Vec<(i64, Statement)>> = BTreeMap::new();
    tx.query(DOCUMENTS, params![scope.reseller_id(), contract_id, first, last], |row| {
        let document = (row.int(1)?, serde_json::from_str(&row.text(2)?)?);
        documents.entry(Instant(row.int(0)?)).or_default().push(document);
        Ok(())
    })?;
    Ok(documents)
}

/// What the job logs say each printer used in the billed periods that start from `first` to `last`.
pub(super) fn used(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    (first, last): (Instant, Instant),
) -> Result<BTreeMap<Instant, Used>, DbError> {
    let mut used: BTreeMap<Instant, Used> = BTreeMap::new();
    tx.query(USED, params![scope.reseller_id(), contract_id, first, last], |row| {
        let (of_period, printer) = (used.entry(Instant(row.int(0)?)).or_default(), row.int(1)?.to_string());
        let kinds = [
            (MeterKind::Jobs, Some(row.int(2)?)),
            (MeterKind::Ink, row.opt_int(3)?),
            (MeterKind::AreaPrinted, row.opt_int(4)?),
            (MeterKind::AreaMedia, row.opt_int(5)?),
        ];
        // What no job says is not known; it is not nothing.
        let known = kinds.into_iter().filter_map(|(kind, quantity)| quantity.map(|quantity| (kind, quantity)));
        of_period.extend(known.map(|(kind, quantity)| ((printer.clone(), kind), quantity)));
        Ok(())
    })?;
    Ok(used)
}

/// A cost to keep.
pub(super) struct NewCost<'a> {
    pub(super) cost_id: i64,
    /// The caller has checked that it is a printer of the reseller.
    pub(super) printer_id: i64,
    pub(super) kind: &'a str,
    pub(super) per: CostPer,
    pub(super) price: UnitPrice,
    pub(super) from: Instant,
    pub(super) to: Option<Instant>,
}

/// Keeps costs.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    costs: &[NewCost<'_>],
    (person_id, now): (i64, Instant),
) -> Result<(), DbError> {
    let row = |new: &NewCost<'_>| -> Vec<Param> {
        let (reseller, amount) = (scope.reseller_id(), String::from(new.price));
        let (printer, per) = (new.printer_id, new.per.word());
        params![reseller, new.cost_id, printer, new.kind, per, amount, new.from, new.to, now, person_id].to_vec()
    };
    COST.insert(tx, &costs.iter().map(row).collect::<Vec<_>>())?;
    Ok(())
}
