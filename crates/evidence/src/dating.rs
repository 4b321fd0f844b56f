//! When a record was made, whatever its agent's clock said: after the last receipt that the agent had seen,
//! and before the record arrived.
//!
//! Deliberately absent: doubt about a time within the bounds, and about a job that finished long before its
//! printer was read, since a printer may have been off.

use protocol::receipt::Receipt;
use report::{Duration, Instant};

/// How far a clock may be off the bounds and still be believed.
const SLACK: Duration = Duration::minutes(10);
/// Times outside 2000 to 2100 belong to no period.
pub(crate) const TIMES: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;
/// Records that are dated by one bound are kept apart within this span, in milliseconds.
const APART: i64 = 60_000;

/// The word of a time that is the agent's own.
const AS_SAID: &str = "";
/// The word of a time that was ahead of the bounds.
const LATE: &str = "late";
/// The word of a time that was behind the bounds.
const EARLY: &str = "early";

/// A receipt that a record names: the agent had it when it made the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When it was given.
    pub given_at: Instant,
    /// The agent that it was given to.
    pub agent: String,
    /// The number of the last record that it is for.
    pub last_record: i64,
}

impl Mark {
    /// The mark of a receipt.
    pub fn of(receipt: &Receipt) -> Mark {
        let last_record = i64::try_from(receipt.last).unwrap_or(i64::MAX);
        Mark { given_at: receipt.accepted_at, agent: receipt.agent.clone(), last_record }
    }
}

/// What is known of when a record was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// When the receipt was given that the agent had seen last; `None` where it names none that is kept.
    pub lower: Option<Instant>,
    /// When the record arrived.
    pub upper: Instant,
    /// Keeps records apart that are dated by the same lower bound, in their order, in milliseconds.
    pub after_lower: Duration,
    /// The same for the upper bound; less than the slack.
    pub after_upper: Duration,
}

/// A time that is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The time.
    pub at: Instant,
    /// Empty, `late` or `early`: how the agent's clock was off.
    pub bounded: &'static str,
}

impl Bounds {
    /// The bounds of record number `record` of `agent`, which arrived at `arrived` and names `mark`.
    pub fn of(agent: &str, arrived: Instant, record: i64, mark: Option<&Mark>) -> Bounds {
        let after_upper = Duration(record.rem_euclid(APART));
        let after_lower = match mark {
            Some(mark) if mark.agent == agent => Duration(record.saturating_sub(mark.last_record).max(0)),
            _ => after_upper,
        };
        Bounds { lower: mark.map(|mark| mark.given_at), upper: arrived, after_lower, after_upper }
    }

    /// When something was read that the agent dates `said`.
    pub fn place(&self, said: Instant) -> Placed {
        if said > self.upper.plus(SLACK) {
            return Placed { at: self.upper.plus(self.after_upper), bounded: LATE };
        }
        match self.lower {
            Some(lower) if said.plus(SLACK) < lower => {
                Placed { at: lower.plus(self.after_lower).min(self.upper), bounded: EARLY }
            }
            None if said.0 < TIMES.start => Placed { at: self.upper.plus(self.after_upper), bounded: EARLY },
            _ => Placed { at: said, bounded: AS_SAID },
        }
    }

    /// When a job finished that its printer dates `said`, read at `read`; and by whom it is dated: `printer`
    /// or `receipt`.
    pub fn date(&self, said: Instant, read: Placed) -> (Instant, &'static str) {
        if !TIMES.contains(&said.0) {
            (read.at, "receipt")
        } else if said > self.upper.plus(SLACK) {
            (self.upper, "receipt")
        } else {
            (said, "printer")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;
    const UPPER: Instant = Instant(1_700_000_000_000);

    fn bounds(lower: Option<Instant>) -> Bounds {
        Bounds { lower, upper: UPPER, after_lower: Duration(3), after_upper: Duration(5) }
    }

    #[test]
    fn a_time_within_the_bounds_is_the_agent_s_own() {
        let lower = Instant(UPPER.0 - DAY);
        for said in [lower.0 - 600_000, lower.0, lower.0 + DAY / 2, UPPER.0, UPPER.0 + 600_000] {
            let placed = bounds(Some(lower)).place(Instant(said));
            assert_eq!(placed, Placed { at: Instant(said), bounded: "" });
        }
    }

    #[test]
    fn a_time_outside_the_bounds_is_the_nearer_bound() {
        let lower = Instant(UPPER.0 - DAY);
        for (said, at, bounded) in [
            (i64::MAX, UPPER.0 + 5, "late"),
            (UPPER.0 + 3_650 * DAY, UPPER.0 + 5, "late"),
            (UPPER.0 + 600_001, UPPER.0 + 5, "late"),
            (lower.0 - 600_001, lower.0 + 3, "early"),
            (0, lower.0 + 3, "early"),
            (i64::MIN, lower.0 + 3, "early"),
        ] {
            assert_eq!(bounds(Some(lower)).place(Instant(said)), Placed { at: Instant(at), bounded }, "{said}");
        }
    }

    #[test]
    fn without_a_lower_bound_only_the_calendar_bounds_the_past() {
        assert_eq!(bounds(None).place(Instant(UPPER.0 - 3_650 * DAY)).bounded, "");
        assert_eq!(bounds(None).place(Instant(0)), Placed { at: Instant(UPPER.0 + 5), bounded: "early" });
    }

    #[test]
    fn a_job_is_never_dated_after_its_arrival_or_outside_the_calendar() {
        let read = Placed { at: Instant(UPPER.0 - DAY), bounded: "" };
        let date = |said: i64| bounds(None).date(Instant(said), read);
        assert_eq!(date(UPPER.0 - 2 * DAY), (Instant(UPPER.0 - 2 * DAY), "printer"));
        assert_eq!(date(UPPER.0 + DAY), (UPPER, "receipt"));
        assert_eq!(date(0), (read.at, "receipt"));
        assert_eq!(date(i64::MAX), (read.at, "receipt"));
    }

    #[test]
    fn records_after_a_receipt_keep_their_order_only_for_the_agent_that_got_it() {
        let mark = Mark { given_at: Instant(7), agent: "a".to_owned(), last_record: 40 };
        let lower = |agent: &str| Bounds::of(agent, UPPER, 60_042, Some(&mark)).after_lower;
        assert_eq!((lower("a"), lower("b")), (Duration(60_002), Duration(42)));
        let none = Bounds::of("a", UPPER, 60_042, None);
        assert_eq!((none.lower, none.after_upper), (None, Duration(42)));
    }
}
