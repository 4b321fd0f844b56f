//! What pages show of objections: on the statement they are against, and the list of all.
//!
//! Deliberately absent: who may object and until when, which is decided before.

use crate::shell::page::{Chrome, Field, Link, Pager, Status};
use askama::Template;

/// The objections to one document, on its page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Objections {
    /// Until when the customer may object, a sentence; `None` where nothing is agreed.
    pub(crate) until: Option<String>,
    /// What was objected, the first first.
    pub(crate) rows: Vec<ObjectionRow>,
    /// Where the customer objects; `None` for the reseller, and once the days are over.
    pub(crate) form: Option<ObjectForm>,
}

/// An objection.
#[derive(Debug, Clone)]
pub(crate) struct ObjectionRow {
    /// The line that it is against, or that it is the whole.
    pub(crate) what: String,
    /// Whether it waits, or what was answered.
    pub(crate) status: Status,
    /// The customer's words.
    pub(crate) words: String,
    /// Who objected, and when.
    pub(crate) by: String,
    /// What the reseller answered, with when; `None` while it waits.
    pub(crate) answer: Option<String>,
    /// Where it is answered; `None` for a customer, and once it was.
    pub(crate) form: Option<AnswerForm>,
}

/// How an objection is answered: `verdict` and `answer`.
#[derive(Debug, Clone)]
pub(crate) struct AnswerForm {
    /// The address it posts to.
    pub(crate) action: String,
    /// The element of the field for words.
    pub(crate) element: String,
    /// What was typed.
    pub(crate) typed: String,
    /// What is wrong with it; may be empty.
    pub(crate) wrong: String,
}

/// How a customer objects: `line` and `words`.
#[derive(Debug, Clone)]
pub(crate) struct ObjectForm {
    /// The address it posts to.
    pub(crate) action: String,
    /// Its fields.
    pub(crate) fields: Vec<Field>,
}

/// `/objections`.
#[derive(Debug, Clone, Template)]
#[template(path = "statements/objection_list.html")]
pub(crate) struct ObjectionsPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// How many wait.
    pub(crate) sub: String,
    /// Those that wait first.
    pub(crate) rows: Vec<ListedRow>,
    /// Which part of the list is shown.
    pub(crate) pager: Pager,
}

/// An objection in the list of all.
#[derive(Debug, Clone)]
pub(crate) struct ListedRow {
    /// The statement, at its objections.
    pub(crate) statement: Link,
    /// Whose.
    pub(crate) customer: String,
    /// The customer's words, cut where they are long.
    pub(crate) words: String,
    /// Whether it waits, or what was answered.
    pub(crate) status: Status,
    /// The day it was made.
    pub(crate) day: String,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;

    impl Objections {
        pub(crate) fn sample() -> Objections {
            let row = |number: u8, answer: Option<&str>| ObjectionRow {
                what: "Base fee".to_owned(),
                status: Status::new(Tone::Warn, "waits"),
                words: "The printer stood still: <script>alert(1)</script>".to_owned(),
                by: "Kim, 3 Nov 2026".to_owned(),
                answer: answer.map(str::to_owned),
                form: answer.is_none().then(|| AnswerForm {
                    action: "/statements/187/objections/1".to_owned(),
                    element: format!("answer-{number}"),
                    typed: String::new(),
                    wrong: "Say why.".to_owned(),
                }),
            };
            Objections {
                until: Some("The customer may object until 15 Nov 2026.".to_owned()),
                rows: vec![row(0, None), row(1, Some("5 Nov 2026: it printed 12 jobs."))],
                form: Some(ObjectForm {
                    action: "/my/statements/187/object".to_owned(),
                    fields: vec![Field::lines("words", "What is wrong").required()],
                }),
            }
        }
    }

    impl ObjectionsPage {
        pub(crate) fn sample() -> ObjectionsPage {
            ObjectionsPage {
                chrome: Chrome::sample("Objections", "/statements"),
                sub: "1 waits for an answer".to_owned(),
                rows: vec![ListedRow {
                    statement: Link::new("S-0187", "/statements/187#objections"),
                    customer: "<script>alert(1)</script> Bau".to_owned(),
                    words: "The printer stood still.".to_owned(),
                    status: Status::new(Tone::Warn, "waits"),
                    day: "3 Nov 2026".to_owned(),
                }],
                pager: Pager::new(0, 1, 1, None, None),
            }
        }
    }
}
