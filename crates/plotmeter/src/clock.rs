//! The one place that reads the machine's clock and its randomness.
#![allow(clippy::disallowed_methods)]

use report::{Entropy, Instant, Surroundings};
use std::sync::Arc;
use std::time::SystemTime;

/// The machine's clock.
pub(crate) fn now() -> Instant {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The operating system's randomness.
pub(crate) fn entropy() -> Entropy {
    Arc::new(|bytes| getrandom::fill(bytes).expect("the operating system gives randomness, or no key is safe"))
}

/// The real world.
pub(crate) fn surroundings() -> Surroundings {
    Surroundings { clock: Arc::new(now), entropy: entropy() }
}

/// A clock that is set by hand while history is made and runs `speed` times as fast afterwards.
#[cfg(feature = "simulator")]
pub(crate) struct DemoClock {
    state: std::sync::Mutex<DemoState>,
    speed: i64,
}

#[cfg(feature = "simulator")]
enum DemoState {
    Set(Instant),
    Running { from: Instant, since: std::time::Instant },
}

#[cfg(feature = "simulator")]
impl DemoClock {
    /// A clock that stands at `at`.
    pub(crate) fn new(at: Instant, speed: i64) -> Arc<DemoClock> {
        Arc::new(DemoClock { state: std::sync::Mutex::new(DemoState::Set(at)), speed })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, DemoState> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Sets the clock.
    pub(crate) fn set(&self, at: Instant) {
        *self.state() = DemoState::Set(at);
    }

    /// Lets it run.
    pub(crate) fn start(&self) {
        let from = self.now();
        *self.state() = DemoState::Running { from, since: std::time::Instant::now() };
    }

    fn now(&self) -> Instant {
        match &*self.state() {
            DemoState::Set(at) => *at,
            DemoState::Running { from, since } => {
                let elapsed = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX / 1000);
                from.plus(report::Duration(elapsed.saturating_mul(self.speed)))
            }
        }
    }

    /// The clock as everybody takes it.
    pub(crate) fn clock(self: &Arc<DemoClock>) -> report::Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// Runs `work` and gives the seconds it took on the wall.
#[cfg(feature = "portal")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = std::time::Instant::now();
    let done = work();
    (done, start.elapsed().as_secs_f64())
}
