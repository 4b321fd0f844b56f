//! The search for what must stand nowhere: many texts at once, in one pass over whatever is searched, and keys
//! in each form in which they could stand there.
//!
//! Deliberately absent: what is searched, and for what; the labs say that.

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use protocol::Hex;
use std::collections::BTreeMap;

/// A text to look for, behind the name that a find of it goes by.
pub(crate) type Needle = (String, Vec<u8>);

/// A text as it is.
pub(crate) fn text(name: &str, text: &str) -> Needle {
    (name.to_owned(), text.as_bytes().to_vec())
}

/// A key in each of its forms.
pub(crate) fn key(name: &str, key: &[u8; 32]) -> Vec<Needle> {
    forms(key).into_iter().map(|form| (name.to_owned(), form)).collect()
}

/// Many texts to look for at once.
pub(crate) struct Needles {
    names: Vec<String>,
    automaton: AhoCorasick,
}

impl Needles {
    pub(crate) fn new(needles: impl IntoIterator<Item = Needle>) -> Needles {
        let (names, texts): (Vec<String>, Vec<Vec<u8>>) = needles.into_iter().unzip();
        assert!(texts.iter().all(|text| text.len() > 2), "what is so short stands everywhere");
        Needles { names, automaton: AhoCorasick::new(&texts).expect("fits into memory") }
    }

    /// The names of the texts that stand in `haystack`, also inside each other, and how often each does.
    pub(crate) fn found(&self, haystack: &[u8]) -> BTreeMap<&str, usize> {
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for one in self.automaton.find_overlapping_iter(haystack) {
            *found.entry(self.names[one.pattern().as_usize()].as_str()).or_default() += 1;
        }
        found
    }

    /// Fails where one of the texts stands in `haystack`.
    #[track_caller]
    pub(crate) fn none_in(&self, place: &str, haystack: &[u8]) {
        assert_eq!(self.found(haystack), BTreeMap::new(), "in {place}");
    }
}

/// A key as it might stand on a wire: raw, hexadecimal and base64, forwards and backwards.
pub(crate) fn forms(key: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut backwards = *key;
    backwards.reverse();
    let mut forms = Vec::new();
    for bytes in [*key, backwards] {
        let hex = Hex(bytes).to_string();
        forms.extend([bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()]);
        for before in 0..3 {
            forms.extend([&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].map(|alphabet| in_base64(&bytes, before, alphabet)));
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// The characters that these bytes alone decide where they stand `before` bytes into a group of three.
fn in_base64(bytes: &[u8], before: usize, alphabet: &GeneralPurpose) -> Vec<u8> {
    let text = alphabet.encode([&[0; 3][..before], bytes].concat());
    let (first, last) = ((8 * before).div_ceil(6), 8 * (before + bytes.len()) / 6);
    text.as_bytes()[first..last].to_vec()
}

#[test]
fn every_text_is_found_as_often_as_it_stands_also_inside_another_one() {
    let needles = Needles::new(["Ada Keller", "Keller", "Kessler"].map(|name| text(name, name)));
    let found = needles.found(b"Ada Keller and A. Keller: Ada Keller");
    assert_eq!(found, BTreeMap::from([("Ada Keller", 2), ("Keller", 3)]));
}

#[test]
fn a_key_is_found_wherever_it_stands_in_base64() {
    let secret: [u8; 32] = std::array::from_fn(|index| u8::try_from(index * 7).expect("small"));
    let needles = Needles::new(key("key", &secret));
    for before in 0..7 {
        for behind in 0..3 {
            let encoded = STANDARD.encode([vec![0xff; before], secret.to_vec(), vec![0xff; behind]].concat());
            assert_eq!(needles.found(encoded.as_bytes()), BTreeMap::from([("key", 1)]), "{encoded}");
        }
    }
}
