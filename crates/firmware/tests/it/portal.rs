//! A portal in memory, made of the protocol's own parts, and the network before it.

use protocol::enrol::{EnrolmentFile, Responder, Way, Welcome, public_key};
use protocol::message::{self, Message, Said};
use protocol::package::{self, Core, EvidenceKeys, Package};
use protocol::receipt::{
    self, Answer, Duty, Participation, Problem, REFUSAL_CONTENT_TYPE, Receipt, Settings, SignedRefusal, Standing,
};
use protocol::signature::{Context, RequestParts, SignatureHeaders, claimed_key_id, sign_answer, verify_request};
use protocol::{
    CONFIRM_PATH, ENROL_CONTENT_TYPE, ENROL_PATH, Hex, Keys, MESSAGES_PATH, PACKAGES_PATH, Schedule, SigningKey,
    VerifyingKey, chain, parse_key_id,
};
use report::{Instant, Surroundings};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// 2026-10-31T12:00:00Z.
pub(crate) const START: i64 = 1_793_448_000_000;

/// A request as it is on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer as it is on the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct WireAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// What becomes of a request.
pub(crate) enum Fate {
    Deliver,
    LoseRequest,
    LoseAnswer,
    /// The portal never sees it, and this comes back.
    Instead(WireAnswer),
    /// The portal answers, and this is made of it.
    Change(fn(&mut WireAnswer)),
}

pub(crate) type Fates = Box<dyn FnMut(&Wire, &[WireAnswer]) -> Fate + Send>;

/// The portal and the way to it.
pub(crate) struct Network {
    pub(crate) portal: Portal,
    pub(crate) fates: Fates,
    /// What the portal really answered.
    pub(crate) answers: Vec<WireAnswer>,
    /// How many requests agents made.
    pub(crate) requests: usize,
}

pub(crate) type Net = Arc<Mutex<Network>>;

impl Network {
    pub(crate) fn new(portal: Portal) -> Net {
        let network = Network { portal, fates: Box::new(|_, _| Fate::Deliver), answers: Vec::new(), requests: 0 };
        Arc::new(Mutex::new(network))
    }

    /// Carries a request.
    pub(crate) fn post(&mut self, wire: &Wire) -> Option<WireAnswer> {
        assert_eq!(wire.authority, self.portal.authority, "an agent speaks with its portal only");
        self.requests += 1;
        let fate = (self.fates)(wire, &self.answers);
        match fate {
            Fate::LoseRequest => return None,
            Fate::Instead(answer) => return Some(answer),
            Fate::Deliver | Fate::LoseAnswer | Fate::Change(_) => {}
        }
        let mut answer = self.portal.answer(wire);
        self.answers.push(answer.clone());
        match fate {
            Fate::LoseAnswer => None,
            Fate::Change(change) => {
                change(&mut answer);
                Some(answer)
            }
            _ => Some(answer),
        }
    }
}

/// A package that the portal keeps.
pub(crate) struct Kept {
    json: Vec<u8>,
    digest: Hex<32>,
    pub(crate) seen: Option<Hex<16>>,
    pub(crate) receipt: Receipt,
}

/// An agent as the portal knows it.
pub(crate) struct Account {
    /// The epochs that it may use, the latest last.
    schedules: Vec<Schedule>,
    evidence: EvidenceKeys,
    confirmed: bool,
    pub(crate) kept: Vec<Kept>,
    next_message: u64,
    pub(crate) alerts: Vec<String>,
    pub(crate) left: bool,
}

/// How the portal refuses whoever it has no keys of.
pub(crate) enum Lost {
    /// It has them.
    No,
    /// It has not, and proves who says so.
    Proved,
    /// Somebody else says so.
    Forged,
}

pub(crate) struct Portal {
    surroundings: Surroundings,
    authority: String,
    static_key: [u8; 32],
    receipt_key: SigningKey,
    pub(crate) settings: Settings,
    /// Every package is refused with this.
    pub(crate) refuse: Option<Problem>,
    pub(crate) lost: Lost,
    accounts: BTreeMap<String, Account>,
    /// Packages that came under a number that another package has.
    pub(crate) forks: usize,
}

fn plain(status: u16, words: &str) -> WireAnswer {
    WireAnswer {
        status,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: words.as_bytes().to_vec(),
    }
}

fn refused(status: u16, kind: &str) -> Answer {
    Answer::Refused(Problem::new(status, kind, format!("Refused: {kind}.")))
}

impl Portal {
    pub(crate) fn new(authority: &str, surroundings: Surroundings) -> Portal {
        let settings = Settings { version: 1, participation: Participation::All, ..Settings::default() };
        Portal {
            surroundings,
            authority: authority.to_owned(),
            static_key: [7; 32],
            receipt_key: SigningKey::from_bytes(&[8; 32]),
            settings,
            refuse: None,
            lost: Lost::No,
            accounts: BTreeMap::new(),
            forks: 0,
        }
    }

    /// The one-time file, which this portal takes any number of times.
    pub(crate) fn file(&self, portal_ca: Option<String>) -> EnrolmentFile {
        EnrolmentFile {
            plotmeter_enrolment: 1,
            portal: format!("https://{}", self.authority),
            enrolment: "e-1".to_owned(),
            code: Hex([9; 32]),
            portal_key: public_key(&self.static_key),
            portal_id: "portal-1".to_owned(),
            reseller: "Nordplan".to_owned(),
            customer: "Kessler".to_owned(),
            expires_at: Instant(4_000_000_000_000),
            portal_ca,
        }
    }

    /// The only agent.
    pub(crate) fn account(&self) -> &Account {
        self.accounts.values().next().expect("an agent enrolled")
    }

    /// How many agents are enrolled.
    pub(crate) fn agents(&self) -> usize {
        self.accounts.len()
    }

    /// The highest epoch that the agent used.
    pub(crate) fn epoch(&self) -> u64 {
        self.account().schedules.last().expect("one").epoch()
    }

    /// How many evidence keys the agent introduced.
    pub(crate) fn evidence_keys(&self) -> usize {
        self.account().evidence.0.len()
    }

    /// The portal as it was when it had `packages` packages of each agent.
    pub(crate) fn restore(&mut self, packages: usize) {
        self.accounts.values_mut().for_each(|account| account.kept.truncate(packages));
    }

    /// Every record's core that the portal keeps, in order.
    pub(crate) fn cores(&self) -> Vec<Core> {
        let packages = self.accounts.values().flat_map(|account| &account.kept);
        let mut cores = Vec::new();
        for kept in packages {
            let package: Package<'_> = serde_json::from_slice(&kept.json).expect("it was checked");
            let read = |text: &str| serde_json::from_str::<Core>(text).expect("a core");
            cores.extend(package.records.iter().map(|record| read(record.core.get())));
        }
        cores
    }

    /// The UUIDs of the jobs that the portal keeps, in order.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let uuid = |core| match core {
            Core::Job(record) => record.job.uuid,
            _ => None,
        };
        self.cores().into_iter().filter_map(uuid).collect()
    }

    /// Everything that the portal keeps, as text.
    pub(crate) fn text(&self) -> String {
        let packages = self.accounts.values().flat_map(|account| &account.kept);
        packages.map(|kept| String::from_utf8_lossy(&kept.json).into_owned()).collect()
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, wire: &Wire) -> WireAnswer {
        if wire.path == ENROL_PATH {
            return self.enrol(wire);
        }
        match self.lost {
            Lost::No => {}
            Lost::Proved => return self.lost_keys(wire, &self.receipt_key),
            Lost::Forged => return self.lost_keys(wire, &SigningKey::from_bytes(&[66; 32])),
        }
        let Some((agent, keys)) = self.authenticate(wire) else { return plain(401, "not authentic") };
        let answer = match wire.path.as_str() {
            CONFIRM_PATH => self.confirm(&agent),
            PACKAGES_PATH => self.package(&agent, &keys, &wire.body),
            MESSAGES_PATH => self.message(&agent, &keys, &wire.body),
            _ => return plain(404, "no such place"),
        };
        self.sealed(&keys, wire.header("signature"), &answer)
    }

    fn lost_keys(&self, wire: &Wire, key: &SigningKey) -> WireAnswer {
        let problem = Problem::new(403, "behind", "The keys of this agent are not here.");
        let request = format!("{}\n{}", wire.header("signature-input"), wire.header("signature"));
        let refusal = SignedRefusal::signed(problem, &request, self.surroundings.now(), key);
        let headers = vec![("content-type".to_owned(), REFUSAL_CONTENT_TYPE.to_owned())];
        WireAnswer { status: 403, headers, body: serde_json::to_vec(&refusal).expect("texts serialise") }
    }

    fn enrol(&mut self, wire: &Wire) -> WireAnswer {
        let code = Hex([9; 32]);
        let way = Way::Code { enrolment: "e-1", code: &code };
        if wire.header("plotmeter-enrolment") != way.header() {
            return plain(403, "no such enrolment");
        }
        let read = Responder::read(way, &self.static_key, self.surroundings.random(), &wire.body);
        let Ok((responder, hello)) = read else { return plain(403, "no such enrolment") };
        let agent = Hex(self.surroundings.random::<8>()).to_string();
        let receipt_key = Hex(*self.receipt_key.verifying_key().as_bytes());
        let (reseller, customer) = ("Nordplan".to_owned(), "Kessler".to_owned());
        let welcome = Welcome { agent: agent.clone(), reseller, customer, receipt_key };
        let (body, shared) = responder.answer(&welcome).expect("a short answer");
        let evidence = VerifyingKey::from_bytes(&hello.evidence_key.0).expect("a key");
        let schedule = Schedule::new(&shared.secret, "portal-1", &agent, &shared.transcript);
        let account = Account {
            schedules: vec![schedule],
            evidence: EvidenceKeys::one(evidence),
            confirmed: false,
            kept: Vec::new(),
            next_message: 1,
            alerts: Vec::new(),
            left: false,
        };
        self.accounts.insert(agent, account);
        WireAnswer { status: 200, headers: vec![("content-type".to_owned(), ENROL_CONTENT_TYPE.to_owned())], body }
    }

    /// The agent that signed the request, and the keys of the epoch in which it did.
    fn authenticate(&mut self, wire: &Wire) -> Option<(String, Keys)> {
        let sent = SignatureHeaders {
            content_digest: wire.header("content-digest").to_owned(),
            signature_input: wire.header("signature-input").to_owned(),
            signature: wire.header("signature").to_owned(),
        };
        let (agent, epoch) = parse_key_id(claimed_key_id(&sent.signature_input).ok()?)?;
        let account = self.accounts.get_mut(agent)?;
        let known = account.schedules.iter().find(|schedule| schedule.epoch() == epoch);
        let (schedule, is_new) = match known {
            Some(schedule) => (schedule.clone(), false),
            None => (account.schedules.last()?.forward(epoch)?, true),
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
        if is_new {
            account.schedules.push(schedule);
            let before = account.schedules.len().saturating_sub(2);
            account.schedules.drain(..before);
        }
        Some((agent.to_owned(), keys))
    }

    fn confirm(&mut self, agent: &str) -> Answer {
        self.accounts.get_mut(agent).expect("authenticated").confirmed = true;
        Answer::Enrolled {
            settings: self.settings.clone(),
            reseller: "Nordplan".to_owned(),
            customer: "Kessler".to_owned(),
        }
    }

    fn package(&mut self, agent: &str, keys: &Keys, body: &[u8]) -> Answer {
        let account = self.accounts.get_mut(agent).expect("authenticated");
        let Ok((_, json)) = package::open(keys, body) else { return refused(422, "sealed") };
        let Ok(package) = Package::check(&json, agent, &account.evidence) else { return refused(422, "evidence") };
        if !account.confirmed {
            return refused(409, "unconfirmed");
        }
        if let Some(problem) = &self.refuse {
            return Answer::Refused(problem.clone());
        }
        let accepted = |receipt: &Receipt, settings: &Settings| Answer::Accepted {
            receipt: receipt.clone(),
            settings: Some(settings.clone()),
            wanted: Vec::new(),
            duty: Duty::Read,
        };
        let standing = standing(agent, account);
        if package.sequence < standing.next_sequence {
            let index = usize::try_from(package.sequence).expect("small").saturating_sub(1);
            let kept = &account.kept[index];
            if kept.digest == package.digest() {
                return accepted(&kept.receipt, &self.settings);
            }
            self.forks += 1;
            return refused(409, "fork");
        }
        if package.sequence > standing.next_sequence {
            let mut problem = Problem::new(409, "order", "Another package is expected.");
            problem.expected_sequence = Some(standing.next_sequence);
            return Answer::Refused(problem);
        }
        if package.previous != standing.head || package.first != standing.next_record {
            return refused(409, "chain");
        }
        let count = u64::try_from(package.records.len()).expect("small");
        let receipt = Receipt {
            agent: agent.to_owned(),
            sequence: package.sequence,
            digest: package.digest(),
            last: package.first + count - 1,
            head: package.head,
            accepted_at: self.surroundings.now(),
            signature: Hex([0; 64]),
        }
        .signed(&self.receipt_key);
        let answer = accepted(&receipt, &self.settings);
        let (digest, seen) = (package.digest(), package.seen);
        drop(package);
        account.kept.push(Kept { json, digest, seen, receipt });
        answer
    }

    fn message(&mut self, agent: &str, keys: &Keys, body: &[u8]) -> Answer {
        let account = self.accounts.get_mut(agent).expect("authenticated");
        let Ok(Message { number, said }) = message::open(keys, body) else { return refused(422, "form") };
        if !account.confirmed {
            return refused(409, "unconfirmed");
        }
        if number >= account.next_message {
            match said {
                Said::Beat(_) => {}
                Said::Alerts(notices) => account.alerts.extend(notices.into_iter().map(|notice| notice.alert.code)),
                Said::Rotation(rotation) => {
                    let (_, before) = account.evidence.0.last().expect("one");
                    if !rotation.is_authentic(agent, before) {
                        return refused(422, "rotation");
                    }
                    let next = VerifyingKey::from_bytes(&rotation.key.0).expect("it signed");
                    account.evidence.0.push((rotation.from, next));
                }
                Said::Leave { .. } => account.left = true,
            }
            account.next_message = number + 1;
        }
        Answer::Heard {
            at: self.surroundings.now(),
            settings: Some(self.settings.clone()),
            standing: standing(agent, account),
            duty: Duty::Read,
        }
    }

    fn sealed(&self, keys: &Keys, request: &str, answer: &Answer) -> WireAnswer {
        let status = match answer {
            Answer::Refused(problem) => problem.status,
            _ => 200,
        };
        let body = receipt::seal(keys, answer, self.surroundings.random());
        let context =
            Context { key_id: &keys.id, created: self.surroundings.now().0 / 1000, nonce: self.surroundings.random() };
        let signed = sign_answer(&keys.answer, (status, receipt::CONTENT_TYPE, &body), request, context);
        let headers = [
            ("content-type", receipt::CONTENT_TYPE.to_owned()),
            ("content-digest", signed.content_digest),
            ("signature-input", signed.signature_input),
            ("signature", signed.signature),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        WireAnswer { status, headers, body }
    }
}

/// Where the portal stands with an agent.
fn standing(agent: &str, account: &Account) -> Standing {
    let last = account.kept.last().map(|kept| &kept.receipt);
    Standing {
        next_sequence: last.map_or(1, |receipt| receipt.sequence + 1),
        next_record: last.map_or(1, |receipt| receipt.last + 1),
        head: last.map_or_else(|| chain::origin(agent), |receipt| receipt.head),
        next_message: account.next_message,
    }
}
