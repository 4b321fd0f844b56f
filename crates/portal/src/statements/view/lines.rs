//! The lines of a statement: each opens to what it rests on, and to the steps of its sum.
//!
//! Deliberately absent: every sum that is billed; those stand in the document. What is added up here are only shares
//! that help a reader.

use super::super::links;
use super::super::page::{GradeShare, LineProof, LineReading, LineRow};
use super::super::store::Stored;
use super::{Reader, money};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Badge, Fact, Link, grade_words};
use billing::{
    Line, LineEvidence, LineSource, Mark, Pattern, PricingUnit, ReadingPoint, ReadingSource, Reference, Statement,
    SumKind,
};
use report::{Area, Grade, Ink, Share};
use std::collections::{BTreeMap, BTreeSet};

/// Quantities that are written out in a sum.
const SUMMANDS_MAX: usize = 8;
/// Parts per million of a whole.
const WHOLE: i128 = 1_000_000;

/// What lines are shown by.
pub(super) struct Shown<'a> {
    stored: &'a Stored,
    /// The documents of other payers of the same period.
    others: &'a [Statement],
    reader: Reader,
    zone: &'a Zone,
    /// The names of printers by id.
    printers: BTreeMap<&'a str, &'a str>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(stored: &'a Stored, others: &'a [Statement], reader: Reader, zone: &'a Zone) -> Shown<'a> {
        Shown { stored, others, reader, zone, printers: printers(&stored.statement) }
    }

    fn is_reseller(&self) -> bool {
        self.reader == Reader::Reseller
    }

    /// The address of a statement, for this reader.
    pub(super) fn href(&self, statement_id: i64) -> String {
        let within = if self.is_reseller() { "" } else { "/my" };
        format!("{within}/statements/{statement_id}")
    }

    pub(super) fn line(&self, line: &Line) -> LineRow {
        let currency = self.stored.statement.currency;
        let quantity = line.quantity.or(line.used).zip(line.unit);
        let how = if line.sources.is_empty() { "worked out" } else { "measured" };
        let has_proof = !(line.sources.is_empty() && line.steps.is_empty() && line.shares.is_empty());
        LineRow {
            label: line.title.clone(),
            note: line.detail.clone(),
            quantity: quantity.map_or_else(String::new, |(quantity, unit)| measure(unit, quantity)),
            unit_price: line.unit_price.map_or_else(String::new, |price| price.show(currency)),
            grades: line.grades.keys().copied().map(Badge::from).collect(),
            amount: line.amount.map_or_else(|| "not billed".to_owned(), |amount| money(amount, currency)),
            marks: marks(line),
            payer: line.payer.clone().filter(|_| self.stored.payer.is_empty()),
            refers: line.refers.as_ref().map(|reference| self.reference(reference)),
            asked: format!("How {} was {how}", line.title),
            proof: has_proof.then(|| self.proof(line)),
        }
    }

    /// The document that a line settles.
    fn reference(&self, reference: &Reference) -> Link {
        let period = reference.period.label(&self.stored.statement.time_zone);
        let period = period.unwrap_or_else(|_| format::day(reference.period.start, self.zone));
        let id: Option<i64> = reference.statement.parse().ok();
        Link::new(format!("{}, {period}", reference.number), id.map_or_else(String::new, |id| self.href(id)))
    }

    fn proof(&self, line: &Line) -> LineProof {
        let period = self.stored.statement.period;
        let things: BTreeSet<_> = line.sources.iter().map(|source| (&source.meter, &source.media)).collect();
        let is_mixed = things.len() > 1;
        let jobs = match self.reader {
            Reader::Reseller => links::jobs((&self.stored.statement, self.others), line, self.stored.contract_id),
            Reader::Customer => None,
        };
        LineProof {
            open: false,
            from: format::short_day(period.start, self.zone),
            to: format::short_day(period.end, self.zone),
            unit: line.unit.map_or("", PricingUnit::label).to_owned(),
            readings: line.sources.iter().map(|source| self.reading(line, source, is_mixed)).collect(),
            borne: if line.sources.is_empty() { self.borne(line) } else { Vec::new() },
            steps: steps(line),
            jobs,
        }
    }

    /// What each printer bears of a line for which nothing was measured.
    fn borne(&self, line: &Line) -> Vec<Fact> {
        let currency = self.stored.statement.currency;
        let fact = |share: &billing::LineShare| {
            let known = self.printers.get(share.printer.as_str());
            let label = known.map_or_else(|| format!("printer {}", share.printer), |label| (*label).to_owned());
            let fact = Fact::new(label, money(share.amount, currency));
            if self.is_reseller() { fact.linked(format!("/printers/{}", share.printer)) } else { fact }
        };
        line.shares.iter().map(fact).collect()
    }

    fn reading(&self, line: &Line, source: &LineSource, is_mixed: bool) -> LineReading {
        // In the unit of the price, so that the rows add up to the line.
        let unit = line.unit.unwrap_or_else(|| source.meter.unit());
        let text = if is_mixed { format!("{}: {}", source.label, label(source)) } else { source.label.clone() };
        let href = if self.is_reseller() { format!("/printers/{}", source.printer) } else { String::new() };
        // Where grades are not told apart here, the weakest of the line counts.
        let weakest = line.grades.keys().max().copied().unwrap_or(Grade::C);
        let (start, end, read_by, grade) = match &source.evidence {
            LineEvidence::Jobs { count, .. } => {
                (many_jobs(*count), String::new(), "the printer's job log".to_owned(), weakest)
            }
            LineEvidence::Counter { start, end, .. } => {
                let grade = start.iter().chain(end).map(|point| point.grade).max().unwrap_or(Grade::C);
                let (start, end) = (self.point(start.as_ref(), unit), self.point(end.as_ref(), unit));
                (start, end, grade_words(grade).to_owned(), grade)
            }
            LineEvidence::Sum { kind, jobs, .. } => {
                let (words, grade) = match kind {
                    SumKind::Fold | SumKind::Beside => {
                        ("the sum of jobs that an agent had no room for one by one", Grade::C)
                    }
                    SumKind::Cells => ("the ledger's sum of the printer's job log", weakest),
                };
                (many_jobs(*jobs), String::new(), words.to_owned(), grade)
            }
            LineEvidence::Estimate { span, method, .. } => {
                let (from, to) = (format::instant(span.start, self.zone), format::instant(span.end, self.zone));
                let words = format!("estimated: {}", method.words());
                (format!("from {from}"), format!("to {to}"), words, Grade::C)
            }
        };
        let used = unit.number(source.evidence.quantity());
        LineReading { printer: Link::new(text, href), start, end, used, read_by, grade: Badge::from(grade) }
    }

    /// A reading with its time; with who says it, where it is not the printer.
    fn point(&self, point: Option<&ReadingPoint>, unit: PricingUnit) -> String {
        let Some(point) = point else { return "not read".to_owned() };
        let read = format!("{} on {}", unit.number(point.value), format::instant(point.read_at, self.zone));
        match point.source {
            ReadingSource::Printer => read,
            source => format!("{read}, {}", source.words()),
        }
    }
}

fn many_jobs(count: u64) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") }
}

/// What a reader must know of a line; of an estimate also how much of the usage it is.
fn marks(line: &Line) -> Vec<String> {
    let mark = |mark: &Mark| match (mark, line.used) {
        (Mark::Estimated, Some(used)) if used > 0 && line.estimated > 0 => {
            let part = i128::from(line.estimated) * WHOLE / i128::from(used);
            let part = Share(i64::try_from(part).unwrap_or(i64::MAX));
            format!("{} {}", format::share(part), mark.words())
        }
        _ => mark.words().to_owned(),
    };
    line.marks.iter().map(mark).collect()
}

/// How much of the amount rests on estimates, in a sentence; `None` where nothing does.
pub(super) fn estimated(lines: &[Line]) -> Option<String> {
    let (mut all, mut estimated) = (0_i128, 0_i128);
    for line in lines {
        let amount = line.amount.map_or(0, |amount| i128::from(amount.0).max(0));
        let used = i128::from(line.used.unwrap_or(0));
        all += amount;
        if used > 0 {
            let part = (i128::from(line.estimated).max(0) * WHOLE / used).min(WHOLE);
            estimated += part * amount;
        }
    }
    let part = estimated.checked_div(all)?;
    let part = i64::try_from(part).ok().filter(|part| *part > 0)?;
    Some(format!("{} of the amount rests on estimates.", format::share(Share(part))))
}

/// What a source is of: its category or colour, and its media.
fn label(source: &LineSource) -> String {
    let pattern = Pattern {
        category: source.meter.category(),
        colour: source.meter.colour().map(str::to_owned),
        media: source.media.clone(),
        ..Pattern::every(source.meter.kind())
    };
    pattern.label()
}

/// The sum of the printers' quantities, then the line's own arithmetic.
fn steps(line: &Line) -> Vec<String> {
    let mut steps = Vec::new();
    if let (Some(unit), Some(used), true) = (line.unit, line.used, line.sources.len() > 1) {
        let sum = if line.sources.len() > SUMMANDS_MAX {
            format!("The sum of the {} rows above", line.sources.len())
        } else {
            line.sources
                .iter()
                .map(|source| unit.show_exact(source.evidence.quantity()))
                .collect::<Vec<_>>()
                .join(" + ")
        };
        steps.push(format!("{sum} = {} used", unit.show_exact(used)));
    }
    steps.extend(line.steps.iter().cloned());
    steps
}

/// A quantity of a line, with thousands separated where it is an area or ink.
pub(super) fn measure(unit: PricingUnit, amount: i64) -> String {
    match unit {
        PricingUnit::SquareMetre => format::area_unit(Area(amount)),
        PricingUnit::Millilitre => format::ink_unit(Ink(amount)),
        _ => unit.show(amount),
    }
}

/// The names of the printers that the document knows, by id.
fn printers(statement: &Statement) -> BTreeMap<&str, &str> {
    let sources = statement.lines.iter().flat_map(|line| &line.sources);
    let sources = sources.map(|source| (source.printer.as_str(), source.label.as_str()));
    let compared = statement.reconciliations.iter().map(|row| (row.printer.as_str(), row.label.as_str()));
    sources.chain(compared).collect()
}

/// How much of the billed usage each grade proves, by amount.
pub(super) fn shares(lines: &[Line]) -> Vec<GradeShare> {
    let mut weights: BTreeMap<Grade, i128> = BTreeMap::new();
    for line in lines {
        let used: i128 = line.grades.values().map(|quantity| i128::from(*quantity).max(0)).sum();
        let amount = line.amount.map_or(0, |amount| i128::from(amount.0).max(0));
        for (grade, quantity) in line.grades.iter().filter(|_| used > 0) {
            // The share of the quantity first, so that the product stays far inside 128 bits.
            let share = i128::from(*quantity).max(0) * WHOLE / used;
            *weights.entry(*grade).or_default() += share * amount;
        }
    }
    let sum: i128 = weights.values().sum();
    let share = |(grade, weight): (&Grade, &i128)| {
        // A weight is below 10^6 · 2^63 a line, so that this fits for any number of lines there can be.
        let part = weight.checked_mul(WHOLE)?.checked_div(sum)?;
        let part = Share(i64::try_from(part).ok()?);
        let words = format!("{} {}", format::share(part), grade_words(*grade));
        Some(GradeShare { grade: Badge::from(*grade), words })
    };
    weights.iter().filter_map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Money;

    #[test]
    fn how_much_is_estimated_is_said_of_a_line_and_of_the_whole() {
        let line = |amount, used, estimated| Line {
            amount: Some(Money(amount)),
            used: Some(used),
            estimated,
            marks: if estimated > 0 { [Mark::Estimated].into() } else { BTreeSet::new() },
            ..Line::default()
        };
        let lines = [line(3_000, 40, 10), line(7_000, 5, 0)];
        assert_eq!(marks(&lines[0]), ["25.0\u{a0}% estimated"]);
        assert!(marks(&lines[1]).is_empty());
        assert_eq!(estimated(&lines).as_deref(), Some("7.5\u{a0}% of the amount rests on estimates."));
        assert_eq!(estimated(&lines[1..]), None);
        assert_eq!(estimated(&[]), None);
    }

    #[test]
    fn a_grade_proves_the_share_of_the_amount_that_its_usage_costs() {
        let line = |amount, grades: &[(Grade, i64)]| Line {
            amount: Some(Money(amount)),
            grades: grades.iter().copied().collect(),
            ..Line::default()
        };
        let lines = [line(9_000, &[(Grade::A, 30), (Grade::B, 10)]), line(1_000, &[(Grade::B, 7)]), line(500, &[])];
        let words: Vec<String> = shares(&lines).into_iter().map(|share| share.words).collect();
        assert_eq!(words.len(), 2);
        assert!(words[0].starts_with("67.5\u{a0}%") && words[1].starts_with("32.5\u{a0}%"), "{words:?}");
        assert!(shares(&[line(500, &[])]).is_empty());
    }
}
