//! Printers that mean harm or are broken, as data: what each one does, the words that must name it, and what
//! ends it.
//!
//! Two test programs share this folder: the agents' own holds each case to its words, that of the program
//! measures time and memory. Deliberately absent: what a good printer says beyond who it is.

mod ipp;
mod server;
mod snmp;
mod web;

pub(crate) use server::{Hostile, acceptor};
pub(crate) use snmp::Question;

/// The serial number of every printer here.
pub(crate) const SERIAL: &str = "CN12345678";
/// Its name.
pub(crate) const PRODUCT: &str = "HP DesignJet T930 36in";
/// The community that its SNMP answers.
pub(crate) const COMMUNITY: &str = "public";

/// One way to mean harm, or to be broken.
pub(crate) struct Case {
    /// What it does, after "a printer that".
    pub(crate) name: &'static str,
    /// How.
    pub(crate) does: Does,
    /// What must be said of it.
    pub(crate) named: Named,
    /// What ends it.
    pub(crate) ends: Ends,
}

/// Where a printer misbehaves, and how. Everywhere else it is a good one.
pub(crate) enum Does {
    /// On every connection to its web server, in the place of TLS.
    Socket(fn() -> Script),
    /// At the web paths with this end.
    Web(&'static str, fn() -> Script),
    /// It answers every web request rightly, and so many milliseconds late.
    Late(u64),
    /// Two certificates take turns, a connection each, and a connection is one answer long.
    TwoCertificates,
    /// On its IPP port, at the operation of this code, given the request's number.
    Ipp(u16, fn([u8; 4]) -> Script),
    /// On its IPP port it shows another certificate than on the web.
    IppCertificate,
    /// On its SNMP port, after it has said who it is: the datagrams for a question.
    Snmp(fn(&Question) -> Vec<Vec<u8>>),
    /// On its SNMP port, after it has said who it is, it answers from another port.
    SnmpFromElsewhere,
    /// On its SNMP port, after it has said who it is, its table of supplies has no end and comes one variable a
    /// second.
    SnmpDrips,
    /// On its SNMP port it has this serial number.
    SnmpSerial(&'static str),
}

/// What an agent must say of it.
#[derive(Clone, Copy)]
pub(crate) enum Named {
    /// A defect holds these words, and who the printer is, is read.
    Defect(&'static str),
    /// Nothing is read, and the error holds these words.
    Error(&'static str),
}

/// Datagrams that are waited for in vain before no more is asked by SNMP: two for each of three walks.
pub(crate) const DATAGRAMS_UNHEARD: u32 = 6;

/// What ends the reading at the latest. The words by which a printer is named tell it from the others; by SNMP, where
/// they are the same for a datagram and a walk, the time does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The bytes themselves.
    AtOnce,
    /// The deadline for a connection, or for the TLS over it.
    Connect,
    /// The deadline for the head of an answer, and between two parts of its body.
    Idle,
    /// The deadline for a datagram, as often as [`DATAGRAMS_UNHEARD`] says.
    Unheard,
    /// The deadline for one answer, or for one walk.
    Answer,
    /// The deadline for the whole reading.
    Reading,
}

impl Ends {
    /// As a table shows it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Ends::AtOnce => "at once",
            Ends::Connect => "connect",
            Ends::Idle => "idle",
            Ends::Unheard => "idle, each datagram",
            Ends::Answer => "answer",
            Ends::Reading => "reading",
        }
    }
}

/// What is written for a request.
pub(crate) struct Script {
    /// Some bytes,
    pub(crate) first: Vec<u8>,
    /// and what comes of the connection.
    pub(crate) then: Then,
}

/// What comes of a connection after the first bytes.
pub(crate) enum Then {
    /// It is closed.
    Close,
    /// Nothing more is ever said.
    Silence,
    /// These bytes again and again, so many milliseconds apart.
    Again(Vec<u8>, u64),
    /// The next request is answered.
    GoOn,
}

/// Every case.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [web::TRANSPORT, web::HEADS, web::BODIES, web::DOCUMENTS, ipp::CASES, snmp::CASES].into_iter().flatten()
}

impl Case {
    /// The interface on which it happens.
    pub(crate) fn interface(&self) -> &'static str {
        match self.does {
            Does::Socket(_) | Does::TwoCertificates => "TLS",
            Does::Web(..) | Does::Late(_) => "web",
            Does::Ipp(..) | Does::IppCertificate => "IPP",
            Does::Snmp(_) | Does::SnmpFromElsewhere | Does::SnmpDrips | Does::SnmpSerial(_) => "SNMP",
        }
    }
}

/// A whole HTTP answer.
pub(crate) fn answer(status: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// These bytes, and the end of the connection.
fn only(first: impl Into<Vec<u8>>) -> Script {
    Script { first: first.into(), then: Then::Close }
}

/// These bytes, and nothing more on an open connection.
fn silent(first: impl Into<Vec<u8>>) -> Script {
    Script { first: first.into(), then: Then::Silence }
}

/// These bytes, and then others without an end.
fn endless(first: impl Into<Vec<u8>>, again: impl Into<Vec<u8>>) -> Script {
    Script { first: first.into(), then: Then::Again(again.into(), 0) }
}

/// These bytes, and then others without an end, one part each tenth of a second.
fn dripping(first: impl Into<Vec<u8>>, again: impl Into<Vec<u8>>) -> Script {
    Script { first: first.into(), then: Then::Again(again.into(), 100) }
}

/// A document as a good printer would send it.
fn document(body: impl AsRef<[u8]>) -> Script {
    Script { first: answer("200 OK", "application/json", body.as_ref()), then: Then::GoOn }
}
