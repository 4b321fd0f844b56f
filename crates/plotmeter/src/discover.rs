//! `plotmeter collector discover`: which printers answer in the ranges of the file, and which announce themselves.
//!
//! Deliberately absent: keeping, sending or enrolling anything, and any address that the file does not allow.

use crate::agents::AgentFile;
use crate::collector::ConfigFile;
use crate::words;
use agent::Config;
use agent::discover::{self, Discovery, Found, Progress, Suggestion};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::ranges::Span;
use serde_json::json;
use std::io::Write;
use std::time::Duration;

/// What to look at.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Looks at this address, block or range instead of the file's ranges; may be repeated. The file has to allow it.
    #[arg(long, value_name = "RANGE")]
    range: Vec<String>,
    /// Lists what announces itself in this network instead; nothing is asked but who is there.
    #[arg(long, conflicts_with = "range")]
    mdns: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// How long announcements are listened for.
const LISTEN: Duration = Duration::from_secs(5);

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = arguments.config.load()?;
    let out = &mut std::io::stdout().lock();
    if arguments.mdns {
        let suggestions = crate::runtime()?.block_on(discover::suggestions(LISTEN));
        let suggestions = suggestions.context("ask the network who announces itself")?;
        return Ok(say_suggestions(out, &suggestions, &config, arguments.json)?);
    }
    let mut ranges = Vec::new();
    for text in &arguments.range {
        match Span::readable(text) {
            Ok(range) => ranges.push(range),
            Err(why) => bail!("--range {text} {why}"),
        }
    }
    let bar = bar();
    let surroundings = crate::clock::surroundings();
    let walk = discover::discover(&config, &ranges, &surroundings, crate::stopped(), |progress| show(&bar, progress));
    let discovery = crate::runtime()?.block_on(walk);
    bar.finish_and_clear();
    Ok(say_found(out, &discovery?, arguments.json)?)
}

/// A bar on standard error; where that is no terminal, none is drawn.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    match ProgressStyle::with_template("{pos} of {len} addresses asked, {msg} {wide_bar} {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn show(bar: &ProgressBar, progress: Progress) {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    bar.set_length(count(progress.of));
    bar.set_message(format!("{} found", progress.found));
    bar.set_position(count(progress.asked));
}

fn say_found(out: &mut impl Write, discovery: &Discovery, as_json: bool) -> std::io::Result<()> {
    let Progress { asked, of, .. } = discovery.progress;
    if as_json {
        let found: Vec<_> = discovery.found.iter().map(of_found).collect();
        return writeln!(out, "{:#}", json!({ "asked": asked, "of": of, "found": found }));
    }
    let cells = |found: &Found| {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let names = &found.configuration;
        let interfaces = found.interfaces.join(", ");
        vec![
            found.address.clone(),
            text(&names.product_name),
            text(&names.serial_number),
            text(&names.firmware_version),
            if interfaces.is_empty() { "-".to_owned() } else { interfaces },
            found.why.as_ref().map_or_else(|| "yes".to_owned(), |why| format!("no: {why}")),
        ]
    };
    if !discovery.found.is_empty() {
        let head = ["address", "product", "serial number", "firmware", "interfaces", "would be read"];
        table(out, &head, discovery.found.iter().map(cells).collect())?;
    }
    let word = if asked < of { "stopped: " } else { "" };
    let (of, found) = (words::many_of(of, "address"), discovery.found.len());
    writeln!(out, "{word}{asked} of {of} asked, {found} found; nothing was kept or sent")
}

fn of_found(found: &Found) -> serde_json::Value {
    let names = &found.configuration;
    json!({
        "address": found.address, "product_name": names.product_name, "product_number": names.product_number,
        "serial_number": names.serial_number, "firmware_version": names.firmware_version,
        "interfaces": found.interfaces, "supported": found.supported, "why": found.why,
    })
}

fn say_suggestions(
    out: &mut impl Write,
    suggestions: &[Suggestion],
    config: &Config,
    as_json: bool,
) -> std::io::Result<()> {
    let is_asked = |one: &Suggestion| discover::is_asked(config, one.address);
    if as_json {
        let one = |one: &Suggestion| {
            json!({
                "name": one.name, "address": one.address.to_string(), "port": one.port, "type": one.service,
                "in_ranges": is_asked(one),
            })
        };
        return writeln!(out, "{:#}", json!({ "suggestions": suggestions.iter().map(one).collect::<Vec<_>>() }));
    }
    if suggestions.is_empty() {
        return writeln!(out, "nothing that looks like a printer announced itself");
    }
    let cells = |one: &Suggestion| {
        let place = if is_asked(one) { "in the file's ranges" } else { "outside of the file's ranges" };
        vec![one.name.clone(), one.address.to_string(), one.port.to_string(), one.service.clone(), place.to_owned()]
    };
    table(
        out,
        &["name", "address", "port", "type", "asked by the collector"],
        suggestions.iter().map(cells).collect(),
    )?;
    writeln!(out, "only suggestions: whoever answers may say anything, and only what stands in the file is ever asked")
}

/// Rows under a head, in columns.
fn table(out: &mut impl Write, head: &[&str], rows: Vec<Vec<String>>) -> std::io::Result<()> {
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    for row in &rows {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = width(column).unwrap_or_default();
            format!("{cell:<width$}")
        });
        writeln!(out, "{}", words::visible(cells.collect::<Vec<_>>().join("  ").trim_end()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::Configuration;

    fn said(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("written");
        String::from_utf8(out).expect("text")
    }

    fn discovery() -> Discovery {
        let configuration = Configuration {
            product_name: Some("HP DesignJet T930 36in".to_owned()),
            serial_number: Some("CN1".to_owned()),
            ..Configuration::default()
        };
        let read = Found {
            address: "192.0.2.1".to_owned(),
            configuration,
            interfaces: vec!["piws", "snmp"],
            supported: true,
            why: None,
        };
        let old = Found {
            address: "192.0.2.9".to_owned(),
            configuration: Configuration::default(),
            interfaces: Vec::new(),
            supported: false,
            why: Some("asleep".to_owned()),
        };
        Discovery { found: vec![read, old], progress: Progress { asked: 9, of: 16, found: 2 } }
    }

    #[test]
    fn a_table_says_what_answered_and_whether_it_would_be_read() {
        let text = said(|out| say_found(out, &discovery(), false));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "address    product                 serial number  firmware  interfaces  would be read",
                "192.0.2.1  HP DesignJet T930 36in  CN1            -         piws, snmp  yes",
                "192.0.2.9  -                       -              -         -           no: asleep",
                "stopped: 9 of 16 addresses asked, 2 found; nothing was kept or sent",
            ]
        );
        let json: serde_json::Value =
            serde_json::from_str(&said(|out| say_found(out, &discovery(), true))).expect("JSON");
        assert_eq!((&json["found"][0]["supported"], &json["asked"]), (&json!(true), &json!(9)));
    }

    #[test]
    fn a_suggestion_outside_of_the_ranges_is_marked() {
        let config = Config::parse("state = \"s\"\nranges = [\"192.0.2.0/30\"]\n").expect("valid");
        let one = |address: &str| Suggestion {
            address: address.parse().expect("an address"),
            service: "_ipps._tcp".to_owned(),
            port: 631,
            name: "Plot 1".to_owned(),
        };
        let text = said(|out| say_suggestions(out, &[one("192.0.2.1"), one("198.51.100.1")], &config, false));
        assert!(text.contains("192.0.2.1     631   _ipps._tcp  in the file's ranges\n"), "{text}");
        assert!(text.contains("198.51.100.1  631   _ipps._tcp  outside of the file's ranges\n"), "{text}");
    }
}
