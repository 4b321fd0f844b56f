//! A site for the tests of both agents: printers and a portal on loopback, and an enrolled state folder.

use crate::hostile::{Documents, Printer, identity};
use crate::portal::Portal;
use agent::{Collector, Config};
use protocol::message::Said;
use protocol::receipt::{Participation, Settings};
use report::sample::Rng;
use report::{Instant, Surroundings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// 2026-11-01T12:00:00Z.
pub(crate) const NOW: i64 = 1_793_534_400_000;
pub(crate) const MODEL: &str = "HP DesignJet T930 36in";
static SEEDS: AtomicU64 = AtomicU64::new(1);

/// A portal, printers, and an enrolled state folder.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) portal: Portal,
    pub(crate) printers: Vec<Printer>,
    clock: Arc<AtomicI64>,
}

/// A site whose printers have these serial numbers and take part.
pub(crate) async fn site(serials: &[&str]) -> Site {
    let documents = serials.iter().map(|serial| identity(MODEL, serial)).collect();
    let participants = serials.iter().map(|serial| (*serial).to_owned()).collect();
    site_of(documents, Participation::Listed(participants)).await
}

pub(crate) async fn site_of(documents: Vec<Documents>, participation: Participation) -> Site {
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

    pub(crate) fn config_with(&self, top: &str, more: &str) -> Config {
        let state = self.state();
        let mut text = format!("state = {state:?}\npause_ms = 0\n{top}");
        for printer in &self.printers {
            text.push_str(&format!("[[printer]]\naddress = \"{}\"\n", printer.address));
        }
        Config::parse(&format!("{text}{more}")).expect("valid")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn collector(&self, more: &str) -> Collector {
        Collector::open(self.config(more), self.surroundings()).expect("opens")
    }

    pub(crate) async fn enrol(&self, config: &impl agent::Enrolling) {
        let file = self.folder.path().join("enrol.plotmeter");
        std::fs::write(&file, serde_json::to_vec(&self.portal.file()).expect("json")).expect("written");
        let pending = agent::begin(&file, config, "pc-7", false, &self.surroundings()).await.expect("shakes hands");
        assert_eq!(pending.account(), ("Nordplan", "Kessler"));
        assert_eq!(pending.policy()["user-name"], "drop");
        let settings = pending.confirm().await.expect("confirmed");
        assert_eq!(settings.version, 1);
    }

    /// The JSON of all packages that the portal keeps.
    pub(crate) fn wire(&self) -> String {
        self.portal.state().packages().concat()
    }

    pub(crate) fn later(&self, hours: i64) {
        self.later_by_minutes(hours * 60);
    }

    pub(crate) fn later_by_minutes(&self, minutes: i64) {
        self.clock.fetch_add(minutes * 60_000, Ordering::Relaxed);
    }
}

/// A printer's documents with one finished job that bears names, and one severe alert.
pub(crate) fn busy(serial: &str) -> Documents {
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
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.filter(|path| path.is_file() && !path.display().to_string().ends_with("-shm"));
    files.map(|path| (path.display().to_string(), std::fs::read(&path).expect("a file"))).collect()
}

pub(crate) fn holds(folder: &Path, text: &str) -> bool {
    let text = text.as_bytes();
    contents(folder).values().any(|bytes| bytes.windows(text.len()).any(|window| window == text))
}

/// How much of what the portal was told is `wanted`.
pub(crate) fn said(site: &Site, wanted: impl Fn(&Said) -> bool) -> usize {
    site.portal.state().said.iter().filter(|said| wanted(said)).count()
}
