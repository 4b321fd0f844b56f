//! The pages of agents: each with a word for how it does and the next thing to do.
//!
//! Deliberately absent: enrolling one, whose form stands on the customer's page, and any way to reach
//! into a customer's network.

use crate::shell::page::{Chrome, Fact, Field, Link, Pager, Status};
use crate::shell::rows::Age;
use askama::Template;

/// `/agents`.
#[derive(Debug, Clone, Template)]
#[template(path = "agents/agents.html")]
pub(crate) struct AgentsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// How many, and how many need somebody.
    pub(crate) sub: String,
    /// The agents, those that need somebody first.
    pub(crate) rows: Vec<AgentRow>,
    /// Which part of the list is shown.
    pub(crate) pager: Pager,
}

/// An agent in a list.
#[derive(Debug, Clone)]
pub(crate) struct AgentRow {
    /// `/agents/{id}`.
    pub(crate) href: String,
    /// Its host's name.
    pub(crate) name: String,
    /// Its customer.
    pub(crate) customer: String,
    /// Not confirmed, running, late, silent, copied; with a shape.
    pub(crate) status: Status,
    /// The next thing to do, a sentence.
    pub(crate) next: String,
    /// How many printers it reads.
    pub(crate) printers: i64,
    /// Its version.
    pub(crate) version: String,
    /// When its last package was accepted; `None` before the first.
    pub(crate) last: Option<Age>,
}

/// `/agents/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "agents/agent.html")]
pub(crate) struct AgentPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// Its name.
    pub(crate) name: String,
    /// Customer and zone.
    pub(crate) sub: String,
    /// Not confirmed, running, late, silent, copied.
    pub(crate) status: Status,
    /// The next thing to do, a sentence.
    pub(crate) next: String,
    /// Until when its enrolment holds; `None` once it was confirmed.
    pub(crate) enrolment: Option<String>,
    /// Customer, host, version, interval, last accepted package, packages, records, id.
    pub(crate) facts: Vec<Fact>,
    /// The printers it reads.
    pub(crate) printers: Vec<Link>,
    /// Its latest packages, newest first.
    pub(crate) packages: Vec<PackageRow>,
    /// `/agents/{id}`.
    pub(crate) href: String,
    /// `minutes`, posting to `…/interval`.
    pub(crate) interval: Field,
}

/// A package of an agent.
#[derive(Debug, Clone)]
pub(crate) struct PackageRow {
    /// Its number in the agent's own count.
    pub(crate) sequence: i64,
    /// When it arrived.
    pub(crate) at: String,
    /// How many records it brought, or the word for not known.
    pub(crate) records: String,
    /// Its size with unit.
    pub(crate) size: String,
    /// Accepted, or why not.
    pub(crate) status: Status,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::format::Zone;
    use crate::shell::page::Tone;
    use report::Instant;

    impl AgentsPage {
        pub(crate) fn sample() -> AgentsPage {
            let row = |name: &str, status, last| AgentRow {
                href: "/agents/3".to_owned(),
                name: name.to_owned(),
                customer: "<script>alert(1)</script> Bau".to_owned(),
                status,
                next: "Look whether its computer is on".to_owned(),
                printers: 6,
                version: "0.1.0".to_owned(),
                last,
            };
            let age = Age::of(Instant(7_200_000), Instant(0), &Zone::utc());
            AgentsPage {
                chrome: Chrome::sample("Agents", "/agents"),
                sub: "31 agents, 2 need somebody".to_owned(),
                rows: vec![
                    row("plotraum", Status::new(Tone::Bad, "Silent 26 h"), Some(age)),
                    row("büro", Status::new(Tone::Info, "Not confirmed"), None),
                ],
                pager: Pager::new(0, 2, 2, None, None),
            }
        }
    }

    impl AgentPage {
        pub(crate) fn sample() -> AgentPage {
            AgentPage {
                chrome: Chrome::sample("plotraum", "/agents"),
                name: "plotraum".to_owned(),
                sub: "Kessel Bau · times in Europe/Berlin".to_owned(),
                status: Status::new(Tone::Good, "Running"),
                next: "Nothing to do.".to_owned(),
                enrolment: Some("The enrolment holds until 2 Nov 2026 10:00.".to_owned()),
                facts: vec![Fact::new("Version", "0.1.0"), Fact::new("Last package", "2 h ago")],
                printers: vec![Link::new("T930 <script>alert(1)</script>", "/printers/7")],
                packages: vec![PackageRow {
                    sequence: 1204,
                    at: "1 Nov 2026 10:00".to_owned(),
                    records: "31".to_owned(),
                    size: "14 KB".to_owned(),
                    status: Status::new(Tone::Good, "accepted"),
                }],
                href: "/agents/3".to_owned(),
                interval: Field::new("text", "minutes", "Minutes between two readings")
                    .value("5")
                    .wrong(Some("“5” is no whole number between 30 and 1440 minutes.".to_owned())),
            }
        }
    }
}
