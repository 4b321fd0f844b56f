//! From a report to ledger entries: what a job adds, what each lifetime counter says.
//!
//! Absent stays absent: a row that the printer did not answer gives no entry, never a zero.
//! Deliberately absent: deciding whether an entry is new, and which entries a contract bills.

use super::Quantity;
use crate::meter::{Meter, MeterKind};
use report::{Area, CategoryUse, Ink, Job, Length, PrintJob, Usage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One lifetime counter in one report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterValue {
    /// What it counts.
    pub meter: Meter,
    /// The media type, for counters by media (U7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// What it shows, in the meter's base unit.
    pub value: i64,
}

/// Entries by meter and media. An entry that a printer repeats is added up; the sum saturates far
/// above anything that can be printed.
#[derive(Default)]
struct Entries(BTreeMap<(Meter, Option<String>), i64>);

impl Entries {
    fn add(&mut self, meter: Meter, media: Option<&str>, amount: i64) {
        let entry = self.0.entry((meter, media.map(str::to_owned))).or_default();
        *entry = entry.saturating_add(amount);
    }
}

/// What a job adds: areas and length by category, ink by colour, pages, scanned area, and one job.
///
/// A job that names areas but no category is kept under the meter of the whole kind, so that it is
/// seen on a statement and never lost.
pub fn job_quantities(job: &Job) -> Vec<Quantity> {
    let mut entries = Entries::default();
    let media = job.print.as_ref().and_then(|print| print.media.as_deref());
    entries.add(Meter::whole(MeterKind::Jobs), media, 1);
    if let Some(print) = &job.print {
        add_print(&mut entries, print, media);
    }
    if let Some(area) = job.scan.as_ref().and_then(|scan| scan.area) {
        entries.add(Meter::whole(MeterKind::ScanArea), None, area.0);
    }
    entries.0.into_iter().map(|((meter, media), amount)| Quantity { meter, media, amount }).collect()
}

fn add_print(entries: &mut Entries, print: &PrintJob, media: Option<&str>) {
    let printed = |use_of: &CategoryUse| use_of.printed_area.map(|area| area.0);
    let used = |use_of: &CategoryUse| use_of.media_area.map(|area| area.0);
    let length = |use_of: &CategoryUse| use_of.media_length.map(|length| length.0);
    let total = |area: Option<Area>| area.map(|area| area.0);
    add_categories(entries, print, media, MeterKind::AreaPrinted, printed, total(print.printed_area));
    add_categories(entries, print, media, MeterKind::AreaMedia, used, total(print.media_area));
    add_categories(entries, print, media, MeterKind::Length, length, None);
    for use_of in &print.ink {
        entries.add(Meter::ink(&use_of.colour), media, use_of.ink.0);
    }
    // Ink by category (P23) is the same ink as ink by colour (P18): it counts only in its absence.
    let by_category = print.categories.iter().filter_map(|use_of| use_of.ink).map(|ink: Ink| ink.0);
    if let Some(ink) = by_category.reduce(i64::saturating_add).filter(|_| print.ink.is_empty()) {
        entries.add(Meter::whole(MeterKind::Ink), media, ink);
    }
    if let Some(pages) = print.pages {
        entries.add(Meter::whole(MeterKind::Pages), media, pages);
    }
}

/// Adds a kind by category. What the categories leave of the job's total, since a page is of none or a category
/// does not say its share, goes to the only category without one, else to the meter of the whole kind: it was
/// printed, and no statement may lose it.
fn add_categories(
    entries: &mut Entries,
    print: &PrintJob,
    media: Option<&str>,
    kind: MeterKind,
    share: impl Fn(&CategoryUse) -> Option<i64>,
    total: Option<i64>,
) {
    let (mut known, mut silent) = (None, Vec::new());
    for use_of in &print.categories {
        match share(use_of) {
            Some(amount) => {
                known = Some(known.map_or(amount, |sum: i64| sum.saturating_add(amount)));
                entries.add(Meter::of_category(kind, &use_of.category), media, amount);
            }
            None => silent.push(&use_of.category),
        }
    }
    let rest = match (total, known) {
        (Some(total), Some(known)) => Some(total.saturating_sub(known)).filter(|rest| *rest > 0),
        (total, _) => total,
    };
    let Some(rest) = rest else { return };
    let meter = match silent.as_slice() {
        [only] => Meter::of_category(kind, only),
        _ => Meter::whole(kind),
    };
    entries.add(meter, media, rest);
}

/// What the lifetime counters say: U12 and U13 by category, U2 by colour, U7 by media, and the totals
/// U8, U14 to U17. U9 and U10 are parts of U8, U3 and U4 parts of U2; they are no meters.
pub fn counter_values(usage: &Usage) -> Vec<CounterValue> {
    let mut entries = Entries::default();
    for use_of in &usage.categories {
        if let Some(Area(area)) = use_of.media_area {
            entries.add(Meter::of_category(MeterKind::AreaMedia, &use_of.category), None, area);
        }
        if let Some(Length(length)) = use_of.media_length {
            entries.add(Meter::of_category(MeterKind::Length, &use_of.category), None, length);
        }
    }
    for cartridge in &usage.cartridge_types {
        if let Some(Ink(ink)) = cartridge.ink {
            entries.add(Meter::ink(&cartridge.colour), None, ink);
        }
    }
    for media in &usage.media {
        entries.add(Meter::whole(MeterKind::AreaMedia), Some(&media.name), media.area.0);
    }
    let totals = [
        (MeterKind::ScanArea, usage.scanned.map(|area| area.0)),
        (MeterKind::Jobs, usage.jobs),
        (MeterKind::Pages, usage.pages),
        (MeterKind::Ink, usage.ink.map(|ink| ink.0)),
        (MeterKind::AreaMedia, usage.media_area.map(|area| area.0)),
    ];
    for (kind, total) in totals {
        if let Some(total) = total {
            entries.add(Meter::whole(kind), None, total);
        }
    }
    entries.0.into_iter().map(|((meter, media), value)| CounterValue { meter, media, value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::{CartridgeTypeUsage, Category, InkUse, JobKind, ScanJob};

    fn shown(job: &Job) -> Vec<String> {
        let show = |quantity: Quantity| match quantity.media {
            Some(media) => format!("{}@{media} {}", quantity.meter, quantity.amount),
            None => format!("{} {}", quantity.meter, quantity.amount),
        };
        job_quantities(job).into_iter().map(show).collect()
    }

    fn use_of(category: &str, printed: Option<i64>, media: Option<i64>) -> CategoryUse {
        CategoryUse {
            category: Category::new(category),
            derived: false,
            media_area: media.map(Area),
            printed_area: printed.map(Area),
            ink: None,
            media_length: None,
        }
    }

    fn print(job: PrintJob) -> Job {
        Job { print: Some(job), ..Job::default() }
    }

    #[test]
    fn an_empty_job_is_one_job_and_nothing_else() {
        assert_eq!(shown(&Job::default()), ["jobs 1"]);
        assert_eq!(shown(&print(PrintJob::default())), ["jobs 1"]);
    }

    #[test]
    fn a_job_of_two_categories_counts_each() {
        let job = print(PrintJob {
            pages: Some(2),
            media: Some("Bond".to_owned()),
            printed_area: Some(Area(90)),
            categories: vec![use_of("mono-line", Some(60), Some(66)), use_of("low-density", Some(30), None)],
            ink: vec![InkUse { colour: "cyan".to_owned(), ink: Ink(5) }],
            ..PrintJob::default()
        });
        let expected = [
            "area-printed/low-density@Bond 30",
            "area-printed/mono-line@Bond 60",
            "area-media/mono-line@Bond 66",
            "ink/cyan@Bond 5",
            "pages@Bond 2",
            "jobs@Bond 1",
        ];
        assert_eq!(shown(&job), expected);
    }

    #[test]
    fn an_area_without_a_category_is_kept() {
        let without = print(PrintJob { printed_area: Some(Area(90)), ..PrintJob::default() });
        assert_eq!(shown(&without), ["area-printed 90", "jobs 1"]);
        let categories = vec![use_of("mono-line", None, None)];
        let only = print(PrintJob { printed_area: Some(Area(90)), categories, ..PrintJob::default() });
        assert_eq!(shown(&only), ["area-printed/mono-line 90", "jobs 1"]);
    }

    #[test]
    fn what_categories_leave_of_a_total_is_counted() {
        let job = |total: i64, categories: Vec<CategoryUse>| {
            shown(&print(PrintJob { printed_area: Some(Area(total)), categories, ..PrintJob::default() }))
        };
        let (mono, low) = (use_of("mono-line", Some(60), None), use_of("low-density", None, None));
        // A page without a category; one category that does not say its share, and two of them.
        assert_eq!(job(90, vec![mono.clone()]), ["area-printed 30", "area-printed/mono-line 60", "jobs 1"]);
        let both = job(90, vec![mono.clone(), low.clone()]);
        assert_eq!(both, ["area-printed/low-density 30", "area-printed/mono-line 60", "jobs 1"]);
        let three = job(90, vec![mono.clone(), low.clone(), use_of("high-density", None, None)]);
        assert_eq!(three, ["area-printed 30", "area-printed/mono-line 60", "jobs 1"]);
        // A total that is smaller takes nothing back.
        assert_eq!(job(50, vec![mono, low]), ["area-printed/mono-line 60", "jobs 1"]);
    }

    #[test]
    fn a_copy_job_counts_what_it_scanned_and_what_it_printed() {
        let scan = Some(ScanJob { scanned_at: None, area: Some(Area(70)) });
        let printed = Some(PrintJob { pages: Some(1), ..PrintJob::default() });
        let job = Job { kind: JobKind::Copy, print: printed, scan, ..Job::default() };
        assert_eq!(shown(&job), ["pages 1", "jobs 1", "scan-area 70"]);
    }

    #[test]
    fn two_cartridge_types_of_one_colour_are_one_meter() {
        let cartridge = |ink| CartridgeTypeUsage {
            colour: "cyan".to_owned(),
            ink: Some(Ink(ink)),
            ..CartridgeTypeUsage::default()
        };
        let usage = Usage { cartridge_types: vec![cartridge(3), cartridge(4)], ..Usage::default() };
        let expected = CounterValue { meter: Meter::ink("cyan"), media: None, value: 7 };
        assert_eq!(counter_values(&usage), [expected]);
    }

    #[test]
    fn a_full_report_fills_every_counter_meter() {
        let report = report::sample::report(1);
        let values = counter_values(&report.usage);
        for name in
            ["area-media/mono-line", "area-media", "length/mono-line", "ink/cyan", "ink", "pages", "jobs", "scan-area"]
        {
            assert!(values.iter().any(|value| value.meter.to_string() == name), "{name}");
        }
        assert!(values.iter().any(|value| value.media.is_some()));
        assert!(counter_values(&Usage::default()).is_empty());
    }
}
