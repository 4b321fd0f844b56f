//! CL29: who pays which lines. A line goes to other parties by shares; what is left stays with the customer.
//!
//! Parts of a line add up to it to the minor unit. What proves its usage stands on the first part only, so
//! that no fact stands twice on a statement. Deliberately absent: documents for each payer, which
//! [`crate::Statement::split`] makes, and who the parties are, which the input says.

use super::draft::Draft;
use super::tax::percent;
use super::{At, Checked, Clause, ClauseTerms};
use crate::contract::{Problem, Step};
use crate::form::{Field, Kind, field};
use crate::money::{Currency, Money, allocate};
use crate::rating::RatingError;
use crate::statement::{Line, LineShare};
use report::Share;
use serde::{Deserialize, Serialize};

/// All of a line, parts per million.
const WHOLE: i64 = 1_000_000;

/// What stands between a line's id and the party that pays a part of it.
const PAID_BY: &str = " → ";

/// Terms of who pays. CL29.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payers {
    /// Who pays what.
    #[serde(default)]
    pub rows: Vec<PayerRow>,
}

/// What one party pays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayerRow {
    /// The key of the clause whose lines it pays; empty: of all clauses that no row names.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub clause: String,
    /// The party, by the name that the contract's parties have.
    #[serde(default)]
    pub party: String,
    /// Its share of each line, parts per million.
    #[serde(default)]
    pub share: Share,
}

/// The fields of one row.
const ROW: &[Field] = &[
    field("clause", "Lines of", Kind::Text).hint("a clause by its name; empty: all that no row names"),
    field("party", "Paid by", Kind::Text).required(),
    field("share", "Share", Kind::Percent).required(),
];

impl ClauseTerms for Payers {
    const FORM: &'static [Field] =
        &[field("rows", "Payers", Kind::Rows(ROW)).required().hint("what is left of 100 % stays with the customer")];
    const ABOUT: &'static str = "CL29: who pays which lines.";

    fn step(&self) -> Step {
        Step::Payers
    }

    fn in_words(&self, _currency: Currency) -> Vec<String> {
        let named = self.rows.iter().any(|row| !row.clause.is_empty());
        let rows = self.rows.iter().map(|row| {
            let of = match row.clause.as_str() {
                "" if named => "all other lines".to_owned(),
                "" => "all lines".to_owned(),
                clause => format!("the lines of {clause}"),
            };
            format!("{} pays {} of {of}.", row.party, percent(row.share))
        });
        rows.collect()
    }

    fn validate(&self, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        let first = at.terms.clauses.iter().position(|clause| matches!(clause, Clause::Payers(_)));
        if first.is_some_and(|first| at.field != format!("clauses.{first}")) {
            problems.push(Problem::at(at.field.as_str(), "a clause above says who pays; a contract has one"));
        }
        if self.rows.is_empty() {
            problems.push(Problem::at(at.at("rows"), "say who pays what, or leave the clause out"));
        }
        for (index, row) in self.rows.iter().enumerate() {
            self.check_row(index, row, at, problems);
        }
    }

    fn apply(&self, _at: &At<'_>, draft: &mut Draft<'_>) -> Result<(), RatingError> {
        let currency = draft.currency;
        draft.replace_lines(|line| self.split(line, currency));
        Ok(())
    }
}

impl Payers {
    fn check_row(&self, index: usize, row: &PayerRow, at: &Checked<'_>, problems: &mut Vec<Problem>) {
        let field = |name: &str| at.at(&format!("rows.{index}.{name}"));
        let clause = at.terms.index_of(&row.clause).and_then(|index| at.terms.clauses.get(index));
        match clause {
            None if !row.clause.is_empty() => {
                problems.push(Problem::at(field("clause"), "no clause of this contract has that name"));
            }
            Some(Clause::Lease(lease)) if !lease.payer.is_empty() => {
                let message = "this lease says itself who pays it; say it there or here";
                problems.push(Problem::at(field("clause"), message));
            }
            _ => {}
        }
        if row.party.trim().is_empty() {
            problems.push(Problem::at(field("party"), "name the party that pays"));
        }
        let of_clause = || self.rows.iter().take(index).filter(move |above| above.clause == row.clause);
        if of_clause().any(|above| above.party == row.party) {
            problems.push(Problem::at(field("party"), "a row above gives this party its share already"));
        }
        let above = of_clause().fold(0_i64, |sum, above| sum.saturating_add(above.share.0));
        if !(1..=WHOLE).contains(&row.share.0) {
            problems.push(Problem::at(field("share"), "a share lies above 0 % and reaches 100 % at most"));
        } else if above.saturating_add(row.share.0) > WHOLE {
            problems.push(Problem::at(field("share"), "the shares of a clause are more than 100 %"));
        }
    }

    /// The rows for the lines of a clause: those that name it, else those for all others.
    fn rows_for(&self, clause: &str) -> Vec<&PayerRow> {
        let own: Vec<&PayerRow> = self.rows.iter().filter(|row| row.clause == clause).collect();
        if own.is_empty() { self.rows.iter().filter(|row| row.clause.is_empty()).collect() } else { own }
    }

    /// A line in parts: the customer's, then each party's. 50.00 by 40 % and 60 % are 20.00 and 30.00 (W20).
    fn split(&self, line: Line, currency: Currency) -> Vec<Line> {
        // A lease may name its payer itself.
        let Some(whole) = line.amount.filter(|_| line.payer.is_none()) else { return vec![line] };
        let rows = match &line.clause {
            Some(clause) => self.rows_for(clause),
            None => return vec![self.settled(line)],
        };
        let given = rows.iter().fold(0_i64, |sum, row| sum.saturating_add(row.share.0));
        let own = (None, Share(WHOLE.saturating_sub(given).max(0)));
        let payers: Vec<(Option<&str>, Share)> =
            [own].into_iter().chain(rows.iter().map(|row| (Some(row.party.as_str()), row.share))).collect();
        let weights: Vec<i64> = payers.iter().map(|(_, share)| share.0).collect();
        let parts = payers.into_iter().zip(allocate(whole.0, &weights));
        // The customer has no part in what others pay whole, nor in what rounds to nothing.
        let stands = |payer: Option<&str>, share: Share, part: i64| {
            payer.is_some() || (share.0 > 0 && (part != 0 || whole.is_zero()))
        };
        let parts: Vec<(Option<&str>, Share, Money)> = parts
            .filter(|((payer, share), part)| stands(*payer, *share, *part))
            .map(|((payer, share), part)| (payer, share, Money(part)))
            .collect();
        if let [(payer, _, _)] = parts.as_slice() {
            return vec![to(*payer, line)];
        }
        let piece = |(index, (payer, share, part)): (usize, (Option<&str>, Share, Money))| {
            to(payer, part_of(&line, share, part, index == 0, currency))
        };
        parts.into_iter().enumerate().map(piece).collect()
    }

    /// What settles a line of a period before is paid by who paid that line.
    fn settled(&self, line: Line) -> Line {
        let refers = line.refers.as_ref().and_then(|refers| refers.line.as_deref());
        let party = refers.and_then(|id| id.rsplit_once(PAID_BY)).map(|(_, party)| party);
        let known = party.filter(|party| self.rows.iter().any(|row| row.party == **party)).map(str::to_owned);
        Line { payer: known, ..line }
    }
}

/// The line as the party's; as it is where the customer pays it.
fn to(payer: Option<&str>, line: Line) -> Line {
    match payer {
        Some(party) => Line { id: format!("{}{PAID_BY}{party}", line.id), payer: Some(party.to_owned()), ..line },
        None => line,
    }
}

/// A part of a line. Its amount is no product of quantity and price any more, so that neither stands on it.
fn part_of(line: &Line, share: Share, part: Money, with_facts: bool, currency: Currency) -> Line {
    let whole = line.amount.unwrap_or_default().show(currency);
    let percent = percent(share);
    let mut steps = line.steps.clone();
    steps.push(format!("{percent} × {whole} = {}", part.show(currency)));
    let facts = if with_facts {
        line.clone()
    } else {
        Line {
            id: line.id.clone(),
            title: line.title.clone(),
            pattern: line.pattern.clone(),
            clause: line.clause.clone(),
            step: line.step,
            marks: line.marks.clone(),
            refers: line.refers.clone(),
            ..Line::default()
        }
    };
    Line {
        detail: format!("{}, {percent} of {whole}", line.detail),
        quantity: None,
        unit_price: None,
        amount: Some(part),
        steps,
        shares: shares_of(&line.shares, part, with_facts),
        ..facts
    }
}

/// What printers bear of a part of a line: as they bear the line.
fn shares_of(shares: &[LineShare], part: Money, with_facts: bool) -> Vec<LineShare> {
    let weights: Vec<i64> = shares.iter().map(|share| share.amount.0.saturating_abs()).collect();
    let parts = shares.iter().zip(allocate(part.0, &weights));
    let share = |(share, part): (&LineShare, i64)| LineShare {
        quantity: if with_facts { share.quantity } else { 0 },
        amount: Money(part),
        ..share.clone()
    };
    parts.map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Period;
    use crate::statement::Reference;
    use report::Instant;

    fn row(clause: &str, party: &str, percent: i64) -> PayerRow {
        PayerRow { clause: clause.to_owned(), party: party.to_owned(), share: Share(percent * 10_000) }
    }

    fn euro() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    fn line(amount: i64) -> Line {
        let share = |printer: &str, quantity: i64, amount: i64| LineShare {
            printer: printer.to_owned(),
            site: None,
            quantity,
            amount: Money(amount),
        };
        Line {
            id: "3".to_owned(),
            clause: Some("price-list.1".to_owned()),
            amount: Some(Money(amount)),
            used: Some(9),
            quantity: Some(9),
            shares: vec![share("A", 4, amount / 4), share("B", 5, amount - amount / 4)],
            ..Line::default()
        }
    }

    #[test]
    fn the_parts_of_a_line_and_of_its_shares_add_up() {
        let payers = Payers { rows: vec![row("", "Bank", 33), row("", "Vendor", 33)] };
        for amount in [10_001, -10_001, 1, -1, 0, 7] {
            let parts = payers.split(line(amount), euro());
            assert_eq!(parts.iter().filter_map(|part| part.amount).map(|part| part.0).sum::<i64>(), amount);
            assert_eq!(parts.iter().filter_map(|part| part.used).sum::<i64>(), 9, "facts stand once");
            for part in &parts {
                let borne: i64 = part.shares.iter().map(|share| share.amount.0).sum();
                assert_eq!(Some(Money(borne)), part.amount, "{amount}: {}", part.id);
            }
            let quantity: i64 = parts.iter().flat_map(|part| &part.shares).map(|share| share.quantity).sum();
            assert_eq!(quantity, 9);
        }
    }

    #[test]
    fn a_row_that_names_the_clause_goes_before_those_for_all_others() {
        let payers = Payers { rows: vec![row("", "Bank", 100), row("price-list.1", "Vendor", 100)] };
        let parts = payers.split(line(100), euro());
        let of: Vec<_> = parts.iter().map(|part| (part.id.as_str(), part.payer.as_deref(), part.quantity)).collect();
        assert_eq!(of, [("3 → Vendor", Some("Vendor"), Some(9))]);
    }

    #[test]
    fn what_settles_a_line_is_paid_by_who_paid_it() {
        let payers = Payers { rows: vec![row("", "Bank", 40)] };
        let period = Period { start: Instant(0), end: Instant(1) };
        // The line that is settled, who pays.
        let cases = [("3 → Bank", Some("Bank")), ("3", None), ("3 → Nobody", None)];
        for (id, payer) in cases {
            let (number, statement) = ("S-0001".to_owned(), "1".to_owned());
            let refers = Some(Reference { number, statement, period, line: Some(id.to_owned()) });
            let parts = payers.split(Line { clause: None, refers, ..line(100) }, euro());
            assert_eq!(parts.iter().map(|part| part.payer.as_deref()).collect::<Vec<_>>(), [payer], "{id}");
        }
    }

    #[test]
    fn terms_are_said_in_words() {
        let payers = Payers { rows: vec![row("lease.1", "Bank", 100), row("", "Vendor", 60)] };
        let words = payers.in_words(euro());
        assert_eq!(words, ["Bank pays 100 % of the lines of lease.1.", "Vendor pays 60 % of all other lines."]);
    }
}
