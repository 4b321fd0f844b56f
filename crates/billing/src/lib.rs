//! Billing: facts of the ledger and a contract become a statement.
//!
//! Facts (`ledger`) and terms (`contract`, `clauses`) go through one pure function, [`rate`], into a
//! [`Statement`]. Money and quantities are integers, products are taken in 128 bits, and an amount is
//! rounded in one place, [`UnitPrice::times`].
//!
//! Deliberately absent: storage, clock, randomness, floating point, and any editing of a statement.
//! Whether a fact was delivered twice is decided by the ledger; rating counts what it is given.

pub mod clauses;
pub mod contract;
pub mod ledger;
pub mod meter;
pub mod money;
pub mod period;
pub mod rating;
#[cfg(any(test, feature = "oracle"))]
pub mod recount;
pub mod statement;

pub use clauses::Clause;
pub use clauses::allowance::Allowance;
pub use clauses::base_fee::{BaseFee, Per};
pub use clauses::price_list::{Price, PriceList};
pub use clauses::tax::Tax;
pub use contract::{Evidence, Problem, Rounding, Terms};
pub use ledger::extract::{CounterValue, counter_values, job_quantities};
pub use ledger::reconcile::{Cause, Difference, JobAreas, Reconciliation, reconcile};
pub use ledger::segments::{
    CounterState, CounterUsage, Observation, ReadingPoint, Segment, SegmentReason, SegmentUsage, Unmeasured, observe,
    usage_between,
};
pub use ledger::{CounterFact, JobFact, Quantity};
pub use meter::{Meter, MeterError, MeterKind, Pattern, PricingUnit};
pub use money::{Currency, Money, MoneyError, UnitPrice};
pub use period::{Month, Period, PeriodError, month_of, time_zone};
pub use rating::{Input, PrinterUsage, RatingError, rate};
#[cfg(any(test, feature = "oracle"))]
pub use recount::recount;
pub use statement::{ContractRef, Line, LineEvidence, LineSource, PrinterReconciliation, Statement, TaxRow};
