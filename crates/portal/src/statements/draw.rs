//! Draws up statements: what is known of a period becomes a stored draft, with what it settles of periods
//! before.
//!
//! It reads and rates in one transaction, and writes in another one; what changed in between is a conflict.
//! Deliberately absent: all arithmetic, which is the billing crate's, and approving.

mod late;

pub(super) use late::SLACK;

use super::correct::{self, Again, as_standing, overtaken, rate_gathered, unrated};
use super::gather::{self, Gathered};
use super::issue::hold;
use super::periods;
use super::store::{self, Carries, Contract, Document, Laid, Left, Look, Made, Opening, Past, State, Stored};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::format::{self, Zone};
use crate::shell::{Error, ResellerScope};
use billing::carry::carries_on;
use billing::clauses::corrections::{Corrections, Late};
use billing::correction::{needs_note, other_terms};
use billing::{Adjustment, Billed, Currency, Money, Period, adjustment, outstanding};
use evidence::{AGAIN_MAX, Basis};
use late::News;
use report::{Instant, Surroundings};

/// Why a note stands beside a draft, where the terms are others now.
const TERMS_WORDS: &str = "Another version of the contract bills the period now.";
/// The same, where a person said since when details of a party had been wrong.
const PARTIES_WORDS: &str = "Details of who is charged were put right for the period after it was billed.";
/// The same, where nothing became known of the period itself.
const CARRY_WORDS: &str = "What the periods before it leave is another since the period was billed.";
/// Billed periods before those that are looked back at, of which it is told that something arrived.
const OLDER_MAX: i64 = 36;
/// Of these, how many are named.
const NAMED_MAX: usize = 3;

/// What came of drawing up a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DrawUp {
    /// The new draft; of several payers, the customer's.
    pub(crate) statement_id: i64,
    /// The sum of all payers, minor units.
    pub(crate) total: Money,
    /// The currency of it.
    pub(crate) currency: Currency,
}

/// What a statement is drawn up from.
struct Known {
    contract: Contract,
    own: Gathered,
    /// What the periods before leave.
    carries: Carries,
    /// Where `past` begins.
    from: Instant,
    past: Vec<Past>,
    /// The billed periods that are looked at again.
    late: Vec<Period>,
    /// Billed periods of which something arrived that nobody looks at again by itself.
    missed: Vec<Period>,
    news: News,
    /// How often stays of the contract had changed.
    stays: i64,
    now: Instant,
}

fn known(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
    now: Instant,
) -> Result<Known, Error> {
    let contract = store::contract(tx, scope, contract_id, period.end)?;
    refuse_outside(&contract, period, now)?;
    store::refuse_billed(tx, scope, contract_id, period)?;
    store::refuse_waiting(tx, scope, contract_id, period.start, false)?;
    let look_back = i64::from(Corrections::of(&contract.terms).look_back);
    let all = store::periods_before(tx, scope, contract_id, period.start, look_back.max(1) + OLDER_MAX)?;
    let back = usize::try_from(look_back.max(1)).unwrap_or(usize::MAX);
    let (older, billed) = all.split_at(all.len().saturating_sub(back));
    let from = billed.first().map_or(period.start, |first| first.start);
    let past = store::past(tx, scope, contract_id, from)?;
    // What is approved and has no number yet cannot be referred to: its period, and those before it, are looked
    // at when it is issued.
    let waits = |period: &Period| past.iter().any(|of| of.state == State::Approved && of.bills(*period));
    let open = billed.iter().rposition(waits).map_or(0, |place| place + 1);
    let looked_at = if look_back > 0 { billed.get(open..).unwrap_or_default() } else { &[] };
    let older = if look_back > 0 { older } else { all.as_slice() };
    let news = News::read(tx, scope, &contract, all.first().copied().unwrap_or(period))?;
    let late = news.changed(looked_at, &past)?;
    let (newest, rated) = (past.iter().filter_map(|of| of.rated_at).max(), store::rated(tx, scope, contract_id)?);
    let missed = news.missed(older, newest, &rated)?;
    let carries = store::carries(tx, scope, contract_id, from)?;
    // What was settled with another carry than the one that stands now is looked at as well.
    let moved = carries.moved(looked_at);
    let late = if moved.len() > late.len() { moved } else { late };
    Ok(Known {
        own: gather::gather(tx, scope, &contract, period, now)?,
        carries,
        from,
        past,
        late: late.to_vec(),
        missed,
        news,
        stays: store::stays_changed(tx, scope, contract_id)?,
        contract,
        now,
    })
}

/// Refuses a period that has not begun, and one that begins after the contract's last day.
fn refuse_outside(contract: &Contract, period: Period, now: Instant) -> Result<(), Error> {
    if now < period.start {
        let zone = Zone::new(&contract.terms.time_zone).unwrap_or_else(Zone::utc);
        return Err(Error::Invalid(periods::not_begun(period, &zone)));
    }
    refuse_ended(contract, period)
}

/// Refuses a period that begins after the contract's last day.
pub(super) fn refuse_ended(contract: &Contract, period: Period) -> Result<(), Error> {
    match contract.ends_at.filter(|ends| *ends <= period.start) {
        Some(ends) => {
            let zone = Zone::new(&contract.terms.time_zone).unwrap_or_else(Zone::utc);
            let day = format::day(Instant(ends.0.saturating_sub(1)), &zone);
            let words = format!("The last day of contract {} was {day}, before this period.", contract.number);
            Err(Error::Conflict(format!("{words} Withdraw that under Events if it is wrong.")))
        }
        None => Ok(()),
    }
}

/// What is settled of periods before.
#[derive(Default)]
struct Settled {
    adjustments: Vec<Adjustment>,
    notes: Vec<Made>,
    /// The periods that the adjustments settle.
    periods: Vec<Period>,
    /// What the periods that were looked at leave now.
    look: Look,
    /// What those periods were rated from, where they are to be kept and there is room for all of them.
    again: Vec<Basis>,
    /// The jobs and readings of all that was to be kept.
    facts: usize,
}

impl Settled {
    /// Keeps what a period was rated from. Once there is more than an evidence file has room for, nothing is: one
    /// period with all its facts is in memory beside what is kept, and no two.
    fn keep(&mut self, basis: Basis) {
        let facts = basis.facts.iter().map(|of| of.jobs.len() + of.readings.len());
        self.facts = facts.fold(self.facts, usize::saturating_add);
        self.again.push(basis);
        if self.facts > AGAIN_MAX {
            self.again.clear();
        }
    }
}

/// Rates late periods again and settles what differs as the contract says: by lines of this statement, or by
/// notes; always by a note where a line on this statement could not say it.
fn settle(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    surroundings: &Surroundings,
    known: &Known,
) -> Result<Settled, Error> {
    let rule = Corrections::of(&known.contract.terms);
    let opening = known.late.first().map(|first| known.carries.before(first.start)).unwrap_or_default();
    let mut settled = Settled { look: Look::begin(opening.carry.clone()), ..Settled::default() };
    let is_carried = carries_on(&known.contract.terms) || !known.carries.is_empty();
    let (wanted, carried_again) =
        ((known.contract.contract_id, known.late.as_slice(), known.past.as_slice()), opening.again);
    correct::rate_again(tx, scope, wanted, opening.carry, known.now, |again| {
        let noted = settle_one(surroundings, known, rule, &again, &mut settled)?;
        let Again { period, mut basis, rated, .. } = again;
        basis.carried_again = carried_again && settled.look.left.is_empty();
        settled.look.left.push(Left { period, carry: rated.carry, noted });
        if is_carried || settled.periods.contains(&period) {
            settled.keep(basis);
        }
        Ok(())
    })?;
    for note in &mut settled.notes {
        note.laid.looked = settled.look.kept(&known.carries);
    }
    Ok(settled)
}

/// Settles one period; gives whether a note is to.
fn settle_one(
    surroundings: &Surroundings,
    known: &Known,
    rule: Corrections,
    again: &Again,
    settled: &mut Settled,
) -> Result<bool, Error> {
    let (past, next) = (known.past.as_slice(), &known.own.basis.input);
    let billed = correct::billed(past, again.period)?;
    let Some(first) = billed.first() else { return Ok(false) };
    let statement = &again.rated.statement;
    if rule.late == Late::Note || needs_note(&billed, statement, next).map_err(|error| unrated(&error))? {
        let note = correct::note(surroundings, past, again, &why_noted(known, &billed, again)?)?;
        let noted = note.is_some();
        settled.notes.extend(note);
        return Ok(noted);
    }
    let changes = outstanding(&billed, statement).map_err(|error| unrated(&error))?;
    if !changes.is_empty() {
        settled.adjustments.push(adjustment(first, &changes));
        settled.periods.push(again.period);
    }
    Ok(false)
}

/// Why a note on a billed period is drawn up, in sentences: everything that became known since it was rated.
fn why_noted(known: &Known, billed: &[Billed<'_>], again: &Again) -> Result<String, DbError> {
    let mut why: Vec<&str> = Vec::new();
    why.extend(other_terms(billed, &again.rated.statement).then_some(TERMS_WORDS));
    why.extend(again.has_other_parties.then_some(PARTIES_WORDS));
    let of_period = known.past.iter().filter(|of| of.statement.period == again.period);
    let told = match of_period.filter_map(|of| of.rated_at).max() {
        Some(rated) => known.news.told(again.period, rated, !why.is_empty())?,
        None => Vec::new(),
    };
    why.extend(told);
    Ok(if why.is_empty() { CARRY_WORDS.to_owned() } else { why.join(" ") })
}

/// The statement of the period, to be kept as a draft, with one document for each payer.
fn statement(
    surroundings: &Surroundings,
    known: &mut Known,
    settled: &mut Settled,
    period: Period,
) -> Result<Made, Error> {
    let opening = match settled.look.left.last() {
        Some(last) => Opening { carry: last.carry.clone(), again: true },
        None => known.carries.before(period.start),
    };
    let laid = Laid {
        opening: opening.carry.clone(),
        looked: settled.look.kept(&known.carries),
        ..store::laid(&known.past, std::mem::take(&mut settled.periods))
    };
    known.own.finish(opening.carry, std::mem::take(&mut settled.adjustments));
    known.own.basis.carried_again = opening.again;
    let mut again = std::mem::take(&mut settled.again);
    if laid.looked.is_none() {
        // Nothing is carried: what is not settled here proves nothing.
        again.retain(|of| laid.periods.contains(&of.input.period));
    } else if again.len() != settled.look.left.len() {
        // What one of them leaves follows from all before it.
        again.clear();
    }
    known.own.basis.keep_again(again);
    known.own.basis.added = notes(&known.contract, period, known.now);
    let (rated, readiness) = rate_gathered(&known.own)?;
    let mut whole = rated.statement;
    whole.notes.extend(known.own.basis.added.iter().cloned());
    let documents = whole.split().map_err(|error| unrated(&error))?;
    let document = |statement| {
        let (statement_id, event_id) = (crate::new_id(surroundings), crate::new_id(surroundings));
        Document { statement_id, event_id, corrects: None, statement }
    };
    Ok(Made {
        period,
        revision: 0,
        documents: documents.into_iter().map(document).collect(),
        basis: store::pack(&known.own.basis)?,
        carry: rated.carry,
        laid,
        readiness,
        why: String::new(),
    })
}

/// Draws up the statement of a period, with drafts of notes on periods before where those are settled by notes.
/// Drafts of this period and of those notes are replaced.
///
/// # Errors
///
/// A statement that is approved or issued touches the period, an earlier draft leaves something to it, or it
/// cannot be rated; the words say what to do.
pub(crate) fn draw(
    portal: &Portal,
    scope: &ResellerScope,
    contract_id: i64,
    period: Period,
    by: Option<i64>,
) -> Result<DrawUp, Error> {
    let (surroundings, now) = (portal.surroundings(), portal.surroundings().now());
    let (mut known, mut settled) = portal.db().read_now(|tx| -> Result<(Known, Settled), Error> {
        let known = known(tx, scope, contract_id, period, now)?;
        let settled = settle(tx, scope, surroundings, &known)?;
        Ok((known, settled))
    })?;
    let own = statement(surroundings, &mut known, &mut settled, period)?;
    let totals = own.documents.iter().map(|document| document.statement.total);
    let total = Money::sum(totals).map_err(|error| Error::Internal(Box::new(error)))?;
    let first = own.documents.first().map(|document| document.statement_id);
    let statement_id = first.ok_or_else(|| Error::Conflict("There is nobody to charge.".to_owned()))?;
    let currency = known.contract.terms.currency;
    let mut made = settled.notes;
    let notes = made.len();
    made.push(own);
    let replaced = portal.db().write_now(|tx| -> Result<u64, Error> {
        hold(tx, scope)?;
        store::refuse_billed(tx, scope, contract_id, period)?;
        let is_same = store::standing(tx, scope, contract_id, known.from)? == as_standing(&known.past);
        if !is_same || store::stays_changed(tx, scope, contract_id)? != known.stays {
            return Err(overtaken());
        }
        store::hand_on(tx, scope, contract_id, &made)?;
        let dropped = match known.late.first() {
            Some(first) => store::drop_notes(tx, scope, contract_id, (first.start, period.start))?,
            None => 0,
        };
        if let Some(own) = made.last_mut() {
            own.why = format!("{} {}", beside(notes, dropped), not_looked_at(&known)).trim().to_owned();
        }
        let replaced = store::drop_drafts(tx, scope, contract_id, period)?;
        store::insert(tx, scope, &known.contract, &made, (now, by)).map_err(doubled)?;
        Ok(replaced)
    })?;
    tracing::debug!(statement.id = statement_id, contract.id = contract_id, notes, replaced, "kept a draft");
    Ok(DrawUp { statement_id, total, currency })
}

/// What was drawn up and taken away beside a statement, in words; empty where nothing was.
fn beside(notes: usize, dropped: u64) -> String {
    let drawn = match notes {
        0 => String::new(),
        1 => "A draft of a note on an earlier period was drawn up beside it.".to_owned(),
        many => format!("Drafts of notes on {many} earlier periods were drawn up beside it."),
    };
    let gone = match dropped {
        0 => String::new(),
        1 => "One draft of a note that waited was taken away.".to_owned(),
        many => format!("{many} drafts of notes that waited were taken away."),
    };
    format!("{drawn} {gone}").trim().to_owned()
}

/// That something arrived of periods that the contract does not look back at, in words; empty where nothing did.
fn not_looked_at(known: &Known) -> String {
    let zone = &known.contract.terms.time_zone;
    let label = |period: &Period| period.label(zone).unwrap_or_else(|_| format!("{} to {}", period.start, period.end));
    let named: Vec<String> = known.missed.iter().rev().take(NAMED_MAX).map(label).collect();
    if named.is_empty() {
        return String::new();
    }
    let words = "The contract does not look back so far. Open the statement of then and correct it, if that matters.";
    format!("Something of {} arrived since the last statement. {words}", named.join(" and "))
}

/// Whether something became known of the period of a draft since it was drawn up, which it does not hold.
pub(super) fn has_news(tx: &mut Tx<'_>, scope: &ResellerScope, draft: &Stored) -> Result<bool, Error> {
    let period = draft.statement.period;
    let contract = store::contract(tx, scope, draft.contract_id, period.end)?;
    let since = Instant(draft.created_at.0.saturating_add(1));
    Ok(News::read(tx, scope, &contract, period)?.concerns_draft(period, since)?)
}

fn doubled(error: DbError) -> Error {
    if error.is_conflict() {
        let words = "Somebody drew up this statement at the same moment. Look at the contract.";
        return Error::Conflict(words.to_owned());
    }
    Error::from(error)
}

/// What a reader must know that rating cannot.
fn notes(contract: &Contract, period: Period, now: Instant) -> Vec<String> {
    let mut notes = Vec::new();
    if now < period.end {
        notes.push(format!("This was drawn up at {now}, before the period's end: later usage is not in it."));
    }
    if contract.version > 1 && contract.valid_from > period.start {
        let since = contract.valid_from;
        notes.push(format!("Version {} starts at {since}; it bills the whole period.", contract.version));
    }
    notes
}
