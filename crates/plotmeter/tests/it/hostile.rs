//! What a reading of each hostile printer costs the program: time and memory, measured from outside, as a table.
//!
//! Deliberately absent: what ends with the deadline of the whole reading, which is five minutes; the agents' own
//! tests hold it with a shorter one.

// Two test programs share these, and each uses a part.
#[allow(dead_code, unused_imports)]
#[path = "../../../agent/tests/it/behaviours/mod.rs"]
mod behaviours;

use crate::processes::{EXECUTABLE, quiet};
use behaviours::{COMMUNITY, Case, DATAGRAMS_UNHEARD, Ends, Hostile, Named};
use std::fs::File;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::Child;
use tokio::task::JoinSet;

/// What no reading may take, with a build that is not optimised: 160 MB.
const PEAK_KB_MAX: u64 = 160 * 1024;
/// Between two looks at a program.
const LOOK: Duration = Duration::from_millis(10);
/// Programs at the same time.
const AT_ONCE: usize = 6;
/// The port on which the program asks SNMP.
const SNMP_PORT: u16 = 161;
/// The unit of the kernel's account of processor time, on every Linux that we build for: a hundredth of a second.
const TICKS_PER_SECOND: u64 = 100;
/// What a busy machine may need beyond a deadline: less than lies between two of them.
const GRACE: Duration = Duration::from_secs(14);
/// What it may need for the bytes themselves, where no deadline comes first.
const BYTES: Duration = Duration::from_secs(60);

/// What one reading came to.
struct Cost {
    case: &'static Case,
    status: ExitStatus,
    words: String,
    hundredths: u64,
    processor_ticks: u64,
    peak_kb: u64,
}

/// The time after which a reading must be over: the program's own deadline, as `agent::Patience` has it, and a grace.
fn deadline(ends: Ends) -> Duration {
    let seconds = match ends {
        Ends::AtOnce => return BYTES,
        Ends::Connect | Ends::Idle => 10,
        Ends::Unheard => 10 * u64::from(DATAGRAMS_UNHEARD),
        Ends::Answer => 30,
        Ends::Reading => 300,
    };
    Duration::from_secs(seconds) + GRACE
}

/// Hundredths of seconds since the machine started: the first number of the file.
fn uptime() -> u64 {
    let text = std::fs::read_to_string("/proc/uptime").expect("Linux");
    let (seconds, rest) = text.split_once('.').expect("a number");
    let hundredths = rest.split(' ').next().unwrap_or("0");
    seconds.parse::<u64>().expect("seconds") * 100 + hundredths.parse::<u64>().expect("hundredths")
}

/// The most memory that a program held so far, in kB; `None` once it is gone.
fn peak_kb(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// The processor time of a program so far, in ticks; `None` once it is gone.
fn processor_ticks(id: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in brackets may hold spaces; user and system time are the 14th and 15th field.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Looks at a program until it ends: its status, its most memory and its processor time.
async fn watch(child: &mut Child) -> (ExitStatus, u64, u64) {
    let id = child.id().expect("runs");
    let (mut peak, mut ticks) = (0, 0);
    loop {
        tokio::select! {
            ended = child.wait() => return (ended.expect("waited for"), peak, ticks),
            () = tokio::time::sleep(LOOK) => {
                peak = peak_kb(id).unwrap_or(0).max(peak);
                ticks = processor_ticks(id).unwrap_or(0).max(ticks);
            }
        }
    }
}

/// Starts the printer of a case at an address of its own; `None` where nobody but root may have its port.
async fn printer(case: &'static Case, number: u8) -> Option<Hostile> {
    let host = Ipv4Addr::new(127, 77, 0, number);
    match Hostile::start_at(case, host, SNMP_PORT).await {
        Ok(hostile) => Some(hostile),
        Err(error) => {
            println!("skipped: {} at {host}: {error}", case.interface());
            None
        }
    }
}

/// Reads the printer of a case by `plotmeter probe`.
async fn probe(case: &'static Case, number: u8, folder: &Path) -> Option<Cost> {
    let hostile = printer(case, number).await?;
    let (out, err) = (folder.join(format!("{number}.out")), folder.join(format!("{number}.err")));
    let mut command = quiet(EXECUTABLE, &["probe", &hostile.address, "--pause-ms", "0"]);
    // Where it has no IPP: a port on which nobody listens.
    command.args(["--ipp-port", &hostile.ipp_port.unwrap_or(9).to_string()]);
    if hostile.snmp_port.is_some() {
        command.args(["--snmp-community", COMMUNITY]);
    }
    command.stdout(File::create(&out).expect("a file")).stderr(File::create(&err).expect("a file"));
    let began = uptime();
    let mut child = command.spawn().expect("starts");
    let watched = tokio::time::timeout(deadline(case.ends), watch(&mut child)).await;
    let (status, peak_kb, processor_ticks) =
        watched.unwrap_or_else(|_| panic!("a printer that {} was not left by the deadline", case.name));
    let words = [out, err].map(|path| std::fs::read_to_string(path).expect("text")).concat();
    Some(Cost { case, status, words, hundredths: uptime() - began, processor_ticks, peak_kb })
}

impl Cost {
    /// One row of the table.
    fn row(&self) -> String {
        let Cost { case, hundredths, processor_ticks, peak_kb, .. } = self;
        let (Named::Defect(words) | Named::Error(words)) = case.named;
        let named = if matches!(case.named, Named::Error(_)) { "error" } else { "defect" };
        let processor = processor_ticks * 100 / TICKS_PER_SECOND;
        let seconds = |hundredths: u64| format!("{}.{:02}", hundredths / 100, hundredths % 100);
        format!(
            "| {} | {} | {named}: {words} | {} | {} | {} | {} |",
            case.interface(),
            case.name,
            case.ends.word(),
            seconds(*hundredths),
            seconds(processor),
            peak_kb / 1024
        )
    }

    /// What is wrong with it; `None` where nothing is.
    fn complaint(&self) -> Option<String> {
        let (success, words) = match self.case.named {
            Named::Defect(words) => (true, words),
            Named::Error(words) => (false, words),
        };
        let what = if self.status.success() != success || self.status.code().is_none() {
            format!("ended with {}: {}", self.status, self.words)
        } else if !self.words.contains(words) || self.words.contains("panicked") {
            format!("did not say {words:?}: {}", self.words)
        } else if self.peak_kb > PEAK_KB_MAX {
            format!("held {} kB", self.peak_kb)
        } else {
            return None;
        };
        Some(format!("{}: of a printer that {} the program {what}", self.case.interface(), self.case.name))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_hostile_printer_costs_the_program_more_than_its_deadline_and_a_bound_of_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let measured: Vec<&'static Case> = behaviours::all().filter(|case| case.ends != Ends::Reading).collect();
    let number = |index: usize| u8::try_from(index + 1).expect("fewer cases than addresses");
    let mut waiting = measured.iter().copied().enumerate();
    let (mut running, mut costs) = (JoinSet::new(), Vec::new());
    loop {
        while running.len() < AT_ONCE {
            let Some((index, case)) = waiting.next() else { break };
            let folder = folder.path().to_owned();
            running.spawn(async move { probe(case, number(index), &folder).await });
        }
        match running.join_next().await {
            None => break,
            Some(cost) => costs.extend(cost.expect("measured")),
        }
    }
    costs.sort_by_key(|cost| measured.iter().position(|case| case.name == cost.case.name));
    println!("| interface | a printer that … | is named | ended by | s | processor s | peak MB |");
    println!("|---|---|---|---|---:|---:|---:|");
    costs.iter().for_each(|cost| println!("{}", cost.row()));
    assert!(costs.len() >= 40, "{} cases were measured", costs.len());
    let complaints: Vec<String> = costs.iter().filter_map(Cost::complaint).collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
