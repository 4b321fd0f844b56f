//! `DiscoveryTree`: which resources a printer has, and where.
//!
//! Deliberately absent: any place outside the three folders that are only read, any address of another
//! host, and manifests, whose interfaces have one usual place.

use crate::limits::LIST_MAX;
use crate::node::{Node, Notes};
use std::collections::BTreeMap;

/// The folders that a tree may lead to.
const FOLDERS: &[&str] = &["/DevMgmt/", "/EventMgmt/", "/Jobs/"];
/// Characters of a path; the longest known has about 40.
const PATH_MAX: usize = 128;

/// The resources that a printer names, by type without its prefix; where, if the tree says so.
pub(crate) struct Tree(BTreeMap<String, Option<String>>);

impl Tree {
    /// Reads the tree; `None` when it names nothing at all, as no printer's does.
    pub(crate) fn read(root: Node<'_>, notes: &mut Notes) -> Option<Tree> {
        let mut places = BTreeMap::new();
        notes.enter("DiscoveryTree");
        for entry in notes.list("SupportedTree", root.at("SupportedTree"), LIST_MAX) {
            if let Some(kind) = kind(entry) {
                places.entry(kind).or_insert_with(|| entry.at("ResourceURI").text());
            }
        }
        for entry in notes.list("SupportedIfc", root.at("SupportedIfc"), LIST_MAX) {
            if let Some(kind) = kind(entry) {
                places.entry(kind).or_insert(None);
            }
        }
        notes.enter("");
        (!places.is_empty()).then_some(Tree(places))
    }

    /// Whether the printer has a resource of this type.
    pub(crate) fn names(&self, kind: &str) -> bool {
        self.0.contains_key(kind)
    }

    /// Where the tree says the resource is, when that is a place that may be asked.
    pub(crate) fn path(&self, kind: &str) -> Option<&str> {
        self.uri(kind).filter(|uri| is_plain(uri))
    }

    /// Where the tree says the resource is, when that place may not be asked.
    pub(crate) fn elsewhere(&self, kind: &str) -> Option<&str> {
        self.uri(kind).filter(|uri| !is_plain(uri))
    }

    fn uri(&self, kind: &str) -> Option<&str> {
        self.0.get(kind)?.as_deref()
    }
}

/// The type of an entry without its prefix: `hpLedmProductStatusDyn`.
fn kind(entry: Node<'_>) -> Option<String> {
    let text = entry.at("ResourceType").text()?;
    Some(text.rsplit_once(':').map_or(text.as_str(), |(_, kind)| kind).to_owned())
}

/// Whether a path is plain and below a known folder: no query, no dots that climb, no other host.
fn is_plain(uri: &str) -> bool {
    let Some(rest) = FOLDERS.iter().find_map(|folder| uri.strip_prefix(*folder)) else { return false };
    let is_plain_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_plain_segment =
        |segment: &str| !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(is_plain_byte);
    uri.len() <= PATH_MAX && rest.split('/').all(is_plain_segment)
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_a_plain_path_below_a_known_folder_is_asked() {
        for good in ["/DevMgmt/ProductStatusDyn.xml", "/EventMgmt/EventTable", "/Jobs/JobList/2"] {
            assert!(is_plain(good), "{good}");
        }
        let long = format!("/DevMgmt/{}", "a".repeat(120));
        for bad in [
            "",
            "/",
            "/DevMgmt/",
            "/DevMgmt/..",
            "/DevMgmt/../Calibration/Session",
            "/DevMgmt//ProductStatusDyn.xml",
            "/DevMgmt/a?b=c",
            "/DevMgmt/a#b",
            "/DevMgmt/a%2e",
            "/DevMgmt/a b",
            "/DevMgmt/a\r\nHost:",
            "/Calibration/State",
            "DevMgmt/a",
            "http://elsewhere.example/DevMgmt/ProductStatusDyn.xml",
            "//elsewhere.example/DevMgmt/ProductStatusDyn.xml",
            long.as_str(),
        ] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
