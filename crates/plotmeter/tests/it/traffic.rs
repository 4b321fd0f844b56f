//! Bytes on the wire, counted by a relay between a real desk and a real portal with real TLS 1.3.
//!
//! What is counted for an exchange: the TCP payload of both directions, 40 bytes of IP and TCP header for
//! each segment of at most 1 448 bytes, 40 for a bare acknowledgement of each two segments, and seven bare
//! packets for opening and closing. Each exchange is a connection of its own without session resumption, and the
//! portal's certificate is as long as a public chain, so that the figures are those of the worst case.
//!
//! ```text
//! cargo test -p plotmeter traffic -- --nocapture
//! ```
//!
//! Deliberately absent: lost packets, which no budget can know.

use crate::lab::{Lab, Source, beat, hours};
use crate::world::provider;
use agent::budget::{ALERT_RESERVE, CATCH_UP, WINDOW_BYTES};
use agent::{Desk, Inbound, Outbound, Turn};
use protocol::Hex;
use protocol::package::Package;
use report::{Duration, Instant, Share};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Payload of a segment on Ethernet with timestamps.
const SEGMENT: usize = 1_448;
/// IP and TCP headers of a packet.
const HEADERS: u64 = 40;
/// Bare packets that open and close a connection.
const BARE: u64 = 7;
/// One printer's 19 jobs: the sealed request with its HTTP head.
const REQUEST_MAX: usize = 8_000;
const PRINTERS: u64 = 20;
const JOBS: i64 = 19;
const HALF_HOUR: Duration = Duration::minutes(30);
/// What is older than this is caught up with.
const OLD: Duration = Duration::hours(6);

/// What one connection carried.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    payload: u64,
    segments: u64,
}

impl Counted {
    fn wire(self) -> u64 {
        self.payload + HEADERS * (self.segments + self.segments.div_ceil(2) + BARE)
    }
}

/// Passes connections on, and says of each what it carried when both its ends are closed.
async fn relay(listener: TcpListener, to: SocketAddr, ended: UnboundedSender<Counted>) {
    while let Ok((agent, _)) = listener.accept().await {
        let ended = ended.clone();
        tokio::spawn(async move {
            let portal = TcpStream::connect(to).await.expect("the portal listens");
            let ((agent_read, agent_write), (portal_read, portal_write)) = (agent.into_split(), portal.into_split());
            let (up, down) = tokio::join!(count(agent_read, portal_write), count(portal_read, agent_write));
            let counted = Counted { payload: up.payload + down.payload, segments: up.segments + down.segments };
            // Nobody listens any more when the test is over.
            let _over = ended.send(counted);
        });
    }
}

async fn count(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) -> Counted {
    let (mut counted, mut block) = (Counted::default(), vec![0; 64 * 1024]);
    while let Ok(length @ 1..) = from.read(&mut block).await {
        counted.payload += u64::try_from(length).expect("small");
        counted.segments += u64::try_from(length.div_ceil(SEGMENT)).expect("small");
        if to.write_all(&block[..length]).await.is_err() {
            break;
        }
    }
    // The other end may have gone already.
    let _gone = to.shutdown().await;
    counted
}

/// A certificate for 127.0.0.1, as long as a public one with its chain: (certificate PEM, key PEM).
fn long_certificate() -> (String, String) {
    let mut names: Vec<String> = (0..90).map(|number| format!("printers-of-site-{number:03}.portal.example")).collect();
    names.push("127.0.0.1".to_owned());
    let key = rcgen::KeyPair::generate().expect("a key");
    let parameters = rcgen::CertificateParams::new(names).expect("names");
    let certificate = parameters.self_signed(&key).expect("signed");
    assert!((3_000..6_000).contains(&certificate.der().len()), "{} bytes", certificate.der().len());
    (certificate.pem(), key.serialize_pem())
}

/// A desk, its portal behind TLS, and the relay between them.
struct Line {
    lab: Lab,
    desk: Desk,
    state: PathBuf,
    tls: rustls::ClientConfig,
    ended: UnboundedReceiver<Counted>,
}

impl Line {
    fn new(seed: u64) -> Line {
        let bind = || std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let (front, pages, agents) = (bind(), bind(), bind());
        let authority = front.local_addr().expect("bound").to_string();
        let to = agents.local_addr().expect("bound");
        let (certificate, key) = long_certificate();
        let lab = Lab::sqlite(&authority, Some(certificate.clone()), seed);
        let portal = lab.portal.clone();
        let tls = client(&certificate);
        let served = portal::Tls { certificates: certificate.into_bytes(), key: key.into_bytes() };
        lab.runtime.spawn(async move {
            let listeners = portal::Listeners { pages, agents };
            portal::serve(&portal, listeners, &served, std::future::pending::<()>()).await
        });
        let (sender, mut ended) = unbounded_channel();
        front.set_nonblocking(true).expect("set");
        lab.runtime.spawn(async move { relay(TcpListener::from_std(front).expect("a socket"), to, sender).await });
        let state = lab.folder.path().join("state");
        let (mut desk, _) = lab.enrol(&state, |request| exchange(&lab, &tls, &mut ended, request).0);
        let confirm = lab.next(&mut desk).expect("a confirmation");
        let (answer, _) = exchange(&lab, &tls, &mut ended, &confirm);
        desk.answered(&confirm, &answer).expect("an outcome");
        lab.clock.forward(Duration::hours(1));
        Line { lab, desk, state, tls, ended }
    }

    fn append(&mut self, printer: &mut Source, jobs: i64) {
        self.lab.append(&mut self.desk, printer, jobs, None);
    }

    /// Carries a request and its answer; gives what was counted.
    fn carry(&mut self, request: &Outbound) -> Counted {
        let (answer, counted) = exchange(&self.lab, &self.tls, &mut self.ended, request);
        self.desk.answered(request, &answer).expect("an outcome");
        counted
    }

    /// The only request that the desk has now.
    fn once(&mut self) -> (Box<Outbound>, Counted) {
        let request = self.lab.next(&mut self.desk).expect("a request");
        let counted = self.carry(&request);
        assert!(self.lab.next(&mut self.desk).is_none(), "one request says it all");
        (request, counted)
    }

    /// What the desk's budget notes for the last minute in which it spent anything.
    fn charged(&self) -> u64 {
        let spool = rusqlite::Connection::open(self.state.join("spool.sqlite")).expect("the spool");
        let sql = "select text from value where name = 'budget'";
        let text: String = spool.query_row(sql, [], |row| row.get(0)).expect("a budget");
        let budget: Value = serde_json::from_str(&text).expect("JSON");
        let last = budget["spent"].as_array().expect("a list").last().expect("something was spent").clone();
        last["ordinary"].as_u64().expect("a number") + last["alerts"].as_u64().expect("a number")
    }
}

fn client(certificate: &str) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")).expect("an authority");
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    config
}

/// One connection with one request, as agents make them.
fn exchange(
    lab: &Lab,
    tls: &rustls::ClientConfig,
    ended: &mut UnboundedReceiver<Counted>,
    request: &Outbound,
) -> (Inbound, Counted) {
    lab.runtime.block_on(async {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client");
        let mut post = client.post(format!("https://{}{}", request.authority, request.path));
        for (name, value) in &request.headers {
            post = post.header(*name, value.as_str());
        }
        let response = post.body(request.body.clone()).send().await.expect("answered");
        let status = response.status().as_u16();
        let text = |value: &reqwest::header::HeaderValue| value.to_str().expect("text").to_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let body = response.bytes().await.expect("a body").to_vec();
        drop(client);
        let counted = ended.recv().await.expect("the connection ends with its client");
        (Inbound { status, headers, body }, counted)
    })
}

/// Bytes of request line, headers and body.
fn request_bytes(request: &Outbound) -> usize {
    let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let line = format!("POST {} HTTP/1.1\r\naccept: */*\r\nhost: {}\r\n", request.path, request.authority);
    let end = format!("content-length: {}\r\n\r\n", request.body.len());
    line.len() + headers + end.len() + request.body.len()
}

#[test]
fn one_printer_with_19_jobs_stays_below_8_kilobytes_and_the_budget_counts_no_less_than_the_wire() {
    let mut line = Line::new(41);
    let mut printer = Source::new(1);
    for (what, jobs) in [("the first reading", 0), ("19 jobs", JOBS), ("19 more jobs", JOBS)] {
        line.lab.clock.forward(Duration::hours(1));
        line.append(&mut printer, jobs);
        let (request, counted) = line.once();
        let (said, wire, charged) = (request_bytes(&request), counted.wire(), line.charged());
        let Counted { payload, segments } = counted;
        println!("{what}: request {said}, payload {payload} in {segments} segments, wire {wire}, charged {charged}");
        assert!(charged >= wire, "{what}: {charged} were charged and {wire} counted");
        assert!(jobs == 0 || said <= REQUEST_MAX, "{what}: the request has {said} bytes");
    }
}

/// An exchange that was counted.
struct Noted {
    at: Instant,
    wire: u64,
    catches_up: bool,
}

/// What the day showed.
#[derive(Default)]
struct Day {
    noted: Vec<Noted>,
    most_waiting: u64,
    oldest: Duration,
    ordinary_window: u64,
}

impl Day {
    /// Notes an exchange, and that the last 30 minutes hold no more than they may.
    fn note(&mut self, noted: Noted) {
        let (at, limit) = (noted.at, if noted.catches_up { CATCH_UP } else { WINDOW_BYTES });
        let catches_up = noted.catches_up;
        self.noted.push(noted);
        let recent = self.noted.iter().rev().take_while(|noted| at.since(noted.at) <= HALF_HOUR);
        let window: u64 = recent.map(|noted| noted.wire).sum();
        assert!(window <= limit, "{window} bytes in the 30 minutes before {at}");
        if !catches_up {
            self.ordinary_window = self.ordinary_window.max(window);
        }
    }
}

/// Says what may be said until `end`; false when nothing is left.
fn talk_until(line: &mut Line, day: &mut Day, end: Instant) -> bool {
    loop {
        let now = line.lab.clock.now();
        let unsent = line.desk.unsent().expect("read");
        let age = unsent.oldest.map_or(Duration(0), |oldest| now.since(oldest));
        day.most_waiting = day.most_waiting.max(unsent.jobs);
        day.oldest = day.oldest.max(age);
        match line.desk.turn().expect("a turn") {
            Turn::Send(request) => {
                let wire = line.carry(&request).wire();
                day.note(Noted { at: now, wire, catches_up: age > OLD });
            }
            Turn::Wait(until) if until <= end => line.lab.wait(until),
            Turn::Wait(_) => return true,
            Turn::Idle => return false,
        }
    }
}

#[test]
fn twenty_printers_with_19_jobs_each_half_hour_keep_to_the_budget_for_a_day() {
    let mut line = Line::new(42);
    let mut printers: Vec<Source> = (1..=PRINTERS).map(Source::new).collect();
    let (mut day, start) = (Day::default(), line.lab.clock.now());
    for step in 1..=48 {
        let end = start.plus(Duration(HALF_HOUR.0 * step));
        for printer in &mut printers {
            line.append(printer, JOBS);
        }
        line.desk.ask_beat(beat());
        talk_until(&mut line, &mut day, end);
        if line.lab.clock.now() < end {
            line.lab.wait(end);
        }
    }
    let left = line.desk.unsent().expect("read").jobs;
    let sent: u64 = day.noted.iter().map(|noted| noted.wire).sum();
    let (all, fast) = (day.noted.len(), day.noted.iter().filter(|noted| noted.catches_up).count());
    println!("a day of 18240 jobs: {sent} bytes in {all} exchanges, {fast} of them at the rate of catching up");
    let Day { most_waiting, oldest, ordinary_window, .. } = &day;
    println!("at most {most_waiting} jobs waited, the oldest record for {}; {left} at the day's end", hours(*oldest));
    println!("most in 30 ordinary minutes: {ordinary_window} of {WINDOW_BYTES} ({ALERT_RESERVE} are for alerts)");
    // What does not fit waits for six hours at most before the faster rate takes over.
    assert!(day.oldest <= Duration(OLD.0 + 2 * HALF_HOUR.0), "a record waited for {}", hours(day.oldest));
    assert!(fast == 0 || day.oldest > OLD, "the faster rate is for old records");
    let end = line.lab.clock.now().plus(Duration::hours(24));
    assert!(!talk_until(&mut line, &mut day, end), "the rest goes within a day");
    let arrived = line.lab.probe.int("select count(*) from job");
    assert_eq!(arrived, i64::try_from(PRINTERS).expect("small") * JOBS * 48, "every job once");
    println!("all {arrived} jobs were there {} after the day began", hours(line.lab.clock.now().since(start)));
}

/// The sections of the youngest package, and how long its text is.
fn youngest(desk: &Desk) -> (Vec<(Hex<32>, usize)>, usize) {
    let sent = desk.sent(1).expect("read").remove(0);
    let package: Package<'_> = serde_json::from_str(&sent.json).expect("a package");
    let sections = package.sections.iter().map(|(digest, body)| (*digest, body.get().len())).collect();
    (sections, sent.json.len())
}

#[test]
fn status_and_media_lists_are_sent_again_only_when_they_changed() {
    let mut line = Line::new(43);
    let mut printer = Source::new(1);
    let mut seen = Vec::new();
    for step in 0..3 {
        line.lab.clock.forward(Duration::hours(3));
        if step == 2 {
            printer.report.status.printheads[0].health = Some(Share(1));
        }
        line.append(&mut printer, 0);
        let (_, counted) = line.once();
        let (sections, length) = youngest(&line.desk);
        println!("reading {}: {} sections, {length} bytes of text, wire {}", step + 1, sections.len(), counted.wire());
        seen.push((sections, length));
    }
    let [(first, first_length), (second, second_length), (third, _)] = seen.as_slice() else { panic!("three") };
    let bodies: usize = first.iter().map(|(_, length)| length).sum();
    assert_eq!((first.len(), second.len(), third.len()), (3, 0, 1), "sources, status and settings; none; status");
    assert!(first.iter().all(|(digest, _)| *digest != third[0].0), "the changed one is another");
    // Besides the sections, only the mark of the first receipt is new.
    assert!(second_length + bodies <= first_length + 200, "{second_length} + {bodies} against {first_length}");
}
