//! Escalation of the slow recount: the terms with each price as it is in the period.
//!
//! Which prices a clause has, the clause says; what becomes of them is worked out here. Deliberately
//! absent: the words of a raise.

use super::{days, half_up};
use crate::clauses::escalation::{ByWhat, Escalation, Raises};
use crate::clauses::{Clause, PriceMut};
use crate::contract::Terms;
use crate::rating::Input;

/// A factor of one.
const ONE: i128 = 1_000_000_000;

/// The terms with every escalation applied, one after the other.
pub(super) fn raised(input: &Input) -> Terms {
    let mut terms = input.terms.clone();
    for clause in &input.terms.clauses {
        let Clause::Escalation(rule) = clause else { continue };
        let Some(factor) = factor(rule, input) else { continue };
        for index in 0..terms.clauses.len() {
            if rule.keys.is_empty() || rule.keys.contains(&input.terms.key_of(index)) {
                for price in terms.clauses[index].prices() {
                    raise(price, rule, factor);
                }
            }
        }
    }
    terms
}

/// The factor of all raises until the period's start, in billionths; `None` before the first.
fn factor(rule: &Escalation, input: &Input) -> Option<i128> {
    let start = days::of_instant(input.period.start, &input.terms.time_zone);
    let (first_month, day) = days::months(days::of_day(rule.first));
    let every = i64::from(rule.every_months);
    let at = |number: i64| days::in_month(first_month + number * every, day);
    let mut factor = None;
    let mut number = 0;
    while at(number) <= start {
        let one = match rule.by {
            ByWhat::Fixed => ONE + 1_000 * i128::from(rule.rate.0),
            ByWhat::Index => {
                let now = value(rule, input, at(number));
                let based = rule.base.filter(|_| number == 0).map(|base| i128::from(base.millionths));
                half_up(now * ONE, based.unwrap_or_else(|| value(rule, input, at(number - 1))))
            }
        };
        let floored = rule.floor.map_or(one, |floor| one.max(ONE + 1_000 * i128::from(floor.0)));
        let one = rule.cap.map_or(floored, |cap| floored.min(ONE + 1_000 * i128::from(cap.0)));
        let before = factor.unwrap_or(ONE);
        factor = Some(if rule.compound { half_up(before * one, ONE) } else { before + one - ONE });
        number += 1;
        if every == 0 {
            break;
        }
    }
    factor
}

/// The value of the index on a day: the last that was published by then.
fn value(rule: &Escalation, input: &Input, day: i64) -> i128 {
    let values = input.tables.indices.get(&rule.index).map(Vec::as_slice).unwrap_or_default();
    let known = values.iter().filter(|value| days::of_day(value.day) <= day);
    let last = known.max_by_key(|value| days::of_day(value.day));
    last.map_or(1, |last| i128::from(last.value.millionths))
}

fn raise(price: PriceMut<'_>, rule: &Escalation, factor: i128) {
    let wanted = rule.raises;
    let (number, step) = match price {
        PriceMut::Unit(price) if matches!(wanted, Raises::Prices | Raises::All) => {
            let mut step = 1;
            for _ in rule.places..6 {
                step *= 10;
            }
            (&mut price.millionths, step)
        }
        PriceMut::Fee(amount) if matches!(wanted, Raises::Fees | Raises::All) => (&mut amount.0, 1),
        PriceMut::Minimum(amount) if matches!(wanted, Raises::Minimums | Raises::All) => (&mut amount.0, 1),
        _ => return,
    };
    let raised = half_up(i128::from(*number) * factor, ONE * step) * step;
    *number = i64::try_from(raised).expect("an amount of a test fits");
}
