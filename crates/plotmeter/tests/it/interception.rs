//! The interception lab: a proxy whose authority the agents trust stands between two desks and a real portal,
//! reads all that passes, and alters, cuts, holds back, replays and forges as it likes.
//!
//! Every exchange goes through real TLS that the proxy ends, and on to the portal's own routes over loopback.
//! After every round, what the desks hold and what they let go is compared with the portal's database. The
//! full count, on both databases where `PLOTMETER_TEST_POSTGRES` names a server:
//!
//! ```text
//! PLOTMETER_LAB_COUNT=10000 cargo test --release -p plotmeter interception -- --nocapture
//! ```
//!
//! Deliberately absent: attacks on enrolment, which `protocol::enrol` and the agent's own tests have.

use crate::lab::{Lab, Post, Source, beat, exchange, head_end, header_lines, headers_of};
use crate::world::{certificate, postgres};
use agent::{Desk, Inbound, Outbound, Outcome, Unsent};
use portal::{Target, setup};
use protocol::message::AlertNotice;
use protocol::package::{Package, PrinterIdentity};
use protocol::receipt::{self, Answer, Duty, Problem, REFUSAL_CONTENT_TYPE, Receipt, Settings, SignedRefusal};
use protocol::signature::{Context, claimed_key_id, sign_answer};
use protocol::{Hex, MESSAGES_PATH, PACKAGES_PATH, Schedule, Secret, SigningKey, parse_key_id, sha256};
use report::sample::Rng;
use report::{Alert, Duration, Instant, Severity};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What the proxy does with one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attack {
    /// Nothing.
    None,
    // What the agent says.
    AlterBody,
    AlterBodyAndDigest,
    AlterHeader,
    DropHeader,
    AlterPath,
    OlderEpoch,
    CutRequest,
    ReplayOwn,
    ReplayOther,
    /// The portal hears the request twice, and the agent the second answer: that is allowed to work.
    Twice,
    /// The portal hears it later, after others.
    Hold,
    // What the agent hears.
    Html,
    OldAnswer,
    OtherAnswer,
    AlterAnswerBody,
    AlterAnswerHeader,
    AlterStatus,
    CutAnswer,
    Accepted,
    AcceptedSealed,
    Redirect,
    Revoked,
    ForgedRefusal,
    OtherRefusal,
    Empty,
    Reflected,
}

use Attack::{
    Accepted, AcceptedSealed, AlterAnswerBody, AlterAnswerHeader, AlterBody, AlterBodyAndDigest, AlterHeader,
    AlterPath, AlterStatus, CutAnswer, CutRequest, DropHeader, Empty, ForgedRefusal, Hold, Html, OldAnswer, OlderEpoch,
    OtherAnswer, OtherRefusal, Redirect, Reflected, ReplayOther, ReplayOwn, Revoked, Twice,
};

const ATTACKS: [Attack; 26] = [
    AlterBody,
    AlterBodyAndDigest,
    AlterHeader,
    DropHeader,
    AlterPath,
    OlderEpoch,
    CutRequest,
    ReplayOwn,
    ReplayOther,
    Twice,
    Hold,
    Html,
    OldAnswer,
    OtherAnswer,
    AlterAnswerBody,
    AlterAnswerHeader,
    AlterStatus,
    CutAnswer,
    Accepted,
    AcceptedSealed,
    Redirect,
    Revoked,
    ForgedRefusal,
    OtherRefusal,
    Empty,
    Reflected,
];
/// Stands in every page that the proxy makes, so that the search of its transcript finds something.
const MARKER: &str = "Sign in to the guest network of Marker & Sons";
/// Stands in every name of a job.
const PLANTED: &str = "Villa Planted";
/// Requests and answers of each agent that the proxy remembers.
const REMEMBERED: usize = 200;
/// The headers that prove an answer.
const PROOF: [&str; 4] = ["content-type", "content-digest", "signature-input", "signature"];

fn below(rng: &mut Rng, count: usize) -> usize {
    let last = i64::try_from(count).expect("small") - 1;
    usize::try_from(rng.between(0, last)).expect("not negative")
}

/// The text with one character changed.
fn altered(rng: &mut Rng, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if bytes.is_empty() {
        return "A".to_owned();
    }
    let at = below(rng, bytes.len());
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("ASCII")
}

fn flip(rng: &mut Rng, body: &mut Vec<u8>) {
    if body.is_empty() {
        body.push(b'A');
    } else {
        let at = below(rng, body.len());
        body[at] ^= 1 << below(rng, 8);
    }
}

fn page(status: u16, content_type: &str, body: Vec<u8>) -> Inbound {
    Inbound { status, headers: vec![("content-type".to_owned(), content_type.to_owned())], body }
}

/// The proxy: it ends TLS with a certificate that the agents trust.
struct Proxy {
    acceptor: TlsAcceptor,
    listener: TcpListener,
    authority: String,
    portal: String,
    rng: Rng,
    transcript: Vec<u8>,
    requests: [Vec<Post>; 2],
    answers: [Vec<Inbound>; 2],
    refusals: Vec<Inbound>,
    held: Option<(usize, Post)>,
}

impl Proxy {
    /// Carries one exchange of agent `who`.
    async fn serve(&mut self, who: usize, attack: Attack) {
        let (socket, _) = self.listener.accept().await.expect("a connection");
        let mut stream = self.acceptor.accept(socket).await.expect("the agent trusts it");
        let mut bytes = Vec::new();
        let request = loop {
            if let Some(request) = read_request(&bytes) {
                break request;
            }
            let mut block = [0; 16 * 1024];
            let count = stream.read(&mut block).await.expect("a request");
            assert!(count > 0, "the agent hung up");
            bytes.extend_from_slice(&block[..count]);
        };
        self.transcript.extend_from_slice(&bytes);
        let genuine = self.ask(who, attack, &request).await;
        let Some(answer) = self.answer(who, attack, &request, genuine) else { return };
        let first = format!("HTTP/1.1 {} Said\r\n", answer.status);
        let last = format!("content-length: {}\r\nconnection: close\r\n\r\n", answer.body.len());
        let mut said = [first.into_bytes(), header_lines(&answer.headers), last.into_bytes(), answer.body].concat();
        self.transcript.extend_from_slice(&said);
        if attack == CutAnswer {
            said.truncate(below(&mut self.rng, said.len()));
        }
        // An agent that has heard enough may be gone.
        let _gone = stream.write_all(&said).await;
        let _gone = stream.shutdown().await;
    }

    /// Hands a request to the portal and remembers what it says.
    async fn pass(&mut self, who: usize, request: &Post) -> Option<Inbound> {
        let bytes = request.bytes(&self.authority);
        self.transcript.extend_from_slice(&bytes);
        let mut stream = TcpStream::connect(&self.portal).await.expect("the portal listens");
        let answer = exchange(&mut stream, &bytes).await?;
        self.transcript.extend_from_slice(&header_lines(&answer.headers));
        self.transcript.extend_from_slice(&answer.body);
        let is = |name: &str, value: &str| answer.headers.iter().any(|(of, said)| of == name && said == value);
        if is("content-type", REFUSAL_CONTENT_TYPE) {
            self.refusals.push(answer.clone());
        } else if is("content-type", receipt::CONTENT_TYPE) {
            remember(&mut self.rng, &mut self.answers[who], &answer);
        }
        Some(answer)
    }

    /// What of the request reaches the portal, and what the portal says to it.
    async fn ask(&mut self, who: usize, attack: Attack, request: &Post) -> Option<Inbound> {
        // What was held back comes before or after this one: either way in another order than it was said.
        if attack != Hold
            && self.rng.chance(500_000)
            && let Some((of, held)) = self.held.take()
        {
            self.pass(of, &held).await;
        }
        let altered = self.alter(attack, request);
        let heard = match attack {
            CutRequest => self.cut(request).await,
            ReplayOwn => self.replay(who).await,
            ReplayOther => self.replay(1 - who).await,
            Hold => {
                self.held = Some((who, request.clone()));
                None
            }
            Twice => {
                self.pass(who, request).await;
                self.pass(who, request).await
            }
            // Where the answer is forged anyway, the portal may have heard the request or not.
            Html | OldAnswer | OtherAnswer | Accepted | AcceptedSealed | Redirect | Revoked | ForgedRefusal
            | OtherRefusal | Empty | Reflected
                if self.rng.chance(500_000) =>
            {
                None
            }
            _ => self.pass(who, &altered).await,
        };
        remember(&mut self.rng, &mut self.requests[who], request);
        heard
    }

    async fn replay(&mut self, of: usize) -> Option<Inbound> {
        if self.requests[of].is_empty() {
            return None;
        }
        let old = self.rng.pick(&self.requests[of]).clone();
        self.pass(of, &old).await
    }

    /// Says the first part of a request and hangs up.
    async fn cut(&mut self, request: &Post) -> Option<Inbound> {
        let mut bytes = request.bytes(&self.authority);
        bytes.truncate(below(&mut self.rng, bytes.len()));
        let mut stream = TcpStream::connect(&self.portal).await.expect("the portal listens");
        // Whatever the portal makes of it, it has made it when it hangs up too.
        let _gone = stream.write_all(&bytes).await;
        let _gone = stream.shutdown().await;
        let mut rest = Vec::new();
        let _gone = stream.read_to_end(&mut rest).await;
        None
    }

    /// The request as the attack leaves it.
    fn alter(&mut self, attack: Attack, request: &Post) -> Post {
        let rng = &mut self.rng;
        let mut post = request.clone();
        match attack {
            AlterBody => flip(rng, &mut post.body),
            AlterBodyAndDigest => {
                flip(rng, &mut post.body);
                set(&mut post.headers, "content-digest", format!("sha-256=:{}:", base64_of_digest(&post.body)));
            }
            AlterHeader => alter_one(rng, &mut post.headers),
            DropHeader => {
                let at = below(rng, post.headers.len());
                post.headers.remove(at);
            }
            AlterPath => {
                let other = if post.path == PACKAGES_PATH { MESSAGES_PATH } else { PACKAGES_PATH };
                let changed = altered(rng, &post.path[1..]);
                let paths = [other.to_owned(), format!("{}?a=b", post.path), format!("/{changed}")];
                post.path = rng.pick(&paths).clone();
            }
            OlderEpoch => {
                let input = post.header("signature-input").to_owned();
                let key_id = claimed_key_id(&input).expect("a key id").to_owned();
                match parse_key_id(&key_id).expect("formed") {
                    (agent, 2..) => {
                        let older = input.replace(&format!("\"{key_id}\""), &format!("\"{agent}.0\""));
                        set(&mut post.headers, "signature-input", older);
                    }
                    _ => alter_one(rng, &mut post.headers),
                }
            }
            _ => {}
        }
        post
    }

    /// What the agent hears; `None` hangs up.
    fn answer(&mut self, who: usize, attack: Attack, request: &Post, genuine: Option<Inbound>) -> Option<Inbound> {
        let html = page(200, "text/html", format!("<html><h1>{MARKER}</h1></html>").into_bytes());
        let rng = &mut self.rng;
        match attack {
            Html => Some(html),
            // The youngest answer may be the one to this very request.
            OldAnswer => {
                let old = self.answers[who].iter().filter(|answer| Some(*answer) != genuine.as_ref()).cloned();
                one_of(rng, &old.collect::<Vec<_>>()).or(Some(html))
            }
            OtherAnswer => one_of(rng, &self.answers[1 - who]).or(Some(html)),
            OtherRefusal => one_of(rng, &self.refusals).or(Some(html)),
            AlterAnswerBody => genuine.map(|mut answer| {
                flip(rng, &mut answer.body);
                answer
            }),
            AlterAnswerHeader => genuine.map(|mut answer| {
                answer.headers.retain(|(name, _)| PROOF.contains(&name.as_str()));
                alter_one(rng, &mut answer.headers);
                answer
            }),
            AlterStatus => genuine.map(|mut answer| {
                answer.status = if answer.status == 200 { 202 } else { 200 };
                answer
            }),
            Accepted => Some(forged(rng, request, false)),
            AcceptedSealed => Some(forged(rng, request, true)),
            Redirect => {
                let location = ("location".to_owned(), "https://portal.example/elsewhere".to_owned());
                Some(Inbound { status: 301, headers: vec![location], body: MARKER.as_bytes().to_vec() })
            }
            Revoked => {
                let problem = Problem::new(403, "revoked", "This agent is not enrolled any more.");
                Some(page(403, "application/problem+json", serde_json::to_vec(&problem).expect("JSON")))
            }
            ForgedRefusal => {
                let problem = Problem::new(403, "behind", "This agent's keys are older than the ones the portal has.");
                let key = SigningKey::from_bytes(&[66; 32]);
                let named = format!("{}\n{}", request.header("signature-input"), request.header("signature"));
                let refusal = SignedRefusal::signed(problem, &named, Instant(0), &key);
                Some(page(403, REFUSAL_CONTENT_TYPE, serde_json::to_vec(&refusal).expect("JSON")))
            }
            Empty => Some(Inbound { status: 200, headers: Vec::new(), body: Vec::new() }),
            Reflected => Some(Inbound { status: 200, headers: request.headers.clone(), body: request.body.clone() }),
            _ => genuine,
        }
    }
}

fn one_of(rng: &mut Rng, list: &[Inbound]) -> Option<Inbound> {
    if list.is_empty() { None } else { Some(rng.pick(list).clone()) }
}

fn remember<T: Clone>(rng: &mut Rng, list: &mut Vec<T>, item: &T) {
    if list.len() < REMEMBERED {
        list.push(item.clone());
    } else {
        let at = below(rng, list.len());
        list[at] = item.clone();
    }
}

fn set(headers: &mut [(String, String)], name: &str, value: String) {
    let header = headers.iter_mut().find(|(of, _)| of == name).expect("it is there");
    header.1 = value;
}

/// Changes one character of one header's value.
fn alter_one(rng: &mut Rng, headers: &mut [(String, String)]) {
    if !headers.is_empty() {
        let at = below(rng, headers.len());
        headers[at].1 = altered(rng, &headers[at].1);
    }
}

/// A good answer with settings of the proxy's own; sealed and signed with keys that are nobody's, or in the open.
fn forged(rng: &mut Rng, request: &Post, sealed: bool) -> Inbound {
    let receipt = Receipt {
        agent: "agent".to_owned(),
        sequence: u64::try_from(rng.between(1, 100)).expect("positive"),
        digest: Hex(sha256(&[&request.body])),
        last: 1_000_000,
        head: Hex([7; 32]),
        accepted_at: Instant(0),
        signature: Hex([0; 64]),
    };
    let receipt = receipt.signed(&SigningKey::from_bytes(&[66; 32]));
    let settings = Settings { version: 1_000_000, interval_minutes: 31, ..Settings::default() };
    let answer = Answer::Accepted { receipt, settings: Some(settings), wanted: Vec::new(), duty: Duty::Read };
    if !sealed {
        return page(200, receipt::CONTENT_TYPE, serde_json::to_vec(&answer).expect("JSON"));
    }
    let key_id = claimed_key_id(request.header("signature-input")).expect("a key id");
    let (agent, epoch) = parse_key_id(key_id).expect("formed");
    let keys = Schedule::at(epoch, &Secret::new([9; 32]), "portal", agent, &Hex([1; 32])).keys();
    let body = receipt::seal(&keys, &answer, [7; 16]);
    let context = Context { key_id: &keys.id, created: 0, nonce: [5; 16] };
    let covered = (200, receipt::CONTENT_TYPE, body.as_slice());
    let signed = sign_answer(&keys.answer, covered, request.header("signature"), context);
    let mut answer = page(200, receipt::CONTENT_TYPE, body);
    let proof = [
        ("content-digest", signed.content_digest),
        ("signature-input", signed.signature_input),
        ("signature", signed.signature),
    ];
    answer.headers.extend(proof.map(|(name, value)| (name.to_owned(), value)));
    answer
}

/// The request at the start of `bytes`, when all of it is there.
fn read_request(bytes: &[u8]) -> Option<Post> {
    let end = head_end(bytes)?;
    let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
    let headers = headers_of(head);
    let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.parse::<usize>());
    let length = length.expect("agents say how long").expect("a number");
    let body = bytes.get(end..end + length)?.to_vec();
    let path = head.split(' ').nth(1).expect("a path").to_owned();
    let carried = ["content-length", "connection", "host"];
    let headers = headers.into_iter().filter(|(name, _)| !carried.contains(&name.as_str())).collect();
    Some(Post { path, headers, body })
}

/// One of the two agents, and what it was given.
struct Agent {
    desk: Desk,
    source: Source,
    /// Records that were put into its spool.
    records: u64,
    keys: Vec<String>,
    alerts: i64,
}

/// What no forged answer may change.
#[derive(Debug, PartialEq)]
struct Held {
    settings: Settings,
    duty: Duty,
    records: u64,
    packages: u64,
    jobs: u64,
}

impl Agent {
    fn held(&self) -> Held {
        let Unsent { records, packages, jobs, .. } = self.desk.unsent().expect("read");
        let settings = self.desk.settings().expect("read");
        Held { settings, duty: self.desk.duty(), records, packages, jobs }
    }
}

/// The two agents, the proxy and the portal.
struct Scene {
    lab: Lab,
    proxy: Proxy,
    connector: TlsConnector,
    agents: Vec<Agent>,
    rng: Rng,
    secrets: BTreeMap<[u8; 32], &'static str>,
    interval: u32,
}

impl Scene {
    fn new(seed: u64, target: &Target, folder: TempDir) -> Scene {
        let (certificate, key) = certificate();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        let authority = listener.local_addr().expect("bound").to_string();
        let lab = Lab::on(target, folder, &authority, Some(certificate.clone()), seed);
        let portal = lab.serve_plain();
        let listener = lab.runtime.block_on(async { TcpListener::from_std(listener) }).expect("a socket");
        let (acceptor, connector) = both_ends(&certificate, &key);
        let proxy = Proxy {
            acceptor,
            listener,
            authority,
            portal,
            rng: Rng::new(seed),
            transcript: Vec::new(),
            requests: [Vec::new(), Vec::new()],
            answers: [Vec::new(), Vec::new()],
            refusals: Vec::new(),
            held: None,
        };
        let (rng, secrets, agents) = (Rng::new(seed ^ 1), BTreeMap::new(), Vec::new());
        let mut scene = Scene { lab, proxy, connector, agents, rng, secrets, interval: 180 };
        for who in 0..2 {
            scene.enrol(who);
        }
        scene
    }

    fn enrol(&mut self, who: usize) {
        let Scene { lab, proxy, connector, .. } = self;
        let lab: &Lab = lab;
        let state = lab.folder.path().join(format!("agent-{who}"));
        let honest = (who, Attack::None);
        let through = |request: &Outbound| carry(lab, proxy, connector, honest, request).expect("answered");
        let (desk, file) = lab.enrol(&state, through);
        self.secrets.insert(file.code.0, "one-time code");
        let source = Source::new(u64::try_from(who).expect("small") + 700);
        self.agents.push(Agent { desk, source, records: 0, keys: Vec::new(), alerts: 0 });
    }

    /// What agent `who` has to say, if anything. Each epoch's keys are noted, to be searched for.
    fn offered(&mut self, who: usize) -> Option<Box<Outbound>> {
        let desk = &mut self.agents[who].desk;
        let request = self.lab.next(desk);
        self.secrets.extend(desk.identity().secrets().into_iter().map(|(name, key)| (key, name)));
        request
    }

    /// What agent `who` says next; it is given something to say when it is idle.
    fn request(&mut self, who: usize) -> Box<Outbound> {
        loop {
            if let Some(request) = self.offered(who) {
                return request;
            }
            self.work(who);
        }
    }

    fn work(&mut self, who: usize) {
        let agent = &mut self.agents[who];
        match self.rng.between(0, 19) {
            0 => agent.desk.rotate().expect("a key"),
            1..=3 => agent.desk.ask_beat(beat()),
            4 => {
                agent.alerts += 1;
                agent.desk.alert(alert(&agent.source, agent.alerts, self.lab.clock.now())).expect("queued");
            }
            5 => {
                self.interval = u32::try_from(self.rng.between(40, 400)).expect("small");
                setup::interval(&self.lab.portal, &self.lab.reseller, self.interval).expect("asked for");
                agent.desk.ask_beat(beat());
            }
            _ => {
                let name = format!("{PLANTED} {}", agent.keys.len());
                let keys = self.lab.append(&mut agent.desk, &mut agent.source, 2, Some(&name));
                agent.records += 1 + u64::try_from(keys.len()).expect("small");
                agent.keys.extend(keys);
            }
        }
    }

    /// One exchange of one agent, and what must hold whatever the proxy did.
    fn round(&mut self, who: usize, attack: Attack) {
        let request = self.request(who);
        let before = self.agents[who].held();
        let Scene { lab, proxy, connector, .. } = self;
        let answer = carry(lab, proxy, connector, (who, attack), &request);
        let agent = &mut self.agents[who];
        let outcome = match &answer {
            Some(answer) => Some(agent.desk.answered(&request, answer).expect("an outcome")),
            None => {
                agent.desk.failed(&request).expect("kept");
                None
            }
        };
        if !matches!(attack, Attack::None | Twice) {
            assert!(
                matches!(outcome, None | Some(Outcome::Unproved)),
                "{attack:?} of {request:?} was believed: {outcome:?}"
            );
            assert_eq!(before, agent.held(), "{attack:?} of {request:?} changed something");
        }
        self.compare(attack);
    }

    /// What either desk let go, the portal keeps.
    fn compare(&mut self, attack: Attack) {
        for agent in &self.agents {
            let id = agent.desk.identity().agent().to_owned();
            let chain = |column: &str| format!("select {column} from agent_chain where agent_id = '{id}'");
            let kept = self.lab.probe.int(&chain("next_record")) - 1;
            let next = self.lab.probe.int(&chain("next_sequence"));
            let (mut packed, mut acknowledged) = (0, None);
            for sent in agent.desk.sent(2).expect("read") {
                match sent.acknowledged_at {
                    None => {
                        let package: Package<'_> = serde_json::from_str(&sent.json).expect("a package");
                        packed += u64::try_from(package.records.len()).expect("small");
                    }
                    Some(_) => acknowledged = acknowledged.or(Some(sent)),
                }
            }
            let waiting = agent.desk.unsent().expect("read").records + packed;
            let released = agent.records.checked_sub(waiting).expect("no record came from nowhere");
            let kept = u64::try_from(kept).expect("not negative");
            assert!(released <= kept, "{attack:?}: {released} records left the spool, and the portal has {kept}");
            assert!(kept <= released + packed, "{attack:?}: the portal has {kept} records, more than were sent");
            if let Some(sent) = acknowledged {
                let sequence = i64::try_from(sent.sequence).expect("small");
                assert!(sequence < next, "{attack:?}: package {sequence} was let go, and the portal waits for {next}");
                assert_eq!(self.lab.probe.package(&id, sequence), sent.json, "{attack:?}: another package is kept");
            }
        }
    }

    /// Lets everything through until nothing waits.
    fn settle(&mut self) {
        for who in 0..self.agents.len() {
            self.agents[who].desk.ask_beat(beat());
            while let Some(request) = self.offered(who) {
                let Scene { lab, proxy, connector, .. } = self;
                let answer = carry(lab, proxy, connector, (who, Attack::None), &request).expect("answered");
                self.agents[who].desk.answered(&request, &answer).expect("an outcome");
            }
            let held = self.agents[who].held();
            assert_eq!((held.records, held.packages, held.jobs), (0, 0, 0));
            assert_eq!(held.settings.interval_minutes, self.interval, "the portal's own settings arrived");
        }
        self.compare(Attack::None);
    }

    /// The portal has exactly the jobs that were put in, each once, and trusts both agents.
    fn arrived(&mut self) {
        let mut expected: Vec<String> = self.agents.iter().flat_map(|agent| agent.keys.clone()).collect();
        let mut found = self.lab.probe.texts("select job_key from job");
        expected.sort();
        found.sort();
        assert!(expected == found, "{} jobs were put in and {} are there", expected.len(), found.len());
        let alerts: i64 = self.agents.iter().map(|agent| agent.alerts).sum();
        for (sql, count) in [
            ("select count(*) from package_fork", 0),
            ("select count(*) from job_superseded", 0),
            ("select count(*) from agent where state = 'active'", 2),
            ("select count(*) from printer_alert", alerts),
        ] {
            assert_eq!(self.lab.probe.int(sql), count, "{sql}");
        }
        println!("{} jobs and {alerts} alerts arrived once each", found.len());
    }

    /// What the proxy saw holds no name and no key in any usual form.
    fn search(&self) {
        let mut needles = Needles::new();
        for (key, name) in &self.secrets {
            needles.add_forms(name, key);
        }
        needles.add("a planted name", PLANTED.as_bytes());
        for agent in &self.agents {
            let serial = agent.source.report.configuration.serial_number.as_deref().expect("a serial number");
            needles.add("a serial number", serial.as_bytes());
        }
        let transcript = &self.proxy.transcript;
        println!("{} bytes seen, {} keys searched for", transcript.len(), self.secrets.len());
        assert_eq!(needles.found(transcript), Vec::<&str>::new());
        // The search can fail: it finds what does stand there, and every form of a key in the middle of noise.
        let mut known = Needles::new();
        known.add("the marker", MARKER.as_bytes());
        known.add("an agent", self.agents[0].desk.identity().agent().as_bytes());
        let found = known.found(transcript);
        assert!(found.contains(&"the marker") && found.contains(&"an agent"), "{found:?}");
        let (key, _) = self.secrets.first_key_value().expect("there are keys");
        for form in forms(key) {
            let noise = [b"noise ".as_slice(), &form, b" noise"].concat();
            assert_eq!(needles.found(&noise).len(), 1, "{form:?} is not found");
        }
    }
}

/// An alert that was never there before.
fn alert(source: &Source, number: i64, now: Instant) -> AlertNotice {
    let printer = PrinterIdentity::of(&source.report.configuration).expect("it names itself");
    let alert = Alert {
        code: format!("/PLOTTER/JAM_{number}"),
        severity: Severity::Severe,
        part: None,
        text: None,
        since: Some(Instant(now.0 - number)),
        cleared_at: None,
    };
    AlertNotice { printer, read_at: now, alert }
}

/// Carries a request through the proxy; `None` when no answer came.
fn carry(
    lab: &Lab,
    proxy: &mut Proxy,
    connector: &TlsConnector,
    (who, attack): (usize, Attack),
    request: &Outbound,
) -> Option<Inbound> {
    let bytes = Post::of(request).bytes(&request.authority);
    let agent = async {
        let socket = TcpStream::connect(&request.authority).await.expect("the proxy listens");
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let mut stream = connector.connect(name, socket).await.expect("trusted");
        exchange(&mut stream, &bytes).await
    };
    let (answer, ()) = lab.runtime.block_on(async { tokio::join!(agent, proxy.serve(who, attack)) });
    answer
}

/// The proxy's end of TLS, and the agents', who trust its certificate.
fn both_ends(certificate: &str, key: &str) -> (TlsAcceptor, TlsConnector) {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let provider = || Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(chain[0].clone()).expect("an authority");
    let server = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("fits");
    let client = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client)))
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The characters that these bytes alone decide where they stand `offset` bytes into a group of three.
fn base64(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bit = |index: usize| {
        let at = index - 8 * offset;
        usize::from((bytes[at / 8] >> (7 - at % 8)) & 1)
    };
    let (first, last) = ((8 * offset).div_ceil(6), 8 * (offset + bytes.len()) / 6);
    let character = |index: usize| (0..6).fold(0, |value, part| 2 * value + bit(6 * index + part));
    (first..last).map(|index| alphabet[character(index)]).collect()
}

/// The base64 of a body's SHA-256, with its padding.
fn base64_of_digest(body: &[u8]) -> String {
    let digest = sha256(&[body]);
    let mut text = base64(&[digest.as_slice(), &[0]].concat(), 0, STANDARD);
    text[43] = b'=';
    String::from_utf8(text).expect("ASCII")
}

/// A key as it might stand on a wire: raw, hexadecimal and base64, forwards and backwards.
fn forms(key: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut backwards = *key;
    backwards.reverse();
    let mut forms = Vec::new();
    for bytes in [*key, backwards] {
        let hex = Hex(bytes).to_string();
        forms.extend([bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()]);
        for offset in 0..3 {
            forms.extend([base64(&bytes, offset, STANDARD), base64(&bytes, offset, URL)]);
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// Many texts to look for at once.
struct Needles {
    /// Whether any text begins with these three bytes.
    begins: Vec<bool>,
    texts: BTreeMap<[u8; 3], Vec<(String, Vec<u8>)>>,
}

impl Needles {
    fn new() -> Needles {
        Needles { begins: vec![false; 1 << 24], texts: BTreeMap::new() }
    }

    fn index(start: [u8; 3]) -> usize {
        start.iter().fold(0, |index, byte| 256 * index + usize::from(*byte))
    }

    fn add(&mut self, name: &str, text: &[u8]) {
        let start = *text.first_chunk::<3>().expect("long enough");
        self.begins[Needles::index(start)] = true;
        self.texts.entry(start).or_default().push((name.to_owned(), text.to_vec()));
    }

    fn add_forms(&mut self, name: &str, key: &[u8; 32]) {
        for form in forms(key) {
            self.add(name, &form);
        }
    }

    /// The names of the texts that stand in `haystack`, each as often as it does.
    fn found(&self, haystack: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for at in 0..haystack.len() {
            let rest = &haystack[at..];
            let Some(start) = rest.first_chunk::<3>() else { break };
            if self.begins[Needles::index(*start)] {
                let here = self.texts.get(start).into_iter().flatten();
                found.extend(here.filter(|(_, text)| rest.starts_with(text)).map(|(name, _)| name.as_str()));
            }
        }
        found
    }
}

fn story(seed: u64, target: &Target, folder: TempDir) {
    let count: usize = std::env::var("PLOTMETER_LAB_COUNT").map_or(300, |text| text.parse().expect("a count"));
    println!("seed {seed}, {count} attacks");
    let mut scene = Scene::new(seed, target, folder);
    for who in 0..2 {
        scene.round(who, Attack::None);
    }
    let mut done: BTreeMap<String, u32> = BTreeMap::new();
    for number in 0..count {
        let (who, attack) = (below(&mut scene.rng, 2), ATTACKS[number % ATTACKS.len()]);
        scene.round(who, attack);
        *done.entry(format!("{attack:?}")).or_default() += 1;
        if (number + 1) % ATTACKS.len() == 0 {
            // Keys move on, so that there are older ones to ask with.
            scene.lab.clock.forward(Duration::hours(25));
        }
        if scene.rng.chance(350_000) {
            scene.round(who, Attack::None);
        }
    }
    println!("{done:?}");
    scene.settle();
    scene.arrived();
    scene.search();
}

#[test]
fn nothing_that_a_trusted_proxy_does_is_believed_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = Target::Sqlite(folder.path().join("portal.sqlite"));
    story(51, &target, folder);
}

#[test]
fn nothing_that_a_trusted_proxy_does_is_believed_on_postgres() {
    let Some((target, _)) = postgres() else { return };
    story(52, &target, tempfile::tempdir().expect("a folder"));
}
