//! The lines of a draft: who bears them, what they are called, and the order in which they are shown.
//!
//! Deliberately absent: which lines there are, which the clauses say.

use super::usage::fit;
use super::{Bucket, Draft, Place, Taken};
use crate::clauses::At;
use crate::clauses::pool::Allocation;
use crate::contract::Step;
use crate::meter::{MeterKind, Pattern, PricingUnit, label};
use crate::money::{Money, UnitPrice, allocate};
use crate::rating::RatingError;
use crate::statement::{Line, LineShare, Reference};
use std::collections::BTreeMap;

/// A line and where it is shown.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) place: usize,
    pub(super) line: Line,
}

/// Adjustments are shown after the clauses.
const AFTER_CLAUSES: usize = usize::MAX;

impl Draft<'_> {
    /// A line's amount shared over the stays that used it, by the pool's allocation. Quantities add up to
    /// what was taken, amounts to `amount`.
    pub(crate) fn share(&self, pool: usize, taken: &Taken, amount: Money) -> Vec<LineShare> {
        let places = self.places_of(pool);
        let by_stay: BTreeMap<usize, i64> = taken.by_stay.iter().copied().collect();
        let used_by = |stay: &usize| by_stay.get(stay).copied().unwrap_or(0);
        // A place without usage bears nothing, unless all bear the same.
        let allocation = self.pools.get(pool).map(|pool| pool.allocation).unwrap_or_default();
        let uses = |place: &Place| place.stays.iter().any(|stay| by_stay.contains_key(stay));
        let bearing: Vec<&Place> =
            places.iter().filter(|place| allocation == Allocation::Equal || uses(place)).collect();
        let used_at = |place: &&Place| place.stays.iter().map(used_by).fold(0, i64::saturating_add);
        let used: Vec<i64> = bearing.iter().map(used_at).collect();
        let count = i64::try_from(places.len()).unwrap_or(i64::MAX).max(1);
        let weights: Vec<i64> = match allocation {
            Allocation::Usage => used,
            Allocation::Excess => used.iter().map(|used| used.saturating_sub(taken.included / count).max(0)).collect(),
            Allocation::Equal => vec![1; used.len()],
        };
        let mut shares = Vec::new();
        for (place, amount) in bearing.into_iter().zip(allocate(amount.0, &weights)) {
            let used: Vec<i64> = place.stays.iter().map(used_by).collect();
            let first_of_place = shares.len();
            for ((stay, quantity), amount) in place.stays.iter().zip(&used).zip(allocate(amount, &used)) {
                if let Some(stay) = self.stays.get(*stay) {
                    add_share(
                        &mut shares,
                        first_of_place,
                        LineShare {
                            printer: stay.id.clone(),
                            site: stay.site.clone(),
                            quantity: *quantity,
                            amount: Money(amount),
                        },
                    );
                }
            }
        }
        shares
    }

    /// A line's title, with the pool's label where there are several pools.
    pub(crate) fn titled(&self, title: String, pool: usize) -> String {
        let label = self.pools.get(pool).filter(|_| self.pools.len() > 1).map_or("", |pool| pool.label.as_str());
        if label.is_empty() { title } else { format!("{title} · {label}") }
    }

    /// Adds a line of a clause. The clause gives it its id (see [`At::id`]).
    pub(crate) fn push(&mut self, at: &At<'_>, step: Step, line: Line) {
        let line = Line { clause: Some(at.key.to_owned()), step: Some(step), ..line };
        self.lines.push(Placed { place: at.number, line });
    }

    /// Adds the lines that settle periods before. They stand in the input, not in a clause.
    pub(crate) fn push_adjustments(&mut self) {
        let input = self.input;
        for (index, adjustment) in input.adjustments.iter().enumerate() {
            for of in &adjustment.lines {
                let refers = Reference { line: Some(of.line.clone()), ..adjustment.refers.clone() };
                let line = Line {
                    id: format!("adjustment.{}.{}", index + 1, of.line),
                    title: of.title.clone(),
                    detail: of.detail.clone(),
                    amount: Some(of.amount),
                    steps: of.steps.clone(),
                    step: Some(Step::Adjustments),
                    refers: Some(refers),
                    ..Line::default()
                };
                self.lines.push(Placed { place: AFTER_CLAUSES, line });
            }
        }
    }

    /// The lines so far, in the order they were added.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().map(|placed| &placed.line)
    }

    /// The lines so far, to be changed in place.
    pub(crate) fn lines_mut(&mut self) -> impl Iterator<Item = &mut Line> {
        self.lines.iter_mut().map(|placed| &mut placed.line)
    }

    /// Puts other lines in the place of each; they are shown where it was.
    pub(crate) fn replace_lines(&mut self, mut split: impl FnMut(Line) -> Vec<Line>) {
        let lines = std::mem::take(&mut self.lines);
        for Placed { place, line } in lines {
            self.lines.extend(split(line).into_iter().map(|line| Placed { place, line }));
        }
    }

    /// The sum of the lines so far that are wanted.
    pub(crate) fn amount_of(&self, wanted: impl Fn(&Line) -> bool) -> Result<Money, RatingError> {
        let amounts = self.lines().filter(|line| wanted(line)).filter_map(|line| line.amount);
        Money::sum(amounts).map_err(RatingError::at("net"))
    }
}

/// An amount, borne as these lines are: by printer and site. Where together they give back, who gets most of it
/// bears most.
pub(crate) fn borne_as<'l>(lines: impl Iterator<Item = &'l Line>, amount: Money) -> Vec<LineShare> {
    let mut borne: BTreeMap<(&str, Option<&str>), i64> = BTreeMap::new();
    for share in lines.flat_map(|line| &line.shares) {
        let sum = borne.entry((share.printer.as_str(), share.site.as_deref())).or_default();
        *sum = sum.saturating_add(share.amount.0);
    }
    let gives_back = borne.values().map(|part| i128::from(*part)).sum::<i128>() < 0;
    let weigh = |part: &i64| if gives_back { part.saturating_neg() } else { *part };
    let weights: Vec<i64> = borne.values().map(weigh).collect();
    let share = |((printer, site), part): ((&str, Option<&str>), i64)| LineShare {
        printer: printer.to_owned(),
        site: site.map(str::to_owned),
        quantity: 0,
        amount: Money(part),
    };
    borne.into_keys().zip(allocate(amount.0, &weights)).map(share).collect()
}

/// Adds a share of a place; a printer that left and came back to one site stands once.
fn add_share(shares: &mut Vec<LineShare>, first_of_place: usize, share: LineShare) {
    let own = shares.get_mut(first_of_place..).unwrap_or_default();
    match own.iter_mut().find(|known| known.printer == share.printer && known.site == share.site) {
        Some(known) => {
            known.quantity = known.quantity.saturating_add(share.quantity);
            known.amount = Money(known.amount.0.saturating_add(share.amount.0));
        }
        None => shares.push(share),
    }
}

/// A line for usage at a price: 520 m² used, 400 m² of them included, at 0.14: 120 × 0.14 = 16.80 (W1).
///
/// The caller adds the pattern, where the line is for one. The title is given its pool here.
pub(crate) fn priced_line(
    id: String,
    title: String,
    taken: Taken,
    price: UnitPrice,
    unit: PricingUnit,
    draft: &Draft<'_>,
    pool: usize,
) -> Result<Line, RatingError> {
    let title = draft.titled(title, pool);
    let overflow = || RatingError::Overflow { what: title.clone() };
    let billed = taken.used.checked_sub(taken.included).ok_or_else(overflow)?;
    let (currency, how) = (draft.currency, draft.terms.rounding);
    let amount = price.times_in(billed, unit, currency, how).map_err(RatingError::at(&id))?;
    let product = format!("{} × {} = {}", unit.show_exact(billed), price.show(currency), amount.show(currency));
    let (mut detail, mut step) = (format!("{} used", unit.show(taken.used)), String::new());
    for &(word, part) in &taken.covers {
        let included = if word == "allowance" { "included" } else { word };
        detail.push_str(&format!(", {} {included}", unit.number(part)));
        step.push_str(&format!(" − {} {word}", unit.show_exact(part)));
    }
    let step = if step.is_empty() { product } else { format!("{}{step} = {product}", unit.show_exact(taken.used)) };
    Ok(Line {
        id,
        title,
        detail,
        used: Some(taken.used),
        included: Some(taken.included),
        quantity: Some(billed),
        unit: Some(unit),
        unit_price: Some(price),
        amount: Some(amount),
        steps: vec![step],
        shares: draft.share(pool, &taken, amount),
        sources: taken.sources,
        grades: taken.grades,
        marks: taken.marks,
        estimated: taken.estimated,
        ..Line::default()
    })
}

/// A line for usage that no price matches: shown, and not billed. `None` where it sums to nothing.
pub(super) fn unpriced(group: &[Bucket]) -> Result<Option<Line>, RatingError> {
    let Some(Bucket { meter, media, .. }) = group.first() else { return Ok(None) };
    let pattern = Pattern {
        meter: meter.kind(),
        category: meter.category(),
        colour: meter.colour().map(str::to_owned),
        media: media.clone(),
    };
    let used = fit(group.iter().map(|bucket| i128::from(bucket.quantity)).sum(), &[&pattern])?;
    if used == 0 {
        return Ok(None);
    }
    let title = if meter.part().is_none() && meter.kind() == MeterKind::AreaPrinted {
        // Only jobs that name no category are counted here.
        format!("{}, no category", label(meter.kind(), None, None, media.as_deref()))
    } else {
        pattern.label()
    };
    let mut taken = Taken { used, ..Taken::default() };
    taken.collect(group.to_vec(), &[&pattern])?;
    Ok(Some(Line {
        id: format!("unpriced.{pattern}"),
        title,
        detail: format!("{} used, no price: not billed", meter.unit().show(used)),
        pattern: Some(pattern),
        used: Some(used),
        unit: Some(meter.unit()),
        sources: taken.sources,
        grades: taken.grades,
        marks: taken.marks,
        estimated: taken.estimated,
        ..Line::default()
    }))
}
