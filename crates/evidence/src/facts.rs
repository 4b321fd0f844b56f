//! From a record to what it counts.
//!
//! What is odd is left out by itself and counted as a defect; the rest of the record counts. Deliberately
//! absent: when a record was made (see `dating`), which version of a job is in force (see `versions`), and
//! personal rows.

use billing::{
    CounterValue, DeclaredUnit, Meter, MeterKind, PixelCoverage, Quantity, Unitless, counter_values, declared,
    job_quantities,
};
use protocol::package::{Fold, JobRecord, PrinterIdentity, Reading, cut_to_the_minute};
use protocol::{Hex, sha256};
use report::{Area, CategoryUse, Defect, Ink, Instant, Job, JobKind, JobStatus, PrintJob, RowId, Share};

/// Beyond this many base units a single quantity is no print: 10⁹ m². Such a value is a defect; it would
/// otherwise let one report overflow a sum.
pub const QUANTITY_MAX: i64 = 1_000_000_000_000_000;
/// Beyond this many base units a single job is none: 1 km². A batch of 32 768 jobs then sums within 64 bits.
pub const JOB_QUANTITY_MAX: i64 = 1_000_000_000_000;
/// Characters of a name, a key or a media type.
pub const TEXT_MAX: usize = 256;
/// The whole, in parts per million.
const WHOLE: i64 = 1_000_000;

/// What a job's record says, as far as it can be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobParts {
    /// The key by which the job counts once.
    pub key: String,
    /// When it finished, as its printer says.
    pub finished_at: Instant,
    /// What tells one version of the job from another, whoever read it, when, and under which privacy
    /// policy: neither its personal rows nor the seconds of its instants are in it.
    pub digest: Hex<32>,
    /// What it added, one entry a (meter, media); odd ones left out.
    pub quantities: Vec<Quantity>,
    /// How many defects the record names, and how many quantities were left out here.
    pub defects: usize,
    /// Numbers that the printer gave without a unit.
    pub unitless: Vec<Unitless>,
    /// Rows P11 and N10.
    pub status: Option<JobStatus>,
    /// Row P27.
    pub kind: JobKind,
    /// Rows P25 and P26, where the printer says both as shares of a whole.
    pub coverage: Option<PixelCoverage>,
}

/// Whether a text can be stored and shown: every database takes it, and no index row overflows.
pub fn plain(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control)
}

/// Refuses a printer whose names are no names.
pub fn checked(printer: &PrinterIdentity) -> Result<(), Defect> {
    let names = [Some(&printer.serial), printer.product_number.as_ref(), printer.product_name.as_ref()];
    match names.into_iter().flatten().find(|name| !plain(name)) {
        Some(odd) => Err(Defect::of(format!("a printer is called {}", Defect::quote(odd)))),
        None => Ok(()),
    }
}

/// A job as an agent says it that cuts instants to the minute; one that is cut already stays as it is.
pub fn cut(job: &Job) -> Job {
    let mut cut = job.clone();
    cut_to_the_minute(&mut cut);
    cut
}

/// What a job's record counts. `Err` names what makes it no job that can be counted once.
pub fn job_of(record: &JobRecord) -> Result<JobParts, Defect> {
    checked(&record.printer)?;
    let odd = |what: &str| Defect::of(format!("a job of {} {what}", record.printer.serial));
    let key = record.key().filter(|key| plain(key)).ok_or_else(|| odd("has no key"))?;
    let finished_at = record.job.finished_at().ok_or_else(|| odd("has no completion time"))?;
    let all = job_quantities(&record.job);
    let quantities: Vec<Quantity> = all.iter().filter(|quantity| fits(quantity, JOB_QUANTITY_MAX)).cloned().collect();
    let text = serde_json::to_string(&cut(&record.job)).map_err(|_| odd("does not serialise"))?;
    Ok(JobParts {
        key,
        finished_at,
        digest: Hex(sha256(&[text.as_bytes()])),
        defects: record.defects.len() + all.len() - quantities.len(),
        quantities,
        unitless: unitless(&record.defects),
        status: record.job.status,
        kind: record.job.kind,
        coverage: coverage(&record.job),
    })
}

fn fits(quantity: &Quantity, most: i64) -> bool {
    let named = plain(&quantity.meter.to_string()) && quantity.media.as_deref().is_none_or(plain);
    named && (0..=most).contains(&quantity.amount)
}

fn unitless(defects: &[Defect]) -> Vec<Unitless> {
    let numbers = defects.iter().filter_map(Defect::unitless);
    numbers.map(|(row, number)| Unitless { row, number }).collect()
}

fn coverage(job: &Job) -> Option<PixelCoverage> {
    let print = job.print.as_ref()?;
    let share = |share: Option<Share>| share.filter(|share| (0..=WHOLE).contains(&share.0));
    Some(PixelCoverage { non_white: share(print.non_white)?, colour: share(print.colour)? })
}

/// What the lifetime counters of a reading say, how many were left out because they are odd, and the
/// numbers that the printer gave without a unit.
pub fn readings_of(reading: &Reading) -> (Vec<CounterValue>, usize, Vec<Unitless>) {
    let all = counter_values(&reading.usage);
    let count = all.len();
    let fits = |counter: &CounterValue| {
        let named = plain(&counter.meter.to_string()) && counter.media.as_deref().is_none_or(plain);
        named && (0..=QUANTITY_MAX).contains(&counter.value)
    };
    let counters: Vec<CounterValue> = all.into_iter().filter(fits).collect();
    let left_out = count - counters.len();
    (counters, left_out, unitless(&reading.defects))
}

/// The sums of jobs whose detail gave way, as a record or the ledger keeps them.
#[derive(Debug, Clone, Copy)]
pub struct Sums<'a> {
    /// How many jobs.
    pub jobs: u64,
    /// Row P15.
    pub pages: i64,
    /// Row P20, mm².
    pub area_printed: i64,
    /// Row P19, mm².
    pub area_media: i64,
    /// Row P18, nl.
    pub ink: i64,
    /// Rows P21 to P24.
    pub categories: &'a [CategoryUse],
}

/// What sums of jobs count, one entry a meter. A sum of zero is not an entry: nobody knows whether the
/// printer said it.
pub fn sum_quantities(sums: &Sums<'_>) -> Vec<Quantity> {
    let said = |amount: i64| Some(amount).filter(|amount| *amount != 0);
    let print = PrintJob {
        pages: said(sums.pages),
        printed_area: said(sums.area_printed).map(Area),
        media_area: said(sums.area_media).map(Area),
        categories: sums.categories.to_vec(),
        ..PrintJob::default()
    };
    let mut quantities = job_quantities(&Job { print: Some(print), ..Job::default() });
    let of_kind = |quantities: &[Quantity], kind| quantities.iter().any(|entry| entry.meter.kind() == kind);
    // Ink by category is the same ink as the total.
    if let Some(Ink(amount)) = said(sums.ink).map(Ink).filter(|_| !of_kind(&quantities, MeterKind::Ink)) {
        quantities.push(Quantity { meter: Meter::whole(MeterKind::Ink), media: None, amount });
    }
    for quantity in quantities.iter_mut().filter(|quantity| quantity.meter.kind() == MeterKind::Jobs) {
        quantity.amount = i64::try_from(sums.jobs).unwrap_or(QUANTITY_MAX);
    }
    quantities.retain(|quantity| fits(quantity, QUANTITY_MAX));
    quantities.sort_by(|a, b| (&a.meter, &a.media).cmp(&(&b.meter, &b.media)));
    quantities
}

/// What a record of folded jobs counts. `Err` names what makes it no sum.
pub fn sum_of(fold: &Fold) -> Result<Vec<Quantity>, Defect> {
    checked(&fold.printer)?;
    let totals = [fold.pages, fold.area_printed.0, fold.area_media.0, fold.ink.0];
    let jobs = i64::try_from(fold.jobs).unwrap_or(i64::MAX);
    if !totals.into_iter().chain([jobs]).all(|total| (0..=QUANTITY_MAX).contains(&total)) {
        return Err(Defect::of(format!("a sum of jobs of {} is out of range", fold.printer.serial)));
    }
    Ok(sum_quantities(&Sums {
        jobs: fold.jobs,
        pages: fold.pages,
        area_printed: fold.area_printed.0,
        area_media: fold.area_media.0,
        ink: fold.ink.0,
        categories: &fold.categories,
    }))
}

/// The rows whose unit a person can declare.
const DECLARABLE: [RowId; 3] = [RowId::P19, RowId::P20, RowId::U17];
/// One name for each unit of area that can be declared.
const UNITS: [&str; 5] = ["m2", "mm2", "cm2", "in2", "ft2"];

/// Whether `quantity` is what numbers without a unit are worth in some unit that a person can declare.
pub(crate) fn could_be_declared(unitless: &[Unitless], quantity: &Quantity) -> bool {
    // Some model: for none at all nothing can be declared.
    const MODEL: &str = "any";
    let unit = |row: RowId, unit: &str| DeclaredUnit {
        product_number: MODEL.to_owned(),
        firmware: String::new(),
        row,
        unit: unit.to_owned(),
    };
    let worth = |row: RowId, name: &str| declared(unitless, MODEL, "", &[unit(row, name)]).contains(quantity);
    DECLARABLE.into_iter().any(|row| UNITS.into_iter().any(|name| worth(row, name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::{Category, Decimal, Duration};

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
    fn sums_count_each_meter_once_and_no_zero() {
        let lines = CategoryUse {
            category: Category::new("mono-line"),
            derived: false,
            media_area: None,
            printed_area: Some(Area(70)),
            ink: None,
            media_length: None,
        };
        let all = Sums { jobs: 12, pages: 30, area_printed: 70, area_media: 80, ink: 5, categories: &[lines] };
        let shown = |sums: &Sums<'_>| -> Vec<String> {
            let entries = sum_quantities(sums);
            entries.iter().map(|entry| format!("{} {}", entry.meter, entry.amount)).collect()
        };
        let expected =
            ["area-printed/mono-line 70", "area-media/mono-line 80", "ink 5", "pages 30", "jobs 12"].map(str::to_owned);
        assert_eq!(shown(&all), expected);
        let none = Sums { pages: 0, area_printed: 0, area_media: 0, ink: 0, categories: &[], ..all };
        assert_eq!(shown(&none), ["jobs 12"]);
    }

    #[test]
    fn a_declared_quantity_is_the_number_in_some_unit() {
        let number = Decimal::parse("0.543").expect("a number");
        let unitless = [Unitless { row: RowId::P19, number }];
        let media = |amount| Quantity { meter: Meter::whole(MeterKind::AreaMedia), media: None, amount };
        assert!(could_be_declared(&unitless, &media(543_000)));
        assert!(could_be_declared(&unitless, &media(50_446)));
        assert!(!could_be_declared(&unitless, &media(543_001)));
        assert!(!could_be_declared(&[], &media(543_000)));
    }

    #[test]
    fn a_name_that_cannot_be_stored_is_none() {
        for (name, is_plain) in [("CN1", true), ("", false), ("a\nb", false)] {
            assert_eq!(plain(name), is_plain, "{name:?}");
        }
        assert!(!plain(&"a".repeat(TEXT_MAX + 1)));
    }
}
