//! One document, two spellings: a tree that is written as JSON or, mechanically, as XML.
//!
//! A tree of its own and not `serde_json::Value`, since decimals must stay the text they are and
//! elements must keep their order. Deliberately absent: reading, and attributes.

use crate::printer::Quirks;

/// The namespace of the documents.
const NAMESPACE: &str = "http://www.hp.com/schemas/piws/v2_0";

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// Nothing: an empty element, `null` or `""`.
    Empty,
    /// Text.
    Text(String),
    /// A number in decimal text, valid in JSON as it stands.
    Number(String),
    /// Yes or no.
    Flag(bool),
    /// The same element several times.
    List(Vec<Node>),
    /// Elements by name, in order.
    Map(Vec<(&'static str, Node)>),
}

/// Text; an empty one is nothing.
pub(crate) fn text(value: &str) -> Node {
    if value.is_empty() { Node::Empty } else { Node::Text(value.to_owned()) }
}

/// Text that may be absent.
pub(crate) fn optional(value: Option<&str>) -> Node {
    value.map_or(Node::Empty, text)
}

/// A whole number.
pub(crate) fn count(value: i64) -> Node {
    Node::Number(value.to_string())
}

/// A whole number of millionths as a decimal with six places: 1 234 567 is `1.234567`.
pub(crate) fn millionths(value: i64) -> Node {
    let (whole, rest) = (value.unsigned_abs() / 1_000_000, value.unsigned_abs() % 1_000_000);
    let sign = if value < 0 { "-" } else { "" };
    Node::Number(format!("{sign}{whole}.{rest:06}"))
}

/// Millionths of a unit with the unit's name.
pub(crate) fn quantity(value: i64, unit: &str) -> Node {
    map([("Value", millionths(value)), ("Unit", text(unit))])
}

/// Elements by name.
pub(crate) fn map<const N: usize>(entries: [(&'static str, Node); N]) -> Node {
    Node::Map(entries.into())
}

/// A collection of elements called `name`; nothing when there are none.
pub(crate) fn collection(name: &'static str, items: Vec<Node>) -> Node {
    if items.is_empty() { Node::Empty } else { map([(name, Node::List(items))]) }
}

/// The document as JSON, in the printer's own way of writing it.
pub(crate) fn json(name: &'static str, root: &Node, quirks: Quirks) -> String {
    let mut out = String::new();
    out.push_str("{\"");
    out.push_str(name);
    out.push_str("\":");
    write_json(&mut out, root, quirks);
    out.push('}');
    out
}

fn write_json(out: &mut String, node: &Node, quirks: Quirks) {
    match node {
        Node::Empty => out.push_str(if quirks.nulls { "null" } else { "\"\"" }),
        Node::Text(text) => out.push_str(&quoted(text)),
        Node::Number(text) if quirks.numbers_as_text => out.push_str(&quoted(text)),
        Node::Number(text) => out.push_str(text),
        Node::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Node::List(items) => match items.as_slice() {
            [] => write_json(out, &Node::Empty, quirks),
            [one] if quirks.one_as_object => write_json(out, one, quirks),
            many => {
                for (index, item) in many.iter().enumerate() {
                    out.push(if index == 0 { '[' } else { ',' });
                    write_json(out, item, quirks);
                }
                out.push(']');
            }
        },
        Node::Map(entries) if entries.is_empty() => write_json(out, &Node::Empty, quirks),
        Node::Map(entries) => {
            for (index, (name, entry)) in entries.iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                out.push_str(&quoted(name));
                out.push(':');
                write_json(out, entry, quirks);
            }
            out.push('}');
        }
    }
}

/// Text as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// The document as XML: the root in the namespace's prefix, a list as repeated elements.
pub(crate) fn xml(name: &'static str, root: &Node) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n");
    out.push_str(&format!("<piws:{name} xmlns=\"{NAMESPACE}\" xmlns:piws=\"{NAMESPACE}\">\n"));
    write_xml(&mut out, root);
    out.push_str(&format!("</piws:{name}>\n"));
    out
}

/// Writes what stands inside an element.
fn write_xml(out: &mut String, node: &Node) {
    match node {
        Node::Empty => {}
        Node::Text(text) | Node::Number(text) => escape(out, text),
        Node::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Node::List(items) => {
            for item in items {
                write_xml(out, item);
            }
        }
        Node::Map(entries) => {
            for (name, entry) in entries {
                match entry {
                    Node::List(items) => {
                        for item in items {
                            write_element(out, name, item);
                        }
                    }
                    one => write_element(out, name, one),
                }
            }
        }
    }
}

fn write_element(out: &mut String, name: &str, node: &Node) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    write_xml(out, node);
    out.push_str("</");
    out.push_str(name);
    out.push_str(">\n");
}

/// Text in XML; characters that XML does not know are blanks.
fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tree_has_two_spellings() {
        let two = vec![count(1), count(2)];
        let tree = map([
            ("Some", collection("One", vec![text("a & <b>")])),
            ("None", collection("One", Vec::new())),
            ("Two", collection("Part", two)),
            ("Amount", quantity(-1_500_000, "m2")),
            ("On", Node::Flag(true)),
        ]);
        let plain = json("Thing", &tree, Quirks::default());
        let expected = concat!(
            r#"{"Thing":{"Some":{"One":"a & <b>"},"None":null,"Two":{"Part":[1,2]},"#,
            r#""Amount":{"Value":-1.500000,"Unit":"m2"},"On":true}}"#
        );
        assert_eq!(plain, expected);
        let quirks = Quirks { nulls: false, numbers_as_text: true, one_as_object: false, ..Quirks::default() };
        let odd = json("Thing", &tree, quirks);
        let expected = concat!(
            r#"{"Thing":{"Some":{"One":["a & <b>"]},"None":"","Two":{"Part":["1","2"]},"#,
            r#""Amount":{"Value":"-1.500000","Unit":"m2"},"On":true}}"#
        );
        assert_eq!(odd, expected);
        let spelled = xml("Thing", &tree);
        assert!(spelled.contains("<Some><One>a &amp; &lt;b&gt;</One>\n</Some>"), "{spelled}");
        assert!(spelled.contains("<Two><Part>1</Part>\n<Part>2</Part>\n</Two>"), "{spelled}");
        assert!(spelled.contains("<None></None>"), "{spelled}");
    }
}
