//! The page on which people say what happened to a contract and no printer can: outages, credits,
//! supplies, purchases, its exit.
//!
//! Deliberately absent: what an event costs or gives back. The clauses say that when the next statement is
//! drawn up; one that is issued already is settled by it or by a note.

use super::events_store::{self as store, Contract, Happened, Kept, NewEvent, PRINTERS_MAX};
use super::page::{EventForm, EventRow, EventsPage};
use crate::Portal;
use crate::contracts::start_of_day;
use crate::db::Tx;
use crate::shell::address::id;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Field, FormError, Link, Status, Tone};
use crate::shell::part::{Part, ROWS};
use crate::shell::{Error, FormData, Posted, ResellerUser, chrome, render, see_other};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use billing::{Clause, CreditFact, CreditReason, Day, ExitFact, Meter, MeterKind, Outage, Purchase, SupplyFact};
use report::{Category, Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a note and of a media type.
const NOTE_MAX: usize = 200;
/// Characters of a product and of a colour.
const NAME_MAX: usize = 60;
/// Supplies or blocks of one event.
const COUNT_MAX: u32 = 100_000;
/// What one event credits at most, base units: a million m².
const CREDIT_MAX: i64 = 1_000_000_000_000;
/// How far ahead an outage may be said to last: nobody knows more, and what lasts longer is entered anew.
const AHEAD_MAX: Duration = Duration::hours(62 * 24);
/// The element that a form without a kind is told of.
const FORMS: &str = "happened";

/// `/contracts/{id}/events`.
pub(super) async fn show(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    user: ResellerUser,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let read = move |tx: &mut Tx<'_>| -> Result<EventsPage, Error> {
        let contract = store::contract(tx, &user.scope, contract_id)?.ok_or(Error::NotFound)?;
        let part = Part::asked(&query);
        let at = At { portal: &within, user: &user, contract: &contract, contract_id, part };
        let form = blank(within.surroundings().now(), &at.zone());
        at.page(tx, query.get("done").map(String::as_str), &form, Vec::new())
    };
    render(&portal.db().read(read).await?)
}

/// What came of a form.
enum Outcome {
    Done(&'static str),
    Wrong(Box<EventsPage>),
}

/// Keeps what a form says happened, or withdraws what it names.
pub(super) async fn act(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let write = move |tx: &mut Tx<'_>| -> Result<Outcome, Error> {
        let contract = store::contract(tx, &user.scope, contract_id)?.ok_or(Error::NotFound)?;
        let part = Part::asked(&BTreeMap::new());
        let at = At { portal: &within, user: &user, contract: &contract, contract_id, part };
        if form.text("withdraw").is_empty() { at.keep(tx, &form) } else { at.withdraw(tx, &form) }
    };
    match portal.db().write(write).await? {
        Outcome::Done(word) => Ok(see_other(&format!("/contracts/{contract_id}/events?done={word}"))),
        Outcome::Wrong(page) => Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&*page)?).into_response()),
    }
}

/// The contract that somebody works on.
struct At<'a> {
    portal: &'a Portal,
    user: &'a ResellerUser,
    contract: &'a Contract,
    contract_id: i64,
    /// The events that are shown.
    part: Part,
}

/// The fields that name a printer.
const PRINTERS: [&str; 3] = ["outage.printer", "credit.printer", "supply.printer"];

impl At<'_> {
    fn zone(&self) -> Zone {
        Zone::new(&self.contract.terms.time_zone).unwrap_or_else(Zone::utc)
    }

    fn keep(&self, tx: &mut Tx<'_>, form: &FormData) -> Result<Outcome, Error> {
        let mut printers = store::printers(tx, &self.user.scope, self.contract_id)?;
        // Of more printers than a form lists, one is named by its serial number.
        let mut resolved = form.clone();
        for name in PRINTERS {
            let typed = form.text(name);
            if typed.is_empty() || printers.iter().any(|(id, _)| id.to_string() == typed) {
                continue;
            }
            if let Some(found) = store::printer_named(tx, &self.user.scope, self.contract_id, typed)? {
                resolved.0.insert(name.to_owned(), found.0.to_string());
                printers.push(found);
            }
        }
        let happened = match read(&resolved, self.contract, &printers, self.portal.surroundings().now()) {
            Ok(happened) => happened,
            Err(wrong) => return Ok(Outcome::Wrong(Box::new(self.page(tx, None, form, wrong)?))),
        };
        let surroundings = self.portal.surroundings();
        let new = NewEvent {
            event_id: crate::new_id(surroundings),
            contract_id: self.contract_id,
            happened: &happened,
            zone: &self.contract.terms.time_zone,
            person_id: Some(self.user.signed.person_id),
            entered_at: surroundings.now(),
        };
        store::insert(tx, &self.user.scope, &new)?;
        Ok(Outcome::Done("event"))
    }

    fn withdraw(&self, tx: &mut Tx<'_>, form: &FormData) -> Result<Outcome, Error> {
        let event_id = form.int("withdraw").ok_or(Error::NotFound)?;
        let by = (self.user.signed.person_id, self.portal.surroundings().now());
        if store::withdraw(tx, &self.user.scope, self.contract_id, event_id, by)? {
            store::keep_end(tx, &self.user.scope, self.contract_id, &self.contract.terms.time_zone)?;
            return Ok(Outcome::Done("taken-back"));
        }
        Err(Error::NotFound)
    }

    fn page(
        &self,
        tx: &mut Tx<'_>,
        done: Option<&str>,
        form: &FormData,
        wrong: Vec<FormError>,
    ) -> Result<EventsPage, Error> {
        let (scope, contract) = (&self.user.scope, self.contract);
        let printers = store::printers(tx, scope, self.contract_id)?;
        let total = store::count(tx, scope, self.contract_id)?;
        let events = store::events(tx, scope, self.contract_id, (ROWS, self.part.skipped()))?;
        let listed: BTreeSet<i64> = printers.iter().map(|(id, _)| *id).collect();
        let shown: BTreeSet<i64> = events.iter().filter_map(|event| printer_of(&event.happened)).collect();
        let others: Vec<i64> = shown.difference(&listed).copied().collect();
        let labels = store::labels(tx, scope, &others)?;
        let title = format!("Events of {}", contract.number);
        let zone = self.zone();
        let said = Said { printers: &printers, others: &labels, zone: &zone };
        let path = format!("/contracts/{}/events", self.contract_id);
        let typed = Typed { form, wrong: &wrong, zone: zone.name() };
        Ok(EventsPage {
            chrome: chrome(tx, self.portal, &self.user.signed, Some(scope), ("/contracts", &title), done)?,
            contract: Link::new(contract.number.clone(), format!("/contracts/{}", self.contract_id)),
            sub: format!("{} · times in {}", contract.customer, zone.name()),
            pager: self.part.pager(&path, events.len(), total),
            action: path,
            rows: events.iter().map(|event| said.row(event)).collect(),
            forms: typed.forms(contract, &printers),
            wrong,
        })
    }
}

/// Forms as they first stand: today where a day is asked for.
fn blank(now: Instant, zone: &Zone) -> FormData {
    let mut form = FormData::default();
    let today = format::iso_day(now, zone);
    for name in ["credit.at", "supply.at", "purchase.at"] {
        form.0.insert(name.to_owned(), today.clone());
    }
    form
}

/// The printer that an event is of, where it is of one.
fn printer_of(happened: &Happened) -> Option<i64> {
    let printer = match happened {
        Happened::Outage(outage) => Some(&outage.printer),
        Happened::Credit(credit) => Some(&credit.printer),
        Happened::Supply(supply) => supply.printer.as_ref(),
        Happened::Purchase(_) | Happened::Exit(_) => None,
    };
    printer.and_then(|printer| printer.parse().ok())
}

/// What events are told by.
struct Said<'a> {
    printers: &'a [(i64, String)],
    /// Printers that the forms do not list.
    others: &'a [(i64, String)],
    zone: &'a Zone,
}

impl Said<'_> {
    fn row(&self, kept: &Kept) -> EventRow {
        let (what, detail) = self.words(&kept.happened);
        let entered = format::instant(kept.entered_at, self.zone);
        let by = if kept.by.is_empty() { entered } else { format!("{}, {entered}", kept.by) };
        let withdrawn = kept.withdrawn.as_ref().map(|(at, by)| {
            let at = format::instant(*at, self.zone);
            let words = if by.is_empty() { format!("withdrawn {at}") } else { format!("withdrawn by {by}, {at}") };
            Status::new(Tone::Info, words)
        });
        EventRow {
            what: what.to_owned(),
            detail,
            when: format::day(kept.start, self.zone),
            by,
            withdraw: withdrawn.is_none().then_some(kept.event_id),
            withdrawn,
        }
    }

    fn words(&self, happened: &Happened) -> (&'static str, String) {
        match happened {
            Happened::Outage(outage) => {
                let (from, to) = (format::instant(outage.from, self.zone), format::instant(outage.to, self.zone));
                let words = format!("{}: {from} to {to}", self.printer(&outage.printer));
                ("Out of service", with_note(words, &outage.note))
            }
            Happened::Credit(credit) => {
                let (printer, amount) = (self.printer(&credit.printer), credit.meter.unit().show(credit.quantity));
                let media = credit.media.as_ref().map_or_else(String::new, |media| format!(" on {media}"));
                let (meter, reason) = (credit.meter.label(), credit.reason.words());
                ("Credit", with_note(format!("{printer}: {amount}, {meter}{media}, {reason}"), &credit.note))
            }
            Happened::Supply(supply) => {
                let printer = supply.printer.as_ref().map(|printer| format!("for {}", self.printer(printer)));
                let named = [supply.product.clone(), supply.colour.clone(), printer.unwrap_or_default()];
                let named: Vec<String> = named.into_iter().filter(|part| !part.is_empty()).collect();
                ("Supplies", format!("{} × {}", supply.count, named.join(" ")))
            }
            Happened::Purchase(purchase) => {
                let blocks = if purchase.blocks == 1 { "block" } else { "blocks" };
                ("Prepaid", format!("{} {blocks} bought, {}", purchase.blocks, purchase.clause))
            }
            Happened::Exit(exit) => {
                let notice = exit.noticed.map_or_else(|| "no notice".to_owned(), |day| format!("notice given {day}"));
                let breach = if exit.breach { ", by a breach of contract" } else { "" };
                ("Exit", format!("last day {}, {notice}{breach}", exit.on))
            }
        }
    }

    fn printer(&self, printer: &str) -> String {
        let known = self.printers.iter().chain(self.others).find(|(id, _)| id.to_string() == printer);
        known.map_or_else(|| format!("printer {printer}"), |(_, label)| label.clone())
    }
}

fn with_note(words: String, note: &str) -> String {
    if note.is_empty() { words } else { format!("{words}. {note}") }
}

/// The meters that can be credited: of the kinds that the contract counts, whole and by category.
fn meters(contract: &Contract) -> Vec<Meter> {
    let mut kinds: BTreeSet<MeterKind> = contract.terms.kinds();
    if kinds.is_empty() {
        kinds.extend(MeterKind::all());
    }
    let of = |kind: MeterKind| {
        let parts = Category::known().filter(move |_| kind.has_category());
        let parts = parts.map(move |category| Meter::of_category(kind, &category));
        std::iter::once(Meter::whole(kind)).chain(parts)
    };
    kinds.into_iter().flat_map(of).collect()
}

/// The prepaid clauses: their key and what they are called.
fn prepaid(contract: &Contract) -> Vec<(String, String)> {
    let clauses = contract.terms.clauses.iter().enumerate();
    let prepaid = clauses.filter_map(|(index, clause)| match clause {
        Clause::Prepaid(prepaid) => Some((index, prepaid)),
        _ => None,
    });
    let named = prepaid.map(|(index, prepaid)| {
        let key = contract.terms.key_of(index);
        let title = prepaid.title.clone().unwrap_or_else(|| key.clone());
        (key, title)
    });
    named.collect()
}

const REASONS: [(CreditReason, &str); 4] = [
    (CreditReason::Test, "test"),
    (CreditReason::Service, "service"),
    (CreditReason::Fault, "fault"),
    (CreditReason::Goodwill, "goodwill"),
];

/// What was typed, and what is wrong with it.
struct Typed<'a> {
    form: &'a FormData,
    wrong: &'a [FormError],
    zone: &'a str,
}

impl Typed<'_> {
    fn field(&self, kind: &'static str, name: &'static str, label: &str) -> Field {
        self.filled(Field::new(kind, name, label), name)
    }

    fn filled(&self, field: Field, name: &'static str) -> Field {
        let element = Field::id(name);
        let wrong = self.wrong.iter().find(|wrong| wrong.field == element).map(|wrong| wrong.text.clone());
        field.value(self.form.text(name)).wrong(wrong)
    }

    fn choice(&self, name: &'static str, label: &str, choices: Vec<(String, String)>) -> Field {
        self.filled(Field::select(name, label, choices, self.form.text(name)), name)
    }

    fn printer(&self, name: &'static str, printers: &[(i64, String)], none: Option<&str>) -> Field {
        let is_all = i64::try_from(printers.len()).is_ok_and(|count| count < PRINTERS_MAX);
        if !is_all {
            let hint = none.map_or_else(String::new, |words| format!("; empty: {words}"));
            let field = self.field("text", name, "Printer").hint(format!("its serial number{hint}"));
            return if none.is_some() { field } else { field.required() };
        }
        let none = none.map(|words| (String::new(), words.to_owned()));
        let printers = printers.iter().map(|(id, label)| (id.to_string(), label.clone()));
        self.choice(name, "Printer", none.into_iter().chain(printers).collect())
    }

    fn time(&self, name: &'static str, label: &str) -> Field {
        self.field("datetime-local", name, label).required().hint(format!("in {}", self.zone))
    }

    fn form_of(&self, kind: &'static str, title: &'static str, about: &'static str, fields: Vec<Field>) -> EventForm {
        EventForm { kind, title, about, fields, open: self.form.text("kind") == kind }
    }

    fn forms(&self, contract: &Contract, printers: &[(i64, String)]) -> Vec<EventForm> {
        let mut forms = Vec::new();
        if !printers.is_empty() {
            forms.push(self.outage(printers));
            forms.push(self.credit(contract, printers));
        }
        forms.push(self.supply(printers));
        let blocks = prepaid(contract);
        if !blocks.is_empty() {
            let fields = vec![
                self.choice("purchase.clause", "Prepaid clause", blocks),
                self.filled(Field::number("purchase.blocks", "Blocks").required(), "purchase.blocks"),
                self.field("date", "purchase.at", "Bought on").required(),
            ];
            let about = "Blocks bought by hand. Those that the contract buys by itself need no entry.";
            forms.push(self.form_of("purchase", "Prepaid blocks were bought", about, fields));
        }
        let breach = vec![("no".to_owned(), "no".to_owned()), ("yes".to_owned(), "yes".to_owned())];
        let fields = vec![
            self.field("date", "exit.on", "Last day").required(),
            self.field("date", "exit.noticed", "Notice given on").hint("empty: no notice"),
            self.choice("exit.breach", "By a breach of the contract", breach),
        ];
        let about = "What is charged at the end is the contract's to say.";
        forms.push(self.form_of("exit", "The customer leaves", about, fields));
        forms
    }

    fn outage(&self, printers: &[(i64, String)]) -> EventForm {
        let fields = vec![
            self.printer("outage.printer", printers, None),
            self.time("outage.from", "Failed"),
            self.time("outage.to", "In service again"),
            self.field("text", "outage.note", "Note"),
        ];
        let about = "Times out of service lower fees where the contract says so.";
        self.form_of("outage", "A printer was out of service", about, fields)
    }

    fn credit(&self, contract: &Contract, printers: &[(i64, String)]) -> EventForm {
        let meters = meters(contract).into_iter();
        let meters = meters.map(|meter| (meter.to_string(), format!("{} in {}", meter.label(), meter.unit().label())));
        let reasons = REASONS.iter().map(|(reason, word)| ((*word).to_owned(), reason.words().to_owned()));
        let fields = vec![
            self.printer("credit.printer", printers, None),
            self.choice("credit.meter", "What", meters.collect()),
            self.filled(Field::number("credit.value", "How much").required(), "credit.value"),
            self.field("text", "credit.media", "Media").hint("empty: any"),
            self.field("date", "credit.at", "Printed on").required(),
            self.choice("credit.reason", "Why", reasons.collect()),
            self.field("text", "credit.note", "Note"),
        ];
        let about = "Prints that the customer does not pay. They count only where the contract has a credit clause.";
        self.form_of("credit", "Prints to credit", about, fields)
    }

    fn supply(&self, printers: &[(i64, String)]) -> EventForm {
        let fields = vec![
            self.printer("supply.printer", printers, Some("for the whole contract")),
            self.field("text", "supply.product", "Product number"),
            self.field("text", "supply.colour", "Colour"),
            self.filled(Field::number("supply.count", "How many").required(), "supply.count"),
            self.field("date", "supply.at", "Delivered on").required(),
        ];
        let about = "Deliveries are held against what the prints needed, where the contract says so.";
        self.form_of("supply", "Supplies were delivered", about, fields)
    }
}

/// Reads a form against the contract and its printers.
fn read(
    form: &FormData,
    contract: &Contract,
    printers: &[(i64, String)],
    now: Instant,
) -> Result<Happened, Vec<FormError>> {
    let mut asked = Asked { form, contract, printers, now, wrong: Vec::new() };
    let happened = match form.text("kind") {
        "outage" => asked.outage(),
        "credit" => asked.credit(),
        "supply" => asked.supply(),
        "purchase" => asked.purchase(),
        "exit" => asked.exit(),
        _ => {
            let text = "Choose an event: fill in one of the forms below.".to_owned();
            asked.wrong.push(FormError { field: FORMS.to_owned(), text });
            None
        }
    };
    match happened {
        Some(happened) if asked.wrong.is_empty() => Ok(happened),
        _ => Err(asked.wrong),
    }
}

/// A form that is read; what is wrong is collected.
struct Asked<'a> {
    form: &'a FormData,
    contract: &'a Contract,
    printers: &'a [(i64, String)],
    now: Instant,
    wrong: Vec<FormError>,
}

impl Asked<'_> {
    fn miss<T>(&mut self, name: &str, text: &str) -> Option<T> {
        self.wrong.push(FormError { field: Field::id(name), text: text.to_owned() });
        None
    }

    fn printer(&mut self, name: &str) -> Option<String> {
        let chosen = self.form.int(name);
        match self.printers.iter().find(|(id, _)| Some(*id) == chosen) {
            Some((id, _)) => Some(id.to_string()),
            None => self.miss(name, "Printer: choose one of this contract."),
        }
    }

    /// A day, or a day with its minute.
    fn time(&mut self, name: &str, what: &str) -> Option<Instant> {
        match instant(self.form.text(name), &self.contract.terms.time_zone) {
            Some(at) => Some(at),
            None => self.miss(name, &format!("{what}: say it such as 2026-10-15 or 2026-10-15 08:30.")),
        }
    }

    /// The same, of what has happened: not a day to come.
    fn past(&mut self, name: &str, what: &str) -> Option<Instant> {
        let at = self.time(name, what)?;
        if at <= self.now {
            return Some(at);
        }
        self.miss(name, &format!("{what}: this day is still to come. Enter it once it has happened."))
    }

    /// A day of the contract's zone as people write it.
    fn day(&self, at: Instant) -> String {
        let zone = Zone::new(&self.contract.terms.time_zone).unwrap_or_else(Zone::utc);
        format::day(at, &zone)
    }

    fn text(&mut self, name: &str, most: usize) -> Option<String> {
        let text = self.form.text(name);
        if text.chars().count() <= most {
            return Some(text.to_owned());
        }
        self.miss(name, &format!("This is longer than {most} characters."))
    }

    fn count(&mut self, name: &str, what: &str) -> Option<u32> {
        match self.form.text(name).parse::<u32>() {
            Ok(count) if (1..=COUNT_MAX).contains(&count) => Some(count),
            _ => self.miss(name, &format!("{what}: say a whole number from 1 to {COUNT_MAX}.")),
        }
    }

    fn outage(&mut self) -> Option<Happened> {
        let (printer, note) = (self.printer("outage.printer"), self.text("outage.note", NOTE_MAX));
        let (from, to) = (self.time("outage.from", "Failed"), self.time("outage.to", "In service again"));
        let (printer, note, from, to) = (printer?, note?, from?, to?);
        if to <= from {
            return self.miss("outage.to", "In service again: this is not after it failed.");
        }
        if self.now.plus(AHEAD_MAX) < to {
            let words = "In service again: this is more than two months ahead. Say a nearer day; where it lasts \
                         longer, withdraw this then and enter it anew.";
            return self.miss("outage.to", words);
        }
        if let Some(starts) = self.contract.starts_at.filter(|starts| to <= *starts) {
            let words = format!("In service again: the contract starts on {}, after that.", self.day(starts));
            return self.miss("outage.to", &words);
        }
        Some(Happened::Outage(Outage { printer, from, to, note }))
    }

    fn credit(&mut self) -> Option<Happened> {
        let (printer, note) = (self.printer("credit.printer"), self.text("credit.note", NOTE_MAX));
        let meter = match Meter::parse(self.form.text("credit.meter")) {
            Ok(meter) => Some(meter),
            Err(_) => self.miss("credit.meter", "What: choose a meter."),
        };
        let quantity = match meter.as_ref().and_then(|meter| meter.unit().parse(self.form.text("credit.value"))) {
            Some(quantity) if (1..=CREDIT_MAX).contains(&quantity) => Some(quantity),
            Some(quantity) if quantity > CREDIT_MAX => {
                self.miss("credit.value", "How much: this is more than one credit may be. Look at the number again.")
            }
            _ => self.miss("credit.value", "How much: say a number above 0, such as 12.50."),
        };
        let reason = REASONS.iter().find(|(_, word)| *word == self.form.text("credit.reason"));
        let reason = match reason {
            Some((reason, _)) => Some(*reason),
            None => self.miss("credit.reason", "Why: choose a reason."),
        };
        let (media, at) = (self.text("credit.media", NOTE_MAX), self.past("credit.at", "Printed on"));
        let media = media.map(|media| (!media.is_empty()).then_some(media));
        Some(Happened::Credit(CreditFact {
            printer: printer?,
            meter: meter?,
            media: media?,
            quantity: quantity?,
            at: at?,
            reason: reason?,
            note: note?,
        }))
    }

    fn supply(&mut self) -> Option<Happened> {
        let is_whole = self.form.text("supply.printer").is_empty();
        let printer = if is_whole { Some(None) } else { self.printer("supply.printer").map(Some) };
        let (product, colour) = (self.text("supply.product", NAME_MAX), self.text("supply.colour", NAME_MAX));
        let (count, at) = (self.count("supply.count", "How many"), self.past("supply.at", "Delivered on"));
        let (product, colour) = (product?, colour?);
        if product.is_empty() && colour.is_empty() {
            return self.miss("supply.product", "Product number: say the product or its colour.");
        }
        Some(Happened::Supply(SupplyFact { printer: printer?, product, colour, count: count?, at: at? }))
    }

    fn purchase(&mut self) -> Option<Happened> {
        let chosen = self.form.text("purchase.clause");
        let clause = match prepaid(self.contract).into_iter().find(|(key, _)| key == chosen) {
            Some((key, _)) => Some(key),
            None => self.miss("purchase.clause", "Prepaid clause: choose one of this contract."),
        };
        let (blocks, at) = (self.count("purchase.blocks", "Blocks"), self.past("purchase.at", "Bought on"));
        Some(Happened::Purchase(Purchase { clause: clause?, blocks: blocks?, at: at? }))
    }

    fn exit(&mut self) -> Option<Happened> {
        let on = match Day::parse(self.form.text("exit.on")) {
            Ok(day) => Some(day),
            Err(_) => self.miss("exit.on", "Last day: say a day such as 2026-12-31."),
        };
        let noticed = match self.form.text("exit.noticed") {
            "" => Some(None),
            typed => match Day::parse(typed) {
                Ok(day) => Some(Some(day)),
                Err(_) => self.miss("exit.noticed", "Notice given on: say a day such as 2026-10-01, or nothing."),
            },
        };
        let breach = self.form.text("exit.breach") == "yes";
        let (on, noticed) = (self.exit_day(on?), self.notice_day(on?, noticed?));
        Some(Happened::Exit(ExitFact { on: on?, noticed: noticed?, breach }))
    }

    /// A last day is a day of the contract.
    fn exit_day(&mut self, on: Day) -> Option<Day> {
        let zone = &self.contract.terms.time_zone;
        let first = self.contract.starts_at.and_then(|starts| Day::of(starts, zone).ok());
        match first.filter(|first| on < *first) {
            Some(first) => {
                self.miss("exit.on", &format!("Last day: the contract starts on {first}; say that day or a later one."))
            }
            None => Some(on),
        }
    }

    /// Notice is given by the last day, and has been given.
    fn notice_day(&mut self, on: Day, noticed: Option<Day>) -> Option<Option<Day>> {
        let today = Day::of(self.now, &self.contract.terms.time_zone).ok();
        match noticed {
            Some(noticed) if on < noticed => {
                self.miss("exit.noticed", &format!("Notice given on: this is after the last day, {on}."))
            }
            Some(noticed) if today.is_some_and(|today| today < noticed) => {
                self.miss("exit.noticed", "Notice given on: this day is still to come.")
            }
            noticed => Some(noticed),
        }
    }
}

/// An instant typed in a zone: `2026-10-15`, `2026-10-15T08:30` or `2026-10-15 08:30`.
fn instant(text: &str, zone: &str) -> Option<Instant> {
    // In these lengths only a day fits, or a day and a minute: no zone and no seconds.
    if text.len() == "2026-10-15".len() {
        return start_of_day(text, zone);
    }
    if text.len() != "2026-10-15T08:30".len() {
        return None;
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    if !(2000..=2100).contains(&civil.year()) {
        return None;
    }
    let zoned = civil.to_zoned(billing::time_zone(zone).ok()?).ok()?;
    Some(Instant(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Currency, Terms};

    fn contract() -> Contract {
        let terms = Terms::new(Currency::parse("EUR").expect("known"), "Europe/Berlin");
        let starts_at = Some(NOW.plus(Duration::hours(-90 * 24)));
        Contract { number: "C-1".to_owned(), customer: "Bau".to_owned(), terms, starts_at }
    }

    /// 20 November 2026, noon.
    const NOW: Instant = Instant(1_795_176_000_000);

    fn said(pairs: &[(&str, &str)]) -> Result<Happened, Vec<String>> {
        let form = FormData(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let wrong = |wrong: Vec<FormError>| wrong.into_iter().map(|wrong| wrong.field).collect();
        read(&form, &contract(), &[(7, "T930".to_owned())], NOW).map_err(wrong)
    }

    #[test]
    fn an_outage_has_a_printer_of_the_contract_and_ends_after_it_began() {
        let whole = [
            ("kind", "outage"),
            ("outage.printer", "7"),
            ("outage.from", "2026-10-15T08:30"),
            ("outage.to", "2026-10-16"),
            ("outage.note", "no carriage"),
        ];
        let from = Instant::parse("2026-10-15T06:30:00Z").expect("a timestamp");
        let to = Instant::parse("2026-10-15T22:00:00Z").expect("a timestamp");
        let note = "no carriage".to_owned();
        assert_eq!(said(&whole), Ok(Happened::Outage(Outage { printer: "7".to_owned(), from, to, note })));
        let mut strange = whole;
        strange[1].1 = "8";
        assert_eq!(said(&strange), Err(vec!["f-outage-printer".to_owned()]));
        let mut backwards = whole;
        backwards[3].1 = "2026-10-15";
        assert_eq!(said(&backwards), Err(vec!["f-outage-to".to_owned()]));
    }

    #[test]
    fn a_credit_is_read_in_the_unit_of_its_meter() {
        let whole = [
            ("kind", "credit"),
            ("credit.printer", "7"),
            ("credit.meter", "area-printed/mono-line"),
            ("credit.value", "12.5"),
            ("credit.at", "2026-10-15"),
            ("credit.reason", "service"),
        ];
        let Ok(Happened::Credit(credit)) = said(&whole) else { panic!("{:?}", said(&whole)) };
        assert_eq!((credit.quantity, credit.media, credit.reason), (12_500_000, None, CreditReason::Service));
        for (place, value) in [(3, "0"), (3, "-1"), (3, "many"), (4, ""), (5, "bad luck")] {
            let mut wrong = whole;
            wrong[place].1 = value;
            assert_eq!(said(&wrong).map_err(|wrong| wrong.len()), Err(1), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_is_told_beside_its_field() {
        assert_eq!(said(&[]), Err(vec!["happened".to_owned()]));
        let (at, colour) = (("supply.at", "2026-10-15"), ("supply.colour", "cyan"));
        let supply = [("kind", "supply"), ("supply.count", "0"), at, colour];
        assert_eq!(said(&supply), Err(vec!["f-supply-count".to_owned()]));
        let purchase = [("kind", "purchase"), ("purchase.blocks", "2"), ("purchase.at", "2026-10-15")];
        assert_eq!(said(&purchase), Err(vec!["f-purchase-clause".to_owned()]));
        let exit = [("kind", "exit"), ("exit.on", "2026-12-31"), ("exit.noticed", "soon")];
        assert_eq!(said(&exit), Err(vec!["f-exit-noticed".to_owned()]));
    }

    #[test]
    fn days_that_cannot_be_are_refused() {
        let exit = |on, noticed| said(&[("kind", "exit"), ("exit.on", on), ("exit.noticed", noticed)]).err();
        let field = |name: &str| Some(vec![name.to_owned()]);
        assert_eq!(NOW, Instant::parse("2026-11-20T12:00:00Z").expect("a timestamp"));
        // The contract starts on 22 August 2026.
        assert_eq!(exit("2026-08-22", ""), None);
        assert_eq!(exit("2020-01-01", ""), field("f-exit-on"));
        assert_eq!(exit("2026-12-31", "2026-11-20"), None);
        assert_eq!(exit("2026-10-31", "2026-11-01"), field("f-exit-noticed"));
        assert_eq!(exit("2027-12-31", "2026-11-21"), field("f-exit-noticed"));
        let outage = |from, to| {
            let said = said(&[("kind", "outage"), ("outage.printer", "7"), ("outage.from", from), ("outage.to", to)]);
            said.err()
        };
        assert_eq!(outage("2026-11-19", "2027-01-15"), None);
        assert_eq!(outage("2026-10-10", "2028-10-10"), field("f-outage-to"));
        assert_eq!(outage("2026-08-01", "2026-08-10"), field("f-outage-to"));
        let credit = |at| {
            let meter = ("credit.meter", "area-printed");
            let whole = [("kind", "credit"), ("credit.printer", "7"), meter, ("credit.value", "1")];
            let rest = [("credit.at", at), ("credit.reason", "service")];
            said(&[whole.as_slice(), rest.as_slice()].concat()).err()
        };
        assert_eq!(credit("2026-11-20"), None);
        assert_eq!(credit("2030-01-01"), field("f-credit-at"));
        let (count, colour) = (("supply.count", "1"), ("supply.colour", "cyan"));
        let supply = [("kind", "supply"), count, colour, ("supply.at", "2026-11-21")];
        assert_eq!(said(&supply).err(), field("f-supply-at"));
    }

    #[test]
    fn a_time_is_a_day_or_a_minute() {
        let zone = "Europe/Berlin";
        assert_eq!(instant("2026-10-15 08:30", zone), Instant::parse("2026-10-15T06:30:00Z"));
        for odd in ["", "2026-10-15T8:30", "2026-10-15T08:30Z", "1970-10-15T08:30", "2026-10-15T08:61"] {
            assert_eq!(instant(odd, zone), None, "{odd}");
        }
    }
}
