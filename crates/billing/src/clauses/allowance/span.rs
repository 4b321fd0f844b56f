//! Spans over which a clause counts: their words, a part of them, and what was carried inside them.
//!
//! A quarter that is billed by month needs all three. Deliberately absent: cutting the span of the
//! period that is rated, which the draft does.

use crate::carry::Lot;
use crate::clauses::draft::{Draft, Place, SpanAt};
use crate::contract::{Problem, Terms};
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

/// The whole span that the period lies in, whether or not the contract ran all the time. For a period
/// as such, and for the contract's whole time, the period.
pub(crate) fn whole(reset: Reset, draft: &Draft<'_>) -> Result<Period, RatingError> {
    match rule(reset, draft.terms) {
        Some(rule) if reset != Reset::Period => Ok(rule.containing(draft.period().start, draft.zone())?),
        _ => Ok(draft.period()),
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

/// The part of the span in which a place was filled, or in which the contract ran. A span that is longer
/// than the period is measured from the stays themselves: what a place did before the period counts, as
/// far as the stays that rating is given say it.
pub(crate) fn part(
    rule: Proration,
    reset: Reset,
    draft: &Draft<'_>,
    place: Option<&Place>,
) -> Result<Fraction, RatingError> {
    let whole = whole(reset, draft)?;
    if rule == Proration::None || whole == draft.period() {
        return draft.part(rule, place);
    }
    let parts = match (place, &draft.input.runs) {
        (Some(place), _) => filled(draft.input, &place.id, whole),
        (None, Some(runs)) => whole.cut(runs.from, runs.to).into_iter().collect(),
        (None, None) => vec![whole],
    };
    Ok(fraction(rule, &parts, whole, draft.zone())?)
}

/// When a place was filled within `whole`, stay by stay; a day that two printers share counts once.
fn filled(input: &Input, place: &str, whole: Period) -> Vec<Period> {
    let stays = input.printers.iter().filter(|stay| stay.place() == place);
    stays.filter_map(|stay| whole.cut(stay.from, stay.to)).collect()
}

/// A pool that a clause works on.
#[derive(Debug, Clone)]
pub(crate) struct PoolAt {
    /// Its place in the draft; beyond its pools where it has no printers any more.
    pub(crate) index: usize,
    /// Its label.
    pub(crate) label: String,
}

/// The draft's pools, then those without printers that something is carried for under `key`: what is not
/// settled for them must not be lost.
pub(crate) fn pools(key: &str, draft: &Draft<'_>) -> Vec<PoolAt> {
    let present = draft.pools.iter().map(|pool| pool.label.clone());
    let mut pools: Vec<PoolAt> = present.enumerate().map(|(index, label)| PoolAt { index, label }).collect();
    for entry in draft.input.carry.entries.iter().filter(|entry| entry.clause == key) {
        if pools.iter().all(|pool| pool.label != entry.pool) {
            pools.push(PoolAt { index: usize::MAX, label: entry.pool.clone() });
        }
    }
    pools
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
