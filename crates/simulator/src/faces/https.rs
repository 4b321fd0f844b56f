//! A printer on a socket: HTTP/1.1 over TLS with a self-signed certificate, GET only.
//!
//! It answers one request after the other on a connection and holds every size and time to a limit.
//! Deliberately absent: request bodies, compression, and the outdated ciphers of real printers,
//! which this TLS library does not have.

use super::{Response, piws};
use crate::printer::Printer;
use report::Clock;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

/// The head of a request may have this many bytes.
const HEAD_MAX: usize = 16 * 1024;
/// One piece of a body that is sent in chunks.
const CHUNK: usize = 4 * 1024;
/// Connections at one time; more are closed at once.
const CONNECTIONS_MAX: usize = 64;
/// A handshake, a request or an answer may take this long.
const PATIENCE: Duration = Duration::from_secs(20);
/// After a refusal, what still arrives is read and dropped for this long.
const FAREWELL: Duration = Duration::from_secs(1);

/// What can go wrong before a printer listens.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The certificate could not be made.
    #[error("make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate could not be used.
    #[error("set up TLS")]
    Tls(#[from] rustls::Error),
    /// The listener has no address.
    #[error("read the address of the listener")]
    Address(#[from] std::io::Error),
}

/// The certificate and the key that a printer shows itself with.
#[derive(Clone)]
pub struct TlsIdentity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl TlsIdentity {
    /// A new self-signed certificate for `name`, a host name or an address.
    pub fn self_signed(name: &str) -> Result<TlsIdentity, ServeError> {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()])?;
        Ok(TlsIdentity { certificate: made.cert.der().to_vec(), key: made.signing_key.serialize_der() })
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    fn acceptor(&self) -> Result<TlsAcceptor, ServeError> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(self.certificate.clone())], key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// A printer that listens. It stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, closes all connections and waits until that is done.
    pub async fn stop(mut self) {
        self.task.abort();
        // The only end that this task has is being aborted.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Lets `printer` answer on `listener`. Before each answer it is advanced to the clock's instant.
pub async fn serve(
    listener: TcpListener,
    printer: Arc<Mutex<Printer>>,
    clock: Clock,
    identity: &TlsIdentity,
) -> Result<Server, ServeError> {
    let address = listener.local_addr()?;
    let acceptor = identity.acceptor()?;
    let task = tokio::spawn(accept(listener, acceptor, Host { printer, clock }));
    Ok(Server { address, task })
}

/// What all connections share.
#[derive(Clone)]
struct Host {
    printer: Arc<Mutex<Printer>>,
    clock: Clock,
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, host: Host) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((socket, _)) if connections.len() < CONNECTIONS_MAX => {
                connections.spawn(connection(socket, acceptor.clone(), host.clone()));
            }
            Ok((_, peer)) => debug!(%peer, "closed a connection too many"),
            Err(error) => {
                debug!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(socket: TcpStream, acceptor: TlsAcceptor, host: Host) {
    let Ok(Ok(mut stream)) = timeout(PATIENCE, acceptor.accept(socket)).await else { return };
    let mut received = Vec::new();
    while let Ok(Some(head)) = timeout(PATIENCE, read_head(&mut stream, &mut received)).await {
        let reply = host.reply(head.as_deref());
        let sent = timeout(PATIENCE, send(&mut stream, &reply.bytes)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
        if !reply.keep {
            break;
        }
    }
    // Closing with unread bytes would reset the connection and lose the answer.
    let ended = timeout(FAREWELL, async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut rest = [0_u8; 1024];
        while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
    });
    if ended.await.is_err() {
        debug!("a client did not close its connection");
    }
}

async fn send(stream: &mut TlsStream<TcpStream>, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// The next head of a request without its empty line: `None` at the end of the connection, an
/// inner `None` when it is too long.
async fn read_head(stream: &mut TlsStream<TcpStream>, received: &mut Vec<u8>) -> Option<Option<Vec<u8>>> {
    loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let mut head: Vec<u8> = received.drain(..end + 4).collect();
            head.truncate(end);
            return Some(Some(head));
        }
        if received.len() > HEAD_MAX {
            return Some(None);
        }
        let mut piece = [0_u8; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        received.extend_from_slice(piece.get(..count)?);
    }
}

/// Bytes to send, and whether the connection goes on after them.
struct Reply {
    bytes: Vec<u8>,
    keep: bool,
}

impl Host {
    /// Answers a request; `None` stands for a head that was too long.
    fn reply(&self, head: Option<&[u8]>) -> Reply {
        let Some(head) = head else {
            return plain(&Response::page(431, "Request header too long"));
        };
        let Some(request) = std::str::from_utf8(head).ok().and_then(Head::parse) else {
            return plain(&Response::page(400, "Bad request"));
        };
        // A printer whose lock was poisoned by a failed test still answers.
        let mut printer = self.printer.lock().unwrap_or_else(PoisonError::into_inner);
        printer.note_request(request.method != "GET");
        if request.method != "GET" {
            return plain(&Response::page(405, "Method not allowed"));
        }
        if request.has_body {
            return plain(&Response::page(400, "A GET has no body"));
        }
        printer.advance((self.clock)());
        let response = piws::answer(&printer, request.path, request.accepts_json);
        let chunked = printer.quirks().chunked && !request.old;
        Reply { bytes: written(&response, request.keep, chunked), keep: request.keep }
    }
}

/// An answer after which the connection is closed.
fn plain(response: &Response) -> Reply {
    Reply { bytes: written(response, false, false), keep: false }
}

/// The part of a request's head that matters.
struct Head<'a> {
    method: &'a str,
    path: &'a str,
    accepts_json: bool,
    has_body: bool,
    keep: bool,
    /// HTTP/1.0.
    old: bool,
}

impl Head<'_> {
    fn parse(text: &str) -> Option<Head<'_>> {
        let mut lines = text.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, path, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !path.starts_with('/') || !matches!(version, "HTTP/1.0" | "HTTP/1.1") {
            return None;
        }
        let old = version == "HTTP/1.0";
        let mut head = Head { method, path, accepts_json: false, has_body: false, keep: !old, old };
        for line in lines {
            let (name, value) = line.split_once(':')?;
            let value = value.trim().to_ascii_lowercase();
            match name.trim().to_ascii_lowercase().as_str() {
                "accept" => head.accepts_json = value.contains("application/json"),
                "connection" => head.keep = !old && !value.contains("close"),
                "content-length" => head.has_body = head.has_body || value != "0",
                "transfer-encoding" => head.has_body = true,
                _ => {}
            }
        }
        Some(head)
    }
}

/// The bytes of a response.
fn written(response: &Response, keep: bool, chunked: bool) -> Vec<u8> {
    let reason = match response.status {
        200 => "OK",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        _ => "Bad Request",
    };
    let mut head = format!("HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\n", response.status, response.content_type);
    match response.status {
        401 => head.push_str("WWW-Authenticate: Basic realm=\"admin\"\r\n"),
        405 => head.push_str("Allow: GET\r\n"),
        _ => {}
    }
    head.push_str(if keep { "Connection: keep-alive\r\n" } else { "Connection: close\r\n" });
    if chunked {
        head.push_str("Transfer-Encoding: chunked\r\n\r\n");
    } else {
        head.push_str(&format!("Content-Length: {}\r\n\r\n", response.body.len()));
    }
    let mut bytes = head.into_bytes();
    if !chunked {
        bytes.extend_from_slice(&response.body);
        return bytes;
    }
    for piece in response.body.chunks(CHUNK) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_heads_are_no_requests() {
        for text in
            ["", "GET", "GET /", "GET / HTTP/2", "GET x HTTP/1.1", "GET / HTTP/1.1 more", "GET / HTTP/1.1\r\nodd"]
        {
            assert!(Head::parse(text).is_none(), "{text}");
        }
        let head = Head::parse("GET /a?b HTTP/1.1\r\nAccept: text/xml, Application/JSON\r\nConnection: Close");
        let head = head.expect("a request");
        assert!(head.accepts_json && !head.keep && !head.has_body);
        assert_eq!(head.path, "/a?b");
    }

    #[test]
    fn a_chunked_body_is_whole() {
        let response = Response { status: 200, content_type: "text/xml".to_owned(), body: vec![b'x'; CHUNK + 1] };
        let text = String::from_utf8(written(&response, true, true)).expect("text");
        assert!(text.contains("\r\n1000\r\nx") && text.ends_with("x\r\n1\r\nx\r\n0\r\n\r\n"));
    }
}
