//! The page of a mass price change.
//!
//! Deliberately absent: every price and sum, which arrive as words.

use crate::shell::page::{Chrome, Fact, Field, FormError, Link};
use askama::Template;

/// `/contracts/prices`. Posts to its own address, to look at a change and to take it.
#[derive(Debug, Clone, Template)]
#[template(path = "contracts/mass/prices.html")]
pub(crate) struct PricesPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// What is wrong with the form, or why nothing was taken.
    pub(crate) errors: Vec<FormError>,
    /// `customer`, `number`, `clause`: which contracts.
    pub(crate) which: Vec<Field>,
    /// `pattern`, `by`, `value`, `places`, `fees`: which prices, and how.
    pub(crate) how: Vec<Field>,
    /// `starts` and `note`: from when, and why.
    pub(crate) when: Vec<Field>,
    /// What the change comes to; `None` before somebody looked at one.
    pub(crate) preview: Option<Preview>,
}

/// What a change comes to.
#[derive(Debug, Clone)]
pub(crate) struct Preview {
    /// How many contracts change, and from when.
    pub(crate) words: String,
    /// What the last period would have come to, by currency: difference to words.
    pub(crate) totals: Vec<Fact>,
    /// The contracts whose prices change.
    pub(crate) rows: Vec<PriceChangeRow>,
    /// Whether any of them can be taken.
    pub(crate) can_take: bool,
    /// `seen`: which form this is what it comes to.
    pub(crate) seen: String,
}

/// A contract whose prices change.
#[derive(Debug, Clone)]
pub(crate) struct PriceChangeRow {
    /// The contract.
    pub(crate) contract: Link,
    /// Its customer.
    pub(crate) customer: String,
    /// Each price, before and after.
    pub(crate) changes: Vec<String>,
    /// The last period, or why it was not worked out.
    pub(crate) period: String,
    /// What it came to, net; empty where it was not worked out.
    pub(crate) before: String,
    /// What it would have come to.
    pub(crate) after: String,
    /// The difference.
    pub(crate) difference: String,
    /// Why it cannot be changed.
    pub(crate) refused: Option<String>,
    /// The first day from which it could be; `None` where no day helps.
    pub(crate) offer: Option<Offer>,
    /// Its tick; `None` where it cannot be changed.
    pub(crate) tick: Option<Tick>,
}

/// A button that looks at the change from another first day on.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// Its name in the form.
    pub(crate) name: &'static str,
    /// The day as the form sends it.
    pub(crate) day: String,
    /// What stands on it.
    pub(crate) words: String,
}

/// The tick of a contract that is to be changed.
#[derive(Debug, Clone)]
pub(crate) struct Tick {
    /// Its name in the form.
    pub(crate) name: String,
    /// The version that was looked at.
    pub(crate) version: i64,
    /// Whether it is ticked.
    pub(crate) on: bool,
}

#[cfg(test)]
mod samples {
    use super::*;

    fn row(tick: Option<Tick>, refused: Option<&str>) -> PriceChangeRow {
        PriceChangeRow {
            contract: Link::new("C-112", "/contracts/112"),
            customer: "<script>alert(1)</script> Bau".to_owned(),
            changes: vec!["Monochrome lines, area printed: 0.14 → 0.1442 EUR per m²".to_owned()],
            period: "October 2026".to_owned(),
            before: "€ 357.10".to_owned(),
            after: "€ 357.60".to_owned(),
            difference: "€ 0.50".to_owned(),
            refused: refused.map(str::to_owned),
            offer: refused.map(|_| Offer {
                name: "begin",
                day: "2027-01-01".to_owned(),
                words: "Begin on 1 Jan 2027".to_owned(),
            }),
            tick,
        }
    }

    impl PricesPage {
        pub(crate) fn sample() -> PricesPage {
            PricesPage {
                chrome: Chrome::sample("Change prices", "/contracts"),
                errors: vec![FormError::at("value", "By how much: 3,0x is no number.")],
                which: vec![Field::select("customer", "Customer", [("0", "all")], "0")],
                how: vec![
                    Field::lines("pattern", "Prices of"),
                    Field::number("value", "By how much").value("3,0x").wrong(Some("This is no number.".to_owned())),
                ],
                when: vec![Field::new("date", "starts", "First day").value("2026-12-01").required()],
                preview: Some(Preview {
                    words: "2 contracts change on 1 Dec 2026.".to_owned(),
                    totals: vec![Fact::new("EUR, last period", "€ 0.50 more")],
                    rows: vec![
                        row(Some(Tick { name: "take.112".to_owned(), version: 3, on: true }), None),
                        row(None, Some("Version 4 waits for a second person.")),
                    ],
                    can_take: true,
                    seen: "0a".repeat(32),
                }),
            }
        }
    }
}
