//! `POST /readings`: keeps what somebody decides about a break, or that it is taken back.
//!
//! Nothing of an earlier decision is changed: the last one counts. Deliberately absent: what the reasons count
//! (see `choice`), and which break waits, which the page's store says.

use super::super::page::SettlePage;
use super::super::page_store::{self, Broken, Inner};
use super::super::{at_once, follow, store};
use super::choice::{Choice, Typed, Wrong, read};
use super::{Asked, Key, one_break, page};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::Fields;
use crate::shell::part::Part;
use crate::shell::{Error, FormData, Posted, ResellerScope, ResellerUser, render, see_other};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use billing::{Decision, Meter, SegmentReason};
use report::Instant;

/// What came of a form.
enum Answer {
    Done,
    Again(Box<SettlePage>, StatusCode),
}

/// `POST /readings`: says why a counter did not go on, or takes that back.
pub(in crate::readings) async fn decide(
    State(portal): State<Portal>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let answer = portal.db().write(move |tx| settled(tx, &own, &user, form)).await?;
    match answer {
        Answer::Done => Ok(see_other("/readings?done=decided")),
        Answer::Again(page, status) => Ok((status, render(&*page)?).into_response()),
    }
}

fn settled(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, form: FormData) -> Result<Answer, Error> {
    const GONE: &str = "This counter does not wait any more. Go back, reload and look again.";
    let key = Key {
        printer: form.int("printer").ok_or(Error::NotFound)?,
        meter: form.text("meter").to_owned(),
        media: form.text("media").to_owned(),
        at: form.int("at"),
    };
    page_store::one_machine(tx, &user.scope, key.printer)?.ok_or(Error::NotFound)?;
    if form.text("act") == "follow" {
        follow::follow(tx, portal, user, key.printer, &form)?;
        return Ok(Answer::Done);
    }
    let gone = || Error::Conflict(GONE.to_owned());
    let at = Instant(key.at.ok_or_else(gone)?);
    if form.text("reason") == SegmentReason::Decrease.word() {
        return take_back(tx, portal, user, &key, at);
    }
    let now = portal.surroundings().now();
    let broken = one_break(tx, &user.scope, &key, (at, now))?.ok_or_else(gone)?;
    let broken = page_store::with_jump(tx, &user.scope, broken)?;
    let looks = form.text("act") == "look";
    let read = read(&form, &broken);
    let read = if looks { read } else { with_note(&form, read) };
    let (choice, typed) = match (looks, read) {
        (false, Ok(read)) => read,
        (_, read) => {
            let wrong = read.err().unwrap_or_default();
            let status = if looks { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            let asked = Asked { key, part: Part::asked(&Fields::new()), form: Some(form), wrong };
            return Ok(Answer::Again(Box::new(page(tx, portal, user, &asked, None)?), status));
        }
    };
    let said = template(portal, user, &key).ok_or_else(gone)?;
    let decision = Decision {
        reason: choice.reason(),
        counts_from: choice.counts_from(&broken, typed.counts_from),
        width: typed.width.filter(|_| choice == Choice::Rollover),
        ..said.clone()
    };
    let since = broken.jump.map(|jump| jump.since);
    let decisions = with_others(tx, &user.scope, &broken, decision, &said)?;
    keep(tx, portal, user, (key.printer, since), decisions, form.text("note"))
}

/// What a form decides, with how the person knows it: whoever looks at the decision later has nothing else.
fn with_note(form: &FormData, read: Result<(Choice, Typed), Wrong>) -> Result<(Choice, Typed), Wrong> {
    if !form.text("note").is_empty() {
        return read;
    }
    let mut wrong = read.err().unwrap_or_default();
    wrong.insert("note", "Say how you know it. It is kept with your name.".to_owned());
    Err(wrong)
}

/// A decision on a break by this person, now; without a reason of its own it takes earlier ones back.
fn template(portal: &Portal, user: &ResellerUser, key: &Key) -> Option<Decision> {
    Some(Decision {
        meter: Meter::parse(&key.meter).ok()?,
        media: (!key.media.is_empty()).then(|| key.media.clone()),
        at: Instant(key.at?),
        reason: SegmentReason::Decrease,
        counts_from: None,
        width: None,
        by: user.signed.name.clone(),
        decided_at: portal.surroundings().now(),
    })
}

/// A decision, and what it means for the breaks beside it.
fn with_others(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    broken: &Broken,
    decision: Decision,
    said: &Decision,
) -> Result<Vec<Decision>, DbError> {
    let inner = page_store::inside(tx, scope, broken)?;
    let inner = with_inner(&inner, (decision.reason, broken.decided), said);
    Ok(with_pair(broken, decision, said).into_iter().chain(inner).collect())
}

/// What a decision means for the breaks among readings that were too high before a fall: those that wait are settled
/// with them, and wait again when something else is said; `was` is what was said of the fall before.
fn with_inner(
    inner: &[Inner],
    (reason, was): (SegmentReason, Option<SegmentReason>),
    said: &Decision,
) -> Vec<Decision> {
    let spike = SegmentReason::Spike;
    let of = |inner: &Inner| match (reason == spike, was == Some(spike)) {
        (true, _) => inner.waits.then_some(spike),
        (false, true) => (inner.decided == Some(spike)).then_some(inner.reason),
        (false, false) => None,
    };
    let decided = inner.iter().filter_map(|inner| Some((inner.at, of(inner)?)));
    decided.map(|(at, reason)| Decision { at, reason, ..said.clone() }).collect()
}

/// A decision, and what it means for the way back of a fall, or the fall before a way back: as misread both are
/// settled, and neither is when that is taken back.
fn with_pair(broken: &Broken, decision: Decision, said: &Decision) -> Vec<Decision> {
    let of_pair = match broken.reason {
        SegmentReason::Rise => SegmentReason::Decrease,
        _ => SegmentReason::Rise,
    };
    let reason = match (decision.reason, broken.decided) {
        (SegmentReason::Misread, _) => Some(SegmentReason::Misread),
        (_, Some(SegmentReason::Misread)) => Some(of_pair),
        _ => None,
    };
    let pair = broken.pair.zip(reason).map(|(at, reason)| Decision { at, reason, ..said.clone() });
    std::iter::once(decision).chain(pair).collect()
}

fn keep(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    (printer, since): (i64, Option<Instant>),
    decisions: Vec<Decision>,
    note: &str,
) -> Result<Answer, Error> {
    let surroundings = portal.surroundings();
    let decisions: Vec<(i64, Decision, i64)> =
        decisions.into_iter().map(|decision| (printer, decision, crate::new_id(surroundings))).collect();
    let (by, now) = (Some(user.signed.person_id), surroundings.now());
    if !store::decide_all(tx, &user.scope, &decisions, since, note, by, now).map_err(at_once)? {
        return Err(Error::NotFound);
    }
    let reason = decisions.first().map_or("", |(_, decision, _)| decision.reason.word());
    tracing::info!(printer.id = printer, reason, "decided about a counter");
    Ok(Answer::Done)
}

/// A decision that takes the ones before back: the break waits again. A rise waits only where a decision says that
/// there is a break: a fall shows by itself.
fn take_back(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, key: &Key, at: Instant) -> Result<Answer, Error> {
    let gone = || Error::Conflict("Nothing was decided about this counter then.".to_owned());
    if !page_store::is_decided(tx, &user.scope, key.printer, (&key.meter, &key.media), at)? {
        return Err(gone());
    }
    let said = template(portal, user, key).ok_or_else(gone)?;
    let now = portal.surroundings().now();
    let decisions = match one_break(tx, &user.scope, key, (at, now))? {
        Some(broken) => {
            let broken = page_store::with_jump(tx, &user.scope, broken)?;
            let decision = Decision { reason: broken.reason, ..said.clone() };
            with_others(tx, &user.scope, &broken, decision, &said)?
        }
        // A swap, say, that no reading follows yet.
        None => vec![said],
    };
    keep(tx, portal, user, (key.printer, None), decisions, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Decision {
        Decision {
            meter: Meter::parse("pages").expect("a meter"),
            media: None,
            at: Instant(9_000),
            reason: SegmentReason::Decrease,
            counts_from: None,
            width: None,
            by: "Ada".to_owned(),
            decided_at: Instant(20_000),
        }
    }

    #[test]
    fn breaks_among_what_was_too_high_are_settled_with_it_and_wait_again_with_it() {
        let (spike, reset, rise) = (SegmentReason::Spike, SegmentReason::Reset, SegmentReason::Rise);
        let inner = |at: i64, decided: Option<SegmentReason>, waits: bool| Inner {
            at: Instant(at),
            reason: rise,
            decided,
            waits,
        };
        let inner = [inner(6_000, None, true), inner(7_000, Some(spike), false), inner(8_000, Some(reset), false)];
        let of = |reason: SegmentReason, was: Option<SegmentReason>| -> Vec<(i64, SegmentReason)> {
            let decisions = with_inner(&inner, (reason, was), &said());
            decisions.iter().map(|decision| (decision.at.0, decision.reason)).collect()
        };
        assert_eq!(of(spike, None), [(6_000, spike)]);
        assert_eq!(of(reset, Some(spike)), [(7_000, rise)]);
        assert!(of(reset, Some(reset)).is_empty());
    }

    #[test]
    fn what_is_said_of_a_fall_as_misread_is_said_of_its_way_back_too() {
        let fell = Broken { pair: Some(Instant(12_000)), ..Broken::sample(SegmentReason::Decrease, 18_531, 0) };
        let rose = Broken { pair: Some(Instant(9_000)), ..Broken::sample(SegmentReason::Rise, 0, 18_531) };
        let said = said();
        let pair = |broken: &Broken, reason: SegmentReason| {
            let decisions = with_pair(broken, Decision { reason, ..said.clone() }, &said);
            decisions.get(1).map(|decision| (decision.at.0, decision.reason))
        };
        assert_eq!(pair(&fell, SegmentReason::Misread), Some((12_000, SegmentReason::Misread)));
        assert_eq!(pair(&rose, SegmentReason::Misread), Some((9_000, SegmentReason::Misread)));
        assert_eq!(pair(&fell, SegmentReason::Reset), None);
        // Said otherwise since, both wait again.
        let again = |broken: Broken| Broken { decided: Some(SegmentReason::Misread), ..broken };
        assert_eq!(pair(&again(fell), SegmentReason::Decrease), Some((12_000, SegmentReason::Rise)));
        assert_eq!(pair(&again(rose), SegmentReason::Rise), Some((9_000, SegmentReason::Decrease)));
    }
}
