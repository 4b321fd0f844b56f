//! What a customer sees of one of its printers: what it is, each counter with the readings it had, and what people
//! entered.
//!
//! Deliberately absent: jobs, which the evidence file of a statement holds, settings, what the reseller noted of a
//! reading, and any act.

use super::history::{label, segment, value};
use super::past::{self, Counted, Shown};
use super::store::{self, Printer};
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::readings;
use crate::readings::page::HandRow;
use crate::shell::address::{Fields, address, id, text};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Badge, Chrome, Fact, Link, Pager};
use crate::shell::part::{Part, ROWS};
use crate::shell::rows::Age;
use crate::shell::{CustomerUser, Error, ResellerScope, chrome, render};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use report::Instant;
use std::collections::BTreeMap;

/// `/my/printers/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "fleet/own.html")]
pub(crate) struct OwnPrinterPage {
    /// The frame, with `customer_navigation`.
    pub(crate) chrome: Chrome,
    /// What people call it.
    pub(crate) name: String,
    /// Its serial and the zone of the times.
    pub(crate) sub: String,
    /// What is known of it.
    pub(crate) facts: Vec<Fact>,
    /// The latest reading of each counter, each leading to all its readings.
    pub(crate) counters: Vec<OwnCounter>,
    /// All readings of the counter that was asked for.
    pub(crate) chosen: Option<Chosen>,
    /// What people entered.
    pub(crate) hands: Vec<HandRow>,
}

/// The latest reading of a counter.
#[derive(Debug, Clone)]
pub(crate) struct OwnCounter {
    /// The counter, leading to its readings.
    pub(crate) counter: Link,
    /// Its value.
    pub(crate) value: String,
    /// The value's unit.
    pub(crate) unit: &'static str,
    /// When it was read.
    pub(crate) at: Age,
    /// Who read it, in words.
    pub(crate) source: String,
    /// How well it is proved.
    pub(crate) grade: Badge,
    /// The stretch in which it only rises: `2, since reset on 4 Mar 2026`.
    pub(crate) segment: String,
}

/// The readings of one counter.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    /// The counter.
    pub(crate) label: String,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// The readings, newest first.
    pub(crate) rows: Vec<OwnReading>,
    /// Which part of them is shown.
    pub(crate) pager: Pager,
}

/// A reading of a counter.
#[derive(Debug, Clone)]
pub(crate) struct OwnReading {
    /// When it was read.
    pub(crate) at: String,
    /// Its value.
    pub(crate) value: String,
    /// Who read it, in words.
    pub(crate) source: String,
    /// How well it is proved.
    pub(crate) grade: Badge,
    /// The number of its segment.
    pub(crate) segment: String,
}

/// A customer's own pages of printers.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/my/printers/{id}", get(show))
}

async fn show(
    State(portal): State<Portal>,
    Path(printer): Path<String>,
    user: CustomerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let (printer_id, within) = (id(&printer)?, portal.clone());
    let read = move |tx: &mut Tx<'_>| page(tx, &within, &user, printer_id, &query);
    render(&portal.db().read(read).await?)
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &CustomerUser,
    printer_id: i64,
    query: &Fields,
) -> Result<OwnPrinterPage, Error> {
    let (scope, now) = (&user.scope, portal.surroundings().now());
    let found = store::printer(tx, scope, printer_id)?;
    let printer = found.filter(|of| scope.customer_id() == Some(of.customer_id)).ok_or(Error::NotFound)?;
    let zone = Zone::new(&printer.zone).unwrap_or_else(Zone::utc);
    let hosts = past::hosts(tx, scope, printer.customer_id)?;
    let counters = past::counters(tx, scope, printer_id)?;
    Ok(OwnPrinterPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/my", &printer.name), None)?,
        sub: format!("{} · times in {}", printer.serial, zone.name()),
        facts: facts(&printer, &zone),
        counters: counters.iter().map(|of| counter(printer_id, of, &hosts, (now, &zone))).collect(),
        chosen: chosen(tx, scope, printer_id, query, (&hosts, &zone))?,
        hands: readings::own_hands_of(tx, scope, printer_id)?,
        name: printer.name,
    })
}

fn facts(printer: &Printer, zone: &Zone) -> Vec<Fact> {
    let known = [
        ("Model", printer.product_name.clone()),
        ("Product number", printer.product_number.clone()),
        ("Firmware", printer.firmware_version.clone()),
        ("Your number for it", printer.asset_id.clone()),
        ("Known since", Some(format::day(printer.first_seen_at, zone))),
    ];
    known
        .into_iter()
        .filter_map(|(label, value)| Some(Fact::new(label, value.filter(|text| !text.is_empty())?)))
        .collect()
}

/// Who read a counter, by the host of the agent.
fn source(agent_id: &str, hosts: &BTreeMap<String, String>) -> String {
    format!("read by {}", hosts.get(agent_id).map_or(agent_id, String::as_str))
}

fn counter(
    printer_id: i64,
    counted: &Counted,
    hosts: &BTreeMap<String, String>,
    (now, zone): (Instant, &Zone),
) -> OwnCounter {
    let (shown, unit) = value(&counted.meter, counted.value);
    let here = format!("/my/printers/{printer_id}");
    let href = address(&here, [("meter", counted.meter.as_str()), ("media", counted.media.as_str())]);
    OwnCounter {
        counter: Link::new(label(&counted.meter, &counted.media), format!("{href}#readings")),
        value: shown,
        unit,
        at: Age::of(now, counted.read_at, zone),
        source: source(&counted.agent_id, hosts),
        grade: Badge::from(counted.grade),
        segment: segment(counted, zone),
    }
}

/// The readings of the counter that the query names; `None` where it names none that was read.
fn chosen(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    printer_id: i64,
    query: &Fields,
    (hosts, zone): (&BTreeMap<String, String>, &Zone),
) -> Result<Option<Chosen>, DbError> {
    let (meter, media) = (text(query, "meter"), text(query, "media"));
    if meter.is_empty() {
        return Ok(None);
    }
    let part = Part::asked(query);
    let (all, found) = past::of_counter(tx, scope, printer_id, (meter, media), (ROWS, part.skipped()))?;
    if all == 0 {
        return Ok(None);
    }
    let row = |of: &Shown| OwnReading {
        at: format::instant(of.read_at, zone),
        value: value(meter, of.value).0,
        source: source(&of.agent_id, hosts),
        grade: Badge::from(of.grade),
        segment: of.segment.to_string(),
    };
    let here = format!("/my/printers/{printer_id}");
    let at = |page: &str| address(&here, [("meter", meter), ("media", media), ("page", page)]);
    Ok(Some(Chosen {
        label: label(meter, media),
        unit: value(meter, 0).1,
        rows: found.iter().map(row).collect(),
        pager: part.pager_at(found.len(), all, at),
    }))
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::shell::page::customer_navigation;
    use report::Grade;

    impl OwnPrinterPage {
        pub(crate) fn sample() -> OwnPrinterPage {
            let mut chrome = Chrome::sample("T930", "/my");
            chrome.groups = customer_navigation("/my");
            chrome.search = false;
            chrome.home = "/my";
            OwnPrinterPage {
                chrome,
                name: "T930 · <script>alert(1)</script>".to_owned(),
                sub: "CN1 · times in Europe/Berlin".to_owned(),
                facts: vec![Fact::new("Model", "DesignJet T930")],
                counters: vec![OwnCounter {
                    counter: Link::new("Media used", "/my/printers/7?meter=area-media#readings"),
                    value: "18,531.40".to_owned(),
                    unit: "m²",
                    at: Age { relative: "2 h ago".to_owned(), exact: "1 Nov 2026 00:12:07 UTC".to_owned() },
                    source: "read by plotraum".to_owned(),
                    grade: Badge::from(Grade::B),
                    segment: "1, since install on 4 Mar 2026".to_owned(),
                }],
                chosen: Some(Chosen {
                    label: "Media used".to_owned(),
                    unit: "m²",
                    rows: vec![OwnReading {
                        at: "1 Nov 2026 00:12".to_owned(),
                        value: "18,531.40".to_owned(),
                        source: "read by plotraum".to_owned(),
                        grade: Badge::from(Grade::B),
                        segment: "1".to_owned(),
                    }],
                    pager: Pager::new(0, 1, 1, None, None),
                }),
                hands: vec![HandRow { href: None, action: None, state: "counts", ..HandRow::sample() }],
            }
        }
    }
}
