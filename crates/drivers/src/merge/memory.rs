//! Which interface gave each counter and the jobs, so that none changes its source unnoticed.
//!
//! It is kept as text, one line a fact: `U15 piws`, `P27 piws` (the jobs), `serial …`, `uuid …`,
//! `firmware piws …`, by which somebody who asks sees that other interfaces may be there now; no source depends on
//! it. Deliberately absent: values, instants, and where the printer was asked.

use super::identity::Identity;
use super::{OF_JOBS, Voice};
use crate::driver;
use crate::limits::{LIST_MAX, TEXT_MAX};
use report::{ROWS, RowId};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What is remembered of one printer between readings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    identity: Identity,
    /// The firmware version in the words of each interface, since two interfaces spell it differently.
    firmware: BTreeMap<&'static str, String>,
    sources: BTreeMap<RowId, &'static str>,
}

impl Memory {
    /// Reads the text form. A line that it does not know is passed over: the worst case is a counter that may
    /// come from another interface than before.
    pub fn parse(text: &str) -> Memory {
        let mut memory = Memory::default();
        for line in text.lines().take(LIST_MAX) {
            if let Some((word, rest)) = line.trim().split_once(' ') {
                memory.read_line(word, rest.trim());
            }
        }
        memory
    }

    fn read_line(&mut self, word: &str, rest: &str) {
        match word {
            "serial" => self.identity.serial = bounded_line(rest),
            "uuid" => self.identity.uuid = bounded_line(rest),
            "firmware" => {
                let version = rest.split_once(' ').and_then(|(name, version)| Some((driver(name)?, version)));
                self.firmware.extend(version.map(|(driver, version)| (driver.name, version.trim().to_owned())));
            }
            _ => {
                let row = ROWS.iter().map(|row| row.id).find(|row| row.word() == word && is_kept(*row));
                self.sources.extend(row.zip(driver(rest).map(|driver| driver.name)));
            }
        }
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |word: &str, rest: &str| text.push_str(&format!("{word} {rest}\n"));
        self.identity.serial.iter().for_each(|serial| line("serial", serial));
        self.identity.uuid.iter().for_each(|uuid| line("uuid", uuid));
        self.firmware.iter().for_each(|(name, version)| line("firmware", &format!("{name} {version}")));
        self.sources.iter().for_each(|(row, name)| line(row.word(), name));
        text
    }

    /// Which printer it is of.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether any counter, or the jobs, have a source.
    pub fn has_sources(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Whether the jobs have a source.
    pub fn has_jobs(&self) -> bool {
        self.sources.contains_key(&OF_JOBS)
    }

    /// Whether an interface named another firmware version before. Two interfaces of one printer spell it
    /// differently, so that each is held against its own words.
    pub fn has_other_firmware(&self, driver: &str, version: Option<&str>) -> bool {
        let now = version.and_then(one_line);
        self.firmware.get(driver).zip(now.as_ref()).is_some_and(|(before, now)| before != now)
    }

    /// What holds for this printer: the memory where it is of that one, else nothing. A printer of which both know
    /// nothing in common is another one.
    pub(super) fn of(self, identity: &Identity) -> Memory {
        if self.identity.agrees(identity) == Some(true) { self } else { Memory::default() }
    }

    /// Forgets where counters and jobs came from, so that the next merging chooses anew. Nothing but a person's word
    /// is a reason.
    pub fn forget_sources(&mut self) {
        self.sources.clear();
    }

    /// Forgets where jobs came from.
    pub(super) fn forget_jobs(&mut self) {
        self.sources.remove(&OF_JOBS);
    }

    /// The rows of a range with the interface that gives each.
    pub(super) fn sources(&self, rows: RangeInclusive<RowId>) -> Vec<(RowId, &'static str)> {
        self.sources.range(rows).map(|(row, name)| (*row, *name)).collect()
    }

    /// Remembers that a row comes from an interface.
    pub(super) fn keep(&mut self, row: RowId, name: &'static str) {
        self.sources.insert(row, name);
    }

    /// Remembers which printer it was, with which firmware.
    pub(super) fn remember(&mut self, identity: Identity, voices: &[Voice]) {
        let line = |text: String| one_line(&text);
        let mut now = Identity { serial: identity.serial.and_then(line), uuid: identity.uuid.and_then(line) };
        now.learn(std::mem::take(&mut self.identity));
        self.identity = now;
        self.firmware.extend(voices.iter().filter_map(|voice| Some((voice.name(), firmware(voice)?))));
    }
}

/// Whether the source of a row is kept: counters, and the jobs under one row.
fn is_kept(row: RowId) -> bool {
    (RowId::U1..=RowId::U17).contains(&row) || row == OF_JOBS
}

fn firmware(voice: &Voice) -> Option<String> {
    one_line(voice.heard.report.configuration.firmware_version.as_deref()?)
}

/// As much of a text as a report holds of one.
fn bounded_line(text: &str) -> Option<String> {
    one_line(&text.chars().take(TEXT_MAX).collect::<String>())
}

/// A text that a line can hold; absent when nothing is left.
fn one_line(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "serial TST 1\nuuid u-1\nfirmware piws TP_01 beta\nU15 piws\nU16 snmp\nP27 piws\n";

    #[test]
    fn the_text_form_is_read_as_it_was_written() {
        let memory = Memory::parse(TEXT);
        assert_eq!(memory.to_text(), TEXT);
        assert_eq!(memory.identity().key(), Some("TST 1"));
        assert_eq!(memory.sources(RowId::U15..=RowId::U15), [(RowId::U15, "piws")]);
        assert_eq!(Memory::parse(&memory.to_text()), memory);
    }

    #[test]
    fn what_is_no_line_of_it_is_passed_over() {
        let lines = ["U15", "U15 fax", "X9 piws", "S10 piws", "P2 piws", "answers piws", "firmware piws", "?"];
        for text in lines.into_iter().chain(["", "\n \n"]) {
            assert_eq!(Memory::parse(text), Memory::default(), "{text}");
        }
    }
}
