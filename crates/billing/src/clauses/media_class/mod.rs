//! CL11: the category by the paper, whatever is printed on it: premium, blueprint.
//!
//! Deliberately absent: a price by paper, which a price list gives by its patterns, and surcharges (see
//! `surcharge`). A paper that is not named keeps the category that the job has.

use super::coverage::{check_rows, recategorise};
use super::{Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::ledger::JobFact;
use crate::money::Currency;
use crate::rating::PrinterUsage;
use report::Category;
use serde::{Deserialize, Serialize};

/// Terms of categories by paper. CL11.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaClass {
    /// The papers that have a category of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<MediaRow>,
}

/// The category of a paper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaRow {
    /// The media type, spelt as the printer spells it.
    pub media: String,
    /// The category.
    pub category: String,
}

/// The form's fields of a [`MediaRow`].
const ROWS: &[Field] = &[
    field("media", "Paper", Kind::Text).required().hint("as the printer spells it"),
    field("category", "Category", Kind::Text).required(),
];

impl ClauseTerms for MediaClass {
    const FORM: &'static [Field] = &[field("rows", "Papers", Kind::Rows(ROWS)).required()];
    const ABOUT: &'static str = "CL11: categories by paper.";

    fn step(&self) -> Step {
        Step::Filters
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let row = |row: &MediaRow| format!("All on {} is {}.", row.media, Category::new(&row.category));
        self.rows.iter().map(row).collect()
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.rows.is_empty() {
            problems.push(Problem::at(at.at("rows"), "say which papers have a category of their own"));
        }
        check_rows(self.rows.iter().map(|row| (row.media.as_str(), row.category.as_str())), at, problems);
    }
}

impl MediaClass {
    /// The job as the contract reads it: each paper that is named in its category.
    pub(crate) fn filter(&self, job: &mut JobFact, _stay: &PrinterUsage) {
        recategorise(job, |media| {
            let row = self.rows.iter().find(|row| Some(row.media.as_str()) == media);
            row.map(|row| Category::new(&row.category))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let rows = vec![MediaRow { media: "Satin 200 g".to_owned(), category: "premium".to_owned() }];
        let words = MediaClass { rows }.in_words(Currency::parse("EUR").expect("a currency"));
        assert_eq!(words, ["All on Satin 200 g is Premium quality images."]);
    }
}
