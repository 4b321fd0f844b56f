//! What a kind of clause takes beside its own fields, and what its choices usually are.
//!
//! Nothing lists that: it is learnt by reading a small sample of the clause with and without the field, so that a
//! new kind of clause needs no line here. Deliberately absent: the values that people typed.

use super::lists;
use billing::form::{Entries, Field, Kind};
use billing::{Clause, ClauseKind, Currency};
use std::collections::BTreeMap;

/// What is said of a yes-or-no field.
const FLAG: [&str; 2] = ["no", "yes"];

/// What is learnt of a kind of clause.
#[derive(Debug, Clone, Default)]
pub(in crate::contracts) struct Traits {
    /// Whether its lines can be called otherwise.
    pub(in crate::contracts) has_title: bool,
    /// Whether it can have a name that carry and references know it by.
    pub(in crate::contracts) has_key: bool,
    /// By the path of a choice (`per`, `rows.category`), what is meant where nothing is said.
    usual: BTreeMap<String, &'static str>,
}

impl Traits {
    /// Learns what a kind of clause is like.
    pub(in crate::contracts) fn of(kind: ClauseKind) -> Traits {
        let sample = sample(kind);
        let Some(currency) = Currency::all().next() else { return Traits::default() };
        let read = |entries: &Entries| billing::form::read(kind, entries, currency).ok();
        let with = |path: &str, text: &str| {
            let mut entries = sample.clone();
            entries.insert(path.to_owned(), text.to_owned());
            read(&entries)
        };
        let mut usual = BTreeMap::new();
        let mut learn = |name: String, path: &str, options: &[&'static str]| {
            if options.is_empty() {
                return;
            }
            let mut without = sample.clone();
            without.remove(path);
            let Some(plain) = read(&without) else { return };
            if let Some(word) = options.iter().find(|&&word| with(path, word).as_ref() == Some(&plain)) {
                usual.insert(name, *word);
            }
        };
        for field in kind.form {
            learn(field.path.to_owned(), field.path, &options(field));
        }
        for (list, columns) in lists(kind) {
            for column in columns {
                learn(format!("{list}.{}", column.path), &format!("{list}.1.{}", column.path), &options(column));
            }
        }
        Traits {
            has_title: with("title", "x").is_some(),
            has_key: with("key", "x").as_ref().and_then(Clause::key) == Some("x"),
            usual,
        }
    }

    /// What is meant where nothing is said at a path (`per`, `rows.category`); `None` where that is something of
    /// its own.
    pub(in crate::contracts) fn usual(&self, path: &str) -> Option<&'static str> {
        self.usual.get(path).copied()
    }
}

/// The words that a field offers; none where it is no choice.
fn options(field: &Field) -> Vec<&'static str> {
    match field.kind {
        Kind::Flag => FLAG.to_vec(),
        Kind::Choice(options) => options.iter().map(|(word, _)| *word).collect(),
        _ => Vec::new(),
    }
}

/// The texts of a clause of a kind that can be read: what must be filled in, and one row of each list.
fn sample(kind: ClauseKind) -> Entries {
    let must = kind.form.iter().filter(|field| field.required && !matches!(field.kind, Kind::Rows(_)));
    let mut sample: Entries = must.map(|field| (field.path.to_owned(), text(field).to_owned())).collect();
    for (list, columns) in lists(kind) {
        for (index, column) in columns.iter().enumerate() {
            if index == 0 || column.required {
                sample.insert(format!("{list}.1.{}", column.path), text(column).to_owned());
            }
        }
    }
    sample
}

/// A text that such a field takes.
fn text(field: &Field) -> &'static str {
    match field.kind {
        Kind::Text | Kind::Printers => "x",
        Kind::Flag => "yes",
        Kind::Count | Kind::Money | Kind::Price | Kind::Percent | Kind::Quantity(_) | Kind::Raw => "1",
        Kind::Day => "2026-01-01",
        Kind::Meter | Kind::Pattern | Kind::Patterns => "pages",
        Kind::Choice(options) => options.first().map_or("", |(word, _)| *word),
        Kind::Rows(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_clause_has_a_sample_that_reads() {
        let currency = Currency::parse("EUR").expect("a currency");
        for kind in Clause::kinds() {
            let read = billing::form::read(kind, &sample(kind), currency);
            assert!(read.is_ok(), "{}: {read:?}", kind.word);
        }
    }

    #[test]
    fn what_is_usual_is_learnt_from_the_clauses() {
        let of = |word: &str| Traits::of(Clause::of_word(word).expect("a kind"));
        assert_eq!(of("base-fee").usual("per"), Some("contract"));
        assert_eq!(of("commitment").usual("reset"), Some("year"));
        assert_eq!(of("base-fee").usual("advance"), Some("no"));
        // A price without a unit is for the meter's own: no choice says the same.
        assert_eq!(of("price-list").usual("prices.unit"), None);
        assert_eq!((of("base-fee").has_title, of("price-list").has_title), (true, false));
        assert_eq!((of("allowance").has_key, of("base-fee").has_key), (true, false));
    }
}
