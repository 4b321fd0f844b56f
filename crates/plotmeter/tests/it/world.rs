//! What every story needs: printers on sockets under a clock of the test's own, certificates, databases, a
//! portal's folder and an agent's file.
//!
//! Deliberately absent: processes, which `processes` starts.

use portal::setup::{self, NewReseller, Role};
use portal::{Db, Portal, PortalKeys, Target};
use protocol::enrol::EnrolmentFile;
use report::sample::Rng;
use report::{Clock, Duration, Instant, Surroundings};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use simulator::faces::https::{Server, TlsIdentity, serve};
use simulator::printer::{Habits, MODELS, Printer};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// 2026-10-01T00:00:00Z, a Thursday.
pub(crate) const START: Instant = Instant(1_790_812_800_000);
/// 2096: an enrolment made then has not expired for a portal process on the machine's own clock.
const FAR: Instant = Instant(4_000_000_000_000);
pub(crate) const PASSWORD: &str = "a long pass phrase";

/// A clock that the test moves.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn at(start: Instant) -> TestClock {
        TestClock(Arc::new(AtomicI64::new(start.0)))
    }
    pub(crate) fn forward(&self, by: Duration) {
        self.0.fetch_add(by.0, Ordering::Relaxed);
    }
    pub(crate) fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::Relaxed))
    }
    pub(crate) fn clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// Deterministic randomness for keys of a test.
pub(crate) fn surroundings(clock: Clock, seed: u64) -> Surroundings {
    let rng = Mutex::new(Rng::new(seed));
    let entropy = move |bytes: &mut [u8]| {
        let mut rng = rng.lock().expect("not poisoned");
        bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&rng.next_u64().to_le_bytes()[..chunk.len()]));
    };
    Surroundings { clock, entropy: Arc::new(entropy) }
}

/// A printer on its socket.
pub(crate) struct Device {
    pub(crate) printer: Arc<Mutex<Printer>>,
    pub(crate) server: Server,
}

pub(crate) async fn device(model: usize, seed: u64, clock: &TestClock) -> Device {
    let serial = format!("CN{seed:06}");
    let habits = Habits { jobs_per_day: 60, ..Habits::default() };
    let printer = Printer::new(seed, &MODELS[model], &serial, START, habits);
    let printer = Arc::new(Mutex::new(printer));
    let identity = TlsIdentity::self_signed(&serial).expect("a certificate");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = serve(listener, printer.clone(), clock.clock(), &identity).await.expect("serves");
    Device { printer, server }
}

/// A certificate that is its own authority: (certificate PEM, key PEM).
pub(crate) fn certificate(name: &str) -> (String, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = parameters.self_signed(&key).expect("signed");
    (certificate.pem(), key.serialize_pem())
}

/// The cryptography of every TLS here.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The end of TLS that shows this certificate.
pub(crate) fn acceptor(certificate: &str, key: &str) -> TlsAcceptor {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("fits");
    TlsAcceptor::from(Arc::new(config))
}

/// An address of this machine at which nobody listens yet.
pub(crate) fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").to_string()
}

/// The database of the portal in a folder.
pub(crate) fn sqlite(folder: &Path) -> Target {
    Target::Sqlite(folder.join("portal.sqlite"))
}

static DATABASES: AtomicU64 = AtomicU64::new(0);

/// A new database on the PostgreSQL server named for tests. It blocks.
pub(crate) fn postgres() -> Option<Target> {
    let Ok(server) = std::env::var("PLOTMETER_TEST_POSTGRES") else {
        println!("skipped: PLOTMETER_TEST_POSTGRES names no server");
        return None;
    };
    let name = format!("world_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut client = postgres::Client::connect(&server, postgres::NoTls).expect("the test server");
    client.batch_execute(&format!("create database {name}")).expect("a database");
    let mut parts: Vec<String> =
        server.split(' ').filter(|part| !part.starts_with("dbname=")).map(str::to_owned).collect();
    parts.push(format!("dbname={name}"));
    Some(Target::Postgres(parts.join(" ")))
}

/// What a set-up left behind for processes to find.
pub(crate) struct Prepared {
    pub(crate) file: EnrolmentFile,
    /// For a second agent of the same customer.
    pub(crate) second: EnrolmentFile,
    pub(crate) portal_config: PathBuf,
    pub(crate) pages: String,
}

/// Writes a portal's folder: keys, certificate, configuration, a reseller `kessler@test` and two enrolments.
/// `authority` is what agents call the portal.
pub(crate) async fn prepare(folder: &Path, target: &Target, authority: &str) -> Prepared {
    let (folder, target, authority) = (folder.to_owned(), target.clone(), authority.to_owned());
    // Databases block.
    tokio::task::spawn_blocking(move || write_folder(&folder, &target, &authority)).await.expect("prepared")
}

fn write_folder(folder: &Path, target: &Target, authority: &str) -> Prepared {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let (certificate, key) = certificate(host);
    std::fs::write(folder.join("portal.pem"), &certificate).expect("written");
    std::fs::write(folder.join("portal.key"), &key).expect("written");
    let database = match target {
        Target::Sqlite(_) => String::new(),
        Target::Postgres(connection) => format!("postgres = {connection:?}\n"),
    };
    let pages = free_address();
    let config = format!(
        "data = {folder:?}\nlisten = \"{pages}\"\n{database}[agents]\nlisten = \"{host}:{port}\"\n\
         authority = \"{authority}\"\ncertificate = {:?}\nkey = {:?}\nauthority_certificate = {:?}\n",
        folder.join("portal.pem"),
        folder.join("portal.key"),
        folder.join("portal.pem"),
    );
    let portal_config = folder.join("portal.toml");
    std::fs::write(&portal_config, config).expect("written");
    let around = surroundings(Arc::new(|| FAR), 7);
    let db = Db::open(target).expect("opens");
    let keys = PortalKeys::load(&folder.join("portal-keys.json"), &db, &around).expect("keys");
    let settings = portal::config::Settings {
        agents_authority: authority.to_owned(),
        agents_ca: Some(certificate),
        ..Default::default()
    };
    let portal = Portal::new(settings, db, keys, around).expect("starts");
    let (reseller, customer) = tenant(&portal);
    let file = setup::enrolment(&portal, &reseller, customer).expect("a file");
    let second = setup::enrolment(&portal, &reseller, customer).expect("another file");
    Prepared { file, second, portal_config, pages: format!("http://{pages}") }
}

pub(crate) fn tenant(portal: &Portal) -> (NewReseller, i64) {
    let reseller = setup::reseller(portal, "Nordplan").expect("a reseller");
    let customer =
        setup::customer(portal, &reseller, "Kessler Architekten", "Köln", "Europe/Berlin").expect("a customer");
    setup::participation(portal, &reseller, customer, true).expect("all its printers take part");
    setup::person(portal, Role::Reseller(&reseller), "kessler@test", "Ada", PASSWORD).expect("a person");
    (reseller, customer)
}

/// A collector's file.
pub(crate) fn collector_config(folder: &Path, personal: &str, devices: &[Device]) -> PathBuf {
    let mut text = format!("state = {:?}\npersonal = \"{personal}\"\npause_ms = 0\n", folder.join("collector"));
    let mut private = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    private.create(folder.join("collector")).expect("a folder");
    for device in devices {
        text.push_str(&format!("[[printer]]\naddress = \"{}\"\n", device.server.address()));
    }
    let path = folder.join("collector.toml");
    std::fs::write(&path, text).expect("written");
    path
}

/// Every name in the printers' own history that is long enough to be found by itself.
pub(crate) fn planted(devices: &[Device]) -> Vec<String> {
    let mut names = std::collections::BTreeSet::new();
    for device in devices {
        let printer = device.printer.lock().expect("not poisoned");
        for job in printer.truth() {
            let personal = &job.personal;
            let fields = [&personal.name, &personal.user, &personal.account, &personal.project, &personal.user_defined];
            names.extend(fields.into_iter().flatten().filter(|text| text.len() >= 6).cloned());
        }
    }
    names.into_iter().collect()
}

/// Gives an agent that is not running a whole budget: a test runs days within one real half hour, and
/// what it tests is not how much may be sent in one.
pub(crate) fn fresh_budget(state: &Path) {
    let spool = state.join("spool.sqlite");
    if spool.exists() {
        let spool = rusqlite::Connection::open(spool).expect("the spool");
        // A spool that was never used has no such value.
        let _absent = spool.execute("delete from value where name = 'budget'", []);
    }
}

/// Has the portal of a folder say whether all printers take part, or none. Each agent hears of it at its next
/// contact.
pub(crate) fn participation(folder: &Path, customer: &str, printer: &str) {
    let db = rusqlite::Connection::open(folder.join("portal.sqlite")).expect("the database");
    db.execute_batch(&format!(
        "update customer set participation = '{customer}'; update printer set participation = '{printer}';
         update agent set settings_version = settings_version + 1;"
    ))
    .expect("changed");
}

/// The jobs of the portal as CSV rows by column name, read through the pages as a reseller does.
pub(crate) async fn jobs_csv(pages: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    // The second story of a process finds it installed.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let cookie = |response: &reqwest::Response| -> String {
        let values = response.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        values.filter_map(|value| value.split(';').next()).collect::<Vec<_>>().join("; ")
    };
    let page = client.get(format!("{pages}/sign-in")).send().await.expect("answered");
    let form_cookie = cookie(&page);
    let html = page.text().await.expect("text");
    let start = html.find("name=\"csrf\" value=\"").expect("a token") + 19;
    let token = html[start..].split('"').next().expect("a token").to_owned();
    let body = format!("csrf={token}&next=%2F&email=kessler%40test&password={}", PASSWORD.replace(' ', "+"));
    let signed = client
        .post(format!("{pages}/sign-in"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", form_cookie)
        .body(body)
        .send()
        .await
        .expect("answered");
    assert_eq!(signed.status().as_u16(), 303);
    let session = cookie(&signed);
    let csv = client
        .get(format!("{pages}/jobs.csv?from=2026-01-01"))
        .header("cookie", session)
        .send()
        .await
        .expect("answered");
    assert_eq!(csv.status().as_u16(), 200);
    let text = csv.text().await.expect("text");
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}
