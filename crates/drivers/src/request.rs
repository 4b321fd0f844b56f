//! What is asked of a printer, and what came back.
//!
//! Deliberately absent: a method. Every request is a GET, so a driver cannot express a change.

use std::collections::BTreeMap;

/// What a driver asks. There is no writing variant: every request is a GET.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// Path and query on the printer: `/LFPWebServices/PI/InkSystem.json`.
    pub path: String,
    /// The form asked for.
    pub accept: Accept,
}

/// The form of document asked for. A printer may still answer in the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accept {
    /// `application/json`.
    Json,
    /// `text/xml`.
    Xml,
}

impl Accept {
    /// The value of the `Accept` header.
    pub fn word(self) -> &'static str {
        match self {
            Accept::Json => "application/json",
            Accept::Xml => "text/xml",
        }
    }
}

/// What came back for a request path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP answer.
    Body {
        /// The status code.
        status: u16,
        /// The `Content-Type` header, empty when there was none.
        content_type: String,
        /// The body, at most [`crate::limits::BODY_MAX`] bytes; a longer one is refused when read.
        body: Vec<u8>,
    },
    /// No answer, in words: timeout, too long, connection refused …
    Failed(String),
}

/// The answers so far, by request path.
pub type Answers = BTreeMap<String, Answer>;
