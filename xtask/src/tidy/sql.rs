//! A statement over a reseller's tables names the reseller.
//!
//! It reads the texts in the portal's program that start like a statement. One that must see all
//! resellers, such as a sign-in that knows only an address, says so in the comment above it:
//! `/// Across resellers: why.` What only selects the reseller's column is no condition, except where
//! the text ends before its condition, which the database's own code then adds. Deliberately absent:
//! whether the condition is the right one, which the route test shows.

use super::source::{Literal, Source};
use super::{Finding, Tree, schema, words};

/// Where the portal's program stands.
const PROGRAM: &str = "crates/portal/src/";

/// How a statement starts.
const VERBS: &[&str] = &["delete", "insert", "select", "update", "with"];

/// The words after which a statement names a table.
const BEFORE_TABLE: &[&str] = &["from", "into", "join", "update"];

/// The words with which a condition starts.
const CONDITIONS: &[&str] = &["where", "on", "using"];

/// The words with which a comment excuses a statement, in any case.
const EXCUSE: &str = "across resellers";

/// How many lines above a statement its comment may start.
const ABOVE_MAX: usize = 8;

/// Findings in the portal's program.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let tenant = schema::tenant_tables(tree);
    let mut findings = Vec::new();
    for (path, text) in tree.texts(".rs").filter(|(path, _)| path.starts_with(PROGRAM)) {
        let source = Source::read(text);
        let program = source.literals.iter().filter(|literal| !source.is_test(literal.line));
        for (literal, table) in program.filter_map(|literal| Some((literal, open_table(&literal.text, &tenant)?))) {
            if !is_excused(text, literal) {
                let what = format!(
                    "a statement over {table} without {}; add it, or say above it: Across resellers: why",
                    schema::TENANT
                );
                findings.push(Finding::at(path, literal.line, what));
            }
        }
    }
    findings
}

/// The reseller's table that a statement names without naming the reseller.
fn open_table(text: &str, tenant: &[String]) -> Option<String> {
    // A line end may stand in the text as an escape.
    let text = text.replace("\\n", " ");
    let found = words(&text);
    let (_, verb) = found.first()?;
    if !VERBS.contains(verb) || is_scoped(verb, &found) {
        return None;
    }
    let mut named = found.windows(2).filter(|pair| BEFORE_TABLE.contains(&pair[0].1)).map(|pair| pair[1].1);
    named.find(|name| tenant.iter().any(|table| table == name)).map(str::to_owned)
}

/// Whether a statement names the reseller where it counts: an insert among its columns, any other in a
/// condition; without one, a query may still get it, and a change would touch everything.
fn is_scoped(verb: &str, found: &[(usize, &str)]) -> bool {
    let condition = found.iter().position(|(_, word)| CONDITIONS.contains(word));
    let counted: &[(usize, &str)] = match (verb, condition) {
        ("insert", _) | ("select" | "with", None) => found,
        (_, Some(at)) => &found[at..],
        (_, None) => &[],
    };
    counted.iter().any(|(_, word)| *word == schema::TENANT)
}

/// Whether the comment above a statement says that it is meant to see all resellers.
fn is_excused(text: &str, literal: &Literal) -> bool {
    let lines: Vec<&str> = text.lines().take(literal.line).collect();
    let own = lines.last().copied().unwrap_or("");
    let above = lines.iter().rev().skip(1).take(ABOVE_MAX).copied();
    let above = above.take_while(|line| {
        let line = line.trim_end();
        !line.is_empty() && (line.trim_start().starts_with("//") || !line.ends_with([';', '}']))
    });
    [own].into_iter().chain(above).any(|line| line.to_ascii_lowercase().contains(EXCUSE))
}

#[cfg(test)]
mod tests {
    use super::super::tree_of;
    use super::*;

    const MIGRATION: (&str, &str) = (
        "crates/portal/migrations/0001_first.sql",
        "-- why it is\ncreate table printer (reseller_id bigint primary key);\ncreate table migration (n bigint);\n",
    );

    fn found(program: &str) -> Vec<usize> {
        let tree = tree_of(&[MIGRATION, ("crates/portal/src/fleet/store.rs", program)]);
        check(&tree).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_statement_without_the_reseller_is_found() {
        for statement in [
            "select serial from printer where printer_id = $1",
            "delete from printer",
            "update printer set serial = $1",
            "insert into printer (serial) values ($1)",
            "select reseller_id from printer where printer_id = $1",
            "update printer set reseller_id = $1",
            "with a as (select 1) select 1 from a join printer on true",
        ] {
            assert_eq!(found(&format!("\nconst A: &str = \"{statement}\";\n")), [2], "{statement}");
        }
    }

    #[test]
    fn a_statement_over_several_lines_is_read_as_one() {
        assert_eq!(found("const A: &str = \"select serial\n  from printer\";\n"), [1]);
        assert_eq!(found("const A: &str = \"select serial\\nfrom printer\";\n"), [1]);
        assert_eq!(found("const A: &str = \"select serial \\\n  from printer where reseller_id = $1\";\n").len(), 0);
    }

    #[test]
    fn what_names_the_reseller_or_none_of_its_tables_is_no_finding() {
        for text in [
            "const A: &str = \"select serial from printer where reseller_id = $1\";",
            "const A: &str = \"select n from schema_migration\";",
            "const A: &str = \"select reseller_id, serial from printer\";",
            "const A: &str = \"insert into printer (reseller_id) values ($1)\";",
            "const A: &str = \"Select a name from printer\";",
            "#[cfg(test)]\nconst A: &str = \"select serial from printer\";",
        ] {
            assert_eq!(found(text).len(), 0, "{text}");
        }
    }

    #[test]
    fn a_statement_may_say_why_it_sees_all_resellers() {
        let text = "/// Across resellers: the sweep.\nconst A: &str =\n    \"select serial from printer\";\n";
        assert_eq!(found(text).len(), 0);
        let other = "// Across resellers: the sweep.\nconst A: i64 = 1;\nconst B: &str = \"select 1 from printer\";\n";
        assert_eq!(found(other), [3]);
    }
}
