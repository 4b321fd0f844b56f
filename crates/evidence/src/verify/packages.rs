//! Step 2: what agents signed: records, their chain, signatures, receipts, and what follows what.
//!
//! Deliberately absent: what the records say.

use super::{Findings, Opened};
use crate::bundle::{AgentProof, NUMBER_MAX, PackageProof, RecordProof};
use crate::dating::Mark;
use crate::interfaces::Interfaces;
use protocol::chain::{self, Head};
use protocol::limits::RECORDS_MAX;
use protocol::package::{Core, EvidenceKeys};
use protocol::receipt::Receipt;
use protocol::{Hex, VerifyingKey, sha256, verify};
use report::{Defect, Grade, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// A record whose text stands in the file.
pub(crate) struct Record<'a> {
    pub(crate) agent: &'a str,
    pub(crate) sequence: u64,
    pub(crate) number: i64,
    /// When its package arrived.
    pub(crate) arrived: Instant,
    /// The best grade that is believed of its agent.
    pub(crate) best: Grade,
    pub(crate) core: Core,
    /// Where it stands in the file.
    pub(crate) path: String,
}

/// An agent, in numbers.
pub(crate) struct Agent {
    pub(crate) id: String,
    pub(crate) best: Grade,
    pub(crate) keys: Vec<Hex<32>>,
    pub(crate) packages: usize,
    pub(crate) records: usize,
    /// Between which packages nothing is here.
    pub(crate) gaps: Vec<(u64, u64)>,
}

/// What the packages of a file hold.
#[derive(Default)]
pub(crate) struct Packages<'a> {
    /// In the order that they arrived.
    pub(crate) records: Vec<Record<'a>>,
    pub(crate) marks: BTreeMap<Hex<16>, Mark>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) hashed_only: u64,
    /// By agent, the packages that are here.
    pub(crate) here: BTreeMap<String, BTreeSet<u64>>,
    /// By which interfaces counters were given, by the digest that readings name.
    pub(crate) interfaces: BTreeMap<Hex<32>, Interfaces>,
}

/// Checks the packages of every agent.
pub(super) fn check<'a>(opened: &'a Opened<'_>, findings: &mut Findings) -> Packages<'a> {
    let mut packages = Packages::default();
    for section in &opened.body.sources {
        // A section that no record names by its digest says nothing of any.
        let digest = Hex(sha256(&[section.get().as_bytes()]));
        packages.interfaces.extend(Interfaces::read(section.get()).map(|interfaces| (digest, interfaces)));
    }
    for (place, receipt) in opened.body.receipts.iter().enumerate() {
        check_receipt(receipt, &opened.key, &format!("receipts.{place}"), findings);
        packages.marks.insert(receipt.mark(), Mark::of(receipt));
    }
    for (place, agent) in opened.body.agents.iter().enumerate() {
        let at = format!("agents.{place}");
        if packages.here.contains_key(&agent.agent) {
            findings.add(format!("{at}.agent"), Defect::quote(&agent.agent), "an agent once", "it stands twice");
        }
        check_agent(agent, &at, &opened.key, &mut packages, findings);
    }
    packages.records.sort_by_key(|record| (record.arrived, record.agent, record.sequence, record.number));
    packages
}

fn check_receipt(receipt: &Receipt, key: &VerifyingKey, at: &str, findings: &mut Findings) {
    if !receipt.is_authentic(key) {
        let why = "the portal's key did not sign this receipt as it stands here";
        findings.add(format!("{at}.signature"), receipt.signature.to_string(), "the portal's signature", why);
    }
}

fn check_agent<'a>(
    agent: &'a AgentProof<'_>,
    at: &str,
    portal: &VerifyingKey,
    packages: &mut Packages<'a>,
    findings: &mut Findings,
) {
    let mut keys = Vec::new();
    for (place, (from, key)) in agent.keys.iter().enumerate() {
        match VerifyingKey::from_bytes(&key.0) {
            Ok(known) => keys.push((*from, known)),
            Err(_) => {
                let why = "no signature can be checked with it";
                findings.add(format!("{at}.keys.{place}"), key.to_string(), "an Ed25519 key", why);
            }
        }
    }
    let keys = EvidenceKeys(keys);
    let mut seen = Agent {
        id: agent.agent.clone(),
        best: agent.best,
        keys: agent.keys.iter().map(|(_, key)| *key).collect(),
        packages: agent.packages.len(),
        records: 0,
        gaps: Vec::new(),
    };
    let mut before: Option<&PackageProof<'_>> = None;
    for (place, package) in agent.packages.iter().enumerate() {
        let at = format!("{at}.packages.{place}");
        let read = check_package(package, agent, &keys, &at, findings);
        packages.hashed_only = packages.hashed_only.saturating_add(count(package.records.len() - read.len()));
        check_receipt(&package.receipt, portal, &format!("{at}.receipt"), findings);
        packages.marks.insert(package.receipt.mark(), Mark::of(&package.receipt));
        if let Some(gap) = follows(before, package, &agent.agent, &at, findings) {
            seen.gaps.push(gap);
        }
        seen.records = seen.records.saturating_add(package.records.len());
        packages.here.entry(agent.agent.clone()).or_default().insert(package.sequence);
        packages.records.extend(read);
        before = Some(package);
    }
    packages.agents.push(seen);
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Checks one package by itself; gives its records whose text is here.
fn check_package<'a>(
    package: &'a PackageProof<'_>,
    agent: &'a AgentProof<'_>,
    keys: &EvidenceKeys,
    at: &str,
    findings: &mut Findings,
) -> Vec<Record<'a>> {
    let length = package.records.len();
    if length == 0 || length > RECORDS_MAX {
        findings.add(
            format!("{at}.records"),
            length.to_string(),
            format!("1 to {RECORDS_MAX}"),
            "records of a package",
        );
    }
    for (name, number) in [("sequence", package.sequence), ("first", package.first)] {
        if number == 0 || number > NUMBER_MAX {
            findings.add(format!("{at}.{name}"), number.to_string(), "a number from 1 on", "it counts from 1");
        }
    }
    let mut head = package.previous;
    let mut records = Vec::new();
    for (place, record) in package.records.iter().enumerate() {
        let number = package.first.saturating_add(count(place));
        let hash = match record {
            RecordProof::Hash(hash) => *hash,
            RecordProof::Core { core, annex_digest } => {
                let path = format!("{at}.records.{place}");
                match serde_json::from_str(core.get()) {
                    Ok(said) => records.push(Record {
                        agent: &agent.agent,
                        sequence: package.sequence,
                        number: i64::try_from(number).unwrap_or(i64::MAX),
                        arrived: package.receipt.accepted_at,
                        best: agent.best,
                        core: said,
                        path,
                    }),
                    Err(error) => {
                        let wrong = Defect::quote(&error.to_string());
                        findings.add(path, wrong, "the core of a record", "it does not read");
                    }
                }
                chain::record_hash(core.get(), annex_digest)
            }
        };
        head = chain::link(&head, number, &hash);
    }
    if head != package.head {
        let why = "the records are not those that the agent chained";
        findings.add(format!("{at}.head"), package.head.to_string(), head.to_string(), why);
    }
    check_signed(package, agent, keys, at, findings);
    records
}

/// The agent's signature, and that the receipt is for this package.
fn check_signed(
    package: &PackageProof<'_>,
    agent: &AgentProof<'_>,
    keys: &EvidenceKeys,
    at: &str,
    findings: &mut Findings,
) {
    let text = statement(package, &agent.agent);
    let signed = keys.of(package.sequence).is_some_and(|key| verify(key, text.as_bytes(), &package.signature));
    if !signed {
        let why = "the agent's key did not sign this package as it stands here";
        findings.add(format!("{at}.signature"), package.signature.to_string(), "the agent's signature", why);
    }
    let receipt = &package.receipt;
    let last = package.first.saturating_add(count(package.records.len())).saturating_sub(1);
    let digest: Hex<32> = Hex(sha256(&[text.as_bytes()]));
    let pairs = [
        ("agent", Defect::quote(&receipt.agent), Defect::quote(&agent.agent)),
        ("sequence", receipt.sequence.to_string(), package.sequence.to_string()),
        ("digest", receipt.digest.to_string(), digest.to_string()),
        ("last", receipt.last.to_string(), last.to_string()),
        ("head", receipt.head.to_string(), package.head.to_string()),
    ];
    for (name, says, should) in pairs {
        if says != should {
            findings.add(format!("{at}.receipt.{name}"), says, should, "the receipt is for another package");
        }
    }
}

/// The text that an agent signs, as `protocol::package::Package::statement` makes it.
fn statement(package: &PackageProof<'_>, agent: &str) -> String {
    let PackageProof { sequence, first, previous, head, records, .. } = package;
    let seen = package.seen.map_or_else(|| "-".to_owned(), |mark| mark.to_string());
    let count = records.len();
    format!("plotmeter/package/v1\n{agent}\n{sequence}\n{first}\n{count}\n{seen}\n{previous}\n{head}")
}

/// That a package follows the one before it; gives the gap between them where packages are not here.
fn follows(
    before: Option<&PackageProof<'_>>,
    package: &PackageProof<'_>,
    agent: &str,
    at: &str,
    findings: &mut Findings,
) -> Option<(u64, u64)> {
    let (sequence, next, head): (u64, u64, Head) = match before {
        Some(before) => {
            let next = before.first.saturating_add(count(before.records.len()));
            (before.sequence, next, before.head)
        }
        None => (0, 1, chain::origin(agent)),
    };
    if package.sequence <= sequence {
        let why = "packages stand in the order of their numbers, each once";
        findings.add(format!("{at}.sequence"), package.sequence.to_string(), format!("more than {sequence}"), why);
        return None;
    }
    if package.sequence != sequence.saturating_add(1) {
        return Some((sequence, package.sequence));
    }
    let why = "it does not follow the package before";
    if package.previous != head {
        findings.add(format!("{at}.previous"), package.previous.to_string(), head.to_string(), why);
    }
    if package.first != next {
        findings.add(format!("{at}.first"), package.first.to_string(), next.to_string(), why);
    }
    None
}
