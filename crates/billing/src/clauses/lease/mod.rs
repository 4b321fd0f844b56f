//! CL2: a lease or finance payment each calendar month, which no other clause touches.
//!
//! No minimum counts it, no discount lowers it and no escalation raises it; another party may pay it.
//! Deliberately absent: interest and residual values (the payment is agreed), a part of a month, and the
//! split of one payment between parties (see `payers`).

use super::draft::Draft;
use super::price_list::check_title;
use super::{At, Checked, Clause, ClauseTerms, clause_of};
use crate::contract::{Problem, Step, Terms};
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money};
use crate::period::Day;
use crate::rating::RatingError;
use crate::statement::Line;
use serde::{Deserialize, Serialize};

/// Terms of a lease. CL2.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// What the line is called; "Lease" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The payment for one calendar month, minor units.
    pub amount: Money,
    /// How many payments there are; 0: no end is agreed.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub months: u32,
    /// The first payment is for the first month that begins on this day or later; absent: the contract's
    /// first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Day>,
    /// The party that pays it; empty: the customer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub payer: String,
}

impl ClauseTerms for Lease {
    const FORM: &'static [Field] = &[
        field("amount", "Payment a month", Kind::Money).required(),
        field("months", "Payments", Kind::Count).hint("how many; 0: no end"),
        field("first", "First day", Kind::Day).hint("empty: the contract's first day"),
        field("payer", "Paid by", Kind::Text).hint("empty: the customer"),
    ];
    const ABOUT: &'static str = "CL2: a lease or finance payment, which usage rules never touch.";

    fn step(&self) -> Step {
        Step::Fees
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let (title, amount) = (self.title(), self.amount.show(currency));
        let first = self.first.map_or_else(String::new, |first| format!(" from {first} on"));
        let months = match self.months {
            0 => String::new(),
            1 => ", 1 payment".to_owned(),
            months => format!(", {months} payments"),
        };
        let mut words = vec![format!("{title}: {amount} {currency} each calendar month{first}{months}.")];
        if !self.payer.is_empty() {
            words.push(format!("{title} is paid by {}.", self.payer));
        }
        words.push(format!("No minimum, discount or raise of prices touches {title}."));
        words
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        if self.amount < Money::ZERO {
            problems.push(Problem::at(at.at("amount"), "a payment cannot be below zero"));
        }
        if !self.payer.is_empty() && self.payer.trim().is_empty() {
            problems.push(Problem::at(at.at("payer"), "name the party that pays, or leave this empty"));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let payments = self.payments(draft)?;
        let (Some(first), Some(last)) = (payments.first(), payments.last()) else { return Ok(()) };
        let currency = draft.currency;
        let count = i64::try_from(payments.len()).unwrap_or(i64::MAX);
        let amount = self.amount.each(count).map_err(RatingError::at(self.title()))?;
        let of = if self.months == 0 { String::new() } else { format!(" of {}", self.months) };
        let which = match (first, last) {
            (Some(first), Some(last)) if first == last => format!("payment {first}{of}: "),
            (Some(first), Some(last)) => format!("payments {first} to {last}{of}: "),
            _ => String::new(),
        };
        let (fee, total) = (self.amount.show(currency), amount.show(currency));
        let sum = if count == 1 { fee } else { format!("{count} × {fee} = {total}") };
        let line = Line {
            id: at.id(None, ""),
            title: self.title().to_owned(),
            detail: "each month".to_owned(),
            amount: Some(amount),
            steps: vec![format!("{which}{sum}")],
            payer: (!self.payer.is_empty()).then(|| self.payer.clone()),
            ..Line::default()
        };
        draft.push(at, Step::Fees, line);
        Ok(())
    }
}

impl Lease {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Lease")
    }

    /// The payments of the months that begin in the period, by their numbers; `None` where no first day is
    /// known to count from.
    fn payments(&self, draft: &Draft<'_>) -> Result<Vec<Option<i64>>, RatingError> {
        let (period, zone) = (draft.period(), draft.zone());
        let from = match (self.first, draft.input.runs) {
            (Some(first), _) => Some(first),
            (None, Some(runs)) => Some(Day::of(runs.from, zone)?),
            (None, None) => None,
        };
        // The first month that begins on that day or after it.
        let first = from.map(|day| months_of(day) + i64::from(day.day() > 1));
        let mut day = Day::of(period.start, zone)?;
        day = Day::new(day.year(), day.month(), 1)?;
        let mut payments = Vec::new();
        loop {
            let begins = day.start(zone)?;
            if begins >= period.end {
                return Ok(payments);
            }
            let number = first.map(|first| months_of(day) - first + 1);
            let is_due =
                number.is_none_or(|number| number >= 1 && (self.months == 0 || number <= i64::from(self.months)));
            if begins >= period.start && is_due {
                payments.push(number);
            }
            day = day.plus_months(1)?;
        }
    }
}

/// Months since the year 0.
fn months_of(day: Day) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month()) - 1
}

/// Whether a line is a lease's, so that no minimum and no discount may touch it.
pub(crate) fn is_lease(line: &Line, terms: &Terms) -> bool {
    matches!(clause_of(line, terms), Some(Clause::Lease(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let lease = Lease {
            amount: Money(51_200),
            months: 60,
            first: Some(Day::new(2026, 1, 1).expect("a day")),
            payer: "Bank".to_owned(),
            ..Lease::default()
        };
        let words = lease.in_words(Currency::parse("EUR").expect("a currency"));
        let expected = [
            "Lease: 512.00 EUR each calendar month from 2026-01-01 on, 60 payments.",
            "Lease is paid by Bank.",
            "No minimum, discount or raise of prices touches Lease.",
        ];
        assert_eq!(words, expected);
    }
}
