//! The sentences of a verdict: what was checked, with its numbers, and what could not be.
//!
//! Deliberately absent: layout, and any language but English.

use crate::bundle::{Basis, Header};
use crate::said::terms_digest;
use crate::verify::{Agent, Carried, Facts, Follows, Packages};
use billing::{DocumentKind, Money, Statement};
use protocol::Hex;

/// What a verdict is worded from.
pub(crate) struct Proved<'a> {
    pub(crate) header: &'a Header,
    /// Whether the caller gave the portal's key.
    pub(crate) is_key_given: bool,
    pub(crate) packages: &'a Packages<'a>,
    pub(crate) facts: &'a Facts,
    /// Of the periods that were rated again.
    pub(crate) earlier: &'a Facts,
    pub(crate) basis: &'a Basis,
    pub(crate) documents: &'a [Statement],
    pub(crate) total: Money,
    pub(crate) by_terms: Money,
    pub(crate) previous: &'a Hex<32>,
    /// What was billed before, by number, with the SHA-256 of the document.
    pub(crate) billed: Vec<(String, Hex<32>)>,
    /// The document before, where its file was given.
    pub(crate) follows: Option<&'a Follows>,
}

/// A count and what is counted: `1 job`, `2 jobs`.
fn many(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn sums(count: u64) -> String {
    format!("{count} sum{} of jobs", if count == 1 { "" } else { "s" })
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Proved<'_> {
    /// The sentences, in the order of the checks.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let mut list = vec![self.file()];
        list.extend(self.packages.agents.iter().map(agent));
        list.push(self.facts());
        list.extend(self.open_points());
        list.push(self.rating());
        list.extend(self.again());
        list.extend(self.laid());
        list.push(self.chain());
        list
    }

    fn file(&self) -> String {
        let Header { number, portal, portal_key, .. } = self.header;
        let key = if self.is_key_given {
            "with the key that you gave.".to_owned()
        } else {
            format!(
                "with the key {portal_key}. Compare it with the one that your agent shows: nobody else vouches for it."
            )
        };
        format!("The file is whole, and portal {portal} signed it for {number} {key}")
    }

    fn facts(&self) -> String {
        let facts = self.facts;
        format!(
            "Each of {}, {} and {} of {} stands in a signed record, dated by receipts, each job once and in the \
             version in force. No job of these printers in the period that stands in the file is left out.",
            many(facts.jobs, "job"),
            many(facts.readings, "reading"),
            sums(facts.sums),
            many(facts.printers, "printer")
        )
    }

    /// What the records leave open.
    fn open_points(&self) -> Vec<String> {
        let mut list = Vec::new();
        let facts = self.facts.plus(self.earlier);
        if facts.sums > 0 {
            let sums = sums(facts.sums);
            list.push(format!(
                "Not checked: which jobs of {sums} were cancelled or failed. A sum does not tell, and what is billed \
                 of it counts all as printed; its amounts are of grade C."
            ));
        }
        if facts.undated > 0 {
            let records = many(facts.undated, "record");
            list.push(format!(
                "Not checked: {records} name a receipt that is not here, so that only arrival dates them."
            ));
        }
        if facts.by_order > 0 {
            let jobs = many(facts.by_order, "job");
            list.push(format!("Not checked: for {jobs} that two agents read, which of their packages arrived first."));
        }
        if facts.repeated > 0 {
            let readings = many(facts.repeated, "reading");
            list.push(format!("Not checked: {readings} repeat a value at a time when the printer did not say it."));
        }
        if facts.odd > 0 {
            let readings = many(facts.odd, "reading");
            list.push(format!("Not checked: {readings} do not fit between their neighbours and were left out."));
        }
        if facts.elsewhere > 0 {
            let values = many(facts.elsewhere, "value");
            let mut words = format!(
                "{values} of counters came over another interface than the one that their counter follows, and count \
                 nothing."
            );
            if facts.unfollowed > 0 {
                let some = format!(" Not checked: for {} of them, whether that one was silent.", facts.unfollowed);
                words.push_str(&some);
            }
            list.push(words);
        }
        if facts.unsourced > 0 {
            let readings = many(facts.unsourced, "reading");
            list.push(format!("Not checked: over which interface {readings} came."));
        }
        if self.packages.hashed_only > 0 {
            let records = many(self.packages.hashed_only, "record");
            list.push(format!("Not checked: what {records} say that stand by their hash only."));
        }
        list
    }

    fn rating(&self) -> String {
        let Basis { input, .. } = self.basis;
        let currency = input.terms.currency;
        let lines = self.documents.iter().map(|document| document.lines.len()).sum();
        let documents = if self.documents.len() == 1 { "the document" } else { "the documents" };
        format!(
            "Rating these facts by version {} of contract {} ({}) gives {documents} digit by digit: {}, {} {currency}, \
             of it {} {currency} by the terms alone.",
            input.contract.version,
            input.contract.number,
            terms_digest(&input.terms),
            many(number(lines), "line"),
            self.total.show(currency),
            self.by_terms.show(currency)
        )
    }

    /// The periods that were rated again.
    fn again(&self) -> Option<String> {
        let again = number(self.basis.again.len());
        let what = match again {
            0 => return None,
            1 => "1 period before was".to_owned(),
            many => format!("{many} periods before were"),
        };
        let earlier = self.earlier;
        let settled = match self.basis.input.adjustments.len() {
            0 => String::new(),
            count => format!(" The lines that settle {count} of them say what differs from all that was billed."),
        };
        Some(format!(
            "{what} rated again with what became known since, from {}, {} and {} that stand in signed records (each \
             period counted by itself): each leaves what the next begins with, the last one what this period begins \
             with.{settled}",
            many(earlier.jobs, "job"),
            many(earlier.readings, "reading"),
            sums(earlier.sums)
        ))
    }

    /// What the documents are laid against.
    fn laid(&self) -> Option<String> {
        let list: Vec<String> =
            self.billed.iter().map(|(number, digest)| format!("{number} (SHA-256 {digest})")).collect();
        let what = match self.documents.first()?.kind {
            DocumentKind::Statement => "What it settles was billed by",
            DocumentKind::Credit | DocumentKind::Debit => "It is laid against",
        };
        let list = list.join(", ");
        (!list.is_empty()).then(|| format!("{what} {list}. Compare with the documents that you have."))
    }

    fn chain(&self) -> String {
        let again = self.basis.again.first();
        let carry = again.unwrap_or(self.basis).input.carry.entries.len();
        let (carried, whose) = (
            many(number(carry), "amount"),
            if again.is_some() { "the period before the first one that was rated again" } else { "the period before" },
        );
        if let Some(Follows { number, carried: of }) = self.follows {
            let follows = format!("It follows {number} in the chain of statements");
            return match (of, again) {
                (Carried::Same, None) => format!("{follows}, and begins with what {number} says."),
                (Carried::Same, Some(_)) => {
                    format!("{follows}, and the first period that was rated again begins with what {number} says.")
                }
                (Carried::Again, _) => format!(
                    "{follows}. Not checked: {carried} from {whose}, which was worked out anew with what became \
                     known after {number}."
                ),
                (Carried::Elsewhere, _) => {
                    format!("{follows}. Not checked: {carried} from {whose}, of which {number} says nothing.")
                }
            };
        }
        let stands = format!("It stands in the chain of statements after {}.", self.previous);
        if carry == 0 {
            return stands;
        }
        format!("{stands} Not checked: {carried} from {whose}; give the file before too.")
    }
}

/// What an agent signed.
fn agent(agent: &Agent) -> String {
    let keys: Vec<String> = agent.keys.iter().map(ToString::to_string).collect();
    let gaps: Vec<String> = agent.gaps.iter().map(|(from, to)| format!("{from} and {to}")).collect();
    let gaps = match gaps.as_slice() {
        [] => "They follow each other from the first on.".to_owned(),
        _ => format!("Not checked: what lies between packages {}.", gaps.join(", between ")),
    };
    format!(
        "Agent {} signed {} with {} with the key {}, believed to grade {} at best. Compare the key with the one that \
         the agent shows. {gaps}",
        agent.id,
        many(number(agent.packages), "package"),
        many(number(agent.records), "record"),
        keys.join(", "),
        agent.best.word()
    )
}
