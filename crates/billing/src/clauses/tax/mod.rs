//! CL27: a tax on the sum of the lines, rounded half-up on that sum; by area and date where rules say so.
//!
//! What a printer bears of a line is taxed where the printer stood, and all else where the buyer is. Each rate,
//! kind, reason and area is one row of the statement. Deliberately absent: which law applies. The rules say
//! it, and a person wrote them.

use super::draft::Draft;
use super::{At, Checked, Clause, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money, show_exact};
use crate::period::Day;
use crate::rating::{Input, RatingError};
use crate::statement::{Line, TaxCategory, TaxRow, Taxed};
use report::{Instant, Share};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Terms of a tax. CL27.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// What the tax is called, such as "VAT".
    pub name: String,
    /// Its rate where no rule says another, parts per million: 21 % is 210 000.
    pub rate: Share,
    /// Rules of areas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<TaxRule>,
}

/// The rule of an area from a day on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRule {
    /// The tax area, or the country by ISO 3166 code; empty: every area that no other rule names.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub area: String,
    /// Since when; absent: always. The last rule that is in force on the period's last day is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// The rate, parts per million.
    #[serde(default)]
    pub rate: Share,
    /// Its kind; a rate of 0 that is called standard is a zero rate.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub category: TaxCategory,
    /// Why there is no tax, or why the buyer owes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The fields of a rule.
const RULE: &[Field] = &[
    field("area", "Area", Kind::Text).hint("a tax area or a country; empty: everywhere else"),
    field("from", "From", Kind::Day).hint("empty: always"),
    field("rate", "Rate", Kind::Percent).required(),
    field(
        "category",
        "Kind",
        Kind::Choice(&[
            ("standard", "standard rate"),
            ("zero", "zero rate"),
            ("exempt", "exempt"),
            ("reverse-charge", "reverse charge"),
            ("intra-community", "intra-community supply"),
            ("export", "export"),
            ("out-of-scope", "out of scope"),
        ]),
    ),
    field("reason", "Reason", Kind::Text).hint("why there is no tax"),
];

/// A rate in words: `21 %`, `7.7 %`.
pub(crate) fn percent(rate: Share) -> String {
    format!("{} %", show_exact(rate.0, 4, 0))
}

impl ClauseTerms for Tax {
    const FORM: &'static [Field] = &[
        field("name", "Name", Kind::Text).required(),
        field("rate", "Rate", Kind::Percent).required().hint("where no rule says another"),
        field("rows", "Rules", Kind::Rows(RULE)),
    ];
    const ABOUT: &'static str = "CL27: a tax on the sum of the lines.";

    fn step(&self) -> Step {
        Step::Tax
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let (name, rate) = (&self.name, percent(self.rate));
        if self.rows.is_empty() {
            return vec![format!("{name}: {rate} on the sum of the lines.")];
        }
        let first = format!("{name}: {rate} on the sum of the lines, where no rule of an area says otherwise.");
        let rules = self.rows.iter().map(|rule| {
            let area = if rule.area.is_empty() { "elsewhere".to_owned() } else { format!("in {}", rule.area) };
            let from = rule.from.map_or_else(String::new, |from| format!(" from {from} on"));
            let kind = match rule.category {
                TaxCategory::Standard => String::new(),
                category => format!(", {}", category.words()),
            };
            let reason = rule.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            format!("{name} {area}{from}: {}{kind}{reason}.", percent(rule.rate))
        });
        [first].into_iter().chain(rules).collect()
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.name.trim().is_empty() {
            problems.push(Problem::at(at.at("name"), "give the tax a name, such as VAT"));
        }
        if !is_rate(self.rate) {
            problems.push(Problem::at(at.at("rate"), "a tax rate lies between 0 % and 100 %"));
        }
        for (index, rule) in self.rows.iter().enumerate() {
            let field = |name: &str| at.at(&format!("rows.{index}.{name}"));
            if !is_rate(rule.rate) {
                problems.push(Problem::at(field("rate"), "a tax rate lies between 0 % and 100 %"));
            } else if rule.category != TaxCategory::Standard && rule.rate.0 != 0 {
                let message = format!("{} means a rate of 0 %", rule.category.words());
                problems.push(Problem::at(field("rate"), message));
            }
            let needs_reason = matches!(rule.category, TaxCategory::Exempt | TaxCategory::ReverseCharge);
            if needs_reason && rule.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
                problems.push(Problem::at(field("reason"), "say the reason: an invoice must name it"));
            }
            let mut above = self.rows.iter().take(index);
            if above.any(|above| (&above.area, above.from) == (&rule.area, rule.from)) {
                problems.push(Problem::at(field("from"), "a rule above is for the same area from the same day on"));
            }
        }
    }

    fn apply(&self, _at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let last = last_day(draft.input)?;
        let parts: Result<Vec<_>, _> = draft.lines().map(|line| self.parts(line, draft.input, last)).collect();
        let parts = parts?;
        let mut sums: BTreeMap<Levy, Money> = BTreeMap::new();
        if self.rows.is_empty() {
            // The tax is shown although nothing is charged.
            sums.insert(self.general(), Money::ZERO);
        }
        for (levy, base) in parts.iter().flatten() {
            let sum = sums.entry(levy.clone()).or_default();
            *sum = sum.plus(*base).map_err(RatingError::at(&self.name))?;
        }
        let first = draft.taxes.len();
        for (levy, base) in &sums {
            let amount = base.share(levy.rate).map_err(RatingError::at(&self.name))?;
            let Levy { area, category, rate, reason } = levy.clone();
            draft.taxes.push(TaxRow { name: self.name.clone(), rate, base: *base, amount, category, reason, area });
        }
        let row = |levy: &Levy| sums.keys().position(|known| known == levy).map(|index| first + index);
        for (line, parts) in draft.lines_mut().zip(parts) {
            let taxed = parts.into_iter().filter_map(|(levy, base)| Some(Taxed { row: row(&levy)?, base }));
            line.taxed = taxed.collect();
        }
        Ok(())
    }
}

/// What makes a row of taxes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Levy {
    /// The area of the rule; empty where none is named.
    area: String,
    category: TaxCategory,
    rate: Share,
    reason: Option<String>,
}

/// The day whose rules hold for a period: its last one.
fn last_day(input: &Input) -> Result<Day, RatingError> {
    Ok(Day::of(Instant(input.period.end.0.saturating_sub(1)), &input.terms.time_zone)?)
}

/// Where the buyer is, as rules of areas name it; empty where that is not known.
fn buyer(input: &Input) -> &str {
    input.parties.buyer.as_ref().map_or("", |buyer| buyer.country.as_str())
}

/// The taxes on a line that no printer bears on the statement of `input`, such as one that settles a period
/// before: a row for each tax, without amounts.
pub(crate) fn on_adjustments(input: &Input) -> Result<Vec<TaxRow>, RatingError> {
    let last = last_day(input)?;
    let taxes = input.terms.clauses.iter().filter_map(|clause| match clause {
        Clause::Tax(tax) => Some(tax),
        _ => None,
    });
    let row = |tax: &Tax| {
        let Levy { area, category, rate, reason } = tax.levy(buyer(input), last);
        TaxRow { name: tax.name.clone(), rate, category, reason, area, ..TaxRow::default() }
    };
    Ok(taxes.map(row).collect())
}

fn is_rate(rate: Share) -> bool {
    (0..=1_000_000).contains(&rate.0)
}

/// A rate of 0 without a kind of its own is a zero rate.
fn kind(category: TaxCategory, rate: Share) -> TaxCategory {
    if category == TaxCategory::Standard && rate.0 == 0 { TaxCategory::Zero } else { category }
}

impl Tax {
    /// The tax where no rule says another.
    fn general(&self) -> Levy {
        let category = kind(TaxCategory::Standard, self.rate);
        Levy { area: String::new(), category, rate: self.rate, reason: None }
    }

    /// The tax of an area on a day: by its last rule, else by the last rule for everywhere else.
    fn levy(&self, area: &str, day: Day) -> Levy {
        let last = |area: &str| {
            let of_area = self.rows.iter().filter(|rule| rule.area == area);
            of_area.filter(|rule| rule.from.is_none_or(|from| from <= day)).max_by_key(|rule| rule.from)
        };
        match last(area).or_else(|| last("")) {
            Some(rule) => Levy {
                area: rule.area.clone(),
                category: kind(rule.category, rule.rate),
                rate: rule.rate,
                reason: rule.reason.clone(),
            },
            None => self.general(),
        }
    }

    /// A line's amount by the taxes on it. A line that costs nothing has one all the same.
    fn parts(&self, line: &Line, input: &Input, day: Day) -> Result<Vec<(Levy, Money)>, RatingError> {
        let Some(amount) = line.amount else { return Ok(Vec::new()) };
        let buyer = buyer(input);
        let mut parts: BTreeMap<Levy, Money> = BTreeMap::new();
        let mut rest = amount;
        for share in &line.shares {
            let site = share.site.as_ref().and_then(|site| input.sites.get(site));
            let sum = parts.entry(self.levy(site.map_or(buyer, |site| site.tax_area()), day)).or_default();
            *sum = sum.plus(share.amount).map_err(RatingError::at(&line.id))?;
            rest = rest.minus(share.amount).map_err(RatingError::at(&line.id))?;
        }
        if line.shares.is_empty() || !rest.is_zero() {
            let sum = parts.entry(self.levy(buyer, day)).or_default();
            *sum = sum.plus(rest).map_err(RatingError::at(&line.id))?;
        }
        if parts.values().any(|part| !part.is_zero()) {
            parts.retain(|_, part| !part.is_zero());
            return Ok(parts.into_iter().collect());
        }
        Ok(parts.into_iter().take(1).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn rule(area: &str, from: Option<&str>, percent: i64) -> TaxRule {
        let (area, from, rate) = (area.to_owned(), from.map(day), Share(percent * 10_000));
        TaxRule { area, from, rate, ..TaxRule::default() }
    }

    fn tax(rows: Vec<TaxRule>) -> Tax {
        Tax { name: "VAT".to_owned(), rate: Share(210_000), rows }
    }

    #[test]
    fn terms_of_before_read_and_keep_their_bytes() {
        let stored = r#"{"name":"VAT","rate":210000}"#;
        let read: Tax = serde_json::from_str(stored).expect("a tax");
        assert_eq!(read, tax(Vec::new()));
        assert_eq!(serde_json::to_string(&read).expect("JSON"), stored);
    }

    #[test]
    fn the_last_rule_of_an_area_that_is_in_force_is_taken() {
        let tax = tax(vec![
            rule("DE", Some("2027-01-01"), 20),
            rule("DE", None, 19),
            rule("", Some("2028-01-01"), 22),
            rule("ES-CN", None, 7),
        ]);
        // Area, day, rate in percent, area of the row.
        let cases = [
            ("DE", "2026-12-31", 19, "DE"),
            ("DE", "2027-01-01", 20, "DE"),
            ("ES-CN", "2029-01-01", 7, "ES-CN"),
            ("ES", "2027-12-31", 21, ""),
            ("ES", "2028-01-01", 22, ""),
            ("", "2028-01-01", 22, ""),
        ];
        for (area, on, percent, of) in cases {
            let levy = tax.levy(area, day(on));
            assert_eq!((levy.rate.0, levy.area.as_str()), (percent * 10_000, of), "{area} on {on}");
        }
    }

    #[test]
    fn a_rate_of_nothing_is_a_zero_rate_unless_another_kind_is_named() {
        let reverse = TaxRule { category: TaxCategory::ReverseCharge, ..rule("BE", None, 0) };
        let tax = tax(vec![rule("CH", None, 0), reverse]);
        let of = |area: &str| tax.levy(area, day("2026-10-31")).category;
        assert_eq!(
            (of("CH"), of("BE"), of("NL")),
            (TaxCategory::Zero, TaxCategory::ReverseCharge, TaxCategory::Standard)
        );
    }

    #[test]
    fn terms_are_said_in_words() {
        let reason = Some("Article 196".to_owned());
        let reverse = TaxRule { category: TaxCategory::ReverseCharge, reason, ..rule("BE", None, 0) };
        let words = tax(vec![rule("DE", Some("2027-01-01"), 19), reverse]).in_words(euro());
        let expected = [
            "VAT: 21 % on the sum of the lines, where no rule of an area says otherwise.",
            "VAT in DE from 2027-01-01 on: 19 %.",
            "VAT in BE: 0 %, reverse charge: Article 196.",
        ];
        assert_eq!(words, expected);
    }

    fn euro() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }
}
