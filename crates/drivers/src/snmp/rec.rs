//! SNMP answers as text: one variable a line, `OID|TAG|VALUE`, the form that snmpsim serves.
//!
//! So a recording is at once a file for a simulator and a case for a test. Reading is strict: a line that
//! is not of this form makes the text unreadable, since it is written by us or by a tool of the same form.
//! Deliberately absent: the variation modules of snmpsim, which make values up, and any meaning of an
//! object identifier.

use crate::limits::BODY_MAX;
use core::net::Ipv4Addr;
use std::collections::BTreeSet;

/// Variables of one text, and of one reading.
pub const VARIABLES_MAX: usize = 20_000;
/// Numbers of one object identifier (RFC 2578, section 3.5).
pub const ARCS_MAX: usize = 128;

/// The tags of the three unsigned types of 32 bits: Counter32, Gauge32, TimeTicks.
const UNSIGNED_32: [u8; 3] = [65, 66, 67];
/// The tag of Counter64.
const COUNTER_64: u8 = 70;

/// One SNMP variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its object identifier without a leading dot: `1.3.6.1.2.1.1.1.0`.
    pub oid: String,
    /// Its value.
    pub value: Value,
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// INTEGER, tag 2.
    Integer(i64),
    /// OCTET STRING, tag 4.
    Bytes(Vec<u8>),
    /// NULL, tag 5.
    Null,
    /// OBJECT IDENTIFIER without a leading dot, tag 6.
    Oid(String),
    /// IpAddress, tag 64.
    Ip([u8; 4]),
    /// Counter32 (65), Gauge32 (66), TimeTicks (67) in hundredths of a second, Counter64 (70).
    Unsigned {
        /// Which of them.
        tag: u8,
        /// The number.
        value: u64,
    },
}

impl Value {
    /// The number, where the value is one that fits.
    pub fn number(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            Value::Unsigned { value, .. } => i64::try_from(*value).ok(),
            Value::Bytes(_) | Value::Null | Value::Oid(_) | Value::Ip(_) => None,
        }
    }
}

/// Why a text is no list of variables.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Over [`BODY_MAX`].
    #[error("longer than {} bytes", BODY_MAX)]
    TooLong,
    /// Over [`VARIABLES_MAX`].
    #[error("more than {} variables", VARIABLES_MAX)]
    TooMany,
    /// A line that is no variable.
    #[error("line {number} {why}")]
    Line {
        /// Which line, from 1.
        number: usize,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// The numbers of an object identifier; `None` where the text is none.
pub(crate) fn arcs(oid: &str) -> Option<Vec<u32>> {
    let arcs: Option<Vec<u32>> = oid.split('.').take(ARCS_MAX + 1).map(arc).collect();
    arcs.filter(|arcs| arcs.len() <= ARCS_MAX)
}

fn arc(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Reads a text. Empty lines are skipped, an object may stand once.
///
/// # Errors
/// [`Broken`] names the first line that is not of this form, or the limit that is passed.
pub fn read(text: &[u8]) -> Result<Vec<Variable>, Broken> {
    if text.len() > BODY_MAX {
        return Err(Broken::TooLong);
    }
    let mut variables = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if variables.len() >= VARIABLES_MAX {
            return Err(Broken::TooMany);
        }
        let number = index + 1;
        let variable = variable(line).map_err(|why| Broken::Line { number, why })?;
        if !seen.insert(variable.oid.clone()) {
            return Err(Broken::Line { number, why: "names an object that stood before" });
        }
        variables.push(variable);
    }
    Ok(variables)
}

fn variable(line: &[u8]) -> Result<Variable, &'static str> {
    let mut parts = line.splitn(3, |byte| *byte == b'|');
    let (Some(oid), Some(tag), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("is not OID|TAG|VALUE");
    };
    let oid = std::str::from_utf8(oid).ok().filter(|oid| arcs(oid).is_some());
    let oid = oid.ok_or("does not begin with an object identifier")?;
    Ok(Variable { oid: oid.to_owned(), value: value(tag, text)? })
}

fn value(tag: &[u8], text: &[u8]) -> Result<Value, &'static str> {
    const ODD: &str = "has a value that does not fit its tag";
    let plain = std::str::from_utf8(text).ok();
    let value = match tag {
        b"2" => plain.and_then(|text| text.parse().ok()).map(Value::Integer),
        b"4" => Some(Value::Bytes(text.to_vec())),
        b"4x" => hex(text).map(Value::Bytes),
        b"5" => text.is_empty().then_some(Value::Null),
        b"6" => plain.filter(|oid| arcs(oid).is_some()).map(|oid| Value::Oid(oid.to_owned())),
        b"64" => plain.and_then(|text| text.parse::<Ipv4Addr>().ok()).map(|address| Value::Ip(address.octets())),
        b"64x" => hex(text).and_then(|bytes| bytes.try_into().ok()).map(Value::Ip),
        b"65" | b"66" | b"67" | b"70" => unsigned(tag, plain),
        _ => return Err("has a tag that is not known"),
    };
    value.ok_or(ODD)
}

fn unsigned(tag: &[u8], text: Option<&str>) -> Option<Value> {
    let tag: u8 = std::str::from_utf8(tag).ok()?.parse().ok()?;
    let value: u64 = text?.parse().ok()?;
    let fits = tag == COUNTER_64 || (UNSIGNED_32.contains(&tag) && u32::try_from(value).is_ok());
    fits.then_some(Value::Unsigned { tag, value })
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The line of a variable, without its end.
///
/// Bytes that are not printable ASCII, or that begin or end with a space, are written in hexadecimal.
pub fn line(oid: &str, value: &Value) -> String {
    let oid = oid.strip_prefix('.').unwrap_or(oid);
    match value {
        Value::Integer(number) => format!("{oid}|2|{number}"),
        Value::Bytes(bytes) => match printable(bytes) {
            Some(text) => format!("{oid}|4|{text}"),
            None => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{oid}|4x|{digits}")
            }
        },
        Value::Null => format!("{oid}|5|"),
        Value::Oid(other) => format!("{oid}|6|{}", other.strip_prefix('.').unwrap_or(other)),
        Value::Ip(octets) => format!("{oid}|64|{}", Ipv4Addr::from(*octets)),
        Value::Unsigned { tag, value } => format!("{oid}|{tag}|{value}"),
    }
}

fn printable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let plain = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    (plain && text.trim() == text).then_some(text)
}

/// The text of variables, in the order of their object identifiers, each line ended.
pub fn to_text(variables: &[Variable]) -> String {
    let mut sorted: Vec<&Variable> = variables.iter().collect();
    sorted.sort_by_cached_key(|variable| arcs(&variable.oid));
    sorted.into_iter().map(|variable| line(&variable.oid, &variable.value) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(oid: &str, value: Value) -> Variable {
        Variable { oid: oid.to_owned(), value }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let variables = [
            one("1.3.6.1.2.1.1.1.0", Value::Bytes(b"a plain|text".to_vec())),
            one("1.3.6.1.2.1.1.2.0", Value::Oid("1.3.6.1.4.1.11".to_owned())),
            one("1.3.6.1.2.1.1.3.0", Value::Unsigned { tag: 67, value: 74_263 }),
            one("1.3.6.1.2.1.1.4.0", Value::Bytes(Vec::new())),
            one("1.3.6.1.2.1.1.9.0", Value::Bytes(vec![0, 0xff, b'|', b'\n'])),
            one("1.3.6.1.2.1.1.10.0", Value::Bytes(b" led by a space".to_vec())),
            one("1.3.6.1.2.1.2.1.0", Value::Integer(-2)),
            one("1.3.6.1.2.1.2.2.0", Value::Null),
            one("1.3.6.1.2.1.2.3.0", Value::Ip([192, 0, 2, 7])),
            one("1.3.6.1.2.1.2.4.0", Value::Unsigned { tag: 70, value: u64::MAX }),
        ];
        let text = to_text(&variables);
        assert_eq!(read(text.as_bytes()).as_deref(), Ok(&variables[..]));
        assert!(text.contains("1.3.6.1.2.1.1.1.0|4|a plain|text\n"));
        assert!(text.contains("1.3.6.1.2.1.1.9.0|4x|00ff7c0a\n"));
    }

    #[test]
    fn lines_are_in_the_order_of_their_numbers_not_of_their_letters() {
        let variables = [one("1.3.10.0", Value::Null), one(".1.3.9.0", Value::Integer(1)), one("1.3.9", Value::Null)];
        let text = to_text(&variables);
        let of_dotted = "1.3.9.0|2|1";
        assert!(text.lines().any(|line| line == of_dotted), "a leading dot is not written");
        let variables = [one("1.3.10", Value::Null), one("1.3.9", Value::Null)];
        assert_eq!(to_text(&variables), "1.3.9|5|\n1.3.10|5|\n");
    }

    #[test]
    fn a_line_that_is_not_of_the_form_is_named() {
        let cases: [(&[u8], &str); 15] = [
            (b"1.3.6", "line 1 is not OID|TAG|VALUE"),
            (b"1.3.6|2", "line 1 is not OID|TAG|VALUE"),
            (b"\n.1.3.6|2|1", "line 2 does not begin with an object identifier"),
            (b"1..3|2|1", "line 1 does not begin with an object identifier"),
            (b"1.4294967296|2|1", "line 1 does not begin with an object identifier"),
            (b"1.+3|2|1", "line 1 does not begin with an object identifier"),
            (b"1.3|2|one", "line 1 has a value that does not fit its tag"),
            (b"1.3|65|4294967296", "line 1 has a value that does not fit its tag"),
            (b"1.3|65|-1", "line 1 has a value that does not fit its tag"),
            (b"1.3|4x|0", "line 1 has a value that does not fit its tag"),
            (b"1.3|4x|0g", "line 1 has a value that does not fit its tag"),
            (b"1.3|5|x", "line 1 has a value that does not fit its tag"),
            (b"1.3|64|1.2.3", "line 1 has a value that does not fit its tag"),
            (b"1.3|2:numeric|1", "line 1 has a tag that is not known"),
            (b"1.3|2|1\r\n1.3|2|1", "line 2 names an object that stood before"),
        ];
        for (text, why) in cases {
            let error = read(text).expect_err("an odd text");
            assert_eq!(error.to_string(), why, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn object_identifiers_and_texts_are_bounded() {
        let longest = vec!["1"; ARCS_MAX].join(".");
        assert!(read(format!("{longest}|5|").as_bytes()).is_ok());
        assert!(read(format!("{longest}.1|5|").as_bytes()).is_err());
        let many: String = (0..=VARIABLES_MAX).map(|number| format!("1.{number}|5|\n")).collect();
        assert_eq!(read(many.as_bytes()), Err(Broken::TooMany));
        assert_eq!(read(&vec![b'\n'; BODY_MAX + 1]), Err(Broken::TooLong));
        assert_eq!(read(b""), Ok(Vec::new()));
    }
}
