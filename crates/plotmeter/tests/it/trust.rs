//! Who is trusted on the way to the portal: TLS 1.3 and nothing older, and a certificate that the right
//! authority gave, for the right name, which has not expired.
//!
//! Deliberately absent: what is sealed inside TLS, which `interception` and `wire` look at, and printers,
//! whose certificates are pinned.

use crate::processes::{enrol, run, start_portal, write_enrolment};
use crate::world::{Prepared, collector_config, free_address, prepare, provider, sqlite};
use protocol::enrol::EnrolmentFile;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A portal's folder, and the name under which agents call it.
async fn set_up(folder: &Path) -> (Prepared, String) {
    let authority = free_address();
    (prepare(folder, &sqlite(folder), &authority).await, authority)
}

/// Shakes hands with a portal in one version of TLS only; gives the version spoken.
async fn shake_hands(
    authority: &str,
    certificate: &Path,
    version: &'static rustls::SupportedProtocolVersion,
) -> std::io::Result<Option<rustls::ProtocolVersion>> {
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(certificate).expect("the portal's certificate");
    roots.add(CertificateDer::from_pem_slice(&pem).expect("a certificate")).expect("an authority");
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(authority).await.expect("the portal listens");
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
    Ok(stream.get_ref().1.protocol_version())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_speaks_tls_1_3_with_agents_and_refuses_1_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let (prepared, authority) = set_up(folder.path()).await;
    let _portal = start_portal(&prepared).await;
    let certificate = folder.path().join("portal.pem");
    let refused = shake_hands(&authority, &certificate, &rustls::version::TLS12).await.expect_err("refused");
    let cause = refused.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let named = rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion);
    assert_eq!(cause, Some(&named), "{refused}");
    let spoken = shake_hands(&authority, &certificate, &rustls::version::TLS13).await.expect("hands are shaken");
    assert_eq!(spoken, Some(rustls::ProtocolVersion::TLSv1_3));
}

/// What stands in the portal's place.
struct Shown {
    what: &'static str,
    /// Whether the authority that the enrolment names gave it.
    ours: bool,
    /// Whom it is for.
    name: &'static str,
    /// It ends with the start of this year.
    until: i32,
    /// What the agent says of it; empty where it is as it should be.
    words: &'static str,
}

const SHOWN: [Shown; 4] = [
    Shown { what: "as it should be", ours: true, name: "127.0.0.1", until: 2999, words: "" },
    Shown { what: "expired", ours: true, name: "127.0.0.1", until: 2021, words: "expired" },
    Shown { what: "another name", ours: true, name: "portal.example", until: 2999, words: "not valid for name" },
    Shown { what: "another authority", ours: false, name: "127.0.0.1", until: 2999, words: "UnknownIssuer" },
];

/// An acceptor with that certificate.
fn acceptor(folder: &Path, shown: &Shown) -> TlsAcceptor {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    let authority_key = if shown.ours {
        let pem = std::fs::read_to_string(folder.join("portal.key")).expect("the portal's key");
        rcgen::KeyPair::from_pem(&pem).expect("a key")
    } else {
        authority.distinguished_name.push(rcgen::DnType::CommonName, "Somebody else");
        rcgen::KeyPair::generate().expect("a key")
    };
    let issuer = rcgen::Issuer::from_params(&authority, &authority_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut parameters = rcgen::CertificateParams::new(vec![shown.name.to_owned()]).expect("a name");
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(shown.until, 1, 1);
    let certificate = parameters.signed_by(&key, &issuer).expect("signed");
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("a version")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("fits");
    TlsAcceptor::from(Arc::new(config))
}

/// Somebody in the portal's place, and what was said to them inside TLS.
struct StandIn {
    heard: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl StandIn {
    async fn start(authority: &str, acceptor: TlsAcceptor) -> StandIn {
        let listener = TcpListener::bind(authority).await.expect("the portal's port");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(socket).await else { continue };
                let mut block = vec![0; 4096];
                if let Ok(count) = stream.read(&mut block).await {
                    hears.lock().expect("not poisoned").extend_from_slice(&block[..count]);
                }
            }
        });
        StandIn { heard, task }
    }

    /// Leaves the place, and gives what was heard.
    async fn stop(self) -> String {
        self.task.abort();
        // Ended by that, and its port is free.
        let _aborted = self.task.await;
        String::from_utf8_lossy(&self.heard.lock().expect("not poisoned")).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_says_nothing_to_a_portal_whose_certificate_is_not_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let (prepared, authority) = set_up(path).await;
    let enrolled = collector_config(path, "drop", &[]);
    let invitation = write_enrolment(path, "enrol.plotmeter", &prepared.file);
    let mut portal = start_portal(&prepared).await;
    let said = enrol("collector", &enrolled, &invitation).await;
    assert!(said.success, "{}", said.all());
    portal.kill().await.expect("ended");
    let (fresh, state) = (path.join("fresh.toml"), path.join("fresh"));
    std::fs::write(&fresh, format!("state = {state:?}\n")).expect("written");
    let invitation = write_enrolment(path, "second.plotmeter", &prepared.second);
    for shown in &SHOWN {
        let stand_in = StandIn::start(&authority, acceptor(path, shown)).await;
        let enrolment = enrol("collector", &fresh, &invitation).await;
        let (success, said) = (enrolment.success, enrolment.all());
        assert!(!success && !state.join("agent.json").exists(), "{}: {said}", shown.what);
        let checks = run("collector", &enrolled, &["doctor"]).await.all();
        let heard = stand_in.stop().await;
        if shown.words.is_empty() {
            assert!(heard.contains("POST /enrol/v1"), "the test itself works: {said}{heard}");
            continue;
        }
        assert!(said.contains(shown.words), "{}: {said}", shown.what);
        let failed = checks.lines().any(|line| line.starts_with("FAIL") && line.contains("TLS to the portal"));
        assert!(failed, "{}: {checks}", shown.what);
        assert_eq!(heard, "", "{}", shown.what);
    }
    // Where the enrolment names no authority, the public ones are asked, and know nothing of this one.
    let open = EnrolmentFile { portal_ca: None, ..prepared.second.clone() };
    let invitation = write_enrolment(path, "open.plotmeter", &open);
    let stand_in = StandIn::start(&authority, acceptor(path, &SHOWN[0])).await;
    let said = enrol("collector", &fresh, &invitation).await;
    assert!(!said.success && said.all().contains("UnknownIssuer"), "{}", said.all());
    assert_eq!(stand_in.stop().await, "");
}
