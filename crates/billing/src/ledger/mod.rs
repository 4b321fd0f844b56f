//! Ledger facts as rating reads them: what each job added, what each counter said.
//!
//! Pure shapes and arithmetic. Deliberately absent: storage, and telling duplicates apart. The
//! ledger keeps one fact a (printer, job, version); what is given here twice counts twice.

pub mod extract;
pub mod reconcile;
pub mod segments;

use crate::meter::{Meter, MeterKind};
use report::{Grade, Instant, JobStatus};
use segments::CounterUsage;
use serde::{Deserialize, Serialize};

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

/// The counters of `kind` at `grain`. Where a printer lacks that grain, the next best that counts the
/// same usage once, so that nothing is dropped and nothing is counted twice.
pub(crate) fn counters_of(counters: &[CounterFact], kind: MeterKind, grain: Grain) -> Vec<&CounterFact> {
    let of = |wanted: Grain| -> Vec<&CounterFact> {
        let counters = counters.iter().filter(|counter| counter.meter.kind() == kind);
        counters.filter(|counter| grain_of(counter) == wanted).collect()
    };
    let order = match grain {
        Grain::Total => [Grain::Total, Grain::Part, Grain::Media],
        Grain::Part => [Grain::Part, Grain::Total, Grain::Media],
        Grain::Media => [Grain::Media, Grain::Total, Grain::Part],
    };
    let mut found = order.into_iter().map(of).find(|found| !found.is_empty()).unwrap_or_default();
    found.sort_by(|a, b| (&a.meter, &a.media).cmp(&(&b.meter, &b.media)));
    found
}

fn grain_of(counter: &CounterFact) -> Grain {
    match (counter.meter.part(), &counter.media) {
        (Some(_), _) => Grain::Part,
        (None, Some(_)) => Grain::Media,
        (None, None) => Grain::Total,
    }
}
