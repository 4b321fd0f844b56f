//! What a customer sees of its contracts: the terms of each version in words, with the digest by which the evidence
//! file of a statement names them, and the printers.
//!
//! Deliberately absent: versions that wait, were refused or were replaced before they billed anything, who wrote them
//! and why, margins, and any change.

use super::approve::State as VersionState;
use super::store::{self, Stay, Version};
use super::view::{last_day, zone_of};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::address::id;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Chrome, Fact, Status, Tone};
use crate::shell::{CustomerUser, Error, ResellerScope, chrome, render};
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use report::Instant;
use std::collections::BTreeSet;

/// Contracts of one customer that its page lists.
const OWN_MAX: i64 = 200;

/// `/my/contracts/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "contracts/own.html")]
pub(crate) struct OwnContractPage {
    /// The frame, with `customer_navigation`.
    pub(crate) chrome: Chrome,
    /// Its number.
    pub(crate) name: String,
    /// Which version counts, or that the contract ended, and the zone.
    pub(crate) sub: String,
    /// The versions that count or counted, the one that starts last first.
    pub(crate) versions: Vec<OwnVersion>,
    /// Its printers: label and serial to their days.
    pub(crate) printers: Vec<Fact>,
    /// Which of them are shown, where that is not all; else empty.
    pub(crate) shown: String,
}

/// A version of a contract, as its customer sees it.
#[derive(Debug, Clone)]
pub(crate) struct OwnVersion {
    /// `Version 3, from 1 Oct 2026`.
    pub(crate) title: String,
    /// Whether it counts now.
    pub(crate) status: Status,
    /// The terms, a sentence each.
    pub(crate) terms: Vec<String>,
    /// The digest of the terms, as `plotmeter verify` prints it.
    pub(crate) digest: String,
}

/// A customer's own pages of contracts.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/my/contracts/{id}", get(show))
}

/// The contracts of a customer for its own page: number to the version that counts. One of which no version counts
/// yet is the reseller's alone.
pub(crate) fn own_contracts(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    now: Instant,
) -> Result<Vec<Fact>, DbError> {
    let mut listed = store::list(tx, scope, customer_id, now, (OWN_MAX.saturating_add(1), 0))?;
    let shown = usize::try_from(OWN_MAX).unwrap_or(usize::MAX);
    let has_more = listed.len() > shown;
    listed.truncate(shown);
    let standing = listed.into_iter().filter(|of| of.state == VersionState::Standing);
    let fact = |of: store::Listed| {
        let zone = zone_of(&of.terms);
        let since = format::day(of.valid_from, &zone);
        let ends = of.ends_at.map_or_else(String::new, |ends| format!("; {}", ended(ends, now, &zone)));
        let words = format!("version {}, from {since}{ends}", of.version);
        Fact::new(of.number, words).linked(format!("/my/contracts/{}", of.contract_id))
    };
    let more = Fact::new("More", format!("The first {OWN_MAX} contracts are shown; ask your reseller for the others."));
    Ok(standing.map(fact).chain(has_more.then_some(more)).collect())
}

/// That a contract ends, or ended.
fn ended(ends: Instant, now: Instant, zone: &Zone) -> String {
    let day = last_day(ends, zone);
    if now < ends { format!("its last day is {day}") } else { format!("it ended, its last day was {day}") }
}

/// Of the versions that count, the one that starts last first: those of one day were each put right by the next, and
/// only the newest counts. One that billed a document stays, so that its terms are found.
fn counting(mut versions: Vec<Version>, named: &BTreeSet<i64>) -> Vec<Version> {
    versions.retain(|version| version.state == VersionState::Standing);
    let mut last = None;
    versions.retain(|version| {
        let is_newest = last.replace(version.valid_from) != Some(version.valid_from);
        is_newest || named.contains(&version.number)
    });
    versions
}

/// What of a version's days is said: when it begins to count, that it does, that it did.
fn status(version: &Version, versions: &[Version], ends_at: Option<Instant>, now: Instant) -> Status {
    let is_newest = |at: Instant| store::standing_at(versions, at).is_some_and(|of| of.number == version.number);
    if let Some(ends) = ends_at.filter(|ends| *ends <= now || *ends <= version.valid_from) {
        let word = match Instant(ends.0.saturating_sub(1)) {
            _ if ends <= version.valid_from => "never counts, the contract ends before",
            last if is_newest(last) => "counted to the end",
            _ => "replaced",
        };
        return Status::new(Tone::Info, word);
    }
    if is_newest(now) {
        Status::new(Tone::Good, "counts now")
    } else if now < version.valid_from && is_newest(version.valid_from) {
        Status::new(Tone::Info, "counts from that day on")
    } else {
        Status::new(Tone::Info, "replaced")
    }
}

async fn show(
    State(portal): State<Portal>,
    Path(contract): Path<String>,
    user: CustomerUser,
) -> Result<Response, Error> {
    let (contract_id, within) = (id(&contract)?, portal.clone());
    let read = move |tx: &mut Tx<'_>| page(tx, &within, &user, contract_id);
    render(&portal.db().read(read).await?)
}

fn page(tx: &mut Tx<'_>, portal: &Portal, user: &CustomerUser, contract_id: i64) -> Result<OwnContractPage, Error> {
    let (scope, now) = (&user.scope, portal.surroundings().now());
    let found = store::contract(tx, scope, contract_id)?;
    let contract = found.filter(|of| scope.customer_id() == Some(of.customer_id)).ok_or(Error::NotFound)?;
    let named = store::named_versions(tx, scope, contract_id)?;
    let versions = counting(store::versions(tx, scope, contract_id)?, &named);
    let current = store::standing_at(&versions, now);
    let Some(shown) = current.or(versions.last()) else { return Err(Error::NotFound) };
    let (zone, current) = (zone_of(&shown.terms), current.map(|version| version.number));
    let counts = match (contract.ends_at, current) {
        (Some(ends), _) if ends <= now => ended(ends, now, &zone),
        (Some(ends), Some(number)) => format!("version {number} counts now, {}", ended(ends, now, &zone)),
        (None, Some(number)) => format!("version {number} counts now"),
        (_, None) => format!("it begins on {}", format::day(shown.valid_from, &zone)),
    };
    let (stays, all) = store::latest_stays(tx, scope, contract_id, store::ROWS_MAX)?;
    let is_part = usize::try_from(all).is_ok_and(|all| stays.len() < all);
    let part = || format!("The first {} of {all} are shown; those that are in it now come first.", stays.len());
    Ok(OwnContractPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/my", &contract.number), None)?,
        name: contract.number,
        sub: format!("{} · {counts} · dates in {}", contract.customer, zone.name()),
        versions: versions.iter().map(|of| own_version(of, status(of, &versions, contract.ends_at, now))).collect(),
        shown: if is_part { part() } else { String::new() },
        printers: stays.iter().map(|stay| printer(stay, &zone)).collect(),
    })
}

fn own_version(version: &Version, status: Status) -> OwnVersion {
    let from = format::day(version.valid_from, &zone_of(&version.terms));
    OwnVersion {
        title: format!("Version {}, from {from}", version.number),
        status,
        terms: version.terms.in_words(),
        digest: evidence::terms_digest(&version.terms),
    }
}

fn printer(stay: &Stay, zone: &Zone) -> Fact {
    let (label, serial) = (&stay.printer.label, &stay.printer.serial);
    let name = if label.contains(serial.as_str()) { label.clone() } else { format!("{label} · {serial}") };
    let from = format::day(stay.from, zone);
    let days = match stay.to {
        Some(to) => format!("from {from} until before {}", format::day(to, zone)),
        None => format!("from {from}"),
    };
    Fact::new(name, days).linked(format!("/my/printers/{}", stay.printer.printer_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::PeriodRule;

    #[test]
    fn of_the_versions_of_one_day_the_customer_sees_the_one_that_counts_and_what_billed() {
        let (january, july) = ("2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z");
        let version = |number, from| Version::sample(number, from, PeriodRule::default());
        let all = || {
            let waits = Version { state: VersionState::Proposed, ..version(5, july) };
            vec![waits, version(4, july), version(3, july), version(2, january), version(1, january)]
        };
        let shown = |named: &[i64]| -> Vec<i64> {
            counting(all(), &named.iter().copied().collect()).iter().map(|of| of.number).collect()
        };
        assert_eq!(shown(&[]), [4, 2]);
        assert_eq!(shown(&[1]), [4, 2, 1]);
        let said = |named: &[i64], ends: Option<&str>, now: &str| -> Vec<String> {
            let at = |text: &str| Instant::parse(text).expect("an instant");
            let versions = counting(all(), &named.iter().copied().collect());
            versions.iter().map(|of| status(of, &versions, ends.map(at), at(now)).word().to_owned()).collect()
        };
        let now = "2026-03-01T00:00:00Z";
        assert_eq!(said(&[1, 3], None, now), ["counts from that day on", "replaced", "counts now", "replaced"]);
        let never = "never counts, the contract ends before";
        let ended = [never, "counted to the end", "replaced"];
        assert_eq!(said(&[1], Some("2026-02-01T00:00:00Z"), now), ended);
        assert_eq!(said(&[], Some("2026-06-01T00:00:00Z"), now), [never, "counts now"]);
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::customer_navigation;

    impl OwnContractPage {
        pub(crate) fn sample() -> OwnContractPage {
            let mut chrome = Chrome::sample("C-112", "/my");
            chrome.groups = customer_navigation("/my");
            chrome.search = false;
            chrome.home = "/my";
            OwnContractPage {
                chrome,
                name: "C-112".to_owned(),
                sub: "<script>alert(1)</script> Bau · version 3 counts now".to_owned(),
                versions: vec![OwnVersion {
                    title: "Version 3, from 1 Oct 2026".to_owned(),
                    status: Status::new(Tone::Good, "counts now"),
                    terms: vec!["The customer may object for 14 days after the statement was issued.".to_owned()],
                    digest: format!("SHA-256 {}", "0a".repeat(32)),
                }],
                printers: vec![Fact::new("T930 · CN1", "from 1 Oct 2026").linked("/my/printers/7")],
                shown: "The first 500 of 600 are shown; those that are in it now come first.".to_owned(),
            }
        }
    }
}
