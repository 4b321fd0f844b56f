//! Money: currencies, amounts in minor units, unit prices in millionths, and how products and shares
//! are rounded.
//!
//! Deliberately absent: conversion between currencies (CL28: one currency a contract), thousands
//! separators and local formats, which are the pages' business.

use crate::contract::Rounding;
use crate::meter::PricingUnit;
use report::{Defect, Share};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Currencies by ISO 4217 code, with the decimals of their minor unit.
const CURRENCIES: &[(&str, u8)] = &[
    ("AED", 2),
    ("AUD", 2),
    ("BGN", 2),
    ("BHD", 3),
    ("BRL", 2),
    ("CAD", 2),
    ("CHF", 2),
    ("CLP", 0),
    ("CNY", 2),
    ("CZK", 2),
    ("DKK", 2),
    ("EUR", 2),
    ("GBP", 2),
    ("HKD", 2),
    ("HUF", 2),
    ("ILS", 2),
    ("INR", 2),
    ("ISK", 0),
    ("JPY", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("MXN", 2),
    ("NOK", 2),
    ("NZD", 2),
    ("PLN", 2),
    ("RON", 2),
    ("RSD", 2),
    ("SEK", 2),
    ("SGD", 2),
    ("THB", 2),
    ("TND", 3),
    ("TRY", 2),
    ("UAH", 2),
    ("USD", 2),
    ("VND", 0),
    ("ZAR", 2),
];

/// Decimals of a unit price: it is kept in millionths of the currency unit.
const PRICE_PLACES: usize = 6;

/// Why money could not be read or worked out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// No such currency in our table.
    #[error("currency '{0}' is not known")]
    UnknownCurrency(String),
    /// Not plain decimal text, such as `1,234.50` or a price with seven decimals.
    #[error("'{text}' is not a plain number with at most {places} decimals")]
    NotDecimal {
        /// The text, quoted.
        text: String,
        /// How many decimals it may have.
        places: usize,
    },
    /// The result does not fit 64 bits of minor units.
    #[error("the amount does not fit")]
    Overflow,
}

/// A currency that we know. CL28: one a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Currency {
    code: &'static str,
    minor_digits: u8,
}

// Written out: the derive would tie the data read to the lifetime of the static code.
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Currency::parse(&code).map_err(serde::de::Error::custom)
    }
}

impl Currency {
    /// The currency of an ISO 4217 code; small letters are taken too.
    pub fn parse(code: &str) -> Result<Currency, MoneyError> {
        let wanted = code.trim();
        let row = CURRENCIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(wanted));
        row.map(|&(code, minor_digits)| Currency { code, minor_digits })
            .ok_or_else(|| MoneyError::UnknownCurrency(Defect::quote(code)))
    }

    /// Every currency that we know, by code.
    pub fn all() -> impl Iterator<Item = Currency> {
        CURRENCIES.iter().map(|&(code, minor_digits)| Currency { code, minor_digits })
    }

    /// The ISO 4217 code.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// Decimals of the minor unit: 2 for EUR, 0 for JPY.
    pub fn minor_digits(self) -> u8 {
        self.minor_digits
    }

    fn places(self) -> usize {
        usize::from(self.minor_digits)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code.to_owned()
    }
}

/// An amount in minor units of the contract's currency: cents for EUR, yen for JPY.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// Reads plain decimal text such as `180.00`, with at most the currency's decimals.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, MoneyError> {
        parse_decimal(text, currency.places())
            .map(Money)
            .ok_or_else(|| MoneyError::NotDecimal { text: Defect::quote(text), places: currency.places() })
    }

    /// The amount with the currency's decimals: `180.00`, in JPY `180`.
    pub fn show(self, currency: Currency) -> String {
        show_exact(self.0, currency.places(), currency.places())
    }

    /// This amount `count` times: a fee of 60.00 for 3 printers is 180.00.
    pub fn each(self, count: i64) -> Result<Money, MoneyError> {
        self.0.checked_mul(count).map(Money).ok_or(MoneyError::Overflow)
    }

    /// The sum of both.
    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        self.0.checked_add(other.0).map(Money).ok_or(MoneyError::Overflow)
    }

    /// This amount less the other.
    pub fn minus(self, other: Money) -> Result<Money, MoneyError> {
        self.0.checked_sub(other.0).map(Money).ok_or(MoneyError::Overflow)
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `top / bottom` of this amount, rounded half-up: 3/30 of 180.00 are 18.00 (W23). `bottom` is above
    /// zero; zero and below count as 1.
    pub fn part(self, top: i128, bottom: i128) -> Result<Money, MoneyError> {
        let top = i128::from(self.0).checked_mul(top).ok_or(MoneyError::Overflow)?;
        fit(divide_half_up(top, bottom.max(1)))
    }

    /// The sum of many amounts.
    pub fn sum(amounts: impl IntoIterator<Item = Money>) -> Result<Money, MoneyError> {
        let sum: i128 = amounts.into_iter().map(|amount| i128::from(amount.0)).sum();
        fit(sum)
    }

    /// A share of this amount, rounded half-up: 21 % of 357.10 is 74.99.
    pub fn share(self, rate: Share) -> Result<Money, MoneyError> {
        let top = i128::from(self.0).checked_mul(i128::from(rate.0)).ok_or(MoneyError::Overflow)?;
        fit(divide_half_up(top, 1_000_000))
    }
}

/// A price in millionths of a currency unit per pricing unit (m², m, ml, page, job).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitPrice {
    /// Millionths of a currency unit: 0.14 is 140 000.
    pub millionths: i64,
}

impl UnitPrice {
    /// Reads plain decimal text with at most six decimals, such as `0.1387`.
    pub fn parse(text: &str) -> Result<UnitPrice, MoneyError> {
        parse_decimal(text, PRICE_PLACES)
            .map(|millionths| UnitPrice { millionths })
            .ok_or_else(|| MoneyError::NotDecimal { text: Defect::quote(text), places: PRICE_PLACES })
    }

    /// The price with all its decimals, at least as many as the currency has: `0.14`, `0.1387`.
    pub fn show(self, currency: Currency) -> String {
        show_exact(self.millionths, PRICE_PLACES, currency.places())
    }

    /// `quantity` in base units times this price, rounded half-up, ties away from zero, to the
    /// currency's minor unit.
    ///
    /// 1 337.42 m² at 0.1387 is 185.500154, which is 185.50 (W27).
    pub fn times(self, quantity: i64, unit: PricingUnit, currency: Currency) -> Result<Money, MoneyError> {
        self.times_in(quantity, unit, currency, Rounding::LineHalfUp)
    }

    /// As [`UnitPrice::times`], rounded as the contract says. This is the one rounding place of a line
    /// (CL30). A price for a unit of feet takes base units too: 139.35456 m² are 1 500 ft² (W28).
    pub fn times_in(
        self,
        quantity: i64,
        unit: PricingUnit,
        currency: Currency,
        how: Rounding,
    ) -> Result<Money, MoneyError> {
        let minor = 10_i128.pow(u32::from(currency.minor_digits));
        let (base, per) = unit.ratio();
        let top = i128::from(quantity)
            .checked_mul(i128::from(self.millionths))
            .and_then(|product| product.checked_mul(minor))
            .and_then(|product| product.checked_mul(per))
            .ok_or(MoneyError::Overflow)?;
        fit(divide(top, base * 1_000_000, how.direction()))
    }
}

impl TryFrom<String> for UnitPrice {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<UnitPrice, MoneyError> {
        UnitPrice::parse(&text)
    }
}

impl From<UnitPrice> for String {
    fn from(price: UnitPrice) -> String {
        show_exact(price.millionths, PRICE_PLACES, 0)
    }
}

fn fit(amount: i128) -> Result<Money, MoneyError> {
    i64::try_from(amount).map(Money).map_err(|_| MoneyError::Overflow)
}

/// `top / bottom` to the nearest integer, ties away from zero. `bottom` must be positive.
pub(crate) fn divide_half_up(top: i128, bottom: i128) -> i128 {
    let (quotient, rest) = (top / bottom, (top % bottom).unsigned_abs());
    // Compared with what is left, so that doubling cannot overflow.
    if rest >= bottom.unsigned_abs() - rest { quotient + top.signum() } else { quotient }
}

/// Which way a rounded number goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To the nearest, ties away from zero.
    #[default]
    HalfUp,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

/// `top / bottom` as a whole number. `bottom` must be positive.
pub(crate) fn divide(top: i128, bottom: i128, direction: Direction) -> i128 {
    match direction {
        Direction::HalfUp => divide_half_up(top, bottom),
        Direction::Up if top % bottom != 0 => top / bottom + top.signum(),
        Direction::Up | Direction::Down => top / bottom,
    }
}

/// Shares `amount` by weights so that the parts sum to it exactly: each is rounded down, and what is left
/// goes one by one to those that lost most, ties by place. A weight below zero counts as zero; where none
/// is above zero, all are equal. 100 by 1, 1, 1 is 34, 33, 33.
pub fn allocate(amount: i64, weights: &[i64]) -> Vec<i64> {
    let equal = weights.iter().all(|weight| *weight <= 0);
    let weigh = |weight: &i64| if equal { 1 } else { i128::from((*weight).max(0)) };
    let sum: i128 = weights.iter().map(weigh).sum();
    if sum == 0 {
        return Vec::new();
    }
    // Of 64 bits each, so that the products fit 128.
    let products: Vec<i128> = weights.iter().map(|weight| i128::from(amount) * weigh(weight)).collect();
    let mut parts: Vec<i128> = products.iter().map(|product| product.div_euclid(sum)).collect();
    let lost = products.iter().enumerate().map(|(place, product)| (-product.rem_euclid(sum), place));
    let mut lost: Vec<(i128, usize)> = lost.collect();
    lost.sort_unstable();
    let mut rest = i128::from(amount) - parts.iter().sum::<i128>();
    for (_, place) in lost {
        if let Some(part) = parts.get_mut(place).filter(|_| rest > 0) {
            *part += 1;
            rest -= 1;
        }
    }
    // No part lies farther from zero than the amount, which fits.
    parts.into_iter().map(|part| i64::try_from(part).unwrap_or(amount)).collect()
}

/// Whole digits of a number that we take; more would not fit a quantity or an amount.
const WHOLE_MAX: usize = 15;

/// Reads plain decimal text into an integer of `places` decimals; `None` when it is anything else.
pub(crate) fn parse_decimal(text: &str, places: usize) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return None,
        Some((whole, fraction)) => (whole, fraction),
        None => (digits, ""),
    };
    if whole.is_empty() || whole.len() > WHOLE_MAX || fraction.len() > places {
        return None;
    }
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = format!("{whole}{fraction:0<places$}").parse().ok()?;
    Some(if negative { -number } else { number })
}

/// `value / 10^scale` with every digit that is not a trailing zero, and at least `least` decimals.
pub(crate) fn show_exact(value: i64, scale: usize, least: usize) -> String {
    let width = scale + 1;
    let digits = format!("{:0width$}", value.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let mut fraction = fraction.trim_end_matches('0').to_owned();
    while fraction.len() < least {
        fraction.push('0');
    }
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur() -> Currency {
        Currency::parse("EUR").unwrap()
    }

    fn times(price: &str, quantity: i64, code: &str) -> i64 {
        let currency = Currency::parse(code).unwrap();
        UnitPrice::parse(price).unwrap().times(quantity, PricingUnit::SquareMetre, currency).unwrap().0
    }

    #[test]
    fn a_product_is_rounded_once_and_half_up() {
        // Price, quantity in mm², currency, minor units.
        let cases = [
            ("0.1387", 1_337_420_000, "EUR", 18_550),
            ("0.14", 120_000_000, "EUR", 1_680),
            ("0.01", 500_000, "EUR", 1),
            ("0.01", 499_999, "EUR", 0),
            ("0.01", -500_000, "EUR", -1),
            ("0.01", -499_999, "EUR", 0),
            ("25", 1_020_000, "JPY", 26),
            ("0.0005", 1_000_000, "KWD", 1),
            ("0", 9_000_000, "EUR", 0),
        ];
        for (price, quantity, code, expected) in cases {
            assert_eq!(times(price, quantity, code), expected, "{price} × {quantity} {code}");
        }
    }

    #[test]
    fn an_amount_that_does_not_fit_is_an_error_not_a_wrap() {
        let price = UnitPrice { millionths: i64::MAX };
        assert_eq!(price.times(i64::MAX, PricingUnit::Page, eur()), Err(MoneyError::Overflow));
        assert_eq!(Money(i64::MAX).plus(Money(1)), Err(MoneyError::Overflow));
        assert_eq!(Money(i64::MIN).each(-1), Err(MoneyError::Overflow));
        assert_eq!(Money::sum([Money(i64::MAX), Money(1)]), Err(MoneyError::Overflow));
    }

    #[test]
    fn a_line_is_rounded_as_the_contract_says() {
        // Quantity in mm², at 0.01 a m²: half-up, up, down.
        let cases = [
            (1_499_999, [1, 2, 1]),
            (1_500_000, [2, 2, 1]),
            (-1_500_000, [-2, -2, -1]),
            (2_000_000, [2, 2, 2]),
            (1, [0, 1, 0]),
            (0, [0, 0, 0]),
        ];
        let price = UnitPrice::parse("0.01").expect("a price");
        for (quantity, expected) in cases {
            let found = [Rounding::LineHalfUp, Rounding::LineUp, Rounding::LineDown]
                .map(|how| price.times_in(quantity, PricingUnit::SquareMetre, eur(), how).expect("an amount").0);
            assert_eq!(found, expected, "{quantity}");
        }
    }

    #[test]
    fn a_price_for_feet_takes_metric_quantities() {
        // W28: 139.35456 m² are 1 500 ft²; at 0.05 they cost 75.00.
        let price = UnitPrice::parse("0.05").expect("a price");
        assert_eq!(price.times(139_354_560, PricingUnit::SquareFoot, eur()), Ok(Money(7_500)));
        assert_eq!(price.times(304_800 * 100, PricingUnit::Foot, eur()), Ok(Money(500)));
    }

    #[test]
    fn shares_add_up_whatever_is_shared() {
        // Amount, weights, parts.
        let cases = [
            (100, vec![1, 1, 1], vec![34, 33, 33]),
            (-100, vec![1, 1, 1], vec![-33, -33, -34]),
            (5_000, vec![400_000, 600_000], vec![2_000, 3_000]),
            (10, vec![1, 0, 2], vec![3, 0, 7]),
            (7, vec![0, -5], vec![4, 3]),
            (7, vec![-5, 1], vec![0, 7]),
            (0, vec![3, 4], vec![0, 0]),
            (9, vec![], vec![]),
            (i64::MIN, vec![1, i64::MAX], vec![-1, i64::MIN + 1]),
        ];
        for (amount, weights, expected) in cases {
            assert_eq!(allocate(amount, &weights), expected, "{amount} by {weights:?}");
        }
    }

    #[test]
    fn parts_and_differences_are_exact() {
        assert_eq!(Money(18_000).part(3, 30), Ok(Money(1_800)));
        assert_eq!(Money(-5).part(1, 2), Ok(Money(-3)));
        assert_eq!(Money(5).minus(Money(7)), Ok(Money(-2)));
        assert_eq!(Money(i64::MIN).minus(Money(1)), Err(MoneyError::Overflow));
        assert_eq!(Money(2).part(i128::MAX, 1), Err(MoneyError::Overflow));
        assert!(Money::ZERO.is_zero() && !Money(1).is_zero());
    }

    #[test]
    fn only_plain_decimals_are_read() {
        let good = [("0.14", 14), ("180", 18_000), ("180.5", 18_050), ("-3.20", -320), ("007", 700)];
        for (text, expected) in good {
            assert_eq!(Money::parse(text, eur()), Ok(Money(expected)), "{text}");
        }
        for text in ["", "-", ".5", "1.", "1,5", "1,234.50", "1.234", "1e3", "+1", "0x1", "1 000", "9999999999999999"] {
            assert!(Money::parse(text, eur()).is_err(), "{text}");
        }
        assert!(Money::parse("1.5", Currency::parse("JPY").unwrap()).is_err(), "yen have no decimals");
    }

    #[test]
    fn amounts_show_the_decimals_of_their_currency() {
        let yen = Currency::parse("jpy").unwrap();
        assert_eq!(Money(35_710).show(eur()), "357.10");
        assert_eq!(Money(-5).show(eur()), "-0.05");
        assert_eq!(Money(26).show(yen), "26");
        assert_eq!(UnitPrice { millionths: 138_700 }.show(eur()), "0.1387");
        assert_eq!(UnitPrice { millionths: 2_600_000 }.show(eur()), "2.60");
        assert_eq!(UnitPrice { millionths: 25_000_000 }.show(yen), "25");
        assert_eq!(Money(i64::MIN).show(eur()), "-92233720368547758.08");
    }

    #[test]
    fn an_unknown_currency_is_named() {
        assert_eq!(Currency::parse("XXQ"), Err(MoneyError::UnknownCurrency("XXQ".to_owned())));
    }

    #[test]
    fn a_currency_and_a_price_are_stored_as_text() {
        let stored = serde_json::to_string(&(eur(), UnitPrice { millionths: 140_000 })).unwrap();
        assert_eq!(stored, r#"["EUR","0.14"]"#);
        let read: (Currency, UnitPrice) = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, (eur(), UnitPrice { millionths: 140_000 }));
    }
}
