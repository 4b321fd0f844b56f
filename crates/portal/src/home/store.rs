//! What is stored of the work to do, and of this month against the last.
//!
//! Deliberately absent: any writing, and lists beyond their first rows, which the features show.

use crate::db::{DbError, Row, Tx, params};
use crate::fleet::{from_printer, is_silent, is_unassigned};
use crate::shell::ResellerScope;
use billing::Meter;
use report::Instant;

/// Rows that a queue shows.
pub(super) const SHOWN: i64 = 3;

/// Printers that take part, with their customers and their latest state.
macro_rules! from_participating {
    () => {
        concat!(from_printer!(), "where printer.reseller_id = $1 and printer.participation = 'participating' ")
    };
}

/// The columns of [`Waiting`], but for its number.
macro_rules! waiting {
    () => {
        "select printer.printer_id, coalesce(printer.nickname, printer.product_name, printer.serial), customer.name, "
    };
}

/// When a printer was heard of: the older of reading and arrival; 0 for never.
macro_rules! heard_at {
    () => {
        "case when printer_state.read_at is null then 0
            when printer_state.read_at < printer_state.received_at then printer_state.read_at
            else printer_state.received_at end"
    };
}

/// How many printers wait in each queue.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) silent: i64,
    pub(super) alerts: i64,
    pub(super) severe: i64,
    pub(super) supplies: i64,
    pub(super) no_contract: i64,
}

const COUNTS: &str = concat!(
    "select
        coalesce(cast(sum(case when ",
    is_silent!("$2", "$3"),
    " then 1 else 0 end) as bigint), 0),
        coalesce(cast(sum(case when printer_state.alerts > 0 then 1 else 0 end) as bigint), 0),
        coalesce(cast(sum(case when printer_state.severe_alerts > 0 then 1 else 0 end) as bigint), 0),
        coalesce(cast(sum(case when printer_state.supplies_low > 0 then 1 else 0 end) as bigint), 0),
        coalesce(cast(sum(case when ",
    is_unassigned!("$3"),
    " then 1 else 0 end) as bigint), 0)",
    from_participating!()
);

/// The counts of all queues of printers. One that was not heard of since `heard_since` is silent.
pub(super) fn counts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    heard_since: Instant,
    now: Instant,
) -> Result<Counts, DbError> {
    let found = tx.query_opt(COUNTS, params![scope.reseller_id(), heard_since, now], |row| {
        Ok(Counts {
            silent: row.int(0)?,
            alerts: row.int(1)?,
            severe: row.int(2)?,
            supplies: row.int(3)?,
            no_contract: row.int(4)?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

/// A printer in a queue.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) printer_id: i64,
    pub(super) name: String,
    pub(super) customer: String,
    /// An instant or a count, as the queue says.
    pub(super) number: i64,
}

fn waiting(row: &Row) -> Result<Waiting, DbError> {
    Ok(Waiting { printer_id: row.int(0)?, name: row.text(1)?, customer: row.text(2)?, number: row.int(3)? })
}

const SILENT: &str = concat!(
    waiting!(),
    heard_at!(),
    from_participating!(),
    "and ",
    is_silent!("$2", "$3"),
    " order by ",
    heard_at!(),
    ", printer.printer_id limit $4"
);

/// The printers that were not heard of for longest; the number is the instant, 0 for never.
pub(super) fn silent(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    heard_since: Instant,
    now: Instant,
) -> Result<Vec<Waiting>, DbError> {
    tx.query(SILENT, params![scope.reseller_id(), heard_since, now, SHOWN], waiting)
}

const ALERTS: &str = concat!(
    waiting!(),
    "printer_state.alerts",
    from_participating!(),
    "and printer_state.alerts > 0
     order by printer_state.severe_alerts desc, printer_state.alerts desc, printer.printer_id limit $2"
);

/// The printers with the severest alerts; the number is how many are open.
pub(super) fn alerts(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<Waiting>, DbError> {
    tx.query(ALERTS, params![scope.reseller_id(), SHOWN], waiting)
}

const SUPPLIES: &str = concat!(
    waiting!(),
    "printer_state.supplies_low",
    from_participating!(),
    "and printer_state.supplies_low > 0 order by printer_state.supplies_low desc, printer.printer_id limit $2"
);

/// The printers with most supplies that end; the number is how many.
pub(super) fn supplies(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<Waiting>, DbError> {
    tx.query(SUPPLIES, params![scope.reseller_id(), SHOWN], waiting)
}

const NO_CONTRACT: &str = concat!(
    waiting!(),
    "printer.first_seen_at",
    from_participating!(),
    "and ",
    is_unassigned!("$2"),
    " order by printer.first_seen_at, printer.printer_id limit $3"
);

/// The printers that are longest here without a contract; the number is the instant they were first seen.
pub(super) fn no_contract(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<Vec<Waiting>, DbError> {
    tx.query(NO_CONTRACT, params![scope.reseller_id(), now, SHOWN], waiting)
}

const SEEN: &str = "select count(*) from printer where reseller_id = $1 and participation = 'seen'";

/// How many printers were seen and wait for somebody to say whether they take part.
pub(super) fn seen(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<i64, DbError> {
    tx.count(SEEN, params![scope.reseller_id()])
}

/// Statements in one currency.
#[derive(Debug, Clone)]
pub(super) struct Sum {
    pub(super) currency: String,
    pub(super) count: i64,
    /// Minor units.
    pub(super) total: i64,
}

const SUMS: &str = "select currency, count(*), cast(sum(total) as bigint) from statement
    where reseller_id = $1 and state = $2 group by currency order by currency";

/// The totals of the statements in a state.
pub(super) fn sums(tx: &mut Tx<'_>, scope: &ResellerScope, state: &str) -> Result<Vec<Sum>, DbError> {
    tx.query(SUMS, params![scope.reseller_id(), state], |row| {
        Ok(Sum { currency: row.text(0)?, count: row.int(1)?, total: row.int(2)? })
    })
}

/// A statement that waits.
#[derive(Debug, Clone)]
pub(super) struct Unissued {
    pub(super) statement_id: i64,
    pub(super) customer: String,
    pub(super) currency: String,
    /// Minor units.
    pub(super) total: i64,
}

const UNISSUED: &str = "select statement.statement_id, customer.name, statement.currency, statement.total
    from statement
    join customer on customer.reseller_id = statement.reseller_id
        and customer.customer_id = statement.customer_id
    where statement.reseller_id = $1 and statement.state = $2
    order by statement.period_end, statement.total desc, statement.statement_id limit $3";

/// The statements that wait longest in a state, the largest first.
pub(super) fn unissued(tx: &mut Tx<'_>, scope: &ResellerScope, state: &str) -> Result<Vec<Unissued>, DbError> {
    tx.query(UNISSUED, params![scope.reseller_id(), state, SHOWN], |row| {
        Ok(Unissued { statement_id: row.int(0)?, customer: row.text(1)?, currency: row.text(2)?, total: row.int(3)? })
    })
}

const DAYS: &str = "select day, meter, cast(sum(quantity) as bigint) from usage_day
    where reseller_id = $1 and day >= $2 and day <= $3
      and (meter = 'jobs' or meter = 'area-printed' or meter like 'area-printed/%') group by day, meter";

/// Areas printed and jobs on days from `first` to `last` (`yyyymmdd`), of all customers together.
pub(super) fn days(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (first, last): (i64, i64),
) -> Result<Vec<(i64, Meter, i64)>, DbError> {
    let parameters = params![scope.reseller_id(), first, last];
    let found = tx.query(DAYS, parameters, |row| Ok((row.int(0)?, Meter::parse(&row.text(1)?).ok(), row.int(2)?)))?;
    Ok(found.into_iter().filter_map(|(day, meter, amount)| Some((day, meter?, amount))).collect())
}

const INK: &str = "select cast(sum(quantity) as bigint) from usage
    where reseller_id = $1 and month = $2 and (meter = 'ink' or meter like 'ink/%')";

/// The ink of a month (`yyyymm`), nl; `None` where no job says.
pub(super) fn ink(tx: &mut Tx<'_>, scope: &ResellerScope, month: i64) -> Result<Option<i64>, DbError> {
    Ok(tx.query_opt(INK, params![scope.reseller_id(), month], |row| row.opt_int(0))?.flatten())
}
