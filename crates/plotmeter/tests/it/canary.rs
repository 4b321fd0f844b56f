//! A network of canary addresses: whatever a hostile portal asks for, no packet leaves the collector's
//! machine for an address outside the consent envelope, and its own loopback stays silent.
//!
//! Two network namespaces with a wire between them: in one the collector, in the other everything that it
//! could reach, namely every address there is. Each packet is written down where it arrives. It takes root,
//! `ip` and `tcpdump`; without them it is skipped. Deliberately absent: what settings mean, which the
//! envelope's own tests say.
#![cfg(target_os = "linux")]

use crate::processes::{EXECUTABLE, Said, quiet, said, start_portal, write_enrolment};
use crate::world::{Prepared, START, TestClock, collector_config, fresh_budget, jobs_csv, prepare, sqlite};
use report::Duration;
use simulator::faces::https::{Server, TlsIdentity, serve};
use simulator::printer::{Habits, MODELS, Printer};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Child;

/// The test below, as the test program knows it: it starts itself anew inside the network.
const TEST: &str = "canary::hostile_settings_send_no_packet_outside_the_envelope";
/// Names the collector's namespace to the test inside the network.
const COLLECTOR: &str = "PLOTMETER_CANARY_COLLECTOR";
/// The whole test ends by then.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(180);
/// A look at what has happened meanwhile.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// What the customer's side allows.
const ENVELOPE: &str = "10.77.0.0/28";
const PRINTER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 5);
const SERIAL: &str = "CN000700";
/// Within the envelope, and excluded by the portal.
const EXCLUDED: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);
const PORTAL: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 1);
/// Called by the test itself, before and after: that a packet to any address is seen.
const FIRST: &str = "10.66.6.6";
const FIRST_V6: &str = "fd66::6";
const LAST: &str = "10.66.6.7";

/// What a hostile portal asks for, in one list that an agent takes. Some of it lies within the envelope.
const HOSTILE: [&str; 46] = [
    ENVELOPE,
    "0.0.0.0/0",
    "::/0",
    "0.0.0.0",
    "0.0.0.0-255.255.255.255",
    "10.0.0.0/8",
    "10.77.0.0/16",
    "10.77.0.0/27",
    "10.77.0.14-10.77.0.17",
    "10.77.0.16",
    "10.77.0.16/28",
    "10.9.9.9",
    "10.9.9.9/32",
    "10.9.9.8-10.9.9.12",
    "::ffff:10.9.9.10",
    "::ffff:a09:90a",
    "::ffff:10.9.9.0/120",
    "::10.9.9.11",
    "64:ff9b::a09:909",
    "2002:a09:909::1",
    "2001:0:a09:909::1",
    "2001:db8::1",
    "fd66::/120",
    "fd77::1",
    "fe80::1",
    "fe80::1%wire",
    "ff02::1",
    "010.77.0.9",
    "0x7f.1",
    "0x7f000001",
    "0xa4d0005",
    "2130706433",
    "127.1",
    "127.0.0.1",
    "127.0.0.0/28",
    "::1",
    "::ffff:127.0.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "10.77.9.1",
    "10.77.9.2",
    "http://10.9.9.13/",
    "10.9.9.14:443",
    "localhost",
    "printer.example",
];

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = std::process::Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Two namespaces with a wire between them. They go when this is dropped, and what runs in them.
struct Lab {
    collector: String,
    network: String,
}

impl Lab {
    fn new() -> Option<Lab> {
        if !succeeds("tcpdump", &["--version"]) {
            println!("skipped: tcpdump is absent");
            return None;
        }
        let process = std::process::id();
        let lab = Lab { collector: format!("canary-c{process}"), network: format!("canary-n{process}") };
        let add = |name: &str| succeeds("ip", &["netns", "add", name]);
        if add(&lab.collector) && add(&lab.network) && lab.connect() {
            return Some(lab);
        }
        println!("skipped: network namespaces cannot be made here; it takes root and ip");
        None
    }

    fn connect(&self) -> bool {
        let (collector, network) = (self.collector.as_str(), self.network.as_str());
        let wire =
            ["link", "add", "wire", "netns", collector, "type", "veth", "peer", "name", "wire", "netns", network];
        let steps = [
            (collector, "link set lo up"),
            (collector, "addr add 10.77.9.2/30 dev wire"),
            (collector, "link set wire up"),
            (collector, "route add default via 10.77.9.1"),
            (network, "link set lo up"),
            (network, "addr add 10.77.9.1/30 dev wire"),
            (network, "link set wire up"),
            (network, "addr add 10.77.0.5/32 dev lo"),
            (network, "addr add 10.77.1.1/32 dev lo"),
            // Every other address is this machine too: it refuses what it does not serve.
            (network, "route add local 0.0.0.0/0 dev lo table main"),
        ];
        let steps_v6 = [
            (collector, "-6 addr add fd77::2/64 dev wire nodad"),
            (collector, "-6 route add default via fd77::1"),
            (network, "-6 route add local ::/0 dev lo table main"),
            (network, "-6 addr add fd77::1/64 dev wire nodad"),
        ];
        let step = |&(namespace, words): &(&str, &str)| {
            let arguments: Vec<&str> = ["-n", namespace].into_iter().chain(words.split(' ')).collect();
            succeeds("ip", &arguments)
        };
        let connected = succeeds("ip", &wire) && steps.iter().all(step);
        if connected && !steps_v6.iter().all(step) {
            println!("IPv6 is absent here: only IPv4 is tested");
        }
        connected
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for namespace in [self.collector.as_str(), self.network.as_str()] {
            let listed = std::process::Command::new("ip").args(["netns", "pids", namespace]).output();
            let left = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
            for process in left.split_whitespace() {
                succeeds("kill", &["-9", process]);
            }
            succeeds("ip", &["netns", "del", namespace]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_settings_send_no_packet_outside_the_envelope() {
    if let Ok(collector) = std::env::var(COLLECTOR) {
        return story(&collector).await;
    }
    let Some(lab) = Lab::new() else { return };
    let myself = std::env::current_exe().expect("this program");
    let mut command = quiet("ip", &["netns", "exec", &lab.network]);
    command.arg(myself).args([TEST, "--exact", "--nocapture"]).env(COLLECTOR, &lab.collector);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends in time").expect("runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{out}");
    assert!(output.status.success() && out.contains("1 passed"), "{err}");
}

/// A packet that left the collector's machine.
#[derive(Debug, Clone)]
struct Packet {
    /// Microseconds since 1970.
    at: i64,
    to: IpAddr,
    /// Whether it asks for a connection.
    opens: bool,
}

impl Packet {
    /// Reads a line of tcpdump. `None` for what the kernel itself asks on any wire: who its neighbours are.
    fn parse(line: &str) -> Option<Packet> {
        if ["ICMP6, neighbor ", "ICMP6, router ", "ICMP6, multicast "].iter().any(|own| line.contains(own)) {
            return None;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.first().map(|at| at.replace('.', "")).and_then(|at| at.parse().ok());
        let to = words.get(4).copied().map_or("", |to| to.strip_suffix(':').unwrap_or(to));
        // With a port, a dot stands before it in both families.
        let address = to.parse().ok().or_else(|| to.rsplit_once('.')?.0.parse().ok());
        let (Some(at), Some(to)) = (at, address) else { panic!("what packet is this? {line}") };
        Some(Packet { at, to, opens: line.contains("Flags [S]") })
    }
}

#[test]
fn packets_are_read_as_they_are_written_down() {
    let line = |text: &str| Packet::parse(text).map(|packet| (packet.at, packet.to.to_string(), packet.opens));
    for (text, read) in [
        ("1795380673.248126 IP 10.77.9.2.34094 > 10.66.6.6.443: Flags [S], seq 1, length 0", Some(("10.66.6.6", true))),
        ("1795380673.248126 IP 10.77.9.2.34094 > 10.66.6.6.443: Flags [.], ack 1", Some(("10.66.6.6", false))),
        ("1795380673.248126 IP 10.77.9.2 > 10.66.6.6: ICMP echo request, id 1", Some(("10.66.6.6", false))),
        ("1795380673.248126 IP6 fd77::2.51554 > fd66::6.443: Flags [S], seq 6", Some(("fd66::6", true))),
        ("1795380673.248126 IP6 fd77::2 > fd66::6: ICMP6, echo request", Some(("fd66::6", false))),
        ("1795380673.248126 IP6 fd77::2 > ff02::1:ff00:1: ICMP6, neighbor solicitation, who has fd77::1", None),
        ("1795380673.248126 IP6 :: > ff02::16: HBH ICMP6, multicast listener report v2", None),
    ] {
        let read = read.map(|(to, opens): (&str, bool)| (1_795_380_673_248_126_i64, to.to_owned(), opens));
        assert_eq!(line(text), read, "{text}");
    }
}

/// Writes down every packet that arrives on the wire.
struct Capture {
    lines: Arc<Mutex<Vec<String>>>,
    _tcpdump: Child,
}

impl Capture {
    async fn start() -> Capture {
        let arguments = ["-nn", "-tt", "-l", "--immediate-mode", "-Q", "in", "-i", "wire", "ip or ip6"];
        let mut command = quiet("tcpdump", &arguments);
        let mut tcpdump = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut words = BufReader::new(tcpdump.stderr.take().expect("piped")).lines();
        loop {
            let line = tokio::time::timeout(PATIENCE, words.next_line()).await.expect("in time").expect("text");
            if line.expect("tcpdump listens").contains("listening on") {
                break;
            }
        }
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (written, mut packets) = (lines.clone(), BufReader::new(tcpdump.stdout.take().expect("piped")).lines());
        tokio::spawn(async move {
            while let Ok(Some(line)) = packets.next_line().await {
                written.lock().expect("not poisoned").push(line);
            }
        });
        Capture { lines, _tcpdump: tcpdump }
    }

    fn packets(&self) -> Vec<Packet> {
        let lines = self.lines.lock().expect("not poisoned");
        lines.iter().filter_map(|line| Packet::parse(line)).collect()
    }

    fn destinations(&self) -> BTreeSet<IpAddr> {
        self.packets().iter().map(|packet| packet.to).collect()
    }

    /// Waits until a packet to this address was seen, and with it all earlier ones.
    async fn wait_for(&self, address: &str) {
        let address: IpAddr = address.parse().expect("an address");
        for _ in 0..300 {
            if self.destinations().contains(&address) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("no packet to {address} was seen, only {:?}", self.destinations());
    }
}

/// A supported printer that has printed for a day.
async fn printer() -> Server {
    let clock = TestClock::at(START);
    let habits = Habits { jobs_per_day: 60, ..Habits::default() };
    let printer = Arc::new(Mutex::new(Printer::new(700, &MODELS[0], SERIAL, START, habits)));
    let identity = TlsIdentity::self_signed(SERIAL).expect("a certificate");
    let listener = TcpListener::bind((PRINTER, 443)).await.expect("its address");
    clock.forward(Duration::hours(24));
    serve(listener, printer, clock.clock(), &identity).await.expect("serves")
}

/// A portal and a printer in the network, and a collector in its own namespace.
struct Site {
    /// The collector's namespace.
    namespace: String,
    folder: TempDir,
    prepared: Prepared,
    config: PathBuf,
    _printer: Server,
    _portal: Child,
}

async fn site(namespace: &str) -> Site {
    let folder = tempfile::tempdir().expect("a folder");
    let prepared = prepare(folder.path(), &sqlite(folder.path()), &PORTAL.to_string()).await;
    let config = collector_config(folder.path(), "drop", &[]);
    let text = std::fs::read_to_string(&config).expect("the file");
    std::fs::write(&config, format!("{text}\n[allow]\nnetworks = [\"{ENVELOPE}\"]\n")).expect("written");
    let (printer, portal) = (printer().await, start_portal(&prepared).await);
    let namespace = namespace.to_owned();
    let site = Site { namespace, folder, prepared, config, _printer: printer, _portal: portal };
    let file = write_enrolment(site.folder.path(), "enrol.plotmeter", &site.prepared.file);
    let said = site.collector(&["enrol", "--confirm", "Kessler Architekten", &file]).await;
    assert!(said.success, "{}", said.err);
    site
}

impl Site {
    /// A program on the collector's machine.
    fn outside(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = quiet("ip", &["netns", "exec", &self.namespace]);
        command.args(arguments);
        command
    }

    async fn collector(&self, arguments: &[&str]) -> Said {
        let mut command = self.outside(&[EXECUTABLE, "collector"]);
        said(command.args(arguments).arg("--config").arg(&self.config)).await
    }

    async fn once(&self) -> Said {
        fresh_budget(&self.folder.path().join("collector"));
        self.collector(&["once"]).await
    }

    /// Calls an address from the collector's machine, as any program could.
    async fn call(&self, address: &str) {
        let said = said(&mut self.outside(&[EXECUTABLE, "probe", address, "--pause-ms", "0"])).await;
        assert!(!said.success, "somebody answers at {address}");
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("portal.sqlite")).expect("the database")
    }

    /// Makes the portal ask for these ranges, past everything that its pages check.
    fn ask(&self, ranges: &str, excluded: &str) {
        let sql = "update agent set ranges = ?1, excluded = ?2, interval_minutes = 0,
                   settings_version = settings_version + 1";
        assert_eq!(self.database().execute(sql, [ranges, excluded]).expect("changed"), 1);
    }

    /// What the collector told the portal that it was not allowed to read.
    fn consents(&self) -> String {
        self.database().query_row("select consents from agent_beat", [], |row| row.get(0)).expect("a beat")
    }

    /// Packets on the collector's own loopback, to whatever address.
    async fn loopback(&self) -> String {
        let table = said(&mut self.outside(&["cat", "/proc/net/dev"])).await.out;
        let line = table.lines().find(|line| line.trim_start().starts_with("lo:")).expect("a loopback");
        let columns: Vec<&str> = line.split_whitespace().collect();
        format!("{} received, {} sent", columns[2], columns[10])
    }

    /// Lets the collector run until it has asked every address that it may, and has read the printer.
    async fn run(&self, capture: &Capture, wanted: &BTreeSet<IpAddr>) {
        fresh_budget(&self.folder.path().join("collector"));
        let mut command = self.outside(&[EXECUTABLE, "collector", "run", "--config"]);
        let mut running = command.arg(&self.config).spawn().expect("starts");
        for _ in 0..400 {
            if capture.destinations().is_superset(wanted) && self.collector(&["status"]).await.out.contains(SERIAL) {
                running.kill().await.expect("ended");
                return;
            }
            assert!(running.try_wait().expect("asked").is_none(), "the collector ended");
            tokio::time::sleep(LOOK).await;
        }
        panic!("the collector asked only {:?}", capture.destinations());
    }
}

/// The addresses that the collector may ask.
fn allowed() -> BTreeSet<IpAddr> {
    let all = (0..16).map(|last| Ipv4Addr::new(10, 77, 0, last));
    all.filter(|address| *address != EXCLUDED).map(IpAddr::V4).collect()
}

async fn story(namespace: &str) {
    let capture = Capture::start().await;
    let site = site(namespace).await;
    let silent = site.loopback().await;
    let mut wanted = BTreeSet::from([IpAddr::V4(PORTAL)]);
    for address in [FIRST, LAST] {
        wanted.insert(address.parse().expect("an address"));
    }
    site.call(FIRST).await;
    capture.wait_for(FIRST).await;
    let table = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    if table.contains("fd77") {
        site.call(&format!("[{FIRST_V6}]")).await;
        capture.wait_for(FIRST_V6).await;
        wanted.insert(FIRST_V6.parse().expect("an address"));
    }
    site.ask(&HOSTILE.join("\n"), &format!("{EXCLUDED}\n0x7f.1\nprinter.example\n0.0.0.0/33"));
    // The round in which the collector hears of it: nothing is known to read yet.
    let heard = site.once().await;
    assert!(heard.err.contains("no printer was read"), "{}{}", heard.out, heard.err);
    let allowed = allowed();
    site.run(&capture, &allowed).await;
    wanted.extend(&allowed);
    // More ranges than an agent takes, and more than fit into an answer: the settings stay as they were.
    site.ask(&"10.9.9.0/24\n10.77.0.3\n".repeat(150), "");
    let round = site.once().await;
    assert!(round.success, "{}{}", round.out, round.err);
    let consents = site.consents();
    assert!(consents.contains("read the addresses 10.9.9.9") && consents.contains("0.0.0.0/0"), "{consents}");
    assert!(!jobs_csv(&site.prepared.pages).await.is_empty(), "what is allowed is read");
    let million = |number: u32| format!("10.{}.{}.0/24\n", number / 256 % 256, number % 256);
    site.ask(&(0..1_000_000).map(million).collect::<String>(), "");
    let round = site.once().await;
    println!("a million ranges: {}{}", round.out.trim(), round.err.trim());
    site.call(LAST).await;
    capture.wait_for(LAST).await;
    assert_eq!(capture.destinations(), wanted);
    assert_eq!(site.loopback().await, silent, "the collector called its own machine");
    pace(&capture.packets(), &allowed);
}

/// Unknown addresses are asked once a day, and ten a second at most.
fn pace(packets: &[Packet], allowed: &BTreeSet<IpAddr>) {
    let unknown = |packet: &&Packet| packet.opens && allowed.contains(&packet.to) && packet.to != IpAddr::V4(PRINTER);
    let calls: Vec<&Packet> = packets.iter().filter(unknown).collect();
    let mut times: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for call in &calls {
        *times.entry(call.to).or_default() += 1;
    }
    assert!(times.len() == allowed.len() - 1 && times.values().all(|times| *times == 1), "{times:?}");
    for eleven in calls.windows(11) {
        // Ten pauses of a tenth of a second, less what the first of the eleven was late.
        let took = eleven[10].at - eleven[0].at;
        assert!(took >= 900_000, "eleven addresses within {took} µs");
    }
}
