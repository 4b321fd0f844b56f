//! What is stored of jobs: lists, totals, versions, and the package a job came in.
//!
//! Deliberately absent: any writing. Job facts are appended by the ledger and never changed.

use super::filter::{Filter, Metered};
use crate::db::{DbError, Param, Row, Tx, params};
use crate::shell::ResellerScope;
use crate::shell::part::ROWS;
use billing::{Quantity, Terms};
use protocol::Hex;
use report::{Grade, Instant};

/// The columns of [`JobLine`].
macro_rules! columns {
    () => {
        "select job.printer_id, job.job_key, job.finished_at, job.kind, job.status, job.source, job.category,
            job.media, job.quality, job.pages, job.copies, job.area_printed, job.area_media, job.ink, job.name,
            job.user_name, job.account, job.defects, job.grade, job.quantities, printer.serial,
            coalesce(printer.nickname, printer.product_name, printer.serial), job.dated_by"
    };
}

/// Jobs with their printers.
macro_rules! from_job {
    () => {
        " from job
          join printer on printer.reseller_id = job.reseller_id and printer.printer_id = job.printer_id "
    };
}

/// Only the version of a job that no later one replaced.
macro_rules! current {
    () => {
        " and not exists (select 1 from job_superseded where job_superseded.reseller_id = job.reseller_id
              and job_superseded.printer_id = job.printer_id and job_superseded.job_key = job.job_key
              and job_superseded.version = job.version)"
    };
}

/// The jobs of a [`Filter`]. A cast comes first where a value means "all", so that PostgreSQL takes the
/// parameter for what it is.
macro_rules! filtered {
    () => {
        concat!(
            from_job!(),
            "where job.reseller_id = $1 and job.finished_at >= $2 and job.finished_at < $3
               and (cast($4 as bigint) = 0 or job.printer_id = $4)
               and (cast($5 as bigint) = 0 or printer.customer_id = $5)
               and (cast($6 as bigint) = 0 or exists (select 1 from contract_printer
                    where contract_printer.reseller_id = job.reseller_id
                      and contract_printer.printer_id = job.printer_id and contract_printer.contract_id = $6
                      and contract_printer.from_at <= job.finished_at
                      and (contract_printer.to_at is null or job.finished_at < contract_printer.to_at)))
               and (cast($7 as text) = '' or job.kind = $7)
               and (cast($8 as text) = '' or job.status = $8)
               and (cast($9 as text) = '' or job.category = $9)
               and (cast($10 as text) = '' or job.media = $10)",
            current!()
        )
    };
}

/// A job in a list or an export.
#[derive(Debug, Clone)]
pub(crate) struct JobLine {
    pub(super) printer_id: i64,
    pub(super) key: String,
    pub(super) finished_at: Instant,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) source: Option<String>,
    pub(super) category: Option<String>,
    pub(super) media: Option<String>,
    pub(super) quality: Option<String>,
    pub(super) pages: Option<i64>,
    pub(super) copies: Option<i64>,
    pub(super) area_printed: Option<i64>,
    pub(super) area_media: Option<i64>,
    pub(super) ink: Option<i64>,
    pub(super) name: Option<String>,
    pub(super) user: Option<String>,
    pub(super) account: Option<String>,
    pub(super) defects: i64,
    pub(super) grade: Grade,
    pub(super) quantities: String,
    pub(super) serial: String,
    pub(super) printer: String,
    /// Whether its time is that of the receipts around it: its printer's own could not be.
    pub(super) dated_by_receipt: bool,
}

/// The grade in a column.
pub(crate) fn grade(row: &Row, column: usize) -> Result<Grade, DbError> {
    Grade::parse(&row.text(column)?).ok_or(DbError::Shape { column, wanted: "a grade" })
}

fn line(row: &Row) -> Result<JobLine, DbError> {
    Ok(JobLine {
        printer_id: row.int(0)?,
        key: row.text(1)?,
        finished_at: Instant(row.int(2)?),
        kind: row.text(3)?,
        status: row.text(4)?,
        source: row.opt_text(5)?,
        category: row.opt_text(6)?,
        media: row.opt_text(7)?,
        quality: row.opt_text(8)?,
        pages: row.opt_int(9)?,
        copies: row.opt_int(10)?,
        area_printed: row.opt_int(11)?,
        area_media: row.opt_int(12)?,
        ink: row.opt_int(13)?,
        name: row.opt_text(14)?,
        user: row.opt_text(15)?,
        account: row.opt_text(16)?,
        defects: row.int(17)?,
        grade: grade(row, 18)?,
        quantities: row.text(19)?,
        serial: row.text(20)?,
        printer: row.text(21)?,
        dated_by_receipt: row.text(22)? == "receipt",
    })
}

/// Sums over all jobs of a filter; `None` where no job says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// How many jobs.
    pub(super) jobs: i64,
    /// mm².
    pub(super) area_printed: Option<i64>,
    /// mm².
    pub(super) area_media: Option<i64>,
    /// nl.
    pub(super) ink: Option<i64>,
    /// The filter's meter, base units.
    pub(super) metered: Option<i64>,
}

impl Totals {
    fn add(&mut self, line: &JobLine) {
        let add = |sum: &mut Option<i64>, more: Option<i64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0).saturating_add(more));
            }
        };
        self.jobs += 1;
        add(&mut self.area_printed, line.area_printed);
        add(&mut self.area_media, line.area_media);
        add(&mut self.ink, line.ink);
    }
}

/// The shown part of a filter's jobs, newest first, with the totals over all of them.
pub(super) fn page(tx: &mut Tx<'_>, scope: &ResellerScope, filter: &Filter) -> Result<(Totals, Vec<JobLine>), DbError> {
    if filter.metered.is_some() {
        return metered_page(tx, scope, filter);
    }
    Ok((totals(tx, scope, filter)?, lines(tx, scope, filter)?))
}

fn parameters(scope: &ResellerScope, filter: &Filter) -> Vec<Param> {
    params![
        scope.reseller_id(),
        filter.from,
        filter.to,
        filter.printer,
        filter.customer,
        filter.contract,
        &filter.kind,
        &filter.status,
        &filter.category,
        &filter.media
    ]
    .to_vec()
}

const TOTALS: &str = concat!(
    "select count(*), cast(sum(job.area_printed) as bigint), cast(sum(job.area_media) as bigint),
        cast(sum(job.ink) as bigint)",
    filtered!()
);

fn totals(tx: &mut Tx<'_>, scope: &ResellerScope, filter: &Filter) -> Result<Totals, DbError> {
    let found = tx.query_opt(TOTALS, &parameters(scope, filter), |row| {
        Ok(Totals {
            jobs: row.int(0)?,
            area_printed: row.opt_int(1)?,
            area_media: row.opt_int(2)?,
            ink: row.opt_int(3)?,
            metered: None,
        })
    })?;
    Ok(found.unwrap_or_default())
}

const LINES: &str = concat!(
    columns!(),
    filtered!(),
    " order by job.finished_at desc, job.printer_id, job.job_key limit $11 offset $12"
);

fn lines(tx: &mut Tx<'_>, scope: &ResellerScope, filter: &Filter) -> Result<Vec<JobLine>, DbError> {
    let mut parameters = parameters(scope, filter);
    parameters.extend([Param::Int(ROWS), Param::Int(filter.part.skipped())]);
    tx.query(LINES, &parameters, line)
}

const SCAN: &str = concat!(columns!(), filtered!(), " order by job.finished_at desc, job.printer_id, job.job_key");

/// Gives `each` every job of the filter, newest first, with what it counts on the filter's meter. Rows
/// are read one at a time and never held together.
pub(super) fn scan(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    filter: &Filter,
    mut each: impl FnMut(JobLine, i64) -> Result<(), DbError>,
) -> Result<(), DbError> {
    tx.query(SCAN, &parameters(scope, filter), |row| {
        let line = line(row)?;
        match &filter.metered {
            None => each(line, 0),
            Some(metered) => match amount(metered, &line)? {
                Some(amount) => each(line, amount),
                None => Ok(()),
            },
        }
    })?;
    Ok(())
}

fn amount(metered: &Metered, line: &JobLine) -> Result<Option<i64>, DbError> {
    let quantities: Vec<Quantity> = serde_json::from_str(&line.quantities)?;
    Ok(metered.amount(&line.status, &quantities))
}

fn metered_page(tx: &mut Tx<'_>, scope: &ResellerScope, filter: &Filter) -> Result<(Totals, Vec<JobLine>), DbError> {
    let shown = filter.part.skipped()..filter.part.skipped() + ROWS;
    let (mut totals, mut sum, mut lines, mut place) = (Totals::default(), 0_i128, Vec::new(), 0_i64);
    scan(tx, scope, filter, |line, amount| {
        totals.add(&line);
        sum += i128::from(amount);
        if shown.contains(&place) {
            lines.push(line);
        }
        place += 1;
        Ok(())
    })?;
    let fits = i64::try_from(sum).map_err(|_| DbError::Unfit("the sum of a meter does not fit".to_owned()))?;
    totals.metered = Some(fits);
    Ok((totals, lines))
}

const OF_PRINTER: &str = concat!(
    columns!(),
    from_job!(),
    "where job.reseller_id = $1 and job.printer_id = $2",
    current!(),
    " order by job.finished_at desc, job.job_key limit $3"
);

/// The latest jobs of one printer.
pub(super) fn of_printer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    most: i64,
) -> Result<Vec<JobLine>, DbError> {
    tx.query(OF_PRINTER, params![scope.reseller_id(), printer_id, most], line)
}

const NEWEST: &str = "select max(finished_at) from job where reseller_id = $1";
const NEWEST_OF_PRINTER: &str = "select max(finished_at) from job where reseller_id = $1 and printer_id = $2";

/// When the newest job finished; of one printer, or with 0 of all.
pub(super) fn newest(tx: &mut Tx<'_>, scope: &ResellerScope, printer: i64) -> Result<Option<Instant>, DbError> {
    let reseller = scope.reseller_id();
    let found = match printer {
        0 => tx.query_opt(NEWEST, params![reseller], |row| row.opt_int(0))?,
        printer => tx.query_opt(NEWEST_OF_PRINTER, params![reseller, printer], |row| row.opt_int(0))?,
    };
    Ok(found.flatten().map(Instant))
}

/// A name, and the zone of the customer that it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// What people call it.
    pub(super) name: String,
    /// The IANA name of the zone.
    pub(super) zone: String,
}

fn named(row: &Row) -> Result<Named, DbError> {
    Ok(Named { name: row.text(0)?, zone: row.text(1)? })
}

const PRINTER_NAME: &str = "select
        coalesce(coalesce(printer.nickname, printer.product_name) || ' · ', '') || printer.serial, customer.time_zone
    from printer
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where printer.reseller_id = $1 and printer.printer_id = $2";

/// A printer's name.
pub(super) fn printer_name(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Option<Named>, DbError> {
    tx.query_opt(PRINTER_NAME, params![scope.reseller_id(), id], named)
}

const CUSTOMER_NAME: &str = "select name, time_zone from customer where reseller_id = $1 and customer_id = $2";

/// A customer's name.
pub(super) fn customer_name(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Option<Named>, DbError> {
    tx.query_opt(CUSTOMER_NAME, params![scope.reseller_id(), id], named)
}

const CONTRACT_NAME: &str = "select contract.number, customer.time_zone
    from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    where contract.reseller_id = $1 and contract.contract_id = $2";

/// A contract's number.
pub(super) fn contract_name(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Option<Named>, DbError> {
    tx.query_opt(CONTRACT_NAME, params![scope.reseller_id(), id], named)
}

const TERMS: &str = "select terms from contract_version
    where reseller_id = $1 and contract_id = $2 and state = 'standing'
    and (version = $3 or (cast($3 as bigint) = 0 and valid_from <= $4))
    order by valid_from desc, version desc limit 1";
const FIRST_TERMS: &str =
    "select terms from contract_version where reseller_id = $1 and contract_id = $2 and state = 'standing'
    order by valid_from, version limit 1";

/// The terms of a version of a contract; with version 0, those in force at `at`, else the first there are.
pub(super) fn terms(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract: i64,
    version: i64,
    at: Instant,
) -> Result<Option<Terms>, DbError> {
    let reseller = scope.reseller_id();
    let mut found = tx.query_opt(TERMS, params![reseller, contract, version, at], |row| row.text(0))?;
    if found.is_none() && version == 0 {
        found = tx.query_opt(FIRST_TERMS, params![reseller, contract], |row| row.text(0))?;
    }
    Ok(found.map(|text| serde_json::from_str(&text)).transpose()?)
}

const PRINTERS: &str = "select printer_id, coalesce(coalesce(nickname, product_name) || ' · ', '') || serial
    from printer
    where reseller_id = $1 and (cast($2 as bigint) = 0 or customer_id = $2)
    order by coalesce(nickname, product_name, ''), serial limit $3";

/// Printers to choose from: id and name, of one customer, or with 0 of all.
pub(super) fn printers(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer: i64,
    most: i64,
) -> Result<Vec<(i64, String)>, DbError> {
    tx.query(PRINTERS, params![scope.reseller_id(), customer, most], |row| Ok((row.int(0)?, row.text(1)?)))
}

/// Whose a job is.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// What people call the printer.
    pub(super) printer: String,
    /// Its serial number.
    pub(super) serial: String,
    /// The customer.
    pub(super) customer_id: i64,
    /// The customer's name.
    pub(super) customer: String,
    /// The customer's zone.
    pub(super) zone: String,
}

const OWNER: &str = "select coalesce(printer.nickname, printer.product_name, printer.serial), printer.serial,
        customer.customer_id, customer.name, customer.time_zone
    from printer
    join customer on customer.reseller_id = printer.reseller_id and customer.customer_id = printer.customer_id
    where printer.reseller_id = $1 and printer.printer_id = $2";

/// Whose the jobs of a printer are.
pub(super) fn owner(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Option<Owner>, DbError> {
    tx.query_opt(OWNER, params![scope.reseller_id(), printer_id], |row| {
        Ok(Owner {
            printer: row.text(0)?,
            serial: row.text(1)?,
            customer_id: row.int(2)?,
            customer: row.text(3)?,
            zone: row.text(4)?,
        })
    })
}

/// One version of a job.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// From 1.
    pub(super) number: i64,
    /// When the job finished.
    pub(super) finished_at: Instant,
    /// When the agent read it.
    pub(super) read_at: Instant,
    /// The word of row P27.
    pub(super) kind: String,
    /// The word of rows P11 and N10.
    pub(super) status: String,
    /// How well it is proved.
    pub(super) grade: Grade,
    /// Where its exact bytes are.
    pub(super) place: Place,
    /// The agent's host, where the agent is still known.
    pub(super) host: Option<String>,
    /// mm².
    pub(super) area_printed: Option<i64>,
    /// When its package arrived, where it is still kept.
    pub(super) received_at: Option<Instant>,
    /// Whether another version replaced it.
    pub(super) superseded: bool,
}

/// Where a record's exact bytes are.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The agent that sent it.
    pub(super) agent_id: String,
    /// The package.
    pub(super) sequence: i64,
    /// The record, counted over all of the agent's packages.
    pub(super) record: i64,
}

const VERSIONS: &str = "select job.version, job.finished_at, job.read_at, job.kind, job.status, job.grade,
        job.agent_id, job.sequence, job.record, agent.host, job.area_printed, package.received_at,
        case when job_superseded.version is null then 0 else 1 end
    from job
    left join job_superseded on job_superseded.reseller_id = job.reseller_id
        and job_superseded.printer_id = job.printer_id and job_superseded.job_key = job.job_key
        and job_superseded.version = job.version
    left join package on package.reseller_id = job.reseller_id and package.agent_id = job.agent_id
        and package.sequence = job.sequence
    left join agent on agent.reseller_id = job.reseller_id and agent.agent_id = job.agent_id
    where job.reseller_id = $1 and job.printer_id = $2 and job.job_key = $3 order by job.version";

/// Every version of a job, in the order they were accepted.
pub(super) fn versions(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    key: &str,
) -> Result<Vec<Version>, DbError> {
    tx.query(VERSIONS, params![scope.reseller_id(), printer_id, key], |row| {
        Ok(Version {
            number: row.int(0)?,
            finished_at: Instant(row.int(1)?),
            read_at: Instant(row.int(2)?),
            kind: row.text(3)?,
            status: row.text(4)?,
            grade: grade(row, 5)?,
            place: Place { agent_id: row.text(6)?, sequence: row.int(7)?, record: row.int(8)? },
            host: row.opt_text(9)?,
            area_printed: row.opt_int(10)?,
            received_at: row.opt_int(11)?.map(Instant),
            superseded: row.int(12)? == 1,
        })
    })
}

const STATEMENTS: &str = "select statement.statement_id, statement.name
    from statement
    join contract_printer on contract_printer.reseller_id = statement.reseller_id
        and contract_printer.contract_id = statement.contract_id
    where statement.reseller_id = $1 and contract_printer.printer_id = $2
      and statement.period_start <= $3 and statement.period_end > $3
      and contract_printer.from_at <= $3 and (contract_printer.to_at is null or contract_printer.to_at > $3)
    order by statement.period_start limit 10";

/// The statements into whose period and printers a job of that instant falls: id, and what it is called, which is
/// empty until it is issued.
pub(super) fn statements(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    at: Instant,
) -> Result<Vec<(i64, String)>, DbError> {
    let parameters = params![scope.reseller_id(), printer_id, at];
    tx.query(STATEMENTS, parameters, |row| Ok((row.int(0)?, row.text(1)?)))
}

const LATEST: &str = "select agent_id, sequence, record from job where reseller_id = $1 and printer_id = $2
    order by finished_at desc, version desc limit 1";

/// Where a printer's latest job is.
pub(super) fn latest(tx: &mut Tx<'_>, scope: &ResellerScope, printer_id: i64) -> Result<Option<Place>, DbError> {
    tx.query_opt(LATEST, params![scope.reseller_id(), printer_id], |row| {
        Ok(Place { agent_id: row.text(0)?, sequence: row.int(1)?, record: row.int(2)? })
    })
}

const PACKAGE: &str =
    "select body, first_record from package where reseller_id = $1 and agent_id = $2 and sequence = $3";

/// A package's compressed bytes, and the number of its first record.
pub(super) fn package(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    place: &Place,
) -> Result<Option<(Vec<u8>, i64)>, DbError> {
    let parameters = params![scope.reseller_id(), &place.agent_id, place.sequence];
    tx.query_opt(PACKAGE, parameters, |row| Ok((row.bytes(0)?, row.int(1)?)))
}

const SECTION: &str = "select body from section where reseller_id = $1 and digest = $2";

/// The text of a section that records refer to.
pub(super) fn section(tx: &mut Tx<'_>, scope: &ResellerScope, digest: &Hex<32>) -> Result<Option<String>, DbError> {
    tx.query_opt(SECTION, params![scope.reseller_id(), digest.0.as_slice()], |row| row.text(0))
}
