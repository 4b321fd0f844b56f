//! How what arrives after a period was billed is settled: on the next statement, or by a note of its own.
//!
//! The acting code is `correction`, and the portal decides when to look. Deliberately absent: netting. The
//! first statement stays as it is, and each difference names the line it is of.

use super::{Checked, ClauseTerms};
use crate::contract::{Problem, Step, Terms};
use crate::form::{Field, Kind, field};
use crate::money::Currency;
use serde::{Deserialize, Serialize};

/// More periods than this are no look back, but an audit. Each is rated anew.
const LOOK_BACK_MAX: u32 = 24;

/// Periods that are looked back where a contract says nothing.
const LOOK_BACK: u32 = 3;

/// Where what arrives late is settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Late {
    /// By lines on the next statement.
    #[default]
    NextStatement,
    /// By a credit or debit note.
    Note,
}

/// Terms of corrections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Corrections {
    /// Where it is settled.
    pub late: Late,
    /// How many periods before the one being billed are looked at; 0: none, unless a person asks.
    pub look_back: u32,
}

impl Default for Corrections {
    fn default() -> Corrections {
        Corrections { late: Late::default(), look_back: LOOK_BACK }
    }
}

impl Corrections {
    /// The rule of these terms; where they say nothing, the next statement and three periods.
    pub fn of(terms: &Terms) -> Corrections {
        terms.rule::<Corrections>().copied().unwrap_or_default()
    }
}

/// The form's words for [`Late`].
const LATE: &[(&str, &str)] = &[("next-statement", "on the next statement"), ("note", "by a credit or debit note")];

impl ClauseTerms for Corrections {
    const FORM: &'static [Field] = &[
        field("late", "What arrives late is settled", Kind::Choice(LATE)),
        field("look_back", "Periods looked back", Kind::Count).hint("empty: 3"),
    ];
    const ABOUT: &'static str = "Corrections: how what arrives after a period was billed is settled.";

    fn step(&self) -> Step {
        Step::Readings
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let how = match self.late {
            Late::NextStatement => "on the next statement, line by line",
            Late::Note => "by a credit or debit note that names each line",
        };
        let back = match self.look_back {
            0 => "It is looked for only where a person asks.".to_owned(),
            1 => "It is looked for in the period before.".to_owned(),
            count => format!("It is looked for in the {count} periods before."),
        };
        vec![format!("What arrives after a period was billed is settled {how}. {back}")]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.look_back > LOOK_BACK_MAX {
            let message = format!("at most {LOOK_BACK_MAX} periods are looked back; older ones a person corrects");
            problems.push(Problem::at(at.at("look_back"), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::Clause;

    #[test]
    fn what_is_not_said_is_the_next_statement_and_three_periods() {
        let read: Corrections = serde_json::from_str("{}").expect("corrections from JSON");
        assert_eq!(read, Corrections { late: Late::NextStatement, look_back: 3 });
        let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), "UTC");
        assert_eq!(Corrections::of(&terms), read);
        let other = Corrections { late: Late::Note, look_back: 0 };
        terms.clauses.push(Clause::Corrections(other));
        assert_eq!(Corrections::of(&terms), other);
        let stored = serde_json::to_string(&other).expect("corrections as JSON");
        assert_eq!(stored, r#"{"late":"note","look_back":0}"#);
    }

    #[test]
    fn terms_are_said_in_words() {
        let euro = Currency::parse("EUR").expect("a currency");
        let cases = [
            (
                Corrections::default(),
                "What arrives after a period was billed is settled on the next statement, line by line. It is looked \
                 for in the 3 periods before.",
            ),
            (
                Corrections { late: Late::Note, look_back: 1 },
                "What arrives after a period was billed is settled by a credit or debit note that names each line. \
                 It is looked for in the period before.",
            ),
        ];
        for (corrections, expected) in cases {
            assert_eq!(corrections.in_words(euro), [expected]);
        }
    }
}
