//! Turns what the store found into the rows and words of pages, also of the customer's own page.
//!
//! Deliberately absent: what only a reseller may see, which the page of one customer adds itself.

use super::page::{AgentLine, AnnouncedRow, WaitingRow};
use super::store;
use crate::agents::{self, Brief, Lateness, Policy};
use crate::db::{DbError, Tx};
use crate::fleet::Participation;
use crate::fleet::page::PrinterRow;
use crate::ingest::{Announced, Step};
use crate::shell::ResellerScope;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Field, Link, Status, Tone};
use crate::shell::part::Part;
use crate::shell::printer;
use protocol::limits::PARTICIPANTS_MAX;
use report::{Duration, Instant};
use std::collections::BTreeMap;

/// What somebody typed on a customer's page that cannot be.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) announced: String,
    pub(super) serial: String,
    pub(super) digits: String,
    pub(super) factory_serial: String,
    pub(super) label: String,
    /// What is wrong, by field.
    pub(super) wrong: BTreeMap<&'static str, String>,
}

/// Whether names of people arrive is told from the jobs of this long: 30 days.
const PERSONAL_SPAN: Duration = Duration::hours(-30 * 24);

/// A customer and its printers, as both its reseller and its own people see them.
pub(crate) struct Overview {
    /// Its name.
    pub(crate) name: String,
    /// Where its printers stand; may be empty.
    pub(crate) site: String,
    /// Its zone.
    pub(crate) zone: Zone,
    /// One part of its printers, with this month's totals.
    pub(crate) printers: Vec<PrinterRow>,
    /// How many printers it has.
    pub(crate) printer_count: i64,
    /// Whether every supported printer that is found takes part, not only those that somebody marked.
    pub(crate) takes_all: bool,
    /// Whether names of people arrived with its latest jobs; `None` when no job arrived.
    pub(crate) personal: Option<bool>,
}

/// The customer `id`, when the scope may see it.
pub(crate) fn overview(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    id: i64,
    part: Part,
    now: Instant,
) -> Result<Option<Overview>, DbError> {
    let Some(customer) = store::customer(tx, scope, id)? else { return Ok(None) };
    let zone = Zone::new(&customer.time_zone).unwrap_or_else(Zone::utc);
    let printers = store::printers(tx, scope, id, month(now, zone.name())?, part)?;
    let printers = printers.into_iter().map(|printer| printer_row(printer, &customer.name, now, &zone)).collect();
    Ok(Some(Overview {
        printers,
        printer_count: store::printer_count(tx, scope, id)?,
        personal: store::personal(tx, scope, id, now.plus(PERSONAL_SPAN))?,
        name: customer.name,
        site: customer.site,
        takes_all: customer.takes_all,
        zone,
    }))
}

/// What this portal knows about the names of people that a customer's agents send, in words.
pub(crate) fn personal_words(personal: Option<bool>) -> String {
    let seen = match personal {
        Some(true) => {
            "Names of people arrive: jobs of the last 30 days carry the name of the job, the user or the account."
        }
        Some(false) => {
            "No names of people arrive: no job of the last 30 days carries the name of a job, user or account."
        }
        None => "No job arrived in the last 30 days; unless the customer chose otherwise, names of people stay behind.",
    };
    format!("{seen} The customer's own side decides; this portal can ask for less, never for more.")
}

/// The month of `now` in a zone, as `yyyymm`.
pub(super) fn month(now: Instant, zone: &str) -> Result<i64, DbError> {
    let month = billing::month_of(now, zone).map_err(|error| DbError::Unfit(error.to_string()))?;
    Ok(i64::from(month.year()) * 100 + i64::from(month.month()))
}

fn printer_row(printer: store::Printer, customer: &str, now: Instant, zone: &Zone) -> PrinterRow {
    let status = match (printer.participation.status(), printer.received_at) {
        (Some(status), _) => status,
        (None, Some(at)) => Lateness::of(at, printer.interval_minutes, now).status("Reporting", at, now),
        (None, None) => Status::new(Tone::Info, "No reading yet"),
    };
    let last = printer.received_at.max(printer.seen_at);
    let takes_part = printer.participation == Participation::Participating;
    // Of a printer that takes no part nothing is known, and nothing is missing.
    let amount = |known: Option<String>| match known {
        Some(known) => known,
        None if takes_part => format::UNKNOWN.to_owned(),
        None => "—".to_owned(),
    };
    let (product_name, product_number) = (printer.product_name.as_deref(), printer.product_number.as_deref());
    let name = printer::name(printer.nickname.as_deref(), product_name, product_number);
    PrinterRow {
        href: format!("/printers/{}", printer.printer_id),
        name: name.unwrap_or("Printer of an unknown model").to_owned(),
        serial: if printer.serial.is_empty() { "no serial number".to_owned() } else { printer.serial },
        customer: customer.to_owned(),
        path: printer.host.unwrap_or_else(|| format::UNKNOWN.to_owned()),
        area: amount(printer.area.map(format::area)),
        ink: amount(printer.ink.map(format::ink)),
        status,
        last: last.map_or_else(|| "never".to_owned(), |at| format::relative(now, at)),
        exact: last.map_or_else(String::new, |at| format::exact(at, zone)),
        contract: None,
    }
}

/// An agent of the customer.
pub(super) fn agent_line(agent: Brief) -> AgentLine {
    AgentLine {
        note: format!("{} · {} · {}", agent.kind, agent.last, agent.next),
        link: Link::new(agent.name, agent.href),
        status: agent.status,
    }
}

/// A sentence where the privacy policies of the customer's agents differ.
pub(super) fn differing(agents: &[Brief]) -> Option<String> {
    let at_work = agents.iter().filter(|agent| agent.is_at_work);
    let policies: Vec<Policy> = at_work.map(|agent| agent.policy.clone()).collect();
    agents::differing(&policies)
}

/// `announced`.
pub(super) fn announce_field(typed: &Typed) -> Field {
    Field::text("announced", "Serial number to announce")
        .value(typed.announced.as_str())
        .required()
        .hint("Of the printer; for a computer its name.")
        .wrong(typed.wrong.get("announced").cloned())
}

/// A name under which the customer waits for an agent.
pub(super) fn announced_row(announced: &Announced, zone: &Zone) -> AnnouncedRow {
    let until = format::instant(announced.until, zone);
    AnnouncedRow {
        name: announced.name.clone(),
        note: match announced.step {
            Step::Announced => format!("announced until {until}: start at its panel"),
            Step::Met => format!("its digits wait until {until}"),
            Step::Over => "over without its digits".to_owned(),
        },
    }
}

/// A sentence where more printers take part than agents can be told.
pub(super) fn untold_words(untold: usize) -> Option<String> {
    let printers = match untold {
        0 => return None,
        1 => "1 printer takes part and is".to_owned(),
        _ => format!("{untold} printers take part and are"),
    };
    Some(format!(
        "{printers} not read: agents are told {PARTICIPANTS_MAX} serial numbers at most, by alphabet. Let every \
         printer take part, or make a customer for each site."
    ))
}

/// `serial` and `digits`.
pub(super) fn panel_fields(typed: &Typed) -> Vec<Field> {
    let wrong = |name: &str| typed.wrong.get(name).cloned();
    let serial = Field::text("serial", "Announced serial number").value(typed.serial.as_str()).required();
    let digits = Field::text("digits", "Six digits").value(typed.digits.as_str()).required().autocomplete("off");
    vec![serial.wrong(wrong("serial")), digits.hint("As its panel shows them now.").wrong(wrong("digits"))]
}

/// `factory_serial` and `label`.
pub(super) fn factory_fields(typed: &Typed) -> Vec<Field> {
    let wrong = |name: &str| typed.wrong.get(name).cloned();
    let serial = Field::text("factory_serial", "Serial number of the printer").value(typed.factory_serial.as_str());
    let label = Field::text("label", "Label of its secret").value(typed.label.as_str()).required().autocomplete("off");
    vec![
        serial.required().wrong(wrong("factory_serial")),
        label.hint("16 characters, on the printer's papers.").wrong(wrong("label")),
    ]
}

/// `who`.
pub(super) fn participation_field(takes_all: bool) -> Field {
    let choices = [("listed", "Only printers that somebody marked"), ("all", "Every supported printer that is found")];
    Field::select("who", "Which printers take part", choices, if takes_all { "all" } else { "listed" })
        .hint("Of the others only model, serial number and firmware version are sent, so that you can decide.")
}

/// A printer that takes no part.
pub(super) fn waiting_row(printer: &store::Seen, now: Instant) -> WaitingRow {
    let (product_name, product_number) = (printer.product_name.as_deref(), printer.product_number.as_deref());
    let label = printer::label(printer.nickname.as_deref(), product_name, product_number, &printer.serial);
    let href = format!("/printers/{}", printer.printer_id);
    let stopped = printer.participation == Participation::Stopped;
    let seen = printer.seen_at.map(|at| format!("seen {}", format::relative(now, at)));
    WaitingRow {
        action: format!("{href}/participation"),
        note: match (stopped, seen) {
            (true, _) => "capture stopped".to_owned(),
            (false, seen) => seen.unwrap_or_else(|| "seen".to_owned()),
        },
        printer: Link::new(label, href),
    }
}

/// How the agents of a customer do, at a glance.
pub(super) fn agents_status(agents: i64, needy: i64) -> Status {
    match (agents, needy) {
        (0, _) => Status::new(Tone::Info, "no agent yet"),
        (_, 0) => Status::new(Tone::Good, "all reporting"),
        (1, _) => Status::new(Tone::Warn, "its agent needs somebody"),
        _ => Status::new(Tone::Warn, format!("{needy} of {agents} agents need somebody")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printers_that_agents_are_not_told_are_shown() {
        assert_eq!(untold_words(0), None);
        for (untold, words) in [(1, "1 printer takes part and is not read"), (12, "12 printers take part and are not")]
        {
            let shown = untold_words(untold).expect("a sentence");
            assert!(shown.starts_with(words), "{shown}");
        }
    }

    #[test]
    fn a_month_is_the_one_at_the_customer_s_site() {
        let now = Instant::parse("2026-09-30T22:12:07Z").expect("a timestamp");
        assert_eq!(month(now, "Europe/Berlin").expect("a known zone"), 202_610);
        assert_eq!(month(now, "UTC").expect("a known zone"), 202_609);
        assert!(month(now, "Mars/Olympus").is_err());
    }
}
