//! A statement: what a customer is charged for a period, line by line, each with its arithmetic and
//! the facts it rests on.
//!
//! A statement is stored and never edited; a correction is a new one, a credit or a debit note.
//! Deliberately absent: working out what is charged (see `rating`) and laying it out (see the pages).
//! Only the cut into one document for each payer is made here, since it is the same for all of them.

use crate::clauses::tax::percent;
use crate::contract::Step;
use crate::events::{Parties, Party};
use crate::ledger::reconcile::Reconciliation;
use crate::ledger::segments::ReadingPoint;
use crate::ledger::{Mark, Method, SumKind};
use crate::meter::{Meter, MeterKind, Pattern, PricingUnit};
use crate::money::{Currency, Money, UnitPrice};
use crate::period::{Day, Period};
use crate::rating::RatingError;
use report::{Grade, Instant, Share};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// What it is: a statement, or a note on one.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub kind: DocumentKind,
    /// What a note corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Reference>,
    /// Who pays it, where that is not the customer. CL29.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// Who sells and who buys.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub parties: Parties,
    /// When it was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<Instant>,
    /// The day by which it is to be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Day>,
}

/// What a document is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// What a period costs.
    #[default]
    Statement,
    /// What is given back of it.
    Credit,
    /// What is charged on top of it.
    Debit,
}

impl DocumentKind {
    /// The word in SQL, addresses and exports; the same as in storage.
    pub fn word(self) -> &'static str {
        match self {
            DocumentKind::Statement => "statement",
            DocumentKind::Credit => "credit",
            DocumentKind::Debit => "debit",
        }
    }

    /// The words a page shows.
    pub fn label(self) -> &'static str {
        match self {
            DocumentKind::Statement => "Statement",
            DocumentKind::Credit => "Credit note",
            DocumentKind::Debit => "Debit note",
        }
    }

    /// The kind of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<DocumentKind> {
        [DocumentKind::Statement, DocumentKind::Credit, DocumentKind::Debit]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// What a note or an adjustment refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The number of the document.
    pub number: String,
    /// Its id in the portal.
    pub statement: String,
    /// The period it is for.
    pub period: Period,
    /// The id of the line that is corrected, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// What the next statement charges or gives back for a period before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// The document that it settles.
    pub refers: Reference,
    /// Line by line.
    pub lines: Vec<AdjustmentLine>,
}

/// What is charged or given back for one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentLine {
    /// The id of that line.
    pub line: String,
    /// What it is called here.
    pub title: String,
    /// Why, in words.
    pub detail: String,
    /// The difference, minor units.
    pub amount: Money,
    /// The arithmetic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
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
    /// The key of the clause that charges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// The step of rating that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Which printer bears how much; the shares add up to what was used and to the amount. Empty where
    /// the whole contract bears it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<LineShare>,
    /// What a reader must know of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub marks: BTreeSet<Mark>,
    /// How much of what was used is estimated, base units. CL14.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub estimated: i64,
    /// Who pays it, where that is not the customer. CL29.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// Which taxes are on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taxed: Vec<Taxed>,
    /// What it corrects, on a note and for an adjustment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refers: Option<Reference>,
}

impl Line {
    /// Whether it shows usage that no price takes. What a longer cycle bills later has no amount yet either, but a
    /// clause that will charge it.
    pub fn is_unpriced(&self) -> bool {
        self.amount.is_none() && self.clause.is_none() && self.used.is_some()
    }
}

/// What one printer at one site bears of a line. CL18.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineShare {
    /// The printer's id.
    pub printer: String,
    /// The id of the site where it stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// What it used, base units.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub quantity: i64,
    /// Its part of the amount, minor units.
    pub amount: Money,
}

/// A part of a line's amount that a tax is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxed {
    /// The tax, by its place in the statement's taxes.
    pub row: usize,
    /// The part of the amount, minor units.
    pub base: Money,
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
        /// What they used together, base units; rounded where the contract rounds it (CL30).
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
    /// Jobs of which only a sum is known.
    Sum {
        /// Why there is only a sum.
        kind: SumKind,
        /// How many jobs.
        jobs: u64,
        /// What they used together, base units.
        quantity: i64,
    },
    /// An estimate, since readings are missing. CL14.
    Estimate {
        /// The time that it is for.
        span: Period,
        /// How it was made.
        method: Method,
        /// How much, base units.
        quantity: i64,
    },
}

impl LineEvidence {
    /// How much it proves, base units.
    pub fn quantity(&self) -> i64 {
        match self {
            LineEvidence::Jobs { quantity, .. }
            | LineEvidence::Counter { quantity, .. }
            | LineEvidence::Sum { quantity, .. }
            | LineEvidence::Estimate { quantity, .. } => *quantity,
        }
    }
}

/// A tax on the sum of the lines. CL27.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What kind of tax it is, for an electronic invoice.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub category: TaxCategory,
    /// Why there is none, or why the buyer owes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The area whose rule it is; empty where there is one rule for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub area: String,
}

/// The kind of a tax, as EN 16931 names them (UNCL 5305). CL27.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaxCategory {
    /// A rate above zero.
    #[default]
    Standard,
    /// A rate of zero.
    Zero,
    /// Exempt.
    Exempt,
    /// The buyer owes it.
    ReverseCharge,
    /// Supplied to another member state of the European Union.
    IntraCommunity,
    /// Supplied out of the European Union.
    Export,
    /// Not in the scope of the tax.
    OutOfScope,
}

impl TaxCategory {
    /// The code in an electronic invoice.
    pub fn code(self) -> &'static str {
        match self {
            TaxCategory::Standard => "S",
            TaxCategory::Zero => "Z",
            TaxCategory::Exempt => "E",
            TaxCategory::ReverseCharge => "AE",
            TaxCategory::IntraCommunity => "K",
            TaxCategory::Export => "G",
            TaxCategory::OutOfScope => "O",
        }
    }

    /// The words a statement shows.
    pub fn words(self) -> &'static str {
        match self {
            TaxCategory::Standard => "standard rate",
            TaxCategory::Zero => "zero rate",
            TaxCategory::Exempt => "exempt",
            TaxCategory::ReverseCharge => "reverse charge",
            TaxCategory::IntraCommunity => "intra-community supply",
            TaxCategory::Export => "export",
            TaxCategory::OutOfScope => "out of scope",
        }
    }
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
    /// The kind of meter that they are of.
    #[serde(default = "media_used", skip_serializing_if = "is_media_used")]
    pub meter: MeterKind,
}

fn media_used() -> MeterKind {
    MeterKind::AreaMedia
}

fn is_media_used(kind: &MeterKind) -> bool {
    *kind == MeterKind::AreaMedia
}

impl Statement {
    /// One document for each payer that lines name, the customer first: its lines, the taxes on them worked
    /// out anew, its totals. Where no line names a payer, the statement itself. CL29.
    ///
    /// Notes and reconciliations are the first document's. Each tax is rounded on each document, so that
    /// the totals can differ from the whole by a minor unit for each tax and document.
    pub fn split(&self) -> Result<Vec<Statement>, RatingError> {
        let payers: BTreeSet<&Option<String>> = self.lines.iter().map(|line| &line.payer).collect();
        if payers.iter().all(|payer| payer.is_none()) {
            return Ok(vec![self.clone()]);
        }
        // `None`, the customer, sorts first.
        let documents = payers.into_iter().enumerate();
        documents.map(|(index, payer)| self.part_of(payer.as_ref(), index == 0)).collect()
    }

    /// The document of one payer; `None` is the customer.
    fn part_of(&self, payer: Option<&String>, first: bool) -> Result<Statement, RatingError> {
        let mut lines: Vec<Line> = self.lines.iter().filter(|line| line.payer.as_ref() == payer).cloned().collect();
        let mut taxes: Vec<TaxRow> = Vec::new();
        for (place, row) in self.taxes.iter().enumerate() {
            let on_it = lines.iter_mut().flat_map(|line| &mut line.taxed).filter(|taxed| taxed.row == place);
            let mut bases = Vec::new();
            for taxed in on_it {
                bases.push(taxed.base);
                taxed.row = taxes.len();
            }
            if !bases.is_empty() {
                let base = Money::sum(bases).map_err(RatingError::at(&row.name))?;
                let amount = base.share(row.rate).map_err(RatingError::at(&row.name))?;
                taxes.push(TaxRow { base, amount, ..row.clone() });
            }
        }
        let net = Money::sum(lines.iter().filter_map(|line| line.amount)).map_err(RatingError::at("net"))?;
        let tax = Money::sum(taxes.iter().map(|row| row.amount)).map_err(RatingError::at("taxes"))?;
        let mut parties = self.parties.clone();
        if let Some(payer) = payer {
            let known = parties.payers.remove(payer);
            parties.buyer = Some(known.unwrap_or_else(|| Party { name: payer.clone(), ..Party::default() }));
            parties.payers.clear();
        }
        let total = net.plus(tax).map_err(RatingError::at("total"))?;
        let (reconciliations, notes) =
            if first { (self.reconciliations.clone(), self.notes.clone()) } else { (Vec::new(), Vec::new()) };
        let payer = payer.cloned();
        Ok(Statement { lines, net, taxes, total, parties, reconciliations, notes, payer, ..self.head() })
    }

    /// The statement without what it says.
    fn head(&self) -> Statement {
        Statement {
            number: self.number.clone(),
            contract: self.contract.clone(),
            customer: self.customer.clone(),
            period: self.period,
            period_label: self.period_label.clone(),
            time_zone: self.time_zone.clone(),
            currency: self.currency,
            lines: Vec::new(),
            net: Money::ZERO,
            taxes: Vec::new(),
            total: Money::ZERO,
            reconciliations: Vec::new(),
            notes: Vec::new(),
            kind: self.kind,
            corrects: self.corrects.clone(),
            payer: None,
            parties: Parties::default(),
            issued_at: self.issued_at,
            due: self.due,
        }
    }

    /// Whether quantities, amounts, taxes and totals are the same. What proves them, and the notes, may
    /// differ: usage cells give the same sums as the jobs they stand for.
    pub fn same_sums(&self, other: &Statement) -> bool {
        let sums = |line: &Line| {
            let quantities = (line.used, line.included, line.quantity, line.unit, line.unit_price);
            (line.id.clone(), quantities, line.amount, line.shares.clone(), line.payer.clone(), line.taxed.clone())
        };
        self.currency == other.currency
            && (self.net, self.total, &self.taxes) == (other.net, other.total, &other.taxes)
            && self.lines.iter().map(sums).eq(other.lines.iter().map(sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, amount: i64, payer: Option<&str>, row: Option<usize>) -> Line {
        let amount = Money(amount);
        Line {
            id: id.to_owned(),
            title: id.to_owned(),
            amount: Some(amount),
            payer: payer.map(str::to_owned),
            taxed: row.map(|row| Taxed { row, base: amount }).into_iter().collect(),
            ..Line::default()
        }
    }

    fn row(name: &str, rate: i64, base: i64) -> TaxRow {
        let (rate, base) = (Share(rate), Money(base));
        let amount = base.share(rate).expect("a tax");
        TaxRow { name: name.to_owned(), rate, base, amount, ..TaxRow::default() }
    }

    fn statement(lines: Vec<Line>, taxes: Vec<TaxRow>) -> Statement {
        let tax = Money::sum(taxes.iter().map(|row| row.amount)).expect("a sum");
        let plain = crate::sample::statement(lines);
        let total = plain.net.plus(tax).expect("a sum");
        Statement { taxes, total, notes: vec!["A note.".to_owned()], ..plain }
    }

    #[test]
    fn a_statement_of_one_payer_is_one_document() {
        let whole = statement(vec![line("1", 18_000, None, Some(0))], vec![row("VAT", 210_000, 18_000)]);
        assert_eq!(whole.split(), Ok(vec![whole]));
    }

    #[test]
    fn each_payer_gets_its_lines_its_taxes_and_the_customer_the_notes() {
        let lines = vec![
            line("1 → Bank", 3_000, Some("Bank"), Some(1)),
            line("1", 2_000, None, Some(0)),
            line("2", 500, None, Some(1)),
            line("2 → Bank", 1, Some("Bank"), Some(1)),
        ];
        let taxes = vec![row("VAT", 210_000, 2_000), row("Reduced", 90_000, 3_501)];
        let mut whole = statement(lines, taxes);
        whole.parties.payers.insert("Bank".to_owned(), Party { name: "Bank NV".to_owned(), ..Party::default() });
        let documents = whole.split().expect("two documents");
        let [customer, bank] = documents.as_slice() else { panic!("{} documents", documents.len()) };
        let of = |document: &Statement| {
            let taxes: Vec<_> = document.taxes.iter().map(|row| (row.base.0, row.amount.0)).collect();
            let rows: Vec<_> = document.lines.iter().flat_map(|line| &line.taxed).map(|taxed| taxed.row).collect();
            (document.payer.clone(), document.net.0, taxes, document.total.0, rows, document.notes.len())
        };
        assert_eq!(of(customer), (None, 2_500, vec![(2_000, 420), (500, 45)], 2_965, vec![0, 1], 1));
        assert_eq!(of(bank), (Some("Bank".to_owned()), 3_001, vec![(3_001, 270)], 3_271, vec![0, 0], 0));
        assert_eq!(bank.parties.buyer.as_ref().map(|party| party.name.as_str()), Some("Bank NV"));
        assert_eq!(customer.net.0 + bank.net.0, whole.net.0);
    }

    #[test]
    fn where_the_customer_pays_nothing_the_first_payer_is_told() {
        let whole = statement(vec![line("1", 5, Some("Bank"), None)], Vec::new());
        let documents = whole.split().expect("a document");
        assert_eq!(documents.len(), 1);
        assert_eq!((documents[0].payer.as_deref(), documents[0].notes.len()), (Some("Bank"), 1));
        assert_eq!(documents[0].parties.buyer.as_ref().map(|party| party.name.as_str()), Some("Bank"));
    }

    #[test]
    fn sums_are_compared_without_what_proves_them() {
        let whole = statement(vec![line("1", 5, None, None)], Vec::new());
        let mut other = whole.clone();
        other.notes.clear();
        other.lines[0].grades.insert(Grade::C, 7);
        assert!(whole.same_sums(&other));
        other.lines[0].used = Some(1);
        assert!(!whole.same_sums(&other));
    }

    #[test]
    fn what_is_as_usual_is_not_stored() {
        let stored = serde_json::to_string(&statement(vec![line("1", 5, None, None)], vec![row("VAT", 0, 5)]));
        let stored = stored.expect("a statement as JSON");
        for field in ["kind", "corrects", "payer", "parties", "issued_at", "due", "shares", "marks", "estimated"] {
            assert!(!stored.contains(&format!("\"{field}\"")), "{field}: {stored}");
        }
        for field in ["category", "reason", "area", "clause", "step", "refers", "taxed"] {
            assert!(!stored.contains(&format!("\"{field}\"")), "{field}: {stored}");
        }
    }
}
