//! `plotmeter probe ADDRESS`: what one printer says, row by row; and the same from a recording of it.
//!
//! Deliberately absent: anything that is kept or sent, except the folder that `--record` names.

use agent::recording::{self, Written};
use agent::{Access, Asked, Login, Patience, SnmpAccess, SnmpVersion, ask};
use anyhow::{Context, bail};
use drivers::{Answer, Channel, DRIVERS, driver};
use report::{Filled, ROWS, RowId, Value, walk};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Which printer, and how.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Host or address of the printer, with `:port` unless it is 443, and `http://` before it where TLS is not used.
    #[arg(required_unless_present = "replay", conflicts_with = "replay")]
    address: Option<String>,
    /// Asks over this interface only; may be repeated.
    #[arg(
        long,
        value_name = "INTERFACE",
        value_parser = clap::builder::PossibleValuesParser::new(DRIVERS.iter().map(|driver| driver.name))
    )]
    via: Vec<String>,
    /// Asks by SNMP version 2c too, with this community. It goes over the network in the clear.
    #[arg(long, value_name = "COMMUNITY", conflicts_with = "snmp_v3_file")]
    snmp_community: Option<String>,
    /// Asks by SNMP version 3 too, with the user and passwords of this file.
    #[arg(long, value_name = "FILE")]
    snmp_v3_file: Option<PathBuf>,
    /// A file with `user:password` of a login for reading; it is sent over TLS only.
    #[arg(long, value_name = "FILE")]
    login: Option<PathBuf>,
    /// The port of IPP; may be repeated.
    #[arg(long, value_name = "PORT", default_values_t = [631_u16])]
    ipp_port: Vec<u16>,
    /// Prints JSON: every filled row with its integer value, unit and source, what is absent and why, the defects.
    #[arg(long)]
    json: bool,
    /// Writes every answer into this new folder, with names, serial numbers and addresses masked.
    #[arg(long, value_name = "FOLDER", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Reads the answers of such a folder instead of a printer.
    #[arg(long, value_name = "FOLDER")]
    replay: Option<PathBuf>,
    /// The pause between two requests.
    #[arg(long, default_value_t = 1000)]
    pause_ms: u64,
}

/// Rows that stand behind the login of those printers that have them.
const BEHIND_LOGIN: [RowId; 2] = [RowId::S24, RowId::S25];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let asked = match (&arguments.replay, &arguments.address) {
        (Some(folder), _) => recording::read(folder)?.replay().with_context(|| folder.display().to_string())?,
        (None, Some(address)) => ask_printer(address, arguments)?,
        (None, None) => bail!("name a printer, or a recording with --replay"),
    };
    if arguments.json {
        writeln!(std::io::stdout(), "{:#}", as_json(&asked))?;
        return Ok(());
    }
    print(&asked, &mut std::io::stdout().lock())?;
    Ok(())
}

fn ask_printer(address: &str, arguments: &Arguments) -> anyhow::Result<Asked> {
    let access = access(arguments)?;
    if let Some(folder) = &arguments.record {
        // Before the printer is asked for minutes.
        recording::check_empty(folder)?;
    }
    let patience = Patience { pause: Duration::from_millis(arguments.pause_ms), ..Patience::default() };
    let asked = crate::runtime()?.block_on(ask(address, &access, crate::clock::now(), patience));
    let asked = asked.with_context(|| address.to_owned())?;
    if let Some(folder) = &arguments.record {
        let written = recording::write(folder, &asked, address)?;
        say_recorded(&written, &folder.display().to_string());
    }
    Ok(asked)
}

/// What the arguments allow.
fn access(arguments: &Arguments) -> anyhow::Result<Access> {
    let login = arguments.login.as_deref().map(Login::read).transpose()?;
    let snmp = match (&arguments.snmp_community, &arguments.snmp_v3_file) {
        (Some(community), _) => Some(SnmpAccess::V2c { community: community.clone() }),
        (None, Some(file)) => SnmpAccess::read(SnmpVersion::V3, file)?,
        (None, None) => None,
    };
    let only: Vec<&'static str> =
        arguments.via.iter().filter_map(|name| driver(name)).map(|driver| driver.name).collect();
    if only == ["snmp"] && snmp.is_none() {
        bail!("--via snmp needs --snmp-community or --snmp-v3-file");
    }
    Ok(Access { login, snmp, only, ipp_ports: arguments.ipp_port.clone(), ..Access::default() })
}

fn say_recorded(written: &Written, folder: &str) {
    let masked: Vec<String> = written.masked.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let masked = if masked.is_empty() { "nothing".to_owned() } else { masked.join(", ") };
    eprintln!("recorded in {folder}: {} files; masked: {masked}", written.files);
    for left_out in &written.left_out {
        eprintln!("left out: {left_out}, in which names cannot be masked");
    }
    eprintln!(
        "look at every file before you give the folder to anybody: a name that nothing marks as one is not masked"
    );
}

/// What an interface is asked over, in words.
fn over(name: &str) -> &'static str {
    match driver(name).map(|driver| driver.channel) {
        Some(Channel::Ipp) => "IPP",
        Some(Channel::Snmp) => "SNMP",
        Some(Channel::Web) | None => "the web",
    }
}

/// Why a row is absent, as far as that is known.
fn why_absent(asked: &Asked, row: RowId) -> String {
    let gives = |name: &str| driver(name).is_some_and(|driver| driver.rows.contains(&row));
    let heard: Vec<&str> = asked.drivers.iter().copied().filter(|name| gives(name)).collect();
    if heard.is_empty() {
        let others: Vec<&str> = DRIVERS.iter().map(|driver| driver.name).filter(|name| gives(name)).collect();
        return match others.as_slice() {
            [] => "no interface gives it".to_owned(),
            others => format!("only {} could give it", others.join(", ")),
        };
    }
    let login = asked.not_asked.iter().find(|(what, _)| what.starts_with('/') && BEHIND_LOGIN.contains(&row));
    match login {
        Some((_, why)) => format!("it stands behind the printer's login: {why}"),
        None => format!("{} did not give it", heard.join(", ")),
    }
}

/// Requests that came to nothing, each with its interface.
fn failures(asked: &Asked) -> Vec<String> {
    let of = |(name, answers): &(&'static str, drivers::Answers)| {
        let name = *name;
        let failed = answers.iter().filter_map(move |(key, answer)| match answer {
            Answer::Failed(why) if asked.drivers.contains(&name) => Some(format!("{name} {key} {why}")),
            _ => None,
        });
        failed.collect::<Vec<String>>()
    };
    asked.answers.iter().flat_map(of).collect()
}

fn print(asked: &Asked, out: &mut impl Write) -> std::io::Result<()> {
    let filled = walk(&asked.report);
    for row in ROWS {
        let source = asked.report.sources.get(&row.id);
        let from = source.map_or(String::new(), |source| {
            format!("  [{}{}]", source.from, if source.derived { ", derived" } else { "" })
        });
        let mut values = filled.iter().filter(|filled| filled.row == row.id).peekable();
        if values.peek().is_none() {
            writeln!(out, "{:<4} {:<34} absent: {}", row.id.word(), row.label, why_absent(asked, row.id))?;
        }
        for Filled { item, value, .. } in values {
            let (text, unit) = value.show();
            let item = if item.is_empty() { String::new() } else { format!(" ({item})") };
            writeln!(out, "{:<4} {:<34} {text} {unit}{from}", row.id.word(), format!("{}{item}", row.label))?;
        }
    }
    print_oddities(asked, out)?;
    let rows: BTreeSet<_> = filled.iter().map(|filled| filled.row).collect();
    let answered: Vec<String> = asked.drivers.iter().map(|name| format!("{name} over {}", over(name))).collect();
    writeln!(out, "answered: {}; grade {}", answered.join(", "), asked.grade.word())?;
    eprintln!("{} of {} rows filled, {} defects", rows.len(), ROWS.len(), asked.defects.len());
    Ok(())
}

/// Defects, what failed and what was not asked.
fn print_oddities(asked: &Asked, out: &mut impl Write) -> std::io::Result<()> {
    for defect in &asked.defects {
        writeln!(out, "defect {} {}", defect.row.map_or("", |row| row.word()), defect.what)?;
    }
    let jobs = asked.report.jobs.iter().flat_map(|(job, defects)| defects.iter().map(move |defect| (job, defect)));
    for (job, defect) in jobs {
        let job = job.uuid.as_deref().unwrap_or("without UUID");
        writeln!(out, "defect {} job {job}: {}", defect.row.map_or("", |row| row.word()), defect.what)?;
    }
    for failure in failures(asked) {
        writeln!(out, "failed: {failure}")?;
    }
    for (what, why) in &asked.not_asked {
        writeln!(out, "not asked: {what}: {why}")?;
    }
    Ok(())
}

fn as_json(asked: &Asked) -> Json {
    let row = |filled: &Filled| {
        let source = asked.report.sources.get(&filled.row);
        json!({
            "row": filled.row.word(), "label": filled.row.row().label, "item": filled.item,
            "value": integer(&filled.value), "unit": filled.row.row().unit.label(),
            "source": source.map(|source| source.from.clone()), "derived": source.is_some_and(|source| source.derived),
        })
    };
    let job_defects =
        |(job, defects): &(report::Job, Vec<report::Defect>)| json!({ "job": job.uuid, "defects": defects });
    let filled = walk(&asked.report);
    let absent = ROWS.iter().filter(|row| !filled.iter().any(|filled| filled.row == row.id));
    let absent = absent.map(|row| json!({ "row": row.id.word(), "why": why_absent(asked, row.id) }));
    let interface = |name: &&'static str| json!({ "name": name, "over": over(name) });
    let not_asked = |(what, why): &(String, String)| json!({ "what": what, "why": why });
    json!({
        "interfaces": asked.drivers.iter().map(interface).collect::<Vec<_>>(),
        "read_at": asked.report.read_at.to_string(), "grade": asked.grade.word(),
        "rows": filled.iter().map(row).collect::<Vec<_>>(),
        "absent": absent.collect::<Vec<_>>(),
        "defects": asked.defects,
        "job_defects": asked.report.jobs.iter().map(job_defects).collect::<Vec<_>>(),
        "failed": failures(asked),
        "not_asked": asked.not_asked.iter().map(not_asked).collect::<Vec<_>>(),
    })
}

/// The value in its integer unit.
fn integer(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Area(area) => json!(area.0),
        Value::Length(length) => json!(length.0),
        Value::Ink(ink) => json!(ink.0),
        Value::Instant(instant) => json!(instant.to_string()),
        Value::Duration(duration) => json!(duration.0),
        Value::Share(share) => json!(share.0),
        Value::Count(count) => json!(count),
        Value::Flag(flag) => json!(flag),
    }
}
