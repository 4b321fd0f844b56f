//! What a counter counted over a period, and what of it nobody measured, in words.
//!
//! Deliberately absent: working it out (see [`usage_of`](crate::ledger::edges::usage_of)).

use super::ReadingPoint;
use report::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a counter counted in one segment, between two readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentUsage {
    /// The first reading that counts.
    pub start: ReadingPoint,
    /// The last reading that counts.
    pub end: ReadingPoint,
    /// Their difference, in the meter's base unit.
    pub quantity: i64,
}

/// What a counter did not measure in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmeasured {
    /// There is no reading at or before the period's end.
    NoReading,
    /// There is no reading at or before the start; usage before this first one is not counted.
    BeforeFirst(Instant),
    /// There is no reading between this one and the period's end; usage since then falls to a later period.
    SinceLast(Instant),
    /// The counter broke between these two readings; usage between them is not counted.
    Break {
        /// The last reading before the break.
        from: Instant,
        /// The first reading after it.
        to: Instant,
    },
    /// The last value of a segment is below its first: nothing is counted there.
    Fell(Instant),
    /// The value fell, or rose from that of one interface to that of another or by more than can be, and nobody
    /// has said why yet; usage between the two readings is not counted.
    Pending {
        /// The last value before, base units.
        before: i64,
        /// The first value after, base units.
        after: i64,
        /// When that was read.
        at: Instant,
    },
    /// There is no reading near this edge of the period, as the contract wants one (CL15).
    Missing(Instant),
}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unmeasured::NoReading => write!(f, "was not read by the end of the period: nothing is counted"),
            Unmeasured::BeforeFirst(first) => {
                write!(f, "has no reading by the start of the period: counted from the first reading, {first}")
            }
            Unmeasured::SinceLast(last) => {
                write!(f, "was not read from {last} to the end of the period: usage since then counts in a later one")
            }
            Unmeasured::Break { from, to } => {
                write!(f, "started anew between {from} and {to}: usage between these readings is not counted")
            }
            Unmeasured::Fell(at) => write!(f, "fell without a new segment, seen {at}: nothing is counted there"),
            Unmeasured::Pending { before, after, at } => {
                let what = if after < before { "fell" } else { "jumped" };
                write!(f, "{what}, seen {at}, and nobody has said why yet: usage between these readings is not counted")
            }
            Unmeasured::Missing(edge) => {
                write!(f, "has no reading near {edge}, as the contract wants one: the last one before it stands for it")
            }
        }
    }
}

/// What a counter counted in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterUsage {
    /// The last reading at or before the period's start, else the first one inside.
    pub start: Option<ReadingPoint>,
    /// The last reading at or before the period's end.
    pub end: Option<ReadingPoint>,
    /// The sum over the segments, in the meter's base unit; never negative.
    pub quantity: i64,
    /// Each segment that counts.
    pub segments: Vec<SegmentUsage>,
    /// What was not measured.
    pub unmeasured: Vec<Unmeasured>,
    /// The first time that it was read at or after the period's end, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_after: Option<Instant>,
}

impl CounterUsage {
    /// Whether it was read by both edges of the period, so that it speaks for all of it.
    pub fn covers_period(&self) -> bool {
        let edge = |what: &Unmeasured| {
            matches!(
                what,
                Unmeasured::NoReading | Unmeasured::BeforeFirst(_) | Unmeasured::SinceLast(_) | Unmeasured::Missing(_)
            )
        };
        self.start.is_some() && !self.unmeasured.iter().any(edge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_which_nothing_is_known_is_not_stored() {
        let text = serde_json::to_string(&CounterUsage::default()).expect("it is written");
        assert!(!text.contains("read_after"), "{text}");
        assert_eq!(serde_json::from_str::<CounterUsage>(&text).expect("it reads"), CounterUsage::default());
    }

    #[test]
    fn a_rise_is_not_called_a_fall() {
        for (before, after, word) in [(140, 20, "fell, seen"), (140, 900, "jumped, seen")] {
            let pending = Unmeasured::Pending { before, after, at: Instant(30) };
            assert!(pending.to_string().starts_with(word), "{pending}");
        }
    }
}
