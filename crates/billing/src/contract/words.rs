//! Terms in plain sentences, as a customer reads them before signing.
//!
//! Deliberately absent: what a clause says of itself, which its folder says.

use super::{Evidence, Rounding, Step, Terms};
use crate::money::Money;
use crate::period::PeriodRule;
use report::JobStatus;

impl Terms {
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

#[cfg(test)]
mod tests {
    use super::super::sample::{allowance, fee, moved, prices, tax, terms};
    use super::*;
    use crate::money::Currency;

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
