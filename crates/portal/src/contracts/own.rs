//! What a customer sees of its contracts: the terms of each version in words, with the digest by which the evidence
//! file of a statement names them, and the printers.
//!
//! Deliberately absent: versions that wait or were refused, who wrote them and why, margins, and any change.

use super::approve::State as VersionState;
use super::store::{self, Stay, Version};
use super::view::zone_of;
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
    /// Which version counts, and the zone.
    pub(crate) sub: String,
    /// The versions that count or counted, the one that starts last first.
    pub(crate) versions: Vec<OwnVersion>,
    /// Its printers: label and serial to their days.
    pub(crate) printers: Vec<Fact>,
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
    let listed = store::list(tx, scope, customer_id, now, (OWN_MAX, 0))?;
    let standing = listed.into_iter().filter(|of| of.state == VersionState::Standing);
    let fact = |of: store::Listed| {
        let since = format::day(of.valid_from, &zone_of(&of.terms));
        let words = format!("version {}, from {since}", of.version);
        Fact::new(of.number, words).linked(format!("/my/contracts/{}", of.contract_id))
    };
    Ok(standing.map(fact).collect())
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
    let mut versions = store::versions(tx, scope, contract_id)?;
    versions.retain(|version| version.state == VersionState::Standing);
    let current = store::standing_at(&versions, now);
    let Some(shown) = current.or(versions.last()) else { return Err(Error::NotFound) };
    let (zone, current) = (zone_of(&shown.terms), current.map(|version| version.number));
    let counts = match current {
        Some(number) => format!("version {number} counts now"),
        None => format!("it begins on {}", format::day(shown.valid_from, &zone)),
    };
    let stays = store::stays(tx, scope, contract_id, store::ROWS_MAX)?;
    Ok(OwnContractPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/my", &contract.number), None)?,
        name: contract.number,
        sub: format!("{} · {counts} · dates in {}", contract.customer, zone.name()),
        versions: versions.iter().map(|version| own_version(version, current, now)).collect(),
        printers: stays.iter().map(|stay| printer(stay, &zone)).collect(),
    })
}

fn own_version(version: &Version, current: Option<i64>, now: Instant) -> OwnVersion {
    let status = if current == Some(version.number) {
        Status::new(Tone::Good, "counts now")
    } else if now < version.valid_from {
        Status::new(Tone::Info, "counts from that day on")
    } else {
        Status::new(Tone::Info, "replaced")
    };
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
            }
        }
    }
}
