//! Integer units of Appendix A: area mm², length µm, ink nl, time in milliseconds, shares in
//! parts per million. Numbers enter as decimal text and are rounded half-even to the unit once.
//!
//! Deliberately absent: floating point, any clock and any randomness; [`Surroundings`] only gives
//! their types a name, so that programs can pass them in.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);
    };
}

quantity!(
    /// An area in mm². 1 m² = 1 000 000 mm².
    Area
);
quantity!(
    /// A length in µm. 1 m = 1 000 000 µm.
    Length
);
quantity!(
    /// A volume of ink in nl (nanolitres). 1 ml = 1 000 000 nl.
    Ink
);
quantity!(
    /// An instant in UTC, milliseconds since 1970-01-01T00:00:00Z.
    Instant
);
quantity!(
    /// A span of time in milliseconds.
    Duration
);
quantity!(
    /// A share in parts per million: 10 % is 100 000.
    Share
);

/// Where "now" comes from. It is injected at a program's `main`, so that tests and the demo own it.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Where unpredictable bytes come from. Injected like [`Clock`].
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What a program takes from outside itself besides its input: time and randomness.
#[derive(Clone)]
pub struct Surroundings {
    /// The time.
    pub clock: Clock,
    /// Unpredictable bytes.
    pub entropy: Entropy,
}

impl Surroundings {
    /// The time now.
    pub fn now(&self) -> Instant {
        (self.clock)()
    }

    /// `N` unpredictable bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.entropy)(&mut bytes);
        bytes
    }
}

impl Instant {
    /// Reads an RFC 3339 timestamp with a zone, as printers give it.
    pub fn parse(text: &str) -> Option<Instant> {
        let timestamp: jiff::Timestamp = text.trim().parse().ok()?;
        Some(Instant(timestamp.as_millisecond()))
    }

    /// This instant moved by `duration`; saturates at the ends of time.
    pub fn plus(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(duration.0))
    }

    /// The span from `earlier` to here; negative when `earlier` is later.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC, to the second: `2026-10-31T17:05:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0.div_euclid(1000)) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) => write!(f, "{} ms since 1970", self.0),
        }
    }
}

impl Duration {
    /// `minutes` as a duration.
    pub const fn minutes(minutes: i64) -> Duration {
        Duration(minutes * 60_000)
    }
    /// `hours` as a duration.
    pub const fn hours(hours: i64) -> Duration {
        Duration(hours * 3_600_000)
    }
}

/// A decimal number exactly as a printer wrote it: `mantissa / 10^scale`. Stored as its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// Digits that a printer's number may have before we call it odd.
const DIGITS_MAX: usize = 24;

impl Decimal {
    /// Reads plain decimal text such as `5.368056`, `-1` or `1.5e3`; `None` when it is not a number.
    pub fn parse(text: &str) -> Option<Decimal> {
        let text = text.trim();
        let (text, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        if !(-12..=12).contains(&exponent) {
            return None;
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.len() + fraction.len() > DIGITS_MAX || whole.len() + fraction.len() == 0 {
            return None;
        }
        if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        let mut scale = i32::try_from(fraction.len()).ok()? - exponent;
        if scale < 0 {
            mantissa *= 10_i128.pow(scale.unsigned_abs());
            scale = 0;
        }
        Some(Decimal { mantissa: if negative { -mantissa } else { mantissa }, scale: scale.unsigned_abs() })
    }

    /// The number times `numerator / denominator`, rounded half-even to an integer.
    /// `None` when the result does not fit.
    pub fn times(self, numerator: i128, denominator: i128) -> Option<i64> {
        let top = self.mantissa.checked_mul(numerator)?;
        let bottom = 10_i128.checked_pow(self.scale)?.checked_mul(denominator)?;
        i64::try_from(divide_half_even(top, bottom)).ok()
    }

    /// The exact product of two decimals.
    pub fn product(self, other: Decimal) -> Option<Decimal> {
        Some(Decimal { mantissa: self.mantissa.checked_mul(other.mantissa)?, scale: self.scale + other.scale })
    }

    /// Whether the number is below zero.
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }
}

impl fmt::Display for Decimal {
    /// The number with the decimals it was written with: `0.540`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At most 24 digits and an exponent of at most 12 make at most 36 decimals.
        let scale = usize::try_from(self.scale).unwrap_or(0);
        let digits = format!("{:0width$}", self.mantissa.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if self.is_negative() { "-" } else { "" };
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

impl TryFrom<String> for Decimal {
    type Error = String;

    fn try_from(text: String) -> Result<Decimal, String> {
        Decimal::parse(&text).ok_or_else(|| format!("'{}' is not a number", crate::Defect::quote(&text)))
    }
}

impl From<Decimal> for String {
    fn from(number: Decimal) -> String {
        number.to_string()
    }
}

/// `top / bottom` rounded to the nearest integer, ties to even. `bottom` must be positive.
pub fn divide_half_even(top: i128, bottom: i128) -> i128 {
    let (quotient, rest) = (top.div_euclid(bottom), top.rem_euclid(bottom));
    // Compared as `rest` against what is left, so that doubling cannot overflow.
    match rest.cmp(&(bottom - rest)) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

/// The unit names printers use for a quantity, and what one of them is in our integer unit.
fn factor(table: &[(&str, i128, i128)], unit: &str) -> Option<(i128, i128)> {
    let unit = unit.trim();
    table.iter().find(|row| row.0.eq_ignore_ascii_case(unit)).map(|row| (row.1, row.2))
}

/// Units of length: words of the printers' own documents, of their pages and of the Printer MIB (RFC 3805).
const LENGTHS: &[(&str, i128, i128)] = &[
    ("in", 25_400, 1),
    ("inch", 25_400, 1),
    ("inches", 25_400, 1),
    ("mm", 1_000, 1),
    ("millimeters", 1_000, 1),
    ("millimetres", 1_000, 1),
    ("cm", 10_000, 1),
    ("centimeters", 10_000, 1),
    ("centimetres", 10_000, 1),
    ("m", 1_000_000, 1),
    ("meters", 1_000_000, 1),
    ("metres", 1_000_000, 1),
    ("ft", 304_800, 1),
    ("feet", 304_800, 1),
    ("um", 1, 1),
    // The micro sign, and the Greek letter that looks like it.
    ("\u{b5}m", 1, 1),
    ("\u{3bc}m", 1, 1),
    ("micrometers", 1, 1),
    ("micrometres", 1, 1),
    ("hundredthsOfMillimeters", 10, 1),
    ("tenThousandthsOfInches", 254, 100),
];
/// Units of area.
const AREAS: &[(&str, i128, i128)] = &[
    ("m2", 1_000_000, 1),
    ("m²", 1_000_000, 1),
    ("m^2", 1_000_000, 1),
    ("sqm", 1_000_000, 1),
    ("sq m", 1_000_000, 1),
    ("squareMeters", 1_000_000, 1),
    ("mm2", 1, 1),
    ("mm²", 1, 1),
    ("cm2", 100, 1),
    ("cm²", 100, 1),
    ("in2", 64_516, 100),
    ("in²", 64_516, 100),
    ("in^2", 64_516, 100),
    ("sqin", 64_516, 100),
    ("sq in", 64_516, 100),
    ("squareInches", 64_516, 100),
    ("ft2", 9_290_304, 100),
    ("ft²", 9_290_304, 100),
    ("ft^2", 9_290_304, 100),
    ("sqft", 9_290_304, 100),
    ("sq ft", 9_290_304, 100),
    ("squareFeet", 9_290_304, 100),
];
/// Units of volume. A fluid ounce is that of the United States: 29.573 529 562 5 ml.
const INKS: &[(&str, i128, i128)] = &[
    ("cc", 1_000_000, 1),
    ("cm3", 1_000_000, 1),
    ("cm³", 1_000_000, 1),
    ("cubicCentimeters", 1_000_000, 1),
    ("ml", 1_000_000, 1),
    ("milliliters", 1_000_000, 1),
    ("millilitres", 1_000_000, 1),
    ("tenthsOfMilliliters", 100_000, 1),
    ("tenthsOfMillilitres", 100_000, 1),
    ("ul", 1_000, 1),
    ("\u{b5}l", 1_000, 1),
    ("\u{3bc}l", 1_000, 1),
    ("microliters", 1_000, 1),
    ("microlitres", 1_000, 1),
    ("l", 1_000_000_000, 1),
    ("liters", 1_000_000_000, 1),
    ("litres", 1_000_000_000, 1),
    ("nl", 1, 1),
    ("nanoliters", 1, 1),
    ("nanolitres", 1, 1),
    ("hundredthsOfFluidOunces", 295_735_295_625, 1_000_000),
    // As the Printer MIB itself spells it.
    ("hundrethsOfFluidOunces", 295_735_295_625, 1_000_000),
];

impl Length {
    /// `number` of `unit`; `None` when the unit is unknown or the result does not fit.
    pub fn from_unit(number: Decimal, unit: &str) -> Option<Length> {
        let (top, bottom) = factor(LENGTHS, unit)?;
        number.times(top, bottom).map(Length)
    }
}

impl Area {
    /// `number` of `unit`; `None` when the unit is unknown or the result does not fit.
    pub fn from_unit(number: Decimal, unit: &str) -> Option<Area> {
        let (top, bottom) = factor(AREAS, unit)?;
        number.times(top, bottom).map(Area)
    }

    /// The area of a page, from its sides as the printer wrote them, rounded once.
    ///
    /// `8 in × 10 in = 51 612.8 mm²`, rounded to 51 613.
    pub fn from_sides(width: (Decimal, &str), height: (Decimal, &str), copies: i64) -> Option<Area> {
        let (width_top, width_bottom) = factor(LENGTHS, width.1)?;
        let (height_top, height_bottom) = factor(LENGTHS, height.1)?;
        let top = width_top.checked_mul(height_top)?.checked_mul(i128::from(copies))?;
        // µm² to mm².
        let bottom = width_bottom.checked_mul(height_bottom)?.checked_mul(1_000_000)?;
        width.0.product(height.0)?.times(top, bottom).map(Area)
    }
}

impl Ink {
    /// `number` of `unit`; `None` when the unit is unknown or the result does not fit.
    pub fn from_unit(number: Decimal, unit: &str) -> Option<Ink> {
        let (top, bottom) = factor(INKS, unit)?;
        number.times(top, bottom).map(Ink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).expect("a number")
    }

    #[test]
    fn fifteen_hundred_square_feet_are_exactly_139_35456_square_metres() {
        assert_eq!(Area::from_unit(decimal("1500"), "ft2"), Some(Area(139_354_560)));
    }

    #[test]
    fn a_page_is_rounded_half_even_once() {
        assert_eq!(Area::from_sides((decimal("8"), "in"), (decimal("10"), "in"), 1), Some(Area(51_613)));
        // Two copies are rounded together, not each.
        assert_eq!(Area::from_sides((decimal("8"), "in"), (decimal("10"), "in"), 2), Some(Area(103_226)));
    }

    #[test]
    fn ties_go_to_even() {
        assert_eq!(divide_half_even(5, 10), 0);
        assert_eq!(divide_half_even(15, 10), 2);
        assert_eq!(divide_half_even(-5, 10), 0);
        assert_eq!(divide_half_even(-15, 10), -2);
    }

    #[test]
    fn units_mean_the_same_in_every_word_that_printers_use() {
        let length = |text: &str, unit: &str| Length::from_unit(decimal(text), unit);
        assert_eq!(length("360000", "tenThousandthsOfInches"), Some(Length(914_400)));
        assert_eq!(length("91440", "hundredthsOfMillimeters"), Some(Length(914_400)));
        assert_eq!(length("36", "Inches"), length("914.4", "MM"));
        assert_eq!(length("7", "\u{b5}m"), length("7", "micrometers"));
        let area = |text: &str, unit: &str| Area::from_unit(decimal(text), unit);
        assert_eq!(area("1500", "ft²"), area("1500", "sq ft"));
        assert_eq!(area("6.5451", "m²"), Some(Area(6_545_100)));
        let ink = |text: &str, unit: &str| Ink::from_unit(decimal(text), unit);
        assert_eq!(ink("231", "tenthsOfMilliliters"), Some(Ink(23_100_000)));
        assert_eq!(ink("23.1", "milliliters"), ink("23100", "microliters"));
        assert_eq!(ink("100", "hundrethsOfFluidOunces"), Some(Ink(29_573_530)));
        assert_eq!((length("1", "ml"), area("1", "mm"), ink("1", "percent")), (None, None, None));
    }

    #[test]
    fn what_is_not_a_number_is_none() {
        for text in ["", "n/a", "1,5", "0x10", "NaN", "1.2.3", "1e99", "9999999999999999999999999"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_shows_as_it_was_written() {
        for text in ["0.543", "12", "-0.05", "0.540", "100.00"] {
            assert_eq!(decimal(text).to_string(), text);
            assert_eq!(Decimal::try_from(text.to_owned()), Ok(decimal(text)));
        }
        assert_eq!(decimal("1.5e3").to_string(), "1500");
        assert!(Decimal::try_from("much".to_owned()).is_err());
    }

    #[test]
    fn instants_read_and_show_rfc_3339() {
        let instant = Instant::parse("2026-05-23T12:52:07Z").expect("a timestamp");
        assert_eq!(instant.to_string(), "2026-05-23T12:52:07Z");
        assert_eq!(Instant::parse("23/05/2026"), None);
    }
}
