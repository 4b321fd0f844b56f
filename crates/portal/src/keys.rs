//! The portal's own keys, in one file that only its owner may read: the key that seals secrets in
//! the database, the static key of enrolments, and the key that signs receipts.

use crate::Db;
use protocol::jwe::{self, JweError};
use protocol::{Hex, Key, SigningKey, enrol};
use report::Surroundings;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The `typ` and key id of what is sealed for the database.
const AT_REST: (&str, &str) = ("plotmeter.at-rest", "portal.0");

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    portal_id: String,
    sealing_key: Hex<32>,
    enrolment_key: Hex<32>,
    receipt_seed: Hex<32>,
}

/// The portal's keys.
pub struct PortalKeys {
    /// Names this portal in the key schedule.
    pub(crate) portal_id: String,
    sealing: Key,
    pub(crate) enrolment: Hex<32>,
    pub(crate) receipt: SigningKey,
}

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It cannot be read or written.
    #[error("access the portal's key file {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database asks for it.
    #[error("the database knows agents, but their portal's key file {path} is gone: restore it from your backup")]
    Lost {
        /// The file.
        path: PathBuf,
    },
    /// The database.
    #[error("look for agents in the database")]
    Db(#[from] crate::DbError),
    /// It is not a key file.
    #[error("{path} is no key file of a portal: restore it from your backup; without it no agent can be understood")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

impl PortalKeys {
    /// Reads the key file, or makes it at the portal's first start: where `db` knows agents already, the
    /// file was lost, and a new one would understand none of them.
    pub fn load(path: &Path, db: &Db, surroundings: &Surroundings) -> Result<PortalKeys, KeysError> {
        if !path.exists() && db.knows_agents()? {
            return Err(KeysError::Lost { path: path.to_owned() });
        }
        PortalKeys::load_or_create(path, surroundings)
    }

    /// Reads the key file, or makes it.
    fn load_or_create(path: &Path, surroundings: &Surroundings) -> Result<PortalKeys, KeysError> {
        let io = |source| KeysError::Io { path: path.to_owned(), source };
        let stored = match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| KeysError::Damaged { path: path.to_owned() })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let stored = Stored {
                    portal_id: Hex(surroundings.random::<8>()).to_string(),
                    sealing_key: Hex(surroundings.random()),
                    enrolment_key: Hex(surroundings.random()),
                    receipt_seed: Hex(surroundings.random()),
                };
                write(path, &stored).map_err(io)?;
                stored
            }
            Err(error) => return Err(io(error)),
        };
        Ok(PortalKeys {
            portal_id: stored.portal_id,
            sealing: Key::new(stored.sealing_key.0),
            enrolment: stored.enrolment_key,
            receipt: SigningKey::from_bytes(&stored.receipt_seed.0),
        })
    }

    /// The public half of the enrolment key.
    pub(crate) fn enrolment_public(&self) -> Hex<32> {
        enrol::public_key(&self.enrolment.0)
    }

    /// Seals a secret for the database.
    pub(crate) fn seal(&self, secret: &[u8; 32], surroundings: &Surroundings) -> Vec<u8> {
        jwe::seal(&self.sealing, AT_REST.0, AT_REST.1, surroundings.random(), secret)
    }

    /// Opens a secret from the database.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<[u8; 32], JweError> {
        let secret = jwe::open(&self.sealing, AT_REST.0, AT_REST.1, sealed)?;
        secret.try_into().map_err(|_| JweError::Malformed)
    }
}

fn write(path: &Path, stored: &Stored) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(&serde_json::to_vec_pretty(stored)?)?;
    file.sync_all()
}
