//! `/printers`: the fleet with its filters, a search, and what each printer did this month.
//!
//! Deliberately absent: SQL.

use super::month::SoFar;
use super::page::{PrinterRow, PrintersPage};
use super::store::{self, Counts, Listed, Search, Stay, Sums};
use super::{Participation, SILENT_AFTER, reporting};
use crate::Portal;
use crate::agents::kind_words;
use crate::db::Tx;
use crate::shell::address::{Fields, address, id, text};
use crate::shell::format::{self, UNKNOWN, Zone};
use crate::shell::page::{Chip, Link};
use crate::shell::part::{Part, ROWS};
use crate::shell::{Error, ResellerScope, ResellerUser, chrome};
use billing::MeterKind;
use jiff::tz::TimeZone;
use report::{Area, Duration, Ink, Instant};
use std::collections::BTreeMap;

/// Characters of a search.
const QUERY_MAX: usize = 100;

/// The filters: the word in the address, and its name.
const FILTERS: &[(&str, &str)] = &[
    ("", "All"),
    ("silent", "Not reporting"),
    ("alerts", "Alerts"),
    ("supplies", "Supplies ending"),
    ("no-contract", "No contract"),
    ("seen", "Seen"),
];

/// What an address asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    query: String,
    filter: &'static str,
    customer: i64,
    part: Part,
    done: Option<String>,
}

impl Asked {
    /// Reads an address; an unknown filter shows nothing.
    pub(super) fn read(fields: &Fields) -> Result<Asked, Error> {
        let word = text(fields, "filter");
        let filter = FILTERS.iter().find(|(known, _)| *known == word).ok_or(Error::NotFound)?;
        let customer = match text(fields, "customer") {
            "" => 0,
            number => id(number)?,
        };
        Ok(Asked {
            query: text(fields, "q").chars().take(QUERY_MAX).collect(),
            filter: filter.0,
            customer,
            part: Part::asked(fields),
            done: fields.get("done").cloned(),
        })
    }

    fn customer_text(&self) -> String {
        if self.customer == 0 { String::new() } else { self.customer.to_string() }
    }

    fn address(&self, filter: &str, page: &str) -> String {
        let customer = self.customer_text();
        let fields = [("filter", filter), ("q", self.query.as_str()), ("customer", customer.as_str()), ("page", page)];
        address("/printers", fields)
    }

    fn search(&self, now: Instant) -> Search {
        Search {
            pattern: pattern(&self.query),
            customer: self.customer,
            filter: self.filter,
            part: self.part,
            heard_since: now.plus(Duration(-SILENT_AFTER.0)),
            now,
        }
    }
}

/// The pattern for `like` that finds `query` anywhere; `!` takes the meaning from what follows it.
fn pattern(query: &str) -> String {
    if query.is_empty() {
        return String::new();
    }
    let mut pattern = "%".to_owned();
    for c in query.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The page.
pub(super) fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    asked: &Asked,
) -> Result<PrintersPage, Error> {
    let scope = &user.scope;
    let now = portal.surroundings().now();
    let customer = match asked.customer {
        0 => None,
        id => Some(store::customer(tx, scope, id)?.ok_or(Error::NotFound)?),
    };
    let search = asked.search(now);
    let counts = store::counts(tx, scope, &search)?;
    let so_far = SoFar::of(now, &TimeZone::UTC);
    let rows = rows(tx, scope, &search, so_far)?;
    let total = count(&counts, asked.filter);
    let done = asked.done.as_deref();
    Ok(PrintersPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/printers", "Printers"), done)?,
        sub: sub(&counts, customer.as_deref(), so_far),
        chips: FILTERS.iter().map(|(word, name)| chip(asked, &counts, word, name)).collect(),
        query: asked.query.clone(),
        filter: asked.filter,
        customer: asked.customer_text(),
        pager: asked.part.pager_at(rows.len(), total, |page| asked.address(asked.filter, page)),
        rows,
        empty: empty(asked).to_owned(),
    })
}

fn empty(asked: &Asked) -> &'static str {
    if asked.filter.is_empty() && asked.query.is_empty() && asked.customer == 0 {
        "No printer yet. Enrol an agent on a customer's page; its printers appear with its first package."
    } else {
        "No printer fits. Widen the search or take the filter away."
    }
}

fn count(counts: &Counts, filter: &str) -> i64 {
    match filter {
        "silent" => counts.silent,
        "alerts" => counts.alerts,
        "supplies" => counts.supplies,
        "no-contract" => counts.no_contract,
        "seen" => counts.seen,
        _ => counts.all,
    }
}

fn chip(asked: &Asked, counts: &Counts, word: &str, name: &str) -> Chip {
    let label = format!("{name} {}", format::count(count(counts, word)));
    Chip::new(label, asked.address(word, ""), word == asked.filter)
}

fn sub(counts: &Counts, customer: Option<&str>, so_far: SoFar) -> String {
    let (all, customers) = (format::count(counts.all), format::count(counts.customers));
    let printers = if counts.all == 1 { "printer" } else { "printers" };
    let whose = match (customer, counts.customers) {
        (Some(name), _) => name.to_owned(),
        (None, 1) => "1 customer".to_owned(),
        (None, _) => format!("{customers} customers"),
    };
    format!("{all} {printers} of {whose} · {} so far · times in UTC", so_far.label())
}

fn rows(tx: &mut Tx<'_>, scope: &ResellerScope, search: &Search, so_far: SoFar) -> Result<Vec<PrinterRow>, Error> {
    let listed = store::list(tx, scope, search)?;
    debug_assert!(i64::try_from(listed.len()).is_ok_and(|rows| rows <= ROWS));
    let ids: Vec<i64> = listed.iter().map(|printer| printer.printer_id).collect();
    let sums = store::sums(tx, scope, &ids, so_far.this())?;
    let stays = store::stays(tx, scope, &ids)?;
    let held = stays.iter().filter(|stay| stay.holds(search.now)).map(|stay| (stay.printer_id, stay));
    let contracts: BTreeMap<i64, &Stay> = held.collect();
    let row = |printer: Listed| {
        let (sums, contract) = (sums.get(&printer.printer_id), contracts.get(&printer.printer_id).copied());
        row(printer, sums, contract, search.now)
    };
    Ok(listed.into_iter().map(row).collect())
}

fn row(printer: Listed, sums: Option<&Sums>, contract: Option<&Stay>, now: Instant) -> PrinterRow {
    let zone = Zone::utc();
    let sum = |kind: MeterKind| sums.and_then(|sums| sums.get(&kind).copied());
    // Without any job this month nothing was used; with jobs, what none of them told is not known.
    let known = |kind: MeterKind| match (sums, sum(kind)) {
        (_, Some(sum)) => Some(sum),
        (None, None) if printer.heard.is_some() => Some(0),
        _ => None,
    };
    let takes_part = printer.participation == Participation::Participating;
    let seen = printer.heard.map(|heard| heard.since()).max(printer.seen_at);
    // Of a printer that takes no part nothing is counted, and nothing is missing.
    let amount = |kind: MeterKind, shown: &dyn Fn(Option<i64>) -> String| match sum(kind) {
        None if !takes_part => "—".to_owned(),
        _ => shown(known(kind)),
    };
    PrinterRow {
        href: format!("/printers/{}", printer.printer_id),
        area: amount(MeterKind::AreaPrinted, &|sum| format::area_or_unknown(sum.map(Area))),
        ink: amount(MeterKind::Ink, &|sum| format::ink_or_unknown(sum.map(Ink))),
        status: printer
            .participation
            .status()
            .unwrap_or_else(|| reporting(now, printer.heard, printer.interval_minutes)),
        last: seen.map_or_else(|| "never".to_owned(), |seen| format::relative(now, seen)),
        exact: seen.map_or_else(String::new, |seen| format::exact(seen, &zone)),
        contract: contract.map(|stay| Link::new(&stay.number, format!("/contracts/{}", stay.contract_id))),
        path: match (printer.kind, printer.host) {
            (Some(kind), Some(host)) => format!("{} · {host}", kind_words(&kind)),
            (_, host) => host.unwrap_or_else(|| UNKNOWN.to_owned()),
        },
        name: printer.name,
        serial: printer.serial,
        customer: printer.customer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_its_text_and_nothing_by_wildcard() {
        assert_eq!(pattern(""), "");
        assert_eq!(pattern("CN48"), "%cn48%");
        assert_eq!(pattern("50%_!"), "%50!%!_!!%");
    }

    #[test]
    fn every_part_of_the_question_stands_in_the_address() {
        let fields = [("q", "XL & co"), ("filter", "silent"), ("customer", "7"), ("page", "2")];
        let fields: Fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let asked = Asked::read(&fields).expect("a good address");
        assert_eq!(asked.address("alerts", "3"), "/printers?filter=alerts&q=XL%20%26%20co&customer=7&page=3");
        assert!(Asked::read(&Fields::from([("filter".to_owned(), "x".to_owned())])).is_err());
    }
}
