//! CL25: a minimum term, and what it costs to leave before its end.
//!
//! A term that ends is renewed unless notice was given in time. What leaving costs is the rest of the
//! term, month by month, or a row of a declining table. Deliberately absent: notice itself, which is a
//! fact of the input, and claims for damages.

use super::draft::Draft;
use super::price_list::check_title;
use super::{At, Checked, ClauseTerms, PriceMut};
use crate::contract::{Problem, Step, Terms};
use crate::events::ExitFact;
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money};
use crate::period::{Day, PeriodError, time_zone};
use crate::rating::RatingError;
use crate::statement::Line;
use serde::{Deserialize, Serialize};

/// Months of a term, or of a renewal, at most.
const MONTHS_MAX: u32 = 1_200;

/// Days of notice at most.
const NOTICE_MAX: u32 = 3_660;

/// What leaving costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// An amount for each month that is left; a begun one counts whole.
    #[default]
    Remaining,
    /// The amount of a table, by how many months have begun.
    Table,
}

/// Terms of leaving. CL25.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// What the line is called; "Leaving before the end" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The minimum term, in months.
    pub months: u32,
    /// Its first day.
    pub first: Day,
    /// How many days before the end of a term notice must be given.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub notice_days: u32,
    /// For how many months the term is renewed without notice; 0: it ends.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub renew_months: u32,
    /// What leaving costs.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub how: How,
    /// The amount of a month that is left, minor units.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub amount: Money,
    /// The table, by rising months; after its last row leaving costs nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<ExitRow>,
}

/// What leaving costs up to a month of the term.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExitRow {
    /// Up to this month of the term, from 1; included.
    pub up_to_month: u32,
    /// The amount, minor units.
    pub amount: Money,
}

/// The form's fields of an [`ExitRow`].
const ROWS: &[Field] = &[
    field("up_to_month", "Up to month", Kind::Count).required().hint("of the term, included"),
    field("amount", "Amount", Kind::Money).required(),
];

impl ClauseTerms for Exit {
    const FORM: &'static [Field] = &[
        field("months", "Minimum term", Kind::Count).required().hint("months"),
        field("first", "First day", Kind::Day).required(),
        field("notice_days", "Notice", Kind::Count).hint("days before the end of the term"),
        field("renew_months", "Renewed for", Kind::Count).hint("months, where no notice was given; 0: it ends"),
        field(
            "how",
            "Leaving costs",
            Kind::Choice(&[("remaining", "an amount for each month left"), ("table", "the amount of the table")]),
        ),
        field("amount", "Amount of a month", Kind::Money),
        field("rows", "Table", Kind::Rows(ROWS)),
    ];
    const ABOUT: &'static str = "CL25: a minimum term, and what leaving before its end costs.";

    fn step(&self) -> Step {
        Step::Fees
    }

    fn in_words(&self, currency: Currency) -> Vec<String> {
        let mut words = vec![format!("The minimum term is {} from {}.", months(self.months), self.first)];
        let notice = self.notice_days;
        words.push(match (self.renew_months, notice) {
            (0, _) => "After that the contract can be left at any time.".to_owned(),
            (renewed, 0) => {
                let renewed = months(renewed);
                format!("It is renewed for {renewed} each time, unless notice was given before its end.")
            }
            (renewed, _) => {
                let renewed = months(renewed);
                format!("It is renewed for {renewed} each time, unless notice was given {notice} days before its end.")
            }
        });
        let show = |amount: Money| format!("{} {currency}", amount.show(currency));
        words.push(match self.how {
            How::Remaining => {
                let amount = show(self.amount);
                format!("Leaving before the end costs {amount} for each month that is left; a begun one counts whole.")
            }
            How::Table => {
                let row = |row: &ExitRow| format!("up to month {} {}", row.up_to_month, show(row.amount));
                let rows: Vec<String> = self.rows.iter().map(row).collect();
                format!("Leaving costs {}; later nothing.", rows.join(", "))
            }
        });
        words
    }

    fn prices(&mut self) -> Vec<PriceMut<'_>> {
        vec![PriceMut::Fee(&mut self.amount)]
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        check_title(self.title.as_deref(), at.at("title"), problems);
        for (path, said) in [("months", self.months), ("renew_months", self.renew_months)] {
            if said > MONTHS_MAX {
                problems.push(Problem::at(at.at(path), format!("a term lasts at most {MONTHS_MAX} months")));
            }
        }
        if self.notice_days > NOTICE_MAX {
            problems.push(Problem::at(at.at("notice_days"), format!("notice is at most {NOTICE_MAX} days")));
        }
        if self.amount < Money::ZERO {
            problems.push(Problem::at(at.at("amount"), "an amount cannot be below zero"));
        }
        if self.how == How::Table && self.rows.is_empty() {
            problems.push(Problem::at(at.at("rows"), "say what leaving costs, month by month"));
        }
        let mut below = 0;
        for (index, row) in self.rows.iter().enumerate() {
            if row.up_to_month <= below {
                let message = "months rise from row to row, from 1 on";
                problems.push(Problem::at(at.at(&format!("rows.{index}.up_to_month")), message));
            }
            if row.amount < Money::ZERO {
                let message = "an amount cannot be below zero";
                problems.push(Problem::at(at.at(&format!("rows.{index}.amount")), message));
            }
            below = row.up_to_month;
        }
    }

    fn apply(&self, at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let input = draft.input;
        let Some(exit) = input.events.exit else { return Ok(()) };
        let (first, last) = draft.period().dates(&time_zone(draft.zone())?)?;
        if exit.on < first || last < exit.on {
            return Ok(());
        }
        let due = self.due(&exit)?;
        let (amount, step) = match &due {
            Due::Months { left, .. } => {
                let amount = self.amount.each(i64::from(*left)).map_err(RatingError::at(self.title()))?;
                let (one, all) = (self.amount.show(draft.currency), amount.show(draft.currency));
                (amount, format!("{} × {one} = {all}", months(*left)))
            }
            Due::Row { amount, .. } => (*amount, amount.show(draft.currency)),
        };
        if amount.is_zero() {
            draft.notes.push(format!("The customer leaves on {}: {}, nothing is due for it.", exit.on, due.words()));
            return Ok(());
        }
        let breach = if exit.breach { ", by a breach" } else { "" };
        let line = Line {
            id: at.id(None, ""),
            title: self.title().to_owned(),
            detail: format!("left on {}{breach}; {}", exit.on, due.words()),
            amount: Some(amount),
            steps: vec![step],
            ..Line::default()
        };
        draft.push(at, Step::Fees, line);
        Ok(())
    }

    fn lint(&self, field: &str, _terms: &Terms) -> Vec<Problem> {
        let mut odd = Vec::new();
        if self.how == How::Remaining && self.amount.is_zero() {
            odd.push(Problem::at(format!("{field}.amount"), "leaving before the end costs nothing"));
        }
        if self.renew_months == 0 && self.notice_days > 0 {
            let message = "the term is not renewed, so that notice changes nothing";
            odd.push(Problem::at(format!("{field}.notice_days"), message));
        }
        odd
    }
}

/// What leaving costs, by what.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// By the months that are left of the term, which ends with the day `last`.
    Months { left: u32, last: Day },
    /// By the month of the term.
    Row { month: u32, amount: Money },
}

impl Due {
    fn words(&self) -> String {
        match self {
            Due::Months { left: 0, last } => format!("the term ends on {last}"),
            Due::Months { left, last } => format!("{} left of the term until {last}", months(*left)),
            Due::Row { month, .. } => format!("in month {month} of the term"),
        }
    }
}

impl Exit {
    fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Leaving before the end")
    }

    /// The day so many months after the first.
    fn after(&self, months: u32) -> Result<Day, PeriodError> {
        self.first.plus_months(i32::try_from(months).unwrap_or(i32::MAX))
    }

    /// What the customer owes. 14 months of a term are left, at 300.00 each: 4 200.00 (W24).
    fn due(&self, exit: &ExitFact) -> Result<Due, PeriodError> {
        if self.how == How::Table {
            let mut month = 0;
            while self.after(month)? <= exit.on {
                month += 1;
            }
            let row = self.rows.iter().find(|row| month <= row.up_to_month);
            return Ok(Due::Row { month, amount: row.map_or(Money::ZERO, |row| row.amount) });
        }
        // `on` is the last day; the months that are left begin with the next.
        let leaving = exit.on.plus_days(1)?;
        let end = self.end_for(leaving, exit.noticed)?;
        let mut left = 0_u32;
        while leaving.plus_months(i32::try_from(left).unwrap_or(i32::MAX))? < end {
            left += 1;
        }
        Ok(Due::Months { left, last: end.plus_days(-1)? })
    }

    /// The first day after the term that counts for a customer who leaves: a term that ended by then was
    /// renewed, unless notice was given in time.
    fn end_for(&self, leaving: Day, noticed: Option<Day>) -> Result<Day, PeriodError> {
        let mut term = self.months;
        let mut end = self.after(term)?;
        while end <= leaving && self.renew_months > 0 {
            if let Some(noticed) = noticed
                && noticed <= self.notice_by(end)?
            {
                break;
            }
            term = term.saturating_add(self.renew_months);
            end = self.after(term)?;
        }
        Ok(end)
    }

    /// The last day to give notice of a term that ends before `end`.
    fn notice_by(&self, end: Day) -> Result<Day, PeriodError> {
        end.plus_days(i32::try_from(self.notice_days).map_or(i32::MIN, |days| -days))
    }

    /// What is to be remembered of the term up to a day: the last days to give notice, and when the term
    /// is renewed or ends. In the order of the days.
    pub fn dates(&self, until: Day) -> Vec<(Day, String)> {
        let mut dates = Vec::new();
        let mut term = self.months;
        while let Ok(end) = self.after(term) {
            let Ok(notice) = self.notice_by(end) else { break };
            if notice > until {
                break;
            }
            if self.renew_months == 0 {
                dates.push((end, "The minimum term has ended.".to_owned()));
                break;
            }
            let renewed = months(self.renew_months);
            dates.push((notice, format!("Last day to give notice; else the term is renewed for {renewed}.")));
            dates.push((end, format!("The term is renewed for {renewed}, unless notice was given.")));
            term = term.saturating_add(self.renew_months);
        }
        dates.retain(|(day, _)| *day <= until);
        dates.sort_by_key(|(day, _)| *day);
        dates
    }
}

fn months(count: u32) -> String {
    if count == 1 { "1 month".to_owned() } else { format!("{count} months") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn exit() -> Exit {
        Exit {
            months: 36,
            first: day("2025-01-01"),
            notice_days: 60,
            renew_months: 12,
            amount: Money(30_000),
            ..Exit::default()
        }
    }

    #[test]
    fn what_is_left_of_a_term_counts_in_begun_months() {
        // The last day, the day of notice, months left, the last day of the term.
        let cases = [
            ("2026-10-31", None, 14, "2027-12-31"),
            ("2026-10-30", None, 15, "2027-12-31"),
            ("2026-11-15", None, 14, "2027-12-31"),
            ("2027-12-30", None, 1, "2027-12-31"),
            ("2027-12-31", Some("2027-11-02"), 0, "2027-12-31"),
            ("2027-12-31", Some("2027-11-03"), 12, "2028-12-31"),
            ("2027-12-31", None, 12, "2028-12-31"),
            ("2029-06-30", Some("2028-10-01"), 0, "2028-12-31"),
        ];
        for (on, noticed, left, last) in cases {
            let fact = ExitFact { on: day(on), noticed: noticed.map(day), breach: false };
            assert_eq!(exit().due(&fact), Ok(Due::Months { left, last: day(last) }), "{on} {noticed:?}");
        }
    }

    #[test]
    fn a_table_goes_by_the_month_that_is_running() {
        let row = |up_to_month: u32, amount: i64| ExitRow { up_to_month, amount: Money(amount) };
        let table = Exit { how: How::Table, rows: vec![row(12, 300_000), row(24, 150_000)], ..exit() };
        // The last day, its month of the term, the amount.
        let cases = [
            ("2025-01-01", 1, 300_000),
            ("2025-12-31", 12, 300_000),
            ("2026-01-01", 13, 150_000),
            ("2026-12-31", 24, 150_000),
            ("2027-01-01", 25, 0),
        ];
        for (on, month, amount) in cases {
            let fact = ExitFact { on: day(on), noticed: None, breach: false };
            assert_eq!(table.due(&fact), Ok(Due::Row { month, amount: Money(amount) }), "{on}");
        }
    }

    #[test]
    fn notice_and_renewal_are_dates_to_remember() {
        let dates: Vec<String> =
            exit().dates(day("2029-06-30")).into_iter().map(|(day, what)| format!("{day} {what}")).collect();
        let expected = [
            "2027-11-02 Last day to give notice; else the term is renewed for 12 months.",
            "2028-01-01 The term is renewed for 12 months, unless notice was given.",
            "2028-11-02 Last day to give notice; else the term is renewed for 12 months.",
            "2029-01-01 The term is renewed for 12 months, unless notice was given.",
        ];
        assert_eq!(dates, expected);
        let once = Exit { renew_months: 0, ..exit() };
        assert_eq!(once.dates(day("2030-01-01")), [(day("2028-01-01"), "The minimum term has ended.".to_owned())]);
    }
}
