//! The life of a statement: approved, made a draft again, issued with its number.
//!
//! All payers' documents of one basis go together. A number is taken in the transaction that issues, so that
//! none is missing and none is there twice. Deliberately absent: drawing up, and any change to what was
//! issued but the word that a note refers to it.

use super::draw::refuse_ended;
use super::store::{self, Happened, Laid, Signed, State};
use crate::Portal;
use crate::db::{DbError, Tx, params};
use crate::shell::format::{self, Zone};
use crate::shell::{Error, ResellerScope};
use billing::{Day, DocumentKind, Money, Readiness, Statement};
use protocol::{Hex, sha256};
use report::{Instant, Surroundings};
use std::collections::BTreeSet;

/// Characters of a reason.
const REASON_MAX: usize = 1_000;
/// What stands before the number, where the reseller says nothing.
const PREFIX: &str = "S-";
/// Characters of what stands before a number.
const PREFIX_MAX: usize = 20;
/// Days in which a statement is to be paid, where the reseller says nothing.
const DUE_DAYS: i64 = 30;
/// Printers that a refusal names.
const NAMED_MAX: usize = 8;
/// The highest number that a person may let documents go on from.
const NUMBER_MAX: i64 = 1_000_000_000_000;

const FIRST_NUMBER: &str = "insert into numbering (reseller_id, next_number) values ($1, 1)
    on conflict (reseller_id) do nothing";
/// Changes nothing: it holds the reseller's row, so that of two acts at once the second waits.
const HOLD: &str = "update numbering set next_number = next_number where reseller_id = $1";
const TAKE: &str = "update numbering set next_number = next_number + $2 where reseller_id = $1";
const NEXT: &str = "select next_number from numbering where reseller_id = $1";
const LAST_NUMBER: &str = "select coalesce(max(number), 0) from statement where reseller_id = $1";
const FORWARD: &str = "update numbering set next_number = $2 where reseller_id = $1 and next_number < $2";
const PLACE: &str = "select contract_id, period_start, revision from statement
    where reseller_id = $1 and statement_id = $2";
const GROUP: &str = "select statement_id, payer, state, name, created_at, corrects, document from statement
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4";
const LAID: &str = "select billed, rated_at from statement_basis
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4";
const APPROVE: &str = "update statement set state = 'approved', approved_at = $5, approved_by = $6
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4 and state = 'draft'";
const REOPEN: &str = "update statement set state = 'draft', approved_at = null, approved_by = null
    where reseller_id = $1 and contract_id = $2 and period_start = $3 and revision = $4 and state = 'approved'";
const ISSUE: &str = "update statement set state = 'issued', number = $3, name = $4, document = $5, digest = $6,
    chain = $7, issued_at = $8, issued_by = $9, due_at = $10
    where reseller_id = $1 and statement_id = $2 and state = 'approved'";
const CORRECTED: &str = "update statement set state = 'corrected'
    where reseller_id = $1 and statement_id = $2 and state = 'issued'";
const LAST_CHAIN: &str = "select chain from statement
    where reseller_id = $1 and contract_id = $2 and chain is not null order by number desc limit 1";

/// Who acts, and when.
#[derive(Clone, Copy)]
pub(crate) struct Act<'a> {
    /// The person; nobody where it is the set-up.
    pub(crate) person: Option<i64>,
    pub(crate) now: Instant,
    surroundings: &'a Surroundings,
}

impl<'a> Act<'a> {
    /// An act of now.
    pub(crate) fn of(portal: &'a Portal, person: Option<i64>) -> Act<'a> {
        let surroundings = portal.surroundings();
        Act { person, now: surroundings.now(), surroundings }
    }

    /// An id for something that the act keeps.
    pub(super) fn new_id(&self) -> i64 {
        crate::new_id(self.surroundings)
    }
}

/// A reason as it is kept: trimmed, one that says something.
pub(super) fn reason_of(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > REASON_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::Invalid(format!("Reason: say why, in at most {REASON_MAX} characters.")));
    }
    Ok(text.to_owned())
}

/// Holds the reseller's numbering until the transaction ends: acts on its statements come one after the other.
pub(crate) fn hold(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<(), DbError> {
    let params = params![scope.reseller_id()];
    tx.execute(FIRST_NUMBER, params)?;
    tx.execute(HOLD, params)?;
    Ok(())
}

/// A document of a group.
struct Member {
    statement_id: i64,
    payer: String,
    state: State,
    name: String,
    created_at: Instant,
    corrects: Option<i64>,
    statement: Statement,
}

/// The documents of one basis, the customer's first, then by payer.
struct Group {
    contract_id: i64,
    period_start: Instant,
    revision: i64,
    members: Vec<Member>,
}

impl Group {
    /// The group of a document, as it stands; the caller holds the numbering.
    fn read(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64) -> Result<Group, Error> {
        let reseller = scope.reseller_id();
        let place = tx.query_opt(PLACE, params![reseller, statement_id], |row| {
            Ok((row.int(0)?, Instant(row.int(1)?), row.int(2)?))
        })?;
        let (contract_id, period_start, revision) = place.ok_or(Error::NotFound)?;
        let mut members = tx.query(GROUP, params![reseller, contract_id, period_start, revision], |row| {
            Ok(Member {
                statement_id: row.int(0)?,
                payer: row.text(1)?,
                state: State::read(row, 2)?,
                name: row.text(3)?,
                created_at: Instant(row.int(4)?),
                corrects: row.opt_int(5)?,
                statement: serde_json::from_str(&row.text(6)?)?,
            })
        })?;
        // Not by the database: each sorts texts in its own way.
        members.sort_by(|a, b| a.payer.cmp(&b.payer));
        Ok(Group { contract_id, period_start, revision, members })
    }

    fn first(&self) -> Result<&Member, Error> {
        self.members.first().ok_or(Error::NotFound)
    }

    /// Refuses another state, in words that say what it is.
    fn must_be(&self, wanted: State) -> Result<(), Error> {
        let Some(other) = self.members.iter().find(|member| member.state != wanted) else { return Ok(()) };
        let name = if other.name.is_empty() { "This statement" } else { &other.name };
        let word = other.state.word();
        let words = match (other.state, wanted) {
            (State::Draft, _) => format!("{name} is a draft. Approve it first."),
            (State::Approved, State::Draft) => format!("{name} is approved already."),
            _ => format!("{name} is {word} already."),
        };
        Err(Error::Conflict(words))
    }

    fn events(&self, kind: &'static str, detail: &str, act: Act<'_>) -> Vec<Happened> {
        let event = |member: &Member| Happened {
            event_id: crate::new_id(act.surroundings),
            statement_id: member.statement_id,
            kind,
            detail: detail.to_owned(),
        };
        self.members.iter().map(event).collect()
    }

    /// Refuses a document when another version of the contract bills its period since it was drawn up.
    fn must_be_by_its_terms(&self, tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<(), Error> {
        let drawn = &self.first()?.statement;
        let version = store::contract(tx, scope, self.contract_id, drawn.period.end)?.version;
        if version == i64::from(drawn.contract.version) {
            return Ok(());
        }
        let words = "of the contract bills this period since this was drawn up. Draw it up again.";
        Err(Error::Conflict(format!("Version {version} {words}")))
    }

    /// Refuses a statement of a period that begins after the contract's last day, which somebody entered since it was
    /// drawn up. A note settles such a period, and stays.
    fn must_run(&self, tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<(), Error> {
        let drawn = &self.first()?.statement;
        if drawn.kind != DocumentKind::Statement {
            return Ok(());
        }
        refuse_ended(&store::contract(tx, scope, self.contract_id, drawn.period.end)?, drawn.period)
    }

    /// Refuses a document when the periods that it settles were billed by others since it was drawn up, or when
    /// the period before its own leaves something else since.
    fn must_be_fresh(&self, tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<(), Error> {
        let params = params![scope.reseller_id(), self.contract_id, self.period_start, self.revision];
        let known: Option<(Laid, Instant)> =
            tx.query_opt(LAID, params, |row| Ok((serde_json::from_str(&row.text(0)?)?, Instant(row.int(1)?))))?;
        let Some((known, rated_at)) = known else { return Ok(()) };
        let looked = known.looked.iter().flat_map(|look| &look.left).map(|left| left.period.start);
        let first = looked.min().unwrap_or(self.period_start).min(self.period_start);
        let carries = store::carries(tx, scope, self.contract_id, first)?;
        if !carries.fits(self.period_start, &known, rated_at) {
            let words = "The period before this one leaves something else since this was drawn up. Draw it up again.";
            return Err(Error::Conflict(words.to_owned()));
        }
        let Some(from) = known.periods.iter().map(|period| period.start).min() else { return Ok(()) };
        let mut past = store::past(tx, scope, self.contract_id, from)?;
        past.retain(|of| self.members.iter().all(|member| member.statement_id != of.statement_id));
        // Payers' documents have no order before they have numbers.
        let sorted = |mut documents: Vec<i64>| {
            documents.sort_unstable();
            documents
        };
        if sorted(store::laid(&past, known.periods).documents) == sorted(known.documents) {
            return Ok(());
        }
        let words = "Another document that concerns what this one settles was approved or issued since it was drawn \
                     up. Draw it up again.";
        Err(Error::Conflict(words.to_owned()))
    }
}

/// The red printers that nobody signed a reason for as they are now.
pub(super) fn unsigned<'a>(readiness: &'a [Readiness], signs: &[Signed]) -> Vec<&'a Readiness> {
    let is_signed = |of: &Readiness| {
        let (printer_id, cause) = (of.printer.parse().unwrap_or(0), store::cause(of));
        signs.iter().any(|sign| sign.is_for(printer_id, cause))
    };
    readiness.iter().filter(|of| of.state.is_red() && !is_signed(of)).collect()
}

fn must_be_signed(tx: &mut Tx<'_>, scope: &ResellerScope, group: &Group) -> Result<(), Error> {
    let readiness = store::readiness(tx, scope, group.contract_id, group.period_start, group.revision)?;
    let signs = store::signs(tx, scope, group.contract_id, group.period_start, group.revision)?;
    let open = unsigned(&readiness, &signs);
    if open.is_empty() {
        return Ok(());
    }
    let drawn = &group.first()?.statement;
    let zone = Zone::new(&drawn.time_zone).unwrap_or_else(Zone::utc);
    let name = |of: &&Readiness| {
        let reason = of.reasons.first().map(|reason| reason.words(drawn.currency)).unwrap_or_default();
        let reason = format::moments(&reason, &zone);
        format!("{} is {}. {reason}", of.label, of.state.word())
    };
    let mut named: Vec<String> = open.iter().take(NAMED_MAX).map(name).collect();
    if open.len() > NAMED_MAX {
        named.push(format!("{} more wait.", open.len() - NAMED_MAX));
    }
    let what = "Settle this and draw it up again, or sign a reason on the billing run or on its own page.";
    Err(Error::Conflict(format!("{} {what}", named.join(" "))))
}

/// Approves a draft: all documents of its basis.
///
/// # Errors
///
/// It is no draft, was drawn up before its period ended, is of a period after the contract's last day, was drawn up
/// before another version of the contract counted for it,
/// before others billed what it settles or before printers came or went in its period, or a printer is red and
/// nobody signed why; the words say what to do.
pub(crate) fn approve(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64, act: Act<'_>) -> Result<(), Error> {
    hold(tx, scope)?;
    let group = Group::read(tx, scope, statement_id)?;
    group.must_be(State::Draft)?;
    let first = group.first()?;
    let period = first.statement.period;
    if first.statement.kind == DocumentKind::Statement {
        if group.members.iter().any(|member| member.created_at < period.end) {
            let words = "This draft was drawn up before its period ended. Draw it up again.";
            return Err(Error::Conflict(words.to_owned()));
        }
        store::refuse_billed(tx, scope, group.contract_id, period)?;
    }
    group.must_run(tx, scope)?;
    group.must_be_by_its_terms(tx, scope)?;
    group.must_be_fresh(tx, scope)?;
    let drawn = group.members.iter().map(|member| member.created_at).min();
    store::refuse_moved(tx, scope, group.contract_id, period, drawn.unwrap_or(act.now))?;
    must_be_signed(tx, scope, &group)?;
    let (reseller, start, revision) = (scope.reseller_id(), group.period_start, group.revision);
    tx.execute(APPROVE, params![reseller, group.contract_id, start, revision, act.now, act.person])?;
    store::note_events(tx, scope, &group.events("approved", "", act), (act.now, act.person))?;
    Ok(())
}

/// Makes an approved statement a draft again.
///
/// # Errors
///
/// It is not approved, or no reason is given.
pub(crate) fn reopen(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    statement_id: i64,
    reason: &str,
    act: Act<'_>,
) -> Result<(), Error> {
    let reason = reason_of(reason)?;
    hold(tx, scope)?;
    let group = Group::read(tx, scope, statement_id)?;
    if group.first()?.state == State::Draft {
        return Err(Error::Conflict("This statement is a draft already.".to_owned()));
    }
    group.must_be(State::Approved)?;
    let params = params![scope.reseller_id(), group.contract_id, group.period_start, group.revision];
    tx.execute(REOPEN, params)?;
    store::note_events(tx, scope, &group.events("reopened", &reason, act), (act.now, act.person))?;
    Ok(())
}

/// Issues an approved statement: all documents of its basis get their numbers and stand from now on. Gives the
/// number of this one.
///
/// # Errors
///
/// It is not approved, the contract ended before its period, others billed what it settles meanwhile, or an earlier
/// statement that leaves something to it waits or was never drawn up; the words say what to do.
pub(crate) fn issue(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64, act: Act<'_>) -> Result<String, Error> {
    hold(tx, scope)?;
    let mut group = Group::read(tx, scope, statement_id)?;
    group.must_be(State::Approved)?;
    group.must_run(tx, scope)?;
    group.must_be_fresh(tx, scope)?;
    if group.revision == 0 {
        store::refuse_waiting(tx, scope, group.contract_id, group.period_start, true)?;
        store::refuse_gap(tx, scope, group.contract_id, group.first()?.statement.period)?;
    }
    let prefix = prefix(tx, scope)?;
    let number = take_numbers(tx, scope, group.members.len())?;
    for (number, member) in (number..).zip(&mut group.members) {
        member.name = format!("{prefix}{number:04}");
    }
    keep_issued(tx, scope, &mut group, number, act)?;
    mark_corrected(tx, scope, &group, act)?;
    let own = group.members.iter().find(|member| member.statement_id == statement_id);
    own.map(|member| member.name.clone()).ok_or(Error::NotFound)
}

/// What stands before each number. A text that no number can follow is passed over.
fn prefix(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<String, DbError> {
    let fits = |prefix: &String| prefix.chars().count() <= PREFIX_MAX && !prefix.chars().any(char::is_control);
    Ok(store::setting(tx, scope, "number-prefix")?.filter(fits).unwrap_or_else(|| PREFIX.to_owned()))
}

/// Takes `count` numbers; gives the first.
fn take_numbers(tx: &mut Tx<'_>, scope: &ResellerScope, count: usize) -> Result<i64, DbError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    tx.execute(TAKE, params![scope.reseller_id(), count])?;
    Ok(tx.count(NEXT, params![scope.reseller_id()])? - count)
}

/// Lets the next document of a reseller have the number `next`. Gives what the next one was called before, and what
/// it is called now.
///
/// # Errors
///
/// It is not above every number that was given, or not where the numbers had come to.
pub(crate) fn number_from(tx: &mut Tx<'_>, scope: &ResellerScope, next: i64) -> Result<(String, String), Error> {
    hold(tx, scope)?;
    let params = params![scope.reseller_id()];
    let was = tx.count(NEXT, params)?;
    let least = was.max(tx.count(LAST_NUMBER, params)?.saturating_add(1));
    if !(least..=NUMBER_MAX).contains(&next) {
        let words = "Numbers go forward only, so that none is given twice";
        return Err(Error::Conflict(format!("{words}: say a number from {least} to {NUMBER_MAX}.")));
    }
    tx.execute(FORWARD, params![scope.reseller_id(), next])?;
    let prefix = prefix(tx, scope)?;
    Ok((format!("{prefix}{was:04}"), format!("{prefix}{next:04}")))
}

/// The day by which a document is to be paid; none where nothing is owed.
fn due(statement: &Statement, now: Instant, days: i64) -> Result<Option<Day>, Error> {
    if statement.total <= Money::ZERO {
        return Ok(None);
    }
    let days = i32::try_from(days.clamp(0, 3_650)).unwrap_or(0);
    let due = Day::of(now, &statement.time_zone).and_then(|today| today.plus_days(days));
    due.map(Some).map_err(|error| Error::Internal(Box::new(error)))
}

/// Writes the documents as they are issued, the first with `number`.
fn keep_issued(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    group: &mut Group,
    number: i64,
    act: Act<'_>,
) -> Result<(), Error> {
    let reseller = scope.reseller_id();
    let days = store::number_setting(tx, scope, "due-days", DUE_DAYS)?;
    let mut texts = Vec::with_capacity(group.members.len());
    for member in &mut group.members {
        let statement = &mut member.statement;
        statement.number = Some(member.name.clone());
        statement.issued_at = Some(act.now);
        statement.due = due(statement, act.now, days)?;
        texts.push(serde_json::to_string(statement).map_err(DbError::from)?);
    }
    let previous = tx.query_opt(LAST_CHAIN, params![reseller, group.contract_id], |row| Ok(Hex(row.array(0)?)))?;
    let documents: Vec<&str> = texts.iter().map(String::as_str).collect();
    let chain = evidence::statement_chain(&previous.unwrap_or(Hex([0; 32])), &documents);
    // As many as there are payers.
    for ((number, member), text) in (number..).zip(&group.members).zip(&texts) {
        let digest = sha256(&[text.as_bytes()]);
        let due = member.statement.due.map(|day| day.start(&member.statement.time_zone)).transpose();
        let due = due.map_err(|error| Error::Internal(Box::new(error)))?;
        let params = params![
            reseller,
            member.statement_id,
            number,
            &member.name,
            text,
            digest.as_slice(),
            chain.0.as_slice(),
            act.now,
            act.person,
            due
        ];
        if tx.execute(ISSUE, params)? != 1 {
            return Err(Error::Conflict("This statement changed at the same moment. Go back and look.".to_owned()));
        }
    }
    store::note_events(tx, scope, &group.events("issued", "", act), (act.now, act.person))?;
    Ok(())
}

/// Says of what issued notes refer to that it was corrected.
fn mark_corrected(tx: &mut Tx<'_>, scope: &ResellerScope, group: &Group, act: Act<'_>) -> Result<(), Error> {
    let mut events = Vec::new();
    // As many as there are payers.
    for member in &group.members {
        let Some(corrects) = member.corrects else { continue };
        tx.execute(CORRECTED, params![scope.reseller_id(), corrects])?;
        events.push(Happened {
            event_id: crate::new_id(act.surroundings),
            statement_id: corrects,
            kind: "corrected",
            detail: format!("by {}", member.name),
        });
    }
    store::note_events(tx, scope, &events, (act.now, act.person))?;
    Ok(())
}

/// A reason why a red printer is billed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sign<'a> {
    /// The draft that it holds up.
    pub(crate) statement_id: i64,
    pub(crate) printer_id: i64,
    /// What the person saw, see [`store::cause`]; `None`: whatever it is.
    pub(crate) cause: Option<Hex<32>>,
    pub(crate) reason: &'a str,
}

/// Keeps a person's reason for a printer that holds a draft up, as it stands now. The first one stays; another
/// state, another cause and another document need their own.
///
/// # Errors
///
/// No reason, no person, no draft, a printer that is not on it, one that is not red any more or is red for
/// something else than the person saw, or one that was signed for already.
pub(crate) fn sign(tx: &mut Tx<'_>, scope: &ResellerScope, sign: &Sign<'_>, act: Act<'_>) -> Result<(), Error> {
    let reason = reason_of(sign.reason)?;
    let person = act.person.ok_or_else(|| Error::Invalid("Reason: a person signs it.".to_owned()))?;
    // Nobody draws it up anew meanwhile, so that what is signed is what stands.
    hold(tx, scope)?;
    let group = Group::read(tx, scope, sign.statement_id)?;
    group.must_be(State::Draft)?;
    let place = (group.contract_id, group.period_start, group.revision);
    let mut readiness = store::readiness(tx, scope, place.0, place.1, place.2)?;
    let printer = sign.printer_id.to_string();
    readiness.retain(|of| of.printer == printer);
    if readiness.is_empty() {
        return Err(Error::NotFound);
    }
    let signs = store::signs(tx, scope, place.0, place.1, place.2)?;
    let open = unsigned(&readiness, &signs);
    if open.is_empty() {
        let words = "Nothing is to be signed for this printer: it is not red, or a reason was signed already.";
        return Err(Error::Conflict(words.to_owned()));
    }
    let causes: BTreeSet<Hex<32>> = open.into_iter().map(store::cause).collect();
    let seen = |cause: &Hex<32>| sign.cause.is_none_or(|seen| seen == *cause);
    let mut is_kept = false;
    // As many as the printer has stays in the period.
    for cause in causes.into_iter().filter(seen) {
        is_kept |= store::keep_sign(tx, scope, place, (sign.printer_id, cause), &reason, (act.now, person))?;
    }
    if is_kept {
        return Ok(());
    }
    let words = "This printer is held up by something else by now. Load the page again and look.";
    Err(Error::Conflict(words.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Ready, Reason};

    #[test]
    fn a_reason_says_something() {
        assert_eq!(reason_of("  It was off.\n").ok().as_deref(), Some("It was off."));
        for odd in ["", "  ", "a\u{7}b", &"x".repeat(REASON_MAX + 1)] {
            assert!(reason_of(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn only_red_printers_without_a_reason_hold_a_statement_up() {
        let of = |printer: &str, state| Readiness {
            printer: printer.to_owned(),
            label: printer.to_owned(),
            state,
            reasons: Vec::new(),
        };
        let all = [of("1", Ready::Late), of("2", Ready::Suspect), of("3", Ready::Estimated), of("4", Ready::Complete)];
        let signs = |of: &Readiness| {
            let cause = store::cause(of);
            [Signed { printer_id: 2, reason: "seen".to_owned(), at: Instant(0), by: String::new(), cause }]
        };
        let names =
            |signs: &[Signed]| -> Vec<String> { unsigned(&all, signs).iter().map(|of| of.label.clone()).collect() };
        assert_eq!(names(&signs(&all[1])), ["1"]);
        // What was signed for another state, or for another reason, is not signed for this one.
        let suspect = &all[1];
        let late = Readiness { state: Ready::Late, ..suspect.clone() };
        let other = Readiness { reasons: vec![Reason::Quarantine { packages: 3 }], ..suspect.clone() };
        for earlier in [late, other] {
            assert_eq!(names(&signs(&earlier)), ["1", "2"]);
        }
    }
}
