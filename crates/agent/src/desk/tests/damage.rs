//! Damaged spools: whatever happened to the files, the desk opens, says so, and the portal's chain goes on.

use super::*;
use protocol::package::GapReason;
use std::fs;
use std::path::Path;

/// Ways in which files go wrong.
#[derive(Debug, Clone, Copy)]
enum Harm {
    Flip,
    FlipMany,
    Truncate,
    ZeroPage,
    RandomPage,
    NoWal,
    CutWal,
    FlipWal,
    Gone,
    Empty,
    Foreign,
    AnotherDatabase,
}

const HARMS: [Harm; 12] = [
    Harm::Flip,
    Harm::FlipMany,
    Harm::Truncate,
    Harm::ZeroPage,
    Harm::RandomPage,
    Harm::NoWal,
    Harm::CutWal,
    Harm::FlipWal,
    Harm::Gone,
    Harm::Empty,
    Harm::Foreign,
    Harm::AnotherDatabase,
];

fn at(rng: &mut Rng, length: usize) -> usize {
    let last = i64::try_from(length.max(1)).expect("short") - 1;
    usize::try_from(rng.between(0, last)).expect("not negative")
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap_or_default();
    change(&mut bytes);
    fs::write(path, bytes).expect("written");
}

fn flip(bytes: &mut [u8], rng: &mut Rng) {
    if !bytes.is_empty() {
        let index = at(rng, bytes.len());
        bytes[index] ^= 1 << at(rng, 8);
    }
}

fn page<'a>(bytes: &'a mut [u8], rng: &mut Rng) -> &'a mut [u8] {
    let start = at(rng, bytes.len() / 4096) * 4096;
    &mut bytes[start..start + 4096]
}

/// Does harm to the spool of a folder.
fn harm(folder: &Path, harm: Harm, rng: &mut Rng) {
    let (spool, wal) = (folder.join("spool.sqlite"), folder.join("spool.sqlite-wal"));
    match harm {
        Harm::Flip => edit(&spool, |bytes| flip(bytes, rng)),
        Harm::FlipMany => edit(&spool, |bytes| (0..50).for_each(|_| flip(bytes, rng))),
        Harm::Truncate => edit(&spool, |bytes| bytes.truncate(at(rng, bytes.len()))),
        Harm::ZeroPage => edit(&spool, |bytes| page(bytes, rng).fill(0)),
        Harm::RandomPage => edit(&spool, |bytes| {
            let page = page(bytes, rng);
            page.iter_mut().for_each(|byte| *byte = rng.next_u64().to_le_bytes()[0]);
        }),
        Harm::NoWal => fs::remove_file(&wal).expect("a WAL"),
        Harm::CutWal => edit(&wal, |bytes| bytes.truncate(at(rng, bytes.len()))),
        Harm::FlipWal => edit(&wal, |bytes| flip(bytes, rng)),
        Harm::Gone => {
            fs::remove_file(&spool).expect("a spool");
            fs::remove_file(&wal).expect("a WAL");
        }
        Harm::Empty => edit(&spool, Vec::clear),
        Harm::Foreign => edit(&spool, |bytes| *bytes = b"no database at all".repeat(1000)),
        Harm::AnotherDatabase => {
            fs::remove_file(&spool).expect("a spool");
            fs::remove_file(&wal).expect("a WAL");
            let other = rusqlite::Connection::open(&spool).expect("opens");
            other.execute_batch("create table song (name text); pragma user_version = 7;").expect("made");
        }
    }
}

/// Copies a folder as a crash would leave it, without the lock and the reserve.
fn crash_image(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a folder");
    for name in ["agent.json", "spool.sqlite", "spool.sqlite-wal"] {
        fs::copy(from.join(name), to.path().join(name)).expect("copied");
    }
    to
}

fn gaps(portal: &Portal) -> Vec<GapReason> {
    let why = |core: &Core| match core {
        Core::Gap(gap) => Some(gap.why),
        _ => None,
    };
    portal.cores().iter().filter_map(why).collect()
}

/// A desk at work: some packages are the portal's, one was sent and its receipt lost, records wait.
fn at_work(folder: &Path, world: &World, portal: &mut Portal) -> Desk {
    let mut desk = world.desk(folder);
    for seed in 1..=8 {
        append(&mut desk, seed, world.now());
        talk(&mut desk, portal, world);
    }
    append(&mut desk, 9, world.now());
    let sent = request(&mut desk);
    portal.hear(&sent);
    desk.failed(&sent).expect("the answer is lost");
    append(&mut desk, 10, world.now());
    desk
}

#[test]
fn whatever_happens_to_the_files_the_desk_opens_says_so_and_sends_nothing_twice_under_another_digest() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let desk = at_work(folder.path(), &world, &mut portal);
    let image = crash_image(folder.path());
    drop(desk);
    let before: Vec<String> = portal.jobs();
    let mut rng = Rng::new(7);
    for round in 0..200 {
        let folder = crash_image(image.path());
        let how = HARMS[round % HARMS.len()];
        harm(folder.path(), how, &mut rng);
        let (mut portal, world) = (portal.clone(), World::new());
        let opened = Desk::open(folder.path(), world.surroundings(), small());
        let mut desk = opened.unwrap_or_else(|error| panic!("round {round}, {how:?}: {error:?}"));
        // The printers are read again, as far as they still remember.
        for seed in 9..=10 {
            append(&mut desk, seed, world.now());
        }
        talk(&mut desk, &mut portal, &world);
        assert_eq!(portal.forks, 0, "round {round}, {how:?}");
        assert!(is_empty(&desk), "round {round}, {how:?}");
        let jobs = portal.jobs();
        assert_eq!(jobs[..before.len()], before, "round {round}, {how:?}");
        for (key, _) in split(9).jobs.iter().chain(&split(10).jobs) {
            assert!(jobs.contains(key), "round {round}, {how:?}: {key} is lost");
        }
        let moved = fs::read_dir(folder.path())
            .expect("a folder")
            .any(|entry| entry.expect("an entry").file_name().to_string_lossy().starts_with("spool.damaged-"));
        let lost = matches!(how, Harm::Gone | Harm::Empty);
        assert!(!(moved || lost) || !gaps(&portal).is_empty(), "round {round}, {how:?}: no notice of the gap");
    }
}

#[test]
fn a_crash_alone_is_no_gap() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let desk = at_work(folder.path(), &world, &mut portal);
    let image = crash_image(folder.path());
    drop(desk);
    let mut desk = world.desk(image.path());
    talk(&mut desk, &mut portal, &world);
    assert_eq!((gaps(&portal), portal.jobs().len(), portal.forks), (Vec::new(), 30, 0));
}

#[test]
fn an_older_copy_of_the_spool_goes_on_behind_the_portal_and_says_so() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    talk(&mut desk, &mut portal, &world);
    let image = crash_image(folder.path());
    for seed in 2..=4 {
        append(&mut desk, seed, world.now());
        talk(&mut desk, &mut portal, &world);
    }
    drop(desk);
    let mut desk = world.desk(image.path());
    append(&mut desk, 5, world.now());
    talk(&mut desk, &mut portal, &world);
    assert_eq!((gaps(&portal), portal.forks), (vec![GapReason::Restored], 0));
    assert_eq!(portal.jobs().len(), 15);
}

#[test]
fn a_lost_spool_is_told_as_lost_and_a_new_one_is_not() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    talk(&mut desk, &mut portal, &world);
    drop(desk);
    assert_eq!(gaps(&portal), []);
    fs::remove_file(folder.path().join("spool.sqlite")).expect("removed");
    let mut desk = world.desk(folder.path());
    append(&mut desk, 2, world.now());
    talk(&mut desk, &mut portal, &world);
    assert_eq!((gaps(&portal), portal.forks, portal.jobs().len()), (vec![GapReason::SpoolLost], 0, 6));
}

#[test]
fn damage_that_is_found_at_work_is_mended_at_work() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    append(&mut desk, 2, world.now());
    let other = rusqlite::Connection::open(folder.path().join("spool.sqlite")).expect("opens");
    other.execute_batch("update record set core = replace(core, '\"B\"', '\"A\"') where number = 1").expect("altered");
    drop(other);
    talk(&mut desk, &mut portal, &world);
    assert_eq!(gaps(&portal), [GapReason::SpoolDamaged]);
    assert_eq!(portal.jobs().len(), 5, "the altered one is not believed");
    append(&mut desk, 1, world.now());
    append(&mut desk, 2, world.now());
    talk(&mut desk, &mut portal, &world);
    assert!(split(1).jobs.iter().all(|(key, _)| portal.jobs().contains(key)), "and is read again");
    assert_eq!(portal.forks, 0);
}

#[test]
fn a_spool_of_another_account_is_refused_and_left_where_it_is_damaged_or_not() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let desk = at_work(folder.path(), &world, &mut portal);
    let image = crash_image(folder.path());
    drop(desk);
    let mut other = identity("agent-2", "Somebody else");
    other.stored.spool = true;
    other.save(image.path()).expect("saved");
    let spool = image.path().join("spool.sqlite");
    for harm in ["", "update record set core = 'altered'"] {
        rusqlite::Connection::open(&spool).expect("opens").execute_batch(harm).expect("altered");
        let opened = Desk::open(image.path(), world.surroundings(), small());
        assert!(matches!(opened, Err(DeskError::Spool(SpoolError::Foreign(_)))));
        assert!(spool.exists());
    }
}
