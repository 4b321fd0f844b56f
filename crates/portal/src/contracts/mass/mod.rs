//! `/contracts/prices`: the prices of many contracts at once.
//!
//! Somebody chooses contracts and prices, looks at what the last period would have come to, and takes it: a new
//! version of each ticked contract from one day on, all of them in one transaction or none. What was changed in the
//! form since the look is shown again first. Where the reseller asks for four eyes, they wait for a second person.
//! Deliberately absent: changing a version that is there, and any price that is not for usage but the base fee.

pub(crate) mod page;
mod reprice;
mod store;
mod view;

use super::{approve, start_of_day};
use crate::Portal;
use crate::db::Tx;
use crate::shell::address::Fields;
use crate::shell::format::{self, Zone};
use crate::shell::page::FormError;
use crate::shell::{Error, FormData, Posted, ResellerUser, render, see_other};
use approve::State as VersionState;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use billing::{Clause, Currency, Pattern, Terms, UnitPrice};
use page::PricesPage;
use protocol::{Hex, sha256};
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
/// The name of the buttons that offer another first day.
const BEGIN: &str = "begin";
/// The element that errors of contracts lead to.
const PREVIEW: &str = "preview";
/// The name of the field that says which form was looked at.
const SEEN: &str = "seen";
/// What decides which contracts change, and how.
const DECISIVE: [&str; 9] = ["customer", "number", "clause", "pattern", "by", "value", "places", "fees", "starts"];
/// What is said where the form is another one than was looked at.
const CHANGED_SINCE: &str = "The form was changed since you looked at it. This is what it comes to now: take it, or \
    change it again.";

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
    Posted(user, mut form): Posted<ResellerUser, FORM_BYTES_MAX>,
) -> Result<Response, Error> {
    // The button beside a contract that cannot begin on the day that was typed.
    if let Some(day) = form.0.remove(BEGIN).filter(|day| !day.is_empty()) {
        form.0.insert("starts".to_owned(), day);
    }
    let asked = match read(&form) {
        Ok(asked) => asked,
        Err(errors) => return again(&portal, user, form, None, errors).await,
    };
    if form.text("act") != "take" {
        return again(&portal, user, form, Some(asked), Vec::new()).await;
    }
    // What was shown is what is taken.
    if form.text(SEEN) != seen(&form) {
        return again(&portal, user, form, Some(asked), vec![at_preview(CHANGED_SINCE)]).await;
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

/// The digest of what a form asks for, by which a change that is taken is the one that was looked at. The note and
/// the ticks are not in it.
fn seen(form: &FormData) -> String {
    // Browsers end lines with two characters, whatever was typed.
    let texts = DECISIVE.iter().map(|name| form.text(name).replace("\r\n", "\n"));
    // No text of a form holds the sign between them.
    let whole: Vec<String> = texts.map(|text| text.replace('\u{1f}', " ")).collect();
    Hex(sha256(&[whole.join("\u{1f}").as_bytes()])).to_string()
}

/// What speaks against a change as a whole.
fn at_preview(text: impl Into<String>) -> FormError {
    FormError { field: PREVIEW.to_owned(), text: text.into() }
}

/// What a form asks for, or everything that is wrong with it.
fn read(form: &FormData) -> Result<Asked, Vec<FormError>> {
    let mut errors = Vec::new();
    let mut patterns = Vec::new();
    for line in form.text("pattern").lines().map(str::trim).filter(|line| !line.is_empty()) {
        match Pattern::parse(line) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => errors.push(FormError::at("pattern", format!("Prices of: {error}."))),
        }
    }
    let clause = form.text("clause");
    if !clause.is_empty() && Clause::of_word(clause).is_none() {
        errors.push(FormError::at("clause", "Clauses: choose one of the list."));
    }
    let by = by(form).map_err(|text| errors.push(FormError::at("value", text))).ok();
    let places = form.text("places").parse::<u8>().ok().filter(|places| *places <= PLACES_MAX);
    if places.is_none() {
        errors.push(FormError::at("places", "Decimals: choose one of the list."));
    }
    if start_of_day(form.text("starts"), "UTC").is_none() {
        errors.push(FormError::at("starts", "First day: say a day such as 2026-12-01."));
    }
    if form.text("note").chars().nth(NOTE_MAX).is_some() {
        errors.push(FormError::at("note", "Note: this is too long."));
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
    proposed: Result<(Terms, Instant), Refused>,
}

/// Why a contract cannot be changed from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    words: String,
    /// The first day on which a version of it can begin; `None` where no day helps.
    first: Option<Instant>,
}

impl Refused {
    /// A reason that no other day takes away.
    fn on_any_day(words: impl Into<String>) -> Refused {
        Refused { words: words.into(), first: None }
    }
}

/// The contracts whose prices change.
fn choose(contracts: Vec<Contract>, asked: &Asked) -> Vec<Chosen> {
    let meant = |contract: &Contract| contract.number.to_lowercase().contains(&asked.number);
    let mut chosen = Vec::new();
    for contract in contracts.into_iter().filter(meant) {
        let (changes, proposed) = match reprice(&contract.terms, &asked.change) {
            Ok(None) => continue,
            Ok(Some((terms, changes))) => (changes, starts(&contract, &asked.starts).map(|starts| (terms, starts))),
            Err(words) => (Vec::new(), Err(Refused::on_any_day(format!("The changed terms cannot be: {words}.")))),
        };
        chosen.push(Chosen { contract, changes, proposed });
    }
    chosen
}

/// The first instant of a contract's new version; else why it cannot begin on that day, and on which it can.
fn starts(contract: &Contract, day: &str) -> Result<Instant, Refused> {
    let terms = &contract.terms;
    let zone = Zone::new(&terms.time_zone).unwrap_or_else(Zone::utc);
    if contract.waiting > 0 {
        let words = "A version of it waits for a second person. Approve or refuse that one first.";
        return Err(Refused::on_any_day(words));
    }
    let starts = start_of_day(day, zone.name())
        .ok_or_else(|| Refused::on_any_day(format!("{day} is no day in {}.", zone.name())))?;
    let shown = |at: Instant| format::day(at, &zone);
    let why = if starts < contract.valid_from {
        let (version, first) = (contract.version, shown(contract.valid_from));
        format!("Version {version} starts on {first}; another one cannot start before.")
    } else if let Some(billed) = contract.billed_until.filter(|billed| starts < *billed) {
        format!("Approved statements bill until {}, and stay as they are.", shown(billed))
    } else if begins(contract, starts) {
        return Ok(starts);
    } else {
        "A version starts with one of its periods.".to_owned()
    };
    let first = first_day(contract, starts);
    let words = first.map_or_else(|| why.clone(), |first| format!("{why} It can begin on {}.", shown(first)));
    Err(Refused { words, first })
}

/// Whether a version can begin then: with a period, or in place of the contract's first one, which bills all of the
/// period that it begins in.
fn begins(contract: &Contract, at: Instant) -> bool {
    let terms = &contract.terms;
    let period = terms.period.containing(at, &terms.time_zone);
    let is_first = at == contract.valid_from && at == contract.first_from;
    is_first || period.is_ok_and(|period| period.start == at)
}

/// The first instant from `asked` on at which a version of a contract can begin.
fn first_day(contract: &Contract, asked: Instant) -> Option<Instant> {
    let terms = &contract.terms;
    let earliest = asked.max(contract.valid_from).max(contract.billed_until.unwrap_or(asked));
    if begins(contract, earliest) {
        return Some(earliest);
    }
    let period = terms.period.containing(earliest, &terms.time_zone).ok()?;
    Some(terms.period.following(period, &terms.time_zone).ok()?.start)
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
    // Nothing is approved between a look at what is billed and the new versions.
    super::store::hold_stays(tx, &user.scope)?;
    let chosen = choose(store::contracts(tx, &user.scope, asked.customer_id, now)?, asked);
    let versions = match versions(&chosen, &ticked(form), asked) {
        Ok(versions) => versions,
        Err(errors) => return Ok(Err(errors)),
    };
    // Every one of them changes a price, so that one tells for all.
    let state = match versions.first() {
        Some(first) => approve::state_for(tx, &user.scope, Some(&first.contract.terms), first.terms)?,
        None => return Ok(Err(vec![at_preview("Tick the contracts that are to change.")])),
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
            Err(refused) => errors.push(format!("{}: {}", contract.number, refused.words)),
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
    let mut errors: Vec<FormError> = errors.into_iter().take(NAMED_MAX).map(at_preview).collect();
    if more > 0 {
        errors.push(at_preview(format!("And {more} more.")));
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
            first_from: at("2026-09-30T22:00:00Z"),
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
        let (november, january) = (Some("2026-10-31T23:00:00Z"), Some("2026-12-31T23:00:00Z"));
        let refused = [
            (begins("2026-10-01", |_| {}), "until 1 Nov 2026, and stay as they are. It can begin on 1 Nov", november),
            (begins("2026-09-01", |_| {}), "Version 2 starts on 1 Oct 2026", november),
            (begins("2026-12-02", |_| {}), "It can begin on 1 Jan 2027.", january),
            (begins("2026-12-01", quarter), "It can begin on 1 Jan 2027.", january),
            (begins("2026-12-01", |contract| contract.waiting = 1), "waits for a second person", None),
        ];
        for (found, words, first) in refused {
            let found = found.expect_err(words);
            assert!(found.words.contains(words), "{}", found.words);
            assert_eq!(found.first, first.map(at), "{}", found.words);
        }
    }

    #[test]
    fn a_version_takes_the_place_of_the_first_that_begins_within_a_period_and_of_no_other() {
        let mut contract = contract("C-112");
        (contract.valid_from, contract.billed_until) = (at("2026-10-11T22:00:00Z"), None);
        // October would be billed by the version before, too.
        let refused = starts(&contract, "2026-10-12").expect_err("another version was before");
        assert_eq!(refused.first, Some(at("2026-10-31T23:00:00Z")), "{}", refused.words);
        contract.first_from = contract.valid_from;
        assert_eq!(starts(&contract, "2026-10-12"), Ok(contract.valid_from));
        // What is offered for an earlier day can be taken.
        let refused = starts(&contract, "2026-10-01").expect_err("before the version");
        assert_eq!(refused.first, Some(contract.valid_from));
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
    fn a_form_that_was_changed_is_not_the_one_that_was_looked_at() {
        let looked = seen(&form(&[]));
        for same in [form(&[("note", "agreed")]), form(&[("take.7", "2")]), form(&[("act", "take")])] {
            assert_eq!(seen(&same), looked);
        }
        for name in DECISIVE {
            assert_ne!(seen(&form(&[(name, "35")])), looked, "{name}");
        }
        assert_ne!(seen(&form(&[("number", "35"), ("clause", "")])), seen(&form(&[("number", ""), ("clause", "35")])));
        let typed = |text: &str| seen(&form(&[("pattern", text)]));
        assert_eq!(typed("pages\r\nink"), typed("pages\nink"));
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
