//! A clock, an identity and a portal for the tests of the core: the portal's side of the protocol, in memory.
//!
//! Deliberately absent: sockets, and anything that a real portal does with what it keeps.

use crate::desk::{Desk, DeskOptions, Inbound, Outbound, Outcome, Turn};
use crate::identity::{EnrolledBy, EvidenceKey, Identity, Stored};
use crate::spool::ReadFrom;
use protocol::limits::SEALED_BYTES_MAX;
use protocol::message::{self, AgentKind, AlertNotice, Beat, Said};
use protocol::package::{self, Core, EvidenceKeys, Manner, Package, Split, Timestamps};
use protocol::receipt::{self, Answer, Duty, Problem, Receipt, Settings, Standing};
use protocol::signature::{Context, RequestParts, SignatureHeaders, claimed_key_id, sign_answer, verify_request};
use protocol::{
    CONFIRM_PATH, Hex, Keys, MESSAGES_PATH, PACKAGES_PATH, Schedule, Secret, SigningKey, VerifyingKey, chain,
    parse_key_id,
};
use report::sample::Rng;
use report::{Duration, Grade, Instant, Surroundings};
use std::collections::BTreeMap;
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

/// A package that the portal keeps.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) receipt: Receipt,
    pub(crate) json: Vec<u8>,
}

/// The portal of one agent.
#[derive(Clone)]
pub(crate) struct Portal {
    agent: String,
    schedule: Schedule,
    receipt_key: SigningKey,
    evidence: Vec<(u64, VerifyingKey)>,
    pub(crate) kept: BTreeMap<u64, Kept>,
    next_record: u64,
    head: Hex<32>,
    pub(crate) next_message: u64,
    pub(crate) alerts: Vec<AlertNotice>,
    pub(crate) beats: Vec<Beat>,
    pub(crate) left: bool,
    pub(crate) settings: Option<Settings>,
    pub(crate) confirmed: bool,
    /// A comparison that somebody approved.
    pub(crate) approved: bool,
    /// Packages of one number and two contents.
    pub(crate) forks: usize,
    /// All that was refused, by kind.
    pub(crate) refused: Vec<&'static str>,
}

impl Portal {
    /// The portal of the agent that [`identity`] makes.
    pub(crate) fn new(agent: &str) -> Portal {
        let key = SigningKey::from_bytes(&[3; 32]).verifying_key();
        Portal {
            agent: agent.to_owned(),
            schedule: Schedule::new(&Secret::new([1; 32]), "portal", agent, &Hex([2; 32])),
            receipt_key: SigningKey::from_bytes(&[8; 32]),
            evidence: vec![(1, key)],
            kept: BTreeMap::new(),
            next_record: 1,
            head: chain::origin(agent),
            next_message: 1,
            alerts: Vec::new(),
            beats: Vec::new(),
            left: false,
            settings: None,
            confirmed: true,
            approved: true,
            forks: 0,
            refused: Vec::new(),
        }
    }

    pub(crate) fn receipt_key(&self) -> &SigningKey {
        &self.receipt_key
    }

    /// The epoch of the last request that was proved.
    pub(crate) fn epoch(&self) -> u64 {
        self.schedule.epoch()
    }

    /// Answers a request, as a portal does.
    pub(crate) fn hear(&mut self, request: &Outbound) -> Inbound {
        let header = |name: &str| {
            let found = request.headers.iter().find(|(of, _)| *of == name);
            found.map(|(_, value)| value.clone()).expect("a signed request has it")
        };
        let sent = SignatureHeaders {
            content_digest: header("content-digest"),
            signature_input: header("signature-input"),
            signature: header("signature"),
        };
        let (agent, epoch) = parse_key_id(claimed_key_id(&sent.signature_input).expect("a key id")).expect("formed");
        assert_eq!(agent, self.agent);
        let schedule = self.schedule.forward(epoch).expect("an agent is never behind");
        let keys = schedule.keys();
        let (content_type, idempotency_key) = (header("content-type"), header("idempotency-key"));
        let parts = RequestParts {
            method: "POST",
            authority: &request.authority,
            path: request.path,
            query: "?",
            content_type: &content_type,
            idempotency_key: &idempotency_key,
            body: &request.body,
        };
        assert_eq!(verify_request(&keys.request, parts, &sent), Ok(()));
        self.schedule = schedule;
        let answer = match request.path {
            CONFIRM_PATH => self.confirm(),
            MESSAGES_PATH => self.message(&keys, &request.body),
            PACKAGES_PATH => self.package(&keys, &request.body),
            path => panic!("nothing is at {path}"),
        };
        answered(&keys, &answer, &sent.signature)
    }

    fn refuse(&mut self, kind: &'static str, expected_sequence: Option<u64>) -> Answer {
        self.refused.push(kind);
        Answer::Refused(Problem { expected_sequence, ..Problem::new(409, kind, "no") })
    }

    fn confirm(&mut self) -> Answer {
        if !self.approved {
            return self.refuse("unconfirmed", None);
        }
        self.confirmed = true;
        let settings = self.settings.clone().unwrap_or_default();
        Answer::Enrolled { settings, reseller: "Reseller".to_owned(), customer: "Customer".to_owned() }
    }

    fn message(&mut self, keys: &Keys, sealed: &[u8]) -> Answer {
        if !self.confirmed {
            return self.refuse("unconfirmed", None);
        }
        let message = message::open(keys, sealed).expect("opens");
        if message.number >= self.next_message {
            self.next_message = message.number + 1;
            match message.said {
                Said::Beat(beat) => self.beats.push(*beat),
                Said::Alerts(alerts) => self.alerts.extend(alerts),
                Said::Rotation(rotation) => {
                    let (_, old) = self.evidence.last().expect("a key");
                    assert!(rotation.is_authentic(&self.agent, old));
                    let key = VerifyingKey::from_bytes(&rotation.key.0).expect("a key");
                    self.evidence.push((rotation.from, key));
                }
                Said::Leave { .. } => self.left = true,
            }
        }
        let standing = Standing {
            next_sequence: self.next_sequence(),
            next_record: self.next_record,
            head: self.head,
            next_message: self.next_message,
        };
        Answer::Heard { at: START, settings: self.settings.clone(), standing, duty: Duty::Read }
    }

    fn next_sequence(&self) -> u64 {
        self.kept.last_key_value().map_or(1, |(sequence, _)| sequence + 1)
    }

    fn package(&mut self, keys: &Keys, sealed: &[u8]) -> Answer {
        if !self.confirmed {
            return self.refuse("unconfirmed", None);
        }
        assert!(sealed.len() <= SEALED_BYTES_MAX);
        let (_, json) = package::open(keys, sealed).expect("opens");
        let evidence = EvidenceKeys(self.evidence.clone());
        let Ok(package) = Package::check(&json, &self.agent, &evidence) else { return self.refuse("evidence", None) };
        let (sequence, digest) = (package.sequence, package.digest());
        if let Some(known) = self.kept.get(&sequence) {
            if known.receipt.digest == digest {
                return self.accepted(known.receipt.clone());
            }
            self.forks += 1;
            return self.refuse("fork", None);
        }
        if sequence != self.next_sequence() {
            return self.refuse("order", Some(self.next_sequence()));
        }
        if (package.first, package.previous) != (self.next_record, self.head) {
            return self.refuse("chain", None);
        }
        let last = package.first + package.records.len() as u64 - 1;
        (self.next_record, self.head) = (last + 1, package.head);
        let unsigned = Receipt {
            agent: self.agent.clone(),
            sequence,
            digest,
            last,
            head: package.head,
            accepted_at: Instant(START.0 + i64::try_from(sequence).expect("small")),
            signature: Hex([0; 64]),
        };
        let receipt = unsigned.signed(&self.receipt_key);
        self.kept.insert(sequence, Kept { receipt: receipt.clone(), json });
        self.accepted(receipt)
    }

    fn accepted(&self, receipt: Receipt) -> Answer {
        Answer::Accepted { receipt, settings: self.settings.clone(), wanted: Vec::new(), duty: Duty::Read }
    }

    /// Goes back to what it knew before package `sequence`, as a portal that is restored from a backup.
    pub(crate) fn restore(&mut self, sequence: u64) {
        drop(self.kept.split_off(&sequence));
        let last = self.kept.last_key_value().map(|(_, kept)| (kept.receipt.last, kept.receipt.head));
        let (last, head) = last.unwrap_or((0, chain::origin(&self.agent)));
        (self.next_record, self.head) = (last + 1, head);
    }

    /// Forgets every evidence key but the first, as a portal that is restored from a backup.
    pub(crate) fn forget_rotations(&mut self) {
        self.evidence.truncate(1);
    }

    /// The cores of all records, in their order.
    pub(crate) fn cores(&self) -> Vec<Core> {
        let mut cores = Vec::new();
        for kept in self.kept.values() {
            let package: Package<'_> = serde_json::from_slice(&kept.json).expect("a package");
            cores.extend(
                package.records.iter().map(|record| serde_json::from_str::<Core>(record.core.get()).expect("a core")),
            );
        }
        cores
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

/// An answer, sealed and signed for the request with this signature.
pub(crate) fn answered(keys: &Keys, answer: &Answer, request: &str) -> Inbound {
    let status = match answer {
        Answer::Refused(problem) => problem.status,
        _ => 200,
    };
    let body = receipt::seal(keys, answer, [7; 16]);
    let context = Context { key_id: &keys.id, created: START.0 / 1000, nonce: [5; 16] };
    let signed = sign_answer(&keys.answer, (status, receipt::CONTENT_TYPE, &body), request, context);
    let header = |name: &str, value: String| (name.to_owned(), value);
    let headers = vec![
        header("content-type", receipt::CONTENT_TYPE.to_owned()),
        header("content-digest", signed.content_digest),
        header("signature-input", signed.signature_input),
        header("signature", signed.signature),
    ];
    Inbound { status, headers, body }
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
