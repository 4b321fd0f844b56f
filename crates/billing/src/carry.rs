//! What one period leaves to the next: allowances not used, balances, amounts counted in a longer span.
//!
//! A clause leaves lots under its key, the pool and a word; the next period's rating is given them. A pool of one
//! place is known by the place, so that neither another name nor another printer in it loses what was left.
//! Deliberately absent: what a lot means, which is the clause's business, and where carry is stored.

use crate::clauses::Clause;
use crate::contract::Terms;
use crate::money::Money;
use crate::period::Reset;
use report::Instant;
use serde::{Deserialize, Serialize};

/// What the periods before left. Sorted by (clause, pool, what); entries without lots do not stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carry {
    /// The entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<CarryEntry>,
}

/// What one clause left, for one pool, under one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarryEntry {
    /// The key of the clause.
    pub clause: String,
    /// What the pool is known by: its label, or the place of a pool of one place; empty for the pool without a name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pool: String,
    /// What it is: `used` (base units and amounts charged since the span's start), `rolled` (unused),
    /// `balance` (prepaid), `delivered` (supplies) or `counted` (towards a minimum or a commitment).
    pub what: String,
    /// The lots, oldest first.
    pub lots: Vec<Lot>,
}

/// A quantity and an amount, since when they count and until when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lot {
    /// The start of the span it belongs to. A lot from before the span that is rated was renewed since.
    pub from: Instant,
    /// When it lapses; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// A quantity, in base units.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub quantity: i64,
    /// An amount, minor units.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub amount: Money,
}

impl Carry {
    /// The lots under a clause's key, a pool and a word; none where nothing was left.
    pub fn get(&self, clause: &str, pool: &str, what: &str) -> &[Lot] {
        let found = self.entries.iter().find(|entry| entry.is(clause, pool, what));
        found.map_or(&[], |entry| entry.lots.as_slice())
    }

    /// Puts lots under a clause's key, a pool and a word, in place of those that stand there.
    pub fn set(&mut self, clause: &str, pool: &str, what: &str, lots: Vec<Lot>) {
        self.entries.retain(|entry| !entry.is(clause, pool, what));
        if lots.is_empty() {
            return;
        }
        let entry = CarryEntry { clause: clause.to_owned(), pool: pool.to_owned(), what: what.to_owned(), lots };
        let place = self.entries.partition_point(|other| other.name() < entry.name());
        self.entries.insert(place, entry);
    }

    /// Whether nothing is carried.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first name that stands twice, which would make it unclear what is carried.
    pub(crate) fn doubled(&self) -> Option<String> {
        let mut names: Vec<_> = self.entries.iter().map(CarryEntry::name).collect();
        names.sort_unstable();
        names.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some(format!("{} of {} stands twice", a.2, a.0)),
            _ => None,
        })
    }
}

impl CarryEntry {
    fn name(&self) -> (&str, &str, &str) {
        (&self.clause, &self.pool, &self.what)
    }

    fn is(&self, clause: &str, pool: &str, what: &str) -> bool {
        self.name() == (clause, pool, what)
    }
}

/// Whether these terms can leave something from one period to the next: what is counted over longer spans, what
/// rolls over, what is paid in advance.
pub fn carries_on(terms: &Terms) -> bool {
    let is_longer = |reset: Reset| reset != Reset::Period;
    terms.clauses.iter().any(|clause| match clause {
        Clause::Allowance(of) => of.rolls > 0 || is_longer(of.reset),
        Clause::Overage(of) => is_longer(of.cycle),
        Clause::Tiers(of) => is_longer(of.reset),
        Clause::MinimumVolume(of) => is_longer(of.reset),
        Clause::Minimum(of) => is_longer(of.reset),
        Clause::Commitment(of) => is_longer(of.reset),
        Clause::Consumables(of) => is_longer(of.reset),
        Clause::Prepaid(_) => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lot(quantity: i64) -> Lot {
        Lot { quantity, ..Lot::default() }
    }

    #[test]
    fn entries_are_sorted_whatever_order_they_come_in() {
        let names = [("b", "", "used"), ("a", "Hall", "used"), ("a", "", "used"), ("a", "", "rolled")];
        let (mut there, mut back) = (Carry::default(), Carry::default());
        for (clause, pool, what) in names {
            there.set(clause, pool, what, vec![lot(1)]);
        }
        for (clause, pool, what) in names.iter().rev() {
            back.set(clause, pool, what, vec![lot(1)]);
        }
        assert_eq!(there, back);
        let found: Vec<_> = there.entries.iter().map(CarryEntry::name).collect();
        assert_eq!(found, [("a", "", "rolled"), ("a", "", "used"), ("a", "Hall", "used"), ("b", "", "used")]);
    }

    #[test]
    fn an_entry_is_replaced_and_an_empty_one_does_not_stand() {
        let mut carry = Carry::default();
        carry.set("a", "", "used", vec![lot(1)]);
        carry.set("a", "", "used", vec![lot(2), lot(3)]);
        assert_eq!(carry.get("a", "", "used"), [lot(2), lot(3)]);
        carry.set("a", "", "used", Vec::new());
        assert!(carry.is_empty() && carry.get("a", "", "used").is_empty());
    }

    #[test]
    fn carry_survives_storage_and_a_doubled_name_is_found() {
        let mut carry = Carry::default();
        carry.set("allowance.1", "", "rolled", vec![Lot { until: Some(Instant(9)), ..lot(50) }]);
        let stored = serde_json::to_string(&carry).expect("carry as JSON");
        let entry = r#"{"clause":"allowance.1","what":"rolled","lots":[{"from":0,"until":9,"quantity":50}]}"#;
        assert_eq!(stored, format!(r#"{{"entries":[{entry}]}}"#));
        let mut read: Carry = serde_json::from_str(&stored).expect("carry from JSON");
        assert_eq!((&read, read.doubled()), (&carry, None));
        read.entries.extend(carry.entries);
        assert_eq!(read.doubled().as_deref(), Some("rolled of allowance.1 stands twice"));
    }

    #[test]
    fn terms_leave_something_where_they_count_over_longer_spans() {
        let of = |clause: &str| {
            let text = format!(r#"{{"currency":"EUR","time_zone":"UTC","clauses":[{clause}]}}"#);
            carries_on(&serde_json::from_str::<Terms>(&text).expect("terms"))
        };
        let allowance = |more: &str| format!(r#"{{"allowance":{{"covers":[],"included":1{more}}}}}"#);
        assert!(!of(r#"{"base-fee":{"amount":18000}}"#) && !of(&allowance("")));
        assert!(of(&allowance(r#","reset":"quarter""#)) && of(&allowance(r#","rolls":2"#)));
        assert!(of(r#"{"commitment":{"covers":[],"amount":100000}}"#), "a commitment counts over a year");
    }
}
