//! Checks an evidence file: what records prove, and whether the documents follow from it digit by digit.
//!
//! Each step looks on after the first thing it finds, so that what was altered is named. Deliberately
//! absent: opening files, and what cannot be checked here: whether packages that do not stand in the file
//! hold more, and whether people said the truth. The verdict says so.

mod before;
mod documents;
mod ledger;
mod packages;
mod shares;

pub(crate) use before::{Carried, Follows};
pub(crate) use ledger::Facts;
pub(crate) use packages::{Agent, Packages};

use crate::bundle::{Basis, Body, Header, SCHEMA, Said, is_name, split, statement_chain};
use crate::dating::TIMES;
use crate::diff::diff;
use crate::words;
use billing::{Currency, Money};
use protocol::{Hex, VerifyingKey, sha256};
use report::{Defect, Grade};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Findings are listed up to this many.
pub const FINDINGS_MAX: usize = 100;

/// What a file proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The number of the document.
    pub number: String,
    /// Who is charged.
    pub customer: String,
    /// For which period, in words.
    pub period: String,
    /// The currency of every amount.
    pub currency: Currency,
    /// The total of all documents, minor units.
    pub total: Money,
    /// The key that signed file and receipts: to be compared with the one that the agents pinned.
    pub portal_key: Hex<32>,
    /// What was checked, in sentences with numbers.
    pub proved: Vec<String>,
    /// The amounts for usage by the grade of what proves it, minor units.
    pub grades: BTreeMap<Grade, Money>,
    /// What rests on the word of people.
    pub said: Vec<Said>,
    /// The amounts for usage that rest on it, and adjustments of periods whose records are not here, minor units.
    pub unsigned: Money,
    /// Adjustments of periods before that follow from the records of those periods, minor units.
    pub settled: Money,
    /// How many records stand by their hash only.
    pub hashed_only: u64,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Where: `statement.lines.2.amount`.
    pub at: String,
    /// What stands there.
    pub says: String,
    /// What should stand there.
    pub should: String,
    /// Why.
    pub why: String,
}

/// Findings as they come, the first [`FINDINGS_MAX`] of them.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn add(
        &mut self,
        at: impl Into<String>,
        says: impl Into<String>,
        should: impl Into<String>,
        why: impl Into<String>,
    ) {
        if self.0.len() < FINDINGS_MAX {
            self.0.push(Finding { at: at.into(), says: says.into(), should: should.into(), why: why.into() });
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_list(self) -> Vec<Finding> {
        self.0
    }
}

/// Checks the file `bytes`. `portal_key` is the receipt key that an agent pinned, where it is known; `after`
/// the file of what was issued before for the same contract.
///
/// `Err` lists what does not hold, never empty.
pub fn verify(bytes: &[u8], portal_key: Option<&VerifyingKey>, after: Option<&[u8]>) -> Result<Verdict, Vec<Finding>> {
    let mut findings = Findings::default();
    let verdict = examine(bytes, portal_key, after, &mut findings);
    match verdict {
        Some(verdict) if findings.0.is_empty() => Ok(verdict),
        _ => {
            if findings.0.is_empty() {
                findings.add("file", "a file that does not read", "an evidence file", "it cannot be checked");
            }
            Err(findings.into_list())
        }
    }
}

/// The steps, one after the other. `None` where it cannot go on; a finding then says why.
fn examine(
    bytes: &[u8],
    portal_key: Option<&VerifyingKey>,
    after: Option<&[u8]>,
    findings: &mut Findings,
) -> Option<Verdict> {
    let opened = open(bytes, portal_key, "", findings)?;
    let basis = basis_of(&opened.body, "", findings);
    let packages = packages::check(&opened, findings);
    let basis = basis?;
    check_basis(&basis, "basis", findings)?;
    before::check_form(&basis, findings)?;
    let (facts, earlier) = ledger::check_all(&basis, &packages, findings);
    let documents = documents::check(&opened, &basis, findings);
    check_chain(&opened.body, findings);
    let documents = documents?;
    before::check(&opened, (&basis, &documents), findings);
    let follows = after.and_then(|after| before::check_after(after, &opened, (&basis, &documents), findings));
    let first = documents.first()?;
    let shares = shares::of(&documents, &basis);
    let total = Money::sum(documents.iter().map(|document| document.total)).ok()?;
    let proved = words::Proved {
        header: &opened.header,
        is_key_given: portal_key.is_some(),
        packages: &packages,
        facts: &facts,
        earlier: &earlier,
        basis: &basis,
        documents: &documents,
        total,
        by_terms: shares.by_terms,
        previous: &opened.body.chain.previous,
        billed: before::digests(&opened.body),
        follows: follows.as_ref(),
    };
    Some(Verdict {
        number: opened.header.number.clone(),
        customer: first.customer.clone(),
        period: first.period_label.clone(),
        currency: first.currency,
        total,
        portal_key: Hex(*opened.key.as_bytes()),
        proved: proved.sentences(),
        grades: shares.grades,
        said: all_said(&basis),
        unsigned: shares.unsigned,
        settled: shares.settled,
        hashed_only: packages.hashed_only,
    })
}

/// A file whose first line and body read.
pub(crate) struct Opened<'a> {
    pub(crate) header: Header,
    /// The key by which signatures of the portal are judged.
    pub(crate) key: VerifyingKey,
    pub(crate) body: Body<'a>,
}

/// Step 1: first line, digest, signature and key; `prefix` stands before each path.
fn open<'a>(
    bytes: &'a [u8],
    portal_key: Option<&VerifyingKey>,
    prefix: &str,
    findings: &mut Findings,
) -> Option<Opened<'a>> {
    let (header, body) = match split(bytes) {
        Ok(parts) => parts,
        Err(wrong) => {
            findings.add(format!("{prefix}header"), wrong, "the documented form", "the first line does not read");
            return None;
        }
    };
    let at = |name: &str| format!("{prefix}header.{name}");
    if header.schema != SCHEMA {
        findings.add(at("schema"), Defect::quote(&header.schema), SCHEMA, "this program knows one form only");
    }
    for (name, text) in [("number", &header.number), ("portal", &header.portal)] {
        if !is_name(text) {
            findings.add(at(name), Defect::quote(text), "a name in one line", "it would break what is signed");
        }
    }
    let digest = Hex(sha256(&[body]));
    if digest != header.body_sha256 {
        let why = "the body is not the one that was signed";
        findings.add(at("body_sha256"), header.body_sha256.to_string(), digest.to_string(), why);
    }
    let own = VerifyingKey::from_bytes(&header.portal_key.0).ok();
    if let Some(wanted) = portal_key.filter(|wanted| own.as_ref() != Some(*wanted)) {
        let why = "the file is signed by another key than the portal's";
        findings.add(at("portal_key"), header.portal_key.to_string(), Hex(*wanted.as_bytes()).to_string(), why);
    }
    let Some(key) = portal_key.copied().or(own) else {
        findings.add(at("portal_key"), header.portal_key.to_string(), "an Ed25519 key", "no signature can be checked");
        return None;
    };
    if !protocol::verify(&key, header.statement().as_bytes(), &header.signature) {
        let why = "the portal's key did not sign number, portal and digest as they stand here";
        findings.add(at("signature"), header.signature.to_string(), "the portal's signature", why);
    }
    match serde_json::from_slice(body) {
        Ok(body) => Some(Opened { header, key, body }),
        Err(error) => {
            let wrong = Defect::quote(&error.to_string());
            findings.add(format!("{prefix}body"), wrong, "the documented form", "the body does not read");
            None
        }
    }
}

fn basis_of(body: &Body<'_>, prefix: &str, findings: &mut Findings) -> Option<Basis> {
    match serde_json::from_str(body.basis.get()) {
        Ok(basis) => Some(basis),
        Err(error) => {
            let wrong = Defect::quote(&error.to_string());
            findings.add(format!("{prefix}basis"), wrong, "the documented form", "the basis does not read");
            None
        }
    }
}

/// What a basis must be, whatever it is for; `at` is where it stands. `None` where nothing can be worked out from it.
fn check_basis(basis: &Basis, at: &str, findings: &mut Findings) -> Option<()> {
    let period = basis.input.period;
    if period.start >= period.end || !TIMES.contains(&period.start.0) || !TIMES.contains(&period.end.0) {
        let (at, says) = (format!("{at}.input.period"), format!("{} to {}", period.start, period.end));
        findings.add(at, says, "a period between 2000 and 2100", "nothing else can be billed");
        return None;
    }
    if !basis.input.printers.is_empty() {
        let (at, says) = (format!("{at}.input.printers"), format!("{} printers", basis.input.printers.len()));
        findings.add(at, says, "nothing", "printers come from the facts, never from here");
    }
    check_said(basis, &format!("{at}.said"), findings);
    Some(())
}

/// What people said of this period, and of those that were rated again beside it, each once.
fn all_said(basis: &Basis) -> Vec<Said> {
    let mut known: BTreeSet<&Said> = BTreeSet::new();
    let all = [basis].into_iter().chain(&basis.again).flat_map(|of| &of.said);
    all.filter(|said| known.insert(*said)).cloned().collect()
}

/// That the list of what people said, which stands at `at`, holds everything that the basis takes from them.
fn check_said(basis: &Basis, at: &str, findings: &mut Findings) {
    let wanted = crate::said(&basis.input, &basis.facts);
    let key = |said: &Said| (said.what.clone(), said.printer.clone(), said.at, said.detail.clone());
    let mut listed: BTreeMap<_, u64> = BTreeMap::new();
    for said in &basis.said {
        *listed.entry(key(said)).or_default() += 1;
    }
    for wanted in wanted {
        if let Some(left) = listed.get_mut(&key(&wanted)).filter(|left| **left > 0) {
            *left -= 1;
            continue;
        }
        let why = "the list of what people said leaves out, or says otherwise, what the basis holds";
        let known = findings.len();
        let same = |said: &&Said| said.what == wanted.what && said.printer == wanted.printer;
        let of_kind: Vec<&Said> = basis.said.iter().filter(same).collect();
        let near = of_kind.iter().find(|said| said.at == wanted.at || said.detail == wanted.detail);
        if let Some(near) = near.or(of_kind.first()) {
            let near = Said { by: String::new(), ..(*near).clone() };
            let value = |said: &Said| serde_json::to_value(said).unwrap_or_default();
            diff(at, &value(&near), &value(&wanted), why, findings);
        }
        if findings.len() == known {
            findings.add(at, "not listed", format!("{}: {}", wanted.what, wanted.detail), why);
        }
        if findings.len() >= FINDINGS_MAX {
            return;
        }
    }
}

/// Step 7: the documents' place in the chain.
fn check_chain(body: &Body<'_>, findings: &mut Findings) {
    let documents: Vec<&str> = body.documents.iter().map(|document| document.get()).collect();
    let own = statement_chain(&body.chain.previous, &documents);
    if own != body.chain.own {
        let why = "the chain of statements does not fit these documents and what was before";
        findings.add("chain.own", body.chain.own.to_string(), own.to_string(), why);
    }
}
