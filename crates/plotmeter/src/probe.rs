//! `plotmeter probe ADDRESS`: what one printer says, row by row.

use agent::{Asked, Patience, ask};
use anyhow::bail;
use report::{Filled, ROWS, Value, walk};
use serde_json::{Value as Json, json};
use std::io::Write;
use std::time::Duration;

/// Which printer, and how.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Host or address of the printer, with `:port` unless it is 443.
    address: String,
    /// Prints JSON: every filled row with its integer value, unit and source, and the defects.
    #[arg(long)]
    json: bool,
    /// The pause between two requests.
    #[arg(long, default_value_t = 1000)]
    pause_ms: u64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let patience = Patience { pause: Duration::from_millis(arguments.pause_ms), ..Patience::default() };
    let asked = crate::runtime()?.block_on(ask(&arguments.address, crate::clock::now(), patience));
    match asked {
        Ok(asked) if arguments.json => writeln!(std::io::stdout(), "{:#}", as_json(&asked))?,
        Ok(asked) => print(&asked, &mut std::io::stdout().lock())?,
        Err(why) => bail!("{}: {why}", arguments.address),
    }
    Ok(())
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
            writeln!(out, "{:<4} {:<34} absent", row.id.word(), row.label)?;
        }
        for Filled { item, value, .. } in values {
            let (text, unit) = value.show();
            let item = if item.is_empty() { String::new() } else { format!(" ({item})") };
            writeln!(out, "{:<4} {:<34} {text} {unit}{from}", row.id.word(), format!("{}{item}", row.label))?;
        }
    }
    let jobs = asked.report.jobs.iter().flat_map(|(job, defects)| defects.iter().map(move |defect| (job, defect)));
    for defect in &asked.defects {
        writeln!(out, "defect {} {}", defect.row.map_or("", |row| row.word()), defect.what)?;
    }
    for (job, defect) in jobs {
        let job = job.uuid.as_deref().unwrap_or("without UUID");
        writeln!(out, "defect {} job {job}: {}", defect.row.map_or("", |row| row.word()), defect.what)?;
    }
    let rows: std::collections::BTreeSet<_> = filled.iter().map(|filled| filled.row).collect();
    eprintln!("{} of {} rows filled by {}, {} defects", rows.len(), ROWS.len(), asked.driver, asked.defects.len());
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
    let absent = ROWS.iter().filter(|row| !filled.iter().any(|filled| filled.row == row.id)).map(|row| row.id.word());
    json!({
        "driver": asked.driver, "read_at": asked.report.read_at.to_string(), "grade": asked.grade.word(),
        "rows": filled.iter().map(row).collect::<Vec<_>>(),
        "absent": absent.collect::<Vec<_>>(),
        "defects": asked.defects,
        "job_defects": asked.report.jobs.iter().map(job_defects).collect::<Vec<_>>(),
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
