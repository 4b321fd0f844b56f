//! `plotmeter bench close`: closes a month of a large estate and prints what it cost.
//!
//! Beside each figure stands the least that it could cost: one bare sum over the same job rows. Deliberately
//! absent: keeping the statements, looking back at months before, and the portal's pages; a bill run adds an insert
//! for each contract.

use super::bytes_in;
use super::process::{memory_kb, rate};
use crate::clock::timed;
use anyhow::bail;
use portal::bench::{Closed, PRINTERS_OF_CONTRACT, bare_aggregate, close_cells, close_raw, fill};
use portal::{Db, Target};
use std::path::Path;

/// How much.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Printers of the estate.
    #[arg(long, default_value_t = 10_000)]
    printers: usize,
    /// Jobs of the month, shared evenly by the printers.
    #[arg(long, default_value_t = 10_000_000)]
    jobs: u64,
    /// An empty PostgreSQL database to measure too: "host=/run/postgresql user=… dbname=…".
    #[arg(long)]
    postgres: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    println!(
        "{} printers in contracts of {PRINTERS_OF_CONTRACT}, {} jobs in the month",
        arguments.printers, arguments.jobs
    );
    one(arguments, &Target::Sqlite(folder.path().join("portal.sqlite")), Some(folder.path()))?;
    if let Some(connection) = &arguments.postgres {
        one(arguments, &Target::Postgres(connection.clone()), None)?;
    }
    Ok(())
}

/// What a step took: seconds on the wall, and the most memory of this process in it, kB.
struct Cost {
    seconds: f64,
    peak_kb: u64,
}

impl Cost {
    fn words(&self, rows: u64) -> String {
        let Cost { seconds, peak_kb } = self;
        format!("{seconds:.1} s, {} job rows/s, at most {peak_kb} kB of memory", rate(rows, seconds.max(0.001)))
    }
}

/// Runs a step. The kernel is asked to forget the peak before it, so that a step is not charged with another's.
fn measured<T, E>(step: impl FnOnce() -> Result<T, E>) -> anyhow::Result<(T, Cost)>
where
    anyhow::Error: From<E>,
{
    // Where that is not allowed the peak is the process's own, which is more.
    let _forgotten = std::fs::write("/proc/self/clear_refs", "5");
    let (done, seconds) = timed(step);
    let done = done?;
    Ok((done, Cost { seconds, peak_kb: memory_kb(std::process::id(), "VmHWM:")? }))
}

fn one(arguments: &Arguments, target: &Target, folder: Option<&Path>) -> anyhow::Result<()> {
    let db = Db::open(target)?;
    println!("\n{}", db.engine());
    let ((), filled) = measured(|| fill(&db, arguments.printers, arguments.jobs))?;
    println!("  filled          {}", filled.words(arguments.jobs));
    if let Some(folder) = folder {
        println!("  database        {} MB", bytes_in(folder)? / 1_000_000);
    }
    // Once before, so that every step finds the same pages in memory.
    bare_aggregate(&db)?;
    let (bare, least) = measured(|| bare_aggregate(&db))?;
    let rows = u64::try_from(bare.rows)?;
    println!("  bare sum        {}", least.words(rows));
    let (raw, raw_cost) = measured(|| close_raw(&db))?;
    said("from jobs", &raw, &raw_cost, &least, rows);
    println!("  drafts' bases   {} MB", raw.basis_bytes() / 1_000_000);
    let (cells, cells_cost) = measured(|| close_cells(&db))?;
    said("from cells", &cells, &cells_cost, &least, rows);
    println!("  sums            {} and {} minor units", raw.total(), cells.total());
    if !raw.charges() || !raw.same_sums(&cells) {
        bail!("the statements from jobs and from cells differ, or charge nothing: the figures above mean nothing");
    }
    println!("  statements      equal, line by line");
    Ok(())
}

fn said(way: &str, closed: &Closed, cost: &Cost, least: &Cost, rows: u64) {
    let ratio = cost.seconds / least.seconds.max(0.001);
    println!("  {way:<15} {} statements, {}; {ratio:.1} times the bare sum", closed.statements(), cost.words(rows));
}
