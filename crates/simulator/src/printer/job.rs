//! What one job is, and how the next one is thought up: when it comes, from where, what it prints.
//!
//! A job is a pure function of the printer's seed, its number and what came before it. Deliberately
//! absent: what is drawn on a page; a page is a size, a coverage and an amount of ink.

use super::model::Medium;
use super::pages::{self, Page};
use super::supplies::Roll;
use super::{DAY, Habits, Model, Quirks, narrow, stream};
use report::sample::Rng;
use report::{Area, Category, Duration, Ink, Instant, JobKind, JobStatus, Personal, divide_half_even};
use std::collections::BTreeMap;

/// Where a job came from, row P12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A printing driver: gives user and submission, sometimes the account.
    Driver,
    /// A raster image processor: gives job name and application.
    Rip,
    /// The printer's own web page: gives a job name.
    WebPage,
    /// The front panel: a panel application may give account and project.
    Panel,
}

impl Source {
    /// The word for row P12.
    pub fn word(self) -> &'static str {
        match self {
            Source::Driver => "driver",
            Source::Rip => "rip",
            Source::WebPage => "web page",
            Source::Panel => "panel",
        }
    }
}

/// A job, thought up to its end.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Row P3.
    pub(crate) sequence: i64,
    /// The queue's own name for it, which is not the job's UUID.
    pub(crate) entry: String,
    /// Row P2, lower case.
    pub(crate) uuid: String,
    /// Row P27.
    pub(crate) kind: JobKind,
    /// Row P12.
    pub(crate) source: Source,
    /// Row P11, once it has finished.
    pub(crate) status: JobStatus,
    /// When the printer had received it.
    pub(crate) arrived_at: Instant,
    /// Row P10.
    pub(crate) started_at: Instant,
    /// When its last page was out.
    pub(crate) finished_at: Instant,
    /// Row P16.
    pub(crate) copies: i64,
    /// Its pages; none for a scan.
    pub(crate) pages: Vec<Page>,
    /// Row N11.
    pub(crate) scanned: Option<Area>,
    /// P1, P4 to P9, N1, N4 to N8; the submission is the true instant.
    pub(crate) personal: Personal,
    /// The computer a driver ran on.
    pub(crate) host: Option<String>,
}

impl Job {
    /// Row P15: pages printed, all copies.
    pub(crate) fn printed(&self) -> i64 {
        self.pages.iter().map(|page| page.printed).sum()
    }

    /// Row P18: ink by colour, over all pages.
    pub(crate) fn ink(&self) -> BTreeMap<&'static str, Ink> {
        let mut ink: BTreeMap<&'static str, Ink> = BTreeMap::new();
        for (&colour, amount) in self.pages.iter().flat_map(|page| &page.ink) {
            ink.entry(colour).or_default().0 += amount.0;
        }
        ink
    }

    /// Row P13: the ink coverage category by ink laid on a square metre; none when nothing was printed.
    pub(crate) fn coverage_category(&self) -> Option<&'static str> {
        let area: i64 = self.pages.iter().map(|page| page.printed_area().0).sum();
        if area <= 0 {
            return None;
        }
        let ink: i64 = self.ink().values().map(|ink| ink.0).sum();
        // nl a mm² is ml a m²; in hundredths.
        Some(match narrow(divide_half_even(i128::from(ink) * 100, i128::from(area))) {
            ..50 => "A",
            50..200 => "B",
            200..=500 => "C",
            _ => "D",
        })
    }
}

/// What the next job depends on.
pub(super) struct Before<'a> {
    pub(super) seed: u64,
    pub(super) model: &'a Model,
    pub(super) habits: &'a Habits,
    pub(super) quirks: &'a Quirks,
    pub(super) rolls: &'a [Roll],
    /// How many jobs the printer had planned before.
    pub(super) index: i64,
    /// Jobs in the printer's life before the simulation.
    pub(super) earlier: i64,
    /// When the job before arrived.
    pub(super) arrived_at: Instant,
    /// When the printer is free again.
    pub(super) free_at: Instant,
}

impl Before<'_> {
    /// The category that a medium decides, where this printer lets media decide.
    pub(super) fn category_by_media(&self, medium: &Medium) -> Option<Category> {
        let id = medium.category.filter(|_| !self.quirks.categories_unnamed)?;
        Some(Category::new(id))
    }
}

/// Which stream of random numbers jobs use.
const JOBS: u64 = 0x6a6f_6273;

/// Thinks up the next job.
pub(super) fn plan(before: &Before<'_>) -> Job {
    let mut rng = stream(before.seed, JOBS, before.index);
    let arrived_at = arrival(&mut rng, before.arrived_at, before.habits.jobs_per_day);
    let kind = kind(&mut rng, before.model.scanner);
    let source = source(&mut rng, kind);
    let status = outcome(&mut rng, kind);
    let copies = if kind == JobKind::Scan || !rng.chance(250_000) { 1 } else { rng.between(2, 12) };
    let mut pages = match kind {
        JobKind::Scan => Vec::new(),
        JobKind::Copy => pages::plan(&mut rng, before, 1, copies),
        JobKind::Print => {
            let count = if rng.chance(350_000) { rng.between(2, 7) } else { 1 };
            pages::plan(&mut rng, before, count, copies)
        }
    };
    let asked: i64 = pages.iter().map(|page| page.copies).sum();
    // What ends early has printed at least one page less than was asked for.
    let printed = if status == JobStatus::Printed || asked == 0 { asked } else { rng.between(0, asked - 1) };
    pages::print(&mut rng, before, &mut pages, printed);
    let sheets: i64 = pages.iter().map(|page| page.media_length().0).sum();
    let scanned = scan(&mut rng, kind, status, &pages);
    let handling = if scanned.is_some() { 1000 * rng.between(20, 60) } else { 8_000 };
    let feeding = i128::from(sheets) * i128::from(before.model.pace.0);
    let duration = Duration(handling + narrow(divide_half_even(feeding, 1_000_000)));
    let ready_at = arrived_at.plus(Duration(rng.between(5, 60) * 1000));
    let started_at = ready_at.max(before.free_at);
    Job {
        sequence: before.earlier + before.index + 1,
        entry: rng.uuid().to_uppercase(),
        uuid: rng.uuid(),
        kind,
        source,
        status,
        arrived_at,
        started_at,
        finished_at: whole_second(started_at.plus(duration)),
        copies,
        pages,
        scanned,
        personal: personal(&mut rng, kind, source, arrived_at),
        host: (source == Source::Driver).then(|| format!("WS-{:03}", rng.between(1, 60))),
    }
}

/// The next whole second: printers write no fractions.
fn whole_second(at: Instant) -> Instant {
    Instant(at.0.saturating_add(999).div_euclid(1000).saturating_mul(1000))
}

const HOUR: i64 = 3_600_000;
/// The office opens, in ms of the day.
const OPEN: i64 = 7 * HOUR;
/// The office closes.
const CLOSE: i64 = 18 * HOUR;

/// When the next job arrives: some office time after the one before, now and then in the evening.
fn arrival(rng: &mut Rng, before: Instant, jobs_per_day: i64) -> Instant {
    let mean = (CLOSE - OPEN) / jobs_per_day.clamp(1, 2_000);
    let gap = rng.between(mean / 10, mean * 19 / 10);
    let of_day = before.0.rem_euclid(DAY);
    let evening = of_day > CLOSE - HOUR && of_day < CLOSE && rng.chance(100_000);
    whole_second(if evening {
        Instant(before.0 - of_day + CLOSE + rng.between(0, 4 * HOUR))
    } else {
        after_office_time(before, gap)
    })
}

/// `gap` of office time after `from`.
fn after_office_time(from: Instant, mut gap: i64) -> Instant {
    let mut at = open_from(from.0);
    loop {
        let close = at - at.rem_euclid(DAY) + CLOSE;
        if at + gap < close {
            return Instant(at + gap);
        }
        gap -= close - at;
        at = open_from(close);
    }
}

/// `at` when the office is open then, else when it next opens, in ms since 1970.
fn open_from(at: i64) -> i64 {
    let mut day = at.div_euclid(DAY);
    let of_day = at.rem_euclid(DAY);
    let mut found = if of_day < CLOSE { of_day.max(OPEN) } else { OPEN };
    if of_day >= CLOSE {
        day += 1;
    }
    // 1970-01-01 was a Thursday; Monday is 0.
    let weekday = (day + 3).rem_euclid(7);
    if weekday >= 5 {
        day += 7 - weekday;
        found = OPEN;
    }
    day * DAY + found
}

fn kind(rng: &mut Rng, scanner: bool) -> JobKind {
    let ticket = rng.between(0, 99);
    match ticket {
        0..8 if scanner => JobKind::Copy,
        8..15 if scanner => JobKind::Scan,
        _ => JobKind::Print,
    }
}

fn source(rng: &mut Rng, kind: JobKind) -> Source {
    let ticket = rng.between(0, 99);
    match ticket {
        _ if kind != JobKind::Print => Source::Panel,
        0..62 => Source::Driver,
        62..82 => Source::Rip,
        82..96 => Source::WebPage,
        _ => Source::Panel,
    }
}

fn outcome(rng: &mut Rng, kind: JobKind) -> JobStatus {
    let ticket = rng.between(0, 99);
    match ticket {
        0..3 => JobStatus::Cancelled,
        3..5 => JobStatus::Failed,
        _ if kind == JobKind::Scan => JobStatus::Scanned,
        _ => JobStatus::Printed,
    }
}

/// Row N11 in mm²: a copy scans its original once, whatever is printed of it.
fn scan(rng: &mut Rng, kind: JobKind, status: JobStatus, pages: &[Page]) -> Option<Area> {
    /// A1 and A0, as a scanner measures them.
    const ORIGINALS: &[i64] = &[499_554, 998_284, 249_480, 1_204_107];
    let original = Area(*rng.pick(ORIGINALS));
    match kind {
        JobKind::Print => None,
        JobKind::Copy => pages.first().map(|page| page.size.area(1)),
        JobKind::Scan if status == JobStatus::Scanned => Some(original),
        JobKind::Scan => Some(Area(rng.between(0, original.0 / 2))),
    }
}

const USERS: &[&str] = &["a.keller", "j.lind", "m.ortega", "p.novak", "s.brandt", "t.ferrer", "w.haas"];
const TITLES: &[&str] =
    &["Ground floor", "Section B-B", "Roof plan", "Site map", "Façade north", "Piping & ducts", "Poster", "Details"];
const ENDINGS: &[&str] = &["pdf", "dwf", "plt", "tif"];

/// What each kind of source gives, and nothing more.
fn personal(rng: &mut Rng, kind: JobKind, source: Source, arrived_at: Instant) -> Personal {
    let name = format!("{} {:02}.{}", rng.pick(TITLES), rng.between(1, 40), rng.pick(ENDINGS));
    let user = Some((*rng.pick(USERS)).to_owned());
    let account = Some(format!("{}-{:03}", rng.between(40, 44), rng.between(100, 130)));
    let project = Some(format!("P-{}", rng.between(2_040, 2_060)));
    let (lead, by_application) = (rng.between(1, 90), rng.chance(300_000));
    let application = rng.uuid();
    match source {
        Source::Driver => Personal {
            name: Some(name),
            user,
            account: account.filter(|_| by_application),
            application: Some("Plan Draughter 12".to_owned()),
            submitted_at: Some(Instant(arrived_at.0 - lead * 1000)),
            ..Personal::default()
        },
        Source::Rip => {
            Personal { name: Some(name), application: Some("Raster Station".to_owned()), ..Personal::default() }
        }
        Source::WebPage => Personal { name: Some(name), ..Personal::default() },
        Source::Panel if kind == JobKind::Print => Personal { name: Some(name), ..Personal::default() },
        Source::Panel if by_application => Personal {
            project,
            account,
            application: Some(application),
            user_defined: Some("front desk".to_owned()),
            name: (kind == JobKind::Scan).then_some(name),
            user: user.filter(|_| kind == JobKind::Scan),
            ..Personal::default()
        },
        Source::Panel => Personal::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn office_time_skips_nights_and_weekends() {
        let at = |text| Instant::parse(text).expect("an instant");
        let cases = [
            ("2026-10-30T08:00:00Z", HOUR, "2026-10-30T09:00:00Z"),
            // A Friday: 17:30 and an hour is Monday 07:30.
            ("2026-10-30T17:30:00Z", HOUR, "2026-11-02T07:30:00Z"),
            ("2026-10-31T12:00:00Z", HOUR, "2026-11-02T08:00:00Z"),
            ("2026-10-29T18:00:00Z", HOUR, "2026-10-30T08:00:00Z"),
            ("2026-10-29T03:00:00Z", 12 * HOUR, "2026-10-30T08:00:00Z"),
        ];
        for (from, gap, expected) in cases {
            assert_eq!(after_office_time(at(from), gap).to_string(), expected, "{from}");
        }
    }
}
