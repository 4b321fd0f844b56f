//! When a direct agent sends: after three hours, 19 jobs or 100 pages, whichever is first.
//!
//! Pure, and without any state: what is unsent and when it last sent are durable with the caller.
//! Deliberately absent: alerts, which do not wait.

use report::{Duration, Instant};

/// So many jobs are sent at once.
const JOBS: u64 = 19;
/// So many pages are sent at once.
const PAGES: u64 = 100;
/// After this time everything is sent: three hours, less the longest time between two looks at a printer.
const AFTER: Duration = Duration::minutes(175);

/// The triggers of a direct agent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Triggers;

impl Triggers {
    /// Whether to read and send now. `last_sent` is when the portal last took something, or when the
    /// agent first started; one in the future comes from a clock that was set back, and is due.
    pub fn due(now: Instant, last_sent: Instant, unsent_jobs: u64, unsent_pages: u64) -> bool {
        unsent_jobs >= JOBS || unsent_pages >= PAGES || last_sent > now || now.since(last_sent) >= AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::sample::Rng;

    const START: Instant = Instant(1_793_448_000_000);

    #[test]
    fn each_trigger_alone_is_enough() {
        let due = |minutes, jobs, pages| Triggers::due(START.plus(Duration::minutes(minutes)), START, jobs, pages);
        assert!(!due(174, 18, 99));
        assert!(due(175, 0, 0));
        assert!(due(0, 19, 0));
        assert!(due(0, 0, 100));
        assert!(due(-1, 0, 0), "the clock was set back");
    }

    /// What is durable, and what a portal that always answers saw.
    struct Printer {
        last_sent: Instant,
        jobs: u64,
        pages: u64,
    }

    impl Printer {
        fn look(&mut self, now: Instant) {
            if Triggers::due(now, self.last_sent, self.jobs, self.pages) {
                (self.last_sent, self.jobs, self.pages) = (now, 0, 0);
            }
        }
    }

    #[test]
    fn a_thousand_days_with_restarts_never_leave_20_jobs_101_pages_or_three_hours_unsent() {
        let mut rng = Rng::new(12);
        let mut printer = Printer { last_sent: START, jobs: 0, pages: 0 };
        let mut now = START;
        while now < START.plus(Duration::hours(24 * 1000)) {
            // A look at the printer every minute, sometimes a restart that takes up to four.
            let pause = if rng.chance(2_000) { rng.between(60_000, 240_000) } else { 60_000 };
            now = now.plus(Duration(pause));
            if rng.chance(100_000) {
                let pages = u64::try_from(rng.between(1, 100 - i64::try_from(printer.pages).expect("few")));
                (printer.jobs, printer.pages) = (printer.jobs + 1, printer.pages + pages.expect("positive"));
            }
            assert!(printer.jobs < 20 && printer.pages < 101, "{} jobs, {} pages", printer.jobs, printer.pages);
            assert!(now.since(printer.last_sent) <= Duration::hours(3), "nothing was sent for over three hours");
            printer.look(now);
        }
    }
}
