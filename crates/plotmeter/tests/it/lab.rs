//! What the labs share: a portal in this process under a clock of the test's own, enrolled desks, printers
//! that never say a job twice, HTTP by hand, and a look into the portal's database.
//!
//! Deliberately absent: sleeping, and any belief in a desk that the database does not bear out.

use crate::world::{START, TestClock, sqlite, surroundings, tenant};
use agent::{Desk, DeskOptions, Inbound, Invitation, Outbound, ReadFrom, Started, Turn};
use portal::setup::{self, NewReseller};
use portal::{Db, Portal, PortalKeys, Target};
use protocol::enrol::EnrolmentFile;
use protocol::message::{AgentKind, Beat};
use protocol::package::{self, Manner, Split, Timestamps};
use report::sample::{self, Rng};
use report::{Area, Duration, Grade, Ink, Instant, JobKind, Personal, Report, Surroundings};
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A portal with one reseller and one customer.
pub(crate) struct Lab {
    /// First, so that it ends before the portal whose work runs on it.
    pub(crate) runtime: Runtime,
    pub(crate) portal: Portal,
    pub(crate) reseller: NewReseller,
    pub(crate) customer: i64,
    pub(crate) clock: TestClock,
    pub(crate) around: Surroundings,
    pub(crate) probe: Probe,
    pub(crate) folder: TempDir,
}

impl Lab {
    /// A lab on a new SQLite file. `authority` is what agents call the portal.
    pub(crate) fn sqlite(authority: &str, ca: Option<String>, seed: u64) -> Lab {
        let folder = tempfile::tempdir().expect("a folder");
        let target = sqlite(folder.path());
        Lab::on(&target, folder, authority, ca, seed)
    }

    /// A lab on an empty database.
    pub(crate) fn on(target: &Target, folder: TempDir, authority: &str, ca: Option<String>, seed: u64) -> Lab {
        // The second lab of a process finds it installed.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let clock = TestClock::at(START);
        let around = surroundings(clock.clock(), seed);
        let settings = portal::config::Settings {
            agents_authority: authority.to_owned(),
            agents_ca: ca,
            ..portal::config::Settings::default()
        };
        let db = Db::open(target).expect("opens");
        let keys = PortalKeys::load(&folder.path().join("keys.json"), &db, &around).expect("keys");
        let portal = Portal::new(settings, db, keys, around.clone()).expect("starts");
        let (reseller, customer) = tenant(&portal);
        let (runtime, probe) = (runtime.expect("a runtime"), Probe::open(target));
        Lab { runtime, portal, reseller, customer, clock, around, probe, folder }
    }

    /// Serves what agents use over plain HTTP on loopback; gives its address.
    pub(crate) fn serve_plain(&self) -> String {
        let routes = self.portal.agents_api();
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        self.runtime.spawn(async move { axum::serve(listener, routes).await });
        address
    }

    /// Enrols an agent in a new state folder, through whoever carries; it has yet to confirm.
    pub(crate) fn enrol(&self, state: &Path, carry: impl FnOnce(&Outbound) -> Inbound) -> (Desk, EnrolmentFile) {
        let file = setup::enrolment(&self.portal, &self.reseller, self.customer).expect("a file");
        let invitation = Invitation::File(file.clone());
        let kind = AgentKind::Collector;
        let (started, request) =
            Started::file(&invitation, "pc-7", kind, None, None, &self.around).expect("an enrolment");
        started.answered(&carry(&request)).expect("the portal").keep(state).expect("kept");
        (self.desk(state), file)
    }

    /// Opens the desk of a state folder.
    pub(crate) fn desk(&self, state: &Path) -> Desk {
        Desk::open(state, self.around.clone(), DeskOptions::default()).expect("opens")
    }

    /// What a desk says next, at the time when it may; `None` when it is idle.
    pub(crate) fn next(&self, desk: &mut Desk) -> Option<Box<Outbound>> {
        for _ in 0..100 {
            match desk.turn().expect("a turn") {
                Turn::Send(request) => return Some(request),
                Turn::Idle => return None,
                Turn::Wait(until) => self.wait(until),
            }
        }
        panic!("it waits again and again");
    }

    /// Moves the clock forward to `until`.
    pub(crate) fn wait(&self, until: Instant) {
        let now = self.clock.now();
        assert!(until > now, "waits for what is over");
        self.clock.forward(until.since(now));
    }

    /// Has a desk keep what a printer says now; gives the keys of the jobs that were new.
    pub(crate) fn append(&self, desk: &mut Desk, source: &mut Source, jobs: i64, name: Option<&str>) -> Vec<String> {
        let now = self.clock.now();
        let split = source.split(desk, now, jobs, name);
        let read = ReadFrom { address: &source.address, now, fingerprint: None, defects: 0 };
        let appended = desk.append(&split, read).expect("appended");
        assert_eq!((appended.jobs, appended.too_large, appended.full), (split.jobs.len(), 0, false));
        split.jobs.into_iter().map(|(key, _)| key).collect()
    }
}

/// What an agent says of itself.
pub(crate) fn beat() -> Beat {
    Beat { version: "1".to_owned(), host: "pc-7".to_owned(), interval_minutes: 180, ..Beat::default() }
}

/// A printer that has new jobs whenever it is asked.
pub(crate) struct Source {
    pub(crate) report: Report,
    address: String,
    rng: Rng,
}

impl Source {
    pub(crate) fn new(number: u64) -> Source {
        let mut report = sample::report(number);
        report.configuration.serial_number = Some(format!("CN{number:06}"));
        Source { report, address: format!("192.0.2.{}", number % 250), rng: Rng::new(number ^ 0x5eed) }
    }

    /// What it says at `now`, with so many jobs that it never said before. A job has no name under the
    /// default policy; `name` is for those who look for it.
    pub(crate) fn split(&mut self, desk: &Desk, now: Instant, jobs: i64, name: Option<&str>) -> Split {
        self.report.read_at = now;
        self.report.jobs.clear();
        for index in 0..jobs {
            let mut job = sample::job(&mut self.rng, JobKind::Print);
            job.personal = Personal { name: name.map(str::to_owned), ..Personal::default() };
            let print = job.print.as_mut().expect("a print job");
            let time = print.time_to_print.expect("a sample has it");
            let finished = now.0 - (jobs - index) * 20_000;
            print.printed_at = Some(Instant(finished - time.0));
            self.report.jobs.push((job, Vec::new()));
        }
        self.grow(jobs);
        let seen = desk.mark().expect("read");
        let manner = Manner { grade: Grade::B, seen, timestamps: Timestamps::Minute };
        package::records(&self.report, &[], manner).expect("it names itself")
    }

    /// Its counters rise with what it prints.
    fn grow(&mut self, jobs: i64) {
        if jobs == 0 {
            return;
        }
        let rng = &mut self.rng;
        let usage = &mut self.report.usage;
        usage.jobs = usage.jobs.map(|count| count + jobs);
        usage.pages = usage.pages.map(|count| count + jobs);
        usage.media_area = usage.media_area.map(|area| Area(area.0 + jobs * rng.between(62_370, 3_000_000)));
        for cartridge in &mut usage.cartridge_types {
            let used = jobs * rng.between(10_000, 4_000_000);
            cartridge.ink = cartridge.ink.map(|ink| Ink(ink.0 + used));
            cartridge.ink_genuine = cartridge.ink_genuine.map(|ink| Ink(ink.0 + used));
            usage.ink = usage.ink.map(|ink| Ink(ink.0 + used));
        }
    }
}

/// A look into the portal's database.
pub(crate) enum Probe {
    Sqlite(rusqlite::Connection),
    Postgres(Box<postgres::Client>),
}

impl Probe {
    fn open(target: &Target) -> Probe {
        match target {
            Target::Sqlite(path) => Probe::Sqlite(rusqlite::Connection::open(path).expect("opens")),
            Target::Postgres(config) => {
                Probe::Postgres(Box::new(postgres::Client::connect(config, postgres::NoTls).expect("connects")))
            }
        }
    }

    /// The one `bigint` that a query gives.
    pub(crate) fn int(&mut self, sql: &str) -> i64 {
        match self {
            Probe::Sqlite(connection) => connection.query_row(sql, [], |row| row.get(0)).expect("a number"),
            Probe::Postgres(client) => client.query_one(sql, &[]).expect("a row").get(0),
        }
    }

    /// The texts of a query's only column.
    pub(crate) fn texts(&mut self, sql: &str) -> Vec<String> {
        match self {
            Probe::Sqlite(connection) => {
                let mut statement = connection.prepare(sql).expect("a query");
                let rows = statement.query_map([], |row| row.get(0)).expect("rows");
                rows.map(|text| text.expect("a text")).collect()
            }
            Probe::Postgres(client) => client.query(sql, &[]).expect("rows").iter().map(|row| row.get(0)).collect(),
        }
    }

    /// The bytes of the package that an agent sent under a number, decompressed.
    pub(crate) fn package(&mut self, agent: &str, sequence: i64) -> String {
        let sql = format!("select body from package where agent_id = '{agent}' and sequence = {sequence}");
        let body: Vec<u8> = match self {
            Probe::Sqlite(connection) => connection.query_row(&sql, [], |row| row.get(0)).expect("a body"),
            Probe::Postgres(client) => client.query_one(&sql, &[]).expect("a row").get(0),
        };
        String::from_utf8(package::decompress(&body).expect("ours")).expect("JSON")
    }
}

/// A request as it stands on a wire.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Post {
    pub(crate) fn of(sent: &Outbound) -> Post {
        let headers = sent.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Post { path: sent.path.to_owned(), headers, body: sent.body.clone() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value.as_str())
    }

    /// The bytes of an HTTP/1.1 request.
    pub(crate) fn bytes(&self, authority: &str) -> Vec<u8> {
        let first = format!("POST {} HTTP/1.1\r\nhost: {authority}\r\n", self.path);
        let last = format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len());
        [first.into_bytes(), header_lines(&self.headers), last.into_bytes(), self.body.clone()].concat()
    }
}

/// Header lines, without those that say how the message is carried.
pub(crate) fn header_lines(headers: &[(String, String)]) -> Vec<u8> {
    let carried = ["content-length", "transfer-encoding", "connection", "host"];
    let own = headers.iter().filter(|(name, _)| !carried.contains(&name.as_str()));
    own.flat_map(|(name, value)| format!("{name}: {value}\r\n").into_bytes()).collect()
}

/// Says a whole request and hears until the other end closes; `None` when no whole answer came.
pub(crate) async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> Option<Inbound> {
    stream.write_all(request).await.ok()?;
    stream.flush().await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    parse(&answer)
}

/// Where a head ends, behind its empty line.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    Some(bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4)
}

/// The header lines of a head; names in lower case.
pub(crate) fn headers_of(head: &str) -> Vec<(String, String)> {
    let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned())).collect()
}

fn parse(answer: &[u8]) -> Option<Inbound> {
    let end = head_end(answer)?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let (headers, body) = (headers_of(head), answer[end..].to_vec());
    let (_, length) = headers.iter().find(|(name, _)| name == "content-length")?;
    (length.parse::<usize>() == Ok(body.len())).then_some(Inbound { status, headers, body })
}

/// Bytes of both heads and bodies, as the budget counts them.
pub(crate) fn bytes_said(sent: &Outbound, answer: &Inbound) -> u64 {
    let up: usize = sent.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let down: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let heads = sent.path.len() + sent.authority.len() + 64 + up + 32 + down;
    u64::try_from(heads + sent.body.len() + answer.body.len()).expect("small")
}

/// Hours as a duration reads.
pub(crate) fn hours(span: Duration) -> String {
    format!("{}:{:02} h", span.0 / 3_600_000, span.0 / 60_000 % 60)
}
