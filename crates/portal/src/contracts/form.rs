//! The form of a contract version and its terms, both ways: pure.
//!
//! What was typed stays text until it is right, so that a wrong form can be shown again as it was.
//! Deliberately absent: who the customer is and whether a number is taken, which the handlers ask the
//! database, and clauses that the form has no fields for: [`fill`] refuses such terms.

use super::start_of_day;
use crate::shell::FormData;
use billing::{Allowance, BaseFee, Clause, Currency, Evidence, MeterKind, Money, Pattern, Per, Price, PriceList};
use billing::{Problem, Tax, Terms, UnitPrice};
use report::{Category, Instant, Share};
use std::collections::BTreeMap;

/// Rows of prices that are shown at least.
const PRICES_MIN: usize = 6;
/// Rows of prices that a contract may have.
const PRICES_MAX: usize = 60;
/// Blank rows that "more rows" adds.
const PRICES_MORE: usize = 4;
/// Characters of a media type or a tax's name.
const TEXT_MAX: usize = 120;
/// What stands before an ink colour in the field of categories.
const INK: &str = "ink/";

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The field's name in the form.
    pub(super) field: String,
    /// What is wrong, as a sentence that also says where.
    pub(super) text: String,
}

impl Wrong {
    /// Something wrong with `field`.
    pub(super) fn at(field: impl Into<String>, text: impl Into<String>) -> Wrong {
        Wrong { field: field.into(), text: text.into() }
    }
}

/// The terms that a form says and since when they hold; else everything that is wrong.
///
/// `previous` is the version before: what the form has no field for (names of lines, billed statuses)
/// stays as it was.
pub(super) fn read(form: &FormData, previous: Option<&Terms>) -> Result<(Terms, Instant), Vec<Wrong>> {
    let mut wrong = Vec::new();
    let terms = match terms(form, previous) {
        Ok(terms) => Some(terms),
        Err(found) => {
            wrong.extend(found);
            None
        }
    };
    // An unknown zone has been said already; the day is looked at in any case.
    let zone_is_known = start_of_day("2026-01-01", form.text("zone")).is_some();
    let zone = if zone_is_known { form.text("zone") } else { "UTC" };
    let starts = start_of_day(form.text("starts"), zone);
    if starts.is_none() {
        wrong.push(Wrong::at("starts", "From: say the first day, such as 2026-10-01."));
    }
    match (terms, starts) {
        (Some(terms), Some(starts)) if wrong.is_empty() => Ok((terms, starts)),
        _ => Err(wrong),
    }
}

fn terms(form: &FormData, previous: Option<&Terms>) -> Result<Terms, Vec<Wrong>> {
    let Ok(currency) = Currency::parse(form.text("currency")) else {
        return Err(vec![Wrong::at("currency", "Currency: choose one of the list.")]);
    };
    let mut wrong = Vec::new();
    let mut terms = Terms::new(currency, form.text("zone"));
    if let Some(previous) = previous {
        terms.billed_statuses = previous.billed_statuses.clone();
        terms.rounding = previous.rounding;
    }
    let (prices, numbers) = prices(form, previous, &mut wrong);
    let fee = keep(base_fee(form, currency, previous), &mut wrong);
    let allowance = keep(allowance(form), &mut wrong);
    let tax = keep(tax(form), &mut wrong);
    terms.clauses.extend(fee.map(Clause::BaseFee));
    terms.clauses.extend(allowance.map(Clause::Allowance));
    if !prices.is_empty() {
        terms.clauses.push(Clause::PriceList(PriceList { prices }));
    }
    terms.clauses.extend(tax.map(Clause::Tax));
    terms.evidence = evidence(form);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    match terms.validate() {
        Ok(()) => Ok(terms),
        Err(problems) => Err(problems.iter().map(|problem| placed(problem, &terms, &numbers)).collect()),
    }
}

fn keep<T>(read: Result<Option<T>, Wrong>, wrong: &mut Vec<Wrong>) -> Option<T> {
    match read {
        Ok(value) => value,
        Err(found) => {
            wrong.push(found);
            None
        }
    }
}

fn base_fee(form: &FormData, currency: Currency, previous: Option<&Terms>) -> Result<Option<BaseFee>, Wrong> {
    let text = form.text("base_fee");
    if text.is_empty() {
        return Ok(None);
    }
    let amount = Money::parse(text, currency).map_err(|error| Wrong::at("base_fee", format!("Base fee: {error}.")))?;
    let per = if form.text("base_fee_per") == "printer" { Per::Printer } else { Per::Contract };
    let title = previous.and_then(|terms| terms.clauses.iter().find_map(fee_of)).and_then(|fee| fee.title.clone());
    Ok(Some(BaseFee { title, amount, per }))
}

fn fee_of(clause: &Clause) -> Option<&BaseFee> {
    match clause {
        Clause::BaseFee(fee) => Some(fee),
        _ => None,
    }
}

fn allowance(form: &FormData) -> Result<Option<Allowance>, Wrong> {
    let text = form.text("allowance");
    if text.is_empty() {
        return Ok(None);
    }
    let kind = MeterKind::parse(form.text("allowance_meter"))
        .map_err(|_| Wrong::at("allowance_meter", "Included quantity: choose what is measured."))?;
    let unit = kind.unit();
    let included = unit.parse(text).ok_or_else(|| {
        Wrong::at("allowance", format!("Included quantity: say a plain number of {}, such as 400.", unit.label()))
    })?;
    let ticked = form.0.iter().filter(|(_, value)| value.as_str() == "yes");
    let ticked = ticked.filter_map(|(name, _)| name.strip_prefix("covers."));
    let categories: Vec<Category> = ticked.map(Category::new).collect();
    if !categories.is_empty() && !kind.has_category() {
        let text = format!("Included quantity: {} has no print categories; tick none.", kind.label());
        return Err(Wrong::at("allowance_meter", text));
    }
    let covers = if categories.is_empty() {
        vec![Pattern::every(kind)]
    } else {
        categories.into_iter().map(|category| of_category(kind, category)).collect()
    };
    Ok(Some(Allowance { covers, included }))
}

fn of_category(kind: MeterKind, category: Category) -> Pattern {
    Pattern { category: Some(category), ..Pattern::every(kind) }
}

/// A percentage with at most four decimals: parts per million are hundredths of a price's millionths.
fn tax(form: &FormData) -> Result<Option<Tax>, Wrong> {
    let text = form.text("tax").trim_end_matches('%').trim_end();
    if text.is_empty() {
        return Ok(None);
    }
    let millionths = UnitPrice::parse(text).ok().map(|number| number.millionths).filter(|number| number % 100 == 0);
    let rate = millionths.ok_or_else(|| Wrong::at("tax", "Tax: say a plain number of percent, such as 21 or 7.7."))?;
    let name = form.text("tax_name");
    if name.chars().count() > TEXT_MAX {
        return Err(Wrong::at("tax_name", "Name of the tax: this is too long."));
    }
    Ok(Some(Tax { name: name.to_owned(), rate: Share(rate / 100) }))
}

/// The prices of the rows that have one, each with its row's number.
fn prices(form: &FormData, previous: Option<&Terms>, wrong: &mut Vec<Wrong>) -> (Vec<Price>, Vec<usize>) {
    let mut prices = Vec::new();
    let mut numbers = Vec::new();
    for number in 1..=PRICES_MAX {
        if let Some(mut price) = keep(price(form, number), wrong) {
            price.title = previous.and_then(|terms| title_of(terms, &price.pattern));
            prices.push(price);
            numbers.push(number);
        }
    }
    (prices, numbers)
}

fn price(form: &FormData, number: usize) -> Result<Option<Price>, Wrong> {
    let name = |part: &str| format!("prices.{number}.{part}");
    let say = |part: &str, what: &str| Wrong::at(name(part), format!("Price {number}: {what}."));
    let text = form.text(&name("price"));
    if text.is_empty() {
        return Ok(None);
    }
    let kind = MeterKind::parse(form.text(&name("meter"))).map_err(|_| say("meter", "choose what is measured"))?;
    let price = UnitPrice::parse(text).map_err(|error| say("price", &error.to_string()))?;
    let mut pattern = Pattern::every(kind);
    let part = form.text(&name("category"));
    match part.strip_prefix(INK) {
        _ if part.is_empty() => {}
        Some(colour) if kind == MeterKind::Ink && !colour.is_empty() => pattern.colour = Some(colour.to_owned()),
        Some(_) => return Err(say("category", &format!("{} does not come in ink colours", kind.label()))),
        None if kind.has_category() => pattern.category = Some(Category::new(part)),
        None => return Err(say("category", &format!("{} has no print categories", kind.label()))),
    }
    let media = form.text(&name("media"));
    if media.chars().count() > TEXT_MAX {
        return Err(say("media", "the media type is too long"));
    }
    pattern.media = (!media.is_empty()).then(|| media.to_owned());
    Ok(Some(Price { title: None, pattern, price }))
}

fn title_of(terms: &Terms, pattern: &Pattern) -> Option<String> {
    price_list(terms).iter().find(|price| price.pattern == *pattern).and_then(|price| price.title.clone())
}

/// The prices of the first price list.
pub(super) fn price_list(terms: &Terms) -> &[Price] {
    let list = terms.clauses.iter().find_map(|clause| match clause {
        Clause::PriceList(list) => Some(list.prices.as_slice()),
        _ => None,
    });
    list.unwrap_or_default()
}

fn evidence(form: &FormData) -> BTreeMap<MeterKind, Evidence> {
    let counted = |kind: &MeterKind| form.text(&format!("evidence.{}", kind.word())) == Evidence::Counter.word();
    MeterKind::all().filter(counted).map(|kind| (kind, Evidence::Counter)).collect()
}

/// Finds the form's field for a problem of the terms.
fn placed(problem: &Problem, terms: &Terms, numbers: &[usize]) -> Wrong {
    let mut path = problem.field.split('.');
    let field = match (path.next(), path.next().and_then(|index| index.parse::<usize>().ok())) {
        (Some("time_zone"), _) => "zone".to_owned(),
        (Some("clauses"), Some(index)) => {
            let rest: Vec<&str> = path.collect();
            clause_field(terms.clauses.get(index), &rest, numbers)
        }
        (Some("clauses"), None) => "base_fee".to_owned(),
        _ => problem.field.clone(),
    };
    let about = match field.split('.').collect::<Vec<_>>().as_slice() {
        ["prices", number, _] => format!("Price {number}"),
        ["evidence", _] => "What counts as proof".to_owned(),
        ["zone"] => "Time zone".to_owned(),
        ["tax" | "tax_name"] => "Tax".to_owned(),
        ["allowance" | "allowance_meter"] => "Included quantity".to_owned(),
        _ => "Terms".to_owned(),
    };
    Wrong::at(field, format!("{about}: {}.", problem.message))
}

fn clause_field(clause: Option<&Clause>, rest: &[&str], numbers: &[usize]) -> String {
    match (clause, rest) {
        (Some(Clause::Allowance(_)), ["covers", ..]) => "allowance_meter".to_owned(),
        (Some(Clause::Allowance(_)), _) => "allowance".to_owned(),
        (Some(Clause::PriceList(_)), ["prices", index, part]) => {
            let number = index.parse::<usize>().ok().and_then(|index| numbers.get(index)).copied().unwrap_or(1);
            let part = if *part == "pattern" { "category" } else { "price" };
            format!("prices.{number}.{part}")
        }
        (Some(Clause::PriceList(_)), _) => "prices.1.price".to_owned(),
        (Some(Clause::Tax(_)), ["name"]) => "tax_name".to_owned(),
        (Some(Clause::Tax(_)), _) => "tax".to_owned(),
        (Some(Clause::BaseFee(_)) | None, _) => "base_fee".to_owned(),
    }
}

/// The form that says these terms; `None` when they hold what the form has no field for.
pub(super) fn fill(terms: &Terms) -> Option<FormData> {
    let mut form = FormData::default();
    let mut set = |name: String, value: String| {
        form.0.insert(name, value);
    };
    set("currency".to_owned(), terms.currency.code().to_owned());
    set("zone".to_owned(), terms.time_zone.clone());
    for clause in &terms.clauses {
        match clause {
            Clause::BaseFee(fee) => {
                let per = if fee.per == Per::Printer { "printer" } else { "contract" };
                set("base_fee".to_owned(), fee.amount.show(terms.currency));
                set("base_fee_per".to_owned(), per.to_owned());
            }
            Clause::Allowance(allowance) => {
                for (name, value) in allowance_fields(allowance) {
                    set(name, value);
                }
            }
            Clause::PriceList(list) => {
                for (index, price) in list.prices.iter().enumerate() {
                    for (part, value) in price_fields(price) {
                        set(format!("prices.{}.{part}", index + 1), value);
                    }
                }
            }
            Clause::Tax(tax) => {
                set("tax_name".to_owned(), tax.name.clone());
                let percent = UnitPrice { millionths: tax.rate.0.checked_mul(100)? };
                set("tax".to_owned(), String::from(percent));
            }
        }
    }
    for (kind, evidence) in &terms.evidence {
        set(format!("evidence.{}", kind.word()), evidence.word().to_owned());
    }
    set("starts".to_owned(), "2026-01-01".to_owned());
    let (said, _) = read(&form, Some(terms)).ok()?;
    form.0.remove("starts");
    (plain(said) == plain(terms.clone())).then_some(form)
}

fn allowance_fields(allowance: &Allowance) -> Vec<(String, String)> {
    let Some(first) = allowance.covers.first() else { return Vec::new() };
    let included = first.unit().show_exact(allowance.included);
    let number = included.split(' ').next().unwrap_or_default();
    let mut fields = vec![
        ("allowance".to_owned(), number.to_owned()),
        ("allowance_meter".to_owned(), first.meter.word().to_owned()),
    ];
    let categories = allowance.covers.iter().filter_map(|pattern| pattern.category.as_ref());
    fields.extend(categories.map(|category| (format!("covers.{}", category.id()), "yes".to_owned())));
    fields
}

fn price_fields(price: &Price) -> [(&'static str, String); 4] {
    let colour = price.pattern.colour.as_ref().map(|colour| format!("{INK}{colour}"));
    let category = price.pattern.category.as_ref().map(|category| category.id().to_owned());
    [
        ("meter", price.pattern.meter.word().to_owned()),
        ("category", category.or(colour).unwrap_or_default()),
        ("media", price.pattern.media.clone().unwrap_or_default()),
        ("price", String::from(price.price)),
    ]
}

/// The same terms in the one shape that two ways of writing them share.
fn plain(mut terms: Terms) -> Terms {
    terms.evidence.retain(|_, evidence| *evidence == Evidence::Counter);
    for clause in &mut terms.clauses {
        if let Clause::Allowance(allowance) = clause {
            allowance.covers.sort();
        }
    }
    terms
}

/// How many rows of prices to show: those with something in them, and blank ones.
pub(super) fn rows(form: &FormData) -> usize {
    let used = |number: &usize| {
        ["category", "media", "price"].iter().any(|part| !form.text(&format!("prices.{number}.{part}")).is_empty())
    };
    let last = (1..=PRICES_MAX).filter(used).max().unwrap_or(0);
    let shown = (1..=PRICES_MAX).filter(|number| form.0.contains_key(&format!("prices.{number}.price"))).count();
    let more = if form.text("more").is_empty() { 0 } else { PRICES_MORE };
    (last + 1).max(shown + more).clamp(PRICES_MIN, PRICES_MAX)
}

/// The value by which the field of categories names a part of a meter: a category, or `ink/cyan`.
pub(super) fn part_value(pattern: &Pattern) -> String {
    match (&pattern.category, &pattern.colour) {
        (Some(category), _) => category.id().to_owned(),
        (None, Some(colour)) => format!("{INK}{colour}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> FormData {
        let base = [("currency", "EUR"), ("zone", "Europe/Amsterdam"), ("starts", "2026-10-01")];
        FormData(base.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    const MONO: [(&str, &str); 3] =
        [("prices.1.meter", "area-printed"), ("prices.1.category", "mono-line"), ("prices.1.price", "0.14")];

    fn fields(pairs: &[(&str, &str)]) -> Vec<String> {
        let all: Vec<(&str, &str)> = MONO.iter().chain(pairs).copied().collect();
        read(&form(&all), None).err().unwrap_or_default().into_iter().map(|wrong| wrong.field).collect()
    }

    #[test]
    fn each_wrong_value_is_named_at_its_field() {
        let cases: [(&[(&str, &str)], &[&str]); 15] = [
            (&[], &[]),
            (&[("zone", "Mars/Olympus")], &["zone"]),
            (&[("starts", "1 October")], &["starts"]),
            (&[("currency", "XXQ")], &["currency"]),
            (&[("base_fee", "180,00")], &["base_fee"]),
            (&[("base_fee", "-1")], &["base_fee"]),
            (&[("tax", "21"), ("tax_name", "")], &["tax_name"]),
            (&[("tax", "101 %"), ("tax_name", "VAT")], &["tax"]),
            (&[("allowance", "400"), ("allowance_meter", "")], &["allowance_meter"]),
            (&[("allowance", "4OO"), ("allowance_meter", "area-printed")], &["allowance"]),
            (&[("allowance", "4"), ("allowance_meter", "pages"), ("covers.mono-line", "yes")], &["allowance_meter"]),
            (&[("prices.3.meter", "area-printed"), ("prices.3.price", "0,1x")], &["prices.3.price"]),
            (
                &[("prices.3.meter", "pages"), ("prices.3.category", "premium"), ("prices.3.price", "1")],
                &["prices.3.category"],
            ),
            (
                &[("prices.4.meter", "area-printed"), ("prices.4.category", "mono-line"), ("prices.4.price", "1")],
                &["prices.4.category"],
            ),
            (&[("evidence.area-printed", "counter")], &["evidence.area-printed"]),
        ];
        for (pairs, expected) in cases {
            assert_eq!(fields(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_form_without_a_fee_or_a_price_says_so_at_the_first_of_them() {
        let wrong = read(&form(&[]), None).unwrap_err();
        assert_eq!(wrong.iter().map(|wrong| wrong.field.as_str()).collect::<Vec<_>>(), ["base_fee"]);
    }

    fn rich() -> Terms {
        let all = [
            ("base_fee", "180.00"),
            ("base_fee_per", "printer"),
            ("allowance", "400"),
            ("allowance_meter", "area-printed"),
            ("covers.mono-line", "yes"),
            ("covers.colour-line", "yes"),
            ("prices.2.meter", "area-printed"),
            ("prices.2.category", "premium"),
            ("prices.2.media", "Satin 200 g"),
            ("prices.2.price", "2.6"),
            ("prices.3.meter", "area-printed"),
            ("prices.3.price", "0.1387"),
            ("prices.5.meter", "ink"),
            ("prices.5.category", "ink/cyan"),
            ("prices.5.price", "0.5"),
            ("tax", "7.7"),
            ("tax_name", "VAT"),
            ("evidence.ink", "counter"),
        ];
        let all: Vec<(&str, &str)> = MONO.iter().chain(&all).copied().collect();
        read(&form(&all), None).unwrap().0
    }

    #[test]
    fn terms_survive_the_form_and_back() {
        let mut terms = rich();
        for clause in &mut terms.clauses {
            match clause {
                Clause::BaseFee(fee) => fee.title = Some("Service".to_owned()),
                Clause::PriceList(list) => list.prices[0].title = Some("Plans".to_owned()),
                _ => {}
            }
        }
        terms.evidence.insert(MeterKind::Pages, Evidence::Jobs);
        let filled = fill(&terms).expect("the form has a field for all of it");
        let mut again = filled;
        again.0.insert("starts".to_owned(), "2026-11-01".to_owned());
        let (said, starts) = read(&again, Some(&terms)).unwrap();
        assert_eq!(plain(said), plain(terms));
        assert_eq!(Some(starts), Instant::parse("2026-10-31T23:00:00Z"));
    }

    #[test]
    fn terms_that_the_form_cannot_say_are_not_shown_in_part() {
        let mut terms = rich();
        let fee = BaseFee { title: None, amount: Money(1), per: Per::Contract };
        terms.clauses.insert(0, Clause::BaseFee(fee));
        assert!(fill(&terms).is_none());
    }

    #[test]
    fn more_rows_are_added_up_to_the_limit() {
        assert_eq!(rows(&form(&[])), PRICES_MIN);
        assert_eq!(rows(&form(&[("prices.9.price", "1")])), 10);
        let names: Vec<String> = (1..=10).map(|number| format!("prices.{number}.price")).collect();
        let mut pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        pairs.push(("more", "yes"));
        assert_eq!(rows(&form(&pairs)), 14);
    }
}
