//! A portal in memory, for the tests of agents: its side of enrolment, packages and messages, made of the
//! protocol's own parts, with all that it was told open to look at.
//!
//! It serves one agent; who enrols anew takes the place of the one before, of whom nothing is kept.
//! Deliberately absent: sockets and networks, which each test brings; and whatever a real portal does with
//! what it keeps.

use crate::enrol::{EnrolmentFile, Responder, Way, Welcome, public_key};
use crate::message::{self, Message, Said};
use crate::package::{self, Core, EvidenceKeys, Package};
use crate::receipt::{self, Answer, Duty, Problem, REFUSAL_CONTENT_TYPE, Receipt, Settings, SignedRefusal, Standing};
use crate::signature::{Context, RequestParts, SignatureHeaders, claimed_key_id, sign_answer, verify_request};
use crate::{
    CONFIRM_PATH, ENROL_CONTENT_TYPE, ENROL_PATH, Hex, Keys, MESSAGES_PATH, PACKAGES_PATH, Schedule, SigningKey,
    VerifyingKey, chain, parse_key_id,
};
use report::{Instant, Surroundings};
use std::collections::BTreeMap;

/// The portal's id.
const PORTAL_ID: &str = "portal-1";
/// The portal's X25519 key.
const STATIC_KEY: [u8; 32] = [7; 32];
/// The enrolment that [`Portal::file`] invites to, any number of times.
const ENROLMENT: &str = "e-1";
/// Its one-time code.
const CODE: Hex<32> = Hex([9; 32]);

/// A request as it is on the wire: a `POST` without a query.
#[derive(Debug, Clone)]
pub struct Wire {
    /// Host and, unless 443, port.
    pub authority: String,
    /// The path.
    pub path: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Wire {
    /// The value of the header `name`; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// An answer as it is on the wire.
#[derive(Debug, Clone, Default)]
pub struct WireAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl WireAnswer {
    fn new<const N: usize>(status: u16, headers: [(&str, String); N], body: Vec<u8>) -> WireAnswer {
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        WireAnswer { status, headers, body }
    }

    /// An answer that proves nothing.
    fn plain(status: u16, words: &str) -> WireAnswer {
        WireAnswer::new(status, [("content-type", "text/plain".to_owned())], words.as_bytes().to_vec())
    }
}

/// Seals and signs an answer to the request whose header `signature` is `request`.
pub fn sealed(keys: &Keys, answer: &Answer, request: &str, surroundings: &Surroundings) -> WireAnswer {
    let status = match answer {
        Answer::Refused(problem) => problem.status,
        _ => 200,
    };
    let body = receipt::seal(keys, answer, surroundings.random());
    let context = Context { key_id: &keys.id, created: surroundings.now().0 / 1000, nonce: surroundings.random() };
    let signed = sign_answer(&keys.answer, (status, receipt::CONTENT_TYPE, &body), request, context);
    let headers = [
        ("content-type", receipt::CONTENT_TYPE.to_owned()),
        ("content-digest", signed.content_digest),
        ("signature-input", signed.signature_input),
        ("signature", signed.signature),
    ];
    WireAnswer::new(status, headers, body)
}

/// A package that the portal keeps.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its exact JSON.
    pub json: Vec<u8>,
    /// The receipt that it names.
    pub seen: Option<Hex<16>>,
    /// Its own receipt.
    pub receipt: Receipt,
}

/// How the portal answers an agent whose keys it has no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It has them.
    No,
    /// It has not, and proves who says so.
    Proved,
    /// Somebody else says so.
    Forged,
}

/// The portal.
#[derive(Clone)]
pub struct Portal {
    surroundings: Surroundings,
    receipt_key: SigningKey,
    /// Host and, unless 443, port, as its agent writes it.
    pub authority: String,
    /// The reseller's name.
    pub reseller: String,
    /// The customer's name.
    pub customer: String,
    /// What each answer asks for; absent where it asks for nothing.
    pub settings: Option<Settings>,
    /// Whether a confirmation takes effect: somebody approved the enrolment.
    pub approved: bool,
    /// Every package is refused with this.
    pub refuse: Option<Problem>,
    /// Whether it has its agent's keys.
    pub lost: Lost,
    /// How many agents it enrolled.
    pub enrolments: usize,
    agent: String,
    /// The epochs that the agent may use, at most two, the latest last.
    schedules: Vec<Schedule>,
    epoch: u64,
    evidence: EvidenceKeys,
    /// Whether the agent confirmed its enrolment.
    pub confirmed: bool,
    /// The packages by their numbers.
    pub kept: BTreeMap<u64, Kept>,
    /// What the agent said in messages, each once.
    pub said: Vec<Said>,
    /// The lowest number of a message that changes something.
    pub next_message: u64,
    /// Packages that came under a number that another package has.
    pub forks: usize,
    /// The kind of every refusal by which nothing was kept, but those of `refuse`.
    pub refused: Vec<&'static str>,
}

impl Portal {
    /// A portal that enrolled nobody yet, and approves of everybody.
    pub fn new(authority: &str, surroundings: Surroundings) -> Portal {
        Portal {
            surroundings,
            receipt_key: SigningKey::from_bytes(&[8; 32]),
            authority: authority.to_owned(),
            reseller: "Nordplan".to_owned(),
            customer: "Kessler".to_owned(),
            settings: None,
            approved: true,
            refuse: None,
            lost: Lost::No,
            enrolments: 0,
            agent: String::new(),
            schedules: Vec::new(),
            epoch: 0,
            evidence: EvidenceKeys(Vec::new()),
            confirmed: false,
            kept: BTreeMap::new(),
            said: Vec::new(),
            next_message: 1,
            forks: 0,
            refused: Vec::new(),
        }
    }

    /// The key that signs receipts.
    pub fn receipt_key(&self) -> &SigningKey {
        &self.receipt_key
    }

    /// The file that invites an agent.
    pub fn file(&self, portal_ca: Option<String>) -> EnrolmentFile {
        EnrolmentFile {
            plotmeter_enrolment: 1,
            portal: format!("https://{}", self.authority),
            enrolment: ENROLMENT.to_owned(),
            code: CODE,
            portal_key: public_key(&STATIC_KEY),
            portal_id: PORTAL_ID.to_owned(),
            reseller: self.reseller.clone(),
            customer: self.customer.clone(),
            expires_at: Instant(4_000_000_000_000),
            portal_ca,
        }
    }

    /// Takes in an agent that has yet to confirm, in the place of the one before.
    pub fn admit(&mut self, agent: &str, schedule: Schedule, evidence: VerifyingKey) {
        self.enrolments += 1;
        self.agent = agent.to_owned();
        self.epoch = schedule.epoch();
        self.schedules = vec![schedule];
        self.evidence = EvidenceKeys::one(evidence);
        self.confirmed = false;
        self.kept.clear();
        self.said.clear();
        self.next_message = 1;
    }

    /// The epoch of the last request that was proved.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many evidence keys the agent introduced.
    pub fn evidence_keys(&self) -> usize {
        self.evidence.0.len()
    }

    /// Goes back to what it knew before package `sequence`, as a portal that is restored from a backup.
    pub fn restore(&mut self, sequence: u64) {
        self.kept.retain(|known, _| *known < sequence);
    }

    /// Forgets every evidence key but the first, as a portal that is restored from a backup.
    pub fn forget_rotations(&mut self) {
        self.evidence.0.truncate(1);
    }

    /// The codes of the alerts that were said, in order.
    pub fn alerts(&self) -> Vec<String> {
        let notices = self.said.iter().filter_map(|said| match said {
            Said::Alerts(notices) => Some(notices),
            _ => None,
        });
        notices.flatten().map(|notice| notice.alert.code.clone()).collect()
    }

    /// Whether the agent said that it leaves.
    pub fn left(&self) -> bool {
        self.said.iter().any(|said| matches!(said, Said::Leave { .. }))
    }

    /// The JSON of each package, in order.
    pub fn packages(&self) -> Vec<String> {
        self.kept.values().map(|kept| String::from_utf8_lossy(&kept.json).into_owned()).collect()
    }

    /// The cores of all records, in order.
    pub fn cores(&self) -> Vec<Core> {
        let mut cores = Vec::new();
        for kept in self.kept.values() {
            let package: Package<'_> = serde_json::from_slice(&kept.json).expect("it was checked before it was kept");
            let read = |text: &str| serde_json::from_str::<Core>(text).expect("agents under test write cores");
            cores.extend(package.records.iter().map(|record| read(record.core.get())));
        }
        cores
    }

    /// Answers a request.
    pub fn answer(&mut self, wire: &Wire) -> WireAnswer {
        if wire.path == ENROL_PATH {
            return self.enrol(wire);
        }
        match self.lost {
            Lost::No => {}
            Lost::Proved => return self.lost_keys(wire, &self.receipt_key),
            Lost::Forged => return self.lost_keys(wire, &SigningKey::from_bytes(&[66; 32])),
        }
        let Some(keys) = self.authenticate(wire) else { return WireAnswer::plain(401, "not authentic") };
        let answer = match wire.path.as_str() {
            CONFIRM_PATH => self.confirm(),
            PACKAGES_PATH => self.package(&keys, &wire.body),
            MESSAGES_PATH => self.message(&keys, &wire.body),
            _ => return WireAnswer::plain(404, "no such place"),
        };
        sealed(&keys, &answer, wire.header("signature"), &self.surroundings)
    }

    fn lost_keys(&self, wire: &Wire, key: &SigningKey) -> WireAnswer {
        let problem = Problem::new(403, "behind", "The keys of this agent are not here.");
        let request = format!("{}\n{}", wire.header("signature-input"), wire.header("signature"));
        let refusal = SignedRefusal::signed(problem, &request, self.surroundings.now(), key);
        let body = serde_json::to_vec(&refusal).expect("integers and texts serialise");
        WireAnswer::new(403, [("content-type", REFUSAL_CONTENT_TYPE.to_owned())], body)
    }

    fn enrol(&mut self, wire: &Wire) -> WireAnswer {
        let way = Way::Code { enrolment: ENROLMENT, code: &CODE };
        if wire.header("plotmeter-enrolment") != way.header() {
            return WireAnswer::plain(403, "no such enrolment");
        }
        let read = Responder::read(way, &STATIC_KEY, self.surroundings.random(), &wire.body);
        let Ok((responder, hello)) = read else { return WireAnswer::plain(403, "no such enrolment") };
        let agent = format!("agent-{}", self.enrolments + 1);
        let welcome = Welcome {
            agent: agent.clone(),
            reseller: self.reseller.clone(),
            customer: self.customer.clone(),
            receipt_key: Hex(*self.receipt_key.verifying_key().as_bytes()),
        };
        let (body, shared) = responder.answer(&welcome).expect("a welcome is short");
        let evidence = VerifyingKey::from_bytes(&hello.evidence_key.0).expect("agents under test have a key");
        self.admit(&agent, Schedule::new(&shared.secret, PORTAL_ID, &agent, &shared.transcript), evidence);
        WireAnswer::new(200, [("content-type", ENROL_CONTENT_TYPE.to_owned())], body)
    }

    /// The keys of the epoch in which the agent signed the request; `None` where it did not.
    fn authenticate(&mut self, wire: &Wire) -> Option<Keys> {
        let sent = SignatureHeaders {
            content_digest: wire.header("content-digest").to_owned(),
            signature_input: wire.header("signature-input").to_owned(),
            signature: wire.header("signature").to_owned(),
        };
        let (agent, epoch) = parse_key_id(claimed_key_id(&sent.signature_input).ok()?)?;
        if agent != self.agent {
            return None;
        }
        let known = self.schedules.iter().find(|schedule| schedule.epoch() == epoch);
        let (schedule, is_new) = match known {
            Some(schedule) => (schedule.clone(), false),
            None => (self.schedules.last()?.forward(epoch)?, true),
        };
        let keys = schedule.keys();
        let parts = RequestParts {
            method: "POST",
            authority: &self.authority,
            path: &wire.path,
            query: "?",
            content_type: wire.header("content-type"),
            idempotency_key: wire.header("idempotency-key"),
            body: &wire.body,
        };
        verify_request(&keys.request, parts, &sent).ok()?;
        self.epoch = epoch;
        if is_new {
            self.schedules.push(schedule);
            let before = self.schedules.len().saturating_sub(2);
            self.schedules.drain(..before);
        }
        Some(keys)
    }

    fn refusal(&mut self, status: u16, kind: &'static str) -> Answer {
        self.refused.push(kind);
        Answer::Refused(Problem::new(status, kind, format!("Refused: {kind}.")))
    }

    fn confirm(&mut self) -> Answer {
        if !self.approved {
            return self.refusal(409, "unconfirmed");
        }
        self.confirmed = true;
        Answer::Enrolled {
            settings: self.settings.clone().unwrap_or_default(),
            reseller: self.reseller.clone(),
            customer: self.customer.clone(),
        }
    }

    fn package(&mut self, keys: &Keys, body: &[u8]) -> Answer {
        if !self.confirmed {
            return self.refusal(409, "unconfirmed");
        }
        let Ok((_, json)) = package::open(keys, body) else { return self.refusal(422, "sealed") };
        let Ok(package) = Package::check(&json, &self.agent, &self.evidence) else {
            return self.refusal(422, "evidence");
        };
        if let Some(problem) = &self.refuse {
            return Answer::Refused(problem.clone());
        }
        let (sequence, digest, seen) = (package.sequence, package.digest(), package.seen);
        if let Some(known) = self.kept.get(&sequence) {
            if known.receipt.digest == digest {
                return self.accepted(known.receipt.clone());
            }
            self.forks += 1;
            return self.refusal(409, "fork");
        }
        let standing = self.standing();
        if sequence != standing.next_sequence {
            let mut refusal = self.refusal(409, "order");
            if let Answer::Refused(problem) = &mut refusal {
                problem.expected_sequence = Some(standing.next_sequence);
            }
            return refusal;
        }
        if (package.first, package.previous) != (standing.next_record, standing.head) {
            return self.refusal(409, "chain");
        }
        let count = u64::try_from(package.records.len()).expect("a package has few records");
        let unsigned = Receipt {
            agent: self.agent.clone(),
            sequence,
            digest,
            last: package.first + count - 1,
            head: package.head,
            accepted_at: self.surroundings.now(),
            signature: Hex([0; 64]),
        };
        let receipt = unsigned.signed(&self.receipt_key);
        drop(package);
        self.kept.insert(sequence, Kept { json, seen, receipt: receipt.clone() });
        self.accepted(receipt)
    }

    fn accepted(&self, receipt: Receipt) -> Answer {
        Answer::Accepted { receipt, settings: self.settings.clone(), wanted: Vec::new(), duty: Duty::Read }
    }

    fn message(&mut self, keys: &Keys, body: &[u8]) -> Answer {
        if !self.confirmed {
            return self.refusal(409, "unconfirmed");
        }
        let Ok(Message { number, said }) = message::open(keys, body) else { return self.refusal(422, "form") };
        if number >= self.next_message {
            if let Said::Rotation(rotation) = &said {
                let known = self.evidence.0.last().is_some_and(|(_, old)| rotation.is_authentic(&self.agent, old));
                let Some(key) = VerifyingKey::from_bytes(&rotation.key.0).ok().filter(|_| known) else {
                    return self.refusal(422, "rotation");
                };
                self.evidence.0.push((rotation.from, key));
            }
            self.said.push(said);
            self.next_message = number + 1;
        }
        Answer::Heard {
            at: self.surroundings.now(),
            settings: self.settings.clone(),
            standing: self.standing(),
            duty: Duty::Read,
        }
    }

    /// Where it stands with its agent.
    fn standing(&self) -> Standing {
        let last = self.kept.last_key_value().map(|(_, kept)| &kept.receipt);
        Standing {
            next_sequence: last.map_or(1, |receipt| receipt.sequence + 1),
            next_record: last.map_or(1, |receipt| receipt.last + 1),
            head: last.map_or_else(|| chain::origin(&self.agent), |receipt| receipt.head),
            next_message: self.next_message,
        }
    }
}
