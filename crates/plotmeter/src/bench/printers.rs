//! `plotmeter bench printers`: simulated printers on ports of the loopback, in a process of their own.
//!
//! They stand still at the instant that they are given, so that every answer can be made again elsewhere.
//! Deliberately absent: any end of its own; it ends with whoever holds its standard input.

use report::{Clock, Duration, Instant};
use simulator::faces::https::{self, Server, TlsIdentity};
use simulator::printer::{Habits, MODELS, Printer};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// The line after the last address.
pub(super) const READY: &str = "ready";
/// How long they have printed: long enough for full job lists, whatever weekday it is.
const HISTORY: Duration = Duration::hours(7 * 24);

/// Which printers.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many.
    #[arg(long)]
    pub(super) count: usize,
    /// Jobs that each remembers, and prints on a weekday.
    #[arg(long)]
    pub(super) jobs: i64,
    /// The instant at which they stand, in ms since 1970.
    #[arg(long)]
    pub(super) at: i64,
}

/// The printer of this number; the same arguments give the same printer.
pub(super) fn printer(number: usize, jobs: i64, at: Instant) -> Printer {
    let model = &MODELS[number % MODELS.len()];
    let seed = u64::try_from(number).unwrap_or(0) + 1;
    let queue_length = usize::try_from(jobs).unwrap_or(0);
    let habits = Habits { jobs_per_day: jobs, queue_length, ..Habits::default() };
    let start = Instant(at.0.saturating_sub(HISTORY.0));
    let mut printer = Printer::new(seed, model, &format!("BN{number:08}"), start, habits);
    printer.advance(at);
    printer
}

/// Listens, prints each address and then [`READY`], and answers until standard input ends.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = crate::runtime()?;
    let servers = runtime.block_on(serve(arguments))?;
    for server in &servers {
        println!("{}", server.address());
    }
    println!("{READY}");
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())?;
    Ok(())
}

async fn serve(arguments: &Arguments) -> anyhow::Result<Vec<Server>> {
    let at = Instant(arguments.at);
    let clock: Clock = Arc::new(move || at);
    let mut servers = Vec::with_capacity(arguments.count);
    for number in 0..arguments.count {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let printer = Arc::new(Mutex::new(printer(number, arguments.jobs, at)));
        let identity = TlsIdentity::self_signed(&format!("printer-{number}.bench.test"))?;
        servers.push(https::serve(listener, printer, clock.clone(), &identity).await?);
    }
    Ok(servers)
}
