//! Towards printers: GET and nothing else, on the paths of the drivers, without a body or a password;
//! a printer is the same after fifty readings as before. And an agent calls, it never waits for a call.
//!
//! Deliberately absent: what the answers mean, which the drivers' own tests say.

use crate::processes::{EXECUTABLE, enrol, of_agent, quiet, said, start_portal, write_enrolment};
use crate::world::{
    Prepared, START, TestClock, acceptor, certificate, collector_config, device, free_address, fresh_budget,
    participation, prepare, sqlite,
};
use agent::{Access, Patience};
use drivers::{Answers, Channel, DRIVERS};
use report::Duration;
use simulator::faces::piws;
use simulator::printer::{Habits, MODELS, Printer};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Where the printers' web service stands.
const ROOT: &str = "/LFPWebServices/PI/";
/// What a driver may ask for below it, besides the jobs of a queue.
const RESOURCES: [&str; 10] = [
    "Identification.json",
    "DeviceStatus.json",
    "InkSystem.json",
    "PrintheadsStatus.json",
    "Paper/List.json",
    "MediaSystem.json",
    "DeviceCounters.json",
    "Alerts.json/ActiveAlerts",
    "JQ/JobQueueCollection",
    "JQ/JobQueueCollection?retry=1",
];
/// The headers that a request to a printer has. None of them names a person or opens anything.
const HEADERS: [&str; 3] = ["accept", "accept-language", "host"];
/// Each way of opening a socket to others, or of sending to somebody.
const CALLS: &str = "trace=bind,listen,accept,accept4,connect,sendto,sendmsg,sendmmsg";

/// What reached a printer.
#[derive(Default)]
struct Seen {
    /// The bytes inside TLS, a connection each.
    streams: Vec<Vec<u8>>,
    /// Connections that were no TLS.
    without_tls: usize,
}

/// A printer that stands still and writes down every byte that it is sent.
struct Recorder {
    address: String,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

/// The head of a request.
#[derive(Debug)]
struct Request {
    method: String,
    path: String,
    version: String,
    headers: BTreeSet<String>,
}

impl Request {
    fn parse(head: &str) -> Request {
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or("").splitn(3, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (method, path, version) = (word(), word(), word());
        let name = |line: &str| line.split(':').next().unwrap_or("").to_ascii_lowercase();
        Request { method, path, version, headers: lines.map(name).collect() }
    }

    fn check(&self) {
        assert_eq!((self.method.as_str(), self.version.as_str()), ("GET", "HTTP/1.1"), "{self:?}");
        let foreign: Vec<&String> = self.headers.iter().filter(|name| !HEADERS.contains(&name.as_str())).collect();
        assert_eq!(foreign, Vec::<&String>::new(), "{self:?}");
        let resource = self.path.strip_prefix(ROOT).unwrap_or("");
        let queue = resource.strip_prefix("JQ/JobQueue/").and_then(|rest| rest.strip_suffix("/jobs/all"));
        let is_queue = queue.is_some_and(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-'));
        assert!(is_queue || RESOURCES.contains(&resource) || is_first(&self.path), "{self:?}");
    }
}

/// Whether a path is what an interface is known by: the one thing that it is asked where it does not answer.
fn is_first(path: &str) -> bool {
    let mut first = DRIVERS.iter().flat_map(|driver| (driver.next)(&Answers::new()));
    first.any(|request| request.key == path)
}

/// Web interfaces besides the one that these printers have. Each is tried at the first reading.
fn other_interfaces() -> usize {
    DRIVERS.iter().filter(|driver| driver.channel == Channel::Web).count() - 1
}

impl Recorder {
    async fn start(printer: Printer) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (certificate, key) = certificate("127.0.0.1");
        let acceptor = acceptor(&certificate, &key);
        let task = tokio::spawn(serve(listener, acceptor, Arc::new(Mutex::new(printer)), seen.clone()));
        Recorder { address, seen, task }
    }

    /// How many requests arrived.
    fn asked(&self) -> usize {
        let seen = self.seen.lock().expect("not poisoned");
        let heads = |stream: &Vec<u8>| stream.windows(4).filter(|window| window == b"\r\n\r\n").count();
        seen.streams.iter().map(heads).sum()
    }

    /// Waits until so many requests arrived.
    async fn wait_for(&self, requests: usize) {
        for _ in 0..800 {
            if self.asked() >= requests {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("{} requests arrived, not {requests}", self.asked());
    }

    /// Every request. Nothing else may have arrived: a body would stand between two heads or at the end.
    fn requests(&self) -> Vec<Request> {
        let seen = self.seen.lock().expect("not poisoned");
        assert_eq!(seen.without_tls, 0, "connections without TLS");
        let mut found = Vec::new();
        for stream in &seen.streams {
            let text = std::str::from_utf8(stream).expect("heads are text");
            let mut heads: Vec<&str> = text.split("\r\n\r\n").collect();
            assert_eq!(heads.pop(), Some(""), "something follows the last head: {text}");
            found.extend(heads.into_iter().map(Request::parse));
        }
        found
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, printer: Arc<Mutex<Printer>>, seen: Arc<Mutex<Seen>>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, printer, seen) = (acceptor.clone(), printer.clone(), seen.clone());
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(socket).await {
                answer(stream, &printer, &seen).await;
            } else {
                seen.lock().expect("not poisoned").without_tls += 1;
            }
        });
    }
}

async fn answer(mut stream: TlsStream<TcpStream>, printer: &Mutex<Printer>, seen: &Mutex<Seen>) {
    let number = {
        let mut seen = seen.lock().expect("not poisoned");
        seen.streams.push(Vec::new());
        seen.streams.len() - 1
    };
    let (mut waiting, mut piece) = (Vec::<u8>::new(), [0_u8; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut piece).await {
        seen.lock().expect("not poisoned").streams[number].extend_from_slice(&piece[..count]);
        waiting.extend_from_slice(&piece[..count]);
        while let Some(end) = waiting.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = waiting.drain(..end + 4).collect();
            let head = String::from_utf8_lossy(&head).into_owned();
            let bytes = response(&printer.lock().expect("not poisoned"), &head);
            if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
}

/// What the printer says to a request.
fn response(printer: &Printer, head: &str) -> Vec<u8> {
    let path = head.split(' ').nth(1).unwrap_or("");
    let answer = piws::answer(printer, path, head.to_ascii_lowercase().contains("application/json"));
    let (status, content_type, length) = (answer.status, &answer.content_type, answer.body.len());
    let head = format!("HTTP/1.1 {status} Said\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), answer.body.as_slice()].concat()
}

/// A portal, a recording printer, and both agents, enrolled.
struct Site {
    folder: TempDir,
    prepared: Prepared,
    recorder: Recorder,
    collector: PathBuf,
    direct: PathBuf,
    _portal: Child,
}

async fn site() -> Site {
    let folder = tempfile::tempdir().expect("a folder");
    let habits = Habits { jobs_per_day: 60, ..Habits::default() };
    let mut printer = Printer::new(81, &MODELS[0], "CN000081", START, habits);
    printer.advance(START.plus(Duration::hours(24)));
    let recorder = Recorder::start(printer).await;
    let prepared = prepare(folder.path(), &sqlite(folder.path()), &free_address()).await;
    let collector = collector_config(folder.path(), "drop", &[]);
    let mut text = std::fs::read_to_string(&collector).expect("the file");
    text.push_str(&format!("[[printer]]\naddress = \"{}\"\n[interfaces]\nipp_ports = []\n", recorder.address));
    std::fs::write(&collector, text).expect("written");
    let direct = folder.path().join("direct.toml");
    let state = folder.path().join("direct");
    let text = format!(
        "state = {state:?}\nprinter = \"https://{}\"\npause_ms = 0\n[interfaces]\nipp_ports = []\n",
        recorder.address
    );
    std::fs::write(&direct, text).expect("written");
    let portal = start_portal(&prepared).await;
    let site = Site { folder, prepared, recorder, collector, direct, _portal: portal };
    let first = write_enrolment(site.folder.path(), "first.plotmeter", &site.prepared.file);
    let second = write_enrolment(site.folder.path(), "second.plotmeter", &site.prepared.second);
    for (agent, file) in [("collector", first), ("direct", second)] {
        let said = enrol(agent, site.config(agent), &file).await;
        assert!(said.success, "{agent}: {}", said.err);
    }
    site
}

impl Site {
    fn config(&self, agent: &str) -> &Path {
        if agent == "direct" { &self.direct } else { &self.collector }
    }

    /// How many requests a command makes at the printer.
    async fn requests_of(&self, command: &mut Command) -> usize {
        for state in ["collector", "direct"] {
            fresh_budget(&self.folder.path().join(state));
        }
        let before = self.recorder.asked();
        let said = said(command).await;
        let asked = self.recorder.asked() - before;
        println!("{asked} requests by {:?} {}", command.as_std().get_args(), said.err.trim());
        asked
    }

    async fn requests_of_agent(&self, agent: &str, arguments: &[&str]) -> usize {
        self.requests_of(&mut of_agent(agent, self.config(agent), arguments)).await
    }

    /// Lets an agent run until it has made so many requests, and ends it.
    async fn run(&self, agent: &str, requests: usize) {
        let wanted = self.recorder.asked() + requests;
        let mut running = of_agent(agent, self.config(agent), &["run"]).spawn().expect("starts");
        self.recorder.wait_for(wanted).await;
        running.kill().await.expect("ended");
    }

    /// What `once` of an agent does with sockets.
    async fn traced(&self, agent: &str) -> String {
        fresh_budget(&self.folder.path().join(agent));
        let file = self.folder.path().join(format!("{agent}.trace"));
        let mut command = quiet("strace", &["-f", "-qq", "-e", CALLS, "-o"]);
        command.arg(&file).arg(EXECUTABLE).args([agent, "once", "--config"]).arg(self.config(agent));
        let said = said(&mut command).await;
        assert!(said.success, "{agent}: {}", said.err);
        String::from_utf8_lossy(&std::fs::read(&file).expect("the trace")).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printer_hears_get_and_nothing_else_from_every_command() {
    let site = site().await;
    let mut probe = quiet(EXECUTABLE, &["probe", &site.recorder.address, "--pause-ms", "0"]);
    let first = site.requests_of(&mut probe).await;
    // From the second reading on, only the interface that the printer has is asked.
    let whole = first - other_interfaces();
    assert!(whole >= 10, "a whole reading is {whole} requests");
    for (arguments, requests) in [("once", first), ("preview", whole), ("doctor", 1), ("status", 0)] {
        assert_eq!(site.requests_of_agent("collector", &[arguments]).await, requests, "{arguments}");
    }
    // The round in which the collector hears that nothing takes part any more, and the next one.
    participation(site.folder.path(), "listed", "seen");
    assert_eq!(site.requests_of_agent("collector", &["once"]).await, whole);
    for arguments in ["once", "preview", "doctor"] {
        let identity = site.requests_of_agent("collector", &[arguments]).await;
        assert_eq!(identity, 1, "{arguments}: of a printer that takes no part only the identity is asked");
    }
    participation(site.folder.path(), "all", "participating");
    assert_eq!(site.requests_of_agent("collector", &["once"]).await, whole);
    site.run("collector", whole).await;
    for (arguments, requests) in [("once", first), ("doctor", 1), ("status", 0)] {
        assert_eq!(site.requests_of_agent("direct", &[arguments]).await, requests, "{arguments}");
    }
    site.run("direct", whole).await;
    let requests = site.recorder.requests();
    assert!(requests.len() > 8 * whole, "{} requests", requests.len());
    requests.iter().for_each(Request::check);
}

/// Everything that a printer knows of itself, and everything that it says.
fn whole_state(printer: &Printer) -> Vec<String> {
    let mut state = vec![
        format!("{:?} {:?}", printer.now(), printer.truth()),
        format!("{:?} {:?}", printer.counters(), printer.maintenance()),
        format!("{:?} {:?} {:?}", printer.cutting(), printer.insertions(), printer.ink_drawn()),
    ];
    let queue = format!("JQ/JobQueue/{}/jobs/all", printer.queue_uuid());
    for resource in RESOURCES.map(str::to_owned).into_iter().chain([queue]) {
        let answer = piws::answer(printer, &format!("{ROOT}{resource}"), true);
        state.push(format!("{resource} {} {}", answer.status, String::from_utf8_lossy(&answer.body)));
    }
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printer_is_the_same_after_fifty_readings() {
    let clock = TestClock::at(START);
    let device = device(1, 82, &clock).await;
    clock.forward(Duration::hours(24));
    let address = device.server.address().to_string();
    let patience = Patience { pause: std::time::Duration::ZERO, ..Patience::default() };
    let access = Access::default();
    // The first reading brings the printer to the clock, which stands still from here on.
    agent::ask(&address, &access, clock.now(), patience).await.expect("read");
    let state = || whole_state(&device.printer.lock().expect("not poisoned"));
    let requests = || device.printer.lock().expect("not poisoned").requests();
    let (before, asked) = (state(), requests().asked);
    for _ in 0..50 {
        let read = agent::ask(&address, &access, clock.now(), patience).await.expect("read");
        assert!(!read.report.jobs.is_empty());
    }
    assert_eq!(state(), before);
    assert!(requests().asked >= asked + 500, "{:?}", requests());
    assert_eq!(requests().refused, 0);
}

/// The part of a text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// Whom a traced call names: `address:port`, or the whole call where it is no internet address.
fn destination(line: &str) -> Option<String> {
    let family = between(line, "sa_family=", ",").or_else(|| between(line, "sa_family=", "}"))?;
    let found = match family {
        "AF_INET" => (between(line, "inet_addr(\"", "\""), between(line, "sin_port=htons(", ")")),
        "AF_INET6" => (between(line, "inet_pton(AF_INET6, \"", "\""), between(line, "sin6_port=htons(", ")")),
        _ => (None, None),
    };
    Some(match found {
        (Some(address), Some(port)) => format!("{address}:{port}"),
        _ => line.to_owned(),
    })
}

/// Whether a traced call opens a socket to others.
fn is_door(line: &str) -> bool {
    let call = line.split_whitespace().nth(1).unwrap_or("");
    ["bind(", "listen(", "accept(", "accept4("].iter().any(|door| call.starts_with(door))
}

#[test]
fn a_trace_is_read() {
    for (line, named) in [
        (
            "71 connect(9, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr(\"10.0.0.5\")}, 16) = 0",
            Some("10.0.0.5:443"),
        ),
        (
            "71 connect(9, {sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), \
             inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28 <unfinished ...>",
            Some("::1:53"),
        ),
        ("71 connect(9, {sa_family=AF_UNIX}, 16) = 0", Some("71 connect(9, {sa_family=AF_UNIX}, 16) = 0")),
        ("71 sendto(9, \"\\26\\3\\1\", 3, MSG_NOSIGNAL, NULL, 0) = 3", None),
    ] {
        assert_eq!(destination(line).as_deref(), named);
    }
    assert!(is_door("71 listen(9, 128) = 0") && !is_door("71 connect(9, {sa_family=AF_INET}, 16) = 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_calls_its_printer_and_its_portal_and_waits_for_nobody() {
    let strace = quiet("strace", &["-o", "/dev/null", "true"]).status().await;
    if !strace.is_ok_and(|status| status.success()) {
        println!("skipped: strace is absent or may not trace here");
        return;
    }
    let site = site().await;
    let portal = site.prepared.file.portal.trim_start_matches("https://").trim_end_matches('/').to_owned();
    // Both are named by address, so that no resolver is asked.
    let wanted = BTreeSet::from([portal, site.recorder.address.clone()]);
    for agent in ["collector", "direct"] {
        let trace = site.traced(agent).await;
        // A socket to the kernel's own tables is nobody's door.
        let lines = || trace.lines().filter(|line| !line.contains("sa_family=AF_NETLINK"));
        let doors: Vec<&str> = lines().filter(|line| is_door(line)).collect();
        assert_eq!(doors, Vec::<&str>::new(), "{agent}");
        let called: BTreeSet<String> = lines().filter_map(destination).collect();
        assert_eq!(called, wanted, "{agent}");
    }
}
