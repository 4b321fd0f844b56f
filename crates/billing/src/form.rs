//! Forms: a clause as the texts that a person types, and back.
//!
//! A clause lists its fields, each a path into its stored value; everything else is here, so that a
//! clause has no code for its form. The case files of the tests are read by the same lists. Deliberately
//! absent: HTML, and judging what the values mean, which is [`crate::Terms::validate`].

use crate::clauses::{Clause, ClauseKind};
use crate::contract::Problem;
use crate::meter::{MeterKind, Pattern, PricingUnit};
use crate::money::{Currency, Money, UnitPrice, parse_decimal, show_exact};
use crate::period::Day;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Texts by path: "amount" is "300.00", "rows.1.price" is "0.05". Rows are numbered from 1.
pub type Entries = BTreeMap<String, String>;

/// Fields that a clause may have besides its list: its name on a statement, and its key.
const SHARED: [&str; 2] = ["title", "key"];

/// What a page sends beside the fields.
const BESIDE: [&str; 1] = ["word"];

/// Decimals of a percentage: a share is kept in parts per million.
const PERCENT_PLACES: usize = 4;

/// One field of a clause's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The path of its value: `amount`; within rows, the path inside the row.
    pub path: &'static str,
    /// What a page calls it.
    pub label: &'static str,
    /// What is typed there.
    pub kind: Kind,
    /// Whether an empty text is refused.
    pub required: bool,
    /// What a page says beside it; may be empty.
    pub hint: &'static str,
}

/// What is typed in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Yes or no.
    Flag,
    /// A whole number from 0 on.
    Count,
    /// An amount in the contract's currency.
    Money,
    /// The price of a unit, with at most six decimals.
    Price,
    /// A share in percent, with at most four decimals.
    Percent,
    /// A day: `2026-10-01`.
    Day,
    /// A kind of meter: `area-printed`.
    Meter,
    /// A pattern: `area-printed/mono-line@Bond 80 g`.
    Pattern,
    /// Patterns, one a line.
    Patterns,
    /// A quantity in the unit of what is counted: of the pattern, the first of the patterns, or the meter
    /// at this path, in the row or beside it.
    Quantity(&'static str),
    /// A whole number as it is stored.
    Raw,
    /// Ids of printers, one a line.
    Printers,
    /// One of these: the stored word and its label.
    Choice(&'static [(&'static str, &'static str)]),
    /// A list of rows with these fields.
    Rows(&'static [Field]),
}

/// A field that may be left empty.
pub const fn field(path: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { path, label, kind, required: false, hint: "" }
}

impl Field {
    /// The same field, to be filled in.
    #[must_use]
    pub const fn required(self) -> Field {
        Field { required: true, ..self }
    }

    /// The same field with a hint.
    #[must_use]
    pub const fn hint(self, hint: &'static str) -> Field {
        Field { hint, ..self }
    }
}

/// The clause that a form says. Every problem names the path of its field.
pub fn read(kind: ClauseKind, entries: &Entries, currency: Currency) -> Result<Clause, Vec<Problem>> {
    let mut reader = Reader { entries, currency, problems: Vec::new() };
    let mut terms = reader.object(kind.form, "");
    for path in SHARED {
        if let Some(text) = reader.text(path) {
            terms.insert(path.to_owned(), Value::from(text));
        }
    }
    reader.refuse_unknown(kind.form);
    if reader.problems.is_empty() { clause_of(kind, &terms) } else { Err(reader.problems) }
}

/// The texts of a clause: what [`read`] makes the same clause of.
pub fn fill(clause: &Clause, currency: Currency) -> Entries {
    let stored = serde_json::to_value(clause).unwrap_or_default();
    let mut entries = Entries::new();
    let Some(terms) = stored.get(clause.word()) else { return entries };
    for path in SHARED {
        if let Some(text) = terms.get(path).and_then(Value::as_str).filter(|text| !text.is_empty()) {
            entries.insert(path.to_owned(), text.to_owned());
        }
    }
    let mut filler = Filler { terms, currency, entries };
    filler.object(clause.form(), terms, "");
    filler.entries
}

/// Texts become stored values.
struct Reader<'a> {
    entries: &'a Entries,
    currency: Currency,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// The text at a path, if there is any.
    fn text(&self, path: &str) -> Option<&'a str> {
        self.entries.get(path).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn object(&mut self, fields: &'static [Field], prefix: &str) -> Map<String, Value> {
        let mut object = Map::new();
        for field in fields {
            let value = match field.kind {
                Kind::Rows(columns) => self.rows(field, columns),
                _ => self.value(field, prefix),
            };
            if let Some(value) = value {
                object.insert(field.path.to_owned(), value);
            }
        }
        object
    }

    fn value(&mut self, field: &Field, prefix: &str) -> Option<Value> {
        let path = format!("{prefix}{}", field.path);
        let read = match self.text(&path) {
            Some(text) => self.parse(field.kind, text, prefix),
            None if field.required => Err(format!("{} is missing", field.label)),
            None => return None,
        };
        read.map_err(|message| self.problems.push(Problem::at(path, message))).ok()
    }

    /// The rows of a list; a row in which nothing was typed does not stand.
    fn rows(&mut self, field: &Field, columns: &'static [Field]) -> Option<Value> {
        let start = format!("{}.", field.path);
        let filled = self.entries.iter().filter(|(_, text)| !text.trim().is_empty());
        let numbers: BTreeSet<u32> =
            filled.filter_map(|(path, _)| path.strip_prefix(start.as_str())?.split('.').next()?.parse().ok()).collect();
        let mut rows = Vec::new();
        for number in numbers {
            let prefix = format!("{start}{number}.");
            if self.is_filled(columns, &prefix) {
                rows.push(Value::Object(self.object(columns, &prefix)));
            }
        }
        if rows.is_empty() && field.required {
            self.problems.push(Problem::at(field.path, format!("{} is missing", field.label)));
        }
        (!rows.is_empty()).then_some(Value::Array(rows))
    }

    /// Whether a row says anything. Choices and flags always hold something on a page, so that they tell
    /// nothing unless the row has no other field.
    fn is_filled(&self, columns: &[Field], prefix: &str) -> bool {
        let tells = |column: &&Field| !matches!(column.kind, Kind::Choice(_) | Kind::Flag);
        let holds = |column: &Field| self.text(&format!("{prefix}{}", column.path)).is_some();
        if columns.iter().any(|column| tells(&column)) {
            columns.iter().filter(tells).any(holds)
        } else {
            columns.iter().any(holds)
        }
    }

    fn parse(&self, kind: Kind, text: &str, prefix: &str) -> Result<Value, String> {
        match kind {
            Kind::Text => Ok(Value::from(text)),
            Kind::Flag => flag(text),
            Kind::Count => number::<u32>(text).map(Value::from),
            Kind::Raw => number::<i64>(text).map(Value::from),
            Kind::Money => Money::parse(text, self.currency).map_or_else(said, stored),
            Kind::Price => UnitPrice::parse(text).map_or_else(said, stored),
            Kind::Percent => parse_decimal(text.trim_end_matches('%').trim_end(), PERCENT_PLACES)
                .map(Value::from)
                .ok_or_else(|| format!("give a percentage with at most {PERCENT_PLACES} decimals, such as 21")),
            Kind::Day => Day::parse(text).map_or_else(said, stored),
            Kind::Meter => MeterKind::parse(text).map_or_else(said, stored),
            Kind::Pattern => Pattern::parse(text).map_or_else(said, stored),
            Kind::Patterns => lines(text).map(|line| Pattern::parse(line).map_or_else(said, stored)).collect(),
            Kind::Quantity(of) => self.quantity(of, text, prefix),
            Kind::Printers => Ok(lines(text).map(Value::from).collect()),
            Kind::Choice(options) => match options.iter().find(|(word, _)| *word == text) {
                Some((word, _)) => Ok(Value::from(*word)),
                None => Err("choose one of the list".to_owned()),
            },
            Kind::Rows(_) => Err("rows are filled in field by field".to_owned()),
        }
    }

    fn quantity(&self, of: &str, text: &str, prefix: &str) -> Result<Value, String> {
        let counted = self.text(&format!("{prefix}{of}")).or_else(|| self.text(of));
        let first = counted.and_then(|counted| lines(counted).next());
        let unit = first.and_then(|first| Pattern::parse(first).ok()).map(|pattern| pattern.unit());
        let unit = unit.ok_or("say first what is counted, so that the quantity has a unit")?;
        let amount = unit.parse(text);
        amount.map(Value::from).ok_or_else(|| format!("give a plain number of {}", unit.label()))
    }

    fn refuse_unknown(&mut self, form: &[Field]) {
        for (path, text) in self.entries {
            if !text.trim().is_empty() && !is_known(path, form) {
                self.problems.push(Problem::at(path.as_str(), "this clause has no such field"));
            }
        }
    }
}

fn is_known(path: &str, form: &[Field]) -> bool {
    let mut parts = path.splitn(3, '.');
    let (first, number, column) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let Some(number) = number else {
        let is_single = |field: &Field| field.path == first && !matches!(field.kind, Kind::Rows(_));
        return SHARED.contains(&first) || BESIDE.contains(&first) || form.iter().any(is_single);
    };
    let has_column = |field: &Field| match field.kind {
        Kind::Rows(columns) => columns.iter().any(|known| Some(known.path) == column),
        _ => false,
    };
    number.parse::<u32>().is_ok() && form.iter().any(|field| field.path == first && has_column(field))
}

/// What a person typed, line by line; lines without text are left out.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn flag(text: &str) -> Result<Value, String> {
    match text {
        "yes" | "true" | "on" | "1" => Ok(Value::from(true)),
        "no" | "false" | "off" | "0" => Ok(Value::from(false)),
        _ => Err("say yes or no".to_owned()),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "give a whole number".to_owned())
}

/// An error in its own words.
fn said<E: std::fmt::Display>(error: E) -> Result<Value, String> {
    Err(error.to_string())
}

fn stored<T: Serialize>(value: T) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}

/// The clause of a stored value. What the fields let through and the clause does not take, such as a
/// number that is too large for it, is refused at its path where it can be told.
fn clause_of(kind: ClauseKind, terms: &Map<String, Value>) -> Result<Clause, Vec<Problem>> {
    let read = |terms: &Map<String, Value>| {
        let clause: Map<String, Value> = [(kind.word.to_owned(), Value::Object(terms.clone()))].into_iter().collect();
        serde_json::from_value::<Clause>(Value::Object(clause))
    };
    read(terms).map_err(|error| {
        let without = |path: &String| {
            let mut fewer = terms.clone();
            fewer.remove(path);
            read(&fewer).is_ok()
        };
        let text = error.to_string();
        let named = text.split('`').nth(1).filter(|name| is_known(name, kind.form)).map(str::to_owned);
        let path = terms.keys().find(|path| without(path)).cloned().or(named).unwrap_or_default();
        vec![Problem::at(path, format!("this cannot be taken: {text}"))]
    })
}

/// Stored values become texts.
struct Filler<'a> {
    terms: &'a Value,
    currency: Currency,
    entries: Entries,
}

impl Filler<'_> {
    fn object(&mut self, fields: &'static [Field], object: &Value, prefix: &str) {
        for field in fields {
            let Some(value) = object.get(field.path) else { continue };
            if let Kind::Rows(columns) = field.kind {
                for (index, row) in value.as_array().into_iter().flatten().enumerate() {
                    self.object(columns, row, &format!("{}.{}.", field.path, index + 1));
                }
            } else if let Some(text) = self.show(field.kind, value, object).filter(|text| !text.is_empty()) {
                self.entries.insert(format!("{prefix}{}", field.path), text);
            }
        }
    }

    fn show(&self, kind: Kind, value: &Value, object: &Value) -> Option<String> {
        match kind {
            Kind::Text | Kind::Day | Kind::Meter | Kind::Choice(_) => value.as_str().map(str::to_owned),
            Kind::Flag => value.as_bool().map(|flag| String::from(if flag { "yes" } else { "no" })),
            Kind::Count | Kind::Raw => value.as_i64().map(|number| number.to_string()),
            Kind::Money => value.as_i64().map(|amount| Money(amount).show(self.currency)),
            Kind::Price => UnitPrice::parse(value.as_str()?).ok().map(|price| price.show(self.currency)),
            Kind::Percent => value.as_i64().map(|share| show_exact(share, PERCENT_PLACES, 0)),
            Kind::Pattern => pattern_text(value),
            Kind::Patterns => value.as_array().map(|all| joined(all.iter().filter_map(pattern_text))),
            Kind::Printers => value.as_array().map(|all| joined(all.iter().filter_map(Value::as_str))),
            Kind::Quantity(of) => {
                let unit = object.get(of).and_then(unit_of).or_else(|| self.terms.get(of).and_then(unit_of))?;
                let shown = unit.show_exact(value.as_i64()?);
                shown.split(' ').next().map(str::to_owned)
            }
            Kind::Rows(_) => None,
        }
    }
}

fn joined<T: AsRef<str>>(texts: impl Iterator<Item = T>) -> String {
    let mut all = String::new();
    for text in texts {
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(text.as_ref());
    }
    all
}

fn pattern_text(value: &Value) -> Option<String> {
    serde_json::from_value::<Pattern>(value.clone()).ok().map(|pattern| pattern.to_string())
}

/// The unit of a stored pattern, the first of patterns, or a kind of meter.
fn unit_of(value: &Value) -> Option<PricingUnit> {
    match value {
        Value::Array(patterns) => unit_of(patterns.first()?),
        Value::Object(pattern) => unit_of(pattern.get("meter")?),
        Value::String(word) => MeterKind::parse(word).ok().map(MeterKind::unit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEE: &[Field] = &[
        field("amount", "Amount", Kind::Money).required(),
        field("per", "For", Kind::Choice(&[("contract", "the contract"), ("printer", "each printer")])),
    ];
    const PRICE: &[Field] = &[
        field("title", "Name", Kind::Text),
        field("pattern", "For", Kind::Pattern).required(),
        field("price", "Price", Kind::Price).required().hint("for one unit"),
    ];
    const LIST: &[Field] = &[field("prices", "Prices", Kind::Rows(PRICE)).required()];
    const INCLUDED: &[Field] = &[
        field("covers", "For", Kind::Patterns).required(),
        field("included", "Included", Kind::Quantity("covers")).required(),
    ];

    fn kind(word: &'static str, form: &'static [Field]) -> ClauseKind {
        ClauseKind { word, about: "", form }
    }

    fn eur() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    fn entries(texts: &[(&str, &str)]) -> Entries {
        texts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    fn stored_as(kind: ClauseKind, texts: &[(&str, &str)]) -> String {
        match read(kind, &entries(texts), eur()) {
            Ok(clause) => serde_json::to_string(&clause).expect("a clause as JSON"),
            Err(problems) => problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "),
        }
    }

    #[test]
    fn texts_become_a_clause_by_the_list_of_its_fields() {
        let fee = stored_as(kind("base-fee", FEE), &[("amount", " 180.00 "), ("per", "printer"), ("title", "Service")]);
        assert_eq!(fee, r#"{"base-fee":{"title":"Service","amount":18000,"per":"printer"}}"#);
        let texts = [
            ("prices.1.pattern", "area-printed/mono-line"),
            ("prices.1.price", "0.14"),
            ("prices.2.pattern", ""),
            ("prices.2.price", "  "),
            ("prices.10.title", "Feed"),
            ("prices.10.pattern", "length"),
            ("prices.10.price", "0.05"),
        ];
        let list = stored_as(kind("price-list", LIST), &texts);
        let expected = concat!(
            r#"{"price-list":{"prices":[{"pattern":{"meter":"area-printed","category":"mono-line"},"price":"0.14"},"#,
            r#"{"title":"Feed","pattern":{"meter":"length"},"price":"0.05"}]}}"#
        );
        assert_eq!(list, expected);
        let texts = [("covers", "ink/cyan\n\n ink/gray@Bond 80 g \n"), ("included", "12.5")];
        let included = stored_as(kind("allowance", INCLUDED), &texts);
        assert!(included.contains(r#""colour":"gray","media":"Bond 80 g"}],"included":12500000"#), "{included}");
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_path() {
        // Clause, texts, problems.
        let (fee, list, included) = (kind("base-fee", FEE), kind("price-list", LIST), kind("allowance", INCLUDED));
        let cases: [(ClauseKind, &[(&str, &str)], &str); 7] = [
            (fee, &[], "amount: Amount is missing"),
            (fee, &[("amount", "1,50")], "amount: '1,50' is not a plain number with at most 2 decimals"),
            (fee, &[("amount", "1"), ("per", "page")], "per: choose one of the list"),
            (fee, &[("amount", "1"), ("amuont", "2")], "amuont: this clause has no such field"),
            (list, &[("prices.1.price", "0.05")], "prices.1.pattern: For is missing"),
            (list, &[("prices.2.price", ""), ("prices.x", "")], "prices: Prices is missing"),
            (
                included,
                &[("covers", "paper"), ("included", "1")],
                "covers: 'paper' is not a meter; \
                 included: say first what is counted, so that the quantity has a unit",
            ),
        ];
        for (kind, texts, expected) in cases {
            assert_eq!(stored_as(kind, texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn what_a_clause_does_not_take_is_refused_at_its_field() {
        const ODD: &[Field] = &[field("amount", "Amount", Kind::Money), field("per", "For", Kind::Count)];
        let refused = read(kind("base-fee", ODD), &entries(&[("amount", "1"), ("per", "3")]), eur());
        assert_eq!(refused.expect_err("a number is no word")[0].field, "per");
        let missing = read(kind("base-fee", ODD), &Entries::new(), eur());
        assert_eq!(missing.expect_err("a fee needs an amount")[0].field, "amount");
    }

    #[test]
    fn a_row_of_choices_alone_stands_only_where_there_is_nothing_else_to_say() {
        const CHOICE: Field = field("unit", "Unit", Kind::Choice(&[("page", "a page")]));
        const MIXED: &[Field] = &[CHOICE, field("price", "Price", Kind::Price)];
        let texts = entries(&[("rows.1.unit", "page"), ("rows.2.unit", "page"), ("rows.2.price", "1")]);
        let mut reader = Reader { entries: &texts, currency: eur(), problems: Vec::new() };
        let rows = |reader: &mut Reader<'_>, columns: &'static [Field]| {
            reader.rows(&field("rows", "Rows", Kind::Rows(columns)), columns)
        };
        assert_eq!(rows(&mut reader, MIXED).as_ref().and_then(Value::as_array).map(Vec::len), Some(1));
        assert_eq!(rows(&mut reader, &[CHOICE]).as_ref().and_then(Value::as_array).map(Vec::len), Some(2));
    }
}
