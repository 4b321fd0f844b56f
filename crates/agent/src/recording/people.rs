//! Names in every form in which a printer's interfaces can show them, none of which stands in a recording.

use super::*;
use report::{Report, RowId, walk};

const SUPPLIES: &str = "/hp/device/webAccess/index.htm?content=supplies";
const SETUP: &str = "/hp/device/webAccess/index.htm?content=device_setup";
const ACCOUNTING: &str = "/hp/device/webAccess/index.htm?content=accounting";
const SHEET: &str = "/hp/device/webAccess/accounting.xls?cost=y";
const STATUS: &str = "/hp/device/webAccess/open_status.xml";
const JOBS_OF_XML: &str = "/hp/device/webAccess/open_accounting.xml?startDate=30/09/2026&endDate=31/10/2026";

/// The page by which the web server is known.
const PAGE: &str = "<html lang='en'><head><title>HP Latex 0330 - Supplies</title></head><body>\
    <a href='index.htm?content=supplies'>Supplies</a><a href='index.htm?content=usage'>Usage</a></body></html>";

fn body(bytes: &[u8]) -> Answer {
    Answer::Body { status: 200, content_type: "text/html".to_owned(), body: bytes.to_vec() }
}

/// What one interface answered.
fn answers(documents: &[(&str, &[u8])]) -> Answers {
    documents.iter().map(|(key, bytes)| ((*key).to_owned(), body(bytes))).collect()
}

/// Records what an interface answered, when nothing of it is in the merged report. Gives the answers that the
/// recording holds, and every byte of its files.
fn recorded(driver: &'static str, answers: &Answers) -> (Answers, Vec<u8>) {
    let asked = Asked {
        drivers: Vec::new(),
        report: Report::default(),
        defects: Vec::new(),
        grade: Grade::C,
        memory: Memory::parse(""),
        silent: Vec::new(),
        not_asked: Vec::new(),
        answers: vec![(driver, answers.clone())],
        over: Vec::new(),
        fingerprint: None,
        known: Known::default(),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("recording");
    write(&path, &asked, "192.0.2.77").expect("written");
    let mut bytes = Vec::new();
    let mut folders = vec![path.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { bytes.extend(std::fs::read(path).expect("a file")) }
        }
    }
    let recording = read(&path).expect("reads");
    (recording.answers.into_iter().next().map(|(_, answers)| answers).unwrap_or_default(), bytes)
}

/// The recording of an interface, in which none of these stands.
#[track_caller]
fn without(driver: &'static str, answers: &Answers, hidden: &[&str]) -> (Answers, String) {
    let (masked, bytes) = recorded(driver, answers);
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    for needle in hidden {
        let spelt: String = needle.bytes().map(char::from).collect();
        for needle in [*needle, spelt.as_str()] {
            assert!(!text.to_lowercase().contains(&needle.to_lowercase()), "{needle} stands in {text}");
        }
    }
    (masked, text)
}

/// The rows of a report that are masked in no recording.
fn rows(driver: &str, answers: &Answers) -> Vec<String> {
    let driver = super::driver(driver).expect("a driver");
    let (report, _) = (driver.read)(answers, Instant(0));
    let is_masked = |row: RowId| row.row().personal || ["C3", "S7", "S14", "P2", "N2"].contains(&row.word());
    let shown = walk(&report).into_iter().filter(|filled| !is_masked(filled.row));
    shown.map(|filled| format!("{} {:?}", filled.row.word(), filled.value.show())).collect()
}

/// Cells between tags.
fn cells(tag: &str, texts: &[&str]) -> String {
    texts.iter().map(|text| format!("<{tag}>{text}</{tag}>")).collect()
}

const LABELS: &[&str] = &[
    "Document",
    "Job type",
    "Status",
    "Cost type",
    "Pages",
    "Substrate type",
    "Substrate usage m&sup2;",
    "Ink used ml",
    "User",
    "Account ID",
    "Printing time",
];

/// A finished job and an open one, by the labels above.
const JOBS: [&[&str]; 2] = [
    &[
        "<a href=\"job.htm?name=Rathaus%20Nord\" title=\"Rathaus Nord\">Rathaus Nord</a>",
        "Print",
        "printed",
        "Total",
        "3",
        "Gloss vinyl",
        "6.5451",
        "1.36",
        "weber",
        "40815",
        "01/04/2026 17:38:53",
    ],
    &["Schule S&uuml;d", "Print", "waiting", "Total", "2", "Canvas", "", "", "Li", "40816", ""],
];
const NAMES: &[&str] = &["Rathaus", "Nord", "weber", "40815", "Schule", ">Li<", "40816"];

#[test]
fn an_accounting_page_names_nobody_and_its_open_jobs_neither() {
    let rows_of = |tag: &str| {
        let class = "class=\"treeTableTopLevel\"";
        let jobs = JOBS.map(|job| format!("<tr {class}>{}</tr>", cells("td", job))).concat();
        format!("<html lang=en><table class=\"dataTable\"><tr>{}</tr>{jobs}</table></html>", cells(tag, LABELS))
    };
    for tag in ["th", "td"] {
        let page = rows_of(tag);
        let live = answers(&[(SUPPLIES, PAGE.as_bytes()), (ACCOUNTING, page.as_bytes())]);
        let (masked, text) = without("ews_html", &live, NAMES);
        assert!(text.contains("Gloss vinyl") && text.contains("Printing time") && text.contains("waiting"), "{text}");
        let read = rows("ews_html", &live);
        assert!(read.iter().any(|row| row.starts_with("P19 ")), "{read:?}");
        assert_eq!(rows("ews_html", &masked), read, "{tag}");
    }
}

#[test]
fn an_accounting_page_without_labels_or_in_another_language_shows_only_known_words() {
    let of_t_series = |name: &str, status: &str, user: &str| {
        let time = "18.07.2024 16:08:11";
        #[rustfmt::skip]
        let job = [
            name, "Print", "RIP", "Stacker", status, "1", "Total", "", "", "0", "Bond", "1,0710 m²", "1,2700 m", "",
            "1,54 ml", user, time, "Lines/fast",
        ];
        format!("<tr class=\"treeTableTitleRowClosed treeTableTopLevel\">{}</tr>", cells("td", &job))
    };
    let jobs = of_t_series("Rathaus Nord", "printed", "weber") + &of_t_series("Schule Süd", "waiting", "Li");
    let page = format!("<html><!-- weber --><script>var user = 'weber';</script><table>{jobs}</table></html>");
    let live = answers(&[(SUPPLIES, PAGE.as_bytes()), (ACCOUNTING, page.as_bytes())]);
    let (masked, _) = without("ews_html", &live, NAMES);
    let read = rows("ews_html", &live);
    assert!(read.iter().any(|row| row.starts_with("P19 ")), "{read:?}");
    assert_eq!(rows("ews_html", &masked), read);

    let head = cells("th", &["Documento", "Usuario", "Estado"]);
    let job = cells("td", &["Rathaus Nord < weber", "<b>weber</b>", "impreso"]);
    let page = format!("<html lang='es'><table><tr>{head}</tr><tr>{job}</tr></table></html>");
    let live = answers(&[(SUPPLIES, PAGE.as_bytes()), (ACCOUNTING, page.as_bytes())]);
    without("ews_html", &live, NAMES);
}

#[test]
fn an_accounting_sheet_names_nobody_in_any_of_its_forms() {
    let plain = ["Rathaus Nord", "Print", "printed", "Total", "3", "Film", "6.5451", "1.36", "weber", "40815", ""];
    let open = ["Schule", "Print", "waiting", "Total", "2", "Film", "", "", "Li", "40816", ""];
    let labels: Vec<String> = LABELS.iter().map(|label| label.replace("&sup2;", "2")).collect();
    let row = |texts: &[&str]| {
        let filled = texts.iter().enumerate().filter(|(_, text)| !text.is_empty());
        let cell = |(at, text): (usize, &&str)| {
            format!("<Cell ss:Index=\"{}\"><Data ss:Type=\"String\">{text}</Data></Cell>", at + 1)
        };
        format!("<Row>{}</Row>", filled.map(cell).collect::<String>())
    };
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let workbook = format!(
        "<?xml version=\"1.0\"?><Workbook xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\">\
         <Worksheet ss:Name=\"Accounting\"><Table>{}{}{}</Table></Worksheet></Workbook>",
        row(&labels),
        row(&plain),
        row(&open)
    );
    let delimited = [labels.as_slice(), &plain, &open].map(|line| line.join(";")).join("\n");
    for sheet in [workbook, delimited] {
        let live = answers(&[(SUPPLIES, PAGE.as_bytes()), (SHEET, sheet.as_bytes())]);
        let (masked, _) = without("ews_html", &live, NAMES);
        let read = rows("ews_html", &live);
        assert!(read.iter().any(|row| row.starts_with("P19 ")), "{read:?}");
        assert_eq!(rows("ews_html", &masked), read);
    }
}

#[test]
fn a_page_of_settings_shows_the_printer_and_nothing_that_somebody_set() {
    let page = "<html><head><title>HP Latex 0330 - Setup</title></head><body><table>\
        <tr><td>Model:</td><td>HP Latex 0330</td></tr><tr><td>Product number:</td><td>X1A23A</td></tr>\
        <tr><td>Serial number:</td><td> tst0000330 </td></tr><tr><td>Firmware version:</td><td>TLX_01_02</td></tr>\
        <tr><td>UUID:</td><td>urn:uuid:0B8F4597-ADBC-4B14-8637-000000000330</td></tr>\
        <tr><td>Contact:</td><td>Ida</td></tr><tr><td>Kontakt</td><td>Grete Weber</td></tr>\
        <tr><td>Host name</td><td>plotter-9</td></tr><tr><td>Location</td><td>Keller links</td></tr>\
        <tr><td>Asset number</td><td>40815</td></tr><tr><td>User</td><td><input name=x value=weber></td></tr>\
        </table><form><input name=jobname value=rathaus_nord.pdf><input type=text name=location value=Hof/>\
        <select name=user><option value=kurt selected>Kurt</select></form></body></html>";
    let live = answers(&[(SUPPLIES, PAGE.as_bytes()), (SETUP, page.as_bytes())]);
    let hidden =
        ["Ida<", "Weber", "plotter-9", "Keller", "40815", "rathaus", "value=Hof", "kurt", "tst0000330", "0B8F"];
    let (masked, text) = without("ews_html", &live, &hidden);
    assert!(text.contains("<td>HP Latex 0330</td>") && text.contains("Host name"), "{text}");
    assert_eq!(rows("ews_html", &masked), rows("ews_html", &live));
}

#[test]
fn an_unknown_document_of_jobs_keeps_its_elements_and_its_numbers() {
    let status = "<Serviceability><Printer_Status><PrintEngine><Status>Idle</Status></PrintEngine></Printer_Status>\
        </Serviceability>";
    let jobs = "<Serviceability><JOBS_ACCOUNTING_INFO><Job Owner=\"Weber\"><User>weber</User>\
        <Title>Rathaus Nord</Title><Where>Keller</Where><Zeta Eta=\"Ida Weber\">Grete</Zeta><Account>40815</Account>\
        <Status>printed</Status>\
        <Pages>3</Pages><Media>Gloss vinyl</Media><Name><![CDATA[Schule]]></Name></Job></JOBS_ACCOUNTING_INFO>\
        </Serviceability>";
    let hidden = ["weber", "Rathaus", "Keller", "Ida", "Grete", "40815", "Schule"];
    for key in [JOBS_OF_XML, "/hp/device/webAccess/open_usage.xml"] {
        let live = answers(&[(STATUS, status.as_bytes()), (key, jobs.as_bytes())]);
        let (masked, text) = without("ews_xml", &live, &hidden);
        for kept in ["<Where>", "Eta=", "<Status>printed</Status>", "<Pages>3</Pages>", "<Media>Gloss vinyl</Media>"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert_eq!(rows("ews_xml", &masked), rows("ews_xml", &live));
    }
}

/// An IPP attribute: tag, name, value.
fn attribute(tag: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let counted = |bytes: &[u8]| [&u16::try_from(bytes.len()).expect("short").to_be_bytes()[..], bytes].concat();
    [vec![tag], counted(name.as_bytes()), counted(value)].concat()
}

#[test]
fn an_ipp_text_that_is_no_utf_8_or_has_a_wrong_length_is_masked_in_its_place() {
    let jobs = [
        vec![1, 1, 0, 0, 0, 0, 0, 1, 2],
        attribute(0x42, "job-name", b"B\xfcro M\xfcller"),
        attribute(0x42, "job-originating-user-name", b"M\xf6ller"),
        // The length is that of the language; the text stands behind what it counts.
        attribute(0x36, "job-account-id", b"\x00\x02de"),
        b"\x00\x05Weber".to_vec(),
        attribute(0x21, "job-id", &[0, 0, 0, 7]),
        vec![3],
        b"Weber".to_vec(),
    ]
    .concat();
    let live = answers(&[("ipp/get-jobs", jobs.as_slice())]);
    let (masked, _) = without("ipp", &live, &["ller", "B\u{fc}ro", "Weber"]);
    let Some(Answer::Body { body, .. }) = masked.get("ipp/get-jobs") else { panic!("recorded") };
    assert_eq!(body.len(), jobs.len());
    let has = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    assert!(has(b"job-originating-user-name") && has(&attribute(0x21, "job-id", &[0, 0, 0, 7])), "{body:?}");
    assert!(has(b"xxxxxxxxx1") || has(b"xxxxxxxxx2") || has(b"xxxxxxxxx3"), "masks differ by their ends");
}

#[test]
fn addresses_are_masked_in_the_middle_of_texts_and_objects_are_none() {
    let json = r#"{"Note": "at fe80::1a2b:3cff:fe4d:5e6f (IP:10.2.1.4), then 203.0.113.77.",
        "Other": "00:1a:2b:3c:4d:5e", "Id": "001A2B3C4D5E",
        "Mask": "255.255.255.0", "Object": "1.3.6.1", "At": "10:11:12"}"#;
    let live = answers(&[("/LFPWebServices/PI/Identification.json", json.as_bytes())]);
    let hidden = ["fe80", "5e6f", "10.2.1.4", "203.0.113", "1a:2b", "1A2B3C"];
    let (_, text) = without("piws", &live, &hidden);
    for kept in ["255.255.255.0", "\"1.3.6.1\"", "10:11:12", "111.1.111.11.\""] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    let lines = "1.3.6.1.2.1.1.1.0|4|at 10.2.1.4\n1.3.6.1.2.1.43.10.2.1.4.1.1|65|5\n";
    let (_, text) = without("snmp", &answers(&[("snmp/1.3.6.1", lines.as_bytes())]), &["at 10.2.1.4"]);
    assert!(text.contains("1.3.6.1.2.1.43.10.2.1.4.1.1|65|5\n"), "{text}");
}
