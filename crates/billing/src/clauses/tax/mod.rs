//! CL27: one tax at one rate on the sum of the lines, rounded half-up on that sum.
//!
//! Deliberately absent: rates by site and date, reverse charge, exemptions.

use super::draft::Draft;
use crate::contract::Problem;
use crate::meter::Pattern;
use crate::money::{Currency, show_exact};
use crate::rating::RatingError;
use crate::statement::TaxRow;
use report::Share;
use serde::{Deserialize, Serialize};

/// Terms of a tax. CL27.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// What the tax is called, such as "VAT".
    pub name: String,
    /// Its rate, parts per million: 21 % is 210 000.
    pub rate: Share,
}

/// A rate in words: `21 %`, `7.7 %`.
pub(crate) fn percent(rate: Share) -> String {
    format!("{} %", show_exact(rate.0, 4, 0))
}

impl Tax {
    /// The clause in plain sentences.
    pub fn in_words(&self, _currency: Currency) -> Vec<String> {
        vec![format!("{}: {} on the sum of the lines.", self.name, percent(self.rate))]
    }

    pub(crate) fn patterns(&self) -> Vec<&Pattern> {
        Vec::new()
    }

    pub(crate) fn validate(&self, field: &str, problems: &mut Vec<Problem>) {
        if self.name.trim().is_empty() {
            problems.push(Problem::at(format!("{field}.name"), "give the tax a name, such as VAT"));
        }
        if !(0..=1_000_000).contains(&self.rate.0) {
            problems.push(Problem::at(format!("{field}.rate"), "a tax rate lies between 0 % and 100 %"));
        }
    }

    pub(crate) fn apply(&self, _number: usize, draft: &mut Draft) -> Result<(), RatingError> {
        let base = draft.net()?;
        let amount = base.share(self.rate).map_err(RatingError::at(&self.name))?;
        draft.taxes.push(TaxRow { name: self.name.clone(), rate: self.rate, base, amount });
        Ok(())
    }
}
