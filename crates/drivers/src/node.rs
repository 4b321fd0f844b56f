//! The one tolerant decoder: a place in a document, and notes on what was odd there.
//!
//! A list may arrive as one thing, a number as text or with a unit, an empty element as null. What a
//! printer uses for "not known" (null, empty, `unknown`, `n/a`, −1, −2, −3, the day 1970-01-01) is
//! absent. Numbers go from their text to integers. Deliberately absent: floating point, and any
//! knowledge of which member means what.

use crate::limits;
use report::{Area, Decimal, Defect, Ink, Instant, Length, Report, RowId, Share, Source, walk};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Texts that say "not known".
const UNKNOWN: &[&str] = &["unknown", "n/a", "-1", "-2", "-3"];
/// The end of 1970-01-01, up to which a timestamp is "not known": 24 h in milliseconds.
pub(crate) const FIRST_DAY_ENDS: Instant = Instant(86_400_000);
/// Characters that the number behind a name may have: ` (2000)`.
const NUMBER_CHARS: usize = 16;
/// The whole of a share in parts per million.
const WHOLE_PPM: i64 = 1_000_000;

/// A place in a document; it may be missing there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a>(Option<&'a Value>);

/// A number as the printer wrote it, with its unit where it stated one.
#[derive(Debug, Clone)]
pub(crate) struct Quantity {
    /// The number.
    pub(crate) number: Decimal,
    text: String,
    /// Its unit, where one is stated.
    pub(crate) unit: Option<String>,
}

impl Quantity {
    fn is_zero(&self) -> bool {
        self.number.times(1_000_000_000_000, 1) == Some(0)
    }

    /// As a defect quotes it: `12.5 cc`.
    fn quote(&self) -> String {
        let unit = self.unit.as_deref().unwrap_or_default();
        Defect::quote(format!("{} {unit}", self.text).trim_end())
    }
}

impl<'a> Node<'a> {
    /// The top of a document.
    pub(crate) fn of(value: &'a Value) -> Node<'a> {
        Node(Some(value))
    }

    /// The place that a path of member names leads to: `Status.StatusFlag`. Where the way leads
    /// through a list, it goes on in the first entry.
    pub(crate) fn at(self, path: &str) -> Node<'a> {
        path.split('.').fold(self, |node, name| node.member(name))
    }

    fn member(self, name: &str) -> Node<'a> {
        Node(self.one().0.and_then(|value| value.get(name)))
    }

    /// The thing itself, or the first entry of a list.
    fn one(self) -> Node<'a> {
        match self.0 {
            Some(Value::Array(items)) => Node(items.iter().find(|item| !item.is_null())),
            _ => self,
        }
    }

    /// Whether the document has no such member at all.
    pub(crate) fn is_missing(self) -> bool {
        self.0.is_none()
    }

    /// Whether there is nothing here: no member, null, an empty text, an empty list or object.
    pub(crate) fn is_absent(self) -> bool {
        match self.0 {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Object(members)) => members.is_empty(),
            Some(Value::Bool(_) | Value::Number(_)) => false,
        }
    }

    /// Whether this is an object, as every document is.
    pub(crate) fn is_object(self) -> bool {
        matches!(self.0, Some(Value::Object(_)))
    }

    /// The entries of a list; one thing that is no list is a list of one.
    pub(crate) fn items(self) -> Vec<Node<'a>> {
        match self.0 {
            Some(Value::Array(items)) => {
                items.iter().map(|item| Node(Some(item))).filter(|item| !item.is_absent()).collect()
            }
            _ if self.is_absent() => Vec::new(),
            _ => vec![self],
        }
    }

    /// The members of an object by name.
    pub(crate) fn members(self) -> Vec<(&'a str, Node<'a>)> {
        match self.one().0 {
            Some(Value::Object(members)) => {
                let members = members.iter().take(limits::LIST_MAX);
                members.map(|(name, value)| (name.as_str(), Node(Some(value)))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The text here, in the printer's words; absent where it says "not known".
    pub(crate) fn text(self) -> Option<String> {
        self.words().filter(|text| !is_unknown(text))
    }

    /// The text here as a person wrote it: only an empty one is absent.
    pub(crate) fn words(self) -> Option<String> {
        let text = match self.one().0? {
            Value::String(text) => clean(text),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// The text of the first of these members that has one.
    pub(crate) fn text_of(self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.at(name).text())
    }

    /// The texts of a list.
    pub(crate) fn texts(self) -> Vec<String> {
        self.items().into_iter().take(limits::LIST_MAX).filter_map(Node::text).collect()
    }

    /// The number here, plain or with a unit; the odd text itself when there is something else.
    pub(crate) fn quantity(self) -> Result<Option<Quantity>, String> {
        let node = self.one();
        let has_value = node.is_object() && !node.member("Value").is_missing();
        let (number, unit) =
            if has_value { (node.member("Value").one(), node.member("Unit").text()) } else { (node, None) };
        if number.is_absent() {
            return Ok(None);
        }
        let text = match number.0 {
            Some(Value::String(text)) => clean(text),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(flag)) => return Err(flag.to_string()),
            Some(Value::Object(_)) => return Err("an object".to_owned()),
            _ => return Err("a list".to_owned()),
        };
        if is_unknown(&text) {
            return Ok(None);
        }
        match Decimal::parse(&text) {
            None => Err(text),
            Some(number) if is_sentinel(number) => Ok(None),
            Some(number) => Ok(Some(Quantity { number, text, unit })),
        }
    }
}

fn is_unknown(text: &str) -> bool {
    text.is_empty() || UNKNOWN.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether the number is −1, −2 or −3, however many decimals it is written with.
fn is_sentinel(number: Decimal) -> bool {
    matches!(number.times(1_000_000, 1), Some(-1_000_000 | -2_000_000 | -3_000_000))
}

/// A text bounded to [`limits::TEXT_MAX`] and without characters that change how the text around them is shown.
pub(crate) fn clean(text: &str) -> String {
    let plain: String = text.trim().chars().filter(|c| is_plain(*c)).take(limits::TEXT_MAX).collect();
    plain.trim().to_owned()
}

/// Whether a character is shown as itself: neither a control character, nor one that ends a line, nor one of those
/// that turn the direction of writing (Unicode's Bidi_Control).
pub(crate) fn is_plain(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !turns && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Texts joined as a row shows them, each once and bounded as one: `Warning, Expired`; absent when there is none.
pub(crate) fn joined(texts: &[String]) -> Option<String> {
    let mut seen: Vec<&str> = Vec::with_capacity(texts.len());
    for text in texts {
        if !seen.contains(&text.as_str()) {
            seen.push(text);
        }
    }
    (!seen.is_empty()).then(|| clean(&seen.join(", ")))
}

/// The sum of the values that are known; absent when none is.
pub(crate) fn sum_known(values: impl IntoIterator<Item = Option<i64>>) -> Option<i64> {
    // `limits::AMOUNT_MAX` keeps the sum of a document within 64 bits.
    values.into_iter().flatten().fold(None, |sum, value| Some(sum.unwrap_or(0_i64).saturating_add(value)))
}

/// The sum of the values when there are some and every one is known.
pub(crate) fn sum_all(values: impl IntoIterator<Item = Option<i64>>) -> Option<i64> {
    let values: Option<Vec<i64>> = values.into_iter().collect();
    sum_known(values?.into_iter().map(Some))
}

/// What was odd so far, and where in the document the reader is.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    place: String,
    defects: Vec<Defect>,
    left_out: usize,
}

impl Notes {
    /// Says where the reader is now; it leads every defect from here on. Empty: nowhere special.
    pub(crate) fn enter(&mut self, place: impl Into<String>) {
        self.place = place.into();
    }

    /// Notes that a row is odd. Outside text in `what` is quoted by the caller.
    pub(crate) fn at(&mut self, row: RowId, what: &str) {
        self.note(Some(row), what);
    }

    /// Notes something odd that concerns no single row.
    pub(crate) fn of(&mut self, what: &str) {
        self.note(None, what);
    }

    fn note(&mut self, row: Option<RowId>, what: &str) {
        if self.defects.len() >= limits::DEFECTS_MAX {
            self.left_out += 1;
            return;
        }
        // Names and words that a defect quotes are the printer's.
        let what: String = what.chars().filter(|c| is_plain(*c)).collect();
        let what = if self.place.is_empty() { what } else { format!("{}: {what}", self.place) };
        self.defects.push(Defect { row, what });
    }

    /// Everything noted.
    pub(crate) fn into_defects(mut self) -> Vec<Defect> {
        if self.left_out > 0 {
            self.defects.push(Defect::of(format!("{} more defects are left out", self.left_out)));
        }
        self.defects
    }

    /// The entries of a list, at most `most`.
    pub(crate) fn list<'a>(&mut self, what: &str, node: Node<'a>, most: usize) -> Vec<Node<'a>> {
        let mut items = node.items();
        if items.len() > most {
            self.of(&format!("{what} has {} entries, only the first {most} are read", items.len()));
            items.truncate(most);
        }
        items
    }

    /// A number that is not negative, with or without a unit.
    pub(crate) fn quantity(&mut self, row: RowId, what: &str, node: Node<'_>) -> Option<Quantity> {
        match node.quantity() {
            Ok(Some(quantity)) if quantity.number.is_negative() => {
                self.at(row, &format!("{what} is negative: {}", quantity.quote()));
                None
            }
            Ok(quantity) => quantity,
            Err(text) => {
                self.at(row, &format!("{what} is not a number: '{}'", Defect::quote(&text)));
                None
            }
        }
    }

    /// A volume of ink, in nl.
    pub(crate) fn ink(&mut self, row: RowId, what: &str, node: Node<'_>) -> Option<Ink> {
        self.measure(row, what, node, |number, unit| Ink::from_unit(number, unit).map(|ink| ink.0)).map(Ink)
    }

    /// An area, in mm².
    pub(crate) fn area(&mut self, row: RowId, what: &str, node: Node<'_>) -> Option<Area> {
        self.measure(row, what, node, |number, unit| Area::from_unit(number, unit).map(|area| area.0)).map(Area)
    }

    /// A length, in µm.
    pub(crate) fn length(&mut self, row: RowId, what: &str, node: Node<'_>) -> Option<Length> {
        self.measure(row, what, node, |number, unit| Length::from_unit(number, unit).map(|length| length.0)).map(Length)
    }

    /// A number with its unit. Without a unit it is a defect, or absent when it is a plain zero.
    fn measure(
        &mut self,
        row: RowId,
        what: &str,
        node: Node<'_>,
        convert: fn(Decimal, &str) -> Option<i64>,
    ) -> Option<i64> {
        let quantity = self.quantity(row, what, node)?;
        let Some(unit) = &quantity.unit else {
            if !quantity.is_zero() {
                self.at(row, &Defect::without_unit(what, &quantity.quote()));
            }
            return None;
        };
        let amount = convert(quantity.number, unit).filter(|amount| *amount <= limits::AMOUNT_MAX);
        if amount.is_none() {
            self.at(row, &format!("{what} cannot be read: {}", quantity.quote()));
        }
        amount
    }

    /// One side of a page: a number and its unit, as they are written.
    pub(crate) fn side(&mut self, row: RowId, what: &str, node: Node<'_>) -> Option<(Decimal, String)> {
        let quantity = self.quantity(row, what, node)?;
        if quantity.unit.is_none() {
            self.at(row, &format!("{what} {} without a unit", quantity.quote()));
        }
        Some((quantity.number, quantity.unit?))
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&mut self, row: RowId, what: &str, node: Node<'_>) -> Option<i64> {
        let quantity = self.quantity(row, what, node)?;
        let whole = quantity.number.times(1, 1).filter(|whole| *whole <= limits::AMOUNT_MAX);
        let thousand_fold = quantity.number.times(1_000, 1);
        let exact = whole.filter(|whole| whole.checked_mul(1_000) == thousand_fold);
        if exact.is_none() {
            self.at(row, &format!("{what} is not a whole number: {}", quantity.quote()));
        }
        exact
    }

    /// A share of one, where a written 1 stands for `ppm` parts per million.
    pub(crate) fn share(&mut self, row: RowId, what: &str, node: Node<'_>, ppm: i128) -> Option<Share> {
        let quantity = self.quantity(row, what, node)?;
        let share = quantity.number.times(ppm, 1).filter(|share| *share <= WHOLE_PPM);
        if share.is_none() {
            self.at(row, &format!("{what} is more than the whole: {}", quantity.quote()));
        }
        share.map(Share)
    }

    /// A timestamp. The value of a personal row is not repeated in its defect.
    pub(crate) fn instant(&mut self, row: RowId, what: &str, node: Node<'_>) -> Option<Instant> {
        let text = node.text()?;
        let Some(instant) = Instant::parse(&text) else {
            let shown = if row.row().personal { String::new() } else { format!(": '{}'", Defect::quote(&text)) };
            self.at(row, &format!("{what} is not a timestamp{shown}"));
            return None;
        };
        (instant >= FIRST_DAY_ENDS).then_some(instant)
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, row: RowId, what: &str, node: Node<'_>) -> Option<bool> {
        let text = node.text()?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => {
                self.at(row, &format!("{what} is neither true nor false: '{}'", Defect::quote(&text)));
                None
            }
        }
    }

    /// The total of `parts` when every one is known. A total must not fall because one part fell
    /// silent: then it is absent, and odd.
    pub(crate) fn whole(&mut self, row: RowId, what: &str, parts: &[Option<i64>]) -> Option<i64> {
        let known = parts.iter().flatten().count();
        if known > 0 && known < parts.len() {
            self.at(row, &format!("{what} is known for {known} of {} parts, no total is given", parts.len()));
        }
        sum_all(parts.iter().copied())
    }

    /// Row S17: 300 ml with 196 ml left are 104 ml consumed.
    pub(crate) fn consumed(&mut self, capacity: Option<Ink>, level: Option<Ink>) -> Option<Ink> {
        let (capacity, level) = (capacity?, level?);
        if level > capacity {
            let what = format!("the level of {} nl is above the capacity of {} nl", level.0, capacity.0);
            self.at(RowId::S17, &what);
            return None;
        }
        Some(Ink(capacity.0 - level.0))
    }
}

/// A UUID as every interface is compared by it: without `urn:uuid:`, in lower case. One of zeros is one that
/// nobody has set: many have it, and it tells none of them.
pub(crate) fn uuid(text: &str) -> Option<String> {
    let uuid = plain_uuid(text);
    uuid.bytes().any(|byte| byte.is_ascii_alphanumeric() && byte != b'0').then_some(uuid)
}

/// The form of a UUID, whether or not it tells anything: see [`uuid`].
fn plain_uuid(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    text.strip_prefix("urn:uuid:").unwrap_or(&text).to_owned()
}

/// Names a resource of a driver as the source of every filled row that has none yet; `derived` are the rows that
/// the driver computes.
pub(crate) fn credit(report: &mut Report, driver: &str, resource: &str, derived: &[RowId]) {
    for filled in walk(report) {
        let row = filled.row;
        let source = || Source { from: format!("{driver} {resource}"), derived: derived.contains(&row) };
        report.sources.entry(row).or_insert_with(source);
    }
}

/// Says that a list of jobs was answered, also where no job is in it: row P27 has a source then.
pub(crate) fn credit_jobs(report: &mut Report, driver: &str, resource: &str) {
    let source = || Source { from: format!("{driver} {resource}"), derived: false };
    report.sources.entry(RowId::P27).or_insert_with(source);
}

/// The names of one list, each once: a second `Roll` is `Roll (2)`.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
    /// The last number that each name was given.
    last: BTreeMap<String, usize>,
}

impl Names {
    /// The name, with a number where it is taken. A list of one name takes as long as a list of many.
    pub(crate) fn distinct(&mut self, name: String) -> String {
        if self.taken.insert(name.clone()) {
            return name;
        }
        let name: String = name.chars().take(limits::TEXT_MAX - NUMBER_CHARS).collect();
        let last = self.last.entry(name.clone()).or_insert(1);
        loop {
            *last += 1;
            let numbered = format!("{name} ({last})");
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

/// Items by a name of theirs, in the order in which the names come first.
pub(crate) fn by_name<'a, T>(items: &'a [T], name: impl Fn(&'a T) -> &'a str) -> Vec<(&'a str, Vec<&'a T>)> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<(&str, Vec<&T>)> = Vec::new();
    for item in items {
        let name = name(item);
        let place = *places.entry(name).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(item),
            None => groups.push((name, vec![item])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_null_list_is_empty_not_odd() {
        for list in [json!({ "L": null }), json!({ "L": [] }), json!({ "L": "" }), json!({ "L": {} }), json!({})] {
            assert!(Node::of(&list).at("L").items().is_empty(), "{list}");
        }
    }

    #[test]
    fn one_thing_is_a_list_of_one() {
        let one = json!({ "L": { "Id": "7" } });
        let many = json!({ "L": [{ "Id": 7 }, { "Id": 8 }] });
        assert_eq!(Node::of(&one).at("L").items().len(), 1);
        assert_eq!(Node::of(&many).at("L").items().len(), 2);
        assert_eq!(Node::of(&one).at("L.Id").text(), Node::of(&many).at("L.Id").text());
    }

    #[test]
    fn what_stands_for_not_known_is_absent() {
        let cases = [json!(null), json!(""), json!("unknown"), json!("N/A"), json!(-1), json!("-2"), json!("-3.0000")];
        for case in cases {
            let mut notes = Notes::default();
            assert_eq!(notes.count(RowId::U14, "n", Node::of(&case)), None, "{case}");
            assert_eq!(notes.into_defects(), Vec::new(), "{case}");
        }
        assert_eq!(Node::of(&json!("n/a")).text(), None);
        assert_eq!(Node::of(&json!("n/a")).words(), Some("n/a".to_owned()));
    }

    #[test]
    fn numbers_come_plain_as_text_and_with_a_unit() {
        let cases =
            [json!(433), json!("433"), json!("433.000000"), json!({ "Value": "433", "Unit": "cc" }), json!(433.0)];
        for case in cases {
            let mut notes = Notes::default();
            assert_eq!(notes.count(RowId::U14, "n", Node::of(&case)), Some(433), "{case}");
        }
    }

    #[test]
    fn odd_numbers_are_named_and_absent() {
        let cases = [
            (json!("many"), "n is not a number: 'many'"),
            (json!(true), "n is not a number: 'true'"),
            (json!({ "a": 1 }), "n is not a number: 'an object'"),
            (json!("1,5"), "n is not a number: '1,5'"),
            (json!(1.5), "n is not a whole number: 1.5"),
            (json!(-5), "n is negative: -5"),
            (json!("99999999999999999999"), "n is not a whole number: 99999999999999999999"),
        ];
        for (case, what) in cases {
            let mut notes = Notes::default();
            assert_eq!(notes.count(RowId::U14, "n", Node::of(&case)), None, "{case}");
            assert_eq!(notes.into_defects(), vec![Defect::at(RowId::U14, what)]);
        }
    }

    #[test]
    fn an_amount_without_a_unit_is_odd_and_a_plain_zero_is_absent() {
        let check = |case: Value| {
            let mut notes = Notes::default();
            (notes.area(RowId::P19, "SquareAmount", Node::of(&case)), notes.into_defects())
        };
        assert_eq!(check(json!("0.000000")), (None, Vec::new()));
        let odd = Defect::at(RowId::P19, "SquareAmount 0.543 without a unit, kept and never billed");
        assert_eq!(check(json!("0.543")), (None, vec![odd]));
        assert_eq!(check(json!({ "Value": "0.543", "Unit": "m2" })), (Some(Area(543_000)), Vec::new()));
        let odd = Defect::at(RowId::P19, "SquareAmount cannot be read: 1 acre");
        assert_eq!(check(json!({ "Value": 1, "Unit": "acre" })), (None, vec![odd]));
    }

    #[test]
    fn the_first_day_of_1970_is_no_timestamp() {
        let mut notes = Notes::default();
        assert_eq!(notes.instant(RowId::S19, "date", Node::of(&json!("1970-01-01T00:00:00Z"))), None);
        assert!(notes.instant(RowId::S19, "date", Node::of(&json!("2026-05-23T12:52:07Z"))).is_some());
        assert_eq!(notes.instant(RowId::P9, "date", Node::of(&json!("yesterday by anna"))), None);
        assert_eq!(notes.into_defects(), vec![Defect::at(RowId::P9, "date is not a timestamp")]);
    }

    #[test]
    fn a_total_with_a_silent_part_is_odd_and_absent() {
        let mut notes = Notes::default();
        assert_eq!(notes.whole(RowId::U16, "ink", &[Some(1), Some(2)]), Some(3));
        assert_eq!(notes.whole(RowId::U16, "ink", &[None, None]), None);
        assert_eq!(notes.whole(RowId::U16, "ink", &[Some(1), None]), None);
        assert_eq!(notes.into_defects().len(), 1);
    }

    #[test]
    fn texts_are_bounded_and_without_control_characters() {
        let long = json!(format!("a\u{1b}[31m\n{}", "b".repeat(10_000)));
        let text = Node::of(&long).text().expect("a text");
        assert_eq!(text.chars().count(), limits::TEXT_MAX);
        assert!(text.starts_with("a[31mbb"));
    }

    #[test]
    fn no_text_turns_the_text_around_it() {
        assert_eq!(clean("T930\u{202e}xslx\u{2066}\u{2028}."), "T930xslx.");
        let mut notes = Notes::default();
        notes.of("'\u{202e}' is odd");
        assert_eq!(notes.into_defects(), vec![Defect::of("'' is odd")]);
        let hebrew = "\u{5ea}\u{5db}\u{5e0}\u{5d9}\u{5ea} 1";
        assert_eq!(clean(hebrew), hebrew);
    }

    #[test]
    fn a_uuid_is_one_text_on_every_interface() {
        for text in ["0B8F4597-ADBC-4B14-8637-000000000001", "urn:uuid:0b8f4597-adbc-4b14-8637-000000000001 "] {
            assert_eq!(uuid(text).as_deref(), Some("0b8f4597-adbc-4b14-8637-000000000001"));
        }
        for unset in ["urn:uuid:00000000-0000-0000-0000-000000000000", "{0}", "00", "-", ""] {
            assert_eq!(uuid(unset), None, "{unset}");
        }
    }

    #[test]
    fn joined_texts_are_bounded_as_one() {
        let words = ["a", "b"].map(|letter| letter.repeat(limits::TEXT_MAX - 56));
        assert_eq!(joined(&words).map(|text| text.chars().count()), Some(limits::TEXT_MAX));
        assert_eq!(joined(&[]), None);
    }

    #[test]
    fn each_name_of_a_list_stands_there_once() {
        let mut names = Names::default();
        let found = ["Roll", "Roll (2)", "Roll", "Roll", "Tray"].map(|name| names.distinct(name.to_owned()));
        assert_eq!(found, ["Roll", "Roll (2)", "Roll (3)", "Roll (4)", "Tray"]);
        let long = "x".repeat(limits::TEXT_MAX);
        let found = [names.distinct(long.clone()), names.distinct(long)];
        assert!(found[0] != found[1] && found[1].chars().count() <= limits::TEXT_MAX, "{found:?}");
    }

    #[test]
    fn items_of_one_name_stand_together() {
        let items = ["b1", "a1", "b2"];
        let groups = by_name(&items, |item| &item[..1]);
        assert_eq!(groups, [("b", vec![&"b1", &"b2"]), ("a", vec![&"a1"])]);
    }

    #[test]
    fn more_defects_than_the_limit_are_counted() {
        let mut notes = Notes::default();
        for _ in 0..limits::DEFECTS_MAX + 3 {
            notes.of("odd");
        }
        let defects = notes.into_defects();
        assert_eq!(defects.len(), limits::DEFECTS_MAX + 1);
        assert_eq!(defects.last(), Some(&Defect::of("3 more defects are left out")));
    }
}
