//! Addresses: what they ask for, and how they are written so that any text can stand in them.
//!
//! Deliberately absent: which part of a list an address asks for, which `part` knows, and routing, which
//! axum does.

use super::Error;
use std::collections::BTreeMap;

/// The fields of a query by name.
pub(crate) type Fields = BTreeMap<String, String>;

/// Percent-encodes everything that could have a meaning in an address.
pub(crate) fn encode(text: &str) -> String {
    encode_but(text, b"")
}

/// Percent-encodes a path that stands in a query; it keeps its slashes, so that people can read it.
pub(crate) fn encode_path(path: &str) -> String {
    encode_but(path, b"/")
}

fn encode_but(text: &str, kept: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// `path` with those fields of `query` that are not empty.
pub(crate) fn address<'a>(path: &str, query: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = query.into_iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// The id in an address; what is no number names nothing.
pub(crate) fn id(text: &str) -> Result<i64, Error> {
    text.parse().map_err(|_| Error::NotFound)
}

/// A field's text; empty when absent.
pub(crate) fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", |value| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_keeps_its_slashes() {
        assert_eq!(encode("a/b?c@1 ü"), "a%2Fb%3Fc%401%20%C3%BC");
        assert_eq!(encode_path("/jobs/7/%40?x"), "/jobs/7/%2540%3Fx");
    }

    #[test]
    fn empty_fields_do_not_stand_in_an_address() {
        assert_eq!(address("/jobs", [("printer", ""), ("media", "Bond & Co")]), "/jobs?media=Bond%20%26%20Co");
        assert_eq!(address("/jobs", [("printer", "")]), "/jobs");
    }

    #[test]
    fn what_is_no_number_names_nothing() {
        assert!(matches!(id("7"), Ok(7)));
        for odd in ["", "x", "7 ", "99999999999999999999999"] {
            assert!(matches!(id(odd), Err(Error::NotFound)), "{odd}");
        }
    }
}
