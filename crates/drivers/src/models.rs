//! Which printers are captured: the series of the white paper, as data.
//!
//! A collector asks each address who it is and goes on only when the answer is on this list, or on the
//! list by which the customer's side extends it. Deliberately absent: a list of product numbers, of
//! which no reliable source names all, and any wildcard that would let every printer in.

/// Families as printers write them: the words that stand before a series.
const DESIGNJET: &[&str] = &["DESIGNJET"];
const PAGEWIDE_XL: &[&str] = &["PAGEWIDE", "XL"];

/// The supported series: the words of the family, then the series. White paper, footnote 1.
pub const SERIES: &[(&[&str], &str)] = &[
    (DESIGNJET, "T920"),
    (DESIGNJET, "T930"),
    (DESIGNJET, "T1500"),
    (DESIGNJET, "T1530"),
    (DESIGNJET, "T2500"),
    (DESIGNJET, "T2530"),
    (DESIGNJET, "T3500"),
    (DESIGNJET, "T7100"),
    (DESIGNJET, "T7200"),
    (DESIGNJET, "Z6200"),
    (DESIGNJET, "Z6600"),
    (DESIGNJET, "Z6800"),
    (PAGEWIDE_XL, "4000"),
    (PAGEWIDE_XL, "4500"),
    (PAGEWIDE_XL, "5000"),
    (PAGEWIDE_XL, "8000"),
];

/// Letters that may follow a series in the same word: `T920ps`.
const SUFFIX_MAX: usize = 3;
/// A product number in an extension has at least this many characters, so that none matches by chance.
const NUMBER_MIN: usize = 4;

/// Whether a printer is captured: its name is of a series of [`SERIES`], or `also` names its words
/// (`DesignJet T830`) or its product number.
pub fn is_supported(product_name: Option<&str>, product_number: Option<&str>, also: &[String]) -> bool {
    let name = words(product_name.unwrap_or_default());
    let listed = SERIES.iter().any(|(family, series)| {
        let mut wanted: Vec<String> = family.iter().map(|word| (*word).to_owned()).collect();
        wanted.push((*series).to_owned());
        holds(&name, &wanted)
    });
    let number = product_number.unwrap_or_default().trim();
    listed
        || also.iter().any(|entry| {
            let entry = entry.trim();
            // A family alone would let every printer of it in.
            let names_a_series = entry.contains(|c: char| c.is_ascii_digit());
            (names_a_series && holds(&name, &words(entry)))
                || (number.len() >= NUMBER_MIN && number.eq_ignore_ascii_case(entry))
        })
}

/// The words of a name in upper case; `XL5000` is written both as one word and as two.
fn words(name: &str) -> Vec<String> {
    let split = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut words = Vec::new();
    for word in split.map(str::to_ascii_uppercase) {
        match word.strip_prefix("XL") {
            Some(series) if series.starts_with(|c: char| c.is_ascii_digit()) => {
                words.push("XL".to_owned());
                words.push(series.to_owned());
            }
            _ => words.push(word),
        }
    }
    words
}

/// Whether `wanted` stands in `name`, word by word; the last may be followed by a few letters.
fn holds(name: &[String], wanted: &[String]) -> bool {
    let Some((last, before)) = wanted.split_last() else { return false };
    name.windows(wanted.len())
        .any(|window| window.split_last().is_some_and(|(end, start)| is_series(end, last) && start == before))
}

fn is_series(word: &str, series: &str) -> bool {
    let suffix = word.strip_prefix(series);
    suffix.is_some_and(|rest| rest.len() <= SUFFIX_MAX && rest.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str) -> bool {
        is_supported(Some(name), None, &[])
    }

    #[test]
    fn each_series_of_the_white_paper_is_supported_as_printers_write_it() {
        for name in [
            "HP DesignJet T920 PostScript ePrinter",
            "HP Designjet T920ps",
            "HP DesignJet T930 36in",
            "HP DesignJet T1500 ePrinter",
            "HP DesignJet T1530 36in",
            "HP DesignJet T2500 eMFP",
            "HP DesignJet T2530 36in MFP",
            "HP DesignJet T3500 Production eMFP",
            "HP Designjet T7100 42in",
            "HP DesignJet T7200 42in",
            "HP Designjet Z6200 60in Photo",
            "HP DesignJet Z6600 60in",
            "HP DesignJet Z6800 60in Photo",
            "HP PageWide XL 4000 40in MFP",
            "HP PageWide XL 4500 40in",
            "HP PageWide XL 5000 40in MFP",
            "HP PageWide XL 5000 Blueprinter",
            "HP PageWide XL 8000 40in",
            "HP PageWide XL 8000 Blueprinter",
            "HP PageWide XL8000",
        ] {
            assert!(listed(name), "{name}");
        }
    }

    #[test]
    fn every_entry_of_the_list_is_found_by_its_own_words() {
        for (family, series) in SERIES {
            let name = format!("HP {} {series} 36in", family.join(" "));
            assert!(listed(&name), "{name}");
        }
    }

    #[test]
    fn what_only_resembles_a_series_is_not_supported() {
        for name in [
            "",
            "HP DesignJet",
            "HP DesignJet T93",
            "HP DesignJet T9300",
            "HP DesignJet T830",
            "HP LaserJet T930",
            "DesignJet Z9 T930",
            "HP PageWide Pro 5000",
            "HP PageWide 5000",
            "HP PageWide XL 50000",
            "T930",
            "PageWide XL",
            "Office copier 8000",
        ] {
            assert!(!listed(name), "{name}");
        }
    }

    #[test]
    fn the_customer_s_side_extends_the_list_by_words_or_by_product_number() {
        let also = ["DesignJet T830".to_owned(), "W3Z72A".to_owned(), String::new(), "9".to_owned()];
        assert!(is_supported(Some("HP DesignJet T830 24in MFP"), None, &also));
        assert!(is_supported(Some("HP DesignJet Z9 44in"), Some("w3z72a"), &also));
        assert!(!is_supported(Some("HP DesignJet Z6 44in"), Some("T8W15A"), &also));
        assert!(!is_supported(None, None, &also));
        assert!(!is_supported(Some("HP DesignJet Z6"), None, &["DesignJet".to_owned()]));
        assert!(!is_supported(Some("Router"), Some("9"), &also));
    }
}
