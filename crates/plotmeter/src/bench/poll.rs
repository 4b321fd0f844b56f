//! `plotmeter bench poll`: what it costs one collector to read 1 000 printers.
//!
//! The printers, the collector and its portal are processes of their own. The collector is the program's own
//! `collector once`, enrolled at the portal: it asks every printer over HTTPS, keeps what is new in its spool
//! and sends what the wire budget allows, so that writing is measured too. The second reading finds nothing
//! new. Beside it stand limits of the same run: the TLS handshakes alone, and parsing the same documents
//! alone. Deliberately absent: pauses between requests, unless asked for; in a network they are most of the
//! time and none of the work.

use super::bytes_in;
use super::printers::{self, READY};
use super::process::{Running, cpu_seconds, memory_kb, micros, stat};
use super::served;
use crate::clock::timed;
use crate::words;
use agent::Config;
use anyhow::{Context, bail};
use clap::builder::RangedU64ValueParser;
use drivers::{Accept, Answer, Answers, Ask, Driver};
use portal::setup;
use portal::{Db, Target};
use report::{Instant, Surroundings};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use simulator::faces::piws;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// How much.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Simulated printers, each on a port of its own; a collector lists at most 1 000.
    #[arg(long, default_value_t = 1000, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    printers: usize,
    /// Jobs that each printer remembers.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(0..=100_000))]
    jobs: i64,
    /// The collector's pause between two requests to one printer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pause_ms: u64,
}

/// How often the collector is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Open files of a process with simulated printers, besides a listener each.
const MORE_FILES: u64 = 256;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let surroundings = crate::clock::surroundings();
    let at = surroundings.now();
    let jobs = words::many(arguments.jobs.unsigned_abs(), "job");
    println!("{} with {jobs} each, pause {} ms", words::many_of(arguments.printers, "printer"), arguments.pause_ms);
    let (simulator, addresses) = simulated(arguments, at)?;
    let runtime = crate::runtime()?;
    let (portal, config) = runtime.block_on(enrolled(arguments, folder.path(), &addresses, &surroundings))?;
    let bench = Bench { folder: folder.path(), config: &config, surroundings: &surroundings };
    let first = runtime.block_on(bench.reading(&simulator, &portal))?;
    first.print("first reading: every job is new", addresses.len());
    let second = runtime.block_on(bench.reading(&simulator, &portal))?;
    second.print("second reading: nothing is new", addresses.len());
    drop(portal);
    let handshake_s = handshakes(&addresses)?;
    drop(simulator);
    let (parse_s, documents) = parsing(arguments, at)?;
    let count = addresses.len() as u64;
    println!("\nlimits, on one thread of this process");
    println!(
        "  documents       {} kB in {} requests to PIWS, without heads and TLS",
        documents.bytes / 1000,
        documents.requests
    );
    println!("  TLS alone       {} µs CPU a handshake", micros(handshake_s, count));
    println!("  parsing alone   {} µs CPU a printer ({} jobs read)", micros(parse_s, count), documents.jobs);
    for (name, reading) in [("first", &first), ("second", &second)] {
        println!(
            "  ratios, {name:<7} collector CPU / TLS {:.2}; / parsing {:.2}; / both {:.2}",
            reading.cpu_s / handshake_s,
            reading.cpu_s / parse_s,
            reading.cpu_s / (handshake_s + parse_s)
        );
    }
    Ok(())
}

/// Starts the printers in a process that may open enough files; gives their addresses.
fn simulated(arguments: &Arguments, at: Instant) -> anyhow::Result<(Running, Vec<SocketAddr>)> {
    let needed = arguments.printers as u64 + MORE_FILES;
    let (now, most) = open_files()?;
    if most < needed {
        bail!(
            "{} printers need {needed} open files and at most {most} are allowed here (`ulimit -Hn`): \
             raise that limit, or ask for fewer with --printers",
            arguments.printers
        );
    }
    // Only a shell raises the limit without unsafe code.
    let script = if now < needed { "ulimit -n \"$0\" && exec \"$@\"" } else { "exec \"$@\"" };
    let mut child = Command::new("sh")
        .args(["-c", script, &needed.to_string()])
        .arg(std::env::current_exe()?)
        .args(["bench", "printers", "--count", &arguments.printers.to_string()])
        .args(["--jobs", &arguments.jobs.to_string(), "--at", &at.0.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start the simulated printers")?;
    let said = child.stdout.take();
    let running = Running(child);
    let mut addresses = Vec::new();
    for line in BufReader::new(said.context("hear the simulated printers")?).lines() {
        let line = line?;
        if line == READY {
            return Ok((running, addresses));
        }
        addresses.push(line.parse()?);
    }
    bail!("the simulated printers did not start")
}

/// How many files this process may have open: now, and after raising it.
fn open_files() -> anyhow::Result<(u64, u64)> {
    let limits = std::fs::read_to_string("/proc/self/limits").context("this bench reads /proc: it runs on Linux")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    // A word, `unlimited`, stands for no limit.
    let numbers = line.unwrap_or("").split_whitespace().map(|number| number.parse().unwrap_or(u64::MAX));
    let numbers: Vec<u64> = numbers.collect();
    match numbers.as_slice() {
        [now, most, ..] => Ok((*now, *most)),
        _ => bail!("/proc/self/limits says nothing of open files"),
    }
}

/// A portal process, and the file of a collector that is enrolled there.
async fn enrolled(
    arguments: &Arguments,
    folder: &Path,
    addresses: &[SocketAddr],
    surroundings: &Surroundings,
) -> anyhow::Result<(Running, PathBuf)> {
    let db = Db::open(&Target::Sqlite(folder.join("portal.sqlite")))?;
    let portal = served::prepare(&db, folder, surroundings)?;
    let reseller = setup::reseller(&portal, "Bench")?;
    let customer = setup::customer(&portal, &reseller, "Bench", "Here", "Etc/UTC")?;
    setup::participation(&portal, &reseller, customer, true)?;
    let enrolment = setup::enrolment(&portal, &reseller, customer)?;
    let running = served::start(folder, None)?;
    let state = folder.join("collector");
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    private.create(&state)?;
    let invitation = state.join("enrol.plotmeter");
    std::fs::write(&invitation, serde_json::to_vec(&enrolment)?)?;
    let text = collector_file(&state, arguments.pause_ms, addresses);
    let path = folder.join("collector.toml");
    std::fs::write(&path, &text)?;
    let config = Config::parse(&text).map_err(anyhow::Error::msg)?;
    agent::begin(&invitation, &config, "bench", false, surroundings).await?.confirm().await?;
    Ok((running, path))
}

/// A collector's file. No IPP: on this machine's port 631 a print server may listen that is not ours to ask.
fn collector_file(state: &Path, pause_ms: u64, addresses: &[SocketAddr]) -> String {
    let mut text = format!(
        "state = {:?}\npause_ms = {pause_ms}\nalso_supported = [\"DesignJet Z9\"]\n\
         [portal]\nproxy = \"none\"\n[log]\nlevel = \"error\"\n[interfaces]\nipp_ports = []\n",
        state.display().to_string()
    );
    for address in addresses {
        text.push_str(&format!("[[printer]]\naddress = \"{address}\"\n"));
    }
    text
}

/// What each reading is made with.
struct Bench<'a> {
    folder: &'a Path,
    config: &'a Path,
    surroundings: &'a Surroundings,
}

/// What one reading of all printers cost.
struct Reading {
    /// What the collector said at its end.
    said: String,
    wall_s: f64,
    cpu_s: f64,
    /// The most memory that was in RAM at one time, kB.
    peak_kb: u64,
    simulator_s: f64,
    portal_s: f64,
    state_bytes: u64,
}

impl Bench<'_> {
    /// Lets the collector read every printer once, in a process of its own.
    async fn reading(&self, simulator: &Running, portal: &Running) -> anyhow::Result<Reading> {
        let (simulator_before, portal_before) = (cpu_seconds(simulator.0.id())?, cpu_seconds(portal.0.id())?);
        let said = self.folder.join("said");
        let start = self.surroundings.now();
        let child = Command::new(std::env::current_exe()?)
            .args(["collector", "once", "--config"])
            .arg(self.config)
            .env("PLOTMETER_LOG", "error")
            .stdin(Stdio::null())
            .stdout(File::create(&said)?)
            .spawn()?;
        let (cpu_s, peak_kb, well) = to_its_end(child).await?;
        let wall_s = self.surroundings.now().since(start).0 as f64 / 1000.0;
        let said = std::fs::read_to_string(&said)?;
        if !well {
            bail!("the collector failed after saying: {said}");
        }
        Ok(Reading {
            said,
            wall_s,
            cpu_s,
            peak_kb,
            simulator_s: cpu_seconds(simulator.0.id())? - simulator_before,
            portal_s: cpu_seconds(portal.0.id())? - portal_before,
            state_bytes: bytes_in(&self.folder.join("collector"))?,
        })
    }
}

impl Reading {
    fn print(&self, name: &str, printers: usize) {
        println!("\n{name}");
        for line in self.said.lines().take(3) {
            println!("  said            {line}");
        }
        println!("  wall            {:.1} s", self.wall_s);
        println!("  collector CPU   {:.2} s, {} µs a printer", self.cpu_s, micros(self.cpu_s, printers as u64));
        println!("  peak memory     {} kB", self.peak_kb);
        println!("  state folder    {} kB", self.state_bytes / 1000);
        println!("  others' CPU     printers {:.2} s, portal {:.2} s", self.simulator_s, self.portal_s);
    }
}

/// Waits until a process has ended: its CPU seconds, its peak memory in kB, whether it ended well.
async fn to_its_end(mut child: Child) -> anyhow::Result<(f64, u64, bool)> {
    let mut peak_kb = 0;
    loop {
        let (state, cpu_s) = stat(child.id())?;
        if state == "Z" {
            // Until somebody waits for it, the system still knows what it used.
            return Ok((cpu_s, peak_kb, child.wait()?.success()));
        }
        // It only grows: the last look sees it within some milliseconds of the end.
        peak_kb = memory_kb(child.id(), "VmHWM:")?.max(peak_kb);
        tokio::time::sleep(LOOK).await;
    }
}

/// As many TLS handshakes as there are printers, each with a set-up of its own, by the collector's own code:
/// CPU seconds of this process.
fn handshakes(addresses: &[SocketAddr]) -> anyhow::Result<f64> {
    let before = cpu_seconds(std::process::id())?;
    for address in addresses {
        let mut socket = TcpStream::connect(address)?;
        let config = Arc::new(agent::first_contact()?);
        let mut connection = ClientConnection::new(config, ServerName::from(address.ip()))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
    }
    Ok((cpu_seconds(std::process::id())? - before).max(0.01))
}

/// What the printers' documents are.
#[derive(Default)]
struct Documents {
    bytes: usize,
    requests: usize,
    jobs: usize,
}

/// Reads the documents of every printer, made anew in this process: the seconds that reading took.
fn parsing(arguments: &Arguments, at: Instant) -> anyhow::Result<(f64, Documents)> {
    let driver = drivers::driver("piws").context("the driver of the simulated printers")?;
    let (mut seconds, mut documents) = (0.0, Documents::default());
    for number in 0..arguments.printers {
        let answers = answers(driver, &printers::printer(number, arguments.jobs, at));
        documents.requests += answers.len();
        for answer in answers.values() {
            if let Answer::Body { body, .. } = answer {
                documents.bytes += body.len();
            }
        }
        let ((report, _), took_s) = timed(|| (driver.read)(&answers, at));
        documents.jobs += report.jobs.len();
        seconds += took_s;
    }
    Ok((seconds.max(0.01), documents))
}

/// What a printer answers, without a socket.
fn answers(driver: &Driver, printer: &simulator::printer::Printer) -> Answers {
    let mut answers = Answers::new();
    loop {
        let wanted = (driver.next)(&answers);
        if wanted.is_empty() {
            return answers;
        }
        for request in wanted {
            let answer = match request.ask {
                Ask::Get(accept) => {
                    let response = piws::answer(printer, &request.key, accept == Accept::Json);
                    let (content_type, body) = (response.content_type, response.body);
                    Answer::Body { status: response.status, content_type, body }
                }
                _ => Answer::NotAsked("no login is configured".to_owned()),
            };
            answers.insert(request.key, answer);
        }
    }
}
