//! The pages of contracts: the list, one contract with its terms in words, and the form of a version.
//!
//! Deliberately absent: what terms mean, which the billing crate says; here they arrive as words.

mod form;

pub(crate) use form::{
    Cell, ClauseCard, ComparedPeriod, ComparedRow, Comparison, ContractFormPage, PreviewPart, RowTable, Word,
};

use crate::shell::page::{Chrome, Fact, Field, Link, Pager, Status};
use askama::Template;

/// Something to look at, with how much it weighs as a word and a shape.
#[derive(Debug, Clone)]
pub(crate) struct Remark {
    /// `look` or `wrong`.
    pub(crate) status: Status,
    /// What it is, as a sentence.
    pub(crate) text: String,
}

/// `/contracts`.
#[derive(Debug, Clone, Template)]
#[template(path = "contracts/contracts.html")]
pub(crate) struct ContractsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// How many, and the zone of the dates.
    pub(crate) sub: String,
    /// Contracts of which a printer sorts by other limits than before, with what that costs.
    pub(crate) alarms: Vec<Link>,
    /// Contracts with a version that waits for a second person, with who wrote it.
    pub(crate) waiting: Vec<Link>,
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
    /// Where its terms are kept as a template.
    pub(crate) template_href: String,
    /// In force, not yet, ended.
    pub(crate) status: Status,
    /// Customer, currency, tax, zone, rounding.
    pub(crate) facts: Vec<Fact>,
    /// The terms, a sentence each.
    pub(crate) terms: Vec<String>,
    /// What is odd about them.
    pub(crate) remarks: Vec<Remark>,
    /// That a version waits for another person, or why nothing counts yet.
    pub(crate) waiting: Option<String>,
    /// That it ended, or when it does.
    pub(crate) ended: Option<String>,
    /// How far what is included or paid in advance is used.
    pub(crate) forecasts: Vec<ForecastRow>,
    /// That a printer sorts by other limits than the contract's, and what that costs.
    pub(crate) drift: Option<String>,
    /// Why no forecast can be made.
    pub(crate) trouble: Option<String>,
    /// The days of notice and renewal to come: day to what happens.
    pub(crate) dates: Vec<Fact>,
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
    /// Drafts that somebody threw away, the last first: what it was, and by whom and why.
    pub(crate) discarded: Vec<Fact>,
    /// Its versions, newest first.
    pub(crate) versions: Vec<VersionRow>,
}

/// How far an included quantity or a balance is used.
#[derive(Debug, Clone)]
pub(crate) struct ForecastRow {
    /// What it covers, and for which pool.
    pub(crate) title: String,
    /// Used of how much, and by when.
    pub(crate) words: String,
    /// How much of it is used, 0 to 100, for the bar.
    pub(crate) percent: i64,
    /// The same in words with a shape.
    pub(crate) status: Status,
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
    /// Whether it counts, waits for another person, or was refused.
    pub(crate) status: Status,
    /// Who wrote it, when.
    pub(crate) by: String,
    /// Why, in the author's words; may be empty.
    pub(crate) note: String,
    /// Who approved or refused it, when and why; may be empty.
    pub(crate) verdict: String,
    /// What it changed, in words.
    pub(crate) change: String,
    /// How the reader approves or refuses it; `None` where there is nothing to decide, or not by the reader.
    pub(crate) decide: Option<Decide>,
}

/// How a version that waits is decided.
#[derive(Debug, Clone)]
pub(crate) struct Decide {
    /// `/contracts/{id}/versions/{version}`; the acts are below it.
    pub(crate) href: String,
    /// The element id of the field for a note.
    pub(crate) id: String,
    /// Whether it can still be approved; one that was overtaken can only be refused.
    pub(crate) can_approve: bool,
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
                alarms: vec![Link::new("C-112, <script>alert(1)</script> Bau: + € 23.10", "/contracts/112")],
                waiting: vec![Link::new("C-113, Kessel Bau: version 4, by Ada, 1 Nov 2026", "/contracts/113")],
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
                template_href: "/contracts/templates?contract=112".to_owned(),
                status: Status::new(Tone::Good, "in force"),
                facts: vec![Fact::new("Currency", "EUR"), Fact::new("Tax", "21 %")],
                terms: vec!["A base fee of € 180.00 a month.".to_owned(), "400 m² are included.".to_owned()],
                remarks: vec![Remark {
                    status: Status::new(Tone::Warn, "look"),
                    text: "No price fits blueprints, so they would be free.".to_owned(),
                }],
                waiting: Some("Version 4 waits for another person.".to_owned()),
                ended: Some("Its last day is 31 Dec 2026.".to_owned()),
                forecasts: vec![ForecastRow {
                    title: "Monochrome lines".to_owned(),
                    words: "380.00 m² of 400.00 m²".to_owned(),
                    percent: 95,
                    status: Status::new(Tone::Warn, "95.0 % used"),
                }],
                drift: Some("A printer sorts by other limits: + € 23.10.".to_owned()),
                trouble: None,
                dates: vec![Fact::new("1 Dec 2026", "Last day to give notice.")],
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
                discarded: vec![Fact::new("October 2026", "by Ada: wrong <script>alert(1)</script> period")],
                versions: vec![VersionRow {
                    number: 4,
                    from: "1 Oct 2026".to_owned(),
                    status: Status::new(Tone::Warn, "waits"),
                    by: "Ada, 28 Sep 2026".to_owned(),
                    note: "Agreed <script>alert(1)</script> by phone".to_owned(),
                    verdict: String::new(),
                    change: "Colour lines from 0.30 to 0.32".to_owned(),
                    decide: Some(Decide {
                        href: "/contracts/112/versions/4".to_owned(),
                        id: "note-4".to_owned(),
                        can_approve: true,
                    }),
                }],
            }
        }
    }
}
