//! From bytes to one tree: JSON as it is, XML by the mechanical mapping that PIWS itself follows.
//!
//! An element becomes a member by its local name, a repeated element an array, an element with only
//! text a string, an empty element null; attributes, comments and mixed text are dropped.
//! Deliberately absent: document types, entities beyond the five of XML, other encodings than UTF-8,
//! and any knowledge of what the members mean.

use crate::limits;
use serde_json::{Map, Value};

/// Why bytes are no document.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Over [`limits::BODY_MAX`].
    #[error("longer than {} bytes", limits::BODY_MAX)]
    TooLong,
    /// Over [`limits::DEPTH_MAX`].
    #[error("nested deeper than {}", limits::DEPTH_MAX)]
    TooDeep,
    /// Over [`limits::NODES_MAX`].
    #[error("more than {} elements", limits::NODES_MAX)]
    TooMany,
    /// Over [`limits::ATTRIBUTES_MAX`] in one element.
    #[error("more than {} attributes in one element", limits::ATTRIBUTES_MAX)]
    TooManyAttributes,
    /// Over [`limits::NAMESPACES_MAX`].
    #[error("more than {} namespaces", limits::NAMESPACES_MAX)]
    TooManyNamespaces,
    /// Nothing there.
    #[error("empty")]
    Empty,
    /// Bytes that are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A web page, as a printer that is asleep gives.
    #[error("a web page instead of a document")]
    WebPage,
    /// A document type, which could define entities.
    #[error("has a document type, which is not accepted")]
    DocumentType,
    /// Broken JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// Broken XML.
    #[error("not XML: {0}")]
    Xml(String),
    /// Something else.
    #[error("neither JSON nor XML, but '{0}'")]
    Neither(String),
}

/// Reads a body. Its first character decides between JSON and XML, since the header is often wrong.
pub(crate) fn read(content_type: &str, body: &[u8]) -> Result<Value, Unreadable> {
    if body.len() > limits::BODY_MAX {
        return Err(Unreadable::TooLong);
    }
    let text = std::str::from_utf8(body).map_err(|_| Unreadable::NotUtf8)?;
    decode(content_type, trimmed(text))
}

/// A text without the mark and the white space around it.
pub(crate) fn trimmed(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text).trim()
}

/// Reads a text, which is trimmed, within every limit but that of bytes.
pub(crate) fn decode(content_type: &str, text: &str) -> Result<Value, Unreadable> {
    match text.bytes().next() {
        None => Err(Unreadable::Empty),
        Some(b'{' | b'[') => json(text),
        Some(b'<') => xml(text),
        Some(_) => Err(Unreadable::Neither(content_type.to_owned())),
    }
}

fn json(text: &str) -> Result<Value, Unreadable> {
    measure_json(text)?;
    serde_json::from_str(text).map_err(|error| Unreadable::Json(error.to_string()))
}

/// Counts depth and values before anything is built from them.
fn measure_json(text: &str) -> Result<(), Unreadable> {
    let (mut depth, mut nodes) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                nodes += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => nodes += 1,
            _ => {}
        }
        within_limits(depth, nodes)?;
    }
    Ok(())
}

fn xml(text: &str) -> Result<Value, Unreadable> {
    if starts_with(text, "<!doctype html") || starts_with(text, "<html") {
        return Err(Unreadable::WebPage);
    }
    measure_xml(text)?;
    // Elements were counted above; white space between them is nodes too.
    let nodes_limit = u32::try_from(limits::NODES_MAX.saturating_mul(4)).unwrap_or(u32::MAX);
    let options = roxmltree::ParsingOptions { nodes_limit, ..roxmltree::ParsingOptions::default() };
    let document =
        roxmltree::Document::parse_with_options(text, options).map_err(|error| Unreadable::Xml(place(&error)))?;
    let root = document.root_element();
    let mut members = Map::new();
    members.insert(root.tag_name().name().to_owned(), mapped(root));
    Ok(Value::Object(members))
}

/// Where a document is wrong, without quoting it: an error's own words may hold a name from the document.
fn place(error: &roxmltree::Error) -> String {
    format!("not well formed at {}", error.pos())
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Counts depth, elements, attributes and namespaces and refuses a document type before anything is built from
/// them: the library compares each attribute of an element with every other, and copies the namespaces in force
/// to each element that adds one.
fn measure_xml(text: &str) -> Result<(), Unreadable> {
    let (mut depth, mut nodes, mut namespaces) = (0_usize, 0_usize, 0_usize);
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let length = construct(rest)?;
        let tag = &rest[..length];
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else if !tag.starts_with("<!") && !tag.starts_with("<?") {
            nodes += 1;
            within_limits(depth + 1, nodes)?;
            if attributes(tag) > limits::ATTRIBUTES_MAX {
                return Err(Unreadable::TooManyAttributes);
            }
            namespaces += tag.matches("xmlns").count();
            if namespaces > limits::NAMESPACES_MAX {
                return Err(Unreadable::TooManyNamespaces);
            }
            depth += usize::from(!tag.ends_with("/>"));
        }
        rest = &rest[length..];
    }
    Ok(())
}

/// The length of the tag, comment or other construct that `text` starts with.
pub(crate) fn construct(text: &str) -> Result<usize, Unreadable> {
    let length = if text.starts_with("<!--") {
        end_of(text, "-->")
    } else if text.starts_with("<![CDATA[") {
        end_of(text, "]]>")
    } else if text.starts_with("<?") {
        end_of(text, "?>")
    } else if text.starts_with("<!") {
        return Err(Unreadable::DocumentType);
    } else {
        tag_length(text)
    };
    length.ok_or_else(|| Unreadable::Xml("cut off within a tag".to_owned()))
}

/// The length of `text` up to and with `end`.
fn end_of(text: &str, end: &str) -> Option<usize> {
    text.find(end).map(|at| at + end.len())
}

/// The length of the tag that `text` starts with; a `>` within quotes does not end it.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match quote {
            Some(open) if open == byte => quote = None,
            Some(_) => {}
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            None if byte == b'>' => return Some(at + 1),
            None => {}
        }
    }
    None
}

/// The attributes of a tag: its equals signs outside of quotes.
fn attributes(tag: &str) -> usize {
    let (mut quote, mut count) = (None, 0);
    for byte in tag.bytes() {
        match quote {
            Some(open) if open == byte => quote = None,
            Some(_) => {}
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            None => count += usize::from(byte == b'='),
        }
    }
    count
}

fn within_limits(depth: usize, nodes: usize) -> Result<(), Unreadable> {
    if depth > limits::DEPTH_MAX {
        return Err(Unreadable::TooDeep);
    }
    if nodes > limits::NODES_MAX {
        return Err(Unreadable::TooMany);
    }
    Ok(())
}

/// The mapping of one element. It recurses at most [`limits::DEPTH_MAX`] deep, measured before.
fn mapped(element: roxmltree::Node<'_, '_>) -> Value {
    let mut members = Map::new();
    for child in element.children().filter(|child| child.is_element()) {
        let name = child.tag_name().name();
        let value = mapped(child);
        match members.get_mut(name) {
            None => {
                members.insert(name.to_owned(), value);
            }
            // An element maps to an object, a string or null: an array is always a repeated element.
            Some(Value::Array(list)) => list.push(value),
            Some(first) => {
                let first_value = first.take();
                *first = Value::Array(vec![first_value, value]);
            }
        }
    }
    if !members.is_empty() {
        return Value::Object(members);
    }
    let text: String = element.children().filter(|child| child.is_text()).filter_map(|child| child.text()).collect();
    if text.trim().is_empty() { Value::Null } else { Value::String(text.trim().to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Value {
        read("", text.as_bytes()).expect("a document")
    }

    #[test]
    fn xml_maps_to_what_the_printer_sends_as_json() {
        let xml = "<?xml version='1.0'?><p:Ink xmlns:p='urn:p' xmlns='urn:p' a='>'><!-- <a> --><Slot>\
                   <Id>1</Id><Level><Value>2.50</Value><Unit>cc</Unit></Level></Slot><Slot/>\
                   <Name> A &amp; <![CDATA[<B>]]> </Name><Flag></Flag></p:Ink>";
        let json = r#"{"Ink":{"Slot":[{"Id":"1","Level":{"Value":"2.50","Unit":"cc"}},null],
                       "Name":"A & <B>","Flag":null}}"#;
        assert_eq!(check(xml), check(json));
    }

    #[test]
    fn three_repeated_elements_are_one_list() {
        assert_eq!(check("<a><b>1</b><b>2</b><b>3</b></a>"), check(r#"{"a":{"b":["1","2","3"]}}"#));
    }

    #[test]
    fn a_byte_order_mark_is_no_defect() {
        assert_eq!(check("\u{feff}{\"a\":1}"), check(r#"{"a":1}"#));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let deep_json = "[".repeat(10_000);
        let deep_xml = "<a>".repeat(10_000);
        let many = format!("[{}1]", "1,".repeat(limits::NODES_MAX));
        let attributes = |count: usize| (0..count).map(|n| format!(" a{n}='='")).collect::<String>();
        let wide = format!("<a{}/>", attributes(limits::ATTRIBUTES_MAX + 1));
        let spaces: String = (0..=limits::NAMESPACES_MAX).map(|n| format!("<b xmlns:n{n}='urn:n'/>")).collect();
        let spaces = format!("<a>{spaces}</a>");
        assert!(read("", format!("<a{}/>", attributes(limits::ATTRIBUTES_MAX)).as_bytes()).is_ok());
        let laughs = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
        let cases = [
            ("", "empty"),
            (" \n", "empty"),
            ("asleep", "neither JSON nor XML, but 'text/plain'"),
            ("<!DOCTYPE html><html></html>", "a web page instead of a document"),
            (laughs, "has a document type, which is not accepted"),
            (deep_json.as_str(), "nested deeper than 64"),
            (deep_xml.as_str(), "nested deeper than 64"),
            (many.as_str(), "more than 200000 elements"),
            (wide.as_str(), "more than 256 attributes in one element"),
            (spaces.as_str(), "more than 1024 namespaces"),
            ("<a><b", "not XML: cut off within a tag"),
        ];
        for (text, reason) in cases {
            let error = read("text/plain", text.as_bytes()).expect_err(reason);
            assert_eq!(error.to_string(), reason);
        }
    }

    #[test]
    fn broken_documents_say_which_form_is_broken() {
        for (text, start) in [("{\"a\":", "not JSON: "), ("<a></b>", "not XML: "), ("<a>&b;</a>", "not XML: ")] {
            let reason = read("", text.as_bytes()).expect_err(text).to_string();
            assert!(reason.starts_with(start), "{reason}");
        }
        assert_eq!(read("", &[b'{', 0xff, b'}']), Err(Unreadable::NotUtf8));
        assert_eq!(read("", &vec![b' '; limits::BODY_MAX + 1]), Err(Unreadable::TooLong));
    }

    #[test]
    fn siblings_do_not_count_as_depth() {
        let wide = format!("<a>{}</a>", "<b><c/></b>".repeat(1_000));
        assert!(read("", wide.as_bytes()).is_ok());
    }
}
