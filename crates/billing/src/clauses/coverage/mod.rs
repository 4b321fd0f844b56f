//! CL10: categories by how much of a page is printed on, with limits that the contract pins.
//!
//! A printer sorts its pages by limits that somebody can change at the printer. A contract either takes
//! what the printer says, or sorts each job by its own limits where the job tells its coverage. What a
//! change of the limits at a printer costs is worked out by [`drift`]. Deliberately absent: the coverage
//! itself, which jobs bring (rows P25 and P26).

use super::draft::Draft;
use super::tax::percent;
use super::{At, Checked, Clause, ClauseTerms};
use crate::contract::{Evidence, Problem, Step, Terms};
use crate::form::{Field, Kind, field};
use crate::ledger::{JobFact, Mark, PixelCoverage, Quantity, SumFact, SumKind, ThresholdFact};
use crate::meter::{Meter, MeterKind};
use crate::money::{Currency, Money};
use crate::rating::{Input, PrinterUsage, RatingError, rate};
use report::{Category, HIGH_ABOVE, Instant, LINES_BELOW, Share};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All of a page, in parts per million.
const WHOLE: i64 = 1_000_000;

/// Whose categories count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// What the printer says; the limits of the contract only show what a change costs.
    #[default]
    Printer,
    /// The limits of the contract, for each job that tells its coverage.
    Pinned,
}

/// Terms of categories by coverage. CL10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Below this share of non-white pixels a job is a line drawing.
    #[serde(default = "lines_below")]
    pub lines_below: Share,
    /// Above this share of non-white pixels a job is a high density image.
    #[serde(default = "high_above")]
    pub high_above: Share,
    /// Papers on which all is of one category, whatever is printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<CustomRow>,
    /// Whose categories count.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub by: By,
}

/// The category of all that is printed on a paper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomRow {
    /// The media type, spelt as the printer spells it.
    pub media: String,
    /// The category.
    pub category: String,
}

fn lines_below() -> Share {
    LINES_BELOW
}

fn high_above() -> Share {
    HIGH_ABOVE
}

impl Default for Coverage {
    /// HP's usual limits, and the printer's categories.
    fn default() -> Coverage {
        Coverage { lines_below: LINES_BELOW, high_above: HIGH_ABOVE, rows: Vec::new(), by: By::Printer }
    }
}

/// The form's fields of a [`CustomRow`].
const ROWS: &[Field] = &[
    field("media", "Paper", Kind::Text).required().hint("as the printer spells it"),
    field("category", "Category", Kind::Text).required(),
];

impl ClauseTerms for Coverage {
    const FORM: &'static [Field] = &[
        field("by", "Categories", Kind::Choice(&[("printer", "as the printer says"), ("pinned", "by these limits")])),
        field("lines_below", "Lines below", Kind::Percent).hint("of the page; empty: 10"),
        field("high_above", "High density above", Kind::Percent).hint("of the page; empty: 50"),
        field("rows", "Papers of one category", Kind::Rows(ROWS)),
    ];
    const ABOUT: &'static str = "CL10: categories by coverage, with pinned limits.";

    fn step(&self) -> Step {
        Step::Filters
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let (lines, high) = (percent(self.lines_below), percent(self.high_above));
        let mut words = vec![
            match self.by {
                By::Printer => "Print categories are those that the printer says.".to_owned(),
                By::Pinned => "Print categories are those of the contract, where a job tells its coverage; else those \
                               that the printer says."
                    .to_owned(),
            },
            format!(
                "The limits of the contract: below {lines} of the page a line drawing, above {high} a high density \
                 image."
            ),
        ];
        for row in &self.rows {
            words.push(format!("All on {} is {}.", row.media, Category::new(&row.category)));
        }
        words
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        for (path, limit) in [("lines_below", self.lines_below), ("high_above", self.high_above)] {
            if !(0..=WHOLE).contains(&limit.0) {
                problems.push(Problem::at(at.at(path), "a limit lies between 0 % and 100 %"));
            }
        }
        if self.lines_below > self.high_above {
            problems.push(Problem::at(at.at("high_above"), "this limit lies above that of lines"));
        }
        check_rows(self.rows.iter().map(|row| (row.media.as_str(), row.category.as_str())), at, problems);
    }

    fn apply(&self, _at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        if self.by == By::Printer {
            return Ok(());
        }
        let (terms, period) = (draft.terms, draft.period());
        let kinds = sorted_kinds(terms);
        let is_sorted = |quantities: &[Quantity]| quantities.iter().any(|of| kinds.contains(&of.meter.kind()));
        let mut silent = 0_u64;
        for stay in &draft.stays {
            let jobs = stay.jobs_in(period).filter(|job| terms.bills(job.status) && job.coverage.is_none());
            for _ in jobs.filter(|job| is_sorted(&job.quantities)) {
                silent = silent.saturating_add(1);
            }
            let is_billed = |sum: &&SumFact| sum.kind != SumKind::Beside && stay.holds(sum.until, period);
            let sums = stay.sums.iter().filter(is_billed);
            for sum in sums.filter(|sum| is_sorted(&sum.quantities)) {
                silent = silent.saturating_add(sum.jobs);
            }
        }
        if silent > 0 {
            let jobs = if silent == 1 { "1 job does".to_owned() } else { format!("{silent} jobs do") };
            draft.notes.push(format!("{jobs} not tell the coverage: the category is the printer's."));
        }
        Ok(())
    }

    fn lint(&self, field: &str, terms: &Terms) -> Vec<Problem> {
        let counted = |kind: &MeterKind| kind.has_category() && terms.evidence_of(*kind) == Evidence::Counter;
        match terms.kinds().into_iter().find(counted) {
            Some(kind) if self.by == By::Pinned => {
                let message = format!("{} is billed from counters, which know the printer's categories", kind.label());
                vec![Problem::at(format!("{field}.by"), message)]
            }
            _ => Vec::new(),
        }
    }
}

/// Refuses papers without a name or a category, and papers that stand twice.
pub(crate) fn check_rows<'r>(
    rows: impl Iterator<Item = (&'r str, &'r str)>,
    at: &Checked<'_>,
    problems: &mut Vec<Problem>,
) {
    let mut seen: Vec<&str> = Vec::new();
    for (index, (media, category)) in rows.enumerate() {
        let path = |name: &str| at.at(&format!("rows.{index}.{name}"));
        if media.trim().is_empty() {
            problems.push(Problem::at(path("media"), "say which paper"));
        } else if seen.contains(&media) {
            problems.push(Problem::at(path("media"), "this paper stands above already"));
        }
        if category.trim().is_empty() {
            problems.push(Problem::at(path("category"), "say which category"));
        }
        seen.push(media);
    }
}

/// The kinds of meters whose jobs are sorted into categories.
fn sorted_kinds(terms: &Terms) -> Vec<MeterKind> {
    let by_jobs = |kind: &MeterKind| kind.has_category() && terms.evidence_of(*kind) == Evidence::Jobs;
    terms.kinds().into_iter().filter(by_jobs).collect()
}

/// Puts each quantity of a job that can have a category into the one that `category` gives for its paper;
/// `None` leaves it where it is. What comes together on one meter and paper becomes one quantity, so that
/// a job stays one job on a line and is rounded once. The job is marked where anything changed.
pub(crate) fn recategorise(job: &mut JobFact, category: impl Fn(Option<&str>) -> Option<Category>) {
    let mut changed = false;
    let mut sorted: Vec<Quantity> = Vec::with_capacity(job.quantities.len());
    for mut quantity in std::mem::take(&mut job.quantities) {
        if let Some(category) = category(quantity.media.as_deref()).filter(|_| quantity.meter.kind().has_category()) {
            let meter = Meter::of_category(quantity.meter.kind(), &category);
            changed |= meter != quantity.meter;
            quantity.meter = meter;
        }
        let same = |known: &&mut Quantity| known.meter == quantity.meter && known.media == quantity.media;
        let sum = sorted.iter_mut().find(same).and_then(|known| {
            let sum = known.amount.checked_add(quantity.amount)?;
            known.amount = sum;
            Some(())
        });
        // What does not fit stands beside: rating sums in 128 bits.
        if sum.is_none() {
            sorted.push(quantity);
        }
    }
    job.quantities = sorted;
    if changed {
        job.marks.insert(Mark::Recategorised);
    }
}

impl Coverage {
    /// The category by the limits of the contract. Exactly at the limit of lines a page is a low density
    /// image, and exactly at the limit of high density it still is.
    fn category(&self, coverage: PixelCoverage, media: Option<&str>) -> Category {
        if let Some(row) = self.rows.iter().find(|row| Some(row.media.as_str()) == media) {
            return Category::new(&row.category);
        }
        let PixelCoverage { non_white, colour } = coverage;
        Category::new(if non_white < self.lines_below {
            if colour.0 == 0 { "mono-line" } else { "colour-line" }
        } else if non_white <= self.high_above {
            "low-density"
        } else {
            "high-density"
        })
    }

    /// The job as the contract reads it: in the category of the pinned limits, where it tells its coverage.
    pub(crate) fn filter(&self, job: &mut JobFact, _stay: &PrinterUsage) {
        if let (By::Pinned, Some(coverage)) = (self.by, job.coverage) {
            recategorise(job, |media| Some(self.category(coverage, media)));
        }
    }

    /// The limits of the contract, as a printer would have them since `from`.
    fn pinned(&self, from: Instant) -> ThresholdFact {
        let custom = |row: &CustomRow| (row.media.clone(), Category::new(&row.category));
        ThresholdFact {
            from,
            lines_below: self.lines_below,
            high_above: self.high_above,
            customization: self.rows.iter().map(custom).collect(),
        }
    }

    /// Whether a printer sorts by other limits than the contract's, whenever it began to.
    pub fn differs(&self, limits: &ThresholdFact) -> bool {
        self.pinned(limits.from) != *limits
    }

    /// What jobs of these printers moved from the category of the pinned limits to the one that the printer
    /// said; of the first kind of meter that is billed by category. From, to, base units.
    fn moved(&self, input: &Input, printers: &BTreeSet<String>) -> Vec<(Category, Category, i64)> {
        let Some(kind) = sorted_kinds(&input.terms).into_iter().next() else { return Vec::new() };
        let mut moved: BTreeMap<(Category, Category), i64> = BTreeMap::new();
        let stays = input.printers.iter().filter(|stay| printers.contains(&stay.id));
        for job in stays.flat_map(|stay| stay.jobs_in(input.period)) {
            let Some(coverage) = job.coverage.filter(|_| input.terms.bills(job.status)) else { continue };
            for quantity in job.quantities.iter().filter(|quantity| quantity.meter.kind() == kind) {
                let (pinned, said) = (self.category(coverage, quantity.media.as_deref()), quantity.meter.category());
                if let Some(said) = said.filter(|said| *said != pinned) {
                    let sum = moved.entry((pinned, said)).or_default();
                    *sum = sum.saturating_add(quantity.amount);
                }
            }
        }
        moved.into_iter().map(|((pinned, said), amount)| (pinned, said, amount)).collect()
    }
}

/// What it costs that a printer sorts by other limits than those of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The limits of the contract.
    pub was: ThresholdFact,
    /// The limits of the first printer that has others.
    pub now: ThresholdFact,
    /// The ids of all printers that have others.
    pub printers: BTreeSet<String>,
    /// Whether the contract charges it, since it takes the printers' categories.
    pub charged: bool,
    /// What moved: from the category of the contract, to the one that the printer said; base units.
    pub moved: Vec<(Category, Category, i64)>,
    /// What the period costs more by the categories of these printers than by the contract's; minor units,
    /// without taxes.
    pub cost: Money,
}

/// Whether a printer sorts by other limits than the contract's, and what that costs in the period. 14 m²
/// that shift from low density at 0.95 to high density at 2.60 cost 23.10 (W22). `None` where the contract
/// pins no limits, or every printer has them.
pub fn drift(input: &Input) -> Result<Option<Drift>, RatingError> {
    let Some(coverage) = input.terms.rule::<Coverage>() else { return Ok(None) };
    let was = coverage.pinned(input.runs.map_or(input.period.start, |runs| runs.from));
    let in_force = |stay: &PrinterUsage| {
        let known = stay.thresholds.iter().filter(|limits| limits.from < input.period.end);
        known.max_by_key(|limits| limits.from).cloned()
    };
    let mut stays: Vec<&PrinterUsage> = input.printers.iter().filter(|stay| stay.is_in(input.period)).collect();
    stays.sort_by(|a, b| (&a.id, a.from).cmp(&(&b.id, b.from)));
    let (mut printers, mut first) = (BTreeSet::new(), None);
    for stay in stays {
        if let Some(limits) = in_force(stay).filter(|limits| coverage.differs(limits)) {
            printers.insert(stay.id.clone());
            first = first.or(Some(limits));
        }
    }
    let Some(now) = first else { return Ok(None) };
    let by_printer = rate(&with(input, By::Printer, &printers))?.statement.net;
    let by_contract = rate(&with(input, By::Pinned, &printers))?.statement.net;
    let cost = by_printer.minus(by_contract).map_err(RatingError::at("changed limits"))?;
    let (moved, charged) = (coverage.moved(input, &printers), coverage.by == By::Printer);
    Ok(Some(Drift { was, now, printers, charged, moved, cost }))
}

/// The same facts, with other categories of these printers. What the others did stays as they said it: the
/// pages of one job may be of several categories, which its coverage does not tell.
fn with(input: &Input, by: By, printers: &BTreeSet<String>) -> Input {
    let mut input = input.clone();
    for stay in input.printers.iter_mut().filter(|stay| !printers.contains(&stay.id)) {
        for job in &mut stay.jobs {
            job.coverage = None;
        }
    }
    for clause in &mut input.terms.clauses {
        if let Clause::Coverage(coverage) = clause {
            coverage.by = by;
        }
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::price_list::{Price, PriceList};
    use crate::meter::Pattern;
    use crate::money::UnitPrice;
    use crate::sample;

    /// A job that tells its coverage.
    fn job(non_white: i64, quantities: &[(&str, i64)]) -> JobFact {
        let quantity = |(name, amount): &(&str, i64)| Quantity {
            meter: Meter::parse(name).expect("a meter"),
            media: None,
            amount: *amount,
        };
        JobFact {
            quantities: quantities.iter().map(quantity).collect(),
            coverage: Some(PixelCoverage { non_white: Share(non_white), colour: Share(0) }),
            ..sample::job("j1", Instant(1_791_000_000_000), "jobs", 1)
        }
    }

    fn pinned() -> Coverage {
        Coverage { by: By::Pinned, ..Coverage::default() }
    }

    #[test]
    fn limits_belong_to_the_low_density_images() {
        // Non-white pixels, colour, category.
        let cases = [
            (99_999, 0, "mono-line"),
            (99_999, 1, "colour-line"),
            (100_000, 0, "low-density"),
            (500_000, 400_000, "low-density"),
            (500_001, 0, "high-density"),
        ];
        for (non_white, colour, expected) in cases {
            let coverage = PixelCoverage { non_white: Share(non_white), colour: Share(colour) };
            assert_eq!(pinned().category(coverage, None).id(), expected, "{non_white} {colour}");
        }
    }

    #[test]
    fn what_falls_into_one_category_becomes_one_quantity() {
        let stay = PrinterUsage::new("A", "A");
        let mut fact = job(50_000, &[("area-printed/mono-line", 3), ("area-printed/low-density", 4), ("pages", 2)]);
        pinned().filter(&mut fact, &stay);
        let found: Vec<(String, i64)> =
            fact.quantities.iter().map(|quantity| (quantity.meter.to_string(), quantity.amount)).collect();
        assert_eq!(found, [("area-printed/mono-line".to_owned(), 7), ("pages".to_owned(), 2)]);
        assert!(fact.marks.contains(&Mark::Recategorised));
        let mut same = job(50_000, &[("area-printed/mono-line", 3)]);
        pinned().filter(&mut same, &stay);
        assert!(same.marks.is_empty());
    }

    #[test]
    fn limits_moved_at_the_printer_cost_what_moved() {
        let price = |pattern: &str, millionths: i64| {
            Price::new(Pattern::parse(pattern).expect("a pattern"), UnitPrice { millionths })
        };
        let prices = vec![price("area-printed/low-density", 950_000), price("area-printed/high-density", 2_600_000)];
        let clauses = vec![Clause::Coverage(Coverage::default()), Clause::PriceList(PriceList { prices })];
        let mut printer = PrinterUsage::new("A", "A");
        printer.jobs.push(job(480_000, &[("area-printed/high-density", 14_000_000)]));
        let now = ThresholdFact {
            from: Instant(0),
            lines_below: Share(100_000),
            high_above: Share(450_000),
            customization: BTreeMap::new(),
        };
        printer.thresholds.push(now.clone());
        // One with the contract's limits, whose job has pages of several categories.
        let mut other = PrinterUsage::new("B", "B");
        other.jobs.push(job(300_000, &[("area-printed/high-density", 5_000_000)]));
        let terms = Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") };
        let mut input = sample::input(terms, sample::month(10), vec![printer, other]);
        // W22.
        let found = drift(&input).expect("rated").expect("a drift");
        let moved = (Category::new("low-density"), Category::new("high-density"), 14_000_000);
        assert_eq!((found.cost, found.moved, found.now), (Money(2_310), vec![moved], now));
        assert_eq!((found.printers, found.charged), (BTreeSet::from(["A".to_owned()]), true));
        for stay in &mut input.printers {
            stay.thresholds.clear();
        }
        assert_eq!(drift(&input), Ok(None));
    }

    #[test]
    fn limits_differ_by_what_they_say_and_not_by_since_when() {
        let rows = vec![CustomRow { media: "Satin".to_owned(), category: "premium".to_owned() }];
        let coverage = Coverage { rows, ..Coverage::default() };
        let same = coverage.pinned(Instant(5));
        assert!(!coverage.differs(&same) && !coverage.differs(&ThresholdFact { from: Instant(9), ..same.clone() }));
        for other in [
            ThresholdFact { lines_below: Share(90_000), ..same.clone() },
            ThresholdFact { high_above: Share(450_000), ..same.clone() },
            ThresholdFact { customization: BTreeMap::new(), ..same },
        ] {
            assert!(coverage.differs(&other), "{other:?}");
        }
    }

    #[test]
    fn terms_are_said_in_words() {
        let rows = vec![CustomRow { media: "Satin".to_owned(), category: "premium".to_owned() }];
        let words = Coverage { rows, ..pinned() }.in_words(Currency::parse("EUR").expect("a currency"));
        let expected = [
            "Print categories are those of the contract, where a job tells its coverage; else those that the printer \
             says.",
            "The limits of the contract: below 10 % of the page a line drawing, above 50 % a high density image.",
            "All on Satin is Premium quality images.",
        ];
        assert_eq!(words, expected);
    }
}
