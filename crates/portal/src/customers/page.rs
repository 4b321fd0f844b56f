//! The pages of customers: the list, one customer, and the form of a new one.
//!
//! Deliberately absent: what a customer sees of itself, which is in `my`.

use crate::contracts::page::ContractRow;
use crate::fleet::page::PrinterRow;
use crate::shell::page::{Chrome, Fact, Field, Pager, Status};
use askama::Template;

/// `/customers`.
#[derive(Debug, Clone, Template)]
#[template(path = "customers/customers.html")]
pub(crate) struct CustomersPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// How many.
    pub(crate) sub: String,
    /// The customers.
    pub(crate) rows: Vec<CustomerRow>,
    /// Which part of the list is shown.
    pub(crate) pager: Pager,
}

/// A customer in a list.
#[derive(Debug, Clone)]
pub(crate) struct CustomerRow {
    /// `/customers/{id}`.
    pub(crate) href: String,
    /// Its name.
    pub(crate) name: String,
    /// Where its printers stand, or empty.
    pub(crate) site: String,
    /// How many printers.
    pub(crate) printers: i64,
    /// How many contracts.
    pub(crate) contracts: i64,
    /// How its agents do, with a shape.
    pub(crate) status: Status,
    /// Area printed this month at its site, with the unit, or the word for not known.
    pub(crate) area: String,
}

/// `/customers/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "customers/customer.html")]
pub(crate) struct CustomerPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// `/customers/{id}`.
    pub(crate) href: String,
    /// Its name.
    pub(crate) name: String,
    /// Its site, its zone, and the month of the figures.
    pub(crate) sub: String,
    /// Site, zone, how many printers.
    pub(crate) facts: Vec<Fact>,
    /// Its printers.
    pub(crate) printers: Vec<PrinterRow>,
    /// Which part of its printers is shown.
    pub(crate) pager: Pager,
    /// Its contracts.
    pub(crate) contracts: Vec<ContractRow>,
    /// Its agents: name to what to do next, leading to each.
    pub(crate) agents: Vec<Fact>,
    /// Its own people: name to address.
    pub(crate) people: Vec<Fact>,
    /// Where one of its people is invited.
    pub(crate) invite: String,
    /// Whether names of people arrive, in words.
    pub(crate) collected: String,
    /// How long an enrolment file holds: `It works once, within 24 hours.`
    pub(crate) enrol_words: String,
}

/// `/customers/new`. Posts to its own address.
#[derive(Debug, Clone, Template)]
#[template(path = "customers/new.html")]
pub(crate) struct CustomerNewPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// `name`, `site`, `zone`.
    pub(crate) fields: Vec<Field>,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::fleet::page::PrintersPage;
    use crate::shell::page::Tone;

    impl CustomersPage {
        pub(crate) fn sample() -> CustomersPage {
            CustomersPage {
                chrome: Chrome::sample("Customers", "/customers"),
                sub: "27 customers".to_owned(),
                rows: vec![CustomerRow {
                    href: "/customers/4".to_owned(),
                    name: "<script>alert(1)</script> Bau".to_owned(),
                    site: "Rotterdam".to_owned(),
                    printers: 6,
                    contracts: 2,
                    status: Status::new(Tone::Good, "all reporting"),
                    area: "1,204.10 m²".to_owned(),
                }],
                pager: Pager::new(0, 1, 1, None, None),
            }
        }
    }

    impl CustomerPage {
        pub(crate) fn sample() -> CustomerPage {
            CustomerPage {
                chrome: Chrome::sample("Kessel Bau", "/customers"),
                href: "/customers/4".to_owned(),
                name: "<script>alert(1)</script> Bau".to_owned(),
                sub: "Rotterdam · times in Europe/Amsterdam · figures of October 2026".to_owned(),
                facts: vec![Fact::new("Site", "Rotterdam"), Fact::new("Time zone", "Europe/Amsterdam")],
                printers: PrintersPage::sample().rows.into_iter().take(6).collect(),
                pager: Pager::new(0, 6, 6, None, None),
                contracts: vec![ContractRow::sample()],
                agents: vec![Fact::new("plotraum", "2 h ago: Nothing to do.").linked("/agents/3")],
                people: vec![Fact::new("Ada Lund", "ada@example.org")],
                invite: "/people/new?customer=4".to_owned(),
                collected: "No names of people arrive.".to_owned(),
                enrol_words: "It works once, within 24 hours.".to_owned(),
            }
        }
    }

    impl CustomerNewPage {
        pub(crate) fn sample() -> CustomerNewPage {
            CustomerNewPage {
                chrome: Chrome::sample("New customer", "/customers"),
                fields: vec![
                    Field::text("name", "Name").wrong(Some("Give the customer a name.".to_owned())),
                    Field::text("zone", "Time zone").value("Europe/Berlin").hint("It cuts days and months."),
                ],
            }
        }
    }
}
