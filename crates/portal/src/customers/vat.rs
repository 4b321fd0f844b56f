//! The plain formats of VAT numbers, by the two letters before them.
//!
//! They are those that the European Commission's register takes, and those of a few neighbours. Deliberately absent:
//! check digits, and asking a register whether a number was given to somebody.

/// Letters and digits of a number of a country that is not listed.
const OTHER: std::ops::RangeInclusive<usize> = 2..=20;

/// What may follow the two letters: `9` a digit, `a` a letter, `x` either, `*` either or one of `+` and `*`, and any
/// other sign itself. Beside it, a number that reads so.
static FORMATS: [(&str, &[&str], &str); 34] = [
    ("AT", &["U99999999"], "ATU12345678"),
    ("BE", &["0999999999", "1999999999"], "BE0123456789"),
    ("BG", &["999999999", "9999999999"], "BG123456789"),
    ("CH", &["E999999999", "E999999999MWST", "E999999999TVA", "E999999999IVA"], "CHE123456789MWST"),
    ("CY", &["99999999a"], "CY12345678X"),
    ("CZ", &["99999999", "999999999", "9999999999"], "CZ12345678"),
    ("DE", &["999999999"], "DE123456789"),
    ("DK", &["99999999"], "DK12345678"),
    ("EE", &["999999999"], "EE123456789"),
    ("EL", &["999999999"], "EL123456789"),
    ("ES", &["a9999999x", "99999999a"], "ESB12345678"),
    ("FI", &["99999999"], "FI12345678"),
    ("FR", &["xx999999999"], "FR12345678901"),
    ("GB", &["999999999", "999999999999", "GD999", "HA999"], "GB123456789"),
    ("HR", &["99999999999"], "HR12345678901"),
    ("HU", &["99999999"], "HU12345678"),
    ("IE", &["9*99999a", "9999999aa"], "IE1234567X"),
    ("IT", &["99999999999"], "IT12345678901"),
    ("LI", &["99999"], "LI12345"),
    ("LT", &["999999999", "999999999999"], "LT123456789"),
    ("LU", &["99999999"], "LU12345678"),
    ("LV", &["99999999999"], "LV12345678901"),
    ("MT", &["99999999"], "MT12345678"),
    ("NL", &["999999999B99"], "NL123456789B01"),
    ("NO", &["999999999", "999999999MVA"], "NO123456789MVA"),
    ("PL", &["9999999999"], "PL1234567890"),
    ("PT", &["999999999"], "PT123456789"),
    ("RO", &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"], "RO12345678"),
    ("SE", &["999999999999"], "SE123456789012"),
    ("SI", &["99999999"], "SI12345678"),
    ("SK", &["9999999999"], "SK1234567890"),
    ("SM", &["999", "9999", "99999"], "SM12345"),
    ("UA", &["999999999999"], "UA123456789012"),
    ("XI", &["999999999", "999999999999", "GD999", "HA999"], "XI123456789"),
];

/// The number as it is kept: in capitals, without the spaces, dots, dashes and strokes that people write in it.
pub(super) fn plain(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-' | '/')).collect::<String>().to_uppercase()
}

/// What is wrong with a number in its plain form, in words; `None` where it has the form of its country.
pub(super) fn wrong(number: &str) -> Option<String> {
    let country = number.get(..2).filter(|country| country.bytes().all(|byte| byte.is_ascii_uppercase()));
    let (Some(country), Some(rest)) = (country, number.get(2..)) else {
        return Some("it begins with the two letters of its country, such as NL123456789B01".to_owned());
    };
    match FORMATS.iter().find(|(known, ..)| *known == country) {
        Some((_, formats, _)) if formats.iter().any(|format| fits(rest, format)) => None,
        Some((_, _, example)) => Some(format!("a number of {country} looks like {example}")),
        None if country == "GR" => Some("numbers of Greece begin with EL, such as EL123456789".to_owned()),
        None => {
            let is_plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let has_digits = rest.bytes().any(|byte| byte.is_ascii_digit());
            let fits = is_plain && has_digits && OTHER.contains(&rest.len());
            (!fits).then(|| "letters and digits follow the two letters of its country".to_owned())
        }
    }
}

fn fits(text: &str, format: &str) -> bool {
    let fits = |(sign, of): (u8, u8)| match of {
        b'9' => sign.is_ascii_digit(),
        b'a' => sign.is_ascii_uppercase(),
        b'x' => sign.is_ascii_digit() || sign.is_ascii_uppercase(),
        b'*' => sign.is_ascii_digit() || sign.is_ascii_uppercase() || matches!(sign, b'+' | b'*'),
        other => sign == other,
    };
    text.len() == format.len() && text.bytes().zip(format.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_has_its_own_form() {
        for (country, _, example) in FORMATS {
            assert_eq!(wrong(example), None, "{example}");
            assert!(example.starts_with(country), "{example}");
            assert!(wrong(&format!("{country}1")).is_some(), "{country}1");
        }
        assert!(FORMATS.is_sorted_by_key(|(country, ..)| *country));
    }

    #[test]
    fn a_number_is_held_against_the_form_of_its_country() {
        let people = ["ESX1234567L", "ES12345678Z", "IE1A23456B", "IE1234567WA"];
        for number in people.into_iter().chain(["NL001234567B01", "CHE123456789", "US12"]) {
            assert_eq!(wrong(number), None, "{number}");
        }
        let odd = ["", "123", "D", "DE1", "DE12345678A", "de123456789", "ÄÖ12", "NL123456789A01", "US", "USA", "U$12"];
        for number in odd {
            assert!(wrong(number).is_some(), "{number}");
        }
        assert!(wrong("GR123456789").is_some_and(|words| words.contains("EL")));
        assert!(wrong("DE1").is_some_and(|words| words.contains("DE123456789")));
    }

    #[test]
    fn what_people_write_between_is_left_out() {
        assert_eq!(plain(" nl 0012.345.67 B-01"), "NL001234567B01");
        assert_eq!(plain("CHE-123.456.789 MWST"), "CHE123456789MWST");
    }
}
