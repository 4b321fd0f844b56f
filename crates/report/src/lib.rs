//! What a printer says, at one instant: Appendix A as types with integer units, one home a row.
//!
//! Pure: no IO, no clock, no randomness, no floating point. Absent stays absent: a row that the
//! printer did not answer is `None` or an empty list, never zero and never an empty text.
//! Deliberately absent: job content, previews and thumbnails have no type here at all.

mod alerts;
mod category;
mod configuration;
pub mod jobs;
mod rows;
#[cfg(feature = "sample")]
pub mod sample;
mod status;
mod units;
mod usage;

pub use alerts::{Alert, Severity};
pub use category::{Category, HIGH_ABOVE, LINES_BELOW};
pub use configuration::Configuration;
pub use jobs::{CategoryUse, InkUse, Job, JobKind, JobStatus, Personal, PrintJob, ScanJob};
pub use rows::{Filled, ROWS, Row, RowId, Section, Unit, Value, markdown, walk, walk_job};
pub use status::{Accessory, Cartridge, Limit, MediaSource, MediaType, Printhead, Settings, Status, Threshold};
pub use units::{Area, Clock, Decimal, Duration, Entropy, Ink, Instant, Length, Share, Surroundings, divide_half_even};
pub use usage::{CartridgeTypeUsage, CategoryUsage, MediaUsage, Usage};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything a printer said in one reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// When it was read, by the agent's clock.
    pub read_at: Instant,
    /// C rows.
    pub configuration: Configuration,
    /// Rows S1 to S22.
    pub status: Status,
    /// Rows S23 to S26.
    pub settings: Settings,
    /// U rows.
    pub usage: Usage,
    /// P and N rows: the finished jobs that the printer still remembers, each with its own defects.
    pub jobs: Vec<(Job, Vec<Defect>)>,
    /// E rows.
    pub alerts: Vec<Alert>,
    /// Where each row came from.
    pub sources: Sources,
}

/// Where each row of a report came from.
pub type Sources = BTreeMap<RowId, Source>;

/// Where a row's value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Interface and resource: `piws InkSystem`.
    pub from: String,
    /// Whether we computed it from other values instead of the printer saying it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
}

/// Odd data: kept and shown, never dropped, never turned into zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// The row that is odd, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<RowId>,
    /// What was odd, with the value as the printer gave it.
    pub what: String,
}

/// A text of outside origin in a defect is cut to this many characters.
const QUOTE_MAX: usize = 120;
/// How the words of a number without a unit end. Stored records hold them: they never change.
const UNITLESS: &str = " without a unit, kept and never billed";

impl Defect {
    /// A defect of `row`. Quote outside text with [`Defect::quote`].
    pub fn at(row: RowId, what: impl Into<String>) -> Defect {
        Defect { row: Some(row), what: what.into() }
    }

    /// A defect that concerns no single row, such as a document that cannot be read.
    pub fn of(what: impl Into<String>) -> Defect {
        Defect { row: None, what: what.into() }
    }

    /// The words of a defect: `number`, quoted, stands at `what` without a unit, so that nobody can bill it.
    /// [`Defect::unitless`] reads them back.
    pub fn without_unit(what: &str, number: &str) -> String {
        format!("{what} {number}{UNITLESS}")
    }

    /// The row and the number that this defect names as one without a unit.
    ///
    /// `None` for any other defect, and for a single page of a job (`page 1: SquareAmount 0.543 …`): a job
    /// says its total besides, and both would count twice.
    pub fn unitless(&self) -> Option<(RowId, Decimal)> {
        let row = self.row?;
        let (what, number) = self.what.strip_suffix(UNITLESS)?.rsplit_once(' ')?;
        let of_one_page = matches!(row.row().section, Section::PrintJob | Section::ScanJob) && what.contains(": ");
        let number = Decimal::parse(number).filter(|_| !of_one_page)?;
        Some((row, number))
    }

    /// Outside text made safe to keep: bounded, without control characters.
    pub fn quote(text: &str) -> String {
        let mut quoted: String = text.chars().take(QUOTE_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.chars().nth(QUOTE_MAX).is_some() {
            quoted.push('…');
        }
        quoted
    }
}

/// How well a reading is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// The printer itself signed it.
    A,
    /// A named collector read it over a link with a pinned certificate.
    B,
    /// Read over an unpinned link, or entered by a person.
    C,
}

impl Grade {
    /// Every grade, the best proved first.
    pub const ALL: [Grade; 3] = [Grade::A, Grade::B, Grade::C];

    /// The letter.
    pub fn word(self) -> &'static str {
        match self {
            Grade::A => "A",
            Grade::B => "B",
            Grade::C => "C",
        }
    }

    /// The grade of a letter; `None` where it is the letter of none.
    pub fn parse(word: &str) -> Option<Grade> {
        Grade::ALL.into_iter().find(|grade| grade.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_unit_is_read_back_from_its_defect() {
        let words = Defect::without_unit("SquareAmount", "0.543");
        assert_eq!(words, "SquareAmount 0.543 without a unit, kept and never billed");
        let number = Decimal::parse("0.543");
        // Row, words, what is read back.
        let cases = [
            (Some(RowId::P19), words.clone(), number.map(|number| (RowId::P19, number))),
            (Some(RowId::U17), format!("DeviceCounters: {words}"), number.map(|number| (RowId::U17, number))),
            (Some(RowId::P19), format!("page 1: {words}"), None),
            (None, words, None),
            (Some(RowId::P20), "Width 0.543 without a unit".to_owned(), None),
            (Some(RowId::P19), Defect::without_unit("SquareAmount", "many"), None),
            (Some(RowId::P19), Defect::without_unit("", ""), None),
        ];
        for (row, what, expected) in cases {
            let defect = Defect { row, what };
            assert_eq!(defect.unitless(), expected, "{defect:?}");
        }
    }
}
