//! When the printer's agent sends, and one step of it.
//!
//! After three hours, 19 jobs or 100 pages, whichever is first; after a start; when the portal asked to
//! collect now; and severe alerts at once and alone. A step ends when nothing may be sent, and says how
//! long. A printer's own agent reads even where another agent of the site holds the lease: its evidence
//! is the better one, and a job counts once whoever reports it. Deliberately absent: back-off and budget,
//! which the desk holds.

use crate::abi::{PM_LOG_INFO, PM_LOG_WARNING};
use crate::fault::Fault;
use crate::printer::PrinterAgent;
use agent::{Outbound, Outcome, Triggers, Turn};
use protocol::message::{AgentKind, Beat};
use report::{Duration, Instant};

/// When the portal last had everything, in milliseconds since 1970.
const VALUE_SENT: &str = "firmware sent";
/// When the last reading was made; with a word behind it where the printer was only seen.
const VALUE_READ: &str = "firmware read";
const ONLY_SEEN: &str = " seen";
/// The last `collect` of the settings that was followed.
const VALUE_COLLECTED: &str = "firmware collected";
/// Everything is sent after this time at the latest.
const SENT_WITHIN: Duration = Duration::minutes(175);
/// A beat is said at most this often.
const BEAT_EVERY: Duration = Duration::minutes(30);
/// A report that is younger than this is fresh.
const FRESH: Duration = Duration::minutes(1);
/// Exchanges in one step; more wait for the next, so that a step ends.
const EXCHANGES_MAX: usize = 64;
/// A step asks to be called again after this at the latest, and not before the other.
const WAIT_MAX: Duration = Duration::hours(1);
const WAIT_MIN: Duration = Duration(1000);
/// While a report is wanted that nobody gave, a step looks again after this.
const ASK_AGAIN: Duration = Duration::minutes(1);

impl PrinterAgent {
    fn small(&self, name: &str) -> Result<Option<String>, Fault> {
        self.desk_ref()?.value(name).map_err(|error| Fault::storage(&error))
    }

    fn set_small(&mut self, name: &str, text: &str) -> Result<(), Fault> {
        self.desk()?.set_value(name, text).map_err(|error| Fault::storage(&error))
    }

    /// When everything was last sent.
    fn last_sent(&self) -> Result<Option<Instant>, Fault> {
        Ok(self.small(VALUE_SENT)?.and_then(|text| text.parse().ok()).map(Instant))
    }

    /// When the last reading was made, and whether it only said that the printer was seen.
    fn last_reading(&self) -> Result<Option<(Instant, bool)>, Fault> {
        let Some(text) = self.small(VALUE_READ)? else { return Ok(None) };
        let (at, only_seen) = text.strip_suffix(ONLY_SEEN).map_or((text.as_str(), false), |at| (at, true));
        Ok(at.parse().ok().map(|at| (Instant(at), only_seen)))
    }

    /// The interval in force: what the portal asks for, never under half an hour nor over the three hours.
    fn interval(&self) -> Result<Duration, Fault> {
        let settings = self.desk_ref()?.settings().map_err(|error| Fault::storage(&error))?;
        let asked = Duration::minutes(i64::from(settings.bounded_interval_minutes()));
        Ok(asked.min(SENT_WITHIN))
    }

    /// The portal's wish to collect now, where it was not followed yet.
    fn collect_asked(&self) -> Result<Option<u64>, Fault> {
        let asked = self.desk_ref()?.settings().map_err(|error| Fault::storage(&error))?.collect;
        let followed = self.small(VALUE_COLLECTED)?.and_then(|text| text.parse::<u64>().ok());
        Ok(Some(asked).filter(|asked| *asked > followed.unwrap_or(0)))
    }

    /// Whether it is time to send.
    fn due(&self, now: Instant) -> Result<bool, Fault> {
        let Some(sent) = self.last_sent()? else { return Ok(true) };
        let unsent = self.desk_ref()?.unsent().map_err(|error| Fault::storage(&error))?;
        Ok(Triggers::due(now, sent, unsent.jobs, unsent.pages) || now.since(sent) >= self.interval()?)
    }

    /// Whether it is time for a reading, also while the portal is away: after the interval, when the
    /// portal asks for one, and when a printer that was only seen takes part now.
    fn reading_due(&self, now: Instant) -> Result<bool, Fault> {
        let Some((read, only_seen)) = self.last_reading()? else { return Ok(true) };
        let late = read > now || now.since(read) >= self.interval()?;
        Ok(late || self.collect_asked()?.is_some() || (only_seen && self.takes_part()?))
    }

    /// Whether a new report is wanted before the next step.
    pub(crate) fn report_wanted(&self) -> Result<bool, Fault> {
        if self.office.is_none() {
            return Ok(false);
        }
        let now = self.now();
        let fresh = self.snapshot.as_ref().is_some_and(|snapshot| {
            let age = now.since(snapshot.report.read_at);
            !snapshot.used && (Duration::default()..FRESH).contains(&age)
        });
        Ok(!fresh && (self.reading_due(now)? || (!self.sending && self.due(now)?)))
    }

    /// Does what is due. Gives the time until it wants to be called again.
    pub(crate) fn step(&mut self) -> Result<Duration, Fault> {
        (self.setup.stir)()?;
        let now = self.now();
        let begins = !self.sending && self.due(now)?;
        if begins || self.reading_due(now)? {
            self.read(now)?;
        }
        if begins {
            self.sending = true;
        }
        let beat_due = self.beat_at.is_none_or(|at| at > now || now.since(at) >= BEAT_EVERY);
        if self.sending && beat_due {
            let beat = self.beat(now)?;
            self.beat_at = Some(now);
            self.desk()?.ask_beat(beat);
        }
        self.exchange()
    }

    /// Makes the reading that is due, where a new report was given.
    fn read(&mut self, now: Instant) -> Result<(), Fault> {
        let collected = self.collect_asked()?;
        let Some(takes_part) = self.append_reading()? else { return Ok(()) };
        let word = if takes_part { "" } else { ONLY_SEEN };
        self.set_small(VALUE_READ, &format!("{}{word}", now.0))?;
        if let Some(collected) = collected {
            self.set_small(VALUE_COLLECTED, &collected.to_string())?;
        }
        self.sending = true;
        Ok(())
    }

    /// Sends until nothing more may be sent.
    fn exchange(&mut self) -> Result<Duration, Fault> {
        if !self.sending && !self.urgent {
            return self.idle();
        }
        for _ in 0..EXCHANGES_MAX {
            let (sending, desk) = (self.sending, self.desk()?);
            let turn = if sending { desk.turn() } else { desk.urgent() };
            let request = match turn.map_err(|error| Fault::storage(&error))? {
                Turn::Send(request) => request,
                Turn::Wait(until) => return Ok(bounded(until.since(self.now()))),
                Turn::Idle => {
                    if sending {
                        let now = self.now().0.to_string();
                        self.set_small(VALUE_SENT, &now)?;
                    }
                    (self.sending, self.urgent) = (false, false);
                    return self.idle();
                }
            };
            self.one(&request)?;
        }
        Ok(WAIT_MIN)
    }

    /// One exchange.
    fn one(&mut self, request: &Outbound) -> Result<(), Fault> {
        let authority = self.desk_ref()?.identity().portal_ca().map(str::to_owned);
        let answer = self.setup.transport.post(request, authority.as_deref());
        let desk = self.desk()?;
        let Some(answer) = answer else {
            desk.failed(request).map_err(|error| Fault::storage(&error))?;
            self.log(PM_LOG_WARNING, "the portal was not reached; trying again later");
            return Ok(());
        };
        let outcome = desk.answered(request, &answer).map_err(|error| Fault::storage(&error))?;
        // The answer may have brought settings that ask for fewer personal rows.
        self.apply_policy()?;
        match outcome {
            Outcome::Nothing | Outcome::Kept { .. } => self.problem = None,
            Outcome::Confirmed => {
                self.problem = None;
                self.log(PM_LOG_INFO, "the portal confirmed the enrolment");
            }
            Outcome::Refused(problem) => {
                self.log(PM_LOG_WARNING, &format!("the portal refused: {}", problem.title));
                self.problem = Some(problem.title);
            }
            Outcome::NeedsEnrolment(problem) => {
                self.needs_enrolment = true;
                self.log(PM_LOG_WARNING, "the portal has these keys no more: enrol again for the same account");
                self.problem = Some(problem.title);
            }
            Outcome::Unproved => {
                self.log(PM_LOG_WARNING, "what answered could not prove that it is the portal; trying again later");
            }
        }
        Ok(())
    }

    /// How long until something may be due, when nothing happens.
    fn idle(&self) -> Result<Duration, Fault> {
        if self.report_wanted()? {
            return Ok(ASK_AGAIN);
        }
        let now = self.now();
        let sent = self.last_sent()?.unwrap_or(now);
        Ok(bounded(sent.plus(self.interval()?).since(now)))
    }

    /// What the agent says of itself; the desk fills in what it knows better.
    fn beat(&self, now: Instant) -> Result<Beat, Fault> {
        let minutes = self.interval()?.0 / Duration::minutes(1).0;
        Ok(Beat {
            at: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: self.setup.host.clone(),
            kind: AgentKind::Firmware,
            interval_minutes: u32::try_from(minutes).unwrap_or(0),
            addresses: 1,
            printers: 1,
            privacy: self.policy_in_force()?.words(),
            ..Beat::default()
        })
    }

    /// Another evidence key, introduced at the next step.
    pub(crate) fn rotate(&mut self) -> Result<i32, Fault> {
        (self.setup.stir)()?;
        self.desk()?.rotate().map_err(|error| Fault::Refused(crate::fault::chain(&error)))?;
        self.sending = true;
        Ok(crate::abi::PM_OK)
    }
}

fn bounded(wait: Duration) -> Duration {
    wait.clamp(WAIT_MIN, WAIT_MAX)
}
