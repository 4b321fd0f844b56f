//! The pages of contracts: the list, one contract with its terms in words, and the form of a version.
//!
//! Deliberately absent: what terms mean, which the billing crate says; here they arrive as words.

use crate::shell::page::{Check, Chrome, Fact, Field, FormError, Link, Pager, Status};
use askama::Template;

/// `/contracts`.
#[derive(Debug, Clone, Template)]
#[template(path = "contracts/contracts.html")]
pub(crate) struct ContractsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// How many, and the zone of the dates.
    pub(crate) sub: String,
    /// The contracts.
    pub(crate) rows: Vec<ContractRow>,
    /// Which part of the list is shown.
    pub(crate) pager: Pager,
}

/// A contract in a list, also on a customer's page.
#[derive(Debug, Clone)]
pub(crate) struct ContractRow {
    /// `/contracts/{id}`.
    pub(crate) href: String,
    /// Its name.
    pub(crate) name: String,
    /// Its customer.
    pub(crate) customer: String,
    /// How many printers it covers today.
    pub(crate) printers: i64,
    /// Its base fee with its currency, a period; or that it has none.
    pub(crate) base_fee: String,
    /// The version in force and since when: `3, since 1 Oct 2026`.
    pub(crate) version: String,
    /// In force, not yet, ended; with a shape.
    pub(crate) status: Status,
}

/// `/contracts/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "contracts/contract.html")]
pub(crate) struct ContractPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// Its name.
    pub(crate) name: String,
    /// Customer, version and zone.
    pub(crate) sub: String,
    /// `/contracts/{id}`.
    pub(crate) href: String,
    /// In force, not yet, ended.
    pub(crate) status: Status,
    /// Customer, currency, tax, zone, rounding.
    pub(crate) facts: Vec<Fact>,
    /// The terms, a sentence each.
    pub(crate) terms: Vec<String>,
    /// What is odd about them, a sentence each.
    pub(crate) lint: Vec<String>,
    /// The ordered prices; the first that fits counts.
    pub(crate) prices: Vec<PriceRow>,
    /// The currency of the prices, for the column's head.
    pub(crate) currency: String,
    /// What is included: quantity to the meters it covers.
    pub(crate) allowances: Vec<Fact>,
    /// Which evidence counts for a meter: meter to words.
    pub(crate) evidence: Vec<Fact>,
    /// The printers with their dates.
    pub(crate) printers: Vec<AssignedRow>,
    /// `printer` and `from`, posting to `…/printers`; empty where the reader may not.
    pub(crate) assign: Vec<Field>,
    /// `period`, or `period_from` and `period_to`, posting to `…/statements`; empty where the reader may not.
    pub(crate) create: Vec<Field>,
    /// Its statements, newest first.
    pub(crate) statements: Vec<ContractStatementRow>,
    /// Its versions, newest first.
    pub(crate) versions: Vec<VersionRow>,
}

/// A price of a contract.
#[derive(Debug, Clone)]
pub(crate) struct PriceRow {
    /// Its place in the order, from 1.
    pub(crate) number: usize,
    /// What is measured: `Area printed`.
    pub(crate) meter: String,
    /// The category it is for, or `any`.
    pub(crate) category: String,
    /// The media type it is for, or `any`.
    pub(crate) media: String,
    /// The price, 2 to 6 decimals.
    pub(crate) price: String,
    /// What it is the price of: `m²`.
    pub(crate) unit: &'static str,
}

/// A printer of a contract.
#[derive(Debug, Clone)]
pub(crate) struct AssignedRow {
    /// The printer.
    pub(crate) printer: Link,
    /// Its serial.
    pub(crate) serial: String,
    /// The first day.
    pub(crate) from: String,
    /// The first day no longer, or `open`.
    pub(crate) to: String,
    /// How to take it out; `None` where it is out or the reader may not.
    pub(crate) end: Option<EndStay>,
}

/// How a printer is taken out of a contract: `to`, posting to its own address.
#[derive(Debug, Clone)]
pub(crate) struct EndStay {
    /// `/contracts/{id}/printers/{printer}/end`.
    pub(crate) action: String,
    /// The element id of its field.
    pub(crate) id: String,
    /// The day that stands in the field.
    pub(crate) day: String,
}

/// A statement of a contract.
#[derive(Debug, Clone)]
pub(crate) struct ContractStatementRow {
    /// The statement.
    pub(crate) statement: Link,
    /// Its period.
    pub(crate) period: String,
    /// Its total with its currency.
    pub(crate) total: String,
    /// Draft or approved.
    pub(crate) status: Status,
}

/// A version of a contract.
#[derive(Debug, Clone)]
pub(crate) struct VersionRow {
    /// 1, 2, …
    pub(crate) number: i64,
    /// From which day it counts.
    pub(crate) from: String,
    /// Who wrote it, when.
    pub(crate) by: String,
    /// What it changed, in words.
    pub(crate) change: String,
}

/// `/contracts/new` and `/contracts/{id}/versions/new`. Keeps what was typed and says what is wrong.
#[derive(Debug, Clone, Template)]
#[template(path = "contracts/form.html")]
pub(crate) struct ContractFormPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// `New contract`, or `New version of C-112`.
    pub(crate) heading: String,
    /// Where it posts to, its own address.
    pub(crate) action: String,
    /// Where cancelling leads.
    pub(crate) cancel: String,
    /// What is wrong, each leading to its field.
    pub(crate) errors: Vec<FormError>,
    /// `customer`, `name`, `starts`; a further version only has `starts`.
    pub(crate) parties: Vec<Field>,
    /// `base_fee`, `base_fee_per`, `currency`, `tax`, `tax_name`, `zone`.
    pub(crate) money: Vec<Field>,
    /// `allowance`, the included quantity, and `allowance_meter`, what it is of.
    pub(crate) allowance: Vec<Field>,
    /// The categories that the included quantity covers; none is all.
    pub(crate) covers: Vec<Check>,
    /// The prices in their order, blank ones at the end.
    pub(crate) prices: Vec<PriceFields>,
    /// `evidence.<meter>` for each kind of meter.
    pub(crate) evidence: Vec<Field>,
}

/// The fields of one price.
#[derive(Debug, Clone)]
pub(crate) struct PriceFields {
    /// Its place in the order, from 1.
    pub(crate) number: usize,
    /// `prices.N.meter`, `prices.N.category`, `prices.N.media`, `prices.N.price`.
    pub(crate) fields: Vec<Field>,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;

    impl ContractRow {
        pub(crate) fn sample() -> ContractRow {
            ContractRow {
                href: "/contracts/112".to_owned(),
                name: "C-112".to_owned(),
                customer: "<script>alert(1)</script> Bau".to_owned(),
                printers: 2,
                base_fee: "€ 180.00 a month".to_owned(),
                version: "3, since 1 Oct 2026".to_owned(),
                status: Status::new(Tone::Good, "in force"),
            }
        }
    }

    impl ContractsPage {
        pub(crate) fn sample() -> ContractsPage {
            ContractsPage {
                chrome: Chrome::sample("Contracts", "/contracts"),
                sub: "38 contracts of 27 customers".to_owned(),
                rows: vec![ContractRow::sample(), ContractRow::sample()],
                pager: Pager::new(0, 2, 2, None, None),
            }
        }
    }

    fn assigned() -> AssignedRow {
        AssignedRow {
            printer: Link::new("T930 <script>alert(1)</script>", "/printers/7"),
            serial: "CN41A2207".to_owned(),
            from: "1 Oct 2026".to_owned(),
            to: "open".to_owned(),
            end: Some(EndStay {
                action: "/contracts/112/printers/7/end".to_owned(),
                id: "end-7".to_owned(),
                day: "2026-11-01".to_owned(),
            }),
        }
    }

    impl ContractPage {
        pub(crate) fn sample() -> ContractPage {
            let price = |number: usize, category: &str, price: &str| PriceRow {
                number,
                meter: "Area printed".to_owned(),
                category: category.to_owned(),
                media: "any".to_owned(),
                price: price.to_owned(),
                unit: "m²",
            };
            ContractPage {
                chrome: Chrome::sample("C-112", "/contracts"),
                name: "C-112".to_owned(),
                sub: "Kessel Bau · version 3 · dates in Europe/Berlin".to_owned(),
                href: "/contracts/112".to_owned(),
                status: Status::new(Tone::Good, "in force"),
                facts: vec![Fact::new("Currency", "EUR"), Fact::new("Tax", "21 %")],
                terms: vec!["A base fee of € 180.00 a month.".to_owned(), "400 m² are included.".to_owned()],
                lint: vec!["No price fits blueprints, so they would be free.".to_owned()],
                prices: vec![price(1, "Monochrome lines", "0.14"), price(2, "any", "2.60")],
                currency: "€".to_owned(),
                allowances: vec![Fact::new("400.00 m² a month", "Monochrome lines")],
                evidence: vec![Fact::new("Area printed", "the jobs decide")],
                printers: vec![assigned()],
                assign: vec![
                    Field::select("printer", "Printer", [("7", "T930 · CN41A2207")], ""),
                    Field::new("date", "from", "From"),
                ],
                create: vec![Field::select("period", "Period", [("2026-10", "October 2026")], "2026-10")],
                statements: vec![ContractStatementRow {
                    statement: Link::new("2026-0187", "/statements/187"),
                    period: "October 2026".to_owned(),
                    total: "€ 432.09".to_owned(),
                    status: Status::new(Tone::Info, "draft"),
                }],
                versions: vec![VersionRow {
                    number: 3,
                    from: "1 Oct 2026".to_owned(),
                    by: "Ada, 28 Sep 2026".to_owned(),
                    change: "Colour lines from 0.30 to 0.32".to_owned(),
                }],
            }
        }
    }

    fn price_fields(number: usize) -> PriceFields {
        let name = |part: &str| format!("prices.{number}.{part}");
        let meters = [("area-printed", "Area printed, m²"), ("area-media", "Media used, m²")];
        PriceFields {
            number,
            fields: vec![
                Field::select(name("meter"), "Meter", meters, "area-printed"),
                Field::select(name("category"), "Category", [("", "any"), ("mono-line", "Monochrome lines")], ""),
                Field::text(name("media"), "Media"),
                Field::number(name("price"), "Price"),
            ],
        }
    }

    impl ContractFormPage {
        pub(crate) fn sample() -> ContractFormPage {
            let mut prices: Vec<PriceFields> = (1..=6).map(price_fields).collect();
            let wrong = Field::number("prices.2.price", "Price").value("0,1x").wrong(Some("is no number".to_owned()));
            prices[1].fields[3] = wrong;
            ContractFormPage {
                chrome: Chrome::sample("New contract", "/contracts"),
                heading: "New contract".to_owned(),
                action: "/contracts/new".to_owned(),
                cancel: "/contracts".to_owned(),
                errors: vec![FormError {
                    field: Field::id("prices.2.price"),
                    text: "Price 2: “0,1x” is no number.".to_owned(),
                }],
                parties: vec![
                    Field::select("customer", "Customer", [("4", "<script>alert(1)</script> Bau")], "4"),
                    Field::text("name", "Name").value("C-112").required(),
                ],
                money: vec![Field::number("base_fee", "Base fee a month").hint("Leave empty for none.")],
                allowance: vec![
                    Field::number("allowance", "Included quantity").value("400"),
                    Field::select("allowance_meter", "Of", [("area-printed", "Area printed, m²")], "area-printed"),
                ],
                covers: vec![Check {
                    name: "covers.mono-line".to_owned(),
                    value: "yes".to_owned(),
                    label: "Monochrome lines".to_owned(),
                    checked: true,
                }],
                prices,
                evidence: vec![Field::select("evidence.area-printed", "Area printed", [("jobs", "the jobs")], "jobs")],
            }
        }
    }
}
