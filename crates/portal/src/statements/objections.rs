//! Objections: within the days of its contract a customer says what is wrong with an issued document or one of its
//! lines, and the reseller answers.
//!
//! Nothing of a document changes by it: what the reseller agrees to is put right by a reading, an event or a version,
//! and a correction. Deliberately absent: withdrawing, editing or deleting what either side said.

mod kept;
pub(crate) mod page;

use super::issue::reason_of;
use super::store::{self, Happened, Stored};
use super::view::{Reader, Said};
use super::{issued, own_page, reseller_page};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::{Fields, id};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Field, Link, Status, Tone};
use crate::shell::part::{Part, ROWS};
use crate::shell::{CustomerUser, Error, FormData, Posted, ResellerScope, ResellerUser, chrome, render, see_other};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use billing::{Clause, Day, Line, Terms};
use kept::{Kept, Listed, Verdict};
use page::{AnswerForm, ListedRow, ObjectForm, ObjectionRow, Objections, ObjectionsPage};
use report::Instant;

/// Objections to one document, at most.
const OBJECTIONS_MAX: usize = 50;
/// Days to object that are told apart; more than a person waits for.
const DAYS_MAX: u32 = 36_500;
/// Characters of an objection that the list of all shows.
const SHOWN_MAX: usize = 160;

/// Where objections are made, listed and answered.
pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/objections", get(list))
        .route("/statements/{id}/objections/{objection}", post(answer))
        .route("/my/statements/{id}/object", post(object))
}

/// What somebody typed who objects or answers, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    /// The objection that is answered; 0 where one is made.
    objection_id: i64,
    /// The id of a line; empty for the whole document.
    line: String,
    words: String,
    wrong: String,
}

/// The days in which the customer may object.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// Their last day, its first instant.
    last: Instant,
    /// The first instant after it.
    ends: Instant,
}

impl Window {
    fn is_open(self, now: Instant) -> bool {
        now < self.ends
    }

    /// Of so many days after the day of issue.
    fn of(issued_at: Instant, days: u32, zone: &str) -> Result<Window, Error> {
        let days = i32::try_from(days.min(DAYS_MAX)).unwrap_or(0);
        let day_after = |days: i32| {
            let day = Day::of(issued_at, zone).and_then(|day| day.plus_days(days)).and_then(|day| day.start(zone));
            day.map_err(|error| Error::Internal(Box::new(error)))
        };
        Ok(Window { last: day_after(days)?, ends: day_after(days.saturating_add(1))? })
    }
}

/// For how many days after it was issued these terms let the customer object; 0 where nothing is agreed.
fn days_of(terms: &Terms) -> u32 {
    let agreed = terms.clauses.iter().filter_map(|clause| match clause {
        Clause::Proof(proof) => Some(proof.objection_days),
        _ => None,
    });
    agreed.max().unwrap_or(0)
}

/// When the customer may object, by the version that billed it; `None` where nothing is agreed.
fn window(tx: &mut Tx<'_>, scope: &ResellerScope, stored: &Stored) -> Result<Option<Window>, Error> {
    let Some(issued_at) = stored.issued_at else { return Ok(None) };
    let version = i64::from(stored.statement.contract.version);
    let terms = kept::terms(tx, scope, (stored.contract_id, version))?;
    match terms.as_ref().map_or(0, days_of) {
        0 => Ok(None),
        days => Window::of(issued_at, days, &stored.statement.time_zone).map(Some),
    }
}

/// The objections to a document as its page shows them to a reader; `said` is what was just tried.
pub(super) fn shown(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    stored: &Stored,
    (reader, said): (Reader, &Said),
    now: Instant,
) -> Result<Objections, Error> {
    if !stored.is_issued() {
        return Ok(Objections::default());
    }
    let window = window(tx, scope, stored)?;
    let kept = kept::of(tx, scope, stored.statement_id)?;
    let zone = Zone::new(&stored.statement.time_zone).unwrap_or_else(Zone::utc);
    let may = reader == Reader::Customer && window.is_some_and(|window| window.is_open(now));
    let form = (may && kept.len() < OBJECTIONS_MAX).then(|| object_form(stored, &said.objecting));
    Ok(Objections {
        until: window.map(|window| until(window, reader, now, &zone)),
        rows: kept.iter().map(|of| row(of, stored, (reader, &said.objecting), &zone)).collect(),
        form,
    })
}

fn until(window: Window, reader: Reader, now: Instant, zone: &Zone) -> String {
    let (who, day) = (if reader == Reader::Customer { "You" } else { "The customer" }, format::day(window.last, zone));
    if window.is_open(now) {
        format!("{who} may object to this, or to a line of it, until {day}.")
    } else {
        format!("{who} could object to this until {day}.")
    }
}

fn row(of: &Kept, stored: &Stored, (reader, typed): (Reader, &Typed), zone: &Zone) -> ObjectionRow {
    let is_reseller = reader == Reader::Reseller;
    let line = stored.statement.lines.iter().find(|line| line.id == of.line);
    let answer = of.answer.as_ref().map(|answer| {
        // Who of the reseller's people answered is the reseller's own.
        let by = if is_reseller { answer.by.as_str() } else { "" };
        format!("{}: {}", format::by(by, answer.at, zone), answer.words)
    });
    let is_typed = typed.objection_id == of.objection_id;
    let form = (is_reseller && of.answer.is_none()).then(|| AnswerForm {
        action: format!("/statements/{}/objections/{}", stored.statement_id, of.objection_id),
        element: format!("answer-{}", of.objection_id),
        typed: if is_typed { typed.words.clone() } else { String::new() },
        wrong: if is_typed { typed.wrong.clone() } else { String::new() },
    });
    ObjectionRow {
        what: line.map_or_else(|| "The whole statement".to_owned(), name),
        status: status(of.answer.as_ref().map(|answer| answer.verdict)),
        words: of.words.clone(),
        by: format::by(&of.by, of.at, zone),
        answer,
        form,
    }
}

/// A line as people tell it apart.
fn name(line: &Line) -> String {
    if line.detail.is_empty() { line.title.clone() } else { format!("{}, {}", line.title, line.detail) }
}

fn status(verdict: Option<Verdict>) -> Status {
    match verdict {
        None => Status::new(Tone::Warn, "waits for an answer"),
        Some(Verdict::Agreed) => Status::new(Tone::Good, Verdict::Agreed.word()),
        Some(Verdict::Declined) => Status::new(Tone::Info, Verdict::Declined.word()),
    }
}

/// Where the customer objects, with what was typed.
fn object_form(stored: &Stored, typed: &Typed) -> ObjectForm {
    let whole = (String::new(), "The whole statement".to_owned());
    let lines = stored.statement.lines.iter().map(|line| (line.id.clone(), name(line)));
    let is_typed = typed.objection_id == 0;
    let words = if is_typed { typed.words.as_str() } else { "" };
    let wrong = Some(typed.wrong.clone()).filter(|wrong| is_typed && !wrong.is_empty());
    ObjectForm {
        action: format!("/my/statements/{}/object", stored.statement_id),
        fields: vec![
            Field::select("line", "What you object to", std::iter::once(whole).chain(lines), &typed.line),
            Field::lines("words", "What is wrong")
                .value(words)
                .required()
                .hint("Your reseller reads it and answers here. It is kept with your name.")
                .wrong(wrong),
        ],
    }
}

async fn object(
    State(portal): State<Portal>,
    Path(statement): Path<String>,
    Posted(user, form): Posted<CustomerUser>,
) -> Result<Response, Error> {
    let statement_id = id(&statement)?;
    let typed = Typed { line: form.text("line").to_owned(), words: form.text("words").to_owned(), ..Typed::default() };
    let (within, by, asked) = (portal.clone(), user.clone(), typed.clone());
    let write = move |tx: &mut Tx<'_>| keep(tx, &within, &by, statement_id, &asked);
    match portal.db().write(write).await? {
        None => {
            tracing::info!(statement.id = statement_id, "a customer objected");
            Ok(see_other(&format!("/my/statements/{statement_id}?done=objected")))
        }
        Some(wrong) => {
            let said = Said { objecting: Typed { wrong, ..typed }, ..Said::default() };
            let page = own_page(&portal, &user, statement_id, said).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
        }
    }
}

/// Keeps an objection; gives what is wrong with the form instead.
fn keep(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &CustomerUser,
    statement_id: i64,
    typed: &Typed,
) -> Result<Option<String>, Error> {
    let (scope, now, person_id) = (&user.scope, portal.surroundings().now(), user.signed.person_id);
    let stored = issued(tx, scope, statement_id)?.ok_or(Error::NotFound)?;
    let Some(window) = window(tx, scope, &stored)? else {
        let words = "The contract agrees no days in which to object. Speak with your reseller.";
        return Err(Error::Conflict(words.to_owned()));
    };
    if !window.is_open(now) {
        return Err(Error::Conflict("The days in which you could object are over.".to_owned()));
    }
    if kept::of(tx, scope, statement_id)?.len() >= OBJECTIONS_MAX {
        let words = format!("There are {OBJECTIONS_MAX} objections to this already. Speak with your reseller.");
        return Err(Error::Conflict(words));
    }
    if !typed.line.is_empty() && !stored.statement.lines.iter().any(|line| line.id == typed.line) {
        return Ok(Some("Choose a line of this statement, or the whole.".to_owned()));
    }
    let Ok(words) = reason_of(&typed.words) else {
        return Ok(Some("Say what is wrong, in at most 1000 characters.".to_owned()));
    };
    let objection_id = crate::new_id(portal.surroundings());
    let new = kept::New { objection_id, statement_id, line: &typed.line, words: &words, at: now, person_id };
    kept::insert(tx, scope, &new)?;
    happened(tx, portal, scope, (statement_id, "objected", ""), (now, person_id))?;
    Ok(None)
}

/// Notes it in the document's history.
fn happened(
    tx: &mut Tx<'_>,
    portal: &Portal,
    scope: &ResellerScope,
    (statement_id, kind, detail): (i64, &'static str, &str),
    (now, person_id): (Instant, i64),
) -> Result<(), DbError> {
    let event_id = crate::new_id(portal.surroundings());
    let event = Happened { event_id, statement_id, kind, detail: detail.to_owned() };
    store::note_events(tx, scope, &[event], (now, Some(person_id)))
}

async fn answer(
    State(portal): State<Portal>,
    Path((statement, objection)): Path<(String, String)>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (statement_id, objection_id) = (id(&statement)?, id(&objection)?);
    let (within, by, asked) = (portal.clone(), user.clone(), form.clone());
    let write = move |tx: &mut Tx<'_>| decide(tx, &within, &by, (statement_id, objection_id), &asked);
    match portal.db().write(write).await? {
        Ok(verdict) => {
            tracing::info!(statement.id = statement_id, verdict = verdict.word(), "answered an objection");
            Ok(see_other(&format!("/statements/{statement_id}?done=objection-{}", verdict.word())))
        }
        Err(wrong) => {
            let objecting = Typed { objection_id, words: form.text("answer").to_owned(), wrong, ..Typed::default() };
            let said = Said { objecting, ..Said::default() };
            let page = reseller_page(&portal, user, statement_id, said).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
        }
    }
}

/// Keeps an answer; gives what is wrong with the form instead.
fn decide(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    (statement_id, objection_id): (i64, i64),
    form: &FormData,
) -> Result<Result<Verdict, String>, Error> {
    let (scope, now, person_id) = (&user.scope, portal.surroundings().now(), user.signed.person_id);
    store::statement(tx, scope, statement_id)?.ok_or(Error::NotFound)?;
    let kept = kept::of(tx, scope, statement_id)?;
    let of = kept.iter().find(|kept| kept.objection_id == objection_id).ok_or(Error::NotFound)?;
    let again = || Error::Conflict("Somebody answered this objection already.".to_owned());
    if of.answer.is_some() {
        return Err(again());
    }
    let Some(verdict) = Verdict::parse(form.text("verdict")) else {
        return Ok(Err("Say whether you agree or decline.".to_owned()));
    };
    let Ok(words) = reason_of(form.text("answer")) else {
        return Ok(Err("Say what you will do, or why you decline, in at most 1000 characters.".to_owned()));
    };
    if !kept::answer(tx, scope, (statement_id, objection_id), (verdict, &words), (now, person_id))? {
        return Err(again());
    }
    happened(tx, portal, scope, (statement_id, "answered", verdict.word()), (now, person_id))?;
    Ok(Ok(verdict))
}

async fn list(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<ObjectionsPage, DbError> {
        let part = Part::asked(&query);
        let (all, open) = kept::counts(tx, &user.scope)?;
        let listed = kept::list(tx, &user.scope, (ROWS, part.skipped()))?;
        let waits = if open == 1 { "waits" } else { "wait" };
        Ok(ObjectionsPage {
            chrome: chrome(tx, &within, &user.signed, Some(&user.scope), ("/statements", "Objections"), None)?,
            sub: format!("{open} {waits} for an answer · days in UTC"),
            rows: listed.iter().map(listed_row).collect(),
            pager: part.pager("/objections", listed.len(), all),
        })
    };
    render(&portal.db().read(read).await?)
}

fn listed_row(of: &Listed) -> ListedRow {
    ListedRow {
        statement: Link::new(of.name.as_str(), format!("/statements/{}#objections", of.statement_id)),
        customer: of.customer.clone(),
        words: cut(&of.words),
        status: status(of.verdict),
        day: format::day(of.at, &Zone::utc()),
    }
}

/// A text for a list.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{} …", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// An objection that waits for an answer.
pub(crate) struct Waiting {
    /// The statement with its customer, leading to its objections.
    pub(crate) what: Link,
    /// When it was made.
    pub(crate) since: Instant,
}

/// How many objections wait for an answer, and the oldest of them, at most `most`.
pub(crate) fn waiting(tx: &mut Tx<'_>, scope: &ResellerScope, most: i64) -> Result<(i64, Vec<Waiting>), DbError> {
    let open = kept::open(tx, scope)?;
    let listed = if open > 0 { kept::list(tx, scope, (most, 0))? } else { Vec::new() };
    let row = |of: Listed| Waiting {
        what: Link::new(
            format!("{} · {}", of.name, of.customer),
            format!("/statements/{}#objections", of.statement_id),
        ),
        since: of.at,
    };
    Ok((open, listed.into_iter().filter(|of| of.verdict.is_none()).map(row).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Currency;
    use billing::clauses::proof::Proof;

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    #[test]
    fn the_days_are_those_of_the_contract_and_end_with_a_whole_day_in_its_zone() {
        let mut terms = Terms::new(Currency::parse("EUR").expect("known"), "Europe/Berlin");
        assert_eq!(days_of(&terms), 0);
        terms.clauses.push(Clause::Proof(Proof { objection_days: 14, ..Proof::default() }));
        assert_eq!(days_of(&terms), 14);
        // Issued on 1 November in Berlin, where it was still 31 October in UTC.
        let window = Window::of(at("2026-10-31T23:30:00Z"), 14, "Europe/Berlin").expect("in the calendar");
        assert_eq!(window.ends, at("2026-11-15T23:00:00Z"));
        assert!(window.is_open(at("2026-11-15T22:59:59Z")));
        assert!(!window.is_open(at("2026-11-15T23:00:00Z")));
        let berlin = Zone::new("Europe/Berlin").expect("a bundled zone");
        let words = until(window, Reader::Customer, at("2026-11-02T00:00:00Z"), &berlin);
        assert_eq!(words, "You may object to this, or to a line of it, until 15 Nov 2026.");
        let over = until(window, Reader::Reseller, at("2026-12-02T00:00:00Z"), &berlin);
        assert_eq!(over, "The customer could object to this until 15 Nov 2026.");
    }

    #[test]
    fn a_long_objection_is_cut_between_characters() {
        assert_eq!(cut("Zu viel."), "Zu viel.");
        let long = "ü".repeat(SHOWN_MAX + 1);
        assert_eq!(cut(&long).chars().count(), SHOWN_MAX + 2);
    }
}
