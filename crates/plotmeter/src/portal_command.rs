//! `plotmeter portal …`: setting a portal up and serving it.
//!
//! Deliberately absent: what people do on its pages.

use crate::factory;
use anyhow::{Context, bail};
use billing::Month;
use clap::Args;
use portal::config;
use portal::setup::{self, Outcome, Progress, Role, Summary};
use portal::{Db, Listeners, Portal, PortalKeys, Target, Tls, serve};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Prints a commented configuration file.
    DefaultConfig,
    /// Brings the database to this program's schema.
    Migrate(ConfigFile),
    /// Adds an operator who can sign in, and prints the password once.
    User {
        /// The address they sign in with.
        #[arg(long)]
        email: String,
        /// Their name.
        #[arg(long, default_value = "Operator")]
        name: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Takes a manufacturer's list of printers and their secrets in, lines of `serial number,64 hex digits`;
    /// prints serial number and label of each, by which a reseller claims it.
    ImportFactory {
        /// The list.
        file: PathBuf,
        /// Writes serial numbers and labels to this new file instead.
        #[arg(long)]
        labels: Option<PathBuf>,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Draws up the statement of every contract with a period that begins in a month that has begun. Drafts are
    /// drawn up anew; what is approved or issued stays.
    Bill {
        /// The month, such as 2026-10.
        #[arg(long, value_name = "MONTH")]
        period: String,
        /// Only the reseller of this name.
        #[arg(long, value_name = "NAME")]
        reseller: Option<String>,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Lets the documents of a reseller go on from a later number: after a restore, those that were issued since the
    /// backup keep theirs.
    Numbering {
        /// The reseller's name, exactly as it is written.
        #[arg(long, value_name = "NAME")]
        reseller: String,
        /// The number of the next document, above every number that went out.
        #[arg(long, value_name = "N")]
        next: i64,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Serves people and agents until stopped.
    Serve(ConfigFile),
}

/// Where the configuration is.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// The configuration file.
    #[arg(long, default_value = "portal.toml")]
    config: PathBuf,
}

impl ConfigFile {
    /// The configuration, with its folder made.
    fn load(&self) -> anyhow::Result<config::File> {
        let file = config::File::load(&self.config)?;
        std::fs::create_dir_all(&file.data).with_context(|| format!("make the folder {}", file.data.display()))?;
        Ok(file)
    }

    fn open(&self) -> anyhow::Result<(config::File, Portal)> {
        let file = self.load()?;
        let surroundings = crate::clock::surroundings();
        let settings = file.settings()?;
        let db = database(&file)?;
        let keys = PortalKeys::load(&file.data.join("portal-keys.json"), &db, &surroundings)?;
        Ok((file, Portal::new(settings, db, keys, surroundings)?))
    }
}

/// The database of a configuration, at this program's schema.
fn database(file: &config::File) -> anyhow::Result<Db> {
    let target = match &file.postgres {
        Some(connection) => Target::Postgres(connection.clone()),
        None => Target::Sqlite(file.data.join("portal.sqlite")),
    };
    Db::open(&target).context("open the database")
}

impl Command {
    /// Whether the command works until it is stopped.
    pub(crate) fn serves(&self) -> bool {
        matches!(self, Command::Serve(_))
    }
}

/// Bytes of a manufacturer's list at most: some hundred thousand printers.
const LIST_BYTES_MAX: u64 = 64 << 20;
/// Bytes of an email address at most.
const EMAIL_MAX: usize = 254;

/// Whether a text can be an email address; whether it is one shows when somebody writes to it.
fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let halves = text.split_once('@');
    let fit = halves.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    fit && text.len() <= EMAIL_MAX && !text.contains(odd)
}

/// Adds an operator and prints the password, once.
fn add_operator(email: &str, name: &str, config: &ConfigFile) -> anyhow::Result<()> {
    if !is_address(email) {
        bail!("{email:?} is no email address: it has one @ with something before and behind it, and no blank");
    }
    let (_, portal) = config.open()?;
    let password = setup::password(&portal);
    setup::person(&portal, Role::Operator, email, name, &password).with_context(|| format!("add {email}"))?;
    println!("operator {email}\npassword {password}\nIt is shown only now.");
    Ok(())
}

/// Takes a manufacturer's list in. What was known already stays as it is, so that doing it twice harms nothing.
fn import_factory(file: &Path, labels: Option<&Path>, config: &ConfigFile) -> anyhow::Result<()> {
    let text = crate::read_text(file, LIST_BYTES_MAX)?;
    let printers = factory::parse(&text).with_context(|| format!("{} is not taken in", file.display()))?;
    let (_, portal) = config.open()?;
    // Before anything is taken in: a file that is there already is somebody's.
    let made = |path: &Path| File::create_new(path).with_context(|| format!("make {}", path.display()));
    let made = labels.map(made).transpose()?;
    let new = setup::import_factory(&portal, printers.clone())?;
    // Beside the labels, which may go to another program.
    eprintln!("{new} printers were taken in, {} were known already", printers.len().saturating_sub(new));
    match made {
        Some(made) => factory::labels(&mut BufWriter::new(made), &printers)?,
        None => factory::labels(&mut std::io::stdout().lock(), &printers)?,
    }
    Ok(())
}

/// Draws up the statements of a month: a line a contract beside the summary, which may go to another program.
fn bill(period: &str, reseller: Option<&str>, config: &ConfigFile) -> anyhow::Result<()> {
    let month = Month::parse(period).context("--period is the month in which the periods begin, such as 2026-10")?;
    let (_, portal) = config.open()?;
    let summary = setup::bill(&portal, month, reseller, &mut |progress| eprintln!("{}", line(progress)))?;
    let Summary { drawn, skipped, failed } = summary;
    println!("{month}: {drawn} drawn up, {skipped} passed over, {failed} failed");
    if failed > 0 {
        let (what, says) = if failed == 1 { ("contract", "it says") } else { ("contracts", "each says") };
        bail!("{failed} {what} failed; {says} why above");
    }
    Ok(())
}

/// Lets the documents of a reseller go on from a later number, and says what it did.
fn numbering(reseller: &str, next: i64, config: &ConfigFile) -> anyhow::Result<()> {
    let (_, portal) = config.open()?;
    let (was, is) = setup::number_from(&portal, reseller, next)?;
    if was == is {
        println!("the next document of {reseller} is {is}, as before");
    } else {
        println!("the next document of {reseller} is {is}; it would have been {was}");
    }
    Ok(())
}

/// What came of a contract, in one line.
fn line(progress: &Progress) -> String {
    let Progress { done, of, reseller, contract, outcome } = progress;
    let words = match outcome {
        Outcome::Drawn { total, currency, is_over: true } => format!("{} {currency}", total.show(*currency)),
        Outcome::Drawn { total, currency, is_over: false } => {
            let total = total.show(*currency);
            format!("{total} {currency}, only a draft: its period is not over; draw it up again afterwards")
        }
        Outcome::Skipped(words) => format!("passed over: {words}"),
        Outcome::Failed(words) => format!("failed: {words}"),
    };
    let line = format!("{reseller}, {done}/{of} {contract}: {words}");
    // The number of a contract is whatever somebody typed.
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Serves people and agents until stopped.
fn serve_both(config: &ConfigFile) -> anyhow::Result<()> {
    let (file, portal) = config.open()?;
    let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("read {}", path.display()));
    let tls = Tls { certificates: read(&file.agents.certificate)?, key: read(&file.agents.key)? };
    if !file.listen.ip().is_loopback() {
        bail!(
            "listen = \"{}\": pages are plain HTTP, so this must be a loopback address behind a TLS proxy",
            file.listen
        );
    }
    let listeners = Listeners::bind(file.listen, file.agents.listen)
        .with_context(|| format!("listen on {} for people and {} for agents", file.listen, file.agents.listen))?;
    tracing::info!(pages = %file.listen, agents = %file.agents.listen, "portal serves");
    Ok(crate::runtime()?.block_on(serve(&portal, listeners, &tls, crate::stopped()))?)
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::DefaultConfig => print!("{}", portal::config::TEMPLATE),
        Command::Migrate(config) => {
            let db = database(&config.load()?)?;
            println!("the {} database is at this program's schema", db.engine());
        }
        Command::User { email, name, config } => add_operator(&email, &name, &config)?,
        Command::ImportFactory { file, labels, config } => import_factory(&file, labels.as_deref(), &config)?,
        Command::Bill { period, reseller, config } => bill(&period, reseller.as_deref(), &config)?,
        Command::Numbering { reseller, next, config } => numbering(&reseller, next, &config)?,
        Command::Serve(config) => serve_both(&config)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Currency, Money};

    #[test]
    fn a_contract_s_outcome_stands_in_one_line() {
        let currency = Currency::parse("EUR").expect("a currency");
        let cases = [
            (Outcome::Drawn { total: Money(43_209), currency, is_over: true }, "Nord, 2/9 C-1 : 432.09 EUR"),
            (
                Outcome::Drawn { total: Money(43_209), currency, is_over: false },
                "Nord, 2/9 C-1 : 432.09 EUR, only a draft: its period is not over; draw it up again afterwards",
            ),
            (Outcome::Skipped("S-0001 stands.".to_owned()), "Nord, 2/9 C-1 : passed over: S-0001 stands."),
            (Outcome::Failed("No.".to_owned()), "Nord, 2/9 C-1 : failed: No."),
        ];
        for (outcome, expected) in cases {
            let (reseller, contract) = ("Nord".to_owned(), "C-1\u{1b}".to_owned());
            let progress = Progress { done: 2, of: 9, reseller, contract, outcome };
            assert_eq!(line(&progress), expected);
        }
    }
}
