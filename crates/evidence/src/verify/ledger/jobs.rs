//! The jobs of a printer: each once, in the version in force, and none left out.
//!
//! Deliberately absent: the quantities of readings and sums.

use super::{Facts, JobSeen, Place, named};
use crate::facts::could_be_declared;
use crate::verify::Findings;
use crate::versions::{Kept, Offer, offer};
use billing::{JobFact, Mark};
use std::collections::{BTreeMap, BTreeSet};

/// Holds the jobs of a printer against its records.
pub(super) fn check(place: &Place<'_>, facts: &mut Facts, findings: &mut Findings) {
    let candidates: BTreeMap<&str, Vec<&JobSeen<'_>>> =
        place.seen.jobs.iter().map(|(key, records)| (key.as_str(), candidates(records))).collect();
    let mut known = BTreeSet::new();
    for (number, fact) in place.facts.jobs.iter().enumerate() {
        let at = format!("{}.jobs.{number}", place.at);
        if !known.insert(fact.key.as_str()) {
            findings.add(format!("{at}.key"), fact.key.as_str(), "a job once", "the job stands twice");
        }
        let of_key = candidates.get(fact.key.as_str()).map(Vec::as_slice).unwrap_or_default();
        match of_key.iter().position(|seen| expected(seen, fact) == *fact) {
            Some(0) => facts.jobs = facts.jobs.saturating_add(1),
            Some(_) => {
                facts.jobs = facts.jobs.saturating_add(1);
                facts.by_order = facts.by_order.saturating_add(1);
            }
            None => {
                let near = of_key.first().map(|seen| (expected(seen, fact), seen.path));
                named(&at, fact, near.as_ref().map(|(near, path)| (near, *path)), findings);
            }
        }
    }
    for (key, of_key) in candidates {
        let is_billed = !of_key.is_empty() && of_key.iter().all(|seen| place.is_billed(seen.finished_at));
        if is_billed && !known.contains(key) {
            let why = of_key.first().map_or_else(String::new, |seen| format!("{} says it", seen.path));
            findings.add(format!("{}.jobs", place.at), "left out", format!("job {key}"), why);
        }
    }
}

/// The versions of a job that can be in force: first the one by the order in which packages arrived, then
/// those that are in force when one agent's packages came last.
///
/// A portal takes several packages at one instant, and packages that waited for a person later than their
/// receipts say; the order of one agent's packages is certain.
fn candidates<'a, 'b>(records: &'b [JobSeen<'a>]) -> Vec<&'b JobSeen<'a>> {
    let in_order: Vec<&JobSeen<'a>> = records.iter().collect();
    let mut found: Vec<&'b JobSeen<'a>> = in_force(&in_order).into_iter().collect();
    let agents: BTreeSet<&str> = records.iter().map(|record| record.agent).collect();
    if agents.len() < 2 {
        return found;
    }
    for last in agents {
        let (of_last, others): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.agent == last);
        let order: Vec<&JobSeen<'a>> = others.into_iter().chain(of_last).collect();
        found.extend(in_force(&order));
    }
    found
}

/// The version in force after `records` arrived in this order.
fn in_force<'a, 'b>(records: &[&'b JobSeen<'a>]) -> Option<&'b JobSeen<'a>> {
    let mut kept: Vec<Kept> = Vec::new();
    let mut current = None;
    for record in records.iter().copied() {
        let digest = record.parts.digest;
        let offer = offer(&kept, record.read_at, &digest);
        if offer != Offer::Known {
            kept.push(Kept { read_at: record.read_at, digest });
        }
        if offer == Offer::InForce {
            current = Some(record);
        }
    }
    current
}

/// The fact that a record gives, with what people may have said of it taken from `fact`.
fn expected(seen: &JobSeen<'_>, fact: &JobFact) -> JobFact {
    let parts = &seen.parts;
    let mut quantities = parts.quantities.clone();
    let mut marks = BTreeSet::new();
    // A unit that somebody declared adds entries behind the printer's own, each the number in some unit.
    let added = fact.quantities.get(quantities.len()..).unwrap_or_default();
    let is_worth = added.iter().all(|quantity| could_be_declared(&parts.unitless, quantity));
    if fact.marks.contains(&Mark::Declared) && !added.is_empty() && is_worth {
        quantities.extend(added.iter().cloned());
        marks.insert(Mark::Declared);
    }
    if fact.marks.contains(&Mark::Late) {
        marks.insert(Mark::Late);
    }
    JobFact {
        key: parts.key.clone(),
        finished_at: seen.finished_at,
        status: parts.status,
        grade: seen.grade,
        quantities,
        kind: Some(parts.kind),
        coverage: parts.coverage,
        marks,
    }
}
