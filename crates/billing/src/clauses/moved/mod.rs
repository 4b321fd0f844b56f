//! CL21: a printer that stands in another zone costs a share more on its usage.
//!
//! A move cuts a printer's stay, so that what it did before stays where it was; sites and their tax
//! areas are facts of the input. Deliberately absent: taxes of the new site (see `tax`), and the cost of
//! the move itself.

use super::draft::Draft;
use super::tax::percent;
use super::{At, Checked, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money, allocate};
use crate::rating::{Input, RatingError};
use crate::statement::{Line, LineShare};
use report::Share;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Terms of surcharges by zone. CL21.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Moved {
    /// What the lines are called; "Zone" when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The zones with a surcharge.
    pub rows: Vec<ZoneRow>,
}

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneRow {
    /// The area of the sites in it; a site without an area is in that of its country.
    pub area: String,
    /// The surcharge on the amounts of usage, parts per million: 10 % is 100 000.
    pub share: Share,
}

/// The form's fields of a [`ZoneRow`].
const ROWS: &[Field] =
    &[field("area", "Area", Kind::Text).required(), field("share", "Surcharge", Kind::Percent).required()];

impl Moved {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Zone")
    }
}

/// Who bears a surcharge: the printer and its site.
type Bearer = (String, Option<String>);

/// What usage at the sites of an area costs so far, by printer and site. Only lines of prices count:
/// neither fees nor other surcharges.
fn usage_in(area: &str, draft: &Draft<'_>) -> Result<BTreeMap<Bearer, Money>, RatingError> {
    let mut amounts: BTreeMap<Bearer, Money> = BTreeMap::new();
    for line in draft.lines().filter(|line| line.step == Some(Step::Prices)) {
        for share in line.shares.iter().filter(|share| is_in(draft.input, share.site.as_deref(), area)) {
            let sum = amounts.entry((share.printer.clone(), share.site.clone())).or_default();
            *sum = sum.plus(share.amount).map_err(RatingError::at(&line.title))?;
        }
    }
    Ok(amounts)
}

fn is_in(input: &Input, site: Option<&str>, area: &str) -> bool {
    site.and_then(|site| input.sites.get(site)).is_some_and(|site| site.tax_area() == area)
}

impl ClauseTerms for Moved {
    const FORM: &'static [Field] = &[field("rows", "Zones", Kind::Rows(ROWS)).required()];
    const ABOUT: &'static str = "CL21: a surcharge on usage at sites of a zone.";

    fn step(&self) -> Step {
        Step::Surcharges
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let zone = |row: &ZoneRow| {
            let (title, share, area) = (self.title(), percent(row.share), &row.area);
            format!("{title}: {share} on what usage costs at sites in {area}, from the day a printer stands there.")
        };
        self.rows.iter().map(zone).collect()
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.rows.is_empty() {
            problems.push(Problem::at(at.at("rows"), "say which zones have a surcharge"));
        }
        for (index, row) in self.rows.iter().enumerate() {
            let path = |name: &str| at.at(&format!("rows.{index}.{name}"));
            if row.area.trim().is_empty() {
                problems.push(Problem::at(path("area"), "say which area"));
            } else if self.rows.iter().take(index).any(|earlier| earlier.area == row.area) {
                problems.push(Problem::at(path("area"), "this area stands above already"));
            }
            if row.share.0 < 0 {
                problems.push(Problem::at(path("share"), "a surcharge cannot be below zero"));
            }
        }
        if self.title.as_deref().is_some_and(|title| title.trim().is_empty()) {
            problems.push(Problem::at(at.at("title"), "give the surcharge a name, or none at all"));
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        for (index, row) in self.rows.iter().enumerate() {
            let amounts = usage_in(&row.area, draft)?;
            let base = Money::sum(amounts.values().copied()).map_err(RatingError::at(self.title()))?;
            let amount = base.share(row.share).map_err(RatingError::at(self.title()))?;
            if amount == Money(0) {
                continue;
            }
            let weights: Vec<i64> = amounts.values().map(|amount| amount.0.max(0)).collect();
            let share =
                |((printer, site), part): (Bearer, i64)| LineShare { printer, site, quantity: 0, amount: Money(part) };
            let shares = amounts.into_keys().zip(allocate(amount.0, &weights)).map(share).collect();
            let (currency, rate) = (draft.currency, percent(row.share));
            let base = base.show(currency);
            let line = Line {
                id: at.id(Some(index + 1), ""),
                title: self.title().to_owned(),
                detail: format!("{rate} on usage in {}", row.area),
                amount: Some(amount),
                steps: vec![format!("{base} × {rate} = {}", amount.show(currency))],
                shares,
                ..Line::default()
            };
            draft.push(at, Step::Surcharges, line);
        }
        Ok(())
    }
}
