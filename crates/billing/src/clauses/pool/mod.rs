//! CL18: printers that share allowances, tiers and minimums; how a result is shared between them again.
//!
//! A pool holds places, so that a replaced printer's successor stays in it. The first clause that names a
//! place has it; places that no clause names share one pool without a name. What a pool leaves to the next
//! period is kept under its label, and for a pool of one place under the place: another name for its printer,
//! or another printer in it, changes nothing. Deliberately absent: prices and allowances, which work on each
//! pool, and the sharing of amounts, which the draft does.

use super::base_fee::label_of;
use super::draft::{Draft, Place, PoolUsage};
use super::{At, Checked, Clause, ClauseTerms};
use crate::contract::{Problem, Step, Terms};
use crate::form::{Field, Kind, field};
use crate::money::Currency;
use crate::rating::RatingError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which places a pool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Members {
    /// All that no earlier pool holds, in one pool.
    #[default]
    All,
    /// Those that are named, or all that no earlier pool holds, each in a pool of its own.
    Each,
    /// Those that are named, in one pool.
    Named,
}

/// How a pool's result is shared between its places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allocation {
    /// By what each used.
    #[default]
    Usage,
    /// By what each used beyond its equal part of what is included.
    Excess,
    /// Equally, whatever each used.
    Equal,
}

/// Terms of a pool. CL18.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Which places it holds.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub members: Members,
    /// The places it names, or printers that fill them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub printers: Vec<String>,
    /// How its result is shared.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub allocation: Allocation,
    /// What it is called on lines. Pools of single places are called as their printers are.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

impl ClauseTerms for Pool {
    const FORM: &'static [Field] = &[
        field("label", "Label", Kind::Text).hint("stands behind the title of its lines"),
        field(
            "members",
            "Printers",
            Kind::Choice(&[
                ("all", "all others together"),
                ("each", "each for itself: those named here, or all others"),
                ("named", "those named here together"),
            ]),
        ),
        field("printers", "Named", Kind::Printers).hint("one a line"),
        field(
            "allocation",
            "Shared",
            Kind::Choice(&[("usage", "by what each used"), ("excess", "by excess"), ("equal", "equally")]),
        ),
    ];
    const ABOUT: &'static str = "CL18: printers that share allowances, tiers and minimums.";

    fn step(&self) -> Step {
        Step::Pool
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let shared = match self.allocation {
            Allocation::Usage => "by what each used",
            Allocation::Excess => "by what each used beyond its part of what is included",
            Allocation::Equal => "equally",
        };
        let label = &self.label;
        vec![match self.members {
            Members::All => format!("All other printers count together as {label}; amounts are shared {shared}."),
            Members::Each if self.printers.is_empty() => "Each other printer counts for itself.".to_owned(),
            Members::Each => format!("Each for itself: {}.", self.printers.join(", ")),
            Members::Named => {
                format!("Together as {label}: {}; amounts are shared {shared}.", self.printers.join(", "))
            }
        }]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.members != Members::Each && self.label.trim().is_empty() {
            problems.push(Problem::at(at.at("label"), "give the pool a label, so that its lines can be told apart"));
        }
        match (self.members, self.printers.is_empty()) {
            (Members::Named, true) => problems.push(Problem::at(at.at("printers"), "name the printers of the pool")),
            (Members::All, false) => {
                problems.push(Problem::at(at.at("printers"), "a pool of all others names no printers"));
            }
            _ => {}
        }
        let labelled = |pool: &Pool| pool.members != Members::Each && pool.label == self.label;
        if self.members != Members::Each && above(at).any(labelled) {
            problems.push(Problem::at(at.at("label"), "another pool has this label"));
        }
        if above(at).any(Pool::takes_all) {
            problems.push(Problem::at(at.field.clone(), "no printer is left for this pool: one above takes all"));
        }
        let taken = |name: &&String| above(at).any(|pool| pool.printers.contains(*name));
        if let Some(name) = self.printers.iter().find(taken) {
            problems.push(Problem::at(at.at("printers"), format!("{name} stands in a pool above")));
        }
    }

    fn apply(&self, _at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        // The pool without a name holds what no pool has taken.
        let Some(rest) = draft.pools.iter().position(|pool| pool.key.is_empty()) else { return Ok(()) };
        let mut free = draft.places_of(rest);
        if !self.takes_all() {
            let wanted: BTreeSet<String> = draft.places(&self.printers).into_iter().map(|place| place.id).collect();
            free.retain(|place| wanted.contains(&place.id));
        }
        match self.members {
            Members::All => {
                if let Some(pool) = draft.pools.get_mut(rest) {
                    pool.key.clone_from(&self.label);
                    pool.label.clone_from(&self.label);
                    pool.allocation = self.allocation;
                }
            }
            Members::Each => {
                for (index, place) in free.iter().enumerate() {
                    let name = Name { key: place.id.clone(), label: label_of(place, draft) };
                    // Each new pool stands before the rest, so that pools are in the order of their places.
                    split_off(std::slice::from_ref(place), name, self.allocation, rest + index, draft);
                }
            }
            Members::Named => {
                let name = Name { key: self.label.clone(), label: self.label.clone() };
                split_off(&free, name, self.allocation, rest, draft);
            }
        }
        Ok(())
    }
}

impl Pool {
    /// Whether no printer is left for a pool after it.
    fn takes_all(&self) -> bool {
        match self.members {
            Members::All => true,
            Members::Each => self.printers.is_empty(),
            Members::Named => false,
        }
    }
}

/// The pool clauses that stand above the one being checked.
fn above<'a>(at: &Checked<'a>) -> impl Iterator<Item = &'a Pool> {
    let terms = at.terms;
    let field = at.field.clone();
    let clauses = terms.clauses.iter().enumerate();
    clauses.take_while(move |(index, _)| format!("clauses.{index}") != field).filter_map(|(_, clause)| pool_of(clause))
}

fn pool_of(clause: &Clause) -> Option<&Pool> {
    match clause {
        Clause::Pool(pool) => Some(pool),
        _ => None,
    }
}

/// What a new pool is known by, and what people call it.
struct Name {
    key: String,
    label: String,
}

/// Moves places with their usage out of the pool at `rest` into a new one that stands before it.
fn split_off(places: &[Place], name: Name, allocation: Allocation, rest: usize, draft: &mut Draft<'_>) {
    let Name { key, label } = name;
    let moving: BTreeSet<usize> = places.iter().flat_map(|place| place.stays.iter().copied()).collect();
    let Some(from) = draft.pools.get_mut(rest) else { return };
    let (stays, others) = std::mem::take(&mut from.stays).into_iter().partition(|stay| moving.contains(stay));
    from.stays = others;
    let (used, others) = std::mem::take(&mut from.used).into_iter().partition(|bucket| moving.contains(&bucket.stay));
    from.used = others;
    let (open, others) = std::mem::take(&mut from.open).into_iter().partition(|bucket| moving.contains(&bucket.stay));
    from.open = others;
    draft.pools.insert(rest, PoolUsage { key, label, allocation, stays, used, open, allowances: Vec::new() });
}

/// Whether a contract can have more than one pool at a time.
pub(crate) fn several(terms: &Terms) -> bool {
    let first = terms.clauses.iter().find_map(pool_of);
    first.is_some_and(|pool| pool.members != Members::All)
}

/// Whether a pool of that label can be there. Pools of single places are called as their printers are,
/// which the terms do not know.
pub(crate) fn is_known(terms: &Terms, label: &str) -> bool {
    let mut pools = terms.clauses.iter().filter_map(pool_of);
    pools.any(|pool| pool.members == Members::Each || pool.label == label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let named = Pool {
            members: Members::Named,
            printers: vec!["A".to_owned(), "B".to_owned()],
            allocation: Allocation::Excess,
            label: "Hall 2".to_owned(),
        };
        let cases = [
            (
                named,
                "Together as Hall 2: A, B; amounts are shared by what each used beyond its part of what is included.",
            ),
            (Pool { members: Members::Each, ..Pool::default() }, "Each other printer counts for itself."),
            (
                Pool { label: "Fleet".to_owned(), ..Pool::default() },
                "All other printers count together as Fleet; amounts are shared by what each used.",
            ),
        ];
        for (pool, expected) in cases {
            assert_eq!(pool.in_words(Currency::parse("EUR").expect("a currency")), [expected]);
        }
    }
}
