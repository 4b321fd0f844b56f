//! What fuzzers and the corpus test run: any bytes as what a printer answers, and what holds whatever they are.
//!
//! An input is one byte and then parts with [`SPLIT`] between them. Each part is the next answer: a letter for
//! its kind, then its body. Bit n of the byte says whether the n-th request of each eight is answered by a
//! part; the first one always is, since nothing else is asked before it. Deliberately absent: files, clocks
//! and anything that differs between two runs, so that a crash is a crash again.

use drivers::merge::{Heard, Memory, merge};
use drivers::{Answer, Answers, Ask, DRIVERS, Driver, Request, driver, is_asleep, limits};
use report::{Area, Defect, Duration, Filled, Ink, Instant, Job, Length, Report, RowId, Share, Value, walk, walk_job};

/// What a target read: reports with their defects.
pub(crate) type Read = Vec<(Report, Vec<Defect>)>;

/// Each target by its name, which is the name of its folder in the corpus.
pub(crate) const TARGETS: &[(&str, fn(&[u8]) -> Read)] = &[
    ("accounting", target_accounting),
    ("document", target_document),
    ("ews_html", target_ews_html),
    ("ews_xml", target_ews_xml),
    ("ipp", target_ipp),
    ("ledm", target_ledm),
    ("merge", target_merge),
    ("piws", target_piws),
    ("snmp", target_snmp),
];

/// What stands between two parts of an input.
pub(crate) const SPLIT: &[u8] = b"\n--8<--\n";

/// When the targets read: 2026-10-31T00:00:00Z.
const READ_AT: Instant = Instant(1_793_404_800_000);

/// The letter of an answer with status 200, and its content type.
pub(crate) const KINDS: &[(u8, &str)] = &[
    (b'e', "application/vnd.ms-excel"),
    (b'h', "text/html; charset=utf-8"),
    (b'i', "application/ipp"),
    (b'j', "application/json"),
    (b's', "text/x-snmprec"),
    (b'x', "text/xml"),
];

/// The printer that PIWS is asked of where one document of it is what matters.
const IDENTIFICATION: &[u8] =
    br#"{"Identification":{"Fields":{"ModelName":"Testplotter 24","SerialNumber":"TST0000001"}}}"#;

/// Characters of the words around what is quoted, in a defect.
const DEFECT_CHARS_MAX: usize = 4 * limits::TEXT_MAX;
/// Bytes of a path, or of an IPP request; ours are far shorter.
const ASKED_BYTES_MAX: usize = 1_024;
/// Rows of which the walk joins several texts.
const JOINED: &[RowId] = &[RowId::S2, RowId::S23, RowId::S26];

/// The JSON and XML reader: one document as the answer to one resource of PIWS.
pub(crate) fn target_document(data: &[u8]) -> Read {
    let Some((choice, body)) = data.split_first() else { return Vec::new() };
    let wanted = 1 + usize::from(choice & 0x0f);
    let content_type = if choice & 0x80 == 0 { "application/json" } else { "text/xml" };
    drive("piws", |number, _| match number {
        0 => found("application/json", IDENTIFICATION),
        number if number == wanted => found(content_type, body),
        _ => status(404),
    })
}

/// The PIWS driver on a whole conversation.
pub(crate) fn target_piws(data: &[u8]) -> Read {
    conversation("piws", data)
}

/// The LEDM driver on a whole conversation.
pub(crate) fn target_ledm(data: &[u8]) -> Read {
    conversation("ledm", data)
}

/// The XML of the older web server.
pub(crate) fn target_ews_xml(data: &[u8]) -> Read {
    conversation("ews_xml", data)
}

/// The pages of the older web server.
pub(crate) fn target_ews_html(data: &[u8]) -> Read {
    conversation("ews_html", data)
}

/// IPP responses: attributes and jobs.
pub(crate) fn target_ipp(data: &[u8]) -> Read {
    conversation("ipp", data)
}

/// SNMP walks as texts.
pub(crate) fn target_snmp(data: &[u8]) -> Read {
    conversation("snmp", data)
}

/// The accounting table of the older web server, in whichever of its forms: the whole input is the file, and
/// every other page is the first of the input's parts, or nothing.
pub(crate) fn target_accounting(data: &[u8]) -> Read {
    let (page, table) = match split(data).as_slice() {
        [page, table, ..] => (*page, *table),
        _ => (&[][..], data),
    };
    drive("ews_html", |_, request| {
        if request.key.contains("accounting.xls") { found("application/vnd.ms-excel", table) } else { answer(page) }
    })
}

/// Two interfaces of one printer, and what was remembered of them.
///
/// The first byte chooses the two and whether they were asked over the same connection, the second byte is
/// the mask of [`conversation`], the first part is the memory.
pub(crate) fn target_merge(data: &[u8]) -> Read {
    let [choice, mask, rest @ ..] = data else { return Vec::new() };
    let (same_over, choice) = (choice & 0x40 != 0, usize::from(choice & 0x3f));
    let (first, second) = pair(choice);
    let mut parts = split(rest).into_iter();
    let memory = Memory::parse(&String::from_utf8_lossy(parts.next().unwrap_or_default()));
    let mut said = Vec::new();
    for chosen in [first, second] {
        let answers = ask(chosen, &mut |number, _| served(*mask, number, &mut parts));
        said.push((chosen, read(chosen, &answers)));
    }
    let heard = |order: [usize; 2]| {
        let one = |number: usize| {
            let (chosen, (report, defects)) = &said[number];
            let over = format!("192.0.2.1:{}", if same_over { 0 } else { number });
            Heard { driver: chosen, over, report: report.clone(), defects: defects.clone() }
        };
        Vec::from(order.map(one))
    };
    let merged = merge(heard([0, 1]), &memory);
    assert!(merged == merge(heard([1, 0]), &memory), "the order of two interfaces makes a difference");
    let text = merged.memory.to_text();
    assert_eq!(Memory::parse(&text).to_text(), text, "what is remembered is not read as it was written");
    for driver in &merged.drivers {
        assert!([first.name, second.name].contains(driver), "{driver} was not asked");
    }
    let rows: Vec<RowId> = first.rows.iter().chain(second.rows).copied().collect();
    check(&rows, &merged.report, &merged.defects, 3 * (limits::DEFECTS_MAX + 1));
    vec![(merged.report, merged.defects)]
}

/// Two different drivers.
pub(crate) fn pair(choice: usize) -> (&'static Driver, &'static Driver) {
    let count = DRIVERS.len();
    let first = choice % count;
    let second = (first + 1 + choice / count % (count - 1)) % count;
    (DRIVERS[first], DRIVERS[second])
}

/// The parts of an input.
pub(crate) fn split(data: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), data);
    while let Some(at) = rest.windows(SPLIT.len()).position(|window| window == SPLIT) {
        parts.push(&rest[..at]);
        rest = &rest[at + SPLIT.len()..];
    }
    parts.push(rest);
    parts
}

/// A whole conversation with one driver.
fn conversation(name: &str, data: &[u8]) -> Read {
    let Some((mask, rest)) = data.split_first() else { return Vec::new() };
    let mut parts = split(rest).into_iter();
    drive(name, |number, _| served(*mask, number, &mut parts))
}

/// The answer to the request of this number, as the mask says it.
fn served<'a>(mask: u8, number: usize, parts: &mut impl Iterator<Item = &'a [u8]>) -> Answer {
    let is_served = number == 0 || (mask >> (number % 8)) & 1 == 1;
    let part = if is_served { parts.next() } else { None };
    part.map_or_else(|| status(404), answer)
}

/// Asks a driver's requests, reads what `serve` answers, and checks both.
fn drive(name: &str, mut serve: impl FnMut(usize, &Request) -> Answer) -> Read {
    let driver = driver(name).expect("every target's driver stands in the list");
    let answers = ask(driver, &mut serve);
    vec![read(driver, &answers)]
}

/// Asks until the driver wants nothing more.
pub(crate) fn ask(driver: &Driver, serve: &mut dyn FnMut(usize, &Request) -> Answer) -> Answers {
    let mut answers = Answers::new();
    loop {
        let wanted = (driver.next)(&answers);
        if wanted.is_empty() {
            return answers;
        }
        assert!(!answers.is_empty() || wanted.len() == 1, "more than one request before the printer is known");
        for request in wanted {
            check_request(&request);
            let answer = serve(answers.len(), &request);
            let before = answers.insert(request.key, answer);
            assert!(before.is_none(), "{} asks for one thing twice", driver.name);
        }
        assert!(answers.len() <= limits::REQUESTS_MAX, "{} asks without an end", driver.name);
    }
}

/// A request is one that only reads, of the printer and nobody else.
fn check_request(request: &Request) {
    let key = &request.key;
    match &request.ask {
        Ask::Get(_) | Ask::GetWithLogin(_) => {
            let is_plain = key.bytes().all(|byte| byte.is_ascii_graphic()) && key.len() <= ASKED_BYTES_MAX;
            assert!(is_plain && key.starts_with('/') && !key.starts_with("//"), "not a plain path: {key:?}");
        }
        Ask::Ipp(operation) => {
            assert_eq!(*key, operation.key());
            let sent = operation.encode("ipps://192.0.2.1:631/ipp/print", 1);
            assert!(sent.len() <= ASKED_BYTES_MAX, "{} bytes are sent for {key}", sent.len());
        }
        Ask::Walk(root) => assert_eq!(*key, format!("snmp/{root}")),
    }
}

/// The answer that a part is.
fn answer(part: &[u8]) -> Answer {
    let Some((kind, body)) = part.split_first() else { return status(404) };
    match kind {
        b'4' => status(404),
        b'5' => Answer::Body { status: 500, content_type: "text/html".to_owned(), body: body.to_vec() },
        b'r' => Answer::Elsewhere { status: 302, location: String::from_utf8_lossy(body).into_owned() },
        b'f' => Answer::Failed("did not answer in time".to_owned()),
        b'n' => Answer::NotAsked("no login is configured".to_owned()),
        kind => {
            let known = KINDS.iter().find(|(letter, _)| letter == kind);
            found(known.map_or("", |(_, content_type)| *content_type), body)
        }
    }
}

fn found(content_type: &str, body: &[u8]) -> Answer {
    Answer::Body { status: 200, content_type: content_type.to_owned(), body: body.to_vec() }
}

fn status(status: u16) -> Answer {
    Answer::Body { status, content_type: String::new(), body: Vec::new() }
}

/// Reads answers twice, and checks what was read.
fn read(driver: &Driver, answers: &Answers) -> (Report, Vec<Defect>) {
    let identified = (driver.identify)(answers);
    assert_eq!(identified, (driver.identify)(answers), "{} is of two minds about the printer", driver.name);
    // Whatever it says, it says so without a panic.
    let _asleep = is_asleep(answers);
    let (report, defects) = (driver.read)(answers, READ_AT);
    let again = (driver.read)(answers, READ_AT);
    assert!(again.0 == report && again.1 == defects, "{} reads one thing in two ways", driver.name);
    check(driver.rows, &report, &defects, limits::DEFECTS_MAX + 1);
    (report, defects)
}

/// What holds of every report. One more defect than the limit says how many were left out.
fn check(rows: &[RowId], report: &Report, defects: &[Defect], defects_max: usize) {
    assert!(defects.len() <= defects_max, "{} defects", defects.len());
    defects.iter().for_each(check_defect);
    let jobs_max = limits::JOBS_MAX * limits::QUEUES_MAX;
    assert!(report.jobs.len() <= jobs_max, "{} jobs", report.jobs.len());
    for filled in walk(report) {
        assert!(rows.contains(&filled.row), "{} is filled, and is none of the rows that are told", filled.row);
        assert!(report.sources.contains_key(&filled.row), "{} has no source", filled.row);
        check_filled(&filled);
    }
    for (job, defects) in &report.jobs {
        check_job(job, defects);
    }
    // The rows of which the walk joins several texts, each by itself.
    for head in &report.status.printheads {
        head.colours.iter().for_each(|colour| check_text(colour, limits::TEXT_MAX));
    }
    for media in &report.settings.media_types {
        media.names.iter().for_each(|(language, name)| {
            check_text(language, limits::TEXT_MAX);
            check_text(name, limits::TEXT_MAX);
        });
    }
    for accessory in &report.settings.accessories {
        check_text(&accessory.name, limits::TEXT_MAX);
        accessory.status.iter().for_each(|status| check_text(status, limits::TEXT_MAX));
    }
}

fn check_job(job: &Job, defects: &[Defect]) {
    assert!(defects.len() <= limits::DEFECTS_MAX + 1, "{} defects of a job", defects.len());
    defects.iter().for_each(check_defect);
    walk_job(job).iter().for_each(check_filled);
}

fn check_defect(defect: &Defect) {
    check_text(&defect.what, DEFECT_CHARS_MAX);
}

fn check_filled(filled: &Filled) {
    // The walk adds a word to some items.
    check_text(&filled.item, limits::TEXT_MAX + 16);
    let number = match &filled.value {
        Value::Text(text) => {
            check_text(text, if JOINED.contains(&filled.row) { usize::MAX } else { limits::TEXT_MAX });
            0
        }
        Value::Area(Area(number))
        | Value::Length(Length(number))
        | Value::Ink(Ink(number))
        | Value::Duration(Duration(number))
        | Value::Share(Share(number))
        | Value::Count(number) => *number,
        Value::Instant(_) | Value::Flag(_) => 0,
    };
    assert!(number >= 0, "{} is {number}: what stands for not known must be absent", filled.row);
}

/// A text is short, and does nothing to a terminal.
fn check_text(text: &str, chars_max: usize) {
    assert!(text.chars().nth(chars_max).is_none(), "a text of more than {chars_max} characters: {text:.100}");
    assert!(!text.chars().any(char::is_control), "a text with control characters: {text:?}");
}
