//! A manufacturer's list of serial numbers and secrets, read for `plotmeter portal import-factory`.
//!
//! A line is `serial number,64 hexadecimal digits`; empty lines count for nothing. A list with one wrong line
//! is not taken in at all. Deliberately absent: printing a secret, also in an error.

use anyhow::{Context, bail};
use protocol::Hex;
use protocol::enrol::factory_label;
use std::collections::BTreeMap;
use std::io::Write;

/// The longest serial number, in characters.
const SERIAL_CHARS_MAX: usize = 256;

/// A printer of the list: serial number and secret.
pub(crate) type Printer = (String, Hex<32>);

/// Reads a list. An error names the line.
pub(crate) fn parse(text: &str) -> anyhow::Result<Vec<Printer>> {
    let mut printers = Vec::new();
    let (mut serials, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let (serial, secret) = printer(line).with_context(|| format!("line {number}"))?;
        if let Some(first) = serials.insert(serial.to_uppercase(), number) {
            bail!("line {number}: the serial number {serial} stands in line {first} already");
        }
        if let Some(first) = secrets.insert(secret.0, number) {
            bail!("line {number}: the secret stands in line {first} already; each printer has its own");
        }
        printers.push((serial, secret));
    }
    if printers.is_empty() {
        bail!("no printer stands in it");
    }
    Ok(printers)
}

fn printer(line: &str) -> anyhow::Result<Printer> {
    let (serial, secret) = line.split_once(',').context("it is not `serial number,secret`")?;
    let serial = serial.trim();
    if serial.is_empty() || serial.chars().count() > SERIAL_CHARS_MAX || serial.chars().any(char::is_control) {
        bail!("before the comma there is no serial number");
    }
    // The cause would quote what may be most of a secret.
    let Ok(secret) = secret.trim().to_ascii_lowercase().parse::<Hex<32>>() else {
        bail!("behind the comma there are not 64 hexadecimal digits");
    };
    Ok((serial.to_owned(), secret))
}

/// Writes serial number and label of each printer, a line each: what a reseller claims it by.
pub(crate) fn labels(out: &mut impl Write, printers: &[Printer]) -> std::io::Result<()> {
    for (serial, secret) in printers {
        writeln!(out, "{serial},{}", factory_label(secret))?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named_and_no_secret_is_quoted() {
        let secret = "0a".repeat(32);
        for (text, words) in [
            (String::new(), "no printer"),
            (format!("CN1,{secret}\nCN2\n"), "line 2: it is not"),
            (format!("CN1,{secret}\n\n ,{}\n", "0b".repeat(32)), "line 3: before the comma"),
            (format!("CN1,{}\n", &secret[1..]), "line 1: behind the comma"),
            (format!("CN1,{secret},more\n"), "line 1: behind the comma"),
            (format!("CN1,{secret}\ncn1,{}\n", "0b".repeat(32)), "line 2: the serial number cn1 stands in line 1"),
            (format!("CN1,{secret}\r\nCN2,{secret}\r\n"), "line 2: the secret stands in line 1"),
        ] {
            let said = format!("{:#}", parse(&text).expect_err("refused"));
            assert!(said.contains(words), "{said}");
            assert!(!said.contains(&secret[..8]), "{said}");
        }
    }

    #[test]
    fn a_list_gives_serial_numbers_and_labels() {
        let (one, other) = ("0a".repeat(32), "0b".repeat(32));
        let printers = parse(&format!("\u{feff}CN 1 , {}\r\n\r\nCN2,{other}", one.to_uppercase())).expect("a list");
        let mut out = Vec::new();
        labels(&mut out, &printers).expect("written");
        let label = |secret: &str| factory_label(&secret.parse().expect("hexadecimal"));
        let expected = format!("CN 1,{}\nCN2,{}\n", label(&one), label(&other));
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}
