//! The one binary: parses the command line and starts the rest. Time and randomness enter here.
#![allow(clippy::print_stdout)]

#[cfg(feature = "agent")]
mod agents;
#[cfg(feature = "portal")]
mod bench;
mod clock;
#[cfg(feature = "agent")]
mod collector;
#[cfg(feature = "simulator")]
mod demo;
#[cfg(feature = "agent")]
mod direct;
#[cfg(feature = "agent")]
mod discover;
#[cfg(feature = "agent")]
mod enrol;
#[cfg(feature = "portal")]
mod factory;
mod logs;
#[cfg(feature = "portal")]
mod portal_command;
#[cfg(feature = "agent")]
mod probe;
#[cfg(feature = "agent")]
mod service;
#[cfg(feature = "agent")]
mod supervisor;
mod verify;
#[cfg(feature = "agent")]
mod words;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Large-format printing by the square metre, from the printer to the statement.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts a whole world to look at: portal, printers, collectors, three months of history.
    #[cfg(feature = "simulator")]
    Demo(demo::Arguments),
    /// The portal.
    #[cfg(feature = "portal")]
    #[command(subcommand)]
    Portal(portal_command::Command),
    /// The Data Collector.
    #[cfg(feature = "agent")]
    #[command(subcommand)]
    Collector(collector::Command),
    /// The direct agent: one printer, read often.
    #[cfg(feature = "agent")]
    #[command(subcommand)]
    Direct(direct::Command),
    /// Reads one printer and prints every row of Appendix A.
    #[cfg(feature = "agent")]
    Probe(probe::Arguments),
    /// Checks the evidence file of a statement.
    Verify(verify::Arguments),
    /// Measures how fast the program is on this machine, and prints it.
    #[cfg(feature = "portal")]
    #[command(subcommand)]
    Bench(bench::Command),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // One provider for everything that speaks TLS; a second installation can only be by ourselves.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    match start_logs(&arguments.command).and_then(|()| run(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough, as with `| head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plotmeter: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Commands whose standard error is for people: their logs show only failures.
fn is_quiet(command: &Command) -> bool {
    match command {
        #[cfg(feature = "simulator")]
        Command::Demo(_) => true,
        #[cfg(feature = "agent")]
        Command::Probe(_) => true,
        Command::Verify(_) => true,
        #[cfg(feature = "portal")]
        Command::Bench(_) => true,
        #[cfg(feature = "portal")]
        Command::Portal(command) => !command.serves(),
        #[cfg(feature = "agent")]
        Command::Collector(command) => !command.runs(),
        #[cfg(feature = "agent")]
        Command::Direct(command) => !command.runs(),
    }
}

/// Starts logging where the command's own file wants it, or to standard error.
fn start_logs(command: &Command) -> anyhow::Result<()> {
    let wanted = match command {
        #[cfg(feature = "agent")]
        Command::Collector(command) => command.log()?,
        #[cfg(feature = "agent")]
        Command::Direct(command) => command.log()?,
        _ => None,
    };
    let level = if is_quiet(command) { "error" } else { "info" };
    logs::start(level, wanted.as_ref());
    Ok(())
}

/// A text file of somebody's, read as far as such a file may be long: it may be anything.
#[cfg(any(feature = "portal", feature = "agent"))]
fn read_text(path: &std::path::Path, bytes_max: u64) -> anyhow::Result<String> {
    use anyhow::Context;
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(|| format!("read {}", path.display()))?;
    let read = file.take(bytes_max.saturating_add(1)).read_to_string(&mut text);
    let length = read.with_context(|| format!("read {}", path.display()))?;
    if u64::try_from(length).is_ok_and(|length| length <= bytes_max) {
        return Ok(text);
    }
    anyhow::bail!("{} is longer than {bytes_max} bytes", path.display())
}

/// The environment, for what looks into it: proxy settings, and who supervises this process.
#[cfg(feature = "agent")]
fn environment() -> std::collections::BTreeMap<String, String> {
    let text = |text: std::ffi::OsString| text.into_string().ok();
    std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        #[cfg(feature = "simulator")]
        Command::Demo(arguments) => demo::run(&arguments),
        #[cfg(feature = "portal")]
        Command::Portal(command) => portal_command::run(command),
        #[cfg(feature = "agent")]
        Command::Collector(command) => collector::run(command),
        #[cfg(feature = "agent")]
        Command::Direct(command) => direct::run(command),
        #[cfg(feature = "agent")]
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        #[cfg(feature = "portal")]
        Command::Bench(command) => bench::run(command),
    }
}

/// A runtime for a command.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Ready at Ctrl-C or SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
