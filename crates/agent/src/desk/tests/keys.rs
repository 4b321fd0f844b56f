//! Sealing keys that move with time and requests, and evidence keys that are replaced.

use super::*;
use protocol::receipt::{Problem, REFUSAL_CONTENT_TYPE, SignedRefusal};

#[test]
fn keys_move_on_durably_and_both_ends_stay_in_step_when_answers_are_lost() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut rng = Rng::new(6);
    let mut desk = world.desk(folder.path());
    let mut epochs = Vec::new();
    for seed in 1..=60 {
        world.pass(Duration(rng.between(3_600_000, 40 * 3_600_000)));
        append(&mut desk, seed, world.now());
        if rng.chance(200_000) {
            drop(desk);
            desk = world.desk(folder.path());
        }
        let Turn::Send(sent) = desk.turn().expect("a turn") else { continue };
        let kept = Identity::load(folder.path()).expect("loads");
        assert_eq!(sent.request.as_ref().expect("signed").keys.id, kept.keys.id, "the file is ahead of the wire");
        let answer = portal.hear(&sent);
        epochs.push(portal.epoch());
        if rng.chance(500_000) {
            desk.failed(&sent).expect("noted");
        } else {
            desk.answered(&sent, &answer).expect("judged");
        }
    }
    assert!(epochs.is_sorted());
    assert!(*epochs.last().expect("some") > 20, "{epochs:?}");
    talk(&mut desk, &mut portal, &world);
    assert_eq!((portal.jobs().len(), portal.forks), (180, 0));
}

#[test]
fn an_epoch_that_was_proved_counts_as_proved_after_a_restart() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    for seed in 1..=5 {
        // As an agent that is started once a day.
        world.pass(Duration::hours(25));
        let mut desk = world.desk(folder.path());
        append(&mut desk, seed, world.now());
        talk(&mut desk, &mut portal, &world);
        assert_eq!(Identity::load(folder.path()).expect("loads").stored.epochs_unproved, 0, "day {seed}");
    }
    assert_eq!(portal.epoch(), 5);
}

#[test]
fn a_new_evidence_key_signs_what_is_packed_from_then_on_and_pending_packages_keep_the_old_one() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    lose(&mut desk);
    let old = desk.identity().evidence_key();
    desk.rotate().expect("a new key");
    desk.rotate().expect("the same again");
    append(&mut desk, 2, world.now());
    drop(desk);
    let mut desk = world.desk(folder.path());
    talk(&mut desk, &mut portal, &world);
    assert_ne!(desk.identity().evidence_key(), old);
    assert_eq!((portal.kept.len(), portal.jobs().len()), (2, 6));
    assert!(portal.refused.is_empty());
    desk.rotate().expect("another key");
    append(&mut desk, 3, world.now());
    talk(&mut desk, &mut portal, &world);
    assert_eq!(portal.jobs().len(), 9);
}

#[test]
fn a_portal_restored_to_before_a_new_evidence_key_hears_of_it_again_and_gets_everything() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    talk(&mut desk, &mut portal, &world);
    desk.rotate().expect("a new key");
    for seed in 2..=3 {
        append(&mut desk, seed, world.now());
        talk(&mut desk, &mut portal, &world);
    }
    let new = desk.identity().evidence_key();
    portal.restore(1);
    portal.forget_rotations();
    append(&mut desk, 4, world.now());
    talk(&mut desk, &mut portal, &world);
    assert!(portal.refused.contains(&"evidence"));
    assert_eq!((portal.jobs().len(), portal.forks), (12, 0));
    assert_eq!(desk.identity().evidence_key(), new);
    assert!(is_empty(&desk));
}

#[test]
fn the_portal_proves_without_keys_that_it_wants_a_new_enrolment_and_nobody_else_can() {
    let (folder, world, portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    let sent = request(&mut desk);
    let bound = sent.request.clone().expect("signed").bound();
    // What a portal signs that was shown this signature under the key id of an epoch long past.
    let replayed = bound.replace("agent-1.0", "agent-1.00");
    assert_ne!(replayed, bound);
    let of_kind = |kind: &str, request: &str, key: &SigningKey| {
        let refusal = SignedRefusal::signed(Problem::new(403, kind, "Enrol again."), request, START, key);
        let body = serde_json::to_vec(&refusal).expect("serialises");
        let headers = vec![("content-type".to_owned(), REFUSAL_CONTENT_TYPE.to_owned())];
        Inbound { status: 403, headers, body }
    };
    let refusal = |request: &str, key: &SigningKey| of_kind("behind", request, key);
    for forged in [
        refusal(&bound, &SigningKey::from_bytes(&[9; 32])),
        refusal("plotmeter=:of another request:", portal.receipt_key()),
        refusal(&replayed, portal.receipt_key()),
        refusal(&sent.request.clone().expect("signed").signature, portal.receipt_key()),
    ] {
        assert_eq!(desk.answered(&sent, &forged).expect("judged"), Outcome::Unproved);
    }
    let outcome = desk.answered(&sent, &refusal(&bound, portal.receipt_key())).expect("judged");
    assert!(matches!(outcome, Outcome::NeedsEnrolment(_)));
    assert_eq!(desk.unsent().expect("counts").packages, 1, "everything is kept");
    let Turn::Wait(until) = desk.turn().expect("a turn") else { panic!("it waits") };
    assert_eq!(until, START.plus(PAUSE_MAX));
    let lost = desk.answered(&sent, &of_kind("unknown", &bound, portal.receipt_key())).expect("judged");
    assert!(matches!(lost, Outcome::NeedsEnrolment(_)), "a portal that lost the agent");
}
