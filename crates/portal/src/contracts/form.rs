//! The form of a contract version and its terms, both ways: pure.
//!
//! What stands around the clauses is read here. A clause is what its own list of fields says, so that a new
//! kind of clause needs nothing in this module. What was typed stays text until it is right, and a form that is
//! drawn again holds all of it. Deliberately absent: HTML, who the customer is, and whether a number is taken,
//! which the handlers ask the database.

mod kinds;
mod place;
#[cfg(test)]
mod tests;

pub(super) use kinds::Traits;
pub(super) use place::{of_terms, said};

use super::start_of_day;
use crate::shell::FormData;
use billing::form::{Entries, Field, Kind};
use billing::{Clause, ClauseKind, Currency, Every, Evidence, MeterKind, PeriodRule, Rounding, Step, Terms};
use report::{Instant, JobStatus};
use std::collections::{BTreeMap, BTreeSet};

/// Clauses of a contract at most.
pub(super) const CLAUSES_MAX: usize = 64;
/// Bytes of the form at most.
pub(super) const FORM_BYTES_MAX: usize = 256 * 1024;
/// Characters of the note to a version.
const NOTE_MAX: usize = 500;
/// Where amounts may be rounded, by the word in the form.
pub(super) const ROUNDINGS: [(&str, Rounding); 3] =
    [("line-half-up", Rounding::LineHalfUp), ("line-up", Rounding::LineUp), ("line-down", Rounding::LineDown)];
/// How long periods may be.
pub(super) const LENGTHS: [Every; 3] = [Every::Month, Every::Quarter, Every::Year];

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

/// What the pressed button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// The version is to be kept.
    Save,
    /// What it means is to be shown; nothing is kept.
    Preview,
    /// The form itself was changed and is to be shown again.
    Redraw,
}

/// A clause as it stands in the form.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// What kind of clause it is.
    pub(super) kind: ClauseKind,
    /// Its texts by path; its rows are numbered from 1 without a gap.
    pub(super) entries: Entries,
    /// The list of which more blank rows were asked for.
    pub(super) more: Option<&'static str>,
}

/// The lists of rows of a kind of clause, with their columns.
pub(super) fn lists(kind: ClauseKind) -> impl Iterator<Item = (&'static str, &'static [Field])> {
    kind.form.iter().filter_map(|field| match field.kind {
        Kind::Rows(columns) => Some((field.path, columns)),
        _ => None,
    })
}

/// A path such as `rows.2.price`, taken apart; `None` where it names no column of a list.
fn cell(kind: ClauseKind, path: &str) -> Option<(&'static str, u32, &str)> {
    let (first, rest) = path.split_once('.')?;
    let (number, column) = rest.split_once('.')?;
    let (list, columns) = lists(kind).find(|(list, _)| *list == first)?;
    let number = number.parse().ok()?;
    columns.iter().any(|known| known.path == column).then_some((list, number, column))
}

/// Whether a column tells that its row was filled in: a choice always holds something on a page.
fn tells(column: &Field) -> bool {
    !matches!(column.kind, Kind::Choice(_) | Kind::Flag)
}

/// Whether a row says nothing, by the rule that the billing crate reads rows by.
fn is_blank(columns: &[Field], row: &Entries) -> bool {
    let only_choices = !columns.iter().any(tells);
    let is_empty = |column: &Field| row.get(column.path).is_none_or(|text| text.trim().is_empty());
    columns.iter().filter(|column| only_choices || tells(column)).all(is_empty)
}

impl Piece {
    /// A clause of these texts. Blank rows fall out, so that emptying a row takes it away.
    pub(super) fn new(kind: ClauseKind, entries: Entries) -> Piece {
        let mut kept = Entries::new();
        let mut rows: BTreeMap<(&'static str, u32), Entries> = BTreeMap::new();
        for (path, text) in entries {
            if let Some((list, number, column)) = cell(kind, &path) {
                rows.entry((list, number)).or_default().insert(column.to_owned(), text);
            } else {
                kept.insert(path, text);
            }
        }
        for (list, columns) in lists(kind) {
            let of_list = rows.range((list, 0)..=(list, u32::MAX)).map(|(_, row)| row);
            for (number, row) in (1_u32..).zip(of_list.filter(|row| !is_blank(columns, row))) {
                for (column, text) in row {
                    kept.insert(format!("{list}.{number}.{column}"), text.clone());
                }
            }
        }
        Piece { kind, entries: kept, more: None }
    }

    /// The text at a path; empty when absent.
    pub(super) fn text(&self, path: &str) -> &str {
        self.entries.get(path).map_or("", |text| text.trim())
    }

    /// How many rows of a list say something.
    pub(super) fn rows(&self, list: &str) -> usize {
        let number = |path: &String| -> Option<usize> {
            path.strip_prefix(list)?.strip_prefix('.')?.split('.').next()?.parse().ok()
        };
        self.entries.keys().filter_map(number).max().unwrap_or(0)
    }

    /// The clause that it says in that currency.
    pub(super) fn clause(&self, currency: Currency) -> Option<Clause> {
        billing::form::read(self.kind, &self.entries, currency).ok()
    }
}

/// What stands in a form.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    /// What stands beside the clauses, by name.
    pub(super) head: FormData,
    /// The clauses in their order.
    pub(super) pieces: Vec<Piece>,
}

/// A field's name such as `clauses.3.rows.1.price`: the number of the clause, and the path in it.
fn clause_name(name: &str) -> Option<(usize, &str)> {
    let (number, path) = name.strip_prefix("clauses.")?.split_once('.')?;
    Some((number.parse().ok()?, path))
}

impl Draft {
    /// What a sent form holds; of clauses beyond the limit one, so that they are refused and cost nothing.
    pub(super) fn of_form(form: FormData) -> Draft {
        let mut head = FormData::default();
        let mut texts: BTreeMap<usize, Entries> = BTreeMap::new();
        for (name, text) in form.0 {
            if let Some((number, path)) = clause_name(&name) {
                texts.entry(number).or_default().insert(path.to_owned(), text);
            } else {
                head.0.insert(name, text);
            }
        }
        let piece = |mut entries: Entries| {
            let word = entries.remove("word")?;
            Some(Piece::new(Clause::of_word(&word)?, entries))
        };
        Draft { head, pieces: texts.into_values().filter_map(piece).take(CLAUSES_MAX + 1).collect() }
    }

    /// The form that says these terms.
    pub(super) fn of(terms: &Terms) -> Draft {
        let mut draft = Draft::default();
        draft.set("currency", terms.currency.code());
        draft.set("zone", terms.time_zone.as_str());
        draft.set("every", terms.period.every.word());
        draft.set("day", terms.period.day.to_string());
        draft.set("first_month", terms.period.first_month.to_string());
        let rounding = ROUNDINGS.iter().find(|(_, known)| *known == terms.rounding);
        draft.set("rounding", rounding.map_or("", |(word, _)| *word));
        draft.set("statuses.said", "yes");
        for status in &terms.billed_statuses {
            draft.set(&format!("statuses.{}", status.word()), "yes");
        }
        for (kind, evidence) in &terms.evidence {
            draft.set(&format!("evidence.{}", kind.word()), evidence.word());
        }
        for (number, step) in (1_usize..).zip(terms.order()) {
            draft.set(&format!("steps.{}", step.word()), number.to_string());
        }
        if !terms.steps.is_empty() {
            draft.set("steps.kept", "yes");
        }
        let piece = |clause: &Clause| {
            let kind = Clause::of_word(clause.word())?;
            Some(Piece::new(kind, billing::form::fill(clause, terms.currency)))
        };
        draft.pieces = terms.clauses.iter().filter_map(piece).collect();
        draft
    }

    /// Puts a text into a field beside the clauses.
    pub(super) fn set(&mut self, name: &str, text: impl Into<String>) {
        self.head.0.insert(name.to_owned(), text.into());
    }

    /// What carry, references and payers call each clause, as [`Terms::key_of`] gives it.
    pub(super) fn names(&self) -> Vec<String> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        let name = |piece: &Piece| {
            let count = counts.entry(piece.kind.word).or_default();
            *count += 1;
            match piece.text("key") {
                "" => format!("{}.{count}", piece.kind.word),
                key => key.to_owned(),
            }
        };
        self.pieces.iter().map(name).collect()
    }

    /// The place of the clause that a button such as `up.3` is for.
    fn pressed(&self, button: &str) -> Option<usize> {
        let number = |name: &String| name.strip_prefix(button)?.parse::<usize>().ok();
        let place = self.head.0.keys().find_map(number)?.checked_sub(1)?;
        (place < self.pieces.len()).then_some(place)
    }

    /// Does what the pressed button says, as far as it changes the form; gives what else is asked for.
    ///
    /// A clause that gets another number keeps the name that carry knows it by.
    pub(super) fn act(&mut self) -> Result<Act, Wrong> {
        let added = match self.head.text("add") {
            "" => None,
            _ => Some(self.added()?),
        };
        let (up, down, dropped) = (self.pressed("up."), self.pressed("down."), self.pressed("drop."));
        let names = self.names();
        let mut all: Vec<(Piece, String)> = std::mem::take(&mut self.pieces).into_iter().zip(names).collect();
        let mut act = Act::Redraw;
        if let Some(place) = up {
            all.swap(place, place.saturating_sub(1));
        } else if let Some(place) = down {
            let next = (place + 1).min(all.len() - 1);
            all.swap(place, next);
        } else if let Some(place) = dropped {
            all.remove(place);
        } else if let Some(kind) = added {
            all.push((Piece::new(kind, Entries::new()), String::new()));
        } else if let Some((place, list)) = self.more(&all) {
            all[place].0.more = Some(list);
        } else if self.head.text("preview").is_empty() {
            act = Act::Save;
        } else {
            act = Act::Preview;
        }
        self.settle(all);
        Ok(act)
    }

    /// The kind of the clause that is to be added.
    fn added(&self) -> Result<ClauseKind, Wrong> {
        if self.pieces.len() >= CLAUSES_MAX {
            return Err(Wrong::at("kind", format!("Add a clause: a contract has at most {CLAUSES_MAX}.")));
        }
        let kind = Clause::of_word(self.head.text("kind"));
        kind.ok_or_else(|| Wrong::at("kind", "Add a clause: choose one of the list."))
    }

    /// The clause and the list of which more rows are asked for: `more` holds `3.rows`.
    fn more(&self, all: &[(Piece, String)]) -> Option<(usize, &'static str)> {
        let (number, wanted) = self.head.text("more").split_once('.')?;
        let place = number.parse::<usize>().ok()?.checked_sub(1)?;
        let (list, _) = lists(all.get(place)?.0.kind).find(|(list, _)| *list == wanted)?;
        Some((place, list))
    }

    /// Takes the clauses in their new order. Where a clause would get another name by it, or a new one would
    /// get the name of another, the name is written down.
    fn settle(&mut self, all: Vec<(Piece, String)>) {
        let taken: BTreeSet<String> = all.iter().map(|(_, name)| name.clone()).collect();
        for (piece, name) in all {
            let word = piece.kind.word;
            self.pieces.push(piece);
            let given = self.names().pop().unwrap_or_default();
            let kept = if !name.is_empty() {
                (given != name).then_some(name)
            } else if taken.contains(&given) {
                (1..=CLAUSES_MAX + 1).map(|number| format!("{word}.{number}")).find(|free| !taken.contains(free))
            } else {
                None
            };
            if let (Some(key), Some(piece)) = (kept, self.pieces.last_mut())
                && Traits::of(piece.kind).has_key
            {
                piece.entries.insert("key".to_owned(), key);
            }
        }
    }

    /// The terms, since when they hold; else everything that is wrong.
    pub(super) fn read(&self) -> Result<(Terms, Instant), Vec<Wrong>> {
        let mut wrong = Vec::new();
        let terms = match self.terms() {
            Ok(terms) => Some(terms),
            Err(found) => {
                wrong.extend(found);
                None
            }
        };
        // An unknown zone has been said already; the day is looked at in any case.
        let zone_is_known = start_of_day("2026-01-01", self.head.text("zone")).is_some();
        let zone = if zone_is_known { self.head.text("zone") } else { "UTC" };
        let starts = start_of_day(self.head.text("starts"), zone);
        if starts.is_none() {
            wrong.push(Wrong::at("starts", "From: say the first day, such as 2026-10-01."));
        }
        if self.head.text("note").chars().count() > NOTE_MAX {
            wrong.push(Wrong::at("note", format!("Note: say it in at most {NOTE_MAX} characters.")));
        }
        match (terms, starts) {
            (Some(terms), Some(starts)) if wrong.is_empty() => Ok((terms, starts)),
            _ => Err(wrong),
        }
    }

    /// The terms that the form says.
    fn terms(&self) -> Result<Terms, Vec<Wrong>> {
        let Ok(currency) = Currency::parse(self.head.text("currency")) else {
            return Err(vec![Wrong::at("currency", "Currency: choose one of the list.")]);
        };
        let mut wrong = Vec::new();
        let mut terms = Terms::new(currency, self.head.text("zone"));
        self.read_money(&mut terms, &mut wrong);
        self.read_steps(&mut terms, &mut wrong);
        if self.pieces.len() > CLAUSES_MAX {
            wrong.push(Wrong::at("kind", format!("Clauses: a contract has at most {CLAUSES_MAX}.")));
        }
        for (number, piece) in (1..).zip(&self.pieces) {
            match billing::form::read(piece.kind, &piece.entries, currency) {
                Ok(clause) => terms.clauses.push(clause),
                Err(problems) => wrong.extend(problems.iter().map(|problem| {
                    said(&self.pieces, place::of_clause(number, piece.kind, &problem.field), &problem.message)
                })),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        match terms.validate() {
            Ok(()) => Ok(terms),
            Err(problems) => {
                let placed = |field: &str| of_terms(&self.pieces, field);
                let wrong = problems.iter();
                Err(wrong.map(|problem| said(&self.pieces, placed(&problem.field), &problem.message)).collect())
            }
        }
    }

    /// Periods, rounding, the jobs that are billed, and what proves usage.
    fn read_money(&self, terms: &mut Terms, wrong: &mut Vec<Wrong>) {
        let head = &self.head;
        let mut number = |name: &str, about: &str| match head.text(name) {
            "" => 1,
            text => text.parse::<u8>().unwrap_or_else(|_| {
                wrong.push(Wrong::at(name, format!("{about}: say a whole number.")));
                1
            }),
        };
        terms.period = PeriodRule {
            every: LENGTHS.into_iter().find(|every| every.word() == head.text("every")).unwrap_or(Every::Month),
            day: number("day", "Periods begin on day"),
            first_month: number("first_month", "First month"),
        };
        let rounding = ROUNDINGS.iter().find(|(word, _)| *word == head.text("rounding"));
        terms.rounding = rounding.map_or_else(Rounding::default, |(_, rounding)| *rounding);
        // A form without the boxes says nothing of them.
        if head.text("statuses.said") == "yes" {
            let ticked = |status: &JobStatus| head.text(&format!("statuses.{}", status.word())) == "yes";
            terms.billed_statuses = JobStatus::ALL.into_iter().filter(ticked).collect();
        }
        let evidence = |kind: MeterKind| {
            let said = head.text(&format!("evidence.{}", kind.word()));
            let known = [Evidence::Jobs, Evidence::Counter].into_iter().find(|evidence| evidence.word() == said);
            Some((kind, known?))
        };
        terms.evidence = MeterKind::all().filter_map(evidence).collect();
    }

    /// The order of the steps: by their numbers, and among equal ones as usual.
    fn read_steps(&self, terms: &mut Terms, wrong: &mut Vec<Wrong>) {
        let mut placed = Vec::new();
        for (usual, step) in (1_u32..).zip(Step::USUAL) {
            let name = format!("steps.{}", step.word());
            let place = match self.head.text(&name) {
                "" => usual,
                text => text.parse().unwrap_or_else(|_| {
                    wrong.push(Wrong::at(name.as_str(), "Order of the sum: say whole numbers."));
                    usual
                }),
            };
            placed.push((place, usual, step));
        }
        placed.sort_unstable();
        let steps: Vec<Step> = placed.into_iter().map(|(_, _, step)| step).collect();
        let is_said = self.head.text("steps.kept") == "yes" || steps != Step::USUAL;
        terms.steps = if is_said { steps } else { Vec::new() };
    }
}
