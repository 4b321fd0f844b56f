//! A file of JSON lines that turns over each day and at ten megabytes, and is deleted after some days.
//!
//! `plotmeter.log` becomes `plotmeter.log.2026-10-31.1`, and so on. Deliberately absent: compression,
//! and a second program to turn the file over.

use super::{Line, Sink};
use anyhow::Context;
use report::{Duration, Instant};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The size at which a file turns over within a day, in bytes.
const BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Files of one day at most; the last one takes what is left of a day that says too much.
const FILES_A_DAY_MAX: u32 = 20;

/// The file, shared by all threads.
pub(super) struct File(Mutex<Open>);

struct Open {
    path: PathBuf,
    keep_days: u32,
    bytes_max: u64,
    /// The UTC date of the lines in the file, such as `2026-10-31`; empty while the file is.
    date: String,
    bytes: u64,
    file: Option<fs::File>,
}

impl File {
    /// Opens a file to append to. It fails where the file cannot be written.
    pub(super) fn open(path: &Path, keep_days: u32) -> anyhow::Result<File> {
        File::with_size(path, keep_days, BYTES_MAX)
    }

    fn with_size(path: &Path, keep_days: u32, bytes_max: u64) -> anyhow::Result<File> {
        let file = append(path).with_context(|| format!("write the log {}", path.display()))?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let date = date_of_first_line(path);
        let path = path.to_owned();
        Ok(File(Mutex::new(Open { path, keep_days, bytes_max, date, bytes, file: Some(file) })))
    }
}

impl Sink for File {
    fn take(&self, line: &Line) {
        let mut text = line.json();
        text.push('\n');
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk loses lines of the log, and nothing else.
        let _lost = open.write(line.at(), &text);
    }
}

impl Open {
    fn write(&mut self, at: Instant, text: &str) -> std::io::Result<()> {
        let date = date(at);
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let another_day = !self.date.is_empty() && self.date != date;
        let full = self.bytes > 0 && self.bytes.saturating_add(length) > self.bytes_max;
        if another_day || full {
            self.turn_over(at);
        }
        if self.file.is_none() {
            self.file = Some(append(&self.path)?);
        }
        self.date = date;
        self.bytes = self.bytes.saturating_add(length);
        match &mut self.file {
            Some(file) => file.write_all(text.as_bytes()),
            None => Ok(()),
        }
    }

    /// Gives the file its name of the past and deletes what is too old.
    fn turn_over(&mut self, at: Instant) {
        // Windows renames no open file.
        self.file = None;
        let name = |number: u32| self.beside(&format!(".{}.{number}", self.date));
        let free = (1..=FILES_A_DAY_MAX).map(name).find(|path| !path.exists());
        let to = free.unwrap_or_else(|| name(FILES_A_DAY_MAX));
        // Where it cannot be renamed, it goes on growing: better a long log than none.
        if fs::rename(&self.path, to).is_ok() {
            self.bytes = 0;
        }
        self.delete_old(at);
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    }

    fn delete_old(&self, at: Instant) {
        let oldest = date(Instant(at.0.saturating_sub(Duration::hours(24).0 * i64::from(self.keep_days))));
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let Ok(entries) = fs::read_dir(folder.unwrap_or_else(|| Path::new("."))) else { return };
        let Some(own) = self.path.file_name().and_then(|name| name.to_str()) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let date = name.to_str().and_then(|name| name.strip_prefix(own)?.strip_prefix('.')?.split('.').next());
            if date.is_some_and(|date| is_date(date) && date < oldest.as_str()) {
                // Somebody else may have deleted it.
                let _gone = fs::remove_file(entry.path());
            }
        }
    }
}

/// The UTC date of an instant, such as `2026-10-31`; dates in this form sort by time.
fn date(at: Instant) -> String {
    at.to_string().chars().take(10).collect()
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// The date in the first line of a file that an earlier run of the program wrote.
fn date_of_first_line(path: &Path) -> String {
    let mut start = [0; 17];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    // A line opens with {"at":"2026-10-31T
    let date = std::str::from_utf8(&start).ok().and_then(|start| start.strip_prefix("{\"at\":\"")).unwrap_or("");
    if read.is_ok() && is_date(date) { date.to_owned() } else { String::new() }
}

/// Whether a log can be written there. A file that was not there goes again: whoever checks may be another user
/// than the one that the log is for.
#[cfg(feature = "agent")]
pub(super) fn check(path: &Path) -> anyhow::Result<()> {
    let is_new = !path.exists();
    drop(append(path).with_context(|| format!("write the log {}", path.display()))?);
    if is_new {
        fs::remove_file(path).with_context(|| format!("remove the log {}", path.display()))?;
    }
    Ok(())
}

fn append(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    // It holds addresses of the customer's network.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3_600_000;
    /// 2026-10-01T00:00:00Z.
    const START: Instant = Instant(1_790_812_800_000);

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }

    fn write(file: &File, at: Instant) {
        let text = format!("{{\"at\":\"{at}\",\"message\":\"{}\"}}\n", "x".repeat(60));
        file.0.lock().expect("not poisoned").write(at, &text).expect("written");
    }

    #[test]
    fn a_day_a_file_and_old_files_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plotmeter.log");
        fs::write(folder.path().join("plotmeter.log.notes"), "").expect("written");
        let file = File::open(&path, 3).expect("opens");
        for day in 0..6 {
            write(&file, Instant(START.0 + day * DAY));
            write(&file, Instant(START.0 + day * DAY + 1000));
        }
        let expected = [
            "plotmeter.log",
            "plotmeter.log.2026-10-03.1",
            "plotmeter.log.2026-10-04.1",
            "plotmeter.log.2026-10-05.1",
            "plotmeter.log.notes",
        ];
        assert_eq!(names(folder.path()), expected);
        let today = fs::read_to_string(&path).expect("the file");
        assert_eq!(today.lines().filter(|line| line.contains("2026-10-06")).count(), 2);
    }

    #[test]
    fn a_file_turns_over_by_size_and_after_a_restart_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plotmeter.log");
        for number in 0..7 {
            let file = File::with_size(&path, 3, 250).expect("opens");
            write(&file, Instant(START.0 + number));
        }
        let expected =
            ["plotmeter.log", "plotmeter.log.2026-10-01.1", "plotmeter.log.2026-10-01.2", "plotmeter.log.2026-10-01.3"];
        assert_eq!(names(folder.path()), expected);
        write(&File::with_size(&path, 3, 250).expect("opens"), Instant(START.0 + DAY));
        assert!(names(folder.path()).contains(&"plotmeter.log.2026-10-01.4".to_owned()));
    }
}
