//! Billing: facts of the ledger and a contract become a statement.
//!
//! Facts (`ledger`, `events`) and terms (`contract`, `clauses`) go through one pure function, [`rate`],
//! into a [`Statement`] and what is carried to the next period. Money and quantities are integers, products
//! are taken in 128 bits, and an amount is rounded in one place, [`UnitPrice::times_in`].
//!
//! Deliberately absent: storage, clock, randomness, floating point, and any editing of a statement: what
//! was wrong is settled by a note or an adjustment (`correction`). Whether a fact was delivered twice is
//! decided in `ledger::assemble`; rating counts what it is given.

pub mod carry;
pub mod clauses;
pub mod contract;
pub mod correction;
pub mod events;
pub mod forecast;
pub mod form;
pub mod ledger;
pub mod lint;
pub mod margin;
pub mod meter;
pub mod money;
pub mod period;
pub mod proration;
pub mod rating;
pub mod readiness;
#[cfg(any(test, feature = "oracle"))]
pub mod recount;
pub mod replay;
#[cfg(test)]
mod sample;
pub mod statement;
pub mod subtotal;

pub use carry::{Carry, CarryEntry, Lot};
pub use clauses::allowance::Allowance;
pub use clauses::base_fee::{BaseFee, Per};
pub use clauses::price_list::{Price, PriceList};
pub use clauses::tax::Tax;
pub use clauses::{Clause, ClauseKind};
pub use contract::{Evidence, Problem, Rounding, Step, Terms};
pub use correction::{Billed, LineChange, adjustment, chain, note, outstanding};
pub use events::{
    CreditFact, CreditReason, Events, ExitFact, IndexValue, LateFact, Outage, Parties, Party, Purchase, Runs, Silence,
    Site, SupplyFact, Tables,
};
pub use forecast::{Forecast, forecast};
pub use form::{Entries, Field, Kind};
pub use ledger::assemble::{PrinterFacts, StayFact, assemble};
pub use ledger::declared::{DeclaredUnit, Unitless, declared, declared_unit};
pub use ledger::decrease;
pub use ledger::decrease::{Fall, Suggestion, comes_back, falls_back, plausible, suggest, too_much};
pub use ledger::edges::{EdgeRule, usage_of};
pub use ledger::estimate::{History, ModelUse, estimate};
pub use ledger::extract::{CounterValue, counter_values, job_quantities};
pub use ledger::reconcile::{Cause, Difference, JobAreas, Overflow, Reconciliation, reconcile, reconcile_meter};
pub use ledger::segments::{
    Break, CounterState, CounterUsage, Decision, Observation, ReadingFact, ReadingPoint, Segment, SegmentReason,
    SegmentUsage, Unmeasured, hold, observe, split,
};
pub use ledger::{
    CounterFact, EstimateFact, JobFact, Mark, Method, PixelCoverage, Quantity, ReadingSource, SumFact, SumKind,
    ThresholdFact,
};
pub use lint::{Around, Level, Lint, PrinterBrief, UnitPriceOf, lint};
pub use margin::{Cost, CostPer, PrinterCost, PrinterMargin, Used, margin, margin_beside};
pub use meter::{Meter, MeterError, MeterKind, Pattern, PricingUnit};
pub use money::{Currency, Direction, Money, MoneyError, UnitPrice, allocate};
pub use period::{Day, Every, Month, Period, PeriodError, PeriodRule, Reset, month_of, time_zone};
pub use proration::{Fraction, Proration, fraction};
pub use rating::{Behind, BehindFact, Input, PrinterUsage, Rated, RatingError, Unbilled, behind, facts_behind, rate};
pub use readiness::{Extra, Readiness, Ready, Reason, ask_for_prices, readiness};
#[cfg(any(test, feature = "oracle"))]
pub use recount::{recount, recount_carry};
pub use replay::{Replayed, replay};
pub use statement::{
    Adjustment, AdjustmentLine, ContractRef, DocumentKind, Line, LineEvidence, LineShare, LineSource,
    PrinterReconciliation, Reference, Statement, TaxCategory, TaxRow, Taxed,
};
pub use subtotal::{Subtotal, SubtotalPart, subtotals};

/// Whether a value is the usual one, which is not stored: what was stored before the field was there stays
/// as it is.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
