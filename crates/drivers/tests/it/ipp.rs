//! IPP: answers of our own, and recorded ones with values read from them by hand.
//!
//! The cases in `src/ipp/testcases` are bodies as a printer sends them; `ipptool` shows such bodies in words.

use crate::common::{self, READ_AT, body, case_answers, check_cases, instant, recording, whats};
use drivers::{Answer, Answers, Ask, ipp::DRIVER, ipp::Operation, limits};
use report::{Defect, Duration, Ink, Instant, Job, JobStatus, Length, Report, RowId, Severity, walk};
use std::collections::BTreeSet;

const PRINTER: &str = "ipp/get-printer-attributes";
const JOBS: &str = "ipp/get-jobs";

fn key(file: &str) -> String {
    let Some(name) = file.strip_suffix(".ipp") else { return String::new() };
    match name.strip_prefix("get-job-attributes-") {
        Some(job) => format!("ipp/get-job-attributes/{job}"),
        None => format!("ipp/{name}"),
    }
}

pub(crate) fn case(name: &str) -> Answers {
    case_answers(DRIVER.name, name, key)
}

fn ipp(bytes: &[u8]) -> Answer {
    body("application/ipp", bytes)
}

/// An answer of this status without attributes.
fn status(status: u16) -> Answer {
    let [high, low] = status.to_be_bytes();
    ipp(&[2, 0, high, low, 0, 0, 0, 1, 3])
}

pub(crate) fn read(answers: &Answers) -> (Report, Vec<Defect>) {
    (DRIVER.read)(answers, READ_AT)
}

/// A value as RFC 8010 writes it.
fn value(tag: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    for part in [name.as_bytes(), value] {
        bytes.extend(u16::try_from(part.len()).expect("a short part").to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

/// A whole answer with groups of this tag.
fn message(tag: u8, groups: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 0, 0, 1];
    for group in groups {
        bytes.push(tag);
        bytes.extend(group.concat());
    }
    bytes.push(3);
    bytes
}

/// What a printer says that has nothing but these values.
fn printer(values: Vec<Vec<u8>>) -> (Report, Vec<Defect>) {
    let name = value(0x41, "printer-make-and-model", b"Testplotter");
    let serial = value(0x41, "printer-serial-number", b"T1");
    let bytes = message(4, &[[vec![name, serial], values].concat()]);
    read(&Answers::from([(PRINTER.to_owned(), ipp(&bytes)), (JOBS.to_owned(), status(0x0501))]))
}

/// The colour of a cartridge of which the printer says it so.
pub(crate) fn colour_of(spelling: &str) -> Option<String> {
    let supply = format!("index=1;type=inkCartridge;maxcapacity=100;level=50;colorantname={spelling};");
    let (report, _) = printer(vec![value(0x30, "printer-supply", supply.as_bytes())]);
    report.status.cartridges[0].colour.clone()
}

/// Asks until nothing is left, as an agent does.
fn ask(serve: impl Fn(&str) -> Answer) -> Answers {
    common::ask(&DRIVER, |request| {
        assert!(matches!(request.ask, Ask::Ipp(_)));
        serve(&request.key)
    })
}

// The rows.

#[test]
fn every_case_gives_exactly_its_expected_rows() {
    check_cases(&DRIVER, key);
}

#[test]
fn a_full_printer_says_what_it_is_and_what_is_in_it() {
    let (report, defects) = read(&case("full"));
    let configuration = &report.configuration;
    assert_eq!(configuration.product_number.as_deref(), Some("X1A23A"));
    assert_eq!(configuration.product_name.as_deref(), Some("HP DesignJet T1530 Test"));
    assert_eq!(configuration.serial_number.as_deref(), Some("TST0000042"));
    assert_eq!(configuration.firmware_version.as_deref(), Some("TP_01_02"));
    assert_eq!(configuration.uuid.as_deref(), Some("0b8f4597-adbc-4b14-8637-000000000042"));
    let engine = "processing, marker-supply-low-warning, media-empty-error, paused";
    assert_eq!(report.status.engine.as_deref(), Some(engine));
    assert_eq!(report.usage.pages, Some(56_789));
    let slots: Vec<_> = report.status.cartridges.iter().map(|item| item.slot.as_str()).collect();
    assert_eq!(slots, ["1", "2", "4"], "a waste tank is no cartridge");
    let [black, cyan, yellow] = &report.status.cartridges[..] else { panic!("three cartridges") };
    assert_eq!((black.capacity, black.consumed), (Some(Ink(300_000_000)), Some(Ink(180_000_000))));
    assert_eq!((black.colour.as_deref(), black.product_number.as_deref()), (Some("matte-black"), Some("X1X01A")));
    assert_eq!((cyan.capacity, cyan.consumed), (Some(Ink(130_000_000)), Some(Ink(65_000_000))));
    assert_eq!((yellow.colour.as_deref(), yellow.status.as_deref()), (Some("yellow"), Some("33 % left")));
    assert_eq!((yellow.capacity, yellow.consumed), (None, None), "a percentage is no volume");
    let types: Vec<_> = report.settings.media_types.iter().map(|media| media.id.as_str()).collect();
    assert_eq!(types, ["stationery", "com.hp.bond", "roll"]);
    let odd = [
        "S22 printer-input-tray 'manual': mediaxfeed 85000 without a unit",
        "S22 printer-input-tray 'manual': mediafeed 110000 without a unit",
        "E2 printer-alert 3: 'grave' is no known severity",
        "P10 Get-Jobs, job 44: the job is over without saying at which date and time, it is not reported",
    ];
    assert_eq!(whats(&defects), odd);
}

#[test]
fn media_is_measured_where_its_unit_is_certain() {
    let (report, _) = read(&case("full"));
    let sources = &report.status.media_sources;
    let names: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["Roll 1", "Roll 2", "manual"], "'auto' is no source");
    // The tray calls hundredths of millimetres micrometers; media-col-ready is believed.
    assert_eq!((sources[0].width, sources[0].height), (Some(Length(914_400)), None));
    assert_eq!((sources[0].media.as_deref(), sources[0].status.as_deref()), (Some("stationery"), Some("loaded, idle")));
    assert_eq!((sources[1].width, sources[1].media.as_deref()), (Some(Length(609_600)), Some("film")));
    assert_eq!(sources[1].status.as_deref(), Some("empty, on request, warning"));
    assert_eq!((sources[2].width, sources[2].height), (None, None));
}

#[test]
fn alerts_are_the_reasons_and_what_is_no_log() {
    let (report, _) = read(&case("full"));
    let alerts: Vec<_> = report.alerts.iter().map(|alert| (alert.code.as_str(), alert.severity)).collect();
    let expected = [
        ("marker-supply-low", Severity::Warning),
        ("media-empty", Severity::Severe),
        ("paused", Severity::Info),
        ("markerInkAlmostEmpty", Severity::Warning),
        ("nonHPSupplyDetected", Severity::Info),
    ];
    assert_eq!(alerts, expected);
    assert_eq!(report.alerts[3].part.as_deref(), Some("markerSupplies"));
    assert_eq!(report.alerts[3].text.as_deref(), Some("Cyan cartridge is low on ink"));
}

#[test]
fn a_job_is_reported_when_it_is_over_and_says_when() {
    let (report, _) = read(&case("full"));
    let jobs: Vec<_> = report.jobs.iter().map(|(job, _)| (job.sequence, job.status)).collect();
    assert_eq!(jobs, [(Some(41), Some(JobStatus::Printed)), (Some(42), Some(JobStatus::Cancelled))]);
    let (first, _) = &report.jobs[0];
    assert_eq!(first.uuid.as_deref(), Some("1b4e28ba-2fa1-11d2-883f-0016d3cca427"));
    assert_eq!(first.finished_at(), instant("2026-10-05T08:03:30Z"));
    let print = first.print.as_ref().expect("a print job");
    assert_eq!((print.printed_at, print.time_to_print), (instant("2026-10-05T08:01:00Z"), Some(Duration(150_000))));
    assert_eq!((print.pages, print.copies, print.quality.as_deref()), (Some(3), Some(1), Some("high")));
    assert_eq!((print.media.as_deref(), print.printed_area, print.ink.len()), (Some("stationery"), None, 0));
    let personal = &first.personal;
    assert_eq!((personal.name.as_deref(), personal.user.as_deref()), (Some("ground floor.pdf"), Some("anna")));
    assert_eq!((personal.account.as_deref(), personal.submitted_at), (Some("4711"), instant("2026-10-05T08:00:00Z")));
    // Its entry in the list said neither; the times count seconds since 1970.
    let (second, defects) = &report.jobs[1];
    assert_eq!((second.finished_at(), defects.len()), (instant("2026-10-05T09:01:00Z"), 0));
    let print = second.print.as_ref().expect("a print job");
    assert_eq!((print.pages, print.copies, print.time_to_print), (Some(0), Some(1), Some(Duration(60_000))));
}

#[test]
fn attributes_side_by_side_are_cartridges_too() {
    let (report, defects) = read(&case("markers"));
    assert_eq!(defects, Vec::new(), "a printer without a list of jobs is not odd");
    let told: Vec<_> = report.status.cartridges.iter().map(|c| (c.colour.as_deref(), c.status.as_deref())).collect();
    assert_eq!(told, [(Some("magenta"), Some("low, 11 % left")), (Some("cyan"), Some("some left"))]);
    let source = &report.status.media_sources[0];
    assert_eq!((source.name.as_str(), source.width, source.height), ("main", Some(Length(62_000)), None));
    assert_eq!(report.status.media_sources.len(), 1);
    assert_eq!(report.configuration.serial_number.as_deref(), Some("TST0000043"));
    assert_eq!(report.configuration.firmware_version.as_deref(), Some("9"));
}

#[test]
fn what_is_odd_is_said_and_never_a_value() {
    let (report, defects) = read(&case("odd"));
    assert_eq!((report.configuration.serial_number.as_deref(), report.configuration.uuid.as_deref()), (None, None));
    assert_eq!((report.usage.pages, report.status.engine.as_deref()), (None, None));
    assert_eq!(report.status.cartridges.len(), 2);
    assert!(report.status.cartridges.iter().all(|cartridge| cartridge.consumed.is_none()));
    let expected = [
        "Get-Printer-Attributes: printer-info: a text is not UTF-8, read as Latin-1",
        "Get-Printer-Attributes: printer-state: a value does not fit its type",
        "Get-Printer-Attributes: the answer is cut off, the rest is not read",
        "C3 the printer gives no serial number",
        "S17 printer-supply 1: the level of 20000000 nl is above the capacity of 10000000 nl",
        "S16 printer-supply 3: capacity is negative: -500 tenthsOfMilliliters",
        "S22 printer-input-tray 'Main': mediaxfeed 82677 without a unit",
        "S22 printer-input-tray 'Main': mediafeed 116929 without a unit",
        "P11 Get-Jobs, job 8: the job does not say whether it is over, it is not reported",
        "P10 Get-Jobs, job 9: the job is over without saying at which date and time, it is not reported",
    ];
    assert_eq!(whats(&defects), expected);
    let (job, defects) = &report.jobs[0];
    assert_eq!((report.jobs.len(), job.finished_at()), (1, instant("2026-10-05T08:03:30Z")));
    let expected = [
        "P17 printing began at 2026-10-05T09:00:00Z, after the job was completed",
        "P15 the job was printed and counts no impressions",
        "P2 the job has no job-uuid",
    ];
    assert_eq!(whats(defects), expected);
}

// What is asked.

#[test]
fn a_job_is_asked_for_only_where_its_entry_says_too_little() {
    let documents = case("full");
    let answers = ask(|key| documents.get(key).cloned().unwrap_or_else(|| panic!("{key} is asked")));
    let keys: Vec<&str> = answers.keys().map(String::as_str).collect();
    assert_eq!(keys, ["ipp/get-job-attributes/42", JOBS, PRINTER]);
}

#[test]
fn what_is_no_printer_gets_one_request() {
    let page = body("text/html", b"<html>");
    let refused = Answer::Failed("connection refused".to_owned());
    let asleep = Answer::Elsewhere { status: 302, location: "/wakeup.htm".to_owned() };
    for answer in [page, refused, asleep, status(0x0000), status(0x0403), ipp(b"")] {
        let answers = ask(|_| answer.clone());
        assert_eq!(answers.len(), 1, "{answer:?}");
        assert!(!(DRIVER.identify)(&answers));
        let (report, defects) = read(&answers);
        assert_eq!((walk(&report).len(), defects.len()), (0, 1), "{answer:?}");
    }
}

#[test]
fn a_refused_list_of_jobs_leaves_the_printer_readable() {
    let mut documents = case("full");
    documents.insert(JOBS.to_owned(), status(0x0403));
    let (report, defects) = read(&documents);
    assert_eq!((report.usage.pages, report.jobs.len()), (Some(56_789), 0));
    assert!(whats(&defects).contains(&"Get-Jobs: answered with IPP status 0x0403".to_owned()));
}

#[test]
fn asking_for_jobs_ends() {
    // 4 000 jobs that only give their number and that they are over.
    let mut list: Vec<u8> = vec![2, 0, 0, 0, 0, 0, 0, 1];
    for job in 1..=4_000_i32 {
        list.extend(b"\x02\x21\x00\x06job-id\x00\x04");
        list.extend(job.to_be_bytes());
        list.extend(b"\x23\x00\x09job-state\x00\x04\x00\x00\x00\x09");
    }
    list.push(3);
    let documents = case("full");
    let answers = ask(|key| match key {
        PRINTER => documents[PRINTER].clone(),
        JOBS => ipp(&list),
        _ => status(0x0406),
    });
    assert_eq!(answers.len(), limits::REQUESTS_MAX);
    // The newest of those that are read at all.
    assert!(answers.contains_key("ipp/get-job-attributes/2000") && !answers.contains_key("ipp/get-job-attributes/1"));
    let (report, defects) = read(&answers);
    assert_eq!(report.jobs.len(), 0);
    let expected = [
        "P27 Get-Jobs: the jobs after the first 2000 of 4000 were not read: more than 2000 jobs",
        "Get-Jobs: jobs without their details, not reported this time: 2000 (the first: was not asked)",
    ];
    assert!(whats(&defects).ends_with(&expected.map(str::to_owned)), "{defects:?}");
}

/// What a job counts by, and its pages.
type Counted = (Option<String>, Option<i64>, Option<Instant>, Option<i64>);

fn counted(report: &Report) -> Vec<Counted> {
    let pages = |job: &Job| job.print.as_ref().and_then(|print| print.pages);
    report.jobs.iter().map(|(job, _)| (job.uuid.clone(), job.sequence, job.finished_at(), pages(job))).collect()
}

#[test]
fn a_job_has_one_name_and_its_pages_in_every_reading_that_reports_it() {
    let id = |number: i32| value(0x21, "job-id", &number.to_be_bytes());
    let state = value(0x23, "job-state", &9_i32.to_be_bytes());
    let ended = value(0x31, "date-time-at-completed", &[7, 0xea, 10, 5, 8, 3, 30, 0, b'+', 0, 0]);
    let pages = value(0x21, "job-impressions-completed", &10_i32.to_be_bytes());
    let uuid = value(0x45, "job-uuid", b"urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427");
    let details = vec![id(42), state.clone(), ended.clone(), pages.clone(), uuid.clone()];
    let details = message(2, &[details]);
    // What the list leaves out of the job.
    let lists = [
        vec![id(42), state.clone(), ended.clone()],
        vec![id(42), state.clone(), ended.clone(), pages.clone()],
        vec![id(42), state.clone(), ended, uuid.clone()],
        vec![id(42), state, pages, uuid],
    ];
    for list in lists {
        let list = message(2, &[list]);
        let reading = |answer: Option<Answer>| {
            let mut answers = case("markers");
            answers.insert(JOBS.to_owned(), ipp(&list));
            answers.extend(answer.map(|answer| ("ipp/get-job-attributes/42".to_owned(), answer)));
            read(&answers)
        };
        let (whole, defects) = reading(Some(ipp(&details)));
        assert_eq!((counted(&whole).len(), counted(&whole)[0].3, defects), (1, Some(10), Vec::new()));
        let failures = [
            None,
            Some(Answer::Failed("did not answer in time".to_owned())),
            Some(status(0x0503)),
            Some(status(0x0406)),
            Some(ipp(&details[..details.len() - 20])),
            Some(ipp(&message(2, &[vec![id(43)]]))),
        ];
        for failure in failures {
            let (without, defects) = reading(failure.clone());
            assert_eq!(counted(&without), Vec::new(), "{failure:?}");
            let start = "Get-Jobs: jobs without their details, not reported this time: 1 (the first: ";
            assert!(whats(&defects).iter().any(|what| what.starts_with(start)), "{failure:?} {defects:?}");
        }
        // A printer without the operation never says more, in no reading.
        let (bare, _) = reading(Some(status(0x0501)));
        assert!(bare.jobs.len() <= 1);
    }
}

#[test]
fn a_list_of_jobs_that_was_answered_speaks_for_them_though_it_is_empty() {
    let mut answers = case("markers");
    assert!(!read(&answers).0.sources.contains_key(&RowId::P27), "this printer has no such list");
    answers.insert(JOBS.to_owned(), ipp(&message(2, &[])));
    let (report, defects) = read(&answers);
    assert_eq!((report.jobs.len(), defects), (0, Vec::new()));
    assert_eq!(report.sources.get(&RowId::P27).map(|source| source.from.as_str()), Some("ipp Get-Jobs"));
}

#[test]
fn lists_of_one_repeated_item_end_at_the_limit() {
    let most = limits::LIST_MAX;
    let repeated = |name: &str, text: &str| {
        let first = value(0x30, name, text.as_bytes());
        [vec![first], vec![value(0x30, "", text.as_bytes()); most + 4]].concat()
    };
    let (report, _) = printer(repeated("printer-input-tray", "name=Roll;"));
    let names: BTreeSet<&str> = report.status.media_sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!((report.status.media_sources.len(), names.len()), (most, most));
    let (report, defects) = printer(repeated("printer-supply", "index=1;type=ink;"));
    assert_eq!(report.status.cartridges.len(), most);
    assert_eq!(whats(&defects), ["printer-supply has 2005 entries, only the first 2000 are read"]);
}

// Recorded printers. The values are read from the recordings by hand.

/// A recorded answer about the printer, read with a list of jobs that it does not have.
fn recorded(path: &str) -> Option<(Report, Vec<Defect>)> {
    let bytes = recording(path)?;
    let answers = [(PRINTER.to_owned(), ipp(&bytes)), (JOBS.to_owned(), status(0x0501))];
    let answers = Answers::from(answers);
    assert!((DRIVER.identify)(&answers), "{path}");
    Some(read(&answers))
}

/// A recorded answer about jobs, read as the list of a printer of our own.
fn recorded_jobs(path: &str) -> Option<(Vec<(Job, Vec<Defect>)>, Vec<String>)> {
    let mut answers = case("markers");
    answers.insert(JOBS.to_owned(), ipp(&recording(path)?));
    // The list is all there is of them.
    for request in (DRIVER.next)(&answers) {
        answers.insert(request.key, status(0x0501));
    }
    let (report, defects) = read(&answers);
    Some((report.jobs, whats(&defects)))
}

type Told<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// Slot, colour and status of each cartridge.
fn cartridges(report: &Report) -> Vec<Told<'_>> {
    let cartridges = report.status.cartridges.iter();
    cartridges.map(|item| (item.slot.as_str(), item.colour.as_deref(), item.status.as_deref())).collect()
}

#[test]
fn a_recorded_officejet_gives_its_serial_number_in_the_device_identifier() {
    let Some((report, defects)) = recorded("python-ipp/get-printer-attributes-hp6830.bin") else { return };
    assert_eq!(defects, Vec::new());
    let configuration = &report.configuration;
    assert_eq!(configuration.product_number.as_deref(), Some("E3E02A"));
    assert_eq!(configuration.product_name.as_deref(), Some("HP Officejet Pro 6830"));
    assert_eq!(configuration.serial_number.as_deref(), Some("TH55R620W0"));
    assert_eq!(configuration.uuid.as_deref(), Some("1c852a4d-b800-1f08-abcd-5820b1decccd"));
    assert_eq!(report.status.engine.as_deref(), Some("idle, marker-supply-low-warning"));
    let left = Some("20 % left");
    let inks = [("1", "magenta"), ("2", "cyan"), ("3", "yellow"), ("4", "black")];
    assert_eq!(cartridges(&report), inks.map(|(slot, colour)| (slot, Some(colour), left)));
    let tray = &report.status.media_sources[0];
    assert_eq!((tray.name.as_str(), tray.media.as_deref()), ("InputTray1", Some("stationery")));
    assert_eq!((tray.width, tray.height), (Some(Length(215_900)), Some(Length(279_400))));
    assert_eq!(report.settings.media_types.len(), 8);
    let alerts: Vec<_> = report.alerts.iter().map(|alert| (alert.code.as_str(), alert.severity)).collect();
    // Its alerts are a log of 27 states.
    assert_eq!(alerts, [("marker-supply-low", Severity::Warning), ("nonHPSupplyDetected", Severity::Info)]);
}

#[test]
fn a_recorded_laserjet_gives_no_serial_number_and_three_trays() {
    let path = "gmuth-document-format-supported/HP_Color_LaserJet_MFP_M477fdw.res";
    let Some((report, defects)) = recorded(path) else { return };
    assert_eq!(whats(&defects), ["C3 the printer gives no serial number"]);
    assert_eq!(report.configuration.firmware_version.as_deref(), Some("20201022"));
    assert_eq!(report.configuration.product_number, None);
    let numbers: Vec<_> = report.status.cartridges.iter().map(|item| item.product_number.as_deref()).collect();
    assert_eq!(numbers, [Some("CF411X"), Some("CF413X"), Some("CF412X"), Some("CF410X")]);
    assert_eq!(cartridges(&report)[0], ("1", Some("cyan"), Some("50 % left")));
    let trays: Vec<_> = report.status.media_sources.iter().map(|tray| tray.name.as_str()).collect();
    assert_eq!(trays, ["manual", "tray-1", "tray-2"]);
    let statuses: Vec<_> = report.status.media_sources.iter().map(|tray| tray.status.as_deref()).collect();
    assert_eq!(statuses, [Some("empty, idle, warning"), Some("empty, idle, warning"), Some("loaded, idle")]);
    assert_eq!((report.settings.media_types.len(), report.alerts.len()), (33, 0));
}

#[test]
fn another_recorded_laserjet_gives_its_firmware_in_the_device_identifier() {
    let path = "gmuth-document-format-supported/HP_LaserJet_Pro_MFP_M127fw.res";
    let Some((report, _)) = recorded(path) else { return };
    assert_eq!(report.configuration.firmware_version.as_deref(), Some("20141113"));
    assert_eq!(cartridges(&report), [("1", Some("black"), Some("50 % left"))]);
    assert_eq!(report.status.cartridges[0].product_number.as_deref(), Some("CF283A"));
}

#[test]
fn a_recorded_canon_lists_the_version_of_a_protocol_which_is_no_firmware() {
    let path = "gmuth-document-format-supported/Canon_MX490_series.res";
    let Some((report, _)) = recorded(path) else { return };
    assert_eq!(report.configuration.product_name.as_deref(), Some("Canon MX490 series"));
    assert_eq!(report.configuration.firmware_version, None);
    let trays: Vec<_> = report.status.media_sources.iter().map(|tray| tray.name.as_str()).collect();
    assert_eq!(trays, ["main"]);
    assert_eq!(cartridges(&report), [("1", None, Some("50 % left")), ("2", Some("black"), Some("50 % left"))]);
}

#[test]
fn a_recorded_brother_gives_its_texts_with_their_language() {
    let Some((report, _)) = recorded("python-ipp/get-printer-attributes-brother-mfcj5320dw.bin") else { return };
    assert_eq!(report.configuration.product_name.as_deref(), Some("Brother MFC-J5320DW"));
    assert_eq!(report.configuration.uuid.as_deref(), Some("e3248000-80ce-11db-8000-30055ce13be2"));
    let expected = [
        ("1", Some("magenta"), Some("low, 11 % left")),
        ("2", Some("cyan"), Some("low, 9 % left")),
        ("3", Some("yellow"), Some("45 % left")),
        ("4", Some("black"), Some("low, 11 % left")),
    ];
    assert_eq!(cartridges(&report), expected);
    let source = &report.status.media_sources[0];
    assert_eq!((source.name.as_str(), source.media.as_deref()), ("main", Some("stationery")));
    assert_eq!((source.width, source.height), (Some(Length(210_000)), Some(Length(297_000))));
    let types: Vec<_> = report.settings.media_types.iter().map(|media| media.id.as_str()).collect();
    assert_eq!(types, ["stationery", "stationery-inkjet", "photographic-glossy"]);
}

#[test]
fn a_recorded_roll_printer_names_a_wrong_unit_at_its_tray() {
    let path = "gmuth-ipp-client-kotlin/malformed/invalidBrotherMediaTypeSupported.response";
    let Some((report, _)) = recorded(path) else { return };
    assert_eq!(report.configuration.product_name.as_deref(), Some("Brother QL-1110NWB"));
    assert_eq!(report.configuration.firmware_version.as_deref(), Some("1.13"));
    let [roll] = &report.status.media_sources[..] else { panic!("one source") };
    // The tray says 6200 micrometers; the roll is 62 mm wide.
    assert_eq!((roll.name.as_str(), roll.width, roll.height), ("Media", Some(Length(62_000)), None));
    let types: Vec<_> = report.settings.media_types.iter().map(|media| media.id.as_str()).collect();
    assert_eq!(types, ["labels", "roll"], "a keyword and a name in one attribute");
}

#[test]
fn a_recorded_kyocera_keeps_its_serial_number_under_another_key() {
    let Some((report, _)) = recorded("openprinting-go-mfp/Kyocera-ECOSYS-M2040dn-Printer-Attributes.ipp") else {
        return;
    };
    assert_eq!(report.configuration.serial_number.as_deref(), Some("VCF9192281"));
    assert_eq!(report.configuration.uuid.as_deref(), Some("4509a320-00a0-008f-00b6-002507510eca"));
    assert_eq!(report.configuration.firmware_version.as_deref(), Some("2S0_2000.001.828"));
    assert_eq!(cartridges(&report), [("1", Some("black"), Some("84 % left"))], "the waste box is no cartridge");
    assert_eq!(report.alerts, Vec::new(), "that it sleeps is no alert");
    assert_eq!(report.status.media_sources[0].name, "MP Tray");
}

#[test]
fn a_recorded_xerox_names_one_tray_twice() {
    let path = "gmuth-ipp-client-kotlin/Xerox_B210_Printer/001-Get-Printer-Attributes.res";
    let Some((report, _)) = recorded(path) else { return };
    assert_eq!(report.configuration.firmware_version.as_deref(), Some("80.000.60.000"));
    let trays: Vec<_> = report.status.media_sources.iter().map(|tray| tray.name.as_str()).collect();
    assert_eq!(trays, ["Tray 1", "Manual Feed Slot"]);
    let tray = &report.status.media_sources[0];
    assert_eq!((tray.width, tray.height), (Some(Length(210_000)), Some(Length(297_000))));
    assert_eq!((tray.media.as_deref(), tray.status.as_deref()), (Some("stationery"), Some("loaded, idle")));
    // 82700 and 116900 ten-thousandths of an inch.
    let slot = &report.status.media_sources[1];
    assert_eq!((slot.width, slot.height), (Some(Length(210_058)), Some(Length(296_926))));
    assert_eq!((cartridges(&report), report.alerts.len()), (vec![("1", Some("black"), Some("62 % left"))], 0));
}

#[test]
fn a_recorded_list_of_a_kyocera_holds_a_whole_job() {
    let Some((jobs, defects)) = recorded_jobs("python-ipp/get-jobs-kyocera-ecosys-m2540dn-000.bin") else { return };
    assert_eq!(defects, Vec::<String>::new());
    let [(job, odd)] = &jobs[..] else { panic!("one job") };
    assert_eq!(odd, &Vec::new());
    assert_eq!(job.uuid.as_deref(), Some("4509a320-00a2-0079-00c9-00557cc48011"));
    assert_eq!((job.sequence, job.status), (Some(1_000), Some(JobStatus::Printed)));
    assert_eq!(job.finished_at(), instant("2021-09-28T09:37:35Z"));
    assert_eq!(job.personal.name.as_deref(), Some("Microsoft Word - ТСД"));
    assert_eq!(job.personal.user.as_deref(), Some("CORP\\OFFICE20708$"));
    assert_eq!(job.personal.submitted_at, instant("2021-09-28T09:37:15Z"));
    let print = job.print.as_ref().expect("a print job");
    assert_eq!((print.pages, print.copies, print.quality.as_deref()), (Some(3), Some(1), Some("normal")));
    assert_eq!(print.time_to_print, Some(Duration(19_000)));
}

#[test]
fn a_recorded_job_whose_times_count_from_the_start_of_the_printer_is_not_reported() {
    let path = "gmuth-ipp-client-kotlin/Xerox_B210_Printer/007-Get-Job-Attributes.res";
    let Some((jobs, defects)) = recorded_jobs(path) else { return };
    assert_eq!(jobs, Vec::new());
    let what = "P10 Get-Jobs, job 3679: the job is over without saying at which date and time, it is not reported";
    assert_eq!(defects, [what]);
    let Some((jobs, _)) = recorded_jobs("gmuth-ipp-client-kotlin/Xerox_B210_Printer/005-Get-Jobs.res") else { return };
    assert_eq!(jobs, Vec::new(), "it is still held there");
}

#[test]
fn a_recorded_job_of_cups_was_cancelled() {
    let path = "gmuth-ipp-client-kotlin/CUPS_HP_LaserJet_100_color_MFP_M175/Get-Job-Attributes.ipp";
    let Some((jobs, defects)) = recorded_jobs(path) else { return };
    assert_eq!(defects, Vec::<String>::new());
    let [(job, _)] = &jobs[..] else { panic!("one job") };
    assert_eq!((job.sequence, job.status), (Some(2_366), Some(JobStatus::Cancelled)));
    assert_eq!(job.uuid.as_deref(), Some("c562c176-906a-35db-4c5f-655be623a67e"));
    assert_eq!(job.finished_at(), instant("2021-07-25T15:10:31Z"));
    assert_eq!(job.print.as_ref().and_then(|print| print.pages), Some(0));
}

#[test]
fn a_recorded_name_of_a_wrong_length_does_not_cost_the_answer() {
    let path = "gmuth-ipp-client-kotlin/malformed/invalidHpNameWithLanguage.response";
    let Some((jobs, defects)) = recorded_jobs(path) else { return };
    // Cancelled, with times of 0 and its attributes among those of the operation.
    assert_eq!(jobs, Vec::new());
    let expected = [
        "Get-Jobs: job-name: the length of a text is that of its language, read on behind it",
        "Get-Jobs: job-originating-user-name: the length of a text is that of its language, read on behind it",
        "P10 Get-Jobs, job 993: the job is over without saying at which date and time, it is not reported",
    ];
    assert_eq!(defects, expected);
}

#[test]
fn a_recorded_answer_without_a_printer_is_no_printer() {
    let Some(bytes) = recording("python-ipp/get-printer-attributes-empty-attribute-group.bin") else { return };
    let answers = Answers::from([(PRINTER.to_owned(), ipp(&bytes))]);
    assert!(!(DRIVER.identify)(&answers));
    assert_eq!(whats(&read(&answers).1), ["Get-Printer-Attributes: names no printer"]);
}

#[test]
fn an_operation_has_the_key_under_which_it_is_answered() {
    assert_eq!(Operation::PrinterAttributes.key(), PRINTER);
    assert_eq!(Operation::CompletedJobs.key(), JOBS);
}
