//! How much of the amounts rests on which grade of proof, and how much on the word of people.
//!
//! An amount is shared by quantities, so that the parts sum to it. Deliberately absent: what a credit would
//! have been without the people who gave it.

use crate::bundle::Basis;
use billing::{
    Line, LineEvidence, LineSource, Mark, Meter, Money, ReadingPoint, ReadingSource, Statement, Step, allocate,
};
use report::Grade;
use std::collections::{BTreeMap, BTreeSet};

/// Amounts by what they rest on, minor units.
#[derive(Debug, Default)]
pub(super) struct Shares {
    pub(super) grades: BTreeMap<Grade, Money>,
    pub(super) unsigned: Money,
    /// Adjustments that follow from the records of the periods that they settle.
    pub(super) settled: Money,
    /// Fees and whatever else the terms alone give.
    pub(super) by_terms: Money,
}

/// Counters of printers of which a person decided why they fell.
type Decided<'a> = BTreeSet<(&'a str, &'a Meter, Option<&'a str>)>;

/// The shares of all lines.
pub(super) fn of(documents: &[Statement], basis: &Basis) -> Shares {
    let mut decided = Decided::new();
    for facts in &basis.facts {
        let period = basis.input.period;
        let of_period =
            facts.decisions.iter().filter(|decision| period.start <= decision.at && decision.at <= period.end);
        decided.extend(of_period.map(|decision| (facts.id.as_str(), &decision.meter, decision.media.as_deref())));
    }
    let mut shares = Shares::default();
    for line in documents.iter().flat_map(|document| &document.lines) {
        let Some(amount) = line.amount else { continue };
        if line.step == Some(Step::Adjustments) {
            let sum = if basis.again.is_empty() { &mut shares.unsigned } else { &mut shares.settled };
            *sum = plus(*sum, amount.0);
        } else if line.grades.is_empty() {
            shares.by_terms = plus(shares.by_terms, amount.0);
        } else {
            let weights: Vec<i64> = line.grades.values().copied().collect();
            for (grade, part) in line.grades.keys().zip(allocate(amount.0, &weights)) {
                let sum = shares.grades.entry(*grade).or_default();
                *sum = plus(*sum, part);
            }
            shares.unsigned = plus(shares.unsigned, said_part(line, amount, &decided));
        }
    }
    shares
}

fn plus(sum: Money, amount: i64) -> Money {
    Money(sum.0.saturating_add(amount))
}

/// The part of a line's amount that rests on what people said.
fn said_part(line: &Line, amount: Money, decided: &Decided<'_>) -> i64 {
    let (mut said, mut proved) = (0_i64, 0_i64);
    for source in &line.sources {
        let sum = if is_said(source, line, decided) { &mut said } else { &mut proved };
        *sum = sum.saturating_add(source.evidence.quantity().max(0));
    }
    if said == 0 {
        return 0;
    }
    allocate(amount.0, &[said, proved]).first().copied().unwrap_or(0)
}

fn is_said(source: &LineSource, line: &Line, decided: &Decided<'_>) -> bool {
    match &source.evidence {
        // Which of a line's jobs it is does not stand there: all of them are taken.
        LineEvidence::Jobs { .. } => line.marks.contains(&Mark::Declared),
        LineEvidence::Sum { .. } => false,
        LineEvidence::Estimate { .. } => true,
        LineEvidence::Counter { start, end, .. } => {
            let is_of_a_person = |point: &ReadingPoint| point.source.is_of_a_person();
            let is_declared = |point: &ReadingPoint| point.source == ReadingSource::Declared;
            [start, end].into_iter().flatten().any(|point| is_of_a_person(point) || is_declared(point))
                || decided.contains(&(source.printer.as_str(), &source.meter, source.media.as_deref()))
        }
    }
}
