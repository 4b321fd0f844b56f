//! The evidence file of an issued statement: what agents signed, what it was made from, and the documents.
//!
//! Packages are decompressed once each; their personal rows stay here, and the records of other printers go
//! out as hashes. Deliberately absent: checking any of it, which is for whoever gets the file.

use super::store::{self, Laid, Stored};
use crate::db::{DbError, Param, Tx, params};
use crate::ingest::{Witness, load_witnesses};
use crate::keys::PortalKeys;
use crate::shell::{Error, ResellerScope};
use billing::{DocumentKind, Period, Reference};
use evidence::{
    AgentProof, BYTES_MAX, Basis, BilledProof, Body, Making, PackageProof, RecordProof, StatementChain, write,
};
use protocol::chain::annex_digest;
use protocol::package::{Core, Package, Record, decompress};
use protocol::receipt::Receipt;
use protocol::{Hex, sign};
use report::{Grade, Instant};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENTS: &str = "select payer, document, number, chain from statement
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4 and number is not null";
const CHAIN_BEFORE: &str = "select chain from statement
    where reseller_id = $1 and contract_id = $2 and chain is not null and number < $3 order by number desc limit 1";
const LAID: &str = "select billed from statement_basis
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4";
const BILLED: &str = "select reseller_id, statement_id, name, period_start, period_end, document from statement";
const PACKAGES: &str = "select reseller_id, agent_id, sequence, receipt, body from package";
const RECEIPTS: &str = "select reseller_id, receipt from package";
const SECTIONS: &str = "select reseller_id, digest, body from section";

/// A document as it was issued.
struct Issued {
    payer: String,
    document: String,
    number: i64,
    chain: Hex<32>,
}

/// A package as it is kept.
struct Kept {
    sequence: u64,
    receipt: Receipt,
    json: Vec<u8>,
}

/// What an agent gave, and by what it is believed.
struct Agent {
    agent: String,
    best: Grade,
    keys: Vec<(u64, Hex<32>)>,
    packages: Vec<Kept>,
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Internal(Box::new(error))
}

fn raw(text: &str) -> Result<&RawValue, Error> {
    serde_json::from_str(text).map_err(internal)
}

/// The evidence file of an issued document. `None` while it is not issued, and where it was made before what
/// it was made from was kept.
///
/// # Errors
///
/// It is not this scope's, or would be larger than such a file may be.
pub(crate) fn bundle(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    keys: &PortalKeys,
    statement_id: i64,
) -> Result<Option<Vec<u8>>, Error> {
    let stored = store::statement(tx, scope, statement_id)?.ok_or(Error::NotFound)?;
    let (contract_id, start) = (stored.contract_id, stored.statement.period.start);
    let basis_text = store::basis_text(tx, scope, contract_id, start, stored.revision)?;
    let Some(basis_text) = basis_text.filter(|_| stored.is_issued()) else { return Ok(None) };
    let basis = Basis::read(basis_text.as_bytes()).map_err(internal)?;
    let documents = documents(tx, scope, &stored)?;
    let Some(first) = documents.iter().map(|issued| issued.number).min() else { return Ok(None) };
    let own = documents.first().map(|issued| issued.chain).ok_or(Error::NotFound)?;
    let before = params![scope.reseller_id(), contract_id, first];
    let previous = tx.query_opt(CHAIN_BEFORE, before, |row| Ok(Hex(row.array(0)?)))?;
    let billed = billed(tx, scope, &stored, &basis)?;
    let agents = agents(tx, scope, &basis)?;
    let facts = [&basis].into_iter().chain(&basis.again).flat_map(|of| &of.facts);
    let serials: BTreeSet<&str> = facts.filter_map(|facts| facts.serial.as_deref()).collect();
    let mut marks = Marks::default();
    let mut proofs = Vec::with_capacity(agents.len());
    for agent in &agents {
        proofs.push(proof(agent, &serials, &mut marks)?);
    }
    let receipts = receipts(tx, scope, &marks)?;
    let sections = sections(tx, scope, &marks)?;
    let sources: Result<Vec<&RawValue>, Error> = sections.iter().map(|section| raw(section)).collect();
    let billed_proofs: Result<Vec<BilledProof<'_>>, Error> = billed
        .iter()
        .map(|(reference, document)| Ok(BilledProof { reference: reference.clone(), document: raw(document)? }))
        .collect();
    let texts: Result<Vec<&RawValue>, Error> = documents.iter().map(|issued| raw(&issued.document)).collect();
    let body = Body {
        documents: texts?,
        basis: raw(&basis_text)?,
        agents: proofs,
        receipts,
        sources: sources?,
        billed: billed_proofs?,
        chain: StatementChain { previous: previous.unwrap_or(Hex([0; 32])), own },
    };
    let making = Making { body, number: &stored.name, portal: &keys.portal_id };
    let signed = write(&making, &|text: &[u8]| sign(&keys.receipt, text), &keys.receipt.verifying_key());
    signed.map(Some).map_err(internal)
}

/// All payers' documents of the same basis, the customer's first.
fn documents(tx: &mut Tx<'_>, scope: &ResellerScope, stored: &Stored) -> Result<Vec<Issued>, DbError> {
    let start = stored.statement.period.start;
    let params = params![scope.reseller_id(), stored.contract_id, start, stored.revision];
    let mut documents = tx.query(DOCUMENTS, params, |row| {
        Ok(Issued { payer: row.text(0)?, document: row.text(1)?, number: row.int(2)?, chain: Hex(row.array(3)?) })
    })?;
    documents.sort_by(|a, b| a.payer.cmp(&b.payer));
    Ok(documents)
}

/// What a note was laid against, or what lines of a statement settle, in the order in which it was issued. Nothing
/// where what such a line is worked out from does not stand in the basis.
fn billed(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    stored: &Stored,
    basis: &Basis,
) -> Result<Vec<(Reference, String)>, Error> {
    if stored.kind == DocumentKind::Statement && basis.again.is_empty() {
        return Ok(Vec::new());
    }
    let (reseller, start) = (scope.reseller_id(), stored.statement.period.start);
    let params = params![reseller, stored.contract_id, start, stored.revision];
    let laid = tx.query_opt(LAID, params, |row| Ok(serde_json::from_str::<Laid>(&row.text(0)?)?))?.unwrap_or_default();
    let keys: Vec<Vec<Param>> = laid.documents.iter().map(|id| params![reseller, *id].to_vec()).collect();
    let found = tx.query_any(BILLED, &["reseller_id", "statement_id"], &keys, |row| {
        let (statement_id, number) = (row.int(1)?, row.text(2)?);
        let period = Period { start: Instant(row.int(3)?), end: Instant(row.int(4)?) };
        let reference = Reference { number, statement: statement_id.to_string(), period, line: None };
        Ok((statement_id, (reference, row.text(5)?)))
    })?;
    let mut found: BTreeMap<i64, (Reference, String)> = found.into_iter().collect();
    Ok(laid.documents.iter().filter_map(|id| found.remove(id)).collect())
}

/// The packages that a basis names, by agent, decompressed, with what each agent is believed.
fn agents(tx: &mut Tx<'_>, scope: &ResellerScope, basis: &Basis) -> Result<Vec<Agent>, Error> {
    let mut wanted: Vec<Vec<Param>> = Vec::new();
    for (agent, sequences) in &basis.origins {
        let number = |sequence: &u64| i64::try_from(*sequence).unwrap_or(i64::MAX);
        wanted.extend(sequences.iter().map(|of| params![scope.reseller_id(), agent, number(of)].to_vec()));
    }
    let mut length = 0_usize;
    let columns = ["reseller_id", "agent_id", "sequence"];
    let found = tx.query_any(PACKAGES, &columns, &wanted, |row| {
        let damaged = |_| DbError::Unfit("a stored package does not decompress".to_owned());
        let json = if length > BYTES_MAX { Vec::new() } else { decompress(&row.bytes(4)?).map_err(damaged)? };
        length = length.saturating_add(json.len());
        let sequence = u64::try_from(row.int(2)?).unwrap_or(0);
        Ok((row.text(1)?, Kept { sequence, receipt: serde_json::from_str(&row.text(3)?)?, json }))
    })?;
    if length > BYTES_MAX {
        let words = "The evidence of this statement is larger than one file may be. Ask for a shorter period.";
        return Err(Error::Conflict(words.to_owned()));
    }
    let mut by_agent: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
    for (agent, kept) in found {
        by_agent.entry(agent).or_default().push(kept);
    }
    let names: Vec<&str> = by_agent.keys().map(String::as_str).collect();
    let mut witnesses = load_witnesses(tx, scope.reseller_id(), &names)?;
    let mut agents = Vec::with_capacity(by_agent.len());
    for (agent, mut packages) in by_agent {
        packages.sort_by_key(|kept| kept.sequence);
        let gone = || DbError::Unfit(format!("agent {agent} is gone"));
        let Witness { best, evidence } = witnesses.remove(&agent).ok_or_else(gone)?;
        let keys = evidence.0.iter().map(|(from, key)| (*from, Hex(*key.as_bytes()))).collect();
        agents.push(Agent { agent, best, keys, packages });
    }
    Ok(agents)
}

/// The marks of receipts that records name, and those of the packages that stand in the file.
#[derive(Default)]
struct Marks {
    named: BTreeSet<Hex<16>>,
    here: BTreeSet<Hex<16>>,
    /// By printer, what its readings name as where their rows came from.
    sources: BTreeMap<String, BTreeSet<Hex<32>>>,
}

fn proof<'a>(agent: &'a Agent, serials: &BTreeSet<&str>, marks: &mut Marks) -> Result<AgentProof<'a>, Error> {
    let mut packages = Vec::with_capacity(agent.packages.len());
    for kept in &agent.packages {
        let package: Package<'a> = serde_json::from_slice(&kept.json).map_err(internal)?;
        marks.here.insert(kept.receipt.mark());
        let records: Option<Vec<RecordProof<'a>>> =
            package.records.iter().map(|record| record_proof(record, serials, marks)).collect();
        let damaged = || DbError::Unfit("a record of a stored package has no hash".to_owned());
        packages.push(PackageProof {
            sequence: package.sequence,
            first: package.first,
            seen: package.seen,
            previous: package.previous,
            head: package.head,
            signature: package.signature,
            receipt: kept.receipt.clone(),
            records: records.ok_or_else(damaged)?,
        });
    }
    Ok(AgentProof { agent: agent.agent.clone(), best: agent.best, keys: agent.keys.clone(), packages })
}

/// A record of one of these printers without its annex, any other by its hash. `None` where it has none.
fn record_proof<'a>(record: &Record<'a>, serials: &BTreeSet<&str>, marks: &mut Marks) -> Option<RecordProof<'a>> {
    let core: Option<Core> = serde_json::from_str(record.core.get()).ok();
    let of_printer = match &core {
        Some(Core::Reading(reading)) => Some((&reading.printer, reading.seen)),
        Some(Core::Job(job)) => Some((&job.printer, job.seen)),
        Some(Core::Fold(fold)) => Some((&fold.printer, fold.seen)),
        Some(Core::Seen(_) | Core::Gap(_) | Core::Boot(_)) | None => None,
    };
    let Some((_, seen)) = of_printer.filter(|(printer, _)| serials.contains(printer.serial.as_str())) else {
        return record.hash().map(RecordProof::Hash);
    };
    marks.named.extend(seen);
    if let Some(Core::Reading(reading)) = &core {
        marks.sources.entry(reading.printer.serial.clone()).or_default().insert(reading.sources);
    }
    let annex = record.annex.map(RawValue::get);
    let digest = record.salt.map(|salt| annex_digest(&salt, annex)).or(record.annex_digest);
    Some(RecordProof::Core { core: record.core, annex_digest: digest? })
}

/// Where rows came from, for printers whose readings name several such sections: by them a verifier tells the
/// interfaces of a printer apart.
fn sections(tx: &mut Tx<'_>, scope: &ResellerScope, marks: &Marks) -> Result<Vec<String>, DbError> {
    let several = marks.sources.values().filter(|digests| digests.len() > 1).flatten();
    let wanted: BTreeSet<&Hex<32>> = several.collect();
    let keys: Vec<Vec<Param>> =
        wanted.into_iter().map(|digest| params![scope.reseller_id(), digest.0.as_slice()].to_vec()).collect();
    let mut found: Vec<(Hex<32>, String)> =
        tx.query_any(SECTIONS, &["reseller_id", "digest"], &keys, |row| Ok((Hex(row.array(1)?), row.text(2)?)))?;
    found.sort_by_key(|(digest, _)| *digest);
    Ok(found.into_iter().map(|(_, section)| section).collect())
}

/// The receipts that records name and whose packages do not stand in the file.
fn receipts(tx: &mut Tx<'_>, scope: &ResellerScope, marks: &Marks) -> Result<Vec<Receipt>, DbError> {
    let missing = marks.named.difference(&marks.here);
    let keys: Vec<Vec<Param>> = missing.map(|mark| params![scope.reseller_id(), mark.0.as_slice()].to_vec()).collect();
    let mut receipts: Vec<Receipt> = tx
        .query_any(RECEIPTS, &["reseller_id", "receipt_mark"], &keys, |row| Ok(serde_json::from_str(&row.text(1)?)?))?;
    receipts.sort_by(|a, b| (&a.agent, a.sequence).cmp(&(&b.agent, b.sequence)));
    receipts.dedup();
    Ok(receipts)
}
