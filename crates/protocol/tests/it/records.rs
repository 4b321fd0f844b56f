use super::manner;
use proptest::prelude::*;
use protocol::Hex;
use protocol::package::{
    Boot, Core, Fold, Gap, GapReason, JobRecord, PrinterIdentity, Split, Timestamps, core_record, records, seen_record,
};
use report::{Area, Configuration, Defect, Duration, Ink, Instant, Job, Personal, PrintJob, Report, ScanJob};

/// 2026-10-31T16:05:00Z, the start of a minute.
const MINUTE: i64 = 1_793_462_700_000;

fn job(uuid: &str, finished: i64) -> Job {
    let (printed_at, time_to_print) = (Some(Instant(finished - 90_000)), Some(Duration(90_000)));
    let print = PrintJob { printed_at, time_to_print, pages: Some(1), ..PrintJob::default() };
    Job { uuid: Some(uuid.to_owned()), print: Some(print), ..Job::default() }
}

fn report_of(jobs: Vec<Job>) -> Report {
    Report {
        read_at: Instant(MINUTE + 600_000),
        configuration: Configuration { serial_number: Some("CN1".to_owned()), ..Configuration::default() },
        jobs: jobs.into_iter().map(|job| (job, Vec::new())).collect(),
        ..Report::default()
    }
}

fn split(jobs: Vec<Job>, timestamps: Timestamps) -> Split {
    records(&report_of(jobs), &[], manner(timestamps)).expect("a printer")
}

fn keys(split: &Split) -> Vec<String> {
    split.jobs.iter().map(|(key, _)| key.clone()).collect()
}

fn job_records(split: &Split) -> Vec<JobRecord> {
    let parse = |core: &str| match serde_json::from_str::<Core>(core).expect("a core") {
        Core::Job(record) => *record,
        other => panic!("not a job: {other:?}"),
    };
    split.jobs.iter().map(|(_, draft)| parse(&draft.core)).collect()
}

#[test]
fn a_reprint_is_another_job_even_within_one_minute() {
    // As a queue may list them: the last first.
    let jobs = vec![job("u", MINUTE + 59_000), job("u", MINUTE + 2_000), job("u", MINUTE + 60_000), job("v", MINUTE)];
    for timestamps in [Timestamps::Minute, Timestamps::Second] {
        let split = split(jobs.clone(), timestamps);
        let minute = MINUTE / 60_000;
        let expected =
            [format!("u@{minute}#1"), format!("u@{minute}"), format!("u@{}", minute + 1), format!("v@{minute}")];
        assert_eq!(keys(&split), expected);
        let records = job_records(&split);
        assert_eq!(records.iter().map(|record| record.nth).collect::<Vec<_>>(), [1, 0, 0, 0]);
    }
}

#[test]
fn an_entry_that_stands_twice_is_one_job() {
    // One form of a document gives the fraction of the second, the other leaves it out.
    let split = split(vec![job("u", MINUTE + 2_000), job("u", MINUTE + 2_730)], Timestamps::Second);
    let [first, second]: [String; 2] = keys(&split).try_into().expect("two entries");
    assert_eq!(first, second);
}

#[test]
fn no_second_of_a_job_leaves_when_times_are_cut_to_the_minute() {
    let mut copy = job("u", MINUTE + 12_345);
    copy.scan = Some(ScanJob { scanned_at: Some(Instant(MINUTE + 1_234)), area: None });
    let core = |timestamps| split(vec![copy.clone()], timestamps).jobs[0].1.core.clone();
    let (cut, exact) = (core(Timestamps::Minute), core(Timestamps::Second));
    for instant in [MINUTE + 12_345 - 90_000, MINUTE + 1_234] {
        assert!(exact.contains(&instant.to_string()), "{exact}");
        assert!(!cut.contains(&instant.to_string()), "{cut}");
    }
    assert!(cut.contains(&format!("\"printed_at\":{}", MINUTE - 90_000)), "{cut}");
    assert!(cut.contains(&format!("\"scanned_at\":{MINUTE}")), "{cut}");
}

#[test]
fn a_job_has_one_key_whatever_privacy_leaves_of_it() {
    let mut rng = report::sample::Rng::new(9);
    let known = report::sample::job(&mut rng, report::JobKind::Copy);
    let dropped = Job { personal: Personal::default(), ..known.clone() };
    let all = [(known.clone(), Timestamps::Second), (known, Timestamps::Minute), (dropped, Timestamps::Minute)]
        .map(|(job, timestamps)| keys(&split(vec![job], timestamps)));
    assert_eq!(all[0], all[1]);
    assert_eq!(all[1], all[2]);
}

#[test]
fn a_job_without_a_key_is_a_defect_of_the_reading() {
    let split = split(vec![Job { uuid: None, ..job("u", MINUTE) }], Timestamps::Minute);
    assert!(split.jobs.is_empty());
    let Core::Reading(reading) = serde_json::from_str(&split.reading.core).expect("a core") else {
        panic!("a reading")
    };
    let Defect { row, what } = &reading.defects[0];
    assert!(row.is_none() && what.contains("cannot be counted once"));
}

#[test]
fn each_section_of_a_reading_stands_once() {
    let report = report::sample::report(1);
    let split = records(&report, &[], manner(Timestamps::Minute)).expect("a printer");
    let Core::Reading(reading) = serde_json::from_str(&split.reading.core).expect("a core") else {
        panic!("a reading")
    };
    let mut named = vec![reading.status, reading.sources, reading.settings.expect("the sample has settings")];
    named.sort_unstable();
    assert_eq!(split.sections.iter().map(|section| section.digest).collect::<Vec<_>>(), named);
    assert_eq!(reading.seen, Some(Hex([0x22; 16])));
    // Of a printer that says nothing, status and sources are the same bytes.
    let nothing = records(&report_of(Vec::new()), &[], manner(Timestamps::Minute)).expect("a printer");
    assert_eq!(nothing.sections.len(), 1);
}

#[test]
fn a_printer_that_takes_part_in_no_contract_shows_rows_c1_to_c4_only() {
    let configuration = report::sample::report(1).configuration;
    let draft = seen_record(&configuration, Instant(5), None).expect("a printer");
    assert_eq!(draft.annex, None);
    let Core::Seen(seen) = serde_json::from_str(&draft.core).expect("a core") else { panic!("a printer seen") };
    assert_eq!(seen.printer, PrinterIdentity::of(&configuration).expect("named"));
    assert_eq!((&seen.firmware_version, seen.read_at), (&configuration.firmware_version, Instant(5)));
    assert!(!draft.core.contains(configuration.uuid.as_deref().expect("the sample has one")));
    assert_eq!(seen_record(&Configuration::default(), Instant(5), None), None);
}

#[test]
fn the_records_about_the_agent_itself_read_back_as_they_were() {
    let printer = PrinterIdentity { serial: "CN1".to_owned(), product_number: None, product_name: None };
    let fold = Fold {
        printer,
        folded_at: Instant(9),
        since: Instant(1),
        until: Instant(8),
        jobs: 3,
        pages: 4,
        area_printed: Area(5),
        area_media: Area(6),
        ink: Ink(7),
        categories: Vec::new(),
        seen: Some(Hex([2; 16])),
    };
    let (at, seen) = (Instant(1), None);
    let gap = Gap { at, why: GapReason::SpoolDamaged, lost_records: None, salvaged_records: 2, seen };
    let cores = [
        (Core::Fold(Box::new(fold)), "{\"fold\":{"),
        (Core::Gap(gap), "{\"gap\":{\"at\":1,\"why\":\"spool-damaged\",\"salvaged_records\":2}}"),
        (Core::Boot(Boot { at, number: 2, version: "1".to_owned(), seen }), "{\"boot\":{"),
    ];
    for (core, start) in cores {
        let draft = core_record(&core);
        assert!(draft.core.starts_with(start), "{}", draft.core);
        assert_eq!(serde_json::from_str::<Core>(&draft.core).expect("a core"), core);
        assert_eq!(draft.annex, None);
    }
}

proptest! {
    #[test]
    fn a_job_keeps_its_key_and_its_minute_however_its_times_are_cut(
        entries in prop::collection::vec((0_u8..3, 0_i64..300_000, prop::option::of(0_i64..200_000)), 0..12)
    ) {
        let jobs: Vec<Job> = entries
            .iter()
            .map(|(uuid, printed, time)| {
                let (printed_at, time_to_print) = (Some(Instant(MINUTE + printed)), time.map(Duration));
                let print = PrintJob { printed_at, time_to_print, ..PrintJob::default() };
                Job { uuid: Some(format!("u{uuid}")), print: Some(print), ..Job::default() }
            })
            .collect();
        let (cut, exact) = (split(jobs.clone(), Timestamps::Minute), split(jobs.clone(), Timestamps::Second));
        prop_assert_eq!(keys(&cut), keys(&exact));
        for (((key, _), record), job) in cut.jobs.iter().zip(job_records(&cut)).zip(&jobs) {
            prop_assert_eq!(record.key(), Some(key.clone()));
            let finished = job.finished_at().expect("it has one").0;
            prop_assert_eq!(record.job.finished_at(), Some(Instant(finished - finished % 60_000)));
        }
        for ((key, _), (record, job)) in exact.jobs.iter().zip(job_records(&exact).iter().zip(&jobs)) {
            prop_assert_eq!(record.key(), Some(key.clone()));
            prop_assert_eq!(&record.job, job);
        }
        // Two jobs of one name have one key exactly when they finished within the same second.
        let seconds: Vec<_> =
            jobs.iter().map(|job| (job.uuid.clone(), job.finished_at().map(|at| at.0 / 1000))).collect();
        let keys = keys(&cut);
        for (left, left_key) in seconds.iter().zip(&keys) {
            for (right, right_key) in seconds.iter().zip(&keys) {
                prop_assert_eq!(left == right, left_key == right_key);
            }
        }
    }
}
