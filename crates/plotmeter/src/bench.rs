//! `plotmeter bench …`: what the program costs, beside limits measured in the same run.
//!
//! Whoever is measured is a process of its own, so that its CPU seconds can be told from everybody else's.
//! A bench prints and holds nothing against a target. Deliberately absent: targets, and systems other than Linux,
//! whose `/proc` tells the figures.

mod close;
mod ingest;
#[cfg(feature = "simulator")]
mod poll;
#[cfg(feature = "simulator")]
mod printers;
mod process;
mod served;

use std::path::Path;

/// What to measure.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// 20-job reports from 16 agents through the real HTTP ingest, on SQLite and, where named, PostgreSQL.
    Ingest(ingest::Arguments),
    /// Closing a month of a large estate, from raw jobs and from usage cells, beside a bare SQL sum.
    Close(close::Arguments),
    /// One collector that reads 1 000 simulated printers over HTTPS, beside TLS alone and parsing alone.
    #[cfg(feature = "simulator")]
    Poll(poll::Arguments),
    /// The simulated printers of `bench poll`, which starts them itself.
    #[cfg(feature = "simulator")]
    #[command(hide = true)]
    Printers(printers::Arguments),
}

/// The bytes of the files in a folder.
fn bytes_in(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Ingest(arguments) => ingest::run(&arguments),
        Command::Close(arguments) => close::run(&arguments),
        #[cfg(feature = "simulator")]
        Command::Poll(arguments) => poll::run(&arguments),
        #[cfg(feature = "simulator")]
        Command::Printers(arguments) => printers::run(&arguments),
    }
}
