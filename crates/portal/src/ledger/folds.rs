//! Sums of jobs whose detail an agent had to give up: kept beside the jobs, and in no usage cell.
//!
//! Deliberately absent: counting them. A sum over an unknown split of media and days fits no cell; it is shown
//! as an exception. Statements take it where no other agent brought jobs of its time, and only after a person
//! signed it: see `statements::sums`.

use super::{Arrivals, Memory, Origin};
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use evidence::sum_of;
use protocol::Hex;
use protocol::package::{Fold, PrinterIdentity};
use report::{Defect, Instant};

const FOLD: Bulk = Bulk {
    table: "job_fold",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("agent_id", Kind::Text),
        ("sequence", Kind::Int),
        ("record", Kind::Int),
        ("since_at", Kind::Int),
        ("until_at", Kind::Int),
        ("jobs", Kind::Int),
        ("pages", Kind::Int),
        ("area_printed", Kind::Int),
        ("area_media", Kind::Int),
        ("ink", Kind::Int),
        ("categories", Kind::Text),
    ],
    key: 5,
    on_conflict: "do nothing",
};

/// The sum of jobs that gave way, dated by its agent's clock.
#[derive(Debug, Clone)]
pub(crate) struct FoldEntry {
    pub(crate) origin: Origin,
    pub(crate) printer: PrinterIdentity,
    pub(crate) folded_at: Instant,
    /// The completion of the first job.
    pub(crate) since: Instant,
    /// The completion of the last job.
    pub(crate) until: Instant,
    /// The mark of the last receipt that the agent had seen.
    pub(crate) seen: Option<Hex<16>>,
    jobs: i64,
    pages: i64,
    area_printed: i64,
    area_media: i64,
    ink: i64,
    /// Uses by category, JSON.
    categories: String,
}

/// The entry of a sum. `Err` names what makes it none.
pub(crate) fn fold_entry(origin: Origin, fold: Fold) -> Result<FoldEntry, Defect> {
    sum_of(&fold)?;
    let odd = || Defect::of(format!("a sum of jobs of {} cannot be kept", fold.printer.serial));
    Ok(FoldEntry {
        jobs: i64::try_from(fold.jobs).map_err(|_| odd())?,
        pages: fold.pages,
        area_printed: fold.area_printed.0,
        area_media: fold.area_media.0,
        ink: fold.ink.0,
        categories: serde_json::to_string(&fold.categories).map_err(|_| odd())?,
        folded_at: fold.folded_at,
        since: fold.since,
        until: fold.until,
        seen: fold.seen,
        printer: fold.printer,
        origin,
    })
}

/// A sum with the times that the portal believes.
pub(crate) struct PlacedFold<'a> {
    /// What the agent said.
    pub(crate) entry: &'a FoldEntry,
    /// The completion of the first job.
    pub(crate) since: Instant,
    /// The completion of the last job.
    pub(crate) until: Instant,
}

/// Keeps sums, each once by its record.
pub(crate) fn append_folds(
    tx: &mut Tx<'_>,
    memory: &Memory,
    folds: &[PlacedFold<'_>],
    arrivals: &mut Arrivals,
) -> Result<(), DbError> {
    let mut rows: Vec<Vec<Param>> = Vec::with_capacity(folds.len());
    for PlacedFold { entry, since, until } in folds {
        let (origin, agent) = (&entry.origin, &entry.origin.agent);
        let printer_id = memory.printer(agent, &entry.printer.serial)?;
        arrivals.add(memory, agent, printer_id, *until)?;
        rows.push(
            params![
                agent.reseller_id,
                printer_id,
                &agent.agent_id,
                origin.sequence,
                origin.record,
                *since,
                *until,
                entry.jobs,
                entry.pages,
                entry.area_printed,
                entry.area_media,
                entry.ink,
                &entry.categories
            ]
            .to_vec(),
        );
    }
    FOLD.insert(tx, &rows)?;
    Ok(())
}
