//! CL3: a quantity included each period, month, quarter or year; what is not used lapses or rolls over.
//!
//! It serves the prices in their order, and within a price the meters in theirs; what rolled over is
//! used before what is new, the oldest first. Deliberately absent: any price (usage beyond is a price
//! clause's business), and which printers share it (see `pool`).

pub(crate) mod span;

use super::base_fee::Per;
use super::draft::{Draft, Left, Place, SpanAt};
use super::interruption;
use super::pool;
use super::price_list::{check_covers, labels, unit_of};
use super::{At, Checked, Clause, ClauseTerms};
use crate::carry::Lot;
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::meter::{Pattern, PricingUnit};
use crate::money::{Currency, Money};
use crate::period::Reset;
use crate::proration::{Fraction, Proration};
use crate::rating::RatingError;
use report::Instant;
use serde::{Deserialize, Serialize};
use span::{Before, PoolAt, USED};

/// The word of carry for what rolled over.
const ROLLED: &str = "rolled";

/// Spans that a rest may roll over for. More is no rule that anybody means, and each is worked out.
const ROLLS_MAX: u32 = 120;

/// Terms of an allowance. CL3.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// The name that what rolls over is kept under; empty: the clause's word and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The usage it covers; all of one unit.
    pub covers: Vec<Pattern>,
    /// How much is included each span, in the base unit of what it covers.
    pub included: i64,
    /// Once, or once for each place of a printer.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub per: Per,
    /// The one pool it is for; absent: the only one, or each (per printer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The span over which it counts.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub reset: Reset,
    /// For how many spans what is not used rolls over; 0: it lapses.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub rolls: u32,
    /// How much of one span's rest rolls over at most, in the base unit; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<i64>,
    /// How it counts for a part of a span. CL16.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub prorate: Proration,
}

impl ClauseTerms for Allowance {
    const FORM: &'static [Field] = &[
        field("covers", "Covers", Kind::Patterns).required().hint("one a line, all of one unit"),
        field("included", "Included", Kind::Quantity("covers")).required(),
        field("per", "For", Kind::Choice(&[("contract", "the contract"), ("printer", "each printer")])),
        field("pool", "Pool", Kind::Text).hint("the label of one pool; empty: the only one"),
        field("reset", "Counts", Kind::Choice(span::RESETS)),
        field("rolls", "Rolls over for", Kind::Count).hint("how many spans; 0: what is not used lapses"),
        field("cap", "At most rolls over", Kind::Quantity("covers")).hint("of one span's rest; empty: all of it"),
        field("prorate", "A part of a span", Kind::Choice(span::PRORATIONS)),
    ];
    const ABOUT: &'static str = "CL3: a quantity that is included.";

    fn step(&self) -> Step {
        Step::Allowance
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let unit = unit_of(&self.covers);
        let show = |quantity: i64| unit.map_or_else(|| quantity.to_string(), |unit| unit.show(quantity));
        let printers = if self.per == Per::Printer { " for each printer" } else { "" };
        let pool = self.pool.as_deref().map_or_else(String::new, |pool| format!(" in the pool {pool}"));
        let (each, included, covers) = (span::each(self.reset), show(self.included), labels(&self.covers));
        let rest = if self.rolls == 0 {
            "What is not used lapses.".to_owned()
        } else {
            let (word, plural) = (self.reset.word(), if self.rolls == 1 { "" } else { "s" });
            let most = self.cap.map_or_else(String::new, |cap| format!(", at most {} of it", show(cap)));
            format!("What is not used rolls over for {} {word}{plural}{most}; the oldest is used first.", self.rolls)
        };
        let mut words = vec![format!("Included {each}{printers}{pool}: {included} of {covers}. {rest}")];
        if self.prorate != Proration::None {
            words.push(format!("Of what is included, {}.", self.prorate.words()));
        }
        words
    }

    fn patterns(&self) -> Vec<&Pattern> {
        self.covers.iter().collect()
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_covers(&self.covers, "an allowance", at.at("covers"), problems);
        if self.included < 0 {
            problems.push(Problem::at(at.at("included"), "an allowance cannot be below zero"));
        }
        span::check(self.reset, at.terms, at.at("reset"), problems);
        self.check_rolls(at, problems);
        if self.reset == Reset::Contract && self.prorate != Proration::None {
            let message = "what is included over the whole contract has no part; leave this out";
            problems.push(Problem::at(at.at("prorate"), message));
        }
        match self.pool.as_deref() {
            Some(wanted) if !pool::is_known(at.terms, wanted) => {
                problems.push(Problem::at(at.at("pool"), "no pool of this contract has that label"));
            }
            None if self.per == Per::Contract && pool::several(at.terms) => {
                problems.push(Problem::at(at.at("pool"), "say which pool the allowance is for, or give it by printer"));
            }
            _ => {}
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        // Validation refuses covers of several units.
        let Some(unit) = unit_of(&self.covers) else { return Ok(()) };
        let span = draft.span(self.reset)?;
        for pool in span::pools(at.key, draft) {
            if pool.index >= draft.pools.len() {
                keep(at.key, &pool, unit, span, draft)?;
                continue;
            }
            if self.pool.as_deref().is_some_and(|wanted| wanted != pool.label && wanted != pool.key) {
                continue;
            }
            let left = |lot: Option<usize>, word: &'static str, included: i64, left: i64| Left {
                key: at.key.to_owned(),
                clause: at.number.saturating_sub(1),
                lot,
                covers: self.covers.clone(),
                unit,
                included,
                left,
                word,
            };
            let rolled = rolled(at.key, &pool, unit, draft)?.into_iter();
            let mut lefts: Vec<Left> =
                rolled.map(|(place, lot)| left(Some(place), "rolled over", lot.quantity, lot.quantity)).collect();
            let (own, top) = self.included_in(draft, pool.index, unit)?;
            if top > 0 {
                lefts.push(left(None, "for days out of service", top, top));
            }
            let before = Before::of(draft.carried(at.key, &pool.key, USED), span, at.key)?;
            // Last: `settle` knows the span's own by it.
            lefts.push(left(None, "allowance", own, own_left(own, before)));
            if let Some(usage) = draft.pools.get_mut(pool.index) {
                usage.allowances.extend(lefts);
            }
        }
        Ok(())
    }
}

/// What is left of a span's own allowance when a period begins. A version that includes less than was
/// used before leaves nothing; it does not ask for anything back.
fn own_left(own: i64, before: Before) -> i64 {
    own.saturating_sub(before.quantity).max(0)
}

/// The lots that rolled over and still stand, oldest first, each with its place in what is carried.
fn rolled(
    key: &str,
    pool: &PoolAt,
    unit: PricingUnit,
    draft: &mut Draft<'_>,
) -> Result<Vec<(usize, Lot)>, RatingError> {
    let start = draft.period().start;
    let mut lots: Vec<(usize, Lot)> = draft.carried(key, &pool.key, ROLLED).iter().copied().enumerate().collect();
    if let Some((_, lot)) = lots.iter().find(|(_, lot)| lot.quantity < 0) {
        return Err(RatingError::Carry { what: format!("{} rolled over of {key}", unit.show(lot.quantity)) });
    }
    lots.sort_by_key(|(place, lot)| (lot.from, *place));
    let (gone, standing): (Vec<_>, Vec<_>) =
        lots.into_iter().partition(|(_, lot)| lot.until.is_some_and(|until| until <= start));
    for (_, lot) in gone {
        let quantity = unit.show(lot.quantity);
        draft.notes.push(of(&pool.label, &format!("{quantity} rolled over, all lapsed before this period.")));
    }
    Ok(standing)
}

/// A lot of which `left` was not used by the end of the period: it goes on, or it is said that it lapses.
fn goes_on(lot: Lot, left: i64, label: &str, unit: PricingUnit, draft: &mut Draft<'_>) -> Option<Lot> {
    if left == 0 {
        return None;
    }
    let end = draft.period().end;
    if lot.until.is_none_or(|until| until > end) {
        return Some(Lot { quantity: left, ..lot });
    }
    let (rolled, left) = (unit.show(lot.quantity), unit.show(left));
    draft.notes.push(of(label, &format!("{rolled} rolled over, {left} were not used and lapse.")));
    None
}

/// Leaves on what is carried for a pool that has no printers in this period.
fn keep(key: &str, pool: &PoolAt, unit: PricingUnit, span: SpanAt, draft: &mut Draft<'_>) -> Result<(), RatingError> {
    let lots = rolled(key, pool, unit, draft)?;
    let stands = lots.into_iter().filter_map(|(_, lot)| goes_on(lot, lot.quantity, &pool.label, unit, draft)).collect();
    draft.leave(key, &pool.key, ROLLED, stands);
    let before = Before::of(draft.carried(key, &pool.key, USED), span, key)?;
    if !span.ends {
        draft.leave(key, &pool.key, USED, before.lots(span));
    }
    Ok(())
}

/// A note on a quantity of a pool or a printer: "Of 400.00 m² …", "Hall 2: of 400.00 m² …".
fn of(whose: &str, rest: &str) -> String {
    if whose.is_empty() { format!("Of {rest}") } else { format!("{whose}: of {rest}") }
}

impl Allowance {
    fn check_rolls(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.rolls > ROLLS_MAX {
            problems.push(Problem::at(at.at("rolls"), format!("a rest rolls over for at most {ROLLS_MAX} spans")));
        }
        if self.rolls > 0 && self.reset == Reset::Contract {
            problems.push(Problem::at(at.at("rolls"), "nothing rolls over from the whole contract"));
        }
        match self.cap {
            Some(cap) if cap < 0 => problems.push(Problem::at(at.at("cap"), "a cap cannot be below zero")),
            Some(_) if self.rolls == 0 => {
                let message = "say for how many spans the rest rolls over, or leave the cap out";
                problems.push(Problem::at(at.at("cap"), message));
            }
            _ => {}
        }
    }

    /// When what rolls over from this span lapses; `None` where nothing rolls over.
    fn rolls_until(&self, draft: &Draft<'_>) -> Result<Option<Instant>, RatingError> {
        if self.rolls == 0 { Ok(None) } else { span::end_after(self.reset, self.rolls, draft) }
    }

    /// What is included in a pool for the span, and what comes on top for days out of service; base units.
    /// 400 m² for each of three printers are 1 200 m² (W4); 19 of 30 days of 400 m² are 253.33 m² (W8).
    fn included_in(&self, draft: &mut Draft<'_>, pool: usize, unit: PricingUnit) -> Result<(i64, i64), RatingError> {
        let places: Vec<Option<Place>> = match self.per {
            Per::Contract => vec![None],
            Per::Printer => draft.places_of(pool).into_iter().map(Some).collect(),
        };
        let (mut own, mut top) = (0_i128, 0_i128);
        for place in &places {
            let place = place.as_ref();
            let part = span::part(self.prorate, self.reset, draft, place)?;
            let included = part.of(self.included).map_err(RatingError::at("an allowance"))?;
            own += i128::from(included);
            top += i128::from(self.on_top(draft, place)?);
            let words = part.words();
            if !words.is_empty() {
                let stay = place.and_then(|place| place.stays.first()).and_then(|stay| draft.stays.get(*stay));
                let whose = stay.map_or("", |stay| stay.label.as_str());
                let (whole, included) = (unit.show(self.included), unit.show(included));
                draft.notes.push(of(whose, &format!("{whole} included, {words} count: {included}.")));
            }
        }
        let fits = |sum: i128| i64::try_from(sum).map_err(|_| RatingError::Overflow { what: labels(&self.covers) });
        Ok((fits(own)?, fits(top)?))
    }

    /// What a place gets on top for its days out of service: the same part of what is included. CL26.
    fn on_top(&self, draft: &Draft<'_>, place: Option<&Place>) -> Result<i64, RatingError> {
        let days = place.map_or(0, |place| interruption::days(draft, place));
        if days <= 0 || self.reset == Reset::Contract {
            return Ok(0);
        }
        let of = span::whole(self.reset, draft)?.days(draft.zone())?.max(1);
        let part = Fraction { top: i128::from(days), bottom: i128::from(of) };
        part.of(self.included).map_err(RatingError::at("an allowance"))
    }

    /// Says what becomes of the span's own rest, and leaves it to the next period. `before` was used in
    /// the span before this period.
    fn settle_own(
        &self,
        lefts: &[&Left],
        before: Before,
        span: SpanAt,
        pool: &PoolAt,
        draft: &mut Draft<'_>,
    ) -> Result<(), RatingError> {
        let Some((own, tops)) = lefts.split_last() else { return Ok(()) };
        let top_left = tops.iter().fold(0_i64, |sum, top| sum.saturating_add(top.left));
        let included = tops.iter().fold(own.included, |sum, top| sum.saturating_add(top.included));
        let (unit, rest) = (own.unit, own.left.saturating_add(top_left));
        if !span.ends {
            let served = own_left(own.included, before).saturating_sub(own.left);
            // What came on top and was not used stays for the rest of the span.
            let quantity = before.quantity.saturating_add(served).saturating_sub(top_left);
            draft.leave(&own.key, &pool.key, USED, Before { quantity, ..before }.lots(span));
            if included > 0 {
                let (included, rest, word) = (unit.show(included), unit.show(rest), self.reset.word());
                draft.notes.push(of(&pool.label, &format!("{included} included this {word}, {rest} are left.")));
            }
            return Ok(());
        }
        if rest > 0 {
            let rolls = if self.rolls == 0 { 0 } else { self.capped(rest, draft)? };
            let becomes = match (rolls, rest.saturating_sub(rolls)) {
                (0, _) => "were not used and lapse".to_owned(),
                (_, 0) => "were not used and roll over".to_owned(),
                (rolls, lapses) => {
                    format!("were not used: {} roll over, {} lapse", unit.show(rolls), unit.show(lapses))
                }
            };
            let (included, rest) = (unit.show(included), unit.show(rest));
            draft.notes.push(of(&pool.label, &format!("{included} included, {rest} {becomes}.")));
        }
        Ok(())
    }

    /// What may roll over of a rest: at most the cap; of some days of a period, these days' share of it.
    fn capped(&self, rest: i64, draft: &Draft<'_>) -> Result<i64, RatingError> {
        let Some(cap) = self.cap else { return Ok(rest) };
        let part = match self.reset {
            Reset::Period => draft.part(Proration::None, None)?,
            _ => Fraction::ONE,
        };
        Ok(rest.min(part.of(cap).map_err(RatingError::at("an allowance"))?))
    }

    /// What rolls over from this span: at most the cap. `None` where nothing does.
    fn rolls_over(&self, own: &[&Left], span: SpanAt, draft: &Draft<'_>) -> Result<Option<Lot>, RatingError> {
        let rest = own.iter().fold(0_i64, |sum, left| sum.saturating_add(left.left));
        let quantity = self.capped(rest, draft)?;
        if !span.ends || quantity <= 0 {
            return Ok(None);
        }
        let until = self.rolls_until(draft)?;
        Ok(until.map(|until| Lot { from: span.start, until: Some(until), quantity, amount: Money::default() }))
    }
}

/// Settles one allowance in one pool after every price took its usage: `lefts` are what `apply` put there.
/// What rolled over and lapses now is said, what stands goes on; so does what is used of a longer span.
pub(crate) fn settle(lefts: &[Left], pool: &PoolAt, draft: &mut Draft<'_>) -> Result<(), RatingError> {
    let Some(first) = lefts.first() else { return Ok(()) };
    let terms = draft.terms;
    let Some(Clause::Allowance(allowance)) = terms.clauses.get(first.clause) else { return Ok(()) };
    let span = draft.span(allowance.reset)?;
    let before = Before::of(draft.carried(&first.key, &pool.key, USED), span, &first.key)?;
    let carried = draft.carried(&first.key, &pool.key, ROLLED);
    let mut stands = Vec::new();
    for left in lefts {
        if let Some(lot) = left.lot.and_then(|place| carried.get(place)) {
            stands.extend(goes_on(*lot, left.left, &pool.label, left.unit, draft));
        }
    }
    let own: Vec<&Left> = lefts.iter().filter(|left| left.lot.is_none()).collect();
    stands.extend(allowance.rolls_over(&own, span, draft)?);
    draft.leave(&first.key, &pool.key, ROLLED, stands);
    allowance.settle_own(&own, before, span, pool, draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance() -> Allowance {
        let covers = vec![Pattern::parse("area-printed/mono-line").expect("a pattern")];
        Allowance { covers, included: 400_000_000, ..Allowance::default() }
    }

    #[test]
    fn terms_of_before_read_and_keep_their_bytes() {
        let stored = r#"{"covers":[{"meter":"area-printed","category":"mono-line"}],"included":400000000}"#;
        let read: Allowance = serde_json::from_str(stored).expect("an allowance");
        assert_eq!(read, allowance());
        assert_eq!(serde_json::to_string(&read).expect("JSON"), stored);
    }

    #[test]
    fn terms_are_said_in_words() {
        let euro = Currency::parse("EUR").expect("a currency");
        let rolling = Allowance {
            per: Per::Printer,
            pool: Some("Hall 2".to_owned()),
            reset: Reset::Quarter,
            rolls: 2,
            cap: Some(100_000_000),
            prorate: Proration::ActualDays,
            ..allowance()
        };
        let cases = [
            (
                allowance(),
                vec!["Included each period: 400.00 m² of Monochrome lines, area printed. What is not used lapses."],
            ),
            (
                rolling,
                vec![
                    "Included each quarter for each printer in the pool Hall 2: 400.00 m² of Monochrome lines, area \
                     printed. What is not used rolls over for 2 quarters, at most 100.00 m² of it; the oldest is used \
                     first.",
                    "Of what is included, a part of a period counts by its days.",
                ],
            ),
        ];
        for (allowance, expected) in cases {
            assert_eq!(allowance.in_words(euro), expected);
        }
    }
}
