//! What is asked of a printer, and what came back.
//!
//! Deliberately absent: anything that could change a printer. There is no method to name: the web is asked
//! by GET, IPP by an operation that only reads, SNMP by walking. Credentials stand elsewhere: a driver only
//! says where a login would help.

use crate::ipp::Operation;
use crate::limits::BODY_MAX;
use report::Defect;
use std::collections::BTreeMap;

/// Where a printer's web server sends every request while the printer sleeps.
const WAKE_UP_PAGE: &str = "wakeup.htm";

/// One thing to ask a printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Under which the answer is kept. For a GET it is path and query: `/LFPWebServices/PI/InkSystem.json`.
    pub key: String,
    /// What is asked.
    pub ask: Ask,
}

/// How something is asked. There is no writing variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// HTTP GET of the key.
    Get(Accept),
    /// The same with the printer's login for reading; [`Answer::NotAsked`] where the customer's side
    /// configured none.
    GetWithLogin(Accept),
    /// An IPP operation that only reads.
    Ipp(Operation),
    /// Every SNMP variable at or below this object identifier: `1.3.6.1.2.1.43.11.1.1`.
    Walk(&'static str),
}

impl Request {
    /// HTTP GET of path and query.
    pub fn get(path: impl Into<String>, accept: Accept) -> Request {
        Request { key: path.into(), ask: Ask::Get(accept) }
    }

    /// HTTP GET of path and query, with the printer's login for reading.
    pub fn with_login(path: impl Into<String>, accept: Accept) -> Request {
        Request { key: path.into(), ask: Ask::GetWithLogin(accept) }
    }

    /// An IPP operation, kept under its own key: `ipp/get-printer-attributes`.
    pub fn ipp(operation: Operation) -> Request {
        Request { key: operation.key(), ask: Ask::Ipp(operation) }
    }

    /// A walk below an object identifier, kept under `snmp/<root>`.
    pub fn walk(root: &'static str) -> Request {
        Request { key: format!("snmp/{root}"), ask: Ask::Walk(root) }
    }
}

/// The form of document asked for. A printer may still answer in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accept {
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// A page for people.
    Html,
    /// Whatever there is, such as a spreadsheet.
    Any,
}

impl Accept {
    /// The value of the `Accept` header.
    pub fn word(self) -> &'static str {
        match self {
            Accept::Json => "application/json",
            Accept::Xml => "application/xml, text/xml",
            Accept::Html => "text/html",
            Accept::Any => "*/*",
        }
    }
}

/// What came back for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An answer in bytes: of the web as it was sent, of IPP the operation's response
    /// (`application/ipp`), of SNMP a text with one variable a line (`text/x-snmprec`).
    Body {
        /// The HTTP status code; 200 for a walk.
        status: u16,
        /// The `Content-Type` header, empty when there was none.
        content_type: String,
        /// The body, at most [`crate::limits::BODY_MAX`] bytes; a longer one is refused when read. Of a longer list
        /// of jobs it is the start, [`GAP`] and the end.
        body: Vec<u8>,
    },
    /// A redirect, which is never followed.
    Elsewhere {
        /// The status code.
        status: u16,
        /// The `Location` header as it was sent.
        location: String,
    },
    /// Not asked, in words: no login is configured, the customer's file forbids it …
    NotAsked(String),
    /// No answer, in words: timeout, too long, connection refused …
    Failed(String),
}

/// What stands in a body between the start and the end of a list that is too long: bytes that no text has.
pub const GAP: &[u8] = b"\xff\xff";

/// The answers so far, by the key of the request.
pub type Answers = BTreeMap<String, Answer>;

/// Type and bytes of what the older web server answered under `key`; `None` where it has no such thing, else why there
/// is nothing to read.
pub(crate) fn body_of<'a>(answers: &'a Answers, key: &str) -> Result<Option<(&'a str, &'a [u8])>, String> {
    match answers.get(key) {
        None => Err("was not asked".to_owned()),
        Some(Answer::Failed(why) | Answer::NotAsked(why)) => Err(Defect::quote(why)),
        Some(Answer::Elsewhere { status, .. }) => Err(format!("answered with status {status}, which is not followed")),
        Some(Answer::Body { status: 404 | 410, .. }) => Ok(None),
        Some(Answer::Body { status: 200..=299, body, .. }) if body.len() > BODY_MAX => {
            Err(format!("longer than {BODY_MAX} bytes"))
        }
        Some(Answer::Body { status: 200..=299, content_type, body }) => {
            Ok(Some((content_type.as_str(), body.as_slice())))
        }
        Some(Answer::Body { status, .. }) => Err(format!("answered with status {status}")),
    }
}

/// Whether the printer sleeps: some answer is a redirect to its wake-up page. It is left asleep, since
/// waking it takes a request that changes something.
pub fn is_asleep(answers: &Answers) -> bool {
    answers.values().any(|answer| match answer {
        Answer::Elsewhere { location, .. } => names_wake_up_page(location),
        Answer::Body { .. } | Answer::NotAsked(_) | Answer::Failed(_) => false,
    })
}

fn names_wake_up_page(location: &str) -> bool {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let page = path.rsplit('/').next().unwrap_or_default();
    page.trim().eq_ignore_ascii_case(WAKE_UP_PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_kept_under_what_it_asks() {
        assert_eq!(Request::get("/a?b=c", Accept::Json).key, "/a?b=c");
        assert_eq!(Request::with_login("/a", Accept::Any).ask, Ask::GetWithLogin(Accept::Any));
        assert_eq!(Request::walk("1.3.6.1.2.1.1").key, "snmp/1.3.6.1.2.1.1");
        assert_eq!(Request::ipp(Operation::CompletedJobs).key, Operation::CompletedJobs.key());
    }

    #[test]
    fn a_printer_sleeps_when_it_sends_to_its_wake_up_page() {
        let elsewhere = |location: &str| Answer::Elsewhere { status: 302, location: location.to_owned() };
        let asleep = |answer: Answer| is_asleep(&Answers::from([("/a".to_owned(), answer)]));
        let absolute = "https://printer.example/wakeup.htm?from=/a";
        for location in ["/wakeup.htm", "wakeup.htm", absolute, "/x/WakeUp.htm#top"] {
            assert!(asleep(elsewhere(location)), "{location}");
        }
        for location in ["", "/", "/index.htm", "/login?next=/wakeup.htm", "/wakeup.html"] {
            assert!(!asleep(elsewhere(location)), "{location}");
        }
        assert!(!asleep(Answer::Failed("/wakeup.htm".to_owned())));
        assert!(!is_asleep(&Answers::new()));
    }
}
