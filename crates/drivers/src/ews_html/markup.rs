//! Tags and texts of a page or spreadsheet, in one pass over its characters.
//!
//! It reads HTML as printers write it and the XML of spreadsheets alike. Deliberately absent: a document
//! tree. The tree of the HTML standard repairs misnested tags by copying them, so that a page of a few
//! megabytes can ask for terabytes; tables need none of that. Also absent: document types, and entities
//! beyond a few names.

use crate::limits::{DEPTH_MAX, NODES_MAX, TEXT_MAX};
use crate::node::is_plain;

/// Tags and texts together; more than [`NODES_MAX`] of them open something.
const TOKENS_MAX: usize = 4 * NODES_MAX;
/// Characters that a reference such as `&nbsp;` may have.
const REFERENCE_MAX: usize = 12;

/// One piece of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A tag that opens.
    Open {
        /// Its local name, as it is written.
        name: &'a str,
        /// What follows the name.
        attributes: &'a str,
        /// Whether it closes itself: `<Cell/>`.
        closed: bool,
    },
    /// The local name of a tag that closes.
    Close(&'a str),
    /// Text in which references still stand.
    Text(&'a str),
    /// Text without references.
    Verbatim(&'a str),
}

/// Why a page is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// Over [`NODES_MAX`].
    #[error("more than {} tags or cells", NODES_MAX)]
    TooMany,
    /// Over [`DEPTH_MAX`].
    #[error("tables nested deeper than {}", DEPTH_MAX)]
    TooDeep,
    /// The text ends within a tag, a comment or a table.
    #[error("cut off")]
    CutOff,
    /// Bytes that are no text of a known encoding.
    #[error("neither UTF-8 nor of the encoding that it states")]
    NoText,
}

/// The text of a body: UTF-8, UTF-16 with a byte order mark, or Latin-1 where the header says so.
pub(crate) fn text_of(content_type: &str, body: &[u8]) -> Result<String, Broken> {
    match body {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => {
            if let Ok(text) = std::str::from_utf8(body) {
                return Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned());
            }
            let stated = content_type.to_ascii_lowercase();
            if stated.contains("iso-8859-1") || stated.contains("windows-1252") {
                return Ok(body.iter().map(|byte| char::from(*byte)).collect());
            }
            Err(Broken::NoText)
        }
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Broken> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16(&units).map_err(|_| Broken::NoText)
}

/// The tokens of a text. Scripts and styles are passed over.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Broken> {
    let (mut found, mut opened) = (Vec::new(), 0_usize);
    let mut rest = text;
    while !rest.is_empty() {
        let (token, length) = next(rest)?;
        rest = &rest[length..];
        let Some(token) = token else { continue };
        if let Token::Open { name, closed, .. } = token {
            opened += 1;
            if !closed && is_raw(name) {
                rest = &rest[raw_length(rest, name)..];
            }
        }
        found.push(token);
        if opened > NODES_MAX || found.len() > TOKENS_MAX {
            return Err(Broken::TooMany);
        }
    }
    Ok(found)
}

/// The token that `rest` starts with, none for a comment or declaration, and its length in bytes.
fn next(rest: &str) -> Result<(Option<Token<'_>>, usize), Broken> {
    if !starts_markup(rest.as_bytes()) {
        let length = text_length(rest);
        return Ok((Some(Token::Text(&rest[..length])), length));
    }
    if let Some(comment) = rest.strip_prefix("<!--") {
        let end = comment.find("-->").ok_or(Broken::CutOff)?;
        return Ok((None, "<!--".len() + end + "-->".len()));
    }
    if let Some(section) = rest.strip_prefix("<![CDATA[") {
        let end = section.find("]]>").ok_or(Broken::CutOff)?;
        return Ok((Some(Token::Verbatim(&section[..end])), "<![CDATA[".len() + end + "]]>".len()));
    }
    let length = tag_length(rest).ok_or(Broken::CutOff)?;
    Ok((tag(&rest[1..length - 1]), length))
}

/// What stands between the angle brackets.
fn tag(inner: &str) -> Option<Token<'_>> {
    if inner.starts_with(['!', '?']) {
        return None;
    }
    if let Some(name) = inner.strip_prefix('/') {
        return Some(Token::Close(local(name.trim())));
    }
    let (inner, closed) = inner.strip_suffix('/').map_or((inner, false), |inner| (inner, true));
    let end = inner.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(inner.len());
    let (name, attributes) = inner.split_at(end);
    Some(Token::Open { name: local(name), attributes, closed })
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Whether a tag, comment or declaration starts here; `a < b` is text.
fn starts_markup(bytes: &[u8]) -> bool {
    matches!(bytes, [b'<', next, ..] if next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?'))
}

fn text_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    (1..bytes.len()).find(|at| starts_markup(&bytes[*at..])).unwrap_or(bytes.len())
}

/// The length of the tag that `text` starts with; a `>` in a quoted value does not end it.
fn tag_length(text: &str) -> Option<usize> {
    let (mut quote, mut after_equals) = (None, false);
    for (at, byte) in text.bytes().enumerate() {
        match quote {
            Some(open) if open == byte => quote = None,
            Some(_) => {}
            None if after_equals && (byte == b'"' || byte == b'\'') => quote = Some(byte),
            None if byte == b'>' => return Some(at + 1),
            None => {}
        }
        if !byte.is_ascii_whitespace() {
            after_equals = byte == b'=';
        }
    }
    None
}

/// Whether what follows the tag is a program or style, not text.
fn is_raw(name: &str) -> bool {
    ["script", "style"].iter().any(|raw| name.eq_ignore_ascii_case(raw))
}

/// The length of `text` up to the tag that closes `name`.
fn raw_length(text: &str, name: &str) -> usize {
    let (bytes, name) = (text.as_bytes(), name.as_bytes());
    let closes = |at: &usize| {
        let end = bytes[*at..].strip_prefix(b"</").and_then(|rest| rest.get(..name.len()));
        end.is_some_and(|end| end.eq_ignore_ascii_case(name))
    };
    (0..bytes.len()).find(closes).unwrap_or(bytes.len())
}

/// The value of the attribute with this local name.
pub(crate) fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let after = after.trim_start();
        // A name without a value; it has at least one character, so that this ends.
        let Some(value) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let (value, after) = value_at(value.trim_start());
        if local(name).eq_ignore_ascii_case(wanted) {
            return Some(decode(value));
        }
        rest = after.trim_start();
    }
    None
}

/// The value that `text` starts with, and what follows it.
fn value_at(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len()))
}

/// Text with its references, such as `&amp;`, replaced; one that is not known stays as it is. Whoever looks for a text
/// in a page reads references by this too.
pub fn decode(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let end = rest.char_indices().take(REFERENCE_MAX).find(|(_, c)| *c == ';').map(|(at, _)| at);
        match end.and_then(|end| character(&rest[..end]).map(|c| (c, end))) {
            Some((character, end)) => {
                plain.push(character);
                rest = &rest[end + 1..];
            }
            None => plain.push('&'),
        }
    }
    plain.push_str(rest);
    plain
}

fn character(reference: &str) -> Option<char> {
    if let Some(number) = reference.strip_prefix('#') {
        let hexadecimal = number.strip_prefix(['x', 'X']);
        let code = hexadecimal.map_or_else(|| number.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok());
        return code.and_then(char::from_u32);
    }
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "sup2" => Some('²'),
        _ => None,
    }
}

/// Text on one line with single spaces, without characters that change how others are shown, at most
/// [`TEXT_MAX`] characters.
pub(crate) fn tidy(text: &str) -> String {
    let mut plain = String::new();
    let (mut length, mut gap) = (0_usize, false);
    for character in text.chars() {
        if character.is_whitespace() || !is_plain(character) {
            gap = length > 0;
            continue;
        }
        if length + usize::from(gap) >= TEXT_MAX {
            break;
        }
        if gap {
            plain.push(' ');
            length += 1;
            gap = false;
        }
        plain.push(character);
        length += 1;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(page: &str) -> Vec<String> {
        let tokens = tokens(page).expect("a page");
        tokens
            .into_iter()
            .filter_map(|token| match token {
                Token::Text(text) => Some(decode(text)),
                Token::Verbatim(text) => Some(text.to_owned()),
                Token::Open { .. } | Token::Close(_) => None,
            })
            .collect()
    }

    #[test]
    fn what_is_no_text_is_passed_over() {
        let page = "<!DOCTYPE html><!-- <td> --><ScRiPt>if (a</b/.c) '<td>'</sCript>a &lt; b < c<br/>\
                    <a title=it's href='x>y'>d</a><![CDATA[<e>]]>";
        assert_eq!(texts(page), ["a < b < c", "d", "<e>"]);
    }

    #[test]
    fn attributes_are_found_by_their_local_name() {
        let attributes = " ss:Index='5' nowrap class = \"a b\" href=x?content=usage&amp;y";
        assert_eq!(attribute(attributes, "index").as_deref(), Some("5"));
        assert_eq!(attribute(attributes, "class").as_deref(), Some("a b"));
        assert_eq!(attribute(attributes, "href").as_deref(), Some("x?content=usage&y"));
        assert_eq!(attribute(attributes, "nowrap"), None);
        assert_eq!(attribute("= = '", "x"), None);
    }

    #[test]
    fn references_are_replaced_and_unknown_ones_kept() {
        assert_eq!(decode("6 m&sup2; &#178;&#xB2; &amp;&unknown; &#xD800; & &"), "6 m² ²² &&unknown; &#xD800; & &");
        assert_eq!(tidy(" a\n\u{a0} b\u{7}c "), "a b c");
        assert_eq!(tidy(&"ä ".repeat(1_000)).chars().count(), TEXT_MAX - 1);
    }

    #[test]
    fn what_is_cut_off_or_too_much_is_named() {
        for page in ["<td", "<!-- ", "<a href='x>", "</", "<![CDATA[ "] {
            assert_eq!(tokens(page), Err(Broken::CutOff), "{page}");
        }
        assert_eq!(tokens(&"<b>".repeat(NODES_MAX + 1)), Err(Broken::TooMany));
        assert_eq!(tokens(&"</b>".repeat(TOKENS_MAX + 1)), Err(Broken::TooMany));
        assert_eq!(tokens(&"<".repeat(1_000_000)).map(|tokens| tokens.len()), Ok(1));
    }

    #[test]
    fn the_encoding_is_what_is_stated_or_utf_8() {
        assert_eq!(text_of("text/html", "\u{feff}m²".as_bytes()), Ok("m²".to_owned()));
        assert_eq!(text_of("text/html; charset=ISO-8859-1", b"m\xb2"), Ok("m²".to_owned()));
        assert_eq!(text_of("text/html", b"m\xb2"), Err(Broken::NoText));
        assert_eq!(text_of("", b"\xff\xfem\x00\xb2\x00"), Ok("m²".to_owned()));
        assert_eq!(text_of("", b"\xfe\xff\xd8\x00"), Err(Broken::NoText));
    }
}
