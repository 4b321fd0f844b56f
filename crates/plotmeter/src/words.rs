//! What the agents' commands print: tables for people, JSON lines for programs.
//!
//! Deliberately absent: colours, and deciding anything; what is shown comes from the agent.

use agent::{Check, Farewell, Preview, PrinterStatus, SentPackage, Status, Verdict};
use anyhow::Context;
use protocol::package::Package;
use protocol::receipt::Duty;
use report::Instant;
use serde_json::json;
use std::io::Write;

/// A name and what stands beside it, the names in one column.
fn fact(out: &mut impl Write, name: &str, value: &str) -> std::io::Result<()> {
    writeln!(out, "{name:<10} {value}")
}

/// An instant, or `never`.
fn moment(at: Option<Instant>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.to_string())
}

/// The checks of a doctor, one a line, the next action below. Gives whether none failed.
pub(crate) fn checks(out: &mut impl Write, checks: &[Check]) -> std::io::Result<bool> {
    for check in checks {
        let verdict = match check.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "FAIL",
            Verdict::Skipped => "skipped",
        };
        writeln!(out, "{verdict:<8} {:<28} {}", check.name, check.found)?;
        if let Some(action) = &check.action {
            writeln!(out, "{:<8} do: {action}", "")?;
        }
    }
    let failed = checks.iter().filter(|check| check.verdict == Verdict::Fail).count();
    match failed {
        0 => writeln!(out, "nothing failed")?,
        1 => writeln!(out, "1 check failed")?,
        _ => writeln!(out, "{failed} checks failed")?,
    }
    Ok(failed == 0)
}

/// What a privacy policy does, field by field.
pub(crate) fn policy(
    out: &mut impl Write,
    rows: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
) -> std::io::Result<()> {
    writeln!(out, "Privacy in force here, before anything is written:")?;
    for (field, mode) in rows {
        writeln!(out, "  {:<16} {}", field.as_ref(), mode.as_ref())?;
    }
    Ok(())
}

/// What an agent is, what it does and what waits.
pub(crate) fn status(out: &mut impl Write, status: &Status) -> std::io::Result<()> {
    fact(out, "agent", &status.agent)?;
    let account = match status.customer.as_str() {
        "" => "not confirmed at the portal yet".to_owned(),
        customer => format!("{customer} (reseller {})", status.reseller),
    };
    fact(out, "account", &account)?;
    fact(out, "portal", &status.portal)?;
    fact(out, "does", &duty(&status.duty, status.paused))?;
    fact(out, "interval", &format!("{} min", status.interval_minutes))?;
    let oldest = match status.oldest_waiting {
        Some(at) => format!(", the oldest of {at}"),
        None => String::new(),
    };
    let (records, packages) = (status.records_waiting, status.packages_waiting);
    let waiting = format!("{records} records that the portal does not have, {packages} packages made{oldest}");
    fact(out, "waiting", &waiting)?;
    fact(out, "stored", &format!("{} bytes", status.spool_bytes))?;
    for consent in &status.consents {
        fact(out, "approve?", consent)?;
    }
    if status.printers.is_empty() {
        fact(out, "printers", "none read yet")?;
    }
    for known in &status.printers {
        printer(out, known)?;
    }
    Ok(())
}

/// What the agent does now, for a person.
fn duty(duty: &Duty, paused: bool) -> String {
    match duty {
        _ if paused => "paused here; `resume` goes on".to_owned(),
        Duty::Read => "reads its printers".to_owned(),
        Duty::StandBy { holder, until } => format!("stands by while {holder} reads, at least until {until}"),
    }
}

/// A printer, on one line and a second one where it was not read.
fn printer(out: &mut impl Write, printer: &PrinterStatus) -> std::io::Result<()> {
    let name = printer.product_name.as_deref().unwrap_or("unknown printer");
    let serial = printer.serial.as_deref().unwrap_or("no serial yet");
    let part = if printer.participating { "takes part" } else { "only seen" };
    let read = moment(printer.read_at);
    writeln!(
        out,
        "printer    {}  {name}  {serial}  {part}  last read {read}  defects {}",
        printer.address, printer.defects
    )?;
    if let Some(failure) = &printer.failure {
        writeln!(out, "           not read since: {failure}")?;
    }
    Ok(())
}

/// What would be sent now: each record, and its personal part where the policy leaves one.
pub(crate) fn previews(out: &mut impl Write, previews: &[Preview], as_json: bool) -> anyhow::Result<()> {
    for preview in previews {
        if as_json {
            let Preview { address, printer, failure, records, annexes } = preview;
            let line = json!({
                "address": address, "printer": printer, "failure": failure, "records": records, "annexes": annexes,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let serial = preview.printer.as_deref().unwrap_or("no serial");
        writeln!(out, "{}  {serial}  {} records", preview.address, preview.records.len())?;
        if let Some(failure) = &preview.failure {
            writeln!(out, "  {failure}")?;
        }
        for (core, annex) in preview.records.iter().zip(&preview.annexes) {
            writeln!(out, "  record   {core}")?;
            if let Some(annex) = annex {
                writeln!(out, "  personal {annex}")?;
            }
        }
    }
    Ok(())
}

/// What was sent: byte for byte as JSON lines, or record by record for people.
pub(crate) fn sent(out: &mut impl Write, packages: &[SentPackage], as_json: bool) -> anyhow::Result<()> {
    for sent in packages {
        if as_json {
            writeln!(out, "{}", sent.json)?;
            continue;
        }
        let confirmed = match sent.acknowledged_at {
            Some(at) => format!("confirmed {at}"),
            None => "not confirmed yet".to_owned(),
        };
        let package: Package<'_> = serde_json::from_str(&sent.json).context("read a package of the spool")?;
        let (sequence, bytes, digest) = (sent.sequence, sent.json.len(), sent.wire_digest);
        writeln!(out, "package {sequence}  {confirmed}  {bytes} bytes  sha-256 {digest}")?;
        for record in &package.records {
            writeln!(out, "  record   {}", record.core.get())?;
            if let Some(annex) = record.annex {
                writeln!(out, "  personal {}", annex.get())?;
            }
        }
        for (digest, section) in &package.sections {
            writeln!(out, "  section  {digest} {}", section.get())?;
        }
    }
    Ok(())
}

/// What an agent deleted when it left, as it signed it.
pub(crate) fn proof(out: &mut impl Write, farewell: &Farewell) -> std::io::Result<()> {
    writeln!(out, "{} left at {}; deleted:", farewell.agent, farewell.at)?;
    for (name, bytes, digest) in &farewell.files {
        writeln!(out, "  {name:<24} {bytes:>10} bytes  sha-256 {digest}")?;
    }
    writeln!(out, "records that the portal does not have: {}", farewell.unsent)?;
    writeln!(out, "signature {}\nby key    {}", farewell.signature, farewell.evidence_key)
}
