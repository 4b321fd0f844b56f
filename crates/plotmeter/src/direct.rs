//! `plotmeter direct …`: an agent for one printer, inside it or on a machine beside it.
//!
//! Deliberately absent: ranges and a consent envelope; it reads the one printer that its owner names.

use crate::collector::destination;
use crate::enrol::{Enrolment, compare, host, may_leave};
use crate::logs::Destination;
use crate::supervisor::Supervisor;
use crate::words;
use agent::{Direct, DirectConfig, SystemFacts};
use anyhow::bail;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Prints a commented configuration file.
    DefaultConfig,
    /// Enrols this agent: with the one-time file, a printer's factory file, or by comparing six digits.
    Enrol {
        #[command(flatten)]
        enrolment: Enrolment,
        #[command(flatten)]
        config: DirectFile,
    },
    /// Reads the printer once and sends what is due.
    Once(DirectFile),
    /// Reads and sends until stopped.
    Run(DirectFile),
    /// Shows what is enrolled, what waits and what the printer said last.
    Status(DirectFile),
    /// Checks everything that must work, and says what to do where it does not.
    Doctor(DirectFile),
    /// Trusts the next certificate that the printer shows, after it was changed on purpose.
    Trust(DirectFile),
    /// Shows exactly what was sent, as it was before it was sealed.
    ShowSent {
        /// How many packages, the last ones.
        #[arg(long, default_value_t = 1)]
        last: usize,
        /// Prints the packages byte for byte, one a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: DirectFile,
    },
    /// Stops reading and sending until `resume`; the portal is told that it is paused here.
    Pause(DirectFile),
    /// Goes on after `pause`.
    Resume(DirectFile),
    /// Ends it for good: tells the portal, deletes keys and spool, prints a proof of what was deleted.
    Leave {
        /// Does not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        config: DirectFile,
    },
}

/// The file that is read when none is named, if it is there.
const FILE: &str = "direct.toml";
/// The state folder when nothing names one.
const STATE: &str = "/var/lib/plotmeter-direct";

/// Where the configuration is; without a file the printer is enough.
#[derive(Args, Clone)]
pub(crate) struct DirectFile {
    /// The configuration file; direct.toml where that is present and nothing is said.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The printer: a host or an address, with `:port` unless it is 443.
    #[arg(long)]
    printer: Option<String>,
    /// The folder for keys and spool.
    #[arg(long)]
    state: Option<PathBuf>,
}

impl DirectFile {
    fn load(&self) -> anyhow::Result<DirectConfig> {
        let present = || Path::new(FILE).exists().then(|| PathBuf::from(FILE));
        let file = self.config.clone().or_else(present).map(|path| DirectConfig::load(&path)).transpose()?;
        let state = || self.state.clone().unwrap_or_else(|| PathBuf::from(STATE));
        let mut config = match (file, &self.printer) {
            (Some(file), _) => file,
            (None, Some(printer)) => DirectConfig::new(state(), printer).map_err(anyhow::Error::msg)?,
            (None, None) => bail!("name the printer with --printer, or a file with --config"),
        };
        if let Some(printer) = &self.printer {
            config.printer = DirectConfig::new(state(), printer).map_err(anyhow::Error::msg)?.printer;
        }
        if let Some(state) = &self.state {
            config.state.clone_from(state);
        }
        Ok(config.with_facts(SystemFacts { environment: crate::environment() }))
    }

    /// The agent, to work; nobody else works on its folder meanwhile.
    fn open(&self) -> anyhow::Result<Direct> {
        Ok(Direct::open(self.load()?, crate::clock::surroundings())?)
    }

    /// The agent, to look at it or to leave it a word while it works.
    fn look(&self) -> anyhow::Result<Direct> {
        Ok(Direct::look(self.load()?, crate::clock::surroundings())?)
    }
}

impl Command {
    /// Whether the command works until it is stopped.
    pub(crate) fn runs(&self) -> bool {
        matches!(self, Command::Run(_))
    }

    /// Where the log of the command goes; `None` for commands that talk to a person.
    pub(crate) fn log(&self) -> anyhow::Result<Option<Destination>> {
        match self {
            Command::Once(config) | Command::Run(config) => Ok(Some(destination(config.load()?.log))),
            _ => Ok(None),
        }
    }
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let out = &mut std::io::stdout();
    match command {
        Command::DefaultConfig => out.write_all(agent::DIRECT_TEMPLATE.as_bytes())?,
        Command::Enrol { enrolment, config } => enrol(&enrolment, &config)?,
        Command::Once(config) => once(&config)?,
        Command::Run(config) => serve(&config)?,
        Command::Status(config) => words::status(out, &config.look()?.status()?)?,
        Command::Doctor(config) => doctor(&config)?,
        Command::Trust(config) => {
            if !config.look()?.trust()? {
                bail!("this agent has not read its printer yet");
            }
            writeln!(out, "the certificate of the next reading is trusted")?;
        }
        Command::ShowSent { last, json, config } => words::sent(out, &config.look()?.show_sent(last)?, json)?,
        Command::Pause(config) => {
            config.look()?.pause(true)?;
            writeln!(out, "paused: nothing is read or sent until `plotmeter direct resume`")?;
        }
        Command::Resume(config) => {
            config.look()?.pause(false)?;
            writeln!(out, "it goes on")?;
        }
        Command::Leave { yes, config } => {
            let direct = config.open()?;
            may_leave(&direct.status()?, yes)?;
            let farewell = crate::runtime()?.block_on(direct.leave())?;
            words::proof(out, &farewell)?;
        }
    }
    Ok(())
}

/// Works until it is stopped, and tells whoever supervises it.
fn serve(config: &DirectFile) -> anyhow::Result<()> {
    let direct = config.open()?;
    let supervisor = Supervisor::of(&crate::environment());
    let done = crate::runtime()?.block_on(async {
        supervisor.ready();
        direct.run(supervisor.alive_until(crate::stopped())).await
    });
    supervisor.stopping();
    Ok(done?)
}

/// One look at the printer. Fails when it was not read, so that a script notices.
fn once(config: &DirectFile) -> anyhow::Result<()> {
    let direct = config.open()?;
    let round = crate::runtime()?.block_on(direct.once())?;
    writeln!(std::io::stdout(), "{} new jobs, {} packages sent", round.jobs, round.sent)?;
    let failure = direct.status()?.printers.into_iter().find_map(|printer| printer.failure);
    match failure {
        Some(failure) if round.read == 0 => bail!("the printer was not read: {failure}"),
        None if round.read == 0 => bail!("the printer was not read: does it take part?"),
        _ => Ok(()),
    }
}

fn enrol(enrolment: &Enrolment, config: &DirectFile) -> anyhow::Result<()> {
    let config = config.load()?;
    let host = host(&config.facts.environment);
    let surroundings = crate::clock::surroundings();
    let runtime = crate::runtime()?;
    match (&enrolment.file, &enrolment.portal) {
        (Some(file), _) => runtime.block_on(async {
            let pending = agent::begin(file, &config, &host, &surroundings).await?;
            enrolment.confirm(pending).await
        })?,
        (None, Some(portal)) => runtime.block_on(async {
            let authority = enrolment.authority()?;
            let comparing = agent::begin_comparison(portal, authority, &config, &host, &surroundings).await?;
            compare(comparing).await
        })?,
        (None, None) => bail!("name the enrolment file, or the portal with --portal"),
    }
    println!("Start it with `plotmeter direct run`.");
    Ok(())
}

fn doctor(config: &DirectFile) -> anyhow::Result<()> {
    let config = config.load()?;
    let checks = crate::runtime()?.block_on(agent::doctor_direct(&config, crate::clock::surroundings()));
    if !words::checks(&mut std::io::stdout().lock(), &checks)? {
        bail!("something needs you; the lines after FAIL say what to do");
    }
    Ok(())
}
