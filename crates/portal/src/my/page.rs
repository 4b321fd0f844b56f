//! The customer's own page: its printers, its bills, and what is collected about it.
//!
//! Deliberately absent: every other customer, and the reseller's margins and notes.

use crate::agents::{self, Fate};
use crate::fleet::page::PrinterRow;
use crate::shell::page::{Chrome, Fact, Pager, Status};
use crate::statements::page::StatementRow;
use askama::Template;
use report::{ROWS, RowId, Section};

/// `/my`.
#[derive(Debug, Clone, Template)]
#[template(path = "my/my.html")]
pub(crate) struct MyPage {
    /// The frame, with `customer_navigation`.
    pub(crate) chrome: Chrome,
    /// The reseller and the zone.
    pub(crate) sub: String,
    /// The contracts: number to the version that counts.
    pub(crate) contracts: Vec<Fact>,
    /// The printers, at the customer's own pages of them.
    pub(crate) printers: Vec<PrinterRow>,
    /// Which part of the printers is shown.
    pub(crate) pager: Pager,
    /// The statements, newest first; drafts are not among them.
    pub(crate) statements: Vec<StatementRow>,
    /// Which part of the statements is shown.
    pub(crate) statement_pager: Pager,
    /// The agents that read the printers.
    pub(crate) agents: Vec<AgentRow>,
    /// Each row that can be collected, see [`policy`].
    pub(crate) policy: Vec<PolicySection>,
    /// What arrived of late, and where that is decided: on the customer's own side.
    pub(crate) policy_words: String,
}

/// An agent, as its customer's people see it: nothing can be changed here.
#[derive(Debug, Clone)]
pub(crate) struct AgentRow {
    /// Its host.
    pub(crate) name: String,
    /// What it is, and its last contact.
    pub(crate) note: String,
    /// How it does.
    pub(crate) status: Status,
    /// What it does with what can tell about a person; empty before it told.
    pub(crate) policy: Vec<agents::PolicyRow>,
}

/// A section of Appendix A, as the customer's own file treats it.
#[derive(Debug, Clone)]
pub(crate) struct PolicySection {
    /// The section's name.
    pub(crate) label: &'static str,
    /// How many of its rows leave the network: `26 of 26 rows kept`.
    pub(crate) summary: String,
    /// Its rows.
    pub(crate) rows: Vec<PolicyRow>,
}

/// A row, as the customer's own file treats it.
#[derive(Debug, Clone)]
pub(crate) struct PolicyRow {
    /// The stable id.
    pub(crate) id: &'static str,
    /// The row's name.
    pub(crate) label: &'static str,
    /// Whether it can tell about a person.
    pub(crate) personal: bool,
    /// What happens to it, in words.
    pub(crate) fate: &'static str,
}

/// Every row of Appendix A with what happens to it; `fate` says what happens to a personal row before it
/// leaves the customer's network. The other rows always leave it: they are about the printer.
pub(crate) fn policy(fate: impl Fn(RowId) -> Fate) -> Vec<PolicySection> {
    let sections =
        [Section::Configuration, Section::Status, Section::Usage, Section::PrintJob, Section::ScanJob, Section::Alert];
    let section = |section: Section| {
        let fate = |row: &report::Row| if row.personal { fate(row.id) } else { Fate::Kept };
        let row = |row: &report::Row| PolicyRow {
            id: row.id.word(),
            label: row.label,
            personal: row.personal,
            fate: fate(row).words(),
        };
        let of: Vec<&report::Row> = ROWS.iter().filter(|row| row.section == section).collect();
        let left = of.iter().filter(|row| fate(row) == Fate::Kept).count();
        PolicySection {
            label: section.label(),
            summary: format!("{left} of {} rows kept", of.len()),
            rows: of.into_iter().map(row).collect(),
        }
    };
    sections.into_iter().map(section).collect()
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::fleet::page::PrintersPage;
    use crate::shell::page::{Tone, customer_navigation};

    impl MyPage {
        pub(crate) fn sample() -> MyPage {
            let mut chrome = Chrome::sample("Your printing", "/my");
            chrome.groups = customer_navigation("/my");
            chrome.search = false;
            chrome.home = "/my";
            MyPage {
                chrome,
                sub: "Billed by Nordhang Repro · times in Europe/Berlin".to_owned(),
                contracts: vec![Fact::new("C-112", "version 3, from 1 Oct 2026").linked("/my/contracts/112")],
                printers: PrintersPage::sample().rows.into_iter().take(6).collect(),
                pager: Pager::new(0, 6, 6, None, None),
                statements: vec![StatementRow::sample()],
                statement_pager: Pager::new(0, 1, 1, None, None),
                agents: vec![AgentRow {
                    name: "plotraum".to_owned(),
                    note: "Data Collector, in contact 2 h ago".to_owned(),
                    status: Status::new(Tone::Good, "Running"),
                    policy: vec![agents::PolicyRow { field: "User name".to_owned(), fate: "dropped".to_owned() }],
                }],
                policy: policy(|row| if row == RowId::P1 { Fate::Kept } else { Fate::Dropped }),
                policy_words: "The file collector.toml on your own computer decides; nobody outside can change it."
                    .to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_kept(row: RowId) -> Fate {
        match row {
            RowId::P1 => Fate::Kept,
            RowId::P7 => Fate::Pseudonym,
            _ => Fate::Dropped,
        }
    }

    #[test]
    fn a_personal_row_is_dropped_unless_the_customer_keeps_it() {
        let rows: Vec<PolicyRow> = policy(one_kept).into_iter().flat_map(|section| section.rows).collect();
        let fate = |id: &str| rows.iter().find(|row| row.id == id).map(|row| row.fate);
        assert_eq!(rows.len(), ROWS.len());
        assert_eq!(fate("P1"), Some("kept"));
        assert_eq!(fate("P8"), Some("dropped before it leaves your network"));
        assert_eq!(fate("P7"), Some("replaced by a pseudonym before it leaves your network"));
        assert_eq!(fate("P20"), Some("kept"));
    }
}
