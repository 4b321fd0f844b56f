//! The SQL of agents' pages.
//!
//! Deliberately absent: enrolling an agent and taking its packages, which is ingest, and changing one, which
//! `change` does.

use super::health::Vitals;
use super::state::AgentState;
use crate::db::{DbError, Row, Tx, params};
use crate::shell::ResellerScope;
use crate::shell::part::{Part, ROWS};
use protocol::message::Trouble;
use report::Instant;
use std::collections::BTreeMap;

/// Packages of an agent that its page shows, of each kind.
const PACKAGES_MAX: i64 = 20;
/// Printers of an agent that its page shows.
const PRINTERS_MAX: i64 = 50;
/// Agents of one customer that a page shows.
const OF_CUSTOMER_MAX: i64 = 50;

/// When an agent was in contact last: its message or its accepted package, whichever came later.
macro_rules! contact {
    () => {
        "case when coalesce(agent_beat.heard_at, 0) > agent_chain.seen_at then agent_beat.heard_at
            else agent_chain.seen_at end"
    };
}

/// How often an agent should be in contact, minutes: the longer of what it was asked and what it does; where
/// there is none, what is asked of a new one.
macro_rules! interval {
    () => {
        "case when coalesce(agent_beat.interval_minutes, 0) > coalesce(agent.interval_minutes, 180)
            then agent_beat.interval_minutes else coalesce(agent.interval_minutes, 180) end"
    };
}
pub(crate) use interval;

/// Whether something came with keys that the agent has left behind, within the last 7 days before $2.
macro_rules! behind {
    () => {
        "exists (select 1 from agent_event where agent_event.reseller_id = agent.reseller_id
            and agent_event.agent_id = agent.agent_id and agent_event.kind = 'behind'
            and agent_event.at >= cast($2 as bigint) - 604800000)"
    };
}

/// How urgently an agent needs somebody at $2: 0 to 4 do, 5 and 6 do not. The times are two intervals, and a
/// day, in milliseconds.
macro_rules! urgency {
    () => {
        concat!(
            "case when agent.state in ('revoked', 'left') then 6
                when agent.state = 'pending' then 4
                when agent.state = 'suspended' then 2
                when agent.state <> 'active' then 0
                when ",
            behind!(),
            " then 0 when (",
            contact!(),
            ") + 120000 * (",
            interval!(),
            ") >= $2 then case when coalesce(agent_beat.paused, 0) = 0 then 5 else 3 end
                when (",
            contact!(),
            ") + 86400000 >= $2 then 3
                else 1 end"
        )
    };
}

/// Agents with where their chains stand and what they said last.
macro_rules! from_agent {
    () => {
        " from agent
          join agent_chain on agent_chain.reseller_id = agent.reseller_id and agent_chain.agent_id = agent.agent_id
          left join agent_beat on agent_beat.reseller_id = agent.reseller_id
              and agent_beat.agent_id = agent.agent_id "
    };
}

/// The lease that an agent shares.
macro_rules! lease {
    () => {
        " left join lease on lease.reseller_id = agent.reseller_id and lease.customer_id = agent.customer_id
              and lease.name = agent.lease_name and agent.lease_name <> '' "
    };
}

/// The columns of [`Listed`].
macro_rules! listed {
    () => {
        concat!(
            "select agent.agent_id, agent.host, agent.kind, customer.name, agent.state, agent.version, ",
            contact!(),
            ", ",
            interval!(),
            ", agent_chain.next_sequence, coalesce(agent_beat.paused, 0),
            case when lease.agent_id is not null and lease.agent_id <> agent.agent_id and lease.until_at > $2
                then 1 else 0 end,
            case when ",
            behind!(),
            " then 1 else 0 end, coalesce(agent_beat.consents, '[]'), coalesce(agent_beat.privacy, '{}'),
            agent_beat.records_waiting, coalesce(known.printers, 0)",
            from_agent!(),
            lease!(),
            " join customer on customer.reseller_id = agent.reseller_id and customer.customer_id = agent.customer_id
            left join (select agent_id, count(*) as printers from printer_state
                where reseller_id = $1 group by agent_id) as known
                on known.agent_id = agent.agent_id "
        )
    };
}

/// Those that need somebody first.
const LIST: &str = concat!(
    listed!(),
    "where agent.reseller_id = $1 order by ",
    urgency!(),
    ", lower(agent.host), agent.agent_id limit $3 offset $4"
);
/// Only those that need somebody.
const NEEDIEST: &str = concat!(
    listed!(),
    "where agent.reseller_id = $1 and ",
    urgency!(),
    " < 5 order by ",
    urgency!(),
    ", lower(agent.host), agent.agent_id limit $3"
);
const OF_CUSTOMER: &str = concat!(
    listed!(),
    "where agent.reseller_id = $1 and agent.customer_id = $3 order by lower(agent.host), agent.agent_id limit $4"
);
const NEEDY: &str = concat!(
    "select count(*), coalesce(sum(case when ",
    urgency!(),
    " < 5 then 1 else 0 end), 0)",
    from_agent!(),
    "where agent.reseller_id = $1"
);
const NEEDY_OF_CUSTOMERS: &str = concat!(
    "select agent.customer_id, count(*), coalesce(sum(case when ",
    urgency!(),
    " < 5 then 1 else 0 end), 0)",
    from_agent!(),
    "where agent.reseller_id = $1 and agent.customer_id in (select shown.customer_id from customer as shown
        where shown.reseller_id = $1 order by lower(shown.name), shown.customer_id limit $3 offset $4)
     group by agent.customer_id"
);
const AGENT: &str = concat!(
    "select agent.host, agent.version, agent.state, agent.created_at, agent.interval_minutes, agent.settings_version,
        agent.kind, agent.way, agent.ranges, agent.excluded, agent.lease_name, agent.drop_personal,
        agent_chain.seen_at, agent_chain.next_sequence, agent_chain.next_record,
        customer.customer_id, customer.name, customer.time_zone,
        lease.agent_id, holder.host, lease.until_at, case when ",
    behind!(),
    " then 1 else 0 end, agent_beat.heard_at, agent_beat.clock_offset, agent_beat.settings_version,
        agent_beat.interval_minutes, agent_beat.records_waiting, agent_beat.packages_waiting,
        agent_beat.oldest_waiting, agent_beat.spool_bytes, agent_beat.addresses, agent_beat.printers,
        agent_beat.failed, agent_beat.paused, agent_beat.consents, agent_beat.troubles, agent_beat.privacy",
    from_agent!(),
    lease!(),
    " join customer on customer.reseller_id = agent.reseller_id and customer.customer_id = agent.customer_id
      left join agent as holder on holder.reseller_id = agent.reseller_id and holder.agent_id = lease.agent_id
      where agent.reseller_id = $1 and agent.agent_id = $3"
);
const ENROLMENT: &str = "select expires_at from enrolment where reseller_id = $1 and agent_id = $2 and used_at is null
    order by expires_at desc limit 1";
const PRINTERS: &str = "select printer.printer_id, printer.product_name, printer.product_number, printer.serial,
    printer.nickname
    from printer_state
    join printer on printer.reseller_id = printer_state.reseller_id and printer.printer_id = printer_state.printer_id
    where printer_state.reseller_id = $1 and printer_state.agent_id = $2 order by printer.serial limit $3";
const PACKAGES: &str = "select sequence, received_at, last_record - first_record + 1, length(body), held from package
    where reseller_id = $1 and agent_id = $2 order by sequence desc limit $3";
const HELD: &str = "select count(*) from package where reseller_id = $1 and agent_id = $2 and held = 1";
const FORKS: &str = "select sequence, received_at, length(body) from package_fork
    where reseller_id = $1 and agent_id = $2 order by sequence desc, digest limit $3";

/// An agent in a list.
pub(super) struct Listed {
    pub(super) agent_id: String,
    pub(super) host: String,
    /// The word of its kind.
    pub(super) kind: String,
    pub(super) customer: String,
    pub(super) vitals: Vitals,
    /// By field, as it said last; empty before it said anything.
    pub(super) privacy: BTreeMap<String, String>,
    /// Records that it could not send yet; `None` before it said anything.
    pub(super) waiting: Option<i64>,
    pub(super) printers: i64,
}

fn listed(row: &Row) -> Result<Listed, DbError> {
    let consents: Vec<String> = serde_json::from_str(&row.text(12)?)?;
    Ok(Listed {
        agent_id: row.text(0)?,
        host: row.text(1)?,
        kind: row.text(2)?,
        customer: row.text(3)?,
        vitals: Vitals {
            state: AgentState::read(row, 4)?,
            version: row.text(5)?,
            contact_at: Instant(row.int(6)?),
            interval_minutes: row.int(7)?,
            has_sent: row.int(8)? > 1,
            paused: row.int(9)? != 0,
            stands_by: row.int(10)? == 1,
            came_behind: row.int(11)? == 1,
            waits_for_consent: !consents.is_empty(),
        },
        privacy: serde_json::from_str(&row.text(13)?)?,
        waiting: row.opt_int(14)?,
        printers: row.int(15)?,
    })
}

/// One part of the reseller's agents.
pub(super) fn list(tx: &mut Tx<'_>, scope: &ResellerScope, part: Part, now: Instant) -> Result<Vec<Listed>, DbError> {
    tx.query(LIST, params![scope.reseller_id(), now, ROWS, part.skipped()], listed)
}

/// The agents that need somebody most, at most `most`.
pub(super) fn neediest(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    now: Instant,
    most: i64,
) -> Result<Vec<Listed>, DbError> {
    tx.query(NEEDIEST, params![scope.reseller_id(), now, most], listed)
}

/// The agents of a customer, by name.
pub(super) fn of_customer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    now: Instant,
) -> Result<Vec<Listed>, DbError> {
    tx.query(OF_CUSTOMER, params![scope.reseller_id(), now, customer_id, OF_CUSTOMER_MAX], listed)
}

/// How many agents there are, and how many of them need somebody.
pub(crate) fn needy(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<(i64, i64), DbError> {
    let found = tx.query_opt(NEEDY, params![scope.reseller_id(), now], |row| Ok((row.int(0)?, row.int(1)?)))?;
    Ok(found.unwrap_or_default())
}

/// The same numbers by customer, of the customers of one part of their list, which is by name.
pub(crate) fn needy_of_customers(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    now: Instant,
    part: Part,
) -> Result<BTreeMap<i64, (i64, i64)>, DbError> {
    let params = params![scope.reseller_id(), now, ROWS, part.skipped()];
    let found = tx.query(NEEDY_OF_CUSTOMERS, params, |row| Ok((row.int(0)?, (row.int(1)?, row.int(2)?))))?;
    Ok(found.into_iter().collect())
}

/// One agent.
pub(super) struct Agent {
    pub(super) host: String,
    pub(super) version: String,
    pub(super) state: AgentState,
    pub(super) created_at: Instant,
    /// What it is asked for.
    pub(super) interval_minutes: i64,
    pub(super) settings_version: i64,
    pub(super) kind: String,
    /// The word of how it was enrolled.
    pub(super) way: String,
    /// One a line.
    pub(super) ranges: String,
    /// One a line.
    pub(super) excluded: String,
    /// Empty where it shares none.
    pub(super) lease_name: String,
    pub(super) drop_personal: bool,
    pub(super) seen_at: Instant,
    pub(super) next_sequence: i64,
    pub(super) next_record: i64,
    pub(super) customer_id: i64,
    pub(super) customer: String,
    pub(super) time_zone: String,
    pub(super) lease: Option<Lease>,
    pub(super) came_behind: bool,
    /// What it said last.
    pub(super) beat: Option<Beat>,
}

/// Who holds the lease that an agent shares.
pub(super) struct Lease {
    pub(super) agent_id: String,
    pub(super) host: Option<String>,
    pub(super) until: Instant,
}

/// What an agent said of itself last.
pub(super) struct Beat {
    pub(super) heard_at: Instant,
    /// The agent's clock minus this portal's, milliseconds.
    pub(super) clock_offset: i64,
    pub(super) settings_version: i64,
    pub(super) interval_minutes: i64,
    pub(super) records_waiting: i64,
    pub(super) packages_waiting: i64,
    pub(super) oldest_waiting: Option<Instant>,
    pub(super) spool_bytes: i64,
    pub(super) addresses: i64,
    pub(super) printers: i64,
    pub(super) failed: i64,
    pub(super) paused: bool,
    pub(super) consents: Vec<String>,
    pub(super) troubles: Vec<Trouble>,
    pub(super) privacy: BTreeMap<String, String>,
}

impl Agent {
    /// How it does at `now`; `id` is its own.
    pub(super) fn vitals(&self, id: &str, now: Instant) -> Vitals {
        let beat = self.beat.as_ref();
        let (heard_at, does) = beat.map_or((self.seen_at, 0), |beat| (beat.heard_at, beat.interval_minutes));
        Vitals {
            state: self.state.clone(),
            version: self.version.clone(),
            contact_at: self.seen_at.max(heard_at),
            interval_minutes: self.interval_minutes.max(does),
            has_sent: self.next_sequence > 1,
            paused: beat.is_some_and(|beat| beat.paused),
            stands_by: self.lease.as_ref().is_some_and(|lease| lease.agent_id != id && lease.until > now),
            came_behind: self.came_behind,
            waits_for_consent: beat.is_some_and(|beat| !beat.consents.is_empty()),
        }
    }
}

/// The agent `id`.
pub(super) fn agent(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str, now: Instant) -> Result<Option<Agent>, DbError> {
    tx.query_opt(AGENT, params![scope.reseller_id(), now, id], |row| {
        let lease = match row.opt_text(18)? {
            None => None,
            Some(agent_id) => Some(Lease { agent_id, host: row.opt_text(19)?, until: Instant(row.int(20)?) }),
        };
        Ok(Agent {
            host: row.text(0)?,
            version: row.text(1)?,
            state: AgentState::read(row, 2)?,
            created_at: Instant(row.int(3)?),
            interval_minutes: row.int(4)?,
            settings_version: row.int(5)?,
            kind: row.text(6)?,
            way: row.text(7)?,
            ranges: row.text(8)?,
            excluded: row.text(9)?,
            lease_name: row.text(10)?,
            drop_personal: row.int(11)? != 0,
            seen_at: Instant(row.int(12)?),
            next_sequence: row.int(13)?,
            next_record: row.int(14)?,
            customer_id: row.int(15)?,
            customer: row.text(16)?,
            time_zone: row.text(17)?,
            lease,
            came_behind: row.int(21)? == 1,
            beat: beat(row)?,
        })
    })
}

fn beat(row: &Row) -> Result<Option<Beat>, DbError> {
    let Some(heard_at) = row.opt_int(22)? else { return Ok(None) };
    Ok(Some(Beat {
        heard_at: Instant(heard_at),
        clock_offset: row.int(23)?,
        settings_version: row.int(24)?,
        interval_minutes: row.int(25)?,
        records_waiting: row.int(26)?,
        packages_waiting: row.int(27)?,
        oldest_waiting: row.opt_int(28)?.map(Instant),
        spool_bytes: row.int(29)?,
        addresses: row.int(30)?,
        printers: row.int(31)?,
        failed: row.int(32)?,
        paused: row.int(33)? != 0,
        consents: serde_json::from_str(&row.text(34)?)?,
        troubles: serde_json::from_str(&row.text(35)?)?,
        privacy: serde_json::from_str(&row.text(36)?)?,
    }))
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
    /// 0: it counts; 1: it is kept apart, because its agent was suspended; 2: it did not read when that was over.
    pub(super) held: i64,
}

/// How many packages of the agent `id` are kept apart.
pub(super) fn held(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str) -> Result<i64, DbError> {
    tx.count(HELD, params![scope.reseller_id(), id])
}

/// The latest packages of the agent `id`, newest first.
pub(super) fn packages(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str) -> Result<Vec<Package>, DbError> {
    tx.query(PACKAGES, params![scope.reseller_id(), id, PACKAGES_MAX], |row| {
        Ok(Package {
            sequence: row.int(0)?,
            received_at: Instant(row.int(1)?),
            records: Some(row.int(2)?),
            size: row.int(3)?,
            held: row.int(4)?,
        })
    })
}

/// The latest second packages under one number, newest first.
pub(super) fn forks(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str) -> Result<Vec<Package>, DbError> {
    tx.query(FORKS, params![scope.reseller_id(), id, PACKAGES_MAX], |row| {
        Ok(Package {
            sequence: row.int(0)?,
            received_at: Instant(row.int(1)?),
            records: None,
            size: row.int(2)?,
            held: 0,
        })
    })
}
