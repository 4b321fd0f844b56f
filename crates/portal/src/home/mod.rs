//! The first page of a reseller's people: the work to do, and the month so far.
//!
//! Deliberately absent: doing the work. Each queue leads to the list that shows all of it.

pub(crate) mod page;
mod store;

use crate::Portal;
use crate::contracts::{outlook, store as contracts};
use crate::db::{DbError, Tx};
use crate::fleet::{DailyArea, SILENT_AFTER, SoFar};
use crate::shell::format::{self, UNKNOWN, Zone};
use crate::shell::page::{Link, Status, Tone};
use crate::shell::{Error, ResellerScope, ResellerUser, Role, Signed, chrome, render, see_other};
use crate::statements::objections;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use billing::{Currency, MeterKind};
use jiff::tz::TimeZone;
use page::{HomePage, PeriodCard, PeriodRow, Queue, QueueRow};
use report::{Area, Duration, Ink, Instant};
use store::{Counts, Sum, Waiting};

/// Versions of contracts that are counted.
const VERSIONS_MAX: i64 = 1_000;

/// The first page.
pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/", get(home))
}

/// Everybody has a first page of their own.
async fn home(State(portal): State<Portal>, signed: Signed) -> Result<Response, Error> {
    match signed.role {
        Role::Customer => return Ok(see_other("/my")),
        Role::Operator => return Ok(see_other("/operator")),
        Role::Reseller => {}
    }
    let user = ResellerUser::try_from(signed)?;
    let inside = portal.clone();
    let page = portal.db().read(move |tx| home_page(tx, &inside, &user)).await?;
    render(&page)
}

fn home_page(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser) -> Result<HomePage, Error> {
    let (scope, now, zone) = (&user.scope, portal.surroundings().now(), Zone::utc());
    let so_far = SoFar::of(now, &TimeZone::UTC);
    let counts = store::counts(tx, scope, heard_since(now), now)?;
    let mut queues = vec![
        silent(tx, scope, &counts, now)?,
        agents(tx, scope, now)?,
        readings(tx, scope, now)?,
        statements(tx, scope, &TO_APPROVE)?,
        statements(tx, scope, &TO_ISSUE)?,
        objected(tx, scope, now)?,
        coming(tx, scope, now)?,
        drifts(tx, scope, now)?,
        alerts(tx, scope, &counts)?,
        supplies(tx, scope, &counts)?,
        no_contract(tx, scope, &counts, now)?,
    ];
    queues.extend(versions(tx, scope)?);
    let days = store::days(tx, scope, so_far.days())?;
    let mut area = DailyArea::default();
    for (day, meter, amount) in &days {
        area.add(*day, meter, *amount);
    }
    let chart_title = format!("{}, area printed", so_far.label());
    Ok(HomePage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/", "Work to do"), None)?,
        sub: format!("{} · times in {}", format::long_day(now, &zone), zone.name()),
        queues,
        decide: decide(store::seen(tx, scope)?),
        chart: area.chart(&chart_title, so_far),
        chart_title,
        period: period(tx, scope, so_far, Sums::of(&days))?,
    })
}

fn heard_since(now: Instant) -> Instant {
    now.plus(Duration(-SILENT_AFTER.0))
}

fn printer_row(waiting: &Waiting, note: String) -> QueueRow {
    let text = format!("{} · {}", waiting.name, waiting.customer);
    QueueRow { what: Link::new(text, format!("/printers/{}", waiting.printer_id)), note }
}

fn silent(tx: &mut Tx<'_>, scope: &ResellerScope, counts: &Counts, now: Instant) -> Result<Queue, DbError> {
    let row = |waiting: &Waiting| {
        let note = match waiting.number {
            0 => "never".to_owned(),
            heard => format::span(now.since(Instant(heard))),
        };
        printer_row(waiting, note)
    };
    Ok(Queue {
        title: "Not reporting",
        count: counts.silent,
        href: "/printers?filter=silent".to_owned(),
        status: (counts.silent > 0).then(|| Status::new(Tone::Bad, "bills at risk")),
        rows: store::silent(tx, scope, heard_since(now), now)?.iter().map(row).collect(),
        empty: "Every printer reports.",
    })
}

fn agents(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<Queue, DbError> {
    let (_, needy) = crate::agents::needy(tx, scope, now)?;
    let row = |agent: crate::agents::Brief| QueueRow {
        what: Link::new(format!("{} · {}", agent.name, agent.customer), agent.href),
        note: agent.status.word().to_owned(),
    };
    let rows = crate::agents::neediest(tx, scope, now, store::SHOWN)?;
    Ok(Queue {
        title: "Agents",
        count: needy,
        href: "/agents".to_owned(),
        status: (needy > 0).then(|| Status::new(Tone::Warn, "need somebody")),
        rows: rows.into_iter().map(row).collect(),
        empty: "Every agent does its work.",
    })
}

/// Printers that nobody has decided about.
fn decide(seen: i64) -> Option<Link> {
    let words = match seen {
        0 => return None,
        1 => "1 printer was seen and is not read: say whether it takes part.".to_owned(),
        _ => format!("{} printers were seen and are not read: say which take part.", format::count(seen)),
    };
    Some(Link::new(words, "/printers?filter=seen"))
}

/// A queue of statements that wait for the next step.
struct Step {
    title: &'static str,
    /// The state that they wait in.
    state: &'static str,
    empty: &'static str,
}

const TO_APPROVE: Step =
    Step { title: "Statements to approve", state: "draft", empty: "No statement waits for approval." };
const TO_ISSUE: Step = Step { title: "Statements to issue", state: "approved", empty: "No statement waits to go out." };

fn statements(tx: &mut Tx<'_>, scope: &ResellerScope, step: &Step) -> Result<Queue, DbError> {
    let sums = store::sums(tx, scope, step.state)?;
    let count = sums.iter().fold(0, |count: i64, sum| count.saturating_add(sum.count));
    let rows = store::unissued(tx, scope, step.state)?.into_iter().map(|statement| QueueRow {
        note: money(&statement.currency, statement.total),
        what: Link::new(statement.customer, format!("/statements/{}", statement.statement_id)),
    });
    let total = |sum: &Sum| money(&sum.currency, sum.total);
    let totals: Vec<String> = sums.iter().map(total).collect();
    Ok(Queue {
        title: step.title,
        count,
        href: format!("/statements?state={}", step.state),
        status: (count > 0).then(|| Status::new(Tone::Warn, totals.join(" + "))),
        rows: rows.collect(),
        empty: step.empty,
    })
}

/// How many rows a queue shows.
fn shown() -> usize {
    usize::try_from(store::SHOWN).unwrap_or(0)
}

fn readings(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<Queue, DbError> {
    let (count, waiting) = crate::readings::waiting(tx, scope, now, shown())?;
    Ok(Queue {
        title: "Readings to settle",
        count,
        href: "/readings".to_owned(),
        status: (count > 0).then(|| Status::new(Tone::Warn, "not billed until then")),
        rows: waiting.into_iter().map(|waiting| QueueRow { what: waiting.what, note: waiting.counter }).collect(),
        empty: "Every counter went on.",
    })
}

/// What customers object to and nobody has answered.
fn objected(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<Queue, DbError> {
    let (count, waiting) = objections::waiting(tx, scope, store::SHOWN)?;
    let row = |of: objections::Waiting| QueueRow { what: of.what, note: format::span(now.since(of.since)) };
    Ok(Queue {
        title: "Objections",
        count,
        href: "/objections".to_owned(),
        status: (count > 0).then(|| Status::new(Tone::Warn, "wait for an answer")),
        rows: waiting.into_iter().map(row).collect(),
        empty: "No objection waits for an answer.",
    })
}

/// The days of notice and renewal that are near.
fn coming(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<Queue, DbError> {
    let coming = outlook::coming(tx, scope, now)?;
    let count = i64::try_from(coming.len()).unwrap_or(i64::MAX);
    let row = |of: outlook::Coming| QueueRow {
        what: Link::new(format!("{} · {}: {}", of.name, of.customer, of.words), of.href),
        note: of.day.to_string(),
    };
    Ok(Queue {
        title: "Notice and renewal",
        count,
        href: "/contracts".to_owned(),
        status: (count > 0).then(|| Status::new(Tone::Info, "within 90 days")),
        rows: coming.into_iter().take(shown()).map(row).collect(),
        empty: "No contract has such a day within 90 days.",
    })
}

/// The versions of contracts that wait for a second person; `None` where none does, as with resellers who do not ask
/// for one.
fn versions(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Option<Queue>, DbError> {
    let waiting = contracts::waiting(tx, scope, VERSIONS_MAX)?;
    let count = i64::try_from(waiting.len()).unwrap_or(i64::MAX);
    let row = |of: contracts::Waiting| QueueRow {
        what: Link::new(
            format!("{} · {}, version {}", of.number, of.customer, of.version),
            format!("/contracts/{}", of.contract_id),
        ),
        note: of.by,
    };
    Ok((count > 0).then(|| Queue {
        title: "Versions to approve",
        count,
        href: "/contracts".to_owned(),
        status: Some(Status::new(Tone::Warn, "not billed by until then")),
        rows: waiting.into_iter().take(shown()).map(row).collect(),
        empty: "No version waits for a second person.",
    }))
}

/// The contracts of which a printer sorts by other limits than before; what that costs stands on their pages.
fn drifts(tx: &mut Tx<'_>, scope: &ResellerScope, now: Instant) -> Result<Queue, DbError> {
    let alarms = outlook::drifts(tx, scope, now, store::SHOWN)?;
    let count = i64::try_from(alarms.len()).unwrap_or(i64::MAX);
    let row = |alarm: outlook::DriftAlarm| QueueRow {
        what: Link::new(format!("{} · {}", alarm.name, alarm.customer), alarm.href),
        note: alarm.since,
    };
    Ok(Queue {
        title: "Changed limits",
        count,
        href: "/contracts".to_owned(),
        status: (count > 0).then(|| Status::new(Tone::Warn, "may cost more")),
        rows: alarms.into_iter().map(row).collect(),
        empty: "Every printer sorts as before.",
    })
}

fn money(currency: &str, minor: i64) -> String {
    let decimals = Currency::parse(currency).map_or(2, |currency| u32::from(currency.minor_digits()));
    format::money(minor, decimals, currency)
}

fn alerts(tx: &mut Tx<'_>, scope: &ResellerScope, counts: &Counts) -> Result<Queue, DbError> {
    let status = match (counts.alerts, counts.severe) {
        (0, _) => None,
        (_, 0) => Some(Status::new(Tone::Warn, "none severe")),
        (_, severe) => Some(Status::new(Tone::Bad, format!("{severe} severe"))),
    };
    let row = |waiting: &Waiting| printer_row(waiting, format!("{} open", waiting.number));
    Ok(Queue {
        title: "Alerts",
        count: counts.alerts,
        href: "/printers?filter=alerts".to_owned(),
        status,
        rows: store::alerts(tx, scope)?.iter().map(row).collect(),
        empty: "No printer raises an alert.",
    })
}

fn supplies(tx: &mut Tx<'_>, scope: &ResellerScope, counts: &Counts) -> Result<Queue, DbError> {
    let row = |waiting: &Waiting| printer_row(waiting, format!("{} low", waiting.number));
    Ok(Queue {
        title: "Supplies ending",
        count: counts.supplies,
        href: "/printers?filter=supplies".to_owned(),
        status: (counts.supplies > 0).then(|| Status::new(Tone::Info, "to order")),
        rows: store::supplies(tx, scope)?.iter().map(row).collect(),
        empty: "No supply is about to end.",
    })
}

fn no_contract(tx: &mut Tx<'_>, scope: &ResellerScope, counts: &Counts, now: Instant) -> Result<Queue, DbError> {
    let row = |waiting: &Waiting| {
        let here = now.since(Instant(waiting.number));
        printer_row(waiting, format!("for {}", format::span(here)))
    };
    Ok(Queue {
        title: "Printers without a contract",
        count: counts.no_contract,
        href: "/printers?filter=no-contract".to_owned(),
        status: (counts.no_contract > 0).then(|| Status::new(Tone::Warn, "not billed")),
        rows: store::no_contract(tx, scope, now)?.iter().map(row).collect(),
        empty: "Every printer is in a contract.",
    })
}

/// What a span of days came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    /// mm².
    area: i64,
    jobs: i64,
}

impl Sums {
    fn of(days: &[(i64, billing::Meter, i64)]) -> Sums {
        let mut sums = Sums::default();
        for (_, meter, amount) in days {
            match meter.kind() {
                MeterKind::AreaPrinted => sums.area = sums.area.saturating_add(*amount),
                MeterKind::Jobs => sums.jobs = sums.jobs.saturating_add(*amount),
                _ => {}
            }
        }
        sums
    }
}

/// The month so far against the same days of the month before. Ink is known by the month only, so that it
/// stands beside all of the month before and is not compared.
fn period(tx: &mut Tx<'_>, scope: &ResellerScope, so_far: SoFar, now: Sums) -> Result<PeriodCard, DbError> {
    let before = Sums::of(&store::days(tx, scope, so_far.days_before())?);
    let ink = store::ink(tx, scope, so_far.this())?.map(|ink| format::ink_unit(Ink(ink)));
    let ink_before = store::ink(tx, scope, so_far.last())?.map(|ink| format::ink_unit(Ink(ink)));
    let row = |label, now, change| PeriodRow { label, now, change };
    Ok(PeriodCard {
        now: format!("{} so far", so_far.label()),
        before: so_far.label_before(),
        rows: vec![
            row("Area", format::area_unit(Area(now.area)), format::change(now.area, before.area)),
            row("Jobs", format::count(now.jobs), format::change(now.jobs, before.jobs)),
            row(
                "Ink",
                ink.unwrap_or_else(|| UNKNOWN.to_owned()),
                ink_before.map_or_else(|| "—".to_owned(), |before| format!("{before} in all of it")),
            ),
        ],
        note: Some("Area and jobs are compared with the same days. Days are those of each site.".to_owned()),
    })
}
