//! Both agents as their owners meet them: what the commands show, that nothing listens, that no name
//! stands anywhere under the default policy, and that leaving leaves nothing.
//!
//! The agents are processes on the machine's own clock; the printers print by a clock that the test moves.

use crate::needles::{self, Needles};
use crate::processes::{Said, enrol, of_agent, run, said, start_portal, write_enrolment};
use crate::world::{
    Device, Prepared, START, TestClock, collector_config, device, free_address, fresh_budget, jobs_csv, participation,
    planted, prepare, sqlite,
};
use report::Duration;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::process::Child;

/// A portal, printers, and an enrolled collector that does not run yet.
struct Site {
    folder: TempDir,
    prepared: Prepared,
    portal: Child,
    config: PathBuf,
    devices: Vec<Device>,
    clock: TestClock,
}

/// Runs `plotmeter collector …` on a configuration until it ends.
async fn collector(config: &Path, arguments: &[&str]) -> Said {
    run("collector", config, arguments).await
}

/// Sets a site up; `more` is added to the collector's file, `@FOLDER@` in it is the site's folder.
async fn site(printers: usize, more: &str) -> Site {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = TestClock::at(START);
    let mut devices = Vec::new();
    for number in 0..printers {
        devices.push(device(number, 300 + u64::try_from(number).expect("small"), &clock).await);
    }
    let prepared = prepare(folder.path(), &sqlite(folder.path()), &free_address()).await;
    let config = collector_config(folder.path(), "drop", &devices);
    let mut text = std::fs::read_to_string(&config).expect("the file");
    if more.contains("[privacy]") {
        text = text.replace("personal = \"drop\"\n", "");
    }
    let more = more.replace("@FOLDER@", &folder.path().display().to_string());
    std::fs::write(&config, format!("{text}\n{more}")).expect("written");
    let portal = start_portal(&prepared).await;
    let file = write_enrolment(folder.path(), "enrol.plotmeter", &prepared.file);
    let said = enrol("collector", &config, &file).await;
    assert!(said.success, "{}", said.err);
    assert!(said.out.contains("Kessler Architekten") && said.out.contains("Nordplan"), "{}", said.out);
    assert!(said.out.contains("user-name") && said.out.contains("timestamps"), "the policy is shown: {}", said.out);
    Site { folder, prepared, portal, config, devices, clock }
}

impl Site {
    fn state(&self) -> PathBuf {
        self.folder.path().join("collector")
    }

    /// One round, with a whole budget.
    async fn once(&self) -> Said {
        fresh_budget(&self.state());
        let said = collector(&self.config, &["once"]).await;
        assert!(said.success, "{}", said.err);
        said
    }

    /// The packages that the portal keeps, decompressed, by number.
    fn kept(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.folder.path().join("portal.sqlite")).expect("the database");
        let mut statement = db.prepare("select body from package order by sequence").expect("a query");
        let bodies = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("packages");
        let json = |body: Vec<u8>| protocol::package::decompress(&body).expect("ours");
        bodies.map(|body| String::from_utf8(json(body.expect("a body"))).expect("JSON")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_passes_what_works_and_says_what_to_do_about_the_rest() {
    let mut site = site(1, "").await;
    site.clock.forward(Duration::hours(24));
    site.once().await;
    let said = collector(&site.config, &["doctor"]).await;
    assert!(said.success && said.out.contains("nothing failed"), "{}{}", said.out, said.err);
    assert!(!said.out.contains("FAIL"), "{}", said.out);
    for checked in ["clock", "portal", "proxy", "TLS"] {
        assert!(said.out.to_lowercase().contains(&checked.to_lowercase()), "{checked}: {}", said.out);
    }
    site.portal.kill().await.expect("ended");
    let text = std::fs::read_to_string(&site.config).expect("the file");
    let dead = format!("{text}\n[[printer]]\naddress = \"{}\"\n", free_address());
    std::fs::write(&site.config, dead).expect("written");
    let said = collector(&site.config, &["doctor"]).await;
    assert!(!said.success, "{}", said.out);
    let failed = said.out.lines().filter(|line| line.starts_with("FAIL")).count();
    let actions = said.out.lines().filter(|line| line.trim_start().starts_with("do: ")).count();
    assert!(failed >= 2 && actions >= failed, "the portal and a printer: {}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_nothing_and_the_doctor_names_it() {
    let site = site(1, "[log]\nfile = \"@FOLDER@/gone/collector.log\"\n").await;
    site.clock.forward(Duration::hours(24));
    let said = site.once().await;
    assert!(said.err.contains("collector.log"), "{}", said.err);
    let said = collector(&site.config, &["doctor"]).await;
    let failed: Vec<&str> = said.out.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert!(!said.success && failed.len() == 1 && failed[0].contains("collector.log"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_enrolled_anew_only_where_that_is_asked_for() {
    let site = site(1, "").await;
    let used = write_enrolment(site.folder.path(), "used.plotmeter", &site.prepared.file);
    let fresh = write_enrolment(site.folder.path(), "fresh.plotmeter", &site.prepared.second);
    let before = collector(&site.config, &["status"]).await.out;
    for file in [&used, &fresh] {
        let said = enrol("collector", &site.config, file).await;
        let words = said.err.contains("enrolled already") && said.err.contains("--again");
        assert!(!said.success && words, "{}", said.err);
    }
    assert_eq!(collector(&site.config, &["status"]).await.out.lines().next(), before.lines().next());
    let other = site.folder.path().join("other.toml");
    let state = site.folder.path().join("other");
    std::fs::write(&other, format!("state = {state:?}\n")).expect("written");
    let said = collector(&other, &["enrol", "--confirm", "Keller Architekten", &fresh]).await;
    let named = said.err.contains("Kessler Architekten") && said.err.contains("Keller Architekten");
    assert!(!said.success && named && !state.join("agent.json").exists(), "{}", said.err);
    let again = ["enrol", "--again", "--confirm", "Kessler Architekten", &fresh];
    let said = collector(&site.config, &again).await;
    assert!(said.success && said.out.contains("reads every"), "{}{}", said.out, said.err);
    assert_ne!(collector(&site.config, &["status"]).await.out.lines().next(), before.lines().next());
}

#[tokio::test(flavor = "multi_thread")]
async fn once_says_what_was_not_read_or_not_sent_and_why() {
    let mut site = site(1, "").await;
    let once = async || {
        fresh_budget(&site.state());
        collector(&site.config, &["once"]).await
    };
    site.clock.forward(Duration::hours(24));
    assert!(collector(&site.config, &["pause"]).await.success);
    let said = once().await;
    assert!(said.success && said.out.contains("paused") && said.out.contains("0 printers read"), "{}", said.out);
    assert!(collector(&site.config, &["resume"]).await.success);
    let said = once().await;
    assert!(said.success && said.out.contains("1 printer read, 0 not read"), "{}{}", said.out, said.err);
    participation(site.folder.path(), "listed", "seen");
    // The round in which the collector hears of it, and the next one.
    once().await;
    let said = once().await;
    assert!(!said.success && said.err.contains("no printer was read"), "{}", said.err);
    assert!(said.out.contains(&format!("{}: ", site.devices[0].server.address())), "{}", said.out);
    assert!(said.out.contains("takes no part"), "{}", said.out);
    participation(site.folder.path(), "all", "participating");
    assert!(once().await.success);
    site.portal.kill().await.expect("ended");
    site.clock.forward(Duration::hours(24));
    fresh_budget(&site.state());
    let said = collector(&site.config, &["once"]).await;
    assert!(!said.success && said.out.contains("wait here and are sent later"), "{}{}", said.out, said.err);
    let status = collector(&site.config, &["status"]).await.out;
    assert!(status.contains("answered   last at 20") && status.contains("trouble "), "{status}");
}

/// The jobs among cores, without what differs from one reading to the next.
fn jobs<'a>(cores: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let job = |core: &str| {
        let core: Value = serde_json::from_str(core).expect("JSON");
        let mut job = core.get("job")?.clone();
        let fields = job.as_object_mut().expect("an object");
        fields.remove("read_at");
        fields.remove("seen");
        Some(job.to_string())
    };
    cores.filter_map(job).collect()
}

/// The cores of packages, byte for byte.
fn cores(packages: &[String]) -> Vec<String> {
    let mut cores = Vec::new();
    for json in packages {
        let package: protocol::package::Package<'_> = serde_json::from_str(json).expect("a package");
        cores.extend(package.records.iter().map(|record| record.core.get().to_owned()));
    }
    cores
}

#[tokio::test(flavor = "multi_thread")]
async fn preview_shows_what_would_be_sent_and_show_sent_what_the_portal_keeps() {
    let site = site(2, "").await;
    site.clock.forward(Duration::hours(24));
    let preview = collector(&site.config, &["preview", "--json"]).await;
    assert!(preview.success, "{}", preview.err);
    let mut promised = Vec::new();
    for line in preview.out.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let records = line["records"].as_array().expect("records");
        promised.extend(records.iter().map(|core| core.as_str().expect("text").to_owned()));
    }
    assert_eq!(site.kept(), Vec::<String>::new(), "a preview sends nothing");
    site.once().await;
    let sent = collector(&site.config, &["show-sent", "--last", "1000", "--json"]).await;
    assert!(sent.success, "{}", sent.err);
    let sent: Vec<String> = sent.out.lines().map(str::to_owned).collect();
    assert!(!sent.is_empty());
    assert_eq!(sent, site.kept(), "byte for byte");
    let (promised, sent) = (jobs(promised.iter().map(String::as_str)), jobs(cores(&sent).iter().map(String::as_str)));
    assert!(promised.len() > 20, "{} jobs", promised.len());
    assert_eq!(promised, sent);
    let for_people = collector(&site.config, &["show-sent", "--last", "1"]).await;
    assert!(for_people.out.contains("confirmed 20") && for_people.out.contains("  record   {"), "{}", for_people.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_stands_anywhere_under_the_default_policy() {
    // Ten thousand jobs take minutes: PLOTMETER_FULL=1 cargo test -p plotmeter no_name_stands
    let wanted = if std::env::var_os("PLOTMETER_FULL").is_some() { 10_000 } else { 1_000 };
    let site = site(3, "[log]\nfile = \"@FOLDER@/collector.log\"\n").await;
    let mut said = String::new();
    let mut printed = 0;
    while printed < wanted {
        site.clock.forward(Duration::hours(24));
        let round = run_logged(&site).await;
        said.push_str(&round);
        let truth = |device: &Device| device.printer.lock().expect("not poisoned").truth().len();
        printed = site.devices.iter().map(truth).sum();
    }
    println!("{printed} jobs were printed");
    let names = planted(&site.devices);
    assert!(names.len() > 20, "only {} names were planted", names.len());
    let names = Needles::new(names.iter().map(|name| needles::text(name, &alone(name))));
    let rows = jobs_csv(&site.prepared.pages).await;
    assert!(rows.len() >= wanted, "{} jobs arrived", rows.len());
    let mut places = vec![("standard error".to_owned(), said.into_bytes())];
    places.push(("the export".to_owned(), format!("{rows:?}").into_bytes()));
    places.push(("the wire".to_owned(), site.kept().concat().into_bytes()));
    for file in files(site.folder.path()) {
        places.push((file.display().to_string(), std::fs::read(&file).expect("a file")));
    }
    let lines = |text: &[u8]| String::from_utf8_lossy(text).lines().count();
    assert!(places.iter().any(|(place, text)| place.ends_with("collector.log") && lines(text) > 5));
    assert!(places.iter().any(|(place, text)| place.ends_with("spool.sqlite") && text.len() > 10_000));
    for (place, text) in &places {
        names.none_in(place, text);
    }
}

/// A name as it stands alone. An account such as `43-120` also stands in some UUID; by itself it has quotes.
fn alone(name: &str) -> String {
    if name.chars().all(|c| c.is_ascii_hexdigit() || c == '-') { format!("\"{name}\"") } else { name.to_owned() }
}

/// One round that logs all it can; gives its standard error.
async fn run_logged(site: &Site) -> String {
    fresh_budget(&site.state());
    let mut once = of_agent("collector", &site.config, &["once"]);
    let said = said(once.env("PLOTMETER_LOG", "debug")).await;
    assert!(said.success);
    said.err
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_removes_the_keys_and_proves_what_it_deleted() {
    let site = site(1, "[privacy]\nuser-name = \"pseudonym\"\n").await;
    site.clock.forward(Duration::hours(24));
    site.once().await;
    let digest = |name: &str| std::fs::read(site.state().join(name)).ok().map(|bytes| protocol::sha256(&[&bytes]));
    // Files that saying farewell does not change.
    let before: Vec<_> = ["pseudonym.key", "reserve"].map(|name| (name, digest(name))).into();
    let asked = collector(&site.config, &["leave"]).await;
    assert!(!asked.success && asked.err.contains("--yes"), "nobody can be asked here: {}", asked.err);
    let said = collector(&site.config, &["leave", "--yes"]).await;
    assert!(said.success && said.out.contains("the portal was told"), "{}{}", said.out, said.err);
    for gone in ["agent.json", "spool.sqlite", "spool.sqlite-wal"] {
        assert!(!site.state().join(gone).exists(), "{gone} is still there");
    }
    let left = files(&site.state()).into_iter().find(|path| path.display().to_string().contains("left-"));
    let proof = std::fs::read_to_string(left.expect("the proof stays")).expect("the proof");
    let proof: Value = serde_json::from_str(&proof).expect("JSON");
    let files: Vec<Value> = proof["files"].as_array().expect("files").clone();
    assert!(files.len() >= 2, "{files:?}");
    let mut fit = 0;
    for (name, digest) in before {
        let stated = files.iter().find(|file| file.to_string().contains(&format!("\"{name}\"")));
        if let (Some(stated), Some(digest)) = (stated, digest) {
            assert!(stated.to_string().contains(&protocol::Hex(digest).to_string()), "{name}: {stated}");
            assert!(said.out.contains(&protocol::Hex(digest).to_string()), "{}", said.out);
            fit += 1;
        }
    }
    assert!(fit > 0, "no file of the proof could be compared: {files:?}");
    let after = collector(&site.config, &["once"]).await;
    assert!(!after.success && after.err.contains("enrol"), "{}", after.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_says_when_the_portal_could_not_be_told() {
    let mut site = site(1, "").await;
    site.portal.kill().await.expect("ended");
    let said = collector(&site.config, &["leave", "--yes"]).await;
    assert!(!said.success && said.err.contains("revoke agent"), "{}", said.err);
    assert!(said.out.contains("signature ") && !site.state().join("agent.json").exists(), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_the_key_finds_a_person_and_pauses_the_collector() {
    let site = site(1, "[privacy]\nuser-name = \"pseudonym\"\n").await;
    let absent = collector(&site.config, &["pseudonym", "user-name", "a.keller"]).await;
    site.clock.forward(Duration::hours(48));
    site.once().await;
    let found = collector(&site.config, &["pseudonym", "user-name", " A.Keller "]).await;
    assert!(found.success, "{}{}", absent.err, found.err);
    let code = found.out.trim();
    assert_eq!(code.len(), 26, "{code}");
    let arrived: BTreeSet<String> =
        jobs_csv(&site.prepared.pages).await.into_iter().map(|row| row["user"].clone()).collect();
    assert!(!arrived.contains("a.keller"), "{arrived:?}");
    assert!(arrived.contains(code), "{code} is not among {arrived:?}");
    let wrong = collector(&site.config, &["pseudonym", "shoe-size", "42"]).await;
    assert!(!wrong.success && wrong.err.contains("user-name"), "{}", wrong.err);
    assert!(collector(&site.config, &["pause"]).await.success);
    let status = collector(&site.config, &["status"]).await;
    assert!(status.out.contains("paused"), "{}", status.out);
    assert!(collector(&site.config, &["resume"]).await.success);
    let status = collector(&site.config, &["status"]).await;
    assert!(!status.out.contains("paused") && status.out.contains("takes part"), "{}", status.out);
}

/// Sockets that others could call. Linux only: it reads /proc.
#[cfg(target_os = "linux")]
fn listening(pid: u32) -> Vec<String> {
    let mut own = BTreeSet::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process of ours") {
        // A descriptor may be closed while the folder is read.
        let Ok(target) = std::fs::read_link(entry.expect("an entry").path()) else { continue };
        let target = target.display().to_string();
        own.extend(target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')).map(str::to_owned));
    }
    let table = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default();
    let mut found = Vec::new();
    // The columns of proc(5): local address, remote address, state, …, inode.
    for (name, state) in [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")] {
        for line in table(name).lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            if columns.get(3) == Some(&state) && columns.get(9).is_some_and(|inode| own.contains(*inode)) {
                found.push(format!("{name} {}", columns[1]));
            }
        }
    }
    for line in table("unix").lines().skip(1) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        // The flag of a socket that accepts connections.
        if columns.get(3) == Some(&"00010000") && columns.get(6).is_some_and(|inode| own.contains(*inode)) {
            found.push(format!("unix {line}"));
        }
    }
    found
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn neither_agent_has_a_listening_socket_while_it_works() {
    let site = site(1, "").await;
    let direct = site.folder.path().join("direct.toml");
    let address = site.devices[0].server.address();
    let state = site.folder.path().join("direct");
    std::fs::write(&direct, format!("state = {state:?}\nprinter = \"https://{address}\"\npause_ms = 0\n"))
        .expect("written");
    let file = write_enrolment(site.folder.path(), "second.plotmeter", &site.prepared.second);
    let said = enrol("direct", &direct, &file).await;
    assert!(said.success, "{}", said.err);
    site.clock.forward(Duration::hours(24));
    let start = |agent: &str, config: &Path| of_agent(agent, config, &["run"]).spawn().expect("starts");
    let mut agents = [start("collector", &site.config), start("direct", &direct)];
    // Both have read and sent when both have stored something and jobs are at the portal.
    for _ in 0..400 {
        let arrived = jobs_csv(&site.prepared.pages).await.len();
        if arrived > 10 && state.join("spool.sqlite").exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    for agent in &mut agents {
        assert!(agent.try_wait().expect("asked").is_none(), "an agent ended");
        assert_eq!(listening(agent.id().expect("runs")), Vec::<String>::new());
    }
    let portal = listening(site.portal.id().expect("runs"));
    assert!(portal.len() >= 2, "the check sees the portal's own sockets: {portal:?}");
    let status = run("direct", &direct, &["status"]).await;
    assert!(status.success && status.out.contains("Kessler Architekten"), "{}{}", status.out, status.err);
    for agent in &mut agents {
        agent.kill().await.expect("ended");
    }
}
