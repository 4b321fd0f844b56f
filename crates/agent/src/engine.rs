//! When the collector reads and when it sends: a pure state machine. `step(now, event)` gives the
//! actions; whoever runs it carries them out and reports back with the next event.

use protocol::limits::INTERVAL_MINUTES_MIN;
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
    /// The portal keeps a package; more wait or not.
    Uploaded {
        /// Whether the spool holds more.
        more: bool,
    },
    /// Nothing to upload.
    NothingToUpload,
    /// The upload failed or was refused.
    UploadFailed,
    /// The portal asks for another interval, already within the agent's bounds.
    Interval(u32),
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
    upload_at: Instant,
    retry: Duration,
    busy: bool,
}

impl Engine {
    /// An engine that reads at once. `jitter` is any number; it is folded into ±10 %.
    pub(crate) fn new(now: Instant, interval_minutes: u32, jitter: u64) -> Engine {
        let jitter = i64::try_from(jitter % 201).expect("below 201") - 100;
        Engine {
            interval: Duration::minutes(i64::from(interval_minutes)),
            jitter,
            read_at: now,
            upload_at: now,
            retry: RETRY_MIN,
            busy: false,
        }
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
            Event::Interval(minutes) => {
                self.interval = Duration::minutes(i64::from(minutes));
                self.read_at = self.read_at.min(now.plus(self.jittered()));
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
        let floor = Duration::minutes(i64::from(INTERVAL_MINUTES_MIN));
        Duration(self.interval.0 + self.interval.0 / 1000 * self.jitter).max(floor)
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
}
