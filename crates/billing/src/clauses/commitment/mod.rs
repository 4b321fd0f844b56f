//! CL7: a commitment that is settled once, at the end of its span, usually a year: a quantity at a price of
//! its own, or an amount of charges.
//!
//! It counts all printers of the contract together. What was agreed is owed whole, also where the contract began
//! inside the span; only a statement over some days of a period that is committed to asks for these days' share.
//! Deliberately absent: what each pool or printer owes (see `minimum_volume` and `minimum`).

use super::allowance::span::{self, Before};
use super::draft::Draft;
use super::minimum::counted::{COUNTED, is_for};
use super::price_list::{check_covers, check_title, common, labels, unit_of};
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::meter::{Pattern, PricingUnit};
use crate::money::{Currency, Money, UnitPrice};
use crate::period::Reset;
use crate::proration::{Fraction, Proration};
use crate::rating::RatingError;
use crate::statement::Line;
use serde::{Deserialize, Serialize};

/// Terms of a commitment. CL7.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// What the line is called; "Commitment" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name that what counted is kept under; empty: the clause's word and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The usage it is for; all of one unit.
    pub covers: Vec<Pattern>,
    /// The quantity that is committed to, in the base unit; with a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// The price of one unit that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<UnitPrice>,
    /// The amount that is committed to, minor units; instead of a quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The span over which it counts.
    #[serde(default = "a_year", skip_serializing_if = "is_a_year")]
    pub reset: Reset,
}

fn a_year() -> Reset {
    Reset::Year
}

fn is_a_year(reset: &Reset) -> bool {
    *reset == Reset::Year
}

impl Default for Commitment {
    /// Nothing, for a year.
    fn default() -> Commitment {
        Commitment {
            title: None,
            key: String::new(),
            covers: Vec::new(),
            quantity: None,
            price: None,
            amount: None,
            reset: a_year(),
        }
    }
}

/// The spans that a form offers, the usual one first.
const RESETS: &[(&str, &str)] = &[
    ("year", "each year"),
    ("quarter", "each quarter"),
    ("month", "each month"),
    ("period", "each period"),
    ("contract", "the whole contract"),
];

impl ClauseTerms for Commitment {
    const FORM: &'static [Field] = &[
        field("covers", "For", Kind::Patterns).required().hint("one a line, all of one unit"),
        field("quantity", "Quantity", Kind::Quantity("covers")).hint("with a price; or give an amount"),
        field("price", "Price of what is missing", Kind::Price),
        field("amount", "Amount", Kind::Money).hint("instead of quantity and price"),
        field("reset", "Settled", Kind::Choice(RESETS)).hint("once, at the end of it"),
    ];
    const ABOUT: &'static str = "CL7: a commitment that is settled once, at the end of its span.";

    fn step(&self) -> Step {
        Step::Minimum
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let (title, each, covers) = (self.title(), span::each(self.reset), labels(&self.covers));
        let unit = unit_of(&self.covers);
        let show = |quantity: i64| unit.map_or_else(|| quantity.to_string(), |unit| unit.show(quantity));
        let what = match (self.quantity, self.amount) {
            (Some(quantity), _) => show(quantity),
            (None, Some(amount)) => format!("charges of {} {currency}", amount.show(currency)),
            (None, None) => "nothing".to_owned(),
        };
        let missing = self.price.map_or_else(
            || "what charges lack of it is charged once".to_owned(),
            |price| {
                let per = unit.map_or("unit", PricingUnit::label);
                format!("what is missing costs {} {currency} per {per}, once", price.show(currency))
            },
        );
        vec![format!("{title}: {what} of {covers} {each}; {missing}, at the end.")]
    }

    fn patterns(&self) -> Vec<&Pattern> {
        // A commitment in money counts lines, which other clauses make of what they read.
        if self.quantity.is_some() { self.covers.iter().collect() } else { Vec::new() }
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        let price = self.price.iter_mut().map(PriceMut::Unit);
        price.chain(self.amount.iter_mut().map(PriceMut::Minimum)).collect()
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        check_covers(&self.covers, "a commitment", at.at("covers"), problems);
        let unclear = match (self.quantity, self.price, self.amount) {
            (Some(_), Some(_), None) | (None, None, Some(_)) => None,
            (None, None, None) => Some(("quantity", "say a quantity and its price, or an amount")),
            (Some(_), None, None) => Some(("price", "say what a missing unit costs")),
            (None, Some(_), None) => Some(("quantity", "say the quantity that the price is for")),
            (_, _, Some(_)) => Some(("amount", "say a quantity with its price, or an amount, not both")),
        };
        problems.extend(unclear.map(|(path, message)| Problem::at(at.at(path), message)));
        if self.quantity.is_some_and(|quantity| quantity < 0) {
            problems.push(Problem::at(at.at("quantity"), "a commitment cannot be below zero"));
        }
        if self.price.is_some_and(|price| price < UnitPrice::default()) {
            problems.push(Problem::at(at.at("price"), "a price cannot be below zero"));
        }
        if self.amount.is_some_and(|amount| amount < Money::ZERO) {
            problems.push(Problem::at(at.at("amount"), "a commitment cannot be below zero"));
        }
        span::check(self.reset, at.terms, at.at("reset"), problems);
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let span = draft.span(self.reset)?;
        let before = Before::of(draft.carried(at.key, "", COUNTED), span, at.key)?;
        let (part, mut sum, mut line) = (self.part(draft)?, before, None);
        if let (Some(least), Some(price)) = (self.quantity, self.price) {
            let least = part.of(least).map_err(RatingError::at(self.title()))?;
            sum.quantity = self.used(before.quantity, draft)?;
            sum.amount = Money::ZERO;
            if span.ends && least > sum.quantity {
                line = Some(self.of_quantity(at, least, price, (before.quantity, sum.quantity), draft)?);
            }
        } else if let Some(least) = self.amount {
            let least = part.of_money(least).map_err(RatingError::at(self.title()))?;
            sum.amount = self.charged(before.amount, draft)?;
            sum.quantity = 0;
            if span.ends && least > sum.amount {
                line = Some(self.of_money(at, least, (before.amount, sum.amount), draft)?);
            }
        }
        if !span.ends {
            draft.leave(at.key, "", COUNTED, sum.lots(span));
        }
        if let Some(line) = line {
            draft.push(at, Step::Minimum, line);
        }
        Ok(())
    }
}

impl Commitment {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Commitment")
    }

    /// The part of what was committed to that this statement asks for.
    fn part(&self, draft: &Draft<'_>) -> Result<Fraction, RatingError> {
        span::part(Proration::None, self.reset, draft, None)
    }

    /// How the part of what was committed to is worked out; nothing for the whole.
    fn shared(&self, whole: &str, owed: &str, draft: &Draft<'_>) -> Result<Option<String>, RatingError> {
        let words = self.part(draft)?.words();
        Ok((!words.is_empty()).then(|| format!("{whole} × {words} = {owed}")))
    }

    /// What was used in the span, of which `before` in earlier periods; base units.
    fn used(&self, before: i64, draft: &Draft<'_>) -> Result<i64, RatingError> {
        let covers: Vec<&Pattern> = self.covers.iter().collect();
        let mut sum = before;
        for pool in 0..draft.pools.len() {
            let used = draft.used(pool, &covers)?;
            sum = sum.checked_add(used).ok_or_else(|| RatingError::Overflow { what: self.title().to_owned() })?;
        }
        Ok(sum)
    }

    /// What was charged for it in the span, of which `before` in earlier periods.
    fn charged(&self, before: Money, draft: &Draft<'_>) -> Result<Money, RatingError> {
        let now = draft.amount_of(|line| {
            matches!(line.step, Some(Step::Prices | Step::Surcharges)) && is_for(line, &self.covers, draft.terms)
        })?;
        before.plus(now).map_err(RatingError::at(self.title()))
    }

    /// The line of a quantity that was not reached: 6 000 m² less 5 430 m² at 0.14 are 79.80 (W21). `counted`
    /// is what was used before this period, and in the whole span.
    fn of_quantity(
        &self,
        at: &At<'_>,
        least: i64,
        price: UnitPrice,
        counted: (i64, i64),
        draft: &Draft<'_>,
    ) -> Result<Line, RatingError> {
        // Validation refuses covers of several units.
        let unit = unit_of(&self.covers).unwrap_or(PricingUnit::Page);
        let (before, used) = counted;
        let overflow = || RatingError::Overflow { what: self.title().to_owned() };
        let missing = least.checked_sub(used).ok_or_else(overflow)?;
        let amount = price.times_in(missing, unit, draft.currency, draft.terms.rounding);
        let amount = amount.map_err(RatingError::at(self.title()))?;
        let mut steps = Vec::new();
        if before != 0 {
            let (earlier, all) = (unit.show_exact(before), unit.show_exact(used));
            let now = unit.show_exact(used.saturating_sub(before));
            steps.push(format!("{earlier} before in this {} + {now} = {all}", self.reset.word()));
        }
        let (owed, all, short) = (unit.show_exact(least), unit.show_exact(used), unit.show_exact(missing));
        let (shown, total) = (price.show(draft.currency), amount.show(draft.currency));
        let whole = unit.show_exact(self.quantity.unwrap_or(least));
        steps.extend(self.shared(&whole, &owed, draft)?);
        steps.push(format!("{owed} − {all} = {short} × {shown} = {total}"));
        Ok(Line {
            id: at.id(None, ""),
            title: self.title().to_owned(),
            detail: format!("{}, {} used of {}", span::each(self.reset), unit.show(used), unit.show(least)),
            pattern: common(&self.covers),
            quantity: Some(missing),
            unit: Some(unit),
            unit_price: Some(price),
            amount: Some(amount),
            steps,
            ..Line::default()
        })
    }

    /// The line of charges that were not reached. `counted` is what was charged before this period, and in
    /// the whole span.
    fn of_money(
        &self,
        at: &At<'_>,
        least: Money,
        counted: (Money, Money),
        draft: &Draft<'_>,
    ) -> Result<Line, RatingError> {
        let (currency, (before, sum)) = (draft.currency, counted);
        let amount = least.minus(sum).map_err(RatingError::at(self.title()))?;
        let mut steps = Vec::new();
        let (owed, all, total) = (least.show(currency), sum.show(currency), amount.show(currency));
        if !before.is_zero() {
            let now = Money(sum.0.saturating_sub(before.0)).show(currency);
            let earlier = before.show(currency);
            steps.push(format!("{earlier} before in this {} + {now} = {all}", self.reset.word()));
        }
        let whole = self.amount.unwrap_or(least).show(currency);
        steps.extend(self.shared(&whole, &owed, draft)?);
        steps.push(format!("{owed} − {all} = {total}"));
        Ok(Line {
            id: at.id(None, ""),
            title: self.title().to_owned(),
            detail: format!("{}, {all} charged of {owed}", span::each(self.reset)),
            amount: Some(amount),
            steps,
            ..Line::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commitment() -> Commitment {
        let covers = vec![Pattern::parse("area-printed/mono-line").expect("a pattern")];
        Commitment { covers, ..Commitment::default() }
    }

    #[test]
    fn a_commitment_is_for_a_year_where_nothing_is_said() {
        let stored = r#"{"covers":[{"meter":"area-printed","category":"mono-line"}],"amount":60000}"#;
        let read: Commitment = serde_json::from_str(stored).expect("a commitment");
        assert_eq!(read, Commitment { amount: Some(Money(60_000)), ..commitment() });
        assert_eq!(serde_json::to_string(&read).expect("JSON"), stored);
    }

    #[test]
    fn terms_are_said_in_words() {
        let price = Some(UnitPrice { millionths: 140_000 });
        let cases = [
            (
                Commitment { quantity: Some(6_000_000_000), price, ..commitment() },
                "Commitment: 6000.00 m² of Monochrome lines, area printed each year; what is missing costs 0.14 EUR \
                 per m², once, at the end.",
            ),
            (
                Commitment { amount: Some(Money(60_000)), reset: Reset::Contract, ..commitment() },
                "Commitment: charges of 600.00 EUR of Monochrome lines, area printed over the whole contract; what \
                 charges lack of it is charged once, at the end.",
            ),
        ];
        for (commitment, expected) in cases {
            assert_eq!(commitment.in_words(Currency::parse("EUR").expect("a currency")), [expected]);
        }
    }
}
