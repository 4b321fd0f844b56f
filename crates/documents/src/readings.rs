//! What the lines of a statement rest on, source by source: the readings, jobs and estimates that each form
//! shows in its own way.
//!
//! Deliberately absent: adding them up, which rating did.

use billing::{Line, LineEvidence, LineSource, Pattern, PrinterReconciliation, ReadingPoint, Statement, SumKind};
use report::Grade;
use std::collections::BTreeMap;

/// One source of one line.
pub(crate) struct Reading<'a> {
    /// The line that it proves.
    pub(crate) line: &'a Line,
    /// What one printer gave.
    pub(crate) source: &'a LineSource,
}

/// Every source of every line, in the order of the lines.
pub(crate) fn readings(statement: &Statement) -> impl Iterator<Item = Reading<'_>> {
    let lines = statement.lines.iter();
    lines.flat_map(|line| line.sources.iter().map(move |source| Reading { line, source }))
}

impl<'a> Reading<'a> {
    /// The word for machines.
    pub(crate) fn word(&self) -> &'static str {
        match &self.source.evidence {
            LineEvidence::Jobs { .. } => "jobs",
            LineEvidence::Counter { .. } => "counter",
            LineEvidence::Sum { .. } => "sum",
            LineEvidence::Estimate { .. } => "estimate",
        }
    }

    /// Where it comes from, in words.
    pub(crate) fn words(&self) -> String {
        match &self.source.evidence {
            LineEvidence::Jobs { .. } => "the printer's job log".to_owned(),
            LineEvidence::Counter { start, end, .. } => points(start.as_ref(), end.as_ref()),
            LineEvidence::Sum { kind: SumKind::Fold | SumKind::Beside, .. } => {
                "the sum of jobs that an agent had no room for one by one".to_owned()
            }
            LineEvidence::Sum { kind: SumKind::Cells, .. } => "the ledger's sum of the job log".to_owned(),
            LineEvidence::Estimate { method, .. } => format!("estimated: {}", method.words()),
        }
    }

    /// The readings at the start and at the end; for a counter only.
    pub(crate) fn edges(&self) -> (Option<&'a ReadingPoint>, Option<&'a ReadingPoint>) {
        match &self.source.evidence {
            LineEvidence::Counter { start, end, .. } => (start.as_ref(), end.as_ref()),
            LineEvidence::Jobs { .. } | LineEvidence::Sum { .. } | LineEvidence::Estimate { .. } => (None, None),
        }
    }

    /// How many jobs; for job logs and sums only.
    pub(crate) fn jobs(&self) -> Option<u64> {
        match &self.source.evidence {
            LineEvidence::Jobs { count, .. } => Some(*count),
            LineEvidence::Sum { jobs, .. } => Some(*jobs),
            LineEvidence::Counter { .. } | LineEvidence::Estimate { .. } => None,
        }
    }

    /// Whether the counter began anew between the readings, so that their difference is not what was used.
    pub(crate) fn is_broken(&self) -> bool {
        let (start, end) = self.edges();
        start.zip(end).is_some_and(|(start, end)| start.segment != end.segment)
    }

    /// How well it is proved. A log has no grade of its own part here: the weakest of the line counts.
    pub(crate) fn grade(&self) -> Grade {
        let weakest = || crate::words::weakest(self.line).unwrap_or(Grade::C);
        match &self.source.evidence {
            LineEvidence::Jobs { .. } | LineEvidence::Sum { kind: SumKind::Cells, .. } => weakest(),
            LineEvidence::Counter { start, end, .. } => {
                start.iter().chain(end).map(|point| point.grade).max().unwrap_or(Grade::C)
            }
            LineEvidence::Sum { kind: SumKind::Fold | SumKind::Beside, .. } | LineEvidence::Estimate { .. } => Grade::C,
        }
    }

    /// What is counted, with the media: `Monochrome lines, area printed, on Bond`.
    pub(crate) fn meter(&self) -> String {
        let pattern = Pattern {
            category: self.source.meter.category(),
            colour: self.source.meter.colour().map(str::to_owned),
            media: self.source.media.clone(),
            ..Pattern::every(self.source.meter.kind())
        };
        pattern.label()
    }
}

/// Who says the readings, in words; both where they differ.
fn points(start: Option<&ReadingPoint>, end: Option<&ReadingPoint>) -> String {
    let words = |point: &ReadingPoint| point.source.words();
    match (start.map(words), end.map(words)) {
        (Some(start), Some(end)) if start != end => format!("start {start}, end {end}"),
        (Some(one), _) | (None, Some(one)) => one.to_owned(),
        (None, None) => "not read".to_owned(),
    }
}

/// The names of the printers that the document knows, by id.
pub(crate) fn printers(statement: &Statement) -> BTreeMap<&str, &str> {
    let sources = statement.lines.iter().flat_map(|line| &line.sources);
    let sources = sources.map(|source| (source.printer.as_str(), source.label.as_str()));
    let compared = statement.reconciliations.iter();
    sources.chain(compared.map(|row| (row.printer.as_str(), row.label.as_str()))).collect()
}

/// What the jobs are called that a counter is compared with.
pub(crate) fn compared(row: &PrinterReconciliation) -> &'static str {
    if row.meter == billing::MeterKind::AreaMedia { "printed" } else { "in billed jobs" }
}
