//! Trust: epochs of keys, rotation, old copies, and messages.

use crate::world::{NOW, Tenant, World, both, kind, minutes, pack, problem, receipt, report};
use portal::setup;
use protocol::message::{AlertNotice, Beat, Rotation, Said};
use protocol::package::PrinterIdentity;
use protocol::receipt::{Answer, Participation, SignedRefusal};
use protocol::sender::{Request, Sender};
use protocol::{MESSAGES_PATH, PACKAGES_PATH, SigningKey, VerifyingKey};
use report::{Alert, Instant, Severity};

both! {
    keys_move_on_with_their_agent_and_a_lost_answer_strands_nobody => epochs;
    an_old_copy_of_an_agent_is_refused_provably_and_noted => old_copy;
    a_refusal_to_somebody_in_between_is_none_to_the_agent => relabelled;
    an_agent_that_the_portal_lost_is_told_so_provably => lost;
    a_second_process_takes_nothing_by_keys_that_were_left_behind => two_processes;
    the_epoch_before_is_forgotten_after_a_week => forgotten;
    an_evidence_key_changes_while_packages_wait => rotation;
    a_rotation_changes_the_key_of_no_package_that_was_taken => dated_back;
    a_message_has_its_effect_once => messages;
    settings_are_told_until_a_beat_names_them => settings;
    settings_go_on_above_what_an_agent_has_after_the_portal_was_restored => restored;
    an_alert_counts_once_however_often_it_is_said => alerts;
    an_agent_that_left_is_believed_no_more => leave;
    a_revoked_agent_is_refused_at_once => revoked;
}

const BEHIND: &str = "select count(*) from agent_event where kind = 'behind'";

/// An agent, and the key that signs what the portal proves without the agent's keys.
async fn enrolled(world: &World, tenant: &Tenant) -> (Sender, VerifyingKey) {
    let (welcome, sender) = world.enrolled(tenant).await;
    (sender, VerifyingKey::from_bytes(&welcome.receipt_key.0).expect("a key"))
}

/// Both signature headers of a request, as a refusal names them.
fn signed(request: &Request) -> String {
    let [.., (_, input), (_, signature)] = &request.headers;
    format!("{input}\n{signature}")
}

/// Sends a request and expects the refusal that only the pinned key proves.
async fn behind(world: &World, path: &str, request: &Request, key: &VerifyingKey) {
    let (status, _, body) = world.post(path, request).await;
    assert_eq!(status, 403, "{}", String::from_utf8_lossy(&body));
    let refusal: SignedRefusal = serde_json::from_slice(&body).expect("a refusal");
    assert_eq!(kind(&refusal.problem), "behind");
    assert!(refusal.is_authentic(&signed(request), key));
    assert!(!refusal.is_authentic(request.signature(), key), "it is bound to the whole request");
}

/// The same with a package.
async fn refused_behind(world: &World, sender: &Sender, compressed: &[u8], key: &VerifyingKey) {
    behind(world, PACKAGES_PATH, &sender.upload(compressed, "key", &world.surroundings), key).await;
}

async fn epochs(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    for round in 0..6 {
        let compressed =
            pack(&mut sender, &report(1, minutes(10 + round * 10), &[minutes(round * 10)]), &world.surroundings);
        // The answer to the first try is lost.
        let request = sender.upload(&compressed, "key", &world.surroundings);
        assert_eq!(world.post(PACKAGES_PATH, &request).await.0, 200);
        let before = sender.clone();
        sender.ratchet();
        let again = receipt(world.upload(&sender, &compressed).await);
        // A repetition under the epoch before gets the same receipt.
        assert_eq!(receipt(world.upload(&before, &compressed).await), again);
    }
    assert_eq!(world.count("select max(epoch) from agent_key").await, 6);
    // The portal was restored from an old backup, or heard nothing for long: it follows.
    for _ in 0..300 {
        sender.ratchet();
    }
    receipt(world.report(&mut sender, &report(1, minutes(100), &[minutes(90)])).await);
    assert_eq!(world.count("select max(epoch) from agent_key").await, 306);
    // Nobody moves it on without the keys.
    let mut stranger = world.agent(&tenant).await;
    stranger.keys.id = format!("{}.307", sender.agent);
    let compressed = pack(&mut stranger, &report(2, minutes(110), &[]), &world.surroundings);
    let request = stranger.upload(&compressed, "key", &world.surroundings);
    assert_eq!(world.post(PACKAGES_PATH, &request).await.0, 401);
    assert_eq!(world.count("select max(epoch) from agent_key").await, 306);
    assert_eq!(world.count(BEHIND).await, 0);
}

async fn old_copy(world: World) {
    let tenant = world.tenant("a").await;
    let (mut sender, key) = enrolled(&world, &tenant).await;
    let first = pack(&mut sender, &report(1, minutes(10), &[minutes(1)]), &world.surroundings);
    receipt(world.upload(&sender, &first).await);
    let mut copy = sender.clone();
    sender.ratchet();
    receipt(world.report(&mut sender, &report(1, minutes(20), &[minutes(11)])).await);
    // The copy is one epoch behind: what it repeats is answered, what is new is not.
    receipt(world.upload(&copy, &first).await);
    let own = pack(&mut copy, &report(1, minutes(30), &[minutes(21)]), &world.surroundings);
    let forked = world.upload(&copy, &own).await;
    assert_eq!(problem(forked), "fork", "another package under one number proves the copy");
    let other = world.agent(&tenant).await;
    let (mut sender, mut copy) = (other.clone(), other);
    sender.ratchet();
    receipt(world.report(&mut sender, &report(3, minutes(20), &[minutes(11)])).await);
    // Something new with the keys of the epoch before proves that there are two.
    for _ in 0..2 {
        let request = copy.message(beat(1), &world.surroundings);
        behind(&world, MESSAGES_PATH, &request, &key).await;
    }
    assert_eq!(world.count(BEHIND).await, 1, "once an hour");
    world.set_now(Instant(NOW.0 + 3_600_001));
    let request = copy.message(beat(1), &world.surroundings);
    behind(&world, MESSAGES_PATH, &request, &key).await;
    assert_eq!(world.count(BEHIND).await, 2);
    sender.ratchet();
    receipt(world.report(&mut sender, &report(3, minutes(30), &[minutes(21)])).await);
    // Two epochs behind, its keys are gone: it gets the refusal, and nothing proves who asked.
    world.set_now(Instant(NOW.0 + 7_200_002));
    let own = pack(&mut copy, &report(3, minutes(40), &[minutes(31)]), &world.surroundings);
    refused_behind(&world, &copy, &own, &key).await;
    assert_eq!(world.count(BEHIND).await, 2);
    receipt(world.report(&mut sender, &report(3, minutes(50), &[minutes(41)])).await);
    assert_eq!(world.count("select count(*) from job").await, 5);
}

async fn relabelled(world: World) {
    let tenant = world.tenant("a").await;
    let (mut sender, key) = enrolled(&world, &tenant).await;
    for round in 0..3 {
        sender.ratchet();
        let (read, finished) = (minutes(10 + round * 10), minutes(1 + round * 10));
        receipt(world.report(&mut sender, &report(1, read, &[finished])).await);
    }
    let own = sender.message(beat(1), &world.surroundings);
    // Somebody in between puts an older key id before the agent's signature, and plays the answer to it.
    let mut forged = sender.message(beat(1), &world.surroundings);
    forged.headers.clone_from(&own.headers);
    forged.body.clone_from(&own.body);
    forged.headers[3].1 = own.headers[3].1.replace(&format!("{}.3", sender.agent), &format!("{}.0", sender.agent));
    assert_ne!(forged.headers[3].1, own.headers[3].1);
    let (status, _, body) = world.post(MESSAGES_PATH, &forged).await;
    assert_eq!(status, 403);
    let refusal: SignedRefusal = serde_json::from_slice(&body).expect("a refusal");
    assert!(refusal.is_authentic(&signed(&forged), &key));
    assert!(!refusal.is_authentic(&signed(&own), &key), "the agent would pause");
    assert_eq!(world.count(BEHIND).await, 0, "nobody is suspected for it");
}

/// As after a restore from a backup that is older than the enrolment.
async fn lost(world: World) {
    let tenant = world.tenant("a").await;
    let (_, key) = enrolled(&world, &tenant).await;
    let mut sender = world.agent(&tenant).await;
    sender.keys.id = "0123456789abcdef.0".to_owned();
    let compressed = pack(&mut sender, &report(1, minutes(10), &[]), &world.surroundings);
    let request = sender.upload(&compressed, "key", &world.surroundings);
    let (status, _, body) = world.post(PACKAGES_PATH, &request).await;
    assert_eq!(status, 403);
    let refusal: SignedRefusal = serde_json::from_slice(&body).expect("a refusal");
    assert_eq!(kind(&refusal.problem), "unknown");
    assert!(refusal.is_authentic(&signed(&request), &key));
}

async fn two_processes(world: World) {
    let other = world.another().await;
    let tenant = world.tenant("a").await;
    let (mut sender, key) = enrolled(&world, &tenant).await;
    let mut copy = sender.clone();
    // Both remember the keys of epoch 0 now.
    let first = pack(&mut sender, &report(1, minutes(10), &[minutes(1)]), &world.surroundings);
    receipt(world.upload(&sender, &first).await);
    receipt(other.upload(&sender, &first).await);
    sender.ratchet();
    receipt(world.report(&mut sender, &report(1, minutes(20), &[minutes(11)])).await);
    let request = copy.message(beat(1), &world.surroundings);
    behind(&other, MESSAGES_PATH, &request, &key).await;
    assert_eq!(world.count("select count(*) from agent_beat").await, 0);
    // And both remember the evidence keys.
    let mut sender = world.agent(&tenant).await;
    let first = pack(&mut sender, &report(2, minutes(10), &[minutes(1)]), &world.surroundings);
    receipt(world.upload(&sender, &first).await);
    receipt(other.upload(&sender, &first).await);
    let mut copy = sender.clone();
    let request = sender.rotate(&world.surroundings);
    assert!(matches!(world.sent(&sender, &request).await, Answer::Heard { .. }));
    let with_old = pack(&mut copy, &report(2, minutes(20), &[minutes(11)]), &world.surroundings);
    assert_eq!(problem(other.upload(&copy, &with_old).await), "evidence");
    let with_new = pack(&mut sender, &report(2, minutes(20), &[minutes(11)]), &world.surroundings);
    receipt(other.upload(&sender, &with_new).await);
    assert_eq!(world.count("select count(*) from job").await, 4);
}

async fn forgotten(world: World) {
    let tenant = world.tenant("a").await;
    let (mut sender, key) = enrolled(&world, &tenant).await;
    let first = pack(&mut sender, &report(1, minutes(10), &[minutes(1)]), &world.surroundings);
    receipt(world.upload(&sender, &first).await);
    let before = sender.clone();
    sender.ratchet();
    receipt(world.upload(&sender, &first).await);
    let new = pack(&mut sender.clone(), &report(1, minutes(20), &[]), &world.surroundings);
    refused_behind(&world, &before, &new, &key).await;
    receipt(world.upload(&before, &first).await);
    world.set_now(Instant(NOW.0 + 8 * 86_400_000));
    refused_behind(&world, &before, &first, &key).await;
    receipt(world.upload(&sender, &first).await);
}

async fn rotation(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    receipt(world.report(&mut sender, &report(1, minutes(10), &[minutes(1)])).await);
    let waiting = pack(&mut sender, &report(1, minutes(20), &[minutes(11)]), &world.surroundings);
    let mut copy = sender.clone();
    // Introduced by a key that is not the one before, it changes nothing.
    let (strange, next) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
    let forged = Rotation::signed(&sender.agent, sender.next_sequence(), &strange, &next);
    assert_eq!(problem(world.say(&mut sender, Said::Rotation(forged)).await), "rotation");
    let request = sender.rotate(&world.surroundings);
    for _ in 0..2 {
        assert!(matches!(world.sent(&sender, &request).await, Answer::Heard { .. }));
    }
    assert_eq!(world.count("select count(*) from agent_event where kind = 'rotation'").await, 1);
    let with_new = pack(&mut sender, &report(1, minutes(30), &[minutes(21)]), &world.surroundings);
    receipt(world.upload(&sender, &waiting).await);
    // The key before is worth nothing from there on.
    let with_old = pack(&mut copy, &report(1, minutes(30), &[minutes(21)]), &world.surroundings);
    assert_eq!(problem(world.upload(&copy, &with_old).await), "evidence");
    receipt(world.upload(&sender, &with_new).await);
    assert_eq!(world.count("select count(*) from job").await, 3);
}

async fn dated_back(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    for round in 0..3 {
        let (read, finished) = (minutes(10 + round * 10), minutes(1 + round * 10));
        receipt(world.report(&mut sender, &report(1, read, &[finished])).await);
    }
    let next = SigningKey::from_bytes(&[8; 32]);
    for from in 1..sender.next_sequence() {
        let back = Rotation::signed(&sender.agent, from, &sender.evidence, &next);
        assert_eq!(problem(world.say(&mut sender, Said::Rotation(back)).await), "rotation", "{from}");
    }
    assert_eq!(world.count("select count(*) from agent_evidence_key").await, 0);
    let request = sender.rotate(&world.surroundings);
    assert!(matches!(world.sent(&sender, &request).await, Answer::Heard { .. }));
    receipt(world.report(&mut sender, &report(1, minutes(60), &[minutes(51)])).await);
}

fn beat(settings_version: u64) -> Said {
    let beat = Beat {
        at: Instant(NOW.0 + 3_600_000),
        version: "9.9.9".to_owned(),
        host: "pc-8".to_owned(),
        settings_version,
        interval_minutes: 180,
        records_waiting: 12,
        consents: vec!["read 192.0.2.0/24".to_owned()],
        ..Beat::default()
    };
    Said::Beat(Box::new(beat))
}

async fn messages(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    receipt(world.report(&mut sender, &report(1, minutes(10), &[minutes(1)])).await);
    let request = sender.message(beat(1), &world.surroundings);
    let Answer::Heard { at, standing, .. } = world.sent(&sender, &request).await else { panic!("not heard") };
    assert_eq!((at, standing.next_sequence, standing.next_record, standing.next_message), (NOW, 2, 3, 2));
    assert_eq!(world.count("select clock_offset from agent_beat").await, 3_600_000);
    assert_eq!(world.count("select count(*) from agent where host = 'pc-8' and version = '9.9.9'").await, 1);
    // Said again, and an earlier number after a later one: heard, and nothing changes.
    world.set_now(Instant(NOW.0 + 60_000));
    let later = sender.message(beat(1), &world.surroundings);
    assert!(matches!(world.sent(&sender, &later).await, Answer::Heard { .. }));
    world.set_now(Instant(NOW.0 + 120_000));
    for _ in 0..3 {
        let Answer::Heard { standing, .. } = world.sent(&sender, &request).await else { panic!("not heard") };
        assert_eq!(standing.next_message, 3);
    }
    assert_eq!(world.count("select number from agent_beat").await, 2);
    assert_eq!(world.count("select heard_at from agent_beat").await, NOW.0 + 60_000);
    // Altered, it is not the agent's.
    let mut altered = sender.message(beat(1), &world.surroundings);
    let middle = altered.body.len() / 2;
    altered.body[middle] ^= 1;
    assert_eq!(world.post(protocol::MESSAGES_PATH, &altered).await.0, 401);
}

async fn settings(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let version = |answer: &Answer| match answer {
        Answer::Accepted { settings, .. } | Answer::Heard { settings, .. } => {
            settings.as_ref().map(|settings| settings.version)
        }
        other => panic!("{other:?}"),
    };
    // Before the first beat every answer tells them.
    let answer = world.report(&mut sender, &report(1, minutes(10), &[minutes(1)])).await;
    let told = version(&answer).expect("told");
    assert_eq!(version(&world.say(&mut sender, beat(told)).await), None);
    let answer = world.report(&mut sender, &report(1, minutes(20), &[minutes(11)])).await;
    assert_eq!(version(&answer), None);
    let (reseller, agent) = (tenant.reseller.clone(), sender.agent.clone());
    world
        .setup(move |portal| {
            let ranges = ["192.0.2.0/24".to_owned(), "192.0.2.9-192.0.2.12".to_owned()];
            setup::ranges(portal, &reseller, &agent, &ranges, &[]).expect("set");
            setup::collect_now(portal, &reseller, &agent).expect("asked");
            assert!(setup::collect_now(portal, &reseller, "none").is_err());
        })
        .await;
    let Answer::Heard { settings: Some(settings), .. } = world.say(&mut sender, beat(told)).await else {
        panic!("not told")
    };
    assert_eq!((settings.version, settings.collect, settings.ranges.len()), (told + 2, 1, 2));
    let Participation::Listed(serials) = &settings.participation else { panic!("all take part") };
    assert_eq!(serials.len(), 1, "the printer that was read takes part");
    assert_eq!(version(&world.say(&mut sender, beat(told + 2)).await), None);
}

async fn restored(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    // The agent has the fortieth settings; the portal was restored to before them.
    let Answer::Heard { settings: Some(settings), .. } = world.say(&mut sender, beat(40)).await else {
        panic!("not told")
    };
    assert_eq!(settings.version, 41, "an agent takes no older ones");
    assert!(matches!(world.say(&mut sender, beat(41)).await, Answer::Heard { settings: None, .. }));
    // A version that no portal ever gave moves nothing.
    world.say(&mut sender, beat(u64::MAX)).await;
    assert_eq!(world.count("select settings_version from agent").await, 41);
}

async fn alerts(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let mut quiet = report(1, minutes(10), &[]);
    quiet.alerts.clear();
    receipt(world.report(&mut sender, &quiet).await);
    let notice = |code: &str, severity: Severity| AlertNotice {
        printer: PrinterIdentity::of(&quiet.configuration).expect("named"),
        read_at: minutes(20),
        alert: Alert { code: code.to_owned(), severity, since: Some(minutes(19)), ..Alert::default() },
    };
    let said = Said::Alerts(vec![notice("/JAM", Severity::Severe), notice("/LOW", Severity::Warning)]);
    let request = sender.message(said.clone(), &world.surroundings);
    for _ in 0..3 {
        assert!(matches!(world.sent(&sender, &request).await, Answer::Heard { .. }));
    }
    assert!(matches!(world.say(&mut sender, said).await, Answer::Heard { .. }));
    assert_eq!(world.count("select count(*) from printer_alert").await, 2);
    assert_eq!(world.count("select alerts * 10 + severe_alerts from printer_state").await, 21);
    // The next reading says how it is now.
    receipt(world.report(&mut sender, &report::Report { read_at: minutes(30), ..quiet.clone() }).await);
    assert_eq!(world.count("select alerts * 10 + severe_alerts from printer_state").await, 0);
    let late = Said::Alerts(vec![notice("/OLD", Severity::Severe)]);
    assert!(matches!(world.say(&mut sender, late).await, Answer::Heard { .. }));
    assert_eq!(world.count("select severe_alerts from printer_state").await, 0, "the reading is newer");
}

async fn leave(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    let first = pack(&mut sender, &report(1, minutes(10), &[minutes(1)]), &world.surroundings);
    let kept = receipt(world.upload(&sender, &first).await);
    let farewell = sender.message(Said::Leave { at: NOW }, &world.surroundings);
    for _ in 0..2 {
        assert!(matches!(world.sent(&sender, &farewell).await, Answer::Heard { .. }));
    }
    assert_eq!(world.count("select count(*) from agent where state = 'left'").await, 1);
    assert_eq!(world.count("select count(*) from agent_event where kind = 'left'").await, 1);
    assert_eq!(problem(world.say(&mut sender, beat(1)).await), "revoked");
    let next = world.report(&mut sender, &report(1, minutes(20), &[minutes(11)])).await;
    assert_eq!(problem(next), "revoked");
    let Answer::Accepted { receipt, settings, .. } = world.upload(&sender, &first).await else { panic!("refused") };
    assert_eq!(receipt, kept, "a receipt is for ever");
    assert_eq!(settings, None, "and all that it learns");
}

async fn revoked(world: World) {
    let tenant = world.tenant("a").await;
    let mut sender = world.agent(&tenant).await;
    receipt(world.report(&mut sender, &report(1, minutes(10), &[minutes(1)])).await);
    let (reseller, agent) = (tenant.reseller.clone(), sender.agent.clone());
    world.setup(move |portal| setup::revoke(portal, &reseller, &agent).expect("revoked")).await;
    let next = world.report(&mut sender, &report(1, minutes(20), &[minutes(11)])).await;
    assert_eq!(problem(next), "revoked");
    assert_eq!(problem(world.say(&mut sender, beat(1)).await), "revoked");
    assert_eq!(problem(world.confirm(&sender).await), "revoked");
    assert_eq!(world.count("select count(*) from job").await, 1);
}
