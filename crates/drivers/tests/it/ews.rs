//! The older embedded web server at its boundary: its XML and its pages.
//!
//! Files of `src/ews_html/testcases` are named after the page that they are, those of
//! `src/ews_xml/testcases` after their document.

use crate::common::{self, READ_AT, body, case_answers, check_cases, instant, whats};
use drivers::{Answer, Answers, Ask, Driver, ews_html, ews_xml, is_asleep, limits};
use report::{Area, Category, Defect, Ink, JobKind, JobStatus, Length, Report, RowId, Severity, Usage, walk};

const FOLDER: &str = "/hp/device/webAccess/";
const SUPPLIES: &str = "/hp/device/webAccess/index.htm?content=supplies";
const USAGE: &str = "/hp/device/webAccess/index.htm?content=usage";
const SHEET: &str = "/hp/device/webAccess/accounting.xls?cost=y";
const PAGE: &str = "/hp/device/webAccess/index.htm?content=accounting";

fn page_key(file: &str) -> String {
    match file.split_once('.') {
        Some((page, "html")) => format!("{FOLDER}index.htm?content={page}"),
        Some(("printer_status_core", "jsp")) => format!("{FOLDER}{file}"),
        Some(("accounting", "xls")) => SHEET.to_owned(),
        _ => String::new(),
    }
}

fn document_key(file: &str) -> String {
    if file.ends_with(".xml") { format!("{FOLDER}{file}") } else { String::new() }
}

pub(crate) fn pages(case: &str) -> (Report, Vec<Defect>) {
    (ews_html::DRIVER.read)(&case_answers("ews_html", case, page_key), READ_AT)
}

pub(crate) fn documents(case: &str) -> (Report, Vec<Defect>) {
    (ews_xml::DRIVER.read)(&case_answers("ews_xml", case, document_key), READ_AT)
}

/// Reads a printer that has this supplies page and at most one other page.
fn read_with(content: &str, path: &str, page: &str) -> (Report, Vec<Defect>) {
    let (answers, _) = ask(&ews_html::DRIVER, |key| match key {
        SUPPLIES => supplies(content),
        key if key == path => html(page),
        _ => status(404),
    });
    (ews_html::DRIVER.read)(&answers, READ_AT)
}

/// What a usage page says, and what was odd about it but for the supplies page, which is empty here.
fn usage(page: &str) -> (Usage, Vec<String>) {
    let (report, defects) = read_with("<h1>Printheads</h1><table><tr><td>C-K</td></tr></table>", USAGE, page);
    (report.usage, whats(&defects))
}

/// The colour of a cartridge of which the printer says it so.
pub(crate) fn colour_of(spelling: &str) -> Option<String> {
    let content = format!("<h2>Ink</h2><table><tr><td>{spelling}</td><td>1 / 2 ml</td></tr></table>");
    read_with(&content, "", "").0.status.cartridges[0].colour.clone()
}

fn status(status: u16) -> Answer {
    Answer::Body { status, content_type: String::new(), body: Vec::new() }
}

fn html(text: &str) -> Answer {
    body("text/html", text.as_bytes())
}

/// Asks until nothing is left, as an agent does.
fn ask(driver: &Driver, serve: impl Fn(&str) -> Answer) -> (Answers, Vec<String>) {
    let mut asked = Vec::new();
    let answers = common::ask(driver, |request| {
        assert!(matches!(request.ask, Ask::Get(_)), "{}", request.key);
        asked.push(request.key.strip_prefix(FOLDER).expect("a path of this web server").to_owned());
        serve(&request.key)
    });
    (answers, asked)
}

/// A supplies page that links to its siblings, with this in it.
fn supplies(content: &str) -> Answer {
    html(&format!("<html><a href='?content=supplies'>1</a><a href='?content=usage'>2</a>{content}</html>"))
}

// The rows.

#[test]
fn every_case_with_expected_rows_gives_exactly_those() {
    check_cases(&ews_html::DRIVER, page_key);
    check_cases(&ews_xml::DRIVER, document_key);
}

#[test]
fn supplies_give_cartridges_printheads_and_media() {
    let (report, defects) = pages("latex");
    let status = &report.status;
    let magenta = &status.cartridges[0];
    assert_eq!((magenta.colour.as_deref(), magenta.product_number.as_deref()), (Some("magenta"), Some("CZ684A")));
    assert_eq!((magenta.status.as_deref(), magenta.product_name.as_deref()), (Some("OK"), Some("HP 831")));
    assert_eq!((magenta.capacity, magenta.consumed), (Some(Ink(775_000_000)), Some(Ink(386_000_000))));
    let light = &status.cartridges[1];
    assert_eq!((light.colour.as_deref(), light.consumed), (Some("light-magenta"), Some(Ink(720_000_000))));
    let altered = &status.cartridges[3];
    assert_eq!((altered.colour.as_deref(), altered.capacity), (Some("black"), None));
    assert_eq!(status.cartridges.len(), 4, "a maintenance cartridge holds no ink");
    assert_eq!(status.printheads.len(), 2);
    assert_eq!(status.printheads[0].colours, ["optimizer"]);
    assert_eq!(status.printheads[0].status.as_deref(), Some("OK, Out of warranty"));
    assert_eq!(status.printheads[1].colours, ["light-magenta", "light-cyan"]);
    let media = &status.media_sources[0];
    assert_eq!((media.media.as_deref(), media.width), (Some("Gloss vinyl & film"), Some(Length(1_065_500))));
    assert_eq!((media.height, report.sources[&RowId::S20].derived), (None, true));
    let odd = "S17 supplies: cartridge 3: 394000000 nl are left of a capacity that the page does not give";
    assert!(whats(&defects).contains(&odd.to_owned()), "{defects:?}");
}

#[test]
fn who_the_printer_is_comes_from_title_and_labels() {
    let (report, _) = pages("latex");
    let configuration = &report.configuration;
    assert_eq!(configuration.product_name.as_deref(), Some("HP Latex 0330"));
    assert_eq!(configuration.product_number.as_deref(), Some("X1A23A"));
    assert_eq!(configuration.serial_number.as_deref(), Some("TST0000330"));
    assert_eq!(configuration.firmware_version.as_deref(), Some("TLX_01_02"));
    assert_eq!(configuration.uuid.as_deref(), Some("0b8f4597-adbc-4b14-8637-000000000330"));
    assert_eq!(report.sources[&RowId::C2].from, "ews_html supplies");
    assert_eq!(report.sources[&RowId::C3].from, "ews_html device_setup");
}

#[test]
fn usage_gives_lifetime_counters_and_holds_metres_against_feet() {
    let (report, defects) = pages("latex");
    let usage = &report.usage;
    assert_eq!((usage.media_area, usage.ink), (Some(Area(23_949_870_000)), Some(Ink(251_189_120_000))));
    let media: Vec<(&str, Area)> = usage.media.iter().map(|media| (media.name.as_str(), media.area)).collect();
    assert_eq!(media, [("Gloss vinyl", Area(5_122_250_000)), ("Canvas", Area(1_065_000))]);
    let inks: Vec<(&str, Option<Ink>)> =
        usage.cartridge_types.iter().map(|used| (used.colour.as_str(), used.ink)).collect();
    assert_eq!(inks, [("magenta", Some(Ink(46_266_680_000))), ("light-magenta", Some(Ink(17_161_070_000)))]);
    let whats = whats(&defects);
    for odd in [
        "U7 usage: 'Odd banner' is 10000000 mm² by one unit and 929030 mm² by the other",
        "U2 usage: 'Black' is ink that was altered: the printer counts none",
        "usage: rows with ink that name no colour and no total, not read: 1",
    ] {
        assert!(whats.contains(&odd.to_owned()), "{odd}: {whats:?}");
    }
}

#[test]
fn what_stands_twice_on_the_usage_page_counts_only_where_it_is_one_thing() {
    let row = |label: &str, amount: &str| format!("<tr><td>{label}</td><td>{amount}</td></tr>");
    let table = |heading: &str, rows: &[String]| format!("<h2>{heading}</h2><table>{}</table>", rows.concat());
    let bond = |amounts: [&str; 2]| {
        let tables = amounts.map(|amount| table("Paper usage", &[row("Bond", amount)]));
        let (usage, whats) = usage(&tables.concat());
        (usage.media.first().map(|media| media.area), whats)
    };
    // 10 square metres are 107.639 square feet.
    assert_eq!(bond(["10 m²", "107.64 ft²"]), (Some(Area(10_000_000)), Vec::new()));
    let odd = "U7 usage: 'Bond' stands 2 times with different amounts, none is read".to_owned();
    assert_eq!(bond(["10 m²", "3 m²"]), (None, vec![odd]), "nothing says which is the printer's life");
    let odd = "U7 usage: Bond '1.065' can be read in two ways, and the page does not tell".to_owned();
    assert_eq!(bond(["10 m²", "1.065 m²"]), (None, vec![odd]), "one that cannot be read may be the one that counts");
    let totals = |amounts: &[&str]| {
        let rows: Vec<String> = amounts.iter().map(|amount| row("Total", amount)).collect();
        usage(&table("Paper usage", &rows)).0.media_area
    };
    assert_eq!(totals(&["10 m²"]), Some(Area(10_000_000)));
    assert_eq!(totals(&["10 m²", "10 m²"]), Some(Area(10_000_000)));
    // 1.065 can be read in two ways: what stands beside it is not taken in its place.
    for amounts in [&["10 m²", "20 m²"][..], &["10 m²", "20 m²", "20 m²"], &["1.065 m²", "12 m²"]] {
        assert_eq!(totals(amounts), None, "{amounts:?}");
    }
    let rows = [row("Total", "20 ml"), row("Total since reset", "5 ml"), row("Cyan", "5 ml"), row("C", "6 ml")];
    let (inks, whats) = usage(&table("Ink usage", &rows));
    assert_eq!((inks.ink, inks.cartridge_types.len()), (Some(Ink(20_000_000)), 0));
    let expected = [
        "U2 usage: cyan stands 2 times with different amounts, none is read",
        "usage: rows with ink that name no colour and no total, not read: 1",
    ];
    assert_eq!(whats, expected);
}

#[test]
fn a_person_on_the_usage_page_is_counted_and_never_named() {
    let rows = "<tr><td>anna secret</td><td>12 m²</td></tr><tr><td>bert secret</td><td>3 ml</td></tr>";
    let headings = ["Paper usage by user", "Anything else"];
    let tables = headings.map(|heading| format!("<h2>{heading}</h2><table>{rows}</table>"));
    let total = "<h2>Paper usage</h2><table><tr><td>Total</td><td>15 m²</td></tr></table>";
    let (usage, whats) = usage(&format!("{total}{}", tables.concat()));
    assert_eq!((usage.media_area, usage.media.len()), (Some(Area(15_000_000)), 0));
    let expected = [
        "usage: rows with an area that name no media and no total, not read: 2",
        "usage: rows with ink that name no colour and no total, not read: 2",
    ];
    assert_eq!(whats, expected);
}

#[test]
fn a_list_of_one_repeated_cartridge_ends_at_the_limit() {
    let row = "<tr><td>C</td><td>1 / 2 ml</td></tr>";
    let content = format!("<h2>Ink</h2><table>{}</table>", row.repeat(limits::LIST_MAX + 5));
    let (report, _) = read_with(&content, "", "");
    assert_eq!(report.status.cartridges.len(), limits::LIST_MAX);
    let table = "<h2>Paper</h2><table><tr><td>Width</td><td>914 mm</td></tr></table>";
    let (report, _) = read_with(&table.repeat(limits::LIST_MAX + 5), "", "");
    assert_eq!(report.status.media_sources.len(), limits::LIST_MAX);
}

#[test]
fn the_status_is_a_row_and_an_alert_where_it_is_not_normal() {
    let (report, _) = pages("latex");
    assert_eq!(report.status.engine.as_deref(), Some("LM cartridge is low on ink"));
    assert_eq!(report.alerts.len(), 1);
    assert_eq!(report.alerts[0].severity, Severity::Warning);
    let (report, _) = pages("t-series");
    assert_eq!((report.status.engine.as_deref(), report.alerts.len()), (Some("Ready"), 0));
}

#[test]
fn a_job_without_a_name_of_its_own_is_read_and_said_not_to_count() {
    let (report, defects) = pages("latex");
    assert_eq!(report.jobs.len(), 2, "a job that waits is not over");
    let (job, odd) = &report.jobs[0];
    assert_eq!((job.kind, job.status), (JobKind::Print, Some(JobStatus::Printed)));
    assert_eq!((job.uuid.as_deref(), job.sequence, job.finished_at()), (None, None, None));
    assert_eq!(job.personal.name.as_deref(), Some("banner plan"));
    let print = job.print.as_ref().expect("a print job");
    assert_eq!((print.pages, print.copies, print.media_area), (Some(3), Some(2), Some(Area(6_545_100))));
    let inks: Vec<(&str, Ink)> = print.ink.iter().map(|used| (used.colour.as_str(), used.ink)).collect();
    assert_eq!(inks, [("magenta", Ink(680_000)), ("light-magenta", Ink(680_000))]);
    assert_eq!((print.media.as_deref(), print.source.as_deref()), (Some("Gloss vinyl"), Some("rip")));
    let expected = [
        "P10 the printer's local time '01/04/2026 17:38' has no zone, it is kept here and is no instant",
        "P18 black: ink that was altered, the printer counts none",
        "P2 the table gives the job neither UUID nor number: it cannot be counted once",
    ];
    assert_eq!(whats(odd), expected);
    let (job, odd) = &report.jobs[1];
    assert_eq!(job.status, Some(JobStatus::Cancelled));
    assert!(whats(odd).contains(&"P18 500000 nl of ink in all, the table tells no colours".to_owned()), "{odd:?}");
    let said = "accounting: 2 of 2 jobs have neither UUID nor number and are not counted";
    assert_eq!(whats(&defects).last().map(String::as_str), Some(said));
}

#[test]
fn a_sheet_gives_print_scan_and_copy_jobs() {
    let (report, defects) = pages("t-series");
    assert_eq!(whats(&defects), Vec::<String>::new());
    assert_eq!(report.jobs.len(), 3);
    let (job, odd) = &report.jobs[0];
    assert_eq!(*odd, Vec::new());
    assert_eq!(job.uuid.as_deref(), Some("9d3c2c4e-0000-4000-8000-000000000001"));
    assert_eq!((job.sequence, job.finished_at()), (Some(12), instant("2026-10-06T08:00:00Z")));
    assert_eq!((job.personal.user.as_deref(), job.personal.account.as_deref()), (Some("anna"), Some("4711")));
    let print = job.print.as_ref().expect("a print job");
    // 10.5 square feet of 92 903.04 mm² each.
    assert_eq!(print.media_area, Some(Area(975_482)));
    let category = &print.categories[0];
    assert_eq!((&category.category, category.derived), (&Category::new("mono-line"), false));
    assert_eq!((category.media_length, category.ink), (Some(Length(1_250_000)), Some(Ink(1_500_000))));
    let inks: Vec<(&str, Ink)> = print.ink.iter().map(|used| (used.colour.as_str(), used.ink)).collect();
    assert_eq!(inks, [("cyan", Ink(1_000_000)), ("black", Ink(500_000))]);
    let (scan, _) = &report.jobs[1];
    assert_eq!((scan.kind, scan.status, scan.print.is_none()), (JobKind::Scan, Some(JobStatus::Scanned), true));
    assert_eq!(scan.scan.as_ref().and_then(|scan| scan.area), Some(Area(371_612)));
    let (copy, _) = &report.jobs[2];
    assert_eq!((copy.kind, copy.uuid.as_deref(), copy.sequence), (JobKind::Copy, None, Some(14)));
    assert_eq!(copy.finished_at(), instant("2026-10-06T09:30:00Z"));
    assert_eq!(report.sources[&RowId::P19].from, "ews_html accounting.xls");
}

#[test]
fn a_table_without_labels_is_read_by_its_places() {
    let (report, _) = pages("places");
    let areas: Vec<Option<Area>> =
        report.jobs.iter().map(|(job, _)| job.print.as_ref().and_then(|print| print.media_area)).collect();
    // `1,071` has two readings; the other numbers of the table prove the comma.
    assert_eq!(areas, [Some(Area(1_071_000)), Some(Area(0)), Some(Area(1_071_000))]);
    let states: Vec<Option<JobStatus>> = report.jobs.iter().map(|(job, _)| job.status).collect();
    assert_eq!(states, [Some(JobStatus::Printed), Some(JobStatus::Cancelled), Some(JobStatus::Printed)]);
    let (last, odd) = &report.jobs[2];
    assert_eq!((last.personal.user.as_deref(), last.personal.name.as_deref()), (Some("anna"), Some("A3 plan")));
    let whats = whats(odd);
    assert!(whats.contains(&"P18 1234000000 nl of ink in all, the table tells no colours".to_owned()), "{whats:?}");
}

#[test]
fn a_page_in_another_language_is_said_and_never_guessed() {
    let (report, defects) = pages("portuguese");
    let expected = [
        "supplies: the page is not in English or has no label that is known, its tables are not read",
        "usage: the page is not in English, its tables are not read",
        "accounting: the page is not in English or has no label that is known, its tables are not read",
    ];
    assert_eq!(whats(&defects), expected);
    let rows: Vec<RowId> = walk(&report).into_iter().map(|filled| filled.row).collect();
    assert_eq!(rows, [RowId::C2], "the name in the title has no language");
}

#[test]
fn doubtful_numbers_are_absent_and_named() {
    let (report, defects) = pages("doubtful");
    let expected = [
        "supplies: the page ends within a table",
        "S17 supplies: cartridge 1: 800000000 nl are left of 775000000 nl",
        "S16 supplies: cartridge 2: 3 amounts of ink, none is read",
        "S22 supplies: Width '1.065' can be read in two ways, and the page does not tell",
        "U7 usage: Bond '1,065' can be read in two ways, and the page does not tell",
        "U7 usage: Film is negative: -5",
        "U17 usage: the total stands 2 times with different amounts, none is read",
        "S1 printer_status_core.jsp: the status is not of the form 'severity|message|'",
    ];
    assert_eq!(whats(&defects), expected);
    assert_eq!((report.usage.media_area, report.usage.media.len()), (None, 0));
    assert_eq!((report.status.media_sources.len(), report.status.engine.as_deref()), (0, None));
}

#[test]
fn a_job_cannot_pass_for_the_printer() {
    let page = "<table><tr><th>Document</th><th>Status</th><th>Printing time</th></tr>\
                <tr><td>Serial number</td><td>printed</td><td>2026-10-06T10:00:00Z</td></tr></table>";
    let (answers, _) = ask(&ews_html::DRIVER, |key| match key {
        SUPPLIES => supplies(""),
        PAGE => html(page),
        _ => status(404),
    });
    let (report, _) = (ews_html::DRIVER.read)(&answers, READ_AT);
    assert_eq!((report.jobs.len(), report.configuration.serial_number.as_deref()), (1, None));
    assert_eq!(report.jobs[0].0.finished_at(), instant("2026-10-06T10:00:00Z"));
}

// Asking.

#[test]
fn anything_that_is_no_such_printer_gets_one_request() {
    let failures = [
        status(404),
        status(401),
        Answer::Failed("timeout after 10 s".to_owned()),
        Answer::NotAsked("forbidden by the file".to_owned()),
        Answer::Elsewhere { status: 302, location: "/login".to_owned() },
        html("<!DOCTYPE html><html><a href='?content=usage'>one link is none</a></html>"),
        html("{}"),
        html("<Serviceabilities/>"),
    ];
    for driver in [&ews_html::DRIVER, &ews_xml::DRIVER] {
        for failure in &failures {
            let (answers, asked) = ask(driver, |_| failure.clone());
            assert_eq!(asked.len(), 1, "{failure:?}");
            assert!(!(driver.identify)(&answers), "{failure:?}");
            let (report, defects) = (driver.read)(&answers, READ_AT);
            assert!(walk(&report).is_empty(), "{failure:?}");
            assert_eq!(defects.len(), 1, "{failure:?}");
        }
    }
}

#[test]
fn the_accounting_page_is_asked_for_where_the_sheet_gives_no_table() {
    let sheet = "Document;Status;Printing time\nplan;printed;01/04/2026 17:38:53\n";
    let others = ["device_setup", "usage"].map(|page| format!("index.htm?content={page}"));
    let first: Vec<String> = [&["index.htm?content=supplies".to_owned()][..], &others[..]].concat();
    let first = [first, vec!["printer_status_core.jsp".to_owned(), "accounting.xls?cost=y".to_owned()]].concat();
    let check = |answer: Answer| {
        ask(&ews_html::DRIVER, |key| match key {
            SUPPLIES => supplies(""),
            SHEET => answer.clone(),
            _ => status(404),
        })
    };
    let (answers, asked) = check(body("application/vnd.ms-excel", sheet.as_bytes()));
    assert_eq!(asked, first);
    assert_eq!((ews_html::DRIVER.read)(&answers, READ_AT).0.jobs.len(), 1);
    for answer in [status(404), status(500), body("application/vnd.ms-excel", b"PK\x03\x04"), html("<p>none</p>")] {
        let (_, asked) = check(answer);
        assert_eq!(asked.len(), 6, "{asked:?}");
        assert_eq!(asked[5], "index.htm?content=accounting");
    }
}

#[test]
fn usage_and_accounting_are_asked_for_up_to_the_printers_own_date() {
    let check = |document: &str| {
        let (_, asked) = ask(&ews_xml::DRIVER, |key| {
            if key.ends_with("open_status.xml") { body("text/xml", document.as_bytes()) } else { status(404) }
        });
        asked
    };
    let dated = "<Serviceability><Printer_Status><Date>2026-10-31</Date></Printer_Status></Serviceability>";
    let window = "?startDate=30/09/2026&endDate=31/10/2026";
    assert_eq!(
        check(dated),
        ["open_status.xml".to_owned(), format!("open_usage.xml{window}"), format!("open_accounting.xml{window}")]
    );
    assert_eq!(check("<Serviceability/>"), ["open_status.xml", "open_usage.xml", "open_accounting.xml"]);
}

#[test]
fn a_printer_that_sleeps_is_asked_once_and_seen_to_sleep() {
    let asleep = Answer::Elsewhere { status: 302, location: "/wakeup.htm".to_owned() };
    for driver in [&ews_html::DRIVER, &ews_xml::DRIVER] {
        let (answers, asked) = ask(driver, |_| asleep.clone());
        assert_eq!(asked.len(), 1);
        assert!(is_asleep(&answers));
        let (_, defects) = (driver.read)(&answers, READ_AT);
        assert!(defects[0].what.ends_with("answered with status 302, which is not followed"), "{defects:?}");
    }
}

// What comes from outside is never trusted.

#[test]
fn a_hostile_page_is_named_and_the_rest_is_read() {
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"<table><tr><td".to_vec(), "cut off"),
        (b"\xff\xff\xff".to_vec(), "neither UTF-8 nor of the encoding that it states"),
        ("<table><tr><td>".repeat(10_000).into_bytes(), "tables nested deeper than 64"),
        ("<b>".repeat(limits::NODES_MAX + 1).into_bytes(), "more than 200000 tags or cells"),
        (vec![b' '; limits::BODY_MAX + 1], "longer than 8388608 bytes"),
        (b"PK\x03\x04".to_vec(), "a zip archive that cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "a workbook whose parts do not fit: a place outside the file"),
    ];
    for (hostile, reason) in cases {
        let (answers, _) = ask(&ews_html::DRIVER, |key| match key {
            SUPPLIES => supplies("<h1>Printheads</h1><table><tr><td>C-K</td><td>OK</td></tr></table>"),
            SHEET => body("application/vnd.ms-excel", &hostile),
            _ => status(404),
        });
        let (report, defects) = (ews_html::DRIVER.read)(&answers, READ_AT);
        assert_eq!(whats(&defects), [format!("accounting.xls: {reason}")]);
        assert_eq!(report.status.printheads.len(), 1);
    }
}

#[test]
fn a_log_without_end_is_cut_and_said() {
    let row = "<tr><td>plan</td><td>printed</td><td>1</td></tr>";
    let rows = row.repeat(limits::JOBS_MAX + 5);
    let page = format!("<table><tr><td>Document</td><td>Status</td><td>Copies</td></tr>{rows}</table>");
    let (answers, _) = ask(&ews_html::DRIVER, |key| match key {
        SUPPLIES => supplies(""),
        PAGE => html(&page),
        _ => status(404),
    });
    let (report, defects) = (ews_html::DRIVER.read)(&answers, READ_AT);
    assert_eq!(report.jobs.len(), limits::JOBS_MAX);
    let said = "P27 accounting: the 5 oldest jobs were not read: more than 2000 jobs".to_owned();
    assert!(whats(&defects).contains(&said), "{defects:?}");
}
