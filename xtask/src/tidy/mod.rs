//! House rules that no compiler holds, each a pure function over the files of the tree.
//!
//! A finding says where, what is wrong and what to do. An exception is a line in one of the tables
//! of these modules, so that a new one is a visible diff. Deliberately absent: what rustfmt and
//! clippy already hold, and any repair.

mod clock;
mod crates;
mod documents;
mod edges;
mod lock;
mod purity;
mod schema;
mod shape;
mod source;
mod sql;
mod templates;

use anyhow::{Context, Result};
use std::fmt;
use std::path::Path;

/// Folders that are not part of the source: the version control itself, and what `.gitignore` names.
const NOT_OURS: &[&str] = &[".git", ".test", "node_modules", "target"];

/// The size from which a file does not belong in a tree of source: 400 kB.
const SIZE_MAX_BYTES: u64 = 400_000;

/// Files that a tool writes and that may be long.
const MAY_BE_LARGE: &[&str] = &["Cargo.lock"];

/// One file of the tree.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Relative to the workspace, with `/` on every system.
    pub(crate) path: String,
    /// Its length on disk.
    pub(crate) size_bytes: u64,
    /// Its text; `None` when it is not UTF-8.
    pub(crate) text: Option<String>,
}

/// Every file of the workspace, sorted by path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    /// The files.
    pub(crate) files: Vec<File>,
}

/// Something a person has to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file, relative to the workspace.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong, what to do.
    pub(crate) what: String,
}

impl Finding {
    /// A finding at a line of a file.
    pub(crate) fn at(path: &str, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

impl Tree {
    /// Reads the tree under `root`.
    pub(crate) fn read(root: &Path) -> Result<Tree> {
        let mut tree = Tree::default();
        // A list of folders still to read, rather than recursion, so that depth costs no stack.
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let here = root.join(&folder);
            for entry in std::fs::read_dir(&here).with_context(|| format!("list {}", here.display()))? {
                let entry = entry.with_context(|| format!("list {}", here.display()))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
                let kind = entry.file_type().with_context(|| format!("look at {path}"))?;
                if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
                    folders.push(path);
                } else if kind.is_file() && !NOT_OURS.contains(&name.as_str()) {
                    tree.files.push(read_file(root, path)?);
                }
            }
        }
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// The text of the file at `path`.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text.as_deref()
    }

    /// Whether a file or a folder stands at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }

    /// Paths and texts of the files whose name ends in `suffix`.
    pub(crate) fn texts<'a>(&'a self, suffix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.files.iter().filter(move |file| file.path.ends_with(suffix));
        files.filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }
}

fn read_file(root: &Path, path: String) -> Result<File> {
    let bytes = std::fs::read(root.join(&path)).with_context(|| format!("read {path}"))?;
    let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok(File { path, size_bytes, text: String::from_utf8(bytes).ok() })
}

/// Every finding in `tree`, in the order of the rules. `generated` is what generated files must say.
pub(crate) fn check(tree: &Tree, generated: &[(&str, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(tree.files.iter().filter_map(too_large));
    findings.extend(generated.iter().filter_map(|(path, text)| documents::generated(tree, path, text)));
    findings.extend(documents::links(tree));
    findings.extend(documents::code_map(tree));
    for (path, text) in tree.texts("Cargo.toml") {
        findings.extend(crates::check(path, text));
    }
    if let Some(text) = tree.text("Cargo.lock") {
        findings.extend(lock::check("Cargo.lock", text));
    }
    for (path, text) in tree.texts(".rs") {
        let source = source::Source::read(text);
        findings.extend(shape::check(path, text, &source));
        findings.extend(purity::check(path, &source));
        findings.extend(clock::check(path, &source));
    }
    for suffix in [".html", ".sql", ".mjs", ".js", ".css"] {
        findings.extend(tree.texts(suffix).flat_map(|(path, text)| shape::markers(path, text)));
    }
    // A printer's pages in the drivers' test cases are what printers send, not what we send.
    let templates = tree.texts(".html").filter(|(path, _)| !path.contains("/testcases/"));
    findings.extend(templates.flat_map(|(path, text)| templates::check(path, text)));
    findings.extend(edges::check(tree, edges::EDGES));
    findings.extend(schema::check(tree));
    findings.extend(sql::check(tree));
    findings
}

/// A large file is data, and data does not belong among the sources.
fn too_large(file: &File) -> Option<Finding> {
    if file.size_bytes <= SIZE_MAX_BYTES || MAY_BE_LARGE.contains(&file.path.as_str()) {
        return None;
    }
    let what = format!("{} bytes, at most {SIZE_MAX_BYTES}; cut it down or generate it", file.size_bytes);
    Some(Finding::at(&file.path, 1, what))
}

/// The line, from 1, in which the byte at `offset` of `text` stands.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The identifiers of `text`, each with the byte where it starts.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    for (index, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let inside = c.is_alphanumeric() || c == '_';
        match start {
            None if inside => start = Some(index),
            Some(from) if !inside => {
                words.push((from, &text[from..index]));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Every path in `code` that starts at `root::`, groups spelt out: its byte, and what follows `root::`.
///
/// `use std::{fs, time::{Duration, Instant}};` has `fs`, `time::Duration` and `time::Instant`.
fn paths(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, word) in words(code) {
        let after = start + word.len();
        if word == root && code[after..].starts_with("::") {
            spell_out(&code[after + 2..], after + 2, "", &mut found);
        }
    }
    found
}

/// Spells out the path or group that `text` starts with, and says how many bytes it took.
fn spell_out(text: &str, offset: usize, prefix: &str, found: &mut Vec<(usize, String)>) -> usize {
    let length = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let path = format!("{prefix}{}", &text[..length]);
    let opens = text[length..].starts_with('{') && (path.is_empty() || path.ends_with("::"));
    if !opens {
        found.push((offset, path));
        return length;
    }
    let mut at = length + 1;
    loop {
        at += text[at..].find(|c: char| !c.is_whitespace() && c != ',').unwrap_or(text.len() - at);
        if at >= text.len() {
            return text.len();
        }
        if text[at..].starts_with('}') {
            return at + 1;
        }
        at += spell_out(&text[at..], offset + at, &path, found);
        // What may follow a path: `as name`, or the star of a glob.
        at += text[at..].find([',', '}']).unwrap_or(text.len() - at);
    }
}

#[cfg(test)]
fn tree_of(files: &[(&str, &str)]) -> Tree {
    let file = |(path, text): &(&str, &str)| File {
        path: (*path).to_owned(),
        size_bytes: u64::try_from(text.len()).expect("a short text"),
        text: Some((*text).to_owned()),
    };
    Tree { files: files.iter().map(file).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_its_place_first() {
        assert_eq!(Finding::at("a/b.rs", 7, "wrong; mend it").to_string(), "a/b.rs:7: wrong; mend it");
    }

    #[test]
    fn a_large_file_is_found_unless_a_tool_writes_it() {
        let file = |path: &str, size_bytes| File { path: path.to_owned(), size_bytes, text: None };
        assert!(too_large(&file("a.bin", 400_001)).is_some());
        assert!(too_large(&file("a.bin", 400_000)).is_none());
        assert!(too_large(&file("Cargo.lock", 900_000)).is_none());
    }

    #[test]
    fn words_are_whole_identifiers() {
        assert_eq!(words("a_b c::d1"), [(0, "a_b"), (4, "c"), (7, "d1")]);
    }

    #[test]
    fn groups_of_paths_are_spelt_out() {
        let found = |code| paths(code, "std").into_iter().map(|(_, path)| path).collect::<Vec<_>>();
        assert_eq!(found("use std::fs::File;"), ["fs::File"]);
        assert_eq!(
            found("use std::{\n    fs, fmt as f,\n    time::{Duration, Instant},\n};"),
            ["fs", "fmt", "time::Duration", "time::Instant"]
        );
        assert_eq!(found("use std::{io::*, env"), ["io::", "env"]);
        assert!(found("use mystd::fs; use other::std_x;").is_empty());
    }

    #[test]
    fn a_folder_is_there_when_a_file_stands_in_it() {
        let tree = tree_of(&[("docs/adr/1.md", "")]);
        assert!(tree.has("docs/adr/1.md") && tree.has("docs/adr") && tree.has("docs/"));
        assert!(!tree.has("doc") && !tree.has("docs/a"));
    }
}
