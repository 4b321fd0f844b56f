//! Who says a reading, which the contract may ask before the reading counts (CL32).
//!
//! Deliberately absent: whether it counts (see `assemble`).

use super::Mark;
use serde::{Deserialize, Serialize};

/// Where a reading comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingSource {
    /// The printer said it.
    #[default]
    Printer,
    /// It lies between two readings of the printer. CL15.
    Interpolated,
    /// A person of the reseller entered it.
    Manual,
    /// The customer entered it.
    Customer,
    /// It was imported when the contract began.
    Opening,
    /// The printer said it, and a person its unit.
    Declared,
}

impl ReadingSource {
    /// Every source.
    pub const ALL: [ReadingSource; 6] = [
        ReadingSource::Printer,
        ReadingSource::Interpolated,
        ReadingSource::Manual,
        ReadingSource::Customer,
        ReadingSource::Opening,
        ReadingSource::Declared,
    ];

    /// The word for SQL and exports.
    pub fn word(self) -> &'static str {
        match self {
            ReadingSource::Printer => "printer",
            ReadingSource::Interpolated => "interpolated",
            ReadingSource::Manual => "manual",
            ReadingSource::Customer => "customer",
            ReadingSource::Opening => "opening",
            ReadingSource::Declared => "declared",
        }
    }

    /// The source of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<ReadingSource> {
        ReadingSource::ALL.into_iter().find(|source| source.word() == word)
    }

    /// What a page and a statement say.
    pub fn words(self) -> &'static str {
        match self {
            ReadingSource::Printer => "read by printer",
            ReadingSource::Interpolated => "worked out between two readings",
            ReadingSource::Manual => "entered by hand",
            ReadingSource::Customer => "entered by customer",
            ReadingSource::Opening => "opening reading",
            ReadingSource::Declared => "read by printer, unit declared",
        }
    }

    /// Whether a person says the number, so that the contract decides whether it counts (CL32).
    pub fn is_of_a_person(self) -> bool {
        matches!(self, ReadingSource::Manual | ReadingSource::Customer | ReadingSource::Opening)
    }

    /// The mark that it puts on what is billed from it.
    pub fn mark(self) -> Option<Mark> {
        match self {
            ReadingSource::Printer => None,
            ReadingSource::Interpolated => Some(Mark::Interpolated),
            ReadingSource::Manual => Some(Mark::Manual),
            ReadingSource::Customer => Some(Mark::Customer),
            ReadingSource::Opening => Some(Mark::Opening),
            ReadingSource::Declared => Some(Mark::Declared),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_sources_read_back() {
        assert!(ReadingSource::ALL.into_iter().all(|source| ReadingSource::parse(source.word()) == Some(source)));
    }
}
