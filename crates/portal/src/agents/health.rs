//! How an agent does, in a word, and the next thing to do about it.
//!
//! Pure: the time is an argument. Deliberately absent: doing it; nothing here reaches an agent.

use super::state::AgentState;
use crate::shell::format;
use crate::shell::page::{Status, Tone};
use report::{Duration, Instant};

/// Without a contact for this long an agent is silent, unless its own interval is longer.
pub(crate) const SILENT: Duration = Duration::hours(24);
/// A version this many minor numbers older than the portal's is near the end of its life.
const MINORS_BEHIND: u64 = 2;

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

impl Standing {
    fn new(tone: Tone, word: impl Into<String>, next: &'static str) -> Standing {
        Standing { status: Status::new(tone, word), next }
    }
}

/// What is known of how an agent does.
#[derive(Debug, Clone)]
pub(crate) struct Vitals {
    /// Its state.
    pub(crate) state: AgentState,
    /// Its version, as it said last.
    pub(crate) version: String,
    /// When it was in contact last, by this portal's clock; its enrolment where it never was.
    pub(crate) contact_at: Instant,
    /// How often it should be in contact, minutes.
    pub(crate) interval_minutes: i64,
    /// Whether a package of it was accepted.
    pub(crate) has_sent: bool,
    /// Whether somebody paused it on its own side.
    pub(crate) paused: bool,
    /// Whether another agent reads in its place.
    pub(crate) stands_by: bool,
    /// Whether it came with keys that were left behind within the last days, as a copy does.
    pub(crate) came_behind: bool,
    /// Whether something waits for approval at the customer's side.
    pub(crate) waits_for_consent: bool,
}

/// How an agent does.
pub(crate) fn standing(vitals: &Vitals, now: Instant) -> Standing {
    const COPIED: &str = "It was copied, or restored from a backup, so that its data is not taken: \
                          look which of the two is right, and enrol that one again.";
    match &vitals.state {
        AgentState::Pending => Standing::new(
            Tone::Info,
            "Not confirmed",
            "Confirm the account's name on the computer or printer where it was enrolled.",
        ),
        AgentState::Active if vitals.came_behind => Standing::new(
            Tone::Bad,
            "Clone suspected",
            "Something with its old keys was here: look whether it was copied, and revoke it if so.",
        ),
        AgentState::Active => at_work(vitals, now),
        AgentState::Suspended => Standing::new(
            Tone::Warn,
            "Suspended",
            "What it sends is kept apart and counts nowhere: let it go on, or revoke it.",
        ),
        AgentState::Forked => Standing::new(Tone::Bad, "Clone suspected", COPIED),
        AgentState::Revoked => Standing::new(Tone::Info, "Revoked", "Nothing to do. Nothing it sends is taken."),
        AgentState::Left => Standing::new(Tone::Info, "Left", "Nothing to do. Its customer took it away."),
        AgentState::Unknown(word) => Standing::new(
            Tone::Bad,
            format!("Not taken: {word}"),
            "Its data is not taken. Enrol a new agent where it should be read again.",
        ),
    }
}

/// How an agent does whose data is taken.
fn at_work(vitals: &Vitals, now: Instant) -> Standing {
    let lateness = Lateness::of(vitals.contact_at, vitals.interval_minutes, now);
    let late = |next: &'static str| Standing { status: lateness.status("", vitals.contact_at, now), next };
    match lateness {
        Lateness::Silent => return late("Look whether its computer is on and can reach this portal."),
        Lateness::Late => return late("Nothing yet: it tries again by itself and loses nothing."),
        Lateness::OnTime => {}
    }
    if vitals.paused {
        return Standing::new(Tone::Warn, "Paused", "Nothing is read: ask its customer to let it go on.");
    }
    if is_near_end(&vitals.version, env!("CARGO_PKG_VERSION")) {
        return Standing::new(
            Tone::Warn,
            "Version near end of life",
            "Ask its customer to install the present version.",
        );
    }
    if vitals.stands_by {
        return Standing::new(Tone::Info, "Standing by", "Nothing to do. It reads when the other one is silent.");
    }
    if !vitals.has_sent {
        return Standing::new(
            Tone::Info,
            "Provisioned",
            "Nothing yet: its first package comes with its first reading.",
        );
    }
    let next = if vitals.waits_for_consent {
        "Something waits for approval at the customer's side."
    } else {
        "Nothing to do."
    };
    Standing::new(Tone::Good, "Running", next)
}

/// Whether the version `agent` is so much older than `portal` that it should be replaced soon. A version that
/// is no version is not judged.
fn is_near_end(agent: &str, portal: &str) -> bool {
    match (major_minor(agent), major_minor(portal)) {
        (Some((major, minor)), Some((newest, present))) if major == newest => {
            minor.saturating_add(MINORS_BEHIND) <= present
        }
        (Some((major, _)), Some((newest, _))) => major < newest,
        _ => false,
    }
}

fn major_minor(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vitals() -> Vitals {
        Vitals {
            state: AgentState::Active,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            contact_at: Instant(0),
            interval_minutes: 180,
            has_sent: true,
            paused: false,
            stands_by: false,
            came_behind: false,
            waits_for_consent: false,
        }
    }

    #[test]
    fn an_agent_is_late_after_two_intervals_and_silent_after_a_day() {
        // Hours since the last contact, interval in minutes, what it is.
        let cases = [
            (0, 180, Lateness::OnTime),
            (6, 180, Lateness::OnTime),
            (7, 180, Lateness::Late),
            (24, 180, Lateness::Late),
            (25, 180, Lateness::Silent),
            // An agent that sends once a day is not silent between two sendings.
            (30, 1440, Lateness::OnTime),
            (49, 1440, Lateness::Silent),
            // The arrival is dated by the portal; a clock set back makes nobody late.
            (-3, 180, Lateness::OnTime),
        ];
        for (hours, interval, expected) in cases {
            let now = Instant(0).plus(Duration::hours(hours));
            assert_eq!(Lateness::of(Instant(0), interval, now), expected, "{hours} h, every {interval} min");
        }
    }

    #[test]
    fn every_state_has_its_word() {
        let of = |state: &str| Vitals { state: AgentState::of(state.to_owned()), ..vitals() };
        let cases = [
            (of("pending"), "Not confirmed"),
            (Vitals { has_sent: false, ..vitals() }, "Provisioned"),
            (vitals(), "Running"),
            (Vitals { waits_for_consent: true, ..vitals() }, "Running"),
            (Vitals { contact_at: Instant(-7 * 3_600_000), ..vitals() }, "Late 7 h"),
            // Silence is worse than anything it said before.
            (Vitals { contact_at: Instant(-25 * 3_600_000), paused: true, ..vitals() }, "Silent 25 h"),
            (Vitals { paused: true, stands_by: true, ..vitals() }, "Paused"),
            (Vitals { stands_by: true, has_sent: false, ..vitals() }, "Standing by"),
            (Vitals { came_behind: true, ..vitals() }, "Clone suspected"),
            (of("forked"), "Clone suspected"),
            (Vitals { came_behind: true, ..of("revoked") }, "Revoked"),
            (of("suspended"), "Suspended"),
            (of("left"), "Left"),
            // A state we do not know is shown and not called running.
            (of("retired"), "Not taken: retired"),
        ];
        for (vitals, word) in cases {
            let shown = standing(&vitals, Instant(0)).status.to_string();
            assert!(shown.contains(word), "{shown} is not {word}");
        }
    }

    #[test]
    fn a_version_two_minor_numbers_behind_is_near_its_end() {
        let cases = [
            ("1.4.0", "1.4.9", false),
            ("1.3.9", "1.4.0", false),
            ("1.2.9", "1.4.0", true),
            ("0.9.0", "1.0.0", true),
            ("2.0.0", "1.4.0", false),
            ("", "1.4.0", false),
            ("next", "1.4.0", false),
        ];
        for (agent, portal, expected) in cases {
            assert_eq!(is_near_end(agent, portal), expected, "{agent} beside {portal}");
        }
    }
}
