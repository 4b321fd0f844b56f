//! What a TLS-inspecting proxy between collector and portal would see: no planted name, no secret.

use crate::world::{START, TestClock, certificate, collector_config, device, planted, postgres, surroundings, tenant};
use agent::{Collector, Config};
use portal::{Db, Portal, PortalKeys, Target, setup};
use protocol::Hex;
use report::Duration;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_names_and_secrets_never_stand_on_the_wire() {
    let folder = tempfile::tempdir().expect("a folder");
    story(folder.path(), Target::Sqlite(folder.path().join("portal.sqlite")), "drop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_names_and_secrets_never_stand_on_the_wire() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((target, _)) = tokio::task::spawn_blocking(postgres).await.expect("asked") else { return };
    story(folder.path(), target, "drop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_kept_travel_sealed_and_arrive() {
    let folder = tempfile::tempdir().expect("a folder");
    story(folder.path(), Target::Sqlite(folder.path().join("portal.sqlite")), "keep").await;
}

type Transcript = Arc<Mutex<Vec<u8>>>;

/// Ends TLS with its own key, writes down both directions, and passes the bytes on.
async fn inspect(listener: TcpListener, acceptor: TlsAcceptor, portal: String, transcript: Transcript) {
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, portal, transcript) = (acceptor.clone(), portal.clone(), transcript.clone());
        tokio::spawn(async move {
            let Ok(inside) = acceptor.accept(socket).await else { return };
            let Ok(outside) = TcpStream::connect(portal).await else { return };
            let ((mut from_agent, mut to_agent), (mut from_portal, mut to_portal)) =
                (tokio::io::split(inside), tokio::io::split(outside));
            let up = copy(&mut from_agent, &mut to_portal, &transcript);
            let down = copy(&mut from_portal, &mut to_agent, &transcript);
            tokio::join!(up, down);
        });
    }
}

async fn copy(from: &mut (impl AsyncReadExt + Unpin), to: &mut (impl AsyncWriteExt + Unpin), transcript: &Transcript) {
    let mut block = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut block).await {
        transcript.lock().expect("not poisoned").extend_from_slice(&block[..count]);
        if to.write_all(&block[..count]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
    // The other end may have gone already.
    let _gone = to.shutdown().await;
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

async fn story(folder: &Path, target: Target, personal: &str) {
    let clock = TestClock::at(START);
    let around = surroundings(clock.clock(), 3);
    let (certificate, key) = certificate();
    let (proxy, inner) = (
        TcpListener::bind("127.0.0.1:0").await.expect("a port"),
        TcpListener::bind("127.0.0.1:0").await.expect("a port"),
    );
    let settings = portal::config::Settings {
        agents_authority: proxy.local_addr().expect("bound").to_string(),
        agents_ca: Some(certificate.clone()),
        ..Default::default()
    };
    let (made, key_file) = (around.clone(), folder.join("keys.json"));
    let (portal, file) = tokio::task::spawn_blocking(move || {
        let db = Db::open(&target).expect("opens");
        let keys = PortalKeys::load(&key_file, &db, &made).expect("keys");
        let portal = Portal::new(settings, db, keys, made).expect("starts");
        let (reseller, customer) = tenant(&portal);
        let file = setup::enrolment(&portal, &reseller, customer).expect("a file");
        (portal, file)
    })
    .await
    .expect("made");
    let transcript = Transcript::default();
    let inside = inner.local_addr().expect("bound").to_string();
    let routes = portal.agents_api();
    tokio::spawn(async move { axum::serve(inner, routes).await });
    let pages = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let pages_url = format!("http://{}", pages.local_addr().expect("bound"));
    let routes = portal.pages();
    tokio::spawn(async move { axum::serve(pages, routes).await });
    tokio::spawn(inspect(proxy, acceptor(&certificate, &key), inside, transcript.clone()));

    let devices = vec![device(2, 11, &clock).await, device(5, 12, &clock).await];
    let path = collector_config(folder, personal, &devices);
    let config = Config::load(&path).expect("valid");
    let enrolment = folder.join("enrol.plotmeter");
    std::fs::write(&enrolment, serde_json::to_vec(&file).expect("json")).expect("written");
    let pending = agent::begin(&enrolment, &config, "pc-7", false, &around).await.expect("shakes hands");
    assert_eq!(pending.account(), ("Nordplan", "Kessler Architekten"));
    pending.confirm().await.expect("confirmed");
    let collector = Collector::open(config, around).expect("opens");
    // Keys change by the day: each day's are searched for.
    let mut secrets = vec![("one-time code", file.code.0)];
    for _ in 0..5 {
        clock.forward(Duration::hours(24));
        let round = collector.once().await.expect("a round");
        assert_eq!((round.read, round.failed), (2, 0));
        secrets.extend(collector.identity().secrets());
    }
    let wire = transcript.lock().expect("not poisoned").clone();
    assert!(wire.len() > 20_000, "only {} bytes were seen", wire.len());
    search(&wire, secrets);
    let names = planted(&devices);
    assert!(names.len() > 20, "only {} names were planted", names.len());
    for name in &names {
        assert!(!contains(&wire, name.as_bytes()), "{name} is on the wire");
    }
    let rows = crate::world::jobs_csv(&pages_url).await;
    let arrived = rows.iter().filter(|row| !row["name"].is_empty() || !row["user"].is_empty()).count();
    if personal == "keep" {
        assert!(arrived > 20, "{arrived} rows have names");
    } else {
        assert_eq!(arrived, 0);
    }
    search_spool(&collector, &folder.join("collector"), &names, personal == "keep");
}

/// Names that are dropped are so before anything is written; those that are kept are found, so that
/// the search can fail.
fn search_spool(collector: &Collector, state: &Path, names: &[String], kept: bool) {
    let packed = packed(collector);
    let found: Vec<&String> = names.iter().filter(|name| packed.contains(name.as_str())).collect();
    if kept {
        assert!(!found.is_empty(), "no name is in {} bytes of packages", packed.len());
        return;
    }
    assert_eq!(found, Vec::<&String>::new());
    // Records that were deleted may still stand in the file.
    let spool = std::fs::read(state.join("spool.sqlite")).expect("the spool");
    let log = std::fs::read(state.join("spool.sqlite-wal")).unwrap_or_default();
    for name in names {
        assert!(!contains(&spool, name.as_bytes()) && !contains(&log, name.as_bytes()), "{name} is in the spool");
    }
}

/// The JSON of every package in the spool.
fn packed(collector: &Collector) -> String {
    let text: String = collector.show_sent(10_000).expect("read").into_iter().map(|sent| sent.json).collect();
    assert!(text.len() > 20_000, "only {} bytes are packed", text.len());
    text
}

fn acceptor(certificate: &str, key: &str) -> TlsAcceptor {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("fits");
    TlsAcceptor::from(Arc::new(config))
}

/// The secret, every derived key and the one-time code, in every usual form.
fn search(wire: &[u8], secrets: Vec<(&'static str, [u8; 32])>) {
    for (name, secret) in secrets {
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        let hex = Hex(secret).to_string();
        for form in [secret.to_vec(), reversed, hex.to_uppercase().into_bytes(), hex.into_bytes()] {
            assert!(!contains(wire, &form), "the {name} is on the wire");
        }
    }
}
