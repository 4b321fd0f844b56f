//! The key schedule: one key for each purpose, direction and epoch, all derived by HKDF-SHA256 from
//! the secret that enrolment made; and the primitives that the other modules share. The secrets and
//! these keys never travel.
//!
//! Deliberately absent: the evidence key, which is made in the agent and derived from nothing; and
//! when an epoch ends, which the two ends decide.

use crate::hex::Hex;
use crate::limits::EPOCHS_MAX;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
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

/// Signs `text` with Ed25519.
pub fn sign(key: &SigningKey, text: &[u8]) -> [u8; 64] {
    key.sign(text).to_bytes()
}

/// Whether `signature` is Ed25519 by `key` over `text`. Strict: no small-order keys, no malleable form.
pub fn verify(key: &VerifyingKey, text: &[u8], signature: &Hex<64>) -> bool {
    key.verify_strict(text, &Signature::from_bytes(&signature.0)).is_ok()
}

/// The keys of one agent in one epoch. Purposes and directions never share a key, so that a reflected request
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
    /// Each key with its purpose, for tests that search the wire for them.
    pub fn all(&self) -> [(&'static str, &Key); 5] {
        [("request", &self.request), ("answer", &self.answer), ("up", &self.up), ("down", &self.down), ("iv", &self.iv)]
    }
}

/// Where an agent's keys stand: the secret of an epoch, and all that it takes to derive from it.
///
/// Each epoch's secret gives its keys and the next secret, and nothing leads back: who erases a
/// secret has made what was sent under it unreadable. Agent and portal move each for itself; the
/// epoch stands in every key id.
#[derive(Clone)]
pub struct Schedule {
    agent: String,
    /// Binds the secret to these two and to their enrolment. Public.
    salt: [u8; 32],
    epoch: u64,
    secret: Secret,
}

impl Schedule {
    /// Epoch 0, from the secret that enrolment made. `portal_id`, `agent_id` and the hash of the
    /// enrolment's transcript are bound in, so that a secret is of use between these two only.
    pub fn new(secret: &Secret, portal_id: &str, agent_id: &str, transcript: &Hex<32>) -> Schedule {
        Schedule::at(0, secret, portal_id, agent_id, transcript)
    }

    /// The schedule as either end keeps it: `secret` is the one of `epoch`.
    pub fn at(epoch: u64, secret: &Secret, portal_id: &str, agent_id: &str, transcript: &Hex<32>) -> Schedule {
        let salt = sha256(&[b"plotmeter/v1", portal_id.as_bytes(), b"\0", agent_id.as_bytes(), b"\0", &transcript.0]);
        Schedule { agent: agent_id.to_owned(), salt, epoch, secret: secret.clone() }
    }

    /// The epoch, from 0.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The secret of this epoch, for storing on the end that owns it.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The keys of this epoch.
    pub fn keys(&self) -> Keys {
        let key = |purpose: &str| Key(self.expand(&[purpose.as_bytes()]));
        Keys {
            id: format!("{}.{}", self.agent, self.epoch),
            request: key("request-auth"),
            answer: key("response-auth"),
            up: key("jwe up A128CBC-HS256"),
            down: key("jwe down A128CBC-HS256"),
            iv: key("iv hedge"),
        }
    }

    /// The epoch after this one.
    #[must_use]
    pub fn next(&self) -> Schedule {
        let epoch = self.epoch.saturating_add(1);
        let mut secret = self.expand(&[b"ratchet", &epoch.to_be_bytes()]);
        let next = Schedule { agent: self.agent.clone(), salt: self.salt, epoch, secret: Secret(secret) };
        secret.zeroize();
        next
    }

    /// The schedule at `epoch`; `None` when that lies behind, or more than [`EPOCHS_MAX`] ahead.
    pub fn forward(&self, epoch: u64) -> Option<Schedule> {
        let ahead = epoch.checked_sub(self.epoch)?;
        (ahead <= EPOCHS_MAX).then(|| (0..ahead).fold(self.clone(), |schedule, _| schedule.next()))
    }

    /// 32 bytes of HKDF, for the purpose that `info` names.
    fn expand(&self, info: &[&[u8]]) -> [u8; 32] {
        let info = [b"plotmeter/v1 ".as_slice(), &info.concat()].concat();
        let mut out = [0; 32];
        Hkdf::<Sha256>::new(Some(&self.salt), self.secret.expose())
            .expand(&info, &mut out)
            .expect("32 bytes are within HKDF's bound");
        out
    }
}

/// The agent id and the epoch that a `kid` or `keyid` names: `<agent id>.<epoch>`. `None` when it is
/// not well formed; an epoch has one spelling only, without leading zeros.
pub fn parse_key_id(key_id: &str) -> Option<(&str, u64)> {
    let (agent, epoch) = key_id.rsplit_once('.')?;
    let digits = epoch.bytes().all(|byte| byte.is_ascii_digit()) && (epoch == "0" || !epoch.starts_with('0'));
    if agent.is_empty() || !digits {
        return None;
    }
    Some((agent, epoch.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_one_spelling() {
        assert_eq!(parse_key_id("a-1.0"), Some(("a-1", 0)));
        assert_eq!(parse_key_id("a.b.17"), Some(("a.b", 17)));
        assert_eq!(parse_key_id("a.18446744073709551615"), Some(("a", u64::MAX)));
        let wrong = ["", "a", "a.", ".0", "a.00", "a.01", "a.+1", "a.-1", "a. 1", "a.1x", "a.18446744073709551616"];
        for key_id in wrong {
            assert_eq!(parse_key_id(key_id), None, "{key_id}");
        }
    }
}
