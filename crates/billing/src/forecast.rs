//! Forecast: how far allowances and prepaid balances are used while their span runs, and how far they
//! will be by its end.
//!
//! Usage is taken from a rating of the period so far, and goes on by the mean of the days since the span
//! began. Deliberately absent: seasons, prices, and telling anybody. Where several allowances cover the
//! same usage, the ones above serve first, as they do on a statement.

use crate::carry::Carry;
use crate::clauses::allowance::span::{Before, USED};
use crate::clauses::draft::{Bucket, Draft, SpanAt};
use crate::clauses::price_list::{labels, unit_of};
use crate::clauses::{At, Clause};
use crate::contract::Step;
use crate::meter::{Meter, Pattern, PricingUnit};
use crate::period::{Period, Reset};
use crate::rating::{Input, PrinterUsage, RatingError, rate};
use crate::statement::Statement;
use report::{Instant, Share};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The word of carry for what is paid in advance and not used.
const BALANCE: &str = "balance";

/// Percentages at which both sides are told, the highest first.
const THRESHOLDS: [u8; 3] = [100, 90, 70];

/// How far an allowance or a prepaid balance is used, for one pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    /// The key of its clause.
    pub clause: String,
    /// The label of the pool; empty for the pool without a name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pool: String,
    /// What it covers, in words.
    pub title: String,
    /// The unit of the quantities.
    pub unit: PricingUnit,
    /// What there is: for the span with what rolled over, or the balance; base units.
    pub included: i64,
    /// What was used of it since the span began, and beyond it; base units.
    pub used: i64,
    /// What will have been used at the end of the span, by the mean of its days so far; base units. What
    /// was used, where no end is known.
    pub by_end: i64,
    /// How much of what there is was used, parts per million.
    pub reached: Share,
    /// When it is used up, by the same mean; `None` where that is not within the span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_at: Option<Instant>,
    /// The highest of 70, 90 and 100 percent that was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u8>,
}

/// How far everything that is included or paid in advance is used at `now`, in the order of the clauses.
/// `input` is that of the period that runs, with the facts that are known.
///
/// # Errors
///
/// As [`rate`].
pub fn forecast(input: &Input, now: Instant) -> Result<Vec<Forecast>, RatingError> {
    // A share of a line that another party pays would show the same facts twice.
    let mut plain = input.clone();
    plain.terms.clauses.retain(|clause| !matches!(clause, Clause::Payers(_)));
    let used = rate(&plain)?.statement;
    let mut stays: Vec<&PrinterUsage> = plain.printers.iter().filter(|stay| stay.is_in(plain.period)).collect();
    stays.sort_by(|a, b| (&a.id, a.from).cmp(&(&b.id, b.from)));
    let buckets = buckets(&used, &stays);
    let mut draft = Draft::new(&plain, &plain.terms, stays, buckets, Vec::new());
    let mut found = Vec::new();
    for &step in plain.terms.order() {
        take_step(step, &mut draft, &mut found)?;
    }
    let (_, left) = draft.finish()?;
    let all = found.into_iter().map(|of| of.forecast(&left, now, &plain));
    Ok(all.collect::<Result<Vec<Option<Forecast>>, RatingError>>()?.into_iter().flatten().collect())
}

/// What was used, by stay, meter and media type, before any price took it. A statement names printers, not
/// stays: what a printer used stands with its first.
fn buckets(statement: &Statement, stays: &[&PrinterUsage]) -> Vec<Bucket> {
    let of_usage = |step: Option<Step>| matches!(step, None | Some(Step::Allowance | Step::Prices));
    let lines = statement.lines.iter().filter(|line| of_usage(line.step));
    let mut sums: BTreeMap<(usize, &Meter, Option<&str>), i64> = BTreeMap::new();
    for source in lines.flat_map(|line| &line.sources) {
        if let Some(stay) = stays.iter().position(|stay| stay.id == source.printer) {
            let sum = sums.entry((stay, &source.meter, source.media.as_deref())).or_default();
            *sum = sum.saturating_add(source.evidence.quantity());
        }
    }
    let bucket = |((stay, meter, media), quantity): ((usize, &Meter, Option<&str>), i64)| Bucket {
        stay,
        meter: meter.clone(),
        media: media.map(str::to_owned),
        quantity,
        covered: 0,
        covers: Vec::new(),
        estimated: 0,
        sources: Vec::new(),
        grades: BTreeMap::new(),
        marks: BTreeSet::new(),
    };
    sums.into_iter().map(bucket).collect()
}

/// Takes the steps up to the allowances, and keeps what each of them finds.
fn take_step(step: Step, draft: &mut Draft<'_>, found: &mut Vec<Found>) -> Result<(), RatingError> {
    let terms = draft.terms;
    if !matches!(step, Step::QuantityCredits | Step::Pool | Step::Allowance) {
        return Ok(());
    }
    for (index, clause) in terms.clauses.iter().enumerate().filter(|(_, clause)| clause.step() == step) {
        let key = terms.key_of(index);
        let at = At { number: index + 1, key: &key };
        let (covers, reset) = match clause {
            Clause::Allowance(allowance) => (&allowance.covers, Some(allowance.reset)),
            Clause::Prepaid(prepaid) => (&prepaid.covers, None),
            _ => {
                clause.apply(&at, draft)?;
                continue;
            }
        };
        let patterns: Vec<&Pattern> = covers.iter().collect();
        let mut open = Vec::new();
        for pool in 0..draft.pools.len() {
            open.push(draft.open_after(pool, &patterns)?);
        }
        clause.apply(&at, draft)?;
        // Validation refuses covers of several units.
        let Some(unit) = unit_of(covers) else { continue };
        let title = labels(covers);
        for (pool, used) in open.into_iter().enumerate() {
            let of = Of { index, key: &key, title: &title, unit, reset };
            found.extend(found_in(pool, used, of, draft)?);
        }
    }
    if step == Step::Pool {
        draft.settle_pools();
    }
    Ok(())
}

/// The clause that is looked at.
#[derive(Clone, Copy)]
struct Of<'a> {
    index: usize,
    key: &'a str,
    title: &'a str,
    unit: PricingUnit,
    /// The span of an allowance; `None`: a balance.
    reset: Option<Reset>,
}

/// What a clause has for one pool.
struct Found {
    clause: String,
    /// What carry knows the pool by.
    key: String,
    pool: String,
    title: String,
    unit: PricingUnit,
    /// What is included; of a balance, how much of it was used.
    included: i64,
    used: i64,
    /// The span in which it counts; `None`: a balance, which goes on.
    span: Option<SpanAt>,
}

/// What a clause has in a pool, after it took its step; `used` is what reaches it in this period.
fn found_in(pool: usize, used: i64, of: Of<'_>, draft: &Draft<'_>) -> Result<Option<Found>, RatingError> {
    let Some(in_pool) = draft.pools.get(pool) else { return Ok(None) };
    let overflow = || RatingError::Overflow { what: of.title.to_owned() };
    let (included, used, span) = match of.reset {
        None => {
            // Covered at once: what is carried out of the period is what is left.
            let covers = draft.terms.clauses.get(of.index).map(Clause::patterns).unwrap_or_default();
            let open = draft.open_after(pool, &covers)?;
            (used.saturating_sub(open), used, None)
        }
        Some(reset) => {
            let lefts = in_pool.allowances.iter().filter(|left| left.clause == of.index);
            let included: i128 = lefts.map(|left| i128::from(left.included)).sum();
            let span = draft.span(reset)?;
            let before = Before::of(draft.carried(of.key, &in_pool.key, USED), span, of.key)?;
            let used = used.checked_add(before.quantity.max(0)).ok_or_else(overflow)?;
            (i64::try_from(included).map_err(|_| overflow())?, used, Some(span))
        }
    };
    let (clause, key, pool) = (of.key.to_owned(), in_pool.key.clone(), in_pool.label.clone());
    Ok(Some(Found { clause, key, pool, title: of.title.to_owned(), unit: of.unit, included, used, span }))
}

impl Found {
    /// The forecast; `None` where nothing is included. `left` is what the period leaves.
    fn forecast(self, left: &Carry, now: Instant, input: &Input) -> Result<Option<Forecast>, RatingError> {
        let lots = if self.span.is_some() { &[][..] } else { left.get(&self.clause, &self.key, BALANCE) };
        let rest: i128 = lots.iter().map(|lot| i128::from(lot.quantity)).sum();
        let included = i128::from(self.included) + rest;
        if included <= 0 {
            return Ok(None);
        }
        let overflow = || RatingError::Overflow { what: self.title.clone() };
        let fit = |quantity: i128| i64::try_from(quantity).map_err(|_| overflow());
        let (start, end) = match self.span {
            // A span without a beginning that is known counts since the period began.
            Some(span) if span.start == Instant(0) => (input.period.start, span.end),
            Some(span) => (span.start, span.end),
            None => (input.period.start, Some(input.period.end)),
        };
        let used = i128::from(self.used);
        let so_far = Period::new(start, end.map_or(now, |end| end.min(now))).ok();
        let days = so_far.map_or(Ok(1), |so_far| so_far.days(&input.terms.time_zone))?;
        let whole = end.and_then(|end| Period::new(start, end).ok());
        let of = whole.map_or(Ok(days), |whole| whole.days(&input.terms.time_zone))?;
        // A part of the first day counts as the day: an hour says little of a month.
        let by_end = used * i128::from(of.max(days)) / i128::from(days.max(1));
        let reached = used.max(0) * 1_000_000 / included;
        let full_at = full_at(start, now, days, included, used);
        let within = |at: &Instant| self.span.is_none() || end.is_none_or(|end| *at < end);
        let passed = |percent: &u8| reached >= i128::from(*percent) * 10_000;
        Ok(Some(Forecast {
            included: fit(included)?,
            by_end: fit(by_end)?,
            reached: Share(fit(reached)?),
            full_at: full_at.filter(within),
            threshold: THRESHOLDS.into_iter().find(passed),
            unit: self.unit,
            used: self.used,
            clause: self.clause,
            pool: self.pool,
            title: self.title,
        }))
    }
}

/// When `included` is used, by the mean of `days` since `start`. Not before `now` where it is not used yet,
/// not after where it is.
fn full_at(start: Instant, now: Instant, days: i64, included: i128, used: i128) -> Option<Instant> {
    const DAY: i128 = 24 * 3_600_000;
    if used <= 0 {
        return None;
    }
    let since = included.checked_mul(i128::from(days))?.checked_mul(DAY)? / used;
    let at = Instant(i64::try_from(i128::from(start.0) + since).ok()?);
    Some(if used >= included { at.min(now) } else { at.max(now) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::pool::{Members, Pool};
    use crate::clauses::prepaid::Prepaid;
    use crate::contract::Terms;
    use crate::events::Runs;
    use crate::money::{Currency, UnitPrice};
    use crate::sample::{self, month};
    use crate::{Allowance, Lot, Per, Price, PriceList};
    use report::Duration;

    /// The end of a day of October.
    fn after(day: i64) -> Instant {
        month(10).start.plus(Duration::hours(24 * day))
    }

    fn pages() -> Vec<Pattern> {
        vec![Pattern::parse("pages").expect("a pattern")]
    }

    fn allowance(included: i64, reset: Reset) -> Clause {
        Clause::Allowance(Allowance { covers: pages(), included, reset, ..Allowance::default() })
    }

    fn terms(mut clauses: Vec<Clause>) -> Terms {
        let price = Price::new(pages().remove(0), UnitPrice { millionths: 10_000 });
        clauses.push(Clause::PriceList(PriceList { prices: vec![price] }));
        Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") }
    }

    fn printed(id: &str, pages: i64) -> PrinterUsage {
        let job = sample::job("j1", month(10).start.plus(Duration::hours(1)), "pages", pages);
        PrinterUsage { jobs: vec![job], ..PrinterUsage::new(id, id) }
    }

    fn input(terms: Terms, printers: Vec<PrinterUsage>) -> Input {
        sample::input(terms, month(10), printers)
    }

    fn forecasts(input: &Input, now: Instant) -> Vec<Forecast> {
        forecast(input, now).expect("a forecast")
    }

    fn one(input: &Input, now: Instant) -> Forecast {
        let all = forecasts(input, now);
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().expect("one forecast")
    }

    #[test]
    fn an_allowance_goes_on_as_its_days_so_far() {
        // Used after 10 of 31 days, by the end, percent reached, threshold, day on which it is full.
        let cases = [
            (300, 930, 30, None, None),
            (330, 1_023, 33, None, Some(30)),
            (700, 2_170, 70, Some(70), Some(14)),
            (899, 2_786, 89, Some(70), Some(11)),
            (900, 2_790, 90, Some(90), Some(11)),
            (1_000, 3_100, 100, Some(100), Some(10)),
            (2_000, 6_200, 200, Some(100), Some(5)),
        ];
        for (used, by_end, percent, threshold, full) in cases {
            let input = input(terms(vec![allowance(1_000, Reset::Period)]), vec![printed("A", used)]);
            let found = one(&input, after(10));
            assert_eq!((found.included, found.used, found.by_end), (1_000, used, by_end));
            assert_eq!((found.reached.0 / 10_000, found.threshold), (percent, threshold), "{used}");
            let day = found.full_at.map(|at| at.since(month(10).start).0 / (24 * 3_600_000));
            assert_eq!(day, full, "{used}: {found:?}");
            assert_eq!((found.clause.as_str(), found.title.as_str()), ("allowance.1", "Pages"));
        }
    }

    #[test]
    fn a_quarter_counts_what_was_used_before_this_period() {
        let mut input = input(terms(vec![allowance(1_000, Reset::Quarter)]), vec![printed("A", 100)]);
        input.period = month(11);
        input.printers[0].jobs[0].finished_at = month(11).start;
        let used = Lot { from: month(10).start, quantity: 520, ..Lot::default() };
        input.carry.set("allowance.1", "", "used", vec![used]);
        // 620 in 46 of 92 days.
        let found = one(&input, month(11).start.plus(Duration::hours(24 * 15)));
        assert_eq!((found.used, found.by_end, found.threshold), (620, 1_240, None));
        assert!(found.full_at.is_some_and(|at| month(12).contains(at)), "{found:?}");
    }

    #[test]
    fn what_is_included_is_by_pool_and_place_and_by_the_part_that_the_contract_ran() {
        let each = Clause::Pool(Pool { members: Members::Each, ..Pool::default() });
        let per_printer = Allowance { covers: pages(), included: 100, per: Per::Printer, ..Allowance::default() };
        let clauses = vec![each, Clause::Allowance(per_printer.clone())];
        let input_of = |clauses| input(terms(clauses), vec![printed("A", 95), printed("B", 10)]);
        let found = forecasts(&input_of(clauses), after(10));
        let said: Vec<_> = found.iter().map(|of| (of.pool.as_str(), of.included, of.used, of.threshold)).collect();
        assert_eq!(said, [("A", 100, 95, Some(90)), ("B", 100, 10, None)]);
        let found = one(&input_of(vec![Clause::Allowance(per_printer)]), after(10));
        assert_eq!((found.included, found.used), (200, 105));
        let prorate = crate::proration::Proration::ActualDays;
        let part = Allowance { covers: pages(), included: 310, prorate, ..Allowance::default() };
        let mut half = input_of(vec![Clause::Allowance(part)]);
        half.runs = Some(Runs { from: after(21), to: None });
        assert_eq!(one(&half, after(26)).included, 100);
    }

    #[test]
    fn the_allowance_above_serves_first() {
        let clauses = vec![allowance(60, Reset::Period), allowance(100, Reset::Period)];
        let found = forecasts(&input(terms(clauses), vec![printed("A", 95)]), after(10));
        let said: Vec<_> = found.iter().map(|of| (of.clause.as_str(), of.used, of.threshold)).collect();
        assert_eq!(said, [("allowance.1", 95, Some(100)), ("allowance.2", 35, None)]);
    }

    #[test]
    fn a_prepaid_balance_is_used_up_some_day_even_after_the_period() {
        let prepaid = Prepaid {
            covers: pages(),
            block: 1_000,
            price: UnitPrice { millionths: 10_000 },
            opening: 500,
            ..Prepaid::default()
        };
        let input_of = |used| input(terms(vec![Clause::Prepaid(prepaid.clone())]), vec![printed("A", used)]);
        let found = one(&input_of(100), after(10));
        assert_eq!((found.included, found.used, found.by_end, found.threshold), (500, 100, 310, None));
        assert_eq!(found.full_at, Some(after(50)));
        let found = one(&input_of(600), after(10));
        assert_eq!((found.included, found.used, found.threshold), (500, 600, Some(100)));
        assert!(found.full_at.is_some_and(|at| at < after(10)));
    }

    #[test]
    fn nothing_included_is_nothing_to_tell_and_nothing_used_is_never_full() {
        assert!(forecasts(&input(terms(Vec::new()), vec![printed("A", 5)]), after(3)).is_empty());
        let found = one(&input(terms(vec![allowance(10, Reset::Period)]), Vec::new()), after(3));
        assert_eq!((found.used, found.by_end, found.reached, found.full_at), (0, 0, Share(0), None));
        // Before the period begins there is no day to go by.
        let found = one(&input(terms(vec![allowance(10, Reset::Period)]), Vec::new()), month(9).start);
        assert_eq!((found.by_end, found.threshold), (0, None));
        // Over the whole contract no end is known.
        let found = one(&input(terms(vec![allowance(10, Reset::Contract)]), vec![printed("A", 5)]), after(3));
        assert_eq!((found.used, found.by_end, found.included), (5, 5, 10));
    }
}
