//! A printer that prints: jobs by the hour, cartridges and rolls used up, lifetime counters raised.
//!
//! [`Printer::advance`] is the only thing that moves it. What it prints depends on its seed and on
//! time alone, never on how often it is advanced. Counters also rise by maintenance and by cutting,
//! which are in no job; both are kept apart as truth. Counters that are reset, or begin anew with another
//! board, change what the printer says and never the truth. Deliberately absent: wear, jams and lies.

mod counters;
mod job;
mod model;
mod pages;
mod quirks;
mod supplies;
mod truth;

pub use counters::{CategoryCounter, Counters};
pub use job::Source;
pub use model::{INCH, MEDIA, MODELS, Medium, Model};
pub use quirks::{Habits, Quirks};
pub use truth::{CategoryTruth, TruthJob};

pub(crate) use job::Job;
pub(crate) use pages::Page;
pub(crate) use supplies::{InkGroup, InkSlot, Roll};

use job::Before;
use report::sample::Rng;
use report::{Area, Category, Duration, Ink, Instant, JobKind, Length, divide_half_even};
use std::collections::{BTreeMap, VecDeque};

/// A day in milliseconds.
pub(crate) const DAY: i64 = 86_400_000;
/// Servicing is done at this time of the day, in ms.
const SERVICE_AT: i64 = 6 * 3_600_000;
/// Which stream of random numbers servicing uses.
const SERVICE: u64 = 0x7365_7276;
/// Which stream queue UUIDs use.
const QUEUE: u64 = 0x7175_6575;
/// After a jam of jobs, the next one arrives at most this long before the printer is free.
const BACKLOG: i64 = 2 * 3_600_000;

/// Requests that reached a printer: what was asked, and what was refused since it was not a GET.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// GET requests.
    pub asked: u64,
    /// Requests by any other method, all refused.
    pub refused: u64,
}

/// A simulated printer.
#[derive(Debug, Clone)]
pub struct Printer {
    pub(crate) seed: u64,
    pub(crate) model: Model,
    pub(crate) serial: String,
    pub(crate) uuid: String,
    pub(crate) quirks: Quirks,
    pub(crate) habits: Habits,
    pub(crate) now: Instant,
    pub(crate) inks: Vec<InkGroup>,
    pub(crate) rolls: Vec<Roll>,
    pub(crate) counters: Counters,
    /// The finished jobs it remembers, oldest first.
    pub(crate) queue: VecDeque<Job>,
    plan: Option<Job>,
    planned: i64,
    arrived_at: Instant,
    free_at: Instant,
    next_service: Instant,
    boots: i64,
    baseline: Counters,
    maintenance: Counters,
    cutting: Counters,
    /// Where the true counters stood when those that it shows began anew.
    anew_from: Counters,
    /// What the counter of all media showed then.
    anew_at: Area,
    truth: Vec<TruthJob>,
    requests: Requests,
}

impl Printer {
    /// A printer of `model` that has lived before `start` and prints from then on.
    pub fn new(seed: u64, model: &Model, serial: &str, start: Instant, habits: Habits) -> Printer {
        let mut rng = Rng::new(seed);
        let start = Instant(start.0.div_euclid(1000) * 1000);
        let colours = model.colours.iter().enumerate();
        let inks: Vec<InkGroup> =
            colours.map(|(index, &colour)| InkGroup::new(&mut rng, model, index, colour, start)).collect();
        let rolls: Vec<Roll> = (0..model.rolls.max(1)).map(|index| roll(&mut rng, model, &habits, index)).collect();
        let baseline = baseline(&mut rng, model, &inks, &rolls);
        let today = Instant(start.0.div_euclid(DAY) * DAY + SERVICE_AT);
        Printer {
            seed,
            model: *model,
            serial: serial.to_owned(),
            uuid: rng.uuid(),
            quirks: Quirks::of(&mut rng),
            habits,
            now: start,
            inks,
            rolls,
            counters: baseline.clone(),
            queue: VecDeque::new(),
            plan: None,
            planned: 0,
            arrived_at: start,
            free_at: start,
            next_service: if today > start { today } else { today.plus(Duration(DAY)) },
            boots: 0,
            baseline,
            maintenance: Counters::default(),
            cutting: Counters::default(),
            anew_from: Counters::default(),
            anew_at: Area(0),
            truth: Vec::new(),
            requests: Requests::default(),
        }
    }

    /// The same printer with other quirks; to be called before it is advanced.
    #[must_use]
    pub fn with_quirks(mut self, quirks: Quirks) -> Printer {
        self.quirks = quirks;
        self
    }

    /// Prints all jobs and does all servicing whose time has come up to `to`. Time never goes back.
    pub fn advance(&mut self, to: Instant) {
        loop {
            self.think_ahead();
            let finish = self.plan.as_ref().map(|job| job.finished_at).filter(|at| *at < self.next_service);
            if finish.unwrap_or(self.next_service) > to {
                break;
            }
            if finish.is_some() {
                self.finish();
            } else {
                self.service();
            }
        }
        self.now = self.now.max(to);
    }

    /// Plans the next job, if people print at all.
    fn think_ahead(&mut self) {
        if self.plan.is_some() || self.habits.jobs_per_day <= 0 {
            return;
        }
        let job = job::plan(&Before {
            seed: self.seed,
            model: &self.model,
            habits: &self.habits,
            quirks: &self.quirks,
            rolls: &self.rolls,
            index: self.planned,
            earlier: self.baseline.jobs,
            arrived_at: self.arrived_at,
            free_at: self.free_at,
        });
        self.planned += 1;
        self.arrived_at = Instant(job.arrived_at.0.max(job.finished_at.0 - BACKLOG));
        self.free_at = job.finished_at;
        self.plan = Some(job);
    }

    /// Ends the planned job: what it used is taken and counted, and it enters the queue.
    fn finish(&mut self) {
        let Some(job) = self.plan.take() else { return };
        let mut used = Counters { jobs: 1, ..Counters::default() };
        for page in job.pages.iter().filter(|page| page.printed > 0) {
            for _ in 0..page.printed {
                self.feed(page.roll, page.sheet);
            }
            used.pages += page.printed;
            used.use_media(page.medium.name, page.media_area);
            let more = CategoryCounter { media_area: page.media_area, media_length: page.media_length() };
            used.use_category(&page.category, more);
            for (colour, ink) in &page.ink {
                self.draw(colour, *ink, job.finished_at);
                used.use_ink(colour, *ink);
            }
        }
        match (job.kind, job.scanned) {
            (JobKind::Scan, Some(area)) => used.scanned_scans = area,
            (JobKind::Copy, Some(area)) => used.scanned_copies = area,
            _ => {}
        }
        self.counters.raise(&used);
        self.truth.push(TruthJob::of(&job));
        self.queue.push_back(job);
        while self.queue.len() > self.habits.queue_length {
            self.queue.pop_front();
        }
    }

    /// Servicing, once a day: some ink for the heads, and once a week a test print, which the
    /// printer counts as a low density image of no job.
    fn service(&mut self) {
        let at = self.next_service;
        let day = at.0.div_euclid(DAY);
        let mut rng = stream(self.seed, SERVICE, day);
        let mut used = Counters::default();
        for group in &mut self.inks {
            let ink = Ink(rng.between(80_000, 400_000));
            group.draw(ink, at);
            used.use_ink(group.colour, ink);
        }
        let length = Length(rng.between(200_000, 400_000));
        if day.rem_euclid(7) == 1
            && let Some((name, area)) = self.rolls.first().map(|roll| (roll.medium.name, roll.area(length)))
        {
            self.feed(0, length);
            used.use_media(name, area);
            let more = CategoryCounter { media_area: area, media_length: length };
            used.use_category(&Category::new("low-density"), more);
        }
        self.counters.raise(&used);
        self.maintenance.raise(&used);
        self.next_service = at.plus(Duration(DAY));
    }

    /// Feeds `length` of a roll; the start of a new one is cut off, which only total and media type count.
    fn feed(&mut self, roll: usize, length: Length) {
        let Some(roll) = self.rolls.get_mut(roll) else { return };
        let Some(trimmed) = roll.take(length) else { return };
        let mut waste = Counters::default();
        waste.use_media(roll.medium.name, roll.area(trimmed));
        self.counters.raise(&waste);
        self.cutting.raise(&waste);
    }

    /// Takes ink of a colour.
    fn draw(&mut self, colour: &str, ink: Ink, at: Instant) {
        if let Some(group) = self.inks.iter_mut().find(|group| group.colour == colour) {
            group.draw(ink, at);
        }
    }

    /// Switches the printer off and on; its queue may then have another UUID.
    pub fn reboot(&mut self) {
        self.boots += 1;
    }

    /// Sets the counters that it shows to zero, as a service technician can.
    pub fn reset_counters(&mut self) {
        self.replace_board(Area(0));
    }

    /// Gives it another board, whose counter of all media (U17) has counted `first` elsewhere; its other
    /// counters begin at zero. The truth goes on.
    pub fn replace_board(&mut self, first: Area) {
        self.anew_from = self.counters.clone();
        self.anew_at = first;
    }

    /// Its lifetime counters as it shows them: those since they began anew last, and the one of all media
    /// with as many values as it has.
    pub fn shown(&self) -> Counters {
        let mut shown = self.counters.since(&self.anew_from);
        shown.media_area.0 += self.anew_at.0;
        if self.quirks.media_values > 0 {
            shown.media_area.0 = shown.media_area.0.rem_euclid(self.quirks.media_values);
        }
        shown
    }

    /// Notes a request.
    pub(crate) fn note_request(&mut self, refused: bool) {
        let counter = if refused { &mut self.requests.refused } else { &mut self.requests.asked };
        *counter = counter.saturating_add(1);
    }

    /// The UUID of its job queue. It is found in upper and in lower case.
    pub fn queue_uuid(&self) -> String {
        let boots = if self.quirks.queue_uuid_changes_on_reboot { self.boots } else { 0 };
        stream(self.seed, QUEUE, boots).uuid()
    }

    /// The job that is arriving or printing now, if one is.
    pub(crate) fn active(&self) -> Option<&Job> {
        self.plan.as_ref().filter(|job| job.arrived_at <= self.now)
    }

    /// How many changes the queue has seen.
    pub(crate) fn modification(&self) -> i64 {
        self.planned + self.boots
    }

    /// Its model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Row C3.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// In which odd ways it answers.
    pub fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// The instant it was last advanced to.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Every job it has finished, in the order of [`TruthJob::finished_at`]; the printer itself
    /// remembers fewer.
    pub fn truth(&self) -> &[TruthJob] {
        &self.truth
    }

    /// Its true lifetime counters: the baseline, all jobs, maintenance and cutting. See [`Printer::shown`].
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What its counters were at the start.
    pub fn baseline(&self) -> &Counters {
        &self.baseline
    }

    /// What servicing used since the start.
    pub fn maintenance(&self) -> &Counters {
        &self.maintenance
    }

    /// What was cut off the starts of new rolls since the start.
    pub fn cutting(&self) -> &Counters {
        &self.cutting
    }

    /// Row U5 by colour: cartridges ever inserted.
    pub fn insertions(&self) -> BTreeMap<String, i64> {
        self.inks.iter().map(|group| (group.colour.to_owned(), group.insertions())).collect()
    }

    /// Row U2 by colour, as the cartridges themselves have counted it.
    pub fn ink_drawn(&self) -> BTreeMap<String, Ink> {
        self.inks.iter().map(|group| (group.colour.to_owned(), group.used())).collect()
    }

    /// The requests that reached it.
    pub fn requests(&self) -> Requests {
        self.requests
    }
}

/// The `index`th roll: odd ones as wide as the printer takes, the others 36 in.
fn roll(rng: &mut Rng, model: &Model, habits: &Habits, index: usize) -> Roll {
    let medium = habits.media.get(index % habits.media.len().max(1)).copied().unwrap_or(&MEDIA[0]);
    let width = if index % 2 == 1 { model.width } else { model.width.min(36 * INCH) };
    let full = if model.rolls > 2 { Length(91_000_000) } else { Length(45_700_000) };
    Roll::new(rng, medium, width, full)
}

/// The counters of a printer that has lived before the simulation.
fn baseline(rng: &mut Rng, model: &Model, inks: &[InkGroup], rolls: &[Roll]) -> Counters {
    let jobs = rng.between(400, 9_000);
    let mut counters = Counters { jobs, pages: 2 * jobs + rng.between(0, 500), ..Counters::default() };
    for roll in rolls {
        counters.use_media(roll.medium.name, Area(jobs * rng.between(300_000, 900_000)));
    }
    // Four categories share most of it; the rest was cut off. A metre wide, on average.
    let share = counters.media_area.0 / 5;
    for category in Category::known().take(4) {
        counters.use_category(&category, CategoryCounter { media_area: Area(share), media_length: Length(share) });
    }
    for group in inks {
        counters.use_ink(group.colour, group.used());
    }
    if model.scanner {
        counters.scanned_scans = Area(jobs * rng.between(20_000, 60_000));
        counters.scanned_copies = Area(jobs * rng.between(20_000, 60_000));
    }
    counters
}

/// The random numbers for the `index`th thing of a kind: independent of all others.
pub(crate) fn stream(seed: u64, what: u64, index: i64) -> Rng {
    let base = Rng::new(seed ^ what).next_u64();
    Rng::new(base ^ index.unsigned_abs().wrapping_mul(0xd6e8_feb8_6659_fd93))
}

/// An integer that fits in 64 bits wherever it measures something of this world; saturates beyond.
pub(crate) fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// Micro-inches as a length in µm, rounded half-even: 1 in = 25 400 µm.
pub(crate) fn length_of(side: i64) -> Length {
    Length(narrow(divide_half_even(i128::from(side) * 25_400, 1_000_000)))
}
