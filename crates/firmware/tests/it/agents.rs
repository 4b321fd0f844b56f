//! The agents under test: the desk that the collector and the direct agent work with, and the C library.

use crate::c::Handle;
use crate::conformance::{AgentUnderTest, SERIAL, World, job};
use agent::{Desk, DeskError, DeskOptions, Inbound, Invitation, Outbound, Outcome, ReadFrom, Started, Turn};
use protocol::enrol::EnrolmentFile;
use protocol::message::{AgentKind, AlertNotice};
use protocol::package::{Manner, PrinterIdentity, Timestamps, records};
use protocol::testing::Wire;
use report::{Alert, Configuration, Grade, Instant, Report, Severity};

pub(crate) fn desk(world: &World) -> Box<dyn AgentUnderTest> {
    Box::new(DeskAgent::new(world))
}

pub(crate) fn c_library(world: &World) -> Box<dyn AgentUnderTest> {
    let folder = tempfile::tempdir().expect("a folder");
    let handle = Handle::open(world, folder.path()).expect("opens");
    Box::new(CAgent { world: world.clone(), handle: Some(handle), folder })
}

/// A desk, and as much around it as a conformance suite needs.
struct DeskAgent {
    world: World,
    folder: tempfile::TempDir,
    desk: Option<Desk>,
    needs_enrolment: bool,
}

impl DeskAgent {
    fn new(world: &World) -> DeskAgent {
        let folder = tempfile::tempdir().expect("a folder");
        DeskAgent { world: world.clone(), folder, desk: None, needs_enrolment: false }
    }

    fn open(&mut self) {
        self.desk = None;
        // A program that another test starts holds a copy of the folder's lock until it runs.
        self.desk = (0..10_000).find_map(|_| {
            let surroundings = self.world.surroundings.clone();
            match Desk::open(self.folder.path(), surroundings, DeskOptions::default()) {
                Err(DeskError::Busy(_)) => {
                    std::thread::yield_now();
                    None
                }
                opened => Some(opened.expect("opens")),
            }
        });
        assert!(self.desk.is_some(), "the folder stays busy");
    }

    fn carry(&self, request: &Outbound) -> Option<Inbound> {
        let headers = request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let wire = Wire {
            authority: request.authority.clone(),
            path: request.path.to_owned(),
            headers,
            body: request.body.clone(),
        };
        let answer = self.world.net.lock().expect("not poisoned").post(&wire)?;
        Some(Inbound { status: answer.status, headers: answer.headers, body: answer.body })
    }

    fn desk(&mut self) -> &mut Desk {
        self.desk.as_mut().expect("enrolled")
    }
}

fn configuration() -> Configuration {
    Configuration {
        product_name: Some("Example 36in".to_owned()),
        serial_number: Some(SERIAL.to_owned()),
        ..Configuration::default()
    }
}

impl AgentUnderTest for DeskAgent {
    fn enrol(&mut self, file: &EnrolmentFile) {
        let invitation = Invitation::File(file.clone());
        let (kind, surroundings) = (AgentKind::Collector, &self.world.surroundings);
        let (started, request) = Started::file(&invitation, "host", kind, None, None, surroundings).expect("starts");
        let answer = self.carry(&request).expect("an answer");
        started.answered(&answer).expect("the portal").keep(self.folder.path()).expect("kept");
        self.open();
    }

    fn job(&mut self, number: i64) {
        let now = self.world.surroundings.now();
        let report = Report {
            read_at: now,
            configuration: configuration(),
            jobs: vec![(job(number), Vec::new())],
            ..Report::default()
        };
        let desk = self.desk();
        let manner = Manner { grade: Grade::B, seen: desk.mark().expect("reads"), timestamps: Timestamps::Minute };
        let split = records(&report, &[], manner).expect("a printer");
        let from = ReadFrom { address: "printer", now, fingerprint: None, defects: 0 };
        desk.append(&split, from).expect("appends");
    }

    fn alert(&mut self, code: &str, since: Instant) {
        let printer = PrinterIdentity::of(&configuration()).expect("a serial number");
        let alert = Alert { code: code.to_owned(), severity: Severity::Severe, since: Some(since), ..Alert::default() };
        let read_at = self.world.surroundings.now();
        self.desk().alert(AlertNotice { printer, read_at, alert }).expect("keeps");
    }

    fn step(&mut self) {
        for _ in 0..200 {
            let request = match self.desk().turn().expect("a turn") {
                Turn::Send(request) => request,
                Turn::Wait(_) | Turn::Idle => return,
            };
            match self.carry(&request) {
                None => self.desk().failed(&request).expect("takes it"),
                Some(answer) => {
                    let outcome = self.desk().answered(&request, &answer).expect("takes it");
                    self.needs_enrolment |= matches!(outcome, Outcome::NeedsEnrolment(_));
                }
            }
        }
        panic!("the desk never comes to an end");
    }

    fn reopen(&mut self) {
        self.open();
    }

    fn has_unsent(&mut self) -> bool {
        let unsent = self.desk().unsent().expect("reads");
        unsent.records + unsent.packages > 0
    }

    fn rotate(&mut self) {
        self.desk().rotate().expect("rotates");
    }

    fn needs_enrolment(&mut self) -> bool {
        self.needs_enrolment
    }
}

/// The C library, called as a printer calls it.
struct CAgent {
    world: World,
    // Before the folder, so that it is closed first.
    handle: Option<Handle>,
    folder: tempfile::TempDir,
}

impl CAgent {
    fn handle(&self) -> &Handle {
        self.handle.as_ref().expect("open")
    }

    fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.handle().status().expect("a status")).expect("JSON")
    }
}

impl AgentUnderTest for CAgent {
    fn enrol(&mut self, file: &EnrolmentFile) {
        let file = serde_json::to_string(file).expect("serialises");
        assert_eq!(self.handle().enrol_file(&file), 0, "{}", self.handle().last_error());
        assert_eq!(self.handle().confirm(), 0, "{}", self.handle().last_error());
    }

    fn job(&mut self, number: i64) {
        let code = self.handle().job(&job(number));
        assert_eq!(code, 0, "{}", self.handle().last_error());
    }

    fn alert(&mut self, code: &str, since: Instant) {
        let code = self.handle().alert(code, plotmeter_agent::abi::PM_SEVERITY_SEVERE, since.0);
        assert_eq!(code, 0, "{}", self.handle().last_error());
    }

    fn step(&mut self) {
        let (code, wait) = self.handle().step();
        assert_eq!(code, 0, "{}", self.handle().last_error());
        assert!((1_000..=3_600_000).contains(&wait), "{wait} ms");
    }

    fn reopen(&mut self) {
        self.handle = None;
        self.handle = Some(Handle::open(&self.world, self.folder.path()).expect("opens again"));
    }

    fn has_unsent(&mut self) -> bool {
        let status = self.status();
        let number = |name: &str| status[name].as_u64().expect("a number");
        number("records_waiting") + number("packages_waiting") > 0
    }

    fn rotate(&mut self) {
        assert_eq!(self.handle().rotate_key(), 0, "{}", self.handle().last_error());
    }

    fn needs_enrolment(&mut self) -> bool {
        self.status()["enrolment"] == "again"
    }
}
