//! What the portal answers: the receipt of a package, the agent's settings, or a problem.

use crate::chain::Head;
use crate::hex::Hex;
use crate::jwe;
use crate::keys::Keys;
use crate::limits::{INTERVAL_MINUTES_DEFAULT, INTERVAL_MINUTES_MAX, INTERVAL_MINUTES_MIN};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use report::Instant;
use serde::{Deserialize, Serialize};

/// The `typ` of a sealed answer.
const KIND: &str = "plotmeter.answer";
/// The content type of a sealed answer.
pub const CONTENT_TYPE: &str = "application/vnd.plotmeter.answer+jwe";

/// The portal's word that it keeps a package. Stored once and given again unchanged for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The agent's id.
    pub agent: String,
    /// The package's sequence number.
    pub sequence: u64,
    /// The package's digest.
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
        self.signature = Hex(key.sign(self.statement().as_bytes()).to_bytes());
        self
    }

    /// Whether the portal's receipt key signed this.
    pub fn is_authentic(&self, key: &VerifyingKey) -> bool {
        key.verify_strict(self.statement().as_bytes(), &Signature::from_bytes(&self.signature.0)).is_ok()
    }
}

/// What the portal asks of an agent. It can say how often to read, and nothing about any printer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Rises with each change; an agent never goes back.
    pub version: u64,
    /// Minutes between readings.
    pub interval_minutes: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { version: 0, interval_minutes: INTERVAL_MINUTES_DEFAULT }
    }
}

impl Settings {
    /// The interval within the bounds that an agent holds, whatever the portal says.
    pub fn bounded_interval_minutes(&self) -> u32 {
        self.interval_minutes.clamp(INTERVAL_MINUTES_MIN, INTERVAL_MINUTES_MAX)
    }
}

/// The authenticated answer to an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The package is kept.
    Accepted {
        /// The stored receipt.
        receipt: Receipt,
        /// The current settings.
        settings: Settings,
        /// Sections that records refer to and the portal does not have.
        wanted: Vec<Hex<32>>,
    },
    /// The enrolment took effect.
    Enrolled {
        /// The current settings.
        settings: Settings,
    },
    /// The package is not kept; the agent keeps it.
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
