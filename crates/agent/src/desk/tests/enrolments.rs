//! Enrolment as the desk sees it: by comparison, anew, and at a portal that forgot it.

use super::*;
use crate::identity::EnrolledBy;
use crate::testing::stored;

/// A folder of an enrolled agent that is enrolled anew by comparison, and waits to be approved.
fn compared_anew(customer: &str, world: &World) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    identity("agent-1", customer).save(folder.path()).expect("saved");
    append(&mut world.desk(folder.path()), 1, world.now());
    let mut waiting = stored("agent-2", "");
    (waiting.reseller, waiting.way, waiting.confirmed) = (String::new(), EnrolledBy::Compare, false);
    waiting.spool = true;
    Identity::new(waiting, None).expect("valid").save(folder.path()).expect("saved");
    folder
}

#[test]
fn an_enrolment_anew_by_comparison_sends_what_waits_to_the_same_account_and_to_no_other() {
    let world = World::new();
    for (customer, same) in [("Customer", true), ("Somebody else", false)] {
        let folder = compared_anew(customer, &world);
        let mut portal = Portal::new("agent-2");
        portal.confirmed = false;
        let mut desk = world.desk(folder.path());
        if same {
            talk(&mut desk, &mut portal, &world);
            assert_eq!(portal.jobs().len(), 3);
            continue;
        }
        let sent = request(&mut desk);
        let answer = portal.hear(&sent);
        let refused = desk.answered(&sent, &answer);
        assert!(matches!(refused, Err(DeskError::Spool(SpoolError::Foreign(_)))));
        let kept = Identity::load(folder.path()).expect("loads");
        assert!(!kept.is_confirmed() && kept.customer().is_empty());
    }
}

#[test]
fn an_enrolment_by_comparison_is_asked_for_until_somebody_compared() {
    let (folder, world, mut portal) = (tempfile::tempdir().expect("a folder"), World::new(), Portal::new("agent-1"));
    (portal.confirmed, portal.approved) = (false, false);
    let mut waiting = stored("agent-1", "");
    (waiting.reseller, waiting.way, waiting.confirmed) = (String::new(), EnrolledBy::Compare, false);
    Identity::new(waiting, None).expect("valid").save(folder.path()).expect("saved");
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    for _ in 0..5 {
        let sent = request(&mut desk);
        assert_eq!(sent.path, protocol::CONFIRM_PATH, "nothing else is said before");
        let answer = portal.hear(&sent);
        assert!(matches!(desk.answered(&sent, &answer).expect("judged"), Outcome::Refused(_)));
        let Turn::Wait(until) = desk.turn().expect("a turn") else { panic!("it waits") };
        assert_eq!(until, world.now().plus(COMPARE_EVERY));
        world.set(until);
    }
    portal.approved = true;
    let outcomes = talk(&mut desk, &mut portal, &world);
    assert_eq!(outcomes[0], Outcome::Confirmed);
    assert_eq!((desk.identity().reseller(), desk.identity().customer()), ("Reseller", "Customer"));
    drop(desk);
    let desk = world.desk(folder.path());
    assert!(desk.identity().is_confirmed());
    assert_eq!(portal.jobs().len(), 3);
}

#[test]
fn a_new_enrolment_of_the_same_account_sends_what_the_old_one_could_not() {
    let (folder, world) = (enrolled(), World::new());
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    lose(&mut desk);
    append(&mut desk, 2, world.now());
    drop(desk);
    let mut again = identity("agent-2", "Customer");
    again.stored.spool = true;
    again.save(folder.path()).expect("saved");
    let (mut desk, mut portal) = (world.desk(folder.path()), Portal::new("agent-2"));
    talk(&mut desk, &mut portal, &world);
    assert_eq!((portal.jobs().len(), portal.forks), (6, 0));
    assert!(portal.cores().iter().all(|core| !matches!(core, Core::Gap(_))), "nothing was lost");
}

#[test]
fn a_portal_that_forgot_the_confirmation_is_told_again() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    portal.confirmed = false;
    let mut desk = world.desk(folder.path());
    append(&mut desk, 1, world.now());
    talk(&mut desk, &mut portal, &world);
    assert_eq!((portal.jobs().len(), portal.confirmed), (3, true));
}
