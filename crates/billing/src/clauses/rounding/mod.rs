//! CL30: how quantities are rounded: each job, each day or the whole period, to a step.
//!
//! Deliberately absent: rounding of amounts, which is a field of the terms, and the summing itself:
//! rating asks [`QuantityRounding::round`] at each point.

use super::{Checked, ClauseTerms};
use crate::contract::{Evidence, Problem, Step, Terms};
use crate::form::{Field, Kind, field};
use crate::meter::MeterKind;
use crate::money::{Currency, Direction, divide};
use serde::{Deserialize, Serialize};

/// Where a quantity is rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Each job, on each meter and media type.
    #[default]
    Job,
    /// The sum of each civil day in the contract's zone.
    Day,
    /// The sum of the period.
    Period,
}

/// Terms of the rounding of quantities. CL30.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantityRounding {
    /// The kind of meter it is for.
    pub meter: MeterKind,
    /// Where it is rounded.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub point: Point,
    /// Which way.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub direction: Direction,
    /// To whole multiples of this, in the meter's base unit.
    pub step: i64,
}

impl ClauseTerms for QuantityRounding {
    const FORM: &'static [Field] = &[
        field("meter", "Meter", Kind::Meter).required(),
        field(
            "point",
            "Rounded",
            Kind::Choice(&[("job", "each job"), ("day", "each day's sum"), ("period", "the period's sum")]),
        ),
        field("direction", "Which way", Kind::Choice(&[("half-up", "to the nearest"), ("up", "up"), ("down", "down")])),
        field("step", "To multiples of", Kind::Quantity("meter")).required(),
    ];
    const ABOUT: &'static str = "CL30: how quantities are rounded.";

    fn step(&self) -> Step {
        Step::Usage
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let what = match self.point {
            Point::Job => "of each job is",
            Point::Day => "of each day is",
            Point::Period => "of each printer is summed for the period and",
        };
        let way = match self.direction {
            Direction::HalfUp => "rounded to the nearest",
            Direction::Up => "rounded up to a multiple of",
            Direction::Down => "rounded down to a multiple of",
        };
        vec![format!("The {} {what} {way} {}.", self.meter.label(), self.meter.unit().show_exact(self.step))]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        if self.step <= 0 {
            problems.push(Problem::at(at.at("step"), "a quantity is rounded to a step above zero"));
        }
    }

    fn lint(&self, field: &str, terms: &Terms) -> Vec<Problem> {
        if self.point == Point::Period || terms.evidence_of(self.meter) == Evidence::Jobs {
            return Vec::new();
        }
        let message = format!("{} is billed from counters, which know no jobs: nothing is rounded", self.meter.label());
        vec![Problem::at(format!("{field}.point"), message)]
    }
}

impl QuantityRounding {
    /// A quantity of a meter of `kind`, in base units, rounded if this clause rounds it at `point`. Up is
    /// away from zero and down towards it, so that a correction below zero takes back what was billed:
    /// 0.019 m² down to 0.01 m² is 0.01 m², and −0.019 m² is −0.01 m².
    pub(crate) fn round(&self, kind: MeterKind, quantity: i64, point: Point) -> i64 {
        if kind != self.meter || point != self.point || self.step <= 0 {
            return quantity;
        }
        let step = i128::from(self.step);
        let rounded = divide(i128::from(quantity), step, self.direction) * step;
        // Only a quantity at the very end of what fits could be rounded out of it.
        i64::try_from(rounded).unwrap_or(quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounding(direction: Direction, step: i64) -> QuantityRounding {
        QuantityRounding { meter: MeterKind::AreaPrinted, point: Point::Job, direction, step }
    }

    #[test]
    fn quantities_are_rounded_to_multiples_of_the_step() {
        // Direction, step, quantity, rounded; mm².
        let cases = [
            (Direction::HalfUp, 10_000, 284_000, 280_000),
            (Direction::HalfUp, 10_000, 285_000, 290_000),
            (Direction::HalfUp, 10_000, -285_000, -290_000),
            (Direction::Down, 10_000, 19_000, 10_000),
            (Direction::Down, 10_000, -19_000, -10_000),
            (Direction::Up, 1_000_000, 1, 1_000_000),
            (Direction::Up, 1_000_000, 2_000_000, 2_000_000),
            (Direction::Up, 1_000_000, -1, -1_000_000),
            (Direction::Up, 1_000_000, 0, 0),
            (Direction::Up, 10, i64::MAX, i64::MAX),
        ];
        for (direction, step, quantity, expected) in cases {
            let rounded = rounding(direction, step).round(MeterKind::AreaPrinted, quantity, Point::Job);
            assert_eq!(rounded, expected, "{direction:?} {quantity}");
        }
    }

    #[test]
    fn other_meters_and_other_points_are_left_alone() {
        let rounding = rounding(Direction::Up, 1_000_000);
        assert_eq!(rounding.round(MeterKind::AreaMedia, 5, Point::Job), 5);
        assert_eq!(rounding.round(MeterKind::AreaPrinted, 5, Point::Day), 5);
    }

    #[test]
    fn terms_are_said_in_words() {
        let euro = Currency::parse("EUR").expect("a currency");
        let words = rounding(Direction::Down, 10_000).in_words(euro);
        assert_eq!(words, ["The area printed of each job is rounded down to a multiple of 0.01 m²."]);
    }
}
