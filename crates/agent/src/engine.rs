//! When the collector reads and when it sends: a pure state machine. `step(now, event)` gives the
//! actions; whoever runs it carries them out and reports back with the next event.
//!
//! No event makes two readings follow each other faster than the floor of 30 minutes: neither an
//! interval nor a wish of the portal's, and with [`Engine::after`] no restart either. Deliberately
//! absent: a clock, and what is read or sent.

use protocol::limits::{INTERVAL_MINUTES_MAX, INTERVAL_MINUTES_MIN};
use report::{Duration, Instant};

/// The first pause after a failed upload; it doubles up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::minutes(1);
/// The longest pause after failed uploads.
const RETRY_MAX: Duration = Duration::hours(1);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Time passed.
    Tick,
    /// All printers were read, or tried.
    Read,
    /// No printer was read: the agent is paused, or another one reads.
    Skipped,
    /// The portal keeps a package; more wait or not.
    Uploaded {
        /// Whether the spool holds more.
        more: bool,
    },
    /// Nothing to upload.
    NothingToUpload,
    /// The upload failed or was refused.
    UploadFailed,
    /// Sending may go on then: the wire budget or a pause.
    UploadWaits(Instant),
    /// The portal asks for another interval, in minutes.
    Interval(u32),
    /// The portal asks for a reading now.
    Collect,
    /// Somebody at this machine paused the agent or let it go on: the portal hears it at once.
    Wish,
    /// Some printers were read between two readings of all, because they take part by now.
    ReadSome,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Read all printers.
    ReadPrinters,
    /// Send the oldest package.
    Upload,
}

/// When to do what.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    interval: Duration,
    /// In parts per thousand of the interval, −100 to 100: collectors do not all call at once.
    jitter: i64,
    read_at: Instant,
    /// When all printers were last read.
    last_read: Option<Instant>,
    upload_at: Instant,
    retry: Duration,
    busy: bool,
}

/// The floor between two readings.
pub(crate) const FLOOR: Duration = Duration::minutes(INTERVAL_MINUTES_MIN as i64);

/// An interval of the portal's, within the bounds that an agent holds.
fn bounded(minutes: u32) -> Duration {
    Duration::minutes(i64::from(minutes.clamp(INTERVAL_MINUTES_MIN, INTERVAL_MINUTES_MAX)))
}

impl Engine {
    /// An engine that reads at once. `jitter` is any number; it is folded into ±10 %.
    pub(crate) fn new(now: Instant, interval_minutes: u32, jitter: u64) -> Engine {
        let jitter = i64::try_from(jitter % 201).expect("below 201") - 100;
        Engine {
            interval: bounded(interval_minutes),
            jitter,
            read_at: now,
            last_read: None,
            upload_at: now,
            retry: RETRY_MIN,
            busy: false,
        }
    }

    /// An engine that goes on after a restart: it keeps the floor since the last reading, which the caller
    /// kept durably. One in the future comes from a clock that was set back and counts as now.
    pub(crate) fn after(mut self, last_read: Option<Instant>) -> Engine {
        let now = self.read_at;
        self.last_read = last_read.map(|last| last.min(now));
        self.read_at = self.soonest(now);
        self
    }

    /// The first instant from `now` on that keeps the floor.
    fn soonest(&self, now: Instant) -> Instant {
        self.last_read.map_or(now, |last| now.max(last.min(now).plus(FLOOR)))
    }

    /// Takes an event and gives what to do now. One action is under way at a time.
    pub(crate) fn step(&mut self, now: Instant, event: Event) -> Option<Action> {
        // A clock that was set back must not put off the next reading or upload by more than a wait.
        self.read_at = self.read_at.min(now.plus(self.jittered()));
        self.upload_at = self.upload_at.min(now.plus(self.jittered().max(RETRY_MAX)));
        match event {
            Event::Tick => {}
            Event::Read => {
                self.busy = false;
                self.last_read = Some(now);
                self.read_at = now.plus(self.jittered());
                self.upload_at = self.upload_at.min(now);
            }
            Event::Skipped => {
                self.busy = false;
                self.read_at = now.plus(self.jittered());
                self.upload_at = self.upload_at.min(now);
            }
            Event::Uploaded { more } => {
                self.busy = false;
                self.retry = RETRY_MIN;
                self.upload_at = if more { now } else { self.read_at };
            }
            Event::NothingToUpload => {
                self.busy = false;
                self.upload_at = self.read_at;
            }
            Event::UploadFailed => {
                self.busy = false;
                self.upload_at = now.plus(self.retry);
                self.retry = Duration((self.retry.0 * 2).min(RETRY_MAX.0));
            }
            Event::UploadWaits(until) => {
                self.busy = false;
                self.upload_at = until.max(now.plus(Duration(1000)));
            }
            Event::Interval(minutes) => {
                self.interval = bounded(minutes);
                self.read_at = self.read_at.min(now.plus(self.jittered()));
            }
            Event::ReadSome => {
                self.last_read = Some(now);
                self.read_at = self.soonest(self.read_at.max(now));
            }
            Event::Collect => self.read_at = self.read_at.min(self.soonest(now)),
            Event::Wish => {
                self.read_at = self.read_at.min(self.soonest(now));
                self.upload_at = self.upload_at.min(now);
            }
        }
        self.next(now)
    }

    fn next(&mut self, now: Instant) -> Option<Action> {
        if self.busy {
            return None;
        }
        let action = if self.read_at <= now {
            Action::ReadPrinters
        } else if self.upload_at <= now {
            Action::Upload
        } else {
            return None;
        };
        self.busy = true;
        Some(action)
    }

    /// The interval with jitter, never below the floor.
    fn jittered(&self) -> Duration {
        Duration(self.interval.0 + self.interval.0 / 1000 * self.jitter).max(FLOOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant(1_000_000_000);
    fn minutes(minutes: i64) -> Instant {
        START.plus(Duration::minutes(minutes))
    }

    #[test]
    fn it_reads_first_then_sends_until_the_spool_is_empty() {
        let mut engine = Engine::new(START, 180, 100);
        assert_eq!(engine.step(START, Event::Tick), Some(Action::ReadPrinters));
        assert_eq!(engine.step(START, Event::Tick), None, "a reading is under way");
        assert_eq!(engine.step(minutes(1), Event::Read), Some(Action::Upload));
        assert_eq!(engine.step(minutes(1), Event::Uploaded { more: true }), Some(Action::Upload));
        assert_eq!(engine.step(minutes(1), Event::Uploaded { more: false }), None);
        assert_eq!(engine.step(minutes(180), Event::Tick), None);
        assert_eq!(engine.step(minutes(181), Event::Tick), Some(Action::ReadPrinters));
    }

    #[test]
    fn a_failed_upload_waits_longer_each_time_and_readings_go_on() {
        let mut engine = Engine::new(START, 30, 100);
        engine.step(START, Event::Tick);
        engine.step(START, Event::Read);
        let mut now = START;
        let mut waits = Vec::new();
        let mut readings = 0;
        engine.step(now, Event::UploadFailed);
        let mut failed_at = now;
        while waits.len() < 8 {
            now = now.plus(Duration::minutes(1));
            match engine.step(now, Event::Tick) {
                Some(Action::Upload) => {
                    waits.push(now.since(failed_at).0 / 60_000);
                    failed_at = now;
                    engine.step(now, Event::UploadFailed);
                }
                Some(Action::ReadPrinters) => {
                    readings += 1;
                    if engine.step(now, Event::Read) == Some(Action::Upload) {
                        waits.push(now.since(failed_at).0 / 60_000);
                        failed_at = now;
                        engine.step(now, Event::UploadFailed);
                    }
                }
                None => {}
            }
        }
        assert!(readings >= 2, "{readings} readings");
        assert_eq!(waits[..5], [1, 2, 4, 8, 15], "the reading at minute 30 tries again at once");
    }

    #[test]
    fn a_clock_set_back_by_years_puts_nothing_off() {
        let mut engine = Engine::new(minutes(5_000_000), 30, 100);
        engine.step(minutes(5_000_000), Event::Tick);
        engine.step(minutes(5_000_000), Event::Read);
        engine.step(minutes(5_000_000), Event::NothingToUpload);
        assert_eq!(engine.step(START, Event::Tick), None);
        assert_eq!(engine.step(minutes(30), Event::Tick), Some(Action::ReadPrinters));
    }

    #[test]
    fn the_floor_holds_whatever_jitter_and_interval_say() {
        for jitter in 0..=400 {
            let engine = Engine::new(START, 30, jitter);
            assert!(engine.jittered() >= Duration::minutes(30));
        }
    }

    #[test]
    fn a_thousand_days_of_wild_settings_and_restarts_never_read_within_thirty_minutes() {
        let mut rng = report::sample::Rng::new(4);
        let (mut now, mut last_read, mut readings) = (START, None::<Instant>, 0);
        let mut engine = Engine::new(now, 0, rng.next_u64());
        while now < START.plus(Duration::hours(24 * 1000)) {
            now = now.plus(Duration(rng.between(1, 240_000)));
            if rng.chance(10_000) {
                engine = Engine::new(now, 0, rng.next_u64()).after(last_read);
            }
            let minutes = *rng.pick(&[0, 1, 29, 30, u32::MAX, 180]);
            let event = *rng.pick(&[Event::Tick, Event::Wish, Event::Collect, Event::Interval(minutes)]);
            let mut action = engine.step(now, event);
            while let Some(act) = action {
                let done = match act {
                    Action::ReadPrinters => {
                        let waited = last_read.map_or(Duration::hours(1), |last| now.since(last));
                        assert!(waited >= Duration::minutes(30), "read again after {} ms", waited.0);
                        (last_read, readings) = (Some(now), readings + 1);
                        Event::Read
                    }
                    Action::Upload => {
                        *rng.pick(&[Event::NothingToUpload, Event::UploadFailed, Event::Uploaded { more: false }])
                    }
                };
                action = engine.step(now, done);
            }
        }
        assert!(readings > 1000 * 24, "only {readings} readings");
    }

    #[test]
    fn a_wish_to_collect_is_met_at_once_where_the_floor_allows_it() {
        let mut engine = Engine::new(START, 180, 100);
        engine.step(START, Event::Tick);
        engine.step(START, Event::Read);
        engine.step(START, Event::NothingToUpload);
        assert_eq!(engine.step(minutes(60), Event::Collect), Some(Action::ReadPrinters));
        engine.step(minutes(61), Event::Read);
        engine.step(minutes(61), Event::NothingToUpload);
        assert_eq!(engine.step(minutes(62), Event::Collect), None);
        assert_eq!(engine.step(minutes(91), Event::Tick), Some(Action::ReadPrinters));
    }

    #[test]
    fn a_wish_of_this_machine_s_people_is_said_at_once_and_a_pause_counts_as_no_reading() {
        let mut engine = Engine::new(START, 180, 100);
        engine.step(START, Event::Tick);
        engine.step(START, Event::Read);
        engine.step(START, Event::NothingToUpload);
        assert_eq!(engine.step(minutes(1), Event::Wish), Some(Action::Upload), "paused; it is said");
        assert_eq!(engine.step(minutes(1), Event::NothingToUpload), None);
        assert_eq!(engine.step(minutes(181), Event::Tick), Some(Action::ReadPrinters));
        engine.step(minutes(181), Event::Skipped);
        engine.step(minutes(181), Event::NothingToUpload);
        assert_eq!(engine.step(minutes(182), Event::Wish), Some(Action::ReadPrinters), "it goes on, and reads");
        assert_eq!(engine.step(minutes(183), Event::Read), Some(Action::Upload));
    }

    #[test]
    fn printers_that_were_read_in_between_keep_the_floor_as_well() {
        let mut engine = Engine::new(START, 30, 100);
        engine.step(START, Event::Tick);
        engine.step(START, Event::Read);
        engine.step(minutes(29), Event::ReadSome);
        engine.step(minutes(29), Event::NothingToUpload);
        assert_eq!(engine.step(minutes(58), Event::Collect), None);
        assert_eq!(engine.step(minutes(59), Event::Tick), Some(Action::ReadPrinters));
    }

    #[test]
    fn sending_goes_on_when_the_budget_allows_it() {
        let mut engine = Engine::new(START, 180, 100);
        engine.step(START, Event::Tick);
        assert_eq!(engine.step(START, Event::Read), Some(Action::Upload));
        assert_eq!(engine.step(START, Event::UploadWaits(minutes(12))), None);
        assert_eq!(engine.step(minutes(11), Event::Tick), None);
        assert_eq!(engine.step(minutes(12), Event::Tick), Some(Action::Upload));
    }
}
