//! Step 6: the documents, held against what the facts give when they are rated anew.
//!
//! Number, day of issue and day of payment are the portal's to choose; they are held by the chain of
//! statements alone. Deliberately absent: what proves the facts.

use super::{Findings, Opened};
use crate::bundle::{Basis, BilledProof};
use crate::diff::diff;
use billing::correction::notes;
use billing::{Billed, DocumentKind, Statement, rate};
use report::Defect;
use serde_json::value::RawValue;

/// Checks the documents; gives them where all of them read.
pub(super) fn check(opened: &Opened<'_>, basis: &Basis, findings: &mut Findings) -> Option<Vec<Statement>> {
    let mut issued = Vec::with_capacity(opened.body.documents.len());
    for (place, document) in opened.body.documents.iter().enumerate() {
        issued.extend(read(document, &path(place), findings));
    }
    if issued.len() != opened.body.documents.len() || issued.is_empty() {
        if opened.body.documents.is_empty() {
            findings.add("documents", "no document", "at least one", "there is nothing to check");
        }
        return None;
    }
    check_numbers(&issued, &opened.header.number, findings);
    let expected = expected(&issued, opened, basis, findings)?;
    if expected.len() != issued.len() {
        let why = "one document for each payer";
        findings.add("documents", issued.len().to_string(), expected.len().to_string(), why);
    }
    for (place, (issued, expected)) in issued.iter().zip(expected).enumerate() {
        let expected =
            Statement { number: issued.number.clone(), issued_at: issued.issued_at, due: issued.due, ..expected };
        let value = |document: &Statement| serde_json::to_value(document).unwrap_or_default();
        let why = "rating the facts by the terms gives something else";
        diff(&path(place), &value(issued), &value(&expected), why, findings);
    }
    Some(issued)
}

/// What the paths of a document begin with.
fn path(place: usize) -> String {
    if place == 0 { "statement".to_owned() } else { format!("statements.{place}") }
}

fn read(document: &RawValue, at: &str, findings: &mut Findings) -> Option<Statement> {
    match serde_json::from_str(document.get()) {
        Ok(document) => Some(document),
        Err(error) => {
            let wrong = Defect::quote(&error.to_string());
            findings.add(at, wrong, "the documented form", "the document does not read");
            None
        }
    }
}

/// One of the documents has the number that the file is for, and no two have one number.
fn check_numbers(issued: &[Statement], wanted: &str, findings: &mut Findings) {
    let numbers: Vec<&str> = issued.iter().filter_map(|document| document.number.as_deref()).collect();
    if !numbers.contains(&wanted) {
        let why = "the file is signed for another document";
        findings.add("statement.number", Defect::quote(&numbers.join(", ")), Defect::quote(wanted), why);
    }
    let is_double = |number: &&str| numbers.iter().filter(|other| *other == number).count() > 1;
    if let Some(double) = numbers.iter().find(|number| is_double(number)) {
        findings.add("statement.number", Defect::quote(double), "a number once", "two documents have one number");
    }
}

/// The documents that the basis gives. `None` where it gives none; a finding then says why.
fn expected(
    issued: &[Statement],
    opened: &Opened<'_>,
    basis: &Basis,
    findings: &mut Findings,
) -> Option<Vec<Statement>> {
    let is_note = issued.first().is_some_and(|first| first.kind != DocumentKind::Statement);
    let rated = match rate(&basis.input()) {
        Ok(rated) => rated.statement,
        Err(error) => {
            findings.add("basis.input", in_full(&error), "what can be rated", "the documents cannot be worked out");
            return None;
        }
    };
    if is_note {
        let mut documents = notes_on(&rated, &opened.body.billed, findings)?;
        if let Some(first) = documents.first_mut() {
            first.notes.extend(basis.added.iter().cloned());
        }
        return Some(documents);
    }
    let mut whole = rated;
    whole.notes.extend(basis.added.iter().cloned());
    match whole.split() {
        Ok(documents) => Some(documents),
        Err(error) => {
            findings.add("basis.input", in_full(&error), "what can be rated", "the documents cannot be worked out");
            None
        }
    }
}

/// The documents that were billed before, as they stand in the file. `None` where one does not read; a finding then
/// says why.
pub(super) fn billed(proofs: &[BilledProof<'_>], findings: &mut Findings) -> Option<Vec<Statement>> {
    let mut statements = Vec::with_capacity(proofs.len());
    for (place, proof) in proofs.iter().enumerate() {
        let statement = read(proof.document, &format!("billed.{place}"), findings)?;
        let wanted = &proof.reference.number;
        // A document that was made before documents said their numbers has it from its reference alone.
        if let Some(says) = statement.number.as_ref().filter(|says| *says != wanted) {
            let (says, wanted) = (Defect::quote(says), Defect::quote(wanted));
            findings.add(format!("billed.{place}.number"), says, wanted, "it is named otherwise");
        }
        if statement.period != proof.reference.period {
            let (says, should) = (proof.reference.period.start.to_string(), statement.period.start.to_string());
            findings.add(format!("billed.{place}.reference.period"), says, should, "the document is for another one");
        }
        statements.push(statement);
    }
    Some(statements)
}

/// The notes that settle what was billed before, one for each payer.
fn notes_on(again: &Statement, proofs: &[BilledProof<'_>], findings: &mut Findings) -> Option<Vec<Statement>> {
    let statements = billed(proofs, findings)?;
    let of = |(proof, statement): (&BilledProof<'_>, _)| Billed { reference: proof.reference.clone(), statement };
    let billed: Vec<Billed<'_>> = proofs.iter().zip(&statements).map(of).collect();
    let Some(first) = billed.first() else {
        findings.add("billed", "nothing", "the statement that the note corrects", "a note settles what was billed");
        return None;
    };
    match notes(first, &billed, again) {
        Ok(notes) if notes.is_empty() => {
            findings.add("statement", "a note", "nothing", "what was billed is what the facts give");
            None
        }
        Ok(notes) => Some(notes),
        Err(error) => {
            findings.add("billed", in_full(&error), "what can be settled", "the note cannot be worked out");
            None
        }
    }
}

/// An error with its causes.
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    Defect::quote(&text)
}
