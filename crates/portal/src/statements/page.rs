//! The pages of statements: the list, and one statement whose every line opens to what it rests on.
//!
//! Deliberately absent: every sum. A statement arrives rated, its steps in words.

use crate::shell::page::{Badge, Chip, Chrome, Fact, Link, Pager, Status};
use askama::Template;

/// `/statements`.
#[derive(Debug, Clone, Template)]
#[template(path = "statements/statements.html")]
pub(crate) struct StatementsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// How many wait for approval, and the zone of the periods.
    pub(crate) sub: String,
    /// The filters with their counts: all, to approve, approved.
    pub(crate) chips: Vec<Chip>,
    /// The statements shown.
    pub(crate) rows: Vec<StatementRow>,
    /// Which part of the list is shown.
    pub(crate) pager: Pager,
}

/// A statement in a list, also on the customer's own page.
#[derive(Debug, Clone)]
pub(crate) struct StatementRow {
    /// `/statements/{id}`.
    pub(crate) href: String,
    /// Its number.
    pub(crate) number: String,
    /// Its customer.
    pub(crate) customer: String,
    /// Its period: `October 2026`.
    pub(crate) period: String,
    /// The grades of what it rests on, best first.
    pub(crate) grades: Vec<Badge>,
    /// Draft or approved, or what is missing.
    pub(crate) status: Status,
    /// Its total with its currency.
    pub(crate) total: String,
}

/// `/statements/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "statements/statement.html")]
pub(crate) struct StatementPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The list it came from: `/statements`, or `/my` for the customer.
    pub(crate) back: Link,
    /// Its number.
    pub(crate) number: String,
    /// Customer and period: `Kessel Bau, October 2026`.
    pub(crate) heading: String,
    /// Number, contract version, and the half-open period with its zone.
    pub(crate) sub: String,
    /// The statement's life: drafted, approved.
    pub(crate) steps: Vec<Step>,
    /// `/statements/{id}/export.csv`; `None` where the reader may not.
    pub(crate) export_href: Option<String>,
    /// `/statements/{id}/approve`; `None` where it is approved or the reader may not.
    pub(crate) approve: Option<String>,
    /// The sign or code of its currency, for the column's head.
    pub(crate) currency: String,
    /// Its lines in the contract's order.
    pub(crate) lines: Vec<LineRow>,
    /// Net, tax and total: name to amount without currency, the total last.
    pub(crate) totals: Vec<Fact>,
    /// Why counters and jobs differ, a card for each kind of meter where both are known.
    pub(crate) gaps: Vec<GapCard>,
    /// How much of the amount each grade proves: `71 % signed by the printer`.
    pub(crate) shares: Vec<GradeShare>,
    /// What happened to it: instant to words.
    pub(crate) history: Vec<Fact>,
    /// Oddities that a reader should know before approving, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// A step of a statement's life.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Its name.
    pub(crate) name: String,
    /// Whether it lies behind.
    pub(crate) done: Option<Status>,
    /// Whether the statement is there now.
    pub(crate) current: bool,
}

/// A line of a statement.
#[derive(Debug, Clone)]
pub(crate) struct LineRow {
    /// What is billed.
    pub(crate) label: String,
    /// More about it: `520.00 m² used, 400.00 included`.
    pub(crate) note: String,
    /// The quantity with its unit.
    pub(crate) quantity: String,
    /// The unit price, 2 to 6 decimals.
    pub(crate) unit_price: String,
    /// The grades of what it rests on; empty for a fee, which rests on the contract.
    pub(crate) grades: Vec<Badge>,
    /// The amount without its currency.
    pub(crate) amount: String,
    /// What it rests on; `None` for a fee.
    pub(crate) proof: Option<LineProof>,
}

/// What a line rests on.
#[derive(Debug, Clone)]
pub(crate) struct LineProof {
    /// Whether it stands open when the page arrives.
    pub(crate) open: bool,
    /// The first instant of the period, for the column's head: `1 Oct`.
    pub(crate) from: String,
    /// The first instant after the period: `1 Nov`.
    pub(crate) to: String,
    /// The quantity's unit, for the column's head.
    pub(crate) unit: String,
    /// A printer's readings each.
    pub(crate) readings: Vec<LineReading>,
    /// The sum, a step each: `520.00 m² − 400.00 m² included = 120.00 m²`.
    pub(crate) steps: Vec<String>,
    /// `612 jobs behind this`, leading to them; `None` where counters are the evidence.
    pub(crate) jobs: Option<JobsLink>,
}

/// Where the jobs behind a line are listed.
#[derive(Debug, Clone)]
pub(crate) struct JobsLink {
    /// The text.
    pub(crate) text: String,
    /// The address.
    pub(crate) href: String,
    /// What these jobs used together, in the meter's base unit: the list there has the same total.
    pub(crate) quantity: i64,
}

/// A printer's share of a line.
#[derive(Debug, Clone)]
pub(crate) struct LineReading {
    /// The printer; without an address where the reader has no page of it.
    pub(crate) printer: Link,
    /// The counter at the period's start and when it was read; how many jobs, where these are the evidence.
    pub(crate) start: String,
    /// The counter at the period's end and when it was read.
    pub(crate) end: String,
    /// The quantity used.
    pub(crate) used: String,
    /// Who read it, in words.
    pub(crate) read_by: String,
    /// How well it is proved.
    pub(crate) grade: Badge,
}

/// Why the counters and the jobs do not say the same.
#[derive(Debug, Clone)]
pub(crate) struct GapCard {
    /// The meter: `Media used`.
    pub(crate) meter: String,
    /// What the counters say, with unit.
    pub(crate) counters: String,
    /// What the jobs say, with unit.
    pub(crate) jobs: String,
    /// The difference, with unit.
    pub(crate) difference: String,
    /// Its causes: name to quantity; what is left is `unexplained`.
    pub(crate) causes: Vec<Fact>,
}

/// How much one grade proves.
#[derive(Debug, Clone)]
pub(crate) struct GradeShare {
    /// The grade.
    pub(crate) grade: Badge,
    /// `71 % signed by the printer`.
    pub(crate) words: String,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;
    use report::Grade;

    impl StatementRow {
        pub(crate) fn sample() -> StatementRow {
            StatementRow {
                href: "/statements/187".to_owned(),
                number: "2026-0187".to_owned(),
                customer: "<script>alert(1)</script> Bau".to_owned(),
                period: "October 2026".to_owned(),
                grades: vec![Badge::from(Grade::A), Badge::from(Grade::B)],
                status: Status::new(Tone::Info, "draft"),
                total: "€ 432.09".to_owned(),
            }
        }
    }

    impl StatementsPage {
        pub(crate) fn sample() -> StatementsPage {
            StatementsPage {
                chrome: Chrome::sample("Statements", "/statements"),
                sub: "38 to approve · periods in Europe/Berlin".to_owned(),
                chips: vec![
                    Chip::new("To approve 38", "/statements?state=draft", true),
                    Chip::new("Approved 3", "/statements?state=approved", false),
                ],
                rows: vec![StatementRow::sample(), StatementRow::sample()],
                pager: Pager::new(0, 2, 2, None, None),
            }
        }
    }

    fn line(label: &str, quantity: &str, unit_price: &str, amount: &str, proof: Option<LineProof>) -> LineRow {
        LineRow {
            label: label.to_owned(),
            note: "2 printers, in arrears".to_owned(),
            quantity: quantity.to_owned(),
            unit_price: unit_price.to_owned(),
            grades: if proof.is_some() { vec![Badge::from(Grade::A), Badge::from(Grade::B)] } else { Vec::new() },
            amount: amount.to_owned(),
            proof,
        }
    }

    fn proof(open: bool) -> LineProof {
        let reading = |printer: &str, grade| LineReading {
            printer: Link::new(printer, "/printers/7"),
            start: "18,200.00".to_owned(),
            end: "18,531.40".to_owned(),
            used: "331.40".to_owned(),
            read_by: "collector, pinned".to_owned(),
            grade: Badge::from(grade),
        };
        LineProof {
            open,
            from: "1 Oct".to_owned(),
            to: "1 Nov".to_owned(),
            unit: "m²".to_owned(),
            readings: vec![reading("T930 · <script>alert(1)</script>", Grade::A), reading("T2530", Grade::B)],
            steps: vec![
                "331.40 m² + 188.60 m² = 520.00 m² used".to_owned(),
                "520.00 m² − 400.00 m² included = 120.00 m²".to_owned(),
                "120.00 m² × € 0.14 = € 16.80".to_owned(),
            ],
            jobs: Some(JobsLink {
                text: "612 jobs behind this".to_owned(),
                href: "/jobs?contract=112&category=mono-line".to_owned(),
                quantity: 520_000_000,
            }),
        }
    }

    fn gap() -> GapCard {
        GapCard {
            meter: "Media used".to_owned(),
            counters: "742.50 m²".to_owned(),
            jobs: "738.12 m²".to_owned(),
            difference: "4.38 m²".to_owned(),
            causes: vec![Fact::new("maintenance prints", "4.00 m²"), Fact::new("unexplained", "0.38 m²")],
        }
    }

    fn steps() -> Vec<Step> {
        let step = |name: &str, done, current| Step { name: name.to_owned(), done, current };
        vec![
            step("Complete", Some(Status::new(Tone::Good, "Complete")), false),
            step("Draft", None, true),
            step("Approved", None, false),
        ]
    }

    impl StatementPage {
        pub(crate) fn sample() -> StatementPage {
            StatementPage {
                chrome: Chrome::sample("2026-0187", "/statements"),
                back: Link::new("Statements", "/statements"),
                number: "2026-0187".to_owned(),
                heading: "<script>alert(1)</script> Bau, October 2026".to_owned(),
                sub: "Contract C-112 version 3 · 1 Oct 00:00 to 1 Nov 00:00, Europe/Berlin".to_owned(),
                steps: steps(),
                export_href: Some("/statements/187/export.csv".to_owned()),
                approve: Some("/statements/187/approve".to_owned()),
                currency: "€".to_owned(),
                lines: vec![
                    line("Base fee", "1", "180.00", "180.00", None),
                    line("Monochrome lines over the allowance", "120.00 m²", "0.14", "16.80", Some(proof(true))),
                    line("Colour lines", "140.00 m²", "0.32", "44.80", Some(proof(false))),
                ],
                totals: vec![Fact::new("Net", "357.10"), Fact::new("Tax 21 %", "74.99"), Fact::new("Total", "432.09")],
                gaps: vec![gap()],
                shares: vec![GradeShare {
                    grade: Badge::from(Grade::A),
                    words: "71 % signed by the printer".to_owned(),
                }],
                history: vec![Fact::new("1 Nov 2026 00:12", "drafted, all readings in")],
                warnings: vec!["One reading came 3 h after the period's end.".to_owned()],
            }
        }
    }
}
