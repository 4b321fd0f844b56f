//! Two desks, the portal and the proxy between them: what each desk says, and what must hold whatever the proxy
//! made of it.
//!
//! Deliberately absent: which attack comes when, which the story says.

use super::proxy::{Attack, MARKER, Proxy};
use crate::lab::{Lab, Post, Source, beat, exchange};
use crate::needles::{self, Needles};
use crate::world::{acceptor, certificate, provider};
use agent::{Desk, Inbound, Outbound, Outcome, Unsent};
use portal::{Target, setup};
use protocol::message::AlertNotice;
use protocol::package::{Package, PrinterIdentity};
use protocol::receipt::{Duty, Settings};
use report::sample::Rng;
use report::{Alert, Instant, Severity};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// Stands in every name of a job.
const PLANTED: &str = "Villa Planted";

/// One of the two agents, and what it was given.
struct Agent {
    desk: Desk,
    source: Source,
    /// Records that were put into its spool.
    records: u64,
    keys: Vec<String>,
    alerts: i64,
}

/// What no forged answer may change.
#[derive(Debug, PartialEq)]
struct Held {
    settings: Settings,
    duty: Duty,
    records: u64,
    packages: u64,
    jobs: u64,
}

impl Agent {
    fn held(&self) -> Held {
        let Unsent { records, packages, jobs, .. } = self.desk.unsent().expect("read");
        let settings = self.desk.settings().expect("read");
        Held { settings, duty: self.desk.duty(), records, packages, jobs }
    }
}

/// The two agents, the proxy and the portal.
pub(super) struct Scene {
    pub(super) lab: Lab,
    proxy: Proxy,
    connector: TlsConnector,
    agents: Vec<Agent>,
    pub(super) rng: Rng,
    secrets: BTreeMap<[u8; 32], &'static str>,
    interval: u32,
}

impl Scene {
    pub(super) fn new(seed: u64, target: &Target, folder: TempDir) -> Scene {
        let (certificate, key) = certificate("127.0.0.1");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        let authority = listener.local_addr().expect("bound").to_string();
        let lab = Lab::on(target, folder, &authority, Some(certificate.clone()), seed);
        let portal = lab.serve_plain();
        let listener = lab.runtime.block_on(async { TcpListener::from_std(listener) }).expect("a socket");
        let proxy = Proxy::new(listener, acceptor(&certificate, &key), authority, portal, seed);
        let connector = connector(&certificate);
        let (rng, secrets, agents) = (Rng::new(seed ^ 1), BTreeMap::new(), Vec::new());
        let mut scene = Scene { lab, proxy, connector, agents, rng, secrets, interval: 180 };
        for who in 0..2 {
            scene.enrol(who);
        }
        scene
    }

    fn enrol(&mut self, who: usize) {
        let Scene { lab, proxy, connector, .. } = self;
        let lab: &Lab = lab;
        let state = lab.folder.path().join(format!("agent-{who}"));
        let honest = (who, Attack::Nothing);
        let through = |request: &Outbound| carry(lab, proxy, connector, honest, request).expect("answered");
        let (desk, file) = lab.enrol(&state, through);
        self.secrets.insert(file.code.0, "one-time code");
        let source = Source::new(u64::try_from(who).expect("small") + 700);
        self.agents.push(Agent { desk, source, records: 0, keys: Vec::new(), alerts: 0 });
    }

    /// What agent `who` has to say, if anything. Each epoch's keys are noted, to be searched for.
    fn offered(&mut self, who: usize) -> Option<Box<Outbound>> {
        let desk = &mut self.agents[who].desk;
        let request = self.lab.next(desk);
        self.secrets.extend(desk.identity().secrets().into_iter().map(|(name, key)| (key, name)));
        request
    }

    /// What agent `who` says next; it is given something to say when it is idle.
    fn request(&mut self, who: usize) -> Box<Outbound> {
        loop {
            if let Some(request) = self.offered(who) {
                return request;
            }
            self.work(who);
        }
    }

    fn work(&mut self, who: usize) {
        let agent = &mut self.agents[who];
        match self.rng.between(0, 19) {
            0 => agent.desk.rotate().expect("a key"),
            1..=3 => agent.desk.ask_beat(beat()),
            4 => {
                agent.alerts += 1;
                agent.desk.alert(alert(&agent.source, agent.alerts, self.lab.clock.now())).expect("queued");
            }
            5 => {
                self.interval = u32::try_from(self.rng.between(40, 400)).expect("small");
                setup::interval(&self.lab.portal, &self.lab.reseller, self.interval).expect("asked for");
                agent.desk.ask_beat(beat());
            }
            _ => {
                let name = format!("{PLANTED} {}", agent.keys.len());
                let keys = self.lab.append(&mut agent.desk, &mut agent.source, 2, Some(&name));
                agent.records += 1 + u64::try_from(keys.len()).expect("small");
                agent.keys.extend(keys);
            }
        }
    }

    /// One exchange of one agent, and what must hold whatever the proxy did.
    pub(super) fn round(&mut self, who: usize, attack: Attack) {
        let request = self.request(who);
        let before = self.agents[who].held();
        let Scene { lab, proxy, connector, .. } = self;
        let answer = carry(lab, proxy, connector, (who, attack), &request);
        let agent = &mut self.agents[who];
        let outcome = match &answer {
            Some(answer) => Some(agent.desk.answered(&request, answer).expect("an outcome")),
            None => {
                agent.desk.failed(&request).expect("kept");
                None
            }
        };
        if !matches!(attack, Attack::Nothing | Attack::Twice) {
            assert!(
                matches!(outcome, None | Some(Outcome::Unproved)),
                "{attack:?} of {request:?} was believed: {outcome:?}"
            );
            assert_eq!(before, agent.held(), "{attack:?} of {request:?} changed something");
        }
        self.compare(attack);
    }

    /// What either desk let go, the portal keeps.
    fn compare(&mut self, attack: Attack) {
        for agent in &self.agents {
            let id = agent.desk.identity().agent().to_owned();
            let chain = |column: &str| format!("select {column} from agent_chain where agent_id = '{id}'");
            let kept = self.lab.probe.int(&chain("next_record")) - 1;
            let next = self.lab.probe.int(&chain("next_sequence"));
            let (mut packed, mut acknowledged) = (0, None);
            for sent in agent.desk.sent(2).expect("read") {
                match sent.acknowledged_at {
                    None => {
                        let package: Package<'_> = serde_json::from_str(&sent.json).expect("a package");
                        packed += u64::try_from(package.records.len()).expect("small");
                    }
                    Some(_) => acknowledged = acknowledged.or(Some(sent)),
                }
            }
            let waiting = agent.desk.unsent().expect("read").records + packed;
            let released = agent.records.checked_sub(waiting).expect("no record came from nowhere");
            let kept = u64::try_from(kept).expect("not negative");
            assert!(released <= kept, "{attack:?}: {released} records left the spool, and the portal has {kept}");
            assert!(kept <= released + packed, "{attack:?}: the portal has {kept} records, more than were sent");
            if let Some(sent) = acknowledged {
                let sequence = i64::try_from(sent.sequence).expect("small");
                assert!(sequence < next, "{attack:?}: package {sequence} was let go, and the portal waits for {next}");
                assert_eq!(self.lab.probe.package(&id, sequence), sent.json, "{attack:?}: another package is kept");
            }
        }
    }

    /// Lets everything through until nothing waits.
    pub(super) fn settle(&mut self) {
        for who in 0..self.agents.len() {
            self.agents[who].desk.ask_beat(beat());
            while let Some(request) = self.offered(who) {
                let Scene { lab, proxy, connector, .. } = self;
                let answer = carry(lab, proxy, connector, (who, Attack::Nothing), &request).expect("answered");
                self.agents[who].desk.answered(&request, &answer).expect("an outcome");
            }
            let held = self.agents[who].held();
            assert_eq!((held.records, held.packages, held.jobs), (0, 0, 0));
            assert_eq!(held.settings.interval_minutes, self.interval, "the portal's own settings arrived");
        }
        self.compare(Attack::Nothing);
    }

    /// The portal has exactly the jobs that were put in, each once, and trusts both agents.
    pub(super) fn arrived(&mut self) {
        let mut expected: Vec<String> = self.agents.iter().flat_map(|agent| agent.keys.clone()).collect();
        let mut found = self.lab.probe.texts("select job_key from job");
        expected.sort();
        found.sort();
        assert!(expected == found, "{} jobs were put in and {} are there", expected.len(), found.len());
        let alerts: i64 = self.agents.iter().map(|agent| agent.alerts).sum();
        for (sql, count) in [
            ("select count(*) from package_fork", 0),
            ("select count(*) from job_superseded", 0),
            ("select count(*) from agent where state = 'active'", 2),
            ("select count(*) from printer_alert", alerts),
        ] {
            assert_eq!(self.lab.probe.int(sql), count, "{sql}");
        }
        println!("{} jobs and {alerts} alerts arrived once each", found.len());
    }

    /// What the proxy saw holds no name and no key in any usual form.
    pub(super) fn search(&self) {
        let mut texts = vec![needles::text("a planted name", PLANTED)];
        for (key, name) in &self.secrets {
            texts.extend(needles::key(name, key));
        }
        for agent in &self.agents {
            let serial = agent.source.report.configuration.serial_number.as_deref().expect("a serial number");
            texts.push(needles::text("a serial number", serial));
        }
        let (needles, transcript) = (Needles::new(texts), &self.proxy.transcript);
        println!("{} bytes seen, {} keys searched for", transcript.len(), self.secrets.len());
        needles.none_in("what the proxy saw", transcript);
        // The search can fail: it finds what does stand there, and every form of a key in the middle of noise.
        let agent = self.agents[0].desk.identity().agent();
        let known = Needles::new([needles::text("the marker", MARKER), needles::text("an agent", agent)]);
        let found = known.found(transcript);
        assert!(found.contains_key("the marker") && found.contains_key("an agent"), "{found:?}");
        let (key, _) = self.secrets.first_key_value().expect("there are keys");
        for form in needles::forms(key) {
            let noise = [b"noise ".as_slice(), &form, b" noise"].concat();
            assert_eq!(needles.found(&noise).values().sum::<usize>(), 1, "{form:?} is not found");
        }
    }
}

/// An alert that was never there before.
fn alert(source: &Source, number: i64, now: Instant) -> AlertNotice {
    let printer = PrinterIdentity::of(&source.report.configuration).expect("it names itself");
    let alert = Alert {
        code: format!("/PLOTTER/JAM_{number}"),
        severity: Severity::Severe,
        part: None,
        text: None,
        since: Some(Instant(now.0 - number)),
        cleared_at: None,
    };
    AlertNotice { printer, read_at: now, alert }
}

/// Carries a request through the proxy; `None` when no answer came.
fn carry(
    lab: &Lab,
    proxy: &mut Proxy,
    connector: &TlsConnector,
    (who, attack): (usize, Attack),
    request: &Outbound,
) -> Option<Inbound> {
    let bytes = Post::of(request).bytes(&request.authority);
    let agent = async {
        let socket = TcpStream::connect(&request.authority).await.expect("the proxy listens");
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let mut stream = connector.connect(name, socket).await.expect("trusted");
        exchange(&mut stream, &bytes).await
    };
    let (answer, ()) = lab.runtime.block_on(async { tokio::join!(agent, proxy.serve(who, attack)) });
    answer
}

/// The agents' end of TLS: they trust this certificate.
fn connector(certificate: &str) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")).expect("an authority");
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
