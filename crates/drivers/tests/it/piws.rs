//! The PIWS driver: documents in, report and defects out.
//!
//! A resource without a file answers 404, identification and queue collection have defaults.

use crate::common::{self, READ_AT, body, cases, cases_folder, check_expected, instant, lines, recording, whats};
use drivers::{Accept, Answer, Answers, Ask, Driver, limits, mark, piws};
use report::{
    Accessory, Area, CartridgeTypeUsage, Category, Defect, Duration, Ink, JobKind, JobStatus, Length, Limit, Report,
    RowId, Severity, Share, Threshold, walk,
};
use serde_json::json;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

const DRIVER: &Driver = &piws::DRIVER;
const ROOT: &str = "/LFPWebServices/PI/";
const JOBS: &str = "JQ/JobQueue/5d1f6a4e-0000-4000-8000-000000000001/jobs/all";
const COLLECTION: &str =
    r#"{"JobQueueCollection":{"Queue":{"URI":"/LFPWebServices/PI/JQ/JobQueue/5d1f6a4e-0000-4000-8000-000000000001"}}}"#;
const IDENTIFICATION: &str = r#"{"Identification":{"Fields":{"PartNumber":"X1A23A","ModelName":"Testplotter 24",
    "SerialNumber":" tst0000001 ","FwReleaseName":"TP_01"}}}"#;

/// File of a test case to the path it answers.
const FILES: &[(&str, &str)] = &[
    ("Identification", "Identification.json"),
    ("DeviceStatus", "DeviceStatus.json"),
    ("InkSystem", "InkSystem.json"),
    ("PrintheadsStatus", "PrintheadsStatus.json"),
    ("PaperList", "Paper/List.json"),
    ("MediaSystem", "MediaSystem.json"),
    ("DeviceCounters", "DeviceCounters.json"),
    ("ActiveAlerts", "Alerts.json/ActiveAlerts"),
    ("Settings", "Settings.json"),
    ("PrinterSettings", "PrinterSettings.json"),
    ("JobQueueCollection", "JQ/JobQueueCollection"),
    ("JobQueueSnapshot", JOBS),
];

/// Documents by path below the service.
type Documents = BTreeMap<String, Vec<u8>>;

fn ok(bytes: &[u8]) -> Answer {
    body("application/json", bytes)
}

fn status(status: u16) -> Answer {
    Answer::Body { status, content_type: String::new(), body: Vec::new() }
}

/// Asks until nothing is left, as an agent does.
fn ask(serve: impl Fn(&str) -> Answer) -> Answers {
    common::ask(DRIVER, |request| {
        let path = request.key.strip_prefix(ROOT).expect("a path of the service");
        let needs_login = ["Settings.json", "PrinterSettings.json"].contains(&path);
        let ask = if needs_login { Ask::GetWithLogin(Accept::Json) } else { Ask::Get(Accept::Json) };
        assert_eq!(request.ask, ask, "{path}");
        serve(path)
    })
}

fn read(serve: impl Fn(&str) -> Answer) -> (Report, Vec<Defect>) {
    (DRIVER.read)(&ask(serve), READ_AT)
}

fn read_documents(documents: &Documents) -> (Report, Vec<Defect>) {
    read(|path| match (documents.get(path), path) {
        (Some(body), _) => ok(body),
        (None, "Identification.json") => ok(IDENTIFICATION.as_bytes()),
        (None, "JQ/JobQueueCollection") => ok(COLLECTION.as_bytes()),
        (None, _) => status(404),
    })
}

/// The colour of a cartridge of which the printer says it so.
pub(crate) fn colour_of(spelling: &str) -> Option<String> {
    let ink = json!({ "InkSystem": { "InkSlotGroup": { "InkSlotCollection": { "InkSlot": { "Color": spelling } } } } });
    let (report, _) = read_documents(&one("InkSystem.json", ink.to_string()));
    report.status.cartridges[0].colour.clone()
}

fn one(path: &str, body: impl Into<Vec<u8>>) -> Documents {
    Documents::from([(path.to_owned(), body.into())])
}

fn documents(case: &str) -> Documents {
    let mut documents = Documents::new();
    for (file, path) in FILES {
        for form in ["json", "xml"] {
            if let Ok(body) = std::fs::read(cases_folder("piws").join(case).join(format!("{file}.{form}"))) {
                documents.insert((*path).to_owned(), body);
            }
        }
    }
    assert!(!documents.is_empty(), "{case} has no documents");
    documents
}

pub(crate) fn case(name: &str) -> (Report, Vec<Defect>) {
    read_documents(&documents(name))
}

/// One finished job of one page, ready to be varied.
fn queue_of(job: &serde_json::Value) -> Vec<u8> {
    json!({ "JobQueueSnapshot": { "Jobs": { "Job": { "Job2DPrint": job } } } }).to_string().into_bytes()
}

fn plain_job() -> serde_json::Value {
    json!({
        "Settings": { "JobUUID": "j1" },
        "Status": { "JobStatus": "Printed", "CompletionStatus": "OK" },
        "Pages": { "Page": { "Settings": { "PageSize": {
            "Width": { "Value": "10", "Unit": "in" }, "Height": { "Value": "10", "Unit": "in" } } } } },
        "Accounting": { "CompletionTimestamp": "2026-10-06T10:00:00Z" },
    })
}

// The rows.

#[test]
fn every_case_with_expected_rows_gives_exactly_those() {
    for name in cases("piws") {
        let (report, defects) = case(&name);
        check_expected("piws", &name, &lines(&report, &defects));
    }
}

#[test]
fn filled_rows_name_their_resource() {
    let (report, _) = case("full");
    let from = |row: RowId| (report.sources[&row].from.as_str(), report.sources[&row].derived);
    assert_eq!(from(RowId::C3), ("piws Identification", false));
    assert_eq!(from(RowId::S16), ("piws InkSystem", false));
    assert_eq!(from(RowId::S17), ("piws InkSystem", true));
    assert_eq!(from(RowId::U14), ("piws DeviceCounters", false));
    assert_eq!(from(RowId::P20), ("piws JobQueue", true));
    assert_eq!(report.read_at, READ_AT);
}

#[test]
fn the_coverage_table_says_how_the_driver_fills_its_rows() {
    assert_eq!((mark(DRIVER, RowId::C3), mark(DRIVER, RowId::S18)), ("✓", ""));
    assert_eq!((mark(DRIVER, RowId::P20), mark(DRIVER, RowId::U14)), ("✓ derived", "✓ invented"));
    let table = drivers::coverage_table();
    assert!(table.contains("| piws | ews_xml | ledm | ews_html | ipp | snmp |"), "{table}");
    assert!(table.contains("| C3 | Serial number |  | text | kept | ✓ |"), "{table}");
    let derived = |row: RowId| mark(DRIVER, row) == "✓ derived";
    for name in cases("piws") {
        for (row, source) in case(&name).0.sources {
            assert!(!source.derived || derived(row), "{row} is derived, and the table does not say so");
        }
    }
}

#[test]
fn a_full_printer_fills_status_usage_and_alerts() {
    let (report, defects) = case("full");
    assert_eq!(defects, Vec::new());
    assert_eq!(report.configuration.serial_number.as_deref(), Some("TST7654321"));
    assert_eq!(report.configuration.uuid.as_deref(), Some("0b8f4597-adbc-4b14-8637-000000000001"));
    assert_eq!(report.status.engine.as_deref(), Some("Ready, Printing"));
    let cartridge = &report.status.cartridges[0];
    assert_eq!(cartridge.consumed, Some(Ink(179_500_000)));
    assert_eq!(cartridge.expires_at, instant("2027-11-01T00:00:00Z"));
    let heads = &report.status.printheads;
    assert_eq!(heads[0].colours, ["cyan", "black"]);
    assert_eq!((heads[0].health, heads[0].foreign_ink_seen), (Some(Share(640_000)), Some(true)));
    assert_eq!((heads[1].health, heads[1].foreign_ink_seen), (Some(Share(1_000_000)), Some(false)));
    assert_eq!(heads[0].expires_at, instant("2027-01-01T00:00:00Z"));
    assert_eq!(heads[0].status.as_deref(), Some("Ok, UsedWithNonHPInk, OutOfWarranty"));
    let roll = &report.status.media_sources[0];
    assert_eq!((roll.name.as_str(), roll.media.as_deref()), ("Roll 1", Some("Bond 80 g")));
    assert_eq!((roll.width, roll.height), (Some(Length(914_400)), Some(Length(25_400_000))));
    assert_eq!(report.status.media_sources[1].status.as_deref(), Some("empty"));
    let usage = &report.usage;
    assert_eq!((usage.ink, usage.jobs, usage.pages), (Some(Ink(1_200_000_000)), Some(1234), Some(5678)));
    assert_eq!(usage.media_area, Some(Area(8_765_432_100)));
    assert_eq!(usage.cartridge_types[0].ink_foreign, Some(Ink(20_000_000)));
    assert_eq!(usage.categories[0].category, Category::new("mono-line"));
    assert_eq!(usage.categories[0].media_length, Some(Length(6_600_000_000)));
    let severities: Vec<Severity> = report.alerts.iter().map(|alert| alert.severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Severe]);
    assert_eq!(report.alerts[0].code, "/IDS/CARTRIDGE_1/VERYLOW");
    assert_eq!((report.alerts[0].since, report.alerts[1].since), (instant("2026-10-30T08:15:00Z"), None));
    let print = report.jobs[0].0.print.as_ref().expect("a print job");
    assert_eq!(print.media.as_deref(), Some("Film & foil"));
}

#[test]
fn what_stands_behind_a_login_and_the_cutters_are_settings() {
    let (report, _) = case("full");
    let threshold = |limit, category| Threshold { limit, category: Category::new(category) };
    let thresholds = [
        threshold(Limit::PixelShare(Share(125_000)), "colour-line"),
        threshold(Limit::PixelShare(Share(600_000)), "low-density"),
        threshold(Limit::InkPerArea(Ink(500_000)), "A"),
    ];
    assert_eq!(report.settings.thresholds, thresholds);
    let customization: Vec<(&str, &str)> =
        report.settings.customization.iter().map(|(media, category)| (media.as_str(), category.id())).collect();
    assert_eq!(customization, [("9999", "premium"), ("Bond 80 g", "blueprint")]);
    let cutter = |name: &str| Accessory { name: name.to_owned(), installed: true, status: Some("enabled".to_owned()) };
    assert_eq!(report.settings.accessories, [cutter("Cutter"), cutter("cutter")]);
}

#[test]
fn without_a_login_the_settings_are_absent_and_no_defect() {
    let full = documents("full");
    let (report, defects) = read(|path| match path {
        "Settings.json" | "PrinterSettings.json" => Answer::NotAsked("no login is configured".to_owned()),
        _ => full.get(path).map_or_else(|| status(404), |document| ok(document)),
    });
    assert_eq!(defects, Vec::new());
    assert_eq!((report.settings.thresholds.len(), report.settings.customization.len()), (0, 0));
    assert_eq!(report.usage.jobs, Some(1234));
}

#[test]
fn odd_settings_are_named() {
    let settings = json!({ "Settings": { "JobCategoryThresholds": { "Threshold": [
        { "NonWhitePixels": 10 },
        { "NonWhitePixels": 10, "InkPerSquareMeter": { "Value": 1, "Unit": "ml" }, "Category": "B" },
        { "NonWhitePixels": 101, "Category": "C" },
        { "InkPerSquareMeter": 3, "Category": "D" },
    ] } } });
    let (report, defects) = read_documents(&one("Settings.json", settings.to_string()));
    assert_eq!(report.settings.thresholds, Vec::new());
    let expected = [
        "S24 Settings: threshold 1 has not one category and one limit",
        "S24 Settings: threshold 2 has not one category and one limit",
        "S24 Settings: NonWhitePixels is more than the whole: 101",
        "S24 Settings: threshold 3 has not one category and one limit",
        "S24 Settings: InkPerSquareMeter 3 without a unit, kept and never billed",
        "S24 Settings: threshold 4 has not one category and one limit",
    ];
    assert_eq!(whats(&defects), expected);
    let settings = json!({ "PrinterSettings": { "PrintCategoryCustomization": { "MediaType": [
        { "MediaTypeID": "1", "Category": "Premium" },
        { "MediaTypeID": "1", "Category": "Blueprint" },
        { "Category": "Blueprint" },
    ] } } });
    let (report, defects) = read_documents(&one("PrinterSettings.json", settings.to_string()));
    assert_eq!(report.settings.customization.get("1"), Some(&Category::new("premium")));
    let expected = [
        "S25 PrinterSettings: entry 2 names a media type again, with another category",
        "S25 PrinterSettings: entry 3 has no media type or no category",
    ];
    assert_eq!(whats(&defects), expected);
    let (_, defects) = read_documents(&one("Settings.json", r#"{"Settings":{"Language":"en"}}"#));
    assert_eq!(whats(&defects), ["Settings.json: has no JobCategoryThresholds"]);
}

#[test]
fn a_cutter_that_is_only_switched_on_is_there() {
    for (enabled, count) in [(json!(true), 1), (json!(false), 0), (json!(null), 0)] {
        let media = json!({ "MediaSystem": { "DrawerCollection": null, "Settings": { "CutterEnabled": enabled } } });
        let (report, defects) = read_documents(&one("MediaSystem.json", media.to_string()));
        assert_eq!((report.settings.accessories.len(), defects), (count, Vec::new()), "{media}");
    }
}

// One document, two forms.

#[test]
fn xml_written_by_hand_gives_the_rows_of_the_json() {
    let (json, json_defects) = case("two-jobs");
    let (xml, xml_defects) = case("two-jobs-xml");
    assert_eq!(lines(&xml, &xml_defects), lines(&json, &json_defects));
}

/// The mechanical mapping, the other way round.
fn to_xml(name: &str, value: &serde_json::Value) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match value {
        serde_json::Value::Array(items) => items.iter().map(|item| to_xml(name, item)).collect(),
        serde_json::Value::Object(members) => {
            let inner: String = members.iter().map(|(name, value)| to_xml(name, value)).collect();
            format!("<{name}>{inner}</{name}>")
        }
        serde_json::Value::Null => format!("<{name}/>"),
        serde_json::Value::String(text) => format!("<{name}>{}</{name}>", escape(text)),
        other => format!("<{name}>{other}</{name}>"),
    }
}

#[test]
fn every_case_reads_the_same_as_xml() {
    for name in cases("piws") {
        let json = documents(&name);
        let mut xml = json.clone();
        for body in xml.values_mut().filter(|body| body.starts_with(b"{")) {
            let document: serde_json::Value = serde_json::from_slice(body).expect("a case is JSON");
            let members = document.as_object().expect("a case is an object");
            let text: String = members.iter().map(|(name, value)| to_xml(name, value)).collect();
            *body = text.into_bytes();
        }
        let ((json, json_defects), (xml, xml_defects)) = (read_documents(&json), read_documents(&xml));
        assert_eq!(lines(&xml, &xml_defects), lines(&json, &json_defects), "{name}");
    }
}

#[test]
fn a_document_without_its_root_is_read_from_its_top() {
    let ink = json!({ "InkSlotGroupCollection": { "InkSlotGroup": { "Color": "cyan",
        "InkSlotGroupInfo": { "InkUsed": { "Value": "1.5", "Unit": "cc" } } } } });
    let (report, defects) = read_documents(&one("InkSystem.json", ink.to_string()));
    assert_eq!((report.usage.ink, defects), (Some(Ink(1_500_000)), Vec::new()));
}

#[test]
fn older_firmware_names_its_identification_otherwise() {
    let old = json!({ "Identification": { "ProductName": "Old plotter", "ProductNumber": "Q1", "SerialNumber": "ab1",
        "FirmwareVersion": "6.1" } });
    let (report, _) = read_documents(&one("Identification.json", old.to_string()));
    assert_eq!(report.configuration.product_name.as_deref(), Some("Old plotter"));
    assert_eq!(report.configuration.serial_number.as_deref(), Some("AB1"));
    assert_eq!(report.configuration.firmware_version.as_deref(), Some("6.1"));
    let mixed = json!({ "Identification": { "Fields": { "ModelName": "Plotter", "UUID": "urn:uuid:0B8F-1" },
        "SerialNumber": "ab2" } });
    let (report, _) = read_documents(&one("Identification.json", mixed.to_string()));
    assert_eq!(report.configuration.product_name.as_deref(), Some("Plotter"));
    assert_eq!(report.configuration.serial_number.as_deref(), Some("AB2"));
    assert_eq!(report.configuration.uuid.as_deref(), Some("0b8f-1"));
}

#[test]
fn lists_without_their_collection_are_read_alike() {
    let ink = json!({ "InkSystem": { "InkSlotGroup": { "Color": "cyan",
        "InkSlotGroupInfo": { "InkUsed": { "Value": 2, "Unit": "cc" } } } } });
    let alerts = json!({ "ActiveAlerts": { "Alert": { "FullName": "/A/B", "Name": "B", "Severity": "Warning" } } });
    let queues = COLLECTION.replace("\"Queue\"", "\"JobQueue\"");
    let documents = Documents::from([
        ("InkSystem.json".to_owned(), ink.to_string().into_bytes()),
        ("Alerts.json/ActiveAlerts".to_owned(), alerts.to_string().into_bytes()),
        ("JQ/JobQueueCollection".to_owned(), queues.into_bytes()),
        (JOBS.to_owned(), queue_of(&plain_job())),
    ]);
    let (report, defects) = read_documents(&documents);
    assert_eq!((report.usage.ink, report.alerts.len()), (Some(Ink(2_000_000)), 1));
    assert_eq!((report.jobs.len(), defects), (1, Vec::new()));
}

// Lists, amounts, jobs.

#[test]
fn one_slot_one_head_and_one_job_read_like_many() {
    let (report, defects) = case("one-or-many");
    assert_eq!(defects, Vec::new());
    let status: Vec<Option<&str>> = report.status.cartridges.iter().map(|item| item.status.as_deref()).collect();
    assert_eq!(status, [Some("Ok, LowLevel, Expired"), Some("Ok, LowLevel")]);
    assert_eq!(report.status.cartridges[1].consumed, Some(Ink(774_750_000)));
    let cyan = CartridgeTypeUsage {
        colour: "cyan".to_owned(),
        product_number: None,
        ink: Some(Ink(150_500_000)),
        ink_foreign: Some(Ink(10_000_000)),
        ink_genuine: Some(Ink(140_500_000)),
        insertions: Some(5),
    };
    assert_eq!(report.usage.cartridge_types, [cyan]);
    assert_eq!(report.status.printheads[0].health, Some(Share(870_000)));
    assert_eq!(report.status.printheads[0].foreign_ink_seen, None);
    let names: Vec<&str> = report.status.media_sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["Roll", "Roll (2)", "ROLL3"]);
    assert_eq!(report.status.media_sources[0].height, Some(Length(45_872_400)));
    assert_eq!(report.status.media_sources[0].media.as_deref(), Some("2001"));
    assert_eq!(report.jobs.len(), 1);
}

#[test]
fn one_value_above_one_makes_all_coverage_percent() {
    let (report, defects) = case("percent");
    assert_eq!(whats(&defects), ["P25 JQ/JobQueue jobs: coverage has no unit; read as percent"]);
    let print = report.jobs[0].0.print.as_ref().expect("a print job");
    // 64 516 mm² at 45.5 % and 129 032 mm² at 0.75 %.
    assert_eq!((print.non_white, print.colour), (Some(Share(156_667)), Some(Share(20_000))));
    let categories: Vec<&str> = print.categories.iter().map(|part| part.category.id()).collect();
    assert_eq!(categories, ["low-density", "colour-line"]);
    assert!(print.categories.iter().all(|part| part.derived));
}

#[test]
fn a_cancelled_job_holds_what_was_printed_until_then() {
    let (report, _) = case("cancelled");
    let statuses: Vec<Option<JobStatus>> = report.jobs.iter().map(|(job, _)| job.status).collect();
    assert_eq!(statuses, [Some(JobStatus::Cancelled), Some(JobStatus::Failed)], "unfinished jobs are not reported");
    let print = report.jobs[0].0.print.as_ref().expect("a print job");
    assert_eq!((print.pages, print.copies), (Some(1), Some(3)));
    assert_eq!((print.printed_area, print.media_area), (Some(Area(557_418)), Some(Area(600_000))));
    assert_eq!(print.categories.len(), 1);
    assert_eq!(print.categories[0].ink, Some(Ink(1_500_000)));
    let (failed, defects) = &report.jobs[1];
    let print = failed.print.as_ref().expect("a print job");
    assert_eq!((print.pages, print.printed_area), (None, None), "not known is not zero");
    assert_eq!(defects[0].row, Some(RowId::P15));
}

#[test]
fn a_reprint_is_a_job_of_its_own() {
    let (report, _) = case("reprint");
    let keys: Vec<_> = report.jobs.iter().map(|(job, _)| (job.uuid.clone(), job.finished_at())).collect();
    let uuid = Some("r1".to_owned());
    assert_eq!(keys, [(uuid.clone(), instant("2026-10-06T10:00:00Z")), (uuid, instant("2026-10-06T12:00:00Z"))]);
}

#[test]
fn an_amount_of_media_without_a_unit_is_never_a_value() {
    let (report, _) = case("no-unit");
    let (job, defects) = &report.jobs[0];
    assert_eq!(job.print.as_ref().and_then(|print| print.media_area), None);
    let expected = [
        "P19 page 1: SquareAmount 0.543 without a unit, kept and never billed",
        "P24 page 1: LinearAmount 1.2 without a unit, kept and never billed",
        "P19 SquareAmount 0.543 without a unit, kept and never billed",
        "P24 LinearAmount 1.2 without a unit, kept and never billed",
    ];
    assert_eq!(whats(defects), expected);
    let (job, defects) = &report.jobs[1];
    let media_area = job.print.as_ref().and_then(|print| print.media_area);
    assert_eq!((media_area, defects.len()), (Some(Area(543_000)), 0), "plain zeros are absent, the job has a unit");
}

#[test]
fn scan_and_copy_jobs_carry_their_rows_and_an_unknown_kind_is_a_defect() {
    let (report, defects) = case("scan-copy");
    let unknown = "JQ/JobQueue jobs, job 3: 'JobFax' is no known type of job".to_owned();
    assert!(whats(&defects).contains(&unknown), "{defects:?}");
    let (scan, copy) = (&report.jobs[0].0, &report.jobs[1].0);
    assert_eq!((scan.kind, scan.status, scan.print.is_none()), (JobKind::Scan, Some(JobStatus::Scanned), true));
    assert_eq!(scan.scan.as_ref().and_then(|scan| scan.area), Some(Area(500_000)));
    assert_eq!((scan.sequence, scan.finished_at()), (Some(7), instant("2026-10-06T10:00:00Z")));
    assert_eq!(scan.personal.application.as_deref(), Some("app-1"));
    assert_eq!((copy.kind, copy.status), (JobKind::Copy, Some(JobStatus::Printed)));
    assert_eq!(copy.scan.as_ref().and_then(|scan| scan.area), Some(Area(557_000)));
    let print = copy.print.as_ref().expect("the printing half");
    assert_eq!((print.printed_area, print.source.as_deref()), (Some(Area(557_418)), Some("panel")));
    assert_eq!(copy.finished_at(), instant("2026-10-06T10:30:00Z"));
}

#[test]
fn odd_numbers_are_named_and_the_rest_is_read() {
    let (report, defects) = case("odd-numbers");
    let expected = [
        "U2 InkSystem, cyan: InkUsed is not a number: 'lots'",
        "U4 InkSystem, cyan: HPInkUsed cannot be read: 7 firkin",
        "U5 InkSystem, cyan: NumberOfInsertions is negative: -9",
        "S17 InkSystem, cyan: the level of 301000000 nl is above the capacity of 300000000 nl",
        "U16 InkSystem, magenta: InkUsed is not a number: '1e30'",
        "U16 InkSystem: InkUsed is known for 1 of 2 parts, no total is given",
        "U14 DeviceCounters: NumberOfJobs is not a whole number: 99999999999999999999",
        "U15 DeviceCounters: NumberOfPages is not a whole number: 12.5",
        "U17 DeviceCounters: MediaUsed is not a number: '12,345'",
        "U8 DeviceCounters: TotalArea is negative: -4 m2",
        "U7 DeviceCounters: SquareAmount 3.5 without a unit, kept and never billed",
        "U6 DeviceCounters: a media type has no name",
        "P10 JQ/JobQueue jobs, job 3: CompletionTimestamp is not a timestamp: 'last tuesday'",
        "P10 JQ/JobQueue jobs, job 3: the job is over without a completion time, it is not reported",
    ];
    assert_eq!(whats(&defects), expected);
    assert_eq!(report.status.cartridges[0].capacity, Some(Ink(300_000_000)));
    assert_eq!((report.usage.ink, report.usage.scanned), (None, None));
    assert_eq!(report.usage.scanned_scans, Some(Area(4_000_000)));
    assert_eq!(report.usage.media.len(), 1);
    let (job, defects) = &report.jobs[0];
    let expected = [
        "P20 page 2: the page size cannot be read, the page is not in the area",
        "P20 page 3: Width is not a number: 'NaN'",
        "P20 page 3: the page size cannot be read, the page is not in the area",
        "P20 page 4: the page size cannot be read, the page is not in the area",
        "P10 PrintingTimestamp is not a timestamp: 'soon'",
    ];
    assert_eq!(whats(defects), expected);
    assert_eq!(job.print.as_ref().and_then(|print| print.printed_area), Some(Area(64_516)));
    let (job, defects) = &report.jobs[1];
    assert_eq!(whats(defects), ["P17 printing began at 2026-10-06T10:06:00Z, after the job was completed"]);
    assert_eq!(job.finished_at(), instant("2026-10-06T10:05:00Z"), "a job without pages still is a job");
    assert_eq!(report.jobs.len(), 2);
}

#[test]
fn what_was_printed_is_asked_of_progress_first() {
    let cases = [
        ("OK", json!(null), json!(null), 1),
        ("OK", json!(null), json!(4), 4),
        ("OK", json!(0), json!(4), 4),
        ("OK", json!("3"), json!(4), 3),
        ("Cancelled", json!(0), json!(4), 0),
        ("Canceled", json!(2), json!(4), 2),
    ];
    for (end, progress, copies, printed) in cases {
        let mut job = plain_job();
        job["Status"]["CompletionStatus"] = json!(end);
        job["Pages"]["Page"]["Progress"]["NumberOfPrintedCopies"] = progress.clone();
        job["Pages"]["Page"]["Settings"]["Copies"] = copies.clone();
        let (report, _) = read_documents(&one(JOBS, queue_of(&job)));
        let print = report.jobs[0].0.print.as_ref().expect("a print job");
        assert_eq!(print.pages, Some(printed), "{end} {progress} {copies}");
        assert_eq!(print.printed_area, Some(Area(64_516 * printed)), "{end} {progress} {copies}");
    }
}

#[test]
fn an_active_or_unfinished_job_is_not_reported() {
    for state in ["Printing", "WaitingToPrint", "Paused", "Held", "Receiving", "Processing"] {
        let mut job = plain_job();
        job["Status"]["JobStatus"] = json!(state);
        let (report, defects) = read_documents(&one(JOBS, queue_of(&job)));
        assert_eq!((report.jobs.len(), defects.len()), (0, 0), "{state}");
    }
    let mut job = plain_job();
    job["Status"]["JobStatus"] = json!("Deleted");
    job["Accounting"]["CompletionTimestamp"] = json!("1970-01-01T00:00:00Z");
    let (report, defects) = read_documents(&one(JOBS, queue_of(&job)));
    assert_eq!((report.jobs.len(), defects.len()), (0, 0));
}

#[test]
fn ink_of_the_job_stands_where_its_pages_give_none() {
    let mut job = plain_job();
    job["Accounting"]["InkCollectionConsumption"]["InkConsumption"] =
        json!({ "InkName": "cyan", "Amount": { "Value": "0.5", "Unit": "cc" } });
    job["Pages"]["Page"]["Accounting"]["PrintCategory"] = json!("Blueprint");
    let (report, _) = read_documents(&one(JOBS, queue_of(&job)));
    let print = report.jobs[0].0.print.as_ref().expect("a print job");
    assert_eq!((print.ink.len(), print.ink[0].ink), (1, Ink(500_000)));
    assert_eq!((print.categories[0].category.id(), print.categories[0].ink), ("blueprint", None));
    assert!(!print.categories[0].derived);
}

// Asking.

#[test]
fn anything_that_is_no_such_printer_gets_one_request() {
    let failures = [
        status(404),
        status(401),
        Answer::Failed("timeout after 10 s".to_owned()),
        Answer::NotAsked("the file allows only ipp".to_owned()),
        Answer::Elsewhere { status: 302, location: "/wakeup.htm".to_owned() },
        ok(b"<!DOCTYPE html><html><body>router</body></html>"),
        ok(b"{}"),
        ok(b"{\"Identification\":null}"),
    ];
    for failure in failures {
        let answers = ask(|_| failure.clone());
        assert_eq!(answers.len(), 1, "{failure:?}");
        assert!(!(DRIVER.identify)(&answers));
        let (report, defects) = (DRIVER.read)(&answers, READ_AT);
        assert!(walk(&report).is_empty());
        assert_eq!(defects.len(), 1);
        assert!(defects[0].what.starts_with("Identification.json: "), "{defects:?}");
    }
}

#[test]
fn a_queue_that_a_reboot_renamed_is_found_again() {
    let jobs = documents("reprint").remove(JOBS).expect("the jobs");
    let gone = COLLECTION.replace("5d1f6a4e", "00000000");
    let (report, defects) = read(|path| match path {
        "Identification.json" => ok(IDENTIFICATION.as_bytes()),
        "JQ/JobQueueCollection" => ok(gone.as_bytes()),
        "JQ/JobQueueCollection?retry=1" => ok(COLLECTION.as_bytes()),
        JOBS => ok(&jobs),
        _ => status(404),
    });
    assert_eq!((report.jobs.len(), defects), (2, Vec::new()));
}

#[test]
fn a_printer_that_renames_its_queue_for_ever_is_left_alone() {
    let count = Cell::new(0);
    let answers = ask(|path| {
        if path == "Identification.json" {
            return ok(IDENTIFICATION.as_bytes());
        }
        if path.starts_with("JQ/JobQueueCollection") {
            count.set(count.get() + 1);
            return ok(COLLECTION.replace("5d1f6a4e", &format!("{:08}", count.get())).as_bytes());
        }
        status(404)
    });
    assert_eq!(count.get(), 2, "asked once, and once more");
    let (_, defects) = (DRIVER.read)(&answers, READ_AT);
    assert_eq!(whats(&defects), ["JQ/JobQueue jobs: the queue is gone, its jobs are not read"]);
}

#[test]
fn a_queue_elsewhere_is_named_and_not_asked() {
    let elsewhere = [
        "https://elsewhere.example/LFPWebServices/PI/JQ/JobQueue/a",
        "/LFPWebServices/PI/JQ/JobQueue/../../Settings",
        "/DevMgmt/ProductConfigDyn.xml",
        "",
    ];
    for uri in elsewhere {
        let collection = json!({ "JobQueueCollection": { "Queue": { "URI": uri } } }).to_string();
        let documents = one("JQ/JobQueueCollection", collection);
        let (_, defects) = read_documents(&documents);
        assert_eq!(whats(&defects), [format!("JQ/JobQueueCollection: a queue at '{uri}' is not asked")]);
    }
}

#[test]
fn a_printer_with_endless_queues_is_asked_for_a_few() {
    let queues: Vec<_> = (0..5_000).map(|id| json!({ "URI": format!("{ROOT}JQ/JobQueue/{id}") })).collect();
    let collection = json!({ "JobQueueCollection": { "Queue": queues } }).to_string();
    let (_, defects) = read_documents(&one("JQ/JobQueueCollection", collection));
    assert!(defects[0].what.contains("5000 entries"), "{defects:?}");
}

/// A finished job that ended so many seconds after midnight; `more` is something else that it says.
fn numbered(number: usize, more: &str) -> String {
    let time = format!("{:02}:{:02}:{:02}", number / 3_600, number / 60 % 60, number % 60);
    format!(
        r#"{{"Job2DPrint":{{"Settings":{{"JobUUID":"j{number}"}},
        "Status":{{"JobStatus":"Printed","CompletionStatus":"OK"}},
        "Accounting":{{"CompletionTimestamp":"2026-10-06T{time}Z"}},"More":{more}}}}}"#
    )
}

/// What stands before the jobs of a queue that says how many it has.
fn before_jobs(number: usize) -> String {
    format!(r#"{{"JobQueueSnapshot":{{"Status":{{"NumberOfJobs":{number}}},"Jobs":{{"Job":["#)
}

fn queue_of_all(jobs: &[String]) -> Vec<u8> {
    format!("{}{}]}}}}}}", before_jobs(jobs.len()), jobs.join(",")).into_bytes()
}

fn uuids(report: &Report) -> Vec<String> {
    report.jobs.iter().map(|(job, _)| job.uuid.clone().expect("named")).collect()
}

#[test]
fn a_queue_of_more_elements_than_are_read_at_once_is_read_in_full() {
    let more = format!("[{}0]", "0,".repeat(400));
    let jobs: Vec<String> = (0..1_000).map(|number| numbered(number, &more)).collect();
    let (report, defects) = read_documents(&one(JOBS, queue_of_all(&jobs)));
    assert_eq!(whats(&defects), Vec::<String>::new());
    assert_eq!(uuids(&report), (0..1_000).map(|number| format!("j{number}")).collect::<Vec<_>>());
}

#[test]
fn of_more_jobs_than_are_read_the_newest_are_there_whichever_stand_first() {
    let count = limits::JOBS_MAX + 500;
    let oldest_first: Vec<String> = (0..count).map(|number| numbered(number, "1")).collect();
    let newest_first: Vec<String> = oldest_first.iter().rev().cloned().collect();
    for jobs in [oldest_first, newest_first] {
        let (report, defects) = read_documents(&one(JOBS, queue_of_all(&jobs)));
        let said = "P27 JQ/JobQueue jobs: the 500 oldest jobs were not read: more than 2000 jobs";
        assert_eq!(whats(&defects), [said]);
        assert!(defects.iter().all(drivers::misses_jobs));
        let found: BTreeSet<String> = uuids(&report).into_iter().collect();
        assert_eq!(found, (500..count).map(|number| format!("j{number}")).collect());
    }
}

#[test]
fn of_a_queue_that_is_too_long_the_jobs_are_read_that_came_and_the_others_are_counted() {
    const COUNT: usize = 100;
    let more = format!("\"{}\"", "x".repeat(100_000));
    let oldest_first: Vec<String> = (0..COUNT).map(|number| numbered(number, &more)).collect();
    let newest_first: Vec<String> = oldest_first.iter().rev().cloned().collect();
    for (jobs, order) in [(oldest_first, ", and the newest stand at its end"), (newest_first, "")] {
        let mut body = queue_of_all(&jobs);
        body.truncate(limits::BODY_MAX + 1);
        let mut end = before_jobs(COUNT).len();
        let came = jobs.iter().take_while(|job| {
            end += job.len() + 1;
            end <= limits::BODY_MAX
        });
        let came = came.count();
        let (report, defects) = read_documents(&one(JOBS, body));
        assert_eq!(report.jobs.len(), came);
        let which = format!("the last {} of {COUNT} jobs", COUNT - came);
        let said = format!("{which} were not read: the list is longer than 8388608 bytes{order}");
        assert_eq!(whats(&defects), [format!("P27 JQ/JobQueue jobs: {said}")]);
    }
}

#[test]
fn of_a_queue_that_is_too_long_the_newest_jobs_are_read_at_whichever_end_they_stand() {
    const COUNT: usize = 200;
    let more = format!("\"{}\"", "x".repeat(50_000));
    let oldest_first: Vec<String> = (0..COUNT).map(|number| numbered(number, &more)).collect();
    let newest_first: Vec<String> = oldest_first.iter().rev().cloned().collect();
    let half = limits::BODY_MAX / 2;
    for jobs in [oldest_first, newest_first] {
        let body = queue_of_all(&jobs);
        let body = [&body[..half], drivers::GAP, &body[body.len() - half..]].concat();
        let (report, defects) = read_documents(&one(JOBS, body));
        let found = uuids(&report);
        assert!((160..168).contains(&found.len()), "{} jobs", found.len());
        let is_there = |number: usize| found.contains(&format!("j{number}"));
        assert!((0..80).all(is_there) && (COUNT - 80..COUNT).all(is_there));
        let which = format!("{} of {COUNT} jobs in the middle of the list", COUNT - found.len());
        let said = format!("{which} were not read: the list is longer than 8388608 bytes");
        assert_eq!(whats(&defects), [format!("P27 JQ/JobQueue jobs: {said}")]);
    }
    assert!(drivers::reads_both_ends(&format!("{ROOT}{JOBS}")));
    assert!(!drivers::reads_both_ends(&format!("{ROOT}InkSystem.json")));
}

// What comes from outside is never trusted.

#[test]
fn a_hostile_document_is_named_and_the_rest_is_read() {
    let deep_json = format!("{}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let deep_xml = "<a>".repeat(10_000) + &"</a>".repeat(10_000);
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;\">]><l>&b;</l>";
    let many = format!("{{\"a\":[{}1]}}", "1,".repeat(limits::NODES_MAX));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"asleep".to_vec(), "neither JSON nor XML"),
        (b"".to_vec(), "empty"),
        (deep_json.into_bytes(), "nested deeper than 64"),
        (deep_xml.into_bytes(), "nested deeper than 64"),
        (laughs.as_bytes().to_vec(), "has a document type, which is not accepted"),
        (b"<html><body>Waking up</body></html>".to_vec(), "a web page instead of a document"),
        (b"{\"InkSystem\":{\"InkSlotGroup".to_vec(), "not JSON: "),
        (b"<InkSystem><InkSlotGroupCollection>".to_vec(), "not XML: "),
        (b"{\"InkSystem\":\"\xff\xfe\"}".to_vec(), "not UTF-8"),
        (b"{\"InkSystem\":1e999}".to_vec(), "not JSON: "),
        (many.into_bytes(), "more than 200000 elements"),
        (vec![b' '; limits::BODY_MAX + 1], "longer than 8388608 bytes"),
        (b"[1,2]".to_vec(), "is no object"),
        (b"{\"Error\":{\"Code\":7}}".to_vec(), "has no InkSlotGroupCollection"),
    ];
    for (body, reason) in cases {
        let mut documents = documents("full");
        documents.insert("InkSystem.json".to_owned(), body);
        let (report, defects) = read_documents(&documents);
        assert_eq!(defects.len(), 1, "{reason}: {defects:?}");
        let what = &defects[0].what;
        assert!(what.starts_with(&format!("InkSystem.json: {reason}")), "{what}");
        assert_eq!((report.status.cartridges.len(), report.usage.ink), (0, None));
        assert_eq!((report.usage.jobs, report.jobs.len()), (Some(1234), 1));
    }
}

#[test]
fn what_a_printer_does_not_have_is_absent_and_what_fails_is_a_defect() {
    let cases = [
        (status(404), Vec::new()),
        (Answer::NotAsked("not in the file".to_owned()), Vec::new()),
        (status(503), vec!["DeviceCounters.json: answered with status 503"]),
        (status(401), vec!["DeviceCounters.json: asks for a login (status 401)"]),
        (
            Answer::Elsewhere { status: 302, location: "/index.htm".to_owned() },
            vec!["DeviceCounters.json: sends to '/index.htm'"],
        ),
        (status(302), vec!["DeviceCounters.json: answered with status 302"]),
        (Answer::Failed("timeout\nafter 10 s".to_owned()), vec!["DeviceCounters.json: timeout after 10 s"]),
    ];
    for (answer, expected) in cases {
        let (report, defects) = read(|path| match path {
            "Identification.json" => ok(IDENTIFICATION.as_bytes()),
            "DeviceCounters.json" => answer.clone(),
            _ => status(404),
        });
        assert_eq!(whats(&defects), expected);
        assert_eq!((report.usage.jobs, report.configuration.serial_number.as_deref()), (None, Some("TST0000001")));
    }
}

#[test]
fn a_list_without_end_is_cut_and_said() {
    let papers: Vec<_> = (0..limits::LIST_MAX + 5).map(|id| json!({ "Id": id })).collect();
    let list = json!({ "PaperList": { "List": { "Paper": papers } } }).to_string();
    let (report, defects) = read_documents(&one("Paper/List.json", list));
    assert_eq!(report.settings.media_types.len(), limits::LIST_MAX);
    assert_eq!(whats(&defects), ["Paper/List: Paper has 2005 entries, only the first 2000 are read"]);
}

#[test]
fn lists_of_one_repeated_item_end_at_the_limit_over_all_their_parts() {
    let most = limits::LIST_MAX;
    let drawer = json!({ "InputDeviceCollection": { "Roll": vec![json!({ "IdForUI": "R" }); most] } });
    let media = json!({ "MediaSystem": { "DrawerCollection": { "Drawer": vec![drawer; 20] } } });
    let (report, defects) = read_documents(&one("MediaSystem.json", media.to_string()));
    let names: BTreeSet<&str> = report.status.media_sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!((report.status.media_sources.len(), names.len()), (most, most));
    let what = "MediaSystem: there are 40000 input devices, only the first 2000 are read";
    assert_eq!(whats(&defects), [what]);
    let slots = |group: usize| -> Vec<serde_json::Value> {
        (0..most).map(|slot| json!({ "Color": format!("c{group}x{slot}") })).collect()
    };
    let group = |group: usize| json!({ "InkSlotCollection": { "InkSlot": slots(group) } });
    let groups: Vec<serde_json::Value> = (0..40).map(group).collect();
    let ink = json!({ "InkSystem": { "InkSlotGroup": groups } });
    let (report, defects) = read_documents(&one("InkSystem.json", ink.to_string()));
    assert_eq!((report.status.cartridges.len(), report.usage.cartridge_types.len()), (most, 0));
    let what = "U2 InkSystem: 78000 slots more than 2000 are not read, no ink by colour is given";
    assert_eq!(whats(&defects), [what]);
}

#[test]
fn ink_of_a_thousand_names_is_added_up_by_name() {
    let used = |page: usize| -> Vec<serde_json::Value> {
        let name = |ink: usize| format!("n{}", ink % 1_000 + page % 2);
        let of = |ink: usize| json!({ "InkName": name(ink), "Amount": { "Value": 1, "Unit": "cc" } });
        (0..limits::LIST_MAX).map(of).collect()
    };
    let mut job = plain_job();
    let pages: Vec<serde_json::Value> = (0..10)
        .map(|page| json!({ "Accounting": { "InkCollectionConsumption": { "InkConsumption": used(page) } } }))
        .collect();
    job["Pages"]["Page"] = json!(pages);
    let (report, _) = read_documents(&one(JOBS, queue_of(&job)));
    let print = report.jobs[0].0.print.as_ref().expect("a print job");
    assert_eq!(print.ink.len(), 1_001);
    let all: i64 = print.ink.iter().map(|used| used.ink.0).sum();
    assert_eq!(all, 20_000 * 1_000_000, "a cubic centimetre is a million nanolitres");
}

#[test]
fn identities_of_zeros_are_none() {
    let zeros = "00000000-0000-0000-0000-000000000000";
    let mut job = plain_job();
    job["Settings"]["JobUUID"] = json!(zeros);
    let mut documents = one(JOBS, queue_of(&job));
    let identification = json!({ "Identification": { "Fields": { "ModelName": "Testplotter", "UUID": zeros } } });
    documents.insert("Identification.json".to_owned(), identification.to_string().into_bytes());
    let (report, _) = read_documents(&documents);
    assert_eq!((report.configuration.uuid, report.configuration.serial_number), (None, None));
    assert_eq!(report.jobs[0].0.uuid, None);
}

#[test]
fn an_empty_queue_that_was_answered_speaks_for_the_jobs() {
    let (report, _) = read_documents(&one(JOBS, br#"{"JobQueueSnapshot":{"Jobs":null}}"#.to_vec()));
    assert_eq!(report.jobs.len(), 0);
    assert_eq!(report.sources.get(&RowId::P27).map(|source| source.from.as_str()), Some("piws JobQueue"));
    let (report, _) = read_documents(&Documents::new());
    assert!(!report.sources.contains_key(&RowId::P27), "no queue was answered");
}

#[test]
fn a_personal_text_never_stands_in_a_defect() {
    let mut job = plain_job();
    job["Settings"]["UserName"] = json!("anna secret");
    job["Settings"]["JobName"] = json!(["anna secret"]);
    job["Accounting"]["SubmissionTimestamp"] = json!("anna secret");
    job["Accounting"]["PrintingTimestamp"] = json!("soon");
    let (report, defects) = read_documents(&one(JOBS, queue_of(&job)));
    let (job, job_defects) = &report.jobs[0];
    assert_eq!(job.personal.user.as_deref(), Some("anna secret"));
    let all: Vec<String> = whats(&defects).into_iter().chain(whats(job_defects)).collect();
    assert!(all.iter().any(|what| what == "P9 SubmissionTimestamp is not a timestamp"), "{all:?}");
    assert!(!all.iter().any(|what| what.contains("secret")), "{all:?}");
}

// Recordings of a real printer, which are not part of the project.

fn recorded_z9() -> Option<Documents> {
    let recorded = recording("freeglaz/designjet-z9-24/device_status_reference.json")?;
    let recorded: serde_json::Value = serde_json::from_slice(&recorded).expect("recorded JSON");
    let identification = json!({ "Identification": { "Fields": recorded["full_status"]["identification"] } });
    Some(Documents::from([
        ("Identification.json".to_owned(), identification.to_string().into_bytes()),
        // As recorded: without the root member.
        ("InkSystem.json".to_owned(), recorded["raw_ink_system"].to_string().into_bytes()),
        ("DeviceStatus.json".to_owned(), recorded["raw_device_status"].to_string().into_bytes()),
        (JOBS.to_owned(), recording("freeglaz/designjet-z9-24/jobs_all_sample.xml")?),
    ]))
}

#[test]
fn a_recorded_z9_gives_its_identity_ink_and_status() {
    let Some(documents) = recorded_z9() else { return };
    let (report, defects) = read_documents(&documents);
    assert_eq!(defects, Vec::new());
    let configuration = &report.configuration;
    assert_eq!(configuration.product_number.as_deref(), Some("W3Z71A"));
    assert_eq!(configuration.product_name.as_deref(), Some("HP DesignJet Z9 24in"));
    assert_eq!(configuration.serial_number.as_deref(), Some("CNXXXXXXXX"));
    assert_eq!(configuration.firmware_version.as_deref(), Some("JGR9_09_26_06.1"));
    assert_eq!(report.status.engine.as_deref(), Some("WithAlerts"));
    assert_eq!((report.status.cartridges.len(), report.usage.cartridge_types.len()), (10, 10));
    let magenta = &report.status.cartridges[0];
    assert_eq!((magenta.slot.as_str(), magenta.colour.as_deref()), ("0", Some("magenta")));
    assert_eq!(magenta.status.as_deref(), Some("Warning, Expired"));
    assert_eq!((magenta.capacity, magenta.consumed), (Some(Ink(300_000_000)), Some(Ink(104_000_000))));
    assert_eq!(magenta.product_number.as_deref(), Some("P2V78A"));
    assert_eq!(magenta.serial_number.as_deref(), Some("711683-11-10"));
    assert_eq!(magenta.expires_at, instant("2022-09-19T10:28:00Z"), "the expiry date itself says 1970");
    assert_eq!(report.status.cartridges[9].status.as_deref(), Some("Warning, LowLevel, Expired"));
    let used = &report.usage.cartridge_types[0];
    assert_eq!((used.ink, used.ink_foreign), (Some(Ink(433_000_000)), Some(Ink(0))));
    assert_eq!(used.insertions, Some(250));
    assert_eq!(report.usage.ink, Some(Ink(4_545_000_000)));
    assert_eq!((report.usage.jobs, report.usage.pages), (None, None), "what was not recorded is absent");
}

#[test]
fn of_six_recorded_jobs_only_the_cancelled_one_is_final() {
    let Some(documents) = recorded_z9() else { return };
    let (report, _) = read_documents(&documents);
    assert_eq!(report.jobs.len(), 1);
    let (job, defects) = &report.jobs[0];
    assert_eq!(*defects, Vec::new());
    assert_eq!(job.uuid.as_deref(), Some("8647f358-f48f-416b-8fb0-dedf0a22e449"));
    assert_eq!(job.status, Some(JobStatus::Cancelled));
    assert_eq!(job.finished_at(), instant("2026-05-23T12:52:07Z"));
    assert_eq!(job.personal.submitted_at, instant("2026-05-23T14:49:45Z"), "its own clock's doubtful zone is kept");
    assert_eq!((job.personal.user.as_deref(), job.personal.account.as_deref()), (Some("user"), None));
    let print = job.print.as_ref().expect("a print job");
    assert_eq!((print.pages, print.copies, print.printed_area), (Some(0), Some(1), Some(Area(0))));
    assert_eq!((print.media_area, print.ink.len(), print.categories.len()), (None, 0, 0));
    assert_eq!(print.time_to_print, Some(Duration(0)));
    assert_eq!(print.quality.as_deref(), Some("Best, maximum detail"));
    assert_eq!(print.source.as_deref(), Some("application"));
    assert_eq!(print.media.as_deref(), Some("9E489F02AE027F9DD93191D872728C1D"));
}
