//! What no record proves: everything in a basis that a person or the portal says, listed one by one with
//! its numbers.
//!
//! The portal fills in who said it; a verifier makes the list anew and holds it against the portal's.
//! Deliberately absent: any judgement of it.

use crate::bundle::Said;
use billing::{
    CreditFact, Decision, EstimateFact, Events, Input, Mark, Meter, Outage, PrinterFacts, ReadingFact, ReadingSource,
    StayFact, SupplyFact, Terms, ThresholdFact,
};
use protocol::{Hex, sha256};
use report::Instant;
use serde::Serialize;

/// An instant to the millisecond.
pub(crate) fn exact(at: Instant) -> String {
    match at.0.rem_euclid(1000) {
        0 => at.to_string(),
        rest => format!("{at} and {rest} ms"),
    }
}

fn until(to: Option<Instant>) -> String {
    to.map_or_else(|| "with no end".to_owned(), |to| format!("until {}", exact(to)))
}

fn counter(meter: &Meter, media: Option<&str>) -> String {
    media.map_or_else(|| meter.to_string(), |media| format!("{meter} on {media}"))
}

/// A digest of what is too long to be listed.
fn digest(value: &impl Serialize) -> String {
    // What serialised once to be stored does so again.
    let text = serde_json::to_string(value).unwrap_or_default();
    format!("SHA-256 {}", Hex(sha256(&[text.as_bytes()])))
}

fn entry(what: &str, printer: Option<&str>, at: Instant, detail: String) -> Said {
    Said { what: what.to_owned(), printer: printer.map(str::to_owned), by: String::new(), at, detail }
}

/// What a statement rests on that no record proves; `by` is empty in all of it.
pub fn said(input: &Input, facts: &[PrinterFacts]) -> Vec<Said> {
    let mut list = Vec::new();
    of_contract(input, &mut list);
    of_events(&input.events, &mut list);
    for facts in facts {
        of_printer(facts, &mut list);
    }
    list
}

/// The digest of terms, by which a customer finds the contract that was signed.
pub fn terms_digest(terms: &Terms) -> String {
    digest(terms)
}

fn of_contract(input: &Input, list: &mut Vec<Said>) {
    let start = input.period.start;
    let contract = &input.contract;
    let terms = format!("version {} of contract {}, {}", contract.version, contract.number, terms_digest(&input.terms));
    list.push(entry("terms", None, start, terms));
    list.push(entry("parties", None, start, digest(&input.parties)));
    if let Some(runs) = input.runs {
        list.push(entry("run", None, runs.from, format!("the contract runs {}", until(runs.to))));
    }
    for (id, site) in &input.sites {
        let detail = format!("site {id}: {}, {}, tax area {}", site.name, site.country, site.tax_area());
        list.push(entry("site", None, start, detail));
    }
    for (name, values) in &input.tables.indices {
        for value in values {
            // Millionths, so that nothing is rounded away.
            let detail = format!("index {name} on {}: {} millionths", value.day, value.value.millionths);
            list.push(entry("index", None, start, detail));
        }
    }
    for carried in &input.carry.entries {
        for lot in &carried.lots {
            let name = format!("{} of {} {}", carried.what, carried.clause, carried.pool);
            let detail = format!(
                "{}: {} base units, {} minor units, {}",
                name.trim_end(),
                lot.quantity,
                lot.amount.0,
                until(lot.until)
            );
            list.push(entry("carry", None, lot.from, detail));
        }
    }
    for adjustment in &input.adjustments {
        let of = &adjustment.refers;
        for line in &adjustment.lines {
            let detail = format!(
                "line {} of {} ({}), {} until {}: {} minor units: {} {} {}",
                line.line,
                of.number,
                of.statement,
                exact(of.period.start),
                exact(of.period.end),
                line.amount.0,
                line.title,
                line.detail,
                line.steps.join("; ")
            );
            list.push(entry("adjustment", None, of.period.start, detail));
        }
    }
}

fn of_events(events: &Events, list: &mut Vec<Said>) {
    for Outage { printer, from, to, note } in &events.outages {
        list.push(entry("outage", Some(printer), *from, format!("until {}: {note}", exact(*to))));
    }
    for CreditFact { printer, meter, media, quantity, at, reason, note } in &events.credits {
        let counter = counter(meter, media.as_deref());
        let detail = format!("{quantity} base units of {counter} for {}: {note}", reason.words());
        list.push(entry("credit", Some(printer), *at, detail));
    }
    for SupplyFact { printer, product, colour, count, at } in &events.supplies {
        list.push(entry("supply", printer.as_deref(), *at, format!("{count} of {product} {colour}")));
    }
    for late in &events.late {
        let (meters, days, printers) = (late.meters, late.days, late.printers.join(", "));
        let detail = format!("site {}: {meters} meters not read for {days} days: {printers}", late.site);
        list.push(entry("late", None, Instant(0), detail));
    }
    for silence in &events.silences {
        let detail = format!("nothing reported until {}", exact(silence.to));
        list.push(entry("silence", Some(&silence.printer), silence.from, detail));
    }
    for purchase in &events.purchases {
        let detail = format!("{} blocks of {}", purchase.blocks, purchase.clause);
        list.push(entry("purchase", None, purchase.at, detail));
    }
    if let Some(exit) = &events.exit {
        let noticed = exit.noticed.map_or_else(|| "no notice".to_owned(), |day| format!("notice on {day}"));
        let breach = if exit.breach { ", by a breach" } else { "" };
        list.push(entry("exit", None, Instant(0), format!("the contract ends on {}, {noticed}{breach}", exit.on)));
    }
}

fn of_printer(facts: &PrinterFacts, list: &mut Vec<Said>) {
    let id = Some(facts.id.as_str());
    for stay in &facts.stays {
        list.push(entry("stay", id, stay.from, stay_words(facts, stay)));
    }
    for decision in &facts.decisions {
        list.push(entry("decision", id, decision.at, decision_words(decision)));
    }
    for reading in &facts.readings {
        if reading.source.is_of_a_person() || reading.source == ReadingSource::Declared {
            list.push(entry("reading", id, reading.read_at, reading_words(reading)));
        }
    }
    for job in facts.jobs.iter().filter(|job| !job.marks.is_empty()) {
        let marks: Vec<&str> = job.marks.iter().map(|mark| mark.words()).collect();
        let mut detail = format!("job {}: {}", job.key, marks.join(", "));
        if job.marks.contains(&Mark::Declared) {
            let quantities = job
                .quantities
                .iter()
                .map(|entry| format!("{} of {}", entry.amount, counter(&entry.meter, entry.media.as_deref())));
            detail.push_str(": ");
            detail.push_str(&quantities.collect::<Vec<_>>().join(", "));
        }
        list.push(entry("job", id, job.finished_at, detail));
    }
    for estimate in &facts.estimates {
        list.push(entry("estimate", id, estimate.span.start, estimate_words(estimate)));
    }
    for ThresholdFact { from, lines_below, high_above, customization } in &facts.thresholds {
        let papers = customization.iter().map(|(paper, category)| format!("{paper} is {}", category.id()));
        let papers = papers.collect::<Vec<_>>().join(", ");
        let detail = format!("lines below {} ppm, high density above {} ppm; {papers}", lines_below.0, high_above.0);
        list.push(entry("limits", id, *from, detail));
    }
}

fn stay_words(facts: &PrinterFacts, stay: &StayFact) -> String {
    let since = facts.known_since.map_or_else(|| "never".to_owned(), exact);
    format!(
        "{} ({}) in the contract {}, place {}, site {}; first read {since}",
        facts.label,
        facts.serial.as_deref().unwrap_or("without a serial number"),
        until(stay.to),
        stay.position.as_deref().unwrap_or("its own"),
        stay.site.as_deref().unwrap_or("not said")
    )
}

/// What is listed of a reading that rests on a person's word.
pub fn reading_words(reading: &ReadingFact) -> String {
    let ReadingFact { meter, media, value, grade, source, .. } = reading;
    let counter = counter(meter, media.as_deref());
    format!("{counter}: {value} base units, {}, grade {}", source.words(), grade.word())
}

/// What is listed of an estimate.
pub fn estimate_words(estimate: &EstimateFact) -> String {
    let EstimateFact { meter, media, span, quantity, method, basis } = estimate;
    let counter = counter(meter, media.as_deref());
    format!("{quantity} base units of {counter} until {}, {}: {basis}", exact(span.end), method.words())
}

/// What is listed of a decision on a break.
pub fn decision_words(decision: &Decision) -> String {
    let number = |value: Option<i64>| value.map_or_else(|| "not said".to_owned(), |value| value.to_string());
    format!(
        "{}: {}, counts from {}, width {}, decided {} by {}",
        counter(&decision.meter, decision.media.as_deref()),
        decision.reason.word(),
        number(decision.counts_from),
        number(decision.width),
        exact(decision.decided_at),
        decision.by
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{MeterKind, Money, SegmentReason};
    use report::Grade;

    #[test]
    fn every_number_that_a_person_says_stands_in_the_list() {
        let meter = Meter::whole(MeterKind::AreaMedia);
        let decision = Decision {
            meter: meter.clone(),
            media: None,
            at: Instant(1_001),
            reason: SegmentReason::Rollover,
            counts_from: Some(41),
            width: Some(42),
            by: "Ada".to_owned(),
            decided_at: Instant(2_002),
        };
        let reading = |source| ReadingFact {
            meter: meter.clone(),
            media: None,
            value: 43,
            read_at: Instant(3_003),
            grade: Grade::C,
            source,
        };
        let facts = PrinterFacts {
            id: "7".to_owned(),
            decisions: vec![decision],
            readings: vec![reading(ReadingSource::Printer), reading(ReadingSource::Manual)],
            stays: vec![StayFact { from: Instant(4_004), to: None, position: None, site: None }],
            ..PrinterFacts::default()
        };
        let mut list = Vec::new();
        of_printer(&facts, &mut list);
        let whats: Vec<&str> = list.iter().map(|said| said.what.as_str()).collect();
        assert_eq!(whats, ["stay", "decision", "reading"]);
        assert!(list.iter().all(|said| said.by.is_empty() && said.printer.as_deref() == Some("7")));
        assert!(list[1].detail.contains("41") && list[1].detail.contains("42") && list[1].detail.contains("2 ms"));
        assert!(list[2].detail.contains("43"));
    }

    #[test]
    fn an_instant_shows_its_milliseconds_and_money_its_digest() {
        assert_eq!(exact(Instant(1_000)), "1970-01-01T00:00:01Z");
        assert_eq!(exact(Instant(1_007)), "1970-01-01T00:00:01Z and 7 ms");
        assert_ne!(digest(&Money(1)), digest(&Money(2)));
    }
}
