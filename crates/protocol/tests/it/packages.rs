use super::{AGENT, compressed, evidence, evidence_keys, keys, manner, origin, pack, raw, raw_sections, signing};
use proptest::prelude::*;
use protocol::package::{self, Core, EvidenceKeys, Package, PackageError, Position, Record, Timestamps};
use protocol::signature::{Context, RequestParts, SignatureHeaders, sign_request, verify_request};
use protocol::{Hex, chain};
use report::sample::Rng;
use std::collections::BTreeMap;

fn check(json: &[u8]) -> Result<u64, PackageError> {
    Package::check(json, AGENT, &evidence_keys()).map(|package| package.sequence)
}

/// The JSON of package 1 with the first sample report.
fn json() -> String {
    let (bytes, _) = compressed(1, 1, origin());
    String::from_utf8(package::decompress(&bytes).expect("decompresses")).expect("text")
}

#[test]
fn a_package_opens_at_the_other_end_byte_for_byte() {
    let (bytes, _) = compressed(1, 1, origin());
    let sealed = package::seal(&keys(1), &bytes, [4; 16]);
    let (opened, json) = package::open(&keys(1), &sealed).expect("opens");
    assert_eq!(opened, bytes);
    let package = Package::check(&json, AGENT, &evidence_keys()).expect("checks");
    assert_eq!(package.records.len(), 4);
    let core: Core = serde_json::from_str(package.records[0].core.get()).expect("a core");
    let Core::Reading(reading) = core else { panic!("the first record is the reading") };
    let report = report::sample::report(1);
    assert_eq!(reading.usage, report.usage);
    let status: report::Status = serde_json::from_str(package.sections[&reading.status].get()).expect("a status");
    assert_eq!(status, report.status);
    assert_eq!(package.to_json(), json);
}

#[test]
fn a_package_without_its_annexes_still_proves_everything() {
    let json = json();
    let report = report::sample::report(1);
    let personal = &report.jobs[0].0.personal;
    let planted = [&personal.name, &personal.user, &personal.account, &personal.project].map(|text| {
        let text = text.as_deref().expect("the sample fills it");
        assert!(json.contains(text), "{text}");
        text
    });
    let full = Package::check(json.as_bytes(), AGENT, &evidence_keys()).expect("checks");
    let erased = Package::without_annexes(json.as_bytes()).expect("erases");
    let text = std::str::from_utf8(&erased).expect("text");
    assert!(planted.iter().all(|planted| !text.contains(planted)));
    assert!(!text.contains("\"annex\":"));
    let left = Package::check(&erased, AGENT, &evidence_keys()).expect("still checks");
    assert_eq!((left.digest(), left.head, left.signature), (full.digest(), full.head, full.signature));
    for (left, full) in left.records.iter().zip(&full.records) {
        assert_eq!(left.core.get(), full.core.get());
    }
    // The reading had no annex: its salt stays and proves it. A job's salt goes with its annex.
    assert!(left.records[0].salt.is_some() && left.records[0].annex_digest.is_none());
    assert!(left.records[1].salt.is_none() && left.records[1].annex_digest.is_some());
    assert_eq!(Package::without_annexes(&erased).expect("erases nothing more"), erased);
}

#[test]
fn tampering_after_an_erasure_is_found() {
    let erased = Package::without_annexes(json().as_bytes()).expect("erases");
    let erased = String::from_utf8(erased).expect("text");
    let wrong = |from: &str, to: &str| {
        assert!(erased.contains(from), "{from}");
        check(erased.replacen(from, to, 1).as_bytes()).expect_err("tampered")
    };
    assert_eq!(check(erased.as_bytes()).expect("right"), 1);
    let at = erased.find("\"annex_digest\":\"").expect("an erased annex") + 16;
    let digest = &erased[at..at + 64];
    assert!(matches!(wrong(digest, &"0".repeat(64)), PackageError::Chain));
    assert!(matches!(wrong("\"printed_area\":", "\"printed_area\":1"), PackageError::Chain));
    let salted = format!("\"salt\":\"{}\",\"annex_digest\":", Hex([7; 16]));
    assert!(matches!(wrong("\"annex_digest\":", &salted), PackageError::Form(_)));
    assert!(matches!(wrong("\"annex_digest\":", "\"annex\":{},\"annex_digest\":"), PackageError::Form(_)));
    let none = format!("\"annex_digest\":\"{digest}\"");
    let with_comma = format!(",{none}");
    assert!(matches!(wrong(&with_comma, ""), PackageError::Form(_)));
}

#[test]
fn a_record_without_an_annex_differs_from_one_whose_annex_was_erased() {
    let with = Record::new(raw("{}"), Some(raw("{\"name\":\"Plan 1\"}")), Hex([7; 16]));
    let without = Record::new(raw("{}"), None, Hex([7; 16]));
    assert_ne!(with.hash(), without.hash());
    assert_eq!(with.clone().without_annex().hash(), with.hash());
    assert_eq!(without.clone().without_annex().hash(), without.hash());
    assert_eq!(Record { salt: None, ..without }.hash(), None);
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
    let package::Split { reading, jobs, sections, .. } =
        package::records(&report, &[], manner(Timestamps::Minute)).expect("a printer");
    let drafts: Vec<_> = std::iter::once(reading).chain(jobs.into_iter().map(|(_, draft)| draft)).collect();
    let mut salt = || Hex(std::array::from_fn(|_| rng.next_u64().to_le_bytes()[0]));
    let records = drafts.iter().map(|draft| Record::new(raw(&draft.core), None, salt())).collect();
    let at = Position { agent: AGENT, sequence: 1, first: 1, previous: origin(), seen: Some(Hex([1; 16])) };
    // The status changes with every job; settings and sources do not, and the portal has them.
    let status: Vec<_> = sections.into_iter().filter(|section| section.json.contains("\"engine\"")).collect();
    assert_eq!(status.len(), 1);
    let sealed = package::seal(&keys(1), &pack(at, records, raw_sections(&status)).to_bytes(), [4; 16]);
    println!("19 jobs, a reading and its status: {} bytes sealed", sealed.len());
    // The other 900 bytes are the HTTP head, signature headers included.
    assert!(sealed.len() <= 8_000 - 900, "{} bytes", sealed.len());
}

#[test]
fn a_decompression_bomb_is_refused_by_size_and_by_ratio() {
    for bomb in [package::compress(&vec![0; 50_000_000]), package::compress(&vec![b' '; 1_000_000])] {
        let sealed = package::seal(&keys(1), &bomb, [4; 16]);
        assert!(matches!(package::open(&keys(1), &sealed), Err(PackageError::Compression)));
    }
}

#[test]
fn each_kind_of_wrong_package_is_refused_by_name() {
    let json = json();
    let wrong = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        check(json.replacen(from, to, 1).as_bytes()).expect_err("wrong")
    };
    assert_eq!(check(json.as_bytes()).expect("right"), 1);
    assert!(matches!(wrong("plotmeter.package/1", "plotmeter.package/2"), PackageError::Schema));
    assert!(matches!(wrong("\"agent-1\"", "\"agent-2\""), PackageError::Agent));
    assert!(matches!(wrong("\"sequence\":1", "\"sequence\":2"), PackageError::Signature));
    let seen = format!("\"first\":1,\"seen\":\"{}\"", Hex([1; 16]));
    assert!(matches!(wrong("\"first\":1", &seen), PackageError::Signature));
    assert!(matches!(wrong("\"jobs\":", "\"jobs\":1"), PackageError::Chain));
    assert!(matches!(wrong("\"sequence\":1", "\"sequence\":1,\"more\":1"), PackageError::Form(_)));
    assert!(matches!(wrong("Bond 80 g (de)", "Bond 81 g (de)"), PackageError::Section));
    let other = Package::check(json.as_bytes(), AGENT, &EvidenceKeys::one(signing(4).verifying_key()));
    assert!(matches!(other, Err(PackageError::Signature)));
}

#[test]
fn an_unknown_field_in_a_record_s_core_is_refused() {
    let reading = r#"{"boot":{"at":1,"number":2,"version":"1"}}"#;
    assert!(serde_json::from_str::<Core>(reading).is_ok());
    assert!(serde_json::from_str::<Core>(&reading.replace("\"at\"", "\"more\":1,\"at\"")).is_err());
}

#[test]
fn the_evidence_key_of_a_package_is_the_last_one_valid_from_it_on() {
    let [first, second, third] = [3, 4, 5].map(|seed| signing(seed).verifying_key());
    // In no order: what counts is the number.
    let keys = EvidenceKeys(vec![(1, first), (20, third), (10, second)]);
    for (sequence, key) in [(1, first), (9, first), (10, second), (19, second), (20, third), (u64::MAX, third)] {
        assert_eq!(keys.of(sequence), Some(&key), "{sequence}");
    }
    assert_eq!(keys.of(0), None);
    let json = json();
    let check = |keys: Vec<_>| Package::check(json.as_bytes(), AGENT, &EvidenceKeys(keys)).is_ok();
    let own = evidence().verifying_key();
    assert!(check(vec![(0, own), (2, second)]));
    assert!(!check(vec![(0, own), (1, second)]));
    assert!(!check(vec![(2, own)]));
    assert!(!check(Vec::new()));
}

#[test]
fn reordered_or_missing_packages_do_not_chain() {
    let (_, head) = compressed(1, 1, origin());
    let (second, _) = compressed(2, 2, head);
    let json = package::decompress(&second).expect("decompresses");
    let package = Package::check(&json, AGENT, &evidence_keys()).expect("signed as it is");
    assert_ne!(package.previous, origin(), "the portal compares this with the head it keeps");
}

#[test]
fn a_digest_names_the_package_and_not_its_compression() {
    let json = json();
    let package = Package::check(json.as_bytes(), AGENT, &evidence_keys()).expect("checks");
    let again = zstd::bulk::compress(json.as_bytes(), 1).expect("compresses");
    assert_ne!(again, package.to_bytes());
    let json = package::decompress(&again).expect("decompresses");
    assert_eq!(Package::check(&json, AGENT, &evidence_keys()).expect("checks").digest(), package.digest());
    let at = Position { agent: AGENT, sequence: 1, first: 1, previous: origin(), seen: None };
    let other = pack(at, vec![Record::new(raw("{}"), None, Hex([7; 16]))], BTreeMap::new());
    assert_ne!(other.digest(), package.digest());
    assert_eq!(other.head, chain::link(&origin(), 1, &other.records[0].hash().expect("a salt")));
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
    fn arbitrary_bytes_are_no_package(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(package::open(&keys(1), &bytes).is_err());
        prop_assert!(check(&bytes).is_err());
        prop_assert!(Package::without_annexes(&bytes).is_err());
    }
}
