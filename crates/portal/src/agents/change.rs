//! What people change about agents and printers, and the history that every change leaves.
//!
//! A change of what an agent is asked raises the version of its settings; it learns of it with the next
//! answer. Deliberately absent: any way to reach an agent, and its keys, which are ingest's.

use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::ResellerScope;
use report::{Instant, Surroundings};

const SET_INTERVAL: &str = "update agent set interval_minutes = $3, settings_version = settings_version + 1
    where reseller_id = $1 and agent_id = $2";
const SET_RANGES: &str = "update agent set ranges = $3, excluded = $4, settings_version = settings_version + 1
    where reseller_id = $1 and agent_id = $2";
const SET_LEASE: &str = "update agent set lease_name = $3, settings_version = settings_version + 1
    where reseller_id = $1 and agent_id = $2";
const SET_DROP: &str = "update agent set drop_personal = $3, settings_version = settings_version + 1
    where reseller_id = $1 and agent_id = $2";
const COLLECT: &str = "update agent set collect = collect + 1, settings_version = settings_version + 1
    where reseller_id = $1 and agent_id = $2";
const SUSPEND: &str =
    "update agent set state = 'suspended' where reseller_id = $1 and agent_id = $2 and state = 'active'";
const RESUME: &str =
    "update agent set state = 'active' where reseller_id = $1 and agent_id = $2 and state = 'suspended'";
const REVOKE: &str = "update agent set state = 'revoked'
    where reseller_id = $1 and agent_id = $2 and state in ('pending', 'active', 'suspended', 'forked')";
const BURN_FILE: &str = "update enrolment set used_at = $3
    where reseller_id = $1 and agent_id = $2 and used_at is null";
const BURN_CLAIM: &str = "update factory_printer set used_at = $3
    where reseller_id = $1 and agent_id = $2 and used_at is null";
/// Across resellers: the condition is added where the agents are known.
const FREE: &str = "delete from lease";
const PRINTER: &str =
    "select customer_id, serial, participation from printer where reseller_id = $1 and printer_id = $2";
const PARTICIPATE: &str = "update printer set participation = $3 where reseller_id = $1 and printer_id = $2";
const CUSTOMER: &str = "update customer set participation = $3 where reseller_id = $1 and customer_id = $2";
const JOIN_SEEN: &str = "update printer set participation = 'participating'
    where reseller_id = $1 and customer_id = $2 and participation = 'seen'";
/// Across resellers: the condition is added where the customers are known.
const BUMP: &str = "update agent set settings_version = settings_version + 1";
const AGENTS: &str = "select agent_id from agent where reseller_id = $1 and customer_id = $2
    and state in ('pending', 'active', 'suspended') order by agent_id";
const EVENTS: &str = "select agent_event.at, agent_event.kind, agent_event.detail, person.name from agent_event
    left join person on person.person_id = agent_event.person_id
    where agent_event.reseller_id = $1 and agent_event.agent_id = $2
    order by agent_event.at desc, agent_event.event_id desc limit $3";
const EVENT: Bulk = Bulk {
    table: "agent_event",
    columns: &[
        ("reseller_id", Kind::Int),
        ("event_id", Kind::Int),
        ("agent_id", Kind::Text),
        ("at", Kind::Int),
        ("kind", Kind::Text),
        ("detail", Kind::Text),
        ("person_id", Kind::Int),
    ],
    key: 2,
    on_conflict: "do nothing",
};

/// What a person does to an agent's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateChange {
    /// Its packages are kept in quarantine from now on.
    Suspend,
    /// It counts again; the caller releases what was held.
    Resume,
    /// Nothing of it is taken any more, for good.
    Revoke,
}

/// When something happened, and the id of the event that says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// The time.
    pub(crate) at: Instant,
    /// The event's id.
    pub(crate) id: i64,
}

impl Stamp {
    /// A stamp of now.
    pub(crate) fn of(surroundings: &Surroundings) -> Stamp {
        Stamp { at: surroundings.now(), id: crate::new_id(surroundings) }
    }
}

/// One line of an agent's history.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// When.
    pub(crate) at: Instant,
    /// One of the kinds that the schema lists.
    pub(crate) kind: String,
    /// In words.
    pub(crate) detail: String,
    /// Who, where a person did it.
    pub(crate) person: Option<String>,
}

/// Keeps a line of an agent's history.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    reseller_id: i64,
    agent_id: &str,
    kind: &'static str,
    detail: &str,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<(), DbError> {
    let (agent, detail) = (agent_id.to_owned(), detail.to_owned());
    note_all(tx, &[Line { reseller: reseller_id, agent, kind, detail, by, stamp }])
}

/// A line of an agent's history that is to be kept.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Whose agent.
    pub(crate) reseller: i64,
    /// Which agent.
    pub(crate) agent: String,
    /// One of the kinds that the schema lists.
    pub(crate) kind: &'static str,
    /// In words.
    pub(crate) detail: String,
    /// Who, where a person did it.
    pub(crate) by: Option<i64>,
    /// When, and the id of the event.
    pub(crate) stamp: Stamp,
}

/// Keeps several lines of history.
pub(crate) fn note_all(tx: &mut Tx<'_>, lines: &[Line]) -> Result<(), DbError> {
    let row = |line: &Line| {
        let Line { reseller, agent, kind, detail, by, stamp } = line;
        params![*reseller, stamp.id, agent, stamp.at, *kind, detail, *by].to_vec()
    };
    let rows: Vec<Vec<Param>> = lines.iter().map(row).collect();
    EVENT.insert(tx, &rows)?;
    Ok(())
}

/// Ranges in a sentence: the first few of them by name.
fn listed(ranges: &[String]) -> String {
    const NAMED: usize = 4;
    match ranges.len() {
        0 => "nothing".to_owned(),
        few if few <= NAMED => ranges.join(", "),
        many => format!("{} and {} more", ranges[..NAMED].join(", "), many - NAMED),
    }
}

/// Takes leases away from agents, each (reseller, agent): another one of the site may read from now on.
pub(crate) fn free_leases<'a>(
    tx: &mut Tx<'_>,
    agents: impl IntoIterator<Item = &'a (i64, String)>,
) -> Result<(), DbError> {
    let key = |(reseller, agent): &(i64, String)| params![*reseller, agent].to_vec();
    let keys: Vec<Vec<Param>> = agents.into_iter().map(key).collect();
    tx.execute_any(FREE, &["reseller_id", "agent_id"], &keys)?;
    Ok(())
}

/// The latest events of an agent, newest first.
pub(crate) fn events(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str, limit: i64) -> Result<Vec<Event>, DbError> {
    tx.query(EVENTS, params![scope.reseller_id(), id, limit], |row| {
        Ok(Event { at: Instant(row.int(0)?), kind: row.text(1)?, detail: row.text(2)?, person: row.opt_text(3)? })
    })
}

/// Runs a change of settings of the agent `id`, and notes it where there is such an agent. `by` is the person
/// who asked, here and in all that follow; `None` is the set-up.
fn changed(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: &str,
    (statement, values): (&str, &[Param]),
    detail: &str,
    (by, stamp): (Option<i64>, Stamp),
) -> Result<bool, DbError> {
    let mut params = params![scope.reseller_id(), id].to_vec();
    params.extend_from_slice(values);
    let found = tx.execute(statement, &params)? > 0;
    if found {
        note(tx, scope.reseller_id(), id, "settings", detail, by, stamp)?;
    }
    Ok(found)
}

/// Sets how often the agent `id` reads; false where there is no such agent, as for all that follow.
pub(crate) fn set_interval(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: &str,
    minutes: i64,
    by: Option<i64>,
    event: Stamp,
) -> Result<bool, DbError> {
    let detail = format!("Reads every {minutes} minutes.");
    changed(tx, scope, id, (SET_INTERVAL, params![minutes]), &detail, (by, event))
}

/// Sets which addresses the agent `id` is asked to search, and which it leaves alone.
pub(crate) fn set_ranges(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: &str,
    ranges: &[String],
    excluded: &[String],
    by: Option<i64>,
    stamp: Stamp,
) -> Result<bool, DbError> {
    let detail = format!("Asked to read {}; left out: {}.", listed(ranges), listed(excluded));
    let values = params![ranges.join("\n"), excluded.join("\n")];
    changed(tx, scope, id, (SET_RANGES, values), &detail, (by, stamp))
}

/// Sets the lease that the agent `id` shares with others of its customer; empty for none.
pub(crate) fn set_lease(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: &str,
    name: &str,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<bool, DbError> {
    let detail = if name.is_empty() { "Shares no lease.".to_owned() } else { format!("Shares the lease {name}.") };
    let found = changed(tx, scope, id, (SET_LEASE, params![name]), &detail, (by, stamp))?;
    if found {
        free_leases(tx, &[(scope.reseller_id(), id.to_owned())])?;
    }
    Ok(found)
}

/// Asks the agent `id` to send no personal data, or leaves that to the customer's own policy.
pub(crate) fn set_drop_personal(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: &str,
    drop: bool,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<bool, DbError> {
    let detail = if drop { "Asked to send no personal data." } else { "Personal data as the customer allows." };
    changed(tx, scope, id, (SET_DROP, params![i64::from(drop)]), detail, (by, stamp))
}

/// Asks the agent `id` to read its printers at its next contact.
pub(crate) fn collect_now(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: &str,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<bool, DbError> {
    changed(tx, scope, id, (COLLECT, &[]), "Asked to read now.", (by, stamp))
}

/// Suspends, resumes or revokes the agent `id`, at once; false where there is none in a state for that.
/// After a resumption the caller releases what was held.
pub(crate) fn change_state(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: &str,
    change: StateChange,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<bool, DbError> {
    let (statement, detail) = match change {
        StateChange::Suspend => (SUSPEND, "Suspended: what it sends is kept and not counted."),
        StateChange::Resume => (RESUME, "Resumed."),
        StateChange::Revoke => (REVOKE, "Revoked: nothing of it is taken any more."),
    };
    let done = tx.execute(statement, params![scope.reseller_id(), id])? > 0;
    if done {
        free_leases(tx, &[(scope.reseller_id(), id.to_owned())])?;
        if change == StateChange::Revoke {
            // One that was revoked before it was confirmed leaves no code or claim that enrols another.
            tx.execute(BURN_FILE, params![scope.reseller_id(), id, stamp.at])?;
            tx.execute(BURN_CLAIM, params![scope.reseller_id(), id, stamp.at])?;
        }
        note(tx, scope.reseller_id(), id, "state", detail, by, stamp)?;
    }
    Ok(done)
}

/// Says whether a printer takes part; its customer's agents learn of it at their next contact.
pub(crate) fn participate(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    takes_part: bool,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<bool, DbError> {
    let reseller = scope.reseller_id();
    let found =
        tx.query_opt(PRINTER, params![reseller, printer_id], |row| Ok((row.int(0)?, row.text(1)?, row.text(2)?)))?;
    let visible = |customer: i64| scope.customer_id().is_none_or(|own| own == customer);
    let Some((customer, serial, now)) = found.filter(|(customer, ..)| visible(*customer)) else { return Ok(false) };
    let wanted = if takes_part { "participating" } else { "stopped" };
    if now == wanted {
        return Ok(true);
    }
    tx.execute(PARTICIPATE, params![reseller, printer_id, wanted])?;
    let word = if takes_part { "takes part" } else { "is not read" };
    let detail = format!("Printer {serial} {word}.");
    bump(tx, (reseller, customer), &detail, by, stamp)?;
    Ok(true)
}

/// Says whether every supported printer that is found at a customer takes part, or only those marked.
pub(crate) fn set_participation_of_customer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    all: bool,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<bool, DbError> {
    let reseller = scope.reseller_id();
    let word = if all { "all" } else { "listed" };
    if tx.execute(CUSTOMER, params![reseller, customer_id, word])? == 0 {
        return Ok(false);
    }
    if all {
        tx.execute(JOIN_SEEN, params![reseller, customer_id])?;
    }
    let detail = if all { "Every supported printer takes part." } else { "Only marked printers take part." };
    bump(tx, (reseller, customer_id), detail, by, stamp)?;
    Ok(true)
}

/// Raises the settings' version of all agents of a customer, and notes why with each.
fn bump(
    tx: &mut Tx<'_>,
    (reseller, customer): (i64, i64),
    detail: &str,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<(), DbError> {
    printers_joined(tx, &[(reseller, customer)])?;
    let agents = tx.query(AGENTS, params![reseller, customer], |row| row.text(0))?;
    let line = |(id, agent): (i64, String)| {
        let stamp = Stamp { id, ..stamp };
        Line { reseller, agent, kind: "settings", detail: detail.to_owned(), by, stamp }
    };
    note_all(tx, &(stamp.id..).zip(agents).map(line).collect::<Vec<_>>())
}

/// Raises the settings' version of all agents of these customers: a printer takes part that did not.
pub(crate) fn printers_joined(tx: &mut Tx<'_>, customers: &[(i64, i64)]) -> Result<(), DbError> {
    let keys: Vec<Vec<Param>> =
        customers.iter().map(|(reseller, customer)| params![*reseller, *customer].to_vec()).collect();
    tx.execute_any(BUMP, &["reseller_id", "customer_id"], &keys)?;
    Ok(())
}
