//! The pages of customers: the list, one customer, and the form of a new one.
//!
//! Deliberately absent: what a customer sees of itself, which is in `my`.

use crate::contracts::page::ContractRow;
use crate::fleet::page::PrinterRow;
use crate::shell::page::{Chrome, Fact, Field, Link, Pager, Status};
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
    /// Its agents.
    pub(crate) agents: Vec<AgentLine>,
    /// A sentence where their privacy policies differ.
    pub(crate) differing: Option<String>,
    /// Its own people: name to address.
    pub(crate) people: Vec<Fact>,
    /// Where one of its people is invited.
    pub(crate) invite: String,
    /// Whether names of people arrive, in words.
    pub(crate) collected: String,
    /// How long an enrolment file holds: `It works once, within 24 hours.`
    pub(crate) enrol_words: String,
    /// `announced`, posting to `…/agents/announce`.
    pub(crate) announce: Field,
    /// The names under which it waits for an agent.
    pub(crate) announced: Vec<AnnouncedRow>,
    /// `serial` and `digits`, posting to `…/agents/panel`.
    pub(crate) panel: Vec<Field>,
    /// `factory_serial` and `label`, posting to `…/agents/factory`.
    pub(crate) factory: Vec<Field>,
    /// `who`, posting to `…/participation`.
    pub(crate) participation: Field,
    /// A sentence where more printers take part than agents can be told.
    pub(crate) untold: Option<String>,
    /// Its printers that take no part.
    pub(crate) waiting: Vec<WaitingRow>,
}

/// An agent of a customer.
#[derive(Debug, Clone)]
pub(crate) struct AgentLine {
    /// Its host, leading to its page.
    pub(crate) link: Link,
    /// What it is, its last contact, and the next thing to do.
    pub(crate) note: String,
    /// How it does.
    pub(crate) status: Status,
}

/// A name under which a customer waits for an agent.
#[derive(Debug, Clone)]
pub(crate) struct AnnouncedRow {
    /// The name, sent as `announced` to start over.
    pub(crate) name: String,
    /// How far it came.
    pub(crate) note: String,
}

/// A printer that takes no part.
#[derive(Debug, Clone)]
pub(crate) struct WaitingRow {
    /// What people call it, leading to its page.
    pub(crate) printer: Link,
    /// When it was seen, or that a person stopped it.
    pub(crate) note: String,
    /// Where it is marked: `/printers/{id}/participation`.
    pub(crate) action: String,
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
                agents: vec![AgentLine {
                    link: Link::new("plotraum", "/agents/3"),
                    note: "Data Collector · 2 h ago · Nothing to do.".to_owned(),
                    status: Status::new(Tone::Good, "Running"),
                }],
                differing: Some("The agents of this customer treat this differently: User name.".to_owned()),
                people: vec![Fact::new("Ada Lund", "ada@example.org")],
                invite: "/people/new?customer=4".to_owned(),
                collected: "No names of people arrive.".to_owned(),
                enrol_words: "It works once, within 24 hours.".to_owned(),
                announce: Field::text("announced", "Serial number to announce"),
                announced: vec![AnnouncedRow {
                    name: "CN48 <b>".to_owned(),
                    note: "announced until 3 Oct 2026 12:00: start at its panel".to_owned(),
                }],
                panel: vec![
                    Field::text("serial", "Serial number").value("CN48A2491"),
                    Field::text("digits", "Six digits").wrong(Some("These digits do not fit.".to_owned())),
                ],
                factory: vec![Field::text("factory_serial", "Serial number"), Field::text("label", "Label")],
                participation: Field::select("who", "Which printers take part", [("all", "all")], "all"),
                untold: Some("12 printers take part and are not read.".to_owned()),
                waiting: vec![WaitingRow {
                    printer: Link::new("T930 · CN1 <b>", "/printers/9"),
                    note: "seen 2 h ago".to_owned(),
                    action: "/printers/9/participation".to_owned(),
                }],
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
