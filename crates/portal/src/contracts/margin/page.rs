//! The page of a contract's margin.
//!
//! Deliberately absent: every sum, which arrives as words.

use crate::shell::page::{Chip, Chrome, Field, FormError, Link, Status};
use askama::Template;

/// `/contracts/{id}/margin`. Posts to its own address.
#[derive(Debug, Clone, Template)]
#[template(path = "contracts/margin/margin.html")]
pub(crate) struct MarginPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The contract.
    pub(crate) contract: Link,
    /// Its customer, and what the figures are.
    pub(crate) sub: String,
    /// `/contracts/{id}/margin`.
    pub(crate) href: String,
    /// The periods: all that are shown, and each.
    pub(crate) chips: Vec<Chip>,
    /// Printer by printer.
    pub(crate) printers: Vec<MarginRow>,
    /// What no printer bears.
    pub(crate) whole: MarginRow,
    /// All together.
    pub(crate) total: MarginRow,
    /// Period by period, the newest first.
    pub(crate) periods: Vec<PeriodRow>,
    /// The costs that people entered.
    pub(crate) costs: Vec<CostRow>,
    /// `printer`, `kind`, `amount`, `per`, `from`, `to`.
    pub(crate) fields: Vec<Field>,
    /// What is wrong with the form.
    pub(crate) errors: Vec<FormError>,
}

/// What something brought in and cost.
#[derive(Debug, Clone)]
pub(crate) struct MarginRow {
    /// What; without an address where it has no page.
    pub(crate) label: Link,
    /// What it brought in, without currency.
    pub(crate) revenue: String,
    /// What it cost, as far as that is known.
    pub(crate) cost: String,
    /// The difference.
    pub(crate) margin: String,
    /// The difference as a share of the revenue.
    pub(crate) share: String,
    /// What it comes to, in words.
    pub(crate) status: Status,
}

/// A period.
#[derive(Debug, Clone)]
pub(crate) struct PeriodRow {
    /// Its name.
    pub(crate) period: String,
    /// What it brought in and cost.
    pub(crate) sums: MarginRow,
}

/// A cost that somebody entered.
#[derive(Debug, Clone)]
pub(crate) struct CostRow {
    /// The printer.
    pub(crate) printer: Link,
    /// What it is called.
    pub(crate) kind: String,
    /// How much, for what.
    pub(crate) price: String,
    /// Since and until when.
    pub(crate) when: String,
    /// Who entered it, and when.
    pub(crate) by: String,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;

    fn row(label: &str, href: &str) -> MarginRow {
        MarginRow {
            label: Link::new(label, href),
            revenue: "357.10".to_owned(),
            cost: "120.00".to_owned(),
            margin: "237.10".to_owned(),
            share: "66.4\u{a0}%".to_owned(),
            status: Status::new(Tone::Good, "brings in more"),
        }
    }

    impl MarginPage {
        pub(crate) fn sample() -> MarginPage {
            MarginPage {
                chrome: Chrome::sample("Margin, C-112", "/contracts"),
                contract: Link::new("C-112", "/contracts/112"),
                sub: "<script>alert(1)</script> Bau · net, in EUR, of what was issued".to_owned(),
                href: "/contracts/112/margin".to_owned(),
                chips: vec![Chip::new("Last 12", "/contracts/112/margin", true)],
                printers: vec![row("T930 <script>alert(1)</script>", "/printers/7")],
                whole: row("The contract as a whole", ""),
                total: row("All", ""),
                periods: vec![PeriodRow { period: "October 2026".to_owned(), sums: row("", "") }],
                costs: vec![CostRow {
                    printer: Link::new("T930", "/printers/7"),
                    kind: "Ink".to_owned(),
                    price: "0.20 per ml, ink".to_owned(),
                    when: "from 1 Oct 2026".to_owned(),
                    by: "Ada, 2 Oct 2026".to_owned(),
                }],
                fields: vec![Field::number("amount", "Amount, EUR").value("4,5")],
                errors: vec![FormError::at("amount", "Amount: say a plain number.")],
            }
        }
    }
}
