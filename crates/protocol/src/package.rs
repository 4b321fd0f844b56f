//! Packages: a signed run of records, and what of it travels.
//!
//! The exact bytes of a record's core and annex are hashed, chained and kept as sent; they are never
//! serialised again. `docs/protocol.md` describes the form for other implementations. Deliberately
//! absent: what a record says, which stands in the module `record` and is found here by name too.

use crate::chain::{self, Head};
use crate::hex::Hex;
use crate::jwe;
use crate::keys::{Keys, sha256, verify};
use crate::limits::{PLAIN_BYTES_MAX, RATIO_MAX, RECORDS_MAX, SEALED_BYTES_MAX, SECTIONS_MAX, WINDOW_LOG_MAX};
pub use crate::record::{
    Boot, Core, Draft, Fold, Gap, GapReason, JobRecord, Manner, PrinterIdentity, Reading, Section, SeenPrinter, Split,
    Timestamps, core_record, cut_to_the_minute, job_key, records, seen_record,
};
use ed25519_dalek::VerifyingKey;
use report::Defect;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

/// The version of the package's form. Another one is refused, with a problem that says so.
pub const SCHEMA: &str = "plotmeter.package/1";
/// The `typ` of a sealed package.
const KIND: &str = "plotmeter.package";
/// The content type of a sealed package.
pub const CONTENT_TYPE: &str = "application/vnd.plotmeter.package+jwe";

/// A record as it lies in the spool and travels. It has a salt, or, when its annex was erased, the
/// digest that stood for both: exactly one of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record<'a> {
    /// The exact bytes of the core, [`Core`].
    #[serde(borrow)]
    pub core: &'a RawValue,
    /// The exact bytes of the annex, [`report::Personal`]. Only beside a salt.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub annex: Option<&'a RawValue>,
    /// Hides what an erased annex was from those who would guess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Hex<16>>,
    /// [`chain::annex_digest`] of what was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annex_digest: Option<Hex<32>>,
}

impl<'a> Record<'a> {
    /// A record with its annex, if any.
    pub fn new(core: &'a RawValue, annex: Option<&'a RawValue>, salt: Hex<16>) -> Record<'a> {
        Record { core, annex, salt: Some(salt), annex_digest: None }
    }

    /// The record's hash in the chain. `None` when it has not exactly one of salt and annex digest,
    /// or an annex without a salt.
    pub fn hash(&self) -> Option<Hex<32>> {
        let annex = match (self.salt, self.annex_digest) {
            (Some(salt), None) => chain::annex_digest(&salt, self.annex.map(RawValue::get)),
            (None, Some(digest)) if self.annex.is_none() => digest,
            _ => return None,
        };
        Some(chain::record_hash(self.core.get(), &annex))
    }

    /// The record with its annex and the salt erased. One that has no annex stays as it is: its salt
    /// proves that it never had one.
    #[must_use]
    pub fn without_annex(self) -> Record<'a> {
        match (self.annex, self.salt) {
            (Some(annex), Some(salt)) => {
                let annex_digest = Some(chain::annex_digest(&salt, Some(annex.get())));
                Record { core: self.core, annex: None, salt: None, annex_digest }
            }
            _ => self,
        }
    }
}

/// A signed run of records.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package<'a> {
    /// [`SCHEMA`].
    #[serde(borrow)]
    pub schema: Cow<'a, str>,
    /// The agent's id.
    #[serde(borrow)]
    pub agent: Cow<'a, str>,
    /// 1 for the agent's first package, then one more each.
    pub sequence: u64,
    /// The number of the first record; the agent's first record is 1.
    pub first: u64,
    /// The mark of the last receipt that the agent knew when it packed: it packed after that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Hex<16>>,
    /// The chain before the first record.
    pub previous: Head,
    /// The chain after the last record.
    pub head: Head,
    /// The records.
    #[serde(borrow)]
    pub records: Vec<Record<'a>>,
    /// Sections that the portal may not have yet.
    #[serde(borrow, default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sections: BTreeMap<Hex<32>, &'a RawValue>,
    /// Ed25519 over [`Package::statement`], by the key made inside the agent.
    pub signature: Hex<64>,
}

/// What the agent knows when it packs.
#[derive(Debug, Clone, Copy)]
pub struct Position<'a> {
    /// The agent's id.
    pub agent: &'a str,
    /// The sequence number of the package.
    pub sequence: u64,
    /// The number of the first record.
    pub first: u64,
    /// The chain before the first record.
    pub previous: Head,
    /// The mark of the last receipt, once there is one.
    pub seen: Option<Hex<16>>,
}

/// The evidence keys of an agent, each valid from a package number on.
#[derive(Debug, Clone)]
pub struct EvidenceKeys(pub Vec<(u64, VerifyingKey)>);

impl EvidenceKeys {
    /// One key for all packages: of an agent that never changed it.
    pub fn one(key: VerifyingKey) -> EvidenceKeys {
        EvidenceKeys(vec![(0, key)])
    }

    /// The key of package `sequence`: the last one that is valid from there on or from earlier.
    pub fn of(&self, sequence: u64) -> Option<&VerifyingKey> {
        let valid = self.0.iter().filter(|(from, _)| *from <= sequence);
        valid.max_by_key(|(from, _)| *from).map(|(_, key)| key)
    }
}

/// Why a package was refused.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Longer than [`SEALED_BYTES_MAX`].
    #[error("the package is larger than {SEALED_BYTES_MAX} bytes")]
    TooLarge,
    /// The envelope does not open.
    #[error("the envelope does not open")]
    Sealed(#[from] jwe::JweError),
    /// It would decompress to more than the limits allow, or does not decompress.
    #[error("the package does not decompress within {PLAIN_BYTES_MAX} bytes and {RATIO_MAX} times its size")]
    Compression,
    /// Another version than this portal knows.
    #[error("the package's schema is not {SCHEMA}")]
    Schema,
    /// Not the documented form.
    #[error("the package is not of the documented form: {0}")]
    Form(String),
    /// It names another agent than the one whose keys sealed it.
    #[error("the package names another agent than its key")]
    Agent,
    /// The records do not lead from `previous` to `head`.
    #[error("the hash chain does not fit the records")]
    Chain,
    /// A section is not what its digest says.
    #[error("a section does not fit its digest")]
    Section,
    /// The evidence signature does not fit.
    #[error("the evidence signature does not fit")]
    Signature,
}

impl<'a> Package<'a> {
    /// Links, signs and packs `records`. `sign` is Ed25519 with the agent's evidence key, wherever
    /// that key lies; it is called once, with [`Package::statement`].
    pub fn pack(
        at: Position<'a>,
        records: Vec<Record<'a>>,
        sections: BTreeMap<Hex<32>, &'a RawValue>,
        sign: &dyn Fn(&[u8]) -> [u8; 64],
    ) -> Package<'a> {
        let mut package = Package {
            schema: SCHEMA.into(),
            agent: at.agent.into(),
            sequence: at.sequence,
            first: at.first,
            seen: at.seen,
            previous: at.previous,
            head: at.previous,
            records,
            sections,
            signature: Hex([0; 64]),
        };
        // A record that has no hash has no place in a chain; the package then fits at neither end.
        package.head = package.chained().unwrap_or(at.previous);
        package.signature = Hex(sign(package.statement().as_bytes()));
        package
    }

    /// The chain after the records, computed; `None` when one of them has no hash.
    fn chained(&self) -> Option<Head> {
        let mut numbered = self.records.iter().zip(self.first..);
        numbered.try_fold(self.previous, |head, (record, number)| Some(chain::link(&head, number, &record.hash()?)))
    }

    /// The text that the evidence signature signs. It holds no annex, so that erasing one leaves it true.
    pub fn statement(&self) -> String {
        let Package { agent, sequence, first, previous, head, .. } = self;
        let seen = self.seen.map_or_else(|| "-".to_owned(), |mark| mark.to_string());
        let count = self.records.len();
        format!("plotmeter/package/v1\n{agent}\n{sequence}\n{first}\n{count}\n{seen}\n{previous}\n{head}")
    }

    /// What names the package in receipts: SHA-256 of [`Package::statement`]. It covers every record
    /// through the chain, and stays the same when annexes are erased and when it is compressed anew.
    pub fn digest(&self) -> Hex<32> {
        Hex(sha256(&[self.statement().as_bytes()]))
    }

    /// The package's JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("integers and texts serialise")
    }

    /// The package's exact bytes, compressed: what the spool keeps and every retry sends.
    pub fn to_bytes(&self) -> Vec<u8> {
        compress(&self.to_json())
    }

    /// Reads plain JSON and checks form, chain, sections and evidence signature.
    pub fn check(json: &'a [u8], agent: &str, keys: &EvidenceKeys) -> Result<Package<'a>, PackageError> {
        let package = Package::parse(json)?;
        if package.agent != agent {
            return Err(PackageError::Agent);
        }
        if package.records.len() > RECORDS_MAX || package.sections.len() > SECTIONS_MAX {
            return Err(PackageError::Form(format!("more than {RECORDS_MAX} records or {SECTIONS_MAX} sections")));
        }
        let last = package.first.checked_add(package.records.len() as u64).and_then(|last| i64::try_from(last).ok());
        if last.is_none() {
            return Err(PackageError::Form("the record numbers are beyond 63 bits".to_owned()));
        }
        let head = package.chained().ok_or_else(|| {
            PackageError::Form("a record needs either a salt or an annex_digest, and an annex a salt".to_owned())
        })?;
        if head != package.head {
            return Err(PackageError::Chain);
        }
        if package.sections.iter().any(|(digest, section)| Hex(sha256(&[section.get().as_bytes()])) != *digest) {
            return Err(PackageError::Section);
        }
        let key = keys.of(package.sequence).ok_or(PackageError::Signature)?;
        if !verify(key, package.statement().as_bytes(), &package.signature) {
            return Err(PackageError::Signature);
        }
        Ok(package)
    }

    /// Reads the form and judges nothing else.
    fn parse(json: &'a [u8]) -> Result<Package<'a>, PackageError> {
        /// Only the version, so that a later form is told from a broken one.
        #[derive(Deserialize)]
        struct Version<'a> {
            #[serde(borrow)]
            schema: Cow<'a, str>,
        }
        let form = |error: serde_json::Error| PackageError::Form(Defect::quote(&error.to_string()));
        let version: Version<'_> = serde_json::from_slice(json).map_err(form)?;
        if version.schema != SCHEMA {
            return Err(PackageError::Schema);
        }
        serde_json::from_slice(json).map_err(form)
    }

    /// The same package without its annexes, as JSON: every digest, the chain and the signature still
    /// hold. It is for packages that were checked, and checks no more than their form.
    pub fn without_annexes(json: &[u8]) -> Result<Vec<u8>, PackageError> {
        let mut package = Package::parse(json)?;
        package.records = package.records.into_iter().map(Record::without_annex).collect();
        Ok(package.to_json())
    }
}

/// Compresses a package's JSON.
pub fn compress(json: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(json, 9).expect("compressing into memory does not fail")
}

/// Encrypts a package's compressed bytes for the portal.
pub fn seal(keys: &Keys, compressed: &[u8], random: [u8; 16]) -> Vec<u8> {
    jwe::seal(&keys.up, KIND, &keys.id, jwe::hedged_iv(&keys.iv, random, compressed), compressed)
}

/// Opens a sealed package and decompresses it within bounds: (compressed bytes, JSON).
pub fn open(keys: &Keys, sealed: &[u8]) -> Result<(Vec<u8>, Vec<u8>), PackageError> {
    if sealed.len() > SEALED_BYTES_MAX {
        return Err(PackageError::TooLarge);
    }
    let compressed = jwe::open(&keys.up, KIND, &keys.id, sealed)?;
    let json = decompress(&compressed)?;
    Ok((compressed, json))
}

/// Decompresses within the limits of size, ratio and window.
pub fn decompress(compressed: &[u8]) -> Result<Vec<u8>, PackageError> {
    let limit = PLAIN_BYTES_MAX.min(compressed.len().saturating_mul(RATIO_MAX));
    let mut decoder = zstd::Decoder::new(compressed).map_err(|_| PackageError::Compression)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(|_| PackageError::Compression)?;
    let mut json = Vec::new();
    let bound = u64::try_from(limit).expect("4 MiB fits") + 1;
    decoder.take(bound).read_to_end(&mut json).map_err(|_| PackageError::Compression)?;
    if json.len() > limit { Err(PackageError::Compression) } else { Ok(json) }
}
