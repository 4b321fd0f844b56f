//! The Data Collector: carries out what the engine says.
//!
//! It reads the printers of its own file and of the ranges within the consent envelope, and says to the
//! portal what the desk has to say. Deliberately absent: a listening socket, and anything that a portal
//! could make it do besides reading more or fewer printers, more or less often.

mod asking;
mod preview;
mod sweeping;

pub use preview::Preview;

use crate::address;
use crate::config::Config;
use crate::engine::{Action, Engine, Event};
use crate::envelope::{Approved, Effective, Waiting, effective};
use crate::office::{CollectorError, Lane, Office, Spoken, Status};
use crate::printer::Access;
use crate::set_up::Enrolling;
use crate::{Farewell, Identity, SentPackage};
use asking::excluded;
use protocol::message::Beat;
use protocol::receipt::{Duty, Participation};
use report::{Instant, Surroundings};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(500);
/// Every so many looks at the clock it is looked at what somebody at this machine wishes.
const WISHES: u32 = 4;

/// The durable value with what the customer's side approved.
const APPROVED: &str = "approved";
/// The durable value with the instant of the last reading.
const READ_AT: &str = "read_at";
/// The durable value that says that the evidence key is to be replaced.
const ROTATE: &str = "rotate";

/// What one round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// Printers read.
    pub read: usize,
    /// Printers that could not be read.
    pub failed: usize,
    /// Supported printers that take no part, of which only the identity was read.
    pub seen: usize,
    /// Hosts that are no supported printer. Nothing else is known of them.
    pub unsupported: usize,
    /// Jobs put into the spool.
    pub jobs: usize,
    /// Packages that the portal keeps now.
    pub sent: usize,
    /// The listed printers that were not read in full, by address, and why.
    pub unread: Vec<(String, String)>,
    /// Why something still waits to be sent, in words; `None` where nothing does.
    pub waits_for: Option<String>,
}

/// What the last round found, for the next beat.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    addresses: usize,
    printers: usize,
    failed: usize,
}

/// An enrolled collector.
pub struct Collector {
    config: Config,
    /// How printers may be asked, where it works with the secrets that the file names.
    access: Arc<Access>,
    office: Office,
    counts: Mutex<Counts>,
    /// When each printer last said everything, since the start, by address.
    told_all: Mutex<BTreeMap<String, Instant>>,
    /// Why known printers were not read in full when they were last asked, by address.
    unread: Mutex<BTreeMap<String, String>>,
}

impl Collector {
    /// Opens the collector of a configuration to work. Only one works on a state folder at a time.
    pub fn open(config: Config, surroundings: Surroundings) -> Result<Collector, CollectorError> {
        let access = config.access()?;
        let office = Office::open(&config.set_up(), surroundings)?;
        Ok(Collector::of(config, access, office))
    }

    /// Opens the collector of a configuration to look at it, while it may be working elsewhere.
    pub fn look(config: Config, surroundings: Surroundings) -> Result<Collector, CollectorError> {
        let office = Office::look(&config.set_up(), surroundings)?;
        let access = config.interfaces.open_access();
        Ok(Collector::of(config, access, office))
    }

    fn of(config: Config, access: Access, office: Office) -> Collector {
        let (counts, told_all, unread) = (Mutex::default(), Mutex::default(), Mutex::default());
        Collector { config, access: Arc::new(access), office, counts, told_all, unread }
    }

    /// Who this collector is.
    pub fn identity(&self) -> Identity {
        self.office.desk().identity().clone()
    }

    fn now(&self) -> Instant {
        self.office.surroundings.now()
    }

    fn approved(&self) -> Result<Approved, CollectorError> {
        Ok(Approved::parse(&self.office.value(APPROVED)?))
    }

    /// What the collector does in effect.
    fn effective(&self) -> Result<Effective, CollectorError> {
        Ok(effective(&self.config, &self.office.settings()?, &self.approved()?))
    }

    /// Reads every printer once and sends everything that may be sent now.
    pub async fn once(&self) -> Result<Round, CollectorError> {
        self.rotate_if_asked()?;
        self.unread().clear();
        let mut round = Round::default();
        if self.office.is_paused()? {
            self.ask_beat()?;
            self.office.say_all(Lane::Messages).await?;
            return self.told(round, Some("paused"));
        }
        self.say_hello_patiently().await?;
        let reads = self.office.desk().duty() == Duty::Read;
        if reads {
            round = self.read_known().await?;
            round.add(self.sweep().await?);
        }
        self.ask_beat()?;
        round.sent = self.send_all().await?;
        let late = self.read_newcomers().await?;
        if late.read > 0 {
            round.add(late);
            round.sent += self.send_all().await?;
        }
        self.told(round, if reads { None } else { Some("stands by") })
    }

    fn unread(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A round with what was not read and what still waits, and why. `idle` is why no printer was asked at all.
    fn told(&self, mut round: Round, idle: Option<&str>) -> Result<Round, CollectorError> {
        let settings = self.office.settings()?;
        let excluded = excluded(&self.config, &settings);
        let unread = self.unread().clone();
        for printer in &self.config.printers {
            let why = match idle {
                Some(idle) => Some(idle.to_owned()),
                None if excluded(&printer.address) => Some("excluded, by the file or at the portal".to_owned()),
                None => unread.get(&printer.address).cloned(),
            };
            round.unread.extend(why.map(|why| (printer.address.clone(), why)));
        }
        round.waits_for = self.office.waits_in_words()?;
        Ok(round)
    }

    /// Sends everything that waits, as far as the budget goes; gives how many packages the portal took.
    async fn send_all(&self) -> Result<usize, CollectorError> {
        self.office.say_all(Lane::All).await
    }

    /// Before the first reading, and when another agent reads: what does the portal ask for?
    async fn say_hello(&self) -> Result<(), CollectorError> {
        let settings = self.office.settings()?;
        let nobody = settings.participation == Participation::default();
        let reads = self.office.desk().duty() == Duty::Read;
        if settings.version > 0 && !nobody && reads {
            return Ok(());
        }
        self.ask_beat()?;
        self.office.say_all(Lane::Messages).await.map(drop)
    }

    /// Works until `stop` is ready.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), CollectorError> {
        // What is under way is either in the spool or will be done again: stopping is always safe.
        tokio::select! {
            () = stop => Ok(()),
            ended = self.work() => ended,
            ended = self.keep_sweeping() => ended,
        }
    }

    async fn work(&self) -> Result<(), CollectorError> {
        let interval = self.effective()?.interval_minutes;
        let jitter = u64::from_le_bytes(self.office.surroundings.random());
        let last_read = self.office.value(READ_AT)?.parse().ok().map(Instant);
        let mut engine = Engine::new(self.now(), interval, jitter).after(last_read);
        let identity = self.identity();
        info!(agent.id = identity.agent(), interval_minutes = interval, "collector works");
        let mut wishes = Wishes { paused: self.office.is_paused()?, ..Wishes::default() };
        let mut event = Event::Tick;
        loop {
            let Some(action) = engine.step(self.now(), event) else {
                tokio::time::sleep(TICK).await;
                event = self.look_at_wishes(&mut wishes)?;
                continue;
            };
            let before = self.office.settings()?;
            event = self.carry_out(action).await?;
            let after = self.office.settings()?;
            // The engine is busy until it hears of the action, so that neither starts another one.
            if after != before {
                // The portal sees soon what is in force now.
                self.ask_beat()?;
                engine.step(self.now(), Event::Interval(self.effective()?.interval_minutes));
            }
            if after.collect > before.collect {
                info!("the portal asks for a reading now");
                engine.step(self.now(), Event::Collect);
            }
            if after.participation != before.participation && self.read_newcomers().await?.read > 0 {
                self.office.set_value(READ_AT, &self.now().0.to_string())?;
                engine.step(self.now(), Event::ReadSome);
                event = Event::Uploaded { more: true };
            }
        }
    }

    /// What somebody at this machine decided meanwhile, or whether the other agent's time is over.
    fn look_at_wishes(&self, wishes: &mut Wishes) -> Result<Event, CollectorError> {
        wishes.ticks += 1;
        if !wishes.ticks.is_multiple_of(WISHES) {
            return Ok(Event::Tick);
        }
        let paused = self.office.is_paused()?;
        let over = match self.office.desk().duty() {
            Duty::StandBy { until, .. } if until < self.now() && wishes.over != Some(until) => Some(until),
            _ => None,
        };
        wishes.over = over.or(wishes.over);
        if paused != wishes.paused {
            info!(paused, "somebody here paused the collector or let it go on");
            wishes.paused = paused;
            self.ask_beat()?;
            return Ok(Event::Wish);
        }
        Ok(if over.is_some() { Event::Collect } else { Event::Tick })
    }

    async fn carry_out(&self, action: Action) -> Result<Event, CollectorError> {
        match action {
            Action::ReadPrinters => {
                self.rotate_if_asked()?;
                let standing_by = self.office.desk().duty() != Duty::Read;
                if standing_by || self.office.settings()?.version == 0 {
                    self.say_hello_patiently().await?;
                }
                let reads = !self.office.is_paused()? && self.office.desk().duty() == Duty::Read;
                if reads {
                    let round = self.read_known().await?;
                    info!(read = round.read, failed = round.failed, jobs = round.jobs, "printers were read");
                    self.office.set_value(READ_AT, &self.now().0.to_string())?;
                }
                self.ask_beat()?;
                Ok(if reads { Event::Read } else { Event::Skipped })
            }
            Action::Upload => {
                let paused = self.office.is_paused()?;
                let said = self.office.say(if paused { Lane::Messages } else { Lane::All }).await;
                event_of(said)
            }
        }
    }

    /// Says hello. A portal that cannot be reached keeps nobody from reading; it is tried again with the
    /// next upload.
    async fn say_hello_patiently(&self) -> Result<(), CollectorError> {
        match self.say_hello().await {
            Err(CollectorError::Desk(error)) => Err(error.into()),
            Err(error) => {
                warn!(error = %error, "the portal was not asked what to read");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn rotate_if_asked(&self) -> Result<(), CollectorError> {
        if self.office.value(ROTATE)? == "1" {
            self.office.desk().rotate()?;
            self.office.set_value(ROTATE, "")?;
        }
        Ok(())
    }

    fn ask_beat(&self) -> Result<(), CollectorError> {
        let beat = self.beat()?;
        self.office.desk().ask_beat(beat);
        Ok(())
    }

    /// What the collector says of itself.
    fn beat(&self) -> Result<Beat, CollectorError> {
        let effective = self.effective()?;
        let counts = *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Beat {
            interval_minutes: effective.interval_minutes,
            addresses: count(counts.addresses),
            printers: count(counts.printers),
            failed: count(counts.failed),
            consents: effective.words(),
            ..self.office.beat()?
        })
    }

    /// Forgets a printer's certificate, so that the next one it shows is trusted. `false` when the address is unknown.
    pub fn trust(&self, address: &str) -> Result<bool, CollectorError> {
        let address = address::known(address).unwrap_or_else(|| address.to_owned());
        Ok(self.office.desk().unpin(&address)?)
    }

    /// Lets go which interface gives each counter and the jobs of a printer: its next reading chooses anew. Its
    /// certificate stays as it is. `false` when the address is unknown.
    pub fn let_go_of_interfaces(&self, address: &str) -> Result<bool, CollectorError> {
        let address = address::known(address).unwrap_or_else(|| address.to_owned());
        self.office.let_go(&address)
    }

    /// What the portal asks for and the customer's side has not allowed, in words.
    pub fn consents(&self) -> Result<Vec<String>, CollectorError> {
        Ok(self.effective()?.words())
    }

    /// Allows what waits; gives it in words. What nobody can approve goes on waiting.
    pub fn approve(&self) -> Result<Vec<String>, CollectorError> {
        let mut waiting = self.effective()?.waiting;
        waiting.retain(Waiting::can_be_approved);
        let mut approved = self.approved()?;
        approved.add(&waiting);
        self.office.set_value(APPROVED, &approved.to_text())?;
        Ok(waiting.into_iter().map(|waiting| waiting.words).collect())
    }

    /// Stops reading and sending packages, or goes on. A collector that runs elsewhere notices within some seconds
    /// and tells the portal then, as far as the wire budget goes.
    pub fn pause(&self, paused: bool) -> Result<(), CollectorError> {
        self.office.pause(paused)
    }

    /// Replaces the evidence key. The portal is told at once where it can be reached, else with the next
    /// contact; a collector that works elsewhere does it at its next round.
    pub async fn rotate(&self) -> Result<(), CollectorError> {
        self.office.set_value(ROTATE, "1")?;
        if !self.office.works {
            return Ok(());
        }
        self.rotate_if_asked()?;
        match self.office.say_all(Lane::Messages).await {
            Err(CollectorError::Uplink(error)) => {
                warn!(error = %error, "the portal hears of the new key with the next contact");
                Ok(())
            }
            said => said.map(drop),
        }
    }

    /// Leaves for good: tells the portal, where it can be reached, and deletes keys and spool. What waits
    /// is not sent any more. Gives the proof, and whether the portal was told and confirmed it.
    pub async fn leave(self) -> Result<(Farewell, bool), CollectorError> {
        self.office.leave().await
    }

    /// The last packages exactly as they were sent, before they were sealed.
    pub fn show_sent(&self, last: usize) -> Result<Vec<SentPackage>, CollectorError> {
        Ok(self.office.desk().sent(last)?)
    }

    /// What is known of this collector and the printers that it looks at.
    pub fn status(&self) -> Result<Status, CollectorError> {
        let effective = self.effective()?;
        let mut looked_at: BTreeSet<String> =
            effective.addresses.iter().flat_map(|address| self.of_address(*address)).collect();
        looked_at.extend(self.config.printers.iter().map(|printer| printer.address.clone()));
        self.office.status(effective.interval_minutes, effective.words(), |address| looked_at.contains(address))
    }
}

/// What was seen of the wishes when they were last looked at.
#[derive(Default)]
struct Wishes {
    ticks: u32,
    paused: bool,
    /// The end of another agent's time that was acted upon.
    over: Option<Instant>,
}

impl Round {
    fn add(&mut self, other: Round) {
        self.read += other.read;
        self.failed += other.failed;
        self.seen += other.seen;
        self.unsupported += other.unsupported;
        self.jobs += other.jobs;
        self.sent += other.sent;
        self.unread.extend(other.unread);
        self.waits_for = other.waits_for.or(self.waits_for.take());
    }
}

/// What the engine hears of an upload.
fn event_of(said: Result<Spoken, CollectorError>) -> Result<Event, CollectorError> {
    match said {
        Ok(Spoken::Kept { more }) => Ok(Event::Uploaded { more }),
        Ok(Spoken::Heard) => Ok(Event::Uploaded { more: true }),
        Ok(Spoken::Silent) => Ok(Event::NothingToUpload),
        Ok(Spoken::Wait(until)) => Ok(Event::UploadWaits(until)),
        Err(CollectorError::Desk(error)) => Err(error.into()),
        Err(error) => {
            warn!(error = %error, "the upload did not succeed; everything is kept");
            Ok(Event::UploadFailed)
        }
    }
}
