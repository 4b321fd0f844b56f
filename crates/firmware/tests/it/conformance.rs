//! The conformance suite: what every agent must do, whatever it is written in.
//!
//! A case sees an agent only through [`AgentUnderTest`] and decides what the network does to it. Time is a
//! number that the case moves.

use crate::network::{Fate, Net, Network, START};
use protocol::enrol::EnrolmentFile;
use protocol::receipt::Problem;
use protocol::testing::{Kept, Lost, Wire, WireAnswer};
use protocol::{CONFIRM_PATH, MESSAGES_PATH, PACKAGES_PATH, sha256};
use report::{Area, Duration, Instant, Job, JobKind, JobStatus, Personal, PrintJob, Surroundings};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The printer's serial number.
pub(crate) const SERIAL: &str = "EX00000001";
/// A name that may not arrive anywhere.
const SOMEBODY: &str = "Ada Somebody";

/// An agent as the suite needs it.
pub(crate) trait AgentUnderTest {
    /// Enrols with a file; a person confirms at once.
    fn enrol(&mut self, file: &EnrolmentFile);
    /// Takes [`job`] `number` as just finished, and keeps it before this returns.
    fn job(&mut self, number: i64);
    /// Takes a severe alert, and keeps it before this returns.
    fn alert(&mut self, code: &str, since: Instant);
    /// Does what is due, and sends until nothing more may be sent.
    fn step(&mut self);
    /// Loses power, and starts again.
    fn reopen(&mut self);
    /// Whether it holds a record that it has no receipt for.
    fn has_unsent(&mut self) -> bool;
    /// Makes another evidence key.
    fn rotate(&mut self);
    /// Whether it knows that its portal has its keys no more.
    fn needs_enrolment(&mut self) -> bool;
}

/// What agents share with the suite: time, entropy and the network.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) net: Net,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) surroundings: Surroundings,
}

impl World {
    pub(crate) fn new(authority: &str) -> World {
        let clock = Arc::new(AtomicI64::new(START));
        let surroundings = surroundings(&clock, "agent");
        let net = Network::start(authority, self::surroundings(&clock, "portal"));
        World { net, clock, surroundings }
    }
}

/// A clock that the suite moves, and bytes that no two draws share.
pub(crate) fn surroundings(clock: &Arc<AtomicI64>, seed: &'static str) -> Surroundings {
    let (clock, drawn) = (clock.clone(), AtomicU64::new(0));
    Surroundings {
        clock: Arc::new(move || Instant(clock.load(Ordering::Relaxed))),
        entropy: Arc::new(move |out: &mut [u8]| {
            for chunk in out.chunks_mut(32) {
                let number = drawn.fetch_add(1, Ordering::Relaxed);
                chunk.copy_from_slice(&sha256(&[seed.as_bytes(), &number.to_be_bytes()])[..chunk.len()]);
            }
        }),
    }
}

fn uuid(number: i64) -> String {
    format!("5d6c2a10-0000-4000-8000-{number:012}")
}

/// The job that a case calls `number`.
pub(crate) fn job(number: i64) -> Job {
    Job {
        kind: JobKind::Print,
        uuid: Some(uuid(number)),
        sequence: Some(number),
        status: Some(JobStatus::Printed),
        print: Some(PrintJob {
            printed_at: Some(Instant(START + number * 120_000)),
            pages: Some(1),
            copies: Some(1),
            time_to_print: Some(Duration(30_000)),
            media_area: Some(Area(1_050_000)),
            printed_area: Some(Area(1_000_000)),
            ..PrintJob::default()
        }),
        scan: None,
        personal: Personal { user: Some(SOMEBODY.to_owned()), ..Personal::default() },
    }
}

/// An agent and its world.
pub(crate) struct Bench {
    world: World,
    agent: Box<dyn AgentUnderTest>,
}

impl Bench {
    pub(crate) fn new(make: fn(&World) -> Box<dyn AgentUnderTest>) -> Bench {
        let world = World::new("portal.example");
        let agent = make(&world);
        Bench { world, agent }
    }

    fn pass(&self, minutes: i64) {
        self.world.clock.fetch_add(minutes * 60_000, Ordering::Relaxed);
    }

    /// So many steps, each over an hour after the other, so that no pause is longer.
    fn settle(&mut self, steps: usize) {
        for _ in 0..steps {
            self.agent.step();
            self.pass(61);
        }
    }

    fn enrol(&mut self) {
        let file = self.network(|network| network.portal.file(None));
        self.agent.enrol(&file);
        self.settle(2);
        assert!(!self.agent.has_unsent());
    }

    fn network<T>(&self, look: impl FnOnce(&mut Network) -> T) -> T {
        look(&mut self.world.net.lock().expect("not poisoned"))
    }

    fn fates(&self, fates: impl FnMut(&Wire, &[WireAnswer]) -> Fate + Send + 'static) {
        self.network(|network| network.fates = Box::new(fates));
    }

    fn deliver(&self) {
        self.fates(|_, _| Fate::Deliver);
    }

    /// Jobs 1 to `last` are there, each once and in order, and the agent knows it.
    fn arrived(&mut self, last: i64) {
        let expected: Vec<String> = (1..=last).map(uuid).collect();
        assert_eq!(self.network(|network| network.jobs()), expected);
        assert_eq!(self.network(|network| network.portal.forks), 0);
        assert!(!self.agent.has_unsent(), "the agent still holds what the portal has");
    }
}

pub(crate) fn every_record_arrives_once_and_in_order(bench: &mut Bench) {
    bench.enrol();
    (1..=5).for_each(|number| bench.agent.job(number));
    // The same job told again is the same job.
    bench.agent.job(5);
    bench.settle(6);
    bench.arrived(5);
}

pub(crate) fn lost_answers_double_nothing(bench: &mut Bench) {
    bench.enrol();
    let mut count = 0;
    bench.fates(move |_, _| {
        count += 1;
        if count % 3 == 0 { Fate::Deliver } else { Fate::LoseAnswer }
    });
    for number in 1..=5 {
        bench.agent.job(number);
        bench.settle(2);
    }
    bench.settle(12);
    bench.deliver();
    bench.settle(6);
    bench.arrived(5);
}

pub(crate) fn lost_requests_lose_nothing(bench: &mut Bench) {
    bench.enrol();
    bench.fates(|_, _| Fate::LoseRequest);
    for number in 1..=5 {
        bench.agent.job(number);
        bench.settle(2);
    }
    assert!(bench.agent.has_unsent());
    bench.deliver();
    bench.settle(6);
    bench.arrived(5);
}

fn page(status: u16, headers: &[(&str, &str)], body: &[u8]) -> WireAnswer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    WireAnswer { status, headers, body: body.to_vec() }
}

/// Makes what comes back instead of, or of, an answer.
type Forgery = fn(&Wire, &[WireAnswer]) -> Fate;

const FORGERIES: &[(&str, Forgery)] = &[
    ("a page", |_, _| Fate::Instead(page(200, &[("content-type", "text/html")], b"<html>Welcome</html>"))),
    ("a redirect", |_, _| Fate::Instead(page(302, &[("location", "https://other.example/ingest")], b""))),
    ("nothing with 200", |_, _| Fate::Instead(page(200, &[], b""))),
    ("a refusal without proof", |_, _| {
        let body = br#"{"type":"https://plotmeter.dev/problems/revoked","title":"Go away.","status":403}"#;
        Fate::Instead(page(403, &[("content-type", "application/problem+json")], body))
    }),
    ("the request itself", |wire, _| {
        Fate::Instead(WireAnswer { status: 200, headers: wire.headers.clone(), body: wire.body.clone() })
    }),
    ("half the body", |_, _| Fate::Change(|answer| answer.body.truncate(answer.body.len() / 2))),
    ("one bit of the body", |_, _| {
        Fate::Change(|answer| {
            if let Some(byte) = answer.body.last_mut() {
                *byte ^= 1;
            }
        })
    }),
    ("more body", |_, _| Fate::Change(|answer| answer.body.push(0))),
    ("another status", |_, _| Fate::Change(|answer| answer.status = 202)),
    ("no signature", |_, _| Fate::Change(|answer| answer.headers.retain(|(name, _)| name != "signature"))),
    ("another signature", |_, _| {
        Fate::Change(|answer| {
            for (_, value) in answer.headers.iter_mut().filter(|(name, _)| name == "signature") {
                value.insert(12, 'x');
            }
        })
    }),
    ("a body as long as can be", |_, _| Fate::Instead(page(200, &[], &[b' '; 128 * 1024]))),
];

pub(crate) fn what_proves_nothing_releases_nothing(bench: &mut Bench) {
    bench.enrol();
    let mut number = 0;
    for (name, forgery) in FORGERIES {
        number += 1;
        bench.agent.job(number);
        bench.fates(*forgery);
        bench.settle(5);
        assert!(bench.agent.has_unsent(), "{name} released a record");
        bench.agent.reopen();
        assert!(bench.agent.has_unsent(), "{name} released a record");
        bench.deliver();
        bench.settle(6);
        bench.arrived(number);
    }
}

pub(crate) fn an_answer_to_another_request_releases_nothing(bench: &mut Bench) {
    bench.enrol();
    bench.agent.job(1);
    bench.settle(6);
    bench.agent.job(2);
    // Every genuine answer so far, the newest first, and again from the start.
    let mut back = 0;
    bench.fates(move |_, answers| {
        back = back % answers.len() + 1;
        Fate::Instead(answers[answers.len() - back].clone())
    });
    bench.settle(12);
    assert!(bench.agent.has_unsent());
    bench.deliver();
    bench.settle(6);
    bench.arrived(2);
}

pub(crate) fn a_restored_portal_gets_again_what_it_lacks(bench: &mut Bench) {
    bench.enrol();
    for number in 1..=4 {
        bench.agent.job(number);
        bench.settle(6);
    }
    assert!(bench.network(|network| network.portal.kept.len()) >= 4);
    bench.network(|network| network.portal.restore(2));
    bench.agent.job(5);
    bench.settle(8);
    bench.arrived(5);
}

pub(crate) fn a_refusal_is_believed_and_loses_nothing(bench: &mut Bench) {
    bench.enrol();
    bench.agent.job(1);
    for (status, kind) in [(403, "revoked"), (409, "fork"), (503, "later")] {
        let problem = Problem::new(status, kind, "Not now.");
        bench.network(|network| network.portal.refuse = Some(problem));
        let before = bench.network(|network| network.requests);
        for _ in 0..144 {
            bench.agent.step();
            bench.pass(10);
        }
        let requests = bench.network(|network| network.requests) - before;
        assert!(requests <= 200, "{requests} requests in a day of refusals ({kind})");
        assert!(bench.agent.has_unsent(), "{kind}");
        bench.agent.reopen();
        assert!(bench.agent.has_unsent(), "{kind}");
    }
    assert_eq!(bench.network(|network| network.jobs()), Vec::<String>::new());
}

pub(crate) fn only_the_portal_can_say_that_it_has_the_keys_no_more(bench: &mut Bench) {
    bench.enrol();
    bench.agent.job(1);
    bench.network(|network| network.portal.lost = Lost::Forged);
    bench.settle(5);
    assert!(!bench.agent.needs_enrolment());
    bench.network(|network| network.portal.lost = Lost::Proved);
    bench.settle(5);
    assert!(bench.agent.needs_enrolment());
    assert!(bench.agent.has_unsent());
}

pub(crate) fn both_sides_follow_the_epochs(bench: &mut Bench) {
    bench.enrol();
    assert_eq!(bench.network(|network| network.portal.epoch()), 0);
    for number in 1..=6 {
        bench.agent.job(number);
        bench.settle(14);
        // A day's first answer is lost: the portal is an epoch ahead of what the agent knows it is.
        let mut first = true;
        bench.fates(move |_, _| if std::mem::take(&mut first) { Fate::LoseAnswer } else { Fate::Deliver });
    }
    bench.settle(8);
    assert!(bench.network(|network| network.portal.epoch()) >= 2);
    bench.arrived(6);
}

pub(crate) fn another_evidence_key_is_introduced_by_the_one_before(bench: &mut Bench) {
    bench.enrol();
    bench.agent.job(1);
    bench.agent.rotate();
    bench.settle(6);
    assert_eq!(bench.network(|network| network.portal.evidence_keys()), 2);
    bench.agent.job(2);
    bench.settle(6);
    bench.agent.reopen();
    bench.agent.job(3);
    bench.settle(6);
    bench.arrived(3);
}

fn alerts(bench: &Bench) -> Vec<String> {
    bench.network(|network| network.portal.alerts())
}

pub(crate) fn an_alert_goes_at_once_and_once(bench: &mut Bench) {
    bench.enrol();
    // Packages do not get through, and an alert does not wait for them.
    bench.fates(|wire, _| if wire.path == PACKAGES_PATH { Fate::LoseRequest } else { Fate::Deliver });
    bench.agent.job(1);
    bench.agent.alert("CUTTER/JAM", Instant(START));
    bench.agent.step();
    assert_eq!(alerts(bench), ["CUTTER/JAM"]);
    bench.agent.reopen();
    bench.agent.alert("CUTTER/JAM", Instant(START));
    bench.settle(4);
    assert_eq!(alerts(bench), ["CUTTER/JAM"]);
    // The portal heard it and the agent does not know: it says it again, and it counts once.
    let mut first = true;
    bench.fates(move |wire, _| {
        let lose = wire.path == MESSAGES_PATH && std::mem::take(&mut first);
        if lose { Fate::LoseAnswer } else { Fate::Deliver }
    });
    bench.agent.alert("INK/OUT", Instant(START + 1));
    bench.settle(6);
    assert_eq!(alerts(bench), ["CUTTER/JAM", "INK/OUT"]);
    bench.arrived(1);
}

pub(crate) fn a_power_cut_loses_and_doubles_nothing(bench: &mut Bench) {
    let file = bench.network(|network| network.portal.file(None));
    bench.agent.enrol(&file);
    // Between the confirmation by a person and the portal's knowing of it.
    bench.agent.reopen();
    bench.settle(2);
    let mut count = 0;
    bench.fates(move |wire, _| {
        count += 1;
        match count % 4 {
            _ if wire.path == CONFIRM_PATH => Fate::Deliver,
            0 => Fate::LoseRequest,
            1 => Fate::LoseAnswer,
            _ => Fate::Deliver,
        }
    });
    for number in 1..=12 {
        bench.agent.job(number);
        bench.agent.reopen();
        bench.agent.step();
        bench.agent.reopen();
        bench.pass(61);
    }
    bench.deliver();
    bench.settle(8);
    bench.arrived(12);
}

pub(crate) fn a_clock_that_is_set_back_loses_nothing(bench: &mut Bench) {
    bench.enrol();
    bench.agent.job(1);
    bench.settle(6);
    bench.pass(-3 * 24 * 60);
    bench.agent.job(2);
    bench.settle(8);
    bench.pass(365 * 24 * 60);
    bench.agent.job(3);
    bench.settle(8);
    bench.arrived(3);
}

pub(crate) fn each_package_names_the_last_receipt(bench: &mut Bench) {
    bench.enrol();
    for number in 1..=3 {
        bench.agent.job(number);
        bench.settle(6);
    }
    bench.network(|network| {
        let kept: Vec<&Kept> = network.portal.kept.values().collect();
        assert_eq!(kept[0].seen, None);
        for pair in kept.windows(2) {
            assert_eq!(pair[1].seen, Some(pair[0].receipt.mark()));
        }
    });
}

pub(crate) fn no_personal_text_arrives_by_default(bench: &mut Bench) {
    bench.enrol();
    (1..=3).for_each(|number| bench.agent.job(number));
    bench.settle(6);
    bench.arrived(3);
    assert!(!bench.network(|network| network.text()).contains(SOMEBODY));
}
