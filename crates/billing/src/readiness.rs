//! Readiness: whether a printer's part of a period can be billed, and if not, why (user ask 3).
//!
//! Pure, from the same facts that rating reads. Deliberately absent: the days to the cut-off, who signed
//! what, and the way to the cause, which are the portal's.

use crate::clauses::proof::{Beyond, Proof};
use crate::clauses::tax::percent;
use crate::contract::{Evidence, Terms};
use crate::ledger::edges::EdgeRule;
use crate::ledger::reconcile::{Reconciliation, reconcile_meter};
use crate::ledger::segments::{CounterUsage, Unmeasured};
use crate::ledger::{CounterFact, SumKind, counters_of};
use crate::meter::{Meter, MeterKind};
use crate::money::{Currency, Money};
use crate::period::Period;
use crate::rating::PrinterUsage;
use crate::statement::Statement;
use report::{Instant, Share};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a printer's part of a period can be billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ready {
    /// It was read to the period's end, and nothing is odd.
    #[default]
    Complete,
    /// Something that is billed was not read at or after the period's end, and no estimate stands for it.
    Late,
    /// Estimates stand in for all readings that are missing.
    Estimated,
    /// Something must be looked at first.
    Suspect,
}

impl Ready {
    /// The word for pages and exports.
    pub fn word(self) -> &'static str {
        match self {
            Ready::Complete => "complete",
            Ready::Late => "late",
            Ready::Estimated => "estimated",
            Ready::Suspect => "suspect",
        }
    }

    /// Whether a statement with it is approved only after a person has signed why.
    pub fn is_red(self) -> bool {
        matches!(self, Ready::Late | Ready::Suspect)
    }
}

/// The state of one printer's stay, with every reason for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readiness {
    /// The printer's id.
    pub printer: String,
    /// What people call it.
    pub label: String,
    /// The state.
    pub state: Ready,
    /// Why, the gravest first; also what is worth knowing of a complete one.
    pub reasons: Vec<Reason>,
}

/// What only the portal knows of a printer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Extra {
    /// Packages with its records that are kept apart.
    pub quarantine: u64,
    /// Numbers that it gave without a unit and that nobody declared.
    pub unitless: u64,
    /// What other limits of its categories cost or save in this period, together with those of `drifting`
    /// other printers. CL10.
    pub drift: Option<Money>,
    /// How many other printers of the contract have other limits too.
    pub drifting: u64,
    /// When it was read last, also by a reading without any counter.
    pub last_read: Option<Instant>,
}

/// One reason for a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It was not read at or after the period's end.
    NotRead {
        /// The meter whose counters were not, where others were; `None`: nothing was read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        meter: Option<Meter>,
        /// The last reading before.
        last: Option<Instant>,
    },
    /// An estimate stands for a meter.
    Estimated {
        /// The meter.
        meter: Meter,
        /// How much, base units.
        quantity: i64,
    },
    /// A counter fell, or rose by more than can be or to another interface's value, and nobody has said why.
    Pending {
        /// The meter.
        meter: Meter,
        /// The value before, base units.
        before: i64,
        /// The value after, base units.
        after: i64,
    },
    /// Counter and jobs lie further apart than agreed. CL32.
    Tolerance {
        /// The meter.
        meter: Meter,
        /// What is not explained, as a share of the counter.
        off: Share,
    },
    /// Of some jobs only a sum is known, whatever became of them: printed, cancelled or failed.
    Fold {
        /// How many.
        jobs: u64,
    },
    /// Of some jobs only a sum is known, and another agent brought jobs of that time: the sum is not billed.
    Beside {
        /// How many.
        jobs: u64,
    },
    /// A counter was not measured for a part of the period.
    Unmeasured {
        /// The meter.
        meter: Meter,
        /// What was not.
        what: Unmeasured,
    },
    /// The limits of its categories differ from those of the contract. CL10.
    Drift {
        /// What that costs or saves.
        cost: Money,
        /// How many other printers have part in it.
        #[serde(default, skip_serializing_if = "crate::is_default")]
        others: u64,
    },
    /// It gives numbers without a unit.
    NoUnit {
        /// How many.
        count: u64,
    },
    /// Packages with its records are kept apart.
    Quarantine {
        /// How many.
        packages: u64,
    },
    /// It was first read inside the period.
    FirstRead {
        /// When.
        at: Instant,
    },
    /// No price takes something that it counted: it is shown and not billed.
    Unpriced {
        /// The meter.
        meter: Meter,
        /// How much, base units.
        quantity: i64,
    },
}

impl Reason {
    /// The reason in a sentence. Amounts are in `currency`.
    pub fn words(&self, currency: Currency) -> String {
        let many = |count: u64, thing: &str| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
        match self {
            Reason::NotRead { meter, last } => {
                let named = meter.as_ref().map(|meter| format!("{}: the counter", meter.label()));
                let what = named.as_deref().unwrap_or("It");
                match last {
                    Some(last) => format!("{what} was last read {last}, before the period's end."),
                    None => format!("{what} was not read."),
                }
            }
            Reason::Estimated { meter, quantity } => {
                format!("{}: {} estimated.", meter.label(), meter.unit().show(*quantity))
            }
            Reason::Pending { meter, before, after } => {
                let show = |value: i64| meter.unit().show(value);
                let what = if after < before { "fell" } else { "jumped" };
                format!("{} {what} from {} to {}; say why.", meter.label(), show(*before), show(*after))
            }
            Reason::Tolerance { meter, off } => {
                format!("{}: counter and jobs differ by {} without a known cause.", meter.label(), percent(*off))
            }
            Reason::Fold { jobs } => {
                let jobs = many(*jobs, "job");
                format!(
                    "Of {jobs} only the sum is known, cancelled and failed ones included; where jobs are billed it \
                         counts as printed."
                )
            }
            Reason::Beside { jobs } => {
                let jobs = many(*jobs, "job");
                format!("The sum of {jobs} is not billed: another agent brought jobs of that time one by one.")
            }
            Reason::Unmeasured { meter, what } => format!("{}: the counter {what}.", meter.label()),
            Reason::Drift { cost, others } => {
                let more = if *cost < Money(0) { "less" } else { "more" };
                let cost = format!("{} {currency} {more}", Money(cost.0.saturating_abs()).show(currency));
                let also = match others {
                    0 => String::new(),
                    others => format!(" and those of {}", many(*others, "other printer")),
                };
                format!("Its category limits{also} are not those of the contract: the same work costs {cost}.")
            }
            Reason::NoUnit { count } => format!("{} without a unit, which nobody declared.", many(*count, "number")),
            Reason::Quarantine { packages } => format!("{} with its records kept apart.", many(*packages, "package")),
            Reason::FirstRead { at } => format!("It was first read {at}, inside the period."),
            Reason::Unpriced { meter, quantity } => {
                format!("{}: {} without a price, not billed.", meter.label(), meter.unit().show(*quantity))
            }
        }
    }
}

/// The state of a printer's stay in a period.
///
/// Suspect: a break that waits on a counter that matters, an edge without the reading that the contract wants a
/// person to look for (CL15), counter and jobs too far apart where the contract holds it, records kept apart,
/// numbers without a unit, sums of jobs where jobs are billed. Late: something that is billed has no reading at or
/// after the end of the stay's part of the period, less the window's days before, and no estimate to that end.
/// Estimated: estimates stand for all that is missing.
pub fn readiness(usage: &PrinterUsage, terms: &Terms, period: Period, extra: &Extra) -> Readiness {
    let mut found = Found { suspect: Vec::new(), others: Vec::new() };
    let matters = counters_that_matter(terms);
    found.breaks(usage, &matters);
    found.missing_edges(usage, terms, period);
    found.tolerance(usage, terms, period, &matters);
    found.if_some(extra.quarantine, |packages| Reason::Quarantine { packages });
    found.if_some(extra.unitless, |count| Reason::NoUnit { count });
    found.sums(usage, terms, period);
    let (not_read, is_late) = not_read(usage, terms, period, extra);
    found.others.extend(not_read);
    for fact in &usage.estimates {
        found.others.push(Reason::Estimated { meter: fact.meter.clone(), quantity: fact.quantity });
    }
    let unmeasured = unmeasured(usage, &matters).into_iter().filter(|reason| !found.suspect.contains(reason));
    found.others.extend(unmeasured);
    let drift = extra.drift.filter(|cost| *cost != Money(0));
    found.others.extend(drift.map(|cost| Reason::Drift { cost, others: extra.drifting }));
    let first = usage.known_since.filter(|since| period.start.max(usage.from) < *since && *since < period.end);
    found.others.extend(first.map(|at| Reason::FirstRead { at }));
    let state = match (found.suspect.is_empty(), is_late, usage.estimates.is_empty()) {
        (false, _, _) => Ready::Suspect,
        (true, true, _) => Ready::Late,
        (true, false, false) => Ready::Estimated,
        (true, false, true) => Ready::Complete,
    };
    let reasons = found.suspect.into_iter().chain(found.others).collect();
    Readiness { printer: usage.id.clone(), label: usage.label.clone(), state, reasons }
}

/// Adds to printers what of their usage a statement shows without a price. That holds nothing up: a person looks
/// whether it is meant.
pub fn ask_for_prices(printers: &mut [Readiness], statement: &Statement) {
    let mut open: BTreeMap<(&str, &Meter), i64> = BTreeMap::new();
    let lines = statement.lines.iter().filter(|line| line.is_unpriced());
    for source in lines.flat_map(|line| &line.sources) {
        let sum = open.entry((source.printer.as_str(), &source.meter)).or_default();
        *sum = sum.saturating_add(source.evidence.quantity());
    }
    for ((printer, meter), quantity) in open.into_iter().filter(|(_, quantity)| *quantity != 0) {
        // Of several stays the first stands for the printer.
        if let Some(asked) = printers.iter_mut().find(|asked| asked.printer == printer) {
            asked.reasons.push(Reason::Unpriced { meter: meter.clone(), quantity });
        }
    }
}

/// Reasons so far: those that make a printer suspect, and the others.
struct Found {
    suspect: Vec<Reason>,
    others: Vec<Reason>,
}

impl Found {
    fn if_some(&mut self, count: u64, reason: impl FnOnce(u64) -> Reason) {
        if count > 0 {
            self.suspect.push(reason(count));
        }
    }

    /// Falls that wait. One on a counter that neither bills nor proves anything here is only said.
    fn breaks(&mut self, usage: &PrinterUsage, matters: &BTreeSet<MeterKind>) {
        for CounterFact { meter, usage, .. } in &usage.counters {
            for what in &usage.unmeasured {
                let Unmeasured::Pending { before, after, .. } = *what else { continue };
                let reason = Reason::Pending { meter: meter.clone(), before, after };
                let list = if matters.contains(&meter.kind()) { &mut self.suspect } else { &mut self.others };
                list.push(reason);
            }
        }
    }

    /// Edges that have no reading near them on what is billed from counters. The period's start was looked at as
    /// the end of the one before, where the printer was in then.
    fn missing_edges(&mut self, usage: &PrinterUsage, terms: &Terms, period: Period) {
        let is_new = |at: Instant| at != period.start || usage.from >= period.start;
        for kind in terms.kinds().into_iter().filter(|kind| terms.evidence_of(*kind) == Evidence::Counter) {
            for counter in counters_of(&usage.counters, kind, terms.grain(kind)) {
                let missing = counter.usage.unmeasured.iter().copied();
                let missing = missing.filter(|what| matches!(what, Unmeasured::Missing(at) if is_new(*at)));
                let reason = |what: Unmeasured| Reason::Unmeasured { meter: counter.meter.clone(), what };
                self.suspect.extend(missing.map(reason));
            }
        }
    }

    /// Jobs of which only sums are known. An agent's sum does not tell printed jobs from cancelled ones: where
    /// jobs are billed a person says whether it stands. Elsewhere it is only said.
    fn sums(&mut self, usage: &PrinterUsage, terms: &Terms, period: Period) {
        let billed: BTreeSet<MeterKind> =
            terms.kinds().into_iter().filter(|kind| terms.evidence_of(*kind) == Evidence::Jobs).collect();
        for kind in [SumKind::Fold, SumKind::Beside] {
            let sums = || usage.sums.iter().filter(move |sum| sum.kind == kind && period.contains(sum.until));
            let jobs = sums().map(|sum| sum.jobs).fold(0, u64::saturating_add);
            let reason = if kind == SumKind::Fold { Reason::Fold { jobs } } else { Reason::Beside { jobs } };
            let is_billed = sums().flat_map(|sum| &sum.quantities).any(|of| billed.contains(&of.meter.kind()));
            let list = if is_billed { &mut self.suspect } else { &mut self.others };
            list.extend((jobs > 0).then_some(reason));
        }
    }

    /// Meters whose counter and jobs lie further apart than the contract allows.
    fn tolerance(&mut self, usage: &PrinterUsage, terms: &Terms, period: Period, matters: &BTreeSet<MeterKind>) {
        let Some(proof) = terms.rule::<Proof>().filter(|proof| proof.tolerance.0 > 0) else { return };
        for kind in matters {
            let Ok(Some(found)) = reconcile_meter(*kind, usage, terms, period) else { continue };
            let Some(off) = off(&found).filter(|off| *off > proof.tolerance) else { continue };
            let reason = Reason::Tolerance { meter: Meter::whole(*kind), off };
            let list = if proof.beyond == Beyond::Hold { &mut self.suspect } else { &mut self.others };
            list.push(reason);
        }
    }
}

/// The kinds whose counters bill or prove something: those that clauses read; for the area printed, which no
/// counter counts, the media used.
fn counters_that_matter(terms: &Terms) -> BTreeSet<MeterKind> {
    let counter = |kind: MeterKind| if kind == MeterKind::AreaPrinted { MeterKind::AreaMedia } else { kind };
    let held = |kind: &MeterKind| terms.evidence_of(*kind) == Evidence::Counter || terms.rule::<Proof>().is_some();
    terms.kinds().into_iter().filter(held).map(counter).collect()
}

/// What no cause explains between counter and jobs, as a share of the counter; `None` without a counter.
fn off(found: &Reconciliation) -> Option<Share> {
    let counter = i128::from(found.counter_total?);
    let unexplained = found.differences.iter().filter(|difference| difference.cause.is_unexplained());
    let sum: i128 = unexplained.map(|difference| i128::from(difference.amount).abs()).sum();
    // A counter that stood still beside jobs is wholly off.
    let share = if counter == 0 { i128::from(sum > 0) * 1_000_000 } else { sum * 1_000_000 / counter.abs() };
    Some(Share(i64::try_from(share).unwrap_or(i64::MAX)))
}

/// What was not read to the end, with when it was read last; and whether no estimate to that end stands for a
/// part of it.
///
/// A printer that answers need not give every counter: each kind that is billed from counters is looked at by
/// itself. One of which the printer gives no counter at all is not; a note of the statement says so.
fn not_read(usage: &PrinterUsage, terms: &Terms, period: Period, extra: &Extra) -> (Vec<Reason>, bool) {
    let Some(part) = period.cut(usage.from, usage.to) else { return (Vec::new(), false) };
    let (before, _) = EdgeRule::of(terms).reach();
    let wanted = Instant(part.end.0.saturating_sub(before.0));
    let read = |counter: &CounterUsage| counter.read_after.max(counter.end.map(|end| end.read_at));
    let is_missing = |last: Option<Instant>| last.is_none_or(|last| last < wanted);
    let is_estimated =
        |kind: MeterKind| usage.estimates.iter().any(|fact| fact.meter.kind() == kind && fact.span.end == part.end);
    let last = usage.counters.iter().map(|counter| read(&counter.usage)).chain([extra.last_read]).max().flatten();
    let (mut reasons, silent) = (Vec::new(), is_missing(last));
    if silent {
        reasons.push(Reason::NotRead { meter: None, last });
    }
    // What nobody could estimate, since nothing that is billed was ever counted, is open while it is silent.
    let mut is_open = silent && usage.estimates.is_empty();
    for kind in terms.kinds() {
        if terms.evidence_of(kind) == Evidence::Jobs {
            // Its job log comes with every reading.
            is_open |= silent && !is_estimated(kind);
            continue;
        }
        let counters = counters_of(&usage.counters, kind, terms.grain(kind));
        let last = counters.iter().map(|counter| read(&counter.usage)).max().flatten();
        if counters.is_empty() || !is_missing(last) {
            continue;
        }
        if !silent {
            reasons.push(Reason::NotRead { meter: Some(Meter::whole(kind)), last });
        }
        is_open |= !is_estimated(kind);
    }
    (reasons, is_open)
}

/// What else was not measured on the counters that matter. Waiting falls and missing ends are said apart.
fn unmeasured(usage: &PrinterUsage, matters: &BTreeSet<MeterKind>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for counter in usage.counters.iter().filter(|counter| matters.contains(&counter.meter.kind())) {
        for what in &counter.usage.unmeasured {
            if !matches!(what, Unmeasured::Pending { .. } | Unmeasured::SinceLast(_) | Unmeasured::NoReading) {
                reasons.push(Reason::Unmeasured { meter: counter.meter.clone(), what: *what });
            }
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::window::{Otherwise, Window};
    use crate::ledger::segments::{ReadingFact, split};
    use crate::ledger::{EstimateFact, Method, Quantity, ReadingSource, SumFact, edges};
    use crate::money::UnitPrice;
    use crate::sample;
    use crate::statement::{Line, LineEvidence, LineSource};
    use crate::{Clause, Pattern, Price, PriceList};
    use report::Grade;

    const DAY: i64 = 86_400_000;

    fn period() -> Period {
        Period::new(Instant(100 * DAY), Instant(200 * DAY)).unwrap()
    }

    fn eur() -> Currency {
        Currency::parse("EUR").unwrap()
    }

    fn terms(more: Vec<Clause>) -> Terms {
        let price = Price::new(Pattern::parse("area-media").unwrap(), UnitPrice { millionths: 140_000 });
        let mut terms = Terms::new(eur(), "UTC");
        terms.clauses = more;
        terms.clauses.push(Clause::PriceList(PriceList { prices: vec![price] }));
        terms.evidence.insert(MeterKind::AreaMedia, Evidence::Counter);
        terms
    }

    /// What a media counter showed on these days.
    fn said(readings: &[(i64, i64)]) -> Vec<ReadingFact> {
        let fact = |&(day, value): &(i64, i64)| ReadingFact {
            meter: Meter::whole(MeterKind::AreaMedia),
            media: None,
            value,
            read_at: Instant(day * DAY),
            grade: Grade::B,
            source: ReadingSource::Printer,
        };
        readings.iter().map(fact).collect()
    }

    /// A printer whose media counter was read on these days.
    fn printer(readings: &[(i64, i64)]) -> PrinterUsage {
        let meter = Meter::whole(MeterKind::AreaMedia);
        let (points, breaks) = split(&said(readings), &[]);
        let usage = edges::usage_of(&points, &breaks, period(), EdgeRule::Last);
        let counters = vec![CounterFact { meter, media: None, usage }];
        PrinterUsage { counters, ..PrinterUsage::new("A", "T930") }
    }

    fn estimated(printer: PrinterUsage) -> PrinterUsage {
        let fact = EstimateFact {
            meter: Meter::whole(MeterKind::AreaMedia),
            media: None,
            span: period(),
            quantity: 3_000_000,
            method: Method::Zero,
            basis: String::new(),
        };
        PrinterUsage { estimates: vec![fact], ..printer }
    }

    fn state(usage: &PrinterUsage, terms: &Terms, extra: &Extra) -> (Ready, Vec<String>) {
        let found = readiness(usage, terms, period(), extra);
        (found.state, found.reasons.iter().map(|reason| reason.words(eur())).collect())
    }

    #[test]
    fn a_printer_is_complete_late_estimated_or_suspect() {
        let none = Extra::default();
        let fell = "Media used fell from 5.00 m² to 1.00 m²; say why.";
        let not_read = "It was last read 1970-07-10T00:00:00Z, before the period's end.";
        let silent = "Media used: the counter was last read 1970-07-10T00:00:00Z, before the period's end.";
        let (whole, short) = (printer(&[(90, 0), (201, 5)]), printer(&[(90, 0), (190, 5)]));
        let fallen = printer(&[(90, 5_000_000), (150, 1_000_000), (201, 1_000_000)]);
        let seen = Extra { last_read: Some(Instant(200 * DAY)), ..none };
        let apart = Extra { quarantine: 2, ..none };
        let unitless = Extra { unitless: 1, ..none };
        // Printer, what the portal knows, state, reasons.
        let cases = [
            (whole.clone(), none.clone(), Ready::Complete, vec![]),
            (short.clone(), none.clone(), Ready::Late, vec![not_read]),
            (printer(&[]), none.clone(), Ready::Late, vec!["It was not read."]),
            (short.clone(), seen.clone(), Ready::Late, vec![silent]),
            (estimated(short.clone()), seen, Ready::Estimated, vec![silent, "Media used: 3.00 m² estimated."]),
            (estimated(short), none.clone(), Ready::Estimated, vec![not_read, "Media used: 3.00 m² estimated."]),
            (fallen, none, Ready::Suspect, vec![fell]),
            (whole.clone(), apart, Ready::Suspect, vec!["2 packages with its records kept apart."]),
            (whole, unitless, Ready::Suspect, vec!["1 number without a unit, which nobody declared."]),
        ];
        for (usage, extra, expected, reasons) in cases {
            let reasons: Vec<String> = reasons.into_iter().map(str::to_owned).collect();
            assert_eq!(state(&usage, &terms(vec![]), &extra), (expected, reasons));
        }
    }

    /// A counter of `kind` that was read on these days.
    fn counter(kind: MeterKind, readings: &[(i64, i64)]) -> CounterFact {
        let meter = Meter::whole(kind);
        let fact = printer(readings).counters.remove(0);
        CounterFact { meter, ..fact }
    }

    #[test]
    fn each_kind_that_is_billed_is_read_to_the_end_or_estimated_to_the_end() {
        let price = Price::new(Pattern::parse("pages").unwrap(), UnitPrice { millionths: 10_000 });
        let pages = Clause::PriceList(PriceList { prices: vec![price] });
        let by = |evidence| {
            let mut terms = terms(vec![pages.clone()]);
            terms.evidence.insert(MeterKind::Pages, evidence);
            terms
        };
        let (read, short) = (&[(90, 0), (201, 5)], &[(90, 0), (190, 5)]);
        let of = |media: &[(i64, i64)], of_pages: &[(i64, i64)]| {
            let counters = vec![counter(MeterKind::AreaMedia, media), counter(MeterKind::Pages, of_pages)];
            PrinterUsage { counters, ..PrinterUsage::new("A", "T930") }
        };
        let until = |day: i64| {
            let mut usage = estimated(of(short, short));
            usage.estimates[0].span = Period::new(Instant(150 * DAY), Instant(day * DAY)).unwrap();
            usage
        };
        let paged = |mut usage: PrinterUsage| {
            usage.estimates.push(EstimateFact { meter: Meter::whole(MeterKind::Pages), ..usage.estimates[0].clone() });
            usage
        };
        let (counter, jobs) = (by(Evidence::Counter), by(Evidence::Jobs));
        // An estimate of one counter says nothing of the other, nor one of a gap inside of the end.
        let cases = [
            (of(read, read), &counter, Ready::Complete),
            (of(read, short), &counter, Ready::Late),
            (of(short, read), &counter, Ready::Late),
            (of(short, read), &jobs, Ready::Late),
            (of(read, short), &jobs, Ready::Complete),
            (estimated(of(short, read)), &counter, Ready::Estimated),
            (estimated(of(short, short)), &counter, Ready::Late),
            (estimated(of(short, short)), &jobs, Ready::Late),
            (until(160), &counter, Ready::Late),
            (paged(until(160)), &counter, Ready::Late),
            (paged(until(200)), &counter, Ready::Estimated),
            (paged(until(200)), &jobs, Ready::Estimated),
        ];
        for (place, (usage, terms, expected)) in cases.into_iter().enumerate() {
            let (found, words) = state(&usage, terms, &Extra::default());
            assert_eq!(found, expected, "{place}: {words:?}");
        }
        // A kind of which the printer gives no counter is no reason.
        assert_eq!(state(&printer(read), &counter, &Extra::default()).0, Ready::Complete);
    }

    #[test]
    fn a_sum_of_jobs_is_a_red_line_where_jobs_are_billed() {
        let (since, until) = (Instant(110 * DAY), Instant(120 * DAY));
        let quantity = Quantity { meter: Meter::whole(MeterKind::AreaMedia), media: None, amount: 7 };
        let with = |kind| {
            let quantities = vec![quantity.clone()];
            let sum = SumFact { kind, since, until, jobs: 12, grade: Grade::C, quantities };
            PrinterUsage { sums: vec![sum], ..printer(&[(90, 0), (201, 5)]) }
        };
        let by_counter = terms(vec![]);
        let mut by_jobs = by_counter.clone();
        by_jobs.evidence.clear();
        let fold = "Of 12 jobs only the sum is known, cancelled and failed ones included; where jobs are billed it \
                    counts as printed.";
        let beside = "The sum of 12 jobs is not billed: another agent brought jobs of that time one by one.";
        let cases = [
            (SumKind::Fold, &by_jobs, Ready::Suspect, vec![fold]),
            (SumKind::Beside, &by_jobs, Ready::Suspect, vec![beside]),
            (SumKind::Cells, &by_jobs, Ready::Complete, vec![]),
            (SumKind::Fold, &by_counter, Ready::Complete, vec![fold]),
        ];
        for (kind, terms, expected, reasons) in cases {
            let reasons: Vec<String> = reasons.into_iter().map(str::to_owned).collect();
            assert_eq!(state(&with(kind), terms, &Extra::default()), (expected, reasons), "{kind:?}");
        }
    }

    #[test]
    fn an_edge_without_the_reading_that_the_contract_wants_is_a_red_line_once() {
        let window = |otherwise| Window { before_days: 3, after_days: 3, otherwise };
        let with = |otherwise, readings: &[(i64, i64)], from: i64| {
            let terms = terms(vec![Clause::Window(window(otherwise))]);
            let (points, breaks) = split(&said(readings), &[]);
            let usage = edges::usage_of(&points, &breaks, period(), EdgeRule::of(&terms));
            let counters = vec![CounterFact { meter: Meter::whole(MeterKind::AreaMedia), media: None, usage }];
            let printer = PrinterUsage { counters, from: Instant(from * DAY), ..PrinterUsage::new("A", "T930") };
            readiness(&printer, &terms, period(), &Extra::default())
        };
        // Read ten days before each edge and ten days after: nothing is late.
        let far = [(90, 0), (110, 1), (190, 5), (210, 6)];
        let cases = [
            (Otherwise::Missing, &far[..], 0, Ready::Suspect, 2),
            (Otherwise::Last, &far[..], 0, Ready::Complete, 0),
            (Otherwise::Interpolate, &far[..], 0, Ready::Complete, 0),
            // The start was looked at as the end of the period before, unless the printer began here.
            (Otherwise::Missing, &[(90, 0), (110, 1), (199, 5)][..], 0, Ready::Complete, 1),
            (Otherwise::Missing, &[(90, 0), (110, 1), (199, 5)][..], 100, Ready::Suspect, 1),
        ];
        for (otherwise, readings, from, expected, reasons) in cases {
            let found = with(otherwise, readings, from);
            assert_eq!((found.state, found.reasons.len()), (expected, reasons), "{:?}", found.reasons);
        }
    }

    #[test]
    fn a_rise_that_waits_is_not_called_a_fall() {
        let meter = Meter::whole(MeterKind::Pages);
        for (before, after, words) in [(140, 20, "Pages fell from"), (140, 900, "Pages jumped from")] {
            let reason = Reason::Pending { meter: meter.clone(), before, after };
            assert!(reason.words(eur()).starts_with(words), "{}", reason.words(eur()));
        }
    }

    #[test]
    fn counter_and_jobs_may_lie_as_far_apart_as_agreed() {
        let proof = |beyond, ppm| Clause::Proof(Proof { beyond, tolerance: Share(ppm), ..Proof::default() });
        let usage = printer(&[(90, 0), (200, 100)]);
        // No job is known: all of the counter is unexplained.
        let cases = [
            (vec![], Ready::Complete, 0),
            (vec![proof(Beyond::Show, 10_000)], Ready::Complete, 1),
            (vec![proof(Beyond::Hold, 10_000)], Ready::Suspect, 1),
            (vec![proof(Beyond::Hold, 1_000_000)], Ready::Complete, 0),
        ];
        for (clauses, expected, reasons) in cases {
            let (found, words) = state(&usage, &terms(clauses), &Extra::default());
            assert_eq!((found, words.len()), (expected, reasons), "{words:?}");
        }
    }

    #[test]
    fn usage_without_a_price_is_asked_about_once_and_holds_nothing_up() {
        let meter = Meter::whole(MeterKind::AreaPrinted);
        let source = LineSource {
            printer: "A".to_owned(),
            label: "A".to_owned(),
            meter: meter.clone(),
            media: None,
            evidence: LineEvidence::Jobs { count: 1, quantity: 6_310_000 },
        };
        let open = Line { used: Some(6_310_000), sources: vec![source], ..Line::default() };
        // What is beyond is billed at the end of the quarter.
        let later = Line { clause: Some("overage.1".to_owned()), ..open.clone() };
        let stay = |printer: &str| Readiness {
            printer: printer.to_owned(),
            label: printer.to_owned(),
            state: Ready::Complete,
            reasons: Vec::new(),
        };
        let mut asked = [stay("B"), stay("A"), stay("A")];
        ask_for_prices(&mut asked, &sample::statement(vec![open, later]));
        let reason = Reason::Unpriced { meter, quantity: 6_310_000 };
        assert_eq!(reason.words(eur()), "Area printed: 6.31 m² without a price, not billed.");
        assert_eq!(
            asked.map(|of| (of.state.is_red(), of.reasons)),
            [(false, vec![]), (false, vec![reason]), (false, vec![])]
        );
    }

    #[test]
    fn what_is_worth_knowing_of_a_complete_printer_is_said() {
        let (since, until) = (Instant(110 * DAY), Instant(120 * DAY));
        let quantities = Vec::new();
        let fold = SumFact { kind: SumKind::Fold, since, until, jobs: 12, grade: Grade::C, quantities };
        let known_since = Some(Instant(101 * DAY));
        let usage = PrinterUsage { sums: vec![fold], known_since, ..printer(&[(101, 0), (201, 5)]) };
        let drift = Some(Money(2_310));
        let (found, words) = state(&usage, &terms(vec![]), &Extra { drift, ..Extra::default() });
        assert_eq!(found, Ready::Complete);
        let (_, shared) = state(&usage, &terms(vec![]), &Extra { drift, drifting: 2, ..Extra::default() });
        assert_eq!(
            shared[2],
            "Its category limits and those of 2 other printers are not those of the contract: the same work costs \
             23.10 EUR more."
        );
        let expected = [
            "Of 12 jobs only the sum is known, cancelled and failed ones included; where jobs are billed it counts as \
             printed.",
            "Media used: the counter has no reading by the start of the period: counted from the first reading, \
             1970-04-12T00:00:00Z.",
            "Its category limits are not those of the contract: the same work costs 23.10 EUR more.",
            "It was first read 1970-04-12T00:00:00Z, inside the period.",
        ];
        assert_eq!(words, expected);
    }
}
