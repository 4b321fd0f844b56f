//! What the agents' commands print: tables for people, JSON lines for programs.
//!
//! Deliberately absent: colours, and deciding anything; what is shown comes from the agent.

use crate::verify::grouped;
use agent::{Check, Farewell, Preview, PrinterStatus, Round, SentPackage, Status, Verdict};
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

/// A count and what is counted, in the singular: `1 job`, `2 jobs`, `2 addresses`.
pub(crate) fn many(count: u64, what: &str) -> String {
    let end = match (count, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {what}{end}")
}

/// The same of things that lie in memory.
pub(crate) fn many_of(count: usize, what: &str) -> String {
    many(u64::try_from(count).unwrap_or(u64::MAX), what)
}

/// A text of a printer's as a terminal may show it: what turns the direction of writing is shown as a mark, so that
/// no name can write over what stands beside it. Other control characters are gone already.
pub(crate) fn visible(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if turns(c) { '\u{fffd}' } else { c }).collect()
}

/// What is said after `trust`, of the certificate or of the interfaces.
pub(crate) fn trusted(interfaces: bool) -> &'static str {
    if interfaces {
        "the next reading chooses anew which interface gives each counter and the jobs; tell whoever approves the \
         statements"
    } else {
        "the certificate of the next reading is trusted"
    }
}

/// An argument of a command as a person types it, with a blank before it.
pub(crate) fn argument(name: &str, value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-._/:\\[]@%+=,".contains(c);
    let quote = if value.chars().all(is_plain) { "" } else { "\"" };
    format!(" {name} {quote}{value}{quote}")
}

/// A text in which each command of `agent` that stands between backquotes has `arguments` behind it.
pub(crate) fn named(text: &str, agent: &str, arguments: &str) -> String {
    let command = format!("plotmeter {agent} ");
    let mut named = String::with_capacity(text.len());
    for (number, part) in text.split('`').enumerate() {
        if number > 0 {
            named.push('`');
        }
        named.push_str(part);
        // Every second part stands between two backquotes.
        if number % 2 == 1 && part.starts_with(&command) && !part.contains(" --config ") {
            named.push_str(arguments);
        }
    }
    named
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

/// What waits to be sent: `3 records (2 jobs)`.
pub(crate) fn waiting(status: &Status) -> String {
    format!("{} ({})", many(status.records_waiting, "record"), many(status.jobs_waiting, "job"))
}

/// Why nothing is sent now, and until when. The trouble stands in a line of its own.
fn not_sent(why: &str, status: &Status) -> String {
    let is_trouble = status.trouble.as_deref() == Some(why);
    let why = if is_trouble { "for the trouble above" } else { why };
    status.waits_until.map_or_else(|| why.to_owned(), |until| format!("{why}; not before {until}"))
}

/// What waits here.
fn kept(out: &mut impl Write, status: &Status) -> std::io::Result<()> {
    let (waits, is) = if status.records_waiting == 1 { ("waits", "is") } else { ("wait", "are") };
    writeln!(out, "{} {waits} here and {is} sent later", waiting(status))
}

/// What is kept of a round that began at `started` and did not end as it should.
pub(crate) fn interrupted(out: &mut impl Write, status: &Status, started: Instant) -> std::io::Result<()> {
    if status.paused {
        return writeln!(out, "paused: nothing was read");
    }
    let read = |printer: &&PrinterStatus| !printer.seen_only && printer.read_at.is_some_and(|at| at >= started);
    writeln!(out, "{} read and kept", many_of(status.printers.iter().filter(read).count(), "printer"))?;
    kept(out, status)
}

/// What a round did, which printers it did not read, and what it could not send, each with the reason.
pub(crate) fn round(out: &mut impl Write, round: &Round, status: &Status) -> std::io::Result<()> {
    writeln!(
        out,
        "{} read, {} not read, {}, {} sent",
        many_of(round.read, "printer"),
        round.failed,
        many_of(round.jobs, "new job"),
        many_of(round.sent, "package")
    )?;
    for (address, why) in &round.unread {
        writeln!(out, "{address}: {why}")?;
    }
    let told = |address: &String| round.unread.iter().any(|(unread, _)| unread == address);
    for printer in status.printers.iter().filter(|printer| !told(&printer.address)) {
        if let Some(failure) = &printer.failure {
            writeln!(out, "{}: {failure}", printer.address)?;
        }
    }
    if status.records_waiting > 0 {
        kept(out, status)?;
    }
    if let Some(why) = &round.waits_for {
        writeln!(out, "nothing more is sent now: {why}")?;
    }
    Ok(())
}

/// What an agent is, what it does, what waits and why, and when the portal last answered.
pub(crate) fn status(out: &mut impl Write, status: &Status, rhythm: &str) -> std::io::Result<()> {
    fact(out, "agent", &status.agent)?;
    let account = match status.customer.as_str() {
        "" => "not confirmed at the portal yet".to_owned(),
        customer => format!("{customer} (reseller {})", status.reseller),
    };
    fact(out, "account", &account)?;
    fact(out, "portal", &status.portal)?;
    // What a customer compares with an evidence file.
    fact(out, "portal key", &grouped(status.portal_key))?;
    fact(out, "agent key", &grouped(status.evidence_key))?;
    fact(out, "does", &duty(&status.duty, status.paused))?;
    fact(out, "interval", rhythm)?;
    let answered = match status.last_answer {
        Some(at) => format!("last at {at}"),
        None => "never: the portal has not proved an answer yet".to_owned(),
    };
    fact(out, "answered", &answered)?;
    if let Some(trouble) = &status.trouble {
        fact(out, "trouble", trouble)?;
    }
    let oldest = match status.oldest_waiting {
        Some(at) => format!(", the oldest of {at}"),
        None => String::new(),
    };
    let (waiting, packages) = (waiting(status), many(status.packages_waiting, "package"));
    fact(out, "waiting", &format!("{waiting} that the portal does not have, {packages} made{oldest}"))?;
    if let Some(why) = &status.waits_for {
        fact(out, "not sent", &not_sent(why, status))?;
    }
    fact(out, "stored", &format!("{} bytes", status.spool_bytes))?;
    if status.folded > 0 {
        fact(out, "summed up", &format!("{}, only as a sum: the disk was full", many(status.folded, "job")))?;
    }
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
        writeln!(out, "           problem: {failure}")?;
    }
    Ok(())
}

/// A record, and its personal part below it.
fn record(out: &mut impl Write, core: &str, annex: Option<&str>) -> std::io::Result<()> {
    writeln!(out, "  record   {core}")?;
    annex.map_or(Ok(()), |annex| writeln!(out, "  personal {annex}"))
}

/// What would be sent now: each record, and its personal part where the policy leaves one.
pub(crate) fn previews(out: &mut impl Write, previews: &[Preview], as_json: bool) -> anyhow::Result<()> {
    for preview in previews {
        if as_json {
            let Preview { address, printer, failure, without, records, annexes } = preview;
            let line = json!({
                "address": address, "printer": printer, "failure": failure, "without": without, "records": records,
                "annexes": annexes,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let serial = preview.printer.as_deref().unwrap_or("no serial");
        writeln!(out, "{}  {serial}  {}", preview.address, many_of(preview.records.len(), "record"))?;
        if let Some(failure) = &preview.failure {
            writeln!(out, "  {failure}")?;
        }
        for without in &preview.without {
            writeln!(out, "  without: {without}")?;
        }
        for (core, annex) in preview.records.iter().zip(&preview.annexes) {
            record(out, core, annex.as_deref())?;
        }
    }
    Ok(())
}

/// What was sent, or is made to be sent: byte for byte as JSON lines, or record by record for people. What was
/// tightened since is missing in it.
pub(crate) fn sent(out: &mut impl Write, packages: &[SentPackage], as_json: bool) -> anyhow::Result<()> {
    for sent in packages {
        if as_json {
            writeln!(out, "{}", sent.json)?;
            continue;
        }
        let confirmed = match sent.acknowledged_at {
            Some(at) => format!("confirmed {at}"),
            None if sent.handed_over => "sent, and not confirmed yet".to_owned(),
            None => "made, and not sent yet".to_owned(),
        };
        let package: Package<'_> = serde_json::from_str(&sent.json).context("read a package of the spool")?;
        let (sequence, bytes, digest) = (sent.sequence, sent.json.len(), sent.wire_digest);
        writeln!(out, "package {sequence}  {confirmed}  {bytes} bytes  sha-256 {digest}")?;
        for record in &package.records {
            self::record(out, record.core.get(), record.annex.map(|annex| annex.get()))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Hex;

    fn status_of(folded: u64) -> Status {
        let text = |text: &str| text.to_owned();
        Status {
            agent: text("agent-1"),
            customer: text("Kessler Architekten"),
            reseller: text("Nordplan"),
            portal: text("https://portal.example"),
            portal_key: Hex([0xab; 32]),
            evidence_key: Hex([0x07; 32]),
            interval_minutes: 180,
            records_waiting: 3,
            jobs_waiting: 1,
            packages_waiting: 1,
            oldest_waiting: None,
            spool_bytes: 4096,
            folded,
            paused: false,
            duty: Duty::Read,
            consents: Vec::new(),
            printers: Vec::new(),
            last_answer: None,
            waits_until: None,
            waits_for: None,
            trouble: None,
        }
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("written");
        String::from_utf8(out).expect("text")
    }

    fn shown(status: &Status) -> String {
        written(|out| super::status(out, status, "reads every 180 minutes"))
    }

    #[test]
    fn counts_are_told_in_the_singular_and_no_name_turns_a_line_around() {
        for (count, what, said) in
            [(0, "job", "0 jobs"), (1, "address", "1 address"), (2, "address", "2 addresses"), (1, "job", "1 job")]
        {
            assert_eq!(many(count, what), said);
        }
        assert_eq!(visible("T930 \u{202e}039T ä²"), "T930 \u{fffd}039T ä²");
        let one = Status { records_waiting: 1, ..status_of(0) };
        let said = written(|out| super::round(out, &Round::default(), &one));
        assert!(said.contains("1 record (1 job) waits here and is sent later\n"), "{said}");
    }

    #[test]
    fn jobs_that_became_sums_are_told_and_only_then() {
        let (some, none) = (shown(&status_of(7)), shown(&status_of(0)));
        assert!(some.contains("summed up  7 jobs"), "{some}");
        assert!(!none.contains("summed up"), "{none}");
    }

    #[test]
    fn a_status_shows_the_keys_that_an_evidence_file_is_compared_with() {
        let said = shown(&status_of(0));
        for (name, group) in [("portal key ", "abababab"), ("agent key  ", "07070707")] {
            let line = format!("{name}{}\n", [group; 8].join(" "));
            assert!(said.contains(&line), "{line}: {said}");
        }
    }

    #[test]
    fn a_status_says_what_waits_why_and_when_the_portal_last_answered() {
        let quiet = shown(&status_of(0));
        for words in ["waiting    3 records (1 job) that the portal", "1 package made", "answered   never"] {
            assert!(quiet.contains(words), "{words}: {quiet}");
        }
        assert!(!quiet.contains("not sent") && !quiet.contains("trouble"), "{quiet}");
        let at = Instant(1_790_812_800_000);
        let status = Status {
            last_answer: Some(at),
            waits_until: Some(at),
            waits_for: Some("the wire budget is spent".to_owned()),
            trouble: Some("the portal refused: revoked".to_owned()),
            ..status_of(0)
        };
        let said = shown(&status);
        for words in [
            "answered   last at 2026-10-01T00:00:00Z",
            "not sent   the wire budget is spent; not before 2026-10-01T00:00:00Z",
            "trouble    the portal refused: revoked",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        let said = shown(&Status { waits_for: status.trouble.clone(), waits_until: None, ..status });
        assert!(said.contains("not sent   for the trouble above\n"), "{said}");
    }

    #[test]
    fn a_round_names_each_printer_that_was_not_read_and_why_nothing_was_sent() {
        let round = Round {
            read: 1,
            unread: vec![("192.0.2.7".to_owned(), "seen, takes no part".to_owned())],
            waits_for: Some("paused".to_owned()),
            ..Round::default()
        };
        let said = written(|out| super::round(out, &round, &status_of(0)));
        for words in [
            "1 printer read, 0 not read, 0 new jobs, 0 packages sent",
            "192.0.2.7: seen, takes no part",
            "3 records (1 job) wait here and are sent later",
            "nothing more is sent now: paused",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }

    #[test]
    fn a_preview_says_what_it_was_made_without() {
        let preview = Preview {
            address: "192.0.2.7".to_owned(),
            printer: Some("CN1".to_owned()),
            failure: None,
            without: vec!["/etc/plotmeter/snmp: cannot be read: permission denied".to_owned()],
            records: Vec::new(),
            annexes: Vec::new(),
        };
        for (as_json, words) in [(false, "  without: /etc/plotmeter/snmp: cannot"), (true, "\"without\":[\"/etc/")] {
            let mut out = Vec::new();
            previews(&mut out, std::slice::from_ref(&preview), as_json).expect("written");
            let said = String::from_utf8(out).expect("text");
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn advice_names_the_file_that_the_agent_was_called_with() {
        let config = argument("--config", "/etc/plot meter.toml");
        assert_eq!(config, " --config \"/etc/plot meter.toml\"");
        let config = argument("--config", "C:\\a/b.toml");
        for (text, expected) in [
            ("run `plotmeter direct run`.", "run `plotmeter direct run --config C:\\a/b.toml`."),
            (
                "`plotmeter direct run` or `plotmeter collector run`",
                "`plotmeter direct run --config C:\\a/b.toml` or `plotmeter collector run`",
            ),
            ("plotmeter direct run `chmod 700 x` `", "plotmeter direct run `chmod 700 x` `"),
            ("`plotmeter direct run --config x`", "`plotmeter direct run --config x`"),
        ] {
            assert_eq!(named(text, "direct", &config), expected);
        }
    }
}
