//! Usage of the slow recount: every fact one by one, by stay, meter and media type; pools of places; and
//! what is taken, covered and lowered of it.
//!
//! Meters are compared as text. Deliberately absent: what the facts rest on, and any grade of proof.

use super::days;
use crate::clauses::Clause;
use crate::clauses::copies::Bill;
use crate::clauses::coverage::{By, Coverage};
use crate::clauses::pool::{Allocation, Members};
use crate::clauses::rounding::{Point, QuantityRounding};
use crate::contract::{Evidence, Terms};
use crate::ledger::{JobFact, SumKind};
use crate::meter::{MeterKind, Pattern};
use crate::money::Direction;
use crate::rating::{Input, PrinterUsage};
use report::{Category, Instant, JobKind, JobStatus};
use std::collections::{BTreeMap, BTreeSet};

/// A meter's kind and name, and the media type beside it.
pub(super) type Key = (MeterKind, String, Option<String>);

/// The usage of one stay under one key.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) key: Key,
    pub(super) stay: usize,
    pub(super) quantity: i128,
    /// What blocks paid in advance, or allowances before them, cover.
    pub(super) covered: i128,
}

/// What of an allowance is left.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    /// The clause, by its place in the terms.
    pub(super) clause: usize,
    pub(super) covers: Vec<Pattern>,
    pub(super) left: i128,
    pub(super) is: Is,
}

/// Where a rest comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// It rolled over, and lapses then.
    Rolled(Option<Instant>),
    /// On top of the span's own, for days out of service.
    Top,
    /// The span's own.
    Own,
}

/// Places that share.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) label: String,
    pub(super) allocation: Allocation,
    pub(super) places: BTreeSet<String>,
    /// All usage; by key, then stay.
    pub(super) used: Vec<Cell>,
    /// What no price took yet.
    pub(super) open: Vec<Cell>,
    pub(super) rests: Vec<Rest>,
}

/// What a price takes.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    pub(super) used: i128,
    pub(super) included: i128,
    pub(super) by_stay: BTreeMap<usize, i128>,
}

/// The place that a stay fills.
pub(super) fn place(stay: &PrinterUsage) -> &str {
    stay.position.as_deref().unwrap_or(&stay.id)
}

/// The stays that touch the period, by id and beginning.
pub(super) fn stays(input: &Input) -> Vec<&PrinterUsage> {
    let left_before = |stay: &PrinterUsage| stay.to.is_some_and(|to| to <= input.period.start);
    let here = |stay: &&PrinterUsage| !left_before(stay) && stay.from < input.period.end;
    let mut stays: Vec<&PrinterUsage> = input.printers.iter().filter(here).collect();
    stays.sort_by(|a, b| (&a.id, a.from).cmp(&(&b.id, b.from)));
    stays
}

/// Whether an instant lies in the period and in the stay.
pub(super) fn counts(at: Instant, stay: &PrinterUsage, input: &Input) -> bool {
    let inside = at >= input.period.start && at < input.period.end;
    inside && at >= stay.from && stay.to.is_none_or(|to| at < to)
}

/// All usage of the stays, in no pool yet.
pub(super) fn gather(input: &Input, terms: &Terms, stays: &[&PrinterUsage]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (index, stay) in stays.iter().enumerate() {
        let mut sums: BTreeMap<Key, i128> = BTreeMap::new();
        add_jobs(&mut sums, input, terms, stay);
        for (key, quantity) in wanted_counters(terms, stay).into_iter().chain(wanted_estimates(input, terms, stay)) {
            *sums.entry(key).or_insert(0) += quantity;
        }
        for (key, quantity) in sums {
            let quantity = rounded(terms, Point::Period, &key, quantity);
            cells.push(Cell { key, stay: index, quantity, covered: 0 });
        }
    }
    cells.sort_by(|a, b| (&a.key, a.stay).cmp(&(&b.key, b.stay)));
    cells
}

fn add_jobs(sums: &mut BTreeMap<Key, i128>, input: &Input, terms: &Terms, stay: &PrinterUsage) {
    let zone = &terms.time_zone;
    let mut by_day: BTreeMap<(i64, Key), i128> = BTreeMap::new();
    for job in stay.jobs.iter().filter(|job| counts(job.finished_at, stay, input)) {
        if !terms.billed_statuses.contains(&job.status.unwrap_or(JobStatus::Printed)) {
            continue;
        }
        for (key, quantity) in read(job, terms) {
            let quantity = rounded(terms, Point::Job, &key, quantity);
            *by_day.entry((days::of_instant(job.finished_at, zone), key)).or_insert(0) += quantity;
        }
    }
    // The last job of a stay may end with it.
    let ends_here = |at: Instant| stay.to == Some(at) && at >= input.period.start && at < input.period.end;
    for sum in stay.sums.iter().filter(|sum| counts(sum.until, stay, input) || ends_here(sum.until)) {
        if sum.kind == SumKind::Beside {
            continue;
        }
        for quantity in &sum.quantities {
            let key = key_of(&quantity.meter.to_string(), quantity.media.clone());
            if source_of(terms, key.0) == Evidence::Jobs {
                *by_day.entry((days::of_instant(sum.until, zone), key)).or_insert(0) += i128::from(quantity.amount);
            }
        }
    }
    for ((_, key), quantity) in by_day {
        let quantity = rounded(terms, Point::Day, &key, quantity);
        *sums.entry(key).or_insert(0) += quantity;
    }
}

fn key_of(meter: &str, media: Option<String>) -> Key {
    let kind = MeterKind::parse(meter.split('/').next().unwrap_or(meter)).expect("a meter begins with its kind");
    (kind, meter.to_owned(), media)
}

fn source_of(terms: &Terms, kind: MeterKind) -> Evidence {
    terms.evidence.get(&kind).copied().unwrap_or(Evidence::Jobs)
}

/// What a job is billed for, after the filters in the order of the clauses.
fn read(job: &JobFact, terms: &Terms) -> Vec<(Key, i128)> {
    let mut found: Vec<(Key, i128)> = Vec::new();
    for quantity in &job.quantities {
        found.push((key_of(&quantity.meter.to_string(), quantity.media.clone()), i128::from(quantity.amount)));
    }
    for clause in &terms.clauses {
        match clause {
            Clause::Copies(copies) if job.kind == Some(JobKind::Copy) => match copies.bill {
                Bill::Both => {}
                Bill::Print => found.retain(|((kind, ..), _)| *kind != MeterKind::ScanArea),
                Bill::Scan => found.retain(|((kind, ..), _)| matches!(kind, MeterKind::ScanArea | MeterKind::Jobs)),
            },
            Clause::Coverage(coverage) if coverage.by == By::Pinned => {
                for (key, _) in &mut found {
                    let category = category_by_coverage(job, coverage, key.2.as_deref());
                    rename(key, category.as_deref());
                }
            }
            Clause::MediaClass(classes) => {
                for (key, _) in &mut found {
                    let row = classes.rows.iter().find(|row| Some(&row.media) == key.2.as_ref());
                    rename(key, row.map(|row| row.category.as_str()));
                }
            }
            _ => {}
        }
    }
    // Two quantities of a job may have got one name: they are one before anything is rounded.
    let mut sums = BTreeMap::new();
    for (key, quantity) in found.into_iter().filter(|(key, _)| source_of(terms, key.0) == Evidence::Jobs) {
        *sums.entry(key).or_insert(0) += quantity;
    }
    sums.into_iter().collect()
}

/// The category by the pinned limits; `None` for a job that does not tell its coverage.
fn category_by_coverage(job: &JobFact, limits: &Coverage, media: Option<&str>) -> Option<String> {
    let coverage = job.coverage?;
    if let Some(row) = limits.rows.iter().find(|row| Some(row.media.as_str()) == media) {
        return Some(row.category.clone());
    }
    let word = if coverage.non_white < limits.lines_below {
        if coverage.colour.0 == 0 { "mono-line" } else { "colour-line" }
    } else if coverage.non_white <= limits.high_above {
        "low-density"
    } else {
        "high-density"
    };
    Some(word.to_owned())
}

/// Puts another category in a meter's name; only areas of prints and lengths have one.
fn rename(key: &mut Key, category: Option<&str>) {
    let has_category = matches!(key.0, MeterKind::AreaPrinted | MeterKind::AreaMedia | MeterKind::Length);
    if let Some(category) = category.filter(|_| has_category) {
        key.1 = format!("{}/{}", key.0.word(), Category::new(category).id());
    }
}

fn rounded(terms: &Terms, point: Point, key: &Key, quantity: i128) -> i128 {
    let rule = terms.clauses.iter().find_map(|clause| match clause {
        Clause::QuantityRounding(rule) if rule.meter == key.0 && rule.point == point => Some(rule),
        _ => None,
    });
    rule.map_or(quantity, |rule| stepped(rule, quantity))
}

fn stepped(rule: &QuantityRounding, quantity: i128) -> i128 {
    let step = i128::from(rule.step);
    let (whole, over) = (quantity.abs() / step, quantity.abs() % step);
    let up = match rule.direction {
        Direction::HalfUp => 2 * over >= step,
        Direction::Up => over > 0,
        Direction::Down => false,
    };
    quantity.signum() * step * (whole + i128::from(up))
}

/// The counters of each kind that is billed from them: by part if any pattern asks for one, else by
/// media if any asks for that, else the total; where a printer lacks these, the next in that order.
fn wanted_counters(terms: &Terms, printer: &PrinterUsage) -> Vec<(Key, i128)> {
    let mut found = Vec::new();
    let patterns: Vec<&Pattern> = terms.clauses.iter().flat_map(Clause::patterns).collect();
    let kinds: BTreeSet<MeterKind> = patterns.iter().map(|pattern| pattern.meter).collect();
    for wanted in kinds.into_iter().filter(|kind| source_of(terms, *kind) == Evidence::Counter) {
        for grain in grains(wanted, &patterns) {
            let before = found.len();
            for counter in &printer.counters {
                let key = key_of(&counter.meter.to_string(), counter.media.clone());
                if key.0 == wanted && grain_of(&key) == grain {
                    found.push((key, i128::from(counter.usage.quantity)));
                }
            }
            if found.len() > before {
                break;
            }
        }
    }
    found
}

/// The grains of a kind's counters, the one that the patterns ask for first.
fn grains(kind: MeterKind, patterns: &[&Pattern]) -> [&'static str; 3] {
    let of_kind = || patterns.iter().filter(move |pattern| pattern.meter == kind);
    if of_kind().any(|pattern| pattern.category.is_some() || pattern.colour.is_some()) {
        ["part", "total", "media"]
    } else if of_kind().any(|pattern| pattern.media.is_some()) {
        ["media", "total", "part"]
    } else {
        ["total", "part", "media"]
    }
}

fn grain_of(key: &Key) -> &'static str {
    match (key.1.contains('/'), key.2.is_some()) {
        (true, _) => "part",
        (false, true) => "media",
        (false, false) => "total",
    }
}

/// The estimates that end in the period and the stay. Beside counters, only those as fine as the counters
/// that count, or the next best: a total and its parts are the same usage.
fn wanted_estimates(input: &Input, terms: &Terms, stay: &PrinterUsage) -> Vec<(Key, i128)> {
    let patterns: Vec<&Pattern> = terms.clauses.iter().flat_map(Clause::patterns).collect();
    let counters = wanted_counters(terms, stay);
    let mut found: Vec<(Key, i128)> = Vec::new();
    for estimate in &stay.estimates {
        if counts(Instant(estimate.span.end.0 - 1), stay, input) {
            let key = key_of(&estimate.meter.to_string(), estimate.media.clone());
            found.push((key, i128::from(estimate.quantity)));
        }
    }
    for kind in MeterKind::all().filter(|kind| source_of(terms, *kind) == Evidence::Counter) {
        let counted = counters.iter().find(|(key, _)| key.0 == kind).map(|(key, _)| grain_of(key));
        let mut order = counted.into_iter().chain(grains(kind, &patterns)).collect::<Vec<_>>();
        order.extend(["total", "part", "media"]);
        let has = |grain: &&&str| found.iter().any(|(key, _)| key.0 == kind && grain_of(key) == **grain);
        let best = order.iter().find(has).copied();
        found.retain(|(key, _)| key.0 != kind || Some(grain_of(key)) == best);
    }
    found
}

/// Whether a pattern means what is counted under a key.
pub(super) fn matches(pattern: &Pattern, key: &Key) -> bool {
    let part = match (&pattern.category, &pattern.colour) {
        (Some(category), _) => Some(category.id()),
        (None, colour) => colour.as_deref(),
    };
    let meter = match part {
        Some(part) => key.1 == format!("{}/{part}", pattern.meter.word()),
        None => key.0 == pattern.meter,
    };
    meter && (pattern.media.is_none() || pattern.media == key.2)
}

/// Whether any of the patterns means it.
pub(super) fn any(patterns: &[Pattern], key: &Key) -> bool {
    patterns.iter().any(|pattern| matches(pattern, key))
}

/// The pools, each with its places and their usage. The first clause that names a place has it.
pub(super) fn pools(terms: &Terms, stays: &[&PrinterUsage], cells: &[Cell]) -> Vec<Pool> {
    let mut open: BTreeSet<String> = stays.iter().map(|stay| place(stay).to_owned()).collect();
    let mut pools: Vec<(String, Allocation, BTreeSet<String>)> = Vec::new();
    for clause in &terms.clauses {
        let Clause::Pool(pool) = clause else { continue };
        let named = |place_of: &String| {
            let is = |stay: &&&PrinterUsage| place(stay) == place_of && pool.printers.contains(&stay.id);
            pool.printers.contains(place_of) || stays.iter().any(|stay| is(&stay))
        };
        let all = pool.members == Members::All || (pool.members == Members::Each && pool.printers.is_empty());
        let members: BTreeSet<String> = open.iter().filter(|place| all || named(place)).cloned().collect();
        open.retain(|place| !members.contains(place));
        if pool.members == Members::Each {
            for member in members {
                // Known by its place, whatever printer fills it and whatever that is called.
                pools.push((member.clone(), pool.allocation, [member].into()));
            }
        } else if !members.is_empty() {
            pools.push((pool.label.clone(), pool.allocation, members));
        }
    }
    if !open.is_empty() || pools.is_empty() {
        pools.push((String::new(), Allocation::default(), open));
    }
    let with_usage = |(label, allocation, places): (String, Allocation, BTreeSet<String>)| {
        let own = |cell: &&Cell| stays.get(cell.stay).is_some_and(|stay| places.contains(place(stay)));
        let used: Vec<Cell> = cells.iter().filter(own).cloned().collect();
        Pool { label, allocation, places, open: used.clone(), used, rests: Vec::new() }
    };
    pools.into_iter().map(with_usage).collect()
}

impl Pool {
    /// The sum of all usage that the patterns mean.
    pub(super) fn used(&self, patterns: &[Pattern]) -> i128 {
        self.used.iter().filter(|cell| any(patterns, &cell.key)).map(|cell| cell.quantity).sum()
    }

    /// The keys of open usage that the patterns mean, in order.
    fn keys(&self, patterns: &[Pattern]) -> BTreeSet<Key> {
        self.open.iter().map(|cell| &cell.key).filter(|key| any(patterns, key)).cloned().collect()
    }

    /// What is open under a key: used and not covered.
    fn open_of(&self, key: &Key) -> i128 {
        self.open.iter().filter(|cell| cell.key == *key).map(|cell| cell.quantity - cell.covered).sum()
    }

    /// Lets the rests serve what is open of the patterns; gives how much of each key, and lowers the rests.
    fn serve(&mut self, patterns: &[Pattern]) -> BTreeMap<Key, i128> {
        let keys = self.keys(patterns);
        let mut room = keys.iter().map(|key| self.open_of(key)).sum::<i128>().max(0);
        let mut served = BTreeMap::new();
        for key in keys {
            let mut open = self.open_of(&key).min(room).max(0);
            for rest in self.rests.iter_mut().filter(|rest| any(&rest.covers, &key)) {
                let part = open.min(rest.left);
                rest.left -= part;
                open -= part;
                room -= part;
                *served.entry(key.clone()).or_insert(0) += part;
            }
        }
        served
    }

    fn put_cover(&mut self, key: &Key, part: i128) {
        let mut rest = part;
        for cell in self.open.iter_mut().filter(|cell| cell.key == *key) {
            let piece = (cell.quantity - cell.covered).min(rest).max(0);
            cell.covered += piece;
            rest -= piece;
        }
    }

    /// Takes all that the patterns mean; `None` when there is nothing.
    pub(super) fn take(&mut self, patterns: &[Pattern]) -> Option<Taken> {
        let keys = self.keys(patterns);
        let of = |cell: &&Cell| keys.contains(&cell.key);
        let is_nothing = |key: &Key| {
            let of_key = self.open.iter().filter(|cell| cell.key == *key);
            of_key.map(|cell| cell.quantity).sum::<i128>() == 0
        };
        if keys.iter().all(is_nothing) {
            self.open.retain(|cell| !keys.contains(&cell.key));
            return None;
        }
        let mut taken = Taken {
            used: self.open.iter().filter(of).map(|cell| cell.quantity).sum(),
            included: self.open.iter().filter(of).map(|cell| cell.covered).sum(),
            by_stay: BTreeMap::new(),
        };
        for cell in self.open.iter().filter(of) {
            *taken.by_stay.entry(cell.stay).or_insert(0) += cell.quantity;
        }
        taken.included += self.serve(patterns).values().sum::<i128>();
        self.open.retain(|cell| !keys.contains(&cell.key));
        Some(taken)
    }

    /// What is open of the patterns after the rests that stand served it.
    pub(super) fn open_after(&self, patterns: &[Pattern]) -> i128 {
        let mut copy = self.clone();
        let open: i128 = copy.keys(patterns).iter().map(|key| copy.open_of(key)).sum();
        open.max(0) - copy.serve(patterns).values().sum::<i128>()
    }

    /// Covers up to `most` of what is open, after the rests that stand; gives how much.
    pub(super) fn cover(&mut self, patterns: &[Pattern], most: i128) -> i128 {
        for (key, part) in self.serve(patterns) {
            self.put_cover(&key, part);
        }
        let keys = self.keys(patterns);
        let room = keys.iter().map(|key| self.open_of(key)).sum::<i128>().max(0);
        let covered = most.min(room).max(0);
        let mut rest = covered;
        for key in keys {
            let part = self.open_of(&key).min(rest).max(0);
            self.put_cover(&key, part);
            rest -= part;
        }
        covered - rest
    }

    /// Lowers the usage of a stay, never below what is covered.
    pub(super) fn lower(&mut self, stay: usize, meter: &str, media: Option<&str>, by: i128) {
        let mut rest = by;
        for cell in &mut self.open {
            let meter_is = cell.key.1 == meter || cell.key.0.word() == meter;
            let media_is = media.is_none() || media == cell.key.2.as_deref();
            if cell.stay != stay || !meter_is || !media_is {
                continue;
            }
            let part = (cell.quantity - cell.covered).min(rest).max(0);
            cell.quantity -= part;
            rest -= part;
            for all in self.used.iter_mut().filter(|all| all.stay == stay && all.key == cell.key) {
                all.quantity -= part;
            }
        }
    }
}
