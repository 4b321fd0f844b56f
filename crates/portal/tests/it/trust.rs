//! Trust: epochs of keys, rotation, old copies, messages, and the ways of enrolment.

use crate::world::{NOW, PLAIN, Tenant, World, both, kind, pack, pack_in, problem, receipt, report};
use portal::setup;
use protocol::enrol::{self, CompareAnswer, CompareRequest, Hello, Way};
use protocol::message::{AgentKind, AlertNotice, Beat, Rotation, Said};
use protocol::package::{Manner, PrinterIdentity};
use protocol::receipt::{Answer, Participation, SignedRefusal};
use protocol::sender::{At, Handshake, Request, Sender};
use protocol::{COMPARE_PATH, Hex, MESSAGES_PATH, PACKAGES_PATH, SigningKey, VerifyingKey};
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
    a_printer_is_enrolled_by_its_six_digits => comparison;
    a_comparison_ends_with_one_wrong_try_or_a_quarter_of_an_hour => comparison_ends;
    a_comparison_is_opened_once_an_announcement_and_by_nobody_else => announced_once;
    no_reseller_ends_what_another_one_announced => two_announce;
    a_factory_secret_enrols_once_a_claim => factory;
    a_claim_is_withdrawn_unless_its_agent_is_at_work => withdrawn;
    a_file_enrols_nobody_after_its_agent_was_revoked => revoked_pending;
    a_cancelled_file_enrols_nobody => cancelled;
}

const BEHIND: &str = "select count(*) from agent_event where kind = 'behind'";

fn minutes(minutes: i64) -> Instant {
    Instant(NOW.0 - 86_400_000 + minutes * 60_000)
}

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

fn printer(serial: &str) -> PrinterIdentity {
    PrinterIdentity { serial: serial.to_owned(), product_number: None, product_name: Some("T930".to_owned()) }
}

fn hello(evidence: &SigningKey, serial: &str, nonce: Option<Hex<16>>) -> Hello {
    Hello {
        evidence_key: Hex(*evidence.verifying_key().as_bytes()),
        host: "panel".to_owned(),
        version: "1.0.0".to_owned(),
        kind: AgentKind::Firmware,
        printer: Some(printer(serial)),
        nonce,
    }
}

/// Announces a printer for a tenant's customer.
async fn announce(world: &World, tenant: &Tenant, serial: &'static str) {
    let (reseller, customer) = (tenant.reseller.clone(), tenant.customer);
    world.setup(move |portal| setup::announce(portal, &reseller, customer, serial).expect("announced")).await;
}

/// A printer that was announced and asks for a comparison: its agent and the digits on its panel.
async fn compare(world: &World, tenant: &Tenant, serial: &'static str) -> (Sender, String) {
    announce(world, tenant, serial).await;
    ask(world, serial, serial, false).await.expect("met")
}

/// A printer that asks for a comparison under the name `named`. With `other`, it opens its commitment with
/// another nonce. The error is the status and the answer.
async fn ask(world: &World, named: &str, serial: &str, other: bool) -> Result<(Sender, String), (u16, String)> {
    let evidence = SigningKey::from_bytes(&world.surroundings.random());
    let (nonce, key) = (Hex(world.surroundings.random()), Hex(*evidence.verifying_key().as_bytes()));
    let asked = CompareRequest { commitment: enrol::commitment(&nonce, &key), label: enrol::label(named) };
    let response = reqwest::Client::new()
        .post(format!("{}{COMPARE_PATH}", world.agents))
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&asked).expect("serialises"))
        .send()
        .await
        .expect("answered");
    let (status, body) = (response.status().as_u16(), response.bytes().await.expect("a body"));
    if status != 200 {
        return Err((status, String::from_utf8_lossy(&body).into_owned()));
    }
    let answer: CompareAnswer = serde_json::from_slice(&body).expect("a session");
    let shown = enrol::digits(&answer.portal_key, &key, &nonce, &answer.nonce);
    let told = if other { Hex([1; 16]) } else { nonce };
    let at = At {
        authority: world.agents.trim_start_matches("http://"),
        portal_id: &answer.portal_id,
        portal_key: &answer.portal_key,
    };
    let (way, hello) = (Way::Compare { session: &answer.session }, hello(&evidence, serial, Some(told)));
    let (handshake, message) = Handshake::start_by(way, at, &hello, evidence, &world.surroundings).expect("starts");
    let (status, body) = world.shake(&way.header(), message).await;
    if status != 200 {
        return Err((status, String::from_utf8_lossy(&body).into_owned()));
    }
    let (welcome, sender) = handshake.finish(&body).expect("the portal's answer");
    assert_eq!((welcome.reseller.as_str(), welcome.customer.as_str()), ("", ""));
    Ok((sender, shown))
}

/// Digits that are not these.
fn wrong(digits: &str) -> &'static str {
    if digits == "000000" { "000001" } else { "000000" }
}

/// Types digits; gives the agent's id, else the word for why not.
async fn approve(world: &World, tenant: &Tenant, customer: i64, serial: &str, digits: &str) -> Result<String, String> {
    let (reseller, serial, digits) = (tenant.reseller.clone(), serial.to_owned(), digits.to_owned());
    let work = move |portal: &portal::Portal| {
        let approved = setup::approve_comparison(portal, &reseller, customer, &serial, &digits);
        approved.map_err(|error| error.to_string())
    };
    world.setup(work).await
}

async fn comparison(world: World) {
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    announce(&world, &tenant, "CN1").await;
    assert!(ask(&world, "CN1", "CN1", true).await.is_err(), "a nonce that was not committed to");
    announce(&world, &tenant, "CN1").await;
    let waits = approve(&world, &tenant, tenant.customer, "CN1", "000000").await;
    assert_eq!(waits, Err("waiting".to_owned()), "nothing is spent before the printer came");
    let (mut sender, digits) = ask(&world, "cn1 ", "CN1", false).await.expect("met");
    assert_eq!(problem(world.confirm(&sender).await), "unconfirmed");
    let early = world.report(&mut sender.clone(), &report(1, minutes(10), &[])).await;
    assert_eq!(problem(early), "unconfirmed", "it belongs to nobody yet");
    assert_eq!(world.count("select count(*) from agent").await, 0);
    // Not another reseller's customer, and not another serial number.
    let foreign = approve(&world, &other, tenant.customer, "CN1", &digits).await;
    assert_eq!(foreign, Err("unknown".to_owned()));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN2", &digits).await, Err("unknown".to_owned()));
    let spaced = format!("{} {}", &digits[..3], &digits[3..]);
    let approved = approve(&world, &tenant, tenant.customer, " cn1 ", &spaced).await;
    assert_eq!(approved, Ok(sender.agent.clone()));
    let Answer::Enrolled { customer, settings, .. } = world.confirm(&sender).await else { panic!("not enrolled") };
    assert_eq!(customer, "Kessler Architekten");
    assert!(settings.takes_part("CN1"), "the printer that it is in takes part");
    let claimed = Manner { grade: report::Grade::A, ..PLAIN };
    let compressed = pack_in(&mut sender, &report(1, minutes(10), &[minutes(1)]), claimed, &world.surroundings);
    receipt(world.upload(&sender, &compressed).await);
    assert_eq!(world.count("select count(*) from job where grade = 'A'").await, 1, "its printer signed it");
    let kept = "select count(*) from agent where kind = 'firmware' and way = 'compare' and state = 'active'";
    assert_eq!(world.count(kept).await, 1);
    assert_eq!(world.count("select count(*) from comparison where state = 'met'").await, 0);
    // Once: the same digits approve nobody again.
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Err("unknown".to_owned()));
}

async fn comparison_ends(world: World) {
    let tenant = world.tenant("a").await;
    let (sender, digits) = compare(&world, &tenant, "CN1").await;
    let typed = approve(&world, &tenant, tenant.customer, "CN1", wrong(&digits)).await;
    assert_eq!(typed, Err("wrong".to_owned()));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Err("unknown".to_owned()));
    assert_eq!(problem(world.confirm(&sender).await), "enrolment");
    // Announced again, the session before is over.
    let (first, shown) = compare(&world, &tenant, "CN1").await;
    assert_eq!(problem(world.confirm(&first).await), "unconfirmed");
    let (second, other) = compare(&world, &tenant, "CN1").await;
    assert_eq!(problem(world.confirm(&first).await), "enrolment");
    if shown != other {
        assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &shown).await, Err("wrong".to_owned()));
    }
    let (third, digits) = compare(&world, &tenant, "CN1").await;
    world.set_now(Instant(NOW.0 + 15 * 60_000 + 1));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Err("expired".to_owned()));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Err("unknown".to_owned()));
    for sender in [&second, &third] {
        assert_eq!(problem(world.confirm(sender).await), "enrolment");
    }
    assert_eq!(world.count("select count(*) from agent").await, 0);
}

async fn announced_once(world: World) {
    const SESSIONS: &str = "select count(*) from comparison";
    let tenant = world.tenant("a").await;
    let refused = |asked: Result<(Sender, String), (u16, String)>| {
        let (status, text) = asked.err().expect("refused");
        assert!(status == 403 && text.contains("problems/enrolment"), "{status} {text}");
    };
    // Who was not announced opens nothing, however often.
    for _ in 0..20 {
        refused(ask(&world, "CN1", "CN1", false).await);
    }
    assert_eq!(world.count(SESSIONS).await, 0);
    announce(&world, &tenant, "CN1").await;
    // Somebody in between may use the session up, and gets no second one to look for equal digits.
    refused(ask(&world, "CN1", "CN2", false).await);
    for _ in 0..20 {
        refused(ask(&world, "CN1", "CN1", false).await);
    }
    assert_eq!(world.count(SESSIONS).await, 1);
    // The person sees that it does not go on, and starts over.
    let (sender, digits) = compare(&world, &tenant, "CN1").await;
    refused(ask(&world, "CN1", "CN1", false).await);
    let approved = approve(&world, &tenant, tenant.customer, "CN1", &digits).await;
    assert_eq!(approved, Ok(sender.agent.clone()));
    // An announcement is forgotten after a day.
    announce(&world, &tenant, "CN3").await;
    world.set_now(Instant(NOW.0 + 86_400_001));
    refused(ask(&world, "CN3", "CN3", false).await);
}

async fn two_announce(world: World) {
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    announce(&world, &other, "CN1").await;
    let (sender, digits) = compare(&world, &tenant, "CN1").await;
    // The printer came while both waited: each has one try of its own.
    let typed = approve(&world, &other, other.customer, "CN1", wrong(&digits)).await;
    assert_eq!(typed, Err("wrong".to_owned()));
    assert_eq!(problem(world.confirm(&sender).await), "unconfirmed");
    announce(&world, &other, "CN1").await;
    assert_eq!(approve(&world, &other, other.customer, "CN1", &digits).await, Err("waiting".to_owned()));
    assert_eq!(approve(&world, &tenant, tenant.customer, "CN1", &digits).await, Ok(sender.agent.clone()));
    assert!(matches!(world.confirm(&sender).await, Answer::Enrolled { .. }));
    // The page says how far each came.
    let mut browser = world.browser(&other.reseller_email()).await;
    let page = browser.get(&format!("/customers/{}", other.customer)).await;
    assert!(page.text.contains("start at its panel") && page.text.contains("Start over"), "{}", page.text);
}

/// A printer that shakes hands with its factory secret; gives the status and, where it succeeded, the agent.
async fn by_factory(world: &World, tenant: &Tenant, secret: &Hex<32>, serial: &str) -> (u16, Option<Sender>) {
    // The portal's key is in the printer too; here it comes from a file.
    let file = world.enrolment(tenant).await;
    let evidence = SigningKey::from_bytes(&world.surroundings.random());
    let label = enrol::factory_label(secret);
    let way = Way::Factory { label: &label, secret };
    let authority = world.agents.trim_start_matches("http://");
    let at = At { authority, portal_id: &file.portal_id, portal_key: &file.portal_key };
    let hello = hello(&evidence, serial, None);
    let (handshake, message) = Handshake::start_by(way, at, &hello, evidence, &world.surroundings).expect("starts");
    let (status, body) = world.shake(&way.header(), message).await;
    (status, (status == 200).then(|| handshake.finish(&body).expect("the portal's answer").1))
}

/// Claims a printer for a tenant's customer; the error is the word for why not.
async fn claim(world: &World, of: &Tenant, serial: &'static str, label: &str) -> Result<(), String> {
    let (reseller, customer, label) = (of.reseller.clone(), of.customer, label.to_owned());
    let work = move |portal: &portal::Portal| {
        setup::claim_factory(portal, &reseller, customer, serial, &label).map_err(|error| error.to_string())
    };
    world.setup(work).await
}

async fn factory(world: World) {
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    let secret = Hex([9; 32]);
    let label = enrol::factory_label(&secret);
    let rows = vec![("CN77".to_owned(), secret), ("CN78".to_owned(), Hex([10; 32]))];
    let again = rows.clone();
    let imported = world.setup(move |portal| setup::import_factory(portal, rows).expect("imported")).await;
    assert_eq!(imported, 2);
    assert_eq!(world.setup(move |portal| setup::import_factory(portal, again).expect("imported")).await, 0);
    assert_eq!(by_factory(&world, &tenant, &secret, "CN77").await.0, 403, "nobody claimed it");
    assert_eq!(claim(&world, &tenant, "CN78", &label).await, Err("unknown".to_owned()));
    assert_eq!(claim(&world, &tenant, "cn77", &label.to_uppercase()).await, Ok(()));
    assert_eq!(claim(&world, &other, "CN77", &label).await, Err("taken".to_owned()));
    assert_eq!(by_factory(&world, &tenant, &Hex([11; 32]), "CN77").await.0, 403);
    assert_eq!(by_factory(&world, &tenant, &secret, "CN79").await.0, 403, "another printer's secret");
    let mut sender = by_factory(&world, &tenant, &secret, "CN77").await.1.expect("enrolled");
    assert!(matches!(world.confirm(&sender).await, Answer::Enrolled { .. }));
    receipt(world.report(&mut sender, &report(1, minutes(10), &[minutes(1)])).await);
    // A claim is good for one enrolment; after a reset somebody claims the printer again.
    assert_eq!(by_factory(&world, &tenant, &secret, "CN77").await.0, 403);
    assert_eq!(claim(&world, &tenant, "CN77", &label).await, Ok(()));
    let sender = by_factory(&world, &tenant, &secret, "CN77").await.1.expect("enrolled again");
    assert!(matches!(world.confirm(&sender).await, Answer::Enrolled { .. }));
    assert_eq!(world.count("select count(*) from agent where way = 'factory' and state = 'active'").await, 2);
}

/// Withdraws a claim; whether there was one to withdraw.
async fn withdraw(world: &World, of: &Tenant, serial: &'static str, label: &str) -> bool {
    let (reseller, customer, label) = (of.reseller.clone(), of.customer, label.to_owned());
    world.setup(move |portal| setup::withdraw_factory(portal, &reseller, customer, serial, &label).is_ok()).await
}

async fn withdrawn(world: World) {
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    let secret = Hex([9; 32]);
    let label = enrol::factory_label(&secret);
    let rows = vec![("CN77".to_owned(), secret)];
    world.setup(move |portal| setup::import_factory(portal, rows).expect("imported")).await;
    assert!(!withdraw(&world, &tenant, "CN77", &label).await, "nobody claimed it");
    assert_eq!(claim(&world, &tenant, "CN77", &label).await, Ok(()));
    assert!(!withdraw(&world, &other, "CN77", &label).await, "it is not theirs");
    assert!(!withdraw(&world, &tenant, "CN78", &label).await, "another serial number");
    // Unused, it goes back, and what shook hands by it is not confirmed any more.
    let pending = by_factory(&world, &tenant, &secret, "CN77").await.1.expect("shaken");
    assert!(withdraw(&world, &tenant, "cn77", &label.to_uppercase()).await);
    assert_eq!(problem(world.confirm(&pending).await), "enrolment");
    assert_eq!(claim(&world, &other, "CN77", &label).await, Ok(()));
    let sender = by_factory(&world, &other, &secret, "CN77").await.1.expect("shaken");
    assert!(matches!(world.confirm(&sender).await, Answer::Enrolled { .. }));
    // Used, only after its agent was revoked.
    assert!(!withdraw(&world, &other, "CN77", &label).await, "its agent is at work");
    let (reseller, agent) = (other.reseller.clone(), sender.agent.clone());
    world.setup(move |portal| setup::revoke(portal, &reseller, &agent).expect("revoked")).await;
    assert!(withdraw(&world, &other, "CN77", &label).await);
    assert_eq!(claim(&world, &tenant, "CN77", &label).await, Ok(()));
}

async fn revoked_pending(world: World) {
    let tenant = world.tenant("a").await;
    let file = world.enrolment(&tenant).await;
    let (handshake, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    let (_, body) = world.handshake(&file, message).await;
    let (_, pending) = handshake.finish(&body).expect("answered");
    let (reseller, agent) = (tenant.reseller.clone(), pending.agent.clone());
    world.setup(move |portal| setup::revoke(portal, &reseller, &agent).expect("revoked")).await;
    assert_eq!(problem(world.confirm(&pending).await), "revoked");
    let (_, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    assert_eq!(world.handshake(&file, message).await.0, 403);
    assert_eq!(world.count("select count(*) from agent where state <> 'revoked'").await, 0);
}

async fn cancelled(world: World) {
    let tenant = world.tenant("a").await;
    let file = world.enrolment(&tenant).await;
    let (handshake, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    let (_, body) = world.handshake(&file, message).await;
    let (_, pending) = handshake.finish(&body).expect("answered");
    let mut browser = world.browser(&tenant.reseller_email()).await;
    let page = browser.get(&format!("/customers/{}", tenant.customer)).await;
    let form = [("csrf", crate::world::token(&page.text))];
    let done = browser.post(&format!("/customers/{}/agents/cancel", tenant.customer), &form).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(problem(world.confirm(&pending).await), "enrolment");
    let (_, message) = Handshake::start(&file, "pc", &world.surroundings).expect("starts");
    assert_eq!(world.handshake(&file, message).await.0, 403);
}
