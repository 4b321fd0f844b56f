//! Why a printer's counter and its job log differ, meter by meter, in numbers that add up to the
//! difference.
//!
//! Deliberately absent: a tolerance (see `readiness`), and a verdict who is right. The contract names
//! which evidence is billed (CL32); this only shows what lies between.

use super::segments::Unmeasured;
use super::{CounterFact, Grain, JobFact, Quantity, SumFact, SumKind, counters_of};
use crate::contract::Terms;
use crate::meter::MeterKind;
use crate::period::Period;
use crate::rating::PrinterUsage;
use serde::{Deserialize, Serialize};

/// The areas of one job, mm², as far as the printer gives them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobAreas {
    /// Media used, row P19.
    pub media: Option<i64>,
    /// Area printed, row P20.
    pub printed: Option<i64>,
}

/// What makes a part of the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Jobs use more media than they print on.
    Margins,
    /// Jobs that give their media but not their printed area.
    PrintedUnknown,
    /// The counter rose by more, or less, than the jobs used.
    NotInJobLog,
    /// Jobs that the contract does not bill: cancelled, failed.
    NotBilled,
    /// Jobs of which only the sum is known.
    Folded,
    /// The counter broke, and what it counted there is not known.
    Unmeasured,
    /// Jobs between the readings and the edges of the period.
    Edges,
}

impl Cause {
    /// The words a statement shows.
    pub fn words(self) -> &'static str {
        match self {
            Cause::Margins => "margins and cutting (media used − area printed)",
            Cause::PrintedUnknown => "media of jobs that do not say what they printed",
            Cause::NotInJobLog => {
                "not in the printer's job log (maintenance prints, deleted jobs, margins it does not say), \
                 or read away from the period's edges"
            }
            Cause::NotBilled => "jobs that are not billed (cancelled, failed)",
            Cause::Folded => "jobs of which only the sum is known",
            Cause::Unmeasured => "not measured where the counter broke",
            Cause::Edges => "jobs between the readings and the period's edges",
        }
    }

    /// Whether nothing that is known makes such a difference.
    pub fn is_unexplained(self) -> bool {
        matches!(self, Cause::NotInJobLog | Cause::Unmeasured)
    }
}

/// A sum does not fit 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sum does not fit")]
pub struct Overflow;

fn fit(sum: i128) -> Result<i64, Overflow> {
    i64::try_from(sum).map_err(|_| Overflow)
}

/// One part of the difference between counter and jobs, base units of the meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// What makes it.
    pub cause: Cause,
    /// How much; positive where it lifts the counter above what the jobs printed.
    pub amount: i64,
}

/// Counter and jobs of a printer over a period, base units of the meter, with every difference between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconciliation {
    /// What the counter rose by, where it was read.
    pub counter_total: Option<i64>,
    /// What all jobs used. For media: a job that does not say used at least what it printed.
    pub job_media_total: i64,
    /// For media, the area that the jobs printed; for another meter, what the billed jobs used.
    pub job_printed_total: i64,
    /// `job_printed_total` plus these is `counter_total`; without a counter, `job_media_total`.
    pub differences: Vec<Difference>,
}

/// Lays a printer's media counter beside its jobs; `None` when a sum does not fit 64 bits.
///
/// Counter 120, jobs 110 media and 100 printed: 100 + 10 margins + 10 not in the job log = 120.
pub fn reconcile(counter_total: Option<i64>, jobs: &[JobAreas]) -> Option<Reconciliation> {
    let (mut media, mut printed) = (0_i128, 0_i128);
    let (mut margins, mut printed_unknown) = (0_i128, 0_i128);
    for job in jobs {
        let (job_media, job_printed) = (job.media.map(i128::from), job.printed.map(i128::from));
        media += job_media.or(job_printed).unwrap_or(0);
        printed += job_printed.unwrap_or(0);
        match (job_media, job_printed) {
            (Some(job_media), Some(job_printed)) => margins += job_media - job_printed,
            (Some(job_media), None) => printed_unknown += job_media,
            (None, _) => {}
        }
    }
    let beyond = counter_total.map_or(0, |total| i128::from(total) - media);
    let parts = [(Cause::Margins, margins), (Cause::PrintedUnknown, printed_unknown), (Cause::NotInJobLog, beyond)];
    let mut differences = Vec::new();
    for (cause, amount) in parts {
        if amount != 0 {
            differences.push(Difference { cause, amount: i64::try_from(amount).ok()? });
        }
    }
    let (job_media_total, job_printed_total) = (i64::try_from(media).ok()?, i64::try_from(printed).ok()?);
    Some(Reconciliation { counter_total, job_media_total, job_printed_total, differences })
}

/// Lays a printer's counter of a kind beside its jobs in the period; `None` where there is nothing to lay
/// side by side. Media used is shown without a counter too, for what lies between used and printed.
pub fn reconcile_meter(
    kind: MeterKind,
    printer: &PrinterUsage,
    terms: &Terms,
    period: Period,
) -> Result<Option<Reconciliation>, Overflow> {
    let Some(part) = period.cut(printer.from, printer.to) else { return Ok(None) };
    let counters = counters_of(&printer.counters, kind, Grain::Total);
    // A counter that was not read over the whole period says nothing about the whole period's jobs.
    let whole = counters.iter().all(|counter| counter.usage.covers_period());
    let counted = counters.iter().map(|counter| i128::from(counter.usage.quantity)).reduce(|a, b| a + b);
    let counter_total = counted.filter(|_| whole).map(fit).transpose()?;
    let is_media = kind == MeterKind::AreaMedia;
    let jobs: Vec<&JobFact> = printer.jobs.iter().filter(|job| part.contains(job.finished_at)).collect();
    let cells: Vec<&SumFact> = sums_in(printer, part, SumKind::Cells).collect();
    let has_jobs = !jobs.is_empty() || !cells.is_empty();
    let is_shown = counter_total.is_some() || (is_media && has_jobs);
    if !is_shown {
        return Ok(None);
    }
    let mut found = if is_media {
        let areas = jobs.iter().map(|job| areas_of(&job.quantities));
        let all: Vec<JobAreas> = areas.chain(cells.iter().map(|cell| areas_of(&cell.quantities))).collect();
        reconcile(counter_total, &all).ok_or(Overflow)?
    } else {
        let of_jobs = |job: &&JobFact| i128::from(amount(kind, &job.quantities));
        let billed: i128 = jobs.iter().filter(|job| terms.bills(job.status)).map(of_jobs).sum();
        let of_cells: i128 = cells.iter().map(|cell| i128::from(amount(kind, &cell.quantities))).sum();
        let all = jobs.iter().map(of_jobs).sum::<i128>() + of_cells;
        let beyond = counter_total.map_or(0, |total| i128::from(total) - all);
        Reconciliation {
            counter_total,
            job_media_total: fit(all)?,
            job_printed_total: fit(billed + of_cells)?,
            differences: differences([(Cause::NotBilled, all - billed - of_cells), (Cause::NotInJobLog, beyond)])?,
        }
    };
    if counter_total.is_some() {
        let folds = sums_in(printer, part, SumKind::Fold);
        let folded: i128 = folds.map(|sum| i128::from(amount(kind, &sum.quantities))).sum();
        explain(&mut found, folded, at_edges(kind, printer, part, &counters), has_break(&counters))?;
    }
    Ok(Some(found))
}

/// Takes what is known out of the difference that nothing explained.
fn explain(found: &mut Reconciliation, folded: i128, edges: i128, has_break: bool) -> Result<(), Overflow> {
    let (beyond, mut known): (Vec<Difference>, Vec<Difference>) =
        std::mem::take(&mut found.differences).into_iter().partition(|part| part.cause == Cause::NotInJobLog);
    let beyond: i128 = beyond.iter().map(|part| i128::from(part.amount)).sum();
    let rest = beyond - folded - edges;
    // A counter that broke shows less than the jobs; what it shows more has other reasons.
    let (hidden, rest) = if has_break && rest < 0 { (rest, 0) } else { (0, rest) };
    known.extend(differences([
        (Cause::Folded, folded),
        (Cause::Edges, edges),
        (Cause::Unmeasured, hidden),
        (Cause::NotInJobLog, rest),
    ])?);
    found.differences = known;
    Ok(())
}

fn differences(parts: impl IntoIterator<Item = (Cause, i128)>) -> Result<Vec<Difference>, Overflow> {
    let parts = parts.into_iter().filter(|(_, amount)| *amount != 0);
    parts.map(|(cause, amount)| Ok(Difference { cause, amount: fit(amount)? })).collect()
}

fn sums_in(printer: &PrinterUsage, part: Period, kind: SumKind) -> impl Iterator<Item = &SumFact> {
    printer.sums.iter().filter(move |sum| sum.kind == kind && part.contains(sum.until))
}

fn total(kind: MeterKind, quantities: &[Quantity]) -> Option<i64> {
    let amounts = quantities.iter().filter(|quantity| quantity.meter.kind() == kind);
    amounts.map(|quantity| quantity.amount).reduce(i64::saturating_add)
}

fn areas_of(quantities: &[Quantity]) -> JobAreas {
    JobAreas { media: total(MeterKind::AreaMedia, quantities), printed: total(MeterKind::AreaPrinted, quantities) }
}

/// What it adds to a meter; media that is not said is at least what was printed.
fn amount(kind: MeterKind, quantities: &[Quantity]) -> i64 {
    let printed = || total(MeterKind::AreaPrinted, quantities).filter(|_| kind == MeterKind::AreaMedia);
    total(kind, quantities).or_else(printed).unwrap_or(0)
}

/// What the known jobs between the edge readings used, less what those of the period used.
fn at_edges(kind: MeterKind, printer: &PrinterUsage, part: Period, counters: &[&CounterFact]) -> i128 {
    let edges = counters.first().and_then(|counter| Some((counter.usage.start?.read_at, counter.usage.end?.read_at)));
    let Some((start, end)) = edges else { return 0 };
    let mut sum = 0;
    for job in &printer.jobs {
        let (counted, billed) = (start <= job.finished_at && job.finished_at < end, part.contains(job.finished_at));
        sum += (i128::from(counted) - i128::from(billed)) * i128::from(amount(kind, &job.quantities));
    }
    sum
}

fn has_break(counters: &[&CounterFact]) -> bool {
    let hides =
        |what: &Unmeasured| matches!(what, Unmeasured::Break { .. } | Unmeasured::Pending { .. } | Unmeasured::Fell(_));
    counters.iter().any(|counter| counter.usage.unmeasured.iter().any(hides))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::ReadingSource;
    use crate::ledger::edges::{EdgeRule, usage_of};
    use crate::ledger::segments::{ReadingFact, split};
    use crate::meter::Meter;
    use crate::money::Currency;
    use report::{Grade, Instant, JobStatus};
    use std::collections::BTreeSet;

    #[test]
    fn the_differences_add_up_exactly() {
        let jobs = [
            JobAreas { media: Some(110), printed: Some(100) },
            JobAreas { media: Some(7), printed: None },
            JobAreas { media: None, printed: Some(5) },
            JobAreas::default(),
        ];
        for counter in [None, Some(0), Some(117), Some(130)] {
            let found = reconcile(counter, &jobs).unwrap();
            let sum: i64 = found.differences.iter().map(|difference| difference.amount).sum();
            assert_eq!(found.job_printed_total + sum, counter.unwrap_or(found.job_media_total), "{counter:?}");
        }
    }

    #[test]
    fn no_difference_is_no_row() {
        let jobs = [JobAreas { media: Some(5), printed: Some(5) }];
        assert!(reconcile(Some(5), &jobs).unwrap().differences.is_empty());
        assert!(reconcile(None, &jobs).unwrap().differences.is_empty());
    }

    #[test]
    fn a_sum_that_does_not_fit_is_none() {
        let job = JobAreas { media: Some(i64::MAX), printed: None };
        assert_eq!(reconcile(None, &[job, job]), None);
    }
    const DAY: i64 = 86_400_000;

    fn job(day: i64, status: JobStatus, parts: &[(&str, i64)]) -> JobFact {
        let quantity = |(meter, amount): &(&str, i64)| {
            let meter = Meter::parse(meter).unwrap();
            Quantity { meter, media: None, amount: *amount }
        };
        JobFact {
            key: format!("j{day}"),
            finished_at: Instant(day * DAY),
            status: Some(status),
            grade: Grade::B,
            quantities: parts.iter().map(quantity).collect(),
            kind: None,
            coverage: None,
            marks: BTreeSet::new(),
        }
    }

    /// A counter with readings on these days; a fall is not decided.
    fn counter(meter: &str, readings: &[(i64, i64)]) -> CounterFact {
        let meter = Meter::parse(meter).unwrap();
        let fact = |&(day, value): &(i64, i64)| ReadingFact {
            meter: meter.clone(),
            media: None,
            value,
            read_at: Instant(day * DAY),
            grade: Grade::B,
            source: ReadingSource::Printer,
        };
        let (points, breaks) = split(&readings.iter().map(fact).collect::<Vec<_>>(), &[]);
        let usage = usage_of(&points, &breaks, period(), EdgeRule::Last);
        CounterFact { meter, media: None, usage }
    }

    fn period() -> Period {
        Period::new(Instant(100 * DAY), Instant(200 * DAY)).unwrap()
    }

    fn found(kind: MeterKind, jobs: Vec<JobFact>, counters: Vec<CounterFact>, sums: Vec<SumFact>) -> Reconciliation {
        let printer = PrinterUsage { jobs, counters, sums, ..PrinterUsage::new("A", "A") };
        let terms = Terms::new(Currency::parse("EUR").unwrap(), "UTC");
        let found = reconcile_meter(kind, &printer, &terms, period()).unwrap().unwrap();
        let sum: i64 = found.differences.iter().map(|difference| difference.amount).sum();
        assert_eq!(Some(found.job_printed_total + sum), found.counter_total);
        found
    }

    fn causes(found: &Reconciliation) -> Vec<(Cause, i64)> {
        found.differences.iter().map(|difference| (difference.cause, difference.amount)).collect()
    }

    #[test]
    fn every_meter_says_why_it_is_not_the_jobs_total() {
        let jobs = vec![
            job(110, JobStatus::Printed, &[("pages", 10)]),
            job(120, JobStatus::Cancelled, &[("pages", 2)]),
            job(195, JobStatus::Printed, &[("pages", 5)]),
        ];
        let quantities = vec![Quantity { meter: Meter::whole(MeterKind::Pages), media: None, amount: 4 }];
        let (since, until) = (Instant(130 * DAY), Instant(140 * DAY));
        let fold = SumFact { kind: SumKind::Fold, since, until, jobs: 3, grade: Grade::C, quantities };
        // Read last on day 190: the job of day 195 is not in it; one page is known to nobody.
        let found = found(MeterKind::Pages, jobs, vec![counter("pages", &[(90, 100), (190, 117)])], vec![fold]);
        assert_eq!((found.counter_total, found.job_media_total, found.job_printed_total), (Some(17), 17, 15));
        let expected = [(Cause::NotBilled, 2), (Cause::Folded, 4), (Cause::Edges, -5), (Cause::NotInJobLog, 1)];
        assert_eq!(causes(&found), expected);
    }

    #[test]
    fn media_keeps_its_margins_and_a_break_is_named() {
        let areas = [("area-media/mono-line", 110), ("area-printed/mono-line", 100)];
        let jobs = vec![job(110, JobStatus::Printed, &areas)];
        let whole = vec![counter("area-media", &[(90, 0), (190, 120)])];
        let whole = found(MeterKind::AreaMedia, jobs.clone(), whole, vec![]);
        assert_eq!(causes(&whole), [(Cause::Margins, 10), (Cause::NotInJobLog, 10)]);
        let broken = vec![counter("area-media", &[(90, 500), (150, 20), (190, 50)])];
        let broken = found(MeterKind::AreaMedia, jobs, broken, vec![]);
        assert_eq!(causes(&broken), [(Cause::Margins, 10), (Cause::Unmeasured, -80)]);
    }

    #[test]
    fn without_a_counter_only_media_is_shown() {
        let jobs = vec![job(110, JobStatus::Printed, &[("area-media", 110), ("area-printed", 100), ("pages", 1)])];
        let printer = PrinterUsage { jobs, ..PrinterUsage::new("A", "A") };
        let terms = Terms::new(Currency::parse("EUR").unwrap(), "UTC");
        for kind in MeterKind::all() {
            let found = reconcile_meter(kind, &printer, &terms, period()).unwrap();
            assert_eq!(found.is_some(), kind == MeterKind::AreaMedia, "{kind:?}");
        }
        let idle = reconcile_meter(MeterKind::AreaMedia, &PrinterUsage::new("A", "A"), &terms, period()).unwrap();
        assert_eq!(idle, None);
    }
}
