//! The proxy and all that it does to an exchange.
//!
//! Deliberately absent: what becomes of it at either end, which the scene compares.

use crate::lab::{Post, exchange, head_end, header_lines, headers_of};
use agent::Inbound;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::receipt::{self, Answer, Duty, Problem, REFUSAL_CONTENT_TYPE, Receipt, Settings, SignedRefusal};
use protocol::signature::{Context, claimed_key_id, sign_answer};
use protocol::{Hex, MESSAGES_PATH, PACKAGES_PATH, Schedule, Secret, SigningKey, parse_key_id, sha256};
use report::Instant;
use report::sample::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Makes the attacks and the list of them all, so that none is missing in it.
macro_rules! attacks {
    ($($(#[$doc:meta])* $attack:ident,)+) => {
        /// What the proxy does with one exchange.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Attack {
            /// It lets everything through as it is.
            Nothing,
            $($(#[$doc])* $attack,)+
        }

        /// Every attack.
        pub(super) const ATTACKS: &[Attack] = &[$(Attack::$attack,)+];
    };
}

attacks! {
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

use Attack::*;

/// Stands in every page that the proxy makes, so that the search of its transcript finds something.
pub(super) const MARKER: &str = "Sign in to the guest network of Marker & Sons";
/// Requests and answers of each agent that the proxy remembers.
const REMEMBERED: usize = 200;
/// The headers that prove an answer.
const PROOF: [&str; 4] = ["content-type", "content-digest", "signature-input", "signature"];

/// A number below `count`.
pub(super) fn below(rng: &mut Rng, count: usize) -> usize {
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
pub(super) struct Proxy {
    acceptor: TlsAcceptor,
    listener: TcpListener,
    /// What agents call the portal.
    authority: String,
    /// Where the portal is.
    portal: String,
    rng: Rng,
    /// All that passed, of both sides.
    pub(super) transcript: Vec<u8>,
    requests: [Vec<Post>; 2],
    answers: [Vec<Inbound>; 2],
    refusals: Vec<Inbound>,
    held: Option<(usize, Post)>,
}

impl Proxy {
    /// A proxy for agents that reach it at `listener` and call it `authority`.
    pub(super) fn new(
        listener: TcpListener,
        acceptor: TlsAcceptor,
        authority: String,
        portal: String,
        seed: u64,
    ) -> Proxy {
        Proxy {
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
        }
    }

    /// Carries one exchange of agent `who`.
    pub(super) async fn serve(&mut self, who: usize, attack: Attack) {
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
                let digest = STANDARD.encode(sha256(&[&post.body]));
                set(&mut post.headers, "content-digest", format!("sha-256=:{digest}:"));
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
