//! Everything together: real processes, real TLS, simulated printers, both databases.
// What a test prints says why it was skipped, or which seed it ran with.
#![allow(clippy::print_stdout)]

mod agents;
mod kill;
mod probe;
mod programs;
mod wire;
mod world;
