//! CL3: a quantity included each period; what is not used lapses.
//!
//! It serves the prices in their order, and within a price the meters in theirs. Deliberately absent:
//! roll-over, other periods than the statement's, and any price: usage beyond is the price list's.

use super::draft::{Bucket, Draft};
use crate::contract::Problem;
use crate::meter::{Pattern, PricingUnit};
use crate::money::Currency;
use crate::rating::RatingError;
use serde::{Deserialize, Serialize};

/// Terms of an allowance. CL3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// The usage it covers; all of one unit.
    pub covers: Vec<Pattern>,
    /// How much is included each period, in the base unit of what it covers.
    pub included: i64,
}

/// What is left of an allowance while a statement is made.
#[derive(Debug, Clone)]
pub(crate) struct Left {
    covers: Vec<Pattern>,
    pub(crate) unit: PricingUnit,
    pub(crate) included: i64,
    pub(crate) left: i64,
}

impl Left {
    pub(crate) fn covers(&self, bucket: &Bucket) -> bool {
        self.covers.iter().any(|pattern| pattern.matches(&bucket.meter, bucket.media.as_deref()))
    }
}

impl Allowance {
    /// The unit of what is covered; `None` when nothing is, or when the units differ.
    fn unit(&self) -> Option<PricingUnit> {
        let unit = self.covers.first()?.unit();
        self.covers.iter().all(|pattern| pattern.unit() == unit).then_some(unit)
    }

    /// The clause in plain sentences.
    pub fn in_words(&self, _currency: Currency) -> Vec<String> {
        let covers = self.covers.iter().map(Pattern::label).collect::<Vec<_>>().join("; ");
        let included = self.unit().map_or_else(|| self.included.to_string(), |unit| unit.show(self.included));
        vec![format!("Included each period: {included} of {covers}. What is not used lapses.")]
    }

    pub(crate) fn patterns(&self) -> Vec<&Pattern> {
        self.covers.iter().collect()
    }

    pub(crate) fn validate(&self, field: &str, problems: &mut Vec<Problem>) {
        if self.covers.is_empty() {
            problems.push(Problem::at(format!("{field}.covers"), "say which usage the allowance covers"));
        } else if self.unit().is_none() {
            problems.push(Problem::at(format!("{field}.covers"), "an allowance covers usage of one unit only"));
        }
        if self.included < 0 {
            problems.push(Problem::at(format!("{field}.included"), "an allowance cannot be below zero"));
        }
    }

    pub(crate) fn apply(&self, _number: usize, draft: &mut Draft) -> Result<(), RatingError> {
        if let Some(unit) = self.unit() {
            let covers = self.covers.clone();
            draft.allowances.push(Left { covers, unit, included: self.included, left: self.included });
        }
        Ok(())
    }
}
