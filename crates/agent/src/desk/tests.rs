//! The desk against a portal in memory: what is proved changes something, and nothing else does.

mod damage;
mod enrolments;
mod first_contact;
mod keys;
mod room;

use super::*;
use crate::budget::{ALERT_RESERVE, WINDOW_BYTES};
use crate::testing::{Portal, START, World, answered, append, identity, small, split, talk};
use protocol::message::Said;
use protocol::package::{Core, Package};
use protocol::receipt::{Answer, Receipt};
use protocol::{SigningKey, package};
use report::sample::Rng;
use report::{Alert, Severity};

/// A folder with an enrolled and confirmed agent.
fn enrolled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    identity("agent-1", "Customer").save(folder.path()).expect("saved");
    folder
}

/// The next request, which must be ready.
fn request(desk: &mut Desk) -> Box<Outbound> {
    match desk.turn().expect("a turn") {
        Turn::Send(request) => request,
        turn => panic!("nothing to send: {turn:?}"),
    }
}

/// Sends the next request, to which no answer comes.
fn lose(desk: &mut Desk) {
    let lost = request(desk);
    desk.failed(&lost).expect("noted");
}

fn notice(code: &str) -> AlertNotice {
    let alert = Alert { code: code.to_owned(), severity: Severity::Severe, since: Some(START), ..Alert::default() };
    AlertNotice { printer: split(1).printer, read_at: START, alert }
}

/// The beats that the portal heard, in order.
fn beats(portal: &Portal) -> Vec<&Beat> {
    let beats = portal.said.iter().filter_map(|said| match said {
        Said::Beat(beat) => Some(beat.as_ref()),
        _ => None,
    });
    beats.collect()
}

fn is_empty(desk: &Desk) -> bool {
    let unsent = desk.unsent().expect("counts");
    (unsent.records, unsent.packages, unsent.jobs, unsent.pages) == (0, 0, 0, 0)
}

#[test]
fn everything_arrives_once_and_in_order() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    let mut expected = Vec::new();
    for seed in 1..=30 {
        append(&mut desk, seed, world.now());
        append(&mut desk, seed, world.now());
        expected.extend(split(seed).jobs.into_iter().map(|(key, _)| key));
    }
    assert_eq!(desk.unsent().expect("counts").jobs, 90);
    talk(&mut desk, &mut portal, &world);
    assert_eq!(portal.jobs(), expected);
    assert!(is_empty(&desk));
    assert!(portal.refused.is_empty());
}

#[test]
fn only_one_desk_works_on_a_folder_and_looking_is_free() {
    let (folder, world) = (enrolled(), World::new());
    let desk = world.desk(folder.path());
    let second = Desk::open(folder.path(), world.surroundings(), small());
    assert!(matches!(second, Err(DeskError::Busy(_))));
    Desk::look(folder.path(), world.surroundings(), small()).expect("looks");
    drop(desk);
    world.desk(folder.path());
}

/// An authentic answer made unauthentic in one of many ways.
fn forged(authentic: &Inbound, other: &Inbound, request: &Outbound, rng: &mut Rng) -> Inbound {
    let mut forged = authentic.clone();
    let mut index = |length: usize| {
        usize::try_from(rng.between(0, i64::try_from(length).expect("short") - 1)).expect("not negative")
    };
    match index(9) {
        0 => {
            let at = index(forged.body.len());
            forged.body[at] ^= 1 << index(8);
        }
        1 => forged.body.truncate(index(authentic.body.len())),
        2 => forged.status = [301, 400, 403, 404, 409, 410, 500, 502][index(8)],
        3 => {
            let at = index(forged.headers.len());
            let value = &mut forged.headers[at].1;
            let cut = index(value.len());
            value.truncate(cut);
        }
        4 => drop(forged.headers.remove(index(authentic.headers.len()))),
        5 => forged.body.clone_from(&other.body),
        6 => forged.clone_from(other),
        // The request itself, reflected.
        7 => {
            forged.body.clone_from(&request.body);
            forged.headers = request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        }
        _ => {
            forged.headers = vec![("content-type".to_owned(), "text/html".to_owned())];
            forged.body = b"<html>sign in to this network</html>".to_vec();
        }
    }
    forged
}

#[test]
fn forged_altered_and_reflected_answers_release_nothing() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    desk.ask_beat(Beat::default());
    let beat = request(&mut desk);
    let other = portal.hear(&beat);
    desk.answered(&beat, &other).expect("heard");
    let sent = request(&mut desk);
    let authentic = portal.hear(&sent);
    let mut rng = Rng::new(5);
    for round in 0..2_000 {
        let answer = forged(&authentic, &other, &sent, &mut rng);
        if answer == authentic {
            continue;
        }
        let outcome = desk.answered(&sent, &answer).expect("judged");
        assert_eq!(outcome, Outcome::Unproved, "round {round}: {answer:?}");
    }
    let unsent = desk.unsent().expect("counts");
    assert_eq!((unsent.records, unsent.packages), (0, 1));
    assert_eq!(desk.settings().expect("read"), Settings::default());
    assert_eq!(desk.answered(&sent, &authentic).expect("judged"), Outcome::Kept { more: false });
    assert_eq!(desk.answered(&sent, &authentic).expect("again"), Outcome::Kept { more: false }, "a duplicate");
    assert!(is_empty(&desk));
}

#[test]
fn a_receipt_that_the_pinned_key_did_not_sign_releases_nothing_even_when_the_answer_is_proved() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    let sent = request(&mut desk);
    portal.hear(&sent);
    let receipt = portal.kept[&1].receipt.clone();
    let another = SigningKey::from_bytes(&[9; 32]);
    let key = portal.receipt_key().clone();
    let wrong = [
        receipt.clone().signed(&another),
        Receipt { sequence: 2, ..receipt.clone() }.signed(&key),
        Receipt { digest: Hex([1; 32]), ..receipt.clone() }.signed(&key),
        Receipt { agent: "agent-2".to_owned(), ..receipt.clone() }.signed(&key),
        Receipt { last: 99, ..receipt },
    ];
    let request = sent.request.clone().expect("signed");
    for receipt in wrong {
        let answer =
            Answer::Accepted { receipt, settings: None, wanted: Vec::new(), duty: protocol::receipt::Duty::Read };
        let answer = answered(&request.keys, &answer, &request.signature);
        assert_eq!(desk.answered(&sent, &answer).expect("judged"), Outcome::Unproved);
    }
    assert_eq!(desk.unsent().expect("counts").packages, 1);
}

#[test]
fn a_portal_restored_from_a_backup_gets_everything_again() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    for seed in 1..=12 {
        append(&mut desk, seed, world.now());
        talk(&mut desk, &mut portal, &world);
        world.pass(Duration::hours(3));
    }
    let before = portal.clone();
    for sequence in [12, 4, 1] {
        portal.restore(sequence);
        append(&mut desk, 12 + sequence, world.now());
        talk(&mut desk, &mut portal, &world);
    }
    assert_eq!(portal.forks, 0);
    for (sequence, kept) in &before.kept {
        assert_eq!(portal.kept[sequence].receipt, kept.receipt, "the very packages");
    }
    assert_eq!(portal.jobs().len(), before.jobs().len() + 9);
}

#[test]
fn an_alert_waits_minutes_for_a_portal_that_was_away_and_not_for_the_back_off_of_messages() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    desk.ask_beat(Beat::default());
    for _ in 0..8 {
        lose(&mut desk);
        let Turn::Wait(until) = desk.turn().expect("a turn") else { panic!("it waits") };
        world.set(until);
    }
    lose(&mut desk);
    desk.alert(notice("jam")).expect("queued");
    for _ in 0..3 {
        lose(&mut desk);
        let Turn::Wait(until) = desk.turn().expect("a turn") else { panic!("it waits") };
        assert!(until <= world.now().plus(Duration::minutes(2)), "{} ms", until.since(world.now()).0);
        world.set(until);
    }
    let alert = request(&mut desk);
    let answer = portal.hear(&alert);
    desk.answered(&alert, &answer).expect("heard");
    assert_eq!(portal.alerts().len(), 1);
    let beat = request(&mut desk);
    portal.hear(&beat);
    assert_eq!(beats(&portal).len(), 1, "and what waited for the portal goes on at once");
}

#[test]
fn new_settings_are_answered_with_a_beat_that_names_them() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    portal.settings = Some(Settings { version: 5, interval_minutes: 60, ..Settings::default() });
    desk.ask_beat(Beat { host: "host".to_owned(), ..Beat::default() });
    talk(&mut desk, &mut portal, &world);
    let versions: Vec<u64> = beats(&portal).iter().map(|beat| beat.settings_version).collect();
    assert_eq!(versions, [0, 5]);
    portal.settings = Some(Settings { version: 6, interval_minutes: 60, ..Settings::default() });
    drop(desk);
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    talk(&mut desk, &mut portal, &world);
    let beats = beats(&portal);
    let last = beats.last().expect("a beat");
    assert_eq!((last.settings_version, last.host.as_str()), (6, "host"), "also after a restart");
}

#[test]
fn each_alert_is_said_once_though_answers_are_lost_and_packages_spent_the_budget() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    desk.budget.charge(world.now(), budget::Lane::Ordinary, WINDOW_BYTES - ALERT_RESERVE);
    append(&mut desk, 1, world.now());
    assert!(matches!(desk.turn().expect("a turn"), Turn::Wait(_)), "packages wait for the budget");
    for number in 0..40 {
        desk.alert(notice(&format!("jam {number}"))).expect("queued");
        desk.alert(notice(&format!("jam {number}"))).expect("queued before");
    }
    let first = request(&mut desk);
    assert_eq!(first.path, protocol::MESSAGES_PATH, "alerts have their reserve");
    portal.hear(&first);
    desk.failed(&first).expect("the answer was lost");
    desk.alert(notice("later")).expect("queued");
    drop(desk);
    let mut desk = world.desk(folder.path());
    talk(&mut desk, &mut portal, &world);
    let mut expected: Vec<String> = (0..40).map(|number| format!("jam {number}")).collect();
    expected.push("later".to_owned());
    assert_eq!(portal.alerts(), expected);
    assert_eq!(portal.jobs().len(), 3);
}

#[test]
fn what_was_said_under_a_number_that_the_portal_had_already_is_said_again() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    portal.next_message = 50;
    let mut desk = world.desk(folder.path());
    desk.alert(notice("jam")).expect("queued");
    desk.ask_beat(Beat { host: "host".to_owned(), ..Beat::default() });
    talk(&mut desk, &mut portal, &world);
    assert_eq!((portal.alerts().len(), beats(&portal).len(), portal.next_message), (1, 1, 52));
    assert_eq!(beats(&portal)[0].host, "host");
}

#[test]
fn a_beat_says_what_waits() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    desk.ask_beat(Beat { records_waiting: 99, ..Beat::default() });
    talk(&mut desk, &mut portal, &world);
    let beats = beats(&portal);
    let [beat] = beats.as_slice() else { panic!("one beat: {beats:?}") };
    assert_eq!((beat.records_waiting, beat.packages_waiting, beat.oldest_waiting), (4, 0, Some(START)));
    assert!(beat.spool_bytes > 0);
}

#[test]
fn settings_arrive_with_any_answer_and_never_go_back() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    for (version, interval_minutes) in [(5, 60), (4, 30)] {
        portal.settings = Some(Settings { version, interval_minutes, ..Settings::default() });
        desk.ask_beat(Beat::default());
        talk(&mut desk, &mut portal, &world);
        assert_eq!(desk.settings().expect("read").interval_minutes, 60);
    }
}

#[test]
fn a_tighter_policy_reaches_what_waits_and_what_is_packed_and_every_signature_still_holds() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    lose(&mut desk);
    append(&mut desk, 2, world.now());
    let drop_all = |personal: &mut Personal| *personal = Personal::default();
    let changed = desk.refilter(&drop_all, Timestamps::Minute).expect("filtered");
    assert_eq!(changed, 4, "three jobs that wait, and one package");
    assert_eq!(desk.refilter(&drop_all, Timestamps::Minute).expect("filtered"), 0);
    talk(&mut desk, &mut portal, &world);
    assert_eq!(portal.jobs().len(), 6);
    for kept in portal.kept.values() {
        assert!(!String::from_utf8_lossy(&kept.json).contains("plan of house"));
    }
    drop(desk);
    let file = std::fs::read(folder.path().join("spool.sqlite")).expect("the file");
    assert!(!file.windows(13).any(|window| window == b"plan of house"));
}

#[test]
fn nothing_is_packed_before_it_may_be_sent_and_what_left_is_shown_as_sent() {
    let (folder, world) = (enrolled(), World::new());
    let mut desk = world.desk(folder.path());
    desk.budget.charge(world.now(), budget::Lane::Ordinary, WINDOW_BYTES - ALERT_RESERVE);
    append(&mut desk, 1, world.now());
    let Turn::Wait(until) = desk.turn().expect("a turn") else { panic!("the budget is used up") };
    assert_eq!(desk.waits_for(), WaitsFor::Budget);
    let handed = |desk: &Desk| desk.sent(10).expect("read").iter().map(|sent| sent.handed_over).collect::<Vec<_>>();
    assert!(handed(&desk).is_empty(), "a package made now could be too large for what is free then");
    world.set(until);
    lose(&mut desk);
    drop(desk);
    assert_eq!(handed(&world.desk(folder.path())), [true], "sent, and nobody knows whether it arrived");
}

#[test]
fn a_connection_that_never_came_about_costs_the_budget_next_to_nothing() {
    let (folder, world) = (enrolled(), World::new());
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    for _ in 0..30 {
        // The portal's machine is off; each process tries once.
        let refused = request(&mut desk);
        desk.unreached(&refused).expect("noted");
        drop(desk);
        desk = world.desk(folder.path());
    }
    let mut lost = 0;
    while let Turn::Send(sent) = desk.turn().expect("a turn") {
        desk.failed(&sent).expect("no answer");
        lost += 1;
        drop(desk);
        desk = world.desk(folder.path());
    }
    assert_eq!(desk.waits_for(), WaitsFor::Budget);
    assert!((1..12).contains(&lost), "what may have been sent is charged in full: {lost}");
}

#[test]
fn what_was_sent_can_be_read() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    talk(&mut desk, &mut portal, &world);
    let sent = desk.sent(10).expect("read");
    let [sent] = sent.as_slice() else { panic!("one package") };
    assert_eq!(sent.json.as_bytes(), portal.kept[&1].json);
    assert!(sent.acknowledged_at.is_some());
}

#[test]
fn leaving_says_so_and_proves_what_was_removed() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    lose(&mut desk);
    append(&mut desk, 2, world.now());
    let unsent = desk.unsent().expect("counts");
    assert_eq!((unsent.records, unsent.packed, unsent.jobs), (4, 4, 6));
    std::fs::write(folder.path().join("notes.txt"), "of somebody else").expect("written");
    let sent = desk.leave().expect("a last word");
    let answer = portal.hear(&sent);
    assert_eq!(desk.answered(&sent, &answer).expect("judged"), Outcome::Confirmed);
    assert!(portal.left());
    let identity = std::fs::read(folder.path().join("agent.json")).expect("the file");
    let farewell = desk.erase().expect("erased");
    assert_eq!(farewell.unsent, 8, "four in a package that never left, and four that wait");
    let key = protocol::VerifyingKey::from_bytes(&farewell.evidence_key.0).expect("a key");
    assert!(protocol::verify(&key, farewell.statement().as_bytes(), &farewell.signature));
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(left, ["left-agent-1.json", "notes.txt"]);
    let listed = (identity.len() as u64, Hex(protocol::sha256(&[&identity])));
    assert!(farewell.files.iter().any(|(name, bytes, digest)| name == "agent.json" && (*bytes, *digest) == listed));
}

#[test]
fn values_of_the_caller_and_pins_outlive_a_restart() {
    let (folder, world) = (enrolled(), World::new());
    let mut desk = world.desk(folder.path());
    desk.set_value("place", "of the caller").expect("kept");
    assert_eq!(desk.pin("192.0.2.10").expect("known"), None);
    let read = ReadFrom { address: "192.0.2.10", now: START, fingerprint: Some(Hex([7; 32])), defects: 2 };
    desk.append_jobs(&split(1), read).expect("kept");
    drop(desk);
    let mut desk = world.desk(folder.path());
    assert_eq!(desk.value("place").expect("read").as_deref(), Some("of the caller"));
    assert_eq!(desk.pin("192.0.2.10").expect("known"), Some(Hex([7; 32])));
    let unsent = desk.unsent().expect("counts");
    assert_eq!((unsent.records, unsent.jobs), (3, 3), "jobs without a reading");
    assert!(desk.unpin("192.0.2.10").expect("known"));
    assert_eq!(desk.pin("192.0.2.10").expect("known"), None);
}

#[test]
fn thirty_days_without_a_portal_lose_nothing_and_are_drained_in_order_within_the_catch_up_budget() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let options = || DeskOptions { spool_bytes_max: 256 * 1024 * 1024, ..DeskOptions::default() };
    let mut desk = Desk::open(folder.path(), world.surroundings(), options()).expect("opens");
    let mut expected = Vec::new();
    for seed in 1..=120 {
        world.pass(Duration::hours(6));
        append(&mut desk, seed, world.now());
        expected.extend(split(seed).jobs.into_iter().map(|(key, _)| key));
        if let Turn::Send(sent) = desk.turn().expect("a turn") {
            desk.failed(&sent).expect("noted");
        }
    }
    drop(desk);
    let mut desk = Desk::open(folder.path(), world.surroundings(), options()).expect("opens");
    let begun = world.now();
    talk(&mut desk, &mut portal, &world);
    assert_eq!(portal.jobs(), expected);
    assert!(world.now().since(begun) <= Duration::minutes(62), "it took {} ms", world.now().since(begun).0);
}

#[test]
fn each_package_is_small_enough_for_the_budget_of_half_an_hour() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    for seed in 1..=200 {
        append(&mut desk, seed, world.now());
    }
    while !is_empty(&desk) {
        match desk.turn().expect("a turn") {
            Turn::Send(sent) => {
                let cost = budget::cost(sent.bytes() + budget::ANSWER_BYTES);
                assert!(cost <= WINDOW_BYTES - ALERT_RESERVE, "{cost}");
                let answer = portal.hear(&sent);
                desk.answered(&sent, &answer).expect("judged");
            }
            Turn::Wait(until) => world.set(until),
            Turn::Idle => panic!("something waits"),
        }
    }
    let packages: Vec<usize> = portal
        .kept
        .values()
        .map(|kept| serde_json::from_slice::<Package<'_>>(&kept.json).expect("a package").records.len())
        .collect();
    assert_eq!(packages.iter().sum::<usize>(), 800);
    assert!(package::compress(&portal.kept[&1].json).len() > 20_000, "packages are worth their connection");
}
