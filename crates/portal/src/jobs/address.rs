//! Addresses of lists and jobs, and which part of a list an address asks for.
//!
//! A job's key holds `@` and may hold `#` or `/`, so that every value is percent-encoded.
//! Deliberately absent: reading an address, which axum does.

use crate::shell::Error;
use crate::shell::page::Pager;
use std::collections::BTreeMap;

/// The fields of a query by name.
pub(crate) type Fields = BTreeMap<String, String>;

/// Rows that a list shows at once.
pub(crate) const PAGE_ROWS: usize = 50;
/// No list is paged further than this.
const PAGES_MAX: usize = 1_000_000;

/// Percent-encodes everything that could have a meaning in an address.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// `path` with those fields of `query` that are not empty.
pub(crate) fn address<'a>(path: &str, query: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = query.into_iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// The page of one job.
pub(crate) fn job(printer_id: i64, key: &str) -> String {
    format!("/jobs/{printer_id}/{}", encode(key))
}

/// The id in an address; what is no number names nothing.
pub(crate) fn id(text: &str) -> Result<i64, Error> {
    text.parse().map_err(|_| Error::NotFound)
}

/// A field's text; empty when absent.
pub(crate) fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", |value| value.trim())
}

/// Which part of a list is asked for, from 0.
pub(crate) fn part(fields: &Fields) -> usize {
    text(fields, "page").parse::<usize>().map_or(0, |page| page.clamp(1, PAGES_MAX) - 1)
}

/// The pager of the part `part` with `shown` of `total` rows; `at` gives the address of a part by its
/// number from 1, empty for the first.
pub(crate) fn pager(part: usize, shown: usize, total: i64, at: impl Fn(&str) -> String) -> Pager {
    let skipped = part * PAGE_ROWS;
    let total = usize::try_from(total).unwrap_or(0);
    let previous = match part {
        0 => None,
        1 => Some(at("")),
        _ => Some(at(&part.to_string())),
    };
    let next = (shown > 0 && skipped + shown < total).then(|| at(&(part + 2).to_string()));
    Pager::new(skipped, shown, total, previous, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_part_of_the_address() {
        assert_eq!(job(7, "#12@1700000000"), "/jobs/7/%2312%401700000000");
        assert_eq!(job(7, "a/b?c@1"), "/jobs/7/a%2Fb%3Fc%401");
    }

    #[test]
    fn empty_fields_do_not_stand_in_an_address() {
        assert_eq!(address("/jobs", [("printer", ""), ("media", "Bond & Co")]), "/jobs?media=Bond%20%26%20Co");
        assert_eq!(address("/jobs", [("printer", "")]), "/jobs");
    }

    #[test]
    fn a_pager_leads_to_its_neighbours_only() {
        let at = |page: &str| address("/jobs", [("page", page)]);
        let first = pager(0, 50, 120, at);
        assert_eq!((first.previous.as_deref(), first.next.as_deref()), (None, Some("/jobs?page=2")));
        let second = pager(1, 50, 120, at);
        assert_eq!((second.previous.as_deref(), second.next.as_deref()), (Some("/jobs"), Some("/jobs?page=3")));
        let last = pager(2, 20, 120, at);
        assert_eq!((last.previous.as_deref(), last.next.as_deref()), (Some("/jobs?page=2"), None));
    }

    #[test]
    fn a_page_number_that_makes_no_sense_is_the_first() {
        for odd in ["", "0", "-3", "x", "99999999999999999999999"] {
            assert_eq!(part(&Fields::from([("page".to_owned(), odd.to_owned())])), 0, "{odd}");
        }
    }
}
