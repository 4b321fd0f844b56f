//! Why a counter did not go on, as a word.
//!
//! Deliberately absent: who says so, and what is counted across it (see [`Decision`](super::Decision) and
//! [`Break`](super::Break)).

use serde::{Deserialize, Serialize};

/// Why a segment was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentReason {
    /// The counter was seen for the first time.
    Install,
    /// The value fell, and nobody has said why yet.
    Decrease,
    /// A person or a rule said: the counter was reset.
    Reset,
    /// A person or a rule said: the counter passed its highest value.
    Rollover,
    /// A person said: the board or the printer was replaced.
    Swap,
    /// A person or a rule said: new firmware counts otherwise than the old.
    Firmware,
    /// A person said: the printer counts in another unit now.
    UnitChange,
    /// Another interface of the printer gave the counter, and its value does not go on from the one before.
    /// As a decision it is settled once it says what the value counts from.
    Interface,
    /// After a break the value rose by more than can be, or back to where it was. As a decision it is settled
    /// once it says what the value counts from.
    Rise,
    /// A person said: the readings from there on were wrong, until the value was back.
    Misread,
    /// A person said: the readings right before there were wrong, those that were above what it fell to.
    Spike,
}

impl SegmentReason {
    /// Every reason.
    pub const ALL: [SegmentReason; 11] = [
        SegmentReason::Install,
        SegmentReason::Decrease,
        SegmentReason::Reset,
        SegmentReason::Rollover,
        SegmentReason::Swap,
        SegmentReason::Firmware,
        SegmentReason::UnitChange,
        SegmentReason::Interface,
        SegmentReason::Rise,
        SegmentReason::Misread,
        SegmentReason::Spike,
    ];

    /// The reason of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<SegmentReason> {
        SegmentReason::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// The word for pages, SQL and exports.
    pub fn word(self) -> &'static str {
        match self {
            SegmentReason::Install => "install",
            SegmentReason::Decrease => "decrease",
            SegmentReason::Reset => "reset",
            SegmentReason::Rollover => "rollover",
            SegmentReason::Swap => "swap",
            SegmentReason::Firmware => "firmware",
            SegmentReason::UnitChange => "unit-change",
            SegmentReason::Interface => "interface",
            SegmentReason::Rise => "rise",
            SegmentReason::Misread => "misread",
            SegmentReason::Spike => "spike",
        }
    }

    /// Whether a segment opened for it waits for a person or a rule to say what happened.
    pub fn is_pending(self) -> bool {
        matches!(self, SegmentReason::Decrease | SegmentReason::Interface | SegmentReason::Rise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_reasons_read_back() {
        assert!(SegmentReason::ALL.into_iter().all(|reason| SegmentReason::parse(reason.word()) == Some(reason)));
    }
}
