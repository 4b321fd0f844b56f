//! Printers that terms name and that never were in the contract: a slip that would never be charged.
//!
//! Deliberately absent: whether a printer is in the contract just now; one that left keeps its place until another
//! takes it.

use super::{Around, Lint};
use crate::clauses::Clause;
use crate::clauses::base_fee::Per;
use crate::contract::Terms;
use std::collections::BTreeSet;

/// Says which printers terms name that never were in the contract. Of a contract without printers nothing is known.
pub(super) fn printers(terms: &Terms, around: &Around<'_>, found: &mut Vec<Lint>) {
    let known: BTreeSet<&str> = around.printers.iter().map(|printer| printer.id.as_str()).collect();
    if known.is_empty() {
        return;
    }
    for (index, clause) in terms.clauses.iter().enumerate() {
        let (names, so) = match clause {
            Clause::BaseFee(fee) if fee.per == Per::Printer => (&fee.printers, "the fee is not charged for it"),
            Clause::Pool(pool) => (&pool.printers, "nothing of it counts in this pool"),
            _ => continue,
        };
        for name in names.iter().filter(|name| !known.contains(name.as_str())) {
            let text = format!("Printer {name} is not in the contract: {so}.");
            found.push(Lint::wrong(format!("clauses.{index}.printers"), text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BaseFee;
    use crate::clauses::pool::Pool;
    use crate::lint::{Level, PrinterBrief, lint};
    use crate::money::{Currency, Money};

    /// The remarks on printers that a fee and a pool name, where the contract has these.
    fn said(named: &str, per: Per, in_contract: &[&str]) -> Vec<(String, Level, String)> {
        let printers = vec!["7".to_owned(), named.to_owned()];
        let fee = BaseFee { amount: Money(100), per, printers: printers.clone(), ..BaseFee::default() };
        let clauses = vec![Clause::BaseFee(fee), Clause::Pool(Pool { printers, ..Pool::default() })];
        let terms = Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") };
        let brief = |id: &&str| PrinterBrief {
            id: (*id).to_owned(),
            label: (*id).to_owned(),
            meters: Vec::new(),
            media: Vec::new(),
        };
        let briefs: Vec<PrinterBrief> = in_contract.iter().map(brief).collect();
        let found = lint(&terms, &Around { printers: &briefs, ..Around::default() });
        let of_printers = found.into_iter().filter(|lint| lint.text.starts_with("Printer "));
        of_printers.map(|lint| (lint.field, lint.level, lint.text)).collect()
    }

    #[test]
    fn a_printer_that_is_not_in_the_contract_is_named() {
        let fee = "Printer CN41 is not in the contract: the fee is not charged for it.";
        let pool = "Printer CN41 is not in the contract: nothing of it counts in this pool.";
        let row = |field: &str, text: &str| (field.to_owned(), Level::Wrong, text.to_owned());
        let both = [row("clauses.0.printers", fee), row("clauses.1.printers", pool)];
        assert_eq!(said("CN41", Per::Printer, &["7", "8"]), both);
        // A fee for the contract is charged whatever stands there.
        assert_eq!(said("CN41", Per::Contract, &["7", "8"]), both[1..]);
        assert!(said("8", Per::Printer, &["7", "8"]).is_empty());
        assert!(said("CN41", Per::Printer, &[]).is_empty(), "nothing is known");
    }
}
