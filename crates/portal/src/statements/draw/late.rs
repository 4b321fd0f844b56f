//! What became known of periods since they were rated: which of those that were billed are worth another look, and
//! which drafts are older than what they are of.
//!
//! A fact after a period's end arrives after it was rated, always; it makes the period worth a look only where the
//! contract's rules let later readings move its edge. To look in vain costs time and changes nothing.
//! Deliberately absent: what differs, which only rating tells.

use super::store::{Contract, Past};
use crate::db::{DbError, Tx, params};
use crate::readings::store::touched;
use crate::shell::ResellerScope;
use billing::clauses::replaced::Gap;
use billing::{Clause, Month, Period, PeriodError, Terms, month_of};
use report::{Duration, Instant};
use std::collections::BTreeMap;

/// What is entered or arrives is dated before it is committed, so that a draw may have been rated since without
/// it.
pub(in crate::statements) const SLACK: Duration = Duration::minutes(10);

const FACTS_WORDS: &str = "Facts arrived after the period was billed.";
const STAYS_WORDS: &str = "After the period was billed, somebody said that printers came or left in it.";
/// Said where nothing else is: what people do for a contract may be of any of its periods.
const ACTS_WORDS: &str = "After the period was billed, somebody entered or changed what may count for it.";

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
    union all select max(swap.entered_at) from printer_swap as swap
        where swap.reseller_id = $1 and exists (select 1 from contract_printer as stay
            where stay.reseller_id = swap.reseller_id and stay.contract_id = $2
            and stay.printer_id in (swap.old_printer_id, swap.new_printer_id))
    ) as change";

/// When details of its parties were entered last, which count from the next statement on, and of these those that
/// count from an earlier day on.
const PARTIES: &str = "select max(party.created_at),
        max(case when party.since_day is not null then party.created_at end) from party
    where party.reseller_id = $1 and (party.customer_id = $2 or party.customer_id = 0)";

/// What became known of a contract's periods, and when.
pub(super) struct News {
    /// The zone of the customer's site, by which the ledger counts months.
    zone: String,
    /// Whether a reading after a period can move its edge.
    moves: bool,
    /// When people last changed what they say of the contract or of its printers.
    acts: Option<Instant>,
    /// When details of parties were entered last.
    parties: Option<Instant>,
    /// The same of details that count from an earlier day on.
    put_right: Option<Instant>,
    /// From when on stays changed, and when that was said.
    stays: Vec<(Instant, Instant)>,
    /// When something of a month, as `202610`, arrived last.
    arrivals: Vec<(i64, Instant)>,
}

impl News {
    /// Reads it for periods from `first` on.
    pub(super) fn read(
        tx: &mut Tx<'_>,
        scope: &ResellerScope,
        contract: &Contract,
        first: Period,
    ) -> Result<News, DbError> {
        let (reseller, contract_id) = (scope.reseller_id(), contract.contract_id);
        let zone = tx.query_opt(ZONE, params![reseller, contract.customer_id], |row| row.text(0))?;
        let zone = zone.unwrap_or_else(|| contract.terms.time_zone.clone());
        let from = Months::of(first, &zone)?.before;
        let by_people = touched(tx, scope, contract_id)?;
        let by_contract = tx.query_opt(CHANGES, params![reseller, contract_id], |row| row.opt_int(0))?.flatten();
        let of_customer = params![reseller, contract.customer_id];
        let parties = tx.query_opt(PARTIES, of_customer, |row| Ok((row.opt_int(0)?, row.opt_int(1)?)))?;
        let (parties, put_right) = parties.unwrap_or_default();
        let stays =
            tx.query(STAYS, params![reseller, contract_id], |row| Ok((Instant(row.int(0)?), Instant(row.int(1)?))))?;
        let arrivals =
            tx.query(ARRIVALS, params![reseller, contract_id, from], |row| Ok((row.int(0)?, Instant(row.int(1)?))))?;
        let acts = by_people.max(by_contract.map(Instant));
        let (parties, put_right) = (parties.map(Instant), put_right.map(Instant));
        Ok(News { zone, moves: edges_move(&contract.terms), acts, parties, put_right, stays, arrivals })
    }

    /// Whether a printer's stay in the period changed at `since` or later.
    fn has_stays(&self, period: Period, since: Instant) -> bool {
        self.stays.iter().any(|(from, at)| *at >= since && *from < period.end)
    }

    /// Whether something of these months arrived at `since` or later.
    fn has_facts(&self, (first, last): (i64, i64), since: Instant) -> bool {
        self.arrivals.iter().any(|(month, at)| *at >= since && (first..=last).contains(month))
    }

    /// Whether anything that may change what the period comes to became known at `since` or later.
    pub(super) fn concerns(&self, period: Period, since: Instant) -> Result<bool, DbError> {
        let months = Months::of(period, &self.zone)?;
        let acts = self.acts.max(self.put_right).is_some_and(|at| at >= since);
        let last = if self.moves { i64::MAX } else { months.last };
        Ok(acts || self.has_stays(period, since) || self.has_facts((months.before, last), since))
    }

    /// The same of the draft of a period, which details of parties concern too: what was billed keeps those that it
    /// was billed with.
    pub(super) fn concerns_draft(&self, period: Period, since: Instant) -> Result<bool, DbError> {
        Ok(self.parties.is_some_and(|at| at >= since) || self.concerns(period, since)?)
    }

    /// What became known of a period that was rated at `rated`, a sentence each; nothing where nothing did. Where a
    /// reason is named already, only what is certain: what was dated later.
    pub(super) fn told(&self, period: Period, rated: Instant, is_named: bool) -> Result<Vec<&'static str>, DbError> {
        let months = Months::of(period, &self.zone)?;
        let last = if self.moves { i64::MAX } else { months.last };
        // What was dated before and became known after it counts where nothing was dated later.
        let rounds = [rated.0.saturating_add(1), rated.0.saturating_sub(SLACK.0)].map(Instant);
        for since in rounds.into_iter().take(if is_named { 1 } else { 2 }) {
            let told = [
                (self.has_facts((months.before, last), since), FACTS_WORDS),
                (self.has_stays(period, since), STAYS_WORDS),
            ];
            let mut told: Vec<&str> = told.into_iter().filter_map(|(is_so, words)| is_so.then_some(words)).collect();
            if told.is_empty() && !is_named && self.acts.is_some_and(|at| at >= since) {
                told.push(ACTS_WORDS);
            }
            if !told.is_empty() {
                return Ok(told);
            }
        }
        Ok(Vec::new())
    }

    /// The part of `billed`, from the first period on of which something became known since it was rated. A period
    /// whose basis is not kept is looked at only where a person asks.
    pub(super) fn changed<'a>(&self, billed: &'a [Period], past: &[Past]) -> Result<&'a [Period], DbError> {
        for (place, period) in billed.iter().enumerate() {
            let rated = past.iter().filter(|of| of.statement.period == *period).filter_map(|of| of.rated_at).max();
            let Some(rated) = rated else { continue };
            if self.concerns(*period, Instant(rated.0.saturating_sub(SLACK.0)))? {
                return Ok(billed.get(place..).unwrap_or_default());
            }
        }
        Ok(&[])
    }

    /// Those of `older`, which nobody looks at again, of which facts arrived or whose printers changed after the
    /// contract was rated last, at `newest`, and after they were themselves: `rated`, by their start. What people say
    /// of the contract as a whole is not told by period.
    pub(super) fn missed(
        &self,
        older: &[Period],
        newest: Option<Instant>,
        rated: &BTreeMap<Instant, Instant>,
    ) -> Result<Vec<Period>, DbError> {
        let Some(newest) = newest else { return Ok(Vec::new()) };
        let mut missed = Vec::new();
        for period in older {
            let last = rated.get(&period.start).map_or(newest, |own| newest.max(*own));
            let (since, months) = (Instant(last.0.saturating_add(1)), Months::of(*period, &self.zone)?);
            if self.has_stays(*period, since) || self.has_facts((months.first, months.last), since) {
                missed.push(*period);
            }
        }
        Ok(missed)
    }
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

/// The months whose facts a period rests on, as `202610`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Months {
    /// The one before its first, in which its first readings lie.
    before: i64,
    first: i64,
    last: i64,
}

impl Months {
    fn of(period: Period, zone: &str) -> Result<Months, DbError> {
        Months::cut(period, zone).map_err(|error| DbError::Unfit(error.to_string()))
    }

    fn cut(period: Period, zone: &str) -> Result<Months, PeriodError> {
        let number = |month: Month| i64::from(month.year()) * 100 + i64::from(month.month());
        let just_before = |at: Instant| Instant(at.0.saturating_sub(1));
        let first = month_of(period.start, zone)?;
        let start = Period::of_month(first, zone)?.start;
        let (before, last) = (month_of(just_before(start), zone)?, month_of(just_before(period.end), zone)?);
        Ok(Months { before: number(before), first: number(first), last: number(last) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: &str = "Europe/Berlin";

    fn month(year: i16, month: i8) -> Period {
        Period::calendar_month(year, month, BERLIN).expect("a month")
    }

    #[test]
    fn a_period_rests_on_its_months_and_the_one_before_but_on_none_after_it() {
        let of = |period: Period, zone: &str| {
            Months::cut(period, zone).map(|months| (months.before, months.first, months.last))
        };
        assert_eq!(of(month(2026, 10), BERLIN), Ok((202_609, 202_610, 202_610)));
        assert_eq!(of(month(2026, 1), BERLIN), Ok((202_512, 202_601, 202_601)));
        // The site's clock counts: the contract's October ends there on 1 November.
        assert_eq!(of(month(2026, 10), "Asia/Tokyo"), Ok((202_609, 202_610, 202_611)));
        assert_eq!(of(month(2026, 10), "America/New_York"), Ok((202_608, 202_609, 202_610)));
    }

    #[test]
    fn later_readings_matter_where_the_contract_lets_them_move_an_edge() {
        let mut terms = Terms::new(billing::Currency::parse("EUR").expect("a currency"), "UTC");
        assert!(!edges_move(&terms));
        let estimates = billing::clauses::estimates::Estimates { rows: Vec::new(), days: 0 };
        terms.clauses.push(Clause::Estimates(estimates));
        assert!(edges_move(&terms));
    }

    #[test]
    fn news_concern_the_periods_that_they_are_of() {
        let mut news = News {
            zone: BERLIN.to_owned(),
            moves: false,
            acts: None,
            parties: None,
            put_right: None,
            stays: Vec::new(),
            arrivals: vec![(202_609, Instant(100)), (202_611, Instant(300))],
        };
        let concerns = |news: &News, number: i8, since: i64| {
            news.concerns(month(2026, number), Instant(since)).expect("months of the calendar")
        };
        // October's first readings lie in September; what comes after it does not change it.
        assert!(concerns(&news, 10, 100) && !concerns(&news, 10, 101) && !concerns(&news, 8, 0));
        let older = [month(2026, 8), month(2026, 9), month(2026, 10)];
        let missed = |news: &News, newest: Option<i64>, rated: &[(Period, i64)]| {
            let rated = rated.iter().map(|(period, at)| (period.start, Instant(*at))).collect();
            news.missed(&older, newest.map(Instant), &rated).expect("months of the calendar")
        };
        assert_eq!(missed(&news, Some(99), &[]), [month(2026, 9)]);
        assert!(missed(&news, Some(100), &[]).is_empty() && missed(&news, None, &[]).is_empty());
        // A note on it was drawn up since.
        assert!(missed(&news, Some(99), &[(month(2026, 9), 100)]).is_empty());
        news.moves = true;
        assert!(concerns(&news, 10, 300));
        news.stays.push((month(2026, 9).start, Instant(400)));
        assert_eq!(missed(&news, Some(399), &[]), older[1..]);
        (news.moves, news.acts) = (false, Some(Instant(500)));
        assert!(concerns(&news, 8, 500) && !concerns(&news, 8, 501));
        // Details of parties concern a draft, and not what was billed.
        news.parties = Some(Instant(600));
        let of_draft = news.concerns_draft(month(2026, 8), Instant(600)).expect("months of the calendar");
        assert!(of_draft && !concerns(&news, 8, 600));
        news.put_right = Some(Instant(700));
        assert!(concerns(&news, 8, 700) && !concerns(&news, 8, 701));
    }

    #[test]
    fn what_became_known_is_told_by_what_it_is() {
        let hour = 3_600_000;
        let mut news = News {
            zone: BERLIN.to_owned(),
            moves: false,
            acts: Some(Instant(5 * hour)),
            parties: Some(Instant(9 * hour)),
            put_right: Some(Instant(9 * hour)),
            stays: vec![(month(2026, 9).start, Instant(2 * hour))],
            arrivals: vec![(202_609, Instant(4 * hour))],
        };
        let told = |news: &News, number: i8, rated: i64| {
            news.told(month(2026, number), Instant(rated), false).expect("months of the calendar")
        };
        assert_eq!(told(&news, 10, hour), [FACTS_WORDS, STAYS_WORDS]);
        // Beside a reason that is named stands only what was dated later.
        let beside = |rated: i64| news.told(month(2026, 10), Instant(rated), true).expect("months of the calendar");
        assert_eq!(beside(3 * hour), [FACTS_WORDS]);
        assert!(beside(4 * hour).is_empty());
        // What people said meanwhile may be of another period.
        assert_eq!(told(&news, 10, 3 * hour), [FACTS_WORDS]);
        assert_eq!(told(&news, 8, 3 * hour), [ACTS_WORDS]);
        // The same moment counts where nothing came later.
        assert_eq!(told(&news, 10, 5 * hour), [ACTS_WORDS]);
        // Parties are told by what they change, which only rating says.
        assert!(told(&news, 10, 6 * hour).is_empty());
        news.acts = None;
        assert_eq!(told(&news, 10, 4 * hour), [FACTS_WORDS]);
    }
}
