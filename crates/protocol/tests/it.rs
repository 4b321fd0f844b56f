//! The protocol at its boundary: what one end seals, the other opens, and nobody else changes.

use proptest::prelude::*;
use protocol::enrol::{EnrolmentFile, Hello, Initiator, Responder, Welcome};
use protocol::package::{self, Core, Package, PackageError, Position, Record};
use protocol::receipt::{self, Answer, Problem, Receipt, Settings};
use protocol::signature::{Context, RequestParts, SignatureHeaders, sign_request, verify_request};
use protocol::{Hex, Keys, Secret, SigningKey, chain, enrol};
use report::sample::Rng;
use report::{Grade, Instant};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

const AGENT: &str = "agent-1";

fn keys(seed: u8) -> Keys {
    Keys::derive(&Secret::new([seed; 32]), "portal-1", AGENT, &Hex([9; 32]))
}

fn evidence() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// The compressed bytes of package `sequence` with the sample report of `seed` in it.
fn compressed(seed: u64, sequence: u64, previous: chain::Head) -> (Vec<u8>, chain::Head) {
    let report = report::sample::report(seed);
    let package::Split { reading, jobs, sections, .. } =
        package::records(&report, &[], Grade::B).expect("the sample names a printer");
    let drafts: Vec<_> = std::iter::once(reading).chain(jobs.into_iter().map(|(_, draft)| draft)).collect();
    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect("json")
    }
    let records = drafts
        .iter()
        .map(|draft| Record { core: raw(&draft.core), annex: draft.annex.as_deref().map(raw), salt: Hex([7; 16]) })
        .collect();
    let sections: BTreeMap<_, _> = sections.iter().map(|section| (section.digest, raw(&section.json))).collect();
    let at = Position { agent: AGENT, sequence, first: 1, previous };
    let package = Package::pack(at, records, sections, &evidence());
    (package.to_bytes(), package.head)
}

fn origin() -> chain::Head {
    chain::origin(AGENT)
}

fn check(json: &[u8]) -> Result<u64, PackageError> {
    Package::check(json, AGENT, &evidence().verifying_key()).map(|package| package.sequence)
}

#[test]
fn a_package_opens_at_the_other_end_byte_for_byte() {
    let (bytes, _) = compressed(1, 1, origin());
    let sealed = package::seal(&keys(1), &bytes, [4; 16]);
    let (opened, json) = package::open(&keys(1), &sealed).expect("opens");
    assert_eq!(opened, bytes);
    let package = Package::check(&json, AGENT, &evidence().verifying_key()).expect("checks");
    assert_eq!(package.records.len(), 4);
    let core: Core = serde_json::from_str(package.records[0].core.get()).expect("a core");
    let Core::Reading(reading) = core else { panic!("the first record is the reading") };
    assert_eq!(reading.usage, report::sample::report(1).usage);
}

#[test]
fn erasing_an_annex_leaves_chain_and_signature_true() {
    let report = report::sample::report(1);
    let package::Split { jobs, .. } = package::records(&report, &[], Grade::B).expect("a printer");
    let (_, draft) = &jobs[0];
    let core: &RawValue = serde_json::from_str(&draft.core).expect("json");
    let annex: &RawValue = serde_json::from_str(draft.annex.as_deref().expect("an annex")).expect("json");
    let record = Record { core, annex: Some(annex), salt: Hex([7; 16]) };
    let kept = chain::annex_digest(&record.salt, Some(annex.get()));
    assert_eq!(record.hash(), chain::record_hash(core.get(), &kept));
}

#[test]
fn nineteen_jobs_of_one_printer_stay_below_eight_kilobytes() {
    let mut rng = Rng::new(5);
    let mut report = report::sample::report(5);
    report.jobs = (0..19)
        .map(|index| {
            let kind = if index % 6 == 0 { report::JobKind::Copy } else { report::JobKind::Print };
            let mut job = report::sample::job(&mut rng, kind);
            job.personal = report::Personal::default();
            (job, Vec::new())
        })
        .collect();
    let package::Split { reading, jobs, .. } = package::records(&report, &[], Grade::B).expect("a printer");
    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect("json")
    }
    let drafts: Vec<_> = std::iter::once(reading).chain(jobs.into_iter().map(|(_, draft)| draft)).collect();
    let mut salt = || Hex(std::array::from_fn(|_| rng.next_u64().to_le_bytes()[0]));
    let records = drafts.iter().map(|draft| Record { core: raw(&draft.core), annex: None, salt: salt() }).collect();
    let at = Position { agent: AGENT, sequence: 1, first: 1, previous: origin() };
    let sealed = package::seal(&keys(1), &Package::pack(at, records, BTreeMap::new(), &evidence()).to_bytes(), [4; 16]);
    println!("19 jobs and a reading: {} bytes sealed", sealed.len());
    // The other 900 bytes are the HTTP head, signature headers included.
    assert!(sealed.len() <= 8_000 - 900, "{} bytes", sealed.len());
}

#[test]
fn a_decompression_bomb_is_refused_by_size_and_by_ratio() {
    let huge = zstd::bulk::compress(&vec![0; 50_000_000], 3).expect("compresses");
    for bomb in [huge, zstd::bulk::compress(&vec![b' '; 1_000_000], 3).expect("compresses")] {
        let sealed = package::seal(&keys(1), &bomb, [4; 16]);
        assert!(matches!(package::open(&keys(1), &sealed), Err(PackageError::Compression)));
    }
}

#[test]
fn each_kind_of_wrong_package_is_refused_by_name() {
    let (bytes, _) = compressed(1, 1, origin());
    let json = String::from_utf8(package::decompress(&bytes).expect("decompresses")).expect("text");
    let wrong = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        check(json.replacen(from, to, 1).as_bytes()).expect_err("wrong")
    };
    assert_eq!(check(json.as_bytes()).expect("right"), 1);
    assert!(matches!(wrong("plotmeter.package/1", "plotmeter.package/2"), PackageError::Schema));
    assert!(matches!(wrong("\"agent-1\"", "\"agent-2\""), PackageError::Agent));
    assert!(matches!(wrong("\"sequence\":1", "\"sequence\":2"), PackageError::Signature));
    assert!(matches!(wrong("\"jobs\":", "\"jobs\":1"), PackageError::Chain));
    assert!(matches!(wrong("\"sequence\":1", "\"sequence\":1,\"more\":1"), PackageError::Form(_)));
    assert!(matches!(wrong("Bond 80 g (de)", "Bond 81 g (de)"), PackageError::Section));
    let other = Package::check(json.as_bytes(), AGENT, &SigningKey::from_bytes(&[4; 32]).verifying_key());
    assert!(matches!(other, Err(PackageError::Signature)));
}

#[test]
fn a_receipt_is_authentic_only_with_the_portal_s_key_and_unchanged() {
    let key = SigningKey::from_bytes(&[8; 32]);
    let receipt = Receipt {
        agent: AGENT.to_owned(),
        sequence: 1,
        digest: Hex([1; 32]),
        last: 4,
        head: Hex([2; 32]),
        accepted_at: Instant(5),
        signature: Hex([0; 64]),
    };
    let receipt = receipt.signed(&key);
    assert!(receipt.is_authentic(&key.verifying_key()));
    assert!(!Receipt { sequence: 2, ..receipt.clone() }.is_authentic(&key.verifying_key()));
    assert!(!receipt.is_authentic(&SigningKey::from_bytes(&[9; 32]).verifying_key()));
}

#[test]
fn an_answer_opens_with_the_agent_s_keys_only() {
    let answer = Answer::Refused(Problem::new(409, "order", "Package 3 was expected").with_detail("Send it first."));
    let sealed = receipt::seal(&keys(1), &answer, [4; 16]);
    assert_eq!(receipt::open(&keys(1), &sealed).expect("opens"), answer);
    assert!(receipt::open(&keys(2), &sealed).is_err());
    // What the agent sealed for the portal never passes for an answer.
    let (bytes, _) = compressed(1, 1, origin());
    assert!(receipt::open(&keys(1), &package::seal(&keys(1), &bytes, [4; 16])).is_err());
}

#[test]
fn an_interval_stays_in_bounds_whatever_the_portal_says() {
    for (asked, kept) in [(0, 30), (1, 30), (30, 30), (180, 180), (1_000_000, 1440), (u32::MAX, 1440)] {
        assert_eq!(Settings { version: 1, interval_minutes: asked }.bounded_interval_minutes(), kept);
    }
}

#[test]
fn reordered_or_missing_packages_do_not_chain() {
    let (_, head) = compressed(1, 1, origin());
    let (second, _) = compressed(2, 2, head);
    let json = package::decompress(&second).expect("decompresses");
    let package = Package::check(&json, AGENT, &evidence().verifying_key()).expect("signed as it is");
    assert_ne!(package.previous, origin(), "the portal compares this with the head it keeps");
}

const PORTAL_STATIC: [u8; 32] = [11; 32];

fn file() -> EnrolmentFile {
    EnrolmentFile {
        plotmeter_enrolment: 1,
        portal: "https://portal.example".to_owned(),
        enrolment: "e-1".to_owned(),
        code: Hex([21; 32]),
        portal_key: enrol::public_key(&PORTAL_STATIC),
        portal_id: "portal-1".to_owned(),
        reseller: "Nordplan".to_owned(),
        customer: "Kessler".to_owned(),
        expires_at: Instant(0),
        portal_ca: None,
    }
}

fn hello() -> Hello {
    Hello { evidence_key: Hex([1; 32]), host: "pc-7".to_owned(), version: "0.1.0".to_owned() }
}

fn welcome() -> Welcome {
    Welcome {
        agent: AGENT.to_owned(),
        reseller: "Nordplan".to_owned(),
        customer: "Kessler".to_owned(),
        receipt_key: Hex([2; 32]),
    }
}

#[test]
fn both_ends_of_an_enrolment_derive_one_secret_that_never_travels() {
    let (initiator, first) = Initiator::start(&file(), &hello(), [1; 32]).expect("starts");
    let (responder, said) = Responder::read("e-1", &file().code, &PORTAL_STATIC, [2; 32], &first).expect("reads");
    assert_eq!(said, hello());
    let (second, portal) = responder.answer(&welcome()).expect("answers");
    let (answered, agent) = initiator.finish(&second).expect("finishes");
    assert_eq!(answered, welcome());
    assert_eq!(agent.secret.expose(), portal.secret.expose());
    assert_eq!(agent.transcript, portal.transcript);
    let wire = [first, second].concat();
    let keys = Keys::derive(&agent.secret, "portal-1", AGENT, &agent.transcript);
    let secrets = keys.all().map(|(name, key)| (name, *key.expose()));
    for (name, secret) in secrets.into_iter().chain([("secret", *agent.secret.expose()), ("code", file().code.0)]) {
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        for form in [secret.to_vec(), reversed, Hex(secret).to_string().into_bytes()] {
            assert!(!wire.windows(form.len()).any(|window| window == form), "{name} is on the wire");
        }
    }
}

#[test]
fn an_enrolment_with_another_code_key_or_id_fails() {
    let read = |file: &EnrolmentFile, id: &str| {
        let (_, first) = Initiator::start(file, &hello(), [1; 32]).expect("starts");
        Responder::read(id, &Hex([21; 32]), &PORTAL_STATIC, [2; 32], &first).is_ok()
    };
    assert!(read(&file(), "e-1"));
    assert!(!read(&EnrolmentFile { code: Hex([22; 32]), ..file() }, "e-1"));
    assert!(!read(&EnrolmentFile { portal_key: enrol::public_key(&[12; 32]), ..file() }, "e-1"));
    assert!(!read(&file(), "e-2"));
}

/// The vectors of `docs/protocol.md`, computed there by another implementation.
#[test]
fn the_published_vectors_hold() {
    let page = include_str!("../../../docs/protocol.md");
    let vectors = &page[page.find("## Test vectors").expect("the section")..];
    let value = |section: &str, name: &str| -> &str {
        let text = &vectors[vectors.find(&format!("### {section}\n")).expect("the vector's section")..];
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).expect("the vector");
        line[name.len()..].trim()
    };
    let keys = keys(1);
    for (name, key) in keys.all() {
        assert_eq!(Hex(*key.expose()).to_string(), value("Keys", name), "{name}");
    }
    let sealed = package::seal(&keys, b"usage", [4; 16]);
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, value("JWE", "sealed"));
    assert_eq!(protocol::jwe::to_compact(&sealed).expect("ours"), value("JWE", "compact"));
    let code = |start: &str| {
        let text = &vectors[vectors.find(start).expect("the record")..];
        text.lines().next().expect("a line").to_owned()
    };
    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect("json")
    }
    let (job, reading) = (code("{\"job\""), code("{\"reading\""));
    let annex = r#"{"name":"Plan 1"}"#;
    let records = vec![
        Record { core: raw(&job), annex: Some(raw(annex)), salt: Hex([7; 16]) },
        Record { core: raw(&reading), annex: None, salt: Hex([7; 16]) },
    ];
    assert_eq!(records[0].hash().to_string(), value("A package", "record_hash_1"));
    assert_eq!(records[1].hash().to_string(), value("A package", "record_hash_2"));
    let Core::Job(parsed) = serde_json::from_str(&job).expect("a core") else { panic!("a job") };
    assert_eq!(package::job_key(&parsed.job).as_deref(), Some(value("A package", "job key")));
    let at = Position { agent: AGENT, sequence: 1, first: 1, previous: origin() };
    let package = Package::pack(at, records, BTreeMap::new(), &evidence());
    assert_eq!(origin().to_string(), value("A package", "head_0"));
    assert_eq!(package.head.to_string(), value("A package", "head_2"));
    assert_eq!(package.signature.to_string(), value("A package", "signature"));
    let receipt = Receipt {
        agent: AGENT.to_owned(),
        sequence: 1,
        digest: Hex([0x11; 32]),
        last: 2,
        head: package.head,
        accepted_at: Instant(1_793_466_061_000),
        signature: Hex([0; 64]),
    };
    let signed = receipt.signed(&SigningKey::from_bytes(&[8; 32]));
    assert_eq!(signed.signature.to_string(), value("A receipt", "signature"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_altered_package_is_accepted(seed in 0_u64..1000, at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let (bytes, _) = compressed(seed, 1, origin());
        let sealed = package::seal(&keys(1), &bytes, [4; 16]);
        let parts = RequestParts {
            method: "POST", authority: "portal.example", path: protocol::PACKAGES_PATH, query: "?",
            content_type: package::CONTENT_TYPE, idempotency_key: "agent-1-1", body: &sealed,
        };
        let headers: SignatureHeaders =
            sign_request(&keys(1).request, parts, Context { key_id: &keys(1).id, created: 1, nonce: [1; 16] });
        prop_assert!(verify_request(&keys(1).request, parts, &headers).is_ok());
        let mut altered = sealed.clone();
        let index = at.index(altered.len());
        altered[index] ^= flip;
        let altered_parts = RequestParts { body: &altered, ..parts };
        prop_assert!(verify_request(&keys(1).request, altered_parts, &headers).is_err());
        prop_assert!(package::open(&keys(1), &altered).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(package::open(&keys(1), &bytes).is_err());
        prop_assert!(receipt::open(&keys(1), &bytes).is_err());
        prop_assert!(check(&bytes).is_err());
        prop_assert!(Responder::read("e-1", &Hex([21; 32]), &PORTAL_STATIC, [2; 32], &bytes).is_err());
    }
}
