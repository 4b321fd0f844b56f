//! Cases as readable text: terms, facts, and after `expect` the statement in words.
//!
//! ```text
//! currency EUR
//! base-fee contract 180.00 [title]          or: base-fee printer 12.50 [title]
//! allowance 400 <pattern> <pattern> …
//! price 0.14 <pattern> [= title]            lines that follow each other are one list
//! evidence area-media counter
//! tax 21 VAT
//! printer A                                 facts below are its own
//! job [status] 520 <meter>[@media] + 1 pages
//! jobs 1000 0.284 <meter>
//! counter <meter>[@media] 100 620           readings at both edges; "- 40 50": none at the start
//! ```

use billing::{
    Allowance, BaseFee, Clause, ContractRef, CounterFact, Currency, Evidence, Input, JobFact, Meter, MeterKind, Money,
    Pattern, Per, Period, Price, PriceList, PricingUnit, PrinterUsage, Quantity, ReadingPoint, Statement, Tax, Terms,
    UnitPrice, usage_between,
};
use report::{Grade, Instant, JobStatus, Share};
use std::path::Path;

/// October 2026 in UTC.
pub(crate) fn october() -> Period {
    Period::calendar_month(2026, 10, "UTC").expect("a month")
}

/// The instant a text names.
pub(crate) fn at(text: &str) -> Instant {
    Instant::parse(text).expect("an instant")
}

/// The currency of a code.
pub(crate) fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a currency")
}

/// Input for October 2026 with these terms and printers.
pub(crate) fn input(terms: Terms, printers: Vec<PrinterUsage>) -> Input {
    let contract = ContractRef { id: "c1".to_owned(), number: "2026-001".to_owned(), version: 1 };
    Input { contract, terms, period: october(), customer: "Bureau Noord".to_owned(), printers }
}

/// A printer that is in the contract all the time, without facts.
pub(crate) fn printer(id: &str) -> PrinterUsage {
    PrinterUsage {
        id: id.to_owned(),
        label: id.to_owned(),
        serial: None,
        from: Instant(0),
        to: None,
        known_since: None,
        jobs: Vec::new(),
        counters: Vec::new(),
    }
}

/// Reads a case: its input, and the statement it expects.
pub(crate) fn parse(text: &str, file: &Path) -> (Input, String) {
    let (facts, expected) = text.split_once("\nexpect\n").expect("a case has a line 'expect'");
    let mut terms = Terms::new(currency("EUR"), "UTC");
    let mut printers: Vec<PrinterUsage> = Vec::new();
    for line in facts.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let read = match word {
            "printer" => {
                printers.push(printer(rest));
                Some(())
            }
            "job" | "jobs" | "counter" => printers.last_mut().and_then(|printer| read_fact(printer, word, rest)),
            _ => read_term(&mut terms, word, rest),
        };
        assert!(read.is_some(), "{}: cannot read '{line}'", file.display());
    }
    (input(terms, printers), expected.trim_end().to_owned())
}

fn read_term(terms: &mut Terms, word: &str, rest: &str) -> Option<()> {
    match word {
        "currency" => terms.currency = Currency::parse(rest).ok()?,
        "evidence" => {
            let kind = MeterKind::parse(rest.strip_suffix(" counter")?).ok()?;
            terms.evidence.insert(kind, Evidence::Counter);
        }
        "base-fee" => {
            let mut parts = rest.splitn(3, ' ');
            let per = if parts.next()? == "printer" { Per::Printer } else { Per::Contract };
            let amount = Money::parse(parts.next()?, terms.currency).ok()?;
            let title = parts.next().map(str::to_owned);
            terms.clauses.push(Clause::BaseFee(BaseFee { title, amount, per }));
        }
        "allowance" => {
            let mut parts = rest.split(' ');
            let included = parts.next()?;
            let covers: Vec<Pattern> = parts.map(|part| Pattern::parse(part).ok()).collect::<Option<_>>()?;
            let included = covers.first()?.unit().parse(included)?;
            terms.clauses.push(Clause::Allowance(Allowance { covers, included }));
        }
        "price" => {
            let (price, pattern) = rest.split_once(' ')?;
            let (pattern, title) = match pattern.split_once(" = ") {
                Some((pattern, title)) => (pattern, Some(title.to_owned())),
                None => (pattern, None),
            };
            let (pattern, price) = (Pattern::parse(pattern).ok()?, UnitPrice::parse(price).ok()?);
            let price = Price { title, pattern, price };
            match terms.clauses.last_mut() {
                Some(Clause::PriceList(list)) => list.prices.push(price),
                _ => terms.clauses.push(Clause::PriceList(PriceList { prices: vec![price] })),
            }
        }
        "tax" => {
            let (rate, name) = rest.split_once(' ')?;
            // A percent is 10 000 parts per million, a unit price 1 000 000 millionths.
            let rate = Share(UnitPrice::parse(rate).ok()?.millionths / 100);
            terms.clauses.push(Clause::Tax(Tax { name: name.to_owned(), rate }));
        }
        _ => return None,
    }
    Some(())
}

fn read_fact(printer: &mut PrinterUsage, word: &str, rest: &str) -> Option<()> {
    match word {
        "jobs" => {
            let (count, rest) = rest.split_once(' ')?;
            for _ in 0..count.parse::<u32>().ok()? {
                printer.jobs.push(read_job(printer.jobs.len(), rest)?);
            }
        }
        "job" => printer.jobs.push(read_job(printer.jobs.len(), rest)?),
        _ => printer.counters.push(read_counter(rest)?),
    }
    Some(())
}

fn read_job(number: usize, text: &str) -> Option<JobFact> {
    let (status, amounts) = match text.split_once(' ')? {
        ("cancelled", rest) => (Some(JobStatus::Cancelled), rest),
        ("failed", rest) => (Some(JobStatus::Failed), rest),
        ("unknown", rest) => (None, rest),
        _ => (Some(JobStatus::Printed), text),
    };
    let quantities = amounts.split(" + ").map(|part| {
        let (amount, name) = part.split_once(' ')?;
        let (meter, media) = read_meter(name)?;
        let amount = meter.unit().parse(amount)?;
        Some(Quantity { meter, media, amount })
    });
    Some(JobFact {
        key: format!("j{number}"),
        finished_at: at("2026-10-15T12:00:00Z"),
        status,
        grade: Grade::B,
        quantities: quantities.collect::<Option<Vec<_>>>()?,
    })
}

/// A meter's name, with the media type after `@`.
fn read_meter(text: &str) -> Option<(Meter, Option<String>)> {
    match text.split_once('@') {
        Some((name, media)) => Some((Meter::parse(name).ok()?, Some(media.to_owned()))),
        None => Some((Meter::parse(text).ok()?, None)),
    }
}

fn read_counter(text: &str) -> Option<CounterFact> {
    let (text, end) = text.rsplit_once(' ')?;
    let (text, start) = text.rsplit_once(' ')?;
    let (name, read_at) = match text.strip_suffix(" -") {
        Some(name) => (name, at("2026-10-02T00:00:00Z")),
        None => (text, at("2026-09-30T23:00:00Z")),
    };
    let (meter, media) = read_meter(name)?;
    let point = |value: &str, read_at: Instant| {
        Some(ReadingPoint { segment: 1, value: meter.unit().parse(value)?, read_at, grade: Grade::B })
    };
    let readings = [point(start, read_at)?, point(end, at("2026-10-31T23:00:00Z"))?];
    Some(CounterFact { meter, media, usage: usage_between(&readings, &october()) })
}

/// A statement in words, as the cases expect it.
pub(crate) fn render(statement: &Statement) -> String {
    let mut out = Vec::new();
    for line in &statement.lines {
        let amount = line.amount.map_or_else(|| "none".to_owned(), |amount| amount.show(statement.currency));
        out.push(format!("{} | {} | {amount}", line.title, line.detail));
        out.extend(line.steps.iter().map(|step| format!("  {step}")));
    }
    out.push(format!("net {}", statement.net.show(statement.currency)));
    for row in &statement.taxes {
        out.push(format!("{} {}", row.label(), row.amount.show(statement.currency)));
    }
    out.push(format!("total {}", statement.total.show(statement.currency)));
    let number = |area| PricingUnit::SquareMetre.number(area);
    for row in &statement.reconciliations {
        let reconciliation = &row.reconciliation;
        let Some(counter) = reconciliation.counter_total else { continue };
        let (media, printed) = (number(reconciliation.job_media_total), number(reconciliation.job_printed_total));
        out.push(format!("{}: counter {}, jobs used {media}, printed {printed}", row.label, number(counter)));
        for difference in &reconciliation.differences {
            out.push(format!("  {}: {}", difference.cause.words(), number(difference.amount)));
        }
    }
    out.extend(statement.notes.iter().map(|note| format!("note {note}")));
    out.join("\n")
}
