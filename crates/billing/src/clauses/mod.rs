//! Clauses: what a contract charges, one folder each, applied in the contract's order.
//!
//! A clause is its terms, its words, its check and its step on the draft. A new one is a folder
//! with cases and a line in the list below. Deliberately absent: an order of its own; the contract
//! version names it.

pub mod allowance;
pub mod base_fee;
pub(crate) mod draft;
pub mod price_list;
pub mod tax;

use crate::contract::Problem;
use crate::meter::Pattern;
use crate::money::Currency;
use crate::rating::RatingError;
use draft::Draft;
use serde::{Deserialize, Serialize};

macro_rules! clauses {
    ($($(#[$doc:meta])* $clause:ident($terms:ty) $word:literal;)*) => {
        /// One clause of a contract.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Clause {
            $($(#[$doc])* #[serde(rename = $word)] $clause($terms),)*
        }

        impl Clause {
            /// The word of the clause for pages, storage and exports.
            pub fn word(&self) -> &'static str {
                match self { $(Clause::$clause(_) => $word,)* }
            }

            /// The clause in plain sentences.
            pub fn in_words(&self, currency: Currency) -> Vec<String> {
                match self { $(Clause::$clause(terms) => terms.in_words(currency),)* }
            }

            /// The patterns by which the clause reads usage.
            pub fn patterns(&self) -> Vec<&Pattern> {
                match self { $(Clause::$clause(terms) => terms.patterns(),)* }
            }

            /// Adds every reason why the clause cannot be applied; `field` is its path in the terms.
            pub(crate) fn validate(&self, field: &str, problems: &mut Vec<Problem>) {
                match self { $(Clause::$clause(terms) => terms.validate(field, problems),)* }
            }

            /// Takes the clause's step; `number` is its place in the contract, from 1.
            pub(crate) fn apply(&self, number: usize, draft: &mut Draft) -> Result<(), RatingError> {
                match self { $(Clause::$clause(terms) => terms.apply(number, draft),)* }
            }
        }
    };
}

clauses! {
    /// CL1: a fixed fee each period.
    BaseFee(base_fee::BaseFee) "base-fee";
    /// CL3: a quantity included each period.
    Allowance(allowance::Allowance) "allowance";
    /// CL4, CL9 to CL11: what usage costs, the first match in an ordered list.
    PriceList(price_list::PriceList) "price-list";
    /// CL27: one tax on the sum of the lines.
    Tax(tax::Tax) "tax";
}
