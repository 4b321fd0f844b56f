//! Both agents as a whole, against printers and a portal on loopback: who is read, what is kept, what is
//! said, and what is never touched.

use crate::hostile::{Documents, Printer, identity};
use crate::portal::Portal;
use agent::{Check, Collector, Config, Direct, DirectConfig, Verdict};
use protocol::message::Said;
use protocol::receipt::{Participation, Settings};
use report::sample::Rng;
use report::{Instant, Surroundings};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// 2026-11-01T12:00:00Z.
const NOW: i64 = 1_793_534_400_000;
const MODEL: &str = "HP DesignJet T930 36in";
static SEEDS: AtomicU64 = AtomicU64::new(1);

/// A portal, printers, and an enrolled state folder.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) portal: Portal,
    printers: Vec<Printer>,
    clock: Arc<AtomicI64>,
}

/// A site whose printers have these serial numbers and take part.
pub(crate) async fn site(serials: &[&str]) -> Site {
    let documents = serials.iter().map(|serial| identity(MODEL, serial)).collect();
    let participants = serials.iter().map(|serial| (*serial).to_owned()).collect();
    site_of(documents, Participation::Listed(participants)).await
}

async fn site_of(documents: Vec<Documents>, participation: Participation) -> Site {
    let mut printers = Vec::new();
    for documents in documents {
        printers.push(Printer::good(documents).await);
    }
    let portal = Portal::start(Settings { version: 1, participation, ..Settings::default() }).await;
    let folder = tempfile::tempdir().expect("a folder");
    let site = Site { folder, portal, printers, clock: Arc::new(AtomicI64::new(NOW)) };
    site.enrol(&site.config("")).await;
    site
}

impl Site {
    pub(crate) fn surroundings(&self) -> Surroundings {
        let clock = self.clock.clone();
        let rng = Mutex::new(Rng::new(SEEDS.fetch_add(1, Ordering::Relaxed)));
        let entropy = move |bytes: &mut [u8]| {
            let mut rng = rng.lock().expect("not poisoned");
            bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&rng.next_u64().to_le_bytes()[..chunk.len()]));
        };
        Surroundings { clock: Arc::new(move || Instant(clock.load(Ordering::Relaxed))), entropy: Arc::new(entropy) }
    }

    /// The collector's file with the site's printers; `more` begins with a table.
    pub(crate) fn config(&self, more: &str) -> Config {
        self.config_with("", more)
    }

    fn config_with(&self, top: &str, more: &str) -> Config {
        let state = self.state();
        let mut text = format!("state = {state:?}\npause_ms = 0\n{top}");
        for printer in &self.printers {
            text.push_str(&format!("[[printer]]\naddress = \"{}\"\n", printer.address));
        }
        Config::parse(&format!("{text}{more}")).expect("valid")
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    fn collector(&self, more: &str) -> Collector {
        Collector::open(self.config(more), self.surroundings()).expect("opens")
    }

    async fn enrol(&self, config: &impl agent::Enrolling) {
        let file = self.folder.path().join("enrol.plotmeter");
        std::fs::write(&file, serde_json::to_vec(&self.portal.file()).expect("json")).expect("written");
        let pending = agent::begin(&file, config, "pc-7", &self.surroundings()).await.expect("shakes hands");
        assert_eq!(pending.account(), ("Nordplan", "Kessler"));
        assert!(pending.policy().contains(&("user-name".to_owned(), "drop".to_owned())));
        let settings = pending.confirm().await.expect("confirmed");
        assert_eq!(settings.version, 1);
    }

    /// The JSON of all packages that the portal keeps.
    fn wire(&self) -> String {
        self.portal.state().packages.concat()
    }

    fn later(&self, hours: i64) {
        self.clock.fetch_add(hours * 3_600_000, Ordering::Relaxed);
    }
}

/// A printer's documents with one finished job that bears names, and one severe alert.
fn busy(serial: &str) -> Documents {
    let mut documents = identity(MODEL, serial);
    let queue = "/LFPWebServices/PI/JQ/JobQueue/5805be78";
    let mut serve = |path: &str, text: String| documents.insert(path.to_owned(), text);
    serve("/JobQueueCollection", format!(r#"{{"JobQueueCollection":{{"Queue":[{{"URI":"{queue}"}}]}}}}"#));
    let settings = r#"{"JobUUID":"0a1b2c3d-0000-4000-8000-000000000001","JobName":"zz-canary-name",
        "UserName":"zz-canary-user","Account":"zz-canary-account","ProjectID":"zz-canary-project",
        "UserDefined":"zz-canary-field","ApplicationName":"zz-canary-app"}"#;
    let accounting = r#"{"CompletionTimestamp":"2026-11-01T10:00:30Z","SubmissionTimestamp":"2026-11-01T09:58:00Z"}"#;
    let status = r#"{"JobStatus":"Completed","CompletionStatus":"OK"}"#;
    let job = format!(r#"{{"Settings":{settings},"Status":{status},"Accounting":{accounting}}}"#);
    serve("/jobs/all", format!(r#"{{"JobQueueSnapshot":{{"Jobs":{{"Job":[{{"Job2DPrint":{job}}}]}}}}}}"#));
    let alert = r#"{"Name":"Jam","FullName":"/IDS/PAPER/JAM","Severity":"Error","Area":"paper path"}"#;
    serve("/ActiveAlerts", format!(r#"{{"ActiveAlerts":{{"List":{{"Alert":[{alert}]}}}}}}"#));
    documents
}

/// The files of a folder with their content; without SQLite's index of its log, which holds no data.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.filter(|path| path.is_file() && !path.display().to_string().ends_with("-shm"));
    files.map(|path| (path.display().to_string(), std::fs::read(&path).expect("a file"))).collect()
}

fn holds(folder: &Path, text: &str) -> bool {
    let text = text.as_bytes();
    contents(folder).values().any(|bytes| bytes.windows(text.len()).any(|window| window == text))
}

#[tokio::test]
async fn only_printers_that_take_part_are_asked_more_than_who_they_are() {
    let documents = vec![identity(MODEL, "CN1"), busy("CN2")];
    let site = site_of(documents, Participation::Listed(["CN1".to_owned()].into())).await;
    let round = site.collector("").once().await.expect("a round");
    assert_eq!((round.read, round.seen, round.failed, round.unsupported), (1, 1, 0, 0));
    assert!(site.printers[0].requests() > 5);
    assert_eq!(site.printers[1].requests(), 1, "the identification and nothing else");
    let wire = site.wire();
    assert!(wire.contains("\"seen\":{\"printer\":{\"serial\":\"CN2\"") && wire.contains("CN1"), "{wire}");
    assert!(!wire.contains("0a1b2c3d"), "no job of the printer that takes no part");
    assert!(site.printers.iter().all(|printer| printer.methods().iter().all(|method| method == "GET")));
}

#[tokio::test]
async fn a_printer_that_is_marked_is_read_in_the_same_round_and_one_that_is_unmarked_stops() {
    let documents = vec![identity(MODEL, "CN1"), busy("CN2")];
    let site = site_of(documents, Participation::Listed(["CN1".to_owned()].into())).await;
    let collector = site.collector("");
    collector.once().await.expect("a round");
    let mark = |version, serials: &[&str]| {
        let serials = serials.iter().map(|serial| (*serial).to_owned()).collect();
        let participation = Participation::Listed(serials);
        site.portal.state().settings = Settings { version, participation, ..Settings::default() };
    };
    mark(2, &["CN1", "CN2"]);
    site.later(3);
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.seen, round.jobs), (2, 1, 1));
    assert!(site.wire().contains("0a1b2c3d"));
    mark(3, &["CN1"]);
    site.later(3);
    collector.once().await.expect("the contact that brings the change");
    let asked = site.printers[1].requests();
    site.later(3);
    collector.once().await.expect("a round");
    assert_eq!(site.printers[1].requests(), asked + 1, "only who it is, from the next contact on");
}

#[tokio::test]
async fn an_unsupported_host_leaves_no_trace() {
    let documents = vec![identity(MODEL, "CN1"), identity("zz-canary Office 9", "ZZCANARYSERIAL")];
    let site = site_of(documents, Participation::All).await;
    let collector = site.collector("");
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.seen, round.unsupported), (1, 0, 1));
    assert_eq!(site.printers[1].requests(), 1);
    for canary in ["zz-canary", "ZZCANARYSERIAL"] {
        assert!(!holds(&site.state(), canary) && !site.wire().contains(canary), "{canary}");
    }
    let said = format!("{:?}", site.portal.state().said);
    assert!(!said.contains("ZZCANARY") && !said.contains("127.0.0.1:"), "{said}");
    drop(collector);
    let also = site.config_with("also_supported = [\"Office 9\"]\n", "");
    let round = Collector::open(also, site.surroundings()).expect("opens").once().await.expect("a round");
    assert_eq!(round.read, 2);
}

#[tokio::test]
async fn names_are_dropped_before_anything_is_written() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    let round = site.collector("").once().await.expect("a round");
    assert_eq!((round.read, round.jobs), (1, 1));
    assert!(site.wire().contains("0a1b2c3d"), "the job itself is there");
    assert!(!site.wire().contains("zz-canary") && !holds(&site.state(), "zz-canary"));
    let (cut, exact) = (1_793_527_200_000_i64.to_string(), 1_793_527_230_000_i64.to_string());
    assert!(site.wire().contains(&cut) && !site.wire().contains(&exact), "times are cut to the minute");
}

#[tokio::test]
async fn names_that_are_kept_are_found_so_that_the_search_can_fail() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    site.collector("[privacy]\nuser-name = \"keep\"\n").once().await.expect("a round");
    assert!(site.wire().contains("zz-canary-user") && holds(&site.state(), "zz-canary-user"));
    assert!(!site.wire().contains("zz-canary-name"));
}

#[tokio::test]
async fn a_pseudonym_needs_a_key_that_never_leaves() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    site.collector("[privacy]\nuser-name = \"pseudonym\"\n").once().await.expect("a round");
    let key = agent::privacy::key(&site.state()).expect("read").expect("made");
    let pseudonym = agent::privacy::pseudonym(&key, agent::privacy::Field::UserName, "ZZ-canary-USER");
    assert!(site.wire().contains(&pseudonym) && !site.wire().contains("zz-canary"));
    assert!(!site.wire().contains(&protocol::Hex(key).to_string()));
}

#[tokio::test]
async fn the_portal_can_ask_for_more_to_be_dropped_and_never_for_less() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    let collector = site.collector("[privacy]\nuser-name = \"keep\"\n");
    let participation = Participation::All;
    site.portal.state().settings = Settings { version: 2, participation, drop_personal: true, ..Settings::default() };
    collector.once().await.expect("the beat of this round brings the wish");
    assert!(!site.wire().contains("zz-canary"), "what waited was filtered before it was sent");
    let beats = said(&site, |said| matches!(said, Said::Beat(beat) if beat.privacy["user-name"] == "keep"));
    assert!(beats >= 1);
    site.later(3);
    collector.once().await.expect("a round");
    let beats = said(&site, |said| matches!(said, Said::Beat(beat) if beat.privacy["user-name"] == "drop"));
    assert!(beats >= 1, "the portal sees what is in force");
}

fn said(site: &Site, wanted: impl Fn(&Said) -> bool) -> usize {
    site.portal.state().said.iter().filter(|said| wanted(said)).count()
}

#[tokio::test]
async fn preview_shows_what_would_be_sent_and_writes_nothing() {
    let documents = vec![busy("CN1"), identity(MODEL, "CN2")];
    let site = site_of(documents, Participation::Listed(["CN1".to_owned()].into())).await;
    let collector = site.collector("");
    let before = contents(site.folder.path());
    let requests = site.portal.state().requests;
    let previews = collector.preview().await.expect("asked");
    assert_eq!(contents(site.folder.path()), before);
    assert_eq!(site.portal.state().requests, requests);
    assert_eq!(previews.len(), 2);
    assert_eq!((previews[0].printer.as_deref(), previews[0].records.len()), (Some("CN1"), 2));
    assert_eq!((previews[1].printer.as_deref(), previews[1].records.len()), (Some("CN2"), 1));
    assert!(previews[0].annexes.iter().all(Option::is_none));
    collector.once().await.expect("a round");
    let job = previews[0].records.iter().find(|core| core.contains("0a1b2c3d")).expect("a job");
    let uuid_on = job.find("\"uuid\"").expect("a job");
    assert!(site.wire().contains(&job[uuid_on..uuid_on + 60]));
    let sent = collector.show_sent(10).expect("kept");
    let sent: Vec<&str> = sent.iter().map(|sent| sent.json.as_str()).collect();
    assert_eq!(sent, site.portal.state().packages);
}

#[tokio::test]
async fn a_paused_collector_reads_and_sends_nothing_and_says_so() {
    let site = site(&["CN1"]).await;
    let collector = site.collector("");
    collector.pause(true).expect("paused");
    assert!(collector.status().expect("read").paused);
    assert_eq!(collector.once().await.expect("a round"), agent::Round::default());
    assert_eq!((site.printers[0].requests(), site.portal.state().packages.len()), (0, 0));
    assert_eq!(said(&site, |said| matches!(said, Said::Beat(beat) if beat.paused)), 1);
    collector.pause(false).expect("goes on");
    assert_eq!(collector.once().await.expect("a round").read, 1);
}

#[tokio::test]
async fn another_certificate_is_refused_until_somebody_here_trusts_it() {
    let mut site = site(&["CN1"]).await;
    let collector = site.collector("");
    assert_eq!(collector.once().await.expect("a round").read, 1);
    let printer = site.printers.remove(0).replaced(busy("CN1")).await;
    let address = printer.address.clone();
    site.printers.push(printer);
    site.later(3);
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.failed, round.jobs), (0, 1, 0));
    assert_eq!(site.printers[0].requests(), 0, "nothing was asked over the other certificate");
    let status = collector.status().expect("read");
    assert!(status.printers[0].failure.as_deref().is_some_and(|why| why.contains("another certificate")));
    let troubles = said(&site, |said| {
        matches!(said, Said::Beat(beat) if beat.troubles.iter().any(|trouble| {
            trouble.printer.as_deref() == Some("CN1") && trouble.what.contains("another certificate")
        }))
    });
    assert_eq!(troubles, 1);
    assert!(!format!("{:?}", site.portal.state().said).contains(&address), "no address of the network is said");
    assert!(collector.trust(&address).expect("forgotten"));
    site.later(3);
    assert_eq!(collector.once().await.expect("a round").read, 1);
}

/// Ports that count who calls, on addresses of this machine other than the printers'.
async fn canaries(port: u16) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    for last in 2..=5 {
        // Where a system has no such addresses, there is nobody to call either.
        let Ok(listener) = TcpListener::bind(("127.0.0.".to_owned() + &last.to_string(), port)).await else { continue };
        let count = count.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    count
}

#[tokio::test]
async fn no_setting_of_the_portal_reaches_an_address_outside_the_envelope() {
    let site = site(&["CN1"]).await;
    let port = site.printers[0].address.rsplit_once(':').expect("a port").1.parse().expect("a port");
    let called = canaries(port).await;
    let ranges = [
        "0.0.0.0/0",
        "127.0.0.0/24",
        "127.0.0.2",
        "127.0.0.2-127.0.0.5",
        "::ffff:127.0.0.3",
        "::ffff:7f00:4/128",
        "::1",
        "0x7f000002",
        "2130706434",
        "0177.0.0.2",
        "127.1",
        "localhost",
    ];
    let ranges: Vec<String> = ranges.iter().map(|range| (*range).to_owned()).collect();
    // Even a file that names the machine's own network lets no range of the portal into it.
    let collector = site.collector(&format!("[allow]\nnetworks = [\"127.0.0.0/8\"]\nports = [{port}]\n"));
    for version in 2..5 {
        let (ranges, participation) = (ranges.clone(), Participation::All);
        site.portal.state().settings = Settings { version, ranges, participation, ..Settings::default() };
        site.later(25);
        assert_eq!(collector.once().await.expect("a round").read, 1, "the listed printer is read");
        collector.approve().expect("whatever can be approved");
    }
    assert_eq!(called.load(Ordering::Relaxed), 0);
    let consents = collector.consents().expect("read");
    assert_eq!(consents.len(), ranges.len(), "{consents:?}");
    assert!(said(&site, |said| matches!(said, Said::Beat(beat) if beat.consents.len() == ranges.len())) >= 1);
}

/// An address of this machine that is not its loopback; asking for it sends nothing.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[tokio::test]
async fn a_printer_in_a_range_is_asked_once_a_day_until_it_takes_part() {
    let Some(address) = own_address() else {
        println!("skipped: this machine has no address but its loopback");
        return;
    };
    let site = site(&["CN1"]).await;
    let found = Printer::at(address, busy("CN2")).await;
    let host = Printer::at(address, identity("Office 9", "ZZ1")).await;
    let port = |printer: &Printer| printer.address.rsplit_once(':').expect("a port").1.to_owned();
    let (top, ports) = (format!("ranges = [\"{address}\"]\n"), format!("[{}, {}]", port(&found), port(&host)));
    let config = site.config_with(&top, &format!("[allow]\nports = {ports}\n"));
    let collector = Collector::open(config, site.surroundings()).expect("opens");
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.seen, round.unsupported), (1, 1, 1));
    site.later(3);
    collector.once().await.expect("a round");
    assert_eq!((found.requests(), host.requests()), (1, 1), "not asked twice on one day");
    site.later(25);
    collector.once().await.expect("a round");
    assert_eq!((found.requests(), host.requests()), (2, 2));
    let settings = Settings { version: 2, participation: Participation::All, ..Settings::default() };
    site.portal.state().settings = settings;
    site.later(3);
    let round = collector.once().await.expect("a round");
    assert_eq!((round.read, round.jobs), (2, 1), "read as soon as it takes part");
    site.later(3);
    assert_eq!(collector.once().await.expect("a round").read, 2, "and with every round from then on");
    assert_eq!(host.requests(), 2);
}

#[tokio::test]
async fn a_portal_whose_name_is_not_found_means_later() {
    let site = site(&["CN1"]).await;
    let mut file = site.portal.file();
    file.portal = "https://portal.invalid".to_owned();
    let path = site.folder.path().join("elsewhere.plotmeter");
    std::fs::write(&path, serde_json::to_vec(&file).expect("json")).expect("written");
    let mut config = site.config("");
    config.state = site.folder.path().join("elsewhere");
    let begun = agent::begin(&path, &config, "pc-7", &site.surroundings()).await;
    assert!(matches!(begun, Err(agent::EnrolmentError::Uplink(_))));
    assert!(!config.state.exists(), "nothing was kept");
}

#[tokio::test]
async fn leaving_tells_the_portal_and_deletes_keys_and_spool() {
    let site = site(&["CN1"]).await;
    let collector = site.collector("");
    collector.once().await.expect("a round");
    let farewell = collector.leave().await.expect("left");
    assert_eq!(said(&site, |said| matches!(said, Said::Leave { .. })), 1);
    assert!(farewell.files.iter().any(|(name, ..)| name.contains("agent.json")));
    assert!(!site.state().join("agent.json").exists() && !site.state().join("spool.sqlite").exists());
    assert!(Collector::open(site.config(""), site.surroundings()).is_err());
}

#[tokio::test]
async fn a_new_evidence_key_is_introduced_to_the_portal() {
    let site = site(&["CN1"]).await;
    let collector = site.collector("");
    collector.rotate().await.expect("rotated");
    assert_eq!(said(&site, |said| matches!(said, Said::Rotation(_))), 1);
}

#[tokio::test]
async fn a_doctor_names_each_check_and_what_to_do() {
    let site = site(&["CN1"]).await;
    // The printers and the portal of this test listen in this very process.
    let failed = |check: &&Check| check.verdict == Verdict::Fail && check.name != "listening sockets";
    let checks = agent::doctor(&site.config(""), site.surroundings()).await;
    let found: Vec<_> = checks.iter().filter(failed).collect();
    assert!(found.is_empty(), "{found:?}");
    let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    for wanted in ["state folder", "enrolment", "proxy", "TLS to the portal", "clock", "portal", "listening sockets"] {
        assert!(names.contains(&wanted), "{wanted} is not in {names:?}");
    }
    assert!(checks.iter().any(|check| check.name.starts_with("printer ") && check.found.contains("takes part")));
    site.later(1);
    let checks = agent::doctor(&site.config("[[printer]]\naddress = \"127.0.0.1:1\"\n"), site.surroundings()).await;
    let found: Vec<_> = checks.iter().filter(failed).collect();
    assert_eq!(found.len(), 2, "the clock is an hour off and a printer is dead: {found:?}");
    assert!(found.iter().all(|check| check.action.as_ref().is_some_and(|action| !action.is_empty())));
    let mut config = site.config("");
    config.state = site.folder.path().join("absent");
    let checks = agent::doctor(&config, site.surroundings()).await;
    assert!(checks.iter().any(|check| check.name == "enrolment" && check.verdict == Verdict::Fail));
}

#[tokio::test]
async fn the_direct_agent_keeps_jobs_says_severe_alerts_at_once_and_sends_by_its_triggers() {
    let site = site_of(vec![busy("CN1")], Participation::All).await;
    let mut config = DirectConfig::new(site.folder.path().join("direct"), &site.printers[0].address).expect("valid");
    config.pause_ms = 0;
    site.enrol(&config).await;
    let direct = Direct::open(config.clone(), site.surroundings()).expect("opens");
    let round = direct.once().await.expect("a round");
    assert_eq!((round.read, round.jobs, round.failed), (1, 1, 0));
    assert!(round.sent > 0);
    let alerts = |site: &Site| {
        said(site, |said| matches!(said, Said::Alerts(notices) if notices[0].alert.code == "/IDS/PAPER/JAM"))
    };
    assert_eq!(alerts(&site), 1);
    let round = direct.once().await.expect("a round");
    assert_eq!((round.read, round.jobs), (1, 0), "the job is known");
    assert_eq!(alerts(&site), 1, "the alert went once");
    drop(direct);
    let stop = async {
        while !site.wire().contains("\"boot\"") {
            tokio::task::yield_now().await;
        }
    };
    let direct = Direct::open(config, site.surroundings()).expect("opens");
    direct.run(stop).await.expect("works");
    assert!(site.wire().contains("\"boot\":{"), "a start is reported");
    assert_eq!(alerts(&site), 1, "a start says only what was not said");
    assert_eq!(direct.status().expect("read").printers.len(), 1);
}
