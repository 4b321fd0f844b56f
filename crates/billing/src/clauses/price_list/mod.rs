//! CL4, CL9 to CL11: what usage costs. A price is the first match in an ordered list of patterns.
//!
//! What other clauses that price usage share with it stands here too: the unit of what they cover, and
//! the words of a line. Deliberately absent: tiers and cycles (see `tiers`, `overage`), and any price
//! for usage that no pattern matches. Such usage is shown on the statement and not billed.

use super::allowance::span::{self, PoolAt};
use super::draft::{Draft, Taken, priced_line};
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::meter::{Pattern, PricingUnit};
use crate::money::{Currency, Money, UnitPrice};
use crate::rating::RatingError;
use crate::statement::Line;
use serde::{Deserialize, Serialize};

/// Terms of a price list. CL4, CL9 to CL11.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    /// The prices; the first whose pattern matches is taken.
    pub prices: Vec<Price>,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// What the line is called; the pattern in words when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The usage it is for.
    pub pattern: Pattern,
    /// The price of one pricing unit.
    pub price: UnitPrice,
    /// The unit it is for, such as ft²; the meter's own when absent. CL9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<PricingUnit>,
}

/// The units that a form offers.
const UNITS: &[(&str, &str)] = &[
    ("square-metre", "m²"),
    ("square-foot", "ft²"),
    ("metre", "m"),
    ("foot", "ft"),
    ("millilitre", "ml"),
    ("page", "page"),
    ("job", "job"),
];

/// The fields of one price.
const PRICE: &[Field] = &[
    field("pattern", "For", Kind::Pattern).required(),
    field("price", "Price", Kind::Price).required(),
    field("unit", "Per", Kind::Choice(UNITS)).hint("empty: the meter's own unit"),
    field("title", "Called", Kind::Text).hint("empty: the usage in words"),
];

impl ClauseTerms for PriceList {
    const FORM: &'static [Field] =
        &[field("prices", "Prices", Kind::Rows(PRICE)).required().hint("the first that fits is taken")];
    const ABOUT: &'static str = "CL9: what usage costs.";

    fn step(&self) -> Step {
        Step::Prices
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let prices = self.prices.iter().map(|price| {
            let (amount, unit) = (price.price.show(currency), price.per().label());
            format!("{}: {amount} {currency} per {unit}.", price.title())
        });
        prices.chain(["Usage that no price matches is shown and not billed.".to_owned()]).collect()
    }

    fn patterns(&self) -> Vec<&Pattern> {
        self.prices.iter().map(|price| &price.pattern).collect()
    }

    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        self.prices.iter_mut().map(|price| PriceMut::Unit(&mut price.price)).collect()
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.prices.is_empty() {
            problems.push(Problem::at(at.at("prices"), "a price list needs at least one price"));
        }
        for (index, price) in self.prices.iter().enumerate() {
            let field = at.at(&format!("prices.{index}"));
            if price.price < UnitPrice::default() {
                problems.push(Problem::at(format!("{field}.price"), "a price cannot be below zero"));
            }
            if price.title.as_deref().is_some_and(|title| title.trim().is_empty()) {
                problems.push(Problem::at(format!("{field}.title"), "give the price a name, or none at all"));
            }
            if let Some(unit) = price.unit.filter(|unit| !unit.suits(price.pattern.meter)) {
                let message = format!("{} is not measured in {}", price.pattern.meter.label(), unit.label());
                problems.push(Problem::at(format!("{field}.unit"), message));
            }
            let earlier = self.prices.iter().take(index).find(|earlier| earlier.pattern.covers(&price.pattern));
            if let Some(earlier) = earlier {
                let message = format!("this price is never reached: '{}' above takes all of it", earlier.title());
                problems.push(Problem::at(format!("{field}.pattern"), message));
            }
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        for pool in span::pools(at.key, draft) {
            for (index, price) in self.prices.iter().enumerate() {
                let Some(taken) = draft.take(pool.index, &[&price.pattern])? else { continue };
                let id = at.id(Some(index + 1), &pool.key);
                let mut line = priced_line(id, price.title(), taken, price.price, price.per(), draft, pool.index)?;
                line.pattern = Some(price.pattern.clone());
                draft.push(at, Step::Prices, line);
            }
        }
        Ok(())
    }
}

impl Price {
    /// A price for the meter's own unit, called as its pattern is.
    pub fn new(pattern: Pattern, price: UnitPrice) -> Price {
        Price { title: None, pattern, price, unit: None }
    }

    fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| self.pattern.label())
    }

    /// The unit that the price is for.
    pub fn per(&self) -> PricingUnit {
        self.unit.unwrap_or_else(|| self.pattern.unit())
    }
}

/// The unit of what is covered; `None` when nothing is, or when the units differ.
pub(crate) fn unit_of(covers: &[Pattern]) -> Option<PricingUnit> {
    let unit = covers.first()?.unit();
    covers.iter().all(|pattern| pattern.unit() == unit).then_some(unit)
}

/// What is covered, in words.
pub(crate) fn labels(covers: &[Pattern]) -> String {
    covers.iter().map(Pattern::label).collect::<Vec<_>>().join("; ")
}

/// Refuses covers that are empty or of several units; `what` begins the sentence: "an allowance".
pub(crate) fn check_covers(covers: &[Pattern], what: &str, field: String, problems: &mut Vec<Problem>) {
    if covers.is_empty() {
        problems.push(Problem::at(field, format!("say which usage {what} covers")));
    } else if unit_of(covers).is_none() {
        problems.push(Problem::at(field, format!("{what} covers usage of one unit only")));
    }
}

/// Refuses a title of blanks.
pub(crate) fn check_title(title: Option<&str>, field: String, problems: &mut Vec<Problem>) {
    if title.is_some_and(|title| title.trim().is_empty()) {
        problems.push(Problem::at(field, "give the line a name, or none at all"));
    }
}

/// The narrowest pattern that stands for all that is covered, for a line of several; `None` where the
/// kinds of meters differ.
pub(crate) fn common(covers: &[Pattern]) -> Option<Pattern> {
    let mut all = covers.first()?.clone();
    for pattern in covers {
        if pattern.meter != all.meter {
            return None;
        }
        all.category = all.category.filter(|category| pattern.category.as_ref() == Some(category));
        all.colour = all.colour.filter(|colour| pattern.colour.as_ref() == Some(colour));
        all.media = all.media.filter(|media| pattern.media.as_ref() == Some(media));
    }
    Some(all)
}

/// A line's title, with the pool's label where there are several pools, or where the pool has no
/// printers any more.
pub(crate) fn titled(title: String, pool: &PoolAt, draft: &Draft<'_>) -> String {
    if pool.index < draft.pools.len() || pool.label.is_empty() {
        return draft.titled(title, pool.index);
    }
    format!("{title} · {}", pool.label)
}

/// A line with the facts of what was taken, and its amount; id, texts and prices are the caller's.
pub(crate) fn line_of(taken: Option<Taken>, amount: Option<Money>, pool: &PoolAt, draft: &Draft<'_>) -> Line {
    let Some(taken) = taken else {
        // What an earlier period left is borne by those who bear whatever is used: places with equal parts.
        let shares = amount.map(|amount| draft.share(pool.index, &Taken::default(), amount)).unwrap_or_default();
        return Line { amount, shares, ..Line::default() };
    };
    let shares = draft.share(pool.index, &taken, amount.unwrap_or_default());
    Line {
        used: Some(taken.used),
        included: Some(taken.included),
        amount,
        sources: taken.sources,
        grades: taken.grades,
        shares,
        marks: taken.marks,
        estimated: taken.estimated,
        ..Line::default()
    }
}

/// The quantity of a line in words: `520.00 m² used, 400.00 included`.
pub(crate) fn used_in_words(taken: &Taken, unit: PricingUnit) -> String {
    let covers = taken.covers.iter().map(|&(word, quantity)| {
        let word = if word == "allowance" { "included" } else { word };
        format!(", {} {word}", unit.number(quantity))
    });
    format!("{} used{}", unit.show(taken.used), covers.collect::<String>())
}

/// What was used, less what covers it: `520.00 m² − 400.00 m² allowance = 120.00 m²`; `None` where
/// nothing covers any of it.
pub(crate) fn served(taken: &Taken, unit: PricingUnit) -> Option<String> {
    if taken.included == 0 {
        return None;
    }
    let covers = taken.covers.iter().map(|&(word, quantity)| format!(" − {} {word}", unit.show_exact(quantity)));
    let billed = unit.show_exact(taken.used.saturating_sub(taken.included));
    let used = unit.show_exact(taken.used);
    Some(format!("{used}{} = {billed}", covers.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pattern_stands_for_several_where_their_kind_is_one() {
        // Patterns, what stands for all of them.
        let cases: [(&[&str], Option<&str>); 6] = [
            (&["area-printed/mono-line"], Some("area-printed/mono-line")),
            (&["area-printed/mono-line", "area-printed/colour-line"], Some("area-printed")),
            (&["area-printed/mono-line@Bond", "area-printed/premium@Bond"], Some("area-printed@Bond")),
            (&["ink/cyan", "ink"], Some("ink")),
            (&["area-printed", "area-media"], None),
            (&[], None),
        ];
        for (patterns, expected) in cases {
            let covers: Vec<Pattern> = patterns.iter().map(|text| Pattern::parse(text).expect("a pattern")).collect();
            assert_eq!(common(&covers).map(|pattern| pattern.to_string()).as_deref(), expected, "{patterns:?}");
        }
    }

    #[test]
    fn prices_of_before_read_and_keep_their_bytes() {
        let stored = r#"{"prices":[{"pattern":{"meter":"pages"},"price":"0.14"}]}"#;
        let read: PriceList = serde_json::from_str(stored).expect("a price list");
        assert_eq!(read.prices.first().map(Price::per), Some(PricingUnit::Page));
        assert_eq!(serde_json::to_string(&read).expect("JSON"), stored);
    }
}
