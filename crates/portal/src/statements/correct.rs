//! Corrections: periods that were billed are rated again with what is known now. What differs becomes a note,
//! or lines of the next statement.
//!
//! What was issued stays as it is. Deliberately absent: the comparison, which is the billing crate's, and
//! issuing what is drawn up here.

use super::gather::{self, EnteredParties, Gathered};
use super::issue::{hold, reason_of};
use super::store::{self, Carries, Document, Happened, Laid, Left, Look, Made, Past, State};
use crate::Portal;
use crate::db::Tx;
use crate::shell::{Error, ResellerScope};
use billing::clauses::coverage::drift;
use billing::correction::notes;
use billing::{Billed, Carry, Period, Rated, RatingError, Readiness, ask_for_prices, rate, readiness};
use evidence::Basis;
use report::{Instant, Surroundings};

/// Periods that one correction rates again at most: ten years of months.
const PERIODS_MAX: usize = 120;

/// A billed period, rated again.
pub(super) struct Again {
    pub(super) period: Period,
    pub(super) basis: Basis,
    pub(super) rated: Rated,
    /// Whether a person said since that the parties it was billed with were wrong.
    pub(super) has_other_parties: bool,
    readiness: Vec<Readiness>,
}

/// That a period cannot be rated, for people.
pub(super) fn unrated(error: &RatingError) -> Error {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        words = format!("{words}: {next}");
        cause = next.source();
    }
    Error::Conflict(format!("The statement cannot be drawn up: {words}."))
}

/// Rates what was gathered and finished, and judges each printer.
pub(super) fn rate_gathered(gathered: &Gathered) -> Result<(Rated, Vec<Readiness>), Error> {
    let input = gathered.basis.input();
    let rated = rate(&input).map_err(|error| unrated(&error))?;
    // What a printer's other limits cost is worth knowing where the contract takes the printer's categories.
    let drift = drift(&input).map_err(|error| unrated(&error))?.filter(|drift| drift.charged);
    let judge = |usage: &billing::PrinterUsage| {
        let mut extra = gathered.extra.get(&usage.id).cloned().unwrap_or_default();
        if let Some(drift) = drift.as_ref().filter(|drift| drift.printers.contains(&usage.id)) {
            extra.drift = Some(drift.cost);
            extra.drifting = u64::try_from(drift.printers.len()).unwrap_or(u64::MAX).saturating_sub(1);
        }
        readiness(usage, &input.terms, input.period, &extra)
    };
    let mut judged: Vec<Readiness> = input.printers.iter().map(judge).collect();
    ask_for_prices(&mut judged, &rated.statement);
    Ok((rated, judged))
}

/// Rates periods that follow each other again, each by the version of the contract that is in force for it now, and
/// gives each to `take`: it begins with what the one before leaves now, the first with `carry`. Its parties are those
/// that were billed, see [`gather::billed_parties`]; `past` is what bills the periods.
///
/// They are gathered one after the other, since one alone may have a million facts.
pub(super) fn rate_again(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (contract_id, periods, past): (i64, &[Period], &[Past]),
    mut carry: Carry,
    now: Instant,
    mut take: impl FnMut(Again) -> Result<(), Error>,
) -> Result<(), Error> {
    // Read once, of whichever period comes first.
    let mut entered: Option<EnteredParties> = None;
    for period in periods {
        let contract = store::contract(tx, scope, contract_id, period.end)?;
        let mut gathered = gather::gather(tx, scope, &contract, *period, now)?;
        let told = match entered.take() {
            Some(told) => told,
            None => gather::entered_parties(tx, scope, contract.customer_id)?,
        };
        let zone = &contract.terms.time_zone;
        let (parties, has_other_parties) = gather::billed_parties(&told, zone, (*period, past))?;
        entered = Some(told);
        gathered.basis.input.parties = parties;
        // What the statement of this period settled of others stands on that statement.
        gathered.finish(carry, Vec::new());
        let (rated, readiness) = rate_gathered(&gathered)?;
        carry = rated.carry.clone();
        take(Again { period: *period, basis: gathered.basis, rated, has_other_parties, readiness })?;
    }
    Ok(())
}

/// What billed a period, in the order in which it was issued. A conflict while one of them is approved and
/// has no number yet: nothing could refer to it.
pub(super) fn billed(past: &[Past], period: Period) -> Result<Vec<Billed<'_>>, Error> {
    let of_period: Vec<&Past> = past.iter().filter(|of| of.bills(period)).collect();
    if let Some(waiting) = of_period.iter().find(|of| of.state == State::Approved) {
        let (kind, label) = (waiting.statement.kind.label(), &waiting.statement.period_label);
        let words = "is approved and concerns a period that is worked out anew here. Issue it, or make it a draft";
        return Err(Error::Conflict(format!("The {} of {label} {words} again, first.", kind.to_lowercase())));
    }
    Ok(of_period.into_iter().map(|of| Billed { reference: of.reference(), statement: &of.statement }).collect())
}

/// The note that settles a period, to be kept as a draft, with one document for each payer. `None` where
/// nothing is to be settled.
pub(super) fn note(
    surroundings: &Surroundings,
    past: &[Past],
    again: &Again,
    why: &str,
) -> Result<Option<Made>, Error> {
    let Again { basis, rated, readiness, .. } = again;
    let period = again.period;
    let opening = basis.input.carry.clone();
    let billed = billed(past, period)?;
    let Some(first) = billed.first() else { return Ok(None) };
    let statements = notes(first, &billed, &rated.statement).map_err(|error| unrated(&error))?;
    if statements.is_empty() {
        return Ok(None);
    }
    let of_period = || past.iter().filter(move |of| of.statement.period == period);
    let revision = 1 + of_period().map(|of| of.revision).max().unwrap_or(0);
    let first_issued = of_period().find(|of| of.revision == 0).map(|of| of.statement_id);
    let document = |statement: billing::Statement| {
        let same_payer = |of: &&Past| of.revision == 0 && of.statement.payer == statement.payer;
        let corrects = of_period().find(same_payer).map(|of| of.statement_id).or(first_issued);
        let (statement_id, event_id) = (crate::new_id(surroundings), crate::new_id(surroundings));
        Document { statement_id, event_id, corrects, statement }
    };
    Ok(Some(Made {
        period,
        revision,
        documents: statements.into_iter().map(document).collect(),
        basis: store::pack(basis)?,
        carry: rated.carry.clone(),
        laid: Laid { opening, ..store::laid(past, vec![period]) },
        readiness: readiness.clone(),
        why: why.to_owned(),
    }))
}

/// What a correction starts from.
struct Known {
    contract: store::Contract,
    start: Instant,
    past: Vec<Past>,
    carries: Carries,
    /// The period of the document, and those that were billed after it.
    periods: Vec<Period>,
    /// How often stays of the contract had changed.
    stays: i64,
}

fn known(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64) -> Result<Known, Error> {
    let stored = store::statement(tx, scope, statement_id)?.ok_or(Error::NotFound)?;
    if !stored.is_issued() {
        let words = "Only what was issued is corrected. Draw this statement up again instead.";
        return Err(Error::Conflict(words.to_owned()));
    }
    let (contract_id, period) = (stored.contract_id, stored.statement.period);
    let contract = store::contract(tx, scope, contract_id, period.end)?;
    let most = i64::try_from(PERIODS_MAX).unwrap_or(i64::MAX).saturating_add(1);
    let periods = store::periods_from(tx, scope, contract_id, period.start, most)?;
    if periods.len() > PERIODS_MAX {
        let words = format!("More than {PERIODS_MAX} periods follow this one. Correct a later one.");
        return Err(Error::Conflict(words));
    }
    Ok(Known {
        contract,
        start: period.start,
        past: store::past(tx, scope, contract_id, period.start)?,
        carries: store::carries(tx, scope, contract_id, period.start)?,
        periods,
        stays: store::stays_changed(tx, scope, contract_id)?,
    })
}

/// The documents that were read, by id, as [`store::standing`] gives them.
pub(super) fn as_standing(past: &[Past]) -> Vec<(i64, State)> {
    let mut standing: Vec<(i64, State)> = past.iter().map(|of| (of.statement_id, of.state)).collect();
    standing.sort_by_key(|(id, _)| *id);
    standing
}

/// That another document of the contract was approved, issued or made a draft while this one was worked out.
pub(super) fn overtaken() -> Error {
    let words = "Another statement of this contract changed at the same moment. Go back and do this again.";
    Error::Conflict(words.to_owned())
}

/// The notes that settle these periods. Each keeps what all of them leave: the one that stands says what the periods
/// after it go on with.
fn made(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    surroundings: &Surroundings,
    known: &Known,
    (why, now): (&str, Instant),
) -> Result<Vec<Made>, Error> {
    let opening = known.carries.before(known.start).carry;
    let mut look = Look::begin(opening.clone());
    let mut made = Vec::new();
    let wanted = (known.contract.contract_id, known.periods.as_slice(), known.past.as_slice());
    rate_again(tx, scope, wanted, opening, now, |again| {
        let note = note(surroundings, &known.past, &again, why)?;
        look.left.push(Left { period: again.period, carry: again.rated.carry, noted: note.is_some() });
        made.extend(note);
        Ok(())
    })?;
    for made in &mut made {
        made.laid.looked = look.kept(&known.carries);
    }
    Ok(made)
}

/// Rates the period of an issued statement and those after it again with what is known now, and keeps a draft
/// of a note for each that differs, in place of drafts of notes that were there. Gives their ids: none where
/// nothing differs.
///
/// # Errors
///
/// It was not issued, a document that concerns these periods is approved and not issued, or they cannot be
/// rated; the words say what to do.
pub(crate) fn correct(
    portal: &Portal,
    scope: &ResellerScope,
    statement_id: i64,
    by: Option<i64>,
    reason: &str,
) -> Result<Vec<i64>, Error> {
    let reason = reason_of(reason)?;
    let (surroundings, now) = (portal.surroundings(), portal.surroundings().now());
    let (known, made) = portal.db().read_now(|tx| -> Result<(Known, Vec<Made>), Error> {
        let known = known(tx, scope, statement_id)?;
        let made = made(tx, scope, surroundings, &known, (reason.as_str(), now))?;
        Ok((known, made))
    })?;
    let Known { contract, start, past, stays, .. } = known;
    let ids: Vec<i64> = made.iter().flat_map(|made| &made.documents).map(|document| document.statement_id).collect();
    // That it was corrected is told of it when a note on it is issued.
    let found = match made.len() {
        0 => "nothing differs",
        1 => "a note was drawn up",
        _ => "notes were drawn up",
    };
    let detail = format!("{reason} ({found})");
    let asked = Happened { event_id: crate::new_id(surroundings), statement_id, kind: "looked-again", detail };
    portal.db().write_now(|tx| -> Result<(), Error> {
        hold(tx, scope)?;
        let is_same = store::standing(tx, scope, contract.contract_id, start)? == as_standing(&past);
        if !is_same || store::stays_changed(tx, scope, contract.contract_id)? != stays {
            return Err(overtaken());
        }
        store::hand_on(tx, scope, contract.contract_id, &made)?;
        store::drop_notes(tx, scope, contract.contract_id, (start, Instant(i64::MAX)))?;
        store::insert(tx, scope, &contract, &made, (now, by))?;
        store::note_events(tx, scope, &[asked], (now, by))?;
        Ok(())
    })?;
    Ok(ids)
}
