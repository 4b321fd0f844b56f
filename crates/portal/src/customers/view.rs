//! Turns what the store found into the rows and words of pages, also of the customer's own page.
//!
//! Deliberately absent: what only a reseller may see, which the page of one customer adds itself.

use super::store;
use crate::agents::Lateness;
use crate::contracts::page::ContractRow;
use crate::db::{DbError, Tx};
use crate::fleet::page::PrinterRow;
use crate::shell::ResellerScope;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Status, Tone};
use crate::shell::part::Part;
use crate::shell::printer;
use billing::{Clause, Per};
use protocol::limits::INTERVAL_MINUTES_DEFAULT;
use report::{Duration, Instant};

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
    format!(
        "{seen} The agent's own file on the customer's computer decides; this portal can neither read nor change it."
    )
}

/// The month of `now` in a zone, as `yyyymm`.
pub(super) fn month(now: Instant, zone: &str) -> Result<i64, DbError> {
    let month = billing::month_of(now, zone).map_err(|error| DbError::Unfit(error.to_string()))?;
    Ok(i64::from(month.year()) * 100 + i64::from(month.month()))
}

fn printer_row(printer: store::Printer, customer: &str, now: Instant, zone: &Zone) -> PrinterRow {
    let interval = printer.interval_minutes.unwrap_or(i64::from(INTERVAL_MINUTES_DEFAULT));
    let (status, last, exact) = match printer.received_at {
        Some(at) => {
            let status = Lateness::of(at, interval, now).status("Reporting", at, now);
            (status, format::relative(now, at), format::exact(at, zone))
        }
        None => (Status::new(Tone::Info, "No reading yet"), "never".to_owned(), String::new()),
    };
    let (product_name, product_number) = (printer.product_name.as_deref(), printer.product_number.as_deref());
    let name = printer::name(printer.nickname.as_deref(), product_name, product_number);
    PrinterRow {
        href: format!("/printers/{}", printer.printer_id),
        name: name.unwrap_or("Printer of an unknown model").to_owned(),
        serial: if printer.serial.is_empty() { "no serial number".to_owned() } else { printer.serial },
        customer: customer.to_owned(),
        path: printer.host.unwrap_or_else(|| format::UNKNOWN.to_owned()),
        area: format::area_or_unknown(printer.area),
        ink: format::ink_or_unknown(printer.ink),
        status,
        last,
        exact,
        contract: None,
    }
}

/// A contract of the customer called `customer`. Its dates are those of the zone that cuts its periods.
pub(super) fn contract_row(contract: &store::Contract, customer: &str, now: Instant) -> ContractRow {
    let zone = Zone::new(&contract.terms.time_zone).unwrap_or_else(Zone::utc);
    let status = match contract.printers {
        _ if now < contract.valid_from => Status::new(Tone::Info, "not yet in force"),
        0 => Status::new(Tone::Warn, "no printer"),
        _ => Status::new(Tone::Good, "in force"),
    };
    ContractRow {
        href: format!("/contracts/{}", contract.contract_id),
        name: contract.number.clone(),
        customer: customer.to_owned(),
        printers: contract.printers,
        base_fee: base_fee(&contract.terms),
        version: format!("{}, since {}", contract.version, format::day(contract.valid_from, &zone)),
        status,
    }
}

fn base_fee(terms: &billing::Terms) -> String {
    let (digits, code) = (u32::from(terms.currency.minor_digits()), terms.currency.code());
    let fees = terms.clauses.iter().filter_map(|clause| match clause {
        Clause::BaseFee(fee) => Some((format::money(fee.amount.0, digits, code), fee.per)),
        _ => None,
    });
    let words = fees.map(|(amount, per)| match per {
        Per::Contract => format!("{amount} a period"),
        Per::Printer => format!("{amount} a printer and period"),
    });
    let words = words.collect::<Vec<_>>().join(" + ");
    if words.is_empty() { "none".to_owned() } else { words }
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
    fn a_month_is_the_one_at_the_customer_s_site() {
        let now = Instant::parse("2026-09-30T22:12:07Z").expect("a timestamp");
        assert_eq!(month(now, "Europe/Berlin").expect("a known zone"), 202_610);
        assert_eq!(month(now, "UTC").expect("a known zone"), 202_609);
        assert!(month(now, "Mars/Olympus").is_err());
    }
}
