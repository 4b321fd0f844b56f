//! The SQL of the operator's page: resellers with totals, never a row of theirs.

use crate::db::{DbError, Tx, params};
use crate::shell::part::{Part, ROWS};
use report::Instant;

const INSERT: &str = "insert into reseller (reseller_id, name, created_at) values ($1, $2, $3)";
const COUNT: &str = "select count(*) from reseller";
/// Across resellers, as the operator's page is; it shows how many and when, and nothing else of them.
const LIST: &str = "select reseller.name, reseller.created_at,
    (select count(*) from printer where printer.reseller_id = reseller.reseller_id),
    (select count(*) from agent where agent.reseller_id = reseller.reseller_id),
    (select max(agent_chain.seen_at) from agent_chain
        where agent_chain.reseller_id = reseller.reseller_id and agent_chain.next_sequence > 1)
    from reseller order by lower(reseller.name), reseller.reseller_id limit $1 offset $2";

/// Makes a reseller.
pub(crate) fn insert_reseller(tx: &mut Tx<'_>, reseller_id: i64, name: &str, now: Instant) -> Result<(), DbError> {
    tx.execute(INSERT, params![reseller_id, name, now])?;
    Ok(())
}

/// A reseller in the list.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) created_at: Instant,
    pub(super) printers: i64,
    pub(super) agents: i64,
    /// When the last package of any of its agents arrived.
    pub(super) last: Option<Instant>,
}

/// How many resellers there are.
pub(super) fn count(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    tx.count(COUNT, params![])
}

/// One part of the resellers, by name.
pub(super) fn list(tx: &mut Tx<'_>, part: Part) -> Result<Vec<Listed>, DbError> {
    tx.query(LIST, params![ROWS, part.skipped()], |row| {
        Ok(Listed {
            name: row.text(0)?,
            created_at: Instant(row.int(1)?),
            printers: row.int(2)?,
            agents: row.int(3)?,
            last: row.opt_int(4)?.map(Instant),
        })
    })
}
