//! Lint: what is odd about terms that can be rated, so that a slip of the hand is seen before it is billed.
//!
//! Terms are held against themselves, the version before, what others pay for the same, the printers there
//! are and the last statements. Deliberately absent: refusing anything. What cannot be rated is refused by
//! [`Terms::validate`]; each clause says itself what is odd about it alone.

mod named;
mod use_of;

use crate::clauses::Clause;
use crate::clauses::price_list::labels;
use crate::clauses::proof::{Manual, Proof};
use crate::clauses::tax::{Tax, percent};
use crate::clauses::tiers::{TierMode, Tiers};
use crate::contract::{Evidence, Step, Terms};
use crate::ledger::edges::EdgeRule;
use crate::meter::{Meter, MeterKind, Pattern, PricingUnit};
use crate::money::{Currency, Money, MoneyError, UnitPrice};
use crate::period::{Day, PeriodError};
use crate::statement::Statement;
use report::{Category, Instant};
use serde::{Deserialize, Serialize};

/// So many times a price, or one part in so many, is taken for a slip: a zero too many is ten.
const SLIP: i64 = 5;

/// Prices of others that make a median worth comparing with.
const FAMILY_MIN: usize = 3;

/// How much a remark weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It may be meant.
    #[default]
    Look,
    /// It is hardly meant.
    Wrong,
}

/// A remark on a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lint {
    /// The field by its path, such as `clauses.1.prices.0.price`.
    pub field: String,
    /// How much it weighs.
    pub level: Level,
    /// What is odd, in words for a person.
    pub text: String,
}

impl Lint {
    fn look(field: impl Into<String>, text: impl Into<String>) -> Lint {
        Lint { field: field.into(), level: Level::Look, text: text.into() }
    }

    fn wrong(field: impl Into<String>, text: impl Into<String>) -> Lint {
        Lint { level: Level::Wrong, ..Lint::look(field, text) }
    }
}

/// What terms are held against. What is not known is empty, and nothing is said of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The terms of the version before.
    pub previous: Option<&'a Terms>,
    /// What other contracts of the reseller ask for, in the same currency and for the meter's own unit.
    pub family: &'a [UnitPriceOf],
    /// The printers in the contract.
    pub printers: &'a [PrinterBrief],
    /// The last statements, in any order.
    pub last: &'a [Statement],
}

/// What another contract asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitPriceOf {
    /// The usage.
    pub pattern: Pattern,
    /// The price of the meter's own unit.
    pub price: UnitPrice,
}

/// What a printer counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterBrief {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// The meters that its jobs and counters gave so far.
    pub meters: Vec<Meter>,
    /// The media types that it printed on.
    pub media: Vec<String>,
}

/// Everything that is odd about terms, in the order of what it is held against.
pub fn lint(terms: &Terms, around: &Around<'_>) -> Vec<Lint> {
    let rates = rates(terms);
    let usage: Vec<&Rate<'_>> = rates.iter().filter(|rate| rate.of_usage).collect();
    let mut found = Vec::new();
    if usage.is_empty() {
        found.push(Lint::look("clauses", "There is no price by use: only the fees are billed."));
    }
    let by_jobs = terms.kinds().into_iter().any(|kind| terms.evidence_of(kind) == Evidence::Jobs);
    if by_jobs && terms.billed_statuses.is_empty() {
        found.push(Lint::wrong("billed_statuses", "No job is billed, whatever became of it."));
    }
    untaxed(terms, &mut found);
    both_areas(&usage, &mut found);
    open_categories(&usage, &mut found);
    free(terms, &usage, &mut found);
    idle(terms, &usage, &mut found);
    never_reached(&usage, &mut found);
    cliffs(terms, &mut found);
    if let Some(previous) = around.previous {
        since(previous, terms, &mut found);
    }
    beside_others(&usage, around.family, terms.currency, &mut found);
    printers(&usage, around.printers, &mut found);
    named::printers(terms, around, &mut found);
    use_of::allowances(terms, around, &mut found);
    use_of::minimums(terms, &usage, around, &mut found);
    for (index, clause) in terms.clauses.iter().enumerate() {
        let own = clause.lint(&format!("clauses.{index}"), terms).into_iter();
        found.extend(own.map(|problem| Lint::look(problem.field, sentence(&problem.message))));
    }
    found
}

/// What is odd about a version that begins at `begins` after the contract ended at `ended`.
pub fn gap(ended: Instant, begins: Instant, zone: &str) -> Result<Option<Lint>, PeriodError> {
    if begins <= ended {
        return Ok(None);
    }
    let (from, to) = (Day::of(ended, zone)?, Day::of(begins, zone)?);
    let text = format!("From {from} until {to} no version is in force: nothing is billed for that time.");
    Ok(Some(Lint::wrong("starts", text)))
}

/// A message as a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let stop = if message.ends_with('.') { "" } else { "." };
    first.chain(letters).chain(stop.chars()).collect()
}

/// A price of a unit, wherever it stands.
struct Rate<'a> {
    clause: usize,
    field: String,
    word: &'static str,
    /// What it is for.
    patterns: Vec<&'a Pattern>,
    per: PricingUnit,
    /// Which of the clause's prices for the same it is: the tier.
    part: String,
    price: UnitPrice,
    /// Whether usage is charged by it as such.
    of_usage: bool,
}

impl Rate<'_> {
    fn label(&self) -> String {
        self.patterns.iter().map(|pattern| pattern.label()).collect::<Vec<_>>().join("; ")
    }

    fn takes(&self, wanted: &Pattern) -> bool {
        self.patterns.iter().any(|pattern| pattern.covers(wanted))
    }

    fn is_of(&self, kind: MeterKind) -> bool {
        self.patterns.iter().any(|pattern| pattern.meter == kind)
    }
}

/// Every price of a unit, in the order of the clauses.
fn rates(terms: &Terms) -> Vec<Rate<'_>> {
    let own = |price: UnitPrice| ("price".to_owned(), price);
    let mut rates = Vec::new();
    for (index, clause) in terms.clauses.iter().enumerate() {
        let prices: Vec<(String, UnitPrice)> = match clause {
            Clause::PriceList(list) => {
                let rows = list.prices.iter().enumerate();
                rates.extend(rows.map(|(row, price)| Rate {
                    clause: index,
                    field: format!("clauses.{index}.prices.{row}.price"),
                    word: clause.word(),
                    patterns: vec![&price.pattern],
                    per: price.per(),
                    part: String::new(),
                    price: price.price,
                    of_usage: true,
                }));
                continue;
            }
            Clause::Tiers(tiers) => {
                let rows = tiers.rows.iter().enumerate();
                rows.map(|(row, tier)| (format!("rows.{row}.price"), tier.price)).collect()
            }
            Clause::Overage(overage) => vec![own(overage.price)],
            Clause::MinimumVolume(minimum) => vec![own(minimum.price)],
            Clause::Prepaid(prepaid) => vec![own(prepaid.price)],
            Clause::Surcharge(surcharge) => surcharge.price.map(own).into_iter().collect(),
            Clause::Commitment(commitment) => commitment.price.map(own).into_iter().collect(),
            _ => continue,
        };
        let patterns = covers(clause);
        let Some(per) = patterns.first().map(|pattern| pattern.unit()) else { continue };
        rates.extend(prices.into_iter().map(|(part, price)| Rate {
            clause: index,
            field: format!("clauses.{index}.{part}"),
            word: clause.word(),
            patterns: patterns.clone(),
            per,
            part,
            price,
            of_usage: clause.step() == Step::Prices,
        }));
    }
    rates
}

/// What a clause with prices covers; a surcharge or a minimum need not bill by it.
fn covers(clause: &Clause) -> Vec<&Pattern> {
    match clause {
        Clause::Surcharge(surcharge) => surcharge.covers.iter().collect(),
        Clause::MinimumVolume(minimum) => minimum.covers.iter().collect(),
        Clause::Commitment(commitment) => commitment.covers.iter().collect(),
        clause => clause.patterns(),
    }
}

/// Says that nothing is said of taxes: a statement without them is hardly meant, and is seen only when it is issued.
fn untaxed(terms: &Terms, found: &mut Vec<Lint>) {
    if terms.rule::<Tax>().is_none() {
        let text = "No clause says a tax: statements bear none, and no electronic invoice can be made of them. Add \
                    one, with a rate of 0 % and its reason where none is due.";
        found.push(Lint::wrong("clauses", text));
    }
}

fn both_areas(usage: &[&Rate<'_>], found: &mut Vec<Lint>) {
    let first = |kind| usage.iter().find(|rate| rate.is_of(kind));
    if let (Some(_), Some(media)) = (first(MeterKind::AreaPrinted), first(MeterKind::AreaMedia)) {
        let text = "Area printed and media used both have prices: the same print is charged by both.";
        found.push(Lint::look(media.field.as_str(), text));
    }
}

/// Says which well-known categories no price of a kind takes on every media type.
fn open_categories(usage: &[&Rate<'_>], found: &mut Vec<Lint>) {
    for kind in MeterKind::all().filter(|kind| kind.has_category()) {
        let Some(last) = usage.iter().rfind(|rate| rate.is_of(kind)) else { continue };
        let of = |category: &Category| Pattern { category: Some(category.clone()), ..Pattern::every(kind) };
        let open = Category::known().filter(|category| !usage.iter().any(|rate| rate.takes(&of(category))));
        let open: Vec<String> = open.map(|category| category.label().to_lowercase()).collect();
        if !open.is_empty() {
            let (label, open) = (kind.label(), open.join(", "));
            let text = format!("No price of {label} fits {open}: shown on statements, not billed.");
            found.push(Lint::look(last.field.as_str(), text));
        }
    }
}

/// Says what costs nothing. A tier may, where another does not.
fn free(terms: &Terms, usage: &[&Rate<'_>], found: &mut Vec<Lint>) {
    let costs = |index: usize| match terms.clauses.get(index) {
        Some(Clause::Tiers(tiers)) => {
            let charged = |price: UnitPrice, flat: Option<Money>| price != UnitPrice::default() || flat.is_some();
            tiers.rows.iter().any(|row| charged(row.price, row.flat))
        }
        _ => false,
    };
    for rate in usage.iter().filter(|rate| rate.price == UnitPrice::default() && !costs(rate.clause)) {
        found.push(Lint::look(rate.field.as_str(), format!("{} costs nothing.", rate.label())));
    }
}

/// Says what is included though nothing charges it.
fn idle(terms: &Terms, usage: &[&Rate<'_>], found: &mut Vec<Lint>) {
    for (index, clause) in terms.clauses.iter().enumerate() {
        let Clause::Allowance(allowance) = clause else { continue };
        let meets = |cover: &Pattern, rate: &Rate<'_>| {
            rate.patterns.iter().any(|pattern| pattern.covers(cover) || cover.covers(pattern))
        };
        for cover in allowance.covers.iter().filter(|cover| !usage.iter().any(|rate| meets(cover, rate))) {
            let text = format!("{} is included, but no price charges it.", cover.label());
            found.push(Lint::wrong(format!("clauses.{index}.covers"), text));
        }
    }
}

/// Says which prices a clause above leaves nothing for. Within one price list that is refused.
fn never_reached(usage: &[&Rate<'_>], found: &mut Vec<Lint>) {
    let mut told = Vec::new();
    for rate in usage.iter().filter(|rate| !rate.patterns.is_empty()) {
        let above = |pattern: &Pattern| usage.iter().find(|other| other.clause < rate.clause && other.takes(pattern));
        let all: Option<Vec<_>> = rate.patterns.iter().map(|pattern| above(pattern)).collect();
        // The tiers of one clause are one remark.
        let name = (rate.clause, rate.patterns.clone());
        if let Some(other) = all.as_ref().and_then(|all| all.first())
            && !told.contains(&name)
        {
            let text = format!("This price is never reached: '{}' above takes all of it.", other.label());
            found.push(Lint::wrong(rate.field.as_str(), text));
            told.push(name);
        }
    }
}

/// Says at which quantity more costs less. CL8.
fn cliffs(terms: &Terms, found: &mut Vec<Lint>) {
    for (index, clause) in terms.clauses.iter().enumerate() {
        let Clause::Tiers(tiers) = clause else { continue };
        let Some(unit) = tiers.covers.first().map(Pattern::unit) else { continue };
        // What does not fit is said when it is rated.
        if let Ok(Some((row, bound, falls))) = cliff(tiers, unit, terms.currency) {
            let [was, is] = falls.map(|amount| amount.show(terms.currency));
            let text = format!(
                "Just above {} the sum falls from {was} to {is} {}: more costs less.",
                unit.show(bound),
                terms.currency
            );
            found.push(Lint::look(format!("clauses.{index}.rows.{row}.price"), text));
        }
    }
}

/// The first bound at which the sum of all units falls: the tier above it, the bound, the sums.
fn cliff(tiers: &Tiers, unit: PricingUnit, currency: Currency) -> Result<Option<(usize, i64, [Money; 2])>, MoneyError> {
    if tiers.mode != TierMode::AllUnits {
        return Ok(None);
    }
    for (row, pair) in tiers.rows.windows(2).enumerate() {
        let [below, above] = pair else { continue };
        let Some(bound) = below.up_to else { continue };
        let at = below.price.times(bound, unit, currency)?.plus(below.flat.unwrap_or_default())?;
        let over = above.price.times(bound.saturating_add(1), unit, currency)?.plus(above.flat.unwrap_or_default())?;
        if over < at {
            return Ok(Some((row + 1, bound, [at, over])));
        }
    }
    Ok(None)
}

/// A number that a person types, and what it is called in every version.
struct Figure {
    field: String,
    name: String,
    label: String,
    value: i64,
    shown: String,
}

/// Prices, fees, what is included and the usual rate of taxes, for the comparison of two versions.
fn figures(terms: &Terms) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    for rate in rates(terms) {
        let per = rate.per.label();
        let patterns: Vec<String> = rate.patterns.iter().map(ToString::to_string).collect();
        figures.push(Figure {
            name: format!("{} {} per {per} {}", rate.word, patterns.join(" "), rate.part),
            label: rate.label(),
            value: rate.price.millionths,
            shown: format!("{} {} per {per}", rate.price.show(terms.currency), terms.currency),
            field: rate.field,
        });
    }
    for (index, clause) in terms.clauses.iter().enumerate() {
        let money = |amount: Money| (amount.0, format!("{} {}", amount.show(terms.currency), terms.currency));
        let (part, label, whose, (value, shown)) = match clause {
            Clause::BaseFee(fee) => {
                let whose = format!("{:?} {}", fee.per, fee.cycle.word());
                ("amount", fee.title.as_deref().unwrap_or("Base fee"), whose, money(fee.amount))
            }
            Clause::Lease(lease) => {
                ("amount", lease.title.as_deref().unwrap_or("Lease"), lease.payer.clone(), money(lease.amount))
            }
            Clause::Minimum(minimum) => {
                let whose = format!("{:?} {} {}", minimum.of, minimum.reset.word(), labels(&minimum.covers));
                ("amount", minimum.title.as_deref().unwrap_or("Minimum"), whose, money(minimum.amount))
            }
            Clause::Allowance(allowance) => {
                let Some(unit) = allowance.covers.first().map(Pattern::unit) else { continue };
                let whose = format!("{:?} {} {}", allowance.per, allowance.reset.word(), labels(&allowance.covers));
                ("included", "Included", whose, (allowance.included, unit.show(allowance.included)))
            }
            Clause::Tax(tax) => ("rate", tax.name.as_str(), String::new(), (tax.rate.0, percent(tax.rate))),
            _ => continue,
        };
        figures.push(Figure {
            field: format!("clauses.{index}.{part}"),
            name: format!("{} {label} {whose}", clause.word()),
            label: label.to_owned(),
            value,
            shown,
        });
    }
    figures
}

/// Whether a number is so far from another that it is taken for a slip; in words.
fn slip(value: i64, usual: i64) -> Option<String> {
    if value <= 0 || usual <= 0 {
        return None;
    }
    if value / usual >= SLIP {
        return Some(format!("{} times as much", value / usual));
    }
    (usual / value >= SLIP).then(|| format!("a part in {} of it", usual / value))
}

/// Holds terms against the version before.
fn since(previous: &Terms, terms: &Terms, found: &mut Vec<Lint>) {
    if previous.currency != terms.currency {
        let text = format!("The currency was {}. Nothing is converted, also not what is carried.", previous.currency);
        found.push(Lint::wrong("currency", text));
    } else {
        let mut before = figures(previous);
        for figure in figures(terms) {
            let Some(place) = before.iter().position(|other| other.name == figure.name) else { continue };
            let other = before.swap_remove(place);
            if let Some(words) = slip(figure.value, other.value) {
                let (label, now, was) = (figure.label, figure.shown, other.shown);
                found.push(Lint::wrong(figure.field, format!("{label}: {now} instead of {was}: {words}.")));
            }
        }
    }
    if previous.time_zone != terms.time_zone {
        let zone = &previous.time_zone;
        let text = format!("Periods were cut in {zone}: the first of this version is longer or shorter.");
        found.push(Lint::look("time_zone", text));
    }
    sources(previous, terms, found);
    for index in 0..previous.clauses.len() {
        lost(previous, index, terms, found);
    }
}

/// Says where the last period of the version before and the first of this one would not end and begin with the
/// same evidence: what lies between is billed never, or twice.
fn sources(previous: &Terms, terms: &Terms, found: &mut Vec<Lint>) {
    let place = |is: fn(&Clause) -> bool| {
        let place = terms.clauses.iter().position(is);
        place.map_or_else(|| "clauses".to_owned(), |index| format!("clauses.{index}"))
    };
    if EdgeRule::of(previous) != EdgeRule::of(terms) {
        let text = "Readings at a period's edges were found in another way: the last period may end with one reading \
                    and the first of this version begin with another. What lies between is billed never, or twice.";
        found.push(Lint::look(place(|clause| matches!(clause, Clause::Window(_))), text));
    }
    let manual = |terms: &Terms| terms.rule::<Proof>().map_or(Manual::default(), |proof| proof.manual);
    if manual(previous) != manual(terms) {
        let text = "People's readings counted otherwise: where one stands at the first start, what lies between it and \
                    the printer's own is billed never, or twice.";
        found.push(Lint::look(place(|clause| matches!(clause, Clause::Proof(_))), text));
    }
    for kind in previous.kinds().intersection(&terms.kinds()) {
        if previous.evidence_of(*kind) != terms.evidence_of(*kind) {
            let text = format!("{} was billed from other evidence: the jobs around its first start", kind.label());
            let text = format!("{text} may be billed twice, or never.");
            found.push(Lint::look(format!("evidence.{}", kind.word()), sentence(&text)));
        }
    }
}

/// Says where what a clause carries would not reach the new version, or would reach another clause.
fn lost(previous: &Terms, index: usize, terms: &Terms, found: &mut Vec<Lint>) {
    let Some(clause) = previous.clauses.get(index).filter(|clause| carries(clause)) else { return };
    let key = previous.key_of(index);
    let Some(place) = terms.index_of(&key) else {
        let text = format!("No clause is called '{key}' any more: what it carries from period to period is lost.");
        found.push(Lint::wrong("clauses", text));
        return;
    };
    let Some(heir) = terms.clauses.get(place) else { return };
    if heir.word() != clause.word() || covers(heir) != covers(clause) {
        let text = format!("This clause is called '{key}' as another was before: it takes over what that one carried.");
        found.push(Lint::look(format!("clauses.{place}.key"), text));
    }
}

/// Whether a clause leaves something to the next period.
fn carries(clause: &Clause) -> bool {
    use crate::period::Reset::Period;
    match clause {
        Clause::Allowance(allowance) => allowance.reset != Period || allowance.rolls > 0,
        Clause::Overage(overage) => overage.cycle != Period,
        Clause::Tiers(tiers) => tiers.reset != Period,
        Clause::MinimumVolume(minimum) => minimum.reset != Period,
        Clause::Minimum(minimum) => minimum.reset != Period,
        Clause::Commitment(commitment) => commitment.reset != Period,
        Clause::Consumables(consumables) => consumables.reset != Period,
        Clause::Prepaid(_) => true,
        _ => false,
    }
}

/// Holds prices against what others pay for the same.
fn beside_others(usage: &[&Rate<'_>], family: &[UnitPriceOf], currency: Currency, found: &mut Vec<Lint>) {
    for rate in usage {
        let [pattern] = rate.patterns.as_slice() else { continue };
        if rate.per != pattern.unit() {
            continue;
        }
        let others = family.iter().filter(|other| other.pattern == **pattern && other.price > UnitPrice::default());
        let mut others: Vec<UnitPrice> = others.map(|other| other.price).collect();
        others.sort_unstable();
        // Of an even number the lower of the two in the middle, so that it is a price somebody pays.
        let Some(median) = others.get(others.len().saturating_sub(1) / 2) else { continue };
        if others.len() < FAMILY_MIN {
            continue;
        }
        if let Some(words) = slip(rate.price.millionths, median.millionths) {
            let (label, price, median) = (rate.label(), rate.price.show(currency), median.show(currency));
            let text = format!("{label}: {price} {currency}, while others pay {median}: {words}.");
            found.push(Lint::wrong(rate.field.as_str(), text));
        }
    }
}

/// Says which printers count what has no price.
fn printers(usage: &[&Rate<'_>], printers: &[PrinterBrief], found: &mut Vec<Lint>) {
    for printer in printers.iter().filter(|printer| !printer.meters.is_empty() && !usage.is_empty()) {
        let on_media = |media: &str| printer.media.iter().any(|known| known == media);
        let priced = |meter: &&Meter| {
            let patterns = usage.iter().flat_map(|rate| &rate.patterns);
            let mut able = patterns.filter(|pattern| pattern.media.as_deref().is_none_or(on_media));
            able.any(|pattern| pattern.matches(meter, pattern.media.as_deref()))
        };
        let label = &printer.label;
        if !printer.meters.iter().any(|meter| priced(&meter)) {
            let text = format!("{label}: no price fits anything that it counts, so that nothing of it is billed.");
            found.push(Lint::wrong("clauses", text));
            continue;
        }
        // Well-known categories are said for all printers together.
        let own = |meter: &&Meter| meter.category().is_some_and(|of| Category::known().all(|known| known != of));
        let of_kind = |meter: &&Meter| usage.iter().any(|rate| rate.is_of(meter.kind()));
        let open = printer.meters.iter().filter(|meter| own(meter) && of_kind(meter) && !priced(meter));
        let open: Vec<String> = open.map(Meter::label).collect();
        if !open.is_empty() {
            let text = format!("{label}: no price fits {}: shown on statements, not billed.", open.join("; "));
            found.push(Lint::look("clauses", text));
        }
    }
}

#[cfg(test)]
mod tests;
