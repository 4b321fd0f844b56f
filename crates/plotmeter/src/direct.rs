//! `plotmeter direct …`: an agent for one printer, inside it or on a machine beside it.
//!
//! Deliberately absent: ranges and a consent envelope; it reads the one printer that its owner names.

use crate::agents::{self, AgentFile, Shared};
use crate::logs::Destination;
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
    /// Reads the printer once and sends what is due.
    Once(DirectFile),
    #[command(flatten)]
    Shared(Shared<DirectFile>),
    /// Trusts the next certificate that the printer shows, after it was changed on purpose.
    Trust {
        /// Keeps the certificate, and forgets which interface gives each counter and the jobs: the next reading
        /// chooses anew.
        #[arg(long)]
        interfaces: bool,
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

impl AgentFile for DirectFile {
    type Agent = Direct;

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

    fn arguments(&self) -> String {
        let path = |name: &str, path: &Option<PathBuf>| {
            path.as_ref().map(|path| words::argument(name, &path.display().to_string())).unwrap_or_default()
        };
        let printer = self.printer.as_ref().map(|printer| words::argument("--printer", printer)).unwrap_or_default();
        format!("{}{printer}{}", path("--config", &self.config), path("--state", &self.state))
    }
}

impl Command {
    /// Whether the command works until it is stopped.
    pub(crate) fn runs(&self) -> bool {
        matches!(self, Command::Shared(command) if command.runs())
    }

    /// Where the log of the command goes; `None` for commands that talk to a person.
    pub(crate) fn log(&self) -> anyhow::Result<Option<Destination>> {
        match self {
            Command::Once(config) => config.log().map(Some),
            Command::Shared(command) => command.log(),
            _ => Ok(None),
        }
    }
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let out = &mut std::io::stdout();
    match command {
        Command::DefaultConfig => out.write_all(agent::DIRECT_TEMPLATE.as_bytes())?,
        Command::Once(config) => agents::once(&config)?,
        Command::Shared(command) => agents::run(command)?,
        Command::Trust { interfaces, config } => {
            let direct = config.look()?;
            let is_known = if interfaces { direct.let_go_of_interfaces()? } else { direct.trust()? };
            if !is_known {
                bail!("this agent has not read its printer yet");
            }
            writeln!(out, "{}", words::trusted(interfaces))?;
        }
    }
    Ok(())
}
