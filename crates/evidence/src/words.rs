//! The sentences of a verdict: what was checked, with its numbers, and what could not be.
//!
//! Deliberately absent: layout, and any language but English.

use crate::bundle::{Basis, Header};
use crate::said::terms_digest;
use crate::verify::{Agent, Carried, Facts, Follows, Packages};
use billing::{Money, Statement};
use protocol::Hex;

/// What a verdict is worded from.
pub(crate) struct Proved<'a> {
    pub(crate) header: &'a Header,
    /// Whether the caller gave the portal's key.
    pub(crate) is_key_given: bool,
    pub(crate) packages: &'a Packages<'a>,
    pub(crate) facts: &'a Facts,
    pub(crate) basis: &'a Basis,
    pub(crate) documents: &'a [Statement],
    pub(crate) total: Money,
    pub(crate) by_terms: Money,
    pub(crate) previous: &'a Hex<32>,
    /// The document before, where its file was given.
    pub(crate) follows: Option<&'a Follows>,
}

/// A count and what is counted: `1 job`, `2 jobs`.
fn many(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
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
            many(facts.sums, "sum of jobs"),
            many(facts.printers, "printer")
        )
    }

    /// What the records leave open.
    fn open_points(&self) -> Vec<String> {
        let mut list = Vec::new();
        let facts = self.facts;
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

    fn chain(&self) -> String {
        let carry = self.basis.input.carry.entries.len();
        let count = number(carry);
        if let Some(Follows { number, carried }) = self.follows {
            let follows = format!("It follows {number} in the chain of statements");
            return match carried {
                Carried::Same => format!("{follows}, and takes from that period what that period left."),
                Carried::Again => format!(
                    "{follows}. Not checked: {} from that period, which was worked out anew with what became known \
                     after {number}.",
                    many(count, "amount")
                ),
                Carried::Elsewhere => format!(
                    "{follows}. Not checked: what is carried from the period before, which {number} is not the \
                     statement of."
                ),
            };
        }
        let stands = format!("It stands in the chain of statements after {}.", self.previous);
        if carry == 0 {
            return stands;
        }
        let carried = many(count, "amount");
        format!("{stands} Not checked: {carried} from the period before; give its file too.")
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
