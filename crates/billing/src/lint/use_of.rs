//! What terms ask for, held against what was used and charged in the last periods.
//!
//! Deliberately absent: what will be used (see `forecast`).

use super::{Around, Lint, Rate};
use crate::clauses::Clause;
use crate::clauses::allowance::Allowance;
use crate::clauses::base_fee::Per;
use crate::clauses::minimum::MinimumOf;
use crate::contract::{Step, Terms};
use crate::meter::Pattern;
use crate::money::Money;
use crate::period::{Every, Reset};
use crate::statement::Statement;

/// So many statements are looked at.
const LAST: usize = 3;

/// A minimum so many times what was charged at most is not reached by usage.
const FAR: i64 = 2;

/// The newest statements, the last first.
fn last<'a>(around: &Around<'a>) -> Vec<&'a Statement> {
    let mut last: Vec<&Statement> = around.last.iter().collect();
    last.sort_by_key(|statement| std::cmp::Reverse(statement.period.start));
    last.truncate(LAST);
    last
}

/// What a statement counts of the usage that any pattern means, base units.
fn used(statement: &Statement, covers: &[Pattern]) -> i128 {
    let of_usage = |step: Option<Step>| matches!(step, None | Some(Step::Allowance | Step::Prices));
    let sources = statement.lines.iter().filter(|line| of_usage(line.step)).flat_map(|line| &line.sources);
    let meant =
        sources.filter(|source| covers.iter().any(|pattern| pattern.matches(&source.meter, source.media.as_deref())));
    meant.map(|source| i128::from(source.evidence.quantity())).sum()
}

/// Says which allowances are larger than what was used.
pub(super) fn allowances(terms: &Terms, around: &Around<'_>, found: &mut Vec<Lint>) {
    let last = last(around);
    if last.len() < LAST {
        return;
    }
    for (index, clause) in terms.clauses.iter().enumerate() {
        let Clause::Allowance(allowance) = clause else { continue };
        let Some(unit) = allowance.covers.first().map(Pattern::unit) else { continue };
        let places = if allowance.per == Per::Printer { around.printers.len().max(1) } else { 1 };
        let included = i128::from(allowance.included) * i128::try_from(places).unwrap_or(1);
        let used: Vec<i128> = last.iter().map(|statement| used(statement, &allowance.covers)).collect();
        let Some(spans) = spans(allowance, terms, &used) else { continue };
        let (all, most) = (used.iter().sum::<i128>(), spans.iter().copied().max().unwrap_or(0));
        let show = |quantity: i128| i64::try_from(quantity).map_or_else(|_| "more".to_owned(), |sum| unit.show(sum));
        let field = format!("clauses.{index}.included");
        if included > all {
            let text = format!("{} are included; the last {LAST} periods used {} together.", show(included), show(all));
            found.push(Lint::wrong(field, text));
        } else if included > most && allowance.rolls == 0 {
            let text = format!(
                "{} are included; the most that was used is {}: a part would have lapsed each time.",
                show(included),
                show(most)
            );
            found.push(Lint::look(field, text));
        }
    }
}

/// What was used in each span of the allowance that the last periods make; `None` where they make none.
fn spans(allowance: &Allowance, terms: &Terms, used: &[i128]) -> Option<Vec<i128>> {
    match (allowance.reset, terms.period.every) {
        (Reset::Period, _) | (Reset::Month, Every::Month) | (Reset::Quarter, Every::Quarter) => Some(used.to_vec()),
        (Reset::Year, Every::Year) => Some(used.to_vec()),
        (Reset::Quarter, Every::Month) => Some(vec![used.iter().sum()]),
        _ => None,
    }
}

/// Says which minimums no charge comes near.
pub(super) fn minimums(terms: &Terms, usage: &[&Rate<'_>], around: &Around<'_>, found: &mut Vec<Lint>) {
    let last = last(around);
    for (index, clause) in terms.clauses.iter().enumerate() {
        let Clause::Minimum(minimum) = clause else { continue };
        let field = format!("clauses.{index}.amount");
        let meets = |rate: &Rate<'_>, cover: &Pattern| rate.patterns.iter().any(|pattern| cover.covers(pattern));
        let counted =
            |rate: &&Rate<'_>| minimum.covers.is_empty() || minimum.covers.iter().any(|cover| meets(rate, cover));
        if !minimum.counts_base && !usage.iter().any(counted) {
            let text = "No price charges what counts towards this minimum: it is charged whole each time.";
            found.push(Lint::wrong(field, text));
            continue;
        }
        // A minimum over a longer span, or of each printer, is not one statement's.
        if last.len() < LAST || minimum.reset != Reset::Period || minimum.of != MinimumOf::Contract {
            continue;
        }
        let counts = |step: Option<Step>| match step {
            Some(Step::Prices | Step::Surcharges) => true,
            Some(Step::Fees) => minimum.counts_base,
            _ => false,
        };
        let charged = |statement: &&Statement| {
            let lines = statement.lines.iter().filter(|line| counts(line.step));
            Money::sum(lines.filter_map(|line| line.amount)).unwrap_or_default()
        };
        let most = last.iter().map(charged).max().unwrap_or_default();
        if most > Money::ZERO && minimum.amount.0 / most.0 >= FAR {
            let (amount, most) = (minimum.amount.show(terms.currency), most.show(terms.currency));
            let text = format!("The minimum is {amount}; the most that counted in the last {LAST} periods is {most}.");
            found.push(Lint::look(field, text));
        }
    }
}
