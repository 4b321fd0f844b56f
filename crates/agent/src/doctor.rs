//! `doctor`: checks everything that must work, one after the other, each with what to do where it fails.
//!
//! It asks printers only who they are. Where the portal has not answered lately, it says one beat, as the agent last
//! did; else it spares the wire budget. It opens the agent's folder as every start does, so that a tighter privacy
//! policy reaches what waits. Deliberately absent: any other repair.

use crate::audience::Audience;
use crate::office::{CollectorError, Office, Spoken};
use crate::printer::{Access, AskError, Contact, Identified, Known, Memories, Patience, interfaces};
use crate::proxy::{ProxyChoice, Route};
use crate::set_up::{Enrolling, SetUp};
use crate::tls::{Authorities, Observer};
use crate::uplink::UplinkError;
use crate::{DeskError, IdentityError};
use protocol::message::AgentKind;
use protocol::package::PrinterIdentity;
use protocol::receipt::Settings;
use protocol::{Hex, MESSAGES_PATH};
use report::{Defect, Duration, Instant, Surroundings};
use std::error::Error;
use std::path::Path;

/// A clock may differ from the portal's by this much.
const CLOCK_TOLERANCE: Duration = Duration::minutes(10);

/// An answer of the portal's that is younger than this is not asked for again: each exchange counts in the wire budget.
const FRESH: Duration = Duration::minutes(10);

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Pass,
    /// It does not work, or will not for long.
    Fail,
    /// It could not be checked.
    Skipped,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do.
    pub action: Option<String>,
}

impl Check {
    fn pass(name: &str, found: impl Into<String>) -> Check {
        Check { name: name.to_owned(), verdict: Verdict::Pass, found: found.into(), action: None }
    }

    fn fail(name: &str, found: impl Into<String>, action: impl Into<String>) -> Check {
        Check { name: name.to_owned(), verdict: Verdict::Fail, found: found.into(), action: Some(action.into()) }
    }

    fn skipped(name: &str, found: impl Into<String>) -> Check {
        Check { name: name.to_owned(), verdict: Verdict::Skipped, found: found.into(), action: None }
    }
}

/// Checks everything that the agent of this file needs.
pub async fn doctor(config: &impl Enrolling, surroundings: Surroundings) -> Vec<Check> {
    let set_up = config.set_up();
    let mut checks = vec![folder(&set_up.state), file(config)];
    let looked = Office::look(&set_up, surroundings.clone());
    let settings = match &looked {
        Ok(office) => {
            checks.push(enrolled(office));
            checks.push(name(office).await);
            checks.push(proxy(office));
            checks.extend(tls_and_clock(office).await);
            checks.push(portal(&set_up, office, &surroundings).await);
            office.settings().unwrap_or_default()
        }
        Err(error) => {
            let (action, why) = not_looked(error, set_up.kind);
            checks.push(Check::fail("enrolment", chain(error), action));
            for name in ["portal's name", "proxy", "TLS to the portal", "clock", "portal"] {
                checks.push(Check::skipped(name, why));
            }
            Settings::default()
        }
    };
    let audience = Audience { settings, also_supported: config.also_supported().map(<[String]>::to_vec) };
    let (access, without) = set_up.interfaces.access_of_a_visitor();
    checks.extend(without.into_iter().map(|why| {
        let action = "correct that file, or take it out of [interfaces]; until then no agent starts";
        Check::fail("secrets of printers", why, action)
    }));
    let patience = Patience::pausing(config.pause_ms());
    for address in config.addresses() {
        let visit = Visit { address, kind: set_up.kind, access: &access, audience: &audience, patience };
        checks.push(visit.check(looked.as_ref().ok(), surroundings.now()).await);
    }
    checks.push(sockets());
    checks
}

/// What to do where the agent's folder cannot be looked at, and what that means for the portal.
fn not_looked(error: &CollectorError, kind: AgentKind) -> (String, &'static str) {
    const UNKNOWN: &str = "the enrolment does not read, so that the portal is not known";
    match error {
        CollectorError::Desk(DeskError::Identity(IdentityError::Absent(_))) => {
            let action = format!("enrol with the file from your reseller: `plotmeter {} enrol FILE`", kind.word());
            (action, "not enrolled yet, so that the portal is not known")
        }
        CollectorError::Desk(DeskError::Identity(IdentityError::Io { source, .. }))
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            ("run this as the user that the agent runs as, or as an administrator".to_owned(), UNKNOWN)
        }
        CollectorError::Desk(DeskError::Identity(IdentityError::Io { .. })) => {
            ("look at the state folder and its disk".to_owned(), UNKNOWN)
        }
        CollectorError::Uplink(_) => ("correct [portal] in the configuration".to_owned(), UNKNOWN),
        _ => ("do what it says, then check again".to_owned(), UNKNOWN),
    }
}

/// An error with all its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    // Causes may quote what came over the network.
    text.chars().take(400).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn folder(state: &Path) -> Check {
    let name = "state folder";
    let shown = state.display();
    let metadata = match std::fs::metadata(state) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return Check::fail(name, format!("{shown} is no folder"), "name another one with state = …"),
        Err(error) => {
            let action = format!("make {shown} for the user that the agent runs as, or enrol, which makes it");
            return Check::fail(name, format!("{shown}: {error}"), action);
        }
    };
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        let found = format!("{shown} may be read by others than the agent's user");
        return Check::fail(name, found, format!("run `chmod 700 {shown}`"));
    }
    #[cfg(not(unix))]
    let _ = metadata;
    let probe = state.join("doctor.part");
    let written = std::fs::write(&probe, b"x").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Check::pass(name, format!("{shown} can be written, by nobody else")),
        Err(error) => {
            let action = "run this as the agent's user, or give that user the folder; look at the free space";
            Check::fail(name, format!("{shown} cannot be written: {error}"), action)
        }
    }
}

fn file(config: &impl Enrolling) -> Check {
    let listed = config.addresses().len();
    let policy = config.set_up().privacy.words();
    let looser = policy.iter().filter(|(_, mode)| *mode != "drop" && *mode != "minute");
    let looser: Vec<&str> = looser.map(|(field, _)| field.as_str()).collect();
    let names = match looser.as_slice() {
        [] => "all personal data is dropped".to_owned(),
        fields => format!("not dropped or cut: {}", fields.join(", ")),
    };
    let printers = if listed == 1 { "printer" } else { "printers" };
    Check::pass("configuration", format!("read; {listed} {printers} listed by address; {names}"))
}

fn enrolled(office: &Office) -> Check {
    let desk = office.desk();
    let identity = desk.identity();
    let found = format!(
        "agent {} for the account {} of {}, at {}",
        identity.agent(),
        identity.customer(),
        identity.reseller(),
        identity.portal()
    );
    Check::pass("enrolment", found)
}

async fn name(office: &Office) -> Check {
    let check = "portal's name";
    let host = office.uplink().host();
    if let Ok(Route { choice: ProxyChoice::Http { .. }, .. }) = office.uplink().route() {
        return Check::skipped(check, "the proxy looks it up");
    }
    match tokio::net::lookup_host((host.trim_matches(['[', ']']), 443)).await {
        Ok(found) => {
            let count = found.count();
            Check::pass(check, format!("{host} has {count} {}", if count == 1 { "address" } else { "addresses" }))
        }
        Err(error) => {
            let action = format!("let this machine look up {host} in the DNS, or set [portal] proxy");
            Check::fail(check, format!("{host} is not found: {error}"), action)
        }
    }
}

fn proxy(office: &Office) -> Check {
    let name = "proxy";
    match office.uplink().route() {
        Ok(Route { choice: ProxyChoice::Direct, why, .. }) => Check::pass(name, format!("none: {why}")),
        Ok(Route { choice: ProxyChoice::Http { host, port }, why, credentials }) => {
            let sign_in = if credentials.is_some() { ", with user and password" } else { "" };
            Check::pass(name, format!("{host}:{port}{sign_in}: {why}"))
        }
        Ok(Route { choice: ProxyChoice::Unsupported(what), why, .. }) => {
            let action = "set [portal] proxy = \"http://host:port\" to a proxy that lets CONNECT through, or \"none\"";
            Check::fail(name, format!("{why}, but {what}"), action)
        }
        Err(error) => Check::fail(name, chain(&error), "correct [portal] in the configuration"),
    }
}

/// One request without keys: whether TLS comes about, who vouches for it, and what time it is there.
async fn tls_and_clock(office: &Office) -> [Check; 2] {
    let (tls, clock) = ("TLS to the portal", "clock");
    let uplink = office.uplink();
    let prepared = uplink.local_authority().and_then(|local| {
        let authorities = Authorities { enrolled: uplink.enrolled_authority(), local: local.as_deref() };
        let (observer, config) = Observer::new(authorities)?;
        Ok((observer, uplink.client(config)?))
    });
    let (observer, client) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let failed = Check::fail(tls, chain(&error), "correct [portal] in the configuration");
            return [failed, Check::skipped(clock, "the portal was not reached")];
        }
    };
    let before = office.surroundings.now();
    let url = format!("https://{}{MESSAGES_PATH}", uplink.authority());
    match client.get(url).send().await {
        Ok(answer) => {
            let date = answer.headers().get("date").and_then(|value| value.to_str().ok()).and_then(http_date);
            let found = observer.shown().map_or_else(
                || "TLS 1.3".to_owned(),
                |shown| {
                    let note = if shown.inspected {
                        "; a proxy opens TLS on the way: it can neither read nor alter what is sealed inside"
                    } else {
                        ""
                    };
                    format!("TLS 1.3, certificate issued by {}{note}", shown.issuer)
                },
            );
            [Check::pass(tls, found), time(before, office.surroundings.now(), date)]
        }
        Err(error) => {
            let failed = match observer.shown() {
                Some(shown) if shown.untimely => return untimely(&shown.issuer, before),
                Some(shown) if error.is_connect() => {
                    let found = format!("the certificate there, issued by {}, is not the portal's", shown.issuer);
                    let action = format!(
                        "if {} is your own proxy's authority: let the portal's name through uninspected, or name \
                         that authority in [portal] authority; else something stands in the portal's place",
                        shown.issuer
                    );
                    Check::fail(tls, found, action)
                }
                _ => unreached(tls, &uplink.explain(error).await),
            };
            [failed, Check::skipped(clock, "the portal was not reached")]
        }
    }
}

/// A certificate that is not valid now: far more often this machine's clock is wrong than the certificate.
fn untimely(issuer: &str, now: Instant) -> [Check; 2] {
    let found = format!("the certificate there, issued by {issuer}, is not valid yet, or no longer, at {now}");
    let action = "see first that this machine's clock is right; if it is, the portal's certificate must be renewed";
    let clock = format!("{now} here; the portal's certificate is not valid at that time");
    let set = "set this machine's clock, best by NTP, if that is not the time";
    [Check::fail("TLS to the portal", found, action), Check::fail("clock", clock, set)]
}

fn unreached(name: &str, error: &UplinkError) -> Check {
    let action = match error {
        UplinkError::ProxyAuthentication { remedy, .. } => remedy.clone(),
        UplinkError::ProxyRefused { .. } => "let the proxy allow CONNECT to the portal on port 443".to_owned(),
        _ => "let this machine open connections to the portal on port 443, or set [portal] proxy".to_owned(),
    };
    Check::fail(name, chain(error), action)
}

fn time(before: Instant, after: Instant, there: Option<Instant>) -> Check {
    let name = "clock";
    let Some(there) = there else {
        return Check::skipped(name, "the portal's answer bears no time");
    };
    // The answer was made between the two; it is exact to the second.
    let off = if there < before { before.since(there) } else { there.since(after.max(before)) };
    let off = Duration(off.0.max(0));
    if off <= CLOCK_TOLERANCE {
        return Check::pass(name, format!("within {} s of the portal's", off.0 / 1000));
    }
    let action = "set this machine's clock, best by NTP; readings are dated by it within what the portal can prove";
    Check::fail(name, format!("{} min away from the portal's", off.0 / 60_000), action)
}

/// Reads the `date` header: `Sun, 22 Nov 2026 20:30:00 GMT`.
fn http_date(text: &str) -> Option<Instant> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = fields[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Instant::parse(&format!("{year}-{month:02}-{day}T{time}Z"))
}

/// What the agent that is at work now last heard of the portal.
fn heard(looked: &Office) -> Check {
    let name = "portal";
    let (last, trouble) = (looked.last_answer().unwrap_or_default(), looked.trouble().unwrap_or_default());
    let answered = last.map_or_else(|| "it never answered".to_owned(), |at| format!("it last answered at {at}"));
    match (trouble, last) {
        (Some(trouble), _) => {
            let found = format!("the agent at work says: {trouble}; {answered}");
            Check::fail(name, found, "mend what failed above, or look into the agent's log")
        }
        (None, Some(_)) => Check::pass(name, format!("the agent at work talks to it; {answered}")),
        (None, None) => Check::skipped(name, "another agent uses the state folder now; it has not talked to it yet"),
    }
}

/// What the portal says: lately, or else to a beat, said the way the agent at work does.
async fn portal(set_up: &SetUp, looked: &Office, surroundings: &Surroundings) -> Check {
    let name = "portal";
    let office = match Office::open(set_up, surroundings.clone()) {
        Ok(office) => office,
        Err(CollectorError::Desk(DeskError::Busy(_))) => return heard(looked),
        Err(error) => return Check::fail(name, chain(&error), "do what it says, then check again"),
    };
    let trouble = office.trouble().unwrap_or_default();
    let last = office.last_answer().unwrap_or_default();
    let fresh = last.filter(|at| (Duration(0)..FRESH).contains(&surroundings.now().since(*at)));
    if let (Some(at), None) = (fresh, trouble) {
        return Check::pass(name, format!("it knew this agent and proved that it is the portal, at {at}"));
    }
    match office.greet().await {
        Ok(Spoken::Heard) => Check::pass(name, "it knows this agent and proved that it is the portal"),
        Ok(Spoken::Wait(until)) => {
            let why = office.waits_in_words().ok().flatten();
            let why = why.unwrap_or_else(|| format!("the wire budget or a pause ends at {until}"));
            Check::skipped(name, format!("not asked now: {why}"))
        }
        Ok(_) => Check::skipped(name, "there was nothing to say"),
        Err(CollectorError::Uplink(error)) => unreached(name, &error),
        Err(CollectorError::Refused(problem)) => {
            let action = problem.detail.clone().unwrap_or_else(|| "ask your reseller".to_owned());
            Check::fail(name, format!("it refuses: {}", Defect::quote(&problem.title)), action)
        }
        Err(error @ CollectorError::NeedsEnrolment(_)) => {
            Check::fail(name, chain(&error), "enrol with --again for the same account; nothing is lost")
        }
        Err(error @ CollectorError::Unproved) => {
            let action = "look whether a proxy answers in the portal's place, with a page of its own";
            Check::fail(name, chain(&error), action)
        }
        Err(error) => Check::fail(name, chain(&error), "look at the state folder and its free space"),
    }
}

/// A look at one printer.
struct Visit<'a> {
    address: &'a str,
    kind: AgentKind,
    access: &'a Access,
    audience: &'a Audience,
    patience: Patience,
}

impl Visit<'_> {
    async fn check(&self, office: Option<&Office>, now: Instant) -> Check {
        let name = format!("printer {}", self.address);
        // Only an address that is known already: asking for the pin of another one would make it known.
        let pinned = office.and_then(|office| {
            let mut desk = office.desk();
            let known = desk.printers().ok()?.iter().any(|printer| printer.address == self.address);
            if known { desk.pin(self.address).ok()? } else { None }
        });
        let known = office.and_then(|office| office.interfaces(self.address).ok()).unwrap_or_default();
        let memories = office.map(|office| office.memories.apart()).unwrap_or_default();
        match interfaces(self.contact(pinned, (&known, &memories), now)).await {
            Ok(identified) => self.found(&name, pinned.is_some(), &identified),
            Err(error) => self.missed(&name, &error),
        }
    }

    fn contact<'b>(
        &'b self,
        pinned: Option<Hex<32>>,
        (known, memories): (&'b Known, &'b Memories),
        read_at: Instant,
    ) -> Contact<'b> {
        let Visit { address, access, patience, .. } = *self;
        Contact { address, pinned, access, known, memories, first_look: false, read_at, patience }
    }

    /// Why the printer was not asked who it is, and what to do.
    fn missed(&self, name: &str, error: &AskError) -> Check {
        let action = match error {
            AskError::Certificate { address } => {
                let trust = match self.kind {
                    AgentKind::Direct => "plotmeter direct trust".to_owned(),
                    AgentKind::Collector | AgentKind::Firmware => format!("plotmeter collector trust {address}"),
                };
                format!("if it was replaced on purpose: `{trust}`")
            }
            AskError::Asleep => {
                let action = "nothing, if it is read by day; else wake it at its panel, or let it sleep later";
                let check = Check::skipped(name, error.to_string());
                return Check { action: Some(action.to_owned()), ..check };
            }
            AskError::OldTls => "renew the printer's firmware or its certificate, or install a build of this program \
                                 with the feature legacy-tls"
                .to_owned(),
            AskError::Unanswered(_) => {
                "see that it is on, that its address is right, and that this machine may reach its port".to_owned()
            }
            AskError::Unrecognised { .. } => {
                format!(
                    "it is on and reached, and is no printer that we read: see that its address is right; if it is, \
                     `plotmeter probe {} --record FOLDER` keeps what it answers",
                    self.address
                )
            }
        };
        Check::fail(name, chain(error), action)
    }

    /// What an identified printer is, and whether it will be read.
    fn found(&self, name: &str, is_pinned: bool, identified: &Identified) -> Check {
        let configuration = &identified.configuration;
        let product = Defect::quote(configuration.product_name.as_deref().unwrap_or("a printer without a name"));
        if !self.audience.supports(configuration) {
            let found = format!("{product} is not of a supported series; nothing of it is kept or sent");
            return Check::fail(name, found, "name its model in also_supported, if it is to be read");
        }
        let Some(printer) = PrinterIdentity::of(configuration) else {
            let found = format!("{product} gives neither serial number nor UUID");
            return Check::fail(name, found, "ask its maker; without an identity its usage cannot be told apart");
        };
        let secured = match (is_pinned, identified.fingerprint) {
            (true, Some(_)) => "its certificate is the one known",
            (true, None) => "its web server, which has the certificate that is known, did not answer",
            (false, Some(_)) => "its certificate is trusted at the first reading",
            (false, None) => "no certificate of its web server",
        };
        let serial = Defect::quote(&printer.serial);
        let mut found = format!("{product}, {serial}; {secured}; answers by {}", identified.drivers.join(", "));
        // Web interfaces that a printer does not have are no news; what the file turns on is.
        for (driver, why) in identified.silent.iter().filter(|(driver, _)| ["ipp", "snmp"].contains(driver)) {
            found.push_str(&format!("; not by {driver}: {}", Defect::quote(why)));
        }
        let mut check = Check::pass(name, found);
        if self.audience.settings.takes_part(&printer.serial) {
            check.found.push_str("; takes part");
        } else {
            check.found.push_str("; takes no part, only its identity is sent");
            check.action = Some("if it is under a contract, mark it as participating at the portal".to_owned());
        }
        check
    }
}

/// Whether this program can be called from the network.
#[cfg(target_os = "linux")]
fn sockets() -> Check {
    let name = "listening sockets";
    let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") else {
        return Check::skipped(name, "/proc cannot be read");
    };
    let links = descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let own: Vec<String> = links.map(|link| link.display().to_string()).collect();
    let listens = |table: &str| {
        let text = std::fs::read_to_string(format!("/proc/self/net/{table}")).unwrap_or_default();
        // The columns of proc(5): number, local address, remote address, state, …, inode.
        let inodes = text.lines().skip(1).filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            (columns.get(3) == Some(&"0A")).then(|| columns.get(9).map(|inode| format!("socket:[{inode}]")))?
        });
        inodes.filter(|inode| own.contains(inode)).count()
    };
    match listens("tcp") + listens("tcp6") {
        0 => Check::pass(name, "none: nobody can call this program"),
        some => Check::fail(name, format!("{some} in this program"), "report it: an agent has none"),
    }
}

/// Whether this program can be called from the network.
#[cfg(not(target_os = "linux"))]
fn sockets() -> Check {
    Check::skipped("listening sockets", "this system does not say; the program opens none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portal_s_date_is_read() {
        let at = Instant::parse("2026-11-22T20:30:05Z");
        assert_eq!(http_date("Sun, 22 Nov 2026 20:30:05 GMT"), at);
        for odd in ["", "now", "Sun, 22 Xyz 2026 20:30:05 GMT", "Sun, 22 Nov 2026 20:30:05 CET"] {
            assert_eq!(http_date(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_clock_may_be_ten_minutes_away() {
        let (before, after) = (Instant(1_793_448_000_000), Instant(1_793_448_001_000));
        for (there, verdict) in [
            (Some(before), Verdict::Pass),
            (Some(before.plus(Duration::minutes(-9))), Verdict::Pass),
            (Some(after.plus(Duration::minutes(10))), Verdict::Pass),
            (Some(after.plus(Duration::minutes(11))), Verdict::Fail),
            (Some(before.plus(Duration::hours(-24 * 3650))), Verdict::Fail),
            (None, Verdict::Skipped),
        ] {
            let check = time(before, after, there);
            assert_eq!(check.verdict, verdict, "{}", check.found);
            assert_eq!(check.action.is_some(), verdict == Verdict::Fail);
        }
    }

    #[test]
    fn a_folder_that_others_may_read_fails() {
        let folder_of_test = tempfile::tempdir().expect("a folder");
        let path = folder_of_test.path();
        #[cfg(unix)]
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("set");
        assert_eq!(folder(path).verdict, Verdict::Pass);
        assert_eq!(std::fs::read_dir(path).expect("a folder").count(), 0, "nothing is left in it");
        assert_eq!(folder(&path.join("absent")).verdict, Verdict::Fail);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("set");
            let check = folder(path);
            assert_eq!(check.verdict, Verdict::Fail);
            assert!(check.action.is_some_and(|action| action.contains("chmod 700")));
        }
    }
}
