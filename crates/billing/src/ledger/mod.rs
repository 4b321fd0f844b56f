//! Ledger facts as rating reads them: what each job added, what each counter said.
//!
//! Pure shapes and arithmetic. Deliberately absent: storage. Which facts a printer's stay has, and that
//! a job counts once, is decided in [`assemble`]; what rating is given twice counts twice.

pub mod assemble;
pub mod declared;
pub mod decrease;
pub mod edges;
pub mod estimate;
pub mod extract;
pub mod reconcile;
pub mod segments;
mod source;

pub use source::ReadingSource;

use crate::meter::{Meter, MeterKind};
use crate::period::Period;
use report::{Category, Grade, Instant, JobKind, JobStatus, Share};
use segments::CounterUsage;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An amount on one meter and media type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// What was counted.
    pub meter: Meter,
    /// The media type printed on (P28), where the job names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// How much, in the meter's base unit. A later version of a job counts by its signed difference,
    /// so that it can be negative.
    pub amount: i64,
}

/// One finished job of a printer, as far as billing needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFact {
    /// The ledger's key of the job; unique for a printer.
    pub key: String,
    /// The instant it belongs to.
    pub finished_at: Instant,
    /// Rows P11 and N10, where the printer says it. CL22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<JobStatus>,
    /// How well the report that carried it is proved.
    pub grade: Grade,
    /// What it added, one entry a (meter, media).
    pub quantities: Vec<Quantity>,
    /// Row P27, where the printer says it. CL23.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<JobKind>,
    /// Rows P25 and P26, where the printer says both. CL10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<PixelCoverage>,
    /// What a reader must know of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub marks: BTreeSet<Mark>,
}

/// How much of a job's pages is printed on, row P25, and in colour, row P26. CL10.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelCoverage {
    /// The share of pixels that are not white.
    pub non_white: Share,
    /// The share of pixels that are coloured.
    pub colour: Share,
}

/// Jobs of which only a sum is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SumFact {
    /// Why there is only a sum.
    pub kind: SumKind,
    /// When the first of them finished.
    pub since: Instant,
    /// When the last of them finished. The sum belongs to the period that holds this instant.
    pub until: Instant,
    /// How many jobs.
    pub jobs: u64,
    /// How well they are proved; a fold counts as C whatever stands here.
    pub grade: Grade,
    /// What they added, one entry a (meter, media).
    pub quantities: Vec<Quantity>,
}

/// Why only the sum of some jobs is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SumKind {
    /// An agent's spool was full, and it folded its oldest jobs into a sum, whatever became of them. Marked on
    /// the statement, and billed only after a person signed it: see `readiness`.
    #[default]
    Fold,
    /// Usage cells of the ledger stand for the jobs, which are all kept.
    Cells,
    /// A fold in whose time another agent brought jobs of the same printer one by one: they may be the same, so
    /// that it is shown and never billed.
    Beside,
}

/// What stands for readings that are missing. CL14.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimateFact {
    /// What it estimates.
    pub meter: Meter,
    /// The media type, for counters by media (U7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// The time that it is for. It belongs to the period in which this ends.
    pub span: Period,
    /// How much, in the meter's base unit.
    pub quantity: i64,
    /// How it was made.
    pub method: Method,
    /// What it was made from, in words with the numbers.
    pub basis: String,
}

/// How an estimate is made. CL14.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The daily mean of the 30 days before.
    #[default]
    Daily30,
    /// The daily mean of the 60 days before.
    Daily60,
    /// The daily mean of the 90 days before.
    Daily90,
    /// The same days a year before.
    LastYear,
    /// The period before.
    LastPeriod,
    /// The daily mean of other printers of the same model.
    Model,
    /// Nothing.
    Zero,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 7] = [
        Method::Daily30,
        Method::Daily60,
        Method::Daily90,
        Method::LastYear,
        Method::LastPeriod,
        Method::Model,
        Method::Zero,
    ];

    /// The word for SQL, forms and exports; the same as in storage.
    pub fn word(self) -> &'static str {
        match self {
            Method::Daily30 => "daily30",
            Method::Daily60 => "daily60",
            Method::Daily90 => "daily90",
            Method::LastYear => "last-year",
            Method::LastPeriod => "last-period",
            Method::Model => "model",
            Method::Zero => "zero",
        }
    }

    /// The method of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.word() == word)
    }

    /// The words a statement shows.
    pub fn words(self) -> &'static str {
        match self {
            Method::Daily30 => "daily mean of the 30 days before",
            Method::Daily60 => "daily mean of the 60 days before",
            Method::Daily90 => "daily mean of the 90 days before",
            Method::LastYear => "the same days a year before",
            Method::LastPeriod => "the period before",
            Method::Model => "daily mean of other printers of the same model",
            Method::Zero => "nothing is estimated",
        }
    }
}

/// The limits by which a printer sorts pages into categories, since when. CL10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdFact {
    /// Since when they hold.
    pub from: Instant,
    /// Below this share of non-white pixels a page is a line drawing. S24.
    pub lines_below: Share,
    /// Above this share of non-white pixels a page is a high density image. S24.
    pub high_above: Share,
    /// Papers whose pages are of one category whatever is on them. S25.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub customization: BTreeMap<String, Category>,
}

/// What a reader must know of a quantity, beside its number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// A part of it is estimated. CL14.
    #[default]
    Estimated,
    /// A reading at an edge lies between two readings. CL15.
    Interpolated,
    /// A reading was entered by a person of the reseller.
    Manual,
    /// A reading was entered by the customer.
    Customer,
    /// A reading was imported when the contract began.
    Opening,
    /// Some of its jobs are known as a sum only.
    Folded,
    /// A person said the unit of a number that the printer gave without one.
    Declared,
    /// Its category is that of the contract's limits, not the printer's. CL10.
    Recategorised,
    /// It arrived after its period was billed.
    Late,
}

impl Mark {
    /// The words a statement shows beside the amount.
    pub fn words(self) -> &'static str {
        match self {
            Mark::Estimated => "estimated",
            Mark::Interpolated => "interpolated",
            Mark::Manual => "read by hand",
            Mark::Customer => "read by the customer",
            Mark::Opening => "opening reading",
            Mark::Folded => "some jobs as a sum",
            Mark::Declared => "unit declared",
            Mark::Recategorised => "category by the contract",
            Mark::Late => "late",
        }
    }
}

impl JobFact {
    /// The job's amount on all meters of a kind; `None` when it has none.
    pub fn total(&self, kind: MeterKind) -> Option<i64> {
        let amounts = self.quantities.iter().filter(|quantity| quantity.meter.kind() == kind);
        amounts.map(|quantity| quantity.amount).reduce(i64::saturating_add)
    }
}

/// One counter of a printer over the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterFact {
    /// What it counts.
    pub meter: Meter,
    /// The media type, for counters by media (U7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// What it counted between the edge readings.
    pub usage: CounterUsage,
}

/// How finely the counters of a kind are wanted. Counters tell categories or media apart, never both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grain {
    /// One counter for all.
    Total,
    /// By category or colour.
    Part,
    /// By media type.
    Media,
}

impl Grain {
    /// This grain, and what stands for it where it lacks: what counts the same usage once.
    pub(crate) fn or_next(self) -> [Grain; 3] {
        match self {
            Grain::Total => [Grain::Total, Grain::Part, Grain::Media],
            Grain::Part => [Grain::Part, Grain::Total, Grain::Media],
            Grain::Media => [Grain::Media, Grain::Total, Grain::Part],
        }
    }
}

/// The counters of `kind` at `grain`. Where a printer lacks that grain, the next best that counts the
/// same usage once, so that nothing is dropped and nothing is counted twice.
pub(crate) fn counters_of(counters: &[CounterFact], kind: MeterKind, grain: Grain) -> Vec<&CounterFact> {
    let of = |wanted: Grain| -> Vec<&CounterFact> {
        let counters = counters.iter().filter(|counter| counter.meter.kind() == kind);
        counters.filter(|counter| grain_of(&counter.meter, counter.media.as_deref()) == wanted).collect()
    };
    let mut found = grain.or_next().into_iter().map(of).find(|found| !found.is_empty()).unwrap_or_default();
    found.sort_by(|a, b| (&a.meter, &a.media).cmp(&(&b.meter, &b.media)));
    found
}

/// How finely a counter counts.
pub(crate) fn grain_of(meter: &Meter, media: Option<&str>) -> Grain {
    match (meter.part(), media) {
        (Some(_), _) => Grain::Part,
        (None, Some(_)) => Grain::Media,
        (None, None) => Grain::Total,
    }
}
