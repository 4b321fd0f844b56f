//! Clauses: what a contract says, one folder each, taken step by step in the contract's order.
//!
//! A clause is its terms, its words, its form, its check and its step on the draft. A new one is a
//! folder with cases and a line in the list below; storage, forms and pages follow from that line. A
//! clause that only says how facts are read (its step is `readings`, `usage` or `filters`) does nothing
//! on the draft: the code that acts asks [`crate::Terms`] for its terms. Deliberately absent: an order
//! of its own; the contract version names it. CL16 is a field of other clauses and CL28 is the terms'
//! currency: their folders hold cases only.

pub mod allowance;
pub mod base_fee;
pub mod breaks;
pub mod commitment;
pub mod consumables;
pub mod copies;
pub mod corrections;
pub mod coverage;
pub mod credit;
pub mod discount;
pub(crate) mod draft;
pub mod escalation;
pub mod estimates;
pub mod exit;
pub mod interruption;
pub mod late_reading;
pub mod lease;
pub mod media_class;
pub mod minimum;
pub mod minimum_volume;
pub mod monitoring;
pub mod moved;
pub mod overage;
pub mod payers;
pub mod pool;
pub mod prepaid;
pub mod price_list;
pub mod proof;
pub mod replaced;
pub mod rounding;
pub mod surcharge;
pub mod tax;
pub mod tiers;
pub mod window;

use crate::contract::{Problem, Step, Terms};
use crate::form;
use crate::meter::Pattern;
use crate::money::{Currency, Money, UnitPrice};
use crate::rating::RatingError;
use crate::statement::Line;
use draft::Draft;
use serde::{Deserialize, Serialize};
use std::any::Any;

/// What every clause's terms can do.
pub(crate) trait ClauseTerms: 'static {
    /// The fields of its form, but for `title` and `key`, which `form` treats for all.
    const FORM: &'static [form::Field];
    /// What it is, in a sentence: "CL6: a smallest amount for a period."
    const ABOUT: &'static str;

    /// The step of rating that it belongs to.
    fn step(&self) -> Step;

    /// The clause in plain sentences.
    fn in_words(&self, currency: Currency) -> Vec<String>;

    /// The patterns by which the clause bills usage. They decide which meters are read at all, and how
    /// finely.
    fn patterns(&self) -> Vec<&Pattern> {
        Vec::new()
    }

    /// The name that carry, references and payers know it by; empty or absent: its word and number.
    fn key(&self) -> Option<&str> {
        None
    }

    /// Every price that an escalation may raise. CL17.
    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        Vec::new()
    }

    /// Adds every reason why the clause cannot be applied.
    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>);

    /// Takes the clause's step.
    fn apply(&self, _at: &At<'_>, _draft: &mut Draft<'_>) -> Result<(), RatingError> {
        Ok(())
    }

    /// What is odd about it, though it can be rated; `field` is its path in the terms.
    fn lint(&self, _field: &str, _terms: &Terms) -> Vec<Problem> {
        Vec::new()
    }
}

/// A price that an escalation may raise, by its kind. CL17.
#[derive(Debug)]
pub(crate) enum PriceMut<'a> {
    /// The price of a unit.
    Unit(&'a mut UnitPrice),
    /// A fee.
    Fee(&'a mut Money),
    /// A smallest amount.
    Minimum(&'a mut Money),
}

/// A clause being checked: where it stands, and the terms around it.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    /// Its path in the terms, such as `clauses.3`.
    pub(crate) field: String,
    /// The terms it stands in.
    pub(crate) terms: &'a Terms,
}

impl Checked<'_> {
    /// The path of one of its fields: `clauses.3.rows.0.price`.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}.{path}", self.field)
    }
}

/// A clause being applied: what it is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    /// Its place in the contract, from 1.
    pub(crate) number: usize,
    /// Its key, as [`Terms::key_of`] gives it.
    pub(crate) key: &'a str,
}

impl At<'_> {
    /// The id of one of its lines: `3`, `3.1`, `3.1 Hall 2`. It is unique on a statement as long as the
    /// clause gives each (`sub`, `pool`) once, and it is the same each time the period is rated.
    pub(crate) fn id(&self, sub: Option<usize>, pool: &str) -> String {
        let place = sub.map_or_else(|| self.number.to_string(), |sub| format!("{}.{sub}", self.number));
        if pool.is_empty() { place } else { format!("{place} {pool}") }
    }
}

/// A kind of clause, for forms and pages that offer them.
#[derive(Debug, Clone, Copy)]
pub struct ClauseKind {
    /// The word of the clause: `base-fee`.
    pub word: &'static str,
    /// What it is, in a sentence that begins with its number: "CL1: a fixed fee each period."
    pub about: &'static str,
    /// The fields of its form, but for `title` and `key`.
    pub form: &'static [form::Field],
}

macro_rules! clauses {
    ($($(#[$doc:meta])* $clause:ident($terms:ty) $word:literal;)*) => {
        /// One clause of a contract.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Clause {
            $($(#[$doc])* #[serde(rename = $word)] $clause($terms),)*
        }

        /// Every kind, in the order of the list.
        const KINDS: &[ClauseKind] = &[$(ClauseKind {
            word: $word,
            about: <$terms as ClauseTerms>::ABOUT,
            form: <$terms as ClauseTerms>::FORM,
        },)*];

        impl Clause {
            /// The word of the clause for pages, storage and exports.
            pub fn word(&self) -> &'static str {
                match self { $(Clause::$clause(_) => $word,)* }
            }

            /// What a clause of this kind is, in a sentence.
            pub fn about(&self) -> &'static str {
                match self { $(Clause::$clause(_) => <$terms as ClauseTerms>::ABOUT,)* }
            }

            /// The fields of its form, but for `title` and `key`.
            pub fn form(&self) -> &'static [form::Field] {
                match self { $(Clause::$clause(_) => <$terms as ClauseTerms>::FORM,)* }
            }

            /// The step of rating that it belongs to.
            pub fn step(&self) -> Step {
                match self { $(Clause::$clause(terms) => ClauseTerms::step(terms),)* }
            }

            /// The clause in plain sentences.
            pub fn in_words(&self, currency: Currency) -> Vec<String> {
                match self { $(Clause::$clause(terms) => ClauseTerms::in_words(terms, currency),)* }
            }

            /// The patterns by which the clause bills usage.
            pub fn patterns(&self) -> Vec<&Pattern> {
                match self { $(Clause::$clause(terms) => ClauseTerms::patterns(terms),)* }
            }

            /// The name it was given; `None` where it has none of its own (see [`Terms::key_of`]).
            pub fn key(&self) -> Option<&str> {
                let key = match self { $(Clause::$clause(terms) => ClauseTerms::key(terms),)* };
                key.filter(|key| !key.is_empty())
            }

            /// Its terms, whatever they are.
            pub(crate) fn any(&self) -> &dyn Any {
                match self { $(Clause::$clause(terms) => terms,)* }
            }

            /// Every price that an escalation may raise.
            pub(crate) fn prices(&mut self) -> Vec<PriceMut<'_>> {
                match self { $(Clause::$clause(terms) => ClauseTerms::prices(terms),)* }
            }

            /// Adds every reason why the clause cannot be applied.
            pub(crate) fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
                match self { $(Clause::$clause(terms) => ClauseTerms::validate(terms, at, problems),)* }
            }

            /// Takes the clause's step.
            pub(crate) fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
                match self { $(Clause::$clause(terms) => ClauseTerms::apply(terms, at, draft),)* }
            }

            /// What is odd about it, though it can be rated.
            pub(crate) fn lint(&self, field: &str, terms: &Terms) -> Vec<Problem> {
                match self { $(Clause::$clause(its) => ClauseTerms::lint(its, field, terms),)* }
            }
        }
    };
}

clauses! {
    /// CL1: a fixed fee.
    BaseFee(base_fee::BaseFee) "base-fee";
    /// CL2: a lease or finance payment, which usage rules never touch.
    Lease(lease::Lease) "lease";
    /// CL3: an included quantity.
    Allowance(allowance::Allowance) "allowance";
    /// CL4, CL9 to CL11: what usage costs, the first match in an ordered list.
    PriceList(price_list::PriceList) "price-list";
    /// CL4: usage beyond what is included, at its own price and on its own cycle.
    Overage(overage::Overage) "overage";
    /// CL8: prices by quantity.
    Tiers(tiers::Tiers) "tiers";
    /// CL5: a smallest quantity.
    MinimumVolume(minimum_volume::MinimumVolume) "minimum-volume";
    /// CL6: a smallest amount.
    Minimum(minimum::Minimum) "minimum";
    /// CL7: a commitment that is settled once, at the end of its span.
    Commitment(commitment::Commitment) "commitment";
    /// CL10: categories by coverage, with pinned limits.
    Coverage(coverage::Coverage) "coverage";
    /// CL11: categories by paper.
    MediaClass(media_class::MediaClass) "media-class";
    /// CL11: a surcharge on some usage.
    Surcharge(surcharge::Surcharge) "surcharge";
    /// CL12: supplies beyond what the usage explains.
    Consumables(consumables::Consumables) "consumables";
    /// CL13: a fee for a late reading.
    LateReading(late_reading::LateReading) "late-reading";
    /// CL14: how missing readings are estimated.
    Estimates(estimates::Estimates) "estimates";
    /// CL15: how far a reading may lie from a period's edge.
    Window(window::Window) "window";
    /// CL17: prices that rise by a rate or an index.
    Escalation(escalation::Escalation) "escalation";
    /// CL18: printers that share allowances and tiers.
    Pool(pool::Pool) "pool";
    /// CL19: a printer that was replaced.
    Replaced(replaced::Replaced) "replaced";
    /// CL20: counters that fell.
    Breaks(breaks::Breaks) "breaks";
    /// CL21: printers that moved to another zone.
    Moved(moved::Moved) "moved";
    /// CL22: credit for test and service prints.
    Credit(credit::Credit) "credit";
    /// CL23: what of a copy is billed.
    Copies(copies::Copies) "copies";
    /// CL24: quantities paid in advance.
    Prepaid(prepaid::Prepaid) "prepaid";
    /// CL25: what leaving before the end costs.
    Exit(exit::Exit) "exit";
    /// CL26: credit for days out of service.
    Interruption(interruption::Interruption) "interruption";
    /// A discount on lines.
    Discount(discount::Discount) "discount";
    /// CL29: who pays which lines.
    Payers(payers::Payers) "payers";
    /// CL27: taxes.
    Tax(tax::Tax) "tax";
    /// CL30: how quantities are rounded.
    QuantityRounding(rounding::QuantityRounding) "rounding";
    /// CL31: the customer's duty to keep the collector on.
    Monitoring(monitoring::Monitoring) "monitoring";
    /// CL32: which source wins, and by how much they may differ.
    Proof(proof::Proof) "proof";
    /// How what arrives late is settled.
    Corrections(corrections::Corrections) "corrections";
}

/// The clause that made a line; `None` for a line that settles a period before.
pub(crate) fn clause_of<'t>(line: &Line, terms: &'t Terms) -> Option<&'t Clause> {
    let index = terms.index_of(line.clause.as_deref()?)?;
    terms.clauses.get(index)
}

impl Clause {
    /// Every kind of clause, in the order pages offer them.
    pub fn kinds() -> impl Iterator<Item = ClauseKind> {
        KINDS.iter().copied()
    }

    /// The kind of a word; `None` where it is the word of none.
    pub fn of_word(word: &str) -> Option<ClauseKind> {
        Clause::kinds().find(|kind| kind.word == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_word_of_its_own_and_says_what_it_is() {
        let words: BTreeSet<&str> = Clause::kinds().map(|kind| kind.word).collect();
        assert_eq!(words.len(), 33);
        for kind in Clause::kinds() {
            assert!(kind.about.ends_with('.') && kind.about.len() > 10, "{}: {}", kind.word, kind.about);
            assert_eq!(Clause::of_word(kind.word).map(|found| found.word), Some(kind.word));
        }
        assert!(Clause::of_word("rebate").is_none());
    }

    #[test]
    fn the_ids_of_a_clauses_lines_name_its_place_and_pool() {
        let at = At { number: 3, key: "price-list.1" };
        let ids = [at.id(None, ""), at.id(Some(1), ""), at.id(Some(1), "Hall 2"), at.id(None, "Hall 2")];
        assert_eq!(ids, ["3", "3.1", "3.1 Hall 2", "3 Hall 2"]);
    }
}
