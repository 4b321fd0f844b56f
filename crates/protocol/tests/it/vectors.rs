//! The vectors of `docs/protocol.md`, computed there by another implementation.

use super::{AGENT, keys, origin, pack, raw, schedule, signing};
use protocol::message::{self, Message, Rotation, Said};
use protocol::package::{self, Core, Position, Record, Section};
use protocol::receipt::{Problem, Receipt, SignedRefusal};
use protocol::{Hex, Keys, enrol, jwe};
use report::{Duration, Instant, Job, PrintJob, Status};
use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../../docs/protocol.md");

/// The part of the page with the vectors.
fn vectors() -> &'static str {
    &PAGE[PAGE.find("## Test vectors").expect("the section")..]
}

/// The vector `name` of a section.
fn value(section: &str, name: &str) -> &'static str {
    let vectors = vectors();
    let text = &vectors[vectors.find(&format!("### {section}\n")).expect("the vector's section")..];
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).expect("the vector");
    line[name.len()..].trim()
}

/// The line that starts so.
fn line(start: &str) -> &'static str {
    let vectors = vectors();
    vectors[vectors.find(start).expect("the line")..].lines().next().expect("a line")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_keys(section: &str, keys: &Keys) {
    for (name, key) in keys.all() {
        assert_eq!(Hex(*key.expose()).to_string(), value(section, name), "{section}: {name}");
    }
}

#[test]
fn the_published_keys_hold() {
    check_keys("Keys", &keys(1));
    let next = schedule(1).next();
    assert_eq!(Hex(*next.secret().expose()).to_string(), value("Keys of the next epoch", "secret_1"));
    check_keys("Keys of the next epoch", &next.keys());
    let second = schedule(1).forward(2).expect("ahead");
    assert_eq!(Hex(*second.secret().expose()).to_string(), value("Keys of the next epoch", "secret_2"));
}

#[test]
fn the_published_envelopes_hold() {
    let sealed = package::seal(&keys(1), b"usage", [4; 16]);
    assert_eq!(hex(&sealed), value("JWE", "sealed"));
    assert_eq!(jwe::to_compact(&sealed).expect("ours"), value("JWE", "compact"));
    let said = Said::Leave { at: Instant(1_793_466_000_000) };
    let message = Message { number: 7, said };
    assert_eq!(serde_json::to_string(&message).expect("json"), line("{\"number\""));
    let sealed = message::seal(&schedule(1).next().keys(), &message, [4; 16]);
    assert_eq!(hex(&sealed), value("A message", "sealed"));
}

#[test]
fn the_published_package_and_receipt_hold() {
    let (job, reading) = (line("{\"job\""), line("{\"reading\""));
    let records = vec![
        Record::new(raw(job), Some(raw(r#"{"name":"Plan 1"}"#)), Hex([7; 16])),
        Record::new(raw(reading), None, Hex([7; 16])),
    ];
    for (index, record) in records.iter().enumerate() {
        let name = format!("record_hash_{}", index + 1);
        assert_eq!(record.hash().expect("a salt").to_string(), value("A package", &name));
        assert_eq!(record.clone().without_annex().hash(), record.hash());
    }
    let erased = records[0].clone().without_annex().annex_digest.expect("erased");
    assert_eq!(erased.to_string(), value("A package", "annex_digest_1"));
    let Core::Job(parsed) = serde_json::from_str(job).expect("a core") else { panic!("a job") };
    assert_eq!(parsed.key().as_deref(), Some(value("A package", "job key")));
    let Core::Reading(parsed) = serde_json::from_str(reading).expect("a core") else { panic!("a reading") };
    let status = Section::of_status(&Status { engine: Some("idle".to_owned()), ..Status::default() });
    assert_eq!(parsed.status, status.digest);
    let at = Position { agent: AGENT, sequence: 1, first: 1, previous: origin(), seen: Some(Hex([0x22; 16])) };
    let package = pack(at, records, BTreeMap::new());
    assert_eq!(origin().to_string(), value("A package", "head_0"));
    assert_eq!(package.head.to_string(), value("A package", "head_2"));
    assert_eq!(package.digest().to_string(), value("A package", "digest"));
    assert_eq!(package.signature.to_string(), value("A package", "signature"));
    let receipt = Receipt {
        agent: AGENT.to_owned(),
        sequence: 1,
        digest: package.digest(),
        last: 2,
        head: package.head,
        accepted_at: Instant(1_793_466_061_000),
        signature: Hex([0; 64]),
    };
    let signed = receipt.signed(&signing(8));
    assert_eq!(signed.signature.to_string(), value("A receipt", "signature"));
    assert_eq!(signed.mark().to_string(), value("A receipt", "mark"));
}

#[test]
fn the_published_job_keys_hold() {
    let job = |uuid: Option<&str>, printed_at, time_to_print: Option<i64>| {
        let (printed_at, time_to_print) = (Some(Instant(printed_at)), time_to_print.map(Duration));
        let print = PrintJob { printed_at, time_to_print, ..PrintJob::default() };
        Job { uuid: uuid.map(str::to_owned), sequence: Some(41), print: Some(print), ..Job::default() }
    };
    let uuid = Some("9d3c2c4e-6a51-4d1c-9f0e-2b7a5c1d0e11");
    let cases = [
        ("first", job(uuid, 1_793_465_100_000, Some(90_000)), 0),
        ("second", job(uuid, 1_793_465_105_000, Some(90_000)), 1),
        ("unnamed", job(None, 1_793_465_100_000, None), 0),
    ];
    for (name, job, nth) in cases {
        assert_eq!(package::job_key(&job, nth).as_deref(), Some(value("Job keys", name)));
    }
}

#[test]
fn the_published_comparison_and_label_hold() {
    let evidence_key = Hex(*signing(3).verifying_key().as_bytes());
    let (agent_nonce, portal_nonce) = (Hex([0x41; 16]), Hex([0x51; 16]));
    assert_eq!(enrol::commitment(&agent_nonce, &evidence_key).to_string(), value("A comparison", "commitment"));
    let digits = enrol::digits(&Hex([0x31; 32]), &evidence_key, &agent_nonce, &portal_nonce);
    assert_eq!(digits, value("A comparison", "digits"));
    assert_eq!(enrol::label(" cn00a0001 ").to_string(), value("A comparison", "label"));
    assert_eq!(enrol::factory_label(&Hex([0x61; 32])), value("A factory label", "label"));
}

#[test]
fn the_published_rotation_and_refusal_hold() {
    let rotation = Rotation::signed(AGENT, 12, &signing(3), &signing(5));
    for (name, found) in [
        ("key", rotation.key.to_string()),
        ("by_old", rotation.by_old.to_string()),
        ("by_new", rotation.by_new.to_string()),
    ] {
        assert_eq!(found, value("A rotation", name), "{name}");
    }
    let request = &format!("{}\n{}", value("Signatures", "input"), value("Signatures", "request"));
    let problem = Problem::new(403, "behind", "The keys are older than the portal's.").with_detail("Enrol again.");
    let refusal = SignedRefusal::signed(problem, request, Instant(1_793_466_061_000), &signing(8));
    assert_eq!(refusal.signature.to_string(), value("A refusal", "signature"));
}
