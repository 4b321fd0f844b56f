//! What the collector and the direct agent share: a desk, the way to its portal, and the privacy filter
//! between a printer and the desk. The desk carries nothing itself; the office does it for both agents.
//!
//! Deliberately absent: when anything is done, which each agent decides, and what a request or an answer
//! means, which is the desk's.

mod status;

pub use status::Status;

use crate::config::ConfigError;
use crate::printer::{Asked, Identified, Known, Memories};
use crate::privacy::{self, Policy, Presence};
use crate::set_up::SetUp;
use crate::uplink::{Uplink, UplinkError};
use crate::{Appended, Desk, DeskError, EnrolmentError, Farewell, Outbound, Outcome, ReadFrom, Turn, WaitsFor};
use drivers::misses_jobs;
use protocol::package::{Manner, PrinterIdentity, Split, Timestamps, records};
use protocol::receipt::{Problem, Settings};
use report::{Instant, Surroundings};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing::{info, warn};

/// Requests of one go at most; what is left waits for the next one.
const REQUESTS_MAX: usize = 10_000;
/// The durable value with the host's name, as the enrolment said it.
pub(crate) const HOST: &str = "host";
/// The durable value that says whether the agent is paused.
const PAUSED: &str = "paused";
/// The durable value with the instant of the portal's last proved answer.
const ANSWERED_AT: &str = "answered_at";
/// The durable value with the last failure towards the portal, in words.
const TROUBLE: &str = "trouble";
/// The durable value with the instant at which sending goes on and, on the next line, why not before.
const WAITS: &str = "waits";
/// How often the portal is told that the agent leaves: the first time may say under a number that it has heard already.
const LAST_WORDS: usize = 2;
/// The durable value with the policy that what waits was filtered by.
const POLICY: &str = "policy";

/// The agent cannot work, or the portal does not take what it says.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// A file with secrets that the configuration names.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The enrolment could not be kept.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    /// Its folder: identity, spool, another agent at work.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The portal was not reached.
    #[error(transparent)]
    Uplink(#[from] UplinkError),
    /// The portal refused, and proved that it was the portal. Everything is kept.
    #[error("the portal refused: {}", .0.title)]
    Refused(Box<Problem>),
    /// The portal has other keys for this agent, and proved that it was the portal. Everything is kept.
    #[error(
        "the portal asks for a new enrolment ({}): enrol with --again for the same account, with a new file; \
         everything is kept",
        .0.title
    )]
    NeedsEnrolment(Box<Problem>),
    /// Something answered that has not the portal's keys.
    #[error("what answered could not prove that it is the portal; everything is kept, it will be tried again later")]
    Unproved,
}

/// What one turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// Nothing is to be said.
    Silent,
    /// Nothing may be said before then.
    Wait(Instant),
    /// The portal keeps a package; more wait or not.
    Kept { more: bool },
    /// The portal heard something else; there may be more to say.
    Heard,
}

/// What may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Everything.
    All,
    /// No packages: the agent is paused, or asks what to do.
    Messages,
    /// Only what cannot wait: alerts.
    Urgent,
}

/// A failure towards the portal, for people. What came over the network is cut and has no control characters.
fn words(error: &CollectorError) -> String {
    let text = match error {
        CollectorError::Uplink(error) => format!("the portal could not be reached: {}", error.cause()),
        other => other.to_string(),
    };
    text.chars().take(400).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A desk and its way to the portal.
pub(crate) struct Office {
    desk: Mutex<Desk>,
    uplink: Uplink,
    pub(crate) surroundings: Surroundings,
    privacy: Policy,
    key: Option<[u8; 32]>,
    /// Where each printer's counters come from.
    pub(crate) memories: Memories,
    /// Whether this is the agent that works on the folder, and not somebody who looks.
    pub(crate) works: bool,
}

impl Office {
    /// Opens the office to work; only one works on a state folder at a time.
    pub(crate) fn open(set_up: &SetUp, surroundings: Surroundings) -> Result<Office, CollectorError> {
        let desk = Desk::open(&set_up.state, surroundings.clone(), set_up.options())?;
        let key = if set_up.privacy.needs_key() {
            privacy::key_or_new(&set_up.state, &surroundings).map(Some)
        } else {
            Ok(None)
        };
        let office = Office::new(set_up, desk, key, surroundings, true)?;
        office.apply_policy()?;
        Ok(office)
    }

    /// Opens the office to look at it, while it may be at work elsewhere.
    pub(crate) fn look(set_up: &SetUp, surroundings: Surroundings) -> Result<Office, CollectorError> {
        let desk = Desk::look(&set_up.state, surroundings.clone(), set_up.options())?;
        let key = privacy::key(&set_up.state);
        Office::new(set_up, desk, key, surroundings, false)
    }

    fn new(
        set_up: &SetUp,
        mut desk: Desk,
        key: std::io::Result<Option<[u8; 32]>>,
        surroundings: Surroundings,
        works: bool,
    ) -> Result<Office, CollectorError> {
        let identity = desk.identity();
        let enrolled = identity.stored.portal_ca.as_deref();
        let uplink = Uplink::new(identity.portal(), enrolled, &set_up.portal, &set_up.facts)?;
        let key = key.unwrap_or_else(|error| {
            warn!(error = %error, "the pseudonym key cannot be used; what it stands for is dropped");
            None
        });
        let (privacy, memories) = (set_up.privacy, Memories::parse(&desk.memories()?));
        Ok(Office { desk: Mutex::new(desk), uplink, surroundings, privacy, key, memories, works })
    }

    /// The desk. Never held while something is awaited.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way to the portal.
    pub(crate) fn uplink(&self) -> &Uplink {
        &self.uplink
    }

    /// The portal's settings, as last heard.
    pub(crate) fn settings(&self) -> Result<Settings, CollectorError> {
        Ok(self.desk().settings()?)
    }

    /// A durable value; empty when there is none.
    pub(crate) fn value(&self, name: &str) -> Result<String, CollectorError> {
        Ok(self.desk().value(name)?.unwrap_or_default())
    }

    /// Keeps a durable value.
    pub(crate) fn set_value(&self, name: &str, text: &str) -> Result<(), CollectorError> {
        Ok(self.desk().set_value(name, text)?)
    }

    /// Whether the customer's side paused the agent.
    pub(crate) fn is_paused(&self) -> Result<bool, CollectorError> {
        Ok(self.value(PAUSED)? == "1")
    }

    /// Pauses the agent, or lets it go on.
    pub(crate) fn pause(&self, paused: bool) -> Result<(), CollectorError> {
        self.set_value(PAUSED, if paused { "1" } else { "0" })
    }

    /// The policy in force: the file's, or tighter where the portal asks for it.
    pub(crate) fn policy(&self) -> Result<Policy, CollectorError> {
        let drop = self.settings()?.drop_personal;
        Ok(if drop { self.privacy.without_personal() } else { self.privacy })
    }

    /// Brings what waits down to the policy, where it was filtered by a looser one.
    fn apply_policy(&self) -> Result<(), CollectorError> {
        let policy = self.policy()?;
        // A spool without this value was filled before there was a policy: by any.
        let any = Policy { timestamps: Timestamps::Second, submitted_at: Presence::Keep, ..Policy::keep_all() };
        let earlier: Policy = serde_json::from_str(&self.value(POLICY)?).unwrap_or(any);
        if earlier == policy {
            return Ok(());
        }
        if policy.is_tighter_than(&earlier) {
            let key = self.key.as_ref();
            let tighten = |personal: &mut report::Personal| policy.tighten(&earlier, personal, key);
            let changed = self.desk().refilter(&tighten, policy.timestamps)?;
            info!(records = changed, "what waits was brought down to a tighter privacy policy");
        }
        let text = serde_json::to_string(&policy).unwrap_or_default();
        self.set_value(POLICY, &text)
    }

    /// Says the next thing and hears the answer.
    pub(crate) async fn say(&self, lane: Lane) -> Result<Spoken, CollectorError> {
        let turn = match lane {
            Lane::All => self.desk().turn(),
            Lane::Messages => self.desk().turn_without_packages(),
            Lane::Urgent => self.desk().urgent(),
        };
        let sent = match turn? {
            Turn::Idle => {
                if lane == Lane::All {
                    self.note(WAITS, "")?;
                }
                return Ok(Spoken::Silent);
            }
            Turn::Wait(until) => {
                if lane != Lane::Urgent {
                    self.note_wait(until)?;
                }
                return Ok(Spoken::Wait(until));
            }
            Turn::Send(sent) => sent,
        };
        let said = self.exchange(&sent).await;
        match &said {
            Ok(_) => {
                self.note(TROUBLE, "")?;
                self.note(WAITS, "")?;
            }
            // The agent's own folder fails: nothing can be noted there.
            Err(CollectorError::Desk(_)) => {}
            Err(error) => self.note(TROUBLE, &words(error))?,
        }
        said
    }

    /// Carries a request and takes what comes back.
    async fn exchange(&self, sent: &Outbound) -> Result<Spoken, CollectorError> {
        let answer = match self.uplink.carry(sent).await {
            Ok(answer) => answer,
            Err(error) => {
                let mut desk = self.desk();
                if error.is_before_connection() {
                    desk.unreached(sent)?;
                } else {
                    desk.failed(sent)?;
                }
                drop(desk);
                return Err(error.into());
            }
        };
        let outcome = self.desk().answered(sent, &answer)?;
        if outcome != Outcome::Unproved {
            self.set_value(ANSWERED_AT, &self.surroundings.now().0.to_string())?;
        }
        self.apply_policy()?;
        match outcome {
            Outcome::Kept { more } => Ok(Spoken::Kept { more }),
            Outcome::Nothing | Outcome::Confirmed => Ok(Spoken::Heard),
            Outcome::Refused(problem) => Err(CollectorError::Refused(problem)),
            Outcome::NeedsEnrolment(problem) => Err(CollectorError::NeedsEnrolment(problem)),
            Outcome::Unproved => Err(CollectorError::Unproved),
        }
    }

    /// Keeps a durable value where it changed.
    fn note(&self, name: &str, text: &str) -> Result<(), CollectorError> {
        if self.value(name)? == text { Ok(()) } else { self.set_value(name, text) }
    }

    /// Notes that nothing is said before `until`, and why.
    fn note_wait(&self, until: Instant) -> Result<(), CollectorError> {
        let waits_for = self.desk().waits_for();
        let why = match waits_for {
            WaitsFor::Budget => "the wire budget of 30 minutes leaves no room for more now".to_owned(),
            WaitsFor::Pause => match self.trouble()? {
                Some(trouble) => trouble,
                None => "the portal asked to wait".to_owned(),
            },
        };
        let text = format!("{}\n{why}", until.0);
        if self.value(WAITS)? != text {
            info!(until = %until, why, "sending waits");
            self.set_value(WAITS, &text)?;
        }
        Ok(())
    }

    /// The last failure towards the portal, until it answers without one.
    pub(crate) fn trouble(&self) -> Result<Option<String>, CollectorError> {
        Ok(Some(self.value(TROUBLE)?).filter(|trouble| !trouble.is_empty()))
    }

    /// When the portal last proved an answer.
    pub(crate) fn last_answer(&self) -> Result<Option<Instant>, CollectorError> {
        Ok(self.value(ANSWERED_AT)?.parse().ok().map(Instant))
    }

    /// Why nothing is sent now, and until when where that is known. Nothing where nothing waits to be sent.
    pub(crate) fn waits(&self) -> Result<(Option<Instant>, Option<String>), CollectorError> {
        if self.is_paused()? {
            return Ok((None, Some("paused".to_owned())));
        }
        let unsent = self.desk().unsent()?;
        if unsent.all_records() == 0 {
            return Ok((None, None));
        }
        let noted = self.value(WAITS)?;
        let read = |(until, why): (&str, &str)| Some((Instant(until.parse().ok()?), why.to_owned()));
        match noted.split_once('\n').and_then(read).filter(|(until, _)| *until > self.surroundings.now()) {
            Some((until, why)) => Ok((Some(until), Some(why))),
            None => Ok((None, self.trouble()?)),
        }
    }

    /// The same in one sentence, for what a round came to.
    pub(crate) fn waits_in_words(&self) -> Result<Option<String>, CollectorError> {
        Ok(match self.waits()? {
            (Some(until), Some(why)) => Some(format!("{why}; sending goes on at {until}")),
            (_, why) => why,
        })
    }

    /// Says what there is to say, until nothing is left or nothing more may be said now. Gives how many
    /// packages the portal took.
    pub(crate) async fn say_all(&self, lane: Lane) -> Result<usize, CollectorError> {
        let mut kept = 0;
        for _ in 0..REQUESTS_MAX {
            match self.say(lane).await? {
                Spoken::Silent | Spoken::Wait(_) => break,
                Spoken::Kept { .. } => kept += 1,
                Spoken::Heard => {}
            }
        }
        Ok(kept)
    }

    /// Says a beat and nothing else, for `doctor`: whether the portal hears this agent. What only the agent at
    /// work knows is said as it said it last.
    pub(crate) async fn greet(&self) -> Result<Spoken, CollectorError> {
        let mut beat = self.beat()?;
        {
            let mut desk = self.desk();
            if let Some(last) = desk.last_beat() {
                (beat.addresses, beat.printers, beat.failed) = (last.addresses, last.printers, last.failed);
                (beat.interval_minutes, beat.consents) = (last.interval_minutes, last.consents.clone());
            }
            desk.ask_beat(beat);
        }
        let mut last = Spoken::Silent;
        for _ in 0..4 {
            match self.say(Lane::Messages).await? {
                Spoken::Heard => last = Spoken::Heard,
                said => return Ok(if last == Spoken::Heard { last } else { said }),
            }
        }
        Ok(last)
    }

    /// Filters what a printer said and makes records of it; `None` when it gave no identity.
    pub(crate) fn records(&self, asked: &mut Asked) -> Result<Option<Split>, CollectorError> {
        let policy = self.policy()?;
        privacy::filter(&mut asked.report, &policy, self.key.as_ref());
        privacy::filter_defects(&mut asked.defects, &policy);
        let seen = self.desk().mark()?;
        let manner = Manner { grade: asked.grade, seen, timestamps: policy.timestamps };
        Ok(records(&asked.report, &asked.defects, manner))
    }

    /// What is known of the interfaces at an address.
    pub(crate) fn interfaces(&self, address: &str) -> Result<Known, CollectorError> {
        let desk = self.desk();
        let known = desk.interfaces(address)?.map_or_else(Known::default, |text| Known::parse(&text));
        Ok(known.anew(desk.is_let_go(address)?))
    }

    /// Lets go which interface gives each counter and the jobs of the printer at an address; `false` when no printer
    /// is known there.
    pub(crate) fn let_go(&self, address: &str) -> Result<bool, CollectorError> {
        Ok(self.desk().let_go(address)?)
    }

    /// Keeps which interfaces answered at an address and where the printer's counters come from, where that changed.
    pub(crate) fn keep_interfaces(&self, address: &str, asked: &Asked) -> Result<(), CollectorError> {
        let (known, memory) = (asked.known.to_text(), asked.memory.to_text());
        let printer = asked.memory.identity();
        let mut desk = self.desk();
        if desk.interfaces(address)?.as_deref() != Some(known.as_str()) {
            desk.set_interfaces(address, &known)?;
        }
        let Some(key) = printer.key() else { return Ok(()) };
        if desk.memory(key)?.as_deref() != Some(memory.as_str()) {
            desk.set_memory(key, &memory, printer.uuid().filter(|uuid| *uuid != key))?;
        }
        // Only now: a wish that came while the reading was under way waits for the next one.
        if asked.known.is_anew() {
            desk.chose_anew(address)?;
        }
        Ok(())
    }

    /// Filters what a printer said and keeps it; gives what is new.
    pub(crate) fn keep(&self, address: &str, mut asked: Asked, now: Instant) -> Result<Appended, CollectorError> {
        let Some(split) = self.records(&mut asked)? else {
            let why =
                "the printer gave neither serial number nor UUID, so that its usage cannot be told from another's";
            self.not_read(address, why)?;
            return Ok(Appended::default());
        };
        self.keep_interfaces(address, &asked)?;
        let read = ReadFrom { address, now, fingerprint: asked.fingerprint, defects: asked.defects.len() };
        let appended = self.desk().append(&split, read)?;
        self.note_missed_jobs(address, &asked)?;
        if appended.too_large > 0 {
            let why =
                format!("{} of its records are larger than a package may be and were left out", appended.too_large);
            self.not_read(address, &why)?;
        }
        Ok(appended)
    }

    /// Notes that some of a printer's jobs were not read, until the next reading of it.
    pub(crate) fn note_missed_jobs(&self, address: &str, asked: &Asked) -> Result<(), CollectorError> {
        let missed: Vec<&str> =
            asked.defects.iter().filter(|defect| misses_jobs(defect)).map(|defect| defect.what.as_str()).collect();
        if missed.is_empty() {
            return Ok(());
        }
        let why = format!("not all of its jobs were read: {}", missed.join("; "));
        warn!(printer.address = address, why = why.as_str(), "a printer was not read in full");
        Ok(self.desk().printer_failed(address, &why)?)
    }

    /// Keeps who a printer is that takes no part.
    pub(crate) fn keep_identity(
        &self,
        address: &str,
        identified: &Identified,
        now: Instant,
    ) -> Result<(), CollectorError> {
        if PrinterIdentity::of(&identified.configuration).is_none() {
            return self.not_read(address, "the printer gave neither serial number nor UUID");
        }
        let read = ReadFrom { address, now, fingerprint: identified.fingerprint, defects: 0 };
        self.desk().append_seen(&identified.configuration, read)?;
        Ok(())
    }

    /// Notes why a printer was not read. The address stays here and in the local log.
    pub(crate) fn not_read(&self, address: &str, why: &str) -> Result<(), CollectorError> {
        warn!(printer.address = address, why, "a printer was not read");
        let mut desk = self.desk();
        // Makes the address known, so that the failure has a place.
        desk.pin(address)?;
        Ok(desk.printer_failed(address, why)?)
    }

    /// Leaves for good: tells the portal, where it can be reached, and deletes keys and spool. Gives whether the
    /// portal was told, and proved that it heard it.
    pub(crate) async fn leave(self) -> Result<(Farewell, bool), CollectorError> {
        let mut told = false;
        for _ in 0..LAST_WORDS {
            // Whatever comes of it, the keys go.
            match self.say_last_word().await {
                Ok(Outcome::Confirmed) => told = true,
                Ok(Outcome::Nothing) => continue,
                Ok(Outcome::Refused(problem) | Outcome::NeedsEnrolment(problem)) => {
                    warn!(why = problem.title, "the portal did not take that the agent leaves");
                }
                Ok(Outcome::Unproved | Outcome::Kept { .. }) => warn!("what answered is not the portal"),
                Err(error) => warn!(error = %words(&error), "the portal was not told; revoke the agent there"),
            }
            break;
        }
        let desk = self.desk.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((desk.erase()?, told))
    }

    async fn say_last_word(&self) -> Result<Outcome, CollectorError> {
        let last_word = self.desk().leave()?;
        let answer = self.uplink.carry(&last_word).await?;
        Ok(self.desk().answered(&last_word, &answer)?)
    }
}
