//! Recordings: everything that a printer answered in one reading, as files that somebody can look at, send to the
//! project, read again without the printer, and turn into a test case of a driver.
//!
//! A recording is a folder with `recording.toml`, which says what was asked and what came of it, and a file for
//! each answer below a folder for each interface; all walks of SNMP are one file that snmpsim serves. What names
//! a person, a place or a device is masked before anything is written. Deliberately absent: the login, the
//! community, certificates and the address that was asked, which no answer holds; and spreadsheets and archives,
//! in which nothing can be masked: those are left out by name.

mod markup;
mod mask;
#[cfg(test)]
mod people;
#[cfg(test)]
mod tests;
mod values;
mod words;

use crate::files::{make_private_folder, read_bounded, write_private};
use crate::printer::{Asked, Known, reason};
use drivers::merge::{Heard, Memory, merge};
use drivers::{Answer, Answers, Channel, Driver, driver, limits};
use mask::{Masks, Secrets};
use report::{Grade, Instant, Report};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use values::{Field, Form, form, rewrite};

/// The form of recording that is written and read.
const FORM: u32 = 1;
/// The file that names all the others.
const INDEX: &str = "recording.toml";
/// The file of all variables.
const VARIABLES: &str = "snmp.snmprec";
/// Bytes of the index.
const INDEX_MAX: u64 = 1 << 20;
/// Answers of one recording.
const ANSWERS_MAX: usize = 1000;
/// Bytes of all answers of one recording, and of the files that they stand in: four times what a printer
/// may answer in one reading.
const BYTES_MAX: usize = 8 * limits::BODY_MAX;
/// The last instant that a recording may name: the end of the year 9999.
const LAST_INSTANT: Instant = Instant(253_402_300_799_999);
/// Characters of a file's name before its end.
const NAME_MAX: usize = 80;
/// What stands at the top of the index.
const HEADING: &str = "# What a printer answered, written by `plotmeter probe --record`.\n\
    # Names, serial numbers and addresses are masked. Look at every file before you give it to anybody.\n\n";
/// Documents that list jobs or what somebody set, in the printer's language or in elements that nobody has described:
/// the driver and a part of the key. Only known words of them are shown.
const HIDDEN: &[(&str, &str)] = &[("ews_html", "accounting"), ("ews_html", "device_setup"), ("ews_xml", "accounting")];
/// The element around the jobs of an `ews_xml` document, whatever its key is.
const JOBS: &str = "JOBS_ACCOUNTING_INFO";
/// What is said of an answer that is not written.
const LEFT_OUT: &str = "was left out of the recording: names inside such a file cannot be masked";

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The folder holds something already.
    #[error("{0} is not empty; name a new folder")]
    NotEmpty(PathBuf),
    /// A file cannot be read or written.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why. It is a part of the text and no source, so that whoever prints the chain says it once.
        why: std::io::Error,
    },
    /// The index or a file that it names is not as recordings are.
    #[error("{path}: {what}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// More names than can be masked at once.
    #[error("the answers hold more names than can be masked; nothing was written")]
    TooMany,
    /// None of the recorded answers is a printer's identification; why not, by interface.
    #[error("no driver recognises a printer in these answers ({0})")]
    Unrecognised(String),
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// How many files, with the index.
    pub files: usize,
    /// What was masked: what it tells, and how many different texts.
    pub masked: Vec<(&'static str, usize)>,
    /// The answers that were left out.
    pub left_out: Vec<String>,
}

/// What a recording holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// When the printer was read.
    pub read_at: Instant,
    /// How well the reading was proved then. A recording proves nothing.
    pub grade: Grade,
    /// What was not asked, and why.
    pub not_asked: Vec<(String, String)>,
    /// The answers, by the driver that asked.
    pub answers: Vec<(&'static str, Answers)>,
    /// The connection that each driver asked over, as far as it is known: equal numbers are one connection.
    pub connections: Vec<(&'static str, u32)>,
}

/// The index as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    form: u32,
    /// Milliseconds since 1970.
    read_at: i64,
    grade: Grade,
    #[serde(default)]
    not_asked: Vec<NotAsked>,
    #[serde(default, rename = "interface")]
    interfaces: Vec<Interface>,
    #[serde(default, rename = "answer")]
    answers: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NotAsked {
    what: String,
    why: String,
}

/// Over what an interface was asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Interface {
    driver: String,
    /// Equal numbers are one connection; which one is not told.
    connection: u32,
}

/// One answer. Which of its parts there are depends on what came.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    driver: String,
    key: String,
    came: Came,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Came {
    /// Bytes, in `file`.
    Body,
    /// A redirect to `location`.
    Elsewhere,
    /// Nothing, since it was not asked.
    NotAsked,
    /// Nothing.
    #[default]
    Failed,
}

/// Writes what the printer at `address` answered into a folder that is empty or absent, masked.
///
/// # Errors
/// Where the folder holds something, cannot be written, or more is to be masked than can be.
pub fn write(folder: &Path, asked: &Asked, address: &str) -> Result<Written, RecordingError> {
    check_empty(folder)?;
    let masks = learn(asked, address).masks().map_err(|_| RecordingError::TooMany)?;
    let mut files = Files::masked_by(&masks);
    let mut index = Index {
        form: FORM,
        read_at: asked.report.read_at.0,
        grade: asked.grade,
        not_asked: Vec::new(),
        interfaces: interfaces(asked),
        answers: Vec::new(),
    };
    for (what, why) in &asked.not_asked {
        index.not_asked.push(NotAsked { what: masks.text(what), why: files.words(why) });
    }
    for (name, answers) in &asked.answers {
        for (key, answer) in answers {
            index.answers.push(files.entry(name, key, answer));
        }
    }
    if let Some(name) = files.walks.take() {
        let lines: Vec<u8> = std::mem::take(&mut files.variables).into_values().flatten().collect();
        files.files.insert(name, lines);
    }
    let wrong = |what: String| RecordingError::Wrong { path: folder.join(INDEX), what };
    let text = toml::to_string(&index).map_err(|error| wrong(error.to_string()))?;
    files.files.insert(INDEX.to_owned(), masks.bytes(format!("{HEADING}{text}").as_bytes()));
    for (name, bytes) in &files.files {
        let (below, name) = name.rsplit_once('/').unwrap_or(("", name.as_str()));
        let below = folder.join(below);
        write_private(&below, name, bytes).map_err(|why| RecordingError::File { path: below.join(name), why })?;
    }
    let masked = masks.counts().iter().map(|(kind, count)| (kind.word(), *count)).collect();
    Ok(Written { files: files.files.len(), masked, left_out: files.left_out })
}

/// Every answer by the driver that asked, and what was not asked and why.
pub type Unrecognised = (Vec<(&'static str, Answers)>, Vec<(String, String)>);

/// The same of something at `address` that no driver knows: what it answered, and what was not asked.
///
/// # Errors
/// As [`write`].
pub fn write_unrecognised(
    folder: &Path,
    read_at: Instant,
    (answers, not_asked): Unrecognised,
    address: &str,
) -> Result<Written, RecordingError> {
    let asked = Asked {
        drivers: Vec::new(),
        report: Report { read_at, ..Report::default() },
        defects: Vec::new(),
        grade: Grade::C,
        memory: Memory::parse(""),
        silent: Vec::new(),
        not_asked,
        answers,
        over: Vec::new(),
        fingerprint: None,
        known: Known::default(),
    };
    write(folder, &asked, address)
}

/// Makes the folder of a recording, before anybody is asked for minutes. Gives whether it was not there before.
///
/// # Errors
/// [`RecordingError::NotEmpty`], or that the folder cannot be made or written.
pub fn prepare(folder: &Path) -> Result<bool, RecordingError> {
    let is_new = !folder.exists();
    check_empty(folder)?;
    let trial = folder.join("trial.part");
    let made = make_private_folder(folder).and_then(|()| std::fs::write(&trial, b""));
    let tried = made.and_then(|()| std::fs::remove_file(&trial));
    tried.map_err(|why| RecordingError::File { path: folder.to_owned(), why })?;
    Ok(is_new)
}

/// Whether a recording can be written into this folder: it is empty, or not there yet.
fn check_empty(folder: &Path) -> Result<(), RecordingError> {
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(RecordingError::NotEmpty(folder.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(RecordingError::File { path: folder.to_owned(), why }),
    }
}

/// The connections of a reading by numbers.
fn interfaces(asked: &Asked) -> Vec<Interface> {
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let mut interfaces = Vec::new();
    for (name, over) in asked.over.iter().filter(|(_, over)| !over.is_empty()) {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX).saturating_add(1);
        let connection = *numbers.entry(over.as_str()).or_insert(next);
        interfaces.push(Interface { driver: (*name).to_owned(), connection });
    }
    interfaces
}

/// Everything that is to be masked.
fn learn(asked: &Asked, address: &str) -> Secrets {
    let mut secrets = Secrets::of(address);
    secrets.learn_report(&asked.report);
    // What one interface names is left out of the report where another one comes first.
    for (name, answers) in &asked.answers {
        if let Some(driver) = driver(name) {
            secrets.learn_report(&(driver.read)(answers, asked.report.read_at).0);
        }
    }
    for (name, answers) in &asked.answers {
        for (key, answer) in answers {
            secrets.learn(Field::BARE, key);
            match answer {
                Answer::Body { body, .. } => {
                    let strict = is_hidden(name, key, body);
                    rewrite(form(channel(name), body), body, &mut |field, text| {
                        secrets.learn(Field { strict, ..field }, text);
                        None
                    });
                }
                Answer::Elsewhere { location, .. } => secrets.learn(Field::BARE, location),
                Answer::NotAsked(_) | Answer::Failed(_) => {}
            }
        }
    }
    secrets
}

/// Whether only known words of a document are shown.
fn is_hidden(name: &str, key: &str, body: &[u8]) -> bool {
    let key = key.to_ascii_lowercase();
    let by_key = HIDDEN.iter().any(|(driver, part)| *driver == name && key.contains(*part));
    by_key || (name == "ews_xml" && body.windows(JOBS.len()).any(|part| part == JOBS.as_bytes()))
}

fn channel(name: &str) -> Channel {
    driver(name).map_or(Channel::Web, |driver| driver.channel)
}

/// The files of a recording while it is made.
struct Files<'a> {
    masks: &'a Masks,
    files: BTreeMap<String, Vec<u8>>,
    /// The file of all walks, where something was walked.
    walks: Option<String>,
    /// Their lines in the order of their objects.
    variables: BTreeMap<Vec<u32>, Vec<u8>>,
    left_out: Vec<String>,
}

impl<'a> Files<'a> {
    fn masked_by(masks: &'a Masks) -> Files<'a> {
        Files { masks, files: BTreeMap::new(), walks: None, variables: BTreeMap::new(), left_out: Vec::new() }
    }

    /// A text of words or of an address, masked.
    fn words(&self, text: &str) -> String {
        let masked = self.masks.value(Field::BARE, text);
        self.masks.text(masked.as_deref().unwrap_or(text))
    }

    fn entry(&mut self, name: &str, key: &str, answer: &Answer) -> Entry {
        let key = self.masks.text(key);
        let mut entry = Entry { driver: name.to_owned(), key, ..Entry::default() };
        match answer {
            Answer::Body { status, content_type, body } => {
                entry.file = self.body(name, &entry.key, body);
                if entry.file.is_some() {
                    entry.came = Came::Body;
                    (entry.status, entry.content_type) = (Some(*status), Some(self.words(content_type)));
                } else {
                    self.left_out.push(format!("{name} {}", entry.key));
                    entry.why = Some(LEFT_OUT.to_owned());
                }
            }
            Answer::Elsewhere { status, location } => {
                entry.came = Came::Elsewhere;
                (entry.status, entry.location) = (Some(*status), Some(self.words(location)));
            }
            Answer::NotAsked(why) => {
                entry.came = Came::NotAsked;
                entry.why = Some(self.words(why));
            }
            Answer::Failed(why) => entry.why = Some(self.words(why)),
        }
        entry
    }

    /// Keeps a body, masked; gives its file, or `None` where it cannot be masked.
    fn body(&mut self, name: &str, key: &str, body: &[u8]) -> Option<String> {
        let form = form(channel(name), body);
        // What was cut off is no document in which every name is found.
        if form == Form::Closed || body.len() > limits::BODY_MAX {
            return None;
        }
        let strict = is_hidden(name, key, body);
        let masked = rewrite(form, body, &mut |field, text| self.masks.value(Field { strict, ..field }, text));
        let masked = self.masks.bytes(&masked);
        if form == Form::Variables {
            for line in masked.split_inclusive(|byte| *byte == b'\n') {
                if let Some(object) = object(line) {
                    self.variables.insert(object, line.to_vec());
                }
            }
            self.walks = Some(format!("{name}/{VARIABLES}"));
            return self.walks.clone();
        }
        let file = self.free(&format!("{name}/{}", file_name(key, form)));
        self.files.insert(file.clone(), masked);
        Some(file)
    }

    /// A name that no file has yet.
    fn free(&self, wanted: &str) -> String {
        let (stem, end) = wanted.rsplit_once('.').unwrap_or((wanted, "txt"));
        let numbered = (2..).map(|number| format!("{stem}-{number}.{end}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        // Each name is another one, so that one is free.
        names.find(|name| !self.files.contains_key(name)).unwrap_or_else(|| wanted.to_owned())
    }
}

/// The file of an answer: the last part of its address, with what was asked behind `?` before the end.
fn file_name(key: &str, form: Form) -> String {
    let (path, query) = key.split_once('?').unwrap_or((key, ""));
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != "ipp").collect();
    let end_of_form = match form {
        Form::Json => "json",
        Form::Xml => "xml",
        Form::Html => "htm",
        Form::Ipp => "ipp",
        Form::Variables | Form::Table | Form::Closed => "txt",
    };
    let last = parts.last().copied().unwrap_or("root");
    let (stem, end) = match last.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() && (1..=5).contains(&end.len()) => (stem.to_owned(), end),
        _ => (parts.get(parts.len().saturating_sub(2)..).unwrap_or(&[last]).join("_"), end_of_form),
    };
    let stem = match (stem.is_empty(), query.is_empty()) {
        (true, _) => last.to_owned(),
        (false, true) => stem,
        (false, false) => format!("{stem}_{query}"),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let stem: String = stem.chars().take(NAME_MAX).map(plain).collect();
    let end: String = end.chars().map(plain).collect();
    format!("{stem}.{end}")
}

/// The object of a line of snmprec, as numbers; `None` for a line that is none.
fn object(line: &[u8]) -> Option<Vec<u32>> {
    let text = std::str::from_utf8(line).ok()?;
    numbers(text.split_once('|')?.0)
}

fn numbers(object: &str) -> Option<Vec<u32>> {
    object.split('.').map(|number| number.parse().ok()).collect()
}

/// Reads a recording.
///
/// # Errors
/// Where a file cannot be read, is too long, or is not as recordings are; the error names it.
pub fn read(folder: &Path) -> Result<Recording, RecordingError> {
    let path = folder.join(INDEX);
    let wrong = |what: String| RecordingError::Wrong { path: path.clone(), what };
    if let Some(what) = missing(folder) {
        return Err(RecordingError::Wrong { path: folder.to_owned(), what });
    }
    let bytes = file(&path, INDEX_MAX)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("is no UTF-8 text".to_owned()))?;
    let index: Index = toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
    if index.form != FORM {
        return Err(wrong(format!("is of form {}, and this program reads form {FORM}", index.form)));
    }
    if index.answers.len() > ANSWERS_MAX {
        return Err(wrong(format!("names more than {ANSWERS_MAX} answers")));
    }
    let read_at = Instant(index.read_at);
    if !(Instant(0)..=LAST_INSTANT).contains(&read_at) {
        return Err(wrong(format!("read_at = {} is no time from 1970 to 9999", index.read_at)));
    }
    if index.grade == Grade::A {
        return Err(wrong("grade = \"A\" is of no reading: no printer signs what it is asked".to_owned()));
    }
    let named =
        |name: &str| driver(name).ok_or_else(|| wrong(format!("driver = {name:?} is no driver of this program")));
    let mut connections = Vec::new();
    for one in &index.interfaces {
        connections.push((named(&one.driver)?.name, one.connection));
    }
    let mut answers: Vec<(&'static str, Answers)> = Vec::new();
    let mut bodies = Bodies { folder, walks: BTreeMap::new(), left: BYTES_MAX };
    for entry in index.answers {
        let known = named(&entry.driver)?;
        let answer = answer(&mut bodies, known, &entry)?;
        match answers.iter_mut().find(|(name, _)| *name == known.name) {
            Some((_, answers)) => {
                answers.insert(entry.key, answer);
            }
            None => answers.push((known.name, Answers::from([(entry.key, answer)]))),
        }
    }
    Ok(Recording {
        read_at,
        grade: index.grade,
        not_asked: index.not_asked.into_iter().map(|one| (one.what, one.why)).collect(),
        answers,
        connections,
    })
}

/// Why a folder is no recording at all, where its index is absent.
fn missing(folder: &Path) -> Option<String> {
    let kind = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    if !std::fs::symlink_metadata(folder.join(INDEX)).is_err_and(kind) {
        return None;
    }
    let is_folder = folder.is_dir();
    Some(if is_folder { format!("is no recording: it holds no {INDEX}") } else { "there is no such folder".to_owned() })
}

fn file(path: &Path, most: u64) -> Result<Vec<u8>, RecordingError> {
    let failed = |why| RecordingError::File { path: path.to_owned(), why };
    // A link in a recording that somebody sent could name any file of this machine.
    if !std::fs::symlink_metadata(path).map_err(failed)?.is_file() {
        return Err(RecordingError::Wrong { path: path.to_owned(), what: "is no plain file".to_owned() });
    }
    read_bounded(path, most).map_err(failed)
}

/// The answer of an entry, its file read.
fn answer(bodies: &mut Bodies<'_>, driver: &Driver, entry: &Entry) -> Result<Answer, RecordingError> {
    let status = entry.status.unwrap_or_default();
    let why = || entry.why.clone().unwrap_or_default();
    match entry.came {
        Came::Body => {}
        Came::Elsewhere => {
            return Ok(Answer::Elsewhere { status, location: entry.location.clone().unwrap_or_default() });
        }
        Came::NotAsked => return Ok(Answer::NotAsked(why())),
        Came::Failed => return Ok(Answer::Failed(why())),
    }
    let name = entry.file.as_deref().unwrap_or_default();
    let body = if driver.channel == Channel::Snmp { bodies.below(name, &entry.key)? } else { bodies.whole(name)? };
    Ok(Answer::Body { status, content_type: entry.content_type.clone().unwrap_or_default(), body })
}

/// The lines of a file of variables, by their objects.
type Lines = BTreeMap<Vec<u32>, Vec<u8>>;

/// The files of a recording while it is read, within a limit for all together.
struct Bodies<'a> {
    folder: &'a Path,
    walks: BTreeMap<String, Lines>,
    /// Bytes that may still be read.
    left: usize,
}

impl Bodies<'_> {
    fn wrong(&self, file: &str, what: &str) -> RecordingError {
        RecordingError::Wrong { path: self.folder.join(INDEX), what: format!("file = {file:?} {what}") }
    }

    /// Counts bytes that a file gives.
    fn take(&mut self, file: &str, bytes: usize) -> Result<(), RecordingError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| self.wrong(file, &format!("is one too many: over {BYTES_MAX} bytes in all")))?;
        Ok(())
    }

    /// A file below the folder. A link on the way could lead anywhere on this machine.
    fn whole(&mut self, name: &str) -> Result<Vec<u8>, RecordingError> {
        let is_plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || !is_plain || name.contains('\\') {
            return Err(self.wrong(name, "is not below the recording"));
        }
        let mut folder = self.folder.to_owned();
        let path = self.folder.join(name);
        for part in Path::new(name).parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            let kept = std::fs::symlink_metadata(&folder);
            if !kept.map_err(|why| RecordingError::File { path: folder.clone(), why })?.is_dir() {
                return Err(RecordingError::Wrong { path: folder, what: "is no plain folder".to_owned() });
            }
        }
        let most = u64::try_from(limits::BODY_MAX).unwrap_or(u64::MAX);
        let bytes = file(&path, most)?;
        self.take(name, bytes.len())?;
        Ok(bytes)
    }

    /// The lines of a file of variables at or below the object that a walk's key names.
    fn below(&mut self, name: &str, key: &str) -> Result<Vec<u8>, RecordingError> {
        if !self.walks.contains_key(name) {
            let bytes = self.whole(name)?;
            let lines = bytes.split_inclusive(|byte| *byte == b'\n');
            let lines = lines.filter_map(|line| Some((object(line)?, line.to_vec()))).collect();
            self.walks.insert(name.to_owned(), lines);
        }
        let root = key.strip_prefix("snmp/").and_then(numbers).unwrap_or_default();
        let lines = self.walks.get(name).into_iter().flat_map(|lines| lines.range(root.clone()..));
        let body: Vec<u8> =
            lines.take_while(|(object, _)| object.starts_with(&root)).flat_map(|(_, line)| line).copied().collect();
        self.take(name, body.len())?;
        Ok(body)
    }
}

impl Recording {
    /// What tells one connection from another. Where the recording does not say, interfaces on one channel were
    /// asked over one.
    fn over(&self, driver: &Driver) -> String {
        match self.connections.iter().find(|(name, _)| *name == driver.name) {
            Some((_, number)) => number.to_string(),
            None => format!("{:?}", driver.channel),
        }
    }

    /// Why no interface identifies a printer: what its driver finds odd, else what its first answer was.
    fn reasons(&self) -> String {
        let one = |(name, answers): &(&'static str, Answers)| {
            let defects = driver(name).map(|driver| (driver.read)(answers, self.read_at).1).unwrap_or_default();
            let why = defects.first().map_or_else(|| reason(answers), |defect| defect.what.clone());
            format!("{name}: {why}")
        };
        let reasons: Vec<String> = self.answers.iter().map(one).collect();
        if reasons.is_empty() { "it holds no answer".to_owned() } else { reasons.join("; ") }
    }

    /// Reads the answers as if the printer had given them now.
    ///
    /// # Errors
    /// [`RecordingError::Unrecognised`] where no interface identifies a printer.
    pub fn replay(self) -> Result<Asked, RecordingError> {
        let (mut heard, mut over) = (Vec::new(), Vec::new());
        for (name, answers) in &self.answers {
            let Some(driver) = driver(name).filter(|driver| (driver.identify)(answers)) else { continue };
            let (report, defects) = (driver.read)(answers, self.read_at);
            over.push((driver.name, self.over(driver)));
            heard.push(Heard { driver, over: self.over(driver), report, defects });
        }
        if heard.is_empty() {
            return Err(RecordingError::Unrecognised(self.reasons()));
        }
        let is_silent = |name: &str| !heard.iter().any(|heard| heard.driver.name == name);
        let silent = self.answers.iter().filter(|(name, _)| is_silent(name));
        let silent = silent.map(|(name, answers)| (*name, reason(answers))).collect();
        let merged = merge(heard, &Memory::parse(""));
        Ok(Asked {
            drivers: merged.drivers,
            report: merged.report,
            defects: merged.defects,
            grade: self.grade,
            memory: merged.memory,
            silent,
            not_asked: self.not_asked,
            answers: self.answers,
            over,
            fingerprint: None,
            known: Known::default(),
        })
    }
}
