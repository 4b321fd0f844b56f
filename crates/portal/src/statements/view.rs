//! Fills the page of one statement from what the store gives: its life, what can be done with it, its parties and
//! history. Its lines are in `lines`, what lies between counters and jobs in `gaps`; `listed` fills the list.
//!
//! Deliberately absent: every sum that is billed; those stand in the document.

mod gaps;
mod lines;
mod listed;

pub(super) use listed::list;
pub(crate) use listed::{period_of, status};

use super::issue::unsigned;
use super::objections::page::Objections;
use super::page::{Act, CHECKED_BY, Letterhead, Reasoned, RelatedRow, SignForm, StatementPage, Step};
use super::store::{self, Event, How, Related, State, Stored};
use super::subtotal::{self, SubtotalCard};
use super::{downloads, draw, invoice, objections};
use crate::db::Tx;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Chrome, Fact, Field, Link, Status, Tone};
use crate::shell::{Error, ResellerScope};
use billing::{Currency, DocumentKind, Money, Party, Readiness, Reason, Statement, TaxCategory, month_of};
use lines::Shown;
use report::Instant;

/// What is said of terms without a tax while that can still be mended.
pub(crate) const NO_TAX: &str = "Its contract says no tax: it bears none, and no electronic invoice can be made of it. \
     Where none is due, a tax clause of 0 % says why.";
/// Lines without a price that are named; the statement shows all.
const UNPRICED_MAX: usize = 6;
/// Printers that hold a draft up and are named; the board names all.
const HELD_MAX: usize = 12;

/// Who reads a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Somebody of the reseller, who may do something with it.
    Reseller,
    /// Somebody of the customer.
    Customer,
}

/// What somebody just did, or tried to.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The word of the last act.
    pub(super) done: Option<String>,
    /// The reason that was typed.
    pub(super) reason: String,
    /// What is wrong with it.
    pub(super) wrong: Option<String>,
    /// The objection or the answer that was typed.
    pub(super) objecting: objections::Typed,
}

/// What stands around a statement.
pub(super) struct Around {
    reader: Reader,
    events: Vec<Event>,
    related: Vec<Related>,
    /// Printers that hold a draft up, each with its reasons; empty for a customer.
    held: Vec<Readiness>,
    /// Whether something became known since it was drawn up that a draft does not hold.
    has_news: bool,
    /// The documents of other payers of the same period, which say what their lines took; empty for a customer.
    others: Vec<Statement>,
    subtotals: Vec<SubtotalCard>,
    /// What its electronic invoice says beyond it.
    filled: Option<String>,
    letterhead: Letterhead,
}

impl Around {
    /// Reads it.
    pub(super) fn read(
        tx: &mut Tx<'_>,
        scope: &ResellerScope,
        stored: &Stored,
        reader: Reader,
    ) -> Result<Around, Error> {
        let mut held = Vec::new();
        if reader == Reader::Reseller && stored.is_draft() {
            let start = stored.statement.period.start;
            let signs = store::signs(tx, scope, stored.contract_id, start, stored.revision)?;
            let readiness = store::readiness(tx, scope, stored.contract_id, start, stored.revision)?;
            held.extend(unsigned(&readiness, &signs).into_iter().cloned());
        }
        let is_redrawn = reader == Reader::Reseller && stored.is_draft() && stored.kind == DocumentKind::Statement;
        let has_news = is_redrawn && draw::has_news(tx, scope, stored)?;
        let events = store::events(tx, scope, stored.statement_id)?;
        let (related, filled) = (store::related(tx, scope, stored)?, invoice::filled(tx, scope, stored)?);
        let (subtotals, others) = match reader {
            Reader::Reseller => (subtotal::cards(tx, scope, stored)?, store::others(tx, scope, stored)?),
            Reader::Customer => (Vec::new(), Vec::new()),
        };
        let letterhead = downloads::letterhead(tx, scope, stored, reader)?;
        Ok(Around { reader, events, related, held, has_news, others, filled, subtotals, letterhead })
    }
}

/// `/statements/{id}`, or the customer's own view of it; without its objections.
pub(super) fn page(chrome: Chrome, stored: &Stored, around: &Around, said: &Said) -> StatementPage {
    let statement = &stored.statement;
    let zone = Zone::new(&statement.time_zone).unwrap_or_else(Zone::utc);
    let (contract, period) = (&statement.contract, statement.period);
    let is_reseller = around.reader == Reader::Reseller;
    let sub = format!(
        "Contract {} version {} · {} to {}, {}",
        contract.number,
        contract.version,
        format::instant(period.start, &zone),
        format::instant(period.end, &zone),
        statement.time_zone
    );
    let customer = if stored.payer.is_empty() { &statement.customer } else { &stored.payer };
    let shown = Shown::new(stored, &around.others, around.reader, &zone);
    let (downloads, other_files) = downloads::links(&shown.href(stored.statement_id), stored);
    StatementPage {
        chrome,
        back: if is_reseller { Link::new("Statements", "/statements") } else { Link::new("Your printing", "/my") },
        number: stored.name(),
        heading: format!("{customer}, {}", period_of(stored.kind, &statement.period_label)),
        sub,
        steps: steps_of_life(stored.state),
        acts: if is_reseller { acts(stored, &zone) } else { Vec::new() },
        reasoned: if is_reseller { reasoned(stored, said) } else { Vec::new() },
        currency: statement.currency.code().to_owned(),
        lines: statement.lines.iter().map(|line| shown.line(line)).collect(),
        totals: totals(statement),
        gaps: gaps::gaps(&statement.reconciliations),
        gaps_more: gaps::not_shown(&statement.reconciliations),
        shares: lines::shares(&statement.lines),
        estimated: lines::estimated(&statement.lines),
        subtotals: around.subtotals.clone(),
        related: around.related.iter().map(|of| related(of, shown.href(of.statement_id))).collect(),
        parties: parties(stored, around.reader, &zone),
        downloads,
        other_files,
        filled: around.filled.clone(),
        letterhead: around.letterhead.clone(),
        evidence: about_evidence(stored),
        history: history(stored, around, &zone),
        warnings: warnings(stored, around).iter().map(|words| format::moments(words, &zone)).collect(),
        board: board(stored, around),
        signs: signs(stored, around, &zone),
        objections: Objections::default(),
    }
}

/// A document that belongs to it, at its address.
fn related(related: &Related, href: String) -> RelatedRow {
    let how = match related.how {
        How::Payer => "another payer of the same period",
        How::Note => "note on this",
        How::Corrected => "what this corrects",
        How::Adjusted => "later statement that settles some of this",
    };
    let about = format!("{}, {}", related.kind.label(), related.label);
    let payer = if related.payer.is_empty() { String::new() } else { format!(", paid by {}", related.payer) };
    let name = if related.name.is_empty() { related.state.word() } else { related.name.as_str() };
    let digits = Currency::parse(&related.currency).map_or(2, Currency::minor_digits);
    RelatedRow {
        how,
        document: Link::new(name, href),
        about: format!("{about}{payer}"),
        status: status(related.state),
        total: format::money(related.total, u32::from(digits), &related.currency),
    }
}

fn steps_of_life(state: State) -> Vec<Step> {
    let mut names = vec![("Drawn up", State::Draft), ("Approved", State::Approved), ("Issued", State::Issued)];
    if state == State::Corrected {
        names.push(("Corrected", State::Corrected));
    }
    let step = |(name, reached): (&str, State)| Step {
        name: name.to_owned(),
        done: (reached <= state).then(|| Status::new(Tone::Good, name)),
        current: reached == state,
    };
    names.into_iter().map(step).collect()
}

/// What can be done with it at once.
fn acts(stored: &Stored, zone: &Zone) -> Vec<Act> {
    let href = format!("/statements/{}", stored.statement_id);
    let act = |word: &str, label: &str| Act {
        action: format!("{href}/{word}"),
        label: label.to_owned(),
        primary: true,
        hidden: Vec::new(),
    };
    match stored.state {
        // What was drawn up before its period ended is never approved.
        State::Draft if stored.is_early() => redraw(stored, zone).into_iter().collect(),
        State::Draft => redraw(stored, zone).into_iter().chain([act("approve", "Approve")]).collect(),
        State::Approved => vec![act("issue", "Issue")],
        State::Issued | State::Corrected => Vec::new(),
    }
}

/// A draft of a period is drawn up anew from what is known by now; a note is drawn up from its statement.
fn redraw(stored: &Stored, zone: &Zone) -> Option<Act> {
    let period = stored.statement.period;
    let last = Instant(period.end.0.saturating_sub(1));
    let days = vec![("period_from", format::iso_day(period.start, zone)), ("period_to", format::iso_day(last, zone))];
    (stored.kind == DocumentKind::Statement).then(|| Act {
        action: format!("/contracts/{}/statements", stored.contract_id),
        label: "Draw up again".to_owned(),
        primary: false,
        hidden: days,
    })
}

/// What can be done with it when a reason is said.
fn reasoned(stored: &Stored, said: &Said) -> Vec<Reasoned> {
    let act = |word: &str, label: &'static str, about: &'static str| Reasoned {
        action: format!("/statements/{}/{word}", stored.statement_id),
        label,
        about,
        field: Field::text("reason", "Reason").value(said.reason.as_str()).required().wrong(said.wrong.clone()),
    };
    match (stored.state, stored.kind) {
        (State::Draft, DocumentKind::Statement) => vec![act(
            "discard",
            "Throw it away",
            "Nothing is billed by it, and no number is used. Who did it, when and why stays on the contract's page. \
             The period can be drawn up again.",
        )],
        (State::Draft, DocumentKind::Credit | DocumentKind::Debit) => vec![act(
            "discard",
            "Throw it away",
            "No number is used. Who did it, when and why stays on the contract's page. While the period still \
             differs from what was billed, the next statement or Correct draws a note up again.",
        )],
        (State::Approved, _) => vec![act("reopen", "Make it a draft again", "It can then be drawn up anew.")],
        (State::Issued | State::Corrected, DocumentKind::Statement) => vec![act(
            "correct",
            "Correct",
            "What was issued stays as it is. It is worked out again from what is known now, and what differs becomes a \
             credit or debit note, which you approve and issue.",
        )],
        (State::Issued | State::Corrected, DocumentKind::Credit | DocumentKind::Debit) => Vec::new(),
    }
}

fn about_evidence(stored: &Stored) -> &'static str {
    match (stored.is_issued(), stored.has_evidence) {
        (true, true) => CHECKED_BY,
        (true, false) => "This was made before evidence was kept, so that there is no file to check it by.",
        (false, _) => "The evidence file is made when the statement is issued.",
    }
}

/// What is odd: of a draft also that it is older than what is known, what was drawn up beside it, and each printer
/// that holds it up.
fn warnings(stored: &Stored, around: &Around) -> Vec<String> {
    let currency = stored.statement.currency;
    let held = around.held.iter().take(HELD_MAX).map(|readiness| {
        let why = readiness.reasons.first().map_or_else(String::new, |reason| format!(" {}", reason.words(currency)));
        format!("{} is {}.{why}", readiness.label, readiness.state.word())
    });
    let more = around.held.len().saturating_sub(HELD_MAX);
    let more = (more > 0).then(|| format!("{more} more printers are late or suspect."));
    let early = "The period was not over when this was drawn up. Draw it up again after its end: only then it can be \
                 approved.";
    let early = stored.is_early().then(|| early.to_owned());
    let news = "Something arrived or was entered since this was drawn up. Draw it up again to have that in it.";
    let news = around.has_news.then(|| news.to_owned());
    let is_draft = stored.is_draft() && stored.kind == DocumentKind::Statement;
    let drawn = around.events.iter().filter(|event| is_draft && event.kind == "drawn" && !event.detail.is_empty());
    let beside = drawn.map(|event| event.detail.clone());
    let notes = stored.statement.notes.iter().cloned();
    let questions = if around.reader == Reader::Reseller { questions(stored) } else { Vec::new() };
    let known = early.into_iter().chain(news).chain(beside).chain(questions);
    known.chain(held).chain(more).chain(notes).collect()
}

/// What a person should look at before a statement is issued, though it holds nothing up: usage that no price takes,
/// and that nothing is said of taxes.
fn questions(stored: &Stored) -> Vec<String> {
    let statement = &stored.statement;
    if stored.is_issued() || stored.kind != DocumentKind::Statement {
        return Vec::new();
    }
    let unpriced: Vec<_> = statement.lines.iter().filter(|line| line.is_unpriced()).collect();
    let named = unpriced.iter().take(UNPRICED_MAX).map(|line| format!("{}: {}.", line.title, line.detail));
    let more = unpriced.len().saturating_sub(UNPRICED_MAX);
    let more = (more > 0).then(|| format!("{more} more lines are without a price."));
    let is_charged = statement.lines.iter().any(|line| line.amount.is_some_and(|amount| amount != Money(0)));
    let tax = (is_charged && statement.taxes.is_empty()).then(|| NO_TAX.to_owned());
    named.chain(more).chain(tax).collect()
}

/// The printers that hold it up, each with its reasons and where a person signs for them.
fn signs(stored: &Stored, around: &Around, zone: &Zone) -> Vec<SignForm> {
    let currency = stored.statement.currency;
    let form = |(place, of): (usize, &Readiness)| {
        let told = |reason: &Reason| format::moments(&reason.words(currency), zone);
        let reasons: Vec<String> = of.reasons.iter().map(told).collect();
        SignForm {
            action: format!("/statements/{}/sign", stored.statement_id),
            printer_id: of.printer.clone(),
            label: of.label.clone(),
            words: format!("{}. {}", of.state.word(), reasons.join(" ")).trim().to_owned(),
            cause: store::cause(of).to_string(),
            element: format!("sign-{place}"),
        }
    };
    around.held.iter().take(HELD_MAX).enumerate().map(form).collect()
}

/// The board of its month, where something holds it up.
fn board(stored: &Stored, around: &Around) -> Option<Link> {
    if around.held.is_empty() {
        return None;
    }
    let statement = &stored.statement;
    let month = month_of(statement.period.start, &statement.time_zone).ok()?;
    Some(Link::new(format!("billing run of {}", month.label()), format!("/billing/{month}")))
}

/// What happened, the first first. What older statements have no event of is told by their dates.
fn history(stored: &Stored, around: &Around, zone: &Zone) -> Vec<Fact> {
    let is_reseller = around.reader == Reader::Reseller;
    let known = |kind: &str| around.events.iter().any(|event| event.kind == kind);
    let dates = [
        ("drawn", Some(stored.created_at), &stored.created_by),
        ("approved", stored.approved_at, &stored.approved_by),
        ("issued", stored.issued_at, &stored.issued_by),
    ];
    let dated = dates.into_iter().filter(|(kind, _, _)| !known(kind));
    let dated = dated.filter_map(|(kind, at, by)| at.map(|at| (at, kind, by.as_str(), "")));
    let events = around.events.iter();
    let events = events.map(|event| (event.at, event.kind.as_str(), event.by.as_str(), event.detail.as_str()));
    let mut told: Vec<_> = dated.chain(events).collect();
    told.sort_by_key(|(at, ..)| *at);
    let fact = |(at, kind, by, detail): (Instant, &str, &str, &str)| {
        let mut words = happened(kind).to_owned();
        // Who did it, and why, is the reseller's own.
        if is_reseller && !by.is_empty() {
            words.push_str(&format!(" by {by}"));
        }
        if is_reseller && !detail.is_empty() {
            words.push_str(&format!(": {detail}"));
        }
        Fact::new(format::instant(at, zone), words)
    };
    let is_own = |kind: &str| matches!(kind, "signed" | "reopened" | "looked-again");
    let for_reader = told.into_iter().filter(|(_, kind, ..)| is_reseller || !is_own(kind));
    for_reader.map(fact).collect()
}

fn happened(kind: &str) -> &str {
    match kind {
        "drawn" => "drawn up",
        "reopened" => "made a draft again",
        "signed" => "a reason was signed",
        "looked-again" => "worked out again",
        "objected" => "objected to",
        "answered" => "an objection was answered",
        other => other,
    }
}

fn parties(stored: &Stored, reader: Reader, zone: &Zone) -> Vec<Fact> {
    let statement = &stored.statement;
    let known = &statement.parties;
    let buyer = if stored.payer.is_empty() { "Buyer" } else { "Payer" };
    let named = [("Seller", known.seller.as_ref()), (buyer, known.buyer.as_ref())];
    let named = named.into_iter().filter_map(|(label, party)| party.map(|party| Fact::new(label, party_words(party))));
    let mut facts: Vec<Fact> = named.collect();
    if reader == Reader::Reseller {
        let customer = Fact::new("Customer", statement.customer.clone());
        facts.push(customer.linked(format!("/customers/{}", stored.customer_id)));
        let events = Fact::new("Events", "outages, credits, deliveries");
        facts.push(events.linked(format!("/contracts/{}/events", stored.contract_id)));
    }
    let dated = [("Issued", stored.issued_at), ("To be paid by", stored.due_at)];
    facts.extend(dated.into_iter().filter_map(|(label, at)| at.map(|at| Fact::new(label, format::day(at, zone)))));
    facts
}

fn party_words(party: &Party) -> String {
    let city = format!("{} {}", party.postcode, party.city);
    let parts: [&str; 5] = [&party.name, &party.street, city.trim(), &party.country, &party.vat_id];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

fn money(amount: Money, currency: Currency) -> String {
    format::amount(amount.0, u32::from(currency.minor_digits()))
}

fn totals(statement: &Statement) -> Vec<Fact> {
    let shown = |amount| money(amount, statement.currency);
    let mut facts = vec![Fact::new("Net", shown(statement.net))];
    let is_one = statement.taxes.len() == 1;
    for row in &statement.taxes {
        let mut label = row.label();
        if !row.area.is_empty() {
            label.push_str(&format!(", {}", row.area));
        }
        if !is_one {
            label.push_str(&format!(" on {}", shown(row.base)));
        }
        match &row.reason {
            Some(reason) => label.push_str(&format!(", {reason}")),
            None if row.category != TaxCategory::Standard => label.push_str(&format!(", {}", row.category.words())),
            None => {}
        }
        facts.push(Fact::new(label, shown(row.amount)));
    }
    facts.push(Fact::new("Total", shown(statement.total)));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_shows_what_lies_behind() {
        let words = |state| -> Vec<(String, bool, bool)> {
            let steps = steps_of_life(state).into_iter();
            steps.map(|step| (step.name, step.done.is_some(), step.current)).collect()
        };
        let step = |name: &str, done, current| (name.to_owned(), done, current);
        let approved = [step("Drawn up", true, false), step("Approved", true, true), step("Issued", false, false)];
        assert_eq!(words(State::Approved), approved);
        assert_eq!(words(State::Corrected).last(), Some(&step("Corrected", true, true)));
    }
}
