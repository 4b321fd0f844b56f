//! What an agent's privacy policy says, in words: it is made at the customer's side, told here, and changed
//! nowhere in this portal.
//!
//! Deliberately absent: applying it, which agents do before anything leaves the customer's network.

use report::RowId;
use std::collections::{BTreeMap, BTreeSet};

/// A policy as an agent tells it: field to mode.
pub(crate) type Policy = BTreeMap<String, String>;

/// The fields of a policy: the word, what people call it, and the rows of Appendix A that it is about.
const FIELDS: &[(&str, &str, &[RowId])] = &[
    ("job-name", "Job name", &[RowId::P1, RowId::N1]),
    ("user-name", "User name", &[RowId::P8, RowId::N8]),
    ("account-id", "Account", &[RowId::P7, RowId::N7]),
    ("project-id", "Project", &[RowId::P4, RowId::N4]),
    ("application-id", "Application", &[RowId::P5, RowId::N5]),
    ("user-defined", "User-defined field", &[RowId::P6, RowId::N6]),
    ("submitted-at", "Time of submission", &[RowId::P9]),
    ("timestamps", "Times of jobs", &[]),
];

/// What happens to a field.
#[derive(Debug, Clone)]
pub(crate) struct PolicyRow {
    /// What people call the field.
    pub(crate) field: String,
    /// What happens to it, in words.
    pub(crate) fate: String,
}

/// What happens to a row before it leaves the customer's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It is left out.
    Dropped,
    /// Something stands in its place that is the same for the same value, and tells no name.
    Pseudonym,
    /// It is sent.
    Kept,
}

impl Fate {
    fn of(mode: &str) -> Option<Fate> {
        match mode {
            "drop" => Some(Fate::Dropped),
            "pseudonym" => Some(Fate::Pseudonym),
            "keep" => Some(Fate::Kept),
            _ => None,
        }
    }

    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Fate::Dropped => "dropped before it leaves your network",
            Fate::Pseudonym => "replaced by a pseudonym before it leaves your network",
            Fate::Kept => "kept",
        }
    }
}

/// Every field of a policy with what happens to it, known ones first. A policy nobody told yet has none.
pub(crate) fn rows(policy: &Policy) -> Vec<PolicyRow> {
    let known = FIELDS.iter().filter_map(|(word, _, _)| policy.get_key_value(*word));
    let others = policy.iter().filter(|(word, _)| FIELDS.iter().all(|(known, _, _)| *known != word.as_str()));
    let row = |(word, mode): (&String, &String)| PolicyRow { field: label(word).to_owned(), fate: fate(mode) };
    known.chain(others).map(row).collect()
}

fn label(word: &str) -> &str {
    FIELDS.iter().find(|(known, _, _)| *known == word).map_or(word, |(_, label, _)| *label)
}

fn fate(mode: &str) -> String {
    match mode {
        "drop" => "dropped",
        "pseudonym" => "replaced by a pseudonym",
        "keep" => "kept",
        "minute" => "cut to the minute",
        "second" => "kept to the second",
        other => other,
    }
    .to_owned()
}

/// What happens to a personal row under the policies of all agents together: the least that one of them
/// does; `None` where none of them told.
pub(crate) fn fate_of(row: RowId, policies: &[Policy]) -> Option<Fate> {
    let (word, _, _) = FIELDS.iter().find(|(_, _, rows)| rows.contains(&row))?;
    policies.iter().filter_map(|policy| Fate::of(policy.get(*word)?)).max()
}

/// A sentence that names the fields which the policies of one customer's agents treat differently.
pub(crate) fn differing(policies: &[Policy]) -> Option<String> {
    let told: Vec<&Policy> = policies.iter().filter(|policy| !policy.is_empty()).collect();
    let words: BTreeSet<&String> = told.iter().flat_map(|policy| policy.keys()).collect();
    let differs = |word: &&String| {
        let modes: BTreeSet<Option<&String>> = told.iter().map(|policy| policy.get(*word)).collect();
        modes.len() > 1
    };
    let labels: Vec<&str> = words.into_iter().filter(differs).map(|word| label(word)).collect();
    if labels.is_empty() {
        return None;
    }
    Some(format!(
        "The agents of this customer treat this differently: {}. What one leaves out, another sends; the customer's \
         side can set them alike.",
        labels.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(fields: &[(&str, &str)]) -> Policy {
        fields.iter().map(|(word, mode)| ((*word).to_owned(), (*mode).to_owned())).collect()
    }

    #[test]
    fn every_personal_row_belongs_to_a_field() {
        for row in report::ROWS {
            let fields = FIELDS.iter().filter(|(_, _, rows)| rows.contains(&row.id)).count();
            assert_eq!(fields, usize::from(row.personal), "{}", row.id);
        }
    }

    #[test]
    fn a_field_that_is_not_known_is_shown_as_it_was_told() {
        let shown = rows(&policy(&[("badge", "hash"), ("user-name", "drop"), ("timestamps", "minute")]));
        let shown: Vec<(&str, &str)> = shown.iter().map(|row| (row.field.as_str(), row.fate.as_str())).collect();
        let expected = [("User name", "dropped"), ("Times of jobs", "cut to the minute"), ("badge", "hash")];
        assert_eq!(shown, expected);
    }

    #[test]
    fn of_several_agents_the_one_that_keeps_most_counts() {
        let policies = [policy(&[("job-name", "drop")]), policy(&[("job-name", "pseudonym")]), Policy::new()];
        assert_eq!(fate_of(RowId::P1, &policies), Some(Fate::Pseudonym));
        assert_eq!(fate_of(RowId::P8, &policies), None);
    }

    #[test]
    fn policies_that_differ_are_pointed_out_by_field() {
        let (one, other) = (policy(&[("job-name", "drop"), ("user-name", "drop")]), policy(&[("job-name", "keep")]));
        assert_eq!(differing(&[one.clone(), Policy::new()]), None);
        let words = differing(&[one, other]).expect("they differ");
        assert!(words.contains("Job name, User name"), "{words}");
    }
}
