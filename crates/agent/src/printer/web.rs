//! One HTTP connection to one port of a printer: GET of a path, and POST of a reading IPP operation, one after
//! another, with deadlines and caps.
//!
//! A connection that the printer closed is opened again; a request that was cut off on a connection used before is
//! made once more. Deliberately absent: every other method, redirects, cookies, and any way from TLS back to plain
//! HTTP.

use super::access::Login;
use super::ends::Ends;
use super::{Patience, legacy};
use crate::proxy::base64;
use crate::tls::{Fingerprint, Pin, printer_config};
use drivers::{Answer, limits, reads_both_ends};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, Error as TlsError, InvalidMessage};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// Bytes of the head of an answer.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Fields in the head of an answer.
const FIELDS_MAX: usize = 100;
/// Where every printer takes IPP (RFC 8010 §4, PWG 5100.14).
const IPP_PATH: &str = "/ipp/print";

/// The port of IPP (RFC 8010 §4).
pub(super) const IPP_PORT: u16 = 631;

/// What carries bytes to a printer.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why no connection comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Its name is not known.
    Name,
    /// Nobody listens.
    Refused,
    /// The network does not lead there.
    NoWay,
    /// Nothing came back in time.
    Silent,
    /// The connection was taken, and nothing was said on it in time.
    Mute,
    /// What was said is no TLS.
    Plain,
    /// It broke off.
    Broken,
}

impl Obstacle {
    /// Why a connection was not taken.
    fn of(error: &std::io::Error) -> Obstacle {
        match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Obstacle::Refused,
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::ConnectionAborted => Obstacle::Broken,
            std::io::ErrorKind::TimedOut => Obstacle::Silent,
            _ => Obstacle::NoWay,
        }
    }

    /// Why hands were not shaken.
    fn of_tls(error: &std::io::Error) -> Obstacle {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
        match inner {
            Some(TlsError::InvalidMessage(InvalidMessage::InvalidContentType)) => Obstacle::Plain,
            _ => Obstacle::Broken,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Obstacle::Name => "its name is not known here",
            Obstacle::Refused => "nothing listens on that port",
            Obstacle::NoWay => "the network does not lead to that address and port",
            Obstacle::Silent => "nothing came back from that address and port",
            Obstacle::Mute => "the connection was taken, and nothing was said on it",
            Obstacle::Plain => "what answers there speaks no TLS; where that is right, its address begins with http://",
            Obstacle::Broken => "the connection broke off before anything could be asked",
        }
    }
}

/// Why a port of a printer cannot be asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No connection.
    Unreached(Obstacle),
    /// It shows another certificate than the one it must show.
    Certificate,
    /// It speaks only TLS that this build does not.
    OldTls,
}

impl Trouble {
    /// In words for a defect. Addresses are left out: they are the customer's.
    fn words(self, is_tls: bool) -> String {
        match self {
            Trouble::Unreached(obstacle) if is_tls => format!("could not be reached over HTTPS: {}", obstacle.words()),
            Trouble::Unreached(obstacle) => format!("could not be reached: {}", obstacle.words()),
            Trouble::Certificate => "shows another certificate than the one known".to_owned(),
            Trouble::OldTls => super::OLD_TLS.to_owned(),
        }
    }
}

/// One port of a printer, and the connection to it while there is one.
pub(super) struct Link {
    host: String,
    port: u16,
    /// The certificate that it must show; `None` where TLS is not used.
    pin: Option<Arc<Pin>>,
    patience: Patience,
    open: Option<Open>,
    /// Whether only the old TLS works there.
    is_old: bool,
    was_open: bool,
    trouble: Option<Trouble>,
}

/// A connection.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    /// Carries the bytes; it ends with the connection.
    task: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is asked.
enum Asked<'a> {
    Get { path: &'a str, accept: &'static str, login: Option<&'a Login> },
    Operation(Bytes),
}

impl Asked<'_> {
    /// Whether both ends of an answer that is too long are of use.
    fn wants_both_ends(&self) -> bool {
        match self {
            Asked::Get { path, .. } => reads_both_ends(path),
            Asked::Operation(_) => false,
        }
    }
}

/// What came of sending a request.
enum Sent {
    Answer(Answer),
    /// The connection was closed before anything was answered.
    Closed,
}

fn failed(words: &str) -> Answer {
    Answer::Failed(words.to_owned())
}

impl Link {
    /// A port that was not connected to yet. `pin` where it is spoken to over TLS.
    pub(super) fn new(host: &str, port: u16, pin: Option<Arc<Pin>>, patience: Patience) -> Link {
        let host = host.to_owned();
        Link { host, port, pin, patience, open: None, is_old: false, was_open: false, trouble: None }
    }

    /// Closes the connection until something is asked again.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Why it cannot be asked, once that is known.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }

    /// Whether a connection came about.
    pub(super) fn was_open(&self) -> bool {
        self.was_open
    }

    /// Whether answers come over TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.pin.is_some()
    }

    /// Host and port as a `Host` field has them.
    fn authority(&self) -> String {
        let usual = if self.is_tls() { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The certificate that it showed, where a connection came about.
    pub(super) fn shown(&self) -> Option<Fingerprint> {
        self.pin.as_ref().filter(|_| self.was_open)?.seen()
    }

    /// Host, port and certificate: what is the same for two interfaces of one device.
    pub(super) fn over(&self) -> String {
        let shown = match &self.pin {
            None => "plain".to_owned(),
            Some(_) => self.shown().map_or_else(String::new, |shown| shown.to_string()),
        };
        format!("{}:{} {shown}", self.host, self.port)
    }

    /// The address of the printer in IPP operations.
    pub(super) fn printer_uri(&self) -> String {
        let scheme = if self.is_tls() { "ipps" } else { "ipp" };
        format!("{scheme}://{}:{}{IPP_PATH}", self.host, self.port)
    }

    /// GET of a path and query. A login is sent over TLS only; the caller sees to that by [`Link::is_tls`], and
    /// here it is left out without TLS.
    pub(super) async fn get(&mut self, path: &str, accept: &'static str, login: Option<&Login>) -> Answer {
        let login = login.filter(|_| self.is_tls());
        self.ask(&Asked::Get { path, accept, login }).await
    }

    /// POST of the bytes of an IPP operation that only reads.
    pub(super) async fn operation(&mut self, bytes: Vec<u8>) -> Answer {
        self.ask(&Asked::Operation(Bytes::from(bytes))).await
    }

    /// Opens a connection where there is none. `true` when there was one already.
    pub(super) async fn ensure(&mut self) -> Result<bool, Trouble> {
        if let Some(open) = &mut self.open {
            if matches!(timeout(self.patience.idle, open.sender.ready()).await, Ok(Ok(()))) {
                return Ok(true);
            }
            self.open = None;
        }
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        match self.connect().await {
            Ok(open) => {
                self.open = Some(open);
                self.was_open = true;
                Ok(false)
            }
            // A printer that took a connection before may be busy for the moment; one that took none is left.
            Err(Trouble::Unreached(obstacle)) if self.was_open => Err(Trouble::Unreached(obstacle)),
            Err(trouble) => {
                self.trouble = Some(trouble);
                Err(trouble)
            }
        }
    }

    async fn connect(&mut self) -> Result<Open, Trouble> {
        let stream = self.stream().await?;
        let mut builder = Builder::new();
        builder.max_buf_size(HEAD_BYTES_MAX).max_headers(FIELDS_MAX);
        let shaken = builder.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|_| Trouble::Unreached(Obstacle::Broken))?;
        let task = tokio::spawn(async move {
            // What went wrong is said to whoever waits for an answer.
            let _ended = connection.await;
        });
        Ok(Open { sender, task })
    }

    /// A TCP connection, within the time for one.
    async fn dial(&mut self) -> Result<TcpStream, Trouble> {
        let host = self.host.trim_matches(['[', ']']);
        let dialling = async {
            let found = lookup_host((host, self.port)).await.map_err(|_| Obstacle::Name)?;
            let found: Vec<SocketAddr> = found.collect();
            TcpStream::connect(found.as_slice()).await.map_err(|error| Obstacle::of(&error))
        };
        let dialled = timeout(self.patience.connect, dialling).await;
        dialled.unwrap_or(Err(Obstacle::Silent)).map_err(Trouble::Unreached)
    }

    async fn stream(&mut self) -> Result<Box<dyn Stream>, Trouble> {
        let Some(pin) = self.pin.clone() else { return Ok(Box::new(self.dial().await?)) };
        if !self.is_old {
            match self.tls(pin.clone()).await {
                Err(Trouble::OldTls) => {}
                done => return done,
            }
        }
        if !legacy::IS_BUILT_IN {
            return Err(Trouble::OldTls);
        }
        let dialled = self.dial().await?;
        let stream = match timeout(self.patience.connect, legacy::connect(dialled, &pin)).await {
            Ok(Some(stream)) => stream,
            Ok(None) | Err(_) if pin.is_broken() => return Err(Trouble::Certificate),
            Ok(None) => return Err(Trouble::Unreached(Obstacle::Broken)),
            Err(_) => return Err(Trouble::Unreached(Obstacle::Mute)),
        };
        self.is_old = true;
        Ok(stream)
    }

    /// TLS 1.2 or 1.3 by rustls.
    async fn tls(&mut self, pin: Arc<Pin>) -> Result<Box<dyn Stream>, Trouble> {
        let config = printer_config(pin.clone()).map_err(|_| Trouble::Unreached(Obstacle::Broken))?;
        let host = self.host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|_| Trouble::Unreached(Obstacle::Name))?;
        let dialled = self.dial().await?;
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, dialled);
        match timeout(self.patience.connect, connecting).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(_)) | Err(_) if pin.is_broken() => Err(Trouble::Certificate),
            Ok(Err(error)) if is_old(&error) => Err(Trouble::OldTls),
            Ok(Err(error)) => Err(Trouble::Unreached(Obstacle::of_tls(&error))),
            Err(_) => Err(Trouble::Unreached(Obstacle::Mute)),
        }
    }

    async fn ask(&mut self, asked: &Asked<'_>) -> Answer {
        match timeout(self.patience.answer, self.exchange(asked)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.open = None;
                failed("did not answer in time")
            }
        }
    }

    async fn exchange(&mut self, asked: &Asked<'_>) -> Answer {
        let Some(request) = self.request(asked) else { return failed("is not a path that can be asked") };
        loop {
            let reused = match self.ensure().await {
                Ok(reused) => reused,
                Err(trouble) => return Answer::Failed(trouble.words(self.is_tls())),
            };
            match self.send(request.clone(), asked.wants_both_ends()).await {
                Sent::Answer(answer) => return answer,
                // The printer closed the old connection while the request was on its way: once more on a new one.
                Sent::Closed if reused => self.open = None,
                Sent::Closed => {
                    self.open = None;
                    return failed("closed the connection without an answer");
                }
            }
        }
    }

    fn request(&self, asked: &Asked<'_>) -> Option<Request<Full<Bytes>>> {
        let builder = Request::builder().header(header::HOST, self.authority());
        let built = match asked {
            Asked::Get { path, .. } if !path.starts_with('/') => return None,
            Asked::Get { path, accept, login } => {
                let builder = builder.method(Method::GET).uri(*path);
                let builder = builder.header(header::ACCEPT, *accept).header(header::ACCEPT_LANGUAGE, "en");
                let builder = match login {
                    Some(login) => builder.header(header::AUTHORIZATION, basic(login)?),
                    None => builder,
                };
                builder.body(Full::new(Bytes::new()))
            }
            Asked::Operation(bytes) => builder
                .method(Method::POST)
                .uri(IPP_PATH)
                .header(header::CONTENT_TYPE, "application/ipp")
                .header(header::ACCEPT, "application/ipp")
                .body(Full::new(bytes.clone())),
        };
        built.ok()
    }

    /// Sends on the open connection. It stays open only after a whole answer.
    async fn send(&mut self, request: Request<Full<Bytes>>, both_ends: bool) -> Sent {
        let Some(mut open) = self.open.take() else { return Sent::Closed };
        let response = match timeout(self.patience.idle, open.sender.send_request(request)).await {
            Err(_) => return Sent::Answer(failed("stopped answering")),
            Ok(Err(error)) if error.is_parse() => return Sent::Answer(failed("did not answer in valid HTTP")),
            Ok(Err(_)) => return Sent::Closed,
            Ok(Ok(response)) => response,
        };
        let (head, body) = response.into_parts();
        let head = Response::from_parts(head, ());
        let body = read_body(body, self.patience, both_ends).await;
        if body.as_ref().is_ok_and(|body| body.len() <= limits::BODY_MAX) {
            self.open = Some(open);
        }
        Sent::Answer(answer(&head, body))
    }
}

/// The value of a login in its header field.
fn basic(login: &Login) -> Option<HeaderValue> {
    let pair = Zeroizing::new(format!("{}:{}", login.user, login.password));
    let field = Zeroizing::new(format!("Basic {}", base64(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&field).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Reads a body within its cap and the time without a byte. Of a longer one its start and its end are read where both
/// are of use; else it is left, and what there is of it is longer than the cap.
async fn read_body(mut body: Incoming, patience: Patience, both_ends: bool) -> Result<Vec<u8>, String> {
    let mut ends = Ends::new();
    while !ends.is_over() {
        match next_bytes(&mut body, patience).await? {
            Some(bytes) => ends.take(&bytes),
            None => return Ok(ends.into_bytes()),
        }
    }
    if both_ends {
        let rest = async {
            while ends.goes_on() {
                match next_bytes(&mut body, patience).await {
                    Ok(Some(bytes)) => ends.take(&bytes),
                    Ok(None) | Err(_) => break,
                }
            }
        };
        // As far as it comes in a part of the time for an answer: what there is by then is not lost.
        let _late = timeout(patience.answer / 4, rest).await;
    }
    Ok(ends.into_bytes())
}

/// The next bytes of a body; `None` at its end.
async fn next_bytes(body: &mut Incoming, patience: Patience) -> Result<Option<Bytes>, String> {
    loop {
        match timeout(patience.idle, body.frame()).await {
            Err(_) => return Err("stopped answering".to_owned()),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) if error.is_parse() => return Err("did not answer in valid HTTP".to_owned()),
            Ok(Some(Err(_))) => return Err("ended before its stated length".to_owned()),
            Ok(Some(Ok(frame))) => {
                // Other frames are trailers, which say nothing that is read.
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// The answer of a head and what followed it.
fn answer(head: &Response<()>, body: Result<Vec<u8>, String>) -> Answer {
    let field = |name| head.headers().get(name).and_then(|value| value.to_str().ok());
    let cut = |text: &str| text.chars().take(limits::TEXT_MAX).collect::<String>();
    let status = head.status().as_u16();
    if head.status().is_redirection()
        && let Some(location) = field(header::LOCATION)
    {
        return Answer::Elsewhere { status, location: cut(location) };
    }
    match body {
        Ok(body) => {
            Answer::Body { status, content_type: field(header::CONTENT_TYPE).map_or_else(String::new, cut), body }
        }
        Err(why) => Answer::Failed(why),
    }
}

/// Whether a handshake failed because the printer's TLS is older than what rustls speaks: its version, its suites,
/// or a certificate whose key or signature rustls takes for too weak.
fn is_old(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    inner.is_some_and(is_old_tls)
}

fn is_old_tls(error: &TlsError) -> bool {
    use AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
    match error {
        TlsError::AlertReceived(alert) => matches!(alert, HandshakeFailure | InsufficientSecurity | ProtocolVersion),
        // Our own check of the pin was looked at before.
        TlsError::PeerIncompatible(_) | TlsError::InvalidCertificate(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{CertificateError, PeerIncompatible};

    #[test]
    fn only_tls_that_is_too_old_is_tried_in_the_old_way() {
        for (error, old) in [
            (TlsError::AlertReceived(AlertDescription::HandshakeFailure), true),
            (TlsError::AlertReceived(AlertDescription::ProtocolVersion), true),
            (TlsError::AlertReceived(AlertDescription::InsufficientSecurity), true),
            (TlsError::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13), true),
            (TlsError::InvalidCertificate(CertificateError::BadSignature), true),
            (TlsError::AlertReceived(AlertDescription::InternalError), false),
            (TlsError::DecryptError, false),
        ] {
            let io = std::io::Error::new(std::io::ErrorKind::InvalidData, error.clone());
            assert_eq!(is_old(&io), old, "{error:?}");
        }
        assert!(!is_old(&std::io::Error::from(std::io::ErrorKind::UnexpectedEof)));
    }

    #[tokio::test]
    async fn a_port_that_cannot_be_asked_says_why() {
        let listens = |text: &'static str| async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let port = listener.local_addr().expect("bound").port();
            tokio::spawn(async move {
                while let Ok((mut socket, _)) = listener.accept().await {
                    // Until whoever asked has had enough.
                    let _hung_up = tokio::io::AsyncWriteExt::write_all(&mut socket, text.as_bytes()).await;
                    let _read = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
                }
            });
            port
        };
        let patience = Patience { connect: std::time::Duration::from_secs(1), ..Patience::default() };
        let plain = listens("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        for (host, port, obstacle) in [
            ("127.0.0.1", 1, Obstacle::Refused),
            ("printer..example", 443, Obstacle::Name),
            ("127.0.0.1", plain, Obstacle::Plain),
            ("127.0.0.1", listens("").await, Obstacle::Mute),
        ] {
            let mut link = Link::new(host, port, Some(Pin::new(None)), patience);
            let answer = link.get("/", "text/html", None).await;
            let words = format!("could not be reached over HTTPS: {}", obstacle.words());
            assert_eq!(answer, Answer::Failed(words), "{host}:{port}");
        }
        let mut link = Link::new("127.0.0.1", 1, None, patience);
        let words = "could not be reached: nothing listens on that port";
        assert_eq!(link.get("/", "text/html", None).await, failed(words));
    }

    #[test]
    fn a_login_goes_over_tls_only_and_is_no_part_of_any_text() {
        let login = Login { user: "Aladdin".to_owned(), password: "open sesame".to_owned() };
        let value = basic(&login).expect("a value");
        // The example of RFC 7617 §2.
        assert_eq!(value.as_bytes(), b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{value:?}").contains("QWxh"));
    }

    #[test]
    fn only_a_path_of_the_printer_itself_is_asked() {
        let link = Link::new("192.0.2.10", 443, None, Patience::default());
        for (path, asked) in [
            ("/DevMgmt/DiscoveryTree.xml", true),
            ("/LFPWebServices/PI/JQ/JobQueueCollection?retry=1", true),
            ("https://elsewhere.example/", false),
            ("elsewhere.example:80", false),
            ("", false),
            ("/a b", false),
            ("/a\r\nHost: b", false),
        ] {
            let request = link.request(&Asked::Get { path, accept: "text/html", login: None });
            assert_eq!(request.is_some(), asked, "{path}");
            if let Some(request) = request {
                assert_eq!((request.method(), request.uri().authority()), (&Method::GET, None), "{path}");
            }
        }
    }

    #[test]
    fn a_printer_is_named_by_host_port_and_certificate() {
        let link = Link::new("[2001:db8::1]", 631, Some(Pin::new(None)), Patience::default());
        assert_eq!(link.printer_uri(), "ipps://[2001:db8::1]:631/ipp/print");
        assert_eq!((link.over().as_str(), link.authority().as_str()), ("[2001:db8::1]:631 ", "[2001:db8::1]:631"));
        let plain = Link::new("printer.example", 80, None, Patience::default());
        assert_eq!(
            (plain.authority().as_str(), plain.over().as_str()),
            ("printer.example", "printer.example:80 plain")
        );
        assert_eq!(plain.printer_uri(), "ipp://printer.example:80/ipp/print");
    }
}
