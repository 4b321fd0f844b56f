//! The pages of statements: the list, one statement whose every line opens to what it rests on, and what
//! people say happened to a contract.
//!
//! Deliberately absent: every sum. A statement arrives rated, its steps in words.

use super::objections::page::Objections;
use super::subtotal::SubtotalCard;
use crate::shell::page::{Badge, Chip, Chrome, Fact, Field, FormError, Link, Pager, Status};
use askama::Template;

/// `/statements`.
#[derive(Debug, Clone, Template)]
#[template(path = "statements/statements.html")]
pub(crate) struct StatementsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// How many wait for somebody, and the zone of the periods.
    pub(crate) sub: String,
    /// The filters with their counts: all, and each state.
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
    /// Its number, or its state before it has one.
    pub(crate) number: String,
    /// Its customer, with who pays it where that is somebody else.
    pub(crate) customer: String,
    /// Its period, with what it is where it is a note: `October 2026`, `Credit note, October 2026`.
    pub(crate) period: String,
    /// The grades of what it rests on, best first.
    pub(crate) grades: Vec<Badge>,
    /// Its state.
    pub(crate) status: Status,
    /// Its total with its currency.
    pub(crate) total: String,
}

/// `/contracts/{id}/events`, which also shows what was wrong with the last try.
#[derive(Debug, Clone, Template)]
#[template(path = "statements/events.html")]
pub(crate) struct EventsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The contract.
    pub(crate) contract: Link,
    /// Customer and zone.
    pub(crate) sub: String,
    /// The address that every form posts to: its own.
    pub(crate) action: String,
    /// What happened, the latest first.
    pub(crate) rows: Vec<EventRow>,
    /// Which part of it is shown.
    pub(crate) pager: Pager,
    /// A form for each kind of event.
    pub(crate) forms: Vec<EventForm>,
    /// What is wrong with the last try.
    pub(crate) wrong: Vec<FormError>,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct EventRow {
    /// What, a word or two.
    pub(crate) what: String,
    /// Which printer, how much, why.
    pub(crate) detail: String,
    /// The day.
    pub(crate) when: String,
    /// Who entered it, and when.
    pub(crate) by: String,
    /// By whom it was withdrawn, and when.
    pub(crate) withdrawn: Option<Status>,
    /// Its id, while it can be withdrawn.
    pub(crate) withdraw: Option<i64>,
}

/// The form of one kind of event.
#[derive(Debug, Clone)]
pub(crate) struct EventForm {
    /// The word that says which.
    pub(crate) kind: &'static str,
    /// What it is for.
    pub(crate) title: &'static str,
    /// What comes of it, a sentence.
    pub(crate) about: &'static str,
    /// Its fields.
    pub(crate) fields: Vec<Field>,
    /// Whether it stands open when the page arrives.
    pub(crate) open: bool,
}

/// `/statements/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "statements/statement.html")]
pub(crate) struct StatementPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The list it came from: `/statements`, or `/my` for the customer.
    pub(crate) back: Link,
    /// Who it is from.
    pub(crate) letterhead: Letterhead,
    /// Its number.
    pub(crate) number: String,
    /// What it is, customer and period: `Kessel Bau, October 2026`, `Credit note, Kessel Bau, October 2026`.
    pub(crate) heading: String,
    /// Contract version, and the half-open period with its zone.
    pub(crate) sub: String,
    /// The statement's life: drawn up, approved, issued, corrected.
    pub(crate) steps: Vec<Step>,
    /// What can be done with it at once; empty where the reader may not.
    pub(crate) acts: Vec<Act>,
    /// What can be done with it when a reason is said; empty where the reader may not.
    pub(crate) reasoned: Vec<Reasoned>,
    /// The sign or code of its currency, for the column's head.
    pub(crate) currency: String,
    /// Its lines in the contract's order.
    pub(crate) lines: Vec<LineRow>,
    /// Net, tax and total: name to amount without currency, the total last.
    pub(crate) totals: Vec<Fact>,
    /// Why counters and jobs differ, a card for each kind of meter where both are known.
    pub(crate) gaps: Vec<GapCard>,
    /// How many more differences there are, a sentence; empty where all are shown.
    pub(crate) gaps_more: String,
    /// How much of the amount each grade proves: `71 % signed by the printer`.
    pub(crate) shares: Vec<GradeShare>,
    /// How much of it is estimated, as a sentence; `None` where nothing is.
    pub(crate) estimated: Option<String>,
    /// What each account or project bears of it; empty for a customer, and where no job names one.
    pub(crate) subtotals: Vec<SubtotalCard>,
    /// Documents that belong to it: what it corrects, notes on it, other payers, later adjustments.
    pub(crate) related: Vec<RelatedRow>,
    /// Seller, buyer or payer, customer and dates, as far as they are known.
    pub(crate) parties: Vec<Fact>,
    /// Files of it that most people want.
    pub(crate) downloads: Vec<Link>,
    /// The same in other forms.
    pub(crate) other_files: Vec<Link>,
    /// What its electronic invoice says beyond it, in a sentence; `None` where it says nothing else.
    pub(crate) filled: Option<String>,
    /// How the evidence file is checked, or why there is none.
    pub(crate) evidence: &'static str,
    /// What happened to it: instant to words.
    pub(crate) history: Vec<Fact>,
    /// Oddities that a reader should know before approving, a sentence each.
    pub(crate) warnings: Vec<String>,
    /// Where what holds it up is settled: the board of its month; `None` where nothing is to do.
    pub(crate) board: Option<Link>,
    /// The printers that hold it up and that a reason can be signed for.
    pub(crate) signs: Vec<SignForm>,
    /// What the customer says against it, and what was answered.
    pub(crate) objections: Objections,
}

/// How the reseller shows itself at the head of a statement.
#[derive(Debug, Clone)]
pub(crate) struct Letterhead {
    /// Its name.
    pub(crate) name: String,
    /// The address of its logo, which stands in the place of the name.
    pub(crate) logo: Option<String>,
    /// Whether it stands on paper only: the reseller knows who it is.
    pub(crate) is_printed_only: bool,
}

/// A printer that holds a draft up, and the form to sign why it is billed all the same.
#[derive(Debug, Clone)]
pub(crate) struct SignForm {
    /// The address it posts to.
    pub(crate) action: String,
    /// The printer's id, as the form sends it.
    pub(crate) printer_id: String,
    /// What people call it.
    pub(crate) label: String,
    /// Its state and every reason, in words.
    pub(crate) words: String,
    /// What the signature is for, as the form sends it.
    pub(crate) cause: String,
    /// The element of the reason's field.
    pub(crate) element: String,
}

/// How an evidence file is checked.
pub(crate) const CHECKED_BY: &str = "The evidence file holds what the statement was made from: the readings and jobs \
    as they were signed, the terms, and what people said. Check it on any computer, without us: plotmeter verify FILE.";

/// Something that can be done with a statement: a button.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// The address it posts to.
    pub(crate) action: String,
    /// The button's text.
    pub(crate) label: String,
    /// Whether it is the usual next step.
    pub(crate) primary: bool,
    /// What is sent besides: name and value.
    pub(crate) hidden: Vec<(&'static str, String)>,
}

/// Something that can be done with a statement when a reason is said.
#[derive(Debug, Clone)]
pub(crate) struct Reasoned {
    /// The address it posts to.
    pub(crate) action: String,
    /// The button's text.
    pub(crate) label: &'static str,
    /// What it does, a sentence.
    pub(crate) about: &'static str,
    /// `reason`.
    pub(crate) field: Field,
}

/// A document that belongs to a statement.
#[derive(Debug, Clone)]
pub(crate) struct RelatedRow {
    /// How it belongs to it: `Note on this`.
    pub(crate) how: &'static str,
    /// The document.
    pub(crate) document: Link,
    /// What it is and for which period.
    pub(crate) about: String,
    /// Its state.
    pub(crate) status: Status,
    /// Its total with its currency.
    pub(crate) total: String,
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
    /// What a reader must know of it: `estimated, 12.4 %`, `read by hand`.
    pub(crate) marks: Vec<String>,
    /// Who pays it, where that is not the customer.
    pub(crate) payer: Option<String>,
    /// The document that it settles; without an address where the reader has no page of it.
    pub(crate) refers: Option<Link>,
    /// The heading of what it rests on: how it was measured or worked out.
    pub(crate) asked: String,
    /// What it rests on; `None` where the contract says all.
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
    /// What each printer bears of it, where nothing was measured for it: printer to amount.
    pub(crate) borne: Vec<Fact>,
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
            marks: if proof.is_some() { vec!["estimated, 12.4\u{a0}%".to_owned()] } else { Vec::new() },
            payer: Some("Finance <script>alert(1)</script>".to_owned()),
            refers: Some(Link::new("S-0181, September 2026", "/statements/181")),
            asked: format!("How {label} was measured"),
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
            borne: vec![Fact::new("T930", "8.40").linked("/printers/7")],
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
            step("Drawn up", Some(Status::new(Tone::Good, "Drawn up")), true),
            step("Approved", None, false),
            step("Issued", None, false),
        ]
    }

    fn related() -> RelatedRow {
        RelatedRow {
            how: "Note on this",
            document: Link::new("S-0191", "/statements/191"),
            about: "Credit note, <script>alert(1)</script>".to_owned(),
            status: Status::new(Tone::Good, "issued"),
            total: "− € 3.28".to_owned(),
        }
    }

    impl StatementPage {
        pub(crate) fn sample() -> StatementPage {
            StatementPage {
                chrome: Chrome::sample("2026-0187", "/statements"),
                back: Link::new("Statements", "/statements"),
                letterhead: Letterhead {
                    name: "Nordhang <script>alert(1)</script>".to_owned(),
                    logo: Some("/statements/187/logo".to_owned()),
                    is_printed_only: true,
                },
                number: "2026-0187".to_owned(),
                heading: "<script>alert(1)</script> Bau, October 2026".to_owned(),
                sub: "Contract C-112 version 3 · 1 Oct 00:00 to 1 Nov 00:00, Europe/Berlin".to_owned(),
                steps: steps(),
                acts: vec![Act {
                    action: "/statements/187/approve".to_owned(),
                    label: "Approve".to_owned(),
                    primary: true,
                    hidden: vec![("period", "2026-10".to_owned())],
                }],
                reasoned: vec![Reasoned {
                    action: "/statements/187/correct".to_owned(),
                    label: "Correct",
                    about: "What was issued stays. The difference becomes a note.",
                    field: Field::text("reason", "Reason").required(),
                }],
                currency: "€".to_owned(),
                lines: vec![
                    line("Base fee", "1", "180.00", "180.00", None),
                    line("Monochrome lines over the allowance", "120.00 m²", "0.14", "16.80", Some(proof(true))),
                    line("Colour lines", "140.00 m²", "0.32", "44.80", Some(proof(false))),
                ],
                totals: vec![Fact::new("Net", "357.10"), Fact::new("Tax 21 %", "74.99"), Fact::new("Total", "432.09")],
                gaps: vec![gap()],
                gaps_more: "28 smaller differences stand in the sum of all printers only.".to_owned(),
                shares: vec![GradeShare {
                    grade: Badge::from(Grade::A),
                    words: "71 % signed by the printer".to_owned(),
                }],
                estimated: Some("3.1\u{a0}% of the amount rests on estimates.".to_owned()),
                subtotals: vec![SubtotalCard::sample()],
                related: vec![related()],
                parties: vec![Fact::new("Buyer", "<script>alert(1)</script> Bau, Gent")],
                downloads: vec![Link::new("CSV", "/statements/187/export.csv")],
                other_files: vec![Link::new("JSON", "/statements/187/export.json")],
                filled: Some("The electronic invoice says as well: the buyer's <script>alert(1)</script>.".to_owned()),
                evidence: CHECKED_BY,
                history: vec![Fact::new("1 Nov 2026 00:12", "drawn up by Ada: <script>alert(1)</script>")],
                warnings: vec!["One reading came 3 h after the period's end.".to_owned()],
                board: Some(Link::new("Billing run of October 2026", "/billing/2026-10")),
                signs: vec![SignForm {
                    action: "/statements/187/sign".to_owned(),
                    printer_id: "7".to_owned(),
                    label: "T930 · <script>alert(1)</script>".to_owned(),
                    words: "late. It was last read 28 Oct 2026, before the period's end.".to_owned(),
                    cause: "0a".repeat(32),
                    element: "sign-0".to_owned(),
                }],
                objections: Objections::sample(),
            }
        }
    }

    impl EventsPage {
        pub(crate) fn sample() -> EventsPage {
            EventsPage {
                chrome: Chrome::sample("Events of C-112", "/contracts"),
                contract: Link::new("C-112", "/contracts/112"),
                sub: "<script>alert(1)</script> Bau · times in Europe/Berlin".to_owned(),
                action: "/contracts/112/events".to_owned(),
                rows: vec![EventRow {
                    what: "Credit".to_owned(),
                    detail: "T930: 12.00 m², area printed, service prints".to_owned(),
                    when: "15 Oct 2026".to_owned(),
                    by: "Ada, 16 Oct 2026 09:12".to_owned(),
                    withdrawn: None,
                    withdraw: Some(7),
                }],
                pager: Pager::new(0, 1, 1, None, None),
                forms: vec![EventForm {
                    kind: "exit",
                    title: "The customer leaves",
                    about: "What is charged at the end is the contract's to say.",
                    fields: vec![Field::new("date", "exit.on", "Last day").required()],
                    open: true,
                }],
                wrong: vec![FormError {
                    field: "f-exit-on".to_owned(),
                    text: "Last day: say a day such as 2026-12-31.".to_owned(),
                }],
            }
        }
    }
}
