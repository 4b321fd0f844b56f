//! Segments that a batch opens: kept, with what speaks for what where a counter broke, and with the decision
//! where the contract's rule makes it.
//!
//! Deliberately absent: what is billed across a break, which `billing::split` works out from decisions, and
//! any decision that a person has to make.

use super::counters::{CounterKey, PrinterId, Wanted};
use super::firmware;
use crate::db::bulk::{Bulk, Kind};
use crate::db::{DbError, Param, Tx, params};
use billing::clauses::breaks::Breaks;
use billing::{Clause, CounterState, Fall, Segment, SegmentReason, Suggestion, Terms, decrease, suggest};
use report::{Instant, Surroundings};
use std::collections::{BTreeMap, BTreeSet};

/// The versions of the contracts that these printers were in.
const RULES: &str = "select stay.reseller_id, stay.printer_id, stay.from_at, stay.to_at, made.valid_from,
    made.version, made.terms
    from contract_printer as stay
    join contract_version as made on made.reseller_id = stay.reseller_id and made.contract_id = stay.contract_id
        and made.state = 'standing'";
const SEGMENT: Bulk = Bulk {
    table: "segment",
    columns: &[
        ("reseller_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("meter", Kind::Text),
        ("media", Kind::Text),
        ("segment", Kind::Int),
        ("reason", Kind::Text),
        ("opened_at", Kind::Int),
        ("value_before", Kind::Int),
        ("value_after", Kind::Int),
        ("note", Kind::Text),
        ("source_before", Kind::Text),
        ("source_after", Kind::Text),
        ("dip_at", Kind::Int),
    ],
    key: 5,
    on_conflict: "do nothing",
};
const DECISION: Bulk = Bulk {
    table: "segment_decision",
    columns: &[
        ("reseller_id", Kind::Int),
        ("decision_id", Kind::Int),
        ("printer_id", Kind::Int),
        ("meter", Kind::Text),
        ("media", Kind::Text),
        ("at", Kind::Int),
        ("reason", Kind::Text),
        ("counts_from", Kind::Int),
        ("width", Kind::Int),
        ("note", Kind::Text),
        ("decided_at", Kind::Int),
        ("person_id", Kind::Int),
        ("since_at", Kind::Int),
    ],
    key: 2,
    on_conflict: "do nothing",
};
/// The note of a rise after a break that is too large to be billed unseen.
const TOO_MUCH: &str = "After it broke the counter rose by more than the contract says that a day can bring: a value \
                        may be wrong.";
/// The note of a decision that the contract makes.
const BY_RULE: &str = "The contract's rule for counters that fall settles it.";

/// A decision that is to be kept. Nothing of an earlier one is changed.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) reseller: i64,
    /// Its own id.
    pub(crate) id: i64,
    pub(crate) printer: i64,
    pub(crate) meter: String,
    /// Empty for a counter that is not split by media.
    pub(crate) media: String,
    /// When the first reading after the break was made.
    pub(crate) at: Instant,
    pub(crate) reason: SegmentReason,
    /// What it counts from, base units: see `billing::Decision`.
    pub(crate) counts_from: Option<i64>,
    /// How many values the counter has.
    pub(crate) width: Option<i64>,
    pub(crate) note: String,
    pub(crate) decided_at: Instant,
    /// `None`: no person decided.
    pub(crate) person: Option<i64>,
    /// Of readings that were too high before a fall, when the first of them was made.
    pub(crate) since: Option<Instant>,
}

/// Keeps decisions on breaks.
pub(crate) fn keep_decisions(tx: &mut Tx<'_>, decisions: &[Settled]) -> Result<(), DbError> {
    let row = |settled: &Settled| {
        let Settled { reseller, id, printer, meter, media, at, counts_from, width, note, .. } = settled;
        let (reason, decided_at, person) = (settled.reason.word(), settled.decided_at, settled.person);
        params![
            *reseller,
            *id,
            *printer,
            meter,
            media,
            *at,
            reason,
            *counts_from,
            *width,
            note,
            decided_at,
            person,
            settled.since
        ]
        .to_vec()
    };
    DECISION.insert(tx, &decisions.iter().map(row).collect::<Vec<_>>())?;
    Ok(())
}

/// The firmware that a printer said last before a reading, as far as a batch knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Firmware {
    /// A reading of this batch says it.
    Said(String),
    /// A reading before this batch said it, if any did.
    Stored,
}

/// A segment that a reading opened.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) key: CounterKey,
    pub(super) segment: Segment,
    /// The counter before; `None` for its first segment.
    pub(super) before: Option<CounterState>,
    /// What it usually counted in a day, base units.
    pub(super) usual_daily: Option<i64>,
    /// The interface before and that of the reading, where they differ.
    pub(super) moved: Option<(String, String)>,
    pub(super) firmware_before: Firmware,
    pub(super) firmware: Option<String>,
    /// When the counter fell, where this is its rise back to where it was.
    pub(super) fell_at: Option<Instant>,
    /// Whether a later reading of the batch brings the value back.
    pub(super) came_back: bool,
    /// Whether it is a fall that takes a jump back.
    pub(super) fell_back: bool,
}

/// A counter that a person had said follows another interface, and that went on over it.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    pub(super) key: CounterKey,
    /// Its first reading over that interface.
    pub(super) at: Instant,
    /// The value before.
    pub(super) counts_from: i64,
    pub(super) wanted: Wanted,
}

impl Opened {
    fn printer(&self) -> PrinterId {
        (self.key.0, self.key.1)
    }
}

/// What a fall is judged by, beside the counter itself.
#[derive(Default)]
struct Around {
    rules: Rules,
    firmware: BTreeMap<PrinterId, String>,
}

/// What contracts say of printers' counters that break.
#[derive(Debug, Default)]
pub(super) struct Rules(BTreeMap<PrinterId, Vec<Version>>);

impl Rules {
    /// The rules of these printers.
    pub(super) fn load(tx: &mut Tx<'_>, printers: &BTreeSet<PrinterId>) -> Result<Rules, DbError> {
        let keys: Vec<Vec<Param>> = firmware::keys(printers.iter().copied());
        let found = tx.query_any(RULES, &["stay.reseller_id", "stay.printer_id"], &keys, |row| {
            let version = Version {
                from: Instant(row.int(2)?),
                to: row.opt_int(3)?.map(Instant),
                valid_from: Instant(row.int(4)?),
                number: row.int(5)?,
                terms: row.text(6)?,
            };
            Ok(((row.int(0)?, row.int(1)?), version))
        })?;
        let mut rules = Rules::default();
        for (printer, version) in found {
            rules.0.entry(printer).or_default().push(version);
        }
        Ok(rules)
    }

    /// The rule in force for a printer.
    fn of(&self, printer: PrinterId, at: Instant) -> Option<Breaks> {
        self.0.get(&printer).and_then(|versions| rule(versions, at))
    }

    /// The most that a day can bring, by the rule in force for a printer.
    pub(super) fn daily_most(&self, printer: PrinterId, at: Instant) -> Option<i64> {
        self.of(printer, at).and_then(|rule| rule.daily_most)
    }
}

/// A version of the terms that a printer was under.
#[derive(Debug)]
struct Version {
    from: Instant,
    to: Option<Instant>,
    valid_from: Instant,
    number: i64,
    terms: String,
}

/// Keeps the segments that a batch opened. A fall that the contract's rule settles gets its decision, and so
/// does a counter that `followed` another interface as a person had said.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    surroundings: &Surroundings,
    opened: &[Opened],
    followed: &[Followed],
) -> Result<(), DbError> {
    let falls = opened.iter().filter(|opened| opened.segment.reason == SegmentReason::Decrease);
    let around = load(tx, &falls.map(Opened::printer).collect())?;
    let (mut segments, mut decisions) = (Vec::with_capacity(opened.len()), Vec::new());
    for opened in opened {
        let (note, decision) = judge(opened, &around);
        let (reseller, printer, meter, media) = &opened.key;
        let Segment { number, reason, opened_at, first_value } = &opened.segment;
        let before = opened.before.map(|before| before.value);
        let (source_before, source_after) = opened.moved.clone().unwrap_or_default();
        let segment = params![
            *reseller,
            *printer,
            meter,
            media,
            i64::from(*number),
            reason.word(),
            *opened_at,
            before,
            *first_value,
            &note,
            source_before,
            source_after,
            opened.fell_at
        ];
        segments.push(segment.to_vec());
        let Some((reason, counts_from, width)) = decision else { continue };
        decisions.push(Settled {
            reseller: *reseller,
            id: crate::new_id(surroundings),
            printer: *printer,
            meter: meter.clone(),
            media: media.clone(),
            at: *opened_at,
            reason,
            counts_from,
            width,
            note,
            decided_at: surroundings.now(),
            person: None,
            since: None,
        });
    }
    decisions.extend(followed.iter().map(|followed| follow(followed, surroundings)));
    SEGMENT.insert(tx, &segments)?;
    keep_decisions(tx, &decisions)
}

/// The decision of the person who said which interface a counter follows.
fn follow(followed: &Followed, surroundings: &Surroundings) -> Settled {
    let Followed { key: (reseller, printer, meter, media), at, counts_from, wanted } = followed;
    Settled {
        reseller: *reseller,
        id: crate::new_id(surroundings),
        printer: *printer,
        meter: meter.clone(),
        media: media.clone(),
        at: *at,
        reason: SegmentReason::Interface,
        counts_from: Some(*counts_from),
        width: None,
        note: wanted.note.clone(),
        decided_at: surroundings.now(),
        person: Some(wanted.person),
        since: None,
    }
}

/// A reason, what the counter counts from, and how many values it has.
type Verdict = (SegmentReason, Option<i64>, Option<i64>);

/// What speaks for what, and the decision where none is left to a person.
fn judge(opened: &Opened, around: &Around) -> (String, Option<Verdict>) {
    let Segment { reason, opened_at, first_value, .. } = opened.segment;
    let Some(before) = opened.before else { return (String::new(), None) };
    if reason == SegmentReason::Interface {
        let (from, to) = opened.moved.clone().unwrap_or_default();
        let note = format!(
            "It is read over {to} now, before over {from}, and the value does not go on: it may be another counter."
        );
        // A fall shows by itself. A rise would be billed as usage, unless a decision says that there is a break.
        let is_rise = first_value >= before.value;
        return (note, is_rise.then_some((SegmentReason::Interface, None, None)));
    }
    if reason == SegmentReason::Rise {
        let note = if opened.fell_at.is_some() { decrease::CAME_BACK } else { TOO_MUCH };
        return (note.to_owned(), Some((SegmentReason::Rise, None, None)));
    }
    let firmware_before = match &opened.firmware_before {
        Firmware::Said(firmware) => Some(firmware),
        Firmware::Stored => around.firmware.get(&opened.printer()),
    };
    let fall = Fall {
        before: before.value,
        after: first_value,
        between: opened_at.since(before.read_at),
        firmware_changed: firmware_before.zip(opened.firmware.as_ref()).is_some_and(|(before, now)| before != now),
        usual_daily: opened.usual_daily,
        came_back: opened.came_back,
        fell_back: opened.fell_back,
    };
    let rule = around.rules.of(opened.printer(), opened_at);
    match suggest(&fall, rule.as_ref()) {
        Suggestion::Decide(reason, counts_from, width) => (BY_RULE.to_owned(), Some((reason, counts_from, width))),
        Suggestion::Ask(words) => (words, None),
    }
}

/// What the contract in force at `at` says of counters that fall.
fn rule(versions: &[Version], at: Instant) -> Option<Breaks> {
    let stays = |version: &&Version| version.from <= at && version.to.is_none_or(|to| at < to);
    let in_force = versions.iter().filter(stays).filter(|version| version.valid_from <= at);
    let version = in_force.max_by_key(|version| (version.valid_from, version.number))?;
    // A reading is taken whatever became of the terms; the fall then waits for a person.
    let terms = serde_json::from_str::<Terms>(&version.terms);
    let terms = terms.inspect_err(|error| tracing::error!(error = %error, "terms of a contract do not read")).ok()?;
    terms.clauses.into_iter().find_map(|clause| match clause {
        Clause::Breaks(rule) => Some(rule),
        _ => None,
    })
}

/// Rules and firmware of printers with a counter that fell.
fn load(tx: &mut Tx<'_>, printers: &BTreeSet<PrinterId>) -> Result<Around, DbError> {
    if printers.is_empty() {
        return Ok(Around::default());
    }
    Ok(Around { rules: Rules::load(tx, printers)?, firmware: firmware::load(tx, printers)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Currency;

    fn version(number: i64, valid_from: i64, daily_most: Option<i64>) -> Version {
        let mut terms = Terms::new(Currency::parse("EUR").expect("known"), "Europe/Berlin");
        terms.clauses = vec![Clause::Breaks(Breaks { daily_most, ..Breaks::default() })];
        let terms = serde_json::to_string(&terms).expect("serialises");
        Version { from: Instant(100), to: Some(Instant(200)), valid_from: Instant(valid_from), number, terms }
    }

    #[test]
    fn the_rule_is_that_of_the_version_in_force_while_the_printer_stays() {
        let mut versions = vec![version(1, 0, Some(1)), version(2, 150, Some(2)), version(3, 150, Some(3))];
        let most = |versions: &[Version], at: i64| rule(versions, Instant(at)).map(|rule| rule.daily_most);
        for (at, expected) in
            [(99, None), (100, Some(Some(1))), (149, Some(Some(1))), (150, Some(Some(3))), (200, None)]
        {
            assert_eq!(most(&versions, at), expected, "{at}");
        }
        versions[2].terms = "{".to_owned();
        assert_eq!(most(&versions, 160), None);
    }
}
