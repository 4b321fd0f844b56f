//! Fills the pages of contracts from what the store gives.
//!
//! Deliberately absent: any change to the database, and checking a form.

use super::form::{self, Wrong};
use super::page::{AssignedRow, ContractFormPage, ContractPage, ContractRow, ContractStatementRow, ContractsPage};
use super::page::{EndStay, PriceFields, VersionRow};
use super::store::{self, Contract, Customer, Listed, Made, Printer, Stay, Version};
use super::words;
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Check, Fact, Field, FormError, Link, Status, Tone};
use crate::shell::part::{Part, ROWS};
use crate::shell::{FormData, ResellerUser, chrome};
use billing::{Clause, Currency, Evidence, Meter, MeterKind, Month, Pattern, Period, Rounding, Terms};
use billing::{UnitPrice, month_of};
use report::{Category, Duration, Instant, Share};
use std::collections::BTreeMap;

/// How far back a statement can be made from the contract's page.
const MONTHS_BACK: Duration = Duration::hours(400 * 24);
/// Months to choose from at most.
const MONTHS_MAX: usize = 24;

/// The zone that cuts the contract's periods; its dates are shown in it.
pub(super) fn zone_of(terms: &Terms) -> Zone {
    Zone::new(&terms.time_zone).unwrap_or_else(Zone::utc)
}

/// The version in force at `now`, else the first one. Versions come with the one that starts last first.
pub(super) fn in_force(versions: &[Version], now: Instant) -> Option<&Version> {
    versions.iter().find(|version| version.valid_from <= now).or(versions.last())
}

/// `/contracts`.
pub(super) fn list(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    query: &BTreeMap<String, String>,
) -> Result<ContractsPage, DbError> {
    let now = portal.surroundings().now();
    let part = Part::asked(query);
    let (contracts, customers) = store::counts(tx, &user.scope)?;
    let listed = store::list(tx, &user.scope, now, ROWS, part.skipped())?;
    let (is_one, of_one) = (contracts == 1, customers == 1);
    let (noun, of) = (if is_one { "contract" } else { "contracts" }, if of_one { "customer" } else { "customers" });
    let done = query.get("done").map(String::as_str);
    Ok(ContractsPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/contracts", "Contracts"), done)?,
        sub: format!("{contracts} {noun} of {customers} {of} · dates in each contract's zone"),
        rows: listed.iter().map(|listed| row(listed, now)).collect(),
        pager: part.pager("/contracts", listed.len(), contracts),
    })
}

fn row(listed: &Listed, now: Instant) -> ContractRow {
    let since = format::day(listed.valid_from, &zone_of(&listed.terms));
    ContractRow {
        href: format!("/contracts/{}", listed.contract_id),
        name: listed.number.clone(),
        customer: listed.customer.clone(),
        printers: listed.printers,
        base_fee: words::base_fee(&listed.terms),
        version: format!("{}, since {since}", listed.version),
        status: status(listed.valid_from, now, listed.printers > 0),
    }
}

fn status(starts: Instant, now: Instant, has_printers: bool) -> Status {
    if now < starts {
        Status::new(Tone::Info, "not yet in force")
    } else if has_printers {
        Status::new(Tone::Good, "in force")
    } else {
        Status::new(Tone::Warn, "no printer")
    }
}

/// What was said on the way to a contract's page.
#[derive(Default)]
pub(super) struct Said<'a> {
    /// The word of the last act.
    pub(super) done: Option<&'a str>,
    /// The form by which a printer was not assigned, and why.
    pub(super) assign: Option<(&'a FormData, &'a Wrong)>,
}

/// `/contracts/{id}`.
pub(super) fn contract(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    contract: &Contract,
    said: &Said<'_>,
) -> Result<ContractPage, DbError> {
    let (scope, id, now) = (&user.scope, contract.contract_id, portal.surroundings().now());
    let versions = store::versions(tx, scope, id)?;
    let version = in_force(&versions, now).ok_or_else(|| DbError::Unfit(format!("contract {id} has no version")))?;
    let terms = &version.terms;
    let zone = zone_of(terms);
    let stays = store::stays(tx, scope, id)?;
    let made = store::statements(tx, scope, id)?;
    let free = store::free_printers(tx, scope, contract.customer_id)?;
    let has_printers = stays.iter().any(|stay| stay.from <= now && stay.to.is_none_or(|to| now < to));
    Ok(ContractPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/contracts", &contract.number), said.done)?,
        name: contract.number.clone(),
        sub: format!("{} · version {} · dates in {}", contract.customer, version.number, zone.name()),
        href: format!("/contracts/{id}"),
        status: status(version.valid_from, now, has_printers),
        facts: facts(contract, terms),
        terms: terms.in_words(),
        lint: words::lint(terms),
        prices: words::price_rows(terms),
        currency: terms.currency.code().to_owned(),
        allowances: words::included(terms),
        evidence: words::evidence(terms),
        printers: stays.iter().map(|stay| assigned(id, stay, now, &zone)).collect(),
        assign: assign(&free, now, &zone, said.assign),
        create: create(&versions, &made, now, terms),
        statements: made.iter().map(|made| statement(made, &zone)).collect(),
        versions: timeline(&versions, &zone),
    })
}

fn facts(contract: &Contract, terms: &Terms) -> Vec<Fact> {
    let taxes = terms.clauses.iter().filter_map(|clause| match clause {
        Clause::Tax(tax) => Some(tax),
        _ => None,
    });
    // Parts per million are ten thousandths of a percent; a price has millionths.
    let percent = |rate: Share| String::from(UnitPrice { millionths: rate.0.saturating_mul(100) });
    let taxes: Vec<String> = taxes.map(|tax| format!("{} {} %", tax.name, percent(tax.rate))).collect();
    let tax = if taxes.is_empty() { "none".to_owned() } else { taxes.join(", ") };
    let Rounding::LineHalfUp = terms.rounding;
    vec![
        Fact::new("Customer", contract.customer.as_str()).linked(format!("/customers/{}", contract.customer_id)),
        Fact::new("Currency", terms.currency.code()),
        Fact::new("Tax", tax),
        Fact::new("Zone of the periods", terms.time_zone.as_str()),
        Fact::new("Rounding", "each line once, half-up"),
    ]
}

fn assigned(contract_id: i64, stay: &Stay, now: Instant, zone: &Zone) -> AssignedRow {
    let id = stay.printer.printer_id;
    let end = stay.to.is_none().then(|| EndStay {
        action: format!("/contracts/{contract_id}/printers/{id}/end"),
        id: format!("end-{id}"),
        day: format::iso_day(now, zone),
    });
    AssignedRow {
        printer: Link::new(stay.printer.label.as_str(), format!("/printers/{id}")),
        serial: stay.printer.serial.clone(),
        from: format::day(stay.from, zone),
        to: stay.to.map_or_else(|| "open".to_owned(), |to| format::day(to, zone)),
        end,
    }
}

/// The fields that assign one of `free`; none where there is nothing to assign.
fn assign(free: &[Printer], now: Instant, zone: &Zone, said: Option<(&FormData, &Wrong)>) -> Vec<Field> {
    if free.is_empty() && said.is_none() {
        return Vec::new();
    }
    let typed = |name: &str| said.map_or("", |(form, _)| form.text(name));
    let wrong = |name: &str| said.filter(|(_, wrong)| wrong.field == name).map(|(_, wrong)| wrong.text.clone());
    let from = match typed("from") {
        "" => format::iso_day(now, zone),
        typed => typed.to_owned(),
    };
    let choice = |printer: &Printer| {
        let label = if printer.label.contains(&printer.serial) {
            printer.label.clone()
        } else {
            format!("{} · {}", printer.label, printer.serial)
        };
        (printer.printer_id.to_string(), label)
    };
    let printers = Field::select("printer", "Printer", free.iter().map(choice), typed("printer"));
    let from = Field::new("date", "from", "From").value(from).required();
    vec![printers.required().wrong(wrong("printer")), from.wrong(wrong("from"))]
}

/// The fields that make a statement: a month, else days.
fn create(versions: &[Version], made: &[Made], now: Instant, terms: &Terms) -> Vec<Field> {
    let months = months(versions, made, now, &terms.time_zone);
    if months.is_empty() && versions.last().is_none_or(|first| now < first.valid_from) {
        return Vec::new();
    }
    let over = months.iter().find(|month| month.is_over).or(months.first());
    let chosen = over.map(|month| month.value.clone()).unwrap_or_default();
    let months = months.into_iter().map(|month| (month.value, month.label));
    let other = [(String::new(), "the days beside".to_owned())];
    vec![
        Field::select("period", "Period", months.chain(other), &chosen),
        Field::new("date", "period_from", "or from"),
        Field::new("date", "period_to", "to the last day"),
    ]
}

/// A month that a statement can be made for.
struct MonthChoice {
    value: String,
    label: String,
    is_over: bool,
}

/// The months since the contract started that no approved statement touches, newest first.
fn months(versions: &[Version], made: &[Made], now: Instant, zone: &str) -> Vec<MonthChoice> {
    let Some(first) = versions.last() else { return Vec::new() };
    let earliest = first.valid_from.max(now.plus(Duration(-MONTHS_BACK.0)));
    let (Ok(start), Ok(last)) = (month_of(earliest, zone), month_of(now, zone)) else { return Vec::new() };
    let mut all = Vec::new();
    let mut next = Some(start);
    while let Some(month) = next.filter(|month| *month <= last && all.len() < MONTHS_MAX) {
        all.push(month);
        next = month.following().ok();
    }
    all.into_iter().rev().filter_map(|month| month_choice(month, made, now, zone)).collect()
}

fn month_choice(month: Month, made: &[Made], now: Instant, zone: &str) -> Option<MonthChoice> {
    let period = Period::of_month(month, zone).ok()?;
    let touching = || made.iter().filter(|made| made.period.start < period.end && period.start < made.period.end);
    if touching().any(|made| !made.is_draft) {
        return None;
    }
    let is_over = period.end <= now;
    let label = match (touching().next().is_some(), is_over) {
        (true, _) => format!("{}, replacing the draft", month.label()),
        (false, true) => month.label(),
        (false, false) => format!("{}, not over yet", month.label()),
    };
    Some(MonthChoice { value: month.to_string(), label, is_over })
}

fn statement(made: &Made, zone: &Zone) -> ContractStatementRow {
    let (number, status) = match made.number {
        Some(number) if !made.is_draft => (super::statement_number(number), Status::new(Tone::Good, "approved")),
        _ => ("draft".to_owned(), Status::new(Tone::Info, "draft")),
    };
    let last = Instant(made.period.end.0.saturating_sub(1));
    let period = made.period.label(zone.name());
    let digits = Currency::parse(&made.currency).map_or(2, Currency::minor_digits);
    ContractStatementRow {
        statement: Link::new(number, format!("/statements/{}", made.statement_id)),
        period: period
            .unwrap_or_else(|_| format!("{} to {}", format::day(made.period.start, zone), format::day(last, zone))),
        total: format::money(made.total, u32::from(digits), &made.currency),
        status,
    }
}

fn timeline(versions: &[Version], zone: &Zone) -> Vec<VersionRow> {
    let row = |(index, version): (usize, &Version)| {
        let at = format::day(version.created_at, zone);
        VersionRow {
            number: version.number,
            from: format::day(version.valid_from, zone),
            by: if version.by.is_empty() { at } else { format!("{}, {at}", version.by) },
            change: words::change(version, versions.get(index + 1)),
        }
    };
    versions.iter().enumerate().map(row).collect()
}

/// A form of a contract or of a further version, as it is to be shown.
pub(super) struct Shown<'a> {
    /// The contract that gets a version; `None` for a new contract.
    pub(super) contract: Option<&'a Contract>,
    /// What stands in the fields.
    pub(super) form: &'a FormData,
    /// What is wrong with it.
    pub(super) wrong: &'a [Wrong],
}

impl Shown<'_> {
    fn wrong(&self, name: &str) -> Option<String> {
        self.wrong.iter().find(|wrong| wrong.field == name).map(|wrong| wrong.text.clone())
    }

    fn text(&self, name: &str, label: &str) -> Field {
        Field::text(name, label).value(self.form.text(name)).wrong(self.wrong(name))
    }

    fn number(&self, name: &str, label: &str) -> Field {
        Field::number(name, label).value(self.form.text(name)).wrong(self.wrong(name))
    }

    fn date(&self, name: &str, label: &str) -> Field {
        Field::new("date", name, label).value(self.form.text(name)).required().wrong(self.wrong(name))
    }

    fn select<V, L>(&self, name: &str, label: &str, choices: impl IntoIterator<Item = (V, L)>) -> Field
    where
        V: Into<String>,
        L: Into<String>,
    {
        Field::select(name, label, choices, self.form.text(name)).wrong(self.wrong(name))
    }
}

/// `/contracts/new` and `/contracts/{id}/versions/new`.
pub(super) fn form_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    shown: &Shown<'_>,
) -> Result<ContractFormPage, DbError> {
    let meters = store::meters(tx, &user.scope)?;
    let customers = if shown.contract.is_none() { store::customers(tx, &user.scope)? } else { Vec::new() };
    let (heading, action, cancel) = match shown.contract {
        Some(contract) => {
            let href = format!("/contracts/{}", contract.contract_id);
            (format!("New version of {}", contract.number), format!("{href}/versions/new"), href)
        }
        None => ("New contract".to_owned(), "/contracts/new".to_owned(), "/contracts".to_owned()),
    };
    let error = |wrong: &Wrong| FormError { field: Field::id(&wrong.field), text: wrong.text.clone() };
    let parts = part_choices(&meters, shown.form);
    let prices = (1..=form::rows(shown.form)).map(|number| price(shown, number, &parts)).collect();
    Ok(ContractFormPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/contracts", &heading), None)?,
        heading,
        action,
        cancel,
        errors: shown.wrong.iter().map(error).collect(),
        parties: parties(shown, &customers),
        money: money(shown),
        allowance: vec![
            shown.number("allowance", "Included quantity a period").hint("Leave empty for none."),
            shown.select("allowance_meter", "Of", kinds()),
        ],
        covers: covers(&parts, shown.form),
        prices,
        evidence: MeterKind::all().map(|kind| evidence(shown, kind)).collect(),
    })
}

fn parties(shown: &Shown<'_>, customers: &[Customer]) -> Vec<Field> {
    let starts = shown.date("starts", "From");
    if shown.contract.is_some() {
        return vec![starts.hint("Not before the last version.")];
    }
    let choices = customers.iter().map(|customer| (customer.customer_id.to_string(), customer.name.as_str()));
    vec![
        shown.select("customer", "Customer", choices).required(),
        shown.text("name", "Number").required().hint("As it stands on your contract, such as C-112."),
        starts,
    ]
}

fn money(shown: &Shown<'_>) -> Vec<Field> {
    let currencies = Currency::all().map(|currency| (currency.code(), currency.code()));
    let per = [("contract", "for the contract"), ("printer", "for each printer")];
    vec![
        shown.number("base_fee", "Base fee a period").hint("Leave empty for none."),
        shown.select("base_fee_per", "The fee is", per),
        shown.select("currency", "Currency", currencies),
        shown.number("tax", "Tax in percent").hint("Leave empty for none."),
        shown.text("tax_name", "Name of the tax"),
        shown.text("zone", "Time zone of the periods").hint("Such as Europe/Berlin; empty: the customer's."),
    ]
}

fn kinds() -> impl Iterator<Item = (&'static str, String)> {
    MeterKind::all().map(|kind| (kind.word(), format!("{}, {}", words::kind_label(kind), kind.unit().label())))
}

fn evidence(shown: &Shown<'_>, kind: MeterKind) -> Field {
    let name = format!("evidence.{}", kind.word());
    let choices = [(Evidence::Jobs.word(), "the job log"), (Evidence::Counter.word(), "the lifetime counters")];
    shown.select(&name, &words::kind_label(kind), choices)
}

fn price(shown: &Shown<'_>, number: usize, parts: &[(String, String)]) -> PriceFields {
    let name = |part: &str| format!("prices.{number}.{part}");
    let parts = parts.iter().map(|(value, label)| (value.as_str(), label.as_str()));
    PriceFields {
        number,
        fields: vec![
            shown.select(&name("meter"), "Meter", kinds()),
            shown.select(&name("category"), "Category", parts),
            shown.text(&name("media"), "Media"),
            shown.number(&name("price"), "Price"),
        ],
    }
}

/// What a price can be for: any, the well-known categories, what the printers count, what is typed.
fn part_choices(meters: &[String], form: &FormData) -> Vec<(String, String)> {
    let mut choices = vec![(String::new(), "any".to_owned())];
    choices.extend(Category::known().map(|category| (category.id().to_owned(), category.label().to_owned())));
    let counted = meters.iter().filter_map(|name| Meter::parse(name).ok());
    let counted = counted.map(|meter| Pattern {
        category: meter.category(),
        colour: meter.colour().map(str::to_owned),
        ..Pattern::every(meter.kind())
    });
    let typed = form.0.iter().filter(|(name, _)| name.starts_with("prices.") && name.ends_with(".category"));
    let ticked = form.0.keys().filter_map(|name| name.strip_prefix("covers.")).map(str::to_owned);
    let values = counted.map(|pattern| form::part_value(&pattern));
    for value in values.chain(typed.map(|(_, value)| value.clone())).chain(ticked) {
        if choices.iter().all(|(known, _)| *known != value) {
            let label = value.replacen('/', ", ", 1);
            choices.push((value, label));
        }
    }
    choices
}

fn covers(parts: &[(String, String)], form: &FormData) -> Vec<Check> {
    let categories = parts.iter().filter(|(value, _)| !value.is_empty() && !value.starts_with("ink/"));
    let check = |(value, label): &(String, String)| {
        let name = format!("covers.{value}");
        Check { checked: form.text(&name) == "yes", name, value: "yes".to_owned(), label: label.clone() }
    };
    categories.map(check).collect()
}
