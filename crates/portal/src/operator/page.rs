//! The operator's page: which resellers there are and whether their data arrives.
//!
//! Deliberately absent: anything inside a reseller; no customer, printer or amount is shown here.

use crate::shell::page::{Chrome, Field, Once, Pager, Status};
use askama::Template;

/// `/operator`.
#[derive(Debug, Clone, Template)]
#[template(path = "operator/operator.html")]
pub(crate) struct OperatorPage {
    /// The frame, with `operator_navigation`.
    pub(crate) chrome: Chrome,
    /// How many resellers.
    pub(crate) sub: String,
    /// The resellers.
    pub(crate) rows: Vec<ResellerRow>,
    /// Which part of the list is shown.
    pub(crate) pager: Pager,
    /// The first password of the first person of a reseller just made, shown once.
    pub(crate) created: Option<Once>,
    /// `reseller`, and `name` and `email` of its first person; posting to `/operator/resellers`.
    pub(crate) fields: Vec<Field>,
}

/// A reseller.
#[derive(Debug, Clone)]
pub(crate) struct ResellerRow {
    /// Its name.
    pub(crate) name: String,
    /// Since when.
    pub(crate) since: String,
    /// How many printers.
    pub(crate) printers: i64,
    /// How many agents.
    pub(crate) agents: i64,
    /// When its last package arrived, relative; or never.
    pub(crate) last: String,
    /// How its data arrives, with a shape.
    pub(crate) status: Status,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::{Tone, operator_navigation};

    impl OperatorPage {
        pub(crate) fn sample() -> OperatorPage {
            let mut chrome = Chrome::sample("Resellers", "/operator");
            chrome.groups = operator_navigation();
            chrome.search = false;
            OperatorPage {
                chrome,
                sub: "2 resellers".to_owned(),
                rows: vec![ResellerRow {
                    name: "<script>alert(1)</script> Repro".to_owned(),
                    since: "1 Mar 2026".to_owned(),
                    printers: 214,
                    agents: 31,
                    last: "2 min ago".to_owned(),
                    status: Status::new(Tone::Good, "arriving"),
                }],
                pager: Pager::new(0, 1, 1, None, None),
                created: Some(Once {
                    words: "ada@example.org can sign in with this first password.".to_owned(),
                    secret: "77aa0c".to_owned(),
                }),
                fields: vec![
                    Field::text("reseller", "Reseller").required(),
                    Field::text("name", "First person’s name").required(),
                    Field::new("email", "email", "First person’s email").required(),
                ],
            }
        }
    }
}
