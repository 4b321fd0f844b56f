//! The printer on a socket.

use super::{START, after, busy};
use report::Clock;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use simulator::faces::https::{Server, TlsIdentity, serve};
use simulator::printer::{Printer, Quirks, Requests};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Takes any certificate: the tests know whom they called.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

async fn connect(server: &Server) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let socket = TcpStream::connect(server.address()).await.expect("a connection");
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.expect("a handshake")
}

/// Sends `request` on its own connection and reads until the printer closes it.
async fn ask(server: &Server, request: &str) -> String {
    let mut stream = connect(server).await;
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream.flush().await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8(answer).expect("UTF-8")
}

/// A listening printer whose clock stands still two days after the start.
async fn listening(quirks: Quirks) -> (Server, Arc<Mutex<Printer>>) {
    let printer = Arc::new(Mutex::new(busy(51, "XL 5000").with_quirks(quirks)));
    let clock: Clock = Arc::new(|| after(2));
    let identity = TlsIdentity::self_signed("localhost").expect("an identity");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = serve(listener, Arc::clone(&printer), clock, &identity).await.expect("a server");
    (server, printer)
}

const IDENTIFICATION: &str = "GET /LFPWebServices/PI/Identification.json HTTP/1.1\r\nHost: printer\r\n";

#[tokio::test]
async fn whatever_is_not_a_get_is_refused_and_changes_nothing() {
    let (server, printer) = listening(Quirks::default()).await;
    for method in ["POST", "PUT", "DELETE", "HEAD", "get"] {
        let request =
            format!("{method} /LFPWebServices/PI/JQ/JobQueueCollection HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody");
        let answer = ask(&server, &request).await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{method}: {answer}");
    }
    {
        let printer = printer.lock().expect("a lock");
        assert_eq!(printer.requests(), Requests { asked: 0, refused: 5 });
        assert_eq!(printer.now(), START);
        assert_eq!(printer.counters(), printer.baseline());
        assert!(printer.truth().is_empty());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_get_advances_the_printer_to_the_clock() {
    let (server, printer) = listening(Quirks::default()).await;
    let answer = ask(&server, &format!("{IDENTIFICATION}Connection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\"SerialNumber\":\"CN41A2207\""), "{answer}");
    let printer = printer.lock().expect("a lock");
    assert_eq!(printer.now(), after(2));
    assert!(!printer.truth().is_empty());
    assert_eq!(printer.requests(), Requests { asked: 1, refused: 0 });
}

#[tokio::test]
async fn one_connection_serves_several_requests() {
    for chunked in [false, true] {
        let (server, printer) = listening(Quirks { chunked, ..Quirks::default() }).await;
        let queue = "GET /LFPWebServices/PI/JQ/JobQueueCollection HTTP/1.1\r\nAccept: application/json\r\n";
        let answer = ask(&server, &format!("{IDENTIFICATION}\r\n{queue}Connection: close\r\n\r\n")).await;
        assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answer}");
        assert_eq!(answer.contains("Transfer-Encoding: chunked"), chunked, "{answer}");
        assert!(answer.contains("{\"JobQueueCollection\":"), "{answer}");
        assert_eq!(printer.lock().expect("a lock").requests().asked, 2);
    }
}

#[tokio::test]
async fn odd_requests_get_a_refusal_and_the_printer_goes_on() {
    let (server, _printer) = listening(Quirks::default()).await;
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    let cases = [
        ("nonsense\r\n\r\n", "400"),
        ("GET / HTTP/3\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", "400"),
        ("GET / HTTP/1.0\r\n\r\n", "404"),
        (long.as_str(), "431"),
    ];
    for (request, status) in cases {
        let answer = ask(&server, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}
