//! A printer that identifies itself rightly and misbehaves on one resource.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What happens on the hostile resource.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// These bytes, whatever they are.
    Bytes(Vec<u8>),
    /// A body of `sent` bytes under a stated length.
    Sized { stated: usize, sent: usize },
    /// Chunks without an end.
    Endless,
    /// Silence.
    Stall,
    /// A byte now and then.
    Drip,
}

pub(crate) struct Printer {
    pub(crate) address: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    sent: AtomicU64,
}

/// A whole HTTP answer.
pub(crate) fn response(status: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

const IDENTIFICATION: &str = r#"{"Identification":{"Fields":{"ModelName":"HP DesignJet Z9",
    "PartNumber":"W3Z71A","SerialNumber":"CN12345678"}}}"#;

impl Printer {
    /// Starts it; `resource` is the end of the hostile path.
    pub(crate) async fn start(resource: &str, behaviour: Behaviour) -> Printer {
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = rcgen::CertificateParams::new(vec!["printer".to_owned()])
            .expect("a name")
            .self_signed(&key)
            .expect("signed");
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let seen = Arc::new(Seen::default());
        let (resource, shared) = (resource.to_owned(), seen.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, resource, behaviour, seen) =
                    (acceptor.clone(), resource.clone(), behaviour.clone(), shared.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        // The client hangs up whenever it has had enough.
                        let _hung_up = answer(stream, &resource, behaviour, &seen).await;
                    }
                });
            }
        });
        Printer { address, seen }
    }

    pub(crate) fn sent_bytes(&self) -> u64 {
        self.seen.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.lock().expect("not poisoned").len()
    }

    pub(crate) fn methods(&self) -> Vec<String> {
        let requests = self.seen.requests.lock().expect("not poisoned");
        requests.iter().map(|line| line.split(' ').next().unwrap_or("").to_owned()).collect()
    }
}

async fn answer(
    mut stream: TlsStream<TcpStream>,
    resource: &str,
    behaviour: Behaviour,
    seen: &Seen,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let line = String::from_utf8_lossy(&head).lines().next().unwrap_or("").to_owned();
        head.clear();
        let path = line.split(' ').nth(1).unwrap_or("").to_owned();
        seen.requests.lock().expect("not poisoned").push(line);
        if path.ends_with(resource) {
            return misbehave(&mut stream, &behaviour, seen).await;
        }
        let bytes = if path.ends_with("/Identification.json") {
            response("200 OK", "application/json", IDENTIFICATION.as_bytes())
        } else {
            response("404 Not Found", "text/plain", b"")
        };
        stream.write_all(&bytes).await?;
        stream.flush().await?;
    }
}

async fn misbehave(stream: &mut TlsStream<TcpStream>, behaviour: &Behaviour, seen: &Seen) -> std::io::Result<()> {
    let block = vec![b' '; 64 * 1024];
    match behaviour {
        Behaviour::Bytes(bytes) => stream.write_all(bytes).await?,
        Behaviour::Sized { stated, sent } => {
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {stated}\r\n\r\n").as_bytes()).await?;
            let mut left = *sent;
            while left > 0 {
                let part = left.min(block.len());
                stream.write_all(&block[..part]).await?;
                seen.sent.fetch_add(u64::try_from(part).expect("small"), Ordering::Relaxed);
                left -= part;
            }
        }
        Behaviour::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                stream.write_all(format!("{:x}\r\n", block.len()).as_bytes()).await?;
                stream.write_all(&block).await?;
                stream.write_all(b"\r\n").await?;
                seen.sent.fetch_add(u64::try_from(block.len()).expect("small"), Ordering::Relaxed);
            }
        }
        Behaviour::Stall => std::future::pending::<()>().await,
        Behaviour::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await?;
            loop {
                stream.write_all(b" ").await?;
                stream.flush().await?;
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        }
    }
    stream.flush().await?;
    stream.shutdown().await
}
