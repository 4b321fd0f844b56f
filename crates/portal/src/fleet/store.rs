//! What is stored of printers: the fleet's list with its counts, and how one printer is now.
//!
//! Deliberately absent: what happened to a printer, which is `past`, and any writing. Printers appear with their
//! first package; whether one takes part is changed by the agents' side, which has to tell its agents.

use super::fragments::{from_printer, is_silent, is_unassigned};
use super::month::SoFar;
use super::participation::Participation;
use crate::agents::interval;
use crate::db::{DbError, Param, Row, Tx, params};
use crate::jobs::grade;
use crate::shell::ResellerScope;
use crate::shell::part::{Part, ROWS};
use billing::{Meter, MeterKind, Quantity};
use protocol::Hex;
use report::{Alert, Grade, Instant, Severity};
use std::collections::BTreeMap;

/// The printers that a search is about. A cast comes first where a value means "all", so that PostgreSQL
/// takes the parameter for what it is.
macro_rules! searched {
    () => {
        concat!(
            from_printer!(),
            "where printer.reseller_id = $1
               and (cast($2 as text) = '' or lower(printer.serial) like $2 escape '!'
                    or lower(coalesce(printer.nickname, '')) like $2 escape '!'
                    or lower(coalesce(printer.asset_id, '')) like $2 escape '!'
                    or lower(coalesce(printer.product_name, '')) like $2 escape '!'
                    or lower(coalesce(printer.product_number, '')) like $2 escape '!'
                    or lower(customer.name) like $2 escape '!')
               and (cast($3 as bigint) = 0 or printer.customer_id = $3)"
        )
    };
}

/// Printers that take part and are silent.
macro_rules! silent {
    () => {
        concat!("(printer.participation = 'participating' and ", is_silent!("$4", "$5"), ")")
    };
}

/// Printers that take part and raise an alert. What one that was stopped said last is old.
macro_rules! alerting {
    () => {
        "(printer.participation = 'participating' and printer_state.alerts > 0)"
    };
}

/// Printers that take part and have a supply that ends.
macro_rules! ending {
    () => {
        "(printer.participation = 'participating' and printer_state.supplies_low > 0)"
    };
}

/// Printers that take part and are in no contract now.
macro_rules! unassigned {
    () => {
        concat!("printer.participation = 'participating' and ", is_unassigned!("$5"))
    };
}

/// Which printers are listed.
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// A pattern for `like` in small letters; empty for all.
    pub(super) pattern: String,
    /// One customer; 0 for all.
    pub(super) customer: i64,
    /// `silent`, `alerts`, `supplies`, `no-contract`, `seen`, or empty for all.
    pub(super) filter: &'static str,
    /// Which part of the list.
    pub(super) part: Part,
    /// A printer that was not heard of since is silent.
    pub(super) heard_since: Instant,
    /// The present.
    pub(super) now: Instant,
}

impl Search {
    fn parameters(&self, scope: &ResellerScope) -> Vec<Param> {
        params![scope.reseller_id(), &self.pattern, self.customer, self.heard_since, self.now].to_vec()
    }
}

/// How many printers each filter shows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) all: i64,
    pub(super) silent: i64,
    pub(super) alerts: i64,
    pub(super) supplies: i64,
    pub(super) no_contract: i64,
    /// Those that wait for somebody to decide whether they take part.
    pub(super) seen: i64,
    pub(super) customers: i64,
}

const COUNTS: &str = concat!(
    "select count(*),
        coalesce(cast(sum(case when ",
    silent!(),
    " then 1 else 0 end) as bigint), 0),
        coalesce(cast(sum(case when ",
    alerting!(),
    " then 1 else 0 end) as bigint), 0),
        coalesce(cast(sum(case when ",
    ending!(),
    " then 1 else 0 end) as bigint), 0),
        coalesce(cast(sum(case when ",
    unassigned!(),
    " then 1 else 0 end) as bigint), 0),
        coalesce(cast(sum(case when printer.participation = 'seen' then 1 else 0 end) as bigint), 0),
        count(distinct printer.customer_id)",
    searched!()
);

/// The counts of all filters for a search.
pub(super) fn counts(tx: &mut Tx<'_>, scope: &ResellerScope, search: &Search) -> Result<Counts, DbError> {
    let found = tx.query_opt(COUNTS, &search.parameters(scope), |row| {
        Ok(Counts {
            all: row.int(0)?,
            silent: row.int(1)?,
            alerts: row.int(2)?,
            supplies: row.int(3)?,
            no_contract: row.int(4)?,
            seen: row.int(5)?,
            customers: row.int(6)?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

/// A printer in the list.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) printer_id: i64,
    pub(super) name: String,
    pub(super) serial: String,
    pub(super) customer: String,
    /// The host of the agent that read it last.
    pub(super) host: Option<String>,
    /// The word of that agent's kind.
    pub(super) kind: Option<String>,
    /// When it was read, and when that arrived.
    pub(super) heard: Option<Heard>,
    /// How often its agent reads, minutes.
    pub(super) interval_minutes: i64,
    pub(super) participation: Participation,
    /// When its identity was seen last, where only that is known.
    pub(super) seen_at: Option<Instant>,
}

/// When a printer was read last, and when that arrived here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    pub(crate) read_at: Instant,
    pub(crate) received_at: Instant,
}

fn heard(row: &Row, column: usize) -> Result<Option<Heard>, DbError> {
    let (read_at, received_at) = (row.opt_int(column)?, row.opt_int(column + 1)?);
    let both = read_at.zip(received_at);
    Ok(both.map(|(read_at, received_at)| Heard { read_at: Instant(read_at), received_at: Instant(received_at) }))
}

const LIST: &str = concat!(
    "select printer.printer_id, coalesce(printer.nickname, printer.product_name, printer.product_number, 'Printer'),
        printer.serial, customer.name, agent.host, printer_state.read_at, printer_state.received_at,
        printer.participation, printer.seen_at, agent.kind, ",
    interval!(),
    searched!(),
    " and (cast($6 as text) = '' or ($6 = 'silent' and ",
    silent!(),
    ") or ($6 = 'alerts' and ",
    alerting!(),
    ") or ($6 = 'supplies' and ",
    ending!(),
    ") or ($6 = 'no-contract' and ",
    unassigned!(),
    ") or ($6 = 'seen' and printer.participation = 'seen'))
      order by case when $6 = 'silent' then coalesce(printer_state.read_at, 0) else 0 end,
        case when $6 = 'alerts' then coalesce(printer_state.severe_alerts, 0) else 0 end desc,
        customer.name, printer.serial, printer.printer_id limit $7 offset $8"
);

/// A part of the list: silent printers longest first, alerts severest first, else by customer and serial.
pub(super) fn list(tx: &mut Tx<'_>, scope: &ResellerScope, search: &Search) -> Result<Vec<Listed>, DbError> {
    let mut parameters = search.parameters(scope);
    parameters.extend([Param::from(search.filter), Param::Int(ROWS), Param::Int(search.part.skipped())]);
    tx.query(LIST, &parameters, |row| {
        Ok(Listed {
            printer_id: row.int(0)?,
            name: row.text(1)?,
            serial: row.text(2)?,
            customer: row.text(3)?,
            host: row.opt_text(4)?,
            heard: heard(row, 5)?,
            participation: Participation::read(row, 7)?,
            seen_at: row.opt_int(8)?.map(Instant),
            kind: row.opt_text(9)?,
            interval_minutes: row.int(10)?,
        })
    })
}

/// Sums of a month by kind of meter.
pub(super) type Sums = BTreeMap<MeterKind, i64>;

const MONTHS: &str = "select reseller_id, printer_id, meter, quantity from usage";

/// What each of these printers used in a month.
pub(super) fn sums(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printers: &[i64],
    month: i64,
) -> Result<BTreeMap<i64, Sums>, DbError> {
    let keys: Vec<Vec<Param>> = printers.iter().map(|id| params![scope.reseller_id(), *id, month].to_vec()).collect();
    let columns = ["reseller_id", "printer_id", "month"];
    let found = tx.query_any(MONTHS, &columns, &keys, |row| Ok((row.int(1)?, row.text(2)?, row.int(3)?)))?;
    let mut sums: BTreeMap<i64, Sums> = BTreeMap::new();
    for (printer, meter, amount) in found {
        // A meter that a later version of this program counted has no place in this list.
        if let Ok(meter) = Meter::parse(&meter) {
            let sum = sums.entry(printer).or_default().entry(meter.kind()).or_default();
            *sum = sum.saturating_add(amount);
        }
    }
    Ok(sums)
}

/// A printer's time in a contract.
#[derive(Debug, Clone)]
pub(super) struct Stay {
    pub(super) printer_id: i64,
    pub(super) contract_id: i64,
    pub(super) number: String,
    pub(super) from: Instant,
    pub(super) to: Option<Instant>,
}

impl Stay {
    /// Whether it holds at `at`.
    pub(super) fn holds(&self, at: Instant) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

const STAYS: &str = "select contract_printer.printer_id, contract_printer.contract_id, contract.number,
        contract_printer.from_at, contract_printer.to_at
    from contract_printer
    join contract on contract.reseller_id = contract_printer.reseller_id
        and contract.contract_id = contract_printer.contract_id";

/// The times that these printers spent in contracts.
pub(super) fn stays(tx: &mut Tx<'_>, scope: &ResellerScope, printers: &[i64]) -> Result<Vec<Stay>, DbError> {
    let keys: Vec<Vec<Param>> = printers.iter().map(|id| params![scope.reseller_id(), *id].to_vec()).collect();
    let columns = ["contract_printer.reseller_id", "contract_printer.printer_id"];
    tx.query_any(STAYS, &columns, &keys, |row| {
        Ok(Stay {
            printer_id: row.int(0)?,
            contract_id: row.int(1)?,
            number: row.text(2)?,
            from: Instant(row.int(3)?),
            to: row.opt_int(4)?.map(Instant),
        })
    })
}

const CUSTOMER: &str = "select name from customer where reseller_id = $1 and customer_id = $2";

/// A customer's name.
pub(super) fn customer(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Option<String>, DbError> {
    tx.query_opt(CUSTOMER, params![scope.reseller_id(), id], |row| row.text(0))
}

/// One printer.
#[derive(Debug, Clone)]
pub(super) struct Printer {
    pub(super) printer_id: i64,
    pub(super) name: String,
    pub(super) serial: String,
    pub(super) product_number: Option<String>,
    pub(super) product_name: Option<String>,
    pub(super) asset_id: Option<String>,
    pub(super) first_seen_at: Instant,
    pub(super) customer_id: i64,
    pub(super) customer: String,
    /// The IANA name of the customer's zone.
    pub(super) zone: String,
    pub(super) participation: Participation,
    /// When its identity was seen last, where only that is known.
    pub(super) seen_at: Option<Instant>,
    /// Row C4, as it was seen.
    pub(super) firmware_version: Option<String>,
    /// What it said last; `None` before its first reading.
    pub(super) state: Option<State>,
}

/// What a printer said last.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) heard: Heard,
    /// How often its agent reads, minutes.
    pub(super) interval_minutes: i64,
    pub(super) grade: Grade,
    pub(super) agent_id: String,
    pub(super) host: Option<String>,
    /// The exact text of the reading's core.
    pub(super) core: String,
    /// Rows S1 to S22 of the same reading; `None` while their section is not here.
    pub(super) status: Option<report::Status>,
}

const PRINTER: &str = concat!(
    "select printer.printer_id, coalesce(printer.nickname, printer.product_name, printer.product_number, 'Printer'),
        printer.serial, printer.product_number, printer.product_name, printer.asset_id, printer.first_seen_at,
        customer.customer_id, customer.name, customer.time_zone, printer_state.read_at, printer_state.received_at,
        printer_state.grade, printer_state.agent_id, agent.host, printer_state.core, printer_state.status,
        printer.participation, printer.seen_at, printer.firmware_version, ",
    interval!(),
    from_printer!(),
    "where printer.reseller_id = $1 and printer.printer_id = $2"
);

/// One printer; another reseller's is not found.
pub(super) fn printer(tx: &mut Tx<'_>, scope: &ResellerScope, id: i64) -> Result<Option<Printer>, DbError> {
    tx.query_opt(PRINTER, params![scope.reseller_id(), id], |row| {
        let state = match heard(row, 10)? {
            None => None,
            Some(heard) => Some(State {
                heard,
                interval_minutes: row.int(20)?,
                grade: grade(row, 12)?,
                agent_id: row.text(13)?,
                host: row.opt_text(14)?,
                core: row.text(15)?,
                status: status(&row.text(16)?)?,
            }),
        };
        Ok(Printer {
            printer_id: row.int(0)?,
            name: row.text(1)?,
            serial: row.text(2)?,
            product_number: row.opt_text(3)?,
            product_name: row.opt_text(4)?,
            asset_id: row.opt_text(5)?,
            first_seen_at: Instant(row.int(6)?),
            customer_id: row.int(7)?,
            customer: row.text(8)?,
            zone: row.text(9)?,
            participation: Participation::read(row, 17)?,
            seen_at: row.opt_int(18)?.map(Instant),
            firmware_version: row.opt_text(19)?,
            state,
        })
    })
}

/// Rows S1 to S22 as they are kept; empty while their section is not here.
fn status(text: &str) -> Result<Option<report::Status>, DbError> {
    if text.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_str(text)?)) }
}

/// Alerts that are still open, and not older than the latest reading.
const ALERTS: &str = "select code, severity, part, text, since_at from printer_alert
    where reseller_id = $1 and printer_id = $2 and received_at > $3 and cleared_at is null
    order by received_at desc, code limit $4";

/// The open alerts of a printer that arrived by themselves after `after`, newest first.
pub(super) fn alerts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    after: Instant,
    most: i64,
) -> Result<Vec<Alert>, DbError> {
    tx.query(ALERTS, params![scope.reseller_id(), printer_id, after, most], |row| {
        let severity = match row.text(1)?.as_str() {
            "severe" => Severity::Severe,
            "warning" => Severity::Warning,
            _ => Severity::Info,
        };
        Ok(Alert {
            code: row.text(0)?,
            severity,
            part: row.opt_text(2)?,
            text: row.opt_text(3)?,
            since: Some(Instant(row.int(4)?)),
            cleared_at: None,
        })
    })
}

/// Usage by meter in this month and the month before, base units; `None` where nothing was counted.
pub(super) type TwoMonths = BTreeMap<Meter, (Option<i64>, Option<i64>)>;

const USAGE: &str = "select month, meter, cast(sum(quantity) as bigint) from usage
    where reseller_id = $1 and printer_id = $2 and (month = $3 or month = $4) group by month, meter";

/// What a printer used this month and the month before.
pub(super) fn usage(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    so_far: SoFar,
) -> Result<TwoMonths, DbError> {
    let parameters = params![scope.reseller_id(), printer_id, so_far.this(), so_far.last()];
    let found = tx.query(USAGE, parameters, |row| Ok((row.int(0)?, row.text(1)?, row.int(2)?)))?;
    let mut usage = TwoMonths::new();
    for (month, meter, amount) in found {
        if let Ok(meter) = Meter::parse(&meter) {
            let (now, before) = usage.entry(meter).or_default();
            *(if month == so_far.this() { now } else { before }) = Some(amount);
        }
    }
    Ok(usage)
}

const JOBS: &str = "select job.finished_at, job.quantities from job
    where job.reseller_id = $1 and job.printer_id = $2 and job.finished_at >= $3
      and (job.status = 'printed' or job.status = 'scanned')
      and not exists (select 1 from job_superseded where job_superseded.reseller_id = job.reseller_id
          and job_superseded.printer_id = job.printer_id and job_superseded.job_key = job.job_key
          and job_superseded.version = job.version)";

/// Gives `each` what every job of a printer since `from` counted, by the instant it finished. Only what the
/// usage cells count too: jobs that ended well.
pub(super) fn each_job(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    from: Instant,
    mut each: impl FnMut(Instant, &[Quantity]),
) -> Result<(), DbError> {
    tx.query(JOBS, params![scope.reseller_id(), printer_id, from], |row| {
        let quantities: Vec<Quantity> = serde_json::from_str(&row.text(1)?)?;
        each(Instant(row.int(0)?), &quantities);
        Ok(())
    })?;
    Ok(())
}

const SECTION: &str = "select body from section where reseller_id = $1 and digest = $2";

/// The text of a section that a reading refers to.
pub(super) fn section(tx: &mut Tx<'_>, scope: &ResellerScope, digest: &Hex<32>) -> Result<Option<String>, DbError> {
    tx.query_opt(SECTION, params![scope.reseller_id(), digest.0.as_slice()], |row| row.text(0))
}
