//! Everything together: real processes, real TLS, simulated printers, both databases.
// What a test prints says why it was skipped, or which seed it ran with.
#![allow(clippy::print_stdout)]

mod agents;
mod backup;
mod canary;
mod discover;
#[cfg(target_os = "linux")]
mod hostile;
mod interception;
mod kill;
mod lab;
mod needles;
mod outage;
mod polite;
mod probe;
mod processes;
mod programs;
mod traffic;
mod trust;
mod wire;
mod world;
