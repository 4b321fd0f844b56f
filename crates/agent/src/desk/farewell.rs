//! What was sent, for people to read; and leaving, with a signed proof of what was removed.
//!
//! Deliberately absent: overwriting. On flash and on copy-on-write disks it removes nothing.

use super::{Desk, DeskError};
use crate::files::{sync_folder, write_private};
use crate::identity::{self, Identity};
use crate::spool;
use protocol::Hex;
use report::Instant;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// A package as it was sent, or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPackage {
    /// Its number.
    pub sequence: u64,
    /// When the portal took it, by the portal's clock; absent while there is no receipt.
    pub acknowledged_at: Option<Instant>,
    /// Whether it was given out to be sent. One that was not is made, and has not left this machine yet.
    pub handed_over: bool,
    /// What it said: the exact text that was compressed and sealed.
    pub json: String,
    /// SHA-256 of that text.
    pub wire_digest: Hex<32>,
}

/// What was removed when the agent left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Farewell {
    /// The agent's id.
    pub agent: String,
    /// When, by the agent's clock.
    pub at: Instant,
    /// The files removed: name, length in bytes and SHA-256.
    pub files: Vec<(String, u64, Hex<32>)>,
    /// Records that the portal never got, also those in packages without a receipt.
    pub unsent: u64,
    /// Ed25519 by `evidence_key` over [`Farewell::statement`].
    pub signature: Hex<64>,
    /// The agent's last evidence key, whose private half was removed with the files.
    pub evidence_key: Hex<32>,
}

impl Farewell {
    /// The text that is signed.
    pub fn statement(&self) -> String {
        let files: Vec<String> =
            self.files.iter().map(|(name, bytes, digest)| format!("\n{digest} {bytes} {name}")).collect();
        format!("plotmeter/left/v1\n{}\n{}\n{}{}", self.agent, self.at.0, self.unsent, files.concat())
    }
}

/// Whether a file of the state folder is the agent's own. The identity comes last, so that an
/// interrupted removal can be done again.
fn is_ours(name: &str) -> bool {
    const NAMES: [&str; 7] =
        ["agent.json.part", "lock", "reserve", "probe", "doctor.part", "pseudonym.key", "pseudonym.key.part"];
    NAMES.contains(&name) || name.starts_with(spool::FILE) || name.starts_with("spool.damaged-")
}

/// Length and SHA-256 of a file, read piece by piece: a spool may be larger than the memory.
fn measured(path: &Path) -> std::io::Result<(u64, Hex<32>)> {
    let mut file = std::fs::File::open(path)?;
    let (mut hash, mut length) = (Sha256::new(), 0_u64);
    let mut piece = vec![0_u8; 64 * 1024];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((length, Hex(hash.finalize().into())));
        }
        hash.update(&piece[..read]);
        length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}

/// The agent's files in a folder, with the identity as the last.
fn own_files(state: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(state)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_ours(&name) {
            names.push(name);
        }
    }
    names.sort();
    if Identity::exists(state) {
        names.push(identity::FILE.to_owned());
    }
    Ok(names)
}

impl Desk {
    /// The last packages, the youngest first.
    pub fn sent(&self, last: usize) -> Result<Vec<SentPackage>, DeskError> {
        Ok(self.spool.packages(last)?)
    }

    /// Removes the agent's keys and its spool, and leaves a signed list of what was removed in
    /// `left-<agent>.json`. The files of others in the folder stay.
    pub fn erase(self) -> Result<Farewell, DeskError> {
        let unsent = self.unsent()?;
        let Desk { state, surroundings, identity, spool, _lock, .. } = self;
        // Closed first, so that all of it is in its files and they can be removed anywhere.
        drop(spool);
        let io = |source: std::io::Error| DeskError::Io { path: state.clone(), source };
        let names = own_files(&state).map_err(io)?;
        let mut files = Vec::with_capacity(names.len());
        for name in &names {
            let (bytes, digest) = measured(&state.join(name)).map_err(io)?;
            files.push((name.clone(), bytes, digest));
        }
        let mut farewell = Farewell {
            agent: identity.agent().to_owned(),
            at: surroundings.now(),
            files,
            unsent: unsent.all_records(),
            signature: Hex([0; 64]),
            evidence_key: identity.evidence_key(),
        };
        farewell.signature = Hex(identity.sign(farewell.statement().as_bytes()));
        let proof = serde_json::to_vec_pretty(&farewell).map_err(crate::spool::SpoolError::from)?;
        write_private(&state, &format!("left-{}.json", farewell.agent), &proof).map_err(io)?;
        drop(_lock);
        for name in &names {
            std::fs::remove_file(state.join(name)).map_err(io)?;
        }
        sync_folder(&state).map_err(io)?;
        Ok(farewell)
    }
}
