//! One name for one colour, however a printer writes it: `matte-black` for `Matte Black`, `MatteBlack` and `MK`.
//!
//! A price stands at the name of a colour, so that two names of one colour would be two meters. Deliberately
//! absent: guessing. What is no known colour keeps the printer's words, in lower case and with hyphens.

use crate::limits::TEXT_MAX;
use crate::node::joined;

/// Words that are a colour each.
const COLOURS: &[&str] =
    &["cyan", "magenta", "yellow", "black", "gray", "red", "green", "blue", "orange", "violet", "white", "optimizer"];
/// Words that belong to the colour after them.
const QUALIFIERS: &[&str] = &["light", "dark", "medium", "matte", "photo", "chromatic"];
/// Two words that are one colour.
const PAIRS: &[(&str, &str, &str)] = &[("latex", "optimizer", "optimizer"), ("tri", "color", "tri-color")];
/// Words beside a colour that say nothing of it.
const FILLERS: &[&str] = &["ink", "toner"];
/// Other spellings of a word, and the one that is used here.
const SPELLINGS: &[(&str, &str)] = &[("grey", "gray"), ("colour", "color"), ("optimiser", "optimizer")];

/// Codes on cartridges, in labels and in tables. C, M, Y and K are recorded, the rest are the names printed on
/// large-format cartridges or seen in others' code.
const CODES: &[(&str, &str)] = &[
    ("c", "cyan"),
    ("m", "magenta"),
    ("y", "yellow"),
    ("k", "black"),
    ("bk", "black"),
    ("o", "optimizer"),
    ("op", "optimizer"),
    ("lc", "light-cyan"),
    ("lm", "light-magenta"),
    ("lg", "light-gray"),
    ("lgy", "light-gray"),
    ("dg", "dark-gray"),
    ("dgy", "dark-gray"),
    ("g", "gray"),
    ("gy", "gray"),
    ("pk", "photo-black"),
    ("mk", "matte-black"),
    ("cr", "chromatic-red"),
    ("cg", "chromatic-green"),
    ("cb", "chromatic-blue"),
    ("r", "red"),
    ("gn", "green"),
    ("b", "blue"),
];
/// Letters of a code for several colours: `CMYK`, `MY`.
const PRIMARIES: &str = "CMYK";
/// Colours as numbers, as IPP gives them.
const NUMBERS: &[(&str, &str)] =
    &[("#00ffff", "cyan"), ("#ff00ff", "magenta"), ("#ffff00", "yellow"), ("#000000", "black")];

/// The colours of a text that names nothing else, by name or code: `CMYK`, `LC/LM`, `CyanMagentaYellow`. One that
/// stands twice in a row is one. `None` where the text names anything else, or nothing.
pub(crate) fn list(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    let is_primaries = text.len() <= PRIMARIES.len() && text.chars().all(|letter| PRIMARIES.contains(letter));
    let words = match is_primaries && code(&text.to_ascii_lowercase()).is_none() {
        true => text.chars().map(|letter| letter.to_ascii_lowercase().to_string()).collect(),
        false => words(text),
    };
    let (mut colours, mut rest) = (Vec::new(), words.as_slice());
    while let Some(word) = rest.first() {
        let found = leading(rest).or_else(|| code(word).map(|name| (name.to_owned(), 1)));
        let length = match found {
            Some((colour, length)) => {
                colours.push(colour);
                length
            }
            None if FILLERS.contains(&word.as_str()) => 1,
            None => return None,
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    colours.dedup();
    (!colours.is_empty()).then_some(colours)
}

/// The colours of what a printer gives as such; what is none that is known is one in the printer's words.
pub(crate) fn colours(text: &str) -> Vec<String> {
    list(text).unwrap_or_else(|| {
        let own: String = words(text).join("-").chars().take(TEXT_MAX).collect();
        if own.is_empty() { Vec::new() } else { vec![own] }
    })
}

/// The name of what a printer gives as a colour; `None` where it holds neither letter nor digit.
pub(crate) fn name(text: &str) -> Option<String> {
    joined(&colours(text))
}

/// The colour that a description names among other things: a code or number alone, else the first in words.
pub(crate) fn find(text: &str) -> Option<String> {
    if let Some((_, colour)) = NUMBERS.iter().find(|(number, _)| text.trim().eq_ignore_ascii_case(number)) {
        return Some((*colour).to_owned());
    }
    if let Some([colour]) = list(text).as_deref() {
        return Some(colour.clone());
    }
    let words = words(text);
    let mut starts = (0..words.len()).filter_map(|start| words.get(start..));
    starts.find_map(leading).map(|(colour, _)| colour)
}

/// The colour with which words begin, and of how many words it is.
fn leading(words: &[String]) -> Option<(String, usize)> {
    let (one, two) = (words.first()?.as_str(), words.get(1).map_or("", String::as_str));
    if let Some((_, _, colour)) = PAIRS.iter().find(|(first, second, _)| (*first, *second) == (one, two)) {
        return Some(((*colour).to_owned(), 2));
    }
    if COLOURS.contains(&one) {
        return Some((one.to_owned(), 1));
    }
    let is_qualified = QUALIFIERS.contains(&one) && COLOURS.contains(&two);
    is_qualified.then(|| (format!("{one}-{two}"), 2))
}

fn code(word: &str) -> Option<&'static str> {
    CODES.iter().find(|(code, _)| *code == word).map(|(_, colour)| *colour)
}

/// The words of a text in lower case, as they are spelled here: `MatteBlack` and `matte black` are two.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            if !previous.is_alphanumeric() || (letter.is_uppercase() && previous.is_lowercase()) {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        previous = letter;
    }
    for word in &mut words {
        if let Some((_, ours)) = SPELLINGS.iter().find(|(other, _)| *other == word.as_str()) {
            *word = (*ours).to_owned();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_colour_has_one_name_however_it_is_written() {
        let cases: &[(&str, &[&str])] = &[
            ("C", &["cyan"]),
            ("k", &["black"]),
            ("CMYK", &["cyan", "magenta", "yellow", "black"]),
            ("MY", &["magenta", "yellow"]),
            ("MK", &["matte-black"]),
            ("PK", &["photo-black"]),
            ("LC/LM", &["light-cyan", "light-magenta"]),
            ("M-C", &["magenta", "cyan"]),
            ("OP-OP", &["optimizer"]),
            ("BLACK", &["black"]),
            ("MatteBlack", &["matte-black"]),
            ("matte black ink", &["matte-black"]),
            ("light grey", &["light-gray"]),
            ("Latex Optimizer", &["optimizer"]),
            ("Tri-Colour", &["tri-color"]),
            ("CyanMagentaYellow", &["cyan", "magenta", "yellow"]),
            ("Light black", &["light-black"]),
            ("PostTreatment", &["post-treatment"]),
            ("Light", &["light"]),
            ("XQ7", &["xq7"]),
            ("Ink", &["ink"]),
            ("///", &[]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(colours(text), *expected, "{text}");
        }
        assert_eq!(list("C-K, new"), None);
        assert_eq!(name("CMY").as_deref(), Some("cyan, magenta, yellow"));
    }

    #[test]
    fn a_description_names_its_colour_in_whole_words_or_is_a_code() {
        let cases = [
            ("LM", Some("light-magenta")),
            ("Light magenta HP 831", Some("light-magenta")),
            ("Ink - K", Some("black")),
            ("Ink - Light cyan", Some("light-cyan")),
            ("Black Cartridge HP CF410X", Some("black")),
            ("tri-color ink cartridge", Some("tri-color")),
            ("HP 72 Photo_Black", Some("photo-black")),
            ("HP 771 Chromatic Red", Some("chromatic-red")),
            ("#FF00FF", Some("magenta")),
            ("Hewlett-Packard Color LaserJet", None),
            ("filtered", None),
            ("Blackboard", None),
            ("M K", None),
            ("Total", None),
            ("Ink", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(find(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_bounded() {
        let long = "aB".repeat(TEXT_MAX);
        assert_eq!(name(&long).map(|name| name.chars().count()), Some(TEXT_MAX));
    }
}
