//! Numbers and units as a page writes them, with decimal comma or decimal point.
//!
//! `6,5451` and `23.949,87` can be read in one way only; `1.065` in two, and only another number of the
//! same page can tell. Where none does, it is a defect. Deliberately absent: guessing by language or by
//! what would be a likely size, and spaces or apostrophes between thousands.

use crate::limits::AMOUNT_MAX;
use crate::node::Notes;
use report::{Area, Decimal, Defect, Ink, Length, RowId};

/// The character that a page writes before decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// `0,5`.
    Comma,
    /// `0.5`.
    Point,
}

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An area.
    Area,
    /// A volume of ink.
    Ink,
    /// A length.
    Length,
}

/// A unit that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    /// What it measures.
    pub(crate) kind: Kind,
    /// Its name for [`report`].
    pub(crate) word: &'static str,
}

/// The units by the words that pages write.
const UNITS: &[(&[&str], Unit)] = &[
    (&["m²", "m2", "sqm", "sq m"], Unit { kind: Kind::Area, word: "m2" }),
    (&["ft²", "ft2", "sqft", "sq ft", "sq feet", "square feet"], Unit { kind: Kind::Area, word: "ft2" }),
    (&["ml"], Unit { kind: Kind::Ink, word: "ml" }),
    (&["cc"], Unit { kind: Kind::Ink, word: "cc" }),
    (&["l", "liters", "litres"], Unit { kind: Kind::Ink, word: "l" }),
    (&["mm"], Unit { kind: Kind::Length, word: "mm" }),
    (&["cm"], Unit { kind: Kind::Length, word: "cm" }),
    (&["m"], Unit { kind: Kind::Length, word: "m" }),
    (&["in", "inch", "inches"], Unit { kind: Kind::Length, word: "in" }),
    (&["ft", "feet"], Unit { kind: Kind::Length, word: "ft" }),
];

/// The unit of a word in lower case.
pub(crate) fn unit(word: &str) -> Option<Unit> {
    UNITS.iter().find(|(words, _)| words.contains(&word)).map(|(_, unit)| *unit)
}

/// The readings of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Number {
    /// One reading, and the mark that it proves.
    Sure(String, Option<Mark>),
    /// Two: with this mark as decimal mark, and with it between thousands.
    Either { mark: Mark, decimal: String, grouped: String },
}

impl Number {
    /// Reads digits with commas and points.
    fn read(text: &str) -> Option<Number> {
        let (commas, points) = (text.matches(',').count(), text.matches('.').count());
        match (commas, points) {
            (0, 0) => is_digits(text).then(|| Number::Sure(text.to_owned(), None)),
            (1, 0) => Number::of_one(text, ',', Mark::Comma),
            (0, 1) => Number::of_one(text, '.', Mark::Point),
            // Several of one kind stand between thousands, so that the other would be the decimal mark.
            (_, 0) => is_grouped(text, ',').then(|| Number::Sure(text.replace(',', ""), Some(Mark::Point))),
            (0, _) => is_grouped(text, '.').then(|| Number::Sure(text.replace('.', ""), Some(Mark::Comma))),
            (1, _) => Number::of_both(text, ',', '.', Mark::Comma),
            (_, 1) => Number::of_both(text, '.', ',', Mark::Point),
            _ => None,
        }
    }

    fn of_one(text: &str, character: char, mark: Mark) -> Option<Number> {
        let (whole, decimals) = text.split_once(character)?;
        if !is_digits(whole) || !is_digits(decimals) {
            return None;
        }
        let decimal = format!("{whole}.{decimals}");
        if is_grouped(text, character) {
            return Some(Number::Either { mark, decimal, grouped: format!("{whole}{decimals}") });
        }
        Some(Number::Sure(decimal, Some(mark)))
    }

    /// The decimal mark stands once and last, the other one between thousands before it.
    fn of_both(text: &str, decimal: char, grouping: char, mark: Mark) -> Option<Number> {
        // `1,234.5` has one of each: which is last decides.
        let one_each = text.matches(grouping).count() == 1;
        let (decimal, grouping, mark) = if one_each && text.rfind(grouping) > text.rfind(decimal) {
            (grouping, decimal, if mark == Mark::Comma { Mark::Point } else { Mark::Comma })
        } else {
            (decimal, grouping, mark)
        };
        let (whole, decimals) = text.split_once(decimal)?;
        let fits = is_grouped(whole, grouping) && is_digits(decimals);
        fits.then(|| Number::Sure(format!("{}.{decimals}", whole.replace(grouping, "")), Some(mark)))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `text` can be a whole number with `mark` between its thousands: `1.065`, never `0.065`.
fn is_grouped(text: &str, mark: char) -> bool {
    let mut groups = text.split(mark);
    let first = groups.next().unwrap_or_default();
    let starts = is_digits(first) && first.len() <= 3 && !first.starts_with('0');
    let mut rest = groups.peekable();
    starts && rest.peek().is_some() && rest.all(|group| group.len() == 3 && is_digits(group))
}

/// A number in a text, with its unit where one follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// As it is written, without its unit.
    pub(crate) text: String,
    /// Its unit.
    pub(crate) unit: Option<Unit>,
    negative: bool,
    number: Option<Number>,
}

impl Written {
    /// A number that a spreadsheet keeps as a number: its decimal mark is a point.
    pub(crate) fn typed(text: &str, unit: Option<Unit>) -> Written {
        let negative = text.starts_with('-');
        let digits = text.trim_start_matches('-').to_owned();
        let number = Decimal::parse(&digits).map(|_| Number::Sure(digits, None));
        Written { text: text.to_owned(), unit, negative, number }
    }

    /// The mark that this number proves.
    pub(crate) fn proves(&self) -> Option<Mark> {
        match self.number {
            Some(Number::Sure(_, mark)) => mark,
            _ => None,
        }
    }

    /// Whether it measures this.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.unit.is_some_and(|unit| unit.kind == kind)
    }

    /// The amount in the unit of `report`: mm², nl or µm. What cannot be read is a defect of `row`.
    pub(crate) fn amount(&self, style: Option<Mark>, row: RowId, what: &str, notes: &mut Notes) -> Option<i64> {
        let shown = Defect::quote(&self.text);
        let text = match &self.number {
            Some(Number::Sure(text, _)) => text,
            Some(Number::Either { mark, decimal, grouped }) => match style {
                Some(style) if style == *mark => decimal,
                Some(_) => grouped,
                None => {
                    notes.at(row, &format!("{what} '{shown}' can be read in two ways, and the page does not tell"));
                    return None;
                }
            },
            None => {
                notes.at(row, &format!("{what} is not a number: '{shown}'"));
                return None;
            }
        };
        if self.negative {
            notes.at(row, &format!("{what} is negative: {shown}"));
            return None;
        }
        let Some(unit) = self.unit else {
            notes.at(row, &format!("{what} {shown} without a unit, kept and never billed"));
            return None;
        };
        let amount = Decimal::parse(text).and_then(|number| convert(number, unit));
        if amount.is_none() {
            notes.at(row, &format!("{what} cannot be read: {shown} {}", unit.word));
        }
        amount
    }
}

fn convert(number: Decimal, unit: Unit) -> Option<i64> {
    let amount = match unit.kind {
        Kind::Area => Area::from_unit(number, unit.word).map(|area| area.0),
        Kind::Ink => Ink::from_unit(number, unit.word).map(|ink| ink.0),
        Kind::Length => Length::from_unit(number, unit.word).map(|length| length.0),
    };
    amount.filter(|amount| *amount <= AMOUNT_MAX)
}

/// The decimal mark of a page: the one that its numbers prove, where they do not prove both.
pub(crate) fn style(marks: impl IntoIterator<Item = Mark>) -> Option<Mark> {
    let mut marks = marks.into_iter();
    let first = marks.next()?;
    marks.all(|mark| mark == first).then_some(first)
}

/// A whole number that stands alone: `3`. Absent where there is something else.
pub(crate) fn count(text: &str) -> Option<i64> {
    is_digits(text).then(|| text.parse().ok())?.filter(|count| *count <= AMOUNT_MAX)
}

/// The numbers of a text that are not part of a word. In `389 / 775 ml` both are millilitres.
pub(crate) fn written(text: &str) -> Vec<Written> {
    let chars: Vec<char> = text.chars().collect();
    // Where each begins and where it and its unit end.
    let mut found: Vec<(usize, usize, Written)> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if !chars[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        at = end_of_number(&chars, start);
        let (unit, end) = unit_at(&chars, at);
        let in_word = start > 0 && chars[start - 1].is_alphanumeric();
        let is_word = unit.is_none() && chars.get(at).is_some_and(|c| c.is_alphanumeric());
        if in_word || is_word {
            at = end_of_word(&chars, at);
            continue;
        }
        let number: String = chars[start..at].iter().collect();
        let number = if stands_apart(&chars[..start]) { Number::read(&number) } else { None };
        let negative = is_minus(&chars[..start]);
        let text: String = chars[start - usize::from(negative)..at].iter().collect();
        found.push((start, end, Written { text, unit, negative, number }));
        at = end.max(at);
    }
    share_units(&chars, &mut found);
    found.into_iter().map(|(_, _, written)| written).collect()
}

fn end_of_number(chars: &[char], start: usize) -> usize {
    let mut at = start;
    while let Some(character) = chars.get(at) {
        let is_mark = matches!(character, '.' | ',' | '\'' | '’');
        let joins = is_mark && chars.get(at + 1).is_some_and(char::is_ascii_digit);
        if !character.is_ascii_digit() && !joins {
            break;
        }
        at += 1;
    }
    at
}

fn end_of_word(chars: &[char], start: usize) -> usize {
    let length = chars[start..].iter().take_while(|c| c.is_alphanumeric()).count();
    start + length
}

/// Whether no other digits stand just before: `23 949,87` is one number, with spaces, and not `949,87`.
fn stands_apart(before: &[char]) -> bool {
    let last = before.iter().rev().find(|c| !c.is_whitespace());
    let adjoins = before.last().is_some_and(|c| matches!(c, '.' | ','));
    !adjoins && !last.is_some_and(char::is_ascii_digit)
}

fn is_minus(before: &[char]) -> bool {
    match before {
        [.., previous, '-'] => !previous.is_alphanumeric(),
        ['-'] => true,
        _ => false,
    }
}

/// The unit that stands at `at`, and where it ends.
fn unit_at(chars: &[char], at: usize) -> (Option<Unit>, usize) {
    let (first, end) = word_at(chars, at);
    if matches!(first.as_str(), "sq" | "square") {
        let dot = usize::from(chars.get(end) == Some(&'.'));
        let (second, second_end) = word_at(chars, end + dot);
        let both = unit(&format!("{first} {second}"));
        return (both, if both.is_some() { second_end } else { at });
    }
    match unit(&first) {
        Some(unit) => (Some(unit), end),
        None => (None, at),
    }
}

/// The word after spaces, in lower case, and where it ends. A 2 at its end may mean "square".
fn word_at(chars: &[char], at: usize) -> (String, usize) {
    let is_part = |c: &&char| c.is_alphabetic() || **c == '²';
    let rest = chars.get(at..).unwrap_or_default();
    let start = at + rest.iter().take_while(|c| c.is_whitespace()).count();
    let rest = chars.get(start..).unwrap_or_default();
    let mut end = start + rest.iter().take_while(is_part).count();
    let squares = chars.get(end) == Some(&'2') && !chars.get(end + 1).is_some_and(|c| c.is_alphanumeric());
    if end > start && squares {
        end += 1;
    }
    let word: String = chars.get(start..end).unwrap_or_default().iter().flat_map(|c| c.to_lowercase()).collect();
    (word, end)
}

/// Gives a number before a slash the unit of the number after it.
fn share_units(chars: &[char], found: &mut [(usize, usize, Written)]) {
    for index in (1..found.len()).rev() {
        let (start, unit) = (found[index].0, found[index].2.unit);
        let before = &mut found[index - 1];
        let between: String = chars[before.1..start].iter().collect();
        if before.2.unit.is_none() && matches!(between.trim(), "/" | "of") {
            before.2.unit = unit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanolitres(text: &str, style: Option<Mark>) -> (Option<i64>, Vec<String>) {
        let mut notes = Notes::default();
        let amounts: Vec<Option<i64>> =
            written(text).iter().map(|number| number.amount(style, RowId::U16, "ink", &mut notes)).collect();
        let whats = notes.into_defects().into_iter().map(|defect| defect.what).collect();
        (amounts.first().copied().flatten(), whats)
    }

    #[test]
    fn what_can_be_read_in_one_way_is_read() {
        let cases = [
            ("0 ml", 0),
            ("389 ml", 389_000_000),
            ("389ml", 389_000_000),
            ("0,68 ml", 680_000),
            ("0.680 ml", 680_000),
            ("251.189,12 ml", 251_189_120_000),
            ("251,189.12 ml", 251_189_120_000),
            ("1.251.189 ml", 1_251_189_000_000),
            ("1,251,189.5 ml", 1_251_189_500_000),
            ("1234,567 ml", 1_234_567_000),
            ("used: 12.5 cc of ink", 12_500_000),
        ];
        for (text, expected) in cases {
            assert_eq!(nanolitres(text, None), (Some(expected), Vec::new()), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_needs_the_page() {
        assert_eq!(nanolitres("1.065 ml", Some(Mark::Point)).0, Some(1_065_000));
        assert_eq!(nanolitres("1.065 ml", Some(Mark::Comma)).0, Some(1_065_000_000));
        assert_eq!(nanolitres("1,065 ml", Some(Mark::Comma)).0, Some(1_065_000));
        let odd = "ink '1.065' can be read in two ways, and the page does not tell";
        assert_eq!(nanolitres("1.065 ml", None), (None, vec![odd.to_owned()]));
        assert_eq!(style([Mark::Comma, Mark::Comma]), Some(Mark::Comma));
        assert_eq!(style([Mark::Comma, Mark::Point]), None);
        assert_eq!(style([]), None);
    }

    #[test]
    fn what_is_no_number_is_named() {
        let cases = [
            ("1.2.3 ml", "ink is not a number: '1.2.3'"),
            ("23 949,87 ml", "ink 23 without a unit, kept and never billed"),
            ("1'234.5 ml", "ink is not a number: '1'234.5'"),
            ("1,23.456,7 ml", "ink is not a number: '1,23.456,7'"),
            ("-5 ml", "ink is negative: -5"),
            ("99999999999999 ml", "ink cannot be read: 99999999999999 ml"),
        ];
        for (text, expected) in cases {
            let (amount, whats) = nanolitres(text, None);
            assert_eq!(amount, None, "{text}");
            assert_eq!(whats.first().map(String::as_str), Some(expected), "{text}");
        }
        let (_, whats) = nanolitres("23 949,87 ml", None);
        assert_eq!(whats[1], "ink is not a number: '949,87'");
    }

    #[test]
    fn words_with_digits_are_no_numbers() {
        assert_eq!(written("CZ684A HP-831A a4 3xy"), Vec::new());
        assert_eq!(written("").len(), 0);
    }

    #[test]
    fn units_follow_their_number_or_the_next_one() {
        let words = |text: &str| -> Vec<Option<&str>> {
            written(text).iter().map(|number| number.unit.map(|unit| unit.word)).collect()
        };
        assert_eq!(words("389 / 775 ml"), [Some("ml"), Some("ml")]);
        assert_eq!(words("23.949,87 m² (257.794,03 ft²)"), [Some("m2"), Some("ft2")]);
        assert_eq!(words("12.5 sq. ft and 3 m2, 4 sq ft"), [Some("ft2"), Some("m2"), Some("ft2")]);
        assert_eq!(words("1.27 m, 914 mm, 36 in"), [Some("m"), Some("mm"), Some("in")]);
        assert_eq!(words("45 %, 12 sq"), [None, None]);
    }
}
