//! The values of an answer, one after another: texts of JSON, XML, HTML, IPP, snmprec and plain tables, each
//! with the names and labels it stands under, so that a value can be looked at or replaced without touching the
//! rest.
//!
//! Total: whatever the bytes are, each walk ends and keeps what it does not understand as it is; of an IPP message
//! that breaks off, what follows is made unreadable. Deliberately absent: what a value means, which [`super::mask`]
//! decides, and rows, which the drivers read.

use super::markup::markup;
use super::words::{LABEL_MAX, is_label_of_names};
use drivers::Channel;

/// Names that are remembered around a value; what is nested deeper keeps the name at this depth.
pub(super) const NAMES_MAX: usize = 256;
/// Bytes at the start of a document that tell HTML from XML.
const HEAD: usize = 1024;

/// How the bytes of an answer are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Xml,
    Html,
    Ipp,
    /// Lines of snmprec.
    Variables,
    /// Cells between tabs, semicolons, commas, bars and ends of lines.
    Table,
    /// Bytes whose values cannot be replaced one by one: a spreadsheet, an archive, a picture.
    Closed,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Field<'a> {
    /// The name that it stands under: a member, an attribute, an element; empty where there is none.
    pub(super) name: &'a str,
    /// The name around that one.
    pub(super) parent: &'a str,
    /// The name that the tag around it was given: its `name` or `id`.
    pub(super) mark: &'a str,
    /// The label of its column.
    pub(super) column: &'a str,
    /// What stands before it in its row or line.
    pub(super) before: &'a str,
    /// Whether the name says nothing of the value, as that of a table's cell.
    pub(super) bare: bool,
    /// Whether it stands in a document of which only known words are shown.
    pub(super) strict: bool,
}

impl<'a> Field<'a> {
    /// A value without a name.
    pub(super) const BARE: Field<'static> =
        Field { name: "", parent: "", mark: "", column: "", before: "", bare: true, strict: false };

    /// A value under a name, and the name around that one.
    pub(super) fn of(name: &'a str, parent: &'a str) -> Field<'a> {
        Field { name, parent, ..Field::default() }
    }
}

/// Looks at a value, and gives another one where it is to be replaced.
pub(super) type Change<'c> = dyn FnMut(Field<'_>, &str) -> Option<String> + 'c;

/// How an answer over `channel` is written. The first bytes decide, since headers are often wrong.
pub(super) fn form(channel: Channel, body: &[u8]) -> Form {
    match channel {
        Channel::Ipp => return Form::Ipp,
        Channel::Snmp => return Form::Variables,
        Channel::Web => {}
    }
    if body.contains(&0) || body.starts_with(b"PK\x03\x04") {
        return Form::Closed;
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => Form::Json,
        Some(b'<') => {
            let head = body.get(..HEAD).unwrap_or(body).to_ascii_lowercase();
            let head = String::from_utf8_lossy(&head);
            if head.contains("<html") || head.contains("<!doctype html") { Form::Html } else { Form::Xml }
        }
        _ => Form::Table,
    }
}

/// Gives every value of `body` to `change`, and the body with what it replaced.
pub(super) fn rewrite(form: Form, body: &[u8], change: &mut Change<'_>) -> Vec<u8> {
    match form {
        Form::Ipp => ipp(body, change),
        Form::Closed => body.to_vec(),
        Form::Json => in_text(body, |text| json(text, change)),
        Form::Xml => in_text(body, |text| markup(text, false, change)),
        Form::Html => in_text(body, |text| markup(text, true, change)),
        Form::Variables => in_text(body, |text| variables(text, change)),
        Form::Table => in_text(body, |text| table(text, change)),
    }
}

/// Rewrites bytes as UTF-8 where they are that, else as Latin-1, in which any bytes are a text.
fn in_text(body: &[u8], write: impl FnOnce(&str) -> String) -> Vec<u8> {
    if let Ok(text) = std::str::from_utf8(body) {
        return write(text).into_bytes();
    }
    let latin: String = body.iter().map(|byte| char::from(*byte)).collect();
    // What takes a value's place is ASCII.
    write(&latin).chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

/// The names around a value.
#[derive(Default)]
struct Names {
    inner: Vec<String>,
    /// Levels that are not remembered.
    deeper: usize,
}

impl Names {
    fn open(&mut self, name: &str) {
        if self.inner.len() < NAMES_MAX { self.inner.push(name.to_owned()) } else { self.deeper += 1 }
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else {
            self.inner.pop();
        }
    }

    /// The `back`-th name from the inside.
    fn name(&self, back: usize) -> &str {
        self.inner.iter().rev().nth(back).map_or("", String::as_str)
    }
}

/// JSON, token by token: broken JSON is kept as it is.
fn json(text: &str, change: &mut Change<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut names = Names::default();
    let mut key: Option<String> = None;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => text_token(rest),
            '-' | '0'..='9' => {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len())
            }
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match first {
            '{' | '[' => {
                let name = key.take().unwrap_or_else(|| names.name(0).to_owned());
                names.open(&name);
            }
            '}' | ']' => {
                names.close();
                key = None;
            }
            ',' => key = None,
            '"' if after.trim_start().starts_with(':') => key = Some(said(token)),
            '"' | '-' | '0'..='9' => {
                let field = match &key {
                    Some(key) => Field::of(key, names.name(0)),
                    None => Field::of(names.name(0), names.name(1)),
                };
                let value = if first == '"' { said(token) } else { token.to_owned() };
                if let Some(new) = change(field, &value) {
                    let is_number = first != '"' && new.bytes().all(|byte| byte.is_ascii_digit());
                    out.push_str(&if is_number { new } else { serde_json::Value::String(new).to_string() });
                    continue;
                }
            }
            _ => {}
        }
        out.push_str(token);
    }
    out
}

/// The bytes of the text that starts here with its quotation mark; all the rest where it does not end.
fn text_token(rest: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

/// What a text token says; the token itself where its escapes are wrong.
fn said(token: &str) -> String {
    serde_json::from_str(token).unwrap_or_else(|_| token.trim_matches('"').to_owned())
}

/// Tags of IPP values that are free texts: octets, texts, names, addresses, with or without a language.
const IPP_TEXTS: &[u8] = &[0x30, 0x41, 0x42, 0x45];
const IPP_WITH_LANGUAGE: &[u8] = &[0x35, 0x36];
/// The tag of a member's name in a collection.
const IPP_MEMBER: u8 = 0x4a;

/// An IPP message (RFC 8010 §3.1). What takes a value's place is brought to its length, so that the message holds.
/// Behind a place that cannot be understood nobody reads on, and nothing is left to be read.
fn ipp(body: &[u8], change: &mut Change<'_>) -> Vec<u8> {
    let mut out = body.to_vec();
    let (mut name, mut member) = (String::new(), String::new());
    // Version, operation or status, and the number of the request stand first.
    let mut at = 8;
    while let Some(&tag) = body.get(at) {
        at += 1;
        match tag {
            0 | 0x03 => break,
            1..=0x0f => continue,
            _ => {}
        }
        let Some((named, next)) = counted(body, at) else {
            at += 2;
            break;
        };
        let Some((value, mut end)) = counted(body, next) else {
            at = next + 2;
            break;
        };
        if !named.is_empty() {
            name = latin(named);
            member.clear();
        }
        if tag == IPP_MEMBER {
            member = latin(value);
        }
        let text = match tag {
            _ if IPP_TEXTS.contains(&tag) => Some(value),
            _ if IPP_WITH_LANGUAGE.contains(&tag) => with_language(body, value, &mut end),
            _ => None,
        };
        if let Some(text) = text {
            let (field, parent) = if member.is_empty() { (&name, "") } else { (&member, name.as_str()) };
            let new = change(Field::of(field, parent), &latin(text));
            if let (Some(new), Some(place)) = (new, out.get_mut(end - text.len()..end)) {
                fit(place, &new, std::str::from_utf8(text).is_ok());
            }
        }
        at = end;
    }
    let rest = out.get_mut(at..).unwrap_or_default();
    rest.iter_mut().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()).for_each(|byte| *byte = b'x');
    out
}

/// Bytes as UTF-8 where they are that, else as Latin-1, as the driver reads them.
fn latin(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}

/// The text of a language and a text, each with its length. Firmware is known that gives the length of the language
/// for that of both: then the text follows, and `end` is moved behind it.
fn with_language<'a>(body: &'a [u8], value: &'a [u8], end: &mut usize) -> Option<&'a [u8]> {
    let inner = counted(value, 0).and_then(|(_, text)| counted(value, text));
    if let Some((text, _)) = inner.filter(|(_, end)| *end == value.len()) {
        return Some(text);
    }
    let (text, behind) = counted(body, *end)?;
    if !matches!(body.get(behind), Some(0x01..=0x05 | 0x10..=0x4a)) {
        return None;
    }
    *end = behind;
    Some(text)
}

/// Writes a text into a place of fixed length. In Latin-1 a character is one byte, and a mask is as long as the
/// bytes of UTF-8: the end of it tells one mask from another.
fn fit(place: &mut [u8], new: &str, is_utf8: bool) {
    let bytes: Vec<u8> = if is_utf8 {
        new.bytes().collect()
    } else {
        new.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
    };
    let bytes = bytes.get(bytes.len().saturating_sub(place.len())..).unwrap_or_default();
    let filled = bytes.iter().copied().chain(std::iter::repeat(b'x'));
    place.iter_mut().zip(filled).for_each(|(byte, new)| *byte = new);
}

/// The bytes behind a count of two bytes at `at`, and where they end.
fn counted(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let count: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
    let end = at + 2 + usize::from(u16::from_be_bytes(count));
    Some((bytes.get(at + 2..end)?, end))
}

/// Objects whose values are named here, since an identifier says nothing to [`super::mask`].
const OBJECTS: &[(&str, &str)] = &[
    ("1.3.6.1.2.1.1.4.", "sysContact"),
    ("1.3.6.1.2.1.1.5.", "HostName"),
    ("1.3.6.1.2.1.1.6.", "DeviceLocation"),
    ("1.3.6.1.2.1.2.2.1.6.", "HardwareAddress"),
    ("1.3.6.1.2.1.43.5.1.1.4.", "Owner"),
    ("1.3.6.1.2.1.43.5.1.1.5.", "ContactPerson"),
    ("1.3.6.1.2.1.43.5.1.1.16.", "PrinterName"),
    ("1.3.6.1.2.1.43.5.1.1.17.", "SerialNumber"),
    ("1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3.", "SerialNumber"),
];

/// Lines of snmprec: `OID|TAG|VALUE`.
fn variables(text: &str, change: &mut Change<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (content, end) = line.split_at(line.trim_end_matches(['\r', '\n']).len());
        let mut parts = content.splitn(3, '|');
        if let (Some(oid), Some(tag), Some(value)) = (parts.next(), parts.next(), parts.next())
            && let Some(new) = variable(oid, tag, value, change)
        {
            out.push_str(&format!("{oid}|{tag}|{new}{end}"));
        } else {
            out.push_str(line);
        }
    }
    out
}

/// What takes the place of one variable's value.
fn variable(oid: &str, tag: &str, value: &str, change: &mut Change<'_>) -> Option<String> {
    let name = OBJECTS.iter().find(|(start, _)| oid.starts_with(start)).map_or("", |(_, name)| *name);
    let field = Field::of(name, "");
    match tag {
        "4" => change(field, value),
        "64" | "64x" => change(Field { name: "IPAddress", ..field }, value),
        "4x" if name == "HardwareAddress" => change(field, value),
        "4x" => {
            let bytes = super::mask::unhex(value.as_bytes())?;
            let said = String::from_utf8(bytes)
                .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect::<String>());
            let new = change(field, &said)?;
            let latin = new.chars().map(|c| u8::try_from(u32::from(c)));
            let bytes: Result<Vec<u8>, _> = latin.collect();
            Some(super::mask::hex(&bytes.unwrap_or_else(|_| new.into_bytes())))
        }
        _ => None,
    }
}

/// What ends a cell of a plain table.
const ENDS: [char; 6] = ['\t', ';', ',', '|', '\n', '\r'];

/// Cells of a plain table. The first line with a label of names says what its columns are.
fn table(text: &str, change: &mut Change<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut head: Vec<&str> = Vec::new();
    for line in text.split_inclusive(['\n', '\r']) {
        let cells = || line.split_inclusive(ENDS).map(|piece| piece.trim_end_matches(ENDS).trim().trim_matches('"'));
        let is_head = head.is_empty() && cells().nth(2).is_some() && cells().any(is_label_of_names);
        if is_head {
            head = cells().collect();
        }
        let mut before = "";
        for (at, piece) in line.split_inclusive(ENDS).enumerate() {
            let inner = piece.trim_end_matches(ENDS).trim().trim_matches('"');
            let column = head.get(at).copied().filter(|_| !is_head).unwrap_or_default();
            let field = Field { column, before: if is_head { "" } else { before }, ..Field::BARE };
            let new = if inner.is_empty() { None } else { change(field, inner) };
            match new {
                Some(new) => out.push_str(&piece.replacen(inner, &new, 1)),
                None => out.push_str(piece),
            }
            before = if inner.len() <= LABEL_MAX { inner } else { "" };
        }
    }
    out
}
