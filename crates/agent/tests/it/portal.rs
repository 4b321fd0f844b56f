//! A portal on loopback: the one that lives in memory, behind TLS and HTTP.

use protocol::enrol::EnrolmentFile;
use protocol::receipt::Settings;
use protocol::testing::{Wire, WireAnswer};
use report::{Instant, Surroundings};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// 2026-10-31T12:00:00Z, by the portal's clock.
const START: Instant = Instant(1_793_448_000_000);

#[derive(Clone)]
pub(crate) struct Portal {
    /// Host and port.
    pub(crate) authority: String,
    certificate: String,
    state: Arc<Mutex<protocol::testing::Portal>>,
    requests: Arc<AtomicUsize>,
    away: Arc<AtomicBool>,
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
        // Its clock stands still, and its draws are all alike: nothing here depends on either.
        let surroundings =
            Surroundings { clock: Arc::new(|| START), entropy: Arc::new(|bytes: &mut [u8]| bytes.fill(1)) };
        let mut state = protocol::testing::Portal::new(&authority, surroundings);
        state.settings = Some(settings);
        let portal = Portal {
            authority,
            certificate: certificate.pem(),
            state: Arc::new(Mutex::new(state)),
            requests: Arc::default(),
            away: Arc::default(),
        };
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

    /// What the portal knows.
    pub(crate) fn state(&self) -> MutexGuard<'_, protocol::testing::Portal> {
        self.state.lock().expect("not poisoned")
    }

    /// Asks for something else from the next answer on.
    pub(crate) fn ask_for(&self, settings: Settings) {
        self.state().settings = Some(settings);
    }

    /// Requests of any kind.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Whether something else answers in its place from now on.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// The file that invites the agent.
    pub(crate) fn file(&self) -> EnrolmentFile {
        self.state().file(Some(self.certificate.clone()))
    }

    async fn serve(&self, stream: TlsStream<TcpStream>) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let Some(wire) = self.read(&mut stream).await? else { return Ok(()) };
            let WireAnswer { status, headers, body } = self.handle(&wire);
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

    fn handle(&self, wire: &Wire) -> WireAnswer {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return WireAnswer { status: 503, headers: Vec::new(), body: b"not here".to_vec() };
        }
        let mut state = self.state();
        let answer = state.answer(wire);
        // A panic here poisons the lock, so that the test fails too.
        assert!(state.refused.is_empty(), "these agents give no reason to refuse: {:?}", state.refused);
        answer
    }

    async fn read(&self, stream: &mut BufReader<TlsStream<TcpStream>>) -> std::io::Result<Option<Wire>> {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let path = line.split(' ').nth(1).unwrap_or("").to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut wire = Wire { authority: self.authority.clone(), path, headers, body: Vec::new() };
        wire.body = vec![0; wire.header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut wire.body).await?;
        Ok(Some(wire))
    }
}
