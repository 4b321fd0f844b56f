//! `/contracts/prices`: the prices of many contracts at once.
//!
//! Somebody chooses contracts and prices, looks at what the last period would have come to, and takes it: a new
//! version of each ticked contract from one day on, all of them in one transaction or none. Where the reseller
//! asks for four eyes, they wait for a second person. Deliberately absent: changing a version that is there, and
//! any price that is not for usage but the base fee.

pub(crate) mod page;
mod reprice;
mod store;
mod view;

use super::{approve, start_of_day};
use crate::Portal;
use crate::db::Tx;
use crate::shell::address::Fields;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Field, FormError};
use crate::shell::{Error, FormData, Posted, ResellerUser, render, see_other};
use approve::State as VersionState;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use billing::{Clause, Currency, Pattern, Terms, UnitPrice};
use page::PricesPage;
use report::{Instant, Share};
use reprice::{By, Change, Changed, PLACES_MAX, reprice};
use std::collections::{BTreeMap, BTreeSet};
use store::{Contract, NewVersion};

/// Bytes of a form with a tick for each contract.
const FORM_BYTES_MAX: usize = 256 * 1024;
/// Contracts that are changed at once.
const CHOSEN_MAX: usize = 500;
/// Characters of a note.
const NOTE_MAX: usize = 200;
/// Reasons against a change that are named.
const NAMED_MAX: usize = 20;
/// A rate in parts per million: at most 1 000 % up, and never to nothing.
const RATES: std::ops::RangeInclusive<i64> = -999_999..=10_000_000;
/// The start of the name of a contract's tick.
const TICK: &str = "take.";
/// The element that errors of contracts lead to.
const PREVIEW: &str = "preview";

/// The page of a mass price change.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/contracts/prices", get(show).post(act))
}

/// What a form asks for.
struct Asked {
    /// One customer's contracts; 0: all.
    customer_id: i64,
    /// A part of their numbers, in small letters; empty: all.
    number: String,
    change: Change,
    /// The first day of the new versions.
    starts: String,
    note: String,
}

fn wrong(field: &str, text: impl Into<String>) -> FormError {
    FormError { field: Field::id(field), text: text.into() }
}

async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<PricesPage, Error> {
        let form = view::blank(within.surroundings().now());
        let done = query.get("done").map(String::as_str);
        view::page(tx, &within, &user, (&form, Vec::new()), (None, done))
    };
    render(&portal.db().read(read).await?)
}

async fn act(
    State(portal): State<Portal>,
    Posted(user, form): Posted<ResellerUser, FORM_BYTES_MAX>,
) -> Result<Response, Error> {
    let asked = match read(&form) {
        Ok(asked) => asked,
        Err(errors) => return again(&portal, user, form, None, errors).await,
    };
    if form.text("act") != "take" {
        return again(&portal, user, form, Some(asked), Vec::new()).await;
    }
    let (within, by, sent, change) = (portal.clone(), user.clone(), form.clone(), asked);
    let write = move |tx: &mut Tx<'_>| -> Result<(Asked, Result<VersionState, Vec<FormError>>), Error> {
        let taken = take(tx, &within, &by, &sent, &change)?;
        Ok((change, taken))
    };
    match portal.db().write(write).await? {
        (_, Ok(VersionState::Proposed)) => Ok(see_other("/contracts/prices?done=prices-proposed")),
        (_, Ok(_)) => Ok(see_other("/contracts/prices?done=prices")),
        (asked, Err(errors)) => again(&portal, user, form, Some(asked), errors).await,
    }
}

/// The page again: with what the change comes to, or with what is wrong.
async fn again(
    portal: &Portal,
    user: ResellerUser,
    form: FormData,
    asked: Option<Asked>,
    errors: Vec<FormError>,
) -> Result<Response, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<PricesPage, Error> {
        view::page(tx, &within, &user, (&form, errors), (asked.as_ref(), None))
    };
    let page = portal.db().read(read).await?;
    Ok((status, render(&page)?).into_response())
}

/// What a form asks for, or everything that is wrong with it.
fn read(form: &FormData) -> Result<Asked, Vec<FormError>> {
    let mut errors = Vec::new();
    let mut patterns = Vec::new();
    for line in form.text("pattern").lines().map(str::trim).filter(|line| !line.is_empty()) {
        match Pattern::parse(line) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => errors.push(wrong("pattern", format!("Prices of: {error}."))),
        }
    }
    let clause = form.text("clause");
    if !clause.is_empty() && Clause::of_word(clause).is_none() {
        errors.push(wrong("clause", "Clauses: choose one of the list."));
    }
    let by = by(form).map_err(|text| errors.push(wrong("value", text))).ok();
    let places = form.text("places").parse::<u8>().ok().filter(|places| *places <= PLACES_MAX);
    if places.is_none() {
        errors.push(wrong("places", "Decimals: choose one of the list."));
    }
    if start_of_day(form.text("starts"), "UTC").is_none() {
        errors.push(wrong("starts", "First day: say a day such as 2026-12-01."));
    }
    if form.text("note").chars().nth(NOTE_MAX).is_some() {
        errors.push(wrong("note", "Note: this is too long."));
    }
    let fees = form.text("fees") == "yes";
    match (by, places) {
        (Some(by), Some(places)) if errors.is_empty() => Ok(Asked {
            customer_id: form.int("customer").unwrap_or(0),
            number: form.text("number").to_lowercase(),
            change: Change { patterns, clause: clause.to_owned(), by, places, fees },
            starts: form.text("starts").to_owned(),
            note: form.text("note").to_owned(),
        }),
        _ => Err(errors),
    }
}

/// By how much; an error in words.
fn by(form: &FormData) -> Result<By, String> {
    let text = form.text("value").trim_end_matches('%').trim_end();
    let text = text.strip_prefix('+').unwrap_or(text);
    let number = UnitPrice::parse(text).map_err(|error| format!("By how much: {error}."))?;
    if form.text("by") == "price" {
        let words = || "By how much: a price cannot be below zero.".to_owned();
        return (number.millionths >= 0).then_some(By::Price(number)).ok_or_else(words);
    }
    // A percentage with four decimals is in hundredths of the millionths that were read.
    let rate = Share(number.millionths / 100);
    let is_exact = number.millionths % 100 == 0 && rate.0 != 0 && RATES.contains(&rate.0);
    let words = || "By how much: say a percentage such as 3.5 or -2, with at most four decimals.".to_owned();
    is_exact.then_some(By::Percent(rate)).ok_or_else(words)
}

/// A contract whose prices change.
struct Chosen {
    contract: Contract,
    changes: Vec<Changed>,
    /// The terms that come of it and since when they hold; else why it cannot be changed.
    proposed: Result<(Terms, Instant), String>,
}

/// The contracts whose prices change.
fn choose(contracts: Vec<Contract>, asked: &Asked) -> Vec<Chosen> {
    let meant = |contract: &Contract| contract.number.to_lowercase().contains(&asked.number);
    let mut chosen = Vec::new();
    for contract in contracts.into_iter().filter(meant) {
        let (changes, proposed) = match reprice(&contract.terms, &asked.change) {
            Ok(None) => continue,
            Ok(Some((terms, changes))) => (changes, starts(&contract, &asked.starts).map(|starts| (terms, starts))),
            Err(words) => (Vec::new(), Err(format!("The changed terms cannot be: {words}."))),
        };
        chosen.push(Chosen { contract, changes, proposed });
    }
    chosen
}

/// The first instant of a contract's new version, or why it cannot begin on that day.
fn starts(contract: &Contract, day: &str) -> Result<Instant, String> {
    let terms = &contract.terms;
    let zone = Zone::new(&terms.time_zone).unwrap_or_else(Zone::utc);
    let starts = start_of_day(day, zone.name()).ok_or_else(|| format!("{day} is no day in {}.", zone.name()))?;
    let shown = |at: Instant| format::day(at, &zone);
    if contract.waiting > 0 {
        return Err("A version of it waits for a second person. Approve or refuse that one first.".to_owned());
    }
    if starts < contract.valid_from {
        let (version, first) = (contract.version, shown(contract.valid_from));
        return Err(format!("Version {version} starts on {first}; another one cannot start before."));
    }
    if let Some(billed) = contract.billed_until.filter(|billed| starts < *billed) {
        return Err(format!("Approved statements bill until {}; a version starts that day or later.", shown(billed)));
    }
    let period = terms.period.containing(starts, zone.name()).map_err(|error| format!("{error}."))?;
    if period.start != starts {
        let next = terms.period.following(period, zone.name()).map_err(|error| format!("{error}."))?;
        let (from, next) = (shown(period.start), shown(next.start));
        return Err(format!("A version starts with one of its periods: on {from} or {next}."));
    }
    Ok(starts)
}

/// The ticked contracts, with the version that was looked at.
fn ticked(form: &FormData) -> BTreeMap<i64, i64> {
    let ticks = form.0.iter().filter_map(|(name, value)| {
        let contract: i64 = name.strip_prefix(TICK)?.parse().ok()?;
        Some((contract, value.parse().ok()?))
    });
    ticks.collect()
}

/// Keeps a version of each ticked contract, or says why none was kept.
fn take(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    form: &FormData,
    asked: &Asked,
) -> Result<Result<VersionState, Vec<FormError>>, Error> {
    let now = portal.surroundings().now();
    let chosen = choose(store::contracts(tx, &user.scope, asked.customer_id, now)?, asked);
    let versions = match versions(&chosen, &ticked(form), asked) {
        Ok(versions) => versions,
        Err(errors) => return Ok(Err(errors)),
    };
    // Every one of them changes a price, so that one tells for all.
    let state = match versions.first() {
        Some(first) => approve::state_for(tx, &user.scope, Some(&first.contract.terms), first.terms)?,
        None => return Ok(Err(vec![wrong(PREVIEW, "Tick the contracts that are to change.")])),
    };
    if !store::keep(tx, &user.scope, &versions, state, (user.signed.person_id, now))? {
        let words = "Somebody saved a version of one of these contracts at the same moment. Look at it again.";
        return Err(Error::Conflict(words.to_owned()));
    }
    tracing::info!(contracts = versions.len(), state = state.word(), "changed the prices of contracts");
    Ok(Ok(state))
}

/// The versions of the ticked contracts; else everything that speaks against them.
fn versions<'a>(
    chosen: &'a [Chosen],
    ticked: &BTreeMap<i64, i64>,
    asked: &Asked,
) -> Result<Vec<NewVersion<'a>>, Vec<FormError>> {
    let mut errors = Vec::new();
    let mut versions = Vec::new();
    let mut missing: BTreeSet<i64> = ticked.keys().copied().collect();
    for Chosen { contract, proposed, .. } in chosen {
        let Some(seen) = ticked.get(&contract.contract_id) else { continue };
        missing.remove(&contract.contract_id);
        match proposed {
            Err(words) => errors.push(format!("{}: {words}", contract.number)),
            Ok(_) if contract.last != *seen => {
                errors.push(format!("{}: it has a newer version than you looked at.", contract.number));
            }
            Ok((terms, valid_from)) => {
                versions.push(NewVersion { contract, terms, valid_from: *valid_from, note: note(asked) });
            }
        }
    }
    if !missing.is_empty() {
        errors.push("A contract that you ticked does not change any more. Look at it again.".to_owned());
    }
    if versions.len() > CHOSEN_MAX {
        errors.push(format!("These are more than {CHOSEN_MAX} contracts. Change them in parts."));
    }
    let currencies: BTreeSet<Currency> = versions.iter().map(|new| new.terms.currency).collect();
    if matches!(asked.change.by, By::Price(_)) && currencies.len() > 1 {
        errors.push("One price cannot be for contracts of several currencies. Tick those of one.".to_owned());
    }
    if errors.is_empty() {
        return Ok(versions);
    }
    let more = errors.len().saturating_sub(NAMED_MAX);
    let mut errors: Vec<FormError> =
        errors.into_iter().take(NAMED_MAX).map(|text| FormError { field: PREVIEW.to_owned(), text }).collect();
    if more > 0 {
        errors.push(FormError { field: PREVIEW.to_owned(), text: format!("And {more} more.") });
    }
    Err(errors)
}

/// What stands beside a version in the contract's history.
fn note(asked: &Asked) -> String {
    if !asked.note.is_empty() {
        return asked.note.clone();
    }
    match asked.change.by {
        By::Percent(rate) => format!("Prices of several contracts changed by {}.", view::percent(rate)),
        By::Price(price) => format!("Prices of several contracts set to {}.", String::from(price)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Every, PeriodRule, Price, PriceList};

    fn form(pairs: &[(&str, &str)]) -> FormData {
        let base = [("by", "percent"), ("value", "3"), ("places", "4"), ("starts", "2026-12-01")];
        FormData(base.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<String> {
        read(&form(pairs)).err().unwrap_or_default().into_iter().map(|error| error.field).collect()
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("a timestamp")
    }

    fn contract(number: &str) -> Contract {
        let price = Price::new(Pattern::parse("pages").expect("a pattern"), UnitPrice { millionths: 50_000 });
        let clauses = vec![Clause::PriceList(PriceList { prices: vec![price] })];
        let terms = Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "Europe/Berlin") };
        Contract {
            contract_id: 7,
            number: number.to_owned(),
            customer: "Bau".to_owned(),
            version: 2,
            valid_from: at("2026-09-30T22:00:00Z"),
            terms,
            last: 2,
            waiting: 0,
            billed_until: Some(at("2026-10-31T23:00:00Z")),
        }
    }

    #[test]
    fn each_wrong_value_is_named_at_its_field() {
        let cases: [(&[(&str, &str)], &[&str]); 10] = [
            (&[], &[]),
            (&[("value", "-2.5 %")], &[]),
            (&[("value", "+2")], &[]),
            (&[("value", "3,0")], &["f-value"]),
            (&[("value", "0")], &["f-value"]),
            (&[("value", "-100")], &["f-value"]),
            (&[("value", "-1"), ("by", "price")], &["f-value"]),
            (&[("pattern", "area-printed\n\nareas"), ("clause", "rebate")], &["f-pattern", "f-clause"]),
            (&[("places", "7"), ("starts", "1 December")], &["f-places", "f-starts"]),
            (&[("pattern", "area-printed/mono-line@Bond"), ("by", "price"), ("value", "0")], &[]),
        ];
        for (pairs, expected) in cases {
            assert_eq!(fields(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_version_starts_with_a_period_that_is_not_billed() {
        let begins = |day: &str, change: fn(&mut Contract)| {
            let mut contract = contract("C-112");
            change(&mut contract);
            starts(&contract, day)
        };
        assert_eq!(begins("2026-12-01", |_| {}), Ok(at("2026-11-30T23:00:00Z")));
        assert_eq!(begins("2026-11-01", |_| {}), Ok(at("2026-10-31T23:00:00Z")));
        let quarter = |contract: &mut Contract| {
            contract.terms.period = PeriodRule { every: Every::Quarter, ..PeriodRule::default() };
        };
        let refused = [
            (begins("2026-10-01", |_| {}), "Approved statements bill until 1 Nov 2026"),
            (begins("2026-09-01", |_| {}), "Version 2 starts on 1 Oct 2026"),
            (begins("2026-12-02", |_| {}), "on 1 Dec 2026 or 1 Jan 2027"),
            (begins("2026-12-01", quarter), "on 1 Oct 2026 or 1 Jan 2027"),
            (begins("2026-12-01", |contract| contract.waiting = 1), "waits for a second person"),
        ];
        for (found, words) in refused {
            assert!(found.as_ref().is_err_and(|found| found.contains(words)), "{found:?}");
        }
    }

    #[test]
    fn what_is_ticked_is_taken_as_it_was_looked_at_or_not_at_all() {
        let asked = read(&form(&[("number", "c-1")])).expect("a change");
        let mut other = contract("C-113");
        other.contract_id = 8;
        let chosen = choose(vec![contract("C-112"), other, contract("D-1")], &asked);
        assert_eq!(chosen.len(), 2);
        let words = |ticks: &[(&str, &str)]| -> Vec<String> {
            match versions(&chosen, &ticked(&form(ticks)), &asked) {
                Ok(versions) => versions.iter().map(|new| format!("{} {}", new.contract.number, new.note)).collect(),
                Err(errors) => errors.into_iter().map(|error| error.text).collect(),
            }
        };
        let note = "Prices of several contracts changed by +3 %.";
        assert_eq!(words(&[("take.7", "2")]), [format!("C-112 {note}")]);
        assert_eq!(words(&[("take.7", "2"), ("take.8", "2")]).len(), 2);
        assert_eq!(words(&[("take.7", "2"), ("take.8", "1")]), ["C-113: it has a newer version than you looked at."]);
        let gone = ["A contract that you ticked does not change any more. Look at it again."];
        assert_eq!(words(&[("take.7", "2"), ("take.9", "1")]), gone);
        assert_eq!(words(&[("take.x", "2")]), Vec::<String>::new());
    }

    #[test]
    fn one_price_is_for_one_currency() {
        let asked = read(&form(&[("by", "price"), ("value", "0.06")])).expect("a change");
        let mut other = contract("C-113");
        other.contract_id = 8;
        other.terms.currency = Currency::parse("CHF").expect("a currency");
        let chosen = choose(vec![contract("C-112"), other], &asked);
        let both = BTreeMap::from([(7, 2), (8, 2)]);
        let errors = versions(&chosen, &both, &asked).err().unwrap_or_default();
        assert!(errors.iter().any(|error| error.text.contains("several currencies")), "{errors:?}");
        assert_eq!(versions(&chosen, &BTreeMap::from([(8, 2)]), &asked).map(|versions| versions.len()).ok(), Some(1));
    }
}
