//! A printer that identifies itself rightly, serves the documents it is given, and misbehaves on one
//! resource.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
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
    task: JoinHandle<()>,
}

/// What a printer serves: the end of each path and the document there.
pub(crate) type Documents = BTreeMap<String, String>;

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

/// The documents of a printer that says only who it is.
pub(crate) fn identity(product: &str, serial: &str) -> Documents {
    let fields = format!(r#"{{"ModelName":"{product}","PartNumber":"L2Y21A","SerialNumber":"{serial}"}}"#);
    [("/Identification.json".to_owned(), format!(r#"{{"Identification":{{"Fields":{fields}}}}}"#))].into()
}

impl Printer {
    /// Starts it; `resource` is the end of the hostile path.
    pub(crate) async fn start(resource: &str, behaviour: Behaviour) -> Printer {
        let documents = identity("HP DesignJet T930 36in", "CN12345678");
        Printer::serve("127.0.0.1:0", documents, Some((resource.to_owned(), behaviour))).await
    }

    /// Starts a printer that does nothing wrong.
    pub(crate) async fn good(documents: Documents) -> Printer {
        Printer::serve("127.0.0.1:0", documents, None).await
    }

    /// The same at another address of this machine.
    pub(crate) async fn at(address: std::net::IpAddr, documents: Documents) -> Printer {
        Printer::serve(&std::net::SocketAddr::new(address, 0).to_string(), documents, None).await
    }

    /// The printer is replaced by another one with the same documents at the same address.
    pub(crate) async fn replaced(self, documents: Documents) -> Printer {
        self.task.abort();
        // The task ends with an error, which is that it was aborted.
        let _aborted = self.task.await;
        Printer::serve(&self.address, documents, None).await
    }

    async fn serve(at: &str, documents: Documents, hostile: Option<(String, Behaviour)>) -> Printer {
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
        let listener = TcpListener::bind(at).await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let seen = Arc::new(Seen::default());
        let (shared, served) = (seen.clone(), Arc::new((documents, hostile)));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, served, seen) = (acceptor.clone(), served.clone(), shared.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        // The client hangs up whenever it has had enough.
                        let _hung_up = answer(stream, &served.0, served.1.as_ref(), &seen).await;
                    }
                });
            }
        });
        Printer { address, seen, task }
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
    documents: &Documents,
    hostile: Option<&(String, Behaviour)>,
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
        if let Some((_, behaviour)) = hostile.filter(|(resource, _)| path.ends_with(resource)) {
            return misbehave(&mut stream, behaviour, seen).await;
        }
        let document = documents.iter().find(|(end, _)| path.ends_with(end.as_str()));
        let bytes = match document {
            Some((_, document)) => response("200 OK", "application/json", document.as_bytes()),
            None => response("404 Not Found", "text/plain", b""),
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
