//! One agent's desk: its identity, its spool, and what is to be said to the portal next.
//!
//! No IO but the state folder: the caller carries requests and reads printers. Everything that must
//! outlive a power cut is durable before it is used, and nothing is released on an answer that the
//! portal did not prove. Deliberately absent: sockets, a clock, and when printers are read.

mod answers;
mod farewell;
#[cfg(test)]
mod tests;
mod turn;
mod wire;

pub use farewell::{Farewell, SentPackage};
pub use wire::{Inbound, Outbound, Outcome, Turn, WaitsFor};

use crate::address;
use crate::budget::{self, Budget};
use crate::identity::{Identity, IdentityError, Signer, lock};
use crate::spool::{Appended, PrinterStatus, ReadFrom, Spool, SpoolError, Unsent};
use protocol::Hex;
use protocol::message::{AgentKind, AlertNotice, Beat};
use protocol::package::{Core, Split, Timestamps};
use protocol::receipt::{Duty, Settings};
use report::{Configuration, Duration, Instant, Personal, Surroundings};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The first pause after something went wrong; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::minutes(1);
/// The longest pause, and the pause after a refusal that time alone does not mend.
const PAUSE_MAX: Duration = Duration::hours(1);
/// The longest pause of alerts while the portal is not reached: they do not wait for a back-off.
const ALERTS_PAUSE_MAX: Duration = Duration::minutes(2);
/// The durable value with the last beat.
const BEAT: &str = "beat";
/// How often an agent asks whether somebody has compared the digits: as often as the wire budget allows for the
/// quarter of an hour that a comparison is open.
const COMPARE_EVERY: Duration = Duration::minutes(2);
/// What the spool may take on disk where nothing else is said.
const SPOOL_BYTES: u64 = 1024 * 1024 * 1024;

/// How a desk works.
#[derive(Clone)]
pub struct DeskOptions {
    /// Bytes in any 30 minutes while records older than six hours wait.
    pub catch_up_bytes: u64,
    /// Bytes that the spool may take on disk; then detail gives way to sums.
    pub spool_bytes_max: u64,
    /// What sort of agent works here.
    pub kind: AgentKind,
    /// Holds the evidence key, where the agent itself does not.
    pub signer: Option<Arc<dyn Signer>>,
}

impl Default for DeskOptions {
    fn default() -> DeskOptions {
        DeskOptions {
            catch_up_bytes: budget::CATCH_UP,
            spool_bytes_max: SPOOL_BYTES,
            kind: AgentKind::default(),
            signer: None,
        }
    }
}

/// The desk cannot work.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Its identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The address in its identity is not one an agent may use.
    #[error("{0} is not a portal address: https:// and a host name, port 443 (any port on this machine itself)")]
    Address(String),
    /// Another agent works on the same state folder.
    #[error("another agent uses {0} now; looking at its status works beside it")]
    Busy(PathBuf),
    /// Its spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The evidence key cannot be changed here.
    #[error("the evidence key is held outside of the agent, as in a secure element: change it there and enrol anew")]
    OutsideKey,
    /// A file of the state folder.
    #[error("access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// When something may be tried again after it went wrong.
#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Instant,
    length: Duration,
    /// Whether the portal asked for it, by a proved refusal, and not merely was not there.
    refused: bool,
}

impl Pause {
    const NONE: Pause = Pause { until: Instant(i64::MIN), length: Duration(0), refused: false };

    /// Until when to wait. A clock that was set back does not make the pause longer.
    fn holds(&mut self, now: Instant) -> Option<Instant> {
        self.until = self.until.min(now.plus(self.length));
        (self.until > now).then_some(self.until)
    }

    /// Twice as long as the last time, `most` at most.
    fn longer(&mut self, now: Instant, most: Duration, refused: bool) {
        let length = Duration(self.length.0.saturating_mul(2)).clamp(PAUSE_MIN, most);
        *self = Pause { until: now.plus(length), length, refused };
    }

    /// A pause that the portal asked for.
    fn of(now: Instant, length: Duration) -> Pause {
        Pause { until: now.plus(length), length, refused: true }
    }
}

/// The pauses: alerts, messages and packages do not hold each other up.
#[derive(Debug, Clone, Copy)]
struct Pauses {
    confirmation: Pause,
    alerts: Pause,
    messages: Pause,
    packages: Pause,
}

impl Pauses {
    const NONE: Pauses = Pauses::all(Pause::NONE);

    const fn all(pause: Pause) -> Pauses {
        Pauses { confirmation: pause, alerts: pause, messages: pause, packages: pause }
    }

    /// The portal is there: what waits only because it was not goes on.
    fn reached(&mut self) {
        for pause in [&mut self.confirmation, &mut self.alerts, &mut self.messages, &mut self.packages] {
            if !pause.refused {
                *pause = Pause::NONE;
            }
        }
    }
}

/// One agent's desk.
pub struct Desk {
    state: PathBuf,
    surroundings: Surroundings,
    options: DeskOptions,
    identity: Identity,
    authority: String,
    spool: Spool,
    budget: Budget,
    /// Requests in the current epoch.
    requests: u64,
    /// Whether an answer in the current epoch was proved.
    proved: bool,
    pauses: Pauses,
    /// The portal says that it does not know the enrolment as confirmed.
    unconfirmed: bool,
    /// What the caller last said of itself, also before a restart, and whether it is still to be said.
    beat: Option<Beat>,
    beat_is_due: bool,
    /// Why the last turn that had to wait waits.
    waits_for: WaitsFor,
    /// Whether the chain was put right since a package was last taken.
    chained_anew: bool,
    /// Whether the last evidence key was introduced again since a package was last taken.
    introduced_anew: bool,
    /// Held while this desk works, so that no other one reads and sends beside it.
    _lock: Option<std::fs::File>,
}

impl Desk {
    /// Opens the desk of a state folder to work. Only one works on a folder at a time. A damaged spool is
    /// put aside and what reads of it is taken over: opening never fails for it.
    pub fn open(state: &Path, surroundings: Surroundings, options: DeskOptions) -> Result<Desk, DeskError> {
        let identity = Identity::load_with(state, options.signer.clone())?;
        let identity = identity.of_kind(options.kind, state)?.with_evidence_at_hand(state)?;
        let lock = match lock(state) {
            Err(IdentityError::Busy(state)) => return Err(DeskError::Busy(state)),
            lock => lock?,
        };
        let spool = Spool::open(state, &identity, options.spool_bytes_max, surroundings.clone())?;
        let mut desk = Desk::with(state, surroundings, options, identity, spool)?;
        desk._lock = Some(lock);
        if !desk.identity.stored.spool && desk.identity.has_account() {
            desk.identity.change(&desk.state, |stored| stored.spool = true)?;
        }
        Ok(desk)
    }

    /// Opens the desk of a state folder to look at it, while it may be working elsewhere.
    pub fn look(state: &Path, surroundings: Surroundings, options: DeskOptions) -> Result<Desk, DeskError> {
        let identity = Identity::load_with(state, options.signer.clone())?.of_kind(options.kind, state)?;
        let spool = Spool::look(state, options.spool_bytes_max, surroundings.clone())?;
        Desk::with(state, surroundings, options, identity, spool)
    }

    fn with(
        state: &Path,
        surroundings: Surroundings,
        options: DeskOptions,
        identity: Identity,
        spool: Spool,
    ) -> Result<Desk, DeskError> {
        let portal = identity.portal();
        let authority = address::authority(portal).ok_or_else(|| DeskError::Address(portal.to_owned()))?;
        let budget = spool.value("budget")?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let beat = spool.value(BEAT)?.and_then(|text| serde_json::from_str(&text).ok());
        let requests = spool.value("requests")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(Desk {
            state: state.to_owned(),
            surroundings,
            options,
            authority,
            spool,
            budget,
            requests,
            proved: false,
            pauses: Pauses::NONE,
            unconfirmed: !identity.is_confirmed(),
            beat,
            beat_is_due: false,
            waits_for: WaitsFor::Pause,
            chained_anew: false,
            introduced_anew: false,
            _lock: None,
            identity,
        })
    }

    /// Carries out a step on the spool, with room made and damage mended where that helps.
    fn tended<T>(&mut self, act: impl FnMut(&mut Spool) -> Result<T, SpoolError>) -> Result<T, DeskError> {
        Ok(self.spool.tended(&self.identity, act)?)
    }

    /// Who this agent is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Puts one reading and the jobs not yet seen into the spool, durably. Nothing stops for a full disk:
    /// detail gives way, and where even that does not help, `full` says so.
    pub fn append(&mut self, split: &Split, read: ReadFrom<'_>) -> Result<Appended, DeskError> {
        self.appended(|spool| spool.append(split, read))
    }

    /// Puts the jobs not yet seen into the spool, durably, and leaves the reading for later: an agent that
    /// looks at its printer every minute sends one reading each time it sends.
    pub fn append_jobs(&mut self, split: &Split, read: ReadFrom<'_>) -> Result<Appended, DeskError> {
        self.appended(|spool| spool.append_jobs(split, read))
    }

    fn appended(&mut self, act: impl FnMut(&mut Spool) -> Result<Appended, SpoolError>) -> Result<Appended, DeskError> {
        match self.tended(act) {
            Err(DeskError::Spool(error)) if error.is_full() => {
                tracing::error!("the disk is full and nothing is left to make room: a reading was not kept");
                Ok(Appended { full: true, ..Appended::default() })
            }
            done => done,
        }
    }

    /// Puts the identity of a printer that takes part in no contract into the spool; `false` when the same
    /// was recorded within a day.
    pub fn append_seen(&mut self, configuration: &Configuration, read: ReadFrom<'_>) -> Result<bool, DeskError> {
        self.tended(|spool| spool.append_seen(configuration, read))
    }

    /// Puts a notice of the agent itself into the spool, such as that it started.
    pub fn append_core(&mut self, core: &Core) -> Result<(), DeskError> {
        self.tended(|spool| spool.append_core(core))
    }

    /// Queues an alert for its own lane, durably; each printer, code and start goes once.
    pub fn alert(&mut self, notice: AlertNotice) -> Result<(), DeskError> {
        self.tended(move |spool| spool.queue_alert(&notice)).map(drop)
    }

    /// The mark of the last receipt, for what is read from now on.
    pub fn mark(&self) -> Result<Option<Hex<16>>, DeskError> {
        Ok(self.spool.mark()?)
    }

    /// The portal's settings, as last received.
    pub fn settings(&self) -> Result<Settings, DeskError> {
        Ok(self.spool.settings()?)
    }

    /// Whether to read, as the portal last said. Without a word from it: read.
    pub fn duty(&self) -> Duty {
        self.spool.duty(self.surroundings.now()).unwrap_or_default()
    }

    /// Has the agent say how it does, at the next turn. What the desk knows itself it fills in.
    pub fn ask_beat(&mut self, beat: Beat) {
        self.beat = Some(beat);
        self.beat_is_due = true;
    }

    /// What the caller last said of itself.
    pub(crate) fn last_beat(&self) -> Option<&Beat> {
        self.beat.as_ref()
    }

    /// What the portal does not have yet.
    pub fn unsent(&self) -> Result<Unsent, DeskError> {
        Ok(self.spool.unsent()?)
    }

    /// Why the last [`Turn::Wait`] waits.
    pub fn waits_for(&self) -> WaitsFor {
        self.waits_for
    }

    /// When the portal last took a package, by the agent's clock.
    pub fn last_sent(&self) -> Result<Option<Instant>, DeskError> {
        Ok(self.spool.last_sent()?)
    }

    /// Makes the next evidence key. It is introduced to the portal at the next turn, and signs what is
    /// packed from then on.
    pub fn rotate(&mut self) -> Result<(), DeskError> {
        if self.identity.has_outside_key() {
            return Err(DeskError::OutsideKey);
        }
        if self.identity.stored.rotation.is_some() {
            return Ok(());
        }
        let from = self.spool.next_sequence(self.identity.agent())?;
        let next = crate::identity::EvidenceKey::of_seed(from, self.surroundings.random());
        Ok(self.identity.change(&self.state, |stored| stored.rotation = Some(next))?)
    }

    /// Applies a tighter privacy policy to what waits and what is kept; gives how many records and unsent
    /// packages changed. `tighten` removes what must go from the personal rows of a job.
    pub fn refilter(&mut self, tighten: &dyn Fn(&mut Personal), timestamps: Timestamps) -> Result<u64, DeskError> {
        self.tended(|spool| spool.refilter(tighten, timestamps))
    }

    /// A small durable value of the caller's.
    pub fn value(&self, name: &str) -> Result<Option<String>, DeskError> {
        Ok(self.spool.value(&format!("own.{name}"))?)
    }

    /// Keeps a small value of the caller's durably.
    pub fn set_value(&mut self, name: &str, text: &str) -> Result<(), DeskError> {
        let name = format!("own.{name}");
        self.tended(|spool| spool.set_values(&[(name.as_str(), text.to_owned())]))
    }

    /// The certificate pinned for the printer at an address; makes the printer known.
    pub fn pin(&mut self, address: &str) -> Result<Option<Hex<32>>, DeskError> {
        self.tended(|spool| spool.pin(address))
    }

    /// Forgets a printer's certificate, so that the next one it shows is trusted; `false` when it is unknown.
    pub fn unpin(&mut self, address: &str) -> Result<bool, DeskError> {
        self.tended(|spool| spool.unpin(address))
    }

    /// Forgets a printer that is no longer looked at; `false` when it is unknown. Its records stay.
    pub fn forget(&mut self, address: &str) -> Result<bool, DeskError> {
        self.tended(|spool| spool.forget(address))
    }

    /// Notes that the printer at an address was not read, and why.
    pub fn printer_failed(&mut self, address: &str, why: &str) -> Result<(), DeskError> {
        self.tended(|spool| spool.failed(address, why))
    }

    /// The printers known, by address.
    pub fn printers(&self) -> Result<Vec<PrinterStatus>, DeskError> {
        Ok(self.spool.printers()?)
    }
}

#[cfg(feature = "net")]
impl Desk {
    /// The jobs of a reading that the portal does not have.
    pub(crate) fn unsent_jobs(&self, split: &Split) -> Result<Vec<protocol::package::Draft>, DeskError> {
        Ok(self.spool.unsent_jobs(split)?)
    }

    /// Whether the identity of a printer that takes part in no contract would be sent now.
    pub(crate) fn is_identity_unsent(&self, configuration: &Configuration) -> Result<bool, DeskError> {
        Ok(self.spool.is_identity_unsent(configuration, self.surroundings.now())?)
    }

    /// What is kept of the interfaces that answered at an address.
    pub(crate) fn interfaces(&self, address: &str) -> Result<Option<String>, DeskError> {
        Ok(self.spool.interfaces(address)?)
    }

    /// Keeps which interfaces answered at an address, until the printer there is forgotten.
    pub(crate) fn set_interfaces(&mut self, address: &str, text: &str) -> Result<(), DeskError> {
        self.tended(|spool| spool.set_interfaces(address, text))
    }

    /// Whether somebody let go where the counters of the printer at an address come from.
    pub(crate) fn is_let_go(&self, address: &str) -> Result<bool, DeskError> {
        Ok(self.spool.is_let_go(address)?)
    }

    /// Lets go where the counters of the printer at an address come from; `false` when no printer is known there.
    pub(crate) fn let_go(&mut self, address: &str) -> Result<bool, DeskError> {
        self.tended(|spool| spool.let_go(address))
    }

    /// A reading chose anew where those counters come from.
    pub(crate) fn chose_anew(&mut self, address: &str) -> Result<(), DeskError> {
        self.tended(|spool| spool.chose_anew(address))
    }

    /// What is kept of the sources of all printers' counters.
    pub(crate) fn memories(&mut self) -> Result<Vec<String>, DeskError> {
        self.tended(|spool| spool.memories())
    }

    /// What is kept of the sources of a printer's counters.
    pub(crate) fn memory(&self, printer: &str) -> Result<Option<String>, DeskError> {
        Ok(self.spool.memory(printer)?)
    }

    /// Keeps where a printer's counters come from, and no longer under its `earlier` name.
    pub(crate) fn set_memory(&mut self, printer: &str, text: &str, earlier: Option<&str>) -> Result<(), DeskError> {
        self.tended(|spool| spool.set_memory(printer, text, earlier))
    }
}
