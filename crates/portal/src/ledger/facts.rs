//! Records become ledger entries: pure.

use billing::{CounterValue, Quantity, counter_values, job_quantities};
use protocol::Hex;
use protocol::package::{JobRecord, PrinterIdentity, Reading, job_key};
use protocol::sha256;
use report::{Defect, Duration, Grade, Instant, Job, Personal, Severity, Share};

/// Beyond this many base units a single quantity is no print: 10⁹ m². Such a value is a defect; it
/// would otherwise let one report overflow a sum.
const QUANTITY_MAX: i64 = 1_000_000_000_000_000;
/// Beyond this many base units a single job is none: 1 km². A batch of 32 768 jobs then sums within 64 bits.
const JOB_QUANTITY_MAX: i64 = 1_000_000_000_000;
/// Characters of a name, a key or a media type.
const TEXT_MAX: usize = 256;
/// A clock that is ahead of the portal's by more than this is wrong: what it dates moves nothing.
const AHEAD_MAX: Duration = Duration::hours(24);
/// Times outside 2000 to 2100 belong to no period.
const TIMES: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;
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

/// One reading set.
#[derive(Debug, Clone)]
pub(crate) struct ReadingEntry {
    pub(crate) origin: Origin,
    pub(crate) printer: PrinterIdentity,
    pub(crate) read_at: Instant,
    pub(crate) core: String,
    pub(crate) counters: Vec<CounterValue>,
    pub(crate) alerts: i64,
    pub(crate) severe_alerts: i64,
    pub(crate) supplies_low: i64,
    pub(crate) defects: i64,
}

/// One version of one job.
#[derive(Debug, Clone)]
pub(crate) struct JobEntry {
    pub(crate) origin: Origin,
    pub(crate) printer: PrinterIdentity,
    pub(crate) key: String,
    pub(crate) finished_at: Instant,
    pub(crate) read_at: Instant,
    pub(crate) digest: Hex<32>,
    pub(crate) job: Job,
    pub(crate) personal: Personal,
    pub(crate) quantities: Vec<Quantity>,
    pub(crate) defects: i64,
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Whether a text can be stored and shown: both databases take it, and no index row overflows.
fn plain(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control)
}

/// Refuses a printer whose names are no names.
fn checked(printer: &PrinterIdentity) -> Result<(), Defect> {
    let names = [Some(&printer.serial), printer.product_number.as_ref(), printer.product_name.as_ref()];
    match names.into_iter().flatten().find(|name| !plain(name)) {
        Some(odd) => Err(Defect::of(format!("a printer is called {}", Defect::quote(odd)))),
        None => Ok(()),
    }
}

/// Whether a reading's clock is so far ahead that later, right ones would look late beside it.
pub(super) fn is_ahead(read_at: Instant, received_at: Instant) -> bool {
    read_at.since(received_at) > AHEAD_MAX
}

/// The entry of a reading. `core` is its exact text. `Err` names what makes it no reading.
pub(crate) fn reading_entry(origin: Origin, reading: Reading, core: &str) -> Result<ReadingEntry, Defect> {
    checked(&reading.printer)?;
    if !TIMES.contains(&reading.read_at.0) {
        return Err(Defect::of(format!("a reading of {} is dated {}", reading.printer.serial, reading.read_at)));
    }
    let open = || reading.alerts.iter().filter(|alert| alert.cleared_at.is_none());
    let low = reading
        .status
        .cartridges
        .iter()
        .filter(|cartridge| cartridge.share_left().is_some_and(|left| left < SUPPLY_LOW));
    let all = counter_values(&reading.usage);
    let fits = |counter: &&CounterValue| {
        let named = plain(&counter.meter.to_string()) && counter.media.as_deref().is_none_or(plain);
        named && (0..=QUANTITY_MAX).contains(&counter.value)
    };
    let counters: Vec<CounterValue> = all.iter().filter(fits).cloned().collect();
    Ok(ReadingEntry {
        alerts: count(open().count()),
        severe_alerts: count(open().filter(|alert| alert.severity == Severity::Severe).count()),
        supplies_low: count(low.count()),
        defects: count(reading.defects.len() + all.len() - counters.len()),
        counters,
        core: core.to_owned(),
        read_at: reading.read_at,
        printer: reading.printer,
        origin,
    })
}

/// The entry of a job. `Err` names what makes it no job that can be counted once.
pub(crate) fn job_entry(origin: Origin, record: JobRecord, personal: Personal) -> Result<JobEntry, Defect> {
    checked(&record.printer)?;
    let odd = |what: &str| Defect::of(format!("a job of {} {what}", record.printer.serial));
    let key = job_key(&record.job).filter(|key| plain(key)).ok_or_else(|| odd("has no key"))?;
    let finished_at = record.job.finished_at().ok_or_else(|| odd("has no completion time"))?;
    if !TIMES.contains(&finished_at.0) || !TIMES.contains(&record.read_at.0) {
        return Err(odd(&format!("is dated {finished_at}")));
    }
    let all = job_quantities(&record.job);
    let fits = |quantity: &&Quantity| {
        let named = plain(&quantity.meter.to_string()) && quantity.media.as_deref().is_none_or(plain);
        named && (0..=JOB_QUANTITY_MAX).contains(&quantity.amount)
    };
    let quantities: Vec<Quantity> = all.iter().filter(fits).cloned().collect();
    // What tells one version of a job from another, whoever read it and when.
    let text = serde_json::to_string(&(&record.job, &personal)).map_err(|_| odd("does not serialise"))?;
    Ok(JobEntry {
        key,
        finished_at,
        read_at: record.read_at,
        digest: Hex(sha256(&[text.as_bytes()])),
        defects: count(record.defects.len() + all.len() - quantities.len()),
        quantities,
        job: record.job,
        personal,
        printer: record.printer,
        origin,
    })
}
