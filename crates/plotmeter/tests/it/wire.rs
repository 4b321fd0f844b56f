//! What a TLS-inspecting proxy between collector and portal would see: no planted name, no secret.

use crate::needles::{self, Needles};
use crate::processes::write_enrolment;
use crate::world::{
    START, TestClock, acceptor, certificate, collector_config, device, planted, postgres, sqlite, surroundings, tenant,
};
use agent::{Collector, Config};
use portal::{Db, Portal, PortalKeys, Target, setup};
use report::Duration;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_names_and_secrets_never_stand_on_the_wire() {
    let folder = tempfile::tempdir().expect("a folder");
    story(folder.path(), sqlite(folder.path()), "drop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_names_and_secrets_never_stand_on_the_wire() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(target) = tokio::task::spawn_blocking(postgres).await.expect("asked") else { return };
    story(folder.path(), target, "drop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_kept_travel_sealed_and_arrive() {
    let folder = tempfile::tempdir().expect("a folder");
    story(folder.path(), sqlite(folder.path()), "keep").await;
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

async fn story(folder: &Path, target: Target, personal: &str) {
    let clock = TestClock::at(START);
    let around = surroundings(clock.clock(), 3);
    let (certificate, key) = certificate("127.0.0.1");
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
    let enrolment = write_enrolment(folder, "enrol.plotmeter", &file);
    let pending = agent::begin(Path::new(&enrolment), &config, "pc-7", false, &around).await.expect("shakes hands");
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
    let secrets = secrets.iter().flat_map(|(name, secret)| needles::key(name, secret));
    Needles::new(secrets).none_in("what went over the wire", &wire);
    let names = planted(&devices);
    assert!(names.len() > 20, "only {} names were planted", names.len());
    let names = Needles::new(names.iter().map(|name| needles::text(name, name)));
    names.none_in("what went over the wire", &wire);
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
fn search_spool(collector: &Collector, state: &Path, names: &Needles, kept: bool) {
    let packed = packed(collector);
    if kept {
        let found = names.found(packed.as_bytes());
        assert!(!found.is_empty(), "no name is in {} bytes of packages", packed.len());
        return;
    }
    names.none_in("the packages", packed.as_bytes());
    // Records that were deleted may still stand in the file.
    names.none_in("the spool", &std::fs::read(state.join("spool.sqlite")).expect("the spool"));
    names.none_in("the spool's log", &std::fs::read(state.join("spool.sqlite-wal")).unwrap_or_default());
}

/// The JSON of every package in the spool.
fn packed(collector: &Collector) -> String {
    let text: String = collector.show_sent(10_000).expect("read").into_iter().map(|sent| sent.json).collect();
    assert!(text.len() > 20_000, "only {} bytes are packed", text.len());
    text
}
