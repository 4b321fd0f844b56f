//! SNMP: walks of our own, and a recorded one with values read from it by hand.
//!
//! The cases in `src/snmp/testcases` are texts that snmpsim serves as they are.

use crate::common::{READ_AT, body, case_answers, cases, check_cases, recording, whats};
use drivers::merge::{Heard, Memory, merge};
use drivers::snmp::{DRIVER, Value, Variable, rec, to_text};
use drivers::{Answer, Answers, Ask, ledm, limits};
use report::{Configuration, Defect, Ink, Length, Report, RowId, Severity, walk};
use std::collections::BTreeSet;

const DEVICES: &str = "snmp/1.3.6.1.2.1.25.3.2.1";
const GENERAL: &str = "snmp/1.3.6.1.2.1.43.5.1.1.1";
const INK_USE: &str = "snmp/1.3.6.1.4.1.11.2.3.9.4.2.1.4.1.5.6.3";
const ENVY: &str = "leshk0de-HPEnvy6000/envy-6000/envy6000.snmprec";

/// One file holds what all walks of a case found.
fn key(file: &str) -> String {
    if file == "walks.snmprec" { DEVICES.to_owned() } else { String::new() }
}

fn snmp(text: &str) -> Answer {
    body("text/x-snmprec", text.as_bytes())
}

fn read(answers: &Answers) -> (Report, Vec<Defect>) {
    (DRIVER.read)(answers, READ_AT)
}

pub(crate) fn case(name: &str) -> (Report, Vec<Defect>) {
    read(&case_answers(DRIVER.name, name, key))
}

/// Every variable of a case.
fn variables(name: &str) -> Vec<Variable> {
    let answers = case_answers(DRIVER.name, name, key);
    let Some(Answer::Body { body, .. }) = answers.get(DEVICES) else { panic!("a text") };
    rec::read(body).expect("variables")
}

/// The colour of a cartridge of which the printer says it so.
pub(crate) fn colour_of(spelling: &str) -> Option<String> {
    let mut all = variables("full");
    for (oid, text) in [("43.11.1.1.6.2.1", "a supply"), ("43.12.1.1.4.2.1", spelling)] {
        let oid = format!("1.3.6.1.2.1.{oid}");
        let variable = all.iter_mut().find(|variable| variable.oid == oid).expect("the first supply");
        variable.value = Value::Bytes(text.into());
    }
    let (report, _) = read(&Answers::from([(DEVICES.to_owned(), snmp(&to_text(&all)))]));
    report.status.cartridges[0].colour.clone()
}

/// Answers each walk as a printer with these variables does.
fn walked(variables: &[Variable], root: &str) -> Answer {
    let below = format!("{root}.");
    let found: Vec<Variable> = variables.iter().filter(|variable| variable.oid.starts_with(&below)).cloned().collect();
    snmp(&to_text(&found))
}

/// Asks until nothing is left, as an agent does. Gives the answers and how many there were at each stage.
fn ask(serve: impl Fn(&str) -> Answer) -> (Answers, Vec<usize>) {
    let (mut answers, mut stages) = (Answers::new(), Vec::new());
    loop {
        let requests = (DRIVER.next)(&answers);
        if requests.is_empty() {
            return (answers, stages);
        }
        stages.push(requests.len());
        for request in requests {
            let Ask::Walk(root) = request.ask else { panic!("a walk") };
            assert!(answers.insert(request.key, serve(root)).is_none(), "{root} is walked twice");
        }
        assert!(answers.len() <= limits::REQUESTS_MAX);
    }
}

type Told<'a> = (&'a str, Option<&'a str>, Option<Ink>, Option<Ink>, Option<&'a str>);

/// Slot, colour, capacity, consumption and status of each cartridge.
fn cartridges(report: &Report) -> Vec<Told<'_>> {
    let told = report.status.cartridges.iter();
    told.map(|item| (item.slot.as_str(), item.colour.as_deref(), item.capacity, item.consumed, item.status.as_deref()))
        .collect()
}

/// Millilitres.
fn ml(amount: i64) -> Option<Ink> {
    Some(Ink(amount * 1_000_000))
}

// The rows.

#[test]
fn every_case_gives_exactly_its_expected_rows() {
    check_cases(&DRIVER, key);
}

#[test]
fn a_full_printer_says_what_it_is_and_what_is_in_it() {
    let (report, defects) = case("full");
    assert_eq!(defects, Vec::new());
    let configuration = &report.configuration;
    assert_eq!(configuration.product_number.as_deref(), Some("X1A23A"));
    assert_eq!(configuration.product_name.as_deref(), Some("HP DesignJet T1530 Test"));
    assert_eq!(configuration.serial_number.as_deref(), Some("TST0000042"));
    assert_eq!(configuration.firmware_version.as_deref(), Some("TP_01_02"));
    assert_eq!(report.status.engine.as_deref(), Some("printing, warning, lowPaper, jammed"));
    assert_eq!(report.usage.pages, Some(56_789), "a marker that counts metres counts no pages");
    let expected = [
        ("1", Some("matte-black"), ml(300), ml(180), None),
        ("2", Some("cyan"), ml(130), ml(65), None),
        ("3", Some("yellow"), None, None, Some("25 % left")),
        ("5", Some("gray"), ml(130), ml(130), Some("empty")),
        ("6", Some("photo-black"), None, None, Some("some left")),
    ];
    assert_eq!(cartridges(&report), expected);
    let first = &report.status.cartridges[0];
    assert_eq!(first.product_number.as_deref(), Some("X1X01A"));
    assert_eq!(first.product_name.as_deref(), Some("HP 1 matte black X1X01A"));
}

#[test]
fn rolls_are_measured_in_either_unit() {
    let (report, _) = case("full");
    let [first, second, manual] = &report.status.media_sources[..] else { panic!("three sources") };
    assert_eq!((first.name.as_str(), first.width, first.height), ("Roll 1", Some(Length(914_400)), None));
    assert_eq!((first.media.as_deref(), first.status.as_deref()), (Some("Bond 80 g"), Some("loaded, idle")));
    assert_eq!((second.width, second.height), (Some(Length(609_600)), Some(Length(3_810_000))));
    assert_eq!(second.status.as_deref(), Some("empty, on request, warning"));
    // What it declares, where nothing is chosen.
    assert_eq!((manual.width, manual.height), (Some(Length(215_900)), Some(Length(279_400))));
    assert_eq!((manual.media.as_deref(), manual.status.as_deref()), (None, None));
}

#[test]
fn alerts_name_their_part_and_what_is_only_logged_is_none() {
    let (report, _) = case("full");
    let told: Vec<_> =
        report.alerts.iter().map(|alert| (alert.code.as_str(), alert.severity, alert.part.as_deref())).collect();
    let expected = [
        ("markerSupplies.2/markerInkAlmostEmpty", Severity::Warning, Some("supply 2")),
        ("input.2/inputMediaSupplyEmpty", Severity::Severe, Some("media source 2")),
        ("cover/coverOpened", Severity::Warning, Some("cover")),
        ("4711", Severity::Warning, None),
    ];
    assert_eq!(told, expected);
    assert_eq!(report.alerts[0].text.as_deref(), Some("Cyan cartridge is low on ink"));
    assert!(report.alerts.iter().all(|alert| alert.since.is_none()), "a time since the start is no instant");
}

#[test]
fn parts_of_one_cartridge_are_added_under_its_product_number() {
    let (report, defects) = case("parts");
    assert_eq!(defects, Vec::new());
    let expected = [
        ("1+2", Some("yellow"), ml(400), ml(225), None),
        ("3+4", Some("magenta"), ml(400), ml(0), None),
        ("5+6", Some("cyan"), ml(400), ml(400), Some("empty")),
        ("7+8", Some("gray"), ml(400), None, None),
        ("9+10", Some("dark-gray"), ml(400), None, Some("some left")),
        ("11+12", Some("matte-black"), ml(775), Some(Ink(387_400_000)), None),
    ];
    assert_eq!(cartridges(&report), expected, "the colorants stand in another order");
    let first = &report.status.cartridges[0];
    assert_eq!(first.product_number.as_deref(), Some("CM992A"));
    assert_eq!(first.product_name.as_deref(), Some("HP 761 ( CM992A )"));
}

#[test]
fn ink_use_is_read_where_its_objects_are_known() {
    let (report, defects) = case("ink-use");
    assert_eq!(defects, Vec::new());
    assert_eq!(report.configuration.serial_number.as_deref(), Some("TST0000770"));
    let told: Vec<_> = report
        .usage
        .cartridge_types
        .iter()
        .map(|of| (of.colour.as_str(), of.ink, of.product_number.as_deref()))
        .collect();
    let expected = [
        ("cyan", Some(Ink(1_234_567_000)), Some("X7X06A")),
        ("magenta", Some(Ink(2_345_678_000)), Some("X7X05A")),
        ("yellow", Some(Ink(3_456_789_000)), Some("X7X04A")),
        ("gray", Some(Ink(456_789_000)), Some("X7X01A")),
        ("matte-black", Some(Ink(567_890_000)), Some("X7X03A")),
        ("photo-black", Some(Ink(678_901_000)), Some("X7X02A")),
    ];
    assert_eq!(told, expected);
    assert_eq!(report.usage.ink, Some(Ink(8_740_614_000)));
    assert!(report.sources[&RowId::U16].derived && !report.sources[&RowId::U2].derived);
    let mut others = variables("ink-use");
    for variable in
        others.iter_mut().filter(|variable| variable.value == Value::Bytes(b"HP Designjet T770 Test".into()))
    {
        variable.value = Value::Bytes(b"HP Designjet T1300 Test".to_vec());
    }
    let (report, _) = read(&Answers::from([(DEVICES.to_owned(), snmp(&to_text(&others)))]));
    assert_eq!(
        (report.usage.cartridge_types.len(), report.usage.ink),
        (0, None),
        "another model may mean another thing"
    );
}

#[test]
fn a_silent_colour_leaves_no_total() {
    let mut variables = variables("ink-use");
    let silent = "1.3.6.1.4.1.11.2.3.9.4.2.1.4.1.5.6.3.3.1.0";
    variables.retain(|variable| variable.oid != silent);
    let (report, defects) = read(&Answers::from([(DEVICES.to_owned(), snmp(&to_text(&variables)))]));
    assert_eq!((report.usage.cartridge_types.len(), report.usage.ink), (5, None));
    assert_eq!(whats(&defects), ["U16 ink use: ink used is known for 5 of 6 parts, no total is given"]);
}

#[test]
fn what_is_odd_is_said_and_never_a_value() {
    let (report, defects) = case("odd");
    assert_eq!(report.configuration.serial_number.as_deref(), Some("TST0000001"));
    assert_eq!(report.usage.pages, None);
    let expected = [("1", None, ml(130), None, None), ("2", Some("cyan"), None, None, None)];
    assert_eq!(cartridges(&report), expected);
    assert_eq!(report.status.cartridges[0].product_name.as_deref(), Some("Schwarz für alle"));
    let names: Vec<_> = report.status.media_sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["Roll", "Roll (2)"]);
    let expected = [
        "C3 the printer also calls itself 'TST0000002'",
        "U15 more than one marker counts pages, no total is given",
        "S13 'Schwarz für alle' is not UTF-8, read as Latin-1",
        "S16 CM994A: 1 rows of 2 parts, no capacity is given",
        "S17 supply 1: the level of 140000000 nl is above the capacity of 130000000 nl",
        "S22 prtInput 1: a dimension of 5 in unit 8",
        "S22 prtInput 1: a dimension of 5 in unit 8",
    ];
    assert_eq!(whats(&defects), expected);
}

// What is walked.

#[test]
fn a_printer_is_walked_in_whole_columns_and_reads_the_same() {
    for name in cases(DRIVER.name) {
        let all = variables(&name);
        let (answers, stages) = ask(|root| walked(&all, root));
        assert_eq!(stages[0], 1, "the table of devices is walked alone");
        assert_eq!(stages.len(), if name == "ink-use" { 3 } else { 2 }, "{name}");
        assert_eq!(answers.contains_key(INK_USE), name == "ink-use");
        assert_eq!(read(&answers), case(&name), "{name}");
    }
}

#[test]
fn nothing_personal_is_walked() {
    let all = variables("full");
    let (answers, _) = ask(|root| walked(&all, root));
    // sysContact, sysName, sysLocation, prtGeneralCurrentOperator, prtGeneralServicePerson.
    let personal = ["1.4", "1.5", "1.6", "43.5.1.1.4", "43.5.1.1.5"];
    for oid in personal.map(|oid| format!("snmp/1.3.6.1.2.1.{oid}.0")) {
        let walked = |key: &String| oid.starts_with(&format!("{key}."));
        assert!(!answers.keys().any(walked), "{oid}");
    }
}

#[test]
fn what_is_no_printer_gets_one_walk() {
    let router = "1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.4\n1.3.6.1.2.1.25.3.2.1.3.1|4|network eth0\n";
    let silent = Answer::Failed("no answer".to_owned());
    for answer in [snmp(router), snmp(""), silent, snmp("not a walk")] {
        let (answers, stages) = ask(|_| answer.clone());
        assert_eq!(stages, [1], "{answer:?}");
        assert!(!(DRIVER.identify)(&answers));
        let (report, defects) = read(&answers);
        assert!(walk(&report).is_empty() && !defects.is_empty(), "{answer:?}");
    }
}

#[test]
fn a_computer_that_prints_on_a_printer_is_none() {
    let devices = "1.3.6.1.2.1.25.3.2.1.2.7|6|1.3.6.1.2.1.25.3.1.5\n1.3.6.1.2.1.25.3.2.1.3.7|4|HP DesignJet T1530\n";
    let (answers, stages) = ask(|root| snmp(if DEVICES.ends_with(root) { devices } else { "" }));
    assert_eq!(stages.len(), 2);
    assert!(answers.contains_key(GENERAL) && !(DRIVER.identify)(&answers));
    let (report, defects) = read(&answers);
    assert!(walk(&report).is_empty());
    assert_eq!(whats(&defects), ["no device of the type printer that has Printer-MIB"]);
}

#[test]
fn a_walk_that_fails_costs_only_its_own_rows() {
    let all = variables("full");
    let supplies = "1.3.6.1.2.1.43.11.1.1";
    let failing = |root: &str| {
        if root == supplies { Answer::Failed("no answer within 5 s".to_owned()) } else { walked(&all, root) }
    };
    let (answers, _) = ask(failing);
    let (report, defects) = read(&answers);
    assert_eq!((report.status.cartridges.len(), report.usage.pages), (0, Some(56_789)));
    assert_eq!(whats(&defects), [format!("walk of {supplies}: no answer within 5 s")]);
}

#[test]
fn a_table_of_one_repeated_source_ends_at_the_limit() {
    let mut all = variables("full");
    all.retain(|variable| !variable.oid.starts_with("1.3.6.1.2.1.43.8.2.1."));
    for row in 1..=limits::LIST_MAX + 5 {
        let oid = |column: u32| format!("1.3.6.1.2.1.43.8.2.1.{column}.2.{row}");
        let of_row = |column: u32, value: Value| Variable { oid: oid(column), value };
        all.extend([of_row(2, Value::Integer(6)), of_row(13, Value::Bytes(b"Roll".to_vec()))]);
    }
    let (report, defects) = read(&Answers::from([(DEVICES.to_owned(), snmp(&to_text(&all)))]));
    let names: BTreeSet<&str> = report.status.media_sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!((report.status.media_sources.len(), names.len()), (limits::LIST_MAX, limits::LIST_MAX));
    assert_eq!(whats(&defects), ["prtInput has 2005 rows, only the first 2000 are read"]);
}

// A recorded printer. The values are read from the recording by hand.

#[test]
fn a_recorded_envy_is_read() {
    let Some(bytes) = recording(ENVY) else { return };
    let answers = Answers::from([(DEVICES.to_owned(), body("text/x-snmprec", &bytes))]);
    assert!((DRIVER.identify)(&answers));
    let (report, defects) = read(&answers);
    assert_eq!(defects, Vec::new());
    assert_eq!(report.configuration.product_name.as_deref(), Some("ENVY 6000 All-in-One Printer series"));
    assert_eq!(report.configuration.serial_number.as_deref(), Some("TH05H3D1F8"));
    assert_eq!((report.status.engine.as_deref(), report.usage.pages), (Some("idle"), Some(931)));
    let expected =
        [("1", Some("tri-color"), None, None, Some("empty")), ("2", Some("black"), None, None, Some("11 % left"))];
    assert_eq!(cartridges(&report), expected);
    let [tray] = &report.status.media_sources[..] else { panic!("one tray") };
    assert_eq!((tray.name.as_str(), tray.media.as_deref()), ("Tray 1", Some("Plain")));
    // 85 000 and 110 000 ten-thousandths of an inch.
    assert_eq!((tray.width, tray.height), (Some(Length(215_900)), Some(Length(279_400))));
    assert_eq!(report.alerts, Vec::new(), "its four alerts say '65561' and nothing else");
}

#[test]
fn a_recording_is_written_as_it_was_read() {
    let Some(bytes) = recording(ENVY) else { return };
    let variables = rec::read(&bytes).expect("variables");
    let text = to_text(&variables);
    assert_eq!(variables.len(), 359);
    assert_eq!(rec::read(text.as_bytes()).expect("variables"), variables);
}

#[test]
fn two_recorded_interfaces_of_one_printer_count_the_same_pages() {
    let Some(walks) = recording(ENVY) else { return };
    let Some(usage) = recording("leshk0de-HPEnvy6000/envy-6000/ProductUsageDyn.xml") else { return };
    let of_snmp = read(&Answers::from([(DEVICES.to_owned(), body("text/x-snmprec", &walks))]));
    let serial_number = of_snmp.0.configuration.serial_number.clone();
    // Of the web interface only the usage was recorded: its answer about the printer is one of our own, and
    // then the printer is named by hand.
    let key = |file: &str| match file {
        "DiscoveryTree.xml" | "ProductConfigDyn.xml" => format!("/DevMgmt/{file}"),
        _ => String::new(),
    };
    let mut answers = case_answers(ledm::DRIVER.name, "full", key);
    answers.insert("/DevMgmt/ProductUsageDyn.xml".to_owned(), body("text/xml", &usage));
    let (mut report, defects) = (ledm::DRIVER.read)(&answers, READ_AT);
    report.configuration = Configuration { serial_number, ..Configuration::default() };
    assert_eq!((report.usage.pages, of_snmp.0.usage.pages), (Some(931), Some(931)));
    let over = |port: u16| format!("192.0.2.7:{port}");
    let web = Heard { driver: &ledm::DRIVER, over: over(443), report, defects };
    let snmp = Heard { driver: &DRIVER, over: over(161), report: of_snmp.0, defects: of_snmp.1 };
    let merged = merge(vec![web, snmp], &Memory::default());
    assert_eq!(merged.drivers, ["ledm", "snmp"]);
    assert_eq!(merged.report.usage.pages, Some(931));
    assert!(merged.report.sources[&RowId::U15].from.starts_with("ledm "));
    assert!(merged.defects.iter().all(|defect| defect.row != Some(RowId::U15)), "{:?}", merged.defects);
    // What the web did not say comes from the walk.
    assert_eq!(merged.report.status.media_sources.len(), 1);
    assert!(merged.report.sources[&RowId::S22].from.starts_with("snmp "));
}
