//! What an agent says and hears, as whoever has a socket carries it.
//!
//! Deliberately absent: the socket, and any judgement of an answer, which stands in `answers`.

use crate::budget::Lane;
use protocol::message::Said;
use protocol::receipt::Problem;
use protocol::{Hex, Keys};
use report::Instant;
use std::fmt;

/// A request to carry: always `POST https://{authority}{path}`, with these headers and this body.
#[derive(Clone)]
pub struct Outbound {
    /// Host and, unless it is 443, port of the portal.
    pub authority: String,
    /// The path.
    pub path: &'static str,
    /// The headers, `content-type` among them; names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What it is about; absent in an enrolment, which proves itself.
    pub(crate) request: Option<Request>,
}

/// What the desk must know of a request when its answer comes.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) errand: Errand,
    /// The keys that it was sealed with; an answer comes with the same.
    pub(crate) keys: Keys,
    /// Its `signature` header, which an answer is bound to.
    pub(crate) signature: String,
    /// Its `signature-input` header: with the other one, what an unsealed refusal is bound to.
    pub(crate) input: String,
    pub(crate) lane: Lane,
    pub(crate) at: Instant,
    /// What the budget was charged.
    pub(crate) charged: u64,
}

impl Request {
    /// What an unsealed refusal is bound to: both headers as they were sent. A signature alone also stands
    /// under a key id that somebody on the way put in its place.
    pub(crate) fn bound(&self) -> String {
        format!("{}\n{}", self.input, self.signature)
    }
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    /// The enrolment took effect.
    Confirm,
    /// A message.
    Message { number: u64, what: What },
    /// A package.
    Package { sequence: u64, digest: Hex<32> },
}

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Alerts,
    Rotation,
    Beat,
    Leave,
}

impl What {
    /// What `said` says.
    pub(crate) fn of(said: &Said) -> What {
        match said {
            Said::Alerts(_) => What::Alerts,
            Said::Rotation(_) => What::Rotation,
            Said::Beat(_) => What::Beat,
            Said::Leave { .. } => What::Leave,
        }
    }
}

impl Outbound {
    /// A request that proves itself, such as a handshake's.
    pub(crate) fn plain(
        authority: String,
        path: &'static str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Outbound {
        Outbound { authority, path, headers, body, request: None }
    }

    /// Bytes of request line, headers and body.
    pub(crate) fn bytes(&self) -> u64 {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        // `POST … HTTP/1.1`, `host` and `content-length`.
        let line = self.path.len() + self.authority.len() + 64;
        u64::try_from(line + headers + self.body.len()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Outbound {
    /// Without keys and bodies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errand = self.request.as_ref().map(|request| request.errand);
        f.debug_struct("Outbound")
            .field("authority", &self.authority)
            .field("path", &self.path)
            .field("body_bytes", &self.body.len())
            .field("errand", &errand)
            .finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The HTTP status.
    pub status: u16,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Inbound {
    /// The value of a header, empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value.as_str())
    }

    /// Bytes of status line, headers and body.
    pub(crate) fn bytes(&self) -> u64 {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        u64::try_from(32 + headers + self.body.len()).unwrap_or(u64::MAX)
    }
}

/// What is to be said now.
#[derive(Debug)]
pub enum Turn {
    /// Carry this, then tell the desk what came of it.
    Send(Box<Outbound>),
    /// Nothing before then: the wire budget, or a pause after something went wrong.
    Wait(Instant),
    /// Nothing.
    Idle,
}

/// Why a [`Turn::Wait`] waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// The wire budget: in any 30 minutes only so much is said.
    Budget,
    /// A pause after something went wrong, or that the portal asked for.
    Pause,
}

/// What an answer meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was understood, and there is nothing to tell.
    Nothing,
    /// The portal keeps the package.
    Kept {
        /// Whether more waits.
        more: bool,
    },
    /// The portal knows that the enrolment took effect, or that the agent leaves.
    Confirmed,
    /// The portal refused, and proved that it was the portal. Everything is kept.
    Refused(Box<Problem>),
    /// The portal no longer has this agent's keys, and proved that it was the portal. Everything is kept
    /// for a new enrolment of the same account.
    NeedsEnrolment(Box<Problem>),
    /// Nothing proved that the portal answered. Everything is kept, and it will be tried again later.
    Unproved,
}
