//! The form of a contract's version as a page: what stands around the clauses, a card for each clause, and the
//! preview.
//!
//! Deliberately absent: which fields a clause has, which the billing crate lists.

use super::Remark;
use crate::shell::page::{Check, Chrome, Field, FormError, Status};
use askama::Template;

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
    /// That another version waits, or that this one will.
    pub(crate) waiting: Option<String>,
    /// What is wrong, each leading to its field.
    pub(crate) errors: Vec<FormError>,
    /// What these terms mean and would have cost; `None` where nobody asked.
    pub(crate) preview: Option<PreviewPart>,
    /// `customer`, `name`, `starts`, `note`; a further version only has `starts` and `note`.
    pub(crate) parties: Vec<Cell>,
    /// `currency`, `zone`, `every`, `day`, `first_month`, `rounding`.
    pub(crate) money: Vec<Cell>,
    /// `statuses.<status>`: the jobs that are billed.
    pub(crate) statuses: Vec<Check>,
    /// The clauses in their order.
    pub(crate) clauses: Vec<ClauseCard>,
    /// `kind`: the kind of clause to add.
    pub(crate) kind: Field,
    /// `evidence.<meter>` for each kind of meter.
    pub(crate) evidence: Vec<Cell>,
    /// `steps.<step>`: the place of each step.
    pub(crate) order: Vec<Field>,
    /// Whether the order is not the usual one, or something is wrong with it.
    pub(crate) order_open: bool,
    /// Whether the terms say the order even where it is the usual one.
    pub(crate) order_kept: bool,
    /// What a meter is called where one is typed.
    pub(crate) meters: Vec<Word>,
    /// The ids of the contract's printers.
    pub(crate) printers: Vec<Word>,
}

/// A field with what is odd about its value.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// The field.
    pub(crate) field: Field,
    /// What is odd.
    pub(crate) remarks: Vec<Remark>,
}

impl From<Field> for Cell {
    fn from(field: Field) -> Cell {
        Cell { field, remarks: Vec::new() }
    }
}

/// A clause.
#[derive(Debug, Clone)]
pub(crate) struct ClauseCard {
    /// Its place, from 1; its fields are `clauses.N.…`.
    pub(crate) number: usize,
    /// What it is.
    pub(crate) heading: String,
    /// The word of its kind, sent back as it is.
    pub(crate) word: &'static str,
    /// What carry, references and payers call it.
    pub(crate) name: String,
    /// The same where it is written down, sent back as it is; empty where it follows from the place.
    pub(crate) key: String,
    /// What it says as it stands; empty where something is wrong with it.
    pub(crate) words: Vec<String>,
    /// What is odd about it as a whole.
    pub(crate) remarks: Vec<Remark>,
    /// Its single fields.
    pub(crate) fields: Vec<Cell>,
    /// Its lists of rows.
    pub(crate) lists: Vec<RowTable>,
    /// Whether another clause stands before it.
    pub(crate) can_rise: bool,
    /// Whether another clause stands after it.
    pub(crate) can_sink: bool,
}

/// A list of rows of a clause.
#[derive(Debug, Clone)]
pub(crate) struct RowTable {
    /// Its path in the clause: `rows`.
    pub(crate) path: &'static str,
    /// What it is called.
    pub(crate) caption: String,
    /// Its columns: the label, and a word of help that may be empty.
    pub(crate) columns: Vec<(&'static str, &'static str)>,
    /// The fields, row by row; blank rows at the end.
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A word that can be typed, with what it means.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    /// What is typed.
    pub(crate) word: String,
    /// What it means.
    pub(crate) label: String,
}

/// What terms mean, before they are saved.
#[derive(Debug, Clone)]
pub(crate) struct PreviewPart {
    /// The terms, a sentence each.
    pub(crate) terms: Vec<String>,
    /// What is odd about them: how many remarks, in words.
    pub(crate) summary: Status,
    /// Remarks that belong to no field that is shown.
    pub(crate) remarks: Vec<Remark>,
    /// What it puts right of what was issued, and how.
    pub(crate) puts_right: Option<String>,
    /// The periods that it puts right, else the last ones, as they were and as they would have been; `None` for a
    /// new contract.
    pub(crate) comparison: Option<Comparison>,
    /// Whether it will wait for another person.
    pub(crate) waits: bool,
}

/// The last periods under the terms of then and under the proposed ones.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// What the periods come to together, or why they cannot be compared.
    pub(crate) words: String,
    /// The difference, with a shape.
    pub(crate) status: Status,
    /// The periods, the oldest first.
    pub(crate) periods: Vec<ComparedPeriod>,
}

/// A period under both terms.
#[derive(Debug, Clone)]
pub(crate) struct ComparedPeriod {
    /// Its name.
    pub(crate) label: String,
    /// Its charges, and the sums.
    pub(crate) rows: Vec<ComparedRow>,
    /// Why it cannot be rated under the proposed terms; empty where it can.
    pub(crate) failed: Vec<String>,
}

/// A charge under both terms.
#[derive(Debug, Clone)]
pub(crate) struct ComparedRow {
    /// What it is called.
    pub(crate) title: String,
    /// The amount under the terms of then.
    pub(crate) before: String,
    /// The amount under the proposed terms.
    pub(crate) after: String,
    /// The second less the first.
    pub(crate) difference: String,
    /// Whether it is a sum of the others.
    pub(crate) is_sum: bool,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;

    fn card(number: usize) -> ClauseCard {
        let name = |path: &str| format!("clauses.{number}.{path}");
        let row = |row: usize| -> Vec<Cell> {
            let price = Field::number(name(&format!("prices.{row}.price")), "Price").value("0,1x");
            let price = price.wrong(Some("is no number".to_owned()));
            vec![Field::text(name(&format!("prices.{row}.pattern")), "For").suggest("meters").into(), price.into()]
        };
        let remark = Remark { status: Status::new(Tone::Warn, "look"), text: "It costs nothing.".to_owned() };
        ClauseCard {
            number,
            heading: "What usage costs".to_owned(),
            word: "price-list",
            name: format!("price-list.{number}"),
            key: String::new(),
            words: vec!["Area printed: 0.32 EUR per m².".to_owned()],
            remarks: vec![remark.clone()],
            fields: vec![Cell { field: Field::text(name("title"), "Called"), remarks: vec![remark] }],
            lists: vec![RowTable {
                path: "prices",
                caption: "Prices, the first that fits is taken".to_owned(),
                columns: vec![("For", "a meter"), ("Price", "")],
                rows: vec![row(1), row(2)],
            }],
            can_rise: number > 1,
            can_sink: true,
        }
    }

    impl ContractFormPage {
        pub(crate) fn sample() -> ContractFormPage {
            let compared = |title: &str, is_sum: bool| ComparedRow {
                title: title.to_owned(),
                before: "€ 180.00".to_owned(),
                after: "€ 190.00".to_owned(),
                difference: "+ € 10.00".to_owned(),
                is_sum,
            };
            let period = ComparedPeriod {
                label: "October 2026".to_owned(),
                rows: vec![compared("Base fee", false), compared("Net", true)],
                failed: Vec::new(),
            };
            ContractFormPage {
                chrome: Chrome::sample("New contract", "/contracts"),
                heading: "New contract".to_owned(),
                action: "/contracts/new".to_owned(),
                cancel: "/contracts".to_owned(),
                waiting: Some("Version 4 waits for another person.".to_owned()),
                errors: vec![FormError {
                    field: Field::id("clauses.1.prices.1.price"),
                    text: "Clause 1, row 1, Price: “0,1x” is no number.".to_owned(),
                }],
                preview: Some(PreviewPart {
                    terms: vec!["A base fee of 190.00 EUR a period.".to_owned()],
                    summary: Status::new(Tone::Warn, "2 remarks"),
                    remarks: Vec::new(),
                    puts_right: Some("October 2026 was issued.".to_owned()),
                    comparison: Some(Comparison {
                        words: "The last period would have come to € 190.00 instead of € 180.00.".to_owned(),
                        status: Status::new(Tone::Info, "+ € 10.00"),
                        periods: vec![period],
                    }),
                    waits: true,
                }),
                parties: vec![
                    Field::select("customer", "Customer", [("4", "<script>alert(1)</script> Bau")], "4").into(),
                    Field::text("name", "Number").value("C-112").required().into(),
                ],
                money: vec![Field::select("currency", "Currency", [("EUR", "EUR")], "EUR").into()],
                statuses: vec![Check {
                    name: "statuses.printed".to_owned(),
                    value: "yes".to_owned(),
                    label: "printed".to_owned(),
                    checked: true,
                }],
                clauses: vec![card(1), card(2)],
                kind: Field::select("kind", "Clause", [("tax", "A tax")], ""),
                evidence: vec![Field::select("evidence.pages", "Pages", [("", "the job log")], "").into()],
                order: vec![Field::number("steps.prices", "Prices").value("7")],
                order_open: false,
                order_kept: true,
                meters: vec![Word {
                    word: "area-printed/mono-line".to_owned(),
                    label: "Monochrome lines, area printed".to_owned(),
                }],
                printers: vec![Word { word: "7".to_owned(), label: "T930 · CN41A2207".to_owned() }],
            }
        }
    }
}
