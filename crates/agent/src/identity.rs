//! Who this agent is: the keys that enrolment made, in one file that only its owner may read.

use protocol::{Hex, Keys, Secret, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const FILE: &str = "agent.json";

/// The file's content.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) agent: String,
    pub(crate) portal: String,
    pub(crate) portal_id: String,
    pub(crate) portal_ca: Option<String>,
    pub(crate) receipt_key: Hex<32>,
    pub(crate) reseller: String,
    pub(crate) customer: String,
    pub(crate) secret: Hex<32>,
    pub(crate) transcript: Hex<32>,
    pub(crate) evidence_seed: Hex<32>,
}

/// An enrolled agent's identity.
#[derive(Clone)]
pub struct Identity {
    pub(crate) stored: Stored,
    pub(crate) keys: Keys,
    pub(crate) evidence: SigningKey,
    pub(crate) receipt_key: VerifyingKey,
}

/// The identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No enrolment took place in this folder.
    #[error("{0} holds no enrolment: run `plotmeter collector enrol FILE` with the file from your reseller")]
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
    /// An agent is enrolled here already.
    #[error("{0} is enrolled already: name a new state folder for another account")]
    Present(PathBuf),
}

/// Makes a folder that only its owner may enter, where it is absent.
fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

impl Identity {
    pub(crate) fn new(stored: Stored) -> Option<Identity> {
        let keys = Keys::derive(&Secret::new(stored.secret.0), &stored.portal_id, &stored.agent, &stored.transcript);
        let evidence = SigningKey::from_bytes(&stored.evidence_seed.0);
        let receipt_key = VerifyingKey::from_bytes(&stored.receipt_key.0).ok()?;
        Some(Identity { stored, keys, evidence, receipt_key })
    }

    /// Reads the identity in the state folder.
    pub fn load(state: &Path) -> Result<Identity, IdentityError> {
        let path = state.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(IdentityError::Absent(state.to_owned()));
            }
            Err(source) => return Err(IdentityError::Io { path, source }),
        };
        let stored = serde_json::from_slice(&text).ok();
        stored.and_then(Identity::new).ok_or(IdentityError::Damaged { path })
    }

    /// Whether the state folder holds an identity.
    pub(crate) fn exists(state: &Path) -> bool {
        state.join(FILE).exists()
    }

    /// Writes the identity durably, readable by its owner only.
    pub(crate) fn save(&self, state: &Path) -> Result<(), IdentityError> {
        let path = state.join(FILE);
        let write = || {
            make_private_folder(state)?;
            let part = state.join("agent.json.part");
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&part)?;
            file.write_all(&serde_json::to_vec_pretty(&self.stored)?)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            fs::File::open(state)?.sync_all()
        };
        write().map_err(|source| IdentityError::Io { path: path.clone(), source })
    }

    /// The agent's id.
    pub fn agent(&self) -> &str {
        &self.stored.agent
    }

    /// What tells this account from any other.
    pub(crate) fn account(&self) -> String {
        let Stored { portal_id, reseller, customer, .. } = &self.stored;
        format!("{customer} of {reseller} at portal {portal_id}")
    }

    /// The customer's account that the data goes to.
    pub fn customer(&self) -> &str {
        &self.stored.customer
    }

    /// The reseller that sees the data.
    pub fn reseller(&self) -> &str {
        &self.stored.reseller
    }

    /// The portal's address.
    pub fn portal(&self) -> &str {
        &self.stored.portal
    }

    /// The derived keys and the secret, for a test that searches the wire for them.
    pub fn secrets(&self) -> Vec<(&'static str, [u8; 32])> {
        let mut secrets: Vec<_> = self.keys.all().iter().map(|(name, key)| (*name, *key.expose())).collect();
        secrets.push(("secret", self.stored.secret.0));
        secrets.push(("evidence seed", self.stored.evidence_seed.0));
        secrets
    }
}
