//! A statement: what a customer is charged for a period, line by line, each with its arithmetic and
//! the facts it rests on.
//!
//! A statement is stored and never edited; a correction is a new one. Deliberately absent: working
//! anything out (see `rating`) and laying it out (see the pages).

use crate::clauses::tax::percent;
use crate::ledger::reconcile::Reconciliation;
use crate::ledger::segments::ReadingPoint;
use crate::meter::{Meter, Pattern, PricingUnit};
use crate::money::{Currency, Money, UnitPrice};
use crate::period::Period;
use report::{Grade, Share};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The contract version that a statement was made by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractRef {
    /// The contract's id.
    pub id: String,
    /// The number people know it by.
    pub number: String,
    /// The version of its terms.
    pub version: u32,
}

/// What a customer is charged for a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Its number, given when it is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The contract version it was made by.
    pub contract: ContractRef,
    /// Who is charged.
    pub customer: String,
    /// What it is for.
    pub period: Period,
    /// The period in words: `October 2026`.
    pub period_label: String,
    /// The zone that cut the period.
    pub time_zone: String,
    /// The currency of every amount.
    pub currency: Currency,
    /// The charges, in the order of the clauses, then usage that no price matches.
    pub lines: Vec<Line>,
    /// The sum of the lines, minor units.
    pub net: Money,
    /// Taxes on that sum.
    pub taxes: Vec<TaxRow>,
    /// Net and taxes, minor units.
    pub total: Money,
    /// Why counters and jobs differ, printer by printer.
    pub reconciliations: Vec<PrinterReconciliation>,
    /// What a reader must know: what is not billed, what was not measured, what lapsed.
    pub notes: Vec<String>,
}

/// One charge, or usage that is shown and not charged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its place in the contract, `2.1`; unique on a statement.
    pub id: String,
    /// What is charged.
    pub title: String,
    /// The quantity in words: `520.00 m² used, 400.00 included`.
    pub detail: String,
    /// The usage it is for, where it is for usage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// What was used, base units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<i64>,
    /// How much of it allowances cover, base units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included: Option<i64>,
    /// What is charged, base units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// The unit that the price is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<PricingUnit>,
    /// The price of one unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<UnitPrice>,
    /// The charge, minor units; `None` when no price matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The arithmetic: `520.00 m² − 400.00 m² allowance = 120.00 m² × 0.14 = 16.80`. Every decimal
    /// there is, so that it can be followed by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// The facts it rests on, by meter, then printer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<LineSource>,
    /// The quantity used by grade of its proof, base units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grades: BTreeMap<Grade, i64>,
}

/// What one printer gave for a line, on one meter and media type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineSource {
    /// The printer's id.
    pub printer: String,
    /// What people call the printer.
    pub label: String,
    /// The meter.
    pub meter: Meter,
    /// The media type, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// What proves it.
    pub evidence: LineEvidence,
}

/// What proves a quantity. CL32.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineEvidence {
    /// The job log.
    Jobs {
        /// How many jobs.
        count: u64,
        /// What they used together, base units.
        quantity: i64,
    },
    /// A lifetime counter.
    Counter {
        /// The reading at the period's start, with its time and grade.
        start: Option<ReadingPoint>,
        /// The reading at the period's end, with its time and grade.
        end: Option<ReadingPoint>,
        /// What was counted between them, segment by segment, base units.
        quantity: i64,
    },
}

/// A tax on the sum of the lines. CL27.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRow {
    /// What the tax is called.
    pub name: String,
    /// Its rate, parts per million.
    pub rate: Share,
    /// What it is on, minor units.
    pub base: Money,
    /// The tax, minor units.
    pub amount: Money,
}

impl TaxRow {
    /// The tax and its rate: `VAT 21 %`.
    pub fn label(&self) -> String {
        format!("{} {}", self.name, percent(self.rate))
    }
}

/// Why the counter and the jobs of a printer differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterReconciliation {
    /// The printer's id.
    pub printer: String,
    /// What people call the printer.
    pub label: String,
    /// The numbers.
    pub reconciliation: Reconciliation,
}
