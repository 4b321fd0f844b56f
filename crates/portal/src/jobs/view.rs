//! From stored jobs to what the pages show.
//!
//! Deliberately absent: SQL, and choosing which jobs are meant.

use super::filter::{Asked, Filter, resolve};
use super::page::{JobPage, JobRow, JobTable, JobVersion, JobsPage, MeterTotal};
use super::record::{self, Record};
use super::store::{self, JobLine, Named, Owner, Totals, Version};
use super::units;
use crate::Portal;
use crate::db::Tx;
use crate::shell::address;
use crate::shell::format::{self, UNKNOWN, Zone};
use crate::shell::page::{Badge, Fact, Field, Link, Status, Tone};
use crate::shell::printer;
use crate::shell::rows::{Seen, other_defects, sections};
use crate::shell::{Error, ResellerUser, chrome};
use billing::MeterKind;
use report::{Area, Category, Ink, JobKind, JobStatus, Length, Section, walk_job};

/// Printers that the filter offers.
const PRINTERS_MAX: i64 = 200;
/// In a cell for what there can be none of.
const NONE: &str = "—";

/// A quantity of a kind of meter, from base units, without its unit; and the unit.
pub(crate) fn quantity(kind: MeterKind, amount: i64) -> (String, &'static str) {
    match kind {
        MeterKind::AreaPrinted | MeterKind::AreaMedia | MeterKind::ScanArea => (format::area(Area(amount)), "m²"),
        MeterKind::Length => (format::length(Length(amount)), "m"),
        MeterKind::Ink => (format::ink(Ink(amount)), "ml"),
        MeterKind::Pages => (format::count(amount), "pages"),
        MeterKind::Jobs => (format::count(amount), "jobs"),
    }
}

/// A quantity with its unit.
pub(crate) fn quantity_unit(kind: MeterKind, amount: i64) -> String {
    let (number, unit) = quantity(kind, amount);
    format!("{number} {unit}")
}

/// The jobs as a table, times in `zone`.
pub(crate) fn table(lines: &[JobLine], zone: &Zone, caption: &str, empty: &str) -> JobTable {
    JobTable {
        caption: caption.to_owned(),
        rows: lines.iter().map(|line| row(line, zone)).collect(),
        empty: empty.to_owned(),
    }
}

fn row(line: &JobLine, zone: &Zone) -> JobRow {
    let of_print = |value: String| if line.kind == JobKind::Scan.word() { NONE.to_owned() } else { value };
    let category = line.category.as_deref().map(|id| Category::new(id).label().to_owned());
    JobRow {
        href: job_address(line.printer_id, &line.key),
        at: format::instant(line.finished_at, zone),
        exact: format::exact(line.finished_at, zone),
        printer: Link::new(printer::with_serial(&line.printer, &line.serial), format!("/printers/{}", line.printer_id)),
        kind: kind(&line.kind),
        category: of_print(category.unwrap_or_else(|| UNKNOWN.to_owned())),
        status: status(&line.status),
        pages: of_print(pages(line.pages, line.copies)),
        printed: of_print(format::area_or_unknown(line.area_printed.map(Area))),
        media: of_print(format::area_or_unknown(line.area_media.map(Area))),
        ink: of_print(format::ink_or_unknown(line.ink.map(Ink))),
        grade: Badge::from(line.grade),
        defects: usize::try_from(line.defects).unwrap_or(0),
        dated_by_receipt: line.dated_by_receipt,
    }
}

/// The page of one job. A job's key holds `@` and may hold `#` or `/`.
fn job_address(printer_id: i64, key: &str) -> String {
    format!("/jobs/{printer_id}/{}", address::encode(key))
}

fn pages(pages: Option<i64>, copies: Option<i64>) -> String {
    match (pages, copies) {
        (Some(pages), Some(copies)) if copies > 1 => {
            format!("{} in {} copies", format::count(pages), format::count(copies))
        }
        (pages, _) => format::count_or_unknown(pages),
    }
}

fn kind(word: &str) -> &'static str {
    let all = [JobKind::Print, JobKind::Scan, JobKind::Copy];
    all.into_iter().map(JobKind::word).find(|known| *known == word).unwrap_or("job")
}

fn status(word: &str) -> Status {
    let tone = match word {
        "printed" | "scanned" => Tone::Good,
        "cancelled" => Tone::Warn,
        "failed" => Tone::Bad,
        _ => Tone::Info,
    };
    Status::new(tone, word)
}

/// `/jobs`.
pub(super) fn list(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, asked: &Asked) -> Result<JobsPage, Error> {
    let scope = &user.scope;
    let filter = resolve(tx, scope, asked)?;
    let (totals, lines) = store::page(tx, scope, &filter)?;
    let printers = store::printers(tx, scope, filter.customer, PRINTERS_MAX)?;
    let metered = filter.metered.as_ref().zip(totals.metered).map(|(metered, base)| MeterTotal {
        label: metered.pattern.label(),
        value: quantity_unit(metered.pattern.meter, base),
        base,
    });
    let at = |page: &str| filter.address("/jobs", page);
    Ok(JobsPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/jobs", "Jobs"), None)?,
        sub: sub(&filter),
        filters: fields(&filter, printers),
        totals: facts(&totals),
        metered,
        jobs: table(&lines, &filter.zone, "Jobs", "No job fits. Widen the dates or take a filter away."),
        export_href: filter.address("/jobs.csv", ""),
        pager: filter.part.pager_at(lines.len(), totals.jobs, at),
    })
}

fn sub(filter: &Filter) -> String {
    let zone = &filter.zone;
    let day = |at| format::day(at, zone);
    let period = match filter.edges() {
        (Some(from), Some(last)) => format!("{} to {}", day(from), day(last)),
        (Some(from), None) => format!("since {}", day(from)),
        (None, Some(last)) => format!("until {}", day(last)),
        (None, None) => "all there are".to_owned(),
    };
    format!("{period} · times in {}", zone.name())
}

fn facts(totals: &Totals) -> Vec<Fact> {
    // Of no jobs at all the sum is known: nothing.
    let known = |sum: Option<i64>| if totals.jobs == 0 { Some(0) } else { sum };
    let area = |sum| known(sum).map_or_else(|| UNKNOWN.to_owned(), |sum| format::area_unit(Area(sum)));
    let ink = known(totals.ink).map_or_else(|| UNKNOWN.to_owned(), |sum| format::ink_unit(Ink(sum)));
    vec![
        Fact::new("Jobs", format::count(totals.jobs)),
        Fact::new("Area printed", area(totals.area_printed)),
        Fact::new("Media used", area(totals.area_media)),
        Fact::new("Ink", ink),
    ]
}

/// The filter as a form. What is rarely used stands there only while it is in force.
fn fields(filter: &Filter, printers: Vec<(i64, String)>) -> Vec<Field> {
    let day = |at: Option<report::Instant>| at.map_or_else(String::new, |at| format::iso_day(at, &filter.zone));
    let (first, last) = filter.edges();
    let printers = printers.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
    let mut fields = vec![
        choose("printer", "Printer", offered(printers, filter.printer, filter.subject.printer.as_ref()), filter),
        Field::new("date", "from", "From").value(day(first)),
        Field::new("date", "to", "To").value(day(last)),
        choose("meter", "Meter", meters(filter), filter),
        choose("category", "Category", categories(filter), filter),
        choose("kind", "Kind", words(&[JobKind::Print, JobKind::Scan, JobKind::Copy].map(JobKind::word)), filter),
        choose("status", "Status", words(&JobStatus::ALL.map(JobStatus::word)), filter),
    ];
    for (name, label, named, id) in [
        ("customer", "Customer", &filter.subject.customer, filter.customer),
        ("contract", "Contract", &filter.subject.contract, filter.contract),
    ] {
        if named.is_some() {
            fields.push(choose(name, label, offered(Vec::new(), id, named.as_ref()), filter));
        }
    }
    for (name, label) in [("media", "Media"), ("colour", "Colour"), ("except", "Without")] {
        let value = filter.field(name);
        if !value.is_empty() {
            fields.push(choose(name, label, vec![(value.to_owned(), value.to_owned())], filter));
        }
    }
    fields
}

/// A list to choose from, led by all, with what the address names chosen.
fn choose(name: &str, label: &str, choices: Vec<(String, String)>, filter: &Filter) -> Field {
    let all = (String::new(), "all".to_owned());
    Field::select(name, label, [all].into_iter().chain(choices), filter.field(name))
}

fn words(words: &[&str]) -> Vec<(String, String)> {
    words.iter().map(|word| ((*word).to_owned(), (*word).to_owned())).collect()
}

/// The choices, with the one in force in any case.
fn offered(mut choices: Vec<(String, String)>, id: i64, named: Option<&Named>) -> Vec<(String, String)> {
    if let Some(named) = named.filter(|_| !choices.iter().any(|(known, _)| *known == id.to_string())) {
        choices.push((id.to_string(), named.name.clone()));
    }
    choices
}

fn meters(filter: &Filter) -> Vec<(String, String)> {
    let mut meters: Vec<(String, String)> =
        MeterKind::all().map(|kind| (kind.word().to_owned(), kind.label().to_owned())).collect();
    let chosen = filter.field("meter");
    if let Some(metered) = filter.metered.as_ref().filter(|_| !meters.iter().any(|(word, _)| word == chosen)) {
        meters.push((chosen.to_owned(), metered.pattern.label()));
    }
    meters
}

fn categories(filter: &Filter) -> Vec<(String, String)> {
    let chosen = filter.field("category");
    let is_own = |own: &Category| !chosen.is_empty() && Category::known().all(|known| known != *own);
    let own = Some(Category::new(chosen)).filter(is_own);
    Category::known().chain(own).map(|category| (category.id().to_owned(), category.label().to_owned())).collect()
}

/// `/jobs/{printer}/{key}`. Another reseller's job is not found.
pub(super) fn one(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    printer_id: i64,
    key: &str,
) -> Result<JobPage, Error> {
    let scope = &user.scope;
    let owner = store::owner(tx, scope, printer_id)?.ok_or(Error::NotFound)?;
    let versions = store::versions(tx, scope, printer_id, key)?;
    let current = versions.iter().rev().find(|version| !version.superseded).or(versions.last());
    let version = current.ok_or(Error::NotFound)?;
    let zone = Zone::new(&owner.zone).unwrap_or_else(Zone::utc);
    let statements = store::statements(tx, scope, printer_id, version.finished_at)?;
    let mut facts = origin(printer_id, key, &owner, version, &zone);
    facts.extend(units::facts(tx, scope, printer_id, (key, version.number))?);
    facts.extend(statements.into_iter().map(|(id, name)| {
        let name = if name.is_empty() { "not issued yet".to_owned() } else { name };
        Fact::new("Statement of its period", name).linked(format!("/statements/{id}"))
    }));
    let record = record::load(tx, scope, &version.place)?;
    let shown = shown_sections(&version.kind);
    let (defects, rows) = match &record {
        Some(record) => (other_defects(&record.defects, shown), rows(record, shown, &zone)),
        None => (vec!["The package of this record is not kept any more.".to_owned()], Vec::new()),
    };
    let title = kind_title(&version.kind);
    let heading = format!("{title} of {}", format::instant(version.finished_at, &zone));
    Ok(JobPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/jobs", &heading), None)?,
        sub: format!(
            "{} · {} · times in {}",
            printer::with_serial(&owner.printer, &owner.serial),
            owner.customer,
            zone.name()
        ),
        heading,
        status: status(&version.status),
        grade: Badge::from(version.grade),
        facts,
        defects,
        versions: changes(&versions, version.number, &zone),
        sections: rows,
    })
}

fn kind_title(word: &str) -> &'static str {
    match kind(word) {
        "print" => "Print job",
        "scan" => "Scan job",
        "copy" => "Copy job",
        _ => "Job",
    }
}

/// The sections of Appendix A that a job of that kind fills.
fn shown_sections(word: &str) -> &'static [Section] {
    match kind(word) {
        "print" => &[Section::PrintJob],
        "scan" => &[Section::ScanJob],
        _ => &[Section::PrintJob, Section::ScanJob],
    }
}

fn rows(record: &Record, shown: &[Section], zone: &Zone) -> Vec<crate::shell::rows::RowSection> {
    let filled = walk_job(&record.job);
    sections(shown, Seen { filled: &filled, sources: &record.sources, defects: &record.defects, zone })
}

/// Where a job comes from.
fn origin(printer_id: i64, key: &str, owner: &Owner, version: &Version, zone: &Zone) -> Vec<Fact> {
    let place = &version.place;
    let agent = version.host.clone().unwrap_or_else(|| place.agent_id.clone());
    let received = version.received_at.map_or_else(|| UNKNOWN.to_owned(), |at| format::exact(at, zone));
    vec![
        Fact::new("Printer", printer::with_serial(&owner.printer, &owner.serial))
            .linked(format!("/printers/{printer_id}")),
        Fact::new("Customer", &owner.customer).linked(format!("/customers/{}", owner.customer_id)),
        Fact::new("Agent", agent).linked(format!("/agents/{}", address::encode(&place.agent_id))),
        Fact::new("Key", key),
        Fact::new("Finished", format::exact(version.finished_at, zone)),
        Fact::new("Read", format::exact(version.read_at, zone)),
        Fact::new("Arrived", received),
        Fact::new("Package", format::count(place.sequence)),
        Fact::new("Record", format::count(place.record)),
    ]
}

/// Each version with the area it added; where there is one version only, there is nothing to tell.
fn changes(versions: &[Version], current: i64, zone: &Zone) -> Vec<JobVersion> {
    if versions.len() < 2 {
        return Vec::new();
    }
    let mut before: Option<Option<i64>> = None;
    let mut change = |version: &Version| {
        // A version that was older than what was known when it arrived changed nothing.
        if version.superseded && version.number > current {
            return "none: it is older".to_owned();
        }
        let added = match (before.replace(version.area_printed), version.area_printed) {
            (None, area) => area,
            (Some(Some(old)), Some(new)) => Some(new.saturating_sub(old)),
            (Some(_), _) => None,
        };
        added.map_or_else(|| UNKNOWN.to_owned(), signed_area)
    };
    let version = |version: &Version| JobVersion {
        number: version.number,
        at: version.received_at.map_or_else(|| UNKNOWN.to_owned(), |at| format::instant(at, zone)),
        change: change(version),
    };
    versions.iter().map(version).collect()
}

fn signed_area(area: i64) -> String {
    let sign = if area > 0 { "+\u{a0}" } else { "" };
    format!("{sign}{}", format::area_unit(Area(area)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_part_of_the_address() {
        assert_eq!(job_address(7, "#12@1700000000"), "/jobs/7/%2312%401700000000");
        assert_eq!(job_address(7, "a/b?c@1"), "/jobs/7/a%2Fb%3Fc%401");
    }

    #[test]
    fn pages_are_of_all_copies_together() {
        assert_eq!(pages(Some(6), Some(2)), "6 in 2 copies");
        assert_eq!(pages(Some(6), Some(1)), "6");
        assert_eq!(pages(None, Some(2)), "unknown");
    }

    #[test]
    fn a_quantity_is_shown_in_its_pricing_unit() {
        assert_eq!(quantity_unit(MeterKind::AreaPrinted, 1_234_500_000), "1,234.50 m²");
        assert_eq!(quantity_unit(MeterKind::Ink, 2_700_000), "2.7 ml");
        assert_eq!(quantity_unit(MeterKind::Jobs, 1_000), "1,000 jobs");
    }
}
