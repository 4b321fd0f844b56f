//! Cases as readable text: terms and facts, after `expect` the statement in words, and then further
//! periods and corrections.
//!
//! ```text
//! currency EUR      zone Europe/Berlin      period 2026-09 | 2026-09-12..2026-10-01
//! every quarter day 15 first 2              rounding line-up          steps readings usage … tax
//! base-fee contract 180.00 [title]          or: base-fee printer 12.50 [title]
//! allowance 400 <pattern> <pattern> …
//! price 0.14 <pattern> [= title]            lines that follow each other are one list
//! tax 21 VAT
//! clause minimum                            any clause by its word; below it, indented, its form:
//!   amount = 300.00                         patterns and printers: one a line, each with its path
//! evidence area-media counter
//! printer A                                 facts below are its own; see `facts`
//! expect                                    or: expect refused, then the problems, one a line
//! …
//! then 2026-11                              the next period: terms stay, carry goes on
//! correct 2026-10                           facts below are added to that period, the chain is re-rated
//! ```
//!
//! Of a statement, what is carried and the counters of other meters than media used are compared only where
//! the case names them.

mod facts;
mod show;

pub(crate) use show::{corrected, statement};

use billing::clauses::base_fee::{BaseFee, Per};
use billing::clauses::price_list::{Price, PriceList};
use billing::clauses::tax::Tax;
use billing::contract::{Evidence, Problem, Rounding, Step, Terms};
use billing::form::{self, Entries, Kind};
use billing::period::{Every, PeriodRule};
use billing::{Allowance, Clause, ContractRef, Currency, Input, MeterKind, Money, Month, Pattern, Period};
use billing::{PrinterUsage, UnitPrice};
use facts::Facts;
use report::Share;
use serde::de::DeserializeOwned;
use std::path::Path;

/// October 2026 in UTC.
pub(crate) fn october() -> Period {
    Period::calendar_month(2026, 10, "UTC").expect("a month")
}

/// The currency of a code.
pub(crate) fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a currency")
}

/// Input for a period with these terms and printers.
pub(crate) fn input_for(period: Period, terms: Terms, printers: Vec<PrinterUsage>) -> Input {
    let contract = ContractRef { id: "c1".to_owned(), number: "2026-001".to_owned(), version: 1 };
    Input {
        contract,
        terms,
        period,
        customer: "Bureau Noord".to_owned(),
        printers,
        carry: billing::carry::Carry::default(),
        runs: None,
        sites: std::collections::BTreeMap::new(),
        events: billing::events::Events::default(),
        tables: billing::events::Tables::default(),
        parties: billing::events::Parties::default(),
        adjustments: Vec::new(),
    }
}

/// Input for October 2026 with these terms and printers.
pub(crate) fn input(terms: Terms, printers: Vec<PrinterUsage>) -> Input {
    input_for(october(), terms, printers)
}

/// A printer that is in the contract all the time, without facts.
pub(crate) fn printer(id: &str) -> PrinterUsage {
    PrinterUsage::new(id, id)
}

/// The value of a stored word: `line-up`.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::from(text)).ok()
}

/// A period of a case, or a correction.
pub(crate) struct Section {
    /// What is rated; the carry of the period before is put in when it is run.
    pub(crate) input: Input,
    /// The statement, the problems or the corrections, as text.
    pub(crate) expected: String,
    /// What is expected.
    pub(crate) expects: Expects,
}

/// What a section expects.
pub(crate) enum Expects {
    /// A statement.
    Rated,
    /// That the terms are refused; what their forms could not read.
    Refused(Vec<Problem>),
    /// What is settled when these periods, from the `from`-th on, are rated again.
    Correction {
        /// The first period that changed, from 0.
        from: usize,
        /// The periods from there on.
        again: Vec<Input>,
    },
}

/// The lines of a section before its `expect`, and what stands behind.
#[derive(Default)]
struct Block<'a> {
    head: &'a str,
    lines: Vec<&'a str>,
    refused: bool,
    expects: bool,
    expected: Vec<&'a str>,
}

/// Reads a case.
pub(crate) fn parse(text: &str, file: &Path) -> Vec<Section> {
    let mut reader = Reader { terms: Terms::new(currency("EUR"), "UTC"), problems: Vec::new(), periods: Vec::new() };
    let blocks = blocks(text);
    assert!(blocks.iter().all(|block| block.expects), "{}: a section has no line 'expect'", file.display());
    let section = |block: &Block<'_>| {
        let read = reader.section(block);
        read.unwrap_or_else(|line| panic!("{}: cannot read '{line}'", file.display()))
    };
    blocks.iter().map(section).collect()
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = vec![Block::default()];
    for line in text.lines() {
        let Some(last) = blocks.last_mut() else { continue };
        let is_head = line.starts_with("then ") || line.starts_with("correct ");
        if last.expects && is_head {
            blocks.push(Block { head: line, ..Block::default() });
        } else if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        } else if last.expects {
            last.expected.push(line.trim_end());
        } else if line == "expect" || line == "expect refused" {
            last.expects = true;
            last.refused = line != "expect";
        } else {
            last.lines.push(line);
        }
    }
    blocks
}

/// A case as far as it was read.
struct Reader {
    terms: Terms,
    problems: Vec<Problem>,
    periods: Vec<Facts>,
}

impl Reader {
    /// Reads a section; the line that cannot be read is the error.
    fn section(&mut self, block: &Block<'_>) -> Result<Section, String> {
        let (word, of) = block.head.split_once(' ').unwrap_or(("", "2026-10"));
        let (period, facts) = self.terms_of(&block.lines, of)?;
        let wrong = |line: &str| line.trim().to_owned();
        let correcting = word == "correct";
        let from = match (correcting, self.periods.last()) {
            (true, _) => {
                let known = self.periods.iter().position(|facts| facts.period() == period);
                known.ok_or_else(|| wrong(block.head))?
            }
            (false, None) => {
                self.periods.push(Facts::new(period));
                0
            }
            (false, Some(last)) => {
                let next = last.following(period);
                self.periods.push(next);
                self.periods.len() - 1
            }
        };
        for line in facts {
            facts::read(&mut self.periods[from..], &self.terms, line).ok_or_else(|| wrong(line))?;
        }
        let input = self.periods[from].input(&self.terms);
        let expected = block.expected.join("\n");
        let expects = if correcting {
            let again = self.periods[from..].iter().map(|facts| facts.input(&self.terms)).collect();
            Expects::Correction { from, again }
        } else if block.refused {
            Expects::Refused(self.problems.clone())
        } else {
            assert!(self.problems.is_empty(), "{:?}", self.problems);
            Expects::Rated
        };
        Ok(Section { input, expected, expects })
    }

    /// Reads the terms among the lines; gives the period and the lines that are facts.
    fn terms_of<'a>(&mut self, lines: &[&'a str], period: &str) -> Result<(Period, Vec<&'a str>), String> {
        let mut period = period.to_owned();
        let mut facts = Vec::new();
        let mut lines = lines.iter().copied().peekable();
        while let Some(line) = lines.next() {
            let text = line.split(" # ").next().unwrap_or(line).trim();
            let (word, rest) = text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim()));
            let read = match word {
                "period" => {
                    rest.clone_into(&mut period);
                    Some(())
                }
                "clause" => {
                    let mut entries = Entries::new();
                    while let Some(entry) = lines.next_if(|line| line.starts_with(' ')) {
                        let said = entry.split(" # ").next().unwrap_or(entry);
                        let (path, value) = said.split_once('=').ok_or_else(|| entry.to_owned())?;
                        add_entry(&mut entries, path.trim(), value.trim());
                    }
                    self.read_clause(rest, &entries)
                }
                _ if is_of_terms(word) => read_term(&mut self.terms, word, rest),
                _ => {
                    facts.push(line);
                    Some(())
                }
            };
            read.ok_or_else(|| line.to_owned())?;
        }
        let period = period_of(&period, &self.terms).ok_or(period)?;
        Ok((period, facts))
    }

    fn read_clause(&mut self, word: &str, entries: &Entries) -> Option<()> {
        let kind = Clause::of_word(word)?;
        let entries = split_lists(entries, kind.form);
        match form::read(kind, &entries, self.terms.currency) {
            Ok(clause) => self.terms.clauses.push(clause),
            Err(problems) => {
                let field = format!("clauses.{}", self.terms.clauses.len());
                let at = |problem: Problem| Problem::at(format!("{field}.{}", problem.field), problem.message);
                self.problems.extend(problems.into_iter().map(at));
            }
        }
        Some(())
    }
}

/// A path that stands twice is a list: one entry a line.
fn add_entry(entries: &mut Entries, path: &str, value: &str) {
    let text = entries.entry(path.to_owned()).or_default();
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(value);
}

/// Lists may also stand in one line: patterns apart by spaces, where each piece is one, and anything by
/// commas.
fn split_lists(entries: &Entries, fields: &[form::Field]) -> Entries {
    let mut split = entries.clone();
    for field in fields.iter().filter(|field| matches!(field.kind, Kind::Patterns | Kind::Printers)) {
        let Some(text) = split.get_mut(field.path) else { continue };
        let pieces: Vec<&str> = text.split_whitespace().collect();
        let apart = field.kind == Kind::Printers || pieces.iter().all(|piece| Pattern::parse(piece).is_ok());
        let lines = if apart { pieces.join("\n") } else { text.replace(", ", "\n") };
        *text = lines.replace(",\n", "\n");
    }
    split
}

/// `2026-09`, or `2026-09-12..2026-10-01`, in the contract's zone.
fn period_of(text: &str, terms: &Terms) -> Option<Period> {
    let day = |text: &str| billing::period::Day::parse(text.trim()).ok()?.start(&terms.time_zone).ok();
    match text.split_once("..") {
        Some((start, end)) => Period::new(day(start)?, day(end)?).ok(),
        None => terms.period.beginning_in(Month::parse(text.trim()).ok()?, &terms.time_zone).ok(),
    }
}

fn is_of_terms(word: &str) -> bool {
    let words = ["currency", "zone", "every", "rounding", "steps", "evidence", "base-fee", "allowance", "price", "tax"];
    words.contains(&word)
}

fn read_term(terms: &mut Terms, name: &str, rest: &str) -> Option<()> {
    match name {
        "currency" => terms.currency = Currency::parse(rest).ok()?,
        "zone" => rest.clone_into(&mut terms.time_zone),
        "every" => terms.period = read_rule(rest)?,
        "rounding" => terms.rounding = word::<Rounding>(rest)?,
        "steps" => terms.steps = rest.split(' ').map(word::<Step>).collect::<Option<_>>()?,
        "evidence" => {
            let kind = MeterKind::parse(rest.strip_suffix(" counter")?).ok()?;
            terms.evidence.insert(kind, Evidence::Counter);
        }
        "base-fee" => {
            let mut parts = rest.splitn(3, ' ');
            let per = if parts.next()? == "printer" { Per::Printer } else { Per::Contract };
            let amount = Money::parse(parts.next()?, terms.currency).ok()?;
            let title = parts.next().map(str::to_owned);
            terms.clauses.push(Clause::BaseFee(BaseFee { title, amount, per, ..BaseFee::default() }));
        }
        "allowance" => {
            let mut parts = rest.split(' ');
            let included = parts.next()?;
            let covers: Vec<Pattern> = parts.map(|part| Pattern::parse(part).ok()).collect::<Option<_>>()?;
            let included = covers.first()?.unit().parse(included)?;
            terms.clauses.push(Clause::Allowance(Allowance { covers, included, ..Allowance::default() }));
        }
        "price" => {
            let (price, pattern) = rest.split_once(' ')?;
            let (pattern, title) = match pattern.split_once(" = ") {
                Some((pattern, title)) => (pattern, Some(title.to_owned())),
                None => (pattern, None),
            };
            let (pattern, price) = (Pattern::parse(pattern).ok()?, UnitPrice::parse(price).ok()?);
            let price = Price { title, ..Price::new(pattern, price) };
            match terms.clauses.last_mut() {
                Some(Clause::PriceList(list)) => list.prices.push(price),
                _ => terms.clauses.push(Clause::PriceList(PriceList { prices: vec![price] })),
            }
        }
        "tax" => {
            let (rate, name) = rest.split_once(' ')?;
            // A percent is 10 000 parts per million, a unit price 1 000 000 millionths.
            let rate = Share(UnitPrice::parse(rate).ok()?.millionths / 100);
            terms.clauses.push(Clause::Tax(Tax { name: name.to_owned(), rate, ..Tax::default() }));
        }
        _ => return None,
    }
    Some(())
}

/// `quarter day 15 first 2`.
fn read_rule(text: &str) -> Option<PeriodRule> {
    let mut parts = text.split(' ');
    let mut rule = PeriodRule { every: word::<Every>(parts.next()?)?, ..PeriodRule::default() };
    while let Some(name) = parts.next() {
        let number = parts.next()?.parse().ok()?;
        match name {
            "day" => rule.day = number,
            "first" => rule.first_month = number,
            _ => return None,
        }
    }
    Some(rule)
}
