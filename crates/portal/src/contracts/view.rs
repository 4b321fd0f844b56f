//! Fills the pages of contracts from what the store gives.
//!
//! Deliberately absent: any change to the database, and checking a form.

use super::approve::{self, State};
use super::form::Wrong;
use super::form_view::remark;
use super::outlook::{self, Outlook};
use super::page::{AssignedRow, ContractPage, ContractRow, ContractStatementRow, ContractsPage, Decide, EndStay};
use super::page::{Remark, VersionRow};
use super::store::{self, Billed, Contract, Listed, Made, Printer, Stay, Version};
use super::{around, follow, words};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Fact, Field, Link, Status, Tone};
use crate::shell::part::{Part, ROWS};
use crate::shell::{Error, FormData, ResellerScope, ResellerUser, chrome};
use crate::statements;
use crate::statements::store::State as StatementState;
use billing::{Clause, Currency, DocumentKind, Month, Terms, UnitPrice, month_of};
use report::{Duration, Instant, Share};
use std::collections::BTreeMap;

/// How far back a statement can be made from the contract's page.
const MONTHS_BACK: Duration = Duration::hours(400 * 24);
/// Months that are looked at for periods to choose from: so far back, and a year's period more.
const MONTHS_MAX: usize = 30;
/// Changed limits that the list points out at most.
const ALARMS_MAX: i64 = 5;
/// Versions that wait for a second person which the list names; the rest follows as these are decided.
const WAITING_MAX: i64 = 20;
/// Contracts of one customer that its page lists.
const OF_CUSTOMER_MAX: i64 = 50;

/// The zone that cuts the contract's periods; its dates are shown in it.
pub(super) fn zone_of(terms: &Terms) -> Zone {
    Zone::new(&terms.time_zone).unwrap_or_else(Zone::utc)
}

/// The version in force at `now`, else the first one that counts, else the first one. Versions come with the one
/// that starts last first.
pub(super) fn in_force(versions: &[Version], now: Instant) -> Option<&Version> {
    let mut standing = versions.iter().filter(|version| version.state == State::Standing);
    let now_or_first = standing.clone().find(|version| version.valid_from <= now).or(standing.next_back());
    now_or_first.or(versions.last())
}

/// `/contracts`.
pub(super) fn list(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    query: &BTreeMap<String, String>,
) -> Result<ContractsPage, Error> {
    let now = portal.surroundings().now();
    let part = Part::asked(query);
    let (alarms, waiting) = match part.skipped() {
        0 => (alarms(tx, &user.scope, now)?, waiting_links(tx, &user.scope)?),
        _ => Default::default(),
    };
    let (contracts, customers) = store::counts(tx, &user.scope)?;
    let listed = store::list(tx, &user.scope, 0, now, (ROWS, part.skipped()))?;
    let (is_one, of_one) = (contracts == 1, customers == 1);
    let (noun, of) = (if is_one { "contract" } else { "contracts" }, if of_one { "customer" } else { "customers" });
    let done = query.get("done").map(String::as_str);
    Ok(ContractsPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/contracts", "Contracts"), done)?,
        sub: format!("{contracts} {noun} of {customers} {of} · dates in each contract's zone"),
        alarms,
        waiting,
        rows: listed.iter().map(|listed| row(listed, now)).collect(),
        pager: part.pager("/contracts", listed.len(), contracts),
    })
}

/// The contracts of which a printer sorts by other limits than before, with since when.
fn alarms(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<Vec<Link>, DbError> {
    let alarms = outlook::drifts(tx, scope, now, ALARMS_MAX)?;
    let link = |alarm: outlook::DriftAlarm| {
        Link::new(format!("{}, {}: {}", alarm.name, alarm.customer, alarm.since), alarm.href)
    };
    Ok(alarms.into_iter().map(link).collect())
}

/// The contracts with a version that waits for a second person.
fn waiting_links(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<Link>, DbError> {
    let link = |of: store::Waiting| {
        let by = format::by(&of.by, of.created_at, &Zone::utc());
        let text = format!("{}, {}: version {}, by {by}", of.number, of.customer, of.version);
        Link::new(text, format!("/contracts/{}", of.contract_id))
    };
    Ok(store::waiting(tx, scope, WAITING_MAX)?.into_iter().map(link).collect())
}

/// The contracts of one customer as its page lists them.
pub(crate) fn of_customer(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    now: Instant,
) -> Result<Vec<ContractRow>, DbError> {
    let listed = store::list(tx, scope, customer_id, now, (OF_CUSTOMER_MAX, 0))?;
    Ok(listed.iter().map(|listed| row(listed, now)).collect())
}

fn row(listed: &Listed, now: Instant) -> ContractRow {
    let zone = zone_of(&listed.terms);
    let since = format::day(listed.valid_from, &zone);
    ContractRow {
        href: format!("/contracts/{}", listed.contract_id),
        name: listed.number.clone(),
        customer: listed.customer.clone(),
        printers: listed.printers,
        base_fee: words::base_fee(&listed.terms),
        version: format!("{}, since {since}", listed.version),
        status: status(listed.state, (listed.valid_from, listed.ends_at), now, listed.printers > 0, &zone),
    }
}

/// The last day of a contract that ends.
pub(super) fn last_day(ends: Instant, zone: &Zone) -> String {
    format::day(Instant(ends.0.saturating_sub(1)), zone)
}

fn status(
    state: State,
    (starts, ends): (Instant, Option<Instant>),
    now: Instant,
    has_printers: bool,
    zone: &Zone,
) -> Status {
    if state == State::Proposed {
        Status::new(Tone::Warn, "waits for approval")
    } else if state == State::Refused {
        Status::new(Tone::Bad, "refused")
    } else if let Some(ends) = ends.filter(|ends| *ends <= now) {
        Status::new(Tone::Info, format!("ended, last day {}", last_day(ends, zone)))
    } else if now < starts {
        Status::new(Tone::Info, "not yet in force")
    } else if let Some(ends) = ends {
        Status::new(Tone::Warn, format!("in force until {}", last_day(ends, zone)))
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
) -> Result<ContractPage, Error> {
    let (scope, id, now) = (&user.scope, contract.contract_id, portal.surroundings().now());
    let versions = store::versions(tx, scope, id)?;
    let none = || DbError::Unfit(format!("contract {id} has no version"));
    let version = in_force(&versions, now).ok_or_else(none)?;
    let terms = &version.terms;
    let zone = zone_of(terms);
    // An answer to a form is drawn in the right to write: nothing is rated there.
    let outlook = match said.assign {
        None => outlook::outlook(tx, scope, id, terms, now)?,
        Some(_) => Outlook::default(),
    };
    let mut remarks = remarks(tx, scope, id, (version, &versions), now)?;
    let stays = store::stays(tx, scope, id, store::ROWS_MAX)?;
    remarks.extend(unbilled(&versions, &stays));
    let made = store::statements(tx, scope, id)?;
    let free = store::free_printers(tx, scope, contract.customer_id)?;
    let has_printers = stays.iter().any(|stay| stay.from <= now && stay.to.is_none_or(|to| now < to));
    let billed = store::billed(tx, scope, id)?;
    Ok(ContractPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/contracts", &contract.number), said.done)?,
        name: contract.number.clone(),
        sub: format!("{} · version {} · dates in {}", contract.customer, version.number, zone.name()),
        href: format!("/contracts/{id}"),
        template_href: format!("/contracts/templates?contract={id}"),
        status: status(version.state, (version.valid_from, contract.ends_at), now, has_printers, &zone),
        facts: facts(contract, terms),
        terms: terms.in_words(),
        remarks,
        waiting: waiting(&versions, &billed),
        ended: contract.ends_at.map(|ends| ended((ends, now), has_printers, &zone)),
        forecasts: outlook.forecasts,
        drift: outlook.drift,
        trouble: outlook.trouble,
        dates: outlook.dates,
        prices: words::price_rows(terms),
        currency: terms.currency.code().to_owned(),
        allowances: words::included(terms),
        evidence: words::evidence(terms),
        printers: stays.iter().map(|stay| assigned(id, stay, now, &zone)).collect(),
        assign: assign(&free, now, &zone, said.assign),
        create: create(&versions, &made, now),
        statements: made.iter().map(|made| statement(made, &zone)).collect(),
        discarded: statements::discarded(tx, scope, id)?.iter().map(|gone| discarded(gone, &zone)).collect(),
        versions: timeline(id, (&versions, &billed), &zone, user.signed.person_id),
    })
}

/// That a contract ends, and what that means.
fn ended((ends, now): (Instant, Instant), has_printers: bool, zone: &Zone) -> String {
    let day = last_day(ends, zone);
    if now < ends {
        return format!("The customer leaves: its last day is {day}. Nothing of a later period is billed.");
    }
    let still = if has_printers { " Printers are still in it: take them out below." } else { "" };
    format!("This contract ended. Its last day was {day}; nothing of a later period is billed.{still}")
}

/// A draft that somebody threw away.
fn discarded(gone: &statements::Discarded, zone: &Zone) -> Fact {
    let label = gone.period.label(zone.name());
    let label = label.unwrap_or_else(|_| format!("{} to {}", gone.period.start, gone.period.end));
    let digits = Currency::parse(&gone.currency).map_or(2, Currency::minor_digits);
    let total = format::money(gone.total, u32::from(digits), &gone.currency);
    let payer = if gone.payer.is_empty() { String::new() } else { format!(", paid by {}", gone.payer) };
    let by = format::by(&gone.by, gone.at, zone);
    let what = statements::period_of(gone.kind, &label);
    Fact::new(format!("{what}{payer}"), format!("{total}, thrown away by {by}: {}", gone.reason))
}

/// What is odd about the version in force, held against the one before and what is known around it.
fn remarks(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    (version, versions): (&Version, &[Version]),
    now: Instant,
) -> Result<Vec<Remark>, DbError> {
    let known = around::known(tx, scope, Some(contract_id), version.terms.currency, now)?;
    let lints = known.lint(&version.terms, before(version, versions).map(|before| &before.terms));
    Ok(lints.iter().map(remark).collect())
}

/// That printers stand in the contract from a day on for which no version bills.
fn unbilled(versions: &[Version], stays: &[Stay]) -> Option<Remark> {
    let first = first_standing(versions)?;
    let entered = stays.iter().map(|stay| stay.from).min()?;
    let zone = first.terms.time_zone.as_str();
    // The period that it begins in is billed as a whole.
    let billed = first.terms.period.containing(first.valid_from, zone).ok()?;
    let gap = billing::lint::gap(entered, billed.start, zone).ok()??;
    Some(remark(&gap))
}

/// The version that counts and starts first.
fn first_standing(versions: &[Version]) -> Option<&Version> {
    versions.iter().rfind(|version| version.state == State::Standing)
}

/// The version that counted from this one's first day on before this one was written.
fn before<'a>(version: &Version, versions: &'a [Version]) -> Option<&'a Version> {
    let counted = |other: &&Version| {
        other.state == State::Standing && other.number < version.number && other.valid_from <= version.valid_from
    };
    versions.iter().filter(counted).max_by_key(|other| (other.valid_from, other.number))
}

/// That a version waits for another person, and what it puts right of what was issued.
fn waiting(versions: &[Version], billed: &[Billed]) -> Option<String> {
    let waits = |version: &&Version| {
        version.state == State::Proposed && approve::superseded(version, versions, billed).is_none()
    };
    let proposed = versions.iter().find(waits)?;
    let words = format!("Version {} changes prices and waits for another person: see its versions.", proposed.number);
    let puts_right = follow::puts_right(&proposed.terms, proposed.valid_from, versions, billed);
    Some(match puts_right {
        Some(puts_right) => format!("{words} {puts_right}"),
        None => words,
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
    vec![
        Fact::new("Customer", contract.customer.as_str()).linked(format!("/customers/{}", contract.customer_id)),
        Fact::new("Currency", terms.currency.code()),
        Fact::new("Tax", tax),
        Fact::new("Zone of the periods", terms.time_zone.as_str()),
        Fact::new("Rounding", terms.rounding.words()),
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

/// What a statement over some days does.
const DAYS: &str = "Days of one period. What is charged or included for the whole of it (fees, minimums, commitments, \
                    tiers) counts by these days.";

/// The fields that make a statement: a period, else days.
fn create(versions: &[Version], made: &[Made], now: Instant) -> Vec<Field> {
    let Some(first) = first_standing(versions) else { return Vec::new() };
    let choices = choices(versions, made, now);
    if choices.is_empty() && now < first.valid_from {
        return Vec::new();
    }
    let over = choices.iter().find(|choice| choice.is_over).or(choices.first());
    let chosen = over.map(|choice| choice.month.clone()).unwrap_or_default();
    let choices = choices.into_iter().map(|choice| (choice.month, choice.label));
    let other = [(String::new(), "the days beside".to_owned())];
    vec![
        Field::select("period", "Period", choices.chain(other), &chosen),
        Field::new("date", "period_from", "or from").hint(DAYS),
        Field::new("date", "period_to", "to the last day"),
    ]
}

/// A period that a statement can be made for.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    /// The month that it begins in, as the form sends it.
    month: String,
    label: String,
    is_over: bool,
}

/// The periods since the contract started that no approved statement touches, newest first: each cut by the version
/// that bills it, as the form is read.
fn choices(versions: &[Version], made: &[Made], now: Instant) -> Vec<Choice> {
    let (Some(first), Some(newest)) = (first_standing(versions), store::standing(versions)) else { return Vec::new() };
    let earliest = first.valid_from.max(now.plus(Duration(-MONTHS_BACK.0)));
    // The period that holds it is billed as a whole.
    let held = &store::standing_at(versions, earliest).unwrap_or(first).terms;
    let earliest = held.period.containing(earliest, &held.time_zone).map_or(earliest, |period| period.start);
    let (start, last) = (month_of(earliest, &held.time_zone), month_of(now, &newest.terms.time_zone));
    let (Ok(start), Ok(last)) = (start, last) else { return Vec::new() };
    let mut all = Vec::new();
    let mut next = Some(start);
    while let Some(month) = next.filter(|month| *month <= last && all.len() < MONTHS_MAX) {
        all.push(month);
        next = month.following().ok();
    }
    all.into_iter().rev().filter_map(|month| choice(month, versions, made, now)).collect()
}

fn choice(month: Month, versions: &[Version], made: &[Made], now: Instant) -> Option<Choice> {
    let standing = versions.iter().filter(|version| version.state == State::Standing);
    let standing = standing.map(|version| Ok((version.valid_from, &version.terms)));
    let (terms, period) = statements::cut(standing, month).ok().flatten()?;
    let zone = terms.time_zone.as_str();
    let period = period.ok().filter(|period| period.start <= now)?;
    let statements = || made.iter().filter(|made| made.kind == DocumentKind::Statement);
    let touching = || statements().filter(|made| made.period.start < period.end && period.start < made.period.end);
    if touching().any(|made| made.state != StatementState::Draft) {
        return None;
    }
    let (is_over, name) = (period.end <= now, period.label(zone).unwrap_or_else(|_| month.label()));
    let label = match (touching().next().is_some(), is_over) {
        (true, _) => format!("{name}, replacing the draft"),
        (false, true) => name,
        (false, false) => format!("{name}, not over yet"),
    };
    Some(Choice { month: month.to_string(), label, is_over })
}

fn statement(made: &Made, zone: &Zone) -> ContractStatementRow {
    let last = Instant(made.period.end.0.saturating_sub(1));
    let days = || format!("{} to {}", format::day(made.period.start, zone), format::day(last, zone));
    let period = made.period.label(zone.name()).unwrap_or_else(|_| days());
    let digits = Currency::parse(&made.currency).map_or(2, Currency::minor_digits);
    let name = if made.name.is_empty() { made.state.word().to_owned() } else { made.name.clone() };
    ContractStatementRow {
        statement: Link::new(name, format!("/statements/{}", made.statement_id)),
        period: statements::period_of(made.kind, &period),
        total: format::money(made.total, u32::from(digits), &made.currency),
        status: statements::status(made.state),
    }
}

fn timeline(
    contract_id: i64,
    (versions, billed): (&[Version], &[Billed]),
    zone: &Zone,
    reader: i64,
) -> Vec<VersionRow> {
    let row = |version: &Version| {
        let is_proposed = version.state == State::Proposed;
        let superseded = if is_proposed { approve::superseded(version, versions, billed) } else { None };
        let may_decide = version.state == State::Proposed && version.person_id != reader;
        VersionRow {
            number: version.number,
            from: format::day(version.valid_from, zone),
            status: match version.state {
                State::Standing => Status::new(Tone::Good, "counts"),
                State::Proposed if superseded.is_some() => Status::new(Tone::Info, "overtaken"),
                State::Proposed => Status::new(Tone::Warn, "waits for another person"),
                State::Refused => Status::new(Tone::Bad, "refused"),
            },
            by: format::by(&version.by, version.created_at, zone),
            note: version.note.clone(),
            verdict: superseded.clone().unwrap_or_else(|| verdict(version, zone)),
            change: words::change(version, before(version, versions)),
            decide: may_decide.then(|| Decide {
                href: format!("/contracts/{contract_id}/versions/{}", version.number),
                id: format!("note-{}", version.number),
                can_approve: superseded.is_none(),
            }),
        }
    };
    versions.iter().map(row).collect()
}

/// Who approved or refused a version, when and why; empty where nobody had to.
fn verdict(version: &Version, zone: &Zone) -> String {
    let Some(verdict) = &version.verdict else { return String::new() };
    let word = if version.state == State::Refused { "refused" } else { "approved" };
    let why = if verdict.note.is_empty() { String::new() } else { format!(": {}", verdict.note) };
    format!("{word} by {}, {}{why}", verdict.by, format::day(verdict.at, zone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Every, Period, PeriodRule};

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    fn version(rule: PeriodRule, valid_from: &str) -> Version {
        Version::sample(1, valid_from, rule)
    }

    fn made(from: &str, to: &str, state: StatementState) -> Made {
        Made {
            statement_id: 1,
            name: String::new(),
            period: Period::new(at(from), at(to)).expect("a period"),
            currency: "EUR".to_owned(),
            total: 0,
            state,
            kind: DocumentKind::Statement,
        }
    }

    /// Month, label and whether it is over, of each choice.
    fn offered(versions: &[Version], made: &[Made], now: &str) -> Vec<(String, String, bool)> {
        let choices = choices(versions, made, at(now));
        choices.into_iter().map(|choice| (choice.month, choice.label, choice.is_over)).collect()
    }

    fn row(month: &str, label: &str, is_over: bool) -> (String, String, bool) {
        (month.to_owned(), label.to_owned(), is_over)
    }

    #[test]
    fn a_period_that_begins_within_a_month_is_offered_after_one_that_is_billed() {
        let first = version(PeriodRule { day: 15, ..PeriodRule::default() }, "2026-09-20T00:00:00Z");
        let billed = [
            made("2026-10-15T00:00:00Z", "2026-11-15T00:00:00Z", StatementState::Issued),
            made("2026-09-15T00:00:00Z", "2026-10-15T00:00:00Z", StatementState::Draft),
        ];
        // The period of December has not begun.
        let expected = [
            row("2026-11", "2026-11-15 to 2026-12-14, not over yet", false),
            row("2026-09", "2026-09-15 to 2026-10-14, replacing the draft", true),
        ];
        assert_eq!(offered(&[first], &billed, "2026-12-10T00:00:00Z"), expected);
    }

    #[test]
    fn a_quarter_is_offered_by_the_month_that_it_begins_in() {
        let quarter = PeriodRule { every: Every::Quarter, ..PeriodRule::default() };
        let first = version(quarter, "2026-05-10T00:00:00Z");
        let expected = [
            row("2026-10", "2026-10-01 to 2026-12-31, not over yet", false),
            row("2026-07", "2026-07-01 to 2026-09-30", true),
            row("2026-04", "2026-04-01 to 2026-06-30", true),
        ];
        assert_eq!(offered(&[first], &[], "2026-11-20T00:00:00Z"), expected);
    }

    #[test]
    fn a_quarter_that_began_before_its_contract_is_offered_before_months() {
        let quarter = PeriodRule { every: Every::Quarter, ..PeriodRule::default() };
        let versions = [
            Version::sample(2, "2027-01-01T00:00:00Z", PeriodRule::default()),
            Version::sample(1, "2026-11-10T00:00:00Z", quarter),
        ];
        let expected = [
            row("2027-02", "February 2027, not over yet", false),
            row("2027-01", "January 2027", true),
            row("2026-10", "2026-10-01 to 2026-12-31", true),
        ];
        assert_eq!(offered(&versions, &[], "2027-02-10T00:00:00Z"), expected);
    }

    #[test]
    fn a_period_is_offered_as_the_version_cuts_it_that_bills_it() {
        let quarter = PeriodRule { every: Every::Quarter, ..PeriodRule::default() };
        let versions = [
            version(quarter, "2026-10-01T00:00:00Z"),
            Version { state: State::Proposed, ..version(PeriodRule::default(), "2026-09-01T00:00:00Z") },
            version(PeriodRule::default(), "2026-08-01T00:00:00Z"),
        ];
        let expected = [
            row("2026-10", "2026-10-01 to 2026-12-31, not over yet", false),
            row("2026-09", "September 2026", true),
            row("2026-08", "August 2026", true),
        ];
        assert_eq!(offered(&versions, &[], "2026-11-20T00:00:00Z"), expected);
    }

    #[test]
    fn printers_before_the_first_version_are_pointed_out() {
        let stay = |from: &str| Stay {
            printer: Printer { printer_id: 7, serial: "CN1".to_owned(), label: "T930".to_owned() },
            from: at(from),
            to: None,
        };
        let versions = [version(PeriodRule::default(), "2026-10-12T00:00:00Z")];
        assert!(unbilled(&versions, &[stay("2026-10-01T00:00:00Z")]).is_none(), "its period is billed as a whole");
        let said = unbilled(&versions, &[stay("2026-11-01T00:00:00Z"), stay("2026-09-01T00:00:00Z")]);
        let text = said.map(|remark| remark.text).unwrap_or_default();
        assert!(text.starts_with("From 2026-09-01 until 2026-10-01 no version is in force"), "{text}");
        assert!(unbilled(&versions, &[]).is_none());
    }
}
