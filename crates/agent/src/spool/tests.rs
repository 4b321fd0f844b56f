//! The spool at its boundary: what goes in comes out once, in order, whatever happens between.

use super::pack::{Outgoing, PACKED_MAX, Packing};
use super::*;
use crate::testing::{START, World, identity, split};
use protocol::message::AlertNotice;
use protocol::package::{Manner, Package, Timestamps};
use protocol::receipt::{Receipt, Settings};
use protocol::{SigningKey, package};
use report::{Alert, Grade, Severity};

const MANY: u64 = 64 * 1024 * 1024;

fn open(folder: &Path) -> Spool {
    open_as(folder, "agent-1", "c").expect("opens")
}

fn open_as(folder: &Path, agent: &str, customer: &str) -> Result<Spool, SpoolError> {
    Spool::open(folder, &identity(agent, customer), MANY, World::new().surroundings())
}

fn append(spool: &mut Spool, seed: u64) -> usize {
    let read = ReadFrom { address: "a", now: START, fingerprint: None, defects: 0 };
    spool.append(&split(seed), read).expect("appended").jobs
}

fn outgoing(spool: &mut Spool) -> Option<Outgoing> {
    outgoing_of(spool, "agent-1")
}

/// What an agent sends next where nothing bounds it but the largest package.
fn outgoing_of(spool: &mut Spool, agent: &str) -> Option<Outgoing> {
    match spool.outgoing(&identity(agent, "c"), usize::MAX).expect("packs") {
        Packing::Package(package) => Some(package),
        Packing::Nothing => None,
        Packing::Needs(bytes) => panic!("{bytes} bytes are no more than the largest package"),
    }
}

/// The portal's receipt of a package.
fn receipt(package: &Outgoing) -> Receipt {
    let unsigned = Receipt {
        agent: "agent-1".to_owned(),
        sequence: package.sequence,
        digest: package.digest,
        last: 0,
        head: Hex([0; 32]),
        accepted_at: START,
        signature: Hex([0; 64]),
    };
    unsigned.signed(&SigningKey::from_bytes(&[8; 32]))
}

fn json(package: &Outgoing) -> Vec<u8> {
    package::decompress(&package.body).expect("decompresses")
}

fn waits(spool: &Spool) -> u64 {
    let unsent = spool.unsent().expect("counts");
    unsent.records + unsent.packages
}

#[test]
fn a_job_seen_before_is_not_put_in_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    assert_eq!(append(&mut spool, 1), 3);
    assert_eq!(append(&mut spool, 1), 0);
    assert_eq!(append(&mut spool, 2), 3);
}

#[test]
fn the_same_bytes_are_given_until_a_receipt_comes_even_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    append(&mut spool, 1);
    let first = outgoing(&mut spool).expect("a package");
    append(&mut spool, 2);
    drop(spool);
    let mut spool = open(folder.path());
    let again = outgoing(&mut spool).expect("a package");
    assert_eq!((first.sequence, &first.body), (again.sequence, &again.body));
    assert!(spool.acknowledge(&receipt(&first), &[], START).expect("acknowledged"));
    assert!(waits(&spool) > 0);
    let second = outgoing(&mut spool).expect("a package");
    assert_eq!(second.sequence, 2);
    assert!(spool.acknowledge(&receipt(&second), &[], START).expect("acknowledged"));
    assert_eq!(waits(&spool), 0);
    assert!(outgoing(&mut spool).is_none());
}

#[test]
fn a_receipt_of_another_digest_releases_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    append(&mut spool, 1);
    let package = outgoing(&mut spool).expect("a package");
    let other = Receipt { digest: Hex([9; 32]), ..receipt(&package) };
    assert!(!spool.acknowledge(&other, &[], START).expect("looked at"));
    assert_eq!(waits(&spool), 1);
}

#[test]
fn each_package_names_the_last_receipt_and_receipts_are_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    append(&mut spool, 1);
    let first = outgoing(&mut spool).expect("a package");
    assert_eq!(serde_json::from_slice::<Package<'_>>(&json(&first)).expect("a package").seen, None);
    spool.acknowledge(&receipt(&first), &[], START).expect("acknowledged");
    append(&mut spool, 2);
    let second = outgoing(&mut spool).expect("a package");
    let seen = serde_json::from_slice::<Package<'_>>(&json(&second)).expect("a package").seen;
    assert_eq!(seen, Some(receipt(&first).mark()));
    assert_eq!(spool.mark().expect("read"), seen);
}

#[test]
fn a_section_travels_until_acknowledged_and_again_when_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    let sections = |spool: &mut Spool, seed, wanted: &[Hex<32>]| {
        append(spool, seed);
        let package = outgoing(spool).expect("a package");
        let json = json(&package);
        let read: Package<'_> = serde_json::from_slice(&json).expect("a package");
        let found: Vec<Hex<32>> = read.sections.keys().copied().collect();
        spool.acknowledge(&receipt(&package), wanted, START).expect("acknowledged");
        found
    };
    let first = sections(&mut spool, 1, &[]);
    assert_eq!(first.len(), 3, "status, settings and sources");
    assert_eq!(sections(&mut spool, 1, &first[..1]), []);
    assert_eq!(sections(&mut spool, 1, &[]), first[..1]);
}

#[test]
fn a_new_identity_sends_everything_that_the_old_one_could_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open_as(folder.path(), "agent-0", "c").expect("opens");
    append(&mut spool, 1);
    outgoing_of(&mut spool, "agent-0").expect("a package");
    append(&mut spool, 2);
    drop(spool);
    let mut spool = open(folder.path());
    let package = outgoing(&mut spool).expect("a package");
    let json = json(&package);
    let package = Package::check(&json, "agent-1", &identity("agent-1", "c").evidence_keys()).expect("checks");
    assert_eq!((package.sequence, package.first, package.records.len()), (1, 1, 8));
    assert_eq!(package.previous, chain::origin("agent-1"));
    let names: Vec<&str> = package.records.iter().map(|record| kind_of(record.core.get())).collect();
    assert_eq!(names, ["job", "job", "job", "reading", "job", "job", "job", "reading"], "in their order");
}

#[test]
fn a_new_identity_sends_again_what_the_portal_had_taken_in_its_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open_as(folder.path(), "agent-0", "c").expect("opens");
    for seed in 1..=2 {
        append(&mut spool, seed);
        let package = outgoing_of(&mut spool, "agent-0").expect("a package");
        let taken = Receipt { agent: "agent-0".to_owned(), ..receipt(&package) };
        let taken = taken.signed(&SigningKey::from_bytes(&[8; 32]));
        assert!(spool.acknowledge(&taken, &[], START).expect("acknowledged"));
    }
    append(&mut spool, 3);
    drop(spool);
    let mut spool = open(folder.path());
    let package = outgoing(&mut spool).expect("a package");
    let json = json(&package);
    let package: Package<'_> = serde_json::from_slice(&json).expect("a package");
    let sent: Vec<&str> = package.records.iter().map(|record| record.core.get()).collect();
    assert_eq!(sent.len(), 12);
    for (seed, cores) in (1..).zip(sent.chunks(4)) {
        assert_eq!(cores[0], split(seed).jobs[0].1.core, "in their order");
    }
}

#[test]
fn a_clock_of_the_agent_s_that_jumps_ahead_removes_no_package() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    let years = START.plus(Duration::hours(24 * 800));
    for now in [START, years, years] {
        append(&mut spool, 1);
        append(&mut spool, u64::try_from(now.0 / 1000).expect("after 1970"));
        let package = outgoing(&mut spool).expect("a package");
        assert!(spool.acknowledge(&receipt(&package), &[], now).expect("acknowledged"));
    }
    assert_eq!(spool.packages(10).expect("read").len(), 3);
    append(&mut spool, 4);
    let package = outgoing(&mut spool).expect("a package");
    let later = Receipt { accepted_at: START.plus(Duration::hours(24 * 60)), ..receipt(&package) };
    assert!(spool.acknowledge(&later, &[], years).expect("acknowledged"));
    assert_eq!(spool.packages(10).expect("read").len(), 1, "by the portal's time they are old");
}

#[test]
fn a_portal_s_clock_that_ran_ahead_once_keeps_no_later_receipt_from_being_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    for (seed, ahead) in [(1, 24 * 300), (2, 0)] {
        append(&mut spool, seed);
        let package = outgoing(&mut spool).expect("a package");
        let accepted_at = START.plus(Duration::hours(ahead));
        let receipt = Receipt { accepted_at, ..receipt(&package) }.signed(&SigningKey::from_bytes(&[8; 32]));
        spool.acknowledge(&receipt, &[], START).expect("acknowledged");
        assert_eq!(spool.mark().expect("read"), Some(receipt.mark()), "package {seed}");
    }
}

#[test]
fn a_salvage_that_is_interrupted_anywhere_loses_nothing() {
    type Interruption = fn(&Path);
    let interruptions: [(&str, Interruption); 3] = [
        ("while the new spool is filled", |folder| {
            std::fs::write(folder.join("spool.sqlite.filling"), b"half a spool").expect("written");
        }),
        ("before the damaged one is moved", |folder| {
            let surroundings = World::new().surroundings();
            Spool::fill(folder, &identity("agent-1", "c"), MANY, &surroundings).expect("filled");
        }),
        ("after the damaged one was moved", |folder| {
            let surroundings = World::new().surroundings();
            Spool::fill(folder, &identity("agent-1", "c"), MANY, &surroundings).expect("filled");
            salvage::put_aside(folder, START).expect("moved");
            std::fs::write(folder.join("spool.sqlite-wal"), b"of the damaged one").expect("written");
        }),
    ];
    for (when, interrupt) in interruptions {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = open(folder.path());
        append(&mut spool, 1);
        append(&mut spool, 2);
        drop(spool);
        let damage = Connection::open(Spool::path(folder.path())).expect("opens");
        damage.execute_batch("update record set core = 'altered' where number = 1").expect("altered");
        drop(damage);
        interrupt(folder.path());
        let spool = open(folder.path());
        assert_eq!(waits(&spool), 8, "{when}: seven records and the notice of the gap");
        drop(spool);
        assert_eq!(waits(&open(folder.path())), 8, "{when}: and so it stays");
        let left =
            std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let new: Vec<_> = left.filter(|name| name.to_string_lossy().contains(".fill")).collect();
        assert!(new.is_empty(), "{when}: {new:?}");
    }
}

#[test]
fn a_mend_that_fails_leaves_the_spool_at_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    append(&mut spool, 1);
    // Nothing can be written where the salvage looks for room.
    std::fs::create_dir(folder.path().join("probe")).expect("a folder in its place");
    assert!(spool.mend(&identity("agent-1", "c")).is_err());
    assert_eq!(waits(&spool), 4, "all of it is still there");
    assert_eq!(append(&mut spool, 2), 3);
}

#[test]
fn another_account_s_spool_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    append(&mut open(folder.path()), 1);
    let other = open_as(folder.path(), "agent-2", "somebody else");
    assert!(matches!(other, Err(SpoolError::Foreign(_))));
    assert_eq!(waits(&open(folder.path())), 4, "and stays as it was");
}

#[test]
fn sections_that_do_not_fit_beside_the_records_hold_nothing_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    let mut rng = report::sample::Rng::new(1);
    for _ in 0..20 {
        let noise: String = (0..1250).map(|_| format!("{:016x}", rng.next_u64())).collect();
        let body = format!("\"{noise}\"");
        let digest = Hex(sha256(&[body.as_bytes()]));
        append::keep_section(&spool.connection, digest, &body, START).expect("stored");
    }
    append(&mut spool, 1);
    let mut sent = 0;
    while let Some(package) = outgoing(&mut spool) {
        spool.acknowledge(&receipt(&package), &[], START).expect("acknowledged");
        let left: i64 = spool
            .connection
            .query_row("select count(*) from section where acknowledged = 0", [], |row| row.get(0))
            .expect("a count");
        if left == 0 {
            break;
        }
        append(&mut spool, package.sequence + 1);
        sent += 1;
        assert!(sent < 20, "{left} sections are never sent");
    }
}

#[test]
fn what_is_packed_fits_the_room_there_is_and_what_would_not_be_worth_its_connection_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    for seed in 1..=120 {
        append(&mut spool, seed);
    }
    let agent = identity("agent-1", "c");
    let records = waits(&spool);
    for room in [0, 1_000, 20_000] {
        let Packing::Needs(bytes) = spool.outgoing(&agent, room).expect("packs") else { panic!("{room} bytes") };
        assert!(bytes > room && bytes <= PACKED_MAX, "{bytes} bytes are needed, and there were {room}");
        assert_eq!(waits(&spool), records, "nothing was packed");
    }
    for room in [24 * 1024, 40_000] {
        let Packing::Package(package) = spool.outgoing(&agent, room).expect("packs") else { panic!("{room} bytes") };
        assert!((room / 2..=room).contains(&package.body.len()), "{} of {room} bytes", package.body.len());
        spool.acknowledge(&receipt(&package), &[], START).expect("acknowledged");
    }
    while let Some(package) = outgoing(&mut spool) {
        spool.acknowledge(&receipt(&package), &[], START).expect("acknowledged");
    }
    append(&mut spool, 121);
    let Packing::Needs(bytes) = spool.outgoing(&agent, 100).expect("packs") else { panic!("too little room") };
    let Packing::Package(package) = spool.outgoing(&agent, bytes).expect("packs") else { panic!("all that waits") };
    assert_eq!((package.body.len(), waits(&spool)), (bytes, 1), "a little that waits needs little");
}

#[test]
fn a_record_that_no_package_could_carry_is_left_out_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    let mut report = report::sample::report(1);
    report.jobs[0].0.personal.name = Some("x".repeat(RECORD_BYTES_MAX));
    let manner = Manner { grade: Grade::B, seen: None, timestamps: Timestamps::Minute };
    let split = package::records(&report, &[], manner).expect("a printer");
    let read = ReadFrom { address: "a", now: START, fingerprint: None, defects: 0 };
    let appended = spool.append(&split, read).expect("appended");
    assert_eq!((appended.jobs, appended.pages, appended.too_large), (2, 1, 1), "a scan has no pages");
}

#[test]
fn settings_never_go_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    let settings = |version, interval_minutes| Settings { version, interval_minutes, ..Settings::default() };
    assert!(spool.set_settings(&settings(2, 60)).expect("stored"));
    assert!(!spool.set_settings(&settings(1, 30)).expect("ignored"));
    assert_eq!(spool.settings().expect("read").interval_minutes, 60);
    let endless = Settings { ranges: vec!["192.0.2.1".to_owned(); 1_000_000], ..settings(3, 30) };
    assert!(!spool.set_settings(&endless).expect("ignored"));
}

#[test]
fn an_identity_is_recorded_once_a_day_and_again_when_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    let mut configuration = report::sample::report(1).configuration;
    let mut seen = |configuration: &report::Configuration, hours| {
        let now = START.plus(Duration::hours(hours));
        let read = ReadFrom { address: "a", now, fingerprint: None, defects: 0 };
        spool.append_seen(configuration, read).expect("looked at")
    };
    assert!(seen(&configuration, 0));
    assert!(!seen(&configuration, 23));
    assert!(seen(&configuration, 24));
    configuration.firmware_version = Some("another".to_owned());
    assert!(seen(&configuration, 25));
    assert!(seen(&configuration, -1), "the clock was set back");
}

#[test]
fn an_alert_is_queued_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    let printer = split(1).printer;
    let mut notice = |code: &str, since: Option<i64>| {
        let alert =
            Alert { code: code.to_owned(), severity: Severity::Severe, since: since.map(Instant), ..Alert::default() };
        spool.queue_alert(&AlertNotice { printer: printer.clone(), read_at: START, alert }).expect("queued")
    };
    assert!(notice("jam", Some(5)));
    assert!(!notice("jam", Some(5)));
    assert!(notice("jam", Some(6)));
    assert!(notice("jam", None));
    assert!(!notice("jam", None));
}

#[test]
fn a_spool_of_the_first_version_is_opened_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = "
        create table record (number integer primary key, core text not null, annex text, salt blob not null);
        create table package (sequence integer primary key, first integer not null, last integer not null,
            head blob not null, body blob not null, acknowledged_at integer, receipt text);
        create index package_unsent on package (sequence) where acknowledged_at is null;
        create table job_seen (printer text not null, job_key text not null, digest blob not null,
            seen_at integer not null, primary key (printer, job_key)) without rowid;
        create index job_seen_by_time on job_seen (seen_at);
        create table section (digest blob primary key, body text not null, acknowledged integer not null,
            sequence integer) without rowid;
        create table printer (address text primary key, fingerprint blob, serial text, product_name text,
            read_at integer, failure text, defects integer not null default 0);
        create table value (name text primary key, text text not null) without rowid;
        insert into value values ('agent', 'agent-1'), ('account', 'c of Reseller at portal portal');
        insert into printer (address, serial) values ('192.0.2.10', 'CN1');
        insert into record values (1, '{\"job\":{\"printer\":{\"serial\":\"CN1\"},\"read_at\":1,\"grade\":\"B\",
            \"job\":{\"kind\":\"print\"}}}', '{\"name\":\"n\"}', zeroblob(16));
        insert into record values (2, '{\"reading\":{\"printer\":{\"serial\":\"CN1\"},\"read_at\":1,\"grade\":\"B\",
            \"configuration\":{},\"status\":{\"engine\":\"Ready\"},\"usage\":{},
            \"sources\":\"0000000000000000000000000000000000000000000000000000000000000000\"}}',
            null, zeroblob(16));";
    let connection = Connection::open(Spool::path(folder.path())).expect("a file");
    connection.execute_batch(first).expect("the first form");
    drop(connection);
    let mut spool = open(folder.path());
    assert!(spool.resync_is_due().expect("read"), "the portal says where it stands");
    assert_eq!(spool.printers().expect("read")[0].serial.as_deref(), Some("CN1"));
    let package = outgoing(&mut spool).expect("a package");
    let json = json(&package);
    let package: Package<'_> = serde_json::from_slice(&json).expect("a package");
    let cores: Vec<Core> = package
        .records
        .iter()
        .map(|record| serde_json::from_str(record.core.get()).expect("the current form"))
        .collect();
    let [Core::Job(_), Core::Reading(reading)] = cores.as_slice() else { panic!("{cores:?}") };
    assert_eq!(package.sections[&reading.status].get(), r#"{"engine":"Ready"}"#);
    assert!(package.records[0].annex.is_some());
}

#[test]
fn a_look_changes_nothing_and_works_beside_the_agent() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(folder.path());
    append(&mut spool, 1);
    let look = Spool::look(folder.path(), MANY, World::new().surroundings()).expect("looks");
    assert_eq!(waits(&look), 4);
    drop(look);
    assert_eq!(append(&mut spool, 2), 3);
}
