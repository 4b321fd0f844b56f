//! Step 8: what was before: periods that were rated again beside this one, what lines of this document settle of
//! them, and the file that was issued before.
//!
//! Deliberately absent: the facts of those periods, which are held against records like this period's own, and
//! whether what was billed is what was issued: the verdict shows its digests.

use super::documents::{self, in_full};
use super::{Findings, Opened, basis_of, check_basis, check_chain, open};
use crate::bundle::{Basis, BilledProof, Body};
use crate::diff::diff;
use billing::{Adjustment, Billed, Carry, DocumentKind, Period, RatingError, Statement, adjustment, outstanding, rate};
use protocol::{Hex, sha256};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What the paths of a period begin with that was rated again.
pub(super) fn path(place: usize) -> String {
    format!("basis.again.{place}")
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

/// What periods that were rated again must be. `None` where nothing can be worked out from one.
pub(super) fn check_form(basis: &Basis, findings: &mut Findings) -> Option<()> {
    for (place, of) in basis.again.iter().enumerate() {
        let at = path(place);
        check_basis(of, &at, findings)?;
        let next = basis.again.get(place + 1).unwrap_or(basis).input.period;
        if of.input.period.end > next.start {
            let says = format!("until {}", of.input.period.end);
            let should = format!("no later than {}", next.start);
            findings.add(format!("{at}.input.period"), says, should, "periods stand one after the other");
        }
        let (says, should) = (&of.input.contract.id, &basis.input.contract.id);
        if says != should {
            let why = "one contract is billed";
            findings.add(format!("{at}.input.contract.id"), says.as_str(), should.as_str(), why);
        }
        let is_bare = of.again.is_empty() && of.origins.is_empty() && of.added.is_empty();
        if !is_bare || !of.input.adjustments.is_empty() {
            let why = "such a period settles nothing itself, and its packages are named once for all";
            findings.add(at, "more than its input, its facts and what was said", "nothing more", why);
        }
    }
    Some(())
}

/// What lines of a statement settle: the adjustments, and the documents that they are laid against.
struct Settled<'a> {
    adjustments: &'a [Adjustment],
    proofs: &'a [BilledProof<'a>],
    statements: Vec<Statement>,
}

/// Whether a document bills the period: it is for it, or a line of it settles it.
fn bills(statement: &Statement, period: Period) -> bool {
    let mut settled = statement.lines.iter().filter_map(|line| line.refers.as_ref());
    statement.period == period || settled.any(|refers| refers.period == period)
}

/// Rates the periods that stand beside the basis, one after the other: each leaves what the next one begins with, and
/// what differs from all that was billed for it is what the adjustments say.
pub(super) fn check(opened: &Opened<'_>, (basis, issued): (&Basis, &[Statement]), findings: &mut Findings) {
    let proofs = opened.body.billed.as_slice();
    let adjustments = basis.input.adjustments.as_slice();
    let is_statement = issued.first().is_some_and(|first| first.kind == DocumentKind::Statement);
    let has_settled = !basis.again.is_empty() && !adjustments.is_empty();
    if is_statement && !has_settled && !proofs.is_empty() {
        let says = format!("{} documents", proofs.len());
        findings.add("billed", says, "nothing", "no line of this document is laid against them");
    }
    let statements = if has_settled { documents::billed(proofs, findings) } else { Some(Vec::new()) };
    let Some(statements) = statements else { return };
    let settled = Settled { adjustments, proofs, statements };
    if has_settled {
        settled.check_periods(&basis.again, findings);
    }
    let mut left: Option<Carry> = None;
    for (place, of) in basis.again.iter().enumerate() {
        let at = path(place);
        if let Some(left) = &left {
            check_carry(&at, &of.input.carry, left, findings);
        }
        left = match rate(&of.input()) {
            Ok(rated) => {
                settled.check(&rated.statement, findings);
                Some(rated.carry)
            }
            Err(error) => {
                let why = "what it leaves cannot be worked out";
                findings.add(format!("{at}.input"), in_full(&error), "what can be rated", why);
                None
            }
        };
    }
    if let Some(left) = &left {
        check_carry("basis", &basis.input.carry, left, findings);
    }
}

/// That the basis at `at` begins with what the period before it leaves.
fn check_carry(at: &str, says: &Carry, left: &Carry, findings: &mut Findings) {
    diff(&format!("{at}.input.carry"), &value(says), &value(left), "the period before leaves something else", findings);
}

impl Settled<'_> {
    /// That every adjustment and every document is of a period that stands here.
    fn check_periods(&self, again: &[Basis], findings: &mut Findings) {
        let is_here = |period: Period| again.iter().any(|of| of.input.period == period);
        for (place, adjustment) in self.adjustments.iter().enumerate() {
            if !is_here(adjustment.refers.period) {
                let at = format!("basis.input.adjustments.{place}.refers.period");
                let says = format!("from {}", adjustment.refers.period.start);
                findings.add(at, says, "a period that was rated again", "what it settles cannot be worked out");
            }
        }
        for (place, statement) in self.statements.iter().enumerate() {
            let is_of = |adjustment: &Adjustment| bills(statement, adjustment.refers.period);
            if !self.adjustments.iter().any(is_of) {
                let why = "no line of this document is laid against it";
                findings.add(format!("billed.{place}"), "a document", "nothing", why);
            }
        }
    }

    /// That the adjustment of a period is what is outstanding between all that was billed for it and `again`. A
    /// period without one was billed rightly, or a note of its own settles it.
    fn check(&self, again: &Statement, findings: &mut Findings) {
        let all = self.adjustments.iter().enumerate();
        let own: Vec<(usize, &Adjustment)> = all.filter(|(_, of)| of.refers.period == again.period).collect();
        let Some((place, says)) = own.first() else { return };
        let at = format!("basis.input.adjustments.{place}");
        if own.len() > 1 {
            findings.add(at.as_str(), format!("{} times", own.len()), "once", "a period is settled once");
        }
        match self.outstanding(again) {
            Ok(Some(should)) => {
                let why = "rating the facts of that period, less all that was billed for it, gives something else";
                diff(&at, &value(says), &value(&should), why, findings);
            }
            Ok(None) => {
                findings.add("billed", "nothing", "what was billed for that period", format!("{at} settles it"));
            }
            Err(error) => findings.add(at, in_full(&error), "what can be settled", "it cannot be worked out"),
        }
    }

    /// What settles the period of `again`; `None` where nothing that billed it stands in the file.
    fn outstanding(&self, again: &Statement) -> Result<Option<Adjustment>, RatingError> {
        let all = self.proofs.iter().zip(&self.statements);
        let own = all.filter(|(_, statement)| bills(statement, again.period));
        let billed: Vec<Billed<'_>> =
            own.map(|(proof, statement)| Billed { reference: proof.reference.clone(), statement }).collect();
        let Some(first) = billed.first() else { return Ok(None) };
        Ok(Some(adjustment(first, &outstanding(&billed, again)?)))
    }
}

/// What was billed before, by number, with the SHA-256 of the exact bytes.
pub(super) fn digests(body: &Body<'_>) -> Vec<(String, Hex<32>)> {
    let of =
        |proof: &BilledProof<'_>| (proof.reference.number.clone(), Hex(sha256(&[proof.document.get().as_bytes()])));
    body.billed.iter().map(of).collect()
}

/// The file before, and what it says of the carry.
pub(crate) struct Follows {
    /// The number of its document.
    pub(crate) number: String,
    pub(crate) carried: Carried,
}

/// How what is carried in stands to a file that was issued before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    /// It is what that file says.
    Same,
    /// It was worked out anew since, and is something else.
    Again,
    /// That file does not say it.
    Elsewhere,
}

/// That the file follows `after`. What the first period here begins with follows from that file where it stands
/// there, and where it was not worked out anew since.
pub(super) fn check_after(
    after: &[u8],
    opened: &Opened<'_>,
    (basis, documents): (&Basis, &[Statement]),
    findings: &mut Findings,
) -> Option<Follows> {
    let before = open(after, Some(&opened.key), "after.", findings)?;
    let chain = &before.body.chain;
    check_chain(&before.body, findings);
    if chain.own != opened.body.chain.previous {
        let why = "this document was not issued directly after that one: give the file of what was issued last \
                   before it, which may be a note";
        findings.add("chain.previous", opened.body.chain.previous.to_string(), chain.own.to_string(), why);
    }
    let before_basis = basis_of(&before.body, "after.", findings)?;
    let number = before.header.number;
    let (at, first) = basis.again.first().map_or(("basis".to_owned(), basis), |first| (path(0), first));
    let said = match carry_at(&before_basis, first.input.period) {
        Ok(said) => said,
        Err(error) => {
            let why = "what it leaves cannot be worked out";
            findings.add("after.basis.input", in_full(&error), "a period that can be rated", why);
            return None;
        }
    };
    let is_statement = |kind: Option<DocumentKind>| kind == Some(DocumentKind::Statement);
    let kind_before = before.body.documents.first().and_then(|document| kind_of(document));
    let of_statements = is_statement(documents.first().map(|document| document.kind)) && is_statement(kind_before);
    match said {
        Some(carry) if carry == first.input.carry => Some(Follows { number, carried: Carried::Same }),
        Some(carry) if of_statements && !first.carried_again => {
            check_carry(&at, &first.input.carry, &carry, findings);
            None
        }
        Some(_) if of_statements => Some(Follows { number, carried: Carried::Again }),
        // What a note is on was worked out anew by itself.
        Some(_) | None => Some(Follows { number, carried: Carried::Elsewhere }),
    }
}

/// What a file says that a period begins with: what the period before it leaves, or what the same period begins with
/// there. `None` where neither stands in it.
fn carry_at(before: &Basis, period: Period) -> Result<Option<Carry>, RatingError> {
    let all = || [before].into_iter().chain(before.again.iter().rev());
    if let Some(last) = all().find(|of| of.input.period.end == period.start) {
        return rate(&last.input()).map(|rated| Some(rated.carry));
    }
    Ok(all().find(|of| of.input.period.start == period.start).map(|same| same.input.carry.clone()))
}

/// The kind of a document as it was issued; `None` where it does not read.
fn kind_of(document: &RawValue) -> Option<DocumentKind> {
    serde_json::from_str::<Statement>(document.get()).ok().map(|document| document.kind)
}
