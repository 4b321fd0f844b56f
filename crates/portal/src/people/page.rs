//! The pages of people: signing in, who may sign in, and inviting somebody.
//!
//! Deliberately absent: passwords and sessions, which handlers check.

use crate::shell::page::{Chrome, Fact, Field, Frame, Once, Pager, Status};
use askama::Template;

/// `/sign-in`.
#[derive(Debug, Clone, Template)]
#[template(path = "people/sign_in.html")]
pub(crate) struct SignInPage {
    /// The frame of a page without a session.
    pub(crate) frame: Frame,
    /// Why the last try failed, as a sentence that does not tell which part was wrong.
    pub(crate) wrong: Option<String>,
    /// The token of the form.
    pub(crate) csrf: String,
    /// Where to go after signing in: an address of this portal.
    pub(crate) next: String,
    /// `email` and `password`, see [`sign_in_fields`].
    pub(crate) fields: Vec<Field>,
    /// The demo's accounts: role to email and password. Empty outside the demo.
    pub(crate) demo_accounts: Vec<Fact>,
}

/// The fields `email` and `password` of the sign-in form.
pub(crate) fn sign_in_fields(email: &str) -> Vec<Field> {
    vec![
        Field::new("email", "email", "Email").value(email).autocomplete("username").required(),
        Field::new("password", "password", "Password").autocomplete("current-password").required(),
    ]
}

/// `/people`.
#[derive(Debug, Clone, Template)]
#[template(path = "people/people.html")]
pub(crate) struct PeoplePage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// Everybody who may sign in, and who once might.
    pub(crate) rows: Vec<PersonRow>,
    /// Which part of the list is shown.
    pub(crate) pager: Pager,
    /// The first password of somebody just invited, shown once.
    pub(crate) invited: Option<Once>,
}

/// Somebody who may sign in.
#[derive(Debug, Clone)]
pub(crate) struct PersonRow {
    /// Their name.
    pub(crate) name: String,
    /// Their address.
    pub(crate) email: String,
    /// Their role, as a word.
    pub(crate) role: String,
    /// The one customer they may see; `None` sees all of the reseller's.
    pub(crate) customer: Option<String>,
    /// When they were last here, relative; or that they never were.
    pub(crate) last_seen: String,
    /// Active, invited or closed.
    pub(crate) status: Status,
    /// `/people/{id}/close`; `None` where they are closed already, or are the reader.
    pub(crate) close: Option<String>,
}

/// `/people/new`, which also shows what was wrong with the last try. Posts to its own address.
#[derive(Debug, Clone, Template)]
#[template(path = "people/new.html")]
pub(crate) struct PersonNewPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// `name`, `email`, and `customer`: the one they may see, empty for all.
    pub(crate) fields: Vec<Field>,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::Tone;

    impl SignInPage {
        pub(crate) fn sample() -> SignInPage {
            SignInPage {
                frame: Frame { demo: Some("Demo: one day takes ten minutes.".to_owned()), ..Frame::sample("Sign in") },
                wrong: Some("Email and password do not fit together.".to_owned()),
                csrf: "t0ken".to_owned(),
                next: "/printers?q=\"x\"".to_owned(),
                fields: sign_in_fields("ada@example.org"),
                demo_accounts: vec![Fact::new("billing", "billing@demo.example / demo")],
            }
        }
    }

    impl PeoplePage {
        pub(crate) fn sample() -> PeoplePage {
            let row = |name: &str, status| PersonRow {
                name: name.to_owned(),
                email: "ada@example.org".to_owned(),
                role: "billing".to_owned(),
                customer: Some("<script>alert(1)</script> Bau".to_owned()),
                last_seen: "2 h ago".to_owned(),
                status,
                close: Some("/people/3/close".to_owned()),
            };
            PeoplePage {
                chrome: Chrome::sample("People", "/people"),
                rows: vec![
                    row("Ada Lund", Status::new(Tone::Good, "Active")),
                    row("<script>alert(1)</script>", Status::new(Tone::Info, "Invited")),
                ],
                pager: Pager::new(0, 2, 2, None, None),
                invited: Some(Once {
                    words: "ada@example.org can sign in with this first password.".to_owned(),
                    secret: "3b9f0c".to_owned(),
                }),
            }
        }
    }

    impl PersonNewPage {
        pub(crate) fn sample() -> PersonNewPage {
            PersonNewPage {
                chrome: Chrome::sample("Invite somebody", "/people"),
                fields: vec![
                    Field::text("name", "Name").required(),
                    Field::new("email", "email", "Email")
                        .value("ada@")
                        .wrong(Some("“ada@” is no email address.".to_owned())),
                    Field::select("customer", "May see", [("", "Everything"), ("4", "Only Kessel Bau")], "4"),
                ],
            }
        }
    }
}
