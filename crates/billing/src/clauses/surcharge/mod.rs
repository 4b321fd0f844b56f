//! CL11: what some usage costs on top: an amount for each unit, or a share of what it costs by its prices.
//!
//! Included usage pays an amount for each unit too: it is the paper, not the print, that is dearer.
//! Deliberately absent: surcharges by zone (see `moved`), and prices by paper, which a price list gives.

use super::draft::{Draft, Taken, borne_as};
use super::minimum::counted::is_for;
use super::price_list::{check_covers, check_title, common, labels, unit_of};
use super::tax::percent;
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::ledger::Mark;
use crate::meter::{Pattern, PricingUnit};
use crate::money::{Currency, UnitPrice};
use crate::rating::RatingError;
use crate::statement::Line;
use report::Share;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Terms of a surcharge. CL11.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surcharge {
    /// What the lines are called; "Surcharge" and the usage in words when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The usage it is on; for an amount by unit, all of one unit.
    pub covers: Vec<Pattern>,
    /// The amount for each unit that is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<UnitPrice>,
    /// The share of what the usage costs by its prices, parts per million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

impl ClauseTerms for Surcharge {
    const FORM: &'static [Field] = &[
        field("covers", "On", Kind::Patterns).required().hint("one a line"),
        field("price", "For each unit", Kind::Price).hint("or a share"),
        field("share", "Share of what it costs", Kind::Percent).hint("or an amount for each unit"),
    ];
    const ABOUT: &'static str = "CL11: a surcharge on some usage.";

    fn step(&self) -> Step {
        Step::Surcharges
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let (title, usage) = (self.title(), labels(&self.covers));
        let usage = if self.title.is_some() { format!(" on {usage}") } else { String::new() };
        let per = unit_of(&self.covers).map_or("unit", PricingUnit::label);
        let price = self.price.map(|price| {
            let price = price.show(currency);
            format!("{title}: {price} {currency} per {per}{usage}, whether or not it is included.")
        });
        let share = self.share.map(|share| format!("{title}: {}{usage} of what it costs.", percent(share)));
        price.into_iter().chain(share).collect()
    }

    fn patterns(&self) -> Vec<&Pattern> {
        // A share is on what other clauses bill.
        if self.price.is_some() { self.covers.iter().collect() } else { Vec::new() }
    }

    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        self.price.iter_mut().map(PriceMut::Unit).collect()
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        if self.covers.is_empty() || self.price.is_some() {
            check_covers(&self.covers, "a surcharge", at.at("covers"), problems);
        }
        match (self.price, self.share) {
            (Some(_), Some(_)) => {
                problems.push(Problem::at(at.at("share"), "give an amount for each unit or a share, not both"));
            }
            (None, None) => problems.push(Problem::at(at.at("price"), "give an amount for each unit, or a share")),
            (Some(price), None) if price < UnitPrice::default() => {
                problems.push(Problem::at(at.at("price"), "a surcharge cannot be below zero"));
            }
            (None, Some(share)) if share.0 < 0 => {
                problems.push(Problem::at(at.at("share"), "a surcharge cannot be below zero"));
            }
            _ => {}
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        if let Some(share) = self.share {
            return self.by_share(share, at, draft);
        }
        // Validation refuses covers of several units.
        let (Some(price), Some(unit)) = (self.price, unit_of(&self.covers)) else { return Ok(()) };
        let covers: Vec<&Pattern> = self.covers.iter().collect();
        for index in 0..draft.pools.len() {
            let used = draft.used(index, &covers)?;
            if used == 0 {
                continue;
            }
            let id = at.id(None, draft.pools.get(index).map_or("", |pool| pool.key.as_str()));
            let (currency, rounding) = (draft.currency, draft.terms.rounding);
            let amount = price.times_in(used, unit, currency, rounding).map_err(RatingError::at(&id))?;
            let (taken, marks) = usage(index, used, &covers, draft);
            let mut shares = draft.share(index, &taken, amount);
            for share in &mut shares {
                // The usage itself stands on the line of its price.
                share.quantity = 0;
            }
            let (shown, total) = (price.show(currency), amount.show(currency));
            let line = Line {
                id,
                title: draft.titled(self.title(), index),
                detail: unit.show(used),
                pattern: common(&self.covers),
                quantity: Some(used),
                unit: Some(unit),
                unit_price: Some(price),
                amount: Some(amount),
                steps: vec![format!("{} × {shown} = {total}", unit.show_exact(used))],
                shares,
                marks,
                ..Line::default()
            };
            draft.push(at, Step::Surcharges, line);
        }
        Ok(())
    }
}

/// What a pool used of the patterns, by stay, and what a reader must know of it.
fn usage(pool: usize, used: i64, covers: &[&Pattern], draft: &Draft<'_>) -> (Taken, BTreeSet<Mark>) {
    let buckets = draft.pools.get(pool).map_or(&[][..], |pool| pool.used.as_slice());
    let mut by_stay: BTreeMap<usize, i64> = BTreeMap::new();
    let mut marks = BTreeSet::new();
    for bucket in buckets.iter().filter(|bucket| bucket.matches(covers)) {
        let sum = by_stay.entry(bucket.stay).or_default();
        *sum = sum.saturating_add(bucket.quantity);
        marks.extend(bucket.marks.iter().copied());
    }
    (Taken { used, by_stay: by_stay.into_iter().collect(), ..Taken::default() }, marks)
}

impl Surcharge {
    fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| format!("Surcharge, {}", labels(&self.covers)))
    }

    /// One line on what the prices charge; each printer bears it as it bears them.
    fn by_share(&self, rate: Share, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let (terms, currency, id) = (draft.terms, draft.currency, at.id(None, ""));
        let is_priced = |line: &Line| line.step == Some(Step::Prices) && is_for(line, &self.covers, terms);
        let base = draft.amount_of(is_priced)?;
        let amount = base.share(rate).map_err(RatingError::at(&id))?;
        if amount.is_zero() {
            return Ok(());
        }
        let shares = borne_as(draft.lines().filter(|line| is_priced(line)), amount);
        let (percent, base) = (percent(rate), base.show(currency));
        let line = Line {
            id,
            title: self.title(),
            detail: format!("{percent} of {base}"),
            amount: Some(amount),
            steps: vec![format!("{base} × {percent} = {}", amount.show(currency))],
            shares,
            ..Line::default()
        };
        draft.push(at, Step::Surcharges, line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let euro = Currency::parse("EUR").expect("a currency");
        let covers = vec![Pattern::parse("area-media@Mylar").expect("a pattern")];
        let price = Some(UnitPrice { millionths: 500_000 });
        let by_unit = Surcharge { title: Some("Film".to_owned()), covers: covers.clone(), price, share: None };
        let expected = "Film: 0.50 EUR per m² on Media used, on Mylar, whether or not it is included.";
        assert_eq!(by_unit.in_words(euro), [expected]);
        let by_share = Surcharge { covers, share: Some(Share(100_000)), ..Surcharge::default() };
        assert_eq!(by_share.in_words(euro), ["Surcharge, Media used, on Mylar: 10 % of what it costs."]);
    }
}
