//! The spool at its boundary: what goes in comes out once, in order, whatever happens between.

use super::*;
use crate::identity::Stored;
use protocol::chain;
use protocol::limits::SEALED_BYTES_MAX;
use report::Grade;
use std::sync::Arc;

fn identity() -> Identity {
    named("agent-1", "c")
}

fn named(agent: &str, customer: &str) -> Identity {
    Identity::new(Stored {
        agent: agent.to_owned(),
        portal: "https://127.0.0.1:1".to_owned(),
        portal_id: "portal".to_owned(),
        portal_ca: None,
        receipt_key: Hex(*protocol::SigningKey::from_bytes(&[8; 32]).verifying_key().as_bytes()),
        reseller: "r".to_owned(),
        customer: customer.to_owned(),
        secret: Hex([1; 32]),
        transcript: Hex([2; 32]),
        evidence_seed: Hex([3; 32]),
    })
    .expect("a valid key")
}

fn append(spool: &mut Spool, seed: u64) -> usize {
    let entropy: Entropy = Arc::new(|bytes| bytes.fill(7));
    let split = package::records(&report::sample::report(seed), &[], Grade::B).expect("a printer");
    spool.pin("a").expect("known");
    let read = ReadFrom { address: "a", now: Instant(1), fingerprint: None, defects: 0 };
    spool.append(&split, read, &entropy).expect("appended").jobs
}

fn receipt(sequence: u64) -> Receipt {
    Receipt {
        agent: "agent-1".to_owned(),
        sequence,
        digest: Hex([0; 32]),
        last: 0,
        head: Hex([0; 32]),
        accepted_at: Instant(2),
        signature: Hex([0; 64]),
    }
}

#[test]
fn a_job_seen_before_is_not_put_in_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
    assert_eq!(append(&mut spool, 1), 3);
    assert_eq!(append(&mut spool, 1), 0);
    assert_eq!(append(&mut spool, 2), 3);
}

#[test]
fn the_same_bytes_are_given_until_a_receipt_comes_even_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
    append(&mut spool, 1);
    let first = spool.outgoing(&identity()).expect("packs").expect("a package");
    append(&mut spool, 2);
    drop(spool);
    let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
    let again = spool.outgoing(&identity()).expect("reads").expect("a package");
    assert_eq!((first.sequence, &first.body), (again.sequence, &again.body));
    assert!(spool.acknowledge(&receipt(1), &[], Instant(3)).expect("acknowledged"), "more waits");
    let second = spool.outgoing(&identity()).expect("packs").expect("a package");
    assert_eq!(second.sequence, 2);
    assert!(!spool.acknowledge(&receipt(2), &[], Instant(3)).expect("acknowledged"));
    assert!(spool.outgoing(&identity()).expect("reads").is_none());
}

#[test]
fn a_section_travels_until_acknowledged_and_again_when_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
    let sections = |spool: &mut Spool, seed, wanted: &[Hex<32>]| {
        append(spool, seed);
        let package = spool.outgoing(&identity()).expect("packs").expect("a package");
        let json = package::decompress(&package.body).expect("decompresses");
        let key = identity().evidence.verifying_key();
        let found: Vec<_> = Package::check(&json, "agent-1", &key).expect("checks").sections.keys().copied().collect();
        spool.acknowledge(&receipt(package.sequence), wanted, Instant(3)).expect("acknowledged");
        found
    };
    let first = sections(&mut spool, 1, &[]);
    assert_eq!(first.len(), 2);
    assert_eq!(sections(&mut spool, 1, &first[..1]), []);
    assert_eq!(sections(&mut spool, 1, &[]), first[..1]);
}

#[test]
fn a_new_identity_sends_everything_that_the_old_one_could_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::open(folder.path(), &named("agent-0", "c")).expect("opens");
    append(&mut spool, 1);
    spool.outgoing(&identity()).expect("packs").expect("a package");
    append(&mut spool, 2);
    drop(spool);
    let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
    let package = spool.outgoing(&identity()).expect("packs").expect("a package");
    let json = package::decompress(&package.body).expect("decompresses");
    let package = Package::check(&json, "agent-1", &identity().evidence.verifying_key()).expect("checks");
    assert_eq!((package.sequence, package.first, package.records.len()), (1, 1, 8));
    assert_eq!(package.previous, chain::origin("agent-1"));
}

#[test]
fn another_account_s_spool_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    append(&mut Spool::open(folder.path(), &identity()).expect("opens"), 1);
    let other = Spool::open(folder.path(), &named("agent-2", "somebody else"));
    assert!(matches!(other, Err(SpoolError::Foreign(_))));
}

#[test]
fn sections_that_do_not_fit_beside_the_records_hold_nothing_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
    let mut rng = report::sample::Rng::new(1);
    for _ in 0..20 {
        let noise: String = (0..1250).map(|_| format!("{:016x}", rng.next_u64())).collect();
        let (body, digest) = (format!("\"{noise}\""), [u8::try_from(rng.between(0, 255)).expect("a byte"); 32]);
        let sql = "insert or ignore into section (digest, body, acknowledged) values (?1, ?2, 0)";
        spool.connection.execute(sql, params![digest, body]).expect("stored");
    }
    append(&mut spool, 1);
    let mut sent = 0;
    while let Some(package) = spool.outgoing(&identity()).expect("packs") {
        assert!(package.body.len() < SEALED_BYTES_MAX);
        spool.acknowledge(&receipt(package.sequence), &[], Instant(3)).expect("acknowledged");
        append(&mut spool, package.sequence + 1);
        sent += 1;
        let left: i64 = spool
            .connection
            .query_row("select count(*) from section where acknowledged = 0", [], |row| row.get(0))
            .expect("a count");
        if left == 0 {
            break;
        }
        assert!(sent < 20, "{left} sections are never sent");
    }
}

#[test]
fn a_record_that_no_package_could_carry_is_left_out_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::open(folder.path(), &identity()).expect("opens");
    let mut report = report::sample::report(1);
    report.jobs[0].0.personal.name = Some("x".repeat(RECORD_BYTES_MAX));
    let split = package::records(&report, &[], Grade::B).expect("a printer");
    let entropy: Entropy = Arc::new(|bytes| bytes.fill(7));
    let read = ReadFrom { address: "a", now: Instant(1), fingerprint: None, defects: 0 };
    let appended = spool.append(&split, read, &entropy).expect("appended");
    assert_eq!(appended, Appended { jobs: 2, too_large: 1 });
}

#[test]
fn settings_never_go_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Spool::open(folder.path(), &identity()).expect("opens");
    assert!(spool.set_settings(&Settings { version: 2, interval_minutes: 60 }).expect("stored"));
    assert!(!spool.set_settings(&Settings { version: 1, interval_minutes: 30 }).expect("ignored"));
    assert_eq!(spool.settings().expect("read").interval_minutes, 60);
}
