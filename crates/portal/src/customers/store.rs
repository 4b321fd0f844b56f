//! The SQL of customers.
//!
//! Deliberately absent: every fact of a printer besides its totals of a month, which are the fleet's.

use crate::agents::interval;
use crate::db::{DbError, Tx, params};
use crate::fleet::Participation;
use crate::shell::ResellerScope;
use crate::shell::part::{Part, ROWS};
use report::{Area, Ink, Instant};
use std::collections::BTreeMap;

/// Seen printers and people that a customer's page shows, of each.
const SHOWN_MAX: i64 = 50;

const INSERT: &str = "insert into customer (reseller_id, customer_id, name, site, time_zone, created_at)
    values ($1, $2, $3, $4, $5, $6)";
const COUNT: &str = "select count(*) from customer where reseller_id = $1";
const LIST: &str = "select customer.customer_id, customer.name, customer.site, customer.time_zone,
    (select count(*) from printer
        where printer.reseller_id = customer.reseller_id and printer.customer_id = customer.customer_id),
    coalesce(billed.contracts, 0)
    from customer
    left join (select customer_id, count(*) as contracts from contract
        where reseller_id = $1 group by customer_id) as billed
        on billed.customer_id = customer.customer_id
    where customer.reseller_id = $1 order by lower(customer.name), customer.customer_id limit $2 offset $3";
/// The customers are those of the same part in [`LIST`].
const AREAS: &str = "select usage_day.customer_id, usage_day.day / 100, cast(sum(usage_day.quantity) as bigint)
    from usage_day
    where usage_day.reseller_id = $1 and usage_day.day >= $2 and usage_day.meter like 'area-printed%'
    and usage_day.customer_id in (select shown.customer_id from customer as shown where shown.reseller_id = $1
        order by lower(shown.name), shown.customer_id limit $3 offset $4)
    group by usage_day.customer_id, usage_day.day / 100";
const CUSTOMER: &str = "select name, site, time_zone, participation from customer
    where reseller_id = $1 and customer_id = $2";
const PRINTER_COUNT: &str = "select count(*) from printer where reseller_id = $1 and customer_id = $2";
const PRINTERS: &str = concat!(
    "select printer.printer_id, printer.product_name, printer.product_number, printer.serial,
    printer_state.received_at, agent.host, ",
    interval!(),
    ", used.area, used.ink, printer.nickname, printer.participation, printer.seen_at
    from printer
    left join printer_state
        on printer_state.reseller_id = printer.reseller_id and printer_state.printer_id = printer.printer_id
    left join agent on agent.reseller_id = printer_state.reseller_id and agent.agent_id = printer_state.agent_id
    left join agent_beat on agent_beat.reseller_id = printer_state.reseller_id
        and agent_beat.agent_id = printer_state.agent_id
    left join (select usage.printer_id,
            cast(sum(case when usage.meter like 'area-printed%' then usage.quantity end) as bigint) as area,
            cast(sum(case when usage.meter like 'ink%' then usage.quantity end) as bigint) as ink
        from usage
        join printer as own on own.reseller_id = usage.reseller_id and own.printer_id = usage.printer_id
        where usage.reseller_id = $1 and own.customer_id = $2 and usage.month = $3 group by usage.printer_id) as used
        on used.printer_id = printer.printer_id
    where printer.reseller_id = $1 and printer.customer_id = $2 order by printer.serial limit $4 offset $5"
);
/// Printers that were seen and take no part, longest known first.
const SEEN: &str = "select printer_id, nickname, product_name, product_number, serial, participation, seen_at
    from printer
    where reseller_id = $1 and customer_id = $2 and participation <> 'participating'
    order by first_seen_at, printer_id limit $3";
const PEOPLE: &str = "select name, email from person
    where reseller_id = $1 and customer_id = $2 and disabled_at is null order by lower(name), email limit $3";
/// A cross join is walked as it is written: else SQLite reads the jobs of all customers.
const PERSONAL: &str = "select count(*), count(job.name), count(job.user_name), count(job.account)
    from printer cross join job
    where printer.reseller_id = $1 and printer.customer_id = $2
    and job.reseller_id = printer.reseller_id and job.printer_id = printer.printer_id and job.finished_at >= $3";

/// A customer that is to be made.
pub(crate) struct NewCustomer {
    /// Its id.
    pub(crate) customer_id: i64,
    /// Its name.
    pub(crate) name: String,
    /// Where its printers stand.
    pub(crate) site: String,
    /// The zone that cuts its days and months, an IANA name that is known.
    pub(crate) time_zone: String,
}

/// Makes a customer.
pub(crate) fn insert_customer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer: &NewCustomer,
    now: Instant,
) -> Result<(), DbError> {
    let NewCustomer { customer_id, name, site, time_zone } = customer;
    tx.execute(INSERT, params![scope.reseller_id(), *customer_id, name, site, time_zone, now])?;
    Ok(())
}

/// A customer in the list.
pub(super) struct Listed {
    pub(super) customer_id: i64,
    pub(super) name: String,
    pub(super) site: String,
    pub(super) time_zone: String,
    pub(super) printers: i64,
    pub(super) contracts: i64,
}

/// How many customers there are.
pub(super) fn count(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<i64, DbError> {
    tx.count(COUNT, params![scope.reseller_id()])
}

/// One part of the customers, by name.
pub(super) fn list(tx: &mut Tx<'_>, scope: &ResellerScope, part: Part) -> Result<Vec<Listed>, DbError> {
    tx.query(LIST, params![scope.reseller_id(), ROWS, part.skipped()], |row| {
        Ok(Listed {
            customer_id: row.int(0)?,
            name: row.text(1)?,
            site: row.text(2)?,
            time_zone: row.text(3)?,
            printers: row.int(4)?,
            contracts: row.int(5)?,
        })
    })
}

/// The area that the customers of a part printed, by customer and month `yyyymm`, from the month `from` on.
pub(super) fn areas(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    part: Part,
    from: i64,
) -> Result<BTreeMap<(i64, i64), Area>, DbError> {
    let params = params![scope.reseller_id(), from * 100, ROWS, part.skipped()];
    let found = tx.query(AREAS, params, |row| Ok(((row.int(0)?, row.int(1)?), Area(row.int(2)?))))?;
    Ok(found.into_iter().collect())
}

/// One customer.
pub(super) struct Customer {
    pub(super) name: String,
    pub(super) site: String,
    pub(super) time_zone: String,
    /// Whether every supported printer that is found takes part, not only those that somebody marked.
    pub(super) takes_all: bool,
}

/// The customer `id`, unless the scope is another customer's.
pub(super) fn customer(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Option<Customer>, DbError> {
    if scope.customer_id().is_some_and(|own| own != id) {
        return Ok(None);
    }
    tx.query_opt(CUSTOMER, params![scope.reseller_id(), id], |row| {
        let takes_all = row.text(3)? == "all";
        Ok(Customer { name: row.text(0)?, site: row.text(1)?, time_zone: row.text(2)?, takes_all })
    })
}

/// A printer with what it did in a month.
pub(super) struct Printer {
    pub(super) printer_id: i64,
    pub(super) nickname: Option<String>,
    pub(super) product_name: Option<String>,
    pub(super) product_number: Option<String>,
    pub(super) serial: String,
    pub(super) received_at: Option<Instant>,
    pub(super) host: Option<String>,
    /// How often its agent reads.
    pub(super) interval_minutes: i64,
    pub(super) area: Option<Area>,
    pub(super) ink: Option<Ink>,
    pub(super) participation: Participation,
    pub(super) seen_at: Option<Instant>,
}

/// How many printers the customer `id` has.
pub(super) fn printer_count(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<i64, DbError> {
    tx.count(PRINTER_COUNT, params![scope.reseller_id(), id])
}

/// One part of the printers of the customer `id`, with their totals of `month`, `yyyymm`.
pub(super) fn printers(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: i64,
    month: i64,
    part: Part,
) -> Result<Vec<Printer>, DbError> {
    tx.query(PRINTERS, params![scope.reseller_id(), id, month, ROWS, part.skipped()], |row| {
        Ok(Printer {
            printer_id: row.int(0)?,
            product_name: row.opt_text(1)?,
            product_number: row.opt_text(2)?,
            serial: row.text(3)?,
            received_at: row.opt_int(4)?.map(Instant),
            host: row.opt_text(5)?,
            interval_minutes: row.int(6)?,
            area: row.opt_int(7)?.map(Area),
            ink: row.opt_int(8)?.map(Ink),
            nickname: row.opt_text(9)?,
            participation: Participation::read(row, 10)?,
            seen_at: row.opt_int(11)?.map(Instant),
        })
    })
}

/// A printer that takes no part.
pub(super) struct Seen {
    pub(super) printer_id: i64,
    pub(super) nickname: Option<String>,
    pub(super) product_name: Option<String>,
    pub(super) product_number: Option<String>,
    pub(super) serial: String,
    pub(super) participation: Participation,
    pub(super) seen_at: Option<Instant>,
}

/// The printers of the customer `id` that take no part.
pub(super) fn seen(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Vec<Seen>, DbError> {
    tx.query(SEEN, params![scope.reseller_id(), id, SHOWN_MAX], |row| {
        Ok(Seen {
            printer_id: row.int(0)?,
            nickname: row.opt_text(1)?,
            product_name: row.opt_text(2)?,
            product_number: row.opt_text(3)?,
            serial: row.text(4)?,
            participation: Participation::read(row, 5)?,
            seen_at: row.opt_int(6)?.map(Instant),
        })
    })
}

/// Name and address of the people of the customer `id` who may sign in.
pub(super) fn people(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Vec<(String, String)>, DbError> {
    tx.query(PEOPLE, params![scope.reseller_id(), id, SHOWN_MAX], |row| Ok((row.text(0)?, row.text(1)?)))
}

/// Whether names of people arrived with the jobs of the customer `id` since then; `None` when no job did.
pub(super) fn personal(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: i64,
    since: Instant,
) -> Result<Option<bool>, DbError> {
    let found = tx.query_opt(PERSONAL, params![scope.reseller_id(), id, since], |row| {
        let named = row.int(1)? > 0 || row.int(2)? > 0 || row.int(3)? > 0;
        Ok((row.int(0)? > 0).then_some(named))
    })?;
    Ok(found.flatten())
}
