//! What stands for a period: its own statement, or statements over parts of it, which people draw up by their
//! days.
//!
//! Deliberately absent: drafts over a part where nothing is billed yet, since drawing up the whole period replaces
//! them.

use super::run::Due;
use super::store::{self, Made};
use crate::db::{DbError, Tx};
use crate::shell::ResellerScope;
use crate::shell::format::{self, Zone};
use crate::statements::store::State;
use billing::{Money, Period};
use report::Instant;
use std::collections::BTreeMap;

/// Statements by contract and the period's start.
pub(super) type ByStart = BTreeMap<(i64, Instant), Made>;

/// What stands for a period.
pub(super) enum Stands<'a> {
    /// Nothing that counts.
    Nothing,
    /// Its own statement, perhaps a draft.
    Whole(&'a Made),
    /// Statements over parts of it that are approved or issued.
    Parts(Parts<'a>),
}

/// Statements over parts of a period, approved or issued.
pub(super) struct Parts<'a> {
    /// The one that is least far.
    pub(super) next: &'a Made,
    /// The sum of all.
    pub(super) total: Money,
    /// Whether together they cover the period without a gap.
    pub(super) is_whole: bool,
    /// The days that none of them covers, the earliest first.
    pub(super) gaps: Vec<Period>,
    /// Drafts within the period, which are over such days.
    pub(super) drafts: Vec<&'a Made>,
    names: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    /// What people call them.
    pub(super) fn names(&self) -> String {
        self.names.join(" and ")
    }

    /// A draft over some of the days that are left, which drawing up all of these would take away. One that covers
    /// them from their first day on is drawn up again, and keeps what happened to it.
    pub(super) fn beside(&self) -> Option<&'a Made> {
        let fills = |draft: &Made, gap: &Period| gap.start == draft.period.start && gap.end <= draft.period.end;
        self.drafts.iter().copied().find(|&draft| !self.gaps.iter().any(|gap| fills(draft, gap)))
    }

    /// That such a draft stands, and what to do.
    pub(super) fn beside_words(&self, zone: &Zone) -> String {
        let Some(draft) = self.beside() else { return self.words() };
        let last = Instant(draft.period.end.0.saturating_sub(1));
        let (from, to) = (format::day(draft.period.start, zone), format::day(last, zone));
        format!("A draft over {from} to {to} stands beside days that are left. Issue it, or throw it away.")
    }

    /// What they mean for the period, in words.
    pub(super) fn words(&self) -> String {
        let cover = if self.names.len() == 1 { "covers" } else { "cover" };
        let names = self.names();
        if self.is_whole {
            return format!("{names} {cover} it already.");
        }
        format!("{names} {cover} a part of it; bill the rest by its days.")
    }
}

/// What stands for a period of a contract, which runs in the days `runs` of it.
pub(super) fn stands(made: &ByStart, contract_id: i64, (period, runs): (Period, Period)) -> Stands<'_> {
    if let Some(own) = made.get(&(contract_id, period.start)).filter(|own| own.period == period) {
        return Stands::Whole(own);
    }
    let within = made.range((contract_id, period.start)..(contract_id, period.end)).map(|(_, of)| of);
    let (drafts, parts): (Vec<&Made>, Vec<&Made>) = within.partition(|of| of.state == State::Draft);
    let Some(next) = parts.iter().copied().min_by_key(|of| of.state) else { return Stands::Nothing };
    let gaps = gaps(&parts, runs);
    let has_approved = parts.iter().any(|of| of.name.is_empty());
    let mut names: Vec<&str> = parts.iter().map(|of| of.name.as_str()).filter(|name| !name.is_empty()).collect();
    if has_approved {
        names.push("an approved statement");
    }
    let total = Money(parts.iter().fold(0, |sum: i64, of| sum.saturating_add(of.total.0)));
    Stands::Parts(Parts { next, total, is_whole: gaps.is_empty(), gaps, drafts, names })
}

/// The days of a time that no part covers; the parts come by their start.
fn gaps(parts: &[&Made], period: Period) -> Vec<Period> {
    let (mut gaps, mut reached) = (Vec::new(), period.start);
    for part in parts.iter().filter(|part| part.period.start < period.end) {
        if reached < part.period.start {
            gaps.push(Period { start: reached, end: part.period.start });
        }
        reached = reached.max(part.period.end);
    }
    if reached < period.end {
        gaps.push(Period { start: reached, end: period.end });
    }
    gaps
}

/// Whether a contract is to be seen in a period: it has not ended before, or something was made of the period.
pub(super) fn has_part(made: &ByStart, due: &Due) -> bool {
    let Ok(period) = &due.period else { return true };
    due.ended(*period).is_none()
        || made.range((due.contract_id, period.start)..(due.contract_id, period.end)).next().is_some()
}

/// The statements of the periods that are due: those that begin within `within`, and what follows a statement
/// over a part of a period that is longer than a month.
pub(super) fn made(tx: &mut Tx<'_>, scope: &ResellerScope, within: Period, due: &[Due]) -> Result<ByStart, DbError> {
    let mut made = store::statements(tx, scope, within)?;
    let begun = |due: &Due| {
        let period = *due.period.as_ref().ok()?;
        match stands(&made, due.contract_id, (period, due.runs(period))) {
            Stands::Parts(parts) if !parts.is_whole => Some(period.end),
            _ => None,
        }
    };
    let last = due.iter().filter_map(begun).max();
    if let Some(end) = last.filter(|end| *end > within.end) {
        made.extend(store::statements(tx, scope, Period { start: within.end, end })?);
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The period from 0 to 30, of a contract that runs from one day of it to another.
    fn days(from: i64, to: i64) -> (Period, Period) {
        let runs = Period { start: Instant(from), end: Instant(to) };
        (Period { start: Instant(0), end: Instant(30) }, runs)
    }

    fn made(from: i64, to: i64, state: State, name: &str) -> ((i64, Instant), Made) {
        let period = Period { start: Instant(from), end: Instant(to) };
        let made = Made {
            statement_id: from,
            state,
            name: name.to_owned(),
            total: Money(100),
            created_at: Instant(to),
            readiness: Vec::new(),
            period,
            payer: String::new(),
        };
        ((5, period.start), made)
    }

    /// What stands for the period from 0 to 30 of contract 5, in a word and in words.
    fn said(all: &[((i64, Instant), Made)]) -> (&'static str, String) {
        let all: ByStart = all.iter().cloned().collect();
        match stands(&all, 5, days(0, 30)) {
            Stands::Nothing => ("nothing", String::new()),
            Stands::Whole(made) => ("whole", made.name.clone()),
            Stands::Parts(parts) => (if parts.is_whole { "covered" } else { "part" }, parts.words()),
        }
    }

    #[test]
    fn a_statement_over_a_part_is_not_the_statement_of_the_period() {
        let (issued, approved, draft) = (State::Issued, State::Approved, State::Draft);
        let rest = "; bill the rest by its days.";
        assert_eq!(said(&[]), ("nothing", String::new()));
        assert_eq!(said(&[made(0, 30, issued, "S-1")]), ("whole", "S-1".to_owned()));
        assert_eq!(said(&[made(0, 30, draft, "")]), ("whole", String::new()));
        // The same start is not the same period.
        assert_eq!(said(&[made(0, 15, issued, "S-1")]), ("part", format!("S-1 covers a part of it{rest}")));
        assert_eq!(said(&[made(5, 15, issued, "S-1")]), ("part", format!("S-1 covers a part of it{rest}")));
        let gap = [made(0, 15, issued, "S-1"), made(16, 30, issued, "S-2")];
        assert_eq!(said(&gap), ("part", format!("S-1 and S-2 cover a part of it{rest}")));
        let both = [made(0, 15, issued, "S-1"), made(15, 30, approved, "")];
        assert_eq!(said(&both), ("covered", "S-1 and an approved statement cover it already.".to_owned()));
        // What is drawn up over a part is replaced by the whole.
        assert_eq!(said(&[made(0, 15, draft, "")]), ("nothing", String::new()));
        assert_eq!(said(&[made(30, 60, issued, "S-3")]), ("nothing", String::new()));
    }

    #[test]
    fn the_days_that_no_part_covers_are_named_with_the_drafts_over_them() {
        let within = |all: &[((i64, Instant), Made)], from: i64, to: i64| {
            let all: ByStart = all.iter().cloned().collect();
            let Stands::Parts(parts) = stands(&all, 5, days(from, to)) else { panic!("parts stand") };
            let gaps: Vec<(i64, i64)> = parts.gaps.iter().map(|gap| (gap.start.0, gap.end.0)).collect();
            (gaps, parts.drafts.iter().map(|of| of.statement_id).collect::<Vec<i64>>())
        };
        let rest = |all: &[((i64, Instant), Made)]| within(all, 0, 30);
        let (issued, draft) = (State::Issued, State::Draft);
        assert_eq!(rest(&[made(0, 10, issued, "S-1")]), (vec![(10, 30)], vec![]));
        assert_eq!(rest(&[made(0, 10, issued, "S-1"), made(10, 30, draft, "")]), (vec![(10, 30)], vec![10]));
        assert_eq!(rest(&[made(5, 15, issued, "S-1")]), (vec![(0, 5), (15, 30)], vec![]));
        assert_eq!(rest(&[made(0, 15, issued, "S-1"), made(15, 40, issued, "S-2")]), (vec![], vec![]));
        // Days in which the contract does not run are not left.
        assert_eq!(within(&[made(0, 15, issued, "S-1")], 0, 15), (vec![], vec![]));
        assert_eq!(within(&[made(0, 10, issued, "S-1")], 0, 15), (vec![(10, 15)], vec![]));
        assert_eq!(within(&[made(10, 20, issued, "S-1")], 10, 30), (vec![(20, 30)], vec![]));
        assert_eq!(within(&[made(20, 30, issued, "S-1")], 0, 15), (vec![(0, 15)], vec![]));
    }

    #[test]
    fn a_draft_over_some_of_the_days_that_are_left_is_beside_them() {
        let beside = |all: &[((i64, Instant), Made)]| {
            let all: ByStart = all.iter().cloned().collect();
            let Stands::Parts(parts) = stands(&all, 5, days(0, 30)) else { panic!("parts stand") };
            parts.beside().map(|of| of.statement_id)
        };
        let (issued, draft) = (made(0, 10, State::Issued, "S-1"), |from, to| made(from, to, State::Draft, ""));
        assert_eq!(beside(std::slice::from_ref(&issued)), None);
        assert_eq!(beside(&[issued.clone(), draft(10, 30)]), None);
        assert_eq!(beside(&[issued.clone(), draft(15, 25)]), Some(15));
        assert_eq!(beside(&[issued, draft(10, 20)]), Some(10));
    }

    #[test]
    fn of_several_parts_the_one_that_is_least_far_is_next() {
        let all: ByStart = [made(0, 15, State::Issued, "S-1"), made(15, 30, State::Approved, "")].into();
        let Stands::Parts(parts) = stands(&all, 5, days(0, 30)) else { panic!("parts stand") };
        assert_eq!((parts.next.statement_id, parts.total), (15, Money(200)));
    }
}
