//! What every answer to an agent carries besides its own word: settings that it does not have yet, and
//! whether it is the one to read.
//!
//! Deliberately absent: the bounds that the customer's side sets, which only the agent knows and holds.

use crate::agents::AgentState;
use crate::agents::change::free_leases;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::ResellerScope;
use protocol::limits::{INTERVAL_MINUTES_DEFAULT, INTERVAL_MINUTES_MAX, INTERVAL_MINUTES_MIN, PARTICIPANTS_MAX};
use protocol::receipt::{Duty, Participation, Settings};
use report::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// An agent: its reseller and its id.
pub(super) type AgentId = (i64, String);

/// Bytes of JSON that the serial numbers of participating printers take in an answer at most: beside ranges at
/// all their limits it stays within what agents read.
const LISTED_BYTES_MAX: usize = 60 * 1024;
/// How long after two intervals without contact a lease ends.
const LEASE_GRACE: Duration = Duration::minutes(10);

const AGENTS: &str = "select agent.reseller_id, agent.agent_id, agent.customer_id, agent.state, agent.settings_version,
    agent.interval_minutes, agent.ranges, agent.excluded, agent.collect, agent.lease_name, agent.drop_personal,
    customer.participation, coalesce(agent_beat.settings_version, -1), coalesce(agent_beat.paused, 0),
    coalesce(agent_beat.interval_minutes, 0)
    from agent
    join customer on customer.reseller_id = agent.reseller_id and customer.customer_id = agent.customer_id
    left join agent_beat on agent_beat.reseller_id = agent.reseller_id and agent_beat.agent_id = agent.agent_id";
const PRINTERS: &str = "select reseller_id, customer_id, serial, participation from printer";
const LEASES: &str = "select lease.reseller_id, lease.customer_id, lease.name, lease.agent_id, lease.until_at,
    agent.host from lease
    join agent on agent.reseller_id = lease.reseller_id and agent.agent_id = lease.agent_id";
const ALL: &str = "select participation from customer where reseller_id = $1 and customer_id = $2";
/// Taken when it is free, has run out, or is the agent's own; one statement, so that two portal processes
/// never give it to two.
const LEASE: Bulk = Bulk {
    table: "lease",
    columns: &[
        ("reseller_id", Kind::Int),
        ("customer_id", Kind::Int),
        ("name", Kind::Text),
        ("agent_id", Kind::Text),
        ("taken_at", Kind::Int),
        ("until_at", Kind::Int),
    ],
    key: 3,
    on_conflict: "do update set agent_id = excluded.agent_id, taken_at = excluded.taken_at,
                  until_at = excluded.until_at
                  where lease.agent_id = excluded.agent_id or lease.until_at <= excluded.taken_at",
};

/// What an answer carries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Contact {
    /// The settings, where the agent's last beat named an older version, or none came yet.
    pub(super) settings: Option<Settings>,
    /// Whether to read.
    pub(super) duty: Duty,
}

/// What the portal asks of an agent, and what it needs to know for it.
struct Asked {
    customer_id: i64,
    active: bool,
    /// Whether it learns anything: not once it was copied, revoked or left.
    believed: bool,
    settings: Settings,
    lease: String,
    all_take_part: bool,
    /// The version that its last beat named; -1 before the first.
    applied: i64,
    paused: bool,
    /// The interval that it holds, in minutes; 0 before its first beat.
    interval_minutes: i64,
}

/// What answers to these agents carry; renews or takes their leases. Nothing for an agent that is not believed.
pub(super) fn contacts(
    tx: &mut Tx<'_>,
    agents: &BTreeSet<AgentId>,
    now: Instant,
) -> Result<BTreeMap<AgentId, Contact>, DbError> {
    let mut asked = load(tx, agents)?;
    asked.retain(|_, asked| asked.believed);
    let has = |asked: &Asked| u64::try_from(asked.applied).is_ok_and(|applied| applied >= asked.settings.version);
    let due: BTreeSet<AgentId> = asked.iter().filter(|(_, asked)| !has(asked)).map(|(id, _)| id.clone()).collect();
    add_participants(tx, &mut asked, &due)?;
    let duties = duties(tx, &asked, now)?;
    let contact = |(id, asked): (AgentId, Asked)| {
        let settings = due.contains(&id).then_some(asked.settings);
        let duty = duties.get(&id).cloned().unwrap_or_default();
        (id, Contact { settings, duty })
    };
    Ok(asked.into_iter().map(contact).collect())
}

/// The settings of one agent, whatever it has.
pub(super) fn settings(tx: &mut Tx<'_>, agent: &AgentId) -> Result<Option<Settings>, DbError> {
    let one = BTreeSet::from([agent.clone()]);
    let mut asked = load(tx, &one)?;
    add_participants(tx, &mut asked, &one)?;
    Ok(asked.remove(agent).map(|asked| asked.settings))
}

fn load(tx: &mut Tx<'_>, agents: &BTreeSet<AgentId>) -> Result<BTreeMap<AgentId, Asked>, DbError> {
    let keys: Vec<Vec<Param>> = agents.iter().map(|(reseller, agent)| params![*reseller, agent].to_vec()).collect();
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let found = tx.query_any(AGENTS, &["agent.reseller_id", "agent.agent_id"], &keys, |row| {
        let settings = Settings {
            version: u64::try_from(row.int(4)?).unwrap_or(0),
            interval_minutes: u32::try_from(row.int(5)?).unwrap_or(INTERVAL_MINUTES_DEFAULT),
            ranges: lines(row.text(6)?),
            excluded: lines(row.text(7)?),
            participation: Participation::default(),
            collect: u64::try_from(row.int(8)?).unwrap_or(0),
            drop_personal: row.int(10)? != 0,
        };
        let state = AgentState::read(row, 3)?;
        let asked = Asked {
            customer_id: row.int(2)?,
            active: state == AgentState::Active,
            believed: state.is_believed(),
            settings,
            lease: row.text(9)?,
            all_take_part: row.text(11)? == "all",
            applied: row.int(12)?,
            paused: row.int(13)? != 0,
            interval_minutes: row.int(14)?,
        };
        Ok(((row.int(0)?, row.text(1)?), asked))
    })?;
    Ok(found.into_iter().collect())
}

/// Fills in which printers take part, for the agents that are told.
fn add_participants(
    tx: &mut Tx<'_>,
    asked: &mut BTreeMap<AgentId, Asked>,
    due: &BTreeSet<AgentId>,
) -> Result<(), DbError> {
    let told = asked.iter_mut().filter(|(id, _)| due.contains(*id));
    let told: Vec<(i64, &mut Asked)> = told.map(|((reseller, _), asked)| (*reseller, asked)).collect();
    let customers: BTreeSet<(i64, i64)> = told.iter().map(|(reseller, asked)| (*reseller, asked.customer_id)).collect();
    let keys: Vec<Vec<Param>> =
        customers.iter().map(|(reseller, customer)| params![*reseller, *customer].to_vec()).collect();
    let found = tx.query_any(PRINTERS, &["reseller_id", "customer_id"], &keys, |row| {
        Ok(((row.int(0)?, row.int(1)?), (row.text(2)?, row.text(3)?)))
    })?;
    let mut printers: BTreeMap<(i64, i64), Vec<(String, String)>> = BTreeMap::new();
    for (customer, printer) in found {
        printers.entry(customer).or_default().push(printer);
    }
    for (reseller, asked) in told {
        let own = printers.get(&(reseller, asked.customer_id)).map_or(&[][..], Vec::as_slice);
        asked.settings.participation = participation(own, asked.all_take_part);
    }
    Ok(())
}

/// Who takes part, of printers as (serial number, word). Where all take part and one was stopped, those that
/// take part are named, so that the stopped one is left alone.
fn participation(printers: &[(String, String)], all: bool) -> Participation {
    if all && printers.iter().all(|(_, word)| word != "stopped") {
        return Participation::All;
    }
    let listed = printers.iter().filter(|(_, word)| word == "participating").map(|(serial, _)| serial.clone());
    let serials: BTreeSet<String> = listed.collect();
    let printers = serials.len();
    let mut bytes = 0;
    let fits = |serial: &String| {
        // As it stands in JSON, with quotation marks and a comma.
        bytes += serde_json::to_string(serial).map_or(0, |text| text.len()) + 1;
        bytes <= LISTED_BYTES_MAX
    };
    let told: BTreeSet<String> = serials.into_iter().take(PARTICIPANTS_MAX).take_while(fits).collect();
    if told.len() < printers {
        tracing::warn!(printers, told = told.len(), "more printers take part than agents are told");
    }
    Participation::Listed(told)
}

/// How many printers of a customer take part and are not told to its agents, since there are too many.
pub(crate) fn untold(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<usize, DbError> {
    let own = [scope.reseller_id(), customer_id];
    let all = tx.query_opt(ALL, &own.map(Param::from), |row| Ok(row.text(0)? == "all"))?.unwrap_or(false);
    let printers =
        tx.query_any(PRINTERS, &["reseller_id", "customer_id"], &[own.map(Param::from).to_vec()], |row| {
            Ok((row.text(2)?, row.text(3)?))
        })?;
    Ok(match participation(&printers, all) {
        Participation::All => 0,
        Participation::Listed(told) => {
            printers.iter().filter(|(_, word)| word == "participating").count().saturating_sub(told.len())
        }
    })
}

/// A lease: reseller, customer, name.
type LeaseKey = (i64, i64, String);

/// Who of these agents reads, and who stands by for another. Agents without a lease read.
fn duties(tx: &mut Tx<'_>, asked: &BTreeMap<AgentId, Asked>, now: Instant) -> Result<BTreeMap<AgentId, Duty>, DbError> {
    let sharing: Vec<(LeaseKey, &AgentId, &Asked)> = asked
        .iter()
        .filter(|(_, asked)| !asked.lease.is_empty())
        .map(|(id, asked)| ((id.0, asked.customer_id, asked.lease.clone()), id, asked))
        .collect();
    if sharing.is_empty() {
        return Ok(BTreeMap::new());
    }
    // An agent that its customer paused reads nothing, so that another one shall.
    free_leases(tx, sharing.iter().filter(|(_, _, asked)| asked.paused).map(|(_, id, _)| *id))?;
    let before = load_leases(tx, &sharing)?;
    let mut claims: BTreeMap<&LeaseKey, (&AgentId, &Asked)> = BTreeMap::new();
    for (key, id, asked) in sharing.iter().filter(|(_, _, asked)| asked.active && !asked.paused) {
        let holds = before.get(key).is_some_and(|(holder, ..)| *holder == id.1);
        if holds || !claims.contains_key(key) {
            claims.insert(key, (*id, *asked));
        }
    }
    let rows: Vec<Vec<Param>> = claims
        .iter()
        .map(|((reseller, customer, name), ((_, agent), asked))| {
            let until = now.plus(lease_time(asked));
            params![*reseller, *customer, name, agent, now, until].to_vec()
        })
        .collect();
    LEASE.insert(tx, &rows)?;
    let after = load_leases(tx, &sharing)?;
    let duty = |(key, id, _): &(LeaseKey, &AgentId, &Asked)| {
        let other = after.get(key).filter(|(holder, until, _)| *holder != id.1 && *until > now);
        let stand_by = |(_, until, host): &(String, Instant, String)| {
            let (holder, until) = (host.clone(), *until);
            Duty::StandBy { holder, until }
        };
        ((*id).clone(), other.map_or(Duty::Read, stand_by))
    };
    Ok(sharing.iter().map(duty).collect())
}

/// How long a lease lasts from a contact on: by the longer of the interval that is asked and the one that the
/// agent holds, which its own side may have made longer.
fn lease_time(asked: &Asked) -> Duration {
    let minutes = i64::from(asked.settings.interval_minutes).max(asked.interval_minutes);
    let minutes = minutes.clamp(i64::from(INTERVAL_MINUTES_MIN), i64::from(INTERVAL_MINUTES_MAX));
    Duration(Duration::minutes(2 * minutes).0 + LEASE_GRACE.0)
}

/// Holder, end and holder's host of the leases that these agents share.
fn load_leases(
    tx: &mut Tx<'_>,
    sharing: &[(LeaseKey, &AgentId, &Asked)],
) -> Result<BTreeMap<LeaseKey, (String, Instant, String)>, DbError> {
    let wanted: BTreeSet<&LeaseKey> = sharing.iter().map(|(key, ..)| key).collect();
    let keys: Vec<Vec<Param>> =
        wanted.iter().map(|(reseller, customer, name)| params![*reseller, *customer, name].to_vec()).collect();
    let columns = ["lease.reseller_id", "lease.customer_id", "lease.name"];
    let found = tx.query_any(LEASES, &columns, &keys, |row| {
        let key = (row.int(0)?, row.int(1)?, row.text(2)?);
        Ok((key, (row.text(3)?, Instant(row.int(4)?), row.text(5)?)))
    })?;
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printers(words: &[(&str, &str)]) -> Vec<(String, String)> {
        words.iter().map(|(serial, word)| ((*serial).to_owned(), (*word).to_owned())).collect()
    }

    #[test]
    fn only_printers_that_take_part_are_named() {
        let known = printers(&[("A", "participating"), ("B", "seen"), ("C", "stopped")]);
        let named = Participation::Listed(BTreeSet::from(["A".to_owned()]));
        assert_eq!(participation(&known, false), named);
        assert_eq!(participation(&known, true), named, "the stopped one is left alone");
        assert_eq!(participation(&known[..2], true), Participation::All);
        assert_eq!(participation(&[], false), Participation::default());
    }

    #[test]
    fn what_is_named_fits_an_answer_however_long_serial_numbers_are() {
        for length in [10, 24, 256] {
            let known: Vec<(String, String)> = (0..PARTICIPANTS_MAX + 500)
                .map(|number| (format!("{number:0length$}\""), "participating".to_owned()))
                .collect();
            let Participation::Listed(told) = participation(&known, false) else { panic!("not all take part") };
            let text = serde_json::to_string(&told).expect("json");
            assert!(text.len() <= LISTED_BYTES_MAX + 2 && told.len() <= PARTICIPANTS_MAX, "{length}");
            assert!(told.len() >= 200, "{length}: {}", told.len());
        }
    }
}
