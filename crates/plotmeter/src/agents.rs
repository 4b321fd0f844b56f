//! What `plotmeter collector …` and `plotmeter direct …` have in common: the commands that every agent has.
//!
//! Deliberately absent: what only one of them does, such as ranges, approvals and previews; and anything
//! that the portal could call.

use crate::enrol::{Enrolment, compare, host, may_leave};
use crate::logs::{self, Destination};
use crate::supervisor::Supervisor;
use crate::words;
use agent::privacy::{self, Field};
use agent::{
    Check, Collector, CollectorError, Config, Direct, DirectConfig, Enrolling, Farewell, LogConfig, Round, SentPackage,
    Status, Verdict,
};
use anyhow::{Context, bail};
use protocol::receipt::Duty;
use report::Surroundings;
use std::future::Future;
use std::io::Write;
use std::path::Path;

/// An agent, as far as both kinds are alike.
pub(crate) trait Agent: Sized {
    /// Its configuration.
    type Config: Enrolling;
    /// The word of its commands.
    const WORD: &'static str;
    /// The name under which it is announced at the portal, before it is enrolled by six digits.
    const ANNOUNCED_BY: &'static str;

    fn state(config: &Self::Config) -> &Path;
    fn log(config: Self::Config) -> LogConfig;
    /// How often it reads and sends, for a person.
    fn rhythm(config: &Self::Config, interval_minutes: u32) -> String;
    fn open(config: Self::Config, surroundings: Surroundings) -> Result<Self, CollectorError>;
    fn look(config: Self::Config, surroundings: Surroundings) -> Result<Self, CollectorError>;
    async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), CollectorError>;
    async fn once(&self) -> Result<Round, CollectorError>;
    fn status(&self) -> Result<Status, CollectorError>;
    fn show_sent(&self, last: usize) -> Result<Vec<SentPackage>, CollectorError>;
    fn pause(&self, paused: bool) -> Result<(), CollectorError>;
    /// Leaves; gives the proof, and whether the portal was told.
    async fn leave(self) -> Result<(Farewell, bool), CollectorError>;
}

fn rhythm_of_collector(_config: &Config, interval_minutes: u32) -> String {
    format!("reads every {interval_minutes} minutes")
}

fn rhythm_of_direct(config: &DirectConfig, interval_minutes: u32) -> String {
    let looks = config.poll_seconds;
    format!("looks every {looks} seconds, and sends after {interval_minutes} minutes, 19 jobs or 100 pages")
}

/// Both agents have these functions under the same names; the types' own come before the trait's.
macro_rules! agent {
    ($agent:ident, $config:ident, $word:literal, $announced_by:literal, $rhythm:path) => {
        impl Agent for $agent {
            type Config = $config;
            const WORD: &'static str = $word;
            const ANNOUNCED_BY: &'static str = $announced_by;

            fn state(config: &$config) -> &Path {
                &config.state
            }
            fn log(config: $config) -> LogConfig {
                config.log
            }
            fn rhythm(config: &$config, interval_minutes: u32) -> String {
                $rhythm(config, interval_minutes)
            }
            fn open(config: $config, surroundings: Surroundings) -> Result<Self, CollectorError> {
                $agent::open(config, surroundings)
            }
            fn look(config: $config, surroundings: Surroundings) -> Result<Self, CollectorError> {
                $agent::look(config, surroundings)
            }
            async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), CollectorError> {
                $agent::run(self, stop).await
            }
            async fn once(&self) -> Result<Round, CollectorError> {
                $agent::once(self).await
            }
            fn status(&self) -> Result<Status, CollectorError> {
                $agent::status(self)
            }
            fn show_sent(&self, last: usize) -> Result<Vec<SentPackage>, CollectorError> {
                $agent::show_sent(self, last)
            }
            fn pause(&self, paused: bool) -> Result<(), CollectorError> {
                $agent::pause(self, paused)
            }
            async fn leave(self) -> Result<(Farewell, bool), CollectorError> {
                $agent::leave(self).await
            }
        }
    };
}

agent!(Collector, Config, "collector", "the name of this machine", rhythm_of_collector);
agent!(
    Direct,
    DirectConfig,
    "direct",
    "the serial number of the printer; where it cannot be asked now, the name of this machine",
    rhythm_of_direct
);

/// Where an agent's configuration is, as the command line says it.
pub(crate) trait AgentFile: clap::Args {
    /// The agent that it is for.
    type Agent: Agent;

    /// The configuration, with what this system says of itself.
    fn load(&self) -> anyhow::Result<<Self::Agent as Agent>::Config>;

    /// What a person types behind a command so that it means this agent; empty where nothing need be typed.
    fn arguments(&self) -> String;

    /// A text in which each command that it quotes means this agent.
    fn named(&self, text: &str) -> String {
        words::named(text, <Self::Agent as Agent>::WORD, &self.arguments())
    }

    /// An error whose advice means this agent.
    fn advise(&self, error: impl Into<anyhow::Error>) -> anyhow::Error {
        let error = error.into();
        let said = format!("{error:#}");
        let named = self.named(&said);
        if named == said { error } else { anyhow::Error::msg(named) }
    }

    /// The agent, to work; nobody else works on its folder meanwhile.
    fn open(&self) -> anyhow::Result<Self::Agent> {
        let agent = <Self::Agent as Agent>::open(self.load()?, crate::clock::surroundings());
        agent.map_err(|error| self.advise(error))
    }

    /// The agent, to look at it or to leave it a word while it works.
    fn look(&self) -> anyhow::Result<Self::Agent> {
        let agent = <Self::Agent as Agent>::look(self.load()?, crate::clock::surroundings());
        agent.map_err(|error| self.advise(error))
    }

    /// Where the agent's file wants its log.
    fn log(&self) -> anyhow::Result<Destination> {
        Ok(destination(<Self::Agent as Agent>::log(self.load()?)))
    }
}

fn destination(log: LogConfig) -> Destination {
    Destination { level: log.level, file: log.file, keep_days: log.keep_days, system: log.syslog }
}

/// When a pause is noticed by an agent that runs.
const NOTICED: &str = "an agent that is running notices within a minute, or at its next look where looks are rarer";

/// What to do; every agent has these commands.
#[derive(clap::Subcommand)]
pub(crate) enum Shared<F: AgentFile> {
    /// Enrols this agent: with the one-time file, a printer's factory file, or by comparing six digits.
    Enrol {
        #[command(flatten)]
        enrolment: Enrolment,
        #[command(flatten)]
        config: F,
    },
    /// Reads and sends until stopped.
    Run(F),
    /// Shows what is enrolled, what waits and what each printer said last.
    Status(F),
    /// Checks everything that must work, and says what to do where it does not.
    Doctor(F),
    /// Shows what was sent, as it was before it was sealed; without what was tightened here since.
    ShowSent {
        /// How many packages, the last ones.
        #[arg(long, default_value_t = 1)]
        last: usize,
        /// Prints the packages byte for byte, one a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: F,
    },
    /// Stops reading and sending until `resume`; the portal is told that it is paused here.
    Pause(F),
    /// Goes on after `pause`.
    Resume(F),
    /// Ends it for good: tells the portal, deletes keys and spool, prints a proof of what was deleted.
    Leave {
        /// Does not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        config: F,
    },
    /// Gives the pseudonym of a text, with the key that stays here.
    Pseudonym {
        /// The field it stands in: user-name, job-name, account-id, project-id, application-id, user-defined.
        field: String,
        /// The text, such as a person's user name.
        text: String,
        #[command(flatten)]
        config: F,
    },
}

impl<F: AgentFile> Shared<F> {
    /// Whether the command works until it is stopped.
    pub(crate) fn runs(&self) -> bool {
        matches!(self, Shared::Run(_))
    }

    /// Where the log of the command goes; `None` for commands that talk to a person.
    pub(crate) fn log(&self) -> anyhow::Result<Option<Destination>> {
        match self {
            Shared::Run(file) => file.log().map(Some),
            _ => Ok(None),
        }
    }
}

pub(crate) fn run<F: AgentFile>(command: Shared<F>) -> anyhow::Result<()> {
    let out = &mut std::io::stdout();
    let word = <F::Agent as Agent>::WORD;
    match command {
        Shared::Enrol { enrolment, config } => enrol(&enrolment, &config)?,
        Shared::Run(file) => serve(&file, crate::stopped())?,
        Shared::Status(file) => {
            let (config, status) = (file.load()?, file.look()?.status()?);
            words::status(out, &status, &<F::Agent as Agent>::rhythm(&config, status.interval_minutes))?;
        }
        Shared::Doctor(file) => doctor(&file)?,
        Shared::ShowSent { last, json, config } => words::sent(out, &config.look()?.show_sent(last)?, json)?,
        Shared::Pause(file) => {
            file.look()?.pause(true)?;
            let resume = file.named(&format!("`plotmeter {word} resume`"));
            writeln!(out, "paused: nothing is read or sent until {resume}; {NOTICED}")?;
        }
        Shared::Resume(file) => {
            file.look()?.pause(false)?;
            writeln!(out, "it goes on; {NOTICED}")?;
        }
        Shared::Leave { yes, config } => leave(&config, yes)?,
        Shared::Pseudonym { field, text, config } => {
            let config = config.load()?;
            writeln!(out, "{}", pseudonym(&field, &text, <F::Agent as Agent>::state(&config))?)?;
        }
    }
    Ok(())
}

/// Works until `stop` is ready, and tells whoever supervises it.
pub(crate) fn serve(file: &impl AgentFile, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let agent = file.open()?;
    let supervisor = Supervisor::of(&crate::environment());
    let done = crate::runtime()?.block_on(async {
        supervisor.ready();
        agent.run(supervisor.alive_until(stop)).await
    });
    supervisor.stopping();
    Ok(done?)
}

/// One round. Fails when nothing was read though something was to be, or when the portal was not reached, so
/// that a script notices. An agent that is paused or stands by does what it should.
pub(crate) fn once<F: AgentFile>(file: &F) -> anyhow::Result<()> {
    let out = &mut std::io::stdout();
    let agent = file.open()?;
    let started = crate::clock::now();
    let round = crate::runtime()?.block_on(agent.once());
    let status = agent.status()?;
    let round = match round {
        Ok(round) => round,
        Err(error) => {
            // Whatever became of it at the portal: what was read is here.
            words::interrupted(out, &status, started)?;
            return Err(file.advise(error));
        }
    };
    words::round(out, &round, &status)?;
    let rests = status.paused || status.duty != Duty::Read;
    if round.read == 0 && !rests {
        bail!("no printer was read: is one listed in the file, does it answer, does it take part?");
    }
    match &status.trouble {
        Some(trouble) => bail!("not everything was sent: {}", file.named(trouble)),
        None => Ok(()),
    }
}

/// Enrols in one of the three ways.
fn enrol<F: AgentFile>(enrolment: &Enrolment, file: &F) -> anyhow::Result<()> {
    if enrolment.file.is_none() && enrolment.portal.is_none() {
        bail!("name the enrolment file, or the portal with --portal to enrol by six digits");
    }
    let config = file.load()?;
    let host = host(&crate::environment());
    let surroundings = crate::clock::surroundings();
    let (again, word) = (enrolment.again, <F::Agent as Agent>::WORD);
    let enrolled = crate::runtime()?.block_on(async {
        if let Some(invitation) = &enrolment.file {
            let pending = agent::begin(invitation, &config, &host, again, &surroundings).await?;
            let interval_minutes = enrolment.confirm(pending).await?;
            println!("Enrolled. It {}.", <F::Agent as Agent>::rhythm(&config, interval_minutes));
        } else if let Some(portal) = &enrolment.portal {
            println!(
                "Somebody at the portal announces this agent first: on the customer's page they type\n{}.\n\
                 The name of this machine is {host}",
                <F::Agent as Agent>::ANNOUNCED_BY
            );
            let authority = enrolment.authority()?;
            compare(agent::begin_comparison(portal, authority, &config, &host, again, &surroundings).await?).await?;
        }
        anyhow::Ok(())
    });
    enrolled.map_err(|error| file.advise(error))?;
    println!("Start it with {}.", file.named(&format!("`plotmeter {word} run`")));
    Ok(())
}

/// Leaves for good. Fails when the portal could not be told, since somebody has to revoke the agent there.
fn leave<F: AgentFile>(file: &F, yes: bool) -> anyhow::Result<()> {
    let out = &mut std::io::stdout();
    let agent = file.open()?;
    may_leave(&agent.status()?, yes)?;
    let (farewell, told) = crate::runtime()?.block_on(agent.leave())?;
    words::proof(out, &farewell)?;
    if !told {
        bail!(
            "everything here is deleted, but the portal could not be told: let your reseller revoke agent {}",
            farewell.agent
        );
    }
    writeln!(out, "the portal was told")?;
    Ok(())
}

fn doctor<F: AgentFile>(file: &F) -> anyhow::Result<()> {
    let config = file.load()?;
    let mut checks = crate::runtime()?.block_on(agent::doctor(&config, crate::clock::surroundings()));
    checks.push(log_check(&destination(<F::Agent as Agent>::log(config))));
    for check in &mut checks {
        check.found = file.named(&check.found);
        check.action = check.action.take().map(|action| file.named(&action));
    }
    if !words::checks(&mut std::io::stdout().lock(), &checks)? {
        bail!("something needs you; the lines after FAIL say what to do");
    }
    Ok(())
}

/// Whether the log that the configuration asks for can be written.
fn log_check(wanted: &Destination) -> Check {
    let (verdict, found, action) = match logs::check(wanted) {
        Ok(found) => (Verdict::Pass, found, None),
        Err(error) => {
            let action = "make its folder for the agent's user, or name another file in [log]".to_owned();
            (Verdict::Fail, format!("{error:#}; its lines go to standard error"), Some(action))
        }
    };
    Check { name: "log".to_owned(), verdict, found, action }
}

fn pseudonym(field: &str, text: &str, state: &Path) -> anyhow::Result<String> {
    let Some(field) = Field::ALL.into_iter().find(|known| known.word() == field) else {
        let known: Vec<&str> = Field::ALL.iter().map(|field| field.word()).collect();
        bail!("{field} is no field with pseudonyms; there are {}", known.join(", "));
    };
    let key = privacy::key(state).context("read the pseudonym key")?;
    let key = key.context("there is no pseudonym key yet: it is made when a field is first replaced by a pseudonym")?;
    Ok(privacy::pseudonym(&key, field, text))
}
