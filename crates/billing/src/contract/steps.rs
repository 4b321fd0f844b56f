//! The steps of rating, and in which orders a contract may put them.
//!
//! Deliberately absent: what a step does, which its clauses say.

use super::{Problem, Terms};
use serde::{Deserialize, Serialize};

/// A step of rating. Their order is a part of the terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Which readings count, and what prices are in force.
    #[default]
    Readings,
    /// Usage between readings, its unit and its rounding.
    Usage,
    /// Which jobs count, and in which category.
    Filters,
    /// Prints that are credited as a quantity.
    QuantityCredits,
    /// Which printers share.
    Pool,
    /// What is included.
    Allowance,
    /// What usage costs.
    Prices,
    /// What usage costs on top.
    Surcharges,
    /// Smallest quantities and amounts.
    Minimum,
    /// What is credited as money.
    MoneyCredits,
    /// Base fees, leases and fees for events.
    Fees,
    /// Discounts.
    Discounts,
    /// What settles periods before.
    Adjustments,
    /// Who pays.
    Payers,
    /// Taxes.
    Tax,
}

impl Step {
    /// The usual order.
    pub const USUAL: [Step; 15] = [
        Step::Readings,
        Step::Usage,
        Step::Filters,
        Step::QuantityCredits,
        Step::Pool,
        Step::Allowance,
        Step::Prices,
        Step::Surcharges,
        Step::Minimum,
        Step::MoneyCredits,
        Step::Fees,
        Step::Discounts,
        Step::Adjustments,
        Step::Payers,
        Step::Tax,
    ];

    /// The word in storage, forms and exports.
    pub fn word(self) -> &'static str {
        match self {
            Step::Readings => "readings",
            Step::Usage => "usage",
            Step::Filters => "filters",
            Step::QuantityCredits => "quantity-credits",
            Step::Pool => "pool",
            Step::Allowance => "allowance",
            Step::Prices => "prices",
            Step::Surcharges => "surcharges",
            Step::Minimum => "minimum",
            Step::MoneyCredits => "money-credits",
            Step::Fees => "fees",
            Step::Discounts => "discounts",
            Step::Adjustments => "adjustments",
            Step::Payers => "payers",
            Step::Tax => "tax",
        }
    }

    /// The words a page shows, in small letters.
    pub fn label(self) -> &'static str {
        match self {
            Step::Readings => "readings",
            Step::Usage => "usage between readings",
            Step::Filters => "jobs that count",
            Step::QuantityCredits => "credited quantities",
            Step::Pool => "pools",
            Step::Allowance => "included quantities",
            Step::Prices => "prices",
            Step::Surcharges => "surcharges",
            Step::Minimum => "minimums",
            Step::MoneyCredits => "credited amounts",
            Step::Fees => "fees",
            Step::Discounts => "discounts",
            Step::Adjustments => "adjustments of periods before",
            Step::Payers => "payers",
            Step::Tax => "taxes",
        }
    }

    /// The step of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<Step> {
        Step::USUAL.into_iter().find(|step| step.word() == word)
    }
}

/// Orders that rating rests on: the first step stands before the second.
const BEFORE: [(Step, Step); 10] = [
    (Step::Readings, Step::Usage),
    (Step::Usage, Step::Filters),
    (Step::Filters, Step::QuantityCredits),
    (Step::QuantityCredits, Step::Prices),
    (Step::Pool, Step::Allowance),
    (Step::Allowance, Step::Prices),
    (Step::Prices, Step::Surcharges),
    (Step::Prices, Step::Minimum),
    (Step::Adjustments, Step::Payers),
    (Step::Payers, Step::Tax),
];

impl Terms {
    /// The order of the steps of rating.
    pub fn order(&self) -> &[Step] {
        if self.steps.is_empty() { &Step::USUAL } else { &self.steps }
    }

    /// Whether `first` stands before `second` in the order of steps.
    pub(crate) fn is_before(&self, first: Step, second: Step) -> bool {
        let place = |wanted: Step| self.order().iter().position(|step| *step == wanted);
        place(first) < place(second)
    }

    /// Steps are free to move as far as none loses what it works on.
    pub(super) fn validate_steps(&self, problems: &mut Vec<Problem>) {
        let mut said = self.steps.clone();
        said.sort_unstable();
        if !said.is_empty() && said != Step::USUAL {
            problems.push(Problem::at("steps", "every step stands once"));
            return;
        }
        for (first, second) in BEFORE {
            if !self.is_before(first, second) {
                let message = format!("{} must stand before {}", first.label(), second.label());
                problems.push(Problem::at("steps", message));
            }
        }
        let order = self.order();
        if order.get(order.len() - 3) != Some(&Step::Adjustments) {
            problems.push(Problem::at("steps", "adjustments, payers and taxes are the last three steps"));
        }
        let credits_next = order.windows(2).any(|pair| pair == [Step::Allowance, Step::QuantityCredits]);
        if !self.is_before(Step::QuantityCredits, Step::Allowance) && !credits_next {
            let message = "credited quantities stand before the included quantities, or directly after them";
            problems.push(Problem::at("steps", message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fields, moved, prices, terms};
    use super::*;

    #[test]
    fn steps_may_move_as_far_as_they_keep_what_they_work_on() {
        // Steps, whether they are taken.
        let cases = [
            (Vec::new(), true),
            (Step::USUAL.to_vec(), true),
            (moved(Step::Fees, 7), true),
            (moved(Step::Minimum, 11), true),
            (moved(Step::MoneyCredits, 0), true),
            (moved(Step::QuantityCredits, 5), true),
            (moved(Step::QuantityCredits, 4), true),
            (moved(Step::QuantityCredits, 6), false),
            (moved(Step::Minimum, 3), false),
            (moved(Step::Allowance, 6), false),
            (moved(Step::Pool, 5), false),
            (moved(Step::Surcharges, 2), false),
            (moved(Step::Usage, 0), false),
            (moved(Step::Discounts, 14), false),
            (moved(Step::Tax, 12), false),
            (vec![Step::Tax], false),
            (moved(Step::Fees, 7).into_iter().chain([Step::Fees]).collect(), false),
        ];
        for (steps, taken) in cases {
            let terms = Terms { steps, ..terms(vec![prices(&["pages"])]) };
            assert_eq!(terms.validate().is_ok(), taken, "{:?}: {:?}", terms.steps, terms.validate());
            assert!(taken || fields(&terms).iter().all(|field| field == "steps"));
        }
    }

    #[test]
    fn words_of_steps_read_back() {
        for step in Step::USUAL {
            assert_eq!(Step::parse(step.word()), Some(step));
            assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{}\"", step.word()));
        }
    }
}
