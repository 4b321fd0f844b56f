//! The Data Collector: carries out what the engine says.

use crate::ask::{Patience, ask_pinned};
use crate::config::Config;
use crate::engine::{Action, Engine, Event};
use crate::identity::{Identity, IdentityError};
use crate::spool::{ReadFrom, Spool, SpoolError};
use crate::uplink::{Uplink, UplinkError};
use crate::{PrinterStatus, privacy};
use protocol::CONFIRM_PATH;
use protocol::package;
use protocol::receipt::{Answer, Problem, Settings};
use report::{Instant, Surroundings};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tracing::{info, warn};

/// Printers read at the same time. Each has one connection.
const AT_ONCE: usize = 8;
/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(500);
/// Packages sent in one go before the clock is looked at again.
const UPLOADS_MAX: usize = 10_000;

/// The collector cannot work.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// Its identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Another collector works on the same state folder.
    #[error("another collector uses {0} now; `plotmeter collector status` works beside it")]
    Busy(PathBuf),
    /// Its spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The portal.
    #[error(transparent)]
    Uplink(#[from] UplinkError),
    /// The portal refused a package, and proved that it was the portal.
    #[error("the portal refused a package: {}", .0.title)]
    Refused(Box<Problem>),
}

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Printers read.
    pub read: usize,
    /// Printers that could not be read.
    pub failed: usize,
    /// Jobs put into the spool.
    pub jobs: usize,
    /// Packages that the portal keeps now.
    pub sent: usize,
}

/// What `plotmeter collector status` shows.
#[derive(Debug, Clone)]
pub struct Status {
    /// The agent's id.
    pub agent: String,
    /// Whose account the data goes to.
    pub customer: String,
    /// The reseller that sees it.
    pub reseller: String,
    /// The portal's address.
    pub portal: String,
    /// Packages and records that the portal does not have yet.
    pub waiting: u64,
    /// Minutes between readings.
    pub interval_minutes: u32,
    /// The printers, by address.
    pub printers: Vec<PrinterStatus>,
}

/// An enrolled collector.
pub struct Collector {
    config: Config,
    identity: Identity,
    spool: Arc<Mutex<Spool>>,
    uplink: Uplink,
    surroundings: Surroundings,
    /// Held while this collector works, so that no other one reads and sends beside it.
    _lock: Option<std::fs::File>,
}

/// Takes the lock of a state folder. The system releases it however the program ends.
fn lock(state: &Path) -> Result<std::fs::File, CollectorError> {
    let path = state.join("lock");
    let open = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    let file = open.map_err(|source| IdentityError::Io { path, source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(CollectorError::Busy(state.to_owned())),
    }
}

impl Collector {
    /// Opens the collector of a configuration to work. Only one works on a state folder at a time.
    pub fn open(config: Config, surroundings: Surroundings) -> Result<Collector, CollectorError> {
        let mut collector = Collector::look(config, surroundings)?;
        collector._lock = Some(lock(&collector.config.state)?);
        Ok(collector)
    }

    /// Opens the collector of a configuration to look at it, while it may be working elsewhere.
    pub fn look(config: Config, surroundings: Surroundings) -> Result<Collector, CollectorError> {
        let identity = Identity::load(&config.state)?;
        let spool = Arc::new(Mutex::new(Spool::open(&config.state, &identity)?));
        let uplink = Uplink::new(identity.portal(), identity.stored.portal_ca.as_deref())?;
        Ok(Collector { config, identity, spool, uplink, surroundings, _lock: None })
    }

    /// Who this collector is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads every printer once and sends everything.
    pub async fn once(&self) -> Result<Round, CollectorError> {
        let mut round = self.read_printers().await?;
        round.sent = self.send_all().await?;
        Ok(round)
    }

    /// Sends everything that waits; gives how many packages the portal took.
    pub async fn send_all(&self) -> Result<usize, CollectorError> {
        let mut sent = 0;
        while sent < UPLOADS_MAX {
            match self.upload().await? {
                Upload::Sent { more } => {
                    sent += 1;
                    if !more {
                        break;
                    }
                }
                Upload::Nothing => break,
            }
        }
        Ok(sent)
    }

    /// Works until `stop` is ready.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), CollectorError> {
        tokio::pin!(stop);
        let interval = self.spool().settings()?.bounded_interval_minutes();
        let mut engine = Engine::new(self.surroundings.now(), interval, u64::from_le_bytes(self.surroundings.random()));
        info!(agent.id = self.identity.agent(), interval_minutes = interval, "collector works");
        let mut event = Event::Tick;
        loop {
            let now = self.surroundings.now();
            let Some(action) = engine.step(now, event) else {
                event = Event::Tick;
                tokio::select! {
                    () = &mut stop => return Ok(()),
                    () = tokio::time::sleep(TICK) => continue,
                }
            };
            let before = self.spool().settings()?;
            event = tokio::select! {
                // What is under way is either in the spool or will be done again: stopping is always safe.
                () = &mut stop => return Ok(()),
                event = self.carry_out(action) => event?,
            };
            let after = self.spool().settings()?;
            if after != before {
                engine.step(self.surroundings.now(), Event::Interval(after.bounded_interval_minutes()));
            }
        }
    }

    async fn carry_out(&self, action: Action) -> Result<Event, CollectorError> {
        match action {
            Action::ReadPrinters => {
                let round = self.read_printers().await?;
                info!(read = round.read, failed = round.failed, jobs = round.jobs, "printers were read");
                Ok(Event::Read)
            }
            Action::Upload => match self.upload().await {
                Ok(Upload::Sent { more }) => Ok(Event::Uploaded { more }),
                Ok(Upload::Nothing) => Ok(Event::NothingToUpload),
                Err(CollectorError::Spool(error)) => Err(error.into()),
                Err(error) => {
                    warn!(error = %error, "the upload did not succeed; everything is kept");
                    Ok(Event::UploadFailed)
                }
            },
        }
    }

    /// Reads every printer of the configuration, a few at a time.
    async fn read_printers(&self) -> Result<Round, CollectorError> {
        let mut round = Round::default();
        let mut waiting = self.config.printers.iter();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < AT_ONCE {
                let Some(printer) = waiting.next() else { break };
                let address = printer.address.clone();
                let pin = self.spool().pin(&address)?;
                let patience = Patience { pause: Duration::from_millis(self.config.pause_ms), ..Patience::default() };
                let now = self.surroundings.now();
                tasks.spawn(async move {
                    let asked = ask_pinned(&address, pin, now, patience).await;
                    (address, now, asked)
                });
            }
            let Some(done) = tasks.join_next().await else { return Ok(round) };
            let Ok((address, now, asked)) = done else {
                round.failed += 1;
                continue;
            };
            match asked {
                Ok(asked) => {
                    round.jobs += self.keep(&address, asked, now)?;
                    round.read += 1;
                }
                Err(error) => {
                    round.failed += 1;
                    let why = error.to_string();
                    warn!(printer.address = address, why, "a printer was not read");
                    self.spool().failed(&address, &why)?;
                }
            }
        }
    }

    /// Filters what a printer said and puts it into the spool; gives how many jobs are new.
    fn keep(&self, address: &str, mut asked: crate::Asked, now: Instant) -> Result<usize, CollectorError> {
        privacy::filter(&mut asked.report, self.config.personal);
        let mut spool = self.spool();
        let Some(split) = package::records(&asked.report, &asked.defects, asked.grade) else {
            let why =
                "the printer gave neither serial number nor UUID, so that its usage cannot be told from another's";
            warn!(printer.address = address, why, "a printer was not read");
            spool.failed(address, why)?;
            return Ok(0);
        };
        let read = ReadFrom { address, now, fingerprint: asked.fingerprint, defects: asked.defects.len() };
        let appended = spool.append(&split, read, &self.surroundings.entropy)?;
        if appended.too_large > 0 {
            let why =
                format!("{} of its records are larger than a package may be and were left out", appended.too_large);
            warn!(printer.address = address, why, "a printer said too much");
            spool.failed(address, &why)?;
        }
        Ok(appended.jobs)
    }

    /// Sends the oldest package that the portal does not have.
    async fn upload(&self) -> Result<Upload, CollectorError> {
        let Some(mut outgoing) = self.spool().outgoing(&self.identity)? else { return Ok(Upload::Nothing) };
        // A second attempt at most: after confirming a lost enrolment, or with the package the portal waits for.
        for attempt in 0..2 {
            let answer =
                self.uplink.upload(&self.identity, outgoing.sequence, &outgoing.body, &self.surroundings).await?;
            match answer {
                Answer::Accepted { receipt, settings, wanted } => {
                    return self.accepted(&outgoing, &receipt, &settings, &wanted);
                }
                Answer::Refused(problem) if attempt == 0 => match self.remedy(&problem).await? {
                    Remedy::Again => {}
                    Remedy::Package(sequence) => match self.spool().package(sequence)? {
                        Some(earlier) => outgoing = earlier,
                        None => return Err(CollectorError::Refused(Box::new(problem))),
                    },
                    Remedy::None => return Err(CollectorError::Refused(Box::new(problem))),
                },
                Answer::Refused(problem) => return Err(CollectorError::Refused(Box::new(problem))),
                Answer::Enrolled { .. } => return Err(UplinkError::Unproved { status: 200 }.into()),
            }
        }
        Ok(Upload::Nothing)
    }

    fn accepted(
        &self,
        outgoing: &crate::spool::Outgoing,
        receipt: &protocol::receipt::Receipt,
        settings: &Settings,
        wanted: &[protocol::Hex<32>],
    ) -> Result<Upload, CollectorError> {
        let ours = receipt.agent == self.identity.agent()
            && receipt.sequence == outgoing.sequence
            && receipt.digest == package::digest(&outgoing.body)
            && receipt.is_authentic(&self.identity.receipt_key);
        if !ours {
            return Err(UplinkError::Unproved { status: 200 }.into());
        }
        let mut spool = self.spool();
        let more = spool.acknowledge(receipt, wanted, self.surroundings.now())?;
        spool.set_settings(settings)?;
        Ok(Upload::Sent { more })
    }

    /// What an authenticated problem asks for.
    async fn remedy(&self, problem: &Problem) -> Result<Remedy, CollectorError> {
        if let Some(sequence) = problem.expected_sequence {
            return Ok(Remedy::Package(sequence));
        }
        if problem.kind.ends_with("/unconfirmed") {
            let key = format!("{}-enrol", self.identity.agent());
            let answer =
                self.uplink.exchange(&self.identity.keys, CONFIRM_PATH, &key, Vec::new(), &self.surroundings).await?;
            return Ok(if matches!(answer, Answer::Enrolled { .. }) { Remedy::Again } else { Remedy::None });
        }
        Ok(Remedy::None)
    }

    /// Forgets a printer's certificate, so that the next one it shows is trusted. `false` when the address is unknown.
    pub fn trust(&self, address: &str) -> Result<bool, CollectorError> {
        Ok(self.spool().unpin(address)?)
    }

    /// Whether the configuration lists an address.
    fn lists(&self, address: &str) -> bool {
        self.config.printers.iter().any(|printer| printer.address == address)
    }

    /// What is known of this collector and the printers of its configuration.
    pub fn status(&self) -> Result<Status, CollectorError> {
        let spool = self.spool();
        Ok(Status {
            agent: self.identity.agent().to_owned(),
            customer: self.identity.customer().to_owned(),
            reseller: self.identity.reseller().to_owned(),
            portal: self.identity.portal().to_owned(),
            waiting: spool.waiting()?,
            interval_minutes: spool.settings()?.bounded_interval_minutes(),
            printers: spool.printers()?.into_iter().filter(|printer| self.lists(&printer.address)).collect(),
        })
    }
}

enum Upload {
    Sent { more: bool },
    Nothing,
}

enum Remedy {
    Again,
    Package(u64),
    None,
}
