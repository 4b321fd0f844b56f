//! Changes the prices of terms by a rate, or to a new one: pure.
//!
//! It works on the forms of clauses, so that a new kind of clause needs no code here: a price is a field of that
//! kind which stands beside the patterns that it is for. Deliberately absent: prices without a pattern, such as
//! the base of an index, lease payments, and allowances.

use billing::form::{self, Entries, Field, Kind};
use billing::{Clause, Money, Pattern, Terms, UnitPrice};
use report::Share;

/// The whole, in parts per million.
const WHOLE: i128 = 1_000_000;
/// Decimals that a unit price can have.
pub(super) const PLACES_MAX: u8 = 6;
/// The clause whose amount is changed together with prices, where that is asked.
const FEE: &str = "base-fee";
/// The field of it.
const FEE_AMOUNT: &str = "amount";

/// By what prices change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// By a rate, above or below zero.
    Percent(Share),
    /// To this price.
    Price(UnitPrice),
}

/// What is changed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Prices of what these patterns cover; none: all of them.
    pub(super) patterns: Vec<Pattern>,
    /// Only in clauses of this word; empty: in all.
    pub(super) clause: String,
    /// By what.
    pub(super) by: By,
    /// Decimals of a changed unit price, at most [`PLACES_MAX`].
    pub(super) places: u8,
    /// Whether a rate also changes base fees.
    pub(super) fees: bool,
}

/// A price that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changed {
    /// What it is the price of.
    pub(super) what: String,
    /// Before, without currency.
    pub(super) was: String,
    /// Now, without currency.
    pub(super) now: String,
    /// What it is for one of: `m²`; empty for an amount.
    pub(super) unit: String,
}

/// The terms with their prices changed, and what changed; `None` where nothing does.
///
/// An error where the changed terms cannot be rated, in words.
pub(super) fn reprice(terms: &Terms, change: &Change) -> Result<Option<(Terms, Vec<Changed>)>, String> {
    let (mut proposed, mut all) = (terms.clone(), Vec::new());
    for clause in &mut proposed.clauses {
        if !change.clause.is_empty() && change.clause != clause.word() {
            continue;
        }
        let mut entries = form::fill(clause, terms.currency);
        let changed = change_entries(clause, &mut entries, change, terms)?;
        if changed.is_empty() {
            continue;
        }
        all.extend(changed);
        let kind =
            Clause::of_word(clause.word()).ok_or_else(|| format!("the clause {} is not known", clause.word()))?;
        *clause = form::read(kind, &entries, terms.currency).map_err(|problems| in_words(&problems))?;
    }
    if all.is_empty() {
        return Ok(None);
    }
    proposed.validate().map_err(|problems| in_words(&problems))?;
    Ok(Some((proposed, all)))
}

fn in_words(problems: &[billing::Problem]) -> String {
    problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}

/// Changes the texts of a clause's prices; gives what changed. An error where a changed price does not fit.
fn change_entries(
    clause: &Clause,
    entries: &mut Entries,
    change: &Change,
    terms: &Terms,
) -> Result<Vec<Changed>, String> {
    let mut changed = Vec::new();
    for place in places(clause.form(), entries) {
        let covered = |pattern: &Pattern| change.patterns.iter().any(|wanted| wanted.covers(pattern));
        if !change.patterns.is_empty() && !place.patterns.iter().all(covered) {
            continue;
        }
        let Some(was) = entries.get(&place.path).and_then(|text| UnitPrice::parse(text).ok()) else { continue };
        let now = new_price(was, change).ok_or_else(|| format!("the price of {} does not fit", place.what))?;
        if now == was {
            continue;
        }
        let (was, now) = (was.show(terms.currency), now.show(terms.currency));
        entries.insert(place.path, now.clone());
        changed.push(Changed { what: place.what, was, now, unit: place.unit });
    }
    changed.extend(change_fee(clause, entries, change, terms)?);
    Ok(changed)
}

fn change_fee(
    clause: &Clause,
    entries: &mut Entries,
    change: &Change,
    terms: &Terms,
) -> Result<Option<Changed>, String> {
    let By::Percent(rate) = change.by else { return Ok(None) };
    if !change.fees || clause.word() != FEE {
        return Ok(None);
    }
    let was = entries.get(FEE_AMOUNT).and_then(|text| Money::parse(text, terms.currency).ok());
    let Some(was) = was else { return Ok(None) };
    let now = Money(raised(was.0, rate, 1).ok_or("the base fee does not fit")?);
    if now == was {
        return Ok(None);
    }
    let (was, now) = (was.show(terms.currency), now.show(terms.currency));
    entries.insert(FEE_AMOUNT.to_owned(), now.clone());
    let what = entries.get("title").cloned().unwrap_or_else(|| "Base fee".to_owned());
    Ok(Some(Changed { what, was, now, unit: String::new() }))
}

fn new_price(was: UnitPrice, change: &Change) -> Option<UnitPrice> {
    match change.by {
        By::Price(price) => Some(price),
        By::Percent(rate) => {
            let step = 10_i128.pow(u32::from(PLACES_MAX.saturating_sub(change.places)));
            raised(was.millionths, rate, step).map(|millionths| UnitPrice { millionths })
        }
    }
}

/// A number changed by a rate, to the nearest multiple of `step`, ties away from zero; `None` where it does not
/// fit.
fn raised(number: i64, rate: Share, step: i128) -> Option<i64> {
    let top = i128::from(number).checked_mul(WHOLE + i128::from(rate.0))?;
    let bottom = WHOLE * step;
    let (quotient, rest) = (top / bottom, (top % bottom).abs());
    let nearest = if rest * 2 >= bottom { quotient + top.signum() } else { quotient };
    i64::try_from(nearest.checked_mul(step)?).ok()
}

/// A price in a form.
struct Place {
    /// Its path: `price`, `prices.2.price`.
    path: String,
    what: String,
    unit: String,
    patterns: Vec<Pattern>,
}

/// The prices of a form that are for patterns.
fn places(form: &[Field], entries: &Entries) -> Vec<Place> {
    let shared = patterns(form, entries, "");
    let mut places: Vec<Place> = form.iter().filter_map(|field| place(field, form, entries, ("", &shared))).collect();
    for field in form {
        let Kind::Rows(columns) = field.kind else { continue };
        for number in 1..=rows(entries, field.path) {
            let prefix = format!("{}.{number}.", field.path);
            let own = patterns(columns, entries, &prefix);
            let is_own = !own.is_empty();
            let patterns = if is_own { &own } else { &shared };
            let found = columns.iter().filter_map(|column| place(column, columns, entries, (&prefix, patterns)));
            let numbered = |place: Place| {
                let what = if is_own { place.what } else { format!("{}, row {number}", place.what) };
                Place { what, ..place }
            };
            places.extend(found.map(numbered));
        }
    }
    places
}

/// A field as a price, where it is one, somebody filled it in, and it is for something.
fn place(field: &Field, beside: &[Field], entries: &Entries, (prefix, patterns): (&str, &[Pattern])) -> Option<Place> {
    let path = format!("{prefix}{}", field.path);
    if field.kind != Kind::Price || !entries.contains_key(&path) {
        return None;
    }
    let first = patterns.first()?;
    let labels: Vec<String> = patterns.iter().map(Pattern::label).collect();
    let labels = labels.join("; ");
    let what = if field.label == "Price" { labels } else { format!("{labels}: {}", field.label.to_lowercase()) };
    let unit = chosen_unit(beside, entries, prefix).unwrap_or_else(|| first.unit().label().to_owned());
    Some(Place { path, what, unit, patterns: patterns.to_vec() })
}

/// The label of a unit that was chosen beside a price.
fn chosen_unit(beside: &[Field], entries: &Entries, prefix: &str) -> Option<String> {
    let field = beside.iter().find(|field| field.path == "unit")?;
    let Kind::Choice(options) = field.kind else { return None };
    let word = entries.get(&format!("{prefix}{}", field.path))?;
    options.iter().find(|(known, _)| known == word).map(|(_, label)| (*label).to_owned())
}

/// The patterns that stand in the fields of a form or a row.
fn patterns(fields: &[Field], entries: &Entries, prefix: &str) -> Vec<Pattern> {
    let of_patterns = fields.iter().filter(|field| matches!(field.kind, Kind::Pattern | Kind::Patterns));
    let texts = of_patterns.filter_map(|field| entries.get(&format!("{prefix}{}", field.path)));
    texts.flat_map(|text| text.lines()).filter_map(|line| Pattern::parse(line).ok()).collect()
}

/// How many rows of a list are filled in.
fn rows(entries: &Entries, path: &str) -> u32 {
    let start = format!("{path}.");
    let numbers = entries.keys().filter_map(|path| path.strip_prefix(start.as_str())?.split('.').next()?.parse().ok());
    numbers.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::clauses::tiers::{Tier, Tiers};
    use billing::{BaseFee, Currency, Price, PriceList};

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    fn unit_price(text: &str) -> UnitPrice {
        UnitPrice::parse(text).expect("a price")
    }

    fn terms() -> Terms {
        let price = |text: &str, price: &str| Price::new(pattern(text), unit_price(price));
        let prices =
            vec![price("area-printed/mono-line", "0.14"), price("area-printed", "0.95"), price("pages", "0.05")];
        let tier = |up_to, price: &str| Tier { up_to, price: unit_price(price), ..Tier::default() };
        let tiers = Tiers {
            covers: vec![pattern("ink")],
            rows: vec![tier(Some(1_000_000_000), "0.3"), tier(None, "0.2")],
            ..Tiers::default()
        };
        let fee = BaseFee { amount: Money(18_000), ..BaseFee::default() };
        let clauses = vec![Clause::BaseFee(fee), Clause::PriceList(PriceList { prices }), Clause::Tiers(tiers)];
        Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") }
    }

    fn change(patterns: &[&str], by: By) -> Change {
        let patterns = patterns.iter().map(|text| pattern(text)).collect();
        Change { patterns, clause: String::new(), by, places: 4, fees: false }
    }

    /// What changed, as `was → now unit`.
    fn changed(change: &Change) -> Vec<String> {
        let found = reprice(&terms(), change).expect("terms");
        let found = found.map_or_else(Vec::new, |(_, changed)| changed);
        found.iter().map(|of| format!("{}: {} → {} {}", of.what, of.was, of.now, of.unit)).collect()
    }

    const THREE: By = By::Percent(Share(30_000));

    #[test]
    fn a_rate_changes_every_price_that_is_for_usage() {
        let expected = [
            "Monochrome lines, area printed: 0.14 → 0.1442 m²",
            "Area printed: 0.95 → 0.9785 m²",
            "Pages: 0.05 → 0.0515 page",
            "Ink, row 1: 0.30 → 0.309 ml",
            "Ink, row 2: 0.20 → 0.206 ml",
        ];
        assert_eq!(changed(&change(&[], THREE)), expected);
        let coarse = Change { places: 2, ..change(&["area-printed"], THREE) };
        assert_eq!(changed(&coarse), ["Area printed: 0.95 → 0.98 m²"]);
    }

    #[test]
    fn only_what_the_patterns_cover_changes() {
        let mono = changed(&change(&["area-printed/mono-line"], By::Price(unit_price("0.15"))));
        assert_eq!(mono, ["Monochrome lines, area printed: 0.14 → 0.15 m²"]);
        assert_eq!(changed(&change(&["area-printed", "ink"], THREE)).len(), 4);
        assert!(changed(&change(&["area-media"], THREE)).is_empty());
        assert!(changed(&change(&["pages"], By::Price(unit_price("0.05")))).is_empty());
        let tiers = Change { clause: "tiers".to_owned(), ..change(&[], THREE) };
        assert_eq!(changed(&tiers).len(), 2);
    }

    #[test]
    fn fees_change_by_a_rate_where_that_is_asked() {
        let fees = Change { fees: true, clause: FEE.to_owned(), ..change(&[], By::Percent(Share(-25_000))) };
        assert_eq!(changed(&fees), ["Base fee: 180.00 → 175.50 "]);
        assert!(changed(&Change { by: By::Price(unit_price("1")), ..fees }).is_empty());
    }

    #[test]
    fn all_else_of_the_terms_stays_as_it_was() {
        let before = terms();
        let there = change(&[], By::Percent(Share(1_000_000)));
        let (doubled, _) = reprice(&before, &there).expect("terms").expect("a change");
        let back = change(&[], By::Percent(Share(-500_000)));
        let (again, _) = reprice(&doubled, &back).expect("terms").expect("a change");
        assert_eq!(again, before);
        assert_ne!(doubled, before);
    }

    #[test]
    fn terms_that_cannot_be_rated_are_refused_in_words() {
        let free = change(&[], By::Percent(Share(-2_000_000)));
        assert!(reprice(&terms(), &free).is_err());
    }

    #[test]
    fn a_number_is_raised_to_the_nearest_step() {
        // Number, rate, step, expected.
        let cases = [
            (140_000, 30_000, 100, Some(144_200)),
            (140_050, 0, 100, Some(140_100)),
            (140_049, 0, 100, Some(140_000)),
            (-140_050, 0, 100, Some(-140_100)),
            (5, 100_000, 1, Some(6)),
            (i64::MAX, 1, 1, None),
            (i64::MAX, i64::MAX, 1_000_000, None),
        ];
        for (number, rate, step, expected) in cases {
            assert_eq!(raised(number, Share(rate), step), expected, "{number} {rate} {step}");
        }
    }
}
