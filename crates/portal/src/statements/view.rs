//! Fills the pages of statements from what the store gives.
//!
//! Deliberately absent: every sum that is billed; those stand in the document. What is added up here
//! are only shares and differences that help a reader.

use super::links;
use super::page::Step;
use super::page::{GapCard, GradeShare, LineProof, LineReading, LineRow, StatementPage, StatementRow, StatementsPage};
use super::store::{self, APPROVED, DRAFT, Filter, Listed, Stored};
use crate::Portal;
use crate::contracts::statement_number;
use crate::db::{DbError, Tx};
use crate::shell::address::address;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Badge, Chip, Chrome, Fact, Link, Status, Tone, grade_words};
use crate::shell::part::{Part, ROWS};
use crate::shell::{ResellerUser, chrome};
use billing::{Cause, Currency, Line, LineEvidence, LineSource, Money, Pattern, PricingUnit, PrinterReconciliation};
use billing::{ReadingPoint, Statement};
use report::{Area, Grade, Ink, Share};
use std::collections::{BTreeMap, BTreeSet};

/// Printers whose differences are shown each for itself; the largest first.
const GAPS_MAX: usize = 12;
/// Quantities that are written out in a sum.
const SUMMANDS_MAX: usize = 8;

/// Who reads a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Somebody of the reseller, who may approve it.
    Reseller,
    /// Somebody of the customer.
    Customer,
}

/// `/statements`.
pub(super) fn list(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    query: &BTreeMap<String, String>,
) -> Result<StatementsPage, DbError> {
    let filter = filter(query);
    let part = Part::asked(query);
    let (all, drafts) = store::counts(tx, &user.scope, &filter)?;
    let listed = store::list(tx, &user.scope, &filter, (ROWS, part.skipped()))?;
    let total = match filter.state {
        DRAFT => drafts,
        APPROVED => all - drafts,
        _ => all,
    };
    let of = |state: &'static str| list_address(&Filter { state, ..filter.clone() }, "");
    let chip = |label: &str, count: i64, state| Chip::new(format!("{label} {count}"), of(state), filter.state == state);
    let done = query.get("done").map(String::as_str);
    Ok(StatementsPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), ("/statements", "Statements"), done)?,
        sub: format!("{drafts} to approve · each period in its contract's zone"),
        chips: vec![chip("All", all, ""), chip("To approve", drafts, DRAFT), chip("Approved", all - drafts, APPROVED)],
        rows: listed.iter().map(row).collect(),
        pager: part.pager_at(listed.len(), total, |page| list_address(&filter, page)),
    })
}

fn filter(query: &BTreeMap<String, String>) -> Filter {
    let state = match query.get("state").map(String::as_str) {
        Some(DRAFT) => DRAFT,
        Some(APPROVED) => APPROVED,
        _ => "",
    };
    let customer_id = query.get("customer").and_then(|id| id.parse().ok()).unwrap_or(0);
    Filter { state, customer_id }
}

fn list_address(filter: &Filter, page: &str) -> String {
    let customer = if filter.customer_id == 0 { String::new() } else { filter.customer_id.to_string() };
    address("/statements", [("state", filter.state), ("customer", customer.as_str()), ("page", page)])
}

fn state(is_draft: bool) -> Status {
    if is_draft { Status::new(Tone::Info, DRAFT) } else { Status::new(Tone::Good, APPROVED) }
}

fn row(listed: &Listed) -> StatementRow {
    let digits = Currency::parse(&listed.currency).map_or(2, Currency::minor_digits);
    StatementRow {
        href: format!("/statements/{}", listed.statement_id),
        number: listed.number.map_or_else(|| DRAFT.to_owned(), statement_number),
        customer: listed.customer.clone(),
        period: listed.period.clone(),
        grades: listed.grades.iter().copied().map(Badge::from).collect(),
        status: state(listed.is_draft),
        total: format::money(listed.total, u32::from(digits), &listed.currency),
    }
}

/// `/statements/{id}`, or the customer's own view of it.
pub(super) fn page(chrome: Chrome, stored: &Stored, reader: Reader) -> StatementPage {
    let statement = &stored.statement;
    let zone = Zone::new(&statement.time_zone).unwrap_or_else(Zone::utc);
    let href = format!("/statements/{}", stored.statement_id);
    let (contract, period) = (&statement.contract, statement.period);
    let is_reseller = reader == Reader::Reseller;
    let sub = format!(
        "Contract {} version {} · {} to {}, {}",
        contract.number,
        contract.version,
        format::instant(period.start, &zone),
        format::instant(period.end, &zone),
        statement.time_zone
    );
    let shown = Shown { stored, reader, zone: &zone };
    StatementPage {
        chrome,
        back: if is_reseller { Link::new("Statements", "/statements") } else { Link::new("Your printing", "/my") },
        number: stored.name(),
        heading: format!("{}, {}", statement.customer, statement.period_label),
        sub,
        steps: steps_of_life(stored.is_draft),
        export_href: is_reseller.then(|| format!("{href}/export.csv")),
        approve: (is_reseller && stored.is_draft).then(|| format!("{href}/approve")),
        currency: statement.currency.code().to_owned(),
        lines: statement.lines.iter().map(|line| shown.line(line)).collect(),
        totals: totals(statement),
        gaps: gaps(&statement.reconciliations),
        shares: shares(&statement.lines),
        history: history(stored, &zone),
        warnings: statement.notes.clone(),
    }
}

fn steps_of_life(is_draft: bool) -> Vec<Step> {
    let done = |name: &str| Some(Status::new(Tone::Good, name));
    let approved = if is_draft { None } else { done("Approved") };
    vec![
        Step { name: "Drawn up".to_owned(), done: done("Drawn up"), current: is_draft },
        Step { name: "Approved".to_owned(), done: approved, current: !is_draft },
    ]
}

fn history(stored: &Stored, zone: &Zone) -> Vec<Fact> {
    let mut facts = vec![Fact::new(format::instant(stored.created_at, zone), "drawn up")];
    if let Some(at) = stored.approved_at {
        let by = &stored.approved_by;
        let words = if by.is_empty() { APPROVED.to_owned() } else { format!("approved by {by}") };
        facts.push(Fact::new(format::instant(at, zone), words));
    }
    facts
}

fn money(amount: Money, currency: Currency) -> String {
    format::amount(amount.0, u32::from(currency.minor_digits()))
}

fn totals(statement: &Statement) -> Vec<Fact> {
    let shown = |amount| money(amount, statement.currency);
    let mut facts = vec![Fact::new("Net", shown(statement.net))];
    facts.extend(statement.taxes.iter().map(|row| Fact::new(row.label(), shown(row.amount))));
    facts.push(Fact::new("Total", shown(statement.total)));
    facts
}

/// What lines are shown by.
struct Shown<'a> {
    stored: &'a Stored,
    reader: Reader,
    zone: &'a Zone,
}

impl Shown<'_> {
    fn line(&self, line: &Line) -> LineRow {
        let currency = self.stored.statement.currency;
        let quantity = line.quantity.or(line.used).zip(line.unit);
        LineRow {
            label: line.title.clone(),
            note: line.detail.clone(),
            quantity: quantity.map_or_else(String::new, |(quantity, unit)| measure(unit, quantity)),
            unit_price: line.unit_price.map_or_else(String::new, |price| price.show(currency)),
            grades: line.grades.keys().copied().map(Badge::from).collect(),
            amount: line.amount.map_or_else(|| "not billed".to_owned(), |amount| money(amount, currency)),
            proof: line.unit.filter(|_| !line.sources.is_empty()).map(|unit| self.proof(line, unit)),
        }
    }

    fn proof(&self, line: &Line, unit: PricingUnit) -> LineProof {
        let period = self.stored.statement.period;
        let things: BTreeSet<_> = line.sources.iter().map(|source| (&source.meter, &source.media)).collect();
        let is_mixed = things.len() > 1;
        let jobs = match self.reader {
            Reader::Reseller => links::jobs(&self.stored.statement, line, self.stored.contract_id),
            Reader::Customer => None,
        };
        LineProof {
            open: false,
            from: format::short_day(period.start, self.zone),
            to: format::short_day(period.end, self.zone),
            unit: unit.label().to_owned(),
            readings: line.sources.iter().map(|source| self.reading(line, source, is_mixed)).collect(),
            steps: steps(line, unit),
            jobs,
        }
    }

    fn reading(&self, line: &Line, source: &LineSource, is_mixed: bool) -> LineReading {
        let unit = source.meter.unit();
        let text = if is_mixed { format!("{}: {}", source.label, label(source)) } else { source.label.clone() };
        let href = match self.reader {
            Reader::Reseller => format!("/printers/{}", source.printer),
            Reader::Customer => String::new(),
        };
        let printer = Link::new(text, href);
        match &source.evidence {
            LineEvidence::Jobs { count, quantity } => LineReading {
                printer,
                start: if *count == 1 { "1 job".to_owned() } else { format!("{count} jobs") },
                end: String::new(),
                used: unit.number(*quantity),
                read_by: "the printer's job log".to_owned(),
                // The jobs of a printer are not told apart by grade here: the weakest of the line counts.
                grade: Badge::from(line.grades.keys().max().copied().unwrap_or(Grade::C)),
            },
            LineEvidence::Counter { start, end, quantity } => {
                let grades = start.iter().chain(end).map(|point| point.grade);
                let grade = grades.max().unwrap_or(Grade::C);
                LineReading {
                    printer,
                    start: self.point(start.as_ref(), unit),
                    end: self.point(end.as_ref(), unit),
                    used: unit.number(*quantity),
                    read_by: grade_words(grade).to_owned(),
                    grade: Badge::from(grade),
                }
            }
        }
    }

    fn point(&self, point: Option<&ReadingPoint>, unit: PricingUnit) -> String {
        point.map_or_else(
            || "not read".to_owned(),
            |point| format!("{} on {}", unit.number(point.value), format::instant(point.read_at, self.zone)),
        )
    }
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

fn quantity(source: &LineSource) -> i64 {
    match source.evidence {
        LineEvidence::Jobs { quantity, .. } | LineEvidence::Counter { quantity, .. } => quantity,
    }
}

/// The sum of the printers' quantities, then the line's own arithmetic.
fn steps(line: &Line, unit: PricingUnit) -> Vec<String> {
    let mut steps = Vec::new();
    if let (Some(used), true) = (line.used, line.sources.len() > 1) {
        let sum = if line.sources.len() > SUMMANDS_MAX {
            format!("The sum of the {} rows above", line.sources.len())
        } else {
            line.sources.iter().map(|source| unit.show_exact(quantity(source))).collect::<Vec<_>>().join(" + ")
        };
        steps.push(format!("{sum} = {} used", unit.show_exact(used)));
    }
    steps.extend(line.steps.iter().cloned());
    steps
}

/// Area in mm² as a page shows it.
fn area(amount: i64) -> String {
    format::area_unit(Area(amount))
}

/// A quantity of a line, with thousands separated where it is an area or ink.
fn measure(unit: PricingUnit, amount: i64) -> String {
    match unit {
        PricingUnit::SquareMetre => area(amount),
        PricingUnit::Millilitre => format::ink_unit(Ink(amount)),
        _ => unit.show(amount),
    }
}

/// A difference between counters and jobs, of one printer or of all together.
#[derive(Default)]
struct Gap {
    meter: String,
    /// `None` where the counter was not read.
    counters: Option<i64>,
    printed: i64,
    causes: BTreeMap<Cause, i64>,
}

impl Gap {
    fn of(row: &PrinterReconciliation) -> Gap {
        let found = &row.reconciliation;
        Gap {
            meter: format!("Media used, {}", row.label),
            counters: found.counter_total,
            printed: found.job_printed_total,
            causes: found.differences.iter().map(|difference| (difference.cause, difference.amount)).collect(),
        }
    }

    fn difference(&self) -> i64 {
        self.causes.values().fold(0, |sum, amount| sum.saturating_add(*amount))
    }

    fn card(&self) -> GapCard {
        let cause = |(cause, amount): (&Cause, &i64)| Fact::new(cause.words(), area(*amount));
        GapCard {
            meter: self.meter.clone(),
            counters: self.counters.map_or_else(|| "not read over the period".to_owned(), area),
            jobs: format!("{} printed", area(self.printed)),
            difference: self.counters.map_or_else(|| "cannot be compared".to_owned(), |_| area(self.difference())),
            causes: self.causes.iter().map(cause).collect(),
        }
    }
}

/// All printers together where there are several, then those that differ most.
fn gaps(rows: &[PrinterReconciliation]) -> Vec<GapCard> {
    let differing = rows.iter().filter(|row| !row.reconciliation.differences.is_empty());
    let mut gaps: Vec<Gap> = differing.map(Gap::of).collect();
    let mut cards = Vec::new();
    if rows.len() > 1 && !gaps.is_empty() {
        cards.extend(together(rows).as_ref().map(Gap::card));
    }
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.difference().unsigned_abs()));
    cards.extend(gaps.iter().take(GAPS_MAX).map(Gap::card));
    cards
}

/// The sum over the printers whose counter was read over the period; `None` when there is none.
fn together(rows: &[PrinterReconciliation]) -> Option<Gap> {
    let read: Vec<_> = rows.iter().filter(|row| row.reconciliation.counter_total.is_some()).collect();
    let printers = if read.len() == rows.len() {
        format!("{} printers", rows.len())
    } else {
        format!("{} of {} printers", read.len(), rows.len())
    };
    let mut all = Gap { meter: format!("Media used, {printers}"), counters: Some(0), ..Gap::default() };
    for row in &read {
        let found = &row.reconciliation;
        all.counters = all.counters.map(|sum| sum.saturating_add(found.counter_total.unwrap_or(0)));
        all.printed = all.printed.saturating_add(found.job_printed_total);
        for difference in &found.differences {
            let sum = all.causes.entry(difference.cause).or_default();
            *sum = sum.saturating_add(difference.amount);
        }
    }
    (!read.is_empty()).then_some(all)
}

/// How much of the billed usage each grade proves, by amount.
fn shares(lines: &[Line]) -> Vec<GradeShare> {
    const SCALE: i128 = 1_000_000;
    let mut weights: BTreeMap<Grade, i128> = BTreeMap::new();
    for line in lines {
        let used: i128 = line.grades.values().map(|quantity| i128::from(*quantity).max(0)).sum();
        let amount = line.amount.map_or(0, |amount| i128::from(amount.0).max(0));
        for (grade, quantity) in line.grades.iter().filter(|_| used > 0) {
            // The share of the quantity first, so that the product stays far inside 128 bits.
            let share = i128::from(*quantity).max(0) * SCALE / used;
            *weights.entry(*grade).or_default() += share * amount;
        }
    }
    let sum: i128 = weights.values().sum();
    let share = |(grade, weight): (&Grade, &i128)| {
        // A weight is below 10^6 · 2^63 a line, so that this fits for any number of lines there can be.
        let part = weight.checked_mul(SCALE)?.checked_div(sum)?;
        let part = Share(i64::try_from(part).ok()?);
        let words = format!("{} {}", format::share(part), grade_words(*grade));
        Some(GradeShare { grade: Badge::from(*grade), words })
    };
    weights.iter().filter_map(share).collect()
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

    #[test]
    fn filters_stay_in_the_address() {
        let query = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(list_address(&filter(&query(&[])), ""), "/statements");
        let drafts = list_address(&filter(&query(&[("state", "draft"), ("customer", "4")])), "");
        assert_eq!(drafts, "/statements?state=draft&customer=4");
        assert_eq!(list_address(&filter(&query(&[("state", "' or 1=1")])), ""), "/statements");
    }
}
