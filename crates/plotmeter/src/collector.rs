//! `plotmeter collector …`: setting a Data Collector up, running it, and what its owner may see and decide.
//!
//! Deliberately absent: anything the portal could call; every command is somebody's at this machine.

use crate::enrol::{Enrolment, compare, host, may_leave};
use crate::logs::Destination;
use crate::supervisor::Supervisor;
use crate::words;
use agent::privacy::{self, Field};
use agent::{Collector, Config, LogConfig, SystemFacts};
use anyhow::{Context, bail};
use clap::Args;
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Prints a commented configuration file.
    DefaultConfig,
    /// Enrols this collector: with the one-time file from the portal, or by comparing six digits.
    Enrol {
        #[command(flatten)]
        enrolment: Enrolment,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Reads every printer once and sends what is new.
    Once(ConfigFile),
    /// Reads and sends until stopped.
    Run(ConfigFile),
    /// Shows what is enrolled, what waits and what each printer said last.
    Status(ConfigFile),
    /// Checks everything that must work, and says what to do where it does not.
    Doctor(ConfigFile),
    /// Trusts the next certificate that a printer shows, after it was changed on purpose.
    Trust {
        /// The printer's address, as in the configuration.
        address: String,
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
    /// Shows exactly what was sent, as it was before it was sealed.
    ShowSent {
        /// How many packages, the last ones.
        #[arg(long, default_value_t = 1)]
        last: usize,
        /// Prints the packages byte for byte, one a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Allows what the portal asked for beyond the configuration.
    Approve {
        /// Only shows what waits.
        #[arg(long)]
        list: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Stops reading and sending until `resume`; the portal is told that it is paused here.
    Pause(ConfigFile),
    /// Goes on after `pause`.
    Resume(ConfigFile),
    /// Replaces the key that signs records.
    Rotate(ConfigFile),
    /// Ends it for good: tells the portal, deletes keys and spool, prints a proof of what was deleted.
    Leave {
        /// Does not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Gives the pseudonym of a text, with the key that stays here.
    Pseudonym {
        /// The field it stands in: user-name, job-name, account-id, project-id, application-id, user-defined.
        field: String,
        /// The text, such as a person's user name.
        text: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// The service of Windows.
    #[cfg(windows)]
    #[command(subcommand)]
    Service(crate::service::Command),
}

/// Where the configuration is.
#[derive(Args, Clone)]
pub(crate) struct ConfigFile {
    /// The configuration file.
    #[arg(long, default_value = "collector.toml")]
    pub(crate) config: PathBuf,
}

impl ConfigFile {
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config)?.with_facts(SystemFacts { environment: crate::environment() }))
    }

    /// The collector, to work; nobody else works on its folder meanwhile.
    fn open(&self) -> anyhow::Result<Collector> {
        Ok(Collector::open(self.load()?, crate::clock::surroundings())?)
    }

    /// The collector, to look at it or to leave it a word while it works.
    fn look(&self) -> anyhow::Result<Collector> {
        Ok(Collector::look(self.load()?, crate::clock::surroundings())?)
    }
}

/// Where an agent's file wants its log.
pub(crate) fn destination(log: LogConfig) -> Destination {
    Destination { level: log.level, file: log.file, keep_days: log.keep_days, system: log.syslog }
}

impl Command {
    /// Whether the command works until it is stopped.
    pub(crate) fn runs(&self) -> bool {
        #[cfg(windows)]
        if matches!(self, Command::Service(_)) {
            return true;
        }
        matches!(self, Command::Run(_))
    }

    /// Where the log of the command goes; `None` for commands that talk to a person.
    pub(crate) fn log(&self) -> anyhow::Result<Option<Destination>> {
        match self {
            Command::Once(config) | Command::Run(config) => Ok(Some(destination(config.load()?.log))),
            #[cfg(windows)]
            Command::Service(crate::service::Command::Run(config)) => Ok(Some(destination(config.load()?.log))),
            _ => Ok(None),
        }
    }
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let out = &mut std::io::stdout();
    match command {
        Command::DefaultConfig => out.write_all(template().as_bytes())?,
        Command::Enrol { enrolment, config } => enrol(&enrolment, &config)?,
        Command::Once(config) => once(&config)?,
        Command::Run(config) => serve(&config, crate::stopped())?,
        Command::Status(config) => status(&config)?,
        Command::Doctor(config) => doctor(&config)?,
        Command::Trust { address, config } => trust(&address, &config)?,
        Command::Preview { json, config } => {
            let previews = crate::runtime()?.block_on(config.look()?.preview())?;
            words::previews(out, &previews, json)?;
        }
        Command::ShowSent { last, json, config } => words::sent(out, &config.look()?.show_sent(last)?, json)?,
        Command::Approve { list, config } => approve(list, &config)?,
        Command::Pause(config) => {
            config.look()?.pause(true)?;
            writeln!(out, "paused: nothing is read or sent until `plotmeter collector resume`")?;
        }
        Command::Resume(config) => {
            config.look()?.pause(false)?;
            writeln!(out, "it goes on")?;
        }
        Command::Rotate(config) => {
            // Where the collector works, it is left word, and does it at its next round.
            let collector = config.open().or_else(|_| config.look())?;
            crate::runtime()?.block_on(collector.rotate())?;
            writeln!(out, "records are signed with a new key from the next round on")?;
        }
        Command::Leave { yes, config } => leave(yes, &config)?,
        Command::Pseudonym { field, text, config } => writeln!(out, "{}", pseudonym(&field, &text, &config)?)?,
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

/// Works until `stop` is ready, and tells whoever supervises it.
pub(crate) fn serve(config: &ConfigFile, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let collector = config.open()?;
    let supervisor = Supervisor::of(&crate::environment());
    let done = crate::runtime()?.block_on(async {
        supervisor.ready();
        collector.run(supervisor.alive_until(stop)).await
    });
    supervisor.stopping();
    Ok(done?)
}

/// One round. Fails when nothing could be read, so that a script notices.
fn once(config: &ConfigFile) -> anyhow::Result<()> {
    let collector = config.open()?;
    let round = crate::runtime()?.block_on(collector.once())?;
    let out = &mut std::io::stdout();
    writeln!(
        out,
        "{} printers read, {} not read, {} new jobs, {} packages sent",
        round.read, round.failed, round.jobs, round.sent
    )?;
    for printer in collector.status()?.printers {
        if let Some(failure) = printer.failure {
            eprintln!("{}: {failure}", printer.address);
        }
    }
    if round.read == 0 {
        bail!("no printer was read: is one listed in the file, does it answer, does it take part?");
    }
    Ok(())
}

fn enrol(enrolment: &Enrolment, config: &ConfigFile) -> anyhow::Result<()> {
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
    println!("Start it with `plotmeter collector run`.");
    Ok(())
}

fn status(config: &ConfigFile) -> anyhow::Result<()> {
    Ok(words::status(&mut std::io::stdout().lock(), &config.look()?.status()?)?)
}

fn doctor(config: &ConfigFile) -> anyhow::Result<()> {
    let config = config.load()?;
    let checks = crate::runtime()?.block_on(agent::doctor(&config, crate::clock::surroundings()));
    if !words::checks(&mut std::io::stdout().lock(), &checks)? {
        bail!("something needs you; the lines after FAIL say what to do");
    }
    Ok(())
}

fn trust(address: &str, config: &ConfigFile) -> anyhow::Result<()> {
    if !config.look()?.trust(address)? {
        bail!("{address} is not a printer that this collector has read");
    }
    writeln!(std::io::stdout(), "{address}: the certificate of the next reading is trusted")?;
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

fn leave(yes: bool, config: &ConfigFile) -> anyhow::Result<()> {
    let collector = config.open()?;
    may_leave(&collector.status()?, yes)?;
    let farewell = crate::runtime()?.block_on(collector.leave())?;
    Ok(words::proof(&mut std::io::stdout().lock(), &farewell)?)
}

fn pseudonym(field: &str, text: &str, config: &ConfigFile) -> anyhow::Result<String> {
    let Some(field) = Field::ALL.into_iter().find(|known| known.word() == field) else {
        let known: Vec<&str> = Field::ALL.iter().map(|field| field.word()).collect();
        bail!("{field} is no field with pseudonyms; there are {}", known.join(", "));
    };
    let state = config.load()?.state;
    let key = privacy::key(&state).context("read the pseudonym key")?;
    let key = key.context("there is no pseudonym key yet: it is made when a field is first replaced by a pseudonym")?;
    Ok(privacy::pseudonym(&key, field, text))
}
