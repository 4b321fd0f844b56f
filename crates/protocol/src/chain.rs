//! The hash chain over an agent's records.
//!
//! A record is hashed as `SHA-256("plotmeter/rec/v1" ‖ SHA-256(core) ‖ SHA-256(salt ‖ annex))`, so
//! that its annex can be erased while its place in the chain stays provable.

use crate::hex::Hex;
use crate::keys::sha256;

/// A point of the chain.
pub type Head = Hex<32>;

/// The digest of an annex: of the salt alone where there is none.
pub fn annex_digest(salt: &Hex<16>, annex: Option<&str>) -> Hex<32> {
    Hex(sha256(&[&salt.0, annex.unwrap_or("").as_bytes()]))
}

/// The hash of one record.
pub fn record_hash(core: &str, annex_digest: &Hex<32>) -> Hex<32> {
    Hex(sha256(&[b"plotmeter/rec/v1", &sha256(&[core.as_bytes()]), &annex_digest.0]))
}

/// The chain after record `number`.
pub fn link(previous: &Head, number: u64, record_hash: &Hex<32>) -> Head {
    Hex(sha256(&[&previous.0, &number.to_be_bytes(), &record_hash.0]))
}

/// Where the chain of an agent begins.
pub fn origin(agent_id: &str) -> Head {
    Hex(sha256(&[b"plotmeter/chain/v1", agent_id.as_bytes()]))
}
