//! The project's own tools: `cargo xtask tidy` holds the house rules, `cargo xtask docs` writes the
//! generated pages, `cargo xtask bless` accepts what the code now generates.
//!
//! Deliberately absent: building, formatting, linting and testing. `./test` calls cargo for those.

mod docs;
mod tidy;

use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy | docs | bless";

fn main() -> Result<ExitCode> {
    let command: Vec<String> = std::env::args().skip(1).collect();
    match command.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy(),
        ["docs" | "bless"] => {
            docs::write(&root()?)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!(USAGE),
    }
}

/// The workspace folder, which is where this crate's folder stands.
fn root() -> Result<PathBuf> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(parent.context("find the workspace folder above xtask")?.to_owned())
}

/// Prints every finding; fails when there is one.
fn tidy() -> Result<ExitCode> {
    let root = root()?;
    let tree = tidy::Tree::read(&root)?;
    let findings = tidy::check(&tree, &docs::generated(&root)?);
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}").context("print a finding")?;
    }
    if findings.is_empty() {
        writeln!(out, "tidy: {} files, nothing to do", tree.files.len()).context("print the result")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "tidy: {} findings in {} files", findings.len(), tree.files.len()).context("print the result")?;
    Ok(ExitCode::FAILURE)
}
