//! The sockets of one such printer: web, IPP and SNMP on ports of loopback.
//!
//! Deliberately absent: any judgement. What was asked is noted, for the tests to look at.

use super::snmp::Question;
use super::{Case, Does, PRODUCT, SERIAL, Script, Then, answer, ipp};
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

/// A printer at work. It ends with the test's runtime.
pub(crate) struct Hostile {
    /// Host and port of its web server.
    pub(crate) address: String,
    /// The port of IPP over TLS, where it has one.
    pub(crate) ipp_port: Option<u16>,
    /// The port of SNMP, where it has one.
    pub(crate) snmp_port: Option<u16>,
    seen: Arc<Seen>,
}

/// What it was asked, and how much it said.
#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    sent: AtomicU64,
    datagrams: AtomicU64,
}

impl Hostile {
    /// Starts it on ports that are free.
    pub(crate) async fn start(case: &'static Case) -> Hostile {
        Hostile::start_at(case, Ipv4Addr::LOCALHOST, 0).await.expect("ports")
    }

    /// Starts it at an address of this machine, its SNMP on this port.
    pub(crate) async fn start_at(case: &'static Case, host: Ipv4Addr, snmp_port: u16) -> io::Result<Hostile> {
        let seen = Arc::new(Seen::default());
        let own = acceptor();
        let (listener, port) = listen(host).await?;
        let address = format!("{host}:{port}");
        let mut hostile = Hostile { address, ipp_port: None, snmp_port: None, seen: seen.clone() };
        match &case.does {
            Does::Ipp(..) | Does::IppCertificate => {
                let (ipp, port) = listen(host).await?;
                hostile.ipp_port = Some(port);
                let shown = if matches!(case.does, Does::IppCertificate) { acceptor() } else { own.clone() };
                tokio::spawn(serve(ipp, vec![shown], &case.does, seen.clone()));
            }
            Does::Snmp(_) | Does::SnmpFromElsewhere | Does::SnmpDrips | Does::SnmpSerial(_) => {
                let socket = UdpSocket::bind((host, snmp_port)).await?;
                let elsewhere = UdpSocket::bind((host, 0)).await?;
                hostile.snmp_port = Some(socket.local_addr()?.port());
                tokio::spawn(answer_datagrams(socket, elsewhere, &case.does, seen.clone()));
            }
            Does::Socket(_) | Does::Web(..) | Does::Late(_) | Does::TwoCertificates => {}
        }
        let shown = if matches!(case.does, Does::TwoCertificates) { vec![own, acceptor()] } else { vec![own] };
        tokio::spawn(serve(listener, shown, &case.does, seen));
        Ok(hostile)
    }

    /// Bytes that it sent over and over.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.seen.sent.load(Ordering::Relaxed)
    }

    /// Questions that it was asked by datagram.
    pub(crate) fn datagrams(&self) -> u64 {
        self.seen.datagrams.load(Ordering::Relaxed)
    }

    /// The requests that it was asked, by their first lines.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().expect("not poisoned").clone()
    }
}

async fn listen(host: Ipv4Addr) -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind((host, 0)).await?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// TLS with a new certificate.
pub(crate) fn acceptor() -> TlsAcceptor {
    let key = rcgen::KeyPair::generate().expect("a key");
    let parameters = rcgen::CertificateParams::new(vec!["printer".to_owned()]).expect("a name");
    let certificate = parameters.self_signed(&key).expect("signed");
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

/// Takes connections; the certificates take turns.
async fn serve(listener: TcpListener, certificates: Vec<TlsAcceptor>, does: &'static Does, seen: Arc<Seen>) {
    let mut turns = certificates.iter().cycle();
    while let Ok((socket, _)) = listener.accept().await {
        let Some(acceptor) = turns.next().cloned() else { return };
        let seen = seen.clone();
        tokio::spawn(async move {
            // Whoever asks hangs up whenever it has had enough.
            let _hung_up = match does {
                Does::Socket(script) => instead_of_tls(socket, script(), &seen).await,
                _ => match acceptor.accept(socket).await {
                    Ok(stream) => converse(stream, does, &seen).await,
                    Err(error) => Err(error),
                },
            };
        });
    }
}

/// Plays a script where a handshake belongs.
async fn instead_of_tls(mut socket: TcpStream, script: Script, seen: &Seen) -> io::Result<()> {
    // What is not read when a socket closes takes what was written with it.
    let mut hello = [0; 4096];
    if socket.read(&mut hello).await? == 0 {
        return Ok(());
    }
    play(socket, script, seen).await.map(drop)
}

/// Answers one request after the other.
async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, does: &Does, seen: &Seen) -> io::Result<()> {
    while let Some(request) = Request::read(&mut stream).await? {
        seen.requests.lock().expect("not poisoned").push(request.line.clone());
        let script = match does {
            Does::Web(end, script) if request.path().ends_with(end) => Some(script()),
            Does::Ipp(operation, script) if request.operation() == Some(*operation) => Some(script(request.number())),
            _ => None,
        };
        if let Does::Late(milliseconds) = does {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
        }
        if let Some(script) = script {
            match play(stream, script, seen).await? {
                Some(open) => stream = open,
                None => return Ok(()),
            }
        } else {
            stream.write_all(&request.good()).await?;
            stream.flush().await?;
            if matches!(does, Does::TwoCertificates) {
                return stream.shutdown().await;
            }
        }
    }
    Ok(())
}

/// Writes a script; gives the connection back where it goes on.
async fn play<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, script: Script, seen: &Seen) -> io::Result<Option<S>> {
    stream.write_all(&script.first).await?;
    stream.flush().await?;
    match script.then {
        Then::GoOn => return Ok(Some(stream)),
        Then::Close => stream.shutdown().await?,
        Then::Silence => listen_on(&mut stream).await?,
        Then::Again(block, pause_ms) => loop {
            stream.write_all(&block).await?;
            stream.flush().await?;
            seen.sent.fetch_add(u64::try_from(block.len()).expect("small"), Ordering::Relaxed);
            if pause_ms > 0 {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
        },
    }
    Ok(None)
}

/// Says nothing until the other side hangs up.
async fn listen_on(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut unheard = [0; 1024];
    while stream.read(&mut unheard).await? > 0 {}
    Ok(())
}

/// A request as it came.
struct Request {
    line: String,
    body: Vec<u8>,
}

impl Request {
    async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Request>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).await? == 0 {
                return Ok(None);
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let lengths = head.lines().filter_map(|line| line.split_once(':'));
        let mut lengths = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = lengths.next().and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        Ok(Some(Request { line: head.lines().next().unwrap_or("").to_owned(), body }))
    }

    fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or("")
    }

    /// The code of an IPP operation (RFC 8011 §4.1.1): after the version.
    fn operation(&self) -> Option<u16> {
        let code = self.body.get(2..4)?.try_into().ok()?;
        self.line.starts_with("POST ").then_some(u16::from_be_bytes(code))
    }

    /// The number that the answer to an operation must bear.
    fn number(&self) -> [u8; 4] {
        self.body.get(4..8).and_then(|number| number.try_into().ok()).unwrap_or([0; 4])
    }

    /// What a good printer answers: who it is, and that it has nothing else.
    fn good(&self) -> Vec<u8> {
        if let Some(operation) = self.operation() {
            return ipp::good(operation, self.number());
        }
        if !self.path().ends_with("/Identification.json") {
            return answer("404 Not Found", "text/plain", b"");
        }
        let fields = format!(r#"{{"ModelName":"{PRODUCT}","PartNumber":"L2Y21A","SerialNumber":"{SERIAL}"}}"#);
        answer("200 OK", "application/json", format!(r#"{{"Identification":{{"Fields":{fields}}}}}"#).as_bytes())
    }
}

async fn answer_datagrams(socket: UdpSocket, elsewhere: UdpSocket, does: &'static Does, seen: Arc<Seen>) {
    let mut buffer = vec![0; 65_535];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        seen.datagrams.fetch_add(1, Ordering::Relaxed);
        let Some(question) = Question::read(&buffer[..length]) else { continue };
        let (through, datagrams) = match does {
            Does::SnmpSerial(serial) => (&socket, vec![question.good(serial)]),
            _ if question.asks_who() => (&socket, vec![question.good(SERIAL)]),
            Does::Snmp(answers) => (&socket, answers(&question)),
            Does::SnmpDrips if question.asks_for_supplies() => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                (&socket, vec![question.more(1)])
            }
            Does::SnmpDrips => (&socket, vec![question.good(SERIAL)]),
            _ => (&elsewhere, vec![question.good(SERIAL)]),
        };
        for datagram in datagrams {
            // Whoever asked may be gone.
            let _gone = through.send_to(&datagram, from).await;
        }
    }
}
