//! Drawing up the statements of a month: every contract with a period that begins in it, one after the other.
//!
//! A contract that fails does not stop the run, and a run may be repeated: drafts are drawn up anew, what is
//! approved or issued is passed over and said so. Deliberately absent: approving without a person.

use super::board::board;
use super::stands::{self, ByStart, Stands, stands};
use super::store;
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::format::{self, Zone};
use crate::shell::{Error, ResellerScope};
use crate::statements::store::State;
use crate::statements::{Act, approve, cut, draw, hold, issue, not_begun};
use billing::{Currency, Money, Month, Period, Terms};
use report::{Duration, Instant};

/// A run that was not heard of for this time was interrupted.
const RUN_TIME: Duration = Duration::hours(1);
/// No period is longer.
const LONGEST: Duration = Duration::hours(366 * 24);
/// Contracts that the words of a run name.
const NAMED_MAX: usize = 5;

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Contracts that it is through with.
    pub done: u64,
    /// Contracts in all, of this reseller.
    pub of: u64,
    /// The reseller's name; empty where the run is one reseller's own.
    pub reseller: String,
    /// The number of the contract.
    pub contract: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its statement was drawn up, or the rest of one whose period is billed in part.
    Drawn {
        /// The sum of all payers, minor units.
        total: Money,
        /// The currency of it.
        currency: Currency,
        /// Whether its period was over; else it is drawn up again afterwards, and cannot be approved before.
        is_over: bool,
    },
    /// There was nothing to do, in words.
    Skipped(String),
    /// Its statement could not be drawn up, in words.
    Failed(String),
}

/// What came of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Statements drawn up.
    pub drawn: u64,
    /// Contracts passed over.
    pub skipped: u64,
    /// Contracts that failed.
    pub failed: u64,
}

impl Summary {
    fn add(&mut self, outcome: &Outcome) {
        let sum = match outcome {
            Outcome::Drawn { .. } => &mut self.drawn,
            Outcome::Skipped(_) => &mut self.skipped,
            Outcome::Failed(_) => &mut self.failed,
        };
        *sum = sum.saturating_add(1);
    }

    fn words(self, early: u64, failures: &[String]) -> String {
        let Summary { drawn, skipped, failed } = self;
        let mut words = format!("{drawn} drawn up, {skipped} passed over, {failed} failed.");
        if early > 0 {
            words.push_str(&format!(" {early} before the period's end: draw up again afterwards."));
        }
        for failure in failures.iter().take(NAMED_MAX) {
            words.push(' ');
            words.push_str(failure);
        }
        words
    }
}

/// A run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No such reseller.
    #[error("there is no reseller called '{0}'; the name is taken exactly as it is written")]
    Reseller(String),
    /// The database.
    #[error("the database")]
    Db(#[from] DbError),
    /// It is refused, in words.
    #[error("{0}")]
    Refused(String),
}

impl From<Error> for RunError {
    fn from(error: Error) -> RunError {
        RunError::Refused(in_words(error))
    }
}

/// An error for people. What failed inside is logged.
fn in_words(error: Error) -> String {
    match error {
        Error::Internal(cause) => {
            tracing::error!(error = %cause, cause = ?cause.source(), "a billing run met an error");
            "The portal failed; its log says why.".to_owned()
        }
        other => other.to_string(),
    }
}

/// A contract with a period that begins in a month.
pub(super) struct Due {
    pub(super) contract_id: i64,
    pub(super) contract: String,
    pub(super) customer_id: i64,
    pub(super) customer: String,
    pub(super) terms: Terms,
    /// The period; else why it cannot be cut.
    pub(super) period: Result<Period, String>,
    /// Since when the first of its versions counts.
    pub(super) begins_at: Instant,
    /// The first instant after its last day, where that is known.
    pub(super) ends_at: Option<Instant>,
}

impl Due {
    /// The days of a period in which it runs; all of them where it ended before.
    pub(super) fn runs(&self, period: Period) -> Period {
        period.cut(self.begins_at, self.ends_at).unwrap_or(period)
    }

    /// When it ended, where that is before a period.
    pub(super) fn ended(&self, period: Period) -> Option<Instant> {
        self.ends_at.filter(|ends| *ends <= period.start)
    }

    /// Its zone.
    pub(super) fn zone(&self) -> Zone {
        Zone::new(&self.terms.time_zone).unwrap_or_else(Zone::utc)
    }
}

/// That a contract ended, in words.
pub(super) fn ended_words(ends: Instant, zone: &Zone) -> String {
    format!("The contract ended: its last day was {}.", format::day(Instant(ends.0.saturating_sub(1)), zone))
}

/// That no period of a month has begun anywhere, in words.
pub(super) fn not_begun_yet(month: Month, now: Instant) -> Result<Option<String>, Error> {
    let first = store::within(month)?.start;
    let words = || format!("{} is still to come. Nothing is drawn up before it has begun.", month.label());
    Ok((now < first).then(words))
}

/// The contracts with a period that begins in a month, by number: all of them, or one. Those that ended before are
/// among them: see [`stands::has_part`].
pub(super) fn due(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    month: Month,
    contract_id: Option<i64>,
) -> Result<Vec<Due>, Error> {
    let within = store::within(month)?;
    let mut all = Vec::new();
    for covered in store::contracts(tx, scope, within.end.plus(LONGEST), contract_id.unwrap_or(0))? {
        // The one that starts last is the first.
        let Some(begins_at) = covered.versions.last().map(|(since, _)| *since) else { continue };
        let versions = covered.versions.iter().map(|(valid_from, text)| -> Result<(Instant, Terms), Error> {
            let terms: Terms = serde_json::from_str(text).map_err(DbError::from)?;
            Ok((*valid_from, terms))
        });
        let Some((terms, period)) = cut(versions, month)? else { continue };
        let period = period.map_err(|error| format!("Its period cannot be cut: {error}."));
        let (contract_id, contract) = (covered.contract_id, covered.contract);
        let (customer_id, customer) = (covered.customer_id, covered.customer);
        let ends_at = covered.ends_at;
        all.push(Due { contract_id, contract, customer_id, customer, terms, period, begins_at, ends_at });
    }
    Ok(all)
}

/// Draws up the statements of a month, of every reseller or of the one that is named. `progress` hears of each
/// contract.
///
/// # Errors
///
/// No such reseller, a month that has not begun, or a database that fails. Where a run of a reseller is not over,
/// the others are billed first, and then it is an error that names that one. A contract that fails is no error: the
/// summary counts it.
pub fn run(
    portal: &Portal,
    month: Month,
    reseller: Option<&str>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Summary, RunError> {
    if let Some(words) = not_begun_yet(month, portal.surroundings().now())? {
        return Err(RunError::Refused(words));
    }
    let mut resellers = portal.db().read_now(store::resellers)?;
    if let Some(wanted) = reseller {
        resellers.retain(|(_, name)| name == wanted);
        if resellers.is_empty() {
            return Err(RunError::Reseller(wanted.to_owned()));
        }
    }
    let (mut sum, mut refused) = (Summary::default(), Vec::new());
    for (reseller_id, name) in resellers {
        let scope = ResellerScope::of_run(reseller_id);
        let (run_id, now) = (crate::new_id(portal.surroundings()), portal.surroundings().now());
        match portal.db().write_now(|tx| begin(tx, &scope, month, run_id, None, now)) {
            Ok(()) => {}
            Err(Error::Conflict(words)) => {
                refused.push(format!("{name}: {words}"));
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        let mut named = |of: &Progress| progress(&Progress { reseller: name.clone(), ..of.clone() });
        let part = draw_all(portal, &scope, month, run_id, None, &mut named)?;
        sum.drawn = sum.drawn.saturating_add(part.drawn);
        sum.skipped = sum.skipped.saturating_add(part.skipped);
        sum.failed = sum.failed.saturating_add(part.failed);
    }
    if refused.is_empty() { Ok(sum) } else { Err(RunError::Refused(refused.join(" "))) }
}

/// Keeps that a run of a month begins.
///
/// # Errors
///
/// A run of this reseller is not over; one that was not heard of for an hour counts as over.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    month: Month,
    run_id: i64,
    by: Option<i64>,
    now: Instant,
) -> Result<(), Error> {
    // Of two that begin at once the second waits, and finds the first.
    hold(tx, scope)?;
    let runs = store::runs(tx, scope, "", 1)?;
    if runs.iter().any(|run| run.state == "running" && now.since(run.last_at()) < RUN_TIME) {
        let words = "A billing run is under way. Wait until it is over, and start this one again.";
        return Err(Error::Conflict(words.to_owned()));
    }
    Ok(store::begin(tx, scope, (run_id, month), (now, by))?)
}

/// Draws up the statements of a reseller's month, after [`begin`].
pub(crate) fn draw_all(
    portal: &Portal,
    scope: &ResellerScope,
    month: Month,
    run_id: i64,
    by: Option<i64>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Summary, Error> {
    let done = draw_each(portal, scope, (month, run_id), by, progress);
    let now = portal.surroundings().now();
    let (state, words, result) = match done {
        Ok((summary, words)) => (if summary.failed > 0 { "failed" } else { "done" }, words, Ok(summary)),
        Err(error) => ("failed", "The run was interrupted.".to_owned(), Err(error)),
    };
    portal.db().write_now(|tx| store::end(tx, scope, run_id, (state, &words), now))?;
    result
}

fn draw_each(
    portal: &Portal,
    scope: &ResellerScope,
    (month, run_id): (Month, i64),
    by: Option<i64>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(Summary, String), Error> {
    let within = store::within(month)?;
    let (due, made) = portal.db().read_now(|tx| -> Result<_, Error> {
        let mut due = due(tx, scope, month, None)?;
        let made = stands::made(tx, scope, within, &due)?;
        due.retain(|due| stands::has_part(&made, due));
        Ok((due, made))
    })?;
    let of = count(due.len());
    let (mut summary, mut early, mut failures) = (Summary::default(), 0_u64, Vec::new());
    for (done, due) in (1..).zip(due) {
        let outcome = match &due.period {
            Err(words) => Outcome::Failed(words.clone()),
            Ok(period) => draw_one(portal, scope, &due, (*period, &made), by),
        };
        summary.add(&outcome);
        if matches!(outcome, Outcome::Drawn { is_over: false, .. }) {
            early = early.saturating_add(1);
        }
        if let Outcome::Failed(words) = &outcome {
            failures.push(format!("{}: {words}", due.contract));
        }
        let (numbers, now) = ((number(of), number(done), number(summary.failed)), portal.surroundings().now());
        portal.db().write_now(|tx| store::go_on(tx, scope, run_id, numbers, now))?;
        progress(&Progress { done, of, reseller: String::new(), contract: due.contract, outcome });
    }
    Ok((summary, summary.words(early, &failures)))
}

/// Draws up a contract's period, or what is left of it.
fn draw_one(
    portal: &Portal,
    scope: &ResellerScope,
    due: &Due,
    (period, made): (Period, &ByStart),
    by: Option<i64>,
) -> Outcome {
    let open = match stands(made, due.contract_id, (period, due.runs(period))) {
        // What stands is never replaced.
        Stands::Whole(made) if made.state != State::Draft => return Outcome::Skipped(standing_words(made)),
        Stands::Parts(parts) if parts.is_whole => return Outcome::Skipped(parts.words()),
        // Drawing up all that is left would take it away, with what was said of it.
        Stands::Parts(parts) if parts.beside().is_some() => return Outcome::Skipped(parts.beside_words(&due.zone())),
        // Else the rest of the period would be billed by nobody.
        Stands::Parts(parts) => parts.gaps,
        Stands::Whole(_) | Stands::Nothing => vec![period],
    };
    if let Some(ends) = due.ended(period) {
        return Outcome::Skipped(ended_words(ends, &due.zone()));
    }
    let now = portal.surroundings().now();
    let (mut sum, mut failed): (Option<(i64, Currency)>, Vec<String>) = (None, Vec::new());
    for open in open.iter().filter(|open| open.start <= now) {
        match draw(portal, scope, due.contract_id, *open, by) {
            Ok(drawn) => {
                let before = sum.map_or(0, |(total, _)| total);
                sum = Some((before.saturating_add(drawn.total.0), drawn.currency));
            }
            // The other days are drawn up all the same.
            Err(error) => failed.push(in_words(error)),
        }
    }
    if !failed.is_empty() {
        return Outcome::Failed(failed.join(" "));
    }
    match sum {
        Some((total, currency)) => Outcome::Drawn { total: Money(total), currency, is_over: period.end <= now },
        None => {
            let first = open.first().copied().unwrap_or(period);
            Outcome::Skipped(not_begun(first, &due.zone()))
        }
    }
}

fn standing_words(made: &store::Made) -> String {
    let name = if made.name.is_empty() { "It" } else { &made.name };
    format!("{name} is {} already.", made.state.word())
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What came of an act on all statements of a month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Statements that it was done to.
    pub(crate) done: u64,
    /// The others: the contract's number, and why not.
    pub(crate) left: Vec<(String, String)>,
}

/// Does `act` to every statement of the month that `wanted` picks, each in a transaction of its own.
fn for_each(
    portal: &Portal,
    scope: &ResellerScope,
    month: Month,
    wanted: impl Fn(&super::board::Row) -> Option<i64>,
    mut act: impl FnMut(&mut Tx<'_>, i64) -> Result<(), Error>,
) -> Result<Tally, Error> {
    let now = portal.surroundings().now();
    let mut rows = portal.db().read_now(|tx| board(tx, scope, month, now))?;
    rows.sort_by_key(|row| row.period);
    let mut tally = Tally::default();
    for row in rows {
        let Some(statement_id) = wanted(&row) else { continue };
        match portal.db().write_now(|tx| act(tx, statement_id)) {
            Ok(()) => tally.done = tally.done.saturating_add(1),
            Err(error) => tally.left.push((row.contract, in_words(error))),
        }
    }
    Ok(tally)
}

/// Approves every draft of the month that nothing holds up and that asks nothing.
pub(crate) fn approve_all(portal: &Portal, scope: &ResellerScope, month: Month, person: i64) -> Result<Tally, Error> {
    let wanted =
        |row: &super::board::Row| row.statement.as_ref().filter(|_| row.has_no_questions()).map(|of| of.statement_id);
    for_each(portal, scope, month, wanted, |tx, id| approve(tx, scope, id, Act::of(portal, Some(person))))
}

/// Issues every approved statement of the month, the earliest period first.
pub(crate) fn issue_all(portal: &Portal, scope: &ResellerScope, month: Month, person: i64) -> Result<Tally, Error> {
    let wanted = |row: &super::board::Row| {
        row.statement.as_ref().filter(|of| of.state == State::Approved).map(|of| of.statement_id)
    };
    for_each(portal, scope, month, wanted, |tx, id| issue(tx, scope, id, Act::of(portal, Some(person))).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_says_what_came_of_it_and_names_what_failed() {
        let mut summary = Summary::default();
        let currency = Currency::parse("EUR").expect("a currency");
        for outcome in [
            Outcome::Drawn { total: Money(1), currency, is_over: true },
            Outcome::Skipped("S-0001 is issued already.".to_owned()),
            Outcome::Failed("No.".to_owned()),
        ] {
            summary.add(&outcome);
        }
        assert_eq!(summary, Summary { drawn: 1, skipped: 1, failed: 1 });
        let failures: Vec<String> = (0..9).map(|number| format!("C-{number}: No.")).collect();
        let words = summary.words(0, &failures);
        assert!(words.starts_with("1 drawn up, 1 passed over, 1 failed. C-0: No."), "{words}");
        assert!(!words.contains("C-5") && !words.contains("period's end"), "{words}");
        let early = summary.words(1, &[]);
        assert!(early.ends_with(" 1 before the period's end: draw up again afterwards."), "{early}");
    }
}
