//! A portal that is down for weeks: 20 printers with 100 jobs a day each are read every three hours, and
//! nothing is lost, nothing changes its order, and what waits is sent within the rate of catching up.
//!
//! Six days by default; the thirty days that are promised:
//!
//! ```text
//! PLOTMETER_FULL=1 cargo test --release -p plotmeter outage -- --nocapture --test-threads=1
//! ```
//!
//! Every request is tried and fails while the portal is down. The desk dies now and then, as by a power cut: its
//! files as they are at that moment are what the next one opens. Peak memory is the whole process's, with
//! the portal in it. Deliberately absent: TLS, which `traffic` has.

use crate::lab::{Lab, Post, Source, beat, bytes_said, exchange, hours};
use agent::budget::{CATCH_UP, cost};
use agent::{Desk, Inbound, Outbound, Turn};
use protocol::package::{Core, Package};
use report::sample::Rng;
use report::{Duration, Instant};
use std::path::{Path, PathBuf};
use tokio::net::TcpStream;

const PRINTERS: u64 = 20;
/// Jobs of a printer in the eight readings of a day: 100.
const JOBS: [i64; 8] = [12, 13, 12, 13, 12, 13, 12, 13];
const AUTHORITY: &str = "127.0.0.1:8443";
/// What is older than this is caught up with.
const OLD: Duration = Duration::hours(6);

/// The desk, and what it was given.
struct Site {
    lab: Lab,
    address: String,
    desk: Option<Desk>,
    state: PathBuf,
    /// The keys of all jobs, in their order.
    keys: Vec<String>,
    crashes: u32,
}

impl Site {
    fn new(seed: u64) -> Site {
        let lab = Lab::sqlite(AUTHORITY, None, seed);
        let address = lab.serve_plain();
        let state = lab.folder.path().join("state-0");
        let (desk, _) = lab.enrol(&state, |request| carry(&lab, &address, request));
        let mut site = Site { lab, address, desk: Some(desk), state, keys: Vec::new(), crashes: 0 };
        let confirm = site.next().expect("a confirmation");
        site.deliver(&confirm);
        site
    }

    fn desk(&mut self) -> &mut Desk {
        self.desk.as_mut().expect("it works")
    }

    fn next(&mut self) -> Option<Box<Outbound>> {
        self.lab.next(self.desk.as_mut().expect("it works"))
    }

    /// Brings a request to the portal and its answer back; gives what the exchange cost.
    fn deliver(&mut self, request: &Outbound) -> u64 {
        let answer = carry(&self.lab, &self.address, request);
        self.desk().answered(request, &answer).expect("an outcome");
        cost(bytes_said(request, &answer))
    }

    /// A reading of every printer; the portal is not there.
    fn step(&mut self, printers: &mut [Source], jobs: i64) {
        let desk = self.desk.as_mut().expect("it works");
        for printer in printers {
            self.keys.extend(self.lab.append(desk, printer, jobs, None));
        }
        desk.ask_beat(beat());
        if let Turn::Send(request) = desk.turn().expect("a turn") {
            desk.failed(&request).expect("kept");
        }
    }

    /// The power goes: what is in the files now is all there is.
    fn crash(&mut self) {
        self.crashes += 1;
        let next = self.lab.folder.path().join(format!("state-{}", self.crashes));
        std::fs::create_dir(&next).expect("a folder");
        for name in ["agent.json", "spool.sqlite", "spool.sqlite-wal"] {
            std::fs::copy(self.state.join(name), next.join(name)).expect("copied");
        }
        // Only now does the old one close in good order: the copy knows nothing of it.
        self.desk = None;
        self.desk = Some(self.lab.desk(&next));
        std::fs::remove_dir_all(&self.state).expect("removed");
        self.state = next;
    }

    fn oldest(&self) -> Option<Instant> {
        self.desk.as_ref().expect("it works").unsent().expect("read").oldest
    }

    fn is_behind(&self) -> bool {
        self.oldest().is_some_and(|oldest| self.lab.clock.now().since(oldest) > OLD)
    }

    fn agent(&self) -> String {
        self.desk.as_ref().expect("it works").identity().agent().to_owned()
    }
}

fn carry(lab: &Lab, address: &str, request: &Outbound) -> Inbound {
    let work = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        exchange(&mut stream, &Post::of(request).bytes(AUTHORITY)).await
    };
    lab.runtime.block_on(work).expect("answered")
}

/// What a folder's spool takes on disk.
fn disk(state: &Path) -> u64 {
    let length = |name: &str| std::fs::metadata(state.join(name)).map_or(0, |file| file.len());
    length("spool.sqlite") + length("spool.sqlite-wal")
}

/// The most memory that this process ever had, as Linux says it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "not known here".to_owned(), |peak| peak.trim().to_owned())
}

fn days() -> usize {
    if std::env::var_os("PLOTMETER_FULL").is_some() { 30 } else { 6 }
}

fn story(seed: u64, crashes: bool) {
    let mut site = Site::new(seed);
    let mut printers: Vec<Source> = (1..=PRINTERS).map(Source::new).collect();
    let mut rng = Rng::new(seed);
    println!("seed {seed}; spool before: {} bytes", disk(&site.state));
    for _ in 0..days() {
        for jobs in JOBS {
            site.lab.clock.forward(Duration::hours(3));
            site.step(&mut printers, jobs);
            if crashes && rng.chance(100_000) {
                site.crash();
            }
        }
    }
    let unsent = site.desk().unsent().expect("read");
    println!(
        "{} days without a portal: {} jobs wait in {} records and {} packages, after {} crashes; spool: {} bytes",
        days(),
        unsent.jobs,
        unsent.records,
        unsent.packages,
        site.crashes,
        disk(&site.state)
    );
    assert_eq!(unsent.jobs, u64::try_from(site.keys.len()).expect("small"), "nothing is lost");
    assert_eq!(unsent.folded, 0, "nothing had to give way");
    drain(&mut site);
    println!("spool after: {} bytes; peak memory: {}", disk(&site.state), peak_memory());
    arrived(&mut site);
}

/// The portal is back, and nothing new is printed meanwhile.
fn drain(site: &mut Site) {
    let start = site.lab.clock.now();
    let (mut spent, mut caught_up, mut spent_behind) = (0, None, 0);
    while let Some(request) = site.next() {
        spent += site.deliver(&request);
        if caught_up.is_none() && !site.is_behind() {
            (caught_up, spent_behind) = (Some(site.lab.clock.now()), spent);
        }
    }
    let (caught_up, end) = (caught_up.expect("something waited"), site.lab.clock.now());
    let (behind, all) = (caught_up.since(start), end.since(start));
    println!("caught up in {} with {spent_behind} bytes, all sent in {} with {spent}", hours(behind), hours(all));
    let windows = i64::try_from(spent_behind.div_ceil(CATCH_UP)).expect("small");
    assert!(behind <= Duration::minutes(30 * windows + 30), "{} for {spent_behind} bytes", hours(behind));
    // What is younger goes at the ordinary rate, and at the faster one as soon as it is old itself.
    assert!(all <= Duration(behind.0 + Duration::hours(7).0), "the rest took until {}", hours(all));
    let unsent = site.desk().unsent().expect("read");
    assert_eq!((unsent.records, unsent.packages), (0, 0));
}

/// What the portal has: every job once, in the order in which it was kept.
fn arrived(site: &mut Site) {
    let agent = site.agent();
    let probe = &mut site.lab.probe;
    let packages = probe.int(&format!("select count(*) from package where agent_id = '{agent}'"));
    let (mut next, mut keys) = (1, Vec::with_capacity(site.keys.len()));
    for sequence in 1..=packages {
        let json = probe.package(&agent, sequence);
        let package: Package<'_> = serde_json::from_str(&json).expect("a package");
        assert_eq!(package.first, next, "record numbers rise by one");
        next += u64::try_from(package.records.len()).expect("small");
        for record in &package.records {
            if let Core::Job(job) = serde_json::from_str(record.core.get()).expect("a core") {
                keys.push(job.key().expect("a key"));
            }
        }
    }
    assert_eq!(keys.len(), site.keys.len());
    assert!(keys == site.keys, "the order of the jobs changed");
    let jobs = probe.int("select count(*) from job");
    assert_eq!(usize::try_from(jobs).expect("small"), keys.len(), "each job counts once");
    assert_eq!(probe.int("select count(*) from job_superseded"), 0);
    assert_eq!(probe.int("select count(*) from package_fork"), 0);
    println!("{jobs} jobs in {packages} packages arrived, in their order");
}

#[test]
fn an_outage_of_weeks_loses_nothing_and_is_caught_up_with_in_order() {
    story(30, false);
}

#[test]
fn an_outage_with_power_cuts_loses_nothing_either() {
    story(31, true);
}
