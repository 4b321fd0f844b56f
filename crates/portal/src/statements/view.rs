//! Fills the pages of statements from what the store gives.
//!
//! Deliberately absent: every sum that is billed; those stand in the document. What is added up here
//! are only shares and differences that help a reader.

use super::downloads;
use super::issue::unsigned;
use super::links;
use super::page::{
    Act, CHECKED_BY, GapCard, GradeShare, LineProof, LineReading, LineRow, Reasoned, RelatedRow, SignForm,
    StatementPage, StatementRow, StatementsPage, Step,
};
use super::store::{self, Event, Filter, How, Listed, Related, State, Stored};
use super::subtotal::{self, SubtotalCard};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::address;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Badge, Chip, Chrome, Fact, Field, Link, Status, Tone, grade_words};
use crate::shell::part::{Part, ROWS};
use crate::shell::{Error, ResellerScope, ResellerUser, chrome};
use billing::{
    Cause, Currency, DocumentKind, Line, LineEvidence, LineSource, Mark, MeterKind, Money, Party, Pattern, PricingUnit,
    PrinterReconciliation, Readiness, ReadingPoint, ReadingSource, Reference, Statement, SumKind, TaxCategory,
    month_of,
};
use report::{Area, Grade, Ink, Instant, Share};
use std::collections::{BTreeMap, BTreeSet};

/// Printers of a meter whose differences are shown each for itself; the largest first.
const GAPS_MAX: usize = 12;
/// Quantities that are written out in a sum.
const SUMMANDS_MAX: usize = 8;
/// Printers that hold a draft up and are named; the board names all.
const HELD_MAX: usize = 12;
/// Parts per million of a whole.
const WHOLE: i128 = 1_000_000;

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
}

/// What stands around a statement.
pub(super) struct Around {
    reader: Reader,
    events: Vec<Event>,
    related: Vec<Related>,
    /// Printers that hold a draft up, each with its reasons; empty for a customer.
    held: Vec<Readiness>,
    subtotals: Vec<SubtotalCard>,
    /// What its electronic invoice says beyond it.
    filled: Option<String>,
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
        let events = store::events(tx, scope, stored.statement_id)?;
        let (related, filled) = (store::related(tx, scope, stored)?, downloads::filled(tx, scope, stored)?);
        let subtotals = match reader {
            Reader::Reseller => subtotal::cards(tx, scope, stored)?,
            Reader::Customer => Vec::new(),
        };
        Ok(Around { reader, events, related, held, filled, subtotals })
    }
}

/// `/statements`.
pub(super) fn list(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    query: &BTreeMap<String, String>,
) -> Result<StatementsPage, DbError> {
    let filter = filter(query);
    let part = Part::asked(query);
    let mut count = |state: Option<State>| store::counts(tx, &user.scope, &Filter { state, ..filter.clone() });
    let (all, open) = count(None)?;
    let (drafts, issued) = (count(Some(State::Draft))?.0, count(Some(State::Issued))?.0);
    let (approved, corrected) = (open - drafts, all - open - issued);
    let counts = [
        ("All", all, None),
        ("To approve", drafts, Some(State::Draft)),
        ("To issue", approved, Some(State::Approved)),
        ("Issued", issued, Some(State::Issued)),
        ("Corrected", corrected, Some(State::Corrected)),
    ];
    let total = counts.iter().find(|(_, _, state)| *state == filter.state).map_or(all, |(_, count, _)| *count);
    let listed = store::list(tx, &user.scope, &filter, (ROWS, part.skipped()))?;
    let chip = |(label, count, state): (&str, i64, Option<State>)| {
        let href = list_address(&Filter { state, ..filter.clone() }, "");
        Chip::new(format!("{label} {count}"), href, filter.state == state)
    };
    let done = query.get("done").map(String::as_str);
    Ok(StatementsPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/statements", "Statements"), done)?,
        sub: format!("{drafts} to approve, {approved} to issue · each period in its contract's zone"),
        chips: counts.into_iter().map(chip).collect(),
        rows: listed.iter().map(row).collect(),
        pager: part.pager_at(listed.len(), total, |page| list_address(&filter, page)),
    })
}

fn filter(query: &BTreeMap<String, String>) -> Filter {
    let state = query.get("state").and_then(|word| State::parse(word));
    let customer_id = query.get("customer").and_then(|id| id.parse().ok()).unwrap_or(0);
    Filter { state, customer_id }
}

fn list_address(filter: &Filter, page: &str) -> String {
    let customer = if filter.customer_id == 0 { String::new() } else { filter.customer_id.to_string() };
    let state = filter.state.map_or("", State::word);
    address("/statements", [("state", state), ("customer", customer.as_str()), ("page", page)])
}

/// A state as pages show it.
pub(crate) fn status(state: State) -> Status {
    let tone = if state.is_issued() { Tone::Good } else { Tone::Info };
    Status::new(tone, state.word())
}

fn row(listed: &Listed) -> StatementRow {
    let digits = Currency::parse(&listed.currency).map_or(2, Currency::minor_digits);
    let payer = if listed.payer.is_empty() { String::new() } else { format!(", paid by {}", listed.payer) };
    StatementRow {
        href: format!("/statements/{}", listed.statement_id),
        number: if listed.name.is_empty() { listed.state.word().to_owned() } else { listed.name.clone() },
        customer: format!("{}{payer}", listed.customer),
        period: period_of(listed.kind, &listed.period),
        grades: listed.grades.iter().copied().map(Badge::from).collect(),
        status: status(listed.state),
        total: format::money(listed.total, u32::from(digits), &listed.currency),
    }
}

/// A period, with what the document is where it is a note: `Credit note, October 2026`.
pub(crate) fn period_of(kind: DocumentKind, period: &str) -> String {
    match kind {
        DocumentKind::Statement => period.to_owned(),
        DocumentKind::Credit | DocumentKind::Debit => format!("{}, {period}", kind.label()),
    }
}

/// `/statements/{id}`, or the customer's own view of it.
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
    let shown = Shown { stored, reader: around.reader, zone: &zone, printers: printers(statement) };
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
        gaps: gaps(&statement.reconciliations),
        shares: shares(&statement.lines),
        estimated: estimated(&statement.lines),
        subtotals: around.subtotals.clone(),
        related: around.related.iter().map(|related| shown.related(related)).collect(),
        parties: parties(stored, around.reader, &zone),
        downloads,
        other_files,
        filled: around.filled.clone(),
        evidence: about_evidence(stored),
        history: history(stored, around, &zone),
        warnings: warnings(stored, around),
        board: board(stored, around),
        signs: signs(stored, around),
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
        (State::Draft, _) => Vec::new(),
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

/// What is odd: of a draft also each printer that holds it up.
fn warnings(stored: &Stored, around: &Around) -> Vec<String> {
    let currency = stored.statement.currency;
    let held = around.held.iter().take(HELD_MAX).map(|readiness| {
        let why = readiness.reasons.first().map_or_else(String::new, |reason| format!(" {}", reason.words(currency)));
        format!("{} is {}.{why}", readiness.label, readiness.state.word())
    });
    let more = around.held.len().saturating_sub(HELD_MAX);
    let more = (more > 0).then(|| format!("{more} more printers are late or suspect."));
    held.chain(more).chain(stored.statement.notes.iter().cloned()).collect()
}

/// The printers that hold it up, each with its reasons and where a person signs for them.
fn signs(stored: &Stored, around: &Around) -> Vec<SignForm> {
    let currency = stored.statement.currency;
    let form = |(place, of): (usize, &Readiness)| {
        let reasons: Vec<String> = of.reasons.iter().map(|reason| reason.words(currency)).collect();
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
        other => other,
    }
}

/// The names of the printers that the document knows, by id.
fn printers(statement: &Statement) -> BTreeMap<&str, &str> {
    let sources = statement.lines.iter().flat_map(|line| &line.sources);
    let sources = sources.map(|source| (source.printer.as_str(), source.label.as_str()));
    let compared = statement.reconciliations.iter().map(|row| (row.printer.as_str(), row.label.as_str()));
    sources.chain(compared).collect()
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

/// What lines are shown by.
struct Shown<'a> {
    stored: &'a Stored,
    reader: Reader,
    zone: &'a Zone,
    /// The names of printers by id.
    printers: BTreeMap<&'a str, &'a str>,
}

impl Shown<'_> {
    fn is_reseller(&self) -> bool {
        self.reader == Reader::Reseller
    }

    /// The address of a statement, for this reader.
    fn href(&self, statement_id: i64) -> String {
        let within = if self.is_reseller() { "" } else { "/my" };
        format!("{within}/statements/{statement_id}")
    }

    fn related(&self, related: &Related) -> RelatedRow {
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
            document: Link::new(name, self.href(related.statement_id)),
            about: format!("{about}{payer}"),
            status: status(related.state),
            total: format::money(related.total, u32::from(digits), &related.currency),
        }
    }

    fn line(&self, line: &Line) -> LineRow {
        let currency = self.stored.statement.currency;
        let quantity = line.quantity.or(line.used).zip(line.unit);
        let how = if line.sources.is_empty() { "worked out" } else { "measured" };
        let has_proof = !(line.sources.is_empty() && line.steps.is_empty() && line.shares.is_empty());
        LineRow {
            label: line.title.clone(),
            note: line.detail.clone(),
            quantity: quantity.map_or_else(String::new, |(quantity, unit)| measure(unit, quantity)),
            unit_price: line.unit_price.map_or_else(String::new, |price| price.show(currency)),
            grades: line.grades.keys().copied().map(Badge::from).collect(),
            amount: line.amount.map_or_else(|| "not billed".to_owned(), |amount| money(amount, currency)),
            marks: marks(line),
            payer: line.payer.clone().filter(|_| self.stored.payer.is_empty()),
            refers: line.refers.as_ref().map(|reference| self.reference(reference)),
            asked: format!("How {} was {how}", line.title),
            proof: has_proof.then(|| self.proof(line)),
        }
    }

    /// The document that a line settles.
    fn reference(&self, reference: &Reference) -> Link {
        let period = reference.period.label(&self.stored.statement.time_zone);
        let period = period.unwrap_or_else(|_| format::day(reference.period.start, self.zone));
        let id: Option<i64> = reference.statement.parse().ok();
        Link::new(format!("{}, {period}", reference.number), id.map_or_else(String::new, |id| self.href(id)))
    }

    fn proof(&self, line: &Line) -> LineProof {
        let period = self.stored.statement.period;
        let things: BTreeSet<_> = line.sources.iter().map(|source| (&source.meter, &source.media)).collect();
        let is_mixed = things.len() > 1;
        let jobs = match self.reader {
            Reader::Reseller => links::jobs(&self.stored.statement, line, self.stored.contract_id),
            Reader::Customer => None,
        };
        LineProof {
            open: false,
            from: format::short_day(period.start, self.zone),
            to: format::short_day(period.end, self.zone),
            unit: line.unit.map_or("", PricingUnit::label).to_owned(),
            readings: line.sources.iter().map(|source| self.reading(line, source, is_mixed)).collect(),
            borne: if line.sources.is_empty() { self.borne(line) } else { Vec::new() },
            steps: steps(line),
            jobs,
        }
    }

    /// What each printer bears of a line for which nothing was measured.
    fn borne(&self, line: &Line) -> Vec<Fact> {
        let currency = self.stored.statement.currency;
        let fact = |share: &billing::LineShare| {
            let known = self.printers.get(share.printer.as_str());
            let label = known.map_or_else(|| format!("printer {}", share.printer), |label| (*label).to_owned());
            let fact = Fact::new(label, money(share.amount, currency));
            if self.is_reseller() { fact.linked(format!("/printers/{}", share.printer)) } else { fact }
        };
        line.shares.iter().map(fact).collect()
    }

    fn reading(&self, line: &Line, source: &LineSource, is_mixed: bool) -> LineReading {
        // In the unit of the price, so that the rows add up to the line.
        let unit = line.unit.unwrap_or_else(|| source.meter.unit());
        let text = if is_mixed { format!("{}: {}", source.label, label(source)) } else { source.label.clone() };
        let href = if self.is_reseller() { format!("/printers/{}", source.printer) } else { String::new() };
        // Where grades are not told apart here, the weakest of the line counts.
        let weakest = line.grades.keys().max().copied().unwrap_or(Grade::C);
        let (start, end, read_by, grade) = match &source.evidence {
            LineEvidence::Jobs { count, .. } => {
                (many_jobs(*count), String::new(), "the printer's job log".to_owned(), weakest)
            }
            LineEvidence::Counter { start, end, .. } => {
                let grade = start.iter().chain(end).map(|point| point.grade).max().unwrap_or(Grade::C);
                let (start, end) = (self.point(start.as_ref(), unit), self.point(end.as_ref(), unit));
                (start, end, grade_words(grade).to_owned(), grade)
            }
            LineEvidence::Sum { kind, jobs, .. } => {
                let (words, grade) = match kind {
                    SumKind::Fold | SumKind::Beside => {
                        ("the sum of jobs that an agent had no room for one by one", Grade::C)
                    }
                    SumKind::Cells => ("the ledger's sum of the printer's job log", weakest),
                };
                (many_jobs(*jobs), String::new(), words.to_owned(), grade)
            }
            LineEvidence::Estimate { span, method, .. } => {
                let (from, to) = (format::instant(span.start, self.zone), format::instant(span.end, self.zone));
                let words = format!("estimated: {}", method.words());
                (format!("from {from}"), format!("to {to}"), words, Grade::C)
            }
        };
        let used = unit.number(source.evidence.quantity());
        LineReading { printer: Link::new(text, href), start, end, used, read_by, grade: Badge::from(grade) }
    }

    /// A reading with its time; with who says it, where it is not the printer.
    fn point(&self, point: Option<&ReadingPoint>, unit: PricingUnit) -> String {
        let Some(point) = point else { return "not read".to_owned() };
        let read = format!("{} on {}", unit.number(point.value), format::instant(point.read_at, self.zone));
        match point.source {
            ReadingSource::Printer => read,
            source => format!("{read}, {}", source.words()),
        }
    }
}

fn many_jobs(count: u64) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") }
}

/// What a reader must know of a line; of an estimate also how much of the usage it is.
fn marks(line: &Line) -> Vec<String> {
    let mark = |mark: &Mark| match (mark, line.used) {
        (Mark::Estimated, Some(used)) if used > 0 && line.estimated > 0 => {
            let part = i128::from(line.estimated) * WHOLE / i128::from(used);
            let part = Share(i64::try_from(part).unwrap_or(i64::MAX));
            format!("{} {}", format::share(part), mark.words())
        }
        _ => mark.words().to_owned(),
    };
    line.marks.iter().map(mark).collect()
}

/// How much of the amount rests on estimates, in a sentence; `None` where nothing does.
fn estimated(lines: &[Line]) -> Option<String> {
    let (mut all, mut estimated) = (0_i128, 0_i128);
    for line in lines {
        let amount = line.amount.map_or(0, |amount| i128::from(amount.0).max(0));
        let used = i128::from(line.used.unwrap_or(0));
        all += amount;
        if used > 0 {
            let part = (i128::from(line.estimated).max(0) * WHOLE / used).min(WHOLE);
            estimated += part * amount;
        }
    }
    let part = estimated.checked_div(all)?;
    let part = i64::try_from(part).ok().filter(|part| *part > 0)?;
    Some(format!("{} of the amount rests on estimates.", format::share(Share(part))))
}

/// What a source is of: its category or colour, and its media.
fn label(source: &LineSource) -> String {
    let pattern = Pattern {
        category: source.meter.category(),
        colour: source.meter.colour().map(str::to_owned),
        media: source.media.clone(),
        ..Pattern::every(source.meter.kind())
    };
    pattern.label()
}

/// The sum of the printers' quantities, then the line's own arithmetic.
fn steps(line: &Line) -> Vec<String> {
    let mut steps = Vec::new();
    if let (Some(unit), Some(used), true) = (line.unit, line.used, line.sources.len() > 1) {
        let sum = if line.sources.len() > SUMMANDS_MAX {
            format!("The sum of the {} rows above", line.sources.len())
        } else {
            line.sources
                .iter()
                .map(|source| unit.show_exact(source.evidence.quantity()))
                .collect::<Vec<_>>()
                .join(" + ")
        };
        steps.push(format!("{sum} = {} used", unit.show_exact(used)));
    }
    steps.extend(line.steps.iter().cloned());
    steps
}

/// A quantity of a line, with thousands separated where it is an area or ink.
fn measure(unit: PricingUnit, amount: i64) -> String {
    match unit {
        PricingUnit::SquareMetre => format::area_unit(Area(amount)),
        PricingUnit::Millilitre => format::ink_unit(Ink(amount)),
        _ => unit.show(amount),
    }
}

/// A difference between counters and jobs on one kind of meter, of one printer or of all together.
struct Gap {
    kind: MeterKind,
    /// The printer, or how many.
    whose: String,
    /// `None` where the counter was not read.
    counters: Option<i64>,
    /// What the jobs printed; on another meter, what the billed jobs used.
    jobs: i64,
    causes: BTreeMap<Cause, i64>,
}

impl Gap {
    fn of(row: &PrinterReconciliation) -> Gap {
        let found = &row.reconciliation;
        Gap {
            kind: row.meter,
            whose: row.label.clone(),
            counters: found.counter_total,
            jobs: found.job_printed_total,
            causes: found.differences.iter().map(|difference| (difference.cause, difference.amount)).collect(),
        }
    }

    fn difference(&self) -> i64 {
        self.causes.values().fold(0, |sum, amount| sum.saturating_add(*amount))
    }

    fn card(&self) -> GapCard {
        let shown = |amount: i64| measure(self.kind.unit(), amount);
        let cause = |(cause, amount): (&Cause, &i64)| Fact::new(cause.words(), shown(*amount));
        let what = if self.kind == MeterKind::AreaMedia { "printed" } else { "in billed jobs" };
        GapCard {
            meter: format!("{}, {}", Pattern::every(self.kind).label(), self.whose),
            counters: self.counters.map_or_else(|| "not read over the period".to_owned(), shown),
            jobs: format!("{} {what}", shown(self.jobs)),
            difference: self.counters.map_or_else(|| "cannot be compared".to_owned(), |_| shown(self.difference())),
            causes: self.causes.iter().map(cause).collect(),
        }
    }
}

/// Meter by meter: all printers together where there are several, then those that differ most.
fn gaps(rows: &[PrinterReconciliation]) -> Vec<GapCard> {
    // Media first: it is what most contracts compare.
    let others = MeterKind::all().filter(|kind| *kind != MeterKind::AreaMedia);
    let of_kind = |kind: MeterKind| {
        let rows: Vec<&PrinterReconciliation> = rows.iter().filter(|row| row.meter == kind).collect();
        gaps_of(kind, &rows)
    };
    std::iter::once(MeterKind::AreaMedia).chain(others).flat_map(of_kind).collect()
}

fn gaps_of(kind: MeterKind, rows: &[&PrinterReconciliation]) -> Vec<GapCard> {
    let differing = rows.iter().filter(|row| !row.reconciliation.differences.is_empty());
    let mut gaps: Vec<Gap> = differing.map(|row| Gap::of(row)).collect();
    let mut cards = Vec::new();
    // Where nothing differs, that is said once for all.
    if rows.len() > 1 || gaps.is_empty() {
        cards.extend(together(kind, rows).as_ref().map(Gap::card));
    }
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.difference().unsigned_abs()));
    cards.extend(gaps.iter().take(GAPS_MAX).map(Gap::card));
    cards
}

/// The sum over the printers whose counter was read over the period; `None` when there is none.
fn together(kind: MeterKind, rows: &[&PrinterReconciliation]) -> Option<Gap> {
    let read: Vec<_> = rows.iter().filter(|row| row.reconciliation.counter_total.is_some()).collect();
    let printers = if rows.len() == 1 { "printer" } else { "printers" };
    let whose = if read.len() == rows.len() {
        format!("{} {printers}", rows.len())
    } else {
        format!("{} of {} {printers}", read.len(), rows.len())
    };
    let mut all = Gap { kind, whose, counters: Some(0), jobs: 0, causes: BTreeMap::new() };
    for row in &read {
        let found = &row.reconciliation;
        all.counters = all.counters.map(|sum| sum.saturating_add(found.counter_total.unwrap_or(0)));
        all.jobs = all.jobs.saturating_add(found.job_printed_total);
        for difference in &found.differences {
            let sum = all.causes.entry(difference.cause).or_default();
            *sum = sum.saturating_add(difference.amount);
        }
    }
    (!read.is_empty()).then_some(all)
}

/// How much of the billed usage each grade proves, by amount.
fn shares(lines: &[Line]) -> Vec<GradeShare> {
    let mut weights: BTreeMap<Grade, i128> = BTreeMap::new();
    for line in lines {
        let used: i128 = line.grades.values().map(|quantity| i128::from(*quantity).max(0)).sum();
        let amount = line.amount.map_or(0, |amount| i128::from(amount.0).max(0));
        for (grade, quantity) in line.grades.iter().filter(|_| used > 0) {
            // The share of the quantity first, so that the product stays far inside 128 bits.
            let share = i128::from(*quantity).max(0) * WHOLE / used;
            *weights.entry(*grade).or_default() += share * amount;
        }
    }
    let sum: i128 = weights.values().sum();
    let share = |(grade, weight): (&Grade, &i128)| {
        // A weight is below 10^6 · 2^63 a line, so that this fits for any number of lines there can be.
        let part = weight.checked_mul(WHOLE)?.checked_div(sum)?;
        let part = Share(i64::try_from(part).ok()?);
        let words = format!("{} {}", format::share(part), grade_words(*grade));
        Some(GradeShare { grade: Badge::from(*grade), words })
    };
    weights.iter().filter_map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Difference, Reconciliation};

    #[test]
    fn the_causes_of_a_gap_add_up_to_its_difference() {
        let row = |label: &str, counter: Option<i64>| PrinterReconciliation {
            printer: "7".to_owned(),
            label: label.to_owned(),
            meter: MeterKind::AreaMedia,
            reconciliation: Reconciliation {
                counter_total: counter,
                job_media_total: 110_000_000,
                job_printed_total: 100_000_000,
                differences: vec![
                    Difference { cause: Cause::Margins, amount: 10_000_000 },
                    Difference { cause: Cause::NotInJobLog, amount: counter.map_or(0, |total| total - 110_000_000) },
                ],
            },
        };
        let cards = gaps(&[row("T930", Some(120_000_000)), row("T2530", None)]);
        assert_eq!(cards.len(), 3);
        let all = &cards[0];
        assert_eq!((all.counters.as_str(), all.jobs.as_str()), ("120.00 m²", "100.00 m² printed"));
        assert_eq!((all.difference.as_str(), all.meter.as_str()), ("20.00 m²", "Media used, 1 of 2 printers"));
        assert_eq!(
            (cards[1].difference.as_str(), cards[2].counters.as_str()),
            ("20.00 m²", "not read over the period")
        );
    }

    #[test]
    fn every_meter_that_is_compared_has_its_card() {
        let row = |meter: MeterKind, differences: Vec<Difference>| PrinterReconciliation {
            printer: "7".to_owned(),
            label: "T930".to_owned(),
            meter,
            reconciliation: Reconciliation {
                counter_total: Some(5),
                job_media_total: 5,
                job_printed_total: 5,
                differences,
            },
        };
        let missing = vec![Difference { cause: Cause::NotBilled, amount: -2 }];
        let cards = gaps(&[row(MeterKind::Pages, missing), row(MeterKind::AreaMedia, Vec::new())]);
        let said: Vec<(&str, &str)> =
            cards.iter().map(|card| (card.meter.as_str(), card.difference.as_str())).collect();
        assert_eq!(said, [("Media used, 1 printer", "0.00 m²"), ("Pages, T930", "-2 pages")]);
        assert_eq!(cards[1].jobs, "5 pages in billed jobs");
    }

    #[test]
    fn how_much_is_estimated_is_said_of_a_line_and_of_the_whole() {
        let line = |amount, used, estimated| Line {
            amount: Some(Money(amount)),
            used: Some(used),
            estimated,
            marks: if estimated > 0 { [Mark::Estimated].into() } else { BTreeSet::new() },
            ..Line::default()
        };
        let lines = [line(3_000, 40, 10), line(7_000, 5, 0)];
        assert_eq!(marks(&lines[0]), ["25.0\u{a0}% estimated"]);
        assert!(marks(&lines[1]).is_empty());
        assert_eq!(estimated(&lines).as_deref(), Some("7.5\u{a0}% of the amount rests on estimates."));
        assert_eq!(estimated(&lines[1..]), None);
        assert_eq!(estimated(&[]), None);
    }

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

    #[test]
    fn a_grade_proves_the_share_of_the_amount_that_its_usage_costs() {
        let line = |amount, grades: &[(Grade, i64)]| Line {
            amount: Some(Money(amount)),
            grades: grades.iter().copied().collect(),
            ..Line::default()
        };
        let lines = [line(9_000, &[(Grade::A, 30), (Grade::B, 10)]), line(1_000, &[(Grade::B, 7)]), line(500, &[])];
        let words: Vec<String> = shares(&lines).into_iter().map(|share| share.words).collect();
        assert_eq!(words.len(), 2);
        assert!(words[0].starts_with("67.5\u{a0}%") && words[1].starts_with("32.5\u{a0}%"), "{words:?}");
        assert!(shares(&[line(500, &[])]).is_empty());
    }

    #[test]
    fn filters_stay_in_the_address() {
        let query = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(list_address(&filter(&query(&[])), ""), "/statements");
        let drafts = list_address(&filter(&query(&[("state", "draft"), ("customer", "4")])), "");
        assert_eq!(drafts, "/statements?state=draft&customer=4");
        assert_eq!(list_address(&filter(&query(&[("state", "' or 1=1")])), ""), "/statements");
    }
}
