//! CL17: prices that rise on agreed days, by a rate or with an index.
//!
//! Every raise until the period's start makes one factor, and each price of the contract is multiplied by
//! it once, so that no rounding adds up over the years. Rating works on the terms that come of it; the
//! contract version stays as it was written. Deliberately absent: where index values come from, and a
//! raise inside a period.

use super::tax::percent;
use super::{Checked, Clause, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step, Terms};
use crate::events::IndexValue;
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money, MoneyError, UnitPrice, divide_half_up, show_exact};
use crate::period::{Day, PeriodError};
use crate::rating::{Input, RatingError};
use report::Share;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A factor of one: factors are kept in billionths.
const ONE: i128 = 1_000_000_000;

/// Decimals of a factor.
const FACTOR_PLACES: usize = 9;

/// Billionths in a part per million.
const PER_SHARE: i128 = 1_000;

/// Decimals that a unit price can have.
const PRICE_PLACES: u8 = 6;

/// Months between two raises at most.
const MONTHS_MAX: u32 = 1_200;

/// Which prices rise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Raises {
    /// Fees.
    #[default]
    Fees,
    /// Prices of units.
    Prices,
    /// Smallest amounts.
    Minimums,
    /// All of them.
    All,
}

/// By what prices rise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByWhat {
    /// By a rate.
    #[default]
    Fixed,
    /// With an index.
    Index,
}

/// Terms of an escalation. CL17.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// Which prices rise.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub raises: Raises,
    /// Only those of these clauses, by their keys; empty: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// By what.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub by: ByWhat,
    /// The rate of a raise, parts per million.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub rate: Share,
    /// The name of the index.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub index: String,
    /// The value of the index that the prices of the contract stand for; absent: its value a turn before
    /// the first raise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<UnitPrice>,
    /// The day of the first raise.
    pub first: Day,
    /// After how many months the next raise follows; 0: there is one.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub every_months: u32,
    /// No raise is by more than this, parts per million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Share>,
    /// No raise is by less than this, parts per million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Share>,
    /// Whether a raise is on the price that was raised before, or on the contract's.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub compound: bool,
    /// Decimals of a raised unit price, at most 6; amounts are rounded to the minor unit.
    #[serde(default = "usual_places")]
    pub places: u8,
}

/// Unit prices of square metres have four decimals in most contracts.
fn usual_places() -> u8 {
    4
}

impl Default for Escalation {
    /// Fees that rise by nothing, on no day that matters: for forms that are filled later.
    fn default() -> Escalation {
        Escalation {
            raises: Raises::default(),
            keys: Vec::new(),
            by: ByWhat::default(),
            rate: Share::default(),
            index: String::new(),
            base: None,
            first: Day::default(),
            every_months: 0,
            cap: None,
            floor: None,
            compound: false,
            places: usual_places(),
        }
    }
}

impl ClauseTerms for Escalation {
    const FORM: &'static [Field] = &[
        field(
            "raises",
            "What rises",
            Kind::Choice(&[
                ("fees", "fees"),
                ("prices", "prices of units"),
                ("minimums", "smallest amounts"),
                ("all", "all of them"),
            ]),
        ),
        field("keys", "Only of the clauses", Kind::Printers).hint("their keys, one a line; empty: of all"),
        field("by", "By", Kind::Choice(&[("fixed", "a rate"), ("index", "an index")])),
        field("rate", "Rate", Kind::Percent),
        field("index", "Index", Kind::Text).hint("its name in the table of indices"),
        field("base", "Value of the index now", Kind::Price).hint("that these prices stand for"),
        field("first", "First raise", Kind::Day).required(),
        field("every_months", "Then every", Kind::Count).hint("months; 0: once"),
        field("cap", "At most", Kind::Percent).hint("a raise"),
        field("floor", "At least", Kind::Percent).hint("a raise"),
        field("compound", "On the price raised before", Kind::Flag),
        field("places", "Decimals of unit prices", Kind::Count).hint("empty: 4"),
    ];
    const ABOUT: &'static str = "CL17: prices that rise by a rate or an index.";

    fn step(&self) -> Step {
        Step::Readings
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let what = match self.raises {
            Raises::Fees => "Fees",
            Raises::Prices => "Prices of units",
            Raises::Minimums => "Smallest amounts",
            Raises::All => "Fees, prices of units and smallest amounts",
        };
        let of = if self.keys.is_empty() { String::new() } else { format!(" of {}", self.keys.join(", ")) };
        let base = self.base.map_or_else(String::new, |base| format!(", from its value {}", String::from(base)));
        let by = match self.by {
            ByWhat::Fixed => format!("by {}", percent(self.rate)),
            ByWhat::Index => format!("with the index {}{base}", self.index),
        };
        let first = self.first;
        let mut words = vec![match self.every_months {
            0 => format!("{what}{of} rise once, on {first}, {by}."),
            1 => format!("{what}{of} rise on {first} and each month after, {by}."),
            months => format!("{what}{of} rise on {first} and every {months} months after, {by}."),
        }];
        let limits = [("at least", self.floor), ("at most", self.cap)];
        let limits: Vec<String> = limits
            .into_iter()
            .filter_map(|(word, limit)| limit.map(|limit| format!("{word} by {}", percent(limit))))
            .collect();
        if !limits.is_empty() {
            words.push(format!("A raise is {}.", limits.join(" and ")));
        }
        if self.every_months > 0 {
            let on = if self.compound { "that was raised before" } else { "of the contract" };
            words.push(format!("Each raise is on the price {on}."));
        }
        let smallest = Money(1).show(currency);
        words.push(format!("A raised price of a unit has at most {} decimals, an amount {smallest}.", self.places));
        words
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        let mut refuse = |path: &str, message: &str| problems.push(Problem::at(at.at(path), message));
        if !(0..=1_000_000).contains(&self.rate.0) {
            refuse("rate", "a rate lies between 0 % and 100 %");
        }
        for (path, limit) in [("cap", self.cap), ("floor", self.floor)] {
            if limit.is_some_and(|limit| limit.0 < 0) {
                refuse(path, "a limit cannot be below zero");
            }
        }
        if let (Some(floor), Some(cap)) = (self.floor, self.cap)
            && floor > cap
        {
            refuse("floor", "this limit lies above the other");
        }
        if self.every_months > MONTHS_MAX {
            refuse("every_months", "raises are at most 1200 months apart");
        }
        if self.places > PRICE_PLACES {
            refuse("places", "a price of a unit has at most 6 decimals");
        }
        if self.by == ByWhat::Index {
            if self.index.trim().is_empty() {
                refuse("index", "say which index");
            }
            match self.base {
                Some(base) if base.millionths <= 0 => refuse("base", "the value of an index lies above zero"),
                None if self.every_months == 0 => refuse("base", "say which value of the index the prices stand for"),
                _ => {}
            }
        }
        if let Some(key) = self.keys.iter().find(|key| at.terms.index_of(key).is_none()) {
            refuse("keys", &format!("no clause is called {key}"));
        }
    }

    fn lint(&self, field: &str, _terms: &Terms) -> Vec<Problem> {
        let mut odd = Vec::new();
        if self.by == ByWhat::Fixed && self.rate.0 == 0 && self.floor.is_none() {
            odd.push(Problem::at(format!("{field}.rate"), "a raise by nothing"));
        }
        if self.by == ByWhat::Index && self.cap.is_none() {
            odd.push(Problem::at(format!("{field}.cap"), "nothing limits how far prices follow the index"));
        }
        if self.by == ByWhat::Index && self.every_months > 0 && !self.compound {
            let message = "each change of the index is added to the contract's price: after the second raise prices no \
                           longer stand where the index does";
            odd.push(Problem::at(format!("{field}.compound"), message));
        }
        odd
    }
}

/// All raises until a day.
struct Raised {
    /// Their factor, in billionths.
    factor: i128,
    count: u32,
    /// The last of them, for the words of a price that was raised once.
    last: One,
}

/// One raise.
struct One {
    /// Its factor as the rate or the index gives it.
    plain: i128,
    /// Its factor within the limits.
    held: i128,
    /// `1.03` or `113.9/108.2`.
    words: String,
}

impl Escalation {
    /// The day of a raise, counted from 0; −1 is a turn before the first.
    fn day(&self, number: i64) -> Result<Day, PeriodError> {
        let months = number.saturating_mul(i64::from(self.every_months));
        self.first.plus_months(i32::try_from(months).unwrap_or(i32::MAX))
    }

    /// The value of the index on a day: the last from then or before.
    fn value(&self, day: Day, clause: usize, input: &Input) -> Result<i64, RatingError> {
        let missing =
            |message: String| RatingError::Terms(vec![Problem::at(format!("clauses.{clause}.index"), message)]);
        let values: &[IndexValue] = input.tables.indices.get(&self.index).map_or(&[], Vec::as_slice);
        let known = values.iter().filter(|value| value.day <= day).max_by_key(|value| value.day);
        let Some(value) = known else {
            return Err(missing(format!("the index {} has no value for {day}", self.index)));
        };
        if value.value.millionths <= 0 {
            return Err(missing(format!("the index {} is not above zero on {}", self.index, value.day)));
        }
        Ok(value.value.millionths)
    }

    /// One raise, counted from 0.
    fn one(&self, number: i64, clause: usize, input: &Input) -> Result<One, RatingError> {
        let (plain, words) = match self.by {
            ByWhat::Fixed => {
                let plain = ONE + PER_SHARE * i128::from(self.rate.0);
                (plain, factor_in_words(plain))
            }
            ByWhat::Index => {
                let now = self.value(self.day(number)?, clause, input)?;
                let before = match self.base {
                    Some(base) if number == 0 => base.millionths,
                    _ => self.value(self.day(number - 1)?, clause, input)?,
                };
                let words = [now, before].map(|millionths| String::from(UnitPrice { millionths })).join("/");
                (divide_half_up(i128::from(now) * ONE, i128::from(before.max(1))), words)
            }
        };
        let limit = |share: Share| ONE + PER_SHARE * i128::from(share.0);
        let floored = self.floor.map_or(plain, |floor| plain.max(limit(floor)));
        let held = self.cap.map_or(floored, |cap| floored.min(limit(cap)));
        Ok(One { plain, held, words })
    }

    /// All raises until a day; `None` before the first.
    fn raised(&self, until: Day, clause: usize, input: &Input) -> Result<Option<Raised>, RatingError> {
        let mut raised: Option<Raised> = None;
        for number in 0.. {
            if self.day(number)? > until {
                break;
            }
            let last = self.one(number, clause, input)?;
            let (before, count) = raised.as_ref().map_or((ONE, 0), |raised| (raised.factor, raised.count));
            let factor = if self.compound {
                let product = before.checked_mul(last.held).ok_or(MoneyError::Overflow);
                divide_half_up(product.map_err(RatingError::at("an escalation"))?, ONE)
            } else {
                // Prices that fell below nothing would turn the bill around.
                (before + last.held - ONE).max(0)
            };
            raised = Some(Raised { factor, count: count + 1, last });
            if self.every_months == 0 {
                break;
            }
        }
        Ok(raised)
    }

    /// Raises a price, and says so where it changed.
    fn raise(
        &self,
        price: PriceMut<'_>,
        raised: &Raised,
        key: &str,
        currency: Currency,
    ) -> Result<Option<String>, RatingError> {
        let least = usize::from(self.places.max(currency.minor_digits()));
        let (number, step, is_unit) = match price {
            PriceMut::Unit(price) if matches!(self.raises, Raises::Prices | Raises::All) => {
                let step = 10_i128.pow(u32::from(PRICE_PLACES.saturating_sub(self.places)));
                (&mut price.millionths, step, true)
            }
            PriceMut::Fee(amount) if matches!(self.raises, Raises::Fees | Raises::All) => (&mut amount.0, 1, false),
            PriceMut::Minimum(amount) if matches!(self.raises, Raises::Minimums | Raises::All) => {
                (&mut amount.0, 1, false)
            }
            PriceMut::Unit(_) | PriceMut::Fee(_) | PriceMut::Minimum(_) => return Ok(None),
        };
        let old = *number;
        let new = times(old, raised.factor, step).map_err(RatingError::at(key))?;
        if new == old {
            return Ok(None);
        }
        *number = new;
        let show = |number: i64, least: usize| {
            let places = usize::from(PRICE_PLACES);
            if is_unit { show_exact(number, places, least.min(places)) } else { Money(number).show(currency) }
        };
        let (was, now) = (show(old, usize::from(currency.minor_digits())), show(new, least));
        if raised.count > 1 {
            let factor = factor_in_words(raised.factor);
            return Ok(Some(format!("{key}: {was} × {factor} = {now}, after {} raises.", raised.count)));
        }
        let One { plain, held, words } = &raised.last;
        let unlimited = times(old, *plain, step).map_err(RatingError::at(key))?;
        if unlimited == new {
            return Ok(Some(format!("{key}: {was} × {words} = {now}.")));
        }
        let share = Share(i64::try_from((held - ONE) / PER_SHARE).unwrap_or(i64::MAX));
        let (unlimited, share) = (show(unlimited, least), percent(share));
        Ok(Some(format!("{key}: {was} × {words} = {unlimited}, held to {share}: {now}.")))
    }
}

/// A price times a factor, half-up to a multiple of `step`: 0.14 × 1.05 to four decimals is 0.1470 (W9).
fn times(number: i64, factor: i128, step: i128) -> Result<i64, MoneyError> {
    let top = i128::from(number).checked_mul(factor).ok_or(MoneyError::Overflow)?;
    let raised = divide_half_up(top, ONE * step).checked_mul(step).ok_or(MoneyError::Overflow)?;
    i64::try_from(raised).map_err(|_| MoneyError::Overflow)
}

fn factor_in_words(factor: i128) -> String {
    let shown = i64::try_from(factor).map(|factor| show_exact(factor, FACTOR_PLACES, 0));
    shown.unwrap_or_else(|_| format!("{factor} / {ONE}"))
}

/// The terms as they are in the period, with each price raised, and what is to be said of it. Escalations
/// are applied one after the other.
///
/// An error where an index has no value for the day of a raise.
pub(crate) fn escalated(input: &Input) -> Result<(Cow<'_, Terms>, Vec<String>), RatingError> {
    let is_escalation = |clause: &Clause| matches!(clause, Clause::Escalation(_));
    if !input.terms.clauses.iter().any(is_escalation) {
        return Ok((Cow::Borrowed(&input.terms), Vec::new()));
    }
    let (mut terms, mut notes) = (input.terms.clone(), Vec::new());
    let today = Day::of(input.period.start, &input.terms.time_zone)?;
    for (place, clause) in input.terms.clauses.iter().enumerate() {
        let Clause::Escalation(rule) = clause else { continue };
        let Some(raised) = rule.raised(today, place, input)? else { continue };
        for (index, clause) in terms.clauses.iter_mut().enumerate() {
            let key = input.terms.key_of(index);
            if !rule.keys.is_empty() && !rule.keys.contains(&key) {
                continue;
            }
            for price in clause.prices() {
                notes.extend(rule.raise(price, &raised, &key, input.terms.currency)?);
            }
        }
    }
    Ok((Cow::Owned(terms), notes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::base_fee::BaseFee;
    use crate::events::Tables;
    use crate::period::{Month, Period};
    use crate::sample;
    use std::collections::BTreeMap;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn input(month: &str, rule: Escalation, values: &[(&str, &str)]) -> Input {
        let fee = BaseFee { amount: Money(10_000), ..BaseFee::default() };
        let clauses = vec![Clause::BaseFee(fee), Clause::Escalation(rule)];
        let value =
            |(on, value): &(&str, &str)| IndexValue { day: day(on), value: UnitPrice::parse(value).expect("a value") };
        let values: Vec<IndexValue> = values.iter().map(value).collect();
        let terms = Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") };
        let period = Period::of_month(Month::parse(month).expect("a month"), "UTC").expect("a period");
        let tables = Tables { indices: BTreeMap::from([("CPI".to_owned(), values)]) };
        Input { tables, ..sample::input(terms, period, Vec::new()) }
    }

    /// The base fee of 100.00 as it is in a month.
    fn fee(month: &str, rule: &Escalation, values: &[(&str, &str)]) -> Result<i64, RatingError> {
        let input = input(month, rule.clone(), values);
        let (terms, _) = escalated(&input)?;
        Ok(terms.rule::<BaseFee>().map_or(0, |fee| fee.amount.0))
    }

    #[test]
    fn a_raise_counts_from_its_day_on_and_compounds_where_it_says_so() {
        let plain =
            Escalation { rate: Share(100_000), first: day("2026-02-01"), every_months: 12, ..Escalation::default() };
        let compound = Escalation { compound: true, ..plain.clone() };
        let once = Escalation { every_months: 0, ..plain.clone() };
        // Month, the fee by each.
        let cases = [
            ("2026-01", [10_000, 10_000, 10_000]),
            ("2026-02", [11_000, 11_000, 11_000]),
            ("2027-01", [11_000, 11_000, 11_000]),
            ("2027-02", [12_000, 12_100, 11_000]),
            ("2028-02", [13_000, 13_310, 11_000]),
        ];
        for (month, expected) in cases {
            let found = [&plain, &compound, &once].map(|rule| fee(month, rule, &[]));
            assert_eq!(found, expected.map(Ok), "{month}");
        }
    }

    #[test]
    fn an_index_is_held_between_its_limits_and_must_be_known() {
        let rule = Escalation {
            by: ByWhat::Index,
            index: "CPI".to_owned(),
            first: day("2026-01-01"),
            every_months: 12,
            cap: Some(Share(50_000)),
            floor: Some(Share(10_000)),
            ..Escalation::default()
        };
        let values = [("2025-01-01", "100"), ("2026-01-01", "110"), ("2027-01-01", "110.5")];
        // 10 % is held to 5 %, then 0.45 % to 1 %.
        assert_eq!(fee("2026-01", &rule, &values), Ok(10_500));
        assert_eq!(fee("2027-01", &rule, &values), Ok(10_600));
        let missing = fee("2026-01", &rule, values.get(1..).unwrap_or_default());
        let problem = Problem::at("clauses.1.index", "the index CPI has no value for 2025-01-01");
        assert_eq!(missing, Err(RatingError::Terms(vec![problem])));
    }

    #[test]
    fn an_index_that_prices_do_not_keep_to_is_odd() {
        let index =
            Escalation { by: ByWhat::Index, index: "CPI".to_owned(), every_months: 12, ..Escalation::default() };
        let held = Escalation { cap: Some(Share(50_000)), ..index.clone() };
        let cases = [
            (index, vec!["c.cap", "c.compound"]),
            (Escalation { every_months: 0, ..held.clone() }, vec![]),
            (Escalation { compound: true, ..held.clone() }, vec![]),
            (held, vec!["c.compound"]),
            (Escalation::default(), vec!["c.rate"]),
        ];
        let terms = Terms::new(Currency::parse("EUR").expect("a currency"), "UTC");
        for (rule, expected) in cases {
            let odd = rule.lint("c", &terms);
            assert_eq!(odd.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn terms_are_said_in_words() {
        let rule = Escalation {
            raises: Raises::Prices,
            by: ByWhat::Index,
            index: "CPI".to_owned(),
            base: Some(UnitPrice { millionths: 108_200_000 }),
            first: day("2026-07-01"),
            every_months: 12,
            cap: Some(Share(50_000)),
            compound: true,
            ..Escalation::default()
        };
        let expected = [
            "Prices of units rise on 2026-07-01 and every 12 months after, with the index CPI, from its value 108.2.",
            "A raise is at most by 5 %.",
            "Each raise is on the price that was raised before.",
            "A raised price of a unit has at most 4 decimals, an amount 0.01.",
        ];
        assert_eq!(rule.in_words(Currency::parse("EUR").expect("a currency")), expected);
    }
}
