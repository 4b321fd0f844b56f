//! Which billed periods are worth another look: those of which something became known after they were rated.
//!
//! A fact after a period's end arrives after it was rated, always; it makes the period worth a look only where the
//! contract's rules let later readings move its edge. To look in vain costs time and changes nothing.
//! Deliberately absent: what differs, which only rating tells.

use super::store::{Contract, Past};
use crate::db::{DbError, Tx, params};
use crate::readings::store::touched;
use crate::shell::{Error, ResellerScope};
use billing::clauses::replaced::Gap;
use billing::{Clause, Month, Period, PeriodError, Terms, month_of};
use report::{Duration, Instant};

/// What is entered or arrives is dated before it is committed, so that a draw may have been rated since without
/// it.
const SLACK: Duration = Duration::minutes(10);

const ZONE: &str = "select time_zone from customer where reseller_id = $1 and customer_id = $2";
/// From when on stays changed, and when that was said.
const STAYS: &str = "select from_at, max(at) from stay_change
    where reseller_id = $1 and contract_id = $2 group by from_at";

const ARRIVALS: &str = "select arrival.month, max(arrival.at) from arrival
    where arrival.reseller_id = $1 and arrival.month >= $3 and arrival.printer_id in
        (select stay.printer_id from contract_printer as stay
            where stay.reseller_id = $1 and stay.contract_id = $2)
    group by arrival.month";
/// When somebody last changed what the contract itself says or what is told it.
const CHANGES: &str = "select max(change.moment) from (
    select max(told.entered_at) as moment from billing_event as told
        where told.reseller_id = $1 and told.contract_id = $2
    union all select max(told.withdrawn_at) from billing_event as told
        where told.reseller_id = $1 and told.contract_id = $2
    union all select max(made.created_at) from contract_version as made
        where made.reseller_id = $1 and made.contract_id = $2 and made.state = 'standing'
    union all select max(agreed.at) from contract_approval as agreed
        where agreed.reseller_id = $1 and agreed.contract_id = $2
    union all select max(known.entered_at) from index_value as known where known.reseller_id = $1
    union all select max(moved.entered_at) from printer_site as moved
        where moved.reseller_id = $1 and exists (select 1 from contract_printer as stay
            where stay.reseller_id = moved.reseller_id and stay.contract_id = $2
            and stay.printer_id = moved.printer_id)
    union all select max(taxed.created_at) from party as taxed
        where taxed.reseller_id = $1 and (taxed.customer_id = $3 or taxed.customer_id = 0)
    union all select max(swap.entered_at) from printer_swap as swap
        where swap.reseller_id = $1 and exists (select 1 from contract_printer as stay
            where stay.reseller_id = swap.reseller_id and stay.contract_id = $2
            and stay.printer_id in (swap.old_printer_id, swap.new_printer_id))
    ) as change";

/// The part of `billed`, from the first period of which something became known since it was rated. A period
/// whose basis is not kept is looked at only where a person asks.
pub(super) fn changed<'a>(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract: &Contract,
    billed: &'a [Period],
    past: &[Past],
) -> Result<&'a [Period], Error> {
    let Some(first) = billed.first() else { return Ok(&[]) };
    let (reseller, contract_id) = (scope.reseller_id(), contract.contract_id);
    // The ledger counts months as the customer's site does.
    let zone = tx.query_opt(ZONE, params![reseller, contract.customer_id], |row| row.text(0))?;
    let zone = zone.as_deref().unwrap_or(contract.terms.time_zone.as_str());
    let (from, _) = months(*first, zone).map_err(|error| unfit(&error))?;
    let by_people = touched(tx, scope, contract_id)?;
    let parties = params![reseller, contract_id, contract.customer_id];
    let by_contract = tx.query_opt(CHANGES, parties, |row| row.opt_int(0))?.flatten();
    let stays =
        tx.query(STAYS, params![reseller, contract_id], |row| Ok((Instant(row.int(0)?), Instant(row.int(1)?))))?;
    let acts = by_people.max(by_contract.map(Instant));
    let arrivals =
        tx.query(ARRIVALS, params![reseller, contract_id, from], |row| Ok((row.int(0)?, Instant(row.int(1)?))))?;
    let moves = edges_move(&contract.terms);
    for (place, period) in billed.iter().enumerate() {
        let rated = past.iter().filter(|of| of.statement.period == *period).filter_map(|of| of.rated_at).max();
        let Some(rated) = rated else { continue };
        let since = Instant(rated.0.saturating_sub(SLACK.0));
        let (first, last) = months(*period, zone).map_err(|error| unfit(&error))?;
        let arrived = |(month, at): &(i64, Instant)| *at >= since && (moves || (first..=last).contains(month));
        let moved = |(from, at): &(Instant, Instant)| *at >= since && *from < period.end;
        if acts.is_some_and(|at| at >= since) || stays.iter().any(moved) || arrivals.iter().any(arrived) {
            return Ok(&billed[place..]);
        }
    }
    Ok(&[])
}

fn unfit(error: &PeriodError) -> DbError {
    DbError::Unfit(error.to_string())
}

/// Whether a reading after a period can move its edge.
fn edges_move(terms: &Terms) -> bool {
    let moves = |clause: &Clause| match clause {
        Clause::Window(_) | Clause::Estimates(_) => true,
        Clause::Replaced(replaced) => replaced.gap == Gap::Estimate,
        _ => false,
    };
    terms.clauses.iter().any(moves)
}

/// The first and the last month whose facts a period rests on, as `202610`: from the one before it, in which its
/// first readings lie, to its own last one.
fn months(period: Period, zone: &str) -> Result<(i64, i64), PeriodError> {
    let number = |month: Month| i64::from(month.year()) * 100 + i64::from(month.month());
    let before = |at: Instant| Instant(at.0.saturating_sub(1));
    let first = Period::of_month(month_of(period.start, zone)?, zone)?;
    Ok((number(month_of(before(first.start), zone)?), number(month_of(before(period.end), zone)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_rests_on_its_months_and_the_one_before_but_on_none_after_it() {
        let of = |year, month| Period::calendar_month(year, month, "Europe/Berlin").expect("a month");
        assert_eq!(months(of(2026, 10), "Europe/Berlin"), Ok((202_609, 202_610)));
        assert_eq!(months(of(2026, 1), "Europe/Berlin"), Ok((202_512, 202_601)));
        // The site's clock counts: the contract's October ends there on 1 November.
        assert_eq!(months(of(2026, 10), "Asia/Tokyo"), Ok((202_609, 202_611)));
        assert_eq!(months(of(2026, 10), "America/New_York"), Ok((202_608, 202_610)));
    }

    #[test]
    fn later_readings_matter_where_the_contract_lets_them_move_an_edge() {
        let mut terms = Terms::new(billing::Currency::parse("EUR").expect("a currency"), "UTC");
        assert!(!edges_move(&terms));
        let estimates = billing::clauses::estimates::Estimates { rows: Vec::new(), days: 0 };
        terms.clauses.push(Clause::Estimates(estimates));
        assert!(edges_move(&terms));
    }
}
