//! `plotmeter probe ADDRESS`: what one printer says, row by row; and the same from a recording of it.
//!
//! Deliberately absent: anything that is kept or sent, except the folder that `--record` names.

use crate::words::{many_of, visible};
use agent::recording::{self, Written};
use agent::{Access, AskError, Asked, LOGIN_REFUSED, Login, Patience, SnmpAccess, SnmpVersion, ask};
use anyhow::{Context, bail};
use clap::builder::NonEmptyStringValueParser;
use drivers::{Answer, Channel, DRIVERS, driver};
use report::{Filled, Job, ROWS, RowId, Value, walk, walk_job};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Which printer, and how.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Host or address of the printer, with `:port` unless it is 443, and `http://` before it where TLS is not used.
    /// An IPv6 address stands in brackets: `[2001:db8::1]:443`.
    #[arg(required_unless_present = "replay", conflicts_with = "replay")]
    address: Option<String>,
    /// Asks over this interface only; may be repeated.
    #[arg(
        long,
        value_name = "INTERFACE",
        conflicts_with = "replay",
        value_parser = clap::builder::PossibleValuesParser::new(DRIVERS.iter().map(|driver| driver.name))
    )]
    via: Vec<String>,
    /// Asks by SNMP version 2c too, with this community. It goes over the network in the clear.
    #[arg(
        long,
        value_name = "COMMUNITY",
        conflicts_with_all = ["snmp_v3_file", "replay"],
        value_parser = NonEmptyStringValueParser::new()
    )]
    snmp_community: Option<String>,
    /// Asks by SNMP version 3 too, with the user and passwords of this file.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    snmp_v3_file: Option<PathBuf>,
    /// A file with one line, `user:password`, of a login for reading; it is sent over TLS only.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    login: Option<PathBuf>,
    /// The port of IPP; may be repeated.
    #[arg(
        long,
        value_name = "PORT",
        conflicts_with = "replay",
        default_values_t = [631_u16],
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    ipp_port: Vec<u16>,
    /// Prints JSON: every filled row with its integer value, unit and source, what is absent and why, the defects.
    #[arg(long)]
    json: bool,
    /// Leaves the rows of jobs out, and says how many jobs there are.
    #[arg(long)]
    no_jobs: bool,
    /// Writes every answer into this new folder, with names, serial numbers and addresses masked; also of something
    /// that is not recognised.
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
/// Every job has this row: where there is no job, what is odd about it is why.
const OF_JOBS: RowId = RowId::P27;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let asked = match (&arguments.replay, &arguments.address) {
        (Some(folder), _) => recording::read(folder)?.replay().with_context(|| folder.display().to_string())?,
        (None, Some(address)) => ask_printer(address, arguments)?,
        (None, None) => bail!("name a printer, or a recording with --replay"),
    };
    let shown = Shown::of(&asked, !arguments.no_jobs);
    let out = &mut std::io::stdout().lock();
    let said = if arguments.json { writeln!(out, "{:#}", shown.json()) } else { shown.print(out) };
    said.context("write to standard output")
}

fn ask_printer(address: &str, arguments: &Arguments) -> anyhow::Result<Asked> {
    let access = access(arguments)?;
    // Before the printer is asked for minutes.
    let is_new = arguments.record.as_deref().map(recording::prepare).transpose()?;
    eprintln!("asking {address}; a slow printer takes some minutes, and Ctrl-C ends it");
    let patience = Patience { pause: Duration::from_millis(arguments.pause_ms), ..Patience::default() };
    let read_at = crate::clock::now();
    let asked = crate::runtime()?.block_on(ask(address, &access, read_at, patience));
    if let Some(folder) = &arguments.record {
        let written = match &asked {
            Ok(asked) => Some(recording::write(folder, asked, address)?),
            Err(AskError::Unrecognised { answers, not_asked, .. }) => {
                let unrecognised = (answers.clone(), not_asked.clone());
                Some(recording::write_unrecognised(folder, read_at, unrecognised, address)?)
            }
            Err(_) => None,
        };
        match written {
            Some(written) => say_recorded(&written, &folder.display().to_string()),
            None => {
                if is_new == Some(true) {
                    // One that somebody has put something into stays.
                    let _removed = std::fs::remove_dir(folder);
                }
                eprintln!("nothing was recorded");
            }
        }
    }
    asked.with_context(|| address.to_owned())
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
    eprintln!("recorded in {folder}: {}; masked: {masked}", many_of(written.files, "file"));
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

/// Whether a row is one of a job.
fn is_of_job(row: RowId) -> bool {
    (RowId::P1..=RowId::N11).contains(&row)
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
    if BEHIND_LOGIN.contains(&row) {
        if let Some((_, why)) = asked.not_asked.iter().find(|(what, _)| what.starts_with('/')) {
            return format!("it stands behind the printer's login: {why}");
        }
        if let Some(why) = refused_login(asked, &heard) {
            return format!("it stands behind the printer's login: {why}");
        }
    }
    let has_no_jobs = is_of_job(row) && asked.report.jobs.is_empty();
    let is_why = |of: Option<RowId>| of == Some(row) || (of == Some(OF_JOBS) && has_no_jobs);
    match asked.defects.iter().find(|defect| is_why(defect.row)) {
        Some(defect) => format!("{} did not give it: {}", heard.join(", "), defect.what),
        None => format!("{} did not give it", heard.join(", ")),
    }
}

/// What an interface of these said to a login that it did not take.
fn refused_login<'a>(asked: &'a Asked, names: &[&str]) -> Option<&'a str> {
    let answers = asked.answers.iter().filter(|(name, _)| names.contains(name)).flat_map(|(_, answers)| answers);
    let mut failed = answers.filter_map(|(_, answer)| match answer {
        Answer::Failed(why) => Some(why.as_str()),
        Answer::Body { .. } | Answer::Elsewhere { .. } | Answer::NotAsked(_) => None,
    });
    failed.find(|why| why.starts_with(LOGIN_REFUSED))
}

/// Requests that came to nothing, each with its interface; and interfaces that did, other than those of the web that
/// a printer just does not have.
fn failures(asked: &Asked) -> Vec<String> {
    let mut failures = Vec::new();
    for (name, answers) in &asked.answers {
        let failed: Vec<String> = answers
            .iter()
            .filter_map(|(key, answer)| match answer {
                Answer::Failed(why) => Some(format!("{name}: {key} {why}")),
                Answer::Body { .. } | Answer::Elsewhere { .. } | Answer::NotAsked(_) => None,
            })
            .collect();
        let silent = asked.silent.iter().find(|(silent, _)| silent == name);
        let is_web = driver(name).is_none_or(|driver| driver.channel == Channel::Web);
        match silent {
            None => failures.extend(failed),
            Some(_) if is_web && failed.is_empty() => {}
            Some((_, why)) => failures.push(format!("{name}: {why}")),
        }
    }
    failures
}

/// What each job is called beside its rows: its number, else the beginning of its UUID, else its place in the list;
/// with its place too, where that is the name of another one already.
fn names(jobs: &[&Job]) -> Vec<String> {
    let mut known = BTreeSet::new();
    let mut names = Vec::new();
    for (place, job) in (1..).zip(jobs) {
        let name = match (job.sequence, &job.uuid) {
            (Some(number), _) => format!("job {number}"),
            (None, Some(uuid)) => format!("job {}", uuid.chars().take(8).collect::<String>()),
            (None, None) => format!("job at place {place}"),
        };
        let name = if known.contains(&name) { format!("{name} at place {place}") } else { name };
        known.insert(name.clone());
        names.push(name);
    }
    names
}

/// What is shown of a reading.
struct Shown<'a> {
    asked: &'a Asked,
    /// The filled rows, without those of jobs.
    rows: Vec<Filled>,
    /// The filled rows of jobs, job by job, each under its job's name; `None` where they are left out.
    of_jobs: Option<Vec<Filled>>,
    /// The rows that something fills.
    filled: BTreeSet<RowId>,
    /// The names of the jobs, in their order.
    names: Vec<String>,
}

impl<'a> Shown<'a> {
    fn of(asked: &'a Asked, with_jobs: bool) -> Shown<'a> {
        let mut rows = walk(&asked.report);
        let filled = rows.iter().map(|filled| filled.row).collect();
        rows.retain(|filled| !is_of_job(filled.row));
        let jobs: Vec<&Job> = asked.report.jobs.iter().map(|(job, _)| job).collect();
        let names = names(&jobs);
        let of_job = |(name, job): (&String, &&Job)| {
            let mut rows = walk_job(job);
            rows.sort_by_key(|filled| filled.row);
            for filled in &mut rows {
                let item = if filled.item.is_empty() { String::new() } else { format!(", {}", filled.item) };
                filled.item = format!("{name}{item}");
            }
            rows
        };
        let of_jobs = with_jobs.then(|| names.iter().zip(&jobs).flat_map(of_job).collect());
        Shown { asked, rows, of_jobs, filled, names }
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Shown { asked, rows, of_jobs, filled, names } = self;
        for row in ROWS {
            for filled in rows.iter().filter(|filled| filled.row == row.id) {
                self.print_row(out, filled)?;
            }
            if !filled.contains(&row.id) {
                writeln!(out, "{:<4} {:<34} absent: {}", row.id.word(), row.label, why_absent(asked, row.id))?;
            }
        }
        match of_jobs {
            Some(of_jobs) => of_jobs.iter().try_for_each(|filled| self.print_row(out, filled))?,
            None => writeln!(out, "left out: the rows of {}", many_of(names.len(), "job"))?,
        }
        self.print_oddities(out)?;
        let answered: Vec<String> = asked.drivers.iter().map(|name| format!("{name} over {}", over(name))).collect();
        writeln!(out, "answered: {}; grade {}", answered.join(", "), asked.grade.word())?;
        let (jobs, defects) = (many_of(names.len(), "job"), many_of(asked.defects.len(), "defect"));
        eprintln!("{} of {} rows filled, {jobs}, {defects}", filled.len(), ROWS.len());
        Ok(())
    }

    fn print_row(&self, out: &mut impl Write, filled: &Filled) -> std::io::Result<()> {
        let Filled { row, item, value } = filled;
        let source = self.asked.report.sources.get(row);
        let from = source.map_or(String::new(), |source| {
            format!("  [{}{}]", source.from, if source.derived { ", derived" } else { "" })
        });
        let (text, unit) = value.show();
        let item = if item.is_empty() { String::new() } else { format!(" ({item})") };
        let label = format!("{}{item}", row.row().label);
        writeln!(out, "{}", visible(&format!("{:<4} {label:<34} {text} {unit}{from}", row.word())))
    }

    /// Defects, what failed and what was not asked.
    fn print_oddities(&self, out: &mut impl Write) -> std::io::Result<()> {
        let asked = self.asked;
        let row = |row: Option<RowId>| row.map_or(String::new(), |row| format!(" {}", row.word()));
        for defect in &asked.defects {
            writeln!(out, "defect{} {}", row(defect.row), visible(&defect.what))?;
        }
        for (name, (_, defects)) in self.names.iter().zip(&asked.report.jobs) {
            for defect in defects {
                writeln!(out, "defect{} {name}: {}", row(defect.row), visible(&defect.what))?;
            }
        }
        for failure in failures(asked) {
            writeln!(out, "failed: {}", visible(&failure))?;
        }
        for (what, why) in &asked.not_asked {
            writeln!(out, "not asked: {what}: {why}")?;
        }
        Ok(())
    }

    fn json(&self) -> Json {
        let Shown { asked, rows, of_jobs, filled, names } = self;
        let row = |filled: &Filled| {
            let source = asked.report.sources.get(&filled.row);
            json!({
                "row": filled.row.word(), "label": filled.row.row().label, "item": filled.item,
                "value": integer(&filled.value), "unit": filled.row.row().unit.label(),
                "source": source.map(|source| source.from.clone()),
                "derived": source.is_some_and(|source| source.derived),
            })
        };
        let job_defects = |(name, said): (&String, &(Job, Vec<report::Defect>))| {
            let (job, defects) = said;
            json!({ "item": name, "job": job.uuid, "defects": defects })
        };
        let absent = ROWS.iter().filter(|row| !filled.contains(&row.id));
        let absent = absent.map(|row| json!({ "row": row.id.word(), "why": why_absent(asked, row.id) }));
        let interface = |name: &&'static str| json!({ "name": name, "over": over(name) });
        let not_asked = |(what, why): &(String, String)| json!({ "what": what, "why": why });
        json!({
            "interfaces": asked.drivers.iter().map(interface).collect::<Vec<_>>(),
            "read_at": asked.report.read_at.to_string(), "grade": asked.grade.word(),
            "jobs": names.len(),
            "rows": rows.iter().chain(of_jobs.iter().flatten()).map(row).collect::<Vec<_>>(),
            "absent": absent.collect::<Vec<_>>(),
            "defects": asked.defects,
            "job_defects": names.iter().zip(&asked.report.jobs).map(job_defects).collect::<Vec<_>>(),
            "failed": failures(asked),
            "not_asked": asked.not_asked.iter().map(not_asked).collect::<Vec<_>>(),
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_has_a_name_of_its_own() {
        let job = |sequence: Option<i64>, uuid: Option<&str>| Job {
            sequence,
            uuid: uuid.map(str::to_owned),
            ..Job::default()
        };
        let jobs = [
            job(Some(17), Some("5805be78-cd86-4875-afb9-9c21113dcca0")),
            job(None, Some("5805be78-cd86-4875-afb9-9c21113dcca0")),
            job(Some(17), None),
            job(None, None),
            job(None, None),
        ];
        let expected = ["job 17", "job 5805be78", "job 17 at place 3", "job at place 4", "job at place 5"];
        assert_eq!(names(&jobs.iter().collect::<Vec<_>>()), expected);
    }
}
