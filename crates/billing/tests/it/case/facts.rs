//! Facts of a case.
//!
//! ```text
//! printer A [from T] [to T] [site S1] [position P]      T: 2026-10-05 or 2026-10-05T14:00, in UTC
//! job [status] [at T] [copy] [coverage 48 12] 520 <meter>[@media] + 1 pages
//! jobs 1000 0.284 <meter>
//! counter <meter>[@media] 100 620                       readings at both edges; "- 40 50": none at the start
//! reading <meter>[@media] T value [manual|customer|opening]
//! decision <meter>[@media] T reset|rollover|swap|… [from V] [width V]
//! estimate <meter>[@media] T..T 120 daily30
//! fold T..T 12 jobs 30 <meter> + 12 pages               or: cells T..T 12 jobs …
//! thresholds A T 10 45
//! site S1 DE [area]        buyer NL         index CPI 2026-01-01 108.2      runs 2026-09-12 [2027-09-12]
//! credit 12 <meter>[@media] [A] test        outage A T..T                   supply [A] magenta 2 [product X] [at T]
//! late S1 4 meters 12 days                  silence A T..T                  purchase prepaid.1 2 T
//! exit 2026-12-31 [noticed 2026-09-01] [breach]
//! carry allowance.1 rolled 50 [from T] [until T] [amount 1.00] [pool Hall 2]
//! ```
//!
//! What no time is given for happens in the middle of the period. Readings, decisions and estimates of a
//! printer with raw readings go on into the periods behind; all other facts are a period's own.

use super::{input_for, word};
use billing::carry::Lot;
use billing::contract::Terms;
use billing::events::{
    CreditFact, ExitFact, IndexValue, LateFact, Outage, Party, Purchase, Runs, Silence, Site, SupplyFact,
};
use billing::ledger::assemble::{PrinterFacts, StayFact, assemble};
use billing::ledger::segments::{Decision, ReadingFact};
use billing::ledger::{EstimateFact, PixelCoverage, ReadingSource, SumFact, SumKind, ThresholdFact};
use billing::period::Day;
use billing::{
    CounterFact, EdgeRule, Input, JobFact, Meter, Money, Period, PricingUnit, PrinterUsage, Quantity, ReadingPoint,
    UnitPrice, usage_of,
};
use report::{Duration, Grade, Instant, JobKind, JobStatus, Share};
use std::collections::{BTreeMap, BTreeSet};

/// The facts of one period.
#[derive(Clone)]
pub(super) struct Facts {
    /// Without printers.
    input: Input,
    printers: Vec<Builder>,
    /// The printer that facts are read for.
    current: usize,
    /// Raw facts of the periods before.
    before: BTreeMap<String, PrinterFacts>,
}

/// A printer being read.
#[derive(Clone)]
struct Builder {
    facts: PrinterFacts,
    counters: Vec<CounterFact>,
}

/// Words of facts that a printer with raw readings keeps for the periods behind.
const LASTING: [&str; 3] = ["reading", "decision", "estimate"];

/// Reads one fact into the first of the periods, and into those behind where it lasts.
pub(super) fn read(periods: &mut [Facts], terms: &Terms, line: &str) -> Option<()> {
    let text = line.split(" # ").next().unwrap_or(line).trim();
    let text = text.strip_prefix("tables: ").unwrap_or(text);
    let (name, rest) = text.split_once(' ')?;
    let rest = rest.trim();
    let (first, behind) = periods.split_first_mut()?;
    if LASTING.contains(&name) {
        for later in behind {
            let id = first.printers.get(first.current)?.facts.id.clone();
            let place = later.printers.iter().position(|printer| printer.facts.id == id);
            if let Some(printer) = place.and_then(|place| later.printers.get_mut(place)) {
                read_fact(printer, name, rest, later.input.period)?;
            }
        }
    }
    first.read(terms, name, rest)
}

impl Facts {
    pub(super) fn new(period: Period) -> Facts {
        let input = input_for(period, Terms::new(super::currency("EUR"), "UTC"), Vec::new());
        Facts { input, printers: Vec::new(), current: 0, before: BTreeMap::new() }
    }

    /// The period behind this one: what is the contract's stays, facts do not.
    pub(super) fn following(&self, period: Period) -> Facts {
        let mut next = Facts::new(period);
        next.input.runs = self.input.runs;
        next.input.sites = self.input.sites.clone();
        next.input.tables = self.input.tables.clone();
        next.input.parties = self.input.parties.clone();
        next.before = self.before.clone();
        for printer in self.printers.iter().filter(|printer| printer.is_raw()) {
            next.before.insert(printer.facts.id.clone(), printer.facts.clone());
        }
        next
    }

    pub(super) fn period(&self) -> Period {
        self.input.period
    }

    /// What is rated.
    pub(super) fn input(&self, terms: &Terms) -> Input {
        let mut input = self.input.clone();
        input.terms = terms.clone();
        input.printers = self.printers.iter().flat_map(|printer| printer.usages(terms, input.period)).collect();
        for late in &mut input.events.late {
            let there = input.printers.iter().filter(|printer| printer.site.as_ref() == Some(&late.site));
            let ids: BTreeSet<String> = there.map(|printer| printer.id.clone()).collect();
            late.printers = ids.into_iter().collect();
        }
        input
    }

    fn middle(&self) -> Instant {
        middle(self.input.period)
    }

    fn current_id(&self) -> Option<String> {
        self.printers.get(self.current).map(|printer| printer.facts.id.clone())
    }

    fn read(&mut self, terms: &Terms, name: &str, rest: &str) -> Option<()> {
        match name {
            "printer" => self.read_printer(rest),
            "job" | "jobs" | "counter" | "reading" | "decision" | "estimate" | "fold" | "cells" => {
                let period = self.input.period;
                read_fact(self.printers.get_mut(self.current)?, name, rest, period)
            }
            "thresholds" => self.read_thresholds(rest),
            "site" | "buyer" | "index" | "runs" => self.read_frame(terms, name, rest),
            "carry" => self.read_carry(terms, rest),
            _ => self.read_event(name, rest),
        }
    }

    fn read_printer(&mut self, rest: &str) -> Option<()> {
        let mut parts = rest.split(' ');
        let id = parts.next()?.to_owned();
        let mut stay = StayFact { from: Instant(0), to: None, position: None, site: None };
        while let Some(name) = parts.next() {
            let value = parts.next()?;
            match name {
                "from" => stay.from = time(value)?,
                "to" => stay.to = Some(time(value)?),
                "site" => stay.site = Some(value.to_owned()),
                "position" => stay.position = Some(value.to_owned()),
                _ => return None,
            }
        }
        if let Some(known) = self.printers.iter().position(|printer| printer.facts.id == id) {
            self.current = known;
            // In a correction the printer is only named again.
            if rest != id {
                self.printers[known].facts.stays.push(stay);
            }
            return Some(());
        }
        let mut facts = PrinterFacts {
            id: id.clone(),
            label: id.clone(),
            serial: None,
            known_since: None,
            stays: vec![stay],
            jobs: Vec::new(),
            sums: Vec::new(),
            readings: Vec::new(),
            decisions: Vec::new(),
            estimates: Vec::new(),
            thresholds: Vec::new(),
        };
        if let Some(before) = self.before.get(&id) {
            facts.readings.clone_from(&before.readings);
            facts.decisions.clone_from(&before.decisions);
            facts.estimates.clone_from(&before.estimates);
        }
        self.current = self.printers.len();
        self.printers.push(Builder { facts, counters: Vec::new() });
        Some(())
    }

    fn read_thresholds(&mut self, rest: &str) -> Option<()> {
        let parts: [&str; 4] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let [id, from, lines_below, high_above] = parts;
        let printer = self.printers.iter_mut().find(|printer| printer.facts.id == id)?;
        printer.facts.thresholds.push(ThresholdFact {
            from: time(from)?,
            lines_below: percent(lines_below)?,
            high_above: percent(high_above)?,
            customization: BTreeMap::new(),
        });
        Some(())
    }

    fn read_frame(&mut self, terms: &Terms, name: &str, rest: &str) -> Option<()> {
        let parts: Vec<&str> = rest.split(' ').collect();
        let day = |text: &str| Day::parse(text).ok();
        match (name, parts.as_slice()) {
            ("site", [id, country, area @ ..]) => {
                let site = Site { name: (*id).to_owned(), country: (*country).to_owned(), area: area.join(" ") };
                self.input.sites.insert((*id).to_owned(), site);
            }
            ("buyer", [country]) => {
                let name = self.input.customer.clone();
                self.input.parties.buyer = Some(Party { name, country: (*country).to_owned(), ..Party::default() });
            }
            ("index", [index, of, value]) => {
                let value = IndexValue { day: day(of)?, value: UnitPrice::parse(value).ok()? };
                let values = self.input.tables.indices.entry((*index).to_owned()).or_default();
                values.push(value);
                values.sort_by_key(|value| value.day);
            }
            ("runs", [from, to @ ..]) => {
                let start = |text: &str| day(text)?.start(&terms.time_zone).ok();
                let to = to.first().map(|to| start(to)).map_or(Some(None), |to| to.map(Some))?;
                self.input.runs = Some(Runs { from: start(from)?, to });
            }
            _ => return None,
        }
        Some(())
    }

    fn read_carry(&mut self, terms: &Terms, rest: &str) -> Option<()> {
        let (rest, pool) = rest.split_once(" pool ").unwrap_or((rest, ""));
        let mut parts = rest.split(' ');
        let (clause, what, quantity) = (parts.next()?, parts.next()?, parts.next()?);
        let mut lot = Lot { from: self.input.period.start, ..Lot::default() };
        lot.quantity = match unit_of(terms, clause, what) {
            Some(unit) => unit.parse(quantity)?,
            None => quantity.parse().ok()?,
        };
        while let Some(name) = parts.next() {
            let value = parts.next()?;
            match name {
                "from" => lot.from = time(value)?,
                "until" => lot.until = Some(time(value)?),
                "amount" => lot.amount = Money::parse(value, terms.currency).ok()?,
                _ => return None,
            }
        }
        let mut lots = self.input.carry.get(clause, pool, what).to_vec();
        lots.push(lot);
        self.input.carry.set(clause, pool, what, lots);
        Some(())
    }

    fn read_event(&mut self, name: &str, rest: &str) -> Option<()> {
        let parts: Vec<&str> = rest.split(' ').collect();
        let owned = |text: &str| text.to_owned();
        match (name, parts.as_slice()) {
            ("credit", _) => return self.read_credit(rest),
            ("supply", _) => return self.read_supply(&parts),
            ("outage", [printer, span]) => {
                let Period { start: from, end: to } = span_of(span)?;
                self.input.events.outages.push(Outage { printer: owned(printer), from, to, note: String::new() });
            }
            ("silence", [printer, span]) => {
                let Period { start: from, end: to } = span_of(span)?;
                self.input.events.silences.push(Silence { printer: owned(printer), from, to });
            }
            ("late", [site, meters, "meters" | "meter", days, "days" | "day"]) => {
                let (meters, days) = (meters.parse().ok()?, days.parse().ok()?);
                self.input.events.late.push(LateFact { site: owned(site), printers: Vec::new(), meters, days });
            }
            ("purchase", [clause, blocks, at]) => {
                let (blocks, at) = (blocks.parse().ok()?, time(at)?);
                self.input.events.purchases.push(Purchase { clause: owned(clause), blocks, at });
            }
            ("exit", [on, more @ ..]) => {
                let mut exit = ExitFact { on: Day::parse(on).ok()?, noticed: None, breach: false };
                let (noticed, breach) = match more {
                    ["noticed", day, rest @ ..] => (Some(Day::parse(day).ok()?), rest),
                    rest => (None, rest),
                };
                exit.noticed = noticed;
                exit.breach = matches!(breach, ["breach"]);
                if !breach.is_empty() && !exit.breach {
                    return None;
                }
                self.input.events.exit = Some(exit);
            }
            _ => return None,
        }
        Some(())
    }

    /// `12 area-printed/mono-line [A] test`.
    fn read_credit(&mut self, rest: &str) -> Option<()> {
        let (quantity, rest) = rest.split_once(' ')?;
        let (rest, reason) = rest.rsplit_once(' ')?;
        let is_known = |id: &str| self.printers.iter().any(|printer| printer.facts.id == id);
        let (name, printer) = match rest.rsplit_once(' ') {
            Some((name, id)) if is_known(id) => (name, id.to_owned()),
            _ => (rest, self.current_id()?),
        };
        let (meter, media) = read_meter(name)?;
        let quantity = meter.unit().parse(quantity)?;
        let (at, reason, note) = (self.middle(), word(reason)?, String::new());
        self.input.events.credits.push(CreditFact { printer, meter, media, quantity, at, reason, note });
        Some(())
    }

    /// `[A] magenta 2 [product X] [at T]`.
    fn read_supply(&mut self, parts: &[&str]) -> Option<()> {
        let is_number = |text: &&str| text.parse::<u32>().is_ok();
        let (printer, rest) = match parts {
            [id, _, count, ..] if is_number(count) => (Some((*id).to_owned()), parts.get(1..)?),
            _ => (None, parts),
        };
        let [colour, count, more @ ..] = rest else { return None };
        let mut supply = SupplyFact {
            printer,
            product: String::new(),
            colour: (*colour).to_owned(),
            count: count.parse().ok()?,
            at: self.middle(),
        };
        for pair in more.chunks(2) {
            match pair {
                ["product", product] => (*product).clone_into(&mut supply.product),
                ["at", at] => supply.at = time(at)?,
                _ => return None,
            }
        }
        self.input.events.supplies.push(supply);
        Some(())
    }
}

impl Builder {
    /// Whether it has readings as they came, so that the ledger puts its facts together.
    fn is_raw(&self) -> bool {
        !self.facts.readings.is_empty()
    }

    fn usages(&self, terms: &Terms, period: Period) -> Vec<PrinterUsage> {
        let mut usages = if self.is_raw() { assemble(&self.facts, terms, period) } else { self.direct() };
        if let Some(last) = usages.last_mut() {
            last.counters.extend(self.counters.iter().cloned());
        }
        usages
    }

    /// Its facts as they stand, by stay.
    fn direct(&self) -> Vec<PrinterUsage> {
        let facts = &self.facts;
        let only = facts.stays.len() == 1;
        let usage = |stay: &StayFact| {
            let holds = |at: Instant| only || (stay.from <= at && stay.to.is_none_or(|to| at < to));
            PrinterUsage {
                from: stay.from,
                to: stay.to,
                position: stay.position.clone(),
                site: stay.site.clone(),
                jobs: facts.jobs.iter().filter(|job| holds(job.finished_at)).cloned().collect(),
                sums: facts.sums.iter().filter(|sum| holds(sum.until)).cloned().collect(),
                estimates: facts.estimates.iter().filter(|fact| holds(fact.span.start)).cloned().collect(),
                thresholds: facts.thresholds.clone(),
                ..PrinterUsage::new(&facts.id, &facts.label)
            }
        };
        facts.stays.iter().map(usage).collect()
    }
}

fn middle(period: Period) -> Instant {
    Instant(period.start.0 + (period.end.0 - period.start.0) / 2)
}

/// Facts of the printer that is read.
fn read_fact(printer: &mut Builder, name: &str, rest: &str, period: Period) -> Option<()> {
    let facts = &mut printer.facts;
    match name {
        "jobs" => {
            let (count, rest) = rest.split_once(' ')?;
            for _ in 0..count.parse::<u32>().ok()? {
                facts.jobs.push(read_job(facts.jobs.len(), rest, period)?);
            }
        }
        "job" => facts.jobs.push(read_job(facts.jobs.len(), rest, period)?),
        "counter" => printer.counters.push(read_counter(rest, period)?),
        "reading" => facts.readings.push(read_reading(rest)?),
        "decision" => facts.decisions.push(read_decision(rest)?),
        "estimate" => facts.estimates.push(read_estimate(rest)?),
        "fold" | "cells" => {
            let (span, rest) = rest.split_once(' ')?;
            let (jobs, quantities) = rest.split_once(" jobs ")?;
            let Period { start: since, end: until } = span_of(span)?;
            let (kind, grade) = if name == "fold" { (SumKind::Fold, Grade::C) } else { (SumKind::Cells, Grade::B) };
            let (jobs, quantities) = (jobs.parse().ok()?, read_quantities(quantities)?);
            facts.sums.push(SumFact { kind, since, until, jobs, grade, quantities });
        }
        _ => return None,
    }
    Some(())
}

fn read_job(number: usize, text: &str, period: Period) -> Option<JobFact> {
    let mut job = JobFact {
        key: format!("j{number}"),
        finished_at: middle(period),
        status: Some(JobStatus::Printed),
        grade: Grade::B,
        quantities: Vec::new(),
        kind: None,
        coverage: None,
        marks: BTreeSet::new(),
    };
    let mut text = text;
    loop {
        let (first, rest) = text.split_once(' ')?;
        text = match first {
            "unknown" => {
                job.status = None;
                rest
            }
            "at" => {
                let (at, rest) = rest.split_once(' ')?;
                job.finished_at = time(at)?;
                rest
            }
            "copy" => {
                job.kind = Some(JobKind::Copy);
                rest
            }
            "coverage" => {
                let (non_white, rest) = rest.split_once(' ')?;
                let (colour, rest) = rest.split_once(' ')?;
                job.coverage = Some(PixelCoverage { non_white: percent(non_white)?, colour: percent(colour)? });
                rest
            }
            word => match JobStatus::parse(word) {
                Some(status) => {
                    job.status = Some(status);
                    rest
                }
                None => break,
            },
        };
    }
    job.quantities = read_quantities(text)?;
    Some(job)
}

/// `520 area-printed/mono-line@Bond 80 g + 1 pages`.
fn read_quantities(text: &str) -> Option<Vec<Quantity>> {
    let quantities = text.split(" + ").map(|part| {
        let (amount, name) = part.trim().split_once(' ')?;
        let (meter, media) = read_meter(name)?;
        let amount = meter.unit().parse(amount)?;
        Some(Quantity { meter, media, amount })
    });
    quantities.collect()
}

/// A meter's name, with the media type after `@`.
fn read_meter(text: &str) -> Option<(Meter, Option<String>)> {
    match text.split_once('@') {
        Some((name, media)) => Some((Meter::parse(name).ok()?, Some(media.to_owned()))),
        None => Some((Meter::parse(text).ok()?, None)),
    }
}

fn read_counter(text: &str, period: Period) -> Option<CounterFact> {
    let (text, end) = text.rsplit_once(' ')?;
    let (text, start) = text.rsplit_once(' ')?;
    let (name, read_at) = match text.strip_suffix(" -") {
        Some(name) => (name, period.start.plus(Duration::hours(24))),
        None => (text, period.start.plus(Duration::hours(-1))),
    };
    let (meter, media) = read_meter(name)?;
    let point = |value: &str, read_at: Instant| {
        let value = meter.unit().parse(value)?;
        Some(ReadingPoint { segment: 1, value, read_at, grade: Grade::B, source: ReadingSource::Printer })
    };
    let readings = [point(start, read_at)?, point(end, period.end.plus(Duration::hours(-1)))?];
    Some(CounterFact { meter, media, usage: usage_of(&readings, &[], period, EdgeRule::Last) })
}

/// `area-media@Bond 2026-10-01 120.5 manual`.
fn read_reading(text: &str) -> Option<ReadingFact> {
    let person = |source: ReadingSource| (source, Grade::C);
    let (text, (source, grade)) = match text.rsplit_once(' ')? {
        (rest, "manual") => (rest, person(ReadingSource::Manual)),
        (rest, "customer") => (rest, person(ReadingSource::Customer)),
        (rest, "opening") => (rest, person(ReadingSource::Opening)),
        (rest, "declared") => (rest, (ReadingSource::Declared, Grade::B)),
        _ => (text, (ReadingSource::Printer, Grade::B)),
    };
    let (text, value) = text.rsplit_once(' ')?;
    let (name, at) = text.rsplit_once(' ')?;
    let (meter, media) = read_meter(name)?;
    let value = meter.unit().parse(value)?;
    Some(ReadingFact { meter, media, value, read_at: time(at)?, grade, source })
}

/// `pages 2026-10-05 rollover from 0 width 4294967296`.
fn read_decision(text: &str) -> Option<Decision> {
    let (text, width) = text.rsplit_once(" width ").map_or((text, None), |(rest, width)| (rest, Some(width)));
    let (text, from) = text.rsplit_once(" from ").map_or((text, None), |(rest, from)| (rest, Some(from)));
    let (text, reason) = text.rsplit_once(' ')?;
    let (name, at) = text.rsplit_once(' ')?;
    let (meter, media) = read_meter(name)?;
    let value = |text: Option<&str>| text.map_or(Some(None), |text| meter.unit().parse(text).map(Some));
    let (counts_from, width) = (value(from)?, value(width)?);
    let at = time(at)?;
    let by = "Anna".to_owned();
    Some(Decision { meter, media, at, reason: word(reason)?, counts_from, width, by, decided_at: at })
}

/// `area-printed 2026-10-01..2026-11-01 120 daily30`.
fn read_estimate(text: &str) -> Option<EstimateFact> {
    let (text, method) = text.rsplit_once(' ')?;
    let (text, quantity) = text.rsplit_once(' ')?;
    let (name, span) = text.rsplit_once(' ')?;
    let (meter, media) = read_meter(name)?;
    let (quantity, span) = (meter.unit().parse(quantity)?, span_of(span)?);
    Some(EstimateFact { meter, media, span, quantity, method: word(method)?, basis: "by hand".to_owned() })
}

/// `2026-10-05`, `2026-10-05T14:00` or a whole timestamp, in UTC.
fn time(text: &str) -> Option<Instant> {
    match text.len() {
        10 => Instant::parse(&format!("{text}T00:00:00Z")),
        16 => Instant::parse(&format!("{text}:00Z")),
        _ => Instant::parse(text),
    }
}

fn span_of(text: &str) -> Option<Period> {
    let (start, end) = text.split_once("..")?;
    Period::new(time(start)?, time(end)?).ok()
}

fn percent(text: &str) -> Option<Share> {
    // A percent is 10 000 parts per million, a unit price 1 000 000 millionths.
    Some(Share(UnitPrice::parse(text).ok()?.millionths / 100))
}

/// The unit of what a clause carries; `None` for amounts and for things that are counted.
pub(super) fn unit_of(terms: &Terms, clause: &str, what: &str) -> Option<PricingUnit> {
    let clause = terms.clauses.get(terms.index_of(clause)?)?;
    clause.patterns().first().map(|pattern| pattern.unit()).filter(|_| what != "delivered")
}
