//! When facts of a printer's month got into the ledger last, so that a look back at what was billed knows
//! where to look.
//!
//! Deliberately absent: which facts, and whether they matter to anything billed.

use super::{AgentRef, Memory};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use report::{Duration, Instant};
use std::collections::BTreeSet;

const ARRIVAL: Bulk = Bulk {
    table: "arrival",
    columns: &[("reseller_id", Kind::Int), ("printer_id", Kind::Int), ("month", Kind::Int), ("at", Kind::Int)],
    key: 3,
    on_conflict: "do update set at = excluded.at",
};

/// A fact so near to a month's edge belongs to both: another version of it may be dated on the other side, and a
/// reading there is the last one of the month before.
const EDGE: Duration = Duration::hours(24);

/// The months that facts of a batch belong to, by reseller and printer, as the site counts them.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(BTreeSet<(i64, i64, i64)>);

impl Arrivals {
    /// A fact of `printer_id` at `at` is new.
    pub(super) fn add(
        &mut self,
        memory: &Memory,
        agent: &AgentRef,
        printer_id: i64,
        at: Instant,
    ) -> Result<(), DbError> {
        for at in [Instant(at.0.saturating_sub(EDGE.0)), at, at.plus(EDGE)] {
            let (month, _) = memory.dates(agent, at)?;
            self.0.insert((agent.reseller_id, printer_id, month));
        }
        Ok(())
    }

    /// Keeps that they came `now`, whenever their package was received.
    pub(crate) fn keep(self, tx: &mut Tx<'_>, now: Instant) -> Result<(), DbError> {
        let row = |(reseller, printer, month): (i64, i64, i64)| params![reseller, printer, month, now].to_vec();
        let rows: Vec<Vec<Param>> = self.0.into_iter().map(row).collect();
        ARRIVAL.insert(tx, &rows)?;
        Ok(())
    }
}
