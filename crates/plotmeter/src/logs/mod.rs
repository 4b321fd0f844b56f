//! What the program tells those who run it: one event, one line, wherever it goes.
//!
//! Lines go to standard error, or, where the configuration says so, to a file of JSON lines that this
//! program turns over itself, to the system's log, or to both. Control characters are written out, so
//! that a text from outside can neither start a line of its own nor move a terminal's cursor. Fields
//! that are named after a secret or a person are never written, whatever stands in them.
//!
//! Deliberately absent: sending logs over a network, spans, and any way for a log to stop the program.
//! A crate like `tracing-appender` would turn a file over by the day, but neither by its size nor by
//! deleting what is older than the customer wants; what is left of the work is this module.

mod event_log;
mod file;
mod line;
mod syslog;

use line::Line;
use report::Instant;
use std::io::Write;
use std::path::PathBuf;
use tracing::Subscriber;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

/// Where the configuration wants the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "agent"), allow(dead_code))]
pub(crate) struct Destination {
    /// The least level that is written: error, warn, info, debug or trace.
    pub(crate) level: String,
    /// A file of JSON lines; standard error where it is absent and the system's log is not wanted.
    pub(crate) file: Option<PathBuf>,
    /// Days for which files that were turned over stay.
    pub(crate) keep_days: u32,
    /// Whether syslog, or on Windows the event log, gets the lines too.
    pub(crate) system: bool,
}

/// A place for lines. It never fails aloud: a log must not stop what it tells about.
trait Sink: Send + Sync {
    fn take(&self, line: &Line);
}

/// Gives every event to every sink.
struct Logs {
    sinks: Vec<Box<dyn Sink>>,
    clock: fn() -> Instant,
}

impl<S: Subscriber> Layer<S> for Logs {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let line = Line::of(event, (self.clock)());
        for sink in &self.sinks {
            sink.take(&line);
        }
    }
}

/// Standard error, for people.
struct StandardError;

impl Sink for StandardError {
    fn take(&self, line: &Line) {
        // Where nobody reads standard error, nobody misses the line.
        let _unread = writeln!(std::io::stderr().lock(), "{}", line.text_with_time());
    }
}

/// Starts logging. `level` holds unless the configuration or the variable `PLOTMETER_LOG` says another. A file
/// that cannot be written is the first line of standard error, which then stands in for it.
pub(crate) fn start(level: &str, wanted: Option<&Destination>) {
    let (sinks, failure) = sinks(wanted);
    let level = wanted.map_or(level, |wanted| &wanted.level);
    let filter = EnvFilter::try_from_env("PLOTMETER_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let logs = Logs { sinks, clock: crate::clock::now };
    // A second start in one process would be ours, and the first one goes on.
    let _started = Registry::default().with(filter).with(logs).try_init();
    if let Some(failure) = failure {
        tracing::error!(why = format!("{failure:#}"), "the log of the configuration is not written");
    }
}

/// The sinks, and why one that is wanted is not among them.
fn sinks(wanted: Option<&Destination>) -> (Vec<Box<dyn Sink>>, Option<anyhow::Error>) {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    let mut failure = None;
    if let Some(wanted) = wanted {
        match wanted.file.as_ref().map(|path| file::File::open(path, wanted.keep_days)) {
            Some(Ok(file)) => sinks.push(Box::new(file)),
            Some(Err(error)) => {
                failure = Some(error);
                sinks.push(Box::new(StandardError));
            }
            None => {}
        }
        if wanted.system {
            sinks.push(system());
        }
    }
    if sinks.is_empty() {
        sinks.push(Box::new(StandardError));
    }
    (sinks, failure)
}

/// Where the lines of a configuration go; an error where its file cannot be written. Nothing is left behind.
#[cfg(feature = "agent")]
pub(crate) fn check(wanted: &Destination) -> anyhow::Result<String> {
    let mut places = Vec::new();
    if let Some(path) = &wanted.file {
        file::check(path)?;
        places.push(path.display().to_string());
    }
    if wanted.system {
        places.push("the system's log".to_owned());
    }
    if places.is_empty() {
        places.push("standard error".to_owned());
    }
    Ok(format!("{} and above go to {}", wanted.level, places.join(" and ")))
}

#[cfg(unix)]
fn system() -> Box<dyn Sink> {
    Box::new(syslog::Syslog::new(std::path::Path::new("/dev/log")))
}

#[cfg(windows)]
fn system() -> Box<dyn Sink> {
    Box::new(event_log::EventLog)
}

#[cfg(not(any(unix, windows)))]
fn system() -> Box<dyn Sink> {
    Box::new(StandardError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Keeps every line in each of its forms.
    struct Memory(Arc<Mutex<Vec<String>>>);

    impl Sink for Memory {
        fn take(&self, line: &Line) {
            let mut kept = self.0.lock().expect("not poisoned");
            kept.extend([line.json(), line.text(), line.text_with_time()]);
        }
    }

    /// Logs inside `work` and gives the lines.
    fn logged(work: impl FnOnce()) -> Vec<String> {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let logs = Logs { sinks: vec![Box::new(Memory(kept.clone()))], clock: || Instant(1_790_812_800_000) };
        tracing::subscriber::with_default(Registry::default().with(logs), work);
        std::mem::take(&mut *kept.lock().expect("not poisoned"))
    }

    /// Texts that tried to break a log somewhere.
    const HOSTILE: &[&str] = &[
        "first\nsecond",
        "first\r\nINFO forged",
        "\u{1b}[2J\u{1b}[31mred",
        "bell\u{7}, back\u{8}, nul\u{0}, delete\u{7f}, next line\u{85}",
        "separators \u{2028} and \u{2029}",
        "turned \u{202e}round",
        "${jndi:ldap://canary.example/a}",
        "{\"at\":\"forged\"}",
        "\"quoted\" and \\ back",
    ];

    #[test]
    fn one_event_is_one_line_of_printable_text_in_every_form() {
        for text in HOSTILE {
            let lines = logged(|| tracing::warn!(printer.address = *text, why = %text, "said {text}"));
            assert_eq!(lines.len(), 3, "{text:?}");
            for line in &lines {
                let plain = line.chars().all(|c| !c.is_control() && !"\u{2028}\u{2029}\u{202e}".contains(c));
                assert!(plain, "{line:?}");
            }
            let json: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
            assert_eq!((json["level"].as_str(), json["at"].as_str()), (Some("warn"), Some("2026-10-01T00:00:00Z")));
            assert!(json["why"].as_str().is_some_and(|why| !why.is_empty()), "{json}");
        }
    }

    #[test]
    fn what_is_named_after_a_person_or_a_secret_is_not_written() {
        let canary = "Canary Wren";
        let lines = logged(|| {
            tracing::info!(user = canary, job.name = canary, "a");
            tracing::info!(portal.password = canary, secret = %canary, "b");
            tracing::info!(account_id = canary, project = ?canary, enrolment.code = canary, "c");
        });
        assert_eq!(lines.len(), 9);
        for line in &lines {
            assert!(!line.contains("Wren"), "{line}");
            assert!(line.contains("not written"), "{line}");
        }
    }

    #[test]
    fn a_long_text_is_cut_and_numbers_stay_numbers() {
        let lines = logged(|| tracing::info!(jobs = 7, offset = -2, done = true, why = "é".repeat(5000), "read"));
        let json: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
        assert_eq!((json["jobs"].as_i64(), json["offset"].as_i64()), (Some(7), Some(-2)));
        assert_eq!((json["done"].as_bool(), json["message"].as_str()), (Some(true), Some("read")));
        assert!(lines[0].len() < 3000, "{} bytes", lines[0].len());
        assert!(lines[1].starts_with("INFO read jobs=7 "), "{}", &lines[1][..40]);
    }

    #[test]
    fn an_event_goes_to_the_file_and_the_system_or_to_standard_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let both = Destination {
            level: "info".to_owned(),
            file: Some(folder.path().join("plotmeter.log")),
            keep_days: 3,
            system: true,
        };
        let count = |wanted: Option<&Destination>| {
            let (sinks, failure) = sinks(wanted);
            (sinks.len(), failure.map(|error| format!("{error:#}")))
        };
        assert_eq!(count(Some(&both)), (2, None));
        assert_eq!(count(None), (1, None));
        let nowhere = Destination { file: Some(folder.path().join("gone").join("a.log")), system: false, ..both };
        let (number, failure) = count(Some(&nowhere));
        let failure = failure.expect("a file that cannot be written is said at the start");
        assert!(number == 1 && failure.contains("a.log"), "a log stops nothing: {failure}");
    }

    #[test]
    #[cfg(feature = "agent")]
    fn a_check_of_the_log_names_what_cannot_be_written_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let wanted =
            |file: Option<PathBuf>| Destination { level: "info".to_owned(), file, keep_days: 3, system: false };
        let path = folder.path().join("plotmeter.log");
        assert!(check(&wanted(Some(path.clone()))).expect("it can be written").contains("plotmeter.log"));
        assert!(!path.exists(), "whoever checks may be another user than the agent's");
        std::fs::write(&path, "{}\n").expect("written");
        check(&wanted(Some(path.clone()))).expect("it can be written");
        assert_eq!(std::fs::read_to_string(&path).expect("it is still there"), "{}\n");
        let error = check(&wanted(Some(folder.path().join("gone").join("a.log")))).expect_err("no folder");
        assert!(format!("{error:#}").contains("a.log"), "{error:#}");
        assert!(check(&wanted(None)).expect("always").contains("standard error"));
    }
}
