//! The direct agent: one printer, looked at every minute or so.
//!
//! New jobs are kept at once, new severe alerts are said at once; everything is sent after three hours,
//! 19 jobs or 100 pages, whichever is first. Deliberately absent: ranges, since the one printer is
//! named in the agent's own file, and a listening socket.

use crate::audience::{Audience, contact};
use crate::collector::Round;
use crate::config::DirectConfig;
use crate::office::{CollectorError, Lane, Office, Status};
use crate::printer::{Access, AskError, Asked, Contact, Patience, Told};
use crate::set_up::Enrolling;
use crate::{Farewell, Identity, ReadFrom, SentPackage, Triggers, Unsent};
use protocol::limits::INTERVAL_MINUTES_DEFAULT;
use protocol::message::{AlertNotice, Beat};
use protocol::package::{Boot, Core, PrinterIdentity};
use protocol::receipt::Duty;
use report::{Alert, Duration as Span, Instant, Severity, Surroundings};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// The durable value with the number of starts.
const BOOTS: &str = "boots";
/// The durable value with the instant at which everything was last sent.
const SENT_AT: &str = "sent_at";
/// The durable value with the instant of the last reading that was kept.
const READ_AT: &str = "read_at";
/// While what was read cannot be sent, a reading is kept this often.
const READ_EVERY: Span = Span::minutes(175);
/// After a failure, the next try is this much later, doubling up to [`RETRY_MAX`].
const RETRY_MIN: Span = Span::minutes(1);
/// A beat is said at most this often.
const BEAT_EVERY: Span = Span::minutes(30);
/// The longest pause between two tries.
const RETRY_MAX: Span = Span::hours(1);

/// An enrolled direct agent.
pub struct Direct {
    config: DirectConfig,
    /// How the printer may be asked, where it works with the secrets that the file names.
    access: Access,
    office: Office,
    state: Mutex<State>,
}

/// What the agent remembers while it runs.
#[derive(Debug, Default)]
struct State {
    /// Severe alerts that were active at the last look: those are not new.
    severe: BTreeSet<(String, Option<Instant>)>,
    /// The report of this start was not sent yet.
    boot_waits: bool,
    /// When a beat was last asked for.
    beat_at: Option<Instant>,
    /// Whether the last beat that was heard said that the agent is paused.
    paused: Option<bool>,
    /// Nothing is sent before then, after a failure.
    not_before: Option<Instant>,
    /// The pause after the next failure.
    retry: Option<Span>,
    /// The "collect now" that was carried out last.
    collected: u64,
    /// Whether the last look failed.
    failed: bool,
}

impl Direct {
    /// Opens the agent of a configuration to work. Only one works on a state folder at a time.
    pub fn open(config: DirectConfig, surroundings: Surroundings) -> Result<Direct, CollectorError> {
        let access = config.access()?;
        let office = Office::open(&config.set_up(), surroundings)?;
        // What was wished before is no wish of now.
        let state = State { collected: office.settings()?.collect, ..State::default() };
        Ok(Direct { config, access, office, state: Mutex::new(state) })
    }

    /// Opens the agent of a configuration to look at it, while it may be working elsewhere.
    pub fn look(config: DirectConfig, surroundings: Surroundings) -> Result<Direct, CollectorError> {
        let office = Office::look(&config.set_up(), surroundings)?;
        let access = config.interfaces.open_access();
        Ok(Direct { config, access, office, state: Mutex::default() })
    }

    /// Who this agent is.
    pub fn identity(&self) -> Identity {
        self.office.desk().identity().clone()
    }

    fn now(&self) -> Instant {
        self.office.surroundings.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts this start and reports it.
    fn boot(&self) -> Result<(), CollectorError> {
        let number = self.office.value(BOOTS)?.parse::<u64>().unwrap_or(0).saturating_add(1);
        self.office.set_value(BOOTS, &number.to_string())?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let mut desk = self.office.desk();
        let seen = desk.mark()?;
        desk.append_core(&Core::Boot(Boot { at: self.now(), number, version, seen }))?;
        drop(desk);
        self.state().boot_waits = true;
        Ok(())
    }

    /// Looks at the printer and sends what is due, until `stop` is ready.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), CollectorError> {
        tokio::select! {
            // What is under way is either in the spool or will be done again: stopping is always safe.
            () = stop => Ok(()),
            ended = self.work() => ended,
        }
    }

    async fn work(&self) -> Result<(), CollectorError> {
        let identity = self.identity();
        info!(agent.id = identity.agent(), poll_seconds = self.config.poll_seconds, "direct agent works");
        self.boot()?;
        loop {
            let (_round, _sent) = self.look_and_send(false).await?;
            tokio::time::sleep(Duration::from_secs(self.config.poll_seconds)).await;
        }
    }

    /// Looks at the printer once and sends everything that may be sent now.
    pub async fn once(&self) -> Result<Round, CollectorError> {
        let (mut round, sent) = self.look_and_send(true).await?;
        round.sent = sent?;
        round.waits_for = self.office.waits_in_words()?;
        Ok(round)
    }

    /// One look. What went wrong with the portal is given apart: it ends nothing.
    async fn look_and_send(&self, all: bool) -> Result<(Round, Result<usize, CollectorError>), CollectorError> {
        let may = all || self.state().not_before.is_none_or(|at| at <= self.now());
        if self.office.is_paused()? {
            let sent = if may && (all || self.beat_is_due()?) { self.send(Lane::Messages).await } else { Ok(0) };
            return Ok((self.unread("paused"), self.note(sent)?));
        }
        if may && self.office.settings()?.version == 0 {
            // Whether the printer takes part is not known yet.
            let hello = self.send(Lane::Messages).await;
            let _said = self.note(hello)?;
        }
        let reads = self.office.desk().duty() == Duty::Read;
        let round = if reads { self.look_at_printer(all).await? } else { self.unread("stands by") };
        let sent = if !may {
            self.say_urgent().await?;
            return Ok((round, Ok(0)));
        } else if all || self.is_due()? {
            self.send(Lane::All).await
        } else if self.state().paused == Some(true) {
            // It goes on after a pause, and the portal hears that.
            self.send(Lane::Messages).await
        } else {
            self.office.say_all(Lane::Urgent).await
        };
        Ok((round, self.note(sent)?))
    }

    /// A round in which the printer was not asked, and why.
    fn unread(&self, why: &str) -> Round {
        Round { unread: vec![(self.config.printer.clone(), why.to_owned())], ..Round::default() }
    }

    /// Alerts do not wait for the pause after a failure: the desk has a shorter one for them.
    async fn say_urgent(&self) -> Result<(), CollectorError> {
        match self.office.say_all(Lane::Urgent).await {
            Err(CollectorError::Desk(error)) => Err(error.into()),
            // The pause stays as it is: the next try is noted.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Whether everything is to be sent now: by the triggers, after a start, or by a wish of the portal's.
    fn is_due(&self) -> Result<bool, CollectorError> {
        let last_sent = self.office.value(SENT_AT)?.parse().map_or(Instant(0), Instant);
        let Unsent { jobs, pages, .. } = self.office.desk().unsent()?;
        let wished = self.office.settings()?.collect > self.state().collected;
        Ok(wished || self.state().boot_waits || Triggers::due(self.now(), last_sent, jobs, pages))
    }

    /// Says a beat, at most one in half an hour, and everything that the lane allows.
    async fn send(&self, lane: Lane) -> Result<usize, CollectorError> {
        let (now, beat) = (self.now(), self.beat()?);
        let (due, paused) = (self.beat_is_due()?, beat.paused);
        if due {
            self.office.desk().ask_beat(beat);
            self.state().beat_at = Some(now);
        }
        let wish = self.office.settings()?.collect;
        let kept = self.office.say_all(lane).await?;
        if due {
            self.state().paused = Some(paused);
        }
        // The budget may have kept some back: then it stays due.
        let left = self.office.desk().unsent()?;
        if lane == Lane::All && left.records + left.packages == 0 {
            self.office.set_value(SENT_AT, &now.0.to_string())?;
            let mut state = self.state();
            state.boot_waits = false;
            state.collected = state.collected.max(wish);
        }
        Ok(kept)
    }

    /// Whether a beat is said with what is sent: now and then, and when somebody here paused the agent or let it
    /// go on.
    fn beat_is_due(&self) -> Result<bool, CollectorError> {
        let (now, paused) = (self.now(), self.office.is_paused()?);
        let state = self.state();
        let wished = state.paused.is_some_and(|said| said != paused);
        Ok(wished || state.beat_at.is_none_or(|at| at > now || now.since(at) >= BEAT_EVERY))
    }

    /// Notes how sending went. The error of an agent that cannot work at all ends it.
    fn note(&self, sent: Result<usize, CollectorError>) -> Result<Result<usize, CollectorError>, CollectorError> {
        let now = self.now();
        let mut state = self.state();
        match sent {
            Ok(kept) => {
                (state.not_before, state.retry) = (None, None);
                Ok(Ok(kept))
            }
            Err(CollectorError::Desk(error)) => Err(error.into()),
            Err(error) => {
                let pause = state.retry.unwrap_or(RETRY_MIN);
                state.not_before = Some(now.plus(pause));
                state.retry = Some(Span((pause.0 * 2).min(RETRY_MAX.0)));
                warn!(error = %error, "sending did not succeed; everything is kept");
                Ok(Err(error))
            }
        }
    }

    /// Asks the printer; new jobs and alerts are kept, and a reading when one is due.
    async fn look_at_printer(&self, all: bool) -> Result<Round, CollectorError> {
        let address = self.config.printer.as_str();
        let now = self.now();
        let pinned = self.office.desk().pin(address)?;
        let audience = Audience { settings: self.office.settings()?, also_supported: None };
        let interfaces = self.office.interfaces(address)?;
        let asked = Contact {
            address,
            pinned,
            access: &self.access,
            known: &interfaces,
            memories: &self.office.memories,
            first_look: false,
            read_at: now,
            patience: Patience::pausing(self.config.pause_ms),
        };
        let told = contact(asked, &audience).await;
        let mut round = Round::default();
        self.state().failed = told.as_ref().is_err_and(|error| !matches!(error, AskError::Asleep));
        match told {
            Ok(Told::Identity(identified)) => {
                self.office.keep_identity(address, &identified, now)?;
                round = Round { seen: 1, ..self.unread("seen, takes no part") };
            }
            Ok(Told::Report(asked)) => {
                self.say_alerts(&asked, now)?;
                round.jobs = self.keep(*asked, now, all)?;
                round.read = 1;
            }
            Err(error) => {
                let failed = usize::from(!matches!(error, AskError::Asleep));
                round = Round { failed, ..self.unread(&error.to_string()) };
                self.not_read(&error)?;
            }
        }
        Ok(round)
    }

    fn not_read(&self, error: &AskError) -> Result<(), CollectorError> {
        self.office.not_read(&self.config.printer, &error.to_string())
    }

    /// Keeps new jobs; and the reading itself when it is going to be sent.
    fn keep(&self, mut asked: Asked, now: Instant, all: bool) -> Result<usize, CollectorError> {
        let address = self.config.printer.as_str();
        let Some(split) = self.office.records(&mut asked)? else {
            self.office.not_read(address, "the printer gave neither serial number nor UUID")?;
            return Ok(0);
        };
        self.office.keep_interfaces(address, &asked)?;
        let read = ReadFrom { address, now, fingerprint: asked.fingerprint, defects: asked.defects.len() };
        let jobs = self.office.desk().append_jobs(&split, read)?.jobs;
        if (all || self.is_due()?) && self.reading_is_due(now)? {
            self.office.desk().append(&split, read)?;
            self.office.set_value(READ_AT, &now.0.to_string())?;
        }
        self.office.note_missed_jobs(address, &asked)?;
        Ok(jobs)
    }

    /// Whether a reading is kept with what is due: not while one waits that could not be sent yet, except one in
    /// three hours.
    fn reading_is_due(&self, now: Instant) -> Result<bool, CollectorError> {
        let at = |text: String| text.parse().ok().map(Instant);
        let Some(read) = at(self.office.value(READ_AT)?) else { return Ok(true) };
        let was_sent = at(self.office.value(SENT_AT)?).is_some_and(|sent| read <= sent && sent <= now);
        Ok(was_sent || read > now || now.since(read) >= READ_EVERY)
    }

    /// Says the severe alerts that were not active at the last look. The desk says each once.
    fn say_alerts(&self, asked: &Asked, now: Instant) -> Result<(), CollectorError> {
        let Some(printer) = PrinterIdentity::of(&asked.report.configuration) else { return Ok(()) };
        let is_active = |alert: &&Alert| alert.severity == Severity::Severe && alert.cleared_at.is_none();
        let active: Vec<&Alert> = asked.report.alerts.iter().filter(is_active).collect();
        let before = std::mem::take(&mut self.state().severe);
        for alert in &active {
            if !before.contains(&(alert.code.clone(), alert.since)) {
                info!(code = alert.code, "a severe alert is said at once");
                let notice = AlertNotice { printer: printer.clone(), read_at: now, alert: (*alert).clone() };
                self.office.desk().alert(notice)?;
            }
        }
        self.state().severe = active.iter().map(|alert| (alert.code.clone(), alert.since)).collect();
        Ok(())
    }

    /// What the agent says of itself.
    fn beat(&self) -> Result<Beat, CollectorError> {
        let failed = u64::from(self.state().failed);
        // How often it sends at least: its triggers are not the portal's to change.
        let beat = self.office.beat()?;
        Ok(Beat { interval_minutes: INTERVAL_MINUTES_DEFAULT, addresses: 1, printers: 1 - failed, failed, ..beat })
    }

    /// Stops reading and sending packages, or goes on. An agent that runs elsewhere notices at its next look.
    pub fn pause(&self, paused: bool) -> Result<(), CollectorError> {
        self.office.pause(paused)
    }

    /// Forgets the printer's certificate, so that the next one it shows is trusted. `false` when it was never read.
    pub fn trust(&self) -> Result<bool, CollectorError> {
        Ok(self.office.desk().unpin(&self.config.printer)?)
    }

    /// Lets go which interface gives each counter and the jobs of the printer: its next reading chooses anew. Its
    /// certificate stays as it is. `false` when it was never read.
    pub fn let_go_of_interfaces(&self) -> Result<bool, CollectorError> {
        self.office.let_go(&self.config.printer)
    }

    /// The last packages exactly as they were sent, before they were sealed.
    pub fn show_sent(&self, last: usize) -> Result<Vec<SentPackage>, CollectorError> {
        Ok(self.office.desk().sent(last)?)
    }

    /// Leaves for good: tells the portal, where it can be reached, and deletes keys and spool. What waits
    /// is not sent any more. Gives the proof, and whether the portal was told and confirmed it.
    pub async fn leave(self) -> Result<(Farewell, bool), CollectorError> {
        self.office.leave().await
    }

    /// What is known of this agent and its printer.
    pub fn status(&self) -> Result<Status, CollectorError> {
        self.office.status(INTERVAL_MINUTES_DEFAULT, Vec::new(), |address| address == self.config.printer)
    }
}
