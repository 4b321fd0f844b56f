//! Decimal text into the floating point number that a spreadsheet's cell holds: the one place with floats.
//!
//! Deliberately absent: arithmetic. A cell's number is what the text says, or the nearest there is.

/// Digits that a floating point number of 64 bits holds for certain.
const DIGITS: usize = 15;

/// The number of a plain decimal text; `None` where it is none.
pub(super) fn number(plain: &str) -> Option<f64> {
    plain.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether the cell's number is exactly what the text says.
pub(super) fn is_exact(plain: &str) -> bool {
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    let digits = if plain.contains('.') { digits.trim_end_matches('0') } else { digits };
    digits.len() <= DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_many_digits_are_known_as_inexact() {
        let cases = [
            ("120.000001", true),
            ("0.00", true),
            ("-16.80", true),
            ("123456789012345", true),
            ("1234567890123.450000", true),
            ("1234567890123.456", false),
            ("1234567890123456", false),
        ];
        for (plain, expected) in cases {
            assert_eq!(is_exact(plain), expected, "{plain}");
            assert!(number(plain).is_some(), "{plain}");
        }
        assert!(number("=1+1").is_none() && number("inf").is_none());
    }
}
