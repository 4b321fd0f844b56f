//! Who this agent is: the keys that enrolment made, in one file that only its owner may read.
//!
//! The file is written whole and durably before anything in it is used, so that a power cut leaves the
//! old or the new one. Deliberately absent: what changes with every request, which is in the spool.

use crate::files::write_private;
use protocol::message::{AgentKind, Rotation};
use protocol::package::EvidenceKeys;
use protocol::{Hex, Keys, Schedule, Secret, SigningKey, VerifyingKey, limits, sign};
use report::{Duration, Instant};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const FILE: &str = "agent.json";
/// Evidence keys that can still sign: an agent that chains anew may do so before its last rotation.
const SEEDS_KEPT: usize = 2;

/// Signs with an evidence key that the agent itself does not hold, such as one in a secure element.
pub trait Signer: Send + Sync {
    /// The Ed25519 public key.
    fn public_key(&self) -> [u8; 32];
    /// Ed25519 over `message`.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// How the agent was enrolled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EnrolledBy {
    /// With a one-time file.
    #[default]
    File,
    /// By comparing six digits.
    Compare,
    /// With the secret of its factory.
    Factory,
}

/// An evidence key and the packages it signs.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceKey {
    /// The first package signed with it.
    pub(crate) from: u64,
    /// The public key.
    pub(crate) key: Hex<32>,
    /// The private key; absent when it is held elsewhere or no longer of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<Hex<32>>,
}

impl EvidenceKey {
    /// The key of a seed, for packages from `from` on.
    pub(crate) fn of_seed(from: u64, seed: [u8; 32]) -> EvidenceKey {
        let key = Hex(*SigningKey::from_bytes(&seed).verifying_key().as_bytes());
        EvidenceKey { from, key, seed: Some(Hex(seed)) }
    }

    fn signing_key(&self) -> Option<SigningKey> {
        self.seed.map(|seed| SigningKey::from_bytes(&seed.0))
    }
}

/// The file's content.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) agent: String,
    pub(crate) portal: String,
    pub(crate) portal_id: String,
    pub(crate) portal_ca: Option<String>,
    pub(crate) receipt_key: Hex<32>,
    /// Empty until the portal's side approved a comparison.
    pub(crate) reseller: String,
    /// Empty until the portal's side approved a comparison.
    pub(crate) customer: String,
    /// The secret of `epoch`.
    pub(crate) secret: Hex<32>,
    pub(crate) transcript: Hex<32>,
    /// The evidence key in files of the first version; read and never written.
    #[serde(default, skip_serializing)]
    pub(crate) evidence_seed: Option<Hex<32>>,
    /// The evidence keys, the oldest first.
    #[serde(default)]
    pub(crate) evidence: Vec<EvidenceKey>,
    /// The next evidence key, until the portal knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rotation: Option<EvidenceKey>,
    #[serde(default)]
    pub(crate) epoch: u64,
    #[serde(default)]
    pub(crate) epoch_since: Instant,
    /// Epochs that ended without one proved answer.
    #[serde(default)]
    pub(crate) epochs_unproved: u64,
    #[serde(default)]
    pub(crate) kind: AgentKind,
    #[serde(default)]
    pub(crate) way: EnrolledBy,
    /// Whether the portal knows that the enrolment took effect. Older files were written when it did.
    #[serde(default = "yes")]
    pub(crate) confirmed: bool,
    /// Whether there was a spool beside this file, so that a missing one is a loss.
    #[serde(default)]
    pub(crate) spool: bool,
}

fn yes() -> bool {
    true
}

/// An enrolled agent's identity.
#[derive(Clone)]
pub struct Identity {
    pub(crate) stored: Stored,
    pub(crate) schedule: Schedule,
    pub(crate) keys: Keys,
    pub(crate) receipt_key: VerifyingKey,
    signer: Option<Arc<dyn Signer>>,
}

/// The identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No enrolment took place in this folder.
    #[error(
        "{0} holds no enrolment: run `plotmeter collector enrol FILE` (a direct agent: `plotmeter direct enrol FILE`) \
         with the file from your reseller"
    )]
    Absent(PathBuf),
    /// The file cannot be read or written.
    #[error("access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what enrolment wrote.
    #[error("{path} is damaged: remove it and enrol again for the same account; the spool is kept")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// An agent is enrolled here already, and nobody said that it is to be enrolled anew.
    #[error(
        "{state} is enrolled already as agent {agent}; with --again it is enrolled anew for the same account, and \
         what waits is kept"
    )]
    Present {
        /// The state folder.
        state: PathBuf,
        /// The agent's id.
        agent: String,
    },
    /// An agent is enrolled here for another account.
    #[error("{0} is enrolled for another account: name a new state folder")]
    Foreign(PathBuf),
    /// An agent of another kind is enrolled here.
    #[error("{} is the state folder of a {} agent: name another one", .0.display(), .1.word())]
    Kind(PathBuf, AgentKind),
    /// The evidence key is not at hand.
    #[error("{0} was enrolled with an evidence key in a secure element, and that key is not at hand")]
    Signer(PathBuf),
    /// Another agent works on the same state folder.
    #[error("another agent uses {0} now; stop it first")]
    Busy(PathBuf),
}

/// Takes the lock of a state folder. The system releases it however the program ends.
pub(crate) fn lock(state: &Path) -> Result<fs::File, IdentityError> {
    let path = state.join("lock");
    let open = fs::OpenOptions::new().append(true).create(true).open(&path);
    let file = open.map_err(|source| IdentityError::Io { path, source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(IdentityError::Busy(state.to_owned())),
    }
}

/// Whether a word of the portal's can stand in headers and file names: letters, digits and hyphens.
pub(crate) fn is_word(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&word.len()) && word.bytes().all(plain)
}

impl Identity {
    /// The identity of a file's content; `None` when its keys are no keys.
    pub(crate) fn new(mut stored: Stored, signer: Option<Arc<dyn Signer>>) -> Option<Identity> {
        if let Some(seed) = stored.evidence_seed.take() {
            stored.evidence.insert(0, EvidenceKey::of_seed(1, seed.0));
        }
        let schedule = Schedule::at(
            stored.epoch,
            &Secret::new(stored.secret.0),
            &stored.portal_id,
            &stored.agent,
            &stored.transcript,
        );
        let receipt_key = VerifyingKey::from_bytes(&stored.receipt_key.0).ok()?;
        let keys = schedule.keys();
        let readable = stored.evidence.iter().all(|key| VerifyingKey::from_bytes(&key.key.0).is_ok());
        let well_formed = is_word(&stored.agent) && readable && !stored.evidence.is_empty();
        well_formed.then_some(Identity { stored, schedule, keys, receipt_key, signer })
    }

    /// Reads the identity in the state folder.
    pub fn load(state: &Path) -> Result<Identity, IdentityError> {
        Identity::load_with(state, None)
    }

    /// Reads the identity in the state folder, whose evidence key may be held by `signer`.
    pub fn load_with(state: &Path, signer: Option<Arc<dyn Signer>>) -> Result<Identity, IdentityError> {
        let path = state.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(IdentityError::Absent(state.to_owned()));
            }
            Err(source) => return Err(IdentityError::Io { path, source }),
        };
        let stored: Option<Stored> = serde_json::from_slice(&text).ok();
        stored.and_then(|stored| Identity::new(stored, signer)).ok_or(IdentityError::Damaged { path })
    }

    /// Refuses to work as an agent of another kind than the one that was enrolled.
    pub(crate) fn of_kind(self, kind: AgentKind, state: &Path) -> Result<Identity, IdentityError> {
        if self.stored.kind == kind { Ok(self) } else { Err(IdentityError::Kind(state.to_owned(), self.stored.kind)) }
    }

    /// Refuses to work without the key that signs packages.
    pub(crate) fn with_evidence_at_hand(self, state: &Path) -> Result<Identity, IdentityError> {
        let last = self.stored.evidence.last();
        let at_hand = last.is_some_and(|last| {
            last.seed.is_some() || self.signer.as_ref().is_some_and(|signer| signer.public_key() == last.key.0)
        });
        if at_hand { Ok(self) } else { Err(IdentityError::Signer(state.to_owned())) }
    }

    /// Whether the state folder holds an identity.
    pub(crate) fn exists(state: &Path) -> bool {
        state.join(FILE).exists()
    }

    /// Writes the identity durably, readable by its owner only.
    pub(crate) fn save(&self, state: &Path) -> Result<(), IdentityError> {
        let path = state.join(FILE);
        let write = || write_private(state, FILE, &serde_json::to_vec_pretty(&self.stored)?);
        write().map_err(|source| IdentityError::Io { path, source })
    }

    /// Changes what is stored: durably first, then here.
    pub(crate) fn change(&mut self, state: &Path, change: impl FnOnce(&mut Stored)) -> Result<(), IdentityError> {
        let mut next = self.clone();
        change(&mut next.stored);
        next.save(state)?;
        *self = next;
        Ok(())
    }

    /// Moves to the next epoch of the keys: durably first, so that no key is used in two epochs.
    pub(crate) fn ratchet(&mut self, state: &Path, now: Instant, proved: bool) -> Result<(), IdentityError> {
        let schedule = self.schedule.next();
        self.change(state, |stored| {
            stored.secret = Hex(*schedule.secret().expose());
            stored.epoch = schedule.epoch();
            stored.epoch_since = now;
            stored.epochs_unproved = if proved { 0 } else { stored.epochs_unproved.saturating_add(1) };
        })?;
        self.keys = schedule.keys();
        self.schedule = schedule;
        Ok(())
    }

    /// Whether the epoch has ended, after `requests` requests in it. Without any answer it ends less and
    /// less often, because a portal follows an agent only so far.
    pub(crate) fn epoch_is_over(&self, now: Instant, requests: u64) -> bool {
        let age = now.since(self.stored.epoch_since);
        let old = age >= Duration::hours(limits::EPOCH_HOURS) || age.0 < 0;
        (old || requests >= limits::EPOCH_REQUESTS) && self.stored.epochs_unproved < limits::EPOCHS_MAX / 2
    }

    /// The evidence keys, each with the first package that it signs.
    pub(crate) fn evidence_keys(&self) -> EvidenceKeys {
        let key = |key: &EvidenceKey| Some((key.from, VerifyingKey::from_bytes(&key.key.0).ok()?));
        EvidenceKeys(self.stored.evidence.iter().filter_map(key).collect())
    }

    /// The evidence key of package `sequence`.
    fn evidence_of(&self, sequence: u64) -> Option<&EvidenceKey> {
        self.stored.evidence.iter().rev().find(|key| key.from <= sequence).or(self.stored.evidence.first())
    }

    /// Signs `message` with the evidence key of package `sequence`. A key that is gone gives a signature
    /// that fits nothing, which the spool finds before anything is sent.
    pub(crate) fn sign_for(&self, sequence: u64, message: &[u8]) -> [u8; 64] {
        let own = self.evidence_of(sequence).and_then(EvidenceKey::signing_key);
        match (own, &self.signer) {
            (Some(key), _) => sign(&key, message),
            (None, Some(signer)) => signer.sign(message),
            (None, None) => [0; 64],
        }
    }

    /// The current evidence key: the one that signs the next package.
    pub(crate) fn evidence_key(&self) -> Hex<32> {
        self.stored.evidence.last().map_or(Hex([0; 32]), |key| key.key)
    }

    /// Signs a statement of the agent itself with the current evidence key.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.sign_for(u64::MAX, message)
    }

    /// Whether the evidence key is held elsewhere.
    pub(crate) fn has_outside_key(&self) -> bool {
        self.stored.evidence.last().is_some_and(|key| key.seed.is_none())
    }

    /// The statement that introduces the next evidence key, while one is under way.
    pub(crate) fn rotation(&self) -> Option<Rotation> {
        let next = self.stored.rotation.as_ref()?;
        // A key that is introduced again signs already.
        let old = self.stored.evidence.iter().rev().find(|key| key.key != next.key)?.signing_key()?;
        Some(Rotation::signed(self.agent(), next.from, &old, &next.signing_key()?))
    }

    /// The portal knows the next evidence key: from here on it signs.
    pub(crate) fn rotated(&mut self, state: &Path) -> Result<(), IdentityError> {
        self.change(state, |stored| {
            let known = stored.evidence.last().map(|last| last.key);
            stored.evidence.extend(stored.rotation.take().filter(|next| Some(next.key) != known));
            let old = stored.evidence.len().saturating_sub(SEEDS_KEPT);
            stored.evidence.iter_mut().take(old).for_each(|key| key.seed = None);
        })
    }

    /// The portal does not know the last evidence key: it was restored to before it was introduced. Has it
    /// introduced again, by the key before; `false` where that cannot be done.
    pub(crate) fn introduce_again(&mut self, state: &Path) -> Result<bool, IdentityError> {
        let [.., before, last] = self.stored.evidence.as_slice() else { return Ok(false) };
        if self.stored.rotation.is_some() || before.seed.is_none() || last.seed.is_none() {
            return Ok(false);
        }
        let last = last.clone();
        self.change(state, |stored| stored.rotation = Some(last))?;
        Ok(true)
    }

    /// An answer in the current epoch was proved: the portal follows.
    pub(crate) fn epoch_is_proved(&mut self, state: &Path) -> Result<(), IdentityError> {
        if self.stored.epochs_unproved == 0 {
            return Ok(());
        }
        self.change(state, |stored| stored.epochs_unproved = 0)
    }

    /// The agent's id.
    pub fn agent(&self) -> &str {
        &self.stored.agent
    }

    /// What sort of agent it is.
    pub fn kind(&self) -> AgentKind {
        self.stored.kind
    }

    /// Whether the portal's side knows that the enrolment took effect.
    pub fn is_confirmed(&self) -> bool {
        self.stored.confirmed
    }

    /// Whether the account is known: it is not before a comparison was approved.
    pub(crate) fn has_account(&self) -> bool {
        !(self.stored.reseller.is_empty() && self.stored.customer.is_empty())
    }

    /// What tells this account from any other.
    pub(crate) fn account(&self) -> String {
        let Stored { portal_id, reseller, customer, .. } = &self.stored;
        format!("{customer} of {reseller} at portal {portal_id}")
    }

    /// The customer's account that the data goes to. Empty until a comparison was approved.
    pub fn customer(&self) -> &str {
        &self.stored.customer
    }

    /// The reseller that sees the data. Empty until a comparison was approved.
    pub fn reseller(&self) -> &str {
        &self.stored.reseller
    }

    /// The portal's address.
    pub fn portal(&self) -> &str {
        &self.stored.portal
    }

    /// The certificate authority to trust for this portal instead of the public ones, in PEM.
    pub fn portal_ca(&self) -> Option<&str> {
        self.stored.portal_ca.as_deref()
    }

    /// The derived keys, the secret and the evidence seeds, for a test that searches the wire for them.
    pub fn secrets(&self) -> Vec<(&'static str, [u8; 32])> {
        let mut secrets: Vec<_> = self.keys.all().iter().map(|(name, key)| (*name, *key.expose())).collect();
        secrets.push(("secret", self.stored.secret.0));
        let evidence = self.stored.evidence.iter().chain(&self.stored.rotation);
        secrets.extend(evidence.filter_map(|key| Some(("evidence seed", key.seed?.0))));
        secrets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_portal_s_is_a_word() {
        assert!(is_word("00af-9_Z"));
        for odd in ["", "a b", "a\r\nb", "../a", "a\"", &"x".repeat(65)] {
            assert!(!is_word(odd), "{odd}");
        }
    }
}
