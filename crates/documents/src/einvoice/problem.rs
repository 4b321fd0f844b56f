//! What stands in the way of an electronic invoice: one thing in words, and the field of a party that settles it.
//!
//! Deliberately absent: where a portal has that field, which it knows itself.

use en16931::validation::Finding;
use std::fmt;

/// Whose details a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who sells.
    Seller,
    /// Who buys, or pays in the buyer's place.
    Buyer,
}

/// A field of a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Whose it is.
    pub side: Side,
    /// Its name in [`billing::Party`]: `vat_id`.
    pub field: &'static str,
}

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is and what to do, without a capital letter and a full stop.
    pub words: String,
    /// The field that settles it, where that is a party's.
    pub place: Option<Place>,
}

impl Problem {
    /// What no field of a party settles.
    pub(super) fn said(words: String) -> Problem {
        Problem { words, place: None }
    }

    /// A rule that is broken: where in plain words, what the rule asks for, and its name for whoever looks it up.
    pub(super) fn of(finding: &Finding) -> Problem {
        let (place, what) = place(&finding.path.to_string());
        let asked = plain(&finding.message);
        let words = format!("{what}: {} (rule {})", asked.trim_end_matches('.'), finding.rule);
        Problem { words, place }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// The terms of EN 16931 that are fields of a party: the term, whose it is, the field, its words.
static FIELDS: [(&str, Side, &str, &str); 24] = [
    ("BT-10", Side::Buyer, "reference", "the buyer's reference"),
    ("BT-27", Side::Seller, "name", "the seller's name"),
    ("BT-30", Side::Seller, "registration", "the seller's registration number"),
    ("BT-31", Side::Seller, "vat_id", "the seller's VAT number"),
    ("BT-34", Side::Seller, "electronic", "the seller's electronic address"),
    ("BT-35", Side::Seller, "street", "the seller's street"),
    ("BT-37", Side::Seller, "city", "the seller's city"),
    ("BT-38", Side::Seller, "postcode", "the seller's postcode"),
    ("BT-40", Side::Seller, "country", "the seller's country"),
    ("BT-41", Side::Seller, "contact", "the seller's contact"),
    ("BT-42", Side::Seller, "phone", "the seller's telephone"),
    ("BT-43", Side::Seller, "email", "the seller's email"),
    ("BT-44", Side::Buyer, "name", "the buyer's name"),
    ("BT-47", Side::Buyer, "registration", "the buyer's registration number"),
    ("BT-48", Side::Buyer, "vat_id", "the buyer's VAT number"),
    ("BT-49", Side::Buyer, "electronic", "the buyer's electronic address"),
    ("BT-50", Side::Buyer, "street", "the buyer's street"),
    ("BT-52", Side::Buyer, "city", "the buyer's city"),
    ("BT-53", Side::Buyer, "postcode", "the buyer's postcode"),
    ("BT-55", Side::Buyer, "country", "the buyer's country"),
    ("BT-84", Side::Seller, "iban", "the seller's IBAN"),
    ("BG-4", Side::Seller, "name", "the seller's details"),
    ("BG-7", Side::Buyer, "name", "the buyer's details"),
    ("BG-16", Side::Seller, "iban", "the seller's IBAN"),
];

/// Where a path such as `BG-4/BT-31` leads, as a field and in words.
fn place(path: &str) -> (Option<Place>, &'static str) {
    let steps = || path.split('/').map(|step| step.split('[').next().unwrap_or(step));
    // The last step is the nearest: a term says more than the group that it is in.
    let found = steps().rev().find_map(|step| FIELDS.iter().find(|(term, ..)| *term == step));
    if let Some(&(_, side, field, words)) = found {
        return (Some(Place { side, field }), words);
    }
    let words = match steps().next() {
        Some("BG-13") => "where it goes",
        Some("BG-22") => "the sums",
        Some("BG-23") => "the taxes",
        Some("BG-25") => "a line",
        _ => "the invoice",
    };
    (None, words)
}

/// The words of a rule without the codes of terms in brackets.
fn plain(message: &str) -> String {
    let mut words = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once(" (") {
        words.push_str(before);
        match after.split_once(')') {
            Some((code, behind)) if code.starts_with("BT-") || code.starts_with("BG-") => rest = behind,
            _ => {
                words.push_str(" (");
                rest = after;
            }
        }
    }
    words.push_str(rest);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_field_that_people_enter() {
        let of = |path: &str| {
            let (place, words) = place(path);
            (place.map(|place| (place.side, place.field)), words)
        };
        assert_eq!(of("BG-4/BT-31"), (Some((Side::Seller, "vat_id")), "the seller's VAT number"));
        assert_eq!(of("BG-7"), (Some((Side::Buyer, "name")), "the buyer's details"));
        assert_eq!(of("BG-25[2]/BT-151"), (None, "a line"));
        assert_eq!(of("Invoice"), (None, "the invoice"));
    }

    #[test]
    fn codes_of_terms_are_left_out_and_other_brackets_stay() {
        let message = "The Seller postal address (BG-5) shall contain a Seller country code (BT-40).";
        assert_eq!(plain(message), "The Seller postal address shall contain a Seller country code.");
        assert_eq!(plain("a (b) c (BT-1"), "a (b) c (BT-1");
    }
}
