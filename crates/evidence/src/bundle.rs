//! The evidence file of a statement: its form, how it is written, and how it is opened.
//!
//! Line 1 is the [`Header`]; all that follows is the [`Body`]. The header holds the digest of the body and
//! the portal's signature. Deliberately absent: judging what the body says (see `verify`), compression,
//! and where a portal keeps a basis.

use billing::{Input, PrinterFacts, Reference, assemble};
use protocol::chain::Head;
use protocol::receipt::Receipt;
use protocol::{Hex, VerifyingKey, sha256};
use report::{Grade, Instant};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the file's form.
pub const SCHEMA: &str = "plotmeter.evidence/1";
/// A file is at most this many bytes.
pub const BYTES_MAX: usize = 512 * 1024 * 1024;
/// The periods before that stand in one basis hold at most this many jobs and readings together.
pub const AGAIN_MAX: usize = 50_000;
/// The first line is at most this many bytes.
const HEADER_MAX: usize = 4096;
/// What an agent's number of a package or record is below.
pub(crate) const NUMBER_MAX: u64 = 1 << 62;

/// Why a file or a basis could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is not of the documented form.
    #[error("{what} is not of the documented form")]
    Form {
        /// What was read or written.
        what: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A name would break a line of what is signed.
    #[error("{what} is empty or has a control character; choose another")]
    Name {
        /// Which name.
        what: &'static str,
    },
    /// Larger than [`BYTES_MAX`].
    #[error("the file would be larger than {BYTES_MAX} bytes; make it for a shorter period")]
    TooLarge,
}

impl BundleError {
    fn form(what: &'static str) -> impl FnOnce(serde_json::Error) -> BundleError {
        move |source| BundleError::Form { what, source }
    }
}

/// The first line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// The number of the document that the file is for.
    pub number: String,
    /// SHA-256 of the body's bytes.
    pub body_sha256: Hex<32>,
    /// The portal's id.
    pub portal: String,
    /// The portal's receipt key.
    pub portal_key: Hex<32>,
    /// Ed25519 over [`Header::statement`], by that key.
    pub signature: Hex<64>,
}

impl Header {
    /// The text that is signed.
    pub fn statement(&self) -> String {
        let Header { number, portal, body_sha256, .. } = self;
        format!("plotmeter/evidence/v1\n{number}\n{portal}\n{body_sha256}")
    }
}

/// What a statement was rated from: stored by the portal, carried by the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// What was rated, without its printers: they come from the facts, see [`Basis::input`].
    pub input: Input,
    /// What the ledger knew of each printer.
    pub facts: Vec<PrinterFacts>,
    /// What rests on the word of people: at least [`crate::said`], with who said it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
    /// Notes that were put on the statement after rating.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// By agent, the packages with the records of these facts: all versions of every job of which one
    /// version falls into the period, and the reading set of every reading.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, BTreeSet<u64>>,
    /// Whether what the period before leaves was worked out anew since its statement, with what became known
    /// after it: then that statement's own file may give another carry than the input has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carried_again: bool,
    /// The billed periods that were rated again when this one was drawn up, the oldest first: each begins with what
    /// the one before it leaves, and this period with what the last one leaves. They say by themselves neither
    /// [`Basis::added`] nor [`Basis::origins`], which hold for all. Empty where nothing of them counts here, and
    /// where they hold more than [`AGAIN_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<Basis>,
}

impl Basis {
    /// Keeps periods that were rated again beside this one, with the packages of their facts. Leaves them out where
    /// they hold more than [`AGAIN_MAX`] jobs and readings.
    pub fn keep_again(&mut self, mut again: Vec<Basis>) {
        let facts = again.iter().flat_map(|of| &of.facts).map(|of| of.jobs.len() + of.readings.len());
        if facts.fold(0, usize::saturating_add) > AGAIN_MAX {
            return;
        }
        for of in &mut again {
            for (agent, packages) in std::mem::take(&mut of.origins) {
                self.origins.entry(agent).or_default().extend(packages);
            }
        }
        self.again = again;
    }

    /// What is rated, with the printers that the facts give.
    pub fn input(&self) -> Input {
        let of_printer = |facts: &PrinterFacts| assemble(facts, &self.input.terms, self.input.period);
        Input { printers: self.facts.iter().flat_map(of_printer).collect(), ..self.input.clone() }
    }

    /// Its JSON, for storage.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        serde_json::to_vec(self).map_err(BundleError::form("the basis"))
    }

    /// Reads what [`Basis::to_bytes`] gave.
    pub fn read(bytes: &[u8]) -> Result<Basis, BundleError> {
        serde_json::from_slice(bytes).map_err(BundleError::form("the basis"))
    }
}

/// Something that no record proves: a person or the portal says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// What it is, in a word: `decision`, `reading`, `estimate`, `stay`, `terms` …
    pub what: String,
    /// The id of the printer it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printer: Option<String>,
    /// Who says it; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// The instant it is about.
    pub at: Instant,
    /// What is said, with every number.
    pub detail: String,
}

/// All that follows the first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body<'a> {
    /// The documents as they were issued, one for each payer, the customer's first.
    #[serde(borrow)]
    pub documents: Vec<&'a RawValue>,
    /// The [`Basis`].
    #[serde(borrow)]
    pub basis: &'a RawValue,
    /// What each agent signed.
    #[serde(borrow)]
    pub agents: Vec<AgentProof<'a>>,
    /// The receipts that records name, of packages that do not stand here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Receipt>,
    /// Where rows of readings came from, for printers whose readings name more than one such section: the exact
    /// bytes whose SHA-256 the readings name.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<&'a RawValue>,
    /// What was billed for the period that a note is on, and for those that lines of a statement settle, in the order
    /// in which it was issued.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub billed: Vec<BilledProof<'a>>,
    /// The place of the documents among those of the contract.
    pub chain: StatementChain,
}

/// A document that a note, or a line of a statement, settles.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BilledProof<'a> {
    /// Which document.
    pub reference: Reference,
    /// The document as it was issued.
    #[serde(borrow)]
    pub document: &'a RawValue,
}

/// The place of documents in the chain of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementChain {
    /// The chain after what was issued before; 32 zero bytes where nothing was.
    pub previous: Hex<32>,
    /// [`statement_chain`] of that and of these documents.
    pub own: Hex<32>,
}

/// What one agent signed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentProof<'a> {
    /// The agent's id.
    pub agent: String,
    /// The best grade that the portal believes of it, by its kind and by the way it was enrolled.
    pub best: Grade,
    /// Its evidence keys, each with the number of the first package that it signs.
    pub keys: Vec<(u64, Hex<32>)>,
    /// Its packages, in their order.
    #[serde(borrow)]
    pub packages: Vec<PackageProof<'a>>,
}

/// A package, with every record of it, in order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageProof<'a> {
    /// Its number.
    pub sequence: u64,
    /// The number of its first record.
    pub first: u64,
    /// The mark of the last receipt that the agent knew when it packed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Hex<16>>,
    /// The chain before its first record.
    pub previous: Head,
    /// The chain after its last record.
    pub head: Head,
    /// The agent's signature, as `protocol::package::Package::statement` says.
    pub signature: Hex<64>,
    /// The portal's receipt.
    pub receipt: Receipt,
    /// Its records.
    #[serde(borrow)]
    pub records: Vec<RecordProof<'a>>,
}

/// One record of a package.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RecordProof<'a> {
    /// `protocol::chain::record_hash` of a record of another printer, or of one that is not billed.
    Hash(Hex<32>),
    /// What it says, without its annex.
    Core {
        /// The exact bytes of its core.
        #[serde(borrow)]
        core: &'a RawValue,
        /// `protocol::chain::annex_digest` of its salt and annex.
        annex_digest: Hex<32>,
    },
}

/// The chain after documents that were issued together:
/// SHA-256(`plotmeter/statement/v1` ‖ previous ‖ SHA-256 of each document's bytes).
pub fn statement_chain(previous: &Hex<32>, documents: &[&str]) -> Hex<32> {
    let digests: Vec<[u8; 32]> = documents.iter().map(|document| sha256(&[document.as_bytes()])).collect();
    let mut parts: Vec<&[u8]> = vec![b"plotmeter/statement/v1", &previous.0];
    parts.extend(digests.iter().map(<[u8; 32]>::as_slice));
    Hex(sha256(&parts))
}

/// What a file is made from.
#[derive(Debug)]
pub struct Making<'a> {
    /// Its body.
    pub body: Body<'a>,
    /// The number of the document that it is for.
    pub number: &'a str,
    /// The portal's id.
    pub portal: &'a str,
}

/// The bytes of a file. `sign` is Ed25519 by the portal's receipt key, whose public half is `key`; it is
/// called once.
pub fn write(
    making: &Making<'_>,
    sign: &dyn Fn(&[u8]) -> [u8; 64],
    key: &VerifyingKey,
) -> Result<Vec<u8>, BundleError> {
    for (what, name) in [("the document's number", making.number), ("the portal's id", making.portal)] {
        if !is_name(name) {
            return Err(BundleError::Name { what });
        }
    }
    let body = serde_json::to_vec(&making.body).map_err(BundleError::form("the body"))?;
    let mut header = Header {
        schema: SCHEMA.to_owned(),
        number: making.number.to_owned(),
        body_sha256: Hex(sha256(&[&body])),
        portal: making.portal.to_owned(),
        portal_key: Hex(*key.as_bytes()),
        signature: Hex([0; 64]),
    };
    header.signature = Hex(sign(header.statement().as_bytes()));
    let mut bytes = serde_json::to_vec(&header).map_err(BundleError::form("the header"))?;
    if bytes.len() > HEADER_MAX || body.len() > BYTES_MAX - HEADER_MAX - 1 {
        return Err(BundleError::TooLarge);
    }
    bytes.push(b'\n');
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Whether a name can stand in a line of what is signed.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(char::is_control)
}

/// Header and body of a file, apart: the header as it is read, the bytes of its line, the bytes of the body.
/// `Err` says in words what is wrong with the first line.
pub(crate) fn split(bytes: &[u8]) -> Result<(Header, &[u8]), String> {
    if bytes.len() > BYTES_MAX {
        return Err(format!("longer than {BYTES_MAX} bytes"));
    }
    let line = bytes.iter().take(HEADER_MAX + 1).position(|byte| *byte == b'\n');
    let line = line.ok_or_else(|| format!("no end of the first line within {HEADER_MAX} bytes"))?;
    let (head, body) = (bytes.get(..line).unwrap_or_default(), bytes.get(line + 1..).unwrap_or_default());
    let header: Header = serde_json::from_slice(head).map_err(|error| report::Defect::quote(&error.to_string()))?;
    let again = serde_json::to_vec(&header).map_err(|error| error.to_string())?;
    if again != head {
        return Err("another spelling of the header".to_owned());
    }
    Ok((header, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_names_every_document_and_its_order() {
        let start = Hex([0; 32]);
        let chain = statement_chain(&start, &["{}", "[]"]);
        assert_ne!(chain, statement_chain(&start, &["[]", "{}"]));
        assert_ne!(chain, statement_chain(&start, &["{}"]));
        assert_ne!(chain, statement_chain(&chain, &["{}", "[]"]));
    }

    #[test]
    fn a_first_line_that_is_none_is_named() {
        for bytes in [b"".as_slice(), b"{}", b"{}\n{}", b"\n", &[b'x'; HEADER_MAX + 5]] {
            assert!(split(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_record_stands_by_hash_or_with_its_core() {
        let text = r#"[{"hash":"HASH"},{"core":{"core":{"boot": 1},"annex_digest":"HASH"}}]"#;
        let text = text.replace("HASH", &"ab".repeat(32));
        let records: Vec<RecordProof<'_>> = serde_json::from_str(&text).expect("records");
        assert_eq!(serde_json::to_string(&records).expect("JSON"), text);
        let odd = text.replace("annex_digest", "annex");
        assert!(serde_json::from_str::<Vec<RecordProof<'_>>>(&odd).is_err());
    }
}
