//! CL1: a fixed fee, for the contract or for each place of a printer, on a cycle of its own.
//!
//! A fee on a cycle that is longer than the period falls due once, in the period in which the cycle begins
//! (in advance) or ends (in arrears); on a shorter one, once for each cycle that begins in the period. Where a
//! part counts by its days, it is a part of the cycle. On a statement over some days of a period, fees of the
//! period and of shorter cycles count by these days, whatever the clause says of parts.
//! What else is told by place (minimums, who bears a fee) uses `borne` and `label_of`. Deliberately
//! absent: fees for events such as a late reading, and payments that no rule touches (see `lease`).

use super::allowance::span::{self, PRORATIONS};
use super::draft::{Draft, Place};
use super::price_list::check_title;
use super::{At, Checked, Clause, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step, Terms};
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money, allocate};
use crate::period::{Every, Period, PeriodRule, Reset};
use crate::proration::{Fraction, Proration};
use crate::rating::{PrinterUsage, RatingError};
use crate::statement::{Line, LineShare};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the fee is charged for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Once.
    #[default]
    Contract,
    /// Once for each place of a printer in the contract.
    Printer,
}

/// The choices of [`Per`] that a form offers.
pub(crate) const PERS: &[(&str, &str)] = &[("contract", "the contract"), ("printer", "each printer")];

/// The cycles that a form offers.
const CYCLES: &[(&str, &str)] = &[
    ("period", "each period"),
    ("month", "each month"),
    ("quarter", "each quarter"),
    ("year", "each year"),
    ("contract", "once for the contract"),
];

/// Terms of a base fee. CL1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseFee {
    /// What the line is called; "Base fee" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The fee for one cycle, minor units.
    pub amount: Money,
    /// What it is charged for.
    #[serde(default)]
    pub per: Per,
    /// The places that it is charged for, or printers that fill them; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub printers: Vec<String>,
    /// How often it falls due.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub cycle: Reset,
    /// Whether a cycle that is longer than the period is charged when it begins, not when it ends.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub advance: bool,
    /// How it counts for a part of a period. CL16.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub prorate: Proration,
}

impl ClauseTerms for BaseFee {
    const FORM: &'static [Field] = &[
        field("amount", "Fee", Kind::Money).required(),
        field("per", "For", Kind::Choice(PERS)),
        field("printers", "Printers", Kind::Printers).hint("one a line; empty: all"),
        field("cycle", "Charged", Kind::Choice(CYCLES)),
        field("advance", "In advance", Kind::Flag).hint("a longer cycle is charged when it begins"),
        field("prorate", "A part of a period", Kind::Choice(PRORATIONS)),
    ];
    const ABOUT: &'static str = "CL1: a fixed fee.";

    fn step(&self) -> Step {
        Step::Fees
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let (title, amount, when) = (self.title(), self.amount.show(currency), self.when());
        let part = format!("{}.", self.prorate.words());
        match self.per {
            Per::Contract if self.prorate == Proration::None => vec![format!("{title}: {amount} {currency} {when}.")],
            Per::Contract => vec![format!("{title}: {amount} {currency} {when}."), format!("Of this fee, {part}")],
            Per::Printer => {
                let printers = match self.printers.as_slice() {
                    [] => "each printer".to_owned(),
                    printers => format!("each of {}", printers.join(", ")),
                };
                let part = match self.prorate {
                    Proration::None => {
                        "A printer that is in the contract for a part of the period counts whole.".to_owned()
                    }
                    _ => format!("Of this fee, {part}"),
                };
                vec![format!("{title}: {amount} {currency} {when} for {printers}."), part]
            }
        }
    }

    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        vec![PriceMut::Fee(&mut self.amount)]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.amount < Money::ZERO {
            problems.push(Problem::at(at.at("amount"), "a fee cannot be below zero"));
        }
        check_title(self.title.as_deref(), at.at("title"), problems);
        if self.cycle == Reset::Contract && self.prorate != Proration::None {
            // The rest of a part would never be charged.
            problems.push(Problem::at(at.at("prorate"), "a fee that is charged once has no part; leave this out"));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let due = self.due(draft)?;
        if due.is_empty() {
            return Ok(());
        }
        let line = match self.per {
            Per::Contract => self.for_contract(&due, draft)?,
            Per::Printer => self.for_places(&due, draft)?,
        };
        draft.push(at, Step::Fees, Line { id: at.id(None, ""), title: self.title().to_owned(), ..line });
        Ok(())
    }

    fn lint(&self, field: &str, _terms: &Terms) -> Vec<Problem> {
        let mut odd = Vec::new();
        if self.per == Per::Contract && !self.printers.is_empty() {
            let message = "the fee is for the contract: the printers named here change nothing";
            odd.push(Problem::at(format!("{field}.printers"), message));
        }
        if self.advance && self.cycle == Reset::Period {
            let message = "a fee of each period stands on that period's statement, in advance or not";
            odd.push(Problem::at(format!("{field}.advance"), message));
        }
        odd
    }
}

/// What a place, or the contract, is charged.
struct Charge {
    amount: Money,
    /// The sum without its result: `180.00 × 19/30`.
    words: String,
    /// Whether it is the whole fee, as often as it is due.
    is_whole: bool,
}

impl BaseFee {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Base fee")
    }

    /// When it is charged: `each quarter, in advance`.
    fn when(&self) -> String {
        let each = match self.cycle {
            Reset::Contract => "once".to_owned(),
            cycle => format!("each {}", cycle.word()),
        };
        if self.advance && self.cycle != Reset::Period { format!("{each}, in advance") } else { each }
    }

    /// The length of its cycle where that is shorter than the contract's periods.
    pub(crate) fn shorter(&self, terms: &Terms) -> Option<Every> {
        let every = match self.cycle {
            Reset::Period | Reset::Contract => return None,
            Reset::Month => Every::Month,
            Reset::Quarter => Every::Quarter,
            Reset::Year => Every::Year,
        };
        Some(every).filter(|every| every.months() < terms.period.every.months())
    }

    /// What one fee each is due for: the whole period, the shorter cycles of it, or a longer one; nothing in a
    /// period in which a longer cycle neither begins nor ends.
    fn due(&self, draft: &Draft<'_>) -> Result<Vec<Period>, RatingError> {
        if self.cycle == Reset::Period {
            return Ok(vec![draft.whole()?]);
        }
        if let Some(every) = self.shorter(draft.terms) {
            return cycles(every, draft);
        }
        let at = draft.span(self.cycle)?;
        let is_due = if self.advance { at.begins } else { at.ends };
        Ok(if is_due { vec![span::whole(self.cycle, draft)?] } else { Vec::new() })
    }

    /// The time that the fee is for around the period, and how often it is charged for it; `None` where it is
    /// charged once for the contract.
    fn time(&self, draft: &Draft<'_>) -> Result<Option<(Period, i64)>, RatingError> {
        if self.cycle == Reset::Contract {
            return Ok(None);
        }
        let time = match self.shorter(draft.terms) {
            Some(every) => (draft.whole()?, i64::from(draft.terms.period.every.months() / every.months())),
            None => (span::whole(self.cycle, draft)?, 1),
        };
        Ok(Some(time))
    }

    /// The places it is charged for. A printer that is named stands for the place that it fills.
    fn places(&self, draft: &Draft<'_>) -> Vec<Place> {
        let named: BTreeSet<String> = draft.places(&self.printers).into_iter().map(|place| place.id).collect();
        let mut places = draft.places(&[]);
        places.retain(|place| named.contains(&place.id));
        places
    }

    /// The part of what is due in which a place was filled; without a place, in which the contract ran. Of what is
    /// no longer than the period only what lies in this statement.
    fn part(&self, due: Period, place: Option<&Place>, draft: &Draft<'_>) -> Result<Fraction, RatingError> {
        match self.cycle {
            Reset::Period => draft.part_of(self.prorate, due, place),
            _ if self.shorter(draft.terms).is_some() => draft.part_of(self.prorate, due, place),
            _ => span::part_of(self.prorate, due, draft, place),
        }
    }

    /// What a place, or the contract, owes for what is due. 19 of 30 days of 180.00 are 114.00 (W8).
    fn charge(&self, due: &[Period], place: Option<&Place>, draft: &Draft<'_>) -> Result<Charge, RatingError> {
        let fee = self.amount.show(draft.currency);
        let (mut amount, mut words, mut is_whole) = (Money::ZERO, Vec::new(), true);
        for due in due {
            let part = self.part(*due, place, draft)?;
            let one = part.of_money(self.amount).map_err(RatingError::at(self.title()))?;
            amount = amount.plus(one).map_err(RatingError::at(self.title()))?;
            let part = part.words();
            is_whole &= part.is_empty();
            words.push(if part.is_empty() { fee.clone() } else { format!("{fee} × {part}") });
        }
        let words = if is_whole && due.len() > 1 { format!("{} × {fee}", due.len()) } else { words.join(" + ") };
        Ok(Charge { amount, words, is_whole })
    }

    fn for_contract(&self, due: &[Period], draft: &Draft<'_>) -> Result<Line, RatingError> {
        let Charge { amount, words, is_whole } = self.charge(due, None, draft)?;
        let plain = is_whole && due.len() == 1;
        let step = if plain { words } else { format!("{words} = {}", amount.show(draft.currency)) };
        Ok(Line { detail: self.when(), amount: Some(amount), steps: vec![step], ..Line::default() })
    }

    fn for_places(&self, due: &[Period], draft: &Draft<'_>) -> Result<Line, RatingError> {
        let places = self.places(draft);
        let (currency, fee) = (draft.currency, self.amount.show(draft.currency));
        let count = if places.len() == 1 { "1 printer".to_owned() } else { format!("{} printers", places.len()) };
        let (mut sum, mut shares, mut steps) = (Money::ZERO, Vec::new(), Vec::new());
        let (mut amounts, mut all_whole) = (Vec::new(), true);
        for place in &places {
            let Charge { amount, words, is_whole } = self.charge(due, Some(place), draft)?;
            sum = sum.plus(amount).map_err(RatingError::at(self.title()))?;
            shares.extend(borne(place, amount, draft));
            all_whole &= is_whole;
            let amount = amount.show(currency);
            let result = if words == amount { amount.clone() } else { format!("{words} = {amount}") };
            steps.push(format!("{}: {result}", label_of(place, draft)));
            amounts.push(amount);
        }
        let total = sum.show(currency);
        if all_whole {
            let times = if due.len() > 1 { format!("{} × ", due.len()) } else { String::new() };
            steps = vec![format!("{count} × {times}{fee} = {total}")];
        } else if places.len() > 1 {
            steps.push(format!("{} = {total}", amounts.join(" + ")));
        }
        let detail = format!("{}, {count}", self.when());
        Ok(Line { detail, amount: Some(sum), steps, shares, ..Line::default() })
    }
}

/// The cycles of which the period has a part. The first begins no earlier than the contract; one that begins after
/// the contract's end does not stand.
fn cycles(every: Every, draft: &Draft<'_>) -> Result<Vec<Period>, RatingError> {
    let (rule, period, zone) = (PeriodRule { every, ..draft.terms.period }, draft.period(), draft.zone());
    let runs = draft.input.runs;
    let mut cycles = Vec::new();
    let mut cycle = rule.containing(period.start, zone)?;
    while cycle.start < period.end {
        let begins = runs.map_or(cycle.start, |runs| runs.from.max(cycle.start));
        let ended = runs.and_then(|runs| runs.to).is_some_and(|to| to <= begins);
        if !ended && period.cut(begins, Some(cycle.end)).is_some() {
            cycles.push(cycle);
        }
        cycle = rule.following(cycle, zone)?;
    }
    Ok(cycles)
}

/// The base fees of a place, by how many days they are for: 180.00 for the 30 days of the period, 600.00 for the
/// 365 of a year, whenever it is charged. Those of the contract are shared equally over its places; one that is
/// charged once is for no day. CL26 asks for it.
pub(crate) fn by_days(draft: &Draft<'_>, place: &Place) -> Result<BTreeMap<i64, Money>, RatingError> {
    let all = draft.places(&[]);
    let index = all.iter().position(|other| other.id == place.id);
    let mut sums: BTreeMap<i64, Money> = BTreeMap::new();
    for clause in &draft.terms.clauses {
        let Clause::BaseFee(fee) = clause else { continue };
        let Some((time, times)) = fee.time(draft)? else { continue };
        let whole = fee.amount.each(times).map_err(RatingError::at(fee.title()))?;
        let own = match fee.per {
            Per::Contract => {
                let parts = allocate(whole.0, &vec![1; all.len()]);
                index.and_then(|index| parts.get(index)).map_or(Money::ZERO, |part| Money(*part))
            }
            Per::Printer if fee.places(draft).iter().any(|own| own.id == place.id) => whole,
            Per::Printer => Money::ZERO,
        };
        let sum = sums.entry(time.days(draft.zone())?.max(1)).or_default();
        *sum = sum.plus(own).map_err(RatingError::at(fee.title()))?;
    }
    Ok(sums)
}

/// What each printer of a place bears of the place's amount: by how long it was there in the period, so
/// that a move to another site (CL21) parts a fee at its day.
pub(crate) fn borne(place: &Place, amount: Money, draft: &Draft<'_>) -> Vec<LineShare> {
    let period = draft.period();
    let stays: Vec<&PrinterUsage> = place.stays.iter().filter_map(|stay| draft.stays.get(*stay).copied()).collect();
    let time =
        |stay: &&PrinterUsage| period.cut(stay.from, stay.to).map_or(0, |part| part.end.0.saturating_sub(part.start.0));
    let times: Vec<i64> = stays.iter().map(time).collect();
    let mut shares: Vec<LineShare> = Vec::new();
    for (stay, amount) in stays.into_iter().zip(allocate(amount.0, &times)) {
        match shares.iter_mut().find(|known| known.printer == stay.id && known.site == stay.site) {
            Some(known) => known.amount = Money(known.amount.0.saturating_add(amount)),
            None => shares.push(LineShare {
                printer: stay.id.clone(),
                site: stay.site.clone(),
                quantity: 0,
                amount: Money(amount),
            }),
        }
    }
    shares
}

/// What people call a place: as the first printer in it, or by its id.
pub(crate) fn label_of(place: &Place, draft: &Draft<'_>) -> String {
    let first = place.stays.first().and_then(|stay| draft.stays.get(*stay));
    first.map(|stay| stay.label.trim()).filter(|label| !label.is_empty()).unwrap_or(&place.id).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euro() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    #[test]
    fn terms_of_before_read_and_keep_their_bytes() {
        let stored = r#"{"amount":18000,"per":"contract"}"#;
        let read: BaseFee = serde_json::from_str(stored).expect("a base fee");
        assert_eq!(read, BaseFee { amount: Money(18_000), ..BaseFee::default() });
        assert_eq!(serde_json::to_string(&read).expect("JSON"), stored);
    }

    #[test]
    fn terms_are_said_in_words() {
        let fee = BaseFee { amount: Money(18_000), ..BaseFee::default() };
        let each = BaseFee { per: Per::Printer, ..fee.clone() };
        let some = BaseFee {
            title: Some("Service".to_owned()),
            printers: vec!["A".to_owned(), "B".to_owned()],
            cycle: Reset::Quarter,
            advance: true,
            prorate: Proration::ActualDays,
            ..each
        };
        let cases = [
            (fee, vec!["Base fee: 180.00 EUR each period."]),
            (
                each,
                vec![
                    "Base fee: 180.00 EUR each period for each printer.",
                    "A printer that is in the contract for a part of the period counts whole.",
                ],
            ),
            (
                some,
                vec![
                    "Service: 180.00 EUR each quarter, in advance for each of A, B.",
                    "Of this fee, a part of a period counts by its days.",
                ],
            ),
        ];
        for (fee, expected) in cases {
            assert_eq!(fee.in_words(euro()), expected);
        }
    }

    #[test]
    fn what_changes_nothing_is_odd() {
        let fee = BaseFee { printers: vec!["A".to_owned()], advance: true, ..BaseFee::default() };
        let odd = fee.lint("clauses.0", &Terms::new(euro(), "UTC"));
        let fields: Vec<&str> = odd.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["clauses.0.printers", "clauses.0.advance"]);
    }
}
