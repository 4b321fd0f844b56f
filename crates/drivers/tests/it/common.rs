//! What the tests of all drivers share: cases in folders, recordings, reports as lines.

use drivers::{Answer, Answers, Driver, Request, limits};
use report::{
    Area, Defect, Duration, Filled, Ink, Instant, Job, Length, Report, RowId, Share, Unit, Value, walk, walk_job,
};
use std::path::{Path, PathBuf};

/// When the tests read: 2026-10-31T00:00:00Z.
pub(crate) const READ_AT: Instant = Instant(1_793_404_800_000);

/// The file of a case that holds what must come out.
const EXPECTED: &str = "expected.txt";

/// The content type of a file of a case.
const CONTENT_TYPES: &[(&str, &str)] = &[
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ipp", "application/ipp"),
    ("json", "application/json"),
    ("jsp", "text/html"),
    ("snmprec", "text/x-snmprec"),
    ("xls", "application/vnd.ms-excel"),
    ("xml", "text/xml"),
];

/// Where the cases of a driver stand.
pub(crate) fn cases_folder(driver: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(driver).join("testcases")
}

/// The names of the cases of a driver, sorted.
pub(crate) fn cases(driver: &str) -> Vec<String> {
    let entries = std::fs::read_dir(cases_folder(driver)).expect("the folder of cases");
    let entries = entries.map(|entry| entry.expect("an entry"));
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().expect("a plain name")).collect();
    names.sort();
    assert!(!names.is_empty(), "{driver} has no cases");
    names
}

/// The answers that the files of a case are. A file with an empty key is none.
pub(crate) fn case_answers(driver: &str, case: &str, key_of_file: fn(&str) -> String) -> Answers {
    let folder = cases_folder(driver).join(case);
    let mut answers = Answers::new();
    for entry in std::fs::read_dir(&folder).expect("the folder of a case") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let key = key_of_file(name);
        if name == EXPECTED || key.is_empty() {
            continue;
        }
        let end = name.rsplit('.').next().unwrap_or_default();
        let known = CONTENT_TYPES.iter().find(|(known, _)| *known == end);
        let content_type = known.map_or("application/octet-stream", |(_, content_type)| *content_type);
        let bytes = std::fs::read(&path).expect("a file of a case");
        assert!(answers.insert(key, body(content_type, &bytes)).is_none(), "{case}/{name} is there twice");
    }
    assert!(!answers.is_empty(), "{case} has no answers");
    answers
}

/// Reads every case of a driver, its files as answers, and holds it to its expected rows.
pub(crate) fn check_cases(driver: &Driver, key_of_file: fn(&str) -> String) {
    for case in cases(driver.name) {
        let (report, defects) = (driver.read)(&case_answers(driver.name, &case, key_of_file), READ_AT);
        check_expected(driver.name, &case, &lines(&report, &defects));
    }
}

/// Holds what was found to the expected rows of a case, which every case has; `BLESS=1` writes them.
pub(crate) fn check_expected(driver: &str, case: &str, found: &str) {
    let file = cases_folder(driver).join(case).join(EXPECTED);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, found).expect("the expected rows are written");
        return;
    }
    let expected = std::fs::read_to_string(&file);
    let expected = expected.unwrap_or_else(|error| panic!("{driver} {case}: read {EXPECTED}: {error}"));
    assert_eq!(found, expected, "{driver} {case}");
}

/// One recorded file, below the folder of recordings; `None`, said aloud, where there is no such folder.
pub(crate) fn recording(path: &str) -> Option<Vec<u8>> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = std::env::var_os("PLOTMETER_RECORDINGS").map_or_else(default, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("skipped: recordings absent ({path})");
        return None;
    }
    let file = folder.join(path);
    Some(std::fs::read(&file).unwrap_or_else(|error| panic!("read the recording {}: {error}", file.display())))
}

/// Asks a printer until nothing is left, as an agent does: each thing once.
pub(crate) fn ask(driver: &Driver, mut serve: impl FnMut(&Request) -> Answer) -> Answers {
    let mut answers = Answers::new();
    loop {
        let requests = (driver.next)(&answers);
        if requests.is_empty() {
            return answers;
        }
        for request in requests {
            let before = answers.insert(request.key.clone(), serve(&request));
            assert!(before.is_none(), "{} is asked twice", request.key);
        }
        assert!(answers.len() <= limits::REQUESTS_MAX);
    }
}

/// A timestamp, as a row that is filled has it.
pub(crate) fn instant(text: &str) -> Option<Instant> {
    Some(Instant::parse(text).expect("a timestamp"))
}

/// An answer with status 200.
pub(crate) fn body(content_type: &str, bytes: &[u8]) -> Answer {
    Answer::Body { status: 200, content_type: content_type.to_owned(), body: bytes.to_vec() }
}

/// One line a filled row: `P18 [cyan] 5450000 nl`, with ` derived` where the row was computed. Jobs follow,
/// each after a line of its own.
pub(crate) fn rows(report: &Report) -> String {
    let bare = |(job, _): &(Job, Vec<Defect>)| (job.clone(), Vec::new());
    let without_defects = Report { jobs: report.jobs.iter().map(bare).collect(), ..report.clone() };
    lines(&without_defects, &[])
}

/// The rows, and the defects after them: those of a job after its rows.
pub(crate) fn lines(report: &Report, defects: &[Defect]) -> String {
    let mut text = String::new();
    let head = Report { jobs: Vec::new(), ..report.clone() };
    for filled in walk(&head) {
        text.push_str(&format!("{}\n", line(&filled, report)));
    }
    for (index, (job, defects)) in report.jobs.iter().enumerate() {
        text.push_str(&format!("job {}\n", index + 1));
        for filled in walk_job(job) {
            let derived = if category_is_derived(job, &filled) { " (category derived)" } else { "" };
            text.push_str(&format!("{}{derived}\n", line(&filled, report)));
        }
        defects.iter().for_each(|defect| text.push_str(&defect_line(defect)));
    }
    defects.iter().for_each(|defect| text.push_str(&defect_line(defect)));
    text
}

fn line(filled: &Filled, report: &Report) -> String {
    let mut line = filled.row.to_string();
    if !filled.item.is_empty() {
        line.push_str(&format!(" [{}]", filled.item));
    }
    line.push_str(&format!(" {}", plain(&filled.value)));
    let unit = filled.row.row().unit;
    if !matches!(unit, Unit::Text | Unit::Instant | Unit::Flag) {
        line.push_str(&format!(" {}", unit.label()));
    }
    let source = report.sources.get(&filled.row);
    if source.unwrap_or_else(|| panic!("{} has no source", filled.row)).derived {
        line.push_str(" derived");
    }
    line
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Area(Area(number))
        | Value::Length(Length(number))
        | Value::Ink(Ink(number))
        | Value::Duration(Duration(number))
        | Value::Share(Share(number))
        | Value::Count(number) => number.to_string(),
        Value::Instant(instant) => instant.to_string(),
        Value::Flag(flag) => flag.to_string(),
    }
}

fn category_is_derived(job: &Job, filled: &Filled) -> bool {
    let mut uses = job.print.iter().flat_map(|print| &print.categories);
    let in_category = matches!(filled.row, RowId::P21 | RowId::P22 | RowId::P23 | RowId::P24);
    in_category && uses.any(|part| part.category.id() == filled.item && part.derived)
}

fn defect_line(defect: &Defect) -> String {
    let row = defect.row.map_or(String::new(), |row| format!("{row} "));
    format!("defect {row}{}\n", defect.what)
}

/// Each defect as `row what`.
pub(crate) fn whats(defects: &[Defect]) -> Vec<String> {
    defects.iter().map(|defect| defect_line(defect).trim_start_matches("defect ").trim_end().to_owned()).collect()
}
