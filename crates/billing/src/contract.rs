//! Contract terms: everything that rating needs to know, in one version that is never edited.
//!
//! The order of the steps of rating is a part of them. Deliberately absent: who the parties are, which
//! printers are in when (that is input of rating), and lint of what is merely odd. [`Terms::validate`]
//! refuses what cannot be rated.

use crate::clauses::rounding::Point;
use crate::clauses::{Checked, Clause, ClauseTerms};
use crate::ledger::Grain;
use crate::meter::{MeterKind, Pattern};
use crate::money::{Currency, Direction, Money};
use crate::period::{PeriodRule, time_zone};
use report::JobStatus;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Which source a kind of meter is billed from. CL32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The printer's job log.
    #[default]
    Jobs,
    /// The printer's lifetime counters.
    Counter,
}

impl Evidence {
    /// The word for pages and exports.
    pub fn word(self) -> &'static str {
        match self {
            Evidence::Jobs => "jobs",
            Evidence::Counter => "counter",
        }
    }
}

/// Where amounts are rounded. CL30.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Each line once, half-up (ties away from zero), to the currency's minor unit.
    #[default]
    LineHalfUp,
    /// Each line once, up (away from zero).
    LineUp,
    /// Each line once, down (towards zero).
    LineDown,
}

impl Rounding {
    /// The words a page shows.
    pub fn words(self) -> &'static str {
        match self {
            Rounding::LineHalfUp => "each line once, half-up",
            Rounding::LineUp => "each line once, up",
            Rounding::LineDown => "each line once, down",
        }
    }

    /// Which way an amount goes.
    pub fn direction(self) -> Direction {
        match self {
            Rounding::LineHalfUp => Direction::HalfUp,
            Rounding::LineUp => Direction::Up,
            Rounding::LineDown => Direction::Down,
        }
    }
}

/// A step of rating. Their order is a part of the terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Which readings count, and what prices are in force.
    #[default]
    Readings,
    /// Usage between readings, its unit and its rounding.
    Usage,
    /// Which jobs count, and in which category.
    Filters,
    /// Prints that are credited as a quantity.
    QuantityCredits,
    /// Which printers share.
    Pool,
    /// What is included.
    Allowance,
    /// What usage costs.
    Prices,
    /// What usage costs on top.
    Surcharges,
    /// Smallest quantities and amounts.
    Minimum,
    /// What is credited as money.
    MoneyCredits,
    /// Base fees, leases and fees for events.
    Fees,
    /// Discounts.
    Discounts,
    /// What settles periods before.
    Adjustments,
    /// Who pays.
    Payers,
    /// Taxes.
    Tax,
}

impl Step {
    /// The usual order.
    pub const USUAL: [Step; 15] = [
        Step::Readings,
        Step::Usage,
        Step::Filters,
        Step::QuantityCredits,
        Step::Pool,
        Step::Allowance,
        Step::Prices,
        Step::Surcharges,
        Step::Minimum,
        Step::MoneyCredits,
        Step::Fees,
        Step::Discounts,
        Step::Adjustments,
        Step::Payers,
        Step::Tax,
    ];

    /// The word in storage, forms and exports.
    pub fn word(self) -> &'static str {
        match self {
            Step::Readings => "readings",
            Step::Usage => "usage",
            Step::Filters => "filters",
            Step::QuantityCredits => "quantity-credits",
            Step::Pool => "pool",
            Step::Allowance => "allowance",
            Step::Prices => "prices",
            Step::Surcharges => "surcharges",
            Step::Minimum => "minimum",
            Step::MoneyCredits => "money-credits",
            Step::Fees => "fees",
            Step::Discounts => "discounts",
            Step::Adjustments => "adjustments",
            Step::Payers => "payers",
            Step::Tax => "tax",
        }
    }

    /// The words a page shows, in small letters.
    pub fn label(self) -> &'static str {
        match self {
            Step::Readings => "readings",
            Step::Usage => "usage between readings",
            Step::Filters => "jobs that count",
            Step::QuantityCredits => "credited quantities",
            Step::Pool => "pools",
            Step::Allowance => "included quantities",
            Step::Prices => "prices",
            Step::Surcharges => "surcharges",
            Step::Minimum => "minimums",
            Step::MoneyCredits => "credited amounts",
            Step::Fees => "fees",
            Step::Discounts => "discounts",
            Step::Adjustments => "adjustments of periods before",
            Step::Payers => "payers",
            Step::Tax => "taxes",
        }
    }

    /// The step of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<Step> {
        Step::USUAL.into_iter().find(|step| step.word() == word)
    }
}

/// Orders that rating rests on: the first step stands before the second.
const BEFORE: [(Step, Step); 10] = [
    (Step::Readings, Step::Usage),
    (Step::Usage, Step::Filters),
    (Step::Filters, Step::QuantityCredits),
    (Step::QuantityCredits, Step::Prices),
    (Step::Pool, Step::Allowance),
    (Step::Allowance, Step::Prices),
    (Step::Prices, Step::Surcharges),
    (Step::Prices, Step::Minimum),
    (Step::Adjustments, Step::Payers),
    (Step::Payers, Step::Tax),
];

/// What is wrong with terms, at which field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The field by its path, such as `clauses.1.prices.0.price`.
    pub field: String,
    /// What is wrong with it, in words for a person.
    pub message: String,
}

impl Problem {
    /// A problem of `field`.
    pub fn at(field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// The terms of one version of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The one currency of every price and amount. CL28.
    pub currency: Currency,
    /// The zone that cuts the periods, by its IANA name.
    pub time_zone: String,
    /// What is charged, in the order it is applied.
    pub clauses: Vec<Clause>,
    /// Which source each kind of meter is billed from; the job log where nothing is said. CL32.
    #[serde(default)]
    pub evidence: BTreeMap<MeterKind, Evidence>,
    /// Jobs with these statuses are billed. CL22.
    #[serde(default = "printed_and_scanned")]
    pub billed_statuses: BTreeSet<JobStatus>,
    /// Where amounts are rounded. CL30.
    #[serde(default)]
    pub rounding: Rounding,
    /// When its periods begin; calendar months where nothing is said.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub period: PeriodRule,
    /// The order of the steps of rating; empty: the usual one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// CL22: cancelled and failed jobs are not billed unless a contract says so.
fn printed_and_scanned() -> BTreeSet<JobStatus> {
    [JobStatus::Printed, JobStatus::Scanned].into()
}

impl Terms {
    /// Terms without clauses: every meter from the job log, printed and scanned jobs only.
    pub fn new(currency: Currency, time_zone: impl Into<String>) -> Terms {
        Terms {
            currency,
            time_zone: time_zone.into(),
            clauses: Vec::new(),
            evidence: BTreeMap::new(),
            billed_statuses: printed_and_scanned(),
            rounding: Rounding::default(),
            period: PeriodRule::default(),
            steps: Vec::new(),
        }
    }

    /// The order of the steps of rating.
    pub fn order(&self) -> &[Step] {
        if self.steps.is_empty() { &Step::USUAL } else { &self.steps }
    }

    /// Whether `first` stands before `second` in the order of steps.
    pub(crate) fn is_before(&self, first: Step, second: Step) -> bool {
        let place = |wanted: Step| self.order().iter().position(|step| *step == wanted);
        place(first) < place(second)
    }

    /// The terms of the first clause of a type; `None` where there is none.
    pub(crate) fn rule<T: ClauseTerms>(&self) -> Option<&T> {
        self.clauses.iter().find_map(|clause| clause.any().downcast_ref::<T>())
    }

    /// What carry, references and payers call the clause at `index`: its own key, else its word and its
    /// number among those of that word, `allowance.2`. Empty where there is no such clause.
    pub fn key_of(&self, index: usize) -> String {
        let Some(clause) = self.clauses.get(index) else { return String::new() };
        if let Some(key) = clause.key() {
            return key.to_owned();
        }
        let word = clause.word();
        let number = self.clauses.iter().take(index + 1).filter(|clause| clause.word() == word).count();
        format!("{word}.{number}")
    }

    /// The place of the clause that is called `key`.
    pub fn index_of(&self, key: &str) -> Option<usize> {
        (0..self.clauses.len()).find(|index| self.key_of(*index) == key)
    }

    /// Whether sums of jobs are enough to rate by: usual statuses, and no clause looks at single jobs.
    pub fn by_sums(&self) -> bool {
        let single = |clause: &Clause| match clause {
            Clause::Coverage(_) | Clause::MediaClass(_) | Clause::Copies(_) => true,
            Clause::QuantityRounding(rounding) => rounding.point != Point::Period,
            _ => false,
        };
        self.billed_statuses == printed_and_scanned() && !self.clauses.iter().any(single)
    }

    /// The source that a kind of meter is billed from.
    pub fn evidence_of(&self, kind: MeterKind) -> Evidence {
        self.evidence.get(&kind).copied().unwrap_or_default()
    }

    /// Whether a job of that status is billed. A job without a status is billed as a printed one: the
    /// printer remembers it as finished and says what it used.
    pub fn bills(&self, status: Option<JobStatus>) -> bool {
        self.billed_statuses.contains(&status.unwrap_or(JobStatus::Printed))
    }

    /// The kinds of meters that any clause reads.
    pub fn kinds(&self) -> BTreeSet<MeterKind> {
        self.patterns().map(|pattern| pattern.meter).collect()
    }

    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.clauses.iter().flat_map(Clause::patterns)
    }

    /// How finely the counters of a kind must be told apart for the patterns there are.
    pub(crate) fn grain(&self, kind: MeterKind) -> Grain {
        let (mut part, mut media) = (false, false);
        for pattern in self.patterns().filter(|pattern| pattern.meter == kind) {
            part |= pattern.has_part();
            media |= pattern.media.is_some();
        }
        match (part, media) {
            (true, _) => Grain::Part,
            (false, true) => Grain::Media,
            (false, false) => Grain::Total,
        }
    }

    /// Every reason why these terms cannot be rated.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        if let Err(error) = time_zone(&self.time_zone) {
            problems.push(Problem::at("time_zone", error.to_string()));
        }
        if self.clauses.is_empty() {
            problems.push(Problem::at("clauses", "a contract needs at least one clause"));
        }
        self.validate_period(&mut problems);
        self.validate_steps(&mut problems);
        for (index, clause) in self.clauses.iter().enumerate() {
            clause.validate(&Checked { field: format!("clauses.{index}"), terms: self }, &mut problems);
        }
        self.validate_clauses(&mut problems);
        for kind in self.kinds() {
            if self.evidence_of(kind) == Evidence::Counter {
                self.validate_counter(kind, &mut problems);
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn validate_period(&self, problems: &mut Vec<Problem>) {
        if !(1..=28).contains(&self.period.day) {
            problems.push(Problem::at("period.day", "periods begin on a day from 1 to 28, which every month has"));
        }
        if !(1..=12).contains(&self.period.first_month) {
            problems.push(Problem::at("period.first_month", "the first month is a number from 1 to 12"));
        }
    }

    /// Steps are free to move as far as none loses what it works on.
    fn validate_steps(&self, problems: &mut Vec<Problem>) {
        let mut said = self.steps.clone();
        said.sort_unstable();
        if !said.is_empty() && said != Step::USUAL {
            problems.push(Problem::at("steps", "every step stands once"));
            return;
        }
        for (first, second) in BEFORE {
            if !self.is_before(first, second) {
                let message = format!("{} must stand before {}", first.label(), second.label());
                problems.push(Problem::at("steps", message));
            }
        }
        let order = self.order();
        if order.get(order.len() - 3) != Some(&Step::Adjustments) {
            problems.push(Problem::at("steps", "adjustments, payers and taxes are the last three steps"));
        }
        let credits_next = order.windows(2).any(|pair| pair == [Step::Allowance, Step::QuantityCredits]);
        if !self.is_before(Step::QuantityCredits, Step::Allowance) && !credits_next {
            let message = "credited quantities stand before the included quantities, or directly after them";
            problems.push(Problem::at("steps", message));
        }
    }

    /// What clauses must be to each other: their names differ, rules stand once, an allowance has a price
    /// that it lowers.
    fn validate_clauses(&self, problems: &mut Vec<Problem>) {
        let priced = self.clauses.iter().any(|clause| clause.step() == Step::Prices);
        let mut keys = BTreeSet::new();
        let mut once = BTreeSet::new();
        for (index, clause) in self.clauses.iter().enumerate() {
            let field = format!("clauses.{index}");
            if !keys.insert(self.key_of(index)) {
                problems.push(Problem::at(format!("{field}.key"), "another clause has this name already"));
            }
            if matches!(clause, Clause::Allowance(_)) && !priced {
                problems.push(Problem::at(field.as_str(), "an allowance needs a price that it lowers"));
            }
            if let Some(rule) = stands_once(clause)
                && !once.insert(rule)
            {
                problems.push(Problem::at(field, "this clause stands already; a contract has it once"));
            }
        }
    }

    /// Counters know media used, not area printed, and tell categories or media apart, never both.
    fn validate_counter(&self, kind: MeterKind, problems: &mut Vec<Problem>) {
        let field = format!("evidence.{}", kind.word());
        if kind == MeterKind::AreaPrinted {
            problems.push(Problem::at(field, "no counter counts the area printed; bill it from jobs"));
            return;
        }
        let of_kind = || self.patterns().filter(move |pattern| pattern.meter == kind);
        let by_media = of_kind().any(|pattern| pattern.media.is_some());
        if by_media && kind != MeterKind::AreaMedia {
            let message = format!("no counter of {} tells the media apart", kind.label());
            problems.push(Problem::at(field, message));
        } else if by_media && of_kind().any(Pattern::has_part) {
            let message = "counters tell categories or media apart, never both; bill from jobs, or drop one";
            problems.push(Problem::at(field, message));
        }
    }

    /// The terms in plain sentences, in the order of the clauses.
    pub fn in_words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "Amounts are in {}. Periods are cut in the time zone {}; the first instant of the next period is not in.",
            self.currency, self.time_zone
        )];
        if self.period != PeriodRule::default() {
            words.push(format!("A period is a {}.", self.period.words()));
        }
        for clause in &self.clauses {
            words.extend(clause.in_words(self.currency));
        }
        for kind in self.kinds() {
            let source = match self.evidence_of(kind) {
                Evidence::Jobs => "the printer's job log",
                Evidence::Counter => "the printer's lifetime counters",
            };
            words.push(format!("The source for {} is {source}.", kind.label()));
        }
        if self.kinds().into_iter().any(|kind| self.evidence_of(kind) == Evidence::Jobs) {
            words.push(self.statuses_in_words());
        }
        let how = match self.rounding {
            Rounding::LineHalfUp => "half-up",
            Rounding::LineUp => "up",
            Rounding::LineDown => "down",
        };
        let smallest = Money(1).show(self.currency);
        words.push(format!("Each line is rounded once, {how}, to {smallest} {}.", self.currency));
        if self.order() != Step::USUAL {
            let steps = self.order().iter().map(|step| step.label()).collect::<Vec<_>>().join(", ");
            words.push(format!("The sum is worked out in this order: {steps}."));
        }
        words
    }

    fn statuses_in_words(&self) -> String {
        let (billed, not): (Vec<JobStatus>, Vec<JobStatus>) =
            JobStatus::ALL.into_iter().partition(|status| self.billed_statuses.contains(status));
        let list = |statuses: &[JobStatus]| match statuses {
            [] => "no".to_owned(),
            statuses => statuses.iter().map(|status| status.word()).collect::<Vec<_>>().join(" and "),
        };
        if not.is_empty() {
            return format!("Billed are {} jobs.", list(&billed));
        }
        format!("Billed are {} jobs; {} jobs are not.", list(&billed), list(&not))
    }
}

/// What a clause is called that a contract has at most once: taxes, rules of how facts are read, and
/// the rounding of a meter's quantities. Escalations are applied one after the other.
fn stands_once(clause: &Clause) -> Option<(&'static str, Option<MeterKind>)> {
    let step = clause.step();
    match clause {
        Clause::Escalation(_) => None,
        Clause::QuantityRounding(rounding) => Some((clause.word(), Some(rounding.meter))),
        Clause::Tax(_) => Some((clause.word(), None)),
        _ if matches!(step, Step::Readings | Step::Usage) => Some((clause.word(), None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Allowance, BaseFee, Price, PriceList, Tax, UnitPrice};
    use report::Share;

    fn price(pattern: &str) -> Price {
        Price::new(Pattern::parse(pattern).unwrap(), UnitPrice { millionths: 140_000 })
    }

    fn prices(patterns: &[&str]) -> Clause {
        Clause::PriceList(PriceList { prices: patterns.iter().map(|pattern| price(pattern)).collect() })
    }

    fn allowance(pattern: &str) -> Clause {
        let covers = vec![Pattern::parse(pattern).unwrap()];
        Clause::Allowance(Allowance { covers, included: 400_000_000, ..Allowance::default() })
    }

    fn keyed(pattern: &str, key: &str) -> Clause {
        let covers = vec![Pattern::parse(pattern).unwrap()];
        let key = key.to_owned();
        Clause::Allowance(Allowance { covers, included: 400_000_000, key, ..Allowance::default() })
    }

    fn fee(amount: i64) -> Clause {
        Clause::BaseFee(BaseFee { amount: Money(amount), ..BaseFee::default() })
    }

    fn tax() -> Clause {
        Clause::Tax(Tax { name: "VAT".to_owned(), rate: Share(210_000), ..Tax::default() })
    }

    fn terms(clauses: Vec<Clause>) -> Terms {
        Terms { clauses, ..Terms::new(Currency::parse("EUR").unwrap(), "Europe/Amsterdam") }
    }

    fn fields(terms: &Terms) -> Vec<String> {
        terms.validate().err().unwrap_or_default().into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn what_cannot_be_rated_is_refused_at_its_field() {
        let mono = "area-printed/mono-line";
        let cases = [
            (terms(vec![]), vec!["clauses"]),
            (terms(vec![prices(&[mono])]), vec![]),
            (terms(vec![allowance(mono), prices(&[mono]), tax()]), vec![]),
            (terms(vec![prices(&[mono]), allowance(mono)]), vec![]),
            (terms(vec![allowance(mono)]), vec!["clauses.0"]),
            (terms(vec![tax(), prices(&[mono])]), vec![]),
            (terms(vec![tax(), prices(&[mono]), tax()]), vec!["clauses.2"]),
            (terms(vec![keyed(mono, "a"), keyed(mono, "a"), prices(&[mono])]), vec!["clauses.1.key"]),
            (terms(vec![keyed(mono, "a"), keyed(mono, "b"), prices(&[mono])]), vec![]),
            (terms(vec![keyed(mono, "allowance.2"), allowance(mono), prices(&[mono])]), vec!["clauses.1.key"]),
            (terms(vec![prices(&[])]), vec!["clauses.0.prices"]),
            (terms(vec![prices(&["area-printed", mono])]), vec!["clauses.0.prices.1.pattern"]),
            (Terms { time_zone: "Nowhere".to_owned(), ..terms(vec![prices(&[mono])]) }, vec!["time_zone"]),
            (
                Terms {
                    period: PeriodRule { day: 29, first_month: 13, ..PeriodRule::default() },
                    ..terms(vec![prices(&[mono])])
                },
                vec!["period.day", "period.first_month"],
            ),
        ];
        for (terms, expected) in cases {
            assert_eq!(fields(&terms), expected, "{:?}", terms.clauses);
        }
    }

    #[test]
    fn counters_cannot_prove_what_they_do_not_count() {
        // Patterns, kind billed from counters, field refused.
        let cases = [
            (vec!["area-printed/mono-line"], MeterKind::AreaPrinted, vec!["evidence.area-printed"]),
            (vec!["area-media/mono-line", "area-media@Bond"], MeterKind::AreaMedia, vec!["evidence.area-media"]),
            (vec!["area-media@Bond", "area-media"], MeterKind::AreaMedia, vec![]),
            (vec!["length@Bond"], MeterKind::Length, vec!["evidence.length"]),
            (vec!["ink/cyan", "ink"], MeterKind::Ink, vec![]),
        ];
        for (patterns, kind, expected) in cases {
            let mut terms = terms(vec![prices(&patterns)]);
            terms.evidence.insert(kind, Evidence::Counter);
            assert_eq!(fields(&terms), expected, "{patterns:?}");
        }
    }

    #[test]
    fn terms_survive_storage_and_refuse_unknown_fields() {
        let mut stored = terms(vec![fee(18_000), prices(&["pages"]), tax()]);
        stored.evidence.insert(MeterKind::Pages, Evidence::Counter);
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), stored);
        let odd = text.replacen("\"amount\"", "\"amuont\"", 1);
        assert!(serde_json::from_str::<Terms>(&odd).is_err());
        let shortest = r#"{"currency":"EUR","time_zone":"UTC","clauses":[]}"#;
        let terms: Terms = serde_json::from_str(shortest).unwrap();
        assert!(terms.bills(Some(JobStatus::Printed)) && !terms.bills(Some(JobStatus::Cancelled)));
    }

    #[test]
    fn terms_are_said_in_words() {
        let mono = "area-printed/mono-line";
        let words = terms(vec![fee(18_000), allowance(mono), prices(&[mono]), tax()]).in_words();
        let expected = [
            "Amounts are in EUR. Periods are cut in the time zone Europe/Amsterdam; \
             the first instant of the next period is not in.",
            "Base fee: 180.00 EUR each period.",
            "Included each period: 400.00 m² of Monochrome lines, area printed. What is not used lapses.",
            "Monochrome lines, area printed: 0.14 EUR per m².",
            "Usage that no price matches is shown and not billed.",
            "VAT: 21 % on the sum of the lines.",
            "The source for area printed is the printer's job log.",
            "Billed are printed and scanned jobs; cancelled and failed jobs are not.",
            "Each line is rounded once, half-up, to 0.01 EUR.",
        ];
        assert_eq!(words, expected);
    }

    /// The usual order with one step moved to a place.
    fn moved(step: Step, place: usize) -> Vec<Step> {
        let mut steps: Vec<Step> = Step::USUAL.into_iter().filter(|other| *other != step).collect();
        steps.insert(place, step);
        steps
    }

    #[test]
    fn steps_may_move_as_far_as_they_keep_what_they_work_on() {
        // Steps, whether they are taken.
        let cases = [
            (Vec::new(), true),
            (Step::USUAL.to_vec(), true),
            (moved(Step::Fees, 7), true),
            (moved(Step::Minimum, 11), true),
            (moved(Step::MoneyCredits, 0), true),
            (moved(Step::QuantityCredits, 5), true),
            (moved(Step::QuantityCredits, 4), true),
            (moved(Step::QuantityCredits, 6), false),
            (moved(Step::Minimum, 3), false),
            (moved(Step::Allowance, 6), false),
            (moved(Step::Pool, 5), false),
            (moved(Step::Surcharges, 2), false),
            (moved(Step::Usage, 0), false),
            (moved(Step::Discounts, 14), false),
            (moved(Step::Tax, 12), false),
            (vec![Step::Tax], false),
            (moved(Step::Fees, 7).into_iter().chain([Step::Fees]).collect(), false),
        ];
        for (steps, taken) in cases {
            let terms = Terms { steps, ..terms(vec![prices(&["pages"])]) };
            assert_eq!(terms.validate().is_ok(), taken, "{:?}: {:?}", terms.steps, terms.validate());
            assert!(taken || fields(&terms).iter().all(|field| field == "steps"));
        }
    }

    #[test]
    fn steps_and_periods_are_stored_and_said_where_they_are_not_the_usual_ones() {
        let usual = terms(vec![prices(&["pages"])]);
        let stored = serde_json::to_string(&usual).unwrap();
        assert!(!stored.contains("steps") && !stored.contains("period"), "{stored}");
        let period = PeriodRule { every: crate::period::Every::Quarter, ..PeriodRule::default() };
        let terms = Terms { steps: moved(Step::Fees, 7), period, ..usual };
        let text = serde_json::to_string(&terms).unwrap();
        assert!(text.contains(r#""quantity-credits""#) && text.contains(r#""period":{"every":"quarter"}"#), "{text}");
        assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), terms);
        let words = terms.in_words();
        assert!(
            words.iter().any(|line| line.starts_with("A period is a quarter, from day 1 of January,")),
            "{words:?}"
        );
        assert!(
            words.iter().any(|line| line.ends_with(
                "prices, fees, surcharges, minimums, credited amounts, \
             discounts, adjustments of periods before, payers, taxes."
            )),
            "{words:?}"
        );
        for step in Step::USUAL {
            assert_eq!(Step::parse(step.word()), Some(step));
            assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{}\"", step.word()));
        }
    }

    #[test]
    fn clauses_are_called_by_their_key_or_by_their_word_and_number() {
        let mono = "area-printed/mono-line";
        let terms = terms(vec![fee(1), allowance(mono), keyed(mono, "hall"), fee(2), allowance(mono), prices(&[mono])]);
        let keys: Vec<String> = (0..7).map(|index| terms.key_of(index)).collect();
        assert_eq!(keys, ["base-fee.1", "allowance.1", "hall", "base-fee.2", "allowance.3", "price-list.1", ""]);
        assert_eq!(
            (terms.index_of("hall"), terms.index_of("allowance.3"), terms.index_of("x")),
            (Some(2), Some(4), None)
        );
        assert_eq!(terms.rule::<PriceList>().map(|list| list.prices.len()), Some(1));
        assert!(terms.rule::<Tax>().is_none());
    }

    #[test]
    fn sums_are_enough_for_the_usual_statuses_only() {
        let mut terms = terms(vec![prices(&["pages"])]);
        assert!(terms.by_sums());
        terms.billed_statuses.insert(JobStatus::Failed);
        assert!(!terms.by_sums());
    }

    #[test]
    fn a_contract_has_one_currency_and_its_amounts_have_that_currencys_decimals() {
        // CL28: nothing is converted; the same numbers in another currency are other amounts.
        for (code, smallest) in [("EUR", "0.01"), ("JPY", "1"), ("KWD", "0.001")] {
            let currency = Currency::parse(code).unwrap();
            let terms = Terms { currency, ..terms(vec![fee(18_000)]) };
            let words = terms.in_words();
            let last = format!("Each line is rounded once, half-up, to {smallest} {code}.");
            assert_eq!(words.last(), Some(&last));
            let text = serde_json::to_string(&terms).unwrap();
            assert_eq!(text.matches(code).count(), 1, "the currency stands once: {text}");
            assert!(serde_json::from_str::<Terms>(&text.replace(code, "XXQ")).is_err());
        }
    }
}
