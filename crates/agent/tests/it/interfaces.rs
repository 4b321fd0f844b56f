//! One printer with several interfaces, over several readings: which of them is believed, whose counters are taken,
//! and who is sent a login.
//!
//! Deliberately absent: what the interfaces say beyond who the printer is and one counter, which the drivers' own
//! cases hold.

use crate::behaviours::{self, PRODUCT, Question};
use crate::hostile::Documents;
use crate::site::{MODEL, Site, site, site_of};
use agent::{Collector, Config, Round};
use protocol::receipt::Participation;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

const UUID: &str = "16fd2706-8baf-433b-82eb-8c7fada847da";
/// A printer of no supported series, whose name is as long as [`PRODUCT`].
const UNLISTED: &str = "HP OfficeJet Z999 99xx";
/// `reader:sesame` (RFC 7617).
const LOGIN: &str = "Basic cmVhZGVyOnNlc2FtZQ==";
/// How often it is looked whether a connection was closed, before it counts as open.
const LOOKS: usize = 10_000;

const TEXT: u8 = 0x41;
const URI: u8 = 0x45;
const INTEGER: u8 = 0x21;

/// An attribute of the printer by IPP: tag, name, value.
type Attribute = (u8, &'static str, Vec<u8>);

/// What a printer answers, and what it was asked.
#[derive(Default)]
struct Answers {
    /// Its web documents by the end of their path; one that begins with `https://` is a redirect.
    documents: Mutex<Documents>,
    /// What it says by IPP; nothing: there is no such printer.
    attributes: Mutex<Vec<Attribute>>,
    /// Serial number and name that it has by SNMP, where that is on.
    snmp: Mutex<Option<(&'static str, &'static str)>>,
    /// The heads of all requests.
    heads: Mutex<Vec<String>>,
    /// Connections that are open now, and the most that ever were.
    open: AtomicUsize,
    most_open: AtomicUsize,
}

impl Answers {
    /// Counts a connection, once those that were closed before it are seen to be.
    async fn opened(&self) {
        for _ in 0..LOOKS {
            if self.open.load(Ordering::SeqCst) == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
    }

    fn answer(&self, head: &str, body: &[u8]) -> Vec<u8> {
        if head.starts_with("POST ") {
            return self.operation(body);
        }
        let path = head.split(' ').nth(1).unwrap_or("");
        let documents = self.documents.lock().expect("not poisoned");
        match documents.iter().find(|(end, _)| path.ends_with(end.as_str())) {
            Some((_, location)) if location.starts_with("https://") => {
                format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n").into_bytes()
            }
            Some((_, document)) => behaviours::answer("200 OK", "application/json", document.as_bytes()),
            None => behaviours::answer("404 Not Found", "text/plain", b""),
        }
    }

    /// The answer to an IPP operation (RFC 8011 §4): the printer's attributes, and no jobs.
    fn operation(&self, body: &[u8]) -> Vec<u8> {
        const GET_PRINTER_ATTRIBUTES: &[u8] = &[0, 0x0b];
        let attributes = self.attributes.lock().expect("not poisoned");
        if attributes.is_empty() {
            return behaviours::answer("404 Not Found", "text/plain", b"");
        }
        let number = body.get(4..8).unwrap_or(&[0; 4]);
        let mut message = [&[2, 0, 0, 0][..], number, &[1]].concat();
        message.extend(attribute(0x47, "attributes-charset", b"utf-8"));
        message.extend(attribute(0x48, "attributes-natural-language", b"en"));
        if body.get(2..4) == Some(GET_PRINTER_ATTRIBUTES) {
            message.push(4);
            message.extend(attributes.iter().flat_map(|(tag, name, value)| attribute(*tag, name, value)));
        }
        message.push(3);
        behaviours::answer("200 OK", "application/ipp", &message)
    }
}

fn attribute(tag: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).expect("short").to_be_bytes();
    [&[tag][..], &length(name.as_bytes()), name.as_bytes(), &length(value), value].concat()
}

/// A printer at work, with its web server, IPP and SNMP on ports of their own.
struct Device {
    host: IpAddr,
    port: u16,
    ipp_port: u16,
    snmp_port: u16,
    certificate: Option<TlsAcceptor>,
    answers: Arc<Answers>,
    web: JoinHandle<()>,
}

impl Device {
    /// One on loopback, over TLS.
    async fn start() -> Device {
        Device::at(Ipv4Addr::LOCALHOST.into(), Some(behaviours::acceptor())).await
    }

    /// One at an address of this machine, with this certificate or without TLS.
    async fn at(host: IpAddr, certificate: Option<TlsAcceptor>) -> Device {
        let answers = Arc::new(Answers::default());
        let listener = TcpListener::bind((host, 0)).await.expect("a port");
        let ipp = TcpListener::bind((host, 0)).await.expect("a port");
        let snmp = UdpSocket::bind((host, 0)).await.expect("a port");
        let port_of = |address: std::io::Result<SocketAddr>| address.expect("bound").port();
        let (port, ipp_port) = (port_of(listener.local_addr()), port_of(ipp.local_addr()));
        let snmp_port = port_of(snmp.local_addr());
        let web = tokio::spawn(serve(listener, certificate.clone(), answers.clone()));
        tokio::spawn(serve(ipp, certificate.clone(), answers.clone()));
        tokio::spawn(answer_datagrams(snmp, answers.clone()));
        Device { host, port, ipp_port, snmp_port, certificate, answers, web }
    }

    /// As a file names it.
    fn address(&self) -> String {
        let scheme = if self.certificate.is_some() { "" } else { "http://" };
        format!("{scheme}{}:{}", self.host, self.port)
    }

    /// From now on nobody listens on the port of its web server.
    async fn web_off(&mut self) {
        self.web.abort();
        // The task ends with an error, which is that it was aborted.
        let _aborted = (&mut self.web).await;
    }

    /// The web server is there again, with this certificate.
    async fn web_on(&mut self, certificate: Option<TlsAcceptor>) {
        let listener = TcpListener::bind((self.host, self.port)).await.expect("the same port");
        self.web = tokio::spawn(serve(listener, certificate, self.answers.clone()));
    }

    /// What its web server has from now on.
    fn has(&self, documents: Documents) {
        *self.answers.documents.lock().expect("not poisoned") = documents;
    }

    /// What it says by IPP from now on, beside its name.
    fn says_by_ipp(&self, more: Vec<Attribute>) {
        let name = (TEXT, "printer-make-and-model", MODEL.as_bytes().to_vec());
        *self.answers.attributes.lock().expect("not poisoned") = [vec![name], more].concat();
    }

    /// Who it says that it is by SNMP from now on.
    fn is_by_snmp(&self, serial: &'static str, product: &'static str) {
        *self.answers.snmp.lock().expect("not poisoned") = Some((serial, product));
    }

    /// The heads of all requests so far.
    fn heads(&self) -> Vec<String> {
        self.answers.heads.lock().expect("not poisoned").clone()
    }

    /// How often a path was asked.
    fn asked(&self, path: &str) -> usize {
        self.heads().iter().filter(|head| head.split(' ').nth(1) == Some(path)).count()
    }

    /// The first lines of the requests that bore the login.
    fn logins(&self) -> Vec<String> {
        let mut heads = self.heads();
        heads.retain(|head| field(head, "authorization").is_some());
        assert!(heads.iter().all(|head| field(head, "authorization") == Some(LOGIN)));
        heads.iter().map(|head| head.lines().next().unwrap_or("").to_owned()).collect()
    }

    /// The file of a collector that lists it. `interfaces` goes into that part.
    fn config(&self, site: &Site, interfaces: &str) -> Config {
        let listed = format!("[[printer]]\naddress = \"{}\"\n", self.address());
        let allow = "[allow]\nplain_http = true\n";
        site.config_with("", &format!("{listed}{allow}[interfaces]\nipp_ports = [{}]\n{interfaces}", self.ipp_port))
    }

    fn collector(&self, site: &Site, interfaces: &str) -> Collector {
        Collector::open(self.config(site, interfaces), site.surroundings()).expect("opens")
    }

    /// What turns SNMP on.
    fn snmp(&self) -> String {
        format!("snmp = \"v2c\"\nsnmp_port = {}\n", self.snmp_port)
    }
}

/// A field of a request's head.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

async fn serve(listener: TcpListener, certificate: Option<TlsAcceptor>, answers: Arc<Answers>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (certificate, answers) = (certificate.clone(), answers.clone());
        tokio::spawn(async move {
            answers.opened().await;
            // Whoever asks hangs up whenever it has had enough.
            let _hung_up = match certificate {
                Some(certificate) => match certificate.accept(socket).await {
                    Ok(stream) => converse(stream, &answers).await,
                    Err(error) => Err(error),
                },
                None => converse(socket, &answers).await,
            };
            answers.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, answers: &Answers) -> std::io::Result<()> {
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
        let text = String::from_utf8_lossy(&head).into_owned();
        head.clear();
        let length = field(&text, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let answer = answers.answer(&text, &body);
        answers.heads.lock().expect("not poisoned").push(text);
        stream.write_all(&answer).await?;
        stream.flush().await?;
    }
}

async fn answer_datagrams(socket: UdpSocket, answers: Arc<Answers>) {
    let mut datagram = vec![0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
        let said = *answers.snmp.lock().expect("not poisoned");
        let question = datagram.get(..length).and_then(Question::read);
        if let (Some((serial, product)), Some(question)) = (said, question) {
            // Whoever asked may be gone.
            let _gone = socket.send_to(&named(question.good(serial), product), from).await;
        }
    }
}

/// The same bytes with another product's name, as long as the usual one.
fn named(mut bytes: Vec<u8>, product: &str) -> Vec<u8> {
    let (usual, length) = (PRODUCT.as_bytes(), PRODUCT.len());
    for at in 0..bytes.len().saturating_sub(length) {
        if bytes[at..].starts_with(usual) && product.len() == length {
            bytes[at..at + length].copy_from_slice(product.as_bytes());
        }
    }
    bytes
}

/// The web documents of a printer that says this of itself.
fn documents(fields: &[(&str, &str)]) -> Documents {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    let identification = format!("{{\"Identification\":{{\"Fields\":{{{}}}}}}}", fields.join(","));
    [("/Identification.json".to_owned(), identification)].into()
}

fn uuid() -> Attribute {
    (URI, "printer-uuid", format!("urn:uuid:{UUID}").into_bytes())
}

fn pages(number: i32) -> Attribute {
    (INTEGER, "printer-impressions-completed", number.to_be_bytes().to_vec())
}

/// A site without printers of its own, in which these take part.
async fn site_with(serials: &[&str]) -> Site {
    site_of(Vec::new(), Participation::Listed(serials.iter().map(|serial| (*serial).to_owned()).collect())).await
}

/// A round, three hours after the last one.
async fn next_round(site: &Site, collector: &Collector) -> Round {
    site.later(3);
    collector.once().await.expect("a round")
}

/// Why the one printer was not read.
fn failure(collector: &Collector) -> String {
    let printers = collector.status().expect("a status").printers;
    assert_eq!(printers.len(), 1);
    printers.into_iter().find_map(|printer| printer.failure).unwrap_or_default()
}

/// Its serial number, as the collector shows it.
fn serial(collector: &Collector) -> Option<String> {
    collector.status().expect("a status").printers.into_iter().find_map(|printer| printer.serial)
}

#[tokio::test]
async fn what_proves_nothing_neither_unpins_a_printer_nor_stands_for_it() {
    let site = site_of(Vec::new(), Participation::All).await;
    let mut device = Device::start().await;
    device.has(documents(&[("ModelName", MODEL), ("SerialNumber", "CN1")]));
    device.is_by_snmp("CN1", MODEL);
    let collector = device.collector(&site, &device.snmp());
    assert_eq!(next_round(&site, &collector).await.read, 1);
    device.web_off().await;
    // A printer of no supported series, and one that would take part.
    for (told, product) in [("CN1", UNLISTED), ("CN9", UNLISTED), ("CN9", MODEL)] {
        device.is_by_snmp(told, product);
        let round = next_round(&site, &collector).await;
        assert_eq!((round.read, round.seen, round.failed, round.unsupported), (0, 0, 1, 0), "{told} {product}");
        assert!(failure(&collector).contains("is not proved to be the printer"), "{}", failure(&collector));
        assert_eq!(serial(&collector).as_deref(), Some("CN1"));
    }
    assert!(!site.wire().contains("CN9"), "{}", site.wire());
    let asked = device.heads().len();
    device.web_on(Some(behaviours::acceptor())).await;
    assert_eq!(next_round(&site, &collector).await.failed, 1);
    assert!(failure(&collector).contains("another certificate"), "{}", failure(&collector));
    assert_eq!(device.heads().len(), asked, "nothing was asked over the other certificate");
    assert!(collector.trust(&device.address()).expect("known"));
    assert_eq!(next_round(&site, &collector).await.read, 1, "after somebody trusted it");
}

#[tokio::test]
async fn a_printer_whose_web_server_is_off_is_read_by_what_names_the_same_one() {
    let site = site_with(&["CN1"]).await;
    let mut device = Device::start().await;
    device.has(documents(&[("ModelName", MODEL), ("SerialNumber", "CN1")]));
    device.is_by_snmp("CN1", MODEL);
    let collector = device.collector(&site, &device.snmp());
    assert_eq!(next_round(&site, &collector).await.read, 1);
    device.web_off().await;
    assert_eq!(next_round(&site, &collector).await.read, 1);
}

#[tokio::test]
async fn a_printer_keeps_its_name_while_only_its_uuid_is_heard() {
    let site = site_with(&["CN1"]).await;
    let device = Device::start().await;
    device.has(documents(&[("ModelName", MODEL), ("SerialNumber", "CN1"), ("UUID", UUID)]));
    device.says_by_ipp(vec![uuid()]);
    let collector = device.collector(&site, "");
    assert_eq!(next_round(&site, &collector).await.read, 1);
    // The document that names the printer is not there for a while.
    device.has(Documents::new());
    assert_eq!(next_round(&site, &collector).await.read, 1, "{}", failure(&collector));
    drop(collector);
    let collector = device.collector(&site, "");
    assert_eq!(next_round(&site, &collector).await.read, 1, "also after a restart: {}", failure(&collector));
    assert_eq!(serial(&collector).as_deref(), Some("CN1"));
    assert!(!site.wire().contains(&format!("\"serial\":\"{UUID}\"")), "no second printer");
}

#[tokio::test]
async fn a_listed_printer_is_read_although_the_first_interface_gives_only_a_uuid() {
    let site = site_with(&["CN1"]).await;
    let mut device = Device::start().await;
    device.web_off().await;
    device.says_by_ipp(vec![uuid()]);
    device.is_by_snmp("CN1", MODEL);
    let collector = device.collector(&site, &device.snmp());
    assert_eq!(next_round(&site, &collector).await.read, 1, "{}", failure(&collector));
    assert_eq!(serial(&collector).as_deref(), Some("CN1"));
}

#[tokio::test]
async fn a_counter_keeps_its_interface_when_the_printer_gets_another_address() {
    let site = site_with(&["CN1"]).await;
    let device = Device::start().await;
    let mut whole = documents(&[("ModelName", MODEL), ("SerialNumber", "CN1"), ("UUID", UUID)]);
    device.has(whole.clone());
    device.says_by_ipp(vec![uuid(), pages(7)]);
    let collector = device.collector(&site, "");
    assert_eq!(next_round(&site, &collector).await.read, 1);
    drop(collector);
    // Over its other address the web server has counters, which count otherwise.
    let counters = r#"{"DeviceCounters":{"PrintCounters":{"NumberOfPages":"900"}}}"#;
    whole.insert("/DeviceCounters.json".to_owned(), counters.to_owned());
    let moved = Device::at(device.host, device.certificate.clone()).await;
    moved.has(whole);
    device.says_by_ipp(vec![uuid(), pages(8)]);
    let collector = Device { ipp_port: device.ipp_port, ..moved }.collector(&site, "");
    assert_eq!(next_round(&site, &collector).await.read, 1);
    let wire = site.wire();
    assert!(wire.contains("\"pages\":7") && wire.contains("\"pages\":8") && !wire.contains("\"pages\":900"), "{wire}");
}

#[tokio::test]
async fn a_counter_moves_to_another_interface_only_when_somebody_here_lets_it_go() {
    let site = site_with(&["CN1"]).await;
    let device = Device::start().await;
    let of = |firmware: &str, pages: &str| {
        let name = [("ModelName", MODEL), ("SerialNumber", "CN1"), ("UUID", UUID), ("FwReleaseName", firmware)];
        let mut documents = documents(&name);
        if !pages.is_empty() {
            let counters = format!(r#"{{"DeviceCounters":{{"PrintCounters":{{"NumberOfPages":"{pages}"}}}}}}"#);
            documents.insert("/DeviceCounters.json".to_owned(), counters);
        }
        documents
    };
    device.has(of("F1", ""));
    device.says_by_ipp(vec![uuid(), pages(100)]);
    let collector = device.collector(&site, "");
    assert_eq!(next_round(&site, &collector).await.read, 1);
    // New firmware has counters of its own.
    device.has(of("F2", "600"));
    device.says_by_ipp(vec![uuid(), pages(101)]);
    assert_eq!(next_round(&site, &collector).await.read, 1);
    let wire = site.wire();
    assert!(wire.contains("\"pages\":100") && wire.contains("\"pages\":101"), "{wire}");
    assert!(!wire.contains("\"pages\":600"), "{wire}");
    // Somebody decides while the collector works.
    let person = Collector::look(device.config(&site, ""), site.surroundings()).expect("looks");
    assert!(!person.let_go_of_interfaces("192.0.2.99").expect("asked"), "nothing is known there");
    assert!(person.let_go_of_interfaces(&device.address()).expect("asked"));
    assert_eq!(next_round(&site, &collector).await.read, 1);
    let wire = site.wire();
    assert!(wire.contains("\"pages\":600") && wire.contains("which somebody let go"), "{wire}");
    device.has(of("F2", "601"));
    assert_eq!(next_round(&site, &collector).await.read, 1);
    assert!(site.wire().contains("\"pages\":601"));
    assert_eq!(site.wire().matches("which somebody let go").count(), 1, "it was chosen anew once");
}

#[tokio::test]
async fn an_interface_that_named_another_printer_never_speaks_alone() {
    let site = site_of(Vec::new(), Participation::All).await;
    // Without TLS no certificate tells who answers.
    let device = Device::at(Ipv4Addr::LOCALHOST.into(), None).await;
    device.has(documents(&[("ModelName", MODEL), ("SerialNumber", "CN1")]));
    device.says_by_ipp(vec![(TEXT, "printer-device-id", b"MFG:HP;SN:CN9;".to_vec()), pages(7)]);
    let collector = device.collector(&site, "");
    assert_eq!(next_round(&site, &collector).await.read, 1);
    device.has(Documents::new());
    let round = next_round(&site, &collector).await;
    assert_eq!((round.read, round.seen, round.failed), (0, 0, 1));
    assert!(failure(&collector).contains("is not proved to be the printer"), "{}", failure(&collector));
    assert_eq!(serial(&collector).as_deref(), Some("CN1"));
    assert!(!site.wire().contains("\"serial\":\"CN9\""), "{}", site.wire());
    // Whoever trusts what is there now reads it.
    assert!(collector.trust(&device.address()).expect("known"));
    assert_eq!(next_round(&site, &collector).await.read, 1);
    assert_eq!(serial(&collector).as_deref(), Some("CN9"));
}

#[tokio::test]
async fn only_another_firmware_in_an_interface_s_own_words_has_every_interface_tried() {
    const ELSEWHERE: &str = "/DevMgmt/DiscoveryTree.xml";
    let site = site_with(&["CN1"]).await;
    let device = Device::start().await;
    let of = |firmware: &str| documents(&[("ModelName", MODEL), ("SerialNumber", "CN1"), ("FwReleaseName", firmware)]);
    device.has(of("MRY_04_11_00.1"));
    let identifier = (TEXT, "printer-device-id", b"MFG:HP;SN:CN1;".to_vec());
    device.says_by_ipp(vec![identifier, (TEXT, "printer-firmware-string-version", b"2131A".to_vec())]);
    let collector = device.collector(&site, "");
    for (firmware, tried) in [("MRY_04_11_00.1", 1), ("MRY_04_11_00.1", 1), ("MRY_05", 2), ("MRY_05", 2)] {
        device.has(of(firmware));
        assert_eq!(next_round(&site, &collector).await.read, 1);
        assert_eq!(device.asked(ELSEWHERE), tried, "{firmware}");
    }
    assert!(device.heads().iter().any(|head| head.starts_with("POST ")), "IPP answers beside the web");
}

#[tokio::test]
async fn the_certificate_of_ipp_s_port_is_never_taken_for_the_printer_s() {
    let site = site_with(&["CN1"]).await;
    let mut device = Device::start().await;
    device.has(documents(&[("ModelName", MODEL), ("SerialNumber", "CN1")]));
    device.says_by_ipp(vec![(TEXT, "printer-device-id", b"MFG:HP;SN:CN1;".to_vec())]);
    let collector = device.collector(&site, "");
    device.web_off().await;
    assert_eq!(next_round(&site, &collector).await.read, 1);
    assert!(site.wire().contains("\"grade\":\"C\"") && !site.wire().contains("\"grade\":\"B\""), "{}", site.wire());
    // The web server has a certificate of its own, which is the one that is kept.
    device.web_on(Some(behaviours::acceptor())).await;
    assert_eq!(next_round(&site, &collector).await.read, 1, "{}", failure(&collector));
    assert!(site.wire().contains("\"grade\":\"B\""), "{}", site.wire());
    device.web_off().await;
    assert_eq!(next_round(&site, &collector).await.failed, 1);
    let why = failure(&collector);
    assert!(why.contains("ipp") && !why.contains("trust"), "nobody is told to trust it: {why}");
}

#[tokio::test]
async fn a_printer_has_one_connection_at_a_time_also_when_ipp_is_the_first_to_name_it() {
    let site = site_with(&["CN1"]).await;
    let device = Device::start().await;
    device.has(documents(&[("ModelName", MODEL)]));
    device.says_by_ipp(vec![(TEXT, "printer-device-id", b"MFG:HP;SN:CN1;".to_vec())]);
    let collector = device.collector(&site, "");
    assert_eq!(next_round(&site, &collector).await.read, 1);
    let heads = device.heads();
    let first_post = heads.iter().position(|head| head.starts_with("POST ")).expect("asked by IPP");
    assert!(heads[first_post..].iter().any(|head| head.starts_with("GET ")), "the web was asked again after IPP");
    assert_eq!(device.answers.most_open.load(Ordering::SeqCst), 1);
}

/// A file with a login that only its owner may read, as the part `[interfaces]` names it.
fn login(site: &Site) -> String {
    let path = site.folder.path().join("login");
    std::fs::write(&path, "reader:sesame\n").expect("written");
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
    format!("login = {path:?}\n")
}

/// The requests that bear a login at one reading.
const BEHIND_LOGIN: [&str; 2] =
    ["GET /LFPWebServices/PI/Settings.json HTTP/1.1", "GET /LFPWebServices/PI/PrinterSettings.json HTTP/1.1"];

#[tokio::test]
async fn a_login_is_sent_only_to_the_certificate_that_the_printer_showed_before() {
    let site = site_with(&["CN1"]).await;
    let mut device = Device::start().await;
    device.has(documents(&[("ModelName", MODEL), ("SerialNumber", "CN1"), ("UUID", UUID)]));
    device.says_by_ipp(vec![uuid()]);
    let collector = device.collector(&site, &login(&site));
    next_round(&site, &collector).await;
    assert!(device.logins().is_empty(), "no certificate was known: {:?}", device.logins());
    assert_eq!(next_round(&site, &collector).await.read, 1);
    assert_eq!(device.logins(), BEHIND_LOGIN);
    assert!(device.heads().iter().any(|head| head.starts_with("POST /ipp/print ")), "IPP was asked, and without it");
    device.web_off().await;
    device.web_on(Some(behaviours::acceptor())).await;
    assert_eq!(next_round(&site, &collector).await.failed, 1);
    collector.trust(&device.address()).expect("known");
    assert_eq!(next_round(&site, &collector).await.read, 1);
    assert_eq!(device.logins(), BEHIND_LOGIN, "the new certificate was not known yet");
    next_round(&site, &collector).await;
    assert_eq!(device.logins().len(), 2 * BEHIND_LOGIN.len());
}

#[tokio::test]
async fn a_login_is_sent_nowhere_without_tls() {
    let site = site_with(&["CN1"]).await;
    let device = Device::at(Ipv4Addr::LOCALHOST.into(), None).await;
    device.has(documents(&[("ModelName", MODEL), ("SerialNumber", "CN1"), ("UUID", UUID)]));
    device.says_by_ipp(vec![uuid()]);
    let collector = device.collector(&site, &login(&site));
    for _ in 0..2 {
        assert_eq!(next_round(&site, &collector).await.read, 1);
    }
    assert!(device.logins().is_empty(), "{:?}", device.logins());
}

#[tokio::test]
async fn a_login_follows_no_redirect() {
    let site = site_with(&["CN1"]).await;
    let (device, elsewhere) = (Device::start().await, Device::start().await);
    let mut redirects = documents(&[("ModelName", MODEL), ("SerialNumber", "CN1")]);
    let location = format!("https://{}/LFPWebServices/PI/Settings.json", elsewhere.address());
    redirects.insert("/Settings.json".to_owned(), location);
    device.has(redirects);
    let collector = device.collector(&site, &login(&site));
    for _ in 0..2 {
        assert_eq!(next_round(&site, &collector).await.read, 1);
    }
    assert_eq!(device.logins(), BEHIND_LOGIN);
    assert!(elsewhere.heads().is_empty(), "{:?}", elsewhere.heads());
}

/// An address of this machine that is not its loopback; asking for it sends nothing.
fn own_address() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[tokio::test]
async fn a_first_look_posts_only_to_a_printer_that_takes_part_and_sends_no_login() {
    let Some(host) = own_address() else {
        println!("skipped: this machine has no address but its loopback");
        return;
    };
    let site = site_of(Vec::new(), Participation::All).await;
    let certificate = Some(behaviours::acceptor());
    let (device, other) = (Device::at(host, certificate.clone()).await, Device::at(host, certificate).await);
    device.has(documents(&[("ModelName", MODEL), ("SerialNumber", "CN1"), ("UUID", UUID)]));
    device.says_by_ipp(vec![uuid(), pages(7)]);
    other.has(documents(&[("ModelName", "Office 9"), ("SerialNumber", "ZZ1")]));
    let allow = format!("[allow]\nports = [{}, {}]\n", device.port, other.port);
    let interfaces = format!("[interfaces]\nipp_ports = [{}]\n{}", device.ipp_port, login(&site));
    let config = site.config_with(&format!("ranges = [\"{host}\"]\n"), &format!("{allow}{interfaces}"));
    let collector = Collector::open(config, site.surroundings()).expect("opens");
    let round = next_round(&site, &collector).await;
    assert_eq!((round.read, round.unsupported), (1, 1));
    assert_eq!(other.heads().len(), 1, "{:?}", other.heads());
    let heads = device.heads();
    assert!(heads[0].starts_with("GET ") && heads.iter().any(|head| head.starts_with("POST ")), "{heads:?}");
    assert!(site.wire().contains("\"pages\":7"), "every interface was tried, and counters begin: {}", site.wire());
    assert!(device.logins().is_empty(), "{:?}", device.logins());
    assert_eq!(next_round(&site, &collector).await.read, 1);
    assert_eq!(device.logins(), BEHIND_LOGIN, "its certificate is known by now");
}

#[tokio::test]
async fn a_preview_says_which_file_it_could_not_read_and_asks_without_it() {
    let site = site(&["CN1"]).await;
    let config = || site.config("[interfaces]\nlogin = \"absent\"\nipp_ports = []\n");
    assert!(Collector::open(config(), site.surroundings()).is_err(), "an agent at work needs it");
    let person = Collector::look(config(), site.surroundings()).expect("looks");
    assert_eq!(person.status().expect("a status").printers.len(), 0);
    let previews = person.preview().await.expect("asked");
    let [preview] = previews.as_slice() else { panic!("{previews:?}") };
    assert_eq!((preview.printer.as_deref(), preview.failure.as_deref()), (Some("CN1"), None));
    let [without] = preview.without.as_slice() else { panic!("{:?}", preview.without) };
    assert!(without.starts_with("absent: cannot be read"), "{without}");
    let whole = Collector::look(site.config(""), site.surroundings()).expect("looks").preview().await.expect("asked");
    assert!(whole[0].without.is_empty(), "{:?}", whole[0].without);
}
