//! Records become ledger entries: pure.
//!
//! Deliberately absent: what a record counts. Crate `evidence` says it, to a verifier too.

use billing::{CounterValue, PixelCoverage, Quantity, Unitless};
use evidence::{JobParts, checked, job_of, plain, readings_of};
use protocol::Hex;
use protocol::package::{JobRecord, PrinterIdentity, Reading, SeenPrinter};
use report::{Defect, Grade, Instant, Job, Personal, Severity, Share, Status};

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
    /// Numbers that the printer gave without a unit.
    pub(crate) unitless: Vec<Unitless>,
    /// Row C4.
    pub(crate) firmware: Option<String>,
    /// The section with rows S23 to S26.
    pub(crate) settings: Option<Hex<32>>,
    /// The section that says where the rows came from.
    pub(crate) sources: Hex<32>,
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
    /// Rows P25 and P26, where the printer says both.
    pub(crate) coverage: Option<PixelCoverage>,
    /// Numbers that the printer gave without a unit.
    pub(crate) unitless: Vec<Unitless>,
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

/// The entry of a reading. `core` is its exact text. `Err` names what makes it no reading.
pub(crate) fn reading_entry(origin: Origin, reading: Reading, core: &str) -> Result<ReadingEntry, Defect> {
    checked(&reading.printer)?;
    let open = || reading.alerts.iter().filter(|alert| alert.cleared_at.is_none());
    let (counters, left_out, unitless) = readings_of(&reading);
    Ok(ReadingEntry {
        alerts: count(open().count()),
        severe_alerts: count(open().filter(|alert| alert.severity == Severity::Severe).count()),
        defects: count(reading.defects.len() + left_out),
        counters,
        unitless,
        core: core.to_owned(),
        read_at: reading.read_at,
        seen: reading.seen,
        status: reading.status,
        settings: reading.settings,
        sources: reading.sources,
        firmware: reading.configuration.firmware_version.filter(|version| plain(version)),
        stated: None,
        printer: reading.printer,
        origin,
    })
}

/// The entry of a job. `Err` names what makes it no job that can be counted once.
pub(crate) fn job_entry(origin: Origin, record: JobRecord, personal: Personal) -> Result<JobEntry, Defect> {
    let JobParts { key, finished_at, digest, quantities, defects, unitless, coverage, .. } = job_of(&record)?;
    Ok(JobEntry {
        key,
        finished_at,
        read_at: record.read_at,
        seen: record.seen,
        digest,
        defects: count(defects),
        quantities,
        coverage,
        unitless,
        job: record.job,
        personal,
        printer: record.printer,
        origin,
    })
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

    #[test]
    fn a_section_of_another_form_states_nothing() {
        assert_eq!(stated("{\"later\":1}"), None);
        assert_eq!(stated("{}"), Some(Stated { json: "{}".to_owned(), supplies_low: 0 }));
    }
}
