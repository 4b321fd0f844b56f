//! Printers that other people's programs play, read live: ippeveprinter over TLS, snmpsim in all three versions,
//! and openssl with the TLS of old printers.
//!
//! A test says "skipped: why" where its program is absent. Deliberately absent: what the drivers make of odd
//! answers, which their own cases hold.

use agent::{Access, Asked, Patience, SnmpAccess, SnmpAuth, SnmpPrivacy, ask};
use report::{Grade, Ink, Instant, JobStatus, Length};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const READ_AT: Instant = Instant(1_793_448_000_000);
const PATIENCE: Patience = Patience {
    pause: Duration::ZERO,
    connect: Duration::from_secs(10),
    idle: Duration::from_secs(10),
    answer: Duration::from_secs(30),
    reading: Duration::from_secs(120),
};
/// Looks at whether something has come about, and the time between two of them.
const LOOKS: usize = 400;
const LOOK: Duration = Duration::from_millis(50);

/// A program at work. It ends with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // Asked to end first, so that it takes its own traces away; whether that works shows in waiting for it.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ended_before = self.0.kill();
        }
        let _ended = self.0.wait();
    }
}

/// Where a program is, also outside of a user's own path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from));
    places.map(|place| place.join(name)).find(|place| place.is_file())
}

/// The same, or says that the test is skipped.
fn wanted(name: &str) -> Option<PathBuf> {
    let found = program(name);
    if found.is_none() {
        eprintln!("skipped: {name} is absent");
    }
    found
}

/// Starts a program; what it says is kept in a file of the folder, for whoever looks into a failure.
fn start(folder: &Path, name: &str, command: &mut Command) -> Peer {
    let log = std::fs::File::create(folder.join(format!("{name}.log"))).expect("a log");
    let errors = log.try_clone().expect("a log");
    Peer(command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("starts"))
}

/// What a program said so far.
fn log(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|of_this| of_this.uid() == 0)
}

/// A TCP port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

/// Waits until something has come about.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if is_so() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("{what} did not come about");
}

/// Waits until a port takes connections.
async fn until_open(port: u16) {
    for _ in 0..LOOKS {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("nobody listens on port {port}");
}

/// Product name, serial number and firmware.
fn who(asked: &Asked) -> (Option<&str>, Option<&str>, Option<&str>) {
    let it = &asked.report.configuration;
    (it.product_name.as_deref(), it.serial_number.as_deref(), it.firmware_version.as_deref())
}

/// Colour, capacity and what is consumed of each cartridge.
fn inks(asked: &Asked) -> Vec<(Option<&str>, Option<Ink>, Option<Ink>)> {
    let cartridges = asked.report.status.cartridges.iter();
    cartridges.map(|it| (it.colour.as_deref(), it.capacity, it.consumed)).collect()
}

fn millilitres(number: i64) -> Option<Ink> {
    Some(Ink(number * 1_000_000))
}

// --- IPP -----------------------------------------------------------------------------------------

/// The attributes of a printer of our own making.
const ATTRIBUTES: &str = "\
    ATTR text printer-make-and-model \"HP DesignJet T2530\"\n\
    ATTR text printer-device-id \"MFG:HP;MDL:DesignJet T2530;CMD:PDF;SN:cn7test042;\"\n\
    ATTR text printer-firmware-string-version \"LUX_01_02_03.4\"\n\
    ATTR octetString printer-supply \
    \"index=1;class=supplyThatIsConsumed;type=inkCartridge;unit=tenthsOfMilliliters;\
    maxcapacity=3000;level=900;colorantname=magenta;\",\
    \"index=2;class=supplyThatIsConsumed;type=inkCartridge;unit=tenthsOfMilliliters;\
    maxcapacity=1300;level=1300;colorantname=yellow;\"\n\
    ATTR text printer-supply-description \"HP 727 Magenta\",\"HP 727 Yellow\"\n\
    ATTR mimeMediaType document-format-supported application/pdf,application/octet-stream\n\
    ATTR mimeMediaType document-format-default application/pdf\n";

/// Prints a file in two copies, by ipptool.
const PRINT: &str = r#"{
  NAME "Print"
  OPERATION Print-Job
  GROUP operation-attributes-tag
  ATTR charset attributes-charset utf-8
  ATTR language attributes-natural-language en
  ATTR uri printer-uri $uri
  ATTR name requesting-user-name "ada"
  ATTR name job-name "Site plan"
  ATTR mimeMediaType document-format application/pdf
  GROUP job-attributes-tag
  ATTR integer copies 2
  FILE $filename
  STATUS successful-ok
}
"#;

/// What the printer does with a job: it counts three impressions.
const COUNT: &str = "#!/bin/sh\necho 'ATTR: job-impressions-completed=3' >&2\n";

/// A bus of our own on which name service and printer meet.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A name service that speaks on the loopback only.
const NAMES: &str = "[server]\nhost-name=plotmeter-test\nuse-ipv6=no\nallow-interfaces=lo\n\
    [wide-area]\nenable-wide-area=no\n[publish]\npublish-hinfo=no\npublish-workstation=no\n[rlimits]\n";

/// A software printer and what it needs. The order is that in which they end.
struct SoftwarePrinter {
    _printer: Peer,
    _names: Option<Peer>,
    _bus: Option<Peer>,
    port: u16,
    folder: TempDir,
}

impl SoftwarePrinter {
    /// Starts it; `None`, said aloud, where this machine cannot.
    async fn start() -> Option<SoftwarePrinter> {
        let (ippeveprinter, _) = (wanted("ippeveprinter")?, wanted("ipptool")?);
        let folder = tempfile::tempdir().expect("a folder");
        let (bus, names) = name_service(folder.path()).await?;
        for (name, text) in [("own.conf", ATTRIBUTES), ("count", COUNT), ("plan.pdf", "%PDF-1.4\n")] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let count = folder.path().join("count");
        std::fs::set_permissions(&count, std::fs::Permissions::from_mode(0o755)).expect("set");
        for name in ["keys", "spool"] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        }
        let port = free_port();
        let mut command = Command::new(ippeveprinter);
        command.current_dir(folder.path()).args(["-p", &port.to_string(), "-n", "localhost", "-K", "keys"]);
        command.args(["-d", "spool", "-a", "own.conf", "-c"]).arg(&count).arg("Plotter");
        if bus.is_some() {
            command.env("DBUS_SYSTEM_BUS_ADDRESS", bus_address(folder.path()));
        }
        let printer = start(folder.path(), "ippeveprinter", &mut command);
        until_open(port).await;
        Some(SoftwarePrinter { _printer: printer, _names: names, _bus: bus, port, folder })
    }

    /// Prints a document, as somebody at a desk would.
    fn print(&self) {
        let task = self.folder.path().join("print.test");
        std::fs::write(&task, PRINT).expect("written");
        let mut command = Command::new(program("ipptool").expect("there a moment ago"));
        command.arg("-q").arg("-f").arg(self.folder.path().join("plan.pdf"));
        command.arg(format!("ipps://localhost:{}/ipp/print", self.port)).arg(task);
        assert!(command.status().expect("runs").success(), "{}", log(self.folder.path(), "ippeveprinter"));
    }

    async fn ask(&self) -> Asked {
        let access = Access { ipp_ports: vec![self.port], only: vec!["ipp"], ..Access::default() };
        let asked = ask(&format!("127.0.0.1:{}", self.port), &access, READ_AT, PATIENCE).await;
        asked.unwrap_or_else(|error| panic!("{error}\n{}", log(self.folder.path(), "ippeveprinter")))
    }
}

fn bus_address(folder: &Path) -> String {
    format!("unix:path={}", folder.join("bus").display())
}

/// The name service without which the printer does not start: the machine's own, else one on a bus of our own.
/// `None`, said aloud, where there can be neither.
async fn name_service(folder: &Path) -> Option<(Option<Peer>, Option<Peer>)> {
    let avahi = wanted("avahi-daemon")?;
    if Command::new(&avahi).arg("--check").status().is_ok_and(|status| status.success()) {
        return Some((None, None));
    }
    let dbus = wanted("dbus-daemon")?;
    if !is_root() {
        eprintln!("skipped: no avahi-daemon runs, and only root may start one");
        return None;
    }
    let (bus_file, names_file) = (folder.join("bus.conf"), folder.join("names.conf"));
    let socket = folder.join("bus");
    std::fs::write(&bus_file, BUS.replace("SOCKET", &socket.display().to_string())).expect("written");
    std::fs::write(&names_file, NAMES).expect("written");
    let mut command = Command::new(dbus);
    let bus = start(folder, "bus", command.arg("--nofork").arg("--config-file").arg(bus_file));
    until("the bus", || socket.exists()).await;
    let mut command = Command::new(avahi);
    command.args(["--no-drop-root", "--no-chroot", "--no-rlimits", "--no-proc-title", "--file"]).arg(names_file);
    let names = start(folder, "names", command.env("DBUS_SYSTEM_BUS_ADDRESS", bus_address(folder)));
    until("the name service", || log(folder, "names").contains("startup complete")).await;
    Some((Some(bus), Some(names)))
}

#[tokio::test]
async fn a_software_printer_is_read_over_ipps_and_so_is_the_job_that_it_prints() {
    let Some(printer) = SoftwarePrinter::start().await else { return };
    let asked = printer.ask().await;
    assert_eq!((asked.drivers.as_slice(), asked.grade), (&["ipp"][..], Grade::B));
    assert_eq!(who(&asked), (Some("HP DesignJet T2530"), Some("CN7TEST042"), Some("LUX_01_02_03.4")));
    let (magenta, yellow) = ((millilitres(300), millilitres(210)), (millilitres(130), millilitres(0)));
    assert_eq!(inks(&asked), [(Some("magenta"), magenta.0, magenta.1), (Some("yellow"), yellow.0, yellow.1)]);
    assert!(asked.report.status.engine.as_deref().is_some_and(|state| state.starts_with("idle")), "{asked:?}");
    assert!(asked.report.jobs.is_empty(), "nothing was printed yet");
    printer.print();
    let mut asked = printer.ask().await;
    for _ in 0..LOOKS {
        if !asked.report.jobs.is_empty() {
            break;
        }
        tokio::time::sleep(LOOK).await;
        asked = printer.ask().await;
    }
    let [(job, _)] = asked.report.jobs.as_slice() else { panic!("no job: {:?}", asked.defects) };
    assert_eq!((job.status, job.sequence), (Some(JobStatus::Printed), Some(1)));
    assert!(job.uuid.as_deref().is_some_and(|uuid| uuid.len() == 36), "{:?}", job.uuid);
    let print = job.print.as_ref().expect("a print job");
    assert_eq!((print.pages, print.copies), (Some(3), Some(2)));
    assert_eq!((job.personal.name.as_deref(), job.personal.user.as_deref()), (Some("Site plan"), Some("ada")));
    let (ended, began) = (job.finished_at(), print.printed_at);
    assert!(began.is_some() && ended >= began, "{began:?} {ended:?}");
}

// --- SNMP ----------------------------------------------------------------------------------------

/// What a large-format printer of our own making answers.
const WALK: &str = "\
1.3.6.1.2.1.1.1.0|4|HP ETHERNET MULTI-ENVIRONMENT,SN:CN7TEST043,FN:T2530,SVCID:25001,PID:HP DesignJet T2530
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.11.2.3.9.1
1.3.6.1.2.1.25.3.2.1.1.1|2|1
1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5
1.3.6.1.2.1.25.3.2.1.3.1|4|HP DesignJet T2530
1.3.6.1.2.1.25.3.2.1.5.1|2|2
1.3.6.1.2.1.25.3.5.1.1.1|2|4
1.3.6.1.2.1.25.3.5.1.2.1|4x|00
1.3.6.1.2.1.43.5.1.1.1.1|65|3
1.3.6.1.2.1.43.5.1.1.17.1|4|CN7TEST043
1.3.6.1.2.1.43.8.2.1.2.1.1|2|7
1.3.6.1.2.1.43.8.2.1.3.1.1|2|4
1.3.6.1.2.1.43.8.2.1.6.1.1|2|-2
1.3.6.1.2.1.43.8.2.1.7.1.1|2|914400
1.3.6.1.2.1.43.8.2.1.10.1.1|2|-3
1.3.6.1.2.1.43.8.2.1.11.1.1|2|0
1.3.6.1.2.1.43.8.2.1.13.1.1|4|Roll 1
1.3.6.1.2.1.43.8.2.1.21.1.1|4|Coated paper
1.3.6.1.2.1.43.10.2.1.3.1.1|2|7
1.3.6.1.2.1.43.10.2.1.4.1.1|65|4321
1.3.6.1.2.1.43.11.1.1.3.1.1|2|1
1.3.6.1.2.1.43.11.1.1.3.1.2|2|2
1.3.6.1.2.1.43.11.1.1.4.1.1|2|3
1.3.6.1.2.1.43.11.1.1.4.1.2|2|3
1.3.6.1.2.1.43.11.1.1.5.1.1|2|6
1.3.6.1.2.1.43.11.1.1.5.1.2|2|6
1.3.6.1.2.1.43.11.1.1.6.1.1|4|HP 727 Cyan
1.3.6.1.2.1.43.11.1.1.6.1.2|4|HP 727 Matte Black
1.3.6.1.2.1.43.11.1.1.7.1.1|2|15
1.3.6.1.2.1.43.11.1.1.7.1.2|2|15
1.3.6.1.2.1.43.11.1.1.8.1.1|2|3000
1.3.6.1.2.1.43.11.1.1.8.1.2|2|1300
1.3.6.1.2.1.43.11.1.1.9.1.1|2|1250
1.3.6.1.2.1.43.11.1.1.9.1.2|2|0
1.3.6.1.2.1.43.12.1.1.4.1.1|4|cyan
1.3.6.1.2.1.43.12.1.1.4.1.2|4|matte-black
1.3.6.1.4.1.11.2.3.9.1.1.7.0|4|MFG:HP;MDL:DesignJet T2530;SN:CN7TEST043;
";

const COMMUNITY: &str = "public";
const USER: &str = "reader";
const AUTH_PASSWORD: &str = "an authentication pass phrase";
const PRIVACY_PASSWORD: &str = "a privacy pass phrase";

/// snmpsim with one walk, for every version.
struct SnmpAgent {
    _responder: Peer,
    port: u16,
    folder: TempDir,
}

impl SnmpAgent {
    /// Starts it; `None`, said aloud, where this machine cannot.
    async fn start(walk: &[u8]) -> Option<SnmpAgent> {
        let own = std::env::var_os("PLOTMETER_SNMPSIM").map(PathBuf::from).filter(|path| path.is_file());
        let Some(responder) = own.or_else(|| program("snmpsim-command-responder")) else {
            eprintln!("skipped: snmpsim is absent");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["data", "index"] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        }
        // Versions 1 and 2c find a file by the community, version 3 without a context finds `self`.
        for name in [COMMUNITY, "self"] {
            std::fs::write(folder.path().join(format!("data/{name}.snmprec")), walk).expect("written");
        }
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("bound").port();
        drop(socket);
        let mut command = Command::new(responder);
        command.current_dir(folder.path()).args(["--data-dir=data", "--cache-dir=index"]);
        command.arg(format!("--agent-udpv4-endpoint=127.0.0.1:{port}"));
        command.arg(format!("--v3-user={USER}")).args(["--v3-auth-proto=SHA256", "--v3-priv-proto=AES"]);
        command.arg(format!("--v3-auth-key={AUTH_PASSWORD}")).arg(format!("--v3-priv-key={PRIVACY_PASSWORD}"));
        if is_root() {
            // It does not start as root without being told who to be.
            command.args(["--process-user=root", "--process-group=root"]);
        }
        let responder = start(folder.path(), "snmpsim", &mut command);
        // It says that it listens before it does.
        let bound = format!(":{port:04X} ");
        until("snmpsim", || std::fs::read_to_string("/proc/net/udp").is_ok_and(|open| open.contains(&bound))).await;
        Some(SnmpAgent { _responder: responder, port, folder })
    }

    async fn ask(&self, how: SnmpAccess) -> Result<Asked, String> {
        let access = Access { snmp: Some(how), snmp_port: self.port, only: vec!["snmp"], ..Access::default() };
        let asked = ask("127.0.0.1", &access, READ_AT, PATIENCE).await;
        asked.map_err(|error| format!("{error}\n{}", log(self.folder.path(), "snmpsim")))
    }
}

/// Every version, and how well it is proved what it reads.
fn versions() -> [(SnmpAccess, Grade); 3] {
    let community = COMMUNITY.to_owned();
    [
        (SnmpAccess::V1 { community: community.clone() }, Grade::C),
        (SnmpAccess::V2c { community }, Grade::C),
        (version_3(AUTH_PASSWORD), Grade::B),
    ]
}

fn version_3(auth_password: &str) -> SnmpAccess {
    SnmpAccess::V3 {
        user: USER.to_owned(),
        auth: Some((SnmpAuth::Sha256, auth_password.to_owned())),
        privacy: Some((SnmpPrivacy::Aes128, PRIVACY_PASSWORD.to_owned())),
    }
}

#[tokio::test]
async fn a_large_format_printer_is_read_by_every_version_of_snmp() {
    let Some(printer) = SnmpAgent::start(WALK.as_bytes()).await else { return };
    for (version, grade) in versions() {
        let asked = printer.ask(version).await.expect("read");
        assert_eq!((asked.drivers.as_slice(), asked.grade), (&["snmp"][..], grade));
        assert_eq!(who(&asked), (Some("HP DesignJet T2530"), Some("CN7TEST043"), None));
        assert_eq!(asked.report.usage.pages, Some(4321));
        let (cyan, black) = ((millilitres(300), millilitres(175)), (millilitres(130), millilitres(130)));
        assert_eq!(inks(&asked), [(Some("cyan"), cyan.0, cyan.1), (Some("matte-black"), black.0, black.1)]);
        let [roll] = asked.report.status.media_sources.as_slice() else { panic!("{:?}", asked.report.status) };
        assert_eq!((roll.name.as_str(), roll.media.as_deref()), ("Roll 1", Some("Coated paper")));
        assert_eq!((roll.width, roll.height), (Some(Length(914_400)), None));
        assert!(asked.report.status.engine.as_deref().is_some_and(|state| state.starts_with("printing")));
    }
}

#[tokio::test]
async fn a_wrong_password_reads_nothing() {
    let Some(printer) = SnmpAgent::start(WALK.as_bytes()).await else { return };
    let error = printer.ask(version_3("another authentication pass phrase")).await.expect_err("refused");
    assert!(error.contains("no driver recognises") && !error.contains("another authentication"), "{error}");
}

#[tokio::test]
async fn a_recorded_walk_is_read_by_every_version_of_snmp() {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = std::env::var_os("PLOTMETER_RECORDINGS").map_or_else(default, PathBuf::from);
    let Ok(walk) = std::fs::read(folder.join("leshk0de-HPEnvy6000/envy-6000/envy6000.snmprec")) else {
        eprintln!("skipped: recordings absent");
        return;
    };
    let Some(printer) = SnmpAgent::start(&walk).await else { return };
    for (version, grade) in versions() {
        let asked = printer.ask(version).await.expect("read");
        // Read by hand from the recording: prtGeneralSerialNumber, prtMarkerLifeCount, hrDeviceDescr.
        assert_eq!(asked.report.configuration.serial_number.as_deref(), Some("TH05H3D1F8"));
        assert_eq!(asked.report.usage.pages, Some(931));
        assert_eq!(who(&asked).0, Some("ENVY 6000 All-in-One Printer series"));
        assert_eq!(asked.grade, grade);
    }
}

// --- TLS of old printers -------------------------------------------------------------------------

/// How a printer of those years speaks.
struct OldTls {
    what: &'static str,
    /// How openssl makes its key and certificate,
    certificate: &'static [&'static str],
    /// and how it shakes hands.
    handshake: &'static [&'static str],
}

const OLD_TLS: &[OldTls] = &[
    OldTls {
        what: "TLS 1.2 with static RSA",
        certificate: &["-newkey", "rsa:2048", "-sha256"],
        handshake: &["-tls1_2", "-cipher", "AES256-GCM-SHA384"],
    },
    OldTls {
        what: "TLS 1.2 with static RSA, a key of 1024 bits and SHA-1",
        certificate: &["-newkey", "rsa:1024", "-sha1"],
        handshake: &["-tls1_2", "-cipher", "AES256-SHA:@SECLEVEL=0"],
    },
    OldTls {
        what: "TLS 1.0",
        certificate: &["-newkey", "rsa:1024", "-sha1"],
        handshake: &["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"],
    },
];

/// A static web server of openssl's.
struct OldPrinter {
    _server: Peer,
    port: u16,
    folder: TempDir,
}

/// The name of the certificate with which a printer starts.
const FIRST: &str = "first";

/// Makes a key and a certificate of this name; `None`, said aloud, where this openssl is too new for them.
fn make_certificate(folder: &Path, name: &str, old: &OldTls) -> Option<()> {
    let mut command = Command::new(wanted("openssl")?);
    command.current_dir(folder).args(["req", "-x509", "-nodes", "-days", "3650", "-subj", "/CN=printer"]);
    command.args(old.certificate).args(["-keyout", &format!("{name}-key.pem"), "-out", &format!("{name}.pem")]);
    let is_made = command.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !is_made {
        eprintln!("skipped: this openssl makes no certificate for {}", old.what);
    }
    is_made.then_some(())
}

/// Serves the folder's pages with its certificate of this name.
async fn serve(folder: &Path, port: u16, name: &str, old: &OldTls) -> Option<Peer> {
    let mut command = Command::new(wanted("openssl")?);
    command.current_dir(folder).args(["s_server", "-accept", &port.to_string(), "-HTTP", "-quiet"]);
    command.args(["-key", &format!("{name}-key.pem"), "-cert", &format!("{name}.pem")]).args(old.handshake);
    let server = start(folder, &format!("s_server-{port}"), &mut command);
    until_open(port).await;
    Some(server)
}

/// Reads the printer behind a port of loopback.
async fn ask_port(port: u16) -> Result<Asked, agent::AskError> {
    let access = Access { only: vec!["piws"], ..Access::default() };
    ask(&format!("127.0.0.1:{port}"), &access, READ_AT, PATIENCE).await
}

impl OldPrinter {
    /// Starts it; `None`, said aloud, where this openssl is too new for it.
    async fn start(old: &OldTls) -> Option<OldPrinter> {
        let folder = tempfile::tempdir().expect("a folder");
        make_certificate(folder.path(), FIRST, old)?;
        // It answers with the file at the path, head and all, and then closes.
        let pages = folder.path().join("LFPWebServices/PI");
        std::fs::create_dir_all(&pages).expect("made");
        let fields = r#"{"ModelName":"HP DesignJet T1530 36in","PartNumber":"L2Y24B","SerialNumber":"CN7TEST044"}"#;
        let ink = r#"{"InkSlotGroupCollection":{"InkSlotGroup":{"Color":"cyan",
            "InkSlotGroupInfo":{"InkUsed":{"Value":433,"Unit":"cc"}}}}}"#;
        for (name, body) in [
            ("Identification.json", format!(r#"{{"Identification":{{"Fields":{fields}}}}}"#)),
            ("InkSystem.json", format!(r#"{{"InkSystem":{ink}}}"#)),
        ] {
            let head = format!("content-type: application/json\r\ncontent-length: {}\r\nconnection: close", body.len());
            std::fs::write(pages.join(name), format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")).expect("written");
        }
        let port = free_port();
        let server = serve(folder.path(), port, FIRST, old).await?;
        Some(OldPrinter { _server: server, port, folder })
    }

    async fn ask(&self) -> Result<Asked, agent::AskError> {
        ask_port(self.port).await
    }

    fn log(&self) -> String {
        log(self.folder.path(), &format!("s_server-{}", self.port))
    }
}

#[cfg(feature = "legacy-tls")]
#[tokio::test]
async fn printers_with_the_tls_of_their_years_are_read() {
    for old in OLD_TLS {
        let Some(printer) = OldPrinter::start(old).await else { continue };
        let asked = printer.ask().await;
        let asked = asked.unwrap_or_else(|error| panic!("{}: {error}\n{}", old.what, printer.log()));
        assert_eq!(who(&asked).1, Some("CN7TEST044"), "{}", old.what);
        assert_eq!(asked.report.usage.ink, millilitres(433), "{}", old.what);
        assert_eq!(asked.grade, Grade::B, "{}", old.what);
    }
}

#[cfg(not(feature = "legacy-tls"))]
#[tokio::test]
async fn the_default_build_says_of_a_printer_with_old_tls_what_to_do() {
    for old in OLD_TLS {
        let Some(printer) = OldPrinter::start(old).await else { continue };
        let error = printer.ask().await.expect_err("too old");
        assert!(matches!(error, agent::AskError::OldTls), "{}: {error}\n{}", old.what, printer.log());
        assert!(error.to_string().contains("a build with the feature legacy-tls"), "{error}");
    }
}

/// What must hold where a printer is read over OpenSSL: the certificate is held against the pin there too.
#[cfg(feature = "legacy-tls")]
mod pins {
    use super::{FIRST, OLD_TLS, OldPrinter, OldTls, ask_port, free_port, make_certificate, millilitres, serve, who};
    use crate::hostile::identity;
    use crate::site::{MODEL, site_of};
    use agent::{AskError, Collector, Config};
    use protocol::receipt::Participation;
    use tokio::net::{TcpListener, TcpStream};

    impl OldPrinter {
        /// The printer at its port again, with its certificate of this name.
        async fn showing(self, name: &str, old: &OldTls) -> OldPrinter {
            let OldPrinter { _server: before, port, folder } = self;
            drop(before);
            let server = serve(folder.path(), port, name, old).await.expect("openssl is there");
            OldPrinter { _server: server, port, folder }
        }
    }

    /// A port whose first connection leads to one printer, and every later one to another.
    async fn first_to(first: u16, then: u16) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        tokio::spawn(async move {
            let mut target = first;
            while let Ok((mut near, _)) = listener.accept().await {
                let port = std::mem::replace(&mut target, then);
                tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await {
                        // Either side hangs up whenever it has had enough.
                        let _hung_up = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        port
    }

    #[tokio::test]
    async fn an_old_printer_with_another_certificate_is_refused_until_it_shows_its_own_again() {
        const OTHER: &str = "other";
        for old in OLD_TLS {
            let Some(printer) = OldPrinter::start(old).await else { continue };
            if make_certificate(printer.folder.path(), OTHER, old).is_none() {
                continue;
            }
            let site = site_of(vec![identity(MODEL, "CN1")], Participation::All).await;
            let printers = format!("[[printer]]\naddress = \"127.0.0.1:{}\"\n", printer.port);
            // Without IPP, which this machine itself may speak.
            let text = format!("state = {:?}\npause_ms = 0\n{printers}[interfaces]\nipp_ports = []\n", site.state());
            let config = Config::parse(&text).expect("valid");
            let collector = Collector::open(config, site.surroundings()).expect("opens");
            let round = collector.once().await.expect("a round");
            assert_eq!((round.read, round.failed), (1, 0), "{}: {round:?}\n{}", old.what, printer.log());
            let printer = printer.showing(OTHER, old).await;
            site.later(3);
            let round = collector.once().await.expect("a round");
            assert_eq!((round.read, round.failed), (0, 1), "{}: {round:?}", old.what);
            let is_said = round.unread.iter().any(|(_, why)| why.contains("shows another certificate"));
            assert!(is_said, "{}: {round:?}", old.what);
            let printer = printer.showing(FIRST, old).await;
            site.later(3);
            let round = collector.once().await.expect("a round");
            assert_eq!((round.read, round.failed), (1, 0), "{}: {round:?}\n{}", old.what, printer.log());
        }
    }

    #[tokio::test]
    async fn a_reading_that_goes_over_to_old_tls_takes_no_other_certificate_there() {
        let [old, ..] = OLD_TLS else { panic!("no old TLS is listed") };
        let new = OldTls { what: "the TLS of today", certificate: old.certificate, handshake: &[] };
        let Some(new) = OldPrinter::start(&new).await else { return };
        let Some(other) = OldPrinter::start(old).await else { return };
        let port = free_port();
        let Some(_same) = serve(new.folder.path(), port, FIRST, old).await else { return };
        // The printer answers who it is over the TLS of today, and everything after that over the old one.
        let asked = ask_port(first_to(new.port, port).await).await;
        let asked = asked.unwrap_or_else(|error| panic!("its own certificate: {error}\n{}", new.log()));
        assert_eq!((who(&asked).1, asked.report.usage.ink), (Some("CN7TEST044"), millilitres(433)));
        let error = ask_port(first_to(new.port, other.port).await).await.expect_err("another certificate");
        assert!(matches!(error, AskError::Certificate { .. }), "{error}\n{}", other.log());
    }
}
