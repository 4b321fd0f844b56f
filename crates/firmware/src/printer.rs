//! The agent of one printer: what it was told, what it keeps of that, and what it says of itself.
//!
//! Safe code; `calls` brings it across the boundary. A report that is being built, the last report and
//! the last minute's jobs are in memory; jobs, alerts, counters of boots and everything unsent are on
//! storage before a call returns. Deliberately absent: when to send, which is `send`.

use crate::abi::{PM_ENROL_AGAIN, PM_ENROL_ASKED, PM_ENROL_DONE, PM_ENROL_NONE, PM_ENROL_WAITING};
use crate::abi::{PM_LOG_ERROR, PM_NOT_KEPT, PM_OK};
use crate::fault::Fault;
use crate::form::{self, JobForm, ReportForm};
use crate::rows::{self, Given, RowFault};
use agent::privacy::{self, Policy};
use agent::{Desk, DeskError, DeskOptions, Identity, IdentityError, Inbound, Outbound, Pending, ReadFrom, Signer};
use protocol::message::AgentKind;
use protocol::package::{Boot, Core, Manner, PrinterIdentity, Split, records};
use report::{Alert, Configuration, Defect, Grade, Instant, Job, JobKind, Report, RowId, Source, Surroundings};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// The names of our small durable values.
pub(crate) const VALUE_ALERTS: &str = "firmware alerts";
const VALUE_BOOTS: &str = "firmware boots";
const VALUE_PRIVACY: &str = "firmware privacy";
/// The policy that what waits was filtered by.
const VALUE_FILTERED: &str = "firmware filtered";
/// By what the desk tells this printer from others; a printer's own agent has no address to read.
const SELF: &str = "self";
/// Where rows come from.
const SOURCE: &str = "firmware";
/// A report has at most this many defects of its own; more are counted.
const DEFECTS_MAX: usize = 32;
/// While a report is being given, so many are remembered.
const DEFECTS_KEPT: usize = 1000;

/// Carries requests.
pub(crate) trait Transport: Send {
    /// The answer to `request`, or `None` where there was none.
    fn post(&mut self, request: &Outbound, authority_pem: Option<&str>) -> Option<Inbound>;
}

/// What the printer brought.
pub(crate) struct Setup {
    pub(crate) folder: PathBuf,
    pub(crate) printer: Configuration,
    pub(crate) host: String,
    pub(crate) surroundings: Surroundings,
    /// Mixes fresh entropy in; fails where the printer has none.
    pub(crate) stir: Box<dyn Fn() -> Result<(), Fault> + Send>,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) signer: Option<Arc<dyn Signer>>,
    pub(crate) log: Box<dyn Fn(i32, &str) + Send>,
    pub(crate) spool_bytes_max: u64,
    pub(crate) catch_up_bytes: Option<u64>,
}

/// The last report, for the reading that is due next.
pub(crate) struct Snapshot {
    pub(crate) report: Report,
    pub(crate) defects: Vec<Defect>,
    /// Whether a reading was made of it.
    pub(crate) used: bool,
}

/// The agent of one printer.
pub(crate) struct PrinterAgent {
    pub(crate) setup: Setup,
    /// The office, once enrolled.
    pub(crate) office: Option<Box<Desk>>,
    /// An enrolment whose account a person has yet to confirm.
    pub(crate) asked: Option<Box<Pending>>,
    pub(crate) policy: Policy,
    pub(crate) snapshot: Option<Snapshot>,
    building: Option<(Report, Vec<Defect>)>,
    job: Option<(Job, Vec<Defect>)>,
    /// The jobs of the last minute, so that two of one UUID within it stay two.
    recent: Vec<(Job, Vec<Defect>)>,
    /// The rows that jobs had since the last reading.
    job_rows: BTreeSet<RowId>,
    /// Alerts that are active or were cleared since the last reading.
    pub(crate) alerts: Vec<Alert>,
    /// Alerts from before the last boot that nobody raised again yet.
    pub(crate) alerts_before: Vec<Alert>,
    /// Whether everything that waits is to be sent.
    pub(crate) sending: bool,
    /// Whether an alert is to be sent, that does not wait for the rest.
    pub(crate) urgent: bool,
    /// When a beat was last asked for, since the start.
    pub(crate) beat_at: Option<Instant>,
    /// Whether the portal proved that it has our keys no more.
    pub(crate) needs_enrolment: bool,
    /// What the portal last refused, in its words.
    pub(crate) problem: Option<String>,
}

/// What `pm_status` gives.
#[derive(Serialize)]
struct StatusForm<'a> {
    library: &'static str,
    enrolment: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    reseller: &'a str,
    customer: &'a str,
    takes_part: bool,
    settings_version: u64,
    records_waiting: u64,
    packages_waiting: u64,
    jobs_waiting: u64,
    pages_waiting: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_waiting: Option<Instant>,
    spool_bytes: u64,
    sending: bool,
    report_wanted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

impl PrinterAgent {
    /// Opens the folder. Whatever a power loss left there is taken over.
    pub(crate) fn open(setup: Setup) -> Result<PrinterAgent, Fault> {
        (setup.stir)()?;
        let mut agent = PrinterAgent {
            setup,
            office: None,
            asked: None,
            policy: Policy::default(),
            snapshot: None,
            building: None,
            job: None,
            recent: Vec::new(),
            job_rows: BTreeSet::new(),
            alerts: Vec::new(),
            alerts_before: Vec::new(),
            sending: false,
            urgent: false,
            beat_at: None,
            needs_enrolment: false,
            problem: None,
        };
        match Identity::load_with(&agent.setup.folder, agent.setup.signer.clone()) {
            Ok(_) => agent.open_desk()?,
            Err(IdentityError::Absent(_)) => {}
            Err(error) => return Err(Fault::storage(&error)),
        }
        Ok(agent)
    }

    /// Opens the office of an enrolled agent.
    pub(crate) fn open_desk(&mut self) -> Result<(), Fault> {
        // The one before holds the folder's lock.
        self.office = None;
        let mut options = DeskOptions {
            kind: AgentKind::Firmware,
            signer: self.setup.signer.clone(),
            spool_bytes_max: self.setup.spool_bytes_max,
            ..DeskOptions::default()
        };
        if let Some(bytes) = self.setup.catch_up_bytes {
            options.catch_up_bytes = bytes;
        }
        let mut desk = Desk::open(&self.setup.folder, self.setup.surroundings.clone(), options)
            .map_err(|error| Fault::storage(&error))?;
        let storage = |error: DeskError| Fault::storage(&error);
        match desk.value(VALUE_PRIVACY).map_err(storage)? {
            // What does not read fails closed: the default drops everything personal.
            Some(text) => self.policy = serde_json::from_str(&text).unwrap_or_default(),
            // Chosen before the enrolment was confirmed.
            None if self.policy != Policy::default() => {
                desk.set_value(VALUE_PRIVACY, &self.privacy()?).map_err(storage)?;
            }
            None => {}
        }
        let alerts = desk.value(VALUE_ALERTS).map_err(storage)?;
        self.alerts_before = alerts.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        self.alerts.clear();
        // After a start, what waits is sent at once, whatever it is.
        (self.sending, self.beat_at, self.needs_enrolment) = (true, None, false);
        self.office = Some(Box::new(desk));
        self.apply_policy()?;
        Ok(())
    }

    /// The time by the printer's clock.
    pub(crate) fn now(&self) -> Instant {
        self.setup.surroundings.now()
    }

    /// The office of an enrolled agent.
    pub(crate) fn desk(&mut self) -> Result<&mut Desk, Fault> {
        self.office.as_deref_mut().ok_or(Fault::NotEnrolled)
    }

    /// The same, for looking.
    pub(crate) fn desk_ref(&self) -> Result<&Desk, Fault> {
        self.office.as_deref().ok_or(Fault::NotEnrolled)
    }

    pub(crate) fn log(&self, level: i32, line: &str) {
        (self.setup.log)(level, line);
    }

    /// The printer as records name it.
    pub(crate) fn identity(&self) -> PrinterIdentity {
        PrinterIdentity::of(&self.configuration()).unwrap_or_else(|| PrinterIdentity {
            serial: self.serial().to_owned(),
            product_number: None,
            product_name: None,
        })
    }

    fn serial(&self) -> &str {
        self.setup.printer.serial_number.as_deref().unwrap_or("")
    }

    /// C rows: as given at opening, and what a later report said of them. The serial number stays.
    pub(crate) fn configuration(&self) -> Configuration {
        let given = &self.setup.printer;
        let later = self.snapshot.as_ref().map(|snapshot| &snapshot.report.configuration);
        let pick = |field: fn(&Configuration) -> &Option<String>| {
            later.and_then(|later| field(later).clone()).or_else(|| field(given).clone())
        };
        Configuration {
            product_number: pick(|configuration| &configuration.product_number),
            product_name: pick(|configuration| &configuration.product_name),
            firmware_version: pick(|configuration| &configuration.firmware_version),
            ..given.clone()
        }
    }

    /// Whether the portal counts this printer among those that are read. Until then only its identity is sent.
    pub(crate) fn takes_part(&self) -> Result<bool, Fault> {
        let settings = self.desk_ref()?.settings().map_err(|error| Fault::storage(&error))?;
        Ok(settings.takes_part(self.serial()))
    }

    /// The policy in force: the customer's own, and tighter where the portal asks for that.
    pub(crate) fn policy_in_force(&self) -> Result<Policy, Fault> {
        let settings = self.desk_ref()?.settings().map_err(|error| Fault::storage(&error))?;
        Ok(if settings.drop_personal { self.policy.without_personal() } else { self.policy })
    }

    /// Begins a report.
    pub(crate) fn report_begin(&mut self) -> Result<i32, Fault> {
        if self.building.is_some() {
            return Err(Fault::State("a report is being given already: end it first"));
        }
        self.building = Some(<(Report, Vec<Defect>)>::default());
        Ok(PM_OK)
    }

    /// Puts a row of the report that was begun.
    pub(crate) fn report_put(&mut self, row: &str, item: &str, given: Given<'_>) -> Result<i32, Fault> {
        let (report, defects) = self.building.as_mut().ok_or(Fault::State("begin a report first"))?;
        let row = rows::parse(row)?;
        rows::put(report, row, item, given).map_err(|fault| kept(defects, row, fault))?;
        Ok(PM_OK)
    }

    /// Ends the report: it is what the next reading is made of.
    pub(crate) fn report_end(&mut self) -> Result<i32, Fault> {
        let (report, defects) = self.building.take().ok_or(Fault::State("begin a report first"))?;
        self.desk_ref()?;
        Ok(self.take_report(report, defects))
    }

    fn take_report(&mut self, mut report: Report, mut defects: Vec<Defect>) -> i32 {
        report.read_at = self.now();
        defects.extend(form::below_zero(&report));
        trim(&mut defects);
        self.snapshot = Some(Snapshot { report, defects, used: false });
        PM_OK
    }

    /// A report as JSON, with its alerts and jobs.
    pub(crate) fn report_json(&mut self, json: &str) -> Result<i32, Fault> {
        let ReportForm { configuration, status, settings, usage, alerts, jobs } = form::read(json)?;
        self.desk_ref()?;
        if configuration.serial_number.as_deref().is_some_and(|serial| serial != self.serial()) {
            return Err(Fault::Value("the report names another serial number than pm_agent_open".to_owned()));
        }
        let jobs: Vec<Job> = jobs.into_iter().map(JobForm::into_job).collect();
        for job in &jobs {
            countable(job)?;
        }
        let report = Report { configuration, status, settings, usage, ..Report::default() };
        let mut result = self.take_report(report, Vec::new());
        for alert in alerts {
            result = result.max(self.raise(alert)?);
        }
        if !jobs.is_empty() {
            result = result.max(self.keep_jobs(jobs.into_iter().map(|job| (job, Vec::new())).collect())?);
        }
        Ok(result)
    }

    /// Begins a job.
    pub(crate) fn job_begin(&mut self, kind: JobKind) -> Result<i32, Fault> {
        if self.job.is_some() {
            return Err(Fault::State("a job is being given already: end it first"));
        }
        self.job = Some((rows::job(kind), Vec::new()));
        Ok(PM_OK)
    }

    /// Puts a row of the job that was begun.
    pub(crate) fn job_put(&mut self, row: &str, item: &str, given: Given<'_>) -> Result<i32, Fault> {
        let (job, defects) = self.job.as_mut().ok_or(Fault::State("begin a job first"))?;
        let row = rows::parse(row)?;
        rows::put_job(job, row, item, given).map_err(|fault| kept(defects, row, fault))?;
        Ok(PM_OK)
    }

    /// Ends the job: it is on storage when this returns.
    pub(crate) fn job_end(&mut self) -> Result<i32, Fault> {
        let (job, _) = self.job.as_ref().ok_or(Fault::State("begin a job first"))?;
        countable(job)?;
        self.desk_ref()?;
        let (job, defects) = self.job.take().ok_or(Fault::State("begin a job first"))?;
        let result = self.keep_jobs(vec![(job.clone(), defects.clone())]);
        if result.is_err() {
            // The caller may mend what was wrong and end it again.
            self.job = Some((job, defects));
        }
        result
    }

    /// Forgets the report or the job that was begun.
    pub(crate) fn cancel(&mut self) -> i32 {
        (self.building, self.job) = (None, None);
        PM_OK
    }

    /// A job as JSON.
    pub(crate) fn job_json(&mut self, json: &str) -> Result<i32, Fault> {
        let job = form::read::<JobForm>(json)?.into_job();
        countable(&job)?;
        self.desk_ref()?;
        self.keep_jobs(vec![(job, Vec::new())])
    }

    /// Puts finished jobs into the spool.
    fn keep_jobs(&mut self, jobs: Vec<(Job, Vec<Defect>)>) -> Result<i32, Fault> {
        if !self.takes_part()? {
            return Ok(PM_NOT_KEPT);
        }
        (self.setup.stir)()?;
        let minute = |job: &Job| job.finished_at().map(|at| at.0.div_euclid(60_000));
        let minutes: BTreeSet<_> = jobs.iter().map(|(job, _)| minute(job)).collect();
        self.recent.retain(|(job, _)| minutes.contains(&minute(job)));
        for (job, mut defects) in jobs {
            defects.extend(form::below_zero_of_job(&job));
            trim(&mut defects);
            self.job_rows.extend(report::walk_job(&job).into_iter().map(|filled| filled.row));
            // A corrected job takes the place of the one it corrects.
            match self.recent.iter().position(|(known, _)| same_job(known, &job)) {
                Some(index) => self.recent[index] = (job, defects),
                None => self.recent.push((job, defects)),
            }
        }
        let report = Report { jobs: self.recent.clone(), ..Report::default() };
        let split = self.split(report, &[])?;
        let from = ReadFrom { address: SELF, now: self.now(), fingerprint: None, defects: 0 };
        // What the spool knows already it passes over.
        let appended = self.desk()?.append_jobs(&split, from).map_err(|error| Fault::storage(&error))?;
        if appended.full {
            return Err(Fault::Storage("there is no room for the job; end it again later".to_owned()));
        }
        if appended.too_large > 0 {
            self.recent.clear();
            return Err(Fault::Full("the job is larger than a record may be".to_owned()));
        }
        Ok(PM_OK)
    }

    /// A report as records: named, filtered, with where its rows came from.
    pub(crate) fn split(&mut self, mut report: Report, defects: &[Defect]) -> Result<Split, Fault> {
        let policy = self.policy_in_force()?;
        let key = self.pseudonym_key(&policy)?;
        if report.read_at == Instant::default() {
            report.read_at = self.now();
        }
        report.configuration = self.configuration();
        let filled = report::walk(&report).into_iter().map(|filled| filled.row);
        for row in filled.chain(self.job_rows.iter().copied()) {
            report.sources.insert(row, Source { from: SOURCE.to_owned(), derived: false });
        }
        privacy::filter(&mut report, &policy, key.as_ref());
        let seen = self.desk_ref()?.mark().map_err(|error| Fault::storage(&error))?;
        let manner = Manner { grade: Grade::A, seen, timestamps: policy.timestamps };
        // The serial number is there since the handle was opened.
        records(&report, defects, manner).ok_or(Fault::Null("serial_number"))
    }

    /// Makes the record that is due, of the last report. Gives whether it is a reading or only says that
    /// the printer was seen; `None` where no new report was given.
    pub(crate) fn append_reading(&mut self) -> Result<Option<bool>, Fault> {
        let Some(snapshot) = self.snapshot.as_ref().filter(|snapshot| !snapshot.used) else { return Ok(None) };
        let (mut report, defects) = (snapshot.report.clone(), snapshot.defects.clone());
        let from = ReadFrom { address: SELF, now: self.now(), fingerprint: None, defects: defects.len() };
        let takes_part = self.takes_part()?;
        if takes_part {
            report.alerts = self.alerts_of_reading();
            let split = self.split(report, &defects)?;
            let appended = self.desk()?.append(&split, from).map_err(|error| Fault::storage(&error))?;
            if appended.full {
                return Ok(None);
            }
            if appended.too_large > 0 {
                self.log(PM_LOG_ERROR, "the report is larger than a record may be; it is left out");
            }
            self.job_rows.clear();
            self.alerts_were_read()?;
        } else {
            let configuration = self.configuration();
            self.desk()?.append_seen(&configuration, from).map_err(|error| Fault::storage(&error))?;
        }
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.used = true;
        }
        Ok(Some(takes_part))
    }

    /// The printer started.
    pub(crate) fn boot(&mut self) -> Result<i32, Fault> {
        (self.setup.stir)()?;
        if !self.takes_part()? {
            return Ok(PM_NOT_KEPT);
        }
        let at = self.now();
        let desk = self.desk()?;
        let storage = |error: DeskError| Fault::storage(&error);
        let known = desk.value(VALUE_BOOTS).map_err(storage)?.and_then(|text| text.parse::<u64>().ok());
        let number = known.unwrap_or(0).saturating_add(1);
        desk.set_value(VALUE_BOOTS, &number.to_string()).map_err(storage)?;
        let seen = desk.mark().map_err(storage)?;
        let boot = Boot { at, number, version: env!("CARGO_PKG_VERSION").to_owned(), seen };
        desk.append_core(&Core::Boot(boot)).map_err(storage)?;
        self.sending = true;
        Ok(PM_OK)
    }

    /// The privacy policy as JSON.
    pub(crate) fn privacy(&self) -> Result<String, Fault> {
        serde_json::to_string(&self.policy).map_err(|error| Fault::Json(error.to_string()))
    }

    /// Takes another privacy policy. What waits is brought down to a tighter one before this returns.
    pub(crate) fn set_privacy(&mut self, json: &str) -> Result<i32, Fault> {
        let policy: Policy = form::read(json)?;
        let before = std::mem::replace(&mut self.policy, policy);
        if self.office.is_none() {
            return Ok(PM_OK);
        }
        let kept = self.keep_policy();
        if kept.is_err() {
            self.policy = before;
        }
        kept.map(|()| PM_OK)
    }

    /// First what waits, then the policy: should the power fail between, nothing got looser.
    fn keep_policy(&mut self) -> Result<(), Fault> {
        (self.setup.stir)()?;
        self.apply_policy()?;
        let text = self.privacy()?;
        self.desk()?.set_value(VALUE_PRIVACY, &text).map_err(|error| Fault::storage(&error))
    }

    /// Brings what waits down to the policy in force, where that became tighter: by a person here, or
    /// because the portal asks for no personal row at all.
    pub(crate) fn apply_policy(&mut self) -> Result<(), Fault> {
        let storage = |error: DeskError| Fault::storage(&error);
        let policy = self.policy_in_force()?;
        let text = self.desk_ref()?.value(VALUE_FILTERED).map_err(storage)?;
        let earlier: Policy = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        if policy == earlier {
            return Ok(());
        }
        if policy.is_tighter_than(&earlier) {
            let key = self.pseudonym_key(&policy)?;
            let tighten = |personal: &mut report::Personal| policy.tighten(&earlier, personal, key.as_ref());
            self.recent.clear();
            self.desk()?.refilter(&tighten, policy.timestamps).map_err(storage)?;
        }
        let text = serde_json::to_string(&policy).map_err(|error| Fault::Json(error.to_string()))?;
        self.desk()?.set_value(VALUE_FILTERED, &text).map_err(storage)
    }

    fn pseudonym_key(&self, policy: &Policy) -> Result<Option<[u8; 32]>, Fault> {
        if !policy.needs_key() {
            return Ok(None);
        }
        let key = privacy::key_or_new(&self.setup.folder, &self.setup.surroundings);
        key.map(Some).map_err(|error| Fault::storage(&error))
    }

    /// How far the enrolment is, as the number of the interface.
    pub(crate) fn enrolment(&self) -> i32 {
        match &self.office {
            _ if self.asked.is_some() => PM_ENROL_ASKED,
            None => PM_ENROL_NONE,
            Some(_) if self.needs_enrolment => PM_ENROL_AGAIN,
            Some(desk) if desk.identity().is_confirmed() => PM_ENROL_DONE,
            Some(_) => PM_ENROL_WAITING,
        }
    }

    /// Reseller and customer, as the portal proved them; empty where they are not known yet.
    pub(crate) fn account(&self) -> (&str, &str) {
        match (&self.asked, &self.office) {
            (Some(pending), _) => pending.account(),
            (None, Some(desk)) => (desk.identity().reseller(), desk.identity().customer()),
            (None, None) => ("", ""),
        }
    }

    /// After a reset: nothing of the account is left in memory. The desk removed what was in the folder.
    pub(crate) fn forget(&mut self) {
        (self.office, self.asked, self.snapshot, self.building, self.job) = (None, None, None, None, None);
        (self.sending, self.urgent, self.beat_at, self.needs_enrolment) = (false, false, None, false);
        (self.policy, self.problem) = (Policy::default(), None);
        self.recent.clear();
        self.job_rows.clear();
        self.alerts.clear();
        self.alerts_before.clear();
    }

    /// What the agent says of itself, as JSON.
    pub(crate) fn status(&self) -> Result<String, Fault> {
        let storage = |error: DeskError| Fault::storage(&error);
        let (reseller, customer) = self.account();
        let mut status = StatusForm {
            library: env!("CARGO_PKG_VERSION"),
            enrolment: match self.enrolment() {
                PM_ENROL_NONE => "none",
                PM_ENROL_ASKED => "asked",
                PM_ENROL_WAITING => "waiting",
                PM_ENROL_AGAIN => "again",
                _ => "done",
            },
            agent: None,
            reseller,
            customer,
            takes_part: false,
            settings_version: 0,
            records_waiting: 0,
            packages_waiting: 0,
            jobs_waiting: 0,
            pages_waiting: 0,
            oldest_waiting: None,
            spool_bytes: 0,
            sending: self.sending,
            report_wanted: false,
            problem: self.problem.as_deref(),
        };
        if let Some(desk) = &self.office {
            let unsent = desk.unsent().map_err(storage)?;
            status.agent = Some(desk.identity().agent());
            status.takes_part = self.takes_part()?;
            status.settings_version = desk.settings().map_err(storage)?.version;
            status.records_waiting = unsent.all_records();
            status.packages_waiting = unsent.packages;
            status.jobs_waiting = unsent.jobs;
            status.pages_waiting = unsent.pages;
            status.oldest_waiting = unsent.oldest;
            status.spool_bytes = unsent.bytes;
            status.report_wanted = self.report_wanted()?;
        }
        serde_json::to_string(&status).map_err(|error| Fault::Json(error.to_string()))
    }
}

/// Keeps what a row refused as a defect, beside telling the caller.
fn kept(defects: &mut Vec<Defect>, row: RowId, fault: RowFault) -> Fault {
    if matches!(fault, RowFault::Value { .. }) && defects.len() < DEFECTS_KEPT {
        // The words quote the value, and a personal row's value is nobody's business.
        let what = if row.row().personal { "a value that the row cannot have".to_owned() } else { fault.to_string() };
        defects.push(Defect::at(row, what));
    }
    Fault::Row(fault)
}

/// Bounds a list of defects.
fn trim(defects: &mut Vec<Defect>) {
    let more = defects.len().saturating_sub(DEFECTS_MAX);
    if more > 0 {
        defects.truncate(DEFECTS_MAX);
        defects.push(Defect::of(format!("and {more} more")));
    }
}

/// Whether two jobs have one key, so that the later one corrects the earlier.
fn same_job(left: &Job, right: &Job) -> bool {
    let second = |job: &Job| job.finished_at().map(|at| at.0.div_euclid(1000));
    let same_name = if left.uuid.is_some() || right.uuid.is_some() {
        left.uuid == right.uuid
    } else {
        left.sequence == right.sequence
    };
    same_name && second(left) == second(right)
}

/// Whether a job can be counted once.
fn countable(job: &Job) -> Result<(), Fault> {
    if job.uuid.is_none() && job.sequence.is_none() {
        return Err(Fault::Value("a job needs its UUID (P2, N2) or its sequence number (P3, N3)".to_owned()));
    }
    if job.finished_at().is_none() {
        return Err(Fault::Value("a job needs when it was printed (P10) or scanned (N9)".to_owned()));
    }
    Ok(())
}
