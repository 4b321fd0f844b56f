//! A statement as a page shows it: every text formatted once, for print, PDF and whoever else lays it out.
//!
//! Deliberately absent: fonts, places and colours except the brand's one, and any sum that the statement does
//! not have. What is worked out here are only shares that help a reader.

use crate::readings::{Reading, compared, readings};
use crate::words::{self, Zone};
use billing::{
    DocumentKind, Line, Mark, Money, Party, Pattern, PrinterReconciliation, ReadingPoint, Reference, Statement,
    TaxCategory, TaxRow,
};
use report::{Grade, Instant};
use serde::Serialize;
use std::collections::BTreeSet;

/// The accent of a brand that says none, or none that can be read.
const ACCENT: &str = "#1d4f91";
/// Digits of an account number that stand together.
const IBAN_GROUP: usize = 4;

/// How the reseller shows itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// Its name.
    pub name: String,
    /// Its address, line by line.
    pub address: Vec<String>,
    /// Its colour, `#rrggbb`; anything else is ours.
    pub accent: String,
    /// What stands at the foot of each page, line by line.
    pub footer: Vec<String>,
    /// How to pay, in the reseller's own words.
    pub payment: Option<String>,
}

/// A statement as texts, all formatted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Paper {
    /// Its number; `None` for a draft.
    pub number: Option<String>,
    /// The word of its kind: `statement`, `credit`, `debit`.
    pub kind: String,
    /// What it is called: `Credit note S-0188`.
    pub title: String,
    /// The name at the head.
    pub brand: String,
    /// Who sells, line by line.
    pub seller: Vec<String>,
    /// Who pays, line by line; the first is the name.
    pub buyer: Vec<String>,
    /// What it is about: label and text.
    pub facts: Vec<(String, String)>,
    /// The code of the currency of every amount.
    pub currency: String,
    /// When it was issued, RFC 3339; `None` for a draft.
    pub issued: Option<String>,
    /// The lines, in their order.
    pub lines: Vec<PaperLine>,
    /// The taxes.
    pub taxes: Vec<PaperTax>,
    /// Net and total: label and amount.
    pub totals: Vec<(String, String)>,
    /// How to pay, line by line.
    pub payment: Vec<String>,
    /// How much of it rests on estimates, in a sentence.
    pub estimated: Option<String>,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// Why counters and jobs differ, printer by printer and meter by meter.
    pub gaps: Vec<PaperGap>,
    /// What the lines rest on.
    pub readings: Vec<PaperReading>,
    /// The letters of the grades that stand on it, and what they mean.
    pub grades: Vec<(String, String)>,
    /// What stands at the foot of each page.
    pub footer: Vec<String>,
    /// The brand's colour, `#rrggbb`.
    pub accent: String,
}

/// One charge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PaperLine {
    /// Its place in the contract.
    pub id: String,
    /// What is charged.
    pub title: String,
    /// The quantity in words.
    pub detail: String,
    /// What is charged, else what was used; empty where it is for no quantity.
    pub quantity: String,
    /// The unit of the quantity.
    pub unit: String,
    /// The price of one unit.
    pub unit_price: String,
    /// The charge, or the words that there is none.
    pub amount: String,
    /// What a reader must know of it, in words.
    pub marks: Vec<String>,
    /// The letter of the weakest proof; empty where it rests on no reading.
    pub grade: String,
    /// The arithmetic, step by step.
    pub steps: Vec<String>,
    /// What it corrects.
    pub corrects: Option<String>,
    /// Who pays it, where that is not who the document is for.
    pub payer: Option<String>,
}

/// One tax.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PaperTax {
    /// Its name and rate: `VAT 21 %`.
    pub label: String,
    /// What it is on.
    pub base: String,
    /// The tax.
    pub amount: String,
    /// Why there is none, or why the buyer owes it; else what kind it is. Empty for a standard rate.
    pub reason: String,
}

/// Why the counter of a printer and its jobs differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PaperGap {
    /// The printer.
    pub printer: String,
    /// What is counted.
    pub meter: String,
    /// What the counter rose by, or that it was not read.
    pub counters: String,
    /// What the jobs come to.
    pub jobs: String,
    /// Each cause, with its part of the difference.
    pub causes: Vec<(String, String)>,
}

/// What a line rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PaperReading {
    /// The id of the line.
    pub line: String,
    /// The printer.
    pub printer: String,
    /// What is counted, with its media.
    pub meter: String,
    /// The reading at the start; empty for a log.
    pub start: String,
    /// When it was read.
    pub start_at: String,
    /// The reading at the end.
    pub end: String,
    /// When it was read.
    pub end_at: String,
    /// What was used.
    pub used: String,
    /// The unit of the numbers.
    pub unit: String,
    /// Where it comes from, in words.
    pub source: String,
    /// The letter of the grade of its proof.
    pub grade: String,
}

/// The statement as texts.
pub fn paper(statement: &Statement, brand: &Brand) -> Paper {
    let shown = Shown { statement, zone: Zone::of(statement) };
    let (parties, label) = (&statement.parties, statement.kind.label());
    let title = match &statement.number {
        Some(number) => format!("{label} {number}"),
        None => format!("{label}, draft"),
    };
    let readings: Vec<PaperReading> = readings(statement).map(|reading| shown.reading(&reading)).collect();
    let estimated = words::estimated_whole(&statement.lines);
    Paper {
        number: statement.number.as_deref().map(words::clean),
        kind: statement.kind.word().to_owned(),
        title: words::clean(&title),
        brand: seller_name(parties.seller.as_ref(), brand),
        seller: seller(parties.seller.as_ref(), brand),
        buyer: shown.buyer(),
        facts: shown.facts(),
        currency: statement.currency.code().to_owned(),
        issued: statement.issued_at.map(|at| at.to_string()),
        lines: statement.lines.iter().map(|line| shown.line(line)).collect(),
        taxes: statement.taxes.iter().map(|row| shown.tax(row)).collect(),
        totals: vec![shown.total("Net", statement.net), shown.total("Total", statement.total)],
        payment: shown.payment(brand),
        estimated: estimated.map(|part| format!("{} of the amount rests on estimates.", words::share(part))),
        notes: cleaned(&statement.notes),
        gaps: statement.reconciliations.iter().filter_map(gap).collect(),
        grades: grades(statement, &readings),
        readings,
        footer: cleaned(&brand.footer),
        accent: accent(&brand.accent),
    }
}

/// The colour, where it is one.
fn accent(wanted: &str) -> String {
    let is_colour = wanted
        .strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    if is_colour { wanted.to_ascii_lowercase() } else { ACCENT.to_owned() }
}

/// Texts without odd characters; empty ones are left out.
fn cleaned(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| words::clean(text)).filter(|text| !text.is_empty()).collect()
}

fn seller_name(seller: Option<&Party>, brand: &Brand) -> String {
    let name = words::clean(&brand.name);
    if name.is_empty() { seller.map_or_else(String::new, |seller| words::clean(&seller.name)) } else { name }
}

/// Who sells: as an invoice names it, else as the brand does.
fn seller(seller: Option<&Party>, brand: &Brand) -> Vec<String> {
    match seller {
        Some(seller) => party(seller),
        None => [vec![words::clean(&brand.name)], cleaned(&brand.address)].concat(),
    }
}

/// A party line by line.
fn party(party: &Party) -> Vec<String> {
    let city = format!("{} {}", party.postcode, party.city);
    let labelled = |label: &str, text: &str| if text.is_empty() { String::new() } else { format!("{label} {text}") };
    let vat = labelled("VAT", &party.vat_id);
    let registration = labelled("Registered as", &party.registration);
    cleaned(&[party.name.clone(), party.street.clone(), city, party.country.clone(), vat, registration])
}

/// What the grades mean that stand on the document.
fn grades(statement: &Statement, readings: &[PaperReading]) -> Vec<(String, String)> {
    let of_lines = statement.lines.iter().flat_map(|line| line.grades.keys().copied());
    let of_readings = readings.iter().filter_map(|reading| Grade::parse(&reading.grade));
    let known: BTreeSet<Grade> = of_lines.chain(of_readings).collect();
    let words = |grade: Grade| match grade {
        Grade::A => "signed by the printer",
        Grade::B => "read by a collector over a pinned link",
        Grade::C => "read over an open link, entered by a person, or estimated",
    };
    known.into_iter().map(|grade| (grade.word().to_owned(), words(grade).to_owned())).collect()
}

/// `None` where counter and jobs agree.
fn gap(row: &PrinterReconciliation) -> Option<PaperGap> {
    let found = &row.reconciliation;
    let shown = |amount: i64| words::measure(row.meter.unit(), amount);
    let causes = found.differences.iter().map(|part| (part.cause.words().to_owned(), shown(part.amount)));
    (!found.differences.is_empty()).then(|| PaperGap {
        printer: words::clean(&row.label),
        meter: Pattern::every(row.meter).label(),
        counters: found.counter_total.map_or_else(|| "not read over the period".to_owned(), shown),
        jobs: format!("{} {}", shown(found.job_printed_total), compared(row)),
        causes: causes.collect(),
    })
}

/// An account number in groups of four.
fn iban(text: &str) -> String {
    let plain: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let groups: Vec<String> = plain.chunks(IBAN_GROUP).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

/// A statement and the zone it is shown in.
struct Shown<'a> {
    statement: &'a Statement,
    zone: Zone,
}

impl Shown<'_> {
    fn money(&self, amount: Money) -> String {
        words::money(amount, self.statement.currency)
    }

    fn total(&self, label: &str, amount: Money) -> (String, String) {
        (label.to_owned(), self.money(amount))
    }

    fn buyer(&self) -> Vec<String> {
        let statement = self.statement;
        let name = statement.payer.as_ref().unwrap_or(&statement.customer);
        match &statement.parties.buyer {
            Some(buyer) => party(buyer),
            None => cleaned(std::slice::from_ref(name)),
        }
    }

    fn facts(&self) -> Vec<(String, String)> {
        let statement = self.statement;
        let (contract, period) = (&statement.contract, statement.period);
        let mut facts: Vec<(String, String)> = Vec::new();
        let mut tell = |label: &str, text: &str| {
            let text = words::clean(text);
            if !text.is_empty() {
                facts.push((label.to_owned(), text));
            }
        };
        tell("Number", statement.number.as_deref().unwrap_or_default());
        tell("Issued", &statement.issued_at.map_or_else(String::new, |at| self.zone.day(at)));
        tell("Period", &statement.period_label);
        tell("From", &self.zone.day(period.start));
        tell("Until", &self.zone.day(words::last(period)));
        tell("Contract", &format!("{}, version {}", contract.number, contract.version));
        tell("Customer", &statement.customer);
        tell("Payer", statement.payer.as_deref().unwrap_or_default());
        tell("Corrects", &statement.corrects.as_ref().map_or_else(String::new, |refers| self.reference(refers)));
        let reference = statement.parties.buyer.as_ref().map(|buyer| buyer.reference.as_str());
        tell("Your reference", reference.unwrap_or_default());
        tell("To be paid by", &statement.due.map_or_else(String::new, words::day));
        tell("Currency", statement.currency.code());
        tell("Times in", &self.zone.name);
        facts
    }

    /// A document that is corrected: `S-0187, October 2026`.
    fn reference(&self, refers: &Reference) -> String {
        let period = refers.period.label(&self.zone.name).unwrap_or_else(|_| self.zone.day(refers.period.start));
        format!("{}, {period}", refers.number)
    }

    fn line(&self, line: &Line) -> PaperLine {
        let currency = self.statement.currency;
        let quantity = line.quantity.or(line.used).zip(line.unit);
        let corrects = line.refers.as_ref().map(|refers| self.reference(refers));
        PaperLine {
            id: words::clean(&line.id),
            title: words::clean(&line.title),
            detail: words::clean(&line.detail),
            quantity: quantity.map_or_else(String::new, |(amount, unit)| words::number(unit, amount)),
            unit: quantity.map_or_else(String::new, |(amount, unit)| words::unit_word(unit, amount)),
            unit_price: line.unit_price.map_or_else(String::new, |price| words::grouped(&price.show(currency))),
            amount: line.amount.map_or_else(|| "not billed".to_owned(), |amount| self.money(amount)),
            marks: marks(line),
            grade: words::weakest(line).map_or("", |grade| grade.word()).to_owned(),
            steps: cleaned(&line.steps),
            corrects: corrects.map(|text| words::clean(&text)),
            payer: line.payer.as_deref().filter(|_| self.statement.payer.is_none()).map(words::clean),
        }
    }

    fn tax(&self, row: &TaxRow) -> PaperTax {
        let mut label = row.label();
        if !row.area.is_empty() {
            label.push_str(", ");
            label.push_str(&row.area);
        }
        let kind = if row.category == TaxCategory::Standard { "" } else { row.category.words() };
        PaperTax {
            label: words::clean(&label),
            base: self.money(row.base),
            amount: self.money(row.amount),
            reason: words::clean(row.reason.as_deref().unwrap_or(kind)),
        }
    }

    /// Who is to be paid, by when and how. Nothing for what is given back.
    fn payment(&self, brand: &Brand) -> Vec<String> {
        let statement = self.statement;
        if statement.kind == DocumentKind::Credit || statement.total <= Money::ZERO {
            return Vec::new();
        }
        let amount = format!("{} {}", statement.currency.code(), self.money(statement.total));
        let mut lines = vec![match statement.due {
            Some(due) => format!("Please pay {amount} by {}.", words::day(due)),
            None => format!("Please pay {amount}."),
        }];
        if let Some(seller) = statement.parties.seller.as_ref().filter(|seller| !seller.iban.trim().is_empty()) {
            lines.push(format!("IBAN {}, {}", iban(&seller.iban), seller.name));
        }
        if let Some(number) = &statement.number {
            lines.push(format!("Reference {number}"));
        }
        lines.extend(brand.payment.clone());
        cleaned(&lines)
    }

    fn reading(&self, reading: &Reading<'_>) -> PaperReading {
        let (source, unit) = (reading.source, reading.source.meter.unit());
        let value =
            |point: Option<&ReadingPoint>| point.map_or_else(String::new, |point| words::number(unit, point.value));
        let at = |point: Option<&ReadingPoint>| point.map_or_else(String::new, |point| self.zone.minute(point.read_at));
        let (start, end) = reading.edges();
        let (from, to) = self.span(reading).unwrap_or_else(|| (at(start), at(end)));
        PaperReading {
            line: words::clean(&reading.line.id),
            printer: words::clean(&source.label),
            meter: words::clean(&reading.meter()),
            start: value(start),
            start_at: from,
            end: value(end),
            end_at: to,
            used: words::number(unit, source.evidence.quantity()),
            unit: words::unit_word(unit, source.evidence.quantity()),
            source: self.source(reading),
            grade: reading.grade().word().to_owned(),
        }
    }

    /// Where a reading comes from, with the number of jobs of a log.
    fn source(&self, reading: &Reading<'_>) -> String {
        match reading.jobs() {
            Some(1) => format!("1 job, {}", reading.words()),
            Some(jobs) => format!("{} jobs, {}", words::grouped(&jobs.to_string()), reading.words()),
            None if reading.is_broken() => format!("{}; the counter began anew between", reading.words()),
            None => reading.words(),
        }
    }

    /// The time that an estimate is for.
    fn span(&self, reading: &Reading<'_>) -> Option<(String, String)> {
        let shown = |at: Instant| self.zone.minute(at);
        match &reading.source.evidence {
            billing::LineEvidence::Estimate { span, .. } => Some((shown(span.start), shown(span.end))),
            _ => None,
        }
    }
}

/// What a reader must know of a line; of an estimate also how much of the usage it is.
fn marks(line: &Line) -> Vec<String> {
    let mark = |mark: &Mark| match (mark, words::estimated_share(line)) {
        (Mark::Estimated, Some(part)) => format!("{} {}", words::share(part), mark.words()),
        _ => mark.words().to_owned(),
    };
    line.marks.iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_colour_is_an_accent() {
        for (wanted, expected) in [("#A0b1C2", "#a0b1c2"), ("red", ACCENT), ("#12345", ACCENT), ("#12345g", ACCENT)] {
            assert_eq!(accent(wanted), expected);
        }
    }

    #[test]
    fn an_account_number_stands_in_groups() {
        assert_eq!(iban("BE68 539007547034"), "BE68 5390 0754 7034");
        assert_eq!(iban(""), "");
    }
}
