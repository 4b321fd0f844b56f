//! The first contact of many printers: what waits goes in packages that the wire budget allows now, from the first
//! minute on, and all of it arrives in a time that is known.

use super::*;
use crate::budget::{CATCH_UP, CATCH_UP_AFTER};
use protocol::package::Manner;
use report::{Grade, JobKind};

const PRINTERS: u64 = 100;
/// Jobs that each printer remembers.
const JOBS: usize = 20;
/// How often a reading is due at the least.
const BEAT_EVERY: Duration = Duration::minutes(30);

/// What a printer says at the first contact.
fn first_words(seed: u64) -> Split {
    let mut report = report::sample::report(seed);
    let mut rng = Rng::new(1_000_000 + seed);
    while report.jobs.len() < JOBS {
        report.jobs.push((report::sample::job(&mut rng, JobKind::Print), Vec::new()));
    }
    let manner = Manner { grade: Grade::B, seen: None, timestamps: Timestamps::Minute };
    package::records(&report, &[], manner).expect("a printer")
}

/// What was spent in the last 30 minutes, and is checked with each exchange.
#[derive(Default)]
struct Window(Vec<(Instant, u64)>);

impl Window {
    fn spend(&mut self, now: Instant, cost: u64, limit: u64) {
        self.0.push((now, cost));
        self.0.retain(|(then, _)| now.since(*then) <= Duration::minutes(30));
        let spent: u64 = self.0.iter().map(|(_, cost)| cost).sum();
        assert!(spent <= limit, "{spent} bytes in the 30 minutes before {now}");
    }
}

#[test]
fn a_hundred_printers_with_twenty_jobs_each_send_something_at_once_and_everything_within_hours() {
    let (folder, world, mut portal) = (enrolled(), World::new(), Portal::new("agent-1"));
    let options = DeskOptions { spool_bytes_max: 64 * 1024 * 1024, ..DeskOptions::default() };
    let mut desk = Desk::open(folder.path(), world.surroundings(), options).expect("opens");
    let (begun, mut window, mut at_once) = (world.now(), Window::default(), None);
    let mut next_beat = begun.plus(BEAT_EVERY);
    for seed in 1..=PRINTERS {
        let address = format!("192.0.2.{seed}");
        let read = ReadFrom { address: &address, now: begun, fingerprint: None, defects: 0 };
        desk.append(&first_words(seed), read).expect("kept");
    }
    desk.ask_beat(Beat::default());
    while !is_empty(&desk) {
        let now = world.now();
        match desk.turn().expect("a turn") {
            Turn::Send(sent) => {
                let answer = portal.hear(&sent);
                let limit = if now.since(begun) > CATCH_UP_AFTER { CATCH_UP } else { WINDOW_BYTES };
                window.spend(now, budget::cost(sent.bytes() + answer.bytes()), limit);
                desk.answered(&sent, &answer).expect("judged");
            }
            Turn::Wait(until) => {
                assert_eq!(desk.waits_for(), WaitsFor::Budget);
                at_once = at_once.or(Some(portal.kept.len()));
                world.set(until.min(next_beat));
                if world.now() == next_beat {
                    desk.ask_beat(Beat::default());
                    next_beat = next_beat.plus(BEAT_EVERY);
                }
            }
            Turn::Idle => panic!("something waits"),
        }
    }
    assert!(at_once.is_some_and(|packages| packages > 0), "a package goes before anything waits");
    assert_eq!(portal.jobs().len(), JOBS * usize::try_from(PRINTERS).expect("few"));
    let took = world.now().since(begun);
    assert!(took <= Duration::hours(7), "it took {} ms", took.0);
    assert!(portal.refused.is_empty() && portal.forks == 0);
}
