//! A clock, an identity and a portal for the tests of the core.
//!
//! Deliberately absent: the portal's side of the protocol, which is `protocol::testing`; and sockets.

use crate::desk::{Desk, DeskOptions, Inbound, Outbound, Outcome, Turn};
use crate::identity::{EnrolledBy, EvidenceKey, Identity, Stored};
use crate::spool::ReadFrom;
use protocol::message::AgentKind;
use protocol::package::{self, Core, Manner, Split, Timestamps};
use protocol::receipt::Answer;
use protocol::testing::{Wire, WireAnswer, sealed};
use protocol::{Hex, Keys, Schedule, Secret, SigningKey};
use report::sample::Rng;
use report::{Duration, Grade, Instant, Surroundings};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

/// When the tests begin.
pub(crate) const START: Instant = Instant(1_793_448_000_000);

/// A clock that tests move, and entropy that repeats.
#[derive(Clone)]
pub(crate) struct World {
    now: Arc<AtomicI64>,
    rng: Arc<Mutex<Rng>>,
}

impl World {
    pub(crate) fn new() -> World {
        World { now: Arc::new(AtomicI64::new(START.0)), rng: Arc::new(Mutex::new(Rng::new(1))) }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant(self.now.load(Ordering::SeqCst))
    }

    pub(crate) fn set(&self, now: Instant) {
        self.now.store(now.0, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.set(self.now().plus(span));
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        let (clock, rng) = (self.clone(), Arc::clone(&self.rng));
        let fill = move |bytes: &mut [u8]| {
            let mut rng = rng.lock().expect("no test panics while it draws");
            for chunk in bytes.chunks_mut(8) {
                chunk.copy_from_slice(&rng.next_u64().to_le_bytes()[..chunk.len()]);
            }
        };
        Surroundings { clock: Arc::new(move || clock.now()), entropy: Arc::new(fill) }
    }

    /// Opens the desk of a folder to work.
    pub(crate) fn desk(&self, state: &Path) -> Desk {
        Desk::open(state, self.surroundings(), small()).expect("opens")
    }
}

/// Options that keep the reserve small, so that a thousand folders cost little.
pub(crate) fn small() -> DeskOptions {
    DeskOptions { spool_bytes_max: 8 * 1024 * 1024, ..DeskOptions::default() }
}

/// An enrolled and confirmed identity.
pub(crate) fn identity(agent: &str, customer: &str) -> Identity {
    Identity::new(stored(agent, customer), None).expect("valid keys")
}

pub(crate) fn stored(agent: &str, customer: &str) -> Stored {
    Stored {
        agent: agent.to_owned(),
        portal: "https://portal.example".to_owned(),
        portal_id: "portal".to_owned(),
        portal_ca: None,
        receipt_key: Hex(*SigningKey::from_bytes(&[8; 32]).verifying_key().as_bytes()),
        reseller: "Reseller".to_owned(),
        customer: customer.to_owned(),
        secret: Hex([1; 32]),
        transcript: Hex([2; 32]),
        evidence_seed: None,
        evidence: vec![EvidenceKey::of_seed(1, [3; 32])],
        rotation: None,
        epoch: 0,
        epoch_since: START,
        epochs_unproved: 0,
        kind: AgentKind::Collector,
        way: EnrolledBy::File,
        confirmed: true,
        spool: false,
    }
}

/// What the sample printer of a seed said.
pub(crate) fn split(seed: u64) -> Split {
    let manner = Manner { grade: Grade::B, seen: None, timestamps: Timestamps::Minute };
    package::records(&report::sample::report(seed), &[], manner).expect("a printer")
}

/// Has a desk keep what the sample printer of a seed said.
pub(crate) fn append(desk: &mut Desk, seed: u64, now: Instant) {
    let address = format!("192.0.2.{}", seed % 250);
    let read = ReadFrom { address: &address, now, fingerprint: None, defects: 0 };
    desk.append(&split(seed), read).expect("appended");
}

/// The portal of one agent, and everything that it knows.
#[derive(Clone)]
pub(crate) struct Portal(protocol::testing::Portal);

impl Deref for Portal {
    type Target = protocol::testing::Portal;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Portal {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Portal {
    /// The portal of the agent that [`identity`] makes. Its own clock stands still.
    pub(crate) fn new(agent: &str) -> Portal {
        let mut portal = protocol::testing::Portal::new("portal.example", World::new().surroundings());
        (portal.reseller, portal.customer) = ("Reseller".to_owned(), "Customer".to_owned());
        let schedule = Schedule::new(&Secret::new([1; 32]), "portal", agent, &Hex([2; 32]));
        portal.admit(agent, schedule, SigningKey::from_bytes(&[3; 32]).verifying_key());
        portal.confirmed = true;
        Portal(portal)
    }

    /// Answers a request, which must be authentic and of the documented form.
    pub(crate) fn hear(&mut self, request: &Outbound) -> Inbound {
        let wire = Wire {
            authority: request.authority.clone(),
            path: request.path.to_owned(),
            headers: request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            body: request.body.clone(),
        };
        let before = self.epoch();
        let answer = self.0.answer(&wire);
        assert!(![401, 404].contains(&answer.status), "no request of the agent: {wire:?}");
        assert!(self.epoch() >= before, "an agent is never behind");
        for kind in ["form", "rotation", "sealed"] {
            assert!(!self.refused.contains(&kind), "the portal cannot read what the agent sends: {kind}");
        }
        inbound(answer)
    }

    /// The keys of all jobs, in their order.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let key = |core: Core| match core {
            Core::Job(job) => Some(job.key().expect("a key")),
            _ => None,
        };
        self.cores().into_iter().filter_map(key).collect()
    }
}

fn inbound(answer: WireAnswer) -> Inbound {
    Inbound { status: answer.status, headers: answer.headers, body: answer.body }
}

/// An answer, sealed and signed for the request with this signature.
pub(crate) fn answered(keys: &Keys, answer: &Answer, request: &str) -> Inbound {
    inbound(sealed(keys, answer, request, &World::new().surroundings()))
}

/// Carries everything that a desk says to the portal, waiting where it says so; what came of it all.
pub(crate) fn talk(desk: &mut Desk, portal: &mut Portal, world: &World) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for _ in 0..10_000 {
        match desk.turn().expect("a turn") {
            Turn::Send(request) => {
                let answer = portal.hear(&request);
                outcomes.push(desk.answered(&request, &answer).expect("an outcome"));
            }
            Turn::Wait(until) => {
                assert!(until > world.now(), "waits for what is over");
                world.set(until);
            }
            Turn::Idle => return outcomes,
        }
    }
    panic!("it never ends: {:?}", outcomes.last());
}
