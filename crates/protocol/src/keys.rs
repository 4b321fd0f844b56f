//! The key schedule: one key for each purpose and direction, all derived by HKDF-SHA256 from the
//! secret that enrolment made. The secret and these keys never travel.

use crate::hex::Hex;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The secret that an agent and the portal share after enrolment. 32 bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret from its bytes, as kept by either end.
    pub fn new(bytes: [u8; 32]) -> Secret {
        Secret(bytes)
    }
    /// The bytes, for storing on the end that owns them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A 256-bit key of one purpose.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    /// A key from bytes that the caller keeps, such as the portal's key-encryption key.
    pub fn new(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }
    /// The bytes. Only for the primitives of this crate and for tests that search the wire.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
    /// HMAC-SHA256 of `parts`, one after the other.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.0, parts)
    }
}

/// HMAC-SHA256 of `parts` under `key`.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Compares in constant time.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// SHA-256 of `parts`, one after the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The keys of one agent. Purposes and directions never share a key, so that a reflected request
/// can never pass for an answer.
#[derive(Clone)]
pub struct Keys {
    /// Which agent and epoch: `<agent id>.<epoch>`, the `kid` and `keyid` of everything sealed.
    pub id: String,
    /// Authenticates requests of the agent.
    pub request: Key,
    /// Authenticates answers of the portal.
    pub answer: Key,
    /// Encrypts what the agent sends.
    pub up: Key,
    /// Encrypts what the portal answers.
    pub down: Key,
    /// Hedges initialisation vectors against poor randomness.
    pub iv: Key,
}

impl Keys {
    /// Derives the keys from the secret. `portal_id`, `agent_id` and the hash of the enrolment's
    /// transcript are bound in, so that a secret is of use between these two only.
    pub fn derive(secret: &Secret, portal_id: &str, agent_id: &str, transcript: &Hex<32>) -> Keys {
        let salt = sha256(&[b"plotmeter/v1", portal_id.as_bytes(), b"\0", agent_id.as_bytes(), b"\0", &transcript.0]);
        let schedule = Hkdf::<Sha256>::new(Some(&salt), secret.expose());
        let expand = |purpose: &str| {
            let mut key = [0; 32];
            schedule
                .expand(format!("plotmeter/v1 {purpose}").as_bytes(), &mut key)
                .expect("32 bytes are within HKDF's bound");
            Key(key)
        };
        Keys {
            // The epoch will move when keys are ratcheted; every sealed thing names it already.
            id: format!("{agent_id}.0"),
            request: expand("request-auth"),
            answer: expand("response-auth"),
            up: expand("jwe up A128CBC-HS256"),
            down: expand("jwe down A128CBC-HS256"),
            iv: expand("iv hedge"),
        }
    }

    /// Each key with its purpose, for tests that search the wire for them.
    pub fn all(&self) -> [(&'static str, &Key); 5] {
        [("request", &self.request), ("answer", &self.answer), ("up", &self.up), ("down", &self.down), ("iv", &self.iv)]
    }
}

/// The agent id that a `kid` or `keyid` names, when it is well formed.
pub fn agent_of_key_id(key_id: &str) -> Option<&str> {
    let (agent, epoch) = key_id.rsplit_once('.')?;
    (epoch == "0" && !agent.is_empty()).then_some(agent)
}
