//! The pages of the billing run: its months, and the board of one month.
//!
//! Deliberately absent: every sum that is billed, and what makes a printer ready, which come from below.

use crate::shell::page::{Chip, Chrome, Fact, Field, Link, Pager, Status};
use crate::statements::page::Act;
use askama::Template;

/// `/billing`.
#[derive(Debug, Clone, Template)]
#[template(path = "billing_run/months.html")]
pub(crate) struct MonthsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The month that ended last, to begin with.
    pub(crate) next: Link,
    /// Months with statements, the newest first.
    pub(crate) rows: Vec<MonthRow>,
    /// `month`.
    pub(crate) field: Field,
    /// The latest runs.
    pub(crate) runs: Vec<RunRow>,
}

/// A month with statements.
#[derive(Debug, Clone)]
pub(crate) struct MonthRow {
    /// The month, leading to its board.
    pub(crate) month: Link,
    /// Statements that wait for approval.
    pub(crate) drafts: i64,
    /// Statements that wait to be issued.
    pub(crate) approved: i64,
    /// Statements that stand.
    pub(crate) issued: i64,
    /// What is to do, in a word.
    pub(crate) status: Status,
}

/// A run of drawing up.
#[derive(Debug, Clone)]
pub(crate) struct RunRow {
    /// The month, leading to its board.
    pub(crate) month: Link,
    /// When it started and by whom.
    pub(crate) started: String,
    /// How far it is, and what it says.
    pub(crate) words: String,
    /// Running, done or failed.
    pub(crate) status: Status,
    /// Whether it goes on.
    pub(crate) running: bool,
}

/// `/billing/{month}`.
#[derive(Debug, Clone, Template)]
#[template(path = "billing_run/board.html")]
pub(crate) struct BoardPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// `October 2026`.
    pub(crate) month: String,
    /// `/billing/2026-10`.
    pub(crate) href: String,
    /// `2026-10`, as forms send it that lead back here.
    pub(crate) board: String,
    /// The months before and after.
    pub(crate) neighbours: Vec<Link>,
    /// The latest run of this month.
    pub(crate) run: Option<RunRow>,
    /// What an act on all statements left, and why.
    pub(crate) left: Vec<String>,
    /// What can be done with the whole month: value and label of the button.
    pub(crate) acts: Vec<(&'static str, String)>,
    /// How many statements of each state, and their sum; then how many printers are ready.
    pub(crate) totals: Vec<Fact>,
    /// Filters: all, to look at, ready, issued.
    pub(crate) chips: Vec<Chip>,
    /// The contracts shown, those that need somebody first.
    pub(crate) rows: Vec<ContractCard>,
    /// Which part of them is shown.
    pub(crate) pager: Pager,
}

/// A contract with a period that begins in the month.
#[derive(Debug, Clone)]
pub(crate) struct ContractCard {
    /// The contract's id, as forms send it.
    pub(crate) contract_id: i64,
    /// Where a signed reason is posted to; empty without a draft.
    pub(crate) sign: String,
    /// Notes on its period that wait.
    pub(crate) notes: Vec<Link>,
    /// What a person should look at before it is approved, a sentence each.
    pub(crate) questions: Vec<String>,
    /// The contract.
    pub(crate) contract: Link,
    /// Its customer.
    pub(crate) customer: Link,
    /// Its period, and how long until the cut-off.
    pub(crate) when: String,
    /// The state of its statement, or that there is none.
    pub(crate) status: Status,
    /// Its statement.
    pub(crate) statement: Option<Link>,
    /// Its total with its currency; empty without a statement.
    pub(crate) total: String,
    /// How many printers are complete, where these are not listed one by one.
    pub(crate) complete: String,
    /// Printers with something to know.
    pub(crate) printers: Vec<PrinterLine>,
    /// What can be done with its statement.
    pub(crate) acts: Vec<Act>,
    /// Where people enter the contract's events: outages, credits and the like.
    pub(crate) events: String,
}

/// A printer of a contract, as far as it is ready to be billed.
#[derive(Debug, Clone)]
pub(crate) struct PrinterLine {
    /// Its id, as forms send it.
    pub(crate) printer_id: i64,
    /// The printer.
    pub(crate) printer: Link,
    /// Complete, late, estimated or suspect.
    pub(crate) status: Status,
    /// Why, a sentence each.
    pub(crate) reasons: Vec<String>,
    /// Where the cause is settled.
    pub(crate) cause: Option<Link>,
    /// Where a reading is entered by hand.
    pub(crate) enter: Option<Link>,
    /// Whether the contract's rule may estimate it.
    pub(crate) estimate: bool,
    /// Who signed when and why it is billed all the same.
    pub(crate) signed: Option<String>,
    /// The element of the reason's field, while one can be signed.
    pub(crate) sign: Option<String>,
    /// What a signature is for, as the form sends it.
    pub(crate) signed_for: String,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;

    fn run() -> RunRow {
        RunRow {
            month: Link::new("October 2026", "/billing/2026-10"),
            started: "1 Nov 2026 09:12 UTC, by <script>alert(1)</script>".to_owned(),
            words: "12 of 38 contracts".to_owned(),
            status: Status::new(Tone::Info, "running"),
            running: true,
        }
    }

    impl MonthsPage {
        pub(crate) fn sample() -> MonthsPage {
            MonthsPage {
                chrome: Chrome::sample("Billing run", "/billing"),
                next: Link::new("October 2026", "/billing/2026-10"),
                rows: vec![MonthRow {
                    month: Link::new("October 2026", "/billing/2026-10"),
                    drafts: 4,
                    approved: 2,
                    issued: 32,
                    status: Status::new(Tone::Info, "to approve"),
                }],
                field: Field::new("month", "month", "Month").required(),
                runs: vec![run()],
            }
        }
    }

    fn late() -> PrinterLine {
        PrinterLine {
            printer_id: 7,
            printer: Link::new("T930 · <script>alert(1)</script>", "/printers/7"),
            status: Status::new(Tone::Warn, "late"),
            reasons: vec!["It was last read 28 Oct 2026, before the period's end.".to_owned()],
            cause: Some(Link::new("Look at its readings", "/printers/7?tab=readings")),
            enter: Some(Link::new("Enter a reading", "/readings/enter?customer=4&printer=7")),
            estimate: true,
            signed: None,
            sign: Some("sign-112-7".to_owned()),
            signed_for: "0a".repeat(32),
        }
    }

    impl BoardPage {
        pub(crate) fn sample() -> BoardPage {
            let signed = PrinterLine {
                printer_id: 8,
                signed: Some("Ada on 3 Nov 2026: read by phone".to_owned()),
                sign: None,
                enter: None,
                estimate: false,
                ..late()
            };
            BoardPage {
                chrome: Chrome::sample("Billing run, October 2026", "/billing"),
                month: "October 2026".to_owned(),
                href: "/billing/2026-10".to_owned(),
                board: "2026-10".to_owned(),
                neighbours: vec![Link::new("September 2026", "/billing/2026-09")],
                run: Some(run()),
                left: vec!["C-112: <script>alert(1)</script>".to_owned()],
                acts: vec![("draw", "Draw up all".to_owned()), ("approve", "Approve 4".to_owned())],
                totals: vec![Fact::new("4 draft", "€ 1,432.09"), Fact::new("printers late", "1")],
                chips: vec![Chip::new("All 38", "/billing/2026-10", true)],
                rows: vec![ContractCard {
                    contract_id: 112,
                    sign: "/statements/187/sign".to_owned(),
                    notes: vec![Link::new("Credit note, draft", "/statements/188")],
                    questions: vec!["Something has no <script>alert(1)</script> price.".to_owned()],
                    contract: Link::new("C-112", "/contracts/112"),
                    customer: Link::new("<script>alert(1)</script> Bau", "/customers/4"),
                    when: "October 2026 · 5 days to the cut-off".to_owned(),
                    status: Status::new(Tone::Info, "draft"),
                    statement: Some(Link::new("draft", "/statements/187")),
                    total: "€ 432.09".to_owned(),
                    complete: "12 printers complete".to_owned(),
                    printers: vec![late(), signed],
                    acts: vec![Act {
                        action: "/statements/187/approve".to_owned(),
                        label: "Approve".to_owned(),
                        primary: false,
                        hidden: vec![("board", "2026-10".to_owned())],
                    }],
                    events: "/contracts/112/events".to_owned(),
                }],
                pager: Pager::new(0, 1, 1, None, None),
            }
        }
    }
}
