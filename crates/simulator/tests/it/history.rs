//! What a printer prints, and what the auditor knows of it.

use super::{START, after, busy, month};
use report::sample::Rng;
use report::{Area, Category, Duration, JobKind, JobStatus};
use simulator::auditor;
use simulator::printer::{Counters, INCH, Quirks, Source};
use simulator::world;
use std::collections::{BTreeMap, BTreeSet};

const MFP: &str = "XL 5000";

#[test]
fn the_same_seed_gives_the_same_history_whatever_the_steps() {
    for seed in [1, 2, 77] {
        let end = after(20);
        let mut leaping = busy(seed, MFP);
        leaping.advance(end);
        let mut stepping = busy(seed, MFP);
        let mut rng = Rng::new(seed);
        while stepping.now() < end {
            let step = Duration(rng.between(1, 9 * 3_600_000));
            stepping.advance(stepping.now().plus(step).min(end));
            // Going back changes nothing.
            stepping.advance(START);
        }
        assert_eq!(leaping.truth(), stepping.truth(), "seed {seed}");
        assert_eq!(leaping.counters(), stepping.counters(), "seed {seed}");
        assert_eq!(leaping.insertions(), stepping.insertions(), "seed {seed}");
        assert_ne!(leaping.truth(), month(seed + 1, MFP).truth(), "seed {seed}");
    }
}

#[test]
fn counters_are_baseline_jobs_maintenance_and_cutting_to_the_unit() {
    for (seed, part) in [(3, MFP), (4, "T930"), (5, "Z9"), (6, "XL 8000")] {
        let printer = month(seed, part);
        let mut expected: Counters = printer.baseline().clone();
        expected.raise(&auditor::raised_by(printer.truth()));
        expected.raise(printer.maintenance());
        expected.raise(printer.cutting());
        assert_eq!(printer.counters(), &expected, "{part}");
        assert_eq!(printer.counters().ink, printer.ink_drawn(), "{part}");
        assert!(printer.maintenance().media_area.0 > 0 && printer.cutting().media_area.0 > 0, "{part}");
    }
}

#[test]
fn a_printer_that_is_reset_shows_what_it_counted_since_and_its_truth_goes_on() {
    let mut printer = month(14, MFP);
    let before = printer.counters().clone();
    assert_eq!(printer.shown(), before);
    printer.reset_counters();
    let nothing = printer.shown();
    assert_eq!((nothing.jobs, nothing.pages, nothing.media_area, nothing.scanned()), (0, 0, Area(0), Area(0)));
    printer.advance(after(38));
    let (shown, truth) = (printer.shown(), printer.counters());
    assert_eq!(shown.media_area.0, truth.media_area.0 - before.media_area.0);
    assert_eq!(shown.jobs, truth.jobs - before.jobs);
    assert!(shown.jobs > 0 && truth.jobs > before.jobs);
    // Another board has counted elsewhere.
    printer.replace_board(Area(5_000_000));
    assert_eq!(printer.shown().media_area, Area(5_000_000));
    assert_eq!(printer.shown().pages, 0);
}

#[test]
fn a_counter_with_few_values_begins_at_zero_again() {
    let mut printer = busy(15, MFP);
    let values = printer.counters().media_area.0 + 1;
    printer = printer.with_quirks(Quirks { media_values: values, ..Quirks::default() });
    assert_eq!(printer.shown().media_area, printer.counters().media_area);
    printer.advance(after(7));
    assert_eq!(printer.shown().media_area.0, printer.counters().media_area.0 - values);
    assert_eq!(printer.shown().media, printer.counters().media, "only the counter of all media is that small");
}

#[test]
fn every_category_source_kind_and_end_occurs_within_a_month() {
    let printer = month(7, MFP);
    let jobs = printer.truth();
    let categories: BTreeSet<Category> = jobs.iter().flat_map(|job| job.categories.keys().cloned()).collect();
    assert_eq!(categories, Category::known().collect::<BTreeSet<Category>>());
    let sources: BTreeSet<Source> = jobs.iter().map(|job| job.source).collect();
    assert_eq!(sources, BTreeSet::from([Source::Driver, Source::Rip, Source::WebPage, Source::Panel]));
    let kinds: BTreeSet<JobKind> = jobs.iter().map(|job| job.kind).collect();
    assert_eq!(kinds, BTreeSet::from([JobKind::Print, JobKind::Scan, JobKind::Copy]));
    let ends: BTreeSet<JobStatus> = jobs.iter().map(|job| job.status).collect();
    let every = [JobStatus::Printed, JobStatus::Scanned, JobStatus::Cancelled, JobStatus::Failed];
    assert_eq!(ends, BTreeSet::from(every));
    assert!(jobs.iter().any(|job| job.categories.len() > 1), "pages of several categories in one job");
    assert!(jobs.iter().any(|job| job.media_used.len() > 1), "pages on several media in one job");
    let grown = printer.insertions().values().sum::<i64>() - busy(7, MFP).insertions().values().sum::<i64>();
    assert!(grown > 0, "cartridges were replaced");
}

#[test]
fn a_printer_without_named_categories_lets_no_media_decide_one() {
    let mut printer = busy(8, MFP).with_quirks(Quirks { categories_unnamed: true, ..Quirks::default() });
    printer.advance(after(31));
    let categories = auditor::area_by_category(printer.truth(), START, after(31));
    let ids: Vec<&str> = categories.keys().map(Category::id).collect();
    assert_eq!(ids, ["colour-line", "high-density", "low-density", "mono-line"]);
}

#[test]
fn jobs_come_on_weekdays_by_day_and_one_after_the_other() {
    let printer = month(9, MFP);
    let mut free_at = START;
    let mut weekend = 0;
    for job in printer.truth() {
        assert!(job.printed_at >= free_at && job.finished_at > job.printed_at, "{}", job.uuid);
        assert_eq!(job.finished_at.0 % 1000, 0, "whole seconds");
        free_at = job.finished_at;
        // 1970-01-01 was a Thursday.
        weekend += i64::from((job.printed_at.0.div_euclid(86_400_000) + 3).rem_euclid(7) >= 5);
    }
    assert_eq!(weekend, 0);
    // October 2026 has 22 weekdays.
    let count = printer.truth().len();
    assert!((1_400..2_100).contains(&count), "{count} jobs");
}

#[test]
fn job_uuids_and_sequences_are_unique() {
    let printer = month(10, MFP);
    let uuids: BTreeSet<&str> = printer.truth().iter().map(|job| job.uuid.as_str()).collect();
    assert_eq!(uuids.len(), printer.truth().len());
    assert!(printer.truth().windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
}

#[test]
fn what_ends_early_holds_fewer_printed_pages_than_asked() {
    let printer = month(11, MFP);
    let mut partly = 0;
    for job in printer.truth().iter().filter(|job| job.kind != JobKind::Scan) {
        match job.status {
            JobStatus::Printed => assert_eq!(job.pages, job.pages_asked, "{}", job.uuid),
            _ => assert!(job.pages < job.pages_asked, "{}", job.uuid),
        }
        assert_eq!(job.pages == 0, job.printed_area().0 == 0, "{}", job.uuid);
        assert!(job.media_area() >= job.printed_area(), "{}", job.uuid);
        partly += i64::from(job.pages > 0 && job.pages < job.pages_asked);
    }
    assert!(partly > 0, "some were cancelled midway");
}

#[test]
fn each_source_gives_its_own_fields_and_no_others() {
    let printer = month(12, MFP);
    let (mut accounts, mut panel_projects) = (0, 0);
    for job in printer.truth() {
        let (given, id) = (&job.personal, &job.uuid);
        match (job.source, job.kind) {
            (Source::Driver, _) => {
                assert!(given.user.is_some() && given.submitted_at.is_some() && given.name.is_some(), "{id}");
                accounts += i64::from(given.account.is_some());
            }
            (Source::Rip, _) => {
                assert!(given.name.is_some() && given.application.is_some(), "{id}");
                assert!(given.user.is_none() && given.account.is_none() && given.submitted_at.is_none(), "{id}");
            }
            (Source::WebPage, _) => {
                let nameless = report::Personal { name: None, ..given.clone() };
                assert!(given.name.is_some() && nameless.is_empty(), "{id}");
            }
            (Source::Panel, kind) => {
                assert!(kind == JobKind::Scan || given.user.is_none(), "{id}");
                assert_eq!(given.project.is_some(), given.account.is_some(), "{id}");
                panel_projects += i64::from(given.project.is_some());
            }
        }
    }
    assert!(accounts > 0 && panel_projects > 0);
}

#[test]
fn periods_are_half_open_and_add_up() {
    let printer = month(13, MFP);
    let jobs = printer.truth();
    let cut = jobs[jobs.len() / 2].finished_at;
    let whole = auditor::area_by_category(jobs, START, after(31));
    let mut halves = auditor::area_by_category(jobs, START, cut);
    for (category, area) in auditor::area_by_category(jobs, cut, after(31)) {
        halves.entry(category).or_default().0 += area.0;
    }
    assert_eq!(whole, halves);
    assert_eq!(auditor::pages(jobs, cut, cut), 0);
    let by_media = auditor::area_by_category_and_media(jobs, START, after(31));
    assert_eq!(by_media.values().map(|area| area.0).sum::<i64>(), whole.values().map(|area| area.0).sum::<i64>());
}

#[test]
fn a_fleet_has_two_resellers_five_customers_and_twelve_printers() {
    let fleet = world::fleet(1);
    assert_eq!(fleet, world::fleet(1));
    assert_eq!(fleet.resellers.len(), 2);
    assert_eq!(fleet.resellers.iter().map(|reseller| reseller.customers.len()).sum::<usize>(), 5);
    let serials: BTreeSet<&str> = fleet.printers().map(|(_, _, placed)| placed.serial.as_str()).collect();
    assert_eq!(serials.len(), 12);
    assert!(serials.iter().all(|serial| serial.len() == 9 && serial.starts_with("CN")), "{serials:?}");
    let seeds: BTreeSet<u64> = fleet.printers().map(|(_, _, placed)| placed.seed).collect();
    assert_eq!(seeds.len(), 12);
    assert!(fleet.printers().any(|(_, customer, _)| customer.lets_names_through));
    let jobs: BTreeMap<&str, usize> = fleet
        .printers()
        .map(|(_, _, placed)| {
            let mut printer = placed.printer(START);
            printer.advance(after(7));
            (placed.nickname, printer.truth().len())
        })
        .collect();
    assert!(jobs.values().all(|count| *count > 10), "{jobs:?}");
    assert!(fleet.printers().all(|(_, _, placed)| placed.model.width >= 36 * INCH));
}
