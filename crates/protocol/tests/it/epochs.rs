use super::{compressed, keys, origin, schedule};
use protocol::limits::EPOCHS_MAX;
use protocol::{Hex, Schedule, Secret, package, parse_key_id};

#[test]
fn both_ends_that_step_alone_have_the_same_keys_in_each_epoch() {
    let (mut agent, portal) = (schedule(1), schedule(1));
    for epoch in 0..5 {
        let caught_up = portal.forward(epoch).expect("ahead");
        assert_eq!((agent.epoch(), caught_up.epoch()), (epoch, epoch));
        assert_eq!(agent.secret().expose(), caught_up.secret().expose());
        assert_eq!(parse_key_id(&agent.keys().id), Some(("agent-1", epoch)));
        for ((name, left), (_, right)) in agent.keys().all().into_iter().zip(caught_up.keys().all()) {
            assert_eq!(left.expose(), right.expose(), "{name} of epoch {epoch}");
        }
        let kept = Secret::new(*agent.secret().expose());
        let restored = Schedule::at(epoch, &kept, "portal-1", "agent-1", &Hex([9; 32]));
        assert_eq!(restored.keys().up.expose(), agent.keys().up.expose());
        agent = agent.next();
    }
}

#[test]
fn no_key_or_secret_is_used_in_two_epochs() {
    let mut all: Vec<[u8; 32]> = Vec::new();
    let mut schedule = schedule(1);
    for _ in 0..4 {
        all.push(*schedule.secret().expose());
        all.extend(schedule.keys().all().map(|(_, key)| *key.expose()));
        schedule = schedule.next();
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn a_schedule_goes_neither_back_nor_too_far() {
    let fifth = schedule(1).forward(5).expect("ahead");
    assert!(fifth.forward(4).is_none());
    assert_eq!(fifth.forward(5).expect("here").secret().expose(), fifth.secret().expose());
    assert_eq!(fifth.forward(5 + EPOCHS_MAX).expect("the farthest").epoch(), 5 + EPOCHS_MAX);
    assert!(fifth.forward(6 + EPOCHS_MAX).is_none());
    assert!(fifth.forward(u64::MAX).is_none());
}

#[test]
fn what_was_sealed_in_one_epoch_opens_in_no_other() {
    let (bytes, _) = compressed(1, 1, origin());
    let sealed = package::seal(&keys(1), &bytes, [4; 16]);
    assert!(package::open(&schedule(1).keys(), &sealed).is_ok());
    assert!(package::open(&schedule(1).next().keys(), &sealed).is_err());
    assert!(package::open(&schedule(2).keys(), &sealed).is_err());
}
