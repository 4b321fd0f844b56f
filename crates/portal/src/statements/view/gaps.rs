//! Why counters and jobs do not say the same: meter by meter, in numbers that add up to the difference.
//!
//! Deliberately absent: working the causes out, which the billing crate does; here they are added up and shown.

use super::super::page::GapCard;
use super::lines::measure;
use crate::shell::page::Fact;
use billing::{Cause, MeterKind, Pattern, PrinterReconciliation};
use std::collections::BTreeMap;

/// Printers of a meter whose differences are shown each for itself; the largest first.
const GAPS_MAX: usize = 12;

/// A difference between counters and jobs on one kind of meter, of one printer or of all together.
struct Gap {
    kind: MeterKind,
    /// The printer, or how many.
    whose: String,
    /// `None` where the counter was not read.
    counters: Option<i64>,
    /// What the jobs printed; on another meter, what the billed jobs used.
    jobs: i64,
    causes: BTreeMap<Cause, i64>,
}

impl Gap {
    fn of(row: &PrinterReconciliation) -> Gap {
        let found = &row.reconciliation;
        Gap {
            kind: row.meter,
            whose: row.label.clone(),
            counters: found.counter_total,
            jobs: found.job_printed_total,
            causes: found.differences.iter().map(|difference| (difference.cause, difference.amount)).collect(),
        }
    }

    fn difference(&self) -> i64 {
        self.causes.values().fold(0, |sum, amount| sum.saturating_add(*amount))
    }

    fn card(&self) -> GapCard {
        let shown = |amount: i64| measure(self.kind.unit(), amount);
        let cause = |(cause, amount): (&Cause, &i64)| Fact::new(cause.words(), shown(*amount));
        let what = if self.kind == MeterKind::AreaMedia { "printed" } else { "in billed jobs" };
        GapCard {
            meter: format!("{}, {}", Pattern::every(self.kind).label(), self.whose),
            counters: self.counters.map_or_else(|| "not read over the period".to_owned(), shown),
            jobs: format!("{} {what}", shown(self.jobs)),
            difference: self.counters.map_or_else(|| "cannot be compared".to_owned(), |_| shown(self.difference())),
            causes: self.causes.iter().map(cause).collect(),
        }
    }
}

/// Meter by meter: all printers together where there are several, then those that differ most.
pub(super) fn gaps(rows: &[PrinterReconciliation]) -> Vec<GapCard> {
    // Media first: it is what most contracts compare.
    let others = MeterKind::all().filter(|kind| *kind != MeterKind::AreaMedia);
    let of_kind = |kind: MeterKind| {
        let rows: Vec<&PrinterReconciliation> = rows.iter().filter(|row| row.meter == kind).collect();
        gaps_of(kind, &rows)
    };
    std::iter::once(MeterKind::AreaMedia).chain(others).flat_map(of_kind).collect()
}

/// How many differences are not shown each for itself, in words; empty where all are.
pub(super) fn not_shown(rows: &[PrinterReconciliation]) -> String {
    let of_kind = |kind: MeterKind| rows.iter().filter(|row| row.meter == kind && differs(row)).count();
    let hidden = MeterKind::all().map(|kind| of_kind(kind).saturating_sub(GAPS_MAX)).fold(0, usize::saturating_add);
    match hidden {
        0 => String::new(),
        1 => "One smaller difference stands in the sum of all printers only.".to_owned(),
        many => format!("{many} smaller differences stand in the sum of all printers only."),
    }
}

fn differs(row: &PrinterReconciliation) -> bool {
    !row.reconciliation.differences.is_empty()
}

fn gaps_of(kind: MeterKind, rows: &[&PrinterReconciliation]) -> Vec<GapCard> {
    let differing = rows.iter().filter(|row| differs(row));
    let mut gaps: Vec<Gap> = differing.map(|row| Gap::of(row)).collect();
    let mut cards = Vec::new();
    // Where nothing differs, that is said once for all.
    if rows.len() > 1 || gaps.is_empty() {
        cards.extend(together(kind, rows).as_ref().map(Gap::card));
    }
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.difference().unsigned_abs()));
    cards.extend(gaps.iter().take(GAPS_MAX).map(Gap::card));
    cards
}

/// The sum over the printers whose counter was read over the period; `None` when there is none.
fn together(kind: MeterKind, rows: &[&PrinterReconciliation]) -> Option<Gap> {
    let read: Vec<_> = rows.iter().filter(|row| row.reconciliation.counter_total.is_some()).collect();
    let printers = if rows.len() == 1 { "printer" } else { "printers" };
    let whose = if read.len() == rows.len() {
        format!("{} {printers}", rows.len())
    } else {
        format!("{} of {} {printers}", read.len(), rows.len())
    };
    let mut all = Gap { kind, whose, counters: Some(0), jobs: 0, causes: BTreeMap::new() };
    for row in &read {
        let found = &row.reconciliation;
        all.counters = all.counters.map(|sum| sum.saturating_add(found.counter_total.unwrap_or(0)));
        all.jobs = all.jobs.saturating_add(found.job_printed_total);
        for difference in &found.differences {
            let sum = all.causes.entry(difference.cause).or_default();
            *sum = sum.saturating_add(difference.amount);
        }
    }
    (!read.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{Difference, Reconciliation};

    #[test]
    fn the_causes_of_a_gap_add_up_to_its_difference() {
        let row = |label: &str, counter: Option<i64>| PrinterReconciliation {
            printer: "7".to_owned(),
            label: label.to_owned(),
            meter: MeterKind::AreaMedia,
            reconciliation: Reconciliation {
                counter_total: counter,
                job_media_total: 110_000_000,
                job_printed_total: 100_000_000,
                differences: vec![
                    Difference { cause: Cause::Margins, amount: 10_000_000 },
                    Difference { cause: Cause::NotInJobLog, amount: counter.map_or(0, |total| total - 110_000_000) },
                ],
            },
        };
        let cards = gaps(&[row("T930", Some(120_000_000)), row("T2530", None)]);
        assert_eq!(cards.len(), 3);
        let all = &cards[0];
        assert_eq!((all.counters.as_str(), all.jobs.as_str()), ("120.00 m²", "100.00 m² printed"));
        assert_eq!((all.difference.as_str(), all.meter.as_str()), ("20.00 m²", "Media used, 1 of 2 printers"));
        assert_eq!(
            (cards[1].difference.as_str(), cards[2].counters.as_str()),
            ("20.00 m²", "not read over the period")
        );
    }

    #[test]
    fn every_meter_that_is_compared_has_its_card() {
        let row = |meter: MeterKind, differences: Vec<Difference>| PrinterReconciliation {
            printer: "7".to_owned(),
            label: "T930".to_owned(),
            meter,
            reconciliation: Reconciliation {
                counter_total: Some(5),
                job_media_total: 5,
                job_printed_total: 5,
                differences,
            },
        };
        let missing = vec![Difference { cause: Cause::NotBilled, amount: -2 }];
        let cards = gaps(&[row(MeterKind::Pages, missing), row(MeterKind::AreaMedia, Vec::new())]);
        let said: Vec<(&str, &str)> =
            cards.iter().map(|card| (card.meter.as_str(), card.difference.as_str())).collect();
        assert_eq!(said, [("Media used, 1 printer", "0.00 m²"), ("Pages, T930", "-2 pages")]);
        assert_eq!(cards[1].jobs, "5 pages in billed jobs");
    }

    #[test]
    fn what_is_not_shown_for_itself_is_told() {
        let row = |meter: MeterKind, amount: i64| PrinterReconciliation {
            printer: "7".to_owned(),
            label: "T930".to_owned(),
            meter,
            reconciliation: Reconciliation {
                counter_total: Some(amount),
                job_media_total: 0,
                job_printed_total: 0,
                differences: (amount != 0)
                    .then_some(Difference { cause: Cause::NotInJobLog, amount })
                    .into_iter()
                    .collect(),
            },
        };
        let mut rows: Vec<PrinterReconciliation> = (1..13).map(|amount| row(MeterKind::AreaMedia, amount)).collect();
        rows.extend([row(MeterKind::AreaMedia, 0), row(MeterKind::Pages, 3)]);
        assert_eq!((gaps(&rows).len(), not_shown(&rows)), (14, String::new()));
        rows.push(row(MeterKind::AreaMedia, 99));
        assert_eq!((gaps(&rows).len(), gaps(&rows)[1].difference.as_str()), (14, "0.00 m²"));
        assert_eq!(not_shown(&rows), "One smaller difference stands in the sum of all printers only.");
    }
}
