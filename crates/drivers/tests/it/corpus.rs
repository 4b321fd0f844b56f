//! What fuzzing found, and seeds of our own: every file of `fuzz/corpus` is read again by its target.
//!
//! `SEED=1` writes the seeds anew, from the cases of the drivers. Deliberately absent: a fuzzer, which
//! `fuzz/run` is; here every input is known beforehand.

#[path = "fuzz.rs"]
mod fuzz;

use crate::common::{cases, cases_folder};
use drivers::{Answer, Ask, Driver, Request, driver};
use fuzz::{KINDS, Read, SPLIT, TARGETS};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// Files of one target.
const FILES_MAX: usize = 40;
/// Bytes of one file.
const BYTES_MAX: usize = 4_096;
/// Altered copies of each file that are read besides.
const ALTERED: u64 = 4;
/// An input of the corpus is read within milliseconds; on a busy machine, in an unoptimised build, within this.
const ENDS_WITHIN: Duration = Duration::from_secs(60);
/// A conversation in which every request is answered.
const EVERY_REQUEST: u8 = 0xff;
/// The part of an answer that there is no such thing.
const NOT_FOUND: &[u8] = b"4";

/// What the cases of PIWS leave to their test: the request's key ends so, the document.
const DEFAULTS: &[(&str, &str)] = &[
    (
        "/Identification.json",
        r#"{"Identification":{"Fields":{"ModelName":"Testplotter 24","SerialNumber":"TST0000001"}}}"#,
    ),
    ("/JQ/JobQueueCollection", r#"{"JobQueueCollection":{"Queue":{"URI":"/LFPWebServices/PI/JQ/JobQueue/1"}}}"#),
];
/// Files of cases whose name does not stand in their request's key: the file, what does.
const NAMED_OTHERWISE: &[(&str, &str)] = &[("jobqueuesnapshot", "jobsall")];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

/// The files of a target, sorted.
fn files(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(corpus().join(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(&path).expect("a file of the corpus"))).collect()
}

#[test]
fn every_input_that_ever_broke_a_reader_is_read_to_its_end() {
    let (mut broken, mut count) = (Vec::new(), 0);
    for (target, run) in TARGETS {
        for (path, data) in files(target) {
            count += 1;
            if !holds(*run, &data, &path.display().to_string()) {
                broken.push(path);
            }
        }
    }
    assert!(broken.is_empty(), "of {count} files these broke their target: {broken:#?}");
    println!("{count} files of the corpus were read");
}

#[test]
fn what_is_cut_short_or_altered_anywhere_is_read_to_its_end() {
    for (target, run) in TARGETS {
        for (path, data) in files(target) {
            for round in 0..ALTERED {
                let name = format!("{} altered, round {round}", path.display());
                assert!(holds(*run, &altered(&data, round), &name), "{name}");
            }
        }
        for data in [&b""[..], b"\0", b"\xff", b"\xff\xff", SPLIT, b"\xffj\n--8<--\n\n--8<--\nx<a"] {
            let name = format!("{target} on {data:?}");
            assert!(holds(*run, data, &name), "{name}");
        }
    }
}

#[test]
fn the_corpus_is_small_and_every_reader_has_one() {
    if std::env::var_os("SEED").is_some() {
        write_seeds();
    }
    for (target, _) in TARGETS {
        assert!(!files(target).is_empty(), "{target} has no corpus: fuzz/run --seed writes one");
    }
    for folder in std::fs::read_dir(corpus()).expect("the corpus") {
        let name = folder.expect("an entry").file_name().into_string().expect("a plain name");
        let files = files(&name);
        assert!(files.len() <= FILES_MAX, "{name} has {} files: fuzz/run --minimise {name}", files.len());
        for (path, data) in files {
            assert!(data.len() <= BYTES_MAX, "{} has {} bytes", path.display(), data.len());
        }
    }
}

#[test]
fn an_input_is_split_where_it_says_so() {
    let check = |data: &[u8], parts: &[&[u8]]| assert_eq!(fuzz::split(data), parts);
    check(b"", &[b""]);
    check(b"a", &[b"a"]);
    check(b"a\n--8<--\n\n--8<--\nb", &[b"a", b"", b"b"]);
    for choice in 0..64 {
        let (first, second) = fuzz::pair(choice);
        assert_ne!(first.name, second.name, "{choice}");
    }
}

/// Whether a target comes to its end without a panic, which is printed where it happens. One that runs on is named:
/// it would hang the tests without saying on what.
fn holds(run: fn(&[u8]) -> Read, data: &[u8], name: &str) -> bool {
    let (ended, end) = mpsc::channel();
    let data = data.to_vec();
    let reading = std::thread::spawn(move || {
        drop(run(&data));
        // Nobody waits any more when it comes too late.
        ended.send(()).unwrap_or_default();
    });
    match end.recv_timeout(ENDS_WITHIN) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name}: it does not end within {ENDS_WITHIN:?}"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => reading.join().is_ok(),
    }
}

/// A copy with one thing altered: cut short, a byte changed, a piece left out, a piece said twice.
fn altered(data: &[u8], round: u64) -> Vec<u8> {
    let mut state = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ data.len() as u64;
    let mut below = |limit: usize| {
        // xorshift64*: any spread will do.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0) % limit.max(1)
    };
    let from = below(data.len());
    let to = (from + 1 + below(64)).min(data.len());
    let (before, piece, after) = (&data[..from], &data[from..to], &data[to..]);
    let mut altered = before.to_vec();
    match round % 4 {
        0 => {}
        1 => {
            altered.extend_from_slice(&data[from..]);
            altered.iter_mut().skip(from).take(1).for_each(|byte| *byte ^= 1_u8 << below(8));
        }
        2 => altered.extend_from_slice(after),
        _ => altered.extend([piece, piece, after].concat()),
    }
    altered
}

// Seeds.

/// A file of a case: its name, its bytes.
type CaseFile = (String, Vec<u8>);

/// Writes the seeds of every target from the drivers' cases, in place of the corpus that is there.
fn write_seeds() {
    for (target, _) in TARGETS {
        let mut seeds: Vec<(String, Vec<u8>)> = match *target {
            "accounting" => accounting_seeds(),
            "document" => document_seeds(),
            "merge" => merge_seeds(),
            name => conversation_seeds(name),
        };
        seeds.retain(|(_, data)| data.len() <= BYTES_MAX);
        // Whole conversations first: their names sort before those of single documents.
        seeds.sort();
        seeds.truncate(FILES_MAX);
        let folder = corpus().join(target);
        if folder.is_dir() {
            std::fs::remove_dir_all(&folder).expect("the old corpus goes");
        }
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, data) in seeds {
            std::fs::write(folder.join(name), data).expect("a seed is written");
        }
    }
}

/// One seed for each case where it is short enough, and one for each of its documents alone.
fn conversation_seeds(name: &str) -> Vec<(String, Vec<u8>)> {
    let driver = driver(name).expect("a driver");
    let mut seeds = Vec::new();
    for case in cases(name) {
        let files = case_files(name, &case);
        seeds.push((format!("0-{case}"), conversation(driver, &files)));
        for file in &files {
            let plain: String = file.0.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
            seeds.push((format!("1-{case}-{plain}"), conversation(driver, std::slice::from_ref(file))));
        }
    }
    seeds
}

fn conversation(driver: &Driver, files: &[CaseFile]) -> Vec<u8> {
    let mut parts = parts(driver, files, usize::MAX);
    // What is not answered need not be said at the end.
    while parts.last().is_some_and(|part| part == NOT_FOUND) {
        parts.pop();
    }
    let mut data = vec![EVERY_REQUEST];
    data.extend(parts.join(SPLIT));
    data
}

/// The parts with which a driver reads the files of a case: as many as it asks for, the first `most` of them
/// with an answer.
fn parts(driver: &Driver, files: &[CaseFile], most: usize) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    fuzz::ask(driver, &mut |number, request| {
        let part = if number < most { part(driver, request, files) } else { NOT_FOUND.to_vec() };
        let answer = match part.split_first() {
            Some((b'4', _)) | None => Answer::Body { status: 404, content_type: String::new(), body: Vec::new() },
            Some((kind, body)) => {
                let known = KINDS.iter().find(|(letter, _)| letter == kind).expect("a kind of ours");
                Answer::Body { status: 200, content_type: known.1.to_owned(), body: body.to_vec() }
            }
        };
        parts.push(part);
        answer
    });
    parts
}

/// The part that answers a request: a walk by all lines below its root, anything else by the file whose name
/// stands in its key; before the printer is known, by such a file of any case.
fn part(driver: &Driver, request: &Request, files: &[CaseFile]) -> Vec<u8> {
    if let Ask::Walk(root) = request.ask {
        return walked(root, files);
    }
    let own = files.iter().filter_map(|file| Some((fit(&file.0, &request.key)?, file)));
    if let Some((_, file)) = own.max_by_key(|(fit, _)| *fit) {
        return squeezed(file);
    }
    if let Some((_, body)) = DEFAULTS.iter().find(|(end, _)| request.key.ends_with(end)) {
        return format!("j{body}").into_bytes();
    }
    let leads = ["DiscoveryTree", "ProductConfigDyn", "open_status", "supplies", "get-printer-attributes"];
    if !leads.iter().any(|lead| request.key.contains(lead)) {
        return NOT_FOUND.to_vec();
    }
    let cases = cases(driver.name);
    let mut others = cases.iter().flat_map(|case| case_files(driver.name, case));
    let other = others.find(|file| fit(&file.0, &request.key).is_some());
    other.map_or_else(|| NOT_FOUND.to_vec(), |file| squeezed(&file))
}

/// How well the name of a file fits a key: the more of it stands there the better. A spreadsheet is no page of
/// the same name.
fn fit(name: &str, key: &str) -> Option<usize> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "");
    let is_page_for_sheet = key.contains(".xls") && !name.contains(".xls");
    let stem = if is_page_for_sheet { name } else { name.rsplit_once('.').map_or(name, |(stem, _)| stem) };
    let (stem, key) = (plain(stem), plain(key));
    let otherwise = NAMED_OTHERWISE.iter().find(|(file, _)| *file == stem).map(|(_, key)| (*key).to_owned());
    let names = [plain(name), otherwise.unwrap_or(stem)];
    names.iter().filter(|name| !name.is_empty() && key.contains(*name)).map(String::len).max()
}

/// The lines of the snmprec files of a case below a root.
fn walked(root: &str, files: &[CaseFile]) -> Vec<u8> {
    let below = format!("{root}.");
    let mut text = "s".to_owned();
    for (_, bytes) in files.iter().filter(|(name, _)| name.ends_with("snmprec")) {
        let lines = std::str::from_utf8(bytes).unwrap_or("");
        let lines = lines.lines().filter(|line| line.starts_with(&below) || line.starts_with(&format!("{root}|")));
        lines.for_each(|line| text.push_str(&format!("{line}\n")));
    }
    text.into_bytes()
}

/// A file with its letter, and texts without the white space before their lines.
fn squeezed((name, bytes): &CaseFile) -> Vec<u8> {
    let kind = match name.rsplit('.').next() {
        Some("json") => b'j',
        Some("xml") => b'x',
        Some("ipp") => b'i',
        Some("snmprec") => b's',
        Some("xls" | "xlsx" | "csv") => b'e',
        _ => b'h',
    };
    let mut part = vec![kind];
    match std::str::from_utf8(bytes).ok().filter(|_| matches!(kind, b'j' | b'x' | b'h')) {
        Some(text) => part.extend(text.lines().map(str::trim).collect::<Vec<_>>().join("\n").into_bytes()),
        None => part.extend_from_slice(bytes),
    }
    part
}

/// The files of a case, without what must come out.
fn case_files(driver: &str, case: &str) -> Vec<CaseFile> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(cases_folder(driver).join(case)).expect("the folder of a case") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
        if name != "expected.txt" {
            files.push((name, std::fs::read(&path).expect("a file of a case")));
        }
    }
    files.sort();
    files
}

/// Every document of PIWS, as the answer to the fifth thing asked.
fn document_seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = vec![
        ("0-nothing".to_owned(), b"\x04{}".to_vec()),
        ("0-doctype".to_owned(), b"\x84<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".to_vec()),
        ("0-deep".to_owned(), format!("\x04{}", "[".repeat(80)).into_bytes()),
    ];
    for case in cases("piws") {
        for file in case_files("piws", &case) {
            let mut data = squeezed(&file);
            // The choice stands where the letter stood.
            data[0] = if file.0.ends_with(".xml") { 0x84 } else { 0x04 };
            seeds.push((format!("1-{case}-{}", file.0.replace('.', "-")), data));
        }
    }
    seeds
}

/// Every accounting table of the cases, beside the page that says who the printer is.
fn accounting_seeds() -> Vec<(String, Vec<u8>)> {
    let driver = driver("ews_html").expect("a driver");
    let mut seeds = Vec::new();
    for case in cases(driver.name) {
        for file in case_files(driver.name, &case) {
            if file.0.starts_with("accounting") {
                // The first thing that is asked says who answers.
                let lead = parts(driver, &[], 1).into_iter().next().unwrap_or_default();
                let table = squeezed(&file).split_off(1);
                let name = format!("{case}-{}", file.0.replace('.', "-"));
                seeds.push((name, [lead, table].join(SPLIT)));
            }
        }
    }
    seeds
}

/// The first case of each driver beside the first of the next one.
fn merge_seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for choice in 0..30_u8 {
        let (first, second) = fuzz::pair(usize::from(choice));
        let mut said = vec![format!("U15 {}\nU16 {}\n", first.name, second.name).into_bytes()];
        for driver in [first, second] {
            let case = cases(driver.name).swap_remove(0);
            // Short enough for two of them: who it is, and two documents more.
            said.extend(parts(driver, &case_files(driver.name, &case), 3));
        }
        let mut data = vec![choice | if choice % 2 == 0 { 0x40 } else { 0 }, EVERY_REQUEST];
        data.extend(said.join(SPLIT));
        seeds.push((format!("{}-{}", first.name, second.name), data));
    }
    seeds
}
