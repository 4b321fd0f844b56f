//! Replay: the last periods of a contract as they were and as they would have been under proposed terms.
//!
//! What a period was rated from is kept with its statement, and with the last note on it; where it is not, it is
//! gathered once more, from usage cells where they say the same as the jobs. Deliberately absent: rating, which the
//! billing crate does.

use super::page::{ComparedPeriod, ComparedRow, Comparison};
use super::store;
use crate::db::{Tx, params};
use crate::shell::page::{Status, Tone};
use crate::shell::{Error, ResellerScope, format};
use crate::statements::gather;
use crate::statements::store::{self as statements, Contract};
use billing::{Currency, Input, Money, Period, Problem, RatingError, Replayed, Statement, Terms};
use evidence::Basis;
use report::Instant;
use std::collections::BTreeMap;

/// So many periods are laid side by side.
const PERIODS: usize = 3;
/// So many that were issued, where terms put them right.
const ISSUED_MAX: usize = 24;

/// Bytes, packed, of what periods were rated from that a page reads at once: unpacked they are many times that.
const PACKED_MAX: i64 = 32 * 1024 * 1024;

const WEIGHT: &str = "select cast(coalesce(sum(length(basis.basis)), 0) as bigint) from statement_basis as basis
    where basis.reseller_id = $1 and basis.contract_id = $2
    and basis.period_start >= $3 and basis.period_start < $4";
const BASES: &str = "select basis.period_start, basis.basis from statement_basis as basis
    where basis.reseller_id = $1 and basis.contract_id = $2
    and basis.period_start >= $3 and basis.period_start < $4
    and (basis.revision = 0 or exists (select 1 from statement as note
        where note.reseller_id = basis.reseller_id and note.contract_id = basis.contract_id
        and note.period_start = basis.period_start and note.revision = basis.revision
        and note.state in ('issued', 'corrected')))
    order by basis.period_start, basis.revision";

/// What the last whole periods of a contract are rated from, the oldest first; fewer where it is younger.
pub(super) fn inputs(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    now: Instant,
) -> Result<Vec<Input>, Error> {
    let Some(contract) = in_force(tx, scope, contract_id, Instant(now.0.saturating_add(1)))? else {
        return Ok(Vec::new());
    };
    inputs_of(tx, scope, contract_id, &periods(&contract, now), now)
}

/// What periods of a contract are rated from.
fn inputs_of(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    periods: &[Period],
    now: Instant,
) -> Result<Vec<Input>, Error> {
    let mut kept = kept(tx, scope, contract_id, periods)?;
    let mut inputs: Vec<Input> = Vec::with_capacity(periods.len());
    for period in periods.iter().copied() {
        if let Some(input) = kept.remove(&period.start).filter(|input| input.period == period) {
            inputs.push(input);
            continue;
        }
        // A period in which the contract was not in force yet is passed over.
        let Some(contract) = in_force(tx, scope, contract_id, period.end)? else { continue };
        let mut input = gather::from_cells(tx, scope, &contract, period, now)?;
        if inputs.is_empty() {
            input.carry = store::carry_before(tx, scope, contract_id, period.start)?;
        }
        inputs.push(input);
    }
    Ok(inputs)
}

/// The contract with the version in force just before `end`; `None` where there is none yet.
pub(super) fn in_force(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    end: Instant,
) -> Result<Option<Contract>, Error> {
    match statements::contract(tx, scope, contract_id, end) {
        Ok(contract) => Ok(Some(contract)),
        Err(Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The last whole periods before `now`, the oldest first.
fn periods(contract: &Contract, now: Instant) -> Vec<Period> {
    let (rule, zone) = (contract.terms.period, contract.terms.time_zone.as_str());
    let began = |period: &Period| contract.starts_at.is_none_or(|starts| starts < period.end);
    let mut found = Vec::new();
    let mut next = rule.containing(now, zone).and_then(|running| rule.preceding(running, zone)).ok();
    while let Some(period) = next.filter(|period| found.len() < PERIODS && began(period)) {
        found.push(period);
        next = rule.preceding(period, zone).ok();
    }
    found.reverse();
    found
}

/// What the statements of these periods were rated from, or the last notes on them that stand, by the period's start.
fn kept(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    periods: &[Period],
) -> Result<BTreeMap<Instant, Input>, Error> {
    let (Some(first), Some(last)) = (periods.first(), periods.last()) else { return Ok(BTreeMap::new()) };
    let params = params![scope.reseller_id(), contract_id, first.start, last.end];
    if tx.count(WEIGHT, params)? > PACKED_MAX {
        let words = "The last periods hold too many jobs to be laid side by side on a page.";
        return Err(Error::Conflict(words.to_owned()));
    }
    let packed = tx.query(BASES, params, |row| Ok((Instant(row.int(0)?), row.bytes(1)?)))?;
    let mut kept = BTreeMap::new();
    for (start, packed) in packed {
        let bytes = zstd::decode_all(packed.as_slice()).map_err(|error| Error::Internal(Box::new(error)))?;
        let basis = Basis::read(&bytes).map_err(|error| Error::Internal(Box::new(error)))?;
        kept.insert(start, basis.input());
    }
    Ok(kept)
}

/// What could not be rated, in words.
pub(super) fn unrated(error: &RatingError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        words = format!("{words}: {next}");
        cause = next.source();
    }
    words
}

/// Periods under proposed terms, as a page shows them: those that they put right, else the last ones. What keeps
/// them from being compared is said.
pub(super) fn side_by_side(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    contract_id: i64,
    (proposed, corrected): (&Terms, &[Period]),
    now: Instant,
) -> Result<Comparison, Error> {
    let newest = corrected.len().saturating_sub(ISSUED_MAX);
    let found = match corrected.get(newest..).filter(|corrected| !corrected.is_empty()) {
        Some(corrected) => inputs_of(tx, scope, contract_id, corrected, now),
        None => inputs(tx, scope, contract_id, now),
    };
    let inputs = match found {
        Ok(inputs) => inputs,
        Err(Error::Conflict(words) | Error::Invalid(words)) => return Ok(not_compared(words)),
        Err(error) => return Err(error),
    };
    let Some(last) = inputs.last() else {
        let words = "No period of this contract is over yet, so there is nothing to compare with.";
        return Ok(not_compared(words.to_owned()));
    };
    if last.terms.period != proposed.period || last.terms.currency != proposed.currency {
        let words = "Periods or currency change, so the last bills cannot be laid side by side.";
        return Ok(not_compared(words.to_owned()));
    }
    match billing::replay(&inputs, proposed) {
        Ok(replayed) => Ok(compare(&replayed, proposed.currency, !corrected.is_empty())),
        Err(error) => Ok(not_compared(format!("The last periods cannot be compared: {}.", unrated(&error)))),
    }
}

fn not_compared(words: String) -> Comparison {
    Comparison { status: Status::new(Tone::Info, "not compared"), words, periods: Vec::new() }
}

/// Lays periods side by side, with the sum of the differences on top.
pub(super) fn compare(replayed: &[Replayed], currency: Currency, issued: bool) -> Comparison {
    let after = |of: &Replayed| of.after.as_ref().ok().map(|after| (of.before.net, after.net));
    let pairs: Vec<(Money, Money)> = replayed.iter().filter_map(after).collect();
    let sum = |pick: fn(&(Money, Money)) -> Money| pairs.iter().map(|pair| i128::from(pick(pair).0)).sum::<i128>();
    let (before, now) = (sum(|pair| pair.0), sum(|pair| pair.1));
    let count = match (pairs.len(), issued) {
        (1, true) => "The issued period".to_owned(),
        (1, false) => "The last period".to_owned(),
        (count, true) => format!("The {count} issued periods together"),
        (count, false) => format!("The last {count} periods together"),
    };
    let (before_text, now_text) = (money(before, currency), money(now, currency));
    let change = difference(now - before, currency);
    let words = format!("{count} would have come to {now_text} instead of {before_text}, without taxes: {change}.");
    let (words, status) = if pairs.len() < replayed.len() {
        let words = "Not every period can be rated under these terms.".to_owned();
        (words, Status::new(Tone::Bad, "cannot be rated"))
    } else if now == before {
        (words, Status::new(Tone::Good, "the same sum"))
    } else {
        (words, Status::new(Tone::Info, change))
    };
    Comparison { words, status, periods: replayed.iter().map(|of| period(of, currency)).collect() }
}

fn period(of: &Replayed, currency: Currency) -> ComparedPeriod {
    let label = of.before.period_label.clone();
    match &of.after {
        Ok(after) => ComparedPeriod { label, rows: rows(&of.before, after, currency), failed: Vec::new() },
        Err(problems) => {
            let failed = problems.iter().map(|problem: &Problem| problem.message.clone()).collect();
            ComparedPeriod { label, rows: Vec::new(), failed }
        }
    }
}

/// A row for each charge by its name, then the sums. Lines that clauses made in another order stay together.
fn rows(before: &Statement, after: &Statement, currency: Currency) -> Vec<ComparedRow> {
    let mut sums: Vec<(String, i128, i128)> = Vec::new();
    for (statement, is_after) in [(before, false), (after, true)] {
        for line in &statement.lines {
            let Some(amount) = line.amount else { continue };
            let title = match &line.payer {
                Some(payer) => format!("{} → {payer}", line.title),
                None => line.title.clone(),
            };
            let (was, now) = if is_after { (0, i128::from(amount.0)) } else { (i128::from(amount.0), 0) };
            match sums.iter_mut().find(|(known, _, _)| *known == title) {
                Some((_, before, after)) => {
                    *before += was;
                    *after += now;
                }
                None => sums.push((title, was, now)),
            }
        }
    }
    let row = |(title, was, now): (String, i128, i128), is_sum: bool| ComparedRow {
        title,
        before: money(was, currency),
        after: money(now, currency),
        difference: difference(now - was, currency),
        is_sum,
    };
    let both = |title: &str, was: Money, now: Money| (title.to_owned(), i128::from(was.0), i128::from(now.0));
    let totals = [both("Net", before.net, after.net), both("Total with taxes", before.total, after.total)];
    let mut rows: Vec<ComparedRow> = sums.into_iter().map(|sum| row(sum, false)).collect();
    rows.extend(totals.into_iter().map(|sum| row(sum, true)));
    rows
}

/// An amount with its currency. What does not fit 64 bits is no sum of statements; its end stands for it.
pub(super) fn money(minor: i128, currency: Currency) -> String {
    let end = if minor < 0 { i64::MIN } else { i64::MAX };
    format::money(i64::try_from(minor).unwrap_or(end), u32::from(currency.minor_digits()), currency.code())
}

/// A difference with its sign: `+ € 23.10`, `− € 61.30`, `€ 0.00`.
pub(super) fn difference(minor: i128, currency: Currency) -> String {
    let sign = if minor > 0 { "+\u{a0}" } else { "" };
    format!("{sign}{}", money(minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{ContractRef, DocumentKind, Line, Parties};

    fn statement(lines: &[(&str, i64)]) -> Statement {
        let line = |(title, amount): &(&str, i64)| Line {
            title: (*title).to_owned(),
            amount: Some(Money(*amount)),
            ..Line::default()
        };
        let net = Money(lines.iter().map(|(_, amount)| amount).sum());
        Statement {
            number: None,
            contract: ContractRef { id: "1".to_owned(), number: "C-1".to_owned(), version: 1 },
            customer: "Bureau Noord".to_owned(),
            period: Period { start: Instant(0), end: Instant(1) },
            period_label: "October 2026".to_owned(),
            time_zone: "UTC".to_owned(),
            currency: Currency::parse("EUR").expect("a currency"),
            lines: lines.iter().map(line).collect(),
            net,
            taxes: Vec::new(),
            total: net,
            reconciliations: Vec::new(),
            notes: Vec::new(),
            kind: DocumentKind::Statement,
            corrects: None,
            payer: None,
            parties: Parties::default(),
            issued_at: None,
            due: None,
        }
    }

    fn replayed(before: &[(&str, i64)], after: Result<&[(&str, i64)], &str>) -> Replayed {
        let after = after.map(statement).map_err(|message| vec![Problem::at("terms", message)]);
        let before = statement(before);
        Replayed { period: before.period, before, after }
    }

    #[test]
    fn charges_stand_side_by_side_whatever_their_order() {
        let eur = Currency::parse("EUR").expect("a currency");
        let before: &[(&str, i64)] = &[("Base fee", 18_000), ("Lines", 1_680), ("Lines", 20)];
        let after: &[(&str, i64)] = &[("Lines", 1_500), ("Base fee", 18_000), ("Minimum", 300)];
        let shown = compare(&[replayed(before, Ok(after)), replayed(before, Ok(before))], eur, false);
        let row = |row: &ComparedRow| (row.title.clone(), row.difference.replace('\u{a0}', " "));
        let rows: Vec<(String, String)> = shown.periods[0].rows.iter().map(row).collect();
        let expected = [
            ("Base fee", "€ 0.00"),
            ("Lines", "− € 2.00"),
            ("Minimum", "+ € 3.00"),
            ("Net", "+ € 1.00"),
            ("Total with taxes", "+ € 1.00"),
        ];
        assert_eq!(rows, expected.map(|(title, text)| (title.to_owned(), text.to_owned())));
        assert!(shown.words.starts_with("The last 2 periods together would have come to"), "{}", shown.words);
        assert_eq!(shown.status.word().replace('\u{a0}', " "), "+ € 1.00");
    }

    #[test]
    fn a_period_that_cannot_be_rated_says_why() {
        let eur = Currency::parse("EUR").expect("a currency");
        let before: &[(&str, i64)] = &[("Base fee", 18_000)];
        let shown = compare(&[replayed(before, Ok(before)), replayed(before, Err("no index"))], eur, true);
        assert_eq!(shown.periods[1].failed, ["no index"]);
        assert_eq!(shown.status.word(), "cannot be rated");
    }
}
