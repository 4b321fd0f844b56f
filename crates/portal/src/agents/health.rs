//! How an agent does, in a word, and the next thing to do about it.
//!
//! Pure: the time is an argument. Deliberately absent: doing it; nothing here reaches an agent.

use crate::shell::format;
use crate::shell::page::{Status, Tone};
use report::{Duration, Instant};

/// Without a contact for this long an agent is silent, unless its own interval is longer.
const SILENT: Duration = Duration::hours(24);

/// Whether something that should come once an interval still comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lateness {
    /// Within two intervals.
    OnTime,
    /// More than two intervals ago.
    Late,
    /// More than two intervals and more than a day ago.
    Silent,
}

impl Lateness {
    /// Of what was last heard at `seen` and should come every `interval_minutes`.
    pub(crate) fn of(seen: Instant, interval_minutes: i64, now: Instant) -> Lateness {
        let gone = now.since(seen);
        if gone <= Duration::minutes(interval_minutes.saturating_mul(2).clamp(0, 1_000_000)) {
            Lateness::OnTime
        } else if gone <= SILENT {
            Lateness::Late
        } else {
            Lateness::Silent
        }
    }

    /// As a status; `good` is the word for being on time.
    pub(crate) fn status(self, good: &str, seen: Instant, now: Instant) -> Status {
        let gone = format::span(now.since(seen));
        match self {
            Lateness::OnTime => Status::new(Tone::Good, good),
            Lateness::Late => Status::new(Tone::Warn, format!("Late {gone}")),
            Lateness::Silent => Status::new(Tone::Bad, format!("Silent {gone}")),
        }
    }
}

/// How an agent does.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// In a word, with a shape.
    pub(crate) status: Status,
    /// The next thing to do, as a sentence.
    pub(crate) next: &'static str,
}

/// How the agent does that is in `state` and was last heard at `seen`.
pub(crate) fn standing(state: &str, seen: Instant, interval_minutes: i64, now: Instant) -> Standing {
    match state {
        "pending" => Standing {
            status: Status::new(Tone::Info, "Not confirmed"),
            next: "Confirm the account's name on the computer where the enrolment file was used.",
        },
        "active" => {
            let lateness = Lateness::of(seen, interval_minutes, now);
            let next = match lateness {
                Lateness::OnTime => "Nothing to do.",
                Lateness::Late => "Nothing yet: it tries again by itself and loses nothing.",
                Lateness::Silent => "Look whether its computer is on and can reach this portal.",
            };
            Standing { status: lateness.status("Running", seen, now), next }
        }
        "forked" => Standing {
            status: Status::new(Tone::Bad, "Copied"),
            next: "It was copied, or restored from a backup, so that its data is not taken: \
                   enrol it again with a new file.",
        },
        other => Standing {
            status: Status::new(Tone::Bad, format!("Not taken: {other}")),
            next: "Its data is not taken. Enrol a new agent where it should be read again.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_late_after_two_intervals_and_silent_after_a_day() {
        // Hours since the last accepted package, interval in minutes, what it is.
        let cases = [
            (0, 180, Lateness::OnTime),
            (6, 180, Lateness::OnTime),
            (7, 180, Lateness::Late),
            (24, 180, Lateness::Late),
            (25, 180, Lateness::Silent),
            // An agent that sends once a day is not silent between two sendings.
            (30, 1440, Lateness::OnTime),
            (49, 1440, Lateness::Silent),
            // The package's arrival is dated by the portal; a clock set back makes nobody late.
            (-3, 180, Lateness::OnTime),
        ];
        for (hours, interval, expected) in cases {
            let now = Instant(0).plus(Duration::hours(hours));
            assert_eq!(Lateness::of(Instant(0), interval, now), expected, "{hours} h, every {interval} min");
        }
    }

    #[test]
    fn a_state_we_do_not_know_is_shown_and_not_called_running() {
        let standing = standing("retired", Instant(0), 180, Instant(0));
        assert!(standing.status.to_string().contains("Not taken: retired"));
    }
}
