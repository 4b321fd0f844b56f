//! CL16: what a part of a period is worth, as an exact fraction.
//!
//! Deliberately absent: which clause is prorated and how (a field of the clause), and rounding: a
//! fraction is applied to a quantity or an amount once, half-up.

use crate::money::{Money, MoneyError, divide_half_up};
use crate::period::{Day, Period, PeriodError, time_zone};
use serde::{Deserialize, Serialize};

/// How a part of a period is measured. CL16.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proration {
    /// Not at all: a part counts whole.
    #[default]
    None,
    /// By civil days: 19 of 30.
    ActualDays,
    /// By days of months that all have 30 (30E/360: the 31st is the 30th).
    Thirty360,
    /// By calendar months, a part of a month by its days.
    Months,
}

impl Proration {
    /// The words a contract shows.
    pub fn words(self) -> &'static str {
        match self {
            Proration::None => "a part of a period counts whole",
            Proration::ActualDays => "a part of a period counts by its days",
            Proration::Thirty360 => "a part of a period counts by days of months of 30",
            Proration::Months => "a part of a period counts by months, and within a month by its days",
        }
    }
}

/// A part of a whole, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fraction {
    /// The part.
    pub top: i128,
    /// The whole; above zero.
    pub bottom: i128,
}

impl Fraction {
    /// All of it.
    pub const ONE: Fraction = Fraction { top: 1, bottom: 1 };

    /// This part of a quantity, rounded half-up to the base unit: 19/30 of 400 m² are 253.333333 m².
    pub fn of(self, quantity: i64) -> Result<i64, MoneyError> {
        let top = i128::from(quantity).checked_mul(self.top).ok_or(MoneyError::Overflow)?;
        i64::try_from(divide_half_up(top, self.bottom.max(1))).map_err(|_| MoneyError::Overflow)
    }

    /// This part of an amount, rounded half-up to the minor unit: 19/30 of 180.00 are 114.00 (W8).
    pub fn of_money(self, amount: Money) -> Result<Money, MoneyError> {
        self.of(amount.0).map(Money)
    }

    /// The fraction as a step shows it: `19/30`; nothing for the whole.
    pub fn words(self) -> String {
        if self.top == self.bottom { String::new() } else { format!("{}/{}", self.top, self.bottom) }
    }
}

/// The part of `whole` that `parts` are, in `zone`. Parts must not overlap; where two meet on one civil
/// date, the date counts once.
pub fn fraction(rule: Proration, parts: &[Period], whole: Period, zone: &str) -> Result<Fraction, PeriodError> {
    if rule == Proration::None {
        return Ok(Fraction::ONE);
    }
    let zone = time_zone(zone)?;
    let parts: Vec<(Day, Day)> = parts.iter().map(|part| part.dates(&zone)).collect::<Result<_, _>>()?;
    let parts = apart(parts);
    let measure = match rule {
        Proration::Months => month_parts,
        Proration::Thirty360 => thirty_days,
        Proration::None | Proration::ActualDays => actual_days,
    };
    let mut top = 0;
    for (first, last) in parts {
        top += measure(first, last)?;
    }
    let (first, last) = whole.dates(&zone)?;
    // A whole without a 30/360 day is the 31st alone.
    let bottom = measure(first, last)?.max(1);
    if rule != Proration::Months {
        return Ok(Fraction { top, bottom });
    }
    let common = greatest_common(top, bottom);
    Ok(Fraction { top: top / common, bottom: bottom / common })
}

/// Spans of dates in order, without a date twice.
fn apart(mut parts: Vec<(Day, Day)>) -> Vec<(Day, Day)> {
    parts.sort_unstable();
    let mut apart: Vec<(Day, Day)> = Vec::with_capacity(parts.len());
    for (first, last) in parts {
        match apart.last_mut() {
            Some((_, known)) if first <= *known => *known = last.max(*known),
            _ => apart.push((first, last)),
        }
    }
    apart
}

/// Civil dates from the first to the last.
fn actual_days(first: Day, last: Day) -> Result<i128, PeriodError> {
    Ok(i128::from(first.days_until(last)) + 1)
}

/// Days of months of 30 from the first date to the one after the last.
fn thirty_days(first: Day, last: Day) -> Result<i128, PeriodError> {
    let place = |day: Day| i128::from(day.year()) * 360 + i128::from(day.month()) * 30 + i128::from(day.day()).min(30);
    Ok(place(last.plus_days(1)?) - place(first))
}

/// The least number that 28, 29, 30 and 31 divide: parts of a month are counted in these.
const MONTH_PARTS: i128 = 377_580;

/// Each calendar month is [`MONTH_PARTS`], a part of one by its days.
fn month_parts(first: Day, last: Day) -> Result<i128, PeriodError> {
    let (mut at, mut parts) = (first, 0);
    loop {
        let length = i128::from(at.days_in_month());
        let end = Day::new(at.year(), at.month(), at.days_in_month())?;
        parts += (i128::from(at.days_until(end.min(last))) + 1) * (MONTH_PARTS / length);
        if last <= end {
            return Ok(parts);
        }
        at = end.plus_days(1)?;
    }
}

/// The greatest common divisor; 1 for two zeros.
fn greatest_common(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::Instant;

    const ZONE: &str = "Europe/Amsterdam";

    /// From the first date to before the second.
    fn span(from: &str, to: &str) -> Period {
        let start = |text: &str| Day::parse(text).expect("a day").start(ZONE).expect("a midnight");
        Period::new(start(from), start(to)).expect("a span")
    }

    fn part(rule: Proration, parts: &[Period], whole: Period) -> String {
        fraction(rule, parts, whole, ZONE).expect("a fraction").words()
    }

    #[test]
    fn a_printer_that_joins_on_the_12th_of_september_counts_19_of_30_days() {
        let (joined, september) = (span("2026-09-12", "2026-10-01"), span("2026-09-01", "2026-10-01"));
        let days = fraction(Proration::ActualDays, &[joined], september, ZONE).expect("a fraction");
        assert_eq!(days.words(), "19/30");
        assert_eq!(days.of_money(Money(18_000)), Ok(Money(11_400)));
        assert_eq!(days.of(400_000_000), Ok(253_333_333));
        assert_eq!(part(Proration::None, &[joined], september), "");
    }

    #[test]
    fn a_year_is_cut_by_days_or_by_months() {
        // W8c: 20 days of March, three months, 22 days of July, in a year of 366 days.
        let (year, stay) = (span("2028-01-01", "2029-01-01"), span("2028-03-12", "2028-07-23"));
        let days = fraction(Proration::ActualDays, &[stay], year, ZONE).expect("a fraction");
        assert_eq!((days.words().as_str(), days.of(500_000)), ("133/366", Ok(181_694)));
        let months = fraction(Proration::Months, &[stay], year, ZONE).expect("a fraction");
        assert_eq!((months.words().as_str(), months.of(500_000)), ("45/124", Ok(181_452)));
    }

    #[test]
    fn months_of_thirty_days_add_up() {
        let cases = [
            ("2026-09-12", "2026-10-01", "19/30"),
            ("2026-02-15", "2026-03-01", "16/30"),
            ("2026-01-31", "2026-02-01", "1/30"),
            ("2026-01-16", "2026-02-01", "15/30"),
        ];
        for (from, to, expected) in cases {
            let month = crate::period::month_of(span(from, to).start, ZONE).expect("a month");
            let whole = Period::of_month(month, ZONE).expect("a month");
            assert_eq!(part(Proration::Thirty360, &[span(from, to)], whole), expected, "{from}");
        }
        let quarter = span("2026-01-01", "2026-04-01");
        assert_eq!(part(Proration::Thirty360, &[span("2026-01-01", "2026-03-01")], quarter), "60/90");
    }

    #[test]
    fn a_whole_is_one_by_every_rule_and_parts_add_up_to_it() {
        let rules = [Proration::ActualDays, Proration::Thirty360, Proration::Months];
        for (from, cut, to) in [
            ("2026-10-01", "2026-10-20", "2026-11-01"),
            ("2026-09-15", "2026-10-02", "2026-10-15"),
            ("2028-01-01", "2028-02-29", "2029-01-01"),
        ] {
            let whole = span(from, to);
            for rule in rules {
                assert_eq!(part(rule, &[whole], whole), "", "{rule:?} from {from}");
                assert_eq!(part(rule, &[span(cut, to), span(from, cut)], whole), "", "{rule:?} in parts");
                assert_eq!(fraction(rule, &[], whole, ZONE).map(|none| none.of(7)), Ok(Ok(0)), "{rule:?} of none");
            }
        }
    }

    #[test]
    fn a_date_on_which_one_leaves_and_another_comes_counts_once() {
        let october = span("2026-10-01", "2026-11-01");
        let noon = Instant::parse("2026-10-10T10:00:00Z").expect("an instant");
        let later = Instant::parse("2026-10-10T14:00:00Z").expect("an instant");
        let parts =
            [Period::new(october.start, noon), Period::new(later, october.end)].map(|part| part.expect("a part"));
        assert_eq!(part(Proration::ActualDays, &parts, october), "");
    }

    #[test]
    fn a_product_that_does_not_fit_is_an_error() {
        let huge = Fraction { top: i128::MAX, bottom: 1 };
        assert_eq!(huge.of(2), Err(MoneyError::Overflow));
        assert_eq!(Fraction { top: 2, bottom: 1 }.of(i64::MAX), Err(MoneyError::Overflow));
    }
}
