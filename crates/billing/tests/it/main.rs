//! Billing at its boundary: the readable cases of every clause, and what must hold for any input.

mod case;
mod properties;

use billing::{rate, recount};
use std::fs;
use std::path::{Path, PathBuf};

/// The case files of every clause, in order.
fn case_files() -> Vec<PathBuf> {
    let clauses = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clauses");
    let folders = fs::read_dir(&clauses).expect("the clauses' folder");
    let mut files = Vec::new();
    for folder in folders {
        let cases = folder.expect("an entry of the clauses' folder").path().join("cases");
        if let Ok(entries) = fs::read_dir(&cases) {
            files.extend(entries.map(|entry| entry.expect("an entry of a cases' folder").path()));
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    files
}

#[test]
fn every_case_gives_the_lines_it_names() {
    let files = case_files();
    assert!(files.len() >= 20, "only {} cases were found", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a case file");
        let (input, expected) = case::parse(&text, &file);
        let found = match rate(&input) {
            Ok(statement) => case::render(&statement),
            Err(error) => format!("error {error}"),
        };
        if found != expected {
            wrong.push(format!("{}\n--- expected\n{expected}\n--- found\n{found}\n", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_is_recounted_to_the_same_net() {
    for file in case_files() {
        let text = fs::read_to_string(&file).expect("a case file");
        let (input, _) = case::parse(&text, &file);
        let statement = rate(&input).expect("a case that can be rated");
        assert_eq!(i128::from(statement.net.0), recount(&input), "{}", file.display());
    }
}
