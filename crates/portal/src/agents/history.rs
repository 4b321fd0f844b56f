//! The history of an agent: a line for everything that people and the agent itself did to it.
//!
//! Deliberately absent: doing any of it, and changing a line that was kept.

use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use crate::shell::ResellerScope;
use report::{Instant, Surroundings};

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

/// One line of an agent's history, as it is shown.
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

/// The latest events of an agent, newest first.
pub(super) fn events(tx: &mut Tx<'_>, scope: &ResellerScope, id: &str, limit: i64) -> Result<Vec<Event>, DbError> {
    tx.query(EVENTS, params![scope.reseller_id(), id, limit], |row| {
        Ok(Event { at: Instant(row.int(0)?), kind: row.text(1)?, detail: row.text(2)?, person: row.opt_text(3)? })
    })
}
