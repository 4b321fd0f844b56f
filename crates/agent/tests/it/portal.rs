//! A portal on loopback, made of the protocol's own pieces: one enrolment, packages, messages.

use protocol::enrol::{EnrolmentFile, Responder, Way, public_key};
use protocol::message::{self, Said};
use protocol::package::{self, EvidenceKeys, Package};
use protocol::receipt::{self, Answer, Duty, Receipt, Settings, Standing};
use protocol::signature::{Context, RequestParts, SignatureHeaders, claimed_key_id, sign_answer, verify_request};
use protocol::{CONFIRM_PATH, ENROL_PATH, MESSAGES_PATH, PACKAGES_PATH, chain, parse_key_id};
use protocol::{Hex, Schedule, SigningKey, VerifyingKey};
use report::Instant;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const AGENT: &str = "agent-1";
const PORTAL_ID: &str = "portal-1";
const STATIC: [u8; 32] = [5; 32];
const CODE: Hex<32> = Hex([6; 32]);

#[derive(Clone)]
pub(crate) struct Portal {
    /// Host and port.
    pub(crate) authority: String,
    certificate: String,
    state: Arc<Mutex<State>>,
}

/// What the portal knows.
pub(crate) struct State {
    schedule: Option<Schedule>,
    evidence: Option<VerifyingKey>,
    /// What it asks for.
    pub(crate) settings: Settings,
    /// The JSON of each package.
    pub(crate) packages: Vec<String>,
    /// What was said.
    pub(crate) said: Vec<Said>,
    standing: Standing,
    /// Requests of any kind.
    pub(crate) requests: usize,
    /// Whether something else answers in its place.
    pub(crate) away: bool,
}

/// A request as it came.
struct Request {
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Portal {
    pub(crate) async fn start(settings: Settings) -> Portal {
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("signed");
        let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let authority = listener.local_addr().expect("bound").to_string();
        let standing = Standing { next_sequence: 1, next_record: 1, head: chain::origin(AGENT), next_message: 1 };
        let state = State {
            schedule: None,
            evidence: None,
            settings,
            packages: Vec::new(),
            said: Vec::new(),
            standing,
            requests: 0,
            away: false,
        };
        let portal = Portal { authority, certificate: certificate.pem(), state: Arc::new(Mutex::new(state)) };
        let served = portal.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, portal) = (acceptor.clone(), served.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        // The agent closes its connection whenever it likes.
                        let _closed = portal.serve(stream).await;
                    }
                });
            }
        });
        portal
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// The file that invites the agent.
    pub(crate) fn file(&self) -> EnrolmentFile {
        EnrolmentFile {
            plotmeter_enrolment: 1,
            portal: format!("https://{}", self.authority),
            enrolment: "e-1".to_owned(),
            code: CODE,
            portal_key: public_key(&STATIC),
            portal_id: PORTAL_ID.to_owned(),
            reseller: "Nordplan".to_owned(),
            customer: "Kessler".to_owned(),
            expires_at: Instant(i64::MAX),
            portal_ca: Some(self.certificate.clone()),
        }
    }

    async fn serve(&self, stream: TlsStream<TcpStream>) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let Some(request) = read(&mut stream).await? else { return Ok(()) };
            let (status, headers, body) = self.handle(&request);
            let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
            head.push_str("date: Sun, 01 Nov 2026 12:00:00 GMT\r\n");
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.flush().await?;
        }
    }

    fn handle(&self, request: &Request) -> (u16, Vec<(&'static str, String)>, Vec<u8>) {
        let mut state = self.state();
        state.requests += 1;
        if state.away {
            return (503, Vec::new(), b"not here".to_vec());
        }
        if request.path == ENROL_PATH {
            return (200, Vec::new(), enrol(&mut state, request));
        }
        let Some((keys, sent)) = state.authenticate(&self.authority, request) else {
            return (401, Vec::new(), b"who are you".to_vec());
        };
        let answer = match request.path.as_str() {
            CONFIRM_PATH => Answer::Enrolled {
                settings: state.settings.clone(),
                reseller: "Nordplan".to_owned(),
                customer: "Kessler".to_owned(),
            },
            MESSAGES_PATH => state.hear(&keys, &request.body),
            PACKAGES_PATH => state.accept(&keys, &request.body),
            _ => return (404, Vec::new(), Vec::new()),
        };
        let sealed = receipt::seal(&keys, &answer, [9; 16]);
        let covered = (200, receipt::CONTENT_TYPE, sealed.as_slice());
        let context = Context { key_id: &keys.id, created: 0, nonce: [1; 16] };
        let signed = sign_answer(&keys.answer, covered, &sent.signature, context);
        let headers = vec![
            ("content-type", receipt::CONTENT_TYPE.to_owned()),
            ("content-digest", signed.content_digest),
            ("signature-input", signed.signature_input),
            ("signature", signed.signature),
        ];
        (200, headers, sealed)
    }
}

fn receipt_key() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

fn enrol(state: &mut State, request: &Request) -> Vec<u8> {
    let way = Way::Code { enrolment: "e-1", code: &CODE };
    assert_eq!(request.header("plotmeter-enrolment"), way.header());
    let (responder, hello) = Responder::read(way, &STATIC, [1; 32], &request.body).expect("the agent's message");
    let welcome = protocol::enrol::Welcome {
        agent: AGENT.to_owned(),
        reseller: "Nordplan".to_owned(),
        customer: "Kessler".to_owned(),
        receipt_key: Hex(*receipt_key().verifying_key().as_bytes()),
    };
    let (answer, shared) = responder.answer(&welcome).expect("answered");
    state.schedule = Some(Schedule::new(&shared.secret, PORTAL_ID, AGENT, &shared.transcript));
    state.evidence = Some(VerifyingKey::from_bytes(&hello.evidence_key.0).expect("a key"));
    answer
}

impl State {
    fn authenticate(&mut self, authority: &str, request: &Request) -> Option<(protocol::Keys, SignatureHeaders)> {
        let sent = SignatureHeaders {
            content_digest: request.header("content-digest").to_owned(),
            signature_input: request.header("signature-input").to_owned(),
            signature: request.header("signature").to_owned(),
        };
        let (_, epoch) = parse_key_id(claimed_key_id(&sent.signature_input).ok()?)?;
        let schedule = self.schedule.as_ref()?.forward(epoch)?;
        let keys = schedule.keys();
        let parts = RequestParts {
            method: "POST",
            authority,
            path: &request.path,
            query: "?",
            content_type: request.header("content-type"),
            idempotency_key: request.header("idempotency-key"),
            body: &request.body,
        };
        verify_request(&keys.request, parts, &sent).ok()?;
        self.schedule = Some(schedule);
        Some((keys, sent))
    }

    fn hear(&mut self, keys: &protocol::Keys, body: &[u8]) -> Answer {
        let heard = message::open(keys, body).expect("a message");
        self.standing.next_message = heard.number + 1;
        self.said.push(heard.said);
        Answer::Heard {
            at: Instant(0),
            settings: Some(self.settings.clone()),
            standing: self.standing.clone(),
            duty: Duty::Read,
        }
    }

    fn accept(&mut self, keys: &protocol::Keys, body: &[u8]) -> Answer {
        let (_, json) = package::open(keys, body).expect("a package");
        let evidence = EvidenceKeys::one(self.evidence.expect("enrolled"));
        let package = Package::check(&json, AGENT, &evidence).expect("a valid package");
        assert_eq!(package.sequence, self.standing.next_sequence);
        let last = package.first + u64::try_from(package.records.len()).expect("few") - 1;
        let receipt = Receipt {
            agent: AGENT.to_owned(),
            sequence: package.sequence,
            digest: package.digest(),
            last,
            head: package.head,
            accepted_at: Instant(1_793_448_000_000),
            signature: Hex([0; 64]),
        };
        let receipt = receipt.signed(&receipt_key());
        self.standing.next_sequence += 1;
        self.standing.next_record = last + 1;
        self.standing.head = package.head;
        self.packages.push(String::from_utf8(json.clone()).expect("JSON"));
        Answer::Accepted { receipt, settings: Some(self.settings.clone()), wanted: Vec::new(), duty: Duty::Read }
    }
}

async fn read(stream: &mut BufReader<TlsStream<TcpStream>>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or("").to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Request { path, headers, body }))
}
