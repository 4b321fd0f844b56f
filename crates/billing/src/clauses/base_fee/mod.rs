//! CL1: a fixed fee each period, per contract or per printer.
//!
//! Deliberately absent: proration. A printer that was in the contract at any moment of the period
//! counts whole, and the terms say so.

use super::draft::Draft;
use crate::contract::Problem;
use crate::meter::Pattern;
use crate::money::{Currency, Money};
use crate::rating::RatingError;
use crate::statement::Line;
use serde::{Deserialize, Serialize};

/// What the fee is charged for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Once.
    #[default]
    Contract,
    /// Once for each printer in the contract.
    Printer,
}

/// Terms of a base fee. CL1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseFee {
    /// What the line is called; "Base fee" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The fee for one period, minor units.
    pub amount: Money,
    /// What it is charged for.
    #[serde(default)]
    pub per: Per,
}

impl BaseFee {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Base fee")
    }

    /// The clause in plain sentences.
    pub fn in_words(&self, currency: Currency) -> Vec<String> {
        let (title, amount) = (self.title(), self.amount.show(currency));
        match self.per {
            Per::Contract => vec![format!("{title}: {amount} {currency} each period.")],
            Per::Printer => vec![
                format!("{title}: {amount} {currency} each period for each printer."),
                "A printer that is in the contract for a part of the period counts whole.".to_owned(),
            ],
        }
    }

    pub(crate) fn patterns(&self) -> Vec<&Pattern> {
        Vec::new()
    }

    pub(crate) fn validate(&self, field: &str, problems: &mut Vec<Problem>) {
        if self.amount < Money(0) {
            problems.push(Problem::at(format!("{field}.amount"), "a fee cannot be below zero"));
        }
        if self.title.as_deref().is_some_and(|title| title.trim().is_empty()) {
            problems.push(Problem::at(format!("{field}.title"), "give the fee a name, or none at all"));
        }
    }

    pub(crate) fn apply(&self, number: usize, draft: &mut Draft) -> Result<(), RatingError> {
        let fee = self.amount.show(draft.currency);
        let (amount, detail, step) = match self.per {
            Per::Contract => (self.amount, "each period".to_owned(), fee),
            Per::Printer => {
                let count = draft.printers;
                let amount = self.amount.each(count).map_err(RatingError::at(self.title()))?;
                let printers = if count == 1 { "1 printer".to_owned() } else { format!("{count} printers") };
                let step = format!("{printers} × {fee} = {}", amount.show(draft.currency));
                (amount, format!("each period, {printers}"), step)
            }
        };
        draft.lines.push(Line {
            id: number.to_string(),
            title: self.title().to_owned(),
            detail,
            amount: Some(amount),
            steps: vec![step],
            ..Line::default()
        });
        Ok(())
    }
}
