//! Records and packages: what an agent sends, and the signature over it.
//!
//! The exact bytes of a record's core and annex are hashed, chained and kept as sent; they are never
//! serialised again. `docs/protocol.md` describes the form for other implementations.

use crate::chain::{self, Head};
use crate::hex::Hex;
use crate::keys::{Keys, sha256};
use crate::limits::{PLAIN_BYTES_MAX, RATIO_MAX, RECORDS_MAX, SEALED_BYTES_MAX, SECTIONS_MAX, WINDOW_LOG_MAX};
use crate::{jwe, keys};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use report::{Alert, Configuration, Defect, Grade, Instant, Job, Personal, Report, Status, Usage};
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

/// By what a printer is told from every other: the serial number, else its UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterIdentity {
    /// Row C3, else the printer's UUID.
    pub serial: String,
    /// Row C1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_number: Option<String>,
    /// Row C2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
}

impl PrinterIdentity {
    /// The identity a report gives; `None` when it has neither serial number nor UUID.
    pub fn of(configuration: &Configuration) -> Option<PrinterIdentity> {
        Some(PrinterIdentity {
            serial: configuration.serial_number.clone().or(configuration.uuid.clone())?,
            product_number: configuration.product_number.clone(),
            product_name: configuration.product_name.clone(),
        })
    }
}

/// A record's core: numbers, states, identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Core {
    /// What a printer said, without its jobs.
    Reading(Box<Reading>),
    /// One finished job.
    Job(Box<JobRecord>),
}

/// One reading set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Which printer.
    pub printer: PrinterIdentity,
    /// When it was read, by the agent's clock.
    pub read_at: Instant,
    /// How well it is proved.
    pub grade: Grade,
    /// C rows.
    pub configuration: Configuration,
    /// Rows S1 to S22.
    pub status: Status,
    /// Rows S23 to S26, by the digest of a section; absent when the printer gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Hex<32>>,
    /// U rows.
    pub usage: Usage,
    /// E rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// Where the rows came from, by the digest of a section.
    pub sources: Hex<32>,
    /// Odd data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<Defect>,
}

/// One finished job of one printer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRecord {
    /// Which printer.
    pub printer: PrinterIdentity,
    /// When it was read, by the agent's clock.
    pub read_at: Instant,
    /// How well it is proved.
    pub grade: Grade,
    /// The job without its personal rows.
    pub job: Job,
    /// Odd data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<Defect>,
}

/// The key by which a job of one printer counts once: its UUID (else its sequence number) with the
/// instant it finished. A job that is printed again from the printer's queue keeps its UUID and
/// finishes at another instant: that is another job. `None` when it has neither.
pub fn job_key(job: &Job) -> Option<String> {
    let name = match (&job.uuid, job.sequence) {
        (Some(uuid), _) => uuid.clone(),
        (None, Some(sequence)) => format!("#{sequence}"),
        (None, None) => return None,
    };
    let finished = job.finished_at()?;
    Some(format!("{name}@{}", finished.0 / 1000))
}

/// A section: content that rarely changes, named by the SHA-256 of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// SHA-256 of `json`.
    pub digest: Hex<32>,
    /// The exact bytes.
    pub json: String,
}

impl Section {
    /// The section of a value.
    fn of(value: &impl Serialize) -> Section {
        let json = serde_json::to_string(value).expect("maps with text keys serialise");
        Section { digest: Hex(sha256(&[json.as_bytes()])), json }
    }
}

/// A record ready for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The exact bytes of the core.
    pub core: String,
    /// The exact bytes of the annex; absent when nothing personal was kept.
    pub annex: Option<String>,
}

/// A report split for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The printer read.
    pub printer: PrinterIdentity,
    /// The reading.
    pub reading: Draft,
    /// The finished jobs, each with its [`job_key`].
    pub jobs: Vec<(String, Draft)>,
    /// The sections that the reading refers to.
    pub sections: Vec<Section>,
}

/// Splits a report into records: one reading, and one record a job. Personal rows go into the
/// annex, whatever the caller's privacy policy left of them.
///
/// `None` when the report names no printer.
pub fn records(report: &Report, defects: &[Defect], grade: Grade) -> Option<Split> {
    let printer = PrinterIdentity::of(&report.configuration)?;
    let sources = Section::of(&report.sources);
    let settings = (!report.settings.is_empty()).then(|| Section::of(&report.settings));
    let mut defects = defects.to_vec();
    let mut jobs = Vec::with_capacity(report.jobs.len());
    for (job, job_defects) in &report.jobs {
        let Some(key) = job_key(job) else {
            defects.push(Defect::of(
                "a finished job has no UUID, sequence number or completion time: it cannot be counted once",
            ));
            continue;
        };
        let record = Core::Job(Box::new(JobRecord {
            printer: printer.clone(),
            read_at: report.read_at,
            grade,
            job: job.clone(),
            defects: job_defects.clone(),
        }));
        jobs.push((key, draft(&record, &job.personal)));
    }
    let reading = Core::Reading(Box::new(Reading {
        printer: printer.clone(),
        read_at: report.read_at,
        grade,
        configuration: report.configuration.clone(),
        status: report.status.clone(),
        settings: settings.as_ref().map(|section| section.digest),
        usage: report.usage.clone(),
        alerts: report.alerts.clone(),
        sources: sources.digest,
        defects,
    }));
    let reading = draft(&reading, &Personal::default());
    Some(Split { printer, reading, jobs, sections: [Some(sources), settings].into_iter().flatten().collect() })
}

fn draft(core: &Core, personal: &Personal) -> Draft {
    let json = |value: Result<String, serde_json::Error>| value.expect("integers and texts serialise");
    Draft {
        core: json(serde_json::to_string(core)),
        annex: (!personal.is_empty()).then(|| json(serde_json::to_string(personal))),
    }
}

/// A record as it lies in the spool and travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record<'a> {
    /// The exact bytes of the core, [`Core`].
    #[serde(borrow)]
    pub core: &'a RawValue,
    /// The exact bytes of the annex, [`report::Personal`].
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub annex: Option<&'a RawValue>,
    /// Hides what an erased annex was from those who would guess.
    pub salt: Hex<16>,
}

impl Record<'_> {
    /// The record's hash in the chain.
    pub fn hash(&self) -> Hex<32> {
        let annex = chain::annex_digest(&self.salt, self.annex.map(RawValue::get));
        chain::record_hash(self.core.get(), &annex)
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
    /// Links, signs and packs `records`.
    pub fn pack(
        at: Position<'a>,
        records: Vec<Record<'a>>,
        sections: BTreeMap<Hex<32>, &'a RawValue>,
        key: &SigningKey,
    ) -> Package<'a> {
        let mut package = Package {
            schema: SCHEMA.into(),
            agent: at.agent.into(),
            sequence: at.sequence,
            first: at.first,
            previous: at.previous,
            head: at.previous,
            records,
            sections,
            signature: Hex([0; 64]),
        };
        package.head = package.chained();
        package.signature = Hex(key.sign(package.statement().as_bytes()).to_bytes());
        package
    }

    /// The chain after the records, computed.
    fn chained(&self) -> Head {
        let numbers = self.first..;
        self.records
            .iter()
            .zip(numbers)
            .fold(self.previous, |head, (record, number)| chain::link(&head, number, &record.hash()))
    }

    /// The text that the evidence signature signs. It holds no annex, so that erasing one leaves it true.
    pub fn statement(&self) -> String {
        let Package { agent, sequence, first, previous, head, .. } = self;
        format!("plotmeter/package/v1\n{agent}\n{sequence}\n{first}\n{}\n{previous}\n{head}", self.records.len())
    }

    /// The package's exact bytes, compressed: what the spool keeps and every retry sends.
    pub fn to_bytes(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("integers and texts serialise");
        zstd::bulk::compress(&json, 9).expect("compressing into memory does not fail")
    }

    /// Reads plain JSON and checks form, chain, sections and evidence signature.
    pub fn check(json: &'a [u8], agent: &str, key: &VerifyingKey) -> Result<Package<'a>, PackageError> {
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
        let package: Package<'a> = serde_json::from_slice(json).map_err(form)?;
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
        if package.chained() != package.head {
            return Err(PackageError::Chain);
        }
        if package.sections.iter().any(|(digest, section)| Hex(sha256(&[section.get().as_bytes()])) != *digest) {
            return Err(PackageError::Section);
        }
        let signature = Signature::from_bytes(&package.signature.0);
        key.verify_strict(package.statement().as_bytes(), &signature).map_err(|_| PackageError::Signature)?;
        Ok(package)
    }
}

/// The digest that names a package in receipts: SHA-256 of its compressed bytes.
pub fn digest(compressed: &[u8]) -> Hex<32> {
    Hex(keys::sha256(&[compressed]))
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
