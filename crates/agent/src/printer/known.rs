//! What an agent remembers between two readings: of an address, which printer was there and by which interfaces it
//! answered; of a printer, wherever it is, which interface gives each counter.
//!
//! Pure, with text forms to keep. The two are apart because counters are judged by serial number: a printer that
//! moves, or stands under two addresses, counts on by the same interface. Deliberately absent: what a printer said,
//! and when the texts are written, which is the agent's.

use drivers::DRIVERS;
use drivers::merge::{Heard, Identity, Memory, Merged, merge_recalling};
use report::{Configuration, Duration, Instant};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Every interface is tried again after this time, whether it ever answered or not.
const AGAIN: Duration = Duration::hours(7 * 24);

/// What is remembered of one address; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The interfaces that ever answered there for the printer that was there last, in probe order.
    answers: Vec<&'static str>,
    /// That printer's serial number, else its UUID.
    printer: Option<String>,
    /// When every interface was last tried.
    tried_at: Option<Instant>,
    /// What was allowed then, in words.
    allowed: String,
    /// The printers that other interfaces there named beside it, by serial number, else UUID.
    strangers: Vec<String>,
    /// Whether somebody let go where the printer's counters and jobs come from. It is kept apart, until a reading
    /// has chosen anew; what is known after such a reading says that it has.
    anew: bool,
}

/// Strangers at one address. A printer has fewer interfaces.
const STRANGERS_MAX: usize = 8;

impl Known {
    /// Reads what [`Known::to_text`] wrote; what does not read is unknown.
    pub(crate) fn parse(text: &str) -> Known {
        let mut lines = text.lines();
        let mut line = |name: &str| lines.next().and_then(|line| line.strip_prefix(name)).map(str::to_owned);
        let (tried, allowed, printer, answers) = (line("tried "), line("allowed "), line("printer "), line("answers "));
        let (Some(tried), Some(allowed), Some(printer), Some(answers)) = (tried, allowed, printer, answers) else {
            return Known::default();
        };
        let strangers = lines.filter_map(|line| line.strip_prefix("stranger ")).take(STRANGERS_MAX);
        Known {
            answers: in_probe_order(|name| answers.split(' ').any(|word| word == name)),
            printer: Some(printer).filter(|printer| !printer.is_empty()),
            tried_at: tried.parse().ok().map(Instant),
            allowed,
            strangers: strangers.map(str::to_owned).collect(),
            anew: false,
        }
    }

    /// The form in which it is kept.
    pub(crate) fn to_text(&self) -> String {
        let tried = self.tried_at.map_or_else(|| "never".to_owned(), |at| at.0.to_string());
        let printer = self.printer.as_deref().unwrap_or("");
        let strangers: String = self.strangers.iter().map(|stranger| format!("stranger {stranger}\n")).collect();
        let (allowed, answers) = (&self.allowed, self.answers.join(" "));
        format!("tried {tried}\nallowed {allowed}\nprinter {printer}\nanswers {answers}\n{strangers}")
    }

    /// The same where somebody let go where the printer's counters and jobs come from, or a reading chose anew.
    pub(crate) fn anew(self, anew: bool) -> Known {
        Known { anew, ..self }
    }

    /// Whether that was let go; after a reading, whether it chose anew.
    pub(crate) fn is_anew(&self) -> bool {
        self.anew
    }

    /// Whether every interface is tried now: at the first contact, weekly, where more is allowed than before, and
    /// where it is chosen anew which of them counts.
    pub(crate) fn tries_all(&self, now: Instant, allowed: &str) -> bool {
        let fresh = self.tried_at.is_some_and(|at| (Duration(0)..AGAIN).contains(&now.since(at)));
        !fresh || self.allowed != allowed || self.answers.is_empty() || self.anew
    }

    /// Whether an interface ever answered there.
    pub(crate) fn remembers(&self, driver: &str) -> bool {
        self.answers.contains(&driver)
    }

    /// Whether another printer than this one was there last.
    pub(crate) fn is_of_another(&self, identity: &Identity) -> bool {
        self.printer.as_deref().is_some_and(|known| ![identity.serial(), identity.uuid()].contains(&Some(known)))
    }

    /// Whether this is a printer that an interface named beside the one that is known there. Such an interface speaks
    /// for nobody, also when it is the only one that answers.
    pub(crate) fn is_stranger(&self, identity: &Identity) -> bool {
        let is_it = |stranger: &String| [identity.serial(), identity.uuid()].contains(&Some(stranger.as_str()));
        self.is_of_another(identity) && self.strangers.iter().any(is_it)
    }

    /// The same with printers that interfaces named beside it.
    pub(crate) fn with_strangers(mut self, strangers: &[Identity]) -> Known {
        for stranger in strangers.iter().filter_map(Identity::key) {
            if self.strangers.len() < STRANGERS_MAX && !self.strangers.iter().any(|known| known == stranger) {
                self.strangers.push(stranger.to_owned());
            }
        }
        self
    }

    /// What is known after a reading in which these drivers answered for the printer. `tried` is when every interface
    /// was tried in it.
    pub(crate) fn after(
        &self,
        printer: &Identity,
        drivers: &[&'static str],
        tried: Option<Instant>,
        allowed: String,
    ) -> Known {
        let nothing = Known::default();
        let before = if self.is_of_another(printer) { &nothing } else { self };
        Known {
            answers: in_probe_order(|name| drivers.contains(&name) || before.remembers(name)),
            printer: printer.key().map(str::to_owned),
            tried_at: tried.or(before.tried_at),
            allowed: if tried.is_some() { allowed } else { before.allowed.clone() },
            strangers: before.strangers.clone(),
            anew: false,
        }
    }
}

/// The names of the drivers of which this is true.
fn in_probe_order(is_one: impl Fn(&str) -> bool) -> Vec<&'static str> {
    DRIVERS.iter().map(|driver| driver.name).filter(|name| is_one(name)).collect()
}

/// What a reading may decide about where counters and jobs come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    /// Whether counters may begin, of a printer of which none has a source.
    pub(crate) counters: bool,
    /// Whether jobs may begin, of a printer whose jobs have no source.
    pub(crate) jobs: bool,
    /// Whether what was chosen before is let go.
    pub(crate) anew: bool,
}

/// The memories of all printers that an agent ever read, by serial number, else UUID. Readings that go on at the
/// same time share them, so that two of one printer cannot choose differently.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memories(Arc<Mutex<BTreeMap<String, Memory>>>);

impl Memories {
    /// Reads the kept texts, one a printer.
    pub(crate) fn parse(texts: &[String]) -> Memories {
        let mut memories = BTreeMap::new();
        for text in texts {
            keep(&mut memories, Memory::parse(text));
        }
        Memories(Arc::new(Mutex::new(memories)))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy that shares nothing: what is read with it is not remembered here.
    pub(crate) fn apart(&self) -> Memories {
        Memories(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// The memory of the printer that says this of itself.
    pub(crate) fn of(&self, configuration: &Configuration) -> Option<Memory> {
        find(&self.lock(), &Identity::of(configuration)).cloned()
    }

    /// Makes one report of what the interfaces of a printer said, and remembers where its counters came from. What
    /// has no source yet is left out where this reading may not choose one. `None` of a report that is not welcome;
    /// then nothing is remembered.
    pub(crate) fn merge(
        &self,
        heard: Vec<Heard>,
        choice: Choice,
        is_welcome: impl FnOnce(&Merged) -> bool,
    ) -> Option<Merged> {
        let mut memories = self.lock();
        let mut before = Memory::default();
        let mut merged = merge_recalling(heard, |identity| {
            before = find(&memories, identity).cloned().unwrap_or_default();
            let mut memory = before.clone();
            if choice.anew {
                memory.forget_sources();
            }
            memory
        });
        if !choice.counters && !before.has_sources() {
            merged = merged.without_counters();
        }
        if !choice.jobs && !before.has_jobs() {
            merged = merged.without_jobs();
        }
        if choice.anew {
            merged = merged.chosen_anew(&before);
        }
        if !is_welcome(&merged) {
            return None;
        }
        keep(&mut memories, merged.memory.clone());
        Some(merged)
    }
}

/// The memory of a printer: by its serial number, else by whatever both know.
fn find<'a>(memories: &'a BTreeMap<String, Memory>, identity: &Identity) -> Option<&'a Memory> {
    let by_serial = identity.serial().and_then(|serial| memories.get(serial));
    by_serial.or_else(|| memories.values().find(|memory| memory.identity().agrees(identity) == Some(true)))
}

/// Keeps a memory under its printer's name, and no longer under the UUID by which it was known before.
fn keep(memories: &mut BTreeMap<String, Memory>, memory: Memory) {
    let Some(key) = memory.identity().key().map(str::to_owned) else { return };
    if let Some(earlier) = memory.identity().uuid() {
        memories.remove(earlier);
    }
    memories.insert(key, memory);
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::package::job_key;
    use report::{Defect, Job, PrintJob, Report, RowId};

    const NOW: Instant = Instant(1_793_448_000_000);
    const ALLOWED: &str = "ipp 631 snmp off 161 no login only ";

    fn identity(serial: &str, uuid: &str) -> Identity {
        Identity::of(&configuration(serial, uuid))
    }

    fn configuration(serial: &str, uuid: &str) -> Configuration {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Configuration { serial_number: text(serial), uuid: text(uuid), ..Configuration::default() }
    }

    fn read_once() -> Known {
        Known::default().after(&identity("CN1", "u-1"), &["piws", "ipp"], Some(NOW), ALLOWED.to_owned())
    }

    #[test]
    fn what_is_kept_is_what_is_read_again() {
        let known = Known::parse(&read_once().to_text());
        assert!(known.remembers("piws") && known.remembers("ipp") && !known.remembers("snmp"));
        assert!(!known.tries_all(NOW, ALLOWED));
        assert_eq!(known, read_once());
    }

    #[test]
    fn what_does_not_read_is_unknown() {
        let empty = "tried x\nallowed \nprinter \nanswers \n";
        for text in ["", "\n\n\n", "tried 5", "tried 5\nallowed x\nprinter y\n", empty] {
            assert!(Known::parse(text).tries_all(NOW, ALLOWED), "{text:?}");
        }
    }

    #[test]
    fn every_interface_is_tried_at_first_weekly_and_when_more_is_allowed() {
        let known = read_once();
        for (after, allowed, all) in [
            (Duration(0), ALLOWED, false),
            (Duration::hours(167), ALLOWED, false),
            (Duration::hours(168), ALLOWED, true),
            (Duration::hours(-1), ALLOWED, true),
            (Duration(0), "ipp 631 snmp v2c 161 no login only ", true),
        ] {
            assert_eq!(known.tries_all(NOW.plus(after), allowed), all, "{after:?} {allowed}");
        }
        assert!(Known::default().tries_all(NOW, ALLOWED));
    }

    #[test]
    fn a_reading_of_a_part_keeps_what_answered_before_and_when_everything_was_tried() {
        let later = read_once().after(&identity("CN1", ""), &["piws"], None, "more".to_owned());
        assert_eq!(later, read_once());
    }

    #[test]
    fn another_printer_at_an_address_inherits_nothing_of_it() {
        let known = read_once();
        for (serial, uuid, other) in [("CN1", "u-2", false), ("", "u-1", true), ("CN2", "", true), ("", "", true)] {
            assert_eq!(known.is_of_another(&identity(serial, uuid)), other, "{serial} {uuid}");
        }
        assert!(!Known::default().is_of_another(&identity("CN1", "")));
        let other = known.after(&identity("CN2", ""), &["ledm"], None, ALLOWED.to_owned());
        assert!(other.remembers("ledm") && !other.remembers("piws") && other.tries_all(NOW, ALLOWED));
    }

    /// What an interface says that counted these pages.
    fn heard(driver: &str, serial: &str, uuid: &str, pages: i64) -> Heard {
        let mut report = Report { read_at: NOW, configuration: configuration(serial, uuid), ..Report::default() };
        report.usage.pages = Some(pages);
        let driver = drivers::driver(driver).expect("a driver");
        Heard { driver, over: "192.0.2.1:443".to_owned(), report, defects: Vec::new() }
    }

    const ALL: Choice = Choice { counters: true, jobs: true, anew: false };

    fn read(memories: &Memories, heard: Vec<Heard>, choice: Choice) -> Merged {
        memories.merge(heard, choice, |_| true).expect("welcome")
    }

    #[test]
    fn a_printer_counts_on_by_the_same_interface_wherever_it_is_read() {
        let memories = Memories::default();
        assert_eq!(read(&memories, vec![heard("ledm", "CN1", "u-1", 7)], ALL).report.usage.pages, Some(7));
        // Of the address of this reading nothing was ever known.
        let both = || vec![heard("piws", "CN1", "u-1", 900), heard("ledm", "CN1", "u-1", 8)];
        assert_eq!(read(&memories, both(), ALL).report.usage.pages, Some(8));
        assert_eq!(read(&memories, vec![heard("piws", "CN1", "", 900)], ALL).report.usage.pages, None);
        assert_eq!(read(&memories, vec![heard("piws", "CN2", "", 900)], ALL).report.usage.pages, Some(900));
        let kept = Memories::parse(&[memories.of(&configuration("CN1", "")).expect("known").to_text()]);
        assert_eq!(read(&kept, both(), ALL).report.usage.pages, Some(8), "also after a restart");
    }

    #[test]
    fn what_is_read_apart_or_not_welcome_is_not_remembered() {
        let memories = Memories::default();
        read(&memories.apart(), vec![heard("ledm", "CN1", "", 7)], ALL);
        assert!(memories.merge(vec![heard("ledm", "CN1", "", 7)], ALL, |_| false).is_none());
        assert!(memories.of(&configuration("CN1", "")).is_none());
    }

    #[test]
    fn a_new_printer_gets_no_counters_until_every_interface_was_asked() {
        let memories = Memories::default();
        let not_all = Choice { counters: false, jobs: false, anew: false };
        let first = read(&memories, vec![heard("ledm", "CN1", "", 7)], not_all);
        assert_eq!((first.report.usage.pages, first.memory.has_sources()), (None, false));
        let second = read(&memories, vec![heard("piws", "CN1", "", 9), heard("ledm", "CN1", "", 7)], ALL);
        assert_eq!(second.report.usage.pages, Some(9));
        let known = read(&memories, vec![heard("piws", "CN1", "", 10)], not_all);
        assert_eq!(known.report.usage.pages, Some(10), "of a known one nothing is held back");
    }

    #[test]
    fn a_printer_that_was_known_by_its_uuid_is_remembered_by_its_serial_number() {
        let memories = Memories::default();
        read(&memories, vec![heard("ipp", "", "u-1", 7)], ALL);
        read(&memories, vec![heard("piws", "CN1", "u-1", 900), heard("ipp", "", "u-1", 8)], ALL);
        let names: Vec<String> = memories.lock().keys().cloned().collect();
        assert_eq!(names, ["CN1"]);
        let by_uuid = memories.of(&configuration("", "u-1")).expect("known");
        assert_eq!(by_uuid.identity().serial(), Some("CN1"));
        let again = read(&memories, vec![heard("ipp", "", "u-1", 9)], ALL).report;
        assert_eq!((again.configuration.serial_number.as_deref(), again.usage.pages), (Some("CN1"), Some(9)));
        assert!(again.sources.contains_key(&RowId::U15));
    }

    #[test]
    fn jobs_begin_only_where_no_better_interface_may_be_silent() {
        let job = |uuid: &str| Job {
            uuid: Some(uuid.to_owned()),
            print: Some(PrintJob { printed_at: Some(NOW), ..PrintJob::default() }),
            ..Job::default()
        };
        let with_job = |driver: &str, uuid: &str| {
            let mut heard = heard(driver, "CN1", "u-1", 7);
            heard.report.jobs = vec![(job(uuid), Vec::new())];
            heard
        };
        let keys = |merged: &Merged| -> Vec<Option<String>> {
            merged.report.jobs.iter().map(|(job, _)| job_key(job, 0)).collect()
        };
        let memories = Memories::default();
        let in_trouble = Choice { jobs: false, ..ALL };
        let first = read(&memories, vec![with_job("ipp", "by-ipp")], in_trouble);
        assert_eq!((first.report.usage.pages, keys(&first)), (Some(7), Vec::new()), "only jobs wait");
        let by_piws = job_key(&job("by-piws"), 0);
        let both = || vec![with_job("piws", "by-piws"), with_job("ipp", "by-ipp")];
        assert_eq!(keys(&read(&memories, both(), ALL)), std::slice::from_ref(&by_piws));
        assert_eq!(keys(&read(&memories, both(), in_trouble)), [by_piws], "they go on");
        assert!(keys(&read(&memories, vec![with_job("ipp", "by-ipp")], ALL)).is_empty(), "under no second name");
        let anew = Choice { anew: true, ..ALL };
        let let_go = read(&memories, vec![with_job("ipp", "by-ipp")], anew);
        assert_eq!(keys(&let_go), [job_key(&job("by-ipp"), 0)]);
        let says_so = |defect: &Defect| defect.row == Some(RowId::P27) && defect.what.contains("before from piws");
        assert!(let_go.defects.iter().any(says_so), "{:?}", let_go.defects);
    }

    #[test]
    fn an_interface_that_named_another_printer_is_a_stranger_there_until_the_printer_is_another() {
        let known = read_once().with_strangers(&[identity("CN2", ""), identity("CN2", ""), identity("", "u-9")]);
        let kept = Known::parse(&known.to_text());
        assert_eq!(kept, known);
        for (serial, uuid, stranger) in
            [("CN2", "", true), ("", "u-9", true), ("CN3", "", false), ("CN1", "u-9", false), ("", "", false)]
        {
            assert_eq!(kept.is_stranger(&identity(serial, uuid)), stranger, "{serial} {uuid}");
        }
        let later = kept.after(&identity("CN1", ""), &["piws"], None, ALLOWED.to_owned());
        assert!(later.is_stranger(&identity("CN2", "")));
        let other = kept.after(&identity("CN3", ""), &["piws"], None, ALLOWED.to_owned());
        assert!(!other.is_stranger(&identity("CN2", "")));
    }

    #[test]
    fn every_interface_is_tried_where_one_is_chosen_anew() {
        let known = read_once();
        assert!(!known.tries_all(NOW, ALLOWED) && known.clone().anew(true).tries_all(NOW, ALLOWED));
        assert_eq!(Known::parse(&known.clone().anew(true).to_text()), known, "it is kept apart");
    }
}
