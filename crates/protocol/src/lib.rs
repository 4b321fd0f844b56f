//! Sealed bytes: how an agent and the portal come to share keys, and what travels between them.
//!
//! ```text
//! record → hash chain → Ed25519 signature → JSON → zstd → JWE dir/A128CBC-HS256 → RFC 9421 HMAC → TLS 1.3
//! ```
//!
//! Pure: no IO, no clock, and randomness is an argument. `docs/protocol.md` is the same for people
//! who write another implementation. Deliberately absent: any message that could change a printer.

pub mod chain;
pub mod enrol;
mod hex;
pub mod jwe;
mod keys;
pub mod limits;
pub mod message;
pub mod package;
pub mod ranges;
pub mod receipt;
mod record;
#[cfg(feature = "sender")]
pub mod sender;
pub mod settings;
pub mod signature;
#[cfg(feature = "testing")]
pub mod testing;

pub use ed25519_dalek::{SigningKey, VerifyingKey};
pub use hex::{Hex, HexError};
pub use keys::{Key, Keys, Schedule, Secret, parse_key_id, sha256, sign, verify};

/// The address agents send packages to, below the portal's own.
pub const PACKAGES_PATH: &str = "/ingest/v1/packages";
/// The address agents send messages to.
pub const MESSAGES_PATH: &str = "/ingest/v1/messages";
/// The address of an enrolment's handshake.
pub const ENROL_PATH: &str = "/enrol/v1/handshake";
/// The address where an enrolment by comparison begins.
pub const COMPARE_PATH: &str = "/enrol/v1/compare";
/// The address where an agent confirms its enrolment.
pub const CONFIRM_PATH: &str = "/enrol/v1/confirm";
/// The content type of an enrolment's messages.
pub const ENROL_CONTENT_TYPE: &str = "application/vnd.plotmeter.enrol+noise";
