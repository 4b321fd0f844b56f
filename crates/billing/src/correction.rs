//! Corrections: what is still to be charged or given back for a period that was billed before.
//!
//! A period is rated again with what is known now, and compared with everything that was billed for it:
//! its statement, the notes on it, and lines of later statements that settle it. What differs becomes a
//! note, or an adjustment on the next statement. Deliberately absent: netting a quantity into another
//! period, deciding when to look, and any change to what was issued.
//!
//! Taxes are worked out from the parts of the lines that they are on, so that a document that settles two
//! periods counts for each with its part. A tax is settled where what it is on differs: a cent that two
//! documents round apart is not. Two taxes are the same where name, rate, kind and reason are: that a rule of an area
//! says now what was said for all areas before settles nothing. A line on a later statement is taxed as a charge of
//! that one's period, where the buyer is; where the period before was taxed otherwise, a note settles it
//! ([`needs_note`]).

use crate::clauses::tax::on_adjustments;
use crate::contract::{Problem, Step};
use crate::ledger::Mark;
use crate::meter::{Meter, PricingUnit};
use crate::money::{Currency, Money};
use crate::period::Period;
use crate::rating::{Input, Rated, RatingError, rate};
use crate::statement::{
    Adjustment, AdjustmentLine, DocumentKind, Line, LineEvidence, Reference, Statement, TaxCategory, TaxRow, Taxed,
};
use report::Share;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Facts that differ and are named in words; the others are counted.
const NAMED_MAX: usize = 6;

/// A document on which something of a period was billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billed<'a> {
    /// What the document is called.
    pub reference: Reference,
    /// The document: the statement of the period, a note on it, or a later statement that settles it.
    pub statement: &'a Statement,
}

/// A line whose amount is another than was billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineChange {
    /// The id of the line.
    pub line: String,
    /// What it is called.
    pub title: String,
    /// What was billed so far, minor units.
    pub was: Money,
    /// What it comes to now, minor units.
    pub now: Money,
    /// The quantity that was charged and that is charged now, base units; `None` where the line is not
    /// for a quantity, or where an adjustment, which says none, came between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<(i64, i64)>,
    /// The unit that its price is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<PricingUnit>,
    /// Who pays it, where that is not the customer. CL29.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// Why: estimates that were replaced, marks that came or went, facts that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
}

impl LineChange {
    /// What is to be charged; below zero, to be given back. [`outstanding`] gives only what fits.
    pub fn difference(&self) -> Money {
        Money(self.now.0.saturating_sub(self.was.0))
    }

    fn step(&self, currency: Currency) -> String {
        let [was, now, difference] = [self.was, self.now, self.difference()].map(|amount| amount.show(currency));
        format!("{now} now − {was} billed = {difference}")
    }

    /// Why, in one line.
    fn reason(&self) -> String {
        if self.why.is_empty() { "rated again".to_owned() } else { self.why.join("; ") }
    }
}

/// Rates periods that follow each other. Each is given what the one before left; the first keeps what it
/// carries. Adjustments are left out: they settle other periods.
pub fn chain(inputs: &[Input]) -> Result<Vec<Rated>, RatingError> {
    let mut all: Vec<Rated> = Vec::with_capacity(inputs.len());
    for input in inputs {
        let mut input = input.clone();
        input.adjustments.clear();
        if let Some(before) = all.last() {
            input.carry.clone_from(&before.carry);
        }
        all.push(rate(&input)?);
    }
    Ok(all)
}

/// What is still to be charged or given back for a period: `again` less everything billed for it, line by
/// line, each by its id and payer. Empty: nothing is. `billed` is in the order in which it was issued.
///
/// # Errors
///
/// The currencies differ, or a sum does not fit.
pub fn outstanding(billed: &[Billed<'_>], again: &Statement) -> Result<Vec<LineChange>, RatingError> {
    let compared = compare(billed, again)?;
    let changed = compared.iter().filter(|of| of.is != of.was);
    changed.map(|of| of.change(again.currency)).collect()
}

/// Whether what is outstanding asks for a note of its own, whatever the contract says of what is late: where a
/// line on the statement of `next` could not say it.
///
/// Another version of the contract bills the period now ([`other_terms`]): what was agreed is put right, nothing
/// came late. An estimate was replaced; somebody else pays a part; or taxes differ in another way than such a line
/// would be taxed: it is taxed as a charge of the period of `next`, where the buyer is.
///
/// # Errors
///
/// As [`outstanding`]; or the last day of `next` has no date in the zone of its terms.
pub fn needs_note(billed: &[Billed<'_>], again: &Statement, next: &Input) -> Result<bool, RatingError> {
    let replaced = |of: &Compared<'_>| {
        let estimated = |line: Option<&Line>| line.map_or(0, |line| line.estimated);
        estimated(of.before) > estimated(of.now)
    };
    let rows = on_adjustments(next)?;
    let terms = other_terms(billed, again);
    let asks = |of: &Compared<'_>| terms || of.payer.is_some() || replaced(of) || !of.is_taxed_by(&rows);
    Ok(compare(billed, again)?.iter().any(|of| of.differs() && asks(of)))
}

/// Whether another version of the contract bills a period now than the one by which it was billed last. `billed`
/// is in the order in which it was issued.
pub fn other_terms(billed: &[Billed<'_>], again: &Statement) -> bool {
    let last = billed.iter().rev().find(|of| of.statement.period == again.period);
    last.is_some_and(|last| last.statement.contract.version != again.contract.version)
}

/// The note that settles a period: a credit note where something is given back, else a debit note. Its
/// lines name those that they correct, and its taxes are those of `again` less those billed. `None` where
/// nothing is to be settled.
///
/// `first` is the document that it refers to. Where lines name several payers, see [`notes`].
pub fn note(first: &Billed<'_>, billed: &[Billed<'_>], again: &Statement) -> Result<Option<Statement>, RatingError> {
    let compared = compare(billed, again)?;
    let changed: Vec<&Compared<'_>> = compared.iter().filter(|of| of.differs()).collect();
    if changed.is_empty() {
        return Ok(None);
    }
    let taxes = taxes(billed, again, &changed)?;
    let rows: Vec<TaxKey<'_>> = taxes.iter().map(TaxKey::of).collect();
    let lines = changed.iter().map(|of| of.line(first, again.currency, &rows));
    let lines: Vec<Line> = lines.collect::<Result<_, _>>()?;
    let net = Money::sum(lines.iter().filter_map(|line| line.amount)).map_err(RatingError::at("net"))?;
    let tax = Money::sum(taxes.iter().map(|row| row.amount)).map_err(RatingError::at("taxes"))?;
    let total = net.plus(tax).map_err(RatingError::at("total"))?;
    let corrects = Reference { line: None, ..first.reference.clone() };
    let mut notes = vec![format!("This corrects {} of {}.", corrects.number, again.period_label)];
    if other_terms(billed, again) {
        notes.push(format!("The period is worked out by version {} of the contract.", again.contract.version));
    }
    Ok(Some(Statement {
        number: None,
        contract: again.contract.clone(),
        customer: again.customer.clone(),
        period: again.period,
        period_label: again.period_label.clone(),
        time_zone: again.time_zone.clone(),
        currency: again.currency,
        lines,
        net,
        taxes,
        total,
        reconciliations: Vec::new(),
        notes,
        kind: kind_of(total),
        corrects: Some(corrects),
        payer: None,
        parties: again.parties.clone(),
        issued_at: None,
        due: None,
    }))
}

/// As [`note`], one for each payer: each is a credit or a debit note by its own total, and refers to the
/// document on which that payer was billed first. Empty where nothing is to be settled.
pub fn notes(first: &Billed<'_>, billed: &[Billed<'_>], again: &Statement) -> Result<Vec<Statement>, RatingError> {
    let Some(note) = note(first, billed, again)? else { return Ok(Vec::new()) };
    let mut notes = note.split()?;
    for note in &mut notes {
        note.kind = kind_of(note.total);
        let refers = note.lines.first().and_then(|line| line.refers.as_ref());
        if let Some(refers) = refers {
            note.corrects = Some(Reference { line: None, ..refers.clone() });
        }
        let apart: Vec<String> = note.taxes.iter().filter_map(|row| rounded_apart(row, note.currency)).collect();
        note.notes.extend(apart);
    }
    Ok(notes)
}

/// Why a tax of a note is not its rate on the sum that it is on, where that is so.
fn rounded_apart(row: &TaxRow, currency: Currency) -> Option<String> {
    let alone = row.base.share(row.rate).ok().filter(|alone| *alone != row.amount)?;
    let [amount, base, alone] = [row.amount, row.base, alone].map(|amount| amount.show(currency));
    let label = row.label();
    Some(format!(
        "{label}: {amount} is the tax that is owed now less the tax that was billed, each rounded on the sum of its \
         own document. {label} on the difference of {base} alone would be {alone}."
    ))
}

fn kind_of(total: Money) -> DocumentKind {
    if total > Money::ZERO { DocumentKind::Debit } else { DocumentKind::Credit }
}

/// What settles these changes on the next statement. Each names the line of the document that was first
/// issued. Changes that another party pays belong on a note (see [`needs_note`]).
pub fn adjustment(first: &Billed<'_>, changes: &[LineChange]) -> Adjustment {
    let (currency, period) = (first.statement.currency, &first.statement.period_label);
    let lines = changes.iter().map(|change| AdjustmentLine {
        line: change.line.clone(),
        title: format!("{}, {period}", change.title),
        detail: change.reason(),
        amount: change.difference(),
        steps: vec![change.step(currency)],
    });
    Adjustment { refers: Reference { line: None, ..first.reference.clone() }, lines: lines.collect() }
}

/// What a tax is told by: rows with the same are the same tax, whatever area's rule says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TaxKey<'a> {
    name: &'a str,
    rate: Share,
    category: TaxCategory,
    reason: Option<&'a str>,
}

impl<'a> TaxKey<'a> {
    fn of(row: &'a TaxRow) -> TaxKey<'a> {
        TaxKey { name: &row.name, rate: row.rate, category: row.category, reason: row.reason.as_deref() }
    }

    fn row(self, base: Money, amount: Money, area: &str) -> TaxRow {
        TaxRow {
            name: self.name.to_owned(),
            rate: self.rate,
            base,
            amount,
            category: self.category,
            reason: self.reason.map(str::to_owned),
            area: area.to_owned(),
        }
    }
}

/// The parts of a line's amount that taxes are on, by the place of the tax. A statement that does not say
/// it was made when there was one rule for all: each of its taxes is on the whole.
fn taxed<'a>(statement: &'a Statement, line: &'a Line) -> impl Iterator<Item = (usize, Money)> + 'a {
    let said = statement.lines.iter().any(|line| !line.taxed.is_empty());
    let parts = line.taxed.iter().map(|of| (of.row, of.base));
    let whole = (0..statement.taxes.len()).filter(move |_| !said).filter_map(move |row| Some((row, line.amount?)));
    parts.chain(whole)
}

/// The period that a line is for.
fn period_of(statement: &Statement, line: &Line) -> Period {
    line.refers.as_ref().map_or(statement.period, |refers| refers.period)
}

/// The line that a line is, or that it corrects.
fn id_of(line: &Line) -> &str {
    line.refers.as_ref().and_then(|refers| refers.line.as_deref()).unwrap_or(&line.id)
}

fn is_adjustment(line: &Line) -> bool {
    line.step == Some(Step::Adjustments)
}

/// Who pays each line, by what the documents say themselves. An adjustment is put on a later statement,
/// where a clause may have given it to another payer: it settles the line of the one who owed it.
struct Payers<'a>(BTreeMap<&'a str, Option<&'a str>>);

impl<'a> Payers<'a> {
    fn of(billed: &'a [Billed<'a>], again: &'a Statement) -> Payers<'a> {
        let mut payers = BTreeMap::new();
        for statement in [again].into_iter().chain(billed.iter().map(|of| of.statement)) {
            let lines = statement.lines.iter().filter(|line| period_of(statement, line) == again.period);
            for line in lines.filter(|line| !is_adjustment(line)) {
                payers.entry(id_of(line)).or_insert(line.payer.as_deref());
            }
        }
        Payers(payers)
    }

    fn payer(&self, line: &'a Line) -> Option<&'a str> {
        let known = self.0.get(id_of(line)).filter(|_| is_adjustment(line));
        known.copied().unwrap_or(line.payer.as_deref())
    }
}

/// A line, as it was billed and as it is now.
struct Compared<'a> {
    /// Where it stands.
    place: usize,
    id: &'a str,
    payer: Option<&'a str>,
    /// What was billed on all documents.
    was: i128,
    /// What it comes to now.
    is: i128,
    /// The quantity that was charged on all documents.
    quantity: i128,
    /// Whether every document says its quantity.
    counted: bool,
    /// The line of the newest document that shows its facts.
    before: Option<&'a Line>,
    now: Option<&'a Line>,
    /// The document that billed it first.
    refers: Option<&'a Reference>,
    /// What each tax is on now, less what it was on.
    bases: BTreeMap<TaxKey<'a>, i128>,
}

/// Lays what was billed for the period of `again` beside it; in the order of its lines, then of those that
/// were billed and are no more.
fn compare<'a>(billed: &'a [Billed<'a>], again: &'a Statement) -> Result<Vec<Compared<'a>>, RatingError> {
    if let Some(other) = billed.iter().find(|of| of.statement.currency != again.currency) {
        let message = format!("the amounts billed are in {}; they are not converted", other.statement.currency);
        return Err(RatingError::Terms(vec![Problem::at("currency", message)]));
    }
    let payers = Payers::of(billed, again);
    let mut all: BTreeMap<(&'a str, Option<&'a str>), Compared<'a>> = BTreeMap::new();
    let now = [(again, None)].into_iter();
    for (statement, reference) in now.chain(billed.iter().map(|of| (of.statement, Some(&of.reference)))) {
        for line in statement.lines.iter().filter(|line| period_of(statement, line) == again.period) {
            // What is rated again settles nothing.
            if reference.is_none() && line.refers.is_some() {
                continue;
            }
            let (id, payer, place) = (id_of(line), payers.payer(line), all.len());
            let of = all.entry((id, payer)).or_insert_with(|| Compared::new(place, id, payer));
            of.add(statement, line, reference);
        }
    }
    let mut all: Vec<Compared<'a>> = all.into_values().collect();
    all.sort_by_key(|of| of.place);
    Ok(all)
}

impl<'a> Compared<'a> {
    fn new(place: usize, id: &'a str, payer: Option<&'a str>) -> Compared<'a> {
        Compared {
            place,
            id,
            payer,
            was: 0,
            is: 0,
            quantity: 0,
            counted: true,
            before: None,
            now: None,
            refers: None,
            bases: BTreeMap::new(),
        }
    }

    /// Adds a line of a document; without a reference, of what is rated now.
    fn add(&mut self, statement: &'a Statement, line: &'a Line, reference: Option<&'a Reference>) {
        let amount = i128::from(line.amount.unwrap_or_default().0);
        let sign = if reference.is_some() { -1 } else { 1 };
        for (row, base) in taxed(statement, line) {
            if let Some(row) = statement.taxes.get(row) {
                *self.bases.entry(TaxKey::of(row)).or_default() += sign * i128::from(base.0);
            }
        }
        let Some(reference) = reference else {
            self.is += amount;
            self.now = self.now.or(Some(line));
            return;
        };
        self.was += amount;
        self.quantity += i128::from(line.quantity.unwrap_or(0));
        self.counted &= !is_adjustment(line);
        if !is_adjustment(line) {
            self.before = Some(line);
        }
        if line.refers.is_none() {
            self.refers = self.refers.or(Some(reference));
        }
    }

    /// Whether the amount, or what a tax is on, is another.
    fn differs(&self) -> bool {
        self.is != self.was || self.bases.values().any(|base| *base != 0)
    }

    /// Whether what differs of its taxes is what a line for the difference, taxed by `rows`, makes up for.
    fn is_taxed_by(&self, rows: &[TaxRow]) -> bool {
        let mut left = self.bases.clone();
        for row in rows {
            *left.entry(TaxKey::of(row)).or_default() -= self.is - self.was;
        }
        left.values().all(|base| *base == 0)
    }

    /// The line as it is, else as it was.
    fn known(&self) -> Option<&'a Line> {
        self.now.or(self.before)
    }

    fn change(&self, currency: Currency) -> Result<LineChange, RatingError> {
        let (was, now) = (money(self.was, self.id)?, money(self.is, self.id)?);
        // So that the difference fits too.
        now.minus(was).map_err(RatingError::at(self.id))?;
        let line = self.known();
        let quantity = |line: Option<&Line>| line.and_then(|line| line.quantity);
        let says = self.counted && (quantity(self.now).is_some() || quantity(self.before).is_some());
        let charged = i64::try_from(self.quantity).ok().filter(|_| says);
        let unit = |line: &Line| line.unit.or(line.pattern.as_ref().map(|pattern| pattern.unit()));
        Ok(LineChange {
            line: self.id.to_owned(),
            title: line.map_or_else(|| self.id.to_owned(), |line| line.title.clone()),
            was,
            now,
            quantity: charged.map(|charged| (charged, quantity(self.now).unwrap_or(0))),
            unit: line.and_then(unit),
            payer: self.payer.map(str::to_owned),
            why: why(self.before, self.now, currency),
        })
    }

    /// The line of a note. It shows the facts as they are now, and charges the difference; `rows` are the
    /// note's taxes.
    fn line(&self, first: &Billed<'_>, currency: Currency, rows: &[TaxKey<'_>]) -> Result<Line, RatingError> {
        let change = self.change(currency)?;
        let mut taxed = Vec::new();
        for (key, base) in self.bases.iter().filter(|(_, base)| **base != 0) {
            if let Some(row) = rows.iter().position(|row| row == key) {
                taxed.push(Taxed { row, base: money(*base, self.id)? });
            }
        }
        let now = self.now.cloned().unwrap_or_default();
        let mut steps = now.steps;
        steps.push(change.step(currency));
        let refers = self.refers.unwrap_or(&first.reference).clone();
        Ok(Line {
            detail: change.reason(),
            amount: Some(change.difference()),
            quantity: change.quantity.and_then(|(was, now)| now.checked_sub(was)),
            unit: change.unit,
            unit_price: None,
            steps,
            shares: Vec::new(),
            clause: self.known().and_then(|line| line.clause.clone()),
            step: self.known().and_then(|line| line.step),
            pattern: self.known().and_then(|line| line.pattern.clone()),
            taxed,
            refers: Some(Reference { line: Some(change.line.clone()), ..refers }),
            id: change.line,
            title: change.title,
            payer: change.payer,
            ..now
        })
    }
}

fn money(amount: i128, what: &str) -> Result<Money, RatingError> {
    i64::try_from(amount).map(Money).map_err(|_| RatingError::Overflow { what: what.to_owned() })
}

/// A tax, and who pays it.
type Owed<'a> = (Option<&'a str>, TaxKey<'a>);

/// The taxes of a note: what they are on now less what they were on, and their amounts likewise. Those of
/// `again` first, in its order.
fn taxes(billed: &[Billed<'_>], again: &Statement, changed: &[&Compared<'_>]) -> Result<Vec<TaxRow>, RatingError> {
    let payers = Payers::of(billed, again);
    let mut amounts = tax_amounts(again, again.period, &payers)?;
    for of in billed {
        for (owed, amount) in tax_amounts(of.statement, again.period, &payers)? {
            *amounts.entry(owed).or_default() -= amount;
        }
    }
    // Base and amount, of the taxes that a changed line is under.
    let mut sums: BTreeMap<TaxKey<'_>, (i128, i128)> = BTreeMap::new();
    let mut seen: BTreeSet<Owed<'_>> = BTreeSet::new();
    for of in changed {
        for (key, base) in of.bases.iter().filter(|(_, base)| **base != 0) {
            let sum = sums.entry(*key).or_default();
            sum.0 += base;
            if seen.insert((of.payer, *key)) {
                sum.1 += amounts.get(&(of.payer, *key)).copied().unwrap_or(0);
            }
        }
    }
    let first = again.taxes.iter().map(TaxKey::of).filter(|key| sums.contains_key(key));
    let mut order: Vec<TaxKey<'_>> = Vec::new();
    for key in first.chain(sums.keys().copied()) {
        if !order.contains(&key) {
            order.push(key);
        }
    }
    // Whose rule it is now, else whose it was.
    let mut areas: BTreeMap<TaxKey<'_>, &str> = BTreeMap::new();
    for known in again.taxes.iter().chain(billed.iter().flat_map(|of| &of.statement.taxes)) {
        areas.entry(TaxKey::of(known)).or_insert(known.area.as_str());
    }
    let row = |key: TaxKey<'_>| {
        let (base, amount) = sums.get(&key).copied().unwrap_or_default();
        let area = areas.get(&key).copied().unwrap_or_default();
        Ok::<_, RatingError>(key.row(money(base, key.name)?, money(amount, key.name)?, area))
    };
    order.into_iter().map(row).collect()
}

/// The taxes that a document charges for a period, by payer. A tax that is only on that is the document's
/// own amount; of a tax that is on more, the part is worked out.
fn tax_amounts<'a>(
    statement: &'a Statement,
    period: Period,
    payers: &Payers<'a>,
) -> Result<BTreeMap<Owed<'a>, i128>, RatingError> {
    let mut amounts: BTreeMap<Owed<'a>, i128> = BTreeMap::new();
    for (place, row) in statement.taxes.iter().enumerate() {
        // The parts of the tax by (whether it is of the period, payer).
        let mut parts: BTreeMap<(bool, Option<&'a str>), i128> = BTreeMap::new();
        for line in &statement.lines {
            for (_, base) in taxed(statement, line).filter(|(row, _)| *row == place) {
                let of_period = period_of(statement, line) == period;
                *parts.entry((of_period, payers.payer(line))).or_default() += i128::from(base.0);
            }
        }
        let alone = parts.len() == 1;
        for ((_, payer), base) in parts.into_iter().filter(|((of_period, _), _)| *of_period) {
            let part = money(base, &row.name)?.share(row.rate).map_err(RatingError::at(&row.name))?;
            let amount = if alone { row.amount } else { part };
            *amounts.entry((payer, TaxKey::of(row))).or_default() += i128::from(amount.0);
        }
    }
    Ok(amounts)
}

/// Why a line is another now.
fn why(before: Option<&Line>, now: Option<&Line>, currency: Currency) -> Vec<String> {
    let (before, now) = match (before, now) {
        (Some(before), Some(now)) => (before, now),
        (None, _) => return vec!["not billed before".to_owned()],
        (_, None) => return vec!["no longer charged".to_owned()],
    };
    let mut why: Vec<String> = estimates(before, now).into_iter().collect();
    let said = |mark: &&Mark| **mark != Mark::Estimated;
    why.extend(now.marks.difference(&before.marks).filter(said).map(|mark| format!("now {}", mark.words())));
    why.extend(before.marks.difference(&now.marks).filter(said).map(|mark| format!("no longer {}", mark.words())));
    // A note does not say the price: it charges a difference.
    if let (Some(was), Some(price)) = (before.unit_price, now.unit_price)
        && was != price
    {
        why.push(format!("price {} instead of {}", price.show(currency), was.show(currency)));
    }
    why.extend(facts_that_differ(before, now));
    why
}

/// What became of what was estimated. CL14.
fn estimates(before: &Line, now: &Line) -> Option<String> {
    let unit = |line: &Line| line.sources.first().map(|source| source.meter.unit()).or(line.unit);
    let unit = unit(now).or(unit(before));
    let show = |quantity: i64| unit.map_or_else(|| quantity.to_string(), |unit| unit.show(quantity));
    let (was, is) = (show(before.estimated), show(now.estimated));
    match (before.estimated, now.estimated) {
        (was, now) if was == now => None,
        (_, 0) => Some(format!("estimate of {was} replaced by readings")),
        (0, _) => Some(format!("{is} are estimated")),
        _ => Some(format!("{is} are estimated instead of {was}")),
    }
}

/// What proves a line, added up by printer, meter, media type and kind of proof.
type Facts<'a> = BTreeMap<(&'a str, &'a Meter, Option<&'a str>, Proof), (u64, i128)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Proof {
    Jobs,
    Counter,
    Sum,
}

/// What proves a line, but for estimates, which are said apart.
fn facts(line: &Line) -> Facts<'_> {
    let mut facts = Facts::new();
    for source in &line.sources {
        let (proof, jobs) = match source.evidence {
            LineEvidence::Jobs { count, .. } => (Proof::Jobs, count),
            LineEvidence::Counter { .. } => (Proof::Counter, 0),
            LineEvidence::Sum { jobs, .. } => (Proof::Sum, jobs),
            LineEvidence::Estimate { .. } => continue,
        };
        let sum = facts.entry((source.label.as_str(), &source.meter, source.media.as_deref(), proof)).or_default();
        sum.0 = sum.0.saturating_add(jobs);
        sum.1 += i128::from(source.evidence.quantity());
    }
    facts
}

fn facts_that_differ(before: &Line, now: &Line) -> Vec<String> {
    let (was, is) = (facts(before), facts(now));
    let keys: BTreeSet<_> = was.keys().chain(is.keys()).copied().collect();
    let mut differ = Vec::new();
    for key @ (label, meter, media, proof) in keys {
        let words = |&(jobs, quantity): &(u64, i128)| {
            let shown = i64::try_from(quantity).map_or_else(|_| "more".to_owned(), |sum| meter.unit().show(sum));
            match (proof, jobs) {
                (Proof::Counter, _) => format!("{shown} counted"),
                (Proof::Jobs, 1) => format!("1 job with {shown}"),
                (Proof::Jobs, jobs) => format!("{jobs} jobs with {shown}"),
                (Proof::Sum, jobs) => format!("{jobs} jobs known as a sum of {shown}"),
            }
        };
        let media = media.map_or_else(String::new, |media| format!(" on {media}"));
        let whose = format!("{label}, {}{media}", meter.label());
        match (was.get(&key), is.get(&key)) {
            (Some(was), Some(is)) if was != is => {
                differ.push(format!("{whose}: {} instead of {}", words(is), words(was)));
            }
            (None, Some(is)) => differ.push(format!("{whose}: {}, not billed before", words(is))),
            (Some(was), None) => differ.push(format!("{whose}: {} no longer count", words(was))),
            _ => {}
        }
    }
    let rest = differ.len().saturating_sub(NAMED_MAX);
    if rest > 0 {
        differ.truncate(NAMED_MAX);
        differ.push(format!("{rest} more"));
    }
    differ
}

#[cfg(test)]
mod tests;
