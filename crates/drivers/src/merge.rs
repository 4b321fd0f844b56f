//! One printer, several interfaces: one report.
//!
//! - Interfaces are one printer when their serial numbers agree, else their UUIDs, also where only the memory of
//!   that printer knows both. One that names neither belongs to the printer only when it was asked over the same
//!   connection as one that does; what does not belong is left out, and a defect says so.
//! - A printer that is known by a serial number keeps it while the interface that gives it is silent and another
//!   one gives its UUID: the records of one printer stand under one name.
//! - Each row comes wholly from one interface, the first in that row's order that fills it, so that the row's
//!   source is each value's source. Printheads, cartridges and media sources are matched to each other; a list
//!   of counters, alerts, settings or jobs is never mixed.
//! - Counters and jobs stay with the interface that gave them first ([`Memory`]): when that one is silent, they
//!   are absent. Another interface counts otherwise and names jobs otherwise, and a bill must not see the difference
//!   as printing. Other firmware changes nothing of that; only another printer begins anew, or a person who says so.
//! - What two interfaces say of one thing is compared; a contradiction is a defect and changes nothing.
//!
//! Deliberately absent: means of two values, a choice by plausibility, any memory of values, and any way by which a
//! printer could have its counters come from another interface.

mod checks;
mod identity;
mod items;
mod memory;

pub use identity::Identity;
pub use memory::Memory;

use crate::Driver;
use crate::limits::DEFECTS_MAX;
use report::{Cartridge, Defect, Job, MediaSource, Printhead, ROWS, Report, RowId, Source, Usage, walk};
use std::collections::BTreeSet;

/// What one interface said.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The driver that asked it.
    pub driver: &'static Driver,
    /// Host, port and certificate over which it was asked: two interfaces on one connection are one device.
    /// Empty: nothing is known of the connection.
    pub over: String,
    /// What it said.
    pub report: Report,
    /// What was odd.
    pub defects: Vec<Defect>,
}

/// What all interfaces of a printer said together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The one report.
    pub report: Report,
    /// What the merging found odd, then what was odd in each interface's answers.
    pub defects: Vec<Defect>,
    /// The interfaces that are in the report, in probe order.
    pub drivers: Vec<&'static str>,
    /// What to give to the next merging of this printer.
    pub memory: Memory,
    /// The printers that other interfaces named, which were left out for it, in probe order.
    pub strangers: Vec<Identity>,
}

impl Merged {
    /// The same without counters and jobs, and without a source for any: for a printer of which nothing is
    /// remembered, when not every interface was asked. The best of them may be among those that were not.
    pub fn without_counters(mut self) -> Merged {
        self.report.usage = Usage::default();
        self.report.jobs.clear();
        self.report.sources.retain(|row, _| !is_counted(*row));
        self.memory.forget_sources();
        let what = "not every interface was asked: counters and jobs come with the next reading";
        self.defects.push(Defect::of(what));
        self
    }

    /// The same without jobs, and without a source for them: for a printer whose jobs had none, in a reading in which
    /// a better interface may have been silent for a while. Jobs of the best one stay, and so do jobs of which none
    /// can be counted, since they have no source.
    pub fn without_jobs(mut self) -> Merged {
        match self.memory.sources(OF_JOBS..=OF_JOBS).first() {
            Some((_, name)) if JOBS.first() != Some(name) => self.memory.forget_jobs(),
            _ => return self,
        }
        self.report.jobs.clear();
        self.report.sources.retain(|row, _| !(RowId::P1..=RowId::N11).contains(row));
        let what = format!("jobs wait until every interface was asked and the web server answered, or {LET_GO}");
        self.defects.push(Defect::at(OF_JOBS, what));
        self
    }

    /// The same, saying which counters come from another interface than `before`, which somebody let go.
    pub fn chosen_anew(mut self, before: &Memory) -> Merged {
        self.defects.extend(moved(before, &self.memory));
        self
    }
}

/// An interface that belongs to the printer, with the rows it fills.
struct Voice {
    heard: Heard,
    filled: BTreeSet<RowId>,
}

impl Voice {
    fn new(heard: Heard) -> Voice {
        let filled = walk(&heard.report).into_iter().map(|filled| filled.row).collect();
        Voice { heard, filled }
    }

    fn name(&self) -> &'static str {
        self.heard.driver.name
    }
}

fn voice<'a>(voices: &'a [Voice], name: &str) -> Option<&'a Voice> {
    voices.iter().find(|voice| voice.name() == name)
}

/// What is being put together.
#[derive(Default)]
struct Out {
    report: Report,
    defects: Vec<Defect>,
    memory: Memory,
    /// Whether something that is remembered stays absent.
    is_missed: bool,
}

/// Rows that are taken together.
struct Part {
    first: RowId,
    last: RowId,
    /// The drivers' names, the best first.
    order: &'static [&'static str],
    take: Take,
}

/// How the rows of a part are taken.
enum Take {
    /// All from one interface.
    Whole(fn(&Report, &mut Report)),
    /// Row by row, from lists whose items are matched.
    Items(fn(&Part, &[Voice], &mut Out)),
}

/// What the printer is, how it is and what it is set to: pages for people last, since they round.
const STATUS: &[&str] = &["piws", "ews_xml", "ledm", "ipp", "snmp", "ews_html"];
/// Counters of ink.
const INK: &[&str] = &["piws", "ews_xml", "ledm", "snmp", "ews_html", "ipp"];
/// Counters of area, which standard interfaces do not have: the pages for people come early.
const AREA: &[&str] = &["piws", "ews_xml", "ews_html", "ledm", "snmp", "ipp"];
/// Jobs. Those on the pages for people have no identity.
const JOBS: &[&str] = &["piws", "ews_xml", "ipp", "ews_html", "ledm", "snmp"];
/// Alerts.
const ALERTS: &[&str] = &["piws", "ews_xml", "ledm", "snmp", "ipp", "ews_html"];

/// Every job has this row, so that the interface the jobs come from is remembered under it.
const OF_JOBS: RowId = RowId::P27;

/// How a person lets go what is remembered.
const LET_GO: &str = "somebody runs `plotmeter collector trust ADDRESS --interfaces` (a direct agent: `plotmeter \
                      direct trust --interfaces`)";

macro_rules! whole {
    ($first:ident, $last:ident, $order:ident, $($field:ident).+) => {
        Part {
            first: RowId::$first,
            last: RowId::$last,
            order: $order,
            take: Take::Whole(|from: &Report, to: &mut Report| to.$($field).+.clone_from(&from.$($field).+)),
        }
    };
}

macro_rules! items {
    ($first:ident, $last:ident, $item:ident) => {
        Part { first: RowId::$first, last: RowId::$last, order: STATUS, take: Take::Items(items::take::<$item>) }
    };
}

/// Every row stands in one part.
#[rustfmt::skip]
const PARTS: &[Part] = &[
    whole!(C1, C1, STATUS, configuration.product_number),
    whole!(C2, C2, STATUS, configuration.product_name),
    whole!(C3, C3, STATUS, configuration.serial_number),
    whole!(C4, C4, STATUS, configuration.firmware_version),
    whole!(S1, S1, STATUS, status.engine),
    items!(S2, S9, Printhead),
    items!(S10, S19, Cartridge),
    items!(S20, S22, MediaSource),
    whole!(S23, S23, STATUS, settings.media_types),
    whole!(S24, S24, STATUS, settings.thresholds),
    whole!(S25, S25, STATUS, settings.customization),
    whole!(S26, S26, STATUS, settings.accessories),
    whole!(U1, U5, INK, usage.cartridge_types),
    whole!(U6, U7, AREA, usage.media),
    whole!(U8, U8, AREA, usage.scanned),
    whole!(U9, U9, AREA, usage.scanned_scans),
    whole!(U10, U10, AREA, usage.scanned_copies),
    whole!(U11, U13, AREA, usage.categories),
    whole!(U14, U14, AREA, usage.jobs),
    whole!(U15, U15, AREA, usage.pages),
    whole!(U16, U16, INK, usage.ink),
    whole!(U17, U17, AREA, usage.media_area),
    whole!(P1, N11, JOBS, jobs),
    whole!(E1, E6, ALERTS, alerts),
];

/// Whether a row stays with one interface: U, P and N rows.
fn is_counted(row: RowId) -> bool {
    (RowId::U1..=RowId::N11).contains(&row)
}

impl Part {
    fn holds(&self, row: RowId) -> bool {
        (self.first..=self.last).contains(&row)
    }

    fn rows(&self) -> impl Iterator<Item = RowId> + '_ {
        ROWS.iter().map(|row| row.id).filter(move |row| self.holds(*row))
    }

    fn is_filled_by(&self, voice: &Voice) -> bool {
        voice.filled.iter().any(|row| self.holds(*row))
    }

    /// Whether the part may stay with an interface. Jobs only with one that gives such as can be counted; a queue
    /// that was answered and has no job in it is an answer too.
    fn is_given_by(&self, voice: &Voice) -> bool {
        if !self.holds(OF_JOBS) {
            return self.is_filled_by(voice);
        }
        let report = &voice.heard.report;
        let is_empty = report.jobs.is_empty() && report.sources.contains_key(&OF_JOBS);
        is_empty || report.jobs.iter().any(|(job, _)| can_be_counted(job))
    }

    /// The interface that the part comes from: the remembered one and no other, else the first that gives it. Jobs
    /// that cannot be counted are shown where nobody gives better ones.
    fn speaker<'a>(&self, voices: &'a [Voice], memory: &Memory) -> Option<&'a Voice> {
        if let Some((_, name)) = memory.sources(self.first..=self.last).first() {
            return voice(voices, name);
        }
        let first = |is_one: &dyn Fn(&Voice) -> bool| {
            let mut ordered = self.order.iter().filter_map(|name| voice(voices, name));
            ordered.find(|voice| is_one(voice))
        };
        first(&|voice: &Voice| self.is_given_by(voice)).or_else(|| first(&|voice: &Voice| self.is_filled_by(voice)))
    }
}

/// Whether a job has a name and an end, by which it counts once.
fn can_be_counted(job: &Job) -> bool {
    (job.uuid.is_some() || job.sequence.is_some()) && job.finished_at().is_some()
}

/// Merges what the interfaces of one printer said. Their order does not matter.
pub fn merge(heard: Vec<Heard>, memory: &Memory) -> Merged {
    merge_recalling(heard, |_| memory.clone())
}

/// The same where memories are kept by printer: `recall` gives that of the printer which the interfaces name, or
/// an empty one.
pub fn merge_recalling(heard: Vec<Heard>, recall: impl FnOnce(&Identity) -> Memory) -> Merged {
    let several = heard.len() > 1;
    let mut out = Out::default();
    let one = identity::one_printer(heard, recall, &mut out.defects);
    let identity::OnePrinter { heard, identity, memory, strangers } = one;
    let voices: Vec<Voice> = heard.into_iter().map(Voice::new).collect();
    out.memory = memory.of(&identity);
    out.report.read_at = voices.iter().map(|voice| voice.heard.report.read_at).max().unwrap_or_default();
    for part in PARTS {
        take(part, &voices, &mut out);
    }
    name(&identity, &voices, &mut out);
    if out.is_missed {
        let what = format!("what comes from an interface that is gone for good is let go when {LET_GO}");
        out.defects.push(Defect::of(what));
    }
    checks::compare(&voices, &mut out.defects);
    out.memory.remember(identity, &voices);
    let mut told = vec![out.defects];
    for voice in &voices {
        told.push(voice.heard.defects.iter().map(|defect| told_by(voice, defect, several)).collect());
    }
    let defects = if several { bounded(told) } else { told.concat() };
    let drivers = voices.iter().map(Voice::name).collect();
    Merged { report: out.report, defects, drivers, memory: out.memory, strangers }
}

/// The UUID, which is no row: as the first interface gives it that is asked for identity. Where no interface gives
/// the serial number, it is the one under which the printer of that UUID is known.
fn name(identity: &Identity, voices: &[Voice], out: &mut Out) {
    let mut ordered = STATUS.iter().filter_map(|name| voice(voices, name));
    let Some(voice) = ordered.find(|voice| voice.heard.report.configuration.uuid.is_some()) else { return };
    let configuration = &mut out.report.configuration;
    configuration.uuid.clone_from(&voice.heard.report.configuration.uuid);
    let known = identity.serial().filter(|_| configuration.serial_number.is_none());
    if let Some(serial) = known {
        configuration.serial_number = Some(serial.to_owned());
        let source = Source { from: format!("{} UUID", voice.name()), derived: true };
        out.report.sources.insert(RowId::C3, source);
        let what = "no interface that answered names the serial number: the printer is known by its UUID";
        out.defects.push(Defect::at(RowId::C3, what));
    }
}

fn take(part: &Part, voices: &[Voice], out: &mut Out) {
    let copy = match part.take {
        Take::Items(take_items) => return take_items(part, voices, out),
        Take::Whole(copy) => copy,
    };
    let speaker = part.speaker(voices, &out.memory);
    if let Some(voice) = speaker {
        copy(&voice.heard.report, &mut out.report);
        for row in part.rows() {
            credit(row, voice, out);
        }
    }
    if is_counted(part.first) {
        keep_to(part, speaker, out);
    }
}

/// Names the source of a row as the interface itself names it.
fn credit(row: RowId, voice: &Voice, out: &mut Out) {
    if !voice.filled.contains(&row) {
        return;
    }
    let own = voice.heard.report.sources.get(&row).cloned();
    let source = own.unwrap_or_else(|| Source { from: voice.name().to_owned(), derived: false });
    out.report.sources.insert(row, source);
}

/// Says which remembered rows are absent this time, and remembers where the part comes from.
fn keep_to(part: &Part, speaker: Option<&Voice>, out: &mut Out) {
    for (row, name) in out.memory.sources(part.first..=part.last) {
        let what = match speaker {
            None if row == OF_JOBS => format!("jobs come from {name}, which did not answer: none are read"),
            None => format!("it comes from {name}, which did not answer: it stays absent"),
            Some(voice) if row != OF_JOBS && !voice.filled.contains(&row) => {
                format!("{name} gave it before and does not give it now: it stays absent")
            }
            Some(_) => continue,
        };
        out.defects.push(Defect::at(row, what));
        out.is_missed = true;
    }
    let Some(voice) = speaker else { return };
    if part.holds(OF_JOBS) {
        // One that is remembered already stays so, whatever it gives this time.
        if part.is_given_by(voice) {
            out.memory.keep(OF_JOBS, voice.name());
        }
    } else {
        for row in part.rows().filter(|row| voice.filled.contains(row)) {
            out.memory.keep(row, voice.name());
        }
    }
}

/// The counters and jobs that come from another interface than before.
fn moved(before: &Memory, now: &Memory) -> Vec<Defect> {
    let all = RowId::U1..=RowId::N11;
    let before = before.sources(all.clone());
    let mut defects = Vec::new();
    for (row, name) in now.sources(all) {
        if let Some((_, old)) = before.iter().find(|(other, old)| *other == row && *old != name) {
            let what = if row == OF_JOBS { "jobs come" } else { "it comes" };
            let what = format!("{what} from {name} now, before from {old}, which somebody let go");
            defects.push(Defect::at(row, what));
        }
    }
    defects
}

/// A defect of one interface; among several it names the interface.
fn told_by(voice: &Voice, defect: &Defect, several: bool) -> Defect {
    let what = if several { format!("{}: {}", voice.name(), defect.what) } else { defect.what.clone() };
    Defect { row: defect.row, what }
}

/// At most [`DEFECTS_MAX`] defects, of which each that tells some has its share: one that tells many crowds out no
/// other. How many more there were is said.
fn bounded(told: Vec<Vec<Defect>>) -> Vec<Defect> {
    let all: usize = told.iter().map(Vec::len).sum();
    let fits = |share: &usize| told.iter().map(|told| told.len().min(*share)).sum::<usize>() <= DEFECTS_MAX;
    let share = (0..=DEFECTS_MAX).rev().find(fits).unwrap_or(0);
    let mut defects: Vec<Defect> = told.into_iter().flat_map(|told| told.into_iter().take(share)).collect();
    let more = all - defects.len();
    if more > 0 {
        defects.push(Defect::of(format!("{more} more defects are left out")));
    }
    defects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DRIVERS;

    #[test]
    fn every_row_stands_in_one_part() {
        for row in ROWS {
            let parts = PARTS.iter().filter(|part| part.holds(row.id)).count();
            assert_eq!(parts, 1, "{}", row.id);
        }
    }

    #[test]
    fn every_order_names_every_driver_once() {
        let mut names: Vec<&str> = DRIVERS.iter().map(|driver| driver.name).collect();
        names.sort_unstable();
        for order in [STATUS, INK, AREA, JOBS, ALERTS] {
            let mut order = order.to_vec();
            order.sort_unstable();
            assert_eq!(order, names);
        }
    }
}
