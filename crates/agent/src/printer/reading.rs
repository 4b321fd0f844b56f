//! One reading of one printer: its interfaces one after another, until it is known who answers, and then everything.
//!
//! Deliberately absent: which interfaces are asked, which the plan says, and how bytes are carried, which each kind
//! of connection knows.

use super::access::Login;
use super::grade::grade;
use super::known::Choice;
use super::plan::{Occasion, Plan};
use super::snmp::Walker;
use super::web::{Link, Trouble};
use super::{AskError, Asked, Contact, Identified, LOGIN_REFUSED, Told};
use crate::address;
use crate::tls::{Fingerprint, Pin};
use drivers::ipp::Operation;
use drivers::merge::{Heard, Identity, Merged};
use drivers::{Answer, Answers, Ask, Channel, Driver, Request, is_asleep, limits, reads_both_ends};
use protocol::package::PrinterIdentity;
use report::{Configuration, Defect, Instant, Report, RowId};
use tokio::time::{sleep, timeout};

/// Bytes of all answers of one reading. Eight printers are read at once, and the unit allows 512 MiB.
const ANSWERS_BYTES_MAX: usize = 2 * limits::BODY_MAX;
/// Requests by which one interface may say who the printer is, where the first one does not name it.
const WHO_REQUESTS_MAX: usize = 6;
/// The status of a web server that is busy for a while (RFC 9110 §15.6.4). Printers give it after a start.
const BUSY: u16 = 503;
/// What is said where the time for the whole reading is over.
const LATE: &str = "did not end within the time for one reading";
/// What is said where something else may have answered than the printer that is known at an address.
const DOUBTFUL: &str = "what answered is not proved to be the printer that is known there";

/// What a reading is for.
#[derive(Clone, Copy)]
pub(super) enum Aim<'a> {
    /// The report, of a printer of which this is true; of another one who it is.
    Report(&'a (dyn Fn(&Configuration) -> bool + Send + Sync)),
    /// The report of whatever printer, with every answer.
    Recording,
    /// Which interfaces there are.
    Interfaces,
}

impl Aim<'_> {
    /// Whether a printer is asked for everything; `None` where nothing was decided by this configuration.
    fn decide(self, configuration: &Configuration) -> Option<bool> {
        match self {
            Aim::Report(wanted) if wanted(configuration) => Some(true),
            // A UUID alone decides nothing: people mark printers by serial number, which another interface may name.
            Aim::Report(_) => configuration.serial_number.as_ref().map(|_| false),
            Aim::Recording => Some(true),
            Aim::Interfaces => None,
        }
    }
}

/// What one interface said.
struct Said {
    driver: &'static Driver,
    answers: Answers,
    /// Whether it was asked for everything.
    whole: bool,
    /// What its answers say, read once for all questions about them; `None` while it is being asked.
    understood: Option<Understood>,
}

/// What the answers of one interface say.
struct Understood {
    /// Whether the interface recognised the printer.
    is_identified: bool,
    report: Report,
    defects: Vec<Defect>,
}

impl Said {
    fn is_identified(&self) -> bool {
        let afresh = || (self.driver.identify)(&self.answers);
        self.understood.as_ref().map_or_else(afresh, |understood| understood.is_identified)
    }

    /// Reads the answers, where that was not done since the last of them came.
    fn understand(&mut self, read_at: Instant) {
        if self.understood.is_none() {
            let is_identified = self.is_identified();
            let (report, defects) = (self.driver.read)(&self.answers, read_at);
            self.understood = Some(Understood { is_identified, report, defects });
        }
    }

    /// That a stranger is no part of the report.
    fn left_out(&self) -> Defect {
        let what = "names another printer than the one that is known there, as before: it is left out";
        Defect::at(RowId::C3, format!("{} {what}", self.driver.name))
    }
}

/// Why a printer was not recognised, from the answers of one interface.
pub(crate) fn reason(answers: &Answers) -> String {
    let words = |(key, answer): (&String, &Answer)| match answer {
        Answer::Body { status: status @ 200..=299, .. } => {
            format!("{key} answered {status}, but not with what such a printer has there")
        }
        Answer::Body { status, .. } => format!("{key} answered {status}"),
        Answer::Elsewhere { status, .. } => format!("{key} answered {status}, which leads elsewhere"),
        Answer::NotAsked(why) | Answer::Failed(why) => format!("{key} {why}"),
    };
    answers.iter().next().map_or_else(|| "nothing was asked".to_owned(), words)
}

/// One reading while it goes on.
pub(super) struct Reading<'a> {
    contact: Contact<'a>,
    aim: Aim<'a>,
    host: String,
    web: Link,
    ipp: Option<Link>,
    snmp: Option<Walker>,
    said: Vec<Said>,
    /// Whether the printer is asked for everything, once that is decided.
    decided: Option<bool>,
    /// Whether every interface that may be asked was tried.
    tried_all: bool,
    requests: i32,
    bytes: usize,
}

impl<'a> Reading<'a> {
    /// Asks a printer, within the time for a reading.
    pub(super) async fn carry(contact: Contact<'a>, aim: Aim<'a>) -> Result<Told, AskError> {
        let occasion = Occasion {
            access: contact.access,
            known: contact.known,
            first_look: contact.first_look,
            now: contact.read_at,
        };
        let plan = Plan::of(occasion);
        let mut reading = Reading::new(contact, aim)?;
        let in_time = match timeout(contact.patience.reading, reading.ask_all(&plan)).await {
            Ok(asked) => {
                asked?;
                true
            }
            Err(_) => false,
        };
        reading.told(&plan, in_time)
    }

    fn new(contact: Contact<'a>, aim: Aim<'a>) -> Result<Reading<'a>, AskError> {
        let no_address = || {
            let shown = Defect::quote(contact.address);
            let is_bare = contact.address.parse::<std::net::Ipv6Addr>().is_ok();
            let form = if is_bare { ": an IPv6 address stands in brackets, as in [2001:db8::1]:443" } else { "" };
            AskError::Unanswered(format!("{shown:?} is not a host or an address with an optional port{form}"))
        };
        let known = address::known(contact.address).ok_or_else(no_address)?;
        let (plain, authority) = match known.strip_prefix("http://") {
            Some(authority) => (true, authority),
            None => (false, known.as_str()),
        };
        let (host, port) = address::split(authority);
        let usual = if plain { 80 } else { 443 };
        let port = port.map_or(Some(usual), |port| port.parse().ok()).ok_or_else(no_address)?;
        let pin = (!plain).then(|| Pin::new(contact.pinned));
        Ok(Reading {
            contact,
            aim,
            host: host.to_owned(),
            web: Link::new(host, port, pin, contact.patience),
            ipp: None,
            snmp: None,
            said: Vec::new(),
            decided: None,
            tried_all: false,
            requests: 0,
            bytes: 0,
        })
    }

    /// The interfaces of the plan, one after another.
    async fn ask_all(&mut self, plan: &Plan) -> Result<(), AskError> {
        for driver in &plan.first {
            self.visit(driver).await?;
            if self.decided == Some(false) {
                return Ok(());
            }
        }
        let needs_more = self.needs_more();
        for driver in plan.rest.iter().filter(|_| needs_more) {
            self.visit(driver).await?;
            if self.decided == Some(false) {
                return Ok(());
            }
        }
        self.tried_all = needs_more || plan.rest.is_empty();
        Ok(())
    }

    /// Whether interfaces that never answered are tried too: none of the known ones is there any more, although the
    /// printer is, or it is one of which nothing is remembered, or its firmware is another one.
    fn needs_more(&self) -> bool {
        if self.contact.first_look {
            return self.decided == Some(true);
        }
        let identified = self.identified();
        if identified.is_empty() {
            return self.web.was_open();
        }
        let Some(memory) = identified.iter().find_map(|(_, it)| self.contact.memories.of(it)) else { return true };
        identified.iter().any(|(name, it)| memory.has_other_firmware(name, it.firmware_version.as_deref()))
    }

    /// The interfaces that recognised the printer, and who each says it is. Strangers are none of them.
    fn identified(&self) -> Vec<(&'static str, Configuration)> {
        let identified = self.said.iter().filter(|said| said.is_identified() && !self.is_stranger(said));
        identified.map(|said| (said.driver.name, self.configuration(said))).collect()
    }

    /// Whether an interface names a printer that was named beside the known one before.
    fn is_stranger(&self, said: &Said) -> bool {
        let is_one = || self.contact.known.is_stranger(&Identity::of(&self.configuration(said)));
        matches!(self.aim, Aim::Report(_)) && is_one()
    }

    /// Who an interface says the printer is; by the serial number under which it is known, where the interface gives
    /// its UUID only.
    fn configuration(&self, said: &Said) -> Configuration {
        let mut configuration = match &said.understood {
            Some(understood) => understood.report.configuration.clone(),
            None => (said.driver.read)(&said.answers, self.contact.read_at).0.configuration,
        };
        if configuration.serial_number.is_none()
            && let Some(memory) = self.contact.memories.of(&configuration)
        {
            configuration.serial_number = memory.identity().serial().map(str::to_owned);
        }
        configuration
    }

    /// Asks one interface who the printer is and, where that is wanted, everything.
    async fn visit(&mut self, driver: &'static Driver) -> Result<(), AskError> {
        let is_left = match driver.channel {
            // A port that takes no connection takes none for the next driver either.
            Channel::Web => self.web.trouble().is_some(),
            Channel::Ipp => false,
            Channel::Snmp => self.contact.first_look && self.web.was_open() && self.decided.is_none(),
        };
        if is_left {
            return Ok(());
        }
        self.said.push(Said { driver, answers: Answers::new(), whole: false, understood: None });
        let index = self.said.len() - 1;
        self.gather(index, true).await?;
        self.said[index].understand(self.contact.read_at);
        if !self.said[index].is_identified() || self.is_stranger(&self.said[index]) {
            return Ok(());
        }
        if self.decided.is_none() {
            self.decided = self.aim.decide(&self.configuration(&self.said[index]));
        }
        if self.decided == Some(true) {
            for index in 0..self.said.len() {
                let said = &self.said[index];
                if !said.whole && said.is_identified() && !self.is_stranger(said) {
                    self.gather(index, false).await?;
                    let said = &mut self.said[index];
                    said.understand(self.contact.read_at);
                    said.whole = true;
                }
            }
        }
        Ok(())
    }

    /// Asks what a driver wants to know, or only until it is known who answers.
    async fn gather(&mut self, index: usize, only_who: bool) -> Result<(), AskError> {
        loop {
            let said = &self.said[index];
            let mut wanted = (said.driver.next)(&said.answers);
            wanted.retain(|request| !said.answers.contains_key(&request.key));
            if wanted.is_empty() {
                return Ok(());
            }
            for request in wanted {
                let said = &self.said[index];
                let enough = only_who && self.says_who(said);
                if enough || said.answers.len() >= limits::REQUESTS_MAX {
                    return Ok(());
                }
                let answer = self.answer(&request).await;
                self.keep(index, request.key, answer)?;
            }
        }
    }

    /// Whether an interface has said who the printer is. A driver that does not know what answers asks no further
    /// by itself.
    fn says_who(&self, said: &Said) -> bool {
        let is_named = || PrinterIdentity::of(&self.configuration(said)).is_some();
        said.answers.len() >= WHO_REQUESTS_MAX || (said.is_identified() && is_named())
    }

    fn keep(&mut self, index: usize, key: String, answer: Answer) -> Result<(), AskError> {
        let said = &mut self.said[index];
        let answer = match answer {
            Answer::Body { body, .. } if body.len() > limits::BODY_MAX && !reads_both_ends(&key) => {
                Answer::Failed(format!("is longer than {} bytes", limits::BODY_MAX))
            }
            answer => answer,
        };
        if let Answer::Body { body, .. } = &answer {
            self.bytes = self.bytes.saturating_add(body.len());
        }
        said.answers.insert(key, answer);
        said.understood = None;
        // Only the web server's certificate is ever trusted by a person. Another one on IPP's port is not used.
        if self.web.trouble() == Some(Trouble::Certificate) {
            return Err(AskError::Certificate { address: self.contact.address.to_owned() });
        }
        if is_asleep(&said.answers) { Err(AskError::Asleep) } else { Ok(()) }
    }

    /// The answer to one request.
    async fn answer(&mut self, request: &Request) -> Answer {
        if self.bytes >= ANSWERS_BYTES_MAX {
            return Answer::Failed(format!("was not asked: the printer answered more than {ANSWERS_BYTES_MAX} bytes"));
        }
        let login = match &request.ask {
            Ask::GetWithLogin(_) => match self.login() {
                Ok(login) => Some(login),
                Err(why) => return Answer::NotAsked(why.to_owned()),
            },
            Ask::Get(_) | Ask::Ipp(_) | Ask::Walk(_) => None,
        };
        let pause = self.contact.patience.pause;
        if self.requests > 0 && !pause.is_zero() {
            sleep(pause).await;
        }
        self.requests = self.requests.saturating_add(1);
        // One connection at a time: these are small machines.
        match &request.ask {
            Ask::Get(accept) | Ask::GetWithLogin(accept) => {
                self.ipp.iter_mut().for_each(Link::close);
                let answer = self.web.get(&request.key, accept.word(), login).await;
                refused(answer, login.is_some())
            }
            Ask::Ipp(operation) => {
                self.web.close();
                self.operation(operation).await
            }
            Ask::Walk(root) => self.walk(root).await,
        }
    }

    /// The login, where one may be sent.
    fn login(&self) -> Result<&'a Login, &'static str> {
        match &self.contact.access.login {
            None => Err("needs a login, and none is configured"),
            Some(_) if !self.web.is_tls() => Err("needs a login, which is sent over TLS only"),
            // A recording is made by somebody who names the printer and the login in one command.
            Some(_) if self.contact.pinned.is_none() && !matches!(self.aim, Aim::Recording) => {
                Err("needs a login, which is sent once the printer's certificate is known")
            }
            Some(login) => Ok(login),
        }
    }

    async fn operation(&mut self, operation: &Operation) -> Answer {
        if self.ipp.is_none() {
            self.ipp = Some(self.ipp_link().await);
        }
        let Some(link) = &mut self.ipp else { return Answer::NotAsked("no port takes IPP".to_owned()) };
        let bytes = operation.encode(&link.printer_uri(), self.requests);
        link.operation(bytes).await
    }

    /// A connection to the first port that takes one; else the last one tried, which says why not.
    async fn ipp_link(&mut self) -> Link {
        let mut ports = self.contact.access.ipp_ports.iter().copied().peekable();
        loop {
            let port = ports.next().unwrap_or(super::web::IPP_PORT);
            let pin = self.web.is_tls().then(|| Pin::new(self.certificate()));
            let mut link = Link::new(&self.host, port, pin, self.contact.patience);
            if link.ensure().await.is_ok() || ports.peek().is_none() {
                return link;
            }
        }
    }

    /// The certificate that the printer has, where that is known by now. The device has one: what its web server
    /// showed holds for IPP too.
    fn certificate(&self) -> Option<Fingerprint> {
        self.contact.pinned.or_else(|| self.web.shown())
    }

    async fn walk(&mut self, root: &'static str) -> Answer {
        let Contact { access, read_at, patience, .. } = self.contact;
        if self.snmp.is_none() {
            self.snmp = Walker::new(&self.host, access, read_at, patience);
        }
        match &mut self.snmp {
            Some(walker) => walker.walk(root).await,
            None => Answer::NotAsked("snmp is off".to_owned()),
        }
    }

    /// Over what an interface was asked, and whether that proves who answered.
    fn over(&self, channel: Channel) -> (String, bool) {
        let Contact { access, .. } = self.contact;
        match (channel, &self.ipp) {
            (Channel::Web, _) => (self.web.over(), self.web.is_tls()),
            (Channel::Ipp, Some(link)) => {
                // A certificate on IPP's port alone is kept nowhere: only at the first look of a person it is trusted.
                let is_proved = match self.certificate() {
                    Some(known) => link.shown() == Some(known),
                    None => link.is_tls() && matches!(self.aim, Aim::Recording),
                };
                (link.over(), is_proved)
            }
            (Channel::Ipp, None) => (String::new(), false),
            (Channel::Snmp, _) => {
                let is_proved = access.snmp.as_ref().is_some_and(|snmp| snmp.is_authenticated());
                (format!("{}:{} snmp", self.host, access.snmp_port), is_proved)
            }
        }
    }

    /// What came of it.
    fn told(mut self, plan: &Plan, in_time: bool) -> Result<Told, AskError> {
        // Whatever came by the deadline is read.
        self.said.iter_mut().for_each(|said| said.understand(self.contact.read_at));
        let silent = self.said.iter().filter(|said| !said.is_identified());
        let silent = silent.map(|said| (said.driver.name, reason(&said.answers)));
        let silent: Vec<(&'static str, String)> = silent.collect();
        if silent.len() == self.said.len() {
            return Err(self.unanswered(plan, &silent, in_time));
        }
        if self.decided == Some(true) {
            return self.report(plan, silent).map(|asked| Told::Report(Box::new(asked)));
        }
        let identified = self.identified();
        if identified.is_empty() {
            return Err(doubtful(&silent));
        }
        let by_serial = identified.iter().find(|(_, it)| it.serial_number.is_some());
        let named = by_serial.or_else(|| identified.iter().find(|(_, it)| it.uuid.is_some()));
        let (driver, configuration) = named.or(identified.first()).cloned().unwrap_or_default();
        if matches!(self.aim, Aim::Report(_)) && self.is_doubtful(&[driver], &silent) {
            return Err(doubtful(&silent));
        }
        let drivers = identified.into_iter().map(|(name, _)| name).collect();
        Ok(Told::Identity(Identified { configuration, fingerprint: self.web.shown(), drivers, silent }))
    }

    /// Whether what these drivers say is no word against the printer whose certificate is known at the address: none
    /// of them proves who answered, or an interface that answered there before is silent.
    fn is_doubtful(&self, drivers: &[&'static str], silent: &[(&'static str, String)]) -> bool {
        let is_proved = drivers.iter().any(|name| self.is_proved(name));
        let is_missing = silent.iter().any(|(name, _)| self.contact.known.remembers(name));
        self.contact.pinned.is_some() && (!is_proved || is_missing)
    }

    /// Whether it is proved who said what a driver asked.
    fn is_proved(&self, driver: &str) -> bool {
        drivers::driver(driver).is_some_and(|driver| self.over(driver.channel).1)
    }

    fn unanswered(self, plan: &Plan, silent: &[(&'static str, String)], in_time: bool) -> AskError {
        if self.web.trouble() == Some(Trouble::OldTls) {
            return AskError::OldTls;
        }
        let late = if in_time { "" } else { LATE };
        let why = format!("no driver recognises a printer there ({})", reasons(silent, late));
        let is_answer = |answer: &Answer| matches!(answer, Answer::Body { .. } | Answer::Elsewhere { .. });
        let was_heard = self.said.iter().any(|said| said.answers.values().any(is_answer));
        if !was_heard && !self.web.was_open() {
            return AskError::Unanswered(why);
        }
        let not_asked = self.not_asked(plan);
        AskError::Unrecognised { why, not_asked, answers: self.answers() }
    }

    /// What was not asked, and why: interfaces, and requests of those that were.
    fn not_asked(&self, plan: &Plan) -> Vec<(String, String)> {
        let left_out = plan.left_out.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned()));
        let answers = self.said.iter().flat_map(|said| &said.answers);
        let requests = answers.filter_map(|(key, answer)| match answer {
            Answer::NotAsked(why) => Some((key.clone(), why.clone())),
            Answer::Body { .. } | Answer::Elsewhere { .. } | Answer::Failed(_) => None,
        });
        left_out.chain(requests).collect()
    }

    /// Every answer, where a recording is wanted.
    fn answers(self) -> Vec<(&'static str, Answers)> {
        match self.aim {
            Aim::Recording => self.said.into_iter().map(|said| (said.driver.name, said.answers)).collect(),
            Aim::Report(_) | Aim::Interfaces => Vec::new(),
        }
    }

    /// What this reading may decide about where counters and jobs come from. Jobs have another name in each
    /// interface, and the web knows most of them: others begin only where the web may not be silent for a while.
    fn choice(&self) -> Choice {
        let Contact { known, first_look, .. } = self.contact;
        let is_busy = |answer: &Answer| matches!(answer, Answer::Body { status: BUSY, .. });
        let mut of_web = self.said.iter().filter(|said| said.driver.channel == Channel::Web);
        let is_quiet = self.web.trouble().is_some() || of_web.any(|said| said.answers.values().any(is_busy));
        let anew = known.is_anew() && self.tried_all;
        let jobs = (self.tried_all && !is_quiet) || anew || matches!(self.aim, Aim::Recording);
        Choice { counters: self.tried_all || !first_look, jobs, anew }
    }

    /// What the interfaces of the printer said, and that strangers are left out. It is taken out of the reading:
    /// after this, nobody asks who an interface says the printer is.
    fn heard(&mut self) -> (Vec<Heard>, Vec<Defect>) {
        let (mut heard, mut left_out) = (Vec::new(), Vec::new());
        let mut all = std::mem::take(&mut self.said);
        for said in &mut all {
            let is_stranger = self.is_stranger(said);
            match said.understood.take() {
                Some(Understood { is_identified: true, .. }) if is_stranger => left_out.push(said.left_out()),
                Some(Understood { is_identified: true, report, defects }) => {
                    let (driver, over) = (said.driver, self.over(said.driver.channel).0);
                    heard.push(Heard { driver, over, report, defects });
                }
                Some(_) | None => {}
            }
        }
        self.said = all;
        (heard, left_out)
    }

    fn report(mut self, plan: &Plan, silent: Vec<(&'static str, String)>) -> Result<Asked, AskError> {
        let Contact { access, known, memories, read_at, .. } = self.contact;
        for said in self.said.iter_mut().filter(|said| !said.whole && said.is_identified()) {
            for request in (said.driver.next)(&said.answers) {
                said.answers.entry(request.key).or_insert_with(|| Answer::Failed(LATE.to_owned()));
            }
            said.understood = None;
            said.understand(read_at);
        }
        let (heard, left_out) = self.heard();
        let over = heard.iter().map(|heard| (heard.driver.name, heard.over.clone())).collect();
        let is_welcome = |merged: &Merged| {
            !known.is_of_another(merged.memory.identity()) || !self.is_doubtful(&merged.drivers, &silent)
        };
        let choice = self.choice();
        let merged = memories.merge(heard, choice, is_welcome).ok_or_else(|| doubtful(&silent))?;
        let Merged { report, mut defects, drivers, memory, strangers } = merged;
        defects.extend(left_out);
        let gone = silent.iter().filter(|(name, _)| known.remembers(name));
        defects.extend(gone.map(|(name, why)| Defect::of(format!("{name} did not answer as before: {why}"))));
        if self.ipp.as_ref().is_some_and(|link| link.trouble() == Some(Trouble::Certificate)) {
            let what = "ipp: the port shows another certificate than the printer's: it is not asked over it";
            defects.push(Defect::of(what));
        }
        let grade = grade(&report, &drivers, |name| self.is_proved(name));
        let not_asked = self.not_asked(plan);
        // A web server that is off for a while is tried again at the next reading, and not a week later.
        let tried = (self.tried_all && self.web.trouble().is_none()).then_some(read_at);
        let known = known.after(memory.identity(), &drivers, tried, access.words());
        let known = known.with_strangers(&strangers).anew(choice.anew);
        let fingerprint = self.web.shown();
        let answers = self.answers();
        Ok(Asked { drivers, report, defects, grade, memory, silent, not_asked, answers, over, fingerprint, known })
    }
}

/// An answer; where a login was sent and not taken, it is one that failed.
fn refused(answer: Answer, has_login: bool) -> Answer {
    match answer {
        Answer::Body { status: status @ (401 | 403), .. } if has_login => {
            Answer::Failed(format!("{LOGIN_REFUSED} (status {status})"))
        }
        answer => answer,
    }
}

/// The interfaces that did not answer, each with why, and what else there is to say.
fn reasons(silent: &[(&'static str, String)], more: &str) -> String {
    let mut reasons: Vec<String> = silent.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    if !more.is_empty() {
        reasons.push(more.to_owned());
    }
    reasons.join("; ")
}

/// Something else may have answered than the printer that is known at the address.
fn doubtful(silent: &[(&'static str, String)]) -> AskError {
    let reasons = reasons(silent, "");
    let why = if reasons.is_empty() { String::new() } else { format!(" ({reasons})") };
    AskError::Unanswered(format!("{DOUBTFUL}{why}"))
}
