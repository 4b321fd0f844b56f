//! Spans over which a clause counts: their words, a part of them, and what was carried inside them.
//!
//! A quarter that is billed by month needs all three. Deliberately absent: cutting the span of the
//! period that is rated, which the draft does.

use crate::carry::Lot;
use crate::clauses::At;
use crate::clauses::draft::{Draft, Place, SpanAt};
use crate::clauses::price_list::unit_of;
use crate::contract::{Problem, Terms};
use crate::meter::{Pattern, PricingUnit};
use crate::money::Money;
use crate::period::{Every, Period, PeriodRule, Reset};
use crate::proration::{Fraction, Proration, fraction};
use crate::rating::{Input, RatingError};
use report::Instant;

/// The word of carry for what was used since the span's start.
pub(crate) const USED: &str = "used";

/// The spans that a form offers.
pub(crate) const RESETS: &[(&str, &str)] = &[
    ("period", "each period"),
    ("month", "each month"),
    ("quarter", "each quarter"),
    ("year", "each year"),
    ("contract", "the whole contract"),
];

/// The rules of proration that a form offers. CL16.
pub(crate) const PRORATIONS: &[(&str, &str)] = &[
    ("none", "counts whole"),
    ("actual-days", "by days"),
    ("thirty360", "by days, 30 a month"),
    ("months", "by months"),
];

/// How often a span begins anew: `each quarter`.
pub(crate) fn each(reset: Reset) -> String {
    if reset == Reset::Contract { "over the whole contract".to_owned() } else { format!("each {}", reset.word()) }
}

/// Refuses a span that is shorter than the periods: facts are summed for a period, so that a part of
/// it cannot be told.
pub(crate) fn check(reset: Reset, terms: &Terms, field: String, problems: &mut Vec<Problem>) {
    let shorter = match (reset, terms.period.every) {
        (Reset::Month, Every::Quarter | Every::Year) | (Reset::Quarter, Every::Year) => true,
        (Reset::Period | Reset::Month | Reset::Quarter | Reset::Year | Reset::Contract, _) => false,
    };
    if shorter {
        let message = format!("a {} is shorter than the contract's periods; nothing can count by it", reset.word());
        problems.push(Problem::at(field, message));
    }
}

/// The rule that cuts spans of this length; `None` for the contract's whole time.
fn rule(reset: Reset, terms: &Terms) -> Option<PeriodRule> {
    let every = match reset {
        Reset::Period => terms.period.every,
        Reset::Month => Every::Month,
        Reset::Quarter => Every::Quarter,
        Reset::Year => Every::Year,
        Reset::Contract => return None,
    };
    Some(PeriodRule { every, ..terms.period })
}

/// The whole span that the period lies in, whether or not the contract ran all the time. For a period as such, the
/// one that it is a part of; for the contract's whole time, the period.
pub(crate) fn whole(reset: Reset, draft: &Draft<'_>) -> Result<Period, RatingError> {
    match rule(reset, draft.terms) {
        Some(_) if reset == Reset::Period => draft.whole(),
        Some(rule) => Ok(rule.containing(draft.period().start, draft.zone())?),
        None => Ok(draft.period()),
    }
}

/// The end of the span that comes `count` spans after this one; `None` where none comes after it.
pub(crate) fn end_after(reset: Reset, count: u32, draft: &Draft<'_>) -> Result<Option<Instant>, RatingError> {
    let Some(rule) = rule(reset, draft.terms) else { return Ok(None) };
    let mut span = whole(reset, draft)?;
    for _ in 0..count {
        span = rule.following(span, draft.zone())?;
    }
    Ok(Some(span.end))
}

/// The part of the span in which a place was filled, or in which the contract ran; of a statement over some days of
/// a period, the share of these days where parts count whole. A span that is longer
/// than the period is measured from the stays themselves: what a place did before the period counts, as
/// far as the stays that rating is given say it.
pub(crate) fn part(
    rule: Proration,
    reset: Reset,
    draft: &Draft<'_>,
    place: Option<&Place>,
) -> Result<Fraction, RatingError> {
    if reset == Reset::Period {
        return draft.part(rule, place);
    }
    // A longer span is settled once, at its end.
    if rule == Proration::None {
        return Ok(Fraction::ONE);
    }
    let whole = whole(reset, draft)?;
    if whole == draft.period() {
        return draft.part(rule, place);
    }
    part_of(rule, whole, draft, place)
}

/// The part of some time in which a place was filled, or in which the contract ran.
pub(crate) fn part_of(
    rule: Proration,
    whole: Period,
    draft: &Draft<'_>,
    place: Option<&Place>,
) -> Result<Fraction, RatingError> {
    let parts = match (place, &draft.input.runs) {
        (Some(place), _) => filled(draft.input, &place.id, whole),
        (None, Some(runs)) => whole.cut(runs.from, runs.to).into_iter().collect(),
        (None, None) => vec![whole],
    };
    Ok(fraction(rule, &parts, whole, draft.zone())?)
}

/// When a place was filled within `whole`, stay by stay; a day that two printers share counts once.
///
/// A place is called as the printer that filled it first. Where rating is not given that one's stay, it left before
/// the period and a successor goes on in its place: the time before counts as filled (CL19).
fn filled(input: &Input, place: &str, whole: Period) -> Vec<Period> {
    let stays = || input.printers.iter().filter(move |stay| stay.place() == place);
    let first = stays().map(|stay| stay.from).min().filter(|_| stays().all(|stay| stay.id != place));
    let before = first.and_then(|first| whole.cut(whole.start, Some(first.min(input.period.start))));
    stays().filter_map(|stay| whole.cut(stay.from, stay.to)).chain(before).collect()
}

/// A pool that a clause works on.
#[derive(Debug, Clone)]
pub(crate) struct PoolAt {
    /// Its place in the draft; beyond its pools where it has no printers any more.
    pub(crate) index: usize,
    /// What carry and the ids of lines know it by.
    pub(crate) key: String,
    /// What people call it.
    pub(crate) label: String,
}

/// The draft's pools, then those without printers that something is carried for under `key`: what is not
/// settled for them must not be lost.
pub(crate) fn pools(key: &str, draft: &Draft<'_>) -> Vec<PoolAt> {
    let mut pools: Vec<PoolAt> = (0..draft.pools.len()).filter_map(|index| pool(index, draft)).collect();
    for entry in draft.input.carry.entries.iter().filter(|entry| entry.clause == key) {
        if pools.iter().all(|pool| pool.key != entry.pool) {
            // A pool of one place is called as its printer was, as far as that is known.
            let there = draft.input.printers.iter().find(|stay| stay.place() == entry.pool);
            let label = there.map_or(&entry.pool, |stay| &stay.label).clone();
            pools.push(PoolAt { index: usize::MAX, key: entry.pool.clone(), label });
        }
    }
    pools
}

/// A pool of the draft; `None` beyond them.
pub(crate) fn pool(index: usize, draft: &Draft<'_>) -> Option<PoolAt> {
    let pool = draft.pools.get(index)?;
    Some(PoolAt { index, key: pool.key.clone(), label: pool.label.clone() })
}

/// What a clause works on that counts usage over a span.
pub(crate) struct Counting<'t> {
    /// The unit of what it counts.
    pub(crate) unit: PricingUnit,
    /// The span, as the period meets it.
    pub(crate) span: SpanAt,
    /// The usage that it counts.
    pub(crate) covers: Vec<&'t Pattern>,
    /// Each pool, with what was counted in it before this period in the span.
    pub(crate) pools: Vec<(PoolAt, Before)>,
}

/// What a clause works on that counts what it covers over a span; `None` where that has no unit, which
/// validation refuses.
pub(crate) fn counting<'t>(
    at: &At<'_>,
    covers: &'t [Pattern],
    reset: Reset,
    draft: &Draft<'_>,
) -> Result<Option<Counting<'t>>, RatingError> {
    let Some(unit) = unit_of(covers) else { return Ok(None) };
    let span = draft.span(reset)?;
    let before = |pool: PoolAt| {
        let before = Before::of(draft.carried(at.key, &pool.key, USED), span, at.key)?;
        Ok::<_, RatingError>((pool, before))
    };
    let pools: Vec<(PoolAt, Before)> = pools(at.key, draft).into_iter().map(before).collect::<Result<_, _>>()?;
    Ok(Some(Counting { unit, span, covers: covers.iter().collect(), pools }))
}

/// What was used and charged before this period in the span.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Before {
    /// In base units.
    pub(crate) quantity: i64,
    /// Minor units.
    pub(crate) amount: Money,
}

impl Before {
    /// The sum of the lots of this span; those from before it were renewed since.
    pub(crate) fn of(lots: &[Lot], span: SpanAt, what: &str) -> Result<Before, RatingError> {
        let of_span = || lots.iter().filter(|lot| lot.from >= span.start);
        let quantity: i128 = of_span().map(|lot| i128::from(lot.quantity)).sum();
        let overflow = || RatingError::Overflow { what: what.to_owned() };
        Ok(Before {
            quantity: i64::try_from(quantity).map_err(|_| overflow())?,
            amount: Money::sum(of_span().map(|lot| lot.amount)).map_err(RatingError::at(what))?,
        })
    }

    /// The lot that says it to the next period; none where there is nothing to say.
    pub(crate) fn lots(self, span: SpanAt) -> Vec<Lot> {
        if self.quantity == 0 && self.amount.is_zero() {
            return Vec::new();
        }
        vec![Lot { from: span.start, until: None, quantity: self.quantity, amount: self.amount }]
    }
}
