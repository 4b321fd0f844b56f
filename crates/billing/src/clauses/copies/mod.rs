//! CL23: what of a copy is billed. A copy is a scan and a print in one job.
//!
//! Deliberately absent: prices; a copy's scan and print are billed as any other.

use super::{Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::ledger::JobFact;
use crate::meter::MeterKind;
use crate::money::Currency;
use crate::rating::PrinterUsage;
use report::JobKind;
use serde::{Deserialize, Serialize};

/// What of a copy is billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bill {
    /// The scan and the print.
    #[default]
    Both,
    /// The print alone.
    Print,
    /// The scan alone.
    Scan,
}

/// Terms of copies. CL23.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copies {
    /// What of a copy is billed.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub bill: Bill,
}

impl ClauseTerms for Copies {
    const FORM: &'static [Field] = &[field(
        "bill",
        "Of a copy are billed",
        Kind::Choice(&[("both", "the scan and the print"), ("print", "the print"), ("scan", "the scan")]),
    )];
    const ABOUT: &'static str = "CL23: what of a copy is billed.";

    fn step(&self) -> Step {
        Step::Filters
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let billed = match self.bill {
            Bill::Both => "Of a copy, the scan and the print are billed.",
            Bill::Print => "Of a copy, the print is billed and the scan is not.",
            Bill::Scan => "Of a copy, the scan is billed and the print is not.",
        };
        vec![billed.to_owned()]
    }

    // Each of the choices can be rated.
    fn validate(&self, _at: &Checked<'_>, _problems: &mut Vec<Problem>) {}
}

impl Copies {
    /// The job as the contract reads it. A job is a job, whatever of it is billed.
    pub(crate) fn filter(&self, job: &mut JobFact, _stay: &PrinterUsage) {
        if job.kind != Some(JobKind::Copy) {
            return;
        }
        job.quantities.retain(|quantity| match (self.bill, quantity.meter.kind()) {
            (Bill::Both, _) | (_, MeterKind::Jobs) => true,
            (Bill::Print, kind) => kind != MeterKind::ScanArea,
            (Bill::Scan, kind) => kind == MeterKind::ScanArea,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let euro = Currency::parse("EUR").expect("a currency");
        let words = Copies { bill: Bill::Print }.in_words(euro);
        assert_eq!(words, ["Of a copy, the print is billed and the scan is not."]);
    }
}
