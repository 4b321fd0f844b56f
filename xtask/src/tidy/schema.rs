//! Migrations are numbered, say why, and give every table of a reseller's data a key that starts
//! with the reseller.
//!
//! It reads `create table` and nothing else of SQL; the databases themselves judge the rest.

use super::{Finding, Tree, line_of, words};
use std::collections::BTreeMap;

/// Where the portal's migrations stand.
const PORTAL: &str = "crates/portal/migrations/";

/// Tables whose key does not start with the reseller, and why. Statements over them may leave it out.
const GLOBAL_TABLES: &[(&str, &str)] = &[
    ("agent_key", "a package names its agent, and only its key tells the reseller"),
    ("comparison", "an agent that shows digits waits before anybody knows whose it is"),
    ("enrolment", "a one-time code is presented before the reseller is known"),
    ("factory_printer", "a manufacturer's list is there before a reseller claims a printer"),
    ("schema_migration", "which migrations ran"),
    ("person", "a sign-in knows only an address, and an operator's person has no reseller"),
    ("reseller", "the resellers themselves"),
    ("session", "a cookie is presented before the reseller is known"),
];

/// The column that leads every key of a reseller's data.
pub(super) const TENANT: &str = "reseller_id";

/// A table as a migration makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Table {
    name: String,
    line: usize,
    /// The columns of its primary key, in order; empty when it has none.
    key: Vec<String>,
}

/// Findings in the migrations of `tree`.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = numbering(tree);
    for (path, text) in tree.texts(".sql").filter(|(path, _)| path.contains("/migrations/")) {
        if !says_why(text) {
            findings.push(Finding::at(path, 1, "no comment first; open with -- and why this migration is needed"));
        }
        if path.starts_with(PORTAL) {
            findings.extend(tables(text).iter().filter_map(|table| judge(path, table)));
        }
    }
    findings
}

/// The tables of the portal that hold a reseller's data.
pub(super) fn tenant_tables(tree: &Tree) -> Vec<String> {
    let migrations = tree.texts(".sql").filter(|(path, _)| path.starts_with(PORTAL));
    let names = migrations.flat_map(|(_, text)| tables(text)).map(|table| table.name);
    names.filter(|name| !is_global(name)).collect()
}

fn is_global(name: &str) -> bool {
    GLOBAL_TABLES.iter().any(|(global, _)| *global == name)
}

/// Migrations of one folder are `0001_….sql`, `0002_….sql` and so on, without a gap.
fn numbering(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut next: BTreeMap<&str, usize> = BTreeMap::new();
    // The tree is sorted by path, so the files of a folder come in the order of their numbers.
    for file in &tree.files {
        let Some((folder, name)) = file.path.rsplit_once('/').filter(|(folder, _)| folder.ends_with("/migrations"))
        else {
            continue;
        };
        let number = next.entry(folder).or_insert(1);
        let expected = format!("{:04}_", *number);
        *number += 1;
        if !name.starts_with(&expected) || !name.ends_with(".sql") {
            let what = format!("a migration here is named {expected}what_it_does.sql; rename it");
            findings.push(Finding::at(&file.path, 1, what));
        }
    }
    findings
}

/// Whether the first line is a comment with words in it.
fn says_why(text: &str) -> bool {
    text.lines().next().and_then(|line| line.strip_prefix("--")).is_some_and(|why| words(why).len() > 1)
}

fn judge(path: &str, table: &Table) -> Option<Finding> {
    if is_global(&table.name) || table.key.first().is_some_and(|column| column == TENANT) {
        return None;
    }
    let name = &table.name;
    let what = if table.key.is_empty() {
        format!("table {name} has no primary key; give it one that starts with {TENANT}")
    } else {
        format!("the key of table {name} does not start with {TENANT}; let it, or list the table in GLOBAL_TABLES")
    };
    Some(Finding::at(path, table.line, what))
}

/// The tables that `text` makes.
fn tables(text: &str) -> Vec<Table> {
    let plain = without_comments(text);
    let all = words(&plain);
    let mut found = Vec::new();
    for (index, pair) in all.windows(2).enumerate() {
        if pair[0].1 != "create" || pair[1].1 != "table" {
            continue;
        }
        let rest = all.iter().skip(index + 2).skip_while(|(_, word)| ["if", "not", "exists"].contains(word));
        let Some((start, name)) = rest.copied().next() else { continue };
        let body = parenthesis(&plain[start..]);
        found.push(Table { name: name.to_owned(), line: line_of(text, pair[0].0), key: key_of(body) });
    }
    found
}

/// Lower case, comments blanked, every byte where it stood.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let comment = line.find("--").unwrap_or(line.len());
        plain.push_str(&line[..comment].to_ascii_lowercase());
        plain.extend(line[comment..].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
    }
    plain
}

/// What stands in the first pair of parentheses of `text`.
fn parenthesis(text: &str) -> &str {
    let Some(open) = text.find('(') else { return "" };
    let mut depth = 0_usize;
    for (index, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[open + 1..index];
        }
    }
    &text[open + 1..]
}

/// The columns of the primary key that the body of a `create table` names.
fn key_of(body: &str) -> Vec<String> {
    const KEY: &str = "primary key";
    for item in items(body) {
        let Some(at) = item.find(KEY) else { continue };
        let list = item[at + KEY.len()..].trim_start();
        // `primary key (a, b)` stands alone; `a bigint primary key` is a column.
        let columns = if list.starts_with('(') { parenthesis(list) } else { item };
        let count = if list.starts_with('(') { usize::MAX } else { 1 };
        return words(columns).into_iter().map(|(_, word)| word.to_owned()).take(count).collect();
    }
    Vec::new()
}

/// The items of a comma separated list; commas in parentheses do not separate.
fn items(body: &str) -> Vec<&str> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (index, byte) in body.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.push(&body[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    found.push(&body[start..]);
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree_of;
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        let path = format!("{PORTAL}{name}");
        check(&tree_of(&[(path.as_str(), text)])).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_key_that_starts_with_the_reseller_is_right() {
        for table in [
            "create table printer (reseller_id bigint, printer_id bigint, primary key (reseller_id, printer_id));",
            "create table if not exists reseller (\n  reseller_id bigint primary key,\n  name text\n);",
            "create table site (reseller_id bigint, x numeric(1, 2), constraint k primary key (reseller_id, x));",
            "create table schema_migration (number bigint primary key);",
        ] {
            assert_eq!(found("0001_first.sql", &format!("-- why it is\n{table}")), Vec::<String>::new(), "{table}");
        }
    }

    #[test]
    fn a_key_that_starts_otherwise_is_found() {
        for table in [
            "create table printer (printer_id bigint primary key, reseller_id bigint);",
            "create table printer (reseller_id bigint, printer_id bigint, primary key (printer_id, reseller_id));",
            "create table printer (reseller_id bigint);",
            "create table printer (id bigint, -- reseller_id primary key (reseller_id)\n primary key (id));",
        ] {
            assert_eq!(found("0001_first.sql", &format!("-- why it is\n{table}")).len(), 1, "{table}");
        }
    }

    #[test]
    fn a_migration_says_why_first() {
        assert_eq!(found("0001_first.sql", "create index a on b (c);").len(), 1);
        assert_eq!(found("0001_first.sql", "--\n").len(), 1);
    }

    #[test]
    fn numbers_have_no_gap_and_names_end_in_sql() {
        let names = |names: &[&str]| {
            let paths: Vec<String> = names.iter().map(|name| format!("{PORTAL}{name}")).collect();
            let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "-- why it is\n")).collect();
            check(&tree_of(&files)).len()
        };
        assert_eq!(names(&["0001_a.sql", "0002_b.sql"]), 0);
        assert_eq!(names(&["0001_a.sql", "0003_b.sql"]), 1);
        assert_eq!(names(&["0001_a.sql", "0002_b.txt"]), 1);
        assert_eq!(names(&["1_a.sql"]), 1);
    }

    #[test]
    fn a_finding_stands_at_the_table() {
        let tables = tables("-- why\n\ncreate table a (b bigint);\n");
        assert_eq!(tables, [Table { name: "a".to_owned(), line: 3, key: Vec::new() }]);
    }
}
