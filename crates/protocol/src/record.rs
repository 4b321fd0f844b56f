//! Records: the facts that an agent sends, how a report becomes them, and the key by which a job
//! counts once.
//!
//! Deliberately absent: the privacy policy for personal rows. They go into the annex as the caller's
//! policy left them; only the instants of a job are cut here, because its key depends on them.

use crate::hex::Hex;
use crate::keys::sha256;
use report::{
    Alert, Area, CategoryUse, Configuration, Defect, Grade, Ink, Instant, Job, Personal, Report, Settings, Sources,
    Status, Usage,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;

/// By what a printer is told from every other: the serial number, else its UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterIdentity {
    /// Row C3, else the printer's UUID.
    pub serial: String,
    /// Row C1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_number: Option<String>,
    /// Row C2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
}

impl PrinterIdentity {
    /// The identity a report gives; `None` when it has neither serial number nor UUID.
    pub fn of(configuration: &Configuration) -> Option<PrinterIdentity> {
        Some(PrinterIdentity {
            serial: configuration.serial_number.clone().or(configuration.uuid.clone())?,
            product_number: configuration.product_number.clone(),
            product_name: configuration.product_name.clone(),
        })
    }
}

/// A record's core: numbers, states, identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Core {
    /// What a printer said, without its jobs.
    Reading(Box<Reading>),
    /// One finished job.
    Job(Box<JobRecord>),
    /// A printer that is there and takes part in no contract: its identity, and nothing else.
    Seen(Box<SeenPrinter>),
    /// Something that the agent had is lost.
    Gap(Gap),
    /// Jobs whose detail had to give way to a full disk.
    Fold(Box<Fold>),
    /// The agent started.
    Boot(Boot),
}

/// One reading set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Which printer.
    pub printer: PrinterIdentity,
    /// When it was read, by the agent's clock.
    pub read_at: Instant,
    /// How well it is proved.
    pub grade: Grade,
    /// C rows.
    pub configuration: Configuration,
    /// Rows S1 to S22, by the digest of a section.
    pub status: Hex<32>,
    /// Rows S23 to S26, by the digest of a section; absent when the printer gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Hex<32>>,
    /// U rows.
    pub usage: Usage,
    /// E rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// Where the rows came from, by the digest of a section.
    pub sources: Hex<32>,
    /// Odd data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<Defect>,
    /// The mark of the last receipt that the agent knew then: it was read after that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Hex<16>>,
}

/// One finished job of one printer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRecord {
    /// Which printer.
    pub printer: PrinterIdentity,
    /// When it was read, by the agent's clock.
    pub read_at: Instant,
    /// How well it is proved.
    pub grade: Grade,
    /// The job without its personal rows.
    pub job: Job,
    /// Odd data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<Defect>,
    /// The mark of the last receipt that the agent knew then: it was read after that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Hex<16>>,
    /// Which one it is among the jobs of one name that finished within one minute, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nth: u32,
}

impl JobRecord {
    /// The key by which this job counts once: see [`job_key`].
    pub fn key(&self) -> Option<String> {
        job_key(&self.job, self.nth)
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A printer that takes part in no contract: rows C1 to C4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenPrinter {
    /// Which printer.
    pub printer: PrinterIdentity,
    /// Row C4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware_version: Option<String>,
    /// When it was seen, by the agent's clock.
    pub read_at: Instant,
    /// The mark of the last receipt that the agent knew then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Hex<16>>,
}

/// Something that the agent had is lost. What printers still remember is read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// When the agent found it, by its clock.
    pub at: Instant,
    /// What happened.
    pub why: GapReason,
    /// How many records are lost; absent when nobody can know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_records: Option<u64>,
    /// How many unsent records were saved.
    pub salvaged_records: u64,
    /// The mark of the last receipt that the agent knew then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Hex<16>>,
}

/// How records came to be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// The spool was damaged; what could be read was taken over.
    SpoolDamaged,
    /// The spool was gone.
    SpoolLost,
    /// The spool is an old copy: the portal has more than it.
    Restored,
}

/// The sum of jobs of one printer whose detail had to give way to a full disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fold {
    /// Which printer.
    pub printer: PrinterIdentity,
    /// When the jobs were folded, by the agent's clock.
    pub folded_at: Instant,
    /// When the first of them finished.
    pub since: Instant,
    /// When the last of them finished.
    pub until: Instant,
    /// How many jobs.
    pub jobs: u64,
    /// The sum of row P15.
    pub pages: i64,
    /// The sum of row P20.
    pub area_printed: Area,
    /// The sum of row P19.
    pub area_media: Area,
    /// The sum of row P18.
    pub ink: Ink,
    /// The sums of rows P21 to P24.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<CategoryUse>,
    /// The mark of the last receipt that the agent knew then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Hex<16>>,
}

/// The agent started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boot {
    /// When, by the agent's clock.
    pub at: Instant,
    /// Rises by one with each start.
    pub number: u64,
    /// The agent's version.
    pub version: String,
    /// The mark of the last receipt that the agent knew then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Hex<16>>,
}

/// How exact the instants of a job are that leave the customer's network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timestamps {
    /// Cut to the minute.
    #[default]
    Minute,
    /// As the printer said.
    Second,
}

/// How a report becomes records.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How well the reading is proved.
    pub grade: Grade,
    /// The mark of the last receipt that the agent knows.
    pub seen: Option<Hex<16>>,
    /// How exact the jobs' instants are.
    pub timestamps: Timestamps,
}

/// What tells jobs apart that finished at one time: the UUID, else `#` and the sequence number.
fn job_name(job: &Job) -> Option<String> {
    job.uuid.clone().or_else(|| job.sequence.map(|sequence| format!("#{sequence}")))
}

/// The minute since 1970 in which `at` lies.
fn minute(at: Instant) -> i64 {
    at.0.div_euclid(MINUTE)
}

/// The key by which a job of one printer counts once: its UUID (else `#` and its sequence number),
/// the minute in which it finished and, from the second such job of that minute on, its number
/// `nth`. A job that is printed again from the printer's queue keeps its UUID and finishes at
/// another time: that is another job. `None` when it has no name or no completion time.
///
/// The minute, so that an agent that cuts times to the minute and one that does not make one key.
pub fn job_key(job: &Job, nth: u32) -> Option<String> {
    let (name, minute) = (job_name(job)?, minute(job.finished_at()?));
    Some(if nth == 0 { format!("{name}@{minute}") } else { format!("{name}@{minute}#{nth}") })
}

/// The completion seconds of the jobs of each name and minute.
type Seconds = BTreeMap<(String, i64), BTreeSet<i64>>;

/// A job's place in [`Seconds`]; `None` when it has no name or no completion time.
fn place(job: &Job) -> Option<((String, i64), i64)> {
    let finished = job.finished_at()?;
    Some(((job_name(job)?, minute(finished)), finished.0.div_euclid(1000)))
}

/// The completion seconds of all jobs. Seconds, because a fraction that one form of a document gives
/// and another leaves out must not make two jobs; and an entry that stands twice is one job.
fn seconds(report: &Report) -> Seconds {
    let mut seconds = Seconds::new();
    for (name_and_minute, second) in report.jobs.iter().filter_map(|(job, _)| place(job)) {
        seconds.entry(name_and_minute).or_default().insert(second);
    }
    seconds
}

/// Which one a job is among those of its name and minute, in order of time.
fn nth(seconds: &Seconds, job: &Job) -> u32 {
    let earlier = place(job).map_or(0, |(name_and_minute, second)| {
        seconds.get(&name_and_minute).map_or(0, |of_minute| of_minute.range(..second).count())
    });
    u32::try_from(earlier).expect("a minute has sixty seconds")
}

/// Cuts a job's instants to the minute: for the key, the privacy filter and the portal's comparison alike,
/// since counting a job once rests on all three agreeing. When printing began is set so that the job still finishes in
/// the minute in which it finished: its time to print is no instant and stays.
pub fn cut_to_the_minute(job: &mut Job) {
    let cut = |at: Instant| Instant(at.0.saturating_sub(at.0.rem_euclid(MINUTE)));
    let finished = job.finished_at();
    if let Some(print) = &mut job.print {
        print.printed_at = match (print.printed_at, print.time_to_print, finished) {
            (Some(_), Some(time), Some(finished)) => Some(Instant(cut(finished).0.saturating_sub(time.0))),
            (printed_at, ..) => printed_at.map(cut),
        };
    }
    if let Some(scan) = &mut job.scan {
        scan.scanned_at = scan.scanned_at.map(cut);
    }
}

/// A section: content that rarely changes, named by the SHA-256 of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// SHA-256 of `json`.
    pub digest: Hex<32>,
    /// The exact bytes.
    pub json: String,
}

impl Section {
    /// The section of rows S1 to S22.
    pub fn of_status(status: &Status) -> Section {
        Section::of(status)
    }

    /// The section of rows S23 to S26.
    pub fn of_settings(settings: &Settings) -> Section {
        Section::of(settings)
    }

    /// The section of where each row came from.
    pub fn of_sources(sources: &Sources) -> Section {
        Section::of(sources)
    }

    fn of(value: &impl Serialize) -> Section {
        let json = serde_json::to_string(value).expect("integers, texts and maps with text keys serialise");
        Section { digest: Hex(sha256(&[json.as_bytes()])), json }
    }
}

/// A record ready for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The exact bytes of the core.
    pub core: String,
    /// The exact bytes of the annex; absent when nothing personal was kept.
    pub annex: Option<String>,
}

/// A report split for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The printer read.
    pub printer: PrinterIdentity,
    /// The reading.
    pub reading: Draft,
    /// The finished jobs, each with its [`job_key`].
    pub jobs: Vec<(String, Draft)>,
    /// The sections that the reading refers to, each once.
    pub sections: Vec<Section>,
}

/// Splits a report into records: one reading, and one record a job. Personal rows go into the
/// annex, whatever the caller's privacy policy left of them.
///
/// `None` when the report names no printer.
pub fn records(report: &Report, defects: &[Defect], manner: Manner) -> Option<Split> {
    let Manner { grade, seen, timestamps } = manner;
    let printer = PrinterIdentity::of(&report.configuration)?;
    let (status, sources) = (Section::of_status(&report.status), Section::of_sources(&report.sources));
    let settings = (!report.settings.is_empty()).then(|| Section::of_settings(&report.settings));
    let mut defects = defects.to_vec();
    let mut jobs = Vec::with_capacity(report.jobs.len());
    let seconds = seconds(report);
    let mut nameless = 0_usize;
    for (job, job_defects) in &report.jobs {
        let nth = nth(&seconds, job);
        let Some(key) = job_key(job, nth) else {
            nameless += 1;
            continue;
        };
        let (printer, read_at, defects) = (printer.clone(), report.read_at, job_defects.clone());
        let mut record = JobRecord { printer, read_at, grade, job: job.clone(), defects, seen, nth };
        if timestamps == Timestamps::Minute {
            cut_to_the_minute(&mut record.job);
        }
        jobs.push((key, draft(&Core::Job(Box::new(record)), &job.personal)));
    }
    if nameless > 0 {
        let why = "finished jobs without UUID, sequence number or completion time cannot be counted once";
        defects.push(Defect::of(format!("{why}: {nameless}")));
    }
    let reading = core_record(&Core::Reading(Box::new(Reading {
        printer: printer.clone(),
        read_at: report.read_at,
        grade,
        configuration: report.configuration.clone(),
        status: status.digest,
        settings: settings.as_ref().map(|section| section.digest),
        usage: report.usage.clone(),
        alerts: report.alerts.clone(),
        sources: sources.digest,
        defects,
        seen,
    })));
    let mut sections: Vec<Section> = [Some(sources), Some(status), settings].into_iter().flatten().collect();
    sections.sort_by_key(|section| section.digest);
    sections.dedup_by_key(|section| section.digest);
    Some(Split { printer, reading, jobs, sections })
}

/// The record of a printer that takes part in no contract: rows C1 to C4 and nothing else.
///
/// `None` when the configuration names no printer.
pub fn seen_record(configuration: &Configuration, read_at: Instant, seen: Option<Hex<16>>) -> Option<Draft> {
    let printer = PrinterIdentity::of(configuration)?;
    let firmware_version = configuration.firmware_version.clone();
    Some(core_record(&Core::Seen(Box::new(SeenPrinter { printer, firmware_version, read_at, seen }))))
}

/// The record of a core that has no annex.
pub fn core_record(core: &Core) -> Draft {
    draft(core, &Personal::default())
}

fn draft(core: &Core, personal: &Personal) -> Draft {
    let json = |value: Result<String, serde_json::Error>| value.expect("integers and texts serialise");
    Draft {
        core: json(serde_json::to_string(core)),
        annex: (!personal.is_empty()).then(|| json(serde_json::to_string(personal))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::{Duration, PrintJob, ScanJob};

    fn print(printed_at: i64, time_to_print: Option<i64>) -> Job {
        let (printed_at, time_to_print) = (Some(Instant(printed_at)), time_to_print.map(Duration));
        let print = PrintJob { printed_at, time_to_print, ..PrintJob::default() };
        Job { uuid: Some("u".to_owned()), print: Some(print), ..Job::default() }
    }

    #[test]
    fn a_cut_job_finishes_at_the_start_of_the_minute_in_which_it_finished() {
        for (printed_at, time, finished) in [
            (59_000, Some(2_000), 60_000),
            (60_000, Some(0), 60_000),
            (119_999, None, 60_000),
            (10, Some(59_989), 0),
            (-1, Some(0), -60_000),
            (i64::MAX, Some(5), i64::MAX - i64::MAX % 60_000),
        ] {
            let mut job = print(printed_at, time);
            let key = job_key(&job, 0);
            cut_to_the_minute(&mut job);
            assert_eq!(job.finished_at(), Some(Instant(finished)), "{printed_at} {time:?}");
            assert_eq!(job_key(&job, 0), key);
            assert_eq!(job.print.and_then(|print| print.time_to_print), time.map(Duration));
        }
    }

    #[test]
    fn a_cut_copy_loses_the_seconds_of_both_halves() {
        let mut copy = print(61_000, Some(1_000));
        copy.scan = Some(ScanJob { scanned_at: Some(Instant(60_500)), area: None });
        cut_to_the_minute(&mut copy);
        assert_eq!(copy.finished_at(), Some(Instant(60_000)));
        assert_eq!(copy.scan.and_then(|scan| scan.scanned_at), Some(Instant(60_000)));
    }

    #[test]
    fn a_job_without_name_or_completion_has_no_key() {
        assert_eq!(job_key(&Job { uuid: None, ..print(1, None) }, 0), None);
        assert_eq!(job_key(&Job { print: None, ..print(1, None) }, 0), None);
        assert_eq!(job_key(&Job { uuid: None, sequence: Some(7), ..print(1, None) }, 2), Some("#7@0#2".to_owned()));
    }
}
