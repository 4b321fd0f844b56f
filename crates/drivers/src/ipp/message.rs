//! IPP messages: bytes to attributes (RFC 8010).
//!
//! An own reader, since the one at hand builds collections without a limit of depth and copies and drops them
//! by recursion, so that an answer within the size limit ends the program; and since it gives up a whole answer for
//! one odd attribute, as a recorded printer has. Here what is odd is noted and the rest is read; what follows a
//! place that cannot be understood is not.
//! Deliberately absent: sockets, and any meaning of an attribute.

use crate::limits::{BODY_MAX, DEFECTS_MAX, DEPTH_MAX, NODES_MAX};
use crate::node::FIRST_DAY_ENDS;
use crate::snmp::mib;
use report::{Defect, Instant};
use std::collections::BTreeMap;

/// The tag of the operation attributes.
pub(crate) const OPERATION_GROUP: u8 = 0x01;
/// The tag of a job.
pub(crate) const JOB_GROUP: u8 = 0x02;
/// The tag of the printer attributes.
pub(crate) const PRINTER_GROUP: u8 = 0x04;

const END: u8 = 0x03;
/// Tags up to this one begin a group or end the attributes.
const DELIMITER_MAX: u8 = 0x0f;
const BEGIN_COLLECTION: u8 = 0x34;
const END_COLLECTION: u8 = 0x37;
const MEMBER_NAME: u8 = 0x4a;
/// What is said of an answer that ends within a value.
const CUT_OFF: &str = "the answer is cut off, the rest is not read";
/// Seconds from which on a time since the printer was started is one since 1970: no printer has run for 31
/// years, and some firmware gives both attributes alike.
const SURELY_SINCE_1970: i64 = 1_000_000_000;

/// The attributes of a group or a collection, each with its values.
pub(crate) type Attributes = BTreeMap<String, Vec<Value>>;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// integer and enum.
    Number(i64),
    /// dateTime: the eleven bytes of RFC 2579.
    Time([u8; 11]),
    /// Every kind of text.
    Text(String),
    /// octetString, and whatever has no other form here.
    Octets(Vec<u8>),
    /// collection.
    Members(Attributes),
    /// no-value, unknown, unsupported.
    Nothing,
}

impl Value {
    fn text(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.clone()),
            Value::Octets(bytes) => Some(mib::decode(bytes).0),
            Value::Number(_) | Value::Time(_) | Value::Members(_) | Value::Nothing => None,
        }
    }
}

/// A group of attributes.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Its delimiter tag.
    pub(crate) tag: u8,
    /// Its attributes.
    pub(crate) attributes: Attributes,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Message {
    /// The status code; up to 0x00ff the operation succeeded.
    pub(crate) status: u16,
    /// The groups in their order.
    pub(crate) groups: Vec<Group>,
    /// What was odd, in words.
    pub(crate) odd: Vec<String>,
    /// Whether it was read to its end.
    pub(crate) is_whole: bool,
}

impl Message {
    /// The attributes of the first group of this tag.
    pub(crate) fn group(&self, tag: u8) -> Option<&Attributes> {
        self.groups.iter().find(|group| group.tag == tag).map(|group| &group.attributes)
    }
}

/// Why bytes are no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotIpp {
    /// Over [`BODY_MAX`].
    #[error("longer than {} bytes", BODY_MAX)]
    TooLong,
    /// A web page, as a printer without IPP or one that is asleep gives.
    #[error("a web page instead of an IPP answer")]
    WebPage,
    /// Without the eight bytes that an answer begins with, or of no known version.
    #[error("not an IPP answer")]
    NoHeader,
}

/// All values of an attribute.
pub(crate) fn all<'a>(attributes: &'a Attributes, name: &str) -> &'a [Value] {
    attributes.get(name).map(Vec::as_slice).unwrap_or_default()
}

/// The first text of an attribute, as a row shows it.
pub(crate) fn text(attributes: &Attributes, name: &str) -> Option<String> {
    all(attributes, name).iter().find_map(Value::text).and_then(|text| mib::plain(&text))
}

/// The first text of an attribute in full, however long. It is taken apart and never shown whole.
pub(crate) fn long_text(attributes: &Attributes, name: &str) -> Option<String> {
    all(attributes, name).iter().find_map(Value::text)
}

/// The first text of an attribute as a person wrote it.
pub(crate) fn words(attributes: &Attributes, name: &str) -> Option<String> {
    long_text(attributes, name).and_then(|text| mib::words(&text))
}

/// Every text of an attribute in full, an empty one where a value is no text, so that attributes whose values
/// belong together stay so.
pub(crate) fn texts(attributes: &Attributes, name: &str) -> Vec<String> {
    all(attributes, name).iter().map(|value| value.text().unwrap_or_default()).collect()
}

/// The first number of an attribute.
pub(crate) fn number(attributes: &Attributes, name: &str) -> Option<i64> {
    numbers(attributes, name).into_iter().flatten().next()
}

/// Every number of an attribute.
pub(crate) fn numbers(attributes: &Attributes, name: &str) -> Vec<Option<i64>> {
    let number = |value: &Value| if let Value::Number(number) = value { Some(*number) } else { None };
    all(attributes, name).iter().map(number).collect()
}

/// The collections of an attribute.
pub(crate) fn collections<'a>(attributes: &'a Attributes, name: &str) -> Vec<&'a Attributes> {
    let members = |value: &'a Value| if let Value::Members(members) = value { Some(members) } else { None };
    all(attributes, name).iter().filter_map(members).collect()
}

/// The instant that `date-time-at-<event>` gives, else the one that `time-at-<event>` gives where it counts from
/// 1970. A time since the printer was started is none: each reading would make another instant of it.
pub(crate) fn instant(attributes: &Attributes, event: &str) -> Option<Instant> {
    let dated = all(attributes, &format!("date-time-at-{event}"));
    let dated = dated.iter().find_map(|value| if let Value::Time(bytes) = value { date_time(*bytes) } else { None });
    let counted = || {
        let seconds = number(attributes, &format!("time-at-{event}"))?;
        if seconds >= SURELY_SINCE_1970 { seconds.checked_mul(1_000).map(Instant) } else { None }
    };
    dated.or_else(counted).filter(|instant| *instant >= FIRST_DAY_ENDS)
}

/// A DateAndTime of RFC 2579 with its zone; `None` where it is none.
fn date_time(bytes: [u8; 11]) -> Option<Instant> {
    let [century, rest, month, day, hour, minute, second, tenths, sign, zone_hours, zone_minutes] = bytes;
    let year = u16::from_be_bytes([century, rest]);
    let sign = match sign {
        b'+' => '+',
        b'-' => '-',
        _ => return None,
    };
    if tenths > 9 {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    let time = format!("{hour:02}:{minute:02}:{second:02}.{tenths}");
    Instant::parse(&format!("{date}T{time}{sign}{zone_hours:02}:{zone_minutes:02}"))
}

/// Reads an answer.
///
/// # Errors
/// [`NotIpp`] where the bytes do not even begin like one.
pub(crate) fn read(body: &[u8]) -> Result<Message, NotIpp> {
    if body.len() > BODY_MAX {
        return Err(NotIpp::TooLong);
    }
    if body.trim_ascii_start().starts_with(b"<") {
        return Err(NotIpp::WebPage);
    }
    let (head, rest) = body.split_first_chunk::<8>().ok_or(NotIpp::NoHeader)?;
    let [major, _, high, low, ..] = *head;
    if !matches!(major, 1 | 2) {
        return Err(NotIpp::NoHeader);
    }
    let mut reader = Reader { cursor: Cursor(rest), ..Reader::default() };
    let end = reader.run();
    if let Err(why) = end {
        reader.name = None;
        reader.note(why);
    }
    let status = u16::from_be_bytes([high, low]);
    Ok(Message { status, groups: reader.groups, odd: reader.odd, is_whole: end.is_ok() })
}

/// What is left of the bytes.
#[derive(Clone, Copy, Default)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The bytes that follow their length in two bytes. Nothing is allocated for them.
    fn sized(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<2>()?;
        let (bytes, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.0 = rest;
        Some(bytes)
    }
}

/// A collection whose end did not come yet.
#[derive(Default)]
struct Open {
    members: Attributes,
    /// The member whose values come.
    member: Option<String>,
}

#[derive(Default)]
struct Reader<'a> {
    cursor: Cursor<'a>,
    groups: Vec<Group>,
    /// The attribute whose values come.
    name: Option<String>,
    open: Vec<Open>,
    nodes: usize,
    odd: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads to the end of the attributes.
    fn run(&mut self) -> Result<(), &'static str> {
        loop {
            let tag = self.cursor.byte().ok_or(CUT_OFF)?;
            self.nodes += 1;
            if self.nodes > NODES_MAX {
                return Err("too many attributes, the rest is not read");
            }
            if tag == 0 {
                return Err("a reserved tag stands there, the rest is not read");
            }
            if tag > DELIMITER_MAX {
                self.value(tag)?;
                continue;
            }
            self.close();
            if tag == END {
                return Ok(());
            }
            self.name = None;
            self.groups.push(Group { tag, attributes: Attributes::new() });
        }
    }

    /// Gives up collections that were not ended.
    fn close(&mut self) {
        if !self.open.is_empty() {
            self.note("a collection has no end, it is left out");
            self.open.clear();
        }
    }

    fn value(&mut self, tag: u8) -> Result<(), &'static str> {
        let name = self.cursor.sized().ok_or(CUT_OFF)?;
        let bytes = self.cursor.sized().ok_or(CUT_OFF)?;
        if !name.is_empty() {
            self.close();
            self.name = Some(mib::decode(name).0);
        }
        match tag {
            BEGIN_COLLECTION if self.open.len() >= DEPTH_MAX => {
                return Err("collections are nested too deep, the rest is not read");
            }
            BEGIN_COLLECTION => self.open.push(Open::default()),
            END_COLLECTION => match self.open.pop() {
                Some(open) => self.put(Value::Members(open.members)),
                None => self.note("a collection ends that did not begin"),
            },
            MEMBER_NAME => match self.open.last_mut() {
                Some(open) => open.member = Some(mib::decode(bytes).0),
                None => self.note("a member stands outside of a collection"),
            },
            _ => {
                let value = self.scalar(tag, bytes);
                self.put(value);
            }
        }
        Ok(())
    }

    /// Adds a value to the member or attribute whose values come.
    fn put(&mut self, value: Value) {
        let place = match self.open.last_mut() {
            Some(Open { members, member: Some(name) }) => Some((members, &*name)),
            Some(_) => None,
            None => match (self.groups.last_mut(), &self.name) {
                (Some(group), Some(name)) => Some((&mut group.attributes, name)),
                _ => None,
            },
        };
        match place {
            Some((attributes, name)) => attributes.entry(name.clone()).or_default().push(value),
            None => self.note("a value stands without a name, it is left out"),
        }
    }

    fn scalar(&mut self, tag: u8, bytes: &'a [u8]) -> Value {
        let value = match tag {
            0x10..=0x1f => Some(Value::Nothing),
            0x21 | 0x23 => bytes.try_into().ok().map(|bytes| Value::Number(i64::from(i32::from_be_bytes(bytes)))),
            0x31 => bytes.try_into().ok().map(Value::Time),
            0x35 | 0x36 => self.text_with_language(bytes),
            0x40..=0x5f => Some(self.text(bytes)),
            _ => Some(Value::Octets(bytes.to_vec())),
        };
        value.unwrap_or_else(|| {
            self.note("a value does not fit its type");
            Value::Nothing
        })
    }

    fn text(&mut self, bytes: &[u8]) -> Value {
        let (text, is_utf8) = mib::decode(bytes);
        if !is_utf8 {
            self.note("a text is not UTF-8, read as Latin-1");
        }
        Value::Text(text)
    }

    /// The text of a language and a text, each with its length.
    ///
    /// Firmware is known that gives the length of the language for that of both. Then the text follows what was
    /// taken for the value, and behind it another tag.
    fn text_with_language(&mut self, bytes: &'a [u8]) -> Option<Value> {
        let mut both = Cursor(bytes);
        if let (Some(_language), Some(text)) = (both.sized(), both.sized())
            && both.0.is_empty()
        {
            return Some(self.text(text));
        }
        let mut beyond = self.cursor;
        let text = beyond.sized()?;
        if !matches!(beyond.0.first(), Some(0x01..=0x05 | 0x10..=0x4a)) {
            return None;
        }
        self.cursor = beyond;
        self.note("the length of a text is that of its language, read on behind it");
        Some(self.text(text))
    }

    /// Notes something odd; the attribute is named, its value never: it may be personal.
    fn note(&mut self, what: &str) {
        if self.odd.len() < DEFECTS_MAX {
            let name = self.name.as_ref().map(|name| format!("{}: ", Defect::quote(name)));
            self.odd.push(format!("{}{what}", name.unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 8] = [1, 1, 0, 0, 0, 0, 0, 1];

    /// A value as RFC 8010 writes it.
    fn value(tag: u8, name: &str, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        for part in [name.as_bytes(), value] {
            bytes.extend(u16::try_from(part.len()).expect("a short part").to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }

    fn message(parts: &[Vec<u8>]) -> Message {
        read(&[HEAD.to_vec(), vec![PRINTER_GROUP], parts.concat(), vec![END]].concat()).expect("a message")
    }

    fn printer(parts: &[Vec<u8>]) -> (Attributes, Vec<String>) {
        let message = message(parts);
        (message.group(PRINTER_GROUP).cloned().unwrap_or_default(), message.odd)
    }

    #[test]
    fn values_of_every_kind_are_read() {
        let (found, odd) = printer(&[
            value(0x41, "a", b"text"),
            value(0x35, "b", b"\x00\x02en\x00\x04text"),
            value(0x44, "c", b"one"),
            value(0x44, "", b"two"),
            value(0x23, "d", &[0xff, 0xff, 0xff, 0xfe]),
            value(0x12, "e", b""),
            value(0x30, "f", b"k=v;"),
            value(0x31, "date-time-at-x", &[7, 0xe5, 9, 28, 9, 37, 35, 0, b'+', 2, 30]),
        ]);
        assert_eq!(odd, Vec::<String>::new());
        assert_eq!((text(&found, "a"), text(&found, "b")), (Some("text".to_owned()), Some("text".to_owned())));
        assert_eq!(texts(&found, "c"), ["one", "two"]);
        assert_eq!((number(&found, "d"), number(&found, "a")), (Some(-2), None));
        assert_eq!(all(&found, "e"), [Value::Nothing]);
        assert_eq!(long_text(&found, "f").as_deref(), Some("k=v;"));
        assert_eq!(instant(&found, "x"), Instant::parse("2021-09-28T07:07:35Z"));
    }

    #[test]
    fn collections_hold_collections_and_many_values() {
        let (found, odd) = printer(&[
            value(0x34, "media-col-ready", b""),
            value(0x4a, "", b"media-size"),
            value(0x34, "", b""),
            value(0x4a, "", b"x-dimension"),
            value(0x21, "", &[0, 0, 0x54, 0x56]),
            value(0x37, "", b""),
            value(0x4a, "", b"media-type"),
            value(0x44, "", b"stationery"),
            value(0x44, "", b"labels"),
            value(0x37, "", b""),
            value(0x34, "", b""),
            value(0x37, "", b""),
            value(0x21, "after", &[0, 0, 0, 7]),
        ]);
        assert_eq!(odd, Vec::<String>::new());
        let ready = collections(&found, "media-col-ready");
        assert_eq!(ready.len(), 2);
        assert_eq!(texts(ready[0], "media-type"), ["stationery", "labels"]);
        let size = collections(ready[0], "media-size");
        assert_eq!(number(size[0], "x-dimension"), Some(21_590));
        assert_eq!(number(&found, "after"), Some(7));
    }

    #[test]
    fn a_length_that_is_that_of_the_language_is_read_on_behind_it() {
        let mut name = value(0x36, "job-name", b"de");
        name.extend(b"\x00\x05A.pdf");
        let (found, odd) = printer(&[name, value(0x21, "job-id", &[0, 0, 3, 0xe1])]);
        assert_eq!(text(&found, "job-name").as_deref(), Some("A.pdf"));
        assert_eq!(number(&found, "job-id"), Some(993));
        assert_eq!(odd, ["job-name: the length of a text is that of its language, read on behind it"]);
    }

    #[test]
    fn what_is_odd_is_noted_and_the_rest_is_read() {
        let (found, odd) = printer(&[
            value(0x21, "short", &[1]),
            value(0x37, "ends", b""),
            value(0x4a, "member", b"x"),
            value(0x34, "open", b""),
            value(0x21, "", &[0, 0, 0, 1]),
            value(0x41, "latin", b"Gr\xfcn"),
        ]);
        assert_eq!(text(&found, "latin").as_deref(), Some("Grün"));
        let expected = [
            "short: a value does not fit its type",
            "ends: a collection ends that did not begin",
            "member: a member stands outside of a collection",
            "open: a value stands without a name, it is left out",
            "open: a collection has no end, it is left out",
            "latin: a text is not UTF-8, read as Latin-1",
        ];
        assert_eq!(odd, expected);
    }

    #[test]
    fn an_answer_that_is_cut_off_anywhere_keeps_what_came_before() {
        let whole = [HEAD.to_vec(), vec![PRINTER_GROUP], value(0x41, "a", b"1"), value(0x41, "b", b"2")].concat();
        for length in HEAD.len()..whole.len() {
            let message = read(&whole[..length]).expect("a message");
            assert_eq!((message.odd, message.is_whole), (vec![CUT_OFF.to_owned()], false), "{length}");
        }
        let message = read(&whole).expect("a message");
        assert_eq!(message.group(PRINTER_GROUP).map(BTreeMap::len), Some(2));
    }

    #[test]
    fn what_is_no_answer_says_so() {
        assert_eq!(read(b"  <html>").err(), Some(NotIpp::WebPage));
        assert_eq!(read(b"").err(), Some(NotIpp::NoHeader));
        assert_eq!(read(&[9, 0, 0, 0, 0, 0, 0, 0, 3]).err(), Some(NotIpp::NoHeader));
        assert_eq!(read(&vec![1; BODY_MAX + 1]).err(), Some(NotIpp::TooLong));
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep = vec![value(0x34, "", b""); 100_000].concat();
        let found = printer(&[value(0x34, "deep", b""), deep]).1;
        assert_eq!(found, ["collections are nested too deep, the rest is not read"]);
        let groups = vec![PRINTER_GROUP; NODES_MAX + 1];
        let message = read(&[HEAD.to_vec(), groups].concat()).expect("a message");
        assert_eq!(message.odd, ["too many attributes, the rest is not read"]);
    }

    #[test]
    fn times_that_are_not_known_are_absent() {
        let year = |year: [u8; 2]| value(0x31, "date-time-at-x", &[year[0], year[1], 1, 1, 0, 0, 0, 0, b'+', 0, 0]);
        for time in [
            year([7, 0xb2]),
            year([7, 0x5c]),
            value(0x31, "date-time-at-x", &[7, 0xe5, 13, 40, 0, 0, 0, 0, b'+', 0, 0]),
            value(0x31, "date-time-at-x", &[7, 0xe5, 1, 1, 0, 0, 0, 0, 0, 0, 0]),
            value(0x21, "time-at-x", &[0, 0, 0, 0]),
            value(0x21, "time-at-x", &3_632_169_i32.to_be_bytes()),
        ] {
            assert_eq!(instant(&printer(std::slice::from_ref(&time)).0, "x"), None, "{time:?}");
        }
        let counted = printer(&[value(0x21, "time-at-x", &1_632_821_855_i32.to_be_bytes())]).0;
        assert_eq!(instant(&counted, "x"), Instant::parse("2021-09-28T09:37:35Z"));
    }
}
