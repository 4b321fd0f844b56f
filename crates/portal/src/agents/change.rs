//! What people change about agents and printers. Every change leaves a line in its agents' history.
//!
//! A change of what an agent is asked raises the version of its settings; it learns of it with the next
//! answer. Deliberately absent: any way to reach an agent, and its keys, which are ingest's.

use super::history::{Line, Stamp, note, note_all};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::ResellerScope;

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

/// What an agent can be asked for.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    /// To read every so many minutes.
    Interval(i64),
    /// To search these addresses, and to leave the excluded ones alone; each as a person writes it.
    Ranges {
        /// Those to search.
        ranges: Vec<String>,
        /// Those to leave alone.
        excluded: Vec<String>,
    },
    /// To share the lease of this name with others of its customer; empty for none.
    Lease(String),
    /// To send no personal data; else that is left to the customer's own policy.
    DropPersonal(bool),
    /// To read its printers at its next contact.
    Collect,
}

impl Wish {
    /// The statement that keeps it, and its values from $3 on.
    fn statement(&self) -> (&'static str, Vec<Param>) {
        match self {
            Wish::Interval(minutes) => (SET_INTERVAL, params![*minutes].to_vec()),
            Wish::Ranges { ranges, excluded } => (SET_RANGES, params![ranges.join("\n"), excluded.join("\n")].to_vec()),
            Wish::Lease(name) => (SET_LEASE, params![name].to_vec()),
            Wish::DropPersonal(drop) => (SET_DROP, params![i64::from(*drop)].to_vec()),
            Wish::Collect => (COLLECT, Vec::new()),
        }
    }

    /// As a line of history.
    fn words(&self) -> String {
        match self {
            Wish::Interval(minutes) => format!("Reads every {minutes} minutes."),
            Wish::Ranges { ranges, excluded } => {
                format!("Asked to read {}; left out: {}.", listed(ranges), listed(excluded))
            }
            Wish::Lease(name) if name.is_empty() => "Shares no lease.".to_owned(),
            Wish::Lease(name) => format!("Shares the lease {name}."),
            Wish::DropPersonal(true) => "Asked to send no personal data.".to_owned(),
            Wish::DropPersonal(false) => "Personal data as the customer allows.".to_owned(),
            Wish::Collect => "Asked to read now.".to_owned(),
        }
    }
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

/// Asks the agent `id` for something; false where there is no such agent. `by` is the person who asked, here
/// and in all that follow; `None` is the set-up.
pub(crate) fn ask(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: &str,
    wish: &Wish,
    by: Option<i64>,
    stamp: Stamp,
) -> Result<bool, DbError> {
    let reseller = scope.reseller_id();
    let (statement, values) = wish.statement();
    let mut params = params![reseller, id].to_vec();
    params.extend(values);
    if tx.execute(statement, &params)? == 0 {
        return Ok(false);
    }
    note(tx, reseller, id, "settings", &wish.words(), by, stamp)?;
    if matches!(wish, Wish::Lease(_)) {
        free_leases(tx, &[(reseller, id.to_owned())])?;
    }
    Ok(true)
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
