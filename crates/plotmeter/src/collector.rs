//! `plotmeter collector …`

use agent::{Collector, Config};
use anyhow::bail;
use clap::Args;
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Prints a commented configuration file.
    DefaultConfig,
    /// Enrols this collector with the one-time file from the portal.
    Enrol {
        /// The file.
        file: PathBuf,
        /// Confirms the account without asking; say its name: --confirm "Kessler Architekten".
        #[arg(long)]
        confirm: Option<String>,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Reads every printer once and sends what is new.
    Once(ConfigFile),
    /// Reads and sends until stopped.
    Run(ConfigFile),
    /// Shows what is enrolled, what waits and what each printer said last.
    Status(ConfigFile),
    /// Trusts the next certificate that a printer shows, after it was changed on purpose.
    Trust {
        /// The printer's address, as in the configuration.
        address: String,
        #[command(flatten)]
        config: ConfigFile,
    },
}

/// Where the configuration is.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// The configuration file.
    #[arg(long, default_value = "collector.toml")]
    config: PathBuf,
}

impl ConfigFile {
    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config)?)
    }

    fn open(&self) -> anyhow::Result<Collector> {
        Ok(Collector::open(self.load()?, crate::clock::surroundings())?)
    }

    fn look(&self) -> anyhow::Result<Collector> {
        Ok(Collector::look(self.load()?, crate::clock::surroundings())?)
    }
}

impl Command {
    /// Whether the command works until it is stopped.
    pub(crate) fn runs(&self) -> bool {
        matches!(self, Command::Run(_))
    }
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::DefaultConfig => print!("{}", agent::TEMPLATE),
        Command::Enrol { file, confirm, config } => enrol(&file, confirm.as_deref(), &config)?,
        Command::Once(config) => once(&config)?,
        Command::Run(config) => crate::runtime()?.block_on(config.open()?.run(crate::stopped()))?,
        Command::Status(config) => status(&config)?,
        Command::Trust { address, config } => {
            if !config.look()?.trust(&address)? {
                bail!("{address} is not a printer that this collector has read");
            }
            println!("{address}: the certificate of the next reading is trusted");
        }
    }
    Ok(())
}

/// One round. Fails when nothing could be read, so that a script notices.
fn once(config: &ConfigFile) -> anyhow::Result<()> {
    let collector = config.open()?;
    let round = crate::runtime()?.block_on(collector.once())?;
    println!(
        "{} printers read, {} not read, {} new jobs, {} packages sent",
        round.read, round.failed, round.jobs, round.sent
    );
    for printer in collector.status()?.printers {
        if let Some(failure) = printer.failure {
            eprintln!("{}: {failure}", printer.address);
        }
    }
    if round.read == 0 {
        bail!("no printer was read: is one listed in the file, and does it answer?");
    }
    Ok(())
}

fn enrol(file: &std::path::Path, confirm: Option<&str>, config: &ConfigFile) -> anyhow::Result<()> {
    let config = config.load()?;
    let surroundings = crate::clock::surroundings();
    let host =
        std::fs::read_to_string("/etc/hostname").map_or_else(|_| "unnamed".to_owned(), |name| name.trim().to_owned());
    let runtime = crate::runtime()?;
    let pending = runtime.block_on(agent::begin(file, &config.state, &host, &surroundings))?;
    let (reseller, customer) = pending.account();
    println!(
        "This collector will send usage data of the printers in its file\n  \
         to the account   {customer}\n  of the reseller  {reseller}"
    );
    let agreed = match confirm {
        Some(name) => name == customer,
        None if std::io::stdin().is_terminal() => ask("Is that right? Type yes to go on: ")? == "yes",
        None => bail!("nobody can be asked here: repeat with --confirm {customer:?}"),
    };
    if !agreed {
        bail!("not enrolled; nothing was kept and nothing took effect");
    }
    let settings = runtime.block_on(pending.confirm(&surroundings))?;
    println!(
        "Enrolled. Readings every {} minutes; start with `plotmeter collector run`.",
        settings.bounded_interval_minutes()
    );
    Ok(())
}

fn ask(question: &str) -> std::io::Result<String> {
    print!("{question}");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

fn status(config: &ConfigFile) -> anyhow::Result<()> {
    let out = &mut std::io::stdout().lock();
    let status = config.look()?.status()?;
    writeln!(out, "agent      {}", status.agent)?;
    writeln!(out, "account    {} (reseller {})", status.customer, status.reseller)?;
    writeln!(out, "portal     {}", status.portal)?;
    writeln!(out, "interval   {} min", status.interval_minutes)?;
    writeln!(out, "waiting    {} records or packages that the portal does not have yet", status.waiting)?;
    if status.printers.is_empty() {
        writeln!(out, "printers   none read yet")?;
    }
    for printer in status.printers {
        let name = printer.product_name.as_deref().unwrap_or("unknown printer");
        let serial = printer.serial.as_deref().unwrap_or("no serial yet");
        let read = printer.read_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        writeln!(
            out,
            "printer    {}  {name}  {serial}  last read {read}  defects {}",
            printer.address, printer.defects
        )?;
        if let Some(failure) = printer.failure {
            writeln!(out, "           not read since: {failure}")?;
        }
    }
    Ok(())
}
