//! Records become ledger entries: pure.

use billing::{CounterValue, Quantity, counter_values, job_quantities};
use protocol::Hex;
use protocol::package::{JobRecord, PrinterIdentity, Reading, SeenPrinter, cut_to_the_minute};
use protocol::sha256;
use report::{Defect, Grade, Instant, Job, Personal, Severity, Share, Status};

/// Beyond this many base units a single quantity is no print: 10⁹ m². Such a value is a defect; it
/// would otherwise let one report overflow a sum.
pub(super) const QUANTITY_MAX: i64 = 1_000_000_000_000_000;
/// Beyond this many base units a single job is none: 1 km². A batch of 32 768 jobs then sums within 64 bits.
const JOB_QUANTITY_MAX: i64 = 1_000_000_000_000;
/// Characters of a name, a key or a media type.
const TEXT_MAX: usize = 256;
/// A cartridge with less than this share left is running out.
const SUPPLY_LOW: Share = Share(150_000);

/// An authenticated agent and whom it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AgentRef {
    pub(crate) reseller_id: i64,
    pub(crate) customer_id: i64,
    pub(crate) agent_id: String,
}

/// Where a fact came from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) agent: AgentRef,
    pub(crate) sequence: i64,
    pub(crate) record: i64,
    pub(crate) grade: Grade,
}

/// One reading set, dated by its agent's clock.
#[derive(Debug, Clone)]
pub(crate) struct ReadingEntry {
    pub(crate) origin: Origin,
    pub(crate) printer: PrinterIdentity,
    pub(crate) read_at: Instant,
    /// The mark of the last receipt that the agent had seen.
    pub(crate) seen: Option<Hex<16>>,
    pub(crate) core: String,
    pub(crate) counters: Vec<CounterValue>,
    pub(crate) alerts: i64,
    pub(crate) severe_alerts: i64,
    /// The section with rows S1 to S22.
    pub(crate) status: Hex<32>,
    /// What that section says, where the package brought it.
    pub(crate) stated: Option<Stated>,
    pub(crate) defects: i64,
}

/// What a section with rows S1 to S22 says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) json: String,
    pub(crate) supplies_low: i64,
}

/// One version of one job, dated by its printer's clock and read at a time by its agent's.
#[derive(Debug, Clone)]
pub(crate) struct JobEntry {
    pub(crate) origin: Origin,
    pub(crate) printer: PrinterIdentity,
    pub(crate) key: String,
    pub(crate) finished_at: Instant,
    pub(crate) read_at: Instant,
    /// The mark of the last receipt that the agent had seen.
    pub(crate) seen: Option<Hex<16>>,
    pub(crate) digest: Hex<32>,
    pub(crate) job: Job,
    pub(crate) personal: Personal,
    pub(crate) quantities: Vec<Quantity>,
    pub(crate) defects: i64,
}

/// A printer that is there and is not read.
#[derive(Debug, Clone)]
pub(crate) struct SeenEntry {
    pub(crate) origin: Origin,
    pub(crate) printer: PrinterIdentity,
    pub(crate) firmware_version: Option<String>,
    pub(crate) read_at: Instant,
    /// The mark of the last receipt that the agent had seen.
    pub(crate) seen: Option<Hex<16>>,
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Whether a text can be stored and shown: both databases take it, and no index row overflows.
fn plain(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control)
}

/// Refuses a printer whose names are no names.
pub(crate) fn checked(printer: &PrinterIdentity) -> Result<(), Defect> {
    let names = [Some(&printer.serial), printer.product_number.as_ref(), printer.product_name.as_ref()];
    match names.into_iter().flatten().find(|name| !plain(name)) {
        Some(odd) => Err(Defect::of(format!("a printer is called {}", Defect::quote(odd)))),
        None => Ok(()),
    }
}

/// The entry of a reading. `core` is its exact text. `Err` names what makes it no reading.
pub(crate) fn reading_entry(origin: Origin, reading: Reading, core: &str) -> Result<ReadingEntry, Defect> {
    checked(&reading.printer)?;
    let open = || reading.alerts.iter().filter(|alert| alert.cleared_at.is_none());
    let all = counter_values(&reading.usage);
    let fits = |counter: &&CounterValue| {
        let named = plain(&counter.meter.to_string()) && counter.media.as_deref().is_none_or(plain);
        named && (0..=QUANTITY_MAX).contains(&counter.value)
    };
    let counters: Vec<CounterValue> = all.iter().filter(fits).cloned().collect();
    Ok(ReadingEntry {
        alerts: count(open().count()),
        severe_alerts: count(open().filter(|alert| alert.severity == Severity::Severe).count()),
        defects: count(reading.defects.len() + all.len() - counters.len()),
        counters,
        core: core.to_owned(),
        read_at: reading.read_at,
        seen: reading.seen,
        status: reading.status,
        stated: None,
        printer: reading.printer,
        origin,
    })
}

/// The entry of a job. `Err` names what makes it no job that can be counted once.
pub(crate) fn job_entry(origin: Origin, record: JobRecord, personal: Personal) -> Result<JobEntry, Defect> {
    checked(&record.printer)?;
    let odd = |what: &str| Defect::of(format!("a job of {} {what}", record.printer.serial));
    let key = record.key().filter(|key| plain(key)).ok_or_else(|| odd("has no key"))?;
    let finished_at = record.job.finished_at().ok_or_else(|| odd("has no completion time"))?;
    let all = job_quantities(&record.job);
    let fits = |quantity: &&Quantity| {
        let named = plain(&quantity.meter.to_string()) && quantity.media.as_deref().is_none_or(plain);
        named && (0..=JOB_QUANTITY_MAX).contains(&quantity.amount)
    };
    let quantities: Vec<Quantity> = all.iter().filter(fits).cloned().collect();
    // What tells one version of a job from another, whoever read it, when, and under which privacy policy:
    // neither its personal rows nor the seconds of its instants.
    let text = serde_json::to_string(&cut(&record.job)).map_err(|_| odd("does not serialise"))?;
    Ok(JobEntry {
        key,
        finished_at,
        read_at: record.read_at,
        seen: record.seen,
        digest: Hex(sha256(&[text.as_bytes()])),
        defects: count(record.defects.len() + all.len() - quantities.len()),
        quantities,
        job: record.job,
        personal,
        printer: record.printer,
        origin,
    })
}

/// A job as an agent says it that cuts instants to the minute; one that is cut already stays as it is.
fn cut(job: &Job) -> Job {
    let mut cut = job.clone();
    cut_to_the_minute(&mut cut);
    cut
}

/// What the section `json` with rows S1 to S22 says; `None` where it is of another form.
pub(crate) fn stated(json: &str) -> Option<Stated> {
    let status: Status = serde_json::from_str(json).ok()?;
    let left = status.cartridges.iter().filter_map(report::Cartridge::share_left);
    let supplies_low = count(left.filter(|left| *left < SUPPLY_LOW).count());
    Some(Stated { json: json.to_owned(), supplies_low })
}

/// The entry of a printer that is not read. `Err` names what makes it no printer.
pub(crate) fn seen_entry(origin: Origin, seen: SeenPrinter) -> Result<SeenEntry, Defect> {
    checked(&seen.printer)?;
    let SeenPrinter { printer, firmware_version, read_at, seen } = seen;
    let firmware_version = firmware_version.filter(|version| plain(version));
    Ok(SeenEntry { origin, printer, firmware_version, read_at, seen })
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::{Duration, JobKind, PrintJob};

    fn job(printed_at: i64, time_to_print: Option<i64>) -> Job {
        let (printed_at, time_to_print) = (Some(Instant(printed_at)), time_to_print.map(Duration));
        let print = PrintJob { printed_at, time_to_print, ..PrintJob::default() };
        Job { kind: JobKind::Print, print: Some(print), ..Job::default() }
    }

    #[test]
    fn a_cut_job_finishes_at_the_minute_and_cutting_again_changes_nothing() {
        for (printed_at, time) in [(1_795_348_805_250, Some(93_700)), (59_999, None), (0, Some(1)), (-1, Some(7))] {
            let once = cut(&job(printed_at, time));
            let finished = once.finished_at().expect("dated");
            assert_eq!(finished.0.rem_euclid(60_000), 0, "{printed_at}");
            assert_eq!(cut(&once), once);
        }
    }

    #[test]
    fn jobs_that_differ_by_seconds_within_a_minute_are_cut_to_the_same() {
        let start = 1_795_348_800_000;
        assert_eq!(cut(&job(start + 1_000, Some(30_000))), cut(&job(start + 9_000, Some(30_000))));
        assert_ne!(cut(&job(start + 1_000, Some(30_000))), cut(&job(start + 61_000, Some(30_000))));
    }

    #[test]
    fn a_section_of_another_form_states_nothing() {
        assert_eq!(stated("{\"later\":1}"), None);
        assert_eq!(stated("{}"), Some(Stated { json: "{}".to_owned(), supplies_low: 0 }));
    }
}
