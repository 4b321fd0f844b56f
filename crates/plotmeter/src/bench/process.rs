//! What `/proc` says of a process: CPU and memory.
//!
//! Deliberately absent: bytes on the wire. Linux counts a process's bytes of files only.

use anyhow::Context;
use std::process::Child;

/// A process that ends with this.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The state of a process, as Linux spells it, and its user and system seconds so far.
pub(super) fn stat(pid: u32) -> anyhow::Result<(String, f64)> {
    let stat =
        std::fs::read_to_string(format!("/proc/{pid}/stat")).context("this bench reads /proc: it runs on Linux")?;
    // The name before it stands in parentheses and may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    let state = fields.first().copied().unwrap_or("").to_owned();
    // Linux counts in hundredths of a second.
    Ok((state, (ticks(11) + ticks(12)) as f64 / 100.0))
}

/// User and system seconds of a process so far.
pub(super) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    Ok(stat(pid)?.1)
}

/// Memory of a process that is in RAM, kB.
pub(super) fn resident_kb(pid: u32) -> anyhow::Result<u64> {
    memory_kb(pid, "VmRSS:")
}

/// A line of a process's status that counts kB; 0 where there is none.
pub(super) fn memory_kb(pid: u32, name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or("");
    Ok(line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// So many in a second.
pub(super) fn rate(count: u64, seconds: f64) -> String {
    format!("{:.0}", count as f64 / seconds)
}

/// Microseconds of each.
pub(super) fn micros(seconds: f64, count: u64) -> String {
    format!("{:.0}", seconds * 1e6 / count as f64)
}
