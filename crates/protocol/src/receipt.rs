//! What the portal answers: the receipt of a package, what it heard, or a problem; and the one
//! refusal that it can prove without an agent's keys.
//!
//! Fields that a newer portal adds to an answer are passed over. Deliberately absent: when an answer
//! may be believed, which `signature::verify_answer` and [`open`] decide together.

use crate::chain::Head;
use crate::hex::Hex;
use crate::jwe;
use crate::keys::{Keys, sha256, sign, verify};
pub use crate::settings::{Participation, Settings};
use ed25519_dalek::{SigningKey, VerifyingKey};
use report::Instant;
use serde::{Deserialize, Serialize};

/// The `typ` of a sealed answer.
const KIND: &str = "plotmeter.answer";
/// The content type of a sealed answer.
pub const CONTENT_TYPE: &str = "application/vnd.plotmeter.answer+jwe";
/// The content type of a [`SignedRefusal`].
pub const REFUSAL_CONTENT_TYPE: &str = "application/vnd.plotmeter.refusal+json";

/// The portal's word that it keeps a package. Stored once and given again unchanged for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The agent's id.
    pub agent: String,
    /// The package's sequence number.
    pub sequence: u64,
    /// The package's digest: `Package::digest`.
    pub digest: Hex<32>,
    /// The number of the last record that is kept.
    pub last: u64,
    /// The chain after it.
    pub head: Head,
    /// The portal's time at acceptance.
    pub accepted_at: Instant,
    /// Ed25519 over all of the above, by the portal's receipt key.
    pub signature: Hex<64>,
}

impl Receipt {
    fn statement(&self) -> String {
        let Receipt { agent, sequence, digest, last, head, accepted_at, .. } = self;
        format!("plotmeter/receipt/v1\n{agent}\n{sequence}\n{digest}\n{last}\n{head}\n{}", accepted_at.0)
    }

    /// Signs the receipt.
    #[must_use]
    pub fn signed(mut self, key: &SigningKey) -> Receipt {
        self.signature = Hex(sign(key, self.statement().as_bytes()));
        self
    }

    /// Whether the portal's receipt key signed this.
    pub fn is_authentic(&self, key: &VerifyingKey) -> bool {
        verify(key, self.statement().as_bytes(), &self.signature)
    }

    /// What names this receipt in the packages and records that come after it: the first 16 bytes of
    /// the SHA-256 of its signature. Nobody can know it before the receipt is given, so that what
    /// names it is younger than `accepted_at`.
    pub fn mark(&self) -> Hex<16> {
        let digest = sha256(&[&self.signature.0]);
        Hex(*digest.first_chunk::<16>().expect("a digest of 32 bytes has 16"))
    }
}

/// What an agent is to do until it hears otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duty {
    /// Read its printers.
    #[default]
    Read,
    /// Leave the reading to another agent of the same site, and keep in touch.
    StandBy {
        /// The agent that reads, by a name that its owner knows.
        holder: String,
        /// When the other's lease ends, by the portal's clock.
        until: Instant,
    },
}

impl Duty {
    fn is_read(&self) -> bool {
        *self == Duty::Read
    }
}

/// Where the portal stands with an agent: what it expects next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The sequence number of the next package.
    pub next_sequence: u64,
    /// The number of the next record.
    pub next_record: u64,
    /// The chain before that record.
    pub head: Head,
    /// The lowest number of a message that would still change something.
    pub next_message: u64,
}

/// The authenticated answer to an agent's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The package is kept.
    Accepted {
        /// The stored receipt.
        receipt: Receipt,
        /// The current settings; absent when the agent's last beat named this version already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Settings>,
        /// Sections that records refer to and the portal does not have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        wanted: Vec<Hex<32>>,
        /// Whether to read.
        #[serde(default, skip_serializing_if = "Duty::is_read")]
        duty: Duty,
    },
    /// The enrolment took effect.
    Enrolled {
        /// The current settings.
        settings: Settings,
        /// The reseller that sees the data.
        reseller: String,
        /// The customer's account that the data goes to.
        customer: String,
    },
    /// The message was heard, and its effect is kept.
    Heard {
        /// The portal's time.
        at: Instant,
        /// The current settings; absent when the agent's last beat named this version already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Settings>,
        /// What the portal expects next.
        standing: Standing,
        /// Whether to read.
        #[serde(default, skip_serializing_if = "Duty::is_read")]
        duty: Duty,
    },
    /// Nothing is kept; the agent keeps what it has.
    Refused(Problem),
}

/// RFC 9457: what was wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable address of the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was wrong, in one sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The sequence number the portal waits for, where the order was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_sequence: Option<u64>,
}

/// The `type` of our problems starts with this.
pub const PROBLEM_BASE: &str = "https://plotmeter.dev/problems/";

impl Problem {
    /// A problem of a stable `kind`, one short word with hyphens.
    pub fn new(status: u16, kind: &str, title: impl Into<String>) -> Problem {
        Problem {
            kind: format!("{PROBLEM_BASE}{kind}"),
            title: title.into(),
            status,
            detail: None,
            expected_sequence: None,
        }
    }

    /// The problem with what to do about it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Problem {
        self.detail = Some(detail.into());
        self
    }
}

/// A refusal to an agent whose keys the portal no longer has, such as one that was restored from an
/// old copy: not sealed, but signed by the receipt key that enrolment pinned, and bound to the
/// request: to its key id and nonce as much as to its signature, so that somebody in between who puts
/// another key id before an agent's signature gets nothing that the agent believes. It can only ever
/// mean: keep everything and enrol again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRefusal {
    /// Why: `behind`.
    pub problem: Problem,
    /// The headers `signature-input` and `signature` of the request that is refused, as they were sent,
    /// with a line feed between them.
    pub request: String,
    /// The portal's time.
    pub at: Instant,
    /// Ed25519 over all of the above, by the portal's receipt key.
    pub signature: Hex<64>,
}

impl SignedRefusal {
    /// Refuses the request whose two signature headers are `request`, see [`SignedRefusal::request`].
    pub fn signed(problem: Problem, request: &str, at: Instant, key: &SigningKey) -> SignedRefusal {
        let mut refusal = SignedRefusal { problem, request: request.to_owned(), at, signature: Hex([0; 64]) };
        refusal.signature = Hex(sign(key, refusal.statement().as_bytes()));
        refusal
    }

    /// The texts stand in it by digest, so that no line feed in one of them moves a line.
    fn statement(&self) -> String {
        let Problem { kind, title, status, detail, expected_sequence } = &self.problem;
        let text = |text: &str| Hex(sha256(&[text.as_bytes()]));
        let (kind, title, request) = (text(kind), text(title), text(&self.request));
        let detail = detail.as_deref().map_or_else(|| "-".to_owned(), |detail| text(detail).to_string());
        let expected = expected_sequence.map_or_else(|| "-".to_owned(), |sequence| sequence.to_string());
        format!("plotmeter/refusal/v1\n{request}\n{}\n{kind}\n{status}\n{title}\n{detail}\n{expected}", self.at.0)
    }

    /// Whether the portal's receipt key signed this, for the request whose two signature headers are
    /// `request`: what the agent sent itself, never what stands in the refusal.
    pub fn is_authentic(&self, request: &str, key: &VerifyingKey) -> bool {
        self.request == request && verify(key, self.statement().as_bytes(), &self.signature)
    }
}

/// An answer that does not open or is not of the documented form.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It does not open with our keys.
    #[error("the answer does not open")]
    Sealed(#[from] jwe::JweError),
    /// It is not of the documented form.
    #[error("the answer is not of the documented form")]
    Form(#[from] serde_json::Error),
}

/// Encrypts an answer for the agent.
pub fn seal(keys: &Keys, answer: &Answer, random: [u8; 16]) -> Vec<u8> {
    let json = serde_json::to_vec(answer).expect("integers and texts serialise");
    jwe::seal(&keys.down, KIND, &keys.id, jwe::hedged_iv(&keys.iv, random, &json), &json)
}

/// Opens an answer of the portal.
pub fn open(keys: &Keys, sealed: &[u8]) -> Result<Answer, AnswerError> {
    Ok(serde_json::from_slice(&jwe::open(&keys.down, KIND, &keys.id, sealed)?)?)
}
