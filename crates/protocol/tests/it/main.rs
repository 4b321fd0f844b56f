//! The protocol at its boundary: what one end seals, the other opens, and nobody else changes.

mod answers;
mod enrolment;
mod epochs;
mod messages;
mod packages;
mod records;
mod vectors;

use protocol::package::{EvidenceKeys, Manner, Package, Position, Record, Section, Timestamps};
use protocol::{Hex, Keys, Schedule, Secret, SigningKey, chain, package};
use report::Grade;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

const AGENT: &str = "agent-1";

/// Epoch 0 of an agent whose secret is 32 times `seed`.
fn schedule(seed: u8) -> Schedule {
    Schedule::new(&Secret::new([seed; 32]), "portal-1", AGENT, &Hex([9; 32]))
}

fn keys(seed: u8) -> Keys {
    schedule(seed).keys()
}

/// The signing key whose seed is 32 times `seed`.
fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn evidence() -> SigningKey {
    signing(3)
}

fn evidence_keys() -> EvidenceKeys {
    EvidenceKeys::one(evidence().verifying_key())
}

fn manner(timestamps: Timestamps) -> Manner {
    Manner { grade: Grade::B, seen: Some(Hex([0x22; 16])), timestamps }
}

fn origin() -> chain::Head {
    chain::origin(AGENT)
}

fn raw(json: &str) -> &RawValue {
    serde_json::from_str(json).expect("json")
}

fn raw_sections(sections: &[Section]) -> BTreeMap<Hex<32>, &RawValue> {
    sections.iter().map(|section| (section.digest, raw(&section.json))).collect()
}

fn pack<'a>(at: Position<'a>, records: Vec<Record<'a>>, sections: BTreeMap<Hex<32>, &'a RawValue>) -> Package<'a> {
    let key = evidence();
    Package::pack(at, records, sections, &|text: &[u8]| protocol::sign(&key, text))
}

/// The compressed bytes of package `sequence` with the sample report of `seed` in it.
fn compressed(seed: u64, sequence: u64, previous: chain::Head) -> (Vec<u8>, chain::Head) {
    let report = report::sample::report(seed);
    let package::Split { reading, jobs, sections, .. } =
        package::records(&report, &[], manner(Timestamps::Minute)).expect("the sample names a printer");
    let drafts: Vec<_> = std::iter::once(reading).chain(jobs.into_iter().map(|(_, draft)| draft)).collect();
    let records = drafts
        .iter()
        .map(|package::Draft { core, annex }| Record::new(raw(core), annex.as_deref().map(raw), Hex([7; 16])))
        .collect();
    let at = Position { agent: AGENT, sequence, first: 1, previous, seen: None };
    let package = pack(at, records, raw_sections(&sections));
    (package.to_bytes(), package.head)
}
