//! The pages of agents: each with a word for how it does and the next thing to do.
//!
//! Deliberately absent: enrolling one, whose form stands on the customer's page, and any way to reach
//! into a customer's network.

use super::policy::PolicyRow;
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
    /// What it is, in words.
    pub(crate) kind: String,
    /// Not confirmed, provisioned, running, late, silent and so on; with a shape.
    pub(crate) status: Status,
    /// The next thing to do, a sentence.
    pub(crate) next: String,
    /// How many printers it reads.
    pub(crate) printers: i64,
    /// How many records it could not send yet, or the word for not known.
    pub(crate) waiting: String,
    /// Its version.
    pub(crate) version: String,
    /// When it was in contact last; `None` where it never was.
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
    /// As in [`AgentRow`].
    pub(crate) status: Status,
    /// The next thing to do, a sentence.
    pub(crate) next: String,
    /// Until when its enrolment holds; `None` once it was confirmed.
    pub(crate) enrolment: Option<String>,
    /// What waits for approval at the customer's side.
    pub(crate) consents: Vec<String>,
    /// What it says is wrong.
    pub(crate) troubles: Vec<String>,
    /// Customer, kind, how it was enrolled, version, interval, last package, packages, records, id.
    pub(crate) facts: Vec<Fact>,
    /// What it said of itself; empty before it said anything.
    pub(crate) said: Vec<Fact>,
    /// What it does with each field that can tell about a person; empty before it told.
    pub(crate) policy: Vec<PolicyRow>,
    /// Whether it is asked to leave out everything personal, whatever its policy.
    pub(crate) drops_personal: bool,
    /// The printers it reads.
    pub(crate) printers: Vec<Link>,
    /// Its latest packages, newest first.
    pub(crate) packages: Vec<PackageRow>,
    /// What happened to it, newest first.
    pub(crate) events: Vec<EventRow>,
    /// `/agents/{id}`.
    pub(crate) href: String,
    /// `minutes`, posting to `…/interval`.
    pub(crate) interval: Field,
    /// `ranges` and `excluded`, posting to `…/ranges`.
    pub(crate) ranges: Vec<Field>,
    /// `name`, posting to `…/lease`.
    pub(crate) lease: Field,
    /// What can be done to it now, posting to `…/state`.
    pub(crate) acts: Vec<Act>,
    /// What was missing when somebody tried.
    pub(crate) unsure: Option<&'static str>,
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
    /// Accepted, in quarantine, or why not.
    pub(crate) status: Status,
}

/// Something that happened to an agent.
#[derive(Debug, Clone)]
pub(crate) struct EventRow {
    /// When.
    pub(crate) at: String,
    /// What, in words.
    pub(crate) what: String,
    /// More of it; may be empty.
    pub(crate) detail: String,
    /// Who did it; the agent where nobody did.
    pub(crate) by: String,
}

/// Something that can be done to an agent.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// What the form sends as `change`.
    pub(crate) change: &'static str,
    /// The button's words.
    pub(crate) label: &'static str,
    /// What happens then.
    pub(crate) words: &'static str,
    /// What has to be ticked first; `None` where nothing is lost.
    pub(crate) sure: Option<String>,
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
                kind: "Data Collector".to_owned(),
                status,
                next: "Look whether its computer is on".to_owned(),
                printers: 6,
                waiting: "12".to_owned(),
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
                consents: vec!["read 192.0.2.0/28 <b>".to_owned()],
                troubles: vec!["CN48A2491: its certificate changed".to_owned()],
                facts: vec![Fact::new("Version", "0.1.0"), Fact::new("Last package", "2 h ago")],
                said: vec![Fact::new("Waiting records", "12"), Fact::new("Clock", "right")],
                policy: vec![PolicyRow { field: "User name".to_owned(), fate: "dropped".to_owned() }],
                drops_personal: true,
                printers: vec![Link::new("T930 <script>alert(1)</script>", "/printers/7")],
                packages: vec![PackageRow {
                    sequence: 1204,
                    at: "1 Nov 2026 10:00".to_owned(),
                    records: "31".to_owned(),
                    size: "14 KB".to_owned(),
                    status: Status::new(Tone::Good, "accepted"),
                }],
                events: vec![EventRow {
                    at: "1 Nov 2026 09:00".to_owned(),
                    what: "Settings changed".to_owned(),
                    detail: "every 60 minutes".to_owned(),
                    by: "Ada <script>alert(1)</script>".to_owned(),
                }],
                href: "/agents/3".to_owned(),
                interval: Field::new("text", "minutes", "Minutes between two readings")
                    .value("5")
                    .wrong(Some("“5” is no whole number between 30 and 1440 minutes.".to_owned())),
                ranges: vec![
                    Field::lines("ranges", "Addresses, networks or ranges").value("192.0.2.0/28\n192.0.2.300"),
                    Field::lines("excluded", "Left out"),
                ],
                lease: Field::text("name", "Name"),
                acts: vec![Act {
                    change: "revoke",
                    label: "Revoke",
                    words: "Nothing that it sends is taken any more.",
                    sure: Some("Yes, revoke <i>plotraum</i>".to_owned()),
                }],
                unsure: Some("Tick the box first."),
            }
        }
    }
}
