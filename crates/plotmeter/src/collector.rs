//! `plotmeter collector …`: setting a Data Collector up, running it, and what its owner may see and decide.
//!
//! Deliberately absent: anything the portal could call; every command is somebody's at this machine.

use crate::agents::{self, AgentFile, Shared};
use crate::logs::Destination;
use crate::words;
use agent::{Collector, Config, SystemFacts};
use anyhow::bail;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Prints a commented configuration file.
    DefaultConfig,
    /// Reads every printer once and sends what is new.
    Once(ConfigFile),
    #[command(flatten)]
    Shared(Shared<ConfigFile>),
    /// Trusts the next certificate that a printer shows, after it was changed on purpose.
    Trust {
        /// The printer's address, as in the configuration.
        address: String,
        /// Keeps the certificate, and forgets which interface gives each counter and the jobs: the next reading
        /// chooses anew.
        #[arg(long)]
        interfaces: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Asks the printers and shows what would be sent; keeps and sends nothing.
    Preview {
        /// Prints JSON, a line a printer.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Looks which printers answer in the ranges of the configuration; keeps and sends nothing.
    Discover(crate::discover::Arguments),
    /// Allows what the portal asked for beyond the configuration.
    Approve {
        /// Only shows what waits.
        #[arg(long)]
        list: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Replaces the key that signs records.
    Rotate(ConfigFile),
    /// The service of Windows.
    #[cfg(windows)]
    #[command(subcommand)]
    Service(crate::service::Command),
}

/// The file that is read when none is named.
const FILE: &str = "collector.toml";

/// Where the configuration is.
#[derive(Args, Clone)]
pub(crate) struct ConfigFile {
    /// The configuration file.
    #[arg(long, default_value = FILE)]
    pub(crate) config: PathBuf,
}

impl AgentFile for ConfigFile {
    type Agent = Collector;

    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config)?.with_facts(SystemFacts { environment: crate::environment() }))
    }

    fn arguments(&self) -> String {
        let is_default = self.config.as_os_str() == FILE;
        if is_default { String::new() } else { words::argument("--config", &self.config.display().to_string()) }
    }
}

impl Command {
    /// Whether the command works until it is stopped.
    pub(crate) fn runs(&self) -> bool {
        match self {
            Command::Shared(command) => command.runs(),
            #[cfg(windows)]
            Command::Service(_) => true,
            _ => false,
        }
    }

    /// Where the log of the command goes; `None` for commands that talk to a person.
    pub(crate) fn log(&self) -> anyhow::Result<Option<Destination>> {
        match self {
            Command::Once(config) => config.log().map(Some),
            Command::Shared(command) => command.log(),
            #[cfg(windows)]
            Command::Service(crate::service::Command::Run(config)) => config.log().map(Some),
            _ => Ok(None),
        }
    }
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let out = &mut std::io::stdout();
    match command {
        Command::DefaultConfig => out.write_all(template().as_bytes())?,
        Command::Once(config) => agents::once(&config)?,
        Command::Shared(command) => agents::run(command)?,
        Command::Trust { address, interfaces, config } => trust(&address, interfaces, &config)?,
        Command::Preview { json, config } => {
            let previews = crate::runtime()?.block_on(config.look()?.preview())?;
            words::previews(out, &previews, json)?;
        }
        Command::Discover(arguments) => crate::discover::run(&arguments)?,
        Command::Approve { list, config } => approve(list, &config)?,
        Command::Rotate(config) => rotate(&config)?,
        #[cfg(windows)]
        Command::Service(command) => crate::service::run(command)?,
    }
    Ok(())
}

/// The commented file, with the folder that this system keeps such things in.
fn template() -> String {
    if cfg!(windows) {
        let windows = agent::TEMPLATE.replace("/var/lib/plotmeter", "C:/ProgramData/Plotmeter");
        let windows = windows.replace("/var/log/plotmeter", "C:/ProgramData/Plotmeter");
        return windows.replace("/etc/plotmeter", "C:/ProgramData/Plotmeter");
    }
    agent::TEMPLATE.to_owned()
}

fn trust(address: &str, interfaces: bool, config: &ConfigFile) -> anyhow::Result<()> {
    let collector = config.look()?;
    let is_known = if interfaces { collector.let_go_of_interfaces(address)? } else { collector.trust(address)? };
    if !is_known {
        bail!("{address} is not a printer that this collector has read");
    }
    writeln!(std::io::stdout(), "{address}: {}", words::trusted(interfaces))?;
    Ok(())
}

fn approve(list: bool, config: &ConfigFile) -> anyhow::Result<()> {
    let out = &mut std::io::stdout().lock();
    let collector = config.look()?;
    let (words, done) = match list {
        true => (collector.consents()?, "waits"),
        false => (collector.approve()?, "is allowed from the next round on"),
    };
    if words.is_empty() {
        writeln!(out, "nothing waits for approval")?;
    }
    for word in words {
        writeln!(out, "{word}  {done}")?;
    }
    Ok(())
}

/// Replaces the evidence key: now, or where the collector works, when it finds the word that is left here.
fn rotate(config: &ConfigFile) -> anyhow::Result<()> {
    let (collector, since) = match config.open() {
        Ok(collector) => (collector, "now"),
        Err(_) => (config.look()?, "the running collector's next round"),
    };
    crate::runtime()?.block_on(collector.rotate())?;
    writeln!(std::io::stdout(), "records are signed with a new key from {since} on")?;
    Ok(())
}
