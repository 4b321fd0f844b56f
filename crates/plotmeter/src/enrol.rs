//! Enrolling an agent from the command line: by a file, by a printer's factory file, or by six digits.
//! The account and the privacy in force are shown before anything takes effect.
//!
//! Deliberately absent: secrets on the command line; they come in files or from the handshake.

use crate::words;
use agent::{ComparingOnline, PendingOnline, Status};
use anyhow::bail;
use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

/// Which way, and whose account.
#[derive(clap::Args)]
pub(crate) struct Enrolment {
    /// The one-time file from the portal, or a printer's factory file.
    pub(crate) file: Option<PathBuf>,
    /// Enrols by six digits with somebody at this portal, who announced this agent: https://portal.example.org
    #[arg(long, conflicts_with = "file")]
    pub(crate) portal: Option<String>,
    /// A certificate authority to trust for that portal instead of the public ones, in PEM.
    #[arg(long, requires = "portal")]
    portal_ca: Option<PathBuf>,
    /// Confirms the account without asking; say its name: --confirm "Kessler Architekten".
    #[arg(long, conflicts_with = "portal")]
    confirm: Option<String>,
    /// Enrols anew where an agent is enrolled already, for the same account; keeps what waits to be sent.
    #[arg(long)]
    pub(crate) again: bool,
}

/// Bytes of a certificate authority's file at most.
const AUTHORITY_BYTES_MAX: u64 = 1 << 20;

impl Enrolment {
    /// The authority to trust instead of the public ones, if one is named.
    pub(crate) fn authority(&self) -> anyhow::Result<Option<String>> {
        self.portal_ca.as_ref().map(|path| crate::read_text(path, AUTHORITY_BYTES_MAX)).transpose()
    }

    /// Shows what the portal has proved, asks, and lets the enrolment take effect. Gives the minutes between
    /// readings that the portal asks for.
    pub(crate) async fn confirm(&self, pending: PendingOnline) -> anyhow::Result<u32> {
        let (reseller, customer) = pending.account();
        let (reseller, customer) = (reseller.to_owned(), customer.to_owned());
        let out = &mut std::io::stdout();
        writeln!(
            out,
            "This agent will send usage data of its printers\n  \
             to the account   {customer}\n  of the reseller  {reseller}"
        )?;
        words::policy(out, pending.policy())?;
        let agreed = match self.confirm.as_deref() {
            Some(name) if name != customer => bail!(
                "the account is named {customer:?} and not {name:?}: not enrolled; nothing was kept and nothing took \
                 effect"
            ),
            Some(_) => true,
            None if std::io::stdin().is_terminal() => ask("Is that right? Type yes to go on: ")? == "yes",
            None => bail!("nobody can be asked here: repeat with --confirm {customer:?}"),
        };
        if !agreed {
            bail!("not enrolled; nothing was kept and nothing took effect");
        }
        Ok(pending.confirm().await?.bounded_interval_minutes())
    }
}

/// Shows the digits and the privacy in force, and waits until somebody at the portal has compared them.
pub(crate) async fn compare(comparing: ComparingOnline) -> anyhow::Result<()> {
    let out = &mut std::io::stdout();
    words::policy(out, comparing.policy())?;
    writeln!(out, "\n  {}\n", comparing.digits())?;
    writeln!(
        out,
        "Somebody at the portal types these digits on the customer's page, beside the announcement of\n{}.\n\
         The portal shows none itself: read them out to somebody whom you know.\n\
         If it says that they do not fit, have this agent announced anew and begin again here;\n\
         if they do not fit a second time, something is in between: stop. Waiting …",
        comparing.name()
    )?;
    out.flush()?;
    let (reseller, customer) = comparing.wait().await?;
    writeln!(out, "Enrolled for the account {customer} of the reseller {reseller}.")?;
    Ok(())
}

/// The name of this machine, as the portal will show it.
pub(crate) fn host(environment: &BTreeMap<String, String>) -> String {
    let file = std::fs::read_to_string("/etc/hostname").map(|name| name.trim().to_owned());
    let name = file.ok().filter(|name| !name.is_empty());
    name.or_else(|| environment.get("COMPUTERNAME").cloned()).unwrap_or_else(|| "unnamed".to_owned())
}

/// Asks a person and gives what they typed.
fn ask(question: &str) -> std::io::Result<String> {
    print!("{question}");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// Makes sure that somebody wants an agent to leave for good.
pub(crate) fn may_leave(status: &Status, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: repeat with --yes");
    }
    println!(
        "This deletes the keys of agent {} and everything that it stored here.\n\
         {} that the portal does not have are lost.",
        status.agent,
        words::waiting(status)
    );
    if ask("Type leave to go on: ")? != "leave" {
        bail!("nothing was deleted");
    }
    Ok(())
}
