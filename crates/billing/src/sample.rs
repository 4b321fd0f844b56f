//! A job, an input and a statement for the unit tests of this crate, as plain as they can be.
//!
//! Deliberately absent: terms, which are what a test is about.

use crate::carry::Carry;
use crate::contract::Terms;
use crate::events::{Events, Parties, Tables};
use crate::ledger::{JobFact, Quantity};
use crate::meter::Meter;
use crate::money::{Currency, Money};
use crate::period::Period;
use crate::rating::{Input, PrinterUsage};
use crate::statement::{ContractRef, DocumentKind, Line, Statement};
use report::{Grade, Instant, JobStatus};
use std::collections::{BTreeMap, BTreeSet};

/// The contract that they are of.
pub(crate) fn contract() -> ContractRef {
    ContractRef { id: "c1".to_owned(), number: "2026-001".to_owned(), version: 1 }
}

/// A calendar month of 2026, UTC.
pub(crate) fn month(month: i8) -> Period {
    Period::calendar_month(2026, month, "UTC").expect("a month")
}

/// A printed job that counted so much on one meter, base units.
pub(crate) fn job(key: &str, finished_at: Instant, meter: &str, amount: i64) -> JobFact {
    JobFact {
        key: key.to_owned(),
        finished_at,
        status: Some(JobStatus::Printed),
        grade: Grade::B,
        quantities: vec![Quantity { meter: Meter::parse(meter).expect("a meter"), media: None, amount }],
        kind: None,
        coverage: None,
        marks: BTreeSet::new(),
    }
}

/// What is rated of a period with these printers, and nothing beside.
pub(crate) fn input(terms: Terms, period: Period, printers: Vec<PrinterUsage>) -> Input {
    Input {
        contract: contract(),
        terms,
        period,
        customer: "Bureau Noord".to_owned(),
        printers,
        carry: Carry::default(),
        runs: None,
        sites: BTreeMap::new(),
        events: Events::default(),
        tables: Tables::default(),
        parties: Parties::default(),
        adjustments: Vec::new(),
    }
}

/// The statement of October with these lines, in euros, without taxes.
pub(crate) fn statement(lines: Vec<Line>) -> Statement {
    let net = Money::sum(lines.iter().filter_map(|line| line.amount)).expect("a sum");
    Statement {
        number: None,
        contract: contract(),
        customer: "Bureau Noord".to_owned(),
        period: month(10),
        period_label: "October 2026".to_owned(),
        time_zone: "UTC".to_owned(),
        currency: Currency::parse("EUR").expect("a currency"),
        lines,
        net,
        taxes: Vec::new(),
        total: net,
        reconciliations: Vec::new(),
        notes: Vec::new(),
        kind: DocumentKind::Statement,
        corrects: None,
        payer: None,
        parties: Parties::default(),
        issued_at: None,
        due: None,
    }
}
