//! What comes of asking a printer that means harm, or is broken: the reading ends in time and memory, the rest
//! is kept, and a defect or an error names what was wrong. Here are also the good printers of the other tests.

use crate::behaviours::{self, COMMUNITY, Case, DATAGRAMS_UNHEARD, Ends, Hostile, Named, SERIAL};
use crate::site::{MODEL, site_of};
use agent::{Access, AskError, Asked, Collector, Config, Patience, SnmpAccess, ask};
use protocol::receipt::Participation;
use report::Instant;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::server::TlsStream;

/// Each deadline is far enough from the next one that a reading which the next one ends comes too late.
const PATIENCE: Patience = Patience {
    pause: Duration::ZERO,
    connect: Duration::from_secs(3),
    idle: Duration::from_secs(3),
    answer: Duration::from_secs(15),
    reading: Duration::from_secs(300),
};
/// The time for a reading that nothing else ends.
const SHORT_READING: Duration = Duration::from_secs(8);
/// What a busy machine may need beyond a deadline.
const GRACE: Duration = Duration::from_secs(10);
/// What it may need for the bytes themselves, where no deadline comes first.
const BYTES: Duration = Duration::from_secs(20);
/// Known printers that a collector reads at the same time.
const PLACES: usize = 8;
/// Printers that hold their readings up, each in its own way; the last one longest.
const SLOW: [&str; 6] = [
    "takes the connection and says nothing",
    "drips its handshake",
    "hears the request and says nothing",
    "drips the head of its answer",
    "stops in the middle of a body",
    "drips its body",
];
/// Hostile printers that are asked at the same time.
const AT_ONCE: usize = 4;
/// Bytes that fit buffers on the way, beyond what may be read of one answer.
const SENT_BYTES_MAX: u64 = 40_000_000;
/// Datagrams of one reading: a walk of 20 000 variables, one by one, and then some.
const DATAGRAMS_MAX: u64 = 25_000;

/// How gently a printer is asked that ends so.
fn patience(ends: Ends) -> Patience {
    match ends {
        Ends::Reading => Patience { reading: SHORT_READING, ..PATIENCE },
        Ends::AtOnce | Ends::Connect | Ends::Idle | Ends::Unheard | Ends::Answer => PATIENCE,
    }
}

/// The time after which a reading must be over.
fn deadline(ends: Ends) -> Duration {
    let own = match ends {
        Ends::AtOnce => return BYTES,
        Ends::Connect => PATIENCE.connect,
        Ends::Idle => PATIENCE.idle,
        Ends::Unheard => PATIENCE.idle * DATAGRAMS_UNHEARD,
        Ends::Answer => PATIENCE.answer,
        Ends::Reading => SHORT_READING,
    };
    own + GRACE
}

/// Asks the printer of a case by every interface that it has.
async fn ask_case(case: &'static Case) -> (Hostile, Option<Result<Asked, AskError>>) {
    let hostile = Hostile::start(case).await;
    let community = COMMUNITY.to_owned();
    let access = Access {
        ipp_ports: hostile.ipp_port.into_iter().collect(),
        snmp: hostile.snmp_port.map(|_| SnmpAccess::V2c { community }),
        snmp_port: hostile.snmp_port.unwrap_or(161),
        ..Access::default()
    };
    let asking = ask(&hostile.address, &access, Instant(1_793_448_000_000), patience(case.ends));
    let came = tokio::time::timeout(deadline(case.ends), asking).await.ok();
    (hostile, came)
}

/// What was wrong with how a case was met; `None` where nothing was.
async fn complaint(case: &'static Case) -> Option<String> {
    let (hostile, came) = ask_case(case).await;
    let odd = match (case.named, came) {
        (_, None) => "was not left by its deadline".to_owned(),
        (Named::Error(words), Some(Err(error))) if error.to_string().contains(words) => String::new(),
        (Named::Defect(words), Some(Ok(asked))) => not_named(&asked, words),
        (_, Some(Err(error))) => format!("came to the error {error}"),
        (Named::Error(_), Some(Ok(asked))) => format!("was read: {:?}", asked.defects),
    };
    let requests = hostile.requests();
    let writes = requests.iter().find(|line| !line.starts_with("GET /") && !line.starts_with("POST /ipp/print "));
    let odd = match (odd.is_empty(), writes) {
        (false, _) => odd,
        (true, Some(line)) => format!("was asked {line}"),
        (true, None) if hostile.sent_bytes() > SENT_BYTES_MAX => format!("sent {} bytes", hostile.sent_bytes()),
        (true, None) if hostile.datagrams() > DATAGRAMS_MAX => format!("was asked {} times", hostile.datagrams()),
        (true, None) => return None,
    };
    Some(format!("{}: a printer that {} {odd}", case.interface(), case.name))
}

/// Why a reading does not say `words` and who the printer is; empty where it does.
fn not_named(asked: &Asked, words: &str) -> String {
    let of_jobs = asked.report.jobs.iter().flat_map(|(_, defects)| defects);
    if asked.report.configuration.serial_number.as_deref() != Some(SERIAL) {
        "was not known any more".to_owned()
    } else if asked.defects.iter().chain(of_jobs).any(|defect| defect.what.contains(words)) {
        String::new()
    } else {
        format!("has no defect with {words:?}: {:?}", asked.defects)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_hostile_printer_is_named_within_its_deadline_and_only_ever_read() {
    let cases: Vec<&'static Case> = behaviours::all().collect();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let (mut waiting, mut running, mut complaints) = (cases.into_iter(), JoinSet::new(), Vec::new());
    loop {
        while running.len() < AT_ONCE {
            let Some(case) = waiting.next() else { break };
            running.spawn(complaint(case));
        }
        match running.join_next().await {
            None => break,
            Some(said) => complaints.extend(said.expect("no reading panics")),
        }
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// A collector reads hostile printers of these names, and behind them a healthy one, until that one is read.
async fn until_the_healthy_one_is_read(names: &[&str]) {
    let mut site = site_of(vec![identity(MODEL, "CN1")], Participation::All).await;
    let healthy = site.printers.remove(0);
    let mut printers = String::new();
    let mut hostile = Vec::new();
    for name in names {
        let case = behaviours::all().find(|case| case.name == *name).expect("a case of this name");
        let printer = Hostile::start(case).await;
        printers.push_str(&format!("[[printer]]\naddress = \"{}\"\n", printer.address));
        hostile.push(printer);
    }
    printers.push_str(&format!("[[printer]]\naddress = \"{}\"\n", healthy.address));
    // Without IPP, which this machine itself may speak.
    let text = format!("state = {:?}\npause_ms = 0\n{printers}[interfaces]\nipp_ports = []\n", site.state());
    let config = || Config::parse(&text).expect("valid");
    let collector = Collector::open(config(), site.surroundings()).expect("opens");
    let beside = Collector::look(config(), site.surroundings()).expect("looks");
    let healthy_is_read = async {
        loop {
            let status = beside.status().expect("a status");
            let of_healthy = status.printers.iter().find(|printer| printer.address == healthy.address);
            if of_healthy.is_some_and(|printer| printer.read_at.is_some()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        // A round ends when every printer was left, so that it ends after the first of the deadlines.
        round = collector.once() => panic!("the hostile printers were waited for: {round:?}"),
        () = healthy_is_read => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_healthy_printer_is_read_while_hostile_ones_beside_it_still_hold_their_readings_up() {
    const { assert!(SLOW.len() < PLACES) };
    until_the_healthy_one_is_read(&SLOW).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_hostile_printers_than_places_delay_a_healthy_one_no_longer_than_the_first_of_them_take() {
    let names = [&SLOW[..], &[SLOW[0]; 4]].concat();
    assert!(names.len() > PLACES);
    // Those that take no request are left by the deadline for a connection. Asked one after another, or all to the
    // end before the next, they would hold the healthy one up longer than this.
    let usual = Patience::default();
    let bound = usual.connect + GRACE;
    assert!(bound < usual.answer);
    let read = tokio::time::timeout(bound, until_the_healthy_one_is_read(&names)).await;
    assert!(read.is_ok(), "the healthy printer waited longer than {bound:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Printer::good(identity(MODEL, "CN2")).await;
    let location = format!("https://{}/LFPWebServices/PI/InkSystem.json", elsewhere.address);
    let redirect = Some(("/InkSystem.json".to_owned(), location));
    let printer = Printer::serve("127.0.0.1:0", identity(MODEL, "CN1"), redirect).await;
    let asked = ask(&printer.address, &Access::default(), Instant(0), PATIENCE).await.expect("the rest is read");
    assert_eq!(asked.report.configuration.serial_number.as_deref(), Some("CN1"));
    assert!(asked.defects.iter().any(|defect| defect.what.contains(&elsewhere.address)), "{:?}", asked.defects);
    assert_eq!(elsewhere.requests(), 0);
}

#[tokio::test]
async fn what_is_no_printer_gets_one_request_of_each_web_interface() {
    let web = drivers::DRIVERS.iter().filter(|driver| driver.channel == drivers::Channel::Web).count();
    let host = Printer::good(Documents::new()).await;
    let error = ask(&host.address, &Access::default(), Instant(0), PATIENCE).await.expect_err("no printer");
    assert!(error.to_string().contains("no driver recognises"), "{error}");
    assert_eq!(host.requests(), web);
    assert!(host.methods().iter().all(|method| method == "GET"), "{:?}", host.methods());
}

#[tokio::test]
async fn a_closed_port_is_said_in_words() {
    let error = ask("127.0.0.1:1", &Access::default(), Instant(0), PATIENCE).await.expect_err("closed");
    assert!(error.to_string().contains("could not be reached over HTTPS"), "{error}");
}

/// A printer that does nothing wrong.
pub(crate) struct Printer {
    pub(crate) address: String,
    /// The requests so far, by their first lines.
    lines: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// What a printer serves: the end of each path and the document there.
pub(crate) type Documents = BTreeMap<String, String>;

/// The end of a path, and where a request for it is sent on to.
type Redirect = (String, String);

/// The documents of a printer that says only who it is.
pub(crate) fn identity(product: &str, serial: &str) -> Documents {
    let fields = format!(r#"{{"ModelName":"{product}","PartNumber":"L2Y21A","SerialNumber":"{serial}"}}"#);
    [("/Identification.json".to_owned(), format!(r#"{{"Identification":{{"Fields":{fields}}}}}"#))].into()
}

impl Printer {
    /// Starts it on loopback.
    pub(crate) async fn good(documents: Documents) -> Printer {
        Printer::serve("127.0.0.1:0", documents, None).await
    }

    /// The same at another address of this machine.
    pub(crate) async fn at(address: std::net::IpAddr, documents: Documents) -> Printer {
        Printer::serve(&std::net::SocketAddr::new(address, 0).to_string(), documents, None).await
    }

    /// The printer is replaced by another one with the same documents at the same address.
    pub(crate) async fn replaced(self, documents: Documents) -> Printer {
        self.task.abort();
        // The task ends with an error, which is that it was aborted.
        let _aborted = self.task.await;
        Printer::serve(&self.address, documents, None).await
    }

    async fn serve(at: &str, documents: Documents, redirect: Option<Redirect>) -> Printer {
        let acceptor = behaviours::acceptor();
        let listener = TcpListener::bind(at).await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (noted, served) = (lines.clone(), Arc::new((documents, redirect)));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, served, noted) = (acceptor.clone(), served.clone(), noted.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        // The client hangs up whenever it has had enough.
                        let _hung_up = answer(stream, &served.0, served.1.as_ref(), &noted).await;
                    }
                });
            }
        });
        Printer { address, lines, task }
    }

    pub(crate) fn requests(&self) -> usize {
        self.lines.lock().expect("not poisoned").len()
    }

    pub(crate) fn methods(&self) -> Vec<String> {
        let lines = self.lines.lock().expect("not poisoned");
        lines.iter().map(|line| line.split(' ').next().unwrap_or("").to_owned()).collect()
    }
}

async fn answer(
    mut stream: TlsStream<TcpStream>,
    documents: &Documents,
    redirect: Option<&Redirect>,
    noted: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let line = String::from_utf8_lossy(&head).lines().next().unwrap_or("").to_owned();
        head.clear();
        let path = line.split(' ').nth(1).unwrap_or("").to_owned();
        noted.lock().expect("not poisoned").push(line);
        let document = documents.iter().find(|(end, _)| path.ends_with(end.as_str()));
        let bytes = match (redirect.filter(|(end, _)| path.ends_with(end.as_str())), document) {
            (Some((_, location)), _) => {
                format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n").into_bytes()
            }
            (None, Some((_, document))) => behaviours::answer("200 OK", "application/json", document.as_bytes()),
            (None, None) => behaviours::answer("404 Not Found", "text/plain", b""),
        };
        stream.write_all(&bytes).await?;
        stream.flush().await?;
    }
}
