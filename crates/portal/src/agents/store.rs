//! The SQL of agents' pages.
//!
//! Deliberately absent: enrolling an agent and taking its packages, which is ingest.

use crate::db::{DbError, Tx, params};
use crate::shell::ResellerScope;
use crate::shell::part::{Part, ROWS};
use report::Instant;

/// Packages of an agent that its page shows, of each kind.
const PACKAGES_MAX: i64 = 20;
/// Printers of an agent that its page shows.
const PRINTERS_MAX: i64 = 50;

/// Those that need somebody first. The times are two intervals, and a day, in milliseconds.
const LIST: &str = "select agent.agent_id, agent.host, agent.version, agent.state, agent.interval_minutes,
    agent_chain.seen_at, agent_chain.next_sequence, customer.name, coalesce(known.printers, 0)
    from agent
    join agent_chain on agent_chain.reseller_id = agent.reseller_id and agent_chain.agent_id = agent.agent_id
    join customer on customer.reseller_id = agent.reseller_id and customer.customer_id = agent.customer_id
    left join (select agent_id, count(*) as printers from printer_state
        where reseller_id = $1 group by agent_id) as known
        on known.agent_id = agent.agent_id
    where agent.reseller_id = $1
    order by case
        when agent.state not in ('active', 'pending') then 0
        when agent.state = 'pending' then 3
        when agent_chain.seen_at + 120000 * agent.interval_minutes >= $2 then 4
        when agent_chain.seen_at + 86400000 >= $2 then 2
        else 1 end, lower(agent.host), agent.agent_id
    limit $3 offset $4";
const NEEDY: &str = "select count(*), coalesce(sum(case when agent.state <> 'active'
        or agent_chain.seen_at + 120000 * agent.interval_minutes < $2 then 1 else 0 end), 0)
    from agent
    join agent_chain on agent_chain.reseller_id = agent.reseller_id and agent_chain.agent_id = agent.agent_id
    where agent.reseller_id = $1";
const AGENT: &str = "select agent.host, agent.version, agent.state, agent.created_at, agent.interval_minutes,
    agent.settings_version, agent_chain.seen_at, agent_chain.next_sequence, agent_chain.next_record,
    customer.customer_id, customer.name, customer.time_zone
    from agent
    join agent_chain on agent_chain.reseller_id = agent.reseller_id and agent_chain.agent_id = agent.agent_id
    join customer on customer.reseller_id = agent.reseller_id and customer.customer_id = agent.customer_id
    where agent.reseller_id = $1 and agent.agent_id = $2";
const ENROLMENT: &str = "select expires_at from enrolment where reseller_id = $1 and agent_id = $2 and used_at is null
    order by expires_at desc limit 1";
const PRINTERS: &str = "select printer.printer_id, printer.product_name, printer.product_number, printer.serial,
    printer.nickname
    from printer_state
    join printer on printer.reseller_id = printer_state.reseller_id and printer.printer_id = printer_state.printer_id
    where printer_state.reseller_id = $1 and printer_state.agent_id = $2 order by printer.serial limit $3";
const PACKAGES: &str = "select sequence, received_at, last_record - first_record + 1, length(body) from package
    where reseller_id = $1 and agent_id = $2 order by sequence desc limit $3";
const FORKS: &str = "select sequence, received_at, length(body) from package_fork
    where reseller_id = $1 and agent_id = $2 order by sequence desc, digest limit $3";
const SET_INTERVAL: &str = "update agent set interval_minutes = $3, settings_version = settings_version + 1
    where reseller_id = $1 and agent_id = $2";

/// An agent in the list.
pub(super) struct Listed {
    pub(super) agent_id: String,
    pub(super) host: String,
    pub(super) version: String,
    pub(super) state: String,
    pub(super) interval_minutes: i64,
    pub(super) seen_at: Instant,
    pub(super) next_sequence: i64,
    pub(super) customer: String,
    pub(super) printers: i64,
}

/// One part of the reseller's agents.
pub(super) fn list(tx: &mut Tx<'_>, scope: &ResellerScope, part: Part, now: Instant) -> Result<Vec<Listed>, DbError> {
    tx.query(LIST, params![scope.reseller_id(), now, ROWS, part.skipped()], |row| {
        Ok(Listed {
            agent_id: row.text(0)?,
            host: row.text(1)?,
            version: row.text(2)?,
            state: row.text(3)?,
            interval_minutes: row.int(4)?,
            seen_at: Instant(row.int(5)?),
            next_sequence: row.int(6)?,
            customer: row.text(7)?,
            printers: row.int(8)?,
        })
    })
}

/// How many agents there are, and how many of them need somebody.
pub(super) fn needy(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<(i64, i64), DbError> {
    let found = tx.query_opt(NEEDY, params![scope.reseller_id(), now], |row| Ok((row.int(0)?, row.int(1)?)))?;
    Ok(found.unwrap_or_default())
}

/// One agent.
pub(super) struct Agent {
    pub(super) host: String,
    pub(super) version: String,
    pub(super) state: String,
    pub(super) created_at: Instant,
    pub(super) interval_minutes: i64,
    pub(super) settings_version: i64,
    pub(super) seen_at: Instant,
    pub(super) next_sequence: i64,
    pub(super) next_record: i64,
    pub(super) customer_id: i64,
    pub(super) customer: String,
    pub(super) time_zone: String,
}

/// The agent `id`.
pub(super) fn agent(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str) -> Result<Option<Agent>, DbError> {
    tx.query_opt(AGENT, params![scope.reseller_id(), id], |row| {
        Ok(Agent {
            host: row.text(0)?,
            version: row.text(1)?,
            state: row.text(2)?,
            created_at: Instant(row.int(3)?),
            interval_minutes: row.int(4)?,
            settings_version: row.int(5)?,
            seen_at: Instant(row.int(6)?),
            next_sequence: row.int(7)?,
            next_record: row.int(8)?,
            customer_id: row.int(9)?,
            customer: row.text(10)?,
            time_zone: row.text(11)?,
        })
    })
}

/// Until when the file of an agent that is not confirmed can be used.
pub(super) fn enrolment(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str) -> Result<Option<Instant>, DbError> {
    tx.query_opt(ENROLMENT, params![scope.reseller_id(), id], |row| row.int(0).map(Instant))
}

/// A printer that an agent read last.
pub(super) struct ReadPrinter {
    pub(super) printer_id: i64,
    pub(super) nickname: Option<String>,
    pub(super) product_name: Option<String>,
    pub(super) product_number: Option<String>,
    pub(super) serial: String,
}

/// The printers whose latest reading is of the agent `id`.
pub(super) fn printers(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str) -> Result<Vec<ReadPrinter>, DbError> {
    tx.query(PRINTERS, params![scope.reseller_id(), id, PRINTERS_MAX], |row| {
        Ok(ReadPrinter {
            printer_id: row.int(0)?,
            product_name: row.opt_text(1)?,
            product_number: row.opt_text(2)?,
            serial: row.text(3)?,
            nickname: row.opt_text(4)?,
        })
    })
}

/// A package as it arrived.
pub(super) struct Package {
    pub(super) sequence: i64,
    pub(super) received_at: Instant,
    /// How many records it brought; `None` for a second package under one number, which is not opened.
    pub(super) records: Option<i64>,
    /// Compressed, in bytes.
    pub(super) size: i64,
}

/// The latest packages of the agent `id`, newest first.
pub(super) fn packages(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str) -> Result<Vec<Package>, DbError> {
    tx.query(PACKAGES, params![scope.reseller_id(), id, PACKAGES_MAX], |row| {
        Ok(Package {
            sequence: row.int(0)?,
            received_at: Instant(row.int(1)?),
            records: Some(row.int(2)?),
            size: row.int(3)?,
        })
    })
}

/// The latest second packages under one number, newest first.
pub(super) fn forks(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str) -> Result<Vec<Package>, DbError> {
    tx.query(FORKS, params![scope.reseller_id(), id, PACKAGES_MAX], |row| {
        Ok(Package { sequence: row.int(0)?, received_at: Instant(row.int(1)?), records: None, size: row.int(2)? })
    })
}

/// Sets how often the agent `id` polls, for its next receipt; says whether there is such an agent.
pub(super) fn set_interval(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str, minutes: i64) -> Result<bool, DbError> {
    Ok(tx.execute(SET_INTERVAL, params![scope.reseller_id(), id, minutes])? > 0)
}
