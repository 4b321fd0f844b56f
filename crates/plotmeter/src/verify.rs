//! `plotmeter verify FILE`: whether the evidence file of a statement holds, and what it proves.
//!
//! It needs no portal and no network. Deliberately absent: the checks themselves (see the crate
//! `evidence`), and any judgement of what people said, which is listed.

use anyhow::{Context, bail};
use billing::Money;
use evidence::{Finding, Verdict};
use protocol::{Hex, VerifyingKey};
use report::Grade;
use serde_json::json;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Which file, and what is known of it beside.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The evidence file of a statement.
    file: PathBuf,
    /// The portal's key in hexadecimal, as `status` of an agent shows it, in one word or between quotes; without it,
    /// the file's own key is taken.
    #[arg(long, value_name = "HEX")]
    portal_key: Option<String>,
    /// The evidence file of what was issued before for the same contract.
    #[arg(long, value_name = "FILE")]
    after: Option<PathBuf>,
    /// Prints JSON: the verdict, or the findings.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let key = arguments.portal_key.as_deref().map(portal_key).transpose()?;
    let bytes = read(&arguments.file)?;
    let after = arguments.after.as_deref().map(read).transpose()?;
    let found = evidence::verify(&bytes, key.as_ref(), after.as_deref());
    let mut out = std::io::stdout().lock();
    match &found {
        Ok(verdict) if arguments.json => writeln!(out, "{:#}", json!(verdict))?,
        Err(findings) if arguments.json => writeln!(out, "{:#}", json!({ "findings": findings }))?,
        Ok(verdict) => print(verdict, &mut out)?,
        Err(findings) => list(findings, &mut out)?,
    }
    out.flush()?;
    match found {
        Ok(_) => Ok(()),
        Err(findings) => {
            let things = if findings.len() == 1 { "1 thing does" } else { "some things do" };
            bail!("{}: {things} not hold", arguments.file.display())
        }
    }
}

fn portal_key(text: &str) -> anyhow::Result<VerifyingKey> {
    let wrong = "--portal-key is 64 digits of hexadecimal in small letters, as `status` of an agent shows it";
    let digits: String = text.split_whitespace().collect();
    let bytes: Hex<32> = digits.parse().context(wrong)?;
    VerifyingKey::from_bytes(&bytes.0).ok().context(wrong)
}

/// A key as people compare it: hexadecimal in groups of eight digits. It reads back as `--portal-key`.
pub(crate) fn grouped(key: Hex<32>) -> String {
    let part = |four: &[u8]| four.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    key.0.chunks(4).map(part).collect::<Vec<String>>().join(" ")
}

/// A file, as far as such a file may be long.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || format!("read {}", path.display());
    let most = u64::try_from(evidence::BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(name)?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).with_context(name)?;
    if bytes.len() > evidence::BYTES_MAX {
        bail!("{} is longer than {most} bytes", path.display());
    }
    Ok(bytes)
}

/// A text of the file without anything that a terminal would obey.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What was proved, how well, and what rests on the word of people.
fn print(verdict: &Verdict, out: &mut impl Write) -> std::io::Result<()> {
    let currency = verdict.currency;
    let total = verdict.total.show(currency);
    let (number, customer, period) = (clean(&verdict.number), clean(&verdict.customer), clean(&verdict.period));
    writeln!(out, "{number} for {customer}, {period}: {total} {currency}")?;
    writeln!(out, "portal key {}", grouped(verdict.portal_key))?;
    writeln!(out, "\nChecked:")?;
    for sentence in &verdict.proved {
        writeln!(out, "  {}", clean(sentence))?;
    }
    writeln!(out, "\nAmounts for usage, by what proves it:")?;
    for (grade, amount) in &verdict.grades {
        writeln!(out, "  {} {:>14} {currency}  {}", grade.word(), amount.show(currency), words(*grade))?;
    }
    if verdict.settled != Money::ZERO {
        let settled = verdict.settled.show(currency);
        writeln!(out, "  of periods before, worked out anew from their records: {settled} {currency}")?;
    }
    let unsigned = verdict.unsigned.show(currency);
    writeln!(out, "\nOn the word of people: {unsigned} {currency} for usage and adjustments, and:")?;
    for said in &verdict.said {
        let by = if said.by.is_empty() { String::new() } else { format!(" by {}", said.by) };
        let printer = said.printer.as_ref().map_or_else(String::new, |printer| format!(" printer {printer}"));
        let line = format!("{}{printer} {}{by}: {}", said.what, said.at, said.detail);
        writeln!(out, "  {}", clean(&line))?;
    }
    writeln!(out, "\nrecords present only as hashes: {}", verdict.hashed_only)
}

fn words(grade: Grade) -> &'static str {
    match grade {
        Grade::A => "the printer itself signed it",
        Grade::B => "read by a named collector over a pinned link",
        Grade::C => "read over an unpinned link, said by a person, estimated or a sum",
    }
}

fn list(findings: &[Finding], out: &mut impl Write) -> std::io::Result<()> {
    for Finding { at, says, should, why } in findings {
        writeln!(out, "{}", clean(&format!("{at}: says {says}, should be {should} ({why})")))?;
    }
    if findings.len() >= evidence::FINDINGS_MAX {
        writeln!(out, "There may be more.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_small_hexadecimal_digits() {
        let key = protocol::SigningKey::from_bytes(&[7; 32]).verifying_key();
        let text = Hex(*key.as_bytes()).to_string();
        assert_eq!(portal_key(&format!(" {text}\n")).ok(), Some(key));
        assert_eq!(portal_key(&grouped(Hex(*key.as_bytes()))).ok(), Some(key));
        for wrong in ["", "ab", &text[1..], &text.to_uppercase()] {
            assert!(portal_key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_finding_stands_in_one_line() {
        let finding = |at: &str| Finding {
            at: at.to_owned(),
            says: "1\u{1b}".to_owned(),
            should: "2".to_owned(),
            why: "so".to_owned(),
        };
        let mut out = Vec::new();
        list(&[finding("a"), finding("b")], &mut out).expect("memory");
        assert_eq!(String::from_utf8_lossy(&out), "a: says 1 , should be 2 (so)\nb: says 1 , should be 2 (so)\n");
    }
}
